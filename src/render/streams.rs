//! Session audio as it streams into the pass.
//!
//! A stream is one file at one whole-segment offset, so that its segments are
//! needed in order and each is decoded once, compressed files included. A segment is
//! one second of the file. Only those that the current wave hears are held.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::audio::reader::AudioReader;
use crate::audio::{AudioError, AudioInfo};
use crate::fsio::{Disk, DiskError, FileStamp};
use crate::key::Key;
use crate::key::digest::segment_digest;
use crate::key::segment::Digests;
use crate::manifest::delivery::InputId;
use crate::plan::needs::Needs;
use crate::plan::op::Op;
use crate::plan::{NodeId, Plan};
use crate::state::outside::Made;

/// What a pass needs to know of one file of session audio, or of one that an operator
/// outside makes.
#[derive(Clone)]
pub struct InputFile<'a> {
    /// Where it is.
    pub path: Cow<'a, Path>,
    /// What its header said when the manifest was resolved.
    pub info: Cow<'a, AudioInfo>,
    /// The stamp it bore then; `None` as long as it is not made.
    pub stamp: Option<FileStamp>,
    /// Digests of all its segments if they are known from an earlier run.
    pub digests: Option<Cow<'a, [Key]>>,
}

impl InputFile<'_> {
    /// Frames of one segment: a second of the file.
    fn per_segment(&self) -> usize {
        self.info.sample_rate as usize
    }
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
    /// The nodes that read it, each with whether it starts between two segments.
    nodes: Vec<(NodeId, bool)>,
    /// Whether this stream reads the whole file to take its digests.
    digests_all: bool,
    /// Next segment of the file to take the digest of.
    next: usize,
}

/// All streams of a plan, and the digests known so far.
pub struct Streams<'a> {
    disk: &'a Disk,
    inputs: Vec<InputFile<'a>>,
    streams: Vec<Stream>,
    of_node: BTreeMap<NodeId, usize>,
    /// Where in `inputs` that is which an operator outside makes.
    made: BTreeMap<InputId, usize>,
    digests: Vec<Vec<Key>>,
}

impl<'a> Streams<'a> {
    /// The streams of `plan`; nothing is opened yet.
    pub fn new(disk: &'a Disk, plan: &Plan, inputs: Vec<InputFile<'a>>) -> Self {
        let mut streams: Vec<Stream> = Vec::new();
        let mut of_node = BTreeMap::new();
        let mut digested: BTreeSet<InputId> = BTreeSet::new();
        for node in plan.graph.node_indices() {
            let Op::Source { input, at_frame } = plan.graph[node].op else { continue };
            let per_segment = plan.clock_of(node).per_segment() as u64;
            let (offset, rest) = ((at_frame / per_segment) as usize, at_frame % per_segment);
            let found = streams.iter().position(|s| s.input == input && s.offset == offset);
            let index = found.unwrap_or_else(|| {
                let unknown = inputs[input.0 as usize].digests.is_none();
                streams.push(Stream {
                    input,
                    offset,
                    reader: None,
                    window: BTreeMap::new(),
                    nodes: Vec::new(),
                    digests_all: unknown && digested.insert(input),
                    next: 0,
                });
                streams.len() - 1
            });
            streams[index].nodes.push((node, rest != 0));
            of_node.insert(node, index);
        }
        let known = |input: &InputFile<'_>| input.digests.as_deref().unwrap_or_default().to_vec();
        let digests = inputs.iter().map(known).collect();
        Self { disk, inputs, streams, of_node, made: BTreeMap::new(), digests }
    }

