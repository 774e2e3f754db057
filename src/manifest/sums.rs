//! Stems and mixes: the layouts of sums, fold-downs, references, and what is
//! heard twice or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::delivery::{
    InputId, MixId, Part, Programme, Section, StemId, Step, Stretch, Track, TrackFile, TrackId,
};
use super::downmixes::{mix_layout, quoted};
use super::files::Files;
use super::fit::{Term, TermKind, misfit};
use super::hints;
use super::links::{Heard, Hearing, Link, Links, Names, named};
use super::process::{self, RawStep, Signal};
use super::raw::{self, Manifest};
use super::resolve::Faults;
use super::timeline::Timeline;
use super::{normalize, over_time, tracks};
use crate::audio::layout::{Layout, agree, spelled};
use crate::diag::{Diagnostic, Diagnostics};
use crate::dsp::downmix::Downmix;
use crate::external::operator::External;
use crate::units::SampleRate;
use crate::yaml::record::{At, Selection};

/// What is known of every sum that can be made.
#[derive(Default)]
pub(super) struct Sums {
    /// Layout of each part as others hear it.
    pub(super) layouts: BTreeMap<Part, Layout>,
    pub(super) downmixes: BTreeMap<MixId, Downmix>,
    pub(super) references: BTreeMap<MixId, TrackFile>,
    pub(super) processes: BTreeMap<Part, Vec<Step>>,
    pub(super) edits: BTreeMap<MixId, Vec<Stretch>>,
    /// The track that makes the programme as wide as it is, if nothing says it.
    widest: Option<String>,
}

impl Sums {
    /// The files that programs and plug-ins are run from, and those they read.
    pub(super) fn outside_files(&self) -> impl Iterator<Item = &PathBuf> {
        let files = self.processes.values().flatten().filter_map(Step::external);
        files.flat_map(External::files).map(|file| &file.path)
    }
}

/// The layout of sums that name none: the session's, else the narrowest that holds all tracks.
pub(super) fn programme_layout(manifest: &Manifest, tracks: &BTreeMap<TrackId, Track>) -> Layout {
    let written = manifest.session.as_ref().and_then(|session| session.layout);
    // Of two that nothing holds both of, the wider: one of them is refused in any case.
    let wider = |one: Layout, other: Layout| if other.width() > one.width() { other } else { one };
    let joined = |one: Layout, other: Layout| one.joined(other).unwrap_or(wider(one, other));
    written.or_else(|| tracks.values().map(heard_layout).reduce(joined)).unwrap_or(Layout::Stereo)
}

/// The first track of the layout that the programme takes from its tracks.
fn widest(
    manifest: &Manifest,
    tracks: &BTreeMap<TrackId, Track>,
    common: Layout,
) -> Option<String> {
    let written = manifest.session.as_ref().and_then(|session| session.layout);
    let mut wide = tracks.values().filter(|track| heard_layout(track) == common);
    wide.next().filter(|_| written.is_none()).map(|track| track.name.clone())
}

/// The layout of a track after its pan.
pub(super) fn heard_layout(track: &Track) -> Layout {
    if track.pan.is_some() { track.layout.max(Layout::Stereo) } else { track.layout }
}

/// What sums are resolved from.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) names: &'a Names<'a>,
    pub(super) links: &'a Links,
    pub(super) tracks: &'a BTreeMap<TrackId, Track>,
    pub(super) timeline: &'a Timeline,
    pub(super) programme: &'a Programme,
    pub(super) sections: &'a [Section],
}

