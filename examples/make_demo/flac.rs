//! FLAC in and out: 48 kHz, 24 bits.

use std::error::Error;
use std::fs;
use std::path::Path;

use flac_codec::encode::{FlacChannelWriter, Options};

use crate::synth::RATE;

/// Writes the file anew, creating its folder.
pub(crate) fn write(path: &Path, audio: &[Vec<i32>]) -> Result<(), Box<dyn Error>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let options = Options::best().no_padding().overwrite();
    let frames = audio[0].len() as u64;
    let channels = u8::try_from(audio.len())?;
    let total = Some(frames);
    let mut writer = FlacChannelWriter::create(path, options, RATE as u32, 24, channels, total)?;
    writer.write(audio)?;
    Ok(writer.finalize()?)
}
