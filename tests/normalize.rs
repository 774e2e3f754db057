//! Gains that follow from what is measured: the figures they are to bring about, and
//! the laws. What the meters read is held against the EBU's signals elsewhere.

mod support;

use std::process::Command;

use support::random::Random;
use support::sound::{Sound, Word};
use support::{Project, SECOND, rendered};

const SECONDS: usize = 12;

fn manifest(stem: &str, mixes: &str, package: &str) -> String {
    format!(
        "version: 1\nproject: {{ title: T }}\nsession: {{ audio: session }}\n\
         tracks: {{ a: a.wav, b: b.wav }}\nstems: {{ s: {{ from: [a]{stem} }}, t: [b] }}\n\
         mixes: {{ {mixes} }}\n\
         deliverables: {{ d: {{ spec: production-stems, stems: all, mixes: all{package} }} }}\n"
    )
}

/// Two tracks of noise, the second 12 dB softer.
fn sounds(seed: u64) -> (Random, Sound, Sound) {
    let mut random = Random::new(seed);
    let mut sound = |factor: f64| {
        let mut sound = Sound::random(&mut random, Word::I24, 2, SECONDS * SECOND);
        sound.scribble(&mut random, 0, SECONDS * SECOND);
        for x in sound.channels.iter_mut().flatten() {
            *x = (*x * factor * 8_388_608.0).round() / 8_388_608.0;
        }
        sound
    };
    let (a, b) = (sound(1.0), sound(0.25));
    (random, a, b)
}

fn project(manifest: &str, a: &Sound, b: &Sound) -> Project {
    Project::with(manifest, &[("a.wav", a), ("b.wav", b)])
}

/// A measure of a delivered file.
fn measure(project: &Project, path: &str, name: &str) -> f64 {
    let report = project.read("deliveries/d/qc.json");
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let files = report["files"].as_array().unwrap();
    let file = files.iter().find(|file| file["path"] == path).unwrap();
    file["measures"][name].as_f64().unwrap()
}

fn refusal(project: &Project) -> String {
    let (outcome, _) = project.try_build(rebounce::fsio::Disk::new());
    outcome.err().expect("it is refused").render(false)
}

#[test]
fn a_mix_is_brought_to_its_loudness_to_the_hundredth() {
    let (_, a, b) = sounds(1);
    let mixes = "m: { from: [s, t], process: [{ normalize: -23 }] }";
    let project = project(&manifest("", mixes, ""), &a, &b);
    project.build();
    // Rounded to 0.01 dB, so that half of it may be left.
    let found = measure(&project, "T_m.wav", "integrated_lufs");
    assert!((found + 23.0).abs() <= 0.0051, "{found}");
    project.assert_clean("normalised");
    let readme = String::from_utf8(project.read("deliveries/d/README.txt")).unwrap();
    assert!(readme.contains("normalised to -23 LUFS: gain -"), "{readme}");
}

#[test]
fn the_loudness_of_one_stem_can_count_for_a_mix() {
    let (_, a, b) = sounds(2);
    let mixes = "m: { from: [s, t], process: [{ normalize: { loudness: -30, by: t } }] }";
    let project = project(&manifest("", mixes, ""), &a, &b);
    project.build();
    let gain = -30.0 - measure(&project, "T_t.wav", "integrated_lufs");
    let (_, a2, b2) = sounds(2);
    let plain = self::project(&manifest("", "m: [s, t]", ""), &a2, &b2);
    plain.build();
    let mixed = measure(&plain, "T_m.wav", "integrated_lufs");
    let found = measure(&project, "T_m.wav", "integrated_lufs") - mixed;
    assert!((found - gain).abs() <= 0.0051, "{found} {gain}");
}

#[test]
fn a_set_has_one_gain_and_its_stems_still_sum() {
    let (mut random, mut a, b) = sounds(3);
    let package = ", normalize: { true_peak: -6 }";
    let project = project(&manifest("", "m: [s, t]", package), &a, &b);
    project.build();
    let peak = |project: &Project, file: &str| measure(project, file, "true_peak_dbtp");
    let highest = ["T_s.wav", "T_t.wav", "T_m.wav"].map(|file| peak(&project, file));
    let highest = highest.into_iter().fold(f64::MIN, f64::max);
    assert!((highest + 6.0).abs() <= 0.0052, "{highest}");
    let report = String::from_utf8(project.read("deliveries/d/qc.json")).unwrap();
    assert!(report.contains("\"quantised\"") || report.contains("quant"), "{report}");
    // A louder second moves the gain, and so everything.
    a.scribble(&mut random, 3 * SECOND, 4 * SECOND);
    a.channels[0][3 * SECOND + 70] = 0.9;
    project.audio("a.wav", &a.wav());
    let again = rendered(&project.build());
    assert_eq!(again["d/T_t.wav"], (0..SECONDS).collect::<Vec<_>>());
    project.assert_clean("a set");
}

