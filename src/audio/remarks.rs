//! What a file says beside its samples: markers, regions, tempo, frame rate of its clock.
//!
//! None of it is needed to read audio and none of it decides a delivered bit, so it
//! is no part of [`AudioInfo`](super::AudioInfo): `init` reads it to propose a
//! manifest. What is damaged is passed over in silence.

use super::AudioError;
use super::reader::{Input, MediaInput};
use crate::units::FrameRate;

/// More chunks than any file has.
const MAX_CHUNKS: usize = 4096;

/// More bytes than markers and iXML take; what is longer is not read.
const MAX_BYTES: u64 = 1 << 20;

/// A marker, or a region between two places.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mark {
    /// Frame of the file at which it stands.
    pub frame: u64,
    /// The frame at which a region ends, exclusive; `None` for a marker.
    pub end: Option<u64>,
    /// Its name; empty if it has none.
    pub label: String,
}

/// All that is said. Empty for containers that say nothing of the kind.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Remarks {
    /// In the order of their frames.
    pub marks: Vec<Mark>,
    /// Beats per minute, of an `acid` chunk.
    pub tempo_bpm: Option<f64>,
    /// `TIMECODE_RATE` of iXML.
    pub frame_rate: Option<FrameRate>,
}

/// Reads the chunks beside the samples of WAV, RF64, BW64, AIFF and AIFC.
///
/// # Errors
/// `Io` and `Incomplete`; a file of another format has no remarks.
pub fn read(source: impl MediaInput + 'static) -> Result<Remarks, AudioError> {
    let mut input = Input::new(Box::new(source))?;
    if input.len < 12 {
        return Ok(Remarks::default());
    }
    let magic: [u8; 12] = input.bytes(0)?;
    let mut remarks = match (&magic[..4], &magic[8..]) {
        (b"RIFF" | b"RF64" | b"BW64", b"WAVE") => riff(&mut input)?,
        (b"FORM", b"AIFF" | b"AIFC") => iff(&mut input)?,
        _ => Remarks::default(),
    };
    remarks.marks.sort_by_key(|mark| mark.frame);
    Ok(remarks)
}

/// The id of a chunk and its bytes.
type Chunk = ([u8; 4], Vec<u8>);

/// The chunks of a file that are short enough to hold remarks, with their bytes.
fn chunks(input: &mut Input, big_endian: bool) -> Result<Vec<Chunk>, AudioError> {
    let (mut found, mut at, mut long) = (Vec::new(), 12, None);
    for _ in 0..MAX_CHUNKS {
        if at + 8 > input.len {
            break;
        }
        let [a, b, c, d, size @ ..] = input.bytes::<8>(at)?;
        let id = [a, b, c, d];
        let size = if big_endian { u32::from_be_bytes(size) } else { u32::from_le_bytes(size) };
        let mut length = u64::from(size);
        match &id {
            // RF64 keeps the size of its samples in `ds64` (EBU Tech 3306).
            b"ds64" if !big_endian && length >= 16 => {
                long = Some(u64::from_le_bytes(input.bytes(at + 16)?));
            }
            b"data" if size == u32::MAX => length = long.unwrap_or(length),
            b"data" | b"SSND" => {}
            _ if length <= MAX_BYTES && at + 8 + length <= input.len => {
                let mut bytes = vec![0; length as usize];
                input.read_at(at + 8, &mut bytes)?;
                found.push((id, bytes));
            }
            _ => {}
        }
        at = match (at + 8).checked_add(length).and_then(|end| end.checked_add(length % 2)) {
            Some(next) => next,
            None => break,
        };
    }
    Ok(found)
}

fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A name up to its first NUL: UTF-8, or else Latin-1 as older programs write.
fn name(bytes: &[u8]) -> String {
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    };
    text.trim().to_owned()
}

