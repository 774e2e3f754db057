//! Whether one layout can be laid into another, and what to do if not.

use super::delivery::Part;
use super::downmixes::quoted;
use crate::audio::layout::{Channel, Layout, spelled};
use crate::diag::{Diagnostic, Span};
use crate::dsp::downmix::Kind;

/// What enters a sum.
#[derive(Clone, Copy)]
pub(super) struct Term<'a> {
    pub(super) name: &'a str,
    /// Where it is summed.
    pub(super) span: &'a Span,
    pub(super) kind: TermKind<'a>,
    /// Its layout.
    pub(super) from: Layout,
}

/// What a term of a sum is.
#[derive(Clone, Copy)]
pub(super) enum TermKind<'a> {
    Track,
    /// A stem or mix.
    Sum,
    /// A file in the place of this part, in a version.
    InPlaceOf(&'a str),
}

impl TermKind<'_> {
    pub(super) fn of(part: Part) -> Self {
        if matches!(part, Part::Track(_)) { Self::Track } else { Self::Sum }
    }
}

/// Why something cannot be laid into a sum of layout `to`.
pub(super) fn misfit(term: Term<'_>, sum: Part, sum_name: &str, to: Layout) -> Option<Diagnostic> {
    let Term { name, span, kind, from } = term;
    let what = match sum {
        Part::Mix(_) => format!("mix `{sum_name}`"),
        _ => format!("stem `{sum_name}`"),
    };
    Some(match (from, to) {
        (Layout::Mono, Layout::Mono | Layout::Stereo) => return None,
        (_, Layout::LtRt) if from != to => matrixed(name, &what, span, from),
        (Layout::Mono, _) => {
            let place = if to.has(&[Channel::C]) { "C" } else { to.channels()[0].name() };
            let help = match kind {
                TermKind::InPlaceOf(part) => {
                    format!("write `{part}: {{ file: ..., channels: [{place}] }}`")
                }
                TermKind::Track => format!("say it on track `{name}`, like `channels: [{place}]`"),
                TermKind::Sum => format!(
                    "give it `layout: {}`, and its tracks `channels: [{place}]`",
                    quoted(to)
                ),
            };
            Diagnostic::error(format!("where does mono `{name}` go in {to} {what}?"))
                .at(span, format!("one channel into {}", number(to.width())))
                .help(help)
        }
        _ if to.has(from.channels()) => return None,
        _ if from.has(to.channels()) || to == Layout::Mono => {
            let folds = Kind::ALL.into_iter().find(|kind| kind.layout() == to);
            let help = match (kind, sum, folds) {
                (TermKind::InPlaceOf(part), ..) => {
                    format!("what stands for `{part}` must be {to} or narrower")
                }
                (_, Part::Mix(_), Some(kind)) => format!(
                    "fold it down with `downmix: {{ kind: {} }}`, or give the mix `layout: {}`",
                    kind.name(),
                    quoted(from)
                ),
                _ => format!("give it `layout: {}`", quoted(from)),
            };
            Diagnostic::error(format!("`{name}` is {from}, wider than {what}"))
                .at(span, format!("does not fit into {to}"))
                .help(help)
        }
        _ => unlike(name, &what, span, from, to),
    })
}

/// What is not a matrixed pair, and must be made one.
fn matrixed(name: &str, what: &str, span: &Span, from: Layout) -> Diagnostic {
    Diagnostic::error(format!("`{name}` is {from}, and {what} a matrixed pair"))
        .at(span, "not Lt Rt")
        .help("a mix with `downmix: { kind: lt-rt }` makes Lt Rt of lcr and wider")
}

/// A layout that has channels which another has not, nor anything in their place.
fn unlike(name: &str, what: &str, span: &Span, from: Layout, to: Layout) -> Diagnostic {
    let own = from.channels().iter().copied().filter(|c| to.position(*c).is_none());
    let own = spelled(&own.collect::<Vec<_>>());
    Diagnostic::error(format!("`{name}` is {from} and does not fit into {to} {what}"))
        .at(span, format!("{to} has no {own}"))
        .help(format!(
            "sum a mix of it instead that says where these go: `layout: {}` and \
             `downmix: {{ matrix: {{ L: {{ L: 0 }}, ... }} }}`",
            quoted(to)
        ))
}

/// How many channels a layout has, in words.
fn number(channels: usize) -> String {
    const WORDS: [&str; 7] = ["two", "three", "four", "five", "six", "seven", "eight"];
    let word = channels.checked_sub(2).and_then(|index| WORDS.get(index));
    word.map_or_else(|| channels.to_string(), |word| (*word).to_owned())
}
