//! The value that everything said about a package is worded from.
//!
//! Facts and findings, names and settings, in one place and without any text of
//! a document: `package` turns it into README.txt, QC.html and qc.json.

use serde::{Deserialize, Serialize};

use crate::audio::layout::{Channel, Layout};
use crate::audio::wav::Encoding;
use crate::manifest::delivery::{
    Content, Deliverable, DeliveredFile, Delivery, Programme, Project, Version,
};
use crate::qc::contents::{contents, processing};
use crate::qc::judge::{self, Action, judge};
use crate::qc::measures::{Measures, NullResult, NullVerdict};
use crate::units::{Gain, SampleRate};

/// How a check came out, from good to bad.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As required.
    #[default]
    Pass,
    /// Somebody should look.
    Warn,
    /// The recipient would send it back.
    Fail,
}

impl Verdict {
    /// `pass`, `warn` or `fail`.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        }
    }
}

/// Whether a file holds a track, a stem or a mix.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A track as it is.
    Track,
    /// A sum of tracks.
    Stem,
    /// A sum of stems.
    Mix,
}

impl Kind {
    /// `track`, `stem` or `mix`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Track => "track",
            Kind::Stem => "stem",
            Kind::Mix => "mix",
        }
    }
}

/// One delivered signal, in one audio file or one for each channel: what it holds, how,
/// and what was measured of it.
#[derive(Clone, PartialEq, Debug)]
pub struct FileReport {
    /// Path within the package, with `/`; of several files all of them, `PM.{L,R}.wav`.
    pub path: String,
    /// Name of the track, stem or mix in the manifest.
    pub name: String,
    /// Track, stem or mix.
    pub kind: Kind,
    /// The version it is of; `None` for the original.
    pub version: Option<Version>,
    /// Standard role; empty if none was given.
    pub role: String,
    /// What is baked in, in the user's words; may be empty.
    pub notes: String,
    /// Names of the tracks, stems or mixes it sums; of a track its files.
    pub contains: Vec<String>,
    /// Level change of the sum.
    pub gain: Gain,
    /// What was done to the sum, and to sums within it, by their names; a line each.
    pub processing: Vec<String>,
    /// Whether it holds a section, and so starts with it.
    pub is_cut: bool,
    /// Length.
    pub frames: u64,
    /// Length of what it holds: the programme, a section, an edit, framed or not.
    pub planned_frames: u64,
    /// Frames per second.
    pub sample_rate: SampleRate,
    /// Bits of one sample.
    pub bits: u16,
    /// Whether samples are floats.
    pub float: bool,
    /// Whether the noise of rounding is shaped.
    pub shaped: bool,
    /// Its channels, in order.
    pub layout: Layout,
    /// BLAKE3 of the file's bytes, 64 hex digits; empty where it stands for several.
    pub blake3: String,
    /// The files of a multi-mono signal, one for each channel in their order; empty for
    /// one file.
    pub parts: Vec<PartReport>,
    /// What was measured on the samples written.
    pub measures: Measures,
}

impl FileReport {
    /// The report of one signal of `delivery`, from what was measured of it and the
    /// digests of its files.
    pub fn new(
        delivery: &Delivery,
        deliverable: &Deliverable,
        file: &DeliveredFile,
        digests: Vec<String>,
        measures: Measures,
    ) -> Self {
        let (kind, notes, gain) = match file.content {
            Content::Track(_) => (Kind::Track, "", Gain::UNITY),
            Content::Stem(id) => {
                let stem = delivery.stem(id);
                (Kind::Stem, stem.notes.as_str(), stem.gain)
            }
            Content::Mix(id) => {
                let mix = delivery.mix(id);
                (Kind::Mix, mix.notes.as_str(), mix.gain)
            }
        };
        let (blake3, parts) =
            match file.parts.as_slice() {
                [] => (digests.into_iter().next().unwrap_or_default(), Vec::new()),
                paths => {
                    let part = |((path, channel), blake3): ((&String, &Channel), String)| {
                        PartReport { path: path.clone(), channel: channel.name(), blake3 }
                    };
                    let files = paths.iter().zip(file.layout.channels()).zip(digests);
                    (String::new(), files.map(part).collect())
                }
            };
        Self {
            path: file.path.clone(),
            name: delivery.file_name(file),
            kind,
            version: file.version.map(|id| delivery.version(id).clone()),
            role: file.role.clone(),
            notes: notes.to_owned(),
            contains: contents(delivery, file.content),
            processing: processing(delivery, deliverable, file),
            gain,
            is_cut: file.take.cut.is_some(),
            frames: measures.frames,
            planned_frames: delivery.frames_of(deliverable, file),
            sample_rate: deliverable.pace.sample_rate,
            bits: file.encoding.bits(),
            float: file.encoding == Encoding::Float32,
            shaped: file.encoding == Encoding::Pcm16Shaped,
            layout: file.layout,
            blake3,
            parts,
            measures,
        }
    }

    /// How samples are written, in words: `24-bit`, `32-bit float`.
    pub fn encoding_words(&self) -> String {
        format!("{}-bit{}", self.bits, if self.float { " float" } else { "" })
    }
}

/// A file that holds one channel of a signal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PartReport {
    /// Path within the package, with `/`.
    pub path: String,
    /// The channel's name.
    pub channel: &'static str,
    /// BLAKE3 of the file's bytes, 64 hex digits.
    pub blake3: String,
}

