//! What is to be done in each slot: all that the keys do not find.

use std::collections::BTreeSet;

use crate::key::segment::Keys;
use crate::plan::clock::Slot;
use crate::plan::{NodeId, NullReference, Plan, PrintId};
use crate::state::store::Store;

/// What is to be done in one slot.
pub(super) struct Todo {
    /// Where.
    pub(super) slot: Slot,
    pub(super) render: BTreeSet<PrintId>,
    pub(super) measure: BTreeSet<PrintId>,
    pub(super) nulls: BTreeSet<usize>,
    /// Nodes to evaluate: of what is rendered, and references.
    pub(super) nodes: BTreeSet<NodeId>,
    /// Prints whose samples are measured or compared.
    pub(super) heard: BTreeSet<PrintId>,
    /// Prints that are only measured, whose segment before is not at hand for it.
    pub(super) before: BTreeSet<PrintId>,
}

/// What is to be done in `slots`, in their order. `made` says which segments of prints
/// the wave before left at hand.
pub(super) fn list(
    plan: &Plan,
    store: &Store,
    keys: &Keys<'_>,
    slots: &[Slot],
    made: BTreeSet<(PrintId, usize)>,
) -> Vec<Todo> {
    let mut todo = slots.iter().map(|slot| of_slot(plan, store, keys, *slot)).collect::<Vec<_>>();
    look_back(plan, made, &mut todo);
    todo
}

/// What the keys say must be done in a slot.
fn of_slot(plan: &Plan, store: &Store, keys: &Keys<'_>, slot: Slot) -> Todo {
    let Slot { clock, segment } = slot;
    let mut todo = Todo {
        slot,
        render: BTreeSet::new(),
        measure: BTreeSet::new(),
        nulls: BTreeSet::new(),
        nodes: BTreeSet::new(),
        heard: BTreeSet::new(),
        before: BTreeSet::new(),
    };
    for print in plan.prints_of(clock) {
        let measure = store.facts(keys.facts(print, segment)).is_none();
        let forms = plan.forms(print);
        let missing = |form: &Option<usize>| store.find(keys.form(print, *form, segment)).is_none();
        let render = if forms.is_empty() { measure } else { forms.iter().any(missing) };
        if render {
            todo.render.insert(print);
            todo.nodes.insert(plan.print(print).node);
        }
        if measure {
            todo.measure.insert(print);
        }
    }
    for (index, null) in plan.nulls_of(clock) {
        if store.null(keys.null(null, segment)).is_some() {
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

/// Finds out of which prints the segment before must be made only to be looked back
/// to: it is in no file and was not made for itself.
fn look_back(plan: &Plan, mut made: BTreeSet<(PrintId, usize)>, todo: &mut [Todo]) {
    for todo in todo {
        let segment = todo.slot.segment;
        let unwritten = |print: &PrintId| !plan.is_written(*print);
        let before = segment.checked_sub(1);
        let missing = |print: &PrintId| before.is_some_and(|b| !made.contains(&(*print, b)));
        todo.before = todo.measure.iter().copied().filter(unwritten).filter(missing).collect();
        made.extend(todo.render.iter().map(|print| (*print, segment)));
    }
}
