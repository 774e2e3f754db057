//! From what is to be delivered to the graph that makes it.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use petgraph::graph::DiGraph;

use super::matrix::{
    diagonal, downmix_words, fold_down, gain_words, route, track_matrix, track_words,
};
use super::op::{Op, Sink};
use super::{
    Margin, Node, NodeId, NullReference, Plan, PlannedFile, PlannedNull, Print, PrintId, Unproven,
};
use crate::audio::layout::Layout;
use crate::audio::wav::Encoding;
use crate::manifest::delivery::{
    Action, Content, DeliveredFile, Delivery, InputId, MixId, Part, StemId, Step, TrackId,
};
use crate::units::{Gain, SampleRate};

/// The plan of a delivery.
pub fn plan(delivery: &Delivery) -> Plan {
    let mut builder = Builder {
        delivery,
        graph: DiGraph::default(),
        known: BTreeMap::new(),
        sums: BTreeMap::new(),
    };
    let mut prints: Vec<Print> = Vec::new();
    let mut files = Vec::new();
    for (deliverable, package) in delivery.deliverables.iter().enumerate() {
        for file in &package.files {
            let print = builder.print(&package.name, file);
            let print = PrintId(position_or_push(&mut prints, print) as u32);
            let DeliveredFile { path, content, encoding: _, layout: _ } = file.clone();
            files.push(PlannedFile { deliverable, path, content, print });
        }
    }
    let (nulls, unproven) = builder.null_tests(&files, &prints);
    Plan {
        sample_rate: delivery.programme.sample_rate,
        frames: delivery.programme.frames,
        margins: margins(&builder.graph, delivery.programme.sample_rate),
        graph: builder.graph,
        prints,
        files,
        nulls,
        unproven,
    }
}

/// Adds up reaches from what is delivered back to the sources.
fn margins(graph: &DiGraph<Node, u32, u32>, rate: SampleRate) -> Vec<Margin> {
    let mut margins = vec![Margin::default(); graph.node_count()];
    // Consumers have higher numbers than their inputs.
    for consumer in graph.node_indices().rev() {
        let (before, after) = graph[consumer].op.reach().margin(rate.frames_per_segment());
        let here = margins[consumer.index()];
        for input in graph.neighbors_directed(consumer, Direction::Incoming) {
            let margin = &mut margins[input.index()];
            margin.before = margin.before.max(here.before + before);
            margin.after = margin.after.max(here.after + after);
        }
    }
    margins
}

fn position_or_push<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

struct Builder<'a> {
    delivery: &'a Delivery,
    graph: DiGraph<Node, u32, u32>,
    /// Every node by what it does to which inputs, so that equal signals are
    /// one node however many deliverables ask for them.
    known: BTreeMap<(Vec<u8>, Vec<NodeId>), NodeId>,
    /// Every sum that was built, by what was left out of it: however often a stem is
    /// heard, it is walked once.
    sums: BTreeMap<(Part, BTreeSet<StemId>), Option<NodeId>>,
}

/// Collects the bytes of an operator and drops its words.
struct Identity(Vec<u8>);

impl Sink for Identity {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn words(&mut self, _: &str) {}
}

