//! A manifest opened for work: its lock, its state, its session audio.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::{Context, Request};
use crate::audio::reader;
use crate::diag::{Diagnostic, Diagnostics, Failure};
use crate::fsio::FileStamp;
use crate::key::Key;
use crate::manifest::delivery::{Delivery, InputId};
use crate::manifest::resolve::{ProbeError, Resolved, resolve};
use crate::manifest::{self};
use crate::plan::{Plan, build};
use crate::render::streams::InputFile;
use crate::state::StateFolder;
use crate::state::inputs::InputMemo;

/// Name of the memo of session audio in the state folder.
const INPUTS: &str = "inputs";

/// A project that this process has to itself until the value is dropped.
pub struct Project<'a> {
    /// Disk, progress, notices.
    pub context: &'a Context<'a>,
    /// What was asked for.
    pub request: &'a Request,
    /// `.rebounce/`.
    pub state: StateFolder,
    manifest: PathBuf,
    _lock: File,
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
    /// Every file that was read to know what is to be delivered.
    pub sources: Vec<PathBuf>,
    stamps: Vec<FileStamp>,
    memo: InputMemo,
    started_ns: i128,
}

impl<'a> Project<'a> {
    /// Takes the lock of the manifest's project.
    pub fn open(context: &'a Context<'a>, request: &'a Request) -> Result<Self, Failure> {
        let manifest = context.disk.canonical(&request.manifest);
        if context.disk.stamp(&manifest)?.is_none() {
            return Err(no_manifest(&request.manifest).into());
        }
        let state = StateFolder::beside(&context.disk, &manifest);
        state.create()?;
        let path = state.path("lock");
        let lock = context.disk.try_lock(&path)?.ok_or(Failure::Busy(path))?;
        Ok(Self { context, request, state, manifest, _lock: lock })
    }

    /// Reads the manifest and looks at its session audio.
    pub fn session(&self) -> Result<Session, Failure> {
        let started_ns = self.context.disk.now_ns(self.state.folder())?;
        let mut notice = |text: String| (self.context.notice)(&text);
        let memo: InputMemo = self.state.load(INPUTS, &mut notice)?.unwrap_or_default();
        let opened = read(self.context, self.request, &self.manifest, &memo)?;
        Ok(Session { memo, started_ns, ..opened })
    }
}

/// Reads the manifest and probes its session audio, without state and lock: for
/// commands that change nothing.
pub fn look(context: &Context<'_>, request: &Request) -> Result<Session, Failure> {
    let manifest = context.disk.canonical(&request.manifest);
    if context.disk.stamp(&manifest)?.is_none() {
        return Err(no_manifest(&request.manifest).into());
    }
    read(context, request, &manifest, &InputMemo::default())
}

fn no_manifest(path: &Path) -> Diagnostic {
    Diagnostic::error(format!("there is no {}", path.display()))
        .help("go to the folder of the project, or name the manifest with -f FILE")
}

fn read(
    context: &Context<'_>,
    request: &Request,
    path: &Path,
    memo: &InputMemo,
) -> Result<Session, Failure> {
    let disk = &context.disk;
    let raw = manifest::load(disk, path, &request.manifest)?;
    let text = raw.text().to_owned();
    let mut stamps: BTreeMap<PathBuf, FileStamp> = BTreeMap::new();
    let mut probe = |path: &Path| {
        let stamp = disk.stamp(path).map_err(ProbeError::Disk)?.ok_or(ProbeError::Missing)?;
        stamps.insert(path.to_owned(), stamp);
        match memo.get(path, &stamp) {
            Some(known) => Ok(known.info.clone()),
            None => reader::probe(disk.open(path).map_err(ProbeError::Disk)?).map_err(ProbeError::Audio),
        }
    };
    let Resolved { delivery, diagnostics, sources } =
        resolve(&raw, disk, &mut probe, &request.targets, request.keep_going);
    let delivery = match delivery {
        Some(delivery) if request.keep_going || !diagnostics.has_errors() => delivery,
        _ => return Err(diagnostics.into()),
    };
    let (problems, warnings) = diagnostics.split();
    if !warnings.is_empty() {
        (context.notice)(warnings.render(context.colour).trim_end());
    }
    let stamps = delivery.inputs.iter().map(|input| stamps[&input.path]).collect();
    let plan = build::plan(&delivery);
    Ok(Session {
        delivery,
        plan,
        manifest: text,
        problems,
        sources,
        stamps,
        memo: InputMemo::default(),
        started_ns: 0,
    })
}

impl Session {
    /// Session audio as the pass takes it, digests included where they are known.
    pub fn input_files(&self) -> Vec<InputFile<'_>> {
        let file = |(input, stamp): (&'_ crate::manifest::delivery::Input, &FileStamp)| {
            let known = self.memo.get(&input.path, stamp);
            (input.path.clone(), *stamp, known.map(|known| known.digests.as_slice()))
        };
        self.delivery
            .inputs
            .iter()
            .zip(&self.stamps)
            .map(|(input, stamp)| InputFile {
                path: &input.path,
                info: &input.info,
                stamp: *stamp,
                digests: file((input, stamp)).2,
            })
            .collect()
    }

    /// The digests of all session audio, if none has to be read for them.
    pub fn known_digests(&self) -> Option<Vec<&[Key]>> {
        self.input_files().into_iter().map(|file| file.digests).collect()
    }

    /// Notes the digests of everything that was read.
    pub fn remember(
        &mut self,
        project: &Project<'_>,
        digests: &[Vec<Key>],
    ) -> Result<(), Failure> {
        if self.known_digests().is_some() {
            return Ok(());
        }
        for (index, input) in self.delivery.inputs.iter().enumerate() {
            let stamp = self.stamps[index];
            let segments = self.plan.sample_rate.segments(input.info.frames);
            // An input that nothing asked for was not read and has no digests.
            if digests[index].len() == segments && self.memo.get(&input.path, &stamp).is_none() {
                let (info, digests) = (input.info.clone(), digests[index].clone());
                self.memo.remember(&input.path, stamp, self.started_ns, info, digests);
            }
        }
        Ok(project.state.save(INPUTS, &self.memo)?)
    }

    /// What a build renders, for the progress bar.
    pub fn what(&self) -> String {
        let packages = self.delivery.deliverables.len();
        format!("rendering {} files of {packages} packages", self.plan.files.len())
    }

    /// The inputs that the files of a deliverable hear, references included.
    pub fn heard_by(&self, deliverable: usize) -> Vec<InputId> {
        use crate::plan::op::Op;
        let prints = self.plan.files_of(deliverable).map(|(_, file)| self.plan.print(file.print).node);
        let references = self
            .plan
            .nulls
            .iter()
            .filter(|null| null.deliverable == deliverable)
            .filter_map(|null| null.reference.node());
        let mut heard: Vec<InputId> = prints
            .chain(references)
            .flat_map(|node| self.plan.ancestry(node))
            .filter_map(|node| match self.plan.graph[node].op {
                Op::Source { input, at_frame: _ } => Some(input),
                Op::Matrix { .. } | Op::Sum => None,
            })
            .collect();
        heard.sort();
        heard.dedup();
        heard
    }
}
