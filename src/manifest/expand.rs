//! The stems and mixes of versions: copies of what hears a replacement, down to it.
//! All else is shared, so that a version costs what is particular to it.

use std::collections::{BTreeMap, BTreeSet};

use super::delivery::{
    Action, Content, Deliverable, DeliveredFile, Delivery, MixId, Part, Stem, StemId, Step,
    TrackFile, TrackId, VersionId,
};
use super::resolve::Faults;
use super::versions::{Stand, Version};
use crate::diag::{Diagnostic, Diagnostics};
use crate::spec::{FileKind, Members};
use crate::units::Gain;

/// Gives every file that holds a version the content of that version. `kept` leads
/// from the ids of the manifest to those of the delivery. A package of which nothing
/// is left is an error, and goes.
pub(super) fn expand(
    delivery: &mut Delivery,
    versions: Vec<Version>,
    kept: &BTreeMap<Part, Part>,
    faults: &mut Faults,
) {
    let mut packages = std::mem::take(&mut delivery.deliverables);
    let files = packages.iter().flat_map(|package| &package.files);
    let used: BTreeSet<VersionId> = files.filter_map(|file| file.version).collect();
    let (mut changed, mut gone) = (BTreeSet::new(), BTreeSet::new());
    for (version, id) in versions.into_iter().zip(0..).map(|(v, id)| (v, VersionId(id))) {
        if !used.contains(&id) {
            continue;
        }
        let mut expansion = Expansion::new(delivery, id, version, kept);
        let references: Vec<MixId> = expansion.references.keys().copied().collect();
        references.into_iter().for_each(|mix| {
            expansion.part(Part::Mix(mix));
        });
        for (index, package) in packages.iter_mut().enumerate() {
            if let Some(normalize) = package.normalize.get_mut(&Some(id)) {
                // By the original, if the version has nothing in its place.
                normalize.by = normalize.by.map(|by| expansion.part(by).unwrap_or(by));
            }
            package.files.retain_mut(|file| {
                if file.version != Some(id) {
                    return true;
                }
                let before = file.content;
                let after = expansion.part(before.part()).map(content);
                let after = after.filter(|after| expansion.sounds(after.part()));
                if after != Some(before) {
                    changed.insert((index, id));
                }
                file.content = after.unwrap_or(before);
                if after.is_none() {
                    gone.insert((index, id));
                }
                after.is_some()
            });
        }
    }
    let whole = |(index, mut package): (usize, Deliverable)| {
        let mut found = Diagnostics::default();
        let gone = gone.iter().filter(|(at, _)| *at == index).map(|(_, version)| *version);
        check(delivery, &package, gone, &mut found);
        if !package.files.is_empty() {
            warn_of_sameness(delivery, &package, |id| changed.contains(&(index, id)), &mut found);
        }
        let left: BTreeSet<_> = package.files.iter().map(|file| file.version).collect();
        package.normalize.retain(|version, _| left.contains(version));
        let good = !found.has_errors();
        faults.join(found);
        good.then_some(package)
    };
    let packages = packages.into_iter().enumerate().filter_map(whole).collect();
    delivery.deliverables = packages;
}

fn content(part: Part) -> Content {
    match part {
        Part::Track(id) => Content::Track(id),
        Part::Stem(id) => Content::Stem(id),
        Part::Mix(id) => Content::Mix(id),
    }
}

/// Whether a package is still what it should be: something is left, and tracks as they
/// are have the channels that their names tell. `gone` are versions that lack files.
fn check(
    delivery: &Delivery,
    package: &Deliverable,
    gone: impl Iterator<Item = VersionId>,
    found: &mut Diagnostics,
) {
    if package.files.is_empty() {
        let title = format!("nothing is left of deliverable `{}`", package.name);
        let error = Diagnostic::error(title).at(&package.span, "its versions take out all of it");
        found.push(error.help("deliver something else, or `original` too"));
        return;
    }
    gone.for_each(|version| check_rest(delivery, package, version, found));
    for file in &package.files {
        let Content::Track(id) = file.content else { continue };
        let track = delivery.track(id);
        if track.layout != file.layout {
            let title = format!("track `{}` is {}, not {}", track.name, track.layout, file.layout);
            let error = Diagnostic::error(title).at(&track.span, "stands for one of that layout");
            let error = error.context(&package.span, "delivers it as it is");
            found.push(error.help("a track and what stands for it must have the same channels"));
        }
    }
}

