//! What makes a second be rendered, and what does not: one test per ingredient of a
//! key (law 3), one per thing that is none (law 4). What was rendered is asserted to
//! the second, and the outputs are those of a clean build each time.

mod support;

use std::time::{Duration, SystemTime};

use petgraph::graph::DiGraph;
use rebounce::audio::layout::Layout;
use rebounce::audio::wav::Encoding;
use rebounce::fsio::Disk;
use rebounce::key::Key;
use rebounce::key::segment::{Digests, Keys};
use rebounce::manifest::delivery::{InputId, MixId};
use rebounce::plan::clock::{Clock, ClockId};
use rebounce::plan::needs::Needs;
use rebounce::plan::op::Op;
use rebounce::plan::{Node, NodeId, NullReference, Plan, PlannedNull, Print, PrintId};
use rebounce::units::SampleRate;
use support::random::Random;
use support::sound::{Sound, Word};
use support::{Fault, Project, RATE, RenderedSegments, SECOND, rendered};

const MANIFEST: &str = "
version: 1
project: { title: Keys }
session: { audio: session, layout: stereo }
tracks:
  a: { file: a.wav }
  b: { file: b.wav, gain: -1 }
  c: { file: c.wav }
stems:
  x: { from: [a, b] }
  y: { from: [c] }
mixes:
  m: { from: [x, y] }
deliverables:
  one: { spec: house.yaml, stems: [x, y], mixes: [m] }
";
const SPEC: &str = "{ extends: production-stems, encoding: pcm24, template: \"{name}\" }\n";

/// All seconds: the programme is three and a half seconds long.
const ALL: [usize; 4] = [0, 1, 2, 3];

fn noise(seed: u64, width: usize, frames: usize) -> Sound {
    let channels = vec![vec![0.0; frames]; width];
    let mut sound = Sound { word: Word::I24, channels };
    sound.scribble(&mut Random::new(seed), 0, frames);
    sound
}

/// Stereo, as long as the programme, never silent.
fn a() -> Sound {
    noise(1, 2, 7 * SECOND / 2)
}

/// Mono, two and three quarter seconds, silent in the first of them.
fn b() -> Sound {
    let mut sound = noise(2, 1, 11 * SECOND / 4);
    sound.channels[0][..SECOND].fill(0.0);
    sound
}

/// Mono, as long as the programme, never silent.
fn c() -> Sound {
    noise(3, 1, 7 * SECOND / 2)
}

fn project_with(spec: &str) -> Project {
    let project = Project::with(MANIFEST, &[("a.wav", &a()), ("b.wav", &b()), ("c.wav", &c())]);
    project.write("house.yaml", spec);
    let cold = rendered(&project.build());
    assert_eq!(cold, files(&[("x", &ALL), ("y", &ALL), ("m", &ALL)]), "everything at first");
    project
}

fn files(expected: &[(&str, &[usize])]) -> RenderedSegments {
    let path = |name: &str| format!("one/{name}.wav");
    expected.iter().map(|(name, seconds)| (path(name), seconds.to_vec())).collect()
}

/// Asserts which seconds of which files an edit makes be rendered.
#[track_caller]
fn after_edit(spec: &str, edit: impl FnOnce(&Project), expected: &[(&str, &[usize])]) {
    let project = project_with(spec);
    edit(&project);
    let explained = rendered(&project.explain());
    assert_eq!(explained, files(expected), "as explained");
    assert_eq!(rendered(&project.build()), files(expected), "as built");
    project.assert_clean("after the edit");
    assert_eq!(rendered(&project.build()), files(&[]), "the second time");
}

#[track_caller]
fn after(edit: impl FnOnce(&Project), expected: &[(&str, &[usize])]) {
    after_edit(SPEC, edit, expected);
}

/// Asserts what a change of the manifest makes be rendered.
#[track_caller]
fn setting(was: &str, now: &str, expected: &[(&str, &[usize])]) {
    assert_eq!(MANIFEST.matches(was).count(), 1, "{was}");
    after(|project| project.manifest(&MANIFEST.replace(was, now)), expected);
}

// What is an ingredient.

#[test]
fn one_sample() {
    let mut sound = a();
    sound.channels[1][2 * SECOND] += 1.0 / 8_388_608.0;
    after(|project| project.audio("a.wav", &sound.wav()), &[("x", &[2]), ("m", &[2])]);
}

#[test]
fn the_gain_of_a_track_where_it_sounds() {
    setting("gain: -1", "gain: -1.5", &[("x", &[1, 2]), ("m", &[1, 2])]);
}

#[test]
fn the_polarity_of_a_track() {
    setting("gain: -1", "gain: -1, polarity: invert", &[("x", &[1, 2]), ("m", &[1, 2])]);
}

