//! A folder with a session in it, and the program run there. What a run is
//! expected to say is compared whole: stdout, stderr and status are empty, empty
//! and 0 unless a test says otherwise, so that surplus words fail it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A temporary folder, gone with the value.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A copy of files of this project: single ones, or folders without folders.
    pub(crate) fn copy_of(source: &Path, names: &[&str]) -> Self {
        let home = Self::empty();
        for name in names {
            let from = source.join(name);
            let mut files = vec![PathBuf::from(name)];
            if from.is_dir() {
                let entries = fs::read_dir(&from).unwrap().map(|entry| entry.unwrap().file_name());
                files = entries.map(|entry| Path::new(name).join(entry)).collect();
                files.retain(|file| source.join(file).is_file());
            }
            for file in files {
                let to = home.path(&file.to_string_lossy());
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(source.join(&file), to).unwrap();
            }
        }
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A 24-bit WAV of noise that is the same for the same `seed`; `other` frames
    /// hold the noise of another seed.
    pub(crate) fn noise(&self, name: &str, rate: u32, seconds: u32, other: std::ops::Range<u32>) {
        let seed = name.bytes().fold(7_u64, |seed, byte| seed.wrapping_mul(31) ^ u64::from(byte));
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: rate,
            bits_per_sample: 24,
            sample_format: hound::SampleFormat::Int,
        };
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut wav = hound::WavWriter::create(path, spec).unwrap();
        for frame in 0..rate * seconds {
            let edit = u64::from(other.contains(&frame));
            let mixed =
                (u64::from(frame) ^ (seed ^ edit) << 24).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            // A twelfth of full scale at most, so that sums stay far from it.
            wav.write_sample(((mixed ^ (mixed >> 29)) as i32 >> 8) / 12).unwrap();
        }
        wav.finalize().unwrap();
    }

    /// The program with these arguments, separated by single spaces.
    pub(crate) fn rebounce(&self, arguments: &str) -> Run<'_> {
        let words = arguments.split(' ').filter(|word| !word.is_empty());
        let mut command = Command::new(env!("CARGO_BIN_EXE_rebounce"));
        command.args(words).current_dir(self.path("")).stdin(Stdio::null());
        Run { home: self, command, status: 0, stdout: String::new(), stderr: String::new() }
    }
}

/// One run of the program and what it should come to.
#[must_use = "nothing runs before `test`, `json` or `output`"]
pub(crate) struct Run<'a> {
    home: &'a Home,
    command: Command,
    status: i32,
    stdout: String,
    stderr: String,
}

impl Run<'_> {
    pub(crate) fn status(mut self, status: i32) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn stdout(mut self, text: &str) -> Self {
        self.stdout = text.to_owned();
        self
    }

    pub(crate) fn stderr(mut self, text: &str) -> Self {
        self.stderr = text.to_owned();
        self
    }

    pub(crate) fn output(mut self) -> Output {
        self.command.output().unwrap()
    }

    /// Runs and compares everything.
    pub(crate) fn test(mut self) {
        let output = self.command.output().unwrap();
        let said = |bytes: &[u8]| neutral(&String::from_utf8_lossy(bytes), self.home);
        let (stdout, stderr) = (said(&output.stdout), said(&output.stderr));
        let status = output.status.code().unwrap_or(-1);
        let same = (status, &stdout, &stderr) == (self.status, &self.stdout, &self.stderr);
        assert!(
            same,
            "{:?}\n-- status {status}, not {}\n-- stdout\n{stdout}-- not\n{}-- stderr\n{stderr}-- not\n{}--",
            self.command, self.status, self.stdout, self.stderr
        );
    }

    /// Runs; stdout must be one JSON value and nothing else.
    pub(crate) fn json(mut self) -> serde_json::Value {
        let output = self.command.output().unwrap();
        assert_eq!(output.status.code(), Some(self.status), "{:?}", self.command);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(neutral(&stderr, self.home), self.stderr);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
    }
}

/// The text without what differs from run to run: `in 1.2 s` and the folder.
pub(crate) fn neutral(text: &str, home: &Home) -> String {
    let folder = home.path("");
    let folder = folder.to_string_lossy();
    let text = text.replace(folder.trim_end_matches('/'), "[HOME]");
    let mut pieces = text.split(" in ");
    let mut neutral = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let took = digits.len() < piece.len() && digits.starts_with(" s");
        neutral += " in ";
        neutral += if took { "[TIME]" } else { "" };
        neutral += if took { digits } else { piece };
    }
    neutral
}
