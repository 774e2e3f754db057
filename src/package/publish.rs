//! Packages appear whole. Each is made in a staging folder beside its final
//! place, on the same volume, and takes that place in one step; killed anywhere,
//! the next build finds either the old state or the new and clears the rest.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::fsio::{Disk, DiskError};

/// How the folder under the output root begins in which packages are made. What
/// follows tells the manifests apart that deliver to one root.
const STAGING: &str = ".rebounce-staging";

fn staging_folder(output_root: &Path, owner: &str) -> PathBuf {
    output_root.join(format!("{STAGING}-{owner}"))
}

/// Files that operating systems leave in folders people look into. They are
/// nobody's work: a package replaces them without asking.
fn is_litter(name: &str) -> bool {
    matches!(name, ".DS_Store" | "Thumbs.db" | "desktop.ini") || name.starts_with("._")
}

/// The staging folder of one build.
pub struct Staging<'a> {
    disk: &'a Disk,
    root: PathBuf,
}

impl<'a> Staging<'a> {
    /// Clears what an interrupted build of the manifest called `owner` left behind
    /// under `output_root`, and brings back a package that was being replaced when
    /// it stopped.
    pub fn begin(disk: &'a Disk, output_root: &Path, owner: &str) -> Result<Self, DiskError> {
        let root = staging_folder(output_root, owner);
        for name in disk.list(&root)? {
            let Some(package) = name.strip_suffix(".replaced") else { continue };
            let target = output_root.join(package);
            if !disk.is_folder(&target) {
                disk.rename(&root.join(&name), &target)?;
            }
        }
        disk.remove_folder_if_any(&root)?;
        Ok(Self { disk, root })
    }

    /// Where a package is made.
    pub fn folder(&self, package: &str) -> PathBuf {
        self.root.join(package)
    }

    /// Makes that folder and those of its files.
    pub fn create(&self, package: &str, paths: &[&str]) -> Result<(), DiskError> {
        let folder = self.folder(package);
        self.disk.create_folders(&folder)?;
        for parent in paths.iter().filter_map(|path| Path::new(path).parent()) {
            self.disk.create_folders(&folder.join(parent))?;
        }
        Ok(())
    }

    /// Puts a package that was made here in the place of `target`.
    pub fn publish(&self, package: &str, target: &Path) -> Result<(), DiskError> {
        let staged = self.folder(package);
        self.disk.sync_folder(&staged)?;
        if !self.disk.is_folder(target) {
            self.disk.rename(&staged, target)?;
        } else if self.disk.exchange(&staged, target)? {
            self.disk.remove_folder_if_any(&staged)?;
        } else {
            // No exchange here: for a moment neither state stands at its place,
            // and `begin` knows how to end that moment.
            let replaced = self.root.join(format!("{package}.replaced"));
            self.disk.rename(target, &replaced)?;
            self.disk.rename(&staged, target)?;
            self.disk.remove_folder_if_any(&replaced)?;
        }
        self.disk.sync_folder(target.parent().unwrap_or(target))
    }

    /// Removes the staging folder.
    pub fn end(self) -> Result<(), DiskError> {
        self.disk.remove_folder_if_any(&self.root)
    }
}

/// Files in a package's folder that are not among `ours`, by path within it.
pub fn foreign(
    disk: &Disk,
    folder: &Path,
    ours: &BTreeSet<String>,
) -> Result<Vec<String>, DiskError> {
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(below) = open.pop() {
        for name in disk.list(&folder.join(&below))? {
            let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            if disk.is_folder(&folder.join(&path)) {
                open.push(path);
            } else if !ours.contains(&path) && !is_litter(&name) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Removes a package's own files and the folders that are empty then: in one step
/// if there is nothing else in them, else what is not among `ours` stays. `true` if
/// nothing is left. `owner` is the manifest that made it.
pub fn remove(
    disk: &Disk,
    folder: &Path,
    ours: &BTreeSet<String>,
    owner: &str,
) -> Result<bool, DiskError> {
    if !disk.is_folder(folder) {
        return Ok(true);
    }
    if let (true, Some(root)) = (foreign(disk, folder, ours)?.is_empty(), folder.parent()) {
        // Out of sight first: a package is there whole or not at all.
        let staging = staging_folder(root, owner);
        let aside = staging.join(".removed");
        disk.create_folders(&staging)?;
        disk.remove_folder_if_any(&aside)?;
        disk.rename(folder, &aside)?;
        disk.remove_folder_if_any(&aside)?;
        disk.remove_folder_if_empty(&staging);
        return Ok(true);
    }
    let mut folders = BTreeSet::from([folder.to_path_buf()]);
    for path in ours {
        let file = folder.join(path);
        disk.remove_file_if_any(&file)?;
        let above = file.ancestors().skip(1).take_while(|above| above.starts_with(folder));
        folders.extend(above.map(Path::to_path_buf));
    }
    // The deepest first: they sort last.
    for folder in folders.iter().rev() {
        disk.remove_folder_if_empty(folder);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path) {
        Disk::new().create_folders(path.parent().unwrap()).unwrap();
        Disk::new().replace(path, b"x").unwrap();
    }

    #[test]
    fn a_package_replaced_by_an_interrupted_build_comes_back() {
        let output = tempfile::tempdir().unwrap();
        let disk = Disk::new();
        write(&output.path().join(format!("{STAGING}-x")).join("sync.replaced/full.wav"));
        write(&output.path().join(format!("{STAGING}-x")).join("sync/half.wav"));
        Staging::begin(&disk, output.path(), "x").unwrap();
        assert_eq!(disk.list(&output.path().join("sync")).unwrap(), ["full.wav"]);
        assert_eq!(disk.list(output.path()).unwrap(), ["sync"]);
    }

    #[test]
    fn foreign_files_are_found_in_any_depth_and_litter_is_not() {
        let output = tempfile::tempdir().unwrap();
        for path in ["full.wav", "a/b/notes.txt", ".DS_Store", "a/._full.wav"] {
            write(&output.path().join(path));
        }
        let ours = BTreeSet::from(["full.wav".to_owned()]);
        let found = foreign(&Disk::new(), output.path(), &ours).unwrap();
        assert_eq!(found, ["a/b/notes.txt"]);
    }

    #[test]
    fn removing_a_package_leaves_what_is_not_ours() {
        let output = tempfile::tempdir().unwrap();
        let disk = Disk::new();
        let folder = output.path().join("sync");
        for path in ["full.wav", "stems/drums.wav", "mine.txt"] {
            write(&folder.join(path));
        }
        let ours = ["full.wav", "stems/drums.wav"].map(str::to_owned).into();
        assert!(!remove(&disk, &folder, &ours, "x").unwrap());
        assert_eq!(disk.list(&folder).unwrap(), ["mine.txt"]);
        disk.remove_file_if_any(&folder.join("mine.txt")).unwrap();
        assert!(remove(&disk, &folder, &ours, "x").unwrap());
        assert_eq!(disk.list(output.path()).unwrap(), Vec::<String>::new());
    }
}
