//! The outermost loop: build, wait until something changes and is quiet, build again.
//!
//! Events are hints only. A file counts once its stamp has stood still for the
//! settling time and, if it is audio, its header agrees with its length: a DAW
//! that pauses in the middle of a bounce leaves a file that is quiet and not done.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher};

use crate::audio::AudioError;
use crate::audio::reader::AudioReader;
use crate::diag::{Diagnostic, Failure};
use crate::fsio::{Disk, FileStamp};

/// How long a file must stand still.
pub const SETTLE: Duration = Duration::from_secs(2);

/// How long before a lock that another process holds is tried again.
pub const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How often files are looked at although no event came: network file systems
/// send none, and a full queue loses some.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Waits for changes of a set of files.
pub struct Watch {
    disk: Disk,
    settle: Duration,
    events: Receiver<()>,
    watcher: notify::RecommendedWatcher,
    folders: Vec<PathBuf>,
}

/// What the files look like, by path; `None` for one that is not there.
type Sight = BTreeMap<PathBuf, Option<FileStamp>>;

impl Watch {
    /// Sees nothing yet.
    pub fn new(disk: &Disk, settle: Duration) -> Result<Self, Failure> {
        let (sender, events) = mpsc::channel();
        let watcher = notify::recommended_watcher(move |_| {
            // The receiver is gone only when the program ends.
            let _ = sender.send(());
        })
        .map_err(cannot_watch)?;
        Ok(Self { disk: disk.clone(), settle, events, watcher, folders: Vec::new() })
    }

    /// Watches the folders that hold `files`, and forgets all others. In place of
    /// one that is not there it watches the nearest above it that is.
    pub fn set(&mut self, files: &[PathBuf]) -> Result<(), Failure> {
        let nearest = |file: &PathBuf| {
            let mut above = file.ancestors().skip(1);
            above.find(|folder| self.disk.is_folder(folder)).map(Path::to_path_buf)
        };
        let mut folders: Vec<PathBuf> = files.iter().filter_map(nearest).collect();
        folders.sort();
        folders.dedup();
        for folder in self.folders.iter().filter(|folder| !folders.contains(folder)) {
            // A folder that is gone need not be given up.
            let _ = self.watcher.unwatch(folder);
        }
        for folder in &folders {
            match self.watcher.watch(folder, RecursiveMode::NonRecursive) {
                Err(error) if self.disk.is_folder(folder) => return Err(cannot_watch(error)),
                // One that has gone this moment is missed by the build that follows.
                Ok(()) | Err(_) => {}
            }
        }
        self.folders = folders;
        Ok(())
    }

    /// What the files look like now.
    pub fn look(&self, files: &[PathBuf]) -> Sight {
        let stamp = |file: &PathBuf| (file.clone(), self.disk.stamp(file).ok().flatten());
        files.iter().map(stamp).collect()
    }

    /// Waits until some file differs from `before` and all that differ are quiet
    /// and whole; returns those. `notice` is told once of each that is still open.
    pub fn wait(&self, before: &Sight, notice: &dyn Fn(&str)) -> Vec<PathBuf> {
        let files: Vec<PathBuf> = before.keys().cloned().collect();
        let mut last = self.look(&files);
        let mut quiet_since = Instant::now();
        let mut told: Vec<PathBuf> = Vec::new();
        loop {
            let changed: Vec<&PathBuf> =
                files.iter().filter(|file| last[*file] != before[*file]).collect();
            // What is not there may come back in a folder that is not there either.
            let stable = changed.is_empty() && last.values().all(Option::is_some);
            let patience = if stable { LOOK_AGAIN } else { self.settle };
            match self.events.recv_timeout(patience) {
                Ok(()) => while self.events.try_recv().is_ok() {},
                Err(RecvTimeoutError::Timeout) => {}
                // Without a watcher only looking again is left.
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(patience),
            }
            let now = self.look(&files);
            if now != last {
                (last, quiet_since) = (now, Instant::now());
                continue;
            }
            if changed.is_empty() || quiet_since.elapsed() < self.settle {
                continue;
            }
            let open = changed.iter().find(|file| !self.is_whole(file, &last));
            match open {
                None => return changed.into_iter().cloned().collect(),
                Some(file) if told.contains(file) => {}
                Some(file) => {
                    notice(&format!("waiting for {}: it is still being written", file.display()));
                    told.push((*file).clone());
                }
            }
        }
    }

    /// Whether an audio file is complete: its header agrees with its length, and
    /// its last frame can be read. Other files, and those that are gone, are left
    /// to the build to judge.
    fn is_whole(&self, file: &Path, sight: &Sight) -> bool {
        let extension = file.extension().map(|e| e.to_string_lossy().to_lowercase());
        let audio = matches!(
            extension.as_deref(),
            Some("wav" | "wave" | "rf64" | "bw64" | "flac" | "aif" | "aiff" | "aifc")
        );
        if !audio || sight[file].is_none() {
            return true;
        }
        let Ok(open) = self.disk.open(file) else { return true };
        let last_frame = AudioReader::open(open).and_then(|mut reader| {
            let last = reader.info().frames.saturating_sub(1);
            reader.read(last, 1, &mut Vec::new())
        });
        !matches!(last_frame, Err(AudioError::Incomplete(_) | AudioError::Malformed(_)))
    }
}

fn cannot_watch(error: notify::Error) -> Failure {
    Diagnostic::error(format!("cannot watch: {error}"))
        .help("on Linux the number of watched folders is limited: fs.inotify.max_user_watches")
        .into()
}
