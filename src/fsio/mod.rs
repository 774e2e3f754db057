//! The only door to the disk.
//!
//! Common ground. Every error carries its path and what was being done to it.
//! Everything that changes the disk passes one gate, which tests close at the
//! Nth step to prove that nothing is lost whichever step fails (law 6).

mod digest;
pub mod process;

use std::fs;
/// An open file; only a [`Disk`] opens one.
pub use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An operation on the disk that failed, with its path.
#[derive(Debug)]
pub struct DiskError {
    /// What was being done: `write`, `rename`...
    pub action: &'static str,
    /// To which file or folder.
    pub path: PathBuf,
    /// Why the system refused.
    pub source: io::Error,
}

impl std::fmt::Display for DiskError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot {} {}: {}", self.action, self.path.display(), self.source)
    }
}

impl std::error::Error for DiskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Gives an `io::Result` its path and action.
trait Context<T> {
    fn on(self, action: &'static str, path: &Path) -> Result<T, DiskError>;
}

impl<T> Context<T> for io::Result<T> {
    fn on(self, action: &'static str, path: &Path) -> Result<T, DiskError> {
        self.map_err(|source| DiskError { action, path: path.to_path_buf(), source })
    }
}

/// What the system says of a file without reading it. Two stamps are compared
/// for equality only, never for order: a file restored from a backup is older
/// and yet new (`ninja` #2463 and its like).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct FileStamp {
    /// Length in bytes.
    pub size: u64,
    /// Time of the last change of content, in ns since 1970.
    pub modified_ns: i128,
    /// Time of the last change of the inode, in ns since 1970; 0 where the
    /// system has none.
    pub changed_ns: i128,
    /// Inode number; 0 where the system has none.
    pub inode: u64,
}

impl FileStamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified_ns: modified_ns(metadata),
            changed_ns: changed_ns(metadata),
            inode: inode(metadata),
        }
    }

    /// Whether two stamps are of one file whose content did not change meanwhile: a
    /// second name changes the time of the inode and nothing else.
    pub fn is_same_content(&self, other: &FileStamp) -> bool {
        let content = |stamp: &FileStamp| (stamp.size, stamp.modified_ns, stamp.inode);
        content(self) == content(other)
    }

    /// The later of the two times of change.
    pub fn newest_ns(&self) -> i128 {
        self.modified_ns.max(self.changed_ns)
    }
}

