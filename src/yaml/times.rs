//! Places and lengths of time as they are written, tempos and meters.
//!
//! What frame a place is depends on the rates, the clock and the tempo of the
//! programme: see `timeline`.

use serde_json::{Value as Json, json};

use super::record::{At, Scalar};
use crate::record;
use crate::units::bars::{Meter, Place};
use crate::units::tempo::Bpm;
use crate::units::{FrameRate, SampleRate, Timecode};

/// A place in the programme as it was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Time {
    /// `12.5 s`, `96000 samples`: from the start of the programme.
    Clock(Elapsed),
    /// `01:00:00:00`: of the programme's clock.
    Timecode(Label),
    /// `bar 9 beat 3`.
    Bars(Place),
}

/// A length of time as it was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Length {
    /// `3 s`, `144000 samples`.
    Clock(Elapsed),
    /// `00:00:03:00`: so many video frames.
    Timecode(Label),
}

/// A length that needs no clock but the sample rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Elapsed {
    /// `12.5`, `12.5 s`, `500 ms` or `3:41.250`, in whole nanoseconds: decimal
    /// digits, so that no float rounds them.
    Nanoseconds(u64),
    /// `96000 samples`.
    Samples(u64),
}

impl Elapsed {
    /// Its frames, to the nearest.
    pub fn frames(self, rate: SampleRate) -> u64 {
        match self {
            Elapsed::Nanoseconds(ns) => {
                let frames = (u128::from(ns) * u128::from(rate.hz()) + 500_000_000) / 1_000_000_000;
                frames as u64
            }
            Elapsed::Samples(samples) => samples,
        }
    }

    /// The value of the text, if it has one.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(number) = text.strip_suffix("samples").or_else(|| text.strip_suffix("sample")) {
            // Enough for months, and no sum of two can overflow.
            return digits(number.trim()).filter(|n| *n <= 1 << 48).map(Elapsed::Samples);
        }
        let (number, decimals) = match text.strip_suffix("ms") {
            Some(number) => (number.trim(), 6),
            None => (text.strip_suffix('s').unwrap_or(text).trim(), 9),
        };
        let (minutes, seconds) = match number.split_once(':').filter(|_| decimals == 9) {
            Some((minutes, seconds)) => {
                let (whole, _) = seconds.split_once('.').unwrap_or((seconds, ""));
                if whole.len() != 2 || whole >= "60" {
                    return None;
                }
                (digits(minutes)?, seconds)
            }
            None => (0, number),
        };
        let (whole, part) = seconds.split_once('.').unwrap_or((seconds, "0"));
        if part.len() > decimals {
            return None;
        }
        let part = digits(part)? * 10_u64.pow((decimals - part.len()) as u32);
        let whole = digits(whole)?.checked_mul(10_u64.pow(decimals as u32))?;
        let minutes = minutes.checked_mul(60_000_000_000)?;
        let nanoseconds = minutes.checked_add(whole)?.checked_add(part)?;
        // A thousand days are enough, and no sum below can overflow.
        (nanoseconds < 86_400_000_000_000_000).then_some(Elapsed::Nanoseconds(nanoseconds))
    }

    /// The JSON Schemas of its forms.
    pub fn schemas() -> [Json; 2] {
        [
            json!({ "type": "number", "minimum": 0 }),
            json!({
                "type": "string",
                "pattern": r"^(([0-9]+:)?[0-9]+(\.[0-9]+)? *s?|[0-9]+(\.[0-9]+)? *ms|[0-9]+ *samples?)$",
            }),
        ]
    }
}

/// A number of plain digits.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

const BEFORE: &str = "lies before the programme begins";

impl Scalar for Time {
    const EXPECTED: &'static str =
        "a time like `12.5 s`, `3:41.250`, `96000 samples`, `01:00:00:00` or `bar 9 beat 3`";

    fn parse(text: &str) -> Option<Self> {
        if text.starts_with("bar ") {
            return Place::parse(text).map(Time::Bars);
        }
        let label = || <Label as Scalar>::parse(text).map(Time::Timecode);
        Elapsed::parse(text).map(Time::Clock).or_else(label)
    }

