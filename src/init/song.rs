//! What the files of a song are proposed to be.

use super::items::Item;
use super::music::{self, Group, Part, Printed};
use super::names;
use super::nulls::{Prove, refer};
use super::proposal::{Mix, Names, Package, Proposal, Stem, Track};
use crate::audio::layout::{Channel, Layout};

/// The names that the manifest of a song may need for its sums.
const SUMS: [&str; 5] = ["vocals", "full", "instrumental", "tv", "a-cappella"];

/// What a file is taken for.
struct Heard<'a> {
    item: &'a Item,
    words: &'a [String],
    part: Part,
    /// Why it is not sure.
    note: &'static str,
}

/// Tracks by group, mixes as the groups allow, prints as references where they null.
pub(super) fn propose(
    items: &[(&Item, &[String])],
    proposal: &mut Proposal,
    prove: &mut dyn Prove,
) {
    let heard: Vec<Heard<'_>> = items.iter().map(|(item, words)| hear(item, words)).collect();
    let mut names = Names::default();
    SUMS.iter().for_each(|name| names.reserve(name));
    Group::BAND.iter().for_each(|group| names.reserve(group.stem()));
    [Group::Lead, Group::Backing].iter().for_each(|group| names.reserve(group.stem()));
    let mut tracks: Vec<(Group, &Item)> = Vec::new();
    for group in Group::BAND.into_iter().chain([Group::Lead, Group::Backing]) {
        for heard in &heard {
            if matches!(heard.part, Part::Track(of, _) if of == group) {
                let key = names.take(&names::key(heard.words), &heard.item.path);
                proposal.tracks.push(track(key, group.stem(), heard));
                tracks.push((group, heard.item));
            }
        }
    }
    let prints: Vec<&Heard<'_>> =
        heard.iter().filter(|heard| matches!(heard.part, Part::Mix(_))).collect();
    for cue in heard.iter().filter(|heard| heard.part == Part::Cue) {
        proposal.leave(cue.item, "for the players alone, in no mix");
    }
    if tracks.is_empty() {
        return only_prints(&prints, &mut names, proposal);
    }
    sums(&tracks, proposal);
    widen(&tracks, &prints, proposal);
    let mut ground = Ground { tracks: &tracks, proposal, prove };
    prints.iter().for_each(|print| ground.refer(print));
    packages(proposal);
}

/// What a file is, by its name, or else by that of its folder.
fn hear<'a>(item: &'a Item, words: &'a [String]) -> Heard<'a> {
    let found = music::part(words);
    if let Some(part) = found {
        let note = match part {
            Part::Track(_, false) => "guess: by one word of its name",
            _ => "",
        };
        return Heard { item, words, part, note };
    }
    let folders = item.path.rsplit('/').skip(1);
    let by_folder = folders.map(|folder| names::Name::parse(folder).telling());
    let by_folder = by_folder.filter_map(|words| music::part(&words)).next();
    let (part, note) = match by_folder {
        Some(part) => (part, "guess: by its folder"),
        None if music::is_mix_sign(words) => (Part::Mix(Printed::Full), ""),
        None => (Part::Track(Group::Other, false), "guess: its name tells nothing"),
    };
    Heard { item, words, part, note }
}

fn track(key: String, heading: &str, heard: &Heard<'_>) -> Track {
    let (heading, note) = (heading.to_owned(), heard.note.to_owned());
    Track { key, heading, note, ..Track::of(heard.item) }
}

/// The stems that tracks make, and the mixes that stems make.
fn sums(tracks: &[(Group, &Item)], proposal: &mut Proposal) {
    let keys = |group: Group| -> Vec<String> {
        let all = tracks.iter().zip(&proposal.tracks);
        all.filter(|((of, _), _)| *of == group).map(|(_, track)| track.key.clone()).collect()
    };
    let stem = |name: &str, from: Vec<String>| Stem { name: name.into(), from, ..Stem::default() };
    let has = |group: Group| tracks.iter().any(|(of, _)| *of == group);
    let mut stems: Vec<Stem> = Group::BAND
        .into_iter()
        .filter(|group| has(*group))
        .map(|group| stem(group.stem(), keys(group)))
        .collect();
    if let Some(other) = stems.iter_mut().find(|stem| stem.name == Group::Other.stem()) {
        other.note = "guess: no name says where these belong".into();
    }
    let band: Vec<String> = stems.iter().map(|stem| stem.name.clone()).collect();
    let (lead, backing) = (Group::Lead, Group::Backing);
    let voices = match (has(lead), has(backing)) {
        (true, true) => {
            let both = vec![lead.stem().to_owned(), backing.stem().to_owned()];
            stems.push(stem(lead.stem(), keys(lead)));
            stems.push(stem(backing.stem(), keys(backing)));
            stems.push(stem("vocals", both));
            Some("vocals")
        }
        (true, false) => {
            stems.push(stem("vocals", keys(lead)));
            Some("vocals")
        }
        (false, true) => {
            stems.push(stem(backing.stem(), keys(backing)));
            Some(backing.stem())
        }
        (false, false) => None,
    };
    proposal.stems = stems;
    let all = band.iter().cloned().chain(voices.map(str::to_owned)).collect();
    proposal.mixes.push(Mix { name: "full".into(), from: all, ..Mix::default() });
    let without = |name: &str, stem: &str| Mix {
        name: name.into(),
        from: vec!["full".into()],
        without: vec![stem.into()],
        ..Mix::default()
    };
    if let Some(voices) = voices.filter(|_| !band.is_empty()) {
        proposal.mixes.push(without("instrumental", voices));
        if has(lead) && has(backing) {
            proposal.mixes.push(without("tv", lead.stem()));
        }
        let from = vec![voices.to_owned()];
        proposal.mixes.push(Mix { name: "a-cappella".into(), from, ..Mix::default() });
    }
}

