//! FLAC in (RFC 9639), decoded by symphonia.
//!
//! Metadata is read here and the decoder is given STREAMINFO and frames only:
//! it needs no more, and so it allocates nothing that tags and pictures ask for.
//! It resumes behind damage without a word, so each frame's number is checked:
//! audio is complete or refused, never silently shorter.

use std::io::{self, Cursor, Read, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::audio::{Audio, GenericAudioBufferRef};
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::FormatReader;
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource};
use symphonia::core::packet::Packet;
use symphonia::default::codecs::FlacDecoder;
use symphonia::default::formats::FlacReader;

use super::reader::{Input, MediaInput, malformed, unsupported};
use super::{AudioError, AudioInfo, Pcm};

/// Bytes of the STREAMINFO block (RFC 9639 section 8.2).
const STREAMINFO: usize = 34;

/// The decoder looks back up to 32 KiB less than this, and wants a power of two.
const BUFFER: MediaSourceStreamOptions = MediaSourceStreamOptions { buffer_len: 1 << 17 };

/// A FLAC file.
pub(super) struct Flac {
    input: Shared,
    /// Length of the file in bytes.
    len: u64,
    stream_info: [u8; STREAMINFO],
    /// Where the first frame stands.
    first_frame: u64,
    info: AudioInfo,
    /// The decoder at work; none at first and after an error.
    stream: Option<Stream>,
}

impl Flac {
    /// Reads the metadata; a stream that does not say its length is gone through
    /// once.
    pub(super) fn open(mut input: Input) -> Result<Self, AudioError> {
        let (stream_info, first_frame) = read_metadata(&mut input)?;
        // 20 bits of rate, 3 of channels - 1, 5 of bits - 1, 36 of frames.
        let packed = stream_info[10..].first_chunk().expect("BUG: STREAMINFO holds 34 bytes");
        let packed = u64::from_be_bytes(*packed);
        let bits = (packed >> 36 & 0x1F) as u16 + 1;
        let info = AudioInfo {
            container: "FLAC".into(),
            sample_rate: (packed >> 44) as u32,
            channels: (packed >> 41 & 7) as u16 + 1,
            frames: packed & 0xF_FFFF_FFFF,
            pcm: if bits > 24 { Pcm::I32 } else { Pcm::I24 },
            bits,
            float: false,
            channel_mask: None,
            time_reference: None,
        };
        if info.sample_rate == 0 {
            return Err(malformed("a sample rate of 0 Hz"));
        }
        let len = input.len;
        let input = Shared(Arc::new(Mutex::new(input.into_source())));
        let mut flac = Self { input, len, stream_info, first_frame, info, stream: None };
        if flac.info.frames == 0 {
            flac.info.frames = flac.count()?;
        }
        if flac.info.frames == 0 {
            return Err(AudioError::Incomplete("there is no audio in the file".into()));
        }
        Ok(flac)
    }

    pub(super) fn info(&self) -> &AudioInfo {
        &self.info
    }

    /// Appends `frames` frames from `start` on, all of which the header promises.
    pub(super) fn read(
        &mut self,
        start: u64,
        frames: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), AudioError> {
        let mut stream = match self.stream.take() {
            Some(stream) if stream.block_start <= start => stream,
            _ => self.restart()?,
        };
        let frame_bytes = self.info.frame_bytes();
        let (mut at, end) = (start, start + frames as u64);
        while at < end {
            while stream.block_end <= at {
                if !stream.advance(&self.info, at)? {
                    return Err(self.ends_at(stream.block_end));
                }
            }
            let upto = end.min(stream.block_end);
            let offset = |frame: u64| (frame - stream.block_start) as usize * frame_bytes;
            out.extend_from_slice(&stream.block[offset(at)..offset(upto)]);
            at = upto;
        }
        if end == self.info.frames && stream.advance(&self.info, 0)? {
            return Err(malformed(format!("the FLAC stream goes on after frame {end}, its last")));
        }
        self.stream = Some(stream);
        Ok(())
    }

    /// Frames in a stream that does not say how many it has.
    fn count(&mut self) -> Result<u64, AudioError> {
        if self.first_frame == self.len {
            return Ok(0);
        }
        let mut stream = self.restart()?;
        while stream.advance(&self.info, 0)? {}
        // The decoder drops a last frame that is cut: its bytes are missing here.
        if self.first_frame + stream.bytes < self.len {
            return Err(self.ends_at(stream.block_end));
        }
        Ok(stream.block_end)
    }

    fn ends_at(&self, frame: u64) -> AudioError {
        let of = match self.info.frames {
            0 => String::new(),
            frames => format!(" of {frames}"),
        };
        AudioError::Incomplete(format!(
            "the FLAC stream ends or is damaged after frame {frame}{of}"
        ))
    }

