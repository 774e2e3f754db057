//! From one layout to another: the fold-downs of the trade, and matrices of one's own.
//!
//! Seven channels are folded by way of five, heights by way of the bed below them, so
//! that every path is a product of the levels that were asked for:
//!
//! | kind | factors | source |
//! |---|---|---|
//! | heights to bed | front: `height` to L R; rear: to the rears, or Ls Rs; side: to the sides, or Ls Rs | our proposal |
//! | `5.1` | Ls = Lss + `rear` Lsr, Rs likewise | Dolby's and Avid's practice: 0 dB, elsewhere -3 |
//! | `lo-ro` | Lo = L + `center` C + `surround` Ls, Ro likewise | ITU-R BS.775-4 annex 4 table 2 |
//! | `lt-rt` | Lt = L + `center` C - 0.8710 Ls' - 0.4898 Rs', Rt = R + `center` C + 0.4898 Ls' + 0.8710 Rs', the surrounds turned by 90 degrees | Dolby Pro Logic II: -1.2 and -6.2 dB |
//! | `mono` | M = `sum` (Lo + Ro) | BS.775-4 annex 4 table 2: 0.7071 L + 0.7071 R + C + 0.5 Ls + 0.5 Rs |

use crate::audio::layout::{Channel, Layout, spelled};

/// The fold-downs that have a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// To stereo, for stereo loudspeakers.
    LoRo,
    /// To a matrixed pair, for stereo loudspeakers or a Pro Logic II decoder.
    LtRt,
    /// To one channel.
    Mono,
    /// To 5.1.
    Surround51,
    /// To 7.1.
    Surround71,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 5] =
        [Kind::LoRo, Kind::LtRt, Kind::Mono, Kind::Surround51, Kind::Surround71];

    /// The name used in manifests and reports.
    pub fn name(self) -> &'static str {
        match self {
            Kind::LoRo => "lo-ro",
            Kind::LtRt => "lt-rt",
            Kind::Mono => "mono",
            Kind::Surround51 => "5.1",
            Kind::Surround71 => "7.1",
        }
    }

    /// The layout it makes.
    pub fn layout(self) -> Layout {
        match self {
            Kind::LoRo => Layout::Stereo,
            Kind::LtRt => Layout::LtRt,
            Kind::Mono => Layout::Mono,
            Kind::Surround51 => Layout::Surround51,
            Kind::Surround71 => Layout::Surround71,
        }
    }
}

/// A level of a fold-down: in dB, or off.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Level(pub Option<f64>);

impl Level {
    /// Not heard at all.
    pub const OFF: Level = Level(None);

    /// A level in dB.
    pub const fn db(db: f64) -> Self {
        Level(Some(db))
    }

    /// The level in words: `-3 dB`, `off`.
    pub fn words(self) -> String {
        self.0.map_or("off".into(), |db| format!("{db} dB"))
    }

    /// The factor for samples. -3 means 1/sqrt(2) and -6 means 1/2, exactly: the 0.7071
    /// and 0.5000 of BS.775, which the trade calls so; all else is `10^(dB/20)`.
    pub fn factor(self) -> f64 {
        Path::UNITY.through(self).map_or(0.0, Path::factor)
    }
}

/// The levels of a fold-down. Which of them it asks for depends on its kind.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Levels {
    /// Centre into left and right.
    pub center: Level,
    /// Surrounds into left and right.
    pub surround: Level,
    /// Rear surrounds of seven into those of five.
    pub rear: Level,
    /// Heights into the bed below them.
    pub height: Level,
    /// LFE into left and right.
    pub lfe: Level,
    /// Left and right into mono.
    pub sum: Level,
}

impl Default for Levels {
    fn default() -> Self {
        Self {
            center: Level::db(-3.0),
            surround: Level::db(-3.0),
            rear: Level::db(0.0),
            height: Level::db(-3.0),
            lfe: Level::OFF,
            sum: Level::db(-3.0),
        }
    }
}

/// A factor in the making: so many times 1/sqrt(2), then a level in dB, with its sign.
/// Counted so, two times -3 dB are exactly a half.
#[derive(Clone, Copy)]
struct Path {
    roots: i32,
    db: f64,
    inverted: bool,
    turned: bool,
}

impl Path {
    const UNITY: Path = Path { roots: 0, db: 0.0, inverted: false, turned: false };

