//! A manifest opened for work: its lock, its state, its session audio.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Context, Request};
use crate::audio::{AudioError, reader};
use crate::diag::{Diagnostic, Diagnostics, Failure};
use crate::external::operator::External;
use crate::fsio::{Disk, DiskError, File, FileStamp};
use crate::key::Key;
use crate::manifest::delivery::{Delivery, Input, InputId};
use crate::manifest::process::RawStep;
use crate::manifest::{Loaded, load, output_root, resolve};
use crate::plan::{NodeId, Plan, build};
use crate::render::outside::Outside;
use crate::render::streams::InputFile;
use crate::state::StateFolder;
use crate::state::inputs::InputMemo;
use crate::state::outside::OutsideMemo;
use crate::yaml::record::At;

/// Name of the memo of session audio in the state folder.
const INPUTS: &str = "inputs";

/// Name of the memo of programs and plug-ins there.
const OUTSIDE: &str = "outside";

/// A project that this process has to itself until the value is dropped.
pub(super) struct Project<'a> {
    /// Disk, progress, notices.
    pub context: &'a Context<'a>,
    /// What was asked for.
    pub request: &'a Request,
    /// `.rebounce/`.
    pub state: StateFolder,
    /// Held while the project is; none if it is only read.
    lock: Option<File>,
}

/// What the manifest and the headers of its session audio say at one moment.
pub struct Session {
    /// What is to be delivered.
    pub delivery: Delivery,
    /// How.
    pub plan: Plan,
    /// The text of the manifest.
    pub manifest: String,
    /// Problems that `-k` lets pass: they end the run with status 2 after all.
    pub problems: Diagnostics,
    /// Names of all deliverables that can be built, asked for or not.
    pub deliverables: Vec<String>,
    /// Digests that were taken in this build, by input.
    learned: Vec<Option<Vec<Key>>>,
    stamps: Vec<FileStamp>,
    memo: InputMemo,
    started_ns: i128,
}

impl<'a> Project<'a> {
    /// Takes the lock of the manifest's project.
    pub(super) fn open(context: &'a Context<'a>, request: &'a Request) -> Result<Self, Failure> {
        let mut project = Self::unlocked(context, request)?;
        project.state.create()?;
        let path = project.state.path("lock");
        project.lock = Some(context.disk.try_lock(&path)?.ok_or(Failure::Busy(path))?);
        Ok(project)
    }

    /// The same for a command that only reads: where no lock can be written, such
    /// as in an archive, it goes without.
    pub(super) fn open_to_read(
        context: &'a Context<'a>,
        request: &'a Request,
    ) -> Result<Self, Failure> {
        match Self::open(context, request) {
            Err(Failure::Machine(_)) => Self::unlocked(context, request),
            opened => opened,
        }
    }

    /// The same for a command that leaves nothing behind, not even a lock, where
    /// nothing was ever built.
    pub(super) fn open_if_any(
        context: &'a Context<'a>,
        request: &'a Request,
    ) -> Result<Self, Failure> {
        let project = Self::unlocked(context, request)?;
        if context.disk.is_folder(project.state.folder()) {
            return Self::open_to_read(context, request);
        }
        Ok(project)
    }

    fn unlocked(context: &'a Context<'a>, request: &'a Request) -> Result<Self, Failure> {
        let manifest = context.disk.canonical(&request.manifest);
        if context.disk.stamp(&manifest)?.is_none() {
            return Err(no_manifest(&request.manifest).into());
        }
        let state = StateFolder::beside(&context.disk, &manifest);
        Ok(Self { context, request, state, lock: None })
    }

    /// Whether nobody else works on it, so that something may be remembered.
    pub(super) fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// Reads the manifest and looks at its session audio.
    pub(super) fn session(&self) -> Result<Session, Failure> {
        // What is read without the lock is not remembered.
        let started_ns = match self.lock {
            Some(_) => self.context.disk.now_ns(self.state.folder())?,
            None => 0,
        };
        let mut notice = |text: String| (self.context.notice)(&text);
        let memo = self.state.load(INPUTS, &mut notice)?.unwrap_or_default();
        read(self.context, self.request, memo, started_ns)
    }
}

