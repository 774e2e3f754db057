//! Programs and plug-ins from outside, through the real binary: what they make, how
//! they fail, and that nothing of them is left.

#![cfg(unix)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rebounce::audio::wav::Encoding;
use rebounce::diag::{SourceText, Span};
use rebounce::external::host::{Hosting, INPUT, OUTPUT, REFUSAL};
use rebounce::external::operator::{self, Declared, External, Kind, Plugin, Shape, Way};
use rebounce::fsio::Disk;
use rebounce::fsio::process::{Ended, Ending, GUARD, Program};
use rebounce::units::SampleRate;
use tempfile::TempDir;

const REBOUNCE: &str = env!("CARGO_BIN_EXE_rebounce");
const RATE: u32 = 48_000;
/// Longer than any program here takes that is not meant to be stopped.
const LONG: Duration = Duration::from_secs(60);

/// The plug-ins of `examples/clap_test_plugin`, which `cargo test` builds.
fn test_plugin() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let name =
        format!("{}clap_test_plugin{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let path = here.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(
        path.is_file(),
        "`cargo test --test external` alone builds no examples: first run \
        `cargo build --example clap_test_plugin`"
    );
    path
}

fn run(path: &Path, arguments: &[OsString], folder: &Path, limit: Duration) -> Ended {
    let program = Program { guard: Path::new(REBOUNCE), path, arguments, folder, limit };
    Disk::new().run(&program).unwrap()
}

/// A shell script in an empty folder.
fn script(text: &str, limit: Duration) -> (Ended, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["-c".into(), text.into()];
    (run(Path::new("/bin/sh"), &arguments, folder.path(), limit), folder)
}

fn ended(how: Ending, last_lines: &str) -> Ended {
    Ended { how, last_lines: last_lines.to_owned() }
}

#[test]
fn a_program_ends_as_it_says() {
    let end = |text| script(text, LONG).0;
    assert_eq!(end("echo out; echo error >&2"), ended(Ending::Done, "out\nerror"));
    assert_eq!(end("exit 3"), ended(Ending::Status(3), ""));
    assert_eq!(end("echo oh; kill -SEGV $$"), ended(Ending::Signal(11), "oh"));
    // A program that lives on in the background is not waited for, nor left.
    let begun = Instant::now();
    assert_eq!(end("sleep 50 & echo on"), ended(Ending::Done, "on"));
    assert!(begun.elapsed() < LONG / 2);
}

#[test]
fn what_cannot_be_started_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "no program").unwrap();
    let Ended { how, last_lines } = run(&text, &[], folder.path(), LONG);
    assert_eq!(how, Ending::Status(126));
    assert!(last_lines.ends_with("/text: Permission denied (os error 13)"), "{last_lines}");
}

#[test]
fn a_program_finds_a_folder_and_an_environment_of_its_own_and_no_input() {
    // The environment of this test has more.
    assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO")));
    let (Ended { how, last_lines }, folder) = script("cat; pwd; export -p", LONG);
    assert_eq!(how, Ending::Done);
    let mut lines = last_lines.lines();
    let real = fs::canonicalize(folder.path()).unwrap();
    assert_eq!(lines.next().map(Path::new), Some(real.as_path()));
    let names: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix("export ")?.split('=').next())
        .filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name))
        .collect();
    let own = ["LC_ALL", "TEMP", "TMP", "TMPDIR", "TZ"];
    let known = |name: &&&str| rebounce::fsio::process::PASSED_ON.contains(*name);
    let passed_on = names.iter().filter(known).count();
    assert!(own.iter().all(|name| names.contains(name)), "{names:?}");
    assert_eq!(passed_on + own.len(), names.len(), "{names:?}");
    assert!(names.contains(&"PATH"));
}

/// Whether the process of that number is there.
fn is_alive(pid: &str) -> bool {
    let status = Command::new("kill").args(["-0", pid]).stderr(Stdio::null()).status();
    status.unwrap().success()
}

