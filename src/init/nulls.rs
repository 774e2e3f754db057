//! Whether a print is the sum of tracks: heard, not guessed from its name.

use std::path::Path;

use rayon::prelude::*;

use super::items::Item;
use super::proposal::Proposal;
use crate::audio::layout::{Channel, Layout};
use crate::audio::pcm;
use crate::audio::reader::AudioReader;
use crate::fsio::Disk;
use crate::progress::Progress;
use crate::qc::words::level;
use crate::units::{SampleRate, dbfs};

/// Bytes of audio read for one comparison; of longer programmes, seconds that are
/// spread evenly over all of it.
const MOST_BYTES: u64 = 1 << 30;

/// What is left of a print when tracks are taken from it.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Null {
    /// What was heard.
    Left {
        /// The highest sample that is left, in dBFS; `None` where nothing is.
        peak_dbfs: Option<f64>,
        /// The seconds that were compared, if these were not all.
        compared_s: Option<u64>,
        /// How long the print lasts and how long the tracks, if that differs.
        lasts: Option<[String; 2]>,
    },
    /// It cannot be told, and why.
    Untold(String),
}

impl Null {
    /// Whether the print may stand as the reference of that sum: the specs that ship
    /// fail a mix above this residue.
    pub(super) fn holds(&self) -> bool {
        let peak = |peak: &Option<f64>| peak.is_none_or(|peak| peak <= -110.0);
        matches!(self, Null::Left { peak_dbfs, .. } if peak(peak_dbfs))
    }

    /// `nulls bit for bit`, `does not null: residual peak -12.3 dBFS`.
    pub(super) fn words(&self) -> String {
        let (peak, compared, lasts) = match self {
            Null::Left { peak_dbfs, compared_s, lasts } => (*peak_dbfs, compared_s, lasts),
            Null::Untold(why) => return why.clone(),
        };
        let place = compared.map(|s| format!(" in the {s} s that were compared"));
        let place = place.unwrap_or_default();
        let lasts = lasts.as_ref();
        let lasts = lasts.map(|[own, sum]| format!("; it lasts {own}, the tracks {sum}"));
        let lasts = lasts.unwrap_or_default();
        let left = level(peak, "dBFS", 1, "");
        match peak {
            None => format!("nulls bit for bit{place}{lasts}"),
            Some(_) if self.holds() => format!("nulls to {left}{place}{lasts}"),
            Some(_) => format!("does not null: residual peak {left}{place}{lasts}"),
        }
    }
}

/// Compares prints with tracks.
pub(super) trait Prove {
    /// What is left of `print` without the sum of `terms`, all at unity.
    fn null(&mut self, print: &Item, terms: &[&Item]) -> Null;
}

/// Reads the files.
pub(super) struct Ear<'a> {
    pub(super) disk: &'a Disk,
    /// The folder that was surveyed.
    pub(super) folder: &'a Path,
    pub(super) progress: &'a dyn Progress,
}

impl Prove for Ear<'_> {
    fn null(&mut self, print: &Item, terms: &[&Item]) -> Null {
        if let Some(wide) = terms.iter().find(|term| term.layout > print.layout) {
            return Null::Untold(format!(
                "is {}, and {} is {}",
                print.layout, wide.path, wide.layout
            ));
        }
        let end = |item: &Item| item.at_frame + item.frames;
        let sum = terms.iter().map(|term| end(term)).max().unwrap_or(0);
        let rate = u64::from(print.sample_rate);
        let seconds = sum.max(end(print)).div_ceil(rate);
        let all = std::iter::once(print).chain(terms.iter().copied());
        let bytes: u64 = all.map(Item::bytes).sum();
        let enough = (MOST_BYTES / bytes.div_ceil(seconds.max(1)).max(1)).max(1);
        let heard = enough.min(seconds);
        self.progress.begin(&format!("comparing {}", print.path), heard as usize);
        let peak = self.residue(print, terms, seconds, heard);
        self.progress.end();
        let clock = |frame| SampleRate::new(print.sample_rate).map(|rate| rate.clock(frame));
        let lasts = clock(end(print)).zip(clock(sum)).filter(|_| end(print) != sum);
        match peak {
            Ok(peak) => Null::Left {
                peak_dbfs: dbfs(peak),
                compared_s: (heard < seconds).then_some(heard),
                lasts: lasts.map(|(own, sum)| [own, sum]),
            },
            Err(why) => Null::Untold(why),
        }
    }
}

