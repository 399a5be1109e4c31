//! Reads one HTTP answer and judges it. Does no I/O: bytes go in, any split of them gives the same verdict.

use std::fmt;
use std::ops::RangeInclusive;

use crate::pair::Pair;
use crate::script::{Behaviour, DONE, json_body_bytes};

/// Bytes of a body's end that are kept.
const TAIL_BYTES: usize = 32;
const HEAD_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;
/// How much of a refusal is kept to show it to a person.
const REFUSAL_BYTES_MAX: usize = 400;

/// What a right answer looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// A body of exactly this many bytes.
    Body(usize),
    /// A stream with this many events that ends in `[DONE]`.
    Stream(RangeInclusive<usize>),
    /// A stream of any dialect with at least so many bytes.
    Events(usize),
}

impl Expect {
    /// What a client is to get of a stream between two dialects.
    pub(crate) const fn mixed() -> Self {
        Self::Events(Pair::answer_bytes_min())
    }

    /// What the mock's script promises. A gateway may pass on one usage event that it asked for itself.
    pub(crate) fn of(behaviour: Behaviour) -> Self {
        match behaviour {
            Behaviour::Json => Self::Body(json_body_bytes()),
            Behaviour::Paced | Behaviour::Burst | Behaviour::Open => {
                Self::Stream(behaviour.events()..=behaviour.events() + 1)
            }
        }
    }
}

/// Why an answer is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Not 200; with the beginning of what was said instead.
    Status(u16, String),
    /// Not HTTP, or not the part of it that we speak.
    Malformed(&'static str),
    /// The body has another length than the script.
    BodyBytes(usize),
    /// The stream lost or gained events.
    Events(usize),
    /// The stream ended without `[DONE]`.
    NotDone,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status, said) => write!(f, "answered {status}: {said}"),
            Self::Malformed(what) => write!(f, "malformed answer: {what}"),
            Self::BodyBytes(bytes) => write!(f, "the body has {bytes} bytes"),
            Self::Events(events) => write!(f, "the stream has {events} events"),
            Self::NotDone => f.write_str("the stream ended without [DONE]"),
        }
    }
}

enum State {
    Head(Vec<u8>),
    Sized { left: usize },
    ChunkSize { size: usize },
    ChunkData { left: usize },
    ChunkEnd { last: bool },
    Complete,
}

/// One answer as it arrives.
pub(crate) struct Answer {
    state: State,
    status: u16,
    body_bytes: usize,
    events: usize,
    tail: Tail,
    refusal: Vec<u8>,
}

impl Answer {
    /// An answer of which nothing has arrived.
    pub(crate) const fn new() -> Self {
        let state = State::Head(Vec::new());
        Self { state, status: 0, body_bytes: 0, events: 0, tail: Tail::new(), refusal: Vec::new() }
    }

    /// Takes what was read; `true` once the answer is complete.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Result<bool, Wrong> {
        while !bytes.is_empty() {
            bytes = match &mut self.state {
                State::Head(_) => self.feed_head(bytes)?,
                State::Sized { left } | State::ChunkData { left } => {
                    let (payload, rest) = bytes.split_at(bytes.len().min(*left));
                    *left -= payload.len();
                    self.take(payload);
                    self.after_payload();
                    rest
                }
                State::ChunkSize { .. } | State::ChunkEnd { .. } => self.feed_framing(bytes)?,
                State::Complete => return Err(Wrong::Malformed("bytes after the end")),
            };
        }
        Ok(matches!(self.state, State::Complete))
    }

    /// Events seen so far.
    pub(crate) const fn events(&self) -> usize {
        self.events
    }

    /// Status, once the head is complete.
    pub(crate) const fn status(&self) -> u16 {
        self.status
    }

    /// Judges the complete answer.
    pub(crate) fn verify(&self, expect: &Expect) -> Result<(), Wrong> {
        if self.status != 200 {
            return Err(Wrong::Status(self.status, String::from_utf8_lossy(&self.refusal).into_owned()));
        }
        match expect {
            Expect::Body(bytes) if *bytes == self.body_bytes => Ok(()),
            Expect::Body(_) => Err(Wrong::BodyBytes(self.body_bytes)),
            Expect::Stream(_) if !self.tail.ends_with(DONE) => Err(Wrong::NotDone),
            Expect::Stream(events) if events.contains(&self.events) => Ok(()),
            Expect::Stream(_) => Err(Wrong::Events(self.events)),
            Expect::Events(_) if !self.tail.ends_with(b"\n") => Err(Wrong::NotDone),
            Expect::Events(least) if self.body_bytes >= *least => Ok(()),
            Expect::Events(_) => Err(Wrong::BodyBytes(self.body_bytes)),
        }
    }

    /// Collects the head; gives what follows it.
    fn feed_head<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], Wrong> {
        let State::Head(seen) = &mut self.state else { return Ok(bytes) };
        let before = seen.len();
        seen.extend_from_slice(&bytes[..bytes.len().min(HEAD_BYTES_MAX - before)]);
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut head = httparse::Response::new(&mut headers);
        match head.parse(seen).map_err(|_| Wrong::Malformed("head"))? {
            httparse::Status::Partial if seen.len() >= HEAD_BYTES_MAX => Err(Wrong::Malformed("head too long")),
            httparse::Status::Partial => Ok(&[]),
            httparse::Status::Complete(length) => {
                self.status = head.code.unwrap_or(0);
                self.state = framing(head.headers)?;
                Ok(&bytes[length - before..])
            }
        }
    }

    /// Reads chunk sizes and the line ends between chunks, a byte at a time: there are few of them.
    fn feed_framing<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], Wrong> {
        let (byte, rest) = (bytes[0], &bytes[1..]);
        match &mut self.state {
            State::ChunkSize { size } => match char::from(byte).to_digit(16) {
                Some(digit) if *size <= usize::MAX >> 8 => *size = (*size << 4) | digit as usize,
                None if byte == b'\n' && *size == 0 => self.state = State::ChunkEnd { last: true },
                None if byte == b'\n' => self.state = State::ChunkData { left: *size },
                None if byte == b'\r' => {}
                _ => return Err(Wrong::Malformed("chunk size")),
            },
            State::ChunkEnd { last } => match (byte, *last) {
                (b'\r', _) => {}
                (b'\n', true) => self.state = State::Complete,
                (b'\n', false) => self.state = State::ChunkSize { size: 0 },
                _ => return Err(Wrong::Malformed("end of chunk")),
            },
            State::Head(_) | State::Sized { .. } | State::ChunkData { .. } | State::Complete => {}
        }
        Ok(rest)
    }

    fn after_payload(&mut self) {
        match self.state {
            State::Sized { left: 0 } => self.state = State::Complete,
            State::ChunkData { left: 0 } => self.state = State::ChunkEnd { last: false },
            _ => {}
        }
    }

    /// Counts bytes and events of the body.
    fn take(&mut self, payload: &[u8]) {
        self.body_bytes += payload.len();
        self.events += memchr::memchr_iter(b'\n', payload)
            .filter(|at| if *at == 0 { self.tail.last() == b'\n' } else { payload[at - 1] == b'\n' })
            .count();
        self.tail.push(payload);
        if self.status != 200 {
            let room = REFUSAL_BYTES_MAX.saturating_sub(self.refusal.len());
            self.refusal.extend_from_slice(&payload[..payload.len().min(room)]);
        }
    }
}

