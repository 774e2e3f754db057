//! The song: every track but the drums, and the printed mix.

use crate::score::{
    BARS, BEAT, CHORDS, CHORUS, HIGH, LOW, OUTRO, Section, Sung, VERSE, bar, section, syllables,
};
use crate::synth::{Partial, die, ease, high_pass, hz, low_pass, reverb, saturate, struck, sweep};
use crate::take::{Canvas, Take, pan, sum};
use crate::voice::Singer;

/// Bar at which the file of the effects track starts; the manifest places it.
pub(crate) const RISER_BAR: usize = 6;

/// Seconds the last chord rings.
const RING: f64 = 4.2;

/// All tracks, in the order of the manifest.
pub(crate) fn tracks() -> Vec<Take> {
    let strings = bass();
    let amp = low_pass(&saturate(strings.channel(0), 3.0), 1_100.0);
    // A decaying string has a mean, and so has distortion; pickup and speaker have none.
    let blocked = |sound: &[f64]| high_pass(sound, 25.0);
    let (mut di, mut amplified) = (Canvas::new(1), Canvas::new(1));
    di.add(0.0, &blocked(strings.channel(0)), &[1.0]);
    amplified.add(0.002, &blocked(&amp), &[1.0]);

    let mut all = crate::drums::tracks();
    all.extend([
        di.print("bass_di", -18.0),
        amplified.print("bass_amp", -19.0),
        piano().print("piano", -17.0),
        pads().print("pads", -27.0),
        guitar().print("gtr", -22.0),
        lead().print("lead", -14.0),
        double().print("lead_double", -24.5),
        choir(LOW, 1.0, 41).print("bgv_low", -24.0),
        choir(HIGH, 1.12, 43).print("bgv_high", -25.5),
        riser().print("riser", -23.0).placed(bar(RISER_BAR)),
    ]);
    all
}

/// The printed mix: the tracks at unity, in stereo.
pub(crate) fn mix(tracks: &[Take]) -> Take {
    sum("mix_v1", tracks, 2)
}

/// Seconds that a bar's chord sounds.
fn hold(number: usize) -> f64 {
    if number == BARS { RING } else { 4.0 * BEAT }
}

fn string(brightness: f64, pluck: f64, decay: f64) -> Vec<Partial> {
    (1..=7)
        .map(|k| {
            let number = f64::from(k);
            let level = libm::sin(std::f64::consts::PI * number * pluck).abs();
            Partial {
                ratio: number,
                level: level * libm::pow(number, -brightness),
                decay: decay / libm::pow(number, 0.7),
            }
        })
        .collect()
}

fn bass() -> Canvas {
    let mut canvas = Canvas::new(1);
    let string = string(1.4, 0.23, 1.1);
    for number in 3..=BARS {
        let root = CHORDS[number - 1].bass;
        // Beat, beats, semitones above the root.
        let line: &[(f64, f64, i32)] = match section(number) {
            Section::Verse => &[(0.0, 0.9, 0), (1.5, 0.4, 0), (2.0, 0.9, 0), (3.5, 0.4, 7)],
            Section::Chorus => {
                &[(0.0, 0.45, 0), (0.5, 0.7, 0), (1.5, 0.4, 12), (2.0, 0.7, 0), (3.0, 0.7, 7)]
            }
            Section::Outro => &[(0.0, 1.4, 0), (2.0, 1.4, 0)],
            _ => &[(0.0, 5.5, 0)],
        };
        for &(beat, beats, up) in line {
            let note = struck(hz(root + up), beats * BEAT, &string);
            canvas.add(bar(number) + beat * BEAT, &note, &[1.0]);
        }
    }
    canvas
}

/// An electric piano: a tine and its tone bar.
fn piano() -> Canvas {
    let partial = |ratio, level, decay| Partial { ratio, level, decay };
    let tine = [
        partial(1.0, 1.0, 1.4),
        partial(2.0, 0.22, 0.8),
        partial(3.0, 0.10, 0.5),
        partial(4.0, 0.04, 0.3),
        partial(7.1, 0.04, 0.05),
    ];
    let mut canvas = Canvas::new(2);
    for number in 1..=BARS {
        let stabs: &[(f64, f64, f64)] = match section(number) {
            Section::Intro => &[(0.0, 2.9, 0.8)],
            Section::Verse => &[(0.0, 1.4, 0.75), (2.5, 0.9, 0.5)],
            Section::Chorus => &[(0.0, 0.9, 1.0), (1.5, 0.9, 0.8), (3.0, 0.7, 0.7)],
            Section::Outro => &[(0.0, 1.4, 0.8), (2.0, 1.4, 0.6)],
            Section::End => &[(0.0, RING / BEAT, 0.9)],
        };
        for &(beat, beats, force) in stabs {
            for (finger, &note) in CHORDS[number - 1].notes.iter().enumerate() {
                let sound = struck(hz(note), beats * BEAT, &tine);
                // A hand is never quite together; low notes sit left, as the player hears.
                let at = bar(number) + beat * BEAT + 0.006 * finger as f64;
                let [left, right] = pan(-0.24 + 0.16 * finger as f64);
                canvas.add(at, &sound, &[force * left, force * right]);
            }
        }
    }
    canvas
}

