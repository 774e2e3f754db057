//! The packages of a project: what they were, whether they still are, and how
//! they become what they should be.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::leftovers::Leavings;
use super::making::{header, header_key, inputs, made_from, table};
use super::outcome::{FileOutcome, Outcome, PackageOutcome};
use super::project::{Project, Session};
use super::publication::Publication;
use crate::diag::{Diagnostic, Failure};
use crate::fsio::{Disk, FileStamp};
use crate::key::Key;
use crate::key::reason::{self, Making, Reason};
use crate::key::segment::of_form;
use crate::package::publish::{self, Staging};
use crate::package::{DOCUMENTS, checksums};
use crate::plan::PlannedFile;
use crate::qc::report::{PackageReport, Verdict};
use crate::render::pass::PassOutput;
use crate::render::writer::FileTask;
use crate::state::record::{self, CHECKSUMS, FileRecord, Record};
use crate::state::store::{Intact, Store};

/// All packages of a manifest, as they are on disk.
pub(super) struct Packages {
    current: Vec<Package>,
    /// Packages that stand where nothing should.
    pub leavings: Leavings,
}

/// One of them.
pub(super) struct Package {
    pub(super) name: String,
    /// Where it belongs.
    pub(super) folder: PathBuf,
    /// What it was when it was published, and which of its files still are.
    was: Option<(Record, Intact)>,
}

impl Package {
    /// The record, if the package was published where it belongs now.
    pub(super) fn in_place(&self) -> Option<(&Record, &Intact)> {
        let (record, intact) = self.was.as_ref()?;
        (Path::new(&record.folder) == self.folder).then_some((record, intact))
    }

    /// Why a file is not what it should be now.
    pub(super) fn why(&self, path: &str, now: &Making<'_>) -> Vec<Reason> {
        let Some((record, intact)) = &self.was else { return vec![Reason::New] };
        let Some(old) = record.files.iter().find(|file| file.path == path) else {
            return vec![Reason::New];
        };
        if !intact.is_good(path) {
            return vec![Reason::Altered];
        }
        if self.in_place().is_none() {
            return vec![Reason::Moved];
        }
        let inputs = table(&record.inputs);
        let (frames, header) = (old.frames, old.header);
        reason::compare(&Making { frames, header, recipe: &old.recipe, inputs }, now)
    }

    /// The stamp of a file when it was found to be as recorded.
    pub(super) fn stamp(&self, path: &str) -> Option<FileStamp> {
        self.in_place().and_then(|(_, intact)| intact.stamp(path))
    }

    /// An audio file as it was delivered, if it still is.
    fn old_file(&self, path: &str) -> Option<&FileRecord> {
        let (record, intact) = self.in_place()?;
        record.files.iter().find(|file| file.path == path && intact.is_good(path))
    }
}

impl Packages {
    /// Reads the records and looks at what stands on disk.
    pub(super) fn load(project: &Project<'_>, session: &Session) -> Result<Self, Failure> {
        let context = project.context;
        let mut notice = |text: String| (context.notice)(&text);
        let mut load = |name: &str| record::load(&context.disk, &project.state, name, &mut notice);
        let delivery = &session.delivery;
        let mut current = Vec::new();
        for deliverable in &delivery.deliverables {
            let was = match load(&deliverable.name)? {
                Some(record) => {
                    let intact = Intact::check(&context.disk, &record)?;
                    Some((record, intact))
                }
                None => None,
            };
            let folder = delivery.output_root.join(&deliverable.name);
            current.push(Package { name: deliverable.name.clone(), folder, was });
        }
        let moved = current.iter().filter(|package| package.in_place().is_none());
        let moved = moved.filter_map(|package| Some(package.was.as_ref()?.0.clone())).collect();
        let names: Vec<&str> = current.iter().map(|package| package.name.as_str()).collect();
        let leavings = Leavings::load(project, session, &names, moved)?;
        Ok(Self { current, leavings })
    }

