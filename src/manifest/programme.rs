//! The timeline: where tracks stand on it, how long it is, what clock it carries.

use std::collections::BTreeMap;

use super::delivery::{Part, Programme, Project, Track, TrackFile, TrackId};
use super::files::Files;
use super::hints;
use super::raw::{Manifest, Text};
use super::resolve::Faults;
use super::sums::programme_layout;
use super::values::{Label, Time};
use crate::diag::Diagnostic;
use crate::units::{FrameRate, SampleRate, Timecode};
use crate::yaml::record::At;

/// Places the tracks and measures the whole.
pub(super) fn resolve(
    manifest: &Manifest,
    tracks: &mut BTreeMap<TrackId, Track>,
    files: &Files<'_>,
    rate: SampleRate,
    faults: &mut Faults,
) -> Programme {
    let session = manifest.session.as_ref();
    let fps = session.and_then(|session| session.frame_rate.as_ref()).map(|at| at.value);
    let mut timecode = |label: Option<&At<Label>>| label.and_then(|at| clock(at, fps, faults));
    let start = timecode(session.and_then(|session| session.start.as_ref()));
    let first_frame = timecode(session.and_then(|session| session.first_frame.as_ref()));
    let last_frame = timecode(session.and_then(|session| session.last_frame.as_ref()));
    if let (Some(first), Some(last), Some(session)) = (first_frame, last_frame, session)
        && first > last
    {
        let error = Diagnostic::error("`last_frame` lies before `first_frame`");
        let place = session.last_frame.as_ref().map(|at| &at.span);
        faults.whole(place.map_or(error.clone(), |span| error.at(span, "")));
    }
    let zero = start.zip(fps).map_or(0, |(start, fps)| start.samples_since_midnight(fps, rate));
    let mut end = 0;
    for (id, track) in tracks.iter_mut() {
        let raw = manifest.tracks.0[id.0 as usize].body.as_ref();
        if let Some(at) = raw.and_then(|raw| raw.at.as_ref()) {
            match place(at, rate, fps, zero) {
                Ok(frame) => track.at_frame = frame,
                Err(error) => faults.spoil(Part::Track(*id), error),
            }
        }
        end = end.max(track.at_frame.saturating_add(length(track, files, faults)));
    }
    hints::uneven_ends(tracks, files, rate, faults);
    let tail = session.and_then(|session| session.tail.as_ref());
    let tail = tail.map_or(Ok(0), |at| frames(at, rate, fps)).unwrap_or_else(|error| {
        faults.whole(error);
        0
    });
    Programme {
        sample_rate: rate,
        frames: end.saturating_add(tail),
        layout: programme_layout(manifest, tracks),
        frame_rate: fps,
        start,
        first_frame,
        last_frame,
        tempo: session.and_then(|session| session.tempo).map(|tempo| tempo.0),
        meter: session.and_then(|session| session.meter.clone()).map(|meter| meter.0),
    }
}

/// Frames of the longest file of a track; its files should agree.
fn length(track: &Track, files: &Files<'_>, faults: &mut Faults) -> u64 {
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

/// The programme frame of a time. Timecode is that of the programme's clock,
/// which shows `start` at its first sample; all else counts from there.
fn place(
    at: &At<Time>,
    rate: SampleRate,
    fps: Option<FrameRate>,
    zero: u64,
) -> Result<u64, Diagnostic> {
    let frame = frames(at, rate, fps)?;
    match at.value {
        Time::Nanoseconds(_) => Ok(frame),
        Time::Timecode(_) => frame.checked_sub(zero).ok_or_else(|| {
            Diagnostic::error("this timecode lies before the programme begins")
                .at(&at.span, "")
                .help("the clock starts at the session's `start`")
        }),
    }
}

fn frames(at: &At<Time>, rate: SampleRate, fps: Option<FrameRate>) -> Result<u64, Diagnostic> {
    at.value.frames(rate, fps).ok_or_else(|| not_in(at.span.text(), fps).at(&at.span, ""))
}

fn clock(at: &At<Label>, fps: Option<FrameRate>, faults: &mut Faults) -> Option<Timecode> {
    let timecode = fps.and_then(|fps| Timecode::parse(&at.value.0, fps));
    if timecode.is_none() {
        faults.whole(not_in(&at.value.0, fps).at(&at.span, ""));
    }
    timecode
}

fn not_in(label: &str, fps: Option<FrameRate>) -> Diagnostic {
    let label = label.trim_matches(['"', '\'']);
    match fps {
        None => Diagnostic::error("a timecode needs a frame rate")
            .help("add `frame_rate: 25` (or yours) to `session`"),
        Some(fps) => {
            Diagnostic::error(format!("there is no timecode `{label}` at {fps} frames per second"))
                .help(match fps.is_drop_frame() {
                    true => "frames 00 and 01 are dropped each minute except every tenth".into(),
                    false => format!("frames count from 00 to {}", fps.nominal() - 1),
                })
        }
    }
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
        production: text(&raw.production),
        part: text(&raw.part),
        revision: text(&raw.revision),
        contact: text(&raw.contact),
        licence: text(if raw.licence.is_some() { &raw.licence } else { &raw.license }),
        date: text(&raw.date),
    }
}
