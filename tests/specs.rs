//! Every spec that ships: a package is built to it, opened by a reader that is not
//! ours, and looked into: names, format, what was judged, what the read-me says.

mod support;

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::fs;
use std::io::Cursor;

use serde_json::Value as Json;
use support::Project;

const RATE: u32 = 48_000;
/// One second of leader, three of action.
const FRAMES: u32 = 4 * RATE;

/// A reel from its 2-pop at 00:59:58:00, a second ahead of the session audio, to the end
/// of its tail pop, which is the frame 01:00:04:23.
const REEL: u32 = 7 * RATE;

const MANIFEST: &str = r#"
version: 1
project: { title: The Quay, artist: The Example, part: r01, revision: v04 }
session:
  audio: session
  frame_rate: 24
  start: "00:59:59:00"
  first_frame: "01:00:00:00"
  last_frame: "01:00:02:23"
  tempo: 120
  layout: stereo
tracks: { dx: dx.wav, mx: mx.wav, fx: fx.wav, opt: opt.wav, tick: tick.wav }
stems:
  D: { from: [dx], role: dialogue }
  M: { from: [mx], role: music }
  E: { from: [fx], role: effects }
  O: [opt]
  click: { from: [tick], role: click }
  cue: { from: [dx], role: guide }
mixes:
  full: [D, M, E]
  pm: { from: full, layout: "5.1", role: print-master }
  pm-stereo: { from: pm, layout: stereo, downmix: { kind: lo-ro } }
  me: { from: [M, E], layout: "5.1", role: m-and-e }
  me-stereo: { from: me, layout: stereo, downmix: { kind: lo-ro } }
deliverables:
"#;

/// A package to each spec: how it is asked for, and the names of its files; braces stand
/// for several of them, as in a shell.
const PACKAGES: [(&str, &str, &[&str]); 19] = [
    (
        "stem-mastering",
        "stems: [D, M, E], mix: full",
        &["The_Quay_D", "The_Quay_M", "The_Quay_E", "The_Quay_full"],
    ),
    ("production-stems", "stems: [D, M]", &["The_Quay_D", "The_Quay_M"]),
    ("multitracks", "tracks: [dx, tick]", &["The_Quay_dx", "The_Quay_tick"]),
    ("sync-licensing", "mixes: [full]", &["The_Quay_full"]),
    ("remix", "stems: [D, M, E]", &["The_Quay_D", "The_Quay_M", "The_Quay_E"]),
    (
        "performance",
        "stems: [M, click, cue]",
        &["The_Quay_M_120bpm", "The_Quay_click_120bpm", "The_Quay_cue_120bpm"],
    ),
    ("dme", "stems: [D, M, E]", &["The_Quay_D_stereo", "The_Quay_M_stereo", "The_Quay_E_stereo"]),
    ("m-and-e", "mixes: [me, me-stereo]", &["The_Quay_ME_5.1", "The_Quay_ME_stereo"]),
    (
        "netflix-m-and-e",
        "mixes: [me, me-stereo], optional: [O], guide: D, print_master: pm",
        &[
            "The_Quay_r01_v04_ME_Nearfield_6ch_48k_24b_24.{L,R,C,LFE,Ls,Rs}",
            "The_Quay_r01_v04_ME_Nearfield_2ch_48k_24b_24.{L,R}",
            "The_Quay_r01_v04_OPT_Nearfield_2ch_48k_24b_24.{L,R}",
            "The_Quay_r01_v04_GUIDE_Nearfield_2ch_48k_24b_24.{L,R}",
            "The_Quay_r01_v04_PM_Nearfield_6ch_48k_24b_24.{L,R,C,LFE,Ls,Rs}",
        ],
    ),
    (
        "netflix-nearfield-5.1",
        "mixes: [pm, pm-stereo]",
        &[
            "The_Quay_r01_v04_PM_Nearfield_6ch_48k_24b_24.{L,R,C,LFE,Ls,Rs}",
            "The_Quay_r01_v04_PM_Nearfield_2ch_48k_24b_24.{L,R}",
        ],
    ),
    ("amazon-nearfield", "mixes: [pm, pm-stereo]", &["The_Quay_PM_5.1", "The_Quay_PM_stereo"]),
    ("wbd-component-audio", "mixes: [pm, pm-stereo]", &["The_Quay_PM_5.1", "The_Quay_PM_stereo"]),
    (
        "film-reel",
        "stems: [D, M, E], mix: full",
        &[
            "The_Quay_r01_D_stereo",
            "The_Quay_r01_M_stereo",
            "The_Quay_r01_E_stereo",
            "The_Quay_r01_full_stereo",
        ],
    ),
    ("ebu-r128", "mix: full", &["The_Quay_full_stereo"]),
    ("ebu-r128-s1", "mix: full", &["The_Quay_full_stereo"]),
    ("atsc-a85", "mix: full", &["The_Quay_full_stereo"]),
    ("dpp", "mix: full", &["The_Quay_full_stereo"]),
    ("streaming-music", "mix: full", &["The_Quay_full"]),
    ("apple-digital-masters", "mix: full", &["The_Quay_full"]),
];

