//! A build as a user sees it: 24 stereo tracks of 4 minutes, 48 kHz/24-bit WAV, to
//! 8 stems and 4 mixes. Cold, with nothing to do, and after an edit of one second;
//! beside the floor (the inputs read once by `cat`, the outputs copied once by
//! `cp`) and beside `ninja` driving `sox` over the same graph, if both are there.
//!
//! All runs take turns in one process, so that the ratios hold on a noisy machine:
//! `cargo bench --bench session`. Needs 4 GB of disk under `target/`.

#![allow(clippy::print_stdout)]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const TRACKS: usize = 24;
const STEMS: usize = 8;
const SECONDS: usize = 240;
const RATE: usize = 48_000;
const FRAME_BYTES: usize = 6;
const HEADER_BYTES: u64 = 44;
const ROUNDS: usize = 5;

fn main() {
    // `cargo test --benches` asks whether it starts, not how fast it is.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("session-bench");
    let bench = Bench { root };
    bench.make_session();
    bench.write_manifest();
    let has_ninja = bench.write_ninja();
    let mut times: Vec<(&str, Vec<f64>)> = Vec::new();
    let mut note = |name, seconds| match times.iter_mut().find(|(known, _)| *known == name) {
        Some((_, list)) => list.push(seconds),
        None => times.push((name, vec![seconds])),
    };
    for round in 0..ROUNDS {
        note("floor: cat inputs, cp outputs", bench.floor());
        bench.clean();
        note("rebounce, cold", bench.rebounce());
        note("rebounce, nothing to do", bench.rebounce());
        bench.edit(round);
        note("rebounce, one second edited", bench.rebounce());
        if has_ninja {
            bench.clean_ninja();
            note("ninja + sox, cold", bench.ninja());
            note("ninja + sox, nothing to do", bench.ninja());
            bench.edit(round + ROUNDS);
            note("ninja + sox, one second edited", bench.ninja());
            bench.rebounce();
        }
    }
    report(&times);
}

