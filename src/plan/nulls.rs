//! Null tests: what is compared with what.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::clock::ClockId;
use super::matrix::route;
use super::nodes::Nodes;
use super::{NodeId, NullReference, PlannedFile, PlannedNull, Print, PrintId, Unproven, cover};
use crate::audio::layout::{Channel, Layout, spelled};
use crate::dsp::signal::Sound;
use crate::manifest::delivery::{
    Content, Deliverable, Delivery, InputId, Mix, MixId, StemId, TrackFile, VersionId,
};

/// Every delivered mix against its reference and against the delivered stems;
/// and the stems against the reference of a mix that is itself not delivered.
pub(super) fn tests(
    delivery: &Delivery,
    nodes: &mut Nodes<'_>,
    signals: &[PlannedFile],
    references: &[Option<(InputId, NodeId)>],
    prints: &[Print],
) -> (Vec<PlannedNull>, Vec<Unproven>) {
    let (mut nulls, mut unproven) = (Vec::new(), Vec::new());
    for deliverable in 0..delivery.deliverables.len() {
        let mut package = Package { delivery, nodes, signals, prints, deliverable };
        let (mut delivered, mut versions) = (BTreeSet::new(), BTreeSet::new());
        for (file, reference) in signals.iter().zip(references) {
            if file.deliverable != deliverable {
                continue;
            }
            versions.insert(file.version);
            if let Content::Mix(mix) = file.content {
                delivered.insert(mix);
                package.of_file(file, mix, *reference, &mut nulls, &mut unproven);
            }
        }
        let mixes = (0..delivery.mixes.len() as u32).map(MixId);
        for mix in mixes.filter(|mix| !delivered.contains(mix)) {
            for version in &versions {
                // What is alike in several versions is proven once.
                let null = package.of_stems(mix, *version);
                nulls.extend(null.filter(|null| !nulls.contains(null)));
            }
        }
    }
    (nulls, unproven)
}

/// One package whose mixes are to be proven.
struct Package<'a, 'n> {
    delivery: &'a Delivery,
    nodes: &'a mut Nodes<'n>,
    signals: &'a [PlannedFile],
    prints: &'a [Print],
    deliverable: usize,
}

impl Package<'_, '_> {
    /// A delivered mix, against its reference and against the stems beside it.
    fn of_file(
        &self,
        file: &PlannedFile,
        mix: MixId,
        reference: Option<(InputId, NodeId)>,
        nulls: &mut Vec<PlannedNull>,
        unproven: &mut Vec<Unproven>,
    ) {
        let deliverable = self.deliverable;
        let skip = skipped(&self.delivery.deliverables[deliverable]);
        let print = &self.prints[file.print.0 as usize];
        let clock = self.nodes.graph[print.node].clock;
        let of = file.path.clone();
        if let Some((input, node)) = reference {
            let reference = NullReference::Input { input, node };
            let part_names = vec![self.delivery.mix(mix).name.clone()];
            let (of, parts, skip) = (of.clone(), vec![file.print], skip.clone());
            nulls.push(PlannedNull { deliverable, mix, of, reference, parts, part_names, skip });
        }
        let stems = self.delivered_stems(file.version, clock, print.layout);
        match stems_of(self.delivery, mix, &stems) {
            Some(Ok((parts, part_names))) => {
                let reference = NullReference::Print(file.print);
                nulls.push(PlannedNull {
                    deliverable,
                    mix,
                    of,
                    reference,
                    parts,
                    part_names,
                    skip,
                });
            }
            Some(Err(missing)) => unproven.push(Unproven { deliverable, of, missing }),
            None => {}
        }
    }

