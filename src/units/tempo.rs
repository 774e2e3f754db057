//! Tempo: where on the programme's clock a place in bars lies, to the sample.
//!
//! A tempo counts quarter notes, as DAWs and MIDI files do, whatever the meter.
//! Steady tempos are exact rationals of whole numbers. Where a tempo glides, it is
//! linear in beats: from `b0` to `b1` quarters a minute over `Q` quarters, the
//! tempo after `q` quarters is `b(q) = b0 + (b1 - b0) q / Q`, and the time it took
//! is the integral of `60 / b`,
//!
//! ```text
//! t(q) = 60 Q / (b1 - b0) · ln(1 + (b1 - b0) q / (Q b0))    seconds
//! q(t) = Q b0 / (b1 - b0) · (exp((b1 - b0) t / (60 Q)) - 1)
//! ```

use std::fmt;

use super::bars::QUARTER;
use super::{Ratio, SampleRate};

/// A tempo in quarter notes per minute, 1 to 1000, to the billionth.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Bpm {
    billionths: u64,
}

impl Bpm {
    /// Reads `96` or `127.5`, with up to nine decimals.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 9 {
            return None;
        }
        let whole = whole.parse::<u64>().ok().filter(|whole| (1..=1000).contains(whole))?;
        let part = part.parse::<u64>().ok()? * 10_u64.pow(9 - part.len() as u32);
        let billionths = whole * 1_000_000_000 + part;
        (billionths <= 1000 * 1_000_000_000).then_some(Self { billionths })
    }

    fn per_minute(self) -> f64 {
        self.billionths as f64 / 1e9
    }
}

impl fmt::Display for Bpm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.billionths / 1_000_000_000, self.billionths % 1_000_000_000);
        match format!("{part:09}").trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            digits => write!(f, "{whole}.{digits}"),
        }
    }
}

/// Frames with a binary fraction of 64 digits. Rounded down wherever it is not
/// exact, so that each stretch of tempo is at most 2^-64 frame too short.
type Position = i128;

const FRACTION: u32 = 64;

/// What the tempo does from one change to the next.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Stretch {
    /// Ticks from bar 1 to where it begins.
    ticks: i64,
    /// Frames from bar 1 to where it begins.
    position: Position,
    /// The tempo there.
    bpm: Bpm,
    /// What it glides to, and the ticks that takes; steady if nothing.
    glide: Option<(Bpm, i64)>,
}

/// A change of tempo, for people.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Change {
    /// Ticks from bar 1.
    pub ticks: i64,
    /// What the tempo is from there on, or at the end of the glide.
    pub bpm: Bpm,
    /// The ticks at which the glide that begins here is over.
    pub glides_until: Option<i64>,
}

/// The tempo of a programme, and where in it bar 1 begins.
#[derive(Clone, PartialEq, Debug)]
pub struct TempoMap {
    rate: SampleRate,
    /// Programme frame of bar 1.
    bar_one: i64,
    stretches: Vec<Stretch>,
}

impl TempoMap {
    /// One tempo throughout, before bar 1 too; bar 1 begins with the programme.
    pub fn new(bpm: Bpm, rate: SampleRate) -> Self {
        let first = Stretch { ticks: 0, position: 0, bpm, glide: None };
        Self { rate, bar_one: 0, stretches: vec![first] }
    }

    /// Bar 1 begins at this frame of the programme; before it, if negative.
    pub fn set_bar_one(&mut self, frame: i64) {
        self.bar_one = frame;
    }

    /// Programme frame of bar 1; negative if the programme begins later.
    pub fn bar_one(&self) -> i64 {
        self.bar_one
    }

    /// The tempo at bar 1.
    pub fn first(&self) -> Bpm {
        self.stretches[0].bpm
    }

    /// Ticks from bar 1 to the last change.
    pub fn last_change(&self) -> i64 {
        self.stretches[self.stretches.len() - 1].ticks
    }

