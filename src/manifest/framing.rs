//! Where the files of a package begin and end, and what is put before and behind the
//! action: silence, pops, line-up tone.

use serde_json::{Value as Json, json};

use super::delivery::{Framing, Programme};
use super::raw;
use super::signals::{RawTone, tone};
use super::timeline::Timeline;
use super::times::{Length, Time};
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::dsp::signal::{POP_DBFS, Sound};
use crate::record;
use crate::units::{Gain, Timecode};
use crate::yaml::record::{At, Scalar};

record! {
    /// The head of every file of a package.
    pub RawHead: "a head like `{ pop: 2 s before first_frame }`";
    /// Where the files begin; the start of the programme unless given, or the pop if
    /// that lies before it. What the programme lacks is silence.
    from: Option<At<Anchor>>,
    /// A 2-pop: 1 kHz for one video frame, in every channel.
    pop: Option<At<Anchor>>,
    /// Level of the pop in dBFS; -20 unless given.
    pop_level: Option<Gain>,
    /// A line-up tone in every channel.
    tone: Option<At<RawTone>>,
}

record! {
    /// The tail of every file of a package.
    pub RawTail: "a tail like `{ pop: 2 s after last_frame }`";
    /// Where the files end; the end of the programme unless given, or that of the pop
    /// if it lies behind it. What the programme lacks is silence.
    to: Option<At<Anchor>>,
    /// A tail pop: 1 kHz for one video frame, in every channel.
    pop: Option<At<Anchor>>,
    /// Level of the pop in dBFS; -20 unless given.
    pop_level: Option<Gain>,
}

/// A place that may lie outside the programme.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Anchor {
    /// A place of the programme's clock.
    Time(Time),
    /// `first_frame`, `2 s before first_frame`.
    First(Offset),
    /// `last_frame`, `2 s after last_frame`.
    Last(Offset),
}

/// How far from a frame; seconds are those of timecode.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Offset {
    /// The frame itself.
    None,
    /// So long before it.
    Before(Length),
    /// So long after it.
    After(Length),
}

impl Scalar for Anchor {
    const EXPECTED: &'static str =
        "a place like `2 s before first_frame`, `last_frame` or `00:59:50:00`";

    fn parse(text: &str) -> Option<Self> {
        let (rest, of): (&str, fn(Offset) -> Anchor) =
            match (text.strip_suffix("first_frame"), text.strip_suffix("last_frame")) {
                (Some(rest), _) => (rest.trim(), Anchor::First),
                (None, Some(rest)) => (rest.trim(), Anchor::Last),
                (None, None) => return Time::parse(text).map(Anchor::Time),
            };
        let offset = match (rest.strip_suffix("before"), rest.strip_suffix("after")) {
            _ if rest.is_empty() => Offset::None,
            (Some(length), _) => Offset::Before(Length::parse(length.trim())?),
            (None, Some(length)) => Offset::After(Length::parse(length.trim())?),
            (None, None) => return None,
        };
        Some(of(offset))
    }

    fn schema() -> Json {
        json!({ "type": ["string", "number"] })
    }
}

/// The framing of a package, or `None` if nothing is asked for or with the reason told.
pub(super) fn resolve(
    raw: &raw::Deliverable,
    programme: &Programme,
    timeline: &Timeline,
    found: &mut Diagnostics,
) -> Option<Framing> {
    if raw.head.is_none() && raw.tail.is_none() {
        return None;
    }
    match frame(raw, programme, timeline) {
        Ok(framing) => Some(framing),
        Err(told) => {
            told.into_iter().for_each(|error| found.push(error));
            None
        }
    }
}

fn frame(
    raw: &raw::Deliverable,
    programme: &Programme,
    timeline: &Timeline,
) -> Result<Framing, Option<Diagnostic>> {
    let places = Places { programme, timeline };
    let mut framing =
        Framing { from: 0, to: programme.frames as i64, sounds: Vec::new(), words: Vec::new() };
    let head = raw.head.as_ref().map(|at| &at.value);
    let tail = raw.tail.as_ref().map(|at| &at.value);
    if let Some(from) = head.and_then(|head| head.from.as_ref()) {
        framing.from = places.frame(from, false)?;
    }
    if let Some(to) = tail.and_then(|tail| tail.to.as_ref()) {
        framing.to = places.frame(to, true)?;
    }
    let pops = [
        ("2-pop", head.and_then(|head| head.pop.as_ref().map(|pop| (pop, head.pop_level)))),
        ("tail pop", tail.and_then(|tail| tail.pop.as_ref().map(|pop| (pop, tail.pop_level)))),
    ];
    let mut sounds: Vec<(i64, i64, Gain)> = Vec::new();
    for (name, pop) in pops {
        let Some((place, level)) = pop else { continue };
        let (start, end, label) = places.video_frame(place)?;
        match name {
            "2-pop" if head.is_some_and(|head| head.from.is_none()) => {
                framing.from = framing.from.min(start);
            }
            "tail pop" if tail.is_some_and(|tail| tail.to.is_none()) => {
                framing.to = framing.to.max(end);
            }
            _ => {}
        }
        if start < framing.from || end > framing.to {
            let error = Diagnostic::error(format!("the {name} lies outside the files"));
            let error = error.at(&place.span, format!("at {label}"));
            return Err(Some(error.help("move `from` or `to`, or leave it out: then it fits")));
        }
        let peak = level.or_else(|| Gain::from_db(POP_DBFS)).unwrap_or(Gain::UNITY);
        sounds.push((start, end, peak));
        framing.words.push(format!("{name} at {label}: 1 kHz, one frame, {} dBFS", peak.db()));
    }
    if framing.to <= framing.from {
        let span = raw.head.as_ref().map(|at| &at.span).or(raw.tail.as_ref().map(|at| &at.span));
        let error = Diagnostic::error("the files would end before they begin");
        return Err(Some(span.map_or(error.clone(), |span| error.at(span, ""))));
    }
    let hz = crate::dsp::signal::POP_HZ;
    framing.sounds = sounds
        .into_iter()
        .map(|(start, end, peak)| Sound::Tone {
            hz,
            peak,
            start: (start - framing.from) as u64,
            end: (end - framing.from) as u64,
        })
        .collect();
    if let Some(raw) = head.and_then(|head| head.tone.as_ref()) {
        let whole = (framing.from, framing.to);
        let (sound, words) = tone(raw, whole, |at, to| places.frame(at, to))?;
        framing.sounds.push(sound);
        framing.words.push(words);
    }
    Ok(framing)
}

