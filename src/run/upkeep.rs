//! Commands about what was delivered: verify it, or remove it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::leftovers::{heal_noted, noted, remove_package, tidy, would_vanish};
use super::project::Project;
use super::{Context, Request};
use crate::diag::{Diagnostic, Failure};
use crate::package::publish;
use crate::qc::words::count;
use crate::state::record::{self, Record};

/// How a package compares with what was delivered.
pub struct Verified {
    /// Name of the deliverable.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Number of files that are as they were delivered, byte for byte.
    pub good: usize,
    /// Files that hold other bytes.
    pub altered: Vec<String>,
    /// Files that are gone.
    pub missing: Vec<String>,
    /// Files that were not delivered.
    pub foreign: Vec<String>,
}

impl Verified {
    /// Whether the folder holds what was delivered and nothing else.
    pub fn is_whole(&self) -> bool {
        self.altered.is_empty() && self.missing.is_empty() && self.foreign.is_empty()
    }

    /// One line, and one more per file that is not as it was delivered.
    pub fn text(&self) -> String {
        let state = if self.is_whole() { "OK   " } else { "FAIL " };
        let all = self.good + self.altered.len() + self.missing.len();
        let good = if self.good == all { String::new() } else { format!("{} of ", self.good) };
        let mut text =
            format!("{state} {}: {good}{} as delivered\n", self.name, count(all as u64, "file"));
        let kinds = [
            ("changed", &self.altered),
            ("missing", &self.missing),
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
                "altered": self.altered, "missing": self.missing, "foreign": self.foreign })
    }
}

/// The names and records of what was delivered and is asked for.
fn records(project: &Project<'_>) -> Result<Vec<(String, Record)>, Failure> {
    let Context { disk, notice, .. } = project.context;
    let targets = &project.request.targets;
    let mut found = Vec::new();
    let names = project.state.deliverables()?;
    if let Some(target) = targets.iter().find(|target| !names.contains(target)) {
        return Err(Diagnostic::error(format!("`{target}` was not delivered"))
            .did_you_mean(target, names.iter().map(String::as_str))
            .into());
    }
    for name in names {
        let asked = targets.is_empty() || targets.contains(&name);
        let mut say = |text: String| notice(&text);
        if let Some(record) = record::load(disk, &project.state, &name, &mut say)?.filter(|_| asked)
        {
            found.push((name, record));
        }
    }
    Ok(found)
}

/// Reads every delivered file again and compares it with what was delivered.
pub fn verify(context: &Context<'_>, request: &Request) -> Result<Vec<Verified>, Failure> {
    let project = Project::open_if_any(context, request)?;
    let records = records(&project)?;
    let files = records.iter().map(|(_, record)| record.entries().count()).sum();
    context.progress.begin("verifying", files);
    let verified = records.iter().map(|(name, record)| compare(context, name, record)).collect();
    context.progress.end();
    verified
}

fn compare(context: &Context<'_>, name: &str, record: &Record) -> Result<Verified, Failure> {
    let folder = PathBuf::from(&record.folder);
    let mut verified = Verified {
        name: name.to_owned(),
        good: 0,
        altered: Vec::new(),
        missing: Vec::new(),
        foreign: Vec::new(),
        folder,
    };
    for (path, _, hash) in record.entries() {
        let full = verified.folder.join(path);
        if context.disk.stamp(&full)?.is_none() {
            verified.missing.push(path.to_owned());
        } else if context.disk.blake3(&full)?.as_bytes() == &hash.0 {
            verified.good += 1;
        } else {
            verified.altered.push(path.to_owned());
        }
        context.progress.advance(1);
    }
    let ours = record.entries().map(|(path, ..)| path.to_owned()).collect();
    verified.foreign = publish::foreign(&context.disk, &verified.folder, &ours)?;
    Ok(verified)
}

/// The folders that [`clean`] would remove. Nothing changes.
pub fn would_clean(context: &Context<'_>, request: &Request) -> Result<Vec<PathBuf>, Failure> {
    let project = Project::open_if_any(context, request)?;
    let mut gone = Vec::new();
    for (_, record) in records(&project)? {
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
    let mut gone = Vec::new();
    for (name, record) in records(&project)? {
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
