//! Loudness after ITU-R BS.1770-5 annex 1 (11/2023), in two steps: the energy of
//! the K-weighted signal in pieces of 10 ms, which is a property of a segment and
//! of [`halo_frames`] frames before it; and the loudness of a programme, which
//! follows from the energies of all its segments (EBU Tech 3341 and 3342, 2023).

use std::borrow::Cow;
use std::f64::consts::PI;

use crate::audio::layout::Layout;
use crate::units::SampleRate;

/// Pieces of energy in a second. 10 ms, because tests 13 and 14 of EBU Tech
/// 3341 place bursts of 400 ms on a grid of 20 ms: on one of 100 ms the highest
/// momentary loudness reads 0.45 LU low, on one of 50 ms 0.22 LU.
pub const PIECES_PER_SECOND: usize = 100;

/// Signals that are filtered side by side. The filter waits for its own last
/// output, so four take hardly longer than one; lanes never mix. A stereo segment
/// fills them with the two halves of its two channels.
const LANES: usize = 4;

/// Frames before each half of a segment at which the filter starts from rest:
/// 8192 at 48 kHz, 0.17 s at any rate. What it forgets so is less than 1e-15 of
/// the energy, even of a step in the signal just before (dsp-and-qc 6.1). The
/// windows of the true peak reach less far back, so this is how many frames
/// before a segment its facts depend on.
pub fn halo_frames(rate: SampleRate) -> usize {
    (rate.hz() as usize * 8_192).div_ceil(48_000)
}

/// First frame of the `piece`th 10 ms of a second: to the nearest frame where a
/// rate does not divide by 100.
fn boundary(rate: SampleRate, piece: usize) -> usize {
    (piece * rate.hz() as usize + PIECES_PER_SECOND / 2) / PIECES_PER_SECOND
}

/// Coefficients of a second-order section; `a[0]` is that of the last output.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Section {
    b: [f64; 3],
    a: [f64; 2],
}

/// BS.1770-5 annex 1 table 1: the shelf that stands for the head.
const SHELF_48K: Section = Section {
    b: [1.53512485958697, -2.69169618940638, 1.19839281085285],
    a: [-1.69065929318241, 0.73248077421585],
};

/// BS.1770-5 annex 1 table 2: the high-pass. Its numerator is not normalised.
const HIGH_PASS_48K: Section =
    Section { b: [1.0, -2.0, 1.0], a: [-1.99004745483398, 0.99007225036621] };

/// The shelf at another rate: the analogue filter whose bilinear transform at
/// 48 kHz is table 1 (figures as in libebur128; they give the table to 1e-15).
fn shelf(rate: SampleRate) -> Section {
    let (centre, decibels, q) = (1681.974450955533, 3.999843853973347, 0.7071752369554196);
    let k = libm::tan(PI * centre / f64::from(rate.hz()));
    let high = libm::exp10(decibels / 20.0);
    let middle = libm::pow(high, 0.4996667741545416);
    let a0 = 1.0 + k / q + k * k;
    Section {
        b: [
            (high + middle * k / q + k * k) / a0,
            2.0 * (k * k - high) / a0,
            (high - middle * k / q + k * k) / a0,
        ],
        a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
    }
}

/// The high-pass at another rate, with the gain that table 2 has at the highest
/// frequency: left at 1, -2, 1 the numerator would read 0.03 dB low at 96 kHz
/// (dsp-and-qc 1.1).
fn high_pass(rate: SampleRate) -> Section {
    let (corner, q) = (38.13547087602444, 0.5003270373238773);
    let k = libm::tan(PI * corner / f64::from(rate.hz()));
    let a0 = 1.0 + k / q + k * k;
    let a = [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0];
    let gain = (1.0 - a[0] + a[1]) / (1.0 - HIGH_PASS_48K.a[0] + HIGH_PASS_48K.a[1]);
    Section { b: HIGH_PASS_48K.b.map(|b| b * gain), a }
}

/// What one section remembers, transposed direct form II.
#[derive(Clone, Copy, Default)]
struct Memory([[f64; LANES]; 2]);

impl Memory {
    fn step(&mut self, section: &Section, x: [f64; LANES]) -> [f64; LANES] {
        let [first, second] = &mut self.0;
        let mut y = [0.0; LANES];
        for lane in 0..LANES {
            y[lane] = section.b[0] * x[lane] + first[lane];
            first[lane] = (section.b[1] * x[lane] + second[lane]) - section.a[0] * y[lane];
            second[lane] = section.b[2] * x[lane] - section.a[1] * y[lane];
        }
        y
    }
}

