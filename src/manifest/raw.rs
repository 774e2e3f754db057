//! The manifest as it is written: what each record may hold, and where it stands.
//!
//! Nothing is looked up and no default is filled in here; that is `resolve`'s.
//! The doc comments are what editors show (`rebounce schema`).

use serde_json::{Value as Json, json};

use super::normalize::RawNormalize;
use super::over_time::{RawFade, RawStretch};
use super::pace::Speed;
use super::process::RawStep;
use super::signals::RawClick;
use super::values::{Language, Pan, Polarity, Version1, Width};
use crate::audio::layout::{Channel, Layout};
use crate::diag::Diagnostics;
use crate::dsp::downmix::{Kind, Level};
use crate::dsp::pan::PanLaw;
use crate::record;
use crate::spec::Channels;
use crate::spec::edge::{Edge, RawHead, RawTail, RawTone};
use crate::units::{FrameRate, Gain, SampleRate};
use crate::yaml::record::{At, Entries, Field, Selection, Several};
use crate::yaml::syntax::{Node, Value};
use crate::yaml::times::{Label, Length, MeterChange, TempoChange, Time};

/// A text and its place.
pub type Text = At<String>;

record! {
    /// What a song or a film has to deliver.
    pub Manifest: "a manifest: `version: 1` and what belongs to it";
    /// Version of the format; always 1.
    version: Version1,
    /// Who and what, for file names and read-mes.
    project: Option<Project>,
    /// The session audio and its timeline.
    session: Option<Session>,
    /// Session audio by name: a file, or a file with its placement.
    tracks: Entries<Track>,
    /// Sums of tracks and other stems.
    stems: Entries<Stem>,
    /// Sums of stems: full mix, print master, M&E, instrumental.
    mixes: Entries<Mix>,
    /// The same with other parts: dub languages, clean edits.
    versions: Entries<Version>,
    /// Parts of the programme by name, like verse and chorus.
    sections: Entries<Section>,
    /// The packages, one folder each.
    deliverables: Entries<Deliverable>,
    /// Folder that holds the packages, relative to the manifest; `deliveries` unless given.
    output: Option<Text>,
}

record! {
    /// Who and what, for file names and read-mes.
    pub Project: "a project like `{ title: Night Drive, artist: The Example }`";
    /// Title of the song or film.
    title: Option<Text>,
    /// Artist of a song.
    artist: Option<Text>,
    /// Composer of the music.
    composer: Option<Text>,
    /// Who mixed it.
    mixer: Option<Text>,
    /// Key of a song, for the read-me: `A minor`.
    key: Option<Text>,
    /// Production company of a film.
    production: Option<Text>,
    /// The part of the whole that this is: an episode like s01e02, a reel like r01,
    /// or lp for the long play.
    part: Option<Text>,
    /// The revision, like v04.
    revision: Option<Text>,
    /// Whom to ask about the delivery.
    contact: Option<Text>,
    /// Terms of use.
    licence: Option<Text>,
    /// Terms of use; the same as `licence`.
    license: Option<Text>,
    /// A date for the read-me, in any form.
    date: Option<Text>,
}

record! {
    /// The session audio and its timeline.
    pub Session: "a session like `{ audio: prints }`";
    /// Folder of the track files, relative to the manifest.
    audio: Option<Text>,
    /// Sample rate in Hz; that of the tracks unless given.
    sample_rate: Option<At<SampleRate>>,
    /// Quarter notes per minute like 96; or a list, with the bars where it changes.
    tempo: Option<At<Several<At<TempoChange>>>>,
    /// Meter like 4/4; or a list, with the bars where it changes.
    meter: Option<At<Several<At<MeterChange>>>>,
    /// Where bar 1 begins, like `2 s`; or the bar with which the programme begins, like `bar 9`.
    first_bar: Option<At<Time>>,
    /// How long the programme goes on after the last track ends.
    tail: Option<At<Length>>,
    /// How long the programme is, whatever the tracks are.
    length: Option<At<Length>>,
    /// Where the programme ends, whatever the tracks are: `bar 97`, or timecode of its clock.
    end: Option<At<Time>>,
    /// Video frames per second.
    frame_rate: Option<At<FrameRate>>,
    /// Timecode of the first sample.
    start: Option<At<Label>>,
    /// Timecode of the first frame of action.
    first_frame: Option<At<Label>>,
    /// Timecode of the last frame of action.
    last_frame: Option<At<Label>>,
    /// Whether tracks at other rates are converted to that of the programme.
    convert: Option<bool>,
    /// Layout of stems and mixes that name none; that of the widest track unless given.
    layout: Option<Layout>,
    /// Pan law of tracks that name none, by its level in the middle: -3 unless given.
    pan_law: Option<PanLaw>,
}

