//! From what is to be delivered to the graph that makes it.

use std::collections::{BTreeMap, BTreeSet};

use super::matrix::{diagonal, gain_words, route, track_matrix, track_words};
use super::nodes::Nodes;
use super::op::Op;
use super::{GainPlace, MeasuredGain, NodeId, Plan, PlannedFile, Print, PrintId, Signal, nulls};
use crate::audio::layout::{Channel, Layout};
use crate::dsp::downmix::Downmix;
use crate::dsp::edit::{Edit, Span};
use crate::dsp::envelope::Direction;
use crate::dsp::process::Process;
use crate::manifest::delivery::{
    Action, Content, Deliverable, DeliveredFile, Delivery, InputId, MixId, Normalize, Pace, Part,
    StemId, Step, Track, TrackId,
};
use crate::units::{Gain, Ratio};

/// The plan of a delivery.
pub fn plan(delivery: &Delivery) -> Plan {
    let (nodes, sums, gains) = (Nodes::new(delivery), BTreeMap::new(), Vec::new());
    let mut builder = Builder { delivery, nodes, sums, dry: false, gains };
    let mut prints: Vec<Print> = Vec::new();
    let (mut files, mut signals, mut references) = (Vec::new(), Vec::new(), Vec::new());
    for (deliverable, package) in delivery.deliverables.iter().enumerate() {
        let made = builder.package(deliverable, package);
        for (signal, (file, (print, reference))) in package.files.iter().zip(made).enumerate() {
            let print = PrintId(position_or_push(&mut prints, print) as u32);
            let DeliveredFile {
                path,
                parts,
                content,
                version,
                role: _,
                encoding: _,
                layout: _,
                take,
            } = file.clone();
            let channel = None;
            let whole =
                PlannedFile { deliverable, path, content, version, take, print, channel, signal };
            let part = |(channel, path)| {
                let channel = Some(channel);
                PlannedFile { path, channel, ..whole.clone() }
            };
            files.extend(parts.iter().cloned().enumerate().map(part));
            files.extend(parts.is_empty().then(|| whole.clone()));
            signals.push(whole);
            references.push(reference);
        }
    }
    let Builder { mut nodes, gains, .. } = builder;
    let (nulls, unproven) = nulls::tests(delivery, &mut nodes, &signals, &references, &prints);
    Plan { clocks: nodes.clocks, graph: nodes.graph, prints, gains, files, nulls, unproven }
}

fn position_or_push<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

/// Walks what is delivered and asks for the nodes that make it.
struct Builder<'a> {
    delivery: &'a Delivery,
    nodes: Nodes<'a>,
    /// Every sum that was built, by what was left out of it: however often a stem is
    /// heard, it is walked once.
    sums: BTreeMap<(Part, BTreeSet<StemId>, bool), Option<NodeId>>,
    /// Whether stems go without their chains.
    dry: bool,
    gains: Vec<MeasuredGain>,
}

