//! Signals that are made here: tones and clicks as tracks and leaders.

use super::framing::Anchor;
use super::timeline::Timeline;
use crate::diag::Diagnostic;
use crate::dsp::signal::{Signal, Sound};
use crate::record;
use crate::units::{Gain, SampleRate};
use crate::yaml::record::At;

use super::process::Hertz;

record! {
    /// A line-up tone: a sine.
    pub RawTone: "a tone like `{ level: -20, hz: 1000 }`";
    /// Its peak in dBFS: -20 for SMPTE, -18 for the EBU.
    level: Gain,
    /// Its frequency; 1 kHz unless given.
    hz: Option<At<Hertz>>,
    /// Where it begins; with the file unless given.
    from: Option<At<Anchor>>,
    /// Where it ends; with the file unless given.
    to: Option<At<Anchor>>,
}

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
    let frequency = hz.as_ref().map_or(1000.0, |hz| hz.value.hz());
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

/// A click on every beat of the programme's `frames` frames.
pub(super) fn click(
    raw: &At<RawClick>,
    frames: u64,
    timeline: &Timeline,
) -> Result<Signal, Option<Diagnostic>> {
    let peak = raw.value.level;
    let beats = timeline.beats(frames, &raw.span)?;
    let sound = |(frame, accented): (u64, bool)| Sound::Click { accented, peak, start: frame };
    Ok(Signal { sounds: beats.into_iter().map(sound).collect(), rate: timeline.rate })
}

/// The signal of a tone over a whole programme.
pub(super) fn signal(sound: Sound, rate: SampleRate) -> Signal {
    Signal { sounds: vec![sound], rate }
}
