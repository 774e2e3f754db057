//! Gains that follow from what is measured: normalisation of a signal, and of a set.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::delivery::{Action, Guard, Normalize, Part, Settled, Step, Target};
use super::links::{Links, Names, named};
use super::raw::{Manifest, Text};
use super::resolve::Faults;
use crate::diag::{Diagnostic, Diagnostics};
use crate::record;
use crate::yaml::record::{At, Scalar};

record! {
    /// A normalisation: one gain for a whole signal, to the hundredth of a decibel.
    pub RawNormalize: "a loudness in LUFS like `-14`, or a map like `{ loudness: -14 }`",
    short loudness;
    /// The integrated loudness it is brought to, in LUFS.
    loudness: Option<At<Loudness>>,
    /// The sample peak it is brought to, in dBFS.
    peak: Option<At<Peak>>,
    /// The true peak it is brought to, in dBTP. Beside `loudness`: what the true peak
    /// must not pass.
    true_peak: Option<At<Peak>>,
    /// The stem or mix whose loudness counts, such as the dialogue stem; the signal
    /// itself unless given.
    by: Option<Text>,
    /// What is done if the true peak would pass `true_peak`: lower, limit or refuse.
    /// Lower unless given.
    guard: Option<At<Guard>>,
}

/// A loudness in LUFS.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Loudness(f64);

impl Scalar for Loudness {
    const EXPECTED: &'static str = "a loudness from -70 to 0 LUFS, like `-14` or `-14 LUFS`";

    fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix("LUFS").or(text.strip_suffix("LKFS")).unwrap_or(text);
        number.trim().parse().ok().filter(|lufs| (-70.0..=0.0).contains(lufs)).map(Self)
    }

    fn schema() -> Json {
        let written = json!({ "type": "string", "pattern": "^-?[0-9.]+ ?(LUFS|LKFS)$" });
        json!({ "anyOf": [{ "type": "number", "minimum": -70, "maximum": 0 }, written] })
    }
}

/// A peak in dBFS or dBTP.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Peak(f64);

impl Scalar for Peak {
    const EXPECTED: &'static str = "a peak from -100 to 20 dB, like `-1` or `-1 dBTP`";

    fn parse(text: &str) -> Option<Self> {
        let units = ["dBTP", "dBFS", "dB"];
        let number = units.iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(text);
        number.trim().parse().ok().filter(|db| (-100.0..=20.0).contains(db)).map(Self)
    }

    fn schema() -> Json {
        let written = json!({ "type": "string", "pattern": "^-?[0-9.]+ ?(dBTP|dBFS|dB)$" });
        json!({ "anyOf": [{ "type": "number", "minimum": -100, "maximum": 20 }, written] })
    }
}

impl Scalar for Guard {
    const EXPECTED: &'static str = "`lower`, `limit` or `refuse`";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "lower" => Some(Guard::Lower),
            "limit" => Some(Guard::Limit),
            "refuse" => Some(Guard::Refuse),
            _ => None,
        }
    }

    fn schema() -> Json {
        json!({ "enum": <Guard as Scalar>::names() })
    }

    fn names() -> Vec<&'static str> {
        vec!["lower", "limit", "refuse"]
    }
}

/// The step of a chain that normalises.
pub(super) fn step(
    raw: &At<RawNormalize>,
    names: &Names<'_>,
    misread: bool,
    problems: &mut Diagnostics,
) -> Option<Step> {
    let normalize = resolve(raw, names, misread, problems)?;
    Some(Step { words: normalize.words(), action: Action::Normalize(normalize) })
}

