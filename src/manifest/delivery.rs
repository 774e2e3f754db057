//! What a manifest means: validated, no defaults left, names replaced by ids.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use super::chain::{Action, Fade, Guard, Normalize, Settled, Step, Stretch, Target};
pub use super::pace::{Pace, speed_words};
pub use super::version::{ORIGINAL, Version, VersionId};
use crate::audio::AudioInfo;
use crate::audio::layout::{Channel, Layout};
use crate::audio::wav::Encoding;
use crate::diag::Span;
use crate::dsp::downmix::Downmix;
use crate::dsp::pan::PanLaw;
use crate::dsp::signal::{Signal, Sound};
use crate::external::operator::External;
use crate::spec::Spec;
use crate::units::bars::{Meters, Place};
use crate::units::tempo::TempoMap;
use crate::units::{FrameRate, Gain, Ratio, SampleRate, Timecode};

/// Index into [`Delivery::inputs`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct InputId(pub u32);
/// Index into [`Delivery::tracks`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TrackId(pub u32);
/// Index into [`Delivery::stems`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StemId(pub u32);
/// Index into [`Delivery::mixes`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MixId(pub u32);

/// All that is to be delivered, and from what.
#[derive(Debug)]
pub struct Delivery {
    /// Who and what.
    pub project: Project,
    /// The timeline.
    pub programme: Programme,
    /// The distinct files of session audio, references included, in the order
    /// in which the manifest first names them.
    pub inputs: Vec<Input>,
    /// Tracks that some deliverable hears, and those that none does; then those that
    /// stand for others in versions.
    pub tracks: Vec<Track>,
    /// Stems; each sums tracks and stems, without cycles. Then those of versions.
    pub stems: Vec<Stem>,
    /// Mixes; each sums stems, tracks and mixes, without cycles. Then those of versions.
    pub mixes: Vec<Mix>,
    /// The versions in the order of the manifest.
    pub versions: Vec<Version>,
    /// Parts of the programme by name, in the order of the manifest.
    pub sections: Vec<Section>,
    /// The packages.
    pub deliverables: Vec<Deliverable>,
    /// The folder that holds one folder per deliverable (absolute).
    pub output_root: PathBuf,
    /// The house's own spec files that were read: `watch` looks at them.
    pub spec_files: Vec<PathBuf>,
}

/// The project as read-mes name it. Absent texts are empty.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Song or film.
    pub title: String,
    /// Artist of a song.
    pub artist: String,
    /// Composer of the music.
    pub composer: String,
    /// Who mixed it.
    pub mixer: String,
    /// Key of a song.
    pub key: String,
    /// Production company of a film.
    pub production: String,
    /// The part of the whole: an episode, a reel.
    pub part: String,
    /// The revision.
    pub revision: String,
    /// Whom to ask.
    pub contact: String,
    /// Terms of use.
    pub licence: String,
    /// A date, only if the manifest gives one (law 1: there is no clock).
    pub date: String,
}

/// The timeline that every delivered file shares.
#[derive(Clone, Debug)]
pub struct Programme {
    /// Frames per second.
    pub sample_rate: SampleRate,
    /// Length in frames, the tail included.
    pub frames: u64,
    /// The layout of stems and mixes that name none.
    pub layout: Layout,
    /// Video frame rate, if the programme has one.
    pub frame_rate: Option<FrameRate>,
    /// Timecode of the first sample; only with a frame rate.
    pub start: Option<Timecode>,
    /// First frame of action.
    pub first_frame: Option<Timecode>,
    /// Last frame of action.
    pub last_frame: Option<Timecode>,
    /// The tempo and its changes.
    pub tempo: Option<TempoMap>,
    /// The meter and its changes.
    pub meter: Option<Meters>,
}

