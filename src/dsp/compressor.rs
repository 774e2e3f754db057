//! A compressor whose gain follows a level: feed-forward, in decibels, with a soft
//! knee and a smooth decoupled peak detector, after D. Giannoulis, M. Massberg and
//! J. D. Reiss, "Digital Dynamic Range Compressor Design - A Tutorial and Analysis"
//! (J. AES 60(6), 2012): equation 4 for the curve, 17 for the detector.
//!
//! Levels and gains are counted in octaves, a doubling of amplitude (6.02 dB), as
//! the numbers of a computer are.

use super::is_nothing;
use crate::units::SampleRate;

/// The knobs of a compressor.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Settings {
    /// Where compression begins, in dB of full scale 1.0; the middle of the knee.
    pub threshold_dbfs: f64,
    /// Decibels of input for one of output above the threshold: at least 1, which
    /// changes nothing, to infinity.
    pub ratio: f64,
    /// Width of the bend between both slopes; 0 for a corner.
    pub knee_db: f64,
    /// Time constant in which the reduction rises to 63 %; 0 for at once.
    pub attack_ms: f64,
    /// Time constant in which the reduction falls to 37 %; 0 for at once.
    pub release_ms: f64,
    /// Gain after compression.
    pub makeup_db: f64,
}

/// A compressor for one sample rate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Compressor {
    /// One over the level at which the knee begins.
    foot: f64,
    /// Width of the knee in octaves, and one over twice that (0 without a knee).
    knee: f64,
    bend: f64,
    /// Octaves of reduction per octave above the threshold.
    slope: f64,
    /// What is left of the reduction after one frame.
    attack: f64,
    release: f64,
    /// Gain after compression, a factor.
    makeup: f64,
    /// See [`Compressor::before`].
    before: usize,
}

/// What a [`Compressor`] remembers: reduction in octaves, after the release and
/// after the attack. The default is rest.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct State {
    released: f64,
    attacked: f64,
}

/// Octaves in a decibel: 1 / (20 log10 2).
const OCTAVES_PER_DB: f64 = 0.166_096_404_744_368_12;

impl Compressor {
    /// A compressor, or `None` unless the ratio is at least 1, knee and times are
    /// not negative and all but the ratio are finite.
    pub fn new(settings: Settings, rate: SampleRate) -> Option<Self> {
        let Settings { threshold_dbfs, ratio, knee_db, attack_ms, release_ms, makeup_db } =
            settings;
        let finite = threshold_dbfs.is_finite() && makeup_db.is_finite();
        let positive = |x: f64| x >= 0.0 && x.is_finite();
        if !(finite && ratio >= 1.0 && [knee_db, attack_ms, release_ms].into_iter().all(positive)) {
            return None;
        }
        let frames = |milliseconds: f64| milliseconds * f64::from(rate.hz()) / 1000.0;
        let knee = knee_db * OCTAVES_PER_DB;
        Some(Self {
            foot: libm::exp10((knee_db / 2.0 - threshold_dbfs) / 20.0),
            knee,
            bend: if knee > 0.0 { 0.5 / knee } else { 0.0 },
            slope: 1.0 - 1.0 / ratio,
            // Equation 7: what is left after a time constant is 1/e.
            attack: libm::exp(-1.0 / frames(attack_ms)),
            release: libm::exp(-1.0 / frames(release_ms)),
            makeup: libm::exp10(makeup_db / 20.0),
            before: libm::ceil(28.0 * (frames(attack_ms) + frames(release_ms))) as usize,
        })
    }

    /// Frames after which the detector has forgotten all but exp(-28) = 2^-40 of a
    /// reduction: 28 release constants, and 28 of the attack that follows it.
    pub fn before(&self) -> usize {
        self.before
    }

