//! QC.html: one page that needs nothing else, no script, no font, no network. It
//! reads in light and dark, on paper, and with a screen reader: verdicts are
//! words, colour only repeats them.

use std::cmp::Reverse;
use std::fmt::Write;

use super::{one_line, start_words, verdict_line};
use crate::qc::report::{FileReport, Finding, PackageReport, Verdict};
use crate::qc::words::{
    compared_with, count, level, null_outcome, null_subject, places, unproven_words,
};

const STYLE: &str = include_str!("qc.css");

/// The text of QC.html.
pub fn page(report: &PackageReport) -> String {
    let title = match one_line(&report.project.title) {
        title if title.is_empty() => report.deliverable.clone(),
        title => format!("{title}, {}", report.deliverable),
    };
    let title = escape(&title);
    let verdict = report.verdict().name();
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>QC: {title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header>\n<h1>{title}</h1>\n<p class=\"verdict {verdict}\">{}</p>\n</header>\n",
        escape(&verdict_line(report))
    );
    html += &programme(report);
    html += &findings(report);
    html += &nulls(report);
    html += &files(&report.files);
    html += &checks(report);
    html += &digests(&report.files);
    html + "</main>\n</body>\n</html>\n"
}

/// Text as HTML shows it, on one line: nothing from outside becomes markup.
fn escape(text: &str) -> String {
    let mut safe = String::new();
    for c in one_line(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Controls of writing direction could show one name as another.
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => safe.push('\u{FFFD}'),
            c => safe.push(c),
        }
    }
    safe
}

/// A cell of a table, already HTML, and its class in the style sheet.
struct Cell {
    html: String,
    class: &'static str,
}

fn words(text: &str) -> Cell {
    Cell { html: escape(text), class: "words" }
}

/// A name that is to stay on one line where there is room.
fn name(text: &str) -> Cell {
    Cell { html: escape(text), class: "name" }
}

fn figure(text: &str) -> Cell {
    Cell { html: escape(text), class: "figure" }
}

/// The word and, for the eye, its colour.
fn verdict(verdict: Verdict) -> Cell {
    let name = verdict.name();
    let html = format!("<span class=\"tag {name}\">{}</span>", name.to_uppercase());
    Cell { html, class: "name" }
}

/// A table under its heading; the first cell of a row is the row's heading.
/// Without rows there is nothing to show.
fn table(title: &str, columns: &[&str], rows: &[Vec<Cell>]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let mut html = format!("<section>\n<h2>{title}</h2>\n<div class=\"wide\">\n<table>\n<tr>");
    // A column's heading stands as its cells do.
    for (column, Cell { class, .. }) in columns.iter().zip(first) {
        let _ = write!(html, "<th scope=\"col\" class=\"{class}\">{column}</th>");
    }
    html += "</tr>\n";
    for row in rows {
        html += "<tr>";
        for (index, Cell { html: cell, class }) in row.iter().enumerate() {
            let _ = match index {
                0 => write!(html, "<th scope=\"row\" class=\"{class}\">{cell}</th>"),
                _ => write!(html, "<td class=\"{class}\">{cell}</td>"),
            };
        }
        html += "</tr>\n";
    }
    html + "</table>\n</div>\n</section>\n"
}

/// What the page is about, as terms and values; empty values are left out.
fn programme(report: &PackageReport) -> String {
    let (project, programme) = (&report.project, &report.programme);
    let rate = programme.sample_rate;
    let length = format!("{} ({})", count(programme.frames, "frame"), rate.clock(programme.frames));
    let picture = programme.frame_rate.map(|rate| format!("{rate} fps")).unwrap_or_default();
    let mut html = "<dl>\n".to_owned();
    for (term, value) in [
        ("Artist", project.artist.as_str()),
        ("Composer", &project.composer),
        ("Mixed by", &project.mixer),
        ("Production", &project.production),
        ("Part", &project.part),
        ("Revision", &project.revision),
        ("Date", &project.date),
        ("Contact", &project.contact),
        ("Licence", &project.licence),
        ("Note", &report.notes),
        ("Spec", &format!("{} ({})", report.spec_title, report.spec)),
        ("Programme", &format!("{length} at {rate}")),
        ("Picture", &picture),
        ("Start", &start_words(report)),
        ("All files", &report.set.join("; ")),
    ] {
        if !value.is_empty() {
            let _ = writeln!(html, "<dt>{term}</dt><dd>{}</dd>", escape(value));
        }
    }
    html + "</dl>\n"
}

