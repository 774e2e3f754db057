//! A manifest as plain data: its text, and what its deliverables should hold, found
//! the naive way. Shares no code with the library: whole files, one sum at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::sound::{Sound, Word};
use super::{Project, SECOND};

#[derive(Clone)]
pub struct Model {
    /// Session audio by file name.
    pub files: BTreeMap<String, Sound>,
    pub tracks: Vec<Track>,
    pub stems: Vec<Sum>,
    pub mixes: Vec<Sum>,
    pub deliverables: Vec<Deliverable>,
    pub output: String,
    /// Written as a comment, and into the contact.
    pub comment: u64,
    /// Whether sections and keys are written in another order.
    pub reordered: bool,
}

#[derive(Clone)]
pub struct Track {
    pub name: String,
    pub file: String,
    pub at: usize,
    pub gain: f64,
    pub invert: bool,
    pub pan: Option<f64>,
}

/// A stem or a mix.
#[derive(Clone)]
pub struct Sum {
    pub name: String,
    pub from: Vec<String>,
    pub without: Vec<String>,
    pub gain: f64,
    pub mono: bool,
    pub reference: Option<String>,
}

#[derive(Clone)]
pub struct Deliverable {
    pub name: String,
    pub word: Word,
    pub contents: Vec<String>,
}

/// A delivered signal as it should be, before it is rounded to its word length.
pub struct Expected {
    pub samples: Vec<Vec<f64>>,
    /// Whether every sample is exact: nothing was multiplied by a broken number.
    pub exact: bool,
    /// Word length of the finest sample; `None` off every grid.
    grid: Option<u16>,
}

impl Expected {
    /// Whether 16 bits hold every sample: dither would only add noise.
    pub fn fits_16_bits(&self) -> bool {
        self.grid.is_some_and(|bits| bits <= 16)
    }
}

/// Name of the house spec for a word length. Its encoding is all that differs.
fn spec(word: Word) -> &'static str {
    match word {
        Word::I16 => "house/cd.yaml",
        Word::I24 => "house/studio.yaml",
        Word::F32 => "house/float.yaml",
    }
}

impl Model {
    /// Writes manifest, specs and session audio; files that are not named go.
    pub fn write(&self, project: &Project) {
        project.manifest(&self.manifest());
        for (word, encoding) in [(Word::I16, "pcm16"), (Word::I24, "pcm24"), (Word::F32, "float32")]
        {
            let text = format!(
                "extends: production-stems\nencoding: {encoding}\ntemplate: \"{{name}}_{{bits}}\"\n"
            );
            project.write(spec(word), text);
        }
        for (name, sound) in &self.files {
            project.audio(name, &sound.wav());
        }
        for path in project.inputs().keys().filter_map(|path| path.strip_prefix("session/")) {
            if !self.files.contains_key(path) {
                std::fs::remove_file(project.path("session").join(path)).unwrap();
            }
        }
    }

    pub fn manifest(&self) -> String {
        let mut sections = [
            format!("project: {{ title: Random, contact: person-{} }}\n", self.comment % 3),
            "session: { audio: session, layout: stereo }\n".to_owned(),
            format!("output: {}\n", self.output),
            section("tracks", self.tracks.iter().map(|track| self.track_line(track))),
            section("stems", self.stems.iter().map(|sum| self.sum_line(sum))),
            section("mixes", self.mixes.iter().map(|sum| self.sum_line(sum))),
            section("deliverables", self.deliverables.iter().map(|d| self.deliverable_line(d))),
        ];
        if self.reordered {
            sections.reverse();
        }
        format!("# note {}\nversion: 1\n{}", self.comment, sections.concat())
    }

    fn map(&self, name: &str, mut fields: Vec<String>) -> String {
        if self.reordered {
            fields.reverse();
        }
        format!("{name}: {{ {} }}", fields.join(", "))
    }

    fn track_line(&self, track: &Track) -> String {
        let mut fields = vec![format!("file: {}", track.file)];
        if track.at > 0 {
            let (whole, rest) = (track.at / SECOND, track.at % SECOND);
            // At 8 kHz a frame is 125 us.
            fields.push(format!("at: {whole}.{:06}", rest * 1_000_000 / SECOND));
        }
        if track.gain != 0.0 {
            fields.push(format!("gain: {}", track.gain));
        }
        if track.invert {
            fields.push("polarity: invert".to_owned());
        }
        fields.extend(track.pan.map(|pan| format!("pan: {pan}")));
        self.map(&track.name, fields)
    }

