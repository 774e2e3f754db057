//! Change of sample rate, and varispeed, by exact ratios.
//!
//! An output frame n stands at n * M / L input frames, in whole numbers, and is the sum
//! of the input frames around that place, each weighted by a windowed sinc (J. O. Smith,
//! "Digital Audio Resampling"; the window is Kaiser's). Nothing accumulates from frame
//! to frame: a frame is a function of its place alone, however the work is cut, and is
//! in time with the input to a fraction of rounding.
//!
//! The cutoff follows the lower of both rates. `sinc` beside this holds the weights.

use std::fmt;
use std::ops::Range;

use super::sinc::{LANES, Rows, Sinc};
use crate::units::Ratio;

/// Output frames that are computed together and share the loads of one row of weights.
const TOGETHER: usize = 4;

/// How far apart the two numbers of a ratio may be: 8 to 768 kHz is 96.
const STEEPEST: u32 = 128;

/// A change of rate, ready to be applied. Its table is up to 4.8 MB and takes 2 to
/// 15 ms to make: make it once and share it.
#[derive(Clone)]
pub struct Resampler {
    ratio: Ratio,
    sinc: Sinc,
}

/// A place between input frames: `frame` and `part` L-ths of one.
#[derive(Clone, Copy, Debug)]
struct Place {
    frame: i64,
    part: u32,
}

impl Resampler {
    /// What makes `ratio` output frames of one input frame: 160/147 makes 48 kHz of
    /// 44.1 kHz, 24/25 plays 24 frames in the time of 25. `None` where there is nothing
    /// to do, and from 128 to 1 on.
    pub fn new(ratio: Ratio) -> Option<Self> {
        let possible = ratio != Ratio::UNITY && Self::reaches(ratio);
        possible.then(|| Self { ratio, sinc: Sinc::new(ratio) })
    }

    /// Whether the two numbers of a ratio are less than 128 to 1 apart.
    pub fn reaches(ratio: Ratio) -> bool {
        let (up, down) = (ratio.numerator(), ratio.denominator());
        up / down < STEEPEST && down / up < STEEPEST
    }

    /// The ratio of output to input frames.
    pub fn ratio(&self) -> Ratio {
        self.ratio
    }

    /// Input frames before the one at or below an output frame's place that it hears.
    pub fn before(&self) -> usize {
        self.sinc.taps() / 2 - 1
    }

    /// Input frames after the one at or below an output frame's place that it hears.
    pub fn after(&self) -> usize {
        self.sinc.taps() / 2
    }

    /// The input frames that the output frames `out` hear. The first may be negative,
    /// and the last beyond the end: there is silence.
    pub fn heard(&self, out: Range<u64>) -> Range<i64> {
        let start = self.place(out.start).frame;
        if out.is_empty() {
            return start..start;
        }
        start - self.before() as i64..self.place(out.end - 1).frame + self.after() as i64 + 1
    }

    /// The output frames `out` of all channels. `input` is `[channel][frame]` from frame
    /// `first` on, with at least what [`Resampler::heard`] names, and silence where
    /// there is no programme. Full scale is 1.0, and may be exceeded between samples
    /// that do not. Silence stays exactly silent, and a constant is kept to 1e-14.
    pub fn process(&self, first: i64, input: &[&[f64]], out: Range<u64>) -> Vec<Vec<f64>> {
        let heard = self.heard(out.clone());
        let (start, end) = (heard.start - first, heard.end - first);
        let covers = |channel: &&[f64]| start >= 0 && end <= channel.len() as i64;
        assert!(input.iter().all(covers), "BUG: the input is less than is heard");
        let heard: Vec<&[f64]> =
            input.iter().map(|channel| &channel[start as usize..end as usize]).collect();
        let mut output = vec![vec![0.0; (out.end - out.start) as usize]; input.len()];
        let part = self.place(out.start).part;
        match &self.sinc {
            Sinc::Exact(rows) => {
                for (input, output) in heard.iter().zip(&mut output) {
                    self.exact(rows, part, input, output);
                }
            }
            Sinc::Fine(rows) => self.fine(rows, part, &heard, &mut output),
        }
        output
    }

