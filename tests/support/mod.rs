//! A project in a temporary folder, and builds of it: what the tests of the whole
//! pipeline share.

#![allow(dead_code, unreachable_pub, reason = "each test uses its part of this")]

pub mod chance;
pub mod model;
pub mod random;
pub mod sound;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rebounce::diag::Failure;
use rebounce::fsio::{Disk, Gate};
use rebounce::progress::Silent;
use rebounce::run::outcome::Outcome;
use rebounce::run::{Context, Request};

/// The lowest rate there is, so that seconds are cheap.
pub const RATE: u32 = 8_000;
pub const SECOND: usize = RATE as usize;

/// Contents of files by their path, with `/`.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// Rendered segments by `deliverable/path`, only of files of which any were.
pub type RenderedSegments = BTreeMap<String, Vec<usize>>;

/// A folder with a manifest, house specs and session audio.
pub struct Project {
    _temporary: tempfile::TempDir,
    folder: PathBuf,
}

impl Project {
    pub fn new() -> Self {
        // In memory where that can be had: what is tested does not depend on it,
        // and making things durable costs nothing there.
        let memory = Path::new("/dev/shm");
        let temporary = match tempfile::tempdir_in(memory) {
            Ok(folder) => folder,
            Err(_) => tempfile::tempdir().unwrap(),
        };
        let folder = fs::canonicalize(temporary.path()).unwrap();
        fs::create_dir(folder.join("session")).unwrap();
        Self { _temporary: temporary, folder }
    }