/// Checks every sum, children first. A sum of something bad is bad.
pub(super) fn resolve(terms: Terms<'_>, files: &mut Files<'_>, faults: &mut Faults) -> Sums {
    let Terms { manifest, names, links, tracks, timeline, .. } = terms;
    let common = programme_layout(manifest, tracks);
    let session = manifest.session.as_ref();
    let pan_law = session.and_then(|session| session.pan_law).unwrap_or_default();
    let mut sums = Sums { widest: widest(manifest, tracks, common), ..Sums::default() };
    let mut depths: BTreeMap<Part, usize> = BTreeMap::new();
    for part in &links.order {
        let hears_bad =
            links.sums.get(part).into_iter().flatten().any(|link| faults.bad.contains(&link.part));
        if hears_bad {
            faults.bad.insert(*part);
        }
        let inner = links.sums.get(part).into_iter().flatten();
        let depth = inner.filter_map(|link| depths.get(&link.part)).max().map_or(0, |d| d + 1);
        depths.insert(*part, depth);
        if depth == DEEPEST + 1 {
            faults.spoil(*part, too_deep(manifest, *part));
        }
        let layout = match part {
            Part::Track(id) => tracks.get(id).map(heard_layout),
            Part::Stem(id) => manifest.stems.0[id.0 as usize].body.as_ref().map(|stem| {
                let layout = stem.layout.as_ref().map_or(common, |at| at.value);
                if !hears_bad {
                    enter_all(manifest, *part, &links.sums[part], layout, &sums, faults);
                }
                layout
            }),
            Part::Mix(id) => manifest.mixes.0[id.0 as usize].body.as_ref().map(|mix| {
                let layout = mix_layout(manifest, *id, mix, links, common, &mut sums, faults);
                reference(*id, mix, layout, timeline.rate, files, &mut sums, faults);
                edit(terms, *id, mix, &mut sums, faults);
                layout
            }),
        };
        if let Some(chain) = chain(manifest, *part) {
            let mut problems = Diagnostics::default();
            let (misread, place) = (faults.has_errors(), files.place());
            let layout = layout.unwrap_or(common);
            let signal = Signal { timeline, names, layout, pan_law, place, misread };
            let steps = process::steps(chain, signal, &mut problems);
            sums.processes.insert(*part, steps);
            problems.into_iter().for_each(|problem| faults.spoil(*part, problem));
        }
        match layout {
            Some(layout) => {
                sums.layouts.insert(*part, layout);
            }
            None => {
                faults.bad.insert(*part);
            }
        }
    }
    normalize::check(manifest, links, &sums.processes, faults);
    hear(manifest, links, tracks, faults);
    sums
}

/// How deep sums may stand within sums: far deeper than anybody mixes, and no deeper
/// than can be walked.
const DEEPEST: usize = 64;

fn too_deep(manifest: &Manifest, part: Part) -> Diagnostic {
    let (name, span) = named(manifest, part);
    Diagnostic::error(format!("`{name}` is a sum of sums of sums, more than {DEEPEST} deep"))
        .at(span, "the first that is too deep")
        .help("sum what it holds directly")
}

/// The `process` chain of a stem or mix.
fn chain(manifest: &Manifest, part: Part) -> Option<&[At<RawStep>]> {
    let chain = match part {
        Part::Track(_) => return None,
        Part::Stem(id) => &manifest.stems.0[id.0 as usize].body.as_ref()?.process,
        Part::Mix(id) => &manifest.mixes.0[id.0 as usize].body.as_ref()?.process,
    };
    chain.as_deref()
}

/// Whether each term of a sum can be laid into its layout.
pub(super) fn enter_all(
    manifest: &Manifest,
    sum: Part,
    terms: &[Link],
    to: Layout,
    sums: &Sums,
    faults: &mut Faults,
) {
    for link in terms {
        let Some(&from) = sums.layouts.get(&link.part) else { continue };
        let (name, span) = named(manifest, link.part);
        let term = Term { name, span: &link.span, kind: TermKind::of(link.part), from };
        if let Some(error) = misfit(term, sum, named(manifest, sum).0, to) {
            faults.spoil(sum, error.context(span, from.name()));
        }
    }
}

/// The approved print of a mix: of the programme's rate and the mix's channels.
fn reference(
    id: MixId,
    mix: &raw::Mix,
    layout: Layout,
    rate: SampleRate,
    files: &mut Files<'_>,
    sums: &mut Sums,
    faults: &mut Faults,
) {
    let Some(reference) = &mix.reference else { return };
    let part = Part::Mix(id);
    let input = match files.reference(&reference.file) {
        Ok(input) => input,
        Err(Some(error)) => return faults.spoil(part, error),
        Err(None) => {
            faults.bad.insert(part);
            return;
        }
    };
    let unsaid = mix.layout.is_none() && mix.downmix.is_none();
    let widest = sums.widest.as_deref().filter(|_| unsaid);
    match print(reference, input, layout, rate, files, widest) {
        Ok(print) => {
            sums.references.insert(id, print);
        }
        Err(error) => faults.spoil(part, error),
    }
}

