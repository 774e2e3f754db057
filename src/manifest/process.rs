//! `process` chains: what is done to a stem or a mix after it is summed, in order.

use super::delivery::{Action, Step};
use super::image;
use super::links::Names;
use super::normalize::{self, RawNormalize};
use super::outside::{Outside, Place, RawCommand, RawPlugin};
use super::over_time::{self, RawFade, RawPoint};
use super::settings::{Bell, Compress, DeEss, Delay, Limit, Notch, Pass, Shelf};
use super::timeline::Timeline;
use super::values::{Pan, Polarity, Width};
use crate::audio::layout::Layout;
use crate::diag::{Diagnostic, Diagnostics};
use crate::dsp::compressor::Settings;
use crate::dsp::deess::DeEsser;
use crate::dsp::envelope::Direction;
use crate::dsp::eq::{Filter, Shape, Slope};
use crate::dsp::pan::PanLaw;
use crate::dsp::process::Process;
use crate::record;
use crate::units::{Gain, SampleRate};
use crate::yaml::record::At;
use crate::yaml::scalars::Hertz;

record! {
    /// One operator of a chain: a map with one key, its name.
    pub RawStep: "an operator like `{ highpass: 80 }`";
    /// Level change in dB.
    gain: Option<Gain>,
    /// Invert turns the signal upside down.
    polarity: Option<Polarity>,
    /// Balance of a stereo signal, from -100 (left) to 100 (right).
    balance: Option<At<Pan>>,
    /// Width of a stereo signal in percent: 0 is mono, 100 as it is, 200 twice as wide.
    width: Option<At<Width>>,
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
    /// Lowers what hisses, all channels alike.
    deess: Option<At<DeEss>>,
    /// Keeps the true peak below a ceiling, all channels alike.
    limit: Option<At<Limit>>,
    /// A program over WAV files, which hears the whole programme.
    command: Option<At<RawCommand>>,
    /// A CLAP plug-in, which hears the whole programme.
    clap: Option<At<RawPlugin>>,
}

/// What a chain is applied to.
#[derive(Clone, Copy)]
pub(super) struct Signal<'a> {
    pub(super) timeline: &'a Timeline,
    pub(super) names: &'a Names<'a>,
    pub(super) layout: Layout,
    /// The session's.
    pub(super) pan_law: PanLaw,
    /// Where programs and plug-ins are looked for.
    pub(super) place: Place<'a>,
    /// Whether something in the manifest could not be read, and so may be what is missed.
    pub(super) misread: bool,
}

