//! One pass over the programme for all files at once.
//!
//! The programme is cut into waves of a few segments. A wave is read, keyed,
//! rendered, measured and written before the next begins, so memory does not grow
//! with the programme. Whether a segment is rendered is decided by its key alone,
//! and no bit of it depends on the size of the wave or the number of threads.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::Block;
use super::eval::{self, Evaluator};
use super::outside::Outside;
use super::streams::{InputError, Streams};
use super::todo::{self, Todo};
use super::writer::{FileOutput, FileTask, Payload, Writer};
use crate::audio::pcm;
use crate::audio::wav::Encoding;
use crate::diag::Failure;
use crate::dsp::dither::Dither;
use crate::dsp::shaping::Shaper;
use crate::fsio::{Disk, DiskError};
use crate::key::Key;
use crate::key::segment::{Keys, of_form};
use crate::plan::clock::Slot;
use crate::plan::needs::Needs;
use crate::plan::{NodeId, NullReference, Plan, Print, PrintId};
use crate::progress::Progress;
use crate::qc::facts::{NullFacts, SegmentFacts};
use crate::qc::measure::{Meter, null_segment};
use crate::state::store::Store;

/// Bytes of samples that a wave may hold, roughly.
const WAVE_BYTES: usize = 192 << 20;

/// What a pass works on.
pub struct Pass<'a> {
    /// The disk.
    pub disk: &'a Disk,
    /// What is to be made.
    pub plan: &'a Plan,
    /// What is there already.
    pub store: &'a Store,
    /// The files to write.
    pub files: &'a [FileTask<'a>],
    /// Whom to tell how far it is.
    pub progress: &'a dyn Progress,
}

/// What a pass found and made.
#[derive(Default)]
pub struct PassOutput {
    /// One per print.
    pub prints: Vec<PrintOutput>,
    /// Facts of each null test, with their keys.
    pub nulls: Vec<Vec<(Key, NullFacts)>>,
    /// One per file.
    pub files: Vec<FileOutput>,
}

/// What was made of one print.
#[derive(Clone, Default)]
pub struct PrintOutput {
    /// Keys by segment.
    pub segments: Vec<Key>,
    /// Cut samples by segment and channel.
    pub overs: Vec<Vec<u32>>,
    /// Segments that were rendered.
    pub rendered: Vec<usize>,
    /// Facts by segment, with their keys.
    pub facts: Vec<(Key, Arc<SegmentFacts>)>,
}

/// Why a pass ended early.
#[derive(Debug)]
pub enum PassError {
    /// An input failed.
    Input(InputError),
    /// The disk failed.
    Disk(DiskError),
    /// An operator outside failed.
    Outside(NodeId, Box<Failure>),
}

impl From<InputError> for PassError {
    fn from(error: InputError) -> Self {
        PassError::Input(error)
    }
}

impl From<DiskError> for PassError {
    fn from(error: DiskError) -> Self {
        PassError::Disk(error)
    }
}

/// A few segments that are being worked on.
struct Wave {
    /// The last segment of each print before the wave.
    carry: Carry,
    slots: BTreeMap<Slot, Rendered>,
}

/// Prints of a segment, as they were written.
type Carry = BTreeMap<PrintId, (usize, Block)>;

/// The samples of one segment.
#[derive(Default)]
struct Rendered {
    /// Prints rendered in this pass.
    fresh: BTreeMap<PrintId, Written>,
    /// Samples as written, of the fresh prints and of those that are heard.
    blocks: BTreeMap<PrintId, Block>,
    /// The segment before, of prints that are only measured.
    before: BTreeMap<PrintId, Block>,
    /// Signals of references.
    references: BTreeMap<NodeId, Arc<Block>>,
}

/// A segment of a print in memory.
struct Written {
    bytes: Vec<u8>,
    overs: Vec<u32>,
}

/// The signals of one slot.
struct Evaluated {
    nodes: BTreeMap<NodeId, Arc<Block>>,
    /// Of the segment before.
    before: BTreeMap<PrintId, Arc<Block>>,
}

