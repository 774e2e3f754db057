//! A signal at another rate or speed, placed on a timeline: what of it stands in some
//! frames there, and what of the input that hears.

use std::ops::Range;
use std::sync::Arc;

use super::resample::Resampler;

/// A whole signal, converted. It lasts exactly as long as the input does, to the nearest
/// frame: what would ring before its start and after its end is cut off.
#[derive(Clone, PartialEq, Debug)]
pub struct Conversion {
    resampler: Arc<Resampler>,
    at_frame: u64,
    input_frames: u64,
}

/// What of a conversion stands in some frames of its timeline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Frames from the first of those to the first of these.
    pub into: usize,
    /// Frames of the converted signal.
    pub out: Range<u64>,
    /// Frames of the input that they hear; before its start and after its end is silence.
    pub heard: Range<i64>,
}

impl Conversion {
    /// Of an input of `input_frames` frames, the first frame at `at_frame`.
    pub fn new(resampler: Arc<Resampler>, at_frame: u64, input_frames: u64) -> Self {
        Self { resampler, at_frame, input_frames }
    }

    /// How it is converted.
    pub fn resampler(&self) -> &Resampler {
        &self.resampler
    }

    /// Where it stands, and the frames of its input.
    pub fn span(&self) -> [u64; 2] {
        [self.at_frame, self.input_frames]
    }

    /// Its frames.
    pub fn frames(&self) -> u64 {
        self.resampler.ratio().frames(self.input_frames)
    }

    /// What of it stands in `range` of the timeline; `None` if nothing does.
    pub fn part(&self, range: Range<u64>) -> Option<Part> {
        let start = range.start.max(self.at_frame);
        let end = range.end.min(self.at_frame + self.frames());
        let out = (start < end).then(|| start - self.at_frame..end - self.at_frame)?;
        let heard = self.resampler.heard(out.clone());
        Some(Part { into: (start - range.start) as usize, out, heard })
    }

    /// The frames of the input that a part hears and that are there.
    pub fn sounding(&self, part: &Part) -> Range<u64> {
        let within = |frame: i64| (frame.max(0) as u64).min(self.input_frames);
        within(part.heard.start)..within(part.heard.end)
    }

    /// Everything that decides the samples of a part, apart from those it hears: the
    /// ratio, where the part stands, its place between input frames, and the silence
    /// before and after the input.
    pub fn numbers(&self, part: &Part) -> [u64; 7] {
        let ratio = self.resampler.ratio();
        let (up, down) = (u128::from(ratio.numerator()), u128::from(ratio.denominator()));
        let sounding = self.sounding(part);
        [
            u64::from(ratio.numerator()),
            u64::from(ratio.denominator()),
            part.into as u64,
            part.out.end - part.out.start,
            (u128::from(part.out.start) * down % up) as u64,
            part.heard.start.min(0).unsigned_abs(),
            sounding.end - sounding.start,
        ]
    }

    /// The samples of a part, from all frames that it hears, `[channel][frame]`; what
    /// stands there beyond the end of the input is not heard.
    pub fn samples(&self, part: &Part, heard: &mut [Vec<f64>]) -> Vec<Vec<f64>> {
        let end = (self.sounding(part).end as i64 - part.heard.start).max(0) as usize;
        heard.iter_mut().for_each(|channel| channel[end..].fill(0.0));
        let channels: Vec<&[f64]> = heard.iter().map(Vec::as_slice).collect();
        self.resampler.process(part.heard.start, &channels, part.out.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Ratio;

    fn conversion(ratio: &str, at_frame: u64, input_frames: u64) -> Conversion {
        let resampler = Resampler::new(Ratio::parse(ratio).unwrap()).unwrap();
        Conversion::new(Arc::new(resampler), at_frame, input_frames)
    }

    #[test]
    fn it_stands_where_it_is_placed_and_no_longer_than_it_lasts() {
        let half = conversion("1/2", 1_000, 4_001);
        assert_eq!(half.frames(), 2_001);
        assert_eq!(half.part(0..1_000), None);
        assert_eq!(half.part(3_001..4_000), None);
        let part = half.part(500..1_500).unwrap();
        assert_eq!((part.into, part.out.clone()), (500, 0..500));
        assert!(part.heard.start < 0);
        assert_eq!(half.sounding(&part).start, 0);
        let part = half.part(3_000..4_000).unwrap();
        assert_eq!((part.into, part.out.clone()), (0, 2_000..2_001));
        assert!(part.heard.end > 4_001);
        assert_eq!(half.sounding(&part).end, 4_001);
    }

    #[test]
    fn what_stands_beyond_the_end_of_the_input_is_not_heard() {
        let half = conversion("1/2", 0, 1_000);
        let part = half.part(400..600).unwrap();
        let frames = part.heard.end - part.heard.start;
        let samples = |beyond: f64| {
            let of = |n: i64| if part.heard.start + n < 1_000 { 0.5 } else { beyond };
            half.samples(&part, &mut [(0..frames).map(of).collect()])
        };
        assert_eq!(samples(0.0), samples(0.7));
        assert_eq!(samples(0.0)[0].len(), 100);
    }

    #[test]
    fn equal_numbers_mean_equal_places() {
        // 160/147: after 147 frames of the input and 160 of the output all is as before,
        // but near the ends there is silence to hear.
        let up = conversion("160/147", 0, 44_100);
        let at = |start: u64| up.numbers(&up.part(start..start + 100).unwrap());
        assert_eq!(at(16_000), at(16_160));
        assert_ne!(at(16_000), at(16_001));
        assert_ne!(at(0), at(160));
        assert_ne!(at(47_840), at(16_000));
        let placed = conversion("160/147", 160, 44_100);
        assert_eq!(placed.numbers(&placed.part(320..420).unwrap()), at(160));
        assert_ne!(placed.numbers(&placed.part(100..420).unwrap())[2], 0);
    }
}
