//! Session audio as it streams into the pass.
//!
//! A stream is one file at one whole-segment offset, so that its segments are
//! needed in order and each is decoded once, compressed files included. Only the
//! segments that the current wave hears are held.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;

use crate::audio::reader::AudioReader;
use crate::audio::{AudioError, AudioInfo};
use crate::fsio::{Disk, DiskError, FileStamp};
use crate::key::Key;
use crate::key::digest::segment_digest;
use crate::key::segment::Digests;
use crate::manifest::delivery::InputId;
use crate::plan::op::Op;
use crate::plan::{NodeId, Plan};
use crate::units::SampleRate;

/// What a pass needs to know of one file of session audio.
pub struct InputFile<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// What its header said when the manifest was resolved.
    pub info: &'a AudioInfo,
    /// The stamp it bore then.
    pub stamp: FileStamp,
    /// Digests of all its segments if they are known from an earlier run.
    pub digests: Option<&'a [Key]>,
}

/// Why an input cannot be used.
#[derive(Debug)]
pub enum InputError {
    /// Its samples cannot be read.
    Audio(InputId, AudioError),
    /// It cannot be opened.
    Open(InputId, DiskError),
    /// It is not the file it was when the manifest was resolved: somebody is
    /// writing it.
    Moved(InputId),
}

/// One file at one offset.
struct Stream {
    input: InputId,
    /// Whole segments between the start of the programme and that of the file.
    offset: usize,
    reader: Option<AudioReader>,
    /// Segments held.
    window: BTreeMap<usize, Vec<u8>>,
    /// Segments before that of a wave that may be heard in it.
    look_back: usize,
    /// Whether this stream reads the whole file to take its digests.
    digests_all: bool,
    /// Next segment of the file to take the digest of.
    next: usize,
}

/// All streams of a plan, and the digests known so far.
pub struct Streams<'a> {
    disk: &'a Disk,
    rate: SampleRate,
    inputs: &'a [InputFile<'a>],
    streams: Vec<Stream>,
    of_node: BTreeMap<NodeId, usize>,
    digests: Vec<Vec<Key>>,
}

impl<'a> Streams<'a> {
    /// The streams of `plan`; nothing is opened yet.
    pub fn new(disk: &'a Disk, plan: &Plan, inputs: &'a [InputFile<'a>]) -> Self {
        let per_segment = plan.sample_rate.frames_per_segment() as u64;
        let mut streams: Vec<Stream> = Vec::new();
        let mut of_node = BTreeMap::new();
        let mut digested: BTreeSet<InputId> = BTreeSet::new();
        // The earliest use of a file takes its digests: no other can need them sooner.
        let mut sources: Vec<(usize, InputId, NodeId)> = plan
            .graph
            .node_indices()
            .filter_map(|node| match plan.graph[node].op {
                Op::Source { input, at_frame } => {
                    Some(((at_frame / per_segment) as usize, input, node))
                }
                _ => None,
            })
            .collect();
        sources.sort();
        for (offset, input, node) in sources {
            let found = streams.iter().position(|s| s.input == input && s.offset == offset);
            let index = found.unwrap_or_else(|| {
                let unknown = inputs[input.0 as usize].digests.is_none();
                streams.push(Stream {
                    input,
                    offset,
                    reader: None,
                    window: BTreeMap::new(),
                    look_back: 0,
                    digests_all: unknown && digested.insert(input),
                    next: 0,
                });
                streams.len() - 1
            });
            // One more where a file does not start on the boundary of a segment.
            let look_back = plan.margin(node).before + 1;
            streams[index].look_back = streams[index].look_back.max(look_back);
            of_node.insert(node, index);
        }
        let digests = inputs.iter().map(|i| i.digests.unwrap_or_default().to_vec()).collect();
        Self { disk, rate: plan.sample_rate, inputs, streams, of_node, digests }
    }

    /// Whether some file must be read from front to back for its digests.
    pub fn any_unknown(&self) -> bool {
        self.streams.iter().any(|stream| stream.digests_all)
    }

    /// Segments of the programme after which every file has been read to its end.
    pub fn segments(&self) -> usize {
        let end = |s: &Stream| s.offset + self.file_segments(s.input);
        self.streams.iter().filter(|s| s.digests_all).map(end).max().unwrap_or(0)
    }

    fn file_segments(&self, input: InputId) -> usize {
        self.rate.segments(self.inputs[input.0 as usize].info.frames)
    }

    /// Reads and digests what unknown files hold of the programme's segments
    /// before `end`, and drops what nothing hears from `start` on.
    pub fn digest_wave(&mut self, start: usize, end: usize, keep: bool) -> Result<(), InputError> {
        let Self { disk, rate, inputs, streams, digests, .. } = self;
        let fresh: Vec<(InputId, Vec<Key>)> = streams
            .par_iter_mut()
            .map(|stream| {
                stream.drop_before(start.saturating_sub(stream.offset + stream.look_back));
                if !stream.digests_all {
                    return Ok((stream.input, Vec::new()));
                }
                let file = &inputs[stream.input.0 as usize];
                let last = end.saturating_sub(stream.offset).min(rate.segments(file.info.frames));
                let mut taken = Vec::new();
                while stream.next < last {
                    let bytes = stream.read(disk, *rate, file, stream.next)?;
                    taken.push(segment_digest(file.info.pcm, file.info.channels, &bytes));
                    if keep {
                        stream.window.insert(stream.next, bytes);
                    }
                    stream.next += 1;
                }
                Ok((stream.input, taken))
            })
            .collect::<Result<_, InputError>>()?;
        for (input, taken) in fresh {
            digests[input.0 as usize].extend(taken);
        }
        Ok(())
    }

    /// Reads the segments of the programme that `wanted` source nodes sound in, as
    /// far as they are not held already.
    pub fn load(&mut self, wanted: &BTreeSet<(NodeId, usize)>) -> Result<(), InputError> {
        let mut per_stream: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); self.streams.len()];
        for (node, segment) in wanted {
            let index = self.of_node[node];
            let stream = &self.streams[index];
            let whole = self.file_segments(stream.input);
            let of_file = segment.checked_sub(stream.offset);
            let both = [of_file.and_then(|s| s.checked_sub(1)), of_file];
            per_stream[index].extend(both.into_iter().flatten().filter(|s| *s < whole));
        }
        let Self { disk, rate, inputs, streams, .. } = self;
        streams.par_iter_mut().zip(per_stream).try_for_each(|(stream, segments)| {
            let file = &inputs[stream.input.0 as usize];
            segments.into_iter().try_for_each(|s| stream.hold(disk, *rate, file, s))
        })
    }

    /// The samples of a source node over a segment of the programme, in canonical
    /// form, `frames` long, silence where the file is not.
    pub fn bytes(
        &self,
        node: NodeId,
        at_frame: u64,
        segment: usize,
        frames: usize,
    ) -> Cow<'_, [u8]> {
        let stream = &self.streams[self.of_node[&node]];
        let frame_bytes = self.inputs[stream.input.0 as usize].info.frame_bytes();
        let per_segment = self.rate.frames_per_segment();
        let shift = (at_frame % per_segment as u64) as usize * frame_bytes;
        let length = frames * frame_bytes;
        let of_file = segment.checked_sub(stream.offset);
        let later = of_file.and_then(|s| stream.held(s)).unwrap_or_default();
        if shift == 0 && later.len() >= length {
            return Cow::Borrowed(&later[..length]);
        }
        // The end of the file's segment before, which the shift pushed into this
        // one, and then the beginning of this one.
        let before = of_file.and_then(|s| s.checked_sub(1)).and_then(|s| stream.held(s));
        let pushed = before.and_then(|held| held.get(per_segment * frame_bytes - shift..));
        let mut bytes = vec![0; shift];
        let pushed = pushed.unwrap_or_default();
        bytes[..pushed.len()].copy_from_slice(pushed);
        bytes.extend_from_slice(later);
        bytes.resize(length, 0);
        Cow::Owned(bytes)
    }

    /// The header of a source node's file.
    pub fn info(&self, node: NodeId) -> &AudioInfo {
        self.inputs[self.streams[self.of_node[&node]].input.0 as usize].info
    }

    /// Checks that every file that was opened is still the one it was.
    pub fn check_unmoved(&self) -> Result<(), InputError> {
        for stream in self.streams.iter().filter(|stream| stream.reader.is_some()) {
            let file = &self.inputs[stream.input.0 as usize];
            let now = self.disk.stamp(file.path).map_err(|e| InputError::Open(stream.input, e))?;
            if now != Some(file.stamp) {
                return Err(InputError::Moved(stream.input));
            }
        }
        Ok(())
    }

    /// All digests, by input.
    pub fn into_digests(self) -> Vec<Vec<Key>> {
        self.digests
    }
}