    /// Why packages must not be made, by name: a folder that holds files of somebody
    /// else, or the package of another manifest, is not replaced.
    pub(super) fn foreign(
        &self,
        project: &Project<'_>,
        session: &Session,
    ) -> Result<Vec<(String, Diagnostic)>, Failure> {
        let disk = &project.context.disk;
        let mut problems = Vec::new();
        for (package, deliverable) in self.current.iter().zip(&session.delivery.deliverables) {
            let shown = package.folder.display();
            let ours: BTreeSet<String> = match package.in_place() {
                Some((record, _)) => record.entries().map(|(path, ..)| path.to_owned()).collect(),
                None => whole_package(disk, &package.folder)?,
            };
            let foreign = publish::foreign(disk, &package.folder, &ours)?;
            let title = match foreign.as_slice() {
                [] if package.in_place().is_none() && is_of_sibling(project, package)? => {
                    format!("{shown} is a package of another manifest in this folder")
                }
                [] => continue,
                [one] => format!("{shown} holds a file that rebounce did not make: {one}"),
                [first, rest @ ..] => format!(
                    "{shown} holds files that rebounce did not make: {first} and {} more",
                    rest.len()
                ),
            };
            let problem = Diagnostic::error(title)
                .at(&deliverable.span, "this package would replace the folder")
                .help("move it elsewhere, or deliver to another folder with `output:`");
            problems.push((package.name.clone(), problem));
        }
        Ok(problems)
    }

    /// The outcome, if every package is what a build would make of it.
    pub(super) fn up_to_date(&self, session: &Session) -> Option<Outcome> {
        let digests = session.known_digests()?;
        let mut outcome = Outcome::new(session.plan.programme().rate, false);
        for (index, package) in self.current.iter().enumerate() {
            let (record, intact) = package.in_place()?;
            let same = record.made_from == made_from(session, index, &digests);
            if !same || !intact.altered().is_empty() {
                return None;
            }
            let kept =
                |file: &FileRecord| FileOutcome::kept(&file.path, file.segments.len(), file.blake3);
            let files = record.files.iter().map(kept).collect();
            outcome.packages.push(PackageOutcome {
                name: package.name.clone(),
                path: package.folder.clone(),
                verdict: record.verdict,
                files,
                published: false,
                lines: Vec::new(),
            });
        }
        Some(outcome)
    }

    /// Notes the stamps of files that had to be read to be believed.
    pub(super) fn remember_stamps(&mut self, project: &Project<'_>) -> Result<(), Failure> {
        for package in &mut self.current {
            if let Some((record, intact)) = &mut package.was
                && intact.rehashed
            {
                record.stamp_with(|path| intact.stamp(path));
                record::confirm(&project.state, &package.name, record)?;
            }
        }
        Ok(())
    }

    /// Everything that can be taken from what was delivered before, at whatever place.
    pub(super) fn store(&self, project: &Project<'_>) -> Result<Store, Failure> {
        let context = project.context;
        let mut store = Store::default();
        let mut notice = |text: String| (context.notice)(&text);
        for (record, intact) in self.current.iter().filter_map(Package::in_place) {
            store.add(record, intact);
        }
        for record in self.leavings.records() {
            let intact = Intact::check(&context.disk, record)?;
            store.add(record, &intact);
        }
        let current = self.current.iter().map(|package| package.name.as_str());
        for name in current.chain(self.leavings.obsolete()) {
            store.add_facts(record::load_facts(&project.state, name, &mut notice)?);
        }
        Ok(store)
    }

