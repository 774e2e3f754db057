//! The plan: a graph of operators that makes every delivered signal, and the
//! list of files and null tests that hang on it. Pure: no disk, no samples.

pub mod build;
pub mod clock;
pub mod cover;
mod matrix;
pub mod needs;
mod nodes;
mod nulls;
pub mod op;
pub mod show;

use std::collections::BTreeSet;
use std::ops::Range;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::audio::layout::Layout;
use crate::audio::wav::Encoding;
use crate::manifest::delivery::{Content, InputId, MixId, Part, Take, VersionId};

use clock::{Clock, ClockId, Slot};
use op::Op;

/// A node of the graph. Nodes are numbered so that inputs come before consumers.
pub type NodeId = NodeIndex<u32>;

/// An operator with what is known of its output before anything is rendered.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// Channels of its output.
    pub width: usize,
    /// What counts its segments.
    pub clock: ClockId,
    /// If every sample lies on the grid of so many bits (full scale 1.0), that
    /// number; `None` after an operator that leaves the grid.
    pub grid_bits: Option<u16>,
    /// What people call it: `track kick`, `stem drums`.
    pub label: String,
}

/// Index into [`Plan::prints`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PrintId(pub u32);

/// A signal written as samples of one word length. Several delivered files with
/// the same content are one print: rendered and measured once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Print {
    /// The signal.
    pub node: NodeId,
    /// Word length.
    pub encoding: Encoding,
    /// Its channels.
    pub layout: Layout,
    /// The identity that keys the dither; `None` where the signal already lies
    /// on the grid of the encoding, or the encoding is never dithered.
    pub dither: Option<String>,
}

/// A delivered file and the print it holds.
#[derive(Clone, Debug)]
pub struct PlannedFile {
    /// Index of its deliverable.
    pub deliverable: usize,
    /// Path within the package.
    pub path: String,
    /// What it holds, as the manifest names it.
    pub content: Content,
    /// The version it is of; `None` for the original.
    pub version: Option<VersionId>,
    /// What of it.
    pub take: Take,
    /// Its samples.
    pub print: PrintId,
    /// Which channel of the print it holds, if not all of them.
    pub channel: Option<usize>,
    /// Index of the signal among those of its deliverable.
    pub signal: usize,
}

/// What a null test subtracts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NullReference {
    /// A file of session audio: the approved print.
    Input {
        /// The file.
        input: InputId,
        /// Its signal.
        node: NodeId,
    },
    /// A delivered mix.
    Print(PrintId),
}

impl NullReference {
    /// The node of an approved print.
    pub fn node(&self) -> Option<NodeId> {
        match self {
            NullReference::Input { input: _, node } => Some(*node),
            NullReference::Print(_) => None,
        }
    }
}

/// A null test: the reference minus the sum of prints, on the samples written.
#[derive(Clone, PartialEq, Debug)]
pub struct PlannedNull {
    /// Index of the deliverable it proves.
    pub deliverable: usize,
    /// The mix.
    pub mix: MixId,
    /// Path of the delivered mix within the package, or the name of a mix that
    /// the package holds the stems of and not itself.
    pub of: String,
    /// What is subtracted from.
    pub reference: NullReference,
    /// What is subtracted, in this order.
    pub parts: Vec<PrintId>,
    /// Names of the parts, for people.
    pub part_names: Vec<String>,
    /// Frames that are not compared: a pop in each of many stems sums to many.
    pub skip: Vec<Range<u64>>,
}

impl PlannedNull {
    /// The frames of a segment that are not compared, from its first frame on.
    pub fn skipped(&self, segment: Range<u64>) -> Vec<Range<usize>> {
        let within = |range: &Range<u64>| {
            let (start, end) = (range.start.max(segment.start), range.end.min(segment.end));
            let from_start = |frame: u64| (frame - segment.start) as usize;
            (start < end).then(|| from_start(start)..from_start(end))
        };
        self.skip.iter().filter_map(within).collect()
    }
}

/// A mix whose stems were not all delivered, so that no null test can prove it.
#[derive(Clone, Debug)]
pub struct Unproven {
    /// Index of the deliverable.
    pub deliverable: usize,
    /// Path of the delivered mix within the package.
    pub of: String,
    /// What the delivered stems lack.
    pub missing: Vec<String>,
}

/// Where a gain waits to be known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GainPlace {
    /// A step of the chain of a stem or mix.
    Step(Part, usize),
    /// All files of a deliverable that are of one version.
    Package(usize, Option<VersionId>),
}

/// A node whose channels are known by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signal {
    /// The node.
    pub node: NodeId,
    /// Its channels.
    pub layout: Layout,
}

/// A gain that follows from what is measured.
#[derive(Clone, Debug)]
pub struct MeasuredGain {
    /// Where it is applied.
    pub place: GainPlace,
    /// Whose loudness or peak counts; of several, the highest.
    pub measured: Vec<Signal>,
    /// The signals whose true peak its ceiling is for.
    pub guarded: Vec<Signal>,
}

/// Everything to be made, and from what.
#[derive(Debug)]
pub struct Plan {
    /// What counts segments; the first is the programme's.
    pub clocks: Vec<Clock>,
    /// Operators; an edge runs from an input to its consumer and carries the
    /// input's place in the consumer's list.
    pub graph: DiGraph<Node, u32, u32>,
    /// Distinct delivered signals.
    pub prints: Vec<Print>,
    /// Gains that follow from what is measured, settled or not.
    pub gains: Vec<MeasuredGain>,
    /// Delivered files, in the order of the manifest.
    pub files: Vec<PlannedFile>,
    /// Null tests.
    pub nulls: Vec<PlannedNull>,
    /// Mixes that cannot be proven from the delivered stems.
    pub unproven: Vec<Unproven>,
}

