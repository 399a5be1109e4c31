//! A client's HTTP/1.1 connection: one request after the other.

use std::future::poll_fn;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pingora_core::protocols::Stream;
use router_core::domain::Tick;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio_util::io::poll_read_buf;

use super::{BodyFault, Client, Gone, Scratch};
use crate::clock;
use crate::config::{Deadlines, Limits};
use crate::http1::{BodyDecoder, HeadError, RequestFraming, RequestHead, Version, parse_request};
use crate::listener::H2_PREFACE;
use crate::reason::reason_phrase;
use crate::timer::Timer;

/// First size of the buffer for requests; larger ones grow it, and it does not stay larger than the second.
const READ_FIRST: usize = 4 << 10;
const READ_KEPT: usize = 64 << 10;
/// Size of the buffer for answers that is kept between requests.
const WRITE_KEPT: usize = 64 << 10;
/// Data up to this size is copied behind its head, so that one plain write sends both.
const COPIED_MAX: usize = 2 << 10;
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
const END_AND_LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";
/// Bytes of following requests that are read while one is being answered.
const PIPELINED_MAX: usize = 16 << 10;
/// How much of an unwanted body is read past, and for how long, so that the client sees our answer before a reset.
const LINGER_BYTES: usize = 1 << 20;
const LINGER: Duration = Duration::from_secs(2);

/// What follows an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// The next request may come.
    KeepAlive,
    /// The connection ends.
    Close,
}

/// What a connection brought.
pub(crate) enum Arrival<T> {
    /// What the reader made of a request's head, and the head's length.
    Head(T, usize),
    /// The preface of HTTP/2.
    Http2,
    /// The client left, or sent nothing in time.
    Nothing,
    /// Something that cannot be answered but with an error.
    Bad(HeadError),
    /// The head took too long.
    TooSlow,
}

/// A connection with its buffers.
pub(crate) struct H1Connection {
    stream: Stream,
    deadlines: Deadlines,
    limits: Limits,
    timer: Timer,
    scratch: Scratch,
    /// `[head][body without framing]…[raw bytes]`; see the offsets.
    buf: BytesMut,
    head_len: usize,
    body_end: usize,
    raw_start: usize,
    decoder: BodyDecoder,
    announced: Option<u64>,
    continue_due: bool,
    out: Vec<u8>,
    version: Version,
    keep_alive: bool,
    chunked: bool,
    /// Whether the answer has no body: a request by `HEAD`.
    bodiless: bool,
    gone: bool,
}

impl H1Connection {
    pub(crate) fn new(stream: Stream, limits: Limits, deadlines: Deadlines) -> Self {
        Self {
            stream,
            deadlines,
            limits,
            timer: Timer::new(deadlines.client_idle),
            scratch: Scratch::default(),
            buf: BytesMut::with_capacity(READ_FIRST),
            head_len: 0,
            body_end: 0,
            raw_start: 0,
            decoder: BodyDecoder::length(0),
            announced: None,
            continue_due: false,
            out: Vec::new(),
            version: Version::Http11,
            keep_alive: true,
            chunked: false,
            bodiless: false,
            gone: false,
        }
    }

    /// The connection and what was read from it, for another protocol.
    pub(crate) fn into_parts(self) -> (Stream, BytesMut) {
        (self.stream, self.buf)
    }

