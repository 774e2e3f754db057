//! One package on its way to its place: its documents worded, its folder
//! completed beside the old one, its record written, and the two exchanged.

use std::collections::{BTreeMap, BTreeSet};

use super::making::{header, inputs, made_from, table};
use super::outcome::{FileOutcome, PackageOutcome};
use super::packages::Package;
use super::project::{Project, Session};
use crate::diag::Failure;
use crate::fsio::FileStamp;
use crate::key::Key;
use crate::key::reason::{self, Making, Reason};
use crate::key::segment::of_form;
use crate::package::checksums::{self, Checksum};
use crate::package::documents;
use crate::package::publish::Staging;
use crate::plan::PlannedFile;
use crate::qc::report::PackageReport;
use crate::render::pass::PassOutput;
use crate::state::record::{self, CHECKSUMS, DocumentRecord, FactsToSave, FileRecord, Record};

/// One package on its way to its place.
pub(super) struct Publication<'a> {
    pub(super) project: &'a Project<'a>,
    pub(super) session: &'a Session,
    pub(super) digests: &'a [Vec<Key>],
    pub(super) made: &'a PassOutput,
    pub(super) index: usize,
    pub(super) package: &'a Package,
    pub(super) report: &'a PackageReport,
}

impl Publication<'_> {
    /// Publishes the package, unless its folder already holds exactly this.
    pub(super) fn carry_out(&self, staging: &Staging<'_>) -> Result<PackageOutcome, Failure> {
        let mut papers = documents(self.report);
        let files = self.file_records();
        papers.push((CHECKSUMS.to_owned(), self.checksums(&files, &papers).into_bytes()));
        let digests: Vec<&[Key]> = self.digests.iter().map(Vec::as_slice).collect();
        let mut record = Record {
            folder: self.package.folder.to_string_lossy().into_owned(),
            made_from: made_from(self.session, self.index, &digests),
            verdict: self.report.verdict(),
            documents: papers
                .iter()
                .map(|(path, bytes)| DocumentRecord {
                    path: path.clone(),
                    stamp: None,
                    blake3: Key(*blake3::hash(bytes).as_bytes()),
                })
                .collect(),
            inputs: inputs(self.session, self.digests, self.index),
            files,
        };
        let state = &self.project.state;
        let published = !self.is_in_place(&record);
        if published {
            record::save_facts(state, &self.package.name, &self.facts())?;
            let written = self.stage(staging, &papers)?;
            record::prepare(state, &self.package.name, &record)?;
            staging.publish(&self.package.name, &self.package.folder)?;
            record.stamp_with(|path| written.get(path).copied().or_else(|| self.linked(path)));
        } else {
            record.stamp_with(|path| self.package.stamp(path));
        }
        record::confirm(state, &self.package.name, &record)?;
        Ok(PackageOutcome {
            name: self.package.name.clone(),
            path: self.package.folder.clone(),
            verdict: record.verdict,
            files: self.outcomes(&record),
            published,
            lines: self.report.summary(),
        })
    }

    fn planned(&self) -> impl Iterator<Item = (usize, &PlannedFile)> {
        self.session.plan.files_of(self.index)
    }

    fn file_records(&self) -> Vec<FileRecord> {
        let plan = &self.session.plan;
        self.planned()
            .map(|(index, file)| {
                let made = &self.made.prints[file.print.0 as usize];
                let header = header(self.session, file);
                let clock = plan.print_clock(file.print);
                let bytes = header.to_bytes();
                FileRecord {
                    path: file.path.clone(),
                    stamp: None,
                    blake3: self.made.files[index].blake3,
                    header: Key(*blake3::hash(&bytes).as_bytes()),
                    header_bytes: bytes.len() as u64,
                    frame_bytes: header.frame_bytes() as u32,
                    sample_rate: clock.rate.hz(),
                    frames: clock.frames,
                    segments: made.segments.iter().map(|key| of_form(*key, file.channel)).collect(),
                    overs: match file.channel {
                        None => made.overs.clone(),
                        Some(channel) => made.overs.iter().map(|all| vec![all[channel]]).collect(),
                    },
                    recipe: reason::recipe(plan, file.print),
                }
            })
            .collect()
    }

    fn checksums(&self, files: &[FileRecord], papers: &[(String, Vec<u8>)]) -> String {
        let line = |path: &String, blake3| Checksum { path: path.clone(), blake3 };
        let audio = files.iter().map(|file| line(&file.path, file.blake3.hex()));
        let papers =
            papers.iter().map(|(path, bytes)| line(path, blake3::hash(bytes).to_hex().to_string()));
        checksums::write(&audio.chain(papers).collect::<Vec<_>>())
    }

    fn facts(&self) -> FactsToSave<'_> {
        let prints: BTreeSet<_> = self.planned().map(|(_, file)| file.print).collect();
        let nulls = self.session.plan.nulls.iter().zip(&self.made.nulls);
        FactsToSave {
            segments: prints
                .into_iter()
                .flat_map(|print| &self.made.prints[print.0 as usize].facts)
                .map(|(key, facts)| (*key, &**facts))
                .collect(),
            nulls: nulls
                .filter(|(null, _)| null.deliverable == self.index)
                .flat_map(|(_, facts)| facts)
                .map(|(key, facts)| (*key, facts))
                .collect(),
        }
    }

    /// Whether the folder already holds exactly this.
    fn is_in_place(&self, record: &Record) -> bool {
        let Some((old, intact)) = self.package.in_place() else { return false };
        let entries = |record: &Record| {
            record
                .entries()
                .map(|(path, _, hash)| (path.to_owned(), hash))
                .collect::<BTreeMap<_, _>>()
        };
        intact.altered().is_empty() && entries(old) == entries(record)
    }

    /// Completes the staging folder: files that did not change, and documents.
    /// Returns the stamps of what was written.
    fn stage(
        &self,
        staging: &Staging<'_>,
        papers: &[(String, Vec<u8>)],
    ) -> Result<BTreeMap<String, FileStamp>, Failure> {
        let disk = &self.project.context.disk;
        let folder = staging.folder(&self.package.name);
        let mut stamps = BTreeMap::new();
        for (index, file) in self.planned() {
            match self.made.files[index].written {
                Some(stamp) => drop(stamps.insert(file.path.clone(), stamp)),
                None => {
                    let from = self.package.folder.join(&file.path);
                    disk.link_or_copy(&from, &folder.join(&file.path))?;
                }
            }
        }
        for (path, bytes) in papers {
            let mut out = disk.create(&folder.join(path))?;
            out.write(bytes)?;
            stamps.insert(path.clone(), out.finish()?);
        }
        Ok(stamps)
    }

    /// The stamp of a file that was linked from the package before, if it still has
    /// the content that was found to be as recorded.
    fn linked(&self, path: &str) -> Option<FileStamp> {
        let now = self.project.context.disk.stamp(&self.package.folder.join(path)).ok()??;
        self.package.stamp(path).filter(|then| then.is_same_content(&now)).map(|_| now)
    }

    fn outcomes(&self, record: &Record) -> Vec<FileOutcome> {
        self.planned()
            .zip(&record.files)
            .map(|((index, file), now)| {
                let built = self.made.files[index].written.is_some();
                // A print may have been rendered for a file of another form.
                let rendered = self.made.prints[file.print.0 as usize].rendered.iter().copied();
                FileOutcome {
                    path: file.path.clone(),
                    built,
                    segments_total: now.segments.len(),
                    rendered: reason::ranges(rendered.filter(|_| built)),
                    blake3: now.blake3,
                    reasons: self.reasons(index, now),
                }
            })
            .collect()
    }

    fn reasons(&self, index: usize, now: &FileRecord) -> Vec<Reason> {
        if self.made.files[index].written.is_none() {
            return Vec::new();
        }
        let inputs = inputs(self.session, self.digests, self.index);
        let (frames, header, inputs) = (now.frames, now.header, table(&inputs));
        let making = Making { frames, header, recipe: &now.recipe, inputs };
        self.package.why(&now.path, &making)
    }
}
