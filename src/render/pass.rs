//! One pass over the programme for all files at once.
//!
//! The programme is cut into waves of a few segments. A wave is read, keyed,
//! rendered, measured and written before the next begins, so memory does not grow
//! with the programme. Whether a segment is rendered is decided by its key alone,
//! and no bit of it depends on the size of the wave or the number of threads.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::Block;
use super::eval::{self, Evaluator};
use super::streams::{InputError, Streams};
use super::writer::{FileOutput, FileTask, Payload, Writer};
use crate::audio::pcm;
use crate::audio::wav::Encoding;
use crate::dsp::dither::Dither;
use crate::fsio::{Disk, DiskError};
use crate::key::Key;
use crate::key::segment::Keys;
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
    start: usize,
    /// The last segment of the wave before.
    carry: Carry,
    segments: Vec<Rendered>,
}

/// Prints of a segment, as they were written.
type Carry = BTreeMap<PrintId, Block>;

/// The samples of one segment.
#[derive(Default)]
struct Rendered {
    /// Prints rendered in this pass.
    fresh: BTreeMap<PrintId, Written>,
    /// Samples as written, of the fresh prints and of those that are heard.
    blocks: BTreeMap<PrintId, Block>,
    /// Signals of references.
    references: BTreeMap<NodeId, Arc<Block>>,
}

/// A segment of a print in memory.
struct Written {
    bytes: Vec<u8>,
    overs: Vec<u32>,
}

/// What is to be done in one segment.
#[derive(Default)]
struct Todo {
    render: BTreeSet<PrintId>,
    measure: BTreeSet<PrintId>,
    nulls: BTreeSet<usize>,
    /// Nodes to evaluate: of what is rendered, and references.
    nodes: BTreeSet<NodeId>,
    /// Prints whose samples are measured or compared.
    heard: BTreeSet<PrintId>,
}

/// What was measured in one segment.
struct Facts {
    segments: BTreeMap<PrintId, SegmentFacts>,
    nulls: BTreeMap<usize, NullFacts>,
}

impl Wave {
    fn rendered(&self, segment: usize) -> &Rendered {
        &self.segments[segment - self.start]
    }

    fn block_before(&self, print: PrintId, segment: usize) -> Option<&Block> {
        match segment.checked_sub(self.start + 1) {
            Some(index) => self.segments[index].blocks.get(&print),
            None => self.carry.get(&print),
        }
    }

    fn into_carry(mut self) -> Carry {
        self.segments.pop().map(|last| last.blocks).unwrap_or_default()
    }
}

/// Renders, measures and writes everything that is not as it should be.
pub fn run(pass: &Pass<'_>, streams: &mut Streams<'_>) -> Result<PassOutput, PassError> {
    let plan = pass.plan;
    let meters: Vec<Meter> = plan
        .prints
        .iter()
        .map(|print| Meter::new(plan.sample_rate, print.layout, print.encoding))
        .collect();
    let mut work =
        Work { pass, keys: Keys::new(plan), evaluator: Evaluator::new(plan), meters: &meters };
    let mut output = PassOutput {
        prints: vec![PrintOutput::default(); plan.prints.len()],
        nulls: vec![Vec::new(); plan.nulls.len()],
        files: Vec::new(),
    };
    let mut writers: Vec<Writer<'_>> =
        pass.files.iter().map(|task| Writer::new(pass.disk, pass.store, task)).collect();
    let (mut carry, wave_length) = (Carry::default(), wave_length(plan));
    let mut start = 0;
    while start < plan.segments() {
        let end = (start + wave_length).min(plan.segments());
        carry = work.wave(streams, start..end, carry, &mut output, &mut writers)?;
        pass.progress.advance(end - start);
        start = end;
    }
    // A reference may be longer than the programme: its digests are still owed.
    while start < streams.segments() {
        streams.digest_wave(start, start + wave_length, false)?;
        start += wave_length;
    }
    streams.check_unmoved()?;
    output.files = writers.into_par_iter().map(Writer::finish).collect::<Result<_, _>>()?;
    Ok(output)
}