fn median(list: &[f64]) -> f64 {
    let mut sorted = list.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn report(times: &[(&str, Vec<f64>)]) {
    let of = |name: &str| times.iter().find(|(known, _)| *known == name).map(|(_, t)| median(t));
    println!("\nmedian of {ROUNDS} rounds");
    for (name, list) in times {
        let low = list.iter().copied().fold(f64::MAX, f64::min);
        let high = list.iter().copied().fold(0.0, f64::max);
        println!("{name:32} {:8.3} s   ({low:.3} to {high:.3})", median(list));
    }
    println!("\nratios");
    for (what, over) in [
        ("rebounce, cold", "floor: cat inputs, cp outputs"),
        ("rebounce, cold", "ninja + sox, cold"),
        ("rebounce, nothing to do", "ninja + sox, nothing to do"),
        ("rebounce, one second edited", "ninja + sox, one second edited"),
        ("rebounce, one second edited", "rebounce, cold"),
    ] {
        if let (Some(a), Some(b)) = (of(what), of(over)) {
            println!("{:6.2}  {what} / {over}", a / b);
        }
    }
}

struct Bench {
    root: PathBuf,
}

fn timed(mut command: Command) -> f64 {
    let began = Instant::now();
    let status = command.stdout(Stdio::null()).status().expect("the command starts");
    assert!(status.success(), "{command:?} failed");
    began.elapsed().as_secs_f64()
}

fn stem_tracks(stem: usize) -> impl Iterator<Item = usize> {
    (0..TRACKS).filter(move |track| track % STEMS == stem)
}

/// Stems of each mix: all, and all without some.
const MIXES: [(&str, &[usize]); 4] =
    [("full", &[]), ("instrumental", &[7]), ("tv", &[6]), ("beat", &[4, 5, 6, 7])];

impl Bench {
    fn track(&self, track: usize) -> PathBuf {
        self.root.join("session").join(format!("t{track:02}.wav"))
    }

    /// Noise with a slow envelope, so that nothing is silent and nothing clips.
    fn make_session(&self) {
        fs::create_dir_all(self.root.join("session")).expect("a folder");
        let bytes = (SECONDS * RATE * FRAME_BYTES) as u64;
        for track in 0..TRACKS {
            let path = self.track(track);
            if path.metadata().is_ok_and(|m| m.len() == bytes + HEADER_BYTES) {
                continue;
            }
            let mut file = File::create(&path).expect("a track");
            file.write_all(&header(bytes as u32)).expect("a header");
            for second in 0..SECONDS {
                file.write_all(&noise((track * SECONDS + second) as u64)).expect("samples");
            }
        }
    }

    fn write_manifest(&self) {
        let mut text = String::from(
            "version: 1\nproject: { title: Bench }\nsession: { audio: session }\ntracks:\n",
        );
        for track in 0..TRACKS {
            let _ = writeln!(text, "  t{track:02}: t{track:02}.wav");
        }
        text.push_str("stems:\n");
        for stem in 0..STEMS {
            let tracks: Vec<String> = stem_tracks(stem).map(|t| format!("t{t:02}")).collect();
            let _ = writeln!(text, "  s{stem}: [{}]", tracks.join(", "));
        }
        text.push_str("mixes:\n");
        for (name, without) in MIXES {
            let stems: Vec<String> =
                (0..STEMS).filter(|s| !without.contains(s)).map(|s| format!("s{s}")).collect();
            let _ = writeln!(text, "  {name}: [{}]", stems.join(", "));
        }
        text.push_str("deliverables:\n  all: { spec: production-stems, stems: all, mixes: all }\n");
        fs::write(self.root.join("deliverables.yaml"), text).expect("the manifest");
    }

    /// The same files by `ninja` and `sox`; `false` if one of them is missing.
    fn write_ninja(&self) -> bool {
        let there = |name: &str| Command::new(name).arg("--version").output().is_ok();
        if !there("ninja") || !there("sox") {
            println!("ninja or sox is not installed: those rows are left out");
            return false;
        }
        let mut text = String::from("rule sum\n  command = sox -D -m $parts -b 24 $out\n");
        let mut edge = |out: String, inputs: Vec<String>| {
            let parts: Vec<String> = inputs.iter().map(|i| format!("-v 1 {i}")).collect();
            let _ = writeln!(
                text,
                "build {out}: sum {}\n  parts = {}",
                inputs.join(" "),
                parts.join(" ")
            );
        };
        for stem in 0..STEMS {
            let tracks = stem_tracks(stem).map(|t| format!("session/t{t:02}.wav")).collect();
            edge(format!("sox/s{stem}.wav"), tracks);
        }
        for (name, without) in MIXES {
            let stems = (0..STEMS).filter(|s| !without.contains(s));
            edge(format!("sox/{name}.wav"), stems.map(|s| format!("sox/s{s}.wav")).collect());
        }
        fs::write(self.root.join("build.ninja"), text).expect("the ninja file");
        true
    }

    fn clean(&self) {
        let _ = fs::remove_dir_all(self.root.join("deliveries"));
        let _ = fs::remove_dir_all(self.root.join(".rebounce"));
    }

    fn clean_ninja(&self) {
        let _ = fs::remove_dir_all(self.root.join("sox"));
        let _ = fs::remove_file(self.root.join(".ninja_log"));
    }

    fn rebounce(&self) -> f64 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rebounce"));
        command.arg("-C").arg(&self.root);
        timed(command)
    }

    fn ninja(&self) -> f64 {
        let mut command = Command::new("ninja");
        command.arg("-C").arg(&self.root);
        timed(command)
    }

    /// Every input byte read once, as many bytes as the outputs have copied once.
    fn floor(&self) -> f64 {
        let inputs: Vec<PathBuf> = (0..TRACKS).map(|track| self.track(track)).collect();
        let copies = self.root.join("copies");
        let _ = fs::remove_dir_all(&copies);
        fs::create_dir_all(&copies).expect("a folder");
        let mut cat = Command::new("cat");
        cat.args(&inputs);
        let read = timed(cat);
        let mut cp = Command::new("cp");
        cp.args(&inputs[..STEMS + MIXES.len()]).arg(&copies);
        read + timed(cp)
    }

    /// Other noise in one second in the middle of one track.
    fn edit(&self, round: usize) {
        let path = self.track(5);
        let mut file = File::options().read(true).write(true).open(path).expect("a track");
        let at = HEADER_BYTES + (120 * RATE * FRAME_BYTES) as u64;
        file.seek(SeekFrom::Start(at)).expect("the middle");
        let mut old = vec![0; RATE * FRAME_BYTES];
        file.read_exact(&mut old).expect("a second");
        file.seek(SeekFrom::Start(at)).expect("the middle");
        file.write_all(&noise(1 << 40 | round as u64)).expect("a second");
    }
}

/// A second of stereo noise in two decaying bursts, the loudest at -26 dBFS, some
/// seconds louder than others: dynamics like those of a played track.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as i32 - (1 << 23)
    };
    let loudest = 100_000 + (next() & 0x3_ffff);
    let mut bytes = Vec::with_capacity(RATE * FRAME_BYTES);
    for frame in 0..RATE {
        let burst = (frame % (RATE / 2)) as f32 / RATE as f32;
        let level = loudest as f32 * (1.0 - 1.9 * burst).powi(6) + 50.0;
        for _ in 0..2 {
            let sample = (next() as f32 / (1 << 23) as f32 * level) as i32;
            bytes.extend_from_slice(&sample.to_le_bytes()[..3]);
        }
    }
    bytes
}

fn header(data_bytes: u32) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&(data_bytes + 36).to_le_bytes());
    header.extend_from_slice(b"WAVEfmt ");
    header.extend_from_slice(&16_u32.to_le_bytes());
    header.extend_from_slice(&1_u16.to_le_bytes());
    header.extend_from_slice(&2_u16.to_le_bytes());
    header.extend_from_slice(&(RATE as u32).to_le_bytes());
    header.extend_from_slice(&((RATE * FRAME_BYTES) as u32).to_le_bytes());
    header.extend_from_slice(&(FRAME_BYTES as u16).to_le_bytes());
    header.extend_from_slice(&24_u16.to_le_bytes());
    header.extend_from_slice(b"data");
    header.extend_from_slice(&data_bytes.to_le_bytes());
    header
}