    /// A decoder in front of the first frame.
    fn restart(&mut self) -> Result<Stream, AudioError> {
        self.input.seek(SeekFrom::Start(self.first_frame))?;
        let mut head = b"fLaC\x80\0\0\x22".to_vec();
        head.extend(self.stream_info);
        let source = ReadOnlySource::new(Cursor::new(head).chain(self.input.clone()));
        fenced(0, || {
            let source = MediaSourceStream::new(Box::new(source), BUFFER);
            let reader = FlacReader::try_new(source, Default::default())?;
            let params = reader.tracks().first().and_then(|t| t.codec_params.as_ref()?.audio());
            let params = params.ok_or(Error::DecodeError("no audio in the stream"))?;
            let decoder = FlacDecoder::try_new(params, &AudioDecoderOptions::default())?;
            Ok(Stream {
                reader,
                decoder,
                next_number: 0,
                bytes: 0,
                block: Vec::new(),
                block_start: 0,
                block_end: 0,
            })
        })
    }
}

/// Finds STREAMINFO, which must come first, and the end of the metadata.
fn read_metadata(input: &mut Input) -> Result<([u8; STREAMINFO], u64), AudioError> {
    let mut at = 4;
    let mut stream_info = None;
    loop {
        let [kind, size @ ..] = input.bytes::<4>(at)?;
        let size = u64::from(u32::from_be_bytes([0, size[0], size[1], size[2]]));
        match (kind & 0x7F, stream_info) {
            (0, None) if size == STREAMINFO as u64 => stream_info = Some(input.bytes(at + 4)?),
            (0, None) => return Err(malformed(format!("a STREAMINFO block of {size} bytes"))),
            (_, None) => return Err(malformed("metadata does not begin with STREAMINFO")),
            (0 | 127, Some(_)) => return Err(malformed("a metadata block where none may be")),
            _ => {}
        }
        at += 4 + size;
        if at > input.len {
            return Err(AudioError::Incomplete("the file ends within its metadata".into()));
        }
        if let (0x80, Some(stream_info)) = (kind & 0x80, stream_info) {
            return Ok((stream_info, at));
        }
    }
}

/// The file, held by the reader and by the decoder it has lent it to.
#[derive(Clone)]
struct Shared(Arc<Mutex<Box<dyn MediaInput>>>);

impl Shared {
    fn with<T>(&self, action: impl FnOnce(&mut dyn MediaInput) -> T) -> T {
        action(self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut())
    }

    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.with(|input| input.seek(to))
    }
}

impl Read for Shared {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.with(|input| input.read(into))
    }
}

/// A decoder under way.
struct Stream {
    reader: FlacReader<'static>,
    decoder: FlacDecoder,
    /// Number of the next FLAC frame, where frames are numbered.
    next_number: u64,
    /// Bytes of the FLAC frames so far.
    bytes: u64,
    /// Canonical bytes of the last block, empty if it was skipped.
    block: Vec<u8>,
    /// First frame of the last block.
    block_start: u64,
    /// Frame after the last block.
    block_end: u64,
}

impl Stream {
    /// Goes to the next block, and decodes it if it reaches beyond frame `wanted`.
    /// `false` at the end of the stream.
    fn advance(&mut self, info: &AudioInfo, wanted: u64) -> Result<bool, AudioError> {
        let at = self.block_end;
        let reader = &mut self.reader;
        let packet = match fenced(at, || match reader.next_packet() {
            Err(Error::IoError(e)) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            other => other,
        })? {
            Some(packet) => packet,
            None => return Ok(false),
        };
        self.check(&packet, info)?;
        self.bytes += packet.data.len() as u64;
        self.next_number += 1;
        self.block_start = at;
        self.block_end = at + packet.dur.get();
        if (1..self.block_end).contains(&info.frames) {
            return Err(malformed(format!(
                "the FLAC stream goes on after frame {}, its last",
                info.frames
            )));
        }
        self.block.clear();
        if self.block_end > wanted {
            let (decoder, block) = (&mut self.decoder, &mut self.block);
            fenced(at, || match decoder.decode(&packet) {
                Ok(buffer) => interleave(buffer, info, block),
                // The block is in memory, so this is no failure of the disk.
                Err(Error::IoError(_)) => Err(Error::DecodeError("it ends early")),
                Err(error) => Err(error),
            })?;
            if block.len() as u64 != packet.dur.get() * info.frame_bytes() as u64 {
                return Err(malformed(format!("FLAC block at frame {at}: wrong length")));
            }
        }
        Ok(true)
    }

