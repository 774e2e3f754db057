//! Texts, numbers and the units of the trade as scalars.

use serde_json::{Value as Json, json};

use super::record::Scalar;
use crate::units::{FrameRate, Gain, SampleRate};

impl Scalar for String {
    const EXPECTED: &'static str = "a text";

    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn schema() -> Json {
        json!({ "type": ["string", "number", "boolean"] })
    }
}

impl Scalar for bool {
    const EXPECTED: &'static str = "`true` or `false`";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn schema() -> Json {
        json!({ "type": "boolean" })
    }

    fn names() -> Vec<&'static str> {
        vec!["true", "false"]
    }
}

impl Scalar for f64 {
    const EXPECTED: &'static str = "a number";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }

    fn schema() -> Json {
        json!({ "type": "number" })
    }
}

impl Scalar for Gain {
    const EXPECTED: &'static str = "a gain in dB like `-1.5` or `-1.5 dB`";

    fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix("dB").unwrap_or(text).trim();
        number.parse().ok().and_then(Gain::from_db)
    }

    fn schema() -> Json {
        json!({ "anyOf": [
            { "type": "number", "minimum": -144, "maximum": 144 },
            { "type": "string", "pattern": r"^[-+]?[0-9]*\.?[0-9]+ ?dB$" },
        ] })
    }
}

impl Scalar for SampleRate {
    const EXPECTED: &'static str = "a sample rate in Hz like `48000`";

    fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix("Hz").unwrap_or(text).trim();
        number.parse().ok().and_then(SampleRate::new)
    }

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": 8000, "maximum": 768000 })
    }
}

impl Scalar for FrameRate {
    const EXPECTED: &'static str = "a frame rate: `23.976`, `24`, `25`, `29.97`, `29.97df`, `30`, `50`, \
         `59.94`, `59.94df` or `60`";

    fn parse(text: &str) -> Option<Self> {
        FrameRate::parse(text)
    }

    fn schema() -> Json {
        // YAML makes numbers of most of them.
        let numbers = FrameRate::names().filter_map(|name| name.parse::<f64>().ok());
        let all = FrameRate::names().map(Json::from).chain(numbers.map(Json::from));
        json!({ "enum": all.collect::<Vec<_>>() })
    }
}

/// A frequency in Hz.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Hertz(pub f64);

impl Scalar for Hertz {
    const EXPECTED: &'static str = "a frequency in Hz like `80` or `2.5 kHz`";

    fn parse(text: &str) -> Option<Self> {
        let (number, scale) = match (text.strip_suffix("kHz"), text.strip_suffix("Hz")) {
            (Some(number), _) => (number, 1000.0),
            (None, Some(number)) => (number, 1.0),
            (None, None) => (text, 1.0),
        };
        let hz: f64 = number.trim().parse().ok()?;
        (hz > 0.0 && hz.is_finite()).then_some(Hertz(hz * scale))
    }

    fn schema() -> Json {
        json!({ "type": ["number", "string"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_carry_their_unit_or_none() {
        for text in ["-1.5", "-1.5 dB", "-1.5dB"] {
            assert_eq!(Gain::parse(text).map(Gain::db), Some(-1.5));
        }
        for wrong in ["inf", "nan", "200", "-1.5 dBFS", "loud"] {
            assert_eq!(Gain::parse(wrong), None, "{wrong}");
        }
    }
}
