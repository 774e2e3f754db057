//! True peak after ITU-R BS.1770-5 annex 2: the highest value of the signal
//! between its samples, estimated with the interpolator that the annex prints.
//!
//! The annex's 48 taps make four phases, which stand 1/8, 3/8, 5/8 and 7/8 of a
//! sample after a sample. None is the sample itself, so the interpolated peak
//! alone can read below the sample peak; what is reported is the higher of both.
//!
//! Windows are causal: the peak of a segment is that of all windows of 12
//! samples that end in it, and the last segment of a file adds those that run
//! out into silence. The peak of a file is the highest of its segments.

use crate::units::SampleRate;

/// Samples that a window reaches back before the one it ends at.
pub const REACH: usize = TAPS - 1;

/// Samples whose windows are evaluated, or skipped, together.
pub const BLOCK: usize = 32;

pub(super) const TAPS: usize = 12;

/// BS.1770-5 annex 2, the table's first column: phase 0. Phase 3 is the same
/// backwards.
pub(super) const OUTER: [f64; TAPS] = [
    0.001_708_984_375_0,
    0.010_986_328_125_0,
    -0.019_653_320_312_5,
    0.033_203_125_000_0,
    -0.059_448_242_187_5,
    0.137_329_101_562_5,
    0.972_167_968_750_0,
    -0.102_294_921_875_0,
    0.047_607_421_875_0,
    -0.026_611_328_125_0,
    0.014_892_578_125_0,
    -0.008_300_781_250_0,
];

/// The table's second column: phase 1. Phase 2 is the same backwards.
pub(super) const INNER: [f64; TAPS] = [
    -0.029_174_804_687_5,
    0.029_296_875_000_0,
    -0.051_757_812_500_0,
    0.089_111_328_125_0,
    -0.166_503_906_250_0,
    0.465_087_890_625_0,
    0.779_785_156_250_0,
    -0.200_317_382_812_5,
    0.101_562_500_000_0,
    -0.058_227_539_062_5,
    0.033_081_054_687_5,
    -0.018_920_898_437_5,
];

/// A phase and its mirror image, split into an even and an odd half, each of
/// six taps. With S and D the outputs of the halves, the two phases are S + D
/// and S - D, and the higher of their magnitudes is |S| + |D|: half of the
/// multiplications are saved. Single precision holds a sample of 24 bits exactly
/// and errs by less than 2e-5 dB in the sum, at twice the speed.
#[derive(Clone, Copy, Debug)]
struct Pair {
    even: [f32; TAPS / 2],
    odd: [f32; TAPS / 2],
    /// No output is further from zero than this times the highest sample in
    /// the window: the sum of the taps' magnitudes, and a little for rounding.
    gain: f64,
}

impl Pair {
    const fn of(phase: [f64; TAPS]) -> Self {
        let (mut even, mut odd, mut gain) = ([0.0; TAPS / 2], [0.0; TAPS / 2], 0.0);
        let mut tap = 0;
        while tap < TAPS / 2 {
            let (near, far) = (phase[tap], phase[TAPS - 1 - tap]);
            even[tap] = ((near + far) * 0.5) as f32;
            odd[tap] = ((near - far) * 0.5) as f32;
            gain += near.abs() + far.abs();
            tap += 1;
        }
        // Twelve products and some twenty sums in f32 err by less than 32 * 2^-24.
        Self { even, odd, gain: gain * (1.0 + 2e-6) }
    }

    /// The higher magnitude of both phases, for the windows of a block.
    fn peaks(&self, window: &[f32; BLOCK + REACH]) -> [f32; BLOCK] {
        let mut peaks = [0.0; BLOCK];
        for (at, peak) in peaks.iter_mut().enumerate() {
            let (mut even, mut odd) = (0.0, 0.0);
            for tap in 0..TAPS / 2 {
                let (new, old) = (window[at + REACH - tap], window[at + tap]);
                even += self.even[tap] * (new + old);
                odd += self.odd[tap] * (new - old);
            }
            *peak = even.abs() + odd.abs();
        }
        peaks
    }
}

const FOURFOLD: &[Pair] = &[Pair::of(INNER), Pair::of(OUTER)];

/// The two phases around the middle. With the sample itself they leave no gap
/// wider than 3/8 of a sample, where phases 0 and 2, half a sample apart, would
/// leave 1/2; and the result is the same for a signal played backwards.
const TWOFOLD: &[Pair] = &[Pair::of(INNER)];

/// A true-peak meter for one sample rate.
#[derive(Clone, Copy, Debug)]
pub struct TruePeak {
    pairs: &'static [Pair],
}

impl TruePeak {
    /// A meter: fourfold oversampling below 96 kHz, twofold below 192 kHz, none
    /// above (annex 2: at least 192 kHz in all).
    pub fn new(rate: SampleRate) -> Self {
        let pairs = match rate.hz() {
            ..96_000 => FOURFOLD,
            96_000..192_000 => TWOFOLD,
            _ => &[],
        };
        Self { pairs }
    }

    /// The true peak of one channel over a segment; full scale is 1.0 and
    /// silence 0.0. Never below the sample peak.
    ///
    /// `history` holds the samples before the segment, of which the last
    /// [`REACH`] count; before the programme there is silence. `block_peaks`
    /// holds the highest |sample| of each [`BLOCK`] samples of `segment`. `last`
    /// says that the file ends here.
    pub fn of_segment(
        &self,
        history: &[f64],
        segment: &[f64],
        block_peaks: &[f64],
        last: bool,
    ) -> f64 {
        let reach_peak = highest(&history[history.len().saturating_sub(REACH)..]);
        let ends = segment.len() + if last { REACH } else { 0 };
        let level = |block: usize| block_peaks.get(block).copied().unwrap_or(0.0);
        let mut peak = highest(block_peaks);
        for block in 0..ends.div_ceil(BLOCK) {
            // A window reaches into the block before its own and no further.
            let before = if block == 0 { reach_peak } else { level(block - 1) };
            let loudest = before.max(level(block));
            for pair in self.pairs {
                // Skipping is exact: what cannot exceed the peak cannot move it.
                if loudest * pair.gain > peak {
                    let start = block * BLOCK;
                    let peaks = pair.peaks(&window(history, segment, start));
                    let highest = peaks[..BLOCK.min(ends - start)].iter().copied();
                    peak = peak.max(f64::from(highest.fold(0.0, f32::max)));
                }
            }
        }
        peak
    }
}