record! {
    /// A part of the programme.
    pub Section: "a section like `{ from: bar 9, to: bar 25 }`";
    /// Where it begins.
    from: At<Time>,
    /// Where it is over.
    to: At<Time>,
}

record! {
    /// Session audio placed on the timeline.
    pub Track: "a file, or a map like `{ file: kick.wav, gain: -1.5 }`",
    short file,
    later ["process", "delay"];
    /// The audio file, in the folder of the session audio.
    file: Option<Text>,
    /// A click on every beat, instead of a file.
    click: Option<At<RawClick>>,
    /// A tone, instead of a file.
    tone: Option<At<RawTone>>,
    /// One mono file for each channel.
    files: Option<Entries<Text>>,
    /// What the file's channels are, in its own order.
    channels: Option<At<Vec<Channel>>>,
    /// Level change in dB.
    gain: Option<Gain>,
    /// Invert turns the signal upside down.
    polarity: Option<Polarity>,
    /// Where the file begins: from the start of the programme, as timecode of its clock, or in bars.
    at: Option<At<Time>>,
    /// The part of the file that is heard; the whole file unless given.
    trim: Option<At<Trim>>,
    /// How much faster it is played, and so higher: `25/24` for film that is shown at 25
    /// frames a second.
    speed: Option<At<Speed>>,
    /// A fade at the start of what is heard.
    fade_in: Option<RawFade>,
    /// A fade at its end.
    fade_out: Option<RawFade>,
    /// From -100 (left) to 100 (right); of a stereo track its balance.
    pan: Option<At<Pan>>,
    /// Balance of a stereo track, from -100 (left) to 100 (right).
    balance: Option<At<Pan>>,
    /// Width of a stereo track in percent: 0 is mono, 100 as it is, 200 twice as wide.
    width: Option<At<Width>>,
    /// Pan law, by its level in the middle: -3, -4.5 or -6; the session's unless given.
    pan_law: Option<PanLaw>,
}

record! {
    /// A part of a file. Times count from its first frame.
    pub Trim: "a part of the file like `{ from: 2 s, to: 1:30 }`";
    /// Where it begins; the start of the file unless given.
    from: Option<At<Length>>,
    /// Where it ends; the end of the file unless given.
    to: Option<At<Length>>,
}

record! {
    /// A sum of tracks and other stems.
    pub Stem: "a list like `[kick, snare]`, or a map with `from`",
    short from;
    /// Tracks and stems that it sums.
    from: At<Several<Text>>,
    /// Level change of the sum in dB.
    gain: Option<Gain>,
    /// What is done to the sum, in this order.
    process: Option<Vec<At<RawStep>>>,
    /// Standard role: dialogue, music, effects, optional.
    role: Option<Text>,
    /// What is baked in, for the read-me.
    notes: Option<Text>,
    /// Layout of the sum; that of the programme unless given.
    layout: Option<At<Layout>>,
}

record! {
    /// A sum of stems.
    pub Mix: "a list like `[drums, bass]`, or a map with `from`",
    short from;
    /// Stems, mixes and tracks that it sums.
    from: At<Several<Text>>,
    /// Stems taken out wherever they are summed.
    without: Option<Several<Text>>,
    /// Level change of the sum in dB.
    gain: Option<Gain>,
    /// What is done to the sum, in this order.
    process: Option<Vec<At<RawStep>>>,
    /// Stretches of the sum that follow one another, on a timeline of their own: sections
    /// by name, or from one place to another.
    edit: Option<Vec<At<RawStretch>>>,
    /// The approved print that the mix must null against.
    reference: Option<Reference>,
    /// Standard role: print-master, m-and-e.
    role: Option<Text>,
    /// What is baked in, for the read-me.
    notes: Option<Text>,
    /// Layout of the mix; that of the programme unless given.
    layout: Option<At<Layout>>,
    /// How its sum is folded down, or laid into a wider layout.
    downmix: Option<At<Downmix>>,
}

record! {
    /// The approved print of a mix.
    pub Reference: "a file, or a map like `{ file: PM.wav, channels: [L, C, R, Ls, Rs, LFE] }`",
    short file;
    /// The audio file, in the folder of the session audio or beside the manifest.
    file: Text,
    /// What the file's channels are, in its own order.
    channels: Option<At<Vec<Channel>>>,
}