    fn up_and_down(&self) -> (u128, u128) {
        (u128::from(self.ratio.numerator()), u128::from(self.ratio.denominator()))
    }

    fn place(&self, out: u64) -> Place {
        let (up, down) = self.up_and_down();
        let parts = u128::from(out) * down;
        Place { frame: (parts / up) as i64, part: (parts % up) as u32 }
    }

    /// The place of the next output frame, seen from `at`.
    fn next(&self, at: Place) -> Place {
        let (up, down) = (self.ratio.numerator(), self.ratio.denominator());
        let part = u64::from(at.part) + u64::from(down % up);
        let carry = part >= u64::from(up);
        Place {
            frame: at.frame + i64::from(down / up) + i64::from(carry),
            part: (part - if carry { u64::from(up) } else { 0 }) as u32,
        }
    }

    /// One channel, by a row for each place. `input` begins with what the first frame of
    /// `output` hears, which stands `part` L-ths after an input frame.
    ///
    /// Frames that are L apart stand at the same part of a frame, M input frames from
    /// each other: some are computed together.
    fn exact(&self, rows: &Rows, part: u32, input: &[f64], output: &mut [f64]) {
        let (up, down) = (self.ratio.numerator() as usize, self.ratio.denominator() as usize);
        for (group, output) in output.chunks_mut(TOGETHER * up).enumerate() {
            let input = &input[group * TOGETHER * down..];
            let mut at = Place { frame: 0, part };
            if output.len() < TOGETHER * up {
                for output in output {
                    let row = rows.row(at.part as usize);
                    [*output] = weighed(row, [&input[at.frame as usize..]]);
                    at = self.next(at);
                }
                continue;
            }
            for index in 0..up {
                let row = rows.row(at.part as usize);
                let heard = |n: usize| &input[at.frame as usize + n * down..];
                let sums: [f64; TOGETHER] = weighed(row, std::array::from_fn(heard));
                for (n, sum) in sums.into_iter().enumerate() {
                    output[index + n * up] = sum;
                }
                at = self.next(at);
            }
        }
    }

    /// All channels, by weights between rows: they are the same for all.
    fn fine(&self, rows: &Rows, part: u32, input: &[&[f64]], output: &mut [Vec<f64>]) {
        let frames = output.first().map_or(0, Vec::len);
        let mut weights = vec![0.0; self.sinc.taps()];
        let mut at = Place { frame: 0, part };
        for index in 0..frames {
            rows.between(at.part, self.ratio.numerator(), &mut weights);
            for (input, output) in input.iter().zip(output.iter_mut()) {
                [output[index]] = weighed(&weights, [&input[at.frame as usize..]]);
            }
            at = self.next(at);
        }
    }
}

/// Its ratio alone: the rest follows from it.
impl PartialEq for Resampler {
    fn eq(&self, other: &Self) -> bool {
        self.ratio == other.ratio
    }
}

impl fmt::Debug for Resampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resampler").field("ratio", &self.ratio).finish_non_exhaustive()
    }
}

/// The sums of `weights` times the frames that each of `inputs` begins with. How many are
/// made together changes none.
fn weighed<const N: usize>(weights: &[f64], inputs: [&[f64]; N]) -> [f64; N] {
    lanes(weights, inputs).map(|lanes| (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]))
}

