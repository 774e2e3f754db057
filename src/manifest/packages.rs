//! Deliverables: what they hold, what their files are called, where they go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::delivery::{
    Content, Deliverable, DeliveredFile, ORIGINAL, Programme, Section, Track, TrackId, VersionId,
};
use super::framing::{self, Edges};
use super::links::{Links, Names};
use super::members::{self, Member};
use super::names::{Naming, unfit};
use super::pace::Paced;
use super::raw::{self, Manifest, Text};
use super::resolve::Faults;
use super::sums::Sums;
use super::takes::Takes;
use super::timeline::Timeline;
use super::{check, normalize};
use crate::audio::layout::Layout;
use crate::diag::{Diagnostic, Diagnostics, shown};
use crate::fsio::Disk;
use crate::spec::{self, Spec};
use crate::yaml::record::{Entry, Selection};

/// What packages are made from.
pub(super) struct Ground<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) names: &'a Names<'a>,
    pub(super) links: &'a Links,
    pub(super) sums: &'a Sums,
    pub(super) tracks: &'a BTreeMap<TrackId, Track>,
    pub(super) programme: &'a Programme,
    pub(super) sections: &'a [Section],
    pub(super) timeline: &'a Timeline,
    pub(super) disk: &'a Disk,
    /// Folder of the manifest.
    pub(super) home: &'a Path,
    /// The folder that holds the packages.
    pub(super) root: &'a Path,
    /// Files that are read and must never be written: path, and how it is shown.
    pub(super) precious: Vec<(PathBuf, String)>,
}

impl Ground<'_> {
    /// The channels of a delivered signal, as far as they are known: of a track its own,
    /// before any pan.
    pub(super) fn layout(&self, content: Content) -> Option<Layout> {
        match content {
            Content::Track(id) => self.tracks.get(&id).map(|track| track.layout),
            Content::Stem(_) | Content::Mix(_) => self.sums.layouts.get(&content.part()).copied(),
        }
    }
}

/// The deliverables that can be made, and the house's own spec files they use.
/// With errors in what they hear they are left out.
pub(super) fn resolve(
    ground: &mut Ground<'_>,
    faults: &mut Faults,
) -> (Vec<Deliverable>, Vec<PathBuf>) {
    let entries = &ground.manifest.deliverables.0;
    let mut packages = Vec::new();
    let mut spec_files: Vec<PathBuf> = Vec::new();
    let mut folders: BTreeMap<String, &Entry<raw::Deliverable>> = BTreeMap::new();
    for entry in entries {
        let mut found = Diagnostics::default();
        check_folder(ground, entry, &mut found);
        if let Some(first) = folders.get(&entry.name.to_lowercase()) {
            let title = format!("`{}` and `{}` would be one folder", first.name, entry.name);
            found.push(
                Diagnostic::error(title)
                    .at(&entry.span, "")
                    .context(&first.span, "")
                    .help("macOS and Windows do not tell upper case from lower; rename one"),
            );
        }
        folders.insert(entry.name.to_lowercase(), entry);
        let package = entry.body.as_ref().and_then(|raw| {
            let spec = match spec::load(&raw.spec.value, &raw.spec.span, ground.home, ground.disk) {
                Ok((spec, files)) => {
                    let new = files.into_iter().filter(|file| !spec_files.contains(file));
                    spec_files.extend(new.collect::<Vec<_>>());
                    Some(Arc::new(spec))
                }
                Err(errors) => {
                    found.extend(errors);
                    None
                }
            };
            package(ground, entry, raw, spec, &mut found)
        });
        let whole = entry.errors == 0 && !found.has_errors();
        faults.join(found);
        packages.extend(package.filter(|_| whole));
    }
    for file in &spec_files {
        ground.precious.push((file.clone(), shown(file).to_string()));
    }
    packages.retain(|package| guard(ground, package, faults));
    (packages, spec_files)
}

/// One package. `None` if its content or spec cannot be known.
fn package(
    ground: &Ground<'_>,
    entry: &Entry<raw::Deliverable>,
    raw: &raw::Deliverable,
    spec: Option<Arc<Spec>>,
    found: &mut Diagnostics,
) -> Option<Deliverable> {
    let members = members::members(ground, entry, raw, found)?;
    let spec = spec?;
    if members.is_empty() {
        tell_empty(entry, found);
        return None;
    }
    let Paced { pace, programme, sections, timeline } = Paced::of(ground, raw, found);
    check::format(ground, entry, raw, &spec, &pace, &members, found);
    check::members(entry, &spec, &members, found);
    let mut naming = Naming::new(ground, &programme, entry, raw, &spec);
    naming.check(&members, found)?;
    let takes = Takes::resolve(raw, &sections, &programme, found);
    let edited = |member: &&Member<'_>| match member.content {
        Content::Mix(id) => ground.sums.edits.contains_key(&id),
        Content::Track(_) | Content::Stem(_) => false,
    };
    let edges = Edges::new(raw, &spec);
    takes.check(
        entry,
        raw,
        &edges,
        members.iter().find(edited).map(|member| member.content),
        found,
    );
    let versions = versions(ground, entry, raw, found)?;
    let each = |version| members.iter().map(move |member| Member { version, ..*member });
    let mut files: Vec<DeliveredFile> = Vec::new();
    for member in versions.iter().copied().flat_map(each) {
        let Member { content, version, .. } = member;
        let Some(layout) = ground.layout(content) else { continue };
        for take in takes.of(content) {
            let Some((path, parts)) = naming.paths(&member, &take, layout, found) else { continue };
            files.push(DeliveredFile {
                path,
                parts,
                content,
                version,
                role: member.role.to_owned(),
                encoding: spec.encoding,
                layout,
                take,
            });
        }
    }
    let set_gain = raw.normalize.as_ref();
    let set_gain =
        set_gain.and_then(|raw| normalize::of_set(raw, ground.names, entry.errors > 0, found));
    // Files of two versions are never heard together, so each version is a set.
    let set_gains = versions.iter().filter_map(|version| Some((*version, set_gain.clone()?)));
    let framing = framing::resolve(&edges, &programme, &timeline, found);
    Some(Deliverable {
        name: entry.name.clone(),
        spec,
        files,
        framing,
        pace,
        normalize: set_gains.collect(),
        notes: raw.notes.as_ref().map_or(String::new(), |text| text.value.clone()),
        span: entry.span.clone(),
    })
}

