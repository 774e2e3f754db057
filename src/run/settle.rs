//! Gains that follow from what is measured: found before anything is made with them.
//!
//! A signal whose gain is not known is measured as far as nothing in it is open, the
//! gain takes its place in the delivery, and the plan is made anew, until nothing is
//! open. What was measured is remembered by key, so that a build after an edit
//! measures only what the edit reached.

use super::project::{Project, Session};
use super::{Stop, explain_stop};
use crate::audio::wav::Encoding;
use crate::diag::{Diagnostic, Diagnostics, Failure};
use crate::manifest::delivery::{Action, Delivery, Guard, Normalize, Part, Settled, Step, Target};
use crate::plan::op::Op;
use crate::plan::{GainPlace, MeasuredGain, NodeId, Plan, Print, Signal, build};
use crate::qc::facts::SegmentFacts;
use crate::qc::measures::{Measures, merge};
use crate::render::outside::Outside;
use crate::render::pass::{self, Pass, PassOutput};
use crate::render::streams::Streams;
use crate::state::record::{FactsRecord, FactsToSave};
use crate::state::store::Store;
use crate::units::Gain;

/// Name of the state file that holds what was measured for gains.
const MEASURED: &str = "measured";

/// Settles every gain of the session. What was measured joins `store`.
pub(super) fn settle(
    project: &Project<'_>,
    session: &mut Session,
    store: &mut Store,
    outside: &mut Outside<'_>,
) -> Result<(), Stop> {
    if session.plan.gains.is_empty() {
        return Ok(());
    }
    let mut notice = |text: String| (project.context.notice)(&text);
    let known: FactsRecord = project.state.load(MEASURED, &mut notice)?.unwrap_or_default();
    store.add_facts(known);
    let mut measured = Vec::new();
    loop {
        let ready = ready(&session.delivery, &session.plan);
        if ready.is_empty() {
            break;
        }
        let probes = probes(&session.plan, &ready);
        let made = measure(project, session, store, outside, &probes)?;
        for gain in &ready {
            let found = |signal: &Signal| measures(&probes, &made, *signal);
            let counted: Vec<Measures> = gain.measured.iter().map(found).collect();
            let guarded: Vec<Measures> = gain.guarded.iter().map(found).collect();
            let normalize = asked_at(&mut session.delivery, gain.place);
            let settled = gain_of(normalize, &counted, &guarded);
            normalize.settled = Some(settled?);
            let words = normalize.words();
            if let GainPlace::Step(part, index) = gain.place {
                chain(&mut session.delivery, part)[index].words = words;
            }
        }
        measured.extend(made.prints.into_iter().flat_map(|print| print.facts));
        session.plan = build::plan(&session.delivery);
    }
    let new = measured.iter().any(|(key, _)| store.facts(*key).is_none());
    if new && project.is_locked() {
        let segments = measured.iter().map(|(key, facts)| (*key, &**facts)).collect();
        project.state.save(MEASURED, &FactsToSave { segments, nulls: Vec::new() })?;
    }
    Ok(())
}

/// The gains that are open and hear nothing that is.
fn ready(delivery: &Delivery, plan: &Plan) -> Vec<MeasuredGain> {
    let closed = |signal: &Signal| {
        let open = |node: &NodeId| matches!(plan.graph[*node].op, Op::Open { .. });
        !plan.ancestry(signal.node).iter().any(open)
    };
    let open = |gain: &&MeasuredGain| asked(delivery, gain.place).settled.is_none();
    let heard = |gain: &&MeasuredGain| gain.measured.iter().chain(&gain.guarded).all(closed);
    plan.gains.iter().filter(open).filter(heard).cloned().collect()
}

/// A plan that measures signals and delivers nothing.
fn probes(plan: &Plan, gains: &[MeasuredGain]) -> Plan {
    let mut prints: Vec<Print> = Vec::new();
    for signal in gains.iter().flat_map(|gain| gain.measured.iter().chain(&gain.guarded)) {
        let print = probe(*signal);
        if !prints.contains(&print) {
            prints.push(print);
        }
    }
    Plan {
        clocks: plan.clocks.clone(),
        graph: plan.graph.clone(),
        prints,
        gains: Vec::new(),
        files: Vec::new(),
        nulls: Vec::new(),
        unproven: Vec::new(),
    }
}

/// A signal as it is measured: in 32-bit floats, which cut nothing.
fn probe(Signal { node, layout }: Signal) -> Print {
    Print { node, encoding: Encoding::Float32, layout, dither: None }
}

