//! Audio in and out against independent writers and readers (hound, flac-codec)
//! and against files spelled out byte by byte.

use std::io::{Cursor, Seek, SeekFrom, Write};

use rebounce::audio::layout::Layout;
use rebounce::audio::reader::{AudioReader, probe};
use rebounce::audio::wav::{Bext, Encoding, WavHeader};
use rebounce::audio::{AudioError, AudioInfo, Pcm, pcm};
use rebounce::units::SampleRate;

fn open(bytes: Vec<u8>) -> Result<AudioReader, AudioError> {
    AudioReader::open(Cursor::new(bytes))
}

/// All of a file, in pieces of 7 frames.
fn read_all(bytes: Vec<u8>) -> Result<(AudioInfo, Vec<u8>), AudioError> {
    let mut reader = open(bytes)?;
    let info = reader.info().clone();
    let (mut out, mut at) = (Vec::new(), 0);
    loop {
        match reader.read(at, 7, &mut out)? {
            0 => return Ok((info, out)),
            n => at += n as u64,
        }
    }
}

/// Integers of `bits` bits with both ends of the range among them.
fn integers(count: usize, bits: u32) -> Vec<i32> {
    let (mut state, max) = (u64::from(bits), (1_i64 << (bits - 1)) - 1);
    (0..count)
        .map(|i| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            match i {
                0 => max as i32,
                1 => (-max - 1) as i32,
                _ => (state as i64 >> (64 - bits)) as i32,
            }
        })
        .collect()
}

fn i24_bytes(samples: &[i32], bits: u32) -> Vec<u8> {
    samples.iter().flat_map(|s| (s << (32 - bits)).to_le_bytes()[1..].to_vec()).collect()
}

fn hound_wav(bits: u16, channels: u16, samples: &[i32]) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels,
        sample_rate: 48_000,
        bits_per_sample: bits,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    samples.iter().for_each(|s| writer.write_sample(*s).unwrap());
    writer.finalize().unwrap();
    file.into_inner()
}

fn flac(bits: u32, channels: u8, samples: &[i32], with_total: bool) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let options = flac_codec::encode::Options::default().block_size(64).unwrap().no_padding();
    let total = with_total.then_some((samples.len() / usize::from(channels)) as u64);
    let mut writer = flac_codec::encode::FlacSampleWriter::new(
        &mut file,
        options,
        48_000,
        bits,
        channels,
        total.map(|frames| frames * u64::from(channels)),
    )
    .unwrap();
    writer.write(samples).unwrap();
    writer.finalize().unwrap();
    let mut bytes = file.into_inner();
    if !with_total {
        // The writer fills the total in at the end; 0 means unknown.
        bytes[21] &= 0xF0;
        bytes[22..26].fill(0);
    }
    bytes
}

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = id.to_vec();
    out.extend((body.len() as u32).to_be_bytes());
    out.extend(body);
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

/// An AIFF, or with `compression` an AIFC, at 48 kHz (80-bit float 40 0E BB 80).
fn aiff(channels: u16, bits: u16, sound: &[u8], compression: Option<&[u8; 4]>) -> Vec<u8> {
    let frame = usize::from(channels) * usize::from(bits).div_ceil(8);
    let mut common = channels.to_be_bytes().to_vec();
    common.extend(((sound.len() / frame) as u32).to_be_bytes());
    common.extend(bits.to_be_bytes());
    common.extend([0x40, 0x0E, 0xBB, 0x80, 0, 0, 0, 0, 0, 0]);
    let mut body = b"AIFF".to_vec();
    if let Some(compression) = compression {
        body = b"AIFC".to_vec();
        common.extend(compression);
        common.extend([0, 0]);
    }
    body.extend(chunk(b"NAME", b"odd"));
    body.extend(chunk(b"COMM", &common));
    body.extend(chunk(b"SSND", &[&[0; 8], sound].concat()));
    chunk(b"FORM", &body)
}

fn header(layout: Layout, encoding: Encoding, frames: u64) -> WavHeader {
    let sample_rate = SampleRate::new(48_000).unwrap();
    WavHeader { sample_rate, layout, encoding, frames, bext: None }
}

/// A whole file as rebounce writes it.
fn written(header: &WavHeader, payload: &[u8]) -> Vec<u8> {
    assert_eq!(payload.len() as u64, header.payload_bytes());
    [header.to_bytes(), payload.to_vec(), vec![0; header.padding()]].concat()
}

