//! Text to tree. The only place that knows the YAML crate.
//!
//! The crate is bent in two ways. Numbers reach a visitor as numbers, and
//! `title: 1.10` would become 1.1; so the text of a plain scalar is taken from
//! the source. And its errors are worded by us, with our line and caret.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{Location, Spanned};

use crate::diag::{Diagnostic, SourceText, Span};

/// Deeper nesting than any manifest has; it bounds the recursion of all that
/// walk a tree. Without optimisation the reader takes some 32 KiB of stack for a
/// level, and threads have 2 MiB.
const MAX_DEPTH: usize = 32;

/// How many values aliases may add to those that are written: enough for
/// thousands of merged defaults, too little for an alias bomb.
const MAX_REPLAYED: usize = 100_000;

/// A value and where it stands. For an alias that is where it is used.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands; of a list or map only the first character or less.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a value is. Types of scalars are the business of whoever reads them.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing, or `~`.
    Null,
    /// Anything else that is neither list nor map.
    /// It holds the text as written, without its quotes.
    Scalar(String),
    /// `[...]` or lines that start with `-`.
    List(Vec<Node>),
    /// Keys and values in the order of the text.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub struct Key {
    /// The text as written, without its quotes.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

impl Value {
    /// What it is, for messages.
    pub fn kind(&self) -> String {
        match self {
            Value::Null => "nothing".into(),
            Value::Scalar(text) => format!("`{text}`"),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a map".into(),
        }
    }
}

impl Node {
    /// The node as a map: one that is none stands for the value of `key`.
    pub fn long_form(&self, key: &str) -> Node {
        let value = match &self.value {
            Value::Map(map) => Value::Map(map.clone()),
            _ => {
                let key = Key { name: key.to_owned(), span: self.span.clone() };
                Value::Map(vec![(key, self.clone())])
            }
        };
        Node { span: self.span.clone(), value }
    }
}

/// Reads a text as one YAML document.
pub fn parse(source: &Arc<SourceText>) -> Result<Node, Diagnostic> {
    // No text has more values than characters, so only aliases can exceed this.
    let most = source.text.len().max(1_000) + MAX_REPLAYED;
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_nodes: most,
            max_events: most * 4,
            max_depth: MAX_DEPTH,
            max_total_scalar_bytes: most * 4,
            max_merge_keys: MAX_REPLAYED,
        },
        alias_limits: serde_yaml::alias_limits! { max_total_replayed_events: MAX_REPLAYED },
    };
    match serde_yaml::from_str_with_options::<Tree>(&source.text, options) {
        Ok(Tree(Spanned { value: Parsed::Null, .. })) => {
            Err(Diagnostic::error(format!("{} is empty", source.path)))
        }
        Ok(tree) => Ok(tree.placed(source)),
        Err(error) => Err(diagnose(&error, source)),
    }
}

/// A node as the crate hands it over.
struct Tree(Spanned<Parsed>);

enum Parsed {
    Null,
    /// A number or boolean: its text must be fetched from the source.
    Converted(String),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(Spanned<String>, Tree)>),
}

impl Tree {
    fn placed(self, source: &Arc<SourceText>) -> Node {
        let Spanned { value, referenced, defined } = self.0;
        let written = Span::new(source, range(&defined, &source.text));
        let value = match value {
            Parsed::Null => Value::Null,
            Parsed::Converted(parsed) => {
                let raw = written.text();
                Value::Scalar(if raw.is_empty() { parsed } else { raw.to_owned() })
            }
            Parsed::Text(text) => Value::Scalar(text),
            Parsed::List(list) => {
                Value::List(list.into_iter().map(|item| item.placed(source)).collect())
            }
            Parsed::Map(map) => {
                let placed = |(key, item): (Spanned<String>, Tree)| {
                    let span = Span::new(source, range(&key.referenced, &source.text));
                    (Key { name: key.value, span }, item.placed(source))
                };
                Value::Map(map.into_iter().map(placed).collect())
            }
        };
        Node { span: Span::new(source, range(&referenced, &source.text)), value }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Tree)
    }
}

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParsedVisitor)
    }
}

struct ParsedVisitor;

impl<'de> Visitor<'de> for ParsedVisitor {
    type Value = Parsed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Parsed, E> {
        Ok(Parsed::Null)
    }

