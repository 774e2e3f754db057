//! Changes of sample rate beside SoX's `rate -v` and soxr at its best (in ffmpeg), where
//! those are installed: how clean, and how fast on 60 s of stereo, as multiples of real
//! time. All runs take turns in one process, so that the ratios hold on a noisy machine:
//! `cargo bench --bench resample`.
//!
//! The tools are timed as their users run them, reading a file and with their start,
//! which is some 5 % of their time.

#![allow(clippy::print_stdout)]

#[path = "../tests/support/tones.rs"]
mod tones;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use rebounce::dsp::resample::Resampler;
use rebounce::units::{Ratio, SampleRate};

const SECONDS: u32 = 60;
const ROUNDS: usize = 9;
const PAIRS: [(u32, u32); 4] =
    [(44_100, 48_000), (48_000, 44_100), (96_000, 48_000), (48_000, 96_000)];

fn main() {
    // `cargo test --benches` asks whether it starts, not how fast it is.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("resample-bench");
    fs::create_dir_all(&folder).expect("a folder under target/");
    let tools: Vec<Tool> = [Tool::Sox, Tool::Soxr].into_iter().filter(Tool::is_there).collect();
    for (from, to) in PAIRS {
        println!("\n{from} to {to} Hz");
        let resampler = resampler(from, to);
        clean("rebounce", &|signal| whole(&resampler, signal), from, to);
        for tool in &tools {
            clean(tool.name(), &|signal| tool.convert(&folder, from, to, signal), from, to);
        }
        fast(&folder, &tools, from, to);
    }
    pulled();
}

/// A program of others.
#[derive(Clone, Copy)]
enum Tool {
    Sox,
    Soxr,
}

impl Tool {
    fn name(&self) -> &'static str {
        match self {
            Tool::Sox => "sox rate -v",
            Tool::Soxr => "soxr in ffmpeg",
        }
    }

    fn is_there(&self) -> bool {
        let program = match self {
            Tool::Sox => "sox",
            Tool::Soxr => "ffmpeg",
        };
        let there = Command::new(program).arg("--help").output().is_ok();
        if !there {
            println!("{program} is not installed: left out");
        }
        there
    }

    /// Converts a raw file of doubles; without `output` only for the time it takes.
    fn run(&self, input: &Path, output: Option<&Path>, channels: u32, from: u32, to: u32) {
        let (channels, from) = (channels.to_string(), from.to_string());
        let mut command = match self {
            Tool::Sox => {
                let mut sox = Command::new("sox");
                sox.args(["-D", "-t", "f64", "-r", &from, "-c", &channels]).arg(input);
                match output {
                    Some(output) => sox.args(["-t", "f64"]).arg(output),
                    None => sox.arg("-n"),
                };
                sox.args(["rate", "-v", &to.to_string()]);
                sox
            }
            Tool::Soxr => {
                let mut ffmpeg = Command::new("ffmpeg");
                ffmpeg.args(["-v", "error", "-y", "-threads", "1"]);
                ffmpeg.args(["-f", "f64le", "-ar", &from, "-ac", &channels, "-i"]).arg(input);
                let filter = format!("aresample={to}:resampler=soxr:precision=28");
                ffmpeg.args(["-af", &filter, "-c:a", "pcm_f64le"]);
                match output {
                    Some(output) => ffmpeg.args(["-f", "f64le"]).arg(output),
                    None => ffmpeg.args(["-f", "null", "-"]),
                };
                ffmpeg
            }
        };
        assert!(command.status().expect("it is installed").success(), "{command:?}");
    }

    fn convert(&self, folder: &Path, from: u32, to: u32, signal: &[f64]) -> Vec<f64> {
        let (input, output) = (folder.join("tone.f64"), folder.join("converted.f64"));
        write(&input, signal.iter());
        self.run(&input, Some(&output), 1, from, to);
        let bytes = fs::read(&output).expect("what was just written");
        let (samples, _) = bytes.as_chunks::<8>();
        samples.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
    }
}

fn write<'a>(path: &PathBuf, samples: impl Iterator<Item = &'a f64>) {
    let bytes: Vec<u8> = samples.flat_map(|x| x.to_le_bytes()).collect();
    fs::write(path, bytes).expect("room under target/");
}