    /// Waits for the next request's head and lets `reader` make something of it.
    pub(crate) async fn next_head<T>(&mut self, reader: impl FnOnce(&RequestHead<'_>) -> T) -> Arrival<T> {
        self.forget_request();
        let idle_until = clock::now().after(self.deadlines.client_idle);
        let mut head_until = None;
        loop {
            if !self.buf.is_empty() {
                if self.buf.starts_with(H2_PREFACE) {
                    return Arrival::Http2;
                }
                if !H2_PREFACE.starts_with(&self.buf) {
                    match parse_request(&self.buf, self.limits.head_bytes_max) {
                        Ok(Some((head, len))) => return Arrival::Head(reader(&head), len),
                        Ok(None) => {}
                        Err(error) => return Arrival::Bad(error),
                    }
                }
                head_until.get_or_insert_with(|| clock::now().after(self.deadlines.client_head));
            }
            match self.read_until(head_until.unwrap_or(idle_until)).await {
                Some(0) => return Arrival::Nothing,
                Some(_) => {}
                None if head_until.is_none() => return Arrival::Nothing,
                None => return Arrival::TooSlow,
            }
        }
    }

    /// Turns to the body of the request with this head.
    pub(crate) fn start_body(&mut self, shape: Shape, head_len: usize) {
        (self.head_len, self.body_end, self.raw_start) = (head_len, head_len, head_len);
        self.version = shape.version;
        self.keep_alive = shape.keep_alive;
        self.bodiless = shape.bodiless;
        (self.decoder, self.announced) = match shape.framing {
            RequestFraming::Length(length) => (BodyDecoder::length(length), Some(length)),
            RequestFraming::Chunked | RequestFraming::Stream => (BodyDecoder::chunked(), None),
        };
        // RFC 9110, 10.1.1: HTTP/1.0 has no interim answers.
        let expected = shape.expects_continue && shape.version == Version::Http11;
        self.continue_due = expected && !self.decoder.is_ended();
    }

    /// Ends the connection after this answer.
    pub(crate) fn forbid_keep_alive(&mut self) {
        self.keep_alive = false;
    }

    /// Makes the connection ready for the next request, or ends it.
    pub(crate) async fn finish(&mut self) -> After {
        if self.gone {
            return After::Close;
        }
        if self.keep_alive && self.decoder.is_ended() {
            return After::KeepAlive;
        }
        self.linger().await;
        After::Close
    }

    /// Closes our side and reads on for a while: a reset for unread bytes would destroy the answer on its way.
    async fn linger(&mut self) {
        let _ = self.stream.shutdown().await;
        let until = clock::now().after(LINGER);
        let mut read = 0;
        while read < LINGER_BYTES {
            self.buf.clear();
            match self.read_until(until).await {
                Some(bytes) if bytes > 0 => read += bytes,
                _ => return,
            }
        }
    }

    fn forget_request(&mut self) {
        let left = self.buf.len() - self.raw_start;
        self.buf.copy_within(self.raw_start.., 0);
        self.buf.truncate(left);
        if self.buf.capacity() > READ_KEPT && left < READ_FIRST {
            let mut buf = BytesMut::with_capacity(READ_FIRST);
            buf.extend_from_slice(&self.buf);
            self.buf = buf;
        }
        (self.head_len, self.body_end, self.raw_start) = (0, 0, 0);
        (self.chunked, self.bodiless) = (false, false);
    }

    /// Reads once; gives the bytes read, 0 when the client left, `None` when `deadline` passed first.
    async fn read_until(&mut self, deadline: Tick) -> Option<usize> {
        poll_fn(|cx| match self.poll_read(cx) {
            Poll::Ready(bytes) => Poll::Ready(Some(bytes)),
            Poll::Pending => self.timer.poll(cx, deadline).map(|()| None),
        })
        .await
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        if self.buf.capacity() - self.buf.len() < READ_FIRST / 4 {
            self.buf.reserve(READ_FIRST);
        }
        let read = ready!(poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.buf)).unwrap_or(0);
        self.gone |= read == 0;
        Poll::Ready(read)
    }

    fn decode(&mut self) -> Result<bool, BodyFault> {
        let decoded =
            self.decoder.decode(&mut self.buf, self.body_end, self.raw_start).map_err(BodyFault::Malformed)?;
        (self.body_end, self.raw_start) = (decoded.body_end, decoded.raw_start);
        if self.body_end - self.head_len > self.limits.body_bytes_max {
            return Err(BodyFault::TooLarge);
        }
        if !decoded.ended && self.raw_start == self.buf.len() {
            // Framing that was taken off leaves a gap: reads go on right after the body.
            self.buf.truncate(self.body_end);
            self.raw_start = self.body_end;
        }
        Ok(decoded.ended)
    }

    /// Sends the buffer, `data` and `tail`, in one write if the socket takes it.
    async fn write_all(&mut self, data: &[u8], tail: &[u8]) -> Result<(), Gone> {
        let mut written = 0;
        let mut stalled_at = None;
        let (stream, timer) = (&mut self.stream, &mut self.timer);
        let pieces = [self.out.as_slice(), data, tail];
        let allowed = self.deadlines.client_write;
        let result = poll_fn(|cx| {
            loop {
                match poll_write_after(Pin::new(&mut *stream), cx, pieces, written) {
                    None => return Pin::new(&mut *stream).poll_flush(cx).map_err(|_| Gone),
                    Some(Poll::Ready(Ok(bytes))) if bytes > 0 => {
                        written += bytes;
                        stalled_at = None;
                    }
                    Some(Poll::Ready(_)) => return Poll::Ready(Err(Gone)),
                    Some(Poll::Pending) => {
                        let since = *stalled_at.get_or_insert_with(clock::now);
                        return timer.poll(cx, since.after(allowed)).map(|()| Err(Gone));
                    }
                }
            }
        })
        .await;
        self.out.clear();
        self.out.shrink_to(WRITE_KEPT);
        self.gone |= result.is_err();
        result
    }
}

/// Writes what is left of `pieces` after `written` bytes; `None` when nothing is.
fn poll_write_after(
    stream: Pin<&mut Stream>,
    cx: &mut Context<'_>,
    pieces: [&[u8]; 3],
    written: usize,
) -> Option<Poll<std::io::Result<usize>>> {
    let mut slices = [IoSlice::new(&[]); 3];
    let (mut count, mut skip) = (0, written);
    for piece in pieces {
        if skip < piece.len() {
            slices[count] = IoSlice::new(&piece[skip..]);
            count += 1;
        }
        skip = skip.saturating_sub(piece.len());
    }
    match count {
        0 => None,
        1 => Some(stream.poll_write(cx, &slices[0])),
        _ => Some(stream.poll_write_vectored(cx, &slices[..count])),
    }
}

