//! Operators against programs that share nothing with this project: what sox, scipy and
//! ffmpeg made of the same signals is committed in tests/oracles, with the script that
//! had them make it.

use std::path::Path;

use rebounce::dsp::compressor::{Compressor, Settings, State};
use rebounce::dsp::eq::{self, Filter, Shape, Slope};
use rebounce::dsp::limiter::Limiter;
use rebounce::dsp::true_peak::{BLOCK, TruePeak};
use rebounce::units::SampleRate;
use serde::Deserialize;

#[derive(Deserialize)]
struct Oracle<T> {
    made_with: String,
    cases: Vec<T>,
}

fn oracle<T: for<'a> Deserialize<'a>>(name: &str, programs: &[&str]) -> Vec<T> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let oracle: Oracle<T> = serde_json::from_str(&text).unwrap();
    assert!(programs.iter().all(|program| oracle.made_with.contains(program)));
    assert!(!oracle.cases.is_empty());
    oracle.cases
}

fn rate(hz: u32) -> SampleRate {
    SampleRate::new(hz).unwrap()
}

/// As `noise` of make.py.
fn noise(seed: u32, frames: usize) -> Vec<f64> {
    let mut state = seed | 1;
    (0..frames)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state as i32) / 2_147_483_648.0
        })
        .collect()
}

#[derive(Deserialize, Debug)]
struct FilterCase {
    by: String,
    shape: String,
    rate: u32,
    hz: f64,
    q: f64,
    gain_db: f64,
    order: usize,
    response: Vec<f64>,
}

#[test]
fn filters_have_the_impulse_responses_of_sox_and_scipy() {
    for case in oracle::<FilterCase>("filters.json", &["sox", "scipy"]) {
        let FilterCase { by, shape, rate: hertz, hz, q, gain_db, order, response } = &case;
        let shape = match shape.as_str() {
            "HighPass" => Shape::HighPass,
            "LowPass" => Shape::LowPass,
            "LowShelf" => Shape::LowShelf,
            "HighShelf" => Shape::HighShelf,
            "Bell" => Shape::Bell,
            "Notch" => Shape::Notch,
            other => panic!("{other} is no shape"),
        };
        let slope = [Slope::Db12, Slope::Db24, Slope::Db48][order.ilog2() as usize - 1];
        let filters = match by.as_str() {
            "sox" => vec![Filter::new(shape, *hz, *q, *gain_db, rate(*hertz)).unwrap()],
            _ => Filter::butterworth(shape, *hz, slope, rate(*hertz)).unwrap(),
        };
        let mut found = vec![0.0; response.len()];
        found[0] = 1.0;
        for filter in &filters {
            filter.process(&mut eq::State::default(), &mut found);
        }
        // sox rounds to 2^-31 of its scale, four times that of ours, and feeds what it
        // has rounded back. A corner off by a thousandth moves a response by 1e-5.
        let allowed = if by == "sox" { 1e-7 } else { 1e-11 };
        for (n, (found, expected)) in found.iter().zip(response).enumerate() {
            assert!((found - expected).abs() < allowed, "{n}: {found} {expected}, {case:?}");
        }
    }
}

#[derive(Deserialize, Debug)]
struct CompressorCase {
    rate: u32,
    threshold: f64,
    ratio: f64,
    knee: f64,
    attack: f64,
    release: f64,
    makeup: f64,
    every: usize,
    gains: Vec<f64>,
}

#[test]
fn compressors_have_the_gains_of_the_paper_computed_in_decibels() {
    for case in oracle::<CompressorCase>("compressor.json", &["scipy"]) {
        let settings = Settings {
            threshold_dbfs: case.threshold,
            ratio: case.ratio,
            knee_db: case.knee,
            attack_ms: case.attack,
            release_ms: case.release,
            makeup_db: case.makeup,
        };
        let compressor = Compressor::new(settings, rate(case.rate)).unwrap();
        let mut levels = vec![0.9; case.rate as usize * 30 / 1_000];
        levels.resize(levels.len() + case.rate as usize / 20, 0.02);
        let mut gains = vec![0.0; levels.len()];
        compressor.gains(&mut State::default(), &levels, &mut gains);
        let found: Vec<f64> = gains.into_iter().step_by(case.every).collect();
        assert_eq!(found.len(), case.gains.len());
        for (n, (found, expected)) in found.iter().zip(&case.gains).enumerate() {
            // Our logarithm and power err by 2e-9 octaves and 3e-10.
            assert!((found / expected - 1.0).abs() < 1e-8, "{n}: {found} {expected} {case:?}");
        }
    }
}

