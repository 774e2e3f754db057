//! Changes of sample rate against rubato, which shares nothing with ours, and measured
//! with tones.

#[path = "support/tones.rs"]
mod tones;

use std::f64::consts::TAU;

use rebounce::dsp::resample::Resampler;
use rebounce::units::{Ratio, SampleRate};
use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

fn rates(from: u32, to: u32) -> Ratio {
    Ratio::of_rates(SampleRate::new(from).unwrap(), SampleRate::new(to).unwrap())
}

/// The whole of a signal at another rate, with silence around it.
fn whole(resampler: &Resampler, signal: &[f64]) -> Vec<f64> {
    let all = 0..resampler.ratio().frames(signal.len() as u64);
    let heard = resampler.heard(all.clone());
    let mut padded = vec![0.0; heard.start.unsigned_abs() as usize];
    padded.extend(signal);
    padded.resize(heard.count(), 0.0);
    resampler.process(-(resampler.before() as i64), &[&padded], all).remove(0)
}

/// The same by rubato. Its filter is centred only if the length of its Fourier
/// transform is even: an odd multiple of the block is half a frame off and more.
fn by_rubato(from: u32, to: u32, signal: &[f64]) -> Vec<f64> {
    let block = rates(from, to).denominator() as usize;
    let mut multiple = 2_048_usize.div_ceil(block);
    multiple += multiple % 2;
    let mut fft = Fft::<f64>::new_custom(
        from as usize,
        to as usize,
        multiple * block,
        1,
        1,
        WindowFunction::BlackmanHarris2,
        FixedSync::Both,
    )
    .unwrap();
    let frames = rates(from, to).frames(signal.len() as u64) as usize;
    let (delay, chunk) = (fft.output_delay(), fft.input_frames_next());
    let mut output = Vec::new();
    let mut input = signal.to_vec();
    while output.len() < delay + frames {
        input.resize(input.len().max(chunk), 0.0);
        let mut made = vec![0.0; fft.output_frames_next()];
        let count = made.len();
        let from = SequentialSlice::new(&input[..chunk], 1, chunk).unwrap();
        let mut into = SequentialSlice::new_mut(&mut made, 1, count).unwrap();
        assert_eq!(fft.process_into_buffer(&from, &mut into, None).unwrap(), (chunk, count));
        output.extend(made);
        input.drain(..chunk);
    }
    output[delay..delay + frames].to_vec()
}

/// Tones all over the band that both filters leave alone, fading in and out slowly.
fn music(low: f64, rate: u32, frames: usize) -> Vec<f64> {
    let mut state = 3_u32;
    let mut chance = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24)
    };
    let tones: Vec<(f64, f64)> =
        (0..60).map(|_| (chance() * 0.45 * low / f64::from(rate), chance())).collect();
    (0..frames)
        .map(|n| {
            let fade = 0.5 - 0.5 * (TAU * n as f64 / frames as f64).cos();
            let sum: f64 =
                tones.iter().map(|(cycles, phase)| (TAU * (cycles * n as f64 + phase)).sin()).sum();
            fade * fade * sum / 60.0
        })
        .collect()
}

#[test]
fn rubato_gives_the_same() {
    for (from, to) in [
        (44_100, 48_000),
        (48_000, 44_100),
        (96_000, 48_000),
        (48_000, 96_000),
        (88_200, 48_000),
        (44_100, 192_000),
    ] {
        let signal = music(f64::from(from.min(to)), from, 30_000);
        let ours = whole(&Resampler::new(rates(from, to)).unwrap(), &signal);
        let theirs = by_rubato(from, to, &signal);
        assert_eq!(ours.len(), theirs.len());
        let worst = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        // Both leave some -200 dB of images of 60 tones of -36 dB; a frame that were
        // 1e-9 of a frame out of its place would differ by more.
        assert!(20.0 * worst.log10() < -205.0, "{from} to {to}: {worst}");
    }
}

#[test]
fn tones_come_out_at_least_as_clean_as_from_sox() {
    // SoX 14.4.2, `rate -v`, measured in the same way (benches/resample.rs does it
    // again): over 44.1 to 48 and 48 to 96 kHz both ways, ripple 0.00019 dB at most,
    // added to tones -182.3 to -187.0 dB, edge 0.4665 to 0.4667 of the lower rate, alias
    // and images -176.3 to -184.5 dB.
    for (ratio, name) in [
        (rates(44_100, 48_000), "44.1 to 48"),
        (rates(48_000, 44_100), "48 to 44.1"),
        (rates(96_000, 48_000), "96 to 48"),
        (rates(48_000, 96_000), "48 to 96"),
        (rates(88_200, 96_000), "88.2 to 96"),
        (rates(192_000, 44_100), "192 to 44.1"),
        (rates(44_100, 192_000), "44.1 to 192"),
        (rates(176_400, 48_000), "176.4 to 48"),
        (Ratio::parse("1000/1001").unwrap(), "pulled up"),
        (Ratio::parse("25/24").unwrap(), "25 to 24"),
        (Ratio::parse("160000/147147").unwrap(), "44.1 to 48, pulled up"),
        (Ratio::parse("147147/640000").unwrap(), "192 to 44.1, pulled down"),
    ] {
        let resampler = Resampler::new(ratio).unwrap();
        let from = 48_000.0;
        let to = from * f64::from(ratio.numerator()) / f64::from(ratio.denominator());
        let found = tones::quality(&|signal| whole(&resampler, signal), from, to);
        assert!(found.ripple_db < 1e-6, "{name}: {found:?}");
        assert!(found.delay_frames < 1e-9, "{name}: {found:?}");
        assert!(found.thd_n_db < -195.0, "{name}: {found:?}");
        assert!(found.edge > 0.4667, "{name}: {found:?}");
        assert!(found.stop_db < -186.0, "{name}: {found:?}");
    }
}