    /// The same, lowered by `level`; `None` if that is off.
    fn through(self, level: Level) -> Option<Self> {
        let db = level.0?;
        let roots = if db == -3.0 {
            1
        } else if db == -6.0 {
            2
        } else {
            return Some(Path { db: self.db + db, ..self });
        };
        Some(Path { roots: self.roots + roots, ..self })
    }

    fn factor(self) -> f64 {
        let halves = libm::ldexp(1.0, -self.roots.div_euclid(2));
        let root =
            if self.roots.rem_euclid(2) == 1 { std::f64::consts::FRAC_1_SQRT_2 } else { 1.0 };
        let rest = if self.db == 0.0 { 1.0 } else { libm::exp10(self.db / 20.0) };
        let sign = if self.inverted { -1.0 } else { 1.0 };
        sign * (halves * root * rest)
    }
}

/// Where a channel goes, and how.
type Paths = Vec<(Channel, Path)>;

/// The surrounds of Pro Logic II: that of its own side, and that of the other.
const OWN_SIDE: Level = Level::db(-1.2);
const OTHER_SIDE: Level = Level::db(-6.2);

/// Why a fold-down cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The sum already fits into the layout it makes.
    Nothing,
    /// The kind says nothing of this channel.
    NoPlace(Channel),
}

/// What a layout is made of another by.
#[derive(Clone, PartialEq, Debug)]
pub struct Downmix {
    /// The layout it takes.
    pub from: Layout,
    /// The layout it makes.
    pub to: Layout,
    /// `[output channel][input channel]`, factors.
    pub direct: Vec<Vec<f64>>,
    /// The same of what is turned by 90 degrees and added.
    pub turned: Option<Vec<Vec<f64>>>,
    /// What it is, with its levels, in the user's terms.
    pub words: String,
    /// What its outputs are called in its formulas.
    outputs: Vec<&'static str>,
}

impl Downmix {
    /// The fold-down of that kind.
    ///
    /// # Errors
    /// If `from` has nothing that must be folded, or a channel that has no place.
    pub fn fold(kind: Kind, from: Layout, levels: &Levels) -> Result<Self, Refusal> {
        let to = kind.layout();
        let pair = from.is_pair() && kind != Kind::Mono;
        if to.has(from.channels()) || pair || from == Layout::Mono {
            return Err(Refusal::Nothing);
        }
        let zeros = vec![vec![0.0; from.width()]; to.width()];
        let (mut direct, mut turned) = (zeros.clone(), zeros);
        for (column, channel) in from.channels().iter().enumerate() {
            for (out, path) in paths(kind, *channel, from, levels)? {
                let row = to.position(out).expect("BUG: a path leads to a channel that is made");
                let rows = if path.turned { &mut turned } else { &mut direct };
                rows[row][column] = path.factor();
            }
        }
        let outputs = match kind {
            Kind::LoRo => vec!["Lo", "Ro"],
            _ => to.channels().iter().map(|channel| channel.name()).collect(),
        };
        let is_turned = turned.iter().flatten().any(|factor| *factor != 0.0);
        let words = fold_words(kind, from, levels);
        Ok(Self { from, to, direct, turned: is_turned.then_some(turned), words, outputs })
    }

    /// A matrix of one's own: for each channel of `to`, the levels of channels of `from`
    /// that it sums. Channels that are not named are silent, or left out.
    pub fn matrix(from: Layout, to: Layout, rows: &[(Channel, Vec<(Channel, Level)>)]) -> Self {
        let entry = |out: Channel, channel: Channel| {
            let terms = rows.iter().find(|(name, _)| *name == out).map(|(_, terms)| terms);
            let level = terms.and_then(|terms| terms.iter().find(|(name, _)| *name == channel));
            level.map_or(Level::OFF, |(_, level)| *level)
        };
        let row = |out: &Channel| from.channels().iter().map(|c| entry(*out, *c)).collect();
        let levels: Vec<Vec<Level>> = to.channels().iter().map(row).collect();
        let factors = |row: &Vec<Level>| row.iter().map(|level| level.factor()).collect();
        let outputs: Vec<&str> = to.channels().iter().map(|channel| channel.name()).collect();
        let sums = levels.iter().zip(&outputs).map(|(row, out)| {
            let heard = row.iter().zip(from.channels()).filter(|(level, _)| **level != Level::OFF);
            let terms: Vec<String> =
                heard.map(|(level, channel)| format!("{channel} {}", level.words())).collect();
            format!(
                "{out} = {}",
                if terms.is_empty() { "silence".into() } else { terms.join(" + ") }
            )
        });
        let words = format!("matrix from {from} to {to}: {}", sums.collect::<Vec<_>>().join(", "));
        let direct = levels.iter().map(factors).collect();
        Self { from, to, direct, turned: None, words, outputs }
    }