/// Stereo, 24 bits: 1 kHz at `peak_dbfs` in both channels. By BS.1770 its loudness in
/// LUFS is then that figure.
fn tone(peak_dbfs: f64) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: RATE,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    let peak = 10_f64.powf(peak_dbfs / 20.0) * 8_388_608.0;
    for frame in 0..FRAMES {
        let sample = peak * (TAU * 997.0 * f64::from(frame) / f64::from(RATE)).sin();
        writer.write_sample(sample as i32).unwrap();
        writer.write_sample(sample as i32).unwrap();
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

/// `a.{L,R}` as `a.L` and `a.R`.
fn expanded(name: &str) -> Vec<String> {
    match name.split_once('{') {
        Some((start, rest)) => {
            let channels = rest.trim_end_matches('}').split(',');
            channels.map(|channel| format!("{start}{channel}")).collect()
        }
        None => vec![name.to_owned()],
    }
}

/// The highest sample of the left channel in each video frame of a file, dBFS.
fn video_frames(wav: &[u8]) -> Vec<f64> {
    let mut reader = hound::WavReader::new(wav).unwrap();
    let width = usize::from(reader.spec().channels);
    let left: Vec<i32> = reader.samples().step_by(width).map(Result::unwrap).collect();
    let peak = |frame: &[i32]| frame.iter().map(|sample| sample.abs()).max().unwrap();
    let peaks = left.chunks(RATE as usize / 24).map(peak);
    peaks.map(|peak| 20.0 * (f64::from(peak) / 8_388_608.0).log10()).collect()
}

/// All packages, built: read-me as one line, and qc.json.
fn packages() -> (Project, Texts) {
    let project = Project::new();
    // Dialogue and effects are there and hardly count.
    for (name, peak) in
        [("dx", -90.0), ("mx", -23.0), ("fx", -90.0), ("opt", -30.0), ("tick", -30.0)]
    {
        project.audio(&format!("{name}.wav"), &tone(peak));
    }
    let mut manifest = MANIFEST.to_owned();
    for (spec, contents, _) in PACKAGES {
        manifest.push_str(&format!("  {spec}: {{ spec: {spec}, {contents} }}\n"));
    }
    project.manifest(&manifest);
    project.build();
    let mut texts = BTreeMap::new();
    for (spec, ..) in PACKAGES {
        let read = |name: &str| {
            String::from_utf8(project.read(&format!("deliveries/{spec}/{name}"))).unwrap()
        };
        let words: Vec<String> = read("README.txt").split_whitespace().map(String::from).collect();
        texts.insert(spec, (words.join(" "), serde_json::from_str(&read("qc.json")).unwrap()));
    }
    (project, texts)
}

#[test]
fn a_package_to_each_spec_that_ships() {
    let (project, texts) = packages();
    files_are_named_and_made_as_each_asks(&project, &texts);
    a_reel_has_its_pops_two_seconds_from_the_action_and_nothing_between(&project);
    what_each_judges_is_in_its_qc_json(&texts);
    read_mes_say_what_it_says_and_what_was_not_judged(&texts);
}

/// Read-me and qc.json of the package to each spec.
type Texts = BTreeMap<&'static str, (String, Json)>;

fn files_are_named_and_made_as_each_asks(project: &Project, texts: &Texts) {
    let shipped: Vec<String> = rebounce::spec::list().into_iter().map(|(name, _)| name).collect();
    let built: Vec<&str> = PACKAGES.iter().map(|(spec, ..)| *spec).collect();
    assert_eq!(built, shipped, "a spec has no package here");
    for (spec, _, names) in PACKAGES {
        let mut found: Vec<String> = fs::read_dir(project.path(&format!("deliveries/{spec}")))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".wav").map(String::from))
            .collect();
        let mut expected: Vec<String> = names.iter().flat_map(|name| expanded(name)).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{spec}");
        for name in &expected {
            let bytes = project.read(&format!("deliveries/{spec}/{name}.wav"));
            let reader = hound::WavReader::new(bytes.as_slice()).unwrap();
            let (format, frames) = (reader.spec(), reader.duration());
            let width = match name {
                _ if name.contains("ch_48k") => 1,
                _ if name.contains("5.1") => 6,
                _ => 2,
            };
            let all = (format.sample_rate, format.bits_per_sample, format.channels, frames);
            let length = if spec == "film-reel" { REEL } else { FRAMES };
            assert_eq!(all, (RATE, 24, width, length), "{spec}/{name}");
        }
        // A tone has no loudness range, which Netflix would wonder at.
        let verdict = if spec == "netflix-nearfield-5.1" { "warn" } else { "pass" };
        assert_eq!(texts[spec].1["verdict"], verdict, "{spec}: {}", texts[spec].1["findings"]);
    }
}

