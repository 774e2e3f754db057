//! Measuring: from the samples of a segment, as they are written, to its facts.
//!
//! The hot loop of the program: every delivered sample passes here once. Judges
//! nothing and knows no programme, only a segment and a little of what is before.

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
            [left, right] if self.layout == Layout::Stereo => product(left, right),
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
            Encoding::Pcm16 | Encoding::Pcm24 => overs,
        };
        ChannelFacts {
            sample_peak: levels.peak,
            sample_peak_at: levels.peak_at(block),
            true_peak: self.true_peak.of_segment(history, block, &levels.block_peaks, last),
            sum: levels.sum,
            sum_of_squares: levels.sum_of_squares,
            used_bits: match self.encoding {
                Encoding::Float32 => 0,
                Encoding::Pcm16 | Encoding::Pcm24 => levels.used_bits,
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
        let mut block_peaks = Vec::with_capacity(samples.len().div_ceil(BLOCK));
        let (mut sum, mut squares, mut bits) = ([0.0; LANES], [0.0; LANES], [0_u64; LANES]);
        for block in samples.chunks(BLOCK) {
            let mut highest = [0.0; LANES];
            for four in block.chunks(LANES) {
                for (lane, &x) in four.iter().enumerate() {
                    let magnitude = x.abs();
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
pub fn null_segment(reference: &[Vec<f64>], parts: &[&[Vec<f64>]], frames: usize) -> NullFacts {
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
