//! Programs and plug-ins in process chains under the laws: run when they must be and
//! no more, minimal behind them, clean, and harmless when they fail.

#![cfg(unix)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rebounce::fsio::Disk;
use support::random::Random;
use support::sound::{Sound, Word};
use support::{Fault, Project, SECOND, rendered};

const SECONDS: usize = 6;

/// Tests take turns: a program that is being started holds, for a moment, all that this
/// process has open, so also the lock of the project of another test.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A stem that is processed, one that is not, and packages that hear one or both.
fn manifest(step: &str) -> String {
    format!(
        "version: 1\nproject: {{ title: Out }}\nsession: {{ audio: session }}\n\
         tracks: {{ a: a.wav, b: b.wav }}\n\
         stems:\n  dry: [b]\n  wet: {{ from: [a], process: [{step}] }}\n\
         mixes: {{ full: [dry, wet] }}\n\
         deliverables:\n  d: {{ spec: production-stems, stems: all, mixes: all }}\n  \
         e: {{ spec: production-stems, stems: [dry] }}\n"
    )
}

fn project(step: &str) -> (Project, Sound) {
    let mut random = Random::new(11);
    let mut a = Sound::random(&mut random, Word::I24, 2, SECONDS * SECOND - 77);
    let frames = a.frames();
    a.scribble(&mut random, 0, frames);
    let b = Sound::random(&mut random, Word::I24, 2, SECONDS * SECOND - 77);
    (Project::with(&manifest(step), &[("a.wav", &a), ("b.wav", &b)]), a)
}

/// A command that copies, and notes each run in a file.
fn noted(log: &Path, more: &str) -> String {
    let script = format!(r#"echo run >> {}; cp "$1" "$2""#, log.display());
    format!(r#"{{ command: {{ run: [sh, -c, '{script}', sh, "{{in}}", "{{out}}"{more}] }} }}"#)
}

fn runs(log: &Path) -> usize {
    fs::read_to_string(log).map_or(0, |text| text.lines().count())
}

/// The plug-ins of `examples/clap_test_plugin`, which `cargo test` builds.
fn test_plugin() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let name =
        format!("{}clap_test_plugin{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let path = here.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(
        path.is_file(),
        "`cargo test --test outside` alone builds no examples: first run \
         `cargo build --example clap_test_plugin`"
    );
    path
}

fn clap(id: &str, more: &str) -> String {
    format!("{{ clap: {{ file: '{}', id: {id}{more} }} }}", test_plugin().display())
}

/// The segments rendered for the wet stem.
fn wet(project: &Project) -> Vec<usize> {
    rendered(&project.build()).remove("d/Out_wet.wav").unwrap_or_default()
}

#[test]
fn a_program_is_run_when_it_must_be_and_what_it_makes_anew_is_rendered() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("runs");
    let (project, mut a) = project(&noted(&log, ""));
    assert_eq!(wet(&project), [0, 1, 2, 3, 4, 5]);
    // Once for what is delivered, and once to see that it does the same again.
    assert_eq!(runs(&log), 2);
    assert!(wet(&project).is_empty());
    assert_eq!(runs(&log), 2);

    // A second of what it hears: it is run over all of it, and one second comes out new.
    a.scribble(&mut Random::new(1), 3 * SECOND + 5, 3 * SECOND + 50);
    project.audio("a.wav", &a.wav());
    let planned = project.explain();
    assert_eq!(rendered(&planned)["d/Out_wet.wav"], [0, 1, 2, 3, 4, 5]);
    let text = planned.text(Path::new("/"));
    let said = "rendered whole: command sh -c echo run";
    assert!(text.contains(said), "{text}");
    assert_eq!(runs(&log), 2, "explaining runs nothing");
    assert_eq!(wet(&project), [3]);
    assert_eq!(runs(&log), 3);
    project.assert_clean("after an edit");

    // What was delivered is gone: made again from the same.
    let runs_before = runs(&log);
    fs::remove_file(project.path("deliveries/d/Out_wet.wav")).unwrap();
    fs::remove_file(project.path("deliveries/d/Out_full.wav")).unwrap();
    assert_eq!(wet(&project), [0, 1, 2, 3, 4, 5]);
    assert_eq!(runs(&log), runs_before + 1);
    project.assert_clean("after a loss");

    // Other arguments are another program.
    let runs_before = runs(&log);
    project.manifest(&manifest(&noted(&log, ", more")));
    assert!(wet(&project).is_empty(), "it makes the same samples");
    assert_eq!(runs(&log), runs_before + 2);
    project.assert_clean("after other arguments");
}

