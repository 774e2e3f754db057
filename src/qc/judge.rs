//! Facts held against limits. Pure; measures nothing and decides nothing about
//! what becomes of a package.
//!
//! Limits come from the spec. What no spec needs to say (nothing is cut, nothing
//! is silent, all files match) is checked always. A limit is judged on the
//! unrounded figure; every limit that was checked leaves a finding, passed or not.

mod action;
mod always;
mod platform;

use std::collections::BTreeMap;

use crate::manifest::delivery::Programme;
use crate::qc::measures::{NullVerdict, Place, Span};
use crate::qc::report::{
    FileReport, Finding, FindingSpan, Kind, NullKind, NullReport, Unproven, Verdict,
};
use crate::qc::words::{
    apart, channel_name, compared_with, count, level, null_outcome, unproven_words,
};
use crate::spec::{Check, Limit, Scope, Spec};
use crate::units::dbfs;

pub use action::Action;

/// Source of the checks that hold for any package.
const ANY_PACKAGE: &str = "rebounce, for any package";
/// Source of the null test's steps; no public standard sets a figure.
const NULL_STEPS: &str = "rebounce, as no standard sets a figure: \
    pass up to -90 dBFS (one step of 16 bits), warn from a null depth of 60 dB";

/// Holds the files and null tests of a package against `spec`.
pub fn judge(
    spec: &Spec,
    programme: &Programme,
    action: Action,
    files: &[FileReport],
    nulls: &[NullReport],
) -> Vec<Finding> {
    let limits = limits(spec);
    let mut held = Vec::new();
    for limit in &limits {
        let within = files.iter().filter(|file| applies(limit, file));
        held.extend(within.filter_map(|file| Some((limit, hold(limit, file)?))));
        let around = action::hold(limit, programme, action, files);
        held.extend(around.into_iter().map(|finding| (limit, finding)));
    }
    let mut findings = settle(held);
    findings.extend(always::same_length(programme, files));
    findings.extend(always::same_rate(programme, files));
    findings.extend(always::same_depth(files));
    findings.extend(always::not_cut(files));
    findings.extend(always::not_silent(files));
    findings.extend(always::bits_in_use(files));
    for null in nulls {
        findings.push(null_test(&limits, null, files, programme));
        findings.extend(reference_length(null, programme));
    }
    findings.extend(platform::reports(&spec.reports, files));
    findings
}

/// Whether a finding only reports what a platform would do.
pub fn is_of_platform(finding: &Finding) -> bool {
    finding.check == platform::PLATFORM_GAIN
}

/// Of limits that share a name it is enough that a file meets one.
fn settle(held: Vec<(&Limit, Finding)>) -> Vec<Finding> {
    let met: BTreeMap<(String, String), &'static str> = held
        .iter()
        .filter(|(limit, finding)| !limit.either.is_empty() && finding.verdict == Verdict::Pass)
        .map(|(limit, finding)| ((limit.either.clone(), finding.file.clone()), finding.check))
        .collect();
    let settled = held.into_iter().map(|(limit, finding)| {
        let other = met.get(&(limit.either.clone(), finding.file.clone()));
        match other.filter(|_| finding.verdict > Verdict::Pass) {
            Some(other) => Finding {
                verdict: Verdict::Pass,
                message: format!(
                    "{}; {other} is as asked, and one of the two is enough",
                    finding.message
                ),
                cause: String::new(),
                spans: Vec::new(),
                ..finding
            },
            None => finding,
        }
    });
    settled.collect()
}

/// The spec's limits, and one for DC where it sets none.
fn limits(spec: &Spec) -> Vec<Limit> {
    let mut limits = spec.limits.clone();
    if !limits.iter().any(|limit| limit.check == Check::DcOffset) {
        limits.push(Limit {
            check: Check::DcOffset,
            scope: Scope::All,
            role: String::new(),
            min: None,
            max: Some(-60.0),
            fails: false,
            either: String::new(),
            source: "rebounce, as the spec sets no figure".into(),
        });
    }
    limits
}

fn applies(limit: &Limit, file: &FileReport) -> bool {
    let in_scope = match limit.scope {
        Scope::All => true,
        Scope::Tracks => file.kind == Kind::Track,
        Scope::Stems => file.kind == Kind::Stem,
        Scope::Mixes => file.kind == Kind::Mix,
    };
    in_scope && (limit.role.is_empty() || limit.role == file.role)
}

/// Stable name, name in a sentence, and unit of what a limit measures.
fn terms(check: Check) -> (&'static str, &'static str, &'static str) {
    match check {
        Check::SamplePeak => ("sample-peak", "sample peak", "dBFS"),
        Check::TruePeak => ("true-peak", "true peak", "dBTP"),
        Check::Integrated => ("integrated-loudness", "integrated loudness", "LUFS"),
        Check::ShortTerm => ("short-term-loudness", "highest short-term loudness", "LUFS"),
        Check::Momentary => ("momentary-loudness", "highest momentary loudness", "LUFS"),
        Check::LoudnessRange => ("loudness-range", "loudness range", "LU"),
        Check::DcOffset => ("dc-offset", "DC offset", "dBFS"),
        Check::StemNull => ("stem-null", "null of the stems", "dBFS"),
        Check::ReferenceNull => ("reference-null", "null against the reference", "dBFS"),
        Check::HeadPadding => ("head-padding", "head", "s"),
        Check::TailPadding => ("tail-padding", "tail", "s"),
        Check::LengthDifference => {
            ("length-difference", "difference to the length of the action", "s")
        }
    }
}

