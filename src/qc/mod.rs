//! Facts, judgement and the null test.

pub mod facts;
pub mod measure;
pub mod measures;
