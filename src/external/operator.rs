//! What is done outside: a program or a plug-in, all that decides what it makes, and
//! the contract it is held to.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::host::{Hosting, INPUT, OUTPUT, REFUSAL};
use crate::audio::reader::AudioReader;
use crate::audio::wav::Encoding;
use crate::audio::{AudioError, AudioInfo};
use crate::diag::{Diagnostic, Failure, Span};
use crate::fsio::process::{Ended, Ending, Program};
use crate::fsio::{Disk, FileStamp};
use crate::units::SampleRate;

/// A file beside the session audio that decides what is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declared {
    /// Absolute path.
    pub path: PathBuf,
    /// BLAKE3 of its bytes; of a folder, of all names and bytes in it.
    pub digest: blake3::Hash,
    /// What it looked like before it was read for the digest.
    pub stamp: FileStamp,
}

/// An operator outside of rebounce. It hears the whole programme and nothing else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct External {
    /// What people call it: `sox`, `verb.clap`.
    pub name: String,
    /// What is run.
    pub kind: Kind,
    /// How long it may take.
    pub limit: Duration,
    /// Where the manifest asks for it.
    pub span: Span,
}

/// What is run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A program.
    Command(Command),
    /// A CLAP plug-in.
    Plugin(Plugin),
}

/// A program over WAV files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// The program and its arguments as written: `{in}`, `{out}` and the names of
    /// inputs in braces stand for paths.
    pub run: Vec<String>,
    /// The program's file.
    pub program: Declared,
    /// Files it may read, by name.
    pub inputs: Vec<(String, Declared)>,
    /// How the signal is written for it.
    pub encoding: Encoding,
    /// How many frames more than the programme has it may make.
    pub tail_frames: u64,
}

/// A CLAP plug-in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plugin {
    /// Its file.
    pub file: Declared,
    /// Which plug-in in it; `None` if it holds one.
    pub id: Option<String>,
    /// A state it saved.
    pub state: Option<Declared>,
    /// Parameters by name or number, with values as written.
    pub parameters: Vec<(String, String)>,
}

/// Frames that plug-ins are given at a time.
const BLOCK: u32 = 512;

/// Frames they are given for comparison: neither divides the other.
const OTHER_BLOCK: u32 = 480;

/// One way of running an operator; all ways must make the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// As it is delivered.
    Usual,
    /// A plug-in in blocks of another size.
    OtherBlocks,
}

/// What is written for an operator, and what it must make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Frames per second.
    pub sample_rate: SampleRate,
    /// Channels.
    pub width: usize,
    /// Frames of the programme.
    pub frames: u64,
}

impl External {
    /// The files that decide what it makes.
    pub fn files(&self) -> Vec<&Declared> {
        match &self.kind {
            Kind::Command(Command { program, inputs, run: _, encoding: _, tail_frames: _ }) => {
                [program].into_iter().chain(inputs.iter().map(|(_, file)| file)).collect()
            }
            Kind::Plugin(Plugin { file, state, id: _, parameters: _ }) => {
                [file].into_iter().chain(state).collect()
            }
        }
    }

    /// How the signal is written for it.
    pub fn encoding(&self) -> Encoding {
        match &self.kind {
            Kind::Command(command) => command.encoding,
            Kind::Plugin(_) => Encoding::Float32,
        }
    }

