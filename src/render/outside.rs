//! Operators outside at work: the whole of a signal to a file, through a program or a
//! plug-in, and back as a file that streams into the pass like session audio.
//!
//! What one makes is known by the digests of its samples, as session audio is: if a
//! second of its output comes out as before, what hears that second is as before. The
//! memo holds these digests by recipe, so that an operator is run only if its recipe is
//! new, or if samples are asked for that no delivered file holds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::eval::Evaluator;
use super::pass::PassError;
use super::streams::Streams;
use crate::audio::layout::Layout;
use crate::audio::pcm;
use crate::audio::reader::AudioReader;
use crate::audio::wav::{Encoding, WavHeader};
use crate::diag::Failure;
use crate::external::host::{INPUT, OUTPUT};
use crate::external::operator::{External, Shape, Way};
use crate::fsio::{Disk, OutFile};
use crate::key::Key;
use crate::key::digest::segment_digest;
use crate::key::segment::Keys;
use crate::key::whole::{operator, outside, recipe, waves};
use crate::plan::needs::Needs;
use crate::plan::op::Op;
use crate::plan::{NodeId, Plan};
use crate::state::outside::{Made, OutsideMemo};

/// Operators outside at work, in the passes of one build.
pub struct Outside<'a> {
    disk: &'a Disk,
    /// Rebounce's own binary, which guards programs and hosts plug-ins.
    rebounce: &'a Path,
    /// A folder for what passes between, removed by whoever made it. Where there is
    /// none, nothing is run.
    folder: Option<PathBuf>,
    /// What is known of them.
    pub memo: OutsideMemo,
    /// Recipes of all that were settled, and keys of their operators.
    pub used: BTreeSet<Key>,
    /// The recipes of those whose output is in the folder.
    there: BTreeSet<Key>,
}

/// An operator in its place.
struct Job<'a> {
    plan: &'a Plan,
    node: NodeId,
    external: &'a External,
    layout: Layout,
    /// Its folder.
    home: PathBuf,
}

impl<'a> Outside<'a> {
    /// With what is `memo`rised of them.
    pub fn new(
        disk: &'a Disk,
        rebounce: &'a Path,
        folder: Option<PathBuf>,
        memo: OutsideMemo,
    ) -> Self {
        let (used, there) = (BTreeSet::new(), BTreeSet::new());
        Self { disk, rebounce, folder, memo, used, there }
    }

    /// Finds out what every operator that is heard makes, and makes it where nobody
    /// knows.
    pub fn settle(&mut self, plan: &Plan, streams: &mut Streams<'_>) -> Result<(), PassError> {
        let heard: BTreeSet<NodeId> =
            plan.prints.iter().flat_map(|print| plan.ancestry(print.node)).collect();
        for node in outside(plan).into_iter().filter(|node| heard.contains(node)) {
            let read = |streams: &mut Streams<'_>, needs: &Needs| streams.digest(needs);
            let recipe = recipe(plan, node, streams, read)?;
            self.used.extend([recipe, operator(plan, node)]);
            match self.memo.made.get(&recipe) {
                Some(made) => streams.expect(plan, node, self.home(recipe).join(OUTPUT), made),
                None => self.make(plan, streams, node, recipe)?,
            }
            if self.there.contains(&recipe) {
                streams.arrived(node)?;
            }
        }
        Ok(())
    }

    /// Makes those of `nodes` whose samples are not there yet.
    pub fn bring(
        &mut self,
        plan: &Plan,
        streams: &mut Streams<'_>,
        nodes: &BTreeSet<NodeId>,
    ) -> Result<(), PassError> {
        for node in outside(plan) {
            if nodes.contains(&node) && !streams.is_there(node) {
                let read = |_: &mut Streams<'_>, _: &Needs| Ok::<(), PassError>(());
                let recipe = recipe(plan, node, streams, read)?;
                self.make(plan, streams, node, recipe)?;
                streams.arrived(node)?;
            }
        }
        Ok(())
    }

    /// The folder of what has a recipe.
    fn home(&self, recipe: Key) -> PathBuf {
        self.folder.clone().unwrap_or_default().join(&recipe.hex()[..32])
    }

    fn make(
        &mut self,
        plan: &Plan,
        streams: &mut Streams<'_>,
        node: NodeId,
        recipe: Key,
    ) -> Result<(), PassError> {
        let Op::External { external, layout, made: _, words: _ } = &plan.graph[node].op else {
            unreachable!("BUG: only operators outside are made here")
        };
        let job = Job { plan, node, external, layout: *layout, home: self.home(recipe) };
        let failed = |failure| PassError::Outside(node, Box::new(failure));
        if self.folder.is_none() {
            let what = format!("what {} makes is not known", external.who());
            let help = "a gain follows from it: build first, then it is";
            return Err(failed(external.failed(what, help)));
        }
        self.disk.create_folders(&job.home)?;
        self.write_input(streams, &job)?;
        let made = self.run(&job, &job.home, Way::Usual).map_err(failed)?;
        if let Some(before) = self.memo.made.get(&recipe).filter(|before| **before != made) {
            return Err(failed(unlike(&job, before, &made, "than before")));
        }
        let key = operator(plan, node);
        if !self.memo.proven.contains(&key) {
            for (index, way) in external.proofs().iter().enumerate() {
                self.prove(&job, &made, index, *way).map_err(failed)?;
            }
            self.memo.proven.insert(key);
        }
        self.disk.remove_file_if_any(&job.home.join(INPUT))?;
        streams.expect(plan, node, job.home.join(OUTPUT), &made);
        self.memo.made.insert(recipe, made);
        self.there.insert(recipe);
        Ok(())
    }

