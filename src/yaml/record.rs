//! Tree to structs, every mistake in one run; and the same structs as JSON Schema.
//!
//! [`record!`](crate::record) says a record once: its fields are its keys, their
//! doc comments the descriptions that an editor shows, and the types of the
//! fields decode and describe themselves through [`Field`]. A mistake is noted
//! and reading goes on, so that one run finds them all: an optional field that
//! is wrong counts as absent, a required one spoils its record.

use serde_json::{Value as Json, json};

use super::syntax::{Key, Node, Value};
use crate::diag::{Diagnostic, Diagnostics, Span};

/// A type that can be read from a node and described to editors.
pub trait Field: Sized {
    /// The value, or `None` with the reason among the diagnostics.
    fn decode(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self>;

    /// What stands for a key that is not there; `None` if it is required.
    fn absent() -> Option<Self> {
        None
    }

    /// The JSON Schema (draft 2020-12) of its values.
    fn schema() -> Json;
}

/// A value written as plain text or number.
pub trait Scalar: Sized {
    /// What is expected, in the user's words: "a gain in dB like `-1.5`".
    const EXPECTED: &'static str;

    /// The value of the text, if it has one.
    fn parse(text: &str) -> Option<Self>;

    /// The JSON Schema of its values.
    fn schema() -> Json;

    /// All values there are, where they can be counted: for "did you mean".
    fn names() -> Vec<&'static str> {
        Vec::new()
    }

    /// Why a text is refused although others like it are not, if there is more to
    /// say than what is expected.
    fn refusal(_text: &str) -> Option<String> {
        None
    }
}

impl<T: Scalar> Field for T {
    fn decode(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let text = match &node.value {
            Value::Scalar(text) => text,
            _ => {
                diagnostics.push(mismatch(node, T::EXPECTED));
                return None;
            }
        };
        let value = T::parse(text);
        if value.is_none() {
            diagnostics.push(match T::refusal(text) {
                Some(why) => Diagnostic::error(why).at(&node.span, ""),
                None => mismatch(node, T::EXPECTED).did_you_mean(text, T::names()),
            });
        }
        value
    }

    fn schema() -> Json {
        T::schema()
    }
}

/// The error for a node of another kind than is wanted.
pub fn mismatch(node: &Node, expected: &str) -> Diagnostic {
    Diagnostic::error(format!("expected {expected}, found {}", node.value.kind()))
        .at(&node.span, "")
}

impl<T: Field> Field for Option<T> {
    fn decode(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        T::decode(node, diagnostics).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn schema() -> Json {
        T::schema()
    }
}

impl<T: Field> Field for Vec<T> {
    fn decode(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let Value::List(list) = &node.value else {
            diagnostics.push(mismatch(node, "a list like `[a, b]`"));
            return None;
        };
        // Every item is read before the first failure counts.
        let items: Vec<Option<T>> = list.iter().map(|item| T::decode(item, diagnostics)).collect();
        items.into_iter().collect()
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": T::schema() })
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T: Field> Field for At<T> {
    fn decode(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let value = T::decode(node, diagnostics)?;
        Some(Self { value, span: node.span.clone() })
    }

    fn schema() -> Json {
        T::schema()
    }
}

/// One or several: `full` or `[drums, bass]`.
#[derive(Clone, Debug)]
pub struct Several<T>(pub Vec<T>);

impl<T: Field> Field for Several<T> {
    fn decode(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            Value::Scalar(_) => T::decode(node, diagnostics).map(|one| Self(vec![one])),
            _ => Vec::decode(node, diagnostics).map(Self),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [T::schema(), Vec::<T>::schema()] })
    }
}

/// The word `all`, or a list.
#[derive(Clone, Debug)]
pub enum Selection<T> {
    /// `all`.
    All,
    /// `[a, b]`.
    These(Vec<T>),
}

impl<T: Field> Field for Selection<T> {
    fn decode(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            Value::Scalar(text) if text == "all" => Some(Selection::All),
            Value::List(_) => Vec::decode(node, diagnostics).map(Selection::These),
            _ => {
                diagnostics.push(mismatch(node, "`all` or a list like `[a, b]`"));
                None
            }
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [{ "const": "all" }, Vec::<T>::schema()] })
    }
}

