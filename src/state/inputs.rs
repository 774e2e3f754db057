//! The stat memo: what is known of session audio without reading it again.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::audio::AudioInfo;
use crate::fsio::FileStamp;
use crate::key::Key;

/// A stamp younger than this when a file was read proves nothing: the file could
/// have been written again within the resolution of its time stamps (2 s on FAT,
/// seconds on some network file systems).
const RACY_NS: i128 = 2_000_000_000;

/// What was found in a file.
#[derive(Clone, Serialize, Deserialize)]
pub struct Known {
    /// The stamp it had, before and after it was read.
    stamp: FileStamp,
    /// What its header said.
    pub info: AudioInfo,
    /// Digests of all its segments.
    pub digests: Vec<Key>,
}

/// What is known of all files, by path.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct InputMemo {
    files: BTreeMap<String, Known>,
}

impl InputMemo {
    /// What is known of the file at `path`, if it still bears the stamp it had.
    /// Stamps are compared for equality in every field, never for order.
    pub fn get(&self, path: &Path, stamp: &FileStamp) -> Option<&Known> {
        self.files.get(&*path.to_string_lossy()).filter(|known| known.stamp == *stamp)
    }

    /// Remembers a file that was read from front to back while it bore `stamp`,
    /// which it still bore at the end. `started_ns` is the time of its file
    /// system when reading started. A file changed just before is not remembered.
    pub fn remember(
        &mut self,
        path: &Path,
        stamp: FileStamp,
        started_ns: i128,
        info: AudioInfo,
        digests: Vec<Key>,
    ) {
        let name = path.to_string_lossy().into_owned();
        if stamp.newest_ns() + RACY_NS <= started_ns {
            self.files.insert(name, Known { stamp, info, digests });
        } else {
            self.files.remove(&name);
        }
    }

    /// Forgets all files but those at `paths`.
    pub fn keep_only<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) {
        let kept: std::collections::BTreeSet<_> = paths.map(|p| p.to_string_lossy()).collect();
        self.files.retain(|path, _| kept.contains(&**path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Pcm;

    fn stamp(modified_ns: i128) -> FileStamp {
        FileStamp { size: 10, modified_ns, changed_ns: modified_ns, inode: 7 }
    }

    fn info() -> AudioInfo {
        AudioInfo {
            container: "WAV".into(),
            sample_rate: 48_000,
            channels: 1,
            frames: 3,
            pcm: Pcm::I24,
            bits: 24,
            float: false,
            channel_mask: None,
            time_reference: None,
        }
    }

    #[test]
    fn any_difference_of_the_stamp_forgets_even_an_older_one() {
        let (path, then) = (Path::new("kick.wav"), stamp(5_000_000_000));
        let mut memo = InputMemo::default();
        memo.remember(path, then, 9_000_000_000, info(), vec![Key::SILENCE]);
        assert!(memo.get(path, &then).is_some());
        for changed in [
            FileStamp { size: 11, ..then },
            FileStamp { modified_ns: 4_000_000_000, ..then },
            FileStamp { changed_ns: then.changed_ns + 1, ..then },
            FileStamp { inode: 8, ..then },
        ] {
            assert!(memo.get(path, &changed).is_none(), "{changed:?}");
        }
    }

    #[test]
    fn a_file_changed_just_before_it_was_read_is_not_remembered() {
        let path = Path::new("kick.wav");
        let mut memo = InputMemo::default();
        memo.remember(path, stamp(5_000_000_000), 9_000_000_000, info(), Vec::new());
        memo.remember(path, stamp(8_000_000_000), 9_000_000_000, info(), Vec::new());
        assert!(memo.get(path, &stamp(8_000_000_000)).is_none());
        assert!(memo.get(path, &stamp(5_000_000_000)).is_none());
    }
}
