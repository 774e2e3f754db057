//! Merging: from the facts of segments to the measures of a file. Judges
//! nothing, with one exception: what a null test's residual amounts to.

use std::borrow::Borrow;

use serde::Serialize;

use crate::audio::layout::Layout;
use crate::audio::wav::Encoding;
use crate::dsp::loudness::loudness;
use crate::dsp::shaping::{PEAK_GROWTH, RMS_GROWTH};
use crate::qc::facts::{ChannelFacts, NullFacts, SegmentFacts};
use crate::units::{SampleRate, dbfs};

/// Spans of a null test that are kept; a stem that is late by a frame differs
/// everywhere, and a list of thousands tells no more than its first few.
const SPANS_KEPT: usize = 32;

/// A sample of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Place {
    /// Frame, counted from 0 at the start of the file.
    pub frame: u64,
    /// Channel, counted from 0.
    pub channel: u16,
}

/// What was measured of a file. Silence is `None`, not a number.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Measures {
    /// Length in frames.
    pub frames: u64,
    /// Whether every sample is zero.
    pub silent: bool,
    /// Frames of digital silence, in all channels, before the first sound; all
    /// of them if the file is silent.
    pub head_silence_frames: u64,
    /// The same after the last sound.
    pub tail_silence_frames: u64,
    /// Highest |sample|.
    pub sample_peak_dbfs: Option<f64>,
    /// Where that sample stands first.
    pub sample_peak_at: Option<Place>,
    /// Highest sample or interpolated sample (BS.1770-5 annex 2).
    pub true_peak_dbtp: Option<f64>,
    /// Integrated loudness; `None` also if no block of 400 ms passes the gates.
    pub integrated_lufs: Option<f64>,
    /// Loudness range (EBU Tech 3342).
    pub loudness_range_lu: Option<f64>,
    /// Highest loudness of 400 ms; `None` also in a file shorter than that.
    pub max_momentary_lufs: Option<f64>,
    /// Highest loudness of 3 s; `None` also in a file shorter than that.
    pub max_short_term_lufs: Option<f64>,
    /// RMS over all channels and frames. A full-scale sine reads -3.01.
    pub rms_dbfs: Option<f64>,
    /// Mean of each channel, linear, full scale 1.0; 0 for silence.
    pub dc_offset: Vec<f64>,
    /// Correlation of left and right, -1 to +1, as a phase meter shows it (means
    /// are not taken off); `None` unless both channels of a stereo file sound.
    pub correlation: Option<f64>,
    /// Bits from the sign to the lowest bit in use, 1 to 32, whichever channel
    /// uses most; `None` for silence and for float files.
    pub effective_bits: Option<u32>,
    /// Samples cut to full scale, or beyond it in a float file, all channels.
    pub overs: u64,
    /// One per channel.
    pub channels: Vec<ChannelMeasures>,
}

/// What was measured of one channel of a file.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct ChannelMeasures {
    /// Name: `L`, `LFE`.
    pub channel: &'static str,
    /// Highest |sample|.
    pub sample_peak_dbfs: Option<f64>,
    /// Highest sample or interpolated sample.
    pub true_peak_dbtp: Option<f64>,
    /// RMS over all frames.
    pub rms_dbfs: Option<f64>,
    /// Samples cut to full scale, or beyond it in a float file.
    pub overs: u64,
}

