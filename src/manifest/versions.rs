//! Versions: which parts stand in the place of others, and whether they can.
//!
//! A stem is replaced whole, with its level and its chain: what comes from a dubbing
//! studio is a finished stem. A track is replaced within the stems that sum it, and
//! goes through their chains.

use std::collections::{BTreeMap, BTreeSet};

use super::delivery::{InputId, MixId, ORIGINAL, Part, Programme, Track, TrackFile, TrackId};
use super::files::Files;
use super::fit::{Term, TermKind, misfit};
use super::links::{Links, Names, named};
use super::raw::{self, Manifest, Replacement, Text};
use super::resolve::Faults;
use super::sums::{self, Sums, heard_layout};
use super::timeline::Timeline;
use super::{pace, placement, programme, signals, tracks};
use crate::audio::layout::{Channel, Layout};
use crate::diag::{Diagnostic, Span};
use crate::yaml::record::{Entry, Selection};

/// What stands in the place of a part.
pub(super) enum Stand {
    /// Session audio of its own.
    Track(Box<Track>),
    /// A sum of other tracks and stems, as they are without any version.
    Sum(Vec<Part>),
}

/// A version. Ids are those of the manifest.
#[derive(Default)]
pub(super) struct Version {
    pub(super) replaced: BTreeMap<Part, Stand>,
    pub(super) without: BTreeSet<Part>,
    /// The approved print of each mix.
    pub(super) references: BTreeMap<MixId, TrackFile>,
    /// Their files, before anything is known of their channels.
    pub(super) prints: BTreeMap<MixId, InputId>,
    /// Whether something in it is wrong.
    pub(super) bad: bool,
}

impl Version {
    fn spoil(&mut self, error: Diagnostic, faults: &mut Faults) {
        faults.join(error.into());
        self.bad = true;
    }

    /// The tracks that stand for others.
    pub(super) fn tracks(&self) -> impl Iterator<Item = &Track> {
        self.replaced.values().filter_map(|stand| match stand {
            Stand::Track(track) => Some(&**track),
            Stand::Sum(_) => None,
        })
    }

    /// Tracks and stems that are summed in the place of others.
    pub(super) fn stand_ins(&self) -> impl Iterator<Item = Part> {
        self.replaced
            .values()
            .flat_map(|stand| match stand {
                Stand::Track(_) => &[],
                Stand::Sum(parts) => parts.as_slice(),
            })
            .copied()
    }
}

/// What versions are read from.
pub(super) struct Reading<'a, 'f> {
    pub(super) manifest: &'a Manifest,
    pub(super) names: &'a Names<'a>,
    pub(super) timeline: &'a Timeline,
    pub(super) files: &'a mut Files<'f>,
    pub(super) faults: &'a mut Faults,
}

/// Warns of versions that no package asks for.
pub(super) fn warn_of_unheard(manifest: &Manifest, faults: &mut Faults) {
    const NAMED: usize = 8;
    let asked: Vec<_> =
        manifest.deliverables.0.iter().filter_map(|entry| entry.body.as_ref()).collect();
    let is_asked = |name: &str| {
        asked.iter().filter_map(|raw| raw.versions.as_ref()).any(|versions| match versions {
            Selection::All => true,
            Selection::These(names) => names.iter().any(|text| text.value == name),
        })
    };
    let unheard: Vec<&Entry<raw::Version>> =
        manifest.versions.0.iter().filter(|entry| !is_asked(&entry.name)).collect();
    let Some(first) = unheard.first() else { return };
    let mut names: Vec<String> =
        unheard.iter().take(NAMED).map(|entry| format!("`{}`", entry.name)).collect();
    if unheard.len() > NAMED {
        names.push(format!("{} more", unheard.len() - NAMED));
    }
    let title = format!("no deliverable asks for {}", names.join(", "));
    let warning = Diagnostic::warning(title).at(&first.span, "delivered nowhere");
    faults.warn(warning.help("add `versions: all` to a deliverable, or name them there"));
}

/// Warns of a file that stands for the same part in two versions.
fn warn_of_copies(manifest: &Manifest, versions: &[Version], faults: &mut Faults) {
    let mut users: BTreeMap<(Part, Vec<InputId>), (&str, &Track)> = BTreeMap::new();
    for (version, entry) in versions.iter().zip(&manifest.versions.0) {
        for (part, stand) in &version.replaced {
            let Stand::Track(track) = stand else { continue };
            let files: Vec<InputId> = track.files.iter().map(|file| file.input).collect();
            if files.is_empty() {
                continue;
            }
            let (name, first) = *users.entry((*part, files)).or_insert((&entry.name, track));
            if name != entry.name {
                let part = named(manifest, *part).0;
                let title = format!("`{name}` and `{}` have one file for `{part}`", entry.name);
                let warning = Diagnostic::warning(title).at(&track.span, "the same file");
                let warning = warning.context(&first.span, "as this");
                faults.warn(warning.help("was another file meant?"));
            }
        }
    }
}

