//! What the steps of a `process` chain mean: validated, no defaults left.

use super::delivery::Part;
use super::over_time::shape_words;
use crate::diag::Span;
use crate::dsp::envelope::{Direction, Envelope, Shape};
use crate::dsp::process::Process;
use crate::external::operator::External;
use crate::units::{Gain, SampleRate};

/// One operator of a `process` chain.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// The same in the user's terms: `high-pass 80 Hz, 12 dB/octave`.
    pub words: String,
}

impl Step {
    /// What decides its gain without being in the signal, and where that is named.
    pub fn follows(&self) -> Option<(Part, &Span)> {
        match &self.action {
            Action::Normalize(normalize) => normalize.by.map(|by| (by, &normalize.span)),
            Action::Keyed { process: _, by, span } => Some((*by, span)),
            _ => None,
        }
    }

    /// The program or plug-in that it is, if it is one.
    pub fn external(&self) -> Option<&External> {
        match &self.action {
            Action::External(external) => Some(external),
            _ => None,
        }
    }
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Every channel times a factor.
    Factor(f64),
    /// `[output channel][input channel]`: balance and width.
    Matrix(Vec<Vec<f64>>),
    /// A fade at the start or the end of the signal.
    Fade {
        /// How long and how.
        fade: Fade,
        /// Which end.
        direction: Direction,
    },
    /// Gains by frame.
    Envelope(Envelope),
    /// One gain that follows from what is measured.
    Normalize(Normalize),
    /// Anything that hears more than the frame it makes.
    Process(Process),
    /// A process whose detector hears a stem in place of the signal.
    Keyed {
        /// What is done; it hears the channels of the key behind those of the signal.
        process: Process,
        /// The stem.
        by: Part,
        /// Where it is named.
        span: Span,
    },
    /// A program or a plug-in.
    External(Box<External>),
}

/// One gain for a whole signal, or for a set of them, that follows from what is
/// measured. It is rounded to 0.01 dB, so that most edits do not move it.
#[derive(Clone, Debug)]
pub struct Normalize {
    /// What it is brought to.
    pub target: Target,
    /// Whose loudness counts; `None`: the signal's own.
    pub by: Option<Part>,
    /// Its name; empty if there is none.
    pub by_name: String,
    /// What the true peak must not pass, in dBTP, and what is done if it would.
    pub ceiling: Option<(f64, Guard)>,
    /// The gain, once it has been measured.
    pub settled: Option<Settled>,
    /// Where it is asked for.
    pub span: Span,
}

/// What a signal is brought to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Target {
    /// Integrated loudness in LUFS (BS.1770-5).
    Loudness(f64),
    /// True peak in dBTP.
    TruePeak(f64),
    /// Sample peak in dBFS.
    SamplePeak(f64),
}

/// What is done if the true peak would pass its ceiling.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Guard {
    /// The gain is lowered until it does not.
    Lower,
    /// A true-peak limiter follows.
    Limit,
    /// Nothing is built.
    Refuse,
}

/// What was found to be the gain.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Settled {
    /// The gain.
    pub gain: Gain,
    /// Ceiling of the limiter that follows, in dBTP.
    pub limit: Option<f64>,
}

/// A fade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fade {
    /// Length in frames.
    pub frames: u64,
    /// How the gain goes.
    pub shape: Shape,
}

impl Fade {
    /// The fade as people say it: `fade out over 2 s, linear`.
    pub fn words(self, direction: Direction, rate: SampleRate) -> String {
        let direction = match direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        let length = rate.clock(self.frames);
        format!("fade {direction} over {length}, {}", shape_words(self.shape))
    }
}

/// A stretch of an edit, in frames of the programme.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// First frame.
    pub from: u64,
    /// Frame after the last.
    pub to: u64,
    /// Frames over which the stretch before fades into this one, centred on the joint.
    pub crossfade: u64,
    /// How those gains go.
    pub shape: Shape,
}
