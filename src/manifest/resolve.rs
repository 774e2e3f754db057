//! From what is written to what is meant.
//!
//! Every check runs, whatever others have found: one run names all mistakes. What
//! is wrong with a track, stem or mix spoils what hears it and nothing else, so
//! that `-k` can build the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::delivery::{
    self, Action, Content, Deliverable, DeliveredFile, Delivery, Mix, MixId, Part, Programme,
    Section, Stem, StemId, Step, Track, TrackId,
};
use super::files::Files;
use super::links::{self, Links, Names, parts};
use super::packages::{self, Ground};
use super::raw::{self, Manifest};
use super::sums::{self, Sums, Terms};
use super::timeline::Timeline;
use super::versions::{self, Reading, Standard, Version};
use super::{expand, programme, tracks};
use crate::audio::{AudioError, AudioInfo};
use crate::diag::{Diagnostic, Diagnostics, SourceText, shown};
use crate::fsio::Disk;
use crate::units::{Gain, SampleRate};
use crate::yaml::record::{Entries, Entry, Field};
use crate::yaml::syntax;

/// Reads the header of an audio file.
pub type Probe<'a> = dyn FnMut(&Path) -> Result<AudioInfo, AudioError> + 'a;

/// A manifest as it was read.
#[derive(Debug)]
pub struct Loaded {
    /// What is written.
    pub manifest: Manifest,
    /// Absolute path of the manifest.
    pub path: PathBuf,
    /// Its text.
    pub source: Arc<SourceText>,
    /// What is wrong with its form.
    pub diagnostics: Diagnostics,
}

/// Reads a manifest. An error means that nothing more can be said about it; what
/// else is wrong with its form is kept for [`resolve`], which finds the rest.
pub fn load(disk: &Disk, path: &Path) -> Result<Loaded, Diagnostics> {
    let bytes = disk.read(path).map_err(|error| {
        Diagnostic::error(error.to_string()).help("`-f FILE` names another manifest")
    })?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Diagnostic::error(format!("{} is not UTF-8 text", shown(path))))?;
    // A mark that some editors put in front; places would be off by its length.
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    let source = Arc::new(SourceText { path: shown(path).to_string(), text });
    let node = syntax::parse(&source)?;
    let mut diagnostics = Diagnostics::default();
    match Manifest::decode(&node, &mut diagnostics) {
        Some(manifest) => Ok(Loaded { manifest, path: in_place(disk, path), source, diagnostics }),
        None => Err(diagnostics),
    }
}

/// The absolute path of a manifest. Its folder is where it stands, even if that
/// is a link to a file elsewhere.
fn in_place(disk: &Disk, path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = disk.canonical(folder.unwrap_or(Path::new(".")));
    path.file_name().map_or(folder.clone(), |name| folder.join(name))
}

/// The folder that holds the packages of a manifest that stands in `home`.
pub fn output_root(manifest: &Manifest, home: &Path, disk: &Disk) -> PathBuf {
    let output = manifest.output.as_ref().map_or("deliveries", |text| text.value.as_str());
    disk.canonical(&home.join(output))
}

/// What was found wrong, and what must not be built because of it.
pub(super) struct Faults {
    diagnostics: Diagnostics,
    /// Parts that are wrong, or hear something that is.
    pub(super) bad: BTreeSet<Part>,
    /// Whether something is wrong that concerns everything.
    fatal: bool,
}

impl Faults {
    /// An error of one part.
    pub(super) fn spoil(&mut self, part: Part, error: Diagnostic) {
        self.diagnostics.push(error);
        self.bad.insert(part);
    }

    /// An error that concerns everything.
    pub(super) fn whole(&mut self, error: Diagnostic) {
        self.diagnostics.push(error);
        self.fatal = true;
    }

    /// Something that concerns everything is wrong, and has been told.
    pub(super) fn stop(&mut self) {
        self.fatal = true;
    }

    /// Whether something that concerns everything is wrong so far.
    pub(super) fn is_fatal(&self) -> bool {
        self.fatal
    }

    /// Whether anything is wrong so far.
    pub(super) fn has_errors(&self) -> bool {
        self.diagnostics.has_errors()
    }

    /// Something to look at.
    pub(super) fn warn(&mut self, warning: Diagnostic) {
        self.diagnostics.push(warning);
    }

    /// What was found about one deliverable.
    pub(super) fn join(&mut self, found: Diagnostics) {
        self.diagnostics.extend(found);
    }
}

/// Finds out what a manifest means, and everything that is wrong with it.
///
/// Without `keep_going` an error means that there is no delivery. With it, the
/// deliverables that hear nothing wrong are delivered, and a warning names each
/// that is left out; errors that concern everything still end in `None`.
pub fn resolve(
    loaded: Loaded,
    disk: &Disk,
    probe: &mut Probe<'_>,
    keep_going: bool,
) -> (Option<Delivery>, Diagnostics) {
    let (delivery, mut diagnostics) = examine(loaded, disk, probe, keep_going);
    diagnostics.sort();
    (delivery, diagnostics)
}

