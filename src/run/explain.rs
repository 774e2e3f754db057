//! What a build would do, and why, to the second. Renders nothing and changes no
//! delivery; what it learns of session audio it remembers.

use std::collections::BTreeSet;
use std::ops::Range;

use super::making::{print_keys, with_outside};
use super::outcome::{FileOutcome, Outcome, PackageOutcome};
use super::packages::Packages;
use super::project::{Project, Session};
use super::settle;
use super::{Context, Request, Stop, explain_stop};
use crate::diag::Failure;
use crate::key::Key;
use crate::key::reason::Reason;
use crate::plan::op::Op;
use crate::plan::{NodeId, Plan, PlannedFile};
use crate::render::pass::PassError;
use crate::render::streams::Streams;

/// Segments of every file that are read before the next are.
const WAVE: usize = 8;

/// Explains what is asked for.
pub fn explain(context: &Context<'_>, request: &Request) -> Result<Outcome, Failure> {
    let project = Project::open_to_read(context, request)?;
    let mut session = project.session()?;
    let digests = match digests(&project, &session) {
        Ok(digests) => digests,
        Err(Stop::Moved((diagnostic, _))) => return Err((*diagnostic).into()),
        Err(Stop::Without(..)) => unreachable!("BUG: reading session audio takes no place"),
        Err(Stop::Failed(failure)) => return Err(failure),
    };
    let (digests, to_run) = with_outside(&session.plan, digests, &project.outside_memo()?);
    let packages = Packages::load(&project, &session)?;
    let mut store = packages.store(&project)?;
    let mut outside = project.outside(None)?;
    if let Err(stop) = settle::settle(&project, &mut session, &mut store, &mut outside) {
        return Err(match stop {
            Stop::Moved((diagnostic, _)) => (*diagnostic).into(),
            Stop::Without(_, why) => why.into(),
            Stop::Failed(failure) => failure,
        });
    }
    let all: Vec<&[Key]> = digests.iter().map(Vec::as_slice).collect();
    let keys = print_keys(&session.plan, &all);
    let mut outcome = Outcome::new(session.plan.programme().rate, true);
    for (index, deliverable) in session.delivery.deliverables.iter().enumerate() {
        let files: Vec<FileOutcome> = session
            .plan
            .files_of(index)
            .map(|(_, file)| {
                let mut planned = packages.planned_file(&session, &digests, &keys, &store, file);
                planned.reasons.extend(whole(&session.plan, file, &to_run, &planned.rendered));
                planned
            })
            .collect();
        outcome.packages.push(PackageOutcome {
            name: deliverable.name.clone(),
            path: session.delivery.output_root.join(&deliverable.name),
            verdict: packages.verdict(index),
            published: packages.is_stale(&session, &all, index),
            files,
            lines: Vec::new(),
        });
    }
    outcome.problems = session.problems;
    Ok(outcome.with_removed(packages.leavings.folders()))
}

/// The programs and plug-ins that must be run for a file.
fn whole(
    plan: &Plan,
    file: &PlannedFile,
    to_run: &BTreeSet<NodeId>,
    rendered: &[Range<usize>],
) -> Vec<Reason> {
    if rendered.is_empty() {
        return Vec::new();
    }
    let heard = plan.ancestry(plan.print(file.print).node).into_iter();
    let run = heard.filter(|node| to_run.contains(node));
    let words = run.filter_map(|node| match &plan.graph[node].op {
        Op::External { words, .. } => Some(words.clone()),
        _ => None,
    });
    words.map(|words| Reason::Whole { words }).collect()
}

/// The digests of all session audio, read where they are not known.
fn digests(project: &Project<'_>, session: &Session) -> Result<Vec<Vec<Key>>, Stop> {
    let context = project.context;
    let mut streams = Streams::new(&context.disk, &session.plan, session.input_files());
    let total = streams.left();
    context.progress.begin("reading session audio", total);
    let read = (0..total).step_by(WAVE).try_for_each(|_| {
        context.progress.advance(WAVE);
        streams.digest_on(WAVE)
    });
    context.progress.end();
    read.and_then(|()| streams.check_unmoved())
        .map_err(|error| explain_stop(session, PassError::Input(error)))?;
    let digests = streams.into_digests();
    session.remember(project, &digests)?;
    Ok(digests)
}
