//! What the files of a film are proposed to be.
//!
//! Elements that are there in several layouts, or for cinema and for home, are sets:
//! each has its stems, its mixes and its packages.

use std::collections::{BTreeMap, BTreeSet};

use super::film_words::{self, Element, Reading};
use super::items::Item;
use super::names;
use super::nulls::{Null, Prove, refer};
use super::proposal::{Mix, Names, Package, Proposal, Stem, Track};
use crate::audio::layout::{Channel, Layout};

/// The rate that the specs for film ask for.
const FILM_RATE: u32 = 48_000;

/// An element of a set.
#[derive(Clone, Debug)]
struct Piece<'a> {
    item: &'a Item,
    reading: Reading,
}

/// The elements of one layout.
struct Set<'a> {
    layout: Layout,
    theatrical: bool,
    pieces: Vec<Piece<'a>>,
    /// What its names end with, beside those of another set: `_51`.
    suffix: String,
}

/// Stems by role, print master and M&E, dubs of them, with prints as references where
/// they null.
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
        let stems = BTreeMap::new();
        let mut maker =
            Maker { set, common, has_stereo, names: &mut names, proposal, prove, stems };
        maker.make();
    }
    if proposal.packages.is_empty() {
        let all = |some: bool| if some { vec!["all".to_owned()] } else { Vec::new() };
        let (stems, mixes) = (all(!proposal.stems.is_empty()), all(!proposal.mixes.is_empty()));
        let note = "guess: too few elements for a DME or an M&E".to_owned();
        let (name, spec) = ("stems".to_owned(), "production-stems");
        proposal.packages.push(Package { name, spec, stems, mixes, note });
    }
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

struct Maker<'s, 'a> {
    set: &'s Set<'a>,
    /// The session's layout.
    common: Layout,
    /// Whether the film has stereo of its own.
    has_stereo: bool,
    names: &'s mut Names,
    proposal: &'s mut Proposal,
    prove: &'s mut dyn Prove,
    /// Stems by element and language.
    stems: BTreeMap<(Element, Option<String>), Made<'a>>,
}