fn measure(
    project: &Project<'_>,
    session: &mut Session,
    store: &Store,
    outside: &mut Outside<'_>,
    probes: &Plan,
) -> Result<PassOutput, Stop> {
    let context = project.context;
    let mut streams = Streams::new(&context.disk, probes, session.input_files());
    let (disk, progress) = (&context.disk, context.progress);
    let pass = Pass { disk, plan: probes, store, files: &[], progress };
    progress.begin("measuring", probes.programme().segments());
    let made = pass::run(&pass, &mut streams, outside);
    progress.end();
    let made = made.map_err(|error| explain_stop(session, error))?;
    let digests = streams.into_digests();
    session.learn(&digests);
    Ok(made)
}

fn measures(probes: &Plan, made: &PassOutput, signal: Signal) -> Measures {
    let print = probe(signal);
    let index = probes.prints.iter().position(|other| *other == print);
    let index = index.expect("BUG: every signal that counts is probed");
    let facts: Vec<&SegmentFacts> =
        made.prints[index].facts.iter().map(|(_, facts)| &**facts).collect();
    merge(&facts, probes.clock_of(signal.node).rate, signal.layout)
}

/// The gain that brings what was measured to its target, to the hundredth of a decibel.
fn gain_of(
    normalize: &Normalize,
    counted: &[Measures],
    guarded: &[Measures],
) -> Result<Settled, Box<Diagnostic>> {
    let highest = |measures: &[Measures], of: fn(&Measures) -> Option<f64>| {
        measures.iter().filter_map(of).max_by(f64::total_cmp)
    };
    let (target, found, unit) = match normalize.target {
        Target::Loudness(lufs) => (lufs, highest(counted, |m| m.integrated_lufs), "LUFS"),
        Target::TruePeak(db) => (db, highest(counted, |m| m.true_peak_dbtp), "dBTP"),
        Target::SamplePeak(db) => (db, highest(counted, |m| m.sample_peak_dbfs), "dBFS"),
    };
    let refuse = |title: String, help: &str| {
        Err(Box::new(Diagnostic::error(title).at(&normalize.span, "").help(help)))
    };
    let Some(found) = found else {
        let title = "there is nothing to measure: the signal is silent, or too soft or short";
        return refuse(title.into(), "a loudness needs 0.4 s above -70 LUFS; remove the step");
    };
    let mut db = hundredths(target - found);
    let peak = highest(guarded, |m| m.true_peak_dbtp);
    let mut limit = None;
    if let (Some((ceiling, guard)), Some(peak)) = (normalize.ceiling, peak)
        && peak + db > ceiling
    {
        match guard {
            // Down, so that the peak stays below.
            Guard::Lower => db = libm::floor((ceiling - peak) * 100.0) / 100.0,
            Guard::Limit => limit = Some(ceiling),
            Guard::Refuse => {
                let title = format!(
                    "at {target} {unit} its true peak would be {:+.2} dBTP, above {ceiling}",
                    peak + db
                );
                let help = "`guard: lower` or `guard: limit` makes it fit; or change the mix";
                return refuse(title, help);
            }
        }
    }
    match Gain::from_db(db) {
        Some(gain) => Ok(Settled { gain, limit }),
        None => refuse(format!("the gain would be {db} dB"), "normalise less"),
    }
}

fn hundredths(db: f64) -> f64 {
    libm::round(db * 100.0) / 100.0
}

fn chain(delivery: &mut Delivery, part: Part) -> &mut [Step] {
    match part {
        Part::Stem(id) => &mut delivery.stems[id.0 as usize].process,
        Part::Mix(id) => &mut delivery.mixes[id.0 as usize].process,
        Part::Track(_) => unreachable!("BUG: tracks have no chains"),
    }
}

fn asked_at(delivery: &mut Delivery, place: GainPlace) -> &mut Normalize {
    let found = match place {
        GainPlace::Package(index, version) => {
            delivery.deliverables[index].normalize.get_mut(&version)
        }
        GainPlace::Step(part, index) => match &mut chain(delivery, part)[index].action {
            Action::Normalize(normalize) => Some(normalize),
            _ => None,
        },
    };
    found.expect("BUG: a gain is measured where one is asked for")
}

fn asked(delivery: &Delivery, place: GainPlace) -> &Normalize {
    let steps = |part: Part| match part {
        Part::Stem(id) => &delivery.stem(id).process,
        Part::Mix(id) => &delivery.mix(id).process,
        Part::Track(_) => unreachable!("BUG: tracks have no chains"),
    };
    let found = match place {
        GainPlace::Package(index, version) => delivery.deliverables[index].normalize.get(&version),
        GainPlace::Step(part, index) => match &steps(part)[index].action {
            Action::Normalize(normalize) => Some(normalize),
            _ => None,
        },
    };
    found.expect("BUG: a gain is measured where one is asked for")
}

impl From<Box<Diagnostic>> for Stop {
    fn from(error: Box<Diagnostic>) -> Self {
        Stop::Failed(Failure::Request(Diagnostics::from(*error)))
    }
}
