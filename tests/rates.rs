//! Conversion of rate and speed in builds: of tracks, and of packages. The converter
//! itself is held against another in `resample.rs`; here against whole signals that it
//! makes, and under the laws.

mod support;

use rebounce::dsp::resample::Resampler;
use rebounce::units::Ratio;
use support::random::Random;
use support::sound::{Sound, Word, clock_of, read_wav};
use support::{Project, RATE, SECOND, rendered};

const SECONDS: usize = 12;

fn noise(seed: u64, seconds: usize, rate: u32) -> Sound {
    let frames = seconds * rate as usize + 123;
    let mut random = Random::new(seed);
    let mut sound = Sound { word: Word::I24, channels: vec![vec![0.0; frames]; 2] };
    sound.scribble(&mut random, 0, frames);
    // Half as loud, as peaks between samples may go higher.
    sound.channels.iter_mut().flatten().for_each(|x| *x = (*x * 4e6).round() / 8_388_608.0);
    sound
}

/// One whole channel, converted.
fn converted(channel: &[f64], ratio: &str) -> Vec<f64> {
    let ratio = Ratio::parse(ratio).unwrap();
    let resampler = Resampler::new(ratio).unwrap();
    let frames = ratio.frames(channel.len() as u64);
    let heard = resampler.heard(0..frames);
    let at = |n: i64| usize::try_from(n).ok().and_then(|n| channel.get(n)).copied();
    let input: Vec<f64> = heard.clone().map(|n| at(n).unwrap_or(0.0)).collect();
    resampler.process(heard.start, &[&input], 0..frames).remove(0)
}

fn written(x: f64) -> i32 {
    (x * 8_388_608.0).round() as i32
}

const STEM: &str = "deliverables: { d: { spec: production-stems, stems: [s] } }\n";

fn manifest(session: &str, track: &str, rest: &str) -> String {
    format!(
        "version: 1\nproject: {{ title: T }}\nsession: {{ audio: session, {session} }}\n\
         tracks: {{ a: {track}, b: b.wav }}\nstems: {{ s: [a], t: [b] }}\n{rest}"
    )
}

/// A project whose track `a` is at `rate` and `b` at the programme's.
fn project(manifest: &str, rate: u32) -> (Project, Sound, Sound) {
    let (a, b) = (noise(1, SECONDS, rate), noise(2, SECONDS, RATE));
    let project = Project::with(manifest, &[("b.wav", &b)]);
    project.audio("a.wav", &a.wav_at(rate));
    project.build();
    (project, a, b)
}

fn delivered(project: &Project, path: &str) -> Vec<Vec<i32>> {
    read_wav(&project.read(&format!("deliveries/d/{path}"))).1
}

#[test]
fn a_track_at_another_rate_is_converted_where_it_stands() {
    let session = format!("sample_rate: {RATE}, convert: true");
    let track = "{ file: a.wav, at: 2.5 }";
    for (rate, ratio) in [(11_025, "320/441"), (44_100, "80/441"), (12_000, "2/3")] {
        let (project, a, _) = project(&manifest(&session, track, STEM), rate);
        for (channel, heard) in delivered(&project, "T_s.wav").iter().enumerate() {
            let mut expected = vec![0; 5 * SECOND / 2];
            expected.extend(converted(&a.channels[channel], ratio).into_iter().map(written));
            assert!(*heard == expected, "{rate} Hz, channel {channel}");
        }
    }
}

#[test]
fn a_converted_track_is_trimmed_and_faded_in_the_time_of_the_programme() {
    let session = format!("sample_rate: {RATE}, convert: true");
    let track = "{ file: a.wav, at: 1, trim: { from: 1.25 s, to: 30000 samples }, fade_in: 0.5 s }";
    let (project, a, _) = project(&manifest(&session, track, STEM), 12_000);
    let source = converted(&a.channels[0], "2/3");
    let heard = &delivered(&project, "T_s.wav")[0];
    for (frame, x) in heard.iter().enumerate() {
        let expected = match frame.checked_sub(SECOND) {
            Some(n) if n < 20_000 => source[10_000 + n] * ((n as f64 + 0.5) / 4_000.0).min(1.0),
            _ => 0.0,
        };
        assert!((x - written(expected)).abs() <= 1, "{frame}: {x}");
    }
}

#[test]
fn a_track_is_played_faster_and_the_read_me_says_how_much_higher() {
    let track = "{ file: a.wav, speed: 25/24 }";
    let (project, a, _) = project(&manifest("layout: stereo", track, STEM), RATE);
    let expected: Vec<i32> = converted(&a.channels[1], "24/25").into_iter().map(written).collect();
    let heard = &delivered(&project, "T_s.wav")[1];
    assert!(heard[..expected.len()] == expected);
    // The programme is as long as the other track.
    assert!(
        heard[expected.len()..].iter().all(|x| *x == 0) && heard.len() == SECONDS * SECOND + 123
    );
    let readme = String::from_utf8(project.read("deliveries/d/README.txt")).unwrap();
    assert!(readme.contains("a: played at 25/24 of its speed: 70.67 cents higher"), "{readme}");
}

