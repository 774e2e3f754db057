//! Keys of every node, print, measurement and null test, segment by segment.

use std::collections::BTreeMap;

use super::{Key, KeyBuilder, RENDER_VERSION};
use crate::dsp::conversion::Conversion;
use crate::dsp::edit::{Edit, Piece};
use crate::dsp::envelope::{Envelope, Local};
use crate::dsp::signal::{self, Signal};
use crate::manifest::delivery::InputId;
use crate::plan::clock::Slot;
use crate::plan::needs::Needs;
use crate::plan::op::Op;
use crate::plan::{NodeId, NullReference, Plan, PlannedNull, Print, PrintId};
use crate::qc::measure::METER_VERSION;

/// Answers with the digest of a segment of a file; [`Key::SILENCE`] outside it.
pub trait Digests {
    /// The digest of segment `segment` of `input`, counted from the file's start.
    fn digest(&self, input: InputId, segment: usize) -> Key;
}

/// The keys of one plan as a pass goes through the programme. Those of segments
/// that nothing hears any more are forgotten.
pub struct Keys<'a> {
    plan: &'a Plan,
    inputs: Vec<Vec<NodeId>>,
    /// `[node]`: keys by segment.
    nodes: Vec<BTreeMap<usize, Key>>,
    /// `[print]`: keys by segment.
    prints: Vec<BTreeMap<usize, Key>>,
}

