//! Bars and beats: meters, places in them, and how far apart those are.
//!
//! Musical lengths are whole numbers of *ticks*, 64,000,000 to a whole note, so that
//! a millionth of a beat is whole in every meter up to x/64 and nothing is rounded.

use std::fmt;

/// Ticks of a whole note.
const WHOLE_NOTE: i64 = 64_000_000;
/// Ticks of a quarter note, the note that tempos count.
pub(super) const QUARTER: i64 = WHOLE_NOTE / 4;
/// Parts of a beat that a [`Place`] tells apart.
const PARTS: u64 = 1_000_000;
/// Bars that can be counted, forward and back: no sum of ticks overflows.
const MOST_BARS: i64 = 1_000_000;

/// A meter like 4/4: so many beats in a bar, and the note that is one beat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meter {
    beats: u32,
    note: u32,
}

impl Meter {
    /// Reads `4/4`: 1 to 64 beats of a whole, half, quarter... sixty-fourth note.
    pub fn parse(text: &str) -> Option<Self> {
        let (beats, note) = text.split_once('/')?;
        let (beats, note): (u32, u32) = (beats.trim().parse().ok()?, note.trim().parse().ok()?);
        let known = (1..=64).contains(&beats) && note.is_power_of_two() && note <= 64;
        known.then_some(Self { beats, note })
    }

    /// Beats in a bar.
    pub fn beats(self) -> u32 {
        self.beats
    }

    fn bar_ticks(self) -> i64 {
        i64::from(self.beats) * WHOLE_NOTE / i64::from(self.note)
    }

    fn beat_ticks(self) -> i64 {
        WHOLE_NOTE / i64::from(self.note)
    }
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.beats, self.note)
    }
}

/// A place in bars and beats, as musicians count them: the first beat of the first
/// bar is `bar 1 beat 1`. A bar before it is 0 or less.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    bar: i64,
    /// Millionths of a beat since the bar began.
    parts: u64,
}

impl Place {
    /// The first beat of a bar; `None` beyond a million bars.
    pub fn bar(bar: i64) -> Option<Self> {
        (bar.abs() <= MOST_BARS).then_some(Self { bar, parts: 0 })
    }

    /// A beat of a bar, counted from 1; `None` as for a bar.
    pub fn beat(bar: i64, beat: u32) -> Option<Self> {
        let beats = u64::from(beat.checked_sub(1)?);
        Self::bar(bar).map(|place| Self { parts: beats * PARTS, ..place })
    }

    /// Reads `bar 9`, `bar 9 beat 3` or `bar 9 beat 3.5`, with up to six decimals.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("bar ")?.trim();
        let (bar, beat) = rest.split_once("beat ").unwrap_or((rest, "1"));
        let (whole, part) = beat.trim().split_once('.').unwrap_or((beat.trim(), "0"));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(part) || part.len() > 6 {
            return None;
        }
        let beats = whole.parse::<u64>().ok()?.checked_sub(1).filter(|beats| *beats < 64)?;
        let part = part.parse::<u64>().ok()? * 10_u64.pow(6 - part.len() as u32);
        let bar = Self::bar(bar.trim().parse().ok()?)?;
        Some(Self { parts: beats * PARTS + part, ..bar })
    }

    /// The number of its bar.
    pub fn number(self) -> i64 {
        self.bar
    }

    /// Whether it is the first beat of its bar.
    pub fn is_downbeat(self) -> bool {
        self.parts == 0
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bar {}", self.bar)?;
        let (beats, part) = (self.parts / PARTS, self.parts % PARTS);
        match format!("{part:06}").trim_end_matches('0') {
            "" if beats == 0 => Ok(()),
            "" => write!(f, " beat {}", beats + 1),
            digits => write!(f, " beat {}.{digits}", beats + 1),
        }
    }
}

/// The meters of a programme. The first holds before bar 1 too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meters {
    /// The bar from which each holds, and the ticks from bar 1 to there.
    changes: Vec<(i64, i64, Meter)>,
}

impl Meters {
    /// One meter throughout.
    pub fn new(meter: Meter) -> Self {
        Self { changes: vec![(1, 0, meter)] }
    }

    /// Another meter from `bar` on. `false` and no change unless that lies behind
    /// the changes before it.
    pub fn change(&mut self, bar: i64, meter: Meter) -> bool {
        let (last, ticks, before) = self.changes[self.changes.len() - 1];
        let later = bar > last;
        if later {
            self.changes.push((bar, ticks + (bar - last) * before.bar_ticks(), meter));
        }
        later
    }

    /// The meters with the bars from which they hold; the first from bar 1.
    pub fn changes(&self) -> impl Iterator<Item = (i64, Meter)> {
        self.changes.iter().map(|(bar, _, meter)| (*bar, *meter))
    }

