//! From facts to what is said of a package: measures, null tests, findings.

use super::project::Session;
use crate::manifest::delivery::Deliverable;
use crate::plan::{NullReference, Plan, PlannedFile, PlannedNull};
use crate::qc::facts::{NullFacts, SegmentFacts};
use crate::qc::measures::{classify, merge, merge_null};
use crate::qc::report::{FileReport, NullKind, NullReport, PackageReport, Unproven};
use crate::render::pass::PassOutput;

/// The report of every package.
pub(super) fn prove(session: &Session, made: &PassOutput) -> Vec<PackageReport> {
    let (delivery, plan) = (&session.delivery, &session.plan);
    let report = |(index, deliverable): (usize, &Deliverable)| {
        let signals = 0..deliverable.files.len();
        let files = signals.map(|signal| file_report(session, made, index, signal)).collect();
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

fn file_report(
    session: &Session,
    made: &PassOutput,
    deliverable: usize,
    signal: usize,
) -> FileReport {
    let (delivery, plan) = (&session.delivery, &session.plan);
    let files: Vec<(usize, &PlannedFile)> =
        plan.files_of(deliverable).filter(|(_, file)| file.signal == signal).collect();
    let id = files.first().expect("BUG: a delivered signal is in a file").1.print;
    let print = plan.print(id);
    let facts: Vec<&SegmentFacts> =
        made.prints[id.0 as usize].facts.iter().map(|(_, facts)| &**facts).collect();
    let measures = merge(&facts, plan.clock_of(print.node).rate, print.layout);
    let package = &delivery.deliverables[deliverable];
    let digests = files.iter().map(|(index, _)| made.files[*index].blake3.hex()).collect();
    FileReport::new(delivery, package, &package.files[signal], digests, measures)
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
            let package = &delivery.deliverables[null.deliverable];
            let own = delivery.programme.sample_rate;
            let treated = !package.normalize.is_empty() || !package.pace.words(own).is_empty();
            (NullKind::Reference { shown: input.shown.clone(), treated }, difference)
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
