//! What files are held against, and what is only reported of them.

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
    /// Length of what stands ahead of the first frame of action, seconds of timecode.
    HeadPadding,
    /// Length of what stands behind the last frame of action, seconds of timecode.
    TailPadding,
    /// How far the length of the files is from that of the action, s.
    LengthDifference,
}

impl Check {
    /// All of them.
    pub const ALL: [Check; 12] = [
        Check::SamplePeak,
        Check::TruePeak,
        Check::Integrated,
        Check::ShortTerm,
        Check::Momentary,
        Check::LoudnessRange,
        Check::DcOffset,
        Check::StemNull,
        Check::ReferenceNull,
        Check::HeadPadding,
        Check::TailPadding,
        Check::LengthDifference,
    ];

    /// Name in specs: `true-peak`.
    pub fn name(self) -> &'static str {
        match self {
            Check::SamplePeak => "sample-peak",
            Check::TruePeak => "true-peak",
            Check::Integrated => "integrated",
            Check::ShortTerm => "short-term",
            Check::Momentary => "momentary",
            Check::LoudnessRange => "loudness-range",
            Check::DcOffset => "dc-offset",
            Check::StemNull => "stem-null",
            Check::ReferenceNull => "reference-null",
            Check::HeadPadding => "head-padding",
            Check::TailPadding => "tail-padding",
            Check::LengthDifference => "length-difference",
        }
    }

    /// The unit of its limits.
    pub fn unit(self) -> &'static str {
        match self {
            Check::TruePeak => "dBTP",
            Check::Integrated | Check::ShortTerm | Check::Momentary => "LUFS",
            Check::LoudnessRange => "LU",
            Check::HeadPadding | Check::TailPadding | Check::LengthDifference => "s",
            Check::SamplePeak | Check::DcOffset | Check::StemNull | Check::ReferenceNull => "dBFS",
        }
    }
}

/// Which files a limit is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scope {
    /// Every file.
    All,
    /// Tracks.
    Tracks,
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
    /// On files of this role only; empty for any.
    pub role: String,
    /// Lowest value allowed, in the check's unit.
    pub min: Option<f64>,
    /// Highest value allowed, in the check's unit.
    pub max: Option<f64>,
    /// Whether a miss fails the package or only warns.
    pub fails: bool,
    /// What the limits share of which a file need meet but one; empty for a limit
    /// that is to be met whatever else is.
    pub either: String,
    /// The document, and how far the figure is confirmed.
    pub source: String,
}

/// The loudness to which a platform brings what it plays.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// The platform's name.
    pub title: String,
    /// Integrated loudness that it plays at, LUFS.
    pub target_lufs: f64,
    /// Whether it turns up what is quieter, and if so to what true peak at most,
    /// dBTP; infinite where it does so whatever the peak.
    pub raises_to_dbtp: Option<f64>,
    /// The document, and how far the figure is confirmed.
    pub source: String,
}

impl Report {
    /// What it would do to a programme, dB: below zero it turns it down. `None` for
    /// silence.
    pub fn gain_db(
        &self,
        integrated_lufs: Option<f64>,
        true_peak_dbtp: Option<f64>,
    ) -> Option<f64> {
        let gain = self.target_lufs - integrated_lufs?;
        if gain <= 0.0 {
            return Some(gain);
        }
        let room = |ceiling: f64| true_peak_dbtp.map_or(gain, |peak| ceiling - peak);
        Some(self.raises_to_dbtp.map_or(0.0, |ceiling| gain.min(room(ceiling)).max(0.0)))
    }
}
