//! A response that is not streamed: goes by in pieces, and leaves its token counts.

use super::usage;
use crate::domain::{Dialect, UsageReport};
use crate::json::{Scanner, Span, Token, unescape_bytes};

/// The longest `usage` that is read, and the most that is kept of a response.
const USAGE_BYTES_MAX: usize = 16 * 1024;

/// No spelling of `usageMetadata` is longer than this, even if every character is an escape.
const KEY_BYTES_MAX: usize = 80;

/// Watches a response go by. Any split of it gives the same answer; of the response itself nothing is kept but the key
/// or `usage` that a split goes through.
#[derive(Debug)]
pub struct ResponseScan {
    dialect: Dialect,
    scanner: Scanner,
    /// Bytes that were pushed.
    pushed: usize,
    /// The last token was the key of the usage, so its value is next.
    wanted: bool,
    /// The last token was a key.
    in_value: bool,
    /// The beginning of the key or value that the last split went through.
    held: Vec<u8>,
    usage: Option<UsageReport>,
}

/// What a response turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseEnd {
    /// Whether it was one whole JSON object.
    pub complete: bool,
    /// The top-level `usage`. Without one, or when it is nothing we can count by, `None`.
    pub usage: Option<UsageReport>,
}

impl ResponseScan {
    /// Begins a response of this dialect.
    pub const fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            scanner: Scanner::new(),
            pushed: 0,
            wanted: false,
            in_value: false,
            held: Vec::new(),
            usage: None,
        }
    }

    /// Looks at the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        while let Ok(Some(token)) = self.scanner.next(chunk, self.pushed) {
            self.take(token, chunk);
        }
        self.hold(chunk);
        self.pushed += chunk.len();
    }

    /// Ends the response. What an incomplete one reported before it broke off is told all the same.
    pub fn finish(&self) -> ResponseEnd {
        ResponseEnd { complete: self.scanner.finish().is_ok(), usage: self.usage }
    }

    fn take(&mut self, token: Token, chunk: &[u8]) {
        let dialect = self.dialect;
        match token {
            Token::Key(span) => {
                let wanted = usage::member(dialect);
                self.wanted = self.bytes(span, chunk).and_then(unescape_bytes).is_some_and(|key| *key == *wanted);
                self.in_value = true;
            }
            Token::Value(span) => {
                if self.wanted
                    && let Some(object) = self.bytes(span, chunk).filter(|value| value[0] == b'{')
                {
                    self.usage = usage::read(dialect, object);
                }
                self.in_value = false;
            }
        }
        self.held.clear();
    }

    /// The bytes of a token that ends in `chunk`, unless it is longer than anything that we want.
    fn bytes<'c>(&'c mut self, span: Span, chunk: &'c [u8]) -> Option<&'c [u8]> {
        if span.end - span.start > self.bytes_max() {
            return None;
        }
        let end = span.end - self.pushed;
        if let Some(start) = span.start.checked_sub(self.pushed) {
            return Some(&chunk[start..end]);
        }
        self.held.extend_from_slice(&chunk[..end]);
        Some(&self.held)
    }

    /// Keeps what `chunk` has of a token that ends in a later one.
    fn hold(&mut self, chunk: &[u8]) {
        let Some(start) = self.scanner.open() else { return };
        if self.pushed + chunk.len() - start > self.bytes_max() {
            self.held.clear();
        } else {
            self.held.extend_from_slice(&chunk[start.saturating_sub(self.pushed)..]);
        }
    }

    /// How long the token that we are in may be for us to want it.
    const fn bytes_max(&self) -> usize {
        match (self.in_value, self.wanted) {
            (false, _) => KEY_BYTES_MAX,
            (true, true) => USAGE_BYTES_MAX,
            (true, false) => 0,
        }
    }
}
