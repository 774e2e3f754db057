//! `verify` and `clean` where things are not as the last build left them: the memo
//! is gone, nothing can be written, files cannot be read.

use std::fs;

mod terminal;
use terminal::Home;

const HEAD: &str = "\
version: 1
project: { title: Tiny }
tracks: { kick: kick.wav, lead: lead.wav }
stems: { rhythm: [kick], vocals: [lead] }
mixes: { full: [rhythm, vocals] }
deliverables:
  stems: { spec: production-stems, stems: all, mixes: [full] }
";
const SYNC: &str = "  sync: { spec: sync-licensing, mixes: [full] }\n";
const IDLE: &str = "nothing to do: 2 packages, 4 files up to date; all checks passed\n";
const FINE: &str = "OK    stems: 7 files as delivered\nOK    sync: 5 files as delivered\n";

/// A song of a second, not built yet.
fn song() -> Home {
    let home = Home::empty();
    home.write("deliverables.yaml", &format!("{HEAD}{SYNC}"));
    ["kick", "lead"].iter().for_each(|name| home.noise(&format!("{name}.wav"), 8_000, 1, 0..0));
    home
}

/// The song, built.
fn built() -> Home {
    let home = song();
    assert!(home.rebounce("").output().status.success());
    home
}

#[test]
fn a_dry_run_removes_nothing_and_watches_nothing() {
    let home = built();
    let record = fs::read(home.path(".rebounce/deliverables.yaml/sync.package")).unwrap();
    home.write("deliveries/stems/mine.txt", "");
    let keeps = "[HOME]/deliveries/stems would keep files that rebounce did not make, \
                 or that were changed since\n";
    home.rebounce("clean -n").stderr(keeps).stdout("would remove deliveries/sync\n").test();
    assert_eq!(
        home.rebounce("-n clean sync --json").json()["would_remove"].as_array().unwrap().len(),
        1
    );
    assert!(home.path("deliveries/stems/Tiny_full.wav").exists());
    assert_eq!(
        fs::read(home.path(".rebounce/deliverables.yaml/sync.package")).unwrap(),
        record,
        "still known"
    );
    fs::remove_file(home.path("deliveries/stems/mine.txt")).unwrap();
    home.rebounce("").stdout(IDLE).test();
    home.rebounce("watch -n")
        .status(2)
        .stderr(
            "error: `watch` builds, and `-n` asks it not to\n |\n \
             = help: `rebounce explain` says what would be rendered, and why\n",
        )
        .test();
    let new = song();
    new.rebounce("clean -n").stdout("nothing to remove\n").test();
    assert!(!new.path(".rebounce").exists(), "not even a lock");
}

#[test]
fn packages_that_leave_the_manifest_are_named_line_by_line() {
    let home = song();
    let third = SYNC.replace("sync:", "more:");
    home.write("deliverables.yaml", &format!("{HEAD}{SYNC}{third}"));
    assert!(home.rebounce("").output().status.success());
    home.write("deliverables.yaml", HEAD);
    for (command, removed) in [("explain", "would remove"), ("", "removed")] {
        let line =
            |name| format!("{removed} deliveries/{name}: the manifest no longer asks for it\n");
        let says = format!("\n\n{}{}\n1 package, 3 files", line("more"), line("sync"));
        let output = home.rebounce(command).output();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(stdout.contains(&says), "{stdout}");
    }
}

#[test]
fn without_records_packages_are_verified_by_their_own_checksums() {
    let home = built();
    fs::remove_dir_all(home.path(".rebounce")).unwrap();
    fs::remove_file(home.path("kick.wav")).unwrap();
    let gone = |name: &str| {
        format!(
            "there is no record of `{name}` any more; it is compared with its own checksums.b3\n"
        )
    };
    // The file of checksums cannot hold its own.
    let fine = "OK    stems: 6 files as delivered\nOK    sync: 4 files as delivered\n";
    let both = gone("stems") + &gone("sync");
    home.rebounce("verify").stderr(&both).stdout(fine).test();
    fs::write(home.path("deliveries/sync/Tiny_full.wav"), "hello").unwrap();
    home.write("deliveries/sync/mine.txt", "");
    let bad = "FAIL  sync: 3 of 4 files as delivered\n      Tiny_full.wav: changed\n      \
               mine.txt: not delivered by rebounce\n";
    home.rebounce("verify sync").status(1).stderr(&gone("sync")).stdout(bad).test();
    home.write("deliveries/sync/checksums.b3", "hello");
    home.rebounce("verify sync")
        .status(2)
        .stderr(&format!(
            "{}error: cannot verify [HOME]/deliveries/sync: line 1 of checksums.b3 is not \
             `<64 hex digits>  <path>`\n |\n = help: build again; what was delivered is not \
             remembered\n",
            gone("sync")
        ))
        .test();
}

#[test]
fn without_records_nothing_is_removed_and_that_is_said() {
    let home = built();
    fs::remove_dir_all(home.path(".rebounce")).unwrap();
    let stays = ["stems", "sync"].map(|name| {
        format!(
            "[HOME]/deliveries/{name} is not touched: there is no record that rebounce made it\n"
        )
    });
    for command in ["clean -n", "clean"] {
        home.rebounce(command).stderr(&stays.concat()).stdout("nothing to remove\n").test();
    }
    home.rebounce("clean sync").stderr(&stays[1]).stdout("nothing to remove\n").test();
    assert!(home.path("deliveries/sync/Tiny_full.wav").exists());
}

#[test]
fn what_only_reads_needs_no_lock() {
    let home = built();
    // As root nothing is read-only, but no lock can be had where a folder stands.
    fs::remove_file(home.path(".rebounce/deliverables.yaml/lock")).unwrap();
    fs::create_dir(home.path(".rebounce/deliverables.yaml/lock")).unwrap();
    home.rebounce("verify").stdout(FINE).test();
    home.rebounce("explain").stdout("nothing to do: 2 packages, 4 files up to date\n").test();
    home.rebounce("clean")
        .status(3)
        .stderr(
            "error: cannot create [HOME]/.rebounce/deliverables.yaml/lock: Is a directory \
             (os error 21)\n |\n = help: no package is left half made; mend this and run the \
             same command again\n",
        )
        .test();
}

#[test]
fn a_file_that_cannot_be_read_is_listed_with_the_rest() {
    let home = built();
    let path = home.path("deliveries/stems/README.txt");
    fs::remove_file(&path).unwrap();
    // The one thing that even root cannot read as a file.
    fs::create_dir(&path).unwrap();
    let says = "FAIL  stems: 6 of 7 files as delivered\n      README.txt: cannot be read\n\
                OK    sync: 5 files as delivered\n";
    home.rebounce("verify").status(1).stdout(says).test();
}
