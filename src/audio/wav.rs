//! WAV files out: header, `bext`, RF64.

use super::layout::Layout;
use crate::units::SampleRate;

/// How samples are written.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize,
)]
pub enum Encoding {
    /// 16-bit integers, TPDF dither where the signal is finer.
    Pcm16,
    /// The same, the noise of the rounding moved to where the ear hears it least.
    Pcm16Shaped,
    /// 24-bit integers, rounded to the nearest, ties to even.
    Pcm24,
    /// 32-bit floats.
    Float32,
}

impl Encoding {
    /// All there are.
    pub const ALL: [Encoding; 4] =
        [Encoding::Pcm16, Encoding::Pcm16Shaped, Encoding::Pcm24, Encoding::Float32];

    /// Bits of one sample.
    pub fn bits(self) -> u16 {
        match self {
            Encoding::Pcm16 | Encoding::Pcm16Shaped => 16,
            Encoding::Pcm24 => 24,
            Encoding::Float32 => 32,
        }
    }

    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        usize::from(self.bits()) / 8
    }

    /// Name in specs: `pcm24`.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Pcm16 => "pcm16",
            Encoding::Pcm16Shaped => "pcm16-shaped",
            Encoding::Pcm24 => "pcm24",
            Encoding::Float32 => "float32",
        }
    }

    /// In words, for reports.
    pub fn words(self) -> &'static str {
        match self {
            Encoding::Pcm16 | Encoding::Pcm16Shaped => "16-bit",
            Encoding::Pcm24 => "24-bit",
            Encoding::Float32 => "32-bit float",
        }
    }

    /// The encoding of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.name() == name)
    }
}

/// The `bext` chunk of a Broadcast WAV (EBU Tech 3285 version 2). Texts are cut
/// to their fields, and what is not ASCII becomes `?`. There is no date and no
/// time: rebounce has no clock (law 1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bext {
    /// What the file is; 256 bytes at most.
    pub description: String,
    /// Who made it; 32 bytes at most.
    pub originator: String,
    /// Where the first frame stands, in samples since midnight.
    pub time_reference: u64,
    /// Lines of EBU R 98, each ended by CR LF. Some readers skip a `bext` of more
    /// than 10,240 bytes.
    pub coding_history: String,
}

impl Bext {
    /// Bytes before CodingHistory.
    const FIXED: usize = 602;
    /// Loudness words that hold no value (EBU Tech 3285 section 2.4).
    const UNSET: [u8; 2] = 0x7FFF_u16.to_le_bytes();

    fn to_bytes(&self) -> Vec<u8> {
        let mut body = vec![0; Self::FIXED];
        put_text(&mut body[..256], &self.description);
        put_text(&mut body[256..288], &self.originator);
        body[338..346].copy_from_slice(&self.time_reference.to_le_bytes());
        body[346..348].copy_from_slice(&2_u16.to_le_bytes());
        for word in body[412..422].chunks_exact_mut(2) {
            word.copy_from_slice(&Self::UNSET);
        }
        body.extend(ascii(&self.coding_history));
        // RIFF would pad an odd chunk; readers there are that take no notice of it.
        body.resize(body.len().next_multiple_of(2), 0);
        body
    }
}

fn ascii(text: &str) -> impl Iterator<Item = u8> {
    text.chars().map(|c| if c.is_ascii() { c as u8 } else { b'?' })
}

fn put_text(field: &mut [u8], text: &str) {
    for (place, byte) in field.iter_mut().zip(ascii(text)) {
        *place = byte;
    }
}

/// Everything of a WAV file that stands before its samples. The samples follow,
/// [`payload_bytes`](Self::payload_bytes) of them, then
/// [`padding`](Self::padding); nothing comes after.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WavHeader {
    /// Frames per second.
    pub sample_rate: SampleRate,
    /// Channels and their order.
    pub layout: Layout,
    /// How samples are written.
    pub encoding: Encoding,
    /// Frames in the file.
    pub frames: u64,
    /// Broadcast metadata, if any.
    pub bext: Option<Bext>,
}

impl WavHeader {
    /// Bytes of one frame.
    pub fn frame_bytes(&self) -> usize {
        self.encoding.bytes() * self.layout.width()
    }

