//! Who sums whom: names to parts, cycles, the order of making, and what a mix hears.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graphmap::DiGraphMap;

use super::delivery::{MixId, Part, StemId, TrackId};
use super::raw::{Manifest, Text};
use super::resolve::Faults;
use crate::diag::{Diagnostic, Span};
use crate::yaml::record::{At, Several};

/// A part where it is named. Ids count the entries of the manifest.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) part: Part,
    pub(super) span: Span,
}

/// The sums of the manifest.
pub(super) struct Links {
    /// What each stem and each mix sums, in the order written.
    pub(super) sums: BTreeMap<Part, Vec<Link>>,
    /// The stems that each mix takes out.
    pub(super) without: Vec<Vec<(StemId, Span)>>,
    /// Tracks, stems and mixes, each after all that it sums.
    pub(super) order: Vec<Part>,
    /// Tracks and stems that stand for others in some version.
    pub(super) stand_ins: BTreeSet<Part>,
}

impl Part {
    fn kind(self) -> &'static str {
        match self {
            Part::Track(_) => "track",
            Part::Stem(_) => "stem",
            Part::Mix(_) => "mix",
        }
    }
}

/// `stem, mix or track`.
fn or(kinds: &[&str]) -> String {
    match kinds {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        _ => kinds.concat(),
    }
}

/// Name and place of a part in the manifest.
pub(super) fn named(manifest: &Manifest, part: Part) -> (&str, &Span) {
    match part {
        Part::Track(TrackId(id)) => {
            let entry = &manifest.tracks.0[id as usize];
            (&entry.name, &entry.span)
        }
        Part::Stem(StemId(id)) => {
            let entry = &manifest.stems.0[id as usize];
            (&entry.name, &entry.span)
        }
        Part::Mix(MixId(id)) => {
            let entry = &manifest.mixes.0[id as usize];
            (&entry.name, &entry.span)
        }
    }
}

/// All parts of the manifest: tracks, stems, mixes.
pub(super) fn parts(manifest: &Manifest) -> impl Iterator<Item = Part> {
    let tracks = (0..manifest.tracks.0.len()).map(|id| Part::Track(TrackId(id as u32)));
    let stems = (0..manifest.stems.0.len()).map(|id| Part::Stem(StemId(id as u32)));
    let mixes = (0..manifest.mixes.0.len()).map(|id| Part::Mix(MixId(id as u32)));
    tracks.chain(stems).chain(mixes)
}

/// All names, and what they stand for.
pub(super) struct Names<'a> {
    manifest: &'a Manifest,
    parts: BTreeMap<&'a str, Vec<Part>>,
}

impl<'a> Names<'a> {
    pub(super) fn of(manifest: &'a Manifest) -> Self {
        let mut names: BTreeMap<&str, Vec<Part>> = BTreeMap::new();
        for part in parts(manifest) {
            names.entry(named(manifest, part).0).or_default().push(part);
        }
        Self { manifest, parts: names }
    }

    /// The part of the given kinds that `text` names. `kinds` is in the order in
    /// which messages say it.
    pub(super) fn find(&self, text: &Text, kinds: &[&str]) -> Result<Part, Diagnostic> {
        let name = text.value.as_str();
        let all = self.parts.get(name).map_or(&[][..], Vec::as_slice);
        let fitting: Vec<Part> =
            all.iter().copied().filter(|part| kinds.contains(&part.kind())).collect();
        match (fitting.as_slice(), all) {
            ([one], _) => Ok(*one),
            ([first, second, ..], _) => {
                let (first_span, second_span) =
                    (named(self.manifest, *first).1, named(self.manifest, *second).1);
                let title = format!("`{name}` is both a {} and a {}", first.kind(), second.kind());
                Err(Diagnostic::error(title)
                    .at(&text.span, "which of them?")
                    .context(first_span, format!("the {}", first.kind()))
                    .context(second_span, format!("the {}", second.kind()))
                    .help("give one of them another name"))
            }
            ([], [other, ..]) => {
                let title = format!("`{name}` is a {}, not a {}", other.kind(), or(kinds));
                let error = Diagnostic::error(title)
                    .at(&text.span, "")
                    .context(named(self.manifest, *other).1, format!("a {}", other.kind()));
                Err(match (other, kinds) {
                    (Part::Track(_), ["stem"]) => error.help(format!(
                        "make it a stem: `{name}_stem: [{name}]`, to be summed in its place"
                    )),
                    _ => error,
                })
            }
            ([], []) => {
                let fits = |parts: &[Part]| parts.iter().any(|part| kinds.contains(&part.kind()));
                let candidates =
                    self.parts.iter().filter(|(_, parts)| fits(parts)).map(|(name, _)| *name);
                Err(Diagnostic::error(format!("unknown {} `{name}`", or(kinds)))
                    .at(&text.span, "nothing has this name")
                    .did_you_mean(name, candidates))
            }
        }
    }
}

