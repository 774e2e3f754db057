//! Operators that hear more than the frame they make, behind one door for the
//! renderer: what each hears, and how it makes a segment of it.

use super::compressor::{self, Compressor, Settings};
use super::deess::{self, DeEsser};
use super::eq::{self, Filter};
use super::hilbert::Hilbert;
use super::limiter::Limiter;
use crate::units::SampleRate;

/// What is done to a signal.
#[derive(Clone, PartialEq, Debug)]
pub enum Process {
    /// The signal so many frames later, silence before.
    Delay {
        /// Frames.
        frames: usize,
    },
    /// Filters, one after the other. They start from rest ahead of every segment, or
    /// of every sixteenth if they remember long.
    Eq {
        /// The filters.
        filters: Vec<Filter>,
    },
    /// One gain for all channels, from the loudest of them. It starts from rest ahead
    /// of every sixteenth segment, for it remembers long.
    Compress {
        /// Its knobs.
        settings: Settings,
        /// Filters on the way to its detector, one after the other.
        sidechain: Vec<Filter>,
        /// Channels of the input, its last, that its detector hears in place of the
        /// others; they are not handed on. 0: it hears the signal itself.
        key: usize,
        /// The rate its times are taken at.
        rate: SampleRate,
    },
    /// Lowers what lies above a frequency while it is loud, all channels alike. It
    /// starts from rest as a compressor does.
    DeEss {
        /// The frequency.
        hz: f64,
        /// The knobs of its compressor.
        settings: Settings,
        /// The rate its times are taken at.
        rate: SampleRate,
    },
    /// A true-peak limiter.
    Limit {
        /// What the true peak stays below, in dBTP.
        ceiling_dbtp: f64,
        /// The rate its times are taken at.
        rate: SampleRate,
    },
    /// The signal 90 degrees later at all frequencies, in time with itself.
    Shift90 {
        /// The rate its filter is made for.
        rate: SampleRate,
    },
}

/// What a process that starts from rest remembers.
#[derive(Clone, Debug)]
pub enum State {
    /// Of filters: `[channel][filter]`.
    Eq(Vec<Vec<eq::State>>),
    /// Of a compressor.
    Compress {
        /// Of its side-chain's filters: `[channel][filter]`.
        filters: Vec<Vec<eq::State>>,
        /// Of its detector.
        detector: compressor::State,
    },
    /// Of a de-esser.
    DeEss(deess::State),
}

/// Segments between two starts of what remembers long: warming up is better spent
/// once in sixteen seconds.
const LONG_CELL: usize = 16;

/// Frames of warming up from which on filters remember long.
const LONG_MEMORY: usize = 24_000;

impl Process {
    /// How far it hears.
    pub fn reach(&self) -> Reach {
        match self {
            Process::Delay { frames } => Reach::Window { before: *frames, after: 0 },
            Process::Eq { filters } => {
                let before = memory(filters);
                let segments = if before > LONG_MEMORY { LONG_CELL } else { 1 };
                Reach::Cell { segments, before }
            }
            Process::Compress { settings, sidechain, key: _, rate } => {
                let before = memory(sidechain) + compressor(settings, *rate).before();
                Reach::Cell { segments: LONG_CELL, before }
            }
            Process::DeEss { hz, settings, rate } => {
                let before = de_esser(*hz, settings, *rate).before();
                Reach::Cell { segments: LONG_CELL, before }
            }
            Process::Limit { ceiling_dbtp, rate } => {
                let limiter = limiter(*ceiling_dbtp, *rate);
                Reach::Window { before: limiter.before(), after: limiter.after() }
            }
            Process::Shift90 { rate } => {
                let half = Hilbert::new(*rate).half();
                Reach::Window { before: half, after: half }
            }
        }
    }

    /// The same, its detector hearing the last `channels` channels of the input alone, if
    /// it has one.
    pub fn keyed(mut self, channels: usize) -> Self {
        if let Process::Compress { key, .. } = &mut self {
            *key = channels;
        }
        self
    }

    /// Whether integer samples stay integers of the same grid.
    pub fn keeps_grid(&self) -> bool {
        matches!(self, Process::Delay { .. })
    }

    /// The `frames` frames of a process with a window: `input` holds, per channel,
    /// `before` + `frames` + `after` frames.
    pub fn window(&self, input: &[Vec<f64>], frames: usize) -> Vec<Vec<f64>> {
        match self {
            Process::Delay { .. } => input.iter().map(|x| x[..frames].to_vec()).collect(),
            Process::Limit { ceiling_dbtp, rate } => {
                let channels: Vec<&[f64]> = input.iter().map(Vec::as_slice).collect();
                let mut out = vec![Vec::with_capacity(frames); input.len()];
                limiter(*ceiling_dbtp, *rate).process(&channels, &mut out);
                out
            }
            Process::Shift90 { rate } => {
                let filter = Hilbert::new(*rate);
                let shifted = |x: &Vec<f64>| {
                    let mut out = vec![0.0; frames];
                    filter.process(x, &mut out);
                    out
                };
                input.iter().map(shifted).collect()
            }
            Process::Eq { .. } | Process::Compress { .. } | Process::DeEss { .. } => {
                unreachable!("BUG: what has a cell has no window")
            }
        }
    }

