//! The pipeline: from a manifest to proven packages. One line per stage.

pub mod explain;
mod making;
mod leftovers;
pub mod outcome;
mod packages;
mod project;
mod proof;
mod publication;
mod settle;
pub mod upkeep;

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::diag::{Diagnostic, Diagnostics, Failure};
use crate::fsio::Disk;
use crate::progress::Progress;
use crate::render::pass::{self, Pass, PassError};
use crate::render::streams::{InputError, Streams};

use outcome::Outcome;
use packages::Packages;
use project::{Project, Session};
pub use project::{look, watched};

/// What every command needs.
pub struct Context<'a> {
    /// The disk.
    pub disk: Disk,
    /// Whom to tell how far a long job is.
    pub progress: &'a dyn Progress,
    /// Whom to tell what should be known and is no error: warnings, notices.
    pub notice: &'a (dyn Fn(&str) + Sync),
    /// Whether messages are coloured.
    pub colour: bool,
    /// The `rebounce` binary, which programs and plug-ins are run by.
    pub rebounce: PathBuf,
}

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The manifest.
    pub manifest: PathBuf,
    /// Names of deliverables; empty for all.
    pub targets: Vec<String>,
    /// Whether deliverables that can be built are built although others cannot.
    pub keep_going: bool,
}

/// How often a build starts again because session audio moved under it.
const ATTEMPTS: usize = 3;

/// Builds what is asked for. An input that moves while it is read is read again.
pub fn build(context: &Context<'_>, request: &Request) -> Result<Outcome, Failure> {
    let began = Instant::now();
    let project = Project::open(context, request)?;
    let mut moved = None;
    for _ in 0..ATTEMPTS {
        let mut session = project.session()?;
        let mut made = deliver(&project, &mut session);
        // Each time with fewer packages.
        while let Err(Stop::Without(names, why)) = made {
            made = match set_aside(&mut session, &names, why, request.keep_going) {
                Ok(()) => deliver(&project, &mut session),
                Err(failure) => Err(Stop::Failed(failure)),
            };
        }
        match made {
            Ok(outcome) => {
                return Ok(outcome.finish(began.elapsed(), session.problems));
            }
            Err(Stop::Moved(again)) => {
                (context.notice)(&format!("{} changed while it was read; reading again", again.1));
                moved = Some(again.0);
            }
            Err(Stop::Without(..)) => unreachable!("BUG: they were set aside"),
            Err(Stop::Failed(failure)) => {
                // What was staged takes room that the mend may need. If it cannot be
                // cleared now, the next build does so.
                let _ = leftovers::heal(&project, &session.delivery.output_root);
                return Err(failure);
            }
        }
    }
    let diagnostic = moved.expect("BUG: only a moved input starts a build again");
    Err(Failure::from(*diagnostic))
}

/// Why a build stopped.
enum Stop {
    /// Session audio, or a file delivered before, changed while it was read: the message for the case that it
    /// does so again and again, and the file.
    Moved((Box<Diagnostic>, String)),
    /// Packages of these names cannot be made: their places hold what rebounce did not
    /// make, or a program or plug-in that they hear failed.
    Without(Vec<String>, Diagnostics),
    Failed(Failure),
}

impl Stop {
    /// Somebody changed a delivered file while segments were taken from it.
    fn disturbed(path: &Path) -> Self {
        let shown = path.display().to_string();
        let diagnostic = Diagnostic::error(format!("{shown} keeps changing"))
            .help("delivered files are for reading: close what writes to it, then build again");
        Stop::Moved((Box::new(diagnostic), shown))
    }
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop::Failed(error.into())
    }
}

/// Refuses packages that cannot be made; with `-k` the others are built.
fn set_aside(
    session: &mut Session,
    names: &[String],
    why: Diagnostics,
    keep_going: bool,
) -> Result<(), Failure> {
    session.problems.extend(why);
    session.leave_out(names);
    if !keep_going || session.delivery.deliverables.is_empty() {
        return Err(std::mem::take(&mut session.problems).into());
    }
    Ok(())
}