/// What a stem or mix says it sums, if that could be read.
fn from_of(manifest: &Manifest, part: Part) -> Option<&At<Several<Text>>> {
    match part {
        Part::Track(_) => None,
        Part::Stem(id) => manifest.stems.0[id.0 as usize].body.as_ref().map(|stem| &stem.from),
        Part::Mix(id) => manifest.mixes.0[id.0 as usize].body.as_ref().map(|mix| &mix.from),
    }
}

/// Resolves every `from` and `without`, and puts the parts in order.
pub(super) fn link(manifest: &Manifest, names: &Names<'_>, faults: &mut Faults) -> Links {
    let mut sums = BTreeMap::new();
    for part in parts(manifest).filter(|part| !matches!(part, Part::Track(_))) {
        let mut links = Vec::new();
        if let Some(from) = from_of(manifest, part) {
            let kinds: &[&str] = match part {
                Part::Mix(_) => &["stem", "mix", "track"],
                _ => &["track", "stem"],
            };
            for text in &from.value.0 {
                match names.find(text, kinds) {
                    Ok(found) => links.push(Link { part: found, span: text.span.clone() }),
                    Err(error) => faults.spoil(part, error),
                }
            }
            if from.value.0.is_empty() {
                let title = format!("{} `{}` sums nothing", part.kind(), named(manifest, part).0);
                faults.spoil(part, Diagnostic::error(title).at(&from.span, "an empty list"));
            }
        }
        sums.insert(part, links);
    }
    let without = (0..manifest.mixes.0.len()).map(|id| taken_out(manifest, names, id, faults));
    let without = without.collect();
    let order = order(manifest, &sums, faults);
    Links { sums, without, order, stand_ins: BTreeSet::new() }
}

fn taken_out(
    manifest: &Manifest,
    names: &Names<'_>,
    mix: usize,
    faults: &mut Faults,
) -> Vec<(StemId, Span)> {
    let body = manifest.mixes.0[mix].body.as_ref();
    let mut stems = Vec::new();
    for text in body.and_then(|mix| mix.without.as_ref()).iter().flat_map(|list| &list.0) {
        match names.find(text, &["stem"]) {
            Ok(Part::Stem(stem)) => stems.push((stem, text.span.clone())),
            Ok(_) => {}
            Err(error) => faults.spoil(Part::Mix(MixId(mix as u32)), error),
        }
    }
    stems
}

/// Children before parents. Parts that sum themselves are reported.
fn order(manifest: &Manifest, sums: &BTreeMap<Part, Vec<Link>>, faults: &mut Faults) -> Vec<Part> {
    let mut graph: DiGraphMap<Part, ()> = DiGraphMap::new();
    for part in parts(manifest) {
        graph.add_node(part);
    }
    for (part, links) in sums {
        for link in links {
            graph.add_edge(*part, link.part, ());
        }
    }
    // Components come children first; one of several parts, or a part that sums
    // itself, is a cycle. (Kosaraju's is the algorithm that does not recurse.)
    let components = kosaraju_scc(&graph);
    for component in &components {
        let Some(&first) = component.iter().min() else { continue };
        if component.len() > 1 || graph.contains_edge(first, first) {
            let members: BTreeSet<Part> = component.iter().copied().collect();
            report_cycle(manifest, sums, first, &members, faults);
        }
    }
    components.into_iter().flatten().collect()
}

