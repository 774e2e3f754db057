//! `rebounce watch`, as it runs beside a DAW: one line per build, and no build of
//! a file that is still being written.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const RATE: u32 = 8_000;

/// A mono WAV of `seconds`, all samples `level`.
fn wav(seconds: u32, level: i16) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    (0..seconds * RATE).for_each(|_| writer.write_sample(level).unwrap());
    writer.finalize().unwrap();
    bytes.into_inner()
}

const MANIFEST: &str = "version: 1\nproject: { title: Song }\nsession: { audio: takes/1 }\n\
                        tracks: { a: a.wav }\nstems: { s: [a] }\ndeliverables:\n  \
                        d: { spec: production-stems, stems: all }\n";

/// The song, its audio two folders down.
fn song() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("takes/1")).unwrap();
    fs::write(folder.path().join("takes/1/a.wav"), wav(3, 1000)).unwrap();
    fs::write(folder.path().join("deliverables.yaml"), MANIFEST).unwrap();
    folder
}

struct Watching {
    process: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_rebounce"))
            .arg("-C")
            .arg(folder)
            .arg("watch")
            .stdout(Stdio::piped())
            .stderr(fs::File::create(folder.join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
        });
        Self { process, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(Duration::from_secs(30)).expect("a line within 30 s")
    }

    /// Waits until stderr holds `text` for the `times`th time.
    fn says(&self, folder: &Path, text: &str, times: usize) {
        let mut said = String::new();
        for _ in 0..200 {
            said = fs::read_to_string(folder.join("stderr")).unwrap();
            if said.matches(text).count() >= times {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("`{text}` was not said {times} times:\n{said}");
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn one_line_per_build_and_none_for_half_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let track = folder.path().join("a.wav");
    fs::write(&track, wav(3, 1000)).unwrap();
    let manifest = "version: 1\nproject: { title: Song }\ntracks: { a: a.wav }\n\
                    stems: { s: [a] }\n\
                    deliverables: { d: { spec: production-stems, stems: all } }\n";
    fs::write(folder.path().join("deliverables.yaml"), manifest).unwrap();
    let watching = Watching::start(folder.path());
    let first = watching.line();
    assert!(first.starts_with("1 package, 1 file: 1 written, 3 of 3 seconds rendered"), "{first}");

    // A DAW that pauses in the middle of a bounce for longer than files settle.
    let new = wav(3, 2000);
    let mut file = fs::File::create(&track).unwrap();
    file.write_all(&new[..new.len() / 2]).unwrap();
    file.sync_all().unwrap();
    std::thread::sleep(Duration::from_millis(4500));
    assert_eq!(watching.lines.try_recv().ok(), None, "half a file was built");
    file.write_all(&new[new.len() / 2..]).unwrap();
    drop(file);
    let second = watching.line();
    assert!(
        second.starts_with("1 package, 1 file: 1 written, 3 of 3 seconds rendered"),
        "{second}"
    );
    let said = fs::read_to_string(folder.path().join("stderr")).unwrap();
    assert_eq!(said.matches("waiting for").count(), 1, "{said}");
    assert!(!said.contains("error"), "half a file was tried: {said}");

    // The manifest counts too.
    let quieter = manifest.replace("s: [a]", "s: { from: [a], gain: -6 }");
    fs::write(folder.path().join("deliverables.yaml"), quieter).unwrap();
    let third = watching.line();
    assert!(third.contains("3 of 3 seconds rendered"), "{third}");
    assert_eq!(watching.lines.try_recv().ok(), None, "one line per build");
}

#[test]
fn session_audio_that_vanishes_and_comes_back_is_seen() {
    let folder = song();
    let path = |name: &str| folder.path().join(name);
    let watching = Watching::start(folder.path());
    watching.line();

    fs::rename(path("takes/1/a.wav"), path("elsewhere.wav")).unwrap();
    watching.says(folder.path(), "error: ", 1);
    fs::write(path("takes/1/a.wav"), wav(3, 2000)).unwrap();
    let file = watching.line();
    assert!(file.contains("3 of 3 seconds rendered"), "{file}");

    // All of it, and its new home appears step by step.
    fs::rename(path("takes"), path("moved")).unwrap();
    watching.says(folder.path(), "error: there is no folder", 1);
    fs::create_dir(path("takes")).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    fs::create_dir(path("takes/1")).unwrap();
    fs::write(path("takes/1/a.wav"), wav(3, 3000)).unwrap();
    // Sooner than by looking again without an event.
    let back = watching.lines.recv_timeout(Duration::from_secs(15)).expect("a build");
    assert!(back.contains("3 of 3 seconds rendered"), "{back}");
}

#[test]
fn what_is_missing_from_the_start_is_waited_for() {
    let folder = song();
    fs::rename(folder.path().join("takes"), folder.path().join("moved")).unwrap();
    let watching = Watching::start(folder.path());
    watching.says(folder.path(), "error: there is no folder", 1);
    fs::rename(folder.path().join("moved"), folder.path().join("takes")).unwrap();
    let line = watching.lines.recv_timeout(Duration::from_secs(15)).expect("a build");
    assert!(line.starts_with("1 package, 1 file: 1 written"), "{line}");
}

#[test]
fn another_rebounce_at_work_is_waited_for_and_told_once() {
    let folder = song();
    let state = folder.path().join(".rebounce/deliverables.yaml");
    fs::create_dir_all(&state).unwrap();
    let lock = fs::File::create(state.join("lock")).unwrap();
    lock.lock().unwrap();
    let watching = Watching::start(folder.path());
    watching.says(folder.path(), "another rebounce is at work", 1);
    std::thread::sleep(Duration::from_millis(2500));
    drop(lock);
    let line = watching.line();
    assert!(line.starts_with("1 package, 1 file: 1 written"), "{line}");
    let said = fs::read_to_string(folder.path().join("stderr")).unwrap();
    assert_eq!(said.matches("another rebounce").count(), 1, "{said}");
}

#[test]
fn a_package_that_leaves_the_manifest_is_named_as_removed() {
    let folder = song();
    let more = format!("{MANIFEST}  e: {{ spec: production-stems, stems: all }}\n");
    fs::write(folder.path().join("deliverables.yaml"), more).unwrap();
    let watching = Watching::start(folder.path());
    watching.line();
    fs::write(folder.path().join("deliverables.yaml"), MANIFEST).unwrap();
    let line = watching.line();
    let removed = format!("deliveries{}e", std::path::MAIN_SEPARATOR);
    assert!(line.ends_with(&format!("; removed {removed}")), "{line}");
    assert!(!folder.path().join("deliveries/e").exists());
}
