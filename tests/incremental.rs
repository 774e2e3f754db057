//! Law 2 and law 3, by chance: after any sequence of edits, interruptions and
//! builds the output tree is that of a clean build, and no second was rendered
//! that heard nothing new. Law 5 on the way: every delivered sample is what a naive
//! evaluation of the manifest says.
//!
//! `REBOUNCE_SEED` runs one seed, `REBOUNCE_ROUNDS` sets how many edits each sees.

mod support;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use rebounce::fsio::Disk;
use rebounce::run::outcome::Outcome;
use support::chance::{WORDS, random_deliverable, random_model, random_track};
use support::model::{Deliverable, Model, Sum, Track, quantised};
use support::random::Random;
use support::sound::{Sound, Word, read_wav};
use support::{Fault, Project, SECOND, assert_same, rendered, setting};

/// Stamps younger than this are not believed, so waiting as long lets them be.
const RACY: Duration = Duration::from_millis(2_050);

#[test]
fn random_edits_give_what_a_clean_build_gives_a() {
    run_seed(setting("REBOUNCE_SEED", 1));
}

#[test]
fn random_edits_give_what_a_clean_build_gives_b() {
    run_seed(setting("REBOUNCE_SEED", 2));
}

#[test]
fn random_edits_give_what_a_clean_build_gives_c() {
    run_seed(setting("REBOUNCE_SEED", 3));
}

#[test]
fn random_edits_give_what_a_clean_build_gives_d() {
    run_seed(setting("REBOUNCE_SEED", 4));
}

#[test]
fn one_two_and_eight_threads_give_the_same_bytes() {
    let trial = Trial::new(setting("REBOUNCE_SEED", 5));
    trial.model.write(&trial.project);
    let [one, two, eight] =
        trial.pools.each_ref().map(|pool| pool.install(|| trial.project.clean_build()));
    assert!(one.len() > 3 * 4);
    assert_same(&two, &one, "two threads");
    assert_same(&eight, &one, "eight threads");
}

fn run_seed(seed: u64) {
    let rounds = setting("REBOUNCE_ROUNDS", 40);
    let mut trial = Trial::new(seed);
    let mut log = vec!["at first".to_owned()];
    for round in 0..=rounds {
        let what = format!("REBOUNCE_SEED={seed}, round {round}: {}", log.join("; "));
        // What a failing round did stands in front of the panic's own words.
        let guard = OnPanic(&what);
        trial.build_and_check();
        drop(guard);
        log = trial.edit();
    }
}

struct OnPanic<'a>(&'a str);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "this is how a test speaks")]
            let () = eprintln!("{}", self.0);
        }
    }
}

struct Trial {
    random: Random,
    project: Project,
    model: Model,
    /// Earlier samples of files, to put back.
    past: Vec<(String, Sound)>,
    /// What each delivered file may hold: by path, one set of what its seconds
    /// hear for each state it may be in. An empty set: it may be gone or damaged.
    delivered: BTreeMap<String, Vec<HashSet<u64>>>,
    counter: usize,
    /// Rounds in which no audio is touched, so that what is remembered of it holds.
    rest: usize,
    pools: [rayon::ThreadPool; 3],
}