impl<'a> Keys<'a> {
    /// For the keys of `plan`; none are known yet.
    pub fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            inputs: plan.all_inputs(),
            nodes: vec![BTreeMap::new(); plan.graph.node_count()],
            prints: vec![BTreeMap::new(); plan.prints.len()],
        }
    }

    /// Goes on to `slots`, which need `needs`: computes their keys and those of all
    /// that is heard in them, and forgets what is not.
    pub fn advance(&mut self, digests: &impl Digests, slots: &[Slot], needs: &Needs) {
        for id in self.plan.graph.node_indices() {
            let known = std::mem::take(&mut self.nodes[id.index()]);
            let key = |segment: &usize| match known.get(segment) {
                Some(key) => (*segment, *key),
                None => (*segment, self.node_key(digests, id, *segment)),
            };
            self.nodes[id.index()] = needs.segments(id).iter().map(key).collect();
        }
        for slot in slots {
            for id in self.plan.prints_of(slot.clock) {
                let key = self.print_key(id, slot.segment);
                self.prints[id.0 as usize].insert(slot.segment, key);
            }
        }
        // The segment before the first is asked for by meters, which look back.
        for id in self.plan.print_ids() {
            let clock = self.plan.graph[self.plan.print(id).node].clock;
            if let Some(first) = slots.iter().find(|slot| slot.clock == clock) {
                let kept = self.prints[id.0 as usize].split_off(&first.segment.saturating_sub(1));
                self.prints[id.0 as usize] = kept;
            }
        }
    }

    /// The key of a node's output in a segment gone through last, or heard there.
    pub fn node(&self, node: NodeId, segment: usize) -> Key {
        self.nodes[node.index()][&segment]
    }

    /// The key of a print's samples as they are written.
    pub fn print(&self, print: PrintId, segment: usize) -> Key {
        self.prints[print.0 as usize][&segment]
    }

    /// The key of a print's samples as a file of one of its forms holds them.
    pub fn form(&self, print: PrintId, form: Option<usize>, segment: usize) -> Key {
        of_form(self.print(print, segment), form)
    }

    fn node_key(&self, digests: &impl Digests, id: NodeId, segment: usize) -> Key {
        let inputs = &self.inputs[id.index()];
        let op = &self.plan.graph[id].op;
        match op {
            Op::Source { input, at_frame } => {
                let per_segment = self.plan.clock_of(id).per_segment() as u64;
                source_key(digests, *input, *at_frame, segment, per_segment)
            }
            Op::Matrix { .. } => matrix_key(op, self.node(inputs[0], segment)),
            Op::Sum => {
                let inputs: Vec<Key> = inputs.iter().map(|i| self.node(*i, segment)).collect();
                sum_key(op, &inputs)
            }
            Op::Process { .. } => self.process(id, segment),
            Op::Envelope { envelope, words: _ } => self.envelope(envelope, id, segment),
            Op::Edit { edit, words: _ } => self.edit(edit, id, segment),
            Op::Signal { signal, words: _ } => self.signal(signal, id, segment),
            Op::Convert { conversion, words: _ } => self.convert(conversion, id, segment),
            Op::Open { .. } => unreachable!("BUG: gains are settled before anything is keyed"),
            // Known by what it makes, as session audio is.
            Op::External { made, .. } => digests.digest(*made, segment),
        }
    }

    /// Everything within reach, and where the segment stands in it.
    fn process(&self, id: NodeId, segment: usize) -> Key {
        let input = self.inputs[id.index()][0];
        let heard = self.plan.heard(id, segment);
        let place = (segment - heard[0].start) as u64;
        let keys: Vec<Key> =
            heard.into_iter().flatten().map(|segment| self.node(input, segment)).collect();
        // From rest, silence stays silence.
        if keys.iter().all(|key| key.is_silence()) {
            return Key::SILENCE;
        }
        let mut key = KeyBuilder::new("op");
        self.plan.graph[id].op.encode(&mut key);
        key.number(place).keys(&keys).finish()
    }

    /// What the gains do in the segment, whatever they do elsewhere.
    fn envelope(&self, envelope: &Envelope, id: NodeId, segment: usize) -> Key {
        let input = self.node(self.inputs[id.index()][0], segment);
        match envelope.local(self.plan.clock_of(id).range(segment)) {
            Local::Unity => input,
            Local::Silence => Key::SILENCE,
            Local::Curve(_) if input.is_silence() => Key::SILENCE,
            local @ Local::Curve(_) => {
                let mut key = KeyBuilder::new("envelope");
                for number in local.numbers() {
                    key.number(number);
                }
                key.key(input).finish()
            }
        }
    }

    /// What sounds in the segment, whatever sounds elsewhere.
    fn signal(&self, signal: &Signal, id: NodeId, segment: usize) -> Key {
        match signal.local(self.plan.clock_of(id).range(segment)) {
            signal::Local::Silence => Key::SILENCE,
            local @ signal::Local::Sounds(_) => {
                let mut key = KeyBuilder::new("signal");
                for number in local.numbers() {
                    key.number(number);
                }
                key.number(self.plan.graph[id].width as u64).finish()
            }
        }
    }

    /// What stands in the segment and where, whatever stands elsewhere. A whole
    /// segment of the input is handed on as it is.
    fn edit(&self, edit: &Edit, id: NodeId, segment: usize) -> Key {
        let input = self.inputs[id.index()][0];
        let clock = self.plan.clock_of(id);
        let per_segment = clock.per_segment() as u64;
        let pieces = edit.pieces(clock.range(segment));
        if let [Piece { into: 0, frames, from }] = pieces.as_slice()
            && *frames as u64 == per_segment
            && from % per_segment == 0
        {
            return self.node(input, (from / per_segment) as usize);
        }
        let mut silent = true;
        let mut key = KeyBuilder::new("edit");
        for Piece { into, frames, from } in pieces {
            key.number(into as u64).number(frames as u64).number(from % per_segment);
            let end = (from + frames as u64).div_ceil(per_segment);
            for heard in from / per_segment..end {
                let heard = self.node(input, heard as usize);
                silent &= heard.is_silence();
                key.key(heard);
            }
        }
        if silent { Key::SILENCE } else { key.finish() }
    }

    /// What stands in the segment, its place between the frames of the input, and what
    /// of the input is heard.
    fn convert(&self, conversion: &Conversion, id: NodeId, segment: usize) -> Key {
        let input = self.inputs[id.index()][0];
        let Some(part) = conversion.part(self.plan.clock_of(id).range(segment)) else {
            return Key::SILENCE;
        };
        let heard = self.plan.heard(id, segment).into_iter().flatten();
        let keys: Vec<Key> = heard.map(|segment| self.node(input, segment)).collect();
        if keys.iter().all(|key| key.is_silence()) {
            return Key::SILENCE;
        }
        let per_segment = self.plan.clock_of(input).per_segment() as u64;
        let mut key = KeyBuilder::new("convert");
        for number in conversion.numbers(&part) {
            key.number(number);
        }
        key.number(conversion.sounding(&part).start % per_segment).keys(&keys).finish()
    }

    fn print_key(&self, id: PrintId, segment: usize) -> Key {
        let Print { node, encoding, layout, dither } = self.plan.print(id);
        let clock = self.plan.print_clock(id);
        let mut key = KeyBuilder::new("print");
        key.number(u64::from(RENDER_VERSION)).text(encoding.name());
        key.number(u64::from(clock.rate.hz()));
        key.number(layout.width() as u64).number(clock.segment_frames(segment) as u64);
        key.key(self.node(*node, segment));
        if let Some(identity) = dither {
            // Dither is a function of the file's identity and the sample's place.
            key.text(identity).number(segment as u64);
        }
        key.finish()
    }

    /// The key of what is measured of a print in a segment. The meters look back
    /// less than one segment and forward not at all.
    pub fn facts(&self, print: PrintId, segment: usize) -> Key {
        let Print { node: _, encoding: _, layout, dither: _ } = self.plan.print(print);
        let clock = self.plan.print_clock(print);
        let last = segment + 1 == clock.segments();
        let before = segment.checked_sub(1).map(|segment| self.print(print, segment));
        let mut key = KeyBuilder::new("facts");
        key.number(u64::from(METER_VERSION));
        key.number(u64::from(clock.rate.hz())).text(layout.name());
        key.number(u64::from(last)).number(u64::from(before.is_some()));
        key.key(before.unwrap_or(Key::SILENCE)).key(self.print(print, segment));
        key.finish()
    }

    /// The key of a null test's facts in a segment.
    pub fn null(&self, null: &PlannedNull, segment: usize) -> Key {
        let mut key = KeyBuilder::new("null");
        key.number(u64::from(METER_VERSION));
        match null.reference {
            NullReference::Input { input: _, node } => {
                key.text("input").key(self.node(node, segment))
            }
            NullReference::Print(print) => key.text("print").key(self.print(print, segment)),
        };
        let parts: Vec<Key> = null.parts.iter().map(|part| self.print(*part, segment)).collect();
        key.keys(&parts);
        for skipped in null.skipped(self.plan.print_clock(null.parts[0]).range(segment)) {
            key.number(skipped.start as u64).number(skipped.end as u64);
        }
        key.finish()
    }
}

