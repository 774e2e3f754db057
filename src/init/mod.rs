//! `rebounce init`: a manifest proposed from a folder of audio.
//!
//! Names are read as people write them, prints are compared with the sums of tracks
//! by their samples, and what is guessed says so in a comment. What is proposed can be
//! built as it is.

mod clock;
mod dubs;
mod film;
mod film_words;
mod items;
mod music;
mod names;
mod nulls;
mod proposal;
mod song;
mod survey;
mod write;

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

use crate::diag::{Diagnostic, Failure, shown};
use crate::fsio::Disk;
use crate::qc::words::count;
use crate::run::Context;
use crate::units::SampleRate;

use items::Item;
use nulls::{Ear, Prove};
use proposal::{Proposal, Reference};
use survey::Survey;

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The folder of audio; `None` for that of the manifest.
    pub folder: Option<PathBuf>,
    /// The manifest to write.
    pub manifest: PathBuf,
    /// Whether it is only shown.
    pub dry_run: bool,
}

/// What was proposed.
pub struct Proposed {
    /// The manifest.
    pub text: String,
    path: PathBuf,
    is_film: bool,
    proposal: Proposal,
    refused: Vec<(String, String)>,
}

/// Proposes a manifest for a folder of audio and writes it, never over another.
///
/// # Errors
/// A manifest that is there already, a folder that is none, a folder without audio
/// that can be read; faults of the disk.
pub fn init(context: &Context<'_>, request: &Request) -> Result<Proposed, Failure> {
    let (disk, path) = (&context.disk, &request.manifest);
    if !request.dry_run && disk.stamp(path)?.is_some() {
        let title = format!("there is already a {}", shown(path));
        let help =
            "`-n` shows the proposal instead of writing it, `-f FILE` writes to another file";
        return Err(Diagnostic::error(title).help(help).into());
    }
    let home = path.parent().filter(|home| !home.as_os_str().is_empty());
    let home = home.unwrap_or(Path::new("."));
    let folder = request.folder.as_deref().unwrap_or(home);
    check_folder(disk, folder)?;
    let survey = survey::survey(disk, folder)?;
    let proposed = propose(context, request, home, folder, survey)?;
    if !request.dry_run {
        put(disk, path, &proposed.text)?;
    }
    Ok(proposed)
}

fn check_folder(disk: &Disk, folder: &Path) -> Result<(), Failure> {
    if disk.is_folder(folder) {
        return Ok(());
    }
    let error = match disk.kind(folder) {
        Ok(_) => Diagnostic::error(format!("{} is a file, not a folder", shown(folder)))
            .help("name the folder that it lies in"),
        Err(_) => Diagnostic::error(format!("there is no folder {}", shown(folder)))
            .help("name the folder that the bounces were exported to"),
    };
    Err(error.into())
}

/// Writes a file that is not there yet; what could not be written whole is removed.
fn put(disk: &Disk, path: &Path, text: &str) -> Result<(), Failure> {
    let mut file = disk.create(path)?;
    let written = file.write(text.as_bytes()).and_then(|()| file.finish());
    if let Err(error) = written {
        // The failure itself is told; this one would say the same.
        let _ = disk.remove_file_if_any(path);
        return Err(error.into());
    }
    Ok(())
}

fn propose(
    context: &Context<'_>,
    request: &Request,
    home: &Path,
    folder: &Path,
    mut survey: Survey,
) -> Result<Proposed, Failure> {
    let (mut items, unknown) = items::gather(&survey.files);
    survey.refused.extend(unknown);
    survey.refused.sort();
    let Some(rate) = usual_rate(&items) else { return Err(nothing(folder, &survey).into()) };
    let mut proposal = Proposal::default();
    items.retain(|item| {
        let fits = item.sample_rate == rate.hz();
        if !fits {
            let why = format!(
                "at {} Hz, and the others at {rate}: export it again, or convert it",
                item.sample_rate
            );
            proposal.leave(item, why);
        }
        fits
    });
    let is_placed = clock::place(&mut items);
    let mut words: Vec<Vec<String>> = items.iter().map(|item| item.name.telling()).collect();
    let known =
        |words: &[String]| music::part(words).is_some() || film_words::read(words).is_some();
    let front = names::strip_common(&mut words, &known);
    (proposal.title, proposal.title_note) = title(&front, context, folder, home);
    let is_film = is_film(&words);
    let pairs: Vec<(&Item, &[String])> =
        items.iter().zip(&words).map(|(item, words)| (item, words.as_slice())).collect();
    let disk = &context.disk;
    let mut ear = Ear { disk, folder, progress: context.progress };
    fill(&pairs, &survey, rate, is_film, &mut proposal, &mut ear);
    if !is_placed {
        proposal.tracks_note = "the clocks in the files differ; all are placed at the start".into();
    }
    let audio = audio_folder(disk, request, home, folder);
    let frame = write::Frame {
        audio: audio.as_deref(),
        files: survey.files.len() + survey.refused.len(),
        refused: &survey.refused,
        too_deep: &survey.too_deep,
        sample_rate: rate.hz(),
    };
    let text = write::write(&proposal, &frame);
    let (path, refused) = (request.manifest.clone(), survey.refused);
    Ok(Proposed { text, path, is_film, proposal, refused })
}

