//! Keys of every node, print, measurement and null test, segment by segment.

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

/// Computes keys for one plan. The operators' own bytes are hashed once; per
/// segment only the inputs' keys are added.
pub struct Keys<'a> {
    plan: &'a Plan,
    inputs: Vec<Vec<NodeId>>,
}

/// Keys of all signals in one segment.
#[derive(Clone, Debug)]
pub struct SegmentKeys {
    nodes: Vec<Key>,
    prints: Vec<Key>,
}

impl SegmentKeys {
    /// The key of a node's output.
    pub fn node(&self, node: NodeId) -> Key {
        self.nodes[node.index()]
    }

    /// The key of a print's samples as they are written.
    pub fn print(&self, print: PrintId) -> Key {
        self.prints[print.0 as usize]
    }
}

impl<'a> Keys<'a> {
    /// For the keys of `plan`.
    pub fn new(plan: &'a Plan) -> Self {
        let inputs = plan.graph.node_indices().map(|node| plan.inputs(node)).collect();
        Self { plan, inputs }
    }

    /// The keys of segment `segment` of the programme.
    pub fn segment(&self, digests: &impl Digests, segment: usize) -> SegmentKeys {
        let mut nodes: Vec<Key> = Vec::with_capacity(self.plan.graph.node_count());
        for id in self.plan.graph.node_indices() {
            let node = &self.plan.graph[id];
            let inputs: Vec<Key> =
                self.inputs[id.index()].iter().map(|input| nodes[input.index()]).collect();
            nodes.push(match &node.op {
                Op::Source { input, at_frame } => self.source(digests, *input, *at_frame, segment),
                Op::Matrix { .. } => matrix_key(&node.op, inputs[0]),
                Op::Sum => sum_key(&node.op, &inputs),
            });
        }
        let prints = self.plan.print_ids().map(|id| self.print(id, segment, &nodes)).collect();
        SegmentKeys { nodes, prints }
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

    fn print(&self, id: PrintId, segment: usize, nodes: &[Key]) -> Key {
        let Print { node, encoding, layout, dither } = self.plan.print(id);
        let mut key = KeyBuilder::new("print");
        key.number(u64::from(RENDER_VERSION)).text(encoding.name());
        key.number(layout.width() as u64).number(self.plan.segment_frames(segment) as u64);
        key.key(nodes[node.index()]);
        if let Some(identity) = dither {
            // Dither is a function of the file's identity and the sample's place.
            key.text(identity).number(segment as u64);
        }
        key.finish()
    }

    /// The key of what is measured of a print in a segment. The meters look back
    /// less than one segment and forward not at all.
    pub fn facts(
        &self,
        print: PrintId,
        segment: usize,
        before: Option<&SegmentKeys>,
        here: &SegmentKeys,
    ) -> Key {
        let Print { node: _, encoding: _, layout, dither: _ } = self.plan.print(print);
        let last = segment + 1 == self.plan.segments();
        let mut key = KeyBuilder::new("facts");
        key.number(u64::from(METER_VERSION));
        key.number(u64::from(self.plan.sample_rate.hz())).text(layout.name());
        key.number(u64::from(last)).number(u64::from(before.is_some()));
        key.key(before.map_or(Key::SILENCE, |keys| keys.print(print))).key(here.print(print));
        key.finish()
    }

    /// The key of a null test's facts in a segment.
    pub fn null(&self, null: &PlannedNull, here: &SegmentKeys) -> Key {
        let mut key = KeyBuilder::new("null");
        key.number(u64::from(METER_VERSION));
        match null.reference {
            NullReference::Input { input: _, node } => key.text("input").key(here.node(node)),
            NullReference::Print(print) => key.text("print").key(here.print(print)),
        };
        let parts: Vec<Key> = null.parts.iter().map(|part| here.print(*part)).collect();
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