/// `bytes` of a RIFF file as RF64: `JUNK` becomes `ds64`, sizes move there.
fn as_rf64(mut bytes: Vec<u8>, frames: u64) -> Vec<u8> {
    let riff_size = bytes.len() as u64 - 8;
    let data = bytes.windows(4).position(|id| id == b"data").unwrap();
    let data_size = u32::from_le_bytes(bytes[data + 4..data + 8].try_into().unwrap());
    bytes[..4].copy_from_slice(b"RF64");
    bytes[4..8].fill(0xFF);
    bytes[12..16].copy_from_slice(b"ds64");
    for (i, value) in [riff_size, data_size.into(), frames].into_iter().enumerate() {
        bytes[20 + 8 * i..28 + 8 * i].copy_from_slice(&value.to_le_bytes());
    }
    bytes[data + 4..data + 8].fill(0xFF);
    bytes
}

#[test]
fn what_hound_writes_is_read() {
    for (bits, channels) in [(8, 1), (16, 1), (16, 2), (24, 2), (24, 6)] {
        let samples = integers(60, bits);
        let (info, bytes) = read_all(hound_wav(bits as u16, channels, &samples)).unwrap();
        assert_eq!(bytes, i24_bytes(&samples, bits), "{bits} bits");
        assert_eq!((info.bits, info.channels, info.pcm), (bits as u16, channels, Pcm::I24));
        assert_eq!((info.sample_rate, info.frames), (48_000, 60 / u64::from(channels)));
    }
    let samples = integers(60, 32);
    let (info, bytes) = read_all(hound_wav(32, 2, &samples)).unwrap();
    assert_eq!(info.pcm, Pcm::I32);
    assert_eq!(bytes, samples.iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<_>>());
}

#[test]
fn what_is_written_is_read_by_hound_and_by_ourselves() {
    for layout in Layout::ALL {
        for encoding in Encoding::ALL {
            let frames = 33;
            let mut planar: Vec<Vec<f64>> = (0..layout.width())
                .map(|c| (0..frames).map(|i| ((i * 7 + c * 3) as f64 * 0.37).sin()).collect())
                .collect();
            let mut payload = Vec::new();
            match encoding {
                Encoding::Pcm16 | Encoding::Pcm16Shaped => {
                    pcm::encode_i16(&mut planar, None::<fn(usize, usize) -> f64>, &mut payload)
                }
                Encoding::Pcm24 => pcm::encode_i24(&mut planar, &mut payload),
                Encoding::Float32 => pcm::encode_f32(&mut planar, &mut payload),
            };
            let file = written(&header(layout, encoding, frames as u64), &payload);

            let mut hound = hound::WavReader::new(Cursor::new(&file)).unwrap();
            let scale = 0.5_f64.powi(i32::from(encoding.bits()) - 1);
            let heard: Vec<f64> = match encoding {
                Encoding::Float32 => hound.samples::<f32>().map(|s| s.unwrap().into()).collect(),
                _ => hound.samples::<i32>().map(|s| f64::from(s.unwrap()) * scale).collect(),
            };
            let interleaved: Vec<f64> =
                (0..frames).flat_map(|i| planar.iter().map(move |c| c[i])).collect();
            assert_eq!(heard, interleaved, "{layout} {encoding:?}");

            let (info, bytes) = read_all(file).unwrap();
            let mut back = vec![vec![0.0; frames]; layout.width()];
            pcm::decode(info.pcm, layout.width(), &bytes, &mut back);
            assert_eq!(back, planar, "{layout} {encoding:?}");
            assert_eq!((info.bits, info.frames), (encoding.bits(), frames as u64));
            // 7.1.2 has no mask: there is no bit for a top side.
            let plain = encoding.bits() == 16 && layout.width() <= 2;
            let mask = Some(layout.mask()).filter(|mask| !plain && *mask != 0);
            assert_eq!(info.channel_mask, mask, "{layout} {encoding:?}");
        }
    }
}

#[test]
fn a_small_header_byte_by_byte() {
    let hex: String = header(Layout::Mono, Encoding::Pcm24, 3)
        .to_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let expected = [
        "52494646 6a000000 57415645", // RIFF, 106 = 104 + 9 + 1 - 8, WAVE
        "4a554e4b 1c000000",
        &"00".repeat(28),
        "666d7420 28000000 feff 0100 80bb0000 80320200 0300 1800", // extensible, mono
        "1600 1800 04000000 0100 000000001000800000aa00389b71",    // centre, PCM
        "64617461 09000000",
    ];
    assert_eq!(hex, expected.concat().replace(' ', ""));
}