/// The meter of ffmpeg's ebur128 at 48 kHz, written down plainly: four places in a gap
/// by a sinc of 32 samples under a Kaiser window with a beta of 9. A factor.
fn as_ffmpeg_reads(signal: &[f64]) -> f64 {
    const SIDE: usize = 16;
    let bessel = |x: f64| {
        let term = |n: i32| (1..=n).fold(1.0, |term, k| term * (x / 2.0) / f64::from(k));
        (0..40).map(|n| term(n) * term(n)).sum::<f64>()
    };
    let mut peak = signal.iter().fold(0.0, |peak: f64, x| peak.max(x.abs()));
    let mut padded = vec![0.0; SIDE];
    padded.extend(signal);
    padded.resize(padded.len() + SIDE, 0.0);
    for quarter in [0.25, 0.5, 0.75] {
        let taps: Vec<f64> = (0..2 * SIDE)
            .map(|k| {
                let distance = k as f64 - (SIDE - 1) as f64 - quarter;
                let across = distance / SIDE as f64;
                let angle = std::f64::consts::PI * distance;
                bessel(9.0 * (1.0 - across * across).sqrt()) * angle.sin() / angle
            })
            .collect();
        let sum: f64 = taps.iter().sum();
        for window in padded.windows(2 * SIDE) {
            let y: f64 = window.iter().zip(&taps).map(|(x, tap)| x * tap).sum();
            peak = peak.max((y / sum).abs());
        }
    }
    peak
}

#[derive(Deserialize, Debug)]
struct PeakCase {
    seed: u32,
    frames: usize,
    peak: f64,
}

/// Noise that jumps every 150 frames: what meters disagree about most.
fn jumps(seed: u32, frames: usize) -> Vec<f64> {
    let levels = noise(seed + 100, frames / 150);
    let levels = levels.iter().flat_map(|level| [level * level; 150]);
    noise(seed, frames).iter().zip(levels).map(|(x, level)| x * level).collect()
}

#[test]
fn the_limiters_ceiling_holds_on_the_meter_of_ffmpeg() {
    let meter = TruePeak::new(rate(48_000));
    for PeakCase { seed, frames, peak } in oracle::<PeakCase>("true_peak.json", &["ffmpeg"]) {
        let signal = jumps(seed, frames);
        // It is their meter, to the three places that it shows.
        let read = as_ffmpeg_reads(&signal);
        assert!((read - peak).abs() < 0.002, "{seed}: {read} {peak}");
        for ceiling_dbtp in [-1.0, -2.0] {
            let limiter = Limiter::new(ceiling_dbtp, rate(48_000)).unwrap();
            let mut padded = vec![0.0; limiter.before()];
            padded.extend(signal.iter().map(|x| x * 2.0));
            padded.resize(padded.len() + limiter.after(), 0.0);
            let mut limited = vec![Vec::new()];
            limiter.process(&[&padded], &mut limited);
            let high = |block: &[f64]| block.iter().fold(0.0, |high: f64, x| high.max(x.abs()));
            let blocks: Vec<f64> = limited[0].chunks(BLOCK).map(high).collect();
            let ours = meter.of_segment(&[], &limited[0], &blocks, true);
            let ceiling = 10_f64.powf(ceiling_dbtp / 20.0);
            let theirs = as_ffmpeg_reads(&limited[0]);
            assert!(ours <= ceiling && theirs <= ceiling, "{seed}: {ours} {theirs} {ceiling}");
            // The margin is there for finer meters: this one needs little of it. 0.15 dB.
            assert!(theirs < ceiling * 0.983, "{seed}: {theirs} {ceiling}");
            // Limited, and not merely turned down.
            assert!(theirs > ceiling * 0.97, "{seed}: {theirs} {ceiling}");
        }
    }
}