/// One entry of a map whose keys the user chooses.
#[derive(Clone, Debug)]
pub struct Entry<T> {
    /// The key.
    pub name: String,
    /// Where the key stands.
    pub span: Span,
    /// The value, as far as it could be read.
    pub body: Option<T>,
    /// How many mistakes the value has.
    pub errors: usize,
}

/// A map whose keys the user chooses, in the order of the text. An entry that is
/// wrong keeps its name, so that others may still speak of it.
#[derive(Clone, Debug)]
pub struct Entries<T>(pub Vec<Entry<T>>);

// Derived, it would ask for `T: Default`.
impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Field> Field for Entries<T> {
    fn decode(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let Value::Map(map) = &node.value else {
            diagnostics.push(mismatch(node, "names with their values, one per line"));
            return None;
        };
        let entry = |(key, item): &(Key, Node)| {
            let mut found = Diagnostics::default();
            let body = T::decode(item, &mut found);
            let errors = found.errors();
            diagnostics.extend(found);
            Entry { name: key.name.clone(), span: key.span.clone(), body, errors }
        };
        Some(Self(map.iter().map(entry).collect()))
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn schema() -> Json {
        json!({ "type": "object", "additionalProperties": T::schema() })
    }
}

/// The keys of a map while a record is read from it.
pub struct Reader<'a> {
    entries: &'a [(Key, Node)],
    span: &'a Span,
    whole: bool,
}

impl<'a> Reader<'a> {
    /// Starts on a node, which must be a map. Keys that are neither in `keys` nor
    /// in `later` are unknown; those in `later` mean something that this version
    /// does not do, and are refused with that word.
    pub fn new(
        node: &'a Node,
        what: &str,
        keys: &[&str],
        later: &[&str],
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            diagnostics.push(mismatch(node, what));
            return None;
        };
        for (key, _) in entries {
            let name = key.name.as_str();
            if keys.contains(&name) {
                continue;
            }
            diagnostics.push(if later.contains(&name) {
                Diagnostic::error(format!("`{name}` is not in this version of rebounce yet"))
                    .at(&key.span, "cannot be built")
                    .help("remove it, or comment it out until it is")
            } else {
                Diagnostic::error(format!("unknown key `{name}`"))
                    .at(&key.span, "")
                    .did_you_mean(name, keys.iter().copied())
            });
        }
        Some(Self { entries, span: &node.span, whole: true })
    }

    /// The field of that key.
    pub fn field<T: Field>(&mut self, name: &str, diagnostics: &mut Diagnostics) -> Option<T> {
        let value = match self.entries.iter().find(|(key, _)| key.name == name) {
            Some((_, node)) => T::decode(node, diagnostics).or_else(T::absent),
            None => T::absent().or_else(|| {
                let title = format!("`{name}` is missing");
                let error = Diagnostic::error(title).at(self.span, "it belongs in here");
                diagnostics.push(error.help(format!("add `{name}: ...`")));
                None
            }),
        };
        self.whole &= value.is_some();
        value
    }
}

/// The schema of a whole file.
pub fn document(title: &str, schema: Json) -> Json {
    let mut schema = schema;
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = title.into();
    schema
}

