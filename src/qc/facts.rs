//! What was measured of a delivered signal, per segment, before anybody judges it.
//!
//! The facts of a segment are a pure function of its samples and of a fixed
//! number of frames before it. Facts of a whole file are merged from those of
//! its segments in programme order, so an edit re-measures only what it touched.

use serde::{Deserialize, Serialize};

/// Facts of one channel over one segment.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ChannelFacts {
    /// Highest |sample|, full scale 1.0.
    pub sample_peak: f64,
    /// Frame within the segment at which it stands first.
    pub sample_peak_at: u32,
    /// Highest |sample| or |interpolated sample| (BS.1770-5 annex 2), full scale 1.0.
    pub true_peak: f64,
    /// Sum of samples.
    pub sum: f64,
    /// Sum of squared samples.
    pub sum_of_squares: f64,
    /// Union of the bits of all samples as left-justified 32-bit integers: its
    /// trailing zeros are bits that the channel never uses. 0 for float files.
    pub used_bits: u32,
    /// First frame that is not digital silence; `None` if the segment is silent.
    pub first_sound: Option<u32>,
    /// Last frame that is not digital silence.
    pub last_sound: Option<u32>,
    /// Samples that went past full scale before they were written, and so were
    /// cut (integer files) or stand above 1.0 (float files).
    pub overs: u32,
}

/// Facts of one file over one segment.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct SegmentFacts {
    /// Frames of the segment; the last of a file may be short.
    pub frames: u32,
    /// One per channel.
    pub channels: Vec<ChannelFacts>,
    /// Sum over channels of G times the sum of squared K-weighted samples
    /// (BS.1770-5 annex 1), for each 10 ms of the segment. A last piece shorter
    /// than 10 ms is left out.
    pub energy_10ms: Vec<f64>,
    /// Sum of L times R; 0 unless the file is stereo.
    pub left_right: f64,
}

/// Facts of a null test over one segment: reference minus sum.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct NullFacts {
    /// Frames compared.
    pub frames: u32,
    /// Highest |residual|, full scale 1.0.
    pub peak: f64,
    /// Frame within the segment at which it stands first.
    pub peak_at: u32,
    /// Channel in which it stands.
    pub peak_channel: u16,
    /// Samples of the residual that are not zero, all channels.
    pub nonzero: u64,
    /// Sum of squared residual, all channels.
    pub residual_energy: f64,
    /// Sum of squared reference, all channels.
    pub reference_energy: f64,
}