impl Ear<'_> {
    /// The highest sample left in `heard` of all `seconds`.
    fn residue(
        &self,
        print: &Item,
        terms: &[&Item],
        seconds: u64,
        heard: u64,
    ) -> Result<f64, String> {
        let layout = print.layout;
        let all = std::iter::once(print).chain(terms.iter().copied());
        let mut sources: Vec<Source> =
            all.map(|item| self.open(item, layout)).collect::<Result<_, _>>()?;
        let frames = print.sample_rate as usize;
        let mut peak = 0.0_f64;
        for second in (0..heard).map(|n| n * seconds / heard.max(1)) {
            let start = second * frames as u64;
            let blocks: Vec<Vec<Vec<f64>>> = sources
                .par_iter_mut()
                .map(|source| source.read(start, frames, layout.width()))
                .collect::<Result<_, _>>()?;
            let (print, terms) = blocks.split_first().expect("BUG: the print is among them");
            for (channel, print) in print.iter().enumerate() {
                for (frame, sample) in print.iter().enumerate() {
                    // In the order of the tracks, as a mix sums them.
                    let sum: f64 = terms.iter().fold(0.0, |sum, term| sum + term[channel][frame]);
                    peak = peak.max((sample - sum).abs());
                }
            }
            self.progress.advance(1);
        }
        Ok(peak)
    }

    fn open(&self, item: &Item, layout: Layout) -> Result<Source, String> {
        let mut parts = Vec::new();
        for member in &item.files {
            let cannot = |why: String| format!("{} cannot be read: {why}", member.path);
            let file = self.disk.open(&self.folder.join(&member.path));
            let file = file.map_err(|error| cannot(error.source.to_string()))?;
            let reader = AudioReader::open(file).map_err(|error| cannot(error.to_string()))?;
            let own = member.channel.as_ref();
            let own = own.map_or(item.layout.channels(), std::slice::from_ref);
            let places = own.iter().map(|channel| places(*channel, layout)).collect();
            parts.push(Part { reader, path: member.path.clone(), places });
        }
        Ok(Source { at_frame: item.at_frame, parts })
    }
}

/// Makes `print` the reference of a mix if it nulls; otherwise says why not.
pub(super) fn refer(proposal: &mut Proposal, mix: usize, print: &Item, null: &Null) {
    let mix = &mut proposal.mixes[mix];
    match approve(&format!("`{}`", mix.name), mix.reference.as_ref(), print, null) {
        Ok(found) => (mix.reference, mix.note) = (Some(print.path.clone()), found),
        Err(why) => proposal.leave(print, why),
    }
}

/// What was found of a print that can be the reference of a mix, or why it cannot.
/// `first` is the print that is the reference already.
pub(super) fn approve(
    what: &str,
    first: Option<&String>,
    print: &Item,
    null: &Null,
) -> Result<String, String> {
    let found = null.words();
    match first {
        _ if !null.holds() => Err(format!("a print of {what}: {found}")),
        Some(first) => Err(format!("a print of {what} like {first}: {found}")),
        None if print.files.len() > 1 => {
            Err(format!("a print of {what}: {found}; a reference is one file"))
        }
        None => Ok(found),
    }
}

/// Where a channel goes in a layout: to its namesake; mono to left and right, or to
/// the centre where there is one. As plans place tracks, at unity.
fn places(channel: Channel, layout: Layout) -> Vec<usize> {
    match (channel, layout.position(channel)) {
        (_, Some(place)) => vec![place],
        (Channel::Mono, None) => match layout.position(Channel::C) {
            Some(centre) => vec![centre],
            None => (0..layout.width()).collect(),
        },
        (_, None) => Vec::new(),
    }
}

struct Source {
    at_frame: u64,
    parts: Vec<Part>,
}

struct Part {
    reader: AudioReader,
    path: String,
    /// For each channel of the file, where it goes.
    places: Vec<Vec<usize>>,
}

impl Source {
    /// Frames `[start, start + frames)` of the programme, silent where the files are not.
    fn read(&mut self, start: u64, frames: usize, width: usize) -> Result<Vec<Vec<f64>>, String> {
        let mut block = vec![vec![0.0; frames]; width];
        let before = self.at_frame.saturating_sub(start);
        let Some(silent) = usize::try_from(before).ok().filter(|silent| *silent < frames) else {
            return Ok(block);
        };
        let from = start.saturating_sub(self.at_frame);
        for part in &mut self.parts {
            let (pcm, channels) = (part.reader.info().pcm, part.places.len());
            let mut bytes = Vec::new();
            let got = part
                .reader
                .read(from, frames - silent, &mut bytes)
                .map_err(|error| format!("{} cannot be read: {error}", part.path))?;
            let mut planar = vec![vec![0.0; got]; channels];
            pcm::decode(pcm, channels, &bytes, &mut planar);
            for (samples, places) in planar.iter().zip(&part.places) {
                for place in places {
                    let out = &mut block[*place][silent..silent + got];
                    out.iter_mut().zip(samples).for_each(|(out, sample)| *out += sample);
                }
            }
        }
        Ok(block)
    }
}