impl Digests for Streams<'_> {
    fn digest(&self, input: InputId, segment: usize) -> Key {
        self.digests[input.0 as usize].get(segment).copied().unwrap_or(Key::SILENCE)
    }
}

impl Stream {
    fn drop_before(&mut self, segment: usize) {
        self.window = self.window.split_off(&segment);
    }

    fn held(&self, segment: usize) -> Option<&[u8]> {
        self.window.get(&segment).map(Vec::as_slice)
    }

    fn hold(
        &mut self,
        disk: &Disk,
        rate: SampleRate,
        file: &InputFile<'_>,
        segment: usize,
    ) -> Result<(), InputError> {
        if self.held(segment).is_none() {
            let bytes = self.read(disk, rate, file, segment)?;
            self.window.insert(segment, bytes);
        }
        Ok(())
    }

    fn read(
        &mut self,
        disk: &Disk,
        rate: SampleRate,
        file: &InputFile<'_>,
        segment: usize,
    ) -> Result<Vec<u8>, InputError> {
        let failed = |error| match error {
            // Whatever went wrong, a file that changed meanwhile is the reason.
            _ if disk.stamp(file.path).ok().flatten() != Some(file.stamp) => {
                InputError::Moved(self.input)
            }
            error => InputError::Audio(self.input, error),
        };
        if self.reader.is_none() {
            let open = disk.open(file.path).map_err(|e| InputError::Open(self.input, e))?;
            let reader = AudioReader::open(open).map_err(failed)?;
            if reader.info() != file.info {
                return Err(InputError::Moved(self.input));
            }
            self.reader = Some(reader);
        }
        let reader = self.reader.as_mut().expect("BUG: the reader was opened above");
        let per_segment = rate.frames_per_segment();
        let start = segment as u64 * per_segment as u64;
        let expected = file.info.frames.saturating_sub(start).min(per_segment as u64) as usize;
        let mut bytes = Vec::with_capacity(expected * file.info.frame_bytes());
        match reader.read(start, expected, &mut bytes) {
            Ok(frames) if frames == expected => Ok(bytes),
            Ok(_) => Err(failed(AudioError::Incomplete("the file ends early".into()))),
            Err(error) => Err(failed(error)),
        }
    }
}
