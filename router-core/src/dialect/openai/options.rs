//! The `stream_options` of a request.

use super::BadBody;
use super::keys::Keys;
use super::request::boolean;
use crate::json::{Scanner, Span, Token};

/// What we read of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Whether `include_usage` is true.
    pub include_usage: bool,
    /// Where its value is in the body.
    pub include_usage_span: Option<Span>,
}

/// Reads the value at `span` of the body: an object or null.
pub(super) fn read(body: &[u8], span: Span) -> Result<Options, BadBody> {
    let value = span.of(body);
    match value[0] {
        b'{' => object(value, span.start),
        b'n' => Ok(Options::default()),
        _ => Err(BadBody::WrongType { param: "stream_options", expected: "an object or null" }),
    }
}

fn object(text: &[u8], at: usize) -> Result<Options, BadBody> {
    let mut options = Options::default();
    let (mut scanner, mut keys) = (Scanner::new(), Keys::new());
    let mut wanted = false;
    while let Some(token) = scanner.next(text, 0).map_err(|bad| BadBody::from(bad).shifted(at))? {
        match token {
            Token::Key(key) => wanted = *keys.add(text, key).map_err(|bad| bad.shifted(at))? == *b"include_usage",
            Token::Value(value) if wanted => {
                options.include_usage = boolean("stream_options.include_usage", value.of(text))?;
                options.include_usage_span = Some(value.shifted(at));
            }
            Token::Value(_) => {}
        }
    }
    match keys.twice(text) {
        Some(key) => Err(BadBody::Twice { key: format!("stream_options.{key}") }),
        None => Ok(options),
    }
}