    /// The sums it makes, one for each channel, with the factors to four decimals:
    /// `Lo = L + 0.7071 C + 0.7071 Ls`; a turned channel has a prime.
    pub fn formulas(&self) -> Vec<String> {
        let row = |index: usize| {
            let mut sum = String::new();
            let turned = self.turned.as_ref().map(|rows| &rows[index]);
            for (column, channel) in self.from.channels().iter().enumerate() {
                let turned = turned.map_or(0.0, |row| row[column]);
                for (factor, prime) in [(self.direct[index][column], ""), (turned, "'")] {
                    add_term(&mut sum, factor, &format!("{channel}{prime}"));
                }
            }
            let sum = if sum.is_empty() { "silence" } else { &sum };
            format!("{} = {sum}", self.outputs[index])
        };
        (0..self.outputs.len()).map(row).collect()
    }

    /// The input channels that no output hears.
    pub fn left_out(&self) -> Vec<Channel> {
        let silent = |column: &usize| {
            let rows = self.direct.iter().chain(self.turned.iter().flatten());
            rows.map(|row| row[*column]).all(|factor| factor == 0.0)
        };
        let columns = (0..self.from.width()).filter(silent);
        columns.map(|column| self.from.channels()[column]).collect()
    }

    /// All of it in one line: words, sums, what is left out.
    pub fn told(&self) -> String {
        let mut told = format!("{}; {}", self.words, self.formulas().join(", "));
        if self.turned.is_some() {
            told += "; ' is turned by 90 degrees";
        }
        let left_out = self.left_out();
        if !left_out.is_empty() {
            told += &format!("; left out: {}", spelled(&left_out));
        }
        told
    }
}

fn add_term(sum: &mut String, factor: f64, name: &str) {
    if factor == 0.0 {
        return;
    }
    let sign = match (sum.is_empty(), factor < 0.0) {
        (true, false) => "",
        (true, true) => "-",
        (false, false) => " + ",
        (false, true) => " - ",
    };
    *sum += sign;
    if factor.abs() != 1.0 {
        *sum += &format!("{:.4} ", factor.abs());
    }
    *sum += name;
}

/// The levels that such a fold-down of such a layout asks for.
fn fold_words(kind: Kind, from: Layout, levels: &Levels) -> String {
    let has = |channels: &[Channel]| channels.iter().any(|c| from.position(*c).is_some());
    use Channel::{C, Lfe, Ls, Lsr, Lss, Ltf, Lts};
    let to_front = matches!(kind, Kind::LoRo | Kind::LtRt | Kind::Mono);
    let levels: Vec<String> = [
        ("centre", levels.center, to_front && has(&[C])),
        ("surrounds", levels.surround, to_front && kind != Kind::LtRt && has(&[Ls, Lss])),
        ("rears", levels.rear, kind != Kind::Surround71 && has(&[Lsr])),
        ("heights", levels.height, has(&[Ltf, Lts])),
        ("LFE", levels.lfe, to_front && has(&[Lfe])),
        ("sum", levels.sum, kind == Kind::Mono),
    ]
    .into_iter()
    .filter(|(_, _, asked)| *asked)
    .map(|(name, level, _)| format!("{name} {}", level.words()))
    .collect();
    let after = match kind {
        Kind::LoRo | Kind::Mono => " (ITU-R BS.775)",
        Kind::LtRt => " (Dolby Pro Logic II)",
        Kind::Surround51 | Kind::Surround71 => "",
    };
    format!("{} fold-down of {from}{after}: {}", kind.name(), levels.join(", "))
}

