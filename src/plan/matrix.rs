//! Matrices: gain, pan, balance, width and routing as factors, and their words.

use crate::audio::layout::{Channel, Layout};
use crate::dsp::pan;
use crate::manifest::delivery::Track;
use crate::units::Gain;

/// How much of a channel enters a channel of a layout that may be wider.
pub(super) fn route(channel: Channel, out: Channel, layout: Layout) -> f64 {
    let everywhere = channel == Channel::Mono && layout == Layout::Stereo;
    f64::from(u8::from(channel == out || everywhere))
}

/// `[output channel][file channel]` for one file of a track.
pub(super) fn track_matrix(track: &Track, channels: &[Channel], layout: Layout) -> Vec<Vec<f64>> {
    let sign = if track.invert { -1.0 } else { 1.0 };
    let gain = track.gain.linear() * sign;
    let factor = |channel: Channel, out: Channel| gain * stand(track, channel, out, layout);
    layout
        .channels()
        .iter()
        .map(|out| channels.iter().map(|channel| factor(*channel, *out)).collect())
        .collect()
}

/// How much of a channel of a track stands in `out`: by its pan or, of a stereo track, by
/// its width and then its balance. What is panned stands between left and right alone.
fn stand(track: &Track, channel: Channel, out: Channel, layout: Layout) -> f64 {
    let side = |channel: Channel| match channel {
        Channel::L => Some(0),
        Channel::R => Some(1),
        _ => None,
    };
    match (track.layout, track.pan) {
        (Layout::Mono, Some(pan)) => side(out).map_or(0.0, |out| track.pan_law.pan(pan)[out]),
        (Layout::Stereo, pan) => {
            let balance = pan.map_or([1.0, 1.0], |pan| track.pan_law.balance(pan));
            let width = pan::width(track.width);
            let factor = |(out, heard): (usize, usize)| balance[out] * width[out][heard];
            side(out).zip(side(channel)).map_or(0.0, factor)
        }
        _ => route(channel, out, layout),
    }
}

pub(super) fn diagonal(width: usize, factor: f64) -> Vec<Vec<f64>> {
    (0..width)
        .map(|out| (0..width).map(|i| if i == out { factor } else { 0.0 }).collect())
        .collect()
}

pub(super) fn gain_words(gain: Gain) -> String {
    format!("gain {} dB", gain.db())
}

pub(super) fn track_words(track: &Track) -> String {
    let mut words = Vec::new();
    if track.gain != Gain::UNITY {
        words.push(gain_words(track.gain));
    }
    if track.invert {
        words.push("polarity inverted".to_owned());
    }
    words.extend(track.image_words());
    if words.is_empty() { "placed at unity".to_owned() } else { words.join(", ") }
}
