//! Signals that are made here: line-up tone, 2-pops, the clicks of a metronome. All
//! are functions of the programme frame alone, with phases counted in whole numbers,
//! so that an hour later a tone is still what it was in its first second.

use std::f64::consts::FRAC_PI_2;
use std::ops::Range;

use crate::units::{Gain, SampleRate};

/// Frequency of a 2-pop and a tail pop, in Hz (delivery-specs 1.6).
pub const POP_HZ: u32 = 1_000;

/// Level of a 2-pop in dBFS, peak: customary, not required (delivery-specs 1.6).
pub const POP_DBFS: f64 = -20.0;

/// Frequencies of a click: of the first beat of a bar, and of the others. Our choice:
/// a fifth apart, where small loudspeakers still sound.
pub const CLICK_HZ: [u32; 2] = [1_500, 1_000];

/// How long a click sounds. Our choice: it has ended before the next semiquaver at 300
/// beats per minute.
pub const CLICK_MS: u32 = 30;

/// Something that sounds for a while. Levels are those of the peak, in dB of full
/// scale 1.0, so that a sine of 0 dBFS just fills the scale.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Sound {
    /// A sine that starts from zero, upward, at `start` and is cut off at `end`.
    Tone {
        /// Frequency in Hz, below half the sample rate.
        hz: u32,
        /// Level.
        peak: Gain,
        /// First programme frame.
        start: u64,
        /// Programme frame after the last.
        end: u64,
    },
    /// A click of a metronome: with x from 0 to 1 over [`CLICK_MS`], a sine that starts
    /// from zero times (1 - x)^2.
    Click {
        /// Whether it is the first of a bar, see [`CLICK_HZ`].
        accented: bool,
        /// Level of the sine where it starts: no sample is above it.
        peak: Gain,
        /// First programme frame.
        start: u64,
    },
}

/// A generated signal of one channel: all its sounds added up, silence where there are
/// none.
#[derive(Clone, PartialEq, Debug)]
pub struct Signal {
    /// Its sounds.
    pub sounds: Vec<Sound>,
    /// The rate of its frames.
    pub rate: SampleRate,
}

impl Signal {
    /// What sounds, in words: `tone of 1000 Hz at -20 dBFS`.
    pub fn words(&self) -> String {
        match self.sounds.first() {
            Some(Sound::Tone { hz, peak, .. }) => format!("tone of {hz} Hz at {} dBFS", peak.db()),
            Some(Sound::Click { peak, .. }) => format!("click at {} dBFS", peak.db()),
            None => "silence".to_owned(),
        }
    }
}

/// What a [`Signal`] does within a range, told from the first frame of the range on,
/// so that ranges in which the same sounds have equal descriptions: all seconds of a
/// tone, each second with a click at one place. It is all that [`Local::samples`]
/// knows.
#[derive(Clone, PartialEq, Debug)]
pub enum Local {
    /// Digital silence.
    Silence,
    /// What sounds, in the order of the signal.
    Sounds(Vec<Part>),
}

/// The part of a sound that lies in a range.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Part {
    /// Its first frame within the range, and how many there are.
    from: u64,
    frames: u64,
    /// Place in the wave at its first frame, in periods times the sample rate.
    phase: u64,
    hz: u32,
    rate: u32,
    amplitude: f64,
    /// Frames since a click began, and how many it has.
    decay: Option<(u64, u64)>,
}

impl Sound {
    /// The programme frames in which it sounds.
    pub fn frames(&self, rate: SampleRate) -> Range<u64> {
        match *self {
            Sound::Tone { hz: _, peak: _, start, end } => start..end,
            Sound::Click { accented: _, peak: _, start } => {
                start..start.saturating_add(u64::from(rate.hz() * CLICK_MS / 1000))
            }
        }
    }

    /// What of it lies in `range`.
    fn part(&self, range: &Range<u64>, rate: SampleRate) -> Option<Part> {
        let Range { start, end } = self.frames(rate);
        let (first, last) = (range.start.max(start), range.end.min(end));
        let (peak, hz, decay) = match *self {
            Sound::Tone { hz, peak, start: _, end: _ } => (peak, hz, None),
            Sound::Click { accented, peak, start } => {
                let hz = CLICK_HZ[usize::from(!accented)];
                (peak, hz, Some((first.saturating_sub(start), end - start)))
            }
        };
        (first < last).then(|| Part {
            from: first - range.start,
            frames: last - first,
            phase: turned(first - start, hz, rate.hz()),
            hz,
            rate: rate.hz(),
            amplitude: peak.linear(),
            decay,
        })
    }
}

impl Signal {
    /// What sounds in the programme frames of `range`.
    pub fn local(&self, range: Range<u64>) -> Local {
        let parts: Vec<Part> =
            self.sounds.iter().filter_map(|sound| sound.part(&range, self.rate)).collect();
        if parts.is_empty() { Local::Silence } else { Local::Sounds(parts) }
    }
}

