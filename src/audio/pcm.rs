//! Between canonical bytes and planar `f64`: the loops that every sample passes.
//!
//! All are safe, allocate nothing per sample and use `+ - * /` only, so that the
//! result has the same bits on every machine (law 1). Full scale is 1.0. No value
//! here is ever NaN: readers refuse such files ([`NotFinite`]).
//!
//! [`NotFinite`]: super::AudioError::NotFinite

use super::Pcm;
use super::wav::Encoding;

/// Added to a number below 2^51 and taken away again, it rounds to the nearest
/// whole number, ties to even: 1.5 * 2^52 leaves no bits behind the point. The
/// low bits of the sum are that number in two's complement.
const ROUND: f64 = 6_755_399_441_055_744.0;

const SCALE_16: f64 = 32_768.0;
const SCALE_24: f64 = 8_388_608.0;
const SCALE_32: f64 = 2_147_483_648.0;

/// Frames quantised at a time, so that packing finds them in the fastest cache.
const BLOCK: usize = 1024;

/// Turns interleaved canonical `bytes` into planar samples, written to the front
/// of each channel of `out` (`[channel][frame]`). Samples behind them are kept.
///
/// # Panics
/// BUG of the caller: `bytes` is not a whole number of frames, `out` has not
/// `channels` channels, or one is shorter than the frames in `bytes`.
pub fn decode(pcm: Pcm, channels: usize, bytes: &[u8], out: &mut [Vec<f64>]) {
    scatter(pcm, channels, bytes, out, |place, x| *place = x);
}

/// Samples as the encoders below wrote them, back to planar f64.
///
/// # Panics
/// As [`decode`].
pub fn decode_written(encoding: Encoding, channels: usize, bytes: &[u8], out: &mut [Vec<f64>]) {
    match encoding {
        Encoding::Pcm24 => decode(Pcm::I24, channels, bytes, out),
        Encoding::Float32 => decode(Pcm::F32, channels, bytes, out),
        Encoding::Pcm16 | Encoding::Pcm16Shaped => {
            let wide: Vec<u8> = bytes.chunks_exact(2).flat_map(|x| [0, x[0], x[1]]).collect();
            decode(Pcm::I24, channels, &wide, out);
        }
    }
}

/// The bytes of one of `all` interleaved channels, whose samples have `one` byte or more.
pub fn channel_of(bytes: &[u8], one: usize, all: usize, channel: usize) -> Vec<u8> {
    let samples = bytes.chunks_exact(one).skip(channel).step_by(all);
    samples.flatten().copied().collect()
}

/// Like [`decode`], but adds to what stands in `out`, at unity.
///
/// # Panics
/// As [`decode`].
pub fn add(pcm: Pcm, channels: usize, bytes: &[u8], out: &mut [&mut [f64]]) {
    scatter(pcm, channels, bytes, out, |place, x| *place += x);
}

fn scatter<C: AsMut<[f64]>>(
    pcm: Pcm,
    channels: usize,
    bytes: &[u8],
    out: &mut [C],
    put: impl Fn(&mut f64, f64) + Copy,
) {
    let frame_bytes = channels * pcm.bytes();
    assert!(out.len() == channels && channels > 0, "BUG: one output per channel");
    assert!(bytes.len().is_multiple_of(frame_bytes), "BUG: whole frames only");
    let frames = bytes.len() / frame_bytes;
    match (pcm, out) {
        (Pcm::I24, [left, right]) => {
            scatter_stereo_24(
                bytes,
                &mut left.as_mut()[..frames],
                &mut right.as_mut()[..frames],
                put,
            );
        }
        (Pcm::I24, out) => scatter_any(bytes, frames, out, from_i24, put),
        (Pcm::I32, out) => scatter_any(bytes, frames, out, from_i32, put),
        (Pcm::F32, out) => {
            scatter_any(bytes, frames, out, |b| f64::from(f32::from_le_bytes(b)), put);
        }
        (Pcm::F64, out) => scatter_any(bytes, frames, out, f64::from_le_bytes, put),
    }
}

