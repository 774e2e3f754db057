//! What changes over time: fades, gain envelopes, edits.

use serde_json::{Value as Json, json};

use super::delivery::{Action, Fade, Section, Step, Stretch};
use super::raw::Text;
use super::takes;
use super::timeline::Timeline;
use crate::diag::{Diagnostic, Diagnostics};
use crate::dsp::envelope::{Direction, Envelope, Shape};
use crate::record;
use crate::units::{Gain, SampleRate};
use crate::yaml::record::{At, Scalar};
use crate::yaml::times::{Length, Time};

record! {
    /// A fade.
    pub RawFade: "a length like `2 s`, or a map like `{ length: 2 s, shape: linear }`",
    short length;
    /// How long it is.
    length: At<Length>,
    /// How the gain goes: linear, equal-power or raised-cosine. Linear unless given.
    shape: Option<Shape>,
}

record! {
    /// A breakpoint of a gain envelope.
    pub RawPoint: "a breakpoint like `{ at: 0:12.5, gain: -6 }`";
    /// Where it stands.
    at: At<Time>,
    /// The gain there in dB; between two breakpoints the decibels change linearly.
    gain: Gain,
}

record! {
    /// A stretch of an edit.
    pub RawStretch: "the name of a section, or a stretch like `{ from: bar 1, to: bar 17 }`",
    short section;
    /// A section, in place of its ends.
    section: Option<Text>,
    /// Where it begins.
    from: Option<At<Time>>,
    /// Where it ends.
    to: Option<At<Time>>,
    /// A crossfade with the stretch before it, centred on the joint.
    crossfade: Option<At<RawCrossfade>>,
}

record! {
    /// A crossfade.
    pub RawCrossfade: "a length like `20 ms`, or a map like `{ length: 20 ms, shape: linear }`",
    short length;
    /// How long both stretches sound.
    length: At<Length>,
    /// How the gains go: linear, equal-power or raised-cosine. Equal-power unless given.
    shape: Option<Shape>,
}

impl Scalar for Shape {
    const EXPECTED: &'static str = "a shape: `linear`, `equal-power` or `raised-cosine`";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "linear" => Some(Shape::Linear),
            "equal-power" => Some(Shape::EqualPower),
            "raised-cosine" => Some(Shape::RaisedCosine),
            _ => None,
        }
    }

    fn schema() -> Json {
        json!({ "enum": <Shape as Scalar>::names() })
    }

    fn names() -> Vec<&'static str> {
        vec!["linear", "equal-power", "raised-cosine"]
    }
}

/// The name of a shape, for people.
pub fn shape_words(shape: Shape) -> &'static str {
    match shape {
        Shape::Linear => "linear",
        Shape::EqualPower => "equal power",
        Shape::RaisedCosine => "raised cosine",
    }
}

/// A fade as frames. An error of `None` has been told before.
pub(super) fn fade(raw: &RawFade, timeline: &Timeline) -> Result<Fade, Option<Diagnostic>> {
    let frames = timeline.length(&raw.length)?;
    Ok(Fade { frames, shape: raw.shape.unwrap_or(Shape::Linear) })
}

/// The step of a chain that fades the signal.
pub(super) fn fade_step(
    raw: &At<RawFade>,
    direction: Direction,
    timeline: &Timeline,
    problems: &mut Diagnostics,
) -> Option<Step> {
    match fade(&raw.value, timeline) {
        Ok(fade) => Some(Step {
            words: fade.words(direction, timeline.rate),
            action: Action::Fade { fade, direction },
        }),
        Err(told) => {
            told.into_iter().for_each(|error| problems.push(error));
            None
        }
    }
}

/// The step of a chain that rides the gain.
pub(super) fn envelope_step(
    raw: &At<Vec<RawPoint>>,
    timeline: &Timeline,
    problems: &mut Diagnostics,
) -> Option<Step> {
    let mut points: Vec<(u64, Gain)> = Vec::new();
    for point in &raw.value {
        let frame = match timeline.place(&point.at) {
            Ok(frame) => frame,
            Err(told) => {
                told.into_iter().for_each(|error| problems.push(error));
                return None;
            }
        };
        if points.last().is_some_and(|(before, _)| *before > frame) {
            problems.push(
                Diagnostic::error("breakpoints stand in the order of time")
                    .at(&point.at.span, "before the one above it")
                    .help("put it where it belongs in the list"),
            );
            return None;
        }
        points.push((frame, point.gain));
    }
    let word = |(frame, gain): &(u64, Gain)| {
        format!("{} dB at {}", gain.db(), timeline.rate.clock(*frame))
    };
    let words: Vec<String> = points.iter().map(word).collect();
    let words = format!("gain envelope {}", words.join(", "));
    Some(Step { action: Action::Envelope(Envelope::Points(points)), words })
}

