//! Why segments are rendered: what a file was made from, then and now.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Key;
use crate::audio::wav::Encoding;
use crate::plan::op::{Op, Sink};
use crate::plan::{Plan, Print, PrintId};
use crate::units::SampleRate;

/// A change that makes segments stale.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// It was not delivered before.
    New,
    /// The delivered file is gone or is not what was delivered.
    Altered,
    /// A file of session audio holds other samples.
    Input {
        /// Its path as shown.
        shown: String,
        /// Where, in segments of the file.
        spans: Vec<Range<usize>>,
    },
    /// A setting of the manifest: lines of the recipe that are new.
    Setting {
        /// As it was; empty if there was no such line.
        was: Option<String>,
        /// As it is; empty if the line is gone.
        now: Option<String>,
    },
    /// The programme has another length.
    Length {
        /// Frames before.
        was: u64,
        /// Frames now.
        now: u64,
    },
    /// Its package stood in another folder.
    Moved,
    /// What stands before its samples: start time, description, layout.
    Header,
    /// A program or plug-in must be run, over the whole programme.
    Whole {
        /// What it is.
        words: String,
    },
    /// This version of rebounce renders differently.
    Version,
}

impl Reason {
    /// The reason in words, with times at `rate`.
    pub fn words(&self, rate: SampleRate) -> String {
        match self {
            Reason::New => "not delivered before".to_owned(),
            Reason::Altered => "the delivered file was changed or removed by hand".to_owned(),
            Reason::Input { shown, spans } => format!("{shown} changed at {}", times(spans)),
            Reason::Setting { was: Some(was), now: Some(now) } => format!("{was} -> {now}"),
            Reason::Setting { was: None, now: Some(now) } => format!("new: {now}"),
            Reason::Setting { was, now: _ } => {
                format!("gone: {}", was.as_deref().unwrap_or_default())
            }
            Reason::Length { was, now } => {
                format!("the programme was {} long, now {}", rate.clock(*was), rate.clock(*now))
            }
            Reason::Moved => "the package was in another folder".to_owned(),
            Reason::Whole { words } => format!("rendered whole: {words}"),
            Reason::Header => "its header says something else now".to_owned(),
            Reason::Version => "this version of rebounce renders differently".to_owned(),
        }
    }
}

/// `0:12-0:15, 1:40-1:41` and a count of what is left out.
pub fn times(spans: &[Range<usize>]) -> String {
    const SHOWN: usize = 4;
    let clock = |segment: usize| format!("{}:{:02}", segment / 60, segment % 60);
    let mut text: Vec<String> = spans
        .iter()
        .take(SHOWN)
        .map(|span| format!("{}-{}", clock(span.start), clock(span.end)))
        .collect();
    if spans.len() > SHOWN {
        text.push(format!("and {} more places", spans.len() - SHOWN));
    }
    text.join(", ")
}

/// Neighbouring segments as ranges.
pub fn ranges(segments: impl IntoIterator<Item = usize>) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for segment in segments {
        match found.last_mut() {
            Some(last) if last.end == segment => last.end += 1,
            _ => found.push(segment..segment + 1),
        }
    }
    found
}

/// How a print is made, a line per operator: the text that two builds are
/// compared by. It comes from the traversal that feeds the key.
pub fn recipe(plan: &Plan, print: PrintId) -> Vec<String> {
    let Print { node, encoding, layout, dither } = plan.print(print);
    let mut lines: Vec<String> = plan
        .ancestry(*node)
        .into_iter()
        .map(|id| {
            let node = &plan.graph[id];
            let mut words = Words(String::new());
            node.op.encode(&mut words);
            let inputs: Vec<String> =
                plan.inputs(id).iter().map(|i| plan.graph[*i].label.clone()).collect();
            match &node.op {
                Op::Sum => format!("{}: {} of {}", node.label, words.0, inputs.join(" + ")),
                _ => {
                    format!("{}: {}", node.label, words.0)
                }
            }
        })
        .collect();
    let dithered = match (dither, encoding) {
        (None, _) => "",
        (Some(_), Encoding::Pcm16Shaped) => ", TPDF dither, shaped",
        (Some(_), _) => ", TPDF dither",
    };
    lines.push(format!("file: {}, {layout}{dithered}", encoding.words()));
    lines
}

struct Words(String);

impl Sink for Words {
    fn bytes(&mut self, _: &[u8]) {}

    fn words(&mut self, words: &str) {
        self.0.push_str(words);
    }
}

/// A file at one moment: how long, how made, from which samples.
pub struct Making<'a> {
    /// Length in frames.
    pub frames: u64,
    /// Stands for the bytes before its samples.
    pub header: Key,
    /// Its recipe.
    pub recipe: &'a [String],
    /// Digests of the inputs it hears, by path as shown.
    pub inputs: BTreeMap<&'a str, &'a [Key]>,
}

/// What changed between two makings of a file that is written anew.
pub fn compare(was: &Making<'_>, now: &Making<'_>) -> Vec<Reason> {
    let mut reasons = settings(was.recipe, now.recipe);
    for (shown, digests) in &now.inputs {
        let Some(before) = was.inputs.get(shown) else { continue };
        let at = |digests: &[Key], i: usize| digests.get(i).copied().unwrap_or(Key::SILENCE);
        let changed = (0..digests.len().max(before.len()))
            .filter(|segment| at(digests, *segment) != at(before, *segment));
        let spans = ranges(changed);
        if !spans.is_empty() {
            reasons.push(Reason::Input { shown: (*shown).to_owned(), spans });
        }
    }
    if was.frames != now.frames {
        reasons.push(Reason::Length { was: was.frames, now: now.frames });
    }
    if reasons.is_empty() {
        let header = was.header != now.header;
        reasons.push(if header { Reason::Header } else { Reason::Version });
    }
    reasons
}

/// Lines that are only in one recipe, paired where they are about the same thing.
fn settings(was: &[String], now: &[String]) -> Vec<Reason> {
    let subject = |line: &str| line.split(": ").next().unwrap_or_default().to_owned();
    let mut gone: Vec<&String> = was.iter().filter(|line| !now.contains(line)).collect();
    let mut reasons = Vec::new();
    for line in now.iter().filter(|line| !was.contains(line)) {
        let twin = gone.iter().position(|old| subject(old) == subject(line));
        let was = twin.map(|index| gone.remove(index).clone());
        reasons.push(Reason::Setting { was, now: Some(line.clone()) });
    }
    reasons.extend(gone.into_iter().map(|l| Reason::Setting { was: Some(l.clone()), now: None }));
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_ranges_and_many_are_counted() {
        assert_eq!(ranges([1, 2, 3, 7]), [1..4, 7..8]);
        assert_eq!(times(&ranges([1, 2, 3, 7])), "0:01-0:04, 0:07-0:08");
        assert!(times(&ranges((0..20).step_by(2))).ends_with("and 6 more places"));
    }

    #[test]
    fn a_changed_gain_is_shown_before_and_after() {
        let line = |text: &str| text.to_owned();
        let reasons = settings(
            &[line("track kick: gain -1.5 dB"), line("stem drums: sum of a + b")],
            &[line("track kick: gain -2 dB"), line("stem drums: sum of a + b")],
        );
        let rate = SampleRate::new(48_000).unwrap();
        let words: Vec<String> = reasons.iter().map(|reason| reason.words(rate)).collect();
        assert_eq!(words, ["track kick: gain -1.5 dB -> track kick: gain -2 dB"]);
    }
}
