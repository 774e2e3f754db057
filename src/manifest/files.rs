//! Session audio on disk: where a file is looked for, and what its header says.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::delivery::{Input, InputId};
use super::outside::Place;
use super::raw::{Manifest, Text};
use super::resolve::{Faults, Probe};
use crate::audio::AudioError;
use crate::diag::{Diagnostic, nearest, shown};
use crate::fsio::Disk;

/// The files that the manifest names, each read once however often it is named.
pub(super) struct Files<'a> {
    disk: &'a Disk,
    probe: &'a mut Probe<'a>,
    /// Folder of the manifest.
    home: PathBuf,
    /// Folder of the session audio; `None` if there is no such folder.
    pub(super) audio: Option<PathBuf>,
    known: BTreeMap<PathBuf, Option<InputId>>,
    pub(super) inputs: Vec<Input>,
}

impl<'a> Files<'a> {
    pub(super) fn new(
        manifest: &Manifest,
        home: &Path,
        disk: &'a Disk,
        probe: &'a mut Probe<'a>,
        faults: &mut Faults,
    ) -> Self {
        let written = manifest.session.as_ref().and_then(|session| session.audio.as_ref());
        let audio = match written {
            None => Some(home.to_path_buf()),
            Some(text) => {
                let folder = home.join(&text.value);
                let found = disk.is_folder(&folder);
                if !found {
                    let title = format!("there is no folder `{}`", text.value);
                    let error = Diagnostic::error(title).at(&text.span, "the session audio");
                    let near = neighbour(disk, &folder);
                    faults.whole(match near {
                        Some(name) => error.help(format!("did you mean `{name}`?")),
                        None => error.help(format!("it is looked for in {}", shown(home))),
                    });
                }
                found.then_some(folder)
            }
        };
        let (home, known, inputs) = (home.to_path_buf(), BTreeMap::new(), Vec::new());
        Self { disk, probe, home, audio, known, inputs }
    }