impl Programme {
    /// The timeline of files that are framed: it begins where they do. Timecode is told
    /// of whole video frames only.
    pub fn framed(&self, framing: Option<&Framing>) -> Self {
        let mut programme = self.clone();
        let Some(Framing { from, .. }) = framing else { return programme };
        if let (Some(_), Some(fps)) = (self.start, self.frame_rate) {
            let sample = u64::try_from(self.time_reference() as i64 + from).ok();
            let start = sample.map(|sample| Timecode::at(sample, self.sample_rate, fps));
            let exact = |start: &Timecode| {
                Some(start.samples_since_midnight(fps, self.sample_rate)) == sample
            };
            programme.start = start.filter(exact);
        }
        if let Some(tempo) = &mut programme.tempo {
            tempo.set_bar_one(tempo.bar_one() - from);
        }
        programme
    }

    /// Samples from midnight to the first sample: `bext` TimeReference.
    pub fn time_reference(&self) -> u64 {
        match (self.start, self.frame_rate) {
            (Some(start), Some(rate)) => start.samples_since_midnight(rate, self.sample_rate),
            _ => 0,
        }
    }

    /// The bar and beat at a frame, to a hundredth of a beat; only with tempo and meter.
    pub fn bar(&self, frame: u64) -> Option<Place> {
        let (tempo, meter) = self.tempo.as_ref().zip(self.meter.as_ref())?;
        Some(meter.place_near(tempo.ticks(i64::try_from(frame).ok()?)))
    }
}

/// A part of the programme, like a verse: within it and not empty.
#[derive(Clone, Debug)]
pub struct Section {
    /// Name in the manifest.
    pub name: String,
    /// Programme frame at which it begins.
    pub from_frame: u64,
    /// Programme frame after its last.
    pub to_frame: u64,
    /// The name in the manifest.
    pub span: Span,
}

/// A file of session audio: read, never written.
#[derive(Clone, Debug)]
pub struct Input {
    /// Absolute path.
    pub path: PathBuf,
    /// The path as the manifest writes it, for people.
    pub shown: String,
    /// What its header says.
    pub info: AudioInfo,
    /// Where the manifest first names it.
    pub span: Span,
}

/// A file of a track, or a print, and where its channels go in its layout.
#[derive(Clone, Debug)]
pub struct TrackFile {
    /// The file.
    pub input: InputId,
    /// For each channel of the file, the channel it carries.
    pub channels: Vec<Channel>,
}

/// Session audio placed on the timeline.
#[derive(Clone, Debug)]
pub struct Track {
    /// Name in the manifest.
    pub name: String,
    /// One file, or one per channel for multi-mono.
    pub files: Vec<TrackFile>,
    /// Layout of the track itself, before pan.
    pub layout: Layout,
    /// Programme frame at which the first frame that is heard stands.
    pub at_frame: u64,
    /// Frames of the programme for each of its file's: another rate, or another speed.
    pub ratio: Ratio,
    /// How much faster than its file it is played.
    pub speed: Ratio,
    /// The frames of the file that are heard, counted as the programme's; `None`: all.
    pub trim: Option<Range<u64>>,
    /// What sounds instead of a file.
    pub signal: Option<Signal>,
    /// At the start of what is heard.
    pub fade_in: Option<Fade>,
    /// At its end.
    pub fade_out: Option<Fade>,
    /// Level change.
    pub gain: Gain,
    /// Whether polarity is inverted.
    pub invert: bool,
    /// -100 (left) to 100 (right): where a mono track stands, or the balance of a stereo
    /// track. `None`: a mono track stands at unity in every channel it is placed in, and
    /// nothing is changed.
    pub pan: Option<f64>,
    /// How pan and balance divide the level.
    pub pan_law: PanLaw,
    /// Width of a stereo track in percent; 100 is as it is.
    pub width: f64,
    /// The name in the manifest.
    pub span: Span,
}

