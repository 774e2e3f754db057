//! Signals that are made here: tones and clicks as tracks and leaders.

use std::collections::BTreeMap;

use super::delivery::{Part, Programme, Track, TrackId};
use super::framing;
use super::raw::{self, Manifest};
use super::resolve::Faults;
use super::timeline::Timeline;
use crate::diag::{Diagnostic, Span};
use crate::dsp::signal::{Signal, Sound};
use crate::record;
use crate::spec::edge::{Anchor, RawTone};
use crate::units::Gain;
use crate::yaml::record::{At, Entry};

record! {
    /// A click on every beat, accented on the first of a bar.
    pub RawClick: "a click like `{ level: -12 }`", short level;
    /// The peak of its clicks in dBFS.
    level: Gain,
}

/// A tone within a file from frame `from` to frame `to` of the programme, counted from
/// the file's first frame; and its words. `place` finds a place that begins or ends it.
pub(super) fn tone(
    raw: &At<RawTone>,
    (from, to): (i64, i64),
    place: impl Fn(&At<Anchor>, bool) -> Result<i64, Option<Diagnostic>>,
) -> Result<(Sound, String), Option<Diagnostic>> {
    let RawTone { level, hz, from: start, to: end } = &raw.value;
    let start = start.as_ref().map_or(Ok(from), |at| place(at, false))?;
    let end = end.as_ref().map_or(Ok(to), |at| place(at, true))?;
    if start < from || end > to || end <= start {
        let error = Diagnostic::error("the tone does not lie within the file");
        return Err(Some(error.at(&raw.span, "").help("move its `from` and `to`, or the file's")));
    }
    let frequency = hz.as_ref().map_or(1000.0, |hz| hz.value.0);
    let span = hz.as_ref().map_or(&raw.span, |hz| &hz.span);
    if frequency.fract() != 0.0 || frequency > 20_000.0 {
        let error = Diagnostic::error("a tone has a whole number of Hz, 20 kHz at most");
        return Err(Some(error.at(span, "")));
    }
    let hz = frequency as u32;
    let sound =
        Sound::Tone { hz, peak: *level, start: (start - from) as u64, end: (end - from) as u64 };
    Ok((sound, format!("tone of {hz} Hz at {} dBFS", level.db())))
}

/// Where a track says that it is made here, if it is.
pub(super) fn span(raw: &raw::Track) -> Option<&Span> {
    raw.click.as_ref().map(|at| &at.span).or(raw.tone.as_ref().map(|at| &at.span))
}

/// A track that is made here has no file, and nothing that belongs to one.
pub(super) fn alone<T>(
    entry: &Entry<T>,
    raw: &raw::Track,
    span: &Span,
) -> Result<(), Vec<Diagnostic>> {
    let file = raw.file.as_ref().map(|text| &text.span);
    let files = raw.files.as_ref().map(|_| &entry.span);
    let placed = raw.at.as_ref().map(|at| &at.span).or(raw.trim.as_ref().map(|at| &at.span));
    let channels = raw.channels.as_ref().map(|at| &at.span);
    let channels = channels.or(raw.speed.as_ref().map(|at| &at.span));
    let both = raw.click.as_ref().and(raw.tone.as_ref()).map(|at| &at.span);
    match file.or(files).or(placed).or(channels).or(both) {
        None => Ok(()),
        Some(other) => Err(vec![
            Diagnostic::error(format!("track `{}` is made here", entry.name))
                .at(other, "belongs to a file, or to another signal")
                .context(span, "sounds by itself")
                .help("remove one of the two; a tone has `from` and `to` of its own"),
        ]),
    }
}

/// Makes the signals of the tracks that have no file.
pub(super) fn resolve(
    manifest: &Manifest,
    tracks: &mut BTreeMap<TrackId, Track>,
    programme: &Programme,
    timeline: &Timeline,
    faults: &mut Faults,
) {
    for (id, track) in tracks {
        let Some(raw) = manifest.tracks.0[id.0 as usize].body.as_ref() else { continue };
        match made(raw, programme, timeline) {
            Ok(signal) => track.signal = signal,
            Err(told) => {
                faults.bad.insert(Part::Track(*id));
                told.into_iter().for_each(|error| faults.spoil(Part::Track(*id), error));
            }
        }
    }
}

/// The signal of a track that is made here; `None` of one that has files.
pub(super) fn made(
    raw: &raw::Track,
    programme: &Programme,
    timeline: &Timeline,
) -> Result<Option<Signal>, Option<Diagnostic>> {
    let signal = match (&raw.click, &raw.tone) {
        (Some(click), _) => self::click(click, programme.frames, timeline)?,
        (None, Some(raw)) => {
            let whole = (0, programme.frames as i64);
            let place = |at: &_, ends| framing::place(at, ends, programme, timeline);
            let (sound, _) = tone(raw, whole, place)?;
            Signal { sounds: vec![sound], rate: timeline.rate }
        }
        (None, None) => return Ok(None),
    };
    Ok(Some(signal))
}

/// A click on every beat of the programme's `frames` frames.
fn click(
    raw: &At<RawClick>,
    frames: u64,
    timeline: &Timeline,
) -> Result<Signal, Option<Diagnostic>> {
    let peak = raw.value.level;
    let beats = timeline.beats(frames, &raw.span)?;
    let sound = |(frame, accented): (u64, bool)| Sound::Click { accented, peak, start: frame };
    Ok(Signal { sounds: beats.into_iter().map(sound).collect(), rate: timeline.rate })
}
