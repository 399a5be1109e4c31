//! Heads that chance made: none brings the parser down, and how a head was split never matters.

use proptest::prelude::*;
use tollgate_proxy::http1::{RequestFraming, parse_request, parse_response};

const HEAD_BYTES_MAX: usize = 2048;
const HEADS: [&str; 4] = [
    "POST /v1/chat/completions?a=b HTTP/1.1\r\nHost: h:80\r\nContent-Length: 12\r\nAuthorization: Bearer k\r\n\r\n",
    "\r\nPOST http://h/v1/x HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n",
    "GET * HTTP/1.0\r\nConnection: keep-alive, close\r\nx-api-key: \u{e4}\r\nContent-Encoding:\tgzip \r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nretry-after: 3\r\ntransfer-encoding: chunked\r\n\r\n",
];
/// What smuggling is made of.
const PIECES: [&str; 16] = [
    "\r",
    "\n",
    "\r\n",
    "\r\n\r\n",
    " ",
    "\t",
    "\0",
    ":",
    ",",
    "+",
    "chunked",
    "Content-Length: 3\r\n",
    "HTTP/1.1",
    "\u{e4}",
    "Transfer-Encoding: chunked\r\n",
    "Host: x\r\n",
];

/// One change to a head, at a place given as a part of its length.
#[derive(Clone, Debug)]
enum Change {
    Set(f64, u8),
    Cut(f64, usize),
    Insert(f64, usize),
    Double(f64, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let place = || 0.0..1.0;
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (place(), 1usize..20).prop_map(|(at, len)| Change::Cut(at, len)),
        (place(), 0..PIECES.len()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (place(), 1usize..40).prop_map(|(at, len)| Change::Double(at, len)),
    ]
}

fn changed(head: &str, changes: &[Change]) -> Vec<u8> {
    let mut bytes = head.as_bytes().to_vec();
    for change in changes {
        let (Change::Set(at, _) | Change::Cut(at, _) | Change::Insert(at, _) | Change::Double(at, _)) = change;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a small length")]
        let at = (bytes.len() as f64 * at) as usize;
        let end = |len: &usize| (at + len).min(bytes.len());
        match change {
            Change::Set(_, byte) => bytes.splice(at..(at + 1).min(bytes.len()), [*byte]).for_each(drop),
            Change::Cut(_, len) => bytes.drain(at..end(len)).for_each(drop),
            Change::Insert(_, piece) => bytes.splice(at..at, PIECES[*piece].bytes()).for_each(drop),
            Change::Double(_, len) => {
                let twice = bytes[at..end(len)].to_vec();
                bytes.splice(at..at, twice).for_each(drop);
            }
        }
    }
    bytes
}

fn has_bare_line_end(head: &[u8]) -> bool {
    let pairs = head.windows(2).filter(|pair| pair == b"\r\n").count();
    let count = |wanted: u8| head.iter().filter(|byte| **byte == wanted).count();
    count(b'\r') != pairs || count(b'\n') != pairs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_changed_head_is_read_the_same_in_every_split_or_refused(
        head in 0..HEADS.len(),
        changes in prop::collection::vec(change(), 0..5),
    ) {
        let bytes = changed(HEADS[head], &changes);
        let _ = parse_response(&bytes, HEAD_BYTES_MAX);
        if let Ok(Some((head, len))) = parse_request(&bytes, HEAD_BYTES_MAX) {
            let raw = &bytes[..len];
            prop_assert!(raw.ends_with(b"\r\n\r\n") && !has_bare_line_end(raw) && !raw.contains(&0));
            let text = String::from_utf8_lossy(raw).to_ascii_lowercase();
            let lengths = text.matches("\ncontent-length:").count();
            let codings = text.matches("\ntransfer-encoding:").count();
            prop_assert!(lengths + codings <= 1, "two framings: {text:?}");
            let framing = match (lengths, codings) {
                (0, 0) => head.framing == RequestFraming::Length(0),
                (1, _) => matches!(head.framing, RequestFraming::Length(_)),
                _ => head.framing == RequestFraming::Chunked,
            };
            prop_assert!(framing, "{:?}: {text:?}", head.framing);
            for end in 0..len {
                prop_assert!(matches!(parse_request(&bytes[..end], HEAD_BYTES_MAX), Ok(None)), "cut at {end}: {text:?}");
            }
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_request(&bytes, HEAD_BYTES_MAX);
        let _ = parse_response(&bytes, HEAD_BYTES_MAX);
    }
}
