//! A de-esser: what lies above a frequency is lowered while it is loud, all else stays.
//!
//! Detector and action share one filter of second order (Butterworth, Q = 1/sqrt 2).
//! Its high-pass is the level that a [`Compressor`] turns into a gain g. Its three
//! outputs, which add up to the input, are put together again as low + sqrt(g) band +
//! g high. For a g that stands still that is a shelf,
//!
//! (g s^2 + sqrt(2 g) s + 1) / (s^2 + sqrt(2) s + 1), |H|^2 = (1 + g^2 w^4) / (1 + w^4)
//!
//! with w the (warped) frequency over the corner: flat below, g above, no bump
//! between. Where g is 1 the signal is handed on bit for bit.

use super::compressor::{self, Compressor, Settings};
use super::eq::{self, Filter, Shape};
use crate::units::SampleRate;

/// A de-esser for one sample rate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DeEsser {
    high: Filter,
    low: Filter,
    compressor: Compressor,
}

/// What a [`DeEsser`] remembers.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    /// Of the high-pass and the low-pass of each channel.
    filters: Vec<[eq::State; 2]>,
    detector: compressor::State,
}

impl DeEsser {
    /// A de-esser that listens and acts above `hz`; `None` where [`Filter::new`] or
    /// [`Compressor::new`] has none. The threshold counts for what lies above `hz`.
    pub fn new(hz: f64, settings: Settings, rate: SampleRate) -> Option<Self> {
        let filter = |shape| Filter::new(shape, hz, std::f64::consts::FRAC_1_SQRT_2, 0.0, rate);
        Some(Self {
            high: filter(Shape::HighPass)?,
            low: filter(Shape::LowPass)?,
            compressor: Compressor::new(settings, rate)?,
        })
    }

    /// Frames after which what was before is forgotten: see [`Filter::before`] and
    /// [`Compressor::before`], which hears the filter.
    pub fn before(&self) -> usize {
        self.high.before().max(self.low.before()) + self.compressor.before()
    }

    /// The state at rest, for `width` channels.
    pub fn rest(&self, width: usize) -> State {
        State { filters: vec![Default::default(); width], detector: Default::default() }
    }

    /// Goes on from `state` over a block `[channel][frame]`, in place. One gain for all
    /// channels, from the loudest. How a signal is cut into calls changes no bit.
    pub fn process(&self, state: &mut State, block: &mut [Vec<f64>]) {
        let frames = block.first().map_or(0, Vec::len);
        let mut level = vec![0.0; frames];
        let mut bands = Vec::with_capacity(block.len());
        for ([high_state, low_state], channel) in state.filters.iter_mut().zip(block.iter()) {
            let (mut high, mut low) = (channel.clone(), channel.clone());
            self.high.process(high_state, &mut high);
            self.low.process(low_state, &mut low);
            compressor::raise(&mut level, &high);
            bands.push((high, low));
        }
        let mut gains = vec![0.0; frames];
        self.compressor.gains(&mut state.detector, &level, &mut gains);
        for (channel, (high, low)) in block.iter_mut().zip(&bands) {
            for (((x, gain), high), low) in channel.iter_mut().zip(&gains).zip(high).zip(low) {
                let band = *x - low - high;
                let less = (gain.sqrt() - 1.0) * band + (gain - 1.0) * high;
                *x = if *gain == 1.0 { *x } else { *x + less };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const SETTINGS: Settings = Settings {
        threshold_dbfs: -30.0,
        ratio: 4.0,
        knee_db: 6.0,
        attack_ms: 1.0,
        release_ms: 50.0,
        makeup_db: 0.0,
    };

    fn rate(hz: u32) -> SampleRate {
        SampleRate::new(hz).unwrap()
    }

    fn at_48k(hz: f64) -> DeEsser {
        DeEsser::new(hz, SETTINGS, rate(48_000)).unwrap()
    }

    fn processed(de_esser: &DeEsser, block: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut block = block.to_vec();
        de_esser.process(&mut de_esser.rest(block.len()), &mut block);
        block
    }

    fn tone(hz: f64, amplitude: f64, frames: usize) -> Vec<f64> {
        (0..frames).map(|n| amplitude * (TAU * hz * n as f64 / 48_000.0).sin()).collect()
    }

    /// Amplitude of a frequency in the last tenth of a second.
    fn amplitude(signal: &[f64], hz: f64) -> f64 {
        let last = &signal[signal.len() - 4_800..];
        let sum = last.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, x)| {
            let (sin, cos) = (TAU * hz * n as f64 / 48_000.0).sin_cos();
            (re + x * cos, im + x * sin)
        });
        (sum.0 * sum.0 + sum.1 * sum.1).sqrt() / 2_400.0
    }

    /// Voice below, hiss above, with pauses.
    fn programme(frames: usize) -> Vec<f64> {
        let mut state = 3_u32;
        (0..frames)
            .map(|n| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = f64::from(state as i32) / 2_147_483_648.0;
                let loud = (n / 5_000 % 3) as f64;
                loud * (0.3 * (TAU * 220.0 * n as f64 / 48_000.0).sin() + 0.1 * noise)
            })
            .collect()
    }

