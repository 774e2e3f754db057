//! Law 6: a package changes from one complete state to the next. Every change of the
//! disk is made to fail in turn, alone and with all that follow; and what else can
//! happen while a build runs.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rebounce::diag::Failure;
use rebounce::fsio::{Disk, Gate};
use rebounce::package::checksums;
use support::random::Random;
use support::sound::{Sound, Word};
use support::{Fault, Project, SECOND, Tree, assert_same};

const BEFORE: &str = "
version: 1
project: { title: Faults }
session: { audio: session }
output: out
tracks: { kick: kick.wav, lead: lead.wav }
stems: { drums: [kick], vocals: [lead] }
mixes: { full: [drums, vocals] }
deliverables:
  one: { spec: production-stems, stems: all, mixes: all }
  two: { spec: production-stems, mixes: [full] }
";

fn sounds() -> [Sound; 2] {
    let mut random = Random::new(7);
    [1, 2].map(|width| Sound::random(&mut random, Word::I24, width, 2 * SECOND))
}

fn project(manifest: &str) -> Project {
    let [kick, lead] = &sounds();
    Project::with(manifest, &[("kick.wav", kick), ("lead.wav", lead)])
}

/// A new take of the last second of the lead.
fn new_take() -> Sound {
    let [_, mut lead] = sounds();
    lead.scribble(&mut Random::new(8), SECOND, 2 * SECOND);
    lead
}

/// Packages by the path of their folder.
fn packages(tree: &Tree) -> BTreeMap<String, Tree> {
    let mut found: BTreeMap<String, Tree> = BTreeMap::new();
    for (path, bytes) in tree.iter().filter(|(path, _)| !path.contains(".rebounce-staging")) {
        let parts: Vec<&str> = path.splitn(3, '/').collect();
        if let [root, name, file] = parts[..] {
            let package = found.entry(format!("{root}/{name}")).or_default();
            package.insert(file.to_owned(), bytes.clone());
        }
    }
    found
}

/// Asserts that `checksums.b3` covers the package and is right.
fn assert_verified(folder: &str, package: &Tree) {
    let text = String::from_utf8(package["checksums.b3"].clone()).unwrap();
    let mut named: BTreeSet<String> = ["checksums.b3".to_owned()].into();
    for line in checksums::read(&text).unwrap() {
        let hash = blake3::hash(&package[&line.path]).to_hex().to_string();
        assert_eq!(hash, line.blake3, "{folder}/{}", line.path);
        named.insert(line.path);
    }
    assert_eq!(named, package.keys().cloned().collect(), "{folder}");
}

/// Makes every change of the build after `edit` fail.
fn break_every_step(first: Option<&str>, edit: impl Fn(&Project)) {
    let prepared = || {
        let project = project(first.unwrap_or(BEFORE));
        if first.is_some() {
            project.build();
        }
        let before = project.outputs();
        edit(&project);
        (project, before)
    };
    let (sound, before) = prepared();
    let inputs = sound.inputs();
    let counting = Fault::once(usize::MAX);
    sound.try_build(Disk::gated(counting.clone())).0.unwrap();
    let after = sound.outputs();
    assert_same(&after, &sound.clean_build(), "without faults");
    // An output folder that is left empty may stay if it cannot be removed: it may
    // be where a volume is mounted.
    let outputs = |project: &Project| {
        let mut outputs = project.outputs();
        outputs.retain(|path, _| path != "out/");
        outputs
    };
    assert!(counting.changes() > 25, "there is something to break");
    let (old, new) = (packages(&before), packages(&after));
    old.iter().chain(&new).for_each(|(folder, package)| assert_verified(folder, package));
    for (at, forever) in (0..counting.changes()).flat_map(|at| [(at, false), (at, true)]) {
        let (project, _) = prepared();
        let fault = if forever { Fault::from(at) } else { Fault::once(at) };
        let (outcome, _) = project.try_build(Disk::gated(fault));
        let what = format!("change {at} failed, all after it: {forever}");
        match outcome {
            Err(failure) => assert_eq!(failure.exit_status(), 3, "{what}"),
            Ok(_) => assert_same(&outputs(&project), &after, &what),
        }
        assert_same(&project.inputs(), &inputs, &what);
        let found = packages(&project.outputs());
        for (folder, package) in &found {
            let whole = old.get(folder) == Some(package) || new.get(folder) == Some(package);
            assert!(whole, "{what}: {folder} is neither old nor new");
        }
        for name in old.keys().filter_map(|folder| folder.split('/').next_back()) {
            let wanted = new.keys().any(|folder| folder.ends_with(name));
            let there = found.keys().any(|folder| folder.ends_with(name));
            assert!(there || !wanted, "{what}: {name} is gone");
        }
        project.build();
        assert_same(&outputs(&project), &after, &format!("{what}, and built again"));
    }
}