/// Tracks, stems, mixes, packages and the timeline.
fn fill(
    items: &[(&Item, &[String])],
    survey: &Survey,
    rate: SampleRate,
    is_film: bool,
    proposal: &mut Proposal,
    prove: &mut dyn Prove,
) {
    let all: Vec<&Item> = items.iter().map(|(item, _)| *item).collect();
    if is_film {
        let one = one_reel(items, proposal);
        let reel: Vec<&Item> = one.iter().map(|(item, _)| *item).collect();
        let settings = clock::film(&reel, &survey.files, rate);
        film::propose(&one, proposal, prove);
        proposal.session.extend(settings);
    } else {
        song::propose(items, proposal, prove);
        proposal.session.extend(clock::tempo(&all, &survey.files));
    }
    let files: std::collections::BTreeSet<&String> =
        proposal.tracks.iter().flat_map(|track| &track.files).map(|(_, path)| path).collect();
    let is_track = |item: &&&Item| item.files.iter().any(|file| files.contains(&file.path));
    let ends = all.iter().filter(is_track).map(|item| item.at_frame + item.frames);
    let frames = ends.max().unwrap_or(0);
    (proposal.sections_from, proposal.sections) = clock::sections(&all, &survey.files, frames);
}

/// Whether the names are those of a film: two elements of one at least, and more files
/// that are called as elements than as tracks of a song.
fn is_film(words: &[Vec<String>]) -> bool {
    let film: Vec<_> = words.iter().filter_map(|words| film_words::read(words)).collect();
    let elements: std::collections::BTreeSet<_> = film.iter().map(|r| r.element).collect();
    let song = words.iter().filter(|words| music::part(words).is_some()).count();
    elements.len() > 1 && film.len() > song
}

/// The items of the first reel, if there are several: each is a programme of its own.
fn one_reel<'a>(
    items: &[(&'a Item, &'a [String])],
    proposal: &mut Proposal,
) -> Vec<(&'a Item, &'a [String])> {
    let reel = |words: &[String]| {
        words.iter().map(|word| word.to_lowercase()).find(|word| {
            let number = word.strip_prefix("reel").or_else(|| word.strip_prefix('r'));
            number.is_some_and(|n| {
                (1..=2).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit())
            })
        })
    };
    let first = items.iter().filter_map(|(_, words)| reel(words)).min();
    let mut kept = Vec::new();
    for (item, words) in items {
        match (reel(words), &first) {
            (Some(own), Some(first)) if own != *first => {
                proposal.leave(
                    item,
                    format!("of another reel than {first}: make it a manifest of its own"),
                );
            }
            _ => kept.push((*item, *words)),
        }
    }
    kept
}

/// The sample rate of most items; the lower of two.
fn usual_rate(items: &[Item]) -> Option<SampleRate> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    items.iter().for_each(|item| *counts.entry(item.sample_rate).or_default() += 1);
    let most = counts.into_iter().max_by_key(|(rate, count)| (*count, std::cmp::Reverse(*rate)));
    most.and_then(|(rate, _)| SampleRate::new(rate))
}

/// Characters of a title: enough for any, and short of what a file name may have.
const LONGEST: usize = 80;

/// The title by the words that file names begin with, else by the folder, and where
/// it is from. It has a letter or a digit at least that every spec allows.
fn title(front: &[String], context: &Context<'_>, folder: &Path, home: &Path) -> (String, String) {
    const PLAIN: [&str; 16] = [
        "audio",
        "bounces",
        "bounce",
        "stems",
        "stem",
        "tracks",
        "session",
        "export",
        "exports",
        "prints",
        "print",
        "files",
        "wav",
        "mix",
        "mixes",
        "multitracks",
    ];
    // File names begin with it, and may neither begin with a dot nor be endless.
    let trimmed = |text: &str| -> String {
        let text = text.trim_matches(|c: char| !c.is_alphanumeric());
        text.chars().take(LONGEST).collect()
    };
    let is_fit = |text: &str| text.chars().any(|c| c.is_ascii_alphanumeric());
    let by_names = trimmed(&front.join(" "));
    if is_fit(&by_names) {
        return (by_names, "guess: by the file names".into());
    }
    let real = [folder, home].map(|path| context.disk.canonical(path));
    let above = real[0].parent().map(Path::to_path_buf);
    let folders = [Some(real[0].clone()), above, Some(real[1].clone())];
    let names = folders.iter().flatten().filter_map(|path| path.file_name()?.to_str());
    let mut telling =
        names.filter(|name| is_fit(name) && !PLAIN.contains(&name.to_lowercase().as_str()));
    match telling.next() {
        Some(name) => (trimmed(name), "guess: by the folder".into()),
        None => ("Untitled".into(), "guess: no name tells it".into()),
    }
}

