//! What only manifests hold: layouts, channels, pans. Times stand in `times`.

use serde_json::{Value as Json, json};

use crate::audio::layout::{Channel, Layout};
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