    /// Takes in what the operator outside `node` makes.
    pub fn expect(&mut self, plan: &Plan, node: NodeId, path: PathBuf, made: &Made) {
        let Op::External { made: id, .. } = plan.graph[node].op else {
            unreachable!("BUG: only operators outside make files")
        };
        self.made.insert(
            id,
            self.of_node
                .get(&node)
                .map_or(self.inputs.len(), |index| self.streams[*index].input.0 as usize),
        );
        let file = InputFile {
            path: Cow::Owned(path),
            info: Cow::Owned(made.info.clone()),
            stamp: None,
            digests: None,
        };
        let digests = made.digests.clone();
        if let Some(index) = self.of_node.get(&node) {
            let input = self.streams[*index].input.0 as usize;
            (self.inputs[input], self.digests[input]) = (file, digests);
            return;
        }
        self.of_node.insert(node, self.streams.len());
        self.streams.push(Stream {
            input: InputId(self.inputs.len() as u32),
            offset: 0,
            reader: None,
            window: BTreeMap::new(),
            nodes: vec![(node, false)],
            digests_all: false,
            next: 0,
        });
        self.inputs.push(file);
        self.digests.push(digests);
    }

    /// The file that `node` makes is there now.
    pub fn arrived(&mut self, node: NodeId) -> Result<(), DiskError> {
        let file = &mut self.inputs[self.streams[self.of_node[&node]].input.0 as usize];
        file.stamp = self.disk.stamp(&file.path)?;
        Ok(())
    }

    /// Whether the file of a node can be read.
    pub fn is_there(&self, node: NodeId) -> bool {
        self.inputs[self.streams[self.of_node[&node]].input.0 as usize].stamp.is_some()
    }

    /// Reads and digests what unknown files hold as far as `needs` hears them, and
    /// drops what it does not hear.
    pub fn digest(&mut self, needs: &Needs) -> Result<(), InputError> {
        let heard: Vec<BTreeSet<usize>> = self.streams.iter().map(|s| s.heard(needs)).collect();
        let mut ends: BTreeMap<InputId, usize> = BTreeMap::new();
        for (stream, heard) in self.streams.iter().zip(&heard) {
            let end = ends.entry(stream.input).or_default();
            *end = heard.last().map_or(0, |last| last + 1).max(*end);
        }
        self.digest_each(|index, stream| (ends[&stream.input], &heard[index]))
    }

    /// Segments of the unknown file that has most left to read.
    pub fn left(&self) -> usize {
        let left =
            |s: &Stream| self.inputs[s.input.0 as usize].info.segments().saturating_sub(s.next);
        self.streams.iter().filter(|s| s.digests_all).map(left).max().unwrap_or(0)
    }

    /// Reads and digests up to `segments` more of every unknown file. What is not
    /// heard must be known all the same: digests are remembered of whole files.
    pub fn digest_on(&mut self, segments: usize) -> Result<(), InputError> {
        let nothing = BTreeSet::new();
        self.digest_each(|_, stream| (stream.next + segments, &nothing))
    }

    /// Digests each unknown file up to an end and holds what of it is heard.
    fn digest_each<'h>(
        &mut self,
        what: impl Fn(usize, &Stream) -> (usize, &'h BTreeSet<usize>) + Sync,
    ) -> Result<(), InputError> {
        let Self { disk, inputs, streams, digests, .. } = self;
        let take = |(index, stream): (usize, &mut Stream)| {
            let (end, heard) = what(index, stream);
            stream.window.retain(|segment, _| heard.contains(segment));
            let taken = stream.digest(disk, &inputs[stream.input.0 as usize], end, heard)?;
            Ok((stream.input, taken))
        };
        let fresh = streams.par_iter_mut().enumerate().map(take);
        for (input, taken) in fresh.collect::<Result<Vec<_>, InputError>>()? {
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
            let whole = self.inputs[stream.input.0 as usize].info.segments();
            per_stream[index].extend(stream.heard_by(*node, *segment).filter(|s| *s < whole));
        }
        let Self { disk, inputs, streams, .. } = self;
        streams.par_iter_mut().zip(per_stream).try_for_each(|(stream, segments)| {
            let file = &inputs[stream.input.0 as usize];
            segments.into_iter().try_for_each(|s| stream.hold(disk, file, s))
        })
    }