    /// Where files beside the session audio are looked for.
    pub(super) fn place(&self) -> Place<'_> {
        Place { disk: self.disk, home: &self.home }
    }

    /// A path with its links resolved.
    pub(super) fn real(&self, path: &Path) -> PathBuf {
        self.disk.canonical(path)
    }

    /// The file of a track, in the folder of the session audio.
    pub(super) fn track(&mut self, text: &Text) -> Result<InputId, Option<Diagnostic>> {
        let folder = self.audio.clone().ok_or(None)?;
        self.find(text, &[folder])
    }

    /// A reference print: in the session audio, or beside the manifest.
    pub(super) fn reference(&mut self, text: &Text) -> Result<InputId, Option<Diagnostic>> {
        let folders: Vec<PathBuf> = self.audio.iter().chain([&self.home]).cloned().collect();
        self.find(text, &folders)
    }

    /// An error of `None` has been told before.
    fn find(&mut self, text: &Text, folders: &[PathBuf]) -> Result<InputId, Option<Diagnostic>> {
        let paths = || folders.iter().map(|folder| folder.join(&text.value));
        let mut looks = paths().map(|path| (self.disk.kind(&path), path));
        let Some(path) = looks.find_map(|(kind, path)| kind.is_ok().then_some(path)) else {
            return Err(Some(self.missing(text, folders)));
        };
        let path = self.disk.canonical(&path);
        if let Some(known) = self.known.get(&path) {
            return known.ok_or(None);
        }
        let found = self.read(text, &path);
        self.known.insert(path, found.as_ref().ok().copied());
        found.map_err(Some)
    }

    fn read(&mut self, text: &Text, path: &Path) -> Result<InputId, Diagnostic> {
        let name = &text.value;
        let error = |title: String| Diagnostic::error(title).at(&text.span, "");
        // A pipe or a device may keep whoever opens it waiting for ever.
        match self.disk.kind(path) {
            Ok(kind) if kind.is_dir() => {
                return Err(error(format!("`{name}` is a folder, not a file")));
            }
            Ok(kind) if !kind.is_file() => {
                let error = error(format!("`{name}` is a pipe or a device, not a file of audio"));
                return Err(error.help("only files on disk are read: bounce it to one"));
            }
            _ => {}
        }
        let info = (self.probe)(path).map_err(|why| {
            let error = error(format!("cannot read `{name}`: {why}"));
            match why {
                AudioError::Incomplete(_) => error.help("export it again, or wait for its end"),
                AudioError::Unsupported(_) => error.help("export it as WAV, AIFF or FLAC"),
                _ => error,
            }
        })?;
        if info.rate().is_none() || info.channels == 0 {
            let what = format!("{} channels at {} Hz", info.channels, info.sample_rate);
            return Err(error(format!("cannot use `{name}`: {what}"))
                .help("rates from 8000 to 768000 Hz and at least one channel are read"));
        }
        let id = InputId(self.inputs.len() as u32);
        let (path, shown, span) = (path.to_path_buf(), name.clone(), text.span.clone());
        self.inputs.push(Input { path, shown, info, span });
        Ok(id)
    }

    /// Why none of the places where a file is looked for has it.
    fn missing(&self, text: &Text, folders: &[PathBuf]) -> Diagnostic {
        let name = &text.value;
        let paths = || folders.iter().map(|folder| folder.join(name));
        let errors = paths().filter_map(|path| Some((self.disk.kind(&path).err()?.kind(), path)));
        let worse = errors.into_iter().find_map(|(why, path)| {
            unreachable(name, why, self.disk.is_link(&path)).map(|error| error.at(&text.span, ""))
        });
        if let Some(error) = worse {
            return error;
        }
        let error = Diagnostic::error(format!("there is no file `{name}`")).at(&text.span, "");
        let parent = Path::new(name).parent();
        match paths().find_map(|path| neighbour(self.disk, &path)) {
            Some(near) => {
                let right = parent.map_or_else(|| near.clone().into(), |folder| folder.join(&near));
                error.help(format!("did you mean `{}`?", shown(&right)))
            }
            None => {
                let mut places: Vec<String> =
                    folders.iter().map(|folder| shown(folder).to_string()).collect();
                places.dedup();
                error.help(format!("it is looked for in {}", places.join(" and in ")))
            }
        }
    }
}

/// What is wrong with a file that may well be there; `None` if there is none.
fn unreachable(name: &str, why: io::ErrorKind, is_link: bool) -> Option<Diagnostic> {
    match why {
        io::ErrorKind::PermissionDenied => Some(
            Diagnostic::error(format!("no permission to look at `{name}`"))
                .help("its folder, or one above it, is closed to this user"),
        ),
        _ if is_link => Some(
            Diagnostic::error(format!("`{name}` is a link that leads to no file"))
                .help("put the file itself here, or mend the link"),
        ),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => None,
        other => Some(Diagnostic::error(format!("cannot look at `{name}`: {other}"))),
    }
}

/// The name in the folder of `path` that is nearest to its own.
fn neighbour(disk: &Disk, path: &Path) -> Option<String> {
    let names = disk.list(path.parent()?).ok()?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    nearest(path.file_name()?.to_str()?, &names).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_folder_is_not_taken_for_an_empty_one() {
        let says =
            |why, is_link| unreachable("a.wav", why, is_link).map(|error| error.title().to_owned());
        let closed = Some("no permission to look at `a.wav`".into());
        assert_eq!(says(io::ErrorKind::PermissionDenied, false), closed);
        assert_eq!(says(io::ErrorKind::PermissionDenied, true), closed);
        assert_eq!(says(io::ErrorKind::NotFound, false), None);
        let link = Some("`a.wav` is a link that leads to no file".into());
        assert_eq!(says(io::ErrorKind::NotFound, true), link);
    }
}
