//! Programs that are not ours: started, limited, and ended with all they started.
//!
//! Between rebounce and such a program stands a *guard*: rebounce's own binary,
//! started once more. It ends the program and all that the program started as soon
//! as its standard input closes, which happens when rebounce says so (the time is
//! up) and when rebounce itself is gone, however it went.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{Context, Disk, DiskError};

/// The first argument by which rebounce knows that it is to be a guard; the program
/// and its arguments follow. No deliverable can have this name.
pub const GUARD: &str = "--guard";

/// What a program finds in its environment of what rebounce found in its own: where
/// programs, libraries and the settings of their owner lie. Nothing else passes, so
/// that a result does not depend on the shell that rebounce was started from.
pub const PASSED_ON: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SystemRoot",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "ProgramData",
    "ProgramFiles",
];

/// How often a guard looks whether its program has ended.
const LOOK: Duration = Duration::from_millis(5);

/// How long a guard may take to end its program before it is ended itself.
const GRACE: Duration = Duration::from_secs(5);

/// Bytes of output that are kept: its end, where programs say what is wrong.
const KEPT: usize = 16 * 1024;

/// Lines of it that are shown.
const SHOWN_LINES: usize = 20;

/// A program to be run.
#[derive(Clone, Debug)]
pub struct Program<'a> {
    /// Rebounce's own binary.
    pub guard: &'a Path,
    /// The program.
    pub path: &'a Path,
    /// Its arguments; no shell sees them.
    pub arguments: &'a [OsString],
    /// Where it runs, which is also its folder for temporary files.
    pub folder: &'a Path,
    /// How long it may take.
    pub limit: Duration,
}

/// How a program ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// With status 0.
    Done,
    /// With another status.
    Status(i32),
    /// By a signal: it crashed, or was killed.
    Signal(i32),
    /// It had not ended when its time was up.
    TimeUp,
}

/// What there is to say of a program that has run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// How it ended.
    pub how: Ending,
    /// The last lines of what it wrote to its output and its error output.
    pub last_lines: String,
}

impl Disk {
    /// The program of that name: a path relative to `home` if it is written as one,
    /// else what `PATH` leads to. `None` if there is none.
    pub fn find_program(&self, name: &str, home: &Path) -> Option<PathBuf> {
        if name.contains(std::path::is_separator) {
            return Some(home.join(name)).filter(|path| path.is_file());
        }
        let folders = std::env::var_os("PATH")?;
        let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let mut paths = std::env::split_paths(&folders).map(|folder| folder.join(&name));
        paths.find(|path| is_program(path)).and_then(|path| std::path::absolute(path).ok())
    }