impl Project<'_> {
    /// What is known of programs and plug-ins.
    pub(super) fn outside_memo(&self) -> Result<OutsideMemo, Failure> {
        let mut notice = |text: String| (self.context.notice)(&text);
        Ok(self.state.load(OUTSIDE, &mut notice)?.unwrap_or_default())
    }

    /// Programs and plug-ins at work: in `folder`, or not at all where there is none.
    pub(super) fn outside(&self, folder: Option<PathBuf>) -> Result<Outside<'_>, Failure> {
        let (disk, rebounce) = (&self.context.disk, &*self.context.rebounce);
        Ok(Outside::new(disk, rebounce, folder, self.outside_memo()?))
    }

    /// Remembers what they made. A build of everything forgets what nothing uses.
    pub(super) fn remember_outside(&self, outside: Outside<'_>, all: bool) -> Result<(), Failure> {
        let Outside { mut memo, used, .. } = outside;
        if all && self.request.targets.is_empty() {
            memo.made.retain(|recipe, _| used.contains(recipe));
            memo.proven.retain(|operator| used.contains(operator));
        }
        if memo != self.outside_memo()? {
            self.state.save(OUTSIDE, &memo)?;
        }
        Ok(())
    }
}

/// Reads the manifest and probes its session audio, without state and lock: for
/// commands that change nothing.
pub fn look(context: &Context<'_>, request: &Request) -> Result<Session, Failure> {
    if context.disk.stamp(&request.manifest)?.is_none() {
        return Err(no_manifest(&request.manifest).into());
    }
    read(context, request, InputMemo::default(), 0)
}

/// The files whose change asks for another build: the manifest, house specs and
/// session audio. Where something is wrong with them, also the `last` that were
/// watched and what the manifest names, there or not: any of it may be the mend.
pub fn watched(context: &Context<'_>, request: &Request, last: Vec<PathBuf>) -> Vec<PathBuf> {
    let disk = &context.disk;
    let silent = Context {
        notice: &|_| {},
        disk: disk.clone(),
        rebounce: context.rebounce.clone(),
        ..*context
    };
    let mut files = vec![disk.canonical(&request.manifest)];
    let seen = look(&silent, request);
    if let Ok(session) = &seen {
        files.extend(session.delivery.inputs.iter().map(|input| input.path.clone()));
        files.extend(session.delivery.spec_files.iter().cloned());
        files.extend(session.delivery.outside_files().map(Path::to_path_buf));
    }
    // With `-k` a session may lack what something is wrong with.
    if seen.is_ok_and(|session| !session.problems.has_errors()) {
        files.sort();
        files.dedup();
        return files;
    }
    files.extend(last);
    files.extend(named(disk, &request.manifest));
    files.sort();
    files.dedup();
    files
}

/// Where the files that a manifest names belong: session audio, references, house
/// specs. Nothing of one that cannot be read.
fn named(disk: &Disk, manifest: &Path) -> Vec<PathBuf> {
    let Ok(Loaded { manifest, path, .. }) = load(disk, manifest) else { return Vec::new() };
    let home = path.parent().unwrap_or(&path);
    let audio = manifest.session.and_then(|session| session.audio);
    let audio = audio.map_or(home.to_path_buf(), |folder| home.join(folder.value));
    let mut found = Vec::new();
    for track in manifest.tracks.0.into_iter().filter_map(|entry| entry.body) {
        let many = track.files.into_iter().flat_map(|files| files.0);
        let all = track.file.into_iter().chain(many.filter_map(|entry| entry.body));
        found.extend(all.map(|file| audio.join(file.value)));
    }
    let mixes = manifest.mixes.0.into_iter().filter_map(|entry| entry.body);
    let stems = manifest.stems.0.into_iter().filter_map(|entry| entry.body);
    let mut steps: Vec<At<RawStep>> = stems.filter_map(|stem| stem.process).flatten().collect();
    for mix in mixes {
        steps.extend(mix.process.into_iter().flatten());
        if let Some(print) = mix.reference {
            found.extend([audio.join(&print.file.value), home.join(print.file.value)]);
        }
    }
    for step in steps {
        let RawStep { command, clap, .. } = step.value;
        let inputs = command.into_iter().flat_map(|command| command.value.inputs.0);
        let plugin = clap.into_iter().flat_map(|clap| [Some(clap.value.file), clap.value.state]);
        let all = inputs.filter_map(|entry| entry.body).chain(plugin.flatten());
        found.extend(all.map(|file| home.join(file.value)));
    }
    let packages = manifest.deliverables.0.into_iter().filter_map(|entry| entry.body);
    let specs = packages.map(|package| home.join(package.spec.value));
    found.extend(specs.filter(|spec| spec.extension().is_some()));
    found.iter().map(|path| disk.canonical(path)).collect()
}