impl Track {
    /// Speed, pan, balance and width in the user's terms; nothing if it stands
    /// as it is.
    pub fn image_words(&self) -> Vec<String> {
        let mut words = Vec::new();
        words.extend(speed_words(self.speed));
        if self.width != 100.0 {
            words.push(format!("width {} %", self.width));
        }
        if let Some(place) = self.pan {
            let what = if self.layout == Layout::Mono { "pan" } else { "balance" };
            words.push(format!("{what} {place}, {}", self.pan_law.words()));
        }
        words
    }
}

/// A term of a sum.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    /// A track.
    Track(TrackId),
    /// A stem.
    Stem(StemId),
    /// A mix.
    Mix(MixId),
}

/// A sum of tracks and other stems.
#[derive(Clone, Debug)]
pub struct Stem {
    /// Name in the manifest.
    pub name: String,
    /// What it sums, in this order.
    pub from: Vec<Part>,
    /// Level change of the sum.
    pub gain: Gain,
    /// What is done to the sum, in this order.
    pub process: Vec<Step>,
    /// Layout of the sum.
    pub layout: Layout,
    /// Standard role: dialogue, music, effects... Empty if none was given.
    pub role: String,
    /// What is baked in, in the user's words.
    pub notes: String,
    /// The name in the manifest.
    pub span: Span,
}

/// A sum of stems.
#[derive(Clone, Debug)]
pub struct Mix {
    /// Name in the manifest.
    pub name: String,
    /// What it sums, in this order.
    pub from: Vec<Part>,
    /// Stems taken out wherever they were summed.
    pub without: Vec<StemId>,
    /// Level change of the sum.
    pub gain: Gain,
    /// The stretches of the sum that are heard one after the other, on a timeline of
    /// their own; none: the whole programme.
    pub edit: Vec<Stretch>,
    /// What is done to the sum after its fold-down and its edit, in this order.
    pub process: Vec<Step>,
    /// Layout after the fold-down, if there is one.
    pub layout: Layout,
    /// How the sum is brought to `layout` from that of its parts.
    pub downmix: Option<Downmix>,
    /// The approved print it must null against.
    pub reference: Option<TrackFile>,
    /// Standard role; empty if none was given.
    pub role: String,
    /// What is baked in, in the user's words.
    pub notes: String,
    /// The name in the manifest.
    pub span: Span,
}

/// One package.
#[derive(Debug)]
pub struct Deliverable {
    /// Name in the manifest, and of its folder.
    pub name: String,
    /// What the recipient requires.
    pub spec: Arc<Spec>,
    /// Its audio files: tracks first, then stems, then mixes, in the order asked for.
    pub files: Vec<DeliveredFile>,
    /// Where its files begin and end, if not with the programme.
    pub framing: Option<Framing>,
    /// The rate and the speed of its files.
    pub pace: Pace,
    /// One gain for all its files of one version; none if none was asked for.
    pub normalize: BTreeMap<Option<VersionId>, Normalize>,
    /// A word to the recipient; may be empty.
    pub notes: String,
    /// The name in the manifest.
    pub span: Span,
}

/// What a delivered file holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Content {
    /// A track as it is: placed, and without gain, polarity and pan.
    Track(TrackId),
    /// A stem.
    Stem(StemId),
    /// A mix.
    Mix(MixId),
}

impl Content {
    /// The same as a term of a sum.
    pub fn part(self) -> Part {
        match self {
            Content::Track(id) => Part::Track(id),
            Content::Stem(id) => Part::Stem(id),
            Content::Mix(id) => Part::Mix(id),
        }
    }
}

/// One signal of a package, in one audio file or, multi-mono, in one for each channel.
#[derive(Clone, Debug)]
pub struct DeliveredFile {
    /// Path within the package, with `/`. It stands for all files of a multi-mono
    /// signal: `PM.{L,R}.wav`.
    pub path: String,
    /// The paths of the files of a multi-mono signal, one for each channel in their
    /// order; empty for one file.
    pub parts: Vec<String>,
    /// What it holds; in a version, what that makes of it.
    pub content: Content,
    /// What that is to the recipient: dialogue, print-master... Empty if nobody said.
    pub role: String,
    /// The version that was asked for, if one was.
    pub version: Option<VersionId>,
    /// How its samples are written.
    pub encoding: Encoding,
    /// Its channels.
    pub layout: Layout,
    /// What of that it holds.
    pub take: Take,
}

