//! Whether a package can be what its spec asks for, told before anything is rendered.

use std::collections::BTreeSet;

use super::delivery::{Content, Pace};
use super::links::named;
use super::members::Member;
use super::packages::Ground;
use super::raw;
use crate::audio::layout::Layout;
use crate::audio::wav::Encoding;
use crate::diag::{Diagnostic, Diagnostics};
use crate::dsp::shaping::Shaper;
use crate::spec::{FileKind, Members, Spec};
use crate::yaml::record::Entry;

/// Rates and layouts.
pub(super) fn format(
    ground: &Ground<'_>,
    entry: &Entry<raw::Deliverable>,
    raw: &raw::Deliverable,
    spec: &Spec,
    pace: &Pace,
    members: &[Member<'_>],
    found: &mut Diagnostics,
) {
    let rate = pace.sample_rate;
    if !spec.sample_rates.is_empty() && !spec.sample_rates.contains(&rate) {
        let title = format!("spec `{}` asks for {}", spec.name, either(&spec.sample_rates));
        let label = format!("the package is at {rate}");
        let error = Diagnostic::error(title).at(&raw.spec.span, label);
        let wanted = spec.sample_rates[0].hz();
        found.push(error.help(format!("add `sample_rate: {wanted}` to convert it")));
    }
    if spec.encoding == Encoding::Pcm16Shaped && !Shaper::is_for(rate) {
        let title =
            format!("spec `{}` asks for noise shaping, which is not made for {rate}", spec.name);
        let error =
            Diagnostic::error(title).at(&raw.spec.span, format!("the package is at {rate}"));
        found.push(error.help("44.1 and 48 kHz can be shaped: add `sample_rate`, or use `pcm16`"));
    }
    layouts(ground, entry, spec, members, found);
}

fn layouts(
    ground: &Ground<'_>,
    entry: &Entry<raw::Deliverable>,
    spec: &Spec,
    members: &[Member<'_>],
    found: &mut Diagnostics,
) {
    let layout = |member: &Member<'_>| ground.layout(member.content);
    let present: BTreeSet<Layout> = members.iter().filter_map(layout).collect();
    for member in members {
        let Some(layout) = layout(member) else { continue };
        if !spec.layouts.is_empty() && !spec.layouts.contains(&layout) {
            let (name, span) = named(ground.manifest, member.content.part());
            let title = format!("spec `{}` takes no {layout} files", spec.name);
            let error = Diagnostic::error(title)
                .at(&entry.span, format!("`{name}` is {layout}"))
                .context(span, "this part");
            let help = format!("leave `{name}` out, or make it {}", either(&spec.layouts));
            found.push(error.help(help));
        }
    }
    // Where not every layout is known, something worse has been told.
    let known = members.iter().all(|member| layout(member).is_some());
    let missing = spec.required_layouts.iter().filter(|layout| known && !present.contains(layout));
    for missing in missing {
        let title = format!("spec `{}` needs a file in {missing} too", spec.name);
        let has: Vec<Layout> = present.iter().copied().collect();
        let error = Diagnostic::error(title).at(&entry.span, format!("has {}", and(&has)));
        let help = format!(
            "add a mix like `{{ from: NAME, layout: {missing}, downmix: {{ kind: lo-ro }} }}`"
        );
        found.push(match missing {
            Layout::Stereo => error.help(help),
            _ => error.help("add a mix of that layout"),
        });
    }
}

/// `48000 Hz, 88200 Hz or 96000 Hz`.
fn either<T: ToString>(values: &[T]) -> String {
    join(values, " or ")
}

fn and<T: ToString>(values: &[T]) -> String {
    join(values, " and ")
}

fn join<T: ToString>(values: &[T], last_word: &str) -> String {
    let texts: Vec<String> = values.iter().map(T::to_string).collect();
    match texts.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{}{last_word}{last}", all.join(", ")),
        _ => texts.concat(),
    }
}

/// The kinds of files and the roles that a spec asks for must be among those that the
/// package has; of what it would like to see, that it is missing is worth a word.
pub(super) fn members(
    entry: &Entry<raw::Deliverable>,
    spec: &Spec,
    members: &[Member<'_>],
    found: &mut Diagnostics,
) {
    let kind = |member: &Member<'_>| match member.content {
        Content::Track(_) => FileKind::Track,
        Content::Stem(_) => FileKind::Stem,
        Content::Mix(_) => FileKind::Mix,
    };
    let of = |wanted: FileKind| members.iter().filter(move |member| kind(member) == wanted);
    for (asked, verb) in [(&spec.required, "needs"), (&spec.wanted, "would like")] {
        let tell = |title: String| match verb {
            "needs" => Diagnostic::error(title),
            _ => Diagnostic::warning(title),
        };
        let Members { kinds, stems, mixes } = asked;
        for missing in kinds.iter().filter(|kind| of(**kind).next().is_none()) {
            let title = format!("spec `{}` {verb} {missing}", spec.name);
            let label = format!("`{}` has none", entry.name);
            let help = format!("add `{missing}: [...]` to it");
            found.push(tell(title).at(&entry.span, label).help(help));
        }
        for (kind, noun, roles) in [(FileKind::Stem, "stem", stems), (FileKind::Mix, "mix", mixes)]
        {
            // What the package names by its role may be either: a guide is the dialogue
            // stem, or a fold-down of it.
            let named = members.iter().filter(|member| member.is_named);
            let has: BTreeSet<&str> = of(kind)
                .chain(named)
                .map(|member| member.role)
                .filter(|role| !role.is_empty())
                .collect();
            for role in roles.iter().filter(|role| !has.contains(role.as_str())) {
                let title = format!("spec `{}` {verb} a {noun} with role `{role}`", spec.name);
                let all = has.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>();
                let label = match all.is_empty() {
                    true => "has none with a role".to_owned(),
                    false => format!("has only {}", all.join(", ")),
                };
                let help = match role.as_str() {
                    "guide" => "add `guide: NAME` to it, with the name of the stem".to_owned(),
                    "optional" => "add `optional: [NAME]` to it, with names of stems".to_owned(),
                    "print-master" => {
                        "add `print_master: NAME` to it, with the name of the mix".to_owned()
                    }
                    _ => format!("add such a {noun} to it, or give one of its own `role: {role}`"),
                };
                found.push(tell(title).at(&entry.span, label).help(help));
            }
        }
    }
}
