//! Commands about what was delivered: verify it, or remove it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::leftovers::{heal_noted, noted, remove_package, tidy, would_vanish};
use super::outcome::relative;
use super::project::{Project, places};
use super::{Context, Request};
use crate::diag::{Diagnostic, Failure};
use crate::fsio::Disk;
use crate::key::Key;
use crate::package::checksums::{self, Checksum};
use crate::package::publish;
use crate::qc::words::count;
use crate::state::record::{self, Record};

/// How a package compares with what was delivered.
pub struct Verified {
    /// Name of the deliverable.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Number of files that were delivered.
    pub total: usize,
    /// Number of those that are as they were delivered, byte for byte.
    pub good: usize,
    /// Files that hold other bytes.
    pub altered: Vec<String>,
    /// Files that are gone.
    pub missing: Vec<String>,
    /// Files, or folders in it, that cannot be read.
    pub unreadable: Vec<String>,
    /// Files that were not delivered.
    pub foreign: Vec<String>,
}

impl Verified {
    /// Whether the folder holds what was delivered and nothing else.
    pub fn is_whole(&self) -> bool {
        let wrong = [&self.altered, &self.missing, &self.unreadable, &self.foreign];
        wrong.iter().all(|files| files.is_empty())
    }

    /// One line, and one more per file that is not as it was delivered.
    pub fn text(&self) -> String {
        let state = if self.is_whole() { "OK   " } else { "FAIL " };
        let all = count(self.total as u64, "file");
        let good =
            if self.good == self.total { String::new() } else { format!("{} of ", self.good) };
        let mut text = format!("{state} {}: {good}{all} as delivered\n", self.name);
        let kinds = [
            ("changed", &self.altered),
            ("missing", &self.missing),
            ("cannot be read", &self.unreadable),
            ("not delivered by rebounce", &self.foreign),
        ];
        for (what, files) in kinds {
            files.iter().for_each(|file| text.push_str(&format!("      {file}: {what}\n")));
        }
        text
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        json!({ "name": self.name, "path": self.folder, "ok": self.is_whole(), "good": self.good,
                "altered": self.altered, "missing": self.missing,
                "unreadable": self.unreadable, "foreign": self.foreign })
    }
}

/// What was delivered and is asked for, by name.
struct Delivered {
    /// As it was published.
    records: Vec<(String, Record)>,
    /// Folders where a deliverable of the manifest stands that no record tells of.
    unrecorded: Vec<(String, PathBuf)>,
}

impl Delivered {
    fn load(project: &Project<'_>) -> Result<Self, Failure> {
        let Context { disk, notice, .. } = project.context;
        let mut say = |text: String| notice(&text);
        let mut records = Vec::new();
        for name in project.state.deliverables()? {
            if let Some(record) = record::load(disk, &project.state, &name, &mut say)? {
                records.push((name, record));
            }
        }
        let mut unrecorded = places(disk, &project.request.manifest);
        unrecorded.retain(|(name, folder)| {
            let known = records.iter().any(|(known, _)| known == name);
            !known && matches!(disk.stamp(&folder.join(checksums::FILE_NAME)), Ok(Some(_)))
        });
        let mut found = Self { records, unrecorded };
        found.only(&project.request.targets)?;
        Ok(found)
    }

    /// Leaves what is asked for.
    fn only(&mut self, targets: &[String]) -> Result<(), Failure> {
        let recorded = self.records.iter().map(|(name, _)| name);
        let names: Vec<&str> = recorded
            .chain(self.unrecorded.iter().map(|(name, _)| name))
            .map(String::as_str)
            .collect();
        if let Some(target) = targets.iter().find(|target| !names.contains(&target.as_str())) {
            return Err(Diagnostic::error(format!("`{target}` was not delivered"))
                .did_you_mean(target, names)
                .into());
        }
        let asked = |name: &String| targets.is_empty() || targets.contains(name);
        self.records.retain(|(name, _)| asked(name));
        self.unrecorded.retain(|(name, _)| asked(name));
        Ok(())
    }

    /// Says of what no record tells that it stays.
    fn tell_unrecorded(&self, project: &Project<'_>) {
        for (_, folder) in &self.unrecorded {
            (project.context.notice)(&format!(
                "{} is not touched: there is no record that rebounce made it",
                folder.display()
            ));
        }
    }
}