/// The K-weighting filter of one sample rate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct KWeighting {
    rate: SampleRate,
    shelf: Section,
    high_pass: Section,
}

impl KWeighting {
    /// The filter: tables 1 and 2 at 48 kHz; elsewhere their analogue originals,
    /// within 0.006 dB of the tables' response from 25 Hz to 20 kHz.
    pub fn new(rate: SampleRate) -> Self {
        if rate.hz() == 48_000 {
            Self { rate, shelf: SHELF_48K, high_pass: HIGH_PASS_48K }
        } else {
            Self { rate, shelf: shelf(rate), high_pass: high_pass(rate) }
        }
    }

    /// The energy of each 10 ms of a segment: the sum over channels of the
    /// weight G (BS.1770-5 annex 1 table 3; no LFE) times the sum of squared
    /// K-weighted samples. A last piece shorter than 10 ms is left out. All
    /// zeros for silence after silence.
    ///
    /// Both `history` and `segment` are `[channel][frame]`, full scale 1.0. Of
    /// the history the last [`halo_frames`] count; fewer means that the
    /// programme started there.
    pub fn energy_10ms(
        &self,
        layout: Layout,
        history: &[Vec<f64>],
        segment: &[Vec<f64>],
    ) -> Vec<f64> {
        let frames = segment[0].len();
        let complete = |piece: &usize| boundary(self.rate, *piece) <= frames;
        let pieces = (1..=PIECES_PER_SECOND).take_while(complete).count();
        let mut energy = vec![0.0; pieces];
        let channels = layout.channels().iter().zip(history.iter().zip(segment));
        let heard: Vec<Voice<'_>> = channels
            .filter_map(|(channel, (history, segment))| {
                Some((channel.loudness_weight()?, history.as_slice(), segment.as_slice()))
            })
            .flat_map(|(weight, history, segment)| self.halves(weight, history, segment))
            // From rest, silence stays exactly zero: it need not be filtered.
            .filter(|voice| !is_silent(voice.history) || !is_silent(voice.samples))
            .collect();
        for voices in heard.chunks(LANES) {
            self.add_energy(voices, &mut energy);
        }
        energy
    }

    /// The two halves of a channel, each with its own history: the filter starts
    /// anew ahead of each, so that both can be filtered at the same time.
    fn halves<'s>(&self, weight: f64, history: &'s [f64], segment: &'s [f64]) -> [Voice<'s>; 2] {
        let halo = halo_frames(self.rate);
        let middle = boundary(self.rate, PIECES_PER_SECOND / 2).min(segment.len());
        let (first, second) = segment.split_at(middle);
        let tail = |samples: &'s [f64]| &samples[samples.len().saturating_sub(halo)..];
        [
            Voice { weight, history: tail(history), samples: first, first_piece: 0 },
            Voice {
                weight,
                history: tail(first),
                samples: second,
                first_piece: PIECES_PER_SECOND / 2,
            },
        ]
    }

    /// Filters up to [`LANES`] voices and adds their energies.
    fn add_energy(&self, voices: &[Voice<'_>], energy: &mut [f64]) {
        let longest = voices.iter().map(|voice| voice.history.len()).max().unwrap_or(0);
        let histories: Vec<Cow<'_, [f64]>> = voices.iter().map(|v| v.padded(longest)).collect();
        let mut memory = [Memory::default(); 2];
        // Idle lanes repeat the first voice and are not added.
        let lane = |lane: usize| if lane < voices.len() { lane } else { 0 };
        self.squares(&mut memory, std::array::from_fn(|at| &*histories[lane(at)]));
        for piece in 0..PIECES_PER_SECOND / 2 {
            let (start, end) = (boundary(self.rate, piece), boundary(self.rate, piece + 1));
            let heard: Vec<Option<&[f64]>> =
                voices.iter().map(|voice| voice.samples.get(start..end)).collect();
            if heard.iter().all(Option::is_none) {
                break;
            }
            // A voice that has ended goes on as silence, which is not added.
            let silence = vec![0.0; end - start];
            let lanes = std::array::from_fn(|at| heard[lane(at)].unwrap_or(&silence));
            let squares = self.squares(&mut memory, lanes);
            for ((voice, squares), heard) in voices.iter().zip(squares).zip(&heard) {
                if heard.is_some() {
                    energy[voice.first_piece + piece] += voice.weight * squares;
                }
            }
        }
    }

    /// Runs the filter on and returns the sum of squares of its output.
    fn squares(&self, memory: &mut [Memory; 2], samples: [&[f64]; LANES]) -> [f64; LANES] {
        let [mut shelf, mut high_pass] = *memory;
        let [first, second, third, fourth] = samples;
        let mut sum = [0.0; LANES];
        for (((a, b), c), d) in first.iter().zip(second).zip(third).zip(fourth) {
            let x = [*a, *b, *c, *d];
            let y = high_pass.step(&self.high_pass, shelf.step(&self.shelf, x));
            for lane in 0..LANES {
                sum[lane] += y[lane] * y[lane];
            }
        }
        *memory = [shelf, high_pass];
        sum
    }
}