/// The stretches of an edit, which must lie within the `frames` frames of the
/// programme.
pub(super) fn stretches(
    raw: &[At<RawStretch>],
    frames: u64,
    timeline: &Timeline,
    sections: &[Section],
) -> Result<Vec<Stretch>, Option<Diagnostic>> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for stretch in raw {
        let (from, to) = ends(stretch, frames, timeline, sections)?;
        let (mut crossfade, mut shape) = (0, Shape::EqualPower);
        if let Some(written) = &stretch.value.crossfade {
            crossfade = timeline.length(&written.value.length)?;
            shape = written.value.shape.unwrap_or(shape);
            check_crossfade(written, crossfade, stretches.last(), (from, to), frames)?;
        }
        stretches.push(Stretch { from, to, crossfade, shape });
    }
    Ok(stretches)
}

/// An edit in words: its stretches with the crossfades between them.
pub fn edit_words(stretches: &[Stretch], rate: SampleRate) -> String {
    let word = |stretch: &Stretch| {
        let Stretch { from, to, crossfade, shape } = *stretch;
        let joint = match crossfade {
            0 => String::new(),
            frames => {
                format!(" after a crossfade of {}, {}", rate.clock(frames), shape_words(shape))
            }
        };
        format!("{} to {}{joint}", rate.clock(from), rate.clock(to))
    };
    let stretches: Vec<String> = stretches.iter().map(word).collect();
    format!("edit: {}", stretches.join(", "))
}

/// The first frame of a stretch and the one after its last.
fn ends(
    stretch: &At<RawStretch>,
    frames: u64,
    timeline: &Timeline,
    sections: &[Section],
) -> Result<(u64, u64), Option<Diagnostic>> {
    let (from, to) = match &stretch.value {
        RawStretch { section: Some(name), from: None, to: None, crossfade: _ } => {
            let section = takes::section(name, sections)?;
            return Ok((section.from_frame, section.to_frame));
        }
        RawStretch { section: None, from: Some(from), to: Some(to), crossfade: _ } => (from, to),
        RawStretch { section: Some(name), .. } => {
            let error = Diagnostic::error("a section has its own beginning and end");
            return Err(Some(error.at(&name.span, "").help("remove it, or `from` and `to`")));
        }
        RawStretch { section: None, .. } => {
            let error = Diagnostic::error("where does this stretch begin and end?");
            let help = "write `{ from: bar 1, to: bar 17 }`, or the name of a section";
            return Err(Some(error.at(&stretch.span, "").help(help)));
        }
    };
    let (first, end) = (timeline.place(from)?, timeline.place(to)?);
    if end <= first {
        return Err(Some(
            Diagnostic::error("a stretch ends before it begins")
                .at(&to.span, format!("at {}", timeline.rate.clock(end)))
                .help("`to` lies behind `from`"),
        ));
    }
    if end > frames {
        let whole = timeline.rate.clock(frames);
        return Err(Some(
            Diagnostic::error("a stretch goes on after the programme has ended")
                .at(&to.span, format!("the programme ends at {whole}"))
                .help("a `tail` in `session` makes it longer"),
        ));
    }
    Ok((first, end))
}

/// A crossfade needs half its length of material beyond both ends of the joint.
fn check_crossfade(
    written: &At<RawCrossfade>,
    crossfade: u64,
    before: Option<&Stretch>,
    (from, to): (u64, u64),
    frames: u64,
) -> Result<(), Option<Diagnostic>> {
    let error = |title: &str, label: &str, help: &str| {
        Err(Some(Diagnostic::error(title).at(&written.span, label).help(help)))
    };
    let Some(before) = before else {
        return error(
            "there is nothing before the first stretch to fade from",
            "",
            "a fade-in is a step of `process`: `fade_in: 20 ms`",
        );
    };
    let (lead, trail) = (crossfade / 2, crossfade - crossfade / 2);
    if from < lead || before.to + trail > frames {
        return error(
            "a crossfade needs material beyond the joint",
            "the programme begins or ends there",
            "half of it lies before the joint and half behind; make it shorter",
        );
    }
    if crossfade > (to - from).min(before.to - before.from) {
        return error(
            "a crossfade is longer than what it joins",
            "",
            "make it shorter than both stretches",
        );
    }
    Ok(())
}
