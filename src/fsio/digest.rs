//! Hashes of what lies on disk.

use std::io::Read;
use std::path::Path;

use super::{Context, Disk, DiskError};

impl Disk {
    /// The standard BLAKE3 hash of a file, read once in large pieces.
    pub fn blake3(&self, path: &Path) -> Result<blake3::Hash, DiskError> {
        let mut file = self.open(path)?;
        let mut hasher = blake3::Hasher::new();
        let mut piece = vec![0; 1 << 20];
        loop {
            match file.read(&mut piece).on("read", path)? {
                0 => return Ok(hasher.finalize()),
                n => hasher.update(&piece[..n]),
            };
        }
    }

    /// A hash of a file as [`blake3`](Self::blake3), or of a folder with the names and
    /// bytes of all in it.
    pub fn blake3_of_all(&self, path: &Path) -> Result<blake3::Hash, DiskError> {
        if !self.is_folder(path) {
            return self.blake3(path);
        }
        let mut hasher = blake3::Hasher::new();
        for name in self.list(path)? {
            let inner = self.blake3_of_all(&path.join(&name))?;
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
            hasher.update(inner.as_bytes());
        }
        Ok(hasher.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_folder_is_that_of_its_names_and_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let (disk, path) = (Disk::new(), folder.path().join("bundle"));
        let hash = |files: &[(&str, &str)]| {
            disk.remove_folder_if_any(&path).unwrap();
            disk.create_folders(&path.join("in")).unwrap();
            files.iter().for_each(|(name, text)| {
                disk.replace(&path.join(name), text.as_bytes()).unwrap();
            });
            disk.blake3_of_all(&path).unwrap()
        };
        let first = hash(&[("a", "x"), ("in/b", "y")]);
        assert_eq!(hash(&[("in/b", "y"), ("a", "x")]), first);
        for other in [
            &[("a", "x")][..],
            &[("a", "y"), ("in/b", "y")],
            &[("a", "x"), ("in/c", "y")],
            &[("a", "x"), ("in/b", "z")],
            &[("a", "x"), ("b", "y")],
        ] {
            assert_ne!(hash(other), first, "{other:?}");
        }
        assert_eq!(disk.blake3_of_all(&path.join("a")).unwrap(), blake3::hash(b"x"));
    }
}
