//! A manifest that is proposed, before it is text.

use std::collections::BTreeSet;

use super::items::Item;
use super::names;
use crate::audio::layout::{Channel, Layout};

/// What is proposed. Names are unique and legal in every spec that ships.
#[derive(Debug, Default)]
pub(super) struct Proposal {
    pub(super) title: String,
    /// Where the title is from.
    pub(super) title_note: String,
    /// Keys of `session` with their values, as YAML.
    pub(super) session: Vec<Setting>,
    pub(super) tracks: Vec<Track>,
    /// A word on all of them.
    pub(super) tracks_note: String,
    pub(super) stems: Vec<Stem>,
    pub(super) mixes: Vec<Mix>,
    pub(super) versions: Vec<Version>,
    pub(super) packages: Vec<Package>,
    /// Files that are in no track, and why.
    pub(super) aside: Vec<Aside>,
    /// Parts of the programme by the markers in a file.
    pub(super) sections: Vec<Section>,
    /// The file whose markers these are.
    pub(super) sections_from: String,
}

/// A line of `session`.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) key: &'static str,
    pub(super) value: String,
    pub(super) note: String,
    /// Whether it is only shown, because it is not sure enough.
    pub(super) is_comment: bool,
}

/// A track, and what stands beside it.
#[derive(Debug, Default)]
pub(super) struct Track {
    pub(super) key: String,
    /// One file, or one per channel; paths from the folder of the session audio.
    pub(super) files: Vec<(Option<Channel>, String)>,
    /// What the one channel of its file is.
    pub(super) channel: Option<Channel>,
    /// Frame of the programme at which it begins, and the rate that counts it.
    pub(super) at: Option<(u64, u32)>,
    /// The heading it stands under: the stem it is in.
    pub(super) heading: String,
    pub(super) note: String,
}

/// A stem.
#[derive(Debug, Default)]
pub(super) struct Stem {
    pub(super) name: String,
    pub(super) from: Vec<String>,
    pub(super) role: &'static str,
    pub(super) layout: Option<Layout>,
    pub(super) note: String,
}

/// A mix.
#[derive(Debug, Default)]
pub(super) struct Mix {
    pub(super) name: String,
    pub(super) from: Vec<String>,
    pub(super) without: Vec<String>,
    /// Path of the print that it nulls against.
    pub(super) reference: Option<String>,
    pub(super) role: &'static str,
    pub(super) layout: Option<Layout>,
    /// Whether it is 5.1 folded down to stereo.
    pub(super) is_folded: bool,
    pub(super) note: String,
}

/// A dub, by the name of its language.
#[derive(Debug, Default)]
pub(super) struct Version {
    /// BCP 47: `es`, `fr-FR`.
    pub(super) language: String,
    /// Stems, and what stands in their place.
    pub(super) replace: Vec<(String, StandIn)>,
    pub(super) references: Vec<Reference>,
}

/// What stands in the place of a stem.
#[derive(Debug)]
pub(super) enum StandIn {
    /// Audio as that of a track; it has no key.
    Audio(Track),
    /// The tracks of these keys.
    Sum(Vec<String>),
}

/// The print that a mix of a version nulls against.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) mix: String,
    pub(super) file: String,
    /// What was found.
    pub(super) found: String,
}

/// A deliverable; an empty list of stems, mixes or versions is none of them.
#[derive(Debug, Default)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) spec: &'static str,
    pub(super) stems: Vec<String>,
    pub(super) mixes: Vec<String>,
    pub(super) versions: Vec<String>,
    pub(super) note: String,
}

/// A file that is in no track.
#[derive(Clone, Debug)]
pub(super) struct Aside {
    pub(super) path: String,
    pub(super) why: String,
}

/// A part of the programme.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Section {
    pub(super) name: String,
    /// Frame at which it begins.
    pub(super) from: u64,
    /// Frame at which it ends, exclusive.
    pub(super) to: u64,
}

impl Track {
    /// The files of an item, and where they begin.
    pub(super) fn of(item: &Item) -> Self {
        let files = item.files.iter().map(|file| (file.channel, file.path.clone())).collect();
        let at = (item.at_frame > 0).then_some((item.at_frame, item.sample_rate));
        Self { files, at, ..Self::default() }
    }
}

impl Version {
    /// What was guessed of it, then what was found.
    pub(super) fn note(&self) -> String {
        let guess = |stand_in: &(String, StandIn)| match &stand_in.1 {
            StandIn::Audio(track) => Some(track.note.clone()).filter(|note| !note.is_empty()),
            StandIn::Sum(_) => None,
        };
        let guess = self.replace.iter().find_map(guess);
        let found = self.references.iter().map(|print| format!("{}: {}", print.mix, print.found));
        guess.into_iter().chain(found).collect::<Vec<_>>().join("; ")
    }
}

impl Proposal {
    /// Adds a line to `session`.
    pub(super) fn set(&mut self, key: &'static str, value: &str, note: &str, is_comment: bool) {
        let (value, note) = (value.to_owned(), note.to_owned());
        self.session.push(Setting { key, value, note, is_comment });
    }

    /// A file that is in no track.
    pub(super) fn leave(&mut self, item: &Item, why: impl Into<String>) {
        self.aside.push(Aside { path: item.path.clone(), why: why.into() });
    }
}

/// Names that are taken: tracks, stems and mixes share one space.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Keeps a name for a stem or mix.
    pub(super) fn reserve(&mut self, name: &str) {
        self.0.insert(name.to_owned());
    }

    /// A name that is still free, near to `wanted`: with the folder of the file, or
    /// with a number.
    pub(super) fn take(&mut self, wanted: &str, path: &str) -> String {
        let folder =
            path.rsplit('/').nth(1).map(|folder| names::key(&names::Name::parse(folder).words));
        let folder = folder.filter(|folder| !folder.is_empty()).unwrap_or_else(|| "track".into());
        let base = if wanted.is_empty() { "track" } else { wanted };
        let counted = (2..).map(|n| format!("{base}_{n}"));
        let first = [base.to_owned(), format!("{base}_{folder}")];
        let free = first.into_iter().chain(counted).find(|name| !self.0.contains(name));
        let free = free.expect("BUG: numbers do not end");
        self.0.insert(free.clone());
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_taken_get_their_folder_then_a_number() {
        let mut names = Names::default();
        names.reserve("bass");
        assert_eq!(names.take("bass", "bass.wav"), "bass_track");
        assert_eq!(names.take("kick", "Kick.wav"), "kick");
        assert_eq!(names.take("kick", "take two/Kick.wav"), "kick_take_two");
        assert_eq!(names.take("kick", "take two/Kick.aif"), "kick_2");
        assert_eq!(names.take("", "x.wav"), "track");
    }
}
