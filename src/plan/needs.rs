//! What must be known to make something: of every node, the segments that are heard.

use std::collections::BTreeSet;

use super::clock::Slot;
use super::{NodeId, NullReference, Plan};

/// Segments by node, counted by the node's clock.
#[derive(Clone, Debug, Default)]
pub struct Needs(Vec<BTreeSet<usize>>);

impl Needs {
    /// All that is heard in `wanted`, the wanted included, whether it is silent or not.
    pub fn of(plan: &Plan, wanted: impl IntoIterator<Item = (NodeId, usize)>) -> Self {
        let mut needs = vec![BTreeSet::new(); plan.graph.node_count()];
        for (node, segment) in wanted {
            needs[node.index()].insert(segment);
        }
        // Consumers have higher numbers than their inputs.
        for node in plan.graph.node_indices().rev() {
            let segments = std::mem::take(&mut needs[node.index()]);
            if let Some(heard) = (!segments.is_empty()).then(|| plan.all_heard(node, &segments)) {
                for input in plan.inputs(node) {
                    needs[input.index()].extend(&heard);
                }
            }
            needs[node.index()] = segments;
        }
        Self(needs)
    }

    /// All that is heard in `slots` by what is printed and compared there.
    pub fn of_slots(plan: &Plan, slots: &[Slot]) -> Self {
        let prints = slots.iter().flat_map(|slot| {
            // Meters look back, and what is only measured is nowhere to be read again.
            let segments = |print| {
                let back = usize::from(!plan.is_written(print));
                let first = slot.segment.saturating_sub(back);
                (first..=slot.segment).map(move |segment| (plan.print(print).node, segment))
            };
            plan.prints_of(slot.clock).flat_map(segments)
        });
        let references = slots.iter().flat_map(|slot| {
            let nulls = plan.nulls_of(slot.clock);
            let nodes = nulls.filter_map(|(_, null)| match null.reference {
                NullReference::Input { input: _, node } => Some(node),
                NullReference::Print(_) => None,
            });
            nodes.map(|node| (node, slot.segment))
        });
        Self::of(plan, prints.chain(references))
    }

    /// The segments of one node.
    pub fn segments(&self, node: NodeId) -> &BTreeSet<usize> {
        &self.0[node.index()]
    }
}
