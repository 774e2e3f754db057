//! The graph as it grows: equal signals are one node, equal timelines one clock.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use petgraph::graph::DiGraph;

use super::clock::{Clock, ClockId};
use super::matrix::diagonal;
use super::op::{Op, Sink};
use super::{Node, NodeId};
use crate::audio::layout::Layout;
use crate::dsp::conversion::Conversion;
use crate::dsp::edit::{Edit, Span};
use crate::dsp::envelope::{Direction, Envelope, Shape};
use crate::dsp::process::Process;
use crate::dsp::resample::Resampler;
use crate::dsp::signal::Signal;
use crate::external::operator::External;
use crate::manifest::delivery::{
    Cut, Delivery, Fade, Framing, InputId, Pace, Settled, Stretch, speed_words,
};
use crate::manifest::over_time::edit_words;
use crate::units::{Ratio, SampleRate};

/// Nodes and clocks made so far.
pub(super) struct Nodes<'a> {
    delivery: &'a Delivery,
    pub(super) graph: DiGraph<Node, u32, u32>,
    /// The programme's first.
    pub(super) clocks: Vec<Clock>,
    /// Every node by what it does to which inputs on which clock, so that equal
    /// signals are one node however many deliverables ask for them.
    known: BTreeMap<(Vec<u8>, Vec<NodeId>, ClockId), NodeId>,
    /// Every clock made from another, by how.
    derived: BTreeMap<(ClockId, Vec<u8>, u64, SampleRate), ClockId>,
    /// Every table of weights, which many conversions share.
    resamplers: BTreeMap<Ratio, Arc<Resampler>>,
}

/// Collects the bytes of an operator and drops its words.
struct Identity(Vec<u8>);

impl Sink for Identity {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn words(&mut self, _: &str) {}
}

fn identity(op: &Op) -> Vec<u8> {
    let mut identity = Identity(Vec::new());
    op.encode(&mut identity);
    identity.0
}

impl<'a> Nodes<'a> {
    pub(super) fn new(delivery: &'a Delivery) -> Self {
        let programme = Clock::in_step(delivery.programme.sample_rate, delivery.programme.frames);
        Self {
            delivery,
            graph: DiGraph::default(),
            clocks: vec![programme],
            known: BTreeMap::new(),
            derived: BTreeMap::new(),
            resamplers: BTreeMap::new(),
        }
    }

    /// The node that applies `op` to `inputs`, whose clock it keeps: the one there is,
    /// or a new one.
    pub(super) fn node(&mut self, op: Op, inputs: &[NodeId], width: usize, label: &str) -> NodeId {
        let clocks: Vec<ClockId> = inputs.iter().map(|input| self.graph[*input].clock).collect();
        assert!(clocks.windows(2).all(|two| two[0] == two[1]), "BUG: {label} mixes clocks");
        let clock = clocks.first().copied().unwrap_or(ClockId::PROGRAMME);
        self.on_clock(clock, op, inputs, width, label)
    }

