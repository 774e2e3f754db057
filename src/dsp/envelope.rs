//! Gains that change over time: envelopes between breakpoints, fades and the two
//! sides of a crossfade. All are functions of the programme frame alone, so that
//! they may be cut anywhere; they hear no frame but the one they make.

use std::f64::consts::PI;
use std::ops::Range;

use crate::units::Gain;

/// How the gain of a fade goes from nothing to all; x runs from 0 to 1.
///
/// The two sides of a crossfade are a fade out and a fade in of one shape over the
/// same frames.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Shape {
    /// x. Both sides of a crossfade add up to 1: for material that is alike.
    Linear,
    /// The square root of x: the powers of both sides add up to 1, for material that
    /// has nothing in common (dsp-and-qc 7). 3 dB down half way.
    EqualPower,
    /// (1 - cos pi x) / 2, half a Hann window: both sides add up to 1, and the gain
    /// starts and arrives without a bend.
    RaisedCosine,
}

/// Which way a fade goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// Silence before it, all after it.
    In,
    /// All before it, silence after it: a fade in backwards.
    Out,
}

/// A gain over time.
#[derive(Clone, PartialEq, Debug)]
pub enum Envelope {
    /// Gains at programme frames that do not fall; between two of them the decibels
    /// change linearly, before the first and from the last on the gain stands. Two at
    /// one frame are a jump: the later counts from there on. None is unity.
    Points(Vec<(u64, Gain)>),
    /// A fade over the `frames` frames from programme frame `start`; over none, the
    /// signal starts or ends there.
    Fade {
        /// Its shape.
        shape: Shape,
        /// Its direction.
        direction: Direction,
        /// Its first frame.
        start: u64,
        /// Its length in frames.
        frames: u64,
    },
}

/// What an [`Envelope`] does within a range, told from the first frame of the range
/// on, so that ranges in which the same happens have equal descriptions. It is all
/// that [`Local::apply`] knows.
#[derive(Clone, PartialEq, Debug)]
pub enum Local {
    /// The signal is handed on bit for bit.
    Unity,
    /// Nothing is handed on.
    Silence,
    /// A course of gains.
    Curve(Vec<Run>),
}

/// Frames that follow one another under one law.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Run {
    /// How many; at least one.
    frames: u64,
    law: Law,
}

/// The gain of frame n of a [`Run`].
#[derive(Clone, Copy, PartialEq, Debug)]
enum Law {
    /// A factor that stands.
    Held(f64),
    /// Between two breakpoints, the place `at + n` of `of` frames.
    Ramp { from_db: f64, to_db: f64, at: u64, of: u64 },
    /// In a fade, the place `at + n` of `of` frames.
    Fade { shape: Shape, direction: Direction, at: u64, of: u64 },
}

impl Envelope {
    /// What happens in the programme frames of `range`.
    pub fn local(&self, range: Range<u64>) -> Local {
        let mut runs: Vec<Run> = Vec::new();
        let mut start = range.start;
        for (until, law) in self.laws(&range) {
            let frames = until.min(range.end).saturating_sub(start);
            match runs.last_mut() {
                _ if frames == 0 => {}
                Some(last) if last.law == law && matches!(law, Law::Held(_)) => {
                    last.frames += frames;
                }
                _ => runs.push(Run { frames, law }),
            }
            start += frames;
        }
        match runs.as_slice() {
            [] | [Run { law: Law::Held(1.0), frames: _ }] => Local::Unity,
            [Run { law: Law::Held(0.0), frames: _ }] => Local::Silence,
            _ => Local::Curve(runs),
        }
    }

    /// The laws that hold in `range` with the frame each ends at, in order; a ramp or
    /// fade that has begun before is told from the first frame of the range on.
    fn laws(&self, range: &Range<u64>) -> Vec<(u64, Law)> {
        let passed = |start: u64| range.start.saturating_sub(start);
        match self {
            Envelope::Points(points) => {
                let held = |point: Option<&(u64, Gain)>| {
                    Law::Held(point.map_or(1.0, |(_, gain)| gain.linear()))
                };
                let first = points.first();
                let mut laws = vec![(first.map_or(0, |(frame, _)| *frame), held(first))];
                for pair in points.windows(2) {
                    let [(start, from), (end, to)] = pair else { continue };
                    if range.start < *end && *start < range.end {
                        let (from_db, to_db) = (from.db(), to.db());
                        let law = match from_db == to_db {
                            true => held(pair.first()),
                            false => {
                                Law::Ramp { from_db, to_db, at: passed(*start), of: end - start }
                            }
                        };
                        laws.push((*end, law));
                    }
                }
                laws.push((u64::MAX, held(points.last())));
                laws
            }
            Envelope::Fade { shape, direction, start, frames } => {
                let (shape, direction) = (*shape, *direction);
                let fade = Law::Fade { shape, direction, at: passed(*start), of: *frames };
                let (before, after) = match direction {
                    Direction::In => (0.0, 1.0),
                    Direction::Out => (1.0, 0.0),
                };
                let end = start.saturating_add(*frames);
                vec![(*start, Law::Held(before)), (end, fade), (u64::MAX, Law::Held(after))]
            }
        }
    }
}