    /// What it is run as once more before it is believed: again, and if it is given
    /// blocks, in others.
    pub fn proofs(&self) -> &'static [Way] {
        match &self.kind {
            Kind::Command(_) => &[Way::Usual],
            Kind::Plugin(_) => &[Way::Usual, Way::OtherBlocks],
        }
    }

    /// Runs it in `folder`, which holds [`INPUT`] in [`encoding`](Self::encoding) and
    /// nothing else. Then [`OUTPUT`] has the rate and the channels of `shape`, and at
    /// least its frames; those behind them are of no account.
    pub fn run(
        &self,
        disk: &Disk,
        rebounce: &Path,
        folder: &Path,
        shape: Shape,
        way: Way,
    ) -> Result<(), Failure> {
        let (path, arguments) = self.command_line(rebounce, folder, way);
        let limit = self.limit;
        let program =
            Program { guard: rebounce, path: &path, arguments: &arguments, folder, limit };
        let ended = disk.run(&program)?;
        if ended.how == Ending::Status(1)
            && let (Kind::Plugin(_), Some(why)) =
                (&self.kind, disk.read_if_any(&folder.join(REFUSAL))?)
        {
            let why = String::from_utf8_lossy(&why);
            let (what, help) = why.split_once('\n').unwrap_or((&why, ""));
            return Err(self.failed(format!("plug-in `{}`: {what}", self.name), help));
        }
        for file in self.files() {
            let now = disk.stamp(&file.path)?;
            if !now.is_some_and(|now| now.is_same_content(&file.stamp)) {
                let name = file.path.display();
                let help = "wait for what writes it to end, then build again";
                return Err(self.failed(format!("{name} changed while it was in use"), help));
            }
        }
        self.check_end(ended)?;
        self.check_output(disk, &folder.join(OUTPUT), shape)
    }

    /// The program and its arguments.
    fn command_line(&self, rebounce: &Path, folder: &Path, way: Way) -> (PathBuf, Vec<OsString>) {
        match &self.kind {
            Kind::Command(Command { run, program, inputs, encoding: _, tail_frames: _ }) => {
                let files = inputs.iter().map(|(name, file)| (name.as_str(), file.path.clone()));
                let own = [("in", folder.join(INPUT)), ("out", folder.join(OUTPUT))];
                let files: Vec<(&str, PathBuf)> = own.into_iter().chain(files).collect();
                let arguments = run[1..].iter().map(|word| filled(word, &files)).collect();
                (program.path.clone(), arguments)
            }
            Kind::Plugin(Plugin { file, id, state, parameters }) => {
                let hosting = Hosting {
                    file: file.path.clone(),
                    id: id.clone(),
                    state: state.as_ref().map(|state| state.path.clone()),
                    parameters: parameters.clone(),
                    block: if way == Way::OtherBlocks { OTHER_BLOCK } else { BLOCK },
                };
                (rebounce.to_path_buf(), hosting.to_words())
            }
        }
    }

    fn check_end(&self, ended: Ended) -> Result<(), Failure> {
        let Ended { how, last_lines } = ended;
        let said = match last_lines.as_str() {
            "" => "it said nothing".to_owned(),
            lines => format!("it last said:\n{lines}"),
        };
        let who = self.who();
        match how {
            Ending::Done => Ok(()),
            Ending::Status(status) => {
                Err(self.failed(format!("{who} ended with status {status}"), said))
            }
            Ending::Signal(signal) => {
                let name = signal_name(signal).map_or(String::new(), |name| format!(", {name}"));
                Err(self.failed(format!("{who} crashed: signal {signal}{name}"), said))
            }
            Ending::TimeUp => {
                let seconds = self.limit.as_secs_f64();
                let what = format!("{who} had not ended after {seconds} s");
                Err(self.failed(what, format!("if it needs longer, say `timeout`; {said}")))
            }
        }
    }

    fn check_output(&self, disk: &Disk, path: &Path, shape: Shape) -> Result<(), Failure> {
        let who = self.who();
        if disk.stamp(path)?.is_none() {
            let help = "`{out}` is the file it must write, as WAV, AIFF or FLAC";
            return Err(self.failed(format!("{who} ended well, but wrote no output"), help));
        }
        let unreadable = |error: AudioError| {
            self.failed(
                format!("what {who} wrote cannot be read: {error}"),
                "it must write WAV, AIFF or FLAC",
            )
        };
        let reader = AudioReader::open(disk.open(path)?).map_err(unreadable)?;
        let AudioInfo { sample_rate, channels, frames, .. } = *reader.info();
        let Shape { sample_rate: rate, width, frames: given } = shape;
        if sample_rate != rate.hz() {
            let what = format!("{who} made {sample_rate} Hz of {rate}");
            return Err(self.failed(what, "it must keep the sample rate"));
        }
        if usize::from(channels) != width {
            let what = format!("{who} made {channels} channels of {width}");
            return Err(self.failed(what, "it must keep the channels"));
        }
        if frames < given {
            let what = format!("{who} made {frames} frames of {given}");
            let help = "what is too short may be out of place: it must keep the length";
            return Err(self.failed(what, help));
        }
        let allowed = match &self.kind {
            Kind::Command(command) => command.tail_frames,
            Kind::Plugin(_) => 0,
        };
        if frames - given > allowed {
            let what = format!("{who} made {frames} frames of {given}");
            let help = "allow it with `tail: 2 s`; what lies behind the end of the programme is \
                        left off, so give the session a `tail` as well if it is to be heard";
            return Err(self.failed(what, help));
        }
        Ok(())
    }

    /// An error at the place where the manifest asks for it. `help` may be empty.
    pub fn failed(&self, what: String, help: impl Into<String>) -> Failure {
        let error = Diagnostic::error(what).at(&self.span, "");
        let help = help.into();
        if help.is_empty() { error.into() } else { error.help(help).into() }
    }

    /// ``command `sox` ``.
    pub fn who(&self) -> String {
        let kind = match &self.kind {
            Kind::Command(_) => "command",
            Kind::Plugin(_) => "plug-in",
        };
        format!("{kind} `{}`", self.name)
    }
}

