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
    Content, Deliverable, Delivery, InputId, Mix, MixId, StemId, TrackFile,
};

/// Every delivered mix against its reference and against the delivered stems;
/// and the stems against the reference of a mix that is itself not delivered.
pub(super) fn tests(
    delivery: &Delivery,
    nodes: &mut Nodes<'_>,
    files: &[PlannedFile],
    references: &[Option<(InputId, NodeId)>],
    prints: &[Print],
) -> (Vec<PlannedNull>, Vec<Unproven>) {
    let (mut nulls, mut unproven) = (Vec::new(), Vec::new());
    for deliverable in 0..delivery.deliverables.len() {
        let own = || {
            let wet = move |file: &&PlannedFile| file.deliverable == deliverable && !file.take.dry;
            files.iter().filter(wet)
        };
        let skip = skipped(&delivery.deliverables[deliverable]);
        let mut delivered = BTreeSet::new();
        for (file, reference) in files.iter().zip(references) {
            let Content::Mix(mix) = file.content else { continue };
            if file.deliverable != deliverable {
                continue;
            }
            delivered.insert(mix);
            let of = file.path.clone();
            let print = &prints[file.print.0 as usize];
            let clock = nodes.graph[print.node].clock;
            if let Some((input, node)) = *reference {
                let reference = NullReference::Input { input, node };
                let part_names = vec![delivery.mix(mix).name.clone()];
                let (of, parts, skip) = (of.clone(), vec![file.print], skip.clone());
                nulls.push(PlannedNull { deliverable, of, reference, parts, part_names, skip });
            }
            let stems = delivered_stems(own(), prints, nodes, clock, print.layout);
            match stems_of(delivery, mix, &stems) {
                Some(Ok((parts, part_names))) => {
                    let (reference, skip) = (NullReference::Print(file.print), skip.clone());
                    nulls.push(PlannedNull { deliverable, of, reference, parts, part_names, skip });
                }
                Some(Err(missing)) => unproven.push(Unproven { deliverable, of, missing }),
                None => {}
            }
        }
        for index in 0..delivery.mixes.len() {
            let mix = MixId(index as u32);
            let (clock, layout) = (ClockId::PROGRAMME, delivery.mix(mix).layout);
            let stems = delivered_stems(own(), prints, nodes, clock, layout);
            let Some(Ok((parts, part_names))) = stems_of(delivery, mix, &stems) else { continue };
            if !delivered.contains(&mix)
                && let Some(reference) = reference(delivery, nodes, deliverable, mix)
            {
                let (of, skip) = (delivery.mix(mix).name.clone(), Vec::new());
                nulls.push(PlannedNull { deliverable, of, reference, parts, part_names, skip });
            }
        }
    }
    (nulls, unproven)
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
    mix: MixId,
) -> Option<NullReference> {
    let (input, mut node) = print(delivery, nodes, mix, ClockId::PROGRAMME)?;
    // A gain of the whole set moves what it is compared with.
    if let Some(normalize) = &delivery.deliverables[deliverable].normalize {
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

/// The stems that a package delivers in `layout` and on `clock`, with their prints.
fn delivered_stems<'a>(
    files: impl Iterator<Item = &'a PlannedFile>,
    prints: &[Print],
    nodes: &Nodes<'_>,
    clock: ClockId,
    layout: Layout,
) -> BTreeMap<StemId, PrintId> {
    files
        .filter(|file| {
            let print = &prints[file.print.0 as usize];
            print.layout == layout && nodes.graph[print.node].clock == clock
        })
        .filter_map(|file| match file.content {
            Content::Stem(id) => Some((id, file.print)),
            Content::Mix(_) => None,
        })
        .collect()
}
