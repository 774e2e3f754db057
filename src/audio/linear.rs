//! Uncompressed samples within a file, brought to canonical form.

use super::reader::{Input, malformed, unsupported};
use super::{AudioError, AudioInfo, Pcm};

/// Bytes converted at a time; bounds the memory beside the caller's.
const PIECE: usize = 1 << 18;

/// How one sample stands in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Coding {
    /// Bytes of one sample.
    pub(super) bytes: usize,
    /// How they are read.
    pub(super) kind: Kind,
    /// Whether the first byte is the most significant.
    pub(super) big_endian: bool,
    /// Bits in use, from the most significant down.
    pub(super) bits: u16,
}

/// How the bytes of a sample are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Two's complement.
    Signed,
    /// 8 bits, silence at 128.
    Unsigned,
    /// IEEE 754.
    Float,
}

impl Coding {
    /// The coding, if it is one there is; the error names it.
    pub(super) fn check(self) -> Result<Self, AudioError> {
        let container = self.bytes * 8;
        let fits = match self.kind {
            Kind::Unsigned => self.bytes == 1,
            Kind::Signed => (1..=4).contains(&self.bytes),
            Kind::Float => matches!(self.bytes, 4 | 8) && usize::from(self.bits) == container,
        };
        if self.bits == 0 || usize::from(self.bits) > container {
            return Err(malformed(format!("{} bits in samples of {container}", self.bits)));
        }
        if !fits {
            let kind = if self.kind == Kind::Float { "float" } else { "integer" };
            return Err(unsupported(format!("{}-bit {kind} samples of {container}", self.bits)));
        }
        Ok(self)
    }

    /// The canonical form.
    pub(super) fn pcm(self) -> Pcm {
        match (self.kind, self.bytes) {
            (Kind::Float, 8) => Pcm::F64,
            (Kind::Float, _) => Pcm::F32,
            _ if self.bits > 24 => Pcm::I32,
            _ => Pcm::I24,
        }
    }

    /// Whether the file holds the canonical form already.
    fn is_canonical(self) -> bool {
        !self.big_endian && self.kind != Kind::Unsigned && self.bytes == self.pcm().bytes()
    }

    /// Appends `bytes` in canonical form. `Err` holds the index of a sample of
    /// which bits would be lost.
    fn convert(self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), usize> {
        match (self.bytes, self.pcm().bytes()) {
            (1, _) => self.convert_sized::<1, 3>(bytes, out),
            (2, _) => self.convert_sized::<2, 3>(bytes, out),
            (3, _) => self.convert_sized::<3, 3>(bytes, out),
            (4, 3) => self.convert_sized::<4, 3>(bytes, out),
            (4, _) => self.convert_sized::<4, 4>(bytes, out),
            _ => self.convert_sized::<8, 8>(bytes, out),
        }
    }

    /// From `N` bytes in the file to `M` in canonical form.
    fn convert_sized<const N: usize, const M: usize>(
        self,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), usize> {
        let samples = bytes.as_chunks::<N>().0;
        let from = out.len();
        out.resize(from + samples.len() * M, 0);
        let places = out[from..].as_chunks_mut::<M>().0;
        let flip = if self.kind == Kind::Unsigned { 1 << 63 } else { 0 };
        let left_justified = |sample: &[u8; N]| {
            let mut word = [0; 8];
            let value = if self.big_endian {
                word[..N].copy_from_slice(sample);
                u64::from_be_bytes(word)
            } else {
                word[8 - N..].copy_from_slice(sample);
                u64::from_le_bytes(word)
            };
            value ^ flip
        };
        // What is left of a sample when its canonical bits are shifted out.
        let lost = |value: u64| if M < N { value << (8 * M) } else { 0 };
        let mut any_lost = 0;
        for (sample, place) in samples.iter().zip(places) {
            let value = left_justified(sample);
            any_lost |= lost(value);
            place.copy_from_slice(&value.to_le_bytes()[8 - M..]);
        }
        match any_lost {
            0 => Ok(()),
            _ => Err(samples.iter().position(|s| lost(left_justified(s)) != 0).unwrap_or(0)),
        }
    }
}

/// Samples in a row, in a file.
pub(super) struct Linear {
    input: Input,
    /// Where the first frame stands.
    data: u64,
    coding: Coding,
    info: AudioInfo,
}

impl Linear {
    /// The frames of `info` from byte `data` on; the caller has checked that the
    /// file reaches that far.
    pub(super) fn new(input: Input, data: u64, coding: Coding, info: AudioInfo) -> Self {
        Self { input, data, coding, info }
    }

    pub(super) fn info(&self) -> &AudioInfo {
        &self.info
    }

    /// Appends `frames` frames from `start` on, all of which the file has.
    pub(super) fn read(
        &mut self,
        start: u64,
        frames: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), AudioError> {
        let from = out.len();
        let frame_bytes = self.coding.bytes * usize::from(self.info.channels);
        let at = self.data + start * frame_bytes as u64;
        if self.coding.is_canonical() {
            out.resize(from + frames * frame_bytes, 0);
            self.input.read_at(at, &mut out[from..])?;
        } else {
            self.read_converted(at, start, frames * frame_bytes, out)?;
        }
        let odd = match self.info.pcm {
            Pcm::F32 => settle::<4>(&mut out[from..], 0x7F80),
            Pcm::F64 => settle::<8>(&mut out[from..], 0x7FF0),
            Pcm::I24 | Pcm::I32 => None,
        };
        match odd {
            None => Ok(()),
            Some(i) => {
                let (frame, channel) = self.place(start, i);
                Err(AudioError::NotFinite { frame, channel })
            }
        }
    }

    fn read_converted(
        &mut self,
        at: u64,
        start: u64,
        bytes: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), AudioError> {
        let piece = PIECE / self.coding.bytes * self.coding.bytes;
        let mut buffer = vec![0; bytes.min(piece)];
        for done in (0..bytes).step_by(piece) {
            let buffer = &mut buffer[..piece.min(bytes - done)];
            self.input.read_at(at + done as u64, buffer)?;
            self.coding.convert(buffer, out).map_err(|i| {
                let (frame, channel) = self.place(start, done / self.coding.bytes + i);
                malformed(format!(
                    "sample {frame} of channel {} uses more than the {} bits it should",
                    channel + 1,
                    self.coding.bits
                ))
            })?;
        }
        Ok(())
    }

    /// Frame and channel of the `i`th sample after frame `start`.
    fn place(&self, start: u64, i: usize) -> (u64, u16) {
        let channels = usize::from(self.info.channels);
        (start + (i / channels) as u64, (i % channels) as u16)
    }
}

/// Makes -0.0 into +0.0, so that equal audio is equal bytes, and finds the first
/// sample that is infinite or not a number: one whose upper 16 bits have all of
/// `exponent` set.
fn settle<const N: usize>(bytes: &mut [u8], exponent: u16) -> Option<usize> {
    const NEGATIVE: u8 = 0x80;
    let mut odd = None;
    for (i, sample) in bytes.as_chunks_mut::<N>().0.iter_mut().enumerate() {
        if u16::from_le_bytes([sample[N - 2], sample[N - 1]]) & exponent == exponent {
            odd = odd.or(Some(i));
        }
        if sample[N - 1] == NEGATIVE && sample[..N - 1].iter().all(|byte| *byte == 0) {
            sample[N - 1] = 0;
        }
    }
    odd
}
