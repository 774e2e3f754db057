//! Measuring: from the samples of a segment, as they are written, to its facts.
//!
//! The hot loop of the program: every delivered sample passes here once. Judges
//! nothing and knows no programme, only a segment and a little of what is before.

use std::ops::Range;

use crate::audio::layout::Layout;
use crate::audio::wav::Encoding;
use crate::dsp::loudness::{KWeighting, is_silent};
use crate::dsp::true_peak::{self, TruePeak};
use crate::qc::facts::{ChannelFacts, NullFacts, SegmentFacts};
use crate::units::SampleRate;

/// Raised whenever the facts of any samples change: it enters the key of stored
/// facts, so that old ones are measured again.
pub const METER_VERSION: u32 = 1;

/// Partial sums that are kept side by side: the frame's number modulo this says
/// which. Part of the result's bits, and so of [`METER_VERSION`].
const LANES: usize = 4;

/// Samples of a block of [`true_peak::BLOCK`] whose statistics are taken together.
const BLOCK: usize = true_peak::BLOCK;

/// Adding this to a sample in -1 to +1 leaves the sample, as a 32-bit integer at
/// full scale, in the low half of the sum's bits: the last bit of a number in
/// 2^21 to 2^22 is worth 2^-31. Cheaper than a conversion, and lanes can do it.
const INTEGER_FROM_FLOAT: f64 = 3_145_728.0;

/// Measures segments of files of one kind. Holds no state: the facts of a
/// segment are a function of its samples and its history alone.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    layout: Layout,
    encoding: Encoding,
    k_weighting: KWeighting,
    true_peak: TruePeak,
}

impl Meter {
    /// A meter for files of this rate, layout and encoding.
    pub fn new(rate: SampleRate, layout: Layout, encoding: Encoding) -> Self {
        Self {
            layout,
            encoding,
            k_weighting: KWeighting::new(rate),
            true_peak: TruePeak::new(rate),
        }
    }

    /// The facts of a segment.
    ///
    /// `block` holds its samples as they are written (rounded and cut), finite,
    /// `[channel][frame]`, full scale 1.0. `history` holds, in the same shape,
    /// the frames right before it, of which the last
    /// [`halo_frames`](crate::dsp::loudness::halo_frames) count; fewer only
    /// where the programme starts. `last` says that the file ends here. `overs`
    /// is, per channel, how many samples were cut to full scale as they were
    /// rounded; for float files, which cut nothing, the samples beyond full
    /// scale are counted here instead.
    ///
    /// # Panics
    /// If the shapes do not fit the layout.
    pub fn segment(
        &self,
        history: &[Vec<f64>],
        block: &[Vec<f64>],
        last: bool,
        overs: &[u32],
    ) -> SegmentFacts {
        let width = self.layout.width();
        assert!(
            history.len() == width && block.len() == width && overs.len() == width,
            "BUG: a segment must have the channels of its meter"
        );
        let channels =
            (0..width).map(|c| self.channel(&history[c], &block[c], last, overs[c])).collect();
        let left_right = match block {
            [left, right] if self.layout.is_pair() => product(left, right),
            _ => 0.0,
        };
        SegmentFacts {
            frames: block[0].len() as u32,
            channels,
            energy_10ms: self.k_weighting.energy_10ms(self.layout, history, block),
            left_right,
        }
    }

    fn channel(&self, history: &[f64], block: &[f64], last: bool, overs: u32) -> ChannelFacts {
        let reach = &history[history.len().saturating_sub(true_peak::REACH)..];
        if is_silent(block) && is_silent(reach) {
            // What the rest would find, at once. Nothing was cut to silence.
            return ChannelFacts::default();
        }
        let levels = Levels::of(block);
        let over = match self.encoding {
            Encoding::Float32 if levels.peak > 1.0 => {
                block.iter().filter(|x| x.abs() > 1.0).count() as u32
            }
            Encoding::Float32 => 0,
            Encoding::Pcm16 | Encoding::Pcm16Shaped | Encoding::Pcm24 => overs,
        };
        ChannelFacts {
            sample_peak: levels.peak,
            sample_peak_at: levels.peak_at(block),
            true_peak: self.true_peak.of_segment(history, block, &levels.block_peaks, last),
            sum: levels.sum,
            sum_of_squares: levels.sum_of_squares,
            used_bits: match self.encoding {
                Encoding::Float32 => 0,
                _ => levels.used_bits,
            },
            first_sound: block.iter().position(|x| *x != 0.0).map(|frame| frame as u32),
            last_sound: block.iter().rposition(|x| *x != 0.0).map(|frame| frame as u32),
            overs: over,
        }
    }
}

/// What one pass over a channel finds.
#[derive(Default)]
struct Levels {
    peak: f64,
    /// Highest |sample| of each [`BLOCK`] samples.
    block_peaks: Vec<f64>,
    sum: f64,
    sum_of_squares: f64,
    used_bits: u32,
}

