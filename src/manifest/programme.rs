//! The timeline: where tracks stand on it, how long it is, what clock it carries.

use std::collections::BTreeMap;

use super::delivery::{Part, Programme, Project, Section, Track, TrackFile, TrackId};
use super::files::Files;
use super::raw::{self, Manifest, Text};
use super::resolve::Faults;
use super::sums::programme_layout;
use super::timeline::Timeline;
use super::versions::Version;
use super::{hints, pace, placement, signals};
use crate::diag::{Diagnostic, Span};
use crate::units::{SampleRate, Timecode};
use crate::yaml::record::At;
use crate::yaml::times::Label;

/// Places the tracks, measures the whole and finds its sections.
pub(super) fn resolve(
    manifest: &Manifest,
    tracks: &mut BTreeMap<TrackId, Track>,
    versions: &[Version],
    files: &Files<'_>,
    timeline: &Timeline,
    faults: &mut Faults,
) -> (Programme, Vec<Section>) {
    let (session, rate) = (manifest.session.as_ref(), timeline.rate);
    let first_frame = session.and_then(|session| session.first_frame.as_ref());
    let last_frame = session.and_then(|session| session.last_frame.as_ref());
    let first = first_frame.and_then(|at| timeline.clock(at, faults));
    let last = last_frame.and_then(|at| timeline.clock(at, faults));
    if let (Some(first), Some(last), Some(at)) = (first, last, last_frame)
        && first > last
    {
        let error = Diagnostic::error("`last_frame` lies before `first_frame`");
        faults.whole(error.at(&at.span, ""));
    }
    for (id, track) in tracks.iter_mut() {
        let raw = manifest.tracks.0[id.0 as usize].body.as_ref();
        let frames = length(track, files, faults);
        let placed = raw.map_or(Ok(frames), |raw| {
            track.ratio = pace::of_track(raw, track, files, rate)?;
            placement::place(raw, track, track.ratio.frames(frames), timeline)
        });
        if let Err(told) = placed {
            faults.bad.insert(Part::Track(*id));
            told.into_iter().for_each(|error| faults.spoil(Part::Track(*id), error));
        }
    }
    // A dub that is longer than the original is not cut either.
    let all = tracks.values().chain(versions.iter().flat_map(Version::tracks));
    let ends: Vec<(&Track, u64)> = all.map(|track| (track, placement::end(track, files))).collect();
    hints::uneven_ends(tracks, files, rate, faults);
    let frames = programme_length(session, timeline, &ends, faults);
    warn_of_action(timeline, frames, first_frame.zip(first), last_frame.zip(last), faults);
    let programme = Programme {
        sample_rate: rate,
        frames,
        layout: programme_layout(manifest, tracks),
        frame_rate: timeline.fps,
        start: timeline.start,
        first_frame: first,
        last_frame: last,
        tempo: timeline.tempo.clone(),
        meter: timeline.meter.clone(),
    };
    let sections = sections(manifest, timeline, &programme, faults);
    signals::resolve(manifest, tracks, &programme, timeline, faults);
    (programme, sections)
}

/// How long the programme is: as the session says, else as its tracks and its tail.
fn programme_length(
    session: Option<&raw::Session>,
    timeline: &Timeline,
    ends: &[(&Track, u64)],
    faults: &mut Faults,
) -> u64 {
    let material = ends.iter().map(|(_, end)| *end).max().unwrap_or(0);
    let Some(session) = session else { return material };
    let fixed = match (&session.length, &session.end) {
        (Some(length), Some(end)) => {
            let error = Diagnostic::error("`length` and `end` both say where the programme ends");
            let error = error.at(&end.span, "").context(&length.span, "");
            faults.whole(error.help("remove one of them"));
            return material;
        }
        (Some(length), None) => Some(("length", &length.span, timeline.length(length))),
        (None, Some(end)) => Some(("end", &end.span, timeline.place(end))),
        (None, None) => None,
    };
    let tail = session.tail.as_ref().map(|at| (timeline.length(at), &at.span));
    let told = |frames: Result<u64, Option<Diagnostic>>, faults: &mut Faults| {
        frames.unwrap_or_else(|error| {
            error.into_iter().for_each(|error| faults.whole(error));
            material
        })
    };
    let Some((key, span, frames)) = fixed else {
        return tail.map_or(material, |(tail, _)| match tail {
            Ok(tail) => material.saturating_add(tail),
            error => told(error, faults),
        });
    };
    if let Some((_, tail)) = tail {
        let title = format!("`tail` and `{key}` both say where the programme ends");
        let error = Diagnostic::error(title).at(tail, "").context(span, "");
        faults.whole(error.help("`tail` is kept after the last track; remove one of them"));
    }
    let frames = told(frames, faults);
    if frames == 0 {
        faults.whole(Diagnostic::error("the programme has no length").at(span, ""));
        return material;
    }
    warn_of_cuts(timeline.rate, frames, span, ends, faults);
    frames
}

