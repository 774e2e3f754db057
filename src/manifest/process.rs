//! `process` chains: what is done to a stem or a mix after it is summed, in order.

use serde_json::{Value as Json, json};

use super::delivery::{Action, Step};
use super::links::Names;
use super::normalize::{self, RawNormalize};
use super::over_time::{self, RawFade, RawPoint};
use super::timeline::Timeline;
use super::values::Polarity;
use crate::diag::{Diagnostic, Diagnostics};
use crate::dsp::compressor::Settings;
use crate::dsp::envelope::Direction;
use crate::dsp::eq::{Filter, Shape, Slope};
use crate::dsp::process::Process;
use crate::record;
use crate::units::{Gain, SampleRate};
use crate::yaml::record::{At, Scalar};

record! {
    /// One operator of a chain: a map with one key, its name.
    pub RawStep: "an operator like `{ highpass: 80 }`",
    later ["deess", "width", "command", "clap"];
    /// Level change in dB.
    gain: Option<Gain>,
    /// Invert turns the signal upside down.
    polarity: Option<Polarity>,
    /// The signal later, silence before: `480 samples` or `10 ms`.
    delay: Option<Delay>,
    /// A fade at the start.
    fade_in: Option<At<RawFade>>,
    /// A fade at the end.
    fade_out: Option<At<RawFade>>,
    /// Gains over time: breakpoints, between which the decibels change linearly.
    envelope: Option<At<Vec<RawPoint>>>,
    /// One gain for the whole signal, by its loudness or peak.
    normalize: Option<At<RawNormalize>>,
    /// Removes what lies below a frequency.
    highpass: Option<At<Pass>>,
    /// Removes what lies above a frequency.
    lowpass: Option<At<Pass>>,
    /// Raises or lowers what lies below a frequency.
    low_shelf: Option<At<Shelf>>,
    /// Raises or lowers what lies above a frequency.
    high_shelf: Option<At<Shelf>>,
    /// Raises or lowers what lies around a frequency.
    bell: Option<At<Bell>>,
    /// Removes what lies at a frequency.
    notch: Option<At<Notch>>,
    /// Lowers what is loud, all channels alike.
    compress: Option<At<Compress>>,
    /// Keeps the true peak below a ceiling, all channels alike.
    limit: Option<At<Limit>>,
}

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
pub struct Ratio(f64);

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
pub struct Milliseconds(f64);

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

/// A frequency in Hz.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Hertz(f64);

impl Hertz {
    /// The frequency.
    pub(super) fn hz(self) -> f64 {
        self.0
    }
}

impl Scalar for Hertz {
    const EXPECTED: &'static str = "a frequency in Hz like `80` or `2.5 kHz`";

    fn parse(text: &str) -> Option<Self> {
        let (number, scale) = match (text.strip_suffix("kHz"), text.strip_suffix("Hz")) {
            (Some(number), _) => (number, 1000.0),
            (None, Some(number)) => (number, 1.0),
            (None, None) => (text, 1.0),
        };
        let hz: f64 = number.trim().parse().ok()?;
        (hz > 0.0 && hz.is_finite()).then_some(Hertz(hz * scale))
    }

    fn schema() -> Json {
        json!({ "type": ["number", "string"] })
    }
}

/// The quality of a filter.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Q(f64);

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
    fn frames(self, rate: SampleRate) -> usize {
        match self {
            Delay::Samples(samples) => samples,
            Delay::Milliseconds(ms) => libm::round(ms * f64::from(rate.hz()) / 1000.0) as usize,
        }
    }
}

/// The steps of a chain; what is wrong with them goes to `problems`. `misread` says
/// that something in the manifest could not be read.
pub(super) fn steps(
    raw: &[At<RawStep>],
    misread: bool,
    timeline: &Timeline,
    names: &Names<'_>,
    problems: &mut Diagnostics,
) -> Vec<Step> {
    let one = |step: &At<RawStep>| {
        let mut found = actions(&step.value, timeline, names, problems);
        match found.len() {
            1 => found.pop().flatten(),
            // A name or setting that could not be read was told already.
            0 if misread => None,
            n => {
                let what = if n == 0 { "no operator" } else { "more than one operator" };
                problems.push(
                    Diagnostic::error(format!("{what} in a step of `process`"))
                        .at(&step.span, "one name and its settings")
                        .help(
                            "write `process: [{ highpass: 80 }, { gain: -3 }]`, one map for each",
                        ),
                );
                None
            }
        }
    };
    raw.iter().filter_map(one).collect()
}