#[test]
fn bext_stands_where_tech_3285_puts_it() {
    let mut header = header(Layout::Stereo, Encoding::Pcm24, 1);
    header.bext = Some(Bext {
        description: "Música".repeat(60),
        originator: "rebounce".into(),
        time_reference: 0x1_2345_6789,
        coding_history: "A=PCM,F=48000\r\n".into(),
    });
    let file = written(&header, &[0; 6]);
    let at = file.windows(4).position(|id| id == b"bext").unwrap();
    // 602 and 15, made even within the chunk: not every reader skips the pad byte of RIFF.
    assert_eq!(file[at + 4..at + 8], 618_u32.to_le_bytes());
    let body = &file[at + 8..];
    assert_eq!(&body[..12], b"M?sicaM?sica");
    assert_eq!(&body[256..265], b"rebounce\0");
    assert_eq!(body[346..348], [2, 0]);
    assert_eq!(body[412..422], [0xFF, 0x7F].repeat(5));
    assert_eq!(&body[602..618], b"A=PCM,F=48000\r\n\0");
    assert_eq!(&body[618..622], b"fmt ");
    let info = read_all(file).unwrap().0;
    assert_eq!(info.time_reference, Some(0x1_2345_6789));
}

#[test]
fn rf64_begins_where_32_bits_end_and_moves_nothing() {
    let small = header(Layout::Stereo, Encoding::Pcm24, 1);
    let overhead = small.to_bytes().len() as u64 - 8;
    let fits = (u64::from(u32::MAX) - overhead) / 6;
    let last = header(Layout::Stereo, Encoding::Pcm24, fits).to_bytes();
    let first = header(Layout::Stereo, Encoding::Pcm24, fits + 1).to_bytes();
    assert_eq!((&last[..4], &first[..4]), (&b"RIFF"[..], &b"RF64"[..]));
    assert_eq!(last.len(), first.len());
    let u64_at = |i: usize| u64::from_le_bytes(first[i..i + 8].try_into().unwrap());
    assert_eq!(&first[4..20], b"\xFF\xFF\xFF\xFFWAVEds64\x1C\0\0\0");
    let payload = (fits + 1) * 6;
    assert_eq!([u64_at(20), u64_at(28), u64_at(36)], [overhead + payload, payload, fits + 1]);
    assert_eq!(&first[first.len() - 8..], b"data\xFF\xFF\xFF\xFF");
}

