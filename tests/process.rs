//! Process chains under the laws: incremental equals clean, minimal within reach,
//! one test per setting that is part of a key, unity untouched.

mod support;

use support::random::Random;
use support::sound::{Sound, Word, read_wav};
use support::{Project, SECOND, rendered};

const SECONDS: usize = 40;

fn manifest(process: &str) -> String {
    format!(
        "version: 1\nproject: {{ title: Wet }}\nsession: {{ audio: session }}\n\
         tracks: {{ a: a.wav, b: b.wav }}\n\
         stems:\n  dry: [b]\n  wet: {{ from: [a], process: [{process}] }}\n\
         mixes: {{ full: [dry, wet] }}\n\
         deliverables: {{ d: {{ spec: production-stems, stems: all, mixes: all }} }}\n"
    )
}

fn project(process: &str, random: &mut Random) -> (Project, Sound) {
    let a = Sound::random(random, Word::I24, 2, SECONDS * SECOND);
    let b = Sound::random(random, Word::I24, 2, SECONDS * SECOND);
    (Project::with(&manifest(process), &[("a.wav", &a), ("b.wav", &b)]), a)
}

/// The segments rendered for the wet stem, and those for the mix.
fn wet_and_full(project: &Project) -> (Vec<usize>, Vec<usize>) {
    let rendered = rendered(&project.build());
    let of = |name: &str| rendered.get(&format!("d/{name}")).cloned().unwrap_or_default();
    assert_eq!(of("Wet_dry.wav"), Vec::<usize>::new(), "what is dry hears nothing of it");
    (of("Wet_wet.wav"), of("Wet_full.wav"))
}

#[test]
fn an_edit_renders_what_is_within_reach_and_equals_a_clean_build() {
    let chains = [
        ("{ gain: -3 }", 0, 0),
        ("{ delay: 9000 samples }", 2, 0),
        ("{ highpass: 200 }", 1, 0),
        ("{ limit: -6 }", 1, 1),
        ("{ compress: { threshold: -30, ratio: 4, release: 20 ms } }", 16, 0),
        ("{ deess: { hz: 2 kHz, threshold: -40 } }", 16, 0),
        ("{ bell: { hz: 1000, gain: 3 } }, { limit: -6 }, { delay: 10 ms }", 3, 1),
    ];
    let mut random = Random::new(7);
    for (chain, later, earlier) in chains {
        let (project, mut a) = project(chain, &mut random);
        project.build();
        for second in [0, 13, 15, 16, 31, SECONDS - 1] {
            a.scribble(&mut random, second * SECOND + 100, (second + 1) * SECOND - 100);
            project.audio("a.wav", &a.wav());
            let (wet, full) = wet_and_full(&project);
            assert!(wet.contains(&second), "{chain} {second}: {wet:?}");
            let allowed = second.saturating_sub(earlier)..=second + later;
            assert!(wet.iter().all(|s| allowed.contains(s)), "{chain} {second}: {wet:?}");
            assert_eq!(wet, full);
        }
        project.assert_clean(chain);
    }
}

