//! A true-peak limiter out of finite windows: nothing it does depends on more than
//! its windows, so it has no state to carry (design section 3).
//!
//! 1. Each frame needs a gain that brings the peaks beside it down to the target.
//! 2. The lowest need of the frames from [`HOLD_MS`] before to [`LOOK_MS`] after.
//! 3. The mean of that over the last [`LOOK_MS`], three boxes one after the other.
//!
//! All means at a frame include its own need, so the gain is never above it; and
//! where the gain is exactly what a peak needs, it stands still, as all that is
//! averaged is the same: so a peak between samples comes out as it was foreseen.
//! Three boxes bend so gently that gains in motion add less than 0.01 dB to others.
//! The output is in time with the input, not delayed.

use std::collections::VecDeque;

use super::peaks::{Peaks, SIDE};
use crate::units::SampleRate;

/// How far ahead the gain begins to fall, and how long it takes to return.
pub const LOOK_MS: u32 = 5;

/// How long the gain stands after a peak. More than half a wave of 10 Hz, so that
/// it does not follow the waves of a steady tone: those come out undistorted.
pub const HOLD_MS: u32 = 50;

/// What exceeds the ceiling is brought so far below it: eight places in a gap can
/// miss 0.17 dB at half the sample rate (20 log10 cos(pi/16)), the rest is for
/// rounding and for gains in motion.
pub const MARGIN_DB: f64 = 0.2;

/// Peaks up to this far below the ceiling are left alone: what gains in motion
/// nearby can add to them.
pub const TRIGGER_DB: f64 = 0.01;

/// Gain 1 as a whole number: sums of whole numbers do not depend on where they
/// begin. The boxes together are below 2^31 frames at any rate, so all fit.
const UNITY: u64 = 1 << 30;

/// A limiter for one sample rate.
pub struct Limiter {
    peaks: Peaks,
    /// Highest peak that is left alone, and what higher ones become.
    trigger: f64,
    target: f64,
    look: usize,
    hold: usize,
}

impl Limiter {
    /// A limiter to `ceiling_dbtp`, the true peak in dB of full scale 1.0 that the
    /// output does not exceed; `None` if that is not finite.
    pub fn new(ceiling_dbtp: f64, rate: SampleRate) -> Option<Self> {
        let frames = |milliseconds: u32| (rate.hz() as usize * milliseconds as usize) / 1000;
        let below = |decibels: f64| libm::exp10((ceiling_dbtp - decibels) / 20.0);
        ceiling_dbtp.is_finite().then(|| Self {
            peaks: Peaks::default(),
            trigger: below(TRIGGER_DB),
            target: below(MARGIN_DB),
            look: frames(LOOK_MS),
            hold: frames(HOLD_MS),
        })
    }

    /// Frames before the first output frame that its gain depends on.
    pub fn before(&self) -> usize {
        self.look + self.hold + SIDE - 1
    }

    /// Frames after the last output frame that its gain depends on.
    pub fn after(&self) -> usize {
        self.look + SIDE
    }

    /// The output of the frames, at least one, in the middle of `input`, which is
    /// `[channel][frame]` and begins [`Limiter::before`] and ends
    /// [`Limiter::after`] frames further out, with silence where there is no
    /// programme. One gain for all channels. Frames within reach of no peak that is
    /// too high are returned bit for bit; how a programme is cut changes no bit.
    ///
    /// What `out` held is replaced; it has as many channels as `input`.
    pub fn process(&self, input: &[&[f64]], out: &mut [Vec<f64>]) {
        let gains = self.gains(input);
        for (channel, out) in input.iter().zip(out) {
            let middle = &channel[self.before()..channel.len() - self.after()];
            out.clear();
            match &gains {
                None => out.extend_from_slice(middle),
                Some(gains) => out.extend(middle.iter().zip(gains).map(|(x, gain)| x * gain)),
            }
        }
    }

    /// The gain of each output frame, a factor of at most 1; `None` where all are 1.
    pub fn gains(&self, input: &[&[f64]]) -> Option<Vec<f64>> {
        let needs = self.needs(input)?;
        let mut gains = lowest(&needs, self.hold + self.look + 1);
        // Three lengths as equal as can be, which together span the look and a frame.
        let boxes = [0, 1, 2].map(|extra| (self.look + 3 + extra) / 3);
        for length in boxes {
            gains = sums(&gains, length);
        }
        let unity = (boxes[0] * boxes[1] * boxes[2]) as u64 * UNITY;
        // Equal numbers have a quotient of exactly 1.
        Some(gains.into_iter().map(|sum| sum as f64 / unity as f64).collect())
    }

