//! `application/vnd.amazon.eventstream`: the binary frames that AWS streams in, without I/O.
//!
//! A frame is: its length and its headers' length (32 bits each, big-endian), the CRC-32 of those, headers, payload, the
//! CRC-32 of all before. The splitter works on a window that the caller owns, like [`crate::sse::Splitter`]; it copies
//! nothing, and looks at nothing but the prelude until a frame is whole. A fault is final: there is no telling where the
//! next frame would start.

use std::ops::Range;

/// The longest frame that is accepted.
pub const FRAME_BYTES_MAX: usize = 16 << 20;
/// The longest headers that AWS allows.
const HEADERS_BYTES_MAX: usize = 128 << 10;
/// Lengths and their checksum.
const PRELUDE: usize = 12;
/// The checksum at the end.
const CHECKSUM: usize = 4;

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The checksum of the lengths is wrong: these are no frames, or bytes were lost.
    #[error("the prelude's checksum is wrong")]
    PreludeChecksum,
    /// The frame is shorter than its parts, or longer than [`FRAME_BYTES_MAX`].
    #[error("the frame's length is out of bounds")]
    Length,
    /// The checksum of the frame is wrong.
    #[error("the frame's checksum is wrong")]
    Checksum,
    /// The headers end in the middle of one, or have a type that does not exist.
    #[error("the headers are malformed")]
    Headers,
    /// No header says what the frame is.
    #[error("the frame has no known :message-type")]
    Kind,
}

/// Finds the frames of one stream, one after the other.
#[derive(Debug, Default)]
pub struct Splitter {
    /// The open frame's lengths, once they have been checked.
    open: Option<Lengths>,
}

#[derive(Clone, Copy, Debug)]
struct Lengths {
    total: usize,
    headers: usize,
}

/// What a frame is, by its `:message-type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something happened.
    Event,
    /// Something that the API's model knows went wrong.
    Exception,
    /// Something else went wrong.
    Error,
}

/// A whole frame. Ranges are counted from its first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// All its bytes.
    pub len: usize,
    /// What it is.
    pub kind: Kind,
    /// Where its `:event-type`, `:exception-type` or `:error-code` stands.
    name: Range<usize>,
    /// Where its `:error-message` stands.
    error_message: Range<usize>,
    /// Where its payload stands.
    pub payload: Range<usize>,
}

impl Message {
    /// The event's, exception's or error's name; `window` starts where the frame starts.
    pub fn name<'w>(&self, window: &'w [u8]) -> &'w str {
        text(window, &self.name)
    }

    /// For people, what went wrong: an error has no payload.
    pub fn error_message<'w>(&self, window: &'w [u8]) -> &'w str {
        text(window, &self.error_message)
    }

    /// The payload.
    pub fn payload<'w>(&self, window: &'w [u8]) -> &'w [u8] {
        &window[self.payload.clone()]
    }
}

/// Headers were checked when the frame was read.
fn text<'w>(window: &'w [u8], range: &Range<usize>) -> &'w str {
    std::str::from_utf8(&window[range.clone()]).unwrap_or_default()
}

impl Splitter {
    /// At the start of a stream.
    pub const fn new() -> Self {
        Self { open: None }
    }

    /// The frame that starts where `window` starts, once it is there as a whole: the caller takes its bytes away before
    /// it asks again. `None` means: ask again with the same bytes and more.
    ///
    /// # Errors
    /// When there is no frame. It will not get better.
    pub fn next(&mut self, window: &[u8]) -> Result<Option<Message>, Fault> {
        let lengths = match self.open {
            Some(lengths) => lengths,
            None if window.len() < PRELUDE => return Ok(None),
            None => *self.open.insert(lengths(window)?),
        };
        if window.len() < lengths.total {
            return Ok(None);
        }
        let frame = &window[..lengths.total];
        let body = lengths.total - CHECKSUM;
        if crc32fast::hash(&frame[..body]) != number(&frame[body..]) {
            return Err(Fault::Checksum);
        }
        let message = message(frame, lengths)?;
        self.open = None;
        Ok(Some(message))
    }
}

