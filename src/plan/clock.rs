//! Clocks: what counts the segments of a signal.
//!
//! Everything on the programme's timeline shares one clock. A file at another rate
//! has its own, and so has what is made from the programme at another rate or speed,
//! or from places of it: a segment is always one second of its own clock. A build
//! goes through the programme once; a segment of another clock is made in the segment
//! of the programme in which the last it hears has come by.

use std::ops::Range;

use crate::units::SampleRate;

/// Index into [`super::Plan::clocks`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClockId(pub u32);

impl ClockId {
    /// The clock of the programme.
    pub const PROGRAMME: ClockId = ClockId(0);
}

/// A second of one clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Slot {
    /// Which clock.
    pub clock: ClockId,
    /// Which of its segments.
    pub segment: usize,
}

/// A rate, a length, and when its segments are made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clock {
    /// Frames per second.
    pub rate: SampleRate,
    /// Length in frames.
    pub frames: u64,
    /// For each segment, that of the programme in which it is made; never falls. Empty
    /// where both are the same.
    due: Vec<usize>,
}

impl Clock {
    /// A clock whose segments are made in those of the programme with the same number.
    pub fn in_step(rate: SampleRate, frames: u64) -> Self {
        Self { rate, frames, due: Vec::new() }
    }

    /// A clock whose segments hear the segments `heard` of `parent`, each so that
    /// segment after segment can be written in order.
    pub fn derived(
        rate: SampleRate,
        frames: u64,
        parent: &Clock,
        heard: impl Fn(usize) -> Vec<Range<usize>>,
    ) -> Self {
        let last = parent.segments().saturating_sub(1);
        let mut before = 0;
        let due = (0..rate.segments(frames)).map(|segment| {
            let latest = heard(segment).into_iter().filter(|range| !range.is_empty());
            let latest = latest.map(|range| range.end - 1).max().unwrap_or(0).min(last);
            before = before.max(parent.due(latest));
            before
        });
        Self { rate, frames, due: due.collect() }
    }

    /// The segment of the programme in which `segment` is made.
    pub fn due(&self, segment: usize) -> usize {
        self.due.get(segment).copied().unwrap_or(segment)
    }

    /// Its segments that are made in segments `programme` of the programme.
    pub fn made_in(&self, programme: Range<usize>) -> Range<usize> {
        if self.due.is_empty() {
            let all = self.segments();
            return programme.start.min(all)..programme.end.min(all);
        }
        let before = |segment: usize| self.due.partition_point(|due| *due < segment);
        before(programme.start)..before(programme.end)
    }

    /// Frames of a whole segment.
    pub fn per_segment(&self) -> usize {
        self.rate.frames_per_segment()
    }

    /// The frames of a whole segment.
    pub fn range(&self, segment: usize) -> Range<u64> {
        let per_segment = self.per_segment() as u64;
        segment as u64 * per_segment..(segment as u64 + 1) * per_segment
    }

    /// Number of segments; the last may be short.
    pub fn segments(&self) -> usize {
        self.rate.segments(self.frames)
    }

    /// Frames of segment `segment`; the last may be short.
    pub fn segment_frames(&self, segment: usize) -> usize {
        let start = segment as u64 * self.per_segment() as u64;
        self.frames.saturating_sub(start).min(self.per_segment() as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(hz: u32) -> SampleRate {
        SampleRate::new(hz).unwrap()
    }

    #[test]
    fn what_jumps_back_is_made_no_sooner_than_what_is_before_it() {
        let programme = Clock::in_step(rate(8_000), 8_000 * 10);
        // Seconds 7 to 9 of the programme, then 1 to 3.
        let heard = |segment: usize| [7..8, 8..9, 1..2, 2..3][segment..=segment].to_vec();
        let clock = Clock::derived(rate(8_000), 8_000 * 4, &programme, heard);
        assert_eq!((0..4).map(|s| clock.due(s)).collect::<Vec<_>>(), [7, 8, 8, 8]);
        assert_eq!(clock.made_in(0..7), 0..0);
        assert_eq!(clock.made_in(7..8), 0..1);
        assert_eq!(clock.made_in(8..10), 1..4);
    }

    #[test]
    fn every_segment_is_made_once_whatever_the_waves() {
        let programme = Clock::in_step(rate(8_000), 8_000 * 24);
        let faster = |segment: usize| {
            let end = ((segment + 1) * 25).div_ceil(24);
            std::iter::once(segment * 25 / 24..end).collect()
        };
        let clock = Clock::derived(rate(8_000), 8_000 * 23, &programme, faster);
        for wave in 1..5 {
            let mut made = Vec::new();
            for start in (0..24).step_by(wave) {
                made.extend(clock.made_in(start..start + wave));
            }
            assert_eq!(made, (0..23).collect::<Vec<_>>());
        }
    }
}
