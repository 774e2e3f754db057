//! Manifests as users write them, and what they mean; and manifests that nobody
//! should write, which must end in a message.

use std::fs;
use std::path::{Path, PathBuf};

use rebounce::audio::layout::{Channel, Layout};
use rebounce::audio::{AudioError, AudioInfo, Pcm};
use rebounce::diag::Diagnostics;
use rebounce::fsio::Disk;
use rebounce::manifest;
use rebounce::manifest::delivery::{Content, Delivery, Part};

const SONG: &str = r#"
version: 1
project: { title: 1.10, artist: The Example, contact: mixes@example.com }
session:
  audio: session
  tempo: 96
  meter: 4/4
  tail: 3 s
tracks:
  kick: kick.wav
  room: { file: room.wav, gain: -1.5, polarity: invert }
  bass_di: bass.wav
  piano: piano.wav
  lead: { file: lead.wav, at: 12.0, pan: -20 }
  bgv: bgv.wav
stems:
  drums:  { from: [kick, room], notes: "bus compressor 2:1, printed" }
  bass:   [bass_di]
  keys:   [piano]
  lead_vocal: { from: [lead], gain: -0.5 dB }
  vocals: [lead_vocal, bgv]
mixes:
  full:         { from: [drums, bass, keys, vocals], reference: print/mix_v7.wav }
  instrumental: { from: full, without: [vocals] }
  tv:           { from: full, without: [lead_vocal] }
  a-cappella:   [vocals]
deliverables:
  for-mastering: { spec: stem-mastering, stems: [drums, bass, keys, vocals], mixes: [full] }
  sync:          { spec: sync-licensing, stems: all, mixes: [full, instrumental, tv, a-cappella] }
"#;

const FILM: &str = r#"
version: 1
project: { title: Short Film, production: Example Pictures, contact: post@example.com }
session:
  audio: prints/r1
  frame_rate: 23.976
  start: "00:59:50:00"
  first_frame: "01:00:00:00"
  last_frame: "01:21:04:11"
  layout: "5.1"
tracks:
  dx: { files: { C: DX.C.wav, L: DX.L.wav } }
  mx: { file: MX.wav, at: "00:59:51:00" }
  fx: FX.wav
stems:
  D: { from: [dx], role: dialogue }
  M: { from: [mx], role: music }
  E: { from: [fx], role: effects }
mixes:
  print-master: { from: [D, M, E], reference: PM.wav }
  me:           { from: [M, E], role: m-and-e }
  me-stereo:    { from: me, layout: stereo, downmix: { kind: lo-ro, surround: -6 } }
deliverables:
  dme:     { spec: dme, stems: [D, M, E] }
  m-and-e: { spec: m-and-e, mixes: [me, me-stereo] }
"#;

struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// A folder with a manifest and files that say `rate channels frames`.
    fn new(manifest: &str, files: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        for (name, content) in files {
            project.write(name, content);
        }
        project.write("deliverables.yaml", manifest);
        project
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("deliverables.yaml")
    }

    fn resolve(&self) -> (Option<Delivery>, Diagnostics) {
        match manifest::load(&Disk::new(), &self.path()) {
            Ok(loaded) => manifest::resolve(loaded, &Disk::new(), &mut probe, false),
            Err(diagnostics) => (None, diagnostics),
        }
    }

    fn delivery(&self) -> Delivery {
        let (delivery, diagnostics) = self.resolve();
        let text = diagnostics.render(false);
        assert_eq!(text, "");
        delivery.expect("a delivery")
    }
}

fn probe(path: &Path) -> Result<AudioInfo, AudioError> {
    let text = fs::read_to_string(path)?;
    let numbers: Vec<u32> = text.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let &[sample_rate, channels, frames] = numbers.as_slice() else {
        return Err(AudioError::Malformed("no RIFF header".into()));
    };
    Ok(AudioInfo {
        container: "WAV".into(),
        sample_rate,
        channels: channels as u16,
        frames: u64::from(frames),
        pcm: Pcm::I24,
        bits: 24,
        float: false,
        channel_mask: None,
        time_reference: None,
    })
}