record! {
    /// How a mix is brought from the layout of its sum to another.
    pub Downmix: "a downmix like `{ kind: lo-ro }`";
    /// Which fold-down.
    kind: Option<At<Kind>>,
    /// Level of the centre in left and right: -3 dB unless given.
    center: Option<At<Level>>,
    /// Level of the surrounds in left and right: -3 dB unless given.
    surround: Option<At<Level>>,
    /// Level of the rears of seven channels in the surrounds of five: 0 dB unless given.
    rear: Option<At<Level>>,
    /// Level of the heights in the bed below them: -3 dB unless given.
    height: Option<At<Level>>,
    /// Level of the LFE in left and right: off unless given.
    lfe: Option<At<Level>>,
    /// Level of left and right in mono: -3 dB unless given.
    sum: Option<At<Level>>,
    /// In place of a kind: of each channel it makes, the channels it sums and their levels.
    matrix: Option<At<Entries<Entries<Level>>>>,
}

record! {
    /// The same stems and mixes with other parts: a dub language, a clean edit.
    pub Version: "a version like `{ language: fr-FR, replace: { D: dub/fr_DX.wav } }`";
    /// Its language, like fr-FR.
    language: Option<At<Language>>,
    /// What stands in the place of which stem or track, by its name. A stem is replaced
    /// whole, with its gain and process; a track within the stems that sum it.
    replace: Entries<Replacement>,
    /// Stems and tracks that it goes without, wherever they are summed.
    without: Option<Several<Text>>,
    /// The approved prints that its mixes must null against, by the name of the mix.
    references: Entries<Reference>,
}

record! {
    /// A sum in the place of a stem.
    pub StandIn: "a list like `[dx_fr, adr_fr]`, or a map with `from`",
    short from;
    /// Tracks and stems that it sums, as they are without any version.
    from: At<Several<Text>>,
}

/// What stands in the place of a stem or track.
#[derive(Clone, Debug)]
pub enum Replacement {
    /// A file, placed like a track.
    Track(Box<Track>),
    /// A sum of tracks and stems.
    Sum(StandIn),
}

impl Field for Replacement {
    fn decode(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let is_sum = match &node.value {
            Value::List(_) => true,
            Value::Map(entries) => entries.iter().any(|(key, _)| key.name == "from"),
            _ => false,
        };
        match is_sum {
            true => StandIn::decode(node, diagnostics).map(Self::Sum),
            false => Track::decode(node, diagnostics).map(|track| Self::Track(Box::new(track))),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [Track::schema(), StandIn::schema()] })
    }
}

record! {
    /// One package.
    pub Deliverable: "a deliverable like `{ spec: stem-mastering, stems: all }`";
    /// Name of a spec (`rebounce specs` lists them), or path of one of your own.
    spec: Text,
    /// Tracks to deliver as they are, from one common start: multitracks.
    tracks: Option<Selection<Text>>,
    /// Stems to deliver.
    stems: Option<Selection<Text>>,
    /// Mixes to deliver.
    mixes: Option<Selection<Text>>,
    /// Parts of the programme, each to files of its own.
    sections: Option<Selection<Text>>,
    /// Whether sections are made to be repeated without a seam.
    r#loop: Option<bool>,
    /// Whether stems are delivered as they are in the mix; true unless only `dry` is.
    wet: Option<bool>,
    /// Whether stems are delivered without their process chains, to files of their own.
    dry: Option<bool>,
    /// Where every file begins, and what is put there; as the spec asks unless given.
    head: Option<Edge<RawHead>>,
    /// Where every file ends, and what is put there; as the spec asks unless given.
    tail: Option<Edge<RawTail>>,
    /// Sample rate in Hz; that of the programme unless given.
    sample_rate: Option<At<SampleRate>>,
    /// How much faster than the programme it is played, and so higher: `25/24` for film
    /// that is shown at 25 frames a second.
    speed: Option<At<Speed>>,
    /// Whether the channels of a file are interleaved, or each has a file of its own
    /// (multi-mono); as the spec asks unless given.
    channels: Option<Channels>,
    /// One gain for all files of the package, by the loudness of one of them or by the
    /// highest peak.
    normalize: Option<At<RawNormalize>>,
    /// Versions in which to deliver them, each with files of its own; `original` is what
    /// no version changes.
    versions: Option<Selection<Text>>,
    /// A mix to deliver; the same as a list of one under `mixes`.
    mix: Option<Text>,
    /// Stems or mixes that go along as optional tracks (role `optional`).
    optional: Option<Several<Text>>,
    /// The stem or mix that goes along as dialogue guide (role `guide`).
    guide: Option<Text>,
    /// The mix that goes along as print master (role `print-master`).
    print_master: Option<Text>,
    /// A word to the recipient, for the read-me.
    notes: Option<Text>,
}
