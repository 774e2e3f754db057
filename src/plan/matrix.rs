//! Matrices: pan, balance, routing and fold-down as factors, and their words.

use crate::audio::layout::{Channel, Layout};
use crate::manifest::delivery::{Downmix, Track};
use crate::units::Gain;

/// How much of a channel enters a channel of a layout that may be wider.
pub(super) fn route(channel: Channel, out: Channel, layout: Layout) -> f64 {
    let everywhere = channel == Channel::Mono && layout == Layout::Stereo;
    let centre = channel == Channel::Mono && layout == Layout::Surround51 && out == Channel::C;
    f64::from(u8::from(channel == out || everywhere || centre))
}

/// `[output channel][file channel]` for one file of a track.
pub(super) fn track_matrix(track: &Track, channels: &[Channel], layout: Layout) -> Vec<Vec<f64>> {
    let sign = if track.invert { -1.0 } else { 1.0 };
    let gain = track.gain.linear() * sign;
    let factor = |channel: Channel, out: Channel| match track.pan {
        None => gain * route(channel, out, layout),
        Some(pan) => gain * pan_factor(pan, channel, out, layout),
    };
    layout
        .channels()
        .iter()
        .map(|out| channels.iter().map(|channel| factor(*channel, *out)).collect())
        .collect()
}

/// Pan of a mono channel: sine and cosine, -3 dB in the middle, so that power is
/// constant. Balance of a stereo pair: the side that is turned away from falls by
/// the same law raised by 3 dB, the other stays at unity; the middle changes nothing.
fn pan_factor(pan: f64, channel: Channel, out: Channel, layout: Layout) -> f64 {
    let angle = (pan + 100.0) / 200.0 * std::f64::consts::FRAC_PI_2;
    let (left, right) = (libm::cos(angle), libm::sin(angle));
    let side = match out {
        Channel::L => left,
        Channel::R => right,
        _ => return route(channel, out, layout),
    };
    let falls = if out == Channel::L { pan > 0.0 } else { pan < 0.0 };
    match channel {
        Channel::Mono => side,
        _ if channel == out && falls => side * std::f64::consts::SQRT_2,
        _ => route(channel, out, layout),
    }
}

pub(super) fn diagonal(width: usize, factor: f64) -> Vec<Vec<f64>> {
    (0..width)
        .map(|out| (0..width).map(|i| if i == out { factor } else { 0.0 }).collect())
        .collect()
}

/// ITU-R BS.775-4 annex 4 table 2: the front pair, plus centre and surround of
/// each side attenuated; LFE left out. To mono: the sum of Lo and Ro halved, so
/// that a mono programme keeps its level.
pub(super) fn fold_down(downmix: Downmix, from: Layout, to: Layout) -> Vec<Vec<f64>> {
    let (centre, surround) = (fold_factor(downmix.center_db), fold_factor(downmix.surround_db));
    let stereo = |channel: &Channel| match channel {
        Channel::L => (1.0, 0.0),
        Channel::R => (0.0, 1.0),
        Channel::C => (centre, centre),
        Channel::Ls => (surround, 0.0),
        Channel::Rs => (0.0, surround),
        Channel::Lfe => (0.0, 0.0),
        Channel::Mono => (1.0, 1.0),
    };
    let pairs: Vec<(f64, f64)> = from.channels().iter().map(stereo).collect();
    match to {
        Layout::Mono => vec![pairs.iter().map(|(l, r)| (l + r) / 2.0).collect()],
        _ => vec![pairs.iter().map(|(l, _)| *l).collect(), pairs.iter().map(|(_, r)| *r).collect()],
    }
}

/// `-3 dB` in a fold-down is the 0.7071 of BS.775, 1/sqrt(2) exactly.
fn fold_factor(db: f64) -> f64 {
    if db == -3.0 { std::f64::consts::FRAC_1_SQRT_2 } else { libm::exp10(db / 20.0) }
}

pub(super) fn gain_words(gain: Gain) -> String {
    format!("gain {} dB", gain.db())
}

pub(super) fn downmix_words(downmix: Downmix) -> String {
    format!("fold-down, centre {} dB, surrounds {} dB", downmix.center_db, downmix.surround_db)
}

pub(super) fn track_words(track: &Track) -> String {
    let mut words = Vec::new();
    if track.gain != Gain::UNITY {
        words.push(gain_words(track.gain));
    }
    if track.invert {
        words.push("polarity inverted".to_owned());
    }
    if let Some(pan) = track.pan {
        words.push(format!("pan {pan}"));
    }
    if words.is_empty() { "placed at unity".to_owned() } else { words.join(", ") }
}
