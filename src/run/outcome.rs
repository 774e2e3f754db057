//! What a build came to: for the terminal, for programs, for the shell.

use std::fmt::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::diag::Diagnostics;
use crate::key::Key;
use crate::key::reason::{Reason, times};
use crate::qc::report::Verdict;
use crate::qc::words::count;
use crate::units::SampleRate;

/// What became of all packages, or would become of them.
pub struct Outcome {
    /// Frames per second of everything.
    sample_rate: SampleRate,
    /// Whether nothing was done and this says what would be.
    planned: bool,
    /// One per deliverable, in the order of the manifest.
    pub packages: Vec<PackageOutcome>,
    /// Folders of packages that the manifest no longer names.
    pub removed: Vec<PathBuf>,
    /// Problems that `-k` let pass.
    pub problems: Diagnostics,
    elapsed: Duration,
}

/// What became of one package.
pub struct PackageOutcome {
    /// Name of the deliverable.
    pub name: String,
    /// Its folder.
    pub path: PathBuf,
    /// The worst of its findings.
    pub verdict: Verdict,
    /// Its audio files.
    pub files: Vec<FileOutcome>,
    /// Whether it was published anew.
    pub published: bool,
    /// What its proof says, in a few lines.
    pub lines: Vec<String>,
}

/// What became of one audio file.
pub struct FileOutcome {
    /// Path within the package.
    pub path: String,
    /// Whether it was written anew.
    pub built: bool,
    /// Its length in segments.
    pub segments_total: usize,
    /// Segments that were rendered for it.
    pub rendered: Vec<Range<usize>>,
    /// BLAKE3 of its bytes.
    pub blake3: Key,
    /// Why it was written; empty if it was not.
    pub reasons: Vec<Reason>,
}

impl FileOutcome {
    /// A file that was as it should be.
    pub fn kept(path: &str, segments_total: usize, blake3: Key) -> Self {
        Self {
            path: path.to_owned(),
            built: false,
            segments_total,
            rendered: Vec::new(),
            blake3,
            reasons: Vec::new(),
        }
    }

    fn segments_rendered(&self) -> usize {
        self.rendered.iter().map(Range::len).sum()
    }
}

impl Outcome {
    /// Nothing yet; `planned` if it is to say what would be done.
    pub(super) fn new(sample_rate: SampleRate, planned: bool) -> Self {
        Self {
            sample_rate,
            planned,
            packages: Vec::new(),
            removed: Vec::new(),
            problems: Diagnostics::default(),
            elapsed: Duration::ZERO,
        }
    }

    /// Adds the folders that were removed.
    pub(super) fn with_removed(mut self, removed: Vec<PathBuf>) -> Self {
        self.removed = removed;
        self
    }

    /// Adds how long it took, and what `-k` let pass.
    pub(super) fn finish(mut self, elapsed: Duration, problems: Diagnostics) -> Self {
        self.elapsed = elapsed;
        self.problems = problems;
        self
    }

    /// The worst verdict of all packages.
    pub fn verdict(&self) -> Verdict {
        self.packages.iter().map(|package| package.verdict).max().unwrap_or_default()
    }

    /// 0 all built and passed, 1 a check failed, 2 something could not be built.
    pub fn exit_status(&self) -> u8 {
        match self.verdict() {
            _ if self.problems.has_errors() => 2,
            Verdict::Fail => 1,
            Verdict::Pass | Verdict::Warn => 0,
        }
    }

    fn nothing_done(&self) -> bool {
        self.removed.is_empty() && self.packages.iter().all(|package| !package.published)
    }

    /// The text for stdout. Paths are shown relative to `here` where they lie in it.
    pub fn text(&self, here: &Path) -> String {
        let mut text = String::new();
        if self.nothing_done() {
            let _ = writeln!(text, "nothing to do: {}", self.totals(""));
            for package in self.packages.iter().filter(|p| p.verdict == Verdict::Fail) {
                let report = relative(&package.path.join("QC.html"), here);
                let _ = writeln!(text, "{} fails its checks, see {report}", package.name);
            }
            return text;
        }
        for package in &self.packages {
            self.package_text(&mut text, package, here);
        }
        for folder in &self.removed {
            let folder = relative(folder, here);
            let removed = if self.planned { "would remove" } else { "removed" };
            let _ = writeln!(text, "{removed} {folder}: the manifest no longer asks for it");
        }
        if !self.removed.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(text, "{}", self.totals(&self.took()));
        text
    }

    /// One line, for `watch`.
    pub fn line(&self, here: &Path) -> String {
        let idle = if self.nothing_done() { "nothing to do: " } else { "" };
        let mut line = format!("{idle}{}", self.totals(&self.took()));
        for folder in &self.removed {
            let _ = write!(line, "; removed {}", relative(folder, here));
        }
        line
    }

    /// ` in 0.9 s`; nothing of what was only planned.
    fn took(&self) -> String {
        let seconds = self.elapsed.as_secs_f64();
        if self.planned { String::new() } else { format!(" in {seconds:.1} s") }
    }

