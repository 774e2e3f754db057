//! Operators at work: the samples of nodes, segment by segment.
//!
//! A block is a pure function of its node and segment; what is kept from one wave
//! to the next (blocks that later segments hear again, the state of a recursive
//! operator within a cell) only saves work and changes no bit.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::Block;
use super::streams::Streams;
use crate::audio::pcm;
use crate::dsp::conversion::Conversion;
use crate::dsp::edit::{Edit, Piece};
use crate::dsp::envelope::Envelope;
use crate::dsp::process::{Process, Reach, State};
use crate::key::segment::Keys;
use crate::plan::needs::Needs;
use crate::plan::op::Op;
use crate::plan::{NodeId, Plan};

/// Blocks by node and segment.
pub type Blocks = BTreeMap<(NodeId, usize), Arc<Block>>;

/// Segments by node.
type Demand = BTreeMap<NodeId, BTreeSet<usize>>;

/// Evaluates the nodes of one plan in one pass.
pub struct Evaluator<'a> {
    plan: &'a Plan,
    inputs: Vec<Vec<NodeId>>,
    /// What later waves may hear again.
    kept: Blocks,
    /// Of each recursive node: a segment, and the state in which it begins.
    states: BTreeMap<NodeId, (usize, State)>,
}

/// A stretch of segments that a recursive node makes in one go.
struct Run {
    /// Where it starts: from rest, or from the state kept.
    state: Option<State>,
    /// First segment made.
    first: usize,
    /// Last segment made.
    last: usize,
}

/// Digital silence.
pub fn silence(width: usize, frames: usize) -> Block {
    vec![vec![0.0; frames]; width]
}

impl<'a> Evaluator<'a> {
    /// For the nodes of `plan`.
    pub fn new(plan: &'a Plan) -> Self {
        Self { plan, inputs: plan.all_inputs(), kept: Blocks::new(), states: BTreeMap::new() }
    }

    fn per_segment(&self, node: NodeId) -> usize {
        self.plan.clock_of(node).per_segment()
    }

    /// What must be evaluated to have `wanted`, by node. What is silent is not
    /// looked into, what is kept is there.
    fn demand(&self, wanted: &BTreeSet<(NodeId, usize)>, keys: &Keys<'_>) -> Demand {
        let mut demand = Demand::new();
        for (node, segment) in wanted {
            demand.entry(*node).or_default().insert(*segment);
        }
        for node in self.plan.graph.node_indices().rev() {
            let Some(segments) = demand.get_mut(&node) else { continue };
            segments.retain(|segment| {
                !keys.node(node, *segment).is_silence()
                    && !self.kept.contains_key(&(node, *segment))
            });
            let segments = segments.clone();
            for segment in self.heard(node, &segments) {
                for input in &self.inputs[node.index()] {
                    demand.entry(*input).or_default().insert(segment);
                }
            }
        }
        demand.retain(|_, segments| !segments.is_empty());
        demand
    }

    /// The segments of its inputs that a node hears to make `segments`.
    fn heard(&self, node: NodeId, segments: &BTreeSet<usize>) -> BTreeSet<usize> {
        let Some(reach @ Reach::Cell { .. }) = self.reach(node) else {
            return self.plan.all_heard(node, segments);
        };
        let of_run = |run: Run| match run.state {
            Some(_) => run.first..run.last + 1,
            None => reach.heard(run.first, self.per_segment(node)).start..run.last + 1,
        };
        self.runs(node, segments).into_iter().flat_map(of_run).collect()
    }

    /// How far a node hears, if it is a process.
    fn reach(&self, node: NodeId) -> Option<Reach> {
        match &self.plan.graph[node].op {
            Op::Process { process, words: _ } => Some(process.reach()),
            _ => None,
        }
    }

    /// The runs that make `segments` of a recursive node, one per cell.
    fn runs(&self, node: NodeId, segments: &BTreeSet<usize>) -> Vec<Run> {
        let Some(Reach::Cell { segments: cell, .. }) = self.reach(node) else {
            return Vec::new();
        };
        let mut cells: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for segment in segments {
            let bounds = cells.entry(segment / cell).or_insert((*segment, *segment));
            bounds.1 = *segment;
        }
        let run = |(cell_index, (first, last)): (usize, (usize, usize))| {
            let start = cell_index * cell;
            let state = self.states.get(&node).filter(|(at, _)| (start + 1..=first).contains(at));
            match state {
                Some((at, state)) => Run { state: Some(state.clone()), first: *at, last },
                None => Run { state: None, first: start, last },
            }
        };
        cells.into_iter().map(run).collect()
    }

