//! A proposal as YAML: aligned, with a comment wherever something was guessed or found.

use super::clock::time;
use super::proposal::{Mix, Package, Proposal, Setting, StandIn, Stem, Track, Version};

/// Lines that are longer are broken within their lists.
const WIDTH: usize = 96;

/// What the writer knows beside the proposal.
pub(super) struct Frame<'a> {
    /// Folder of the session audio as the manifest names it; `None` for its own.
    pub(super) audio: Option<&'a str>,
    /// How many audio files were found.
    pub(super) files: usize,
    /// Audio files that cannot be read, and why.
    pub(super) refused: &'a [(String, String)],
    /// Folders that were not looked into.
    pub(super) too_deep: &'a [String],
    pub(super) sample_rate: u32,
}

/// The text of a manifest.
pub(super) fn write(proposal: &Proposal, frame: &Frame<'_>) -> String {
    let mut text = format!(
        "# Proposed by `rebounce init` from {} audio files. Lines marked `guess` want a look;\n\
         # `rebounce check` says whether all fits together, `rebounce` builds it.\n\
         version: 1\n\nproject:\n",
        frame.files
    );
    let title = format!("  title: {}", scalar(&proposal.title));
    text.push_str(&noted(&title, &proposal.title_note));
    text.push_str("  # artist, production, contact, licence: for file names and read-mes\n");
    session(proposal, frame, &mut text);
    text.push_str(&format!("\n{}", noted("tracks:", &proposal.tracks_note)));
    tracks(&proposal.tracks, &mut text);
    aside(proposal, frame, &mut text);
    block("stems", proposal.stems.iter().map(|s| (s.name.as_str(), stem(s), &s.note)), &mut text);
    block("mixes", proposal.mixes.iter().map(|m| (m.name.as_str(), mix(m), &m.note)), &mut text);
    sections(proposal, frame.sample_rate, &mut text);
    let notes: Vec<String> = proposal.versions.iter().map(Version::note).collect();
    let versions = proposal.versions.iter().zip(&notes);
    block("versions", versions.map(|(v, note)| (v.language.as_str(), version(v), note)), &mut text);
    let packages = proposal.packages.iter();
    block("deliverables", packages.map(|p| (p.name.as_str(), package(p), &p.note)), &mut text);
    text
}

fn session(proposal: &Proposal, frame: &Frame<'_>, text: &mut String) {
    if frame.audio.is_none() && proposal.session.is_empty() {
        return;
    }
    let is_empty = frame.audio.is_none() && proposal.session.iter().all(|s| s.is_comment);
    text.push_str(if is_empty { "\n# session:\n" } else { "\nsession:\n" });
    if let Some(audio) = frame.audio {
        text.push_str(&format!("  audio: {}\n", scalar(audio)));
    }
    for Setting { key, value, note, is_comment } in &proposal.session {
        let value = if *key == "layout" { quoted_number(value) } else { value.clone() };
        let mark = if *is_comment { "  # " } else { "  " };
        text.push_str(&noted(&format!("{mark}{key}: {value}"), note));
    }
}

fn tracks(tracks: &[Track], text: &mut String) {
    let width = widest(tracks.iter().map(|track| track.key.as_str()));
    let mut heading = "";
    for track in tracks {
        if track.heading != heading {
            heading = &track.heading;
            text.push_str(&format!("  # {heading}\n"));
        }
        let key = format!("{}:", scalar(&track.key));
        text.push_str(&noted(&format!("  {key:width$} {}", audio(track)), &track.note));
    }
}

/// What a track says of its files.
fn audio(track: &Track) -> String {
    let files: Vec<String> = track
        .files
        .iter()
        .map(|(channel, path)| match channel {
            Some(channel) => format!("{}: {}", channel.name(), scalar(path)),
            None => scalar(path),
        })
        .collect();
    let mut fields = match files.as_slice() {
        [one] if track.at.is_none() && track.channel.is_none() => return one.clone(),
        [one] => vec![format!("file: {one}")],
        several => vec![format!("files: {{ {} }}", several.join(", "))],
    };
    fields.extend(track.channel.map(|channel| format!("channels: [{}]", channel.name())));
    fields.extend(track.at.map(|(frame, rate)| format!("at: {}", time(frame, rate))));
    format!("{{ {} }}", fields.join(", "))
}

