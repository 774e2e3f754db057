//! Channel layouts, always spelled out: no "SMPTE order", no "film order".
//!
//! There is one order of channels: that of the bits of `dwChannelMask`
//! (WAVEFORMATEXTENSIBLE, Windows SDK `ksmedia.h`), which WAV and FLAC files are in. So
//! signals, samples, files and reports all count channels alike, and nothing is
//! reordered on the way out. In it the rear surrounds of 7.1 stand before its sides
//! (`L R C LFE Lsr Rsr Lss Rss`), where ITU-R BS.2051 and ADM name the sides first: a
//! file in another order is mapped as it is read, by its mask or by `channels:`.

use std::fmt;

/// A loudspeaker position, or a channel of a matrixed pair. Ordered as in every file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Channel {
    /// The one channel of a mono signal.
    Mono,
    /// Left total of a matrixed pair.
    Lt,
    /// Right total of a matrixed pair.
    Rt,
    /// Left.
    L,
    /// Right.
    R,
    /// Centre.
    C,
    /// Low-frequency effects.
    Lfe,
    /// Left rear surround of seven (M+135 of BS.2051 systems I and J).
    Lsr,
    /// Right rear surround of seven.
    Rsr,
    /// Left surround of five (M+110 of BS.2051 system B).
    Ls,
    /// Right surround of five.
    Rs,
    /// Left side surround of seven (M+090).
    Lss,
    /// Right side surround of seven.
    Rss,
    /// Left top front (U+030 of system D, U+045 of system J).
    Ltf,
    /// Right top front.
    Rtf,
    /// Left top rear (U+110 of system D, U+135 of system J).
    Ltr,
    /// Right top rear.
    Rtr,
    /// Left top side, of beds with two heights (U+090).
    Lts,
    /// Right top side.
    Rts,
}

use Channel::{
    C, L, Lfe, Ls, Lsr, Lss, Lt, Ltf, Ltr, Lts, Mono, R, Rs, Rsr, Rss, Rt, Rtf, Rtr, Rts,
};

impl Channel {
    const ALL: [Channel; 19] =
        [Mono, L, R, C, Lfe, Ls, Rs, Lss, Rss, Lsr, Rsr, Ltf, Rtf, Ltr, Rtr, Lts, Rts, Lt, Rt];

    /// The name used in manifests, reports and multi-mono suffixes.
    pub fn name(self) -> &'static str {
        match self {
            Mono => "M",
            Lt => "Lt",
            Rt => "Rt",
            L => "L",
            R => "R",
            C => "C",
            Lfe => "LFE",
            Ls => "Ls",
            Rs => "Rs",
            Lss => "Lss",
            Rss => "Rss",
            Lsr => "Lsr",
            Rsr => "Rsr",
            Ltf => "Ltf",
            Rtf => "Rtf",
            Ltr => "Ltr",
            Rtr => "Rtr",
            Lts => "Lts",
            Rts => "Rts",
        }
    }

    /// The channel of that name, or of another that the trade gives it: `Lrs` (BS.2051)
    /// and `Lb` for `Lsr`, `Ltb` for `Ltr`, `Ltm` for `Lts`. Upper and lower case do not
    /// matter.
    pub fn parse(name: &str) -> Option<Self> {
        let known = match name.to_ascii_lowercase().as_str() {
            "lrs" | "lb" => "Lsr",
            "rrs" | "rb" => "Rsr",
            "ltb" => "Ltr",
            "rtb" => "Rtr",
            "ltm" => "Lts",
            "rtm" => "Rts",
            _ => name,
        };
        Self::ALL.into_iter().find(|channel| channel.name().eq_ignore_ascii_case(known))
    }

    /// The names [`Channel::parse`] takes, for messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Channel::name)
    }

    /// The weight of ITU-R BS.1770-5; `None` where the channel is not measured (LFE).
    /// The surrounds of five by annex 1 table 3; all others by annex 3 table 4: 1.41
    /// below 30 degrees of elevation between 60 and 120 degrees to the side, so also the
    /// sides of seven; 1.00 everywhere else, so the rears of seven and all heights.
    pub fn loudness_weight(self) -> Option<f64> {
        match self {
            Lfe => None,
            Ls | Rs | Lss | Rss => Some(1.41),
            Mono | Lt | Rt | L | R | C | Lsr | Rsr | Ltf | Rtf | Ltr | Rtr | Lts | Rts => Some(1.0),
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which channels a signal has. The order of the variants is from narrow to wide.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize,
)]
pub enum Layout {
    /// One channel.
    Mono,
    /// L R.
    Stereo,
    /// Lt Rt: two channels that hold surround, for a matrix decoder.
    LtRt,
    /// L R C.
    Lcr,
    /// L R Ls Rs.
    Quad,
    /// L R C Ls Rs.
    Surround50,
    /// L R C LFE Ls Rs (BS.2051 system B; WAV, FLAC and every streamer's order).
    Surround51,
    /// 5.1 with four heights (BS.2051 system D).
    Surround514,
    /// L R C Lsr Rsr Lss Rss.
    Surround70,
    /// L R C LFE Lsr Rsr Lss Rss (BS.2051 system I).
    Surround71,
    /// 7.1 with two heights above the sides: the bed of Dolby Atmos.
    Surround712,
    /// 7.1 with four heights (BS.2051 system J).
    Surround714,
}

