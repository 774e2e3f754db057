//! The arithmetic of operators and meters: samples in, samples or figures out.
//! `+ - * / sqrt` only, in a fixed order, so that the bits are the same on every
//! machine (law 1).

pub mod compressor;
pub mod dither;
pub mod eq;
pub mod limiter;
pub mod loudness;
pub mod peaks;
pub mod process;
pub mod true_peak;

/// What a recursion remembers of two values: nothing if both are too small ever to
/// matter. Otherwise silence after sound would decay into subnormal numbers, which
/// take a hundred times as long, and never arrive at zero.
fn settled([a, b]: [f64; 2]) -> [f64; 2] {
    const NOTHING: f64 = 1e-150;
    if a.abs() + b.abs() < NOTHING { [0.0; 2] } else { [a, b] }
}