/// A 24-bit sample as the upper bits of a 32-bit one, which has the same value.
#[inline(always)]
fn from_i24([a, b, c]: [u8; 3]) -> f64 {
    from_i32([0, a, b, c])
}

#[inline(always)]
fn from_i32(bytes: [u8; 4]) -> f64 {
    f64::from(i32::from_le_bytes(bytes)) * (1.0 / SCALE_32)
}

/// One channel after another: the plain version, for any width.
#[inline(always)]
fn scatter_any<C: AsMut<[f64]>, const N: usize>(
    bytes: &[u8],
    frames: usize,
    out: &mut [C],
    value: impl Fn([u8; N]) -> f64,
    put: impl Fn(&mut f64, f64),
) {
    let frame_bytes = N * out.len();
    for (channel, out) in out.iter_mut().enumerate() {
        let places = out.as_mut()[..frames].iter_mut();
        for (place, frame) in places.zip(bytes.chunks_exact(frame_bytes)) {
            let sample = frame[N * channel..].first_chunk().expect("BUG: a frame holds N bytes");
            put(place, value(*sample));
        }
    }
}

/// Reads each frame of 48 bits as one 64-bit word; the two bytes too many belong
/// to the next frame, so the last frame goes the plain way.
fn scatter_stereo_24(
    bytes: &[u8],
    left: &mut [f64],
    right: &mut [f64],
    put: impl Fn(&mut f64, f64) + Copy,
) {
    let whole = left.len().saturating_sub(1);
    let (left, last_left) = left.split_at_mut(whole);
    let (right, last_right) = right.split_at_mut(whole);
    let words = bytes.windows(8).step_by(6);
    for ((l, r), word) in left.iter_mut().zip(right).zip(words) {
        let word = u64::from_le_bytes(*word.first_chunk().expect("BUG: windows of 8"));
        let (upper, lower) = ((word >> 16) as u32 & 0xFFFF_FF00, (word as u32) << 8);
        put(l, f64::from(lower as i32) * (1.0 / SCALE_32));
        put(r, f64::from(upper as i32) * (1.0 / SCALE_32));
    }
    scatter_any(&bytes[6 * whole..], last_left.len(), &mut [last_left, last_right], from_i24, put);
}

/// Quantises `planar` (`[channel][frame]`, equal lengths) to 24 bits, nearest
/// value, ties to even, and appends it to `out` interleaved and packed. What is
/// written replaces the samples (as `k / 2^23`), so that what is measured is what
/// is written. Returns the overs of each channel: samples outside `[-1, 1)`,
/// which are cut to the nearest value there is; exactly +1.0 is one of them.
///
/// # Panics
/// BUG of the caller: the channels differ in length.
pub fn encode_i24(planar: &mut [Vec<f64>], out: &mut Vec<u8>) -> Vec<u64> {
    let quantise = |_, _, samples: &mut [f64]| {
        replace(samples, is_cut, |_, x| nearest(x * SCALE_24, SCALE_24) * (1.0 / SCALE_24))
    };
    encode(planar, 3, out, quantise, |planes, bytes| match planes {
        [left, right] => pack_stereo_24(left, right, bytes),
        _ => pack_any(planes, bytes, |x| {
            let [a, b, c, _] = whole_24(x).to_le_bytes();
            [a, b, c]
        }),
    })
}

/// Quantises to 16 bits as [`encode_i24`] does to 24. `dither(channel, frame)`,
/// with frames counted from the front of `planar`, is added first, in units of
/// the last bit: the value is then `floor(x * 2^15 + dither + 0.5)`. Without
/// dither it is the nearest, ties to even. Overs are counted before dither.
///
/// # Panics
/// As [`encode_i24`].
pub fn encode_i16(
    planar: &mut [Vec<f64>],
    mut dither: Option<impl FnMut(usize, usize) -> f64>,
    out: &mut Vec<u8>,
) -> Vec<u64> {
    let quantise = |channel, first, samples: &mut [f64]| {
        replace(samples, is_cut, |frame, x| {
            let scaled = x * SCALE_16;
            let whole = match &mut dither {
                Some(dither) => floor(scaled + dither(channel, first + frame) + 0.5, SCALE_16),
                None => nearest(scaled, SCALE_16),
            };
            whole * (1.0 / SCALE_16)
        })
    };
    encode(planar, 2, out, quantise, |planes, bytes| {
        pack_any(planes, bytes, |x| ((x * SCALE_16) as i16).to_le_bytes());
    })
}

