//! Deliverables: what they hold, what their files are called, where they go.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::delivery::{Content, Deliverable, DeliveredFile, MixId, Part, Programme, Project};
use super::links::{Links, Names, named};
use super::raw::{self, Manifest, Text};
use super::resolve::Faults;
use super::sums::{Sums, top_stems};
use crate::audio::layout::Layout;
use crate::audio::wav::Encoding;
use crate::diag::{Diagnostic, Diagnostics, shown};
use crate::fsio::Disk;
use crate::spec::{self, Spec};
use crate::units::SampleRate;
use crate::yaml::record::{Entry, Selection};

/// What packages are made from.
pub(super) struct Ground<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) names: &'a Names<'a>,
    pub(super) links: &'a Links,
    pub(super) sums: &'a Sums,
    pub(super) project: &'a Project,
    pub(super) programme: &'a Programme,
    pub(super) disk: &'a Disk,
    /// Folder of the manifest.
    pub(super) home: &'a Path,
    /// The folder that holds the packages.
    pub(super) root: &'a Path,
    /// Files that are read and must never be written: path, and how it is shown.
    pub(super) precious: Vec<(PathBuf, String)>,
}

/// The deliverables that can be made, and the house's own spec files they use.
/// With errors in what they hear they are left out.
pub(super) fn resolve(
    ground: &mut Ground<'_>,
    faults: &mut Faults,
) -> (Vec<Deliverable>, Vec<PathBuf>) {
    let entries = &ground.manifest.deliverables.0;
    let mut packages = Vec::new();
    let mut spec_files: Vec<PathBuf> = Vec::new();
    let mut folders: BTreeMap<String, &Entry<raw::Deliverable>> = BTreeMap::new();
    for entry in entries {
        let mut found = Diagnostics::default();
        check_folder(ground, entry, &mut found);
        if let Some(first) = folders.get(&entry.name.to_lowercase()) {
            let title = format!("`{}` and `{}` would be one folder", first.name, entry.name);
            found.push(
                Diagnostic::error(title)
                    .at(&entry.span, "")
                    .context(&first.span, "")
                    .help("macOS and Windows do not tell upper case from lower; rename one"),
            );
        }
        folders.insert(entry.name.to_lowercase(), entry);
        let package = entry.body.as_ref().and_then(|raw| {
            let spec = match spec::load(&raw.spec.value, &raw.spec.span, ground.home, ground.disk) {
                Ok((spec, files)) => {
                    let new = files.into_iter().filter(|file| !spec_files.contains(file));
                    spec_files.extend(new.collect::<Vec<_>>());
                    Some(Arc::new(spec))
                }
                Err(errors) => {
                    found.extend(errors);
                    None
                }
            };
            package(ground, entry, raw, spec, &mut found)
        });
        let whole = entry.errors == 0 && !found.has_errors();
        faults.join(found);
        packages.extend(package.filter(|_| whole));
    }
    for file in &spec_files {
        ground.precious.push((file.clone(), shown(file).to_string()));
    }
    packages.retain(|package| guard(ground, package, faults));
    (packages, spec_files)
}

/// One package. `None` if its content or spec cannot be known.
fn package(
    ground: &Ground<'_>,
    entry: &Entry<raw::Deliverable>,
    raw: &raw::Deliverable,
    spec: Option<Arc<Spec>>,
    found: &mut Diagnostics,
) -> Option<Deliverable> {
    let contents = contents(ground, entry, raw, found)?;
    let spec = spec?;
    if contents.is_empty() && entry.errors > 0 {
        // What it should hold could not be read.
        return None;
    }
    if contents.is_empty() {
        let title = format!("deliverable `{}` is empty", entry.name);
        let error = Diagnostic::error(title).at(&entry.span, "no stems and no mixes");
        found.push(error.help("add `stems: all` or `mixes: [...]`"));
        return None;
    }
    if let Some(rate) = spec.sample_rate.filter(|rate| *rate != ground.programme.sample_rate) {
        let title = format!("spec `{}` asks for {rate}", spec.name);
        let label = format!("the programme is at {}", ground.programme.sample_rate);
        let error = Diagnostic::error(title).at(&raw.spec.span, label);
        found.push(error.help("deliver to another spec; this version does not convert rates"));
    }
    check_roles(ground, entry, &spec, &contents, found);
    check_project(ground, raw, &spec, found)?;
    let mut files: Vec<DeliveredFile> = Vec::new();
    let mut taken: BTreeMap<String, Content> = BTreeMap::new();
    for content in &contents {
        let Some(layout) = ground.sums.layouts.get(&part_of(*content)).copied() else { continue };
        let Some(path) = file_name(ground, entry, raw, &spec, *content, layout, found) else {
            continue;
        };
        if let Some(other) = taken.insert(path.to_lowercase(), *content) {
            found.push(same_name(ground, entry, &spec, &path, other, *content));
        }
        files.push(DeliveredFile { path, content: *content, encoding: spec.encoding, layout });
    }
    Some(Deliverable {
        name: entry.name.clone(),
        spec,
        files,
        notes: raw.notes.as_ref().map_or(String::new(), |text| text.value.clone()),
        span: entry.span.clone(),
    })
}

