//! Pan, balance and stereo width: factors of two channels.
//!
//! `place` runs from -100 (left) to 100 (right); x = (place + 100) / 200 is the same from
//! 0 to 1. The laws are those of R. B. Dannenberg, "Introduction to Computer Music",
//! chapter "Loudness Concepts and Panning Laws"; each is named by what it leaves of both
//! channels in the middle.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2};

/// How level is divided between left and right.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum PanLaw {
    /// -3 dB in the middle: L = cos(x pi/2), R = sin(x pi/2). The power of both is that
    /// of the source wherever it stands.
    #[default]
    Minus3,
    /// -4.5 dB in the middle: the geometric mean of the other two,
    /// L = sqrt((1 - x) cos(x pi/2)), R = sqrt(x sin(x pi/2)).
    Minus4p5,
    /// -6 dB in the middle: L = 1 - x, R = x. The sum of both is the source wherever it
    /// stands, so that it keeps its level in mono.
    Minus6,
}

impl PanLaw {
    /// All laws.
    pub const ALL: [PanLaw; 3] = [PanLaw::Minus3, PanLaw::Minus4p5, PanLaw::Minus6];

    /// The name used in manifests and reports.
    pub fn name(self) -> &'static str {
        match self {
            PanLaw::Minus3 => "-3",
            PanLaw::Minus4p5 => "-4.5",
            PanLaw::Minus6 => "-6",
        }
    }

    /// The law in words, for reports: `-3 dB law (sine and cosine)`.
    pub fn words(self) -> &'static str {
        match self {
            PanLaw::Minus3 => "-3 dB law (sine and cosine)",
            PanLaw::Minus4p5 => "-4.5 dB law (between -3 and -6)",
            PanLaw::Minus6 => "-6 dB law (linear)",
        }
    }

    /// The law of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|law| law.name() == name)
    }

    /// Factors of a mono source for left and right. The ends are exactly 1 and 0, and the
    /// middle is the same on both sides, which sine and cosine of rounded angles are not.
    pub fn pan(self, place: f64) -> [f64; 2] {
        let right = (place + 100.0) / 200.0;
        let left = (100.0 - place) / 200.0;
        if place.abs() == 100.0 {
            return [left, right];
        }
        let sine = |x: f64| {
            if place == 0.0 { FRAC_1_SQRT_2 } else { libm::sin(x * FRAC_PI_2) }
        };
        match self {
            PanLaw::Minus3 => [sine(left), sine(right)],
            PanLaw::Minus4p5 => [(left * sine(left)).sqrt(), (right * sine(right)).sqrt()],
            PanLaw::Minus6 => [left, right],
        }
    }

    /// Factors of the left and right channel of a stereo source. The side that is turned
    /// away from falls by the law, taken so that the middle is unity; the other is never
    /// touched.
    pub fn balance(self, place: f64) -> [f64; 2] {
        let fall = |factor: f64, middle: f64| if place == 0.0 { 1.0 } else { factor / middle };
        let ([left, right], [middle, _]) = (self.pan(place), self.pan(0.0));
        if place > 0.0 { [fall(left, middle), 1.0] } else { [1.0, fall(right, middle)] }
    }
}

/// The matrix `[out][in]` that widens or narrows a stereo source: sum and difference of
/// left and right, the difference times `percent` / 100 (0 to 200). 0 is mono at the level
/// of the halved sum, 100 exactly the source itself, 200 twice the difference.
pub fn width(percent: f64) -> [[f64; 2]; 2] {
    let side = percent / 100.0;
    let (own, other) = ((1.0 + side) / 2.0, (1.0 - side) / 2.0);
    [[own, other], [other, own]]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two roundings of a number near 1, and the sum of two such.
    const ROUNDING: f64 = 4.0 * f64::EPSILON;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= ROUNDING, "{found} is not {expected}");
    }

    #[test]
    fn ends_and_middle_are_exact_under_every_law() {
        for law in PanLaw::ALL {
            assert_eq!(law.pan(-100.0), [1.0, 0.0], "{law:?}");
            assert_eq!(law.pan(100.0), [0.0, 1.0], "{law:?}");
            assert_eq!(law.balance(0.0), [1.0, 1.0], "{law:?}");
            assert_eq!(law.balance(-100.0), [1.0, 0.0], "{law:?}");
            assert_eq!(law.balance(100.0), [0.0, 1.0], "{law:?}");
            let [left, right] = law.pan(0.0);
            assert_eq!(left.to_bits(), right.to_bits(), "{law:?}");
        }
        // 1/sqrt(2), 2^(-3/4) and a half, as numbers.
        close(PanLaw::Minus3.pan(0.0)[0], 0.5_f64.sqrt());
        close(PanLaw::Minus4p5.pan(0.0)[0], 0.594_603_557_501_360_5);
        close(PanLaw::Minus6.pan(0.0)[0], 0.5);
    }

    #[test]
    fn power_amplitude_and_their_mean_are_what_the_laws_promise() {
        for place in [-99.0, -60.0, -20.0, -0.5, 0.0, 1.0, 33.3, 75.0, 99.9] {
            let [left, right] = PanLaw::Minus3.pan(place);
            close(left * left + right * right, 1.0);
            let [lower_left, lower_right] = PanLaw::Minus6.pan(place);
            close(lower_left + lower_right, 1.0);
            let [mean_left, mean_right] = PanLaw::Minus4p5.pan(place);
            close(mean_left * mean_left, left * lower_left);
            close(mean_right * mean_right, right * lower_right);
        }
        // Half way to the right: the sine and cosine of 67.5 degrees.
        close(PanLaw::Minus3.pan(50.0)[0], 0.382_683_432_365_089_8);
        close(PanLaw::Minus3.pan(50.0)[1], 0.923_879_532_511_286_7);
        close(PanLaw::Minus6.pan(50.0)[1], 0.75);
    }

    #[test]
    fn balance_lowers_the_far_side_alone() {
        for law in PanLaw::ALL {
            for place in [5.0, 20.0, 80.0] {
                let [left, right] = law.balance(place);
                assert_eq!(right, 1.0);
                assert!(left < 1.0 && left > 0.0);
                let mirrored = law.balance(-place);
                assert_eq!([mirrored[1], mirrored[0]], [left, right]);
            }
        }
        // cos(67.5 degrees) times sqrt(2), and a quarter of the way left of a half.
        close(PanLaw::Minus3.balance(50.0)[0], 0.541_196_100_146_197);
        close(PanLaw::Minus6.balance(50.0)[0], 0.5);
    }

    #[test]
    fn width_keeps_the_sum_and_scales_the_difference() {
        assert_eq!(width(100.0), [[1.0, 0.0], [0.0, 1.0]]);
        assert_eq!(width(0.0), [[0.5, 0.5], [0.5, 0.5]]);
        assert_eq!(width(200.0), [[1.5, -0.5], [-0.5, 1.5]]);
        let [[own, other], _] = width(37.0);
        close(own + other, 1.0);
        close(own - other, 0.37);
    }
}
