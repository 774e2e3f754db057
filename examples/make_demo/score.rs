//! The song on paper: 12 bars of 4/4 at 100 BPM, in A minor and home to C.
//!
//! Bars 1-2 intro, 3-6 verse, 7-10 chorus, 11 outro, 12 the last chord rings.

use crate::voice::{AH, EE, EH, OH, OO, Onset, Syllable, Vowel};

/// Seconds of a beat.
pub(crate) const BEAT: f64 = 0.6;
/// Bars, the last chord's included.
pub(crate) const BARS: usize = 12;

/// Seconds at which a bar starts; bars count from 1.
pub(crate) fn bar(number: usize) -> f64 {
    (number - 1) as f64 * 4.0 * BEAT
}

/// The form of the song.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Section {
    Intro,
    Verse,
    Chorus,
    Outro,
    End,
}

/// The section a bar belongs to.
pub(crate) fn section(bar: usize) -> Section {
    match bar {
        1..=2 => Section::Intro,
        3..=6 => Section::Verse,
        7..=10 => Section::Chorus,
        11 => Section::Outro,
        _ => Section::End,
    }
}

/// A chord: its bass note and a close voicing, low to high.
#[derive(Clone, Copy)]
pub(crate) struct Chord {
    pub(crate) bass: i32,
    pub(crate) notes: [i32; 4],
}

const A_MINOR: Chord = Chord { bass: 33, notes: [57, 60, 64, 67] };
const F_MAJOR: Chord = Chord { bass: 29, notes: [57, 60, 64, 65] };
const C_MAJOR: Chord = Chord { bass: 36, notes: [55, 60, 64, 67] };
const G_MAJOR: Chord = Chord { bass: 31, notes: [55, 59, 62, 67] };
const HOME: Chord = Chord { bass: 36, notes: [55, 62, 64, 67] };

/// The chord of each bar.
pub(crate) const CHORDS: [Chord; BARS] = [
    A_MINOR, F_MAJOR, // intro
    A_MINOR, F_MAJOR, C_MAJOR, G_MAJOR, // verse
    F_MAJOR, C_MAJOR, G_MAJOR, A_MINOR, // chorus
    F_MAJOR, // outro
    HOME,
];

/// A sung note: beats from the start of the song, beats, MIDI note, vowel, onset.
pub(crate) type Sung = (f64, f64, i32, Vowel, Onset);

use Onset::{Hiss, Legato, Soft, Tap};

/// The lead of the verse, bars 3 to 6.
pub(crate) const VERSE: &[Sung] = &[
    (8.0, 0.5, 64, EE, Soft),
    (8.5, 0.5, 64, OH, Tap),
    (9.0, 0.5, 62, AH, Soft),
    (9.5, 1.2, 60, EH, Soft),
    (11.0, 0.5, 57, OH, Hiss),
    (11.5, 0.5, 60, EE, Soft),
    (12.0, 0.75, 60, AH, Tap),
    (12.75, 0.25, 62, AH, Legato),
    (13.0, 1.5, 60, OH, Soft),
    (15.0, 0.5, 60, EE, Hiss),
    (15.5, 0.5, 62, OO, Soft),
    (16.0, 0.5, 64, EH, Soft),
    (16.5, 0.5, 64, AH, Tap),
    (17.0, 0.5, 67, AH, Soft),
    (17.5, 1.2, 64, OH, Soft),
    (19.0, 0.5, 62, EE, Hiss),
    (19.5, 0.5, 60, AH, Soft),
    (20.0, 1.0, 62, EH, Tap),
    (21.0, 0.5, 64, EE, Soft),
    (21.5, 1.6, 62, AH, Soft),
];

/// The lead of the chorus, bars 7 to 10; the double sings it too.
pub(crate) const CHORUS: &[Sung] = &[
    (24.0, 1.5, 69, AH, Soft),
    (25.5, 0.5, 67, OH, Soft),
    (26.0, 0.9, 69, AH, Soft),
    (27.0, 0.5, 72, EE, Tap),
    (27.5, 0.5, 69, EH, Soft),
    (28.0, 1.5, 67, AH, Hiss),
    (29.5, 0.5, 64, OH, Soft),
    (30.0, 1.2, 67, OH, Soft),
    (31.5, 0.5, 69, EE, Tap),
    (32.0, 1.5, 71, AH, Soft),
    (33.5, 0.5, 69, OH, Soft),
    (34.0, 0.9, 71, AH, Soft),
    (35.0, 0.5, 74, EE, Tap),
    (35.5, 0.5, 71, EH, Soft),
    (36.0, 1.4, 72, AH, Hiss),
    (37.5, 0.5, 71, OH, Soft),
    (38.0, 1.7, 69, AH, Soft),
];

/// The lead of the outro, bars 11 and 12.
pub(crate) const OUTRO: &[Sung] = &[
    (40.5, 0.5, 67, EE, Hiss),
    (41.0, 1.4, 69, AH, Soft),
    (42.5, 0.5, 67, OH, Soft),
    (43.0, 0.8, 65, EE, Tap),
    (44.0, 3.2, 64, OO, Soft),
];

/// The low backing voice, chorus and outro.
pub(crate) const LOW: &[Sung] = &[
    (24.0, 3.7, 57, OO, Soft),
    (28.0, 3.7, 55, OO, Soft),
    (32.0, 3.7, 59, OO, Soft),
    (36.0, 3.7, 60, AH, Soft),
    (40.0, 3.7, 57, OO, Soft),
    (44.0, 3.2, 55, OO, Soft),
];

/// The high backing voice, chorus only.
pub(crate) const HIGH: &[Sung] = &[
    (24.0, 3.7, 65, OO, Soft),
    (28.0, 3.7, 64, OO, Soft),
    (32.0, 3.7, 67, OO, Soft),
    (36.0, 3.7, 64, AH, Soft),
];

/// Notes as syllables; `late` and `detune` (a factor) make another singer of it.
pub(crate) fn syllables(notes: &[Sung], late: f64, detune: f64) -> Vec<Syllable> {
    let syllable = |&(beat, beats, note, vowel, onset): &Sung| Syllable {
        start: beat * BEAT + late,
        length: beats * BEAT - 0.01,
        pitch: (crate::synth::hz(note) * detune, crate::synth::hz(note) * detune),
        vowel,
        onset,
        level: 1.0,
    };
    notes.iter().map(syllable).collect()
}