/// What a null test compares a mix with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NullKind {
    /// The approved print, by its path as the manifest writes it.
    Reference {
        /// The path.
        shown: String,
        /// Whether it was brought to the gain, rate and speed of the files first.
        treated: bool,
    },
    /// The sum of the delivered stems.
    Stems,
}

/// One null test.
#[derive(Clone, PartialEq, Debug)]
pub struct NullReport {
    /// What the mix was compared with.
    pub kind: NullKind,
    /// Path of the mix within the package.
    pub of: String,
    /// Names of what was summed.
    pub parts: Vec<String>,
    /// The residual.
    pub result: NullResult,
    /// How it came out.
    pub verdict: NullVerdict,
    /// Frames of the reference minus frames of the programme.
    pub length_difference: i64,
}

/// A mix whose sum the package cannot prove. A residual is to be expected then
/// and says nothing about what was delivered, so there is no null test.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Unproven {
    /// Path of the mix within the package.
    pub of: String,
    /// Names of its parts that are not among the delivered stems.
    pub missing: Vec<String>,
}

/// A place in time at which a finding holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FindingSpan {
    /// First frame.
    pub from_frame: u64,
    /// Frame after the last.
    pub to_frame: u64,
    /// Name of the channel; `None` for all.
    pub channel: Option<String>,
}

/// A fact held against a limit.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Finding {
    /// Stable name of the check: `true-peak`.
    pub check: &'static str,
    /// How it came out.
    pub verdict: Verdict,
    /// Path of the file; empty where it concerns the package as a whole.
    pub file: String,
    /// What was found, in words.
    pub message: String,
    /// What was measured; `None` for silence and where nothing is measured.
    pub value: Option<f64>,
    /// The bound it was held against.
    pub limit: Option<f64>,
    /// Unit of both; may be empty.
    pub unit: &'static str,
    /// Who asks for it.
    pub source: String,
    /// What brings it about and what to do; empty where it passed.
    pub cause: String,
    /// Where; empty where it concerns the whole length.
    pub spans: Vec<FindingSpan>,
    /// Further places, not listed.
    pub spans_left_out: usize,
}

/// All that is known of a package.
#[derive(Clone, Debug)]
pub struct PackageReport {
    /// Name of the deliverable.
    pub deliverable: String,
    /// Name of its spec.
    pub spec: String,
    /// The spec's one line for people.
    pub spec_title: String,
    /// Whether a `bext` chunk carries the start time.
    pub bext: bool,
    /// A word to the recipient; may be empty.
    pub notes: String,
    /// What was done to every file: one gain, what stands at head and tail.
    pub set: Vec<String>,
    /// The spec's sentences for the read-me.
    pub spec_notes: Vec<String>,
    /// What the recipient asks for and rebounce does not measure.
    pub not_judged: Vec<String>,
    /// Who and what.
    pub project: Project,
    /// The timeline.
    pub programme: Programme,
    /// Its audio files: stems first, then mixes.
    pub files: Vec<FileReport>,
    /// The null tests.
    pub nulls: Vec<NullReport>,
    /// The mixes whose stems are not all delivered.
    pub unproven: Vec<Unproven>,
    /// What was checked and how it came out, passes included.
    pub findings: Vec<Finding>,
}

/// What was done to every file of a package, in words. The files of each version have a
/// gain of their own.
fn done_to_all(delivery: &Delivery, deliverable: &Deliverable) -> Vec<String> {
    let pace = deliverable.pace.words(delivery.programme.sample_rate);
    let mut gains: Vec<(String, Vec<&str>)> = Vec::new();
    for (version, normalize) in &deliverable.normalize {
        let (words, name) = (normalize.words(), delivery.version_name(*version));
        match gains.iter_mut().find(|(known, _)| *known == words) {
            Some((_, names)) => names.push(name),
            None => gains.push((words, vec![name])),
        }
    }
    let alone = gains.len() == 1;
    let gain = gains.into_iter().map(|(words, names)| match alone {
        true => words,
        false => format!("{}: {words}", names.join(", ")),
    });
    let framing = deliverable.framing.as_ref();
    let framing = framing.into_iter().flat_map(|framing| framing.words.clone());
    pace.into_iter().chain(gain).chain(framing).collect()
}

impl PackageReport {
    /// The report of `deliverable`: its files and null tests, judged by its spec.
    pub fn new(
        delivery: &Delivery,
        deliverable: &Deliverable,
        files: Vec<FileReport>,
        nulls: Vec<NullReport>,
        unproven: Vec<Unproven>,
    ) -> Self {
        let spec = &deliverable.spec;
        let paced = deliverable.pace.programme(&delivery.programme);
        let programme = paced.framed(deliverable.framing.as_ref());
        let from = deliverable.framing.as_ref().map_or(0, |framing| framing.from);
        let action = Action::new(&paced, from);
        let mut findings = judge(spec, &programme, action, &files, &nulls);
        findings.extend(judge::unproven(spec, &unproven));
        Self {
            deliverable: deliverable.name.clone(),
            spec: spec.name.clone(),
            spec_title: spec.title.clone(),
            bext: spec.bext,
            notes: deliverable.notes.clone(),
            set: done_to_all(delivery, deliverable),
            spec_notes: spec.notes.clone(),
            not_judged: spec.not_judged.clone(),
            project: delivery.project.clone(),
            programme,
            files,
            nulls,
            unproven,
            findings,
        }
    }

    /// The worst of its findings.
    pub fn verdict(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
