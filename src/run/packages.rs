//! The packages of a project: what they were, whether they still are, and how
//! they become what they should be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::leftovers::Leavings;
use super::outcome::{FileOutcome, Outcome, PackageOutcome};
use super::project::{Project, Session};
use crate::audio::wav::{Bext, WavHeader};
use crate::diag::{Diagnostic, Diagnostics, Failure};
use crate::fsio::Disk;
use crate::key::reason::{self, Making, Reason};
use crate::key::segment::{Digests, Keys};
use crate::key::{Key, KeyBuilder, RENDER_VERSION};
use crate::manifest::delivery::InputId;
use crate::package::checksums::{self, Checksum};
use crate::package::documents;
use crate::package::publish::{self, Staging};
use crate::plan::{Plan, PlannedFile};
use crate::qc::report::{PackageReport, Verdict};
use crate::render::pass::PassOutput;
use crate::render::writer::FileTask;
use crate::state::record::{self, CHECKSUMS, DocumentRecord, FactsRecord, FileRecord, Record};
use crate::state::store::{Intact, Store};

/// All packages of a manifest, as they are on disk.
pub(super) struct Packages {
    current: Vec<Package>,
    /// Packages that stand where nothing should.
    pub leavings: Leavings,
}

struct Package {
    name: String,
    /// Where it belongs.
    folder: PathBuf,
    /// What it was when it was published, and which of its files still are.
    was: Option<(Record, Intact)>,
}

impl Package {
    /// The record, if the package was published where it belongs now.
    fn in_place(&self) -> Option<(&Record, &Intact)> {
        let (record, intact) = self.was.as_ref()?;
        (Path::new(&record.folder) == self.folder).then_some((record, intact))
    }

    /// Why a file is not what it should be now.
    fn why(&self, path: &str, now: &Making<'_>) -> Vec<Reason> {
        let Some((record, intact)) = &self.was else { return vec![Reason::New] };
        let Some(old) = record.files.iter().find(|file| file.path == path) else {
            return vec![Reason::New];
        };
        if !intact.is_good(path) {
            return vec![Reason::Altered];
        }
        let inputs = table(&record.inputs);
        reason::compare(&Making { frames: old.frames, recipe: &old.recipe, inputs }, now)
    }

    /// An audio file as it was delivered, if it still is.
    fn old_file(&self, path: &str) -> Option<&FileRecord> {
        let (record, intact) = self.in_place()?;
        record.files.iter().find(|file| file.path == path && intact.is_good(path))
    }
}

/// Digests in a table, by input and segment.
struct Table<'a>(&'a [&'a [Key]]);

impl Digests for Table<'_> {
    fn digest(&self, input: InputId, segment: usize) -> Key {
        self.0[input.0 as usize].get(segment).copied().unwrap_or(Key::SILENCE)
    }
}

/// The keys of everything delivered and proven.
pub(super) struct AllKeys {
    /// `[print][segment]`.
    pub prints: Vec<Vec<Key>>,
    /// `[null test][segment]`.
    pub nulls: Vec<Vec<Key>>,
}

impl AllKeys {
    /// For known digests of all inputs.
    pub(super) fn compute(plan: &Plan, digests: &[&[Key]]) -> Self {
        let keys = Keys::new(plan);
        let mut all = Self {
            prints: vec![Vec::new(); plan.prints.len()],
            nulls: vec![Vec::new(); plan.nulls.len()],
        };
        for segment in 0..plan.segments() {
            let here = keys.segment(&Table(digests), segment);
            for id in plan.print_ids() {
                all.prints[id.0 as usize].push(here.print(id));
            }
            for (null, list) in plan.nulls.iter().zip(&mut all.nulls) {
                list.push(keys.null(null, &here));
            }
        }
        all
    }

    /// As a pass found them.
    pub(super) fn of(made: &PassOutput) -> Self {
        Self {
            prints: made.prints.iter().map(|print| print.segments.clone()).collect(),
            nulls: made.nulls.iter().map(|null| null.iter().map(|(k, _)| *k).collect()).collect(),
        }
    }
}