fn aside(proposal: &Proposal, frame: &Frame<'_>, text: &mut String) {
    let lines = |text: &mut String, heading: &str, lines: &mut dyn Iterator<Item = String>| {
        let lines: Vec<String> = lines.collect();
        if !lines.is_empty() {
            text.push_str(&format!("  # {heading}\n"));
            lines.iter().for_each(|line| text.push_str(&format!("  #   {}\n", clean(line))));
        }
    };
    let pair = |(path, why): (&String, &String)| format!("{path}: {why}");
    let left = proposal.aside.iter().map(|aside| (&aside.path, &aside.why));
    lines(text, "left out:", &mut left.map(pair));
    lines(text, "cannot be read:", &mut frame.refused.iter().map(|(p, w)| (p, w)).map(pair));
    lines(
        text,
        "folders that lie too deep to be looked into:",
        &mut frame.too_deep.iter().cloned(),
    );
}

fn list(names: &[String]) -> String {
    format!("[{}]", names.iter().map(|name| scalar(name)).collect::<Vec<_>>().join(", "))
}

/// A list, or `all`, which stands alone.
fn selection(names: &[String]) -> String {
    match names {
        [all] if all == "all" => "all".into(),
        names => list(names),
    }
}

fn stem(stem: &Stem) -> String {
    let mut fields = vec![format!("from: {}", list(&stem.from))];
    if !stem.role.is_empty() {
        fields.push(format!("role: {}", stem.role));
    }
    fields.extend(stem.layout.map(|layout| format!("layout: {}", quoted_number(layout.name()))));
    match fields.as_slice() {
        [_] => list(&stem.from),
        fields => format!("{{ {} }}", fields.join(", ")),
    }
}

fn mix(mix: &Mix) -> String {
    let from = match (mix.from.as_slice(), mix.without.is_empty()) {
        ([one], false) => scalar(one),
        (several, _) => list(several),
    };
    let mut fields = vec![format!("from: {from}")];
    if !mix.without.is_empty() {
        fields.push(format!("without: {}", list(&mix.without)));
    }
    if !mix.role.is_empty() {
        fields.push(format!("role: {}", mix.role));
    }
    fields.extend(mix.layout.map(|layout| format!("layout: {}", quoted_number(layout.name()))));
    if mix.is_folded {
        fields.push("downmix: { kind: lo-ro }".into());
    }
    fields.extend(mix.reference.as_ref().map(|path| format!("reference: {}", scalar(path))));
    match fields.as_slice() {
        [_] => from,
        fields => format!("{{ {} }}", fields.join(", ")),
    }
}

fn version(version: &Version) -> String {
    let mut fields = vec![format!("language: {}", scalar(&version.language))];
    let replace = version.replace.iter().map(|(stem, stand_in)| match stand_in {
        StandIn::Audio(track) => format!("{}: {}", scalar(stem), audio(track)),
        StandIn::Sum(keys) => format!("{}: {}", scalar(stem), list(keys)),
    });
    fields.push(format!("replace: {{ {} }}", replace.collect::<Vec<_>>().join(", ")));
    let references = version.references.iter();
    let references: Vec<String> =
        references.map(|r| format!("{}: {}", scalar(&r.mix), scalar(&r.file))).collect();
    if !references.is_empty() {
        fields.push(format!("references: {{ {} }}", references.join(", ")));
    }
    format!("{{ {} }}", fields.join(", "))
}

fn package(package: &Package) -> String {
    let mut fields = vec![format!("spec: {}", package.spec)];
    if !package.stems.is_empty() {
        fields.push(format!("stems: {}", selection(&package.stems)));
    }
    if !package.mixes.is_empty() {
        fields.push(format!("mixes: {}", selection(&package.mixes)));
    }
    if !package.versions.is_empty() {
        fields.push(format!("versions: {}", selection(&package.versions)));
    }
    format!("{{ {} }}", fields.join(", "))
}

fn block<'a>(
    key: &str,
    entries: impl Iterator<Item = (&'a str, String, &'a String)> + Clone,
    text: &mut String,
) {
    if entries.clone().next().is_none() {
        return;
    }
    text.push_str(&format!("\n{key}:\n"));
    let width = widest(entries.clone().map(|(name, ..)| name));
    for (name, value, note) in entries {
        let name = format!("{}:", scalar(name));
        text.push_str(&noted(&broken(&format!("  {name:width$} {value}")), note));
    }
}

