//! The operators. Each variant owns exactly what it reads, and one method,
//! [`Op::encode`], tells both the key and the text of `rebounce explain` about it.

use std::ops::Range;

use crate::audio::layout::Layout;
use crate::dsp::compressor::Settings;
use crate::dsp::conversion::{Conversion, Part};
use crate::dsp::edit::{Edit, Piece, Span};
use crate::dsp::envelope::Envelope;
use crate::dsp::eq::Filter;
use crate::dsp::process::Process;
use crate::dsp::signal::{Signal, Sound};
use crate::external::operator::{Command, External, Kind, Plugin};
use crate::manifest::delivery::InputId;

/// A function from signals to a signal.
#[derive(Clone, PartialEq, Debug)]
pub enum Op {
    /// The samples of a file, its first frame placed at `at_frame` of the
    /// programme, digital silence before and after. No inputs.
    Source {
        /// Which file.
        input: InputId,
        /// Programme frame of the file's first frame.
        at_frame: u64,
    },
    /// Every output channel a weighted sum of input channels: gain, polarity,
    /// pan, routing and fold-down. One input.
    Matrix {
        /// `[output channel][input channel]`, factors.
        rows: Vec<Vec<f64>>,
        /// The same in the user's terms: `gain -1.5 dB, polarity inverted`.
        words: String,
    },
    /// The sum of all inputs, added in order, channel by channel.
    Sum,
    /// Anything that hears more than the frame it makes. One input.
    Process {
        /// What is done to it.
        process: Process,
        /// The same in the user's terms: `delay 480 samples`.
        words: String,
    },
    /// Gains that change over time. One input.
    Envelope {
        /// The gains, by frame of the clock.
        envelope: Envelope,
        /// The same in the user's terms: `fade out 2 s`.
        words: String,
    },
    /// What is made here and not recorded, in every channel. No inputs.
    Signal {
        /// What sounds, by frame of the clock.
        signal: Signal,
        /// The same in the user's terms: `tone of 1000 Hz`.
        words: String,
    },
    /// A gain that is not known before something is measured. One input. Never rendered:
    /// a matrix takes its place.
    Open {
        /// What it waits for: `normalised to -14 LUFS`.
        words: String,
    },
    /// Stretches of the input on a timeline of their own. One input.
    Edit {
        /// Which, and where they go.
        edit: Edit,
        /// The same in the user's terms: `from 0:12.000 to 0:30.000`.
        words: String,
    },
    /// The whole input at another rate or speed. One input.
    Convert {
        /// From what to what, and where it stands.
        conversion: Conversion,
        /// The same in the user's terms: `44.1 kHz to 48 kHz`.
        words: String,
    },
    /// A program or a plug-in, which hears the whole programme. One input.
    External {
        /// What is run.
        external: Box<External>,
        /// The channels it hears and makes.
        layout: Layout,
        /// Stands for the file it makes, which is read as session audio is.
        made: InputId,
        /// The same in the user's terms: `command sox {in} {out} reverb`.
        words: String,
    },
}

/// Something that takes in an operator's parameters: a hash, or a text.
pub trait Sink {
    /// Bytes that identify the operator.
    fn bytes(&mut self, bytes: &[u8]);
    /// What people should read; no part of the key.
    fn words(&mut self, words: &str);
}

impl Op {
    /// Tells `sink` what the operator is. Everything that reaches the samples
    /// goes through [`Sink::bytes`]; destructuring without `..` makes sure that a
    /// new parameter cannot be forgotten.
    pub fn encode(&self, sink: &mut impl Sink) {
        match self {
            // A source is known by the digests of its samples, not by its name;
            // where they stand on the timeline is settled segment by segment.
            Op::Source { input: _, at_frame } => {
                sink.bytes(b"source");
                sink.words(&format!("placed at frame {at_frame}"));
            }
            Op::Matrix { rows, words } => {
                sink.bytes(b"matrix");
                sink.bytes(&(rows.len() as u32).to_le_bytes());
                for row in rows {
                    sink.bytes(&(row.len() as u32).to_le_bytes());
                    for factor in row {
                        sink.bytes(&factor.to_bits().to_le_bytes());
                    }
                }
                sink.words(words);
            }
            Op::Sum => {
                sink.bytes(b"sum");
                sink.words("sum");
            }
            Op::Process { process, words } => {
                sink.bytes(b"process");
                encode_process(process, sink);
                sink.words(words);
            }
            Op::Envelope { envelope, words } => {
                sink.bytes(b"envelope");
                encode_envelope(envelope, sink);
                sink.words(words);
            }
            Op::Signal { signal, words } => {
                sink.bytes(b"signal");
                encode_signal(signal, sink);
                sink.words(words);
            }
            Op::Open { words } => {
                sink.bytes(b"open");
                sink.words(words);
            }
            Op::Edit { edit, words } => {
                sink.bytes(b"edit");
                for Span { from, frames, at } in edit.spans() {
                    for number in [from, frames, at] {
                        sink.bytes(&number.to_le_bytes());
                    }
                }
                sink.words(words);
            }
            Op::Convert { conversion, words } => {
                sink.bytes(b"convert");
                encode_conversion(conversion, sink);
                sink.words(words);
            }
            Op::External { external, layout, made: _, words } => {
                sink.bytes(b"external");
                sink.bytes(layout.name().as_bytes());
                encode_external(external, sink);
                sink.words(&format!("rendered whole: {words}"));
                for file in external.files() {
                    let name = file.path.file_name().unwrap_or_default().to_string_lossy();
                    sink.words(&format!(", {name} {}", &file.digest.to_hex()[..12]));
                }
            }
        }
    }

