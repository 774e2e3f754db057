//! The committed demo audio is what its generator makes, and its prints are exact.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use flac_codec::decode::FlacSampleReader;
use flac_codec::metadata::Metadata;
use serde::Deserialize;

#[path = "../examples/make_demo/drums.rs"]
mod drums;
#[path = "../examples/make_demo/film.rs"]
mod film;
#[path = "../examples/make_demo/score.rs"]
mod score;
#[path = "../examples/make_demo/song.rs"]
mod song;
#[path = "../examples/make_demo/synth.rs"]
mod synth;
#[path = "../examples/make_demo/take.rs"]
mod take;
#[path = "../examples/make_demo/voice.rs"]
mod voice;

use take::Take;

const RATE: usize = 48_000;
const FULL_SCALE: i64 = 1 << 23;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The samples of a committed file, `[channel][frame]`; it must be 48 kHz/24-bit.
fn decode(path: &Path) -> Vec<Vec<i32>> {
    let named = |error| panic!("{}: {error}", path.display());
    let mut reader = FlacSampleReader::open(path).unwrap_or_else(named);
    let channels = usize::from(reader.channel_count());
    let format = (reader.sample_rate(), reader.bits_per_sample());
    assert_eq!(format, (48_000, 24), "{}", path.display());
    let mut interleaved = Vec::new();
    reader.read_to_end(&mut interleaved).unwrap();
    (0..channels).map(|c| interleaved.iter().skip(c).step_by(channels).copied().collect()).collect()
}

/// What a manifest says about tracks; the rest of it is not this test's business.
#[derive(Deserialize)]
struct Manifest {
    session: Session,
    tracks: BTreeMap<String, Track>,
}

#[derive(Deserialize)]
struct Session {
    audio: PathBuf,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Track {
    File(String),
    Placed { file: String, at: f64 },
}

/// The tracks of the manifest in a folder: file name, programme frame, samples.
fn session(folder: &Path) -> Vec<(String, usize, Vec<Vec<i32>>)> {
    let text = fs::read_to_string(folder.join("deliverables.yaml")).unwrap();
    let manifest: Manifest = serde_yaml::from_str(&text).unwrap();
    let audio = folder.join(manifest.session.audio);
    let track = |track| {
        let (file, at) = match track {
            Track::File(file) => (file, 0.0),
            Track::Placed { file, at } => (file, at),
        };
        let samples = decode(&audio.join(&file));
        (file, (at * RATE as f64) as usize, samples)
    };
    manifest.tracks.into_values().map(track).collect()
}

/// Asserts that a print is the sum of the manifest's tracks, sample for sample.
fn assert_exact_sum(folder: &Path, print: &str) {
    let print = decode(&folder.join(print));
    let tracks = session(folder);
    let frames = tracks.iter().map(|(_, at, audio)| at + audio[0].len()).max();
    assert_eq!(Some(print[0].len()), frames, "as long as the programme");
    for (c, channel) in print.iter().enumerate() {
        let mut sum = vec![0_i64; channel.len()];
        for (name, at, audio) in &tracks {
            assert!(audio.len() == 1 || audio.len() == print.len(), "{name}: channels");
            for (i, x) in audio[c % audio.len()].iter().enumerate() {
                sum[at + i] += i64::from(*x);
            }
        }
        assert!(sum.iter().zip(channel).all(|(a, b)| *a == i64::from(*b)), "channel {c}");
    }
}

fn assert_made_by_generator(folder: &str, takes: &[Take]) {
    for take in takes {
        let path = root().join(folder).join(take.name).with_extension("flac");
        assert!(decode(&path) == take.audio, "{folder}/{} is not what make_demo makes", take.name);
    }
}

#[test]
fn the_song_is_what_the_generator_makes() {
    let tracks = song::tracks();
    assert_made_by_generator("session", &tracks);
    assert_made_by_generator("session/print", &[song::mix(&tracks)]);
}

#[test]
fn the_film_is_what_the_generator_makes() {
    let elements = film::prints();
    assert_made_by_generator("examples/film/prints", &elements);
    assert_made_by_generator("examples/film/prints", &[film::print_master(&elements)]);
    assert_made_by_generator("examples/film/prints/dub", &film::dubs());
}

#[test]
fn the_prints_are_exact_sums_of_what_the_manifests_name() {
    assert_exact_sum(root(), "session/print/mix_v1.flac");
    assert_exact_sum(&root().join("examples/film"), "prints/PM.flac");
}

#[test]
fn the_song_is_a_song_and_has_headroom() {
    let tracks = session(root());
    assert!(tracks.len() >= 12, "{} tracks", tracks.len());
    let print = decode(&root().join("session/print/mix_v1.flac"));
    assert!(print[0].len() >= 30 * RATE);
    let peak = print.iter().flatten().map(|x| i64::from(x.abs())).max().unwrap();
    // -6.9 to -3.1 dBFS.
    assert!((FULL_SCALE * 45 / 100..FULL_SCALE * 70 / 100).contains(&peak), "peak {peak}");
}

#[test]
fn a_clone_stays_small() {
    let folders = ["session", "session/print", "examples/film/prints", "examples/film/prints/dub"];
    let bytes: u64 = folders
        .iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).unwrap())
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "flac"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    assert!(bytes <= 8_000_000, "{bytes} bytes of FLAC");
}