fn examine(
    loaded: Loaded,
    disk: &Disk,
    probe: &mut Probe<'_>,
    keep_going: bool,
) -> (Option<Delivery>, Diagnostics) {
    let Loaded { manifest, path, source: _, diagnostics } = loaded;
    let mut faults = structural(&manifest, diagnostics);
    let home = path.parent().unwrap_or(Path::new("."));
    let names = Names::of(&manifest);
    let mut files = Files::new(&manifest, home, disk, probe, &mut faults);
    let Material { links, tracks, timeline, versions, programme, sections, sums } =
        material(&manifest, &names, &mut files, &mut faults);
    let project = programme::project(&manifest, &mut faults);
    let output_root = output_root(&manifest, home, disk);
    check_output(&manifest, home, &output_root, &files, &mut faults);
    let mut ground = Ground {
        manifest: &manifest,
        names: &names,
        links: &links,
        sums: &sums,
        tracks: &tracks,
        programme: &programme,
        sections: &sections,
        timeline: &timeline,
        disk,
        home,
        root: &output_root,
        precious: precious(&path, &files, &sums),
    };
    versions::warn_of_unheard(&manifest, &mut faults);
    let (mut deliverables, spec_files) = packages::resolve(&mut ground, &mut faults);
    if faults.fatal || (faults.diagnostics.has_errors() && !keep_going) {
        return (None, faults.diagnostics);
    }
    leave_out(&manifest, &links, &versions, &mut deliverables, &mut faults);
    if deliverables.is_empty() {
        return (None, faults.diagnostics);
    }
    let kept = Kept::of(&manifest, &faults.bad);
    let mut delivery = Delivery {
        project,
        programme,
        inputs: files.inputs,
        tracks: kept.tracks(tracks),
        stems: kept.stems(&manifest, &links, &sums),
        mixes: kept.mixes(&manifest, &links, &sums),
        versions: kept_versions(&manifest),
        sections,
        deliverables: deliverables.into_iter().map(|package| kept.package(package)).collect(),
        output_root,
        spec_files,
    };
    expand::expand(&mut delivery, versions, &kept.0, &mut faults);
    let complete = keep_going || !faults.diagnostics.has_errors();
    let delivery = Some(delivery).filter(|delivery| complete && !delivery.deliverables.is_empty());
    (delivery, faults.diagnostics)
}

/// What packages are made from: all of a manifest but the packages.
struct Material {
    links: Links,
    tracks: BTreeMap<TrackId, Track>,
    timeline: Timeline,
    versions: Vec<Version>,
    programme: Programme,
    sections: Vec<Section>,
    sums: Sums,
}

fn material(
    manifest: &Manifest,
    names: &Names<'_>,
    files: &mut Files<'_>,
    faults: &mut Faults,
) -> Material {
    let mut links = links::link(manifest, names, faults);
    let mut tracks = tracks::resolve(manifest, files, faults);
    let rate = tracks::common_rate(manifest, &tracks, files, faults);
    expect_something(manifest, faults);
    faults.fatal |= rate.is_none();
    // Where no rate can be known the remaining checks still have one.
    let rate = rate.or_else(|| SampleRate::new(48_000)).expect("BUG: 48 kHz is a rate");
    let timeline = Timeline::of(manifest, rate, faults);
    let mut versions =
        versions::read(Reading { manifest, names, timeline: &timeline, files, faults });
    links.stand_ins = versions.iter().flat_map(Version::stand_ins).collect();
    let (programme, sections) =
        programme::resolve(manifest, &mut tracks, &versions, files, &timeline, faults);
    let terms = Terms {
        manifest,
        names,
        links: &links,
        tracks: &tracks,
        timeline: &timeline,
        programme: &programme,
        sections: &sections,
    };
    let sums = sums::resolve(terms, files, faults);
    let standard = Standard {
        manifest,
        links: &links,
        tracks: &tracks,
        sums: &sums,
        files,
        programme: &programme,
        timeline: &timeline,
    };
    versions::check(&standard, &mut versions, faults);
    Material { links, tracks, timeline, versions, programme, sections, sums }
}

/// What is read and must never be written: path, and how it is shown.
fn precious(manifest: &Path, files: &Files<'_>, sums: &Sums) -> Vec<(PathBuf, String)> {
    let inputs = files.inputs.iter().map(|input| (input.path.clone(), input.shown.clone()));
    let others = std::iter::once(manifest).chain(sums.outside_files().map(PathBuf::as_path));
    inputs.chain(others.map(|path| (path.to_owned(), shown(path).to_string()))).collect()
}