/// Finds the shortest way from `first` back to itself and prints it as a path.
fn report_cycle(
    manifest: &Manifest,
    sums: &BTreeMap<Part, Vec<Link>>,
    first: Part,
    members: &BTreeSet<Part>,
    faults: &mut Faults,
) {
    let mut reached_by: BTreeMap<Part, Part> = BTreeMap::new();
    let mut queue = VecDeque::from([first]);
    while let Some(part) = queue.pop_front() {
        for link in sums.get(&part).into_iter().flatten() {
            if members.contains(&link.part) && !reached_by.contains_key(&link.part) {
                reached_by.insert(link.part, part);
                queue.push_back(link.part);
            }
        }
    }
    let mut path = vec![first];
    let mut at = first;
    while let Some(before) = reached_by.get(&at) {
        path.push(*before);
        at = *before;
        if at == first {
            break;
        }
    }
    path.reverse();
    let names: Vec<&str> = path.iter().map(|part| named(manifest, *part).0).collect();
    let title = format!("{} `{}` sums itself: {}", first.kind(), names[0], names.join(" -> "));
    let mut error = Diagnostic::error(title);
    let next = path.get(1).copied().unwrap_or(first);
    let link = sums.get(&first).and_then(|links| links.iter().find(|link| link.part == next));
    if let Some(link) = link {
        error = error.at(&link.span, "the way back begins here");
    }
    faults.spoil(first, error.help("take one of these out of the other's `from`"));
    faults.bad.extend(members);
}

/// How often each part is heard in a mix.
pub(super) type Heard = BTreeMap<Part, u64>;

/// What mixes hear. A mix taken into another brings what it takes out with it, so
/// a mix is kept as its parts below all mixes, each with the stems taken out on
/// the way to it.
pub(super) struct Hearing<'a> {
    links: &'a Links,
    rank: BTreeMap<Part, usize>,
    spread: BTreeMap<MixId, BTreeMap<(BTreeSet<StemId>, Part), u64>>,
}

impl<'a> Hearing<'a> {
    pub(super) fn new(links: &'a Links) -> Self {
        let rank = links.order.iter().enumerate().map(|(rank, part)| (*part, rank)).collect();
        Self { links, rank, spread: BTreeMap::new() }
    }

    /// What `mix` hears before and after its own `without`. Mixes must be asked
    /// for in order, each after those it sums.
    pub(super) fn of(&mut self, mix: MixId) -> (Heard, Heard) {
        let mut before: BTreeMap<(BTreeSet<StemId>, Part), u64> = BTreeMap::new();
        for link in &self.links.sums[&Part::Mix(mix)] {
            let inner = match link.part {
                Part::Mix(inner) => self.spread.get(&inner).cloned().unwrap_or_default(),
                part => BTreeMap::from([((BTreeSet::new(), part), 1)]),
            };
            for (key, times) in inner {
                let sum = before.entry(key).or_default();
                *sum = sum.saturating_add(times);
            }
        }
        let own = self.links.without[mix.0 as usize].iter().map(|(stem, _)| *stem);
        let own: BTreeSet<StemId> = own.collect();
        let mut after: BTreeMap<(BTreeSet<StemId>, Part), u64> = BTreeMap::new();
        for ((taken, part), times) in &before {
            let sum = after.entry((taken | &own, *part)).or_default();
            *sum = sum.saturating_add(*times);
        }
        let heard = (self.count(&before), self.count(&after));
        self.spread.insert(mix, after);
        heard
    }

    fn count(&self, spread: &BTreeMap<(BTreeSet<StemId>, Part), u64>) -> Heard {
        let mut heard = Heard::new();
        let mut groups: BTreeMap<&BTreeSet<StemId>, BTreeMap<usize, u64>> = BTreeMap::new();
        for ((taken, part), times) in spread {
            groups.entry(taken).or_default().insert(self.rank[part], *times);
        }
        for (taken, mut waiting) in groups {
            // Parents have higher ranks, so a part is complete when it is taken up.
            while let Some((rank, times)) = waiting.pop_last() {
                let part = self.links.order[rank];
                if matches!(part, Part::Stem(stem) if taken.contains(&stem)) {
                    continue;
                }
                let sum = heard.entry(part).or_default();
                *sum = sum.saturating_add(times);
                for link in self.links.sums.get(&part).into_iter().flatten() {
                    let sum = waiting.entry(self.rank[&link.part]).or_default();
                    *sum = sum.saturating_add(times);
                }
            }
        }
        heard
    }
}
