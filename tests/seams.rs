//! The seam test: whatever runs a programme is rendered in, every operator gives the
//! same bits, and the same as a filter that was never interrupted as far as the last
//! bit that is delivered.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rebounce::dsp::compressor::Settings;
use rebounce::dsp::process::Process;
use rebounce::fsio::Disk;
use rebounce::key::Key;
use rebounce::key::segment::{Digests, Keys};
use rebounce::manifest::delivery::InputId;
use rebounce::plan::NodeId;
use rebounce::plan::clock::Slot;
use rebounce::plan::needs::Needs;
use rebounce::progress::Silent;
use rebounce::render::eval::Evaluator;
use rebounce::render::streams::{InputFile, Streams};
use rebounce::run::{Context, Request, look};
use rebounce::units::SampleRate;

const RATE: u32 = 8_000;
const SECONDS: usize = 40;

/// Noise with pauses, so that every detector is seen at rest and at work.
fn programme() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: RATE,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    let mut state = 1_u32;
    for frame in 0..SECONDS * RATE as usize {
        let loud = frame / 3_000 % 4;
        for _ in 0..2 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            writer.write_sample((state as i32 >> 8) / 4 * loud as i32 / 2).unwrap();
        }
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

/// Every operator there is, in one chain.
const MANIFEST: &str = "
version: 1
project: { title: Seams }
tracks: { a: { file: a.wav, at: 0.3 } }
stems:
  k: { from: [a], process: [{ highpass: 100 }] }
  s:
    from: [a]
    process:
      - { highpass: { hz: 30, slope: 24 } }
      - { bell: { hz: 60, gain: 9, q: 8 } }
      - { delay: 1300 samples }
      - { envelope: [{ at: 2.1, gain: 0 }, { at: 8.7, gain: -9 }, { at: 31, gain: 2 }] }
      - { fade_out: { length: 5 s, shape: raised-cosine } }
      - { compress: { threshold: -24, ratio: 4, attack: 5 ms, release: 200 ms } }
      - { compress: { threshold: -30, ratio: 2, sidechain: { highpass: { hz: 90, slope: 24 } } } }
      - { deess: { hz: 2 kHz, threshold: -36, release: 150 ms } }
      - { compress: { threshold: -40, ratio: 3, release: 300 ms, sidechain: { from: k } } }
      - { notch: 50 }
      - { high_shelf: { hz: 2 kHz, gain: 4 } }
      - { limit: -6 }
deliverables: { d: { spec: production-stems, stems: [s], speed: 1001/1000 } }
";

struct Silence;

impl Digests for Silence {
    fn digest(&self, _: InputId, _: usize) -> Key {
        // Any key but silence: everything is evaluated.
        Key([1; 32])
    }
}

/// The bits of the delivered signal, segment by segment, rendered in `runs`, each
/// by an evaluator of its own unless `carry`.
fn render(folder: &std::path::Path, runs: &[Range<usize>], carry: bool) -> Vec<Vec<u64>> {
    let context = Context {
        disk: Disk::new(),
        progress: &Silent,
        notice: &|_| {},
        colour: false,
        rebounce: env!("CARGO_BIN_EXE_rebounce").into(),
    };
    let request = Request {
        manifest: folder.join("deliverables.yaml"),
        targets: Vec::new(),
        keep_going: false,
    };
    let session = look(&context, &request).unwrap();
    let (plan, delivery) = (&session.plan, &session.delivery);
    let node: NodeId = plan.prints[0].node;
    let known = vec![Key([1; 32]); SECONDS + 2];
    let inputs: Vec<InputFile<'_>> = delivery
        .inputs
        .iter()
        .map(|input| InputFile {
            path: Cow::Borrowed(&input.path),
            info: Cow::Borrowed(&input.info),
            stamp: context.disk.stamp(&input.path).unwrap(),
            digests: Some(Cow::Borrowed(&known)),
        })
        .collect();
    let clock = plan.graph[node].clock;
    let slots_of =
        |run: Range<usize>| -> Vec<Slot> { run.map(|segment| Slot { clock, segment }).collect() };
    let mut found: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    let mut evaluator = Evaluator::new(plan);
    let mut streams = Streams::new(&context.disk, plan, inputs.clone());
    for (index, run) in runs.iter().enumerate() {
        if !carry {
            evaluator = Evaluator::new(plan);
            streams = Streams::new(&context.disk, plan, inputs.clone());
        }
        let mut keys = Keys::new(plan);
        let slots = slots_of(run.clone());
        let needs = Needs::of_slots(plan, &slots);
        keys.advance(&Silence, &slots, &needs);
        let next = runs.get(index + 1).cloned().unwrap_or_default();
        let next = Needs::of_slots(plan, &slots_of(next));
        let wanted: BTreeSet<(NodeId, usize)> = run.clone().map(|s| (node, s)).collect();
        streams.load(&evaluator.sources(&wanted, &keys)).unwrap();
        for ((_, segment), block) in evaluator.evaluate(&streams, &keys, &wanted, &next) {
            let bits = block.iter().flatten().map(|x| x.to_bits()).collect();
            assert_eq!(found.insert(segment, bits), None);
        }
    }
    found.into_values().collect()
}

