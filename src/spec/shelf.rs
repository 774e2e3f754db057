//! Where specs are found: those that ship inside the binary, and a house's own files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Spec;
use super::raw::RawSpec;
use crate::diag::{Diagnostic, Diagnostics, SourceText, Span};
use crate::fsio::Disk;
use crate::yaml::record::Field;
use crate::yaml::syntax;

/// The specs inside the binary: name and text.
const SHIPPED: [(&str, &str); 19] = [
    ("stem-mastering", include_str!("../../specs/stem-mastering.yaml")),
    ("production-stems", include_str!("../../specs/production-stems.yaml")),
    ("multitracks", include_str!("../../specs/multitracks.yaml")),
    ("sync-licensing", include_str!("../../specs/sync-licensing.yaml")),
    ("remix", include_str!("../../specs/remix.yaml")),
    ("performance", include_str!("../../specs/performance.yaml")),
    ("dme", include_str!("../../specs/dme.yaml")),
    ("m-and-e", include_str!("../../specs/m-and-e.yaml")),
    ("netflix-m-and-e", include_str!("../../specs/netflix-m-and-e.yaml")),
    ("netflix-nearfield-5.1", include_str!("../../specs/netflix-nearfield-5.1.yaml")),
    ("amazon-nearfield", include_str!("../../specs/amazon-nearfield.yaml")),
    ("wbd-component-audio", include_str!("../../specs/wbd-component-audio.yaml")),
    ("film-reel", include_str!("../../specs/film-reel.yaml")),
    ("ebu-r128", include_str!("../../specs/ebu-r128.yaml")),
    ("ebu-r128-s1", include_str!("../../specs/ebu-r128-s1.yaml")),
    ("atsc-a85", include_str!("../../specs/atsc-a85.yaml")),
    ("dpp", include_str!("../../specs/dpp.yaml")),
    ("streaming-music", include_str!("../../specs/streaming-music.yaml")),
    ("apple-digital-masters", include_str!("../../specs/apple-digital-masters.yaml")),
];

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
        super::build::build(self.name, self.raw)
    }
}