    /// The meter of a bar.
    pub fn at(&self, bar: i64) -> Meter {
        self.ruling(|(first, ..)| *first <= bar).2
    }

    /// Ticks from bar 1 to `place`; `None` if its bar has not so many beats.
    pub fn ticks(&self, place: Place) -> Option<i64> {
        let (first, ticks, meter) = self.ruling(|(first, ..)| *first <= place.bar);
        // A part of a beat is whole in ticks: a beat has 1,000,000 at least.
        let within = place.parts as i64 * (meter.beat_ticks() / PARTS as i64);
        let exists = within < meter.bar_ticks();
        exists.then(|| ticks + (place.bar - first) * meter.bar_ticks() + within)
    }

    /// The place nearest to `ticks` from bar 1 on a grid of hundredths of a beat,
    /// as fine as people read it.
    pub fn place_near(&self, ticks: i64) -> Place {
        let (first, start, meter) = self.ruling(|(_, start, _)| *start <= ticks);
        let hundredth = meter.beat_ticks() / 100;
        let rounded = (ticks - start + hundredth / 2).div_euclid(hundredth) * hundredth;
        let bar = first + rounded.div_euclid(meter.bar_ticks());
        let within = rounded.rem_euclid(meter.bar_ticks());
        Place { bar, parts: (within / (meter.beat_ticks() / PARTS as i64)) as u64 }
    }

    /// The last change that `begun` holds for, or else the first.
    fn ruling(&self, begun: impl Fn(&(i64, i64, Meter)) -> bool) -> (i64, i64, Meter) {
        let count = self.changes.partition_point(begun);
        self.changes[count.saturating_sub(1)]
    }
}

impl fmt::Display for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, _, first) = self.changes[0];
        write!(f, "{first}")?;
        let mut later = self.changes[1..].iter();
        later.try_for_each(|(bar, _, meter)| write!(f, ", {meter} from bar {bar}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        Place::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    fn meters() -> Meters {
        let mut meters = Meters::new(Meter::parse("4/4").unwrap());
        assert!(meters.change(5, Meter::parse("7/8").unwrap()));
        assert!(meters.change(7, Meter::parse("3/64").unwrap()));
        meters
    }

    #[test]
    fn places_read_as_they_are_written() {
        for text in ["bar 9", "bar 9 beat 3", "bar 9 beat 3.5", "bar 0", "bar -1 beat 4.000001"] {
            assert_eq!(place(text).to_string(), text);
        }
        assert_eq!(place("bar  9  beat 1.0"), place("bar 9"));
        for wrong in [
            "bar",
            "bar x",
            "9",
            "bar 9 beat 0",
            "bar 9 beat 0.5",
            "bar 9 beat 65",
            "bar 9 beat 3.",
            "bar 9 beat 1.0000001",
            "bar 1.5",
            "bar 9 beat -1",
            "bar 1000001",
            "bar 9 beat",
        ] {
            assert_eq!(Place::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn ticks_follow_the_meters() {
        let meters = meters();
        let quarters = |text| meters.ticks(place(text)).map(|t| t as f64 / QUARTER as f64);
        assert_eq!(quarters("bar 1"), Some(0.0));
        assert_eq!(quarters("bar 5"), Some(16.0));
        // The second eighth of bar 6 comes one bar of seven eighths and an eighth later.
        assert_eq!(quarters("bar 6 beat 2"), Some(16.0 + 3.5 + 0.5));
        assert_eq!(quarters("bar 7 beat 3.5"), Some(23.0 + 2.5 / 16.0));
        assert_eq!(quarters("bar 0 beat 3"), Some(-2.0));
        for missing in ["bar 4 beat 5", "bar 5 beat 8", "bar 7 beat 4"] {
            assert_eq!(quarters(missing), None, "{missing}");
        }
        assert_eq!(quarters("bar 4 beat 4.999999"), Some(15.999_999));
    }

    #[test]
    fn ticks_lead_back_to_places() {
        let meters = meters();
        for text in ["bar -3 beat 2.25", "bar 1", "bar 4 beat 4.99", "bar 6 beat 7", "bar 90"] {
            let ticks = meters.ticks(place(text)).unwrap();
            assert_eq!(meters.place_near(ticks).to_string(), text);
        }
        let almost = meters.ticks(place("bar 4 beat 4.999")).unwrap();
        assert_eq!(meters.place_near(almost).to_string(), "bar 5");
    }

    #[test]
    fn meters_change_forwards_only() {
        let mut meters = meters();
        assert!(!meters.change(7, Meter::parse("4/4").unwrap()));
        assert!(!meters.change(1, Meter::parse("4/4").unwrap()));
        assert_eq!(meters.to_string(), "4/4, 7/8 from bar 5, 3/64 from bar 7");
        assert_eq!(meters.at(6).to_string(), "7/8");
        assert_eq!(meters.at(-9).beats(), 4);
    }
}
