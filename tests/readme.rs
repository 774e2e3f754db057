//! README.md tells the truth: its commands are run in order, in the folders that it
//! describes, and say what it says they do.

use std::fs;
use std::path::Path;

mod terminal;
use terminal::{Home, neutral};

/// The texts of the fenced blocks of one language, without their fences.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let block = |rest: &str| rest.split("```").next().unwrap_or_default().to_owned();
    text.split(fence.as_str()).skip(1).map(block).collect()
}

/// Runs a transcript: `$ command` and what it says, `# ` and what is done by hand.
fn play(home: &Home, transcript: &str, by_hand: &dyn Fn(&Home, &str)) {
    for step in transcript.split_inclusive('\n').fold(Vec::new(), |mut steps: Vec<String>, line| {
        match steps.last_mut() {
            Some(step) if !line.starts_with(['$', '#']) => step.push_str(line),
            _ => steps.push(line.to_owned()),
        }
        steps
    }) {
        let (command, says) = step.split_once('\n').expect("a step is a line");
        if let Some(done) = command.strip_prefix("# ") {
            by_hand(home, done);
            continue;
        }
        let arguments = ["$ rebounce", "$ cargo run --release"].iter();
        let arguments = arguments.filter_map(|program| command.strip_prefix(program)).next();
        let output = home.rebounce(arguments.expect("the program is rebounce")).output();
        let said = |bytes: &[u8]| neutral(&String::from_utf8_lossy(bytes), home);
        let all = said(&output.stdout) + &said(&output.stderr);
        assert_eq!(all, neutral(says, home), "{command}");
    }
}

fn readme() -> (&'static Path, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    (root, fs::read_to_string(root.join("README.md")).unwrap())
}

#[test]
fn the_run_of_the_demo_is_a_real_one() {
    let (root, text) = readme();
    let home = Home::copy_of(root, &["deliverables.yaml", "session", "session/print"]);
    play(&home, &blocks(&text, "console")[0], &|_, done| panic!("nobody does this: {done}"));
}

#[test]
fn five_minutes_with_a_folder_of_bounces() {
    let (_, text) = readme();
    let home = Home::empty();
    for name in ["drums", "bass", "lead"] {
        home.noise(&format!("bounces/{name}.wav"), 48_000, 10, 0..0);
    }
    let transcripts = blocks(&text, "console");
    play(&home, &transcripts[1], &|_, done| panic!("nobody does this: {done}"));
    home.write("deliverables.yaml", &blocks(&text, "yaml")[0]);
    let by_hand = |home: &Home, done: &str| match done {
        "lead.wav is bounced again" => {
            home.noise("bounces/lead.wav", 48_000, 10, 4 * 48_000 + 100..6 * 48_000 - 100);
        }
        "full is mistyped" => {
            let manifest = blocks(&text, "yaml")[0].replace("[rhythm, vocals]", "[rhythm, vocls]");
            home.write("deliverables.yaml", &manifest);
        }
        other => panic!("nobody does this: {other}"),
    };
    for transcript in &transcripts[2..] {
        play(&home, transcript, &by_hand);
    }
}

#[test]
fn the_table_of_commands_is_that_of_the_program() {
    let (_, text) = readme();
    let help = Home::empty().rebounce("--help").output();
    let help = String::from_utf8(help.stdout).unwrap();
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let mut commands: Vec<&str> =
        listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    commands.retain(|name| *name != "help");
    let documented: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `rebounce "))
        .map(|rest| rest.trim_start_matches('[').split([' ', ']', '`']).next().unwrap())
        .collect();
    assert_eq!(documented, commands);
}