    /// A project with this manifest and session audio.
    pub fn with(manifest: &str, audio: &[(&str, &sound::Sound)]) -> Self {
        let project = Self::new();
        project.manifest(manifest);
        audio.iter().for_each(|(name, sound)| project.audio(name, &sound.wav()));
        project
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file, unless it holds just that.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        if fs::read(&path).is_ok_and(|old| old == bytes.as_ref()) {
            return;
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn manifest(&self, text: &str) {
        self.write("deliverables.yaml", text);
    }

    pub fn audio(&self, name: &str, bytes: &[u8]) {
        self.write(&format!("session/{name}"), bytes);
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn request(&self) -> Request {
        let manifest = self.path("deliverables.yaml");
        Request { manifest, targets: Vec::new(), keep_going: false }
    }

    /// A build on `disk`; notices are collected.
    pub fn try_build(&self, disk: Disk) -> (Result<Outcome, Failure>, Vec<String>) {
        let notices = Mutex::new(Vec::new());
        let notice = |text: &str| notices.lock().unwrap().push(text.to_owned());
        let context = Context {
            disk,
            progress: &Silent,
            notice: &notice,
            colour: false,
            rebounce: env!("CARGO_BIN_EXE_rebounce").into(),
        };
        let outcome = rebounce::run::build(&context, &self.request());
        (outcome, notices.into_inner().unwrap())
    }

    /// A build that works.
    pub fn build(&self) -> Outcome {
        let (outcome, _) = self.try_build(Disk::new());
        outcome.unwrap_or_else(|failure| panic!("{}", failure.render(false)))
    }

    /// What a build would do.
    pub fn explain(&self) -> Outcome {
        let context = Context {
            disk: Disk::new(),
            progress: &Silent,
            notice: &|_| {},
            colour: false,
            rebounce: env!("CARGO_BIN_EXE_rebounce").into(),
        };
        let outcome = rebounce::run::explain::explain(&context, &self.request());
        outcome.unwrap_or_else(|failure| panic!("{}", failure.render(false)))
    }

    /// Everything in the folder that a build made: all but the session audio, the
    /// manifest, house specs and `.rebounce`.
    pub fn outputs(&self) -> Tree {
        let mut tree = self.files();
        tree.retain(|path, _| !is_input(path) && !path.starts_with(".rebounce/"));
        tree
    }

    /// Session audio, manifest and house specs.
    pub fn inputs(&self) -> Tree {
        let mut tree = self.files();
        tree.retain(|path, _| is_input(path));
        tree
    }

    fn files(&self) -> Tree {
        let mut tree = Tree::new();
        let mut open = vec![self.folder.clone()];
        while let Some(folder) = open.pop() {
            let entries: Vec<PathBuf> =
                fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
            // An empty folder is something too, if rebounce left it behind.
            if entries.is_empty() {
                tree.insert(format!("{}/", self.relative(&folder)), Vec::new());
            }
            for path in entries {
                if path.is_dir() {
                    open.push(path);
                } else {
                    tree.insert(self.relative(&path), fs::read(&path).unwrap());
                }
            }
        }
        tree
    }

    fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.folder).unwrap().to_string_lossy().replace('\\', "/")
    }

    /// The same inputs in a fresh folder, built there once.
    pub fn clean_build(&self) -> Tree {
        let fresh = Self::new();
        for (path, bytes) in self.inputs() {
            fresh.write(&path, bytes);
        }
        fresh.build();
        fresh.outputs()
    }

    /// Asserts that the outputs are those of a clean build.
    pub fn assert_clean(&self, what: &str) {
        assert_same(&self.outputs(), &self.clean_build(), what);
    }
}

fn is_input(path: &str) -> bool {
    path.starts_with("session/") || path.ends_with(".yaml")
}

/// Asserts that two trees hold the same, and names what does not.
pub fn assert_same(is: &Tree, should: &Tree, what: &str) {
    let mut wrong = Vec::new();
    for path in is.keys().chain(should.keys()) {
        let state = match (is.get(path), should.get(path)) {
            (Some(a), Some(b)) if a == b => continue,
            (Some(a), Some(b)) => {
                let at = a.iter().zip(b).position(|(a, b)| a != b);
                format!("differs at byte {at:?} of {} and {}", a.len(), b.len())
            }
            (Some(_), None) => "should not be there".to_owned(),
            (None, _) => "is missing".to_owned(),
        };
        wrong.push(format!("{path} {state}"));
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "));
}

/// What an outcome says was rendered, or would be.
pub fn rendered(outcome: &Outcome) -> RenderedSegments {
    let mut found = RenderedSegments::new();
    for package in &outcome.packages {
        for file in &package.files {
            let segments: Vec<usize> = file.rendered.iter().cloned().flatten().collect();
            assert!(file.built || segments.is_empty(), "{}: rendered and not written", file.path);
            if !segments.is_empty() {
                found.insert(format!("{}/{}", package.name, file.path), segments);
            }
        }
    }
    found
}

/// Lets disk changes fail.
pub struct Fault {
    done: AtomicUsize,
    /// What the paths that count contain.
    paths: &'static str,
    at: usize,
    /// Whether all after it fail too, as if the machine had lost its power.
    forever: bool,
}

impl Fault {
    /// The change number `at`, counted from 0, fails.
    pub fn once(at: usize) -> Arc<Self> {
        Arc::new(Self { done: AtomicUsize::new(0), paths: "", at, forever: false })
    }

    /// None fails; those in staging folders are counted.
    pub fn staging() -> Arc<Self> {
        let (done, paths) = (AtomicUsize::new(0), ".rebounce-staging");
        Arc::new(Self { done, paths, at: usize::MAX, forever: false })
    }

    /// The change number `at` in a staging folder fails, and all there after it.
    pub fn in_staging(at: usize) -> Arc<Self> {
        let (done, paths) = (AtomicUsize::new(0), ".rebounce-staging");
        Arc::new(Self { done, paths, at, forever: true })
    }

    /// That one and all after it fail.
    pub fn from(at: usize) -> Arc<Self> {
        Arc::new(Self { done: AtomicUsize::new(0), paths: "", at, forever: true })
    }

    /// Changes that were asked for.
    pub fn changes(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }
}

impl Gate for Fault {
    fn pass(&self, _: &'static str, path: &Path) -> io::Result<()> {
        if !path.to_string_lossy().contains(self.paths) {
            return Ok(());
        }
        let number = self.done.fetch_add(1, Ordering::SeqCst);
        let fails = if self.forever { number >= self.at } else { number == self.at };
        if fails { Err(io::Error::other("made to fail")) } else { Ok(()) }
    }
}

/// A whole number from the environment.
pub fn setting(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}: a number")))
}