/// Each sum as [`LANES`] sums. A function of its own, and not a part of the one above,
/// where the compiler would take the same lane of all sums together and not the lanes of
/// one, at half the speed.
#[inline(never)]
fn lanes<const N: usize>(weights: &[f64], inputs: [&[f64]; N]) -> [[f64; LANES]; N] {
    let (weights, _) = weights.as_chunks::<LANES>();
    let inputs = inputs.map(|input| &input.as_chunks::<LANES>().0[..weights.len()]);
    let mut sums = [[0.0; LANES]; N];
    for (at, weights) in weights.iter().enumerate() {
        for (sums, input) in sums.iter_mut().zip(&inputs) {
            for lane in 0..LANES {
                sums[lane] += weights[lane] * input[at][lane];
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(text: &str) -> Ratio {
        Ratio::parse(text).unwrap()
    }

    /// Up and down, by little and by much, with a row for each place and without.
    const RATIOS: [&str; 9] = [
        "160/147",
        "147/160",
        "1/2",
        "4/1",
        "1000/1001",
        "25/24",
        "147/640",
        "160000/147147",
        "147000/320320",
    ];

    fn noise(seed: u32, frames: usize) -> Vec<f64> {
        let mut state = seed | 1;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state as i32) / 2_147_483_648.0
        };
        (0..frames).map(next).collect()
    }

    /// The output frames `out` of a programme with silence around it, from exactly what
    /// they hear and `spare` frames more on each side.
    fn piece(
        resampler: &Resampler,
        programme: &[Vec<f64>],
        out: Range<u64>,
        spare: i64,
    ) -> Vec<Vec<f64>> {
        let heard = resampler.heard(out.clone());
        let frame = |channel: &[f64], at: i64| {
            usize::try_from(at).ok().and_then(|at| channel.get(at)).copied().unwrap_or(0.0)
        };
        let heard = heard.start - spare..heard.end + spare;
        let input: Vec<Vec<f64>> = programme
            .iter()
            .map(|channel| heard.clone().map(|at| frame(channel, at)).collect())
            .collect();
        let input: Vec<&[f64]> = input.iter().map(Vec::as_slice).collect();
        resampler.process(heard.start, &input, out)
    }

    fn bits(output: &[Vec<f64>]) -> Vec<Vec<u64>> {
        output.iter().map(|channel| channel.iter().map(|y| y.to_bits()).collect()).collect()
    }

    #[test]
    fn there_are_as_many_frames_as_last_as_long() {
        for (text, input, output) in [
            ("160/147", 44_100, 48_000),
            ("147/160", 1, 1),
            ("147/160", 2, 2),
            ("1/2", 1, 1),
            ("1/2", 3, 2),
            ("1/2", 4, 2),
            ("1000/1001", 172_800_000, 172_627_373),
            ("24/25", 25 * 48_000, 24 * 48_000),
            ("160/147", 0, 0),
            ("96/1", u64::MAX / 96, u64::MAX / 96 * 96),
        ] {
            assert_eq!(ratio(text).frames(input), output, "{text} {input}");
        }
    }

    #[test]
    fn there_is_none_for_no_change_and_for_nonsense() {
        for text in ["1/1", "128/1", "1/128", "4294967295/1", "1/4294967295"] {
            assert!(Resampler::new(ratio(text)).is_none(), "{text}");
        }
        for text in ["127/1", "1/127", "96/1", "1/96"] {
            assert!(Resampler::new(ratio(text)).is_some(), "{text}");
        }
    }

    #[test]
    fn a_frame_hears_what_it_says_and_no_more() {
        for text in RATIOS {
            let resampler = Resampler::new(ratio(text)).unwrap();
            let at = 2_000;
            let mut programme = vec![vec![0.0; 4_000]];
            programme[0][at as usize] = 1.0;
            let all = 0..resampler.ratio().frames(4_000);
            let output = &piece(&resampler, &programme, all.clone(), 0)[0];
            let mut said = all.clone().zip(output);
            // The outermost taps of some places are too far out to weigh anything.
            assert!(said.all(|(n, y)| resampler.heard(n..n + 1).contains(&at) || *y == 0.0));
            let heard = all.clone().filter(|n| resampler.heard(*n..n + 1).contains(&at)).count();
            let sounding = output.iter().filter(|y| **y != 0.0).count();
            assert!(sounding > heard * 9 / 10, "{text}: {sounding} of {heard}");
            let run = resampler.heard(100..200);
            assert_eq!(run.start, resampler.heard(100..101).start);
            assert_eq!(run.end, resampler.heard(199..200).end);
            assert_eq!(resampler.heard(7..7).count(), 0);
        }
    }

    #[test]
    fn cuts_change_no_bit_nor_does_their_order() {
        for text in RATIOS {
            let resampler = Resampler::new(ratio(text)).unwrap();
            let programme = [noise(1, 20_000), noise(2, 20_000)];
            let frames = resampler.ratio().frames(20_000);
            let whole = bits(&piece(&resampler, &programme, 0..frames, 0));
            let (mut cuts, mut start) = (Vec::new(), 0);
            for length in [1, 700, 3, 5_000, 17, 160, 1_001, 0, 6_000].into_iter().cycle() {
                let end = (start + length).min(frames);
                cuts.push(start..end);
                start = end;
                if end == frames {
                    break;
                }
            }
            for (spare, order) in
                [(0, cuts.clone()), (31, cuts.iter().rev().cloned().collect::<Vec<_>>())]
            {
                for cut in order {
                    let output = bits(&piece(&resampler, &programme, cut.clone(), spare));
                    for (output, whole) in output.iter().zip(&whole) {
                        assert!(
                            output[..] == whole[cut.start as usize..cut.end as usize],
                            "{text} {cut:?}"
                        );
                    }
                }
            }
            // A channel does not depend on others.
            assert!(bits(&piece(&resampler, &programme[1..], 0..frames, 0))[0] == whole[1]);
        }
    }

    #[test]
    fn late_in_a_programme_all_is_as_at_its_start() {
        // A day later, at the same place between frames.
        for text in RATIOS {
            let resampler = Resampler::new(ratio(text)).unwrap();
            let (up, down) = (ratio(text).numerator(), ratio(text).denominator());
            let days = u64::from(2_u32.pow(31) / up.max(down));
            let (out, input) = (days * u64::from(up), (days * u64::from(down)) as i64);
            let heard = resampler.heard(0..3_000);
            assert_eq!(resampler.heard(out..out + 3_000), heard.start + input..heard.end + input);
            let sound = noise(3, heard.clone().count());
            let early = resampler.process(heard.start, &[&sound], 0..3_000);
            let late = resampler.process(heard.start + input, &[&sound], out..out + 3_000);
            assert_eq!(bits(&early), bits(&late), "{text}");
        }
    }

    #[test]
    fn silence_is_silent_and_a_constant_constant() {
        for text in RATIOS {
            let resampler = Resampler::new(ratio(text)).unwrap();
            let heard = resampler.heard(500..1_500).count();
            let of = |x: f64| {
                let input = vec![x; heard];
                let first = resampler.heard(500..1_500).start;
                resampler.process(first, &[&input], 500..1_500).remove(0)
            };
            assert_eq!(bits(&[of(0.0)]), [[0; 1_000]], "{text}");
            // Some hundred roundings of a sum of 1.
            assert!(of(1.0).iter().all(|y| (y - 1.0).abs() < 1e-14), "{text}");
        }
    }

    #[test]
    fn between_rows_is_as_good_as_a_row_for_each_place() {
        for text in ["160/147", "147/160", "1000/1001", "147/640", "1001/960"] {
            let exact = Resampler::new(ratio(text)).unwrap();
            assert!(matches!(exact.sinc, Sinc::Exact(_)));
            let sinc = Sinc::with_table(ratio(text), 0);
            assert!(matches!(sinc, Sinc::Fine(_)));
            let fine = Resampler { ratio: ratio(text), sinc };
            let programme = [noise(5, 12_000)];
            let all = 0..exact.ratio().frames(12_000);
            let exact = piece(&exact, &programme, all.clone(), 0);
            let fine = piece(&fine, &programme, all, 0);
            let worst = exact[0].iter().zip(&fine[0]).map(|(a, b)| (a - b).abs());
            let worst_db = 20.0 * worst.fold(0.0, f64::max).log10();
            assert!(worst_db < -240.0, "{text}: {worst_db} dB");
        }
    }
}
