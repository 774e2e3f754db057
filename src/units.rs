//! Units of the trade as types: sample rate, frame rate, timecode, gain in dB.
//!
//! Common ground: every module may use it, it uses none. Whole numbers and
//! rationals only where time is concerned; a frame rate such as 23.976 is the
//! rational 24000/1001 and never a float.

pub mod bars;
mod ratio;
pub mod tempo;

use std::fmt;

pub use ratio::Ratio;

/// Samples of one channel per second, in Hz. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SampleRate(u32);

impl SampleRate {
    /// A rate in Hz, or `None` outside 8 kHz to 768 kHz, the range of real audio files.
    pub fn new(hz: u32) -> Option<Self> {
        (8_000..=768_000).contains(&hz).then_some(Self(hz))
    }

    /// The rate in Hz.
    pub fn hz(self) -> u32 {
        self.0
    }

    /// Frames in one segment. A segment is one second of programme: the unit of
    /// change, of rendering and of measuring (design section 1). It is part of
    /// the format of keys and never an option.
    pub fn frames_per_segment(self) -> usize {
        self.0 as usize
    }

    /// How many segments `frames` frames take; the last may be short.
    pub fn segments(self, frames: u64) -> usize {
        frames.div_ceil(u64::from(self.0)) as usize
    }

    /// The position of a frame as `m:ss.mmm`, for people.
    pub fn clock(self, frame: u64) -> String {
        let milliseconds = frame * 1000 / u64::from(self.0);
        let (minutes, rest) = (milliseconds / 60_000, milliseconds % 60_000);
        format!("{minutes}:{:02}.{:03}", rest / 1000, rest % 1000)
    }
}

impl fmt::Display for SampleRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Hz", self.0)
    }
}

/// Video frames per second as an exact rational, with its way of counting.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FrameRate {
    numerator: u32,
    denominator: u32,
    /// SMPTE ST 12-1 drop-frame counting: labels are skipped, no picture is lost.
    drop_frame: bool,
}

impl FrameRate {
    /// The rates of SMPTE ST 12-1 and ST 12-3 by the names people write, but for
    /// 72, which nobody delivers at.
    const KNOWN: [(&'static str, FrameRate); 17] = [
        ("23.976", FrameRate::ntsc(24, false)),
        ("24", FrameRate::whole(24)),
        ("25", FrameRate::whole(25)),
        ("29.97", FrameRate::ntsc(30, false)),
        ("29.97df", FrameRate::ntsc(30, true)),
        ("30", FrameRate::whole(30)),
        ("47.952", FrameRate::ntsc(48, false)),
        ("48", FrameRate::whole(48)),
        ("50", FrameRate::whole(50)),
        ("59.94", FrameRate::ntsc(60, false)),
        ("59.94df", FrameRate::ntsc(60, true)),
        ("60", FrameRate::whole(60)),
        ("96", FrameRate::whole(96)),
        ("100", FrameRate::whole(100)),
        ("119.88", FrameRate::ntsc(120, false)),
        ("119.88df", FrameRate::ntsc(120, true)),
        ("120", FrameRate::whole(120)),
    ];

    /// Other ways in which some of them are written.
    const ALIASES: [(&'static str, &'static str); 2] = [("23.98", "23.976"), ("47.95", "47.952")];

    const fn ntsc(nominal: u32, drop_frame: bool) -> Self {
        Self { numerator: nominal * 1000, denominator: 1001, drop_frame }
    }

    const fn whole(fps: u32) -> Self {
        Self { numerator: fps, denominator: 1, drop_frame: false }
    }

    /// Reads a rate as people write it: `23.976`, `23.98`, `29.97`, `29.97df`, `29.97 DF`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase().replace(' ', "");
        let text =
            Self::ALIASES.iter().find(|(alias, _)| *alias == text).map_or(&*text, |(_, n)| n);
        let same = |name: &str| name == text || text.strip_suffix(".0") == Some(name);
        Self::KNOWN.iter().find(|(name, _)| same(name)).map(|(_, rate)| *rate)
    }

