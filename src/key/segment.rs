//! Keys of every node, print, measurement and null test, segment by segment.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Key, KeyBuilder, RENDER_VERSION};
use crate::manifest::delivery::InputId;
use crate::plan::op::Op;
use crate::plan::{NodeId, NullReference, Plan, PlannedNull, Print, PrintId};
use crate::qc::measure::METER_VERSION;

/// Answers with the digest of a segment of a file; [`Key::SILENCE`] outside it.
pub trait Digests {
    /// The digest of segment `segment` of `input`, counted from the file's start.
    fn digest(&self, input: InputId, segment: usize) -> Key;
}

/// The keys of one plan as a pass goes through the programme. Those of segments
/// that nothing hears any more are forgotten.
pub struct Keys<'a> {
    plan: &'a Plan,
    inputs: Vec<Vec<NodeId>>,
    /// `[node]`: keys by segment.
    nodes: Vec<BTreeMap<usize, Key>>,
    /// `[print]`: keys by segment.
    prints: Vec<BTreeMap<usize, Key>>,
}

impl<'a> Keys<'a> {
    /// For the keys of `plan`; none are known yet.
    pub fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            inputs: plan.all_inputs(),
            nodes: vec![BTreeMap::new(); plan.graph.node_count()],
            prints: vec![BTreeMap::new(); plan.prints.len()],
        }
    }

    /// Goes on to segments `range` of the programme: computes their keys and those
    /// of the segments around them that they hear.
    pub fn advance(&mut self, digests: &impl Digests, range: Range<usize>) {
        for id in self.plan.graph.node_indices() {
            let margin = self.plan.margin(id);
            let first = range.start.saturating_sub(margin.before);
            // The segment before is asked for by meters, which look back.
            let kept = self.nodes[id.index()].split_off(&first.saturating_sub(1));
            self.nodes[id.index()] = kept;
            for segment in first..range.end + margin.after {
                if !self.nodes[id.index()].contains_key(&segment) {
                    let key = self.node_key(digests, id, segment);
                    self.nodes[id.index()].insert(segment, key);
                }
            }
        }
        for id in self.plan.print_ids() {
            let kept = self.prints[id.0 as usize].split_off(&range.start.saturating_sub(1));
            self.prints[id.0 as usize] = kept;
            for segment in range.clone() {
                let key = self.print_key(id, segment);
                self.prints[id.0 as usize].insert(segment, key);
            }
        }
    }

    /// The key of a node's output in a segment gone through last, or heard there.
    pub fn node(&self, node: NodeId, segment: usize) -> Key {
        self.nodes[node.index()][&segment]
    }

    /// The key of a print's samples as they are written.
    pub fn print(&self, print: PrintId, segment: usize) -> Key {
        self.prints[print.0 as usize][&segment]
    }

    fn node_key(&self, digests: &impl Digests, id: NodeId, segment: usize) -> Key {
        let inputs = &self.inputs[id.index()];
        let op = &self.plan.graph[id].op;
        match op {
            Op::Source { input, at_frame } => self.source(digests, *input, *at_frame, segment),
            Op::Matrix { .. } => matrix_key(op, self.node(inputs[0], segment)),
            Op::Sum => {
                let inputs: Vec<Key> = inputs.iter().map(|i| self.node(*i, segment)).collect();
                sum_key(op, &inputs)
            }
            Op::Process { .. } => self.process(op, inputs[0], segment),
        }
    }

    /// Everything within reach, and where the segment stands in it.
    fn process(&self, op: &Op, input: NodeId, segment: usize) -> Key {
        let heard = op.reach().heard(segment, self.plan.sample_rate.frames_per_segment());
        let place = (segment - heard.start) as u64;
        let keys: Vec<Key> = heard.map(|segment| self.node(input, segment)).collect();
        // From rest, silence stays silence.
        if keys.iter().all(|key| key.is_silence()) {
            return Key::SILENCE;
        }
        let mut key = KeyBuilder::new("op");
        op.encode(&mut key);
        key.number(place).keys(&keys).finish()
    }

    /// A source placed between two segment boundaries hears two segments of its
    /// file; one placed on a boundary is its file, unchanged.
    fn source(&self, digests: &impl Digests, input: InputId, at_frame: u64, segment: usize) -> Key {
        let per_segment = self.plan.sample_rate.frames_per_segment() as u64;
        let (whole, rest) = ((at_frame / per_segment) as usize, at_frame % per_segment);
        let of_file = |back: usize| {
            segment.checked_sub(whole + back).map_or(Key::SILENCE, |s| digests.digest(input, s))
        };
        let later = of_file(0);
        if rest == 0 {
            return later;
        }
        let earlier = of_file(1);
        if earlier.is_silence() && later.is_silence() {
            return Key::SILENCE;
        }
        KeyBuilder::new("shift").number(rest).key(earlier).key(later).finish()
    }

    fn print_key(&self, id: PrintId, segment: usize) -> Key {
        let Print { node, encoding, layout, dither } = self.plan.print(id);
        let mut key = KeyBuilder::new("print");
        key.number(u64::from(RENDER_VERSION)).text(encoding.name());
        key.number(u64::from(self.plan.sample_rate.hz()));
        key.number(layout.width() as u64).number(self.plan.segment_frames(segment) as u64);
        key.key(self.node(*node, segment));
        if let Some(identity) = dither {
            // Dither is a function of the file's identity and the sample's place.
            key.text(identity).number(segment as u64);
        }
        key.finish()
    }

    /// The key of what is measured of a print in a segment. The meters look back
    /// less than one segment and forward not at all.
    pub fn facts(&self, print: PrintId, segment: usize) -> Key {
        let Print { node: _, encoding: _, layout, dither: _ } = self.plan.print(print);
        let last = segment + 1 == self.plan.segments();
        let before = segment.checked_sub(1).map(|segment| self.print(print, segment));
        let mut key = KeyBuilder::new("facts");
        key.number(u64::from(METER_VERSION));
        key.number(u64::from(self.plan.sample_rate.hz())).text(layout.name());
        key.number(u64::from(last)).number(u64::from(before.is_some()));
        key.key(before.unwrap_or(Key::SILENCE)).key(self.print(print, segment));
        key.finish()
    }

    /// The key of a null test's facts in a segment.
    pub fn null(&self, null: &PlannedNull, segment: usize) -> Key {
        let mut key = KeyBuilder::new("null");
        key.number(u64::from(METER_VERSION));
        match null.reference {
            NullReference::Input { input: _, node } => {
                key.text("input").key(self.node(node, segment))
            }
            NullReference::Print(print) => key.text("print").key(self.print(print, segment)),
        };
        let parts: Vec<Key> = null.parts.iter().map(|part| self.print(*part, segment)).collect();
        key.keys(&parts).finish()
    }
}

/// Every matrix turns silence into silence.
fn matrix_key(op: &Op, input: Key) -> Key {
    if input.is_silence() {
        return Key::SILENCE;
    }
    let mut key = KeyBuilder::new("op");
    op.encode(&mut key);
    key.key(input).finish()
}

/// What is silent adds nothing; what is left alone is handed on as it is.
fn sum_key(op: &Op, inputs: &[Key]) -> Key {
    let sounding: Vec<Key> = inputs.iter().copied().filter(|key| !key.is_silence()).collect();
    match sounding.as_slice() {
        [] => Key::SILENCE,
        [one] => *one,
        several => {
            let mut key = KeyBuilder::new("op");
            op.encode(&mut key);
            key.keys(several).finish()
        }
    }
}