    fn schema() -> Json {
        let [number, text] = Elapsed::schemas();
        let bars = r"^bar +-?[0-9]+( +beat +[0-9]+(\.[0-9]{1,6})?)?$";
        let bars = json!({ "type": "string", "pattern": bars });
        json!({ "anyOf": [number, text, <Label as Scalar>::schema(), bars] })
    }

    fn refusal(text: &str) -> Option<String> {
        text.starts_with('-').then(|| format!("`{text}` {BEFORE}"))
    }
}

impl Length {
    /// Its video frames, where a second has as many as timecode counts: 24 at 23.976.
    /// `None` if that is no whole number.
    pub fn video_frames(&self, fps: FrameRate) -> Option<u64> {
        match self {
            Length::Clock(Elapsed::Nanoseconds(ns)) => {
                let frames = u128::from(*ns) * u128::from(fps.nominal());
                let whole = frames % 1_000_000_000 == 0;
                whole.then_some((frames / 1_000_000_000) as u64)
            }
            Length::Clock(Elapsed::Samples(_)) => None,
            Length::Timecode(label) => label.timecode(fps).map(Timecode::frames),
        }
    }
}

impl Scalar for Length {
    const EXPECTED: &'static str =
        "a length like `3 s`, `3:41.250`, `144000 samples` or `00:00:03:00`";

    fn parse(text: &str) -> Option<Self> {
        let label = || <Label as Scalar>::parse(text).map(Length::Timecode);
        Elapsed::parse(text).map(Length::Clock).or_else(label)
    }

    fn schema() -> Json {
        let [number, text] = Elapsed::schemas();
        json!({ "anyOf": [number, text, <Label as Scalar>::schema()] })
    }

    fn refusal(text: &str) -> Option<String> {
        if text.starts_with("bar ") {
            Some(format!("`{text}` is a place, and a length is needed: write it like `3 s`"))
        } else if text.starts_with('-') {
            Some(format!("a length cannot be negative: `{text}`"))
        } else {
            None
        }
    }
}

/// A timecode as it is written, `01:00:00:00` or with hundredths of a frame
/// `01:00:00:00.50`; which rate it counts is known only to the session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    text: String,
    hundredths: u8,
}

impl Label {
    /// The timecode at that rate, without hundredths; `None` if the rate has no such label.
    pub fn timecode(&self, fps: FrameRate) -> Option<Timecode> {
        Timecode::parse(&self.text, fps)
    }

    /// Samples from midnight to it, to the nearest.
    pub fn samples(&self, fps: FrameRate, rate: SampleRate) -> Option<u64> {
        let timecode = self.timecode(fps)?;
        Some(fps.audio_frame_within(timecode.frames(), self.hundredths, rate))
    }

    /// Whether it names a place within a frame.
    pub fn is_within_a_frame(&self) -> bool {
        self.hundredths > 0
    }

    /// The label without hundredths.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Scalar for Label {
    const EXPECTED: &'static str = "a timecode like `01:00:00:00`";

    fn parse(text: &str) -> Option<Self> {
        let (label, part) = text.split_once('.').unwrap_or((text, "00"));
        let fields: Vec<&str> = label.split([':', ';']).collect();
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let [hours, minutes, seconds, frames] = fields.as_slice() else { return None };
        let pairs = [hours, minutes, seconds].iter().all(|field| field.len() == 2 && plain(field));
        let frames = (2..=3).contains(&frames.len()) && plain(frames);
        let hundredths = digits(part).filter(|_| part.len() == 2)? as u8;
        (pairs && frames).then(|| Self { text: label.to_owned(), hundredths })
    }

    fn schema() -> Json {
        let pattern = r"^[0-9]{2}:[0-9]{2}:[0-9]{2}[:;][0-9]{2,3}(\.[0-9]{2})?$";
        json!({ "type": "string", "pattern": pattern })
    }
}

impl Scalar for Bpm {
    const EXPECTED: &'static str = "a tempo from 1 to 1000 beats per minute like `96` or `127.5`";