/// The measures of a file from the facts of its segments in programme order. All
/// but the last are one second long, as [`SegmentFacts`] are made.
pub fn merge<F: Borrow<SegmentFacts>>(facts: &[F], rate: SampleRate, layout: Layout) -> Measures {
    let facts: Vec<&SegmentFacts> = facts.iter().map(Borrow::borrow).collect();
    let facts = facts.as_slice();
    let frames: u64 = facts.iter().map(|segment| u64::from(segment.frames)).sum();
    let channels: Vec<Channel> = (0..layout.width()).map(|c| Channel::merge(facts, c)).collect();
    let energy: Vec<f64> = facts.iter().flat_map(|segment| &segment.energy_10ms).copied().collect();
    let loudness = loudness(&energy, rate);
    let head = channels.iter().filter_map(|channel| channel.first_sound).min();
    let tail = channels.iter().filter_map(|channel| channel.last_sound).max();
    let peak = highest_place(channels.iter().map(|c| (c.sample_peak, c.sample_peak_at)));
    let samples = frames * channels.len() as u64;
    let sum_of_squares = channels.iter().map(|channel| channel.sum_of_squares).sum();
    let used_bits = channels.iter().fold(0, |bits, channel| bits | channel.used_bits);
    Measures {
        frames,
        silent: head.is_none(),
        head_silence_frames: head.unwrap_or(frames),
        tail_silence_frames: tail.map_or(frames, |last| frames - 1 - last),
        sample_peak_dbfs: peak.and_then(|(level, _)| dbfs(level)),
        sample_peak_at: peak.map(|(_, place)| place),
        true_peak_dbtp: dbfs(channels.iter().map(|c| c.true_peak).fold(0.0, f64::max)),
        integrated_lufs: loudness.integrated_lufs,
        loudness_range_lu: loudness.range_lu,
        max_momentary_lufs: loudness.max_momentary_lufs,
        max_short_term_lufs: loudness.max_short_term_lufs,
        rms_dbfs: dbfs(rms(sum_of_squares, samples)),
        dc_offset: channels.iter().map(|c| c.sum / frames.max(1) as f64).collect(),
        correlation: correlation(facts, &channels, layout),
        effective_bits: (used_bits != 0).then(|| 32 - used_bits.trailing_zeros()),
        overs: channels.iter().map(|channel| channel.overs).sum(),
        channels: layout
            .channels()
            .iter()
            .zip(&channels)
            .map(|(position, channel)| ChannelMeasures {
                channel: position.name(),
                sample_peak_dbfs: dbfs(channel.sample_peak),
                true_peak_dbtp: dbfs(channel.true_peak),
                rms_dbfs: dbfs(rms(channel.sum_of_squares, frames)),
                overs: channel.overs,
            })
            .collect(),
    }
}

/// Facts of one channel over a whole file; places are frames of the file.
#[derive(Default)]
struct Channel {
    sample_peak: f64,
    sample_peak_at: u64,
    true_peak: f64,
    sum: f64,
    sum_of_squares: f64,
    used_bits: u32,
    first_sound: Option<u64>,
    last_sound: Option<u64>,
    overs: u64,
}

impl Channel {
    fn merge(facts: &[&SegmentFacts], channel: usize) -> Self {
        let mut whole = Self::default();
        let mut start = 0;
        for segment in facts {
            whole.add(&segment.channels[channel], start);
            start += u64::from(segment.frames);
        }
        whole
    }

    fn add(&mut self, segment: &ChannelFacts, start: u64) {
        if segment.sample_peak > self.sample_peak {
            self.sample_peak = segment.sample_peak;
            self.sample_peak_at = start + u64::from(segment.sample_peak_at);
        }
        self.true_peak = self.true_peak.max(segment.true_peak);
        self.sum += segment.sum;
        self.sum_of_squares += segment.sum_of_squares;
        self.used_bits |= segment.used_bits;
        let in_file = |frame: u32| start + u64::from(frame);
        self.first_sound = self.first_sound.or(segment.first_sound.map(in_file));
        self.last_sound = segment.last_sound.map(in_file).or(self.last_sound);
        self.overs += u64::from(segment.overs);
    }
}

/// The highest of the channels' peaks, with its place: the first in time and, in
/// one frame, the first channel. `None` for silence.
fn highest_place(peaks: impl Iterator<Item = (f64, u64)>) -> Option<(f64, Place)> {
    let mut highest: Option<(f64, Place)> = None;
    for (channel, (level, frame)) in peaks.enumerate().filter(|(_, (level, _))| *level > 0.0) {
        let stands_before = |(other, place): &(f64, Place)| {
            *other > level || (*other == level && place.frame <= frame)
        };
        if !highest.as_ref().is_some_and(stands_before) {
            highest = Some((level, Place { frame, channel: channel as u16 }));
        }
    }
    highest
}

fn correlation(facts: &[&SegmentFacts], channels: &[Channel], layout: Layout) -> Option<f64> {
    let [left, right] = channels else { return None };
    let powers = left.sum_of_squares * right.sum_of_squares;
    let left_right = facts.iter().fold(0.0, |sum, segment| sum + segment.left_right);
    // Rounding may carry two equal channels past 1.
    (layout.is_pair() && powers > 0.0).then(|| (left_right / powers.sqrt()).clamp(-1.0, 1.0))
}

