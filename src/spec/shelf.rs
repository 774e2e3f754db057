//! Where specs are found: those that ship inside the binary, and a house's own files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::raw::{Figure, Miss, RatePolicy, RawLimit, RawSpec};
use super::template::{Template, TemplateError};
use super::{Limit, Scope, Spec, is_in};
use crate::audio::wav::Encoding;
use crate::diag::{Diagnostic, Diagnostics, SourceText, Span};
use crate::fsio::Disk;
use crate::yaml::record::{At, Entry, Field};
use crate::yaml::syntax;

/// The specs inside the binary: name and text.
const SHIPPED: [(&str, &str); 6] = [
    ("stem-mastering", include_str!("../../specs/stem-mastering.yaml")),
    ("production-stems", include_str!("../../specs/production-stems.yaml")),
    ("sync-licensing", include_str!("../../specs/sync-licensing.yaml")),
    ("remix", include_str!("../../specs/remix.yaml")),
    ("dme", include_str!("../../specs/dme.yaml")),
    ("m-and-e", include_str!("../../specs/m-and-e.yaml")),
];

/// What file names may hold unless the spec says otherwise.
pub(super) const LEGAL: &str = "A-Za-z0-9._-";
/// How files are named unless the spec says otherwise.
pub(super) const TEMPLATE: &str = "{project}_{name}";

fn default_template() -> Template {
    Template::parse(TEMPLATE).expect("BUG: the template of specs that have none is sound")
}

/// Names of the specs inside the binary.
pub(super) fn shipped_names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// A spec with all that it extends laid under it, and the files it was read from.
pub(super) struct Effective {
    /// Its name: of a file, the name without extension.
    pub(super) name: String,
    /// The values in force, each with its place.
    pub(super) raw: RawSpec,
    /// The house's own files among the layers.
    pub(super) files: Vec<PathBuf>,
}

/// Finds the spec that `written` names, a shipped one or a path relative to
/// `folder`. `at` is where it is written, if that is in a file.
pub(super) fn find(
    written: &str,
    at: Option<&Span>,
    folder: &Path,
    disk: &Disk,
) -> Result<Effective, Diagnostics> {
    let mut layer = read_layer(written, at, folder, disk)?;
    let name = layer.name.clone();
    let mut files: Vec<PathBuf> = layer.file.iter().cloned().collect();
    let mut raw = layer.raw;
    while let Some(base) = raw.extends.take() {
        let folder = layer.file.as_deref().and_then(Path::parent).unwrap_or(folder);
        layer = read_layer(&base.value, Some(&base.span), folder, disk)?;
        if layer.file.as_ref().is_some_and(|file| files.contains(file)) {
            let title = format!("spec `{name}` extends itself");
            return Err(Diagnostic::error(title).at(&base.span, "this leads back").into());
        }
        files.extend(layer.file.clone());
        raw = raw.over(layer.raw);
    }
    Ok(Effective { name, raw, files })
}

struct Layer {
    name: String,
    file: Option<PathBuf>,
    raw: RawSpec,
}

fn read_layer(
    written: &str,
    at: Option<&Span>,
    folder: &Path,
    disk: &Disk,
) -> Result<Layer, Diagnostics> {
    let is_path = written.contains(['/', '\\']) || written.ends_with(".yaml");
    let placed = |diagnostic: Diagnostic| match at {
        Some(span) => diagnostic.at(span, ""),
        None => diagnostic,
    };
    if !is_path {
        let Some((name, text)) = SHIPPED.iter().find(|(name, _)| *name == written) else {
            let error = placed(Diagnostic::error(format!("unknown spec `{written}`")));
            return Err(error.did_you_mean(written, shipped_names()).into());
        };
        let raw = parse(&format!("specs/{name}.yaml"), text)?;
        return Ok(Layer { name: (*name).into(), file: None, raw });
    }
    let path = disk.canonical(&folder.join(written));
    let bytes = disk.read(&path).map_err(|error| placed(Diagnostic::error(error.to_string())))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| placed(Diagnostic::error(format!("{written} is not UTF-8 text"))))?;
    let stem = path.file_stem().unwrap_or_default();
    let name = stem.to_string_lossy().into_owned();
    Ok(Layer { name, raw: parse(written, &text)?, file: Some(path) })
}

fn parse(path: &str, text: &str) -> Result<RawSpec, Diagnostics> {
    let source = Arc::new(SourceText { path: path.into(), text: text.into() });
    let node = syntax::parse(&source)?;
    let mut diagnostics = Diagnostics::default();
    match RawSpec::decode(&node, &mut diagnostics) {
        Some(raw) if !diagnostics.has_errors() => Ok(raw),
        _ => Err(diagnostics),
    }
}