fn resampler(from: u32, to: u32) -> Resampler {
    let rate = |hz| SampleRate::new(hz).expect("a rate");
    Resampler::new(Ratio::of_rates(rate(from), rate(to))).expect("another rate")
}

/// The whole of a signal at another rate, with silence around it.
fn whole(resampler: &Resampler, signal: &[f64]) -> Vec<f64> {
    let all = 0..resampler.ratio().frames(signal.len() as u64);
    let heard = resampler.heard(all.clone());
    let mut padded = vec![0.0; heard.start.unsigned_abs() as usize];
    padded.extend(signal);
    padded.resize(heard.end.abs_diff(heard.start) as usize, 0.0);
    resampler.process(heard.start, &[&padded], all).remove(0)
}

fn clean(name: &str, convert: &dyn Fn(&[f64]) -> Vec<f64>, from: u32, to: u32) {
    let quality = tones::quality(convert, f64::from(from), f64::from(to));
    println!(
        "{name:16} ripple {:.6} dB, -0.1 dB at {:5.0} Hz, THD+N {:6.1} dB, alias and images \
         {:6.1} dB, delay {:.0e}",
        quality.ripple_db,
        quality.edge * f64::from(from.min(to)),
        quality.thd_n_db,
        quality.stop_db,
        quality.delay_frames,
    );
}

fn noise(frames: usize) -> Vec<f64> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state as i32) / 2_147_483_648.0
    };
    (0..frames).map(next).collect()
}

/// Seconds that a minute takes, made a second at a time, as a build does.
fn minute(resampler: &Resampler, channels: &[Vec<f64>], to: u32) -> f64 {
    let started = Instant::now();
    for second in 1..u64::from(SECONDS) - 1 {
        let out = second * u64::from(to)..(second + 1) * u64::from(to);
        let heard = resampler.heard(out.clone());
        let input: Vec<&[f64]> = channels
            .iter()
            .map(|channel| &channel[heard.start as usize..heard.end as usize])
            .collect();
        std::hint::black_box(resampler.process(heard.start, &input, out));
    }
    started.elapsed().as_secs_f64() * f64::from(SECONDS) / f64::from(SECONDS - 2)
}

fn fast(folder: &Path, tools: &[Tool], from: u32, to: u32) {
    let frames = (SECONDS * from) as usize;
    let (left, right) = (noise(frames), noise(frames));
    let input = folder.join("noise.f64");
    write(&input, left.iter().zip(&right).flat_map(|(left, right)| [left, right]));
    let (channels, resampler) = ([left, right], resampler(from, to));
    let mut best = vec![f64::MAX; 1 + tools.len()];
    for _ in 0..ROUNDS {
        best[0] = best[0].min(minute(&resampler, &channels, to));
        for (tool, best) in tools.iter().zip(&mut best[1..]) {
            let started = Instant::now();
            tool.run(&input, None, 2, from, to);
            *best = best.min(started.elapsed().as_secs_f64());
        }
    }
    let names = std::iter::once("rebounce").chain(tools.iter().map(Tool::name));
    for (name, seconds) in names.zip(&best) {
        println!(
            "{name:16} {:5.0} times real time, {:.2} of rebounce's speed",
            f64::from(SECONDS) / seconds,
            best[0] / seconds,
        );
    }
}

/// Where weights are interpolated, and what tables cost to make.
fn pulled() {
    println!("\npulls, by rebounce");
    for (name, ratio, to) in [
        ("48 kHz by 1000/1001", "1000/1001", 48_000),
        ("44.1 to 48 kHz by 1000/1001", "160000/147147", 48_000),
    ] {
        let ratio = Ratio::parse(ratio).expect("a ratio");
        let started = Instant::now();
        let resampler = Resampler::new(ratio).expect("a change");
        let table = started.elapsed().as_secs_f64() * 1e3;
        let frames = (SECONDS * 49_000) as usize;
        let channels = [noise(frames), noise(frames)];
        let times = (0..ROUNDS).map(|_| minute(&resampler, &channels, to));
        let best = times.fold(f64::MAX, f64::min);
        println!("{name}: {:.0} times real time, table {table:.1} ms", f64::from(SECONDS) / best);
    }
}