/// A package that holds nothing, unless that is because it could not be read.
fn tell_empty(entry: &Entry<raw::Deliverable>, found: &mut Diagnostics) {
    if entry.errors == 0 {
        let title = format!("deliverable `{}` is empty", entry.name);
        let error = Diagnostic::error(title).at(&entry.span, "no tracks, stems or mixes");
        found.push(error.help("add `stems: all` or `mixes: [...]`"));
    }
}

/// The versions in which a package holds everything; `None` stands for the original.
/// Nothing if a name stands for no version.
fn versions(
    ground: &Ground<'_>,
    entry: &Entry<raw::Deliverable>,
    raw: &raw::Deliverable,
    found: &mut Diagnostics,
) -> Option<Vec<Option<VersionId>>> {
    let entries = &ground.manifest.versions.0;
    let texts: &[Text] = match &raw.versions {
        None => return Some(vec![None]),
        Some(Selection::All) if entries.is_empty() => &[],
        Some(Selection::All) => {
            return Some((0..entries.len() as u32).map(VersionId).map(Some).collect());
        }
        Some(Selection::These(texts)) => texts,
    };
    if texts.is_empty() {
        let title = format!("deliverable `{}` asks for no version", entry.name);
        let error = Diagnostic::error(title).at(&entry.span, "");
        found.push(error.help(match entries.is_empty() {
            true => "add `versions: { fr: { replace: { D: fr_DX.wav } } }` to the manifest",
            false => "name some, or write `versions: all`",
        }));
        return None;
    }
    let mut versions = Vec::new();
    for text in texts {
        let index = entries.iter().position(|entry| entry.name == text.value);
        match index {
            Some(index) if versions.contains(&Some(VersionId(index as u32))) => {
                let error = Diagnostic::error(format!("version `{}` is named twice", text.value));
                found.push(error.at(&text.span, "").help("name it once"));
            }
            Some(index) => versions.push(Some(VersionId(index as u32))),
            None if text.value == ORIGINAL => versions.push(None),
            None => {
                let error = Diagnostic::error(format!("unknown version `{}`", text.value));
                let names = entries.iter().map(|entry| entry.name.as_str()).chain([ORIGINAL]);
                let error = error.at(&text.span, "nothing has this name");
                found.push(error.did_you_mean(&text.value, names));
            }
        }
    }
    (versions.len() == texts.len()).then_some(versions)
}

/// A deliverable's name is one folder in the output folder, and nowhere else.
fn check_folder(ground: &Ground<'_>, entry: &Entry<raw::Deliverable>, found: &mut Diagnostics) {
    let name = &entry.name;
    if let Some(why) = unfit(name) {
        let title = format!("`{name}` cannot name a folder: {why}");
        let error = Diagnostic::error(title).at(&entry.span, "");
        found.push(error.help("a deliverable is one folder in the output folder"));
        return;
    }
    let real = ground.disk.canonical(&ground.root.join(name));
    if real != ground.disk.canonical(ground.root).join(name) {
        let title = format!("deliverable `{name}` would leave the output folder");
        let error = Diagnostic::error(title).at(&entry.span, format!("leads to {}", shown(&real)));
        found.push(error.help("remove the link that stands in its place"));
    }
}

/// A package replaces its folder whole, so nothing that is read may stand in it.
fn guard(ground: &Ground<'_>, package: &Deliverable, faults: &mut Faults) -> bool {
    let folder = ground.disk.canonical(&ground.root.join(&package.name));
    let Some((_, name)) = ground.precious.iter().find(|(path, _)| path.starts_with(&folder)) else {
        return true;
    };
    let title = format!("deliverable `{}` would overwrite `{name}`", package.name);
    faults.join(
        Diagnostic::error(title)
            .at(&package.span, format!("is written to {}", shown(&folder)))
            .help("rename the deliverable, or give `output:` another folder")
            .into(),
    );
    false
}
