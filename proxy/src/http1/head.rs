//! What request and response heads have in common.

/// Most header fields that a head may have.
pub(super) const FIELDS_MAX: usize = 100;

/// Why bytes are not a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// Not HTTP, or HTTP that two parties could read differently.
    #[error("the head is not valid HTTP/1.1: {0}")]
    Malformed(&'static str),
    /// More bytes or fields than allowed.
    #[error("the head is too large")]
    TooLarge,
    /// A transfer coding other than `chunked`.
    #[error("the transfer coding is not supported; only chunked is")]
    UnknownCoding,
    /// A protocol version other than 1.0 and 1.1.
    #[error("the HTTP version is not supported")]
    Version,
}

impl From<httparse::Error> for HeadError {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::TooManyHeaders => Self::TooLarge,
            httparse::Error::Version => Self::Version,
            httparse::Error::HeaderName => Self::Malformed("a header field's name"),
            httparse::Error::HeaderValue => Self::Malformed("a header field's value"),
            httparse::Error::NewLine => Self::Malformed("a line's end"),
            httparse::Error::Status => Self::Malformed("the status"),
            httparse::Error::Token => Self::Malformed("the first line"),
        }
    }
}

/// Refuses a line feed without its carriage return, which `httparse` would take for a line's end (RFC 9112, 2.2).
pub(super) fn refuse_bare_line_feeds(head: &[u8]) -> Result<(), HeadError> {
    for at in memchr::memchr_iter(b'\n', head) {
        if at == 0 || head[at - 1] != b'\r' {
            return Err(HeadError::Malformed("a line feed without its carriage return"));
        }
    }
    Ok(())
}

/// What the header fields say about the body's framing (RFC 9112, 6).
#[derive(Default)]
pub(super) struct Framing {
    pub(super) content_length: Option<u64>,
    pub(super) chunked: bool,
}

impl Framing {
    /// Notes a `content-length`. Repeated or listed lengths are refused even when they agree.
    pub(super) fn length(&mut self, value: &[u8]) -> Result<(), HeadError> {
        let digits = !value.is_empty() && value.len() <= 18 && value.iter().all(u8::is_ascii_digit);
        if self.content_length.is_some() || !digits {
            return Err(HeadError::Malformed("the content length"));
        }
        self.content_length = Some(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')));
        Ok(())
    }

    /// Notes a `transfer-encoding`, which must be `chunked` and nothing else.
    pub(super) fn coding(&mut self, value: &[u8]) -> Result<(), HeadError> {
        if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(HeadError::UnknownCoding);
        }
        self.chunked = true;
        Ok(())
    }

    /// Refuses a message that has both.
    pub(super) fn check(&self) -> Result<(), HeadError> {
        if self.chunked && self.content_length.is_some() {
            return Err(HeadError::Malformed("a content length beside a transfer coding"));
        }
        Ok(())
    }
}

/// What a `connection` field says.
#[derive(Default)]
pub(super) struct Connection {
    pub(super) close: bool,
    pub(super) keep_alive: bool,
}

impl Connection {
    pub(super) fn note(&mut self, value: &[u8]) {
        for option in value.split(|byte| *byte == b',') {
            let option = option.trim_ascii();
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }
}