#[test]
fn a_cold_build_survives_the_failure_of_any_step() {
    break_every_step(None, |_| {});
}

#[test]
fn a_build_after_an_edit_survives_the_failure_of_any_step() {
    break_every_step(Some(BEFORE), |project| project.audio("lead.wav", &new_take().wav()));
}

#[test]
fn a_build_that_adds_and_renames_files_survives_the_failure_of_any_step() {
    let after = BEFORE.replace("mixes: [full]", "stems: [drums], mixes: [full]");
    let after = after.replace("vocals", "voices");
    break_every_step(Some(BEFORE), |project| project.manifest(&after));
}

#[test]
fn a_build_that_moves_and_removes_packages_survives_the_failure_of_any_step() {
    let after = BEFORE.replace("output: out", "output: elsewhere");
    let after = after.replace("two: {", "three: {");
    break_every_step(Some(BEFORE), |project| project.manifest(&after));
}

#[test]
fn what_an_interrupted_build_left_goes_where_nothing_is_to_do() {
    let project = project(BEFORE);
    std::thread::sleep(Duration::from_millis(2_100));
    project.build();
    let delivered = project.outputs();
    // All fails from the first change in the staging folder but its creation.
    let stop = || Disk::gated(Fault::in_staging(2));
    project.manifest(&BEFORE.replace("title: Faults", "title: Other"));
    project.try_build(stop()).0.err().expect("it is stopped");
    assert_ne!(project.outputs(), delivered, "something is left");
    project.manifest(BEFORE);
    project.build();
    assert_same(&project.outputs(), &delivered, "put back");
}

#[test]
fn what_an_interrupted_build_left_goes_when_the_output_has_moved() {
    let project = project(BEFORE);
    project.try_build(Disk::gated(Fault::in_staging(2))).0.err().expect("it is stopped");
    assert!(project.path("out").exists(), "something is left");
    project.manifest(&BEFORE.replace("output: out", "output: elsewhere"));
    project.build();
    project.assert_clean("elsewhere");
}

/// Runs `act` before each change of a path that contains `at`, as often as `times`.
struct Hook<F> {
    at: &'static str,
    times: Mutex<usize>,
    act: F,
}

impl<F: Fn() + Send + Sync> Gate for Hook<F> {
    fn pass(&self, _: &'static str, path: &Path) -> io::Result<()> {
        let mut times = self.times.lock().unwrap();
        if *times > 0 && path.to_string_lossy().contains(self.at) {
            *times -= 1;
            (self.act)();
        }
        Ok(())
    }
}

fn hook(at: &'static str, times: usize, act: impl Fn() + Send + Sync + 'static) -> Disk {
    Disk::gated(Arc::new(Hook { at, times: Mutex::new(times), act }))
}

#[test]
fn of_two_builds_at_once_the_second_is_told_to_wait() {
    let project = Arc::new(project(BEFORE));
    let told = Arc::new(Mutex::new(Vec::new()));
    let (other, telling) = (project.clone(), told.clone());
    let disk = hook(".rebounce-staging", 1, move || {
        let (outcome, _) = other.try_build(Disk::new());
        let busy =
            matches!(outcome, Err(ref failure @ Failure::Busy(_)) if failure.exit_status() == 3);
        telling.lock().unwrap().push(busy);
    });
    project.try_build(disk).0.unwrap();
    assert_eq!(*told.lock().unwrap(), [true]);
    project.assert_clean("after the second was refused");
    project.build();
}

