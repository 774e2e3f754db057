//! File names as people write them: their words, what some of these say about the
//! format, and what all names of a folder have in common.

use std::collections::BTreeMap;

use crate::units::FrameRate;

/// What one name says.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Name {
    /// The words that name the thing, as written.
    pub(super) words: Vec<String>,
    /// Beats per minute: `120bpm`.
    pub(super) tempo_bpm: Option<f64>,
    /// Frames per second: `24fps`, or `23976` behind rate and word length.
    pub(super) frame_rate: Option<FrameRate>,
    /// A timecode label, `01:00:00:00` of `TC01000000`.
    pub(super) timecode: Option<String>,
}

/// Words that say nothing once others are there.
const NOISE: [&str; 16] = [
    "stem",
    "stems",
    "bounce",
    "bounced",
    "export",
    "exported",
    "audio",
    "wav",
    "aif",
    "aiff",
    "flac",
    "bext",
    "bwf",
    "rf64",
    "track",
    "consolidated",
];

/// Numbers that are names of machines.
const MACHINES: [&str; 6] = ["808", "909", "707", "606", "303", "101"];

impl Name {
    /// Reads a file name without its extension.
    pub(super) fn parse(stem: &str) -> Self {
        let all = split(stem);
        let mut name = Self::default();
        let (mut rate_seen, mut bits_seen, mut at) = (false, false, 0);
        while let Some(word) = all.get(at) {
            let lower = word.to_lowercase();
            let next = all.get(at + 1).map(|next| next.to_lowercase()).unwrap_or_default();
            let mut taken = 1;
            if let Some((bpm, words)) = tempo(&lower, &next) {
                name.tempo_bpm = Some(bpm);
                taken = words;
            } else if is_rate(&lower) || is_rate(&format!("{lower}{next}")) {
                taken = if is_rate(&lower) { 1 } else { 2 };
                rate_seen = true;
            } else if is_bits(&lower) || is_bits(&format!("{lower}{next}")) {
                taken = if is_bits(&lower) { 1 } else { 2 };
                bits_seen = true;
            } else if let Some((rate, words)) = frame_rate(&lower, &next, rate_seen && bits_seen) {
                name.frame_rate = Some(rate);
                taken = words;
            } else if let Some(label) = timecode(&lower) {
                name.timecode = Some(label);
            } else if let Some(words) = date(&all[at..]) {
                taken = words;
            } else if !is_version(&lower) && !is_layout(&lower) {
                name.words.push(word.clone());
            }
            at += taken;
        }
        name
    }

    /// The words without those that say nothing, unless no other is there.
    pub(super) fn telling(&self) -> Vec<String> {
        let telling = |word: &&String| !NOISE.contains(&word.to_lowercase().as_str());
        let kept: Vec<String> = self.words.iter().filter(telling).cloned().collect();
        if kept.is_empty() { self.words.clone() } else { kept }
    }
}

/// Splits at everything but letters, digits, `&`, `+` and points between digits.
fn split(stem: &str) -> Vec<String> {
    let characters: Vec<char> = stem.chars().collect();
    let is_digit =
        |at: Option<usize>| at.and_then(|at| characters.get(at)).is_some_and(char::is_ascii_digit);
    let mut words = vec![String::new()];
    for (at, character) in characters.iter().enumerate() {
        let point = *character == '.' && is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
        if character.is_alphanumeric() || ['&', '+'].contains(character) || point {
            words.last_mut().expect("BUG: it begins with one").push(*character);
        } else {
            words.push(String::new());
        }
    }
    words.retain(|word| word.chars().any(char::is_alphanumeric));
    words
}

fn number(text: &str) -> Option<f64> {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// `120bpm`, `120 bpm`, `bpm 120`, `bpm120`: the tempo, and of how many words.
fn tempo(word: &str, next: &str) -> Option<(f64, usize)> {
    let (text, words) = match word.strip_suffix("bpm").or_else(|| word.strip_prefix("bpm")) {
        Some("") => (next, 2),
        Some(text) => (text, 1),
        None if next == "bpm" => (word, 2),
        None => return None,
    };
    number(text).filter(|bpm| (20.0..=400.0).contains(bpm)).map(|bpm| (bpm, words))
}

fn is_rate(word: &str) -> bool {
    let text = word.strip_suffix("hz").unwrap_or(word);
    let kilo = text.strip_suffix('k').and_then(number);
    let known = [44.0, 44.1, 48.0, 88.0, 88.2, 96.0, 176.4, 192.0];
    kilo.is_some_and(|kilo| known.contains(&kilo))
        || (text != word && number(text).is_some_and(|hz| hz >= 8000.0))
}

fn is_bits(word: &str) -> bool {
    let text = ["bits", "bit", "b", "f"].iter().find_map(|unit| word.strip_suffix(unit));
    text.is_some_and(|bits| ["16", "24", "32"].contains(&bits))
}

/// `24fps`, `24 fps`, `23.976`; and, behind rate and word length, `24` or `2997` alone
/// (Netflix, file naming of sound masters, help 1500000261101).
fn frame_rate(word: &str, next: &str, behind: bool) -> Option<(FrameRate, usize)> {
    let named = word.strip_suffix("fps");
    let (text, words) = match named {
        Some(text) => (text, 1),
        None if next == "fps" => (word, 2),
        None => (word, 1),
    };
    let text = match text {
        "23976" | "2398" | "23.98" => "23.976",
        "2997" => "29.97",
        "2997df" => "29.97df",
        "5994" => "59.94",
        text => text,
    };
    let sure = named.is_some() || words == 2 || behind || text.contains('.');
    FrameRate::parse(text).filter(|_| sure).map(|rate| (rate, words))
}

/// `tc01000000` as a label.
fn timecode(word: &str) -> Option<String> {
    let digits = word.strip_prefix("tc").filter(|digits| digits.len() == 8)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| [0, 2, 4, 6].map(|at| &digits[at..at + 2]).join(":"))
}

