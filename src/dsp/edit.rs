//! Edits: stretches of a signal laid at places of another timeline. Trims, pads,
//! sections and cut-downs are all this; where stretches overlap they are added.

use std::ops::Range;

/// Stretches and where they go.
#[derive(Clone, PartialEq, Debug)]
pub struct Edit {
    spans: Vec<Span>,
}

/// One stretch of the input.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Span {
    /// First frame of the input.
    pub from: u64,
    /// Length in frames.
    pub frames: u64,
    /// Frame of the output at which it begins.
    pub at: u64,
}

/// What of a span stands in a stretch of the output.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Piece {
    /// First frame within the stretch.
    pub into: usize,
    /// Length in frames; never 0.
    pub frames: usize,
    /// First frame of the input.
    pub from: u64,
}

impl Edit {
    /// An edit of these spans, which are added in this order.
    pub fn new(spans: Vec<Span>) -> Self {
        Self { spans }
    }

    /// The spans.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Length of the output in frames: it ends with the last span.
    pub fn frames(&self) -> u64 {
        self.spans.iter().map(|span| span.at + span.frames).max().unwrap_or(0)
    }

    /// What stands in the frames `out` of the output, in the order of the spans.
    pub fn pieces(&self, out: Range<u64>) -> Vec<Piece> {
        let piece = |span: &Span| {
            let start = span.at.max(out.start);
            let end = (span.at + span.frames).min(out.end);
            (start < end).then(|| Piece {
                into: (start - out.start) as usize,
                frames: (end - start) as usize,
                from: span.from + (start - span.at),
            })
        };
        self.spans.iter().filter_map(piece).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_spans_cut_to_the_stretch() {
        let edit = Edit::new(vec![
            Span { from: 100, frames: 50, at: 0 },
            Span { from: 10, frames: 30, at: 40 },
        ]);
        assert_eq!(edit.frames(), 70);
        let whole = edit.pieces(0..100);
        assert_eq!(whole[0], Piece { into: 0, frames: 50, from: 100 });
        assert_eq!(whole[1], Piece { into: 40, frames: 30, from: 10 });
        assert_eq!(
            edit.pieces(45..60),
            [Piece { into: 0, frames: 5, from: 145 }, Piece { into: 0, frames: 15, from: 15 }]
        );
        assert_eq!(edit.pieces(70..80), []);
    }
}