fn song() -> Project {
    Project::new(
        SONG,
        &[
            ("session/kick.wav", "48000 1 480000"),
            ("session/room.wav", "48000 2 480000"),
            ("session/bass.wav", "48000 1 480000"),
            ("session/piano.wav", "48000 2 520001"),
            ("session/lead.wav", "48000 1 96000"),
            ("session/bgv.wav", "48000 2 480000"),
            ("print/mix_v7.wav", "48000 2 816000"),
        ],
    )
}

fn film() -> Project {
    Project::new(
        FILM,
        &[
            ("prints/r1/DX.C.wav", "48000 1 62400000"),
            ("prints/r1/DX.L.wav", "48000 1 62400000"),
            ("prints/r1/MX.wav", "48000 2 62400000"),
            ("prints/r1/FX.wav", "48000 6 62400000"),
            ("prints/r1/PM.wav", "48000 6 62400000"),
        ],
    )
}

/// `drums = kick + room`.
fn sum(delivery: &Delivery, name: &str, from: &[Part]) -> String {
    let names = from.iter().map(|part| match part {
        Part::Track(id) => delivery.track(*id).name.as_str(),
        Part::Stem(id) => delivery.stem(*id).name.as_str(),
        Part::Mix(id) => delivery.mix(*id).name.as_str(),
    });
    format!("{name} = {}", names.collect::<Vec<_>>().join(" + "))
}

#[test]
fn the_song_means_what_it_says() {
    let project = song();
    let delivery = project.delivery();
    assert_eq!(delivery.project.title, "1.10");
    let programme = &delivery.programme;
    assert_eq!(programme.sample_rate.hz(), 48_000);
    // The lead is the last to end: 12 s + 2 s; the tail adds 3 s.
    assert_eq!(programme.frames, 17 * 48_000);
    assert_eq!(programme.layout, Layout::Stereo);
    assert_eq!(programme.tempo.as_ref().map(|tempo| tempo.first().to_string()), Some("96".into()));
    assert_eq!(programme.meter.as_ref().map(ToString::to_string), Some("4/4".into()));
    assert_eq!(programme.time_reference(), 0);

    let room = &delivery.tracks[1];
    assert_eq!((room.gain.db(), room.invert, room.pan), (-1.5, true, None));
    let lead = &delivery.tracks[4];
    assert_eq!((lead.layout, lead.at_frame, lead.pan), (Layout::Mono, 576_000, Some(-20.0)));
    let stems: Vec<String> =
        delivery.stems.iter().map(|s| sum(&delivery, &s.name, &s.from)).collect();
    assert_eq!(
        stems,
        [
            "drums = kick + room",
            "bass = bass_di",
            "keys = piano",
            "lead_vocal = lead",
            "vocals = lead_vocal + bgv"
        ]
    );
    let mixes: Vec<String> =
        delivery.mixes.iter().map(|m| sum(&delivery, &m.name, &m.from)).collect();
    assert_eq!(
        mixes,
        [
            "full = drums + bass + keys + vocals",
            "instrumental = full",
            "tv = full",
            "a-cappella = vocals"
        ]
    );
    assert_eq!(delivery.stem(delivery.mixes[2].without[0]).name, "lead_vocal");
    let reference =
        delivery.input(delivery.mixes[0].reference.as_ref().expect("a reference").input);
    assert_eq!(reference.shown, "print/mix_v7.wav");
    assert_eq!(reference.span.place(), format!("{}:23", project.path().display()));

    let sync = &delivery.deliverables[1];
    let files: Vec<&str> = sync.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        files,
        [
            // `all` leaves out lead_vocal, which vocals contains.
            "1.10_drums.wav",
            "1.10_bass.wav",
            "1.10_keys.wav",
            "1.10_vocals.wav",
            "1.10_full.wav",
            "1.10_instrumental.wav",
            "1.10_tv.wav",
            "1.10_a-cappella.wav"
        ]
    );
    assert!(delivery.output_root.ends_with("deliveries"));
}