const PACKAGE: &str = "mixes: { full: [s, t] }\nsections: { verse: { from: 2, to: 5.5 } }\n\
    deliverables:\n  d: { spec: production-stems, stems: all, mixes: [full], sample_rate: 11025 }\n\
    \x20 parts: { spec: production-stems, stems: [s], sample_rate: 11025, sections: all }\n";

#[test]
fn a_package_at_another_rate_is_its_whole_programme_converted() {
    let (project, a, b) = project(&manifest("layout: stereo", "a.wav", PACKAGE), RATE);
    let bytes = project.read("deliveries/d/T_s.wav");
    assert_eq!(clock_of(&bytes).0, 11_025);
    for channel in 0..2 {
        let stem = converted(&a.channels[channel], "441/320");
        let expected: Vec<i32> = stem.iter().copied().map(written).collect();
        assert!(delivered(&project, "T_s.wav")[channel] == expected);
        let sum: Vec<f64> =
            a.channels[channel].iter().zip(&b.channels[channel]).map(|(a, b)| a + b).collect();
        let expected: Vec<i32> = converted(&sum, "441/320").into_iter().map(written).collect();
        assert!(delivered(&project, "T_full.wav")[channel] == expected);
        // A section is cut out of the converted stem: nothing rings at its ends.
        let part = read_wav(&project.read("deliveries/parts/T_s_verse.wav")).1;
        let (from, to) = (2 * 11_025, 11_025 * 11 / 2 + 1);
        let expected: Vec<i32> = stem[from..to].iter().copied().map(written).collect();
        assert!(part[channel] == expected, "{} and {}", part[channel].len(), expected.len());
    }
    let readme = String::from_utf8(project.read("deliveries/d/README.txt")).unwrap();
    assert!(readme.contains("sample rate converted from 8000 Hz to 11025 Hz"), "{readme}");
    assert!(readme.contains("11025 Hz"), "{readme}");
    let qc = String::from_utf8(project.read("deliveries/d/qc.json")).unwrap();
    assert!(qc.contains("\"sample_rate\": 11025") && qc.contains("\"verdict\": \"pass\""), "{qc}");
}

#[test]
fn film_sped_up_keeps_its_picture_frames_its_label_and_its_pop() {
    let session = "frame_rate: 24, start: \"00:59:56:00\", first_frame: \"01:00:00:00\", \
                   last_frame: \"01:00:07:00\"";
    let package = "deliverables: { d: { spec: production-stems, stems: [s], speed: 25/24, \
                   head: { pop: 2 s before first_frame } } }\n";
    let (project, a, _) = project(&manifest(session, "a.wav", package), RATE);
    let bytes = project.read("deliveries/d/T_s.wav");
    // The first frame of action is 96 frames in: at 25 a second they begin at 00:59:56:04.
    let start = 25 * (59 * 60 + 56) + 4;
    assert_eq!(clock_of(&bytes), (RATE, start * u64::from(RATE) / 25));
    let heard = &delivered(&project, "T_s.wav")[0];
    let mut expected: Vec<f64> = converted(&a.channels[0], "24/25");
    // The pop is made after the change of speed: one frame of 1 kHz, two seconds before.
    let pop = (96 - 50) * 320;
    for (n, x) in expected[pop..pop + 320].iter_mut().enumerate() {
        *x += 0.1 * (std::f64::consts::TAU * n as f64 / 8.0).sin();
    }
    assert_eq!(heard.len(), expected.len());
    for (frame, (x, y)) in heard.iter().zip(&expected).enumerate() {
        assert!((x - written(*y)).abs() <= 1, "{frame}: {x}, {}", written(*y));
    }
    let readme = String::from_utf8(project.read("deliveries/d/README.txt")).unwrap();
    for told in ["played at 25/24 of its speed: 70.67 cents higher", "25 fps", "01:00:00:00"] {
        assert!(readme.contains(told), "{told}: {readme}");
    }
}

#[test]
fn only_the_seconds_that_hear_a_change_are_rendered() {
    let session = format!("sample_rate: {RATE}, convert: true");
    let package = "deliverables:\n  d: { spec: production-stems, stems: [s] }\n\
                   \x20 e: { spec: production-stems, stems: [s], sample_rate: 16000 }\n";
    let (project, mut a, _) = project(&manifest(&session, "a.wav", package), 12_000);
    let mut random = Random::new(9);
    a.scribble(&mut random, 5 * 12_000 + 700, 5 * 12_000 + 720);
    project.audio("a.wav", &a.wav_at(12_000));
    let built = rendered(&project.build());
    // A second of a conversion hears the edges of both beside it, and one of a conversion
    // of that again.
    assert_eq!(built["d/T_s.wav"], [4, 5, 6]);
    assert_eq!(built["e/T_s.wav"], [3, 4, 5, 6, 7]);
    project.assert_clean("an edit");
}