/// Reads every delivered file again and compares it with what was delivered.
pub fn verify(context: &Context<'_>, request: &Request) -> Result<Vec<Verified>, Failure> {
    let project = Project::open_if_any(context, request)?;
    let Delivered { records, unrecorded } = Delivered::load(&project)?;
    let mut packages = Vec::new();
    for (name, record) in records {
        let sum =
            |(path, _, hash): (&str, _, Key)| Checksum { path: path.into(), blake3: hash.hex() };
        let sums: Vec<Checksum> = record.entries().map(sum).collect();
        packages.push((name, PathBuf::from(&record.folder), sums));
    }
    for (name, folder) in unrecorded {
        (context.notice)(&format!(
            "there is no record of `{name}` any more; it is compared with its own {}",
            checksums::FILE_NAME
        ));
        let sums = own_checksums(&context.disk, &folder)?;
        packages.push((name, folder, sums));
    }
    context.progress.begin("verifying", packages.iter().map(|(.., sums)| sums.len()).sum());
    let compared =
        packages.into_iter().map(|(name, folder, sums)| compare(context, name, folder, &sums));
    let verified = compared.collect();
    context.progress.end();
    Ok(verified)
}

/// What a package says of itself.
fn own_checksums(disk: &Disk, folder: &Path) -> Result<Vec<Checksum>, Failure> {
    let path = folder.join(checksums::FILE_NAME);
    let bytes = disk.read(&path)?;
    checksums::read(&String::from_utf8_lossy(&bytes)).map_err(|bad| {
        Diagnostic::error(format!("cannot verify {}: {bad}", folder.display()))
            .help("build again; what was delivered is not remembered")
            .into()
    })
}

fn compare(context: &Context<'_>, name: String, folder: PathBuf, sums: &[Checksum]) -> Verified {
    let disk = &context.disk;
    let (altered, missing, unreadable, foreign) = Default::default();
    let total = sums.len();
    let mut found =
        Verified { name, folder, total, good: 0, altered, missing, unreadable, foreign };
    for Checksum { path, blake3 } in sums {
        let full = found.folder.join(path);
        let path = path.clone();
        match disk.stamp(&full).and_then(|stamp| stamp.map(|_| disk.blake3(&full)).transpose()) {
            Ok(Some(hash)) if hash.to_hex().as_str() == blake3 => found.good += 1,
            Ok(Some(_)) => found.altered.push(path),
            Ok(None) => found.missing.push(path),
            Err(_) => found.unreadable.push(path),
        }
        context.progress.advance(1);
    }
    let mut ours: BTreeSet<String> = sums.iter().map(|sum| sum.path.clone()).collect();
    // It cannot hold its own digest.
    ours.insert(checksums::FILE_NAME.to_owned());
    match publish::foreign(disk, &found.folder, &ours) {
        Ok(foreign) => found.foreign = foreign,
        Err(error) => found.unreadable.push(relative(&error.path, &found.folder)),
    }
    found
}

/// The folders that [`clean`] would remove. Nothing changes.
pub fn would_clean(context: &Context<'_>, request: &Request) -> Result<Vec<PathBuf>, Failure> {
    let project = Project::open_if_any(context, request)?;
    let delivered = Delivered::load(&project)?;
    delivered.tell_unrecorded(&project);
    let mut gone = Vec::new();
    for (_, record) in delivered.records {
        if would_vanish(&project, &record)? {
            gone.push(PathBuf::from(record.folder));
        }
    }
    Ok(gone)
}

/// Removes what rebounce made and nothing else; returns the folders that are gone.
pub fn clean(context: &Context<'_>, request: &Request) -> Result<Vec<PathBuf>, Failure> {
    let project = Project::open(context, request)?;
    let disk = &context.disk;
    let delivered = Delivered::load(&project)?;
    delivered.tell_unrecorded(&project);
    let mut gone = Vec::new();
    for (name, record) in delivered.records {
        let folder = PathBuf::from(&record.folder);
        let output = folder.parent().unwrap_or(Path::new(".")).to_path_buf();
        if remove_package(&project, &record)? {
            gone.push(folder);
        }
        record::forget(&project.state, &name)?;
        tidy(&project, &output)?;
    }
    for record in noted(&project.state, &mut |text| (context.notice)(&text))? {
        remove_package(&project, &record)?;
        Path::new(&record.folder).parent().map_or(Ok(()), |root| tidy(&project, root))?;
    }
    heal_noted(&project, None)?;
    if request.targets.is_empty() {
        let state = project.state.folder().to_path_buf();
        drop(project);
        disk.remove_folder_if_any(&state)?;
        state.parent().map(|parent| disk.remove_folder_if_empty(parent));
    }
    Ok(gone)
}