    /// The files to write.
    pub(super) fn tasks<'p>(
        &'p self,
        session: &Session,
        staging: &Staging<'_>,
    ) -> Vec<FileTask<'p>> {
        let task = |file: &PlannedFile| {
            let package = &self.current[file.deliverable];
            let header = header(session, file);
            let old = package
                .old_file(&file.path)
                .map(|record| (record, package.folder.join(&file.path)));
            FileTask {
                print: file.print,
                channel: file.channel,
                padding: header.padding(),
                header: header.to_bytes(),
                staged: staging.folder(&package.name).join(&file.path),
                old,
                frames: session.plan.print_clock(file.print).frames,
            }
        };
        session.plan.files.iter().map(task).collect()
    }

    /// Makes the folders that the files are written to.
    pub(super) fn create_folders(
        &self,
        session: &Session,
        staging: &Staging<'_>,
    ) -> Result<(), Failure> {
        for (index, package) in self.current.iter().enumerate() {
            let paths: Vec<&str> =
                session.plan.files_of(index).map(|(_, file)| file.path.as_str()).collect();
            staging.create(&package.name, &paths)?;
        }
        Ok(())
    }

    /// Publishes every package that is not what it should be.
    pub(super) fn publish(
        &self,
        project: &Project<'_>,
        session: &Session,
        digests: &[Vec<Key>],
        made: &PassOutput,
        proofs: Vec<PackageReport>,
        staging: &Staging<'_>,
    ) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::new(session.plan.programme().rate, false);
        for (index, (package, report)) in self.current.iter().zip(proofs).enumerate() {
            let publication =
                Publication { project, session, digests, made, index, package, report: &report };
            outcome.packages.push(publication.carry_out(staging)?);
        }
        Ok(outcome)
    }

    /// What a build would make of one file.
    pub(super) fn planned_file(
        &self,
        session: &Session,
        digests: &[Vec<Key>],
        keys: &[Vec<Key>],
        store: &Store,
        file: &PlannedFile,
    ) -> FileOutcome {
        let package = &self.current[file.deliverable];
        let segments = keys[file.print.0 as usize].iter();
        let segments: Vec<Key> = segments.map(|key| of_form(*key, file.channel)).collect();
        let header = header_key(session, file);
        let old = package.old_file(&file.path);
        if let Some(old) = old.filter(|old| old.segments == segments && old.header == header) {
            return FileOutcome::kept(&file.path, segments.len(), old.blake3);
        }
        let missing =
            (0..segments.len()).filter(|segment| store.find(segments[*segment]).is_none());
        let recipe = reason::recipe(&session.plan, file.print);
        let inputs = inputs(session, digests, file.deliverable);
        let inputs = table(&inputs);
        let now = Making {
            frames: session.plan.print_clock(file.print).frames,
            header,
            recipe: &recipe,
            inputs,
        };
        FileOutcome {
            path: file.path.clone(),
            built: true,
            segments_total: segments.len(),
            rendered: reason::ranges(missing),
            blake3: old.map_or(Key::SILENCE, |old| old.blake3),
            reasons: package.why(&file.path, &now),
        }
    }

    /// What the last build's checks of a package came to.
    pub(super) fn verdict(&self, index: usize) -> Verdict {
        self.current[index].was.as_ref().map_or(Verdict::Pass, |(record, _)| record.verdict)
    }

    /// Whether a build would publish a package anew.
    pub(super) fn is_stale(&self, session: &Session, digests: &[&[Key]], index: usize) -> bool {
        let Some((record, intact)) = self.current[index].in_place() else { return true };
        !intact.altered().is_empty() || record.made_from != made_from(session, index, digests)
    }
}

/// The files of a package that has no record: those its own checksum file names, if
/// it is one of ours (with all our documents) and every file is as it says.
fn whole_package(disk: &Disk, folder: &Path) -> Result<BTreeSet<String>, Failure> {
    let nothing = Ok(BTreeSet::new());
    let Some(bytes) = disk.read_if_any(&folder.join(CHECKSUMS))? else { return nothing };
    let lines = checksums::read(&String::from_utf8_lossy(&bytes)).unwrap_or_default();
    let listed = |name: &&str| lines.iter().any(|line| line.path == **name);
    if !DOCUMENTS.iter().all(listed) {
        return nothing;
    }
    for line in &lines {
        let path = folder.join(&line.path);
        let whole =
            disk.stamp(&path)?.is_some() && disk.blake3(&path)?.to_hex().as_str() == line.blake3;
        if !whole {
            return nothing;
        }
    }
    let names = lines.into_iter().map(|line| line.path);
    Ok(names.chain([CHECKSUMS.to_owned()]).collect())
}

/// Whether another manifest beside this one made the package that stands there.
fn is_of_sibling(project: &Project<'_>, package: &Package) -> Result<bool, Failure> {
    for state in project.state.siblings()? {
        let found = record::load(&project.context.disk, &state, &package.name, &mut |_| {})?;
        if found.is_some_and(|record| Path::new(&record.folder) == package.folder) {
            return Ok(true);
        }
    }
    Ok(false)
}
