//! `rebounce`: make for audio deliveries.
//!
//! The modules stand in the order in which data flows; each may use those above
//! it. `tests/tidy.rs` holds that order.

// Common ground, used by all.
pub mod fsio;
pub mod diag;
pub mod units;
pub mod progress;

// The pipeline, in the order of the data.
pub mod audio;
pub mod dsp;
pub mod external;
pub mod yaml;
pub mod spec;
pub mod manifest;
pub mod plan;
pub mod qc;
pub mod key;
pub mod state;
pub mod render;
pub mod package;
pub mod run;

// What comes before a manifest, the outermost loop, and the words.
pub mod init;
pub mod watch;
pub mod cli;