fn lengths(window: &[u8]) -> Result<Lengths, Fault> {
    if crc32fast::hash(&window[..8]) != number(&window[8..]) {
        return Err(Fault::PreludeChecksum);
    }
    let size = |bytes| usize::try_from(number(bytes)).unwrap_or(usize::MAX);
    let (total, headers) = (size(window), size(&window[4..]));
    let fits = headers <= HEADERS_BYTES_MAX && total <= FRAME_BYTES_MAX && PRELUDE + headers + CHECKSUM <= total;
    if fits { Ok(Lengths { total, headers }) } else { Err(Fault::Length) }
}

/// The number at the start of `bytes`.
fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn message(frame: &[u8], lengths: Lengths) -> Result<Message, Fault> {
    let end = PRELUDE + lengths.headers;
    let (mut at, mut kind, mut found) = (PRELUDE, None, [const { 0..0 }; 4]);
    while at < end {
        let (name, value, is_text) = header(&frame[..end], &mut at).ok_or(Fault::Headers)?;
        if !is_text {
            continue;
        }
        let word = std::str::from_utf8(&frame[value.clone()]).map_err(|_| Fault::Headers)?;
        match &frame[name] {
            b":message-type" => kind = kind_named(word),
            b":event-type" => found[0] = value,
            b":exception-type" => found[1] = value,
            b":error-code" => found[2] = value,
            b":error-message" => found[3] = value,
            _ => {}
        }
    }
    let kind = kind.ok_or(Fault::Kind)?;
    let [event, exception, code, error_message] = found;
    let name = match kind {
        Kind::Event => event,
        Kind::Exception => exception,
        Kind::Error => code,
    };
    Ok(Message { len: frame.len(), kind, name, error_message, payload: end..frame.len() - CHECKSUM })
}

fn kind_named(word: &str) -> Option<Kind> {
    match word {
        "event" => Some(Kind::Event),
        "exception" => Some(Kind::Exception),
        "error" => Some(Kind::Error),
        _ => None,
    }
}

/// The header at `at`, which moves behind it: where its name and its value stand, and whether the value is text.
fn header(headers: &[u8], at: &mut usize) -> Option<(Range<usize>, Range<usize>, bool)> {
    let mut take = |len: usize| {
        let range = *at..at.checked_add(len)?;
        headers.get(range.clone())?;
        *at = range.end;
        Some(range)
    };
    let name_len = usize::from(headers[take(1)?.start]);
    let name = take(name_len)?;
    let kind = headers[take(1)?.start];
    let len = match kind {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        6 | 7 => {
            let len = take(2)?;
            usize::from(u16::from_be_bytes([headers[len.start], headers[len.start + 1]]))
        }
        9 => 16,
        _ => return None,
    };
    Some((name, take(len)?, kind == 7))
}

/// Appends a frame, as a provider would send it.
///
/// # Panics
/// When a header's name is longer than 255 bytes, its value longer than 65 535, or the frame longer than four gigabytes.
pub fn encode(out: &mut Vec<u8>, headers: &[(&str, &str)], payload: &[u8]) {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(u8::try_from(name.len()).expect("names are short"));
        head.extend_from_slice(name.as_bytes());
        head.push(7);
        head.extend_from_slice(&u16::try_from(value.len()).expect("values are short").to_be_bytes());
        head.extend_from_slice(value.as_bytes());
    }
    let start = out.len();
    let size = |len: usize| u32::try_from(len).expect("frames are short").to_be_bytes();
    out.extend_from_slice(&size(PRELUDE + head.len() + payload.len() + CHECKSUM));
    out.extend_from_slice(&size(head.len()));
    out.extend_from_slice(&crc32fast::hash(&out[start..]).to_be_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(payload);
    out.extend_from_slice(&crc32fast::hash(&out[start..]).to_be_bytes());
}

/// Appends an event with a JSON payload.
pub fn encode_event(out: &mut Vec<u8>, event_type: &str, json: &str) {
    let headers = [(":event-type", event_type), (":content-type", "application/json"), (":message-type", "event")];
    encode(out, &headers, json.as_bytes());
}

/// Appends an exception with a JSON payload.
pub fn encode_exception(out: &mut Vec<u8>, exception_type: &str, json: &str) {
    let headers =
        [(":exception-type", exception_type), (":content-type", "application/json"), (":message-type", "exception")];
    encode(out, &headers, json.as_bytes());
}