#[test]
fn the_film_means_what_it_says() {
    let delivery = film().delivery();
    let programme = &delivery.programme;
    assert_eq!(programme.layout, Layout::Surround51);
    // 59:50 of timecode at 23.976 last 0.1 % longer.
    assert_eq!(programme.time_reference(), 172_972_800 - 480_480);
    assert_eq!(programme.first_frame.map(|tc| tc.frames()), Some(86_400));

    let dx = &delivery.tracks[0];
    let channels: Vec<Channel> = dx.files.iter().flat_map(|file| file.channels.clone()).collect();
    assert_eq!((channels, dx.layout), (vec![Channel::C, Channel::L], Layout::Lcr));
    // One second of timecode after `start`, by the clock of 23.976.
    assert_eq!((delivery.tracks[1].layout, delivery.tracks[1].at_frame), (Layout::Stereo, 48_048));

    let fold = &delivery.mixes[2];
    let downmix = fold.downmix.as_ref().expect("a fold-down");
    assert_eq!((downmix.from, downmix.to), (Layout::Surround51, Layout::Stereo));
    assert_eq!(downmix.formulas()[0], "Lo = L + 0.7071 C + 0.5000 Ls");
    assert_eq!(fold.layout, Layout::Stereo);
    let files: Vec<(&str, Layout)> =
        delivery.deliverables[1].files.iter().map(|f| (f.path.as_str(), f.layout)).collect();
    assert_eq!(
        files,
        [
            ("Short_Film_ME_5.1.wav", Layout::Surround51),
            ("Short_Film_ME_stereo.wav", Layout::Stereo)
        ]
    );
    assert!(matches!(delivery.deliverables[0].files[0].content, Content::Stem(_)));
}

/// The song with other lines for tempo, meter and tail, and the place of the lead.
fn timed(session: &str, at: &str) -> Project {
    let manifest = SONG
        .replace("  tempo: 96\n  meter: 4/4\n  tail: 3 s\n", session)
        .replace("at: 12.0", &format!("at: {at}"));
    let project = song();
    project.write("deliverables.yaml", &manifest);
    project
}

#[test]
fn bars_stand_where_tempo_and_meter_put_them() {
    let frame = |session: &str, at: &str| timed(session, at).delivery().tracks[4].at_frame;
    let steady = "  tempo: 96\n  meter: 4/4\n";
    assert_eq!(frame(steady, "bar 25"), 60 * 48_000);
    assert_eq!(frame(steady, "bar 1 beat 3.5"), 75_000);
    // Six eighths last as long as three quarters.
    assert_eq!(frame("  tempo: 96\n  meter: 6/8\n", "bar 2 beat 2"), 90_000 + 15_000);
    let later = "  tempo: 96\n  meter: 4/4\n  first_bar: 2 s\n";
    assert_eq!((frame(later, "bar 25"), frame(later, "bar 1")), (62 * 48_000, 96_000));
    // Before bar 1, yet in the programme.
    assert_eq!(frame(later, "bar 0 beat 2"), 6_000);
    let excerpt = "  tempo: 96\n  meter: 4/4\n  first_bar: bar 9\n";
    assert_eq!((frame(excerpt, "bar 9"), frame(excerpt, "bar 25")), (0, 40 * 48_000));
    let changing = "  meter: [4/4, { at: bar 3, meter: 3/4 }]\n  tempo:\n    - 120\n    \
                    - { at: bar 2, bpm: 60 }\n    - { from: bar 3, to: bar 5, bpm: 120 }\n";
    assert_eq!(frame(changing, "bar 2"), 96_000);
    assert_eq!(frame(changing, "bar 3"), 288_000);
    // Six quarters from 60 to 120: 60 · 6 / 60 · ln 2 seconds.
    let over = 288_000.0 + 6.0 * std::f64::consts::LN_2 * 48_000.0;
    assert_eq!(frame(changing, "bar 5"), over.round() as u64);
}

