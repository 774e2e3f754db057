//! What files are called: the house templates of the trade, and names that are
//! refused. No audio is read: a file says `rate channels frames`.

use std::fs;
use std::path::Path;

use rebounce::audio::{AudioError, AudioInfo, Pcm};
use rebounce::fsio::Disk;
use rebounce::manifest;

fn probe(path: &Path) -> Result<AudioInfo, AudioError> {
    let text = fs::read_to_string(path)?;
    let numbers: Vec<u32> = text.split(' ').map(|number| number.parse().unwrap()).collect();
    Ok(AudioInfo {
        container: "WAV".into(),
        sample_rate: numbers[0],
        channels: numbers[1] as u16,
        frames: u64::from(numbers[2]),
        pcm: Pcm::I24,
        bits: 24,
        float: false,
        channel_mask: None,
        time_reference: None,
    })
}

/// The files of the first package, or all that is wrong.
fn names(manifest: &str, house: &str) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    place("kick.wav", "48000 1 480000");
    place("pad.wav", "48000 2 480000");
    place("bed.wav", "48000 6 480000");
    place("house.yaml", house);
    place("d.yaml", manifest);
    let loaded = manifest::load(&Disk::new(), &folder.path().join("d.yaml"));
    let loaded = loaded.map_err(|wrong| wrong.render(false))?;
    let (delivery, found) = manifest::resolve(loaded, &Disk::new(), &mut probe, false);
    let files = delivery.ok_or_else(|| found.render(false))?.deliverables.remove(0).files;
    Ok(files.into_iter().map(|file| file.path).collect())
}

const SONG: &str = r#"
version: 1
project:
  title: Body and Soul
  artist: The Example
  composer: Lena Hart
  mixer: Ada Bell
  revision: v04
  date: 2026-11-25
session: { tempo: 96 }
tracks: { kick: kick.wav, pad: pad.wav }
stems: { keys: [pad], Guitar: [pad] }
mixes: { Main: [keys], Main Inst: [keys] }
deliverables: { out: { spec: ./house.yaml, stems: [STEMS], mixes: [MIXES] } }
"#;

const FILM: &str = r#"
version: 1
project: { title: chefs table, part: s02e02, revision: v04 }
session: { frame_rate: 23.976, layout: "5.1" }
tracks: { dx: bed.wav, fx: bed.wav }
stems: { D: { from: [dx], role: dialogue }, E: { from: [fx], role: effects } }
mixes:
  pm: { from: [D, E], role: print-master }
  pm2: { from: pm, role: print-master, layout: stereo, downmix: { kind: lo-ro } }
deliverables: { out: { spec: ./house.yaml, stems: all, mixes: all } }
"#;

fn song(stems: &str, mixes: &str) -> String {
    SONG.replace("STEMS", stems).replace("MIXES", mixes)
}

/// Netflix, sound mastering (1500000261101).
const NETFLIX: &str = r#"
template: "{project}_{part}_{revision}_{role}_Nearfield_{layout:ch}_{rate}_{bits:b}_{fps:digits}.{channel?}"
role_names: { print-master: PM, m-and-e: ME, dialogue: DIAStem, music: MXStem, effects: FXStem }
"#;

/// Netflix, music archive: masters and stems.
const NETFLIX_MUSIC: &str = r#"
template: "{composer:initials}_{project:camel}_MASTER_{rate}_{bits:b}_{layout:ch}_{channel?}_{revision}"
stem_template: "{composer:initials}_{project:camel}_STEM_{name}_{rate}_{bits:b}_{layout:ch}_{channel?}_{revision}"
"#;