/// Half a segment of a channel that is measured: its weight, what stands before,
/// its samples, and the number of its first 10 ms in the segment.
struct Voice<'a> {
    weight: f64,
    history: &'a [f64],
    samples: &'a [f64],
    first_piece: usize,
}

impl<'a> Voice<'a> {
    /// The history with zeros ahead, which leave the filter at rest.
    fn padded(&self, frames: usize) -> Cow<'a, [f64]> {
        if self.history.len() == frames {
            return Cow::Borrowed(self.history);
        }
        let mut padded = vec![0.0; frames - self.history.len()];
        padded.extend_from_slice(self.history);
        Cow::Owned(padded)
    }
}

/// Whether all samples are zero, of either sign. Blocks at a time: that lets
/// lanes do it, and still stops at the first sound.
pub(crate) fn is_silent(samples: &[f64]) -> bool {
    let magnitude = |x: &f64| x.to_bits() << 1;
    samples.chunks(64).all(|block| block.iter().fold(0, |any, x| any | magnitude(x)) == 0)
}

/// The loudness of a programme. A figure is `None` where nothing was measured:
/// for silence, or for a programme shorter than the window. Never -70, never
/// minus infinity.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Loudness {
    /// Integrated loudness, both gates (BS.1770-5 annex 1).
    pub integrated_lufs: Option<f64>,
    /// Highest loudness of 400 ms, on a grid of 10 ms (Tech 3341 2.2).
    pub max_momentary_lufs: Option<f64>,
    /// Highest loudness of 3 s, on a grid of 10 ms (Tech 3341 2.2).
    pub max_short_term_lufs: Option<f64>,
    /// Loudness range (Tech 3342). Unstable below a minute of programme.
    pub range_lu: Option<f64>,
}

/// Pieces in the step of gating blocks: 100 ms, a quarter of a block.
const STEP: usize = PIECES_PER_SECOND / 10;

/// Silence that is set behind a file for its loudness range: 1.5 s, the latency
/// of the window of 3 s (Tech 3342, head of the reference code). Meters that leave
/// it out, ffmpeg's among them, read 1 to 2 LU less in files of ten seconds.
const RANGE_PADDING: usize = PIECES_PER_SECOND * 3 / 2;

/// The loudness of a programme from the energies of its segments, in order
/// ([`KWeighting::energy_10ms`]).
///
/// Window sums are built from sums of shorter windows, afresh for each place:
/// nothing is ever subtracted, no term is negative, and each term passes at most
/// 20 additions, so no sum is off by more than 20 * 2^-53 of itself, however long
/// the programme. (A running sum would carry the rounding of its loudest passage
/// into the quietest.)
pub fn loudness(energy_10ms: &[f64], rate: SampleRate) -> Loudness {
    let pieces = energy_10ms.len();
    let mut padded = energy_10ms.to_vec();
    padded.resize(pieces + RANGE_PADDING, 0.0);
    let tenths = window_sums(&padded, 1, 10);
    let mut momentary = window_sums(&tenths, 10, 4);
    let mut short_term = window_sums(&window_sums(&tenths, 10, 10), 100, 3);
    let in_programme = |window: usize| (pieces + 1).saturating_sub(window);

    // The mean of a block takes its nominal length: exact wherever 0.4 s is a
    // whole number of frames, and within 0.0003 dB at rates such as 47,952 Hz.
    let power = |seconds: f64| move |energy: f64| energy / (seconds * f64::from(rate.hz()));
    let range = short_term.iter().step_by(STEP).copied().map(power(3.0)).collect();
    momentary.truncate(in_programme(40));
    short_term.truncate(in_programme(300));
    let blocks: Vec<f64> = momentary.iter().step_by(STEP).copied().map(power(0.4)).collect();
    let highest = |windows: &[f64]| windows.iter().copied().fold(0.0, f64::max);
    Loudness {
        integrated_lufs: integrated(&blocks),
        max_momentary_lufs: lufs(power(0.4)(highest(&momentary))),
        max_short_term_lufs: lufs(power(3.0)(highest(&short_term))),
        range_lu: range_lu(range),
    }
}

