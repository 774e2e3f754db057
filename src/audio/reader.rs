//! Audio files in: whatever the container, canonical bytes come out.
//!
//! A file is told by its first bytes, never by its name. Files are read by
//! ranges of frames, so that nobody has to hold one in memory, and no header is
//! believed further than the file reaches.

use std::io::{Read, Seek, SeekFrom};

use super::flac::Flac;
use super::linear::Linear;
use super::{AudioError, AudioInfo, aiff, wav_read};

/// What audio can be read from: an open file, or bytes in memory.
pub trait MediaInput: Read + Seek + Send + Sync {}

impl<T: Read + Seek + Send + Sync> MediaInput for T {}

/// A source of bytes and its length.
pub(super) struct Input {
    source: Box<dyn MediaInput>,
    /// Bytes there are.
    pub(super) len: u64,
}

impl Input {
    /// The bytes of an open file.
    pub(super) fn new(mut source: Box<dyn MediaInput>) -> Result<Self, AudioError> {
        let len = source.seek(SeekFrom::End(0))?;
        Ok(Self { source, len })
    }

    /// Reads exactly `into.len()` bytes from `at` on.
    pub(super) fn read_at(&mut self, at: u64, into: &mut [u8]) -> Result<(), AudioError> {
        self.source.seek(SeekFrom::Start(at))?;
        Ok(self.source.read_exact(into)?)
    }

    /// `N` bytes from `at` on.
    pub(super) fn bytes<const N: usize>(&mut self, at: u64) -> Result<[u8; N], AudioError> {
        let mut bytes = [0; N];
        self.read_at(at, &mut bytes)?;
        Ok(bytes)
    }

    /// The source alone, for a decoder that reads on from where it stands.
    pub(super) fn into_source(self) -> Box<dyn MediaInput> {
        self.source
    }
}

/// An open audio file.
pub struct AudioReader {
    container: Container,
}

enum Container {
    Linear(Linear),
    Flac(Box<Flac>),
}

impl AudioReader {
    /// Opens a WAV, RF64, BW64, AIFF, AIFC or FLAC file.
    ///
    /// # Errors
    /// All kinds of [`AudioError`] but `NotFinite`, which reading finds.
    pub fn open(source: impl MediaInput + 'static) -> Result<Self, AudioError> {
        Self::open_boxed(Box::new(source))
    }

    fn open_boxed(source: Box<dyn MediaInput>) -> Result<Self, AudioError> {
        let mut input = Input::new(source)?;
        let len = input.len;
        let mut magic = [0; 12];
        let known = usize::try_from(len).map_or(12, |len| len.min(12));
        input.read_at(0, &mut magic[..known])?;
        let container = match (&magic[..4], &magic[8..]) {
            (b"RIFF" | b"RF64" | b"BW64", b"WAVE") => Container::Linear(wav_read::open(input)?),
            (b"FORM", b"AIFF" | b"AIFC") => Container::Linear(aiff::open(input)?),
            (b"fLaC", _) => Container::Flac(Box::new(Flac::open(input)?)),
            _ => return Err(refusal(&magic[..known])),
        };
        Ok(Self { container })
    }

    /// What the header says, checked against the length of the file; of FLAC, whose
    /// bytes do not tell its length, reading to the end checks it.
    pub fn info(&self) -> &AudioInfo {
        match &self.container {
            Container::Linear(linear) => linear.info(),
            Container::Flac(flac) => flac.info(),
        }
    }

    /// Appends frames `[start, start + frames)`, as far as the file has them, to
    /// `out`: interleaved little-endian samples in the form `info().pcm`. Returns
    /// how many frames these were. After an error `out` may hold part of them.
    ///
    /// # Errors
    /// `Io`; `Incomplete` where the file has become shorter; `Malformed` where
    /// compressed audio is damaged, with the frame; `NotFinite` for float samples
    /// that are infinite or not a number.
    pub fn read(
        &mut self,
        start: u64,
        frames: usize,
        out: &mut Vec<u8>,
    ) -> Result<usize, AudioError> {
        let left = self.info().frames.saturating_sub(start);
        let frames = usize::try_from(left).map_or(frames, |left| left.min(frames));
        if frames > 0 {
            match &mut self.container {
                Container::Linear(linear) => linear.read(start, frames, out)?,
                Container::Flac(flac) => flac.read(start, frames, out)?,
            }
        }
        Ok(frames)
    }
}

/// The header of a file; no sample is read, except of a FLAC file that does not
/// say how long it is.
///
/// # Errors
/// As [`AudioReader::open`].
pub fn probe(source: impl MediaInput + 'static) -> Result<AudioInfo, AudioError> {
    Ok(AudioReader::open(source)?.info().clone())
}

/// [`AudioError::Unsupported`] with what is found and what to do.
pub(super) fn unsupported(what: impl std::fmt::Display) -> AudioError {
    AudioError::Unsupported(format!("{what}; export as WAV, AIFF or FLAC"))
}

/// [`AudioError::Malformed`].
pub(super) fn malformed(why: impl Into<String>) -> AudioError {
    AudioError::Malformed(why.into())
}

/// [`AudioError::Incomplete`] for audio of `promised` bytes where `held` are.
pub(super) fn incomplete(promised: impl std::fmt::Display, held: u64) -> AudioError {
    if held == 0 {
        let why = "still being written or cut short: there is no audio in the file";
        return AudioError::Incomplete(why.into());
    }
    AudioError::Incomplete(format!(
        "still being written or cut short: the header promises {promised} bytes of audio, \
         the file holds {held}"
    ))
}

/// First bytes of formats that are not read here, with their offset and name.
const FOREIGN: [(usize, &[u8], &str); 17] = [
    (0, b"RIFX", "RIFX (big-endian WAV)"),
    (0, b"riff\x2E\x91\xCF\x11", "Sony Wave64"),
    (0, b"RIFF", "a RIFF file other than WAV"),
    (0, b"caff", "Core Audio (CAF)"),
    (0, b"OggS", "Ogg"),
    (0, b"ID3", "MP3, or another file behind an ID3 tag"),
    (4, b"ftyp", "MP4 or QuickTime"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"\x06\x0E\x2B\x34", "MXF"),
    (0, b"DSD ", "DSD (DSF)"),
    (0, b"FRM8", "DSD (DSDIFF)"),
    (0, b"FORM", "an IFF file other than AIFF"),
    (0, b".snd", "Sun audio (AU)"),
    (0, b"\x1A\x45\xDF\xA3", "Matroska or WebM"),
    (0, b"\xFF\xF8", "a FLAC stream without its header"),
    (0, b"\xFF", "MPEG audio (MP3 or AAC)"),
];

fn refusal(magic: &[u8]) -> AudioError {
    if magic.is_empty() {
        return AudioError::Incomplete("the file is empty".into());
    }
    // Also what is too short to tell: a `RIFF` cut off before its `WAVE`.
    let begins =
        |id: &[u8]| magic.len() < 12 && magic.starts_with(&id[..id.len().min(magic.len())]);
    if [b"RIFF", b"RF64", b"BW64", b"FORM", b"fLaC"].iter().any(|id| begins(*id)) {
        return AudioError::Incomplete("the file ends within its header".into());
    }
    let found = FOREIGN
        .iter()
        .find(|(at, id, _)| magic.get(*at..).is_some_and(|rest| rest.starts_with(id)));
    unsupported(found.map_or("no audio format known here", |(_, _, name)| name))
}