#[test]
fn a_programme_ends_where_it_says() {
    let frames = |session: &str| timed(session, "0").resolve().0.unwrap().programme.frames;
    assert_eq!(frames("  length: 0:11.5\n"), 552_000);
    assert_eq!(frames("  length: 552001 samples\n"), 552_001);
    assert_eq!(frames("  tempo: 96\n  meter: 4/4\n  end: bar 9\n"), 960_000);
    let picture = "  frame_rate: 25\n  start: \"01:00:00:00\"\n";
    assert_eq!(frames(&format!("{picture}  end: \"01:00:12:12\"\n")), 12 * 48_000 + 12 * 1_920);
    assert_eq!(frames(&format!("{picture}  length: \"00:00:12:12\"\n")), 12 * 48_000 + 12 * 1_920);
    // Without it, as long as the longest track and no sample shorter.
    assert_eq!(frames(""), 520_001);
}

#[test]
fn sections_are_ranges_of_frames() {
    let project = timed("  tempo: 96\n  meter: 4/4\n", "0");
    let text = fs::read_to_string(project.path()).unwrap();
    let sections = "sections:\n  verse: { from: bar 1, to: bar 3 }\n  \
                    tag: { from: bar 2 beat 2, to: 520001 samples }\n";
    project.write("deliverables.yaml", &format!("{text}{sections}"));
    let sections = project.delivery().sections;
    let ranges: Vec<(&str, u64, u64)> =
        sections.iter().map(|s| (s.name.as_str(), s.from_frame, s.to_frame)).collect();
    assert_eq!(ranges, [("verse", 0, 240_000), ("tag", 150_000, 520_001)]);
}

#[test]
fn anchors_and_merges_work_in_manifests() {
    let manifest = SONG
        .replace("  kick: kick.wav", "  kick: &quiet { file: kick.wav, gain: -6 }")
        .replace("  bgv: bgv.wav", "  bgv: { <<: *quiet, file: bgv.wav }");
    let project = song();
    project.write("deliverables.yaml", &manifest);
    let delivery = project.delivery();
    assert_eq!(delivery.tracks[5].gain.db(), -6.0);
    assert_eq!(delivery.input(delivery.tracks[5].files[0].input).shown, "bgv.wav");
}

#[test]
fn one_file_under_two_names_is_one_input() {
    let manifest = SONG.replace("bgv: bgv.wav", "bgv: ./../session/piano.wav");
    let project = song();
    project.write("deliverables.yaml", &manifest);
    let (delivery, diagnostics) = project.resolve();
    let titles: Vec<&str> = diagnostics.iter().map(|d| d.title()).collect();
    assert_eq!(titles, ["`piano` and `bgv` are one file, heard twice in mix `full`"]);
    let delivery = delivery.unwrap();
    assert_eq!(delivery.tracks[3].files[0].input, delivery.tracks[5].files[0].input);
}

#[cfg(unix)]
#[test]
fn a_deliverable_that_is_a_link_to_elsewhere_is_refused() {
    let project = song();
    project.write("elsewhere/keep.txt", "");
    fs::create_dir(project.folder.path().join("deliveries")).unwrap();
    std::os::unix::fs::symlink(
        project.folder.path().join("elsewhere"),
        project.folder.path().join("deliveries/sync"),
    )
    .unwrap();
    let (delivery, diagnostics) = project.resolve();
    assert!(delivery.is_none());
    let titles: Vec<&str> = diagnostics.iter().map(|d| d.title()).collect();
    assert_eq!(titles, ["deliverable `sync` would leave the output folder"]);
}

