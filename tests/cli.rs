//! The command line as its users meet it: every command, what it says and how it
//! ends, on a song of three seconds.

use std::fs;
use std::path::Path;
use std::process::Stdio;

mod terminal;
use terminal::{Home, neutral};

const RATE: u32 = 8_000;

const MANIFEST: &str = "\
version: 1
project: { title: Tiny }
session: { audio: bounces }
tracks: { kick: kick.wav, bass: bass.wav, lead: lead.wav }
stems:
  rhythm: [kick, bass]
  vocals: [lead]
mixes:
  full: [rhythm, vocals]
deliverables:
  stems: { spec: production-stems, stems: all, mixes: [full] }
  sync: { spec: sync-licensing, mixes: [full] }
";

/// The song, not built yet.
fn song() -> Home {
    let home = Home::empty();
    home.write("deliverables.yaml", MANIFEST);
    for name in ["kick", "bass", "lead"] {
        home.noise(&format!("bounces/{name}.wav"), RATE, 3, 0..0);
    }
    home
}

/// The song, built.
fn built() -> Home {
    let home = song();
    assert!(home.rebounce("").output().status.success());
    home
}

const BUILT: &str = "\
PASS  stems  ->  deliveries/stems/
      Tiny_rhythm.wav  rendered 3 s: not delivered before
      Tiny_vocals.wav  rendered 3 s: not delivered before
      Tiny_full.wav    rendered 3 s: not delivered before
      full: the 2 delivered stems sum to it bit for bit

PASS  sync  ->  deliveries/sync/
      Tiny_full.wav  rendered 3 s: not delivered before

2 packages, 4 files: 4 written, 12 of 12 seconds rendered in [TIME] s; all checks passed
";

const IDLE: &str = "nothing to do: 2 packages, 4 files up to date; all checks passed\n";

#[test]
fn build_builds_once() {
    let home = song();
    home.rebounce("").stdout(BUILT).test();
    home.rebounce("").stdout(IDLE).test();
    home.rebounce("build").stdout(IDLE).test();
    let one = "nothing to do: 1 package, 1 file up to date; all checks passed\n";
    home.rebounce("sync").stdout(one).test();
    home.rebounce("build sync").stdout(one).test();
    assert!(home.path("deliveries/stems/QC.html").is_file());
}

#[test]
fn an_edit_is_explained_and_rendered_to_the_second() {
    let home = built();
    home.noise("bounces/lead.wav", RATE, 3, 9_000..12_000);
    let planned = "      stems  ->  deliveries/stems/
      Tiny_rhythm.wav  up to date
      Tiny_vocals.wav  would render 1 of 3 s (0:01-0:02): lead.wav changed at 0:01-0:02
      Tiny_full.wav    would render 1 of 3 s (0:01-0:02): lead.wav changed at 0:01-0:02

      sync  ->  deliveries/sync/
      Tiny_full.wav  would render 1 of 3 s (0:01-0:02): lead.wav changed at 0:01-0:02

2 packages, 4 files: 3 to be written, 3 of 12 seconds to be rendered
";
    home.rebounce("explain").stdout(planned).test();
    home.rebounce("-n").stdout(planned).test();
    let made = planned
        .replace("      stems", "PASS  stems")
        .replace("      sync", "PASS  sync")
        .replace("would render", "rendered")
        .replace("to be written", "written")
        .replace("to be rendered\n", "rendered in [TIME] s; all checks passed\n")
        .replacen(
            "changed at 0:01-0:02\n\n",
            "changed at 0:01-0:02\n      full: the 2 delivered stems sum to it bit for bit\n\n",
            1,
        );
    home.rebounce("").stdout(&made).test();
    home.rebounce("explain").stdout("nothing to do: 2 packages, 4 files up to date\n").test();
}

#[test]
fn options_stand_before_or_after_the_command() {
    let home = song();
    let fine = "deliverables.yaml is fine: 3 files of session audio, 0:03.000 at 8000 Hz, \
                for 4 files in 2 packages\n";
    home.rebounce("check").stdout(fine).test();
    home.rebounce("-j 1 check").stdout(fine).test();
    home.rebounce("check -j 1").stdout(fine).test();
    home.rebounce("-C bounces/.. check").stdout(fine).test();
    let other = fine.replace("deliverables.yaml", "other.yaml");
    home.write("other.yaml", MANIFEST);
    home.rebounce("-f other.yaml check").stdout(&other).test();
    home.rebounce("check -f other.yaml").stdout(&other).test();
    assert!(!home.path("deliveries").exists(), "check renders nothing");
}

