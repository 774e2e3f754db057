//! WAV, RF64 (EBU Tech 3306) and BW64 (ITU-R BS.2088) in.

use super::linear::{Coding, Kind, Linear};
use super::reader::{Input, incomplete, malformed, unsupported};
use super::wav::{SUBTYPE_TAIL, TAG_EXTENSIBLE, TAG_FLOAT, TAG_PCM};
use super::{AudioError, AudioInfo};

/// More chunks than any file has; a file made of empty chunks ends here.
const MAX_CHUNKS: usize = 4096;

/// A 32-bit size that says "see `ds64`", or that nobody has filled in yet.
const ELSEWHERE: u32 = u32::MAX;

/// What the chunks of a file hold that matters here.
#[derive(Default)]
struct Chunks {
    format: Option<Format>,
    /// Offset and promised length of the samples.
    data: Option<(u64, u64)>,
    /// The data size of `ds64`.
    data_size: Option<u64>,
    time_reference: Option<u64>,
}

/// Opens a file that begins with `RIFF`, `RF64` or `BW64`, and `WAVE`.
pub(super) fn open(mut input: Input) -> Result<Linear, AudioError> {
    let container = match &input.bytes::<4>(0)? {
        b"RF64" => "RF64",
        b"BW64" => "BW64",
        _ => "WAV",
    };
    let chunks = walk(&mut input, container != "WAV")?;
    let Some((data, promised)) = chunks.data else {
        return Err(AudioError::Incomplete("there is no data chunk in the file".into()));
    };
    let format = chunks.format.ok_or_else(|| malformed("there is no fmt chunk"))?;
    let held = input.len - data;
    if promised == 0 || promised > held {
        return Err(incomplete(promised, held));
    }
    let frame_bytes = u64::from(format.frame_bytes);
    if !promised.is_multiple_of(frame_bytes) {
        return Err(malformed(format!(
            "{promised} bytes of audio are no whole number of frames of {frame_bytes}"
        )));
    }
    let info = AudioInfo {
        container: container.into(),
        sample_rate: format.sample_rate,
        channels: format.channels,
        frames: promised / frame_bytes,
        pcm: format.coding.pcm(),
        bits: format.coding.bits,
        float: format.coding.kind == Kind::Float,
        channel_mask: format.channel_mask,
        time_reference: chunks.time_reference,
    };
    Ok(Linear::new(input, data, format.coding, info))
}

/// Looks at all chunks, also those behind the samples: some recorders write
/// `bext` there.
fn walk(input: &mut Input, is_64: bool) -> Result<Chunks, AudioError> {
    let mut chunks = Chunks::default();
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        if at + 8 > input.len {
            return Ok(chunks);
        }
        let [a, b, c, d, size @ ..] = input.bytes::<8>(at)?;
        let (id, size) = ([a, b, c, d], u32::from_le_bytes(size));
        let body = at + 8;
        let mut length = u64::from(size);
        if &id == b"data" && chunks.data.is_none() {
            length = match (size, chunks.data_size) {
                (ELSEWHERE, Some(length)) => length,
                (ELSEWHERE, None) if is_64 => return Err(malformed("RF64 without a ds64 chunk")),
                (ELSEWHERE, None) => {
                    return Err(incomplete("an unknown number of", input.len - body));
                }
                _ => length,
            };
            chunks.data = Some((body, length));
        }
        let end = body.checked_add(length).filter(|end| *end <= input.len);
        let Some(end) = end else {
            // What follows the samples may be cut; what they need may not.
            if chunks.data.is_some() && chunks.format.is_some() {
                return Ok(chunks);
            }
            let id = String::from_utf8_lossy(&id).into_owned();
            return Err(AudioError::Incomplete(format!("the file ends within its {id:?} chunk")));
        };
        match &id {
            b"fmt " if chunks.format.is_none() => {
                chunks.format = Some(Format::read(input, body, length)?);
            }
            b"ds64" if is_64 && length >= 24 => {
                chunks.data_size = Some(u64::from_le_bytes(input.bytes(body + 8)?));
            }
            // TimeReference stands at byte 338 (EBU Tech 3285 section 2.3).
            b"bext" if length >= 346 => {
                chunks.time_reference = Some(u64::from_le_bytes(input.bytes(body + 338)?));
            }
            _ => {}
        }
        at = end + length % 2;
    }
    Err(malformed(format!("there are more than {MAX_CHUNKS} chunks")))
}

/// What `fmt ` says.
struct Format {
    channels: u16,
    sample_rate: u32,
    frame_bytes: u16,
    coding: Coding,
    channel_mask: Option<u32>,
}

impl Format {
    fn read(input: &mut Input, at: u64, length: u64) -> Result<Self, AudioError> {
        // 16 bytes, 18 with cbSize, 40 for WAVE_FORMAT_EXTENSIBLE.
        let mut body = [0; 40];
        let known = length.min(40) as usize;
        if known < 16 {
            return Err(malformed(format!("a fmt chunk of {length} bytes")));
        }
        input.read_at(at, &mut body[..known])?;
        let u16_at = |i: usize| u16::from_le_bytes([body[i], body[i + 1]]);
        let u32_at = |i: usize| u32::from(u16_at(i)) | u32::from(u16_at(i + 2)) << 16;

        let (channels, sample_rate) = (u16_at(2), u32_at(4));
        let (frame_bytes, bits) = (u16_at(12), u16_at(14));
        let extensible = u16_at(0) == TAG_EXTENSIBLE;
        if extensible && (known < 40 || body[26..40] != SUBTYPE_TAIL) {
            return Err(unsupported("WAV with an unknown extensible format"));
        }
        let tag = if extensible { u16_at(24) } else { u16_at(0) };
        if tag != TAG_PCM && tag != TAG_FLOAT {
            return Err(unsupported(format!("WAV with {}", tag_name(tag))));
        }
        if channels == 0 || sample_rate == 0 {
            return Err(malformed(format!("{channels} channels at {sample_rate} Hz")));
        }
        if frame_bytes == 0 || !frame_bytes.is_multiple_of(channels) {
            return Err(malformed(format!("{channels} channels in frames of {frame_bytes} bytes")));
        }
        let bytes = usize::from(frame_bytes / channels);
        let kind = match (tag, bytes) {
            (TAG_FLOAT, _) => Kind::Float,
            (_, 1) => Kind::Unsigned,
            _ => Kind::Signed,
        };
        // wValidBitsPerSample; 0 means all.
        let bits = if extensible && u16_at(18) != 0 { u16_at(18) } else { bits };
        let coding = Coding { bytes, kind, big_endian: false, bits }.check()?;
        // A mask that names another number of channels says nothing about these.
        let channel_mask = extensible
            .then(|| u32_at(20))
            .filter(|mask| *mask != 0 && mask.count_ones() == u32::from(channels));
        Ok(Self { channels, sample_rate, frame_bytes, coding, channel_mask })
    }
}

/// Format tags of `mmreg.h` that turn up in studios.
fn tag_name(tag: u16) -> String {
    let name = match tag {
        0x0002 => "MS ADPCM",
        0x0006 => "A-law",
        0x0007 => "mu-law",
        0x0011 => "IMA ADPCM",
        0x0031 => "GSM 6.10",
        0x0050 => "MPEG audio",
        0x0055 => "MP3",
        0x0092 => "Dolby AC-3",
        0x00FF => "AAC",
        _ => return format!("format 0x{tag:04X}"),
    };
    format!("{name} audio")
}
