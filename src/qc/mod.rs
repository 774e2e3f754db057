//! Facts, judgement and the null test.

mod contents;
pub mod facts;
pub mod judge;
pub mod measure;
pub mod measures;
pub mod report;
pub mod words;

#[cfg(test)]
pub(crate) mod testing;
