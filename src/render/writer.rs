//! A delivered file on its way into the staging folder.
//!
//! Nothing is written until a segment differs from the file delivered before;
//! then what came before it is copied, and from there on every segment is written
//! once, fresh or from where its bytes lie. A file that never differs is not touched.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::fsio::{Disk, DiskError, File, FileStamp, OutFile};
use crate::key::Key;
use crate::plan::PrintId;
use crate::state::record::FileRecord;
use crate::state::store::{Location, Store};

/// A file to deliver.
pub struct FileTask<'a> {
    /// Its samples.
    pub print: PrintId,
    /// The channel of them that it holds, if not all.
    pub channel: Option<usize>,
    /// Everything before its samples.
    pub header: Vec<u8>,
    /// Zero bytes after its samples.
    pub padding: usize,
    /// Where to write it.
    pub staged: PathBuf,
    /// The same file as it was delivered before, if it is still intact, and
    /// where it lies.
    pub old: Option<(&'a FileRecord, PathBuf)>,
    /// Length in frames.
    pub frames: u64,
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct FileOutput {
    /// BLAKE3 of all its bytes.
    pub blake3: Key,
    /// If it was written anew, the stamp it bore then; if not, the old file still holds.
    pub written: Option<FileStamp>,
}

/// The samples of one segment, ready to be written.
pub enum Payload<'a> {
    /// Rendered just now.
    Fresh(Cow<'a, [u8]>),
    /// In a file delivered before.
    Stored(Location),
}

/// Writes one file, segment by segment.
pub struct Writer<'a> {
    disk: &'a Disk,
    store: &'a Store,
    task: &'a FileTask<'a>,
    out: Option<(OutFile, blake3::Hasher)>,
    open: BTreeMap<PathBuf, File>,
    piece: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// For one file; nothing is created yet.
    pub fn new(disk: &'a Disk, store: &'a Store, task: &'a FileTask<'a>) -> Self {
        Self { disk, store, task, out: None, open: BTreeMap::new(), piece: Vec::new() }
    }

    /// The print it holds.
    pub fn print(&self) -> PrintId {
        self.task.print
    }

    /// The channel of the print that it holds, if not all.
    pub fn channel(&self) -> Option<usize> {
        self.task.channel
    }

    /// The old file, if this one could turn out to be the same.
    fn same_so_far(&self) -> Option<(&'a FileRecord, &'a Path)> {
        let (record, path) = self.task.old.as_ref()?;
        let header = Key(*blake3::hash(&self.task.header).as_bytes());
        let same = record.header == header && record.frames == self.task.frames;
        same.then_some((*record, path.as_path()))
    }

    /// Takes the next segment.
    pub fn segment(
        &mut self,
        segment: usize,
        key: Key,
        payload: &Payload<'_>,
    ) -> Result<(), DiskError> {
        if self.out.is_none() {
            let old = self.same_so_far();
            if old.is_some_and(|(record, _)| record.segments.get(segment) == Some(&key)) {
                return Ok(());
            }
            self.start(segment, old)?;
        }
        match payload {
            Payload::Fresh(bytes) => self.write(bytes),
            Payload::Stored(location) => {
                self.copy(self.store.path(*location), location.offset, location.bytes as u64)
            }
        }
    }

    /// Creates the file and copies the segments before `segment`.
    fn start(
        &mut self,
        segment: usize,
        old: Option<(&FileRecord, &Path)>,
    ) -> Result<(), DiskError> {
        let out = self.disk.create(&self.task.staged)?;
        self.out = Some((out, blake3::Hasher::new()));
        self.write(&self.task.header)?;
        let Some((record, path)) = old.filter(|_| segment > 0) else { return Ok(()) };
        let before: u64 = record.segments[..segment]
            .iter()
            .map(|key| self.store.find(*key).map_or(0, |location| location.bytes as u64))
            .sum();
        self.copy(path, record.header_bytes, before)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        let (out, hasher) = self.out.as_mut().expect("BUG: the file was not started");
        hasher.update(bytes);
        out.write(bytes)
    }

    fn copy(&mut self, path: &Path, mut offset: u64, mut bytes: u64) -> Result<(), DiskError> {
        const PIECE: u64 = 1 << 20;
        if !self.open.contains_key(path) {
            self.open.insert(path.to_owned(), self.disk.open(path)?);
        }
        while bytes > 0 {
            let length = bytes.min(PIECE);
            let mut piece = std::mem::take(&mut self.piece);
            piece.resize(length as usize, 0);
            let file = self.open.get_mut(path).expect("BUG: opened above");
            self.disk.read_at(file, path, offset, &mut piece)?;
            self.write(&piece)?;
            self.piece = piece;
            offset += length;
            bytes -= length;
        }
        Ok(())
    }

    /// Ends the file and makes it durable.
    pub fn finish(mut self) -> Result<FileOutput, DiskError> {
        if self.out.is_some() {
            self.write(&vec![0; self.task.padding])?;
        }
        match (self.out, &self.task.old) {
            (Some((out, hasher)), _) => {
                let blake3 = Key(*hasher.finalize().as_bytes());
                Ok(FileOutput { blake3, written: Some(out.finish()?) })
            }
            (None, Some((record, _))) => Ok(FileOutput { blake3: record.blake3, written: None }),
            (None, None) => unreachable!("BUG: a file without segments"),
        }
    }
}
