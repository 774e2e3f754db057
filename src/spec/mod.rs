//! Delivery specs as typed data: what a recipient requires, each figure with its source.

mod build;
mod describe;
pub mod edge;
pub mod field;
pub mod figures;
pub mod limit;
pub mod raw;
mod shelf;
pub mod template;

use std::path::{Path, PathBuf};

use crate::audio::layout::Layout;
use crate::audio::wav::Encoding;
use crate::diag::{Diagnostics, Span};
use crate::fsio::Disk;
use crate::units::SampleRate;
use crate::yaml::record::Field;
use edge::{Edge, RawHead, RawTail};
use template::Template;

pub use describe::{describe, list};
pub use limit::{Check, Limit, Report, Scope};

/// The requirements of a recipient.
#[derive(Debug)]
pub struct Spec {
    /// Name in manifests: `stem-mastering`.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Word length of the files.
    pub encoding: Encoding,
    /// The sample rates that files may have; empty for that of the session.
    pub sample_rates: Vec<SampleRate>,
    /// The layouts that files may have; empty for any.
    pub layouts: Vec<Layout>,
    /// Layouts in each of which the package must hold a file.
    pub required_layouts: Vec<Layout>,
    /// How the channels of a file are written.
    pub channels: Channels,
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
    /// What the package must hold.
    pub required: Members,
    /// What it should hold; that it does not is warned of.
    pub wanted: Members,
    /// Where files begin and what is put there, unless a deliverable says so itself.
    pub head: Option<Edge<RawHead>>,
    /// Where files end and what is put there, unless a deliverable says so itself.
    pub tail: Option<Edge<RawTail>>,
    /// Sentences for the read-me.
    pub notes: Vec<String>,
    /// What the recipient asks for and rebounce does not measure.
    pub not_judged: Vec<String>,
    /// Figures that files are held against.
    pub limits: Vec<Limit>,
    /// Platforms whose gain is reported.
    pub reports: Vec<Report>,
}

/// How the channels of a signal are written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Channels {
    /// In one file.
    Interleaved,
    /// In a mono file each.
    MultiMono,
}

/// A kind of file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FileKind {
    /// A track as it is.
    Track,
    /// A stem.
    Stem,
    /// A mix.
    Mix,
}

impl FileKind {
    /// Name in specs and manifests: `stems`.
    pub fn name(self) -> &'static str {
        match self {
            FileKind::Track => "tracks",
            FileKind::Stem => "stems",
            FileKind::Mix => "mixes",
        }
    }
}

impl std::fmt::Display for FileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What a package holds, at the least.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Members {
    /// A file of each of these kinds.
    pub kinds: Vec<FileKind>,
    /// A stem of each of these roles.
    pub stems: Vec<String>,
    /// A mix of each of these roles.
    pub mixes: Vec<String>,
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
            let told = ["the default\n", "\n  note:", "\n  not judged:"];
            let silent: usize = told.iter().map(|words| text.matches(words).count()).sum();
            assert_eq!(text.matches("source: ").count(), figures - silent, "{text}");
            // Every figure says how far it is confirmed.
            for source in text.lines().filter_map(|line| line.trim().strip_prefix("source: ")) {
                let marks =
                    ["confirmed: ", "seen in: ", "our proposal", "from memory, not confirmed"];
                let marked = marks.iter().any(|mark| source.starts_with(mark));
                assert!(marked, "{name}: {source}");
            }
        }
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
        let keys = "title extends encoding sample_rate layouts required_layouts channels template \
            stem_template role_names legal bext required wanted required_stems wanted_stems \
            required_mixes wanted_mixes head tail notes not_judged limits reports";
        let keys: Vec<&str> = keys.split_whitespace().collect();
        assert!(keys.iter().all(|key| properties.contains_key(*key)));
        assert_eq!(properties.len(), keys.len());
    }
}
