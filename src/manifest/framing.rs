//! Where the files of a package begin and end, and what is put before and behind the
//! action: silence, pops, line-up tone.

use super::delivery::{Framing, Programme};
use super::raw;
use super::signals::tone;
use super::timeline::Timeline;
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::dsp::signal::{POP_DBFS, Sound};
use crate::spec::Spec;
use crate::spec::edge::{Anchor, Edge, Offset, RawHead, RawTail};
use crate::units::{Gain, Timecode};
use crate::yaml::record::At;
use crate::yaml::times::{Length, Time};

/// What is asked for at both ends of the files: what the deliverable says, and where it
/// is silent what its spec says.
pub(super) struct Edges<'a> {
    head: Option<&'a Edge<RawHead>>,
    tail: Option<&'a Edge<RawTail>>,
    /// Where the spec is named, if anything is its.
    spec: Option<&'a Span>,
}

impl<'a> Edges<'a> {
    pub(super) fn new(raw: &'a raw::Deliverable, spec: &'a Spec) -> Self {
        let (head, tail) = (raw.head.as_ref(), raw.tail.as_ref());
        let inherits =
            (head.is_none() && spec.head.is_some()) || (tail.is_none() && spec.tail.is_some());
        Self {
            head: head.or(spec.head.as_ref()).filter(|edge| edge.value.is_some()),
            tail: tail.or(spec.tail.as_ref()).filter(|edge| edge.value.is_some()),
            spec: inherits.then_some(&raw.spec.span),
        }
    }

    /// Where something is asked for, if anything is.
    pub(super) fn span(&self) -> Option<&'a Span> {
        self.head.map(|edge| &edge.span).or(self.tail.map(|edge| &edge.span))
    }

    /// Tells of a mistake also whose demand it comes of.
    pub(super) fn told(&self, error: Diagnostic) -> Diagnostic {
        match self.spec {
            Some(span) => error.context(span, "this spec asks for it"),
            None => error,
        }
    }
}

/// The framing of a package, or `None` if nothing is asked for or with the reason told.
pub(super) fn resolve(
    edges: &Edges<'_>,
    programme: &Programme,
    timeline: &Timeline,
    found: &mut Diagnostics,
) -> Option<Framing> {
    edges.span()?;
    let (framing, told) = frame(edges, programme, timeline);
    let whole = told.is_empty();
    told.into_iter().flatten().for_each(|error| found.push(edges.told(error)));
    whole.then_some(framing)
}

/// The framing, and all that is wrong with it; `None` where that has been told.
fn frame(
    edges: &Edges<'_>,
    programme: &Programme,
    timeline: &Timeline,
) -> (Framing, Vec<Option<Diagnostic>>) {
    let places = Places { programme, timeline };
    let mut framing =
        Framing { from: 0, to: programme.frames as i64, sounds: Vec::new(), words: Vec::new() };
    let mut told = Vec::new();
    let head = edges.head.and_then(|edge| edge.value.as_ref());
    let tail = edges.tail.and_then(|edge| edge.value.as_ref());
    let (from, to) =
        (head.and_then(|head| head.from.as_ref()), tail.and_then(|tail| tail.to.as_ref()));
    for (place, end) in [(from, false), (to, true)] {
        match place.map(|place| places.frame(place, end)) {
            Some(Ok(frame)) if end => framing.to = frame,
            Some(Ok(frame)) => framing.from = frame,
            Some(Err(error)) => told.push(error),
            None => {}
        }
    }
    let pops = [
        ("2-pop", head.and_then(|head| head.pop.as_ref().map(|pop| (pop, head.pop_level)))),
        ("tail pop", tail.and_then(|tail| tail.pop.as_ref().map(|pop| (pop, tail.pop_level)))),
    ];
    let mut sounds: Vec<(i64, i64, Gain)> = Vec::new();
    for (name, pop) in pops {
        let Some((place, level)) = pop else { continue };
        let (start, end, label) = match places.video_frame(place) {
            Ok(found) => found,
            Err(error) => {
                told.push(error);
                continue;
            }
        };
        match name {
            "2-pop" if from.is_none() => framing.from = framing.from.min(start),
            "tail pop" if to.is_none() => framing.to = framing.to.max(end),
            _ => {}
        }
        if start < framing.from || end > framing.to {
            let error = Diagnostic::error(format!("the {name} lies outside the files"));
            let error = error.at(&place.span, format!("at {label}"));
            let help = "move `from` or `to`, or leave it out: then it fits";
            told.push(Some(error.help(help)));
        }
        let peak = level.or_else(|| Gain::from_db(POP_DBFS)).unwrap_or(Gain::UNITY);
        sounds.push((start, end, peak));
        framing.words.push(format!("{name} at {label}: 1 kHz, one frame, {} dBFS", peak.db()));
    }
    if !told.is_empty() {
        return (framing, told);
    }
    if framing.to <= framing.from {
        let error = Diagnostic::error("the files would end before they begin");
        return (framing, vec![edges.span().map(|span| error.at(span, ""))]);
    }
    framing.sounds = sounds.into_iter().map(|pop| sound(pop, framing.from)).collect();
    if let Some(raw) = head.and_then(|head| head.tone.as_ref()) {
        let whole = (framing.from, framing.to);
        match tone(raw, whole, |at, to| places.frame(at, to)) {
            Ok((sound, words)) => {
                framing.sounds.push(sound);
                framing.words.push(words);
            }
            Err(error) => told.push(error),
        }
    }
    (framing, told)
}

/// A pop in files that begin at frame `from` of the programme.
fn sound((start, end, peak): (i64, i64, Gain), from: i64) -> Sound {
    let hz = crate::dsp::signal::POP_HZ;
    Sound::Tone { hz, peak, start: (start - from) as u64, end: (end - from) as u64 }
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
            let help = format!("add `{key}: \"{}\"` to `session`", self.outermost(key));
            return Err(Some(error.help(help + ", or the frame on which action does")));
        };
        let frames = |length: &Length| self.video_frames(length, &at.span);
        Ok(frame.frames() as i64
            + match offset {
                Offset::None => 0,
                Offset::Before(length) => -frames(length)?,
                Offset::After(length) => frames(length)?,
            })
    }

    /// The label of the first or the last video frame of the programme.
    fn outermost(&self, key: &str) -> String {
        let Some(fps) = self.timeline.fps else { return "01:00:00:00".to_owned() };
        let zero = self.timeline.zero();
        let sample = match key {
            "first_frame" => zero,
            _ => zero + self.programme.frames.saturating_sub(1),
        };
        Timecode::at(sample, self.timeline.rate, fps).label(fps)
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
