//! Manifests by chance.

use std::collections::BTreeMap;

use super::SECOND;
use super::model::{Deliverable, Model, Sum, Track};
use super::random::Random;
use super::sound::{Sound, Word};

pub const WORDS: [Word; 3] = [Word::I16, Word::I24, Word::F32];

pub fn random_track(
    random: &mut Random,
    number: usize,
    files: &mut BTreeMap<String, Sound>,
) -> Track {
    let (name, file) = (format!("t{number}"), format!("t{number}.wav"));
    let (word, width) = (*random.pick(&WORDS), 1 + random.below(2));
    let frames = 1 + random.below(4 * SECOND);
    files.insert(file.clone(), Sound::random(random, word, width, frames));
    Track {
        name,
        file,
        at: *random.pick(&[0, 0, SECOND, 3_000, SECOND + 7_999]),
        gain: *random.pick(&[0.0, 0.0, -1.5]),
        invert: random.once_in(5),
        pan: *random.pick(&[None, None, None, Some(-20.0), Some(100.0)]),
    }
}

pub fn random_deliverable(random: &mut Random, number: usize, model: &Model) -> Deliverable {
    let names = model.stems.iter().chain(&model.mixes).map(|sum| sum.name.clone());
    let mut contents: Vec<String> = names.filter(|_| random.once_in(2)).collect();
    if contents.is_empty() {
        contents.push("m0".to_owned());
    }
    Deliverable { name: format!("d{number}"), word: *random.pick(&WORDS), contents }
}

fn sum(name: &str, from: Vec<String>) -> Sum {
    let (name, without) = (name.to_owned(), Vec::new());
    Sum { name, from, without, gain: 0.0, mono: false, reference: None }
}

/// Stems with tracks of their own, one of them nested; a full mix, one without a
/// stem, one with a gain; three packages.
pub fn random_model(random: &mut Random) -> Model {
    let mut model = Model {
        files: BTreeMap::new(),
        tracks: Vec::new(),
        stems: Vec::new(),
        mixes: Vec::new(),
        deliverables: Vec::new(),
        output: "deliveries".to_owned(),
        comment: 0,
        reordered: false,
    };
    for stem in 0..3 {
        let mut from = Vec::new();
        for _ in 0..1 + random.below(2) {
            let track = random_track(random, model.tracks.len(), &mut model.files);
            from.push(track.name.clone());
            model.tracks.push(track);
        }
        model.stems.push(sum(&format!("s{stem}"), from));
    }
    let track = Track { pan: None, ..random_track(random, model.tracks.len(), &mut model.files) };
    model.files.get_mut(&track.file).unwrap().channels.truncate(1);
    model.stems.push(Sum { mono: true, ..sum("s3", vec![track.name.clone()]) });
    model.tracks.push(track);
    model.stems[0].from.push("s3".to_owned());
    let tops = ["s0", "s1", "s2"].map(str::to_owned).to_vec();
    model.mixes.push(sum("m0", tops));
    let out = random.pick(&["s1", "s3"]).to_string();
    model.mixes.push(Sum { without: vec![out], ..sum("m1", vec!["m0".to_owned()]) });
    model.mixes.push(Sum { gain: -2.0, ..sum("m2", vec!["m0".to_owned(), "s1".to_owned()]) });
    for (number, word) in WORDS.into_iter().enumerate() {
        let deliverable = random_deliverable(random, number, &model);
        model.deliverables.push(Deliverable { word, ..deliverable });
    }
    model
}