/// A manifest has tracks and deliverables.
fn expect_something(manifest: &Manifest, faults: &mut Faults) {
    if manifest.tracks.0.is_empty() {
        faults.whole(Diagnostic::error("there are no tracks").help("add `tracks: { NAME: FILE }`"));
    }
    if manifest.deliverables.0.is_empty() {
        let help = "add `deliverables: { NAME: { spec: production-stems, stems: all } }`";
        faults.whole(Diagnostic::error("there are no deliverables").help(help));
    }
}

/// The versions as reports name them.
fn kept_versions(manifest: &Manifest) -> Vec<delivery::Version> {
    let version = |entry: &Entry<raw::Version>| {
        let language = entry.body.as_ref().and_then(|raw| raw.language.as_ref());
        delivery::Version {
            name: entry.name.clone(),
            language: language.map_or(String::new(), |at| at.value.0.clone()),
        }
    };
    manifest.versions.0.iter().map(version).collect()
}

/// Packages may stand neither among what rebounce keeps for itself nor, if that
/// can be helped, among the session audio.
fn check_output(
    manifest: &Manifest,
    home: &Path,
    output_root: &Path,
    files: &Files<'_>,
    faults: &mut Faults,
) {
    let Some(written) = &manifest.output else { return };
    if output_root.starts_with(files.real(&home.join(".rebounce"))) {
        let error = Diagnostic::error("packages cannot be written into `.rebounce`");
        let error = error.at(&written.span, "what rebounce remembers is kept there");
        faults.whole(error.help("give `output:` another folder, like `deliveries`"));
    }
    let audio = manifest.session.as_ref().and_then(|session| session.audio.as_ref());
    let real = files.audio.as_deref().map(|folder| files.real(folder));
    if let (Some(audio), Some(_)) = (audio, real.filter(|real| real == output_root)) {
        let warning = Diagnostic::warning("packages are written among the session audio");
        let warning = warning.at(&written.span, "").context(&audio.span, "the session audio");
        faults.warn(warning.help("give `output:` a folder of its own, like `deliveries`"));
    }
}

/// Sorts the mistakes of form: those in entries spoil their parts.
fn structural(manifest: &Manifest, diagnostics: Diagnostics) -> Faults {
    fn wrong<T>(entries: &Entries<T>) -> impl Iterator<Item = (u32, usize)> {
        entries.0.iter().zip(0..).map(|(entry, id)| (id, entry.errors)).filter(|(_, n)| *n > 0)
    }
    let tracks = wrong(&manifest.tracks).map(|(id, n)| (Part::Track(TrackId(id)), n));
    let stems = wrong(&manifest.stems).map(|(id, n)| (Part::Stem(StemId(id)), n));
    let mixes = wrong(&manifest.mixes).map(|(id, n)| (Part::Mix(MixId(id)), n));
    let spoiled: Vec<(Part, usize)> = tracks.chain(stems).chain(mixes).collect();
    let in_parts: usize = spoiled.iter().map(|(_, errors)| errors).sum();
    let in_packages: usize = wrong(&manifest.deliverables).map(|(_, errors)| errors).sum();
    let in_versions: usize = wrong(&manifest.versions).map(|(_, errors)| errors).sum();
    Faults {
        fatal: diagnostics.errors() > in_parts + in_packages + in_versions,
        diagnostics,
        bad: spoiled.into_iter().map(|(part, _)| part).collect(),
    }
}

/// Takes out the deliverables that cannot be made, and says so.
fn leave_out(
    manifest: &Manifest,
    links: &Links,
    versions: &[Version],
    deliverables: &mut Vec<Deliverable>,
    faults: &mut Faults,
) {
    for part in &links.order {
        let terms = links.sums.get(part).into_iter().flatten();
        if terms.into_iter().any(|link| faults.bad.contains(&link.part)) {
            faults.bad.insert(*part);
        }
    }
    let bad = &faults.bad;
    let lost_track = bad.iter().any(|part| matches!(part, Part::Track(_)));
    let good = |file: &DeliveredFile| {
        let version = file.version.map(|id| &versions[id.0 as usize]);
        !bad.contains(&file.content.part()) && version.is_none_or(|version| !version.bad)
    };
    deliverables.retain(|package| {
        let counted = package.normalize.values().filter_map(|normalize| normalize.by);
        package.files.iter().all(good) && counted.into_iter().all(|part| !bad.contains(&part))
    });
    for entry in &manifest.deliverables.0 {
        if !deliverables.iter().any(|package| package.name == entry.name) {
            let title = format!("deliverable `{}` is left out", entry.name);
            faults.warn(Diagnostic::warning(title).at(&entry.span, "something in it is wrong"));
        }
    }
    if lost_track {
        let title = "the programme may be too short: not every track could be read";
        faults.warn(Diagnostic::warning(title).help("its length is that of the other tracks"));
    }
}

