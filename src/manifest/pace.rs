//! Rate and speed: tracks and packages that do not run as the programme does.

use super::delivery::{Programme, Section, Track};
use super::files::Files;
use super::packages::Ground;
use super::raw;
use super::timeline::Timeline;
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::dsp::resample::Resampler;
use crate::units::{FrameRate, Ratio, SampleRate, Timecode};
use crate::yaml::record::Scalar;
use serde_json::{Value as Json, json};

/// How much faster than the programme something is played.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Speed(pub Ratio);

impl Scalar for Speed {
    const EXPECTED: &'static str = "a speed like `25/24` or `1000/1001`, from 1/2 to 2/1";

    fn parse(text: &str) -> Option<Self> {
        let ratio = Ratio::parse(text)?;
        let (over, under) = (u64::from(ratio.numerator()), u64::from(ratio.denominator()));
        (over <= 2 * under && under <= 2 * over).then_some(Self(ratio))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^ *[0-9]+ */ *[0-9]+ *$" })
    }
}

/// The rate and the speed of a package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// Frames per second.
    pub sample_rate: SampleRate,
    /// How much faster than the programme it is played.
    pub speed: Ratio,
    /// Its frames for each of the programme's.
    pub ratio: Ratio,
}

impl Pace {
    /// That of the programme.
    pub fn unchanged(sample_rate: SampleRate) -> Self {
        Self { sample_rate, speed: Ratio::UNITY, ratio: Ratio::UNITY }
    }

    /// What a package asks for.
    fn of(raw: &raw::Deliverable, programme: SampleRate) -> Result<Self, Diagnostic> {
        let sample_rate = raw.sample_rate.as_ref().map_or(programme, |at| at.value);
        let speed = raw.speed.as_ref().map_or(Ratio::UNITY, |at| at.value.0);
        let span = raw.speed.as_ref().map(|at| &at.span);
        let span = span.or(raw.sample_rate.as_ref().map(|at| &at.span));
        let ratio = ratio(programme, sample_rate, speed, span)?;
        Ok(Self { sample_rate, speed, ratio })
    }

    /// The same in words, for the read-me: one line for the rate, one for the speed.
    pub fn words(&self, programme: SampleRate) -> Vec<String> {
        let rate = (self.sample_rate != programme)
            .then(|| format!("sample rate converted from {programme} to {}", self.sample_rate));
        rate.into_iter().chain(speed_words(self.speed)).collect()
    }

    /// The programme as it is at this pace. Picture that is sped up with it keeps its
    /// frames and counts them at another rate; the first frame of action, or else the
    /// first sample, keeps its label.
    pub fn programme(&self, programme: &Programme) -> Programme {
        let mut paced = programme.clone();
        paced.sample_rate = self.sample_rate;
        paced.frames = self.ratio.frames(programme.frames);
        paced.tempo = programme.tempo.as_ref().map(|map| map.paced(self.sample_rate, self.speed));
        if self.speed != Ratio::UNITY {
            let frame_rate = programme.frame_rate.and_then(|fps| fps.times(self.speed));
            let kept = programme.first_frame.or(programme.start);
            let relabel =
                |at: Option<Timecode>| relabelled(at?, kept?, programme.frame_rate?, frame_rate?);
            paced.frame_rate = frame_rate;
            paced.start = relabel(programme.start);
            paced.first_frame = relabel(programme.first_frame);
            paced.last_frame = relabel(programme.last_frame);
        }
        paced
    }

    /// The sections at this pace.
    fn sections(&self, sections: &[Section]) -> Vec<Section> {
        let paced = |section: &Section| Section {
            from_frame: self.ratio.frames(section.from_frame),
            to_frame: self.ratio.frames(section.to_frame),
            ..section.clone()
        };
        sections.iter().map(paced).collect()
    }
}

/// The place of a picture frame whose timecode counts at another rate from now on, where
/// the frame `kept` keeps its label.
fn relabelled(frame: Timecode, kept: Timecode, old: FrameRate, new: FrameRate) -> Option<Timecode> {
    let there = Timecode::parse(&kept.label(old), new)?;
    (there.frames() + frame.frames()).checked_sub(kept.frames()).map(Timecode::from_frames)
}

/// What a package is made from, at its pace.
pub(super) struct Paced {
    pub(super) pace: Pace,
    pub(super) programme: Programme,
    pub(super) sections: Vec<Section>,
    pub(super) timeline: Timeline,
}

impl Paced {
    pub(super) fn of(ground: &Ground<'_>, raw: &raw::Deliverable, found: &mut Diagnostics) -> Self {
        let own = ground.programme.sample_rate;
        let pace = Pace::of(raw, own).unwrap_or_else(|error| {
            found.push(error);
            Pace::unchanged(own)
        });
        let programme = pace.programme(ground.programme);
        let Programme { sample_rate, frame_rate, start, ref tempo, .. } = programme;
        let timeline = ground.timeline.with(sample_rate, frame_rate, start, tempo.clone());
        Self { pace, sections: pace.sections(ground.sections), programme, timeline }
    }
}

/// What a speed does, in words; nothing at the speed of the programme.
pub fn speed_words(speed: Ratio) -> Option<String> {
    let cents = speed.cents();
    let pitch = if cents < 0.0 { "lower" } else { "higher" };
    (speed != Ratio::UNITY)
        .then(|| format!("played at {speed} of its speed: {:.2} cents {pitch}", cents.abs()))
}

/// The frames of the programme for each of a track's files, which agree in rate.
pub(super) fn of_track(
    raw: &raw::Track,
    track: &Track,
    files: &Files<'_>,
    programme: SampleRate,
) -> Result<Ratio, Diagnostic> {
    let speed = raw.speed.as_ref().map_or(Ratio::UNITY, |at| at.value.0);
    let info = track.files.first().map(|file| &files.inputs[file.input.0 as usize].info);
    let rate = info.and_then(|info| info.rate()).unwrap_or(programme);
    ratio(rate, programme, speed, Some(raw.speed.as_ref().map_or(&track.span, |at| &at.span)))
}

fn ratio(
    from: SampleRate,
    to: SampleRate,
    speed: Ratio,
    span: Option<&Span>,
) -> Result<Ratio, Diagnostic> {
    let ratio = Ratio::of_rates(from, to).times(speed.inverse());
    ratio.filter(|ratio| Resampler::reaches(*ratio)).ok_or_else(|| {
        let title = format!("{from} cannot be converted to {to} at {speed} of its speed");
        let error = Diagnostic::error(title);
        let error = span.map_or(error.clone(), |span| error.at(span, ""));
        error.help("one frame can become 127 at most, and 127 can become one")
    })
}
