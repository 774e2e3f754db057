//! What the files of a film are proposed to be.
//!
//! Elements that are there in several layouts, or for cinema and for home, are sets:
//! each has its stems, its mixes and its packages.

use std::collections::{BTreeMap, BTreeSet};

use super::dubs::Dubs;
use super::film_words::{self, Element, Reading};
use super::items::Item;
use super::names;
use super::nulls::{Null, Prove, refer};
use super::proposal::{Mix, Names, Package, Proposal, Stem, Track};
use crate::audio::layout::{Channel, Layout};

/// The rate that the specs for film ask for.
const FILM_RATE: u32 = 48_000;

/// The elements that are stems, with the letters and roles of these.
pub(super) const STEMS: [(Element, &str, &str); 4] = [
    (Element::Dialogue, "D", "dialogue"),
    (Element::Music, "M", "music"),
    (Element::Effects, "E", "effects"),
    (Element::Optional, "O", "optional"),
];

/// An element of a set.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    pub(super) item: &'a Item,
    pub(super) reading: Reading,
}

/// The elements of one layout.
pub(super) struct Set<'a> {
    pub(super) layout: Layout,
    theatrical: bool,
    pub(super) pieces: Vec<Piece<'a>>,
    /// What its names end with, beside those of another set: `_51`.
    suffix: String,
}

/// Stems by role, print master and M&E, dubs as versions of them, with prints as
/// references where they null.
pub(super) fn propose(
    items: &[(&Item, &[String])],
    proposal: &mut Proposal,
    prove: &mut dyn Prove,
) {
    let mut pieces = Vec::new();
    for (item, words) in items {
        match film_words::read(words) {
            Some(reading) => pieces.push(Piece { item, reading }),
            None => proposal.leave(item, "its name tells no element of a film"),
        }
    }
    let sets = sets(pieces);
    let has_stereo = sets.iter().any(|set| set.layout == Layout::Stereo);
    let mut names = Names::default();
    if let Some(primary) = sets.first() {
        let note = if sets.len() > 1 { "of what names no other" } else { "" };
        proposal.set("layout", primary.layout.name(), note, false);
    }
    for set in &sets {
        let common = sets[0].layout;
        let (original, stems) = (original(&set.pieces), BTreeMap::new());
        let mut maker =
            Maker { set, original, common, has_stereo, names: &mut names, proposal, prove, stems };
        maker.make();
    }
    let every = proposal.versions.len();
    for package in proposal.packages.iter_mut().filter(|package| !package.versions.is_empty()) {
        if package.versions.len() == every {
            package.versions = vec!["all".to_owned()];
        }
    }
    if proposal.packages.iter().all(|package| !package.versions.is_empty()) {
        let all = |some: bool| if some { vec!["all".to_owned()] } else { Vec::new() };
        let (stems, mixes) = (all(!proposal.stems.is_empty()), all(!proposal.mixes.is_empty()));
        let note = "guess: too few elements for a DME or an M&E".to_owned();
        let (name, spec) = ("stems".to_owned(), "production-stems");
        let versions = Vec::new();
        proposal.packages.insert(0, Package { name, spec, stems, mixes, versions, note });
    }
}