#[test]
fn the_pan_of_a_track() {
    setting("gain: -1", "gain: -1, pan: 30", &[("x", &[1, 2]), ("m", &[1, 2])]);
}

#[test]
fn the_place_of_a_track_in_whole_seconds() {
    setting("gain: -1", "gain: -1, at: 0.5", &[("x", &[1, 2, 3]), ("m", &[1, 2, 3])]);
}

#[test]
fn the_place_of_a_track_by_one_frame() {
    let before = MANIFEST.replace("gain: -1", "gain: -1, at: 0.25");
    let after = MANIFEST.replace("gain: -1", "gain: -1, at: 0.250125");
    let project = project_with(SPEC);
    project.manifest(&before);
    project.build();
    project.manifest(&after);
    let expected = files(&[("x", &[1, 2, 3]), ("m", &[1, 2, 3])]);
    assert_eq!(rendered(&project.build()), expected);
    project.assert_clean("one frame later");
}

#[test]
fn the_members_of_a_sum() {
    setting("y: { from: [c] }", "y: { from: [c, b] }", &[("y", &[1, 2]), ("m", &[1, 2])]);
}

#[test]
fn the_order_of_a_sum_where_both_sound() {
    setting("from: [a, b]", "from: [b, a]", &[("x", &[1, 2]), ("m", &[1, 2])]);
}

#[test]
fn the_gain_of_a_stem() {
    setting("from: [c]", "from: [c], gain: -3", &[("y", &ALL), ("m", &ALL)]);
}

#[test]
fn the_gain_of_a_mix() {
    setting("from: [x, y]", "from: [x, y], gain: -3", &[("m", &ALL)]);
}

#[test]
fn what_a_mix_goes_without_which_its_stems_may_hold_already() {
    // What is left is the stem y, and its bytes are there.
    setting("from: [x, y]", "from: [x, y], without: [x]", &[]);
}

#[test]
fn the_layout_of_a_stem() {
    setting("y: { from: [c] }", "y: { from: [c], layout: mono }", &[("y", &ALL)]);
}

#[test]
fn the_encoding() {
    for encoding in ["float32", "pcm16"] {
        let spec = SPEC.replace("pcm24", encoding);
        let all: [(&str, &[usize]); 3] = [("x", &ALL), ("y", &ALL), ("m", &ALL)];
        after(|project| project.write("house.yaml", spec), &all);
    }
}

#[test]
fn the_name_of_a_dithered_file() {
    let renamed = MANIFEST.replace("one:", "two:");
    let project = project_with(&SPEC.replace("pcm24", "pcm16"));
    project.manifest(&renamed);
    let all = ["two/m.wav", "two/x.wav", "two/y.wav"].map(|path| (path.to_owned(), ALL.to_vec()));
    assert_eq!(rendered(&project.build()), all.into());
    project.assert_clean("under another name");
}

#[test]
fn the_length_of_the_last_second() {
    let mut sound = c();
    sound.resize(15 * SECOND / 4);
    let last: &[usize] = &[3];
    let expected = [("x", last), ("y", last), ("m", last)];
    after(|project| project.audio("c.wav", &sound.wav()), &expected);
}

#[test]
fn a_track_that_is_new_where_it_sounds() {
    let mut sound = noise(4, 2, 3 * SECOND);
    sound.channels.iter_mut().for_each(|channel| channel[SECOND..].fill(0.0));
    let manifest = MANIFEST.replace("  c: {", "  d: d.wav\n  c: {").replace("[c]", "[c, d]");
    let edit = |project: &Project| {
        project.audio("d.wav", &sound.wav());
        project.manifest(&manifest);
    };
    after(edit, &[("y", &[0]), ("m", &[0])]);
}

#[test]
fn the_width_of_a_track_that_nobody_hears() {
    // Where no layout is given, the widest track settles it for all.
    let manifest = MANIFEST.replace(", layout: stereo", "").replace("[a, b]", "[b]");
    let project = Project::new();
    project.manifest(&manifest);
    project.write("house.yaml", SPEC);
    let mono = noise(5, 1, SECOND);
    let sounds = [("a.wav", &mono), ("b.wav", &b()), ("c.wav", &c())];
    sounds.iter().for_each(|(name, sound)| project.audio(name, &sound.wav()));
    std::thread::sleep(Duration::from_millis(2_100));
    project.build();
    project.audio("a.wav", &noise(5, 2, SECOND).wav());
    let all: [(&str, &[usize]); 3] = [("x", &ALL), ("y", &ALL), ("m", &ALL)];
    assert_eq!(rendered(&project.build()), files(&all));
    project.assert_clean("in stereo");
}

// What is none.