/// The error for two files of one name.
fn same_name(
    ground: &Ground<'_>,
    entry: &Entry<raw::Deliverable>,
    spec: &Spec,
    path: &str,
    one: Content,
    two: Content,
) -> Diagnostic {
    let (first, first_span) = named(ground.manifest, part_of(one));
    let (second, second_span) = named(ground.manifest, part_of(two));
    if one == two {
        let title = format!("deliverable `{}` names `{first}` twice", entry.name);
        return Diagnostic::error(title).at(&entry.span, "").help("name it once");
    }
    Diagnostic::error(format!("two files of `{}` are called `{path}`", entry.name))
        .at(&entry.span, format!("`{first}` and `{second}`"))
        .context(first_span, "the first")
        .context(second_span, "the second")
        .help(format!(
            "rename one, or put more fields into the spec's template `{}`",
            spec.template
        ))
}

/// What the template takes from the project must be there.
fn check_project(
    ground: &Ground<'_>,
    raw: &raw::Deliverable,
    spec: &Spec,
    found: &mut Diagnostics,
) -> Option<()> {
    let project = ground.project;
    for (field, key, text) in
        [("{project}", "title", &project.title), ("{artist}", "artist", &project.artist)]
    {
        if spec.template.contains(field) && fold(text, spec).is_empty() {
            let title = format!("spec `{}` names files by the project's {key}", spec.name);
            let error = Diagnostic::error(title).at(&raw.spec.span, "but there is none");
            found.push(error.help(format!("add `project: {{ {key}: ... }}`")));
            return None;
        }
    }
    Some(())
}

pub(super) fn part_of(content: Content) -> Part {
    match content {
        Content::Stem(id) => Part::Stem(id),
        Content::Mix(id) => Part::Mix(id),
    }
}

/// Stems first, then mixes. `None` if a name stands for nothing.
fn contents(
    ground: &Ground<'_>,
    entry: &Entry<raw::Deliverable>,
    raw: &raw::Deliverable,
    found: &mut Diagnostics,
) -> Option<Vec<Content>> {
    let errors = found.errors();
    let mut chosen = |texts: &[Text], kind: &str| -> Vec<Part> {
        let mut parts = Vec::new();
        for text in texts {
            match ground.names.find(text, &[kind]) {
                Ok(part) => parts.push(part),
                Err(error) => found.push(error.context(&entry.span, "in this deliverable")),
            }
        }
        parts
    };
    let stems = match &raw.stems {
        None => Vec::new(),
        Some(Selection::All) => {
            top_stems(ground.manifest, ground.links).into_iter().map(Part::Stem).collect()
        }
        Some(Selection::These(texts)) => chosen(texts, "stem"),
    };
    let mixes = match &raw.mixes {
        None => Vec::new(),
        Some(Selection::All) => {
            (0..ground.manifest.mixes.0.len()).map(|id| Part::Mix(MixId(id as u32))).collect()
        }
        Some(Selection::These(texts)) => chosen(texts, "mix"),
    };
    let contents = stems.into_iter().chain(mixes).filter_map(|part| match part {
        Part::Stem(id) => Some(Content::Stem(id)),
        Part::Mix(id) => Some(Content::Mix(id)),
        Part::Track(_) => None,
    });
    let contents = contents.collect();
    (found.errors() == errors).then_some(contents)
}

/// The roles a spec asks for must be among those that the package has.
fn check_roles(
    ground: &Ground<'_>,
    entry: &Entry<raw::Deliverable>,
    spec: &Spec,
    contents: &[Content],
    found: &mut Diagnostics,
) {
    let mut stems: BTreeSet<&str> = BTreeSet::new();
    let mut mixes: BTreeSet<&str> = BTreeSet::new();
    for content in contents {
        match content {
            Content::Stem(id) => {
                let body = ground.manifest.stems.0[id.0 as usize].body.as_ref();
                stems.extend(
                    body.and_then(|stem| stem.role.as_ref()).map(|role| role.value.as_str()),
                );
            }
            Content::Mix(id) => {
                let body = ground.manifest.mixes.0[id.0 as usize].body.as_ref();
                mixes
                    .extend(body.and_then(|mix| mix.role.as_ref()).map(|role| role.value.as_str()));
            }
        }
    }
    for (kind, required, present) in
        [("stem", &spec.required_stems, &stems), ("mix", &spec.required_mixes, &mixes)]
    {
        for role in required.iter().filter(|role| !present.contains(role.as_str())) {
            let title = format!("spec `{}` needs a {kind} with role `{role}`", spec.name);
            let roles =
                present.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(", ");
            let label = match roles.is_empty() {
                true => "has none with a role".to_owned(),
                false => format!("has only {roles}"),
            };
            let help = format!("add such a {kind} to it, or give one of its own `role: {role}`");
            found.push(Diagnostic::error(title).at(&entry.span, label).help(help));
        }
    }
}