/// Words that are a date: `20240131`, `041319`, `2024 01 31`, `31 01 2024`.
fn date(words: &[String]) -> Option<usize> {
    let digits = |at: usize| {
        let word = words.get(at)?;
        word.bytes().all(|byte| byte.is_ascii_digit()).then_some(word.len())
    };
    match (digits(0)?, digits(1), digits(2)) {
        (6 | 8, ..) => Some(1),
        (4, Some(2), Some(2)) | (2, Some(2), Some(4)) => Some(3),
        _ => None,
    }
}

fn is_version(word: &str) -> bool {
    let digits = word.strip_prefix("ver").or_else(|| word.strip_prefix('v'));
    digits.is_some_and(|digits| !digits.is_empty() && number(digits).is_some())
}

fn is_layout(word: &str) -> bool {
    let channels = word.strip_suffix("ch").filter(|n| n.len() < 3);
    let known = ["1.0", "2.0", "2.1", "3.0", "5.0", "5.1", "6.1", "7.0", "7.1", "5.1.4", "7.1.4"];
    known.contains(&word)
        || channels.is_some_and(|n| number(n).is_some())
        || ["stereo", "mono", "interleaved", "multimono"].contains(&word)
}

/// Takes from each name the words that most of them begin and end with, and the
/// numbers that merely count them. Returns the words in front: mostly the title.
///
/// A word is kept if half the names would lose by it what makes them `known`.
pub(super) fn strip_common(
    names: &mut [Vec<String>],
    known: &dyn Fn(&[String]) -> bool,
) -> Vec<String> {
    strip_ordinals(names);
    let mut front = Vec::new();
    while let Some(word) = common(names, known, true) {
        strip(names, &word, true);
        front.push(word);
    }
    // The title may follow the count, and the count of the album the title.
    strip_ordinals(names);
    while let Some(word) = common(names, known, false) {
        strip(names, &word, false);
    }
    front
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

fn edge(name: &[String], front: bool) -> Option<&String> {
    // What stands last is also what stands first, and names the thing, if it is alone.
    if front { name.first() } else { name.last().filter(|_| name.len() > 1) }
}

fn strip(names: &mut [Vec<String>], word: &str, front: bool) {
    for name in names {
        if edge(name, front).is_some_and(|first| same(first, word)) {
            name.remove(if front { 0 } else { name.len() - 1 });
        }
    }
}

/// The word at one end of three quarters of the names, if there is one.
fn common(names: &[Vec<String>], known: &dyn Fn(&[String]) -> bool, front: bool) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for word in names.iter().filter_map(|name| edge(name, front)) {
        *counts.entry(word.to_lowercase()).or_default() += 1;
    }
    let (word, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    if count < 2 || count * 4 < names.len() * 3 {
        return None;
    }
    let mut after = names.to_vec();
    strip(&mut after, &word, front);
    let lost = names.iter().zip(&after).filter(|(old, new)| known(old) && !known(new)).count();
    if lost * 2 >= count {
        return None;
    }
    let written = names.iter().filter_map(|name| edge(name, front)).find(|w| same(w, &word));
    written.cloned()
}

/// Numbers that count the files, `01 Kick`, where most files have one.
fn strip_ordinals(names: &mut [Vec<String>]) {
    let counts = |name: &Vec<String>| {
        name.len() > 1
            && name[0].len() <= 3
            && name[0].bytes().all(|byte| byte.is_ascii_digit())
            && !MACHINES.contains(&name[0].as_str())
    };
    let counted = names.iter().filter(|name| counts(name)).count();
    if counted * 3 >= names.len() * 2 {
        names.iter_mut().filter(|name| counts(name)).for_each(|name| {
            name.remove(0);
        });
    }
}

/// A name for a manifest of the characters that every spec allows: lower case,
/// `_` between words. Empty if no letter or digit is left.
pub(super) fn key(words: &[String]) -> String {
    let mut key = String::new();
    for word in words {
        let clean: String = word.to_lowercase().chars().filter_map(plain).collect();
        if !clean.is_empty() && !key.is_empty() {
            key.push('_');
        }
        key.push_str(&clean);
    }
    key
}

/// A character as legal names have it; Latin letters lose their accents.
fn plain(character: char) -> Option<char> {
    const ACCENTS: [(char, &str); 8] = [
        ('a', "àáâãäåā"),
        ('c', "çćč"),
        ('e', "èéêëē"),
        ('i', "ìíîïī"),
        ('n', "ñń"),
        ('o', "òóôõöøō"),
        ('u', "ùúûüū"),
        ('y', "ýÿ"),
    ];
    match character {
        'a'..='z' | '0'..='9' => Some(character),
        // Between digits only, by the way words are split.
        '.' => Some('-'),
        _ => ACCENTS.iter().find(|(_, all)| all.contains(character)).map(|(letter, _)| *letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(stem: &str) -> String {
        Name::parse(stem).telling().join(" ")
    }

    #[test]
    fn what_a_name_says_of_the_format_is_no_part_of_the_name() {
        for (stem, telling) in [
            ("Caesium_ALT HATS", "Caesium ALT HATS"),
            ("6.Caesium_Stem_KICK_mobile", "6 Caesium KICK mobile"),
            ("SHORTFILM_R1_DX_5.1", "SHORTFILM R1 DX"),
            (
                "001 \u{2013} Kick In \u{2013} DRY \u{2013} 48Khz \u{2013} 24Bits \u{2013} 120 BPM",
                "001 Kick In DRY",
            ),
            ("Song_Stem_Drums_20240131", "Song Drums"),
            ("Song 2024-01-31 Bass v12", "Song Bass"),
            ("K & SN", "K SN"),
            ("Film_M&E_2ch", "Film M&E"),
            ("audio", "audio"),
            ("808 44.1k 24b", "808"),
        ] {
            assert_eq!(words(stem), telling, "{stem}");
        }
    }

    #[test]
    fn tempo_frame_rate_and_timecode_are_told_by_their_units_or_places() {
        for (stem, bpm) in [("a 96 BPM", 96.0), ("a_127.5bpm", 127.5), ("BPM 90 a", 90.0)] {
            assert_eq!(Name::parse(stem).tempo_bpm, Some(bpm), "{stem}");
        }
        for stem in ["kick 120", "bpm", "5000bpm"] {
            assert_eq!(Name::parse(stem).tempo_bpm, None, "{stem}");
        }
        let rate = |stem: &str| Name::parse(stem).frame_rate.map(|rate| rate.to_string());
        let netflix = "chefs_table_s02e02_v04_PM_Nearfield_2ch_48k_24b_23976";
        assert_eq!(rate(netflix).as_deref(), Some("23.976"));
        assert_eq!(words(netflix), "chefs table s02e02 PM Nearfield");
        assert_eq!(rate("x_24fps").as_deref(), Some("24"));
        assert_eq!(rate("x_48k_24b_25").as_deref(), Some("25"));
        assert_eq!(rate("gtr 24"), None);
        let bext = Name::parse("PM_2.0_bext_TC01000000");
        assert_eq!(bext.timecode.as_deref(), Some("01:00:00:00"));
        assert_eq!(bext.telling(), ["PM"]);
    }

    fn stripped(stems: &[&str]) -> (String, Vec<String>) {
        let known = |words: &[String]| {
            words
                .iter()
                .any(|w| ["kick", "vox", "bgv", "pm", "dx"].contains(&w.to_lowercase().as_str()))
        };
        let mut names: Vec<Vec<String>> =
            stems.iter().map(|stem| Name::parse(stem).telling()).collect();
        let front = strip_common(&mut names, &known);
        (front.join(" "), names.iter().map(|name| key(name)).collect())
    }

    #[test]
    fn the_title_is_what_most_names_begin_with() {
        let (title, keys) = stripped(&[
            "6.Caesium_Stem_KICK_mobile",
            "6.Caesium_Stem_VOX LEAD_mobile",
            "6.Caesium_Master_mobile",
            "6.Caesium_Stem_808_mobile",
        ]);
        assert_eq!(
            (title.as_str(), keys.join(" ").as_str()),
            ("Caesium", "kick vox_lead master 808")
        );
        // The whole name of a mix may be the title.
        assert_eq!(stripped(&["Song_kick", "Song_vox", "Song"]).1, ["kick", "vox", ""]);
    }

    #[test]
    fn what_names_have_in_common_stays_where_it_names_the_thing() {
        assert_eq!(
            stripped(&["BGV low", "BGV high", "BGV mid"]).1,
            ["bgv_low", "bgv_high", "bgv_mid"]
        );
        assert_eq!(stripped(&["kick", "snare", "bass"]).1, ["kick", "snare", "bass"]);
        assert_eq!(stripped(&["Song_kick"]).1, ["song_kick"]);
        assert_eq!(stripped(&["01 kick", "02 808", "03 808 vox"]).1, ["kick", "808", "808_vox"]);
    }

    #[test]
    fn keys_are_legal_whatever_the_name_was() {
        let key_of = |stem: &str| key(&Name::parse(stem).telling());
        assert_eq!(key_of("Stimme \u{dc}ber #3 (Caf\u{e9})"), "stimme_uber_3_cafe");
        assert_eq!(key_of("\u{30c9}\u{30e9}\u{30e0}"), "");
        assert_eq!(key_of("take 1.5"), "take_1-5");
    }
}