/// Where a channel of `from` goes.
fn paths(kind: Kind, channel: Channel, from: Layout, levels: &Levels) -> Result<Paths, Refusal> {
    let mut found = vec![(channel, Path::UNITY)];
    let mut go = |step: &dyn Fn(Channel) -> Result<Paths, Refusal>| -> Result<(), Refusal> {
        let mut next = Vec::new();
        for (at, path) in &found {
            for (out, step) in step(*at)? {
                // Only a last step inverts or turns.
                let Path { roots, db, inverted, turned } = step;
                let (roots, db) = (path.roots + roots, path.db + db);
                next.push((out, Path { roots, db, inverted, turned }));
            }
        }
        found = next;
        Ok(())
    };
    go(&|at| Ok(to_bed(at, from, levels)))?;
    if kind != Kind::Surround71 {
        go(&|at| Ok(to_five(at, levels)))?;
    }
    match kind {
        Kind::Surround51 | Kind::Surround71 => {}
        Kind::LoRo | Kind::Mono => go(&|at| to_front(at, levels))?,
        Kind::LtRt => go(&|at| to_matrixed(at, levels))?,
    }
    if kind == Kind::Mono {
        let both = |one: Channel| found.iter().find(|(out, _)| *out == one).map(|(_, path)| *path);
        let path = match (both(Channel::L), both(Channel::R)) {
            // What stands on both sides alike is heard twice.
            (Some(path), Some(_)) => Some(Path { roots: path.roots - 2, ..path }),
            (one, other) => one.or(other),
        };
        let path = path.and_then(|path| path.through(levels.sum));
        found = path.map(|path| (Channel::Mono, path)).into_iter().collect();
    }
    match found.iter().find(|(out, _)| kind.layout().position(*out).is_none()) {
        Some(_) => Err(Refusal::NoPlace(channel)),
        None => Ok(found),
    }
}

/// One path to `out`, through `level`.
fn one(out: Channel, level: Level) -> Paths {
    Path::UNITY.through(level).map(|path| (out, path)).into_iter().collect()
}

/// Heights into the bed of `from`.
fn to_bed(at: Channel, from: Layout, levels: &Levels) -> Paths {
    use Channel::{L, Ls, Lsr, Lss, Ltf, Ltr, Lts, R, Rs, Rsr, Rss, Rtf, Rtr, Rts};
    let bed = |seven: Channel, five: Channel| if from.has(&[seven]) { seven } else { five };
    match at {
        Ltf => one(L, levels.height),
        Rtf => one(R, levels.height),
        Ltr => one(bed(Lsr, Ls), levels.height),
        Rtr => one(bed(Rsr, Rs), levels.height),
        Lts => one(bed(Lss, Ls), levels.height),
        Rts => one(bed(Rss, Rs), levels.height),
        _ => one(at, Level::db(0.0)),
    }
}

/// Seven channels into five.
fn to_five(at: Channel, levels: &Levels) -> Paths {
    use Channel::{Ls, Lsr, Lss, Rs, Rsr, Rss};
    match at {
        Lss => one(Ls, Level::db(0.0)),
        Rss => one(Rs, Level::db(0.0)),
        Lsr => one(Ls, levels.rear),
        Rsr => one(Rs, levels.rear),
        _ => one(at, Level::db(0.0)),
    }
}

/// What five and a matrixed pair have on one side into that side, the middle into both.
fn to_front(at: Channel, levels: &Levels) -> Result<Paths, Refusal> {
    use Channel::{C, L, Lfe, Ls, Lt, R, Rs, Rt};
    let both = |level: Level| [one(L, level), one(R, level)].concat();
    match at {
        L | Lt => Ok(one(L, Level::db(0.0))),
        R | Rt => Ok(one(R, Level::db(0.0))),
        C => Ok(both(levels.center)),
        Lfe => Ok(both(levels.lfe)),
        Ls => Ok(one(L, levels.surround)),
        Rs => Ok(one(R, levels.surround)),
        _ => Err(Refusal::NoPlace(at)),
    }
}

/// Five channels into a pair of Pro Logic II.
fn to_matrixed(at: Channel, levels: &Levels) -> Result<Paths, Refusal> {
    use Channel::{C, L, Lfe, Ls, Lt, R, Rs, Rt};
    let both = |level: Level| [one(Lt, level), one(Rt, level)].concat();
    let turned = |left: Level, right: Level| {
        let mut paths = [one(Lt, left), one(Rt, right)].concat();
        for (out, path) in &mut paths {
            path.turned = true;
            path.inverted = *out == Lt;
        }
        paths
    };
    match at {
        L => Ok(one(Lt, Level::db(0.0))),
        R => Ok(one(Rt, Level::db(0.0))),
        C => Ok(both(levels.center)),
        Lfe => Ok(both(levels.lfe)),
        Ls => Ok(turned(OWN_SIDE, OTHER_SIDE)),
        Rs => Ok(turned(OTHER_SIDE, OWN_SIDE)),
        _ => Err(Refusal::NoPlace(at)),
    }
}

#[cfg(test)]
mod tests;