    /// Another tempo from `ticks` on, which lie behind the last change, or on it
    /// where a glide ended there.
    pub fn change(&mut self, ticks: i64, bpm: Bpm) {
        self.push(ticks, bpm);
    }

    /// A glide to `bpm` that begins at `from` and is over at `to`, in ticks. `from`
    /// does not lie before the last change.
    pub fn glide(&mut self, from: i64, to: i64, bpm: Bpm) {
        let now = self.stretches[self.stretches.len() - 1].bpm;
        self.push(from, now);
        if let Some(stretch) = self.stretches.last_mut() {
            stretch.glide = (now != bpm).then_some((bpm, to - from));
        }
        self.push(to, bpm);
    }

    fn push(&mut self, ticks: i64, bpm: Bpm) {
        let last = self.stretches[self.stretches.len() - 1];
        let position = last.position + self.length(&last, ticks - last.ticks);
        self.stretches.push(Stretch { ticks, position, bpm, glide: None });
    }

    /// The same bars at another rate and another speed.
    pub fn paced(&self, rate: SampleRate, speed: Ratio) -> Self {
        let faster = |bpm: Bpm| Bpm { billionths: speed.frames(bpm.billionths) };
        let ratio = Ratio::of_rates(self.rate, rate).times(speed.inverse());
        let scaled = |frames: u64| ratio.map_or(frames, |ratio| ratio.frames(frames)) as i64;
        let bar_one = self.bar_one.signum() * scaled(self.bar_one.unsigned_abs());
        let mut map = Self { rate, bar_one, stretches: Vec::new() };
        for stretch in &self.stretches {
            let position = map
                .stretches
                .last()
                .map_or(0, |last| last.position + map.length(last, stretch.ticks - last.ticks));
            let glide = stretch.glide.map(|(bpm, ticks)| (faster(bpm), ticks));
            let bpm = faster(stretch.bpm);
            map.stretches.push(Stretch { ticks: stretch.ticks, position, bpm, glide });
        }
        map
    }