    /// The names [`FrameRate::parse`] takes, for messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::KNOWN.iter().map(|(name, _)| *name)
    }

    /// The rate at which its frames come by at another speed: 24 at 25/24 is 25. `None`
    /// where nobody counts frames at that rate. Not drop-frame, unless nothing changes.
    pub fn times(self, speed: Ratio) -> Option<Self> {
        if speed == Ratio::UNITY {
            return Some(self);
        }
        let exact = Ratio::new(u64::from(self.numerator), u64::from(self.denominator))?;
        let there = exact.times(speed)?;
        let same = |rate: &FrameRate| {
            !rate.drop_frame
                && rate.numerator == there.numerator()
                && rate.denominator == there.denominator()
        };
        Self::KNOWN.iter().map(|(_, rate)| *rate).find(same)
    }

    /// Frames that timecode counts in a second: 24 for 23.976, 30 for 29.97.
    pub fn nominal(self) -> u32 {
        self.numerator.div_ceil(self.denominator)
    }

    /// Labels that timecode skips at the start of nine minutes in ten: 2 at 29.97df,
    /// none without drop-frame.
    pub fn dropped_labels(self) -> u32 {
        if self.drop_frame { self.nominal() / 15 } else { 0 }
    }

    /// Whether timecode at this rate skips labels (drop-frame).
    pub fn is_drop_frame(self) -> bool {
        self.drop_frame
    }

    /// The audio frame at which video frame `frame` starts, to the nearest sample.
    pub fn audio_frame(self, frame: u64, rate: SampleRate) -> u64 {
        self.audio_frame_within(frame, 0, rate)
    }

    /// The audio frame at which the hundredth `hundredths` of video frame `frame`
    /// starts, to the nearest sample: the subframes of a DAW's counter.
    pub fn audio_frame_within(self, frame: u64, hundredths: u8, rate: SampleRate) -> u64 {
        let hundredths = u128::from(frame) * 100 + u128::from(hundredths);
        let scaled = hundredths * u128::from(rate.hz()) * u128::from(self.denominator);
        let divisor = u128::from(self.numerator) * 100;
        ((scaled + divisor / 2) / divisor) as u64
    }

    /// Digits of the frames in a timecode: three where a second has more than 100.
    fn digits(self) -> usize {
        if self.nominal() > 100 { 3 } else { 2 }
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::KNOWN.iter().find(|(_, rate)| rate == self).map(|(name, _)| *name);
        f.write_str(name.expect("BUG: every FrameRate is made from KNOWN"))
    }
}

/// A place on the programme's clock, as the number of video frames since
/// 00:00:00:00 (not as a label, which drop-frame counting would make ambiguous).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timecode {
    frames: u64,
}