    fn package_text(&self, text: &mut String, package: &PackageOutcome, here: &Path) {
        // What is only planned has no verdict yet.
        let verdict =
            if self.planned { String::new() } else { package.verdict.name().to_uppercase() };
        let folder = relative(&package.path, here);
        let _ = writeln!(text, "{verdict:<5} {}  ->  {folder}/", package.name);
        if !package.published {
            let _ = writeln!(text, "      up to date: {} files\n", package.files.len());
            return;
        }
        if package.files.iter().any(|file| file.built) {
            self.files_text(text, &package.files);
        } else {
            let would = if self.planned { "would be " } else { "" };
            let files = package.files.len();
            let _ =
                writeln!(text, "      up to date: {files} files; documents {would}written anew");
        }
        for line in &package.lines {
            let _ = writeln!(text, "      {line}");
        }
        text.push('\n');
    }

    fn files_text(&self, text: &mut String, files: &[FileOutcome]) {
        let width = files.iter().map(|file| file.path.chars().count()).max().unwrap_or(0);
        for file in files {
            let state = self.file_state(file);
            let _ = write!(text, "      {:width$}  {state}", file.path);
            // How it is rendered stands behind why.
            let is_why = |reason: &&Reason| !matches!(reason, Reason::Whole { .. });
            let (why, how): (Vec<&Reason>, Vec<&Reason>) = file.reasons.iter().partition(is_why);
            let words = |reason: &Reason| reason.words(self.sample_rate);
            let mut parts: Vec<String> = why.first().map(|one| words(one)).into_iter().collect();
            if let Some(more @ 1..) = why.len().checked_sub(1) {
                parts[0] += &format!(", and {more} more");
            }
            parts.extend(how.into_iter().map(words));
            let said = if parts.is_empty() { "" } else { ": " };
            let _ = writeln!(text, "{said}{}", parts.join("; "));
        }
    }

    fn file_state(&self, file: &FileOutcome) -> String {
        let rendered = if self.planned { "would render" } else { "rendered" };
        match file.segments_rendered() {
            _ if !file.built => "up to date".to_owned(),
            0 if self.planned => "would be written anew, nothing to render".to_owned(),
            0 => "written anew, nothing rendered".to_owned(),
            n if n == file.segments_total => format!("{rendered} {n} s"),
            n => format!("{rendered} {n} of {} s ({})", file.segments_total, times(&file.rendered)),
        }
    }

    /// `3 packages, 17 files: 5 written, 84 of 612 seconds rendered in 0.9 s; all checks passed`.
    fn totals(&self, took: &str) -> String {
        let files = || self.packages.iter().flat_map(|package| &package.files);
        let written = files().filter(|file| file.built).count();
        let rendered: usize = files().map(FileOutcome::segments_rendered).sum();
        let total: usize = files().map(|file| file.segments_total).sum();
        let work = if written == 0 {
            " up to date".to_owned()
        } else {
            let would = if self.planned { "to be " } else { "" };
            format!(": {written} {would}written, {rendered} of {total} seconds {would}rendered")
        };
        let verdict = match self.verdict() {
            _ if self.planned => "",
            Verdict::Pass => "; all checks passed",
            Verdict::Warn => "; checks passed with warnings",
            Verdict::Fail => "; CHECKS FAILED",
        };
        let packages = count(self.packages.len() as u64, "package");
        let files = count(files().count() as u64, "file");
        format!("{packages}, {files}{work}{took}{verdict}")
    }

    /// The object of `build --json`.
    pub fn json(&self) -> Value {
        let file = |file: &FileOutcome| {
            json!({
                "path": file.path,
                "state": match (file.built, self.planned) {
                    (false, _) => "up-to-date",
                    (true, false) => "built",
                    (true, true) => "stale",
                },
                "segments_total": file.segments_total,
                "segments_rendered": file.segments_rendered(),
                "rendered": file.rendered.iter().map(|r| [r.start, r.end]).collect::<Vec<_>>(),
                "reasons": file.reasons.iter().map(|r| r.words(self.sample_rate)).collect::<Vec<_>>(),
                "blake3": file.blake3.hex(),
            })
        };
        let package = |package: &PackageOutcome| {
            json!({
                "name": package.name,
                "path": package.path,
                "verdict": package.verdict.name(),
                "files": package.files.iter().map(file).collect::<Vec<_>>(),
            })
        };
        json!({
            "verdict": self.verdict().name(),
            "deliverables": self.packages.iter().map(package).collect::<Vec<_>>(),
            "removed": self.removed,
            "problems": self.problems.iter().map(|p| p.title().to_owned()).collect::<Vec<_>>(),
            "elapsed_s": self.elapsed.as_secs_f64(),
        })
    }
}

/// A path as seen from a folder, if it lies in it.
pub fn relative(path: &Path, here: &Path) -> String {
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}