/// The layout of the song: that of its widest track; and stereo, if all tracks are
/// mono and a print is not.
fn widen(tracks: &[(Group, &Item)], prints: &[&Heard<'_>], proposal: &mut Proposal) {
    let widest = tracks.iter().map(|(_, item)| item.layout).max().unwrap_or(Layout::Stereo);
    if widest == Layout::Mono {
        let is_stereo = prints.iter().any(|print| print.item.layout == Layout::Stereo);
        let note = if is_stereo {
            "as the print is"
        } else {
            "all tracks are mono, and so are mixes without this"
        };
        proposal.set("layout", Layout::Stereo.name(), note, !is_stereo);
    }
    if widest.position(Channel::C).is_some() {
        for (track, (_, item)) in proposal.tracks.iter_mut().zip(tracks) {
            if item.layout == Layout::Mono {
                track.channel = Some(Channel::C);
                track.note = "guess: mono goes to the centre".into();
            }
        }
    }
}

struct Ground<'a> {
    tracks: &'a [(Group, &'a Item)],
    proposal: &'a mut Proposal,
    prove: &'a mut dyn Prove,
}

impl Ground<'_> {
    /// Makes a print the reference of its mix, if it nulls.
    fn refer(&mut self, print: &Heard<'_>) {
        let Part::Mix(printed) = print.part else { return };
        let is_voice = |group: Group| matches!(group, Group::Lead | Group::Backing);
        let (name, hears): (_, &dyn Fn(Group) -> bool) = match printed {
            Printed::Full => ("full", &|_| true),
            Printed::Instrumental => ("instrumental", &|group| !is_voice(group)),
            Printed::Tv => ("tv", &|group| group != Group::Lead),
            Printed::ACappella => ("a-cappella", &is_voice),
            Printed::Variant => {
                return self
                    .proposal
                    .leave(print.item, "a print with changed levels: no sum of the tracks");
            }
        };
        let terms: Vec<&Item> =
            self.tracks.iter().filter(|(group, _)| hears(*group)).map(|(_, item)| *item).collect();
        let Some(mix) = self.proposal.mixes.iter().position(|mix| mix.name == name) else {
            return self.proposal.leave(
                print.item,
                format!("a print; there is no mix `{name}` to hold against it"),
            );
        };
        let stereo = self.proposal.session.iter().any(|s| s.key == "layout" && !s.is_comment);
        let widest = self.tracks.iter().map(|(_, item)| item.layout).max();
        let layout = widest.filter(|_| !stereo).unwrap_or(Layout::Stereo);
        if print.item.layout != layout {
            let why = format!("a print in {}, and `{name}` is {layout}", print.item.layout);
            return self.proposal.leave(print.item, why);
        }
        let null = self.prove.null(print.item, &terms);
        refer(self.proposal, mix, print.item, &null);
    }
}

fn packages(proposal: &mut Proposal) {
    let all = || vec!["all".to_owned()];
    // With the voices apart, so that the TV mix is proven by the stems beside it.
    let is_apart = proposal.stems.iter().any(|stem| stem.name == Group::Lead.stem());
    let single = proposal.stems.iter().filter(|stem| stem.name != "vocals");
    let stems = if is_apart { single.map(|stem| stem.name.clone()).collect() } else { all() };
    proposal.packages = vec![
        Package {
            name: "for-mastering".into(),
            spec: "stem-mastering",
            stems: all(),
            mixes: vec!["full".into()],
            ..Package::default()
        },
        Package {
            name: "sync".into(),
            spec: "sync-licensing",
            stems,
            mixes: all(),
            ..Package::default()
        },
    ];
}

/// A folder of prints alone: each is a track and a mix.
fn only_prints(prints: &[&Heard<'_>], names: &mut Names, proposal: &mut Proposal) {
    for print in prints {
        let key = names.take(&names::key(print.words), &print.item.path);
        let name = names.take(&format!("{key}_mix"), &print.item.path);
        proposal.mixes.push(Mix { name, from: vec![key.clone()], ..Mix::default() });
        proposal.tracks.push(track(key, "prints", print));
    }
    proposal.packages = vec![Package {
        name: "sync".into(),
        spec: "sync-licensing",
        mixes: vec!["all".to_owned()],
        note: "no tracks were found, only prints".into(),
        ..Package::default()
    }];
}