/// The bytes before the samples of a file.
pub(super) fn header(session: &Session, file: &PlannedFile) -> WavHeader {
    let (delivery, plan) = (&session.delivery, &session.plan);
    let spec = &delivery.deliverables[file.deliverable].spec;
    let print = plan.print(file.print);
    let bext = spec.bext.then(|| {
        let name = delivery.content_name(file.content);
        let title = &delivery.project.title;
        let mode = print.layout.name();
        Bext {
            description: if title.is_empty() {
                name.to_owned()
            } else {
                format!("{title} - {name}")
            },
            originator: "rebounce".to_owned(),
            time_reference: delivery.programme.time_reference(),
            coding_history: format!(
                "A=PCM,F={},W={},M={mode},T=rebounce\r\n",
                plan.sample_rate.hz(),
                print.encoding.bits()
            ),
        }
    });
    WavHeader {
        sample_rate: plan.sample_rate,
        layout: print.layout,
        encoding: print.encoding,
        frames: plan.frames,
        bext,
    }
}

/// Stands for everything that the documents of a package are made from.
fn documents_key(session: &Session, deliverable: usize, keys: &AllKeys) -> Key {
    let mut key = KeyBuilder::new("documents");
    key.text(env!("CARGO_PKG_VERSION")).number(u64::from(RENDER_VERSION));
    key.text(&session.manifest);
    key.text(&format!("{:?}", session.delivery.deliverables[deliverable].spec));
    for input in &session.delivery.inputs {
        key.text(&format!("{:?}", input.info));
    }
    for (_, file) in session.plan.files_of(deliverable) {
        key.text(&file.path);
        key.keys(&keys.prints[file.print.0 as usize]);
    }
    let nulls = session.plan.nulls.iter().zip(&keys.nulls);
    for (_, list) in nulls.filter(|(null, _)| null.deliverable == deliverable) {
        key.keys(list);
    }
    key.finish()
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

    /// A folder that holds files of somebody else is not replaced.
    pub(super) fn refuse_foreign(&self, session: &Session, disk: &Disk) -> Result<(), Failure> {
        let mut problems = Diagnostics::default();
        for (package, deliverable) in self.current.iter().zip(&session.delivery.deliverables) {
            let ours: BTreeSet<String> = match package.in_place() {
                Some((record, _)) => record.entries().map(|(path, ..)| path.to_owned()).collect(),
                None => listed(disk, &package.folder)?,
            };
            let foreign = publish::foreign(disk, &package.folder, &ours)?;
            if let [first, rest @ ..] = foreign.as_slice() {
                let more = match rest.len() {
                    0 => String::new(),
                    n => format!(" and {n} more"),
                };
                problems.push(
                    Diagnostic::error(format!(
                        "{} holds files that rebounce did not make: {first}{more}",
                        package.folder.display()
                    ))
                    .at(&deliverable.span, "this package would replace the folder")
                    .help("move them elsewhere, or deliver to another folder with `output:`"),
                );
            }
        }
        if problems.has_errors() { Err(problems.into()) } else { Ok(()) }
    }

    /// The outcome, if every package is what a build would make of it.
    pub(super) fn up_to_date(&self, session: &Session) -> Option<Outcome> {
        let digests = session.known_digests()?;
        let keys = AllKeys::compute(&session.plan, &digests);
        let mut outcome = Outcome::new(session.plan.sample_rate, false);
        for (index, package) in self.current.iter().enumerate() {
            let (record, intact) = package.in_place()?;
            let mut files = Vec::new();
            for (_, file) in session.plan.files_of(index) {
                let old = package.old_file(&file.path)?;
                let segments = &keys.prints[file.print.0 as usize];
                let header = Key(*blake3::hash(&header(session, file).to_bytes()).as_bytes());
                if old.segments != *segments || old.header != header {
                    return None;
                }
                files.push(FileOutcome::kept(&file.path, segments.len(), old.blake3));
            }
            let same = intact.altered().is_empty()
                && files.len() == record.files.len()
                && record.documents_key == documents_key(session, index, &keys);
            if !same {
                return None;
            }
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
                record.stamp_all(&project.context.disk)?;
                record::confirm(&project.state, &package.name, record)?;
            }
        }
        Ok(())
    }

    /// Everything that can be taken from what was delivered before, at whatever place.
    pub(super) fn store(&self, project: &Project<'_>, session: &Session) -> Result<Store, Failure> {
        let context = project.context;
        let mut store = Store::default();
        let per_segment = session.plan.sample_rate.frames_per_segment();
        let mut notice = |text: String| (context.notice)(&text);
        for (record, intact) in self.current.iter().filter_map(Package::in_place) {
            store.add(record, &|path| intact.is_good(path), per_segment);
        }
        for record in self.leavings.records() {
            let intact = Intact::check(&context.disk, record)?;
            store.add(record, &|path| intact.is_good(path), per_segment);
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
                padding: header.padding(),
                header: header.to_bytes(),
                staged: staging.folder(&package.name).join(&file.path),
                old,
                frames: session.plan.frames,
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
        let keys = AllKeys::of(made);
        let mut outcome = Outcome::new(session.plan.sample_rate, false);
        for (index, (package, report)) in self.current.iter().zip(proofs).enumerate() {
            let publication =
                Publication { project, session, digests, made, index, package, report: &report };
            outcome.packages.push(publication.carry_out(&keys, staging)?);
        }
        Ok(outcome)
    }

    /// What a build would make of one file.
    pub(super) fn planned_file(
        &self,
        session: &Session,
        digests: &[Vec<Key>],
        keys: &AllKeys,
        store: &Store,
        file: &PlannedFile,
    ) -> FileOutcome {
        let package = &self.current[file.deliverable];
        let segments = &keys.prints[file.print.0 as usize];
        let header = Key(*blake3::hash(&header(session, file).to_bytes()).as_bytes());
        let old = package.old_file(&file.path);
        if let Some(old) = old.filter(|old| old.segments == *segments && old.header == header) {
            return FileOutcome::kept(&file.path, segments.len(), old.blake3);
        }
        let missing =
            (0..segments.len()).filter(|segment| store.find(segments[*segment]).is_none());
        let recipe = reason::recipe(&session.plan, file.print);
        let inputs = inputs(session, digests, file.deliverable);
        let now = Making { frames: session.plan.frames, recipe: &recipe, inputs: table(&inputs) };
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
    pub(super) fn is_stale(
        &self,
        session: &Session,
        keys: &AllKeys,
        index: usize,
        files: &[FileOutcome],
    ) -> bool {
        let Some((record, intact)) = self.current[index].in_place() else { return true };
        !intact.altered().is_empty()
            || files.iter().any(|file| file.built)
            || files.len() != record.files.len()
            || record.documents_key != documents_key(session, index, keys)
    }
}

/// The files that a package's own checksum file names, and the checksum file: what
/// is known of a folder that has no record.
fn listed(disk: &Disk, folder: &Path) -> Result<BTreeSet<String>, Failure> {
    let Some(bytes) = disk.read_if_any(&folder.join(CHECKSUMS))? else {
        return Ok(BTreeSet::new());
    };
    let lines = checksums::read(&String::from_utf8_lossy(&bytes)).unwrap_or_default();
    let names = lines.into_iter().map(|line| line.path);
    Ok(names.chain([CHECKSUMS.to_owned()]).collect())
}

/// One package on its way to its place.
struct Publication<'a> {
    project: &'a Project<'a>,
    session: &'a Session,
    digests: &'a [Vec<Key>],
    made: &'a PassOutput,
    index: usize,
    package: &'a Package,
    report: &'a PackageReport,
}

