//! The seam test: whatever runs a programme is rendered in, every operator gives the
//! same bits, and the same as a filter that was never interrupted as far as the last
//! bit that is delivered.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rebounce::fsio::Disk;
use rebounce::key::Key;
use rebounce::key::segment::{Digests, Keys};
use rebounce::manifest::delivery::InputId;
use rebounce::plan::NodeId;
use rebounce::plan::needs::Needs;
use rebounce::progress::Silent;
use rebounce::render::eval::Evaluator;
use rebounce::render::streams::{InputFile, Streams};
use rebounce::run::{Context, Request, look};

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
  s:
    from: [a]
    process:
      - { highpass: { hz: 30, slope: 24 } }
      - { bell: { hz: 60, gain: 9, q: 8 } }
      - { delay: 1300 samples }
      - { envelope: [{ at: 2.1, gain: 0 }, { at: 8.7, gain: -9 }, { at: 31, gain: 2 }] }
      - { fade_out: { length: 5 s, shape: raised-cosine } }
      - { compress: { threshold: -24, ratio: 4, attack: 5 ms, release: 200 ms } }
      - { notch: 50 }
      - { high_shelf: { hz: 2 kHz, gain: 4 } }
      - { limit: -6 }
deliverables: { d: { spec: production-stems, stems: all } }
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
    let mut found: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    let mut evaluator = Evaluator::new(plan);
    let mut streams = Streams::new(&context.disk, plan, inputs.clone());
    for (index, run) in runs.iter().enumerate() {
        if !carry {
            evaluator = Evaluator::new(plan);
            streams = Streams::new(&context.disk, plan, inputs.clone());
        }
        let mut keys = Keys::new(plan);
        let slots = plan.slots(run.clone());
        let needs = Needs::of_slots(plan, &slots);
        keys.advance(&Silence, &slots, &needs);
        let next = runs.get(index + 1).cloned().unwrap_or_default();
        let next = Needs::of_slots(plan, &plan.slots(next));
        let wanted: BTreeSet<(NodeId, usize)> = run.clone().map(|s| (node, s)).collect();
        streams.load(&evaluator.sources(&wanted, &keys)).unwrap();
        for ((_, segment), block) in evaluator.evaluate(&streams, &keys, &wanted, &next) {
            let bits = block.iter().flatten().map(|x| x.to_bits()).collect();
            assert_eq!(found.insert(segment, bits), None);
        }
    }
    found.into_values().collect()
}

#[test]
fn however_the_programme_is_cut_the_bits_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.wav"), programme()).unwrap();
    std::fs::write(folder.path().join("deliverables.yaml"), MANIFEST).unwrap();
    let all = SECONDS + 1;
    let whole = render(folder.path(), std::slice::from_ref(&(0..all)), true);
    assert!(whole.iter().flatten().any(|bits| *bits != 0));
    let singles: Vec<Range<usize>> = (0..all).map(|s| s..s + 1).collect();
    let backward: Vec<Range<usize>> = singles.iter().rev().cloned().collect();
    let mut uneven = Vec::new();
    let mut start = 0;
    for length in [1, 4, 2, 7, 16, 3, 5, 1, 9].into_iter().cycle() {
        let end = (start + length).min(all);
        uneven.push(start..end);
        start = end;
        if start == all {
            break;
        }
    }
    let mixed: Vec<Range<usize>> = uneven.iter().rev().cloned().collect();
    for (name, runs, carry) in [
        ("waves", &uneven, true),
        ("single segments in a row", &singles, true),
        ("single segments, each alone", &singles, false),
        ("backward", &backward, false),
        ("random runs", &mixed, false),
    ] {
        assert!(render(folder.path(), runs, carry) == whole, "{name}");
    }
    for threads in [1, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(pool.install(|| render(folder.path(), &uneven, true)) == whole, "{threads}");
    }
}
