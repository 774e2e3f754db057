//! From places and lengths as they are written to frames of the programme.

use super::raw::{Manifest, Session};
use super::resolve::Faults;
use crate::diag::{Diagnostic, Span};
use crate::units::bars::{Meters, Place};
use crate::units::tempo::TempoMap;
use crate::units::{FrameRate, SampleRate, Timecode};
use crate::yaml::record::{At, Several};
use crate::yaml::times::{InBars, Label, Length, MeterChange, TempoChange, Time};

/// What turns times into frames. An error of `None` has been told before.
pub(super) struct Timeline {
    pub(super) rate: SampleRate,
    pub(super) fps: Option<FrameRate>,
    /// Timecode of the first sample.
    pub(super) start: Option<Timecode>,
    pub(super) tempo: Option<TempoMap>,
    pub(super) meter: Option<Meters>,
    /// Whether something in the manifest could not be read, so that what is missing
    /// here may stand there.
    doubtful: bool,
}

type Told = Option<Diagnostic>;

impl Timeline {
    pub(super) fn of(manifest: &Manifest, rate: SampleRate, faults: &mut Faults) -> Self {
        let doubtful = faults.is_fatal();
        let session = manifest.session.as_ref();
        let fps = session.and_then(|session| session.frame_rate.as_ref()).map(|at| at.value);
        let (start, tempo, meter) = (None, None, None);
        let mut timeline = Self { rate, fps, start, tempo, meter, doubtful };
        let Some(session) = session else { return timeline };
        timeline.start = session.start.as_ref().and_then(|at| timeline.clock(at, faults));
        timeline.meter = session.meter.as_ref().and_then(|at| meters(at, faults));
        timeline.tempo = session.tempo.as_ref().and_then(|at| timeline.tempo_map(at, faults));
        timeline.doubtful |= faults.is_fatal();
        if let Err(Some(error)) = timeline.place_bar_one(session) {
            faults.whole(error);
        }
        timeline.doubtful |= faults.is_fatal();
        timeline
    }

    /// The same places on another clock.
    pub(super) fn with(
        &self,
        rate: SampleRate,
        fps: Option<FrameRate>,
        start: Option<Timecode>,
        tempo: Option<TempoMap>,
    ) -> Self {
        Self { rate, fps, start, tempo, meter: self.meter.clone(), doubtful: self.doubtful }
    }

    /// Samples from midnight to the first sample of the programme.
    pub(super) fn zero(&self) -> u64 {
        let start = self.start.zip(self.fps);
        start.map_or(0, |(start, fps)| start.samples_since_midnight(fps, self.rate))
    }

    /// The frame of the programme at a place.
    pub(super) fn place(&self, at: &At<Time>) -> Result<u64, Told> {
        let written = at.span.text();
        match &at.value {
            Time::Clock(elapsed) => Ok(elapsed.frames(self.rate)),
            Time::Timecode(label) => {
                let sample = self.samples(label, &at.span)?;
                sample.checked_sub(self.zero()).ok_or_else(|| {
                    let error = Diagnostic::error("this timecode lies before the programme begins");
                    Some(error.at(&at.span, "").help("the clock starts at the session's `start`"))
                })
            }
            Time::Bars(place) => u64::try_from(self.bar(*place, &at.span)?).map_err(|_| {
                let title = format!("`{written}` lies before the programme begins");
                Some(Diagnostic::error(title).at(&at.span, "").help(self.where_bar_one_is()))
            }),
        }
    }

    /// The frames of a length.
    pub(super) fn length(&self, at: &At<Length>) -> Result<u64, Told> {
        match &at.value {
            Length::Clock(elapsed) => Ok(elapsed.frames(self.rate)),
            Length::Timecode(label) => self.samples(label, &at.span),
        }
    }

    /// A timecode that names a whole video frame.
    pub(super) fn clock(&self, at: &At<Label>, faults: &mut Faults) -> Option<Timecode> {
        if at.value.is_within_a_frame() {
            let error = Diagnostic::error("this timecode names a place within a frame");
            let help = format!("write the frame alone: `{}`", at.value.text());
            faults.whole(error.at(&at.span, "must be a whole frame").help(help));
            return None;
        }
        let timecode = self.fps.and_then(|fps| at.value.timecode(fps));
        if timecode.is_none() {
            faults.whole(not_in(at.value.text(), self.fps).at(&at.span, ""));
        }
        timecode
    }

    fn samples(&self, label: &Label, span: &Span) -> Result<u64, Told> {
        let samples = self.fps.and_then(|fps| label.samples(fps, self.rate));
        samples.ok_or_else(|| {
            // Its frame rate may be what could not be read.
            let told = self.fps.is_none() && self.doubtful;
            (!told).then(|| not_in(label.text(), self.fps).at(span, ""))
        })
    }

