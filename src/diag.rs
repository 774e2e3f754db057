//! What is said to people when something is wrong: where, what, and what to do.
//!
//! Common ground. A [`Diagnostic`] is data; [`Diagnostics`] collects all of them
//! in one run; [`render`](Diagnostics::render) words them with the source line
//! and a caret. [`Failure`] is the reason a run ends early and knows its exit status.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};

use crate::fsio::DiskError;

/// A text that diagnostics can point into: a manifest or a spec.
#[derive(Debug)]
pub struct SourceText {
    /// The path as it is shown.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// A range of bytes in a [`SourceText`].
#[derive(Clone, Debug)]
pub struct Span {
    source: Arc<SourceText>,
    range: Range<usize>,
}

impl PartialEq for Span {
    fn eq(&self, other: &Self) -> bool {
        same_source(self, other) && self.range == other.range
    }
}

impl Eq for Span {}

impl Span {
    /// The bytes `range` of `source`, cut back to what exists.
    pub fn new(source: &Arc<SourceText>, range: Range<usize>) -> Self {
        let end = source.text.len();
        let start = range.start.min(end);
        let range = start..range.end.clamp(start, end);
        Self { source: Arc::clone(source), range }
    }

    /// The text within the span.
    pub fn text(&self) -> &str {
        self.source.text.get(self.range.clone()).unwrap_or_default()
    }

    /// `path:line`, for reports that name the line of the manifest.
    pub fn place(&self) -> String {
        let before = self.source.text.get(..self.range.start).unwrap_or_default();
        format!("{}:{}", self.source.path, before.matches('\n').count() + 1)
    }
}

/// Whether a diagnostic ends the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// The request cannot be carried out.
    Error,
    /// It can, but somebody should look.
    Warning,
}

/// One thing that is wrong, with the place and the way out.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    severity: Severity,
    title: String,
    // Boxed to keep a `Result` that may hold one small.
    at: Option<Box<(Span, String)>>,
    context: Vec<(Span, String)>,
    help: Option<String>,
    replacement: Option<String>,
}

impl Diagnostic {
    /// An error with its one-line title: what is wrong, in the user's words.
    pub fn error(title: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            title: title.into(),
            at: None,
            context: Vec::new(),
            help: None,
            replacement: None,
        }
    }

    /// A warning: said, but no reason to stop.
    pub fn warning(title: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(title) }
    }

    /// Points the caret at `span`, with a few words beside it.
    pub fn at(mut self, span: &Span, label: impl Into<String>) -> Self {
        self.at = Some(Box::new((span.clone(), label.into())));
        self
    }

    /// Marks a second place that helps to understand the first.
    pub fn context(mut self, span: &Span, label: impl Into<String>) -> Self {
        self.context.push((span.clone(), label.into()));
        self
    }

    /// Says what to do.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Proposes to write `replacement` where the caret stands.
    pub fn replace_with(mut self, replacement: impl Into<String>) -> Self {
        self.replacement = Some(replacement.into());
        self
    }

    /// Proposes the nearest of `candidates` to `written`, or else lists them.
    pub fn did_you_mean<'a>(
        self,
        written: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let candidates: Vec<&str> = candidates.into_iter().collect();
        match nearest(written, &candidates) {
            Some(name) => self.help(format!("did you mean `{name}`?")).replace_with(name),
            None if candidates.is_empty() => self,
            None => self.help(format!("known here: {}", list_some(&candidates))),
        }
    }

    /// The title alone, for one-line reports.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Whether this ends the run.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    fn render(&self, renderer: &Renderer) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(&self.title));
        if let Some((span, label)) = self.at.as_deref() {
            let mut snippet = Snippet::source(&span.source.text)
                .path(&span.source.path)
                .annotation(AnnotationKind::Primary.span(visible(span)).label(label));
            for (other, note) in self.context.iter().filter(|(other, _)| same_source(other, span)) {
                snippet =
                    snippet.annotation(AnnotationKind::Context.span(visible(other)).label(note));
            }
            group = group.element(snippet);
            // What stands in another file is shown below it.
            for (other, note) in self.context.iter().filter(|(o, _)| !same_source(o, span)) {
                let annotation = AnnotationKind::Context.span(visible(other)).label(note);
                let snippet = Snippet::source(&other.source.text).path(&other.source.path);
                group = group.element(snippet.annotation(annotation));
            }
        }
        let mut report = vec![group];
        match (&self.help, &self.replacement, self.at.as_deref()) {
            (Some(help), Some(new), Some((span, _))) => {
                let patch = Patch::new(span.range.clone(), new.as_str());
                let snippet =
                    Snippet::source(&span.source.text).path(&span.source.path).patch(patch);
                report.push(Level::HELP.secondary_title(help).element(snippet));
            }
            (Some(help), ..) => {
                let group = report.pop().expect("BUG: the report starts with its title");
                report.push(group.element(Level::HELP.message(help)));
            }
            _ => {}
        }
        renderer.render(&report).to_string()
    }
}

/// An empty span still shows one caret.
fn visible(span: &Span) -> Range<usize> {
    let rest = span.source.text.get(span.range.start..).unwrap_or_default();
    let one = rest.chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    // A span over several lines is shown by its first.
    let first_line = span.text().find('\n').unwrap_or(span.text().len());
    span.range.start..span.range.start + first_line.max(one)
}

fn same_source(a: &Span, b: &Span) -> bool {
    Arc::ptr_eq(&a.source, &b.source)
}