/// Chains that differ in one setting each.
const SETTINGS: &[[&str; 2]] = &[
    ["{ gain: -3 }", "{ gain: -3.1 }"],
    ["{ polarity: invert }", "{ polarity: normal }"],
    ["{ balance: 10 }", "{ balance: 11 }"],
    ["{ width: 50 }", "{ width: 51 }"],
    ["{ delay: 10 ms }", "{ delay: 11 ms }"],
    ["{ highpass: 80 }", "{ highpass: 81 }"],
    ["{ highpass: 80 }", "{ highpass: { hz: 80, slope: 24 } }"],
    ["{ highpass: 80 }", "{ lowpass: 80 }"],
    ["{ low_shelf: { hz: 200, gain: 3 } }", "{ high_shelf: { hz: 200, gain: 3 } }"],
    ["{ low_shelf: { hz: 200, gain: 3 } }", "{ low_shelf: { hz: 200, gain: 4 } }"],
    ["{ low_shelf: { hz: 200, gain: 3 } }", "{ low_shelf: { hz: 200, gain: 3, q: 1 } }"],
    ["{ bell: { hz: 200, gain: 3 } }", "{ bell: { hz: 210, gain: 3 } }"],
    ["{ bell: { hz: 200, gain: 3 } }", "{ bell: { hz: 200, gain: 3, q: 2 } }"],
    ["{ notch: 50 }", "{ notch: { hz: 50, q: 20 } }"],
    ["{ limit: -6 }", "{ limit: -7 }"],
    ["{ compress: { threshold: -30, ratio: 4 } }", "{ compress: { threshold: -31, ratio: 4 } }"],
    ["{ compress: { threshold: -30, ratio: 4 } }", "{ compress: { threshold: -30, ratio: 5 } }"],
    [
        "{ compress: { threshold: -30, ratio: 4 } }",
        "{ compress: { threshold: -30, ratio: 4, knee: 3 } }",
    ],
    [
        "{ compress: { threshold: -30, ratio: 4 } }",
        "{ compress: { threshold: -30, ratio: 4, attack: 5 ms } }",
    ],
    [
        "{ compress: { threshold: -30, ratio: 4 } }",
        "{ compress: { threshold: -30, ratio: 4, release: 50 ms } }",
    ],
    [
        "{ compress: { threshold: -30, ratio: 4 } }",
        "{ compress: { threshold: -30, ratio: 4, makeup: 1 } }",
    ],
    [
        "{ compress: { threshold: -30, ratio: 4 } }",
        "{ compress: { threshold: -30, ratio: 4, sidechain: { highpass: 100 } } }",
    ],
    [
        "{ compress: { threshold: -30, ratio: 4, sidechain: { highpass: 100 } } }",
        "{ compress: { threshold: -30, ratio: 4, sidechain: { highpass: 120 } } }",
    ],
    [
        "{ compress: { threshold: -30, ratio: 4, sidechain: { from: dry } } }",
        "{ compress: { threshold: -30, ratio: 4 } }",
    ],
    [
        "{ compress: { threshold: -30, ratio: 4, sidechain: { from: dry } } }",
        "{ compress: { threshold: -30, ratio: 4, sidechain: { from: dry, highpass: 120 } } }",
    ],
    ["{ deess: { hz: 2 kHz, threshold: -30 } }", "{ deess: { hz: 2 kHz, threshold: -31 } }"],
    ["{ deess: { hz: 2 kHz, threshold: -30 } }", "{ deess: { hz: 1 kHz, threshold: -30 } }"],
    [
        "{ deess: { hz: 2 kHz, threshold: -30 } }",
        "{ deess: { hz: 2 kHz, threshold: -30, ratio: 5 } }",
    ],
    [
        "{ deess: { hz: 2 kHz, threshold: -30 } }",
        "{ deess: { hz: 2 kHz, threshold: -30, knee: 3 } }",
    ],
    [
        "{ deess: { hz: 2 kHz, threshold: -30 } }",
        "{ deess: { hz: 2 kHz, threshold: -30, attack: 2 ms } }",
    ],
    [
        "{ deess: { hz: 2 kHz, threshold: -30 } }",
        "{ deess: { hz: 2 kHz, threshold: -30, release: 40 ms } }",
    ],
    ["{ gain: -3 }, { limit: -6 }", "{ limit: -6 }, { gain: -3 }"],
];