/// Everything of a package is rendered again after a setting has changed.
#[track_caller]
fn changes_all(was: &str, now: &str) {
    let session = format!("sample_rate: {RATE}, convert: true");
    let package = "deliverables: { d: { spec: production-stems, stems: [s], \
                   sample_rate: 16000, speed: 24/25 } }\n";
    let before = manifest(&session, "{ file: a.wav, speed: 1001/1000 }", package);
    assert_eq!(before.matches(was).count(), 1, "{was}");
    let (project, ..) = project(&before, 12_000);
    project.manifest(&before.replace(was, now));
    let built = rendered(&project.build());
    // The last second of each file is not whole, and may hold nothing.
    let seconds = built.get("d/T_s.wav").map_or(0, Vec::len);
    assert!(seconds >= SECONDS - 1, "{seconds}");
    project.assert_clean(now);
    assert_eq!(rendered(&project.build()).len(), 0, "the second time");
}

#[test]
fn the_speed_of_a_track_is_a_part_of_the_key() {
    changes_all("speed: 1001/1000", "speed: 1000/1001");
}

#[test]
fn the_rate_of_a_package_is_a_part_of_the_key() {
    changes_all("sample_rate: 16000", "sample_rate: 22050");
}

#[test]
fn the_speed_of_a_package_is_a_part_of_the_key() {
    changes_all("speed: 24/25", "speed: 25/24");
}

#[test]
fn where_a_converted_track_stands_is_a_part_of_the_key() {
    changes_all("{ file: a.wav,", "{ file: a.wav, at: 1 sample,");
}

#[test]
fn a_mix_at_another_rate_nulls_against_its_print_and_its_stems() {
    let (a, b) = (noise(1, SECONDS, RATE), noise(2, SECONDS, RATE));
    let mut print = a.clone();
    for (sum, b) in print.channels.iter_mut().flatten().zip(b.channels.iter().flatten()) {
        *sum += b;
    }
    let rest = "mixes: { full: { from: [s, t], reference: print.wav } }\n\
                deliverables:\n  d: { spec: production-stems, stems: all, mixes: all, sample_rate: 12000 }\n\
                \x20 e: { spec: production-stems, stems: all, speed: 24/25 }\n";
    let text = manifest("layout: stereo", "a.wav", rest);
    let audio = [("a.wav", &a), ("b.wav", &b), ("print.wav", &print)];
    let project = Project::with(&text, &audio);
    project.build();
    for package in ["d", "e"] {
        let qc = String::from_utf8(project.read(&format!("deliveries/{package}/qc.json"))).unwrap();
        let qc: serde_json::Value = serde_json::from_str(&qc).unwrap();
        let nulls = qc["nulls"].as_array().unwrap();
        assert_eq!(nulls.len(), if package == "d" { 2 } else { 1 }, "{qc:#}");
        let verdicts = nulls.iter().map(|null| null["verdict"].as_str().unwrap());
        assert!(verdicts.clone().all(|verdict| verdict == "quantisation"), "{qc:#}");
        assert!(nulls.iter().all(|null| null["length_difference"] == 0), "{qc:#}");
    }
}

#[test]
fn any_edits_and_any_threads_give_what_a_clean_build_gives() {
    let session = "sample_rate: 8000, convert: true, tail: 0.7 s";
    let (a, b) = (noise(1, 3, 11_025), noise(2, 4, RATE));
    let mut random = Random::new(77);
    let project = Project::with("", &[("b.wav", &b)]);
    let mut sound = a;
    for round in 0..6 {
        let speed = random.pick(&["1001/1000", "25/24", "24/25", "3/2"]).to_string();
        let rate = random.pick(&["8000", "11025", "16000"]).to_string();
        let at = random.below(20_000);
        let track = format!("{{ file: a.wav, speed: {speed}, at: {at} samples }}");
        let rest = format!(
            "mixes: {{ full: [s, t] }}\ndeliverables:\n  d: {{ spec: production-stems, stems: all, \
             mixes: all, sample_rate: {rate} }}\n  e: {{ spec: production-stems, mixes: [full], \
             speed: {speed} }}\n"
        );
        project.manifest(&manifest(session, &track, &rest));
        let from = random.below(sound.frames() - 3_000);
        sound.scribble(&mut random, from, from + 2_000);
        project.audio("a.wav", &sound.wav_at(11_025));
        project.build();
        project.assert_clean(&format!("round {round}: {speed}, {rate}, {at}"));
    }
}
