//! Equaliser filters: the designs of R. Bristow-Johnson's Audio EQ Cookbook (W3C
//! Note, 2021), computed as a state-variable filter with trapezoidal integrators
//! after A. Simper, "Linear Trapezoidal Integrated State Variable Filter" (Cytomic,
//! 2013). Both have the same response; the latter keeps its accuracy at low
//! frequencies, where a direct form loses some 60 dB of it (dsp-and-qc 6.3).

use std::f64::consts::{LN_2, PI};

use super::is_nothing;
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
            let rest = is_nothing(*sample, [first, second]);
            let high = *sample - second;
            let band = a1 * first + a2 * high;
            let rise = a2 * first + a3 * high;
            let low = second + rise;
            // The integrators' next values, 2 band - first and 2 low - second.
            first = if rest { 0.0 } else { band + band - first };
            second = if rest { 0.0 } else { low + rise };
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
    if reach == 0.0 {
        return 0;
    }
    // Two equal poles decay as (1 + t) exp(-t), which is 2^-40 where t is 45 ln 2.
    let nepers = 45.0 * LN_2 + libm::log(reach);
    let nepers_per_frame = if k < 2.0 {
        -0.5 * libm::log1p(-2.0 * g * k / (1.0 + g * g + g * k))
    } else {
        let larger = k / 2.0 + (k * k / 4.0 - 1.0).sqrt();
        let real = |p: f64| -libm::log1p(-2.0 * p.min(1.0) / (1.0 + p));
        real(g * larger).min(real(g / larger))
    };
    // Even poles at zero leave two frames behind.
    2 + libm::ceil(nepers / nepers_per_frame) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const SHAPES: [Shape; 6] = [
        Shape::HighPass,
        Shape::LowPass,
        Shape::LowShelf,
        Shape::HighShelf,
        Shape::Bell,
        Shape::Notch,
    ];
    /// Frames of a measurement; all tones have whole waves in it.
    const PERIOD: usize = 4_800;

    fn rate(hz: u32) -> SampleRate {
        SampleRate::new(hz).unwrap()
    }

    /// A complex number, as far as needed.
    type Complex = (f64, f64);

    fn quotient((a, b): Complex, (c, d): Complex) -> Complex {
        let size = c * c + d * d;
        ((a * c + b * d) / size, (b * c - a * d) / size)
    }

    fn decibels((re, im): Complex) -> f64 {
        10.0 * (re * re + im * im).log10()
    }

    /// The cookbook as printed: coefficients of a biquad, at one frequency.
    fn cookbook(shape: Shape, hz: f64, q: f64, gain_db: f64, rate: f64, at: f64) -> Complex {
        let a = 10_f64.powf(gain_db / 40.0);
        let (sin, cos) = (TAU * hz / rate).sin_cos();
        let alpha = sin / (2.0 * q);
        let root = 2.0 * a.sqrt() * alpha;
        let pass = [1.0 + alpha, -2.0 * cos, 1.0 - alpha];
        let (up, down) = (a + 1.0, a - 1.0);
        let (zeros, poles) = match shape {
            Shape::LowPass => ([(1.0 - cos) / 2.0, 1.0 - cos, (1.0 - cos) / 2.0], pass),
            Shape::HighPass => ([(1.0 + cos) / 2.0, -(1.0 + cos), (1.0 + cos) / 2.0], pass),
            Shape::Notch => ([1.0, -2.0 * cos, 1.0], pass),
            Shape::Bell => (
                [1.0 + alpha * a, -2.0 * cos, 1.0 - alpha * a],
                [1.0 + alpha / a, -2.0 * cos, 1.0 - alpha / a],
            ),
            Shape::LowShelf => (
                [
                    a * (up - down * cos + root),
                    2.0 * a * (down - up * cos),
                    a * (up - down * cos - root),
                ],
                [up + down * cos + root, -2.0 * (down + up * cos), up + down * cos - root],
            ),
            Shape::HighShelf => (
                [
                    a * (up + down * cos + root),
                    -2.0 * a * (down + up * cos),
                    a * (up + down * cos - root),
                ],
                [up - down * cos + root, 2.0 * (down - up * cos), up - down * cos - root],
            ),
        };
        let evaluate = |c: [f64; 3]| {
            let w = TAU * at / rate;
            let re = c[0] + c[1] * w.cos() + c[2] * (2.0 * w).cos();
            (re, -(c[1] * w.sin() + c[2] * (2.0 * w).sin()))
        };
        quotient(evaluate(zeros), evaluate(poles))
    }

    /// What filters make of a steady sine of `waves` in [`PERIOD`] frames.
    fn measured(filters: &[Filter], waves: usize) -> Complex {
        let warm_up: usize = filters.iter().map(Filter::before).sum();
        let periods = warm_up.div_ceil(PERIOD) + 1;
        let angle = |n: usize| TAU * (n * waves % PERIOD) as f64 / PERIOD as f64;
        let mut signal: Vec<f64> = (0..periods * PERIOD).map(|n| angle(n).cos()).collect();
        for filter in filters {
            filter.process(&mut State::default(), &mut signal);
        }
        let last = signal[(periods - 1) * PERIOD..].iter().enumerate();
        let sum = last.fold((0.0, 0.0), |(re, im), (n, y)| {
            (re + y * angle(n).cos(), im - y * angle(n).sin())
        });
        (sum.0 * 2.0 / PERIOD as f64, sum.1 * 2.0 / PERIOD as f64)
    }

    const TONES: [usize; 14] = [2, 3, 5, 10, 31, 100, 240, 480, 700, 1000, 1500, 2000, 2300, 2399];

    #[test]
    fn every_shape_has_the_response_of_the_cookbook() {
        for hz in [44_100, 48_000, 96_000] {
            for shape in SHAPES {
                for (corner, q, gain_db) in [
                    (40.0, 4.0, 15.0),
                    (1_000.0, 0.3, -9.5),
                    (7_000.0, 0.707, 6.0),
                    (21e3, 2.0, -24.0),
                ] {
                    let filter = Filter::new(shape, corner, q, gain_db, rate(hz)).unwrap();
                    for waves in TONES {
                        let at = f64::from(hz) * waves as f64 / PERIOD as f64;
                        let expected = cookbook(shape, corner, q, gain_db, f64::from(hz), at);
                        let found = measured(&[filter], waves);
                        // Magnitude and phase: 1e-5 is 0.0001 dB. Below -180 dB the
                        // cookbook's own sums have no more digits.
                        let error = (found.0 - expected.0).hypot(found.1 - expected.1);
                        let allowed = 1e-5 * expected.0.hypot(expected.1) + 1e-9;
                        assert!(
                            error < allowed,
                            "{shape:?} {corner} {q} {gain_db} at {at}/{hz}: {found:?} {expected:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn corners_centres_and_ends_are_exact() {
        for hz in [44_100_u32, 48_000, 192_000] {
            for waves in [4, 100, 1_500] {
                let corner = f64::from(hz) * waves as f64 / PERIOD as f64;
                let gain = |shape, q, gain_db, waves| {
                    let filter = Filter::new(shape, corner, q, gain_db, rate(hz)).unwrap();
                    decibels(measured(&[filter], waves))
                };
                let close = |found: f64, expected: f64| {
                    assert!((found - expected).abs() < 1e-6, "{corner}/{hz}: {found} {expected}");
                };
                for q in [0.4, 0.9, 5.0] {
                    close(gain(Shape::HighPass, q, 0.0, waves), 20.0 * q.log10());
                    close(gain(Shape::LowPass, q, 0.0, waves), 20.0 * q.log10());
                    assert!(gain(Shape::Notch, q, 0.0, waves) < -200.0);
                    for gain_db in [-18.0, -0.5, 3.0, 12.0] {
                        close(gain(Shape::Bell, q, gain_db, waves), gain_db);
                        close(gain(Shape::LowShelf, q, gain_db, waves), gain_db / 2.0);
                        close(gain(Shape::HighShelf, q, gain_db, waves), gain_db / 2.0);
                        // A tone of no waves counts twice: 6.02 dB.
                        let still = 20.0 * 2_f64.log10();
                        close(gain(Shape::LowShelf, q, gain_db, 0), gain_db + still);
                        close(gain(Shape::HighShelf, q, gain_db, 0), still);
                        close(gain(Shape::LowShelf, q, gain_db, PERIOD / 2), still);
                        close(gain(Shape::HighShelf, q, gain_db, PERIOD / 2), gain_db + still);
                    }
                }
            }
        }
    }

    #[test]
    fn slopes_are_those_of_butterworth() {
        for (slope, order) in [(Slope::Db12, 2), (Slope::Db24, 4), (Slope::Db48, 8)] {
            for (hz, corner) in [(44_100, 80.0), (48_000, 3_000.0), (96_000, 20_000.0)] {
                for shape in [Shape::HighPass, Shape::LowPass] {
                    let filters = Filter::butterworth(shape, corner, slope, rate(hz)).unwrap();
                    assert_eq!(filters.len(), order / 2);
                    for waves in TONES {
                        let warped = |f: f64| (TAU / 2.0 * f / f64::from(hz)).tan();
                        let at = f64::from(hz) * waves as f64 / PERIOD as f64;
                        let ratio = match shape {
                            Shape::LowPass => warped(at) / warped(corner),
                            _ => warped(corner) / warped(at),
                        };
                        let expected = -10.0 * (1.0 + ratio.powi(2 * order as i32)).log10();
                        let found = decibels(measured(&filters, waves));
                        let close = (found - expected).abs() < 1e-4 || found.max(expected) < -180.0;
                        assert!(close, "{shape:?} {slope:?} {at}/{hz}: {found} {expected}");
                    }
                }
            }
        }
        assert_eq!(Filter::butterworth(Shape::Bell, 1e3, Slope::Db24, rate(48_000)), None);
    }

    /// What is left of all that full-scale input can have done, some frames later.
    fn left_after(filters: &[Filter], frames: usize, end: usize) -> f64 {
        let mut response = vec![0.0; end];
        response[0] = 1.0;
        for filter in filters {
            filter.process(&mut State::default(), &mut response);
        }
        response[frames..].iter().map(|h| h.abs()).sum()
    }

    #[test]
    fn what_lies_before_is_forgotten_and_an_eighth_of_it_is_not() {
        const FORGOTTEN: f64 = 1.0 / (1_u64 << 40) as f64;
        for shape in SHAPES {
            for hz in [25.0, 300.0, 12_000.0, 23_900.0] {
                for q in [0.1, 0.4999, 0.5, 0.5001, 0.707, 8.0, 40.0] {
                    for gain_db in [-24.0, 3.0, 24.0] {
                        let filter = Filter::new(shape, hz, q, gain_db, rate(48_000)).unwrap();
                        let before = filter.before();
                        let left = left_after(&[filter], before, 2 * before + 10);
                        assert!(left < FORGOTTEN, "{shape:?} {hz} {q} {gain_db}: {left}");
                        // Closed form, not plenty: with half of it, some is left.
                        let half = left_after(&[filter], before / 2, 2 * before + 10);
                        assert!(half > FORGOTTEN, "{shape:?} {hz} {q} {gain_db}: {half}");
                    }
                }
            }
            if let Some(filters) = Filter::butterworth(shape, 30.0, Slope::Db48, rate(48_000)) {
                let before: usize = filters.iter().map(Filter::before).sum();
                assert!(left_after(&filters, before, 2 * before) < FORGOTTEN);
                assert!(left_after(&filters, before / 8, 2 * before) > FORGOTTEN);
            }
        }
    }

    /// Steady bass and noise at full scale.
    fn programme(frames: usize) -> Vec<f64> {
        let mut state = 1_u32;
        (0..frames)
            .map(|n| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = f64::from(state as i32) / 2_147_483_648.0;
                0.5 * (TAU * 31.0 * n as f64 / 48_000.0).sin() + 0.5 * noise
            })
            .collect()
    }

    /// Energy of the difference between a filter that always ran and one that starts
    /// from rest ahead of each second, in dB of full scale.
    fn seam_dbfs(filter: &Filter, before: usize) -> f64 {
        let input = programme(6 * 48_000);
        let mut whole = input.clone();
        filter.process(&mut State::default(), &mut whole);
        let mut energy = 0.0;
        for start in (48_000..input.len()).step_by(48_000) {
            let ahead = start.saturating_sub(before);
            let mut cell = input[ahead..start + 48_000].to_vec();
            filter.process(&mut State::default(), &mut cell);
            let pairs = cell[start - ahead..].iter().zip(&whole[start..]);
            energy += pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        }
        10.0 * (energy / (input.len() - 48_000) as f64).log10()
    }

    #[test]
    fn a_restart_is_not_heard_and_one_too_late_is() {
        for (shape, hz, q, gain_db) in [
            (Shape::HighPass, 20.0, 0.707, 0.0),
            (Shape::Bell, 40.0, 8.0, 12.0),
            (Shape::LowShelf, 80.0, 0.5, -12.0),
            (Shape::Notch, 50.0, 10.0, 0.0),
            (Shape::HighShelf, 8_000.0, 0.7, 9.0),
        ] {
            let filter = Filter::new(shape, hz, q, gain_db, rate(48_000)).unwrap();
            let seam = seam_dbfs(&filter, filter.before());
            assert!(seam < -200.0, "{shape:?} {hz}: {seam}");
            let late = seam_dbfs(&filter, filter.before() / 8);
            assert!(late > -200.0, "{shape:?} {hz}: {late}");
        }
    }

    #[test]
    fn silence_stays_silent_and_returns_after_sound() {
        for shape in SHAPES {
            let filter = Filter::new(shape, 90.0, 2.0, -7.0, rate(48_000)).unwrap();
            let mut state = State::default();
            let mut silence = vec![0.0; 1_000];
            filter.process(&mut state, &mut silence);
            assert_eq!(silence, vec![0.0; 1_000]);
            assert_eq!(state, State::default());
            // 350 nepers down to nothing, where `before` holds some 31.
            let mut sound = programme(1_000);
            sound.resize(1_000 + 14 * filter.before(), 0.0);
            filter.process(&mut state, &mut sound);
            assert_eq!(state, State::default(), "{shape:?}");
            assert_eq!(sound.last().copied(), Some(0.0));
        }
    }

    #[test]
    fn cuts_change_no_bit() {
        let filter = Filter::new(Shape::Bell, 700.0, 3.0, 5.0, rate(48_000)).unwrap();
        let mut whole = programme(5_000);
        let mut cut = whole.clone();
        filter.process(&mut State::default(), &mut whole);
        let mut state = State::default();
        cut.chunks_mut(77).for_each(|part| filter.process(&mut state, part));
        assert_eq!(whole, cut);
    }

    #[test]
    fn no_gain_is_no_change_and_nonsense_is_none() {
        let input = programme(2_000);
        for shape in [Shape::Bell, Shape::LowShelf, Shape::HighShelf] {
            let filter = Filter::new(shape, 432.0, 0.8, 0.0, rate(48_000)).unwrap();
            assert_eq!(filter.before(), 0);
            let mut output = input.clone();
            filter.process(&mut State::default(), &mut output);
            assert_eq!(input, output);
        }
        let made = |hz, q, gain_db| Filter::new(Shape::Bell, hz, q, gain_db, rate(48_000));
        for (hz, q, gain_db) in [
            (0.0, 1.0, 0.0),
            (24_000.0, 1.0, 0.0),
            (f64::NAN, 1.0, 0.0),
            (1e3, 0.0, 0.0),
            (1e3, f64::INFINITY, 0.0),
            (1e3, 1.0, f64::NAN),
        ] {
            assert_eq!(made(hz, q, gain_db), None);
        }
        assert!(made(23_999.0, 1.0, 0.0).is_some());
    }
}