/// Rounds to 32-bit floats, which replace the samples and are appended to `out`
/// interleaved; -0.0 becomes +0.0. Overs are samples above 1.0 in magnitude:
/// they are kept, not cut.
///
/// # Panics
/// As [`encode_i24`].
pub fn encode_f32(planar: &mut [Vec<f64>], out: &mut Vec<u8>) -> Vec<u64> {
    let quantise = |_, _, samples: &mut [f64]| {
        replace(samples, |x| u64::from(x.abs() > 1.0), |_, x| f64::from(x as f32) + 0.0)
    };
    encode(planar, 4, out, quantise, |planes, bytes| {
        pack_any(planes, bytes, |x| (x as f32).to_le_bytes());
    })
}

/// Goes through `planar` in blocks: `quantise(channel, first frame, samples)`
/// rounds in place and returns the overs, `pack` interleaves into exactly the
/// bytes of the block.
fn encode(
    planar: &mut [Vec<f64>],
    sample_bytes: usize,
    out: &mut Vec<u8>,
    mut quantise: impl FnMut(usize, usize, &mut [f64]) -> u64,
    pack: impl Fn(&[&[f64]], &mut [u8]),
) -> Vec<u64> {
    let frames = planar.first().map_or(0, Vec::len);
    assert!(planar.iter().all(|c| c.len() == frames), "BUG: channels of one length");
    let mut overs = vec![0; planar.len()];
    let frame_bytes = sample_bytes * planar.len();
    let start = out.len();
    out.resize(start + frames * frame_bytes, 0);
    for from in (0..frames).step_by(BLOCK) {
        let to = frames.min(from + BLOCK);
        for (channel, samples) in planar.iter_mut().enumerate() {
            overs[channel] += quantise(channel, from, &mut samples[from..to]);
        }
        let planes: Vec<&[f64]> = planar.iter().map(|samples| &samples[from..to]).collect();
        pack(&planes, &mut out[start + from * frame_bytes..start + to * frame_bytes]);
    }
    overs
}

/// Replaces each sample by `value(index, sample)` and counts its `overs`, which
/// are 64-bit numbers so that they share vector lanes with the samples.
#[inline(always)]
fn replace(
    samples: &mut [f64],
    overs: impl Fn(f64) -> u64,
    mut value: impl FnMut(usize, f64) -> f64,
) -> u64 {
    let mut count = 0;
    for (i, x) in samples.iter_mut().enumerate() {
        count += overs(*x);
        *x = value(i, *x);
    }
    count
}

/// Whether an integer has no room for the sample.
#[inline(always)]
fn is_cut(x: f64) -> u64 {
    u64::from(x < -1.0) + u64::from(x >= 1.0)
}

/// The nearest whole number, ties to even, within `[-scale, scale - 1]`.
#[inline(always)]
fn nearest(x: f64, scale: f64) -> f64 {
    (cut(x, scale) + ROUND) - ROUND
}

/// The nearest to `x` within `[-scale, scale - 1]`. (Unlike `f64::clamp`, which
/// must keep NaN, two comparisons are two vector instructions.)
#[inline(always)]
fn cut(x: f64, scale: f64) -> f64 {
    let x = if x < scale - 1.0 { x } else { scale - 1.0 };
    if x > -scale { x } else { -scale }
}

/// The next whole number down, within `[-scale, scale - 1]`. (`f64::floor` is a
/// call on machines without SSE4.1.)
#[inline(always)]
fn floor(x: f64, scale: f64) -> f64 {
    let x = cut(x, scale);
    let near = (x + ROUND) - ROUND;
    if near > x { near - 1.0 } else { near }
}

/// A sample on the 24-bit grid as a whole number; the upper 8 bits are its sign.
#[inline(always)]
fn whole_24(x: f64) -> u32 {
    (x * SCALE_24 + ROUND).to_bits() as u32
}

