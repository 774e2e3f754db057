//! A reel of 12 seconds in 5.1: a quay at night, three lines of dialogue, a door.
//!
//! Two seconds of silent leader, then action from 01:00:00:00 on. Channels stand
//! in the order L R C LFE Ls Rs.

use crate::synth::{Partial, burst, die, ease, frames, high_pass, hz, low_pass, struck, sweep};
use crate::take::{Canvas, Take, sum};
use crate::voice::{AH, EE, EH, OH, OO, Onset, Singer, Syllable, Vowel};

/// Frames of the whole reel: 288 video frames of 2002 samples, 12 seconds of
/// timecode at 23.976.
const LENGTH: usize = 288 * 2_002;
/// Seconds of leader.
const ACTION: f64 = 96.0 * 1_001.0 / 48_000.0;

const CENTRE: [f64; 6] = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0];

/// The five printed elements.
pub(crate) fn prints() -> Vec<Take> {
    let elements = [
        dialogue(&ENGLISH).print("DX", -12.5),
        music().print("MX", -23.5),
        effects().print("FX", -10.0),
        footsteps().print("FOL", -24.0),
        ambience().print("BG", -44.0),
    ];
    elements.map(|take| take.lasting(LENGTH)).into()
}

/// The printed print master.
pub(crate) fn print_master(elements: &[Take]) -> Take {
    sum("PM", elements, 6)
}

/// A spoken syllable: seconds, pitch from and to, vowel, onset, level.
type Spoken = (f64, (f64, f64), Vowel, Onset, f64);

fn speak(singer: &Singer, start: f64, syllables: &[Spoken]) -> Vec<f64> {
    let mut at = start;
    let spoken: Vec<Syllable> = syllables
        .iter()
        .map(|&(length, pitch, vowel, onset, level)| {
            let syllable = Syllable { start: at, length, pitch, vowel, onset, level };
            at += length + 0.03;
            syllable
        })
        .collect();
    singer.sing(&spoken)
}

/// What the three lines say in one language.
struct Script {
    question: [Spoken; 6],
    answer: [Spoken; 4],
    last: [Spoken; 3],
}

/// The original.
const ENGLISH: Script = {
    use Onset::{Hiss, Legato, Soft, Tap};
    Script {
        question: [
            (0.16, (112.0, 118.0), EH, Soft, 0.8),
            (0.13, (118.0, 126.0), OH, Soft, 0.7),
            (0.22, (138.0, 120.0), EE, Hiss, 1.0),
            (0.12, (114.0, 110.0), AH, Legato, 0.6),
            (0.18, (118.0, 112.0), OO, Tap, 0.8),
            (0.30, (108.0, 152.0), AH, Soft, 0.9),
        ],
        answer: [
            (0.26, (226.0, 198.0), OH, Soft, 1.0),
            (0.15, (196.0, 204.0), EE, Tap, 0.7),
            (0.24, (214.0, 190.0), AH, Hiss, 0.9),
            (0.40, (186.0, 150.0), EH, Soft, 0.8),
        ],
        last: [
            (0.20, (124.0, 116.0), AH, Tap, 1.0),
            (0.16, (114.0, 110.0), EH, Hiss, 0.8),
            (0.45, (106.0, 84.0), OH, Soft, 0.9),
        ],
    }
};

const FRENCH: Script = {
    use Onset::{Hiss, Legato, Soft, Tap};
    Script {
        question: [
            (0.14, (116.0, 120.0), OO, Soft, 0.7),
            (0.14, (120.0, 122.0), EH, Legato, 0.8),
            (0.14, (122.0, 118.0), AH, Tap, 0.7),
            (0.16, (120.0, 126.0), EE, Hiss, 0.9),
            (0.14, (124.0, 128.0), OH, Soft, 0.7),
            (0.38, (126.0, 160.0), EH, Soft, 1.0),
        ],
        answer: [
            (0.18, (210.0, 214.0), EH, Soft, 0.8),
            (0.18, (214.0, 208.0), OO, Hiss, 0.8),
            (0.18, (206.0, 212.0), AH, Tap, 0.9),
            (0.48, (208.0, 160.0), EE, Legato, 0.9),
        ],
        last: [
            (0.22, (118.0, 114.0), OO, Hiss, 0.8),
            (0.22, (116.0, 108.0), AH, Tap, 0.9),
            (0.40, (110.0, 88.0), EH, Soft, 1.0),
        ],
    }
};

const SPANISH: Script = {
    use Onset::{Hiss, Soft, Tap};
    Script {
        question: [
            (0.12, (114.0, 116.0), EH, Tap, 0.9),
            (0.12, (118.0, 120.0), AH, Hiss, 0.8),
            (0.12, (122.0, 118.0), OH, Tap, 0.9),
            (0.14, (116.0, 120.0), EH, Soft, 0.8),
            (0.14, (122.0, 126.0), EE, Tap, 0.9),
            (0.34, (130.0, 148.0), OH, Soft, 1.0),
        ],
        answer: [
            (0.16, (220.0, 206.0), AH, Tap, 1.0),
            (0.16, (208.0, 200.0), OH, Hiss, 0.9),
            (0.20, (204.0, 196.0), EH, Tap, 0.9),
            (0.36, (192.0, 156.0), AH, Soft, 0.9),
        ],
        last: [
            (0.16, (120.0, 118.0), EH, Tap, 1.0),
            (0.18, (116.0, 112.0), AH, Hiss, 0.9),
            (0.40, (108.0, 86.0), AH, Tap, 1.0),
        ],
    }
};

