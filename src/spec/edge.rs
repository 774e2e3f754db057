//! What stands at the head and the tail of files, as deliverables and specs write it.

use serde_json::{Value as Json, json};

use crate::diag::{Diagnostics, Span};
use crate::record;
use crate::units::Gain;
use crate::yaml::record::{At, Field, Scalar};
use crate::yaml::scalars::Hertz;
use crate::yaml::syntax::{Node, Value};
use crate::yaml::times::{Length, Time};

/// One end of the files: `none`, or what stands there.
#[derive(Clone, Debug)]
pub struct Edge<T> {
    /// What stands there; `None` for nothing but the programme.
    pub value: Option<T>,
    /// Where it is written.
    pub span: Span,
}

impl<T: Field> Field for Edge<T> {
    fn decode(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let value = match &node.value {
            Value::Scalar(text) if text == "none" => None,
            _ => Some(T::decode(node, diagnostics)?),
        };
        Some(Self { value, span: node.span.clone() })
    }

    fn schema() -> Json {
        json!({ "anyOf": [{ "const": "none" }, T::schema()] })
    }
}

/// The same in a spec, with the document beside it: `{ pop: ..., source: ... }`.
#[derive(Clone, Debug)]
pub struct Sourced<T> {
    /// What is asked for.
    pub edge: Edge<T>,
    /// The document, and how far it is confirmed.
    pub source: Option<At<String>>,
}

impl<T: Field> Field for Sourced<T> {
    fn decode(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut node = node.clone();
        let mut source = None;
        if let Value::Map(entries) = &mut node.value
            && let Some(at) = entries.iter().position(|(key, _)| key.name == "source")
        {
            source = Some(At::decode(&entries.remove(at).1, diagnostics)?);
        }
        Some(Self { edge: Edge::decode(&node, diagnostics)?, source })
    }

    fn schema() -> Json {
        let mut schema = Edge::<T>::schema();
        schema["anyOf"][1]["properties"]["source"] = <String as Field>::schema();
        schema
    }
}

record! {
    /// A line-up tone: a sine.
    pub RawTone: "a tone like `{ level: -20, hz: 1000 }`";
    /// Its peak in dBFS: -20 for SMPTE, -18 for the EBU.
    level: Gain,
    /// Its frequency; 1 kHz unless given.
    hz: Option<At<Hertz>>,
    /// Where it begins; with the file unless given.
    from: Option<At<Anchor>>,
    /// Where it ends; with the file unless given.
    to: Option<At<Anchor>>,
}

record! {
    /// The head of every file of a package.
    pub RawHead: "a head like `{ pop: 2 s before first_frame }`";
    /// Where the files begin; the start of the programme unless given, or the pop if
    /// that lies before it. What the programme lacks is silence.
    from: Option<At<Anchor>>,
    /// A 2-pop: 1 kHz for one video frame, in every channel.
    pop: Option<At<Anchor>>,
    /// Level of the pop in dBFS; -20 unless given.
    pop_level: Option<Gain>,
    /// A line-up tone in every channel.
    tone: Option<At<RawTone>>,
}

record! {
    /// The tail of every file of a package.
    pub RawTail: "a tail like `{ pop: 2 s after last_frame }`";
    /// Where the files end; the end of the programme unless given, or that of the pop
    /// if it lies behind it. What the programme lacks is silence.
    to: Option<At<Anchor>>,
    /// A tail pop: 1 kHz for one video frame, in every channel.
    pop: Option<At<Anchor>>,
    /// Level of the pop in dBFS; -20 unless given.
    pop_level: Option<Gain>,
}

/// A place that may lie outside the programme.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Anchor {
    /// A place of the programme's clock.
    Time(Time),
    /// `first_frame`, `2 s before first_frame`.
    First(Offset),
    /// `last_frame`, `2 s after last_frame`.
    Last(Offset),
}

/// How far from a frame; seconds are those of timecode.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Offset {
    /// The frame itself.
    None,
    /// So long before it.
    Before(Length),
    /// So long after it.
    After(Length),
}

impl Scalar for Anchor {
    const EXPECTED: &'static str =
        "a place like `2 s before first_frame`, `last_frame` or `00:59:50:00`";

    fn parse(text: &str) -> Option<Self> {
        let (rest, of): (&str, fn(Offset) -> Anchor) =
            match (text.strip_suffix("first_frame"), text.strip_suffix("last_frame")) {
                (Some(rest), _) => (rest.trim(), Anchor::First),
                (None, Some(rest)) => (rest.trim(), Anchor::Last),
                (None, None) => return Time::parse(text).map(Anchor::Time),
            };
        let offset = match (rest.strip_suffix("before"), rest.strip_suffix("after")) {
            _ if rest.is_empty() => Offset::None,
            (Some(length), _) => Offset::Before(Length::parse(length.trim())?),
            (None, Some(length)) => Offset::After(Length::parse(length.trim())?),
            (None, None) => return None,
        };
        Some(of(offset))
    }

    fn schema() -> Json {
        json!({ "type": ["string", "number"] })
    }
}

impl RawHead {
    /// What it asks for, in words: `pop 2 s before first_frame`.
    pub fn words(&self) -> String {
        let RawHead { from, pop, pop_level, tone } = self;
        let tone = tone.as_ref().map(|tone| format!("tone at {} dBFS", tone.value.level.db()));
        let told = [told("from", from), popped(pop, *pop_level), tone];
        told.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl RawTail {
    /// What it asks for, in words: `pop 2 s after last_frame`.
    pub fn words(&self) -> String {
        let RawTail { to, pop, pop_level } = self;
        let told = [told("to", to), popped(pop, *pop_level)];
        told.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

fn told(key: &str, place: &Option<At<Anchor>>) -> Option<String> {
    place.as_ref().map(|at| format!("{key} {}", at.span.text()))
}

fn popped(pop: &Option<At<Anchor>>, level: Option<Gain>) -> Option<String> {
    let level = level.map_or(String::new(), |level| format!(" at {} dBFS", level.db()));
    told("pop", pop).map(|pop| pop + &level)
}
