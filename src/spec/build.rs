//! From a spec as it is written to what it requires: defaults filled in, and what
//! contradicts itself refused.

use super::figures::{Figure, Miss};
use super::limit::{Limit, Report, Scope};
use super::raw::{RawLimit, RawReport, RawSpec};
use super::template::{Template, TemplateError};
use super::{Channels, Members, Spec, is_in};
use crate::audio::wav::Encoding;
use crate::diag::{Diagnostic, Diagnostics};
use crate::yaml::record::{At, Entry};

/// What file names may hold unless the spec says otherwise.
pub(super) const LEGAL: &str = "A-Za-z0-9._-";
/// How files are named unless the spec says otherwise.
pub(super) const TEMPLATE: &str = "{project}_{name}";

fn default_template() -> Template {
    Template::parse(TEMPLATE).expect("BUG: the template of specs that have none is sound")
}

/// The spec of that name.
pub(super) fn build(name: String, raw: RawSpec) -> Result<Spec, Diagnostics> {
    let mut found = Diagnostics::default();
    let legal = value(raw.legal).unwrap_or_else(|| LEGAL.to_owned());
    let limits = raw.limits.0.iter();
    let limits = limits.filter_map(|entry| limit(entry, entry.body.as_ref()?, &mut found));
    let limits = limits.collect();
    let reports = raw.reports.0.iter();
    let reports = reports.filter_map(|entry| report(entry, entry.body.as_ref()?, &mut found));
    let reports = reports.collect();
    let texts = |texts: Option<Vec<At<String>>>| -> Vec<String> {
        texts.into_iter().flatten().map(|text| text.value).collect()
    };
    let spec = Spec {
        title: raw.title.map_or_else(|| name.clone(), |title| title.value),
        name,
        encoding: value(raw.encoding).unwrap_or(Encoding::Pcm24),
        sample_rates: value(raw.sample_rate).map(|rates| rates.0).unwrap_or_default(),
        layouts: value(raw.layouts).unwrap_or_default(),
        required_layouts: value(raw.required_layouts).unwrap_or_default(),
        channels: value(raw.channels).unwrap_or(Channels::Interleaved),
        template: template(&raw.template, &legal, &mut found).unwrap_or_else(default_template),
        stem_template: template(&raw.stem_template, &legal, &mut found),
        role_names: role_names(raw.role_names.0, &legal, &mut found),
        legal,
        bext: value(raw.bext).unwrap_or(true),
        required: Members {
            kinds: value(raw.required).unwrap_or_default(),
            stems: value(raw.required_stems).unwrap_or_default(),
            mixes: value(raw.required_mixes).unwrap_or_default(),
        },
        wanted: Members {
            kinds: value(raw.wanted).unwrap_or_default(),
            stems: value(raw.wanted_stems).unwrap_or_default(),
            mixes: value(raw.wanted_mixes).unwrap_or_default(),
        },
        head: raw.head.map(|head| head.edge),
        tail: raw.tail.map(|tail| tail.edge),
        notes: texts(raw.notes),
        not_judged: texts(raw.not_judged),
        limits,
        reports,
    };
    if found.has_errors() { Err(found) } else { Ok(spec) }
}

fn value<T>(figure: Option<Figure<T>>) -> Option<T> {
    figure.map(|figure| figure.value.value)
}

/// The bounds that a limit says: its own, or those around its target.
pub(super) fn bounds(raw: &RawLimit) -> (Option<f64>, Option<f64>) {
    let own = |bound: &Option<At<f64>>| bound.as_ref().map(|at| at.value);
    let around = own(&raw.target).zip(own(&raw.tolerance));
    let min = own(&raw.min).or(around.map(|(target, tolerance)| target - tolerance));
    let max = own(&raw.max).or(around.map(|(target, tolerance)| target + tolerance));
    (min, max)
}