    fn on_clock(
        &mut self,
        clock: ClockId,
        op: Op,
        inputs: &[NodeId],
        width: usize,
        label: &str,
    ) -> NodeId {
        let mut identity = identity(&op);
        // Two files may hold the same samples and must still be two sources.
        if let Op::Source { input, at_frame } = op {
            identity.extend(input.0.to_le_bytes());
            identity.extend(at_frame.to_le_bytes());
        }
        let known = (identity, inputs.to_vec(), clock);
        if let Some(node) = self.known.get(&known) {
            return *node;
        }
        let grid_bits = self.grid_bits(&op, inputs);
        let label = label.to_owned();
        let node = self.graph.add_node(Node { op, width, clock, grid_bits, label });
        for (port, input) in inputs.iter().enumerate() {
            self.graph.add_edge(*input, node, port as u32);
        }
        self.known.insert(known, node);
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

    /// A file of the programme's rate, placed on its timeline.
    pub(super) fn source(&mut self, input: InputId, at_frame: u64) -> NodeId {
        self.source_on(ClockId::PROGRAMME, input, at_frame)
    }

    /// A file of a clock's rate, placed on its timeline.
    pub(super) fn source_on(&mut self, clock: ClockId, input: InputId, at_frame: u64) -> NodeId {
        let file = self.delivery.input(input);
        let (width, label) = (usize::from(file.info.channels), file.shown.clone());
        self.on_clock(clock, Op::Source { input, at_frame }, &[], width, &label)
    }

    /// A whole file on a timeline of its own.
    pub(super) fn file(&mut self, input: InputId) -> NodeId {
        let file = self.delivery.input(input);
        let rate = file.info.rate().expect("BUG: files of no known rate are refused");
        let clock = self.own_clock(rate, file.info.frames);
        self.source_on(clock, input, 0)
    }

    /// The clock of something that has a timeline of its own.
    fn own_clock(&mut self, rate: SampleRate, frames: u64) -> ClockId {
        let clock = Clock::in_step(rate, frames);
        let known = self.clocks[1..].iter().position(|other| *other == clock);
        let index = known.map_or(self.clocks.len(), |index| index + 1);
        if index == self.clocks.len() {
            self.clocks.push(clock);
        }
        ClockId(index as u32)
    }

    /// A whole file at the rate of the programme, on its timeline.
    pub(super) fn converted(&mut self, file: NodeId, ratio: Ratio, at_frame: u64) -> NodeId {
        self.convert(file, ratio, ClockId::PROGRAMME, at_frame)
    }

    /// The same on a timeline of its own.
    pub(super) fn converted_file(&mut self, file: NodeId, ratio: Ratio) -> NodeId {
        let frames = ratio.frames(self.clock_of(file).frames);
        let clock = self.own_clock(self.delivery.programme.sample_rate, frames);
        self.convert(file, ratio, clock, 0)
    }

    /// `input` at the rate and the speed of a package.
    pub(super) fn pace(&mut self, input: NodeId, pace: Pace) -> NodeId {
        match self.paced(self.graph[input].clock, pace) {
            Some(clock) => self.convert(input, pace.ratio, clock, 0),
            None => input,
        }
    }

    /// The clock of what is made from another at the rate and speed of a package; `None`
    /// where they are the same.
    pub(super) fn paced(&mut self, clock: ClockId, pace: Pace) -> Option<ClockId> {
        let resampler = self.resampler(pace.ratio)?;
        let input_frames = self.clocks[clock.0 as usize].frames;
        let conversion = Conversion::new(resampler, 0, input_frames);
        let frames = conversion.frames();
        let op = Op::Convert { conversion, words: String::new() };
        Some(self.derive(clock, &op, pace.sample_rate, frames))
    }

    fn convert(&mut self, input: NodeId, ratio: Ratio, clock: ClockId, at_frame: u64) -> NodeId {
        let Some(resampler) = self.resampler(ratio) else { return input };
        let (from, to) = (self.clock_of(input), &self.clocks[clock.0 as usize]);
        let speed = Ratio::of_rates(from.rate, to.rate).times(ratio.inverse());
        let rates = (from.rate != to.rate).then(|| format!("{} to {}", from.rate, to.rate));
        let words = rates.into_iter().chain(speed.and_then(speed_words)).collect::<Vec<_>>();
        let conversion = Conversion::new(resampler, at_frame, from.frames);
        let op = Op::Convert { conversion, words: words.join(", ") };
        let label = self.graph[input].label.clone();
        self.on_clock(clock, op, &[input], self.graph[input].width, &label)
    }

    fn resampler(&mut self, ratio: Ratio) -> Option<Arc<Resampler>> {
        if let Some(known) = self.resamplers.get(&ratio) {
            return Some(Arc::clone(known));
        }
        let new = Arc::new(Resampler::new(ratio)?);
        self.resamplers.insert(ratio, Arc::clone(&new));
        Some(new)
    }

    /// Stretches of a file on the programme's timeline.
    pub(super) fn place(
        &mut self,
        input: NodeId,
        edit: Edit,
        words: String,
        label: &str,
    ) -> NodeId {
        let width = self.graph[input].width;
        self.on_clock(ClockId::PROGRAMME, Op::Edit { edit, words }, &[input], width, label)
    }

    /// `input` through a matrix; through nothing if the matrix changes nothing.
    pub(super) fn matrix(
        &mut self,
        input: NodeId,
        rows: Vec<Vec<f64>>,
        words: String,
        label: &str,
    ) -> NodeId {
        let width = rows.len();
        let op = Op::Matrix { rows, words };
        if op.is_identity() { input } else { self.node(op, &[input], width, label) }
    }

    /// The sum of `inputs`; a single one is handed on as it is.
    pub(super) fn sum(&mut self, inputs: &[NodeId], layout: Layout, label: &str) -> NodeId {
        match inputs {
            [one] => *one,
            _ => self.node(Op::Sum, inputs, layout.width(), label),
        }
    }

    /// `input` with a measured gain, and the limiter that goes with it; open while the
    /// gain is not known.
    pub(super) fn gain(
        &mut self,
        input: NodeId,
        settled: Option<Settled>,
        words: String,
        label: &str,
    ) -> NodeId {
        let width = self.graph[input].width;
        let Some(Settled { gain, limit }) = settled else {
            return self.node(Op::Open { words }, &[input], width, label);
        };
        let node = self.matrix(input, diagonal(width, gain.linear()), words, label);
        let Some(ceiling_dbtp) = limit else { return node };
        let words = format!("true-peak limiter {ceiling_dbtp} dBTP");
        let process = Process::Limit { ceiling_dbtp, rate: self.clock_of(node).rate };
        self.node(Op::Process { process, words }, &[node], width, label)
    }

    /// `input` through a process that is keyed by `key`, whose channels it hears behind
    /// those of the input.
    pub(super) fn keyed(
        &mut self,
        input: NodeId,
        key: NodeId,
        process: &Process,
        words: String,
        label: &str,
    ) -> NodeId {
        let (own, others) = (self.graph[input].width, self.graph[key].width);
        let beside = |first: usize, width: usize| -> Vec<Vec<f64>> {
            let row = |out: usize| (0..width).map(move |i| f64::from(u8::from(out == first + i)));
            (0..own + others).map(|out| row(out).collect()).collect()
        };
        let signal = self.matrix(input, beside(0, own), "signal".to_owned(), label);
        let key = self.matrix(key, beside(own, others), "key".to_owned(), label);
        let both = self.node(Op::Sum, &[signal, key], own + others, label);
        let process = process.clone().keyed(others);
        self.node(Op::Process { process, words }, &[both], own, label)
    }

    /// `input` through a program or a plug-in.
    pub(super) fn external(
        &mut self,
        input: NodeId,
        external: &External,
        layout: Layout,
        words: String,
        label: &str,
    ) -> NodeId {
        let is_outside = |node: &&Node| matches!(node.op, Op::External { .. });
        let others = self.graph.node_weights().filter(is_outside).count();
        let made = InputId((self.delivery.inputs.len() + others) as u32);
        let external = Box::new(external.clone());
        let op = Op::External { external, layout, made, words };
        self.node(op, &[input], layout.width(), label)
    }

    /// The clock of a node.
    pub(super) fn clock_of(&self, node: NodeId) -> &Clock {
        &self.clocks[self.graph[node].clock.0 as usize]
    }

    /// A fade at one end of `heard`; silence beyond that end.
    pub(super) fn fade(
        &mut self,
        input: NodeId,
        fade: Fade,
        direction: Direction,
        heard: Range<u64>,
        words: &str,
        label: &str,
    ) -> NodeId {
        let Fade { frames, shape } = fade;
        let start = match direction {
            Direction::In => heard.start,
            // One that is longer than the signal has begun before it.
            Direction::Out => heard.end.saturating_sub(frames),
        };
        let envelope = Envelope::Fade { shape, direction, start, frames };
        let op = Op::Envelope { envelope, words: words.to_owned() };
        self.node(op, &[input], self.graph[input].width, label)
    }

    /// Stretches of `input`, one after the other, on a timeline of their own. Where one
    /// fades into the next both reach half the crossfade beyond their joint.
    pub(super) fn edit(&mut self, input: NodeId, stretches: &[Stretch], label: &str) -> NodeId {
        let (mut spans, mut at) = (Vec::new(), 0);
        for (index, Stretch { from, to, crossfade, shape: _ }) in stretches.iter().enumerate() {
            let lead = crossfade / 2;
            let trail =
                stretches.get(index + 1).map_or(0, |next| next.crossfade - next.crossfade / 2);
            let (from, frames) = (from - lead, to + trail - (from - lead));
            spans.push(Span { from, frames, at: at - lead });
            at += stretches[index].to - stretches[index].from;
        }
        let words = edit_words(stretches, self.clock_of(input).rate);
        let clock = self.derive_edit(input, Edit::new(spans.clone()), at);
        let width = self.graph[input].width;
        if stretches.iter().all(|stretch| stretch.crossfade == 0) {
            let op = Op::Edit { edit: Edit::new(spans), words };
            return self.on_clock(clock, op, &[input], width, label);
        }
        let mut parts = Vec::new();
        for (index, span) in spans.iter().enumerate() {
            let edit = Edit::new(vec![*span]);
            let words = words.clone();
            let mut node = self.on_clock(clock, Op::Edit { edit, words }, &[input], width, label);
            let fades = [
                (Some(&stretches[index]), Direction::In, span.at..span.at + span.frames),
                (stretches.get(index + 1), Direction::Out, span.at..span.at + span.frames),
            ];
            for (stretch, direction, heard) in fades {
                let Some(stretch) = stretch.filter(|stretch| stretch.crossfade > 0) else {
                    continue;
                };
                let fade = Fade { frames: stretch.crossfade, shape: stretch.shape };
                node = self.fade(node, fade, direction, heard, "crossfade", label);
            }
            parts.push(node);
        }
        self.node(Op::Sum, &parts, width, label)
    }

    /// A part of `input` on a timeline of its own; with a seam, its end fades into what
    /// stands before its start.
    pub(super) fn cut(&mut self, input: NodeId, cut: &Cut, label: &str) -> NodeId {
        let Cut { name: _, from, to, seam } = *cut;
        let shape = Shape::EqualPower;
        let whole = Stretch { from, to, crossfade: 0, shape };
        if seam == 0 {
            return self.edit(input, &[whole], label);
        }
        let (frames, width) = (to - from, self.graph[input].width);
        let rate = self.clock_of(input).rate;
        let body = Span { from, frames, at: 0 };
        let lead = Span { from: from - seam, frames: seam, at: frames - seam };
        let clock = self.derive_edit(input, Edit::new(vec![body, lead]), frames);
        let words = format!("{}, to be repeated", edit_words(&[whole], rate));
        let fade = Fade { frames: seam, shape };
        let mut part = |span: Span, direction| {
            let (edit, words) = (Edit::new(vec![span]), words.clone());
            let node = self.on_clock(clock, Op::Edit { edit, words }, &[input], width, label);
            let heard = span.at..span.at + span.frames;
            self.fade(node, fade, direction, heard, "fades into what stands before it", label)
        };
        let parts = [part(body, Direction::Out), part(lead, Direction::In)];
        self.node(Op::Sum, &parts, width, label)
    }

    /// `input` from one frame to another, silence where it has none, and what is put
    /// there.
    pub(super) fn frame(&mut self, input: NodeId, framing: &Framing, label: &str) -> NodeId {
        let Framing { from, to, sounds, words } = framing;
        let (width, length) = (self.graph[input].width, self.clock_of(input).frames as i64);
        let (start, end) = ((*from).max(0), (*to).min(length).max(0));
        let span = Span {
            from: start as u64,
            frames: (end - start).max(0) as u64,
            at: (start - from) as u64,
        };
        let edit = Edit::new(vec![span]);
        let clock = self.derive_edit(input, edit.clone(), (to - from) as u64);
        let rate = self.clock_of(input).rate;
        let told = format!("from frame {from} to {to} of the programme");
        let node = self.on_clock(clock, Op::Edit { edit, words: told }, &[input], width, label);
        if sounds.is_empty() {
            return node;
        }
        let signal = Signal { sounds: sounds.clone(), rate };
        let op = Op::Signal { signal, words: words.join(", ") };
        let added = self.on_clock(clock, op, &[], width, label);
        self.node(Op::Sum, &[node, added], width, label)
    }

    /// A signal that is made here, on the programme's timeline.
    pub(super) fn signal(&mut self, signal: Signal, words: String, label: &str) -> NodeId {
        self.node(Op::Signal { signal, words }, &[], 1, label)
    }

    /// The clock of an edit of `input`.
    fn derive_edit(&mut self, input: NodeId, edit: Edit, frames: u64) -> ClockId {
        let op = Op::Edit { edit, words: String::new() };
        self.derive(self.graph[input].clock, &op, self.clock_of(input).rate, frames)
    }

    fn derive(&mut self, parent: ClockId, op: &Op, rate: SampleRate, frames: u64) -> ClockId {
        let known = (parent, identity(op), frames, rate);
        if let Some(clock) = self.derived.get(&known) {
            return *clock;
        }
        let parent = &self.clocks[parent.0 as usize];
        let per_segment = rate.frames_per_segment();
        let heard = |segment| op.heard(segment, per_segment, parent.per_segment());
        let clock = Clock::derived(rate, frames, parent, heard);
        self.clocks.push(clock);
        let id = ClockId(self.clocks.len() as u32 - 1);
        self.derived.insert(known, id);
        id
    }
}