#[test]
fn frames_beyond_4_gib_are_reached() {
    let header = header(Layout::Stereo, Encoding::Pcm24, 800_000_000);
    let mut file = tempfile::tempfile().unwrap();
    let start = header.to_bytes();
    file.write_all(&start).unwrap();
    file.set_len(start.len() as u64 + header.payload_bytes()).unwrap();
    file.seek(SeekFrom::End(-12)).unwrap();
    file.write_all(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]).unwrap();
    let mut reader = AudioReader::open(file).unwrap();
    assert_eq!(reader.info().frames, 800_000_000);
    assert_eq!(reader.info().container, "RF64");
    let mut out = Vec::new();
    assert_eq!(reader.read(799_999_997, 1000, &mut out).unwrap(), 3);
    assert_eq!(out, [0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    assert_eq!(reader.read(u64::MAX, 1000, &mut out).unwrap(), 0);
}

#[test]
fn the_same_samples_are_the_same_bytes_in_every_container() {
    let samples = integers(400, 16);
    let le: Vec<u8> = samples.iter().flat_map(|s| (*s as i16).to_le_bytes()).collect();
    let be: Vec<u8> = samples.iter().flat_map(|s| (*s as i16).to_be_bytes()).collect();
    let wav = written(&header(Layout::Stereo, Encoding::Pcm16, 200), &le);
    let files = [
        ("RF64", as_rf64(wav.clone(), 200)),
        ("WAV", wav),
        ("WAV", hound_wav(16, 2, &samples)),
        ("AIFF", aiff(2, 16, &be, None)),
        ("AIFC", aiff(2, 16, &be, Some(b"NONE"))),
        ("AIFC", aiff(2, 16, &le, Some(b"sowt"))),
        ("FLAC", flac(16, 2, &samples, true)),
        ("FLAC", flac(16, 2, &samples, false)),
    ];
    for (container, file) in files {
        let (info, bytes) = read_all(file).unwrap();
        assert_eq!(info.container, container);
        assert_eq!((info.frames, info.bits), (200, 16), "{container}");
        assert!(bytes == i24_bytes(&samples, 16), "{container}");
    }
}

#[test]
fn aiff_of_24_bits_and_of_floats() {
    let (info, bytes) = read_all(aiff(1, 24, &[1, 2, 3, 0x80, 0, 0], None)).unwrap();
    assert_eq!((info.sample_rate, info.frames), (48_000, 2));
    assert_eq!(bytes, [3, 2, 1, 0, 0, 0x80]);
    let file =
        aiff(1, 32, &[0.25_f32.to_be_bytes(), (-0.0_f32).to_be_bytes()].concat(), Some(b"fl32"));
    let (info, bytes) = read_all(file).unwrap();
    assert!(info.float && info.pcm == Pcm::F32);
    assert_eq!(bytes, [0.25_f32.to_le_bytes(), [0; 4]].concat());
    let file = aiff(1, 64, &f64::NAN.to_be_bytes(), Some(b"fl64"));
    assert!(matches!(read_all(file), Err(AudioError::NotFinite { frame: 0, channel: 0 })));
}

#[test]
fn flac_is_read_from_any_frame_at_every_word_length() {
    for (bits, channels) in [(16, 1), (20, 2), (24, 2), (24, 6), (32, 1)] {
        let samples = integers(1000 * usize::from(channels), bits);
        let (info, all) = read_all(flac(bits, channels, &samples, true)).unwrap();
        let expected = match bits {
            32 => samples.iter().flat_map(|s| s.to_le_bytes()).collect(),
            _ => i24_bytes(&samples, bits),
        };
        assert!(all == expected, "{bits} bits, {channels} channels");
        let mut reader = open(flac(bits, channels, &samples, true)).unwrap();
        for start in [999, 0, 64, 63, 500, 65, 128] {
            let mut out = Vec::new();
            let n = reader.read(start, 130, &mut out).unwrap();
            let from = start as usize * info.frame_bytes();
            assert!(out == all[from..from + n * info.frame_bytes()], "{bits} bits from {start}");
        }
    }
}

#[test]
fn a_flac_file_is_complete_or_refused() {
    let samples = integers(1000, 16);
    for with_total in [true, false] {
        let whole = flac(16, 1, &samples, with_total);
        let cut = whole[..whole.len() - 1].to_vec();
        assert!(matches!(read_all(cut), Err(AudioError::Incomplete(_))), "{with_total}");
        // Damage in the middle must not shorten the audio either.
        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x10;
        let error = read_all(damaged).unwrap_err();
        assert!(matches!(error, AudioError::Malformed(_)), "{with_total}: {error}");
    }
    let mut longer = flac(16, 1, &samples, true);
    longer[25] -= 1;
    let error = read_all(longer).unwrap_err().to_string();
    assert_eq!(error, "malformed: the FLAC stream goes on after frame 999, its last");
}

#[test]
fn flac_that_changes_its_format_midway_is_refused() {
    let mono = flac(16, 1, &integers(256, 16), false);
    let others = [flac(16, 2, &integers(1024, 16), false), flac(24, 1, &integers(512, 24), false)];
    for other in others {
        let fifth = |bytes: &[u8]| bytes[..2] == [0xFF, 0xF8] && bytes[4] == 4;
        let fifth = other.windows(5).position(fifth).unwrap();
        let error = read_all([&mono[..], &other[fifth..]].concat()).unwrap_err().to_string();
        let why = "other channels, sample rate or bits than the stream";
        assert_eq!(error, format!("malformed: FLAC block at frame 256: {why}"));
    }
}

#[test]
fn a_file_without_audio_says_so() {
    let error = read_all(written(&header(Layout::Mono, Encoding::Pcm16, 0), &[])).unwrap_err();
    let why = "still being written or cut short: there is no audio in the file";
    assert_eq!(error.to_string(), format!("incomplete: {why}"));
}

#[test]
fn floats_that_are_no_numbers_are_named_and_minus_zero_is_zero() {
    let samples = [0.5_f32, -0.0, 1.0, -2.0, 0.0, f32::INFINITY];
    let payload: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    let mut reader =
        open(written(&header(Layout::Stereo, Encoding::Float32, 3), &payload)).unwrap();
    let mut out = Vec::new();
    reader.read(0, 2, &mut out).unwrap();
    assert_eq!(out[4..8], [0; 4]);
    let error = reader.read(1, 2, &mut out).unwrap_err();
    assert!(matches!(error, AudioError::NotFinite { frame: 2, channel: 1 }), "{error}");
}

#[test]
fn twenty_four_bits_in_four_bytes_stand_in_the_upper_three() {
    let mut file = hound_wav(32, 1, &[0x0102_0300, -0x100]);
    let valid = file.windows(4).position(|id| id == b"fmt ").unwrap() + 8 + 18;
    file[valid] = 24;
    let (info, bytes) = read_all(file.clone()).unwrap();
    assert_eq!((info.bits, info.pcm), (24, Pcm::I24));
    assert_eq!(bytes, [3, 2, 1, 0xFF, 0xFF, 0xFF]);
    let low = file.len() - 4;
    file[low] = 1;
    let error = read_all(file).unwrap_err().to_string();
    assert_eq!(error, "malformed: sample 1 of channel 1 uses more than the 24 bits it should");
}

#[test]
fn a_header_that_promises_more_than_there_is() {
    let file = written(&header(Layout::Mono, Encoding::Pcm24, 4), &[7; 12]);
    for promised in [0, 15, u32::MAX] {
        let mut file = file.clone();
        let at = file.len() - 16;
        file[at..at + 4].copy_from_slice(&u32::to_le_bytes(promised));
        let error = read_all(file).unwrap_err().to_string();
        assert!(error.starts_with("incomplete: still being written or cut short"), "{error}");
        assert!(error.ends_with("bytes of audio, the file holds 12"), "{error}");
    }
}

#[test]
fn other_formats_are_named() {
    let cases: [(&[u8], &str); 5] = [
        (b"caff\0\x01\0\0desc....", "Core Audio (CAF)"),
        (b"\0\0\0\x20ftypM4A ....", "MP4 or QuickTime"),
        (b"RIFX\0\0\0\0WAVEfmt ", "RIFX (big-endian WAV)"),
        (b"ID3\x03\0\0\0\0\0\0\0\0\0\0", "MP3, or another file behind an ID3 tag"),
        (b"hello, this is text", "no audio format known here"),
    ];
    for (bytes, name) in cases {
        let error = read_all(bytes.to_vec()).unwrap_err().to_string();
        assert_eq!(error, format!("unsupported: {name}; export as WAV, AIFF or FLAC"));
    }
    let mut file = written(&header(Layout::Mono, Encoding::Pcm16, 1), &[0; 2]);
    let tag = file.windows(4).position(|id| id == b"fmt ").unwrap() + 8;
    file[tag] = 0x11;
    let error = read_all(file).unwrap_err().to_string();
    assert_eq!(error, "unsupported: WAV with IMA ADPCM audio; export as WAV, AIFF or FLAC");
    assert!(matches!(read_all(Vec::new()), Err(AudioError::Incomplete(_))));
}

/// Small files of every kind.
fn specimens() -> Vec<Vec<u8>> {
    let samples = integers(200, 16);
    let le: Vec<u8> = samples.iter().flat_map(|s| (*s as i16).to_le_bytes()).collect();
    let mut with_bext = header(Layout::Stereo, Encoding::Pcm16, 100);
    with_bext.bext = Some(Bext {
        description: String::new(),
        originator: String::new(),
        time_reference: 1,
        coding_history: String::new(),
    });
    let wav = written(&with_bext, &le);
    vec![
        as_rf64(wav.clone(), 100),
        wav,
        hound_wav(24, 2, &samples),
        aiff(2, 16, &le, None),
        aiff(1, 32, &le, Some(b"fl32")),
        flac(16, 2, &samples, true),
        flac(16, 2, &samples, false),
    ]
}

#[test]
fn no_truncation_panics_and_none_is_taken_for_whole() {
    let mut specimens = specimens();
    // A stream of unknown length that is cut between two blocks is a whole stream.
    let of_unknown_length = specimens.pop().unwrap();
    for file in specimens {
        assert!(read_all(file.clone()).is_ok());
        for length in 0..file.len() {
            assert!(read_all(file[..length].to_vec()).is_err(), "{length} of {}", file.len());
        }
    }
    let whole = (0..of_unknown_length.len())
        .filter(|length| read_all(of_unknown_length[..*length].to_vec()).is_ok());
    assert_eq!(whole.count(), 1);
}

#[test]
fn no_corrupt_byte_panics_or_makes_more_audio_than_the_file_could_hold() {
    let mut state = 0x5EED_u64;
    for file in specimens() {
        for _ in 0..2000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let mut bad = file.clone();
            let at = (state >> 33) as usize % bad.len();
            bad[at] = (state >> 56) as u8;
            match read_all(bad) {
                Ok((_, bytes)) => assert!(bytes.len() <= 4 * file.len(), "byte {at}"),
                Err(error) => assert!(!matches!(error, AudioError::Io(_)), "byte {at}: {error}"),
            }
        }
    }
}

#[test]
fn readers_go_to_other_threads() {
    fn is_send<T: Send>() {}
    is_send::<AudioReader>();
}

#[test]
fn probing_tells_the_header() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&hound_wav(24, 2, &integers(10, 24))).unwrap();
    let info = probe(file).unwrap();
    assert_eq!((info.frames, info.rate()), (5, SampleRate::new(48_000)));
    assert_eq!(info.frame_bytes(), 6);
}
