//! What a package holds: the tracks, stems and mixes that are chosen, and what each of them
//! is to the recipient.

use super::delivery::{Content, MixId, Part, TrackId, VersionId};
use super::links::named;
use super::packages::Ground;
use super::raw::{self, Text};
use super::sums::top_stems;
use crate::diag::{Diagnostics, Span};
use crate::yaml::record::{Entry, Selection, Several};

/// One thing that a package holds.
#[derive(Clone, Copy)]
pub(super) struct Member<'a> {
    pub(super) content: Content,
    /// The version in which it is asked for, if in one.
    pub(super) version: Option<VersionId>,
    /// What it is to the recipient; empty if nobody said.
    pub(super) role: &'a str,
    /// Where that is said; where it is not, the name of what it holds.
    pub(super) role_span: &'a Span,
    /// Whether the package gives it that role, whatever it is elsewhere.
    pub(super) is_named: bool,
    /// Which of several of one role it is, from 0: `OPTA`, `OPTB`.
    pub(super) letter: Option<u8>,
}

/// Tracks first, then stems, then mixes, then what the package names by its role. `None` if a
/// name stands for nothing.
pub(super) fn members<'a>(
    ground: &Ground<'a>,
    entry: &Entry<raw::Deliverable>,
    raw: &'a raw::Deliverable,
    found: &mut Diagnostics,
) -> Option<Vec<Member<'a>>> {
    let errors = found.errors();
    let mut chosen = |texts: &[Text], kinds: &[&str]| -> Vec<Part> {
        let mut parts = Vec::new();
        for text in texts {
            match ground.names.find(text, kinds) {
                Ok(part) => parts.push(part),
                Err(error) => found.push(error.context(&entry.span, "in this deliverable")),
            }
        }
        parts
    };
    let tracks = match &raw.tracks {
        None => Vec::new(),
        Some(Selection::All) => {
            (0..ground.manifest.tracks.0.len()).map(|id| Part::Track(TrackId(id as u32))).collect()
        }
        Some(Selection::These(texts)) => chosen(texts, &["track"]),
    };
    let stems = match &raw.stems {
        None => Vec::new(),
        Some(Selection::All) => {
            top_stems(ground.manifest, ground.links).into_iter().map(Part::Stem).collect()
        }
        Some(Selection::These(texts)) => chosen(texts, &["stem"]),
    };
    let mut mixes = match &raw.mixes {
        None => Vec::new(),
        Some(Selection::All) => {
            (0..ground.manifest.mixes.0.len()).map(|id| Part::Mix(MixId(id as u32))).collect()
        }
        Some(Selection::These(texts)) => chosen(texts, &["mix"]),
    };
    mixes.extend(chosen(raw.mix.as_slice(), &["mix"]));
    let own = tracks.into_iter().chain(stems).chain(mixes).map(|part| {
        let (role, role_span) = own_role(ground, part);
        (part, role, role_span, false, None)
    });
    let mut all: Vec<_> = own.collect();
    let optional: &'a [Text] = raw.optional.as_ref().map_or(&[], |Several(texts)| texts);
    for (role, texts, kinds) in [
        ("optional", optional, &["stem", "mix"][..]),
        ("guide", raw.guide.as_slice(), &["stem", "mix"]),
        ("print-master", raw.print_master.as_slice(), &["mix"]),
    ] {
        for (text, letter) in texts.iter().zip(0..) {
            let letter = (texts.len() > 1).then_some(letter);
            let parts = chosen(std::slice::from_ref(text), kinds);
            all.extend(parts.into_iter().map(|part| (part, role, &text.span, true, letter)));
        }
    }
    let members = all.into_iter().map(|(part, role, role_span, is_named, letter)| {
        let content = match part {
            Part::Track(id) => Content::Track(id),
            Part::Stem(id) => Content::Stem(id),
            Part::Mix(id) => Content::Mix(id),
        };
        Member { content, version: None, role, role_span, is_named, letter }
    });
    let members = members.collect();
    (found.errors() == errors).then_some(members)
}

/// Names that say what a stem or mix is to a recipient, where it has no `role`.
const ROLES: [&str; 8] =
    ["dialogue", "music", "effects", "optional", "click", "guide", "print-master", "m-and-e"];

/// The role that the manifest gives a stem or mix, or that its name is. A mix of one mix from which
/// nothing is taken is the same in another layout or at another level: it has that
/// mix's role, unless it says its own.
fn own_role<'a>(ground: &Ground<'a>, part: Part) -> (&'a str, &'a Span) {
    let (manifest, links) = (ground.manifest, ground.links);
    let mut at = part;
    // Mixes that sum each other in a circle are refused elsewhere.
    for _ in 0..=manifest.mixes.0.len() {
        let role = match at {
            Part::Stem(id) => {
                let stem = manifest.stems.0[id.0 as usize].body.as_ref();
                stem.and_then(|stem| stem.role.as_ref())
            }
            Part::Mix(id) => {
                let mix = manifest.mixes.0[id.0 as usize].body.as_ref();
                mix.and_then(|mix| mix.role.as_ref())
            }
            Part::Track(_) => None,
        };
        if let Some(Text { value, span }) = role {
            return (value, span);
        }
        let (name, span) = named(manifest, at);
        if ROLES.contains(&name) && !matches!(at, Part::Track(_)) {
            return (name, span);
        }
        match (at, links.sums.get(&at).map(Vec::as_slice)) {
            (Part::Mix(id), Some([one]))
                if matches!(one.part, Part::Mix(_)) && links.without[id.0 as usize].is_empty() =>
            {
                at = one.part;
            }
            _ => break,
        }
    }
    ("", named(manifest, part).1)
}