impl Publication<'_> {
    fn carry_out(&self, keys: &AllKeys, staging: &Staging<'_>) -> Result<PackageOutcome, Failure> {
        let mut papers = documents(self.report);
        let files = self.file_records();
        papers.push((CHECKSUMS.to_owned(), self.checksums(&files, &papers).into_bytes()));
        let mut record = Record {
            folder: self.package.folder.to_string_lossy().into_owned(),
            documents_key: documents_key(self.session, self.index, keys),
            verdict: self.report.verdict(),
            documents: papers
                .iter()
                .map(|(path, bytes)| DocumentRecord {
                    path: path.clone(),
                    stamp: None,
                    blake3: Key(*blake3::hash(bytes).as_bytes()),
                })
                .collect(),
            inputs: inputs(self.session, self.digests, self.index),
            files,
        };
        let state = &self.project.state;
        let published = !self.is_in_place(&record);
        if published {
            record::save_facts(state, &self.package.name, &self.facts())?;
            self.stage(staging, &papers)?;
            record::prepare(state, &self.package.name, &record)?;
            staging.publish(&self.package.name, &self.package.folder)?;
        }
        record.stamp_all(&self.project.context.disk)?;
        record::confirm(state, &self.package.name, &record)?;
        Ok(PackageOutcome {
            name: self.package.name.clone(),
            path: self.package.folder.clone(),
            verdict: record.verdict,
            files: self.outcomes(&record),
            published,
            lines: self.report.summary(),
        })
    }

    fn planned(&self) -> impl Iterator<Item = (usize, &PlannedFile)> {
        self.session.plan.files_of(self.index)
    }

    fn file_records(&self) -> Vec<FileRecord> {
        let plan = &self.session.plan;
        self.planned()
            .map(|(index, file)| {
                let made = &self.made.prints[file.print.0 as usize];
                let header = header(self.session, file);
                let bytes = header.to_bytes();
                FileRecord {
                    path: file.path.clone(),
                    stamp: None,
                    blake3: self.made.files[index].blake3,
                    header: Key(*blake3::hash(&bytes).as_bytes()),
                    header_bytes: bytes.len() as u64,
                    frame_bytes: header.frame_bytes() as u32,
                    frames: plan.frames,
                    segments: made.segments.clone(),
                    overs: made.overs.clone(),
                    recipe: reason::recipe(plan, file.print),
                }
            })
            .collect()
    }

    fn checksums(&self, files: &[FileRecord], papers: &[(String, Vec<u8>)]) -> String {
        let line = |path: &String, blake3| Checksum { path: path.clone(), blake3 };
        let audio = files.iter().map(|file| line(&file.path, file.blake3.hex()));
        let papers =
            papers.iter().map(|(path, bytes)| line(path, blake3::hash(bytes).to_hex().to_string()));
        checksums::write(&audio.chain(papers).collect::<Vec<_>>())
    }

    fn facts(&self) -> FactsRecord {
        let prints: BTreeSet<_> = self.planned().map(|(_, file)| file.print).collect();
        let nulls = self.session.plan.nulls.iter().zip(&self.made.nulls);
        FactsRecord {
            segments: prints
                .into_iter()
                .flat_map(|print| self.made.prints[print.0 as usize].facts.clone())
                .collect(),
            nulls: nulls
                .filter(|(null, _)| null.deliverable == self.index)
                .flat_map(|(_, facts)| facts.clone())
                .collect(),
        }
    }

    /// Whether the folder already holds exactly this.
    fn is_in_place(&self, record: &Record) -> bool {
        let Some((old, intact)) = self.package.in_place() else { return false };
        let entries = |record: &Record| {
            record
                .entries()
                .map(|(path, _, hash)| (path.to_owned(), hash))
                .collect::<BTreeMap<_, _>>()
        };
        intact.altered().is_empty() && entries(old) == entries(record)
    }

    /// Completes the staging folder: files that did not change, and documents.
    fn stage(&self, staging: &Staging<'_>, papers: &[(String, Vec<u8>)]) -> Result<(), Failure> {
        let disk = &self.project.context.disk;
        let folder = staging.folder(&self.package.name);
        for (index, file) in self.planned() {
            if !self.made.files[index].rewritten {
                let from = self.package.folder.join(&file.path);
                disk.link_or_copy(&from, &folder.join(&file.path))?;
            }
        }
        for (path, bytes) in papers {
            let mut out = disk.create(&folder.join(path))?;
            out.write(bytes)?;
            out.finish()?;
        }
        Ok(())
    }

    fn outcomes(&self, record: &Record) -> Vec<FileOutcome> {
        self.planned()
            .zip(&record.files)
            .map(|((index, file), now)| FileOutcome {
                path: file.path.clone(),
                built: self.made.files[index].rewritten,
                segments_total: now.segments.len(),
                rendered: reason::ranges(
                    self.made.prints[file.print.0 as usize].rendered.iter().copied(),
                ),
                blake3: now.blake3,
                reasons: self.reasons(index, now),
            })
            .collect()
    }

    fn reasons(&self, index: usize, now: &FileRecord) -> Vec<Reason> {
        if !self.made.files[index].rewritten {
            return Vec::new();
        }
        let inputs = inputs(self.session, self.digests, self.index);
        let making = Making { frames: now.frames, recipe: &now.recipe, inputs: table(&inputs) };
        self.package.why(&now.path, &making)
    }
}

/// The session audio that a package hears: paths as shown, digests by segment.
fn inputs(session: &Session, digests: &[Vec<Key>], deliverable: usize) -> Vec<(String, Vec<Key>)> {
    let one =
        |id: InputId| (session.delivery.input(id).shown.clone(), digests[id.0 as usize].clone());
    session.heard_by(deliverable).into_iter().map(one).collect()
}

fn table(inputs: &[(String, Vec<Key>)]) -> BTreeMap<&str, &[Key]> {
    inputs.iter().map(|(shown, keys)| (shown.as_str(), keys.as_slice())).collect()
}
