//! What the files of a package are called: the spec's template filled in, and every
//! name refused that some recipient or some file system would not take.

use std::collections::{BTreeMap, BTreeSet};

use super::delivery::{Content, ORIGINAL, Programme, Take};
use super::links::named;
use super::members::Member;
use super::packages::Ground;
use super::raw::{self, Text};
use crate::audio::layout::{Channel, Layout};
use crate::diag::{Diagnostic, Diagnostics, Span};
use crate::spec::field::{NameField, NameValue};
use crate::spec::template::{Placeholder, Template};
use crate::spec::{Channels, Spec};
use crate::yaml::record::Entry;

/// Names the files of one package.
pub(super) struct Naming<'a> {
    ground: &'a Ground<'a>,
    /// As the package holds it.
    programme: &'a Programme,
    entry: &'a Entry<raw::Deliverable>,
    raw: &'a raw::Deliverable,
    spec: &'a Spec,
    /// Names that were given, in small letters: macOS and Windows take capitals
    /// for the same.
    taken: BTreeMap<String, Member<'a>>,
    /// Values that were refused, by what was said and where: what many files share
    /// is told once.
    told: BTreeSet<(String, String)>,
}

/// A value for a field, and where it is written.
struct Origin<'a> {
    value: NameValue,
    /// Prose may hold anything; what file names may not hold becomes `_` in them.
    prose: bool,
    span: &'a Span,
}

/// Why a value cannot be part of a name.
struct Refusal<'a> {
    title: String,
    label: String,
    help: String,
    span: &'a Span,
}

impl<'a> Naming<'a> {
    pub(super) fn new(
        ground: &'a Ground<'a>,
        programme: &'a Programme,
        entry: &'a Entry<raw::Deliverable>,
        raw: &'a raw::Deliverable,
        spec: &'a Spec,
    ) -> Self {
        Self { ground, programme, entry, raw, spec, taken: BTreeMap::new(), told: BTreeSet::new() }
    }