impl Local {
    /// Applies the gains to a block `[channel][frame]` that begins with the range and
    /// is no longer than it.
    pub fn apply(&self, block: &mut [Vec<f64>]) {
        match self {
            Local::Unity => {}
            Local::Silence => block.iter_mut().for_each(|channel| channel.fill(0.0)),
            Local::Curve(runs) => {
                let mut start = 0;
                for run in runs {
                    let length = block.first().map_or(0, Vec::len);
                    let end = length.min(start + run.frames as usize);
                    run.law.apply(block.iter_mut().map(|channel| &mut channel[start..end]));
                    start = end;
                }
            }
        }
    }

    /// Everything that [`Local::apply`] depends on, for a key: different numbers for
    /// different gains.
    pub fn numbers(&self) -> Vec<u64> {
        match self {
            Local::Unity => vec![0],
            Local::Silence => vec![1],
            Local::Curve(runs) => {
                let numbers = runs.iter().flat_map(|Run { frames, law }| {
                    let law = match *law {
                        Law::Held(factor) => [0, factor.to_bits(), 0, 0, 0],
                        Law::Ramp { from_db, to_db, at, of } => {
                            [1, from_db.to_bits(), to_db.to_bits(), at, of]
                        }
                        Law::Fade { shape, direction, at, of } => {
                            [2, shape as u64, direction as u64, at, of]
                        }
                    };
                    [*frames].into_iter().chain(law)
                });
                [2].into_iter().chain(numbers).collect()
            }
        }
    }
}

impl Law {
    /// Applies the gains from that of frame 0 on to channels of one length.
    fn apply<'a>(self, channels: impl Iterator<Item = &'a mut [f64]>) {
        match self {
            Law::Held(1.0) => {}
            Law::Held(0.0) => channels.for_each(|channel| channel.fill(0.0)),
            law => {
                let mut gains = Vec::new();
                for channel in channels {
                    let first = gains.len() as u64;
                    gains.extend((first..channel.len() as u64).map(|frame| law.gain(frame)));
                    channel.iter_mut().zip(&gains).for_each(|(x, gain)| *x *= gain);
                }
            }
        }
    }

    fn gain(self, frame: u64) -> f64 {
        match self {
            Law::Held(factor) => factor,
            Law::Ramp { from_db, to_db, at, of } => {
                let passed = (at + frame) as f64 / of as f64;
                libm::exp10((from_db + (to_db - from_db) * passed) / 20.0)
            }
            Law::Fade { shape, direction: Direction::In, at, of } => shape.gain(at + frame, of),
            Law::Fade { shape, direction: Direction::Out, at, of } => {
                shape.gain(of - 1 - (at + frame), of)
            }
        }
    }
}

impl Shape {
    /// The gain of frame `at` of a fade in over `of` frames: that of the middle of the
    /// frame, so that a fade out is exactly a fade in backwards.
    fn gain(self, at: u64, of: u64) -> f64 {
        // Where both sides are to add up to 1, they do so to the last bit: the later
        // half is what the earlier leaves.
        let middle = |at: u64| (2 * at + 1) as f64 / (2 * of) as f64;
        let mirror = of - 1 - at;
        let sides = |early: fn(f64) -> f64| match at <= mirror {
            true => whole(early(middle(at))),
            false => 1.0 - whole(early(middle(mirror))),
        };
        match self {
            Shape::Linear => sides(|x| x),
            Shape::EqualPower => middle(at).sqrt(),
            Shape::RaisedCosine => sides(|x| (1.0 - libm::cos(PI * x)) / 2.0),
        }
    }
}

