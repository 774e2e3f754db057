//! The documents of a package, worded from its report: README.txt for people who
//! open the folder, QC.html for those who judge it, qc.json for machines, and
//! checksums. Values in, text out; knows no disk.

mod summary;

pub mod checksums;
pub mod html;
pub mod json;
pub mod readme;
pub mod publish;

use crate::qc::report::{PackageReport, Verdict};
use crate::qc::words::timecode;

/// The names of the documents.
pub const DOCUMENTS: [&str; 3] = ["README.txt", "QC.html", "qc.json"];

/// The documents worded from `report`, by their names in the package. Checksums
/// cover these too, so they are written after them ([`checksums::write`]).
pub fn documents(report: &PackageReport) -> Vec<(String, Vec<u8>)> {
    let texts = [readme::text(report), html::page(report), json::text(report)];
    let named = DOCUMENTS.into_iter().zip(texts);
    named.map(|(name, text)| (name.to_owned(), text.into_bytes())).collect()
}

/// The verdict in one line: `FAIL: 1 of 14 checks failed, 2 to look at`.
fn verdict_line(report: &PackageReport) -> String {
    let of = |verdict| report.findings.iter().filter(|f| f.verdict == verdict).count();
    let (all, failed, warned) = (report.findings.len(), of(Verdict::Fail), of(Verdict::Warn));
    match report.verdict() {
        Verdict::Pass => format!("PASS: all {all} checks passed"),
        Verdict::Warn => format!("WARN: {warned} of {all} checks to look at, none failed"),
        Verdict::Fail if warned == 0 => format!("FAIL: {failed} of {all} checks failed"),
        Verdict::Fail => format!("FAIL: {failed} of {all} checks failed, {warned} to look at"),
    }
}

/// A text from outside as one line without control characters.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace(char::is_control, "\u{FFFD}")
}

/// Where `bext` or the timeline puts the first sample, in words.
fn start_words(report: &PackageReport) -> String {
    let programme = &report.programme;
    if report.files.iter().any(|file| file.is_cut) {
        return "each file starts with its section".to_owned();
    }
    let mut words = vec!["every file starts at the same moment".to_owned()];
    if let Some(label) = timecode(programme, 0) {
        words.push(format!("timecode {label}"));
    }
    if report.bext {
        words.push(format!("bext TimeReference {}", programme.time_reference()));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qc::testing::song;

    #[test]
    fn a_package_has_three_documents_and_the_same_ones_each_time() {
        let documents = documents(&song());
        let names: Vec<&str> = documents.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["README.txt", "QC.html", "qc.json"]);
        assert_eq!(documents, super::documents(&song()));
        for (name, bytes) in &documents {
            assert!(bytes.ends_with(b"\n") && !bytes.contains(&b'\r'), "{name}");
        }
    }

    #[test]
    fn the_verdict_is_told_in_one_line() {
        let mut report = song();
        assert_eq!(verdict_line(&report), "FAIL: 2 of 13 checks failed, 1 to look at");
        report.findings.retain(|f| f.verdict != Verdict::Warn);
        assert_eq!(verdict_line(&report), "FAIL: 2 of 12 checks failed");
        report.findings = song().findings;
        report.findings.retain(|f| f.verdict != Verdict::Fail);
        assert_eq!(verdict_line(&report), "WARN: 1 of 11 checks to look at, none failed");
        report.findings.retain(|f| f.verdict == Verdict::Pass);
        assert_eq!(verdict_line(&report), "PASS: all 10 checks passed");
    }

    #[test]
    fn text_from_outside_cannot_break_lines() {
        assert_eq!(one_line(" a\r\nb\t c\u{7} "), "a b c\u{FFFD}");
    }
}
