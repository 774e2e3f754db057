//! Channel layouts, always spelled out: no "SMPTE order", no "film order".

use std::fmt;

/// A loudspeaker position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Channel {
    /// The one channel of a mono signal.
    Mono,
    /// Left.
    L,
    /// Right.
    R,
    /// Centre.
    C,
    /// Low-frequency effects.
    Lfe,
    /// Left surround (M+110 of BS.2051 system B).
    Ls,
    /// Right surround.
    Rs,
}

impl Channel {
    const ALL: [Channel; 7] =
        [Channel::Mono, Channel::L, Channel::R, Channel::C, Channel::Lfe, Channel::Ls, Channel::Rs];

    /// The name used in manifests, reports and multi-mono suffixes.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Mono => "M",
            Channel::L => "L",
            Channel::R => "R",
            Channel::C => "C",
            Channel::Lfe => "LFE",
            Channel::Ls => "Ls",
            Channel::Rs => "Rs",
        }
    }

    /// The channel of that name; upper and lower case do not matter.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name().eq_ignore_ascii_case(name))
    }

    /// The names [`Channel::parse`] takes, for messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Channel::name)
    }

    /// The weight G of BS.1770-5 annex 1 table 3; `None` where the channel is
    /// not measured (LFE).
    pub fn loudness_weight(self) -> Option<f64> {
        match self {
            Channel::Lfe => None,
            Channel::Ls | Channel::Rs => Some(1.41),
            _ => Some(1.0),
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which channels a signal has, in which order.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize,
)]
pub enum Layout {
    /// One channel.
    Mono,
    /// L R.
    Stereo,
    /// L R C LFE Ls Rs (BS.2051 system B; WAV, FLAC and every streamer's order).
    Surround51,
}

impl Layout {
    /// All layouts, narrow to wide.
    pub const ALL: [Layout; 3] = [Layout::Mono, Layout::Stereo, Layout::Surround51];

    /// The channels in order.
    pub fn channels(self) -> &'static [Channel] {
        use Channel::{C, L, Lfe, Ls, Mono, R, Rs};
        match self {
            Layout::Mono => &[Mono],
            Layout::Stereo => &[L, R],
            Layout::Surround51 => &[L, R, C, Lfe, Ls, Rs],
        }
    }

    /// Number of channels.
    pub fn width(self) -> usize {
        self.channels().len()
    }

    /// The name used in manifests and reports.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Mono => "mono",
            Layout::Stereo => "stereo",
            Layout::Surround51 => "5.1",
        }
    }

    /// The layout of that name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "1.0" => Some(Layout::Mono),
            "2.0" => Some(Layout::Stereo),
            _ => Self::ALL.into_iter().find(|layout| layout.name() == name),
        }
    }

    /// The names [`Layout::parse`] takes, for messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Layout::name)
    }

    /// The layout that files of this many channels have unless they say otherwise.
    pub fn of_width(channels: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.width() == channels)
    }

    /// Where a channel stands in the order.
    pub fn position(self, channel: Channel) -> Option<usize> {
        self.channels().iter().position(|c| *c == channel)
    }

    /// `dwChannelMask` for WAVE_FORMAT_EXTENSIBLE. For 5.1 the mask with side
    /// surrounds, 0x60F; files with 0x3F (back) are read as the same layout.
    pub fn mask(self) -> u32 {
        match self {
            Layout::Mono => 0x4,
            Layout::Stereo => 0x3,
            Layout::Surround51 => 0x60F,
        }
    }

    /// The layout a mask stands for.
    pub fn of_mask(mask: u32) -> Option<Self> {
        match mask {
            0x4 => Some(Layout::Mono),
            0x3 => Some(Layout::Stereo),
            0x60F | 0x3F => Some(Layout::Surround51),
            _ => None,
        }
    }

    /// The channels as reports spell them: `L R C LFE Ls Rs`.
    pub fn spelled(self) -> String {
        self.channels().iter().map(|c| c.name()).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
