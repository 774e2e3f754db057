//! AIFF and AIFC in (Apple's "Audio Interchange File Format", 1989, and its
//! AIFF-C draft of 1991).

use super::linear::{Coding, Kind, Linear};
use super::reader::{Input, incomplete, malformed, unsupported};
use super::{AudioError, AudioInfo};

/// More chunks than any file has.
const MAX_CHUNKS: usize = 4096;

/// What COMM says.
struct Common {
    channels: u16,
    frames: u32,
    sample_rate: u32,
    coding: Coding,
}

/// Opens a file that begins with `FORM` and `AIFF` or `AIFC`.
pub(super) fn open(mut input: Input) -> Result<Linear, AudioError> {
    let aifc = &input.bytes::<4>(8)? == b"AIFC";
    let (mut common, mut sound) = (None, None);
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        if at + 8 > input.len {
            break;
        }
        let [a, b, c, d, size @ ..] = input.bytes::<8>(at)?;
        let (body, length) = (at + 8, u64::from(u32::from_be_bytes(size)));
        match &[a, b, c, d] {
            b"COMM" if common.is_none() => {
                common = Some(read_common(&mut input, body, length, aifc)?)
            }
            b"SSND" if sound.is_none() => {
                // The first sample stands `offset` bytes behind offset and block size.
                let offset = u64::from(u32::from_be_bytes(input.bytes(body)?));
                sound = Some((body + 8 + offset, length.saturating_sub(8 + offset)));
            }
            _ => {}
        }
        at = body + length + length % 2;
    }
    let missing = |id| AudioError::Incomplete(format!("there is no {id} chunk in the file"));
    let common = common.ok_or_else(|| missing("COMM"))?;
    let (data, length) = sound.ok_or_else(|| missing("SSND"))?;
    let frame_bytes = common.coding.bytes as u64 * u64::from(common.channels);
    let promised = u64::from(common.frames) * frame_bytes;
    let held = length.min(input.len.saturating_sub(data));
    if promised == 0 || promised > held {
        return Err(incomplete(promised, held));
    }
    let info = AudioInfo {
        container: if aifc { "AIFC" } else { "AIFF" }.into(),
        sample_rate: common.sample_rate,
        channels: common.channels,
        frames: u64::from(common.frames),
        pcm: common.coding.pcm(),
        bits: common.coding.bits,
        float: common.coding.kind == Kind::Float,
        channel_mask: None,
        time_reference: None,
    };
    Ok(Linear::new(input, data, common.coding, info))
}

fn read_common(input: &mut Input, at: u64, length: u64, aifc: bool) -> Result<Common, AudioError> {
    if length < if aifc { 22 } else { 18 } {
        return Err(malformed(format!("a COMM chunk of {length} bytes")));
    }
    let body: [u8; 18] = input.bytes(at)?;
    let compression = if aifc { input.bytes(at + 18)? } else { *b"NONE" };
    let [c0, c1, f0, f1, f2, f3, b0, b1, rate @ ..] = body;
    let channels = u16::from_be_bytes([c0, c1]);
    let bits = u16::from_be_bytes([b0, b1]);
    let sample_rate = whole_rate(rate)?;
    if channels == 0 || sample_rate == 0 {
        return Err(malformed(format!("{channels} channels at {sample_rate} Hz")));
    }
    let coding = |bits: u16, kind, big_endian| Coding {
        bytes: usize::from(bits).div_ceil(8),
        kind,
        big_endian,
        bits,
    };
    let coding = match &compression {
        b"NONE" | b"twos" => coding(bits, Kind::Signed, true),
        b"sowt" => coding(bits, Kind::Signed, false),
        b"in24" => coding(24, Kind::Signed, true),
        b"in32" => coding(32, Kind::Signed, true),
        b"raw " => coding(8, Kind::Unsigned, true),
        b"fl32" | b"FL32" => coding(32, Kind::Float, true),
        b"fl64" | b"FL64" => coding(64, Kind::Float, true),
        other => {
            let name = String::from_utf8_lossy(other).trim_end().to_owned();
            return Err(unsupported(format!("AIFC with {name:?} compression")));
        }
    };
    let frames = u32::from_be_bytes([f0, f1, f2, f3]);
    Ok(Common { channels, frames, sample_rate, coding: coding.check()? })
}

/// A rate in Hz from an 80-bit float: 15 bits of exponent, biased by 16383, and
/// 64 of mantissa with its leading one spelled out.
fn whole_rate([e0, e1, mantissa @ ..]: [u8; 10]) -> Result<u32, AudioError> {
    let mantissa = u64::from_be_bytes(mantissa);
    // Bits of the mantissa that stand behind the point.
    let behind = 16383 + 63 - i32::from(u16::from_be_bytes([e0, e1]));
    let rate = match behind {
        0..64 if mantissa.trailing_zeros() >= behind as u32 => mantissa >> behind,
        _ => return Err(malformed("a sample rate that is no whole number of Hz")),
    };
    u32::try_from(rate).map_err(|_| malformed(format!("a sample rate of {rate} Hz")))
}