fn sections(proposal: &Proposal, rate: u32, text: &mut String) {
    if proposal.sections.is_empty() {
        return;
    }
    let note = format!("by the markers in {}", proposal.sections_from);
    text.push_str(&format!("\n{}", noted("sections:", &note)));
    let width = widest(proposal.sections.iter().map(|section| section.name.as_str()));
    for section in &proposal.sections {
        let (from, to) = (time(section.from, rate), time(section.to, rate));
        let name = format!("{}:", scalar(&section.name));
        text.push_str(&format!("  {name:width$} {{ from: {from}, to: {to} }}\n"));
    }
}

fn widest<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(|name| scalar(name).chars().count() + 1).max().unwrap_or(0).min(28)
}

/// A line with its comment, if there is one.
fn noted(line: &str, note: &str) -> String {
    match note {
        "" => format!("{line}\n"),
        note => format!("{line}  # {}\n", clean(note)),
    }
}

/// A long line, broken behind commas; YAML takes lists and maps in brackets over
/// several lines.
fn broken(line: &str) -> String {
    let mut lines = vec![String::new()];
    for piece in line.split_inclusive(", ") {
        let last = lines.last_mut().expect("BUG: it begins with one");
        if !last.is_empty() && last.chars().count() + piece.trim_end().chars().count() > WIDTH {
            lines.push(format!("      {piece}"));
        } else {
            last.push_str(piece);
        }
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

/// Text that may stand in a comment.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// `5.1` in quotes, as everybody writes it: without, other readers take it for a number.
fn quoted_number(text: &str) -> String {
    if text.parse::<f64>().is_ok() { format!("\"{text}\"") } else { text.to_owned() }
}

/// A text as a YAML scalar, also within brackets: plain where no reader can take it for
/// something else, and else in double quotes.
fn scalar(text: &str) -> String {
    let lower = text.to_lowercase();
    let other = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf", ""];
    let is_number = text.parse::<f64>().is_ok() || text.starts_with("0x") || text.starts_with("0o");
    let starts = text.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '/')
        || text.starts_with("../")
        || text == "..";
    let plain = |c: char| c.is_alphanumeric() || "_-./()+' ".contains(c);
    let fits = starts && text.chars().all(plain) && !text.ends_with(' ');
    if fits && !is_number && !other.contains(&lower.as_str()) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            // Also what ends a line to some readers.
            c if c.is_control() || ['\u{2028}', '\u{2029}', '\u{feff}'].contains(&c) => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diag::SourceText;
    use crate::yaml::syntax::{self, Value};

    #[test]
    fn every_name_of_a_file_comes_back_from_yaml_as_it_was() {
        for name in [
            "kick.wav",
            "BGVOX ALT.flac",
            "a, b [c] {d}.wav",
            "it's #1.wav",
            "x: y.wav",
            " lead.wav",
            "no",
            "1.10",
            "~",
            "\"quoted\".wav",
            "back\\slash.wav",
            "new\nline.wav",
            "Stimme \u{fc}.wav",
            "- dash.wav",
            "&anchor.wav",
            "*star.wav",
            "!bang.wav",
            "%percent.wav",
            "@at.wav",
            "a #b.wav",
            "../up/kick.wav",
            "0x1F",
            "tab\there.wav",
            "\u{2028}.wav",
            "end ",
            "a'b.wav",
            "'a'.wav",
            "?.wav",
        ] {
            let text = format!("a: {{ file: {0}, list: [{0}] }}\n", scalar(name));
            let source = Arc::new(SourceText { path: "d.yaml".into(), text: text.clone() });
            let node = syntax::parse(&source).unwrap_or_else(|e| panic!("{text}{}", e.title()));
            let Value::Map(map) = node.value else { panic!("{text}") };
            let Value::Map(map) = &map[0].1.value else { panic!("{text}") };
            let Value::List(list) = &map[1].1.value else { panic!("{text}") };
            for node in [&map[0].1, &list[0]] {
                assert!(matches!(&node.value, Value::Scalar(is) if is == name), "{text}");
            }
        }
    }

    #[test]
    fn long_lists_are_broken_behind_commas() {
        let line = format!("  x: [{}]", vec!["abcdefgh"; 20].join(", "));
        let text = broken(&line);
        assert!(
            text.lines().count() == 3 && text.lines().all(|line| line.len() <= WIDTH),
            "{text}"
        );
        assert_eq!(text.replace("\n     ", ""), line);
    }
}
