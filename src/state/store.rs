//! The delivered files as the cache: where the bytes of a key lie on disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fsio::{Disk, DiskError, FileStamp};
use crate::key::Key;
use crate::qc::facts::{NullFacts, SegmentFacts};

use super::record::{FactsRecord, Record};

/// Where the samples of a segment lie.
#[derive(Clone, Copy, Debug)]
pub struct Location {
    /// Index into the store's files.
    pub file: usize,
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub bytes: usize,
    segment: usize,
}

/// All segments that trusted delivered files hold, and all known facts. Looked up
/// by key only, so the order of its maps can reach no result.
#[derive(Default)]
pub struct Store {
    files: Vec<(PathBuf, FileStamp)>,
    overs: Vec<Vec<Vec<u32>>>,
    segments: HashMap<Key, Location>,
    facts: HashMap<Key, Arc<SegmentFacts>>,
    nulls: HashMap<Key, NullFacts>,
}

impl Store {
    /// Adds the audio files of a package whose bytes were found to be as recorded.
    pub fn add(&mut self, record: &Record, intact: &Intact) {
        for file in &record.files {
            let per_segment = u64::from(file.sample_rate);
            let Some(stamp) = intact.stamp(&file.path) else { continue };
            let index = self.files.len();
            self.files.push((Path::new(&record.folder).join(&file.path), stamp));
            self.overs.push(file.overs.clone());
            let counted = file.segments.iter().enumerate().take(file.overs.len());
            for (segment, key) in counted {
                let first = segment as u64 * per_segment;
                let frames = file.frames.saturating_sub(first).min(per_segment);
                self.segments.entry(*key).or_insert(Location {
                    file: index,
                    offset: file.header_bytes + first * u64::from(file.frame_bytes),
                    bytes: frames as usize * file.frame_bytes as usize,
                    segment,
                });
            }
        }
    }

    /// Adds what was measured.
    pub fn add_facts(&mut self, facts: FactsRecord) {
        let segments = facts.segments.into_iter();
        self.facts.extend(segments.map(|(key, facts)| (key, Arc::new(facts))));
        self.nulls.extend(facts.nulls);
    }

    /// Where the samples of `key` lie, if anywhere.
    pub fn find(&self, key: Key) -> Option<Location> {
        self.segments.get(&key).copied()
    }

    /// Samples per channel that were cut when the segment was written.
    pub fn overs(&self, location: Location) -> &[u32] {
        &self.overs[location.file][location.segment]
    }

    /// The file that a location lies in.
    pub fn path(&self, location: Location) -> &Path {
        &self.files[location.file].0
    }

    /// A file that somebody changed since it was found to be as recorded: what
    /// was taken from it may not be what its keys say.
    pub fn moved(&self, disk: &Disk) -> Result<Option<&Path>, DiskError> {
        for (path, stamp) in &self.files {
            if disk.stamp(path)? != Some(*stamp) {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// What was measured under `key`.
    pub fn facts(&self, key: Key) -> Option<&Arc<SegmentFacts>> {
        self.facts.get(&key)
    }

    /// What a null test found under `key`.
    pub fn null(&self, key: Key) -> Option<&NullFacts> {
        self.nulls.get(&key)
    }
}

/// Which files of a package are, byte for byte, as they were recorded. A file
/// that bears its recorded stamp is believed; any other is read and hashed.
pub struct Intact {
    /// With the stamp it bore before it was judged.
    good: Vec<(String, FileStamp)>,
    altered: Vec<String>,
    /// Whether any file had to be read to tell.
    pub rehashed: bool,
}

impl Intact {
    /// Looks at every file of a package.
    pub fn check(disk: &Disk, record: &Record) -> Result<Self, DiskError> {
        let folder = Path::new(&record.folder);
        let mut found = Self { good: Vec::new(), altered: Vec::new(), rehashed: false };
        for (path, stamp, hash) in record.entries() {
            let full = folder.join(path);
            let now = disk.stamp(&full)?;
            let good = match now {
                Some(_) if now == *stamp => now,
                Some(now) => {
                    found.rehashed = true;
                    (disk.blake3(&full)?.as_bytes() == &hash.0).then_some(now)
                }
                None => None,
            };
            match good {
                Some(stamp) => found.good.push((path.to_owned(), stamp)),
                None => found.altered.push(path.to_owned()),
            }
        }
        Ok(found)
    }

    /// Whether this file is as recorded.
    pub fn is_good(&self, path: &str) -> bool {
        self.stamp(path).is_some()
    }

    /// The stamp that a file bore when it was found to be as recorded.
    pub fn stamp(&self, path: &str) -> Option<FileStamp> {
        self.good.iter().find(|(good, _)| good == path).map(|(_, stamp)| *stamp)
    }

    /// Files that are gone or were changed by somebody else.
    pub fn altered(&self) -> &[String] {
        &self.altered
    }
}