impl Effective {
    /// The spec with its defaults filled in.
    pub(super) fn build(self) -> Result<Spec, Diagnostics> {
        let mut diagnostics = Diagnostics::default();
        let raw = self.raw;
        let legal = raw.legal.map_or_else(|| LEGAL.to_owned(), |figure| figure.value.value);
        let named = template(&raw.template, &legal, &mut diagnostics);
        let stem_template = template(&raw.stem_template, &legal, &mut diagnostics);
        let limits: Vec<Limit> = raw
            .limits
            .0
            .iter()
            .filter_map(|entry| build_limit(entry, entry.body.as_ref()?, &mut diagnostics))
            .collect();
        let role_names = role_names(raw.role_names.0, &legal, &mut diagnostics);
        let spec = Spec {
            title: raw.title.map_or_else(|| self.name.clone(), |title| title.value),
            name: self.name,
            encoding: raw.encoding.map_or(Encoding::Pcm24, |figure| figure.value.value),
            sample_rate: match raw.sample_rate.map(|figure| figure.value.value) {
                Some(RatePolicy::Only(rate)) => Some(rate),
                Some(RatePolicy::Native) | None => None,
            },
            template: named.unwrap_or_else(default_template),
            stem_template,
            role_names,
            legal,
            bext: raw.bext.is_none_or(|figure| figure.value.value),
            required_stems: raw.required_stems.map(|f| f.value.value).unwrap_or_default(),
            required_mixes: raw.required_mixes.map(|f| f.value.value).unwrap_or_default(),
            notes: raw.notes.into_iter().flatten().map(|note| note.value).collect(),
            limits,
        };
        if diagnostics.has_errors() { Err(diagnostics) } else { Ok(spec) }
    }
}

fn build_limit(
    entry: &Entry<RawLimit>,
    raw: &RawLimit,
    diagnostics: &mut Diagnostics,
) -> Option<Limit> {
    let Some(check) = raw.check else {
        let title = format!("limit `{}` does not say what it checks", entry.name);
        diagnostics
            .push(Diagnostic::error(title).at(&entry.span, "").help("add `check: true-peak`"));
        return None;
    };
    let figure = raw.max.as_ref().or(raw.min.as_ref());
    let Some(figure) = figure else {
        let title = format!("limit `{}` has neither `min` nor `max`", entry.name);
        diagnostics.push(Diagnostic::error(title).at(&entry.span, "").help("add `max: -1`"));
        return None;
    };
    let source = raw.source.as_ref().map(|source| source.value.clone());
    Some(Limit {
        check,
        scope: raw.scope.unwrap_or(Scope::All),
        min: raw.min.as_ref().map(|min| min.value),
        max: raw.max.as_ref().map(|max| max.value),
        fails: raw.severity.unwrap_or(Miss::Fail) == Miss::Fail,
        source: source.unwrap_or_else(|| format!("set in {}", figure.span.place())),
    })
}

/// The template that is in force, whose own characters must be legal.
fn template(
    figure: &Option<Figure<String>>,
    legal: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Template> {
    let At { value, span } = &figure.as_ref()?.value;
    match Template::parse(value) {
        Ok(template) => {
            let illegal = |c: &char| *c != '/' && !is_in(legal, *c);
            if let Some(wrong) = template.literals().find(illegal) {
                let title = format!("the template holds `{wrong}`, which `legal` does not allow");
                let error = Diagnostic::error(title).at(span, format!("allowed are {legal}"));
                diagnostics.push(error.help("write another character, or add it to `legal`"));
            }
            Some(template)
        }
        Err(TemplateError { title, help }) => {
            diagnostics.push(Diagnostic::error(title).at(span, "").help(help));
            None
        }
    }
}

/// Roles and the words that file names have for them.
fn role_names(
    entries: Vec<Entry<Figure<String>>>,
    legal: &str,
    diagnostics: &mut Diagnostics,
) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for entry in entries {
        let Some(At { value, span }) = entry.body.map(|figure| figure.value) else { continue };
        if let Some(wrong) = value.chars().find(|c| !is_in(legal, *c)) {
            let title = format!("`{value}` holds `{wrong}`, which `legal` does not allow");
            let error = Diagnostic::error(title).at(&span, format!("allowed are {legal}"));
            diagnostics.push(error.help("write another word for this role"));
        }
        names.push((entry.name, value));
    }
    names
}
