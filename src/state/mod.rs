//! `.rebounce/`: what was delivered, from what. A memo and nothing more: without
//! it the next build renders everything again and the deliveries come out the same.
//!
//! ```text
//! .rebounce/<manifest file name>/
//!   lock                    held while a command works on the project
//!   inputs                  stamps, headers and digests of session audio
//!   <deliverable>.package   what its folder holds and the keys of every segment
//!   <deliverable>.next      the same for a package about to be published
//!   <deliverable>.facts     what was measured, by key
//!   moved                   packages that may still stand at their old places
//!   staging                 where a build is staging packages, while it does
//! ```
//! Every file is replaced whole by rename and carries its own checksum. One that
//! is damaged, foreign or of another version is set aside with a line of notice.

pub mod inputs;
pub mod outside;
pub mod record;
pub mod store;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fsio::{Disk, DiskError};

/// Raised whenever the content of a state file changes shape.
const FORMAT_VERSION: u32 = 1;

const MAGIC: &[u8; 16] = b"rebounce state\r\n";
const HASH_BYTES: usize = 32;

/// The folder that holds the state of one manifest.
#[derive(Clone)]
pub struct StateFolder {
    disk: Disk,
    folder: PathBuf,
}

impl StateFolder {
    /// The folder for the manifest at `manifest` (absolute).
    pub fn beside(disk: &Disk, manifest: &Path) -> Self {
        let name = manifest.file_name().unwrap_or_default();
        let root = manifest.parent().unwrap_or(Path::new("."));
        Self { disk: disk.clone(), folder: root.join(".rebounce").join(name) }
    }

    /// Path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A short name that no other manifest on this machine has, for what it leaves
    /// outside its folder.
    pub fn owner(&self) -> String {
        let path = self.folder.to_string_lossy();
        blake3::hash(path.as_bytes()).to_hex()[..8].to_owned()
    }

    /// The states of the other manifests in the same folder.
    pub fn siblings(&self) -> Result<Vec<StateFolder>, DiskError> {
        let Some(root) = self.folder.parent() else { return Ok(Vec::new()) };
        let names = self.disk.list(root)?;
        let folders = names.into_iter().map(|name| root.join(name));
        let others = folders.filter(|folder| *folder != self.folder);
        Ok(others.map(|folder| StateFolder { disk: self.disk.clone(), folder }).collect())
    }

    /// Makes the folder.
    pub fn create(&self) -> Result<(), DiskError> {
        self.disk.create_folders(&self.folder)
    }

    /// Reads a state file. `notice` is told when one had to be set aside.
    pub fn load<T: DeserializeOwned>(
        &self,
        name: &str,
        notice: &mut dyn FnMut(String),
    ) -> Result<Option<T>, DiskError> {
        let path = self.path(name);
        let Some(bytes) = self.disk.read_if_any(&path)? else { return Ok(None) };
        match unseal(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(why) => {
                let aside = self.path(&format!("{name}.set-aside"));
                self.disk.rename(&path, &aside)?;
                notice(format!(
                    "{} {why}; set aside as {}, and what it remembered is found out again",
                    path.display(),
                    aside.file_name().unwrap_or_default().to_string_lossy(),
                ));
                Ok(None)
            }
        }
    }

    /// Replaces a state file.
    pub fn save<T: Serialize>(&self, name: &str, value: &T) -> Result<(), DiskError> {
        self.disk.replace(&self.path(name), &seal(value))
    }

    /// Removes a state file if it is there.
    pub fn remove(&self, name: &str) -> Result<(), DiskError> {
        self.disk.remove_file_if_any(&self.path(name))
    }

    /// Names of the deliverables that have a record, sorted.
    pub fn deliverables(&self) -> Result<Vec<String>, DiskError> {
        let names = self.disk.list(&self.folder)?;
        let mut found: Vec<String> = names
            .iter()
            .filter_map(|n| n.strip_suffix(".package").or_else(|| n.strip_suffix(".next")))
            .map(str::to_owned)
            .collect();
        found.dedup();
        Ok(found)
    }
}

/// Magic, version, checksum, content.
fn seal<T: Serialize>(value: &T) -> Vec<u8> {
    let content = postcard::to_stdvec(value).expect("BUG: state is plain data");
    let mut bytes = Vec::with_capacity(content.len() + MAGIC.len() + 4 + HASH_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(blake3::hash(&content).as_bytes());
    bytes.extend_from_slice(&content);
    bytes
}

fn unseal<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, &'static str> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("is not a rebounce state file")?;
    let (version, rest) = rest.split_first_chunk::<4>().ok_or("is cut short")?;
    if u32::from_le_bytes(*version) != FORMAT_VERSION {
        return Err("is of another version of rebounce");
    }
    let (hash, content) = rest.split_first_chunk::<HASH_BYTES>().ok_or("is cut short")?;
    if blake3::hash(content) != *hash {
        return Err("is damaged");
    }
    postcard::from_bytes(content).map_err(|_| "is of another version of rebounce")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, StateFolder) {
        let temporary = tempfile::tempdir().unwrap();
        let state = StateFolder::beside(&Disk::new(), &temporary.path().join("deliverables.yaml"));
        state.create().unwrap();
        (temporary, state)
    }

    #[test]
    fn every_kind_of_damage_is_set_aside_with_one_notice() {
        let (_temporary, state) = folder();
        state.save("inputs", &vec![1_u32, 2, 3]).unwrap();
        let good = state.disk.read(&state.path("inputs")).unwrap();
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        let mut newer = good.clone();
        newer[16] += 1;
        for bad in [&good[..good.len() - 1], &good[..20], b"hello", b"", &flipped, &newer] {
            state.disk.replace(&state.path("inputs"), bad).unwrap();
            let mut notices = Vec::new();
            let value: Option<Vec<u32>> =
                state.load("inputs", &mut |notice| notices.push(notice)).unwrap();
            assert_eq!((value, notices.len()), (None, 1));
            assert!(state.disk.read(&state.path("inputs.set-aside")).is_ok());
        }
        state.disk.replace(&state.path("inputs"), &good).unwrap();
        let value: Option<Vec<u32>> = state.load("inputs", &mut |_| panic!("no notice")).unwrap();
        assert_eq!(value, Some(vec![1, 2, 3]));
    }
}