#[test]
fn every_setting_of_every_operator_renders_again() {
    let mut random = Random::new(8);
    let mut sound = Sound::random(&mut random, Word::I24, 2, 2 * SECOND);
    sound.scribble(&mut random, 0, 2 * SECOND);
    let mut other = sound.clone();
    other.scribble(&mut random, 0, 2 * SECOND);
    for [before, after] in SETTINGS {
        let audio = [("a.wav", &sound), ("b.wav", &other)];
        let project = Project::with(&manifest(before), &audio);
        project.build();
        project.manifest(&manifest(after));
        assert_eq!(wet_and_full(&project).0, [0, 1], "{before} -> {after}");
        // The same setting in other words is the same setting.
        project.manifest(&manifest(&after.replace("{ ", "{   ")));
        assert_eq!(wet_and_full(&project).0, Vec::<usize>::new(), "{after}");
    }
}

#[test]
fn a_chain_that_changes_nothing_changes_no_bit() {
    let mut random = Random::new(9);
    let (project, _) =
        project("{ gain: 0 }, { polarity: normal }, { balance: 0 }, { width: 100 }", &mut random);
    project.build();
    let with = project.read("deliveries/d/Wet_wet.wav");
    project.manifest(&manifest(""));
    assert_eq!(wet_and_full(&project).0, Vec::<usize>::new());
    assert_eq!(project.read("deliveries/d/Wet_wet.wav"), with);
}

#[test]
fn a_package_says_what_was_done() {
    let mut random = Random::new(10);
    let (project, _) = project("{ highpass: 80 }, { limit: -1 }", &mut random);
    project.build();
    let read_me = String::from_utf8(project.read("deliveries/d/README.txt")).unwrap();
    let said =
        "Processed: wet: high-pass 80 Hz, 12 dB/octave, then true-peak\n        limiter -1 dBTP";
    assert_eq!(read_me.matches(said).count(), 2, "{read_me}");
}

#[test]
fn a_compressor_is_keyed_by_another_stem() {
    let keyed = "{ compress: { threshold: -20, ratio: 100, knee: 0, attack: 1 ms, release: 20 ms, \
                 sidechain: { from: dry } } }";
    let mut random = Random::new(11);
    let mut a = Sound::random(&mut random, Word::I24, 2, SECONDS * SECOND);
    a.scribble(&mut random, 0, SECONDS * SECOND);
    // The key is silent, then at full scale, which is 20 dB above the threshold.
    let mut b = Sound { word: Word::I24, channels: vec![vec![0.0; SECONDS * SECOND]] };
    b.channels[0][20 * SECOND..].fill(-1.0);
    let text = manifest(keyed).replace(
        "mixes: { full: [dry, wet] }",
        "mixes: { full: { from: [dry, wet], without: [dry] } }",
    );
    let project = Project::with(&text, &[("a.wav", &a), ("b.wav", &b)]);
    project.build();
    let wet = |project: &Project| read_wav(&project.read("deliveries/d/Wet_wet.wav")).1;
    let heard = wet(&project);
    let sample = |x: f64| (x * 8_388_608.0).round() as i32;
    for (heard, a) in heard.iter().zip(&a.channels) {
        assert!(heard[..20 * SECOND].iter().zip(a).all(|(y, x)| *y == sample(*x)), "a silent key");
        // 28 time constants later all that is left of the attack is a rounding.
        let settled = 20 * SECOND + 28 * 8;
        let gain = 10_f64.powf(-20.0 * 0.99 / 20.0);
        for (y, x) in heard.iter().zip(a).skip(settled) {
            assert!((y - sample(x * gain)).abs() <= 1, "{y} of {x}");
        }
    }
    // A mix without the key still holds what it has keyed.
    let full = read_wav(&project.read("deliveries/d/Wet_full.wav")).1;
    assert_eq!(full, heard);
    // The key is heard: what it says in a second is.
    b.scribble(&mut random, 5 * SECOND + 100, 5 * SECOND + 200);
    project.audio("b.wav", &b.wav());
    let built = rendered(&project.build());
    assert!(built["d/Wet_wet.wav"].contains(&5), "{built:?}");
    assert_eq!(built["d/Wet_wet.wav"], built["d/Wet_full.wav"]);
    project.assert_clean("a key");
    assert_ne!(wet(&project), heard);
}
