//! Packages looked into: what is in their files, worked out here, and what their papers
//! say of it.

mod support;

use rebounce::dsp::dither::Dither;
use rebounce::dsp::shaping::Shaper;
use rebounce::units::SampleRate;
use support::random::Random;
use support::sound::{Sound, Word, read_wav};
use support::{Project, SECOND, rendered};

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

/// A mix of six channels past full scale in the surround, as 16 bits with dither.
const WIDE: &str = "version: 1\nproject: { title: T }\n\
    session: { audio: session, layout: \"5.1\", frame_rate: 25, start: \"01:00:00:00\" }\n\
    tracks: { bed: bed.wav, voice: { file: voice.wav, channels: [C] } }\n\
    stems: { M: { from: [bed], gain: -0.3, role: music }, D: { from: [voice], role: dialogue } }\n\
    mixes: { pm: { from: [M, D], role: print-master } }\ndeliverables:\n";
const CHANNELS: [&str; 6] = ["L", "R", "C", "LFE", "Ls", "Rs"];

fn wide(random: &mut Random) -> (Sound, Sound) {
    let mut bed = noise(random, 6, 4);
    bed.word = Word::F32;
    for channel in &mut bed.channels {
        channel.iter_mut().for_each(|x| *x = f64::from(*x as f32));
    }
    // In Ls, twelve samples of the third second.
    bed.channels[4][2 * SECOND + 7..2 * SECOND + 19].fill(1.5);
    (bed, noise(random, 1, 4))
}

fn judged(project: &Project, package: &str) -> serde_json::Value {
    serde_json::from_slice(&project.read(&format!("deliveries/{package}/qc.json"))).unwrap()
}

#[test]
fn a_set_of_mono_files_is_one_programme_and_measured_as_one() {
    let mut random = Random::new(2);
    let (bed, voice) = wide(&mut random);
    let manifest = format!(
        "{WIDE}  d: {{ spec: ./split.yaml, stems: [M, D], mixes: [pm] }}\n  \
         e: {{ spec: ./split.yaml, stems: [M, D], mixes: [pm], channels: interleaved }}\n"
    );
    let project = Project::with(&manifest, &[("bed.wav", &bed.clone()), ("voice.wav", &voice)]);
    project.audio("bed.wav", &bed.wav_masked(0x60F));
    project.write(
        "split.yaml",
        "channels: multi-mono\nencoding: pcm16\n\
         limits: { loudness: { check: integrated, max: 0 }, sum: { check: stem-null, max: -80 } }\n",
    );
    project.build();
    // Each file holds its channel, with the dither of its own place.
    let set: Vec<Vec<i32>> = CHANNELS
        .iter()
        .map(|channel| {
            let (bits, mut heard) =
                read_wav(&project.read(&format!("deliveries/d/T_pm.{channel}.wav")));
            assert_eq!((bits, heard.len(), heard[0].len()), (16, 1, 4 * SECOND), "{channel}");
            heard.remove(0)
        })
        .collect();
    let gain = 10_f64.powf(-0.3 / 20.0);
    for (channel, heard) in set.iter().enumerate() {
        for (frame, sample) in heard.iter().enumerate() {
            let centre = if channel == 2 { voice.channels[0][frame] } else { 0.0 };
            let exact = (bed.channels[channel][frame] * gain + centre) * 32_768.0;
            // Rounded by half a step after dither of one at most, or cut.
            let off = (f64::from(*sample) - exact.clamp(-32_768.0, 32_767.0)).abs();
            assert!(off <= 1.5 + 1e-6, "{channel} {frame}: {off}");
        }
    }
    papers_name_every_file(&project, &set);
    // Loudness is that of all channels: nothing but the dither differs from one file.
    let (report, other) = (judged(&project, "d"), judged(&project, "e"));
    let loudness = |report: &serde_json::Value| {
        report["files"][2]["measures"]["integrated_lufs"].as_f64().unwrap()
    };
    assert!((loudness(&report) - loudness(&other)).abs() < 0.001);
    let findings = report["findings"].as_array().unwrap();
    let of = |check: &str| findings.iter().filter(|f| f["check"] == check).collect::<Vec<_>>();
    assert_eq!(of("integrated-loudness").len(), 3);
    assert_eq!(of("stem-null")[0]["verdict"], "pass");
}

