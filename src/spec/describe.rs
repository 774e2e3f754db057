//! The effective spec in words: every value with its source and its place.

use std::fmt::Write;
use std::path::Path;

use super::Scope;
use super::raw::{Figure, Miss, RatePolicy, RawLimit};
use super::shelf::{self, Effective};
use crate::diag::{Diagnostics, Span};
use crate::fsio::Disk;
use crate::yaml::record::Entry;

/// The specs inside the binary: name and title.
pub fn list() -> Vec<(String, String)> {
    let title = |name: &str| {
        let found = shelf::find(name, None, Path::new(""), &Disk::new()).ok();
        found.and_then(|spec| spec.raw.title).map(|title| title.value).unwrap_or_default()
    };
    shelf::shipped_names().map(|name| (name.to_owned(), title(name))).collect()
}

/// The spec of that name, or of that path relative to `folder`, as `rebounce
/// specs NAME` shows it: each value in force, its source, and the line that set it.
pub fn describe(name: &str, folder: &Path, disk: &Disk) -> Result<String, Diagnostics> {
    let spec = shelf::find(name, None, folder, disk)?;
    let text = words(&spec);
    spec.build()?;
    Ok(text)
}

fn words(spec: &Effective) -> String {
    let raw = &spec.raw;
    let mut text = match &raw.title {
        Some(title) => format!("{}: {}\n", spec.name, title.value),
        None => format!("{}\n", spec.name),
    };
    figure(&mut text, "encoding", &raw.encoding, "pcm24", |value| value.name().into());
    figure(&mut text, "sample_rate", &raw.sample_rate, "native", |value| match value {
        RatePolicy::Native => "native".into(),
        RatePolicy::Only(rate) => rate.to_string(),
    });
    figure(&mut text, "template", &raw.template, shelf::TEMPLATE, String::clone);
    figure(&mut text, "stem_template", &raw.stem_template, "as all files", String::clone);
    for entry in &raw.role_names.0 {
        figure(&mut text, &format!("role_name {}", entry.name), &entry.body, "", String::clone);
    }
    figure(&mut text, "legal", &raw.legal, shelf::LEGAL, String::clone);
    figure(&mut text, "bext", &raw.bext, "true", bool::to_string);
    figure(&mut text, "required_stems", &raw.required_stems, "none", |roles| roles.join(", "));
    figure(&mut text, "required_mixes", &raw.required_mixes, "none", |roles| roles.join(", "));
    for entry in &raw.limits.0 {
        if let Some(body) = &entry.body {
            limit(&mut text, entry, body);
        }
    }
    for note in raw.notes.iter().flatten() {
        push(&mut text, "note", &note.value, &set_in(&note.span), None);
    }
    text
}

fn figure<T>(
    text: &mut String,
    key: &str,
    figure: &Option<Figure<T>>,
    default: &str,
    show: impl FnOnce(&T) -> String,
) {
    match figure {
        None => push(text, key, default, "the default", None),
        Some(figure) => {
            let source = figure.source.as_ref().map(|source| source.value.as_str());
            let value = show(&figure.value.value);
            push(text, key, &value, &set_in(&figure.value.span), source);
        }
    }
}

fn limit(text: &mut String, entry: &Entry<RawLimit>, raw: &RawLimit) {
    let (name, unit) = raw.check.map_or(("?", ""), |check| (check.name(), check.unit()));
    let mut value = name.to_owned();
    let scope = match raw.scope.unwrap_or(Scope::All) {
        Scope::All => "all files",
        Scope::Stems => "stems",
        Scope::Mixes => "mixes",
    };
    value.push_str(&format!(" of {scope}"));
    for (word, bound) in [("at least", &raw.min), ("at most", &raw.max)] {
        if let Some(bound) = bound {
            value.push_str(&format!(", {word} {} {unit}", bound.value));
        }
    }
    value.push_str(match raw.severity.unwrap_or(Miss::Fail) {
        Miss::Fail => ", or fails",
        Miss::Warn => ", or warns",
    });
    let place = set_in(raw.max.as_ref().or(raw.min.as_ref()).map_or(&entry.span, |at| &at.span));
    let source = raw.source.as_ref().map(|source| source.value.as_str());
    push(text, &format!("limit {}", entry.name), &value, &place, source);
}

fn set_in(span: &Span) -> String {
    format!("set in {}", span.place())
}

fn push(text: &mut String, key: &str, value: &str, place: &str, source: Option<&str>) {
    let _ = writeln!(text, "\n  {key}: {value}");
    let _ = writeln!(text, "      {place}");
    if let Some(source) = source {
        let _ = writeln!(text, "      source: {source}");
    }
}