/// Segments of the delivered signal.
const ALL: usize = SECONDS + 1;

/// The ways of cutting the programme in which `render`, which makes runs of segments
/// and may `carry` an evaluator from one to the next, gives other bits than in one.
fn seams(render: impl Fn(&[Range<usize>], bool) -> Vec<Vec<u64>>) -> Vec<&'static str> {
    let whole = render(std::slice::from_ref(&(0..ALL)), true);
    assert_eq!(whole.len(), ALL);
    assert!(whole.iter().flatten().any(|bits| *bits != 0));
    let singles: Vec<Range<usize>> = (0..ALL).map(|s| s..s + 1).collect();
    let backward: Vec<Range<usize>> = singles.iter().rev().cloned().collect();
    let uneven = uneven();
    let mixed: Vec<Range<usize>> = uneven.iter().rev().cloned().collect();
    let ways = [
        ("waves", &uneven, true),
        ("single segments in a row", &singles, true),
        ("single segments, each alone", &singles, false),
        ("backward", &backward, false),
        ("random runs", &mixed, false),
    ];
    let differ = ways.iter().filter(|(_, runs, carry)| render(runs, *carry) != whole);
    differ.map(|(name, _, _)| *name).collect()
}

/// Runs of many lengths, one after the other.
fn uneven() -> Vec<Range<usize>> {
    let (mut runs, mut start) = (Vec::new(), 0);
    for length in [1, 4, 2, 7, 16, 3, 5, 1, 9].into_iter().cycle() {
        let end = (start + length).min(ALL);
        runs.push(start..end);
        start = end;
        if start == ALL {
            break;
        }
    }
    runs
}

#[test]
fn however_the_programme_is_cut_the_bits_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.wav"), programme()).unwrap();
    std::fs::write(folder.path().join("deliverables.yaml"), MANIFEST).unwrap();
    let render = |runs: &[Range<usize>], carry| render(folder.path(), runs, carry);
    assert_eq!(seams(render), Vec::<&str>::new());
    let whole = render(std::slice::from_ref(&(0..ALL)), true);
    for threads in [1, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(pool.install(|| render(&uneven(), true)) == whole, "{threads}");
    }
}

/// What the test above is for: an operator that goes on from wherever it was last, or
/// that starts from rest wherever it is asked, is found out.
#[test]
fn a_state_that_is_carried_over_is_a_seam() {
    let settings = Settings {
        threshold_dbfs: -24.0,
        ratio: 4.0,
        knee_db: 6.0,
        attack_ms: 5.0,
        release_ms: 200.0,
        makeup_db: 0.0,
    };
    let rate = SampleRate::new(RATE).unwrap();
    let process = Process::Compress { settings, sidechain: Vec::new(), key: 0, rate };
    let input = |segment: usize, frame: usize| {
        let at = segment * RATE as usize + frame;
        f64::from((at * 7_919 % 1_000) as u32) * 1e-3 * f64::from((at / 3_000 % 4) as u32) / 4.0
    };
    let carrying = |runs: &[Range<usize>], from_rest: bool| {
        let (mut found, mut state) = (BTreeMap::new(), process.rest(1));
        for run in runs {
            if from_rest {
                state = process.rest(1);
            }
            for segment in run.clone() {
                let mut block = vec![(0..RATE as usize).map(|n| input(segment, n)).collect()];
                process.run(&mut state, &mut block);
                found.insert(segment, block[0].iter().map(|x: &f64| x.to_bits()).collect());
            }
        }
        found.into_values().collect()
    };
    // In a row nobody notices that it carries on.
    let carries = seams(|runs, _| carrying(runs, false));
    assert_eq!(carries, ["backward", "random runs"]);
    let restarts = seams(|runs, _| carrying(runs, true));
    assert_eq!(restarts.len(), 5, "{restarts:?}");
}