impl Timecode {
    /// Reads `01:00:00:00`, or `01:00:00;00` for drop-frame rates, with three digits
    /// of frames above 100 a second. `None` if a field is out of range or the label
    /// is one that drop-frame counting skips.
    pub fn parse(text: &str, rate: FrameRate) -> Option<Self> {
        let fields: Vec<&str> = text.split([':', ';']).collect();
        let number = |field: &str, digits: usize| -> Option<u64> {
            let plain = field.len() == digits && field.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| field.parse().ok()).flatten()
        };
        let &[hours, minutes, seconds, frame] = fields.as_slice() else { return None };
        let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
        let (seconds, frame) = (number(seconds, 2)?, number(frame, rate.digits())?);
        let fps = u64::from(rate.nominal());
        if hours > 23 || minutes > 59 || seconds > 59 || frame >= fps {
            return None;
        }
        let total_minutes = hours * 60 + minutes;
        let mut frames = (total_minutes * 60 + seconds) * fps + frame;
        if rate.drop_frame {
            let skipped = u64::from(rate.dropped_labels());
            if seconds == 0 && frame < skipped && minutes % 10 != 0 {
                return None;
            }
            frames -= skipped * (total_minutes - total_minutes / 10);
        }
        Some(Self { frames })
    }

    /// The timecode that stands at `audio_frame` samples since midnight, rounded
    /// down to its video frame.
    pub fn at(audio_frame: u64, audio: SampleRate, rate: FrameRate) -> Self {
        let estimate = u128::from(audio_frame) * u128::from(rate.numerator)
            / (u128::from(audio.hz()) * u128::from(rate.denominator));
        let mut frames = estimate as u64;
        // A video frame starts at the nearest sample, so the estimate can be one
        // short where that start was rounded down.
        while rate.audio_frame(frames + 1, audio) <= audio_frame {
            frames += 1;
        }
        Self { frames }
    }

    /// The timecode of so many video frames since midnight.
    pub fn from_frames(frames: u64) -> Self {
        Self { frames }
    }

    /// Video frames since midnight.
    pub fn frames(self) -> u64 {
        self.frames
    }

    /// Samples since midnight: the `TimeReference` of EBU Tech 3285. At 23.976
    /// and 29.97 an hour of timecode lasts 3603.6 s.
    pub fn samples_since_midnight(self, rate: FrameRate, audio: SampleRate) -> u64 {
        rate.audio_frame(self.frames, audio)
    }

    /// The label, `01:00:00:00`, with `;` before the frames when frames drop.
    pub fn label(self, rate: FrameRate) -> String {
        let fps = u64::from(rate.nominal());
        let mut frames = self.frames;
        if rate.drop_frame {
            let skipped = u64::from(rate.dropped_labels());
            let in_ten_minutes = fps * 600 - skipped * 9;
            let in_minute = fps * 60 - skipped;
            let (tens, rest) = (frames / in_ten_minutes, frames % in_ten_minutes);
            frames += skipped * 9 * tens;
            if rest >= fps * 60 {
                frames += skipped * ((rest - fps * 60) / in_minute + 1);
            }
        }
        let seconds = frames / fps;
        let separator = if rate.drop_frame { ';' } else { ':' };
        format!(
            "{:02}:{:02}:{:02}{separator}{:0digits$}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            frames % fps,
            digits = rate.digits()
        )
    }
}

/// A level change in dB. Exactly 0 dB is exactly unity.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Gain {
    db: f64,
}

impl Gain {
    /// No change.
    pub const UNITY: Gain = Gain { db: 0.0 };

    /// A gain of `db` dB, or `None` if it is not a number between -144 and +144.
    pub fn from_db(db: f64) -> Option<Self> {
        (db.abs() <= 144.0).then_some(Self { db })
    }

    /// The gain in dB, as it was written.
    pub fn db(self) -> f64 {
        self.db
    }

    /// The factor for samples, `10^(dB/20)` by the `libm` crate, so that it has
    /// the same bits on every machine (law 1).
    pub fn linear(self) -> f64 {
        if self.db == 0.0 { 1.0 } else { libm::exp10(self.db / 20.0) }
    }
}

