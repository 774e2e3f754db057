//! What does not lie on the programme's timeline from its first frame to its last:
//! trimmed tracks, fades, gain envelopes, edits. Against samples worked out here, and
//! under the laws.

mod support;

use support::random::Random;
use support::sound::{Sound, Word, read_wav};
use support::{Project, SECOND, rendered};

const SECONDS: usize = 20;

/// The samples of a delivered stereo file, `[channel][frame]`, on the grid of 24 bits.
fn delivered(project: &Project, path: &str) -> Vec<Vec<i32>> {
    read_wav(&project.read(&format!("deliveries/d/{path}"))).1
}

/// A sample of 24 bits as written.
fn written(x: f64) -> i32 {
    (x * 8_388_608.0).round() as i32
}

fn manifest(track: &str, rest: &str) -> String {
    format!(
        "version: 1\nproject: {{ title: T }}\nsession: {{ audio: session, tempo: 60, meter: 4/4 }}\n\
         tracks: {{ a: {track}, b: b.wav }}\nstems: {{ s: [a], t: [b] }}\n{rest}"
    )
}

const STEM: &str = "deliverables: { d: { spec: production-stems, stems: [s] } }\n";

fn sounds(seed: u64) -> (Random, Sound, Sound) {
    let mut random = Random::new(seed);
    let mut sound = || {
        let mut sound = Sound::random(&mut random, Word::I24, 2, SECONDS * SECOND);
        sound.scribble(&mut random, 0, SECONDS * SECOND);
        sound
    };
    let (a, b) = (sound(), sound());
    (random, a, b)
}

fn with(manifest: &str, a: &Sound, b: &Sound) -> Project {
    let project = Project::with(manifest, &[("a.wav", a), ("b.wav", b)]);
    project.build();
    project
}

#[test]
fn a_trimmed_track_is_heard_from_the_frame_it_is_cut_at() {
    let (_, a, b) = sounds(1);
    let track = "{ file: a.wav, at: 2.5, trim: { from: 1.25 s, to: 30000 samples } }";
    let project = with(&manifest(track, STEM), &a, &b);
    let (from, at) = (10_000, 20_000);
    for (channel, heard) in delivered(&project, "T_s.wav").iter().enumerate() {
        for (frame, x) in heard.iter().enumerate() {
            let inside = (at..at + 20_000).contains(&frame);
            let expected = if inside { a.channels[channel][from + frame - at] } else { 0.0 };
            assert_eq!(*x, written(expected), "{frame}");
        }
    }
}

#[test]
fn fades_of_a_track_stand_at_the_ends_of_what_is_heard() {
    let (_, a, b) = sounds(2);
    let track = "{ file: a.wav, at: 1, trim: { from: 2 s, to: 6 s }, fade_in: 500 ms, \
                 fade_out: { length: 1 s, shape: equal-power } }";
    let project = with(&manifest(track, STEM), &a, &b);
    let heard = &delivered(&project, "T_s.wav")[0];
    for (frame, x) in heard.iter().enumerate() {
        let n = frame as f64 - SECOND as f64 + 0.5;
        let (length, fade_in, fade_out) = (4.0 * 8_000.0, 4_000.0, 8_000.0);
        let gain = match n {
            n if n < 0.0 || n > length => 0.0,
            n if n < fade_in => n / fade_in,
            n if n > length - fade_out => ((length - n) / fade_out).sqrt(),
            _ => 1.0,
        };
        let source = a.channels[0].get(frame + SECOND).copied().unwrap_or(0.0);
        // Linear gains are rounded to 28 bits: half a step of 24 bits is enough.
        assert!((*x - written(source * gain)).abs() <= 1, "{frame}: {x}");
        assert_eq!(*x == 0, gain == 0.0 || x.abs() < 2 && source * gain < 1e-6, "{frame}");
    }
}

