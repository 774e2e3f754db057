//! Channels from session audio to delivered files: whatever order they come in, whatever
//! layout they go to, and what is done between left and right on the way.

mod support;

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

use support::random::Random;
use support::sound::{Sound, Word, read_wav};
use support::{Project, RATE, SECOND, rendered};

const FULL: f64 = 8_388_608.0;

/// A project of one track `a` and one mix or stem, delivered as 24-bit.
fn project(layout: &str, track: &str, rest: &str, sound: &[u8]) -> Project {
    let project = Project::new();
    project.manifest(&manifest(layout, track, rest));
    project.audio("a.wav", sound);
    project
}

fn manifest(layout: &str, track: &str, rest: &str) -> String {
    format!(
        "version: 1\nproject: {{ title: Wide }}\n\
         session: {{ audio: session, layout: \"{layout}\" }}\n\
         tracks: {{ a: {track} }}\nstems: {{ s: [a] }}\n{rest}\n\
         deliverables: {{ d: {{ spec: production-stems, stems: all, mixes: all }} }}\n"
    )
}

/// Noise of 24 bits that never reaches full scale whatever six channels add up to.
fn noise(seed: u64, width: usize) -> Sound {
    let mut random = Random::new(seed);
    let mut sound = Sound { word: Word::I24, channels: vec![vec![0.0; SECOND]; width] };
    sound.scribble(&mut random, 0, SECOND);
    for x in sound.channels.iter_mut().flatten() {
        *x = (*x / 4.0 * FULL).round() / FULL;
    }
    sound
}

fn whole_numbers(channel: &[f64]) -> Vec<i32> {
    channel.iter().map(|x| (x * FULL) as i32).collect()
}

/// The format tag and the mask of a WAV file, by their offsets in `fmt `.
fn tag_and_mask(wav: &[u8]) -> (u16, u32) {
    let at = wav.windows(4).position(|four| four == b"fmt ").unwrap() + 8;
    let tag = u16::from_le_bytes([wav[at], wav[at + 1]]);
    (tag, u32::from_le_bytes(wav[at + 20..at + 24].try_into().unwrap()))
}

/// Asserts that each channel is the nearest whole numbers to what is expected of it.
#[track_caller]
fn nearest(found: &[i32], expected: impl Fn(usize) -> f64) {
    for (frame, found) in found.iter().enumerate() {
        // Half a step of rounding, and what the sums of doubles err by.
        let off = (f64::from(*found) - expected(frame) * FULL).abs();
        assert!(off <= 0.500_001, "frame {frame}: {found} is off by {off}");
    }
}

#[test]
fn masked_files_keep_the_order_of_their_bits_in_and_out() {
    for (layout, mask, order) in [
        ("lcr", 0x7, "L R C"),
        ("quad", 0x33, "L R Ls Rs"),
        ("5.0", 0x607, "L R C Ls Rs"),
        ("5.1", 0x60F, "L R C LFE Ls Rs"),
        ("5.1.4", 0x2_D60F, "L R C LFE Ls Rs Ltf Rtf Ltr Rtr"),
        ("7.0", 0x637, "L R C Lsr Rsr Lss Rss"),
        // The rears, 0x30, before the sides, 0x600.
        ("7.1", 0x63F, "L R C LFE Lsr Rsr Lss Rss"),
        ("7.1.4", 0x2_D63F, "L R C LFE Lsr Rsr Lss Rss Ltf Rtf Ltr Rtr"),
    ] {
        let sound = noise(1, order.split(' ').count());
        let project = project(layout, "a.wav", "", &sound.wav_masked(mask));
        project.build();
        let wav = project.read("deliveries/d/Wide_s.wav");
        assert_eq!(tag_and_mask(&wav), (0xFFFE, mask), "{layout}");
        let expected = sound.channels.iter().map(|c| whole_numbers(c)).collect();
        assert_eq!(read_wav(&wav), (24, expected), "{layout}");
        let text = |name: &str| String::from_utf8(project.read(name)).unwrap();
        let read_me = text("deliveries/d/README.txt");
        let one_line = read_me.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(one_line.contains(&format!("{layout}, in this order: {order}")), "{read_me}");
        assert!(text("deliveries/d/QC.html").contains(order), "{layout}");
        assert!(text("deliveries/d/qc.json").contains(&format!("\"layout\": \"{order}\"")));
    }
}

