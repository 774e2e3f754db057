//! How good a change of sample rate is, measured with single tones: each is taken out of
//! what a converter makes of it by least squares, and what is left is what it has added.

#![allow(unreachable_pub, reason = "a test and a benchmark use it")]

use std::f64::consts::TAU;

/// Half of full scale, -6 dBFS.
const AMPLITUDE: f64 = 0.5;

/// Input frames of a tone.
const FRAMES: usize = 16_000;

/// The middle of a signal: the fifths at its ends hear the tone begin or end.
fn middle(signal: &[f64]) -> std::ops::Range<usize> {
    signal.len() / 5..signal.len() / 5 * 4
}

/// What a converter was measured to do. Frequencies are relative to the lower rate.
#[derive(Clone, Copy, Debug)]
pub struct Quality {
    /// Furthest that a tone below 0.408 (18 kHz at 44.1) is from its level.
    pub ripple_db: f64,
    /// Furthest that one is from its place, in output frames.
    pub delay_frames: f64,
    /// Most that is added to one, relative to it.
    pub thd_n_db: f64,
    /// Where tones are 0.1 dB below their level.
    pub edge: f64,
    /// Most that is added to a tone from 0.42 on as its image; or, of tones that the
    /// output cannot hold, what is left of the loudest.
    pub stop_db: f64,
}

/// Measures a converter of a whole signal, which begins at its first frame, from one
/// rate to another, in Hz.
pub fn quality(convert: &dyn Fn(&[f64]) -> Vec<f64>, from: f64, to: f64) -> Quality {
    let low = from.min(to);
    let fit = |hz: f64| fit(hz / to, &convert(&tone(hz / from)));
    let within = (1..=20).map(|step| fit(low * 0.0204 * f64::from(step)));
    let within: Vec<Fit> = within.collect();
    let most = |figure: &dyn Fn(&Fit) -> f64| within.iter().map(figure).fold(f64::MIN, f64::max);
    let (mut below, mut above) = (0.42, 0.5);
    while above - below > 2e-5 {
        let middle = (below + above) / 2.0;
        match fit(low * middle).gain_db > -0.1 {
            true => below = middle,
            false => above = middle,
        }
    }
    let stop = (0..24).map(|step| {
        let part = f64::from(step) / 24.0;
        match to < from {
            true => {
                let hz = to / 2.0 + 0.5 + (from - to) / 2.0 * part;
                level_db(&convert(&tone(hz / from)))
            }
            false => fit(low * (0.42 + 0.079 * part)).rest_db,
        }
    });
    Quality {
        ripple_db: most(&|fit| fit.gain_db.abs()),
        delay_frames: most(&|fit| fit.delay_frames.abs()),
        thd_n_db: most(&|fit| fit.rest_db),
        edge: below,
        stop_db: stop.fold(f64::MIN, f64::max),
    }
}

/// A cosine that stands at its top at frame 0.
fn tone(cycles_per_frame: f64) -> Vec<f64> {
    (0..FRAMES).map(|n| AMPLITUDE * (TAU * cycles_per_frame * n as f64).cos()).collect()
}

/// A tone in a signal, and the rest.
struct Fit {
    gain_db: f64,
    delay_frames: f64,
    rest_db: f64,
}

/// The tone of a frequency in the middle of a signal, by least squares.
fn fit(cycles_per_frame: f64, signal: &[f64]) -> Fit {
    let w = TAU * cycles_per_frame;
    let middle = || middle(signal).map(|n| ((w * n as f64).sin_cos(), signal[n]));
    let (mut cc, mut cs, mut ss, mut cy, mut sy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for ((s, c), y) in middle() {
        cc += c * c;
        cs += c * s;
        ss += s * s;
        cy += c * y;
        sy += s * y;
    }
    let determinant = cc * ss - cs * cs;
    let cosine = (cy * ss - sy * cs) / determinant;
    let sine = (sy * cc - cy * cs) / determinant;
    let rest: Vec<f64> = middle().map(|((s, c), y)| y - cosine * c - sine * s).collect();
    Fit {
        gain_db: 20.0 * (cosine.hypot(sine) / AMPLITUDE).log10(),
        delay_frames: sine.atan2(cosine) / w,
        rest_db: decibels(&rest),
    }
}

/// The level of the middle of a signal, relative to the tone.
fn level_db(signal: &[f64]) -> f64 {
    decibels(&signal[middle(signal)])
}

fn decibels(signal: &[f64]) -> f64 {
    let power = signal.iter().map(|x| x * x).sum::<f64>() / signal.len() as f64;
    10.0 * (power / (AMPLITUDE * AMPLITUDE / 2.0)).log10()
}