/// The file name that the template gives, or `None` with the reason told.
fn file_name(
    ground: &Ground<'_>,
    entry: &Entry<raw::Deliverable>,
    raw: &raw::Deliverable,
    spec: &Spec,
    content: Content,
    layout: Layout,
    found: &mut Diagnostics,
) -> Option<String> {
    let (name, span) = named(ground.manifest, part_of(content));
    if let Some(wrong) = name.chars().find(|c| !spec.is_legal(*c)) {
        let title = format!("`{name}` cannot name a file: spec `{}` refuses `{wrong}`", spec.name);
        let renamed: String =
            name.chars().map(|c| if spec.is_legal(c) { c } else { '_' }).collect();
        let error = Diagnostic::error(title).at(span, format!("allowed are {}", spec.legal));
        found.push(error.help(format!("call it `{renamed}`")));
        return None;
    }
    let mut path = spec.template.clone();
    for field in Spec::FIELDS {
        let braced = format!("{{{field}}}");
        if !path.contains(&braced) {
            continue;
        }
        let value = match field {
            "project" => fold(&ground.project.title, spec),
            "artist" => fold(&ground.project.artist, spec),
            "name" => name.to_owned(),
            "rate" => rate_field(ground.programme.sample_rate),
            "bits" => bits_field(spec.encoding).to_owned(),
            "layout" => layout.name().to_owned(),
            _ => entry.name.clone(),
        };
        path = path.replace(&braced, &value);
    }
    path.push_str(".wav");
    let illegal = path.chars().find(|c| !spec.is_legal(*c)).map(|c| format!("spec refuses `{c}`"));
    if let Some(why) = illegal.or_else(|| unfit(&path)) {
        let title = format!("`{path}` cannot be a file name: {why}");
        let error = Diagnostic::error(title).at(&raw.spec.span, format!("by `{}`", spec.template));
        found.push(error.context(span, "this part").help("change the name or the spec"));
        return None;
    }
    Some(path)
}

/// A project's title as file names may hold it: what is illegal becomes `_`, once.
fn fold(text: &str, spec: &Spec) -> String {
    let mut folded = String::new();
    for character in text.chars() {
        if spec.is_legal(character) {
            folded.push(character);
        } else if spec.is_legal('_') && !folded.ends_with('_') {
            folded.push('_');
        }
    }
    folded.trim_matches('_').to_owned()
}

/// `48k`, `44.1k`.
fn rate_field(rate: SampleRate) -> String {
    format!("{}k", f64::from(rate.hz()) / 1000.0)
}

fn bits_field(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Pcm16 => "16",
        Encoding::Pcm24 => "24",
        Encoding::Float32 => "32f",
    }
}

/// Why a name cannot stand on every file system, if so.
fn unfit(name: &str) -> Option<String> {
    const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
    let base = name.split('.').next().unwrap_or_default().to_lowercase();
    let port = |kind: &str| {
        base.strip_prefix(kind).is_some_and(|n| n.len() == 1 && n.as_bytes()[0].is_ascii_digit())
    };
    if let Some(wrong) = name.chars().find(|c| r#"/\:*?"<>|"#.contains(*c) || c.is_control()) {
        Some(format!("`{}` is not allowed", wrong.escape_default()))
    } else if name.is_empty() {
        Some("it is empty".into())
    } else if name.starts_with(['.', ' ']) || name.ends_with(['.', ' ']) {
        Some("it begins or ends with a dot or a space".into())
    } else if DEVICES.contains(&base.as_str()) || port("com") || port("lpt") {
        Some("Windows keeps this name for a device".into())
    } else if name.len() > 200 {
        Some("it is too long".into())
    } else {
        None
    }
}

/// A deliverable's name is one folder in the output folder, and nowhere else.
fn check_folder(ground: &Ground<'_>, entry: &Entry<raw::Deliverable>, found: &mut Diagnostics) {
    let name = &entry.name;
    if let Some(why) = unfit(name) {
        let title = format!("`{name}` cannot name a folder: {why}");
        let error = Diagnostic::error(title).at(&entry.span, "");
        found.push(error.help("a deliverable is one folder in the output folder"));
        return;
    }
    let real = ground.disk.canonical(&ground.root.join(name));
    if real != ground.disk.canonical(ground.root).join(name) {
        let title = format!("deliverable `{name}` would leave the output folder");
        let error = Diagnostic::error(title).at(&entry.span, format!("leads to {}", shown(&real)));
        found.push(error.help("remove the link that stands in its place"));
    }
}

/// A package replaces its folder whole, so nothing that is read may stand in it.
fn guard(ground: &Ground<'_>, package: &Deliverable, faults: &mut Faults) -> bool {
    let folder = ground.disk.canonical(&ground.root.join(&package.name));
    let Some((_, name)) = ground.precious.iter().find(|(path, _)| path.starts_with(&folder)) else {
        return true;
    };
    let title = format!("deliverable `{}` would overwrite `{name}`", package.name);
    faults.join(
        Diagnostic::error(title)
            .at(&package.span, format!("is written to {}", shown(&folder)))
            .help("rename the deliverable, or give `output:` another folder")
            .into(),
    );
    false
}