    fn visit_none<E>(self) -> Result<Parsed, E> {
        Ok(Parsed::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Parsed, E> {
        Ok(Parsed::Converted(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Parsed, E> {
        Ok(Parsed::Converted(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Parsed, E> {
        Ok(Parsed::Converted(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Parsed, E> {
        Ok(Parsed::Converted(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Parsed, E> {
        Ok(Parsed::Converted(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Parsed, E> {
        Ok(Parsed::Converted(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Parsed, E> {
        Ok(Parsed::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Parsed, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = access.next_element()? {
            list.push(item);
        }
        Ok(Parsed::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Parsed, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = access.next_entry()? {
            map.push(entry);
        }
        Ok(Parsed::Map(map))
    }
}

/// The bytes that a place of the crate covers.
fn range(location: &Location, text: &str) -> Range<usize> {
    let span = location.span();
    match (span.byte_offset(), span.byte_len()) {
        (Some(start), Some(length)) => start as usize..(start + length) as usize,
        // Errors of its scanner come without bytes; columns count characters.
        _ => {
            let lines = location.line().saturating_sub(1) as usize;
            let start: usize = text.split_inclusive('\n').take(lines).map(str::len).sum();
            let column = location.column().saturating_sub(1) as usize;
            let line = text.get(start..).unwrap_or_default();
            let before: usize = line.chars().take(column).map(char::len_utf8).sum();
            start + before..start + before
        }
    }
}

/// Words an error of the crate, with our source line.
fn diagnose(error: &serde_yaml::Error, source: &Arc<SourceText>) -> Diagnostic {
    use serde_yaml::Error as E;
    let location = error.location();
    let error = error.without_snippet();
    let span = Span::new(source, location.map_or(0..0, |at| range(&at, &source.text)));
    let at = |title: &str, label: &str| Diagnostic::error(title).at(&span, label);
    match error {
        E::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("this");
            at(&format!("key `{key}` is given twice"), "the second one")
                .help("keep one of them; the other would be lost without a word")
        }
        E::UnknownAnchor { .. } => at("this alias has no anchor", "nothing is marked with this")
            .help("mark the value with `&name` further up, then use `*name`"),
        E::MultipleDocuments { .. } => at("a second document begins here", "after `---`")
            .help("one file holds one document; remove the `---`"),
        E::AliasReplayLimitExceeded { .. }
        | E::AliasReplayStackDepthExceeded { .. }
        | E::Budget { .. } => at("this grows beyond all measure", "aliases or nesting without end")
            .help("write it with fewer aliases (`*name`) and less nesting"),
        E::AliasError { error, .. } => diagnose(error, source),
        other => {
            let message = other.to_string();
            // The crate appends its own account of the place.
            let why = message.split(" at line ").next().unwrap_or_default().to_owned();
            let diagnostic = at("this is not valid YAML", &why);
            if why.starts_with("tabs disallowed") {
                diagnostic.help("indent with spaces")
            } else {
                diagnostic
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Diagnostics;

    fn source(text: &str) -> Arc<SourceText> {
        Arc::new(SourceText { path: "d.yaml".into(), text: text.into() })
    }

    fn error(text: &str) -> String {
        let diagnostic = parse(&source(text)).expect_err("this must not parse");
        Diagnostics::from(diagnostic).render(false)
    }

    fn show(node: &Node) -> String {
        match &node.value {
            Value::Null => "null".into(),
            Value::Scalar(text) => text.replace('\n', "|"),
            Value::List(list) => {
                format!("[{}]", list.iter().map(show).collect::<Vec<_>>().join(" "))
            }
            Value::Map(map) => {
                let entry = |(key, item): &(Key, Node)| format!("{}={}", key.name, show(item));
                format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(" "))
            }
        }
    }

    fn tree(text: &str) -> String {
        show(&parse(&source(text)).expect("this must parse"))
    }

    #[test]
    fn scalars_keep_the_text_that_was_written() {
        assert_eq!(
            tree("{ a: 1.10, b: no, c: 0x1F, d: 01:00:00:00, e: ~, f: '1.10', g: -0.50, 5.10: x }"),
            "{a=1.10 b=no c=0x1F d=01:00:00:00 e=null f=1.10 g=-0.50 5.10=x}"
        );
        assert_eq!(tree("a: two\n  lines\nb: |\n  block\n"), "{a=two lines b=block|}");
    }

    #[test]
    fn aliases_and_merge_keys_are_followed_and_stand_where_they_are_used() {
        let text = "base: &b { gain: -1.50, at: 2 }\nkick: { <<: *b, at: 3 }\ncopy: *b\n";
        assert_eq!(
            tree(text),
            "{base={gain=-1.50 at=2} kick={at=3 gain=-1.50} copy={gain=-1.50 at=2}}"
        );
        let node = parse(&source(text)).unwrap();
        let Value::Map(map) = &node.value else { panic!("a map") };
        assert_eq!(map[2].1.span.text(), "*b");
    }

    #[test]
    fn every_error_has_its_line_and_caret() {
        assert_eq!(
            error("a: 1\nä: 2\na: 3\n"),
            "\
error: key `a` is given twice
 --> d.yaml:3:1
  |
3 | a: 3
  | ^ the second one
  |
  = help: keep one of them; the other would be lost without a word

"
        );
        assert_eq!(
            error("a: 1\nb:\n\tc: 2\n"),
            "\
error: this is not valid YAML
 --> d.yaml:3:2
  |
3 |     c: 2
  |     ^ tabs disallowed within this context (block indentation)
  |
  = help: indent with spaces

"
        );
        for (text, place) in [
            ("a: 'open\nb: 1\n", "d.yaml:"),
            ("a: [1, 2\nb: 3\n", "d.yaml:2:2"),
            ("ab: *nowhere\n", "d.yaml:1:5"),
            ("é: é\n---\nb: 1\n", "d.yaml:"),
        ] {
            let shown = error(text);
            assert!(shown.contains(place), "{shown}");
        }
        assert_eq!(error(""), "error: d.yaml is empty\n\n");
    }

    #[test]
    fn bombs_and_abysses_end_quickly_and_quietly() {
        let mut bomb = String::from("a0: &a0 [x, x]\n");
        for n in 1..40 {
            bomb.push_str(&format!("a{n}: &a{n} [*a{m}, *a{m}, *a{m}]\n", m = n - 1));
        }
        assert!(error(&bomb).contains("beyond all measure"), "{}", error(&bomb));
        let abyss = "[".repeat(20_000);
        assert!(error(&abyss).starts_with("error: "));
        let blocks: String = (0..20_000).map(|n| format!("{}a:\n", " ".repeat(n % 3000))).collect();
        let _ = parse(&source(&blocks));
    }

    #[test]
    fn ten_megabytes_are_read() {
        let mut text = String::from("tracks:\n");
        while text.len() < 10 << 20 {
            let n = text.len();
            text.push_str(&format!("  t{n}: {{ file: audio/{n}.wav, gain: -1.5 }}\n"));
        }
        assert!(parse(&source(&text)).is_ok());
    }
}