#[test]
fn an_edit_that_does_not_move_the_gain_renders_only_itself() {
    let (mut random, mut a, b) = sounds(4);
    let mixes = "m: { from: [s, t], process: [{ normalize: { peak: -3 } }] }";
    a.channels[1][5 * SECOND] = 0.75;
    let project = project(&manifest("", mixes, ""), &a, &b);
    project.build();
    for second in [2, 9] {
        a.scribble(&mut random, second * SECOND, (second + 1) * SECOND);
        project.audio("a.wav", &a.wav());
        let again = rendered(&project.build());
        assert_eq!(again["d/T_m.wav"], [second]);
        project.assert_clean("an edit");
    }
    let again = rendered(&project.build());
    assert!(again.is_empty(), "{again:?}");
}

#[test]
fn what_is_normalised_can_be_normalised_again() {
    let (_, a, b) = sounds(5);
    let stem = ", process: [{ normalize: { loudness: -20 } }, { highpass: 200 }]";
    let mixes = "m: { from: [s, t], process: [{ normalize: { loudness: -18, by: s } }] }, \
                 n: { from: m, process: [{ normalize: { true_peak: -2 } }] }";
    let project = project(&manifest(stem, mixes, ""), &a, &b);
    project.build();
    let peak = measure(&project, "T_n.wav", "true_peak_dbtp");
    assert!((peak + 2.0).abs() <= 0.0052, "{peak}");
    project.assert_clean("gains in a row");
}

#[test]
fn a_true_peak_is_guarded_as_asked() {
    let (_, mut a, b) = sounds(6);
    a.channels[0][40_000] = 0.9;
    let mix = |guard: &str| {
        format!(
            "m: {{ from: [s, t], process: [{{ normalize: {{ loudness: -12, true_peak: -1{guard} }} }}] }}"
        )
    };
    let lower = project(&manifest("", &mix(""), ""), &a, &b);
    lower.build();
    let peak = measure(&lower, "T_m.wav", "true_peak_dbtp");
    assert!((-1.0102..=-1.0).contains(&peak), "{peak}");
    assert!(measure(&lower, "T_m.wav", "integrated_lufs") < -12.5);

    let limited = project(&manifest("", &mix(", guard: limit"), ""), &a, &b);
    limited.build();
    assert!(measure(&limited, "T_m.wav", "true_peak_dbtp") <= -1.0);
    let loudness = measure(&limited, "T_m.wav", "integrated_lufs");
    assert!((-12.2..=-11.98).contains(&loudness), "{loudness}");
    limited.assert_clean("a limited mix");

    let refused = project(&manifest("", &mix(", guard: refuse"), ""), &a, &b);
    let why = refusal(&refused);
    assert!(why.contains("at -12 LUFS its true peak would be +"), "{why}");
    assert!(why.contains("guard: refuse"), "{why}");
    assert!(!refused.path("deliveries/d").exists());
}

#[test]
fn silence_has_no_loudness_to_be_brought_anywhere() {
    let (_, a, mut b) = sounds(7);
    b.channels.iter_mut().flatten().for_each(|x| *x = 0.0);
    let mixes = "m: { from: [t], process: [{ normalize: -23 }] }";
    let why = refusal(&project(&manifest("", mixes, ""), &a, &b));
    assert!(why.contains("there is nothing to measure"), "{why}");
}

#[test]
fn explain_knows_the_gain_and_changes_nothing() {
    let (mut random, mut a, b) = sounds(8);
    let mixes = "m: { from: [s, t], process: [{ normalize: { peak: -3 } }] }";
    let project = project(&manifest("", mixes, ""), &a, &b);
    project.build();
    a.scribble(&mut random, SECOND, 2 * SECOND);
    a.channels[0][SECOND + 9] = 0.9;
    project.audio("a.wav", &a.wav());
    let before = project.outputs();
    let would = rendered(&project.explain());
    assert_eq!(would["d/T_m.wav"], (0..SECONDS).collect::<Vec<_>>());
    assert!(project.outputs() == before);
    assert_eq!(rendered(&project.build()), would);
    let graph = Command::new(env!("CARGO_BIN_EXE_rebounce"))
        .args(["graph", "-C", project.path(".").to_str().unwrap()])
        .output()
        .unwrap();
    assert!(graph.status.success());
}