    /// The samples of a source node over a segment of its clock, in canonical form,
    /// silence where the file is not.
    pub fn bytes(&self, node: NodeId, at_frame: u64, segment: usize) -> Cow<'_, [u8]> {
        let stream = &self.streams[self.of_node[&node]];
        let file = &self.inputs[stream.input.0 as usize];
        let (frame_bytes, per_segment) = (file.info.frame_bytes(), file.per_segment());
        let shift = (at_frame % per_segment as u64) as usize * frame_bytes;
        let length = per_segment * frame_bytes;
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
        &self.inputs[self.streams[self.of_node[&node]].input.0 as usize].info
    }

    /// Checks that every file that was opened is still the one it was.
    pub fn check_unmoved(&self) -> Result<(), InputError> {
        for stream in self.streams.iter().filter(|stream| stream.reader.is_some()) {
            let file = &self.inputs[stream.input.0 as usize];
            let now = self.disk.stamp(&file.path).map_err(|e| InputError::Open(stream.input, e))?;
            if now != file.stamp {
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
        let index = self.made.get(&input).copied().unwrap_or(input.0 as usize);
        self.digests[index].get(segment).copied().unwrap_or(Key::SILENCE)
    }
}

impl Stream {
    /// The segments of the file that `node` hears in one of its own: with the one
    /// before, if the file starts between two segments.
    fn heard_by(&self, node: NodeId, segment: usize) -> impl Iterator<Item = usize> + use<> {
        let shifted = self.nodes.iter().any(|(reader, shifted)| *reader == node && *shifted);
        let of_file = segment.checked_sub(self.offset);
        let before = of_file.filter(|_| shifted).and_then(|s| s.checked_sub(1));
        before.into_iter().chain(of_file)
    }

    /// The segments of the file that are heard in `needs`.
    fn heard(&self, needs: &Needs) -> BTreeSet<usize> {
        let by = |(node, _): &(NodeId, bool)| {
            needs.segments(*node).iter().flat_map(|s| self.heard_by(*node, *s)).collect::<Vec<_>>()
        };
        self.nodes.iter().flat_map(by).collect()
    }

    /// The digests of the segments from the next to `end`, if it is this stream that
    /// takes them. Those that are `heard` are held.
    fn digest(
        &mut self,
        disk: &Disk,
        file: &InputFile<'_>,
        end: usize,
        heard: &BTreeSet<usize>,
    ) -> Result<Vec<Key>, InputError> {
        let mut taken = Vec::new();
        while self.digests_all && self.next < end.min(file.info.segments()) {
            let bytes = self.read(disk, file, self.next)?;
            taken.push(segment_digest(file.info.pcm, file.info.channels, &bytes));
            if heard.contains(&self.next) {
                self.window.insert(self.next, bytes);
            }
            self.next += 1;
        }
        Ok(taken)
    }

    fn held(&self, segment: usize) -> Option<&[u8]> {
        self.window.get(&segment).map(Vec::as_slice)
    }

    fn hold(
        &mut self,
        disk: &Disk,
        file: &InputFile<'_>,
        segment: usize,
    ) -> Result<(), InputError> {
        if self.held(segment).is_none() {
            let bytes = self.read(disk, file, segment)?;
            self.window.insert(segment, bytes);
        }
        Ok(())
    }

    fn read(
        &mut self,
        disk: &Disk,
        file: &InputFile<'_>,
        segment: usize,
    ) -> Result<Vec<u8>, InputError> {
        let failed = |error| match error {
            // Whatever went wrong, a file that changed meanwhile is the reason.
            _ if disk.stamp(&file.path).ok().flatten() != file.stamp => {
                InputError::Moved(self.input)
            }
            error => InputError::Audio(self.input, error),
        };
        if self.reader.is_none() {
            let open = disk.open(&file.path).map_err(|e| InputError::Open(self.input, e))?;
            let reader = AudioReader::open(open).map_err(failed)?;
            if *reader.info() != *file.info {
                return Err(InputError::Moved(self.input));
            }
            self.reader = Some(reader);
        }
        let reader = self.reader.as_mut().expect("BUG: the reader was opened above");
        let per_segment = file.per_segment();
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
