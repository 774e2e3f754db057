//! Keys of operators outside, which hear the whole programme.

use std::ops::Range;

use super::segment::{Digests, Keys};
use super::{Key, KeyBuilder, RENDER_VERSION};
use crate::plan::needs::Needs;
use crate::plan::op::Op;
use crate::plan::{NodeId, Plan};

/// Segments whose keys are taken in one go.
const WAVE: usize = 8;

/// Stands for an operator and its settings, the files that decide what it makes
/// included, and for the form of the signal; not for the signal.
pub fn operator(plan: &Plan, node: NodeId) -> Key {
    let (op, clock) = (&plan.graph[node].op, plan.clock_of(node));
    let mut key = KeyBuilder::new("outside");
    op.encode(&mut key);
    key.number(u64::from(RENDER_VERSION)).number(u64::from(clock.rate.hz())).finish()
}

/// Stands for all that decides what an operator makes. `read` is asked to find out the
/// digests of what is heard, wave by wave.
pub fn recipe<D: Digests, E>(
    plan: &Plan,
    node: NodeId,
    digests: &mut D,
    mut read: impl FnMut(&mut D, &Needs) -> Result<(), E>,
) -> Result<Key, E> {
    let clock = plan.clock_of(node);
    let mut key = KeyBuilder::new("recipe");
    key.key(operator(plan, node)).number(clock.frames);
    let mut keys = Keys::new(plan);
    let input = plan.inputs(node)[0];
    for wave in waves(clock.segments(), WAVE) {
        let needs = Needs::of(plan, wave.clone().map(|segment| (input, segment)));
        read(digests, &needs)?;
        keys.advance(&*digests, &[], &needs);
        wave.for_each(|segment| {
            key.key(keys.node(input, segment));
        });
    }
    Ok(key.finish())
}

/// Stands for a segment of what an operator would make, as long as it has not.
pub fn unknown(recipe: Key, segment: usize) -> Key {
    KeyBuilder::new("unknown").key(recipe).number(segment as u64).finish()
}

/// `segments` segments in waves of `length`.
pub fn waves(segments: usize, length: usize) -> impl Iterator<Item = Range<usize>> {
    (0..segments).step_by(length).map(move |start| start..(start + length).min(segments))
}

/// The operators outside, each after those it hears.
pub fn outside(plan: &Plan) -> Vec<NodeId> {
    // Consumers have higher numbers than their inputs.
    let is_outside = |node: &NodeId| matches!(plan.graph[*node].op, Op::External { .. });
    plan.graph.node_indices().filter(is_outside).collect()
}
