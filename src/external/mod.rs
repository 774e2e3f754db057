//! The bus from outside: programs and CLAP plug-ins over WAV files, each in a process
//! of its own, so that what crashes or hangs there harms nothing here.

pub mod host;
mod load;
pub mod operator;
mod parameters;
mod ports;
mod wav;

use std::ffi::OsString;
use std::path::Path;

use clack_host::plugin::PluginInstanceError;

use crate::audio::AudioError;
use crate::diag::nearest;
use crate::fsio::process::{GUARD, guard};
use crate::fsio::{Disk, DiskError};

/// Why a plug-in cannot do what is asked: words that go on from its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// What is wrong.
    pub what: String,
    /// What to do; may be empty.
    pub help: String,
}

impl Refusal {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: String::new() }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: help.into(), ..self }
    }

    /// Proposes the nearest of `names`, or else lists them.
    fn nearest(self, written: &str, names: &[String]) -> Self {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        match nearest(written, &known) {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self.help(format!("it has {}", names.join(", "))),
        }
    }

    fn of_instance(error: PluginInstanceError) -> Self {
        Self::new(format!("it fails: {error}"))
    }

    fn of_audio(error: AudioError) -> Self {
        Self::new(format!("its input cannot be read: {error}"))
    }
}

impl From<DiskError> for Refusal {
    fn from(error: DiskError) -> Self {
        Self::new(error.to_string())
    }
}

/// Does what rebounce starts itself for: guards a program, or hosts a plug-in. Returns
/// the exit status and what is to be said, or `None` if the words ask for neither.
pub fn helper(disk: &Disk, words: &[OsString]) -> Option<(u8, Option<String>)> {
    let (first, rest) = words.split_first()?;
    if first == GUARD {
        let (program, arguments) = rest.split_first()?;
        return Some(guard(program, arguments));
    }
    if first == host::HOST {
        let hosting = host::Hosting::from_words(rest)?;
        let done = host::host(disk, &hosting, Path::new("."));
        return Some((u8::from(!done), None));
    }
    None
}
