//! Session audio for tests: samples in memory, and the containers they go into.

use super::RATE;
use super::random::Random;

/// Word length of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Word {
    I16,
    I24,
    F32,
}

impl Word {
    pub fn bits(self) -> u16 {
        match self {
            Word::I16 => 16,
            Word::I24 => 24,
            Word::F32 => 32,
        }
    }

    /// The nearest sample of this word length.
    fn on_grid(self, x: f64) -> f64 {
        match self {
            Word::I16 => (x * 32_768.0).round() / 32_768.0,
            Word::I24 => (x * 8_388_608.0).round() / 8_388_608.0,
            Word::F32 => f64::from(x as f32),
        }
    }

    /// Little-endian bytes of a sample that is on the grid.
    fn bytes(self, x: f64) -> Vec<u8> {
        match self {
            Word::I16 => ((x * 32_768.0) as i16).to_le_bytes().into(),
            Word::I24 => ((x * 8_388_608.0) as i32).to_le_bytes()[..3].into(),
            Word::F32 => (x as f32).to_le_bytes().into(),
        }
    }
}

/// The samples of a file, `[channel][frame]`, full scale 1.0, on the grid of `word`.
#[derive(Clone, PartialEq, Debug)]
pub struct Sound {
    pub word: Word,
    pub channels: Vec<Vec<f64>>,
}

impl Sound {
    /// Noise of about -14 dBFS; some seconds of it are digital silence.
    pub fn random(random: &mut Random, word: Word, width: usize, frames: usize) -> Self {
        let mut sound = Self { word, channels: vec![vec![0.0; frames]; width] };
        for start in (0..frames).step_by(RATE as usize) {
            if random.below(4) > 0 {
                sound.scribble(random, start, frames.min(start + RATE as usize));
            }
        }
        sound
    }

    /// New noise in the frames `start..end`.
    pub fn scribble(&mut self, random: &mut Random, start: usize, end: usize) {
        for channel in &mut self.channels {
            for x in &mut channel[start..end] {
                *x = self.word.on_grid((random.unit() - 0.5) * 0.4);
            }
        }
    }

    pub fn frames(&self) -> usize {
        self.channels[0].len()
    }

    /// Cuts it, or adds silence.
    pub fn resize(&mut self, frames: usize) {
        self.channels.iter_mut().for_each(|channel| channel.resize(frames, 0.0));
    }

    fn payload(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for frame in 0..self.frames() {
            for channel in &self.channels {
                bytes.extend(self.word.bytes(channel[frame]));
            }
        }
        bytes
    }

    fn format_tag(&self) -> u16 {
        if self.word == Word::F32 { 3 } else { 1 }
    }

    fn fmt(&self, tag: u16, tail: &[u8]) -> Vec<u8> {
        let (width, bytes) = (self.channels.len() as u16, self.word.bits() / 8);
        let mut fmt = Vec::new();
        fmt.extend(tag.to_le_bytes());
        fmt.extend(width.to_le_bytes());
        fmt.extend(RATE.to_le_bytes());
        fmt.extend((RATE * u32::from(width * bytes)).to_le_bytes());
        fmt.extend((width * bytes).to_le_bytes());
        fmt.extend(self.word.bits().to_le_bytes());
        fmt.extend(tail);
        fmt
    }

    pub fn wav(&self) -> Vec<u8> {
        let chunks = [chunk(b"fmt ", &self.fmt(self.format_tag(), &[])), self.data()];
        riff(b"RIFF", &chunks.concat())
    }

    /// At another rate than the others.
    pub fn wav_at(&self, rate: u32) -> Vec<u8> {
        let mut bytes = self.wav();
        let frame = u32::from(self.word.bits() / 8) * self.channels.len() as u32;
        bytes[24..28].copy_from_slice(&rate.to_le_bytes());
        bytes[28..32].copy_from_slice(&(rate * frame).to_le_bytes());
        bytes
    }

    /// With a `bext` chunk whose OriginationDate is `date`, as DAWs write it.
    pub fn wav_with_bext(&self, date: &str) -> Vec<u8> {
        let mut bext = vec![0; 602];
        bext[320..320 + date.len()].copy_from_slice(date.as_bytes());
        let fmt = chunk(b"fmt ", &self.fmt(self.format_tag(), &[]));
        riff(b"RIFF", &[chunk(b"bext", &bext), fmt, self.data()].concat())
    }

    /// As WAVE_FORMAT_EXTENSIBLE with the mask of mono (front centre) or stereo.
    pub fn wav_extensible(&self) -> Vec<u8> {
        self.wav_masked(if self.channels.len() == 1 { 4 } else { 3 })
    }

