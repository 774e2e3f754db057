//! Sections, loops, wet and dry, heads and tails, tracks that are made here: what the
//! files hold, worked out here, and the laws.

mod support;

use support::random::Random;
use support::sound::{Sound, Word, clock_of, read_wav};
use support::{Project, SECOND, rendered};

const SECONDS: usize = 24;

fn manifest(session: &str, rest: &str) -> String {
    format!(
        "version: 1\nproject: {{ title: T }}\n\
         session: {{ audio: session, tempo: 60, meter: 4/4{session} }}\n\
         tracks: {{ a: a.wav, b: b.wav }}\n\
         stems: {{ s: {{ from: [a], process: [{{ gain: -6 }}] }}, t: [b] }}\n\
         mixes: {{ full: [s, t] }}\n\
         sections: {{ verse: {{ from: bar 2, to: bar 4 }}, end: {{ from: 17.5, to: 23.25 }} }}\n{rest}"
    )
}

/// The samples of a delivered stereo file of 24 bits, `[channel][frame]`, and its
/// `bext` TimeReference.
fn delivered(project: &Project, path: &str) -> (Vec<Vec<i32>>, u64) {
    let bytes = project.read(&format!("deliveries/d/{path}"));
    (read_wav(&bytes).1, clock_of(&bytes).1)
}

fn written(x: f64) -> i32 {
    (x * 8_388_608.0).round() as i32
}

fn project(manifest: &str, seed: u64) -> (Project, Random, Sound, Sound) {
    let mut random = Random::new(seed);
    let mut sound = || {
        let mut sound = Sound::random(&mut random, Word::I24, 2, SECONDS * SECOND);
        sound.scribble(&mut random, 0, SECONDS * SECOND);
        sound
    };
    let (a, b) = (sound(), sound());
    let project = Project::with(manifest, &[("a.wav", &a), ("b.wav", &b)]);
    project.build();
    (project, random, a, b)
}

#[test]
fn a_section_is_cut_to_the_sample_and_its_stems_sum() {
    let package = "deliverables: { d: { spec: production-stems, stems: all, mixes: all, \
                   sections: all } }\n";
    let (project, mut random, _, mut b) = project(&manifest("", package), 1);
    let (heard, _) = delivered(&project, "T_t_end.wav");
    let part = 17 * SECOND + SECOND / 2..23 * SECOND + SECOND / 4;
    let expected: Vec<i32> = b.channels[1][part].iter().map(|x| written(*x)).collect();
    assert!(heard[1] == expected);
    assert_eq!(delivered(&project, "T_t_verse.wav").0[0].len(), 8 * SECOND);
    let report = String::from_utf8(project.read("deliveries/d/qc.json")).unwrap();
    assert_eq!(report.matches("\"verdict\": \"fail\"").count(), 0, "{report}");
    // Second 20 is in the second section only, between its seconds 2 and 4.
    b.scribble(&mut random, 20 * SECOND, 20 * SECOND + 50);
    project.audio("b.wav", &b.wav());
    let again = rendered(&project.build());
    assert_eq!(again.keys().collect::<Vec<_>>(), ["d/T_full_end.wav", "d/T_t_end.wav"]);
    assert_eq!(again["d/T_t_end.wav"], [2, 3]);
    project.assert_clean("sections");
}

#[test]
fn a_loop_goes_back_to_its_start_as_if_it_came_from_before_it() {
    let package = "deliverables: { d: { spec: production-stems, stems: [t], sections: [verse], \
                   loop: true } }\n";
    let (project, _, _, b) = project(&manifest("", package), 2);
    let (heard, _) = delivered(&project, "T_t_verse.wav");
    let (from, length, seam) = (4 * SECOND, 8 * SECOND, 80);
    assert_eq!(heard[0].len(), length);
    let body = &b.channels[0][from..from + length];
    for frame in 0..length - seam {
        assert_eq!(heard[0][frame], written(body[frame]), "{frame}");
    }
    for n in 0..seam {
        let x = (n as f64 + 0.5) / seam as f64;
        let lead = b.channels[0][from - seam + n] * x.sqrt();
        let expected = written(body[length - seam + n] * (1.0 - x).sqrt() + lead);
        assert!((heard[0][length - seam + n] - expected).abs() <= 1, "{n}");
    }
    project.assert_clean("a loop");
}

#[test]
fn dry_stems_go_without_their_chains_beside_the_wet() {
    let package = "deliverables: { d: { spec: production-stems, stems: all, mixes: all, \
                   wet: true, dry: true } }\n";
    let (project, _, a, _) = project(&manifest("", package), 3);
    let (wet, dry) = (delivered(&project, "T_s.wav").0, delivered(&project, "T_s_dry.wav").0);
    let gain = 10_f64.powf(-6.0 / 20.0);
    for (frame, x) in a.channels[0].iter().enumerate() {
        assert_eq!(dry[0][frame], written(*x));
        assert!((wet[0][frame] - written(x * gain)).abs() <= 1);
    }
    let readme = String::from_utf8(project.read("deliveries/d/README.txt")).unwrap();
    assert!(readme.contains("without the process chains"), "{readme}");
}