#[test]
fn every_file_and_setting_that_decides_is_seen() {
    let _turn = turn();
    let (project, _) = project("{ gain: 0 }");
    let tool = "#!/bin/sh\ncp \"$1\" \"$2\"\n";
    let write_tool = |text: &str| {
        use std::os::unix::fs::PermissionsExt;
        project.write("tool", text);
        fs::set_permissions(project.path("tool"), fs::Permissions::from_mode(0o755)).unwrap();
    };
    write_tool(tool);
    let louder = Sound { word: Word::F32, channels: vec![vec![0.25; SECONDS * SECOND - 77]; 2] };
    project.write("ir.wav", louder.wav());
    let command = |words: &str, inputs: &str| {
        manifest(&format!("{{ command: {{ run: [./tool, {words}], inputs: {{ {inputs} }} }} }}"))
    };
    project.manifest(&command("\"{in}\", \"{out}\"", ""));
    let as_it_was = {
        project.build();
        project.read("deliveries/d/Out_wet.wav")
    };
    // Which file it copies is its setting, and what that holds is part of it.
    project.manifest(&command("\"{ir}\", \"{out}\", \"{in}\"", "ir: ir.wav"));
    assert_eq!(wet(&project), [0, 1, 2, 3, 4, 5]);
    let mut quieter = louder.clone();
    quieter.channels.iter_mut().for_each(|channel| channel[SECOND + 1] = 0.125);
    project.write("ir.wav", quieter.wav());
    assert_eq!(wet(&project), [1]);
    // And the program: this one copies what it was given last.
    write_tool("#!/bin/sh\ncp \"$3\" \"$2\"\n");
    assert_eq!(wet(&project), [0, 1, 2, 3, 4, 5]);
    assert!(project.read("deliveries/d/Out_wet.wav") == as_it_was);
}

/// What `test.gain` makes of a sound, to 24 bits.
fn low_passed(sound: &Sound, gain_db: f64) -> Vec<Vec<i32>> {
    let gain = 10_f64.powf(gain_db / 20.0) as f32;
    let of_channel = |channel: &Vec<f64>| {
        let mut memory = 0.0;
        let one = |x: &f64| {
            memory += 0.25 * (*x as f32 - memory);
            (f64::from(memory * gain) * 8_388_608.0).round_ties_even() as i32
        };
        channel.iter().map(one).collect()
    };
    sound.channels.iter().map(of_channel).collect()
}

/// The samples of a delivered stereo file of 24 bits, which end it.
fn samples(project: &Project, name: &str) -> Vec<Vec<i32>> {
    let bytes = project.read(name);
    let payload = &bytes[bytes.len() - (SECONDS * SECOND - 77) * 6..];
    let sample = |bytes: &[u8]| i32::from_le_bytes([0, bytes[0], bytes[1], bytes[2]]) >> 8;
    let all: Vec<i32> = payload.chunks_exact(3).map(sample).collect();
    (0..2).map(|channel| all.iter().skip(channel).step_by(2).copied().collect()).collect()
}

#[test]
fn a_plug_in_is_heard_to_the_bit() {
    let _turn = turn();
    let (project, mut a) = project(&clap("test.gain", ", parameters: { Gain: -6 }"));
    project.build();
    assert!(samples(&project, "deliveries/d/Out_wet.wav") == low_passed(&a, -6.0));
    a.scribble(&mut Random::new(2), 4 * SECOND, 4 * SECOND + 9);
    project.audio("a.wav", &a.wav());
    // Its memory fades into the last bit within the second.
    assert_eq!(wet(&project), [4]);
    assert!(samples(&project, "deliveries/d/Out_wet.wav") == low_passed(&a, -6.0));
    project.write("preset.bin", (-3_f64).to_le_bytes());
    project.manifest(&manifest(&clap("test.gain", ", state: preset.bin")));
    project.build();
    assert!(samples(&project, "deliveries/d/Out_wet.wav") == low_passed(&a, -3.0));
    project.write("preset.bin", (-9_f64).to_le_bytes());
    assert_eq!(wet(&project), [0, 1, 2, 3, 4, 5]);
    assert!(samples(&project, "deliveries/d/Out_wet.wav") == low_passed(&a, -9.0));
}

#[test]
fn one_may_hear_another() {
    let _turn = turn();
    let gain = clap("test.gain", "");
    let steps = format!("{gain}, {{ gain: 3 }}, {gain}, {}", clap("test.late", ""));
    let (project, mut a) = project(&steps);
    project.build();
    a.scribble(&mut Random::new(3), 100, 200);
    project.audio("a.wav", &a.wav());
    assert_eq!(wet(&project), [0]);
    project.assert_clean("a chain of plug-ins");
}