/// What was measured in one segment.
struct Facts {
    segments: BTreeMap<PrintId, SegmentFacts>,
    nulls: BTreeMap<usize, NullFacts>,
}

impl Wave {
    /// The segment of a print before the one in `slot`, if it is at hand.
    fn block_before(&self, print: PrintId, slot: Slot) -> Option<&Block> {
        let before = Slot { segment: slot.segment.checked_sub(1)?, ..slot };
        match self.slots.get(&before) {
            Some(rendered) => rendered.blocks.get(&print),
            None => {
                let (segment, block) = self.carry.get(&print)?;
                (*segment == before.segment).then_some(block)
            }
        }
    }

    /// The last blocks, which the next wave looks back to.
    fn into_carry(self) -> Carry {
        let mut carry = self.carry;
        for (slot, rendered) in self.slots {
            let blocks = rendered.blocks.into_iter();
            carry.extend(blocks.map(|(print, block)| (print, (slot.segment, block))));
        }
        carry
    }
}

/// Renders, measures and writes everything that is not as it should be.
pub fn run(
    pass: &Pass<'_>,
    streams: &mut Streams<'_>,
    outside: &mut Outside<'_>,
) -> Result<PassOutput, PassError> {
    let plan = pass.plan;
    outside.settle(plan, streams)?;
    let meters: Vec<Meter> = plan
        .prints
        .iter()
        .map(|p| Meter::new(plan.clock_of(p.node).rate, p.layout, p.encoding))
        .collect();
    let (keys, evaluator) = (Keys::new(plan), Evaluator::new(plan));
    let mut work = Work { pass, outside, keys, evaluator, meters: &meters };
    let mut output = PassOutput {
        prints: vec![PrintOutput::default(); plan.prints.len()],
        nulls: vec![Vec::new(); plan.nulls.len()],
        files: Vec::new(),
    };
    let mut writers: Vec<Writer<'_>> =
        pass.files.iter().map(|task| Writer::new(pass.disk, pass.store, task)).collect();
    let (mut carry, wave_length) = (Carry::default(), wave_length(plan));
    let segments = plan.programme().segments();
    let slots = |start: usize| {
        let slots = plan.slots(start..(start + wave_length).min(segments));
        let needs = Needs::of_slots(plan, &slots);
        (slots, needs)
    };
    let (mut start, mut now) = (0, slots(0));
    while start < segments {
        let next = slots((start + wave_length).min(segments));
        carry = work.wave(streams, &now, &next.1, carry, &mut output, &mut writers)?;
        pass.progress.advance(wave_length.min(segments - start));
        (start, now) = (start + wave_length, next);
    }
    // A file may be longer than what is heard of it: its digests are still owed.
    while streams.left() > 0 {
        streams.digest_on(wave_length)?;
    }
    streams.check_unmoved()?;
    output.files = writers.into_par_iter().map(Writer::finish).collect::<Result<_, _>>()?;
    Ok(output)
}

/// As many segments as fit, enough to feed every thread if possible. Nothing that
/// is delivered depends on it.
fn wave_length(plan: &Plan) -> usize {
    let bytes_of = |node| {
        let frames = plan.clock_of(node).per_segment();
        (plan.graph[node].width * frames + 1) * size_of::<f64>()
    };
    let bytes: usize = plan.graph.node_indices().map(bytes_of).sum();
    (WAVE_BYTES / bytes.max(1)).clamp(1, 2 * rayon::current_num_threads())
}

struct Work<'a, 'o> {
    pass: &'a Pass<'a>,
    outside: &'a mut Outside<'o>,
    keys: Keys<'a>,
    evaluator: Evaluator<'a>,
    meters: &'a [Meter],
}

