//! What must not stay: packages that the manifest no longer names, the old places
//! of packages that moved, and what interrupted builds left in their staging
//! folders. Each is noted in the state before the step that would forget it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::project::{Project, Session};
use crate::diag::Failure;
use crate::fsio::{Disk, DiskError};
use crate::package::publish::{self, Staging};
use crate::state::StateFolder;
use crate::state::record::{self, Record};
use crate::state::store::Intact;

/// State file: packages at places where they no longer belong.
const MOVED: &str = "moved";
/// State file: the output root in which a build is staging packages.
const STAGING: &str = "staging";

/// Packages that stand where nothing should.
pub(super) struct Leavings {
    /// That the manifest no longer names, by name.
    obsolete: Vec<(String, Record)>,
    /// At their old places.
    moved: Vec<Record>,
}

impl Leavings {
    /// `just_moved` are the records of packages that belong elsewhere now;
    /// `current` are the names of all others.
    pub(super) fn load(
        project: &Project<'_>,
        session: &Session,
        current: &[&str],
        just_moved: Vec<Record>,
    ) -> Result<Self, Failure> {
        let (disk, state) = (&project.context.disk, &project.state);
        let mut notice = |text: String| (project.context.notice)(&text);
        let mut moved = noted(state, &mut notice)?;
        // One that came back to where it was is at its place again.
        moved.retain(|old| {
            let again = just_moved.iter().any(|new| new.folder == old.folder);
            !again && !session.is_place(Path::new(&old.folder))
        });
        moved.extend(just_moved);
        let mut found = Self { obsolete: Vec::new(), moved };
        // What is not asked for, or cannot be read, is not gone.
        let whole = project.request.targets.is_empty() && !session.problems.has_errors();
        for name in state.deliverables()?.into_iter().filter(|_| whole) {
            if !current.contains(&name.as_str())
                && let Some(record) = record::load(disk, state, &name, &mut notice)?
            {
                found.obsolete.push((name, record));
            }
        }
        // Where upper case is not told from lower, a package renamed from `Mix` to
        // `mix` stands in the folder of its old name, and one file holds its record.
        let places = session.places();
        let stays = |record: &Record| {
            places.iter().any(|place| disk.is_one_folder(place, Path::new(&record.folder)))
        };
        found.moved.retain(|record| !stays(record));
        found.obsolete.retain(|(_, record)| !stays(record));
        Ok(found)
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.moved.iter().chain(self.obsolete.iter().map(|(_, record)| record))
    }

    /// Names of packages that are no longer asked for.
    pub(super) fn obsolete(&self) -> impl Iterator<Item = &str> {
        self.obsolete.iter().map(|(name, _)| name.as_str())
    }

    /// Their folders.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        self.records().map(|record| PathBuf::from(&record.folder)).collect()
    }

    /// Notes the old places of packages: their records are about to be replaced.
    pub(super) fn note(&self, project: &Project<'_>) -> Result<(), Failure> {
        if !self.moved.is_empty() {
            project.state.save(MOVED, &self.moved)?;
        }
        Ok(())
    }

    /// Removes the packages. What somebody else put or changed there stays.
    pub(super) fn remove(
        &self,
        project: &Project<'_>,
        session: &Session,
    ) -> Result<Vec<PathBuf>, Failure> {
        for record in self.records() {
            remove_package(project, record)?;
            let root = Path::new(&record.folder).parent();
            if let Some(root) = root.filter(|root| *root != session.delivery.output_root) {
                tidy(project, root)?;
            }
        }
        for name in self.obsolete() {
            record::forget(&project.state, name)?;
        }
        project.state.remove(MOVED)?;
        Ok(self.folders())
    }
}

/// The records of packages that moved and may still stand at their old places.
pub(super) fn noted(
    state: &StateFolder,
    notice: &mut dyn FnMut(String),
) -> Result<Vec<Record>, Failure> {
    Ok(state.load(MOVED, notice)?.unwrap_or_default())
}

/// Clears an output root of staging folders, and removes it if that leaves nothing.
pub(super) fn tidy(project: &Project<'_>, root: &Path) -> Result<(), Failure> {
    let disk = &project.context.disk;
    Staging::begin(disk, root, &project.state.owner())?.end()?;
    disk.remove_folder_if_empty(root);
    Ok(())
}

/// Removes the files of a package that are still as they were published. `true` if
/// nothing is left of it.
pub(super) fn remove_package(project: &Project<'_>, record: &Record) -> Result<bool, Failure> {
    let disk = &project.context.disk;
    let folder = Path::new(&record.folder);
    let owner = project.state.owner();
    let whole = publish::remove(disk, folder, &ours(disk, record)?, &owner)?;
    if !whole {
        tell_kept(project, record, "keeps");
    }
    Ok(whole)
}

/// Whether [`remove_package`] would leave nothing of the package. Nothing changes.
pub(super) fn would_vanish(project: &Project<'_>, record: &Record) -> Result<bool, Failure> {
    let disk = &project.context.disk;
    let folder = Path::new(&record.folder);
    let whole = publish::foreign(disk, folder, &ours(disk, record)?)?.is_empty();
    if !whole {
        tell_kept(project, record, "would keep");
    }
    Ok(whole)
}

/// The files of a package that are still as they were published.
fn ours(disk: &Disk, record: &Record) -> Result<BTreeSet<String>, DiskError> {
    let intact = Intact::check(disk, record)?;
    let ours = record.entries().map(|(path, ..)| path.to_owned());
    Ok(ours.filter(|path| intact.is_good(path)).collect())
}

fn tell_kept(project: &Project<'_>, record: &Record, keeps: &str) {
    (project.context.notice)(&format!(
        "{} {keeps} files that rebounce did not make, or that were changed since",
        record.folder
    ));
}

/// Clears what an interrupted build left in staging folders, here and where it
/// delivered to.
pub(super) fn heal(project: &Project<'_>, output_root: &Path) -> Result<(), Failure> {
    Staging::begin(&project.context.disk, output_root, &project.state.owner())?.end()?;
    heal_noted(project, Some(output_root))
}

/// The same without a manifest: where the interrupted build delivered to.
pub(super) fn heal_noted(project: &Project<'_>, in_use: Option<&Path>) -> Result<(), Failure> {
    let mut notice = |text: String| (project.context.notice)(&text);
    let root: Option<String> = project.state.load(STAGING, &mut notice)?;
    if let Some(root) = root.map(PathBuf::from).filter(|root| Some(root.as_path()) != in_use) {
        tidy(project, &root)?;
    }
    Ok(project.state.remove(STAGING)?)
}

/// Begins to stage packages; should this build not come to its end, the next knows
/// where it did so.
pub(super) fn stage<'a>(
    project: &'a Project<'_>,
    output_root: &Path,
) -> Result<Staging<'a>, Failure> {
    project.state.save(STAGING, &output_root.to_string_lossy())?;
    Ok(Staging::begin(&project.context.disk, output_root, &project.state.owner())?)
}

/// Ends what [`stage`] began.
pub(super) fn unstage(project: &Project<'_>, staging: Staging<'_>) -> Result<(), Failure> {
    staging.end()?;
    Ok(project.state.remove(STAGING)?)
}
