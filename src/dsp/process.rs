//! Operators that hear more than the frame they make, behind one door for the
//! renderer: what each hears, and how it makes a segment of it.

use super::eq::{self, Filter};

/// What is done to a signal.
#[derive(Clone, PartialEq, Debug)]
pub enum Process {
    /// The signal so many frames later, silence before.
    Delay {
        /// Frames.
        frames: usize,
    },
    /// Filters, one after the other. They start from rest ahead of every segment.
    Eq {
        /// The filters.
        filters: Vec<Filter>,
    },
}

/// What a process that starts from rest remembers: `[channel][filter]`.
pub type State = Vec<Vec<eq::State>>;

impl Process {
    /// How far it hears.
    pub fn reach(&self) -> Reach {
        match self {
            Process::Delay { frames } => Reach::Window { before: *frames, after: 0 },
            // A filter has forgotten its start when all before it in the chain have.
            Process::Eq { filters } => {
                Reach::Cell { segments: 1, before: filters.iter().map(Filter::before).sum() }
            }
        }
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
            Process::Eq { .. } => unreachable!("BUG: filters have no window"),
        }
    }

    /// The state at rest, for `width` channels.
    pub fn rest(&self, width: usize) -> State {
        match self {
            Process::Delay { .. } => Vec::new(),
            Process::Eq { filters } => vec![vec![eq::State::default(); filters.len()]; width],
        }
    }

    /// Goes on from `state` over `block`, in place.
    pub fn run(&self, state: &mut State, block: &mut [Vec<f64>]) {
        let Process::Eq { filters } = self else { return };
        for (states, channel) in state.iter_mut().zip(block) {
            for (filter, state) in filters.iter().zip(states) {
                filter.process(state, channel);
            }
        }
    }
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

    /// The most segments before and after a segment that it may hear.
    pub fn margin(self, per_segment: usize) -> (usize, usize) {
        match self {
            Reach::Here => (0, 0),
            Reach::Window { before, after } => {
                (before.div_ceil(per_segment), after.div_ceil(per_segment))
            }
            Reach::Cell { segments, before } => (segments - 1 + before.div_ceil(per_segment), 0),
        }
    }
}