    /// The changes after bar 1, in order: a glide is one change.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut before: Option<&Stretch> = None;
        for stretch in &self.stretches {
            if let Some((bpm, ticks)) = stretch.glide {
                let glides_until = Some(stretch.ticks + ticks);
                changes.push(Change { ticks: stretch.ticks, bpm, glides_until });
            } else if let Some(before) = before
                && before.glide.map_or(before.bpm, |(to, _)| to) != stretch.bpm
            {
                let (ticks, bpm) = (stretch.ticks, stretch.bpm);
                changes.push(Change { ticks, bpm, glides_until: None });
            }
            before = Some(stretch);
        }
        changes
    }

    /// The frame of the programme that is nearest to `ticks` from bar 1; negative
    /// before the programme. Between two it is the later: a half that rounding down
    /// has hidden still counts as one, which is what makes steady tempos exact.
    pub fn frame(&self, ticks: i64) -> i64 {
        let count = self.stretches.partition_point(|stretch| stretch.ticks <= ticks).max(1);
        let stretch = &self.stretches[count - 1];
        let position = stretch.position + self.length(stretch, ticks - stretch.ticks);
        let half = 1 << (FRACTION - 1);
        ((position + half + count as Position) >> FRACTION) as i64 + self.bar_one
    }

    /// The ticks from bar 1 at a frame of the programme, to far less than a frame
    /// could be heard by: for reports, not for placing.
    pub fn ticks(&self, frame: i64) -> i64 {
        let position = Position::from(frame - self.bar_one) << FRACTION;
        let count = self.stretches.partition_point(|stretch| stretch.position <= position).max(1);
        let stretch = &self.stretches[count - 1];
        let scale = libm::exp2(f64::from(FRACTION));
        let seconds = (position - stretch.position) as f64 / scale / f64::from(self.rate.hz());
        let quarters = match stretch.glide {
            None => seconds * stretch.bpm.per_minute() / 60.0,
            Some((to, ticks)) => {
                let (start, over) = (stretch.bpm.per_minute(), ticks as f64 / QUARTER as f64);
                let slope = (to.per_minute() - start) / over;
                start / slope * libm::expm1(slope * seconds / 60.0)
            }
        };
        stretch.ticks + libm::round(quarters * QUARTER as f64) as i64
    }

    /// Frames from the beginning of a stretch to `ticks` later.
    fn length(&self, stretch: &Stretch, ticks: i64) -> Position {
        match stretch.glide {
            None => {
                // frames = ticks / QUARTER · 60 / bpm · rate; a million of the billionths
                // of bpm is cancelled against QUARTER, so that all below fits.
                let over = i128::from(ticks) * 60 * i128::from(self.rate.hz()) * 1000;
                let under = i128::from(QUARTER / 1_000_000) * i128::from(stretch.bpm.billionths);
                let (whole, rest) = (over.div_euclid(under), over.rem_euclid(under));
                (whole << FRACTION) + (rest << FRACTION) / under
            }
            Some((to, whole)) => {
                let (start, over) = (stretch.bpm.per_minute(), whole as f64 / QUARTER as f64);
                let slope = (to.per_minute() - start) / over;
                let quarters = ticks as f64 / QUARTER as f64;
                let minutes = libm::log1p(slope * quarters / start) / slope;
                let frames = minutes * 60.0 * f64::from(self.rate.hz());
                let whole = libm::floor(frames);
                let part = (frames - whole) * libm::exp2(f64::from(FRACTION));
                ((whole as i128) << FRACTION) + part as i128
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::bars::{Meter, Meters, Place};

    fn bpm(text: &str) -> Bpm {
        Bpm::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    fn map(tempo: &str, hz: u32) -> TempoMap {
        TempoMap::new(bpm(tempo), SampleRate::new(hz).unwrap())
    }

    /// Ticks in 4/4.
    fn at(text: &str) -> i64 {
        let meters = Meters::new(Meter::parse("4/4").unwrap());
        meters.ticks(Place::parse(text).unwrap()).unwrap()
    }

    #[test]
    fn tempos_read_as_they_are_written() {
        for text in ["1", "96", "127.5", "95.999999999", "1000"] {
            assert_eq!(bpm(text).to_string(), text);
        }
        for wrong in ["0", "0.9", "1000.1", "-96", "96 bpm", "1e2", "96.1234567891", "", "nan"] {
            assert_eq!(Bpm::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_steady_tempo_is_exact_and_halves_are_rounded_up() {
        assert_eq!(map("96", 48_000).frame(at("bar 25")), 60 * 48_000);
        assert_eq!(map("96", 48_000).frame(at("bar 0")), -120_000);
        // 82,687.5 frames to a bar.
        let even = map("128", 44_100);
        assert_eq!((even.frame(at("bar 2")), even.frame(at("bar 3"))), (82_688, 165_375));
        assert_eq!(even.frame(at("bar 0")), -82_687);
        for (tempo, over, under) in [("97", 97, 1), ("127.5", 255, 2), ("95.8731", 958_731, 10_000)]
        {
            let map = map(tempo, 44_100);
            for bar in [2, 3, 99, 1_000, 123_457] {
                // The nearest whole number to (bar - 1) · 4 · 60 · 44,100 / bpm.
                let exact = (bar - 1) * 4 * 60 * 44_100_i128 * under;
                let nearest = (exact + over / 2).div_euclid(over) as i64;
                assert_eq!(map.frame(at(&format!("bar {bar}"))), nearest, "{tempo} bar {bar}");
            }
        }
    }

    #[test]
    fn changes_do_not_hide_a_half() {
        // 97 eighths at 97 take 82,687.5 frames; neither part of them is exact.
        let mut map = map("97", 11_025);
        map.change(at("bar 1 beat 2"), bpm("97"));
        assert_eq!(map.frame(at("bar 4 beat 1.125")), 82_688);
    }

    #[test]
    fn tempos_change_where_they_say() {
        let mut map = map("120", 48_000);
        map.change(at("bar 3"), bpm("60"));
        map.change(at("bar 5 beat 3"), bpm("240"));
        let seconds = |text| map.frame(at(text)) as f64 / 48_000.0;
        assert_eq!((seconds("bar 3"), seconds("bar 4")), (4.0, 8.0));
        assert_eq!((seconds("bar 5 beat 3"), seconds("bar 6 beat 1")), (14.0, 14.5));
        assert_eq!(
            map.changes().iter().map(|c| c.bpm).collect::<Vec<_>>(),
            [bpm("60"), bpm("240")]
        );
    }

    /// Four bars of 80, a glide to 60 over four bars, then 60, then 90.
    fn gliding() -> TempoMap {
        let mut map = map("80", 48_000);
        map.glide(at("bar 5"), at("bar 9"), bpm("60"));
        map.change(at("bar 11"), bpm("90"));
        map
    }

    #[test]
    fn a_glide_takes_as_long_as_its_beats_one_by_one() {
        let map = gliding();
        let start = map.frame(at("bar 5"));
        assert_eq!(start, 12 * 48_000);
        // The same integral by the midpoint rule in steps of a millionth of a beat's
        // tenth: its error, below 1e-9 of the whole, is far below half a frame.
        let steps = 160_000;
        let mut seconds = 0.0;
        for step in 0..steps {
            let quarter = (f64::from(step) + 0.5) / 10_000.0;
            seconds += 60.0 / (80.0 - 20.0 * quarter / 16.0) / 10_000.0;
            if (step + 1) % 40_000 == 0 {
                let bar = 5 + (step + 1) / 40_000;
                let expected = start + (seconds * 48_000.0).round() as i64;
                assert_eq!(map.frame(at(&format!("bar {bar}"))), expected, "bar {bar}");
            }
        }
        // ln(4/3) · 48 s, then bars of four seconds.
        let over = start + (48.0 * (4.0_f64 / 3.0).ln() * 48_000.0).round() as i64;
        assert_eq!(map.frame(at("bar 9")), over);
        assert!((map.frame(at("bar 11")) - over - 8 * 48_000).abs() <= 1);
        assert!((map.frame(at("bar 12")) - map.frame(at("bar 11")) - 128_000).abs() <= 1);
    }

    #[test]
    fn a_glide_from_bar_1_leaves_what_lies_before_it_steady() {
        let mut map = map("60", 48_000);
        map.glide(0, at("bar 2"), bpm("240"));
        assert_eq!(map.frame(at("bar -5")), -6 * 4 * 48_000);
        let changes = map.changes();
        assert_eq!((changes.len(), changes[0].glides_until), (1, Some(at("bar 2"))));
    }

    #[test]
    fn frames_lead_back_to_their_place() {
        let mut map = gliding();
        for bar_one in [0, 96_000, -1_234_567] {
            map.set_bar_one(bar_one);
            for quarter in -8..80 {
                for offset in [0, 1, QUARTER / 3, QUARTER / 2] {
                    let ticks = quarter * QUARTER + offset;
                    let back = map.ticks(map.frame(ticks));
                    // A frame is up to 16e6 · 90 / 60 / 48,000 = 500 ticks; half of it
                    // was lost in rounding.
                    assert!((back - ticks).abs() <= 251, "{ticks} came back as {back}");
                }
            }
        }
    }

    #[test]
    fn changes_are_told_once() {
        let told: Vec<(i64, String, Option<i64>)> = gliding()
            .changes()
            .iter()
            .map(|change| (change.ticks, change.bpm.to_string(), change.glides_until))
            .collect();
        let expected = [
            (at("bar 5"), "60".to_owned(), Some(at("bar 9"))),
            (at("bar 11"), "90".to_owned(), None),
        ];
        assert_eq!(told, expected);
    }
}
