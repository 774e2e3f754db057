//! A phase shift of 90 degrees: the Hilbert transform as a filter of finite length,
//! for the surrounds of a matrix-encoded fold-down (Lt/Rt, Dolby Pro Logic II, which
//! asks for it so that surrounds do not cancel between the two channels).
//!
//! The ideal filter has the taps 2/(pi k) at odd distances k and nothing at even ones
//! (A. V. Oppenheim, R. W. Schafer, "Discrete-Time Signal Processing", section on
//! Hilbert transformers: type III, odd length, antisymmetric). Antisymmetry makes the
//! shift exactly 90 degrees at every frequency; only the gain is approximate, and
//! falls to 0 at 0 Hz and at half the sample rate.
//!
//! The output is in time with the input: what is to stay in quadrature with it is used
//! as it is, without a delay of its own.

use std::f64::consts::FRAC_2_PI;

use super::kaiser::kaiser;
use crate::units::SampleRate;

/// Seventy-fifths of a second: how far the filter hears on each side. With [`BETA`]
/// its gain is within 0.04 dB from 60 Hz to as far below half the sample rate.
const PER_SECOND: u32 = 75;

/// Of the Kaiser window.
const BETA: f64 = 5.0;

/// Frames made together. Each is a sum of its own, in the order of the taps, so that
/// the number changes no bit.
const BLOCK: usize = 16;

/// The filter for one sample rate.
#[derive(Clone, PartialEq, Debug)]
pub struct Hilbert {
    /// The taps at distance 1, 3, 5...; those before and after a frame differ in sign.
    taps: Vec<f64>,
}

impl Hilbert {
    /// The filter for `rate`.
    pub fn new(rate: SampleRate) -> Self {
        // An odd number: the outermost tap at an even one would be nothing.
        let half = (rate.hz() / PER_SECOND - 1) | 1;
        let tap = |distance: u32| {
            let across = f64::from(distance) / f64::from(half + 1);
            FRAC_2_PI / f64::from(distance) * kaiser(BETA, across)
        };
        Self { taps: (1..=half).step_by(2).map(tap).collect() }
    }

    /// Frames on each side of an output frame that it hears, the odd number nearest below
    /// 1/75 s.
    pub fn half(&self) -> usize {
        2 * self.taps.len() - 1
    }

    /// The frames of `out`, 90 degrees behind those of the input: a cosine becomes a
    /// sine. `input` begins and ends [`Hilbert::half`] frames further out, with silence
    /// where there is no programme. Silence stays exactly silent; how a programme is
    /// cut changes no bit.
    pub fn process(&self, input: &[f64], out: &mut [f64]) {
        assert_eq!(input.len(), out.len() + 2 * self.half(), "BUG: input is not what is heard");
        let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
        let done = blocks.len() * BLOCK;
        for (index, block) in blocks.iter_mut().enumerate() {
            *block = self.sums(&input[index * BLOCK..]);
        }
        for (index, out) in rest.iter_mut().enumerate() {
            [*out] = self.sums(&input[done + index..]);
        }
    }