/// What a step asks for; a `None` is an operator that cannot be.
fn actions(
    step: &RawStep,
    timeline: &Timeline,
    names: &Names<'_>,
    problems: &mut Diagnostics,
) -> Vec<Option<Step>> {
    let rate = timeline.rate;
    let mut found = Vec::new();
    let RawStep {
        gain,
        polarity,
        delay,
        fade_in,
        fade_out,
        envelope,
        normalize,
        highpass,
        lowpass,
        low_shelf,
        high_shelf,
        bell,
        notch,
        compress,
        limit,
    } = step;
    if let Some(gain) = gain {
        let words = format!("gain {} dB", gain.db());
        found.push(Some(Step { action: Action::Factor(gain.linear()), words }));
    }
    if let Some(polarity) = polarity {
        let (factor, words) = match polarity {
            Polarity::Normal => (1.0, "polarity as it is"),
            Polarity::Invert => (-1.0, "polarity inverted"),
        };
        found.push(Some(Step { action: Action::Factor(factor), words: words.to_owned() }));
    }
    if let Some(delay) = delay {
        let frames = delay.frames(rate);
        let action = Action::Process(Process::Delay { frames });
        found.push(Some(Step { action, words: format!("delay {frames} samples") }));
    }
    for (fade, direction) in [(fade_in, Direction::In), (fade_out, Direction::Out)] {
        let step = |fade| over_time::fade_step(fade, direction, timeline, problems);
        found.extend(fade.as_ref().map(step));
    }
    let ride = |envelope| over_time::envelope_step(envelope, timeline, problems);
    found.extend(envelope.as_ref().map(ride));
    let level = |normalize| normalize::step(normalize, names, problems);
    found.extend(normalize.as_ref().map(level));
    let mut filters = Filters { rate, problems, found: &mut found };
    filters.pass(Shape::HighPass, "high-pass", highpass);
    filters.pass(Shape::LowPass, "low-pass", lowpass);
    filters.shelf(Shape::LowShelf, "low shelf", low_shelf);
    filters.shelf(Shape::HighShelf, "high shelf", high_shelf);
    filters.bell(bell);
    filters.notch(notch);
    if let Some(At { value: compress, span: _ }) = compress {
        found.push(Some(compressor(compress, rate)));
    }
    if let Some(At { value: Limit { ceiling }, span: _ }) = limit {
        found.push(limiter(ceiling, rate, problems));
    }
    found
}

fn compressor(compress: &Compress, rate: SampleRate) -> Step {
    let Compress { threshold, ratio, knee, attack, release, makeup } = compress;
    let settings = Settings {
        threshold_dbfs: threshold.db(),
        ratio: ratio.0,
        knee_db: knee.map_or(6.0, |knee| knee.db().abs()),
        attack_ms: attack.map_or(10.0, |time| time.0),
        release_ms: release.map_or(100.0, |time| time.0),
        makeup_db: makeup.map_or(0.0, Gain::db),
    };
    let Settings { threshold_dbfs, ratio, knee_db, attack_ms, release_ms, makeup_db } = settings;
    let words = format!(
        "compressor {threshold_dbfs} dBFS, {ratio}:1, knee {knee_db} dB, attack {attack_ms} ms, \
         release {release_ms} ms, makeup {makeup_db} dB"
    );
    Step { action: Action::Process(Process::Compress { settings, rate }), words }
}

fn limiter(ceiling: &At<Gain>, rate: SampleRate, problems: &mut Diagnostics) -> Option<Step> {
    let ceiling_dbtp = ceiling.value.db();
    if ceiling_dbtp > 0.0 {
        problems.push(
            Diagnostic::error(format!("a limiter cannot hold {ceiling_dbtp} dBTP"))
                .at(&ceiling.span, "above full scale")
                .help("-1 is usual"),
        );
        return None;
    }
    let action = Action::Process(Process::Limit { ceiling_dbtp, rate });
    Some(Step { action, words: format!("true-peak limiter {ceiling_dbtp} dBTP") })
}

struct Filters<'a> {
    rate: SampleRate,
    problems: &'a mut Diagnostics,
    found: &'a mut Vec<Option<Step>>,
}

impl Filters<'_> {
    fn add(&mut self, hz: &At<Hertz>, filters: Option<Vec<Filter>>, words: String) {
        if filters.is_none() {
            let nyquist = f64::from(self.rate.hz()) / 2.0;
            self.problems.push(
                Diagnostic::error(format!("no filter can be made at {} Hz", hz.value.0)).at(
                    &hz.span,
                    format!("the highest frequency of {} is {nyquist} Hz", self.rate),
                ),
            );
        }
        let step = |filters| Step { action: Action::Process(Process::Eq { filters }), words };
        self.found.push(filters.map(step));
    }

    fn pass(&mut self, shape: Shape, name: &str, pass: &Option<At<Pass>>) {
        let Some(At { value: Pass { hz, slope }, span: _ }) = pass else { return };
        let slope = slope.unwrap_or(Slope::Db12);
        let filters = Filter::butterworth(shape, hz.value.0, slope, self.rate);
        self.add(hz, filters, format!("{name} {} Hz, {} dB/octave", hz.value.0, slope.db()));
    }

    fn shelf(&mut self, shape: Shape, name: &str, shelf: &Option<At<Shelf>>) {
        let Some(At { value: Shelf { hz, gain, q }, span: _ }) = shelf else { return };
        let q = q.map_or(std::f64::consts::FRAC_1_SQRT_2, |q| q.0);
        let filter = Filter::new(shape, hz.value.0, q, gain.db(), self.rate);
        let words = format!("{name} {} Hz, {} dB", hz.value.0, gain.db());
        self.add(hz, filter.map(|filter| vec![filter]), words);
    }

    fn bell(&mut self, bell: &Option<At<Bell>>) {
        let Some(At { value: Bell { hz, gain, q }, span: _ }) = bell else { return };
        let q = q.map_or(1.0, |q| q.0);
        let filter = Filter::new(Shape::Bell, hz.value.0, q, gain.db(), self.rate);
        let words = format!("bell {} Hz, {} dB, Q {q}", hz.value.0, gain.db());
        self.add(hz, filter.map(|filter| vec![filter]), words);
    }

    fn notch(&mut self, notch: &Option<At<Notch>>) {
        let Some(At { value: Notch { hz, q }, span: _ }) = notch else { return };
        let q = q.map_or(30.0, |q| q.0);
        let filter = Filter::new(Shape::Notch, hz.value.0, q, 0.0, self.rate);
        let words = format!("notch {} Hz, Q {q}", hz.value.0);
        self.add(hz, filter.map(|filter| vec![filter]), words);
    }
}