/// `gain` to 28 bits after the point, 0.5 * 2^-28 (-174 dB) off at most. A sample of
/// 24 bits times that is exact, so a crossfade between two equal signals is either of
/// them, bit for bit.
fn whole(gain: f64) -> f64 {
    /// Above it, numbers are 2^-28 apart.
    const ROUNDER: f64 = 25_165_824.0;
    (gain + ROUNDER) - ROUNDER
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [Shape; 3] = [Shape::Linear, Shape::EqualPower, Shape::RaisedCosine];

    fn points(points: &[(u64, f64)]) -> Envelope {
        let gain = |db| Gain::from_db(db).unwrap();
        Envelope::Points(points.iter().map(|(frame, db)| (*frame, gain(*db))).collect())
    }

    fn fade(shape: Shape, direction: Direction, start: u64, frames: u64) -> Envelope {
        Envelope::Fade { shape, direction, start, frames }
    }

    /// What becomes of `signal`, the programme from frame `start` on.
    fn applied(envelope: &Envelope, start: u64, signal: &[f64]) -> Vec<f64> {
        let mut block = [signal.to_vec(), signal.to_vec()];
        envelope.local(start..start + signal.len() as u64).apply(&mut block);
        assert!(block[0] == block[1], "channels differ");
        block[0].clone()
    }

    fn gains(envelope: &Envelope, range: Range<u64>) -> Vec<f64> {
        applied(envelope, range.start, &vec![1.0; (range.end - range.start) as usize])
    }

    fn some_of_each() -> Vec<Envelope> {
        let mut all = vec![
            points(&[]),
            points(&[(100, -6.0)]),
            points(&[(90, 0.0), (400, -12.0), (400, 3.0), (777, 3.0), (1_500, 0.0)]),
            points(&[(0, -144.0), (1, 144.0), (999, 0.0)]),
            points(&[(0, 0.0), (700, -6.0), (700, 0.0), (1_400, -6.0)]),
        ];
        for shape in SHAPES {
            for (start, frames) in [(0, 1_000), (333, 500), (600, 1), (600, 0)] {
                all.push(fade(shape, Direction::In, start, frames));
                all.push(fade(shape, Direction::Out, start, frames));
            }
        }
        all
    }

    #[test]
    fn decibels_go_straight_from_point_to_point_and_stand_elsewhere() {
        let envelope = points(&[(1_000, -6.0), (3_000, 2.0), (3_000, -20.0), (3_500, -20.0)]);
        let found = gains(&envelope, 0..5_000);
        for (frame, gain) in found.iter().enumerate() {
            let expected = match frame {
                ..1_000 => -6.0,
                1_000..3_000 => -6.0 + 8.0 * (frame - 1_000) as f64 / 2_000.0,
                _ => -20.0,
            };
            // The last digits of a logarithm; a frame of this ramp is 4e-3 dB.
            assert!((20.0 * gain.log10() - expected).abs() < 1e-12, "{frame}");
        }
        // Where it stands it is the gain of the same figure, bit for bit.
        assert_eq!(found[1_000], Gain::from_db(-6.0).unwrap().linear());
        assert_eq!(found[4_999], Gain::from_db(-20.0).unwrap().linear());
    }

    #[test]
    fn fades_have_the_gains_of_their_formulas() {
        for shape in SHAPES {
            for frames in [1, 2, 3, 480, 4_801] {
                let found = gains(&fade(shape, Direction::In, 10, frames), 0..frames + 20);
                assert_eq!(found[..10], [0.0; 10]);
                assert_eq!(found[10 + frames as usize..], [1.0; 10]);
                for (n, gain) in found[10..][..frames as usize].iter().enumerate() {
                    let x = (n as f64 + 0.5) / frames as f64;
                    let expected = match shape {
                        Shape::Linear => x,
                        Shape::EqualPower => x.powf(0.5),
                        Shape::RaisedCosine => (x * PI / 2.0).sin().powi(2),
                    };
                    // 28 bits; the next frame of the longest fade is 1e-7 away.
                    assert!((gain - expected).abs() < 4e-9, "{shape:?} {frames} {n}: {gain}");
                }
                let mut out = gains(&fade(shape, Direction::Out, 10, frames), 0..frames + 20);
                out.reverse();
                assert_eq!(out, found);
            }
        }
    }

    #[test]
    fn the_sides_of_a_crossfade_add_up() {
        for shape in SHAPES {
            for frames in (1..70).chain([480, 96_001]) {
                let rising = gains(&fade(shape, Direction::In, 0, frames), 0..frames);
                let falling = gains(&fade(shape, Direction::Out, 0, frames), 0..frames);
                for (a, b) in rising.iter().zip(&falling) {
                    match shape {
                        Shape::EqualPower => assert!((a * a + b * b - 1.0).abs() < 1e-15),
                        Shape::Linear | Shape::RaisedCosine => assert_eq!(a + b, 1.0),
                    }
                }
            }
        }
        // Two takes that are one: every sample of 24 bits is what it was.
        let signal: Vec<f64> = (1..30_000_u32)
            .map(|n| f64::from(n.wrapping_mul(2_654_435_761) as i32 >> 8) / 8_388_608.0)
            .collect();
        for shape in [Shape::Linear, Shape::RaisedCosine] {
            let side = |direction| applied(&fade(shape, direction, 5, 29_111), 0, &signal);
            let (falling, rising) = (side(Direction::Out), side(Direction::In));
            let sum: Vec<f64> = falling.iter().zip(&rising).map(|(a, b)| a + b).collect();
            assert!(sum == signal, "{shape:?}");
        }
    }

    #[test]
    fn cuts_change_no_bit() {
        let signal: Vec<f64> = (0..2_000).map(|n| f64::from(n * 7 % 1_000 + 1) * 1e-3).collect();
        for envelope in some_of_each() {
            let whole = applied(&envelope, 0, &signal);
            for length in [1, 17, 500, 777] {
                let cut: Vec<f64> = (0..signal.len())
                    .step_by(length)
                    .flat_map(|start| {
                        let end = signal.len().min(start + length);
                        applied(&envelope, start as u64, &signal[start..end])
                    })
                    .collect();
                assert!(cut == whole, "{envelope:?} {length}");
            }
        }
    }

    #[test]
    fn ranges_in_which_the_same_happens_are_described_alike() {
        let song = points(&[(500, 0.0), (1_500, -3.0), (1_800, -3.0), (2_200, 0.0)]);
        assert_eq!(song.local(0..500), Local::Unity);
        assert_eq!(song.local(2_200..9_000), Local::Unity);
        assert_eq!(song.local(1_500..1_700), song.local(1_550..1_750));
        assert_ne!(song.local(500..600), song.local(600..700));
        let later = points(&[(10_500, 0.0), (11_500, -3.0), (11_800, -3.0), (12_200, 0.0)]);
        assert_eq!(song.local(300..1_600), later.local(10_300..11_600));
        for shape in SHAPES {
            let rising = fade(shape, Direction::In, 1_000, 100);
            assert_eq!(rising.local(0..1_000), Local::Silence);
            assert_eq!(rising.local(1_100..2_000), Local::Unity);
            let falling = fade(shape, Direction::Out, 1_000, 100);
            assert_eq!(falling.local(0..1_000), Local::Unity);
            assert_eq!(falling.local(1_100..2_000), Local::Silence);
            assert_eq!(rising.local(990..1_050), fade(shape, Direction::In, 10, 100).local(0..60));
        }
        // Nothing is told of what lies outside.
        let edited = points(&[(500, 0.0), (1_500, -3.0), (1_800, -9.0), (2_200, 6.0)]);
        assert_eq!(edited.local(0..1_500), song.local(0..1_500));
        assert_ne!(edited.local(0..1_600), song.local(0..1_600));
    }

    #[test]
    fn different_gains_have_different_numbers() {
        let mut seen: Vec<(Vec<u64>, Vec<u64>)> = Vec::new();
        for envelope in some_of_each() {
            for range in [0..1_000, 300..500, 500..900, 1_000..1_600] {
                let bits = gains(&envelope, range.clone()).iter().map(|x| x.to_bits()).collect();
                seen.push((envelope.local(range).numbers(), bits));
            }
        }
        for (numbers, bits) in &seen {
            for (others, other_bits) in &seen {
                let alike = bits.iter().zip(other_bits).all(|(a, b)| a == b);
                assert!(numbers != others || alike, "{numbers:?}");
            }
        }
    }

    #[test]
    fn what_is_unity_is_untouched_and_what_is_silent_is_zero() {
        let odd = [f64::NAN, -0.0, f64::INFINITY, -1.0, 5e-324];
        let cut = fade(Shape::Linear, Direction::Out, 7, 0);
        for (range, untouched) in [(2..7, 5), (7..12, 0), (4..9, 3)] {
            let mut block = vec![odd.to_vec()];
            cut.local(range).apply(&mut block);
            let bits = |samples: &[f64]| samples.iter().map(|x| x.to_bits()).collect::<Vec<u64>>();
            assert_eq!(bits(&block[0][..untouched]), bits(&odd[..untouched]));
            assert!(block[0][untouched..].iter().all(|x| x.to_bits() == 0));
        }
        // A block at the end of a programme is shorter than its segment.
        let mut short = vec![vec![1.0; 3]];
        fade(Shape::Linear, Direction::In, 2, 4).local(0..10).apply(&mut short);
        assert_eq!(short, [[0.0, 0.0, 0.125]]);
    }
}