impl Levels {
    fn of(samples: &[f64]) -> Self {
        let (blocks, rest) = samples.as_chunks::<BLOCK>();
        let mut tail = [0.0; BLOCK];
        tail[..rest.len()].copy_from_slice(rest);
        // Zeros at the end change no figure but the number of blocks.
        let tail = Some(&tail).filter(|_| !rest.is_empty());
        let mut block_peaks = Vec::with_capacity(blocks.len() + 1);
        let (mut sum, mut squares, mut bits) = ([0.0; LANES], [0.0; LANES], [0_u64; LANES]);
        for block in blocks.iter().chain(tail) {
            let mut highest = [0.0_f64; LANES];
            for four in block.as_chunks::<LANES>().0 {
                for lane in 0..LANES {
                    let (x, magnitude) = (four[lane], four[lane].abs());
                    highest[lane] =
                        if magnitude > highest[lane] { magnitude } else { highest[lane] };
                    sum[lane] += x;
                    squares[lane] += x * x;
                    bits[lane] |= (x + INTEGER_FROM_FLOAT).to_bits();
                }
            }
            block_peaks.push(true_peak::highest(&highest));
        }
        Self {
            peak: true_peak::highest(&block_peaks),
            block_peaks,
            sum: total(sum),
            sum_of_squares: total(squares),
            used_bits: bits.iter().fold(0, |all, bits| all | bits) as u32,
        }
    }

    /// Where the peak stands first; 0 for silence.
    fn peak_at(&self, samples: &[f64]) -> u32 {
        let is_peak = |level: &f64| level.abs() == self.peak;
        let block = self.block_peaks.iter().position(is_peak).unwrap_or(0);
        let within = samples.iter().skip(block * BLOCK).position(is_peak).unwrap_or(0);
        (block * BLOCK + within) as u32
    }
}

/// The lanes together, always in this order.
fn total(lanes: [f64; LANES]) -> f64 {
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}

/// Sum of products.
fn product(left: &[f64], right: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    for (left, right) in left.chunks(LANES).zip(right.chunks(LANES)) {
        for ((lane, l), r) in lanes.iter_mut().zip(left).zip(right) {
            *lane += l * r;
        }
    }
    total(lanes)
}