/// From the chorus on, held chords of two slowly beating voices, a little apart.
fn pads() -> Canvas {
    let mut canvas = Canvas::new(2);
    for number in 7..=BARS {
        let seconds = hold(number) + 0.5;
        for note in CHORDS[number - 1].notes {
            for (detune, place) in [(0.9975, -0.8), (1.0025, 0.8)] {
                let partial = |k: i32| {
                    let ratio = f64::from(k);
                    Partial { ratio, level: libm::pow(ratio, -1.8), decay: 4.0 }
                };
                let mut sound = struck(hz(note) * detune, seconds, &[1, 2, 3].map(partial));
                ease(&mut sound, 0.5, if number == BARS { 3.0 } else { 0.6 });
                canvas.add(bar(number), &sound, &pan(place));
            }
        }
    }
    canvas
}

/// A picked guitar: broken chords in eighths.
fn guitar() -> Canvas {
    let mut canvas = Canvas::new(1);
    let string = string(1.6, 0.17, 0.7);
    for number in 1..=BARS {
        let notes = CHORDS[number - 1].notes;
        let picks: &[usize] = match section(number) {
            Section::Intro | Section::Chorus => &[0, 1, 2, 3, 2, 1, 3, 2],
            Section::Verse if number < 5 => &[],
            Section::Verse => &[0, 2, 3, 2],
            Section::Outro | Section::End => &[0, 1, 2, 3],
        };
        let step = if number == BARS { 0.12 } else { 4.0 / picks.len() as f64 };
        for (index, &pick) in picks.iter().enumerate() {
            let at = bar(number) + index as f64 * step * BEAT;
            let seconds = if number == BARS { RING - 0.6 } else { 0.7 };
            let force = if index % 4 == 0 { 1.0 } else { 0.75 };
            canvas.add(at, &struck(hz(notes[pick] + 12), seconds, &string), &[force]);
        }
    }
    canvas
}

/// A woman's voice, close, with a touch of plate that is part of the sound.
fn lead() -> Canvas {
    let singer =
        Singer { tract: 1.14, vibrato: 0.012, tilt: 1.05, glide: 0.035, bite: 0.05, seed: 7 };
    let mut canvas = Canvas::new(1);
    for part in [VERSE, CHORUS, OUTRO] {
        canvas.add(0.0, &singer.sing(&syllables(part, 0.0, 1.0)), &[1.0]);
    }
    let plate = reverb(&low_pass(canvas.channel(0), 2_200.0), 0.7, 0.4, 97);
    canvas.add(0.03, &plate, &[0.16]);
    canvas
}

/// The same singer again in the chorus: a little late, a little sharp.
fn double() -> Canvas {
    let singer =
        Singer { tract: 1.12, vibrato: 0.009, tilt: 1.2, glide: 0.05, bite: 0.02, seed: 11 };
    let mut canvas = Canvas::new(1);
    canvas.add(0.0, &singer.sing(&syllables(CHORUS, 0.018, 1.004)), &[1.0]);
    canvas
}

fn choir(notes: &[Sung], tract: f64, seed: u64) -> Canvas {
    let mut canvas = Canvas::new(1);
    for (late, detune, tract) in [(0.0, 0.997, tract), (0.025, 1.003, tract * 1.04)] {
        let singer = Singer { tract, vibrato: 0.008, tilt: 1.35, glide: 0.08, bite: 0.0, seed };
        canvas.add(0.0, &singer.sing(&syllables(notes, late, detune)), &[0.5]);
    }
    canvas
}

/// The lift into the chorus, and the drop under its first beat.
fn riser() -> Canvas {
    let mut canvas = Canvas::new(2);
    let length = 4.0 * BEAT;
    for (base, place) in [(220.0, -0.9), (221.3, 0.9), (329.6, 0.4), (331.0, -0.4)] {
        let mut sound = sweep(length, |t| base * libm::exp2(2.0 * (t / length) * (t / length)));
        ease(&mut sound, length * 0.9, 0.08);
        canvas.add(0.0, &sound, &pan(place));
    }
    let mut drop = sweep(2.0, |t| 38.0 + 60.0 * libm::exp(-t / 0.35));
    die(&mut drop, 0.6);
    ease(&mut drop, 0.005, 1.0);
    canvas.add(length, &drop, &[1.2, 1.2]);
    canvas
}