impl Builder<'_> {
    /// The node that applies `op` to `inputs`: the one there is, or a new one.
    fn node(&mut self, op: Op, inputs: &[NodeId], width: usize, label: &str) -> NodeId {
        let mut identity = Identity(Vec::new());
        op.encode(&mut identity);
        // Two files may hold the same samples and must still be two sources.
        if let Op::Source { input, at_frame } = op {
            identity.0.extend(input.0.to_le_bytes());
            identity.0.extend(at_frame.to_le_bytes());
        }
        if let Some(node) = self.known.get(&(identity.0.clone(), inputs.to_vec())) {
            return *node;
        }
        let grid_bits = self.grid_bits(&op, inputs);
        let node = self.graph.add_node(Node { op, width, grid_bits, label: label.to_owned() });
        for (port, input) in inputs.iter().enumerate() {
            self.graph.add_edge(*input, node, port as u32);
        }
        self.known.insert((identity.0, inputs.to_vec()), node);
        node
    }

    fn grid_bits(&self, op: &Op, inputs: &[NodeId]) -> Option<u16> {
        if let Op::Source { input, .. } = op {
            let info = &self.delivery.input(*input).info;
            return (!info.float).then_some(info.bits);
        }
        let finest = inputs
            .iter()
            .map(|n| self.graph[*n].grid_bits)
            .max_by_key(|grid| grid.unwrap_or(u16::MAX));
        finest.flatten().filter(|_| op.keeps_grid())
    }

    fn source(&mut self, input: InputId, at_frame: u64) -> NodeId {
        let file = self.delivery.input(input);
        let (width, label) = (usize::from(file.info.channels), file.shown.clone());
        self.node(Op::Source { input, at_frame }, &[], width, &label)
    }

    /// `input` through a matrix; through nothing if the matrix changes nothing.
    fn matrix(&mut self, input: NodeId, rows: Vec<Vec<f64>>, words: String, label: &str) -> NodeId {
        let width = rows.len();
        let op = Op::Matrix { rows, words };
        if op.is_identity() { input } else { self.node(op, &[input], width, label) }
    }

    /// The sum of `inputs`; a single one is handed on as it is.
    fn sum(&mut self, inputs: &[NodeId], layout: Layout, label: &str) -> NodeId {
        match inputs {
            [one] => *one,
            _ => self.node(Op::Sum, inputs, layout.width(), label),
        }
    }

    /// A track as a signal of `layout`: gain, polarity and pan applied.
    fn track(&mut self, id: TrackId, layout: Layout) -> NodeId {
        let track = self.delivery.track(id).clone();
        let label = format!("track {}", track.name);
        let parts: Vec<NodeId> = track
            .files
            .iter()
            .map(|file| {
                let source = self.source(file.input, track.at_frame);
                let rows = track_matrix(&track, &file.channels, layout);
                self.matrix(source, rows, track_words(&track), &label)
            })
            .collect();
        self.sum(&parts, layout, &label)
    }

    fn part(&mut self, part: Part, layout: Layout, without: &BTreeSet<StemId>) -> Option<NodeId> {
        match part {
            Part::Track(id) => Some(self.track(id, layout)),
            Part::Stem(id) if without.contains(&id) => None,
            Part::Stem(id) => {
                let stem = self.stem(id, without)?;
                let from = self.delivery.stem(id).layout;
                Some(self.widen(stem, from, layout))
            }
            Part::Mix(id) => {
                let mix = self.mix(id, without)?;
                let from = self.delivery.mix(id).layout;
                Some(self.widen(mix, from, layout))
            }
        }
    }

    /// A stem without the stems in `without`, or `None` if nothing is left of it.
    fn stem(&mut self, id: StemId, without: &BTreeSet<StemId>) -> Option<NodeId> {
        let known = (Part::Stem(id), without.clone());
        if let Some(node) = self.sums.get(&known) {
            return *node;
        }
        let node = self.new_stem(id, without);
        self.sums.insert(known, node);
        node
    }

    fn new_stem(&mut self, id: StemId, without: &BTreeSet<StemId>) -> Option<NodeId> {
        let stem = self.delivery.stem(id).clone();
        let label = format!("stem {}", stem.name);
        let parts: Vec<NodeId> =
            stem.from.iter().filter_map(|part| self.part(*part, stem.layout, without)).collect();
        let sum = self.sum_with_gain(&parts, stem.layout, stem.gain, &label)?;
        Some(self.chain(sum, &stem.process, &label))
    }

    /// A signal through the steps of a chain.
    fn chain(&mut self, input: NodeId, steps: &[Step], label: &str) -> NodeId {
        steps.iter().fold(input, |node, step| {
            let width = self.graph[node].width;
            let words = step.words.clone();
            match &step.action {
                Action::Factor(factor) => self.matrix(node, diagonal(width, *factor), words, label),
                Action::Process(process) => {
                    let op = Op::Process { process: process.clone(), words };
                    self.node(op, &[node], width, label)
                }
            }
        })
    }

    /// The same of a mix.
    fn mix(&mut self, id: MixId, without: &BTreeSet<StemId>) -> Option<NodeId> {
        let known = (Part::Mix(id), without.clone());
        if let Some(node) = self.sums.get(&known) {
            return *node;
        }
        let node = self.new_mix(id, without);
        self.sums.insert(known, node);
        node
    }

    fn new_mix(&mut self, id: MixId, without: &BTreeSet<StemId>) -> Option<NodeId> {
        let mix = self.delivery.mix(id).clone();
        let label = format!("mix {}", mix.name);
        let without = without.iter().copied().chain(mix.without.iter().copied()).collect();
        let layout = if mix.downmix.is_some() { self.widest(&mix.from) } else { mix.layout };
        let parts: Vec<NodeId> =
            mix.from.iter().filter_map(|part| self.part(*part, layout, &without)).collect();
        let sum = self.sum_with_gain(&parts, layout, mix.gain, &label)?;
        let folded = match mix.downmix {
            Some(downmix) if layout != mix.layout => {
                let rows = fold_down(downmix, layout, mix.layout);
                self.matrix(sum, rows, downmix_words(downmix), &label)
            }
            _ => sum,
        };
        Some(self.chain(folded, &mix.process, &label))
    }

    fn widest(&self, parts: &[Part]) -> Layout {
        let layout = |part: &Part| match part {
            Part::Track(id) => self.delivery.track(*id).layout,
            Part::Stem(id) => self.delivery.stem(*id).layout,
            Part::Mix(id) => self.delivery.mix(*id).layout,
        };
        parts.iter().map(layout).max().unwrap_or(Layout::Stereo)
    }

    fn sum_with_gain(
        &mut self,
        parts: &[NodeId],
        layout: Layout,
        gain: Gain,
        label: &str,
    ) -> Option<NodeId> {
        if parts.is_empty() {
            return None;
        }
        let sum = self.sum(parts, layout, label);
        let rows = diagonal(layout.width(), gain.linear());
        Some(self.matrix(sum, rows, gain_words(gain), label))
    }

    /// A narrower signal in a wider layout: mono stands in every channel of
    /// stereo, stereo in L and R of 5.1, at unity.
    fn widen(&mut self, node: NodeId, from: Layout, to: Layout) -> NodeId {
        let rows = to
            .channels()
            .iter()
            .map(|out| from.channels().iter().map(|c| route(*c, *out, to)).collect())
            .collect();
        self.matrix(node, rows, format!("{from} placed in {to}"), &format!("{from} in {to}"))
    }

    fn print(&mut self, package: &str, file: &DeliveredFile) -> Print {
        let nothing = BTreeSet::new();
        let (node, from) = match file.content {
            Content::Stem(id) => (self.stem(id, &nothing), self.delivery.stem(id).layout),
            Content::Mix(id) => (self.mix(id, &nothing), self.delivery.mix(id).layout),
        };
        // A stem or mix of nothing is refused when the manifest is resolved.
        let node = node.expect("BUG: a delivered signal has no parts");
        let node = self.widen(node, from, file.layout);
        let grid = self.graph[node].grid_bits;
        let on_grid = grid.is_some_and(|bits| bits <= file.encoding.bits());
        let dither = (file.encoding == Encoding::Pcm16 && !on_grid)
            .then(|| format!("{package}/{}", file.path));
        Print { node, encoding: file.encoding, layout: file.layout, dither }
    }

    /// Every delivered mix against its reference and against the delivered stems;
    /// and the stems against the reference of a mix that is itself not delivered.
    fn null_tests(
        &mut self,
        files: &[PlannedFile],
        prints: &[Print],
    ) -> (Vec<PlannedNull>, Vec<Unproven>) {
        let (mut nulls, mut unproven) = (Vec::new(), Vec::new());
        for deliverable in 0..self.delivery.deliverables.len() {
            let own = || files.iter().filter(move |file| file.deliverable == deliverable);
            let mut delivered = BTreeSet::new();
            for file in own() {
                let Content::Mix(mix) = file.content else { continue };
                delivered.insert(mix);
                let of = file.path.clone();
                if let Some(reference) = self.reference(mix) {
                    let part_names = vec![self.delivery.mix(mix).name.clone()];
                    let (of, parts) = (of.clone(), vec![file.print]);
                    nulls.push(PlannedNull { deliverable, of, reference, parts, part_names });
                }
                let layout = prints[file.print.0 as usize].layout;
                match self.stems_of(mix, &delivered_stems(own(), prints, layout)) {
                    Some(Ok((parts, part_names))) => {
                        let reference = NullReference::Print(file.print);
                        nulls.push(PlannedNull { deliverable, of, reference, parts, part_names });
                    }
                    Some(Err(missing)) => unproven.push(Unproven { deliverable, of, missing }),
                    None => {}
                }
            }
            for index in 0..self.delivery.mixes.len() {
                let mix = MixId(index as u32);
                let stems = delivered_stems(own(), prints, self.delivery.mix(mix).layout);
                let Some(Ok((parts, part_names))) = self.stems_of(mix, &stems) else { continue };
                if !delivered.contains(&mix)
                    && let Some(reference) = self.reference(mix)
                {
                    let of = self.delivery.mix(mix).name.clone();
                    nulls.push(PlannedNull { deliverable, of, reference, parts, part_names });
                }
            }
        }
        (nulls, unproven)
    }

    fn reference(&mut self, mix: MixId) -> Option<NullReference> {
        let input = self.delivery.mix(mix).reference?;
        Some(NullReference::Input { input, node: self.source(input, 0) })
    }

    /// The prints and names of the stems that make up a mix, or what they lack;
    /// `None` if there are no stems.
    #[expect(clippy::type_complexity, reason = "two lists side by side, used once")]
    fn stems_of(
        &self,
        mix: MixId,
        stems: &BTreeMap<StemId, PrintId>,
    ) -> Option<Result<(Vec<PrintId>, Vec<String>), Vec<String>>> {
        // A package without stems is not asked to prove what they sum to.
        if stems.is_empty() {
            return None;
        }
        let cover = super::cover::cover(self.delivery, mix, stems);
        if !cover.missing.is_empty() {
            return Some(Err(cover.missing));
        }
        let name = |id: &StemId| self.delivery.stem(*id).name.clone();
        let parts = cover.used.iter().map(|id| stems[id]).collect();
        Some(Ok((parts, cover.used.iter().map(name).collect())))
    }
}

/// The stems that a package delivers in `layout`, with their prints.
fn delivered_stems<'a>(
    files: impl Iterator<Item = &'a PlannedFile>,
    prints: &[Print],
    layout: Layout,
) -> BTreeMap<StemId, PrintId> {
    files
        .filter(|file| prints[file.print.0 as usize].layout == layout)
        .filter_map(|file| match file.content {
            Content::Stem(id) => Some((id, file.print)),
            Content::Mix(_) => None,
        })
        .collect()
}