    /// The first `N` output frames that can be made of `input`.
    fn sums<const N: usize>(&self, input: &[f64]) -> [f64; N] {
        let middle = self.half();
        let mut sums = [0.0; N];
        for (index, tap) in self.taps.iter().enumerate() {
            let distance = 2 * index + 1;
            let before = &input[middle - distance..][..N];
            let after = &input[middle + distance..][..N];
            for at in 0..N {
                sums[at] += tap * (before[at] - after[at]);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn rate(hz: u32) -> SampleRate {
        SampleRate::new(hz).unwrap()
    }

    /// The output for a whole programme, with silence around it.
    fn whole(filter: &Hilbert, programme: &[f64]) -> Vec<f64> {
        let mut input = vec![0.0; filter.half()];
        input.extend(programme);
        input.resize(input.len() + filter.half(), 0.0);
        let mut out = vec![9.0; programme.len()];
        filter.process(&input, &mut out);
        out
    }

    fn noise(frames: usize) -> Vec<f64> {
        let mut state = 7_u32;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state as i32) / 2_147_483_648.0
        };
        (0..frames).map(next).collect()
    }

    /// Amplitude and lag in degrees of `signal` against `cos(w n)`, `n` counted from
    /// `first`: least squares, so that it need not hold whole waves.
    fn amplitude_and_lag(w: f64, first: usize, signal: &[f64]) -> (f64, f64) {
        let (mut cc, mut cs, mut ss, mut cy, mut sy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (n, y) in signal.iter().enumerate() {
            let (s, c) = (w * (first + n) as f64).sin_cos();
            cc += c * c;
            cs += c * s;
            ss += s * s;
            cy += c * y;
            sy += s * y;
        }
        let determinant = cc * ss - cs * cs;
        let in_phase = (cy * ss - sy * cs) / determinant;
        let behind = (sy * cc - cy * cs) / determinant;
        (in_phase.hypot(behind), behind.atan2(in_phase).to_degrees())
    }

    #[test]
    fn tones_come_out_a_quarter_wave_later_at_their_level() {
        // The band is stated: from 60 Hz to 60 Hz below half the rate. 0.04 dB is the
        // window's ripple; the phase is exact but for rounding.
        for hz in [44_100, 48_000, 96_000] {
            let filter = Hilbert::new(rate(hz));
            let half_rate = f64::from(hz) / 2.0;
            for frequency in
                [60.0, 61.7, 75.0, 93.0, 120.0, 300.0, 1_000.0, 9_999.0, 20_000.0, half_rate - 60.0]
            {
                let w = TAU * frequency / f64::from(hz);
                let tone: Vec<f64> = (0..hz / 4).map(|n| (w * f64::from(n)).cos()).collect();
                let out = whole(&filter, &tone);
                let inside = filter.half()..out.len() - filter.half();
                let (amplitude, lag) =
                    amplitude_and_lag(w, inside.start, &out[inside.start..inside.end]);
                let gain_db = 20.0 * amplitude.log10();
                assert!(gain_db.abs() < 0.04, "{hz} {frequency}: {gain_db} dB");
                assert!((lag - 90.0).abs() < 1e-6, "{hz} {frequency}: {lag} degrees");
            }
        }
    }

    #[test]
    fn it_is_in_quadrature_with_the_programme_itself() {
        // A signal and its transform are orthogonal and of one power; a frame too
        // early or late would correlate noise by 2/pi.
        let filter = Hilbert::new(rate(48_000));
        let programme = noise(48_000);
        let shifted = whole(&filter, &programme);
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let power = product(&programme, &programme);
        // Over so many frames noise is orthogonal to other noise to 1/sqrt(48000).
        assert!((product(&programme, &shifted) / power).abs() < 0.015);
        assert!((product(&shifted, &shifted) / power - 1.0).abs() < 0.015);
        // Twice is upside down, in time.
        let twice = whole(&filter, &shifted);
        assert!((product(&programme, &twice) / power + 1.0).abs() < 0.015);
    }

    #[test]
    fn it_hears_as_far_as_it_says() {
        for (hz, half) in [(8_000, 105), (44_100, 587), (48_000, 639), (192_000, 2_559)] {
            let filter = Hilbert::new(rate(hz));
            assert_eq!(filter.half(), half);
            let mut impulse = vec![0.0; 2 * half + 21];
            impulse[half + 10] = 1.0;
            let out = whole(&filter, &impulse);
            for (n, y) in out.iter().enumerate() {
                let distance = n as isize - (half + 10) as isize;
                let heard = distance.unsigned_abs() <= half && distance % 2 != 0;
                assert_eq!(*y != 0.0, heard, "{distance}");
                // Later is positive, earlier negative.
                assert!(!heard || (*y > 0.0) == (distance > 0), "{distance}");
            }
        }
    }

    #[test]
    fn silence_is_silent_and_cuts_change_no_bit() {
        let filter = Hilbert::new(rate(44_100));
        let bits = |out: &[f64]| out.iter().map(|y| y.to_bits()).collect::<Vec<u64>>();
        assert_eq!(bits(&whole(&filter, &[0.0; 100])), [0; 100]);
        let programme = noise(9_000);
        let expected = bits(&whole(&filter, &programme));
        let mut padded = vec![0.0; filter.half()];
        padded.extend(&programme);
        padded.resize(padded.len() + filter.half(), 0.0);
        let mut start = 0;
        for length in [1, 2, 15, 16, 17, 100, 1_000, 3].into_iter().cycle() {
            let end = (start + length).min(programme.len());
            let mut out = vec![0.0; end - start];
            filter.process(&padded[start..end + 2 * filter.half()], &mut out);
            assert_eq!(bits(&out), expected[start..end], "{start}");
            start = end;
            if end == programme.len() {
                break;
            }
        }
    }
}
