//! The plan: a graph of operators that makes every delivered signal, and the
//! list of files and null tests that hang on it. Pure: no disk, no samples.

pub mod build;
pub mod cover;
mod matrix;
pub mod op;
pub mod show;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::audio::layout::Layout;
use crate::audio::wav::Encoding;
use crate::manifest::delivery::{Content, InputId};
use crate::units::SampleRate;

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
    /// Its samples.
    pub print: PrintId,
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
#[derive(Clone, Debug)]
pub struct PlannedNull {
    /// Index of the deliverable it proves.
    pub deliverable: usize,
    /// Path of the delivered mix within the package, or the name of a mix that
    /// the package holds the stems of and not itself.
    pub of: String,
    /// What is subtracted from.
    pub reference: NullReference,
    /// What is subtracted, in this order.
    pub parts: Vec<PrintId>,
    /// Names of the parts, for people.
    pub part_names: Vec<String>,
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

/// Segments before and after a segment of the programme in which a node's output
/// is heard by what is delivered there.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Margin {
    /// Segments before.
    pub before: usize,
    /// Segments after.
    pub after: usize,
}

/// Everything to be made, and from what.
#[derive(Debug)]
pub struct Plan {
    /// Frames per second of everything.
    pub sample_rate: SampleRate,
    /// Length of every delivered file in frames.
    pub frames: u64,
    /// Operators; an edge runs from an input to its consumer and carries the
    /// input's place in the consumer's list.
    pub graph: DiGraph<Node, u32, u32>,
    /// How far from a segment each node is heard.
    pub margins: Vec<Margin>,
    /// Distinct delivered signals.
    pub prints: Vec<Print>,
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

    /// How far from a segment a node is heard.
    pub fn margin(&self, node: NodeId) -> Margin {
        self.margins[node.index()]
    }

    /// Segments ahead of a segment that must be known to make it.
    pub fn ahead(&self) -> usize {
        self.margins.iter().map(|margin| margin.after).max().unwrap_or(0)
    }

    /// The files of session audio that anything hears.
    pub fn sources(&self) -> std::collections::BTreeSet<InputId> {
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
            Encoding::Pcm16 | Encoding::Pcm24 => encoding.bits(),
        };
        self.graph[*node].grid_bits.is_none_or(|bits| bits > exact)
    }

    /// All print ids.
    pub fn print_ids(&self) -> impl Iterator<Item = PrintId> + use<> {
        (0..self.prints.len() as u32).map(PrintId)
    }

    /// Number of segments of every delivered file.
    pub fn segments(&self) -> usize {
        self.sample_rate.segments(self.frames)
    }

    /// Frames of segment `segment` of every delivered file; the last may be short.
    pub fn segment_frames(&self, segment: usize) -> usize {
        let per_segment = self.sample_rate.frames_per_segment();
        let start = segment as u64 * per_segment as u64;
        self.frames.saturating_sub(start).min(per_segment as u64) as usize
    }

    /// The files of one deliverable, with their indices.
    pub fn files_of(&self, deliverable: usize) -> impl Iterator<Item = (usize, &PlannedFile)> {
        self.files.iter().enumerate().filter(move |(_, file)| file.deliverable == deliverable)
    }

    /// The node and everything it is made from, inputs before consumers.
    pub fn ancestry(&self, node: NodeId) -> Vec<NodeId> {
        let mut found = std::collections::BTreeSet::from([node]);
        let mut open = vec![node];
        while let Some(next) = open.pop() {
            open.extend(self.inputs(next).into_iter().filter(|input| found.insert(*input)));
        }
        found.into_iter().collect()
    }
}
