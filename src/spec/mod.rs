//! Delivery specs as typed data: what a recipient requires, each figure with its source.

use crate::audio::wav::Encoding;

/// The requirements of a recipient.
#[derive(Debug)]
pub struct Spec {
    /// Name in manifests: `stem-mastering`.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Word length of the files.
    pub encoding: Encoding,
    /// File name without extension: fields in braces, `{project}_{name}`.
    pub template: String,
    /// Characters that file names may hold, as ranges: `A-Za-z0-9._-`.
    pub legal: String,
    /// Whether a `bext` chunk carries the start time.
    pub bext: bool,
    /// Figures that files are held against.
    pub limits: Vec<Limit>,
}

/// What a limit measures.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Check {
    /// Highest sample, dBFS.
    SamplePeak,
    /// True peak, dBTP (BS.1770-5 annex 2).
    TruePeak,
    /// Integrated loudness, LUFS.
    Integrated,
    /// Highest short-term loudness, LUFS.
    ShortTerm,
    /// Highest momentary loudness, LUFS.
    Momentary,
    /// Loudness range, LU.
    LoudnessRange,
    /// Highest mean of a channel, dBFS.
    DcOffset,
    /// Peak of the null of stems against a mix, dBFS.
    StemNull,
    /// Peak of the null of a mix against its reference, dBFS.
    ReferenceNull,
}

/// Which files a limit is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scope {
    /// Every file.
    All,
    /// Stems.
    Stems,
    /// Mixes.
    Mixes,
}

/// A figure that files are held against.
#[derive(Clone, PartialEq, Debug)]
pub struct Limit {
    /// What is measured.
    pub check: Check,
    /// On which files.
    pub scope: Scope,
    /// Lowest value allowed, in the check's unit.
    pub min: Option<f64>,
    /// Highest value allowed, in the check's unit.
    pub max: Option<f64>,
    /// Whether a miss fails the package or only warns.
    pub fails: bool,
    /// The document, and how far the figure is confirmed.
    pub source: String,
}