/// A word with the names in braces replaced by the paths they stand for.
fn filled(word: &str, files: &[(&str, PathBuf)]) -> OsString {
    let (mut filled, mut rest) = (OsString::new(), word);
    while let Some((before, name, after)) = next_name(rest) {
        filled.push(before);
        match files.iter().find(|(known, _)| *known == name) {
            Some((_, path)) => filled.push(path),
            None => filled.push(format!("{{{name}}}")),
        }
        rest = after;
    }
    filled.push(rest);
    filled
}

/// The names in braces in a word of a command.
pub fn names_in(word: &str) -> Vec<&str> {
    let (mut names, mut rest) = (Vec::new(), word);
    while let Some((_, name, after)) = next_name(rest) {
        names.push(name);
        rest = after;
    }
    names
}

/// What stands before the first name in braces, the name, and what follows. Braces
/// around anything but letters, digits, `-`, `_` and `.` are braces.
fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text[from..].find('{')?;
        let inside = &text[open + 1..];
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let end = inside.find(|c| !is_part(c))?;
        if end > 0 && inside[end..].starts_with('}') {
            return Some((&text[..open], &inside[..end], &inside[end + 1..]));
        }
        from = open + 1;
    }
}

/// What people know a signal by (POSIX.1-2017, `signal.h`).
fn signal_name(signal: i32) -> Option<&'static str> {
    match signal {
        4 => Some("illegal instruction"),
        6 => Some("aborted"),
        7 | 10 => Some("bus error"),
        8 => Some("arithmetic error"),
        9 => Some("killed, perhaps for want of memory"),
        11 => Some("segmentation fault"),
        15 => Some("terminated"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_are_found_and_other_braces_left_alone() {
        assert_eq!(names_in("{in}"), ["in"]);
        assert_eq!(names_in("a={ir.wav}:{out}}"), ["ir.wav", "out"]);
        for plain in ["", "in", "{}", "{a b}", "{in", "in}", "{{", "${"] {
            assert!(names_in(plain).is_empty(), "{plain}");
        }
        let files = [("in", PathBuf::from("/x/in.wav"))];
        assert_eq!(filled("{{in}}", &files), "{/x/in.wav}");
        assert_eq!(filled("-f{in},{n} {", &files), "-f/x/in.wav,{n} {");
    }
}