    /// The gain of each frame, a factor, from the level of each frame: the highest
    /// |sample| over the channels that share the gain, full scale 1.0. Both have
    /// the same length. What is quieter than the knee from rest has exactly the
    /// makeup gain. How a signal is cut into calls changes no bit.
    pub fn gains(&self, state: &mut State, detector: &[f64], gains: &mut [f64]) {
        // Three passes, of which the first and last can take several frames at once.
        for (gain, level) in gains.iter_mut().zip(detector) {
            *gain = self.reduction(*level);
        }
        let State { mut released, mut attacked } = *state;
        for gain in gains.iter_mut() {
            let wanted = *gain;
            let rest = is_nothing(wanted, [released, attacked]);
            let falling = wanted + self.release * (released - wanted);
            released = if falling > wanted { falling } else { wanted };
            attacked = released + self.attack * (attacked - released);
            (released, attacked) = if rest { (0.0, 0.0) } else { (released, attacked) };
            *gain = attacked;
        }
        *state = State { released, attacked };
        for gain in gains.iter_mut() {
            *gain = self.makeup * lowered(*gain);
        }
    }

    /// Octaves by which a steady level is reduced. With u the octaves above the foot
    /// of the knee and W its width: slope * u^2 / 2W inside, slope * (u - W/2) above.
    #[inline]
    fn reduction(&self, level: f64) -> f64 {
        let above = octaves((level * self.foot).max(1.0));
        let inside = above.min(self.knee);
        self.slope * (inside * inside * self.bend + (above - inside))
    }
}

/// Raises levels to those of a channel that are higher: so many channels share a gain.
pub fn raise(levels: &mut [f64], channel: &[f64]) {
    for (level, x) in levels.iter_mut().zip(channel) {
        *level = f64::max(*level, x.abs());
    }
}

/// The binary logarithm of `x` >= 1, exactly 0 at 1; errs by less than 2e-9.
///
/// With x = 2^e m and m around 1, log2 m is 2/ln 2 times the inverse hyperbolic
/// tangent of s = (m - 1) / (m + 1), |s| < 0.172. Five terms of its series s + s^3/3
/// + s^5/5 + ... leave 2/ln 2 * 0.172^11 / 11 = 1e-9.
#[inline]
fn octaves(x: f64) -> f64 {
    /// The bits of the square root of 1/2, where m begins.
    const LOWEST: u64 = 0x3FE6_A09E_667F_3BCD;
    const SCALE: f64 = 2.0 * std::f64::consts::LOG2_E;
    let bits = x.to_bits();
    let exponent = (bits - LOWEST) >> 52;
    let m = f64::from_bits(bits - (exponent << 52));
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let series = 1.0 / 3.0 + square * (1.0 / 5.0 + square * (1.0 / 7.0 + square * (1.0 / 9.0)));
    f64::from(exponent as u32) + SCALE * (s + s * (square * series))
}