/// One attempt: keys, render, facts, findings, packages.
fn deliver(project: &Project<'_>, session: &mut Session) -> Result<Outcome, Stop> {
    let context = project.context;
    let output_root = &session.delivery.output_root;
    leftovers::heal(project, output_root)?;
    let mut packages = Packages::load(project, session)?;
    let taken = packages.foreign(project, session)?;
    if !taken.is_empty() {
        let (names, why): (_, Vec<Diagnostic>) = taken.into_iter().unzip();
        return Err(Stop::Without(names, Diagnostics::from_iter(why)));
    }
    if let Some(outcome) = packages.up_to_date(session) {
        packages.remember_stamps(project)?;
        return Ok(outcome.with_removed(packages.leavings.remove(project, session)?));
    }
    let staging = leftovers::stage(project, output_root)?;
    let mut store = packages.store(project)?;
    // No package has such a name.
    let mut outside = project.outside(Some(staging.folder(".outside")))?;
    let settled = settle::settle(project, session, &mut store, &mut outside);
    if let Err(stop) = settled {
        project.remember_outside(outside, false)?;
        return Err(stop);
    }
    let (session, store) = (&*session, store);
    let tasks = packages.tasks(session, &staging);
    packages.create_folders(session, &staging)?;

    let mut streams = Streams::new(&context.disk, &session.plan, session.input_files());
    let pass = Pass {
        disk: &context.disk,
        plan: &session.plan,
        store: &store,
        files: &tasks,
        progress: context.progress,
    };
    context.progress.begin(&session.what(), session.plan.programme().segments());
    let made = pass::run(&pass, &mut streams, &mut outside);
    context.progress.end();
    project.remember_outside(outside, made.is_ok())?;
    let made = made.map_err(|error| explain_stop(session, error))?;
    let digests = streams.into_digests();
    session.remember(project, &digests)?;
    if let Some(path) = store.moved(&context.disk)? {
        return Err(Stop::disturbed(path));
    }

    let proofs = proof::prove(session, &made);
    packages.leavings.note(project)?;
    let outcome = packages.publish(project, session, &digests, &made, proofs, &staging)?;
    let removed = packages.leavings.remove(project, session)?;
    leftovers::unstage(project, staging)?;
    Ok(outcome.with_removed(removed))
}

/// Words the end of a pass with the place where the manifest names the input.
fn explain_stop(session: &Session, error: PassError) -> Stop {
    match error {
        PassError::Disk(error) => error.into(),
        PassError::Outside(node, failure) => match *failure {
            Failure::Request(why) => match session.that_hear(node) {
                // It is only measured, and everything may follow from that.
                none if none.is_empty() => Stop::Failed(Failure::Request(why)),
                names => Stop::Without(names, why),
            },
            other => Stop::Failed(other),
        },
        PassError::Input(InputError::Moved(id)) => {
            let input = session.delivery.input(id);
            let diagnostic = Diagnostic::error(format!("{} keeps changing", input.shown))
                .at(&input.span, "it changed each time it was read")
                .help("wait for the bounce to end, then build again");
            Stop::Moved((Box::new(diagnostic), input.shown.clone()))
        }
        PassError::Input(InputError::Audio(id, error)) => {
            let input = session.delivery.input(id);
            Diagnostic::error(format!("cannot read {}: {error}", input.shown))
                .at(&input.span, "named here")
                .help("export it again from the session")
                .into_stop()
        }
        PassError::Input(InputError::Open(id, error)) => {
            let input = session.delivery.input(id);
            Diagnostic::error(error.to_string()).at(&input.span, "named here").into_stop()
        }
    }
}

trait IntoStop {
    fn into_stop(self) -> Stop;
}

impl IntoStop for Diagnostic {
    fn into_stop(self) -> Stop {
        Stop::Failed(Failure::Request(Diagnostics::from(self)))
    }
}
