//! What was delivered: one record per package.

use serde::{Deserialize, Serialize};

use crate::fsio::{Disk, DiskError, FileStamp};
use crate::key::Key;
use crate::qc::facts::{NullFacts, SegmentFacts};
use crate::qc::report::Verdict;

use super::StateFolder;

/// A package as it was published.
#[derive(Clone, Serialize, Deserialize)]
pub struct Record {
    /// Its folder (absolute).
    pub folder: String,
    /// Stands for all that it was made from.
    pub made_from: Key,
    /// What its checks came to.
    pub verdict: Verdict,
    /// Its audio files.
    pub files: Vec<FileRecord>,
    /// README.txt, QC.html, qc.json and checksums.b3.
    pub documents: Vec<DocumentRecord>,
    /// The session audio it was made from: path as shown, digests by segment.
    pub inputs: Vec<(String, Vec<Key>)>,
}

/// An audio file as it was published.
#[derive(Clone, Serialize, Deserialize)]
pub struct FileRecord {
    /// Path within the package.
    pub path: String,
    /// Its stamp after publishing; `None` if it was not seen since.
    pub stamp: Option<FileStamp>,
    /// BLAKE3 of all its bytes.
    pub blake3: Key,
    /// BLAKE3 of the bytes before the samples.
    pub header: Key,
    /// Number of those bytes.
    pub header_bytes: u64,
    /// Bytes of one frame.
    pub frame_bytes: u32,
    /// Frames per second.
    pub sample_rate: u32,
    /// Length in frames.
    pub frames: u64,
    /// Keys of its segments.
    pub segments: Vec<Key>,
    /// Samples per segment and channel that went past full scale before they
    /// were written: the one fact that its bytes do not tell.
    pub overs: Vec<Vec<u32>>,
    /// How it is made, a line per operator.
    pub recipe: Vec<String>,
}

/// A document as it was published.
#[derive(Clone, Serialize, Deserialize)]
pub struct DocumentRecord {
    /// Path within the package.
    pub path: String,
    /// Its stamp after publishing; `None` if it was not seen since.
    pub stamp: Option<FileStamp>,
    /// BLAKE3 of its bytes.
    pub blake3: Key,
}

/// What was measured for one package, by key.
#[derive(Default, Serialize, Deserialize)]
pub struct FactsRecord {
    /// Of delivered signals.
    pub segments: Vec<(Key, SegmentFacts)>,
    /// Of null tests.
    pub nulls: Vec<(Key, NullFacts)>,
}

/// The name of the checksum file, whose hash tells one state of a package from another.
pub const CHECKSUMS: &str = "checksums.b3";

impl Record {
    /// All paths of the package with their stamps and hashes.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Option<FileStamp>, Key)> {
        let audio = self.files.iter().map(|f| (f.path.as_str(), &f.stamp, f.blake3));
        let documents = self.documents.iter().map(|d| (d.path.as_str(), &d.stamp, d.blake3));
        audio.chain(documents)
    }

    /// Notes stamps. They must have been taken when the bytes were known to be those
    /// recorded: a later look could see somebody's change and take it for ours. A
    /// file without a stamp is read and hashed by the next build.
    pub fn stamp_with(&mut self, stamp: impl Fn(&str) -> Option<FileStamp>) {
        self.files.iter_mut().for_each(|file| file.stamp = stamp(&file.path));
        self.documents.iter_mut().for_each(|document| document.stamp = stamp(&document.path));
    }

    fn checksums(&self) -> Option<Key> {
        self.documents.iter().find(|d| d.path == CHECKSUMS).map(|d| d.blake3)
    }

    /// Whether the folder holds this state of the package, going by its checksum file.
    fn is_published(&self, disk: &Disk) -> Result<bool, DiskError> {
        let path = std::path::Path::new(&self.folder).join(CHECKSUMS);
        let found = disk.read_if_any(&path)?.map(|bytes| Key(*blake3::hash(&bytes).as_bytes()));
        Ok(found.is_some() && found == self.checksums())
    }
}

/// The record of a package. If the last build was stopped between publishing the
/// package and noting it, the record that was prepared for it takes effect now.
pub fn load(
    disk: &Disk,
    state: &StateFolder,
    deliverable: &str,
    notice: &mut dyn FnMut(String),
) -> Result<Option<Record>, DiskError> {
    let next: Option<Record> = state.load(&next_name(deliverable), notice)?;
    if let Some(next) = next {
        if next.is_published(disk)? {
            return Ok(Some(next));
        }
        state.remove(&next_name(deliverable))?;
    }
    state.load(&package_name(deliverable), notice)
}

/// Writes the record that will be true once the package is published.
pub fn prepare(state: &StateFolder, deliverable: &str, record: &Record) -> Result<(), DiskError> {
    state.save(&next_name(deliverable), record)
}

/// Writes the record of a published package.
pub fn confirm(state: &StateFolder, deliverable: &str, record: &Record) -> Result<(), DiskError> {
    state.save(&package_name(deliverable), record)?;
    state.remove(&next_name(deliverable))
}

/// Forgets a package.
pub fn forget(state: &StateFolder, deliverable: &str) -> Result<(), DiskError> {
    for name in [next_name(deliverable), package_name(deliverable), facts_name(deliverable)] {
        state.remove(&name)?;
    }
    Ok(())
}

/// What was measured for a package; empty if that is not known.
pub fn load_facts(
    state: &StateFolder,
    deliverable: &str,
    notice: &mut dyn FnMut(String),
) -> Result<FactsRecord, DiskError> {
    Ok(state.load(&facts_name(deliverable), notice)?.unwrap_or_default())
}

/// What [`FactsRecord`] holds, borrowed: written the same.
#[derive(Serialize)]
pub struct FactsToSave<'a> {
    /// Of delivered signals.
    pub segments: Vec<(Key, &'a SegmentFacts)>,
    /// Of null tests.
    pub nulls: Vec<(Key, &'a NullFacts)>,
}

/// Writes what was measured for a package.
pub fn save_facts(
    state: &StateFolder,
    deliverable: &str,
    facts: &FactsToSave<'_>,
) -> Result<(), DiskError> {
    state.save(&facts_name(deliverable), facts)
}

fn package_name(deliverable: &str) -> String {
    format!("{deliverable}.package")
}

fn next_name(deliverable: &str) -> String {
    format!("{deliverable}.next")
}

fn facts_name(deliverable: &str) -> String {
    format!("{deliverable}.facts")
}