fn wait_until(what: &str, happened: impl Fn() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn when_its_time_is_up_all_that_it_started_ends() {
    let text = "sleep 600 & echo $!; echo $$; sleep 600";
    let (Ended { how, last_lines }, _folder) = script(text, Duration::from_millis(300));
    assert_eq!(how, Ending::TimeUp);
    assert_eq!(last_lines.lines().count(), 2, "{last_lines}");
    for pid in last_lines.lines() {
        wait_until("it lives on", || !is_alive(pid));
    }
}

#[test]
fn a_program_does_not_outlive_rebounce() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("pid");
    let mut guard = Command::new(REBOUNCE)
        .args([GUARD, "/bin/sh", "-c", "echo $$ > pid.new; mv pid.new pid; sleep 600"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("it does not begin", || told.is_file());
    let pid = fs::read_to_string(&told).unwrap().trim().to_owned();
    assert!(is_alive(&pid));
    // What happens when whoever holds the other end is gone.
    drop(guard.stdin.take());
    assert_eq!(guard.wait().unwrap().code(), Some(128 + 9));
    wait_until("it lives on", || !is_alive(&pid));
}

/// A stereo signal with something in every block, as long as no number of blocks.
fn signal() -> Vec<[f32; 2]> {
    let sample = |n: u32| (n.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32 - 0.5;
    (0..5_000).map(|n| [sample(2 * n), sample(2 * n + 1)]).collect()
}

fn write_wav<const N: usize>(path: &Path, frames: &[[f32; N]]) {
    let spec = hound::WavSpec {
        channels: N as u16,
        sample_rate: RATE,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    frames.iter().flatten().for_each(|x| writer.write_sample(*x).unwrap());
    writer.finalize().unwrap();
}

fn read_wav(path: &Path) -> Vec<[f32; 2]> {
    let mut reader = hound::WavReader::open(path).unwrap();
    assert_eq!((reader.spec().sample_rate, reader.spec().channels), (RATE, 2));
    let samples: Vec<f32> = reader.samples().map(Result::unwrap).collect();
    samples.chunks_exact(2).map(|frame| [frame[0], frame[1]]).collect()
}

/// A plug-in of the test file, to be given 512 frames at a time.
fn hosting(id: &str, parameters: &[(&str, &str)]) -> Hosting {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Hosting {
        file: test_plugin(),
        id: Some(id.to_owned()),
        state: None,
        parameters: parameters.iter().map(owned).collect(),
        block: 512,
    }
}

/// Hosts a plug-in over [`signal`] in a folder.
fn host_in(folder: &Path, hosting: &Hosting, limit: Duration) -> Ended {
    write_wav(&folder.join(INPUT), &signal());
    run(Path::new(REBOUNCE), &hosting.to_words(), folder, limit)
}

/// What a plug-in makes of [`signal`], or how it refuses.
fn host(hosting: &Hosting) -> Result<Vec<[f32; 2]>, String> {
    let folder = tempfile::tempdir().unwrap();
    let end = host_in(folder.path(), hosting, LONG);
    match end.how {
        Ending::Done => Ok(read_wav(&folder.path().join(OUTPUT))),
        Ending::Status(1) => Err(fs::read_to_string(folder.path().join(REFUSAL)).unwrap()),
        other => panic!("{other:?}: {}", end.last_lines),
    }
}

/// What `test.gain` does, as it is described.
fn low_passed(gain_db: f64) -> Vec<[f32; 2]> {
    let gain = 10_f64.powf(gain_db / 20.0) as f32;
    let mut memory = [0.0; 2];
    let frame = |frame: [f32; 2]| {
        std::array::from_fn(|channel| {
            memory[channel] += 0.25 * (frame[channel] - memory[channel]);
            memory[channel] * gain
        })
    };
    signal().into_iter().map(frame).collect()
}

#[test]
fn a_plug_in_makes_the_same_in_blocks_of_any_size() {
    for block in [1, 64, 480, 512, 8192] {
        let made = host(&Hosting { block, ..hosting("test.gain", &[]) }).unwrap();
        assert!(made == low_passed(0.0), "in blocks of {block}");
    }
    let blocky = hosting("test.blocky", &[]);
    assert!(host(&blocky).unwrap() != host(&Hosting { block: 480, ..blocky }).unwrap());
}

#[test]
fn what_a_plug_in_is_late_is_made_up_for() {
    assert!(host(&hosting("test.late", &[])).unwrap() == signal());
    let one = Hosting { block: 1, ..hosting("test.late", &[]) };
    assert!(host(&one).unwrap() == signal());
}

#[test]
fn parameters_are_set_by_name_or_number_and_after_the_state() {
    for parameter in [("Gain", "-6"), ("7", "-6"), ("Gain", "-6 dB"), ("Gain", "-6.0")] {
        assert!(host(&hosting("test.gain", &[parameter])).unwrap() == low_passed(-6.0));
    }
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("preset.bin");
    fs::write(&state, (-12_f64).to_le_bytes()).unwrap();
    let kept = Hosting { state: Some(state), ..hosting("test.gain", &[]) };
    assert!(host(&kept).unwrap() == low_passed(-12.0));
    let changed = Hosting { parameters: vec![("Gain".into(), "3".into())], ..kept };
    assert!(host(&changed).unwrap() == low_passed(3.0));
}

#[test]
fn a_plug_in_refuses_in_words() {
    let refused = |hosting: &Hosting| host(hosting).unwrap_err();
    let gain = |name, value| refused(&hosting("test.gain", &[(name, value)]));
    assert_eq!(gain("Gian", "0"), "it has no parameter `Gian`\ndid you mean `Gain`?");
    assert_eq!(gain("8", "0"), "it has no parameter `8`\nit has Gain");
    assert_eq!(gain("Gain", "20"), "its `Gain` cannot be 20\nit goes from -60 to 12");
    assert_eq!(
        gain("Gain", "loud"),
        "it does not understand `loud` for `Gain`\na number from -60 to 12 is always understood"
    );
    assert_eq!(
        refused(&hosting("test.gian", &[])),
        "it holds no plug-in `test.gian`\ndid you mean `test.gain`?"
    );
    let any = Hosting { id: None, ..hosting("", &[]) };
    let which = refused(&any);
    assert!(which.starts_with("it holds 7 plug-ins: which one?\ngive its `id`: test.gain, "));
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other");
    fs::write(&other, "short").unwrap();
    let state = Hosting { state: Some(other.clone()), ..hosting("test.gain", &[]) };
    assert!(refused(&state).starts_with("it does not take the `state`\n"));
    let text = refused(&Hosting { file: other, ..hosting("test.gain", &[]) });
    assert!(text.starts_with("it cannot be loaded: "), "{text}");
}

#[test]
fn a_signal_of_another_width_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mono: Vec<[f32; 1]> = signal().into_iter().map(|[left, _]| [left]).collect();
    write_wav(&folder.path().join(INPUT), &mono);
    let words = hosting("test.gain", &[]).to_words();
    assert_eq!(run(Path::new(REBOUNCE), &words, folder.path(), LONG).how, Ending::Status(1));
    assert_eq!(
        fs::read_to_string(folder.path().join(REFUSAL)).unwrap(),
        "it takes 2 channels and makes 2 channels, the signal has 1\n\
         give the stem or mix a layout that fits"
    );
}

#[test]
fn a_plug_in_that_crashes_or_hangs_ends_alone() {
    let folder = tempfile::tempdir().unwrap();
    let crash = host_in(folder.path(), &hosting("test.crash", &[]), LONG);
    assert_eq!(crash.how, Ending::Signal(6));
    let folder = tempfile::tempdir().unwrap();
    let hang = hosting("test.hang", &[]);
    assert_eq!(host_in(folder.path(), &hang, Duration::from_millis(300)).how, Ending::TimeUp);
}

fn declared(path: PathBuf) -> Declared {
    let disk = Disk::new();
    let stamp = disk.stamp(&path).unwrap().unwrap();
    Declared { digest: disk.blake3_of_all(&path).unwrap(), stamp, path }
}

/// A place in a manifest that nobody wrote.
fn nowhere() -> Span {
    Span::new(&Arc::new(SourceText { path: String::new(), text: String::new() }), 0..0)
}

/// A program that may read the files `inputs`.
fn command(run: &[&str], inputs: &[(&str, &Path)]) -> External {
    let program = Disk::new().find_program(run[0], Path::new("/")).unwrap();
    let input = |(name, path): &(&str, &Path)| ((*name).to_owned(), declared((*path).to_owned()));
    let kind = Kind::Command(operator::Command {
        run: run.iter().map(|word| (*word).to_owned()).collect(),
        program: declared(program),
        inputs: inputs.iter().map(input).collect(),
        encoding: Encoding::Float32,
        tail_frames: 100,
    });
    External { name: run[0].to_owned(), kind, limit: LONG, span: nowhere() }
}

fn plugin(id: &str, parameters: &[(&str, &str)]) -> External {
    let Hosting { file, id, parameters, .. } = hosting(id, parameters);
    let kind = Kind::Plugin(Plugin { file: declared(file), id, state: None, parameters });
    External { name: "test.clap".to_owned(), kind, limit: LONG, span: nowhere() }
}

/// Has an operator make [`OUTPUT`] of [`signal`]; returns it, or the message.
fn make(external: &External) -> Result<Vec<[f32; 2]>, String> {
    let folder = tempfile::tempdir().unwrap();
    write_wav(&folder.path().join(INPUT), &signal());
    let shape = Shape {
        sample_rate: SampleRate::new(RATE).unwrap(),
        width: 2,
        frames: signal().len() as u64,
    };
    match external.run(&Disk::new(), Path::new(REBOUNCE), folder.path(), shape, Way::Usual) {
        Ok(()) => Ok(read_wav(&folder.path().join(OUTPUT))),
        Err(failure) => {
            let text = failure.render(false);
            // Without the marks of a message, and the place, which is made up here.
            let line = |line: &str| {
                let line = line.trim_start().trim_start_matches("error: ");
                line.trim_start_matches("= help: ").to_owned()
            };
            let place = |line: &&str| !line.contains('|') && !line.contains("-->");
            let told: Vec<String> = text.lines().filter(place).map(line).collect();
            Err(told.join("\n").trim_end().to_owned())
        }
    }
}

#[test]
fn a_command_is_given_paths_for_names() {
    assert_eq!(make(&command(&["cp", "{in}", "{out}"], &[])), Ok(signal()));
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.wav");
    let reversed: Vec<[f32; 2]> = signal().into_iter().rev().collect();
    write_wav(&other, &reversed);
    let copy = command(&["cp", "{ir}", "{out}"], &[("ir", &other)]);
    assert_eq!(make(&copy), Ok(reversed));
    assert_eq!(make(&plugin("test.gain", &[("Gain", "-6")])), Ok(low_passed(-6.0)));
}

#[test]
fn a_command_that_fails_is_told_with_what_it_said() {
    let shell = |text| make(&command(&["sh", "-c", text], &[])).unwrap_err();
    assert_eq!(
        shell("echo no such effect; exit 2"),
        "command `sh` ended with status 2\nit last said:\nno such effect"
    );
    assert_eq!(
        shell("kill -SEGV $$"),
        "command `sh` crashed: signal 11, segmentation fault\nit said nothing"
    );
    assert_eq!(
        shell("true"),
        "command `sh` ended well, but wrote no output\n\
         `{out}` is the file it must write, as WAV, AIFF or FLAC"
    );
    let slow = External { limit: Duration::from_millis(200), ..command(&["sleep", "600"], &[]) };
    assert_eq!(
        make(&slow).unwrap_err(),
        "command `sleep` had not ended after 0.2 s\n\
         if it needs longer, say `timeout`; it said nothing"
    );
}

#[test]
fn what_a_command_makes_must_fit_the_programme() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.wav");
    let copy = || make(&command(&["cp", "{made}", "{out}"], &[("made", &path)]));
    let first_line = || copy().unwrap_err().lines().next().unwrap().to_owned();
    let mut frames = signal();
    frames.extend([[0.5; 2]; 100]);
    write_wav(&path, &frames);
    assert_eq!(copy(), Ok(frames.clone()));
    frames.push([0.5; 2]);
    write_wav(&path, &frames);
    assert_eq!(first_line(), "command `cp` made 5101 frames of 5000");
    write_wav(&path, &frames[..4_999]);
    assert_eq!(first_line(), "command `cp` made 4999 frames of 5000");
    let mono: Vec<[f32; 1]> = frames.iter().map(|[left, _]| [*left]).collect();
    write_wav(&path, &mono);
    assert_eq!(first_line(), "command `cp` made 1 channels of 2");
    let mut bytes = fs::read(&path).unwrap();
    bytes[24..28].copy_from_slice(&44_100_u32.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    assert_eq!(first_line(), "command `cp` made 44100 Hz of 48000 Hz");
    fs::write(&path, "hello").unwrap();
    assert!(first_line().starts_with("what command `cp` wrote cannot be read: "));
}

#[test]
fn a_plug_in_that_fails_is_told_by_name() {
    let told = |id, parameters: &[_]| make(&plugin(id, parameters)).unwrap_err();
    assert_eq!(
        told("test.gain", &[("Gian", "0")]),
        "plug-in `test.clap`: it has no parameter `Gian`\ndid you mean `Gain`?"
    );
    let crash = told("test.crash", &[]);
    assert!(crash.starts_with("plug-in `test.clap` crashed: signal 6, aborted\n"), "{crash}");
    let hang = External { limit: Duration::from_millis(300), ..plugin("test.hang", &[]) };
    let hang = make(&hang).unwrap_err();
    assert!(hang.starts_with("plug-in `test.clap` had not ended after 0.3 s\n"), "{hang}");
}