impl<'a> Maker<'_, 'a> {
    fn make(&mut self) {
        let original = self.original();
        let elements = [
            (Element::Dialogue, "D", "dialogue"),
            (Element::Music, "M", "music"),
            (Element::Effects, "E", "effects"),
            (Element::Optional, "O", "optional"),
        ];
        let mut languages: BTreeSet<String> = BTreeSet::new();
        for (element, letter, role) in elements {
            let mut spoken: BTreeMap<Option<String>, Vec<&'a Item>> = BTreeMap::new();
            for piece in self.set.pieces.iter().filter(|piece| piece.reading.element == element) {
                let language =
                    piece.reading.language.clone().filter(|l| Some(l) != original.as_ref());
                spoken.entry(language).or_default().push(piece.item);
            }
            if element == Element::Effects {
                self.composite(spoken.entry(None).or_default());
                spoken.retain(|_, items| !items.is_empty());
            }
            for (language, items) in spoken {
                let name = match &language {
                    None => format!("{letter}{}", self.set.suffix),
                    Some(language) => format!("{letter}{}-{language}", self.set.suffix),
                };
                self.stem(element, language.clone(), &name, role, items);
                languages.extend(language);
            }
        }
        for guide in self.pieces(Element::Guide) {
            self.proposal.leave(guide.item, "a guide for dubbing, in no mix");
        }
        let prints = self.pieces(Element::PrintMaster);
        let spoken = |piece: &Piece<'_>| piece.reading.language.clone();
        languages.extend(prints.iter().filter_map(spoken).filter(|l| Some(l) != original.as_ref()));
        self.print_master(None, original.as_ref());
        self.music_and_effects();
        for language in &languages {
            self.print_master(Some(language), original.as_ref());
        }
        self.packages(&languages);
    }

    fn pieces(&self, element: Element) -> Vec<Piece<'a>> {
        let all = self.set.pieces.iter();
        all.filter(|piece| piece.reading.element == element).cloned().collect()
    }

    /// The language that is the film's own, if every dialogue names one: English among
    /// several, else the first.
    fn original(&self) -> Option<String> {
        let dialogues = self.pieces(Element::Dialogue);
        let all: Option<BTreeSet<String>> =
            dialogues.into_iter().map(|piece| piece.reading.language).collect();
        let all = all?;
        all.iter().find(|language| language.starts_with("en")).or(all.first()).cloned()
    }

    /// Composite effects are the stem E if nothing else is, and else the sum of it.
    fn composite(&mut self, effects: &mut Vec<&'a Item>) {
        for piece in self.pieces(Element::EffectsComposite) {
            if effects.is_empty() {
                effects.push(piece.item);
                continue;
            }
            let null = self.prove.null(piece.item, effects);
            let why = format!("effects in one print: against the tracks of E, {}", null.words());
            self.proposal.leave(piece.item, why);
        }
    }

    fn stem(
        &mut self,
        element: Element,
        language: Option<String>,
        name: &str,
        role: &'static str,
        items: Vec<&'a Item>,
    ) {
        let mut stem =
            Stem { name: name.to_owned(), role, layout: self.other_layout(), ..Stem::default() };
        self.names.reserve(name);
        for item in &items {
            let key = self.track(item, name);
            stem.from.push(key);
        }
        if let Some(language) = &language {
            stem.note =
                format!("in {language}, in place of {}", name.replace(&format!("-{language}"), ""));
        }
        self.proposal.stems.push(stem);
        self.stems.insert((element, language), (name.to_owned(), items));
    }

    fn track(&mut self, item: &'a Item, heading: &str) -> String {
        let piece = self.set.pieces.iter().find(|piece| std::ptr::eq(piece.item, item));
        let piece = piece.expect("BUG: a track is made of a piece of the set");
        let mut words = piece.reading.words.clone();
        words.extend(piece.reading.language.clone());
        let wanted = format!("{}{}", names::key(&words), self.set.suffix);
        let key = self.names.take(&wanted, &item.path);
        let centre = item.layout == Layout::Mono && self.set.layout.position(Channel::C).is_some();
        self.proposal.tracks.push(Track {
            key: key.clone(),
            channel: centre.then_some(Channel::C),
            heading: heading.to_owned(),
            note: if centre { "guess: mono is the centre".into() } else { String::new() },
            ..Track::of(item)
        });
        key
    }

    /// The set's layout, where it is not the session's.
    fn other_layout(&self) -> Option<Layout> {
        Some(self.set.layout).filter(|layout| *layout != self.common)
    }

    /// The stems of a mix in one language: that of each element, or the original's.
    fn parts(&self, elements: &[Element], language: Option<&String>) -> Vec<Made<'a>> {
        let of = |element: &Element| {
            let own = self.stems.get(&(*element, language.cloned()));
            own.or_else(|| self.stems.get(&(*element, None))).cloned()
        };
        elements.iter().filter_map(of).collect()
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

    /// Holds prints against a mix of these stems, and against it without the optional
    /// one. What is found of the first that fits, whether it became the reference or not.
    fn hold(&mut self, mix: usize, prints: &[Piece<'a>], parts: &[Made<'a>]) -> Option<Null> {
        let optional = self.stems.get(&(Element::Optional, None)).map(|(name, _)| name.clone());
        let lean: Vec<Made<'a>> =
            parts.iter().filter(|(name, _)| Some(name) != optional.as_ref()).cloned().collect();
        let items = |parts: &[Made<'a>]| -> Vec<&'a Item> {
            parts.iter().flat_map(|(_, items)| items.iter().copied()).collect()
        };
        let (mut terms, mut first) = (items(parts), None);
        for print in prints {
            if print.item.layout != self.set.layout {
                let (name, layout) = (self.proposal.mixes[mix].name.clone(), self.set.layout);
                let why = format!("a print in {}, and `{name}` is {layout}", print.item.layout);
                self.proposal.leave(print.item, why);
                continue;
            }
            let mut null = self.prove.null(print.item, &terms);
            if first.is_none() && !null.holds() && lean.len() < parts.len() {
                let without = self.prove.null(print.item, &items(&lean));
                if without.holds() {
                    (null, terms) = (without, items(&lean));
                    self.proposal.mixes[mix].from =
                        lean.iter().map(|(name, _)| name.clone()).collect();
                }
            }
            refer(self.proposal, mix, print.item, &null);
            first = first.or(Some(null));
        }
        first
    }

    fn print_master(&mut self, language: Option<&String>, original: Option<&String>) {
        let name = match language {
            None => format!("print-master{}", self.set.suffix),
            Some(language) => format!("print-master{}-{language}", self.set.suffix),
        };
        let spoken = |piece: &Piece<'_>| {
            let own = piece.reading.language.as_ref();
            if language.is_some() { own == language } else { own.is_none() || own == original }
        };
        let prints: Vec<Piece<'a>> =
            self.pieces(Element::PrintMaster).into_iter().filter(spoken).collect();
        use Element::{Dialogue, Effects, Music, Optional};
        let parts = self.parts(&[Dialogue, Music, Effects, Optional], language);
        let speaks = self.stems.contains_key(&(Dialogue, language.cloned()));
        if speaks && parts.len() > 1 {
            let from = parts.iter().map(|(name, _)| name.clone()).collect();
            let mix = self.mix(&name, "print-master", from);
            self.hold(mix, &prints, &parts);
        } else {
            self.of_print(&name, "print-master", &prints);
        }
    }

    /// The M&E of M and E. A print that does not null against them holds more than they
    /// do, effects filled where dialogue was: then the print itself is delivered.
    fn music_and_effects(&mut self) {
        let prints = self.pieces(Element::MusicAndEffects);
        let parts = self.parts(&[Element::Music, Element::Effects], None);
        let name = format!("me{}", self.set.suffix);
        if parts.len() < 2 {
            self.of_print(&name, "m-and-e", &prints);
        } else {
            let from = parts.iter().map(|(name, _)| name.clone()).collect();
            let mix = self.mix(&name, "m-and-e", from);
            if let Some(null) = self.hold(mix, &prints, &parts).filter(|null| !null.holds()) {
                self.filled(mix, &prints, &null);
            }
        }
        self.fold(&name);
    }

    /// Puts the first print that fits in place of the sum it does not null against.
    fn filled(&mut self, mix: usize, prints: &[Piece<'a>], null: &Null) {
        let fitting = prints.iter().find(|print| print.item.layout == self.set.layout);
        let Some(print) = fitting else { return };
        let name = self.proposal.mixes[mix].name.clone();
        self.proposal.aside.retain(|aside| aside.path != print.item.path);
        let key = self.track(print.item, &name);
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
    fn of_print(&mut self, name: &str, role: &'static str, prints: &[Piece<'a>]) {
        let Some((print, others)) = prints.split_first() else { return };
        self.names.reserve(name);
        let key = self.track(print.item, name);
        let mix = self.mix(name, role, vec![key]);
        self.proposal.mixes[mix].note = "only a print of it is here".into();
        for other in others {
            self.proposal
                .leave(other.item, format!("a print of `{name}` like {}", print.item.path));
        }
    }

    fn packages(&mut self, languages: &BTreeSet<String>) {
        let rate = self.set.pieces.first().map_or(0, |piece| piece.item.sample_rate);
        let note = match rate {
            FILM_RATE => "",
            _ => "guess: film is delivered at 48000 Hz, and by the specs `dme` and `m-and-e`",
        };
        let spec = |name| if rate == FILM_RATE { name } else { "production-stems" };
        let suffix = self.set.suffix.replace('_', "-");
        let complete = [Element::Dialogue, Element::Music, Element::Effects]
            .iter()
            .all(|element| self.stems.contains_key(&(*element, None)));
        let has = |mixes: &[Mix], name: &String| mixes.iter().any(|mix| mix.name == *name);
        for language in std::iter::once(None).chain(languages.iter().map(Some)) {
            let tail = language.map_or(String::new(), |language| format!("-{language}"));
            let mix = format!("print-master{}{tail}", self.set.suffix);
            let mixes: Vec<String> =
                has(&self.proposal.mixes, &mix).then_some(mix).into_iter().collect();
            use Element::{Dialogue, Effects, Music, Optional};
            let stems = self.parts(&[Dialogue, Music, Effects, Optional], language);
            let is_dme = complete
                && (language.is_none() || self.stems.contains_key(&(Dialogue, language.cloned())));
            let stems = stems.into_iter().map(|(name, _)| name).collect();
            let (name, spec, stems) = match is_dme {
                true => (format!("dme{suffix}{tail}"), spec("dme"), stems),
                false if mixes.is_empty() => continue,
                false => (format!("print-master{suffix}{tail}"), "production-stems", Vec::new()),
            };
            self.proposal.packages.push(Package {
                name,
                spec,
                stems,
                mixes,
                note: note.to_owned(),
            });
        }
        let me = format!("me{}", self.set.suffix);
        if !has(&self.proposal.mixes, &me) {
            return;
        }
        self.proposal.packages.push(Package {
            name: format!("m-and-e{suffix}"),
            spec: spec("m-and-e"),
            stems: self
                .parts(&[Element::Optional], None)
                .into_iter()
                .map(|(name, _)| name)
                .collect(),
            mixes: [me.clone(), format!("{me}-stereo")]
                .into_iter()
                .filter(|mix| has(&self.proposal.mixes, mix))
                .collect(),
            note: note.to_owned(),
        });
    }
}