fn limit(entry: &Entry<RawLimit>, raw: &RawLimit, found: &mut Diagnostics) -> Option<Limit> {
    let mut refuse = |title: String, help: &str| {
        found.push(Diagnostic::error(title).at(&entry.span, "").help(help));
        None
    };
    let name = &entry.name;
    let Some(check) = raw.check else {
        let title = format!("limit `{name}` does not say what it checks");
        return refuse(title, "add `check: true-peak`");
    };
    if raw.target.is_some() != raw.tolerance.is_some() {
        let title = format!("limit `{name}` has a target and no tolerance, or the other way round");
        return refuse(title, "write both, like `target: -23, tolerance: 1`");
    }
    let (min, max) = bounds(raw);
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        let title =
            format!("nothing can meet limit `{name}`: its lowest value is above its highest");
        return refuse(title, "exchange `min` and `max`");
    }
    let figure = raw.max.as_ref().or(raw.min.as_ref()).or(raw.target.as_ref());
    let Some(figure) = figure else {
        let title = format!("limit `{name}` has neither `min` nor `max`");
        return refuse(title, "add `max: -1`, or `target: -23, tolerance: 1`");
    };
    let text = |text: &Option<At<String>>| text.as_ref().map(|text| text.value.clone());
    Some(Limit {
        check,
        scope: raw.scope.unwrap_or(Scope::All),
        role: text(&raw.role).unwrap_or_default(),
        min,
        max,
        fails: raw.severity.unwrap_or(Miss::Fail) == Miss::Fail,
        either: text(&raw.either).unwrap_or_default(),
        source: text(&raw.source).unwrap_or_else(|| format!("set in {}", figure.span.place())),
    })
}

fn report(entry: &Entry<RawReport>, raw: &RawReport, found: &mut Diagnostics) -> Option<Report> {
    let Some(target) = &raw.target else {
        let title = format!("report `{}` does not say to what loudness", entry.name);
        let error = Diagnostic::error(title).at(&entry.span, "");
        found.push(error.help("add `target: -14`, in LUFS"));
        return None;
    };
    let source = raw.source.as_ref().map(|source| source.value.clone());
    let ceiling = raw.ceiling.as_ref().map_or(f64::INFINITY, |at| at.value);
    Some(Report {
        title: raw.title.as_ref().map_or_else(|| entry.name.clone(), |title| title.value.clone()),
        target_lufs: target.value,
        raises_to_dbtp: raw.raises.unwrap_or(false).then_some(ceiling),
        source: source.unwrap_or_else(|| format!("set in {}", target.span.place())),
    })
}

/// The template that is in force, whose own characters must be legal.
fn template(
    figure: &Option<Figure<String>>,
    legal: &str,
    found: &mut Diagnostics,
) -> Option<Template> {
    let At { value, span } = &figure.as_ref()?.value;
    match Template::parse(value) {
        Ok(template) => {
            let illegal = |c: &char| *c != '/' && !is_in(legal, *c);
            if let Some(wrong) = template.literals().find(illegal) {
                let title = format!("the template holds `{wrong}`, which `legal` does not allow");
                let error = Diagnostic::error(title).at(span, format!("allowed are {legal}"));
                found.push(error.help("write another character, or add it to `legal`"));
            }
            Some(template)
        }
        Err(TemplateError { title, help }) => {
            found.push(Diagnostic::error(title).at(span, "").help(help));
            None
        }
    }
}

/// Roles and the words that file names have for them.
fn role_names(
    entries: Vec<Entry<Figure<String>>>,
    legal: &str,
    found: &mut Diagnostics,
) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for entry in entries {
        let Some(At { value, span }) = entry.body.map(|figure| figure.value) else { continue };
        if let Some(wrong) = value.chars().find(|c| !is_in(legal, *c)) {
            let title = format!("`{value}` holds `{wrong}`, which `legal` does not allow");
            let error = Diagnostic::error(title).at(&span, format!("allowed are {legal}"));
            found.push(error.help("write another word for this role"));
        }
        names.push((entry.name, value));
    }
    names
}