    /// Source nodes and segments that must be held to have `wanted`.
    pub fn sources(
        &self,
        wanted: &BTreeSet<(NodeId, usize)>,
        keys: &Keys<'_>,
    ) -> BTreeSet<(NodeId, usize)> {
        self.demand(wanted, keys)
            .into_iter()
            .filter(|(node, _)| self.is_source(*node))
            .flat_map(|(node, segments)| segments.into_iter().map(move |s| (node, s)))
            .collect()
    }

    fn is_source(&self, node: NodeId) -> bool {
        matches!(self.plan.graph[node].op, Op::Source { .. } | Op::External { .. })
    }

    /// The samples of `wanted`, each a whole segment long. `next` is what the next wave
    /// needs: what is known of it is kept.
    ///
    /// A block whose key is that of silence is silence and is not evaluated: the
    /// key and the samples follow one rule.
    pub fn evaluate(
        &mut self,
        streams: &Streams<'_>,
        keys: &Keys<'_>,
        wanted: &BTreeSet<(NodeId, usize)>,
        next: &Needs,
    ) -> Blocks {
        let demand = self.demand(wanted, keys);
        let mut blocks = std::mem::take(&mut self.kept);
        let last_use = self.last_uses(&demand);
        for (node, segments) in &demand {
            // A source that is only summed or routed is read straight from its bytes.
            if self.is_source(*node) && !self.needs_block(*node, wanted) {
                continue;
            }
            let made = self.make(*node, segments, &blocks, streams, keys);
            blocks.extend(made);
            for input in &self.inputs[node.index()] {
                if last_use.get(input) == Some(node) {
                    drop_node(&mut blocks, *input, wanted, next);
                }
            }
        }
        let width = |node: NodeId| self.plan.graph[node].width;
        let mut found = Blocks::new();
        for (node, segment) in wanted {
            let block = match blocks.get(&(*node, *segment)) {
                Some(block) => Arc::clone(block),
                None => Arc::new(silence(width(*node), self.per_segment(*node))),
            };
            found.insert((*node, *segment), block);
        }
        blocks.retain(|(node, segment), _| next.segments(*node).contains(segment));
        self.kept = blocks;
        found
    }

    /// Whether somebody looks at a source as a block.
    fn needs_block(&self, node: NodeId, wanted: &BTreeSet<(NodeId, usize)>) -> bool {
        let graph = &self.plan.graph;
        let is_wanted = wanted.range((node, 0)..=(node, usize::MAX)).next().is_some();
        is_wanted
            || graph
                .neighbors(node)
                .any(|consumer| !matches!(graph[consumer].op, Op::Matrix { .. } | Op::Sum))
    }

    fn last_uses(&self, demand: &Demand) -> BTreeMap<NodeId, NodeId> {
        let mut last = BTreeMap::new();
        for node in demand.keys() {
            last.extend(self.inputs[node.index()].iter().map(|input| (*input, *node)));
        }
        last
    }

    /// The blocks of one node.
    fn make(
        &mut self,
        node: NodeId,
        segments: &BTreeSet<usize>,
        blocks: &Blocks,
        streams: &Streams<'_>,
        keys: &Keys<'_>,
    ) -> Blocks {
        let at = |segment: usize| At { evaluator: self, streams, keys, blocks, node, segment };
        let Op::Process { process, words: _ } = &self.plan.graph[node].op else {
            let one = |segment: &usize| ((node, *segment), Arc::new(at(*segment).apply()));
            return segments.par_iter().map(one).collect();
        };
        if let Reach::Window { before, after } = process.reach() {
            let one = |segment: &usize| {
                let per_segment = self.per_segment(node);
                let from = (segment * per_segment) as i64 - before as i64;
                let input = at(*segment).frames(from, before + per_segment + after);
                let block = process.window(&input, per_segment);
                ((node, *segment), Arc::new(block))
            };
            return segments.par_iter().map(one).collect();
        }
        let runs = self.runs(node, segments);
        let made: Vec<(Blocks, usize, State)> =
            runs.into_par_iter().map(|run| at(run.first).run(process, run, segments)).collect();
        let mut all = Blocks::new();
        for (blocks, end, state) in made {
            all.extend(blocks);
            // Runs are in order: the last is where the next wave most likely goes on.
            self.states.insert(node, (end, state));
        }
        all
    }
}

