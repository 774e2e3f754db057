//! `rebounce init`: what it proposes is built without an edit, and says what it found.

use std::path::{Path, PathBuf};

use rebounce::diag::Failure;
use rebounce::fsio::Disk;
use rebounce::init::{self, Proposed};
use rebounce::progress::Silent;
use rebounce::qc::report::Verdict;
use rebounce::run::outcome::Outcome;
use rebounce::run::{self, Context};

#[allow(dead_code, unreachable_pub, reason = "each test uses its part of it")]
#[path = "support/random.rs"]
mod random;
mod terminal;
use random::Random;
use terminal::Home;

fn context<T>(work: impl FnOnce(&Context<'_>) -> Result<T, Failure>) -> Result<T, String> {
    let context = Context {
        disk: Disk::new(),
        progress: &Silent,
        notice: &|_| {},
        colour: false,
        rebounce: env!("CARGO_BIN_EXE_rebounce").into(),
    };
    work(&context).map_err(|failure| failure.render(false))
}

fn propose(home: &Home, folder: &str) -> Result<Proposed, String> {
    let manifest = home.path("deliverables.yaml");
    let request = init::Request { folder: Some(home.path(folder)), manifest, dry_run: false };
    context(|context| init::init(context, &request))
}

fn request(home: &Home) -> run::Request {
    let manifest = home.path("deliverables.yaml");
    run::Request { manifest, targets: Vec::new(), keep_going: false }
}

/// Builds what was proposed; all must pass.
fn build(home: &Home) -> Outcome {
    let outcome = context(|context| run::build(context, &request(home)));
    let outcome = outcome.unwrap_or_else(|failure| panic!("{failure}"));
    for package in &outcome.packages {
        assert_ne!(package.verdict, Verdict::Fail, "{}: {:?}", package.name, package.lines);
    }
    outcome
}

/// A WAV of `sum`med noises: one per seed, on a grid that no sum overflows, so that
/// what is printed is their sum bit for bit.
fn print(home: &Home, name: &str, channels: u16, seeds: &[u32]) {
    wav(&home.path(name), 48_000, channels, 4_800, seeds);
}

fn wav(path: &Path, rate: u32, channels: u16, frames: u32, seeds: &[u32]) {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    for index in 0..frames * u32::from(channels) {
        let noise = |seed: &u32| (index ^ (seed << 20)).wrapping_mul(0x9e37_79b9) as i32 >> 13;
        wav.write_sample(seeds.iter().map(noise).sum::<i32>()).unwrap();
    }
    wav.finalize().unwrap();
}

const SONG: &str = "\
# Proposed by `rebounce init` from 9 audio files. Lines marked `guess` want a look;
# `rebounce check` says whether all fits together, `rebounce` builds it.
version: 1

project:
  title: Night Drive  # guess: by the file names
  # artist, production, contact, licence: for file names and read-mes

session:
  audio: bounces
  tempo: 96  # by the file names

tracks:
  # drums
  kick:       Night Drive_Kick_96bpm.wav
  oh:         { files: { L: Night Drive_OH_96bpm.L.wav, R: Night Drive_OH_96bpm.R.wav } }
  # bass
  bass_track: Night Drive_Bass_96bpm.wav
  # other
  zither:     Night Drive_Zither_96bpm.wav  # guess: its name tells nothing
  # lead_vocal
  lead_vox:   Night Drive_Lead Vox_96bpm.wav
  # left out:
  #   Night Drive_Master_96bpm.wav: a print of `full`: does not null: residual peak [LEVEL] dBFS
  # cannot be read:
  #   Night Drive_Demo.m4a: unsupported: no audio format known here; export as WAV, AIFF or FLAC

stems:
  drums:  [kick, oh]
  bass:   [bass_track]
  other:  [zither]  # guess: no name says where these belong
  vocals: [lead_vox]

mixes:
  full:         { from: [drums, bass, other, vocals], reference: Night Drive_MIX v3_96bpm.wav }  # nulls bit for bit
  instrumental: { from: full, without: [vocals] }
  a-cappella:   [vocals]

deliverables:
  for-mastering: { spec: stem-mastering, stems: all, mixes: [full] }
  sync:          { spec: sync-licensing, stems: all, mixes: all }
";

fn song() -> Home {
    let home = Home::empty();
    let name = |part: &str| format!("bounces/Night Drive_{part}");
    print(&home, &name("Kick_96bpm.wav"), 1, &[1]);
    print(&home, &name("OH_96bpm.L.wav"), 1, &[2]);
    print(&home, &name("OH_96bpm.R.wav"), 1, &[2]);
    print(&home, &name("Bass_96bpm.wav"), 1, &[3]);
    print(&home, &name("Zither_96bpm.wav"), 1, &[4]);
    print(&home, &name("Lead Vox_96bpm.wav"), 1, &[5]);
    // What is mono stands in both channels of stereo: a mono print of it twice over.
    stereo(&home, &name("MIX v3_96bpm.wav"), &[1, 2, 3, 4, 5]);
    stereo(&home, &name("Master_96bpm.wav"), &[1, 2, 3, 4, 5, 6]);
    home.write(&name("Demo.m4a"), "no audio at all");
    home
}

/// The same sum left and right.
fn stereo(home: &Home, name: &str, seeds: &[u32]) {
    let mono = home.path("mono.wav");
    wav(&mono, 48_000, 1, 4_800, seeds);
    let mut reader = hound::WavReader::open(&mono).unwrap();
    let spec = hound::WavSpec { channels: 2, ..reader.spec() };
    let mut wav = hound::WavWriter::create(home.path(name), spec).unwrap();
    for sample in reader.samples::<i32>() {
        let sample = sample.unwrap();
        wav.write_sample(sample).unwrap();
        wav.write_sample(sample).unwrap();
    }
    wav.finalize().unwrap();
    std::fs::remove_file(mono).unwrap();
}

/// The text without the level of a residue, which is that of noise.
fn without_level(text: &str) -> String {
    let Some((before, after)) = text.split_once("residual peak ") else { return text.to_owned() };
    let (_, after) = after.split_once(" dBFS").unwrap();
    format!("{before}residual peak [LEVEL] dBFS{after}")
}

#[test]
fn a_song_is_proposed_and_built_without_an_edit() {
    let home = song();
    let said = home.rebounce("init bounces").output();
    assert!(said.status.success());
    let said = String::from_utf8(said.stdout).unwrap();
    assert_eq!(
        without_level(&said),
        "deliverables.yaml: a song of 5 tracks in 4 stems and 3 mixes, for 2 packages
      full: nulls bit for bit against Night Drive_MIX v3_96bpm.wav
      left out Night Drive_Master_96bpm.wav: a print of `full`: does not null: residual peak [LEVEL] dBFS
      left out Night Drive_Demo.m4a: unsupported: no audio format known here; export as WAV, AIFF or FLAC
look at 3 guesses in it; `rebounce check` checks it, `rebounce` builds it
"
    );
    let text = std::fs::read_to_string(home.path("deliverables.yaml")).unwrap();
    assert_eq!(without_level(&text), SONG);
    let outcome = build(&home);
    assert_eq!(
        outcome.packages[0].lines[0],
        "full: nulls bit for bit against Night Drive_MIX v3_96bpm.wav"
    );
}

#[test]
fn a_film_in_two_layouts_and_two_languages_is_built_with_every_print_as_reference() {
    let home = Home::empty();
    for (name, seeds) in [
        ("DX", &[1][..]),
        ("DXes", &[2]),
        ("MX", &[3]),
        ("FX", &[4]),
        ("FOL", &[5]),
        ("OPT", &[6]),
        ("FXcomb", &[4, 5]),
        ("ME", &[3, 4, 5]),
        ("PM", &[1, 3, 4, 5, 6]),
        ("PMes", &[2, 3, 4, 5, 6]),
    ] {
        print(&home, &format!("QUAY_R1_{name}_2.0.wav"), 2, seeds);
    }
    for (name, seeds) in [
        ("DX", &[7][..]),
        ("DXes", &[6]),
        ("MX", &[8]),
        ("FXcomb", &[9]),
        ("PM", &[7, 8, 9]),
        ("PMes", &[6, 8, 9]),
    ] {
        print(&home, &format!("QUAY_R1_{name}_5.1.wav"), 6, seeds);
    }
    let proposed = propose(&home, "").unwrap();
    let found: Vec<String> = proposed.json()["references"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| format!("{} {} {} {}", r["mix"], r["version"], r["file"], r["found"]))
        .map(|r| r.replace('"', ""))
        .collect();
    assert_eq!(
        found,
        [
            "print-master null QUAY_R1_PM_2.0.wav nulls bit for bit",
            "me null QUAY_R1_ME_2.0.wav nulls bit for bit",
            "print-master_51 null QUAY_R1_PM_5.1.wav nulls bit for bit",
            "print-master es QUAY_R1_PMes_2.0.wav nulls bit for bit",
            "print-master_51 es QUAY_R1_PMes_5.1.wav nulls bit for bit",
        ]
    );
    for line in [
        "  title: QUAY R1  # guess: by the file names",
        "  layout: stereo  # of what names no other",
        "  E:    { from: [fol, fx], role: effects }",
        "  E_51: { from: [fxcomb_51], role: effects, layout: \"5.1\" }",
        "  es: { language: es, replace: { D: QUAY_R1_DXes_2.0.wav, D_51: QUAY_R1_DXes_5.1.wav },",
        "      references: { print-master: QUAY_R1_PMes_2.0.wav,",
        "      print-master_51: QUAY_R1_PMes_5.1.wav } }  # print-master: nulls bit for bit; print-master_51: nulls bit for bit",
        "  #   QUAY_R1_FXcomb_2.0.wav: effects in one print: against the tracks of E, nulls bit for bit",
        "  dubs:       { spec: dme, stems: [D, M, E, O], mixes: [print-master], versions: all }",
        "  m-and-e-51: { spec: m-and-e, mixes: [me_51] }",
    ] {
        assert!(proposed.text.lines().any(|is| is == line), "{line}\n---\n{}", proposed.text);
    }
    let outcome = build(&home);
    let names: Vec<&str> = outcome.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(names, ["dme", "m-and-e", "dubs", "dme-51", "m-and-e-51", "dubs-51"]);
    assert_eq!(
        [&outcome.packages[2], &outcome.packages[5]].map(|package| package.lines[0].as_str()),
        [
            "print-master (es), me: null bit for bit against their references",
            "print-master_51 (es): nulls bit for bit against QUAY_R1_PMes_5.1.wav",
        ]
    );
}

#[test]
fn a_dub_is_a_version_only_of_what_it_has_dialogue_for() {
    let home = Home::empty();
    for (name, seeds) in [
        ("DX", &[1][..]),
        ("MX", &[2]),
        ("FX", &[3]),
        ("PM", &[1, 2, 3]),
        // Several files of dialogue and a song, and a print without the song.
        ("DXde", &[4]),
        ("ADRde", &[5]),
        ("MXde", &[6]),
        ("PMde", &[4, 5, 2, 3]),
        // A song and a print, and no dialogue.
        ("MXfr", &[7]),
        ("PMfr", &[8, 7, 3]),
    ] {
        print(&home, &format!("QUAY_{name}_5.1.wav"), 6, seeds);
    }
    print(&home, "QUAY_DXno.wav", 1, &[9]);
    for (name, seeds) in [("DX", &[1][..]), ("MX", &[2]), ("FX", &[3]), ("DXno", &[9])] {
        print(&home, &format!("QUAY_{name}_2.0.wav"), 2, seeds);
    }
    let proposed = propose(&home, "").unwrap();
    let text = without_level(&proposed.text);
    let lines: Vec<&str> = text.lines().collect();
    let after = |key: &str| -> Vec<&str> {
        let from = lines.iter().position(|line| *line == key).unwrap() + 1;
        lines[from..].iter().take_while(|line| !line.is_empty()).copied().collect()
    };
    assert_eq!(
        after("  # left out:"),
        [
            "  #   QUAY_PMde_5.1.wav: a print of `print-master` in de: does not null: residual peak [LEVEL] dBFS",
            "  #   QUAY_MXfr_5.1.wav: in fr, and there is no dialogue in fr",
        ]
    );
    assert_eq!(
        after("versions:"),
        [
            "  de:   { language: de, replace: { D: [adr_de, dx_de], M: QUAY_MXde_5.1.wav } }",
            "  \"no\": { language: \"no\", replace: { D: { file: QUAY_DXno.wav, channels: [C] },",
            "      D_20: QUAY_DXno_2.0.wav } }  # guess: mono is the centre",
        ]
    );
    assert_eq!(
        after("deliverables:"),
        [
            "  dme:             { spec: dme, stems: [D, M, E], mixes: [print-master] }",
            "  m-and-e:         { spec: m-and-e, mixes: [me] }",
            "  dubs:            { spec: dme, stems: [D, M, E], mixes: [print-master], versions: all }",
            "  print-master-fr: { spec: production-stems, mixes: [print-master-fr] }",
            "  dme-20:          { spec: dme, stems: [D_20, M_20, E_20], mixes: [print-master_20] }",
            "  m-and-e-20:      { spec: m-and-e, mixes: [me_20] }",
            "  dubs-20:         { spec: dme, stems: [D_20, M_20, E_20], mixes: [print-master_20],",
            "      versions: [\"no\"] }",
        ]
    );
    build(&home);
}

#[test]
fn a_manifest_that_is_there_is_never_written_over() {
    let home = song();
    home.write("deliverables.yaml", "mine\n");
    home.rebounce("init bounces")
        .status(2)
        .stderr(
            "error: there is already a deliverables.yaml
 |
 = help: `-n` shows the proposal instead of writing it, `-f FILE` writes to another file
",
        )
        .test();
    assert_eq!(std::fs::read_to_string(home.path("deliverables.yaml")).unwrap(), "mine\n");
    let shown = home.rebounce("-n init bounces").output();
    assert_eq!(without_level(&String::from_utf8(shown.stdout).unwrap()), SONG);
    assert!(home.rebounce("-f other.yaml init bounces").output().status.success());
    assert!(home.rebounce("-f other.yaml check").output().status.success());
    // From elsewhere, and for the folder that the manifest stands in.
    assert!(home.rebounce("-f bounces/own.yaml init bounces").output().status.success());
    assert!(home.rebounce("-f bounces/own.yaml check").output().status.success());
    assert!(home.rebounce("-C bounces -f sub.yaml init ../bounces").output().status.success());
    assert!(home.rebounce("-C bounces -f sub.yaml check").output().status.success());
}

#[test]
fn a_folder_without_audio_is_refused_with_the_reason() {
    let home = Home::empty();
    home.write("notes.txt", "");
    let says = |arguments: &str, text: &str| {
        home.rebounce(arguments).status(2).stderr(text).test();
        assert!(!home.path("deliverables.yaml").exists());
    };
    says(
        "init",
        "error: there is no audio below .
 |
 = help: name the folder that the bounces were exported to: `rebounce init DIR`
",
    );
    says(
        "init bounces",
        "error: there is no folder bounces
 |
 = help: name the folder that the bounces were exported to
",
    );
    says(
        "init notes.txt",
        "error: notes.txt is a file, not a folder
 |
 = help: name the folder that it lies in
",
    );
    home.write("a.m4a", "\0\0\0 ftypM4A ");
    home.write("b.wav", "");
    says(
        "init",
        "error: none of the 2 audio files below . can be read
 |
 = help: a.m4a: unsupported: MP4 or QuickTime; export as WAV, AIFF or FLAC
         b.wav: incomplete: the file is empty
",
    );
}

const WORDS: [&str; 50] = [
    "Kick",
    "SN",
    "OH",
    "Room",
    "Bass",
    "bass",
    "DI",
    "808",
    "Gtr",
    "AC",
    "Keys",
    "Synth",
    "Lead",
    "Vox",
    "BGV",
    "FX",
    "Riser",
    "MIX",
    "Master",
    "REF",
    "Inst",
    "TV",
    "Acapella",
    "Click",
    "DX",
    "DXes",
    "DXfr",
    "ADR",
    "MX",
    "MXes",
    "FOL",
    "FXcomb",
    "OPT",
    "GUIDE",
    "PM",
    "PMfr",
    "ME",
    "fr-FR",
    "R1",
    "R2",
    "Nearfield",
    "Theatrical",
    "vocals",
    "full",
    "no",
    "~",
    "1.5",
    "\u{dc}ber",
    "\u{30c9}",
    "'#: [x]",
];
const ENDS: [&str; 8] = ["", "_2.0", "_5.1", ".L", ".R", " v2", "_48k_24b_25", " 120bpm"];

/// Whatever files are called, and whatever they are, what is proposed can be built.
#[test]
fn every_proposal_passes_check() {
    let mut random = Random::new(4);
    for round in 0..60 {
        let home = Home::empty();
        for _ in 0..random.below(14) + 1 {
            let word = |random: &mut Random| *random.pick(&WORDS);
            let mut name = random.pick(&["", "Song_", "prints/"]).to_string();
            name += word(&mut random);
            if random.once_in(3) {
                name += "_";
                name += word(&mut random);
            }
            name += *random.pick(&ENDS);
            let channels = *random.pick(&[1, 2, 2, 6, 4]);
            let rate = *random.pick(&[48_000, 48_000, 48_000, 44_100]);
            wav(&home.path(&format!("{name}.wav")), rate, channels, 480, &[round]);
        }
        let proposed = match propose(&home, "") {
            Ok(proposed) => proposed,
            // All of them had four channels.
            Err(why) => {
                assert!(why.contains("4 channels"), "{why}");
                continue;
            }
        };
        let seen = context(|context| run::look(context, &request(&home)).map(drop));
        assert!(seen.is_ok(), "{}\n{}", seen.unwrap_err(), proposed.text);
    }
}

#[test]
fn markers_rates_and_other_places_are_told() {
    let home = Home::empty();
    for (name, rate) in [("kick", 48_000), ("bass", 48_000), ("slow", 44_100)] {
        wav(&home.path(&format!("{name}.wav")), rate, 1, 48_000, &[1]);
    }
    let path: PathBuf = home.path("kick.wav");
    let mut bytes = std::fs::read(&path).unwrap();
    let mut chunk = |id: &[u8], body: &[u8]| {
        bytes.extend(id);
        bytes.extend((body.len() as u32).to_le_bytes());
        bytes.extend(body);
    };
    let cue = |name: u32, frame: u32| {
        [&name.to_le_bytes()[..], &[0; 4], b"data", &[0; 8], &frame.to_le_bytes()].concat()
    };
    chunk(b"cue ", &[&2_u32.to_le_bytes()[..], &cue(1, 0), &cue(2, 24_000)].concat());
    let label = |cue: u32, text: &[u8; 6]| {
        [b"labl", &10_u32.to_le_bytes()[..], &cue.to_le_bytes(), text].concat()
    };
    chunk(b"LIST", &[b"adtl", &label(1, b"verse\0")[..], &label(2, b"refr.\0")].concat());
    std::fs::write(&path, bytes).unwrap();
    let proposed = propose(&home, "").unwrap();
    for line in [
        "  #   slow.wav: at 44100 Hz, and the others at 48000 Hz: export it again, or convert it",
        "sections:  # by the markers in kick.wav",
        "  verse: { from: 0 s, to: 0.5 s }",
        "  refr:  { from: 0.5 s, to: 1 s }",
        "  # layout: stereo  # all tracks are mono, and so are mixes without this",
    ] {
        assert!(proposed.text.lines().any(|is| is == line), "{line}\n---\n{}", proposed.text);
    }
    build(&home);
}