    fn sum_line(&self, sum: &Sum) -> String {
        let mut fields = vec![format!("from: [{}]", sum.from.join(", "))];
        if !sum.without.is_empty() {
            fields.push(format!("without: [{}]", sum.without.join(", ")));
        }
        if sum.gain != 0.0 {
            fields.push(format!("gain: {}", sum.gain));
        }
        if sum.mono {
            fields.push("layout: mono".to_owned());
        }
        fields.extend(sum.reference.iter().map(|file| format!("reference: {file}")));
        self.map(&sum.name, fields)
    }

    fn deliverable_line(&self, deliverable: &Deliverable) -> String {
        let of = |sums: &[Sum]| {
            let names = sums.iter().map(|sum| &sum.name);
            let names: Vec<&str> =
                names.filter(|n| deliverable.contents.contains(n)).map(|n| &**n).collect();
            names.join(", ")
        };
        let fields = vec![
            format!("spec: {}", spec(deliverable.word)),
            format!("stems: [{}]", of(&self.stems)),
            format!("mixes: [{}]", of(&self.mixes)),
        ];
        self.map(&deliverable.name, fields)
    }

    pub fn track(&self, name: &str) -> Option<&Track> {
        self.tracks.iter().find(|track| track.name == name)
    }

    pub fn sum(&self, name: &str) -> &Sum {
        self.stems.iter().chain(&self.mixes).find(|sum| sum.name == name).unwrap()
    }

    /// Frames of the programme: to the end of the last track.
    pub fn frames(&self) -> usize {
        let end = |track: &Track| track.at + self.files[&track.file].frames();
        self.tracks.iter().map(end).max().unwrap()
    }

    pub fn segments(&self) -> usize {
        self.frames().div_ceil(SECOND)
    }

    /// Every delivered file: `deliverable/path`, what it holds, its word length.
    pub fn delivered(&self) -> Vec<(String, &str, Word)> {
        let mut found = Vec::new();
        for deliverable in &self.deliverables {
            for content in &deliverable.contents {
                let bits = match deliverable.word {
                    Word::F32 => "32f".to_owned(),
                    word => word.bits().to_string(),
                };
                let path = format!("{}/{content}_{bits}.wav", deliverable.name);
                found.push((path, content.as_str(), deliverable.word));
            }
        }
        found
    }

    // What is heard.

    pub fn expected(&self, name: &str) -> Expected {
        self.signal(name, self.sum(name).mono, &BTreeSet::new()).expect("something is delivered")
    }

    /// `None` where nothing is left.
    fn signal(&self, name: &str, mono: bool, without: &BTreeSet<&str>) -> Option<Expected> {
        if let Some(track) = self.track(name) {
            return Some(self.placed(track, mono));
        }
        if without.contains(name) {
            return None;
        }
        let sum = self.sum(name);
        let without = without.iter().copied().chain(sum.without.iter().map(String::as_str));
        let without: BTreeSet<&str> = without.collect();
        let mut parts = sum.from.iter().filter_map(|part| self.signal(part, sum.mono, &without));
        let mut total = parts.next()?;
        for part in parts {
            for (sum, add) in total.samples.iter_mut().zip(&part.samples) {
                sum.iter_mut().zip(add).for_each(|(sum, add)| *sum += add);
            }
            total.exact &= part.exact;
            total.grid = total.grid.zip(part.grid).map(|(a, b)| a.max(b));
        }
        if sum.gain != 0.0 {
            let factor = 10_f64.powf(sum.gain / 20.0);
            total.samples.iter_mut().flatten().for_each(|x| *x *= factor);
            (total.exact, total.grid) = (false, None);
        }
        if sum.mono && !mono {
            total.samples.push(total.samples[0].clone());
        }
        Some(total)
    }

    /// A track where it stands, in mono or stereo.
    fn placed(&self, track: &Track, mono: bool) -> Expected {
        let file = &self.files[&track.file];
        let level = 10_f64.powf(track.gain / 20.0) * if track.invert { -1.0 } else { 1.0 };
        let sides = pan(track.pan, file.channels.len() == 1);
        let sides = if mono { &sides[..1] } else { &sides[..] };
        let mut samples = vec![vec![0.0; self.frames()]; sides.len()];
        for (side, (out, factor)) in samples.iter_mut().zip(sides).enumerate() {
            let channel = &file.channels[side.min(file.channels.len() - 1)];
            for (y, x) in out[track.at..].iter_mut().zip(channel) {
                *y = x * (level * factor);
            }
        }
        let exact = track.gain == 0.0 && sides.iter().all(|factor| *factor == 1.0);
        let grid = (file.word != Word::F32 && exact).then_some(file.word.bits());
        Expected { samples, exact, grid }
    }

    // What each second of a file hears.

