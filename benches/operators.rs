//! Speed of the operators: one second of stereo at 48 kHz through each, on one core;
//! then what a build of the demo spends on each, measured beside the whole of it.

#![allow(clippy::print_stdout)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use rebounce::audio::layout::Layout;
use rebounce::audio::pcm;
use rebounce::audio::wav::Encoding;
use rebounce::dsp::compressor::Settings;
use rebounce::dsp::dither::Dither;
use rebounce::dsp::envelope::{Direction, Envelope, Shape};
use rebounce::dsp::eq::{self, Filter, Slope};
use rebounce::dsp::process::{Process, Reach};
use rebounce::dsp::resample::Resampler;
use rebounce::dsp::shaping::Shaper;
use rebounce::dsp::signal::{Signal, Sound};
use rebounce::fsio::Disk;
use rebounce::plan::op::Op;
use rebounce::progress::Silent;
use rebounce::qc::measure::Meter;
use rebounce::render::eval;
use rebounce::run::{Context, Request, build, look};
use rebounce::units::{Gain, Ratio, SampleRate};

const FRAMES: usize = 48_000;

fn rate() -> SampleRate {
    SampleRate::new(48_000).expect("48 kHz is a rate")
}

fn gain(db: f64) -> Gain {
    Gain::from_db(db).expect("a gain")
}

/// Noise that swells and fades like music, peaks just within full scale.
fn programme(frames: usize) -> Vec<Vec<f64>> {
    let mut state = 1_u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state as i32) / 2_147_483_648.0
    };
    let swell = |n: usize| 1.0 - (n % 12_000) as f64 / 12_000.0;
    (0..2).map(|_| (0..frames).map(|n| 0.98 * noise() * swell(n)).collect()).collect()
}

/// An operator over one second, which it is given anew each time.
struct Operator {
    name: &'static str,
    run: Run,
}

type Run = Box<dyn Fn(&[Vec<f64>])>;

fn operator(name: &'static str, run: impl Fn(&[Vec<f64>]) + 'static) -> Operator {
    Operator { name, run: Box::new(run) }
}

fn settings(threshold_dbfs: f64) -> Settings {
    Settings {
        threshold_dbfs,
        ratio: 4.0,
        knee_db: 6.0,
        attack_ms: 10.0,
        release_ms: 100.0,
        makeup_db: 0.0,
    }
}

/// A process, as the renderer runs it; one with a window hears what lies around.
fn process(process: Process) -> impl Fn(&[Vec<f64>]) {
    let padded = match process.reach() {
        Reach::Window { before, after } => programme(before + FRAMES + after),
        Reach::Here | Reach::Cell { .. } => Vec::new(),
    };
    let state = RefCell::new(padded.is_empty().then(|| process.rest(2)));
    move |block| match state.borrow_mut().as_mut() {
        None => {
            black_box(process.window(black_box(&padded), FRAMES));
        }
        Some(state) => {
            let mut block = block.to_vec();
            process.run(state, black_box(&mut block));
            black_box(block);
        }
    }
}

fn highpass(slope: Slope) -> Vec<Filter> {
    Filter::butterworth(eq::Shape::HighPass, 80.0, slope, rate()).expect("a filter")
}

fn processes() -> Vec<Operator> {
    let rate = rate();
    let compress =
        |sidechain| Process::Compress { settings: settings(-18.0), sidechain, key: 0, rate };
    let limit = |ceiling_dbtp| process(Process::Limit { ceiling_dbtp, rate });
    vec![
        operator("delay", process(Process::Delay { frames: 480 })),
        operator("filter", process(Process::Eq { filters: highpass(Slope::Db12) })),
        operator("filter 48 dB/oct", process(Process::Eq { filters: highpass(Slope::Db48) })),
        operator("compressor", process(compress(Vec::new()))),
        operator("compressor, side-chain", process(compress(highpass(Slope::Db12)))),
        operator(
            "de-esser",
            process(Process::DeEss { hz: 6_000.0, settings: settings(-30.0), rate }),
        ),
        operator("limiter at work", limit(-6.0)),
        operator("limiter at rest", limit(12.0)),
        operator("shift by 90 degrees", process(Process::Shift90 { rate })),
    ]
}

