//! A spec as it is written, and how one that extends another is laid over it.

use super::edge::{RawHead, RawTail, Sourced};
use super::figures::{Figure, Miss, Rates};
use super::limit::{Check, Scope};
use super::{Channels, FileKind};
use crate::audio::layout::Layout;
use crate::audio::wav::Encoding;
use crate::record;
use crate::yaml::record::{At, Entries};

/// A text and its place.
type Text = At<String>;

record! {
    /// The requirements of a recipient.
    pub RawSpec: "a spec: `title`, and what the recipient requires",
    later ["metadata"];
    /// One line for people.
    title: Option<Text>,
    /// The spec that this one starts from: a name, or a path relative to this file.
    extends: Option<Text>,
    /// Word length of the files: pcm16, pcm16-shaped, pcm24 or float32.
    encoding: Option<Figure<Encoding>>,
    /// Sample rate in Hz, a list of those that may be, or native: that of the session.
    sample_rate: Option<Figure<Rates>>,
    /// Layouts that files may have; any unless given.
    layouts: Option<Figure<Vec<Layout>>>,
    /// Layouts in each of which the package must hold a file.
    required_layouts: Option<Figure<Vec<Layout>>>,
    /// Whether the channels of a file are interleaved, or each has a file of its own
    /// (multi-mono).
    channels: Option<Figure<Channels>>,
    /// File name without extension; `/` makes folders. Fields: {project} {artist}
    /// {composer} {mixer} {revision} {part} {date} {role} {name} {layout} {channel}
    /// {rate} {bits} {fps} {bpm} {deliverable} {version} {language}. Forms follow after
    /// colons, as in {layout:ch} or {project:camel:14}; {channel?} is left out where
    /// there is none.
    template: Option<Figure<String>>,
    /// The same for stems; that of all files unless given.
    stem_template: Option<Figure<String>>,
    /// How file names write roles, as in `m-and-e: ME`.
    role_names: Entries<Figure<String>>,
    /// Characters that file names may hold, as ranges: A-Za-z0-9._-
    legal: Option<Figure<String>>,
    /// Whether a bext chunk carries the start time.
    bext: Option<Figure<bool>>,
    /// Kinds of files that the package must hold: tracks, stems, mixes.
    required: Option<Figure<Vec<FileKind>>>,
    /// Kinds of files that it should hold; that one is missing is warned of.
    wanted: Option<Figure<Vec<FileKind>>>,
    /// Roles that the package's stems must have between them.
    required_stems: Option<Figure<Vec<String>>>,
    /// Roles that its stems should have between them.
    wanted_stems: Option<Figure<Vec<String>>>,
    /// Roles that the package's mixes must have between them.
    required_mixes: Option<Figure<Vec<String>>>,
    /// Roles that its mixes should have between them.
    wanted_mixes: Option<Figure<Vec<String>>>,
    /// Where every file begins, and what is put there; a deliverable may say it otherwise.
    head: Option<Sourced<RawHead>>,
    /// Where every file ends, and what is put there; a deliverable may say it otherwise.
    tail: Option<Sourced<RawTail>>,
    /// Sentences for the read-me.
    notes: Option<Vec<Text>>,
    /// What the recipient asks for and rebounce does not measure, for the read-me.
    not_judged: Option<Vec<Text>>,
    /// Figures that files are held against, by a name of your choice.
    limits: Entries<RawLimit>,
    /// Loudness to which platforms bring what they play, by a name of your choice.
    /// What each would do to the mixes is reported and fails nothing.
    reports: Entries<RawReport>,
}

record! {
    /// A figure that files are held against.
    pub RawLimit: "a limit like `{ check: true-peak, max: -1, source: ... }`";
    /// What is measured.
    check: Option<Check>,
    /// On which files: all, tracks, stems or mixes. All unless given.
    scope: Option<Scope>,
    /// On files of this role only.
    role: Option<Text>,
    /// Lowest value allowed.
    min: Option<At<f64>>,
    /// Highest value allowed.
    max: Option<At<f64>>,
    /// The value that is asked for.
    target: Option<At<f64>>,
    /// How far from the target a value may be.
    tolerance: Option<At<f64>>,
    /// Whether a miss fails the package or only warns.
    severity: Option<Miss>,
    /// A name that several limits share: it is enough that a file meets one of them.
    either: Option<Text>,
    /// The document, and how far the figure is confirmed.
    source: Option<Text>,
}