impl Layout {
    /// All layouts, narrow to wide.
    pub const ALL: [Layout; 12] = [
        Layout::Mono,
        Layout::Stereo,
        Layout::LtRt,
        Layout::Lcr,
        Layout::Quad,
        Layout::Surround50,
        Layout::Surround51,
        Layout::Surround514,
        Layout::Surround70,
        Layout::Surround71,
        Layout::Surround712,
        Layout::Surround714,
    ];

    /// The channels in order.
    pub fn channels(self) -> &'static [Channel] {
        match self {
            Layout::Mono => &[Mono],
            Layout::Stereo => &[L, R],
            Layout::LtRt => &[Lt, Rt],
            Layout::Lcr => &[L, R, C],
            Layout::Quad => &[L, R, Ls, Rs],
            Layout::Surround50 => &[L, R, C, Ls, Rs],
            Layout::Surround51 => &[L, R, C, Lfe, Ls, Rs],
            Layout::Surround514 => &[L, R, C, Lfe, Ls, Rs, Ltf, Rtf, Ltr, Rtr],
            Layout::Surround70 => &[L, R, C, Lsr, Rsr, Lss, Rss],
            Layout::Surround71 => &[L, R, C, Lfe, Lsr, Rsr, Lss, Rss],
            Layout::Surround712 => &[L, R, C, Lfe, Lsr, Rsr, Lss, Rss, Lts, Rts],
            Layout::Surround714 => &[L, R, C, Lfe, Lsr, Rsr, Lss, Rss, Ltf, Rtf, Ltr, Rtr],
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
            Layout::LtRt => "lt-rt",
            Layout::Lcr => "lcr",
            Layout::Quad => "quad",
            Layout::Surround50 => "5.0",
            Layout::Surround51 => "5.1",
            Layout::Surround514 => "5.1.4",
            Layout::Surround70 => "7.0",
            Layout::Surround71 => "7.1",
            Layout::Surround712 => "7.1.2",
            Layout::Surround714 => "7.1.4",
        }
    }

    /// The layout of that name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "1.0" => Some(Layout::Mono),
            "2.0" => Some(Layout::Stereo),
            "3.0" => Some(Layout::Lcr),
            "4.0" => Some(Layout::Quad),
            _ => Self::ALL.into_iter().find(|layout| layout.name().eq_ignore_ascii_case(name)),
        }
    }

    /// The names [`Layout::parse`] takes, for messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Layout::name)
    }

    /// The layout of files of this many channels that say nothing of them: where all
    /// the trade agrees on it and on its order. Three may be L R C or L C R, four quad or
    /// LCRS, eight have their sides or their rears first.
    pub fn of_width(channels: usize) -> Option<Self> {
        match channels {
            1 => Some(Layout::Mono),
            2 => Some(Layout::Stereo),
            6 => Some(Layout::Surround51),
            _ => None,
        }
    }

    /// The narrowest layout that has all of these channels.
    pub fn holding(channels: &[Channel]) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.has(channels))
    }

    /// Whether all of these are among its channels.
    pub fn has(self, channels: &[Channel]) -> bool {
        channels.iter().all(|channel| self.position(*channel).is_some())
    }

    /// The narrowest layout that a signal of either can be laid into at unity, without
    /// a word on where its channels go; `None` for 5.1 beside 7.1. Mono, which says
    /// nothing of a place, asks for none.
    pub fn joined(self, other: Layout) -> Option<Self> {
        match (self, other) {
            (Layout::Mono, layout) | (layout, Layout::Mono) => Some(layout),
            _ => Self::holding(&[self.channels(), other.channels()].concat()),
        }
    }

    /// Where a channel stands in the order.
    pub fn position(self, channel: Channel) -> Option<usize> {
        self.channels().iter().position(|c| *c == channel)
    }

    /// Whether it is two channels, left and right, that a phase meter can compare.
    pub fn is_pair(self) -> bool {
        matches!(self, Layout::Stereo | Layout::LtRt)
    }

    /// `dwChannelMask` for WAVE_FORMAT_EXTENSIBLE. The surrounds of 5.1 are written as
    /// sides, 0x60F, those of quad as backs, 0x33, as is usual; both are read as either.
    /// The mask has no bit for a top side, so 7.1.2 is written with 0, which names no
    /// loudspeakers.
    pub fn mask(self) -> u32 {
        match self {
            Layout::Mono => 0x4,
            Layout::Stereo | Layout::LtRt => 0x3,
            Layout::Lcr => 0x7,
            Layout::Quad => 0x33,
            Layout::Surround50 => 0x607,
            Layout::Surround51 => 0x60F,
            Layout::Surround514 => 0x2_D60F,
            Layout::Surround70 => 0x637,
            Layout::Surround71 => 0x63F,
            Layout::Surround712 => 0,
            Layout::Surround714 => 0x2_D63F,
        }
    }

    /// The channels as reports spell them: `L R C LFE Ls Rs`.
    pub fn spelled(self) -> String {
        spelled(self.channels())
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Channels as reports spell them: `L C R Ls Rs LFE`.
pub fn spelled(channels: &[Channel]) -> String {
    channels.iter().map(|channel| channel.name()).collect::<Vec<_>>().join(" ")
}

/// The channels of a file with this mask, in the order of the file, which is that of
/// the bits. Back and side both mean the surrounds of five, unless a file has both;
/// `None` for a mask with positions that no layout here has.
pub fn of_mask(mask: u32) -> Option<Vec<Channel>> {
    const BACK: u32 = 0x30;
    const SIDE: u32 = 0x600;
    if mask == 0x4 {
        return Some(vec![Mono]);
    }
    let seven = mask & BACK != 0 && mask & SIDE != 0;
    let channel = |bit: u32| match bit {
        0x1 => Some(L),
        0x2 => Some(R),
        0x4 => Some(C),
        0x8 => Some(Lfe),
        0x10 => Some(if seven { Lsr } else { Ls }),
        0x20 => Some(if seven { Rsr } else { Rs }),
        0x200 => Some(if seven { Lss } else { Ls }),
        0x400 => Some(if seven { Rss } else { Rs }),
        0x1000 => Some(Ltf),
        0x4000 => Some(Rtf),
        0x8000 => Some(Ltr),
        0x2_0000 => Some(Rtr),
        _ => None,
    };
    let bits = (0..32).map(|place| 1 << place).filter(|bit| mask & bit != 0);
    let channels: Vec<Channel> = bits.map(channel).collect::<Option<_>>()?;
    Layout::holding(&channels).map(|_| channels)
}

/// Whether what a mask says may be what somebody calls these channels. It has no bits of
/// its own for a matrixed pair, which it calls left and right, nor for top sides, which
/// are written as top fronts.
pub fn agree(masked: &[Channel], named: &[Channel]) -> bool {
    let as_masked = |channel: &Channel| match channel {
        Lt => L,
        Rt => R,
        Lts => Ltf,
        Rts => Rtf,
        other => *other,
    };
    masked == named || masked.iter().copied().eq(named.iter().map(as_masked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_is_in_the_order_of_the_bits_of_its_mask() {
        // The positions of `ksmedia.h`, bit by bit from 0x1 on.
        const BITS: [&str; 18] = [
            "FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL",
            "TFC", "TFR", "TBL", "TBC", "TBR",
        ];
        for (layout, expected) in [
            (Layout::Stereo, "FL FR"),
            (Layout::Lcr, "FL FR FC"),
            (Layout::Quad, "FL FR BL BR"),
            (Layout::Surround50, "FL FR FC SL SR"),
            (Layout::Surround51, "FL FR FC LFE SL SR"),
            (Layout::Surround514, "FL FR FC LFE SL SR TFL TFR TBL TBR"),
            (Layout::Surround70, "FL FR FC BL BR SL SR"),
            (Layout::Surround71, "FL FR FC LFE BL BR SL SR"),
            (Layout::Surround714, "FL FR FC LFE BL BR SL SR TFL TFR TBL TBR"),
        ] {
            let mask = layout.mask();
            let set = BITS.iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0);
            let names: Vec<&str> = set.map(|(_, name)| *name).collect();
            assert_eq!(names.join(" "), expected, "{layout}");
            assert_eq!(of_mask(mask).as_deref(), Some(layout.channels()), "{layout}");
        }
        assert_eq!(Layout::Surround712.mask(), 0);
        assert_eq!(of_mask(Layout::Mono.mask()).as_deref(), Some(Layout::Mono.channels()));
    }

    #[test]
    fn rears_come_before_sides_in_files_and_surrounds_may_be_backs_or_sides() {
        let names = |mask| of_mask(mask).map(|channels| spelled(&channels));
        assert_eq!(names(0x63F).as_deref(), Some("L R C LFE Lsr Rsr Lss Rss"));
        assert_eq!(names(0x3F).as_deref(), Some("L R C LFE Ls Rs"));
        assert_eq!(names(0x60F).as_deref(), Some("L R C LFE Ls Rs"));
        assert_eq!(names(0x37).as_deref(), Some("L R C Ls Rs"));
        assert_eq!(names(0x603).as_deref(), Some("L R Ls Rs"));
        // Back centre, wide fronts, a reserved bit: not among the layouts.
        for mask in [0x107, 0xFF, 0x8000_0003] {
            assert_eq!(names(mask), None, "{mask:#x}");
        }
    }

    #[test]
    fn a_mask_says_less_than_names_may() {
        let stereo = of_mask(0x3).unwrap();
        assert!(agree(&stereo, &[L, R]) && agree(&stereo, &[Lt, Rt]));
        assert!(!agree(&stereo, &[R, L]) && !agree(&stereo, &[Lt, Rt, C]));
        let heights = of_mask(0x563F).unwrap();
        assert!(agree(&heights, Layout::Surround712.channels()));
        let film = [L, C, R, Ls, Rs, Lfe];
        assert!(!agree(&of_mask(0x60F).unwrap(), &film));
    }

    #[test]
    fn names_of_the_trade_are_understood() {
        for (name, channel) in
            [("lrs", Lsr), ("Rrs", Rsr), ("Ltb", Ltr), ("RTB", Rtr), ("lfe", Lfe), ("Ltm", Lts)]
        {
            assert_eq!(Channel::parse(name), Some(channel), "{name}");
        }
        for channel in Channel::ALL {
            assert_eq!(Channel::parse(channel.name()), Some(channel));
        }
        for layout in Layout::ALL {
            assert_eq!(Layout::parse(layout.name()), Some(layout));
            let mut sorted = layout.channels().to_vec();
            sorted.sort();
            assert_eq!(sorted, layout.channels(), "{layout} is in one order with all others");
        }
        assert_eq!(Layout::parse("4.0"), Some(Layout::Quad));
    }

    #[test]
    fn layouts_join_in_the_narrowest_that_holds_both() {
        use Layout::{Lcr, LtRt, Quad, Stereo, Surround50, Surround51, Surround71, Surround714};
        assert_eq!(Lcr.joined(Quad), Some(Surround50));
        assert_eq!(Stereo.joined(Surround51), Some(Surround51));
        assert_eq!(Layout::Mono.joined(Stereo), Some(Stereo));
        assert_eq!(Surround71.joined(Surround714), Some(Surround714));
        // What 5.1 sends to the sides or rears of seven, nobody but the mixer knows.
        assert_eq!(Surround51.joined(Surround71), None);
        assert_eq!(Stereo.joined(LtRt), None);
    }

    #[test]
    fn weights_follow_the_place_of_the_loudspeaker() {
        let weights = |layout: Layout| -> Vec<Option<f64>> {
            layout.channels().iter().map(|channel| channel.loudness_weight()).collect()
        };
        let (one, side) = (Some(1.0), Some(1.41));
        assert_eq!(weights(Layout::Surround51), [one, one, one, None, side, side]);
        // Rears before sides: BS.1770-5 annex 3 table 5.
        assert_eq!(weights(Layout::Surround71), [one, one, one, None, one, one, side, side]);
        let heights = &weights(Layout::Surround714)[8..];
        assert_eq!(heights, [one; 4]);
    }
}