    fn template(&self, content: Content) -> &'a Template {
        match (content, &self.spec.stem_template) {
            (Content::Stem(_), Some(template)) => template,
            _ => &self.spec.template,
        }
    }

    /// What the templates take from the manifest must be there. `None` if it is not.
    pub(super) fn check(&self, members: &[Member<'a>], found: &mut Diagnostics) -> Option<()> {
        let errors = found.errors();
        let mut asked = BTreeSet::new();
        for member in members {
            for place in self.template(member.content).fields().filter(|place| !place.optional) {
                let Some((what, key)) = source(place.field) else { continue };
                if self.common(place.field).is_none() && asked.insert(what) {
                    let title = format!("spec `{}` names files by {what}", self.spec.name);
                    let error = Diagnostic::error(title);
                    let error = error.at(&self.raw.spec.span, "but there is none");
                    found.push(error.help(format!("add `{key}`")));
                }
            }
        }
        (found.errors() == errors).then_some(())
    }

    /// What a field stands for in every file of the package alike.
    fn common(&self, field: NameField) -> Option<Origin<'a>> {
        let manifest = self.ground.manifest;
        let text = |text: Option<&'a Text>, prose: bool| {
            let Text { value, span } = text?;
            let empty = if prose { fold(value, self.spec).is_empty() } else { value.is_empty() };
            (!empty).then(|| Origin { value: NameValue::Text(value.clone()), prose, span })
        };
        let fixed = |value: NameValue| Origin { value, prose: false, span: &self.raw.spec.span };
        let programme = self.programme;
        let project = manifest.project.as_ref();
        match field {
            NameField::Project => text(project?.title.as_ref(), true),
            NameField::Artist => text(project?.artist.as_ref(), true),
            NameField::Composer => text(project?.composer.as_ref(), true),
            NameField::Mixer => text(project?.mixer.as_ref(), true),
            NameField::Revision => text(project?.revision.as_ref(), false),
            NameField::Part => text(project?.part.as_ref(), false),
            NameField::Date => {
                let date = text(project?.date.as_ref(), true)?;
                let written = |value| match value {
                    NameValue::Text(text) => NameValue::Date(text),
                    other => other,
                };
                Some(Origin { value: written(date.value), ..date })
            }
            NameField::Rate => Some(fixed(NameValue::Rate(programme.sample_rate))),
            NameField::Bits => Some(fixed(NameValue::Encoding(self.spec.encoding))),
            NameField::Fps => programme.frame_rate.map(|fps| fixed(NameValue::Fps(fps))),
            NameField::Bpm => {
                programme.tempo.as_ref().map(|tempo| fixed(NameValue::Bpm(tempo.first())))
            }
            NameField::Deliverable => Some(Origin {
                value: NameValue::Text(self.entry.name.clone()),
                prose: false,
                span: &self.entry.span,
            }),
            NameField::Role | NameField::Name | NameField::Layout | NameField::Channel => None,
            NameField::Version | NameField::Language => None,
        }
    }

    /// What a signal is called and, of a multi-mono signal, its files; or `None` with the
    /// reason told.
    pub(super) fn paths(
        &mut self,
        member: &Member<'a>,
        take: &Take,
        layout: Layout,
        found: &mut Diagnostics,
    ) -> Option<(String, Vec<String>)> {
        let channels = self.raw.channels.unwrap_or(self.spec.channels);
        if channels == Channels::Interleaved || layout.width() == 1 {
            let path = self.path(member, take, layout, None, found)?;
            return Some((path, Vec::new()));
        }
        let mut parts = Vec::new();
        for channel in layout.channels() {
            let errors = found.errors();
            parts.push(self.path(member, take, layout, Some(*channel), found)?);
            if found.errors() > errors {
                // What is wrong with one is wrong with all.
                return None;
            }
        }
        let names: Vec<&str> = layout.channels().iter().map(|channel| channel.name()).collect();
        let all = format!("{{{}}}", names.join(","));
        let filled =
            template_name(self.template(member.content), Some(&all), |place| match place.field {
                NameField::Channel => Ok(Some(all.clone())),
                _ => self.fill(place, member, take, layout, None),
            });
        Some((filled.ok()?, parts))
    }

    /// The name of one file, of one channel or of all, or `None` with the reason told.
    fn path(
        &mut self,
        member: &Member<'a>,
        take: &Take,
        layout: Layout,
        channel: Option<Channel>,
        found: &mut Diagnostics,
    ) -> Option<String> {
        let template = self.template(member.content);
        let filled = template_name(template, channel.map(Channel::name), |place| {
            self.fill(place, member, take, layout, channel)
        });
        let path = match filled {
            Ok(path) => path,
            Err(refusal) => {
                let Refusal { title, label, help, span } = *refusal;
                if self.told.insert((title.clone(), span.place())) {
                    found.push(Diagnostic::error(title).at(span, label).help(help));
                }
                return None;
            }
        };
        let (_, span) = named(self.ground.manifest, member.content.part());
        let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
        let ours = folders.split('/').find(|folder| OURS.contains(&folder.to_lowercase().as_str()));
        let ours = ours.map(|_| "rebounce writes a file of this name".to_owned());
        if let Some(why) = path.split('/').find_map(unfit).or(ours) {
            let title = format!("`{path}` cannot be a file name: {why}");
            let label = format!("by `{}`", template.as_str());
            let error = Diagnostic::error(title).at(&self.raw.spec.span, label);
            found.push(error.context(span, "this part").help("change the name or the spec"));
            return None;
        }
        if let Some(error) = self.clash(&path, member, template) {
            found.push(error);
        }
        Some(path)
    }

    /// What stands for a field in one file, or the place and what is wrong there.
    fn fill(
        &self,
        place: &Placeholder,
        member: &Member<'a>,
        take: &Take,
        layout: Layout,
        channel: Option<Channel>,
    ) -> Result<Option<String>, Box<Refusal<'a>>> {
        let Some(Origin { value, prose, span }) =
            self.origin(place.field, member, take, (layout, channel))
        else {
            return match place.field {
                NameField::Version if !place.optional => Ok(Some(ORIGINAL.to_owned())),
                NameField::Language if !place.optional => Err(self.no_language(member, place)),
                _ => Ok(None),
            };
        };
        let refuse = |title: String, label: String, help: String| {
            Box::new(Refusal { title, label, help, span })
        };
        let written = place.write(&value).map_err(|why| {
            let label = format!("`{}` of the spec's template needs that", place.written);
            refuse(why, label, "write it so, or name files by `{date}`".into())
        })?;
        if prose {
            return Ok(Some(fold(&written, self.spec)));
        }
        let written = match self.version(member).filter(|_| self.carries(member, place.field)) {
            Some(version) => format!("{written}_{}", version.name),
            None => written,
        };
        let Some(wrong) = written.chars().find(|c| !self.spec.is_legal(*c)) else {
            return Ok(Some(written));
        };
        let spec = &self.spec.name;
        let title = format!("`{written}` cannot name a file: spec `{spec}` refuses `{wrong}`");
        let label = format!("`{}` of its template; allowed are {}", place.written, self.spec.legal);
        let help = match value {
            NameValue::Text(_) => {
                let legal = |c| if self.spec.is_legal(c) { c } else { '_' };
                format!("call it `{}`", written.chars().map(legal).collect::<String>())
            }
            NameValue::Layout(_) | NameValue::Fps(_) => {
                format!("write `{}` in the template", place.written.replace('}', ":digits}"))
            }
            _ => "let the spec's `legal` allow it".to_owned(),
        };
        Err(refuse(title, label, help))
    }

    /// The value of a field in one file.
    fn origin(
        &self,
        field: NameField,
        member: &Member<'a>,
        take: &Take,
        (layout, channel): (Layout, Option<Channel>),
    ) -> Option<Origin<'a>> {
        let (name, span) = named(self.ground.manifest, member.content.part());
        let text = |text: &str| NameValue::Text(text.to_owned());
        match field {
            NameField::Role if !member.role.is_empty() => {
                let letter = member.letter.map(|letter| char::from(b'A' + letter % 26));
                let role = self.spec.role_name(member.role);
                let role: String = role.chars().chain(letter).collect();
                let value = text(&take.named(&role));
                Some(Origin { value, prose: false, span: member.role_span })
            }
            NameField::Role | NameField::Name => {
                Some(Origin { value: text(&take.named(name)), prose: false, span })
            }
            NameField::Layout => {
                let span = &self.raw.spec.span;
                Some(Origin { value: NameValue::Layout(layout), prose: false, span })
            }
            NameField::Channel => channel.map(|channel| Origin {
                value: text(channel.name()),
                prose: false,
                span: &self.raw.spec.span,
            }),
            NameField::Version => self.version(member).map(|entry| Origin {
                value: text(&entry.name),
                prose: false,
                span: &entry.span,
            }),
            NameField::Language => self.language(member).map(|(language, span)| Origin {
                value: text(language),
                prose: false,
                span,
            }),
            field => self.common(field),
        }
    }

    fn version(&self, member: &Member<'a>) -> Option<&'a Entry<raw::Version>> {
        member.version.map(|id| &self.ground.manifest.versions.0[id.0 as usize])
    }

    fn language(&self, member: &Member<'a>) -> Option<(&'a str, &'a Span)> {
        let language = self.version(member)?.body.as_ref()?.language.as_ref()?;
        Some((&language.value.0, &language.span))
    }

    /// Whether the version stands behind the value of that field, because the template
    /// has no place of its own for it.
    fn carries(&self, member: &Member<'a>, field: NameField) -> bool {
        let template = self.template(member.content);
        let told = [NameField::Version, NameField::Language].iter().any(|own| template.names(*own));
        let carrier = match template.names(NameField::Name) {
            true => NameField::Name,
            false => NameField::Role,
        };
        !told && field == carrier
    }

    /// The refusal of a file that has no language where its name needs one.
    fn no_language(&self, member: &Member<'a>, place: &Placeholder) -> Box<Refusal<'a>> {
        let elsewhere = format!("write `{}` in the template", place.written.replace('}', "?}"));
        let (what, span, help) = match self.version(member) {
            Some(entry) => {
                let help = format!("add `language: fr-FR` (or its own) to it, or {elsewhere}");
                (format!("version `{}`", entry.name), &entry.span, help)
            }
            None => ("the original".to_owned(), &self.entry.span, elsewhere),
        };
        Box::new(Refusal {
            title: format!(
                "spec `{}` names files by language, and {what} has none",
                self.spec.name
            ),
            label: format!("`{}` of its template needs one", place.written),
            help,
            span,
        })
    }

    /// The error for a name that another file has, or that one needs as a folder.
    fn clash(
        &mut self,
        path: &str,
        member: &Member<'a>,
        template: &Template,
    ) -> Option<Diagnostic> {
        let key = path.to_lowercase();
        let mut above = key.match_indices('/').map(|(at, _)| &key[..at]);
        let other = above.find_map(|folder| self.taken.get(folder)).or_else(|| {
            let below = format!("{key}/");
            let (next, other) = self.taken.range(key.clone()..).next()?;
            (*next == key || next.starts_with(&below)).then_some(other)
        });
        let other = other.copied();
        self.taken.insert(key, *member);
        let other = other?;
        let (first, first_span) = named(self.ground.manifest, other.content.part());
        let (second, second_span) = named(self.ground.manifest, member.content.part());
        if let (Some(one), Some(two)) = (self.version(&other), self.version(member))
            && other.version != member.version
            && first == second
        {
            let title = format!("two files of `{}` are called `{path}`", self.entry.name);
            let label = format!("`{first}` in versions `{}` and `{}`", one.name, two.name);
            let help =
                format!("put `{{version}}` into the spec's template `{}`", template.as_str());
            return Some(Diagnostic::error(title).at(&self.entry.span, label).help(help));
        }
        if other.content == member.content {
            let title = format!("deliverable `{}` names `{first}` twice", self.entry.name);
            // It is so in every version.
            let new = self.told.insert((title.clone(), self.entry.span.place()));
            let error = Diagnostic::error(title).at(&self.entry.span, "").help("name it once");
            return new.then_some(error);
        }
        let title = format!("two files of `{}` are called `{path}`", self.entry.name);
        Some(
            Diagnostic::error(title)
                .at(&self.entry.span, format!("`{first}` and `{second}`"))
                .context(first_span, "the first")
                .context(second_span, "the second")
                .help(format!(
                    "rename one, or put more fields into the spec's template `{}`",
                    template.as_str()
                )),
        )
    }
}

/// A template filled in. The channel of a file stands at the end where the template has
/// no place for it, as in `DX.L`.
fn template_name<E>(
    template: &Template,
    channel: Option<&str>,
    fill: impl FnMut(&Placeholder) -> Result<Option<String>, E>,
) -> Result<String, E> {
    let name = template.fill(fill)?;
    let suffix = channel.filter(|_| !template.names(NameField::Channel));
    Ok(name + &suffix.map_or(String::new(), |channel| format!(".{channel}")) + ".wav")
}

/// What rebounce itself writes into packages, in small letters.
const OURS: [&str; 4] = ["readme.txt", "qc.html", "qc.json", "checksums.b3"];

/// What a field that a project may lack is called, and how a manifest gives it.
fn source(field: NameField) -> Option<(&'static str, &'static str)> {
    Some(match field {
        NameField::Project => ("the project's title", "project: { title: ... }"),
        NameField::Artist => ("the project's artist", "project: { artist: ... }"),
        NameField::Composer => ("the project's composer", "project: { composer: ... }"),
        NameField::Mixer => ("the project's mixer", "project: { mixer: ... }"),
        NameField::Revision => ("the project's revision", "project: { revision: v01 }"),
        NameField::Part => ("the part of the project", "project: { part: r01 }"),
        NameField::Date => ("the project's date", "project: { date: 2026-11-25 }"),
        NameField::Fps => ("the frame rate", "session: { frame_rate: 25 }"),
        NameField::Bpm => ("the tempo", "session: { tempo: 96 }"),
        _ => return None,
    })
}

/// A text as file names may hold it: what is illegal becomes `_`, once.
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

/// Why a name cannot stand on every file system, if so.
pub(super) fn unfit(name: &str) -> Option<String> {
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