#[test]
fn files_in_any_order_are_mapped_by_their_channels() {
    // In which order the file has them, the layout, and where each comes to stand.
    for (named, layout, places) in [
        ("L, C, R, Ls, Rs, LFE", "5.1", &[0, 2, 1, 4, 5, 3][..]),
        ("L, C, R, Lss, Rss, Lsr, Rsr, LFE", "7.1", &[0, 2, 1, 6, 7, 4, 5, 3]),
        // ADM and BS.2051, by their names for the rears.
        ("L, R, C, LFE, Lss, Rss, Lrs, Rrs", "7.1", &[0, 1, 2, 3, 6, 7, 4, 5]),
        ("L, R, C, LFE, Lss, Rss, Lsr, Rsr, Lts, Rts", "7.1.2", &[0, 1, 2, 3, 6, 7, 4, 5, 8, 9]),
    ] {
        let sound = noise(2, places.len());
        let track = format!("{{ file: a.wav, channels: [{named}] }}");
        let project = project(layout, &track, "", &sound.wav());
        project.build();
        let wav = project.read("deliveries/d/Wide_s.wav");
        let (_, found) = read_wav(&wav);
        for (from, to) in places.iter().enumerate() {
            assert_eq!(found[*to], whole_numbers(&sound.channels[from]), "{named}: {from}");
        }
        if layout == "7.1.2" {
            assert_eq!(tag_and_mask(&wav).1, 0, "a mask cannot name top sides");
        }
    }
}

#[test]
fn multi_mono_files_come_together_in_order() {
    let project = Project::new();
    let sound = noise(3, 8);
    let names = ["Rss", "LFE", "L", "Lsr", "C", "R", "Rsr", "Lss"];
    let files: Vec<String> = names.iter().map(|name| format!("{name}: {name}.wav")).collect();
    project.manifest(&manifest("7.1", &format!("{{ files: {{ {} }} }}", files.join(", ")), ""));
    for (name, channel) in names.iter().zip(&sound.channels) {
        let mono = Sound { word: Word::I24, channels: vec![channel.clone()] };
        project.audio(&format!("{name}.wav"), &mono.wav());
    }
    project.build();
    let (_, found) = read_wav(&project.read("deliveries/d/Wide_s.wav"));
    for (place, name) in ["L", "R", "C", "LFE", "Lsr", "Rsr", "Lss", "Rss"].iter().enumerate() {
        let from = names.iter().position(|other| other == name).unwrap();
        assert_eq!(found[place], whole_numbers(&sound.channels[from]), "{name}");
    }
}

type Channels = Vec<Vec<f64>>;

/// Layout, mask and samples of a file, its `downmix`, and the rows by the channels of the
/// file, written out by hand.
fn fold_downs() -> [(&'static str, u32, Channels, &'static str, Channels); 6] {
    let five = noise(4, 6).channels;
    let seven = noise(5, 8).channels;
    let atmos = noise(6, 12).channels;
    let (root, minus_9) = (FRAC_1_SQRT_2, 0.354_813_389_233_575_5);
    [
        (
            "5.1",
            0x60F,
            five.clone(),
            "{ kind: lo-ro }",
            vec![vec![1., 0., root, 0., root, 0.], vec![0., 1., root, 0., 0., root]],
        ),
        (
            "5.1",
            0x60F,
            five.clone(),
            "{ kind: lo-ro, center: off, surround: -9, lfe: 0 }",
            vec![vec![1., 0., 0., 1., minus_9, 0.], vec![0., 1., 0., 1., 0., minus_9]],
        ),
        ("5.1", 0x60F, five.clone(), "{ kind: mono }", vec![vec![root, root, 1., 0., 0.5, 0.5]]),
        (
            "7.1",
            0x63F,
            seven,
            "{ kind: 5.1, rear: -3 }",
            vec![
                vec![1., 0., 0., 0., 0., 0., 0., 0.],
                vec![0., 1., 0., 0., 0., 0., 0., 0.],
                vec![0., 0., 1., 0., 0., 0., 0., 0.],
                vec![0., 0., 0., 1., 0., 0., 0., 0.],
                vec![0., 0., 0., 0., root, 0., 1., 0.],
                vec![0., 0., 0., 0., 0., root, 0., 1.],
            ],
        ),
        (
            "7.1.4",
            0x2_D63F,
            atmos,
            "{ kind: lo-ro, height: -6 }",
            vec![
                vec![1., 0., root, 0., root, 0., root, 0., 0.5, 0., root / 2., 0.],
                vec![0., 1., root, 0., 0., root, 0., root, 0., 0.5, 0., root / 2.],
            ],
        ),
        (
            "5.1",
            0x60F,
            five.clone(),
            "{ matrix: { L: { L: 0 }, R: { R: 0 }, Lss: { Ls: 0 }, Rss: { Rs: 0 }, \
             Lsr: { Ls: -9 }, Rsr: { Rs: -9 }, C: { C: 0 }, LFE: { LFE: 0 } } }",
            vec![
                vec![1., 0., 0., 0., 0., 0.],
                vec![0., 1., 0., 0., 0., 0.],
                vec![0., 0., 1., 0., 0., 0.],
                vec![0., 0., 0., 1., 0., 0.],
                vec![0., 0., 0., 0., minus_9, 0.],
                vec![0., 0., 0., 0., 0., minus_9],
                vec![0., 0., 0., 0., 1., 0.],
                vec![0., 0., 0., 0., 0., 1.],
            ],
        ),
    ]
}