/// The facts of a null test over one segment: the reference minus the sum of the
/// parts, which are added in their order. All are `[channel][frame]`, of which
/// the first `frames` frames are compared; all have the reference's channels.
/// With no parts the residual is the reference itself.
/// Frames in `skip` are not compared.
pub fn null_segment(
    reference: &[Vec<f64>],
    parts: &[&[Vec<f64>]],
    frames: usize,
    skip: &[Range<usize>],
) -> NullFacts {
    let mut facts = NullFacts { frames: frames as u32, ..NullFacts::default() };
    let mut residual = vec![0.0; frames];
    for (channel, reference) in reference.iter().enumerate() {
        let reference = &reference[..frames];
        residual.fill(0.0);
        for part in parts {
            for (sum, x) in residual.iter_mut().zip(&part[channel][..frames]) {
                *sum += x;
            }
        }
        for (sum, x) in residual.iter_mut().zip(reference) {
            *sum = x - *sum;
        }
        for range in skip {
            residual[range.start.min(frames)..range.end.min(frames)].fill(0.0);
        }
        let of_reference = Levels::of(reference);
        let of_residual = Levels::of(&residual);
        facts.reference_energy += of_reference.sum_of_squares;
        facts.residual_energy += of_residual.sum_of_squares;
        facts.nonzero += residual.iter().filter(|x| **x != 0.0).count() as u64;
        let at = of_residual.peak_at(&residual);
        // First in time; in the same frame, the first channel.
        let stands_first = of_residual.peak == facts.peak && at < facts.peak_at;
        if of_residual.peak > facts.peak || stands_first {
            facts.peak = of_residual.peak;
            facts.peak_at = at;
            facts.peak_channel = channel as u16;
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::loudness::halo_frames;

    fn meter(layout: Layout, encoding: Encoding) -> Meter {
        Meter::new(SampleRate::new(48_000).unwrap(), layout, encoding)
    }

    /// Noise on the grid of 24 bits, below half of full scale.
    fn noise(seed: u32, frames: usize) -> Vec<f64> {
        let mut state = seed | 1;
        (0..frames)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state as i32 >> 9) / 8_388_608.0
            })
            .collect()
    }

    fn to(signal: &[Vec<f64>], range: std::ops::Range<usize>) -> Vec<Vec<f64>> {
        signal.iter().map(|channel| channel[range.clone()].to_vec()).collect()
    }

    #[test]
    fn facts_hear_the_halo_and_nothing_before_it() {
        let halo = halo_frames(SampleRate::new(48_000).unwrap());
        let meter = meter(Layout::Stereo, Encoding::Pcm24);
        let mut signal = vec![noise(1, 144_000), noise(2, 144_000)];
        let block = to(&signal, 96_000..144_000);
        let of = |history: &[Vec<f64>]| meter.segment(history, &block, true, &[0, 0]);
        let exact = of(&to(&signal, 96_000 - halo..96_000));
        assert_eq!(exact, of(&to(&signal, 0..96_000)));
        signal[0][96_000 - halo - 1] = 0.9;
        assert_eq!(exact, of(&to(&signal, 0..96_000)));
        signal[0][96_000 - halo] = 0.9;
        assert_ne!(exact, of(&to(&signal, 0..96_000)));
    }

    #[test]
    fn a_channel_is_measured_as_written() {
        let mut block = vec![noise(3, 4801), noise(4, 4801)];
        block[0][..10].fill(0.0);
        block[0][4799..].fill(-0.0);
        block[0][77] = -0.75;
        block[0][78] = 0.75;
        let empty = vec![Vec::new(); 2];
        let facts = meter(Layout::Stereo, Encoding::Pcm24).segment(&empty, &block, true, &[3, 0]);
        let left = &facts.channels[0];
        assert_eq!((left.sample_peak, left.sample_peak_at, left.overs), (0.75, 77, 3));
        assert_eq!((left.first_sound, left.last_sound), (Some(10), Some(4798)));
        assert!(left.true_peak > 0.75);
        let close = |found: f64, terms: &mut dyn Iterator<Item = f64>| {
            let plain: f64 = terms.sum();
            assert!((found - plain).abs() < 1e-9, "{found} {plain}");
        };
        close(left.sum, &mut block[0].iter().copied());
        close(left.sum_of_squares, &mut block[0].iter().map(|x| x * x));
        close(facts.left_right, &mut block[0].iter().zip(&block[1]).map(|(l, r)| l * r));
        assert_eq!((facts.frames, facts.energy_10ms.len()), (4801, 10));
    }

    #[test]
    fn used_bits_are_the_union_of_the_integers() {
        let integers: [i32; 6] = [0, 1 << 8, -(1 << 8), i32::MIN, 0x7fff_ff00, -0x1234_5600];
        for count in 1..=integers.len() {
            let union = integers[..count].iter().fold(0, |all, x| all | x) as u32;
            let block =
                [integers[..count].iter().map(|x| f64::from(*x) / 2_147_483_648.0).collect()];
            let bits = |encoding| {
                let facts = meter(Layout::Mono, encoding).segment(&[vec![]], &block, true, &[0]);
                facts.channels[0].used_bits
            };
            assert_eq!((bits(Encoding::Pcm24), bits(Encoding::Float32)), (union, 0));
        }
    }

    #[test]
    fn floats_beyond_full_scale_are_counted() {
        let block = [vec![1.0, -1.0, 1.5, -1.001, 0.0]];
        let meter = meter(Layout::Mono, Encoding::Float32);
        assert_eq!(meter.segment(&[vec![]], &block, true, &[0]).channels[0].overs, 2);
    }

    #[test]
    fn silence_is_skipped_with_the_same_result() {
        let meter = meter(Layout::Stereo, Encoding::Pcm24);
        let silence = vec![vec![0.0; 48_000]; 2];
        let facts = meter.segment(&silence, &silence, true, &[0, 0]);
        let expected = SegmentFacts {
            frames: 48_000,
            channels: vec![ChannelFacts::default(); 2],
            energy_10ms: vec![0.0; 100],
            left_right: 0.0,
        };
        assert_eq!(facts, expected);
        // What went before still rings, in the windows and in the filter.
        let mut history = silence.clone();
        history[1][47_999] = 0.5;
        let facts = meter.segment(&history, &silence, true, &[0, 0]);
        assert!(facts.channels[1].true_peak > 0.4 && facts.energy_10ms[0] > 0.0);
        assert_eq!(facts.channels[0], ChannelFacts::default());
    }

    #[test]
    fn the_residual_is_the_reference_minus_the_parts() {
        let parts = [vec![noise(5, 500), noise(6, 500)], vec![noise(7, 500), noise(8, 500)]];
        let mut reference: Vec<Vec<f64>> = (0..2)
            .map(|c| parts[0][c].iter().zip(&parts[1][c]).map(|(a, b)| a + b).collect())
            .collect();
        let of =
            |reference: &[Vec<f64>]| null_segment(reference, &[&parts[0], &parts[1]], 400, &[]);
        let exact = of(&reference);
        assert_eq!((exact.peak, exact.nonzero, exact.residual_energy), (0.0, 0, 0.0));
        assert!(exact.reference_energy > 0.0);
        reference[0][300] += 0.25;
        reference[1][200] -= 0.25;
        reference[1][450] += 0.5;
        let found = of(&reference);
        assert_eq!((found.peak, found.peak_at, found.peak_channel), (0.25, 200, 1));
        assert_eq!((found.frames, found.nonzero, found.residual_energy), (400, 2, 0.125));
        assert_eq!(null_segment(&reference, &[], 400, &[]).residual_energy, found.reference_energy);
    }
}