/// Drops the blocks of a node that nobody will look at again.
fn drop_node(blocks: &mut Blocks, node: NodeId, wanted: &BTreeSet<(NodeId, usize)>, next: &Needs) {
    let all: Vec<(NodeId, usize)> =
        blocks.range((node, 0)..=(node, usize::MAX)).map(|(at, _)| *at).collect();
    let done = |at: &(NodeId, usize)| !wanted.contains(at) && !next.segments(node).contains(&at.1);
    for at in all.into_iter().filter(done) {
        blocks.remove(&at);
    }
}

/// One node in one segment, and what it is made from.
struct At<'a> {
    evaluator: &'a Evaluator<'a>,
    streams: &'a Streams<'a>,
    keys: &'a Keys<'a>,
    blocks: &'a Blocks,
    node: NodeId,
    segment: usize,
}

impl At<'_> {
    fn op(&self) -> &Op {
        &self.evaluator.plan.graph[self.node].op
    }

    fn inputs(&self) -> &[NodeId] {
        &self.evaluator.inputs[self.node.index()]
    }

    fn width(&self) -> usize {
        self.evaluator.plan.graph[self.node].width
    }

    fn apply(&self) -> Block {
        match self.op() {
            Op::Source { .. } | Op::External { .. } => self.source(self.node),
            Op::Matrix { rows, words: _ } => {
                let input = self.inputs()[0];
                match self.blocks.get(&(input, self.segment)) {
                    Some(block) => matrix(rows, block),
                    None => matrix(rows, &self.source(input)),
                }
            }
            Op::Sum => self.sum(),
            Op::Envelope { envelope, words: _ } => self.envelope(envelope),
            Op::Edit { edit, words: _ } => self.edit(edit),
            Op::Convert { conversion, words: _ } => self.convert(conversion),
            Op::Signal { signal, words: _ } => {
                let samples = signal.local(self.range()).samples(self.per_segment());
                vec![samples; self.width()]
            }
            Op::Open { .. } => unreachable!("BUG: gains are settled before anything is rendered"),
            Op::Process { .. } => unreachable!("BUG: processes are made by their reach"),
        }
    }

    fn per_segment(&self) -> usize {
        self.evaluator.per_segment(self.node)
    }

    fn range(&self) -> Range<u64> {
        self.evaluator.plan.clock_of(self.node).range(self.segment)
    }

    fn envelope(&self, envelope: &Envelope) -> Block {
        let mut block = match self.blocks.get(&(self.inputs()[0], self.segment)) {
            Some(block) => block.as_ref().clone(),
            None => silence(self.width(), self.per_segment()),
        };
        envelope.local(self.range()).apply(&mut block);
        block
    }

    /// Adds the stretches that stand in the segment.
    fn edit(&self, edit: &Edit) -> Block {
        let per_segment = self.per_segment();
        let mut out = silence(self.width(), per_segment);
        for Piece { into, frames, from } in edit.pieces(self.range()) {
            let piece = self.frames(from as i64, frames);
            for (out, channel) in out.iter_mut().zip(&piece) {
                let stretch = &mut out[into..into + frames];
                stretch.iter_mut().zip(channel).for_each(|(y, x)| *y += x);
            }
        }
        out
    }

    /// The part of a converted signal that stands in the segment.
    fn convert(&self, conversion: &Conversion) -> Block {
        let mut out = silence(self.width(), self.per_segment());
        let Some(part) = conversion.part(self.range()) else { return out };
        let length = (part.heard.end - part.heard.start) as usize;
        let mut heard = self.frames(part.heard.start, length);
        let samples = conversion.samples(&part, &mut heard);
        for (out, channel) in out.iter_mut().zip(samples) {
            out[part.into..part.into + channel.len()].copy_from_slice(&channel);
        }
        out
    }

    /// Adds in the order of the inputs; what is silent is left out, as in the key.
    fn sum(&self) -> Block {
        let mut total: Option<Block> = None;
        let sounding = |input: &&NodeId| !self.keys.node(**input, self.segment).is_silence();
        for input in self.inputs().iter().filter(sounding) {
            match (&mut total, self.blocks.get(&(*input, self.segment))) {
                (None, Some(block)) => total = Some(block.as_ref().clone()),
                (None, None) => total = Some(self.source(*input)),
                (Some(total), Some(block)) => add(total, block),
                (Some(total), None) => self.add_source(*input, total),
            }
        }
        total.unwrap_or_else(|| silence(self.width(), self.per_segment()))
    }

    fn source_bytes(&self, node: NodeId) -> Cow<'_, [u8]> {
        let at_frame = match self.evaluator.plan.graph[node].op {
            Op::Source { input: _, at_frame } => at_frame,
            Op::External { .. } => 0,
            _ => unreachable!("BUG: only sources are not in the table of blocks"),
        };
        self.streams.bytes(node, at_frame, self.segment)
    }

    fn source(&self, node: NodeId) -> Block {
        let info = self.streams.info(node);
        let width = usize::from(info.channels);
        let mut block = silence(width, self.evaluator.per_segment(node));
        pcm::decode(info.pcm, width, &self.source_bytes(node), &mut block);
        block
    }

    fn add_source(&self, node: NodeId, total: &mut Block) {
        let info = self.streams.info(node);
        let mut channels: Vec<&mut [f64]> = total.iter_mut().map(Vec::as_mut_slice).collect();
        let bytes = self.source_bytes(node);
        pcm::add(info.pcm, usize::from(info.channels), &bytes, &mut channels);
    }

    /// Frames of the input from frame `from` of its clock on, silence where there is
    /// none.
    fn frames(&self, from: i64, length: usize) -> Block {
        let input = self.inputs()[0];
        let per_segment = self.evaluator.per_segment(input);
        let width = self.evaluator.plan.graph[input].width;
        let mut frames = silence(width, length);
        let start = from.max(0) as usize;
        let end = (from + length as i64).max(0) as usize;
        for segment in start / per_segment..end.div_ceil(per_segment) {
            let Some(block) = self.blocks.get(&(input, segment)) else { continue };
            let first = start.max(segment * per_segment);
            let last = end.min((segment + 1) * per_segment);
            let into = (first as i64 - from) as usize;
            let within = first - segment * per_segment..last - segment * per_segment;
            for (out, channel) in frames.iter_mut().zip(block.iter()) {
                out[into..into + within.len()].copy_from_slice(&channel[within.clone()]);
            }
        }
        frames
    }

    /// Makes a stretch of a recursive node; the segment is its first. Returns the
    /// blocks asked for, the segment behind the last, and the state there.
    fn run(&self, process: &Process, run: Run, wanted: &BTreeSet<usize>) -> (Blocks, usize, State) {
        let Run { state, first, last } = run;
        let input = self.inputs()[0];
        let width = self.evaluator.plan.graph[input].width;
        let mut state = state.unwrap_or_else(|| {
            let Reach::Cell { before, .. } = process.reach() else {
                unreachable!("BUG: only processes with a cell run")
            };
            let mut state = process.rest(width);
            let start = (first * self.per_segment()) as i64;
            let mut ahead = self.frames(start - before as i64, before);
            process.run(&mut state, &mut ahead);
            state
        });
        let mut made = Blocks::new();
        for segment in first..=last {
            let mut block = match self.blocks.get(&(input, segment)) {
                Some(block) => block.as_ref().clone(),
                None => silence(width, self.per_segment()),
            };
            process.run(&mut state, &mut block);
            block.truncate(self.width());
            if wanted.contains(&segment) {
                made.insert((self.node, segment), Arc::new(block));
            }
        }
        (made, last + 1, state)
    }
}

/// Adds one block to another, channel by channel.
pub fn add(total: &mut Block, block: &Block) {
    for (sum, channel) in total.iter_mut().zip(block) {
        sum.iter_mut().zip(channel).for_each(|(sum, x)| *sum += x);
    }
}

/// Each output channel: the input channels times their factors, added in order.
pub fn matrix(rows: &[Vec<f64>], input: &Block) -> Block {
    rows.iter()
        .map(|row| {
            let mut out = vec![0.0; input[0].len()];
            for (factor, channel) in row.iter().zip(input).filter(|(factor, _)| **factor != 0.0) {
                out.iter_mut().zip(channel).for_each(|(y, x)| *y += factor * x);
            }
            out
        })
        .collect()
}