/// The key of what a file holds of a segment of a print: all channels, or one.
pub fn of_form(print: Key, form: Option<usize>) -> Key {
    match form {
        None => print,
        Some(channel) => KeyBuilder::new("channel").number(channel as u64).key(print).finish(),
    }
}

/// A source placed between two segment boundaries hears two segments of its file; one
/// placed on a boundary is its file, unchanged.
fn source_key(
    digests: &impl Digests,
    input: InputId,
    at_frame: u64,
    segment: usize,
    per_segment: u64,
) -> Key {
    let (whole, rest) = ((at_frame / per_segment) as usize, at_frame % per_segment);
    let of_file = |back: usize| {
        segment.checked_sub(whole + back).map_or(Key::SILENCE, |s| digests.digest(input, s))
    };
    let later = of_file(0);
    if rest == 0 {
        return later;
    }
    let earlier = of_file(1);
    if earlier.is_silence() && later.is_silence() {
        return Key::SILENCE;
    }
    KeyBuilder::new("shift").number(rest).key(earlier).key(later).finish()
}

/// Every matrix turns silence into silence.
fn matrix_key(op: &Op, input: Key) -> Key {
    if input.is_silence() {
        return Key::SILENCE;
    }
    let mut key = KeyBuilder::new("op");
    op.encode(&mut key);
    key.key(input).finish()
}

/// What is silent adds nothing; what is left alone is handed on as it is.
fn sum_key(op: &Op, inputs: &[Key]) -> Key {
    let sounding: Vec<Key> = inputs.iter().copied().filter(|key| !key.is_silence()).collect();
    match sounding.as_slice() {
        [] => Key::SILENCE,
        [one] => *one,
        several => {
            let mut key = KeyBuilder::new("op");
            op.encode(&mut key);
            key.keys(several).finish()
        }
    }
}
