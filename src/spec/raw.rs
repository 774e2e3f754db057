//! A spec as it is written, and how one that extends another is laid over it.

use serde_json::{Value as Json, json};

use super::{Check, Scope};
use crate::audio::wav::Encoding;
use crate::diag::Diagnostics;
use crate::record;
use crate::units::SampleRate;
use crate::yaml::record::{At, Entries, Field, Reader, Scalar};
use crate::yaml::syntax::Node;

/// A text and its place.
type Text = At<String>;

record! {
    /// The requirements of a recipient.
    pub RawSpec: "a spec: `title`, and what the recipient requires",
    later ["head", "tail", "metadata"];
    /// One line for people.
    title: Option<Text>,
    /// The spec that this one starts from: a name, or a path relative to this file.
    extends: Option<Text>,
    /// Word length of the files: pcm16, pcm24 or float32.
    encoding: Option<Figure<Encoding>>,
    /// Sample rate in Hz, or native: that of the session.
    sample_rate: Option<Figure<RatePolicy>>,
    /// File name without extension; `/` makes folders. Fields: {project} {artist}
    /// {composer} {mixer} {revision} {part} {date} {role} {name} {layout} {channel}
    /// {rate} {bits} {fps} {bpm} {deliverable}. Forms follow after colons, as in
    /// {layout:ch} or {project:camel:14}; {channel?} is left out where there is none.
    template: Option<Figure<String>>,
    /// The same for stems; that of all files unless given.
    stem_template: Option<Figure<String>>,
    /// How file names write roles, as in `m-and-e: ME`.
    role_names: Entries<Figure<String>>,
    /// Characters that file names may hold, as ranges: A-Za-z0-9._-
    legal: Option<Figure<String>>,
    /// Whether a bext chunk carries the start time.
    bext: Option<Figure<bool>>,
    /// Roles that the package's stems must have between them.
    required_stems: Option<Figure<Vec<String>>>,
    /// Roles that the package's mixes must have between them.
    required_mixes: Option<Figure<Vec<String>>>,
    /// Sentences for the read-me.
    notes: Option<Vec<Text>>,
    /// Figures that files are held against, by a name of your choice.
    limits: Entries<RawLimit>,
}

record! {
    /// A figure that files are held against.
    pub RawLimit: "a limit like `{ check: true-peak, max: -1, source: ... }`";
    /// What is measured.
    check: Option<Check>,
    /// On which files: all, stems or mixes. All unless given.
    scope: Option<Scope>,
    /// Lowest value allowed.
    min: Option<At<f64>>,
    /// Highest value allowed.
    max: Option<At<f64>>,
    /// Whether a miss fails the package or only warns.
    severity: Option<Miss>,
    /// The document, and how far the figure is confirmed.
    source: Option<Text>,
}

/// A value and the document it is from: `pcm24`, or `{ value: pcm24, source: ... }`.
#[derive(Clone, Debug)]
pub struct Figure<T> {
    /// The value.
    pub value: At<T>,
    /// The document, and how far it is confirmed.
    pub source: Option<Text>,
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

/// At which sample rate files are delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RatePolicy {
    /// That of the session, whatever it is.
    Native,
    /// This one only.
    Only(SampleRate),
}

impl Scalar for RatePolicy {
    const EXPECTED: &'static str = "`native`, or a sample rate in Hz like `48000`";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "native" => Some(RatePolicy::Native),
            _ => <SampleRate as Scalar>::parse(text).map(RatePolicy::Only),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [{ "const": "native" }, <SampleRate as Scalar>::schema()] })
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
named!(Scope, "`all`, `stems` or `mixes`",
    "all" => Scope::All, "stems" => Scope::Stems, "mixes" => Scope::Mixes);

impl Scalar for Encoding {
    const EXPECTED: &'static str = "a word length: `pcm16`, `pcm24` or `float32`";

    fn parse(text: &str) -> Option<Self> {
        Encoding::parse(text)
    }

    fn schema() -> Json {
        json!({ "enum": <Encoding as Scalar>::names() })
    }

    fn names() -> Vec<&'static str> {
        [Encoding::Pcm16, Encoding::Pcm24, Encoding::Float32].map(Encoding::name).into()
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

impl RawSpec {
    /// This spec where it speaks, and `base` where it is silent.
    pub fn over(self, base: RawSpec) -> RawSpec {
        RawSpec {
            title: self.title.or(base.title),
            extends: base.extends,
            encoding: self.encoding.or(base.encoding),
            sample_rate: self.sample_rate.or(base.sample_rate),
            template: self.template.or(base.template),
            stem_template: self.stem_template.or(base.stem_template),
            role_names: laid_over(self.role_names, base.role_names, |new, _| new),
            legal: self.legal.or(base.legal),
            bext: self.bext.or(base.bext),
            required_stems: self.required_stems.or(base.required_stems),
            required_mixes: self.required_mixes.or(base.required_mixes),
            notes: self.notes.or(base.notes),
            limits: laid_over(self.limits, base.limits, RawLimit::over),
        }
    }
}

/// The entries of `new` over those of `base`; where both have one, `merge` decides.
fn laid_over<T>(new: Entries<T>, base: Entries<T>, merge: impl Fn(T, T) -> T) -> Entries<T> {
    let mut entries = base.0;
    for entry in new.0 {
        match entries.iter_mut().find(|old| old.name == entry.name) {
            Some(old) => {
                old.span = entry.span;
                old.body = match (entry.body, old.body.take()) {
                    (Some(new), Some(base)) => Some(merge(new, base)),
                    (new, base) => new.or(base),
                };
            }
            None => entries.push(entry),
        }
    }
    Entries(entries)
}

impl RawLimit {
    fn over(self, base: RawLimit) -> RawLimit {
        // A new figure does not come from the old document.
        let changed = self.min.is_some() || self.max.is_some();
        RawLimit {
            check: self.check.or(base.check),
            scope: self.scope.or(base.scope),
            min: self.min.or(base.min),
            max: self.max.or(base.max),
            severity: self.severity.or(base.severity),
            source: if changed { self.source } else { self.source.or(base.source) },
        }
    }
}
