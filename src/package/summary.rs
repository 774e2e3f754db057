//! What a terminal shows under a package that was built: one line for each way
//! its null tests came out, then what did not pass.

use std::cmp::Reverse;

use super::one_line;
use crate::qc::judge::is_of_null;
use crate::qc::measures::NullVerdict;
use crate::qc::report::{FileReport, Finding, Kind, NullKind, NullReport, PackageReport, Verdict};
use crate::qc::words::{places, unproven_words};

/// Findings that are shown; QC.html has all.
const FINDINGS_SHOWN: usize = 5;

impl PackageReport {
    /// How the package came out, in a few lines for the one who built it. A null
    /// test that did not pass is told once, by its finding.
    pub fn summary(&self) -> Vec<String> {
        let mut open: Vec<&Finding> =
            self.findings.iter().filter(|finding| finding.verdict > Verdict::Pass).collect();
        // Failures first; the sort keeps the order of the checks.
        open.sort_by_key(|finding| Reverse(finding.verdict));
        let told = |null: &NullReport| open.iter().any(|finding| is_of_null(finding, null));
        let nulls = alike(self.nulls.iter().filter(|null| !told(null)));
        let mut lines: Vec<String> = nulls.iter().map(|nulls| self.null_line(nulls)).collect();
        lines.extend(self.unproven_line());
        lines.extend(open.iter().take(FINDINGS_SHOWN).map(|finding| self.finding_line(finding)));
        if open.len() > FINDINGS_SHOWN {
            lines.push(format!("and {} more, see QC.html", open.len() - FINDINGS_SHOWN));
        }
        lines.iter().map(|line| one_line(line)).collect()
    }

    /// One line for null tests that came out alike.
    fn null_line(&self, nulls: &[&NullReport]) -> String {
        let of = self.names(nulls.iter().map(|null| null.of.as_str()));
        let one = nulls[0];
        let how = match one.verdict {
            NullVerdict::Exact => "bit for bit",
            NullVerdict::Quantisation => "but for the rounding of the last bit",
            NullVerdict::Pass => "but for less than one step of 16 bits",
            NullVerdict::Warn | NullVerdict::Fail => "within what the spec allows",
        };
        let outcome = match (&one.kind, nulls.len()) {
            (NullKind::Reference { shown, treated: _ }, 1) if !self.delivers(&one.of) => {
                format!("{} {how}", self.summed(one, shown))
            }
            (NullKind::Reference { shown, treated: _ }, count) => {
                let verb = if count == 1 { "nulls" } else { "null" };
                let same = nulls.iter().all(|null| null.kind == one.kind);
                let print = if same { shown } else { "their references" };
                match one.verdict {
                    NullVerdict::Exact => format!("{verb} {how} against {print}"),
                    _ => format!("{verb} against {print} {how}"),
                }
            }
            (NullKind::Stems, 1) => format!("{} {how}", self.summed(one, "it")),
            (NullKind::Stems, _) => format!("the delivered stems sum to them {how}"),
        };
        format!("{of}: {outcome}")
    }

    fn delivers(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }

    /// Which of the delivered stems make up a mix; `it` is that mix, or its print.
    fn summed(&self, null: &NullReport, it: &str) -> String {
        let mix = self.files.iter().find(|file| file.path == null.of);
        let of_one_version = |file: &&FileReport| mix.is_none_or(|mix| mix.version == file.version);
        let stems = self.files.iter().filter(|file| file.kind == Kind::Stem);
        let delivered = stems.filter(of_one_version).count();
        match null.parts.as_slice() {
            [stem] => format!("the delivered stem {stem} equals {it}"),
            all if all.len() == delivered => format!("the {delivered} delivered stems sum to {it}"),
            some => format!("{} of the {delivered} delivered stems sum to {it}", some.len()),
        }
    }

    fn unproven_line(&self) -> Option<String> {
        let first = self.unproven.first()?;
        // Where the spec asks for the proof, findings say so.
        if self.findings.iter().any(|f| f.check == "stem-null" && f.file == first.of) {
            return None;
        }
        let of = self.names(self.unproven.iter().map(|unproven| unproven.of.as_str()));
        let same = self.unproven.iter().all(|unproven| unproven.missing == first.missing);
        Some(if same {
            format!("{of}: {}", unproven_words(first))
        } else {
            format!("{of}: not proven from this package: not all of their stems are delivered")
        })
    }

    fn finding_line(&self, finding: &Finding) -> String {
        let verdict = if finding.verdict == Verdict::Fail { "FAIL" } else { "warn" };
        let file = match finding.file.as_str() {
            "" => "all files".to_owned(),
            path => self.names([path]),
        };
        let places = match places(&self.programme, finding) {
            places if places.is_empty() => places,
            places => format!(" ({places})"),
        };
        format!("{verdict}: {file}: {}{places}", finding.message)
    }

    /// Files by their names in the manifest, which are shorter than their paths.
    fn names<'a>(&'a self, paths: impl IntoIterator<Item = &'a str>) -> String {
        let name = |path: &'a str| {
            let file = self.files.iter().find(|file| file.path == path);
            file.map_or(path, |file| file.name.as_str())
        };
        paths.into_iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