    /// As WAVE_FORMAT_EXTENSIBLE with this mask.
    pub fn wav_masked(&self, mask: u32) -> Vec<u8> {
        let mut tail = 22_u16.to_le_bytes().to_vec();
        tail.extend(self.word.bits().to_le_bytes());
        tail.extend(mask.to_le_bytes());
        tail.extend(self.format_tag().to_le_bytes());
        tail.extend(*b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71");
        riff(b"RIFF", &[chunk(b"fmt ", &self.fmt(0xFFFE, &tail)), self.data()].concat())
    }

    pub fn rf64(&self) -> Vec<u8> {
        let data = self.payload();
        let mut ds64 = vec![0; 28];
        ds64[8..16].copy_from_slice(&(data.len() as u64).to_le_bytes());
        ds64[16..24].copy_from_slice(&(self.frames() as u64).to_le_bytes());
        let mut body = chunk(b"ds64", &ds64);
        body.extend(chunk(b"fmt ", &self.fmt(self.format_tag(), &[])));
        body.extend(b"data\xff\xff\xff\xff");
        body.extend(&data);
        let mut file = riff(b"RF64", &body);
        let size = (file.len() - 8) as u64;
        file[4..8].fill(0xFF);
        file[20..28].copy_from_slice(&size.to_le_bytes());
        file
    }

    /// As AIFF (integers only). The 80-bit float is 8000.
    pub fn aiff(&self) -> Vec<u8> {
        assert_ne!(self.word, Word::F32, "AIFF holds integers");
        let size = usize::from(self.word.bits() / 8);
        let sound: Vec<u8> =
            self.payload().chunks(size).flat_map(|x| x.iter().rev().copied()).collect();
        let big = |id: &[u8; 4], body: &[u8]| {
            let mut bytes = id.to_vec();
            bytes.extend((body.len() as u32).to_be_bytes());
            bytes.extend(body);
            bytes.resize(bytes.len().next_multiple_of(2), 0);
            bytes
        };
        let mut common = (self.channels.len() as u16).to_be_bytes().to_vec();
        common.extend((self.frames() as u32).to_be_bytes());
        common.extend(self.word.bits().to_be_bytes());
        common.extend([0x40, 0x0B, 0xFA, 0, 0, 0, 0, 0, 0, 0]);
        let body = [b"AIFF".to_vec(), big(b"COMM", &common)].concat();
        big(b"FORM", &[body, big(b"SSND", &[&[0; 8], sound.as_slice()].concat())].concat())
    }

    /// As FLAC (integers only).
    pub fn flac(&self) -> Vec<u8> {
        assert_ne!(self.word, Word::F32, "FLAC holds integers");
        let scale = f64::from(1 << (self.word.bits() - 1));
        let samples: Vec<i32> = (0..self.frames())
            .flat_map(|frame| self.channels.iter().map(move |c| (c[frame] * scale) as i32))
            .collect();
        let mut file = std::io::Cursor::new(Vec::new());
        let mut writer = flac_codec::encode::FlacSampleWriter::new(
            &mut file,
            flac_codec::encode::Options::default(),
            RATE,
            u32::from(self.word.bits()),
            self.channels.len() as u8,
            Some(samples.len() as u64),
        )
        .unwrap();
        writer.write(&samples).unwrap();
        writer.finalize().unwrap();
        file.into_inner()
    }

    fn data(&self) -> Vec<u8> {
        chunk(b"data", &self.payload())
    }
}

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(body);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

fn riff(id: &[u8; 4], chunks: &[u8]) -> Vec<u8> {
    let body = [b"WAVE", chunks].concat();
    chunk(id, &body)
}

/// The rate of a delivered WAV, and its `bext` TimeReference, 0 if there is none.
pub fn clock_of(bytes: &[u8]) -> (u32, u64) {
    let (mut at, mut rate, mut start) = (12, 0, 0);
    while at + 8 < bytes.len() {
        let size = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        let body = &bytes[at + 8..];
        match &bytes[at..at + 4] {
            b"fmt " => rate = u32::from_le_bytes(body[4..8].try_into().unwrap()),
            b"bext" => start = u64::from_le_bytes(body[338..346].try_into().unwrap()),
            _ => {}
        }
        at += 8 + size + size % 2;
    }
    (rate, start)
}

/// A delivered WAV, read the plain way: bits, and samples `[channel][frame]` as
/// whole numbers; floats as their bits.
pub fn read_wav(bytes: &[u8]) -> (u16, Vec<Vec<i32>>) {
    let (mut at, mut width, mut bits) = (12, 0, 0);
    loop {
        let (id, size) = (&bytes[at..at + 4], &bytes[at + 4..at + 8]);
        let (size, body) = (u32::from_le_bytes(size.try_into().unwrap()) as usize, at + 8);
        match id {
            b"fmt " => {
                width = usize::from(bytes[body + 2]);
                bits = u16::from(bytes[body + 14]);
            }
            b"data" => {
                let size_of_sample = usize::from(bits) / 8;
                let sample = |x: &[u8]| {
                    let mut wide = [0; 4];
                    wide[4 - x.len()..].copy_from_slice(x);
                    i32::from_le_bytes(wide) >> (32 - 8 * x.len())
                };
                let all: Vec<i32> =
                    bytes[body..body + size].chunks_exact(size_of_sample).map(sample).collect();
                let channel = |c| all.iter().skip(c).step_by(width).copied().collect();
                return (bits, (0..width).map(channel).collect());
            }
            _ => {}
        }
        at = body + size + size % 2;
    }
}