    /// The stems of a mix that is itself not delivered, against its reference.
    fn of_stems(&mut self, mix: MixId, version: Option<VersionId>) -> Option<PlannedNull> {
        let deliverable = self.deliverable;
        let pace = self.delivery.deliverables[deliverable].pace;
        let clock = self.nodes.paced(ClockId::PROGRAMME, pace).unwrap_or(ClockId::PROGRAMME);
        let Mix { name, layout, .. } = self.delivery.mix(mix);
        let stems = self.delivered_stems(version, clock, *layout);
        let (parts, part_names) = stems_of(self.delivery, mix, &stems)?.ok()?;
        let reference = reference(self.delivery, self.nodes, deliverable, (mix, version))?;
        let (of, skip) = (name.clone(), Vec::new());
        Some(PlannedNull { deliverable, mix, of, reference, parts, part_names, skip })
    }

    /// The stems that the package delivers in a version, in `layout` and on `clock`, with
    /// their prints.
    fn delivered_stems(
        &self,
        version: Option<VersionId>,
        clock: ClockId,
        layout: Layout,
    ) -> BTreeMap<StemId, PrintId> {
        let fits = |file: &&PlannedFile| {
            let print = &self.prints[file.print.0 as usize];
            file.deliverable == self.deliverable
                && file.version == version
                && !file.take.dry
                && print.layout == layout
                && self.nodes.graph[print.node].clock == clock
        };
        let stem = |file: &PlannedFile| match file.content {
            Content::Stem(id) => Some((id, file.print)),
            Content::Track(_) | Content::Mix(_) => None,
        };
        self.signals.iter().filter(fits).filter_map(stem).collect()
    }
}

/// What is put into every file: a pop in each of many stems sums to many.
fn skipped(package: &Deliverable) -> Vec<Range<u64>> {
    let frames = |sound: &Sound| match *sound {
        Sound::Tone { start, end, .. } => start..end,
        Sound::Click { start, .. } => start..start,
    };
    package.framing.iter().flat_map(|framing| &framing.sounds).map(frames).collect()
}

/// The approved print of a mix on a clock, its channels brought to the mix's order.
pub(super) fn print(
    delivery: &Delivery,
    nodes: &mut Nodes<'_>,
    mix: MixId,
    clock: ClockId,
) -> Option<(InputId, NodeId)> {
    let Mix { name, layout, reference, .. } = delivery.mix(mix);
    let TrackFile { input, channels } = reference.clone()?;
    let source = nodes.source_on(clock, input, 0);
    let row = |out: &Channel| channels.iter().map(|c| route(*c, *out, *layout)).collect();
    let rows = layout.channels().iter().map(row).collect();
    let words = format!("{} brought to {}", spelled(&channels), layout.spelled());
    Some((input, nodes.matrix(source, rows, words, &format!("reference of {name}"))))
}

/// The approved print of a mix that is not itself delivered.
fn reference(
    delivery: &Delivery,
    nodes: &mut Nodes<'_>,
    deliverable: usize,
    (mix, version): (MixId, Option<VersionId>),
) -> Option<NullReference> {
    let (input, mut node) = print(delivery, nodes, mix, ClockId::PROGRAMME)?;
    // What is done to the whole set is done to what it is compared with.
    let package = &delivery.deliverables[deliverable];
    node = nodes.pace(node, package.pace);
    if let Some(normalize) = package.normalize.get(&version) {
        node = nodes.gain(node, normalize.settled, normalize.words(), "reference");
    }
    Some(NullReference::Input { input, node })
}

/// The prints and names of the stems that make up a mix, or what they lack;
/// `None` if there are no stems.
#[expect(clippy::type_complexity, reason = "two lists side by side, used once")]
fn stems_of(
    delivery: &Delivery,
    mix: MixId,
    stems: &BTreeMap<StemId, PrintId>,
) -> Option<Result<(Vec<PrintId>, Vec<String>), Vec<String>>> {
    // A package without stems is not asked to prove what they sum to.
    if stems.is_empty() {
        return None;
    }
    let cover = cover::cover(delivery, mix, stems);
    if !cover.missing.is_empty() {
        return Some(Err(cover.missing));
    }
    let name = |id: &StemId| delivery.stem(*id).name.clone();
    let parts = cover.used.iter().map(|id| stems[id]).collect();
    Some(Ok((parts, cover.used.iter().map(name).collect())))
}
