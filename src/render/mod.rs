//! The pass over the programme: each source segment decoded once, each output
//! segment written once, many files abreast. Nothing here knows the manifest's
//! words; reasons and reports are made elsewhere from what the pass returns.

pub mod eval;
pub mod outside;
pub mod pass;
pub mod streams;
mod todo;
pub mod writer;

/// A signal over one segment: `[channel][frame]`, full scale 1.0.
pub type Block = Vec<Vec<f64>>;