/// For each place, the sum of `count` values that stand `stride` apart.
fn window_sums(values: &[f64], stride: usize, count: usize) -> Vec<f64> {
    let Some(places) = values.len().checked_sub(stride * (count - 1)) else { return Vec::new() };
    let mut sums = values[..places].to_vec();
    for term in 1..count {
        for (sum, value) in sums.iter_mut().zip(&values[term * stride..]) {
            *sum += value;
        }
    }
    sums
}

/// BS.1770-5 annex 1 equation 2: weighted power as loudness.
fn lufs(power: f64) -> Option<f64> {
    (power > 0.0).then(|| -0.691 + 10.0 * libm::log10(power))
}

/// The power whose loudness is -70 LUFS, the absolute gate.
fn absolute_gate() -> f64 {
    libm::exp10((-70.0 + 0.691) / 10.0)
}

/// Integrated loudness of blocks of 400 ms. Gates are compared as powers, where
/// 10 LU below is a tenth; a block at the gate itself does not pass.
fn integrated(blocks: &[f64]) -> Option<f64> {
    let gate = absolute_gate();
    let relative = mean(blocks.iter().copied().filter(|z| *z > gate))? * 0.1;
    lufs(mean(blocks.iter().copied().filter(|z| *z > gate && *z > relative))?)
}

/// Loudness range of windows of 3 s: from the 10th to the 95th percentile of
/// those above -70 LUFS and above 20 LU below the mean of those. Here a window
/// at the gate passes.
fn range_lu(mut windows: Vec<f64>) -> Option<f64> {
    windows.retain(|z| *z >= absolute_gate());
    let relative = mean(windows.iter().copied())? * 0.01;
    windows.retain(|z| *z >= relative);
    windows.sort_unstable_by(f64::total_cmp);
    // Ranks of Tech 3342, rounded half up, in whole numbers.
    let at = |percent: usize| windows[((windows.len() - 1) * percent + 50) / 100];
    Some(10.0 * libm::log10(at(95) / at(10)))
}

