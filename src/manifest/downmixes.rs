//! `downmix:` of mixes: from the layout of their sum to another.

use super::delivery::{MixId, Part};
use super::links::{Link, Links};
use super::raw::{self, Manifest};
use super::resolve::Faults;
use super::sums::{Sums, enter_all};
use crate::audio::layout::{Channel, Layout};
use crate::diag::{Diagnostic, Diagnostics};
use crate::dsp::downmix::{Downmix, Kind, Level, Levels, Refusal};
use crate::yaml::record::{At, Entries, Entry};

/// The layout of a mix; its fold-down is noted.
pub(super) fn mix_layout(
    manifest: &Manifest,
    id: MixId,
    mix: &raw::Mix,
    links: &Links,
    common: Layout,
    sums: &mut Sums,
    faults: &mut Faults,
) -> Layout {
    let part = Part::Mix(id);
    let written = mix.layout.as_ref().map(|at| at.value);
    let Some(downmix) = &mix.downmix else {
        let layout = written.unwrap_or(common);
        if !faults.bad.contains(&part) {
            enter_all(manifest, part, &links.sums[&part], layout, sums, faults);
        }
        return layout;
    };
    let kind = downmix.value.kind.as_ref().map(|kind| kind.value);
    let fallback = kind.map(Kind::layout).or(written).unwrap_or(common);
    if faults.bad.contains(&part) {
        return fallback;
    }
    let terms = &links.sums[&part];
    let from = source(terms, sums);
    match resolve(mix, downmix, from, fallback) {
        Ok(found) => {
            enter_all(manifest, part, terms, from, sums, faults);
            let to = found.to;
            sums.downmixes.insert(id, found);
            to
        }
        Err(errors) => {
            errors.into_iter().for_each(|error| faults.spoil(part, error));
            fallback
        }
    }
}

/// The layout of the sum that is folded down: the narrowest that all its terms fit into.
fn source(terms: &[Link], sums: &Sums) -> Layout {
    let layouts = terms.iter().filter_map(|link| sums.layouts.get(&link.part).copied());
    // If there is none, entering it says so.
    layouts.reduce(|sum, layout| sum.joined(layout).unwrap_or(sum)).unwrap_or(Layout::Stereo)
}

fn resolve(
    mix: &raw::Mix,
    downmix: &At<raw::Downmix>,
    from: Layout,
    fallback: Layout,
) -> Result<Downmix, Diagnostics> {
    match (&downmix.value.kind, &downmix.value.matrix) {
        (Some(kind), None) => fold(mix, downmix, kind, from),
        (None, Some(matrix)) => own(mix, downmix, matrix, from, fallback),
        (Some(kind), Some(matrix)) => {
            Err(Diagnostic::error("`downmix` has both `kind` and `matrix`")
                .at(&matrix.span, "")
                .context(&kind.span, "")
                .help("a kind has its matrix; keep one of them")
                .into())
        }
        (None, None) => Err(Diagnostic::error("`downmix` says neither `kind` nor `matrix`")
            .at(&downmix.span, "")
            .help("write `{ kind: lo-ro }`, or `{ matrix: { L: { L: 0, C: -3 }, ... } }`")
            .into()),
    }
}

/// The fold-down of a kind.
fn fold(
    mix: &raw::Mix,
    downmix: &At<raw::Downmix>,
    kind: &At<Kind>,
    from: Layout,
) -> Result<Downmix, Diagnostics> {
    let mut errors = Diagnostics::default();
    let levels = levels(kind.value, &downmix.value, &mut errors);
    let to = kind.value.layout();
    let name = kind.value.name();
    if let Some(at) = mix.layout.as_ref().filter(|at| at.value != to) {
        errors.push(
            Diagnostic::error(format!("a downmix of kind `{name}` makes {to}"))
                .at(&at.span, format!("not {to}"))
                .help(format!("write `layout: {}`", quoted(to))),
        );
    }
    let found = Downmix::fold(kind.value, from, &levels);
    if let Err(refusal) = &found {
        let error = match refusal {
            Refusal::Nothing => Diagnostic::error("there is nothing to fold down")
                .at(&downmix.span, format!("the sum is {from}"))
                .help(format!("`{name}` is for what is wider; remove it")),
            Refusal::NoPlace(channel) => {
                Diagnostic::error(format!("`{name}` has no place for {channel} of {from}"))
                    .at(&kind.span, "")
                    .help("say where it goes: `downmix: { matrix: { L: { L: 0 }, ... } }`")
            }
        };
        errors.push(error);
    }
    match found {
        Ok(found) if !errors.has_errors() => Ok(found),
        _ => Err(errors),
    }
}