/// What every version of the manifest replaces and takes out, by the index of its
/// entry, with the headers of its files read.
pub(super) fn read(mut reading: Reading<'_, '_>) -> Vec<Version> {
    let mut languages: BTreeMap<String, &Entry<raw::Version>> = BTreeMap::new();
    let mut versions = Vec::new();
    for entry in &reading.manifest.versions.0 {
        let mut version = Version { bad: entry.errors > 0, ..Version::default() };
        if entry.name == ORIGINAL || entry.name == "all" {
            let title = format!("no version can be called `{}`", entry.name);
            let help = format!("deliverables say `{}` with another meaning; rename it", entry.name);
            version.spoil(Diagnostic::error(title).at(&entry.span, "").help(help), reading.faults);
        }
        if let Some(raw) = &entry.body {
            reading.version(entry, raw, &mut version);
            if let Some(language) = &raw.language {
                let key = language.value.0.to_lowercase();
                if let Some(first) = languages.insert(key, entry) {
                    let title = format!("`{}` and `{}` are one language", first.name, entry.name);
                    reading.faults.warn(
                        Diagnostic::warning(title)
                            .at(&language.span, "the same")
                            .context(&first.span, "as of this version"),
                    );
                }
            }
        }
        versions.push(version);
    }
    warn_of_copies(reading.manifest, &versions, reading.faults);
    versions
}

impl Reading<'_, '_> {
    fn version(&mut self, entry: &Entry<raw::Version>, raw: &raw::Version, version: &mut Version) {
        for text in raw.without.iter().flat_map(|list| &list.0) {
            match self.names.find(text, &["stem", "track"]) {
                Ok(part) => {
                    version.without.insert(part);
                }
                Err(error) => version.spoil(error, self.faults),
            }
        }
        for place in &raw.replace.0 {
            let name = Text { value: place.name.clone(), span: place.span.clone() };
            let part = match self.names.find(&name, &["stem", "track"]) {
                Ok(part) => part,
                Err(error) => {
                    version.spoil(error, self.faults);
                    continue;
                }
            };
            if version.without.contains(&part) {
                let title =
                    format!("version `{}` replaces `{}` and takes it out", entry.name, place.name);
                let error = Diagnostic::error(title).at(&place.span, "").help("do one of the two");
                version.spoil(error, self.faults);
            }
            match &place.body {
                Some(Replacement::Sum(sum)) => self.sum(part, sum, version),
                Some(Replacement::Track(track)) => {
                    self.track(&entry.name, place, part, track, version);
                }
                None => {}
            }
        }
        self.references(raw, version);
        let changes =
            raw.replace.0.len() + raw.without.iter().map(|list| list.0.len()).sum::<usize>();
        if changes + raw.references.0.len() == 0 && entry.errors == 0 {
            let title = format!("version `{}` changes nothing", entry.name);
            let help = "add `replace: { STEM: FILE }` or `without: [STEM]`";
            let error = Diagnostic::error(title).at(&entry.span, "").help(help);
            version.spoil(error, self.faults);
        }
    }

    fn sum(&mut self, part: Part, sum: &raw::StandIn, version: &mut Version) {
        if let Part::Track(_) = part {
            let name = named(self.manifest, part).0;
            let error =
                Diagnostic::error(format!("`{name}` is a track, and a sum stands for stems"));
            let help = "replace the track by a file, or the stem that sums it";
            version.spoil(error.at(&sum.from.span, "a sum").help(help), self.faults);
            return;
        }
        let mut parts = Vec::new();
        for text in &sum.from.value.0 {
            match self.names.find(text, &["track", "stem"]) {
                Ok(found) => parts.push(found),
                Err(error) => version.spoil(error, self.faults),
            }
        }
        if sum.from.value.0.is_empty() {
            let error = Diagnostic::error("nothing stands in its place");
            let help = "`without: [...]` takes a stem out";
            version.spoil(error.at(&sum.from.span, "an empty list").help(help), self.faults);
        }
        version.replaced.insert(part, Stand::Sum(parts));
    }