impl Work<'_, '_> {
    /// One wave from digests to written bytes: `slots` with their needs, and the needs
    /// of the wave after it.
    fn wave(
        &mut self,
        streams: &mut Streams<'_>,
        (slots, needs): &(Vec<Slot>, Needs),
        next: &Needs,
        carry: Carry,
        output: &mut PassOutput,
        writers: &mut [Writer<'_>],
    ) -> Result<Carry, PassError> {
        streams.digest(needs)?;
        self.keys.advance(&*streams, slots, needs);
        let made = carry.iter().map(|(print, (segment, _))| (*print, *segment)).collect();
        let todo = todo::list(self.pass.plan, self.pass.store, &self.keys, slots, made);
        let nodes = self.evaluate(streams, &todo, next)?;
        let rendered = todo
            .par_iter()
            .zip(nodes)
            .map(|(todo, nodes)| Ok((todo.slot, self.render(nodes, todo)?)))
            .collect::<Result<_, PassError>>()?;
        let wave = Wave { carry, slots: rendered };
        let facts =
            todo.par_iter().map(|todo| self.measure(&wave, todo)).collect::<Result<Vec<_>, _>>()?;
        for (slot, facts) in slots.iter().zip(facts) {
            self.note(&wave, *slot, facts, output);
        }
        self.write(&wave, writers)?;
        Ok(wave.into_carry())
    }

    /// The samples of all nodes that the wave needs, one map for each of `todo`.
    fn evaluate(
        &mut self,
        streams: &mut Streams<'_>,
        todo: &[Todo],
        next: &Needs,
    ) -> Result<Vec<Evaluated>, PassError> {
        let plan = self.pass.plan;
        let of_slot = |todo: &Todo| {
            let segment = todo.slot.segment;
            let before = todo.before.iter().map(|print| (plan.print(*print).node, segment - 1));
            todo.nodes.iter().map(|node| (*node, segment)).chain(before).collect::<Vec<_>>()
        };
        let wanted: BTreeSet<(NodeId, usize)> = todo.iter().flat_map(of_slot).collect();
        let sources = self.evaluator.sources(&wanted, &self.keys);
        self.outside.bring(
            self.pass.plan,
            streams,
            &sources.iter().map(|(node, _)| *node).collect(),
        )?;
        streams.load(&sources)?;
        let mut blocks = self.evaluator.evaluate(streams, &self.keys, &wanted, next);
        let mut of_slot = |todo: &Todo| {
            let segment = todo.slot.segment;
            let mut take = |node: NodeId, segment: usize| {
                blocks.remove(&(node, segment)).expect("BUG: a node has one clock")
            };
            let nodes = todo.nodes.iter().map(|node| (*node, take(*node, segment))).collect();
            let before = todo.before.iter().map(|print| {
                let block = take(plan.print(*print).node, segment - 1);
                (*print, block)
            });
            Evaluated { nodes, before: before.collect() }
        };
        Ok(todo.iter().map(&mut of_slot).collect())
    }

    /// Writes the prints of a slot into memory.
    fn render(&self, signals: Evaluated, todo: &Todo) -> Result<Rendered, PassError> {
        let Evaluated { mut nodes, before } = signals;
        let plan = self.pass.plan;
        let Slot { clock, segment } = todo.slot;
        let frames = plan.clock(clock).segment_frames(segment);
        let mut rendered = Rendered::default();
        for (print, block) in before {
            let mut block = Arc::unwrap_or_clone(block);
            self.encode(print, segment - 1, &mut block);
            rendered.before.insert(print, block);
        }
        let mut left: Vec<PrintId> = todo.render.iter().copied().collect();
        while let Some(print) = left.pop() {
            let node = plan.print(print).node;
            let needed_again = left.iter().any(|other| plan.print(*other).node == node)
                || plan.nulls.iter().any(|n| n.reference.node() == Some(node));
            let block = if needed_again { nodes.get(&node).cloned() } else { nodes.remove(&node) };
            let block = block.expect("BUG: every wanted node was evaluated");
            let mut block = Arc::unwrap_or_clone(block);
            block.iter_mut().for_each(|channel| channel.truncate(frames));
            let written = self.encode(print, segment, &mut block);
            rendered.fresh.insert(print, written);
            rendered.blocks.insert(print, block);
        }
        for print in todo.heard.iter().filter(|print| !todo.render.contains(print)) {
            let block = self.recall(*print, self.keys.print(*print, segment), frames)?;
            rendered.blocks.insert(*print, block);
        }
        rendered.references = nodes;
        Ok(rendered)
    }

    /// Turns a block into the bytes of its print; the block becomes what they hold.
    fn encode(&self, print: PrintId, segment: usize, block: &mut Block) -> Written {
        let plan = self.pass.plan;
        let Print { node, encoding, layout, dither } = plan.print(print);
        let first = (segment * plan.clock_of(*node).per_segment()) as u64;
        let mut bytes = Vec::with_capacity(block[0].len() * layout.width() * encoding.bytes());
        let overs = match (encoding, dither) {
            (Encoding::Pcm24, _) => pcm::encode_i24(block, &mut bytes),
            (Encoding::Float32, _) => pcm::encode_f32(block, &mut bytes),
            (Encoding::Pcm16 | Encoding::Pcm16Shaped, None) => {
                pcm::encode_i16(block, None::<fn(usize, usize) -> f64>, &mut bytes)
            }
            (Encoding::Pcm16Shaped, Some(identity)) => {
                let shaper = Shaper::new(Dither::for_file(identity), plan.clock_of(*node).rate);
                let shaper = shaper.expect("BUG: the rate is checked when it is read");
                for (channel, samples) in (0..).zip(block.iter_mut()) {
                    shaper.round(channel, first, samples);
                }
                pcm::encode_i16(block, None::<fn(usize, usize) -> f64>, &mut bytes)
            }
            (Encoding::Pcm16, Some(identity)) => {
                let dither = Dither::for_file(identity);
                let lsb = |channel: usize, frame: usize| {
                    dither.tpdf(channel as u32, first + frame as u64)
                };
                pcm::encode_i16(block, Some(lsb), &mut bytes)
            }
        };
        // A segment holds far fewer samples than a u32 can count.
        let overs = overs.into_iter().map(|count| count as u32).collect();
        Written { bytes, overs }
    }

    /// The samples of a segment that was delivered before.
    fn recall(&self, print: PrintId, key: Key, frames: usize) -> Result<Block, PassError> {
        let Pass { plan, store, disk, .. } = self.pass;
        let Print { node: _, encoding, layout, dither: _ } = plan.print(print);
        let mut block = eval::silence(layout.width(), frames);
        for form in plan.complete_form(print) {
            let location = store.find(of_form(key, form));
            let location = location.expect("BUG: what is not rendered is stored");
            let path = store.path(location);
            let mut bytes = vec![0; location.bytes];
            disk.read_at(&mut disk.open(path)?, path, location.offset, &mut bytes)?;
            let channels = match form {
                None => &mut block[..],
                Some(channel) => &mut block[channel..=channel],
            };
            pcm::decode_written(*encoding, channels.len(), &bytes, channels);
        }
        Ok(block)
    }

    /// Measures what has no facts yet.
    fn measure(&self, wave: &Wave, todo: &Todo) -> Result<Facts, PassError> {
        let plan = self.pass.plan;
        let (slot, clock) = (todo.slot, plan.clock(todo.slot.clock));
        let rendered = &wave.slots[&slot];
        let last = slot.segment + 1 == clock.segments();
        let of_print = |print: &PrintId| {
            let history = self.history(wave, *print, slot)?;
            let meter = &self.meters[print.0 as usize];
            let overs = self.overs(wave, *print, slot);
            Ok((*print, meter.segment(&history, &rendered.blocks[print], last, &overs)))
        };
        let of_null = |index: &usize| {
            let null = &plan.nulls[*index];
            let reference = match null.reference {
                NullReference::Input { input: _, node } => rendered.references[&node].as_slice(),
                NullReference::Print(print) => rendered.blocks[&print].as_slice(),
            };
            let parts: Vec<&[Vec<f64>]> =
                null.parts.iter().map(|part| rendered.blocks[part].as_slice()).collect();
            (*index, {
                let skip = null.skipped(clock.range(slot.segment));
                null_segment(reference, &parts, clock.segment_frames(slot.segment), &skip)
            })
        };
        Ok(Facts {
            segments: todo.measure.par_iter().map(of_print).collect::<Result<_, PassError>>()?,
            nulls: todo.nulls.par_iter().map(of_null).collect(),
        })
    }

    /// The samples of a print in the segment before, for meters that look back;
    /// none before the first.
    fn history<'w>(
        &self,
        wave: &'w Wave,
        print: PrintId,
        slot: Slot,
    ) -> Result<Cow<'w, Block>, PassError> {
        let plan = self.pass.plan;
        let Some(before) = slot.segment.checked_sub(1) else {
            return Ok(Cow::Owned(eval::silence(plan.print(print).layout.width(), 0)));
        };
        let made = wave.slots[&slot].before.get(&print);
        if let Some(block) = made.or_else(|| wave.block_before(print, slot)) {
            return Ok(Cow::Borrowed(block));
        }
        let key = self.keys.print(print, before);
        Ok(Cow::Owned(self.recall(print, key, plan.clock(slot.clock).segment_frames(before))?))
    }

    /// Samples per channel that were cut when the segment was written.
    fn overs(&self, wave: &Wave, print: PrintId, slot: Slot) -> Vec<u32> {
        if !self.pass.plan.is_written(print) {
            return vec![0; self.pass.plan.print(print).layout.width()];
        }
        if let Some(written) = wave.slots[&slot].fresh.get(&print) {
            return written.overs.clone();
        }
        let of_form = |form| {
            let location = self.pass.store.find(self.keys.form(print, form, slot.segment));
            self.pass.store.overs(location.expect("BUG: what is not rendered is stored"))
        };
        self.pass.plan.complete_form(print).into_iter().flat_map(of_form).copied().collect()
    }

    /// Hands the outcome of a slot to the output.
    fn note(&self, wave: &Wave, slot: Slot, mut new: Facts, output: &mut PassOutput) {
        let Pass { plan, store, .. } = self.pass;
        let segment = slot.segment;
        for print in plan.prints_of(slot.clock) {
            let facts_key = self.keys.facts(print, segment);
            let measured = new.segments.remove(&print).map(Arc::new);
            let facts = measured.or_else(|| store.facts(facts_key).cloned());
            let noted = &mut output.prints[print.0 as usize];
            noted.segments.push(self.keys.print(print, segment));
            noted.overs.push(self.overs(wave, print, slot));
            noted.facts.push((facts_key, facts.expect("BUG: what is not stored is measured")));
            if wave.slots[&slot].fresh.contains_key(&print) {
                noted.rendered.push(segment);
            }
        }
        for (index, null) in plan.nulls_of(slot.clock) {
            let key = self.keys.null(null, segment);
            let facts = new.nulls.remove(&index).or_else(|| store.null(key).cloned());
            output.nulls[index].push((key, facts.expect("BUG: what is not stored is measured")));
        }
    }

    fn write(&self, wave: &Wave, writers: &mut [Writer<'_>]) -> Result<(), PassError> {
        let plan = self.pass.plan;
        writers.par_iter_mut().try_for_each(|writer| {
            let print = plan.print(writer.print());
            let clock = plan.graph[print.node].clock;
            let own = wave.slots.iter().filter(|(slot, _)| slot.clock == clock);
            own.into_iter().try_for_each(|(slot, rendered)| {
                let key = self.keys.form(writer.print(), writer.channel(), slot.segment);
                let payload = match rendered.fresh.get(&writer.print()) {
                    Some(written) => Payload::Fresh(match writer.channel() {
                        None => Cow::Borrowed(&written.bytes),
                        Some(channel) => {
                            let (one, all) = (print.encoding.bytes(), print.layout.width());
                            Cow::Owned(pcm::channel_of(&written.bytes, one, all, channel))
                        }
                    }),
                    None => Payload::Stored(
                        self.pass.store.find(key).expect("BUG: what is not rendered is stored"),
                    ),
                };
                writer.segment(slot.segment, key, &payload)
            })
        })?;
        Ok(())
    }
}
