//! `rebounce`: make for audio deliveries.
//!
//! The modules stand in the order in which data flows; each may use those above
//! it. `tests/tidy.rs` holds that order.

// Common ground, used by all.
pub mod diag;
pub mod fsio;
pub mod units;
pub mod yaml;

// The pipeline, in the order of the data.
pub mod audio;
pub mod dsp;
pub mod manifest;
pub mod qc;
pub mod spec;