/// The candidate a slip of the finger away from `written`: a third of its
/// letters at most may differ.
pub fn nearest<'a>(written: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let lower = written.to_lowercase();
    candidates
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), *name))
        .filter(|(distance, name)| *distance <= written.len().max(name.len()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `a`, `b`, `c` and 12 more.
fn list_some(names: &[&str]) -> String {
    const SHOWN: usize = 12;
    let mut text: Vec<String> = names.iter().take(SHOWN).map(|n| format!("`{n}`")).collect();
    if names.len() > SHOWN {
        text.push(format!("and {} more", names.len() - SHOWN));
    }
    text.join(", ")
}

/// More than this nobody reads at once.
const SHOWN_AT_MOST: usize = 100;

/// All that was found wrong in one run, in the order of finding.
#[derive(Default, Debug)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Notes one more.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Whether any of them ends the run.
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// How many of them end the run.
    pub fn errors(&self) -> usize {
        self.list.iter().filter(|diagnostic| diagnostic.is_error()).count()
    }

    /// Puts errors before warnings, and each of them in the order of the text.
    pub fn sort(&mut self) {
        fn place(diagnostic: &Diagnostic) -> (bool, Option<(&str, usize)>) {
            let at = diagnostic.at.as_deref();
            (!diagnostic.is_error(), at.map(|(s, _)| (s.source.path.as_str(), s.range.start)))
        }
        self.list.sort_by(|a, b| place(a).cmp(&place(b)));
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Errors and the rest, apart.
    pub fn split(self) -> (Diagnostics, Diagnostics) {
        let (errors, rest) = self.list.into_iter().partition(Diagnostic::is_error);
        (Diagnostics { list: errors }, Diagnostics { list: rest })
    }

    /// Those found so far.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// The text of all, ready for stderr; colours as escape codes if asked.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut text = String::new();
        for diagnostic in self.list.iter().take(SHOWN_AT_MOST) {
            text.push_str(&diagnostic.render(&renderer));
            text.push_str("\n\n");
        }
        if let Some(more @ 1..) = self.list.len().checked_sub(SHOWN_AT_MOST) {
            text.push_str(&format!("and {more} more\n"));
        }
        let errors = self.errors();
        if errors > 1 {
            text.push_str(&format!("{errors} errors\n"));
        }
        text
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { list: vec![diagnostic] }
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(iter: I) -> Self {
        Self { list: iter.into_iter().collect() }
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, iter: I) {
        self.list.extend(iter);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

/// Why a run ended without doing what was asked.
#[derive(Debug)]
pub enum Failure {
    /// The request is wrong: usage, manifest, spec, a missing or unreadable input.
    Request(Diagnostics),
    /// The machine failed: disk full, no permission to write.
    Machine(DiskError),
    /// Another rebounce holds the lock of this project.
    Busy(PathBuf),
}

impl Failure {
    /// The exit status of design section 6: 2 for a wrong request, 3 for a fault
    /// of the machine.
    pub fn exit_status(&self) -> u8 {
        match self {
            Failure::Request(_) => 2,
            Failure::Machine(_) | Failure::Busy(_) => 3,
        }
    }

    /// The text for stderr.
    pub fn render(&self, colour: bool) -> String {
        match self {
            Failure::Request(diagnostics) => diagnostics.render(colour),
            Failure::Machine(error) => Diagnostics::from(
                Diagnostic::error(error.to_string())
                    .help("no package is left half made; mend this and run the same command again"),
            )
            .render(colour),
            Failure::Busy(lock) => Diagnostics::from(
                Diagnostic::error("another rebounce is building this project")
                    .help(format!("wait for it to end (it holds {})", shown(lock))),
            )
            .render(colour),
        }
    }
}

/// A path as it is shown to people.
pub fn shown(path: &Path) -> impl fmt::Display + '_ {
    path.display()
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Failure::Request(diagnostic.into())
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Failure::Request(diagnostics)
    }
}

impl From<DiskError> for Failure {
    fn from(error: DiskError) -> Self {
        Failure::Machine(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<SourceText> {
        Arc::new(SourceText { path: "deliverables.yaml".into(), text: text.into() })
    }

    #[test]
    fn an_error_shows_the_line_a_caret_and_the_nearest_name() {
        let text = source("mixes:\n  full: [drums, bss]\n");
        let span = Span::new(&text, 23..26);
        let diagnostics = Diagnostics::from(
            Diagnostic::error("unknown stem `bss`")
                .at(&span, "no stem has this name")
                .did_you_mean("bss", ["drums", "bass", "keys"]),
        );
        assert_eq!(
            diagnostics.render(false),
            "\
error: unknown stem `bss`
 --> deliverables.yaml:2:17
  |
2 |   full: [drums, bss]
  |                 ^^^ no stem has this name
  |
help: did you mean `bass`?
  |
2 |   full: [drums, bass]
  |                  +

"
        );
    }

    #[test]
    fn far_names_are_listed_instead_of_guessed() {
        assert_eq!(nearest("percussion", &["drums", "bass"]), None);
        assert_eq!(nearest("Drum", &["drums", "bass"]), Some("drums"));
    }

    #[test]
    fn a_span_past_the_end_is_cut_back_and_still_shown() {
        let text = source("a: 1\n");
        let span = Span::new(&text, 5..900);
        let shown =
            Diagnostics::from(Diagnostic::error("ends here").at(&span, "end")).render(false);
        assert!(shown.contains("deliverables.yaml"), "{shown}");
    }
}