/// Two to the power of minus `octaves` >= 0, exactly 1 at 0; errs by less than
/// 3e-10 of the result. More than 1000 octaves count as 1000.
///
/// The whole octaves go to the exponent; of the rest, at most half an octave or
/// |t| <= 0.347 nepers, the exponential series to t^8 leaves 0.347^9 / 9! = 2e-10.
#[inline]
fn lowered(octaves: f64) -> f64 {
    /// 1 / n! from n = 8 down to 0.
    const INVERSE_FACTORIALS: [f64; 9] = [
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ];
    /// Added to a number far below it, this leaves it rounded to a whole one.
    const ROUNDER: f64 = 6_755_399_441_055_744.0;
    let shifted = octaves.min(1000.0) + ROUNDER;
    let t = ((shifted - ROUNDER) - octaves.min(1000.0)) * std::f64::consts::LN_2;
    let series = INVERSE_FACTORIALS.into_iter().fold(0.0, |sum, term| sum * t + term);
    // The last bits of `shifted` are the whole octaves.
    let scale = f64::from_bits(1023_u64.wrapping_sub(shifted.to_bits()) << 52);
    series * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENTLE: Settings = Settings {
        threshold_dbfs: -20.0,
        ratio: 4.0,
        knee_db: 6.0,
        attack_ms: 10.0,
        release_ms: 100.0,
        makeup_db: 0.0,
    };

    fn rate(hz: u32) -> SampleRate {
        SampleRate::new(hz).unwrap()
    }

    fn at_48k(settings: Settings) -> Compressor {
        Compressor::new(settings, rate(48_000)).unwrap()
    }

    fn amplitude(decibels: f64) -> f64 {
        10_f64.powf(decibels / 20.0)
    }

    fn decibels(amplitude: f64) -> f64 {
        20.0 * amplitude.log10()
    }

    fn gains(compressor: &Compressor, levels: &[f64]) -> Vec<f64> {
        let mut gains = vec![f64::NAN; levels.len()];
        compressor.gains(&mut State::default(), levels, &mut gains);
        gains
    }

    /// Levels that jump and fade, with silence between.
    fn programme(frames: usize) -> Vec<f64> {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / 16_777_216.0
        };
        let mut level = 0.0;
        (0..frames)
            .map(|n| {
                if n % 1_000 == 0 {
                    level = if next() < 0.3 { 0.0 } else { next() };
                }
                level * next()
            })
            .collect()
    }

    #[test]
    fn logarithm_and_power_are_as_exact_as_they_say() {
        let (mut worst_log, mut worst_power) = (0.0_f64, 0.0_f64);
        for n in 0..400_000 {
            let x = libm::exp2(f64::from(n) * 1e-4);
            worst_log = worst_log.max((octaves(x) - libm::log2(x)).abs());
            let down = f64::from(n) * 1e-4;
            worst_power = worst_power.max((lowered(down) / libm::exp2(-down) - 1.0).abs());
        }
        assert!(worst_log < 2e-9, "{worst_log}");
        assert!(worst_power < 3e-10, "{worst_power}");
        assert_eq!(octaves(1.0), 0.0);
        assert_eq!(octaves(1024.0), 10.0);
        assert_eq!(lowered(0.0), 1.0);
        assert_eq!(lowered(3.0), 0.125);
        assert!(octaves(f64::INFINITY).is_finite());
        assert!((0.0..1e-300).contains(&lowered(f64::INFINITY)));
    }

    #[test]
    fn the_static_curve_is_that_of_the_paper() {
        for ratio in [1.0, 1.5, 4.0, 20.0, f64::INFINITY] {
            for knee_db in [0.0, 0.1, 6.0, 20.0] {
                for threshold_dbfs in [-40.0, -20.0, 0.0] {
                    let settings = Settings { ratio, knee_db, threshold_dbfs, ..GENTLE };
                    let compressor =
                        at_48k(Settings { attack_ms: 0.0, release_ms: 0.0, ..settings });
                    let levels: Vec<f64> = (-800..120).map(|n| f64::from(n) * 0.1).collect();
                    let amplitudes: Vec<f64> = levels.iter().map(|x| amplitude(*x)).collect();
                    for (x, gain) in levels.iter().zip(gains(&compressor, &amplitudes)) {
                        // Equation 4.
                        let (over, flat) = (x - threshold_dbfs, 1.0 / ratio - 1.0);
                        let expected = if 2.0 * over < -knee_db {
                            0.0
                        } else if 2.0 * over.abs() <= knee_db && knee_db > 0.0 {
                            flat * (over + knee_db / 2.0).powi(2) / (2.0 * knee_db)
                        } else {
                            flat * over
                        };
                        let error = (decibels(gain) - expected).abs();
                        assert!(error < 1e-6, "{settings:?} at {x}: {gain} {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn reduction_rises_and_falls_with_its_time_constants() {
        for hz in [44_100_u32, 96_000] {
            for (attack_ms, release_ms) in [(10.0, 100.0), (1.0, 50.0), (30.0, 400.0)] {
                let compressor =
                    Compressor::new(Settings { attack_ms, release_ms, ..GENTLE }, rate(hz))
                        .unwrap();
                // 0 dBFS for a second, then silence; reduction 15 dB when steady.
                let mut levels = vec![1.0; hz as usize];
                levels.resize(3 * hz as usize, 0.0);
                let found: Vec<f64> =
                    gains(&compressor, &levels).iter().map(|gain| -decibels(*gain)).collect();
                let frames = |ms: f64| ms * f64::from(hz) / 1000.0;
                // A level's first frame already counts as one of the attack.
                let risen = |n: usize| 15.0 * (1.0 - (-(n as f64 + 1.0) / frames(attack_ms)).exp());
                for n in [0, 10, frames(attack_ms) as usize, 4_000] {
                    assert!((found[n] - risen(n)).abs() < 1e-6, "{n}: {}", found[n]);
                }
                // The release passes through the attack's smoothing: a sum of both
                // exponentials, z-transform of the paper's two stages in series.
                let (r, a) = ((-1.0 / frames(release_ms)).exp(), (-1.0 / frames(attack_ms)).exp());
                let fallen = |n: i32| {
                    let ours = (1.0 - a) * r / (r - a);
                    15.0 * (ours * r.powi(n) + (1.0 - ours) * a.powi(n))
                };
                for n in [1, 10, frames(release_ms) as usize, hz as usize] {
                    let found = found[hz as usize - 1 + n];
                    assert!((found - fallen(n as i32)).abs() < 1e-6, "{n}: {found}");
                }
            }
        }
    }

    #[test]
    fn quiet_signals_have_exactly_the_makeup_gain() {
        let quiet = [0.0, 1e-300, 0.01, amplitude(-23.01), -0.0, f64::NAN];
        assert_eq!(gains(&at_48k(GENTLE), &quiet), [1.0; 6]);
        let louder = gains(&at_48k(Settings { makeup_db: 20.0, ..GENTLE }), &quiet);
        assert_eq!(louder, [libm::exp10(1.0); 6]);
        // And again so after sound; the state arrives at rest.
        let (compressor, mut state) = (at_48k(GENTLE), State::default());
        let mut gains = vec![0.0; 2_000_000];
        compressor.gains(&mut state, &[1.0; 48_000], &mut gains[..48_000]);
        assert_ne!(state, State::default());
        compressor.gains(&mut state, &vec![0.0; 2_000_000], &mut gains);
        assert_eq!(state, State::default());
        assert_eq!(gains.last().copied(), Some(1.0));
    }

    #[test]
    fn cuts_change_no_bit() {
        let (compressor, levels) = (at_48k(GENTLE), programme(20_000));
        let whole = gains(&compressor, &levels);
        for length in [1, 3, 64, 777] {
            let mut state = State::default();
            let mut cut = vec![0.0; levels.len()];
            for (levels, gains) in levels.chunks(length).zip(cut.chunks_mut(length)) {
                compressor.gains(&mut state, levels, gains);
            }
            assert_eq!(whole, cut);
        }
    }

    /// How far, in dB of a full-scale signal, a detector that always ran is from one
    /// that started from rest `before` frames ago, when full scale ended.
    fn seam_dbfs(compressor: &Compressor, before: usize) -> f64 {
        let mut levels = vec![1.0; 96_000];
        levels.resize(96_000 + before + 48_000, 0.03);
        let whole = gains(compressor, &levels);
        let restarted = gains(compressor, &levels[96_000..]);
        let pairs = whole[96_000..].iter().zip(&restarted).skip(before);
        decibels(pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max))
    }

    #[test]
    fn a_restart_is_not_heard_and_one_too_late_is() {
        for (attack_ms, release_ms) in [(10.0, 100.0), (80.0, 80.0), (0.5, 250.0), (0.0, 10.0)] {
            let settings = Settings { attack_ms, release_ms, threshold_dbfs: -40.0, ..GENTLE };
            let compressor = at_48k(settings);
            let seam = seam_dbfs(&compressor, compressor.before());
            assert!(seam < -200.0, "{seam}");
            let late = seam_dbfs(&compressor, compressor.before() / 8);
            assert!(late > -200.0, "{late}");
        }
    }

    #[test]
    fn nonsense_is_none() {
        for settings in [
            Settings { ratio: 0.99, ..GENTLE },
            Settings { ratio: f64::NAN, ..GENTLE },
            Settings { threshold_dbfs: f64::NEG_INFINITY, ..GENTLE },
            Settings { knee_db: -1.0, ..GENTLE },
            Settings { attack_ms: f64::NAN, ..GENTLE },
            Settings { release_ms: f64::INFINITY, ..GENTLE },
            Settings { makeup_db: f64::NAN, ..GENTLE },
        ] {
            assert_eq!(Compressor::new(settings, rate(48_000)), None, "{settings:?}");
        }
    }
}