/// A print of a mix of `layout`, or why it is none. `widest` names the track that makes
/// the programme as wide as that, if nothing else does.
pub(super) fn print(
    reference: &raw::Reference,
    input: InputId,
    layout: Layout,
    rate: SampleRate,
    files: &Files<'_>,
    widest: Option<&str>,
) -> Result<TrackFile, Diagnostic> {
    let raw::Reference { file, channels } = reference;
    let info = &files.inputs[input.0 as usize].info;
    if info.sample_rate != rate.hz() {
        let title = format!("reference `{}` is at another sample rate", file.value);
        let label = format!("{} Hz", info.sample_rate);
        let error = Diagnostic::error(title).at(&file.span, label);
        return Err(error.help(format!("the programme is at {rate}")));
    }
    let mut channels = tracks::channels_of(file, channels.as_ref(), info)?;
    // A print of a matrixed pair is left and right to its mask.
    if agree(&channels, layout.channels()) {
        channels = layout.channels().to_vec();
    }
    if channels.len() == layout.width() && layout.has(&channels) {
        return Ok(TrackFile { input, channels });
    }
    let found = Layout::holding(&channels).filter(|found| found.width() == channels.len());
    let title = format!("reference `{}` has another layout", file.value);
    let label = found.map_or(spelled(&channels), |found| found.to_string());
    let error = Diagnostic::error(title).at(&file.span, label);
    Err(error.help(match (widest, found) {
        (Some(track), Some(found)) if found != Layout::Mono && layout.width() > found.width() => {
            format!(
                "the programme is {layout} because `{track}` is; say `layout: {}` on the mix \
                 or `session: {{ layout: {} }}`",
                quoted(found),
                quoted(found)
            )
        }
        _ => format!("the mix is {layout}: {}", layout.spelled()),
    }))
}

/// The stretches of a mix. A sum has one timeline, so no other may sum it.
fn edit(terms: Terms<'_>, id: MixId, mix: &raw::Mix, sums: &mut Sums, faults: &mut Faults) {
    let Terms { manifest, links, timeline, programme, sections, .. } = terms;
    for link in &links.sums[&Part::Mix(id)] {
        let Part::Mix(inner) = link.part else { continue };
        if sums.edits.contains_key(&inner) {
            let (name, span) = named(manifest, link.part);
            let error = Diagnostic::error(format!("`{name}` is an edit and cannot be summed"));
            let error = error.at(&link.span, "has a timeline of its own").context(span, "");
            faults.spoil(Part::Mix(id), error.help("sum what it is made of, and edit the sum"));
        }
    }
    let Some(raw) = &mix.edit else { return };
    match over_time::stretches(raw, programme.frames, timeline, sections) {
        Ok(stretches) => {
            sums.edits.insert(id, stretches);
        }
        Err(told) => {
            faults.bad.insert(Part::Mix(id));
            told.into_iter().for_each(|error| faults.spoil(Part::Mix(id), error));
        }
    }
}

/// Compares what mixes hear with what they should: nothing twice, nothing taken
/// out that is not there, no track forgotten.
fn hear(
    manifest: &Manifest,
    links: &Links,
    tracks: &BTreeMap<TrackId, Track>,
    faults: &mut Faults,
) {
    let mut hearing = Hearing::new(links);
    let (mut told, mut told_files) = (BTreeSet::new(), BTreeSet::new());
    let mixes = links.order.iter().filter_map(|part| match part {
        Part::Mix(id) => Some(*id),
        _ => None,
    });
    for id in mixes.filter(|id| !faults.bad.contains(&Part::Mix(*id))).collect::<Vec<_>>() {
        let (before, after) = hearing.of(id);
        for (stem, span) in &links.without[id.0 as usize] {
            if !before.contains_key(&Part::Stem(*stem)) {
                let stem = named(manifest, Part::Stem(*stem)).0;
                let title =
                    format!("mix `{}` does not contain `{stem}`", named(manifest, Part::Mix(id)).0);
                let error = Diagnostic::error(title).at(span, "cannot be taken out");
                faults.spoil(Part::Mix(id), error.help(contents(manifest, &before)));
            }
        }
        let sounds = |heard: &Heard| heard.keys().any(|part| matches!(part, Part::Track(_)));
        if sounds(&before) && !sounds(&after) {
            let (name, span) = named(manifest, Part::Mix(id));
            let error = Diagnostic::error(format!("nothing is left of mix `{name}`"));
            let error = error.at(span, "goes without all that it sums");
            faults.spoil(Part::Mix(id), error.help("take something out of `without`"));
        }
        check_m_and_e(manifest, id, &after, faults);
        warn_of_doubles(manifest, links, id, &after, &mut told, faults);
        let name = named(manifest, Part::Mix(id)).0;
        hints::shared_files(tracks, name, &after, &mut told_files, faults);
    }
    if !faults.bad.is_empty() {
        // A mistake in a name would make a second of it.
        return;
    }
    let summed = links.sums.values().flatten().map(|link| link.part);
    let summed: BTreeSet<Part> = summed.chain(links.stand_ins.iter().copied()).collect();
    for (index, entry) in manifest.tracks.0.iter().enumerate() {
        let delivered = manifest.deliverables.0.iter().any(|package| {
            let tracks = package.body.as_ref().and_then(|raw| raw.tracks.as_ref());
            tracks.is_some_and(|tracks| match tracks {
                Selection::All => true,
                Selection::These(names) => names.iter().any(|name| name.value == entry.name),
            })
        });
        if !delivered && !summed.contains(&Part::Track(TrackId(index as u32))) {
            let title = format!("track `{}` is in no stem, no mix and no package", entry.name);
            faults.warn(Diagnostic::warning(title).at(&entry.span, "never heard"));
        }
    }
}

