//! What only manifests hold: layouts, channels, pans. Times stand in `times`.

use serde_json::{Value as Json, json};

use crate::audio::layout::{Channel, Layout};
use crate::dsp::downmix::{Kind, Level};
use crate::dsp::pan::PanLaw;
use crate::units::Gain;
use crate::yaml::record::Scalar;

impl Scalar for Layout {
    const EXPECTED: &'static str = "a layout like `stereo`, `5.1` or `7.1.4`";

    fn parse(text: &str) -> Option<Self> {
        Layout::parse(text)
    }

    fn schema() -> Json {
        let words = Layout::names().chain(["1.0", "2.0", "3.0", "4.0"]).map(Json::from);
        // What looks like a number to YAML.
        let numbers = [1.0, 2.0, 3.0, 4.0, 5.0, 5.1, 7.0, 7.1].map(Json::from);
        json!({ "enum": words.chain(numbers).collect::<Vec<_>>() })
    }

    fn names() -> Vec<&'static str> {
        Layout::names().collect()
    }
}

impl Scalar for Channel {
    const EXPECTED: &'static str = "a channel like `L`, `C`, `LFE`, `Ls`, or `M` for mono";

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

/// Width of a stereo signal in percent: 0 to 200.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Width(pub f64);

impl Scalar for Width {
    const EXPECTED: &'static str = "a width from 0 (mono) by 100 (as it is) to 200 percent";

    fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix('%').unwrap_or(text).trim();
        number.parse().ok().filter(|width: &f64| (0.0..=200.0).contains(width)).map(Width)
    }

    fn schema() -> Json {
        json!({ "type": ["number", "string"], "minimum": 0, "maximum": 200, "pattern": "^[0-9.]+ ?%$" })
    }
}

impl Scalar for PanLaw {
    const EXPECTED: &'static str = "a pan law by its level in the middle: `-3`, `-4.5` or `-6`";

    fn parse(text: &str) -> Option<Self> {
        PanLaw::parse(text.strip_suffix("dB").unwrap_or(text).trim())
    }

    fn schema() -> Json {
        json!({ "enum": [-3, -4.5, -6, "-3 dB", "-4.5 dB", "-6 dB"] })
    }
}

impl Scalar for Kind {
    const EXPECTED: &'static str = "a kind of downmix: `lo-ro`, `lt-rt`, `mono`, `5.1` or `7.1`";

    fn parse(text: &str) -> Option<Self> {
        Kind::ALL.into_iter().find(|kind| kind.name() == text)
    }

    fn schema() -> Json {
        json!({ "enum": ["lo-ro", "lt-rt", "mono", "5.1", 5.1, "7.1", 7.1] })
    }

    fn names() -> Vec<&'static str> {
        Kind::ALL.map(Kind::name).to_vec()
    }
}

impl Scalar for Level {
    const EXPECTED: &'static str = "a level in dB like `-3`, or `off`";

    fn parse(text: &str) -> Option<Self> {
        if text == "off" {
            return Some(Level::OFF);
        }
        <Gain as Scalar>::parse(text).map(|gain| Level::db(gain.db()))
    }

    fn schema() -> Json {
        let mut schema = <Gain as Scalar>::schema();
        // YAML 1.1, by which editors read, takes `off` for false.
        let off = json!({ "enum": ["off", false] });
        schema["anyOf"].as_array_mut().expect("BUG: gains have forms").push(off);
        schema
    }
}

/// A language as BCP 47 (RFC 5646) writes it: `fr`, `fr-FR`, `es-419`, `zh-Hans`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Language(pub String);

impl Scalar for Language {
    const EXPECTED: &'static str = "a language like `fr`, `fr-FR` or `es-419`";

    fn parse(text: &str) -> Option<Self> {
        let mut subtags = text.split('-');
        let first = subtags.next()?;
        let letters = first.bytes().all(|byte| byte.is_ascii_alphabetic());
        let known = |tag: &str| {
            (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let language = letters && (2..=3).contains(&first.len());
        (language && subtags.all(known)).then(|| Language(text.to_owned()))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$" })
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
