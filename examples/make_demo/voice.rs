//! A voice: the harmonics of a glottal pulse, shaped by the formants of a vowel.

use std::f64::consts::TAU;

use crate::synth::{Noise, RATE, burst, frames};

/// The voice is computed anew this often and glides in between.
const TICK: usize = 96;
const HARMONICS: usize = 36;
/// Nothing above: speech has little there, and silence costs nothing.
const CEILING: f64 = 4_600.0;

/// Formant frequencies of a vowel in Hz, of an adult man's tract.
#[derive(Clone, Copy)]
pub(crate) struct Vowel([f64; 4]);

pub(crate) const AH: Vowel = Vowel([730.0, 1_090.0, 2_440.0, 3_400.0]);
pub(crate) const EH: Vowel = Vowel([530.0, 1_840.0, 2_480.0, 3_500.0]);
pub(crate) const EE: Vowel = Vowel([290.0, 2_250.0, 2_960.0, 3_600.0]);
pub(crate) const OH: Vowel = Vowel([540.0, 880.0, 2_410.0, 3_300.0]);
pub(crate) const OO: Vowel = Vowel([320.0, 870.0, 2_240.0, 3_300.0]);

/// How a syllable begins.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Onset {
    /// Tied to the one before.
    Legato,
    /// A short closure: `m`, `d`, `l`.
    Soft,
    /// A hiss before it: `s`, `sh`.
    Hiss,
    /// A burst before it: `t`, `k`.
    Tap,
}

/// One syllable.
#[derive(Clone, Copy)]
pub(crate) struct Syllable {
    /// Seconds.
    pub(crate) start: f64,
    /// Seconds.
    pub(crate) length: f64,
    /// Pitch at the start and at the end, in Hz.
    pub(crate) pitch: (f64, f64),
    pub(crate) vowel: Vowel,
    pub(crate) onset: Onset,
    pub(crate) level: f64,
}

/// Who sings or speaks.
pub(crate) struct Singer {
    /// Size of the tract: 1 is a man's, 1.17 a woman's.
    pub(crate) tract: f64,
    /// Depth of the vibrato as a share of the pitch.
    pub(crate) vibrato: f64,
    /// How much brighter than a sigh: the fall of the harmonics, 1 bright to 2 dark.
    pub(crate) tilt: f64,
    /// Seconds in which the pitch slides to the next.
    pub(crate) glide: f64,
    /// Level of consonants.
    pub(crate) bite: f64,
    pub(crate) seed: u64,
}

/// The voice at one tick.
#[derive(Clone)]
struct Shape {
    pitch: f64,
    levels: [f64; HARMONICS],
}

/// The movements of the voice between ticks: everything chases a target.
struct Throat {
    pitch: f64,
    level: f64,
    formants: [f64; 4],
    drift: f64,
}

impl Singer {
    /// The voice from time 0 to the end of the last syllable.
    pub(crate) fn sing(&self, syllables: &[Syllable]) -> Vec<f64> {
        let end = syllables.last().map_or(0.0, |s| s.start + s.length) + 0.4;
        let shapes = self.shapes(syllables, frames(end) / TICK + 2);
        let mut sound = vec![0.0; (shapes.len() - 1) * TICK];
        let mut turns = 0.0;
        for (block, pair) in sound.chunks_mut(TICK).zip(shapes.windows(2)) {
            let (from, to) = (&pair[0], &pair[1]);
            let silent = from.levels[0] == 0.0 && to.levels[0] == 0.0;
            if !silent {
                turns = voiced(block, from, to, turns);
            }
        }
        for (index, syllable) in syllables.iter().enumerate() {
            self.consonant(&mut sound, syllable, self.seed + index as u64);
        }
        sound
    }

    fn shapes(&self, syllables: &[Syllable], ticks: usize) -> Vec<Shape> {
        let mut noise = Noise::new(self.seed);
        let mut throat =
            Throat { pitch: syllables[0].pitch.0, level: 0.0, formants: AH.0, drift: 0.0 };
        let mut current = 0;
        (0..ticks)
            .map(|tick| {
                let now = (tick * TICK) as f64 / RATE;
                while syllables.get(current + 1).is_some_and(|next| next.start <= now) {
                    current += 1;
                }
                self.shape(&mut throat, &syllables[current], now, noise.next())
            })
            .collect()
    }