/// The names of the deliverables that a manifest names, each with its folder.
/// Session audio need not be there; nothing of a manifest that cannot be read.
pub(super) fn places(disk: &Disk, manifest: &Path) -> Vec<(String, PathBuf)> {
    let Ok(Loaded { manifest, path, .. }) = load(disk, manifest) else { return Vec::new() };
    let root = output_root(&manifest, path.parent().unwrap_or(&path), disk);
    let names = manifest.deliverables.0.into_iter().map(|entry| entry.name);
    names.map(|name| (name.clone(), root.join(name))).collect()
}

fn no_manifest(path: &Path) -> Diagnostic {
    Diagnostic::error(format!("there is no {}", path.display()))
        .help("go to the folder of the project, or name the manifest with -f FILE")
}

fn read(
    context: &Context<'_>,
    request: &Request,
    memo: InputMemo,
    started_ns: i128,
) -> Result<Session, Failure> {
    let disk = &context.disk;
    let loaded = load(disk, &request.manifest)?;
    let manifest = loaded.source.text.clone();
    let mut stamps: BTreeMap<PathBuf, FileStamp> = BTreeMap::new();
    let mut probe = |path: &Path| {
        let refused = |error: DiskError| AudioError::Io(error.source);
        let missing = || AudioError::Io(ErrorKind::NotFound.into());
        let stamp = disk.stamp(path).map_err(refused)?.ok_or_else(missing)?;
        stamps.insert(path.to_owned(), stamp);
        match memo.get(path, &stamp) {
            Some(known) => Ok(known.info.clone()),
            None => reader::probe(disk.open(path).map_err(refused)?),
        }
    };
    let (delivery, found) = resolve(loaded, disk, &mut probe, request.keep_going);
    let Some(mut delivery) = delivery else { return Err(found.into()) };
    let (problems, warnings) = found.split();
    if !warnings.is_empty() {
        (context.notice)(warnings.render(context.colour).trim_end());
    }
    let deliverables = delivery.deliverables.iter().map(|package| package.name.clone()).collect();
    only(&request.targets, &mut delivery)?;
    let stamps = delivery.inputs.iter().map(|input| stamps[&input.path]).collect();
    let plan = build::plan(&delivery);
    let learned = vec![None; delivery.inputs.len()];
    Ok(Session {
        delivery,
        plan,
        manifest,
        problems,
        deliverables,
        learned,
        stamps,
        memo,
        started_ns,
    })
}

/// Leaves the deliverables that are asked for.
fn only(targets: &[String], delivery: &mut Delivery) -> Result<(), Failure> {
    let packages = &mut delivery.deliverables;
    for target in targets {
        if !packages.iter().any(|package| package.name == *target) {
            let names = packages.iter().map(|package| package.name.as_str());
            return Err(Diagnostic::error(format!("there is no deliverable `{target}`"))
                .did_you_mean(target, names)
                .into());
        }
    }
    packages.retain(|package| targets.is_empty() || targets.contains(&package.name));
    Ok(())
}