    /// The segments of its inputs that it hears in `segment`, of `per_segment` frames;
    /// those of its inputs have `of_input`.
    pub fn heard(&self, segment: usize, per_segment: usize, of_input: usize) -> Vec<Range<usize>> {
        match self {
            Op::Source { .. }
            | Op::Matrix { .. }
            | Op::Sum
            | Op::Envelope { .. }
            | Op::Signal { .. }
            | Op::Open { .. } => std::iter::once(segment..segment + 1).collect(),
            Op::Process { process, words: _ } => {
                std::iter::once(process.reach().heard(segment, per_segment)).collect()
            }
            Op::Edit { edit, words: _ } => {
                let per_segment = per_segment as u64;
                let start = segment as u64 * per_segment;
                let of_piece = |piece: Piece| {
                    let end = (piece.from + piece.frames as u64).div_ceil(per_segment);
                    (piece.from / per_segment) as usize..end as usize
                };
                edit.pieces(start..start + per_segment).into_iter().map(of_piece).collect()
            }
            Op::Convert { conversion, words: _ } => {
                let (per_segment, of_input) = (per_segment as u64, of_input as u64);
                let start = segment as u64 * per_segment;
                let part = conversion.part(start..start + per_segment);
                let of_part = |part: Part| {
                    let Range { start, end } = conversion.sounding(&part);
                    (start / of_input) as usize..end.div_ceil(of_input) as usize
                };
                part.map(of_part).into_iter().collect()
            }
            // Read from the file it made; making that is a pass of its own.
            Op::External { .. } => Vec::new(),
        }
    }

    /// The file that a source reads.
    pub fn input(&self) -> Option<InputId> {
        match self {
            Op::Source { input, at_frame: _ } => Some(*input),
            _ => None,
        }
    }

    /// The program or plug-in, if it is one.
    pub fn external(&self) -> Option<&External> {
        match self {
            Op::External { external, .. } => Some(external),
            _ => None,
        }
    }

    /// Whether the matrix hands every channel on as it is.
    pub fn is_identity(&self) -> bool {
        let Op::Matrix { rows, words: _ } = self else { return false };
        rows.iter().enumerate().all(|(out, row)| {
            row.len() == rows.len()
                && row.iter().enumerate().all(|(i, x)| *x == f64::from(u8::from(i == out)))
        })
    }

    /// Whether integer samples stay integers of the same grid.
    pub fn keeps_grid(&self) -> bool {
        match self {
            Op::Source { .. } | Op::Sum | Op::Edit { .. } => true,
            Op::Matrix { rows, words: _ } => rows.iter().flatten().all(|x| x.fract() == 0.0),
            Op::Process { process, words: _ } => process.keeps_grid(),
            Op::Envelope { .. }
            | Op::Open { .. }
            | Op::Signal { .. }
            | Op::Convert { .. }
            | Op::External { .. } => false,
        }
    }
}

/// All that decides what an operator outside makes. How long it may take and how much
/// too long its output may be decide only whether it makes anything.
fn encode_external(external: &External, sink: &mut impl Sink) {
    let text = |sink: &mut dyn FnMut(&[u8]), text: &str| {
        sink(&(text.len() as u32).to_le_bytes());
        sink(text.as_bytes());
    };
    let External { name: _, kind, limit: _, span: _ } = external;
    let mut put = |bytes: &[u8]| sink.bytes(bytes);
    match kind {
        Kind::Command(Command { run, program, inputs, encoding, tail_frames: _ }) => {
            put(b"command");
            put(program.digest.as_bytes());
            text(&mut put, encoding.name());
            put(&(run.len() as u32).to_le_bytes());
            run.iter().for_each(|word| text(&mut put, word));
            for (name, file) in inputs {
                text(&mut put, name);
                put(file.digest.as_bytes());
            }
        }
        Kind::Plugin(Plugin { file, id, state, parameters }) => {
            put(b"plugin");
            put(file.digest.as_bytes());
            text(&mut put, id.as_deref().unwrap_or_default());
            put(state.as_ref().map_or(&[][..], |state| state.digest.as_bytes()));
            for (name, value) in parameters {
                text(&mut put, name);
                text(&mut put, value);
            }
        }
    }
}

