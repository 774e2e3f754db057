//! Sounds from nothing: partials, noise, filters, a reverberator.
//!
//! No clock, no random source, and `libm` instead of the platform's `sin`, so that
//! every machine computes the same samples.

use std::f64::consts::TAU;

/// Frames per second of everything made here.
pub(crate) const RATE: f64 = 48_000.0;

/// Seconds as frames.
pub(crate) fn frames(seconds: f64) -> usize {
    libm::round(seconds * RATE) as usize
}

/// Decibels as a factor.
pub(crate) fn db(decibels: f64) -> f64 {
    libm::pow(10.0, decibels / 20.0)
}

/// The frequency of a MIDI note number.
pub(crate) fn hz(note: i32) -> f64 {
    440.0 * libm::exp2(f64::from(note - 69) / 12.0)
}

/// The factor per frame that lets a level fall to 1/e in so many seconds.
pub(crate) fn fall(seconds: f64) -> f64 {
    libm::exp(-1.0 / (seconds * RATE))
}

/// White noise from a seed (SplitMix64).
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Noise(seed)
    }

    /// The next value, evenly spread over -1 to 1.
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// One sine of a sound.
pub(crate) struct Partial {
    /// Multiple of the fundamental.
    pub(crate) ratio: f64,
    /// Level at the start.
    pub(crate) level: f64,
    /// Seconds until it has fallen to 1/e.
    pub(crate) decay: f64,
}

/// A sound that is struck or plucked once and dies away.
pub(crate) fn struck(fundamental: f64, seconds: f64, partials: &[Partial]) -> Vec<f64> {
    let mut sound = vec![0.0; frames(seconds)];
    for partial in partials.iter().filter(|p| p.ratio * fundamental < 0.4 * RATE) {
        let turn = TAU * partial.ratio * fundamental / RATE;
        let shrink = fall(partial.decay);
        let (cos, sin) = (libm::cos(turn) * shrink, libm::sin(turn) * shrink);
        let (mut re, mut im) = (partial.level, 0.0);
        for frame in &mut sound {
            *frame += im;
            (re, im) = (re * cos - im * sin, re * sin + im * cos);
        }
    }
    ease(&mut sound, 0.002, 0.05);
    sound
}

/// A sine whose frequency is a function of time in seconds.
pub(crate) fn sweep(seconds: f64, frequency: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut turns = 0.0;
    (0..frames(seconds))
        .map(|i| {
            turns += frequency(i as f64 / RATE) / RATE;
            libm::sin(TAU * turns)
        })
        .collect()
}

/// Noise between two frequencies that dies away.
pub(crate) fn burst(seed: u64, seconds: f64, band: (f64, f64), decay: f64) -> Vec<f64> {
    let mut noise = Noise::new(seed);
    let white: Vec<f64> = (0..frames(seconds)).map(|_| noise.next()).collect();
    let mut sound = low_pass(&low_pass(&high_pass(&white, band.0), band.1), band.1);
    die(&mut sound, decay);
    ease(&mut sound, 0.001, seconds * 0.2);
    sound
}

/// Multiplies by a level that falls to 1/e every so many seconds.
pub(crate) fn die(sound: &mut [f64], decay: f64) {
    let shrink = fall(decay);
    let mut level = 1.0;
    for frame in sound {
        *frame *= level;
        level *= shrink;
    }
}

/// Fades in and out, so that nothing clicks and every sound ends in true silence.
pub(crate) fn ease(sound: &mut [f64], attack: f64, release: f64) {
    let smooth = |x: f64| x * x * (3.0 - 2.0 * x);
    let (attack, release) = (frames(attack).max(1), frames(release).max(1));
    for (i, frame) in sound.iter_mut().take(attack).enumerate() {
        *frame *= smooth(i as f64 / attack as f64);
    }
    for (i, frame) in sound.iter_mut().rev().take(release).enumerate() {
        *frame *= smooth(i as f64 / release as f64);
    }
}

/// Soft saturation: an amplifier that runs out of swing.
pub(crate) fn saturate(sound: &[f64], drive: f64) -> Vec<f64> {
    sound.iter().map(|x| x * drive).map(|x| x / (1.0 + x.abs())).collect()
}

/// A filter of second order, 12 dB per octave (state variable, trapezoidal).
struct Filter {
    g: f64,
    h: f64,
    low: f64,
    band: f64,
}

impl Filter {
    const DAMPING: f64 = std::f64::consts::SQRT_2;

    fn new(cutoff: f64) -> Self {
        let g = libm::tan(0.5 * TAU * cutoff / RATE);
        Filter { g, h: 1.0 / (1.0 + g * (g + Self::DAMPING)), low: 0.0, band: 0.0 }
    }

    /// The parts below and above the cutoff.
    fn step(&mut self, input: f64) -> (f64, f64) {
        let high = (input - self.low - (self.g + Self::DAMPING) * self.band) * self.h;
        let band = self.g * high + self.band;
        let low = self.g * band + self.low;
        self.band = self.g * high + band;
        self.low = self.g * band + low;
        (low, high)
    }
}

/// What lies below a frequency.
pub(crate) fn low_pass(sound: &[f64], cutoff: f64) -> Vec<f64> {
    let mut filter = Filter::new(cutoff);
    sound.iter().map(|&x| filter.step(x).0).collect()
}

/// What lies above a frequency.
pub(crate) fn high_pass(sound: &[f64], cutoff: f64) -> Vec<f64> {
    let mut filter = Filter::new(cutoff);
    sound.iter().map(|&x| filter.step(x).1).collect()
}

/// The reverberation alone: four damped combs, then two all-passes (Schroeder).
/// `spread` shifts the delays, so that two channels differ.
pub(crate) fn reverb(dry: &[f64], seconds: f64, tone: f64, spread: usize) -> Vec<f64> {
    let mut input = dry.to_vec();
    input.resize(dry.len() + frames(seconds), 0.0);
    let mut wet = vec![0.0; input.len()];
    for delay in [1_427, 1_601, 1_867, 2_053].map(|d| d + spread) {
        let back = db(-60.0 * delay as f64 / frames(seconds) as f64);
        let mut line = vec![0.0; delay];
        let mut damped = 0.0;
        for (i, x) in input.iter().enumerate() {
            let out = line[i % delay];
            damped += tone * (out - damped);
            line[i % delay] = x + back * damped;
            wet[i] += 0.25 * out;
        }
    }
    for delay in [241, 83].map(|d| d + spread / 8) {
        let mut line = vec![0.0; delay];
        for (i, frame) in wet.iter_mut().enumerate() {
            let held = line[i % delay];
            let into = *frame + 0.6 * held;
            line[i % delay] = into;
            *frame = held - 0.6 * into;
        }
    }
    ease(&mut wet, 0.0, seconds * 0.5);
    wet
}
