//! The head of a provider's response.

use std::mem::MaybeUninit;
use std::time::Duration;

use router_core::exchange::BodyKind;

use super::body::BodyDecoder;
use super::head::{Connection, FIELDS_MAX, Framing, HeadError, refuse_bare_line_feeds};
use super::rate_limits::Heard;

/// The head of a response, as far as we look at it.
#[derive(Debug)]
pub struct ResponseHead {
    /// The status.
    pub status: u16,
    /// What the content type says.
    pub kind: BodyKind,
    /// The content type itself, when it is not one of those that [`BodyKind`] names.
    pub content_type: Option<Box<str>>,
    /// How the body ends.
    pub body: BodyDecoder,
    /// Whether the connection may be used again after the body.
    pub keep_alive: bool,
    /// `retry-after` in seconds, or `retry-after-ms`.
    pub retry_after: Option<Duration>,
    /// Whether the body is encoded although nobody asked for it.
    pub encoded: bool,
    /// What the account still allows.
    pub limits: Heard,
}

impl ResponseHead {
    /// A head without fields.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            kind: BodyKind::Opaque,
            content_type: None,
            body: BodyDecoder::until_close(),
            keep_alive: true,
            retry_after: None,
            encoded: false,
            limits: Heard::default(),
        }
    }

    /// Notes a field that has nothing to do with framing; unknown ones are ignored.
    pub fn note_field(&mut self, name: &str, value: &[u8]) {
        match name.len() {
            11 if name.eq_ignore_ascii_case("retry-after") && self.retry_after.is_none() => {
                self.retry_after = number(value).map(Duration::from_secs);
            }
            12 if name.eq_ignore_ascii_case("content-type") => self.note_content_type(value),
            14 if name.eq_ignore_ascii_case("retry-after-ms") => {
                self.retry_after = number(value).map(Duration::from_millis).or(self.retry_after);
            }
            16 if name.eq_ignore_ascii_case("content-encoding") => {
                self.encoded |= !value.eq_ignore_ascii_case(b"identity");
            }
            _ => self.limits.note(name, value),
        }
    }

    fn note_content_type(&mut self, value: &[u8]) {
        let essence = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if essence.eq_ignore_ascii_case(b"text/event-stream") {
            self.kind = BodyKind::Events;
        } else if essence.eq_ignore_ascii_case(b"application/json") {
            self.kind = BodyKind::Json;
        } else if essence.eq_ignore_ascii_case(b"application/vnd.amazon.eventstream") {
            self.kind = BodyKind::AmazonEvents;
        } else {
            let clean = value.iter().all(|byte| (0x20..0x7f).contains(byte));
            self.content_type = std::str::from_utf8(value).ok().filter(|_| clean).map(Box::from);
        }
    }
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

/// Reads a response's head from the start of `bytes`; `None` when its end has not arrived. Gives the head and its length.
pub fn parse_response(bytes: &[u8], head_bytes_max: usize) -> Result<Option<(ResponseHead, usize)>, HeadError> {
    let mut fields = [MaybeUninit::uninit(); FIELDS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let parsed =
        httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut fields)?;
    let httparse::Status::Complete(len) = parsed else {
        return if bytes.len() >= head_bytes_max { Err(HeadError::TooLarge) } else { Ok(None) };
    };
    refuse_bare_line_feeds(&bytes[..len])?;
    let (Some(status), Some(minor)) = (response.code, response.version) else {
        return Err(HeadError::Malformed("the first line"));
    };
    let mut head = ResponseHead::new(status);
    let mut framing = Framing::default();
    let mut connection = Connection::default();
    for field in response.headers.iter() {
        let name = field.name;
        match name.len() {
            10 if name.eq_ignore_ascii_case("connection") => connection.note(field.value),
            14 if name.eq_ignore_ascii_case("content-length") => framing.length(field.value)?,
            17 if name.eq_ignore_ascii_case("transfer-encoding") => framing.coding(field.value)?,
            _ => head.note_field(name, field.value),
        }
    }
    framing.check()?;
    if framing.chunked && minor == 0 {
        return Err(HeadError::Malformed("a transfer coding in HTTP/1.0"));
    }
    head.body = match framing.content_length {
        // RFC 9112, 6.3: these have no body, whatever the fields say.
        _ if status < 200 || status == 204 || status == 304 => BodyDecoder::length(0),
        _ if framing.chunked => BodyDecoder::chunked(),
        Some(length) => BodyDecoder::length(length),
        None => BodyDecoder::until_close(),
    };
    let stays = if minor == 0 { connection.keep_alive } else { !connection.close };
    head.keep_alive = stays && !head.body.ends_with_connection();
    Ok(Some((head, len)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<(ResponseHead, usize)>, HeadError> {
        parse_response(text.as_bytes(), 4096)
    }

    #[test]
    fn a_head_is_read_or_waited_for() {
        let text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nRetry-After: 3\r\n\
                    Transfer-Encoding: chunked\r\n\r\n";
        let (head, len) = parse(text).expect("valid").expect("complete");
        assert_eq!((head.status, head.kind, head.keep_alive, len), (200, BodyKind::Events, true, text.len()));
        assert_eq!(head.retry_after, Some(Duration::from_secs(3)));
        for end in 0..len {
            assert!(matches!(parse(&text[..end]), Ok(None)), "after {end} bytes");
        }
    }

    #[test]
    fn a_body_until_the_end_of_the_connection_keeps_no_connection() {
        let (head, _) =
            parse("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n").expect("valid").expect("whole");
        assert!(!head.keep_alive && head.body.ends_with_connection());
        let (head, _) = parse("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n").expect("valid").expect("whole");
        assert!(!head.keep_alive);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for fields in [
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 5\nX: y\r\n",
            "X: a\r\n folded\r\n",
        ] {
            assert!(parse(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n")).is_err(), "{fields:?}");
        }
        for line in ["HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/3 200 OK", "ICY 200 OK"] {
            assert!(parse(&format!("{line}\r\n\r\n")).is_err(), "{line:?}");
        }
    }
}