    /// The frame of the programme at a place in bars; negative before it begins.
    fn bar(&self, place: Place, span: &Span) -> Result<i64, Told> {
        let missing = |what: &str, help: &str| {
            let error = Diagnostic::error(format!("bars need a {what}")).at(span, "");
            (!self.doubtful).then(|| error.help(help))
        };
        let tempo = self.tempo.as_ref();
        let tempo = tempo.ok_or_else(|| missing("tempo", "add `tempo: 96` to `session`"))?;
        let meter = self.meter.as_ref();
        let meter = meter.ok_or_else(|| missing("meter", "add `meter: 4/4` to `session`"))?;
        Ok(tempo.frame(ticks(meter, place, span)?))
    }

    /// The beats of the programme's `frames` frames, each with whether it begins a bar.
    pub(super) fn beats(&self, frames: u64, span: &Span) -> Result<Vec<(u64, bool)>, Told> {
        let first = match (&self.tempo, &self.meter) {
            (Some(tempo), Some(meter)) => meter.place_near(tempo.ticks(0)).number(),
            _ => 1,
        };
        let mut beats = Vec::new();
        for bar in first.. {
            let count = self.meter.as_ref().map_or(1, |meter| meter.at(bar).beats());
            for beat in 1..=count {
                let place = Place::beat(bar, beat).ok_or(None)?;
                let frame = self.bar(place, span)?;
                match u64::try_from(frame) {
                    Ok(frame) if frame >= frames => return Ok(beats),
                    Ok(frame) => beats.push((frame, beat == 1)),
                    Err(_) => {}
                }
            }
        }
        Ok(beats)
    }

    fn where_bar_one_is(&self) -> String {
        let bar_one = self.tempo.as_ref().map_or(0, TempoMap::bar_one);
        match (u64::try_from(bar_one), &self.meter, &self.tempo) {
            (Err(_), Some(meter), Some(tempo)) => {
                format!("it begins at {}", meter.place_near(tempo.ticks(0)))
            }
            (Ok(frame), ..) => {
                format!("bar 1 begins at {}; `first_bar` moves it", self.rate.clock(frame))
            }
            (Err(_), ..) => "`first_bar` says where bar 1 begins".into(),
        }
    }

    /// Where bar 1 lies: as it is written, or so that the programme begins with the
    /// bar that is written.
    fn place_bar_one(&mut self, session: &Session) -> Result<(), Told> {
        let Some(at) = &session.first_bar else { return Ok(()) };
        let frame = match at.value {
            // The session was cut at the frame that is nearest to that bar, so all
            // others lie as many whole frames earlier.
            Time::Bars(place) => -self.bar(place, &at.span)?,
            _ => self.place(at)? as i64,
        };
        match &mut self.tempo {
            Some(tempo) => tempo.set_bar_one(frame),
            None if self.doubtful => {}
            None => {
                let error = Diagnostic::error("`first_bar` needs a tempo").at(&at.span, "");
                return Err(Some(error.help("add `tempo: 96` to `session`")));
            }
        }
        Ok(())
    }

    /// The tempos in the order in which they are written.
    fn tempo_map(
        &self,
        list: &At<Several<At<TempoChange>>>,
        faults: &mut Faults,
    ) -> Option<TempoMap> {
        let Some((first, later)) = list.value.0.split_first() else {
            faults.whole(Diagnostic::error("a list without a tempo").at(&list.span, ""));
            return None;
        };
        let TempoChange { bpm, at, from, to } = &first.value;
        let downbeat = at.as_ref().is_none_or(|at| Place::bar(1) == Some(at.value.0));
        if !downbeat || from.is_some() || to.is_some() {
            let error = Diagnostic::error("the first tempo holds from bar 1 on");
            let help = format!("write `{}` first, and what changes later behind it", bpm.value);
            faults.whole(error.at(&first.span, "begins elsewhere").help(help));
            return None;
        }
        let mut map = TempoMap::new(bpm.value, self.rate);
        let mut before = &first.span;
        for change in later {
            match self.tempo_change(change, before, &mut map) {
                Ok(()) => before = &change.span,
                Err(told) => {
                    told.into_iter().for_each(|error| faults.whole(error));
                    return None;
                }
            }
        }
        Some(map)
    }