/// What is asked for, or `None` with the reason told.
pub(super) fn resolve(
    raw: &At<RawNormalize>,
    names: &Names<'_>,
    misread: bool,
    problems: &mut Diagnostics,
) -> Option<Normalize> {
    let RawNormalize { loudness, peak, true_peak, by, guard } = &raw.value;
    let mut refuse = |error: Diagnostic| {
        problems.push(error);
        None
    };
    let (target, ceiling) = match (loudness, peak, true_peak) {
        (Some(loudness), None, ceiling) => (Target::Loudness(loudness.value.0), ceiling.as_ref()),
        (None, Some(peak), None) => (Target::SamplePeak(peak.value.0), None),
        (None, None, Some(peak)) => (Target::TruePeak(peak.value.0), None),
        // What could not be read has been told.
        (None, None, None) if misread => return None,
        (None, None, None) => {
            let error = Diagnostic::error("what should it be normalised to?").at(&raw.span, "");
            return refuse(error.help("write `loudness: -14`, `true_peak: -1` or `peak: -3`"));
        }
        (_, Some(peak), _) => {
            let error = Diagnostic::error("a signal is normalised to one thing");
            let error = error.at(&peak.span, "there is another");
            return refuse(error.help("a loudness can go with a `true_peak` that guards it"));
        }
    };
    let ceiling = match (ceiling, guard) {
        (Some(at), _) if at.value.0 > 0.0 => {
            let error = Diagnostic::error("a true peak cannot be guarded above full scale");
            return refuse(error.at(&at.span, "").help("-1 is usual"));
        }
        (Some(at), guard) => {
            Some((at.value.0, guard.as_ref().map_or(Guard::Lower, |guard| guard.value)))
        }
        (None, Some(guard)) => {
            let error = Diagnostic::error("a `guard` goes with a loudness and a true peak");
            let help = "write `{ loudness: -14, true_peak: -1, guard: lower }`";
            return refuse(error.at(&guard.span, "guards nothing").help(help));
        }
        (None, None) => None,
    };
    let by = match by.as_ref().map(|by| names.find(by, &["stem", "mix"])).transpose() {
        Ok(by) => by,
        Err(error) => return refuse(error),
    };
    let by_name = raw.value.by.as_ref().map_or(String::new(), |by| by.value.clone());
    Some(Normalize { target, by, by_name, ceiling, settled: None, span: raw.span.clone() })
}

/// One gain for a set: by the highest peak of its files, or by the loudness of one
/// signal, which must be named.
pub(super) fn of_set(
    raw: &At<RawNormalize>,
    names: &Names<'_>,
    misread: bool,
    found: &mut Diagnostics,
) -> Option<Normalize> {
    let normalize = resolve(raw, names, misread, found)?;
    if matches!(normalize.target, Target::Loudness(_)) && normalize.by.is_none() {
        let error = Diagnostic::error("whose loudness counts for the whole package?");
        let help = "write `{ loudness: -23, by: NAME }` with a mix or stem; all files get its gain";
        found.push(error.at(&raw.span, "one gain for all files").help(help));
        return None;
    }
    if let Some((_, Guard::Limit)) = normalize.ceiling {
        let error = Diagnostic::error("a set that is limited file by file no longer sums");
        let help = "use `guard: lower`, or limit in the `process` of a mix";
        found.push(error.at(&raw.span, "").help(help));
        return None;
    }
    Some(normalize)
}

/// What a gain follows from, by its loudness or as a key, must not follow from the gain,
/// and must itself be sound.
pub(super) fn check(
    manifest: &Manifest,
    links: &Links,
    chains: &BTreeMap<Part, Vec<Step>>,
    faults: &mut Faults,
) {
    let counts = |part: Part| {
        let steps = chains.get(&part).into_iter().flatten();
        steps.filter_map(Step::follows)
    };
    for part in chains.keys().copied() {
        for (by, span) in counts(part) {
            if faults.bad.contains(&by) {
                faults.bad.insert(part);
            }
            let (mut heard, mut open) = (BTreeSet::from([by]), vec![by]);
            while let Some(next) = open.pop() {
                let sums = links.sums.get(&next).into_iter().flatten().map(|link| link.part);
                open.extend(
                    sums.chain(counts(next).map(|(by, _)| by)).filter(|p| heard.insert(*p)),
                );
            }
            if heard.contains(&part) {
                let (name, by) = (named(manifest, part).0, named(manifest, by).0);
                let title = format!("the gain of `{name}` would follow from itself");
                let error = Diagnostic::error(title).at(span, format!("`{by}` hears `{name}`"));
                faults.spoil(part, error.help("take something that does not hear it"));
            }
        }
    }
}

impl Normalize {
    /// What is asked for and, once it is known, the gain:
    /// `normalised to -14 LUFS: gain -3.21 dB`.
    pub fn words(&self) -> String {
        let mut words = match self.target {
            Target::Loudness(lufs) => format!("normalised to {lufs} LUFS"),
            Target::TruePeak(db) => format!("normalised to a true peak of {db} dBTP"),
            Target::SamplePeak(db) => format!("normalised to a peak of {db} dBFS"),
        };
        if self.by.is_some() {
            words += &format!(" by {}", self.by_name);
        }
        if let Some((ceiling, guard)) = self.ceiling {
            words += &match guard {
                Guard::Lower => format!(", lower if its true peak would pass {ceiling} dBTP"),
                Guard::Limit => format!(", limited to {ceiling} dBTP"),
                Guard::Refuse => format!(", its true peak no higher than {ceiling} dBTP"),
            };
        }
        if let Some(Settled { gain, limit }) = self.settled {
            words += &format!(": gain {} dB", gain.db());
            if let Some(ceiling) = limit {
                words += &format!(", then a true-peak limiter at {ceiling} dBTP");
            }
        }
        words
    }
}
