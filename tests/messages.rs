//! Every message about a manifest, whole: `messages.txt` holds one case per
//! message, with the manifest and the text it must bring.
//!
//! Audio is described instead of stored: a file of the case holds `rate channels
//! frames [mask]`, and the probe believes it. These stand in every case:
//! kick.wav (mono), pad.wav (stereo), bed.wav (5.1), slow.wav (mono, 44.1 kHz).
//!
//! `REBOUNCE_BLESS=1 cargo test --test messages` writes the texts anew, to be
//! read before they are committed.

use std::fs;
use std::path::Path;

use rebounce::audio::{AudioError, AudioInfo, Pcm};
use rebounce::fsio::Disk;
use rebounce::manifest;

const ALWAYS: [(&str, &str); 4] = [
    ("kick.wav", "48000 1 480000"),
    ("pad.wav", "48000 2 960000"),
    ("bed.wav", "48000 6 480000 1551"),
    ("slow.wav", "44100 1 441000"),
];

/// `=== name`, lines `file PATH CONTENT`, those of [`special`] or `-k`,
/// `--- manifest`, text, `--- says`, text.
struct Case<'a> {
    head: &'a str,
    manifest: &'a str,
    says: &'a str,
}

impl<'a> Case<'a> {
    fn all(text: &'a str) -> Vec<Case<'a>> {
        let mut cases = Vec::new();
        for case in text.split("=== ").skip(1) {
            let (head, rest) = case.split_once("--- manifest\n").expect("a case has a manifest");
            let (manifest, says) = rest.split_once("--- says\n").expect("a case says something");
            cases.push(Case { head, manifest, says });
        }
        cases
    }

    fn name(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    fn run(&self) -> String {
        let folder = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(folder.path()).unwrap();
        let place = |name: &str, content: &str| {
            let path = home.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        ALWAYS.iter().for_each(|(name, content)| place(name, content));
        for line in self.head.lines().skip(1) {
            if let Some((name, content)) =
                line.strip_prefix("file ").and_then(|l| l.split_once(' '))
            {
                place(name, &content.replace("\\n", "\n"));
            }
            special(&home, line);
        }
        place("d.yaml", self.manifest);
        let keep_going = self.head.lines().any(|line| line == "-k");
        let (delivery, mut text) = match manifest::load(&Disk::new(), &home.join("d.yaml")) {
            Err(diagnostics) => (None, diagnostics.render(false)),
            Ok(loaded) => {
                let (delivery, diagnostics) =
                    manifest::resolve(loaded, &Disk::new(), &mut probe, keep_going);
                (delivery, diagnostics.render(false))
            }
        };
        if let Some(delivery) = delivery {
            for package in &delivery.deliverables {
                let files: Vec<&str> = package.files.iter().map(|f| f.path.as_str()).collect();
                text.push_str(&format!("delivers {}: {}\n", package.name, files.join(" ")));
            }
        }
        text.replace(&format!("{}/", home.display()), "")
            .replace(&home.display().to_string(), "HOME")
    }
}

/// `folder NAME`, `link NAME TARGET`, `pipe NAME`.
fn special(home: &Path, line: &str) {
    match line.split(' ').collect::<Vec<_>>().as_slice() {
        ["folder", name] => fs::create_dir_all(home.join(name)).unwrap(),
        #[cfg(unix)]
        ["link", name, target] => std::os::unix::fs::symlink(target, home.join(name)).unwrap(),
        #[cfg(unix)]
        ["pipe", name] => {
            let made = std::process::Command::new("mkfifo").arg(home.join(name)).status();
            assert!(made.unwrap().success());
        }
        _ => {}
    }
}

fn probe(path: &Path) -> Result<AudioInfo, AudioError> {
    let text = fs::read_to_string(path)?;
    let numbers: Vec<u32> = text.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let &[sample_rate, channels, frames, ..] = numbers.as_slice() else {
        return Err(AudioError::Malformed("no RIFF header".into()));
    };
    Ok(AudioInfo {
        container: "WAV".into(),
        sample_rate,
        channels: channels as u16,
        frames: u64::from(frames),
        pcm: Pcm::I24,
        bits: 24,
        float: false,
        channel_mask: numbers.get(3).copied(),
        time_reference: None,
    })
}

#[test]
fn every_message_is_as_it_was_read_and_approved() {
    let text = include_str!("messages.txt");
    let mut blessed = text.split("=== ").next().unwrap_or_default().to_owned();
    let mut wrong = Vec::new();
    for case in Case::all(text) {
        let says = case.run();
        let whole = format!("{}\n\n", says.trim_end());
        if whole != case.says {
            wrong.push(format!("{}\nexpected:\n{}\ngot:\n{whole}", case.name(), case.says));
        }
        blessed.push_str(&format!(
            "=== {}--- manifest\n{}--- says\n{whole}",
            case.head, case.manifest
        ));
    }
    if std::env::var_os("REBOUNCE_BLESS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages.txt");
        fs::write(path, blessed).unwrap();
        return;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
