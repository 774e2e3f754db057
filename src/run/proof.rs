//! From facts to what is said of a package: measures, null tests, findings.

use super::project::Session;
use crate::plan::{NullReference, Plan, PlannedNull};
use crate::qc::facts::{NullFacts, SegmentFacts};
use crate::qc::measures::{classify, merge, merge_null};
use crate::qc::report::{FileReport, NullKind, NullReport, PackageReport, Unproven};
use crate::render::pass::PassOutput;

/// The report of every package.
pub(super) fn prove(session: &Session, made: &PassOutput) -> Vec<PackageReport> {
    let (delivery, plan) = (&session.delivery, &session.plan);
    let report = |(index, deliverable)| {
        let files = plan.files_of(index).map(|(at, _)| file_report(session, made, at)).collect();
        let nulls = plan
            .nulls
            .iter()
            .zip(&made.nulls)
            .filter(|(null, _)| null.deliverable == index)
            .map(|(null, facts)| null_report(session, null, facts))
            .collect();
        let unproven = plan
            .unproven
            .iter()
            .filter(|unproven| unproven.deliverable == index)
            .map(|u| Unproven { of: u.of.clone(), missing: u.missing.clone() })
            .collect();
        PackageReport::new(delivery, deliverable, files, nulls, unproven)
    };
    delivery.deliverables.iter().enumerate().map(report).collect()
}

fn file_report(session: &Session, made: &PassOutput, index: usize) -> FileReport {
    let (delivery, plan) = (&session.delivery, &session.plan);
    let file = &plan.files[index];
    let print = plan.print(file.print);
    let facts: Vec<&SegmentFacts> =
        made.prints[file.print.0 as usize].facts.iter().map(|(_, facts)| &**facts).collect();
    let measures = merge(&facts, plan.clock_of(print.node).rate, print.layout);
    let deliverable = &delivery.deliverables[file.deliverable];
    let delivered = deliverable
        .files
        .iter()
        .find(|delivered| delivered.path == file.path)
        .expect("BUG: planned files are delivered files");
    FileReport::new(delivery, deliverable, delivered, made.files[index].blake3.hex(), measures)
}

fn null_report(
    session: &Session,
    null: &PlannedNull,
    facts: &[(crate::key::Key, NullFacts)],
) -> NullReport {
    let (delivery, plan) = (&session.delivery, &session.plan);
    let facts: Vec<NullFacts> = facts.iter().map(|(_, facts)| facts.clone()).collect();
    let result = merge_null(&facts, plan.print(null.parts[0]).layout);
    let (kind, length_difference) = match null.reference {
        NullReference::Input { input, node: _ } => {
            let input = delivery.input(input);
            let difference = input.info.frames as i64 - delivery.mix_frames(null.mix) as i64;
            (NullKind::Reference { shown: input.shown.clone() }, difference)
        }
        NullReference::Print(_) => (NullKind::Stems, 0),
    };
    let coarsest = plan.print(null.parts[0]).encoding;
    let verdict = classify(&result, rounded_signals(plan, null), coarsest);
    NullReport {
        kind,
        of: null.of.clone(),
        parts: null.part_names.clone(),
        result,
        verdict,
        length_difference,
    }
}

/// How many of the signals in the test were rounded on their way. An approved
/// print counts as one if its parts do: the DAW rounded it as they were.
fn rounded_signals(plan: &Plan, null: &PlannedNull) -> u32 {
    let parts = null.parts.iter().filter(|part| plan.is_rounded(**part)).count() as u32;
    let reference = match null.reference {
        NullReference::Print(print) => plan.is_rounded(print),
        NullReference::Input { .. } => parts > 0,
    };
    parts + u32::from(reference)
}