/// What a version has taken out must have left something, and what the spec requires.
fn check_rest(
    delivery: &Delivery,
    package: &Deliverable,
    version: VersionId,
    found: &mut Diagnostics,
) {
    let name = &delivery.version(version).name;
    let here = || package.files.iter().filter(|file| file.version == Some(version));
    if here().next().is_none() {
        let title = format!("nothing is left of version `{name}` in `{}`", package.name);
        let warning = Diagnostic::warning(title).at(&package.span, "it takes out all of it");
        return found.push(warning.help(format!("leave `{name}` out of its `versions`")));
    }
    let Members { kinds, stems, mixes } = &package.spec.required;
    let kind = |file: &DeliveredFile| match file.content {
        Content::Track(_) => FileKind::Track,
        Content::Stem(_) => FileKind::Stem,
        Content::Mix(_) => FileKind::Mix,
    };
    let kinds = kinds.iter().filter(|wanted| !here().any(|file| kind(file) == **wanted));
    let roles = stems.iter().chain(mixes);
    let roles = roles.filter(|role| !here().any(|file| file.role == **role));
    let missing = kinds.map(ToString::to_string).chain(roles.map(|role| format!("role `{role}`")));
    for missing in missing {
        let spec = &package.spec.name;
        let title = format!("spec `{spec}` needs {missing}, and version `{name}` takes it out");
        let error = Diagnostic::error(title).at(&package.span, "in this deliverable");
        found.push(error.help(format!("leave `{name}` out of its `versions`")));
    }
}

/// Warns of versions that change nothing in a package.
fn warn_of_sameness(
    delivery: &Delivery,
    package: &Deliverable,
    changed: impl Fn(VersionId) -> bool,
    found: &mut Diagnostics,
) {
    const NAMED: usize = 8;
    let versions: BTreeSet<VersionId> =
        package.files.iter().filter_map(|file| file.version).collect();
    let same: Vec<VersionId> = versions.into_iter().filter(|id| !changed(*id)).collect();
    if same.is_empty() {
        return;
    }
    let name = |id: &VersionId| format!("`{}`", delivery.version(*id).name);
    let mut names: Vec<String> = same.iter().take(NAMED).map(name).collect();
    if same.len() > NAMED {
        names.push(format!("{} more", same.len() - NAMED));
    }
    let title = format!("nothing in `{}` differs in {}", package.name, names.join(", "));
    found.push(
        Diagnostic::warning(title)
            .at(&package.span, "hears nothing that they replace")
            .help("deliver the mixes or stems that do, or leave `versions` out"),
    );
}

/// One version in the making.
struct Expansion<'a> {
    delivery: &'a mut Delivery,
    /// Name of the version.
    name: String,
    replaced: BTreeMap<Part, Stand>,
    without: BTreeSet<Part>,
    references: BTreeMap<MixId, TrackFile>,
    /// What each part is in this version; `None` if nothing is left of it.
    made: BTreeMap<Part, Option<Part>>,
    /// Whether anything is heard of a part without those stems.
    heard: BTreeMap<(Part, BTreeSet<StemId>), bool>,
}

impl<'a> Expansion<'a> {
    fn new(
        delivery: &'a mut Delivery,
        id: VersionId,
        version: Version,
        kept: &BTreeMap<Part, Part>,
    ) -> Self {
        let Version { replaced, without, references, prints: _, bad: _ } = version;
        let at_home = |part: &Part| kept.get(part).copied();
        let stand = |stand: Stand| match stand {
            Stand::Sum(parts) => Stand::Sum(parts.iter().filter_map(at_home).collect()),
            Stand::Track(track) => Stand::Track(track),
        };
        let mix = |mix: MixId| match at_home(&Part::Mix(mix)) {
            Some(Part::Mix(mix)) => Some(mix),
            _ => None,
        };
        Self {
            name: delivery.version(id).name.clone(),
            delivery,
            replaced: replaced
                .into_iter()
                .filter_map(|(p, s)| Some((at_home(&p)?, stand(s))))
                .collect(),
            without: without.iter().filter_map(at_home).collect(),
            references: references
                .into_iter()
                .filter_map(|(m, input)| Some((mix(m)?, input)))
                .collect(),
            made: BTreeMap::new(),
            heard: BTreeMap::new(),
        }
    }

    /// A part in this version: itself, if it hears nothing that was replaced.
    fn part(&mut self, part: Part) -> Option<Part> {
        if let Some(known) = self.made.get(&part) {
            return *known;
        }
        let made = self.make(part);
        self.made.insert(part, made);
        made
    }

    fn make(&mut self, part: Part) -> Option<Part> {
        if self.without.contains(&part) {
            return None;
        }
        if let Some(stand) = self.replaced.remove(&part) {
            return Some(self.stand(part, stand));
        }
        match part {
            Part::Track(_) => Some(part),
            Part::Stem(id) => self.stem(id),
            Part::Mix(id) => self.mix(id),
        }
    }

