//! What many versions cost before anything is rendered: `rebounce check` of a film with
//! one dub, and with 34, each in 5.1 and 2.0. Both take turns in one process.

#![allow(clippy::print_stdout)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const ROUNDS: usize = 21;

fn main() {
    // `cargo test --benches` asks whether it starts, not how fast it is.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("versions-bench");
    let films = [1, 34].map(|dubs| (dubs, film(&root, dubs)));
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for ((_, folder), times) in films.iter().zip(&mut times) {
            times.push(check(folder));
        }
    }
    for ((dubs, _), times) in films.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        let (median, worst) = (times[ROUNDS / 2] * 1e3, times[ROUNDS - 1] * 1e3);
        println!(
            "check, {dubs:>2} dubs in 5.1 and 2.0: median {median:6.1} ms, worst {worst:6.1} ms"
        );
    }
}

/// The folder of a film with so many dubs. Its audio is short: only headers are read.
fn film(root: &Path, dubs: usize) -> PathBuf {
    let folder = root.join(dubs.to_string());
    fs::create_dir_all(folder.join("session")).unwrap();
    let mut manifest = String::from(
        "version: 1\nproject: { title: Film }\nsession: { audio: session, layout: \"5.1\" }\n\
         tracks: { dx: dx.wav, mx: mx.wav, fx: fx.wav }\n\
         stems: { D: { from: [dx], role: dialogue }, M: { from: [mx], role: music }, \
         E: { from: [fx], role: effects } }\n\
         mixes:\n  pm: [D, M, E]\n  pm-stereo: { from: pm, downmix: { kind: lo-ro } }\nversions:\n",
    );
    let audio = ["dx", "mx", "fx"].map(str::to_owned).into_iter();
    for name in audio.chain((0..dubs).map(|dub| format!("dub{dub}"))) {
        fs::write(folder.join(format!("session/{name}.wav")), wav()).unwrap();
        if name.starts_with("dub") {
            let _ = writeln!(manifest, "  {name}: {{ replace: {{ D: {name}.wav }} }}");
        }
    }
    manifest
        .push_str("deliverables: { dubs: { spec: dme, stems: all, mixes: all, versions: all } }\n");
    fs::write(folder.join("deliverables.yaml"), manifest).unwrap();
    folder
}

/// Seconds that a check takes, the start of the program included.
fn check(folder: &Path) -> f64 {
    let started = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_rebounce"))
        .args(["check"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    started.elapsed().as_secs_f64()
}

/// A tenth of a second of silence in 5.1, 48 kHz, 24 bits.
fn wav() -> Vec<u8> {
    let (frame_bytes, rate) = (18_u32, 48_000_u32);
    let data = rate / 10 * frame_bytes;
    let mut bytes = Vec::new();
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(data + 36).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16_u32.to_le_bytes());
    bytes.extend_from_slice(&1_u16.to_le_bytes());
    bytes.extend_from_slice(&6_u16.to_le_bytes());
    bytes.extend_from_slice(&rate.to_le_bytes());
    bytes.extend_from_slice(&(rate * frame_bytes).to_le_bytes());
    bytes.extend_from_slice(&(frame_bytes as u16).to_le_bytes());
    bytes.extend_from_slice(&24_u16.to_le_bytes());
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&data.to_le_bytes());
    bytes.resize(bytes.len() + data as usize, 0);
    bytes
}
