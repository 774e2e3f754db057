//! Warnings of what may be done and is hardly ever meant.

use std::collections::{BTreeMap, BTreeSet};

use super::delivery::{InputId, Part, Track, TrackId};
use super::files::Files;
use super::links::Heard;
use super::resolve::Faults;
use crate::diag::Diagnostic;
use crate::units::SampleRate;

/// Warns of tracks that end a little before or behind the others that begin
/// where they do: mostly another selection was bounced. Only where more than half
/// of them, and at least two, have one length.
pub(super) fn uneven_ends(
    tracks: &BTreeMap<TrackId, Track>,
    files: &Files<'_>,
    rate: SampleRate,
    faults: &mut Faults,
) {
    let mut starts: BTreeMap<u64, Vec<(&Track, u64)>> = BTreeMap::new();
    // What is made here is as long as the programme.
    for track in tracks.values().filter(|track| !track.files.is_empty()) {
        let lengths =
            track.files.iter().map(|file| files.inputs[file.input.0 as usize].info.frames);
        let longest = track.ratio.frames(lengths.max().unwrap_or(0));
        starts.entry(track.at_frame).or_default().push((track, longest));
    }
    for together in starts.values() {
        let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
        together.iter().for_each(|(_, frames)| *counts.entry(*frames).or_default() += 1);
        let most = |count: usize| count > 1 && count * 2 > together.len();
        let Some((usual, _)) = counts.into_iter().find(|(_, count)| most(*count)) else { continue };
        for (track, frames) in together {
            let off = frames.abs_diff(usual);
            if off > 0 && off * 2 < u64::from(rate.hz()) {
                let than = if *frames < usual { "shorter" } else { "longer" };
                let plural = if off == 1 { "" } else { "s" };
                let name = &track.name;
                faults.warn(
                    Diagnostic::warning(format!(
                        "`{name}` is {off} sample{plural} {than} than the other tracks"
                    ))
                    .at(&track.span, format!("{frames} frames, most have {usual}"))
                    .help("was another selection bounced?"),
                );
            }
        }
    }
}

/// Warns of two tracks of one file that a mix hears at the same place; each file
/// is `told` of once.
pub(super) fn shared_files(
    tracks: &BTreeMap<TrackId, Track>,
    mix: &str,
    heard: &Heard,
    told: &mut BTreeSet<InputId>,
    faults: &mut Faults,
) {
    let mut users: BTreeMap<(InputId, u64), &Track> = BTreeMap::new();
    let heard = heard.keys().filter_map(|part| match part {
        Part::Track(id) => tracks.get(id),
        Part::Stem(_) | Part::Mix(_) => None,
    });
    for track in heard {
        for file in &track.files {
            let first = *users.entry((file.input, track.at_frame)).or_insert(track);
            if first.name != track.name && told.insert(file.input) {
                let (one, two) = (&first.name, &track.name);
                let title = format!("`{one}` and `{two}` are one file, heard twice in mix `{mix}`");
                faults.warn(
                    Diagnostic::warning(title)
                        .at(&track.span, "the same file")
                        .context(&first.span, "as this")
                        .help("was another file meant?"),
                );
            }
        }
    }
}