fn modified_ns(metadata: &fs::Metadata) -> i128 {
    let Ok(time) = metadata.modified() else { return 0 };
    match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

#[cfg(unix)]
fn changed_ns(metadata: &fs::Metadata) -> i128 {
    use std::os::unix::fs::MetadataExt;
    i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn changed_ns(_: &fs::Metadata) -> i128 {
    0
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

/// Decides whether a step that changes the disk may happen. Only tests close it.
pub trait Gate: Send + Sync {
    /// An error makes the step fail before anything has changed.
    fn pass(&self, action: &'static str, path: &Path) -> io::Result<()>;
}

/// The disk. Cheap to clone.
#[derive(Clone, Default)]
pub struct Disk {
    gate: Option<Arc<dyn Gate>>,
}

impl Disk {
    /// The real disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// The real disk behind a gate.
    pub fn gated(gate: Arc<dyn Gate>) -> Self {
        Self { gate: Some(gate) }
    }

    fn change<T>(
        &self,
        action: &'static str,
        path: &Path,
        step: impl FnOnce() -> io::Result<T>,
    ) -> Result<T, DiskError> {
        let allowed = self.gate.as_ref().map_or(Ok(()), |gate| gate.pass(action, path));
        allowed.and_then(|()| step()).on(action, path)
    }

    /// The stamp of a file, or `None` if there is none.
    pub fn stamp(&self, path: &Path) -> Result<Option<FileStamp>, DiskError> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(FileStamp::of(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(None),
            Err(error) => Err(error).on("look at", path),
        }
    }

    /// What a path leads to: a file, a folder or neither.
    pub fn kind(&self, path: &Path) -> io::Result<fs::FileType> {
        fs::metadata(path).map(|metadata| metadata.file_type())
    }

    /// Whether a path names a link, wherever it may lead.
    pub fn is_link(&self, path: &Path) -> bool {
        path.is_symlink()
    }

    /// The stamp of an open file, whatever its name stands for by now.
    pub fn stamp_of(&self, file: &File, path: &Path) -> Result<FileStamp, DiskError> {
        file.metadata().map(|m| FileStamp::of(&m)).on("look at", path)
    }

    /// The whole of a small file.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>, DiskError> {
        fs::read(path).on("read", path)
    }

    /// The whole of a small file, or `None` if there is none.
    pub fn read_if_any(&self, path: &Path) -> Result<Option<Vec<u8>>, DiskError> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).on("read", path),
        }
    }

    /// Opens a file for reading.
    pub fn open(&self, path: &Path) -> Result<File, DiskError> {
        File::open(path).on("read", path)
    }

    /// Fills `bytes` from the place `offset` of an open file.
    pub fn read_at(
        &self,
        file: &mut File,
        path: &Path,
        offset: u64,
        bytes: &mut [u8],
    ) -> Result<(), DiskError> {
        file.seek(io::SeekFrom::Start(offset)).and_then(|_| file.read_exact(bytes)).on("read", path)
    }

    /// The names in a folder, sorted; empty if there is no such folder.
    pub fn list(&self, folder: &Path) -> Result<Vec<String>, DiskError> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).on("list", folder),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.on("list", folder)?.file_name();
            names.push(name.to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// Whether a path names a folder.
    pub fn is_folder(&self, path: &Path) -> bool {
        path.is_dir()
    }

    /// The path with links and `..` resolved as far as it exists: how two paths
    /// are compared before one of them is written.
    pub fn canonical(&self, path: &Path) -> PathBuf {
        let mut missing = Vec::new();
        let mut base = path;
        loop {
            if let Ok(real) = fs::canonicalize(base) {
                return missing.iter().rev().fold(real, |path: PathBuf, part| path.join(part));
            }
            match (base.parent(), base.file_name()) {
                (Some(parent), Some(name)) => {
                    missing.push(name.to_owned());
                    base = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
                }
                _ => return path.to_path_buf(),
            }
        }
    }

    /// Whether two paths that differ at most in upper and lower case lead to one folder.
    pub fn is_one_folder(&self, a: &Path, b: &Path) -> bool {
        let folded = |path: &Path| path.to_string_lossy().to_lowercase();
        let stamp = |path: &Path| self.stamp(path).ok().flatten();
        folded(a) == folded(b) && stamp(a).is_some() && stamp(a) == stamp(b)
    }

    /// Makes a folder and those above it.
    pub fn create_folders(&self, path: &Path) -> Result<(), DiskError> {
        if path.is_dir() {
            return Ok(());
        }
        self.change("create", path, || fs::create_dir_all(path))
    }

    /// Creates a file for writing; it must not be there yet.
    pub fn create(&self, path: &Path) -> Result<OutFile, DiskError> {
        let file = self.change("create", path, || {
            fs::OpenOptions::new().write(true).create_new(true).open(path)
        })?;
        Ok(OutFile { disk: self.clone(), file, path: path.to_path_buf() })
    }

    /// Replaces a small file whole: written beside it, made durable, renamed over
    /// it. Readers see the old content or the new, never a part.
    pub fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        let beside = path.with_file_name(format!(
            ".{}.new",
            path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default()
        ));
        self.remove_file_if_any(&beside)?;
        let mut file = self.create(&beside)?;
        file.write(bytes)?;
        file.finish()?;
        self.rename(&beside, path)
    }

    /// Renames a file or folder; what stands at `to` (a file, or an empty folder)
    /// is replaced.
    pub fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        self.change("rename to", to, || fs::rename(from, to))
    }

    /// Swaps two folders in one step, where the file system can; `false` where
    /// it cannot, and then nothing has changed.
    pub fn exchange(&self, a: &Path, b: &Path) -> Result<bool, DiskError> {
        self.change("exchange", b, || exchange(a, b))
    }

    /// A second name for the same bytes where the file system can, a copy where
    /// it cannot.
    pub fn link_or_copy(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        self.change("link", to, || {
            fs::hard_link(from, to).or_else(|_| {
                fs::copy(from, to)?;
                File::open(to)?.sync_data()
            })
        })
    }

    /// Removes a file that may or may not be there.
    pub fn remove_file_if_any(&self, path: &Path) -> Result<(), DiskError> {
        if fs::symlink_metadata(path).is_err() {
            return Ok(());
        }
        self.change("remove", path, || fs::remove_file(path))
    }

    /// Removes a folder and all in it, if it is there.
    pub fn remove_folder_if_any(&self, path: &Path) -> Result<(), DiskError> {
        if fs::symlink_metadata(path).is_err() {
            return Ok(());
        }
        self.change("remove", path, || fs::remove_dir_all(path))
    }

    /// Removes a folder if nothing is in it. `true` if there is none now.
    pub fn remove_folder_if_empty(&self, path: &Path) -> bool {
        self.change("remove", path, || fs::remove_dir(path)).is_ok() || !path.exists()
    }

    /// Makes the names in a folder durable.
    pub fn sync_folder(&self, path: &Path) -> Result<(), DiskError> {
        // Windows cannot open folders and needs no such step.
        if cfg!(unix) {
            self.change("sync", path, || File::open(path)?.sync_all())?;
        }
        Ok(())
    }

    /// Takes the lock of a project, or `None` if another process holds it. It is
    /// released when the value is dropped or the process ends, however it ends.
    pub fn try_lock(&self, path: &Path) -> Result<Option<File>, DiskError> {
        let file = self.change("create", path, || {
            fs::OpenOptions::new().create(true).truncate(false).write(true).open(path)
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            // Some network file systems have no locks; building there must still work.
            Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(Some(file))
            }
            Err(fs::TryLockError::Error(error)) => Err(error).on("lock", path),
        }
    }

    /// What the file system of `folder` takes for now, in ns since 1970: stamps
    /// are compared with its clock and not with this machine's, which may differ.
    pub fn now_ns(&self, folder: &Path) -> Result<i128, DiskError> {
        let path = folder.join(".now");
        self.remove_file_if_any(&path)?;
        let file = self.create(&path)?;
        let stamp = self.stamp_of(&file.file, &path)?;
        self.remove_file_if_any(&path)?;
        Ok(stamp.modified_ns)
    }
}