impl Builder<'_> {
    /// A track as a signal of `layout`: gain, polarity and pan applied.
    fn track(&mut self, id: TrackId, layout: Layout) -> NodeId {
        self.track_as(self.delivery.track(id).clone(), layout)
    }

    /// A track as it is: in its own layout, without gain, polarity, pan and width.
    fn bare_track(&mut self, id: TrackId) -> NodeId {
        let track = self.delivery.track(id).clone();
        let layout = track.layout;
        let bare = Track { gain: Gain::UNITY, invert: false, pan: None, width: 100.0, ..track };
        self.track_as(bare, layout)
    }

    fn track_as(&mut self, track: Track, layout: Layout) -> NodeId {
        let label = format!("track {}", track.name);
        if let Some(signal) = track.signal.clone() {
            let words = signal.words();
            let node = self.nodes.signal(signal, words, &label);
            let rows = track_matrix(&track, &[Channel::Mono], layout);
            return self.nodes.matrix(node, rows, track_words(&track), &label);
        }
        let parts: Vec<NodeId> = track
            .files
            .iter()
            .map(|file| {
                let source = self.placed(&track, file.input);
                let rows = track_matrix(&track, &file.channels, layout);
                self.nodes.matrix(source, rows, track_words(&track), &label)
            })
            .collect();
        self.nodes.sum(&parts, layout, &label)
    }

    /// What is heard of a file, on the programme's timeline.
    fn placed(&mut self, track: &Track, input: InputId) -> NodeId {
        let label = format!("track {}", track.name);
        let whole = 0..track.ratio.frames(self.delivery.input(input).info.frames);
        let part = track.trim.clone().unwrap_or(whole);
        let frames = part.end - part.start;
        let mut node = match &track.trim {
            None if track.ratio == Ratio::UNITY => self.nodes.source(input, track.at_frame),
            None => {
                let file = self.nodes.file(input);
                self.nodes.converted(file, track.ratio, track.at_frame)
            }
            Some(_) => {
                let file = self.nodes.file(input);
                let file = self.nodes.converted_file(file, track.ratio);
                let rate = self.delivery.programme.sample_rate;
                let words = format!("from {} to {}", rate.clock(part.start), rate.clock(part.end));
                let span = Span { from: part.start, frames, at: track.at_frame };
                self.nodes.place(file, Edit::new(vec![span]), words, &label)
            }
        };
        let heard = track.at_frame..track.at_frame + frames;
        let rate = self.delivery.programme.sample_rate;
        for (fade, direction) in [(track.fade_in, Direction::In), (track.fade_out, Direction::Out)]
        {
            let Some(fade) = fade else { continue };
            let words = fade.words(direction, rate);
            node = self.nodes.fade(node, fade, direction, heard.clone(), &words, &label);
        }
        node
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
        let known = (Part::Stem(id), without.clone(), self.dry);
        if let Some(node) = self.sums.get(&known) {
            return *node;
        }
        let node = self.new_stem(id, without);
        self.sums.insert(known, node);
        node
    }

    fn new_stem(&mut self, id: StemId, without: &BTreeSet<StemId>) -> Option<NodeId> {
        self.stem_until(id, without, usize::MAX)
    }

    /// A stem after the first `steps` of its chain.
    fn stem_until(
        &mut self,
        id: StemId,
        without: &BTreeSet<StemId>,
        steps: usize,
    ) -> Option<NodeId> {
        let stem = self.delivery.stem(id).clone();
        let label = format!("stem {}", stem.name);
        let parts: Vec<NodeId> =
            stem.from.iter().filter_map(|part| self.part(*part, stem.layout, without)).collect();
        let sum = self.sum_with_gain(&parts, stem.layout, stem.gain, &label)?;
        let steps = if self.dry { 0 } else { steps.min(stem.process.len()) };
        let chain = &stem.process[..steps];
        Some(self.chain(sum, Part::Stem(id), chain, &label))
    }

    /// A signal through the steps of a chain of `part`.
    fn chain(&mut self, input: NodeId, part: Part, steps: &[Step], label: &str) -> NodeId {
        let mut node = input;
        for (index, step) in steps.iter().enumerate() {
            let width = self.nodes.graph[node].width;
            let words = step.words.clone();
            node = match &step.action {
                Action::Factor(factor) => {
                    self.nodes.matrix(node, diagonal(width, *factor), words, label)
                }
                Action::Matrix(rows) => self.nodes.matrix(node, rows.clone(), words, label),
                Action::Fade { fade, direction } => {
                    let end = self.nodes.clock_of(node).frames;
                    self.nodes.fade(node, *fade, *direction, 0..end, &step.words, label)
                }
                Action::Envelope(envelope) => {
                    let op = Op::Envelope { envelope: envelope.clone(), words };
                    self.nodes.node(op, &[node], width, label)
                }
                Action::Normalize(normalize) => {
                    self.measure(normalize, part, index);
                    self.nodes.gain(node, normalize.settled, words, label)
                }
                Action::Process(process) => {
                    let op = Op::Process { process: process.clone(), words };
                    self.nodes.node(op, &[node], width, label)
                }
                Action::Keyed { process, by, span: _ } => {
                    let key = self.key(*by, part);
                    self.nodes.keyed(node, key, process, words, label)
                }
                Action::External(external) => {
                    self.nodes.external(node, external, self.layout(part), words, label)
                }
            };
        }
        node
    }

    /// The signal by which a chain of `part` is keyed: a whole stem, whatever a mix goes
    /// without, on the timeline of the part.
    fn key(&mut self, by: Part, part: Part) -> NodeId {
        let key = self.part(by, self.layout(by), &BTreeSet::new());
        let key = key.expect("BUG: a stem of nothing is refused");
        match part {
            Part::Mix(id) if !self.delivery.mix(id).edit.is_empty() => {
                let delivery = self.delivery;
                self.nodes.edit(key, &delivery.mix(id).edit, "key")
            }
            _ => key,
        }
    }

    /// Notes what the gain of a step follows from: always that of the whole signal,
    /// whatever a mix goes without.
    fn measure(&mut self, normalize: &Normalize, part: Part, index: usize) {
        let place = GainPlace::Step(part, index);
        if self.gains.iter().any(|gain| gain.place == place) {
            return;
        }
        let nothing = BTreeSet::new();
        let own = match part {
            Part::Stem(id) => self.stem_until(id, &nothing, index),
            Part::Mix(id) => self.mix_until(id, &nothing, index),
            Part::Track(_) => None,
        };
        let layout = self.layout(part);
        let own: Vec<Signal> = own.map(|node| Signal { node, layout }).into_iter().collect();
        let measured = self.counted(normalize).unwrap_or_else(|| own.clone());
        self.gains.push(MeasuredGain { place, measured, guarded: own });
    }

    /// The signal whose loudness counts, if it is another.
    fn counted(&mut self, normalize: &Normalize) -> Option<Vec<Signal>> {
        let nothing = BTreeSet::new();
        let part = normalize.by?;
        let node = match part {
            Part::Stem(id) => self.stem(id, &nothing),
            Part::Mix(id) => self.mix(id, &nothing),
            Part::Track(_) => None,
        };
        let layout = self.layout(part);
        Some(node.map(|node| Signal { node, layout }).into_iter().collect())
    }

    /// The same of a mix.
    fn mix(&mut self, id: MixId, without: &BTreeSet<StemId>) -> Option<NodeId> {
        let known = (Part::Mix(id), without.clone(), self.dry);
        if let Some(node) = self.sums.get(&known) {
            return *node;
        }
        let node = self.new_mix(id, without);
        self.sums.insert(known, node);
        node
    }

    fn new_mix(&mut self, id: MixId, without: &BTreeSet<StemId>) -> Option<NodeId> {
        self.mix_until(id, without, usize::MAX)
    }

    /// A mix after the first `steps` of its chain.
    fn mix_until(&mut self, id: MixId, without: &BTreeSet<StemId>, steps: usize) -> Option<NodeId> {
        let mix = self.delivery.mix(id).clone();
        let label = format!("mix {}", mix.name);
        let without = without.iter().copied().chain(mix.without.iter().copied()).collect();
        let layout = mix.downmix.as_ref().map_or(mix.layout, |downmix| downmix.from);
        let parts: Vec<NodeId> =
            mix.from.iter().filter_map(|part| self.part(*part, layout, &without)).collect();
        let sum = self.sum_with_gain(&parts, layout, mix.gain, &label)?;
        let folded = match &mix.downmix {
            Some(downmix) => self.fold(sum, downmix, &label),
            None => sum,
        };
        let edited = match mix.edit.as_slice() {
            [] => folded,
            stretches => self.nodes.edit(folded, stretches, &label),
        };
        let chain = &mix.process[..steps.min(mix.process.len())];
        Some(self.chain(edited, Part::Mix(id), chain, &label))
    }

    fn layout(&self, part: Part) -> Layout {
        match part {
            Part::Track(id) => self.delivery.track(id).layout,
            Part::Stem(id) => self.delivery.stem(id).layout,
            Part::Mix(id) => self.delivery.mix(id).layout,
        }
    }

    /// A signal brought from one layout to another. What is turned by 90 degrees is a
    /// matrix, turned, and added to the rest.
    fn fold(&mut self, input: NodeId, downmix: &Downmix, label: &str) -> NodeId {
        let direct = self.nodes.matrix(input, downmix.direct.clone(), downmix.told(), label);
        let Some(rows) = downmix.turned.clone() else { return direct };
        let words = format!("{}: surrounds", downmix.words);
        let turned = self.nodes.matrix(input, rows, words, label);
        let rate = self.nodes.clock_of(turned).rate;
        let words = "turned by 90 degrees".to_owned();
        let op = Op::Process { process: Process::Shift90 { rate }, words };
        let turned = self.nodes.node(op, &[turned], downmix.to.width(), label);
        self.nodes.sum(&[direct, turned], downmix.to, label)
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
        let sum = self.nodes.sum(parts, layout, label);
        let rows = diagonal(layout.width(), gain.linear());
        Some(self.nodes.matrix(sum, rows, gain_words(gain), label))
    }

    /// A narrower signal in a wider layout: mono stands in every channel of
    /// stereo, stereo in L and R of 5.1, at unity.
    fn widen(&mut self, node: NodeId, from: Layout, to: Layout) -> NodeId {
        let rows = to
            .channels()
            .iter()
            .map(|out| from.channels().iter().map(|c| route(*c, *out, to)).collect())
            .collect();
        self.nodes.matrix(node, rows, format!("{from} placed in {to}"), &format!("{from} in {to}"))
    }

    /// The signal that a file holds, before what is done to the set, and what its mix
    /// must null against.
    fn signal(&mut self, file: &DeliveredFile) -> (NodeId, Option<(InputId, NodeId)>) {
        let nothing = BTreeSet::new();
        self.dry = file.take.dry;
        let (node, from) = match file.content {
            Content::Track(id) => (Some(self.bare_track(id)), self.delivery.track(id).layout),
            Content::Stem(id) => (self.stem(id, &nothing), self.delivery.stem(id).layout),
            Content::Mix(id) => (self.mix(id, &nothing), self.delivery.mix(id).layout),
        };
        self.dry = false;
        // A stem or mix of nothing is refused when the manifest is resolved.
        let node = node.expect("BUG: a delivered signal has no parts");
        let clock = self.nodes.graph[node].clock;
        let reference = match file.content {
            Content::Mix(id) => nulls::print(self.delivery, &mut self.nodes, id, clock),
            Content::Track(_) | Content::Stem(_) => None,
        };
        (self.widen(node, from, file.layout), reference)
    }

    /// The same at the rate and the speed of the package.
    fn paced_signal(
        &mut self,
        file: &DeliveredFile,
        pace: Pace,
    ) -> (NodeId, Option<(InputId, NodeId)>) {
        let (node, reference) = self.signal(file);
        let reference = reference.map(|(input, node)| (input, self.nodes.pace(node, pace)));
        (self.nodes.pace(node, pace), reference)
    }

    /// The prints of a package, in the order of its files, and what they must null
    /// against.
    fn package(
        &mut self,
        index: usize,
        package: &Deliverable,
    ) -> Vec<(Print, Option<(InputId, NodeId)>)> {
        let mut signals: Vec<(NodeId, Option<(InputId, NodeId)>)> =
            package.files.iter().map(|file| self.paced_signal(file, package.pace)).collect();
        for (version, normalize) in &package.normalize {
            let signal = |(file, (node, _)): (&DeliveredFile, &(NodeId, _))| {
                let signal = Signal { node: *node, layout: file.layout };
                (file.version == *version).then_some(signal)
            };
            let guarded: Vec<Signal> =
                package.files.iter().zip(&signals).filter_map(signal).collect();
            let measured = self.counted(normalize).unwrap_or_else(|| guarded.clone());
            let place = GainPlace::Package(index, *version);
            self.gains.push(MeasuredGain { place, measured, guarded });
        }
        let mut prints = Vec::new();
        for (file, (node, reference)) in package.files.iter().zip(&mut signals) {
            // What a print is compared with goes the same way.
            let label = format!("package {}", package.name);
            let node = self.finish(*node, file, package, &label);
            let reference = reference
                .map(|(input, node)| (input, self.finish(node, file, package, "reference")));
            let grid = self.nodes.graph[node].grid_bits;
            let on_grid = grid.is_some_and(|bits| bits <= file.encoding.bits());
            let dither = (file.encoding.bits() == 16 && !on_grid)
                .then(|| format!("{}/{}", package.name, file.path));
            let print = Print { node, encoding: file.encoding, layout: file.layout, dither };
            prints.push((print, reference));
        }
        prints
    }

    /// A signal with the gain of its set, cut and framed as its file is.
    fn finish(
        &mut self,
        node: NodeId,
        file: &DeliveredFile,
        package: &Deliverable,
        label: &str,
    ) -> NodeId {
        let mut node = node;
        if let Some(normalize) = package.normalize.get(&file.version) {
            node = self.nodes.gain(node, normalize.settled, normalize.words(), label);
        }
        if let Some(cut) = &file.take.cut {
            node = self.nodes.cut(node, cut, label);
        }
        match &package.framing {
            Some(framing) => self.nodes.frame(node, framing, label),
            None => node,
        }
    }
}
