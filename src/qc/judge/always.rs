//! What no spec needs to say: files match each other, nothing is cut, nothing is silent.

use super::{passed, peak_span};
use crate::manifest::delivery::Programme;
use crate::qc::report::{FileReport, Finding, Kind, Verdict};
use crate::qc::words::count;

/// One finding for each file that `differs` describes, or one that all passed.
fn all_files(
    check: &'static str,
    files: &[FileReport],
    all_well: impl Fn(&FileReport) -> String,
    differs: impl Fn(&FileReport) -> Option<Finding>,
) -> Vec<Finding> {
    let findings: Vec<Finding> = files.iter().filter_map(differs).collect();
    match files.first() {
        Some(first) if findings.is_empty() => {
            vec![Finding { message: all_well(first), ..passed(check, "") }]
        }
        _ => findings,
    }
}

pub(super) fn same_length(programme: &Programme, files: &[FileReport]) -> Vec<Finding> {
    let clock =
        |frames| format!("{} ({})", count(frames, "frame"), programme.sample_rate.clock(frames));
    all_files(
        "length",
        files,
        |first| match files.iter().all(|file| file.frames == first.frames) {
            true => format!("every file is {} long", clock(first.frames)),
            false => "every file is as long as what it holds".to_owned(),
        },
        |file| {
            let off = file.frames.abs_diff(file.planned_frames);
            let side = if file.frames > file.planned_frames { "long" } else { "short" };
            let what = if file.planned_frames == programme.frames { "the programme" } else { "it" };
            (off > 0).then(|| Finding {
                verdict: Verdict::Fail,
                message: format!(
                    "is {} long where {what} is {}: {} too {side}",
                    clock(file.frames),
                    clock(file.planned_frames),
                    count(off, "frame")
                ),
                value: Some(file.frames as f64),
                limit: Some(file.planned_frames as f64),
                unit: "frames",
                cause: "files that differ in length do not line up when they are placed".into(),
                ..passed("length", &file.path)
            })
        },
    )
}

pub(super) fn same_rate(programme: &Programme, files: &[FileReport]) -> Vec<Finding> {
    let rate = programme.sample_rate;
    all_files(
        "sample-rate",
        files,
        |_| format!("every file is at {rate}"),
        |file| {
            (file.sample_rate != rate).then(|| Finding {
                verdict: Verdict::Fail,
                message: format!("is at {}, the programme at {rate}", file.sample_rate),
                value: Some(f64::from(file.sample_rate.hz())),
                limit: Some(f64::from(rate.hz())),
                unit: "Hz",
                cause: "played beside the others it runs at another speed".into(),
                ..passed("sample-rate", &file.path)
            })
        },
    )
}

pub(super) fn same_depth(files: &[FileReport]) -> Vec<Finding> {
    let Some(first) = files.first() else { return Vec::new() };
    all_files(
        "bit-depth",
        files,
        |first| format!("every file is {}", first.encoding_words()),
        |file| {
            ((file.bits, file.float) != (first.bits, first.float)).then(|| Finding {
                verdict: Verdict::Fail,
                message: format!(
                    "is {} where {} is {}",
                    file.encoding_words(),
                    first.path,
                    first.encoding_words()
                ),
                value: Some(f64::from(file.bits)),
                limit: Some(f64::from(first.bits)),
                unit: "bits",
                cause: "all files of a package are to have one word length".into(),
                ..passed("bit-depth", &file.path)
            })
        },
    )
}

/// `12 samples above full scale`, and in which channels.
fn overs_by_channel(file: &FileReport) -> String {
    let overs = file.measures.overs;
    let total = format!("{} above full scale", count(overs, "sample"));
    let cut: Vec<_> = file.measures.channels.iter().filter(|c| c.overs > 0).collect();
    match cut.as_slice() {
        [one] if file.layout.width() > 1 => {
            format!("{total}{} in {}", if overs > 1 { ", all" } else { "" }, one.channel)
        }
        [] | [_] => total,
        several => {
            let each: Vec<String> =
                several.iter().map(|c| format!("{} in {}", c.overs, c.channel)).collect();
            format!("{total} ({})", each.join(", "))
        }
    }
}

/// Integer files cut what goes past full scale; float files carry it, and the
/// next tool may cut it.
pub(super) fn not_cut(files: &[FileReport]) -> Vec<Finding> {
    all_files(
        "overs",
        files,
        |_| "no sample of any file goes past full scale".into(),
        |file| {
            let measures = &file.measures;
            (measures.overs > 0).then(|| {
                let samples = overs_by_channel(file);
                // The true peak of a cut wave is less than that of the whole one.
                let lower = match measures.true_peak_dbtp {
                    Some(peak) if peak > 0.0 => {
                        format!("by {:.2} dB at the least", (peak * 100.0).ceil() / 100.0)
                    }
                    _ => "its gain".into(),
                };
                let (verdict, message, cause) = if file.float {
                    (
                        Verdict::Warn,
                        format!("{samples}: float holds what is cut in integer files"),
                        format!("lower the {} {lower} before it is converted", file.kind.name()),
                    )
                } else {
                    (
                        Verdict::Fail,
                        format!("{samples}: clipped in the {} file", file.encoding_words()),
                        format!("lower the {} {lower}, or deliver 32-bit float", file.kind.name()),
                    )
                };
                Finding {
                    verdict,
                    message,
                    value: Some(measures.overs as f64),
                    limit: Some(0.0),
                    unit: "samples",
                    cause,
                    spans: peak_span(file),
                    ..passed("overs", &file.path)
                }
            })
        },
    )
}

/// A stem may rightly be silent in this programme; a mix never is.
pub(super) fn not_silent(files: &[FileReport]) -> Vec<Finding> {
    all_files(
        "silence",
        files,
        |_| "no file is digital silence throughout".into(),
        |file| {
            file.measures.silent.then(|| Finding {
                verdict: if file.kind == Kind::Mix { Verdict::Fail } else { Verdict::Warn },
                message: "is digital silence throughout".into(),
                cause: match file.contains.as_slice() {
                    [] => "it sums nothing".into(),
                    names => format!("nothing sounds in {}", names.join(", ")),
                },
                ..passed("silence", &file.path)
            })
        },
    )
}

/// A word length that promises more than the samples hold: 16-bit audio in a
/// 24-bit file. Between the two lie honest converters of 18 and 20 bits.
pub(super) fn bits_in_use(files: &[FileReport]) -> Vec<Finding> {
    all_files(
        "effective-bits",
        files,
        |_| "no file holds audio of a shorter word length than it declares".into(),
        |file| {
            let used = file.measures.effective_bits.filter(|_| !file.measures.silent)?;
            (!file.float && file.bits > 16 && used <= 16).then(|| Finding {
                verdict: Verdict::Warn,
                message: format!("is {} and uses only {used} bits", file.encoding_words()),
                value: Some(f64::from(used)),
                limit: Some(f64::from(file.bits)),
                unit: "bits",
                cause: "the session audio is of 16 bits or fewer, or was bounced that way".into(),
                ..passed("effective-bits", &file.path)
            })
        },
    )
}