/// The figure of `file` that `check` is about, and the channel it stands in
/// where one channel decides. `None` for checks that are not of one file.
fn measured(check: Check, file: &FileReport) -> Option<(Option<f64>, Option<usize>)> {
    let measures = &file.measures;
    Some(match check {
        Check::SamplePeak => {
            let place = measures.sample_peak_at;
            (measures.sample_peak_dbfs, place.map(|place| place.channel.into()))
        }
        Check::TruePeak => {
            let peaks = measures.channels.iter().map(|channel| channel.true_peak_dbtp);
            let peaks = peaks.map(|peak| peak.unwrap_or(f64::NEG_INFINITY));
            (measures.true_peak_dbtp, highest(peaks))
        }
        Check::Integrated => (measures.integrated_lufs, None),
        Check::ShortTerm => (measures.max_short_term_lufs, None),
        Check::Momentary => (measures.max_momentary_lufs, None),
        Check::LoudnessRange => (measures.loudness_range_lu, None),
        Check::DcOffset => {
            let channel = highest(measures.dc_offset.iter().map(|mean| mean.abs()));
            (channel.and_then(|index| dbfs(measures.dc_offset[index].abs())), channel)
        }
        Check::StemNull
        | Check::ReferenceNull
        | Check::HeadPadding
        | Check::TailPadding
        | Check::LengthDifference => return None,
    })
}

/// Index of the highest value, the first of equals.
fn highest(values: impl Iterator<Item = f64>) -> Option<usize> {
    let by_value = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0));
    values.enumerate().max_by(by_value).map(|(index, _)| index)
}

/// Where a value stands to a limit.
enum Stand {
    Within,
    Below(f64),
    Above(f64),
}

/// Silence lies below any minimum and under any maximum; what is not a number
/// is never within.
fn stand(limit: &Limit, value: Option<f64>) -> Stand {
    let value = value.unwrap_or(f64::NEG_INFINITY);
    match (limit.min, limit.max) {
        (Some(min), _) if value < min || value.is_nan() => Stand::Below(min),
        (_, Some(max)) if value > max || value.is_nan() => Stand::Above(max),
        _ => Stand::Within,
    }
}

/// Holds one figure of one file against one limit.
fn hold(limit: &Limit, file: &FileReport) -> Option<Finding> {
    let (value, channel) = measured(limit.check, file)?;
    let (check, words, unit) = terms(limit.check);
    let channel = channel.and_then(|index| channel_name(file.layout, index));
    let finding = Finding {
        value,
        limit: limit.max.or(limit.min),
        unit,
        source: limit.source.clone(),
        ..passed(check, &file.path)
    };
    let (side, bound) = match stand(limit, value) {
        Stand::Within => {
            let message = format!("{words} {}", level(value, unit, 2, "none (silence)"));
            return Some(Finding { message, ..finding });
        }
        Stand::Below(min) => ("below the lowest", min),
        Stand::Above(max) => ("above the highest", max),
    };
    let place = channel.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
    let message = match value {
        Some(value) => {
            let (value, bound) = apart(value, bound);
            format!("{words} {value} {unit}{place} is {side} allowed, {bound} {unit}")
        }
        None => format!(
            "{words} cannot be measured (silence), at least {} is asked for",
            level(Some(bound), unit, 2, "")
        ),
    };
    Some(Finding {
        verdict: missed(limit),
        message,
        limit: Some(bound),
        cause: cause(limit.check, value.map(|value| bound - value)),
        spans: if limit.check == Check::SamplePeak { peak_span(file) } else { Vec::new() },
        ..finding
    })
}

fn missed(limit: &Limit) -> Verdict {
    if limit.fails { Verdict::Fail } else { Verdict::Warn }
}

/// What to do about a miss of `change` units.
fn cause(check: Check, change: Option<f64>) -> String {
    match (check, change) {
        (Check::LoudnessRange, _) => "the programme is more, or less, dynamic than asked".into(),
        (Check::DcOffset, _) => {
            "a converter or plug-in adds a constant; a high-pass filter removes it".into()
        }
        (_, Some(change)) if change < 0.0 => {
            // Rounded up, so that doing exactly what is said is enough.
            format!("lower it by {:.2} dB or more", (-change * 100.0).ceil() / 100.0)
        }
        (_, Some(change)) => {
            format!("raise it by {:.2} dB or more", (change * 100.0).ceil() / 100.0)
        }
        (_, None) => "there is nothing to be heard in it".into(),
    }
}

