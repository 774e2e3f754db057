//! Where tracks and sums stand between left and right: pan, balance and width.

use super::delivery::{Action, Step};
use super::raw;
use super::values::{Pan, Width};
use crate::audio::layout::Layout;
use crate::diag::Diagnostic;
use crate::dsp::pan::{self, PanLaw};
use crate::yaml::record::{At, Entry};

/// Pan or balance of a track, and its width in percent.
pub(super) fn of_track<T>(
    entry: &Entry<T>,
    raw: &raw::Track,
    layout: Layout,
) -> Result<(Option<f64>, f64), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let name = &entry.name;
    if let Some(pan) = raw.pan.as_ref().filter(|_| !is_stereo(layout) && layout != Layout::Mono) {
        errors.push(
            Diagnostic::error(format!("track `{name}` is {layout} and cannot be panned"))
                .at(&pan.span, "")
                .help("pan is for mono and stereo tracks; remove it"),
        );
    }
    let stereo_only = [
        ("balance", raw.balance.as_ref().map(|at| &at.span), "`pan` places a mono track"),
        ("width", raw.width.as_ref().map(|at| &at.span), "remove it"),
    ];
    for (key, span, help) in stereo_only {
        if let Some(span) = span.filter(|_| !is_stereo(layout)) {
            let title = format!("track `{name}` is {layout} and has no {key}");
            let help = if layout == Layout::Mono { help } else { "remove it" };
            errors.push(Diagnostic::error(title).at(span, "for stereo tracks").help(help));
        }
    }
    if let (Some(pan), Some(balance)) = (&raw.pan, &raw.balance) {
        errors.push(
            Diagnostic::error(format!("track `{name}` has both `pan` and `balance`"))
                .at(&balance.span, "")
                .context(&pan.span, "of a stereo track, this is its balance")
                .help("keep one of them"),
        );
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let place = raw.pan.as_ref().or(raw.balance.as_ref()).map(|pan| pan.value.0);
    Ok((place, raw.width.as_ref().map_or(100.0, |width| width.value.0)))
}

/// A balance as a step of a chain.
pub(super) fn balance(at: &At<Pan>, layout: Layout, law: PanLaw) -> Result<Step, Diagnostic> {
    check("balance", layout).map_err(|error| error.at(&at.span, format!("this is {layout}")))?;
    let place = at.value.0;
    let [left, right] = law.balance(place);
    let action = Action::Matrix(vec![vec![left, 0.0], vec![0.0, right]]);
    Ok(Step { action, words: format!("balance {place}, {}", law.words()) })
}

/// A width as a step of a chain.
pub(super) fn width(at: &At<Width>, layout: Layout) -> Result<Step, Diagnostic> {
    check("width", layout).map_err(|error| error.at(&at.span, format!("this is {layout}")))?;
    let percent = at.value.0;
    let action = Action::Matrix(pan::width(percent).map(|row| row.to_vec()).to_vec());
    Ok(Step { action, words: format!("width {percent} %") })
}

fn check(name: &str, layout: Layout) -> Result<(), Diagnostic> {
    let error = || {
        Diagnostic::error(format!("`{name}` is for stereo"))
            .help("say it on the stereo tracks or stems that are summed here")
    };
    if is_stereo(layout) { Ok(()) } else { Err(error()) }
}

/// Not a matrixed pair: what decodes it lives on the difference of its channels.
fn is_stereo(layout: Layout) -> bool {
    layout == Layout::Stereo
}
