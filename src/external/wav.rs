//! The WAV files between rebounce and what is outside, a block at a time.

use std::ops::Range;
use std::path::Path;

use super::Refusal;
use crate::audio::layout::Layout;
use crate::audio::pcm;
use crate::audio::reader::AudioReader;
use crate::audio::wav::{Encoding, WavHeader};
use crate::fsio::{Disk, OutFile};
use crate::units::SampleRate;

/// The file a plug-in is run over.
pub(super) struct Input {
    reader: AudioReader,
    sample_rate: SampleRate,
    layout: Layout,
}

impl Input {
    pub(super) fn open(disk: &Disk, path: &Path) -> Result<Self, Refusal> {
        let reader = AudioReader::open(disk.open(path)?).map_err(Refusal::of_audio)?;
        let info = reader.info();
        let (Some(layout), Some(sample_rate)) = (info.layout(), info.rate()) else {
            return Err(Refusal::new("its input has no layout known here"));
        };
        Ok(Self { reader, sample_rate, layout })
    }

    pub(super) fn width(&self) -> usize {
        self.layout.width()
    }

    pub(super) fn sample_rate(&self) -> SampleRate {
        self.sample_rate
    }

    pub(super) fn frames(&self) -> u64 {
        self.reader.info().frames
    }

    /// Fills `into` (`[channel][frame]`) with the frames from `from` on, and with
    /// silence behind the last.
    pub(super) fn read(&mut self, from: u64, into: &mut [Vec<f32>]) -> Result<(), Refusal> {
        let frames = into.first().map_or(0, Vec::len);
        let mut bytes = Vec::new();
        self.reader.read(from, frames, &mut bytes).map_err(Refusal::of_audio)?;
        let mut wide = vec![vec![0.0; frames]; into.len()];
        pcm::decode(self.reader.info().pcm, into.len(), &bytes, &mut wide);
        for (channel, wide) in into.iter_mut().zip(&wide) {
            // Samples of 24 bits and 32-bit floats lose nothing.
            channel.iter_mut().zip(wide).for_each(|(x, wide)| *x = *wide as f32);
        }
        Ok(())
    }
}

/// The file it makes: 32-bit float, as long as the input.
pub(super) struct Output(OutFile);

impl Output {
    pub(super) fn create(disk: &Disk, path: &Path, like: &Input) -> Result<Self, Refusal> {
        let header = WavHeader {
            sample_rate: like.sample_rate,
            layout: like.layout,
            encoding: Encoding::Float32,
            frames: like.frames(),
            bext: None,
        };
        let mut file = disk.create(path)?;
        file.write(&header.to_bytes())?;
        Ok(Self(file))
    }

    /// Appends the frames `range` of a block, whatever their values: who reads them
    /// says which cannot be.
    pub(super) fn write(&mut self, block: &[Vec<f32>], range: Range<usize>) -> Result<(), Refusal> {
        let frames = range.flat_map(|frame| block.iter().map(move |channel| channel[frame]));
        let bytes: Vec<u8> = frames.flat_map(f32::to_le_bytes).collect();
        Ok(self.0.write(&bytes)?)
    }
}
