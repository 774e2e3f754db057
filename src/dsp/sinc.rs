//! The weights of input frames around a place between them: a sinc under a Kaiser
//! window, for [`super::resample`].
//!
//! In frames of the lower of both rates, the sinc is cut off at [`CUTOFF`] and the window
//! reaches [`HALF`] to each side. By Kaiser's formulas, N = (A - 7.95) / (2.285 dw) and
//! beta = 0.1102 (A - 8.7), A is 190 dB from half the lower rate on, so that nothing
//! folds into what is heard; and what lies below 0.4668 of that rate, 20.58 kHz of 44.1,
//! keeps its level to 0.1 dB. That is the edge of SoX's `rate -v`, 8 dB cleaner.

use std::f64::consts::{PI, TAU};

use super::kaiser::kaiser;
use crate::units::Ratio;

/// Sums that a sum of weighted frames is made of: the frames 0, 4, 8..., 1, 5, 9... and
/// so on, added in fixed order, so that a machine may compute them abreast.
pub(super) const LANES: usize = 4;

/// Frames of the lower rate on each side that the window spans, at least.
const HALF: u64 = 146;

/// Of the sinc, in cycles per frame of the lower rate: the middle of the transition,
/// which ends at 0.5.
const CUTOFF: f64 = 0.4777;

/// Of the window.
const BETA: f64 = 20.0;

/// A ratio has a row for each place that its output frames can stand at if its larger
/// number is no larger than this. All changes between standard rates and all pulls have
/// one; some of both together do not. It bounds the table to 4.8 MB at any ratio.
const LONGEST_TABLE: u64 = 2048;

/// Rows per frame of the lower rate where a ratio has more places, and weights are
/// interpolated between rows. What interpolation gets wrong lies below -240 dB.
const FINE: u64 = 128;

/// Rows that are interpolated between, by the polynomial of degree 5 through them.
const POINTS: usize = 6;

/// The places of those rows, counted from the one at or below.
const NEAR: [f64; POINTS] = [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0];

/// Rows of weights, one for each of some places between two input frames.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    taps: usize,
    weights: Vec<f64>,
}

/// The weights for a ratio.
#[derive(Clone, Debug)]
pub(super) enum Sinc {
    /// A row for each place there is.
    Exact(Rows),
    /// Rows to be interpolated between, evenly spaced; [`POINTS`] - 1 of them stand
    /// outside the frame.
    Fine(Rows),
}

impl Sinc {
    /// The weights for `ratio` of output to input frames.
    pub(super) fn new(ratio: Ratio) -> Self {
        Self::with_table(ratio, LONGEST_TABLE)
    }

    /// Exact up to a larger number of the ratio of `longest_table`.
    pub(super) fn with_table(ratio: Ratio, longest_table: u64) -> Self {
        let (up, down) = (u64::from(ratio.numerator()), u64::from(ratio.denominator()));
        // A whole number of lanes for both halves together.
        let half = (HALF * up.max(down)).div_ceil(up).next_multiple_of(LANES as u64 / 2);
        let scale = if up < down { up as f64 / down as f64 } else { 1.0 };
        if up.max(down) <= longest_table {
            return Sinc::Exact(Rows::exact(half, up, scale));
        }
        let per_frame = (FINE * up).div_ceil(up.max(down));
        Sinc::Fine(Rows::fine(half, per_frame, scale))
    }

    /// Input frames that an output frame hears, half of them at or before its place.
    pub(super) fn taps(&self) -> usize {
        let (Sinc::Exact(rows) | Sinc::Fine(rows)) = self;
        rows.taps
    }
}

/// The weight of a frame `distance` input frames away, before the sum of a row is made 1.
/// The window spans `half` input frames on each side.
fn weight(distance: f64, half: f64, scale: f64) -> f64 {
    let window = kaiser(BETA, distance / half);
    if distance == 0.0 {
        return 2.0 * CUTOFF * window;
    }
    let frames = distance * scale;
    window * libm::sin(TAU * CUTOFF * frames) / (PI * frames)
}

impl Rows {
    /// A row for each of `up` places between two input frames.
    fn exact(half: u64, up: u64, scale: f64) -> Self {
        // Weights at all distances there are, in up-ths of a frame.
        let weights: Vec<f64> = (0..=half * up)
            .map(|distance| weight(distance as f64 / up as f64, half as f64, scale))
            .collect();
        let taps = 2 * half as usize;
        let mut rows = Vec::with_capacity(taps * up as usize);
        for part in 0..up {
            let first = part + (half - 1) * up;
            rows.extend((0..taps as u64).map(|tap| weights[first.abs_diff(tap * up) as usize]));
        }
        Self { taps, weights: rows }.with_sums_of_one()
    }

    fn fine(half: u64, per_frame: u64, scale: f64) -> Self {
        let taps = 2 * half as usize;
        let mut rows = Vec::with_capacity(taps * (per_frame as usize + POINTS - 1));
        for row in 0..per_frame + POINTS as u64 - 1 {
            let part = (row as f64 + NEAR[0]) / per_frame as f64;
            rows.extend((0..taps).map(|tap| {
                let distance = part + (half - 1) as f64 - tap as f64;
                weight(distance, half as f64, scale)
            }));
        }
        Self { taps, weights: rows }.with_sums_of_one()
    }

    /// A constant comes out as it is.
    fn with_sums_of_one(mut self) -> Self {
        for row in self.weights.chunks_exact_mut(self.taps) {
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|weight| *weight /= sum);
        }
        self
    }

    /// The row of the place `index` L-ths after a frame.
    pub(super) fn row(&self, index: usize) -> &[f64] {
        &self.weights[index * self.taps..][..self.taps]
    }

    /// The weights `part` / `of` of the way between two frames, between rows.
    pub(super) fn between(&self, part: u32, of: u32, weights: &mut [f64]) {
        let per_frame = (self.weights.len() / self.taps + 1 - POINTS) as u64;
        let place = u64::from(part) * per_frame;
        let below = (place / u64::from(of)) as usize;
        let fraction = (place % u64::from(of)) as f64 / f64::from(of);
        let near = lagrange(fraction);
        let [a, b, c, d, e, f]: [&[f64]; POINTS] =
            std::array::from_fn(|point| &self.row(below + point)[..weights.len()]);
        for (tap, weight) in weights.iter_mut().enumerate() {
            *weight = (near[0] * a[tap] + near[1] * b[tap])
                + (near[2] * c[tap] + near[3] * d[tap])
                + (near[4] * e[tap] + near[5] * f[tap]);
        }
    }
}

/// How much each of the points [`NEAR`] counts `fraction` of the way from the one at 0
/// to the next: Lagrange's polynomials.
fn lagrange(fraction: f64) -> [f64; POINTS] {
    std::array::from_fn(|point| {
        let others = NEAR.iter().enumerate().filter(|(other, _)| *other != point);
        others
            .fold(1.0, |product, (_, other)| product * ((fraction - other) / (NEAR[point] - other)))
    })
}