/// As many segments as fit, enough to feed every thread if possible. Nothing that
/// is delivered depends on it.
fn wave_length(plan: &Plan) -> usize {
    let channels: usize = plan.graph.node_weights().map(|node| node.width).sum();
    let bytes = (channels + 1) * plan.sample_rate.frames_per_segment() * size_of::<f64>();
    (WAVE_BYTES / bytes).clamp(1, 2 * rayon::current_num_threads())
}

struct Work<'a> {
    pass: &'a Pass<'a>,
    keys: Keys<'a>,
    evaluator: Evaluator<'a>,
    meters: &'a [Meter],
}

impl Work<'_> {
    /// One wave from digests to written bytes.
    fn wave(
        &mut self,
        streams: &mut Streams<'_>,
        range: Range<usize>,
        carry: Carry,
        output: &mut PassOutput,
        writers: &mut [Writer<'_>],
    ) -> Result<Carry, PassError> {
        streams.digest_wave(range.start, range.end + self.pass.plan.ahead(), true)?;
        self.keys.advance(&*streams, range.clone());
        let todo: Vec<Todo> = range.clone().map(|segment| self.todo(segment)).collect();
        let mut nodes = self.evaluate(streams, &range, &todo)?;
        let segments = todo
            .par_iter()
            .zip(range.clone().zip(&mut nodes).collect::<Vec<_>>())
            .map(|(todo, (segment, nodes))| self.render(std::mem::take(nodes), todo, segment))
            .collect::<Result<_, _>>()?;
        let wave = Wave { start: range.start, carry, segments };
        let facts = range
            .clone()
            .into_par_iter()
            .zip(&todo)
            .map(|(segment, todo)| self.measure(&wave, todo, segment))
            .collect::<Result<Vec<_>, _>>()?;
        for (segment, facts) in range.clone().zip(facts) {
            self.note(&wave, segment, facts, output);
        }
        self.write(&wave, range, writers)?;
        Ok(wave.into_carry())
    }

    /// What the keys say must be done in a segment.
    fn todo(&self, segment: usize) -> Todo {
        let Pass { plan, store, .. } = self.pass;
        let mut todo = Todo::default();
        for print in plan.print_ids() {
            let location = store.find(self.keys.print(print, segment));
            if location.is_none() {
                todo.render.insert(print);
                todo.nodes.insert(plan.print(print).node);
            }
            if store.facts(self.keys.facts(print, segment)).is_none() {
                todo.measure.insert(print);
            }
        }
        for (index, null) in plan.nulls.iter().enumerate() {
            if store.null(self.keys.null(null, segment)).is_some() {
                continue;
            }
            todo.nulls.insert(index);
            todo.heard.extend(&null.parts);
            match null.reference {
                NullReference::Print(print) => todo.heard.insert(print),
                NullReference::Input { input: _, node } => todo.nodes.insert(node),
            };
        }
        todo.heard.extend(&todo.measure);
        todo
    }

    /// The samples of all nodes that the wave needs, by segment.
    fn evaluate(
        &mut self,
        streams: &mut Streams<'_>,
        range: &Range<usize>,
        todo: &[Todo],
    ) -> Result<Vec<BTreeMap<NodeId, Arc<Block>>>, PassError> {
        let of_segment = |(todo, segment): (&Todo, usize)| {
            todo.nodes.iter().map(move |node| (*node, segment)).collect::<Vec<_>>()
        };
        let wanted: BTreeSet<(NodeId, usize)> =
            todo.iter().zip(range.clone()).flat_map(of_segment).collect();
        streams.load(&self.evaluator.sources(&wanted, &self.keys))?;
        let blocks = self.evaluator.evaluate(streams, &self.keys, &wanted, range.end);
        let mut by_segment = vec![BTreeMap::new(); range.len()];
        for ((node, segment), block) in blocks {
            by_segment[segment - range.start].insert(node, block);
        }
        Ok(by_segment)
    }

    /// Writes the prints of a segment into memory.
    fn render(
        &self,
        mut nodes: BTreeMap<NodeId, Arc<Block>>,
        todo: &Todo,
        segment: usize,
    ) -> Result<Rendered, PassError> {
        let plan = self.pass.plan;
        let frames = plan.segment_frames(segment);
        let mut rendered = Rendered::default();
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
        let Print { node: _, encoding, layout, dither } = plan.print(print);
        let first = segment as u64 * plan.sample_rate.frames_per_segment() as u64;
        let mut bytes = Vec::with_capacity(block[0].len() * layout.width() * encoding.bytes());
        let overs = match (encoding, dither) {
            (Encoding::Pcm24, _) => pcm::encode_i24(block, &mut bytes),
            (Encoding::Float32, _) => pcm::encode_f32(block, &mut bytes),
            (Encoding::Pcm16, None) => {
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
        let location = store.find(key).expect("BUG: what is not rendered is stored");
        let path = store.path(location);
        let mut bytes = vec![0; location.bytes];
        disk.read_at(&mut disk.open(path)?, path, location.offset, &mut bytes)?;
        let mut block = eval::silence(layout.width(), frames);
        pcm::decode_written(*encoding, layout.width(), &bytes, &mut block);
        Ok(block)
    }

    /// Measures what has no facts yet.
    fn measure(&self, wave: &Wave, todo: &Todo, segment: usize) -> Result<Facts, PassError> {
        let plan = self.pass.plan;
        let rendered = wave.rendered(segment);
        let last = segment + 1 == plan.segments();
        let of_print = |print: &PrintId| {
            let history = self.history(wave, *print, segment)?;
            let meter = &self.meters[print.0 as usize];
            let overs = self.overs(wave, *print, segment);
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
            (*index, null_segment(reference, &parts, plan.segment_frames(segment)))
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
        segment: usize,
    ) -> Result<Cow<'w, Block>, PassError> {
        let plan = self.pass.plan;
        let Some(before) = segment.checked_sub(1) else {
            return Ok(Cow::Owned(eval::silence(plan.print(print).layout.width(), 0)));
        };
        if let Some(block) = wave.block_before(print, segment) {
            return Ok(Cow::Borrowed(block));
        }
        let key = self.keys.print(print, before);
        Ok(Cow::Owned(self.recall(print, key, plan.segment_frames(before))?))
    }

    /// Samples per channel that were cut when the segment was written.
    fn overs(&self, wave: &Wave, print: PrintId, segment: usize) -> Vec<u32> {
        if let Some(written) = wave.rendered(segment).fresh.get(&print) {
            return written.overs.clone();
        }
        let location = self.pass.store.find(self.keys.print(print, segment));
        self.pass.store.overs(location.expect("BUG: what is not rendered is stored")).to_vec()
    }

    /// Hands the outcome of a segment to the output.
    fn note(&self, wave: &Wave, segment: usize, mut new: Facts, output: &mut PassOutput) {
        let Pass { plan, store, .. } = self.pass;
        for print in plan.print_ids() {
            let facts_key = self.keys.facts(print, segment);
            let measured = new.segments.remove(&print).map(Arc::new);
            let facts = measured.or_else(|| store.facts(facts_key).cloned());
            let noted = &mut output.prints[print.0 as usize];
            noted.segments.push(self.keys.print(print, segment));
            noted.overs.push(self.overs(wave, print, segment));
            noted.facts.push((facts_key, facts.expect("BUG: what is not stored is measured")));
            if wave.rendered(segment).fresh.contains_key(&print) {
                noted.rendered.push(segment);
            }
        }
        for (index, null) in plan.nulls.iter().enumerate() {
            let key = self.keys.null(null, segment);
            let facts = new.nulls.remove(&index).or_else(|| store.null(key).cloned());
            output.nulls[index].push((key, facts.expect("BUG: what is not stored is measured")));
        }
    }

    fn write(
        &self,
        wave: &Wave,
        range: Range<usize>,
        writers: &mut [Writer<'_>],
    ) -> Result<(), PassError> {
        writers.par_iter_mut().try_for_each(|writer| {
            range.clone().try_for_each(|segment| {
                let key = self.keys.print(writer.print(), segment);
                let payload = match wave.rendered(segment).fresh.get(&writer.print()) {
                    Some(written) => Payload::Fresh(&written.bytes),
                    None => Payload::Stored(
                        self.pass.store.find(key).expect("BUG: what is not rendered is stored"),
                    ),
                };
                writer.segment(segment, key, &payload)
            })
        })?;
        Ok(())
    }
}
