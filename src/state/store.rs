//! The delivered files as the cache: where the bytes of a key lie on disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::fsio::{Disk, DiskError};
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
    files: Vec<PathBuf>,
    overs: Vec<Vec<Vec<u32>>>,
    segments: HashMap<Key, Location>,
    facts: HashMap<Key, SegmentFacts>,
    nulls: HashMap<Key, NullFacts>,
}

impl Store {
    /// Adds the audio files of a package whose bytes were found to be as recorded;
    /// `intact` answers for each path.
    pub fn add(&mut self, record: &Record, intact: &dyn Fn(&str) -> bool, per_segment: usize) {
        for file in record.files.iter().filter(|file| intact(&file.path)) {
            let index = self.files.len();
            self.files.push(Path::new(&record.folder).join(&file.path));
            self.overs.push(file.overs.clone());
            let counted = file.segments.iter().enumerate().take(file.overs.len());
            for (segment, key) in counted {
                let first = segment as u64 * per_segment as u64;
                let frames = file.frames.saturating_sub(first).min(per_segment as u64);
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
        self.facts.extend(facts.segments);
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
        &self.files[location.file]
    }

    /// What was measured under `key`.
    pub fn facts(&self, key: Key) -> Option<&SegmentFacts> {
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
    good: Vec<String>,
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
                None => false,
                Some(_) if now == *stamp => true,
                Some(_) => {
                    found.rehashed = true;
                    disk.blake3(&full)?.as_bytes() == &hash.0
                }
            };
            if good { &mut found.good } else { &mut found.altered }.push(path.to_owned());
        }
        Ok(found)
    }

    /// Whether this file is as recorded.
    pub fn is_good(&self, path: &str) -> bool {
        self.good.iter().any(|good| good == path)
    }

    /// Files that are gone or were changed by somebody else.
    pub fn altered(&self) -> &[String] {
        &self.altered
    }
}