/// The language that the film is in, if every dialogue names one: English among
/// several, else the first.
fn original(pieces: &[Piece<'_>]) -> Option<String> {
    let dialogues = pieces.iter().filter(|piece| piece.reading.element == Element::Dialogue);
    let all: Option<BTreeSet<&String>> =
        dialogues.map(|piece| piece.reading.language.as_ref()).collect();
    let all = all?;
    let english = all.iter().find(|language| language.starts_with("en"));
    english.or(all.first()).map(|language| (*language).clone())
}

/// Sets, the one with most elements first. What is narrower than a set and not there
/// in its layout belongs to it: dialogue is often mono, music often stereo.
fn sets(pieces: Vec<Piece<'_>>) -> Vec<Set<'_>> {
    let mut groups: BTreeMap<(bool, std::cmp::Reverse<Layout>), Vec<Piece<'_>>> = BTreeMap::new();
    for piece in pieces {
        let key = (piece.reading.theatrical, std::cmp::Reverse(piece.item.layout));
        groups.entry(key).or_default().push(piece);
    }
    let mut sets: Vec<Set<'_>> = Vec::new();
    for ((theatrical, std::cmp::Reverse(layout)), pieces) in groups {
        let what = |piece: &Piece<'_>| (piece.reading.element, piece.reading.language.clone());
        let own: BTreeSet<_> = pieces.iter().map(what).collect();
        let wider = sets.iter_mut().find(|set| {
            let theirs: BTreeSet<_> = set.pieces.iter().map(what).collect();
            set.theatrical == theatrical && own.intersection(&theirs).count() < 2
        });
        match wider {
            Some(set) => set.pieces.extend(pieces),
            None => sets.push(Set { layout, theatrical, pieces, suffix: String::new() }),
        }
    }
    // The first of equally many: the widest.
    sets.sort_by_key(|set| std::cmp::Reverse(set.pieces.len()));
    let (homes, layouts) = (
        sets.iter().map(|set| set.theatrical).collect::<BTreeSet<_>>(),
        sets.iter().map(|set| set.layout).collect::<BTreeSet<_>>(),
    );
    for set in sets.iter_mut().skip(1) {
        if layouts.len() > 1 {
            set.suffix.push_str(&format!("_{}", digits(set.layout)));
        }
        if homes.len() > 1 {
            set.suffix.push_str(if set.theatrical { "_theatrical" } else { "_nearfield" });
        }
    }
    sets
}

/// A layout as names have it: `51`, `20`.
fn digits(layout: Layout) -> String {
    match layout {
        Layout::Mono => "10".into(),
        Layout::Stereo => "20".into(),
        _ => layout.name().chars().filter(char::is_ascii_digit).collect(),
    }
}

/// A stem that was proposed: its name, and the pieces it sums.
type Made<'a> = (String, Vec<&'a Item>);

pub(super) struct Maker<'s, 'a> {
    pub(super) set: &'s Set<'a>,
    /// The language that the film is in, if it is named.
    original: Option<String>,
    /// The session's layout.
    common: Layout,
    /// Whether the film has stereo of its own.
    has_stereo: bool,
    names: &'s mut Names,
    pub(super) proposal: &'s mut Proposal,
    pub(super) prove: &'s mut dyn Prove,
    /// Stems by element.
    pub(super) stems: BTreeMap<Element, Made<'a>>,
}

impl<'a> Maker<'_, 'a> {
    fn make(&mut self) {
        for (element, letter, role) in STEMS {
            let mut items = self.spoken(element, None);
            if element == Element::Effects {
                self.composite(&mut items);
            }
            if !items.is_empty() {
                self.stem(element, letter, role, items);
            }
        }
        for guide in self.items(Element::Guide) {
            self.proposal.leave(guide, "a guide for dubbing, in no mix");
        }
        let whole = self.print_master();
        self.music_and_effects();
        let dubs = self.dubs(whole);
        self.packages(whole, dubs);
    }

    /// A name beside those of other sets.
    pub(super) fn named(&self, name: &str) -> String {
        format!("{name}{}", self.set.suffix)
    }

    /// The language that a piece is dubbed into; `None` for that of the film.
    pub(super) fn language(&self, piece: &Piece<'_>) -> Option<String> {
        piece.reading.language.clone().filter(|own| Some(own) != self.original.as_ref())
    }

    /// What there is of an element in a language, or in that of the film.
    pub(super) fn spoken(&self, element: Element, language: Option<&String>) -> Vec<&'a Item> {
        let all = self.set.pieces.iter().filter(|piece| piece.reading.element == element);
        all.filter(|piece| self.language(piece).as_ref() == language)
            .map(|piece| piece.item)
            .collect()
    }

    /// What there is of an element, in any language.
    fn items(&self, element: Element) -> Vec<&'a Item> {
        let all = self.set.pieces.iter().filter(|piece| piece.reading.element == element);
        all.map(|piece| piece.item).collect()
    }

    /// Composite effects are the stem E if nothing else is, and else the sum of it.
    fn composite(&mut self, effects: &mut Vec<&'a Item>) {
        for print in self.items(Element::EffectsComposite) {
            if effects.is_empty() {
                effects.push(print);
                continue;
            }
            let null = self.prove.null(print, effects);
            let why = format!("effects in one print: against the tracks of E, {}", null.words());
            self.proposal.leave(print, why);
        }
    }

    fn stem(&mut self, element: Element, letter: &str, role: &'static str, items: Vec<&'a Item>) {
        let name = self.named(letter);
        self.names.reserve(&name);
        let from = items.iter().map(|item| self.track(item, &name)).collect();
        let layout = self.other_layout();
        self.stems.insert(element, (name.clone(), items));
        self.proposal.stems.push(Stem { name, from, role, layout, ..Stem::default() });
    }

    pub(super) fn track(&mut self, item: &'a Item, heading: &str) -> String {
        let piece = self.set.pieces.iter().find(|piece| std::ptr::eq(piece.item, item));
        let piece = piece.expect("BUG: a track is made of a piece of the set");
        let mut words = piece.reading.words.clone();
        words.extend(piece.reading.language.clone());
        let key = self.names.take(&self.named(&names::key(&words)), &item.path);
        let heading = heading.to_owned();
        self.proposal.tracks.push(Track { key: key.clone(), heading, ..self.audio(item) });
        key
    }

    /// The audio of a track, as it enters the set.
    pub(super) fn audio(&self, item: &Item) -> Track {
        let centre = item.layout == Layout::Mono && self.set.layout.position(Channel::C).is_some();
        Track {
            channel: centre.then_some(Channel::C),
            note: if centre { "guess: mono is the centre".into() } else { String::new() },
            ..Track::of(item)
        }
    }

    /// The set's layout, where it is not the session's.
    fn other_layout(&self) -> Option<Layout> {
        Some(self.set.layout).filter(|layout| *layout != self.common)
    }

    /// The stems that a mix may have of these elements.
    fn parts(&self, elements: &[Element]) -> Vec<Made<'a>> {
        elements.iter().filter_map(|element| self.stems.get(element)).cloned().collect()
    }

    /// All stems, in the order of a DME.
    fn all_parts(&self) -> Vec<Made<'a>> {
        self.parts(&STEMS.map(|(element, ..)| element))
    }

    fn mix(&mut self, name: &str, role: &'static str, from: Vec<String>) -> usize {
        self.names.reserve(name);
        let layout = self.other_layout();
        self.proposal.mixes.push(Mix {
            name: name.to_owned(),
            role,
            from,
            layout,
            ..Mix::default()
        });
        self.proposal.mixes.len() - 1
    }

    /// Those of the prints that have the layout of their mix.
    pub(super) fn fitting(&mut self, mix: usize, prints: &[&'a Item]) -> Vec<&'a Item> {
        let layout = self.set.layout;
        let (fitting, others): (Vec<&Item>, Vec<&Item>) =
            prints.iter().copied().partition(|print| print.layout == layout);
        for print in others {
            let name = &self.proposal.mixes[mix].name;
            let why = format!("a print in {}, and `{name}` is {layout}", print.layout);
            self.proposal.leave(print, why);
        }
        fitting
    }

    /// Holds prints against a mix of these stems, and against it without the optional
    /// one. What is found of the first that fits, whether it became the reference or not.
    fn hold(
        &mut self,
        mix: usize,
        prints: &[&'a Item],
        parts: &[Made<'a>],
    ) -> Option<(&'a Item, Null)> {
        let optional = self.stems.get(&Element::Optional).map(|(name, _)| name.clone());
        let lean: Vec<Made<'a>> =
            parts.iter().filter(|(name, _)| Some(name) != optional.as_ref()).cloned().collect();
        let items = |parts: &[Made<'a>]| -> Vec<&'a Item> {
            parts.iter().flat_map(|(_, items)| items.iter().copied()).collect()
        };
        let (mut terms, mut first) = (items(parts), None);
        for print in self.fitting(mix, prints) {
            let mut null = self.prove.null(print, &terms);
            if first.is_none() && !null.holds() && lean.len() < parts.len() {
                let without = self.prove.null(print, &items(&lean));
                if without.holds() {
                    (null, terms) = (without, items(&lean));
                    self.proposal.mixes[mix].from =
                        lean.iter().map(|(name, _)| name.clone()).collect();
                }
            }
            refer(self.proposal, mix, print, &null);
            first = first.or(Some((print, null)));
        }
        first
    }

    /// The print master: the sum of the stems, whose index is returned, or a print.
    fn print_master(&mut self) -> Option<usize> {
        let (name, role) = (self.named("print-master"), "print-master");
        let prints = self.spoken(Element::PrintMaster, None);
        let parts = self.all_parts();
        if !self.stems.contains_key(&Element::Dialogue) || parts.len() < 2 {
            self.of_print(&name, role, &prints);
            return None;
        }
        let mix = self.mix(&name, role, parts.iter().map(|(name, _)| name.clone()).collect());
        self.hold(mix, &prints, &parts);
        Some(mix)
    }

    /// The M&E of M and E. A print that does not null against them holds more than they
    /// do, effects filled where dialogue was: then the print itself is delivered.
    fn music_and_effects(&mut self) {
        let prints = self.items(Element::MusicAndEffects);
        let parts = self.parts(&[Element::Music, Element::Effects]);
        let name = self.named("me");
        if parts.len() < 2 {
            self.of_print(&name, "m-and-e", &prints);
        } else {
            let from = parts.iter().map(|(name, _)| name.clone()).collect();
            let mix = self.mix(&name, "m-and-e", from);
            let held = self.hold(mix, &prints, &parts);
            if let Some((print, null)) = held.filter(|(_, null)| !null.holds()) {
                self.filled(mix, print, &null);
            }
        }
        self.fold(&name);
    }

    /// Puts a print in place of the sum it does not null against.
    fn filled(&mut self, mix: usize, print: &'a Item, null: &Null) {
        let name = self.proposal.mixes[mix].name.clone();
        self.proposal.aside.retain(|aside| aside.path != print.path);
        let key = self.track(print, &name);
        let from = std::mem::replace(&mut self.proposal.mixes[mix].from, vec![key]);
        let note = format!("guess: filled; against {} it {}", from.join(" + "), null.words());
        self.proposal.mixes[mix].note = note;
    }

    /// The stereo of an M&E in 5.1 that no set in stereo has.
    fn fold(&mut self, me: &str) {
        let is_there = self.proposal.mixes.iter().any(|mix| mix.name == me);
        if !is_there || self.has_stereo || self.set.layout != Layout::Surround51 {
            return;
        }
        let mix = self.mix(&format!("{me}-stereo"), "", vec![me.to_owned()]);
        let mix = &mut self.proposal.mixes[mix];
        (mix.layout, mix.is_folded) = (Some(Layout::Stereo), true);
        mix.note = "guess: folded down, centre and surrounds 3 dB lower".into();
    }

    /// A mix that is only there as a print: the print is its track.
    pub(super) fn of_print(&mut self, name: &str, role: &'static str, prints: &[&'a Item]) {
        let Some((print, others)) = prints.split_first() else { return };
        self.names.reserve(name);
        let key = self.track(print, name);
        let mix = self.mix(name, role, vec![key]);
        self.proposal.mixes[mix].note = "only a print of it is here".into();
        for other in others {
            self.proposal.leave(other, format!("a print of `{name}` like {}", print.path));
        }
    }

    /// The packages of the set; `whole` is the print master that is a sum.
    fn packages(&mut self, whole: Option<usize>, dubs: Dubs) {
        let at_rate = self.set.pieces.first().is_none_or(|p| p.item.sample_rate == FILM_RATE);
        let spec = |name| if at_rate { name } else { "production-stems" };
        let names = |parts: Vec<Made<'a>>| -> Vec<String> {
            parts.into_iter().map(|(name, _)| name).collect()
        };
        let complete = STEMS[..3].iter().all(|(element, ..)| self.stems.contains_key(element));
        let (all, optional) = (names(self.all_parts()), names(self.parts(&[Element::Optional])));
        let there =
            |name: String| self.proposal.mixes.iter().any(|mix| mix.name == name).then_some(name);
        let print: Vec<String> = there(self.named("print-master")).into_iter().collect();
        let me = self.named("me");
        let me: Vec<String> =
            [me.clone(), format!("{me}-stereo")].into_iter().filter_map(there).collect();
        let none = Vec::new;
        let mut packages = Vec::new();
        if complete {
            packages.push((self.named("dme"), spec("dme"), all.clone(), print, none()));
        } else if !print.is_empty() {
            packages.push((self.named("print-master"), "production-stems", none(), print, none()));
        }
        if !me.is_empty() {
            packages.push((self.named("m-and-e"), spec("m-and-e"), optional, me, none()));
        }
        if !dubs.versions.is_empty() {
            let (spec, stems) = match whole {
                Some(_) if complete => (spec("dme"), all),
                Some(_) => ("production-stems", none()),
                None => ("production-stems", names(self.parts(&[Element::Dialogue]))),
            };
            let mixes = whole.map(|mix| self.proposal.mixes[mix].name.clone());
            let mixes = mixes.into_iter().collect();
            packages.push((self.named("dubs"), spec, stems, mixes, dubs.versions));
        }
        for print in dubs.prints {
            packages.push((print.clone(), "production-stems", none(), vec![print], none()));
        }
        let note = match at_rate {
            true => "",
            false => "guess: film is delivered at 48000 Hz, and by the specs `dme` and `m-and-e`",
        };
        self.proposal.packages.extend(packages.into_iter().map(
            |(name, spec, stems, mixes, versions)| Package {
                name: name.replace('_', "-"),
                spec,
                stems,
                mixes,
                versions,
                note: note.to_owned(),
            },
        ));
    }
}
