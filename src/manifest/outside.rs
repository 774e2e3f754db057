//! `command` and `clap` in a `process` chain: what is run, and the files that decide
//! what it makes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::raw::Text;
use crate::audio::wav::Encoding;
use crate::diag::{Diagnostic, Diagnostics, shown};
use crate::external::operator::{Command, Declared, External, Kind, Plugin, names_in};
use crate::fsio::Disk;
use crate::record;
use crate::units::SampleRate;
use crate::yaml::record::{At, Entries, Scalar};
use crate::yaml::times::Elapsed;

record! {
    /// A program over WAV files. It hears the whole programme, and is run anew when
    /// anything in it changes.
    pub RawCommand: "a command like `[sox, \"{in}\", \"{out}\", reverb]`, or a map with `run`",
    short run;
    /// The program and its arguments, which no shell sees. `{in}` and `{out}` stand for
    /// the WAV files it reads and writes.
    run: At<Vec<Text>>,
    /// Files and folders it may read, by the names that stand in braces in `run`;
    /// relative to the manifest.
    inputs: Entries<Text>,
    /// How long it may take: `60 s`, `10 min`; 10 min unless given.
    timeout: Option<TimeLimit>,
    /// How much longer than the programme its output may be; nothing unless given.
    tail: Option<Excess>,
    /// How the signal is written for it: float32 unless given, or pcm24.
    format: Option<Format>,
}

record! {
    /// A CLAP plug-in. It hears the whole programme, and is run anew when anything in
    /// it changes.
    pub RawPlugin: "a plug-in like `verb.clap`, or a map like `{ file: verb.clap, id: com.example.verb }`",
    short file;
    /// The plug-in's file, relative to the manifest.
    file: Text,
    /// Which plug-in in it, where it holds several.
    id: Option<Text>,
    /// A state that the plug-in saved, relative to the manifest.
    state: Option<Text>,
    /// Its parameters by name, after the state; numbers as the plug-in counts, or words
    /// that it understands.
    parameters: Entries<Text>,
    /// How long it may take: `60 s`, `10 min`; 10 min unless given.
    timeout: Option<TimeLimit>,
}

/// How long something may take.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TimeLimit(Duration);

impl TimeLimit {
    /// Much longer than anything takes that does not hang, for a film.
    const USUAL: TimeLimit = TimeLimit(Duration::from_secs(600));
}

impl Scalar for TimeLimit {
    const EXPECTED: &'static str = "a time from 1 s to 24 h like `60 s`, `10 min` or `2 h`";

    fn parse(text: &str) -> Option<Self> {
        let units = [("min", 60), ("h", 3600), ("s", 1)];
        let (number, unit) =
            units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
        let seconds = number.trim().parse::<u64>().ok()?.checked_mul(*unit)?;
        (1..=24 * 3600).contains(&seconds).then(|| Self(Duration::from_secs(seconds)))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+ *(s|min|h)$" })
    }
}

/// How much longer than the programme an output may be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Excess(Elapsed);

impl Scalar for Excess {
    const EXPECTED: &'static str = "a length of time like `2 s` or `96000 samples`";

    fn parse(text: &str) -> Option<Self> {
        Elapsed::parse(text).map(Self)
    }

    fn schema() -> Json {
        json!({ "anyOf": Elapsed::schemas() })
    }
}

/// How a signal is written for a program.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Format(Encoding);

impl Scalar for Format {
    const EXPECTED: &'static str = "a format: `float32` or `pcm24`";

    fn parse(text: &str) -> Option<Self> {
        Encoding::parse(text).filter(|encoding| encoding.bits() > 16).map(Self)
    }

    fn schema() -> Json {
        json!({ "enum": Self::names() })
    }

    fn names() -> Vec<&'static str> {
        vec![Encoding::Float32.name(), Encoding::Pcm24.name()]
    }
}

/// Where files are looked for.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) disk: &'a Disk,
    /// The folder of the manifest.
    pub(super) home: &'a Path,
}

/// Reads operators outside.
pub(super) struct Outside<'a> {
    pub(super) place: Place<'a>,
    pub(super) rate: SampleRate,
    pub(super) problems: &'a mut Diagnostics,
}