    /// With a gain that stands still, the formula of the head of this file at any
    /// frequency. The gain is held still by a hiss whose level is the same in each frame.
    #[test]
    fn a_steady_gain_is_the_shelf_of_the_formula() {
        let instant = Settings { attack_ms: 0.0, release_ms: 0.0, knee_db: 0.0, ..SETTINGS };
        let corner = 6_000.0;
        let de_esser = DeEsser::new(corner, instant, rate(48_000)).unwrap();
        // At half the sample rate the high-pass has gain 1: the level is 0.5 exactly.
        let frames = 96_000;
        let hiss: Vec<f64> = (0..frames).map(|n| if n % 2 == 0 { 0.5 } else { -0.5 }).collect();
        // 30 dB above full scale's -30 dB less 6.02, three quarters of it taken away.
        let gain = 10_f64.powf(-(30.0 - 6.020_6) * 0.75 / 20.0);
        for hz in [100.0, 1_000.0, 3_000.0, 6_000.0, 9_000.0, 18_000.0] {
            let block = vec![hiss.clone(), tone(hz, 0.001, frames)];
            let found = amplitude(&processed(&de_esser, &block)[1], hz) / 0.001;
            let warped = |hz: f64| (TAU / 2.0 * hz / 48_000.0).tan();
            let fourth = (warped(hz) / warped(corner)).powi(4);
            let expected = ((1.0 + gain * gain * fourth) / (1.0 + fourth)).sqrt();
            // The tone's wave is not whole in the window measured: 0.001 dB.
            let error = 20.0 * (found / expected).log10();
            assert!(error.abs() < 1e-3, "{hz}: {found} {expected}");
        }
    }

    #[test]
    fn what_does_not_hiss_passes_bit_for_bit() {
        let quiet: Vec<f64> = programme(48_000).iter().map(|x| x * 0.01).collect();
        let voice = tone(220.0, 0.9, 48_000);
        for signal in [quiet, voice, vec![0.0; 1_000], vec![-0.0; 1_000]] {
            let bits = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<Vec<u64>>();
            let found = processed(&at_48k(6_000.0), std::slice::from_ref(&signal));
            assert!(bits(&found[0]) == bits(&signal));
        }
        // A voice with the level of a hiss that is lowered: by the band, not by the level.
        let loud = tone(15_000.0, 0.9, 48_000);
        assert!(amplitude(&processed(&at_48k(6_000.0), &[loud])[0], 15_000.0) < 0.2);
    }

    #[test]
    fn the_loudest_channel_lowers_all() {
        let (hiss, voice) = (tone(10_000.0, 0.8, 48_000), tone(10_000.0, 0.001, 48_000));
        let both = processed(&at_48k(5_000.0), &[hiss, voice.clone()]);
        assert!(amplitude(&both[1], 10_000.0) < 0.0003);
        let alone = processed(&at_48k(5_000.0), std::slice::from_ref(&voice));
        assert_eq!(alone[0], voice);
    }

    #[test]
    fn cuts_change_no_bit_and_silence_brings_rest() {
        let de_esser = at_48k(5_500.0);
        let signal = vec![programme(30_000), tone(7_000.0, 0.2, 30_000)];
        let whole = processed(&de_esser, &signal);
        for length in [1, 77, 4_096] {
            let mut state = de_esser.rest(2);
            let mut cut = vec![Vec::new(); 2];
            for start in (0..30_000).step_by(length) {
                let end = 30_000.min(start + length);
                let mut block: Vec<Vec<f64>> =
                    signal.iter().map(|channel| channel[start..end].to_vec()).collect();
                de_esser.process(&mut state, &mut block);
                cut.iter_mut().zip(block).for_each(|(cut, block)| cut.extend(block));
            }
            assert!(cut == whole, "{length}");
            de_esser.process(&mut state, &mut vec![vec![0.0; 3_000_000]; 2]);
            assert_eq!(state, de_esser.rest(2));
        }
    }

    /// How far one that always ran is from one that began `before` frames ago.
    fn seam_dbfs(de_esser: &DeEsser, before: usize) -> f64 {
        let mut signal = tone(9_000.0, 1.0, 48_000);
        // Less reduction than is left of the full-scale one: a higher one would hide it.
        signal.extend(tone(9_000.0, 0.003, before + 48_000));
        let whole = processed(de_esser, std::slice::from_ref(&signal));
        let late = processed(de_esser, &[signal[48_000..].to_vec()]);
        let pairs = whole[0][48_000..].iter().zip(&late[0]).skip(before);
        20.0 * pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max).log10()
    }

    #[test]
    fn a_restart_is_not_heard_and_one_too_late_is() {
        for hz in [2_000.0, 6_000.0, 12_000.0] {
            let settings = Settings { threshold_dbfs: -50.0, ..SETTINGS };
            let de_esser = DeEsser::new(hz, settings, rate(48_000)).unwrap();
            let seam = seam_dbfs(&de_esser, de_esser.before());
            assert!(seam < -200.0, "{hz}: {seam}");
            let late = seam_dbfs(&de_esser, de_esser.before() / 8);
            assert!(late > -200.0, "{hz}: {late}");
        }
    }

    #[test]
    fn nonsense_is_none() {
        assert_eq!(DeEsser::new(24_000.0, SETTINGS, rate(48_000)), None);
        let nonsense = Settings { ratio: 0.5, ..SETTINGS };
        assert_eq!(DeEsser::new(6_000.0, nonsense, rate(48_000)), None);
    }
}