/// The mean, summed from left to right; `None` of nothing.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0_u64, 0.0), |(count, sum), z| (count + 1, sum + z));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(hz: u32) -> SampleRate {
        SampleRate::new(hz).expect("a rate")
    }

    /// Noise between -0.5 and 0.5, on a large offset: the worst past for a filter
    /// to have forgotten.
    fn noise(frames: usize, offset: f64) -> Vec<f64> {
        let mut state = 0x2545_f491_u32;
        (0..frames)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                f64::from(state as i32) / 4_294_967_296.0 + offset
            })
            .collect()
    }

    #[test]
    fn the_analogue_originals_give_the_tables() {
        let (shelf, high_pass) = (shelf(rate(48_000)), high_pass(rate(48_000)));
        for (made, printed) in [(shelf, SHELF_48K), (high_pass, HIGH_PASS_48K)] {
            for (a, b) in made.b.iter().chain(&made.a).zip(printed.b.iter().chain(&printed.a)) {
                assert!((a - b).abs() < 1e-14, "{a} {b}");
            }
        }
        for (hz, kappa) in [
            (44_100, 0.999_560_06),
            (88_200, 1.002_271_96),
            (96_000, 1.002_492_79),
            (192_000, 1.003_742_68),
        ] {
            assert!((super::high_pass(rate(hz)).b[0] - kappa).abs() < 1e-8, "{hz}");
        }
    }

    #[test]
    fn segments_agree_with_the_filter_of_the_standard_run_without_a_break() {
        let rate = rate(48_000);
        let filter = KWeighting::new(rate);
        // The offset ends at 2 s: each later segment must have forgotten it.
        let mut signal = noise(96_000, 0.5);
        signal.extend(noise(144_000, 0.0));
        let mut piecewise = Vec::new();
        for start in (0..signal.len()).step_by(48_000) {
            let history = vec![signal[..start].to_vec()];
            let segment = vec![signal[start..start + 48_000].to_vec()];
            piecewise.extend(filter.energy_10ms(Layout::Mono, &history, &segment));
        }
        let mut memory = [Memory::default(); 2];
        let whole = signal.chunks(480).map(|piece| filter.squares(&mut memory, [piece; LANES])[0]);
        for (piece, (cut, whole)) in piecewise.iter().zip(whole).enumerate() {
            assert!((cut - whole).abs() < 1e-12 * whole, "piece {piece}: {cut} {whole}");
        }
        // An implementation that knows nothing of lanes: the difference equations.
        let direct = |section: &Section, x: &[f64]| {
            let mut y: Vec<f64> = Vec::new();
            let at = |v: &[f64], n: usize, back: usize| if n < back { 0.0 } else { v[n - back] };
            for n in 0..x.len() {
                let forward: f64 = (0..3).map(|k| section.b[k] * at(x, n, k)).sum();
                let back: f64 = (0..2).map(|k| section.a[k] * at(&y, n, k + 1)).sum();
                y.push(forward - back);
            }
            y
        };
        let weighted = direct(&filter.high_pass, &direct(&filter.shelf, &signal));
        for (cut, piece) in piecewise.iter().zip(weighted.chunks(480)) {
            let plain: f64 = piece.iter().map(|y| y * y).sum();
            assert!((cut - plain).abs() < 1e-10 * plain, "{cut} {plain}");
        }
    }

    #[test]
    fn channels_do_not_hear_each_other_and_lfe_is_not_heard() {
        let rate = rate(48_000);
        let filter = KWeighting::new(rate);
        let layout = Layout::Surround51;
        let energy_of = |sounding: &[usize]| {
            let channel = |c: usize| {
                if sounding.contains(&c) {
                    noise(24_000 + c, 0.0)[c..].to_vec()
                } else {
                    vec![0.0; 24_000]
                }
            };
            let segment: Vec<_> = (0..6).map(channel).collect();
            filter.energy_10ms(layout, &vec![Vec::new(); 6], &segment)
        };
        assert_eq!(energy_of(&[3]), vec![0.0; 50]);
        let alone: Vec<_> = [0, 1, 2, 4, 5].map(|c| energy_of(&[c])).into();
        for (piece, all) in energy_of(&[0, 1, 2, 3, 4, 5]).into_iter().enumerate() {
            let sum = alone.iter().fold(0.0, |sum, energy| sum + energy[piece]);
            assert_eq!(all.to_bits(), sum.to_bits());
        }
    }

    #[test]
    fn pieces_fill_a_second_at_any_rate_and_a_short_one_is_left_out() {
        for hz in [8_000, 11_025, 22_050, 44_100, 47_952, 48_000, 192_000] {
            let rate = rate(hz);
            let filter = KWeighting::new(rate);
            let pieces = |frames: usize| {
                filter.energy_10ms(Layout::Mono, &[Vec::new()], &[vec![0.0; frames]]).len()
            };
            assert_eq!(pieces(rate.frames_per_segment()), 100, "{hz}");
            assert_eq!(pieces(rate.frames_per_segment() - 1), 99, "{hz}");
            assert_eq!(pieces(boundary(rate, 1) - 1), 0, "{hz}");
        }
    }

    #[test]
    fn nothing_measured_is_none() {
        let rate = rate(48_000);
        assert_eq!(loudness(&[], rate), Loudness::default());
        assert_eq!(loudness(&[0.0; 1000], rate), Loudness::default());
        // 0.39 s: no block; 2 s: no window of 3 s.
        assert_eq!(loudness(&[1.0; 39], rate).integrated_lufs, None);
        assert!(loudness(&[1.0; 40], rate).integrated_lufs.is_some());
        assert_eq!(loudness(&[1.0; 200], rate).max_short_term_lufs, None);
    }

    #[test]
    fn a_block_at_the_absolute_gate_does_not_pass() {
        let gate = absolute_gate();
        assert_eq!(integrated(&[gate]), None);
        assert!(integrated(&[gate * (1.0 + 1e-15)]).is_some());
        assert_eq!(range_lu(vec![gate]), Some(0.0));
    }

    #[test]
    fn a_quiet_end_is_not_blurred_by_a_loud_beginning() {
        // A running sum would leave an error of 1e10 * 2^-53 = 1e-6 here.
        let mut energy = vec![1e10; 100_000];
        energy.extend(vec![1e-9; 100_000]);
        let sums = window_sums(&energy, 1, 10);
        assert!((sums[199_000] - 1e-8).abs() < 1e-22);
    }
}
