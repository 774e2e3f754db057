//! Versions: dubs and clean edits differ from the original where they say, and
//! nowhere else; each is proven, and each is rendered again alone.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use rebounce::audio::reader::probe;
use rebounce::fsio::Disk;
use rebounce::manifest;
use rebounce::manifest::delivery::{Action, Content, Delivery};
use serde_json::Value;
use support::random::Random;
use support::sound::{Sound, Word, read_wav};
use support::{Project, SECOND, rendered};

const SECONDS: usize = 6;

const DUBS: &str = r#"version: 1
project: { title: Film }
session: { audio: session }
tracks: { dx: dx.wav, adr: adr.wav, mx: mx.wav, fx: fx.wav }
stems:
  D: { from: [dx, adr], gain: -1, process: [{ limit: -3 }] }
  M: [mx]
  E: [fx]
mixes:
  print-master: { from: [D, M, E], reference: PM.wav }
  me: { from: print-master, without: [D] }
  mono: { from: [D, M, E], process: [{ gain: -6 }] }
versions:
  fr: { language: fr-FR, replace: { D: dub/fr.wav }, references: { print-master: dub/fr_PM.wav } }
  es: { language: es-ES, replace: { D: { file: dub/es.wav, gain: -2 } } }
  clean: { replace: { dx: clean.wav } }
  silent: { without: [adr] }
deliverables:
  film: { spec: production-stems, stems: all, mixes: [print-master] }
  dubs: { spec: production-stems, stems: all, mixes: all, versions: all }
  both: { spec: production-stems, mixes: [print-master], versions: [original, fr] }
"#;

/// The sounds of the film by their files.
fn sounds(random: &mut Random) -> Vec<(&'static str, Sound)> {
    let names = ["dx.wav", "adr.wav", "mx.wav", "fx.wav", "clean.wav", "dub/fr.wav", "dub/es.wav"];
    let sound = |name| (name, Sound::random(random, Word::I24, 2, SECONDS * SECOND));
    names.map(sound).into()
}

/// The sum of sounds, as a print of them.
fn print(sounds: &[(&str, Sound)], names: &[&str]) -> Sound {
    let find = |name: &&str| &sounds.iter().find(|(known, _)| known == name).unwrap().1;
    let mut sum = find(&names[0]).clone();
    for sound in names[1..].iter().map(find) {
        for (channel, other) in sum.channels.iter_mut().zip(&sound.channels) {
            channel.iter_mut().zip(other).for_each(|(x, y)| *x += y);
        }
    }
    sum
}