/// The steps of a chain; what is wrong with them goes to `problems`.
pub(super) fn steps(
    raw: &[At<RawStep>],
    signal: Signal<'_>,
    problems: &mut Diagnostics,
) -> Vec<Step> {
    let one = |step: &At<RawStep>| {
        let mut found = actions(&step.value, signal, problems);
        match found.len() {
            1 => found.pop().flatten(),
            // A name or setting that could not be read was told already.
            0 if signal.misread => None,
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
fn actions(step: &RawStep, signal: Signal<'_>, problems: &mut Diagnostics) -> Vec<Option<Step>> {
    let Signal { timeline, names, layout, pan_law, place, misread } = signal;
    let rate = timeline.rate;
    let mut found = Vec::new();
    let RawStep {
        gain,
        polarity,
        balance,
        width,
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
        deess,
        limit,
        command,
        clap,
    } = step;
    found.extend(factors(*gain, *polarity).map(Some));
    for step in balance.iter().map(|at| image::balance(at, layout, pan_law)) {
        found.push(step.map_err(|error| problems.push(error)).ok());
    }
    for step in width.iter().map(|at| image::width(at, layout)) {
        found.push(step.map_err(|error| problems.push(error)).ok());
    }
    found.extend(delay.map(|delay| Some(late(delay, rate))));
    for (fade, direction) in [(fade_in, Direction::In), (fade_out, Direction::Out)] {
        let step = |fade| over_time::fade_step(fade, direction, timeline, problems);
        found.extend(fade.as_ref().map(step));
    }
    let ride = |envelope| over_time::envelope_step(envelope, timeline, problems);
    found.extend(envelope.as_ref().map(ride));
    let level = |normalize| normalize::step(normalize, names, misread, problems);
    found.extend(normalize.as_ref().map(level));
    let mut made = Steps { rate, names, problems, found: &mut found };
    made.pass(Shape::HighPass, "high-pass", highpass);
    made.pass(Shape::LowPass, "low-pass", lowpass);
    made.shelf(Shape::LowShelf, "low shelf", low_shelf);
    made.shelf(Shape::HighShelf, "high shelf", high_shelf);
    made.bell(bell);
    made.notch(notch);
    made.compressor(compress);
    made.de_esser(deess);
    if let Some(At { value: Limit { ceiling }, span: _ }) = limit {
        found.push(limiter(ceiling, rate, problems));
    }
    let mut outside = Outside { place, rate, problems };
    let commands = command.iter().map(|raw| outside.command(raw)).collect::<Vec<_>>();
    let plugins = clap.iter().map(|raw| outside.plugin(raw));
    found.extend(commands.into_iter().chain(plugins).map(|made| {
        let (external, words) = made?;
        Some(Step { action: Action::External(Box::new(external)), words })
    }));
    found
}

/// Gain and polarity: every channel times a factor.
fn factors(gain: Option<Gain>, polarity: Option<Polarity>) -> impl Iterator<Item = Step> {
    let gain = gain.map(|gain| (gain.linear(), format!("gain {} dB", gain.db())));
    let polarity = polarity.map(|polarity| match polarity {
        Polarity::Normal => (1.0, "polarity as it is".to_owned()),
        Polarity::Invert => (-1.0, "polarity inverted".to_owned()),
    });
    let step = |(factor, words)| Step { action: Action::Factor(factor), words };
    gain.into_iter().chain(polarity).map(step)
}

fn late(delay: Delay, rate: SampleRate) -> Step {
    let frames = delay.frames(rate);
    let action = Action::Process(Process::Delay { frames });
    Step { action, words: format!("delay {frames} samples") }
}

/// The knobs of a dynamics processor in words.
fn knobs(settings: &Settings) -> String {
    let Settings { threshold_dbfs, ratio, knee_db, attack_ms, release_ms, makeup_db: _ } = settings;
    format!(
        "{threshold_dbfs} dBFS, {ratio}:1, knee {knee_db} dB, attack {attack_ms} ms, \
         release {release_ms} ms"
    )
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

/// Makes steps at one sample rate.
struct Steps<'a> {
    rate: SampleRate,
    names: &'a Names<'a>,
    problems: &'a mut Diagnostics,
    found: &'a mut Vec<Option<Step>>,
}

impl Steps<'_> {
    /// Tells that nothing can be made at a frequency, if it is not `possible`.
    fn check(&mut self, hz: &At<Hertz>, possible: bool) {
        if !possible {
            let nyquist = f64::from(self.rate.hz()) / 2.0;
            self.problems.push(
                Diagnostic::error(format!("no filter can be made at {} Hz", hz.value.0))
                    .at(&hz.span, format!("must lie below {nyquist} Hz, half of {}", self.rate)),
            );
        }
    }

    fn add(&mut self, hz: &At<Hertz>, filters: Option<Vec<Filter>>, words: String) {
        self.check(hz, filters.is_some());
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

    fn compressor(&mut self, compress: &Option<At<Compress>>) {
        let Some(At { value: compress, span: _ }) = compress else { return };
        let Compress { threshold, ratio, knee, attack, release, makeup, sidechain } = compress;
        let settings = Settings {
            threshold_dbfs: threshold.db(),
            ratio: ratio.0,
            knee_db: knee.map_or(6.0, |knee| knee.db().abs()),
            attack_ms: attack.map_or(10.0, |time| time.0),
            release_ms: release.map_or(100.0, |time| time.0),
            makeup_db: makeup.map_or(0.0, Gain::db),
        };
        let mut words =
            format!("compressor {}, makeup {} dB", knobs(&settings), settings.makeup_db);
        let mut filters = Some(Vec::new());
        let highpass = sidechain.as_ref().and_then(|at| at.value.highpass.as_ref());
        let from = sidechain.as_ref().and_then(|at| at.value.from.as_ref());
        if let (Some(at), None, None) = (sidechain, highpass, from) {
            let error = Diagnostic::error("the side-chain does nothing").at(&at.span, "");
            self.problems.push(error.help("write `{ from: STEM }`, `{ highpass: 100 }` or both"));
        }
        words.extend(from.map(|stem| format!(", keyed by {}", stem.value)));
        if let Some(At { value: Pass { hz, slope }, span: _ }) = highpass {
            let slope = slope.unwrap_or(Slope::Db12);
            filters = Filter::butterworth(Shape::HighPass, hz.value.0, slope, self.rate);
            self.check(hz, filters.is_some());
            words += &format!(", side-chain high-pass {} Hz, {} dB/octave", hz.value.0, slope.db());
        }
        let by = from.map(|stem| self.names.find(stem, &["stem"])).transpose();
        let by = by.map_err(|error| self.problems.push(error)).ok();
        let made = filters.zip(by).map(|(sidechain, by)| {
            let compress = |key| Process::Compress { settings, sidechain, key, rate: self.rate };
            match by.zip(from) {
                // How many channels the key has is known when the stems are.
                Some((by, stem)) => {
                    Action::Keyed { process: compress(0), by, span: stem.span.clone() }
                }
                None => Action::Process(compress(0)),
            }
        });
        self.found.push(made.map(|action| Step { action, words }));
    }

    fn de_esser(&mut self, deess: &Option<At<DeEss>>) {
        let Some(At { value: deess, span }) = deess else { return };
        let DeEss { hz, threshold, ratio, knee, attack, release } = deess;
        let usual = At { value: Hertz(6_000.0), span: span.clone() };
        let hz = hz.as_ref().unwrap_or(&usual);
        let settings = Settings {
            threshold_dbfs: threshold.db(),
            ratio: ratio.map_or(4.0, |ratio| ratio.0),
            knee_db: knee.map_or(6.0, |knee| knee.db().abs()),
            attack_ms: attack.map_or(1.0, |time| time.0),
            release_ms: release.map_or(50.0, |time| time.0),
            makeup_db: 0.0,
        };
        let possible = DeEsser::new(hz.value.0, settings, self.rate).is_some();
        self.check(hz, possible);
        let process = Process::DeEss { hz: hz.value.0, settings, rate: self.rate };
        let words = format!("de-esser {} Hz, {}", hz.value.0, knobs(&settings));
        self.found.push(possible.then_some(Step { action: Action::Process(process), words }));
    }
}
