//! Any bytes, opened and read as audio: no panic, no memory beyond the file's.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use rebounce::audio::reader::AudioReader;

fuzz_target!(|data: &[u8]| {
    let Ok(mut reader) = AudioReader::open(Cursor::new(data.to_vec())) else {
        return;
    };
    let (frames, mut out) = (reader.info().frames, Vec::new());
    // The end first, so that readers also have to go back.
    for start in [frames.saturating_sub(10), 0] {
        let _ = reader.read(start, 4096, &mut out);
    }
});
