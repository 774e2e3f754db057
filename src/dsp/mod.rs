//! The arithmetic of operators and meters: samples in, samples or figures out.
//! `+ - * / sqrt` only, in a fixed order, so that the bits are the same on every
//! machine (law 1).

pub mod dither;
pub mod loudness;
pub mod true_peak;
pub mod process;