    /// Session audio in the place of a part, placed as any track is.
    fn track(
        &mut self,
        version_name: &str,
        place: &Entry<Replacement>,
        part: Part,
        raw: &raw::Track,
        version: &mut Version,
    ) {
        let name = match &raw.file {
            Some(file) => file.value.clone(),
            None => format!("{} ({version_name})", named(self.manifest, part).0),
        };
        let session = self.manifest.session.as_ref();
        let pan_law = session.and_then(|session| session.pan_law).unwrap_or_default();
        let entry = Entry::<Replacement> {
            name,
            span: place.span.clone(),
            body: None,
            errors: place.errors,
        };
        let mut track = match tracks::track(&entry, raw, pan_law, self.files) {
            Ok(Some(track)) => track,
            Ok(None) => {
                version.bad = true;
                return;
            }
            Err(errors) => {
                errors.into_iter().for_each(|error| version.spoil(error, self.faults));
                return;
            }
        };
        if let Some(error) = self.off_rate(&track) {
            version.spoil(error, self.faults);
        }
        let frames = programme::length(&track, self.files, self.faults);
        let ratio = pace::of_track(raw, &track, self.files, self.timeline.rate);
        let placed = ratio.map_err(Some).and_then(|ratio| {
            track.ratio = ratio;
            placement::place(raw, &mut track, ratio.frames(frames), self.timeline)
        });
        if let Err(told) = placed {
            version.bad = true;
            told.into_iter().for_each(|error| version.spoil(error, self.faults));
        }
        version.replaced.insert(part, Stand::Track(Box::new(track)));
    }

    /// Why the files of a track do not run at one rate: that of the programme, unless the
    /// session converts.
    fn off_rate(&self, track: &Track) -> Option<Diagnostic> {
        let session = self.manifest.session.as_ref();
        let inputs = track.files.iter().map(|file| &self.files.inputs[file.input.0 as usize]);
        let (wanted, help) = match session.is_some_and(|session| session.convert == Some(true)) {
            true => (inputs.clone().next()?.info.rate(), "its files must agree".to_owned()),
            false => (
                Some(self.timeline.rate),
                format!(
                    "the programme is at {}; export it so, or add `convert: true` to `session`",
                    self.timeline.rate
                ),
            ),
        };
        let odd = inputs.clone().find(|input| input.info.rate() != wanted)?;
        let title = format!("`{}` is at another sample rate", odd.shown);
        let label = format!("{} Hz", odd.info.sample_rate);
        Some(Diagnostic::error(title).at(&odd.span, label).help(help))
    }

    /// Approved prints; what layout they must have is not known yet.
    fn references(&mut self, raw: &raw::Version, version: &mut Version) {
        for entry in &raw.references.0 {
            let name = Text { value: entry.name.clone(), span: entry.span.clone() };
            let mix = match self.names.find(&name, &["mix"]) {
                Ok(Part::Mix(mix)) => mix,
                Ok(_) => continue,
                Err(error) => {
                    version.spoil(error, self.faults);
                    continue;
                }
            };
            match entry.body.as_ref().map(|print| self.files.reference(&print.file)) {
                Some(Ok(input)) => {
                    version.prints.insert(mix, input);
                }
                Some(Err(Some(error))) => version.spoil(error, self.faults),
                Some(Err(None)) | None => version.bad = true,
            }
        }
    }
}

/// What replacements are held against.
pub(super) struct Standard<'a, 'f> {
    pub(super) manifest: &'a Manifest,
    pub(super) links: &'a Links,
    pub(super) tracks: &'a BTreeMap<TrackId, Track>,
    pub(super) sums: &'a Sums,
    pub(super) files: &'a Files<'f>,
    pub(super) programme: &'a Programme,
    pub(super) timeline: &'a Timeline,
}

/// Whether what stands in the place of others fits there: layouts and lengths.
pub(super) fn check(standard: &Standard<'_, '_>, versions: &mut [Version], faults: &mut Faults) {
    for (version, entry) in versions.iter_mut().zip(&standard.manifest.versions.0) {
        let Some(raw) = &entry.body else { continue };
        let hears_bad = version.stand_ins().any(|part| faults.bad.contains(&part));
        version.bad |= hears_bad;
        let mut errors = Vec::new();
        for (part, stand) in &mut version.replaced {
            let place =
                raw.replace.0.iter().find(|place| place.name == named(standard.manifest, *part).0);
            let Some(place) = place else { continue };
            if let (Stand::Track(track), Some(Replacement::Track(raw))) = (&mut *stand, &place.body)
            {
                match signals::made(raw, standard.programme, standard.timeline) {
                    Ok(signal) => track.signal = signal,
                    Err(told) => {
                        version.bad = true;
                        errors.extend(told);
                    }
                }
            }
            errors.extend(standard.misfit(*part, stand, &place.span));
            if let Stand::Track(track) = stand
                && !version.bad
                && track.signal.is_none()
            {
                standard.warn_of_length(*part, track, faults);
                standard.warn_of_width(*part, track, faults);
            }
        }
        let mut references = BTreeMap::new();
        for (mix, input) in &version.prints {
            let name = named(standard.manifest, Part::Mix(*mix)).0;
            let written = raw.references.0.iter().find(|entry| entry.name == name);
            let written = written.and_then(|entry| entry.body.as_ref());
            let layout = standard.sums.layouts.get(&Part::Mix(*mix));
            let Some((written, layout)) = written.zip(layout) else { continue };
            let rate = standard.programme.sample_rate;
            match sums::print(written, *input, *layout, rate, standard.files, None) {
                Ok(print) => {
                    references.insert(*mix, print);
                }
                Err(error) => errors.push(error),
            }
        }
        version.references = references;
        errors.into_iter().for_each(|error| version.spoil(error, faults));
    }
}

