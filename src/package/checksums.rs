//! `checksums.b3`: the format of `b3sum`, written and read.
//!
//! A line is 64 hex digits, two spaces and the path. A path that holds a backslash
//! or a newline is written with `\\` and `\n`, and its line starts with a backslash.

use std::fmt;

/// Name of the file of checksums in a package. It covers every other file there.
pub const FILE_NAME: &str = "checksums.b3";

/// A file of the package and the digest of its bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Checksum {
    /// Path within the package, with `/`.
    pub path: String,
    /// BLAKE3, 64 lower-case hex digits.
    pub blake3: String,
}

/// A line that is not of the format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadLine {
    /// Its number, from 1.
    pub number: usize,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of {FILE_NAME} is not `<64 hex digits>  <path>`", self.number)
    }
}

impl std::error::Error for BadLine {}

/// The text for `checksums`, sorted by path.
pub fn write(checksums: &[Checksum]) -> String {
    let mut sorted: Vec<&Checksum> = checksums.iter().collect();
    sorted.sort();
    sorted.into_iter().map(line).collect()
}

fn line(Checksum { path, blake3 }: &Checksum) -> String {
    if path.contains(['\\', '\n']) {
        let escaped = path.replace('\\', "\\\\").replace('\n', "\\n");
        format!("\\{blake3}  {escaped}\n")
    } else {
        format!("{blake3}  {path}\n")
    }
}

/// Reads what [`write()`] wrote; the last line may lack its end, as editors leave it.
pub fn read(text: &str) -> Result<Vec<Checksum>, BadLine> {
    // `lines` would take a carriage return off the end of a path.
    let lines = text.split_terminator('\n').enumerate();
    lines.map(|(index, line)| parse(line).ok_or(BadLine { number: index + 1 })).collect()
}

fn parse(line: &str) -> Option<Checksum> {
    let (line, escaped) = match line.strip_prefix('\\') {
        Some(rest) => (rest, true),
        None => (line, false),
    };
    let (blake3, path) = line.split_once("  ")?;
    let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if blake3.len() != 64 || !blake3.bytes().all(is_hex) || path.is_empty() {
        return None;
    }
    let path = if escaped { unescape(path)? } else { path.to_owned() };
    Some(Checksum { path, blake3: blake3.to_owned() })
}

fn unescape(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next()? {
                '\\' => '\\',
                'n' => '\n',
                _ => return None,
            },
            c => c,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checksum(path: &str, digit: &str) -> Checksum {
        Checksum { path: path.into(), blake3: digit.repeat(64) }
    }

    #[test]
    fn lines_are_those_of_b3sum_sorted_by_path() {
        let text = write(&[checksum("qc.json", "b"), checksum("README.txt", "a")]);
        let (a, b) = ("a".repeat(64), "b".repeat(64));
        assert_eq!(text, format!("{a}  README.txt\n{b}  qc.json\n"));
        // As printed by b3sum 1.2 for these names.
        assert_eq!(write(&[checksum("a\nb", "a")]), format!("\\{a}  a\\nb\n"));
        assert_eq!(write(&[checksum("a\\b", "a")]), format!("\\{a}  a\\\\b\n"));
    }

    #[test]
    fn odd_names_survive_a_round_trip() {
        let mut all: Vec<Checksum> = [
            "plain.wav",
            "two  spaces.wav",
            " leading",
            "a\\b",
            "a\nb",
            "\\",
            "a\\nb",
            "trail\r",
            "stems/Größe.wav",
            "\n\\\n",
        ]
        .iter()
        .map(|path| checksum(path, "0"))
        .collect();
        all.sort();
        assert_eq!(read(&write(&all)), Ok(all));
        assert_eq!(read(""), Ok(Vec::new()));
    }

    #[test]
    fn the_last_line_may_lack_its_end() {
        let all = [checksum("a.wav", "0"), checksum("b.wav", "1")];
        assert_eq!(read(write(&all).trim_end()), Ok(all.to_vec()));
    }

    #[test]
    fn damaged_lines_are_named() {
        let good = line(&checksum("a.wav", "0"));
        for bad in [
            "",
            "0000  short.wav",
            &format!("{}  ", "0".repeat(64)),
            &format!("{} one-space.wav", "0".repeat(64)),
            &format!("{}  a.wav", "G".repeat(64)),
            &format!("\\{}  dangling\\", "0".repeat(64)),
            &format!("\\{}  unknown\\t", "0".repeat(64)),
        ] {
            assert_eq!(read(&format!("{good}{bad}\n{good}")), Err(BadLine { number: 2 }), "{bad}");
        }
        assert_eq!(
            BadLine { number: 2 }.to_string(),
            "line 2 of checksums.b3 is not `<64 hex digits>  <path>`"
        );
    }
}
