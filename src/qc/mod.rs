//! Facts, judgement and the null test.

pub mod facts;
