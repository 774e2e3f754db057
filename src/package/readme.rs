//! README.txt: tells a stranger what they hold. 72 columns, LF, ASCII but for
//! the names that others gave.

use std::fmt::Write;

use super::{checksums, one_line, start_words, verdict_line};
use crate::manifest::delivery::{ORIGINAL, Programme, Version};
use crate::qc::judge::is_of_platform;
use crate::qc::report::{FileReport, Kind, NullKind, PackageReport, Verdict};
use crate::qc::words::{
    bar_one, compared_with, count, level, null_outcome, null_subject, places, tempo, unproven_words,
};
use crate::units::{FrameRate, Timecode};

const COLUMNS: usize = 72;
/// Width of the names in the table of files; a longer one has a line to itself.
const NAME_COLUMNS: usize = 36;

/// The text of README.txt.
pub fn text(report: &PackageReport) -> String {
    let mut page = Page::default();
    head(&mut page, report);
    format(&mut page, report);
    reel(&mut page, &report.programme);
    table(&mut page, &report.files);
    contents(&mut page, report);
    sums(&mut page, report);
    findings(&mut page, report);
    platforms(&mut page, report);
    sentences(&mut page, "By the spec", &report.spec_notes);
    sentences(&mut page, "Asked for and not judged here", &report.not_judged);
    page.heading("To verify");
    page.item(2, "In this folder:");
    page.item(6, &format!("b3sum --check {}", checksums::FILE_NAME));
    page.text
}

