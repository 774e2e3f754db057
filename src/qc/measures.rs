#[derive(Clone, PartialEq, Debug, Default, serde::Serialize)]
pub struct Measures {
    pub frames: u64,
    pub sample_peak_dbfs: Option<f64>,
    pub sample_peak_frame: Option<u64>,
    pub sample_peak_channel: Option<u16>,
    pub true_peak_dbtp: Option<f64>,
    pub integrated_lufs: Option<f64>,
    pub loudness_range_lu: Option<f64>,
    pub max_momentary_lufs: Option<f64>,
    pub max_short_term_lufs: Option<f64>,
    pub rms_dbfs: Option<f64>,
    pub dc_offset: Vec<f64>,
    pub correlation: Option<f64>,
    pub effective_bits: Option<u32>,
    pub overs: u64,
    pub silent: bool,
    pub head_silence_frames: u64,
    pub tail_silence_frames: u64,
    pub channel_true_peak_dbtp: Vec<Option<f64>>,
}
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
pub enum NullVerdict {
    Exact,
    Quantisation,
    Pass,
    Warn,
    Fail,
}
#[derive(Clone, PartialEq, Debug, Default, serde::Serialize)]
pub struct NullResult {
    pub bit_exact: bool,
    pub peak_dbfs: Option<f64>,
    pub peak_frame: u64,
    pub peak_channel: u16,
    pub rms_dbfs: Option<f64>,
    pub null_depth_db: Option<f64>,
    pub nonzero_samples: u64,
    pub frames: u64,
    pub spans: Vec<(u64, u64)>, /* frames from..to with residual */
}