impl Plan {
    /// The inputs of a node, in order.
    pub fn inputs(&self, node: NodeId) -> Vec<NodeId> {
        use petgraph::visit::EdgeRef;
        let mut edges: Vec<(u32, NodeId)> = self
            .graph
            .edges_directed(node, Direction::Incoming)
            .map(|edge| (*edge.weight(), edge.source()))
            .collect();
        edges.sort();
        edges.into_iter().map(|(_, source)| source).collect()
    }

    /// The clock of that id.
    pub fn clock(&self, id: ClockId) -> &Clock {
        &self.clocks[id.0 as usize]
    }

    /// The clock of the programme.
    pub fn programme(&self) -> &Clock {
        self.clock(ClockId::PROGRAMME)
    }

    /// The clock of a node's output.
    pub fn clock_of(&self, node: NodeId) -> &Clock {
        self.clock(self.graph[node].clock)
    }

    /// The clock of a print: that of its node.
    pub fn print_clock(&self, id: PrintId) -> &Clock {
        self.clock_of(self.print(id).node)
    }

    /// The prints of one clock.
    pub fn prints_of(&self, clock: ClockId) -> impl Iterator<Item = PrintId> {
        self.print_ids().filter(move |id| self.graph[self.print(*id).node].clock == clock)
    }

    /// The null tests of one clock, with their indices.
    pub fn nulls_of(&self, clock: ClockId) -> impl Iterator<Item = (usize, &PlannedNull)> {
        let of = move |null: &PlannedNull| self.graph[self.print(null.parts[0]).node].clock;
        self.nulls.iter().enumerate().filter(move |(_, null)| of(null) == clock)
    }

    /// What of all prints is made in segments `programme` of the programme.
    pub fn slots(&self, programme: Range<usize>) -> Vec<Slot> {
        let ids = (0..self.clocks.len() as u32).map(ClockId);
        let printed = ids.filter(|clock| self.prints_of(*clock).next().is_some());
        let of = |clock: ClockId| {
            let made = self.clock(clock).made_in(programme.clone());
            made.map(move |segment| Slot { clock, segment })
        };
        printed.flat_map(of).collect()
    }

    /// The segments of its inputs that a node hears in one of its own.
    pub fn heard(&self, node: NodeId, segment: usize) -> Vec<Range<usize>> {
        let per_segment = self.clock_of(node).per_segment();
        // All inputs of a node have one clock.
        let input = self.graph.neighbors_directed(node, Direction::Incoming).next();
        let of_input = input.map_or(per_segment, |input| self.clock_of(input).per_segment());
        self.graph[node].op.heard(segment, per_segment, of_input)
    }

    /// The segments of its inputs that a node hears in several of its own.
    pub fn all_heard(&self, node: NodeId, segments: &BTreeSet<usize>) -> BTreeSet<usize> {
        segments.iter().flat_map(|segment| self.heard(node, *segment)).flatten().collect()
    }

    /// The files of session audio that anything hears.
    pub fn sources(&self) -> BTreeSet<InputId> {
        self.graph.node_weights().filter_map(|node| node.op.input()).collect()
    }

    /// The inputs of every node, by its index.
    pub fn all_inputs(&self) -> Vec<Vec<NodeId>> {
        self.graph.node_indices().map(|node| self.inputs(node)).collect()
    }

    /// The print of that id.
    pub fn print(&self, id: PrintId) -> &Print {
        &self.prints[id.0 as usize]
    }

    /// Whether a print's samples differ from its signal because they were rounded.
    pub fn is_rounded(&self, id: PrintId) -> bool {
        let Print { node, encoding, layout: _, dither: _ } = self.print(id);
        let exact = match encoding {
            Encoding::Float32 => 24,
            Encoding::Pcm16 | Encoding::Pcm16Shaped | Encoding::Pcm24 => encoding.bits(),
        };
        self.graph[*node].grid_bits.is_none_or(|bits| bits > exact)
    }

    /// Whether a print is in a file; others are measured only.
    pub fn is_written(&self, id: PrintId) -> bool {
        self.files.iter().any(|file| file.print == id)
    }

    /// The forms in which a print is written: its channels interleaved (`None`), or each
    /// in a file of its own.
    pub fn forms(&self, id: PrintId) -> BTreeSet<Option<usize>> {
        self.files.iter().filter(|file| file.print == id).map(|file| file.channel).collect()
    }

    /// Forms that together hold all channels of a print, in their order; none if no file
    /// holds it.
    pub fn complete_form(&self, id: PrintId) -> BTreeSet<Option<usize>> {
        let forms = self.forms(id);
        if forms.contains(&None) { BTreeSet::from([None]) } else { forms }
    }

    /// All print ids.
    pub fn print_ids(&self) -> impl Iterator<Item = PrintId> + use<> {
        (0..self.prints.len() as u32).map(PrintId)
    }

    /// The files of one deliverable, with their indices.
    pub fn files_of(&self, deliverable: usize) -> impl Iterator<Item = (usize, &PlannedFile)> {
        self.files.iter().enumerate().filter(move |(_, file)| file.deliverable == deliverable)
    }

    /// The node and everything it is made from, inputs before consumers.
    pub fn ancestry(&self, node: NodeId) -> Vec<NodeId> {
        let mut found = BTreeSet::from([node]);
        let mut open = vec![node];
        while let Some(next) = open.pop() {
            open.extend(self.inputs(next).into_iter().filter(|input| found.insert(*input)));
        }
        found.into_iter().collect()
    }
}
