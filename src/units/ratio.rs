//! Exact ratios: of rates, of speeds.

use std::fmt;

use super::SampleRate;

/// An exact ratio of two whole numbers in lowest terms, neither of them 0: of sample
/// rates, or of speeds as they are pulled up and down (`1001/1000`, `25/24`). Decimals
/// drift: a feature pulled by "0.1 %" in place of 1000/1001 is 7 ms out at its end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ratio {
    numerator: u32,
    denominator: u32,
}

impl Ratio {
    /// No change.
    pub const UNITY: Ratio = Ratio { numerator: 1, denominator: 1 };

    /// `numerator / denominator`, or `None` if one of them is 0 or, in lowest terms,
    /// does not fit 32 bits.
    pub fn new(numerator: u64, denominator: u64) -> Option<Self> {
        let (mut divisor, mut rest) = (numerator, denominator);
        while rest != 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        let lowest = |whole: u64| u32::try_from(whole.checked_div(divisor)?).ok();
        let (numerator, denominator) = (lowest(numerator)?, lowest(denominator)?);
        (numerator != 0 && denominator != 0).then_some(Self { numerator, denominator })
    }

    /// How many frames at `to` last as long as one at `from`.
    pub fn of_rates(from: SampleRate, to: SampleRate) -> Self {
        Self::new(u64::from(to.hz()), u64::from(from.hz())).expect("BUG: a rate is never 0")
    }

    /// Reads `25/24`. Whole numbers only: `0.999` is not 1000/1001.
    pub fn parse(text: &str) -> Option<Self> {
        let whole = |text: &str| {
            let text = text.trim();
            text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok())?
        };
        let (numerator, denominator) = text.split_once('/')?;
        Self::new(whole(numerator)?, whole(denominator)?)
    }

    /// The upper number.
    pub fn numerator(self) -> u32 {
        self.numerator
    }

    /// The lower number.
    pub fn denominator(self) -> u32 {
        self.denominator
    }

    /// One divided by it.
    pub fn inverse(self) -> Self {
        Self { numerator: self.denominator, denominator: self.numerator }
    }

    /// Both, one after the other; `None` if the result does not fit.
    pub fn times(self, other: Self) -> Option<Self> {
        let product = |a, b| u64::from(a) * u64::from(b);
        Self::new(
            product(self.numerator, other.numerator),
            product(self.denominator, other.denominator),
        )
    }

    /// Output frames that last as long as `input` frames, where so many make one: to the
    /// nearest, halves up.
    pub fn frames(self, input: u64) -> u64 {
        let (up, down) = (u128::from(self.numerator), u128::from(self.denominator));
        let frames = (2 * u128::from(input) * up + down) / (2 * down);
        u64::try_from(frames).unwrap_or(u64::MAX)
    }

    /// The interval that a change of speed by this ratio shifts all pitches by, in
    /// cents, hundredths of an equal-tempered semitone: 1200 log2. Faster is higher.
    pub fn cents(self) -> f64 {
        1200.0 * libm::log2(f64::from(self.numerator) / f64::from(self.denominator))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_exact_and_in_lowest_terms() {
        let ratio = |text| Ratio::parse(text).unwrap();
        assert_eq!(ratio("50/48"), ratio(" 25 / 24 "));
        assert_eq!(ratio("1001/1000").to_string(), "1001/1000");
        let (cd, film) = (SampleRate::new(44_100).unwrap(), SampleRate::new(48_000).unwrap());
        assert_eq!(Ratio::of_rates(cd, film), ratio("160/147"));
        // delivery-specs 5.2: 23.976 to 25 is 25025/24000.
        let pulled = ratio("1001/1000").times(ratio("25/24")).unwrap();
        assert_eq!(pulled, ratio("25025/24000"));
        assert_eq!(pulled.times(pulled.inverse()), Some(Ratio::UNITY));
        let wrong =
            ["0.999", "1", "1/0", "0/1", "-1/2", "+1/2", "/", "1/2/3", "", "4294967296/1", "1/"];
        for wrong in wrong {
            assert_eq!(Ratio::parse(wrong), None, "{wrong}");
        }
        assert_eq!(ratio("4294967295/1").times(ratio("2/1")), None);
    }

    #[test]
    fn pitch_changes_as_the_table_says() {
        // delivery-specs 5.2, to its last place.
        for (speed, cents) in
            [("1000/1001", -1.73), ("25/24", 70.67), ("24/25", -70.67), ("25025/24000", 72.40)]
        {
            assert!((Ratio::parse(speed).unwrap().cents() - cents).abs() < 0.005, "{speed}");
        }
        assert_eq!(Ratio::UNITY.cents(), 0.0);
    }
}