#[test]
fn not_the_time_of_a_file() {
    let touch = |project: &Project| {
        let file = std::fs::File::options().append(true).open(project.path("session/a.wav"));
        file.unwrap().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
    };
    after(touch, &[]);
}

#[test]
fn not_the_date_in_bext() {
    let project = project_with(SPEC);
    for date in ["2024-01-01", "2026-11-22"] {
        project.audio("a.wav", &a().wav_with_bext(date));
        assert_eq!(rendered(&project.build()), files(&[]), "{date}");
        project.assert_clean(date);
    }
}

#[test]
fn not_the_container() {
    let containers = [
        ("other.flac", a().flac()),
        ("other.aiff", a().aiff()),
        ("other.wav", a().rf64()),
        ("other.wav", a().wav_extensible()),
    ];
    for (name, bytes) in containers {
        let edit = |project: &Project| {
            project.audio(name, &bytes);
            project.manifest(&MANIFEST.replace("a.wav", name));
        };
        after(edit, &[]);
    }
}

#[test]
fn not_the_name_of_a_file() {
    let edit = |project: &Project| {
        std::fs::rename(project.path("session/a.wav"), project.path("session/z.wav")).unwrap();
        project.manifest(&MANIFEST.replace("a.wav", "z.wav"));
    };
    after(edit, &[]);
}

#[test]
fn not_a_comment() {
    setting("mixes:\n", "# by the client's wish\nmixes:\n", &[]);
}

#[test]
fn not_the_order_of_keys() {
    setting("file: b.wav, gain: -1", "gain: -1, file: b.wav", &[]);
    // Nor that of the tracks.
    let (track, tracks) = ("  c: { file: c.wav }\n", "tracks:\n");
    let manifest = MANIFEST.replace(track, "").replace(tracks, &[tracks, track].concat());
    after(|project| project.manifest(&manifest), &[]);
}

#[test]
fn not_what_only_the_documents_say() {
    setting("title: Keys", "title: Keys, contact: mixes@example.com", &[]);
    setting("from: [c]", "from: [c], notes: printed", &[]);
    setting("session,", "session, tempo: 96,", &[]);
}

#[test]
fn not_the_header() {
    let start = "session, frame_rate: 25, start: \"01:00:00:00\",";
    setting("session,", start, &[]);
}

#[test]
fn not_a_limit_or_a_note_of_the_spec() {
    let spec = SPEC.replace(" }", ", notes: [careful], limits: { dc: { max: -90 } } }");
    after(|project| project.write("house.yaml", spec), &[]);
}

#[test]
fn not_a_reference() {
    let edit = |project: &Project| {
        project.audio("print.wav", &a().wav());
        project.manifest(&MANIFEST.replace("from: [x, y]", "from: [x, y], reference: print.wav"));
    };
    after(edit, &[]);
}

#[test]
fn not_silence_behind_a_file() {
    let mut sound = b();
    sound.resize(10 * SECOND / 3);
    after(|project| project.audio("b.wav", &sound.wav()), &[]);
}

#[test]
fn not_a_track_that_is_silent() {
    let edit = |project: &Project| {
        project.audio("d.wav", &Sound { word: Word::I16, channels: vec![vec![0.0; SECOND]] }.wav());
        let manifest = MANIFEST.replace("  c: {", "  d: d.wav\n  c: {");
        project.manifest(&manifest.replace("[c]", "[d, c]"));
    };
    after(edit, &[]);
}

#[test]
fn not_the_name_of_a_deliverable() {
    setting("one:", "two:", &[]);
}

#[test]
fn not_a_second_deliverable_of_the_same() {
    let line = "  one: { spec: house.yaml, stems: [x, y], mixes: [m] }\n";
    setting(line, &format!("{line}  two: {{ spec: house.yaml, mixes: [m] }}\n"), &[]);
}

#[test]
fn not_what_was_put_back() {
    let project = project_with(SPEC);
    let first = project.outputs();
    let mut other = a();
    other.scribble(&mut Random::new(9), SECOND, 2 * SECOND);
    project.audio("a.wav", &other.wav());
    assert_eq!(rendered(&project.build()), files(&[("x", &[1]), ("m", &[1])]));
    project.audio("a.wav", &a().wav());
    // The delivered files are the cache: what they held before is rendered again.
    assert_eq!(rendered(&project.build()), files(&[("x", &[1]), ("m", &[1])]));
    support::assert_same(&project.outputs(), &first, "the old audio gives the old bytes");
}

