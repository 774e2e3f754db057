//! Speed of the meter: one second of programme with everything that is measured
//! of it, as a multiple of real time (1 s divided by the time shown).

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use rebounce::audio::layout::Layout;
use rebounce::audio::wav::Encoding;
use rebounce::dsp::loudness::{halo_frames, loudness};
use rebounce::qc::measure::Meter;
use rebounce::units::SampleRate;

/// Noise that swells and fades like music, on the 24-bit grid, `[channel][frame]`.
/// `drive` above 1 clips it flat: few blocks can then be left out.
fn programme(channels: usize, frames: usize, drive: f64) -> Vec<Vec<f64>> {
    let mut state = 1_u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state as i32) / 2_147_483_648.0
    };
    let mut channel = || {
        let mut smooth = 0.0;
        (0..frames)
            .map(|n| {
                smooth += 0.2 * (noise() - smooth);
                let swell = 1.0 - (n % 12_000) as f64 / 12_000.0;
                let x = (smooth * swell * drive).clamp(-0.9, 0.9);
                (x * 8_388_608.0).floor() / 8_388_608.0
            })
            .collect()
    };
    (0..channels).map(|_| channel()).collect()
}

fn segments(criterion: &mut Criterion) {
    let rate = SampleRate::new(48_000).expect("48 kHz is a rate");
    let halo = halo_frames(rate);
    let mut group = criterion.benchmark_group("one second");
    group.throughput(Throughput::Elements(u64::from(rate.hz())));
    for layout in Layout::ALL {
        for (kind, drive) in [("dynamic", 0.9), ("limited", 12.0), ("silent", 0.0)] {
            let all = programme(layout.width(), halo + rate.frames_per_segment(), drive);
            let history: Vec<_> = all.iter().map(|channel| channel[..halo].to_vec()).collect();
            let block: Vec<_> = all.iter().map(|channel| channel[halo..].to_vec()).collect();
            let overs = vec![0; layout.width()];
            let meter = Meter::new(rate, layout, Encoding::Pcm24);
            group.bench_function(format!("{layout} {kind}"), |bencher| {
                bencher
                    .iter(|| meter.segment(black_box(&history), black_box(&block), false, &overs));
            });
        }
    }
    group.finish();
}

fn merging(criterion: &mut Criterion) {
    let rate = SampleRate::new(48_000).expect("48 kHz is a rate");
    let energy: Vec<f64> = (0..720_000).map(|n| f64::from(n * 7919 % 1000) * 1e-3).collect();
    criterion.bench_function("loudness of two hours", |bencher| {
        bencher.iter(|| loudness(black_box(&energy), rate));
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    segments(&mut criterion);
    merging(&mut criterion);
    criterion.final_summary();
}