#[test]
fn an_input_that_changes_while_it_is_read_is_read_again() {
    let project = Arc::new(project(BEFORE));
    let other = project.clone();
    let disk = hook("one/Faults_full.wav", 1, move || other.audio("lead.wav", &new_take().wav()));
    let (outcome, notices) = project.try_build(disk);
    outcome.unwrap();
    assert_eq!(notices, ["lead.wav changed while it was read; reading again"]);
    project.assert_clean("after it had changed");
}

#[test]
fn an_input_that_never_rests_is_named_and_nothing_is_delivered() {
    let project = Arc::new(project(BEFORE));
    let (other, take) = (project.clone(), Mutex::new(0));
    let disk = hook("one/Faults_full.wav", usize::MAX, move || {
        let mut take = take.lock().unwrap();
        *take += 1;
        let mut lead = new_take();
        lead.scribble(&mut Random::new(*take), 0, SECOND);
        other.audio("lead.wav", &lead.wav());
    });
    let failure = project.try_build(disk).0.err().expect("it cannot be built");
    assert_eq!(failure.exit_status(), 2);
    assert!(failure.render(false).contains("lead.wav keeps changing"), "{}", failure.render(false));
    assert!(packages(&project.outputs()).is_empty());
    project.build();
    project.assert_clean("at rest");
}

#[test]
fn what_somebody_else_put_into_a_package_is_refused_and_kept() {
    let project = project(BEFORE);
    project.build();
    project.write("out/two/notes from the client.txt", "louder");
    let before = project.outputs();
    project.audio("lead.wav", &new_take().wav());
    let failure = project.try_build(Disk::new()).0.err().expect("it is refused");
    assert_eq!(failure.exit_status(), 2);
    let text = failure.render(false);
    assert!(text.contains("did not make: notes from the client.txt"), "{text}");
    assert_same(&project.outputs(), &before, "after the refusal");
    std::fs::remove_file(project.path("out/two/notes from the client.txt")).unwrap();
    project.build();
    project.assert_clean("after the file was moved away");
}

#[test]
fn a_folder_that_rebounce_did_not_make_is_not_replaced() {
    let project = project(BEFORE);
    project.write("out/two/full.wav", "somebody's");
    assert_eq!(project.try_build(Disk::new()).0.err().map(|f| f.exit_status()), Some(2));
    assert_eq!(project.read("out/two/full.wav"), b"somebody's");
    assert!(!project.path("out/one").exists());
}

#[test]
fn a_package_whose_record_is_lost_is_known_by_its_checksums() {
    let project = project(BEFORE);
    project.build();
    std::fs::remove_dir_all(project.path(".rebounce")).unwrap();
    project.audio("lead.wav", &new_take().wav());
    project.build();
    project.assert_clean("without state");
}

#[test]
fn a_package_that_is_no_longer_asked_for_goes_and_what_a_user_put_there_stays() {
    for theirs in [None, Some("out/two/theirs.txt")] {
        let project = project(BEFORE);
        project.build();
        if let Some(path) = theirs {
            project.write(path, "theirs");
        }
        let line = BEFORE.lines().find(|line| line.contains("two:")).unwrap();
        project.manifest(&BEFORE.replace(line, ""));
        let outcome = project.build();
        assert_eq!(outcome.removed, [project.path("out/two")]);
        let mut outputs = project.outputs();
        let kept = theirs.map(|path| outputs.remove(path).expect("it is kept"));
        assert_eq!(kept, theirs.map(|_| b"theirs".to_vec()));
        assert_same(&outputs, &project.clean_build(), "without the package");
        // And that was that: the next build has nothing more to say of it.
        assert!(project.build().removed.is_empty());
    }
}