/// qc.json, README.txt and checksums of the set whose samples are `set`.
fn papers_name_every_file(project: &Project, set: &[Vec<i32>]) {
    let report = judged(project, "d");
    let file = &report["files"][2];
    assert_eq!(
        (&file["name"], &file["path"]),
        (&"pm".into(), &"T_pm.{L,R,C,LFE,Ls,Rs}.wav".into())
    );
    assert_eq!((&file["channels"], &file["blake3"]), (&6.into(), &serde_json::Value::Null));
    for (channel, part) in CHANNELS.iter().zip(file["parts"].as_array().unwrap()) {
        let path = format!("T_pm.{channel}.wav");
        let bytes = project.read(&format!("deliveries/d/{path}"));
        let digest = blake3::hash(&bytes).to_hex().to_string();
        assert_eq!((&part["path"], &part["channel"]), (&path.clone().into(), &(*channel).into()));
        assert_eq!(part["blake3"], digest.as_str());
        let sums = String::from_utf8(project.read("deliveries/d/checksums.b3")).unwrap();
        assert!(sums.contains(&format!("{digest}  {path}\n")), "{path}");
    }
    // What was measured stands in the files, to the last bit of their dither.
    for (index, channel) in file["measures"]["channels"].as_array().unwrap().iter().enumerate() {
        let peak = set[index].iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        let peak = 20.0 * (f64::from(peak) / 32_768.0).log10();
        let measured = channel["sample_peak_dbfs"].as_f64().unwrap();
        assert!((measured - peak).abs() < 0.0001, "{index}: {measured} {peak}");
        assert_eq!(channel["overs"], if index == 4 { 12 } else { 0 });
    }
    let readme = readme(project, "d");
    for words in
        ["5.1, a mono file for each of L R C LFE Ls Rs", "each channel: T_M.L.wav and so on"]
    {
        assert!(readme.contains(words), "{words}\n{readme}");
    }
}

#[test]
fn files_of_single_channels_obey_the_laws() {
    let mut random = Random::new(3);
    let (mut bed, voice) = wide(&mut random);
    let split = "  d: { spec: ./split.yaml, mixes: [pm] }\n";
    let both =
        format!("{split}  e: {{ spec: ./split.yaml, mixes: [pm], channels: interleaved }}\n");
    let project = Project::new();
    project.write("split.yaml", "channels: multi-mono\n");
    project.audio("voice.wav", &voice.wav());
    let step = |bed: &Sound, packages: &str, what: &str| {
        project.manifest(&format!("{WIDE}{packages}"));
        project.audio("bed.wav", &bed.wav_masked(0x60F));
        let made = rendered(&project.build());
        assert!(project.build().packages.iter().all(|package| !package.published), "{what}");
        project.assert_clean(what);
        made
    };
    let all: Vec<usize> = (0..4).collect();
    let made = step(&bed, split, "a set");
    assert!(made.len() == 6 && made.values().all(|segments| *segments == all), "{made:?}");
    // The same print interleaved beside it, and the set alone again.
    step(&bed, &both, "a set and one file");
    step(&bed, split, "a set alone");
    bed.scribble(&mut random, SECOND + 5, SECOND + 50);
    let made = step(&bed, split, "an edit");
    assert!(made.len() == 6 && made.values().all(|segments| segments == &[1]), "{made:?}");
    step(&bed, &format!("{split}    # a comment\n"), "nothing");
    step(&bed, &split.replace("mixes: [pm]", "mixes: [pm], channels: interleaved"), "one file");
}

#[test]
fn shaped_noise_is_what_the_shaper_makes_of_every_second_alone() {
    const RATE: usize = 44_100;
    let mut random = Random::new(5);
    let mut sound = Sound { word: Word::I24, channels: vec![vec![0.0; 3 * RATE - 500]; 2] };
    sound.scribble(&mut random, 0, 3 * RATE - 500);
    let manifest = "version: 1\nproject: { title: T }\nsession: { audio: session }\n\
        tracks: { a: a.wav }\nstems: { s: [a] }\n\
        deliverables: { d: { spec: shaped.yaml, stems: [s] } }\n";
    let project = Project::with(manifest, &[]);
    let spec = "extends: production-stems\nencoding: pcm16-shaped\ntemplate: '{name}'\n";
    project.write("shaped.yaml", spec);
    project.audio("a.wav", &sound.wav_at(RATE as u32));
    project.build();
    let delivered = |sound: &Sound| {
        let (bits, heard) = read_wav(&project.read("deliveries/d/s.wav"));
        let rate = SampleRate::new(RATE as u32).unwrap();
        let shaper = Shaper::new(Dither::for_file("d/s.wav"), rate).unwrap();
        for (channel, heard) in heard.iter().enumerate() {
            let mut expected = sound.channels[channel].clone();
            for (second, samples) in expected.chunks_mut(RATE).enumerate() {
                shaper.round(channel as u32, (second * RATE) as u64, samples);
            }
            let expected: Vec<i32> = expected.iter().map(|x| (x * 32_768.0) as i32).collect();
            assert!(bits == 16 && *heard == expected, "channel {channel}");
        }
    };
    delivered(&sound);
    assert!(readme(&project, "d").contains("16-bit, TPDF dither with shaped noise"));
    sound.scribble(&mut random, RATE + 5, RATE + 50);
    project.audio("a.wav", &sound.wav_at(RATE as u32));
    assert_eq!(rendered(&project.build())["d/s.wav"], [1]);
    delivered(&sound);
    project.assert_clean("shaped noise");
    project.write("shaped.yaml", spec.replace("pcm16-shaped", "pcm16"));
    assert_eq!(rendered(&project.build())["d/s.wav"], [0, 1, 2]);
}
