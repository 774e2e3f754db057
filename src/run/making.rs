//! What stands for a package before it is made: the keys of all that is delivered,
//! the bytes before the samples, the session audio that is heard.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use super::project::Session;
use crate::audio::layout::Layout;
use crate::audio::wav::{Bext, WavHeader};
use crate::key::segment::{Digests, Keys};
use crate::key::whole;
use crate::key::{Key, KeyBuilder, RENDER_VERSION};
use crate::manifest::delivery::{Delivery, InputId};
use crate::plan::needs::Needs;
use crate::plan::{NodeId, Plan, PlannedFile};
use crate::qc::measure::METER_VERSION;
use crate::state::outside::OutsideMemo;

/// Digests in a table, by input and segment.
struct Table<'a>(&'a [&'a [Key]]);

impl Digests for Table<'_> {
    fn digest(&self, input: InputId, segment: usize) -> Key {
        self.0[input.0 as usize].get(segment).copied().unwrap_or(Key::SILENCE)
    }
}

/// The keys of everything delivered: `[print][segment]`.
pub(super) fn print_keys(plan: &Plan, digests: &[&[Key]]) -> Vec<Vec<Key>> {
    let mut keys = Keys::new(plan);
    let mut all = vec![Vec::new(); plan.prints.len()];
    for segment in 0..plan.programme().segments() {
        let slots = plan.slots(segment..segment + 1);
        keys.advance(&Table(digests), &slots, &Needs::of_slots(plan, &slots));
        for slot in slots {
            for id in plan.prints_of(slot.clock) {
                all[id.0 as usize].push(keys.print(id, slot.segment));
            }
        }
    }
    all
}

/// Digests that grow with each operator outside.
struct Growing(Vec<Vec<Key>>);

impl Digests for Growing {
    fn digest(&self, input: InputId, segment: usize) -> Key {
        self.0[input.0 as usize].get(segment).copied().unwrap_or(Key::SILENCE)
    }
}

/// Digests of session audio, and after them of what operators outside make of it, as
/// far as that is known; and the operators that would be run to know.
pub(super) fn with_outside(
    plan: &Plan,
    inputs: Vec<Vec<Key>>,
    memo: &OutsideMemo,
) -> (Vec<Vec<Key>>, BTreeSet<NodeId>) {
    let (mut digests, mut to_run) = (Growing(inputs), BTreeSet::new());
    for node in whole::outside(plan) {
        let nothing = |_: &mut Growing, _: &Needs| Ok::<(), Infallible>(());
        let Ok(recipe) = whole::recipe(plan, node, &mut digests, nothing);
        let made = memo.made.get(&recipe).map(|made| made.digests.clone());
        digests.0.push(made.unwrap_or_else(|| {
            to_run.insert(node);
            let segments = plan.clock_of(node).segments();
            (0..segments).map(|segment| whole::unknown(recipe, segment)).collect()
        }));
    }
    (digests.0, to_run)
}

/// The bytes before the samples of a file.
pub(super) fn header(session: &Session, file: &PlannedFile) -> WavHeader {
    let (delivery, plan) = (&session.delivery, &session.plan);
    let spec = &delivery.deliverables[file.deliverable].spec;
    let print = plan.print(file.print);
    let clock = plan.clock_of(print.node);
    let channel = file.channel.map(|channel| print.layout.channels()[channel]);
    let layout = if channel.is_some() { Layout::Mono } else { print.layout };
    let bext = spec.bext.then(|| {
        let name = delivery.content_name(file.content);
        let name = match channel {
            Some(channel) => format!("{name}.{}", channel.name()),
            None => name.to_owned(),
        };
        let title = &delivery.project.title;
        let mode = layout.name();
        Bext {
            description: if title.is_empty() { name } else { format!("{title} - {name}") },
            originator: "rebounce".to_owned(),
            time_reference: start(delivery, file),
            coding_history: format!(
                "A=PCM,F={},W={},M={mode},T=rebounce\r\n",
                clock.rate.hz(),
                print.encoding.bits()
            ),
        }
    });
    WavHeader {
        sample_rate: clock.rate,
        layout,
        encoding: print.encoding,
        frames: clock.frames,
        bext,
    }
}

/// Samples from midnight to the first sample of a file: `bext` TimeReference.
fn start(delivery: &Delivery, file: &PlannedFile) -> u64 {
    let package = &delivery.deliverables[file.deliverable];
    let programme = package.pace.programme(&delivery.programme).time_reference() as i64;
    let cut = file.take.cut.as_ref().map_or(0, |cut| cut.from as i64);
    let framing = package.framing.as_ref();
    let framed = framing.map_or(0, |framing| framing.from);
    // A programme without timecode starts at 0, and so does all that begins before it.
    (programme + cut + framed).max(0) as u64
}

/// Stands for those bytes.
pub(super) fn header_key(session: &Session, file: &PlannedFile) -> Key {
    Key(*blake3::hash(&header(session, file).to_bytes()).as_bytes())
}

/// Stands for everything that a package is made from: where it is the same, every
/// byte of the package would be.
pub(super) fn made_from(session: &Session, deliverable: usize, digests: &[&[Key]]) -> Key {
    let delivery = &session.delivery;
    let mut key = KeyBuilder::new("package");
    key.text(env!("CARGO_PKG_VERSION"));
    key.number(u64::from(RENDER_VERSION)).number(u64::from(METER_VERSION));
    key.text(&session.manifest);
    key.text(&format!("{:?}", delivery.deliverables[deliverable].spec));
    for id in session.heard_by(deliverable) {
        let input = delivery.input(id);
        key.text(&input.shown).text(&format!("{:?}", input.info)).keys(digests[id.0 as usize]);
    }
    for external in session.outside_of(deliverable) {
        for file in external.files() {
            key.text(&file.digest.to_hex());
        }
    }
    // How long and how wide it is can follow from files that it does not hear.
    key.number(session.plan.programme().frames).text(delivery.programme.layout.name());
    key.finish()
}

/// The session audio that a package hears: paths as shown, digests by segment.
pub(super) fn inputs(
    session: &Session,
    digests: &[Vec<Key>],
    deliverable: usize,
) -> Vec<(String, Vec<Key>)> {
    let one =
        |id: InputId| (session.delivery.input(id).shown.clone(), digests[id.0 as usize].clone());
    session.heard_by(deliverable).into_iter().map(one).collect()
}

/// The same, to look up by path.
pub(super) fn table(inputs: &[(String, Vec<Key>)]) -> BTreeMap<&str, &[Key]> {
    inputs.iter().map(|(shown, keys)| (shown.as_str(), keys.as_slice())).collect()
}