    /// Runs it once more on the same input: it must make the same.
    fn prove(&self, job: &Job<'_>, made: &Made, index: usize, way: Way) -> Result<(), Failure> {
        let folder = job.home.join(format!("again-{index}"));
        self.disk.create_folders(&folder)?;
        self.disk.link_or_copy(&job.home.join(INPUT), &folder.join(INPUT))?;
        let again = self.run(job, &folder, way)?;
        self.disk.remove_folder_if_any(&folder)?;
        if again == *made {
            return Ok(());
        }
        let how = match way {
            Way::Usual => "when it is run again on the same input",
            Way::OtherBlocks => "when it is given blocks of another size",
        };
        Err(unlike(job, made, &again, how))
    }

    /// Writes the signal it hears, from the first frame of the programme to the last.
    fn write_input(&self, streams: &mut Streams<'_>, job: &Job<'_>) -> Result<(), PassError> {
        let plan = job.plan;
        let clock = plan.clock_of(job.node);
        let header = WavHeader {
            sample_rate: clock.rate,
            layout: job.layout,
            encoding: job.external.encoding(),
            frames: clock.frames,
            bext: None,
        };
        let mut file = self.disk.create(&job.home.join(INPUT))?;
        file.write(&header.to_bytes())?;
        let (mut keys, mut evaluator) = (Keys::new(plan), Evaluator::new(plan));
        let input = plan.inputs(job.node)[0];
        let wanted = |segments: std::ops::Range<usize>| -> BTreeSet<(NodeId, usize)> {
            segments.map(|segment| (input, segment)).collect()
        };
        let length = rayon::current_num_threads();
        for wave in waves(clock.segments(), length) {
            let now = wanted(wave.clone());
            let next = wanted(wave.end..(wave.end + length).min(clock.segments()));
            let (needs, next) = (Needs::of(plan, now.clone()), Needs::of(plan, next));
            streams.digest(&needs)?;
            keys.advance(streams, &[], &needs);
            streams.load(&evaluator.sources(&now, &keys))?;
            let blocks = evaluator.evaluate(streams, &keys, &now, &next);
            for ((_, segment), block) in blocks {
                let mut block = std::sync::Arc::unwrap_or_clone(block);
                let frames = clock.segment_frames(segment);
                block.iter_mut().for_each(|channel| channel.truncate(frames));
                write(&mut file, job, &mut block)?;
            }
        }
        Ok(file.write(&vec![0; header.padding()])?)
    }

    /// Runs it and takes the digests of what it made.
    fn run(&self, job: &Job<'_>, folder: &Path, way: Way) -> Result<Made, Failure> {
        let Job { plan, node, external, layout, home: _ } = job;
        let clock = plan.clock_of(*node);
        let (width, frames) = (layout.width(), clock.frames);
        let shape = Shape { sample_rate: clock.rate, width, frames };
        external.run(self.disk, self.rebounce, folder, shape, way)?;
        let path = folder.join(OUTPUT);
        let unreadable = |error| {
            let what = format!("what {} wrote cannot be read: {error}", external.who());
            external.failed(what, "")
        };
        let mut reader = AudioReader::open(self.disk.open(&path)?).map_err(unreadable)?;
        let (info, per_segment) = (reader.info().clone(), clock.per_segment());
        let (mut digests, mut bytes) = (Vec::new(), Vec::new());
        for segment in 0..info.segments() as u64 {
            bytes.clear();
            reader
                .read(segment * per_segment as u64, per_segment, &mut bytes)
                .map_err(unreadable)?;
            digests.push(segment_digest(info.pcm, info.channels, &bytes));
        }
        Ok(Made { info, digests })
    }
}

/// Appends a block to its input.
fn write(file: &mut OutFile, job: &Job<'_>, block: &mut [Vec<f64>]) -> Result<(), PassError> {
    let mut bytes = Vec::new();
    let overs = match job.external.encoding() {
        Encoding::Float32 => pcm::encode_f32(block, &mut bytes),
        _ => pcm::encode_i24(block, &mut bytes),
    };
    let is_cut = job.external.encoding() != Encoding::Float32 && overs.iter().any(|n| *n > 0);
    if is_cut {
        let what = format!("the signal for {} goes over full scale", job.external.who());
        let help = "`format: float32` holds it, or lower it before this step";
        let failure = job.external.failed(what, help);
        return Err(PassError::Outside(job.node, Box::new(failure)));
    }
    Ok(file.write(&bytes)?)
}

/// An operator that makes one thing now and another then.
fn unlike(job: &Job<'_>, one: &Made, other: &Made, how: &str) -> Failure {
    let first = one.digests.iter().zip(&other.digests).position(|(a, b)| a != b);
    let place = first.map_or(String::new(), |second| format!(" from second {second} on"));
    let what = format!("{} makes other samples{place} {how}", job.external.who());
    let help = "what is delivered must not depend on chance: turn off its dither, random \
                modulation and threads, or print its output and use it as a track";
    job.external.failed(what, help)
}