/// The dialogue of the dubs.
pub(crate) fn dubs() -> Vec<Take> {
    let dub = |script, name| dialogue(script).print(name, -12.5).lasting(LENGTH);
    vec![dub(&FRENCH, "fr_DX"), dub(&SPANISH, "es_DX")]
}

fn dialogue(script: &Script) -> Canvas {
    let man = Singer { tract: 1.0, vibrato: 0.0, tilt: 1.1, glide: 0.05, bite: 0.06, seed: 71 };
    let woman = Singer { tract: 1.16, vibrato: 0.0, tilt: 1.1, glide: 0.05, bite: 0.06, seed: 73 };
    let mut canvas = Canvas::new(6);
    canvas.add(0.0, &speak(&man, ACTION + 1.0, &script.question), &CENTRE);
    canvas.add(0.0, &speak(&woman, ACTION + 3.0, &script.answer), &CENTRE);
    canvas.add(0.0, &speak(&man, ACTION + 8.3, &script.last), &CENTRE);
    canvas
}

/// Three slow chords across the front; the last opens into the surrounds.
fn music() -> Canvas {
    let mut canvas = Canvas::new(6);
    let partials =
        [1.0, 2.0].map(|ratio| Partial { ratio, level: 0.8 / (ratio * ratio), decay: 5.0 });
    let chords = [[45, 57, 60, 64], [41, 57, 60, 65], [43, 55, 62, 67]];
    for (index, chord) in chords.iter().enumerate() {
        let at = ACTION + 0.1 + 3.2 * index as f64;
        for (voice, &note) in chord.iter().enumerate() {
            let mut sound = struck(hz(note), 3.4, &partials);
            ease(&mut sound, 0.6, 1.2);
            let (near, far) = if voice % 2 == 0 { (1.0, 0.4) } else { (0.4, 1.0) };
            canvas.add(at, &sound, &[near, far, 0.0, 0.0, 0.0, 0.0]);
            if index < 2 {
                continue;
            }
            canvas.add(at + 0.045, &sound, &[0.0, 0.0, 0.0, 0.0, 0.35 * far, 0.35 * near]);
        }
    }
    canvas
}

/// A car passes from behind to the front; a steel door falls shut.
fn effects() -> Canvas {
    let mut canvas = Canvas::new(6);
    let mut pass = low_pass(&burst(91, 2.0, (120.0, 700.0), 9.0), 900.0);
    ease(&mut pass, 1.0, 0.9);
    let share = |i: usize| i as f64 / pass.len() as f64;
    let front: Vec<f64> = pass.iter().enumerate().map(|(i, x)| x * share(i)).collect();
    let back: Vec<f64> = pass.iter().enumerate().map(|(i, x)| x * (1.0 - share(i))).collect();
    canvas.add(ACTION + 4.8, &front, &[0.5, 0.25, 0.0, 0.0, 0.0, 0.0]);
    canvas.add(ACTION + 4.8, &back, &[0.0, 0.0, 0.0, 0.0, 0.2, 0.4]);

    let slam = ACTION + 7.2;
    let steel: Vec<Partial> = [1.0, 1.52, 2.41, 3.17, 4.63, 6.1]
        .map(|ratio| Partial { ratio, level: 0.3, decay: 0.4 / ratio })
        .into();
    let door = struck(143.0, 1.6, &steel);
    canvas.add(slam, &door, &[0.35, 0.35, 0.7, 0.0, 0.12, 0.12]);
    canvas.add(slam, &burst(93, 0.2, (200.0, 2_500.0), 0.04), &[0.3, 0.3, 0.9, 0.0, 0.0, 0.0]);
    let mut boom = sweep(1.4, |t| 31.0 + 40.0 * libm::exp(-t / 0.12));
    die(&mut boom, 0.35);
    ease(&mut boom, 0.004, 0.6);
    canvas.add(slam, &boom, &[0.0, 0.0, 0.0, 1.1, 0.0, 0.0]);
    canvas
}

/// Somebody walks from left to right along the quay.
fn footsteps() -> Canvas {
    let mut canvas = Canvas::new(6);
    for step in 0..12_u64 {
        let at = ACTION + 0.4 + 0.57 * step as f64;
        let place = step as f64 / 11.0;
        let sole = low_pass(&burst(300 + step, 0.09, (250.0, 1_800.0), 0.022), 2_000.0);
        let (left, right) = ((0.5 - place).max(0.0), (place - 0.5).max(0.0));
        canvas.add(at, &sole, &[left, right, 1.0 - left - right, 0.0, 0.0, 0.0]);
    }
    canvas
}

/// Water and air: low noise in the four corners, a transformer humming far off.
fn ambience() -> Canvas {
    let mut canvas = Canvas::new(6);
    let seconds = (LENGTH - frames(ACTION)) as f64 / crate::synth::RATE;
    for (index, channel) in [0, 1, 4, 5].into_iter().enumerate() {
        let mut air = burst(700 + index as u64, seconds, (60.0, 170.0), 1e6);
        air = high_pass(&low_pass(&air, 260.0), 45.0);
        let wave = 0.11 + 0.03 * index as f64;
        for (i, frame) in air.iter_mut().enumerate() {
            let turn = std::f64::consts::TAU * wave * i as f64 / crate::synth::RATE;
            *frame *= 0.75 + 0.25 * libm::sin(turn);
        }
        ease(&mut air, 0.5, 0.5);
        let mut gains = [0.0; 6];
        gains[channel] = 1.0;
        canvas.add(ACTION, &air, &gains);
    }
    let mut hum = sweep(seconds, |_| 100.0);
    ease(&mut hum, 1.0, 1.0);
    canvas.add(ACTION, &hum, &[0.02, 0.02, 0.0, 0.0, 0.0, 0.0]);
    canvas
}