impl Local {
    /// The first `frames` frames of the range, full scale 1.0.
    pub fn samples(&self, frames: usize) -> Vec<f64> {
        let mut samples = vec![0.0; frames];
        let parts = match self {
            Local::Silence => &[],
            Local::Sounds(parts) => parts.as_slice(),
        };
        for part in parts {
            let from = frames.min(part.from as usize);
            let to = frames.min((part.from + part.frames) as usize);
            for (n, x) in samples[from..to].iter_mut().enumerate() {
                *x += part.sample(n as u64);
            }
        }
        samples
    }

    /// Everything that [`Local::samples`] depends on, for a key: different numbers for
    /// different samples.
    pub fn numbers(&self) -> Vec<u64> {
        let parts = match self {
            Local::Silence => &[],
            Local::Sounds(parts) => parts.as_slice(),
        };
        let numbers = |part: &Part| {
            let Part { from, frames, phase, hz, rate, amplitude, decay } = *part;
            let (passed, of) = decay.unwrap_or((0, 0));
            let (hz, rate) = (u64::from(hz), u64::from(rate));
            [from, frames, phase, hz, rate, amplitude.to_bits(), passed, of]
        };
        parts.iter().flat_map(numbers).collect()
    }
}

impl Part {
    fn sample(&self, frame: u64) -> f64 {
        let phase = (self.phase + turned(frame, self.hz, self.rate)) % u64::from(self.rate);
        let sine = self.amplitude * sine(phase, u64::from(self.rate));
        match self.decay {
            None => sine,
            Some((passed, of)) => {
                let left = (of - (passed + frame)) as f64 / of as f64;
                sine * (left * left)
            }
        }
    }
}

/// Where in its wave a sine of `hz` is after `frames`, in periods times the rate.
fn turned(frames: u64, hz: u32, rate: u32) -> u64 {
    (frames % u64::from(rate)) * u64::from(hz) % u64::from(rate)
}