impl Outside<'_> {
    /// A program, and what it is in words; `None` if something is wrong with it.
    pub(super) fn command(&mut self, raw: &At<RawCommand>) -> Option<(External, String)> {
        let RawCommand { run, inputs, timeout, tail, format } = &raw.value;
        let told = self.problems.errors();
        let program = self.program(run);
        let files = self.inputs(inputs);
        self.check_words(run, inputs);
        let tail_frames = tail.map_or(0, |tail| tail.0.frames(self.rate));
        let (name, program) = program?;
        if self.problems.errors() > told {
            return None;
        }
        let run: Vec<String> = run.value.iter().map(|word| word.value.clone()).collect();
        let words = format!("command {}", run.join(" "));
        let encoding = format.map_or(Encoding::Float32, |format| format.0);
        let kind = Kind::Command(Command { run, program, inputs: files, encoding, tail_frames });
        let limit = timeout.unwrap_or(TimeLimit::USUAL).0;
        Some((External { name, kind, limit, span: raw.span.clone() }, words))
    }

    /// A plug-in, and what it is in words; `None` if something is wrong with it.
    pub(super) fn plugin(&mut self, raw: &At<RawPlugin>) -> Option<(External, String)> {
        let RawPlugin { file, id, state, parameters, timeout } = &raw.value;
        let told = self.problems.errors();
        let help = "a plug-in is named by its file; no folders of plug-ins are searched";
        let found = self.declared(file, help);
        let state = match state {
            None => None,
            Some(state) => Some(
                self.declared(state, "`state` names a file that holds what the plug-in saved")?,
            ),
        };
        let parameters: Vec<(String, String)> = parameters
            .0
            .iter()
            .filter_map(|entry| Some((entry.name.clone(), entry.body.as_ref()?.value.clone())))
            .collect();
        let found = found.filter(|_| self.problems.errors() == told)?;
        let name = last_part(&file.value);
        let id = id.as_ref().map(|id| id.value.clone());
        let mut words = format!("plug-in {}", id.as_ref().unwrap_or(&name));
        for (name, value) in &parameters {
            words.push_str(&format!(", {name} {value}"));
        }
        let limit = timeout.unwrap_or(TimeLimit::USUAL).0;
        let kind = Kind::Plugin(Plugin { file: found, id, state, parameters });
        Some((External { name, kind, limit, span: raw.span.clone() }, words))
    }

    /// The program that `run` begins with, by its name.
    fn program(&mut self, run: &At<Vec<Text>>) -> Option<(String, Declared)> {
        let Some(first) = run.value.first() else {
            let error = Diagnostic::error("a command without a program").at(&run.span, "empty");
            let help = "name it first: `run: [sox, \"{in}\", \"{out}\", reverb]`";
            self.problems.push(error.help(help));
            return None;
        };
        let Some(path) = self.place.disk.find_program(&first.value, self.place.home) else {
            let error = Diagnostic::error(format!("there is no program `{}`", first.value));
            let is_path = first.value.contains(std::path::is_separator);
            let help = if is_path {
                format!("it is looked for in {}", shown(self.place.home))
            } else {
                "it is looked for in the folders of PATH; one beside the manifest is \
                 written `./NAME`"
                    .to_owned()
            };
            self.problems.push(error.at(&first.span, "not found").help(help));
            return None;
        };
        // Not where a link leads: many programs do what the name says they were called by.
        let declared = self.digested(first, &path)?;
        Some((last_part(&first.value), declared))
    }

    fn inputs(&mut self, inputs: &Entries<Text>) -> Vec<(String, Declared)> {
        let mut files = Vec::new();
        for entry in &inputs.0 {
            if ["in", "out"].contains(&entry.name.as_str()) {
                let title = format!("an input of a command cannot be named `{}`", entry.name);
                let label = "stands for a file of rebounce's own";
                let error = Diagnostic::error(title).at(&entry.span, label);
                self.problems.push(error.help("give it another name"));
            }
            let Some(text) = &entry.body else { continue };
            let found = self.declared(text, "inputs are files beside the manifest");
            files.extend(found.map(|found| (entry.name.clone(), found)));
        }
        files
    }

    /// Every name in braces must stand for something, and both files must be named.
    fn check_words(&mut self, run: &At<Vec<Text>>, inputs: &Entries<Text>) {
        let inputs = inputs.0.iter().map(|entry| entry.name.as_str());
        let known: Vec<&str> = ["in", "out"].into_iter().chain(inputs).collect();
        let mut named = Vec::new();
        for word in run.value.iter().skip(1) {
            for name in names_in(&word.value) {
                named.push(name);
                if !known.contains(&name) {
                    let error = Diagnostic::error(format!("`{{{name}}}` stands for nothing"));
                    let error = error.at(&word.span, "");
                    let help = match crate::diag::nearest(name, &known) {
                        Some(near) => format!("did you mean `{{{near}}}`?"),
                        None => format!("name the file: `inputs: {{ {name}: FILE }}`"),
                    };
                    self.problems.push(error.help(help));
                }
            }
        }
        for (name, what) in [("in", "is given nothing to read"), ("out", "cannot write anything")] {
            if !run.value.is_empty() && !named.contains(&name) {
                let error = Diagnostic::error(format!("the command {what}"));
                let label = format!("does not say `{{{name}}}`");
                let help = format!("`\"{{{name}}}\"` among its arguments stands for the WAV file");
                self.problems.push(error.at(&run.span, label).help(help));
            }
        }
    }

    /// A file or folder relative to the manifest.
    fn declared(&mut self, text: &Text, help: &str) -> Option<Declared> {
        let path = self.place.home.join(&text.value);
        match self.place.disk.kind(&path) {
            Ok(kind) if kind.is_file() || kind.is_dir() => {
                self.digested(text, &self.place.disk.canonical(&path))
            }
            Ok(_) => {
                let title = format!("`{}` is a pipe or a device", text.value);
                self.problems.push(Diagnostic::error(title).at(&text.span, "not a file"));
                None
            }
            Err(_) => {
                let error = Diagnostic::error(format!("there is no file `{}`", text.value));
                let place = format!("not in {}", shown(self.place.home));
                self.problems.push(error.at(&text.span, place).help(help));
                None
            }
        }
    }

    fn digested(&mut self, text: &Text, path: &Path) -> Option<Declared> {
        let found = self
            .place
            .disk
            .stamp(path)
            .and_then(|stamp| Ok((stamp, self.place.disk.blake3_of_all(path)?)));
        match found {
            Ok((Some(stamp), digest)) => {
                Some(Declared { path: PathBuf::from(path), digest, stamp })
            }
            Ok((None, _)) => None,
            Err(error) => {
                self.problems.push(Diagnostic::error(error.to_string()).at(&text.span, ""));
                None
            }
        }
    }
}

/// `sox` of `/usr/bin/sox`.
fn last_part(path: &str) -> String {
    path.rsplit(std::path::is_separator).next().unwrap_or(path).to_owned()
}