#[test]
fn a_gain_may_follow_from_what_a_program_makes() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("runs");
    let (project, mut a) =
        project(&format!("{}, {{ normalize: {{ peak: -6 }} }}", noted(&log, "")));
    project.build();
    assert_eq!(runs(&log), 2, "what was made for measuring is there for rendering");
    let peak = samples(&project, "deliveries/d/Out_wet.wav")[0].iter().map(|x| x.abs()).max();
    let right = samples(&project, "deliveries/d/Out_wet.wav")[1].iter().map(|x| x.abs()).max();
    // -6 dBFS of 2^23, within the hundredth of a decibel that gains are rounded to.
    let highest = f64::from(peak.max(right).unwrap());
    assert!((highest / 4_204_263.0 - 1.0).abs() < 0.0012, "{highest}");
    assert!(wet(&project).is_empty());
    // A second that is not the loudest changes: the gain stays.
    a.scribble(&mut Random::new(5), 2 * SECOND, 2 * SECOND + 9);
    project.audio("a.wav", &a.wav());
    let text = {
        let output = Command::new(env!("CARGO_BIN_EXE_rebounce"))
            .args(["explain", "-C"])
            .arg(project.path("."))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(text.contains("what command `sh` makes is not known"), "{text}");
    assert_eq!(wet(&project), [2]);
    assert_eq!(runs(&log), 3);
    project.assert_clean("a gain behind a program");
}

fn failure(project: &Project) -> String {
    let (outcome, _) = project.try_build(Disk::new());
    outcome.map(|_| ()).unwrap_err().render(false)
}

#[test]
fn what_a_plug_in_does_wrong_is_told_where_it_is_asked_for() {
    let _turn = turn();
    let (project, _) = project("{ gain: 0 }");
    project.build();
    let before = project.outputs();
    let told = |step: &str| {
        project.manifest(&manifest(step));
        let text = failure(&project);
        assert!(text.contains("deliverables.yaml:7:"), "{text}");
        // Nothing of it is left, and nothing delivered is lost.
        assert!(project.outputs() == before);
        text
    };
    let random = told(&clap("test.random", ""));
    let said = "makes other samples from second 0 on when it is run again on the same input";
    assert!(random.contains(said), "{random}");
    let blocky = told(&clap("test.blocky", ""));
    let said = "makes other samples from second 0 on when it is given blocks of another size";
    assert!(blocky.contains(said), "{blocky}");
    let crash = told(&clap("test.crash", ""));
    assert!(crash.contains("crashed: signal 6, aborted"), "{crash}");
    let hang = told(&clap("test.hang", ", timeout: 1 s"));
    assert!(hang.contains("had not ended after 1 s"), "{hang}");
    let not_a_number = told(&clap("test.not-a-number", ""));
    assert!(not_a_number.contains("sample 0 of channel 1 is infinite or not a number"));
    let gain = told(&clap("test.gain", ", parameters: { Gian: 0 }"));
    assert!(gain.contains("did you mean `Gain`?"), "{gain}");
    let status = told(
        "{ command: { run: [sh, -c, 'echo no such effect >&2; exit 3', \"{in}\", \"{out}\"] } }",
    );
    assert!(status.contains("command `sh` ended with status 3"), "{status}");
    assert!(status.contains("no such effect"), "{status}");
}

#[test]
fn packages_that_do_not_hear_what_fails_are_built_with_k() {
    let _turn = turn();
    let (project, _) = project(&clap("test.crash", ""));
    let output = Command::new(env!("CARGO_BIN_EXE_rebounce"))
        .args(["-k", "-C"])
        .arg(project.path("."))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let (said, told) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("PASS  e"), "{said}");
    assert!(!said.contains("  d  "), "{said}");
    assert_eq!(told.matches("crashed: signal 6").count(), 1, "{told}");
}

#[test]
fn faults_of_the_disk_while_one_is_at_work_heal() {
    let _turn = turn();
    let (project, _) = project("{ gain: 0 }");
    project.build();
    project.manifest(&manifest(&clap("test.gain", "")));
    // Where each change in the staging folder fails in turn, until none does.
    for at in 0.. {
        let (outcome, _) = project.try_build(Disk::gated(Fault::in_staging(at)));
        if outcome.is_ok() {
            assert!(at > 10, "{at} changes are too few for this test to have tested much");
            break;
        }
    }
    project.assert_clean("after faults");
}

fn wait_until(what: &str, happened: impl Fn() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_build_that_is_killed_takes_its_programs_with_it_and_the_next_heals() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("pid");
    let script = format!("echo $$ > {0}.new; mv {0}.new {0}; sleep 600", told.display());
    let (project, _) = project(&format!(
        "{{ command: {{ run: [sh, -c, '{script}', \"{{in}}\", \"{{out}}\"] }} }}"
    ));
    let mut build = Command::new(env!("CARGO_BIN_EXE_rebounce"))
        .arg("-C")
        .arg(project.path("."))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("it does not begin", || told.is_file());
    let pid = fs::read_to_string(&told).unwrap().trim().to_owned();
    build.kill().unwrap();
    build.wait().unwrap();
    let is_alive = || {
        let status = Command::new("kill").args(["-0", &pid]).stderr(Stdio::null()).status();
        status.unwrap().success()
    };
    wait_until("it lives on", || !is_alive());
    project.manifest(&manifest("{ gain: 0 }"));
    project.build();
    project.assert_clean("after a kill");
}