fn file_name(finding: &Finding) -> &str {
    if finding.file.is_empty() { "all files" } else { &finding.file }
}

/// What did not pass, failures first.
fn findings(report: &PackageReport) -> String {
    let mut open: Vec<&Finding> =
        report.findings.iter().filter(|finding| finding.verdict > Verdict::Pass).collect();
    open.sort_by_key(|finding| Reverse(finding.verdict));
    if open.is_empty() {
        return "<section>\n<h2>Findings</h2>\n<p>None.</p>\n</section>\n".into();
    }
    let rows: Vec<Vec<Cell>> = open
        .iter()
        .map(|finding| {
            vec![
                verdict(finding.verdict),
                name(file_name(finding)),
                words(&finding.message),
                words(&places(&report.programme, finding)),
                words(&finding.cause),
                words(&finding.source),
            ]
        })
        .collect();
    table("Findings", &["Verdict", "File", "What", "Where", "Why, and what to do", "Source"], &rows)
}

fn nulls(report: &PackageReport) -> String {
    let rows: Vec<Vec<Cell>> = report
        .nulls
        .iter()
        .map(|null| {
            let result = &null.result;
            vec![
                name(&null_subject(null, &report.files)),
                words(&compared_with(null)),
                words(&null_outcome(null, &report.files, &report.programme)),
                figure(&level(result.peak_dbfs, "dBFS", 2, "silence")),
                figure(&level(result.rms_dbfs, "dBFS", 2, "silence")),
                figure(&level(result.null_depth_db, "dB", 2, "complete")),
            ]
        })
        .chain(report.unproven.iter().map(|unproven| {
            let none = || figure("");
            vec![
                name(&unproven.of),
                words("the delivered stems"),
                words(&unproven_words(unproven)),
                none(),
                none(),
                none(),
            ]
        }))
        .collect();
    let columns = ["Mix", "Against", "Outcome", "Peak", "RMS", "Null depth"];
    table("Null tests", &columns, &rows)
}

fn files(files: &[FileReport]) -> String {
    let rows: Vec<Vec<Cell>> = files
        .iter()
        .map(|file| {
            let measures = &file.measures;
            let number = |value, none| figure(&level(value, "", 2, none));
            let bits = measures.effective_bits.map_or("-".into(), |bits| bits.to_string());
            vec![
                name(&file.path),
                words(&format!("{} {}: {}", file.kind.name(), file.name, file.contains.join(", "))),
                name(&format!("{}, {}", file.encoding_words(), file.layout.spelled())),
                number(measures.sample_peak_dbfs, "silence"),
                number(measures.true_peak_dbtp, "silence"),
                number(measures.integrated_lufs, "-"),
                number(measures.max_short_term_lufs, "-"),
                number(measures.max_momentary_lufs, "-"),
                number(measures.loudness_range_lu, "-"),
                number(measures.correlation, "-"),
                figure(&bits),
            ]
        })
        .collect();
    let columns = [
        "File",
        "Holds",
        "Format",
        "Peak, dBFS",
        "True peak, dBTP",
        "Integrated, LUFS",
        "Short-term max, LUFS",
        "Momentary max, LUFS",
        "Range, LU",
        "Correlation",
        "Bits in use",
    ];
    table("Files", &columns, &rows)
}

/// Every check, what passed included: a reader wants to see what was looked at.
fn checks(report: &PackageReport) -> String {
    let rows: Vec<Vec<Cell>> = report
        .findings
        .iter()
        .map(|finding| {
            let number = |value| figure(&level(value, finding.unit, 2, ""));
            vec![
                name(finding.check),
                verdict(finding.verdict),
                name(file_name(finding)),
                number(finding.value),
                number(finding.limit),
                words(&finding.message),
                words(&finding.source),
            ]
        })
        .collect();
    let columns = ["Check", "Verdict", "File", "Measured", "Limit", "What", "Source"];
    table("All checks", &columns, &rows)
}

