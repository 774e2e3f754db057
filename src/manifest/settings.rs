//! What the operators of a chain are set to, as it is written.

use serde_json::{Value as Json, json};

use super::raw::Text;
use crate::dsp::eq::Slope;
use crate::record;
use crate::units::{Gain, SampleRate};
use crate::yaml::record::{At, Scalar};
use crate::yaml::scalars::Hertz;

record! {
    /// A compressor.
    pub Compress: "a compressor like `{ threshold: -18, ratio: 3 }`";
    /// Level in dBFS at which it sets in; the middle of the knee.
    threshold: Gain,
    /// Decibels of input for one of output: `3`, `4:1`.
    ratio: Ratio,
    /// Width of the knee in dB; 6 unless given.
    knee: Option<Gain>,
    /// How fast it sets in: `10 ms` unless given.
    attack: Option<Milliseconds>,
    /// How fast it lets go: `100 ms` unless given.
    release: Option<Milliseconds>,
    /// Level change after it in dB.
    makeup: Option<Gain>,
    /// What its detector hears in place of the signal.
    sidechain: Option<At<SideChain>>,
}

record! {
    /// What the detector of a compressor hears.
    pub SideChain: "a side-chain like `{ highpass: 100 }` or `{ from: kick }`";
    /// A stem that it hears in place of the signal, whole and after its chain.
    from: Option<Text>,
    /// Removes what lies below a frequency, so that bass does not pump.
    highpass: Option<At<Pass>>,
}

record! {
    /// A de-esser: a shelf of 12 dB per octave that falls while what lies above its
    /// frequency is loud.
    pub DeEss: "a de-esser like `{ hz: 6 kHz, threshold: -30 }`";
    /// Where what it hears and lowers begins, in Hz: `6 kHz` unless given.
    hz: Option<At<Hertz>>,
    /// Level in dBFS of what lies above, at which it sets in; the middle of the knee.
    threshold: Gain,
    /// Decibels of input for one of output: 4 unless given.
    ratio: Option<Ratio>,
    /// Width of the knee in dB; 6 unless given.
    knee: Option<Gain>,
    /// How fast it sets in: `1 ms` unless given.
    attack: Option<Milliseconds>,
    /// How fast it lets go: `50 ms` unless given.
    release: Option<Milliseconds>,
}

record! {
    /// A true-peak limiter.
    pub Limit: "a ceiling in dBTP like `-1`, or a map like `{ ceiling: -1 }`",
    short ceiling;
    /// What the true peak stays below, in dBTP.
    ceiling: At<Gain>,
}

/// A ratio of at least one.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ratio(pub(super) f64);

impl Scalar for Ratio {
    const EXPECTED: &'static str = "a ratio from 1 to 100 like `3` or `3:1`";

    fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix(":1").unwrap_or(text);
        number.trim().parse().ok().filter(|ratio: &f64| (1.0..=100.0).contains(ratio)).map(Ratio)
    }

    fn schema() -> Json {
        json!({ "type": ["number", "string"] })
    }
}

/// A time of a detector.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Milliseconds(pub(super) f64);

impl Scalar for Milliseconds {
    const EXPECTED: &'static str = "a time up to 2 s like `10 ms`";

    fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix("ms")?.trim().parse().ok();
        number.filter(|ms: &f64| (0.0..=2000.0).contains(ms)).map(Milliseconds)
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9.]+ *ms$" })
    }
}

record! {
    /// A high-pass or low-pass, Butterworth: 3 dB down at its frequency.
    pub Pass: "a frequency like `80`, or a map like `{ hz: 80, slope: 24 }`",
    short hz;
    /// Where it is 3 dB down, in Hz.
    hz: At<Hertz>,
    /// Slope in dB per octave: 12, 24 or 48; 12 unless given.
    slope: Option<Slope>,
}

record! {
    /// A shelf (RBJ cookbook).
    pub Shelf: "a shelf like `{ hz: 200, gain: -3 }`";
    /// Where half of its gain is reached, in Hz.
    hz: At<Hertz>,
    /// What it adds in dB.
    gain: Gain,
    /// How steep: 0.7071 unless given.
    q: Option<Q>,
}

record! {
    /// A bell (RBJ cookbook).
    pub Bell: "a bell like `{ hz: 1000, gain: 2, q: 1.4 }`";
    /// Its middle, in Hz.
    hz: At<Hertz>,
    /// What it adds there in dB.
    gain: Gain,
    /// How narrow: 1 unless given.
    q: Option<Q>,
}

record! {
    /// A notch (RBJ cookbook).
    pub Notch: "a frequency like `50`, or a map like `{ hz: 50, q: 30 }`",
    short hz;
    /// What it removes, in Hz.
    hz: At<Hertz>,
    /// How narrow: 30 unless given.
    q: Option<Q>,
}

/// The quality of a filter.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Q(pub(super) f64);

impl Scalar for Q {
    const EXPECTED: &'static str = "a Q from 0.1 to 100";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|q: &f64| (0.1..=100.0).contains(q)).map(Q)
    }

    fn schema() -> Json {
        json!({ "type": "number", "minimum": 0.1, "maximum": 100 })
    }
}

impl Scalar for Slope {
    const EXPECTED: &'static str = "a slope in dB per octave: 12, 24 or 48";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "12" => Some(Slope::Db12),
            "24" => Some(Slope::Db24),
            "48" => Some(Slope::Db48),
            _ => None,
        }
    }

    fn schema() -> Json {
        json!({ "enum": [12, 24, 48] })
    }

    fn names() -> Vec<&'static str> {
        vec!["12", "24", "48"]
    }
}

/// A time by which a signal is late.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Delay {
    /// Whole samples.
    Samples(usize),
    /// Milliseconds, to the nearest sample.
    Milliseconds(f64),
}

impl Scalar for Delay {
    const EXPECTED: &'static str = "a delay up to 10 s like `480 samples` or `10 ms`";

    fn parse(text: &str) -> Option<Self> {
        if let Some(number) = text.strip_suffix("samples") {
            let samples = number.trim().parse().ok().filter(|n| *n <= 80_000)?;
            return Some(Delay::Samples(samples));
        }
        let number: f64 = text.strip_suffix("ms")?.trim().parse().ok()?;
        (0.0..=10_000.0).contains(&number).then_some(Delay::Milliseconds(number))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9.]+ *(samples|ms)$" })
    }
}

impl Delay {
    /// Its frames, to the nearest.
    pub(super) fn frames(self, rate: SampleRate) -> usize {
        match self {
            Delay::Samples(samples) => samples,
            Delay::Milliseconds(ms) => libm::round(ms * f64::from(rate.hz()) / 1000.0) as usize,
        }
    }
}
