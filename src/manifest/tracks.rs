//! Tracks: which channels their files carry, and the rate and length they share.

use std::collections::BTreeMap;

use super::delivery::{Part, Track, TrackFile, TrackId};
use super::files::Files;
use super::image;
use super::raw::{self, Manifest, Text};
use super::resolve::Faults;
use super::signals;
use super::values::Polarity;
use crate::audio::AudioInfo;
use crate::audio::layout::{Channel, Layout, agree, of_mask, spelled};
use crate::diag::{Diagnostic, Span};
use crate::dsp::pan::PanLaw;
use crate::units::{Gain, Ratio, SampleRate};
use crate::yaml::record::{At, Entry};

/// The tracks that could be made of the manifest, by the index of their entry.
/// Where they stand on the timeline waits for the rate.
pub(super) fn resolve(
    manifest: &Manifest,
    files: &mut Files<'_>,
    faults: &mut Faults,
) -> BTreeMap<TrackId, Track> {
    let mut tracks = BTreeMap::new();
    let session = manifest.session.as_ref();
    let pan_law = session.and_then(|session| session.pan_law).unwrap_or_default();
    for (index, entry) in manifest.tracks.0.iter().enumerate() {
        let id = TrackId(index as u32);
        let Some(raw) = &entry.body else { continue };
        match track(entry, raw, pan_law, files) {
            Ok(Some(track)) => {
                tracks.insert(id, track);
            }
            Ok(None) => {
                faults.bad.insert(Part::Track(id));
            }
            Err(errors) => errors.into_iter().for_each(|e| faults.spoil(Part::Track(id), e)),
        }
    }
    tracks
}

/// `Ok(None)` if what is wrong has been told before.
pub(super) fn track<T>(
    entry: &Entry<T>,
    raw: &raw::Track,
    pan_law: PanLaw,
    files: &mut Files<'_>,
) -> Result<Option<Track>, Vec<Diagnostic>> {
    if let Some(span) = signals::span(raw) {
        signals::alone(entry, raw, span)?;
    }
    let parts = match (&raw.file, &raw.files) {
        _ if signals::span(raw).is_some() => Ok(Some(Vec::new())),
        (Some(file), None) => single(file, raw, files),
        (None, Some(mono)) => multi_mono(&mono.0, raw, files),
        (Some(file), Some(_)) => Err(vec![
            Diagnostic::error(format!("track `{}` has both `file` and `files`", entry.name))
                .at(&file.span, "")
                .help("`file` is one file of any width; `files` is one mono file per channel"),
        ]),
        // If a mistake left it without a file, that has been told.
        (None, None) if entry.errors > 0 => Ok(None),
        (None, None) => Err(vec![
            Diagnostic::error(format!("track `{}` has no file", entry.name))
                .at(&entry.span, "")
                .help("add `file: NAME.wav`"),
        ]),
    };
    let Some(parts) = parts? else { return Ok(None) };
    let channels: Vec<Channel> = parts.iter().flat_map(|part| part.channels.clone()).collect();
    let place = raw.channels.as_ref().map_or(&entry.span, |channels| &channels.span);
    let layout = match signals::span(raw) {
        Some(_) => Layout::Mono,
        None => narrowest(&channels, place).map_err(|error| vec![error])?,
    };
    let (pan, width) = image::of_track(entry, raw, layout)?;
    Ok(Some(Track {
        name: entry.name.clone(),
        files: parts,
        layout,
        at_frame: 0,
        ratio: Ratio::UNITY,
        speed: raw.speed.as_ref().map_or(Ratio::UNITY, |at| at.value.0),
        trim: None,
        signal: None,
        fade_in: None,
        fade_out: None,
        gain: raw.gain.unwrap_or(Gain::UNITY),
        invert: raw.polarity == Some(Polarity::Invert),
        pan,
        pan_law: raw.pan_law.unwrap_or(pan_law),
        width,
        span: entry.span.clone(),
    }))
}

