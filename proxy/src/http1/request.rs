//! The head of a request.

use std::mem::MaybeUninit;

use super::head::{Connection, FIELDS_MAX, Framing, HeadError, refuse_bare_line_feeds};

/// The protocol version a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0: no chunks, and the connection closes after the answer.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2, framed elsewhere.
    Http2,
}

/// How the end of a request's body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFraming {
    /// So many bytes, possibly none.
    Length(u64),
    /// Chunks.
    Chunked,
    /// Where the stream ends (HTTP/2 only).
    Stream,
}

/// The head of a request, as far as we look at it: borrowed from where it was received.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'h> {
    /// The method, as sent.
    pub method: &'h str,
    /// The path, without query.
    pub path: &'h str,
    /// The query without its question mark; empty without one.
    pub query: &'h str,
    /// The version.
    pub version: Version,
    /// How the body ends.
    pub framing: RequestFraming,
    /// Whether the client wants to use the connection again.
    pub keep_alive: bool,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// `content-encoding`.
    pub content_encoding: Option<&'h str>,
    /// `authorization`.
    pub authorization: Option<&'h str>,
    /// `x-api-key`.
    pub x_api_key: Option<&'h str>,
    /// `api-key`.
    pub api_key: Option<&'h str>,
    /// `x-goog-api-key`.
    pub x_goog_api_key: Option<&'h str>,
    /// `x-litellm-api-key`, `x-bf-vk` or `x-portkey-api-key`: where other gateways look for a key.
    pub migrated_key: Option<&'h str>,
    /// `anthropic-version`.
    pub anthropic_version: Option<&'h str>,
    /// `anthropic-beta`.
    pub anthropic_beta: Option<&'h str>,
    /// `openai-beta`.
    pub openai_beta: Option<&'h str>,
    /// `x-session-id`.
    pub session_id: Option<&'h str>,
    /// `x-tollgate-metadata`.
    pub metadata: Option<&'h str>,
    /// `x-request-id`.
    pub request_id: Option<&'h str>,
    /// `x-client-request-id`.
    pub client_request_id: Option<&'h str>,
    /// A credential's field that came twice.
    pub repeated: Option<&'static str>,
}

impl<'h> RequestHead<'h> {
    /// A head without fields.
    pub fn new(method: &'h str, target: &'h str, version: Version) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method,
            path,
            query,
            version,
            framing: RequestFraming::Length(0),
            keep_alive: version != Version::Http10,
            expects_continue: false,
            content_encoding: None,
            authorization: None,
            x_api_key: None,
            api_key: None,
            x_goog_api_key: None,
            migrated_key: None,
            anthropic_version: None,
            anthropic_beta: None,
            openai_beta: None,
            session_id: None,
            metadata: None,
            request_id: None,
            client_request_id: None,
            repeated: None,
        }
    }

    /// Notes a field that has nothing to do with framing; unknown ones are ignored.
    pub fn note_field(&mut self, name: &str, value: &'h [u8]) {
        // The length tells most fields apart before any letter is compared.
        let known = match name.len() {
            7 if name.as_bytes()[0].eq_ignore_ascii_case(&b'x') => Some(("x-bf-vk", &mut self.migrated_key)),
            7 => Some(("api-key", &mut self.api_key)),
            9 => Some(("x-api-key", &mut self.x_api_key)),
            11 => Some(("openai-beta", &mut self.openai_beta)),
            12 if name.as_bytes()[2].eq_ignore_ascii_case(&b's') => Some(("x-session-id", &mut self.session_id)),
            12 => Some(("x-request-id", &mut self.request_id)),
            13 => Some(("authorization", &mut self.authorization)),
            14 if name.as_bytes()[0].eq_ignore_ascii_case(&b'a') => Some(("anthropic-beta", &mut self.anthropic_beta)),
            14 => Some(("x-goog-api-key", &mut self.x_goog_api_key)),
            16 => Some(("content-encoding", &mut self.content_encoding)),
            17 if name.eq_ignore_ascii_case("x-litellm-api-key") => Some(("x-litellm-api-key", &mut self.migrated_key)),
            17 if name.eq_ignore_ascii_case("x-portkey-api-key") => Some(("x-portkey-api-key", &mut self.migrated_key)),
            17 => Some(("anthropic-version", &mut self.anthropic_version)),
            19 if name.as_bytes()[2].eq_ignore_ascii_case(&b't') => Some(("x-tollgate-metadata", &mut self.metadata)),
            19 => Some(("x-client-request-id", &mut self.client_request_id)),
            _ => None,
        };
        let Some((known, slot)) = known.filter(|(known, _)| name.eq_ignore_ascii_case(known)) else { return };
        // A value that is no text is no credential either: it stands for one that nobody has.
        let value = std::str::from_utf8(value).unwrap_or("\u{fffd}");
        let is_credential = matches!(
            known,
            "api-key"
                | "x-api-key"
                | "authorization"
                | "x-goog-api-key"
                | "x-bf-vk"
                | "x-litellm-api-key"
                | "x-portkey-api-key"
        );
        if slot.replace(value).is_some() && is_credential {
            self.repeated = Some(known);
        }
    }
}