    fn parse(text: &str) -> Option<Self> {
        Bpm::parse(text)
    }

    fn schema() -> Json {
        json!({ "type": "number", "minimum": 1, "maximum": 1000 })
    }

    fn refusal(text: &str) -> Option<String> {
        let (_, decimals) = text.split_once('.')?;
        (decimals.len() > 9).then(|| "a tempo has nine decimals at most".into())
    }
}

impl Scalar for Meter {
    const EXPECTED: &'static str = "a meter like `4/4` or `6/8`";

    fn parse(text: &str) -> Option<Self> {
        Meter::parse(text)
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+/[0-9]+$" })
    }
}

/// A place in bars alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InBars(pub Place);

impl Scalar for InBars {
    const EXPECTED: &'static str = "a place in bars like `bar 33` or `bar 33 beat 3`";

    fn parse(text: &str) -> Option<Self> {
        Place::parse(text).map(InBars)
    }

    fn schema() -> Json {
        let pattern = r"^bar +-?[0-9]+( +beat +[0-9]+(\.[0-9]{1,6})?)?$";
        json!({ "type": "string", "pattern": pattern })
    }
}

record! {
    /// A tempo and where it holds.
    pub TempoChange: "a tempo like `96`, or a map like `{ at: bar 33, bpm: 60 }` or \
        `{ from: bar 33, to: bar 41, bpm: 60 }`",
    short bpm;
    /// Quarter notes per minute.
    bpm: At<Bpm>,
    /// From here on at once.
    at: Option<At<InBars>>,
    /// The tempo begins to glide here, evenly from beat to beat.
    from: Option<At<InBars>>,
    /// The glide is over here.
    to: Option<At<InBars>>,
}

record! {
    /// A meter and where it holds.
    pub MeterChange: "a meter like `4/4`, or a map like `{ at: bar 17, meter: 3/4 }`",
    short meter;
    /// Beats in a bar and the note that is a beat.
    meter: Meter,
    /// From this bar on.
    at: Option<At<InBars>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_whatever_their_form() {
        let rate = SampleRate::new(48_000).unwrap();
        let frames = |text| match Time::parse(text) {
            Some(Time::Clock(span)) => Some(span.frames(rate)),
            _ => None,
        };
        assert_eq!(frames("12.5"), Some(600_000));
        assert_eq!(frames("12.5 s"), Some(600_000));
        assert_eq!(frames("3s"), Some(144_000));
        assert_eq!(frames("0.5 ms"), Some(24));
        assert_eq!(frames("1500ms"), Some(72_000));
        assert_eq!(frames("96001 samples"), Some(96_001));
        assert_eq!(frames("1 sample"), Some(1));
        assert_eq!(frames("3:41.250"), Some(221_250 * 48));
        assert_eq!(frames("61:00"), Some(61 * 60 * 48_000));
        for wrong in [
            "",
            "s",
            "-1",
            "1:5",
            "1:60",
            "1:2:3",
            "1e3",
            "1.",
            ".",
            "x",
            "99999999999",
            "1:00 ms",
            "1.5 samples",
            "-3 samples",
            "0.0000000001",
        ] {
            assert_eq!(frames(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn timecodes_wait_for_their_rate() {
        let rate = SampleRate::new(48_000).unwrap();
        let samples = |text: &str, fps: &str| match Time::parse(text) {
            Some(Time::Timecode(label)) => label.samples(FrameRate::parse(fps).unwrap(), rate),
            _ => None,
        };
        assert_eq!(samples("00:00:01:01", "25"), Some(49_920));
        assert_eq!(samples("00:00:01:01.25", "25"), Some(50_400));
        assert_eq!(samples("00:00:00:31", "25"), None);
        assert_eq!(samples("00:00:00:119", "120"), Some(47_600));
        for wrong in ["00:00:00", "0:00:00:00", "00:00:00:00.5", "00:00:00:0", "00:00:00:0000"] {
            assert_eq!(samples(wrong, "25"), None, "{wrong}");
        }
    }
}
