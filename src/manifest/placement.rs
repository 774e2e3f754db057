//! Where a track stands on the programme's timeline, and what of its file is heard.

use std::ops::Range;

use super::delivery::{Track, TrackFile};
use super::files::Files;
use super::over_time::{self, RawFade};
use super::raw::{self, Trim};
use super::timeline::Timeline;
use crate::diag::Diagnostic;
use crate::yaml::record::At;
use crate::yaml::times::Length;

/// Places a track whose file is `length` frames long; returns how many of them are
/// heard. An error of `None` has been told before.
pub(super) fn place(
    raw: &raw::Track,
    track: &mut Track,
    length: u64,
    timeline: &Timeline,
) -> Result<u64, Option<Diagnostic>> {
    if let Some(at) = &raw.at {
        track.at_frame = timeline.place(at)?;
    }
    let fade =
        |raw: &Option<RawFade>| raw.as_ref().map(|raw| over_time::fade(raw, timeline)).transpose();
    (track.fade_in, track.fade_out) = (fade(&raw.fade_in)?, fade(&raw.fade_out)?);
    let Some(trim) = &raw.trim else { return Ok(length) };
    let part = trimmed(trim, length, timeline)?;
    let heard = part.end - part.start;
    track.trim = Some(part);
    Ok(heard)
}

/// The frame of the programme after the last that is heard of a placed track.
pub(super) fn end(track: &Track, files: &Files<'_>) -> u64 {
    let whole = |file: &TrackFile| files.inputs[file.input.0 as usize].info.frames;
    let heard = match &track.trim {
        Some(part) => part.end - part.start,
        None => track.ratio.frames(track.files.iter().map(whole).max().unwrap_or(0)),
    };
    track.at_frame.saturating_add(heard)
}

/// The frames of a file that are heard.
fn trimmed(
    trim: &At<Trim>,
    length: u64,
    timeline: &Timeline,
) -> Result<Range<u64>, Option<Diagnostic>> {
    let Trim { from, to } = &trim.value;
    let frame = |at: &Option<At<Length>>, absent: u64| {
        at.as_ref().map_or(Ok(absent), |at| timeline.length(at))
    };
    let (start, end) = (frame(from, 0)?, frame(to, length)?);
    let late = |at: &At<Length>| {
        let whole = format!("the file is {} long", timeline.rate.clock(length));
        Err(Some(Diagnostic::error("the file ends before this").at(&at.span, whole)))
    };
    match (from, to) {
        (_, Some(to)) if end > length => late(to),
        (Some(from), _) if start >= length => late(from),
        _ if start >= end => Err(Some(
            Diagnostic::error("nothing is left of the file")
                .at(&trim.span, "ends before it begins")
                .help("`from` and `to` count from the file's first frame"),
        )),
        _ => Ok(start..end),
    }
}