fn film(random: &mut Random) -> (Project, Vec<(&'static str, Sound)>) {
    let sounds = sounds(random);
    let project = Project::new();
    project.manifest(DUBS);
    sounds.iter().for_each(|(name, sound)| project.audio(name, &sound.wav()));
    project.audio("PM.wav", &print(&sounds, &["mx.wav", "fx.wav"]).wav());
    let french = print(&sounds, &["dub/fr.wav", "mx.wav", "fx.wav"]);
    project.audio("dub/fr_PM.wav", &french.wav());
    (project, sounds)
}

fn samples(project: &Project, path: &str) -> Vec<Vec<i32>> {
    read_wav(&project.read(&format!("deliveries/{path}"))).1
}

/// The channels of a sound as whole numbers of 24 bits.
fn whole(sound: &Sound) -> Vec<Vec<i32>> {
    let channel = |channel: &Vec<f64>| channel.iter().map(|x| (x * 8_388_608.0) as i32).collect();
    sound.channels.iter().map(channel).collect()
}

/// The null tests of a package: mix, reference, parts, verdict.
fn nulls(project: &Project, package: &str) -> Vec<(String, String, Vec<String>, String)> {
    let report = project.read(&format!("deliveries/{package}/qc.json"));
    let report: Value = serde_json::from_slice(&report).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("stems").to_owned();
    let null = |null: &Value| {
        let parts = null["parts"].as_array().unwrap().iter().map(text).collect();
        (text(&null["of"]), text(&null["reference"]), parts, text(&null["verdict"]))
    };
    report["nulls"].as_array().unwrap().iter().map(null).collect()
}

#[test]
fn a_dub_differs_in_what_it_replaces_and_nowhere_else() {
    let (project, sounds) = film(&mut Random::new(1));
    project.build();
    let files: Vec<String> = project.outputs().into_keys().collect();
    let wavs = |package: &str| {
        let prefix = format!("deliveries/{package}/");
        let inside = files.iter().filter_map(|path| path.strip_prefix(&prefix));
        inside.filter(|path| path.ends_with(".wav")).count()
    };
    // Three stems and three mixes in four versions; the original is not asked for.
    assert_eq!((wavs("film"), wavs("dubs"), wavs("both")), (4, 24, 2));
    // The dub is the stem, without the level and the limiter of the original.
    let dub = |name: &str| whole(&sounds.iter().find(|(known, _)| *known == name).unwrap().1);
    assert_eq!(samples(&project, "dubs/Film_D_fr.wav"), dub("dub/fr.wav"));
    let french = whole(&print(&sounds, &["dub/fr.wav", "mx.wav", "fx.wav"]));
    assert_eq!(samples(&project, "dubs/Film_print-master_fr.wav"), french);
    for version in ["fr", "es", "clean", "silent"] {
        for name in ["M", "E"] {
            let (ours, theirs) =
                (format!("dubs/Film_{name}_{version}.wav"), format!("film/Film_{name}.wav"));
            assert_eq!(samples(&project, &ours), samples(&project, &theirs), "{ours}");
        }
        let me = samples(&project, &format!("dubs/Film_me_{version}.wav"));
        assert_eq!(me, whole(&print(&sounds, &["mx.wav", "fx.wav"])), "{version}");
        let stem = samples(&project, &format!("dubs/Film_D_{version}.wav"));
        assert_ne!(stem, samples(&project, "film/Film_D.wav"), "{version}");
    }
    // A track that is replaced goes through the chain of its stem: -1 dB, then -3 dBTP.
    let replaced = DUBS.replace("[dx, adr], gain", "[dx_clean, adr], gain");
    let replaced = replaced.replace("dx: dx.wav", "dx: dx.wav, dx_clean: clean.wav");
    let other = Project::new();
    other.manifest(&replaced.split("versions:").next().unwrap().replace(", reference: PM.wav", ""));
    let text = std::fs::read_to_string(other.path("deliverables.yaml")).unwrap();
    other.manifest(&format!(
        "{text}deliverables: {{ film: {{ spec: production-stems, stems: [D] }} }}\n"
    ));
    sounds.iter().for_each(|(name, sound)| other.audio(name, &sound.wav()));
    other.build();
    assert_eq!(samples(&project, "dubs/Film_D_clean.wav"), samples(&other, "film/Film_D.wav"));
}

#[test]
fn each_version_nulls_against_its_own_stems_and_its_own_print() {
    let (project, _) = film(&mut Random::new(2));
    project.build();
    let dubs = nulls(&project, "dubs");
    let has = |of: &str, reference: &str, parts: &[&str]| {
        let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        let null = (of.to_owned(), reference.to_owned(), parts, "exact".to_owned());
        assert!(dubs.contains(&null), "{null:?} is not in {dubs:#?}");
    };
    has("Film_print-master_fr.wav", "dub/fr_PM.wav", &["print-master (fr)"]);
    has("Film_print-master_fr.wav", "stems", &["D (fr)", "M", "E"]);
    has("Film_print-master_es.wav", "stems", &["D (es)", "M", "E"]);
    has("Film_me_clean.wav", "stems", &["M", "E"]);
    // The print of the original is no print of a dub.
    assert!(dubs.iter().all(|(_, reference, ..)| reference != "PM.wav"), "{dubs:#?}");
    assert!(nulls(&project, "film").iter().any(|(_, reference, ..)| reference == "PM.wav"));
    let page = String::from_utf8(project.read("deliveries/dubs/README.txt")).unwrap();
    assert!(page.contains("Version fr, in fr-FR"), "{page}");
    assert!(page.contains("Version clean\n"), "{page}");
}

#[test]
fn a_word_of_one_dub_renders_that_dub_alone() {
    let mut random = Random::new(3);
    let (project, mut sounds) = film(&mut random);
    project.build();
    let spanish = &mut sounds.iter_mut().find(|(name, _)| *name == "dub/es.wav").unwrap().1;
    spanish.scribble(&mut random, 2 * SECOND + 10, 3 * SECOND - 10);
    project.audio("dub/es.wav", &spanish.wav());
    let before = project.outputs();
    let outcome = project.build();
    let rendered = rendered(&outcome);
    let expected = ["dubs/Film_D_es.wav", "dubs/Film_mono_es.wav", "dubs/Film_print-master_es.wav"];
    assert_eq!(rendered.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    assert!(rendered.values().all(|segments| *segments == [2]), "{rendered:?}");
    // Those files are written and no other; of the rest, the reports of their package.
    let written = outcome.packages.iter().flat_map(|package| {
        let built = package.files.iter().filter(|file| file.built);
        built.map(|file| format!("{}/{}", package.name, file.path))
    });
    assert_eq!(written.collect::<BTreeSet<_>>(), expected.map(str::to_owned).into());
    let after = project.outputs();
    let differs = |path: &&String| before[*path] != after[*path];
    let changed: Vec<&str> = after.keys().filter(differs).map(String::as_str).collect();
    let reports = ["QC.html", "README.txt", "checksums.b3", "qc.json"];
    let mut all: Vec<String> = reports.map(|name| format!("deliveries/dubs/{name}")).into();
    all.extend(expected.map(|path| format!("deliveries/{path}")));
    all.sort();
    assert_eq!(changed, all);
    project.assert_clean("after a word of Spanish");
    // Another language changes no file of the others.
    project.manifest(&DUBS.replace("  clean:", "  de: { replace: { D: [mx] } }\n  clean:"));
    let rendered = support::rendered(&project.build());
    assert!(rendered.keys().all(|path| path.contains("_de.wav")), "{rendered:?}");
    project.assert_clean("after German");
}

#[test]
fn what_a_version_takes_out_is_not_delivered() {
    let mut random = Random::new(4);
    let (project, _) = film(&mut random);
    project.manifest(&DUBS.replace("without: [adr]", "without: [M, E]"));
    project.build();
    let outputs = project.outputs();
    let here =
        |name: &str| outputs.contains_key(&format!("deliveries/dubs/Film_{name}_silent.wav"));
    assert!(here("D") && here("print-master") && here("mono"));
    // Nothing is left of the M&E.
    assert!(!here("M") && !here("E") && !here("me"));
    let print = samples(&project, "dubs/Film_print-master_silent.wav");
    assert_eq!(print, samples(&project, "dubs/Film_D_silent.wav"));
    project.assert_clean("without music and effects");
}

/// A film of so many dubs in 5.1 and 2.0.
fn many(dubs: usize) -> String {
    let mut text = String::from(
        "version: 1\nproject: { title: Film }\nsession: { audio: session, layout: \"5.1\" }\n\
         tracks: { dx: dx.wav, mx: mx.wav, fx: fx.wav }\nstems: { D: [dx], M: [mx], E: [fx] }\n\
         mixes:\n  pm: [D, M, E]\n  pm-2.0: { from: pm, downmix: { kind: lo-ro } }\nversions:\n",
    );
    for dub in 0..dubs {
        text.push_str(&format!("  v{dub}: {{ replace: {{ D: dub{dub}.wav }} }}\n"));
    }
    text + "deliverables:\n  dubs: { spec: production-stems, mixes: all, versions: all }\n"
}

fn resolve(project: &Project) -> Delivery {
    let loaded = manifest::load(&Disk::new(), &project.path("deliverables.yaml")).unwrap();
    let header = &mut |path: &Path| probe(std::fs::File::open(path)?);
    let (delivery, diagnostics) = manifest::resolve(loaded, &Disk::new(), header, false);
    delivery.unwrap_or_else(|| panic!("{}", diagnostics.render(false)))
}

#[test]
fn what_is_normalised_by_the_dialogue_is_so_by_its_dub() {
    let (project, _) = film(&mut Random::new(6));
    let by_dialogue = "{ from: [mx], process: [{ normalize: { loudness: -23, by: D } }] }";
    project.manifest(&DUBS.replace("M: [mx]", &format!("M: {by_dialogue}")));
    let delivery = resolve(&project);
    let names = |package: usize| {
        let files = &delivery.deliverables[package].files;
        files.iter().map(|file| delivery.content_name(file.content)).collect::<Vec<_>>()
    };
    assert_eq!(names(0), ["D", "M", "E", "print-master"]);
    assert_eq!(names(1)[..4], ["D (fr)", "M (fr)", "E", "print-master (fr)"]);
    let Content::Stem(music) = delivery.deliverables[1].files[1].content else { panic!("a stem") };
    let Action::Normalize(normalize) = &delivery.stem(music).process[0].action else {
        panic!("a normalisation")
    };
    assert_eq!(normalize.by, Some(delivery.deliverables[1].files[0].content.part()));
}

const EVERYTHING: &str = r#"version: 1
project: { title: Film }
session:
  audio: session
  frame_rate: 25
  start: "00:59:58:01"
  first_frame: "01:00:00:00"
  last_frame: "01:00:03:24"
  tempo: 60
  meter: 4/4
tracks: { dx: dx.wav, mx: mx.wav }
stems:
  D: { from: [dx], process: [{ gain: -6 }] }
  M: { from: [mx], process: [{ gain: -6 }] }
mixes:
  pm: [D, M]
  short: { from: pm, edit: [{ from: 3.5, to: 5 }, { from: 1, to: 2.25 }] }
  left: { from: pm, layout: mono, downmix: { matrix: { M: { L: 0 } } } }
sections: { end: { from: 4, to: 5.5 } }
versions:
  fr: { replace: { D: dub/fr.wav } }
  es: { replace: { dx: { file: dub/es.wav, polarity: invert } } }
  click: { replace: { M: { click: -12 } } }
deliverables:
  cut: { spec: production-stems, stems: all, mixes: [pm], sections: all, versions: [original, fr] }
  framed: { spec: production-stems, stems: all, versions: all, wet: true, dry: true,
    head: { pop: 2 s before first_frame } }
  edits: { spec: production-stems, mixes: [short], versions: [fr] }
  folded: { spec: production-stems, mixes: [left], versions: [fr] }
  apart: { spec: production-stems, tracks: [dx], mixes: [pm], channels: multi-mono,
    versions: [fr, es] }
"#;

/// A sum of sounds, each times a factor, as whole numbers of 24 bits.
fn summed(sounds: &[(&str, Sound)], terms: &[(&str, f64)]) -> Vec<Vec<f64>> {
    let find = |name: &str| &sounds.iter().find(|(known, _)| *known == name).unwrap().1;
    let frames = find(terms[0].0).frames();
    let at = |channel: usize, n: usize| {
        terms.iter().map(|(name, factor)| find(name).channels[channel][n] * factor).sum::<f64>()
    };
    (0..2).map(|channel| (0..frames).map(|n| at(channel, n) * 8_388_608.0).collect()).collect()
}

/// Asserts that what is behind the first `skip` frames of a file are these samples. One
/// step of 24 bits is granted where a gain has left the grid; a sample of another second
/// is thousands of steps away.
#[track_caller]
fn assert_holds(project: &Project, path: &str, skip: usize, expected: &[Vec<f64>]) {
    let heard = samples(project, path);
    assert_eq!(heard.len(), expected.len(), "{path}");
    for (heard, expected) in heard.iter().zip(expected) {
        let heard = &heard[skip..];
        assert_eq!(heard.len(), expected.len(), "{path}");
        let mut pairs = heard.iter().zip(expected);
        let off = pairs.position(|(x, y)| (f64::from(*x) - y).abs() > 1.0);
        assert_eq!(off, None, "{path}");
    }
}

fn ranges(channels: &[Vec<f64>], parts: &[std::ops::Range<usize>]) -> Vec<Vec<f64>> {
    let of = |channel: &Vec<f64>| {
        let parts: Vec<&[f64]> = parts.iter().map(|part| &channel[part.clone()]).collect();
        parts.concat()
    };
    channels.iter().map(of).collect()
}

#[test]
fn sections_heads_edits_and_fold_downs_are_made_of_the_dub() {
    let mut random = Random::new(7);
    let sounds = sounds(&mut random);
    let project = Project::new();
    project.manifest(EVERYTHING);
    sounds.iter().for_each(|(name, sound)| project.audio(name, &sound.wav()));
    project.build();
    let half = rebounce::units::Gain::from_db(-6.0).unwrap().linear();
    let (dub, music) = (("dub/fr.wav", 1.0), ("mx.wav", half));
    let print = summed(&sounds, &[dub, music]);
    let section = 4 * SECOND..5 * SECOND + SECOND / 2;
    let cut =
        |terms: &[(&str, f64)]| ranges(&summed(&sounds, terms), std::slice::from_ref(&section));
    assert_holds(&project, "cut/Film_D_end.wav", 0, &cut(&[("dx.wav", half)]));
    assert_holds(&project, "cut/Film_D_end_fr.wav", 0, &cut(&[dub]));
    assert_holds(&project, "cut/Film_M_end_fr.wav", 0, &cut(&[music]));
    assert_holds(
        &project,
        "cut/Film_pm_end_fr.wav",
        0,
        &ranges(&print, std::slice::from_ref(&section)),
    );
    let edit = [SECOND * 7 / 2..5 * SECOND, SECOND..SECOND * 9 / 4];
    assert_holds(&project, "edits/Film_short_fr.wav", 0, &ranges(&print, &edit));
    assert_holds(&project, "folded/Film_left_fr.wav", 0, &print[..1]);
    for (channel, name) in ["L", "R"].into_iter().enumerate() {
        let path = |what: &str| format!("apart/Film_{what}.{name}.wav");
        assert_holds(&project, &path("pm_fr"), 0, &print[channel..=channel]);
        // A track as it is goes without its polarity.
        let track = summed(&sounds, &[("dub/es.wav", 1.0)]);
        assert_holds(&project, &path("dx_es"), 0, &track[channel..=channel]);
        let track = summed(&sounds, &[("dx.wav", 1.0)]);
        assert_holds(&project, &path("dx_fr"), 0, &track[channel..=channel]);
    }
    // Behind the pop, which stands a frame before it, from the first frame of the programme on, it is what was bounced.
    for (name, terms) in [
        ("D_fr", [dub]),
        ("D_dry_fr", [dub]),
        ("D_es", [("dub/es.wav", -half)]),
        ("D_dry_es", [("dub/es.wav", -1.0)]),
        ("M_fr", [music]),
        ("M_dry_fr", [("mx.wav", 1.0)]),
    ] {
        let path = format!("framed/Film_{name}.wav");
        let pop = SECOND / 25;
        let highest = samples(&project, &path)[0][..pop].iter().map(|x| x.abs()).max().unwrap();
        assert!(highest > 838_000, "{path} has no pop: {highest}");
        let action = 0..SECONDS * SECOND;
        assert_holds(&project, &path, pop, &ranges(&summed(&sounds, &terms), &[action]));
    }
    // A click stands for the music: its first is at a beat, and between them is silence.
    let click = &samples(&project, "framed/Film_M_click.wav")[0][SECOND / 25..];
    assert!(click[SECOND..SECOND + 100].iter().any(|x| *x != 0));
    assert!(click[SECOND + SECOND / 2..2 * SECOND].iter().all(|x| *x == 0));
    // Each version sums to its own mix, but for the last bit of what has a gain.
    let cut = nulls(&project, "cut");
    let parts = |(of, _, parts, verdict): &(String, String, Vec<String>, String)| {
        assert!(["exact", "quantisation"].contains(&verdict.as_str()), "{of}: {verdict}");
        (of.clone(), parts.clone())
    };
    let of_version =
        |of: &str, dialogue: &str| (of.to_owned(), vec![dialogue.to_owned(), "M".to_owned()]);
    assert_eq!(
        cut.iter().map(parts).collect::<Vec<_>>(),
        [of_version("Film_pm_end.wav", "D"), of_version("Film_pm_end_fr.wav", "D (fr)")]
    );
    project.assert_clean("everything in versions");
}

#[test]
fn each_version_of_a_package_has_a_gain_of_its_own() {
    let mut random = Random::new(8);
    let (project, mut sounds) = film(&mut random);
    let package = "  quiet: { spec: production-stems, stems: [D, M], mixes: [me], \
                   versions: [original, fr, es], normalize: { peak: -1 } }\n";
    let (head, _) = DUBS.split_once("deliverables:").unwrap();
    project.manifest(&format!("{head}deliverables:\n{package}"));
    project.build();
    let peak = |version: &str| {
        let path = |name: &str| format!("quiet/Film_{name}{version}.wav");
        let files = ["D", "M", "me"].map(|name| samples(&project, &path(name)));
        let peak = files.iter().flatten().flatten().map(|x| x.abs()).max().unwrap();
        20.0 * (f64::from(peak) / 8_388_608.0).log10()
    };
    // A gain is one of whole hundredths of a decibel.
    for version in ["", "_fr", "_es"] {
        assert!((peak(version) + 1.0).abs() < 0.006, "{version}: {}", peak(version));
    }
    // A louder word in one dub changes the gain of its files and of no others.
    let spanish = &mut sounds.iter_mut().find(|(name, _)| *name == "dub/es.wav").unwrap().1;
    spanish.channels[0][SECOND] = 0.9375;
    project.audio("dub/es.wav", &spanish.wav());
    let rendered = rendered(&project.build());
    let expected = ["quiet/Film_D_es.wav", "quiet/Film_M_es.wav", "quiet/Film_me_es.wav"];
    assert_eq!(rendered.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    let page = String::from_utf8(project.read("deliveries/quiet/README.txt")).unwrap();
    assert!(page.contains("Versions      original, fr (fr-FR), es (es-ES)\n"), "{page}");
    assert!(page.contains("Play the stems of one version together"), "{page}");
    assert!(page.contains("\n      es: normalis"), "{page}");
    project.assert_clean("a louder word");
}

#[test]
fn the_example_of_the_readme_is_built_as_it_stands() {
    let readme = include_str!("../README.md");
    let example = readme.split("```yaml\n").find(|block| block.starts_with("versions:")).unwrap();
    let example = example.split("```").next().unwrap();
    let project = Project::new();
    project.manifest(&format!(
        "version: 1\nproject: {{ title: Film }}\n\
         session: {{ audio: session, frame_rate: 25, start: \"01:00:00:00\" }}\n\
         tracks: {{ dx: dx.wav, lead: lead.wav, mx: mx.wav, fx: fx.wav, \
         dx_de: dx_de.wav, adr_de: adr_de.wav }}\n\
         stems: {{ D: {{ from: [dx, lead], role: dialogue }}, M: {{ from: [mx], role: music }}, \
         E: {{ from: [fx], role: effects }} }}\n\
         mixes: {{ print-master: [D, M, E] }}\n{example}"
    ));
    let mut random = Random::new(9);
    let names = ["dx", "lead", "mx", "fx", "dx_de", "adr_de", "dub/es_DX", "lead_clean"];
    let mut sounds: Vec<(&str, Sound)> = Vec::new();
    for name in names.iter().chain(&["dub/fr_DX"]) {
        let sound = Sound::random(&mut random, Word::I24, 2, SECOND);
        project.audio(&format!("{name}.wav"), &sound.wav_at(48_000));
        sounds.push((name, sound));
    }
    let french = print(&sounds, &["dub/fr_DX", "mx", "fx"]);
    project.audio("dub/fr_PM.wav", &french.wav_at(48_000));
    project.build();
    let of = nulls(&project, "dubs");
    assert!(of.iter().all(|(.., verdict)| verdict == "exact"), "{of:#?}");
    // Five versions by their stems, and the French one by its print.
    assert_eq!(of.len(), 6, "{of:#?}");
}

#[test]
fn thirty_four_dubs_share_all_but_the_dialogue() {
    let mut random = Random::new(5);
    let project = Project::new();
    project.manifest(&many(34));
    let sound = Sound::random(&mut random, Word::I24, 6, SECOND);
    for name in ["dx", "mx", "fx"] {
        project.audio(&format!("{name}.wav"), &sound.wav());
    }
    (0..34).for_each(|dub| project.audio(&format!("dub{dub}.wav"), &sound.wav()));
    let delivery = resolve(&project);
    let plan = rebounce::plan::build::plan(&delivery);
    assert_eq!((plan.files.len(), plan.prints.len()), (68, 68));
    // M and E are decoded once for all of them.
    assert_eq!(plan.sources().len(), 36);
}