#[test]
fn the_house_templates_of_the_trade() {
    let netflix = [
        "chefs_table_s02e02_v04_DIAStem_Nearfield_6ch_48k_24b_23976.wav",
        "chefs_table_s02e02_v04_FXStem_Nearfield_6ch_48k_24b_23976.wav",
        "chefs_table_s02e02_v04_PM_Nearfield_6ch_48k_24b_23976.wav",
        "chefs_table_s02e02_v04_PM_Nearfield_2ch_48k_24b_23976.wav",
    ];
    assert_eq!(names(FILM, NETFLIX).as_deref(), Ok(netflix.map(String::from).as_slice()));
    let wing =
        "{artist:initials}_{project:camel:14}_{mixer:initials}{revision}_{name}_{rate}{bits}";
    let universal = "{artist:camel}_{project:camel}_{name:camel}_{bpm}_{date:mmddyyyy}";
    for (house, stems, mixes, expected) in [
        (
            NETFLIX_MUSIC.to_owned(),
            "keys",
            "Main",
            [
                "LH_BodyAndSoul_STEM_keys_48k_24b_2ch_v04.wav",
                "LH_BodyAndSoul_MASTER_48k_24b_2ch_v04.wav",
            ],
        ),
        // The Recording Academy's P&E Wing: a title of fewer than 15 characters.
        (
            format!("template: \"{wing}\""),
            "keys",
            "Main",
            ["TE_BodyAndSoul_ABv04_keys_48k24.wav", "TE_BodyAndSoul_ABv04_Main_48k24.wav"],
        ),
        // Universal Music.
        (
            format!("template: \"{universal}\""),
            "keys",
            "Main",
            [
                "TheExample_BodyAndSoul_Keys_96_11252026.wav",
                "TheExample_BodyAndSoul_Main_96_11252026.wav",
            ],
        ),
        // Production libraries.
        (
            "legal: \"A-Za-z0-9._ -\"\ntemplate: \"{project}-{name}\"\n\
             stem_template: \"{project}_Main_Stems/{project}_Main_{name}\""
                .to_owned(),
            "Guitar",
            "Main Inst",
            [
                "Body and Soul_Main_Stems/Body and Soul_Main_Guitar.wav",
                "Body and Soul-Main Inst.wav",
            ],
        ),
    ] {
        let found = names(&song(stems, mixes), &house);
        assert_eq!(found.as_deref(), Ok(expected.map(String::from).as_slice()), "{house}");
    }
}

#[test]
fn a_file_without_a_role_goes_by_its_name() {
    let found = names(&song("keys", "Main"), "template: \"{project:camel}_{role}\"");
    let expected = ["BodyAndSoul_keys.wav", "BodyAndSoul_Main.wav"];
    assert_eq!(found.as_deref(), Ok(expected.map(String::from).as_slice()));
}

#[test]
fn fields_that_may_be_left_out_are_and_others_are_asked_for() {
    let manifest = song("keys", "").replace("  date: 2026-11-25\n", "");
    let found = names(&manifest, "template: \"{project:camel}_{date?}_{part?}_{name}\"");
    assert_eq!(found, Ok(vec!["BodyAndSoul_keys.wav".to_owned()]));
    let found = names(&manifest, "template: \"{project:camel}_{date}_{part?}_{fps}_{name}\"");
    let text = found.unwrap_err();
    assert!(text.contains("names files by the project's date"), "{text}");
    assert!(text.contains("names files by the frame rate"), "{text}");
    assert!(text.ends_with("2 errors\n"), "{text}");
}

#[test]
fn no_two_files_share_a_name_and_none_is_another_s_folder() {
    let clash = |template: &str| names(&song("keys, Guitar", ""), template).unwrap_err();
    for template in
        ["template: \"{project}\"", "template: \"stems/{layout}\"", "stem_template: \"{rate}\""]
    {
        let text = clash(template);
        assert!(text.contains("error: two files of `out` are called "), "{text}");
    }
    // A mix of its own name in the folder that a stem's file would be.
    let house = "template: \"keys.wav/{name}\"\nstem_template: \"{name}\"";
    let text = names(&song("keys", "Main"), house).unwrap_err();
    assert!(text.contains("two files of `out` are called `keys.wav/Main.wav`"), "{text}");
    let text = names(&song("keys", "Main"), "template: \"qc.JSON/{name}\"").unwrap_err();
    assert!(text.contains("rebounce writes a file of this name"), "{text}");
}