/// `cue `, `LIST adtl` and their like ("Multimedia Programming Interface and Data
/// Specifications 1.0", IBM and Microsoft, 1991, pages 56 to 66), `acid`, iXML.
fn riff(input: &mut Input) -> Result<Remarks, AudioError> {
    let (mut cues, mut labels, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    let mut remarks = Remarks::default();
    for (id, bytes) in chunks(input, false)? {
        match &id {
            // dwName, dwPosition, fccChunk, dwChunkStart, dwBlockStart, dwSampleOffset.
            b"cue " => {
                cues.extend(
                    bytes.get(4..).unwrap_or_default().chunks_exact(24).filter_map(|point| {
                        Some((u32_le(point, 0)?, u64::from(u32_le(point, 20)?)))
                    }),
                )
            }
            b"LIST" if bytes.starts_with(b"adtl") => {
                for (id, body) in listed(&bytes[4..]) {
                    let Some(cue) = u32_le(body, 0) else { continue };
                    match (id, u32_le(body, 4)) {
                        (b"labl", _) => labels.push((cue, name(&body[4..]))),
                        (b"ltxt", Some(frames)) => lengths.push((cue, u64::from(frames))),
                        _ => {}
                    }
                }
            }
            b"acid" => remarks.tempo_bpm = tempo(&bytes),
            b"iXML" => remarks.frame_rate = frame_rate(&String::from_utf8_lossy(&bytes)),
            _ => {}
        }
    }
    remarks.marks = cues
        .into_iter()
        .map(|(cue, frame)| {
            let label = labels.iter().find(|(of, _)| *of == cue).map(|(_, label)| label.clone());
            let length = lengths.iter().find(|(of, frames)| *of == cue && *frames > 0);
            Mark {
                frame,
                end: length.map(|(_, frames)| frame + frames),
                label: label.unwrap_or_default(),
            }
        })
        .collect();
    Ok(remarks)
}

/// The chunks within a list.
fn listed(mut bytes: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut found = Vec::new();
    while let (Some(id), Some(length)) = (bytes.get(..4), u32_le(bytes, 4)) {
        let length = length as usize;
        let Some(body) = bytes[8..].get(..length) else { break };
        found.push((id, body));
        bytes = bytes.get(8 + length + length % 2..).unwrap_or_default();
    }
    found
}

/// Tempo of an `acid` chunk: flags at byte 0, of which bit 0 says "one-shot", beats at
/// 12, beats per minute as a float at 20 (no document; as Acid and its readers have it).
/// `None` of a one-shot, and of what no song has.
fn tempo(bytes: &[u8]) -> Option<f64> {
    let one_shot = u32_le(bytes, 0)? & 1 == 1;
    let tempo = f64::from(f32::from_bits(u32_le(bytes, 20)?));
    (!one_shot && u16_le(bytes, 18)? > 0 && (20.0..=400.0).contains(&tempo)).then_some(tempo)
}

/// `TIMECODE_RATE` and `TIMECODE_FLAG` of the iXML specification, chapter SPEED.
fn frame_rate(text: &str) -> Option<FrameRate> {
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split('<').next().map(str::trim)
    };
    let (frames, seconds) = element("TIMECODE_RATE")?.split_once('/')?;
    let rate = match (frames.trim().parse::<u32>().ok()?, seconds.trim().parse::<u32>().ok()?) {
        (24_000, 1001) => "23.976",
        (30_000, 1001) => "29.97",
        (60_000, 1001) => "59.94",
        (frames, 1) => &frames.to_string(),
        _ => return None,
    };
    let drop = element("TIMECODE_FLAG") == Some("DF");
    FrameRate::parse(&format!("{rate}{}", if drop { "df" } else { "" }))
}