    /// Runs a program to its end or the end of its time; nothing it started is left.
    /// Its input is empty, its output is kept from the terminal.
    pub fn run(&self, program: &Program<'_>) -> Result<Ended, DiskError> {
        let started = self.change("start", program.path, || start(program))?;
        let (mut guard, output) = started;
        let (told, ended) = mpsc::channel();
        thread::spawn(move || told.send(end_of(output)));
        // The output ends when the guard has ended, and so has all that it started.
        let (bytes, in_time) = match ended.recv_timeout(program.limit) {
            Ok(bytes) => (bytes, true),
            Err(_) => {
                drop(guard.stdin.take());
                let bytes = ended.recv_timeout(GRACE).unwrap_or_default();
                // It has ended, unless something holds it; then nothing is lost.
                let _ = guard.kill();
                (bytes, false)
            }
        };
        let status = guard.wait().on("wait for", program.path)?;
        let how = if in_time { ending(status) } else { Ending::TimeUp };
        Ok(Ended { how, last_lines: last_lines(&bytes) })
    }
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

fn start(program: &Program<'_>) -> io::Result<(Child, io::PipeReader)> {
    let (output, theirs) = io::pipe()?;
    let passed_on = PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    // The command holds a hand on the pipe and must be gone before it is read.
    let guard = Command::new(program.guard)
        .arg(GUARD)
        .arg(program.path)
        .args(program.arguments)
        .current_dir(program.folder)
        .env_clear()
        .envs(passed_on)
        .envs([("LC_ALL", "C"), ("TZ", "UTC")])
        .envs(["TMPDIR", "TEMP", "TMP"].map(|name| (name, program.folder)))
        .stdin(Stdio::piped())
        .stdout(theirs.try_clone()?)
        .stderr(theirs)
        .spawn()?;
    Ok((guard, output))
}

/// The end of what a program wrote, once it is all there.
fn end_of(mut output: impl Read) -> Vec<u8> {
    let (mut kept, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = output.read(&mut piece) {
        kept.extend_from_slice(&piece[..count]);
        if kept.len() > 2 * KEPT {
            kept.drain(..kept.len() - KEPT);
        }
    }
    kept
}

fn last_lines(bytes: &[u8]) -> String {
    let end = &bytes[bytes.len().saturating_sub(KEPT)..];
    let text = String::from_utf8_lossy(end);
    // Progress that overwrites its own line counts as one, and no sequence of
    // control characters reaches a terminal.
    let plain = |line: &str| {
        let shown = line.trim_end().rsplit('\r').next().unwrap_or_default();
        shown.chars().filter(|c| !c.is_control() || *c == '\t').collect::<String>()
    };
    let lines: Vec<String> = text.lines().map(plain).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

/// How the program of a guard ended, by the status of the guard.
fn ending(status: ExitStatus) -> Ending {
    match status.code() {
        Some(0) => Ending::Done,
        Some(code @ 129..) => Ending::Signal(code - SIGNALS),
        Some(code) => Ending::Status(code),
        // The guard itself was killed, for want of memory or by somebody.
        None => Ending::Signal(KILLED),
    }
}

/// What shells add to the number of a signal to make a status of it.
const SIGNALS: i32 = 128;
/// SIGKILL of POSIX.
const KILLED: i32 = 9;
/// What shells say of a program that cannot be started.
const NOT_STARTED: u8 = 126;

/// Is the guard of a program until that has ended; returns its status as shells put
/// it, and why it could not be started.
pub fn guard(program: &OsStr, arguments: &[OsString]) -> (u8, Option<String>) {
    match guarded(program, arguments) {
        Ok(status) => (status, None),
        Err(error) => {
            let why = format!("cannot start {}: {error}", program.to_string_lossy());
            (NOT_STARTED, Some(why))
        }
    }
}

fn guarded(program: &OsStr, arguments: &[OsString]) -> io::Result<u8> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    let (alone, closed) = mpsc::channel();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        alone.send(())
    });
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if closed.recv_timeout(LOOK).is_ok() {
            end_group(&mut child);
            break child.wait()?;
        }
    };
    // What it left running in its group ends with it.
    end_group(&mut child);
    Ok(shell_status(status))
}

/// Ends a program and all that it started and that has not left its group.
fn end_group(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // There may be none left.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
}

fn shell_status(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(SIGNALS + signal).unwrap_or(u8::MAX);
    }
    match status.code() {
        Some(0) => 0,
        code => code.and_then(|code| u8::try_from(code).ok()).filter(|code| *code > 0).unwrap_or(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_shown_without_what_a_terminal_would_obey() {
        let many: String = (0..1000).map(|n| format!("line {n}\n")).collect();
        let shown = last_lines(&end_of(many.as_bytes()));
        assert_eq!(shown.lines().count(), SHOWN_LINES);
        assert!(shown.ends_with("line 998\nline 999"), "{shown}");
        assert_eq!(last_lines(b"10%\r50%\r100%\r\n\n\x1b[31mred\x07\n"), "100%\n[31mred");
        assert_eq!(last_lines(b""), "");
    }

    #[cfg(unix)]
    #[test]
    fn programs_are_found_by_path_or_beside_the_manifest() {
        let home = tempfile::tempdir().unwrap();
        let disk = Disk::new();
        disk.replace(&home.path().join("sh"), b"").unwrap();
        let found = disk.find_program("sh", home.path()).unwrap();
        assert!(found.is_absolute() && found.ends_with("sh") && !found.starts_with(home.path()));
        assert_eq!(disk.find_program("./sh", home.path()), Some(home.path().join("./sh")));
        assert_eq!(disk.find_program("./no", home.path()), None);
        assert_eq!(disk.find_program("no program has this name", home.path()), None);
    }

    #[test]
    fn what_is_kept_of_endless_output_is_bounded() {
        let kept = end_of(io::repeat(b'x').take(1 << 20));
        assert!((KEPT..=2 * KEPT).contains(&kept.len()), "{}", kept.len());
    }
}
