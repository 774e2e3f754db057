//! A take: sounds placed on a timeline, then printed to 24-bit integers.

use crate::synth::{db, ease, frames};

/// Printed samples are multiples of this: 17 bits of resolution in a 24-bit file,
/// still below any noise one can hear, at half the size of a clone.
const GRID: f64 = 128.0;

/// One below the largest 24-bit integer: full scale as a factor.
const FULL_SCALE: f64 = 8_388_608.0;

/// Sounds on a timeline, `[channel][frame]`, as long as they need to be.
#[derive(Clone)]
pub(crate) struct Canvas(Vec<Vec<f64>>);

impl Canvas {
    pub(crate) fn new(channels: usize) -> Self {
        Canvas(vec![Vec::new(); channels])
    }

    /// Adds a sound from a time in seconds on, with one gain per channel.
    pub(crate) fn add(&mut self, at: f64, sound: &[f64], gains: &[f64]) {
        let start = frames(at);
        for (channel, &gain) in self.0.iter_mut().zip(gains).filter(|(_, gain)| **gain != 0.0) {
            if channel.len() < start + sound.len() {
                channel.resize(start + sound.len(), 0.0);
            }
            for (frame, x) in channel[start..].iter_mut().zip(sound) {
                *frame += gain * x;
            }
        }
    }

    /// The samples of one channel.
    pub(crate) fn channel(&self, index: usize) -> &[f64] {
        &self.0[index]
    }

    /// Prints the canvas as a file: its highest sample at `peak` dBFS, its last
    /// quarter second faded into silence, and nothing after the last sound.
    pub(crate) fn print(mut self, name: &'static str, peak: f64) -> Take {
        let highest = self.0.iter().flatten().fold(0.0, |high: f64, x| high.max(x.abs()));
        let gain = db(peak) / highest * FULL_SCALE / GRID;
        let length = self.0.iter().map(Vec::len).max().unwrap_or(0);
        let mut audio = Vec::new();
        for channel in &mut self.0 {
            ease(channel, 0.0, 0.25);
            channel.resize(length, 0.0);
            audio.push(channel.iter().map(|x| (libm::rint(x * gain) * GRID) as i32).collect());
        }
        let mut take = Take { name, at: 0, audio };
        take.trim();
        take
    }
}

/// An audio file of the demo.
pub(crate) struct Take {
    /// File name without extension.
    pub(crate) name: &'static str,
    /// Programme frame of its first sample.
    pub(crate) at: usize,
    /// 24-bit samples, `[channel][frame]`.
    pub(crate) audio: Vec<Vec<i32>>,
}

impl Take {
    /// The same file placed later, at a time in seconds.
    pub(crate) fn placed(self, seconds: f64) -> Self {
        Take { at: frames(seconds), ..self }
    }

    /// The same file with its end moved to a frame.
    pub(crate) fn lasting(mut self, length: usize) -> Self {
        self.audio.iter_mut().for_each(|channel| channel.resize(length, 0));
        self
    }

    /// Frames in the file.
    pub(crate) fn len(&self) -> usize {
        self.audio[0].len()
    }

    /// Drops the silence at the end.
    fn trim(&mut self) {
        let sounding =
            |channel: &Vec<i32>| channel.iter().rposition(|&x| x != 0).map_or(0, |i| i + 1);
        let length = self.audio.iter().map(sounding).max().unwrap_or(0);
        self.audio.iter_mut().for_each(|channel| channel.truncate(length));
    }
}

/// The sum of takes as a mixing desk at unity makes it: what the manifest says, in
/// integers. A mono take stands in every channel.
pub(crate) fn sum(name: &'static str, takes: &[Take], channels: usize) -> Take {
    let length = takes.iter().map(|take| take.at + take.len()).max().unwrap_or(0);
    let mut audio = vec![vec![0; length]; channels];
    for take in takes {
        for (index, channel) in audio.iter_mut().enumerate() {
            let source = &take.audio[index % take.audio.len()];
            for (frame, x) in channel[take.at..].iter_mut().zip(source) {
                *frame += x;
            }
        }
    }
    Take { name, at: 0, audio }
}

/// Gains of a sound at a place between left (-1) and right (1), at equal power.
pub(crate) fn pan(place: f64) -> [f64; 2] {
    let angle = (place + 1.0) * std::f64::consts::FRAC_PI_4;
    [libm::cos(angle), libm::sin(angle)]
}