/// The parts that are delivered, under their ids in the delivery.
struct Kept(BTreeMap<Part, Part>);

impl Kept {
    fn of(manifest: &Manifest, bad: &BTreeSet<Part>) -> Self {
        let (mut tracks, mut stems, mut mixes) = (0.., 0.., 0..);
        let mut kept = BTreeMap::new();
        for part in parts(manifest).filter(|part| !bad.contains(part)) {
            let new = match part {
                Part::Track(_) => tracks.next().map(TrackId).map(Part::Track),
                Part::Stem(_) => stems.next().map(StemId).map(Part::Stem),
                Part::Mix(_) => mixes.next().map(MixId).map(Part::Mix),
            };
            kept.extend(new.map(|new| (part, new)));
        }
        Self(kept)
    }

    fn terms(&self, links: &Links, part: Part) -> Vec<Part> {
        links.sums[&part].iter().filter_map(|link| self.0.get(&link.part).copied()).collect()
    }

    fn tracks(&self, tracks: BTreeMap<TrackId, Track>) -> Vec<Track> {
        let kept = tracks.into_iter().filter(|(id, _)| self.0.contains_key(&Part::Track(*id)));
        kept.map(|(_, track)| track).collect()
    }

    fn stems(&self, manifest: &Manifest, links: &Links, sums: &Sums) -> Vec<Stem> {
        let mut stems = Vec::new();
        for (entry, id) in manifest.stems.0.iter().zip(0..) {
            let part = Part::Stem(StemId(id));
            let (Some(raw), Some(layout), true) =
                (&entry.body, sums.layouts.get(&part), self.0.contains_key(&part))
            else {
                continue;
            };
            stems.push(Stem {
                name: entry.name.clone(),
                from: self.terms(links, part),
                gain: raw.gain.unwrap_or(Gain::UNITY),
                process: self.chain(sums, part),
                layout: *layout,
                role: raw.role.as_ref().map_or(String::new(), |role| role.value.clone()),
                notes: raw.notes.as_ref().map_or(String::new(), |notes| notes.value.clone()),
                span: entry.span.clone(),
            });
        }
        stems
    }

    fn mixes(&self, manifest: &Manifest, links: &Links, sums: &Sums) -> Vec<Mix> {
        let mut mixes = Vec::new();
        for (entry, id) in manifest.mixes.0.iter().zip(0..) {
            let part = Part::Mix(MixId(id));
            let (Some(raw), Some(layout), true) =
                (&entry.body, sums.layouts.get(&part), self.0.contains_key(&part))
            else {
                continue;
            };
            let without = links.without[id as usize].iter().filter_map(|(stem, _)| {
                match self.0.get(&Part::Stem(*stem)) {
                    Some(Part::Stem(stem)) => Some(*stem),
                    _ => None,
                }
            });
            mixes.push(Mix {
                name: entry.name.clone(),
                from: self.terms(links, part),
                without: without.collect(),
                gain: raw.gain.unwrap_or(Gain::UNITY),
                process: self.chain(sums, part),
                layout: *layout,
                edit: sums.edits.get(&MixId(id)).cloned().unwrap_or_default(),
                downmix: sums.downmixes.get(&MixId(id)).cloned(),
                reference: sums.references.get(&MixId(id)).cloned(),
                role: raw.role.as_ref().map_or(String::new(), |role| role.value.clone()),
                notes: raw.notes.as_ref().map_or(String::new(), |notes| notes.value.clone()),
                span: entry.span.clone(),
            });
        }
        mixes
    }

    fn chain(&self, sums: &Sums, part: Part) -> Vec<Step> {
        let mut chain = sums.processes.get(&part).cloned().unwrap_or_default();
        for step in &mut chain {
            match &mut step.action {
                Action::Normalize(normalize) => {
                    normalize.by = normalize.by.and_then(|by| self.0.get(&by).copied());
                }
                // What follows from something wrong is wrong, and not kept.
                Action::Keyed { by, .. } => *by = self.0.get(by).copied().unwrap_or(*by),
                _ => {}
            }
        }
        chain
    }

    fn package(&self, mut package: Deliverable) -> Deliverable {
        for normalize in package.normalize.values_mut() {
            normalize.by = normalize.by.and_then(|by| self.0.get(&by).copied());
        }
        for file in &mut package.files {
            match self.0.get(&file.content.part()) {
                Some(Part::Stem(id)) => file.content = Content::Stem(*id),
                Some(Part::Mix(id)) => file.content = Content::Mix(*id),
                Some(Part::Track(id)) => file.content = Content::Track(*id),
                None => {}
            }
        }
        package
    }
}