#[test]
fn fold_downs_are_their_matrices() {
    for (layout, mask, channels, downmix, rows) in fold_downs() {
        let sound = Sound { word: Word::I24, channels };
        let mixes = format!("mixes: {{ m: {{ from: [s], downmix: {downmix} }} }}");
        let project = project(layout, "a.wav", &mixes, &sound.wav_masked(mask));
        project.build();
        let (_, found) = read_wav(&project.read("deliveries/d/Wide_m.wav"));
        assert_eq!(found.len(), rows.len(), "{downmix}");
        for (found, row) in found.iter().zip(&rows) {
            let sum =
                |n: usize| row.iter().zip(&sound.channels).map(|(factor, c)| factor * c[n]).sum();
            nearest(found, sum);
        }
    }
}

#[test]
fn an_approved_print_in_another_order_nulls_by_its_channels() {
    let sound = noise(14, 6);
    let film: Vec<Vec<f64>> =
        [0, 2, 1, 4, 5, 3].iter().map(|from: &usize| sound.channels[*from].clone()).collect();
    let mixes = "mixes: { m: { from: [s], \
                 reference: { file: pm.wav, channels: [L, C, R, Ls, Rs, LFE] } } }";
    let project = project("5.1", "a.wav", mixes, &sound.wav_masked(0x60F));
    project.audio("pm.wav", &Sound { word: Word::I24, channels: film }.wav());
    project.build();
    let json = String::from_utf8(project.read("deliveries/d/qc.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let null = report["nulls"].as_array().unwrap().iter().find(|n| n["kind"] == "reference");
    assert_eq!(null.expect("a null test")["verdict"], "exact");
}

#[test]
fn what_is_only_routed_stays_bit_exact() {
    let sound = noise(7, 6);
    let mixes = "mixes: { m: { from: [s], layout: lcr, \
                 downmix: { matrix: { L: { L: 0 }, R: { R: 0 }, C: { C: 0, Ls: 0 } } } } }";
    let project = project("5.1", "a.wav", mixes, &sound.wav_masked(0x3F));
    project.build();
    let (_, found) = read_wav(&project.read("deliveries/d/Wide_m.wav"));
    assert_eq!(found[1], whole_numbers(&sound.channels[1]));
    let c = |n: usize| ((sound.channels[2][n] + sound.channels[4][n]) * FULL) as i32;
    assert_eq!(found[2], (0..SECOND).map(c).collect::<Vec<_>>());
    let json = String::from_utf8(project.read("deliveries/d/qc.json")).unwrap();
    assert!(json.contains("left out: LFE Rs"), "{json}");
}

/// Amplitude of a tone of `hz` and by how many degrees it leads a cosine.
fn tone_of(found: &[i32], hz: f64) -> (f64, f64) {
    // Whole periods, away from where the programme begins and ends.
    let inside = SECOND / 4..SECOND * 3 / 4;
    let (mut cosine, mut sine) = (0.0, 0.0);
    for n in inside.clone() {
        let (s, c) = (TAU * hz * n as f64 / f64::from(RATE)).sin_cos();
        cosine += f64::from(found[n]) / FULL * c;
        sine += f64::from(found[n]) / FULL * s;
    }
    let scale = 2.0 / inside.len() as f64;
    (scale * cosine.hypot(sine), (-sine).atan2(cosine).to_degrees())
}

#[test]
fn lt_rt_holds_the_surrounds_at_90_degrees_and_opposite_polarity() {
    const HZ: f64 = 1000.0;
    let tone =
        |n: usize| (0.25 * (TAU * HZ * n as f64 / f64::from(RATE)).cos() * FULL).round() / FULL;
    let tone: Vec<f64> = (0..SECOND).map(tone).collect();
    let mixes = "mixes: { m: { from: [s], downmix: { kind: lt-rt } } }";
    let encoded = |channel: usize| {
        let mut sound = Sound { word: Word::I24, channels: vec![vec![0.0; SECOND]; 6] };
        sound.channels[channel] = tone.clone();
        let project = project("5.1", "a.wav", mixes, &sound.wav_masked(0x60F));
        project.build();
        let wav = project.read("deliveries/d/Wide_m.wav");
        assert_eq!(tag_and_mask(&wav).1, 3);
        let read_me = String::from_utf8(project.read("deliveries/d/README.txt")).unwrap();
        assert!(read_me.contains("lt-rt, in this order: Lt Rt"), "{read_me}");
        read_wav(&wav).1
    };
    // Level and phase in Lt and Rt. A quarter of full scale times 0.8710 or 0.4898; 0.04 dB
    // is what the filter ripples by, far less than 0.8710 is from 0.8660.
    let expect = |found: &[i32], level: f64, degrees: f64| {
        let (amplitude, phase) = tone_of(found, HZ);
        let db = 20.0 * (amplitude / (0.25 * level)).log10();
        assert!(db.abs() < 0.04 && (phase - degrees).abs() < 0.01, "{db} dB, {phase} degrees");
    };
    let ls = encoded(4);
    expect(&ls[0], 0.871, 90.0);
    expect(&ls[1], 0.4898, -90.0);
    let rs = encoded(5);
    expect(&rs[0], 0.4898, 90.0);
    expect(&rs[1], 0.871, -90.0);
    // The front is not turned, and not late.
    assert_eq!(encoded(0)[0], whole_numbers(&tone));
    let centre = encoded(2);
    assert_eq!(centre[0], centre[1]);
    nearest(&centre[0], |n| tone[n] * FRAC_1_SQRT_2);
    assert!(encoded(3).iter().flatten().all(|x| *x == 0), "the LFE is left out");
}

#[test]
fn an_edit_of_lt_rt_renders_what_hears_it_and_equals_a_clean_build() {
    let mut random = Random::new(8);
    let mut sound = Sound::random(&mut random, Word::I24, 6, 12 * SECOND);
    let mixes = "mixes: { m: { from: [s], downmix: { kind: lt-rt } } }";
    let project = project("5.1", "a.wav", mixes, &sound.wav_masked(0x60F));
    project.build();
    for (from, to, expected) in [
        // 1/75 s is heard to both sides; amid a second nothing beside it changes.
        (5 * SECOND + 200, 6 * SECOND - 200, &[5][..]),
        (7 * SECOND, 7 * SECOND + 10, &[6, 7]),
        (10 * SECOND - 10, 10 * SECOND, &[9, 10]),
    ] {
        sound.scribble(&mut random, from, to);
        project.audio("a.wav", &sound.wav_masked(0x60F));
        let found = rendered(&project.build()).remove("d/Wide_m.wav").unwrap();
        // Keys tell seconds, not frames: a window hears its neighbours whole.
        let last = (11).min(to / SECOND + 1);
        assert!(found.iter().all(|s| (from / SECOND - 1..=last).contains(s)), "{found:?}");
        assert!(expected.iter().all(|s| found.contains(s)), "{found:?}");
        project.assert_clean("lt-rt");
    }
}

#[test]
fn every_level_and_matrix_renders_again_and_their_words_do_not() {
    let sound = noise(9, 12);
    let of = |downmix: &str| {
        manifest("7.1.4", "a.wav", &format!("mixes: {{ m: {{ from: [s], downmix: {downmix} }} }}"))
    };
    let project = project("7.1.4", "a.wav", "", &sound.wav_masked(0x2_D63F));
    for [before, after] in [
        ["{ kind: lo-ro }", "{ kind: lo-ro, center: -4.5 }"],
        ["{ kind: lo-ro }", "{ kind: lo-ro, surround: -3.01 }"],
        ["{ kind: lo-ro }", "{ kind: lo-ro, rear: -1 }"],
        ["{ kind: lo-ro }", "{ kind: lo-ro, height: off }"],
        ["{ kind: lo-ro }", "{ kind: lo-ro, lfe: -10 }"],
        ["{ kind: lo-ro }", "{ kind: lt-rt }"],
        ["{ kind: lt-rt }", "{ kind: lt-rt, center: -2 }"],
        ["{ kind: lt-rt }", "{ kind: lt-rt, rear: off }"],
        ["{ kind: mono }", "{ kind: mono, sum: -6 }"],
        ["{ kind: 5.1 }", "{ kind: 5.1, rear: -3 }"],
        ["{ kind: 7.1 }", "{ kind: 7.1, height: -2 }"],
        ["{ matrix: { L: { L: 0 } } }", "{ matrix: { L: { L: -1 } } }"],
        ["{ matrix: { L: { L: 0 } } }", "{ matrix: { L: { L: 0, C: 0 } } }"],
        ["{ matrix: { L: { L: 0 } } }", "{ matrix: { R: { L: 0 } } }"],
    ] {
        project.manifest(&of(before));
        project.build();
        project.manifest(&of(after));
        let found = rendered(&project.build());
        assert_eq!(found.get("d/Wide_m.wav").map(Vec::as_slice), Some(&[0][..]), "{after}");
        assert!(!found.contains_key("d/Wide_s.wav"), "{after}: the stem is what it was");
    }
    // What is usual, said or not, is one thing.
    project.manifest(&of("{ kind: lo-ro }"));
    project.build();
    project.manifest(&of("{ kind: lo-ro, center: -3, surround: -3 dB, rear: 0, lfe: off }"));
    assert_eq!(rendered(&project.build()).len(), 0);
}

#[test]
fn a_fold_down_that_goes_past_full_scale_is_found() {
    let mut sound = noise(10, 6);
    for channel in [0, 2, 4] {
        sound.channels[channel][100] = 0.75;
    }
    let mixes = "mixes: { m: { from: [s], downmix: { kind: lo-ro } } }";
    let project = project("5.1", "a.wav", mixes, &sound.wav_masked(0x60F));
    project.build();
    // 0.75 times 2.414 is 5.2 dB too much.
    let (_, found) = read_wav(&project.read("deliveries/d/Wide_m.wav"));
    assert_eq!(found[0][100], 8_388_607);
    let json = String::from_utf8(project.read("deliveries/d/qc.json")).unwrap();
    let findings: serde_json::Value = serde_json::from_str(&json).unwrap();
    let overs = findings["findings"].as_array().unwrap().iter().find(|f| f["check"] == "overs");
    let overs = overs.expect("a finding");
    assert_eq!((&overs["verdict"], &overs["file"]), (&"fail".into(), &"Wide_m.wav".into()));
}

/// The two channels of what a stereo project delivers of `a`.
fn between(session: &str, track: &str, process: &str, sound: &Sound) -> (Vec<Vec<i32>>, String) {
    let project = Project::new();
    project.manifest(&format!(
        "version: 1\nproject: {{ title: Wide }}\n\
         session: {{ audio: session, layout: stereo{session} }}\n\
         tracks: {{ a: {{ file: a.wav{track} }} }}\n\
         stems: {{ s: {{ from: [a], process: [{process}] }} }}\n\
         deliverables: {{ d: {{ spec: production-stems, stems: all }} }}\n"
    ));
    project.audio("a.wav", &sound.wav());
    project.build();
    let read_me = String::from_utf8(project.read("deliveries/d/README.txt")).unwrap();
    let read_me = read_me.split_whitespace().collect::<Vec<_>>().join(" ");
    (read_wav(&project.read("deliveries/d/Wide_s.wav")).1, read_me)
}

#[test]
fn pan_laws_are_what_they_are_called() {
    let sound = noise(11, 1);
    // Half way to the right: cos and sin of 67.5 degrees; 1/4 and 3/4; their mean.
    let minus_3 = [0.382_683_432_365_089_8, 0.923_879_532_511_286_7];
    let minus_6 = [0.25, 0.75];
    let minus_4p5 = [0.309_307_061_172_667_8, 0.832_411_946_924_997_5];
    for (session, track, law, factors) in [
        ("", "", "-3 dB law", minus_3),
        ("", ", pan_law: -6", "-6 dB law", minus_6),
        (", pan_law: -4.5", "", "-4.5 dB law", minus_4p5),
        (", pan_law: -4.5", ", pan_law: -3 dB", "-3 dB law", minus_3),
    ] {
        let (found, read_me) = between(session, &format!(", pan: 50{track}"), "", &sound);
        for (found, factor) in found.iter().zip(factors) {
            nearest(found, |n| factor * sound.channels[0][n]);
        }
        assert!(read_me.contains(&format!("a: pan 50, {law}")), "{read_me}");
    }
    let (found, _) = between("", ", pan: -100", "", &sound);
    assert_eq!(found, [whole_numbers(&sound.channels[0]), vec![0; SECOND]]);
    let (found, _) = between("", ", pan: 0", "", &sound);
    assert_eq!(found[0], found[1], "the middle is the middle");
}

#[test]
fn balance_and_width_say_the_same_of_tracks_and_of_sums() {
    let sound = noise(12, 2);
    let [left, right] = [&sound.channels[0], &sound.channels[1]];
    let (as_it_is, _) = between("", "", "", &sound);
    for (track, process) in [
        ("", "{ width: 100 }, { balance: 0 }"),
        (", width: 100, balance: 0", ""),
        (", pan: 0, pan_law: -6", ""),
    ] {
        assert_eq!(between("", track, process, &sound).0, as_it_is, "{track}{process}");
    }
    // cos(67.5 degrees) sqrt(2), and a quarter of a half.
    for (session, factor) in [("", 0.541_196_100_146_197_1), (", pan_law: -6", 0.5)] {
        for (track, process) in [(", balance: 50", ""), (", pan: 50", ""), ("", "{ balance: 50 }")]
        {
            let (found, read_me) = between(session, track, process, &sound);
            nearest(&found[0], |n| factor * left[n]);
            assert_eq!(found[1], as_it_is[1]);
            assert!(read_me.contains("balance 50, -"), "{read_me}");
        }
    }
    for (percent, own, other) in [(0, 0.5, 0.5), (40, 0.7, 0.3), (200, 1.5, -0.5)] {
        for (track, process) in [
            (format!(", width: {percent}"), String::new()),
            (String::new(), format!("{{ width: {percent} % }}")),
        ] {
            let (found, read_me) = between("", &track, &process, &sound);
            nearest(&found[0], |n| own * left[n] + other * right[n]);
            nearest(&found[1], |n| own * right[n] + other * left[n]);
            assert!(read_me.contains(&format!("width {percent} %")), "{read_me}");
        }
    }
}

#[test]
fn every_setting_of_a_track_between_left_and_right_renders_again() {
    let of = |session: &str, track: &str| {
        format!(
            "version: 1\nproject: {{ title: Wide }}\n\
             session: {{ audio: session, layout: stereo{session} }}\n\
             tracks: {{ a: {{ file: a.wav{track} }} }}\nstems: {{ s: [a] }}\n\
             deliverables: {{ d: {{ spec: production-stems, stems: all }} }}\n"
        )
    };
    let project = Project::new();
    project.audio("a.wav", &noise(15, 2).wav());
    let laws = [("", ", balance: 31, pan_law: -6"), (", pan_law: -4.5", ", balance: 31")];
    let others = [", balance: 30", ", balance: 31", ", width: 60", ", width: 61"];
    for (session, track) in others.map(|track| ("", track)).into_iter().chain(laws) {
        project.manifest(&of(session, track));
        let found = rendered(&project.build());
        assert_eq!(found.get("d/Wide_s.wav").map(Vec::as_slice), Some(&[0][..]), "{track}");
        project.assert_clean(track);
    }
    // The session's law is that of a track which says the same.
    project.manifest(&of(", pan_law: -6", ", balance: 5"));
    project.build();
    project.manifest(&of("", ", balance: 5, pan_law: -6 dB"));
    assert_eq!(rendered(&project.build()).len(), 0);
}

#[test]
fn a_panned_track_stands_between_left_and_right_of_a_wide_bed() {
    let sound = noise(13, 1);
    let project = project("5.1", "{ file: a.wav, pan: 0 }", "", &sound.wav());
    project.build();
    let (_, found) = read_wav(&project.read("deliveries/d/Wide_s.wav"));
    nearest(&found[0], |n| FRAC_1_SQRT_2 * sound.channels[0][n]);
    assert_eq!(found[0], found[1]);
    assert!(found[2..].iter().flatten().all(|x| *x == 0), "and nowhere else");
}