    fn tempo_change(
        &self,
        change: &At<TempoChange>,
        before: &Span,
        map: &mut TempoMap,
    ) -> Result<(), Told> {
        let TempoChange { bpm, at, from, to } = &change.value;
        let place = |at: &At<InBars>| -> Result<i64, Told> {
            let help = "add `meter: 4/4` to `session`";
            let meter = self.meter.as_ref().ok_or_else(|| {
                let error = Diagnostic::error("bars need a meter").at(&at.span, "").help(help);
                (!self.doubtful).then_some(error)
            })?;
            ticks(meter, at.value.0, &at.span)
        };
        let early = |at: &At<InBars>| {
            Diagnostic::error("tempos stand in the order of their bars")
                .at(&at.span, "not behind the one before")
                .context(before, "the one before")
                .help("put it where it belongs in the list")
        };
        match (at, from, to) {
            (Some(at), None, None) => {
                let ticks = place(at)?;
                // A jump may stand where a glide ends.
                if ticks < map.last_change() || ticks <= 0 {
                    return Err(Some(early(at)));
                }
                map.change(ticks, bpm.value);
            }
            (None, Some(from), Some(to)) => {
                let (begins, over) = (place(from)?, place(to)?);
                if begins < map.last_change() {
                    return Err(Some(early(from)));
                }
                if over <= begins {
                    let error =
                        Diagnostic::error("this tempo is reached before it begins to change");
                    let error = error.at(&to.span, "not behind `from`");
                    return Err(Some(error.context(&from.span, "").help("swap the two")));
                }
                map.glide(begins, over, bpm.value);
            }
            _ => {
                let error = Diagnostic::error("where does this tempo hold?").at(&change.span, "");
                return Err(Some(error.help(format!(
                    "`{{ at: bar 33, bpm: {0} }}` changes at once, `{{ from: bar 33, to: bar 41, \
                     bpm: {0} }}` evenly",
                    bpm.value
                ))));
            }
        }
        Ok(())
    }
}

/// Ticks from bar 1 to a place that `meter` must have.
fn ticks(meter: &Meters, place: Place, span: &Span) -> Result<i64, Told> {
    meter.ticks(place).ok_or_else(|| {
        let bar = place.number();
        let beats = meter.at(bar).beats();
        let title = format!("bar {bar} has {beats} beat{}", if beats == 1 { "" } else { "s" });
        let error = Diagnostic::error(title).at(span, format!("its meter is {}", meter.at(bar)));
        Some(error.help("beats are counted from 1, by the lower figure of the meter"))
    })
}

/// The meters in the order in which they are written.
fn meters(list: &At<Several<At<MeterChange>>>, faults: &mut Faults) -> Option<Meters> {
    let Some((first, later)) = list.value.0.split_first() else {
        faults.whole(Diagnostic::error("a list without a meter").at(&list.span, ""));
        return None;
    };
    if first.value.at.as_ref().is_some_and(|at| Place::bar(1) != Some(at.value.0)) {
        let error = Diagnostic::error("the first meter holds from bar 1 on");
        let help = format!("write `{}` first, and what changes later behind it", first.value.meter);
        faults.whole(error.at(&first.span, "begins elsewhere").help(help));
        return None;
    }
    let mut meters = Meters::new(first.value.meter);
    let mut before = &first.span;
    for change in later {
        let error = match &change.value.at {
            None => Diagnostic::error("where does this meter begin?")
                .at(&change.span, "")
                .help(format!("write it like `{{ at: bar 17, meter: {} }}`", change.value.meter)),
            Some(at) if !at.value.0.is_downbeat() => Diagnostic::error("a meter begins with a bar")
                .at(&at.span, "within a bar")
                .help(format!("write `bar {}`", at.value.0.number())),
            Some(at) if !meters.change(at.value.0.number(), change.value.meter) => {
                Diagnostic::error("meters stand in the order of their bars")
                    .at(&at.span, "not behind the one before")
                    .context(before, "the one before")
                    .help("put it where it belongs in the list")
            }
            Some(_) => {
                before = &change.span;
                continue;
            }
        };
        faults.whole(error);
        return None;
    }
    Some(meters)
}

fn not_in(label: &str, fps: Option<FrameRate>) -> Diagnostic {
    match fps {
        None => Diagnostic::error("a timecode needs a frame rate")
            .help("add `frame_rate: 25` (or yours) to `session`"),
        Some(fps) => {
            let title = format!("there is no timecode `{label}` at {fps} frames per second");
            let last = fps.nominal() - 1;
            Diagnostic::error(title).help(match fps.dropped_labels() {
                0 if last > 99 => format!("frames count from 000 to {last}"),
                0 => format!("frames count from 00 to {last:02}"),
                dropped => format!(
                    "the first {dropped} frames are dropped each minute except every tenth; \
                     they count to {last}"
                ),
            })
        }
    }
}
