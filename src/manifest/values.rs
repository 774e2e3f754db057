//! What only manifests hold: times, channels, pans, tempos.

use serde_json::{Value as Json, json};

use crate::audio::layout::{Channel, Layout};
use crate::units::{FrameRate, SampleRate, Timecode};
use crate::yaml::record::Scalar;

impl Scalar for Layout {
    const EXPECTED: &'static str = "a layout: `mono`, `stereo` or `5.1`";

    fn parse(text: &str) -> Option<Self> {
        Layout::parse(text)
    }

    fn schema() -> Json {
        json!({ "enum": ["mono", "stereo", "5.1", 5.1, "1.0", 1.0, "2.0", 2.0] })
    }

    fn names() -> Vec<&'static str> {
        Layout::names().collect()
    }

    fn refusal(text: &str) -> Option<String> {
        let later = ["2.1", "3.0", "4.0", "quad", "5.0", "6.1", "7.0", "7.1", "5.1.4", "7.1.4"];
        let known = later.contains(&text);
        known.then(|| format!("layout `{text}` is not in this version of rebounce yet"))
    }
}

impl Scalar for Channel {
    const EXPECTED: &'static str = "a channel: `L`, `R`, `C`, `LFE`, `Ls`, `Rs`, or `M` for mono";

    fn parse(text: &str) -> Option<Self> {
        Channel::parse(text)
    }

    fn schema() -> Json {
        json!({ "enum": Channel::names().collect::<Vec<_>>() })
    }

    fn names() -> Vec<&'static str> {
        Channel::names().collect()
    }
}

/// Whether a signal is turned upside down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Polarity {
    /// As it is.
    Normal,
    /// Every sample negated.
    Invert,
}

impl Scalar for Polarity {
    const EXPECTED: &'static str = "a polarity: `normal` or `invert`";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "normal" => Some(Polarity::Normal),
            "invert" => Some(Polarity::Invert),
            _ => None,
        }
    }

    fn schema() -> Json {
        json!({ "enum": ["normal", "invert"] })
    }

    fn names() -> Vec<&'static str> {
        vec!["normal", "invert"]
    }
}

/// A place between left and right: -100 to 100.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pan(pub f64);

impl Scalar for Pan {
    const EXPECTED: &'static str = "a pan from -100 (left) to 100 (right)";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|pan: &f64| pan.abs() <= 100.0).map(Pan)
    }

    fn schema() -> Json {
        json!({ "type": "number", "minimum": -100, "maximum": 100 })
    }
}

/// Beats per minute.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tempo(pub f64);

impl Scalar for Tempo {
    const EXPECTED: &'static str = "a tempo in beats per minute like `96` or `127.5`";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|bpm: &f64| (1.0..=1000.0).contains(bpm)).map(Tempo)
    }

    fn schema() -> Json {
        json!({ "type": "number", "minimum": 1, "maximum": 1000 })
    }
}

/// A meter, `4/4`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meter(pub String);

impl Scalar for Meter {
    const EXPECTED: &'static str = "a meter like `4/4` or `6/8`";

    fn parse(text: &str) -> Option<Self> {
        let (beats, unit) = text.split_once('/')?;
        let (beats, unit): (u32, u32) = (beats.trim().parse().ok()?, unit.trim().parse().ok()?);
        let known = (1..=64).contains(&beats) && unit.is_power_of_two() && unit <= 64;
        known.then(|| Meter(format!("{beats}/{unit}")))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+/[0-9]+$" })
    }
}

/// The only fold-down this version has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoRo;

impl Scalar for LoRo {
    const EXPECTED: &'static str = "a kind of downmix: `lo-ro`";

    fn parse(text: &str) -> Option<Self> {
        (text == "lo-ro").then_some(LoRo)
    }

    fn schema() -> Json {
        json!({ "const": "lo-ro" })
    }

    fn names() -> Vec<&'static str> {
        vec!["lo-ro"]
    }

    fn refusal(text: &str) -> Option<String> {
        (text == "lt-rt").then(|| "`lt-rt` is not in this version of rebounce yet".into())
    }
}

/// The manifest's version, always 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version1;

impl Scalar for Version1 {
    const EXPECTED: &'static str = "`1`, the version of manifests that this rebounce reads";

    fn parse(text: &str) -> Option<Self> {
        (text == "1").then_some(Version1)
    }

    fn schema() -> Json {
        json!({ "const": 1 })
    }
}

