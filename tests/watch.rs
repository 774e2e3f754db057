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