impl Standard<'_, '_> {
    /// Why what stands in the place of a part cannot enter what hears it.
    fn misfit(&self, part: Part, stand: &Stand, place: &Span) -> Option<Diagnostic> {
        let kind = TermKind::InPlaceOf(named(self.manifest, part).0);
        let terms: Vec<Term<'_>> = match stand {
            Stand::Track(stand) => {
                let from = heard_layout(stand);
                vec![Term { name: &stand.name, span: place, kind, from }]
            }
            Stand::Sum(parts) => {
                let term = |part: &Part| {
                    let (name, from) =
                        (named(self.manifest, *part).0, *self.sums.layouts.get(part)?);
                    Some(Term { name, span: place, kind: TermKind::of(*part), from })
                };
                parts.iter().filter_map(term).collect()
            }
        };
        let sums: Vec<Part> = match part {
            Part::Track(_) => self.sums_of(part).collect(),
            _ => vec![part],
        };
        let entering = sums.iter().flat_map(|sum| terms.iter().map(move |term| (*sum, *term)));
        entering.into_iter().find_map(|(sum, term)| {
            let to = *self.sums.layouts.get(&sum)?;
            misfit(term, sum, named(self.manifest, sum).0, to)
        })
    }

    /// The stems and mixes that sum a part as they are; what is folded down has the
    /// layout of its sum, which is known only to the plan.
    fn sums_of(&self, part: Part) -> impl Iterator<Item = Part> {
        let links = self.links.sums.iter();
        let hear = links.filter(move |(_, links)| links.iter().any(|link| link.part == part));
        let folded =
            |sum: &Part| matches!(sum, Part::Mix(id) if self.sums.downmixes.contains_key(id));
        hear.map(|(sum, _)| *sum).filter(move |sum| !folded(sum))
    }

    /// Warns of stereo in the place of a stem that has a centre: dialogue would leave it.
    fn warn_of_width(&self, part: Part, track: &Track, faults: &mut Faults) {
        let Some(to) = self.sums.layouts.get(&part).copied() else { return };
        if heard_layout(track) != Layout::Stereo || to.position(Channel::C).is_none() {
            return;
        }
        let title = format!("stereo `{}` goes to L and R of a stem in {to}", track.name);
        let warning = Diagnostic::warning(title).at(&track.span, "nothing of it goes to C");
        let stem = named(self.manifest, part).0;
        let help = format!(
            "if it belongs there, bounce it in {to}, or in mono and say \
             `{stem}: {{ file: ..., channels: [C] }}`"
        );
        faults.warn(warning.help(help));
    }

    /// Warns of a replacement that ends neither where what it replaces does, nor with
    /// the whole: mostly another selection was bounced.
    fn warn_of_length(&self, part: Part, track: &Track, faults: &mut Faults) {
        let (mut seen, mut open, mut replaced) = (BTreeSet::new(), vec![part], 0);
        while let Some(next) = open.pop() {
            if let Part::Track(id) = next {
                replaced = replaced
                    .max(self.tracks.get(&id).map_or(0, |track| placement::end(track, self.files)));
            }
            let inner = self.links.sums.get(&next).into_iter().flatten().map(|link| link.part);
            open.extend(inner.filter(|part| seen.insert(*part)));
        }
        let here = placement::end(track, self.files);
        let whole =
            self.tracks.values().map(|track| placement::end(track, self.files)).max().unwrap_or(0);
        let session = self.manifest.session.as_ref();
        let fixed = session.is_some_and(|s| s.length.is_some() || s.end.is_some());
        let whole_programme = here == whole || (fixed && here == self.programme.frames);
        if here == replaced || whole_programme {
            return;
        }
        let off = here.abs_diff(replaced);
        let than = if here < replaced { "shorter" } else { "longer" };
        let plural = if off == 1 { "" } else { "s" };
        let title =
            format!("`{}` is {off} sample{plural} {than} than what it replaces", track.name);
        let clock = |frame| self.programme.sample_rate.clock(frame);
        let label = format!("ends at {}, not at {}", clock(here), clock(replaced));
        let warning = Diagnostic::warning(title).at(&track.span, label);
        faults.warn(warning.help("was another selection bounced?"));
    }
}