    /// For each second of a delivered file a number that stands for everything it
    /// hears: where numbers are equal, nothing has to be rendered.
    pub fn hears(&self, path: &str, content: &str, word: Word) -> Vec<u64> {
        let mono = self.sum(content).mono;
        let dithered = word == Word::I16 && !self.expected(content).fits_16_bits();
        let second = |segment: usize| {
            let frames = (self.frames() - segment * SECOND).min(SECOND);
            // Dither depends on the file and the place and on nothing else.
            let dither = dithered.then_some((path, segment));
            let node = self.heard(content, mono, &BTreeSet::new(), segment);
            number(format!("{word:?} {mono} {frames} {dither:?} {node:?}").as_bytes())
        };
        (0..self.segments()).map(second).collect()
    }

    /// `None` for silence.
    fn heard(
        &self,
        name: &str,
        mono: bool,
        without: &BTreeSet<&str>,
        segment: usize,
    ) -> Option<String> {
        if let Some(track) = self.track(name) {
            let Track { gain, invert, pan, at, .. } = track;
            let file = self.heard_of_file(&track.file, *at, segment)?;
            return Some(format!("({gain} {invert} {pan:?} {mono} {file})"));
        }
        if without.contains(name) {
            return None;
        }
        let sum = self.sum(name);
        let without = without.iter().copied().chain(sum.without.iter().map(String::as_str));
        let without: BTreeSet<&str> = without.collect();
        let parts = sum.from.iter();
        let parts: Vec<String> =
            parts.filter_map(|part| self.heard(part, sum.mono, &without, segment)).collect();
        match parts.as_slice() {
            [] => None,
            [one] => Some(format!("({} {} {mono} {one})", sum.gain, sum.mono)),
            several => Some(format!("({} {} {mono} sum {several:?})", sum.gain, sum.mono)),
        }
    }

    /// A file is heard by the second: where it begins within one, two of its
    /// seconds sound in each second of the programme.
    fn heard_of_file(&self, file: &str, at: usize, segment: usize) -> Option<String> {
        let sound = &self.files[file];
        let second = |back: usize| {
            let index = segment.checked_sub(at / SECOND + back)?;
            let start = (index * SECOND).min(sound.frames());
            let end = (start + SECOND).min(sound.frames());
            let frames = (start..end).rev();
            let last = frames.into_iter().find(|f| sound.channels.iter().any(|c| c[*f] != 0.0))?;
            let heard = sound.channels.iter().flat_map(|c| &c[start..=last]);
            let heard: Vec<u8> = heard.flat_map(|x| x.to_le_bytes()).collect();
            let (float, width) = (sound.word == Word::F32, sound.channels.len());
            Some(format!("{float} {width} {}", number(&heard)))
        };
        let rest = at % SECOND;
        let both = (second(0), if rest == 0 { None } else { second(1) });
        (both != (None, None)).then(|| format!("{rest} {both:?}"))
    }
}

fn number(bytes: &[u8]) -> u64 {
    let hash = blake3::hash(bytes);
    u64::from_le_bytes(*hash.as_bytes().first_chunk().unwrap())
}

fn section(name: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = lines.map(|line| format!("  {line}\n")).collect();
    if lines.is_empty() { String::new() } else { format!("{name}:\n{}", lines.concat()) }
}

/// Factors of left and right. A mono track is panned with constant power; a stereo
/// track is balanced: one side falls by that law, raised by 3 dB, the other stays.
fn pan(pan: Option<f64>, mono: bool) -> [f64; 2] {
    let Some(pan) = pan else { return [1.0, 1.0] };
    let angle = (pan + 100.0) / 200.0 * std::f64::consts::FRAC_PI_2;
    // At the ends the far side is silent, which the cosine of a rounded angle is not.
    let [left, right] = match pan {
        -100.0 => [1.0, 0.0],
        100.0 => [0.0, 1.0],
        _ => [angle.cos(), angle.sin()],
    };
    match (mono, pan > 0.0, pan < 0.0) {
        (true, ..) => [left, right],
        (false, true, _) => [left * 2_f64.sqrt(), 1.0],
        (false, _, true) => [1.0, right * 2_f64.sqrt()],
        _ => [1.0, 1.0],
    }
}

/// What a sample becomes when it is written, and whether it lies so close to the
/// middle of two values that the last bit of a factor decides between them.
pub fn quantised(x: f64, bits: u16) -> (i32, bool) {
    let scale = f64::from(1 << (bits - 1));
    let scaled = (x * scale).clamp(-scale, scale - 1.0);
    let tie = (scaled - scaled.floor() - 0.5).abs() < 1e-6;
    (scaled.round_ties_even() as i32, tie)
}