/// The highest sample; none in silence.
fn peak_span(file: &FileReport) -> Vec<FindingSpan> {
    let span = file.measures.sample_peak_at.map(|Place { frame, channel }| FindingSpan {
        from_frame: frame,
        to_frame: frame + 1,
        channel: channel_name(file.layout, channel.into()),
    });
    span.into_iter().collect()
}

/// A finding that passed and says nothing yet; `file` is empty for the package.
fn passed(check: &'static str, file: &str) -> Finding {
    Finding { check, file: file.to_owned(), source: ANY_PACKAGE.into(), ..Finding::default() }
}

fn limited_by(kind: &NullKind) -> Check {
    match kind {
        NullKind::Reference { .. } => Check::ReferenceNull,
        NullKind::Stems => Check::StemNull,
    }
}

/// Whether `finding` is what came of that null test.
pub fn is_of_null(finding: &Finding, null: &NullReport) -> bool {
    finding.check == terms(limited_by(&null.kind)).0 && finding.file == null.of
}

/// A spec's limit decides if there is one, else the steps of the null test.
fn null_test(
    limits: &[Limit],
    null: &NullReport,
    files: &[FileReport],
    programme: &Programme,
) -> Finding {
    let check = limited_by(&null.kind);
    let peak = null.result.peak_dbfs;
    let limit = limits.iter().find(|limit| limit.check == check);
    let verdict = match (limit, null.verdict) {
        (Some(limit), _) if matches!(stand(limit, peak), Stand::Within) => Verdict::Pass,
        (Some(limit), _) => missed(limit),
        (None, NullVerdict::Exact | NullVerdict::Quantisation | NullVerdict::Pass) => Verdict::Pass,
        (None, NullVerdict::Warn) => Verdict::Warn,
        (None, NullVerdict::Fail) => Verdict::Fail,
    };
    let (name, _, unit) = terms(check);
    let spans = null.result.spans.iter();
    let allowed = limit.and_then(|limit| limit.max);
    let allowed =
        allowed.map(|max| format!(" (the spec allows {})", level(Some(max), unit, 2, "")));
    Finding {
        verdict,
        message: format!(
            "against {} it {}{}",
            compared_with(null),
            null_outcome(null, files, programme),
            allowed.unwrap_or_default()
        ),
        value: peak,
        limit: limit.and_then(|limit| limit.max),
        unit,
        source: limit.map_or_else(|| NULL_STEPS.to_owned(), |limit| limit.source.clone()),
        cause: if verdict == Verdict::Pass { String::new() } else { null_cause(null, files) },
        spans: spans
            .map(|&Span { from_frame, to_frame }| FindingSpan {
                from_frame,
                to_frame,
                channel: None,
            })
            .collect(),
        spans_left_out: null.result.spans_left_out,
        ..passed(name, &null.of)
    }
}

/// What can make a mix differ, in so far as the report alone can tell.
fn null_cause(null: &NullReport, files: &[FileReport]) -> String {
    let mix = files.iter().find(|file| file.path == null.of);
    match (&null.kind, mix) {
        (NullKind::Reference { .. }, _) => "the session audio is not what the reference was \
            printed from, or the print went through processing that the manifest does not name"
            .into(),
        (NullKind::Stems, Some(mix)) if mix.gain.db() != 0.0 => format!(
            "the mix has a gain of {} that the stems do not have",
            level(Some(mix.gain.db()), "dB", 2, "")
        ),
        (NullKind::Stems, _) => {
            "the mix holds something that the stems do not, or the other way round".into()
        }
    }
}

/// A reference of another length was printed from another timeline.
fn reference_length(null: &NullReport, programme: &Programme) -> Option<Finding> {
    let NullKind::Reference { shown, treated: _ } = &null.kind else { return None };
    let off = null.length_difference.unsigned_abs();
    let finding = passed("reference-length", &null.of);
    if off == 0 {
        let message = format!("the reference {shown} is as long as the programme");
        return Some(Finding { message, ..finding });
    }
    let side = if null.length_difference > 0 { "longer" } else { "shorter" };
    Some(Finding {
        verdict: Verdict::Warn,
        message: format!(
            "the reference {shown} is {} ({}) {side} than the programme",
            count(off, "frame"),
            programme.sample_rate.clock(off)
        ),
        value: Some(null.length_difference as f64),
        limit: Some(0.0),
        unit: "frames",
        cause: "another start or end was chosen when it was printed; set `tail` or `at`".into(),
        ..finding
    })
}

/// Mixes that no null test can prove, where the spec asks for that proof.
pub fn unproven(spec: &Spec, mixes: &[Unproven]) -> Vec<Finding> {
    let Some(limit) = spec.limits.iter().find(|limit| limit.check == Check::StemNull) else {
        return Vec::new();
    };
    let finding = |mix: &Unproven| Finding {
        check: "stem-null",
        verdict: Verdict::Warn,
        file: mix.of.clone(),
        message: unproven_words(mix),
        source: limit.source.clone(),
        cause: "deliver the stems that are missing, or leave the mix out".to_owned(),
        ..Finding::default()
    };
    mixes.iter().map(finding).collect()
}

#[cfg(test)]
mod tests;