/// Root of the mean square; 0 of nothing.
fn rms(sum_of_squares: f64, samples: u64) -> f64 {
    (sum_of_squares / samples.max(1) as f64).sqrt()
}

/// Frames of a file, the end excluded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Span {
    /// First frame.
    pub from_frame: u64,
    /// Frame after the last.
    pub to_frame: u64,
}

/// What is left of a reference when its parts are taken away.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct NullResult {
    /// Frames compared.
    pub frames: u64,
    /// Whether every sample of the residual is zero.
    pub bit_exact: bool,
    /// Highest |residual|; `None` if there is none.
    pub peak_dbfs: Option<f64>,
    /// Where it stands first.
    pub peak_at: Option<Place>,
    /// RMS of the residual over all channels and frames; `None` if it is zero.
    pub rms_dbfs: Option<f64>,
    /// RMS of the reference over that of the residual, in dB; `None` if either
    /// is silent.
    pub null_depth_db: Option<f64>,
    /// Samples of the residual that are not zero, all channels.
    pub nonzero_samples: u64,
    /// Whole seconds in which the residual is not zero, neighbours joined; the
    /// first 32 of them.
    pub spans: Vec<Span>,
    /// Spans beyond those.
    pub spans_left_out: usize,
}

/// The result of a null test from the facts of its segments in programme order.
/// `layout` is that of the reference.
pub fn merge_null(facts: &[NullFacts], layout: Layout) -> NullResult {
    let (mut start, mut peak, mut peak_at) = (0, 0.0, None);
    let mut spans: Vec<Span> = Vec::new();
    for segment in facts {
        let end = start + u64::from(segment.frames);
        if segment.peak > peak {
            peak = segment.peak;
            let frame = start + u64::from(segment.peak_at);
            peak_at = Some(Place { frame, channel: segment.peak_channel });
        }
        if segment.nonzero > 0 {
            match spans.last_mut() {
                Some(span) if span.to_frame == start => span.to_frame = end,
                _ => spans.push(Span { from_frame: start, to_frame: end }),
            }
        }
        start = end;
    }
    let nonzero_samples = facts.iter().map(|segment| segment.nonzero).sum();
    let residual = facts.iter().fold(0.0, |sum, segment| sum + segment.residual_energy);
    let reference = facts.iter().fold(0.0, |sum, segment| sum + segment.reference_energy);
    let spans_left_out = spans.len().saturating_sub(SPANS_KEPT);
    spans.truncate(SPANS_KEPT);
    NullResult {
        frames: start,
        bit_exact: nonzero_samples == 0,
        peak_dbfs: dbfs(peak),
        peak_at,
        rms_dbfs: dbfs(rms(residual, start * layout.width() as u64)),
        null_depth_db: (residual > 0.0 && reference > 0.0)
            .then(|| 10.0 * libm::log10(reference / residual)),
        nonzero_samples,
        spans,
        spans_left_out,
    }
}

/// What a residual amounts to (dsp-and-qc 3.2), best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NullVerdict {
    /// Digital silence.
    Exact,
    /// No more than what rounding and dithering the files puts there.
    Quantisation,
    /// More, but at most -90 dBFS: a bit of 16, the engineers' usual rule.
    Pass,
    /// At least 60 dB below the reference: a difference in the last digits of a
    /// gain, and not another mix.
    Warn,
    /// The parts are not the reference.
    Fail,
}