fn a_reel_has_its_pops_two_seconds_from_the_action_and_nothing_between(project: &Project) {
    // A dialogue that nobody could take for a pop.
    let peaks = video_frames(&project.read("deliveries/film-reel/The_Quay_r01_D_stereo.wav"));
    assert_eq!(peaks.len(), 7 * 24);
    for (frame, peak) in peaks.into_iter().enumerate() {
        let is_pop = frame == 0 || frame == 7 * 24 - 1;
        // The peak of 1 kHz lies on a sample of 48 kHz.
        let is_right = if is_pop { (peak + 20.0).abs() < 0.001 } else { peak < -89.0 };
        assert!(is_right, "frame {frame}: {peak} dBFS");
    }
}

fn what_each_judges_is_in_its_qc_json(texts: &Texts) {
    for (spec, check, file, limit) in [
        ("stem-mastering", "sample-peak", "The_Quay_M.wav", Some(-3.0)),
        ("stem-mastering", "stem-null", "The_Quay_full.wav", Some(-110.0)),
        ("sync-licensing", "sample-peak", "The_Quay_full.wav", Some(-3.0)),
        ("performance", "sample-peak", "The_Quay_click_120bpm.wav", Some(-3.0)),
        ("m-and-e", "true-peak", "The_Quay_ME_5.1.wav", Some(-1.0)),
        // Over the whole set: a file of one channel has no limit of its own.
        (
            "netflix-nearfield-5.1",
            "true-peak",
            "The_Quay_r01_v04_PM_Nearfield_2ch_48k_24b_24.{L,R}.wav",
            Some(-2.0),
        ),
        ("netflix-nearfield-5.1", "head-padding", "", Some(0.0)),
        ("netflix-nearfield-5.1", "head-padding", "", Some(1.0)),
        ("amazon-nearfield", "true-peak", "The_Quay_PM_5.1.wav", Some(-2.0)),
        ("amazon-nearfield", "length-difference", "", Some(2.0)),
        ("wbd-component-audio", "head-padding", "", Some(5.0)),
        ("wbd-component-audio", "tail-padding", "", Some(0.0)),
        ("film-reel", "stem-null", "The_Quay_r01_full_stereo.wav", Some(-110.0)),
        ("ebu-r128", "integrated-loudness", "The_Quay_full_stereo.wav", Some(-22.0)),
        ("ebu-r128", "true-peak", "The_Quay_full_stereo.wav", Some(-1.0)),
        ("ebu-r128-s1", "short-term-loudness", "The_Quay_full_stereo.wav", Some(-18.0)),
        ("ebu-r128-s1", "integrated-loudness", "The_Quay_full_stereo.wav", Some(-22.0)),
        ("atsc-a85", "integrated-loudness", "The_Quay_full_stereo.wav", Some(-22.0)),
        ("dpp", "integrated-loudness", "The_Quay_full_stereo.wav", Some(-22.5)),
        ("dpp", "true-peak", "The_Quay_full_stereo.wav", Some(-3.0)),
        ("streaming-music", "platform-gain", "The_Quay_full.wav", None),
        ("apple-digital-masters", "true-peak", "The_Quay_full.wav", Some(-1.0)),
    ] {
        let findings = texts[spec].1["findings"].as_array().unwrap();
        let judged = findings.iter().any(|finding| {
            let is = |key: &str, text: &str| finding[key].as_str().unwrap_or_default() == text;
            is("check", check) && is("file", file) && finding["limit"].as_f64() == limit
        });
        assert!(judged, "{spec}: {check} of {file} at {limit:?} in {findings:?}");
    }
}

fn read_mes_say_what_it_says_and_what_was_not_judged(texts: &Texts) {
    for (spec, phrase) in [
        ("stem-mastering", "All files start at the same sample and have the same length."),
        ("performance", "Click and guide go to the performers only"),
        ("dme", "Stems are undipped"),
        ("m-and-e", "ASKED FOR AND NOT JUDGED HERE That the M&E is fully filled"),
        ("netflix-nearfield-5.1", "Dialogue-gated loudness is not measured here"),
        ("amazon-nearfield", "The spectrum of the LFE is not measured here."),
        ("wbd-component-audio", "aligned to 01:00:00:00"),
        // 9 dB up, well below -1 dBTP; YouTube turns nothing up.
        (
            "streaming-music",
            "The_Quay_full.wav: Spotify would turn it up by 9.0 dB; it plays at -14",
        ),
        ("streaming-music", "YouTube would leave it as it is"),
        ("apple-digital-masters", "Apple Music would turn it up by 7.0 dB"),
    ] {
        assert!(texts[spec].0.contains(phrase), "{spec}: {phrase}\n{}", texts[spec].0);
    }
}