/// The samples that the windows of the block at `start` hear, zero outside the
/// programme.
fn window(history: &[f64], segment: &[f64], start: usize) -> [f32; BLOCK + REACH] {
    let mut window = [0.0; BLOCK + REACH];
    let before = REACH.saturating_sub(start);
    let reach = &history[history.len() - before.min(history.len())..];
    let heard = &segment[start.saturating_sub(REACH).min(segment.len())..];
    for (place, x) in window[before - reach.len()..before].iter_mut().zip(reach) {
        *place = *x as f32;
    }
    for (place, x) in window[before..].iter_mut().zip(heard) {
        *place = *x as f32;
    }
    window
}

/// The highest magnitude among finite samples; 0 if there are none.
///
/// Four lanes, and a comparison in place of `f64::max` with its rules for NaN:
/// both only make it faster, the highest is the highest in any order.
pub(crate) fn highest(samples: &[f64]) -> f64 {
    let higher = |a: f64, b: f64| if b > a { b } else { a };
    let (fours, rest) = samples.as_chunks::<4>();
    let mut lanes = [0.0; 4];
    for four in fours {
        for (lane, x) in lanes.iter_mut().zip(four) {
            *lane = higher(*lane, x.abs());
        }
    }
    rest.iter().map(|x| x.abs()).chain(lanes).fold(0.0, higher)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The annex's table as printed, one column per phase, evaluated as printed.
    fn plain(signal: &[f64], phases: &[usize]) -> f64 {
        let column = |phase: usize, tap: usize| match phase {
            0 => OUTER[tap],
            1 => INNER[tap],
            2 => INNER[TAPS - 1 - tap],
            _ => OUTER[TAPS - 1 - tap],
        };
        let at = |n: usize, tap: usize| {
            n.checked_sub(tap).and_then(|at| signal.get(at)).copied().unwrap_or(0.0)
        };
        let mut peak = highest(signal);
        for n in 0..signal.len() + REACH {
            for &phase in phases {
                let y: f64 = (0..TAPS).map(|tap| column(phase, tap) * at(n, tap)).sum();
                peak = peak.max(y.abs());
            }
        }
        peak
    }

    /// 24-bit noise whose level changes all the time.
    fn programme(seed: u32, frames: usize) -> Vec<f64> {
        let mut state = seed | 1;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state as i32) / 2_147_483_648.0
        };
        let mut level = 0.0;
        (0..frames)
            .map(|n| {
                if n % 37 == 0 {
                    level = next() * next();
                }
                (next() * level * 8_388_608.0).round() / 8_388_608.0
            })
            .collect()
    }

    fn block_peaks(signal: &[f64]) -> Vec<f64> {
        signal.chunks(BLOCK).map(highest).collect()
    }

    fn in_segments(meter: &TruePeak, signal: &[f64], length: usize) -> f64 {
        let mut peak: f64 = 0.0;
        for start in (0..signal.len()).step_by(length) {
            let end = (start + length).min(signal.len());
            let (before, segment) = (&signal[..start], &signal[start..end]);
            let last = end == signal.len();
            peak = peak.max(meter.of_segment(before, segment, &block_peaks(segment), last));
        }
        peak
    }

    /// Every window of a signal, none skipped.
    fn unskipped(meter: &TruePeak, signal: &[f64]) -> f64 {
        let ends = signal.len() + REACH;
        let mut peak = highest(signal);
        for start in (0..ends).step_by(BLOCK) {
            for pair in meter.pairs {
                let peaks = pair.peaks(&window(&[], signal, start));
                let inside = peaks[..BLOCK.min(ends - start)].iter();
                peak = inside.fold(peak, |peak, y| peak.max(f64::from(*y)));
            }
        }
        peak
    }

    #[test]
    fn skipping_and_cutting_change_no_bit_and_the_table_is_met() {
        let cases: [(u32, &[usize]); 3] =
            [(48_000, &[0, 1, 2, 3]), (96_000, &[1, 2]), (192_000, &[])];
        for (hz, phases) in cases {
            let meter = TruePeak::new(SampleRate::new(hz).unwrap());
            for seed in 0..60 {
                let signal = programme(seed, 1 + 53 * seed as usize);
                let expected = unskipped(&meter, &signal);
                // Single precision against the table as printed: 32 roundings.
                let table = plain(&signal, phases);
                assert!((expected - table).abs() <= table * 2e-6, "{expected} {table}");
                for length in [1, 7, BLOCK, 100, 1000, 5000] {
                    let found = in_segments(&meter, &signal, length);
                    assert_eq!(found.to_bits(), expected.to_bits(), "{hz} {seed} {length}");
                }
            }
        }
    }

    #[test]
    fn a_peak_behind_the_last_sample_is_found() {
        let meter = TruePeak::new(SampleRate::new(48_000).unwrap());
        let signal = [0.5, 0.5];
        let peaks = block_peaks(&signal);
        assert!(meter.of_segment(&[], &signal, &peaks, true) > 0.6);
        assert_eq!(meter.of_segment(&[], &signal, &peaks, false), 0.5);
    }
}