    /// What each frame within reach of the output needs; `None` if nothing.
    fn needs(&self, input: &[&[f64]]) -> Option<Vec<u64>> {
        let frames = input.first()?.len() + 1 - 2 * SIDE;
        let mut peaks = vec![0.0; frames];
        input.iter().for_each(|channel| self.peaks.raise(channel, self.trigger, &mut peaks));
        let need = |peak: &f64| match *peak > self.trigger {
            true => (self.target / peak * UNITY as f64) as u64,
            false => UNITY,
        };
        peaks.iter().any(|peak| *peak > self.trigger).then(|| peaks.iter().map(need).collect())
    }
}

/// The lowest of each `length` values that follow one another.
fn lowest(values: &[u64], length: usize) -> Vec<u64> {
    // Indices of those that may still be the lowest, ever higher.
    let mut candidates: VecDeque<usize> = VecDeque::new();
    let mut found = Vec::with_capacity(values.len() + 1 - length);
    for (at, value) in values.iter().enumerate() {
        while candidates.back().is_some_and(|last| values[*last] >= *value) {
            candidates.pop_back();
        }
        candidates.push_back(at);
        if at + 1 >= length {
            if candidates[0] + length <= at {
                candidates.pop_front();
            }
            found.push(values[candidates[0]]);
        }
    }
    found
}

