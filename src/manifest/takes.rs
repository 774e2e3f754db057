//! What of each stem and mix a package holds: sections, wet and dry.

use super::delivery::{Content, Cut, Programme, Section, Take};
use super::framing::Edges;
use super::raw::{self, Text};
use crate::diag::{Diagnostic, Diagnostics};
use crate::yaml::record::{Entry, Selection};

/// How long the end of a loop fades into what stands before its start: 10 ms. Our
/// choice: shorter than an attack, longer than a period of what could click.
const SEAM_MS: u64 = 10;

/// The takes of every member of one package.
pub(super) struct Takes {
    wet: bool,
    dry: bool,
    /// Parts of the programme; none: all of it.
    cuts: Vec<Cut>,
}

impl Takes {
    pub(super) fn resolve(
        raw: &raw::Deliverable,
        sections: &[Section],
        programme: &Programme,
        found: &mut Diagnostics,
    ) -> Self {
        let dry = raw.dry == Some(true);
        let wet = raw.wet.unwrap_or(!dry);
        let looped = raw.r#loop == Some(true);
        let chosen: Vec<&Section> = match &raw.sections {
            None => Vec::new(),
            Some(Selection::All) => sections.iter().collect(),
            Some(Selection::These(names)) => {
                let known = |name| section(name, sections).map_err(|error| found.push(error)).ok();
                names.iter().filter_map(known).collect()
            }
        };
        let seam = u64::from(programme.sample_rate.hz()) * SEAM_MS / 1000;
        if looped {
            chosen.iter().filter(|section| section.from_frame == 0).for_each(|section| {
                let title =
                    format!("section `{}` does not come round without a seam", section.name);
                let warning = Diagnostic::warning(title)
                    .at(&section.span, "begins with the programme: nothing stands before it")
                    .help(
                        "begin it 10 ms later, or place the tracks later, so that its end can \
                           fade into what stands before its start",
                    );
                found.push(warning);
            });
        }
        let cut = |section: &&Section| {
            let (from, to) = (section.from_frame, section.to_frame);
            let seam = if looped { seam.min(from).min((to - from) / 2) } else { 0 };
            Cut { name: section.name.clone(), from, to, seam }
        };
        Self { wet, dry, cuts: chosen.iter().map(cut).collect() }
    }

    /// A file has one timeline: that of the programme, framed, or that of a section, or
    /// that of an `edited` mix.
    pub(super) fn check(
        &self,
        entry: &Entry<raw::Deliverable>,
        raw: &raw::Deliverable,
        edges: &Edges<'_>,
        edited: Option<Content>,
        found: &mut Diagnostics,
    ) {
        let framed = edges.span();
        let sections = raw.sections.is_some();
        let apart = "deliver them in packages of their own";
        let (title, help) = match (framed, edited) {
            (Some(_), _) if sections => ("a section has neither head nor tail", apart),
            (Some(_), Some(_)) => ("an edited mix has neither head nor tail", apart),
            (None, Some(_)) if sections => ("an edited mix has no sections", apart),
            _ if raw.r#loop.is_some() && !sections => {
                ("only sections can be made to loop", "add `sections: all`, or remove `loop`")
            }
            _ => return,
        };
        let error = Diagnostic::error(title).at(framed.unwrap_or(&entry.span), "");
        let error = if framed.is_some() { edges.told(error) } else { error };
        found.push(error.help(help));
    }

    /// The takes of a stem or mix; only stems have chains to go without.
    pub(super) fn of(&self, content: Content) -> Vec<Take> {
        let dry: &[bool] = match content {
            Content::Stem(_) if self.dry && self.wet => &[false, true],
            Content::Stem(_) if self.dry => &[true],
            _ => &[false],
        };
        let take = |dry: bool, cut: Option<&Cut>| Take { dry, cut: cut.cloned() };
        let of_kind = |dry: &bool| -> Vec<Take> {
            match self.cuts.as_slice() {
                [] => vec![take(*dry, None)],
                cuts => cuts.iter().map(|cut| take(*dry, Some(cut))).collect(),
            }
        };
        dry.iter().flat_map(of_kind).collect()
    }
}

impl Take {
    /// The name of a stem or mix with what of it this is: `drums_dry_verse`.
    pub(super) fn named(&self, name: &str) -> String {
        let dry = if self.dry { "_dry" } else { "" };
        let section = self.cut.as_ref().map_or(String::new(), |cut| format!("_{}", cut.name));
        format!("{name}{dry}{section}")
    }
}

/// The section of that name.
pub(super) fn section<'a>(name: &Text, sections: &'a [Section]) -> Result<&'a Section, Diagnostic> {
    sections.iter().find(|section| section.name == name.value).ok_or_else(|| {
        let title = format!("unknown section `{}`", name.value);
        let error = Diagnostic::error(title).at(&name.span, "nothing has this name");
        let names = sections.iter().map(|section| section.name.as_str());
        match sections.is_empty() {
            true => error.help("add `sections: { verse: { from: bar 9, to: bar 25 } }`"),
            false => error.did_you_mean(&name.value, names),
        }
    })
}