/// Text in the making.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    /// A section begins.
    fn heading(&mut self, title: &str) {
        let _ = write!(self.text, "\n{}\n\n", title.to_uppercase());
    }

    /// `Label         value`, wrapped under itself; nothing if the value is empty.
    fn entry(&mut self, label: &str, value: &str) {
        let value = one_line(value);
        if !value.is_empty() {
            self.wrapped(&format!("{label:<14}"), 14, &value);
        }
    }

    /// A paragraph `indent` columns in; further lines stand two more.
    fn item(&mut self, indent: usize, text: &str) {
        self.wrapped(&" ".repeat(indent), indent + 2, &one_line(text));
    }

    /// `first`, then `text` broken between words before column 72, each further
    /// line indented. A word that is too long stands on a line of its own.
    fn wrapped(&mut self, first: &str, indent: usize, text: &str) {
        let mut line = first.to_owned();
        let mut empty = true;
        for word in text.split(' ') {
            if !empty && line.chars().count() + 1 + word.chars().count() > COLUMNS {
                self.line(&line);
                line = " ".repeat(indent);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.line(&line);
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

/// The one value that all files have, if they agree.
fn common<T: PartialEq>(files: &[FileReport], value: impl Fn(&FileReport) -> T) -> Option<T> {
    let first = value(files.first()?);
    files.iter().all(|file| value(file) == first).then_some(first)
}

fn head(page: &mut Page, report: &PackageReport) {
    let project = &report.project;
    let title = match one_line(&project.title) {
        title if title.is_empty() => one_line(&report.deliverable),
        title => title,
    };
    page.line(&title);
    page.line(&"=".repeat(title.chars().count().min(COLUMNS)));
    page.line("");
    page.entry("Artist", &project.artist);
    page.entry("Composer", &project.composer);
    page.entry("Mixed by", &project.mixer);
    page.entry("Production", &project.production);
    page.entry("Part", &project.part);
    page.entry("Revision", &project.revision);
    page.entry("Package", &format!("{} ({})", report.deliverable, report.spec_title));
    page.entry("Versions", &versions(&report.files));
    page.entry("Verdict", &format!("{}; see QC.html", verdict_line(report)));
    page.entry("Date", &project.date);
    page.entry("Contact", &project.contact);
    page.entry("Licence", &project.licence);
    page.entry("Note", &report.notes);
}

/// The versions that files are of: `fr (fr-FR), clean`; empty if all are of the original.
fn versions(files: &[FileReport]) -> String {
    let told = |file: &FileReport| match &file.version {
        Some(Version { name, language }) if language.is_empty() => name.clone(),
        Some(Version { name, language }) => format!("{name} ({language})"),
        None => ORIGINAL.to_owned(),
    };
    let mut names: Vec<String> = files.iter().map(told).collect();
    names.dedup();
    if names == [ORIGINAL] { String::new() } else { names.join(", ") }
}

fn format(page: &mut Page, report: &PackageReport) {
    let (files, programme) = (&report.files, &report.programme);
    let differs = || "differs, see QC.html".to_owned();
    page.heading("Format");
    let rate = common(files, |file| file.sample_rate).map(|rate| rate.to_string());
    page.entry("Sample rate", &rate.unwrap_or_else(differs));
    let depth = common(files, FileReport::encoding_words);
    let dither = match files.iter().find(|file| file.bits == 16) {
        Some(file) if file.shaped => ", TPDF dither with shaped noise where the signal is finer",
        Some(_) => ", TPDF dither where the signal is finer",
        None => "",
    };
    page.entry("Word length", &(depth.unwrap_or_else(differs) + dither));
    let mut layouts: Vec<_> = files.iter().map(|f| (f.layout, !f.parts.is_empty())).collect();
    layouts.sort();
    layouts.dedup();
    for (layout, split) in layouts {
        let order = match (layout.width(), split) {
            (1, _) => String::new(),
            (_, true) => format!(", a mono file for each of {}", layout.spelled()),
            (_, false) => format!(", in this order: {}", layout.spelled()),
        };
        page.entry("Channels", &format!("{layout}{order}"));
    }
    let length = common(files, |file| file.frames).map(|frames| {
        let clock = programme.sample_rate.clock(frames);
        format!("{}, {clock}, the same for every file", count(frames, "sample"))
    });
    page.entry("Length", &length.unwrap_or_else(differs));
    page.entry("Start", &start_words(report));
    page.entry("Tempo", &tempo(programme).unwrap_or_default());
    page.entry("Key", &report.project.key);
    let meter = programme.meter.as_ref().map(ToString::to_string);
    page.entry("Meter", &meter.unwrap_or_default());
    page.entry("Bar 1", &bar_one(programme).unwrap_or_default());
}

/// Reel data, for a programme with picture.
fn reel(page: &mut Page, programme: &Programme) {
    let Some(rate) = programme.frame_rate else { return };
    page.heading("Reel");
    let counting = if rate.is_drop_frame() { "drop-frame" } else { "non-drop" };
    page.entry("Frame rate", &format!("{rate} fps, {counting} timecode"));
    let first_sample = programme.start.map(|start| start.label(rate));
    page.entry("First sample", &first_sample.unwrap_or_default());
    for (label, words, timecode) in [
        ("FFOA", "first frame of action", programme.first_frame),
        ("LFOA", "last frame of action", programme.last_frame),
    ] {
        let placed = timecode.map(|timecode| placed(programme, rate, timecode));
        page.entry(label, &placed.map(|text| format!("{text} ({words})")).unwrap_or_default());
    }
    if let Some((first, last)) = programme.first_frame.zip(programme.last_frame) {
        let frames = (last.frames() + 1).saturating_sub(first.frames());
        page.entry("Action", &count(frames, "video frame"));
    }
}

/// A frame of action and the sample of the files at which it starts.
fn placed(programme: &Programme, rate: FrameRate, timecode: Timecode) -> String {
    let label = timecode.label(rate);
    let sample = timecode.samples_since_midnight(rate, programme.sample_rate);
    match sample.checked_sub(programme.time_reference()) {
        Some(sample) => format!("{label}, at sample {sample}"),
        None => label,
    }
}

/// Names and figures, one line per file.
fn table(page: &mut Page, files: &[FileReport]) {
    page.heading("Files");
    let width = files.iter().map(|file| file.path.chars().count()).max().unwrap_or(0);
    let width = width.clamp(4, NAME_COLUMNS);
    let row = |name: &str, layout: &str, peak: &str, loudness: &str| {
        format!("  {name:<width$}  {layout:<6}  {peak:>10}  {loudness:>10}")
    };
    page.line(&row("File", "Format", "True peak", "Loudness"));
    for file in files {
        let path = one_line(&file.path);
        let peak = level(file.measures.true_peak_dbtp, "dBTP", 1, "silence");
        let loudness = level(file.measures.integrated_lufs, "LUFS", 1, "-");
        let path = if path.chars().count() > width {
            page.line(&format!("  {path}"));
            String::new()
        } else {
            path
        };
        page.line(&row(&path, file.layout.name(), &peak, &loudness));
    }
    if let Some(split) = files.iter().find(|file| !file.parts.is_empty()) {
        page.line("");
        let first = &split.parts[0].path;
        let text =
            format!("Braces stand for several files, one for each channel: {first} and so on.");
        page.item(2, &text);
    }
}

/// What each file holds and what was done to it.
fn contents(page: &mut Page, report: &PackageReport) {
    let files = &report.files;
    page.heading("What each file holds");
    for file in files {
        page.item(2, &file.path);
        let role = if file.role.is_empty() { "" } else { &format!(" ({})", file.role) };
        page.item(6, &format!("{}{role}: {}", capital(file.kind), file.contains.join(", ")));
        if let Some(Version { name, language }) = &file.version {
            let spoken = if language.is_empty() { "" } else { &format!(", in {language}") };
            page.item(6, &format!("Version {name}{spoken}"));
        }
        if !file.notes.is_empty() {
            page.item(6, &format!("Baked in: {}", file.notes));
        }
        for line in &file.processing {
            page.item(6, &format!("Processed: {line}"));
        }
        if file.gain.db() != 0.0 {
            let gain = level(Some(file.gain.db()), "dB", 2, "");
            page.item(6, &format!("Gain of the whole: {gain}"));
        }
    }
    if !report.set.is_empty() {
        page.item(2, "All files");
    }
    for line in &report.set {
        page.item(6, line);
    }
    if report.set.is_empty() && files.iter().all(|file| file.gain.db() == 0.0) {
        page.line("");
        page.item(2, "No gain was applied to any file as a whole.");
    }
}

fn capital(kind: Kind) -> &'static str {
    match kind {
        Kind::Track => "Track",
        Kind::Stem => "Stem",
        Kind::Mix => "Mix",
    }
}

fn sums(page: &mut Page, report: &PackageReport) {
    let stems = report.files.iter().filter(|file| file.kind == Kind::Stem).count();
    if stems < 2 && report.nulls.is_empty() && report.unproven.is_empty() {
        return;
    }
    page.heading("How the files sum");
    if stems > 1 {
        let versioned = report.files.iter().any(|file| file.version.is_some());
        let which = if versioned { " of one version" } else { "" };
        let each = "together from the same start, each at unity gain.";
        page.item(2, &format!("Play the stems{which} {each}"));
    }
    let delivered = |of: &str| report.files.iter().any(|file| file.path == of);
    let mut nulls = report.nulls.iter();
    let summed = nulls.any(|null| null.kind == NullKind::Stems || !delivered(&null.of));
    if stems > 1 && !summed && report.unproven.is_empty() {
        page.item(2, "Their sum is compared with nothing: no mix of them is in this package.");
    }
    for null in &report.nulls {
        let outcome = null_outcome(null, &report.files, &report.programme);
        let subject = null_subject(null, &report.files);
        let text = format!("{subject} against {}: {outcome}.", compared_with(null));
        page.item(2, &text);
    }
    for unproven in &report.unproven {
        page.item(2, &format!("{}: {}.", unproven.of, unproven_words(unproven)));
    }
}

/// What is not as asked; what passed stands in QC.html.
fn findings(page: &mut Page, report: &PackageReport) {
    let mut open: Vec<_> = report.findings.iter().filter(|f| f.verdict > Verdict::Pass).collect();
    if open.is_empty() {
        return;
    }
    // Failures first; the sort keeps the order of the checks.
    open.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    page.heading("To know");
    for finding in open {
        let file = if finding.file.is_empty() { "package" } else { &finding.file };
        let mut text =
            format!("{} {file}: {}.", finding.verdict.name().to_uppercase(), finding.message);
        if !finding.spans.is_empty() {
            let _ = write!(text, " Where: {}.", places(&report.programme, finding));
        }
        page.item(2, &text);
    }
}

/// What platforms would do to the level of the mixes.
fn platforms(page: &mut Page, report: &PackageReport) {
    let all: Vec<_> = report.findings.iter().filter(|finding| is_of_platform(finding)).collect();
    if all.is_empty() {
        return;
    }
    page.heading("On platforms that normalise");
    for finding in all {
        page.item(2, &format!("{}: {}.", finding.file, finding.message));
    }
}

/// Sentences of the spec under a heading; nothing if there are none.
fn sentences(page: &mut Page, heading: &str, sentences: &[String]) {
    if sentences.is_empty() {
        return;
    }
    page.heading(heading);
    for sentence in sentences {
        page.item(2, sentence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qc::measures::NullVerdict;
    use crate::qc::report::NullReport;
    use crate::qc::testing::{against_reference, film, null, song};

    #[test]
    fn the_read_me_of_a_song() {
        assert_eq!(text(&song()), include_str!("testdata/song.txt"));
    }

    #[test]
    fn the_read_me_of_a_film() {
        assert_eq!(text(&film()), include_str!("testdata/film.txt"));
    }

    #[test]
    fn lines_end_at_column_72_whatever_the_names() {
        let mut report = song();
        report.project.contact = "word ".repeat(60);
        report.files[0].path = "stems/NightDrive_drums_96bpm_48k_24b_v12.wav".into();
        report.files[0].notes = "a note\nthat breaks ".repeat(9);
        let text = text(&report);
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert!(text.contains("\n  stems/NightDrive_drums_96bpm_48k_24b_v12.wav\n     "), "{text}");
    }

    #[test]
    fn files_that_differ_are_said_to_differ() {
        let mut report = song();
        report.files[0].frames += 1;
        report.files[0].bits = 16;
        let text = text(&report);
        assert!(text.contains("Length        differs, see QC.html\n"), "{text}");
        assert!(text.contains("Word length   differs, see QC.html, TPDF dither where"), "{text}");
    }

    #[test]
    fn stems_without_a_mix_say_so() {
        let mut report = song();
        report.files.pop();
        report.nulls.clear();
        let text = text(&report);
        assert!(text.contains("Their sum is compared with nothing: no mix of them"), "{text}");
    }

    #[test]
    fn stems_of_a_mix_that_stays_at_home_are_held_against_its_reference() {
        let mut report = song();
        report.files.pop();
        let parts = vec!["drums".into(), "bass".into()];
        report.nulls = vec![NullReport {
            of: "full".into(),
            parts,
            ..against_reference(null(NullVerdict::Exact))
        }];
        let text = text(&report);
        let sums = text.split("HOW THE FILES SUM").nth(1).unwrap();
        let sums = sums.split("TO KNOW").next().unwrap();
        assert_eq!(
            sums,
            "\n\n  Play the stems together from the same start, each at unity gain.\n  \
             full (summed from drums + bass) against the reference\n    \
             print/mix_v7.wav: nulls to digital silence: every sample is equal,\n    \
             bit for bit.\n\n"
        );
    }
}