/// An M&E is what is left when the dialogue is gone.
fn check_m_and_e(manifest: &Manifest, id: MixId, heard: &Heard, faults: &mut Faults) {
    let mix = manifest.mixes.0[id.0 as usize].body.as_ref();
    let role = mix.and_then(|mix| mix.role.as_ref());
    let Some(role) = role.filter(|role| role.value == "m-and-e") else { return };
    let speaks = |part: &&Part| match part {
        Part::Stem(stem) => {
            let stem = manifest.stems.0[stem.0 as usize].body.as_ref();
            let role = stem.and_then(|stem| stem.role.as_ref());
            role.is_some_and(|role| role.value == "dialogue")
        }
        _ => false,
    };
    let Some(dialogue) = heard.keys().find(speaks) else { return };
    let (stem, span) = named(manifest, *dialogue);
    let title = format!("the M&E `{}` holds dialogue", named(manifest, Part::Mix(id)).0);
    let error = Diagnostic::error(title).at(&role.span, format!("hears `{stem}`"));
    let error = error.context(span, "has the role `dialogue`");
    let help = format!("take it out with `without: [{stem}]`, or give the mix another role");
    faults.spoil(Part::Mix(id), error.help(help));
}

fn contents(manifest: &Manifest, heard: &Heard) -> String {
    let stems = heard.keys().filter(|part| matches!(part, Part::Stem(_)));
    let mut names: Vec<String> =
        stems.map(|part| format!("`{}`", named(manifest, *part).0)).collect();
    if names.is_empty() {
        return "it contains no stem at all".into();
    }
    if names.len() > 12 {
        names.truncate(12);
        names.push("...".into());
    }
    format!("it contains {}", names.join(", "))
}

/// Warns of parts that a mix hears twice: only the topmost, in one mix only.
fn warn_of_doubles(
    manifest: &Manifest,
    links: &Links,
    mix: MixId,
    heard: &Heard,
    told: &mut BTreeSet<Part>,
    faults: &mut Faults,
) {
    let doubles = || heard.iter().filter(|(_, times)| **times > 1).map(|(part, _)| *part);
    let beneath: BTreeSet<Part> = doubles()
        .filter_map(|part| links.sums.get(&part))
        .flatten()
        .map(|link| link.part)
        .collect();
    for part in doubles().filter(|part| !beneath.contains(part)) {
        if told.insert(part) {
            let (name, span) = named(manifest, part);
            let sums = heard.keys().copied().chain([Part::Mix(mix)]);
            let terms = sums.filter_map(|sum| links.sums.get(&sum)).flatten();
            let places: Vec<&Link> = terms.filter(|link| link.part == part).collect();
            let (mix, mix_span) = named(manifest, Part::Mix(mix));
            let title = format!("`{name}` is heard {} times in mix `{mix}`", heard[&part]);
            let warning = match places.as_slice() {
                [first, .., last] => Diagnostic::warning(title)
                    .at(&last.span, "and here")
                    .context(&first.span, "summed here"),
                // By way of another mix.
                _ => Diagnostic::warning(title)
                    .at(mix_span, "sums it more than once")
                    .context(span, "this"),
            };
            faults.warn(warning.help("leave it in one place, unless it is meant to be louder"));
        }
    }
}

/// Stems that no other stem contains; without those that only stand for others in
/// versions.
pub(super) fn top_stems(manifest: &Manifest, links: &Links) -> Vec<StemId> {
    let inside: BTreeSet<Part> = links
        .sums
        .iter()
        .filter(|(part, _)| matches!(part, Part::Stem(_)))
        .flat_map(|(_, links)| links.iter().map(|link| link.part))
        .collect();
    let summed: BTreeSet<Part> = links.sums.values().flatten().map(|link| link.part).collect();
    let all = (0..manifest.stems.0.len()).map(|id| StemId(id as u32));
    let only_stands_in = |part: &Part| links.stand_ins.contains(part) && !summed.contains(part);
    let top = |part: &Part| !inside.contains(part) && !only_stands_in(part);
    all.filter(|id| top(&Part::Stem(*id))).collect()
}