/// One second at 48 kHz at another rate or speed.
fn conversion(ratio: &str) -> impl Fn(&[Vec<f64>]) {
    let ratio = Ratio::parse(ratio).expect("a ratio");
    let resampler = Resampler::new(ratio).expect("a conversion");
    let out = 0..ratio.frames(FRAMES as u64);
    let heard = resampler.heard(out.clone());
    let input = programme((heard.end - heard.start) as usize);
    move |_| {
        let channels: Vec<&[f64]> = input.iter().map(Vec::as_slice).collect();
        black_box(resampler.process(heard.start, black_box(&channels), out.clone()));
    }
}

fn conversions() -> Vec<Operator> {
    vec![
        operator("48 to 44.1 kHz", conversion("147/160")),
        operator("48 to 96 kHz", conversion("2/1")),
        operator("speed 1001/1000", conversion("1000/1001")),
        operator("speed 25025/24000", conversion("960/1001")),
    ]
}

/// What sums are made of.
fn sums() -> Vec<Operator> {
    let rows = vec![vec![0.7, 0.3], vec![-0.3, 0.7]];
    vec![
        operator("gain, pan, fold-down", move |block| {
            black_box(eval::matrix(black_box(&rows), &block.to_vec()));
        }),
        operator("sum", |block| {
            let mut total = block.to_vec();
            eval::add(&mut total, black_box(&block.to_vec()));
            black_box(total);
        }),
    ]
}

fn envelopes() -> Vec<Operator> {
    let apply = |envelope: Envelope| {
        let local = envelope.local(0..FRAMES as u64);
        move |block: &[Vec<f64>]| {
            let mut block = block.to_vec();
            local.apply(black_box(&mut block));
            black_box(block);
        }
    };
    let fade = |shape| {
        let (start, frames) = (0, FRAMES as u64);
        apply(Envelope::Fade { shape, direction: Direction::In, start, frames })
    };
    let ramp = Envelope::Points(vec![(0, gain(0.0)), (FRAMES as u64, gain(-6.0))]);
    vec![
        operator("gain that stands", apply(Envelope::Points(vec![(0, gain(-6.0))]))),
        operator("gain that moves", apply(ramp)),
        operator("fade, linear", fade(Shape::Linear)),
        operator("fade, equal power", fade(Shape::EqualPower)),
        operator("fade, raised cosine", fade(Shape::RaisedCosine)),
    ]
}

/// What is made of a signal when it is written, and what signals are made from nothing.
fn ends() -> Vec<Operator> {
    let dither = Dither::for_file("bench");
    let shaper = Shaper::new(dither, rate()).expect("a shaper");
    let tone = Sound::Tone { hz: 997, peak: gain(-20.0), start: 0, end: u64::MAX };
    let signal = Signal { sounds: vec![tone], rate: rate() };
    let meter = Meter::new(rate(), Layout::Stereo, Encoding::Pcm24);
    vec![
        operator("tone", move |_| {
            black_box(signal.local(0..FRAMES as u64).samples(FRAMES));
        }),
        operator("to 24 bits", |block| {
            let (mut block, mut bytes) = (block.to_vec(), Vec::new());
            pcm::encode_i24(black_box(&mut block), &mut bytes);
            black_box(bytes);
        }),
        operator("to 16 bits, dither", move |block| {
            let (mut block, mut bytes) = (block.to_vec(), Vec::new());
            let lsb = |channel: usize, frame: usize| dither.tpdf(channel as u32, frame as u64);
            pcm::encode_i16(black_box(&mut block), Some(lsb), &mut bytes);
            black_box(bytes);
        }),
        operator("noise shaping", move |block| {
            let mut block = block.to_vec();
            for (channel, samples) in black_box(&mut block).iter_mut().enumerate() {
                shaper.round(channel as u32, 0, samples);
            }
            black_box(block);
        }),
        operator("all meters", move |block| {
            black_box(meter.segment(&[vec![], vec![]], black_box(block), false, &[0, 0]));
        }),
    ]
}