/// The sum of each `length` values that follow one another.
fn sums(values: &[u64], length: usize) -> Vec<u64> {
    let (first, rest) = values.split_at(length);
    let mut sum: u64 = first.iter().sum();
    let mut found = vec![sum];
    found.extend(rest.iter().zip(values).map(|(new, old)| {
        sum = sum + new - old;
        sum
    }));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::true_peak::{BLOCK, TruePeak, highest};
    use std::f64::consts::TAU;

    fn rate(hz: u32) -> SampleRate {
        SampleRate::new(hz).unwrap()
    }

    /// A whole programme of some channels, with silence around it.
    fn limited(limiter: &Limiter, programme: &[Vec<f64>]) -> Vec<Vec<f64>> {
        cell(limiter, programme, 0, programme[0].len())
    }

    /// The output frames from `start` to `end`.
    fn cell(limiter: &Limiter, programme: &[Vec<f64>], start: usize, end: usize) -> Vec<Vec<f64>> {
        let padded: Vec<Vec<f64>> = programme
            .iter()
            .map(|channel| {
                let mut padded = vec![0.0; limiter.before()];
                padded.extend(channel);
                padded.resize(padded.len() + limiter.after(), 0.0);
                padded[start..end + limiter.before() + limiter.after()].to_vec()
            })
            .collect();
        let input: Vec<&[f64]> = padded.iter().map(Vec::as_slice).collect();
        let mut out = vec![vec![9.0; 3]; programme.len()];
        limiter.process(&input, &mut out);
        out
    }

    fn decibels(x: f64) -> f64 {
        20.0 * x.log10()
    }

    /// What the meter reads, sample peak included.
    fn metered_dbtp(signal: &[f64], rate: SampleRate) -> f64 {
        let block_peaks: Vec<f64> = signal.chunks(BLOCK).map(highest).collect();
        decibels(TruePeak::new(rate).of_segment(&[], signal, &block_peaks, true))
    }

    /// What a finer meter reads: all sixteenths by a sinc of 96 samples on each side
    /// under a Hann window, which shares nothing with the limiter's own.
    fn finely_metered_dbtp(signal: &[f64]) -> f64 {
        const REACH: isize = 96;
        let mut peak = highest(signal);
        for sixteenth in 1..16 {
            let taps: Vec<f64> = (1 - REACH..=REACH)
                .map(|k| {
                    let distance = k as f64 - f64::from(sixteenth) / 16.0;
                    let window = (TAU / 4.0 * distance / REACH as f64).cos().powi(2);
                    window * (TAU / 2.0 * distance).sin() / (TAU / 2.0 * distance)
                })
                .collect();
            for window in signal.windows(taps.len()) {
                let y: f64 = window.iter().zip(&taps).map(|(x, tap)| x * tap).sum();
                peak = peak.max(y.abs());
            }
        }
        decibels(peak)
    }

    fn noise(seed: u32, frames: usize) -> Vec<f64> {
        let mut state = seed | 1;
        (0..frames)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state as i32) / 2_147_483_648.0
            })
            .collect()
    }

    fn tone(cycles_per_frame: f64, phase: f64, frames: usize) -> Vec<f64> {
        (0..frames).map(|n| (TAU * (cycles_per_frame * n as f64 + phase)).sin()).collect()
    }

    /// The worst cases at full scale, with names.
    fn worst_cases() -> Vec<(String, Vec<f64>)> {
        const FRAMES: usize = 12_000;
        let mut cases = Vec::new();
        for (cycles, phase) in
            [(0.25, 0.125), (0.25, 0.06), (1.0 / 6.0, 0.08), (0.4, 0.01), (0.45, 0.0), (0.49, 0.1)]
        {
            let mut burst = vec![0.0; 2_000];
            burst.extend(tone(cycles, phase, FRAMES - 4_000));
            burst.resize(FRAMES, 0.0);
            cases.push((format!("tone {cycles} {phase}"), burst));
        }
        let square =
            |cycles, phase| tone(cycles, phase, FRAMES).iter().map(|x| x.signum()).collect();
        cases.push(("square".into(), square(0.01, 0.003)));
        cases.push(("fast square".into(), square(0.17, 0.02)));
        cases.push(("noise".into(), noise(1, FRAMES)));
        cases.push(("signs".into(), noise(2, FRAMES).iter().map(|x| x.signum()).collect()));
        let full = 1.0 - 1.0 / 8_388_608.0;
        let clipped = noise(3, FRAMES).iter().map(|x| (x * 3.0).clamp(-1.0, full)).collect();
        cases.push(("clipped noise".into(), clipped));
        let mut impulses = vec![0.0; FRAMES];
        for (n, at) in (100..FRAMES).step_by(1_237).enumerate() {
            impulses[at] = if n % 2 == 0 { 1.0 } else { -1.0 };
            impulses[at + 1 + n] = impulses[at];
        }
        cases.push(("impulses".into(), impulses));
        let sweep = |n: usize| (TAU * 0.25 * (n * n) as f64 / FRAMES as f64).sin();
        cases.push(("sweep".into(), (0..FRAMES).map(sweep).collect()));
        let jumps = noise(4, FRAMES)
            .iter()
            .zip(noise(5, FRAMES / 150).iter().flat_map(|level| [level * level; 150]))
            .map(|(x, level)| x * level * 2.0)
            .collect();
        cases.push(("noise that jumps".into(), jumps));
        cases
    }

    #[test]
    fn the_ceiling_holds_when_measured_again() {
        for hz in [44_100, 48_000, 96_000] {
            for ceiling_dbtp in [-1.0, -2.0] {
                let limiter = Limiter::new(ceiling_dbtp, rate(hz)).unwrap();
                for (name, case) in worst_cases() {
                    for drive in [1.0, 10.0] {
                        let programme = [case.iter().map(|x| x * drive).collect::<Vec<f64>>()];
                        let output = &limited(&limiter, &programme)[0];
                        let over = metered_dbtp(output, rate(hz)) - ceiling_dbtp;
                        // The margin is there for finer meters: this one needs none.
                        assert!(over < -0.19, "{name} at {hz}: {over}");
                    }
                }
            }
        }
    }

    #[test]
    fn finer_meters_agree_where_sound_is() {
        let limiter = Limiter::new(-1.0, rate(48_000)).unwrap();
        for (name, case) in worst_cases() {
            let over = finely_metered_dbtp(&limited(&limiter, &[case])[0]) + 1.0;
            // Above 0.46 of the sample rate 64 samples tell less than 192: what is
            // all noise or corners up to there can exceed the ceiling on this meter.
            let full_band = ["tone 0.49", "fast square", "noise", "signs", "clipped"];
            let band_limited = !full_band.iter().any(|start| name.starts_with(start));
            assert!(over < if band_limited { -0.05 } else { 0.7 }, "{name}: {over}");
        }
    }

    #[test]
    fn peaks_below_the_trigger_hold_beside_gains_in_motion() {
        let limiter = Limiter::new(-1.0, rate(48_000)).unwrap();
        // Alternate samples at a level that reads 0.011 dB below the ceiling, with
        // bursts 20 dB higher at all distances.
        for burst in (0..1_000).step_by(7) {
            let mut programme = tone(0.2371, 0.0, 4_000);
            let level = metered_dbtp(&programme, rate(48_000));
            let gain = 10_f64.powf((-1.011 - level) / 20.0);
            programme.iter_mut().for_each(|x| *x *= gain);
            programme[1_500 + burst] = 9.0;
            let over = metered_dbtp(&limited(&limiter, &[programme])[0], rate(48_000)) + 1.0;
            assert!(over <= 0.0, "{burst}: {over}");
        }
    }

    #[test]
    fn what_needs_no_gain_keeps_its_bits() {
        let limiter = Limiter::new(-1.0, rate(48_000)).unwrap();
        let quiet = |frames| noise(9, frames).iter().map(|x| x * 0.4).collect::<Vec<f64>>();
        let mut programme = [quiet(20_000), quiet(20_000)];
        assert_eq!(limited(&limiter, &programme), programme);
        programme[1][10_000] = 1.5;
        let output = limited(&limiter, &programme);
        // The peaks of the burst reach as far as the interpolation.
        let (reach_before, reach_after) = (limiter.after(), limiter.before());
        for (channel, output) in programme.iter().zip(&output) {
            assert_eq!(channel[..10_000 - reach_before], output[..10_000 - reach_before]);
            assert_eq!(channel[10_000 + reach_after..], output[10_000 + reach_after..]);
        }
        // One gain for both channels.
        assert!(decibels(output[0][10_000] / programme[0][10_000]) < -4.0);
        let differ = |n: usize| output[0][n] / programme[0][n] - output[1][n] / programme[1][n];
        assert!((8_000..12_000).all(|n| differ(n).abs() < 1e-12));
    }

    #[test]
    fn cuts_change_no_bit() {
        let limiter = Limiter::new(-2.0, rate(44_100)).unwrap();
        for (seed, (_, case)) in worst_cases().into_iter().enumerate() {
            let other = noise(seed as u32, case.len()).iter().map(|x| x * 0.9).collect();
            let programme = [case, other];
            let whole = limited(&limiter, &programme);
            let (mut start, mut cuts) = (0, noise(77 + seed as u32, 100).into_iter());
            while start < whole[0].len() {
                let length = (cuts.next().unwrap().abs() * 3_000.0) as usize + 1;
                let end = whole[0].len().min(start + length);
                for (part, whole) in cell(&limiter, &programme, start, end).iter().zip(&whole) {
                    assert!(
                        part.iter()
                            .zip(&whole[start..end])
                            .all(|(a, b)| a.to_bits() == b.to_bits())
                    );
                    assert_eq!(part.len(), end - start);
                }
                start = end;
            }
        }
    }

    #[test]
    fn steady_bass_comes_out_undistorted() {
        let limiter = Limiter::new(-1.0, rate(48_000)).unwrap();
        for hz in [11.0, 20.0, 50.0, 997.0] {
            let programme = [tone(hz / 48_000.0, 0.0, 60_000).iter().map(|x| x * 1.9).collect()];
            let output = limited(&limiter, &programme);
            let gain = |n: usize| output[0][n] / programme[0][n];
            // The annex reads low tones 0.014 dB high.
            assert!((decibels(1.9 * gain(30_001)) + 1.2).abs() < 0.02, "{hz}");
            for n in (10_001..50_000).filter(|n| programme[0][*n].abs() > 0.01) {
                // Crests fall between samples, each elsewhere.
                assert!((gain(n) / gain(30_001) - 1.0).abs() < 1e-5, "{hz} at {n}: {}", gain(n));
            }
        }
    }

    #[test]
    fn windows_are_those_of_the_plain_definition() {
        let values: Vec<u64> = noise(3, 300).iter().map(|x| (x.abs() * 1e6) as u64).collect();
        for length in [1, 2, 7, 100, 300] {
            let plain: Vec<u64> =
                values.windows(length).map(|w| *w.iter().min().unwrap()).collect();
            assert_eq!(lowest(&values, length), plain);
            let plain: Vec<u64> = values.windows(length).map(|w| w.iter().sum()).collect();
            assert_eq!(sums(&values, length), plain);
        }
        // No rate at which a sum could be too large.
        let limiter = Limiter::new(0.0, rate(768_000)).unwrap();
        let third = limiter.look as u64 / 3 + 2;
        assert!((third * third * third).checked_mul(UNITY).is_some());
        assert!(Limiter::new(f64::NAN, rate(48_000)).is_none());
    }
}
