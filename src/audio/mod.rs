//! Audio as files hold it: layouts, PCM, containers in and out. Knows no manifest.
//!
//! Everything that enters is brought to one *canonical* form per word length
//! ([`Pcm`]): interleaved little-endian samples. Digests are taken of that form,
//! so that the same samples in another container, or beside other metadata, are
//! the same audio (law 4).

mod aiff;
mod flac;
pub mod layout;
mod linear;
pub mod pcm;
pub mod reader;
pub mod remarks;
pub mod wav;
mod wav_read;

use std::fmt;

use crate::units::SampleRate;
use layout::{Channel, Layout};

/// The canonical forms. Integers of 24 bits or fewer all become `I24`
/// (left-justified, so that 16-bit full scale is 24-bit full scale).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub enum Pcm {
    /// Packed 24-bit integers.
    I24,
    /// 32-bit integers, for sources of 25 to 32 bits.
    I32,
    /// 32-bit floats.
    F32,
    /// 64-bit floats.
    F64,
}

impl Pcm {
    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        match self {
            Pcm::I24 => 3,
            Pcm::I32 | Pcm::F32 => 4,
            Pcm::F64 => 8,
        }
    }
}

/// What a file's header says, checked against its length.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct AudioInfo {
    /// `WAV`, `RF64`, `AIFF`, `FLAC`..., for people.
    pub container: String,
    /// Frames per second.
    pub sample_rate: u32,
    /// Interleaved channels.
    pub channels: u16,
    /// Frames in the file.
    pub frames: u64,
    /// The canonical form its samples are brought to.
    pub pcm: Pcm,
    /// Word length as declared: 16, 24, 32... Samples of an integer file lie on
    /// the grid of this many bits.
    pub bits: u16,
    /// Whether samples are floats.
    pub float: bool,
    /// `dwChannelMask` of WAVE_FORMAT_EXTENSIBLE, if given and not zero.
    pub channel_mask: Option<u32>,
    /// `TimeReference` of a `bext` chunk: samples since midnight.
    pub time_reference: Option<u64>,
}

impl AudioInfo {
    /// The rate as a unit, or `None` if it is out of range.
    pub fn rate(&self) -> Option<SampleRate> {
        SampleRate::new(self.sample_rate)
    }

    /// Number of its segments, seconds of the file; the last may be short.
    pub fn segments(&self) -> usize {
        self.frames.div_ceil(u64::from(self.sample_rate.max(1))) as usize
    }

    /// The channels, in the order of the file, of a file without a mask: of FLAC by
    /// RFC 9639 section 9.1.3, which gives each number of channels its positions; of
    /// others where all the trade agrees. `None` if somebody has to say.
    pub fn usual_channels(&self) -> Option<Vec<Channel>> {
        const OF_FLAC: [u32; 8] = [0x4, 0x3, 0x7, 0x33, 0x37, 0x3F, 0x70F, 0x63F];
        let width = usize::from(self.channels);
        match OF_FLAC.get(width.wrapping_sub(1)) {
            Some(mask) if self.container == "FLAC" => layout::of_mask(*mask),
            _ => Layout::of_width(width).map(|layout| layout.channels().to_vec()),
        }
    }

    /// The layout that the file is in the order of, by its mask or by what is usual.
    pub fn layout(&self) -> Option<Layout> {
        // Mono files carry the mask of whatever the DAW thought they were.
        let mask = self.channel_mask.filter(|_| self.channels > 1);
        let masked = mask.and_then(layout::of_mask);
        let channels = masked.or_else(|| self.usual_channels())?;
        Layout::ALL.into_iter().find(|layout| layout.channels() == channels)
    }

    /// Bytes of one frame in canonical form.
    pub fn frame_bytes(&self) -> usize {
        self.pcm.bytes() * usize::from(self.channels)
    }
}

/// Why a file cannot be read as audio.
#[derive(Debug)]
pub enum AudioError {
    /// The system refused.
    Io(std::io::Error),
    /// The file contradicts its own format.
    Malformed(String),
    /// The file is cut short or still being written: its header promises more
    /// than there is, or does not yet say how much there is.
    Incomplete(String),
    /// A format, or a variant of one, that is not read here.
    Unsupported(String),
    /// A sample is infinite or not a number.
    NotFinite {
        /// Frame in the file.
        frame: u64,
        /// Channel, counted from 0.
        channel: u16,
    },
}

impl fmt::Display for AudioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AudioError::Io(error) => write!(f, "{error}"),
            AudioError::Malformed(why) => write!(f, "malformed: {why}"),
            AudioError::Incomplete(why) => write!(f, "incomplete: {why}"),
            AudioError::Unsupported(why) => write!(f, "unsupported: {why}"),
            AudioError::NotFinite { frame, channel } => {
                write!(f, "sample {frame} of channel {} is infinite or not a number", channel + 1)
            }
        }
    }
}

impl std::error::Error for AudioError {}

impl From<std::io::Error> for AudioError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                AudioError::Incomplete("the file ends early".into())
            }
            _ => AudioError::Io(error),
        }
    }
}
