//! Single values of specs: with their source, by their names, in their units.

use serde_json::{Value as Json, json};

use super::limit::{Check, Scope};
use super::{Channels, FileKind};
use crate::audio::wav::Encoding;
use crate::diag::Diagnostics;
use crate::units::SampleRate;
use crate::yaml::record::{At, Field, Reader, Scalar, mismatch};
use crate::yaml::syntax::{Node, Value};

/// A value and the document it is from: `pcm24`, or `{ value: pcm24, source: ... }`.
#[derive(Clone, Debug)]
pub struct Figure<T> {
    /// The value.
    pub value: At<T>,
    /// The document, and how far it is confirmed.
    pub source: Option<At<String>>,
}

impl<T: Field> Field for Figure<T> {
    fn decode(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let node = &node.long_form("value");
        let what = "a value, or a map like `{ value: ..., source: ... }`";
        let mut reader = Reader::new(node, what, &["value", "source"], &[], diagnostics)?;
        let value = reader.field("value", diagnostics);
        let source = reader.field("source", diagnostics);
        Some(Self { value: value?, source: source? })
    }

    fn schema() -> Json {
        json!({ "anyOf": [T::schema(), {
            "type": "object",
            "properties": { "value": T::schema(), "source": <String as Field>::schema() },
            "required": ["value"],
            "additionalProperties": false,
        }] })
    }
}

/// At which sample rates files may be delivered, the first before the others;
/// empty for that of the session, whatever it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rates(pub Vec<SampleRate>);

impl Field for Rates {
    fn decode(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            Value::Scalar(text) if text == "native" => Some(Rates(Vec::new())),
            Value::Scalar(text) => match <SampleRate as Scalar>::parse(text) {
                Some(rate) => Some(Rates(vec![rate])),
                None => {
                    let expected = "`native`, a sample rate in Hz like `48000`, or a list of them";
                    diagnostics.push(mismatch(node, expected).did_you_mean(text, ["native"]));
                    None
                }
            },
            _ => Vec::decode(node, diagnostics).map(Rates),
        }
    }

    fn schema() -> Json {
        let rate = <SampleRate as Field>::schema();
        json!({ "anyOf": [{ "const": "native" }, rate, { "type": "array", "items": rate }] })
    }
}

/// What a missed limit does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Miss {
    /// It fails the package.
    Fail,
    /// It is reported as a warning.
    Warn,
}

/// Implements `Scalar` for values that have a fixed set of names.
macro_rules! named {
    ($type:ty, $expected:literal, $($name:literal => $value:expr),* $(,)?) => {
        impl Scalar for $type {
            const EXPECTED: &'static str = $expected;

            fn parse(text: &str) -> Option<Self> {
                match text {
                    $($name => Some($value),)*
                    _ => None,
                }
            }

            fn schema() -> Json {
                json!({ "enum": [$($name),*] })
            }

            fn names() -> Vec<&'static str> {
                vec![$($name),*]
            }
        }
    };
}

named!(Miss, "`fail` or `warn`", "fail" => Miss::Fail, "warn" => Miss::Warn);
named!(Scope, "`all`, `tracks`, `stems` or `mixes`",
    "all" => Scope::All, "tracks" => Scope::Tracks, "stems" => Scope::Stems, "mixes" => Scope::Mixes);
named!(FileKind, "`tracks`, `stems` or `mixes`",
    "tracks" => FileKind::Track, "stems" => FileKind::Stem, "mixes" => FileKind::Mix);
named!(Channels, "`interleaved` or `multi-mono`",
    "interleaved" => Channels::Interleaved, "multi-mono" => Channels::MultiMono);

impl Scalar for Encoding {
    const EXPECTED: &'static str = "a word length: `pcm16`, `pcm16-shaped`, `pcm24` or `float32`";

    fn parse(text: &str) -> Option<Self> {
        Encoding::parse(text)
    }

    fn schema() -> Json {
        json!({ "enum": <Encoding as Scalar>::names() })
    }

    fn names() -> Vec<&'static str> {
        Encoding::ALL.map(Encoding::name).into()
    }
}

impl Scalar for Check {
    const EXPECTED: &'static str = "something that is measured, like `true-peak`";

    fn parse(text: &str) -> Option<Self> {
        Check::ALL.into_iter().find(|check| check.name() == text)
    }

    fn schema() -> Json {
        json!({ "enum": <Check as Scalar>::names() })
    }

    fn names() -> Vec<&'static str> {
        Check::ALL.map(Check::name).into()
    }
}
