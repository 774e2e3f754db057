//! Delivery specs as typed data: what a recipient requires, each figure with its source.

mod describe;
pub mod field;
pub mod raw;
mod shelf;
pub mod template;

use std::path::{Path, PathBuf};

use crate::audio::wav::Encoding;
use crate::diag::{Diagnostics, Span};
use crate::fsio::Disk;
use crate::units::SampleRate;
use crate::yaml::record::Field;
use template::Template;

pub use describe::{describe, list};

/// The requirements of a recipient.
#[derive(Debug)]
pub struct Spec {
    /// Name in manifests: `stem-mastering`.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Word length of the files.
    pub encoding: Encoding,
    /// The sample rate it must have; `None` takes that of the session.
    pub sample_rate: Option<SampleRate>,
    /// File name without extension.
    pub template: Template,
    /// The same of stems; where it is `None`, they are named as all files are.
    pub stem_template: Option<Template>,
    /// How file names write roles: role and word.
    pub role_names: Vec<(String, String)>,
    /// Characters that file names may hold, as ranges: `A-Za-z0-9._-`.
    pub legal: String,
    /// Whether a `bext` chunk carries the start time.
    pub bext: bool,
    /// Roles that the package's stems must have between them.
    pub required_stems: Vec<String>,
    /// Roles that the package's mixes must have between them.
    pub required_mixes: Vec<String>,
    /// Sentences for the read-me.
    pub notes: Vec<String>,
    /// Figures that files are held against.
    pub limits: Vec<Limit>,
}

impl Spec {
    /// Whether file names may hold `character`.
    pub fn is_legal(&self, character: char) -> bool {
        is_in(&self.legal, character)
    }

    /// `role` as file names write it.
    pub fn role_name<'a>(&'a self, role: &'a str) -> &'a str {
        let known = self.role_names.iter().find(|(known, _)| known == role);
        known.map_or(role, |(_, word)| word)
    }
}

/// Whether a set like `A-Za-z0-9._-` holds `character`.
fn is_in(set: &str, character: char) -> bool {
    let set: Vec<char> = set.chars().collect();
    let mut rest = set.as_slice();
    loop {
        match rest {
            [first, '-', last, after @ ..] => {
                if (*first..=*last).contains(&character) {
                    return true;
                }
                rest = after;
            }
            [one, after @ ..] => {
                if *one == character {
                    return true;
                }
                rest = after;
            }
            [] => return false,
        }
    }
}

/// Reads the spec that a manifest in `folder` names: one that ships, or the path
/// of a house's own. Also returns the house's files it was read from.
pub fn load(
    written: &str,
    at: &Span,
    folder: &Path,
    disk: &Disk,
) -> Result<(Spec, Vec<PathBuf>), Diagnostics> {
    let mut effective = shelf::find(written, Some(at), folder, disk)?;
    let files = std::mem::take(&mut effective.files);
    Ok((effective.build()?, files))
}

/// The JSON Schema (draft 2020-12) of spec files.
pub fn schema() -> serde_json::Value {
    crate::yaml::record::document("rebounce delivery spec", raw::RawSpec::schema())
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

impl Check {
    /// All of them.
    pub const ALL: [Check; 9] = [
        Check::SamplePeak,
        Check::TruePeak,
        Check::Integrated,
        Check::ShortTerm,
        Check::Momentary,
        Check::LoudnessRange,
        Check::DcOffset,
        Check::StemNull,
        Check::ReferenceNull,
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
        }
    }

    /// The unit of its limits.
    pub fn unit(self) -> &'static str {
        match self {
            Check::TruePeak => "dBTP",
            Check::Integrated | Check::ShortTerm | Check::Momentary => "LUFS",
            Check::LoudnessRange => "LU",
            Check::SamplePeak | Check::DcOffset | Check::StemNull | Check::ReferenceNull => "dBFS",
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_spec_is_sound_and_names_the_source_of_each_figure() {
        for (name, title) in list() {
            assert!(!title.is_empty(), "{name}");
            let text = describe(&name, Path::new(""), &Disk::new()).unwrap_or_else(|errors| {
                panic!("{}", errors.render(false));
            });
            let figures = text.matches("\n  ").count() - text.matches("\n      ").count();
            let silent = text.matches("the default\n").count() + text.matches("\n  note:").count();
            assert_eq!(text.matches("source: ").count(), figures - silent, "{text}");
        }
        let names: Vec<String> = list().into_iter().map(|(name, _)| name).collect();
        let all =
            ["stem-mastering", "production-stems", "sync-licensing", "remix", "dme", "m-and-e"];
        assert_eq!(names, all);
    }

    #[test]
    fn a_house_overrides_single_values_and_the_view_says_where_each_is_from() {
        let folder = tempfile::tempdir().unwrap();
        let house = "extends: m-and-e\nencoding: float32\nlimits: { true-peak: { max: -2 } }\n";
        Disk::new().replace(&folder.path().join("ours.yaml"), house.as_bytes()).unwrap();
        let text = describe("ours.yaml", folder.path(), &Disk::new()).unwrap();
        for part in [
            "ours: Music and effects\n",
            "  encoding: float32\n      set in ours.yaml:2\n\n",
            "  required_mixes: m-and-e\n      set in specs/m-and-e.yaml:",
            // The old document is no source of the new figure.
            "  limit true-peak: true-peak of all files, at most -2 dBTP, or fails\n      \
             set in ours.yaml:3\n\n",
            "  limit dc: dc-offset of all files, at most -60 dBFS, or warns\n      \
             set in specs/m-and-e.yaml:",
        ] {
            assert!(text.contains(part), "{part}\n---\n{text}");
        }
    }

    #[test]
    fn legal_characters_are_ranges_and_single_ones() {
        let mut effective = shelf::find("remix", None, Path::new(""), &Disk::new()).ok();
        let spec = effective.take().unwrap().build().unwrap();
        assert!("aZ09._-".chars().all(|c| spec.is_legal(c)));
        assert!(" ,/\u{e9}^`[{".chars().all(|c| !spec.is_legal(c)));
    }

    #[test]
    fn the_schema_knows_every_key_of_the_shipped_specs() {
        let schema = schema();
        let properties = schema["properties"].as_object().unwrap();
        let raw = ["title", "extends", "encoding", "sample_rate", "template", "stem_template"];
        let more = ["role_names", "legal", "bext", "required_stems", "required_mixes", "notes"];
        let keys: Vec<&str> = raw.into_iter().chain(more).chain(["limits"]).collect();
        assert!(keys.iter().all(|key| properties.contains_key(*key)));
        assert_eq!(properties.len(), keys.len());
    }
}