    /// The state at rest, for `width` channels of input.
    pub fn rest(&self, width: usize) -> State {
        match self {
            Process::Eq { filters } => State::Eq(at_rest(filters, width)),
            Process::Compress { settings: _, sidechain, key: _, rate: _ } => State::Compress {
                filters: at_rest(sidechain, width),
                detector: compressor::State::default(),
            },
            Process::DeEss { hz, settings, rate } => {
                State::DeEss(de_esser(*hz, settings, *rate).rest(width))
            }
            Process::Delay { .. } | Process::Limit { .. } | Process::Shift90 { .. } => {
                unreachable!("BUG: what has a window has no state")
            }
        }
    }

    /// Goes on from `state` over `block`, in place. The channels of a key stay behind
    /// the others as they are.
    pub fn run(&self, state: &mut State, block: &mut [Vec<f64>]) {
        match (self, state) {
            (Process::Eq { filters }, State::Eq(states)) => {
                for (states, channel) in states.iter_mut().zip(block) {
                    filter(filters, states, channel);
                }
            }
            (
                Process::Compress { settings, sidechain, key, rate },
                State::Compress { filters, detector },
            ) => {
                let frames = block.first().map_or(0, Vec::len);
                let (mut level, mut gains) = (vec![0.0; frames], vec![0.0; frames]);
                let (signal, key) = block.split_at_mut(block.len() - key);
                let detected = if key.is_empty() { &*signal } else { &*key };
                for (states, channel) in filters.iter_mut().zip(detected) {
                    if sidechain.is_empty() {
                        compressor::raise(&mut level, channel);
                    } else {
                        let mut heard = channel.clone();
                        filter(sidechain, states, &mut heard);
                        compressor::raise(&mut level, &heard);
                    }
                }
                compressor(settings, *rate).gains(detector, &level, &mut gains);
                for channel in signal {
                    channel.iter_mut().zip(&gains).for_each(|(x, gain)| *x *= gain);
                }
            }
            (Process::DeEss { hz, settings, rate }, State::DeEss(state)) => {
                de_esser(*hz, settings, *rate).process(state, block);
            }
            _ => unreachable!("BUG: a process runs in its own state"),
        }
    }
}

/// Frames after which filters in series have forgotten what was before: a filter has
/// forgotten its start when all before it have.
fn memory(filters: &[Filter]) -> usize {
    filters.iter().map(Filter::before).sum()
}

/// States at rest: `[channel][filter]`.
fn at_rest(filters: &[Filter], width: usize) -> Vec<Vec<eq::State>> {
    vec![vec![eq::State::default(); filters.len()]; width]
}

/// Filters one channel, one filter after the other, each in its state.
fn filter(filters: &[Filter], states: &mut [eq::State], channel: &mut [f64]) {
    for (filter, state) in filters.iter().zip(states) {
        filter.process(state, channel);
    }
}

fn de_esser(hz: f64, settings: &Settings, rate: SampleRate) -> DeEsser {
    DeEsser::new(hz, *settings, rate).expect("BUG: settings are checked when they are read")
}

fn compressor(settings: &Settings, rate: SampleRate) -> Compressor {
    Compressor::new(*settings, rate).expect("BUG: settings are checked when they are read")
}

fn limiter(ceiling_dbtp: f64, rate: SampleRate) -> Limiter {
    Limiter::new(ceiling_dbtp, rate).expect("BUG: the ceiling is checked when it is read")
}

/// How far an operator hears beyond the frames it makes (design section 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// The same frames only.
    Here,
    /// A window around each frame, in frames.
    Window {
        /// Frames before.
        before: usize,
        /// Frames after.
        after: usize,
    },
    /// From a fixed place of the programme on: it starts from rest `before` frames
    /// ahead of each cell of `segments` segments, whoever asks and in whatever order.
    Cell {
        /// Segments in a cell.
        segments: usize,
        /// Frames of warming up.
        before: usize,
    },
}

impl Reach {
    /// The segments of the input that are heard in `segment`, for segments of
    /// `per_segment` frames. What lies before the programme is silence and left out.
    pub fn heard(self, segment: usize, per_segment: usize) -> std::ops::Range<usize> {
        match self {
            Reach::Here => segment..segment + 1,
            Reach::Window { before, after } => {
                let first = (segment * per_segment).saturating_sub(before) / per_segment;
                let end = ((segment + 1) * per_segment + after).div_ceil(per_segment);
                first..end
            }
            Reach::Cell { segments, before } => {
                let start = segment - segment % segments;
                (start * per_segment).saturating_sub(before) / per_segment..segment + 1
            }
        }
    }
}