fn single(
    file: &Text,
    raw: &raw::Track,
    files: &mut Files<'_>,
) -> Result<Option<Vec<TrackFile>>, Vec<Diagnostic>> {
    let input = match files.track(file) {
        Ok(input) => input,
        Err(error) => return error.map_or(Ok(None), |error| Err(vec![error])),
    };
    let info = &files.inputs[input.0 as usize].info;
    let channels = channels_of(file, raw.channels.as_ref(), info).map_err(|error| vec![error])?;
    Ok(Some(vec![TrackFile { input, channels }]))
}

/// The channels a file carries: as the manifest says, else as its mask or its
/// number of channels says.
pub(super) fn channels_of(
    file: &Text,
    written: Option<&At<Vec<Channel>>>,
    info: &AudioInfo,
) -> Result<Vec<Channel>, Diagnostic> {
    let width = usize::from(info.channels);
    // Mono files carry the mask of whatever the DAW thought they were.
    let mask = info.channel_mask.filter(|_| width > 1);
    let masked = mask.and_then(of_mask);
    if let Some(written) = written {
        if written.value.len() != width {
            let title = format!("`channels` names {} of {width} channels", written.value.len());
            return Err(Diagnostic::error(title)
                .at(&written.span, "")
                .context(&file.span, format!("has {width}"))
                .help("name every channel of the file, in its order"));
        }
        if let Some(masked) = masked.filter(|masked| !agree(masked, &written.value)) {
            let title = format!("`channels` contradicts the mask in `{}`", file.value);
            return Err(Diagnostic::error(title)
                .at(&written.span, "")
                .context(&file.span, format!("says {}", spelled(&masked)))
                .help("one of the two is wrong: export the file again, or correct `channels`"));
        }
        return Ok(written.value.clone());
    }
    let known = if mask.is_some() { masked } else { info.usual_channels() };
    known.ok_or_else(|| {
        let title = format!("what the {width} channels of `{}` are is not known", file.value);
        Diagnostic::error(title).at(&file.span, "").help(match example(width) {
            Some(example) => {
                format!("say so in the file's own order, like `channels: [{example}]`")
            }
            None => "say so in the file's own order: `channels: [...]`".to_owned(),
        })
    })
}

/// What so many channels may well be.
fn example(width: usize) -> Option<&'static str> {
    Some(match width {
        3 => "L, C, R",
        4 => "L, R, Ls, Rs",
        5 => "L, C, R, Ls, Rs",
        6 => "L, C, R, Ls, Rs, LFE",
        7 => "L, C, R, Lss, Rss, Lsr, Rsr",
        8 => "L, R, C, LFE, Lss, Rss, Lsr, Rsr",
        10 => "L, R, C, LFE, Lss, Rss, Lsr, Rsr, Lts, Rts",
        12 => "L, R, C, LFE, Lss, Rss, Lsr, Rsr, Ltf, Rtf, Ltr, Rtr",
        _ => return None,
    })
}

fn multi_mono(
    mono: &[Entry<Text>],
    raw: &raw::Track,
    files: &mut Files<'_>,
) -> Result<Option<Vec<TrackFile>>, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let (mut parts, mut complete) = (Vec::new(), true);
    if let Some(channels) = &raw.channels {
        let title = "`channels` is for one `file`; here the keys of `files` name the channels";
        errors.push(Diagnostic::error(title).at(&channels.span, "remove this"));
    }
    for entry in mono {
        let Some(channel) = Channel::parse(&entry.name) else {
            let title = format!("`{}` is not a channel", entry.name);
            let error = Diagnostic::error(title).at(&entry.span, "");
            errors.push(error.did_you_mean(&entry.name, Channel::names()));
            continue;
        };
        let input = entry.body.as_ref().map(|text| (text, files.track(text)));
        match input {
            Some((text, Ok(input))) => {
                let width = files.inputs[input.0 as usize].info.channels;
                if width != 1 {
                    let title = format!("`{}` has {width} channels", text.value);
                    let error = Diagnostic::error(title).at(&text.span, "must be mono");
                    errors.push(error.help("a file of several channels is given as `file`"));
                }
                parts.push(TrackFile { input, channels: vec![channel] });
            }
            Some((_, Err(Some(error)))) => errors.push(error),
            Some((_, Err(None))) | None => complete = false,
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(complete.then_some(parts))
}

/// The narrowest layout that has all of these channels.
fn narrowest(channels: &[Channel], place: &Span) -> Result<Layout, Diagnostic> {
    let mut sorted = channels.to_vec();
    sorted.sort();
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        let title = format!("channel `{}` is named twice", twice[0]);
        return Err(Diagnostic::error(title).at(place, ""));
    }
    let found = Layout::holding(channels).filter(|_| !channels.is_empty());
    found.ok_or_else(|| {
        Diagnostic::error(format!("no layout has the channels `{}`", spelled(channels)))
            .at(place, "")
            .help(
                "mono is `M`; stereo `L R`; 5.1 `L R C LFE Ls Rs`; 7.1 `L R C LFE Lsr Rsr Lss Rss`",
            )
    })
}