/// The programme frame of a place that may be told from the action.
pub(super) fn place(
    at: &At<Anchor>,
    ends: bool,
    programme: &Programme,
    timeline: &Timeline,
) -> Result<i64, Option<Diagnostic>> {
    Places { programme, timeline }.frame(at, ends)
}

struct Places<'a> {
    programme: &'a Programme,
    timeline: &'a Timeline,
}

impl Places<'_> {
    /// The programme frame of a place; of a `last_frame` that ends something, the one
    /// behind it.
    fn frame(&self, at: &At<Anchor>, ends: bool) -> Result<i64, Option<Diagnostic>> {
        match &at.value {
            Anchor::Time(time) => self.time(time, &at.span),
            Anchor::First(_) | Anchor::Last(_) => {
                let behind = matches!(at.value, Anchor::Last(Offset::None)) && ends;
                let frame = self.video(at)? + i64::from(behind);
                self.samples(frame, &at.span)
            }
        }
    }

    /// The samples of the video frame at a place, and its timecode.
    fn video_frame(&self, at: &At<Anchor>) -> Result<(i64, i64, String), Option<Diagnostic>> {
        let frame = match &at.value {
            Anchor::Time(Time::Timecode(label)) => {
                let fps = self.timeline.fps;
                let place = fps.and_then(|fps| label.timecode(fps));
                let missing =
                    || Some(Diagnostic::error("a pop needs a frame rate").at(&at.span, ""));
                place.ok_or_else(missing)?.frames() as i64
            }
            Anchor::Time(_) => {
                let error = Diagnostic::error("a pop stands on a video frame").at(&at.span, "");
                return Err(Some(error.help("write `2 s before first_frame` or a timecode")));
            }
            Anchor::First(_) | Anchor::Last(_) => self.video(at)?,
        };
        let (start, end) = (self.samples(frame, &at.span)?, self.samples(frame + 1, &at.span)?);
        let fps = self.timeline.fps;
        let label = fps.zip(u64::try_from(frame).ok());
        let label = label.map(|(fps, frame)| Timecode::from_frames(frame).label(fps));
        Ok((start, end, label.unwrap_or_default()))
    }

    /// Video frames since midnight of a place that is told from the action.
    fn video(&self, at: &At<Anchor>) -> Result<i64, Option<Diagnostic>> {
        let (key, frame, offset) = match &at.value {
            Anchor::First(offset) => ("first_frame", self.programme.first_frame, offset),
            Anchor::Last(offset) => ("last_frame", self.programme.last_frame, offset),
            Anchor::Time(_) => unreachable!("BUG: a time is not told from the action"),
        };
        let Some(frame) = frame else {
            let error = Diagnostic::error(format!("the session has no `{key}`")).at(&at.span, "");
            return Err(Some(error.help(format!("add `{key}: \"01:00:00:00\"` to `session`"))));
        };
        let frames = |length: &Length| self.video_frames(length, &at.span);
        Ok(frame.frames() as i64
            + match offset {
                Offset::None => 0,
                Offset::Before(length) => -frames(length)?,
                Offset::After(length) => frames(length)?,
            })
    }

    /// Video frames of a length: its seconds are those of timecode, 24 frames each at
    /// 23.976, as 00:59:58:00 lies two seconds before 01:00:00:00.
    fn video_frames(&self, length: &Length, span: &Span) -> Result<i64, Option<Diagnostic>> {
        let fps = self
            .timeline
            .fps
            .ok_or_else(|| Some(Diagnostic::error("this needs a frame rate").at(span, "")))?;
        length.video_frames(fps).map(|frames| frames as i64).ok_or_else(|| {
            let error = Diagnostic::error("this is no whole number of video frames");
            Some(error.at(span, format!("at {fps} frames per second")))
        })
    }

    fn time(&self, time: &Time, span: &Span) -> Result<i64, Option<Diagnostic>> {
        if let Time::Timecode(label) = time
            && let Some(place) = self.timeline.fps.and_then(|fps| label.timecode(fps))
        {
            return self.samples(place.frames() as i64, span);
        }
        let at = At { value: time.clone(), span: span.clone() };
        self.timeline.place(&at).map(|frame| frame as i64)
    }

    /// The programme frame at which a video frame since midnight begins.
    fn samples(&self, video: i64, span: &Span) -> Result<i64, Option<Diagnostic>> {
        let (Some(fps), Ok(video)) = (self.timeline.fps, u64::try_from(video)) else {
            let error = Diagnostic::error("this lies before midnight of the clock").at(span, "");
            return Err(Some(error.help("the session's `start` must be later")));
        };
        let rate = self.timeline.rate;
        Ok(fps.audio_frame(video, rate) as i64 - self.timeline.zero() as i64)
    }
}