/// Reads a request's head from the start of `bytes`; `None` when its end has not arrived. Gives the head and its length.
pub fn parse_request(bytes: &[u8], head_bytes_max: usize) -> Result<Option<(RequestHead<'_>, usize)>, HeadError> {
    let mut fields = [MaybeUninit::uninit(); FIELDS_MAX];
    let mut request = httparse::Request::new(&mut []);
    let status = request.parse_with_uninit_headers(bytes, &mut fields).map_err(|error| match error {
        // `httparse` says so of anything that stands in the version's place.
        httparse::Error::Version if !names_a_version(bytes) => HeadError::Malformed("the first line"),
        error => error.into(),
    })?;
    let httparse::Status::Complete(len) = status else {
        let unfinished = bytes.len();
        return if unfinished >= head_bytes_max { Err(HeadError::TooLarge) } else { Ok(None) };
    };
    if len > head_bytes_max {
        return Err(HeadError::TooLarge);
    }
    refuse_bare_line_feeds(&bytes[..len])?;
    let version = match request.version {
        Some(1) => Version::Http11,
        Some(0) => Version::Http10,
        _ => return Err(HeadError::Version),
    };
    let (Some(method), Some(target)) = (request.method, request.path) else {
        return Err(HeadError::Malformed("the first line"));
    };
    let mut head = RequestHead::new(method, origin_form(target)?, version);
    read_fields(&mut head, request.headers)?;
    Ok(Some((head, len)))
}

/// Whether what follows the target looks like a version of HTTP, if not like one that we speak.
fn names_a_version(bytes: &[u8]) -> bool {
    let version = bytes.split(|byte| *byte == b' ').nth(2).and_then(|rest| rest.strip_prefix(b"HTTP/"));
    version.and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit)
}

/// Takes the authority off a target in absolute form (RFC 9112, 3.2.2).
fn origin_form(target: &str) -> Result<&str, HeadError> {
    if target.starts_with('/') || target == "*" {
        return Ok(target);
    }
    let rest = target.strip_prefix("http://").or_else(|| target.strip_prefix("https://"));
    let rest = rest.ok_or(HeadError::Malformed("the request target"))?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
    if authority.is_empty() || authority.contains(['@', '?']) {
        return Err(HeadError::Malformed("the request target"));
    }
    Ok(path)
}

