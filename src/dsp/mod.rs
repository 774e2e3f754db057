//! The arithmetic of operators and meters: samples in, samples or figures out.
//! `+ - * / sqrt` only, in a fixed order, so that the bits are the same on every
//! machine (law 1).

pub mod compressor;
pub mod conversion;
pub mod deess;
pub mod dither;
pub mod downmix;
pub mod edit;
pub mod envelope;
pub mod eq;
pub mod hilbert;
mod kaiser;
pub mod limiter;
pub mod loudness;
pub mod pan;
pub mod peaks;
pub mod process;
pub mod resample;
pub mod shaping;
pub mod signal;
mod sinc;
pub mod true_peak;

/// Whether input and memory of a recursion are too small ever to matter, so that it
/// may return to rest. Otherwise silence after sound would decay into subnormal
/// numbers, which take a hundred times as long, and never arrive at zero.
fn is_nothing(input: f64, memory: [f64; 2]) -> bool {
    const NOTHING: f64 = 1e-150;
    input.abs() + (memory[0].abs() + memory[1].abs()) < NOTHING
}