    fn named(&self, name: &str) -> String {
        format!("{name} ({})", self.name)
    }

    fn parts(&mut self, parts: &[Part]) -> Vec<Part> {
        parts.iter().filter_map(|part| self.part(*part)).collect()
    }

    fn stem(&mut self, id: StemId) -> Option<Part> {
        let old = self.delivery.stem(id).clone();
        let (from, process) = (self.parts(&old.from), self.chain(&old.process));
        if from == old.from && process.is_none() {
            return Some(Part::Stem(id));
        }
        let name = self.named(&old.name);
        let process = process.unwrap_or_else(|| old.process.clone());
        (!from.is_empty()).then(|| self.add_stem(Stem { name, from, process, ..old }))
    }

    fn mix(&mut self, id: MixId) -> Option<Part> {
        let old = self.delivery.mix(id).clone();
        let (from, process) = (self.parts(&old.from), self.chain(&old.process));
        let without = old.without.iter().filter_map(|stem| match self.part(Part::Stem(*stem)) {
            Some(Part::Stem(stem)) => Some(stem),
            _ => None,
        });
        let without: Vec<StemId> = without.collect();
        let reference = self.references.get(&id).cloned();
        let same = from == old.from && without == old.without && process.is_none();
        if same && reference.is_none() {
            return Some(Part::Mix(id));
        }
        if from.is_empty() {
            return None;
        }
        // The print of the original says nothing about this version.
        let mut mix = old;
        mix.name = self.named(&mix.name);
        mix.process = process.unwrap_or(mix.process);
        (mix.from, mix.without, mix.reference) = (from, without, reference);
        self.delivery.mixes.push(mix);
        Some(Part::Mix(MixId(self.delivery.mixes.len() as u32 - 1)))
    }

    /// A chain in this version, if it differs: what is normalised by a dialogue stem is
    /// so by its dub.
    fn chain(&mut self, steps: &[Step]) -> Option<Vec<Step>> {
        let (mut chain, mut differs) = (steps.to_vec(), false);
        for step in &mut chain {
            if let Action::Normalize(normalize) = &mut step.action
                && let Some(by) = normalize.by
            {
                // By the original, if the version has nothing in its place.
                let here = self.part(by).unwrap_or(by);
                differs |= here != by;
                normalize.by = Some(here);
            }
        }
        differs.then_some(chain)
    }

    /// What stands in the place of a track or stem. A stem is replaced whole: what
    /// was done to the original was done to another sound.
    fn stand(&mut self, part: Part, stand: Stand) -> Part {
        let from = match stand {
            Stand::Sum(parts) => parts,
            Stand::Track(mut track) => {
                if let Part::Track(id) = part {
                    track.name = self.named(&self.delivery.track(id).name);
                }
                self.delivery.tracks.push(*track);
                vec![Part::Track(TrackId(self.delivery.tracks.len() as u32 - 1))]
            }
        };
        match (part, from.as_slice()) {
            (Part::Stem(id), _) => {
                let old = self.delivery.stem(id).clone();
                let (gain, process, notes) = (Gain::UNITY, Vec::new(), String::new());
                let name = self.named(&old.name);
                self.add_stem(Stem { name, from, gain, process, notes, ..old })
            }
            (_, [one]) => *one,
            _ => panic!("BUG: a track is replaced by a file"),
        }
    }

    fn add_stem(&mut self, stem: Stem) -> Part {
        self.delivery.stems.push(stem);
        Part::Stem(StemId(self.delivery.stems.len() as u32 - 1))
    }

    /// Whether anything is left of a part, once its mixes have taken out what they do.
    fn sounds(&mut self, part: Part) -> bool {
        self.sounds_without(part, &BTreeSet::new())
    }

    fn sounds_without(&mut self, part: Part, without: &BTreeSet<StemId>) -> bool {
        let key = (part, without.clone());
        if let Some(known) = self.heard.get(&key) {
            return *known;
        }
        let (from, without) = match part {
            Part::Track(_) => return true,
            Part::Stem(id) if without.contains(&id) => return false,
            Part::Stem(id) => (self.delivery.stem(id).from.clone(), without.clone()),
            Part::Mix(id) => {
                let mix = self.delivery.mix(id);
                (mix.from.clone(), without.iter().chain(&mix.without).copied().collect())
            }
        };
        let heard = from.iter().any(|inner| self.sounds_without(*inner, &without));
        self.heard.insert(key, heard);
        heard
    }
}
