//! What stands where a package belongs: whose it is, whether it still is what was
//! delivered, and that nothing is taken from it that it no longer holds.

mod support;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rebounce::fsio::{Disk, Gate};
use rebounce::progress::Silent;
use rebounce::qc::report::Verdict;
use rebounce::run::outcome::Outcome;
use rebounce::run::{Context, Request};
use support::random::Random;
use support::sound::{Sound, Word};
use support::{Project, SECOND, assert_same};

const TWO: &str = "version: 1\nproject: { title: T }\nsession: { audio: session }\n\
    tracks: { a: a.wav, b: b.wav }\nstems: { s: [a], t: [b] }\n\
    deliverables:\n  one: { spec: production-stems, stems: [s] }\n\
    \x20 two: { spec: production-stems, stems: [t] }\n";

fn two(random: &mut Random) -> (Project, Sound, Sound) {
    let a = Sound::random(random, Word::I24, 2, 6 * SECOND);
    let b = Sound::random(random, Word::I24, 2, 6 * SECOND);
    (Project::with(TWO, &[("a.wav", &a), ("b.wav", &b)]), a, b)
}

fn run(project: &Project, manifest: &str, keep_going: bool) -> Result<Outcome, String> {
    let context = Context {
        disk: Disk::new(),
        progress: &Silent,
        notice: &|_| {},
        colour: false,
        rebounce: env!("CARGO_BIN_EXE_rebounce").into(),
    };
    let manifest = project.path(manifest);
    let request = Request { manifest, targets: Vec::new(), keep_going };
    rebounce::run::build(&context, &request).map_err(|failure| failure.render(false))
}

#[test]
fn a_folder_with_checksums_of_somebody_else_is_kept() {
    let (project, ..) = two(&mut Random::new(1));
    project.write("deliveries/one/mine.wav", "mine");
    let sum = blake3::hash(b"mine").to_hex();
    project.write("deliveries/one/checksums.b3", format!("{sum}  mine.wav\n"));
    let said = run(&project, "deliverables.yaml", false).err().unwrap();
    assert!(said.contains("deliveries/one holds files that rebounce did not make"), "{said}");
    assert_eq!(project.read("deliveries/one/mine.wav"), b"mine");
    // With -k the other package is made, and the run has failed all the same.
    let outcome = run(&project, "deliverables.yaml", true).unwrap();
    assert_eq!((outcome.packages.len(), outcome.exit_status()), (1, 2));
    assert!(project.path("deliveries/two/T_t.wav").exists());
    assert_eq!(project.read("deliveries/one/mine.wav"), b"mine");
}

#[test]
fn the_package_of_another_manifest_is_kept() {
    let (project, ..) = two(&mut Random::new(2));
    project.build();
    let before = project.outputs();
    project.write("other.yaml", TWO.replace("title: T", "title: Other"));
    let said = run(&project, "other.yaml", false).err().unwrap();
    assert!(said.contains("is a package of another manifest"), "{said}");
    assert_same(&project.outputs(), &before, "after the other manifest");
}

#[test]
fn a_package_whose_memo_is_lost_is_still_ours() {
    let (project, ..) = two(&mut Random::new(3));
    project.build();
    fs::remove_dir_all(project.path(".rebounce")).unwrap();
    project.build();
    project.assert_clean("without a memo");
}

#[test]
fn a_session_bounced_again_at_another_rate_is_another_session() {
    let mut random = Random::new(4);
    let sound = Sound::random(&mut random, Word::I24, 2, 8 * SECOND);
    let project = Project::new();
    project.manifest(TWO);
    let bytes = sound.wav();
    for rate in [8_000_u32, 11_025, 9_000, 8_000] {
        // The rate, and the bytes per second that follow from it.
        let mut bytes = bytes.clone();
        let fmt = bytes.windows(4).position(|w| w == b"fmt ").unwrap() + 8;
        bytes[fmt + 4..fmt + 8].copy_from_slice(&rate.to_le_bytes());
        bytes[fmt + 8..fmt + 12].copy_from_slice(&(rate * 6).to_le_bytes());
        project.audio("a.wav", &bytes);
        project.audio("b.wav", &bytes);
        project.build();
        project.assert_clean(&format!("at {rate} Hz"));
    }
}

/// Writes into a file when the first staged file is created.
struct Scribbler {
    path: PathBuf,
    done: AtomicBool,
}

impl Gate for Scribbler {
    fn pass(&self, action: &'static str, path: &Path) -> io::Result<()> {
        let staged = path.extension().is_some_and(|extension| extension == "wav");
        if action == "create" && staged && !self.done.swap(true, Ordering::SeqCst) {
            let mut bytes = fs::read(&self.path)?;
            let middle = bytes.len() / 4;
            bytes[middle..middle + 300].fill(0x55);
            fs::write(&self.path, bytes)?;
        }
        Ok(())
    }
}

#[test]
fn nothing_is_taken_from_a_delivered_file_that_changes_during_the_build() {
    let mut random = Random::new(5);
    for scribbled in ["deliveries/one/T_s.wav", "deliveries/two/T_t.wav"] {
        let (project, mut a, _) = two(&mut random);
        project.build();
        a.scribble(&mut random, 5 * SECOND, 6 * SECOND);
        project.audio("a.wav", &a.wav());
        let path = project.path(scribbled);
        let gate = Arc::new(Scribbler { path, done: AtomicBool::new(false) });
        let (made, _) = project.try_build(Disk::gated(gate));
        made.unwrap_or_else(|failure| panic!("{}", failure.render(false)));
        // Whatever the build could see of it, the next one must.
        project.build();
        project.assert_clean(scribbled);
    }
}

#[test]
fn a_mix_that_its_stems_do_not_make_up_is_no_pass() {
    let mut random = Random::new(6);
    let a = Sound::random(&mut random, Word::I24, 2, 2 * SECOND);
    let b = Sound::random(&mut random, Word::I24, 2, 2 * SECOND);
    let manifest = |stems: &str| {
        format!(
            "version: 1\nproject: {{ title: T }}\nsession: {{ audio: session }}\n\
             tracks: {{ a: a.wav, b: b.wav }}\n\
             stems: {{ drums: [a], vocals: [b], all: [drums, vocals] }}\n\
             mixes: {{ full: [all], beat: {{ from: full, without: [vocals] }} }}\n\
             deliverables: {{ d: {{ spec: stem-mastering, stems: [{stems}], mixes: [beat] }} }}\n"
        )
    };
    let project = Project::with(&manifest("vocals"), &[("a.wav", &a), ("b.wav", &b)]);
    let outcome = project.build();
    assert_eq!(outcome.verdict(), Verdict::Warn);
    let said = outcome.packages[0].lines.join("\n");
    assert!(said.contains("drums is not among the delivered stems"), "{said}");
    project.manifest(&manifest("drums"));
    let outcome = project.build();
    let said = outcome.packages[0].lines.join("\n");
    assert!(said.contains("drums equals it bit for bit") && !said.contains("not proven"), "{said}");
}
