//! Edits of a request body, made while it is sent.

use std::borrow::Cow;

use super::Peek;
use crate::json::{Span, escape};

/// A request body with a few bytes of it replaced. The body itself is neither copied nor touched: it is sent as pieces,
/// and without any edit as one piece, byte for byte.
#[derive(Debug, Clone)]
pub struct Edits<'e> {
    body: &'e [u8],
    peek: &'e Peek<'e>,
    model: Edit<'e>,
    usage: Edit<'e>,
}

/// Text in place of a span; nothing in place of nothing when there is no edit.
#[derive(Debug, Clone, Default)]
struct Edit<'e> {
    span: Span,
    text: Cow<'e, str>,
}

impl<'e> Edits<'e> {
    /// The body as it came. `peek` is what it was found to say.
    pub fn new(body: &'e [u8], peek: &'e Peek<'e>) -> Self {
        Self { body, peek, model: Edit::default(), usage: Edit::default() }
    }

    /// Asks for this model instead.
    #[must_use]
    pub fn model(mut self, name: &'e str) -> Self {
        self.model = if name == self.peek.model {
            Edit::default()
        } else {
            let Span { start, end } = self.peek.model_span;
            Edit { span: Span { start: start + 1, end: end - 1 }, text: escape(name) }
        };
        self
    }

    /// Makes `stream_options.include_usage` true.
    #[must_use]
    pub fn include_usage(mut self) -> Self {
        if !self.peek.include_usage {
            let (span, text) = self.usage_edit();
            self.usage = Edit { span, text: Cow::Borrowed(text) };
        }
        self
    }

    fn usage_edit(&self) -> (Span, &'static str) {
        if let Some(value) = self.peek.include_usage_span {
            return (value, "true");
        }
        let after = |brace: usize| Span { start: brace + 1, end: brace + 1 };
        match self.peek.stream_options {
            // The model follows, so there is something for the comma to part it from.
            None => (after(self.peek.object_start), r#""stream_options":{"include_usage":true},"#),
            Some(options) => match options.of(self.body) {
                b"null" => (options, r#"{"include_usage":true}"#),
                object if object[1..].trim_ascii_start() == b"}" => (after(options.start), r#""include_usage":true"#),
                _ => (after(options.start), r#""include_usage":true,"#),
            },
        }
    }

    /// The edited body in order: at most five pieces, none of them empty.
    pub fn segments(&self) -> impl Iterator<Item = &[u8]> {
        let (first, second) = if self.model.span.start <= self.usage.span.start {
            (&self.model, &self.usage)
        } else {
            (&self.usage, &self.model)
        };
        let pieces = [
            &self.body[..first.span.start],
            first.text.as_bytes(),
            &self.body[first.span.end..second.span.start],
            second.text.as_bytes(),
            &self.body[second.span.end..],
        ];
        pieces.into_iter().filter(|piece| !piece.is_empty())
    }

    /// Bytes of the edited body, for its `content-length`.
    #[expect(clippy::len_without_is_empty, reason = "a body that could be peeked is never empty")]
    pub fn len(&self) -> usize {
        self.segments().map(<[u8]>::len).sum()
    }
}