/// What a request's head says about its body and connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    version: Version,
    framing: RequestFraming,
    keep_alive: bool,
    expects_continue: bool,
    bodiless: bool,
}

impl From<&RequestHead<'_>> for Shape {
    fn from(head: &RequestHead<'_>) -> Self {
        Self {
            version: head.version,
            framing: head.framing,
            keep_alive: head.keep_alive,
            expects_continue: head.expects_continue,
            bodiless: head.method == "HEAD",
        }
    }
}

impl Client for H1Connection {
    fn body(&self) -> &[u8] {
        &self.buf[self.head_len..self.body_end]
    }

    fn announced_length(&self) -> Option<u64> {
        self.announced
    }

    async fn read_more(&mut self) -> Result<bool, BodyFault> {
        if self.decode()? {
            return Ok(true);
        }
        if std::mem::take(&mut self.continue_due) && self.body().is_empty() {
            self.out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            self.write_all(&[], &[]).await.map_err(|Gone| BodyFault::Gone)?;
        }
        if let Some(left) = self.decoder.remaining().and_then(|left| usize::try_from(left).ok()) {
            self.buf.reserve(left.min(self.limits.body_bytes_max));
        }
        match self.read_until(clock::now().after(self.deadlines.client_body)).await {
            None => Err(BodyFault::TooSlow),
            Some(0) => Err(BodyFault::Gone),
            Some(_) => self.decode(),
        }
    }

    fn take_body(&mut self) -> Bytes {
        let mut rest = BytesMut::with_capacity(READ_FIRST);
        rest.extend_from_slice(&self.buf[self.raw_start..]);
        let mut whole = std::mem::replace(&mut self.buf, rest);
        whole.truncate(self.body_end);
        let body = whole.split_off(self.head_len).freeze();
        (self.head_len, self.body_end, self.raw_start) = (0, 0, 0);
        body
    }

    fn scratch(&mut self) -> &mut Scratch {
        &mut self.scratch
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.buf.len() - self.raw_start < PIPELINED_MAX {
            if ready!(self.poll_read(cx)) == 0 {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Tick) -> Poll<()> {
        self.timer.poll(cx, deadline)
    }

    fn begin(&mut self, status: u16, lines: &[u8], length: Option<usize>) {
        // A body that nobody wanted but that is here already does not end the connection.
        self.keep_alive &= self.decoder.is_ended() || self.decode() == Ok(true);
        let out = &mut self.out;
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(itoa::Buffer::new().format(status).as_bytes());
        out.push(b' ');
        out.extend_from_slice(reason_phrase(status).as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(lines);
        match length {
            Some(length) => {
                out.extend_from_slice(b"content-length: ");
                out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
                out.extend_from_slice(b"\r\n");
            }
            None if self.version == Version::Http11 => {
                self.chunked = true;
                out.extend_from_slice(b"transfer-encoding: chunked\r\n");
            }
            // HTTP/1.0 has no chunks: the connection's end is the body's.
            None => self.keep_alive = false,
        }
        if !self.keep_alive {
            out.extend_from_slice(b"connection: close\r\n");
        }
        out.extend_from_slice(b"\r\n");
    }

    fn push(&mut self, data: &[u8]) {
        if data.is_empty() || self.bodiless {
            return;
        }
        if self.chunked {
            write_hex(&mut self.out, data.len());
            self.out.extend_from_slice(b"\r\n");
        }
        self.out.extend_from_slice(data);
        if self.chunked {
            self.out.extend_from_slice(b"\r\n");
        }
    }

    async fn flush(&mut self, data: &[u8], end: bool) -> Result<(), Gone> {
        if data.len() <= COPIED_MAX {
            self.push(data);
            if self.chunked && end {
                self.out.extend_from_slice(LAST_CHUNK);
            }
            return if self.out.is_empty() { Ok(()) } else { self.write_all(&[], &[]).await };
        }
        if !self.chunked {
            return self.write_all(data, &[]).await;
        }
        write_hex(&mut self.out, data.len());
        self.out.extend_from_slice(b"\r\n");
        self.write_all(data, if end { END_AND_LAST_CHUNK } else { b"\r\n" }).await
    }

    fn abort(&mut self) {
        self.keep_alive = false;
        self.gone = true;
    }
}

fn write_hex(out: &mut Vec<u8>, number: usize) {
    let digits = (usize::BITS - number.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        out.push(b"0123456789abcdef"[number >> (digit * 4) & 15]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_size_is_hexadecimal() {
        for number in [0, 1, 9, 15, 16, 255, 4096, 65_537, usize::MAX] {
            let mut out = Vec::new();
            write_hex(&mut out, number);
            assert_eq!(out, format!("{number:x}").into_bytes());
        }
    }
}
