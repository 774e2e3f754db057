//! Operators at work: the samples of nodes over one segment.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::Block;
use super::streams::Streams;
use crate::audio::pcm;
use crate::key::segment::SegmentKeys;
use crate::plan::op::Op;
use crate::plan::{NodeId, Plan};

/// Source nodes that must be held to evaluate `wanted` in one segment. What is
/// silent there is not looked into.
pub fn sources(plan: &Plan, wanted: &BTreeSet<NodeId>, keys: &SegmentKeys) -> BTreeSet<NodeId> {
    closure(plan, wanted, keys)
        .into_iter()
        .filter(|node| matches!(plan.graph[*node].op, Op::Source { .. }))
        .collect()
}

/// `wanted` and everything that sounds in them, inputs before consumers.
fn closure(plan: &Plan, wanted: &BTreeSet<NodeId>, keys: &SegmentKeys) -> BTreeSet<NodeId> {
    let sounding = |node: &NodeId| !keys.node(*node).is_silence();
    let mut found: BTreeSet<NodeId> = wanted.iter().copied().filter(sounding).collect();
    let mut open: Vec<NodeId> = found.iter().copied().collect();
    while let Some(node) = open.pop() {
        for input in plan.inputs(node).into_iter().filter(sounding) {
            if found.insert(input) {
                open.push(input);
            }
        }
    }
    found
}

/// The samples of `wanted` over one segment, `frames` long.
///
/// A node whose key is that of silence is silence and is not evaluated: the key
/// and the samples follow one rule.
pub fn evaluate(
    plan: &Plan,
    streams: &Streams<'_>,
    keys: &SegmentKeys,
    wanted: &BTreeSet<NodeId>,
    segment: usize,
    frames: usize,
) -> BTreeMap<NodeId, Block> {
    let nodes = closure(plan, wanted, keys);
    let mut uses: BTreeMap<NodeId, usize> = BTreeMap::new();
    for node in &nodes {
        plan.inputs(*node).into_iter().for_each(|input| *uses.entry(input).or_default() += 1);
    }
    let segment = Segment { plan, streams, keys, segment, frames };
    let mut blocks: BTreeMap<NodeId, Block> = BTreeMap::new();
    for node in nodes {
        // A source that is only summed is added straight from its bytes.
        let is_source = matches!(plan.graph[node].op, Op::Source { .. });
        if is_source && !wanted.contains(&node) {
            continue;
        }
        let block = segment.apply(node, &blocks);
        for input in plan.inputs(node) {
            let left = uses.entry(input).or_default();
            *left -= 1;
            if *left == 0 && !wanted.contains(&input) {
                blocks.remove(&input);
            }
        }
        blocks.insert(node, block);
    }
    for node in wanted {
        let width = plan.graph[*node].width;
        blocks.entry(*node).or_insert_with(|| silence(width, frames));
    }
    blocks
}

/// Digital silence.
pub fn silence(width: usize, frames: usize) -> Block {
    vec![vec![0.0; frames]; width]
}

/// One segment and what its nodes are made from.
struct Segment<'a> {
    plan: &'a Plan,
    streams: &'a Streams<'a>,
    keys: &'a SegmentKeys,
    segment: usize,
    frames: usize,
}

impl Segment<'_> {
    fn apply(&self, node: NodeId, blocks: &BTreeMap<NodeId, Block>) -> Block {
        let inputs = self.plan.inputs(node);
        match &self.plan.graph[node].op {
            Op::Source { .. } => self.source(node),
            Op::Matrix { rows, words: _ } => match blocks.get(&inputs[0]) {
                Some(input) => matrix(rows, input, self.frames),
                None => matrix(rows, &self.source(inputs[0]), self.frames),
            },
            Op::Sum => self.sum(node, &inputs, blocks),
        }
    }

    /// Adds in the order of the inputs; what is silent is left out, as in the key.
    fn sum(&self, node: NodeId, inputs: &[NodeId], blocks: &BTreeMap<NodeId, Block>) -> Block {
        let mut total: Option<Block> = None;
        for input in inputs.iter().filter(|input| !self.keys.node(**input).is_silence()) {
            match (&mut total, blocks.get(input)) {
                (None, Some(block)) => total = Some(block.clone()),
                (None, None) => total = Some(self.source(*input)),
                (Some(total), Some(block)) => add(total, block),
                (Some(total), None) => self.add_source(*input, total),
            }
        }
        total.unwrap_or_else(|| silence(self.plan.graph[node].width, self.frames))
    }

    fn source_bytes(&self, node: NodeId) -> Cow<'_, [u8]> {
        let Op::Source { input: _, at_frame } = self.plan.graph[node].op else {
            unreachable!("BUG: only sources are not in the table of blocks")
        };
        self.streams.bytes(node, at_frame, self.segment, self.frames)
    }

    fn source(&self, node: NodeId) -> Block {
        let info = self.streams.info(node);
        let width = usize::from(info.channels);
        let mut block = silence(width, self.frames);
        pcm::decode(info.pcm, width, &self.source_bytes(node), &mut block);
        block
    }

    fn add_source(&self, node: NodeId, total: &mut Block) {
        let info = self.streams.info(node);
        let mut channels: Vec<&mut [f64]> = total.iter_mut().map(Vec::as_mut_slice).collect();
        let bytes = self.source_bytes(node);
        pcm::add(info.pcm, usize::from(info.channels), &bytes, &mut channels);
    }
}

fn add(total: &mut Block, block: &Block) {
    for (sum, channel) in total.iter_mut().zip(block) {
        sum.iter_mut().zip(channel).for_each(|(sum, x)| *sum += x);
    }
}

/// Each output channel: the input channels times their factors, added in order.
fn matrix(rows: &[Vec<f64>], input: &Block, frames: usize) -> Block {
    rows.iter()
        .map(|row| {
            let mut out = vec![0.0; frames];
            for (factor, channel) in row.iter().zip(input).filter(|(factor, _)| **factor != 0.0) {
                out.iter_mut().zip(channel).for_each(|(y, x)| *y += factor * x);
            }
            out
        })
        .collect()
}