/// The levels of a fold-down: as given, else the usual ones.
fn levels(kind: Kind, raw: &raw::Downmix, errors: &mut Diagnostics) -> Levels {
    let raw::Downmix { kind: _, center, surround, rear, height, lfe, sum, matrix: _ } = raw;
    let usual = Levels::default();
    let to_front = matches!(kind, Kind::LoRo | Kind::LtRt | Kind::Mono);
    let mut level = |name: &str, given: &Option<At<Level>>, usual: Level, has: bool| {
        if let Some(at) = given.as_ref().filter(|_| !has) {
            let title = format!("`{name}` means nothing to a downmix of kind `{}`", kind.name());
            errors.push(Diagnostic::error(title).at(&at.span, "").help("remove it"));
        }
        given.as_ref().map_or(usual, |at| at.value)
    };
    Levels {
        center: level("center", center, usual.center, to_front),
        surround: level("surround", surround, usual.surround, to_front && kind != Kind::LtRt),
        rear: level("rear", rear, usual.rear, kind != Kind::Surround71),
        height: level("height", height, usual.height, true),
        lfe: level("lfe", lfe, usual.lfe, to_front),
        sum: level("sum", sum, usual.sum, kind == Kind::Mono),
    }
}

/// The rows of a matrix of one's own.
type Rows = Vec<(Channel, Vec<(Channel, Level)>)>;

/// A matrix of one's own. It makes the layout of the mix, or the narrowest that has its
/// channels.
fn own(
    mix: &raw::Mix,
    downmix: &At<raw::Downmix>,
    matrix: &At<Entries<Entries<Level>>>,
    from: Layout,
    fallback: Layout,
) -> Result<Downmix, Diagnostics> {
    let mut errors = Diagnostics::default();
    let raw::Downmix { kind: _, center, surround, rear, height, lfe, sum, matrix: _ } =
        &downmix.value;
    for (name, given) in [
        ("center", center),
        ("surround", surround),
        ("rear", rear),
        ("height", height),
        ("lfe", lfe),
        ("sum", sum),
    ] {
        if let Some(at) = given {
            let title = format!("`{name}` is a level of a kind of downmix, not of a matrix");
            let error = Diagnostic::error(title).at(&at.span, "");
            errors.push(error.help("say all levels in the matrix"));
        }
    }
    let rows: Rows =
        matrix.value.0.iter().filter_map(|row| one_row(row, from, &mut errors)).collect();
    let outs: Vec<Channel> = rows.iter().map(|(out, _)| *out).collect();
    for (index, entry) in matrix.value.0.iter().enumerate() {
        let out = Channel::parse(&entry.name);
        let before = matrix.value.0[..index].iter().find(|e| Channel::parse(&e.name) == out);
        if let (Some(out), Some(before)) = (out, before) {
            // Under two of its names.
            let error = Diagnostic::error(format!("channel `{out}` is named twice"));
            errors.push(error.at(&entry.span, "").context(&before.span, ""));
        }
    }
    let to = match &mix.layout {
        Some(at) => Some(at.value),
        None => Layout::holding(&outs).filter(|_| !outs.is_empty()),
    };
    match to {
        Some(to) => {
            for entry in &matrix.value.0 {
                let wrong = Channel::parse(&entry.name).filter(|out| to.position(*out).is_none());
                if let Some(out) = wrong {
                    let error = Diagnostic::error(format!("{to} has no channel {out}"));
                    let error = error.at(&entry.span, "");
                    errors.push(error.help(format!("its channels are {}", to.spelled())));
                }
            }
        }
        None if errors.has_errors() => {}
        None => errors.push(
            Diagnostic::error("no layout has the channels of this matrix")
                .at(&matrix.span, "")
                .help("name channels of one layout, and say it on the mix: `layout: \"5.1\"`"),
        ),
    }
    match errors.has_errors() {
        true => Err(errors),
        false => Ok(Downmix::matrix(from, to.unwrap_or(fallback), &rows)),
    }
}

/// What one channel sums. `None` if it is no channel.
fn one_row(
    row: &Entry<Entries<Level>>,
    from: Layout,
    errors: &mut Diagnostics,
) -> Option<(Channel, Vec<(Channel, Level)>)> {
    let mut channel = |name: &str, span| {
        let found = Channel::parse(name);
        if found.is_none() {
            let error = Diagnostic::error(format!("`{name}` is not a channel")).at(span, "");
            errors.push(error.did_you_mean(name, Channel::names()));
        }
        found
    };
    let out = channel(&row.name, &row.span);
    let mut terms = Vec::new();
    for term in row.body.iter().flat_map(|terms| &terms.0) {
        let heard = channel(&term.name, &term.span);
        terms.extend(heard.zip(term.body).map(|(heard, level)| (heard, level, &term.span)));
    }
    for (heard, _, span) in terms.iter().filter(|(heard, ..)| from.position(*heard).is_none()) {
        let error = Diagnostic::error(format!("the sum has no channel {heard}")).at(span, "");
        errors.push(error.help(format!("it is {from}: {}", from.spelled())));
    }
    Some((out?, terms.into_iter().map(|(heard, level, _)| (heard, level)).collect()))
}

/// A layout as YAML wants it: what looks like a number in quotes.
pub(super) fn quoted(layout: Layout) -> String {
    let name = layout.name();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("\"{name}\"") } else { name.into() }
}