/// Judges a residual. `rounded_signals` counts the files in the test, reference
/// and parts, that were rounded on their way: files that hold exactly what was
/// summed count nothing. `encoding` is the coarsest among those.
///
/// With D the last bit, rounding with triangular dither errs by up to 1.5 D and
/// by 0.5 D RMS, and so do N of them by N times 1.5 D and, being independent, by
/// sqrt(N) times 0.5 D; undithered rounding stays within that. Floats are not
/// dithered and err by up to half of their last bit, which below 2.0 is 2^-23. Shaped
/// noise is larger, by how much the filter says.
pub fn classify(null: &NullResult, rounded_signals: u32, encoding: Encoding) -> NullVerdict {
    let (peak_of_one, rms_of_one) = match encoding {
        Encoding::Pcm16 => (1.5 * LAST_BIT_16, 0.5 * LAST_BIT_16),
        Encoding::Pcm16Shaped => (1.5 * PEAK_GROWTH * LAST_BIT_16, 0.5 * RMS_GROWTH * LAST_BIT_16),
        Encoding::Pcm24 => (1.5 * LAST_BIT_24, 0.5 * LAST_BIT_24),
        // Uniform within half a bit: 1/sqrt(12) of a bit RMS.
        Encoding::Float32 => (0.5 * LAST_BIT_24, 0.2887 * LAST_BIT_24),
    };
    let signals = f64::from(rounded_signals);
    // Half as much again, because a short residual need not look like its mean.
    let rms_bound = dbfs(1.5 * signals.sqrt() * rms_of_one);
    let peak_bound = dbfs(signals * peak_of_one);
    // In these comparisons `None`, silence, is below every level.
    if null.bit_exact {
        NullVerdict::Exact
    } else if null.peak_dbfs <= peak_bound && null.rms_dbfs <= rms_bound {
        NullVerdict::Quantisation
    } else if null.peak_dbfs <= Some(-90.0) {
        NullVerdict::Pass
    } else if null.null_depth_db >= Some(60.0) {
        NullVerdict::Warn
    } else {
        NullVerdict::Fail
    }
}

/// Value of the last bit of 16, full scale 1.0.
const LAST_BIT_16: f64 = 1.0 / 32_768.0;