#[test]
fn a_chain_of_twenty_thousand_stems_is_followed_without_recursion() {
    let mut manifest = String::from(
        "version: 1\nproject: { title: T }\ntracks: { a: a.wav }\nstems:\n  s0: [a]\n",
    );
    for n in 1..20_000 {
        manifest.push_str(&format!("  s{n}: [s{}]\n", n - 1));
    }
    manifest.push_str("mixes: { m: s19999 }\ndeliverables: { out: { spec: remix, mixes: all } }\n");
    let project = Project::new(&manifest, &[("a.wav", "48000 1 48000")]);
    let (delivery, diagnostics) = project.resolve();
    let titles: Vec<&str> = diagnostics.iter().map(|d| d.title()).collect();
    assert_eq!(titles, ["`s64` is a sum of sums of sums, more than 64 deep"]);
    assert!(delivery.is_none());
    project.write("deliverables.yaml", &manifest.replace("s0: [a]", "s0: [a, s19999]"));
    assert!(project.resolve().1.has_errors());
}

#[test]
fn a_stem_that_is_heard_along_countless_ways_is_walked_once() {
    let mut manifest = String::from(
        "version: 1\nproject: { title: T }\ntracks: { a: a.wav }\nstems:\n  s0: [a]\n  s1: [s0]\n",
    );
    for n in 2..60 {
        manifest.push_str(&format!("  s{n}: [s{}, s{}]\n", n - 1, n - 2));
    }
    manifest.push_str("mixes: { m: s59, n: { from: s59, without: [s3] } }\n");
    manifest.push_str("deliverables: { out: { spec: stem-mastering, stems: [s5], mixes: all } }\n");
    let project = Project::new(&manifest, &[("a.wav", "48000 1 48000")]);
    // Followed one by one these ways would take centuries.
    let plan = rebounce::plan::build::plan(&project.resolve().0.unwrap());
    assert_eq!(plan.unproven.len(), 2);
    assert!(plan.graph.node_count() < 200);
}

/// `count` tracks in `count` stems.
fn large(count: usize, gain: &str) -> String {
    let mut text = String::from("version: 1\nproject: { title: T }\ntracks:\n");
    for n in 0..count {
        text.push_str(&format!("  track_number_{n}: {{ file: a.wav, at: {n}.5, gain: {gain} }}\n"));
    }
    text.push_str("stems:\n");
    for n in 0..count {
        text.push_str(&format!("  s{n}: [track_number_{n}]\n"));
    }
    text.push_str("mixes: { m: [s1, s2] }\ndeliverables: { out: { spec: remix, mixes: all } }\n");
    text
}

#[test]
fn a_manifest_of_ten_megabytes_is_resolved() {
    let text = large(125_000, "-1.50 dB");
    assert!(text.len() > 10 << 20);
    let project = Project::new(&text, &[("a.wav", "48000 1 48000")]);
    assert_eq!(project.delivery().tracks.len(), 125_000);
}

#[test]
fn of_thousands_of_mistakes_the_first_are_shown_and_all_are_counted() {
    let project = Project::new(&large(2_000, "loud"), &[("a.wav", "48000 1 48000")]);
    let (delivery, diagnostics) = project.resolve();
    assert!(delivery.is_none());
    assert!(diagnostics.render(false).ends_with("and 1900 more\n2000 errors\n"));
}

#[test]
fn no_text_makes_it_panic() {
    // Every truncation, and every line without one of its characters.
    for (project, text) in [(song(), SONG), (film(), FILM)] {
        for (at, _) in text.char_indices().step_by(3) {
            project.write("deliverables.yaml", &text[..at]);
            project.resolve().1.render(false);
        }
        for (at, character) in text.char_indices().filter(|(_, c)| "{}[]:,&\"\n -".contains(*c)) {
            let mut broken = text.to_owned();
            broken.replace_range(at..at + character.len_utf8(), "");
            project.write("deliverables.yaml", &broken);
            project.resolve().1.render(false);
            broken.insert_str(at, "~: é");
            project.write("deliverables.yaml", &broken);
            project.resolve().1.render(true);
        }
    }
}

#[test]
fn a_mark_in_front_and_carriage_returns_do_no_harm() {
    let project = song();
    project.write("deliverables.yaml", &format!("\u{feff}{}", SONG.replace('\n', "\r\n")));
    project.delivery();
}