fn digests(files: &[FileReport]) -> String {
    let rows: Vec<Vec<Cell>> = files
        .iter()
        .flat_map(|file| match file.parts.as_slice() {
            [] => vec![(&file.path, &file.blake3)],
            parts => parts.iter().map(|part| (&part.path, &part.blake3)).collect(),
        })
        .map(|(path, blake3)| {
            let digest = format!("<code>{}</code>", escape(blake3));
            vec![name(path), Cell { html: digest, class: "words" }]
        })
        .collect();
    table("Digests", &["File", "BLAKE3"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qc::testing::{film, song};

    #[test]
    fn text_from_outside_never_becomes_markup() {
        let hostile = "<script>alert('x')</script>&\"\u{202E}";
        let mut report = song();
        report.project.title = hostile.into();
        report.project.contact = hostile.into();
        report.deliverable = hostile.into();
        report.files[0].path = hostile.into();
        report.files[0].contains = vec![hostile.into()];
        report.nulls[0].of = hostile.into();
        report.findings[0].message = hostile.into();
        report.findings[0].source = hostile.into();
        let html = page(&report);
        assert!(!html.contains("<script") && !html.contains('\u{202E}'), "{html}");
        let safe = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;\u{FFFD}";
        assert!(html.contains(&format!("<th scope=\"row\" class=\"name\">{safe}</th>")), "{html}");
    }

    #[test]
    fn the_page_needs_nothing_else() {
        let html = page(&song());
        for outside in ["http://", "https://", "src=", "href=", "url(", "@import", "<script"] {
            assert!(!html.contains(outside), "{outside}");
        }
    }

    #[test]
    fn failures_come_first_and_each_verdict_is_a_word() {
        let html = findings(&song());
        let tags: Vec<&str> = html.split("<span class=\"tag ").skip(1).collect();
        let words: Vec<&str> = tags.iter().map(|tag| &tag[..10]).collect();
        assert_eq!(words, ["fail\">FAIL", "fail\">FAIL", "warn\">WARN"]);
        assert!(html.contains("0:12.000 (bar 5 beat 4.2) to 0:13.000"), "{html}");
    }

    #[test]
    fn every_tag_that_opens_closes() {
        for report in [song(), film()] {
            let html = page(&report);
            for tag in ["main", "section", "table", "tr", "th", "td", "dl", "span", "code"] {
                let open = html.matches(&format!("<{tag}>")).count()
                    + html.matches(&format!("<{tag} ")).count();
                assert_eq!(open, html.matches(&format!("</{tag}>")).count(), "{tag}");
            }
        }
    }

    #[test]
    fn rows_are_as_wide_as_their_headings() {
        let html = page(&song());
        for table in html.split("<table>").skip(1) {
            let table = table.split("</table>").next().unwrap();
            let widths: Vec<usize> = table
                .lines()
                .filter(|line| line.starts_with("<tr>"))
                .map(|line| line.matches("</th>").count() + line.matches("</td>").count())
                .collect();
            assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
        }
    }

    #[test]
    fn a_clean_package_has_no_findings_and_all_its_checks() {
        let html = page(&film());
        assert!(html.contains("<h2>Findings</h2>\n<p>None.</p>"));
        assert!(html.contains("<p class=\"verdict pass\">PASS: all 11 checks passed</p>"));
        assert!(html.contains("<th scope=\"row\" class=\"name\">true-peak</th>"));
    }

    #[test]
    fn a_mix_that_cannot_be_proven_stands_among_the_null_tests() {
        let html = nulls(&film());
        assert!(html.contains(
            "<th scope=\"row\" class=\"name\">SHORT_me.wav</th>\
             <td class=\"words\">the delivered stems</td>\
             <td class=\"words\">not proven from this package: E is not among the delivered stems"
        ));
    }
}