/// The sine of `phase` / `of` turns, below one turn. The four quarters of a wave are
/// one, so that they cancel exactly.
fn sine(phase: u64, of: u64) -> f64 {
    let (quarter, rest) = (4 * phase / of, 4 * phase % of);
    let rising = |place: u64| libm::sin(FRAC_PI_2 * (place as f64 / of as f64));
    match quarter {
        0 => rising(rest),
        1 => rising(of - rest),
        2 => -rising(rest),
        _ => -rising(of - rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn rate(hz: u32) -> SampleRate {
        SampleRate::new(hz).unwrap()
    }

    fn db(db: f64) -> Gain {
        Gain::from_db(db).unwrap()
    }

    fn signal(hz: u32, sounds: &[Sound]) -> Signal {
        Signal { sounds: sounds.to_vec(), rate: rate(hz) }
    }

    fn samples(signal: &Signal, range: Range<u64>) -> Vec<f64> {
        signal.local(range.clone()).samples((range.end - range.start) as usize)
    }

    fn highest(samples: &[f64]) -> f64 {
        samples.iter().fold(0.0, |high, x| high.max(x.abs()))
    }

    #[test]
    fn a_tone_is_a_sine_of_its_frequency_and_level_however_late() {
        for (at, hz) in [(48_000, 997), (44_100, 1_000), (96_000, 1_000), (48_000, 23_999)] {
            let start = 12_345;
            let tone = Sound::Tone { hz, peak: db(-18.0), start, end: u64::MAX };
            let tone = signal(at, &[tone]);
            for first in [start, 3_600 * u64::from(at) + 77] {
                let found = samples(&tone, first..first + 5_000);
                for (frame, x) in (first..).zip(&found) {
                    // The angle in whole numbers first, or it had no digits left.
                    let turns = (frame - start) * u64::from(hz) % u64::from(at);
                    let expected = 10_f64.powf(-0.9) * (TAU * turns as f64 / f64::from(at)).sin();
                    assert!((x - expected).abs() < 1e-15, "{hz} at {at}: {frame}");
                }
            }
        }
        // A peak level: 1 kHz at 48 kHz has samples on its crests, and is 0 on average.
        let tone = Sound::Tone { hz: 1_000, peak: db(-20.0), start: 0, end: 48_000 };
        let found = samples(&signal(48_000, &[tone]), 0..48_000);
        assert_eq!(highest(&found), 0.1);
        assert!((0..24).all(|n| found[n] == -found[n + 24]));
    }

    #[test]
    fn a_tone_has_its_frames_and_no_more() {
        let tone = Sound::Tone { hz: 1_000, peak: db(0.0), start: 1_001, end: 50_002 };
        let tone = signal(48_000, &[tone]);
        let found = samples(&tone, 0..60_000);
        let sounding = |x: &f64| *x != 0.0;
        // The first frame of a sine is 0.
        assert_eq!(found.iter().position(sounding), Some(1_002));
        assert_eq!(found.iter().rposition(sounding), Some(50_001));
        assert_eq!(tone.local(0..1_001), Local::Silence);
        assert_eq!(tone.local(50_002..60_000), Local::Silence);
        assert_ne!(tone.local(50_001..60_000), Local::Silence);
    }

    #[test]
    fn a_click_starts_at_its_frame_and_dies_away() {
        for (accented, hz) in [(true, 1_500.0), (false, 1_000.0)] {
            for at in [44_100, 48_000] {
                let click = signal(at, &[Sound::Click { accented, peak: db(-6.0), start: 500 }]);
                let length = at as usize * 30 / 1_000;
                let found = samples(&click, 0..10_000);
                for (n, x) in found.iter().enumerate() {
                    let since = n as f64 - 500.0;
                    let left = 1.0 - since / length as f64;
                    let sine = (TAU * hz * since / f64::from(at)).sin();
                    let inside = n >= 500 && n < 500 + length;
                    let expected =
                        if inside { 10_f64.powf(-0.3) * sine * left * left } else { 0.0 };
                    // Angles up to 45 turns lose two digits in the closed form.
                    assert!((x - expected).abs() < 1e-13, "{n}: {x} {expected}");
                }
                assert!(highest(&found) < db(-6.0).linear());
                assert!(highest(&found) > db(-6.5).linear());
            }
        }
    }

    fn some() -> Signal {
        let tone = |hz, start, end| Sound::Tone { hz, peak: db(-20.0), start, end };
        let click = |accented, start| Sound::Click { accented, peak: db(-9.0), start };
        let sounds = [
            tone(997, 0, 1_900),
            tone(1_000, 2_500, 4_502),
            tone(1_000, 2_500, 4_500),
            click(true, 3_000),
            click(false, 9_000),
            click(true, 17_000),
        ];
        signal(8_000, &sounds)
    }

    #[test]
    fn cuts_change_no_bit() {
        let whole = samples(&some(), 0..20_000);
        for length in [1, 17, 800, 7_777] {
            let mut cut = Vec::new();
            while cut.len() < whole.len() {
                let start = cut.len() as u64;
                cut.extend(samples(&some(), start..20_000.min(start + length)));
            }
            assert!(cut == whole, "{length}");
        }
    }

    #[test]
    fn ranges_in_which_the_same_sounds_are_described_alike() {
        for (at, hz) in [(48_000, 997), (44_100, 1_000), (8_000, 440)] {
            let second = u64::from(at);
            let tone = Sound::Tone { hz, peak: db(-20.0), start: 77, end: 9 * second };
            let tone = signal(at, &[tone]);
            let local = |n: u64| tone.local(n * second..(n + 1) * second);
            assert!((2..9).all(|n| local(n) == local(1)));
            assert_ne!(local(0), local(1));
            assert_eq!(local(9), Local::Silence);
        }
        // Clicks a second apart.
        assert_eq!(some().local(2_800..8_000).samples(5_200).len(), 5_200);
        let click = |start| signal(8_000, &[Sound::Click { accented: true, peak: db(0.0), start }]);
        assert_eq!(click(100).local(0..8_000), click(16_100).local(16_000..24_000));
        assert_ne!(click(100).local(0..8_000), click(101).local(0..8_000));
    }

    #[test]
    fn different_samples_have_different_numbers() {
        let tone = |hz, db_, start, end| Sound::Tone { hz, peak: db(db_), start, end };
        let click = |accented, db_, start| Sound::Click { accented, peak: db(db_), start };
        let all = [
            signal(8_000, &[]),
            signal(8_000, &[tone(1_000, -20.0, 10, 400)]),
            signal(8_000, &[tone(997, -20.0, 10, 400)]),
            signal(8_000, &[tone(1_000, -18.0, 10, 400)]),
            signal(8_000, &[tone(1_000, -20.0, 11, 400)]),
            signal(8_000, &[tone(1_000, -20.0, 10, 401)]),
            signal(16_000, &[tone(1_000, -20.0, 10, 400)]),
            signal(8_000, &[click(true, -20.0, 10)]),
            signal(8_000, &[click(false, -20.0, 10)]),
            signal(8_000, &[click(false, -20.0, 10), click(false, -20.0, 10)]),
        ];
        let seen: Vec<(Vec<u64>, Vec<f64>)> = all
            .iter()
            .flat_map(|signal| [0..500, 30..530, 230..730].map(|range| (signal, range)))
            .map(|(signal, range)| (signal.local(range.clone()).numbers(), samples(signal, range)))
            .collect();
        for (numbers, found) in &seen {
            for (others, other) in &seen {
                assert_eq!(numbers == others, found == other, "{numbers:?} {others:?}");
            }
        }
    }
}