impl Session {
    /// Session audio as the pass takes it, digests included where they are known.
    pub(super) fn input_files(&self) -> Vec<InputFile<'_>> {
        let files = self.delivery.inputs.iter().zip(&self.stamps).zip(&self.learned);
        files
            .map(|((input, stamp), learned)| InputFile {
                path: Cow::Borrowed(&input.path),
                info: Cow::Borrowed(&input.info),
                stamp: Some(*stamp),
                digests: match self.memo.get(&input.path, stamp) {
                    Some(known) => Some(Cow::Borrowed(&known.digests)),
                    None => learned.as_deref().map(Cow::Borrowed),
                },
            })
            .collect()
    }

    /// The digests of all session audio that is heard, by input, if none has to
    /// be read for them.
    pub(super) fn known_digests<'a>(&'a self) -> Option<Vec<&'a [Key]>> {
        let heard = self.plan.sources();
        let files = self.delivery.inputs.iter().zip(&self.stamps).zip(&self.learned).enumerate();
        let heard_or_none = |(index, ((input, stamp), learned)): (usize, _)| {
            let (input, learned): (&'a Input, &'a Option<Vec<Key>>) = (input, learned);
            let known = self.memo.get(&input.path, stamp).map(|known| &known.digests);
            match known.or(learned.as_ref()) {
                None if !heard.contains(&InputId(index as u32)) => Some(&[][..]),
                known => known.map(Vec::as_slice),
            }
        };
        files.map(heard_or_none).collect()
    }

    /// Keeps the digests of what was read whole, for the rest of this build.
    pub(super) fn learn(&mut self, digests: &[Vec<Key>]) {
        for (index, input) in self.delivery.inputs.iter().enumerate() {
            if digests[index].len() == input.info.segments() {
                self.learned[index] = Some(digests[index].clone());
            }
        }
    }

    /// Notes the digests of everything that was read.
    pub(super) fn remember(
        &self,
        project: &Project<'_>,
        digests: &[Vec<Key>],
    ) -> Result<(), Failure> {
        if project.lock.is_none() {
            return Ok(());
        }
        let (mut memo, mut new) = (self.memo.clone(), false);
        for (index, input) in self.delivery.inputs.iter().enumerate() {
            let stamp = self.stamps[index];
            let segments = input.info.segments();
            // An input that nothing asked for was not read and has no digests.
            if digests[index].len() == segments && memo.get(&input.path, &stamp).is_none() {
                let (info, digests) = (input.info.clone(), digests[index].clone());
                memo.remember(&input.path, stamp, self.started_ns, info, digests);
                new = true;
            }
        }
        if !new {
            return Ok(());
        }
        memo.keep_only(self.delivery.inputs.iter().map(|input| input.path.as_path()));
        Ok(project.state.save(INPUTS, &memo)?)
    }

    /// Where the deliverables of the manifest belong, asked for or not.
    pub(super) fn places(&self) -> Vec<PathBuf> {
        self.deliverables.iter().map(|name| self.delivery.output_root.join(name)).collect()
    }

    /// Whether a deliverable of the manifest, asked for or not, belongs in `folder`.
    pub(super) fn is_place(&self, folder: &Path) -> bool {
        let root = &self.delivery.output_root;
        // With problems that `-k` lets pass, not all names are known.
        let unknown = self.problems.has_errors() && folder.parent() == Some(root);
        unknown || self.places().iter().any(|place| place == folder)
    }

    /// Goes on without some deliverables.
    pub(super) fn leave_out(&mut self, names: &[String]) {
        self.delivery.deliverables.retain(|package| !names.contains(&package.name));
        self.plan = build::plan(&self.delivery);
    }

    /// The programs and plug-ins that decide what the files of a deliverable hold.
    pub(super) fn outside_of(&self, deliverable: usize) -> Vec<&External> {
        let nodes = self.heard_nodes(deliverable).into_iter();
        nodes.filter_map(|node| self.plan.graph[node].op.external()).collect()
    }

    /// The names of the deliverables that hear a node.
    pub(super) fn that_hear(&self, node: NodeId) -> Vec<String> {
        let hears = |deliverable: usize| {
            let mut files = self.plan.files_of(deliverable);
            files.any(|(_, file)| {
                self.plan.ancestry(self.plan.print(file.print).node).contains(&node)
            })
        };
        let names = self.delivery.deliverables.iter().enumerate();
        names.filter(|(index, _)| hears(*index)).map(|(_, one)| one.name.clone()).collect()
    }

    /// What a build renders, for the progress bar.
    pub(super) fn what(&self) -> String {
        let packages = self.delivery.deliverables.len();
        format!("rendering {} files of {packages} packages", self.plan.files.len())
    }

    /// The inputs that the files of a deliverable hear, references included.
    pub(super) fn heard_by(&self, deliverable: usize) -> Vec<InputId> {
        let nodes = self.heard_nodes(deliverable).into_iter();
        let inputs: BTreeSet<InputId> =
            nodes.filter_map(|node| self.plan.graph[node].op.input()).collect();
        inputs.into_iter().collect()
    }

    /// All that the files of a deliverable are made from, references included.
    fn heard_nodes(&self, deliverable: usize) -> BTreeSet<NodeId> {
        let prints =
            self.plan.files_of(deliverable).map(|(_, file)| self.plan.print(file.print).node);
        let references = self
            .plan
            .nulls
            .iter()
            .filter(|null| null.deliverable == deliverable)
            .filter_map(|null| null.reference.node());
        // What a gain follows from is as good as heard.
        let counted = self.plan.gains.iter().flat_map(|gain| &gain.measured);
        prints
            .chain(references)
            .chain(counted.map(|signal| signal.node))
            .flat_map(|node| self.plan.ancestry(node))
            .collect()
    }
}
