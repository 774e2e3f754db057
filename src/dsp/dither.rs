//! Triangular dither from a counter, so that any sample's dither can be had
//! without those before it (law 2) and no run differs from another (law 1).
//!
//! Philox4x32-10 after Salmon, Moraes, Dror and Shaw, "Parallel random numbers:
//! as easy as 1, 2, 3" (SC11), section 3.3 and table 2.

/// The dither of one delivered file.
///
/// Its key is the file's identity and never its content: otherwise the smallest
/// edit would change the dither of the whole file. Two files have independent
/// dithers, whose powers add; one dither for all stems would add up in amplitude.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dither {
    /// Key of the generator.
    key: [u32; 2],
}

impl Dither {
    /// The dither of the file that is called `identity` in the manifest's terms.
    pub fn for_file(identity: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"rebounce dither v1");
        hasher.update(&(identity.len() as u64).to_le_bytes());
        hasher.update(identity.as_bytes());
        let digest = hasher.finalize();
        let word = |at: usize| {
            let bytes = digest.as_bytes();
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        Self { key: [word(0), word(4)] }
    }

    /// Triangular noise between -1 and +1, both excluded, in units of the last
    /// bit that is kept. Variance 1/6: with the rounding after it the error has
    /// a variance of 1/4 whatever the signal is.
    pub fn tpdf(&self, channel: u32, frame: u64) -> f64 {
        let [first, second, ..] =
            philox4x32_10([frame as u32, (frame >> 32) as u32, channel, 0], self.key);
        // Exact: a difference of 33 bits times a power of two.
        (f64::from(first) - f64::from(second)) * TWO_TO_MINUS_32
    }
}

const TWO_TO_MINUS_32: f64 = 1.0 / 4_294_967_296.0;

/// Ten rounds of Philox over a counter of four words.
fn philox4x32_10(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    for _ in 0..10 {
        let low = u64::from(counter[0]) * u64::from(MULTIPLIERS[0]);
        let high = u64::from(counter[2]) * u64::from(MULTIPLIERS[1]);
        counter = [
            (high >> 32) as u32 ^ counter[1] ^ key[0],
            high as u32,
            (low >> 32) as u32 ^ counter[3] ^ key[1],
            low as u32,
        ];
        key = [key[0].wrapping_add(KEY_STEPS[0]), key[1].wrapping_add(KEY_STEPS[1])];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_known_answers() {
        // random123 `kat_vectors`, philox4x32 10 (dsp-and-qc 6.5).
        for (counter, key, expected) in [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ] {
            assert_eq!(philox4x32_10(counter, key), expected);
        }
    }

    #[test]
    fn the_key_of_a_file_is_part_of_the_format() {
        let dither = Dither::for_file("for-mastering/drums.wav");
        assert_eq!(dither, Dither::for_file("for-mastering/drums.wav"));
        assert_ne!(dither, Dither::for_file("for-mastering/bass.wav"));
        // Pinned: another value would re-render every dithered file there is.
        assert_eq!(dither.key, [0x5c9c_c0fc, 0x7a11_9f38]);
    }

    /// Mean and variance of a sequence.
    fn moments(values: &[f64]) -> (f64, f64) {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
        (mean, variance)
    }

    #[test]
    fn the_noise_is_triangular_white_and_independent_between_channels() {
        const COUNT: usize = 1 << 20;
        let dither = Dither::for_file("statistics");
        let noise: Vec<f64> = (0..COUNT as u64).map(|n| dither.tpdf(0, n)).collect();
        let other: Vec<f64> = (0..COUNT as u64).map(|n| dither.tpdf(1, n)).collect();
        let (mean, variance) = moments(&noise);
        // Four standard errors of a mean: 4 * sqrt(1/6 / COUNT).
        assert!(mean.abs() < 4.0 * (1.0 / 6.0 / COUNT as f64).sqrt(), "{mean}");
        assert!((variance - 1.0 / 6.0).abs() < 0.001, "{variance}");
        let fourth = noise.iter().map(|x| x * x * x * x).sum::<f64>() / COUNT as f64;
        assert!((fourth / (variance * variance) - 2.4).abs() < 0.02, "{fourth}");
        let against = |b: &[f64]| {
            noise.iter().zip(b).map(|(x, y)| x * y).sum::<f64>() / COUNT as f64 / variance
        };
        for lag in [1, 2, 3, 64, 4096] {
            assert!(against(&noise[lag..]).abs() < 0.005, "lag {lag}");
        }
        assert!(against(&other).abs() < 0.005);
    }

    #[test]
    fn after_rounding_the_error_does_not_depend_on_the_signal() {
        const COUNT: u64 = 400_000;
        let dither = Dither::for_file("rounding");
        for level in [0.0, 0.25, 0.5, 0.1234] {
            let error: Vec<f64> =
                (0..COUNT).map(|n| (level + dither.tpdf(0, n) + 0.5).floor() - level).collect();
            let (mean, variance) = moments(&error);
            assert!(mean.abs() < 4.0 * (0.25 / COUNT as f64).sqrt(), "{level}: {mean}");
            assert!((variance - 0.25).abs() < 0.003, "{level}: {variance}");
        }
    }

    #[test]
    fn a_tone_below_one_bit_survives() {
        const COUNT: u64 = 480_000;
        let dither = Dither::for_file("tone");
        let tone = |n: u64| (std::f64::consts::TAU * n as f64 / 48.0).sin();
        let along = (0..COUNT)
            .map(|n| (0.5 * tone(n) + dither.tpdf(0, n) + 0.5).floor() * tone(n))
            .sum::<f64>();
        let amplitude = along * 2.0 / COUNT as f64;
        assert!((amplitude - 0.5).abs() < 0.004, "{amplitude}");
    }
}