/// A linear amplitude in dBFS. Digital silence is `None`, not a number.
pub fn dbfs(amplitude: f64) -> Option<f64> {
    (amplitude > 0.0).then(|| 20.0 * libm::log10(amplitude))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_48K: SampleRate = SampleRate(48_000);

    fn rate(text: &str) -> FrameRate {
        FrameRate::parse(text).expect("a known rate")
    }

    #[test]
    fn time_reference_is_exact_at_every_rate() {
        // delivery-specs 1.6: one hour of timecode is 172,800,000 samples at whole
        // rates, 0.1 % more where the clock runs at 1000/1001.
        for (name, expected) in [
            ("24", 172_800_000),
            ("25", 172_800_000),
            ("30", 172_800_000),
            ("23.976", 172_972_800),
            ("29.97", 172_972_800),
            ("59.94", 172_972_800),
        ] {
            let hour = Timecode::parse("01:00:00:00", rate(name)).unwrap();
            assert_eq!(hour.samples_since_midnight(rate(name), RATE_48K), expected, "{name}");
        }
        // Drop-frame follows the clock: 107,892 frames of 1601.6 samples.
        let hour = Timecode::parse("01:00:00;00", rate("29.97df")).unwrap();
        assert_eq!(hour.samples_since_midnight(rate("29.97df"), RATE_48K), 172_799_827);
    }

    #[test]
    fn a_frame_of_29_97_starts_at_the_nearest_sample() {
        let starts: Vec<u64> = (0..6).map(|n| rate("29.97").audio_frame(n, RATE_48K)).collect();
        assert_eq!(starts, [0, 1602, 3203, 4805, 6406, 8008]);
    }

    #[test]
    fn a_hundredth_of_a_frame_starts_at_the_nearest_sample() {
        // 1601.6 samples to a frame: 800.8 to its half, 16.016 to its hundredth.
        let start =
            |frame, hundredths| rate("29.97").audio_frame_within(frame, hundredths, RATE_48K);
        assert_eq!([start(0, 50), start(0, 1), start(2, 99)], [801, 16, 4789]);
    }

    #[test]
    fn rates_are_known_by_the_names_of_the_trade() {
        for (written, name) in [
            ("23.98", "23.976"),
            ("24.0", "24"),
            ("29.97 DF", "29.97df"),
            ("47.95", "47.952"),
            ("119.88DF", "119.88df"),
        ] {
            assert_eq!(FrameRate::parse(written).map(|rate| rate.to_string()), Some(name.into()));
        }
        assert_eq!(FrameRate::parse("30df"), None);
        assert_eq!(rate("119.88").nominal(), 120);
    }

    #[test]
    fn drop_frame_keeps_to_the_clock() {
        // An hour of labels is an hour but for 3.6 ms, at whatever rate.
        for (name, label) in [("29.97df", "01:00:00;00"), ("59.94df", "01:00:00;00")] {
            let hour = Timecode::parse(label, rate(name)).unwrap();
            assert_eq!(hour.samples_since_midnight(rate(name), RATE_48K), 172_799_827, "{name}");
        }
        let hour = Timecode::parse("01:00:00;000", rate("119.88df")).unwrap();
        assert_eq!(hour.samples_since_midnight(rate("119.88df"), RATE_48K), 172_799_827);
        assert_eq!(Timecode::parse("00:01:00;007", rate("119.88df")), None);
        assert!(Timecode::parse("00:01:00;008", rate("119.88df")).is_some());
    }

    #[test]
    fn labels_survive_a_round_trip_at_every_rate() {
        for name in FrameRate::names() {
            let fps = rate(name);
            for frames in (0..24 * 3600 * 20).step_by(977) {
                let there = Timecode { frames };
                let back = Timecode::parse(&there.label(fps), fps);
                assert_eq!(back, Some(there), "{name} {}", there.label(fps));
                let sample = there.samples_since_midnight(fps, RATE_48K);
                assert_eq!(Timecode::at(sample, RATE_48K, fps), there);
            }
        }
    }

    #[test]
    fn dropped_labels_and_impossible_fields_are_refused() {
        assert_eq!(Timecode::parse("00:01:00;00", rate("29.97df")), None);
        assert!(Timecode::parse("00:10:00;00", rate("29.97df")).is_some());
        for wrong in
            ["1:00:00:00", "24:00:00:00", "00:60:00:00", "00:00:00:25", "00:00:00", "00:00:00:+1"]
        {
            assert_eq!(Timecode::parse(wrong, rate("25")), None, "{wrong}");
        }
    }

    #[test]
    fn unity_is_exact_and_six_db_is_close_to_two() {
        assert_eq!(Gain::UNITY.linear().to_bits(), 1.0_f64.to_bits());
        assert!((Gain::from_db(6.0206).unwrap().linear() - 2.0).abs() < 1e-5);
        assert_eq!(Gain::from_db(f64::NAN), None);
        assert_eq!(dbfs(0.0), None);
    }
}