fn read_fields<'h>(head: &mut RequestHead<'h>, fields: &[httparse::Header<'h>]) -> Result<(), HeadError> {
    let mut framing = Framing::default();
    let mut connection = Connection::default();
    let mut hosts = 0;
    for field in fields {
        let name = field.name;
        match name.len() {
            4 if name.eq_ignore_ascii_case("host") => {
                hosts += 1;
                if field.value.iter().any(|byte| !byte.is_ascii_graphic() || b"/@?#,".contains(byte)) {
                    return Err(HeadError::Malformed("the host"));
                }
            }
            6 if name.eq_ignore_ascii_case("expect") => {
                head.expects_continue = field.value.eq_ignore_ascii_case(b"100-continue");
            }
            10 if name.eq_ignore_ascii_case("connection") => connection.note(field.value),
            14 if name.eq_ignore_ascii_case("content-length") => framing.length(field.value)?,
            17 if name.eq_ignore_ascii_case("transfer-encoding") => framing.coding(field.value)?,
            _ => head.note_field(name, field.value),
        }
    }
    framing.check()?;
    // RFC 9112, 3.2: exactly one host in HTTP/1.1; an absolute target replaces its value, not its presence.
    if hosts > 1 || (hosts == 0 && head.version == Version::Http11) {
        return Err(HeadError::Malformed("the host"));
    }
    if framing.chunked && head.version == Version::Http10 {
        return Err(HeadError::Malformed("a transfer coding in HTTP/1.0"));
    }
    head.framing = match framing.content_length {
        _ if framing.chunked => RequestFraming::Chunked,
        length => RequestFraming::Length(length.unwrap_or(0)),
    };
    head.keep_alive = match head.version {
        Version::Http10 => false,
        _ => !connection.close,
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<(RequestHead<'_>, usize)>, HeadError> {
        parse_request(text.as_bytes(), 4096)
    }

    #[test]
    fn a_head_is_read_or_waited_for() {
        let text = "POST /v1/x?key=k HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nAuthorization: Bearer t\r\n\r\nhello";
        let (head, len) = parse(text).expect("valid").expect("complete");
        assert_eq!((head.method, head.path, head.query), ("POST", "/v1/x", "key=k"));
        assert_eq!((head.framing, head.authorization), (RequestFraming::Length(5), Some("Bearer t")));
        assert_eq!(&text[len..], "hello");
        for end in 0..len {
            assert!(matches!(parse(&text[..end]), Ok(None)), "after {end} bytes");
        }
    }

    #[test]
    fn what_two_parties_could_read_differently_is_refused() {
        for fields in [
            "Host: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n",
            "Host: a\r\nContent-Length: 5, 5\r\n",
            "Host: a\r\nContent-Length: +5\r\n",
            "Host: a\r\nContent-Length: -5\r\n",
            "Host: a\r\nContent-Length: 0x5\r\n",
            "Host: a\r\nContent-Length: 5 5\r\n",
            "Host: a\r\nContent-Length:\r\n",
            "Host: a\r\nContent-Length: 9999999999999999999\r\n",
            "Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n",
            "Host: a\r\nTransfer-Encoding: chunked, chunked\r\n",
            "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Host: a\r\nTransfer-Encoding: identity\r\n",
            "Host: a\r\nTransfer-Encoding : chunked\r\n",
            "Host: a\r\n Transfer-Encoding: chunked\r\n",
            "Host: a\r\nX: b\r\n folded\r\n",
            "Host: a\nContent-Length: 5\r\n",
            "Host: a\r\nX: a\rb\r\n",
            "Host: a\r\nX: a\0b\r\n",
            "Host: a\r\nHost: b\r\n",
            "Host: a, b\r\n",
            "Host: a@b\r\n",
            "Content-Length: 5\r\n",
            "Host: a\r\n: empty\r\n",
            "Host: a\r\nno colon\r\n",
        ] {
            let text = format!("POST / HTTP/1.1\r\n{fields}\r\n");
            assert!(parse(&text).is_err(), "{fields:?}");
        }
    }

    #[test]
    fn first_lines_are_read_or_refused() {
        for line in [
            "GET  / HTTP/1.1",
            "GET / HTTP/2.0",
            "GET / HTTP/1.2",
            "GET /a b HTTP/1.1",
            "G\tT / HTTP/1.1",
            "GET a HTTP/1.1",
            "GET http:///x HTTP/1.1",
            "GET http://u@h/ HTTP/1.1",
            "GET ftp://h/ HTTP/1.1",
            "GET /",
        ] {
            assert!(parse(&format!("{line}\r\nHost: a\r\n\r\n")).is_err(), "{line:?}");
        }
        let (head, _) = parse("GET http://h:1/v1/m?a=b HTTP/1.1\r\nHost: h\r\n\r\n").expect("valid").expect("whole");
        assert_eq!((head.path, head.query), ("/v1/m", "a=b"));
        let (head, _) = parse("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n").expect("valid").expect("whole");
        assert_eq!(head.path, "/");
    }

    #[test]
    fn http_1_0_has_no_chunks_and_closes() {
        let (head, _) = parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").expect("valid").expect("whole");
        assert!(!head.keep_alive);
        assert!(parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }

    #[test]
    fn a_head_over_the_bound_is_refused_even_unfinished() {
        let text = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(5000));
        assert_eq!(parse(&text).map(|_| ()), Err(HeadError::TooLarge));
        let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(FIELDS_MAX));
        assert_eq!(parse(&many).map(|_| ()), Err(HeadError::TooLarge));
    }
}
