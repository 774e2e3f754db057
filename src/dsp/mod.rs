//! The arithmetic of operators and meters: samples in, samples or figures out.
//! `+ - * / sqrt` only, in a fixed order, so that the bits are the same on every
//! machine (law 1).

pub mod dither;
pub mod eq;
pub mod loudness;
pub mod true_peak;
pub mod process;

/// What a recursion keeps of a value: nothing if it is too small ever to matter.
/// Otherwise silence after sound would decay into subnormal numbers, which take a
/// hundred times as long, and never arrive at zero.
fn settled(value: f64) -> f64 {
    const NOTHING: f64 = 1e-150;
    if value.abs() < NOTHING { 0.0 } else { value }
}