/// The rate of the programme: as the session says, else that of most tracks.
/// Tracks that differ are spoiled, with one message for all.
pub(super) fn common_rate(
    manifest: &Manifest,
    tracks: &BTreeMap<TrackId, Track>,
    files: &Files<'_>,
    faults: &mut Faults,
) -> Option<SampleRate> {
    let written = manifest.session.as_ref().and_then(|session| session.sample_rate.as_ref());
    let rate_of = |track: &Track| {
        let info = track.files.first().map(|file| &files.inputs[file.input.0 as usize].info);
        info.and_then(|info| info.rate())
    };
    let mut groups: BTreeMap<SampleRate, Vec<TrackId>> = BTreeMap::new();
    for (id, track) in tracks {
        if let Some(rate) = rate_of(track) {
            groups.entry(rate).or_default().push(*id);
        }
    }
    // Of equally many, the lower rate: any fixed rule will do.
    let most = groups.iter().max_by_key(|(rate, ids)| (ids.len(), std::cmp::Reverse(**rate)));
    let rate = written.map(|at| at.value).or(most.map(|(rate, _)| *rate))?;
    let session = manifest.session.as_ref();
    let converted = session.is_some_and(|session| session.convert == Some(true));
    let strangers: Vec<TrackId> = groups
        .iter()
        .filter(|(other, _)| !converted && **other != rate)
        .flat_map(|(_, ids)| ids.iter().copied())
        .collect();
    if let Some(first) = strangers.first() {
        let list = |(rate, ids): (&SampleRate, &Vec<TrackId>)| {
            let names: Vec<&str> = ids.iter().take(8).map(|id| tracks[id].name.as_str()).collect();
            let more = if ids.len() > 8 { ", ..." } else { "" };
            format!("{rate}: {}{more}", names.join(", "))
        };
        let text = groups.iter().map(list).collect::<Vec<_>>().join("; ");
        let mut error = Diagnostic::error("tracks disagree in sample rate");
        error = error.at(
            &tracks[first].span,
            rate_of(&tracks[first]).map_or(String::new(), |r| r.to_string()),
        );
        error = match (written, groups.get(&rate).and_then(|ids| ids.first())) {
            (Some(at), _) => error.context(&at.span, "the session's"),
            (None, Some(id)) => error.context(&tracks[id].span, rate.to_string()),
            (None, None) => error,
        };
        faults.spoil(
            Part::Track(*first),
            error.help(format!(
                "{text}; export all at one rate, or add `convert: true` to `session`"
            )),
        );
        faults.bad.extend(strangers.into_iter().map(Part::Track));
    }
    // Within one multi-mono track.
    for (id, track) in tracks {
        let inputs = track.files.iter().map(|file| &files.inputs[file.input.0 as usize]);
        if let Some(odd) = inputs.clone().find(|input| input.info.rate() != rate_of(track)) {
            let title = format!("the files of track `{}` disagree in sample rate", track.name);
            let label = format!("{} Hz", odd.info.sample_rate);
            faults.spoil(Part::Track(*id), Diagnostic::error(title).at(&odd.span, label));
        }
    }
    Some(rate)
}
