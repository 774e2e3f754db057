//! What lies in a folder: its audio files, what they say of themselves, and why some
//! cannot be read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::audio::remarks::{self, Remarks};
use crate::audio::{AudioInfo, reader};
use crate::diag::{Diagnostic, Failure, shown};
use crate::fsio::Disk;

/// Folders below the one that is named; what is deeper is hardly a bounce.
const DEEPEST: usize = 5;

/// More files than any song or film is exported to.
const MOST: usize = 2000;

/// How files of audio are called, those that can be read and those that cannot.
const AUDIO: [&str; 24] = [
    "wav", "wave", "bwf", "rf64", "bw64", "aif", "aiff", "aifc", "flac", "w64", "caf", "mp3",
    "m4a", "mp4", "aac", "ac3", "ec3", "ogg", "opus", "wma", "wv", "ape", "sd2", "mxf",
];

/// An audio file that can be read.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// From the folder that was surveyed, with `/`.
    pub(super) path: String,
    pub(super) info: AudioInfo,
    pub(super) remarks: Remarks,
}

/// All that was found in a folder, in the order of the paths.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) files: Vec<Found>,
    /// Audio files that cannot be read, and why.
    pub(super) refused: Vec<(String, String)>,
    /// Folders that lie too deep to be looked into.
    pub(super) too_deep: Vec<String>,
}

/// Looks through a folder and those below it.
pub(super) fn survey(disk: &Disk, folder: &Path) -> Result<Survey, Failure> {
    let mut survey = Survey::default();
    let mut names = Vec::new();
    let mut seen = BTreeSet::new();
    walk(disk, folder, "", 0, &mut seen, &mut names, &mut survey.too_deep)?;
    if names.len() > MOST {
        let title = format!("there are {} audio files below {}", names.len(), shown(folder));
        let help = format!("name the folder of the bounces; up to {MOST} files are looked at");
        return Err(Diagnostic::error(title).help(help).into());
    }
    for path in names {
        match look(disk, &folder.join(&path)) {
            Ok((info, remarks)) => survey.files.push(Found { path, info, remarks }),
            Err(why) => survey.refused.push((path, why)),
        }
    }
    Ok(survey)
}

/// What one file says, or why it cannot be used.
fn look(disk: &Disk, path: &Path) -> Result<(AudioInfo, Remarks), String> {
    // A pipe or a device may keep whoever opens it waiting for ever.
    if !disk.kind(path).map_err(|error| error.to_string())?.is_file() {
        return Err("no file on disk".into());
    }
    let open = || disk.open(path).map_err(|error| error.source.to_string());
    let info = reader::probe(open()?).map_err(|error| error.to_string())?;
    if info.rate().is_none() {
        return Err(format!("{} channels at {} Hz", info.channels, info.sample_rate));
    }
    // Remarks are a gift: a file without any is as good.
    let remarks = remarks::read(open()?).unwrap_or_default();
    Ok((info, remarks))
}

/// Collects the paths of audio files.
fn walk(
    disk: &Disk,
    folder: &Path,
    inside: &str,
    depth: usize,
    seen: &mut BTreeSet<PathBuf>,
    found: &mut Vec<String>,
    too_deep: &mut Vec<String>,
) -> Result<(), Failure> {
    // A link may lead back to a folder above it.
    if !seen.insert(disk.canonical(folder)) {
        return Ok(());
    }
    let names = disk.list(folder)?;
    if names.iter().any(|name| name == "qc.json") && names.iter().any(|n| n == "checksums.b3") {
        return Ok(());
    }
    for name in names.iter().filter(|name| !is_passing(name)) {
        let path = format!("{inside}{name}");
        let place = folder.join(name);
        if disk.is_folder(&place) {
            if name == "deliveries" {
                continue;
            } else if depth == DEEPEST {
                too_deep.push(path);
            } else {
                walk(disk, &place, &format!("{path}/"), depth + 1, seen, found, too_deep)?;
            }
        } else if is_audio(name) {
            found.push(path);
        }
    }
    Ok(())
}

/// Hidden, or not meant to last: what a DAW or a download leaves beside the files.
fn is_passing(name: &str) -> bool {
    let lower = name.to_lowercase();
    let ends = [".tmp", ".temp", ".part", ".partial", ".crdownload", ".bak", "~"];
    name.starts_with(['.', '~', '$', '#']) || ends.iter().any(|end| lower.ends_with(end))
}

fn is_audio(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
    extension.is_some_and(|extension| AUDIO.contains(&extension.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &Path, name: &str, bytes: &[u8]) {
        let path = folder.join(name);
        Disk::new().create_folders(path.parent().unwrap()).unwrap();
        Disk::new().replace(&path, bytes).unwrap();
    }

    #[test]
    fn bounces_are_found_and_what_is_hidden_passing_or_delivered_is_not() {
        let home = tempfile::tempdir().unwrap();
        for name in [
            "kick.wav",
            "sub/bass.aif",
            ".kick.wav",
            "._kick.wav",
            ".rebounce/x.wav",
            "take.wav.part",
            "deliveries/mix/song.wav",
            "out/pack/qc.json",
            "out/pack/checksums.b3",
            "out/pack/song.wav",
            "notes.txt",
            "1/2/3/4/5/deep.wav",
            "1/2/3/4/5/6/deeper.wav",
        ] {
            put(home.path(), name, b"");
        }
        let survey = survey(&Disk::new(), home.path()).unwrap();
        let names: Vec<&str> = survey.refused.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["1/2/3/4/5/deep.wav", "kick.wav", "sub/bass.aif"]);
        assert_eq!(survey.too_deep, ["1/2/3/4/5/6"]);
        assert!(survey.refused.iter().all(|(_, why)| why == "incomplete: the file is empty"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_back_is_followed_once() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "a/kick.wav", b"");
        std::os::unix::fs::symlink(home.path(), home.path().join("a/again")).unwrap();
        assert_eq!(survey(&Disk::new(), home.path()).unwrap().refused.len(), 1);
    }
}