#[test]
fn what_is_remembered_of_a_file_is_believed_until_its_stamp_differs_in_anything() {
    let project = project_with(SPEC);
    let read_again = || {
        let staged = Fault::staging();
        project.try_build(Disk::gated(staged.clone())).0.unwrap();
        staged.changes() > 0
    };
    // A stamp as young as this one is not believed; then it is.
    assert!(read_again());
    std::thread::sleep(Duration::from_millis(2_100));
    assert!(read_again());
    assert!(!read_again());
    // Other samples, the same length, the old date.
    let path = project.path("session/a.wav");
    let date = std::fs::metadata(&path).unwrap().modified().unwrap();
    let mut other = a();
    other.channels[0][0] += 1.0 / 8_388_608.0;
    project.audio("a.wav", &other.wav());
    std::fs::File::options().append(true).open(&path).unwrap().set_modified(date).unwrap();
    assert_eq!(rendered(&project.build()), files(&[("x", &[0]), ("m", &[0])]));
    project.assert_clean("behind its old date");
}

#[test]
fn what_the_documents_are_made_from_counts_where_no_audio_is_read() {
    let project = project_with(SPEC);
    std::thread::sleep(Duration::from_millis(2_100));
    project.build();
    let contact = MANIFEST.replace("title: Keys", "title: Keys, contact: mixes@example.com");
    let start = "session, frame_rate: 25, start: \"01:00:00:00\",";
    let later = contact.replace("session,", start);
    for (manifest, spec) in [
        (MANIFEST, SPEC.to_owned()),
        (&contact, SPEC.to_owned()),
        (&contact, SPEC.replace(" }", ", notes: [careful] }")),
        (&contact, SPEC.replace(" }", ", limits: { dc: { max: -90 } } }")),
        (&later, SPEC.to_owned()),
        (MANIFEST, SPEC.to_owned()),
    ] {
        project.manifest(manifest);
        project.write("house.yaml", spec);
        assert_eq!(rendered(&project.build()), files(&[]));
        project.assert_clean(manifest);
    }
}

// Pinned.

struct Numbered;

impl Digests for Numbered {
    fn digest(&self, input: InputId, segment: usize) -> Key {
        Key([1 + 16 * input.0 as u8 + segment as u8; 32])
    }
}

/// A source half a second late, a gain on it, and the sum of both.
fn tiny_plan() -> Plan {
    let mut graph = DiGraph::default();
    let mut node = |op: Op, inputs: &[NodeId]| {
        let (clock, label) = (ClockId::PROGRAMME, String::new());
        let id = graph.add_node(Node { op, width: 1, clock, grid_bits: None, label });
        for (port, input) in inputs.iter().enumerate() {
            graph.add_edge(*input, id, port as u32);
        }
        id
    };
    let source = node(Op::Source { input: InputId(0), at_frame: 4_000 }, &[]);
    let gain = node(Op::Matrix { rows: vec![vec![0.5]], words: "half".into() }, &[source]);
    let sum = node(Op::Sum, &[source, gain]);
    let print = |node, encoding, dither: Option<&str>| Print {
        node,
        encoding,
        layout: Layout::Mono,
        dither: dither.map(str::to_owned),
    };
    Plan {
        clocks: vec![Clock::in_step(SampleRate::new(RATE).unwrap(), 12_000)],
        graph,
        prints: vec![
            print(gain, Encoding::Pcm24, None),
            print(sum, Encoding::Pcm16, Some("one/sum.wav")),
        ],
        files: Vec::new(),
        gains: Vec::new(),
        nulls: vec![PlannedNull {
            deliverable: 0,
            mix: MixId(0),
            of: "sum".into(),
            reference: NullReference::Input { input: InputId(0), node: source },
            parts: vec![PrintId(0), PrintId(1)],
            part_names: Vec::new(),
            skip: Vec::new(),
        }],
        unproven: Vec::new(),
    }
}

/// A change of these literals makes every delivered second of every user stale. If
/// the samples change too, raise `RENDER_VERSION` (or `METER_VERSION` for the last
/// two) instead; if they do not, keep the keys as they are.
#[test]
fn the_keys_are_pinned() {
    let plan = tiny_plan();
    let mut keys = Keys::new(&plan);
    let slots = plan.slots(0..2);
    keys.advance(&Numbered, &slots, &Needs::of_slots(&plan, &slots));
    let nodes = (0..3).map(|id| keys.node(NodeId::new(id), 1));
    let prints = (0..2).map(|id| keys.print(PrintId(id), 1));
    let proofs =
        [keys.facts(PrintId(0), 0), keys.facts(PrintId(1), 1), keys.null(&plan.nulls[0], 1)];
    let found: Vec<String> =
        nodes.chain(prints).chain(proofs).map(|key| key.hex()[..16].to_owned()).collect();
    assert_eq!(
        found,
        [
            "9268fa693f2c6140",
            "e0a64f73a0ee9944",
            "91f91dd72c25db21",
            "d89815f6e3678e15",
            "33776c676454a708",
            "fd976f744cac1622",
            "fd809429655fec99",
            "a7a57d848dd1d0dd",
        ]
    );
}