/// The key of a field: `loop` for `r#loop`.
pub fn key(field: &'static str) -> &'static str {
    field.strip_prefix("r#").unwrap_or(field)
}

/// The schema of one key of a record.
pub fn property(schema: Json, docs: &[&str]) -> Json {
    let mut schema = schema;
    let text = docs.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    if let (Json::Object(object), false) = (&mut schema, text.is_empty()) {
        object.insert("description".into(), Json::String(text));
    }
    schema
}

/// Says a record once: a struct, how it is read, and its JSON Schema.
///
/// `what` is how messages name it. `short: key` lets a value that is not a map
/// stand for that one key: `drums: [kick, snare]` is `drums: { from: [kick,
/// snare] }`. `later` lists keys that mean something this version does not do.
#[macro_export]
macro_rules! record {
    (
        $(#[doc = $about:literal])*
        $vis:vis $name:ident: $what:literal
        $(, short $short:ident)?
        $(, later [$($later:literal),* $(,)?])?;
        $($(#[doc = $doc:literal])* $field:ident: $type:ty,)*
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $($(#[doc = $doc])* $vis $field: $type,)*
        }

        impl $crate::yaml::record::Field for $name {
            fn decode(
                node: &$crate::yaml::syntax::Node,
                diagnostics: &mut $crate::diag::Diagnostics,
            ) -> Option<Self> {
                $(let node = &node.long_form(stringify!($short));)?
                let mut reader = $crate::yaml::record::Reader::new(
                    node,
                    $what,
                    &[$($crate::yaml::record::key(stringify!($field))),*],
                    &[$($($later),*)?],
                    diagnostics,
                )?;
                // All fields are read before the first failure counts.
                $(let $field = reader.field::<$type>($crate::yaml::record::key(stringify!($field)), diagnostics);)*
                Some(Self { $($field: $field?,)* })
            }

            fn schema() -> serde_json::Value {
                let mut properties = serde_json::Map::new();
                let mut required: Vec<&str> = Vec::new();
                $(
                    let schema = <$type as $crate::yaml::record::Field>::schema();
                    properties.insert(
                        $crate::yaml::record::key(stringify!($field)).into(),
                        $crate::yaml::record::property(schema, &[$($doc),*]),
                    );
                    if <$type as $crate::yaml::record::Field>::absent().is_none() {
                        required.push($crate::yaml::record::key(stringify!($field)));
                    }
                )*
                let object = serde_json::json!({
                    "type": "object",
                    "properties": properties,
                    "required": required,
                    "additionalProperties": false,
                });
                $(let object = serde_json::json!({
                    "anyOf": [object["properties"][stringify!($short)].clone(), object],
                });)?
                object
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diag::SourceText;
    use crate::yaml::syntax;

    record! {
        /// A dish.
        Dish: "a dish like `soup`, or a map",
        short name,
        later ["wine"];
        /// What it is
        /// called.
        name: String,
        /// Is it hot?
        hot: Option<bool>,
        /// What goes into it.
        parts: Entries<At<f64>>,
    }

    fn read(text: &str) -> (Option<Dish>, Vec<String>) {
        let source = Arc::new(SourceText { path: "menu.yaml".into(), text: text.into() });
        let mut diagnostics = Diagnostics::default();
        let dish = Dish::decode(&syntax::parse(&source).unwrap(), &mut diagnostics);
        (dish, diagnostics.iter().map(|d| d.title().to_owned()).collect())
    }

    #[test]
    fn a_record_is_read_in_its_long_form_and_in_its_short_one() {
        let (dish, errors) = read("{ name: soup, hot: true, parts: { salt: 1.5 } }");
        let dish = dish.expect("a dish");
        assert_eq!((dish.name.as_str(), dish.hot, errors.len()), ("soup", Some(true), 0));
        assert_eq!((dish.parts.0[0].name.as_str(), dish.parts.0[0].errors), ("salt", 0));
        let dish = read("1.10").0.expect("a dish");
        assert_eq!((dish.name.as_str(), dish.hot, dish.parts.0.len()), ("1.10", None, 0));
    }

    #[test]
    fn every_mistake_is_told_and_spoils_no_more_than_it_must() {
        let (dish, errors) =
            read("{ nmae: x, name: soup, hot: lukewarm, wine: red, parts: { a: b } }");
        let dish = dish.expect("all that is required is there");
        assert_eq!((dish.hot, dish.parts.0[0].errors), (None, 1));
        assert!(dish.parts.0[0].body.is_none());
        assert_eq!(
            errors,
            [
                "unknown key `nmae`",
                "`wine` is not in this version of rebounce yet",
                "expected `true` or `false`, found `lukewarm`",
                "expected a number, found `b`",
            ]
        );
        let (dish, errors) = read("{ hot: [], parts: 3 }");
        assert!(dish.is_none());
        assert_eq!(
            errors,
            [
                "`name` is missing",
                "expected `true` or `false`, found a list",
                "expected names with their values, one per line, found `3`",
            ]
        );
    }

    #[test]
    fn the_schema_is_made_of_the_same_words() {
        let text =
            json!({ "type": ["string", "number", "boolean"], "description": "What it is called." });
        let long = json!({
            "type": "object",
            "properties": {
                "name": text,
                "hot": { "type": "boolean", "description": "Is it hot?" },
                "parts": {
                    "type": "object",
                    "additionalProperties": { "type": "number" },
                    "description": "What goes into it.",
                },
            },
            "required": ["name"],
            "additionalProperties": false,
        });
        assert_eq!(Dish::schema(), json!({ "anyOf": [text, long] }));
    }
}