#[test]
fn the_graph_is_shown_in_three_formats() {
    let home = song();
    let text = |format: &str| {
        let output = home.rebounce(&format!("graph --format {format} sync")).output();
        assert!(output.status.success() && output.stderr.is_empty(), "{format}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text("dot").starts_with("digraph"));
    assert!(text("mermaid").starts_with("graph LR\n"));
    let json: serde_json::Value = serde_json::from_str(&text("json")).unwrap();
    assert!(json.is_object());
    for format in ["dot", "mermaid", "json"] {
        assert!(text(format).contains("kick.wav"), "{format}");
    }
}

#[test]
fn verify_reads_the_packages_again() {
    let home = song();
    home.rebounce("verify").stdout("nothing was delivered yet\n").test();
    home.rebounce("").stdout(BUILT).test();
    let fine = "OK    stems: 7 files as delivered\nOK    sync: 5 files as delivered\n";
    home.rebounce("verify").stdout(fine).test();
    let path = home.path("deliveries/stems/Tiny_full.wav");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    fs::remove_file(home.path("deliveries/stems/README.txt")).unwrap();
    home.write("deliveries/stems/a note.txt", "");
    home.rebounce("verify")
        .status(1)
        .stdout(
            "FAIL  stems: 5 of 7 files as delivered\n      Tiny_full.wav: changed\n      \
             README.txt: missing\n      a note.txt: not delivered by rebounce\n\
             OK    sync: 5 files as delivered\n",
        )
        .test();
}

#[test]
fn a_file_that_somebody_changed_is_made_again() {
    let home = built();
    fs::write(home.path("deliveries/sync/Tiny_full.wav"), "hello").unwrap();
    fs::write(home.path("deliveries/stems/README.txt"), "hello").unwrap();
    home.rebounce("")
        .stdout(
            "PASS  stems  ->  deliveries/stems/
      up to date: 3 files; documents written anew
      full: the 2 delivered stems sum to it bit for bit

PASS  sync  ->  deliveries/sync/
      Tiny_full.wav  written anew, nothing rendered: the delivered file was changed or removed by hand

2 packages, 4 files: 1 written, 0 of 12 seconds rendered in [TIME] s; all checks passed
",
        )
        .test();
}

#[test]
fn what_moves_or_has_another_header_says_so() {
    let home = built();
    let film = MANIFEST.replace("{ audio: bounces }", "{ audio: bounces, frame_rate: 25 }");
    let start = film.replace("frame_rate: 25", "frame_rate: 25, start: '01:00:00:00'");
    home.write("deliverables.yaml", &start);
    home.rebounce("explain sync")
        .stdout(
            "      sync  ->  deliveries/sync/
      Tiny_full.wav  would be written anew, nothing to render: its header says something else now

1 package, 1 file: 1 to be written, 0 of 3 seconds to be rendered
",
        )
        .test();
    home.write("deliverables.yaml", &format!("{MANIFEST}output: out\n"));
    home.rebounce("explain sync")
        .stdout(
            "      sync  ->  out/sync/
      Tiny_full.wav  would be written anew, nothing to render: the package was in another folder

would remove deliveries/sync: the manifest no longer asks for it

1 package, 1 file: 1 to be written, 0 of 3 seconds to be rendered
",
        )
        .test();
}

#[test]
fn clean_removes_what_was_made_and_nothing_else() {
    let home = built();
    home.write("deliveries/mine.txt", "");
    let gone = "removed deliveries/stems\nremoved deliveries/sync\n";
    home.rebounce("clean").stdout(gone).test();
    home.rebounce("clean").stdout("nothing to remove\n").test();
    let mut left: Vec<String> = fs::read_dir(home.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["bounces", "deliverables.yaml", "deliveries"]);
    assert!(home.path("deliveries/mine.txt").exists());
}

#[test]
fn specs_are_listed_and_shown() {
    let home = Home::empty();
    home.rebounce("specs")
        .stdout(
            "stem-mastering         Stems for mastering
production-stems       Production stems
multitracks            Multitracks
sync-licensing         Mixes and stems for sync licensing
remix                  Remix pack
performance            Stems for performance
dme                    Dialogue, music and effects stems
m-and-e                Music and effects
netflix-m-and-e        Netflix music and effects
netflix-nearfield-5.1  Netflix near-field 5.1
amazon-nearfield       Amazon MGM Studios near-field
wbd-component-audio    Warner Bros. Discovery component audio
film-reel              Film reel
ebu-r128               Broadcast programme, EBU R 128
ebu-r128-s1            Short-form content, EBU R 128 s1
atsc-a85               Broadcast programme, ATSC A/85
dpp                    Broadcast programme, UK DPP
streaming-music        Master for streaming services
apple-digital-masters  Apple Digital Masters
",
        )
        .test();
    let output = home.rebounce("specs remix").output();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("remix: Remix pack\n\n  encoding: pcm24\n"), "{text}");
    home.rebounce("specs remx")
        .status(2)
        .stderr("error: unknown spec `remx`\n |\n = help: did you mean `remix`?\n")
        .test();
}

#[test]
fn schemas_are_json_and_completions_are_a_script() {
    let home = Home::empty();
    for of in ["", " manifest", " spec", " qc"] {
        let schema = home.rebounce(&format!("schema{of}")).json();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{of}");
        assert_eq!(schema["type"], "object", "{of}");
    }
    let output = home.rebounce("completions bash").output();
    let script = String::from_utf8(output.stdout).unwrap();
    assert!(script.contains("_rebounce()") && output.stderr.is_empty());
}

#[test]
fn json_is_one_object_on_stdout() {
    let home = song();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let build = home.rebounce("--json").json();
    assert_eq!(keys(&build), ["deliverables", "elapsed_s", "problems", "removed", "verdict"]);
    let package = &build["deliverables"][0];
    assert_eq!(keys(package), ["files", "name", "path", "verdict"]);
    let file = &package["files"][0];
    let of_file = ["blake3", "path", "reasons", "rendered", "segments_rendered", "segments_total"];
    assert_eq!(keys(file)[..6], of_file);
    assert_eq!((&file["state"], &file["segments_rendered"]), (&"built".into(), &3.into()));
    let bytes = fs::read(home.path("deliveries/stems/Tiny_rhythm.wav")).unwrap();
    assert_eq!(file["blake3"], blake3::hash(&bytes).to_hex().to_string());
    let again = home.rebounce("build --json").json();
    assert_eq!(again["deliverables"][0]["files"][0]["state"], "up-to-date");
    assert_eq!(home.rebounce("explain --json").json()["deliverables"][1]["name"], "sync");
    assert_eq!(home.rebounce("check --json").json()["files"], 4);
    assert_eq!(home.rebounce("verify --json").json()["ok"], true);
    assert_eq!(home.rebounce("specs --json").json()["specs"][0]["name"], "stem-mastering");
    assert_eq!(home.rebounce("clean --json").json()["removed"].as_array().unwrap().len(), 2);
    let error = "error: there is no deliverable `x`\n |\n = help: known here: `stems`, `sync`\n";
    let failed = home.rebounce("build x --json").status(2).stderr(error).json();
    assert_eq!(failed["verdict"], "error");
    assert_eq!(failed["errors"][0], "there is no deliverable `x`");
}

#[test]
fn a_word_that_is_no_target_and_no_command_is_refused() {
    let home = song();
    home.rebounce("stem")
        .status(2)
        .stderr("error: there is no deliverable `stem`\n |\n = help: did you mean `stems`?\n")
        .test();
    home.rebounce("chekc")
        .status(2)
        .stderr(
            "error: there is no deliverable `chekc`\n |\n = help: known here: `stems`, `sync`\n\
             help: did you mean the command `rebounce check`?\n",
        )
        .test();
    home.rebounce("sync check")
        .status(2)
        .stderr(
            "error: `sync` stands before the command; its targets follow it\n\n\
             Usage: rebounce [OPTIONS] [TARGETS]... [COMMAND]\n\nFor more information, try '--help'.\n",
        )
        .test();
    assert_eq!(home.rebounce("--no-such-option").output().status.code(), Some(2));
}

#[test]
fn without_a_manifest_it_says_where_to_go() {
    let home = Home::empty();
    let help = " |\n = help: go to the folder of the project, or name the manifest with -f FILE\n";
    for command in ["", "check", "explain", "graph", "verify", "clean"] {
        let error = format!("error: there is no deliverables.yaml\n{help}");
        home.rebounce(command).status(2).stderr(&error).test();
    }
    home.rebounce("-C nowhere")
        .status(2)
        .stderr("error: cannot go to nowhere: No such file or directory (os error 2)\n")
        .test();
    assert_eq!(fs::read_dir(home.path("")).unwrap().count(), 0, "nothing is left behind");
}

const BROKEN_SAYS: &str = "\
error: unknown track or stem `kik`
 --> deliverables.yaml:6:12
  |
6 |   rhythm: [kik, bass]
  |            ^^^ nothing has this name
  |
help: did you mean `kick`?
  |
6 |   rhythm: [kick, bass]
  |              +
";

const LEFT_OUT: &str = "\
warning: deliverable `stems` is left out
  --> deliverables.yaml:11:3
   |
11 |   stems: { spec: production-stems, stems: all, mixes: [full] }
   |   ^^^^^ something in it is wrong
";

#[test]
fn a_mistake_ends_the_build_and_k_goes_around_it() {
    let home = song();
    home.write("deliverables.yaml", &MANIFEST.replace("[kick,", "[kik,"));
    for command in ["", "check", "explain", "graph"] {
        home.rebounce(command).status(2).stderr(BROKEN_SAYS).test();
    }
    home.write(
        "deliverables.yaml",
        &MANIFEST.replace("[kick,", "[kik,").replace(
            "sync: { spec: sync-licensing, mixes: [full] }",
            "voice: { spec: production-stems, stems: [vocals] }",
        ),
    );
    home.rebounce("-k")
        .status(2)
        .stderr(&format!("{LEFT_OUT}{BROKEN_SAYS}"))
        .stdout(
            "PASS  voice  ->  deliveries/voice/
      Tiny_vocals.wav  rendered 3 s: not delivered before

1 package, 1 file: 1 written, 3 of 3 seconds rendered in [TIME] s; all checks passed
",
        )
        .test();
    assert!(home.path("deliveries/voice/Tiny_vocals.wav").is_file());
    assert!(!home.path("deliveries/stems").exists());
}

#[test]
fn a_failing_check_is_built_and_ends_with_status_1() {
    let home = song();
    home.write(
        "deliverables.yaml",
        &MANIFEST.replace("lead: lead.wav", "lead: { file: lead.wav, gain: 30 }"),
    );
    home.rebounce("sync")
        .status(1)
        .stdout(
            "FAIL  sync  ->  deliveries/sync/
      Tiny_full.wav  rendered 3 s: not delivered before
      FAIL: full: 15072 samples above full scale: clipped in the 24-bit file (0:00.000)
      warn: full: sample peak 0.00 dBFS is above the highest allowed, -3.00 dBFS (0:00.000)
      warn: full: DC offset -40.01 dBFS is above the highest allowed, -60.00 dBFS

1 package, 1 file: 1 written, 3 of 3 seconds rendered in [TIME] s; CHECKS FAILED
",
        )
        .test();
    home.rebounce("sync")
        .status(1)
        .stdout(
            "nothing to do: 1 package, 1 file up to date; CHECKS FAILED\n\
             sync fails its checks, see deliveries/sync/QC.html\n",
        )
        .test();
}

#[test]
fn a_folder_with_files_of_somebody_else_is_not_replaced() {
    let home = song();
    home.write("deliveries/sync/mine.txt", "");
    home.rebounce("sync")
        .status(2)
        .stderr(
            "error: [HOME]/deliveries/sync holds a file that rebounce did not make: mine.txt
  --> deliverables.yaml:12:3
   |
12 |   sync: { spec: sync-licensing, mixes: [full] }
   |   ^^^^ this package would replace the folder
   |
   = help: move it elsewhere, or deliver to another folder with `output:`
",
        )
        .test();
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = Home::empty();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_rebounce"))
        .args(["completions", "bash"])
        .current_dir(home.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn both_demos_build_and_pass() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let song = Home::copy_of(root, &["deliverables.yaml", "session", "session/print"]);
    let film =
        Home::copy_of(&root.join("examples/film"), &["deliverables.yaml", "prints", "prints/dub"]);
    let demos = [
        (song, "3 packages, 17 files: 17 written, 544 of 544 seconds rendered in [TIME] s"),
        (film, "4 packages, 19 files: 19 written, 255 of 255 seconds rendered in [TIME] s"),
    ];
    for (home, last) in demos {
        let output = home.rebounce("").output();
        let stdout = neutral(&String::from_utf8_lossy(&output.stdout), &home);
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{stdout}");
        assert_eq!(stdout.lines().last(), Some(format!("{last}; all checks passed").as_str()));
    }
}