    /// Bytes of all samples.
    pub fn payload_bytes(&self) -> u64 {
        self.frames * self.frame_bytes() as u64
    }

    /// Zero bytes after the samples, 0 or 1: chunks have an even length.
    pub fn padding(&self) -> usize {
        (self.payload_bytes() % 2) as usize
    }

    /// The header. Its length does not depend on `frames`: in place of the `ds64`
    /// of RF64 (EBU Tech 3306), which takes over when the RIFF size no longer fits
    /// in 32 bits, smaller files hold `JUNK` of the same size.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut after = Vec::new();
        if let Some(bext) = &self.bext {
            put_chunk(&mut after, b"bext", &bext.to_bytes());
        }
        put_chunk(&mut after, b"fmt ", &self.format());
        if self.encoding == Encoding::Float32 {
            put_chunk(&mut after, b"fact", &saturated(self.frames));
        }
        // RIFF size: `WAVE`, the chunk of 28 bytes, what follows, the data chunk.
        let content = 4 + (8 + 28) + after.len() as u64 + 8;
        let riff_size = content + self.payload_bytes() + self.padding() as u64;
        let rf64 = riff_size > u64::from(u32::MAX);

        let mut out = Vec::new();
        out.extend(if rf64 { b"RF64" } else { b"RIFF" });
        out.extend(saturated(riff_size));
        out.extend(b"WAVE");
        let mut sizes = [0; 28];
        if rf64 {
            for (place, value) in
                sizes.chunks_exact_mut(8).zip([riff_size, self.payload_bytes(), self.frames])
            {
                place.copy_from_slice(&value.to_le_bytes());
            }
        }
        put_chunk(&mut out, if rf64 { b"ds64" } else { b"JUNK" }, &sizes);
        out.extend(after);
        out.extend(b"data");
        // In RF64 both sizes are -1, even where only the RIFF size is too large.
        out.extend(if rf64 { [0xFF; 4] } else { saturated(self.payload_bytes()) });
        out
    }

    /// The `fmt ` chunk: WAVEFORMATEXTENSIBLE, which names the loudspeakers, but
    /// for 16-bit mono and stereo, where all readers know the plain form.
    fn format(&self) -> Vec<u8> {
        let channels = self.layout.width() as u16;
        let plain = self.encoding.bits() == 16 && channels <= 2;
        let tag = if self.encoding == Encoding::Float32 { TAG_FLOAT } else { TAG_PCM };
        let frame_bytes = self.frame_bytes() as u32;
        let mut body = Vec::new();
        body.extend(if plain { tag } else { TAG_EXTENSIBLE }.to_le_bytes());
        body.extend(channels.to_le_bytes());
        body.extend(self.sample_rate.hz().to_le_bytes());
        body.extend((self.sample_rate.hz() * frame_bytes).to_le_bytes());
        body.extend((frame_bytes as u16).to_le_bytes());
        body.extend(self.encoding.bits().to_le_bytes());
        if !plain {
            body.extend(22_u16.to_le_bytes());
            body.extend(self.encoding.bits().to_le_bytes());
            body.extend(self.layout.mask().to_le_bytes());
            body.extend(tag.to_le_bytes());
            body.extend(SUBTYPE_TAIL);
        }
        body
    }
}

/// WAVE_FORMAT_PCM of the Windows SDK (`mmreg.h`), whence the next three too.
pub(super) const TAG_PCM: u16 = 1;
/// WAVE_FORMAT_IEEE_FLOAT.
pub(super) const TAG_FLOAT: u16 = 3;
/// WAVE_FORMAT_EXTENSIBLE.
pub(super) const TAG_EXTENSIBLE: u16 = 0xFFFE;
/// A SubFormat GUID is a tag followed by these bytes.
pub(super) const SUBTYPE_TAIL: [u8; 14] =
    [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

fn saturated(size: u64) -> [u8; 4] {
    u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes()
}

fn put_chunk(out: &mut Vec<u8>, id: &[u8; 4], body: &[u8]) {
    out.extend(id);
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(body);
    if !body.len().is_multiple_of(2) {
        out.push(0);
    }
}