/// What of a stem or mix a file holds: by default all of it, as it is in the mix.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Take {
    /// Without the `process` chains of stems.
    pub dry: bool,
    /// A part of the programme.
    pub cut: Option<Cut>,
}

/// A part of the programme on a timeline of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Name of the section.
    pub name: String,
    /// First frame of the programme.
    pub from: u64,
    /// Frame after the last.
    pub to: u64,
    /// Frames over which its end fades into what stands before its start, so that it
    /// can be repeated without a seam; 0: none.
    pub seam: u64,
}

/// Where the files of a package begin and end, and what is put there. Frames count
/// from the start of the programme; what it lacks is silence.
#[derive(Clone, PartialEq, Debug)]
pub struct Framing {
    /// First frame.
    pub from: i64,
    /// Frame after the last.
    pub to: i64,
    /// What sounds in every channel, counted from the file's first frame.
    pub sounds: Vec<Sound>,
    /// The same for people.
    pub words: Vec<String>,
}

impl Delivery {
    /// The files beside the session audio that decide what is made: programs, plug-ins
    /// and what they read.
    pub fn outside_files(&self) -> impl Iterator<Item = &Path> {
        let chains = self.stems.iter().map(|stem| &stem.process);
        let steps = chains.chain(self.mixes.iter().map(|mix| &mix.process)).flatten();
        let files = steps.filter_map(Step::external).flat_map(External::files);
        files.map(|file| file.path.as_path())
    }

    /// The input of that id.
    pub fn input(&self, id: InputId) -> &Input {
        &self.inputs[id.0 as usize]
    }

    /// The track of that id.
    pub fn track(&self, id: TrackId) -> &Track {
        &self.tracks[id.0 as usize]
    }

    /// The stem of that id.
    pub fn stem(&self, id: StemId) -> &Stem {
        &self.stems[id.0 as usize]
    }

    /// The mix of that id.
    pub fn mix(&self, id: MixId) -> &Mix {
        &self.mixes[id.0 as usize]
    }

    /// The stems that a stem sums, at any depth.
    pub fn stems_within(&self, id: StemId) -> BTreeSet<StemId> {
        let mut found = BTreeSet::new();
        let mut open = vec![id];
        while let Some(next) = open.pop() {
            for part in &self.stem(next).from {
                if let Part::Stem(inner) = part
                    && found.insert(*inner)
                {
                    open.push(*inner);
                }
            }
        }
        found
    }

    /// Frames of a file of a deliverable.
    pub fn frames_of(&self, deliverable: &Deliverable, file: &DeliveredFile) -> u64 {
        let whole = match file.content {
            Content::Mix(id) => self.mix_frames(id),
            Content::Track(_) | Content::Stem(_) => self.programme.frames,
        };
        match (&file.take.cut, &deliverable.framing) {
            (Some(cut), _) => cut.to - cut.from,
            (None, Some(framing)) => (framing.to - framing.from) as u64,
            (None, None) => deliverable.pace.ratio.frames(whole),
        }
    }

    /// Frames of a mix on the programme's clock: those of its edit, or all.
    pub fn mix_frames(&self, id: MixId) -> u64 {
        let edit = &self.mix(id).edit;
        let whole = if edit.is_empty() { self.programme.frames } else { 0 };
        whole + edit.iter().map(|part| part.to - part.from).sum::<u64>()
    }

    /// Name of what a delivered file holds.
    pub fn content_name(&self, content: Content) -> &str {
        match content {
            Content::Track(id) => &self.track(id).name,
            Content::Stem(id) => &self.stem(id).name,
            Content::Mix(id) => &self.mix(id).name,
        }
    }
}