/// How the manifest names the folder of audio; `None` if it is its own.
fn audio_folder(disk: &Disk, request: &Request, home: &Path, folder: &Path) -> Option<String> {
    let (from, to) = (disk.canonical(home), disk.canonical(folder));
    if from == to {
        return None;
    }
    // As it was written, if that is how the manifest sees it, links and all.
    let beside = request.manifest.parent().is_none_or(|home| home.as_os_str().is_empty());
    if beside || folder.is_absolute() {
        let parts = folder.components().filter(|part| *part != Component::CurDir);
        return Some(shown(&parts.collect::<PathBuf>()).to_string());
    }
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to.components().skip(common)).collect();
    Some(shown(&path).to_string())
}

/// The error for a folder from which nothing can be proposed.
fn nothing(folder: &Path, survey: &Survey) -> Diagnostic {
    let place = shown(folder);
    if survey.refused.is_empty() {
        let help = "name the folder that the bounces were exported to: `rebounce init DIR`";
        return Diagnostic::error(format!("there is no audio below {place}")).help(help);
    }
    let count = count(survey.refused.len() as u64, "audio file");
    let title = format!("none of the {count} below {place} can be read");
    let mut list: Vec<String> =
        survey.refused.iter().take(5).map(|(path, why)| format!("{path}: {why}")).collect();
    if survey.refused.len() > list.len() {
        list.push(format!("and {} more", survey.refused.len() - list.len()));
    }
    Diagnostic::error(title).help(list.join("\n"))
}

impl Proposed {
    /// How many lines are guesses.
    fn guesses(&self) -> usize {
        self.text.lines().skip(2).filter(|line| line.contains("# guess")).count()
    }

    /// A few lines for the terminal: what was written, what was found, what to look at.
    pub fn summary(&self) -> String {
        let proposal = &self.proposal;
        let number = |n: usize, noun: &str| count(n as u64, noun);
        let stems = number(proposal.stems.len(), "stem");
        let mixes = match proposal.mixes.len() {
            1 => "1 mix".to_owned(),
            n => format!("{n} mixes"),
        };
        let sums = match proposal.versions.len() {
            0 => format!("{stems} and {mixes}"),
            n => format!("{stems}, {mixes} and {}", number(n, "version")),
        };
        let mut text = format!(
            "{}: {} of {} in {sums}, for {}\n",
            shown(&self.path),
            if self.is_film { "a film" } else { "a song" },
            number(proposal.tracks.len(), "track"),
            number(proposal.packages.len(), "package"),
        );
        for mix in &proposal.mixes {
            if let Some(reference) = &mix.reference {
                text.push_str(&format!("      {}: {} against {reference}\n", mix.name, mix.note));
            }
        }
        for version in &proposal.versions {
            for Reference { mix, file, found } in &version.references {
                let language = &version.language;
                text.push_str(&format!("      {mix} in {language}: {found} against {file}\n"));
            }
        }
        let left = proposal.aside.iter().map(|aside| (&aside.path, &aside.why));
        for (path, why) in left.chain(self.refused.iter().map(|(path, why)| (path, why))) {
            text.push_str(&format!("      left out {path}: {why}\n"));
        }
        let guesses = match self.guesses() {
            0 => "it is yours to edit".to_owned(),
            n => format!("look at {} in it", number(n, "guess").replace("guesss", "guesses")),
        };
        text.push_str(&format!("{guesses}; `rebounce check` checks it, `rebounce` builds it\n"));
        text
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let proposal = &self.proposal;
        let references = proposal.mixes.iter().filter_map(|mix| {
            let file = mix.reference.as_ref()?;
            Some(json!({ "mix": mix.name, "file": file, "found": mix.note }))
        });
        let dubs = proposal.versions.iter().flat_map(|version| {
            version.references.iter().map(|print| {
                let Reference { mix, file, found } = print;
                json!({ "mix": mix, "version": version.language, "file": file, "found": found })
            })
        });
        let left = proposal.aside.iter().map(|aside| (&aside.path, &aside.why));
        let left = left.chain(self.refused.iter().map(|(path, why)| (path, why)));
        json!({
            "manifest": shown(&self.path).to_string(),
            "kind": if self.is_film { "film" } else { "song" },
            "tracks": proposal.tracks.len(),
            "stems": proposal.stems.len(),
            "mixes": proposal.mixes.len(),
            "versions": proposal.versions.len(),
            "deliverables": proposal.packages.len(),
            "references": references.chain(dubs).collect::<Vec<_>>(),
            "left_out": left.map(|(file, why)| json!({ "file": file, "why": why })).collect::<Vec<_>>(),
            "guesses": self.guesses(),
            "text": self.text,
        })
    }
}