impl Trial {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let model = random_model(&mut random);
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut trial = Self {
            random,
            project: Project::new(),
            model,
            past: Vec::new(),
            delivered: BTreeMap::new(),
            counter: 100,
            rest: 0,
            pools: [1, 2, 8].map(pool),
        };
        trial.set_reference();
        trial
    }

    /// Prints the full mix as it is now, for `reference`.
    fn set_reference(&mut self) {
        self.model.mixes[0].reference = None;
        let mut channels = self.model.expected("m0").samples;
        for x in channels.iter_mut().flatten() {
            *x = f64::from(quantised(*x, 24).0) / 8_388_608.0;
        }
        self.model.files.insert("print.wav".to_owned(), Sound { word: Word::I24, channels });
        self.model.mixes[0].reference = Some("print.wav".to_owned());
    }

    fn build_and_check(&mut self) {
        self.model.write(&self.project);
        let inputs = self.project.inputs();
        let pool = &self.pools[self.random.below(3)];
        let explained = self.random.once_in(3).then(|| pool.install(|| self.project.explain()));
        let outcome = pool.install(|| self.project.build());
        self.check_minimal(&outcome);
        if let Some(explained) = explained {
            assert_eq!(rendered(&explained), rendered(&outcome), "explained and built");
        }
        let outputs = self.project.outputs();
        let clean = self.pools[self.random.below(3)].install(|| self.project.clean_build());
        assert_same(&outputs, &clean, "not what a clean build gives");
        assert_same(&self.project.inputs(), &inputs, "inputs changed");
        self.check_samples(&outputs);
        let hears = |(path, content, word): (String, &str, Word)| {
            let hears = self.model.hears(&path, content, word).into_iter().collect();
            (path, vec![hears])
        };
        self.delivered = self.model.delivered().into_iter().map(hears).collect();
    }

    /// A segment is rendered only if nothing delivered is sure to hold it.
    fn check_minimal(&self, outcome: &Outcome) {
        let mut held: HashSet<u64> = HashSet::new();
        for states in self.delivered.values() {
            let (first, rest) = states.split_first().unwrap();
            held.extend(first.iter().filter(|number| rest.iter().all(|s| s.contains(number))));
        }
        let rendered = rendered(outcome);
        for (path, content, word) in self.model.delivered() {
            let hears = self.model.hears(&path, content, word);
            for segment in rendered.get(&path).into_iter().flatten() {
                assert!(!held.contains(&hears[*segment]), "{path}: second {segment} was rendered");
            }
        }
    }

    /// Every delivered sample against the naive evaluation: exact at unity; where
    /// a gain is broken, one unit more or less only in the middle of two values,
    /// since the library's powers and sines may differ in their last bit.
    fn check_samples(&self, outputs: &support::Tree) {
        for (path, content, word) in self.model.delivered() {
            let expected = self.model.expected(content);
            let (bits, samples) = read_wav(&outputs[&format!("{}/{path}", self.model.output)]);
            assert_eq!((bits, samples.len()), (word.bits(), expected.samples.len()), "{path}");
            let dithered = word == Word::I16 && !expected.fits_16_bits();
            for (is, should) in samples.iter().zip(&expected.samples) {
                assert_eq!(is.len(), should.len(), "{path}");
                for (frame, (is, x)) in is.iter().zip(should).enumerate() {
                    let place = || format!("{path}, frame {frame}: {is} for {x}");
                    if word == Word::F32 {
                        let (is, x32) = (f32::from_bits(*is as u32), *x as f32);
                        let apart = is.to_bits().abs_diff(x32.to_bits());
                        assert!(is == x32 || (!expected.exact && apart <= 1), "{}", place());
                        continue;
                    }
                    let (whole, tie) = quantised(*x, bits);
                    let apart = (is - whole).abs();
                    let allowed = if dithered { 1 } else { i32::from(tie && !expected.exact) };
                    assert!(apart <= allowed, "{}", place());
                }
            }
        }
    }

    /// Files of one deliverable that may be gone or damaged now.
    fn distrust(&mut self, folder: &str) {
        for (path, states) in &mut self.delivered {
            if path.starts_with(folder) {
                states.push(HashSet::new());
            }
        }
    }

    /// A build of the present state began and may have ended anywhere.
    fn attempted(&mut self) {
        let mut now = BTreeSet::new();
        for (path, content, word) in self.model.delivered() {
            let hears = self.model.hears(&path, content, word).into_iter().collect();
            self.delivered.entry(path.clone()).or_insert(vec![HashSet::new()]).push(hears);
            now.insert(path);
        }
        for (path, states) in &mut self.delivered {
            if !now.contains(path) {
                states.push(HashSet::new());
            }
        }
    }

    /// One to three edits; says which.
    fn edit(&mut self) -> Vec<String> {
        let edits = 1 + self.random.below(3);
        let mut log = Vec::new();
        // Without its state rebounce cannot know of packages that the manifest no
        // longer names, and what somebody changed it does not remove: no deliverable
        // moves in such a round.
        let damage = self.random.below(5);
        match damage {
            0 => log.push(self.damage_state()),
            1 => log.push(self.damage_outputs()),
            _ => {}
        }
        log.extend((0..edits).map(|_| self.one_edit(damage < 2)));
        self.rest = self.rest.saturating_sub(1);
        if self.random.once_in(12) {
            self.model.write(&self.project);
            std::thread::sleep(RACY);
            self.rest = 4;
            log.push("waited".to_owned());
        }
        log
    }

    fn one_edit(&mut self, stay: bool) -> String {
        let any = self.random.below(16);
        let edit =
            if self.rest > 0 { *self.random.pick(&[4, 5, 6, 8, 9, 10, 12, 15]) } else { any };
        match edit {
            0..=2 => self.edit_samples(),
            3 => self.edit_length(),
            4 | 5 => self.edit_track(),
            6 => self.edit_sum(),
            7 => self.add_or_remove_track(),
            8 if !stay => self.edit_deliverables(),
            9 if !stay => {
                self.model.output = self.random.pick(&["deliveries", "out", "here"]).to_string();
                format!("output: {}", self.model.output)
            }
            8..=10 => {
                self.model.comment += 1;
                self.model.reordered ^= self.random.once_in(2);
                "a comment".to_owned()
            }
            11 => self.rewrite_input(),
            12..=14 => self.interrupt(),
            _ => self.kill(),
        }
    }

    fn any_file(&mut self) -> String {
        let names: Vec<String> = self.model.files.keys().cloned().collect();
        self.random.pick(&names).clone()
    }

    fn edit_samples(&mut self) -> String {
        if self.random.once_in(3) && !self.past.is_empty() {
            let (name, sound) = self.random.pick(&self.past).clone();
            if self.model.files.contains_key(&name) {
                self.model.files.insert(name.clone(), sound);
                return format!("{name} put back");
            }
        }
        let name = self.any_file();
        let sound = self.model.files.get_mut(&name).unwrap();
        self.past.push((name.clone(), sound.clone()));
        let (start, end) = (self.random.below(sound.frames()), self.random.below(sound.frames()));
        let (start, end) = (start.min(end), (start.max(end) + 1).min(start + 2 * SECOND));
        let end = end.min(sound.frames());
        sound.scribble(&mut self.random, start, end);
        format!("{name} new in {start}..{end}")
    }

    fn edit_length(&mut self) -> String {
        let name = self.any_file();
        let sound = self.model.files.get_mut(&name).unwrap();
        self.past.push((name.clone(), sound.clone()));
        let frames = 1 + self.random.below(sound.frames() + 2 * SECOND);
        sound.resize(frames.min(7 * SECOND));
        format!("{name} now {} frames", sound.frames())
    }

    fn edit_track(&mut self) -> String {
        let index = self.random.below(self.model.tracks.len());
        let in_mono = self
            .model
            .stems
            .iter()
            .any(|stem| stem.mono && stem.from.contains(&self.model.tracks[index].name));
        let track = &mut self.model.tracks[index];
        match self.random.below(4) {
            0 => track.gain = *self.random.pick(&[0.0, -1.5, 3.0, -6.0]),
            1 => track.invert ^= true,
            2 if !in_mono => {
                track.pan = *self.random.pick(&[None, Some(-20.0), Some(0.0), Some(55.0)])
            }
            _ => track.at = *self.random.pick(&[0, SECOND, 1, 3_000, 2 * SECOND + 17]),
        }
        let Track { name, at, gain, invert, pan, .. } = track;
        format!("{name}: at {at} gain {gain} invert {invert} pan {pan:?}")
    }

    fn edit_sum(&mut self) -> String {
        let (stems, mixes) = (self.model.stems.len(), self.model.mixes.len());
        let index = self.random.below(stems + mixes);
        let sum = match index.checked_sub(stems) {
            None => &mut self.model.stems[index],
            Some(index) => &mut self.model.mixes[index],
        };
        match self.random.below(3) {
            0 => sum.gain = *self.random.pick(&[0.0, -3.0, 1.0]),
            1 => self.random.shuffle(&mut sum.from),
            _ => self.random.shuffle(&mut self.model.stems),
        }
        "sums changed".to_owned()
    }

    fn add_or_remove_track(&mut self) -> String {
        let removable = |track: &Track| {
            let stems = self.model.stems.iter().filter(|stem| stem.from.contains(&track.name));
            stems.into_iter().all(|stem| stem.from.len() > 1)
        };
        let found = self.model.tracks.iter().position(removable);
        if let Some(index) = found.filter(|_| self.random.once_in(2) && self.model.tracks.len() > 2)
        {
            let track = self.model.tracks.remove(index);
            self.model.stems.iter_mut().for_each(|stem| stem.from.retain(|n| *n != track.name));
            if !self.model.tracks.iter().any(|other| other.file == track.file) {
                self.model.files.remove(&track.file);
            }
            return format!("without {}", track.name);
        }
        self.counter += 1;
        let number = self.counter;
        let track = random_track(&mut self.random, number, &mut self.model.files);
        let mut stems: Vec<&mut Sum> = self.model.stems.iter_mut().filter(|s| !s.mono).collect();
        let index = self.random.below(stems.len());
        stems[index].from.push(track.name.clone());
        let text = format!("with {}", track.name);
        self.model.tracks.push(track);
        text
    }

    fn edit_deliverables(&mut self) -> String {
        let count = self.model.deliverables.len();
        let index = self.random.below(count);
        self.counter += 1;
        match self.random.below(4) {
            0 if count > 1 => drop(self.model.deliverables.remove(index)),
            1 if count < 5 => {
                let new = random_deliverable(&mut self.random, self.counter, &self.model);
                self.model.deliverables.push(new);
            }
            2 => self.model.deliverables[index].name = format!("d{}", self.counter),
            _ => self.model.deliverables[index].word = *self.random.pick(&WORDS),
        }
        let show = |d: &Deliverable| format!("{} {:?} {:?}", d.name, d.word, d.contents);
        self.model.deliverables.iter().map(show).collect::<Vec<_>>().join(", ")
    }

    fn damage_state(&mut self) -> String {
        let folder = self.project.path(".rebounce/deliverables.yaml");
        let Ok(entries) = std::fs::read_dir(&folder) else { return "no state yet".to_owned() };
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != "lock");
        names.sort();
        if names.is_empty() || self.random.once_in(6) {
            std::fs::remove_dir_all(self.project.path(".rebounce")).unwrap();
            self.distrust("");
            return "state removed".to_owned();
        }
        let name = self.random.pick(&names).clone();
        let path = folder.join(&name);
        let mut bytes = std::fs::read(&path).unwrap();
        match (self.random.below(3), bytes.len()) {
            (0, _) => std::fs::remove_file(&path).unwrap(),
            (1, _) | (_, 0) => {
                bytes.truncate(self.random.below(bytes.len() + 1));
                std::fs::write(&path, bytes).unwrap();
            }
            (_, length) => {
                bytes[self.random.below(length)] ^= 1 << self.random.below(8);
                std::fs::write(&path, bytes).unwrap();
            }
        }
        if let Some(name) = name.strip_suffix(".package").or(name.strip_suffix(".next")) {
            self.distrust(&format!("{name}/"));
        }
        format!("state {name} damaged")
    }

    fn damage_outputs(&mut self) -> String {
        let outputs = self.project.outputs();
        // A folder without record and checksums is somebody else's; that is told apart
        // in tests/faults.rs and refused.
        let names: Vec<&String> =
            outputs.keys().filter(|path| !path.ends_with("checksums.b3")).collect();
        if names.is_empty() {
            return "nothing to damage".to_owned();
        }
        let name = (*self.random.pick(&names)).clone();
        let path = self.project.path(&name);
        std::thread::sleep(Duration::from_millis(10));
        if self.random.once_in(2) || outputs[&name].is_empty() {
            if !name.ends_with('/') {
                std::fs::remove_file(path).unwrap();
            }
        } else {
            let mut bytes = outputs[&name].clone();
            let at = self.random.below(bytes.len());
            bytes[at] ^= 1;
            std::fs::write(path, bytes).unwrap();
        }
        let mut found: Vec<String> = Vec::new();
        for path in self.delivered.keys() {
            if name.ends_with(path.as_str()) {
                found.push(path.clone());
            }
        }
        found.iter().for_each(|path| self.distrust(path));
        format!("{name} damaged")
    }

    fn rewrite_input(&mut self) -> String {
        let name = self.any_file();
        let path = self.project.path("session").join(&name);
        let Ok(bytes) = std::fs::read(&path) else { return "a file not yet there".to_owned() };
        match self.random.below(3) {
            0 => {
                let file = std::fs::File::options().append(true).open(&path).unwrap();
                file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
                format!("{name} touched")
            }
            1 => {
                std::fs::remove_file(&path).unwrap();
                std::fs::write(&path, bytes).unwrap();
                format!("{name} written again")
            }
            _ => {
                let sound = self.model.files.remove(&name).unwrap();
                self.counter += 1;
                let new = format!("renamed{}.wav", self.counter);
                self.model.files.insert(new.clone(), sound);
                for track in self.model.tracks.iter_mut().filter(|track| track.file == name) {
                    track.file.clone_from(&new);
                }
                let references = self.model.mixes.iter_mut().flat_map(|mix| &mut mix.reference);
                references.filter(|file| **file == name).for_each(|file| file.clone_from(&new));
                format!("{name} is now {new}")
            }
        }
    }

    /// A build whose disk stops at some change.
    fn interrupt(&mut self) -> String {
        self.model.write(&self.project);
        let at = match self.random.below(3) {
            0 => self.random.below(30),
            _ => self.random.below(120),
        };
        let fault = if self.random.once_in(4) { Fault::once(at) } else { Fault::from(at) };
        let (outcome, _) = self.project.try_build(Disk::gated(fault));
        self.attempted();
        format!("change {at} failed ({})", if outcome.is_ok() { "built" } else { "stopped" })
    }

    /// A build that is killed.
    fn kill(&mut self) -> String {
        self.model.write(&self.project);
        let mut child = Command::new(env!("CARGO_BIN_EXE_rebounce"))
            .arg("-C")
            .arg(self.project.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let wait = Duration::from_micros(self.random.below(40_000) as u64);
        std::thread::sleep(wait);
        child.kill().unwrap();
        let status = child.wait().unwrap();
        self.attempted();
        format!("killed after {wait:?} ({status})")
    }
}