/// How the body is delimited.
fn framing(headers: &[httparse::Header<'_>]) -> Result<State, Wrong> {
    for header in headers {
        if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Ok(State::ChunkSize { size: 0 });
        }
        if header.name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(header.value).unwrap_or_default();
            let left = text.trim().parse().map_err(|_| Wrong::Malformed("content-length"))?;
            return Ok(if left == 0 { State::Complete } else { State::Sized { left } });
        }
    }
    Err(Wrong::Malformed("neither content-length nor transfer-encoding"))
}

/// The last bytes of a body, enough to recognise its end.
struct Tail([u8; TAIL_BYTES]);

impl Tail {
    const fn new() -> Self {
        Self([0; TAIL_BYTES])
    }

    fn push(&mut self, payload: &[u8]) {
        let fresh = &payload[payload.len().saturating_sub(TAIL_BYTES)..];
        self.0.rotate_left(fresh.len());
        self.0[TAIL_BYTES - fresh.len()..].copy_from_slice(fresh);
    }

    const fn last(&self) -> u8 {
        self.0[TAIL_BYTES - 1]
    }

    fn ends_with(&self, end: &[u8]) -> bool {
        self.0.ends_with(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{BURST_WRITES, Script};

    fn stream() -> Vec<u8> {
        let script = Script::new();
        [script.opening, script.burst.repeat(BURST_WRITES), script.closing].concat()
    }

    #[test]
    fn every_split_of_an_answer_gives_the_same_verdict() {
        let (stream, json) = (stream(), Script::new().json);
        for (bytes, behaviour) in [(stream, Behaviour::Burst), (json, Behaviour::Json)] {
            for step in [1, 2, 3, 7, 250, 4096, bytes.len()] {
                let mut answer = Answer::new();
                let mut complete = false;
                for piece in bytes.chunks(step) {
                    assert!(!complete);
                    complete = answer.feed(piece).unwrap();
                }
                assert!(complete, "step {step}");
                assert_eq!(answer.verify(&Expect::of(behaviour)), Ok(()), "step {step}");
            }
        }
    }

    #[test]
    fn a_usage_event_that_the_gateway_asked_for_is_fine_and_a_lost_event_is_not() {
        let script = Script::new();
        let verdict = |bursts: usize, closing: &[u8]| {
            let mut answer = Answer::new();
            let bytes = [script.opening.clone(), script.burst.repeat(bursts), closing.to_vec()].concat();
            assert_eq!(answer.feed(&bytes), Ok(true));
            answer.verify(&Expect::of(Behaviour::Burst))
        };
        assert_eq!(verdict(BURST_WRITES, &script.closing_with_usage), Ok(()));
        assert_eq!(verdict(BURST_WRITES - 1, &script.closing), Err(Wrong::Events(Behaviour::Burst.events() - 20)));
        assert_eq!(verdict(BURST_WRITES, b"0\r\n\r\n"), Err(Wrong::NotDone));
    }

    #[test]
    fn a_refusal_is_shown() {
        let mut answer = Answer::new();
        let done = answer.feed(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 6\r\n\r\nno key");
        assert_eq!(done, Ok(true));
        assert_eq!(answer.verify(&Expect::Body(6)), Err(Wrong::Status(401, "no key".into())));
    }

    #[test]
    fn bytes_after_the_end_are_an_error() {
        let answer = |bytes: &[u8]| Answer::new().feed(bytes);
        assert_eq!(answer(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx"), Ok(true));
        assert!(answer(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxy").is_err());
    }
}
