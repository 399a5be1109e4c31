//! Reading one HTTP/1.1 request whole.

use std::io::{BufRead, Error, ErrorKind, Read, Result};
use std::time::Instant;

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Request line and headers with the empty line at their end, byte for byte.
    pub head: Vec<u8>,
    /// The body's content, without chunked framing.
    pub body: Vec<u8>,
    /// Which connection it came on, counted from 0.
    pub connection: usize,
    /// When it was complete.
    pub at: Instant,
}

impl Recorded {
    /// The request line, such as `POST /v1/chat/completions HTTP/1.1`.
    pub fn line(&self) -> String {
        text(&self.head).lines().next().unwrap_or_default().to_owned()
    }

    /// Request line and headers as text.
    pub fn head_text(&self) -> String {
        text(&self.head)
    }

    /// The value of a header; the first one, when there are several.
    pub fn header(&self, name: &str) -> Option<String> {
        header(&self.head, name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        text(&self.body)
    }

    /// Reads the next request of a connection, or nothing when the connection has ended before it.
    pub(super) fn read(from: &mut impl BufRead, connection: usize) -> Result<Option<Self>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if from.read_until(b'\n', &mut head)? == 0 {
                return if head.is_empty() { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
            }
        }
        let body = read_body(from, &head)?;
        Ok(Some(Self { head, body, connection, at: Instant::now() }))
    }
}

fn read_body(from: &mut impl BufRead, head: &[u8]) -> Result<Vec<u8>> {
    if header(head, "transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return read_chunks(from);
    }
    let length = header(head, "content-length").map_or(Ok(0), |value| value.parse());
    let mut body = vec![0; length.map_err(Error::other)?];
    from.read_exact(&mut body)?;
    Ok(body)
}

fn read_chunks(from: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        from.read_line(&mut size)?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(Error::other)?;
        if size == 0 {
            break;
        }
        from.take(size).read_to_end(&mut body)?;
        from.read_exact(&mut [0; 2])?;
    }
    // Trailers, up to the empty line.
    let mut trailer = String::from("-");
    while !trailer.trim().is_empty() {
        trailer.clear();
        from.read_line(&mut trailer)?;
    }
    Ok(body)
}

fn header(head: &[u8], name: &str) -> Option<String> {
    let head = text(head);
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_with_every_kind_of_body_are_read_one_after_the_other() {
        let wire = b"GET /a HTTP/1.1\r\nhost: h\r\n\r\n\
            POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\none\
            POST /c HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\ntwo\r\n5;x=y\r\nthree\r\n0\r\nt: v\r\n\r\n\
            GET /d HTTP/1.1\r\n\r\n";
        let mut wire = &wire[..];
        let mut next = || Recorded::read(&mut wire, 0).unwrap();
        let lines_and_bodies: Vec<_> = std::iter::from_fn(&mut next).map(|r| (r.line(), r.text())).collect();
        let expected = [
            ("GET /a HTTP/1.1", ""),
            ("POST /b HTTP/1.1", "one"),
            ("POST /c HTTP/1.1", "twothree"),
            ("GET /d HTTP/1.1", ""),
        ];
        assert_eq!(lines_and_bodies, expected.map(|(line, body)| (line.to_owned(), body.to_owned())));
    }

    #[test]
    fn half_a_request_is_an_error() {
        assert!(Recorded::read(&mut &b"POST / HTTP/1.1\r\n"[..], 0).is_err());
        assert!(Recorded::read(&mut &b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nhalf"[..], 0).is_err());
    }
}