const FILM: &str = ", frame_rate: 25, start: \"01:00:00:00\", first_frame: \"01:00:00:00\", \
                    last_frame: \"01:00:23:24\"";

#[test]
fn pops_stand_two_seconds_outside_the_action_in_every_channel() {
    let package = "deliverables: { d: { spec: production-stems, stems: all, mixes: all, \
                   head: { pop: 2 s before first_frame }, tail: { pop: 2 s after last_frame } } }\n";
    let (project, _, _, b) = project(&manifest(FILM, package), 4);
    let (heard, start) = delivered(&project, "T_t.wav");
    let (hour, frame) = (3_600 * SECOND as u64, SECOND / 25);
    assert_eq!(start, hour - 2 * SECOND as u64);
    // Tail pop: at the last frame plus two seconds, one frame long, and nothing behind.
    let tail = 2 * SECOND + (24 * SECOND - frame) + 2 * SECOND;
    assert_eq!(heard[0].len(), tail + frame);
    for (channel, heard) in heard.iter().enumerate() {
        for at in [0, tail] {
            let pop = &heard[at..at + frame];
            for (n, x) in pop.iter().enumerate() {
                let sine = (2.0 * std::f64::consts::PI * 1000.0 * n as f64 / SECOND as f64).sin();
                assert!((x - written(0.1 * sine)).abs() <= 1, "{channel} {at} {n}");
            }
        }
        assert!(heard[frame..2 * SECOND].iter().all(|x| *x == 0));
        let action = &heard[2 * SECOND..26 * SECOND];
        let expected: Vec<i32> = b.channels[channel].iter().map(|x| written(*x)).collect();
        assert!(action == expected);
    }
    // Two stems hold two pops and the mix one: they are not compared there.
    let report = String::from_utf8(project.read("deliveries/d/qc.json")).unwrap();
    assert_eq!(report.matches("\"verdict\": \"fail\"").count(), 0, "{report}");
    let readme = String::from_utf8(project.read("deliveries/d/README.txt")).unwrap();
    for line in ["2-pop at 00:59:58:00", "tail pop at 01:00:25:24", "00:59:58:00"] {
        assert!(readme.contains(line), "{line}: {readme}");
    }
    project.assert_clean("pops");
}

#[test]
fn files_begin_and_end_where_they_are_told() {
    let package = "deliverables: { d: { spec: production-stems, stems: [t], \
                   head: { from: 10 s after first_frame, tone: { level: -18, to: 11 s after first_frame } }, \
                   tail: { to: last_frame } } }\n";
    let (project, _, _, b) = project(&manifest(FILM, package), 5);
    let (heard, start) = delivered(&project, "T_t.wav");
    assert_eq!(start, 3_610 * SECOND as u64);
    assert_eq!(heard[1].len(), 14 * SECOND);
    for (n, x) in heard[1].iter().enumerate() {
        let sine = (2.0 * std::f64::consts::PI * 1000.0 * n as f64 / SECOND as f64).sin();
        let tone = if n < SECOND { 10_f64.powf(-18.0 / 20.0) * sine } else { 0.0 };
        let expected = written(b.channels[1][10 * SECOND + n] + tone);
        assert!((x - expected).abs() <= 1, "{n}");
    }
    project.assert_clean("a tone");
}

#[test]
fn a_click_falls_on_every_beat_and_renders_nothing_anew_elsewhere() {
    let text = manifest("", "deliverables: { d: { spec: production-stems, stems: [c] } }\n")
        .replace("b: b.wav }", "b: b.wav, click: { click: -12 } }")
        .replace("t: [b] }", "t: [b], c: [click] }");
    let (project, ..) = project(&text, 6);
    let (heard, _) = delivered(&project, "T_c.wav");
    let length = SECOND * 30 / 1000;
    for (frame, x) in heard[0].iter().enumerate() {
        let inside = frame % SECOND < length;
        assert!(inside || *x == 0, "{frame}");
    }
    let peak = |beat: usize| {
        let click = &heard[0][beat * SECOND..beat * SECOND + length];
        click.iter().map(|x| x.abs()).max().unwrap()
    };
    // The frequency tells the first beat of a bar: 1.5 kHz, not 1 kHz.
    assert!(heard[0][4 * SECOND + 1] > heard[0][5 * SECOND + 1]);
    assert!((0..SECONDS).all(|beat| (0.15..0.26).contains(&(peak(beat) as f64 / 8_388_608.0))));
    project.assert_clean("a click");
}