/// A place or a length of time as it was written. How many frames it is depends
/// on the rates of the programme.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Time {
    /// `12.5`, `12.5 s` or `3:41.250`, in whole nanoseconds: decimal digits, so
    /// that no float rounds them.
    Nanoseconds(u64),
    /// `01:00:00:00`: fields of two digits.
    Timecode([u8; 11]),
}

impl Time {
    /// The frame it stands for; `None` for a timecode that `fps` does not have.
    pub fn frames(self, rate: SampleRate, fps: Option<FrameRate>) -> Option<u64> {
        match self {
            Time::Nanoseconds(ns) => {
                let frames = (u128::from(ns) * u128::from(rate.hz()) + 500_000_000) / 1_000_000_000;
                u64::try_from(frames).ok()
            }
            Time::Timecode(_) => {
                let fps = fps?;
                Some(self.timecode(fps)?.samples_since_midnight(fps, rate))
            }
        }
    }

    fn timecode(self, fps: FrameRate) -> Option<Timecode> {
        match &self {
            Time::Timecode(label) => Timecode::parse(std::str::from_utf8(label).ok()?, fps),
            Time::Nanoseconds(_) => None,
        }
    }
}

impl Scalar for Time {
    const EXPECTED: &'static str = "a time like `12.5 s`, `3:41.250` or `01:00:00:00`";

    fn parse(text: &str) -> Option<Self> {
        if let (11, 3) = (text.len(), text.matches([':', ';']).count()) {
            return text.as_bytes().try_into().ok().map(Time::Timecode);
        }
        let number = text.strip_suffix('s').unwrap_or(text).trim();
        let (minutes, seconds) = match number.split_once(':') {
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
        if part.len() > 9 {
            return None;
        }
        let nanoseconds = digits(part)? * 10_u64.pow(9 - part.len() as u32);
        // A thousand days are enough, and no sum below can overflow.
        let seconds = minutes.checked_mul(60)?.checked_add(digits(whole)?)?;
        (seconds < 86_400_000).then(|| Time::Nanoseconds(seconds * 1_000_000_000 + nanoseconds))
    }

    fn schema() -> Json {
        json!({ "anyOf": [
            { "type": "number", "minimum": 0 },
            { "type": "string", "pattern": r"^([0-9]+:)?[0-9]+(\.[0-9]+)?( ?s)?$" },
            { "type": "string", "pattern": "^[0-9]{2}:[0-9]{2}:[0-9]{2}[:;][0-9]{2}$" },
        ] })
    }

    fn refusal(text: &str) -> Option<String> {
        if text.starts_with("bar ") {
            Some("times in bars are not in this version of rebounce yet".into())
        } else if text.starts_with('-') {
            Some(format!("`{text}` lies before the programme begins"))
        } else {
            None
        }
    }
}

/// A number of plain digits.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A timecode label; which rate it counts is known only to the session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label(pub String);

impl Scalar for Label {
    const EXPECTED: &'static str = "a timecode like `01:00:00:00`";

    fn parse(text: &str) -> Option<Self> {
        matches!(Time::parse(text), Some(Time::Timecode(_))).then(|| Label(text.to_owned()))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9]{2}:[0-9]{2}:[0-9]{2}[:;][0-9]{2}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_whatever_their_form() {
        let rate = SampleRate::new(48_000).unwrap();
        let frames = |text| Time::parse(text).and_then(|time| time.frames(rate, None));
        assert_eq!(frames("12.5"), Some(600_000));
        assert_eq!(frames("12.5 s"), Some(600_000));
        assert_eq!(frames("3s"), Some(144_000));
        assert_eq!(frames("3:41.250"), Some(221_250 * 48));
        assert_eq!(frames("61:00"), Some(61 * 60 * 48_000));
        for wrong in ["", "s", "-1", "1:5", "1:60", "1:2:3", "1e3", "1.", ".", "x", "99999999999"] {
            assert_eq!(frames(wrong).filter(|_| wrong != "1."), None, "{wrong}");
        }
        let fps = FrameRate::parse("25").unwrap();
        let time = Time::parse("00:00:01:01").unwrap();
        assert_eq!(time.frames(rate, Some(fps)), Some(49_920));
        assert_eq!(time.frames(rate, None), None);
        assert_eq!(Time::parse("00:00:00:31").unwrap().frames(rate, Some(fps)), None);
    }
}