/// Warns of what a fixed length leaves out, with one message for all tracks.
fn warn_of_cuts(
    rate: SampleRate,
    frames: u64,
    span: &Span,
    ends: &[(&Track, u64)],
    faults: &mut Faults,
) {
    const NAMED: usize = 8;
    let cut: Vec<(&Track, u64)> = ends.iter().filter(|(_, end)| *end > frames).copied().collect();
    let Some((longest, end)) = cut.iter().max_by_key(|(_, end)| *end) else { return };
    let mut names: Vec<String> =
        cut.iter().take(NAMED).map(|(track, _)| format!("`{}`", track.name)).collect();
    if cut.len() > NAMED {
        names.push(format!("{} more", cut.len() - NAMED));
    }
    let title = format!("the programme ends before {}", names.join(", "));
    let warning = Diagnostic::warning(title)
        .at(span, format!("at {}", rate.clock(frames)))
        .context(&longest.span, format!("ends at {}", rate.clock(*end)))
        .help("what lies behind its end is not delivered");
    faults.warn(warning);
}

/// Warns of action that the programme does not hold.
fn warn_of_action(
    timeline: &Timeline,
    frames: u64,
    first: Option<(&At<Label>, Timecode)>,
    last: Option<(&At<Label>, Timecode)>,
    faults: &mut Faults,
) {
    let (Some(fps), Some(start)) = (timeline.fps, timeline.start) else { return };
    if let Some((at, _)) = first.filter(|(_, first)| *first < start) {
        let title = "the first frame of action lies before the programme begins";
        let label = format!("the first sample is at {}", start.label(fps));
        faults.warn(Diagnostic::warning(title).at(&at.span, label));
    }
    let Some((at, last)) = last else { return };
    let after = fps.audio_frame(last.frames() + 1, timeline.rate);
    if after.saturating_sub(timeline.zero()) > frames {
        let title = "the programme ends before its last frame of action does";
        let end = Timecode::at(timeline.zero() + frames, timeline.rate, fps);
        let label = format!("the programme ends at {}", end.label(fps));
        let help = "a `tail` or `length` in `session` makes it longer";
        faults.warn(Diagnostic::warning(title).at(&at.span, label).help(help));
    }
}

/// The sections, each a part of the programme.
fn sections(
    manifest: &Manifest,
    timeline: &Timeline,
    programme: &Programme,
    faults: &mut Faults,
) -> Vec<Section> {
    let mut sections = Vec::new();
    for entry in &manifest.sections.0 {
        let Some(raw) = &entry.body else { continue };
        let mut place = |at| {
            timeline.place(at).map_err(|told| told.into_iter().for_each(|e| faults.whole(e))).ok()
        };
        let (from, to) = (place(&raw.from), place(&raw.to));
        let (name, span) = (entry.name.clone(), entry.span.clone());
        // What is wrong with it is told once, and nothing is built: its name is known.
        let (Some(from_frame), Some(to_frame)) = (from, to) else {
            faults.stop();
            let to_frame = programme.frames.max(1);
            sections.push(Section { name, from_frame: 0, to_frame, span });
            continue;
        };
        let clock = |frame| programme.sample_rate.clock(frame);
        let whole = Section { name: name.clone(), from_frame, to_frame, span };
        let (title, label, help) = if to_frame <= from_frame {
            let title = format!("section `{name}` ends before it begins");
            sections.push(Section { from_frame: 0, to_frame: programme.frames.max(1), ..whole });
            (title, format!("at {}", clock(to_frame)), "`to` lies behind `from`".to_owned())
        } else if to_frame > programme.frames {
            let title = format!("section `{name}` goes on after the programme has ended");
            let end = clock(programme.frames);
            let help =
                format!("the programme ends at {end}; a `tail` in `session` makes it longer");
            sections.push(whole);
            (title, format!("at {}", clock(to_frame)), help)
        } else {
            sections.push(whole);
            continue;
        };
        faults.whole(Diagnostic::error(title).at(&raw.to.span, label).help(help));
    }
    sections
}

/// Frames of the longest file of a track; its files should agree.
pub(super) fn length(track: &Track, files: &Files<'_>, faults: &mut Faults) -> u64 {
    let frames = |file: &TrackFile| files.inputs[file.input.0 as usize].info.frames;
    let lengths: Vec<u64> = track.files.iter().map(frames).collect();
    if lengths.windows(2).any(|pair| pair[0] != pair[1]) {
        let title = format!("the files of track `{}` differ in length", track.name);
        let lengths: Vec<String> = lengths.iter().map(u64::to_string).collect();
        let label = format!("{} frames", lengths.join(", "));
        faults.warn(Diagnostic::warning(title).at(&track.span, label));
    }
    lengths.into_iter().max().unwrap_or(0)
}

/// The project's texts; absent ones are empty.
pub(super) fn project(manifest: &Manifest, faults: &mut Faults) -> Project {
    let Some(raw) = &manifest.project else { return Project::default() };
    let text = |text: &Option<Text>| text.as_ref().map_or(String::new(), |at| at.value.clone());
    if let (Some(licence), Some(license)) = (&raw.licence, &raw.license) {
        let error = Diagnostic::error("`licence` and `license` are the same");
        faults.whole(
            error.at(&license.span, "").context(&licence.span, "").help("remove one of them"),
        );
    }
    Project {
        title: text(&raw.title),
        artist: text(&raw.artist),
        composer: text(&raw.composer),
        mixer: text(&raw.mixer),
        key: text(&raw.key),
        production: text(&raw.production),
        part: text(&raw.part),
        revision: text(&raw.revision),
        contact: text(&raw.contact),
        licence: text(if raw.licence.is_some() { &raw.licence } else { &raw.license }),
        date: text(&raw.date),
    }
}