#[cfg(target_os = "linux")]
fn exchange(a: &Path, b: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        // The kernel or this file system does not know the flag.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}

/// A file being written from front to back.
pub struct OutFile {
    disk: Disk,
    file: File,
    path: PathBuf,
}

impl OutFile {
    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        let Self { disk, file, path } = self;
        disk.change("write", path, || file.write_all(bytes))
    }

    /// Makes the content durable. Returns the stamp the file bears then: whoever
    /// changes it later changes that.
    pub fn finish(self) -> Result<FileStamp, DiskError> {
        self.disk.change("sync", &self.path, || self.file.sync_data())?;
        self.disk.stamp_of(&self.file, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replace_leaves_the_old_content_when_the_rename_fails() {
        struct NoRename;
        impl Gate for NoRename {
            fn pass(&self, action: &'static str, _: &Path) -> io::Result<()> {
                if action == "rename to" { Err(io::Error::other("no")) } else { Ok(()) }
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memo");
        Disk::new().replace(&path, b"old").unwrap();
        let error = Disk::gated(Arc::new(NoRename)).replace(&path, b"new").unwrap_err();
        assert!(error.to_string().starts_with("cannot rename to "), "{error}");
        assert_eq!(Disk::new().read(&path).unwrap(), b"old");
        Disk::new().replace(&path, b"new").unwrap();
        assert_eq!(Disk::new().read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_lock_is_held_by_one_and_freed_by_dropping() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let disk = Disk::new();
        let held = disk.try_lock(&path).unwrap();
        assert!(held.is_some());
        assert!(disk.try_lock(&path).unwrap().is_none());
        drop(held);
        assert!(disk.try_lock(&path).unwrap().is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn exchange_swaps_two_folders() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        let disk = Disk::new();
        for (path, name) in [(&a, "in-a"), (&b, "in-b")] {
            disk.create_folders(path).unwrap();
            disk.replace(&path.join(name), b"").unwrap();
        }
        if disk.exchange(&a, &b).unwrap() {
            assert_eq!(disk.list(&a).unwrap(), ["in-b"]);
        }
    }

    #[cfg(unix)]
    #[test]
    fn one_folder_may_have_two_spellings_and_two_folders_have_not_one() {
        let folder = tempfile::tempdir().unwrap();
        let (upper, lower) = (folder.path().join("Mix"), folder.path().join("mix"));
        let disk = Disk::new();
        disk.create_folders(&upper).unwrap();
        assert!(!disk.is_one_folder(&upper, &lower));
        // What a disk that does not tell case would do by itself.
        let _ = std::os::unix::fs::symlink(&upper, &lower);
        assert!(disk.is_one_folder(&upper, &lower));
        disk.create_folders(&folder.path().join("mixes")).unwrap();
        assert!(!disk.is_one_folder(&upper, &folder.path().join("mixes")));
    }

    #[test]
    fn canonical_resolves_what_exists_and_keeps_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let real = fs::canonicalize(folder.path()).unwrap();
        let disk = Disk::new();
        assert_eq!(disk.canonical(&folder.path().join("new/file")), real.join("new/file"));
    }
}
