//! Equaliser filters: the designs of R. Bristow-Johnson's Audio EQ Cookbook (W3C
//! Note, 2021), computed as a state-variable filter with trapezoidal integrators
//! after A. Simper, "Linear Trapezoidal Integrated State Variable Filter" (Cytomic,
//! 2013). Both have the same response; the latter keeps its accuracy at low
//! frequencies, where a direct form loses some 60 dB of it (dsp-and-qc 6.3).

use std::f64::consts::{LN_2, PI};

use super::settled;
use crate::units::SampleRate;

/// What a filter does to the spectrum.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Shape {
    /// Removes what lies below the corner.
    HighPass,
    /// Removes what lies above the corner.
    LowPass,
    /// Raises or lowers what lies below; half of the decibels at the corner.
    LowShelf,
    /// Raises or lowers what lies above; half of the decibels at the corner.
    HighShelf,
    /// Raises or lowers what lies around the centre.
    Bell,
    /// Removes the centre.
    Notch,
}

/// How steep a high-pass or low-pass is far from its corner.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Slope {
    /// 12 dB per octave, second order.
    Db12,
    /// 24 dB per octave, fourth order.
    Db24,
    /// 48 dB per octave, eighth order.
    Db48,
}

/// One filter of second order for one sample rate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Filter {
    /// Coefficients of the two integrators.
    a: [f64; 3],
    /// How much of input, band-pass and low-pass the output holds.
    mix: [f64; 3],
    /// See [`Filter::before`].
    before: usize,
}

/// What a [`Filter`] remembers of one channel; the default is rest.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct State([f64; 2]);

impl Slope {
    /// dB per octave.
    pub fn db(self) -> u32 {
        match self {
            Slope::Db12 => 12,
            Slope::Db24 => 24,
            Slope::Db48 => 48,
        }
    }
}

impl Filter {
    /// Everything that its output depends on, for a key.
    pub fn numbers(&self) -> [u64; 7] {
        let Self { a: [a1, a2, a3], mix: [m0, m1, m2], before } = *self;
        let [a1, a2, a3, m0, m1, m2] = [a1, a2, a3, m0, m1, m2].map(f64::to_bits);
        [a1, a2, a3, m0, m1, m2, before as u64]
    }

    /// A filter, or `None` unless `hz` lies between 0 and half the sample rate,
    /// `q` is above 0 and all are finite.
    ///
    /// `hz` is the corner or centre. `q` is the cookbook's; for a high-pass or
    /// low-pass it is the gain at the corner. `gain_db` is that of a bell's centre
    /// and a shelf's far end; the other shapes have none. At 0 dB bells and shelves
    /// return their input bit for bit.
    pub fn new(shape: Shape, hz: f64, q: f64, gain_db: f64, rate: SampleRate) -> Option<Self> {
        let nyquist = f64::from(rate.hz()) / 2.0;
        if !(hz > 0.0 && hz < nyquist && q > 0.0 && q.is_finite() && gain_db.is_finite()) {
            return None;
        }
        let amplitude = libm::exp10(gain_db / 40.0);
        let power = amplitude * amplitude;
        let warped = libm::tan(PI * hz / f64::from(rate.hz()));
        // Simper 2013, "all shapes": g, k, and the mix of input, band and low.
        let k = 1.0 / q;
        let (g, k, mix) = match shape {
            Shape::LowPass => (warped, k, [0.0, 0.0, 1.0]),
            Shape::HighPass => (warped, k, [1.0, -k, -1.0]),
            Shape::Notch => (warped, k, [1.0, -k, 0.0]),
            Shape::Bell => {
                let k = k / amplitude;
                (warped, k, [1.0, k * (power - 1.0), 0.0])
            }
            Shape::LowShelf => {
                (warped / amplitude.sqrt(), k, [1.0, k * (amplitude - 1.0), power - 1.0])
            }
            Shape::HighShelf => {
                let band = k * (1.0 - amplitude) * amplitude;
                (warped * amplitude.sqrt(), k, [power, band, 1.0 - power])
            }
        };
        let first = 1.0 / (1.0 + g * (g + k));
        let a = [first, g * first, g * (g * first)];
        Some(Self { a, mix, before: memory(g, k, mix) })
    }

    /// A Butterworth high-pass or low-pass, -3 dB at `hz`, as filters to be run one
    /// after the other; `None` for other shapes and where [`Filter::new`] has none.
    ///
    /// The poles of order N stand at angles of pi (2i + 1) / 2N from the imaginary
    /// axis, whence 1/Q = 2 sin of it (Butterworth 1930).
    pub fn butterworth(shape: Shape, hz: f64, slope: Slope, rate: SampleRate) -> Option<Vec<Self>> {
        let order = match (shape, slope) {
            (Shape::HighPass | Shape::LowPass, Slope::Db12) => 2,
            (Shape::HighPass | Shape::LowPass, Slope::Db24) => 4,
            (Shape::HighPass | Shape::LowPass, Slope::Db48) => 8,
            _ => return None,
        };
        let angle = |pair: u32| PI * f64::from(2 * pair + 1) / f64::from(2 * order);
        let q = |pair| 0.5 / libm::sin(angle(pair));
        (0..order / 2).map(|pair| Self::new(shape, hz, q(pair), 0.0, rate)).collect()
    }

    /// Frames after which all that input within full scale can have left behind is
    /// less than 2^-40 of full scale: from rest so many frames ahead, the output is
    /// that of a filter that has always run. Filters in series add theirs up.
    pub fn before(&self) -> usize {
        self.before
    }

    /// Filters one channel in place, going on from `state`. From rest, silence stays
    /// exactly silent; how a signal is cut into calls changes no bit.
    pub fn process(&self, state: &mut State, samples: &mut [f64]) {
        let ([a1, a2, a3], [m0, m1, m2]) = (self.a, self.mix);
        let [mut first, mut second] = state.0;
        for sample in samples {
            let high = *sample - second;
            let band = a1 * first + a2 * high;
            let low = second + (a2 * first + a3 * high);
            first = settled(2.0 * band - first);
            second = settled(2.0 * low - second);
            *sample = m0 * *sample + (m1 * band + m2 * low);
        }
        state.0 = [first, second];
    }
}

/// How many frames a filter remembers, see [`Filter::before`].
///
/// The poles are those of s^2 + k s + 1, times g, through the bilinear transform
/// z = (1 + s) / (1 - s). A pair has |z|^2 = (1 + g^2 - g k) / (1 + g^2 + g k); a
/// real pole at -p has |z| = |1 - p| / (1 + p).
fn memory(g: f64, k: f64, mix: [f64; 3]) -> usize {
    // Of the band-pass, full-scale input makes no more than 2/k; of the low-pass
    // 2 or 2/k.
    let reach = 2.0 * (mix[1].abs() + mix[2].abs() * k.max(1.0)) / k;
    // Two equal poles decay as (1 + t) exp(-t), which is 2^-40 where t is 45 ln 2.
    let nepers = 45.0 * LN_2 + libm::log(reach);
    let nepers_per_frame = if k < 2.0 {
        -0.5 * libm::log1p(-2.0 * g * k / (1.0 + g * g + g * k))
    } else {
        let larger = k / 2.0 + (k * k / 4.0 - 1.0).sqrt();
        let real = |p: f64| -libm::log1p(-2.0 * p.min(1.0) / (1.0 + p));
        real(g * larger).min(real(g / larger))
    };
    // No memory at all (0 dB) has a logarithm of minus infinity: 0 frames.
    libm::ceil(nepers / nepers_per_frame) as usize
}