/// `MARK` of AIFF (Apple, "Audio Interchange File Format", 1989, section 6.2): a
/// count, then id, position and a counted name, padded to an even number of bytes.
fn iff(input: &mut Input) -> Result<Remarks, AudioError> {
    let mut remarks = Remarks::default();
    for (_, bytes) in chunks(input, true)?.iter().filter(|(id, _)| id == b"MARK") {
        let mut rest = bytes.get(2..).unwrap_or_default();
        while let [_, _, p0, p1, p2, p3, length, after @ ..] = rest {
            let length = usize::from(*length);
            let Some(label) = after.get(..length) else { break };
            let frame = u64::from(u32::from_be_bytes([*p0, *p1, *p2, *p3]));
            remarks.marks.push(Mark { frame, end: None, label: name(label) });
            rest = after.get(length + (length + 1) % 2..).unwrap_or_default();
        }
    }
    Ok(remarks)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut bytes = id.to_vec();
        bytes.extend((body.len() as u32).to_le_bytes());
        bytes.extend(body);
        bytes.resize(bytes.len() + body.len() % 2, 0);
        bytes
    }

    fn wav(chunks: &[Vec<u8>]) -> Remarks {
        let mut bytes = b"RIFF\0\0\0\0WAVE".to_vec();
        bytes.extend(chunks.concat());
        read(Cursor::new(bytes)).unwrap()
    }

    fn cues(points: &[(u32, u32)]) -> Vec<u8> {
        let mut body = (points.len() as u32).to_le_bytes().to_vec();
        for (name, frame) in points {
            body.extend(name.to_le_bytes());
            // The place in the play list is another than that of the samples.
            body.extend(7_u32.to_le_bytes());
            body.extend(b"data");
            body.extend([0; 8]);
            body.extend(frame.to_le_bytes());
        }
        chunk(b"cue ", &body)
    }

    fn label(cue: u32, text: &[u8]) -> Vec<u8> {
        chunk(b"labl", &[&cue.to_le_bytes()[..], text, b"\0"].concat())
    }

    #[test]
    fn cues_are_sorted_and_named_by_their_labels_and_regions_end() {
        let region = [2_u32.to_le_bytes(), 500_u32.to_le_bytes()].concat();
        let list =
            [b"adtl".to_vec(), label(2, b"Verse"), label(1, b"Refr\xE4n"), chunk(b"ltxt", &region)];
        let remarks = wav(&[
            chunk(b"data", &[0; 6]),
            cues(&[(1, 9000), (2, 100)]),
            chunk(b"LIST", &list.concat()),
        ]);
        let mark = |frame, end, label: &str| Mark { frame, end, label: label.into() };
        assert_eq!(remarks.marks, [mark(100, Some(600), "Verse"), mark(9000, None, "Refr\u{e4}n")]);
    }

    #[test]
    fn tempo_and_frame_rate_are_read_and_a_one_shot_has_no_tempo() {
        let acid = |flags: u32, bpm: f32| {
            let mut body = [0; 24];
            body[..4].copy_from_slice(&flags.to_le_bytes());
            body[18] = 4;
            body[20..].copy_from_slice(&bpm.to_le_bytes());
            chunk(b"acid", &body)
        };
        assert_eq!(wav(&[acid(0, 96.5)]).tempo_bpm, Some(96.5));
        assert_eq!(wav(&[acid(1, 96.5)]).tempo_bpm, None);
        assert_eq!(wav(&[acid(0, 1e9)]).tempo_bpm, None);
        let clock = |rate: &str, flag: &str| {
            let text = format!(
                "<SPEED><TIMECODE_RATE>{rate}</TIMECODE_RATE><TIMECODE_FLAG>{flag}</TIMECODE_FLAG>"
            );
            wav(&[chunk(b"iXML", text.as_bytes())]).frame_rate.map(|rate| rate.to_string())
        };
        assert_eq!(clock("24000/1001", "NDF").as_deref(), Some("23.976"));
        assert_eq!(clock("30000/1001", "DF").as_deref(), Some("29.97df"));
        assert_eq!(clock("25/1", "NDF").as_deref(), Some("25"));
        assert_eq!(clock("17/1", "NDF"), None);
    }

    #[test]
    fn aiff_markers_have_counted_names() {
        let mut body = 2_u16.to_be_bytes().to_vec();
        for (id, frame, label) in [(1_u16, 48_u32, "Intro"), (2, 96, "Ende")] {
            body.extend(id.to_be_bytes());
            body.extend(frame.to_be_bytes());
            body.push(label.len() as u8);
            body.extend(label.as_bytes());
            body.resize(body.len() + (label.len() + 1) % 2, 0);
        }
        let mut bytes = b"FORM\0\0\0\0AIFFMARK".to_vec();
        bytes.extend((body.len() as u32).to_be_bytes());
        bytes.extend(body);
        let marks = read(Cursor::new(bytes)).unwrap().marks;
        let marks: Vec<_> = marks.iter().map(|mark| (mark.frame, mark.label.as_str())).collect();
        assert_eq!(marks, [(48, "Intro"), (96, "Ende")]);
    }

    #[test]
    fn what_is_cut_or_foreign_says_nothing() {
        let whole = {
            let mut bytes = b"RIFF\0\0\0\0WAVE".to_vec();
            let list = [b"adtl".to_vec(), label(1, b"Verse")].concat();
            bytes.extend([cues(&[(1, 9000)]), chunk(b"LIST", &list)].concat());
            bytes
        };
        for length in 0..whole.len() {
            let remarks = read(Cursor::new(whole[..length].to_vec())).unwrap();
            assert!(remarks.marks.iter().all(|mark| mark.label.is_empty()), "{length}");
        }
        assert_eq!(read(Cursor::new(b"fLaC and more".to_vec())).unwrap(), Remarks::default());
    }
}
