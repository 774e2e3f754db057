//! Packages looked into: what is in their files, worked out here, and what their papers
//! say of it.

mod support;

use support::random::Random;
use support::sound::{Sound, Word, read_wav};
use support::{Project, SECOND};

/// Noise of `seconds`.
fn noise(random: &mut Random, width: usize, seconds: usize) -> Sound {
    let mut sound = Sound::random(random, Word::I24, width, seconds * SECOND);
    sound.scribble(random, 0, seconds * SECOND);
    sound
}

/// The samples that 24 bits hold of a channel.
fn written(channel: &[f64]) -> Vec<i32> {
    channel.iter().map(|x| (x * 8_388_608.0).round() as i32).collect()
}

fn readme(project: &Project, package: &str) -> String {
    let bytes = project.read(&format!("deliveries/{package}/README.txt"));
    let text = String::from_utf8(bytes).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn multitracks_are_the_tracks_as_they_are_from_one_common_start() {
    let mut random = Random::new(1);
    let (kick, room) = (noise(&mut random, 1, 2), noise(&mut random, 2, 4));
    // No stem hears the room, and nobody minds: it is delivered.
    let manifest = "version: 1\nproject: { title: T }\nsession: { audio: session }\n\
        tracks:\n  kick: { file: kick.wav, at: 1, gain: -6, polarity: invert, pan: -50 }\n  \
        room: { file: room.wav, width: 50, trim: { from: 1, to: 3 } }\n\
        stems: { drums: [kick] }\n\
        deliverables: { d: { spec: multitracks, tracks: all } }\n";
    let project = Project::with(manifest, &[("kick.wav", &kick), ("room.wav", &room)]);
    project.build();
    let (bits, heard) = read_wav(&project.read("deliveries/d/T_kick.wav"));
    assert_eq!((bits, heard.len(), heard[0].len()), (24, 1, 3 * SECOND));
    assert!(heard[0][..SECOND].iter().all(|sample| *sample == 0));
    assert!(heard[0][SECOND..] == written(&kick.channels[0]));
    let (_, heard) = read_wav(&project.read("deliveries/d/T_room.wav"));
    for (channel, heard) in heard.iter().enumerate() {
        assert!(heard[..2 * SECOND] == written(&room.channels[channel][SECOND..3 * SECOND]));
        assert!(heard[2 * SECOND..].iter().all(|sample| *sample == 0));
    }
    let readme = readme(&project, "d");
    for words in [
        "T_kick.wav Track: kick.wav Processed: nothing: it goes without gain -6 dB, \
         polarity inverted, pan -50",
        "T_room.wav Track: room.wav Processed: nothing: it goes without width 50 %",
        "48000 samples, 0:03.000, the same for every file",
    ] {
        let words = words.replace("48000 samples", &format!("{} samples", 3 * SECOND));
        assert!(readme.contains(&words), "{words}\n{readme}");
    }
    project.assert_clean("multitracks");
}