    fn shape(&self, throat: &mut Throat, syllable: &Syllable, now: f64, random: f64) -> Shape {
        let tick = TICK as f64 / RATE;
        let chase = |seconds: f64| (tick / seconds).min(1.0);
        let age = now - syllable.start;
        let along = (age / syllable.length).clamp(0.0, 1.0);
        let sounding = (0.0..syllable.length).contains(&age);
        let closed = syllable.onset != Onset::Legato && (0.0..0.035).contains(&age);

        let pitch = syllable.pitch.0 + (syllable.pitch.1 - syllable.pitch.0) * along;
        throat.pitch += chase(self.glide) * (pitch - throat.pitch);
        let swell = syllable.level * (1.0 - 0.25 * along);
        let level = if sounding && !closed { swell } else { 0.0 };
        throat.level +=
            chase(if level > throat.level { 0.025 } else { 0.045 }) * (level - throat.level);
        for (formant, target) in throat.formants.iter_mut().zip(syllable.vowel.0) {
            *formant += chase(0.04) * (target - *formant);
        }
        throat.drift += chase(0.15) * (random - throat.drift);

        // Vibrato sets in once a note is held.
        let depth = self.vibrato * ((age - 0.2) / 0.3).clamp(0.0, 1.0);
        let wave = depth * libm::sin(TAU * 5.4 * age) + 0.006 * throat.drift;
        let pitch = throat.pitch * (1.0 + wave);
        Shape { pitch, levels: self.harmonics(throat, pitch) }
    }

    /// The level of each harmonic: the glottis falls with frequency, each formant
    /// lifts what lies near it.
    fn harmonics(&self, throat: &Throat, pitch: f64) -> [f64; HARMONICS] {
        let mut levels = [0.0; HARMONICS];
        if throat.level < 1e-4 {
            return levels;
        }
        for (index, level) in levels.iter_mut().enumerate() {
            let number = (index + 1) as f64;
            let frequency = number * pitch;
            let room = ((CEILING - frequency) / 600.0).clamp(0.0, 1.0);
            let glottis = libm::pow(number, -self.tilt);
            let shape = |(formant, (width, gain)): (&f64, (f64, f64))| {
                let off = (frequency - formant * self.tract) / (0.5 * width);
                gain / (1.0 + off * off).sqrt()
            };
            let widths = [(90.0, 1.0), (110.0, 0.7), (170.0, 0.45), (250.0, 0.3)];
            let tract: f64 = throat.formants.iter().zip(widths).map(shape).sum();
            *level = throat.level * room * glottis * tract;
        }
        levels
    }

    fn consonant(&self, sound: &mut [f64], syllable: &Syllable, seed: u64) {
        let (noise, lead) = match syllable.onset {
            Onset::Legato | Onset::Soft => return,
            Onset::Hiss => (burst(seed, 0.09, (4_500.0, 7_500.0), 0.2), 0.07),
            Onset::Tap => (burst(seed, 0.03, (1_800.0, 5_000.0), 0.006), 0.005),
        };
        let start = frames((syllable.start - lead).max(0.0));
        for (frame, x) in sound[start..].iter_mut().zip(noise) {
            *frame += self.bite * syllable.level * x;
        }
    }
}

/// Adds one tick of harmonics, from one shape to the next, and gives the phase in
/// turns at its end.
fn voiced(block: &mut [f64], from: &Shape, to: &Shape, mut turns: f64) -> f64 {
    for (i, frame) in block.iter_mut().enumerate() {
        let share = i as f64 / TICK as f64;
        turns += (from.pitch + (to.pitch - from.pitch) * share) / RATE;
        // sin(n+1) = 2 cos(1) sin(n) - sin(n-1): all harmonics from two calls.
        let (mut last, mut sin) = (0.0, libm::sin(TAU * turns));
        let twice_cos = 2.0 * libm::cos(TAU * turns);
        for (a, b) in from.levels.iter().zip(&to.levels) {
            *frame += (a + (b - a) * share) * sin;
            (last, sin) = (sin, twice_cos * sin - last);
        }
    }
    turns
}