/// Null tests of one kind that came out in one way, together; each group stands
/// where its first test stood.
fn alike<'a>(nulls: impl Iterator<Item = &'a NullReport>) -> Vec<Vec<&'a NullReport>> {
    let key = |null: &NullReport| (null.kind == NullKind::Stems, null.verdict);
    let mut groups: Vec<Vec<&NullReport>> = Vec::new();
    for null in nulls {
        match groups.iter_mut().find(|group| key(group[0]) == key(null)) {
            Some(group) => group.push(null),
            None => groups.push(vec![null]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qc::report::Unproven;
    use crate::qc::testing::{against_reference, file, film, null, song};

    /// The song with null tests of these mixes, and nothing found.
    fn clean(nulls: Vec<NullReport>) -> PackageReport {
        let mut report = PackageReport { nulls, findings: Vec::new(), ..song() };
        for mix in ["instrumental", "tv"] {
            report.files.push(file(&format!("{mix}.wav"), Kind::Mix, &["drums"]));
        }
        report
    }

    fn of(mix: &str, null: NullReport) -> NullReport {
        NullReport { of: format!("{mix}.wav"), ..null }
    }

    #[test]
    fn a_song_that_failed() {
        assert_eq!(
            song().summary().join("\n"),
            "full: the 2 delivered stems sum to it bit for bit\n\
             FAIL: full: true peak -0.40 dBTP in L is above the highest allowed, -1.00 dBTP\n\
             FAIL: full: against the reference print/mix_v7.wav it does not null: peak of the \
             difference -40.2 dBFS in R at 0:12.500 (bar 6), null depth 42.4 dB (0:12.000 (bar 5 beat 4.2) to \
             0:13.000 (bar 6 beat 1.8))\n\
             warn: bass: is digital silence throughout"
        );
    }

    #[test]
    fn a_film_that_cannot_be_proven() {
        assert_eq!(
            film().summary(),
            ["SHORT_me: not proven from this package: E is not among the delivered stems"]
        );
    }

    #[test]
    fn null_tests_that_came_out_alike_share_a_line() {
        let exact = || null(NullVerdict::Exact);
        let print = |mix| {
            let shown = format!("print/{mix}_v1.flac");
            NullReport { kind: NullKind::Reference { shown, treated: false }, ..of(mix, exact()) }
        };
        let rounded = null(NullVerdict::Quantisation);
        let nulls = vec![print("full"), rounded, of("instrumental", exact()), of("tv", exact())];
        assert_eq!(
            clean(nulls).summary().join("\n"),
            "full: nulls bit for bit against print/full_v1.flac\n\
             full: the 2 delivered stems sum to it but for the rounding of the last bit\n\
             instrumental, tv: the delivered stems sum to them bit for bit"
        );
        assert_eq!(
            clean(vec![print("full"), print("tv")]).summary(),
            ["full, tv: null bit for bit against their references"]
        );
    }

    #[test]
    fn each_step_and_each_number_of_stems_has_its_words() {
        let line = |null| clean(vec![null]).summary().join("\n");
        assert_eq!(
            line(against_reference(null(NullVerdict::Pass))),
            "full: nulls against print/mix_v7.wav but for less than one step of 16 bits"
        );
        assert_eq!(
            line(null(NullVerdict::Warn)),
            "full: the 2 delivered stems sum to it within what the spec allows"
        );
        let of_stems = |parts: &[&str], delivered: usize| {
            let parts = parts.iter().map(|part| (*part).to_owned()).collect();
            let mut report = clean(vec![NullReport { parts, ..null(NullVerdict::Exact) }]);
            let stem = report.files[0].clone();
            report.files.resize(report.files.len() + delivered - 2, stem);
            report.summary().join("\n")
        };
        assert_eq!(of_stems(&["drums"], 2), "full: the delivered stem drums equals it bit for bit");
        assert_eq!(
            of_stems(&["drums", "bass"], 6),
            "full: 2 of the 6 delivered stems sum to it bit for bit"
        );
    }

    #[test]
    fn stems_of_a_mix_that_stays_at_home_sum_to_it() {
        let mut report = clean(vec![NullReport {
            of: "full".into(),
            parts: vec!["drums".into(), "bass".into()],
            ..against_reference(null(NullVerdict::Exact))
        }]);
        report.files.retain(|file| file.kind == Kind::Stem);
        assert_eq!(
            report.summary(),
            ["full: the 2 delivered stems sum to print/mix_v7.wav bit for bit"]
        );
    }

    #[test]
    fn mixes_that_lack_different_stems_share_a_line() {
        let lacks = |mix: &str, stem: &str| Unproven {
            of: format!("{mix}.wav"),
            missing: vec![stem.into()],
        };
        let line = |unproven| PackageReport { unproven, ..clean(Vec::new()) }.summary().join("\n");
        assert_eq!(
            line(vec![lacks("full", "vox"), lacks("tv", "vox")]),
            "full, tv: not proven from this package: vox is not among the delivered stems"
        );
        assert_eq!(
            line(vec![lacks("full", "vox"), lacks("tv", "bgv")]),
            "full, tv: not proven from this package: not all of their stems are delivered"
        );
    }

    #[test]
    fn failures_come_first_and_many_findings_are_cut_short() {
        let mut report = clean(Vec::new());
        let finding = |verdict, message: &str| Finding {
            verdict,
            file: "tv.wav".into(),
            message: message.into(),
            ..Finding::default()
        };
        report.findings = vec![finding(Verdict::Warn, "is dull\u{1b}[2J\nand long"); 6];
        report.findings.push(Finding { file: String::new(), ..finding(Verdict::Fail, "are cut") });
        let lines = report.summary();
        assert_eq!(
            lines[..2],
            ["FAIL: all files: are cut", "warn: tv: is dull\u{FFFD}[2J and long"]
        );
        assert_eq!(lines[5..], ["and 2 more, see QC.html"]);
    }
}
