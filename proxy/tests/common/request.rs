//! Requests as bytes.

use super::KEY;

/// A body that every scripted provider is fine with.
pub const BODY: &str = r#"{"model":"gpt","messages":[]}"#;

/// A chat request with these header lines, each ending in CRLF, and this body; framing is the caller's business.
pub fn chat(fields: &str, body: &str) -> String {
    format!("POST /v1/chat/completions HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {KEY}\r\n{fields}\r\n{body}")
}

/// A chat request whose body is framed by its length.
pub fn chat_with(body: &str) -> String {
    chat(&format!("content-length: {}\r\n", body.len()), body)
}

/// The plainest chat request.
pub fn plain() -> String {
    chat_with(BODY)
}

/// A body that asks for a model, and for a stream.
pub fn streamed(model: &str) -> String {
    format!(r#"{{"model":"{model}","stream":true,"messages":[]}}"#)
}

/// `body` in chunks of these sizes, over and over.
pub fn in_chunks(body: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(body.len() + body.len() / 8 + 64);
    let (mut rest, mut sizes) = (body, sizes.iter().cycle());
    while !rest.is_empty() {
        let size = (*sizes.next().expect("sizes")).min(rest.len());
        framed.extend_from_slice(format!("{size:x}\r\n").as_bytes());
        framed.extend_from_slice(&rest[..size]);
        framed.extend_from_slice(b"\r\n");
        rest = &rest[size..];
    }
    framed.extend_from_slice(b"0\r\n\r\n");
    framed
}