/// Seconds that each operator takes for a second of stereo: the fastest of the
/// samples, which other work of the machine disturbs least.
fn measure(criterion: &mut Criterion) -> Vec<(&'static str, f64)> {
    let block = programme(FRAMES);
    let mut group = criterion.benchmark_group("operators");
    group.throughput(Throughput::Elements(FRAMES as u64)).sample_size(20);
    group.measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(200));
    let mut found = Vec::new();
    for Operator { name, run } in
        [sums(), processes(), conversions(), envelopes(), ends()].into_iter().flatten()
    {
        let fastest = RefCell::new(f64::INFINITY);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                let began = Instant::now();
                (0..times).for_each(|_| run(&block));
                let taken = began.elapsed();
                let best = fastest.borrow().min(taken.as_secs_f64() / times as f64);
                *fastest.borrow_mut() = best;
                taken
            });
        });
        found.push((name, fastest.into_inner()));
    }
    group.finish();
    found
}

/// The line of the table that a process of a plan costs.
fn line(process: &Process) -> &'static str {
    match process {
        Process::Delay { .. } => "delay",
        Process::Eq { .. } => "filter",
        Process::Compress { sidechain, .. } if sidechain.is_empty() => "compressor",
        Process::Compress { .. } => "compressor, side-chain",
        Process::DeEss { .. } => "de-esser",
        Process::Limit { .. } => "limiter at work",
        Process::Shift90 { .. } => "shift by 90 degrees",
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the demo's folder") {
        let path = entry.expect("an entry").path();
        let there = to.join(path.file_name().expect("a name"));
        if path.is_dir() { copy(&path, &there) } else { drop(std::fs::copy(&path, &there)) }
    }
}

/// Builds the demo from nothing on one core, and shares the time out.
fn demo(speeds: &[(&'static str, f64)]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = tempfile::tempdir().expect("a folder");
    copy(&root.join("session"), &home.path().join("session"));
    let manifest = home.path().join("deliverables.yaml");
    std::fs::copy(root.join("deliverables.yaml"), &manifest).expect("the demo's manifest");
    let context = Context {
        disk: Disk::new(),
        progress: &Silent,
        notice: &|_| {},
        colour: false,
        rebounce: "rebounce".into(),
    };
    let request = Request { manifest, targets: Vec::new(), keep_going: false };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let began = Instant::now();
    pool.install(|| build(&context, &request).map(drop)).expect("the demo builds");
    let whole = began.elapsed().as_secs_f64();
    let session = look(&context, &request).expect("the demo is sound");
    let seconds = session.delivery.programme.frames as f64 / f64::from(rate().hz());
    // Seconds of stereo by line.
    let mut sound: BTreeMap<&str, f64> = BTreeMap::new();
    for node in session.plan.graph.node_weights() {
        let line = match &node.op {
            Op::Process { process, words: _ } => line(process),
            Op::Matrix { .. } => "gain, pan, fold-down",
            Op::Sum => "sum",
            _ => continue,
        };
        *sound.entry(line).or_default() += seconds * node.width as f64 / 2.0;
    }
    for print in &session.plan.prints {
        let stereo = seconds * print.layout.width() as f64 / 2.0;
        *sound.entry("all meters").or_default() += stereo;
        let depth = match (print.encoding, &print.dither) {
            (Encoding::Pcm24, _) => "to 24 bits",
            (Encoding::Pcm16, Some(_)) => "to 16 bits, dither",
            (Encoding::Pcm16Shaped, Some(_)) => "noise shaping",
            (_, None) | (Encoding::Float32, _) => continue,
        };
        *sound.entry(depth).or_default() += stereo;
    }
    println!("\nA build of the demo, {seconds:.1} s long, takes one core {whole:.2} s. Of that:");
    let mut rest = whole;
    for (name, speed) in speeds {
        if let Some(seconds) = sound.get(name) {
            let spent = seconds * speed;
            rest -= spent;
            println!(
                "{name:24} {seconds:8.0} s of stereo {spent:8.3} s {:5.1} %",
                100.0 * spent / whole
            );
        }
    }
    let share = 100.0 * rest / whole;
    println!("{:24} {:21} {rest:8.3} s {share:5.1} %", "reading, hashes,", "writing, reports");
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let speeds = measure(&mut criterion);
    println!("\nstereo, 48 kHz, one core    million frames/s   times real time");
    // A filter on the command line leaves some out.
    for (name, seconds) in speeds.iter().filter(|(_, seconds)| seconds.is_finite()) {
        let frames = FRAMES as f64 / seconds * 1e-6;
        println!("{name:24} {frames:20.1} {:17.0}", 1.0 / seconds);
    }
    if speeds.iter().all(|(_, seconds)| seconds.is_finite()) {
        demo(&speeds);
    }
    criterion.final_summary();
}