    /// Holds the header of a frame (RFC 9639 section 9.1) against what must come.
    fn check(&self, packet: &Packet, info: &AudioInfo) -> Result<(), AudioError> {
        let at = self.block_end;
        let &[_, sync, _, channels, ref rest @ ..] = &*packet.data else {
            return Err(malformed(format!("FLAC block at frame {at}: no header")));
        };
        // With a variable block size blocks carry the number of their first frame.
        let expected = if sync & 1 == 1 { at } else { self.next_number };
        if coded_number(rest) != Some(expected) {
            return Err(malformed(format!("FLAC block at frame {at} is damaged or missing")));
        }
        let (channels, joint) = match channels >> 4 {
            n @ 0..=7 => (u16::from(n) + 1, false),
            _ => (2, true),
        };
        if channels != info.channels {
            return Err(malformed(format!(
                "FLAC block at frame {at}: {channels} channels in a stream of {}",
                info.channels
            )));
        }
        let (next, number) = (at + packet.dur.get(), self.next_number + 1);
        let expected = if sync & 1 == 1 { next } else { number };
        if holds_second_frame(&packet.data, expected) {
            return Err(malformed(format!(
                "FLAC block at frame {next}: other channels, sample rate or bits than the stream"
            )));
        }
        // Their difference takes 33 bits, which the decoder does not have.
        if joint && info.bits == 32 {
            return Err(unsupported("32-bit FLAC with joint stereo"));
        }
        Ok(())
    }
}

/// Whether a packet goes on with the frame numbered `expected`. The decoder knows
/// the end of a frame by the next header, and takes one of another format for
/// none; the sum of what it then takes for one frame is right nevertheless, as
/// the sum of every whole frame is 0.
fn holds_second_frame(packet: &[u8], expected: u64) -> bool {
    (1..packet.len().saturating_sub(4)).any(|at| {
        packet[at] == 0xFF
            && packet[at + 1] & 0xFE == 0xF8
            && coded_number(&packet[at + 4..]) == Some(expected)
            && crc16(&packet[..at]) == 0
    })
}

/// The sum at the end of a frame (RFC 9639 section 9.3); 0 if that is included.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc: u16, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x8005 }
        })
    })
}

/// The number of a frame, coded like UTF-8 in up to 7 bytes (RFC 9639 section 9.1.5).
fn coded_number(bytes: &[u8]) -> Option<u64> {
    let (first, rest) = bytes.split_first()?;
    let more = first.leading_ones().saturating_sub(1) as usize;
    let low = u64::from(*first) & (0x7F >> first.leading_ones().min(7));
    let rest = rest.get(..more)?.iter();
    Some(rest.fold(low, |number, byte| number << 6 | u64::from(byte & 0x3F)))
}

/// Appends a decoded block in canonical form. The decoder left-justifies samples
/// in 32 bits.
fn interleave(
    buffer: GenericAudioBufferRef<'_>,
    info: &AudioInfo,
    block: &mut Vec<u8>,
) -> Result<(), Error> {
    let GenericAudioBufferRef::S32(buffer) = buffer else {
        return Err(Error::Unsupported("samples that are not 32-bit integers"));
    };
    let sample_bytes = info.pcm.bytes();
    let frame_bytes = info.frame_bytes();
    block.resize(buffer.frames() * frame_bytes, 0);
    for (channel, samples) in buffer.iter_planes().enumerate() {
        let from = channel * sample_bytes;
        for (frame, sample) in block.chunks_exact_mut(frame_bytes).zip(samples) {
            let bytes = &sample.to_le_bytes()[4 - sample_bytes..];
            frame[from..from + sample_bytes].copy_from_slice(bytes);
        }
    }
    Ok(())
}

/// Runs a step of the decoder at frame `at`. It adds without wrapping, so in
/// builds that check for overflow a crafted stream makes it panic; here that is
/// damage like any other.
fn fenced<T>(at: u64, step: impl FnOnce() -> Result<T, Error>) -> Result<T, AudioError> {
    let damage = |why: &str| malformed(format!("FLAC block at frame {at}: {why}"));
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Error::IoError(error))) => match error.kind() {
            io::ErrorKind::UnexpectedEof => Err(AudioError::Incomplete(format!(
                "the FLAC stream ends or is damaged after frame {at}"
            ))),
            _ => Err(AudioError::Io(error)),
        },
        Ok(Err(Error::DecodeError(why) | Error::Unsupported(why) | Error::LimitError(why))) => {
            Err(damage(why))
        }
        Ok(Err(_)) | Err(_) => Err(damage("cannot be decoded")),
    }
}
