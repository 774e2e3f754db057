//! The effective spec in words: every value with its source and its place.

use std::fmt::Write;
use std::path::Path;

use super::Channels;
use super::build::{self, LEGAL, TEMPLATE};
use super::edge::{RawHead, RawTail, Sourced};
use super::figures::{Figure, Miss};
use super::limit::Scope;
use super::raw::{RawLimit, RawReport};
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
    figure(&mut text, "sample_rate", &raw.sample_rate, "native", |rates| match &rates.0[..] {
        [] => "native".into(),
        rates => joined(rates),
    });
    figure(&mut text, "layouts", &raw.layouts, "any", |all| joined(all));
    figure(&mut text, "required_layouts", &raw.required_layouts, "none", |all| joined(all));
    figure(&mut text, "channels", &raw.channels, "interleaved", |value| match value {
        Channels::Interleaved => "interleaved".into(),
        Channels::MultiMono => "multi-mono".into(),
    });
    figure(&mut text, "template", &raw.template, TEMPLATE, String::clone);
    figure(&mut text, "stem_template", &raw.stem_template, "as all files", String::clone);
    for entry in &raw.role_names.0 {
        figure(&mut text, &format!("role_name {}", entry.name), &entry.body, "", String::clone);
    }
    figure(&mut text, "legal", &raw.legal, LEGAL, String::clone);
    figure(&mut text, "bext", &raw.bext, "true", bool::to_string);
    figure(&mut text, "required", &raw.required, "none", |kinds| joined(kinds));
    figure(&mut text, "wanted", &raw.wanted, "none", |kinds| joined(kinds));
    for (key, roles) in [
        ("required_stems", &raw.required_stems),
        ("wanted_stems", &raw.wanted_stems),
        ("required_mixes", &raw.required_mixes),
        ("wanted_mixes", &raw.wanted_mixes),
    ] {
        figure(&mut text, key, roles, "none", |roles| roles.join(", "));
    }
    edge(&mut text, "head", &raw.head, RawHead::words);
    edge(&mut text, "tail", &raw.tail, RawTail::words);
    for entry in &raw.limits.0 {
        if let Some(body) = &entry.body {
            limit(&mut text, entry, body);
        }
    }
    for entry in &raw.reports.0 {
        if let Some(body) = &entry.body {
            report(&mut text, entry, body);
        }
    }
    for (key, notes) in [("note", &raw.notes), ("not judged", &raw.not_judged)] {
        for note in notes.iter().flatten() {
            push(&mut text, key, &note.value, &set_in(&note.span), None);
        }
    }
    text
}

fn joined<T: std::fmt::Display>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn edge<T>(text: &mut String, key: &str, raw: &Option<Sourced<T>>, words: fn(&T) -> String) {
    let Some(Sourced { edge, source }) = raw else {
        return push(text, key, "none", "the default", None);
    };
    let value = edge.value.as_ref().map_or_else(|| "none".to_owned(), words);
    let source = source.as_ref().map(|source| source.value.as_str());
    push(text, key, &value, &set_in(&edge.span), source);
}

fn report(text: &mut String, entry: &Entry<RawReport>, raw: &RawReport) {
    let title = raw.title.as_ref().map_or(entry.name.as_str(), |title| &title.value);
    let Some(target) = &raw.target else { return };
    let mut value = format!("{title} plays at {} LUFS", target.value);
    value.push_str(&match (raw.raises, &raw.ceiling) {
        (Some(true), Some(ceiling)) => {
            format!(", turns up what is quieter, to {} dBTP at most", ceiling.value)
        }
        (Some(true), None) => ", turns up what is quieter".to_owned(),
        _ => ", does not turn up what is quieter".to_owned(),
    });
    let source = raw.source.as_ref().map(|source| source.value.as_str());
    push(text, &format!("report {}", entry.name), &value, &set_in(&target.span), source);
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
        Scope::Tracks => "tracks",
        Scope::Stems => "stems",
        Scope::Mixes => "mixes",
    };
    value.push_str(&format!(" of {scope}"));
    if let Some(role) = &raw.role {
        value.push_str(&format!(" with role {}", role.value));
    }
    let (min, max) = build::bounds(raw);
    for (word, bound) in [("at least", min), ("at most", max)] {
        if let Some(bound) = bound {
            value.push_str(&format!(", {word} {bound} {unit}"));
        }
    }
    value.push_str(match raw.severity.unwrap_or(Miss::Fail) {
        Miss::Fail => ", or fails",
        Miss::Warn => ", or warns",
    });
    if let Some(either) = &raw.either {
        value.push_str(&format!("; one limit of `either: {}` is enough", either.value));
    }
    let figure = raw.max.as_ref().or(raw.min.as_ref()).or(raw.target.as_ref());
    let place = set_in(figure.map_or(&entry.span, |at| &at.span));
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