/// One channel after another: the plain version, for any width.
#[inline(always)]
fn pack_any<const N: usize>(planes: &[&[f64]], bytes: &mut [u8], value: impl Fn(f64) -> [u8; N]) {
    for (channel, samples) in planes.iter().enumerate() {
        for (frame, x) in bytes.chunks_exact_mut(N * planes.len()).zip(*samples) {
            frame[N * channel..N * (channel + 1)].copy_from_slice(&value(*x));
        }
    }
}

/// Writes each frame of 48 bits as one 64-bit word, whose two bytes too many the
/// next frame overwrites; the last frame goes the plain way.
fn pack_stereo_24(left: &[f64], right: &[f64], bytes: &mut [u8]) {
    let Some(last) = left.len().checked_sub(1) else { return };
    let word = |l, r| u64::from(whole_24(l) & 0xFF_FFFF) | u64::from(whole_24(r)) << 24;
    for (i, (l, r)) in left[..last].iter().zip(right).enumerate() {
        bytes[6 * i..6 * i + 8].copy_from_slice(&word(*l, *r).to_le_bytes());
    }
    bytes[6 * last..].copy_from_slice(&word(left[last], right[last]).to_le_bytes()[..6]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A seeded stream of 64-bit words (SplitMix64).
    fn words(mut state: u64) -> impl FnMut() -> u64 {
        move || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        }
    }

    fn bytes(n: usize) -> Vec<u8> {
        let mut next = words(7);
        (0..n).map(|_| next() as u8).collect()
    }

    /// Samples around and beyond full scale, with exact halves of the last bit.
    fn samples(n: usize, bits: i32) -> Vec<f64> {
        let mut next = words(n as u64);
        let step = 0.5_f64.powi(bits);
        let mut edges = vec![1.0, -1.0, -0.0, 1.0 - step, -1.0 - step, step, -step, 3.0 * step];
        edges.extend((edges.len()..n.max(edges.len())).map(|i| match i % 2 {
            0 => (next() as i64 >> (64 - bits - 1)) as f64 * step,
            _ => next() as i64 as f64 / (i64::MAX as f64) * 1.2,
        }));
        edges.truncate(n);
        edges
    }

    /// The plain version: one sample, by the definition.
    fn sample(pcm: Pcm, b: &[u8]) -> f64 {
        match pcm {
            Pcm::I24 => {
                let k = i64::from(b[0]) + 256 * i64::from(b[1]) + 65536 * i64::from(b[2] as i8);
                k as f64 / 8_388_608.0
            }
            Pcm::I32 => f64::from(i32::from_le_bytes(b.try_into().unwrap())) / 2_147_483_648.0,
            Pcm::F32 => f64::from(f32::from_le_bytes(b.try_into().unwrap())),
            Pcm::F64 => f64::from_le_bytes(b.try_into().unwrap()),
        }
    }

    #[test]
    fn decode_and_add_equal_the_definition_at_every_width_and_length() {
        for pcm in [Pcm::I24, Pcm::I32, Pcm::F32, Pcm::F64] {
            for channels in [1, 2, 3, 6] {
                for frames in [0, 1, 2, 3, 7, 100] {
                    let bytes = match pcm {
                        Pcm::F32 => (0..frames * channels)
                            .flat_map(|i| (i as f32 * 0.37 - 3.0).to_le_bytes())
                            .collect(),
                        Pcm::F64 => (0..frames * channels)
                            .flat_map(|i| (i as f64 * 0.37 - 3.0).to_le_bytes())
                            .collect(),
                        _ => bytes(frames * channels * pcm.bytes()),
                    };
                    let mut expected = vec![vec![9.0; frames + 1]; channels];
                    for (i, b) in bytes.chunks(pcm.bytes()).enumerate() {
                        expected[i % channels][i / channels] = sample(pcm, b);
                    }
                    let mut got = vec![vec![9.0; frames + 1]; channels];
                    decode(pcm, channels, &bytes, &mut got);
                    assert_eq!(got, expected, "{pcm:?} {channels} {frames}");

                    for (i, b) in bytes.chunks(pcm.bytes()).enumerate() {
                        expected[i % channels][i / channels] += sample(pcm, b);
                    }
                    let mut views: Vec<&mut [f64]> =
                        got.iter_mut().map(Vec::as_mut_slice).collect();
                    add(pcm, channels, &bytes, &mut views);
                    assert_eq!(got, expected, "{pcm:?} {channels} {frames}");
                }
            }
        }
    }

    #[test]
    fn every_24_bit_value_survives_the_way_there_and_back() {
        let all: Vec<u8> = (0..1_u32 << 24).flat_map(|k| k.to_le_bytes()[..3].to_vec()).collect();
        for channels in [1, 2] {
            let mut planar = vec![vec![0.0; (1 << 24) / channels]; channels];
            decode(Pcm::I24, channels, &all, &mut planar);
            let before = planar.clone();
            let mut back = Vec::new();
            assert_eq!(encode_i24(&mut planar, &mut back), vec![0; channels]);
            assert!(back == all && planar == before, "{channels} channels");
        }
    }

    #[test]
    fn encoders_equal_the_definition_and_write_back_what_they_wrote() {
        for (bits, channels) in [(24, 1), (24, 2), (24, 6), (16, 1), (16, 2), (16, 3)] {
            for frames in [0, 1, 2, 8, 1023, 1024, 1025, 3000] {
                let scale = f64::from(1 << (bits - 1));
                let mut planar: Vec<_> =
                    (0..channels).map(|c| samples(frames + c, bits)[c..].to_vec()).collect();
                let (mut expected, mut overs) = (vec![0xAA], vec![0; channels]);
                for frame in 0..frames {
                    for (samples, overs) in planar.iter().zip(&mut overs) {
                        let x = samples[frame];
                        *overs += u64::from(!(-1.0..1.0).contains(&x));
                        let k = (x * scale).round_ties_even().clamp(-scale, scale - 1.0) as i32;
                        expected.extend(&k.to_le_bytes()[..bits as usize / 8]);
                    }
                }
                let mut out = vec![0xAA];
                let got = match bits {
                    24 => encode_i24(&mut planar, &mut out),
                    _ => encode_i16(&mut planar, None::<fn(usize, usize) -> f64>, &mut out),
                };
                assert_eq!((got, &out), (overs, &expected), "{bits} {channels} {frames}");
                let mut again = vec![0xAA];
                match bits {
                    24 => encode_i24(&mut planar, &mut again),
                    _ => encode_i16(&mut planar, None::<fn(usize, usize) -> f64>, &mut again),
                };
                assert_eq!(again, out, "what is written back lies on the grid");
                let zeros = planar.iter().flatten().filter(|x| **x == 0.0);
                assert!(zeros.clone().all(|x| x.is_sign_positive()));
            }
        }
    }

    #[test]
    fn dither_is_added_before_the_floor_and_told_channel_and_frame() {
        let mut planar = vec![samples(2000, 16), samples(2000, 17)];
        let dither =
            |channel: usize, frame: usize| ((channel * 31 + frame * 17) % 64) as f64 / 32.0 - 1.0;
        let mut expected = Vec::new();
        for frame in 0..2000 {
            for (channel, samples) in planar.iter().enumerate() {
                let k = (samples[frame] * 32768.0 + dither(channel, frame) + 0.5).floor();
                expected.extend((k.clamp(-32768.0, 32767.0) as i16).to_le_bytes());
            }
        }
        let mut out = Vec::new();
        encode_i16(&mut planar, Some(dither), &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn floats_keep_what_is_above_full_scale() {
        let mut planar = vec![vec![1.5, -1.0, 0.1, -0.0]];
        let mut out = Vec::new();
        assert_eq!(encode_f32(&mut planar, &mut out), [1]);
        let expected: Vec<u8> =
            [1.5_f32, -1.0, 0.1, 0.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(out, expected);
        assert_eq!(planar[0], [1.5, -1.0, f64::from(0.1_f32), 0.0]);
    }
}
