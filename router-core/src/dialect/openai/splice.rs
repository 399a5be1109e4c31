//! Edits of a request body, made while it is sent.

use std::borrow::Cow;

use super::Peek;
use crate::json::{Span, escape, unescape};

/// A request body with a few bytes of it replaced. The body itself is neither copied nor touched: it is sent as pieces,
/// and without any edit as one piece, byte for byte.
#[derive(Debug, Clone)]
pub struct Edits<'e> {
    body: &'e [u8],
    peek: &'e Peek<'e>,
    model: Edit<'e>,
    usage: Edit<'e>,
}

/// The version of Anthropic's API that Vertex AI wants in the body.
pub const VERTEX_VERSION: &str = "vertex-2023-10-16";

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
        self.model = match self.peek.model_span {
            // Where the address named the model, the body may name another one, or none.
            Some(span) if unescape(span.of(self.body)).as_deref() == Some(name) => Edit::default(),
            Some(Span { start, end }) if self.body[start] == b'"' => {
                Edit { span: Span { start: start + 1, end: end - 1 }, text: escape(name) }
            }
            Some(span) => Edit { span, text: quoted(name).into() },
            None => {
                let at = self.peek.object_start + 1;
                let comma = if self.body[at..].trim_ascii_start().starts_with(b"}") { "" } else { "," };
                Edit { span: Span { start: at, end: at }, text: format!("\"model\":{}{comma}", quoted(name)).into() }
            }
        };
        self
    }

    /// Makes a request of Anthropic's one for Vertex AI: the address names the model there, and the body the version.
    #[must_use]
    pub fn for_vertex(mut self) -> Self {
        let start = self.peek.object_start + 1;
        let version = format!("\"anthropic_version\":\"{VERTEX_VERSION}\",");
        self.usage = Edit { span: Span { start, end: start }, text: version.into() };
        if let Some(value) = self.peek.model_span {
            self.model = Edit { span: self.member(value), text: Cow::Borrowed("") };
        }
        self
    }

    /// The whole member that has this value, with the comma that parts it from its neighbour.
    fn member(&self, value: Span) -> Span {
        let quote = |before: usize| self.body[..before].iter().rposition(|byte| *byte == b'"').unwrap_or(0);
        let key = quote(quote(value.start));
        let rest = &self.body[value.end..];
        let space = rest.len() - rest.trim_ascii_start().len();
        if rest[space..].starts_with(b",") {
            return Span { start: key, end: value.end + space + 1 };
        }
        let comma = self.body[..key].iter().rposition(|byte| *byte == b',').unwrap_or(key);
        Span { start: comma.max(self.peek.object_start + 1), end: value.end }
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
        let place = |edit: &Edit<'_>| (edit.span.start, edit.span.end);
        let (first, second) = if place(&self.model) <= place(&self.usage) {
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

fn quoted(text: &str) -> String {
    format!("\"{}\"", escape(text))
}