/// Value of the last bit of 24.
const LAST_BIT_24: f64 = 1.0 / 8_388_608.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qc::measure::{Meter, null_segment};

    fn rate() -> SampleRate {
        SampleRate::new(48_000).unwrap()
    }

    /// Facts of a file that starts at rest, in segments.
    fn facts(layout: Layout, encoding: Encoding, signal: &[Vec<f64>]) -> Vec<SegmentFacts> {
        let meter = Meter::new(rate(), layout, encoding);
        let part = |from: usize, to: usize| -> Vec<Vec<f64>> {
            signal.iter().map(|channel| channel[from..to].to_vec()).collect()
        };
        let frames = signal[0].len();
        (0..frames)
            .step_by(48_000)
            .map(|start| {
                let end = (start + 48_000).min(frames);
                let overs = vec![1; layout.width()];
                meter.segment(&part(0, start), &part(start, end), end == frames, &overs)
            })
            .collect()
    }

    /// A sine of 16 bits, not quite at full scale.
    fn tone(frames: usize) -> Vec<f64> {
        (0..frames).map(|n| ((n as f64 * 0.1).sin() * 16_384.0).round() / 32_768.0).collect()
    }

    #[test]
    fn places_are_frames_of_the_file() {
        let mut left = vec![0.0; 150_000];
        left[60_000..60_100].copy_from_slice(&tone(100));
        let mut right = vec![0.0; 150_000];
        right[100_000] = -0.75;
        right[140_000] = 0.75;
        let facts = facts(Layout::Stereo, Encoding::Pcm24, &[left, right]);
        let found = merge(&facts, rate(), Layout::Stereo);
        assert_eq!(found.sample_peak_at, Some(Place { frame: 100_000, channel: 1 }));
        assert_eq!(found.sample_peak_dbfs, dbfs(0.75));
        // The sine's first sample is zero.
        assert_eq!((found.head_silence_frames, found.tail_silence_frames), (60_001, 9_999));
        assert_eq!((found.frames, found.silent), (150_000, false));
        assert_eq!(found.correlation, Some(0.0));
        // 0.75 uses two bits, the tone sixteen. Silent segments cut nothing.
        assert_eq!((found.effective_bits, found.overs), (Some(16), 2));
    }

    #[test]
    fn correlation_is_one_zero_or_minus_one() {
        let tone = tone(96_000);
        let inverted: Vec<f64> = tone.iter().map(|x| -x).collect();
        let correlation = |left: &[f64], right: &[f64]| {
            let signal = [left.to_vec(), right.to_vec()];
            let facts = facts(Layout::Stereo, Encoding::Float32, &signal);
            merge(&facts, rate(), Layout::Stereo).correlation
        };
        assert_eq!(correlation(&tone, &tone), Some(1.0));
        assert_eq!(correlation(&tone, &inverted), Some(-1.0));
        assert_eq!(correlation(&tone, &[0.0; 96_000]), None);
    }

    #[test]
    fn an_offset_is_the_mean() {
        let signal = [vec![0.25; 50_000]];
        let found = merge(&facts(Layout::Mono, Encoding::Pcm24, &signal), rate(), Layout::Mono);
        assert_eq!((found.dc_offset, found.rms_dbfs), (vec![0.25], dbfs(0.25)));
        assert_eq!((found.effective_bits, found.correlation), (Some(3), None));
    }

    #[test]
    fn an_empty_file_is_silent() {
        let found = merge::<SegmentFacts>(&[], rate(), Layout::Stereo);
        assert!(found.silent && found.frames == 0 && found.true_peak_dbtp.is_none());
        assert_eq!(found.dc_offset, [0.0, 0.0]);
        assert!(merge_null(&[], Layout::Stereo).bit_exact);
    }

    /// The null of a tone against itself plus `error` in the seconds given.
    fn null(error: f64, seconds: &[usize]) -> NullResult {
        let reference = tone(48_000);
        let facts: Vec<NullFacts> = (0..100)
            .map(|second| {
                let error = if seconds.contains(&second) { error } else { 0.0 };
                let part: Vec<f64> = reference.iter().map(|x| x - error).collect();
                null_segment(std::slice::from_ref(&reference), &[&[part]], 48_000, &[])
            })
            .collect();
        merge_null(&facts, Layout::Mono)
    }

    #[test]
    fn spans_join_and_are_bounded() {
        let span = |from: u64, to: u64| Span { from_frame: from * 48_000, to_frame: to * 48_000 };
        let found = null(0.125, &[3, 4, 5, 99]);
        assert_eq!((&*found.spans, found.spans_left_out), (&[span(3, 6), span(99, 100)][..], 0));
        assert_eq!(found.peak_at, Some(Place { frame: 3 * 48_000, channel: 0 }));
        assert_eq!((found.peak_dbfs, found.nonzero_samples), (dbfs(0.125), 4 * 48_000));
        let every_other: Vec<usize> = (0..100).step_by(2).collect();
        let found = null(0.125, &every_other);
        assert_eq!((found.spans.len(), found.spans_left_out), (32, 18));
    }

    #[test]
    fn verdicts_follow_from_word_length_and_count() {
        use Encoding::{Float32, Pcm16, Pcm24};
        use NullVerdict::{Exact, Fail, Pass, Quantisation, Warn};
        let all: Vec<usize> = (0..100).collect();
        let verdict =
            |error: f64, signals, encoding| classify(&null(error, &all), signals, encoding);
        assert_eq!(verdict(0.0, 0, Pcm24), Exact);
        // One bit of 24: two dithered files may differ by as much, but not as
        // steadily as one.
        assert_eq!(verdict(LAST_BIT_24, 2, Pcm24), Quantisation);
        assert_eq!(verdict(LAST_BIT_24, 1, Pcm24), Pass);
        // Files that were not rounded must be exact to be called so.
        assert_eq!(verdict(LAST_BIT_24, 0, Pcm24), Pass);
        assert_eq!(verdict(LAST_BIT_24, 2, Float32), Pass);
        assert_eq!(verdict(LAST_BIT_24 / 4.0, 2, Float32), Quantisation);
        assert_eq!(verdict(LAST_BIT_16, 9, Pcm16), Quantisation);
        assert_eq!(verdict(LAST_BIT_16, 9, Pcm24), Pass);
        // The tone has an RMS of -9 dBFS.
        assert_eq!(verdict(0.000_2, 9, Pcm24), Warn);
        assert_eq!(verdict(0.001, 9, Pcm24), Fail);
        // One click is loud even where the RMS is low.
        let mut click = null(0.0, &[]);
        click.bit_exact = false;
        (click.peak_dbfs, click.rms_dbfs) = (Some(-30.0), Some(-150.0));
        click.null_depth_db = Some(140.0);
        assert_eq!(classify(&click, 2, Pcm24), Warn);
    }
}