/// The sounds of a signal, each with its bits.
fn encode_signal(signal: &Signal, sink: &mut impl Sink) {
    let Signal { sounds, rate } = signal;
    sink.bytes(&rate.hz().to_le_bytes());
    for sound in sounds {
        let (kind, peak, numbers) = match sound {
            Sound::Tone { hz, peak, start, end } => (0, peak, [u64::from(*hz), *start, *end]),
            Sound::Click { accented, peak, start } => (1, peak, [u64::from(*accented), *start, 0]),
        };
        for number in [kind, peak.db().to_bits()].into_iter().chain(numbers) {
            sink.bytes(&number.to_le_bytes());
        }
    }
}

/// The ratio of a conversion, where it stands and the frames of its input.
fn encode_conversion(conversion: &Conversion, sink: &mut impl Sink) {
    let ratio = conversion.resampler().ratio();
    let [at_frame, input_frames] = conversion.span();
    let (up, down) = (u64::from(ratio.numerator()), u64::from(ratio.denominator()));
    for number in [up, down, at_frame, input_frames] {
        sink.bytes(&number.to_le_bytes());
    }
}

/// The gains of an envelope, each with its bits.
fn encode_envelope(envelope: &Envelope, sink: &mut impl Sink) {
    match envelope {
        Envelope::Points(points) => {
            sink.bytes(b"points");
            for (frame, gain) in points {
                sink.bytes(&frame.to_le_bytes());
                sink.bytes(&gain.db().to_bits().to_le_bytes());
            }
        }
        Envelope::Fade { shape, direction, start, frames } => {
            sink.bytes(b"fade");
            for number in [*shape as u64, *direction as u64, *start, *frames] {
                sink.bytes(&number.to_le_bytes());
            }
        }
    }
}

/// The parameters of a process, each with its bits.
fn encode_process(process: &Process, sink: &mut impl Sink) {
    match process {
        Process::Delay { frames } => {
            sink.bytes(b"delay");
            sink.bytes(&(*frames as u64).to_le_bytes());
        }
        Process::Eq { filters } => {
            sink.bytes(b"eq");
            encode_filters(filters, sink);
        }
        Process::Compress { settings, sidechain, key, rate } => {
            sink.bytes(b"compress");
            sink.bytes(&(*key as u32).to_le_bytes());
            sink.bytes(&rate.hz().to_le_bytes());
            encode_settings(settings, sink);
            encode_filters(sidechain, sink);
        }
        Process::DeEss { hz, settings, rate } => {
            sink.bytes(b"deess");
            sink.bytes(&rate.hz().to_le_bytes());
            sink.bytes(&hz.to_bits().to_le_bytes());
            encode_settings(settings, sink);
        }
        Process::Limit { ceiling_dbtp, rate } => {
            // Its second definition: by the meter of ffmpeg, too.
            sink.bytes(b"limit 2");
            sink.bytes(&rate.hz().to_le_bytes());
            sink.bytes(&ceiling_dbtp.to_bits().to_le_bytes());
        }
        Process::Shift90 { rate } => {
            sink.bytes(b"shift90");
            sink.bytes(&rate.hz().to_le_bytes());
        }
    }
}

fn encode_filters(filters: &[Filter], sink: &mut impl Sink) {
    for filter in filters {
        for number in filter.numbers() {
            sink.bytes(&number.to_le_bytes());
        }
    }
}

fn encode_settings(settings: &Settings, sink: &mut impl Sink) {
    let Settings { threshold_dbfs, ratio, knee_db, attack_ms, release_ms, makeup_db } = settings;
    for knob in [threshold_dbfs, ratio, knee_db, attack_ms, release_ms, makeup_db] {
        sink.bytes(&knob.to_bits().to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: &[&[f64]]) -> Op {
        Op::Matrix { rows: rows.iter().map(|r| r.to_vec()).collect(), words: String::new() }
    }

    #[test]
    fn only_the_unit_matrix_is_an_identity() {
        assert!(matrix(&[&[1.0, 0.0], &[0.0, 1.0]]).is_identity());
        assert!(!matrix(&[&[1.0], &[1.0]]).is_identity());
        assert!(!matrix(&[&[1.0, 0.0]]).is_identity());
        assert!(!matrix(&[&[0.0, 1.0], &[1.0, 0.0]]).is_identity());
    }

    #[test]
    fn polarity_and_routing_keep_the_grid_and_gains_leave_it() {
        assert!(matrix(&[&[-1.0], &[1.0]]).keeps_grid());
        assert!(!matrix(&[&[0.5]]).keeps_grid());
    }
}