#[test]
fn an_edit_is_exact_to_the_sample() {
    let (_, a, b) = sounds(3);
    // Bars of four seconds: bar 2 is 4 s, bar 3 is 8 s, bar 4.
    let rest = "sections: { end: { from: bar 4, to: 16.5 s } }\n\
                mixes:\n  full: [s, t]\n  short: { from: full, edit: [end, { from: 1.25, to: bar 2 }] }\n\
                deliverables: { d: { spec: sync-licensing, mixes: [full, short] } }\n";
    let project = with(&manifest("a.wav", rest), &a, &b);
    let stretches = [(12 * SECOND, 16 * SECOND + SECOND / 2), (10_000, 4 * SECOND)];
    for (channel, heard) in delivered(&project, "T_short.wav").iter().enumerate() {
        let sum = |frame: usize| written(a.channels[channel][frame] + b.channels[channel][frame]);
        let expected: Vec<i32> = stretches.iter().flat_map(|(f, t)| *f..*t).map(sum).collect();
        assert!(*heard == expected, "{} and {}", heard.len(), expected.len());
    }
}

#[test]
fn a_crossfade_of_what_is_alike_is_neither_louder_nor_softer() {
    let (_, a, b) = sounds(4);
    // Joined where it was cut, with a linear crossfade: nothing may be heard of it.
    let rest = "mixes:\n  full: [s, t]\n  same: { from: full, edit: [{ from: 1, to: 5.5 }, \
                { from: 5.5, to: 9, crossfade: { length: 301 samples, shape: linear } }] }\n\
                deliverables: { d: { spec: sync-licensing, mixes: [same] } }\n";
    let project = with(&manifest("a.wav", rest), &a, &b);
    let heard = &delivered(&project, "T_same.wav")[1];
    let expected: Vec<i32> = (SECOND..9 * SECOND)
        .map(|frame| written(a.channels[1][frame] + b.channels[1][frame]))
        .collect();
    assert!(*heard == expected);
}

#[test]
fn only_the_seconds_of_an_edit_that_hear_a_change_are_rendered() {
    let (mut random, mut a, b) = sounds(5);
    let rest = "mixes:\n  full: [s, t]\n  short: { from: full, edit: [{ from: 10, to: 14.5 }, \
                { from: 2.25, to: 5, crossfade: 100 ms }], process: [{ fade_out: 1 s }] }\n\
                deliverables: { d: { spec: sync-licensing, mixes: [full, short] } }\n";
    let project = with(&manifest("a.wav", rest), &a, &b);
    let short =
        |project: &Project| rendered(&project.build()).remove("d/T_short.wav").unwrap_or_default();
    // Second 10 is its first; 7 is in none of it; 3 lies between 4.5 + 0.75 and 1 s on.
    for (second, expected) in [(10, vec![0]), (7, vec![]), (3, vec![5, 6]), (14, vec![4])] {
        a.scribble(&mut random, second * SECOND + 100, second * SECOND + 300);
        project.audio("a.wav", &a.wav());
        assert_eq!(short(&project), expected, "{second}");
        project.assert_clean("an edit");
    }
    // The first second of the second stretch is heard where the stretches meet.
    a.scribble(&mut random, 2 * SECOND + 2_000, 2 * SECOND + 2_100);
    project.audio("a.wav", &a.wav());
    assert_eq!(short(&project), [4, 5]);
    project.assert_clean("a joint");
}

#[test]
fn an_envelope_renders_only_where_its_gain_changed() {
    let (_, a, b) = sounds(6);
    let envelope = |db: i32| {
        let stem = format!(
            "stems: {{ s: {{ from: [a], process: [{{ envelope: [{{ at: 4, gain: 0 }}, \
             {{ at: 6, gain: {db} }}, {{ at: 9.5, gain: {db} }}, {{ at: 10, gain: 0 }}] }}] }}"
        );
        manifest("a.wav", STEM).replace("stems: { s: [a]", &stem)
    };
    let project = with(&envelope(-6), &a, &b);
    let heard = &delivered(&project, "T_s.wav")[0];
    for (frame, db) in [(0, 0.0), (32_000, 0.0), (40_000, -3.0), (48_000, -6.0), (78_000, -3.0)] {
        let expected = a.channels[0][frame] * 10_f64.powf(db / 20.0);
        assert!((heard[frame] - written(expected)).abs() <= 1, "{frame}");
    }
    assert_eq!(heard[90_000], written(a.channels[0][90_000]), "unity is untouched");
    project.manifest(&envelope(-7));
    let again = rendered(&project.build()).remove("d/T_s.wav").unwrap_or_default();
    assert_eq!(again, (4..10).collect::<Vec<_>>());
    project.assert_clean("an envelope");
}