record! {
    /// The loudness to which a platform brings what it plays.
    pub RawReport: "a platform like `{ title: Spotify, target: -14, source: ... }`";
    /// The platform's name.
    title: Option<Text>,
    /// Integrated loudness in LUFS that it plays at.
    target: Option<At<f64>>,
    /// Whether it turns up what is quieter. It does not unless given.
    raises: Option<bool>,
    /// True peak in dBTP up to which it turns up.
    ceiling: Option<At<f64>>,
    /// The document, and how far the figure is confirmed.
    source: Option<Text>,
}

impl RawSpec {
    /// This spec where it speaks, and `base` where it is silent.
    pub fn over(self, base: RawSpec) -> RawSpec {
        RawSpec {
            title: self.title.or(base.title),
            extends: base.extends,
            encoding: self.encoding.or(base.encoding),
            sample_rate: self.sample_rate.or(base.sample_rate),
            layouts: self.layouts.or(base.layouts),
            required_layouts: self.required_layouts.or(base.required_layouts),
            channels: self.channels.or(base.channels),
            template: self.template.or(base.template),
            stem_template: self.stem_template.or(base.stem_template),
            role_names: laid_over(self.role_names, base.role_names, |new, _| new),
            legal: self.legal.or(base.legal),
            bext: self.bext.or(base.bext),
            required: self.required.or(base.required),
            wanted: self.wanted.or(base.wanted),
            required_stems: self.required_stems.or(base.required_stems),
            wanted_stems: self.wanted_stems.or(base.wanted_stems),
            required_mixes: self.required_mixes.or(base.required_mixes),
            wanted_mixes: self.wanted_mixes.or(base.wanted_mixes),
            head: self.head.or(base.head),
            tail: self.tail.or(base.tail),
            notes: self.notes.or(base.notes),
            not_judged: self.not_judged.or(base.not_judged),
            limits: laid_over(self.limits, base.limits, RawLimit::over),
            reports: laid_over(self.reports, base.reports, RawReport::over),
        }
    }
}

/// The entries of `new` over those of `base`; where both have one, `merge` decides.
fn laid_over<T>(new: Entries<T>, base: Entries<T>, merge: impl Fn(T, T) -> T) -> Entries<T> {
    let mut entries = base.0;
    for entry in new.0 {
        match entries.iter_mut().find(|old| old.name == entry.name) {
            Some(old) => {
                old.span = entry.span;
                old.body = match (entry.body, old.body.take()) {
                    (Some(new), Some(base)) => Some(merge(new, base)),
                    (new, base) => new.or(base),
                };
            }
            None => entries.push(entry),
        }
    }
    Entries(entries)
}

impl RawLimit {
    fn over(self, base: RawLimit) -> RawLimit {
        // A new figure does not come from the old document.
        let changed = [&self.min, &self.max, &self.target, &self.tolerance];
        let changed = changed.iter().any(|figure| figure.is_some());
        // A new target is not bounded by the old bounds.
        let bounds = if self.target.is_some() { (None, None) } else { (base.min, base.max) };
        RawLimit {
            check: self.check.or(base.check),
            scope: self.scope.or(base.scope),
            role: self.role.or(base.role),
            min: self.min.or(bounds.0),
            max: self.max.or(bounds.1),
            target: self.target.or(base.target),
            tolerance: self.tolerance.or(base.tolerance),
            severity: self.severity.or(base.severity),
            either: self.either.or(base.either),
            source: if changed { self.source } else { self.source.or(base.source) },
        }
    }
}

impl RawReport {
    fn over(self, base: RawReport) -> RawReport {
        let changed = self.target.is_some() || self.raises.is_some() || self.ceiling.is_some();
        RawReport {
            title: self.title.or(base.title),
            target: self.target.or(base.target),
            raises: self.raises.or(base.raises),
            ceiling: self.ceiling.or(base.ceiling),
            source: if changed { self.source } else { self.source.or(base.source) },
        }
    }
}
