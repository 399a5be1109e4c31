//! The bytes of an answer that are not yet decided upon, in one piece.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

use crate::http1::{BodyDecoder, BodyError};

/// Room that a read is offered at least, and the first size of a buffer.
const READ_MIN: usize = 4 << 10;
const READ_FIRST: usize = 16 << 10;
/// A buffer that a read filled grows up to this, so that what arrives together leaves together.
const READ_MAX: usize = 64 << 10;

/// A buffer that holds, in this order: bytes that were taken, the window, and raw bytes whose framing is still on.
#[derive(Debug, Default)]
pub(crate) struct Window {
    buf: Vec<u8>,
    start: usize,
    end: usize,
    raw: usize,
}

impl Window {
    /// Starts with an empty window in a buffer that was used before.
    pub(crate) fn reusing(mut buf: Vec<u8>) -> Self {
        buf.clear();
        Self { buf, start: 0, end: 0, raw: 0 }
    }

    /// Gives the buffer back for the next answer, unless it grew beyond what is worth keeping.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        if self.buf.capacity() > READ_MAX { Vec::new() } else { self.buf }
    }

    /// All bytes that were neither forwarded nor dropped.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buf[self.start..self.end]
    }

    /// Takes bytes off the front.
    pub(crate) fn take(&mut self, bytes: usize) -> &[u8] {
        let from = self.start;
        self.start = (from + bytes).min(self.end);
        &self.buf[from..self.start]
    }

    /// Bytes that arrived and are not decoded.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.buf[self.raw..]
    }

    /// Skips raw bytes: a head that was parsed.
    pub(crate) fn skip_raw(&mut self, bytes: usize) {
        self.raw += bytes;
        if self.start == self.end {
            (self.start, self.end) = (self.raw, self.raw);
        }
    }

    /// Takes the framing off what arrived; gives whether the body is complete.
    pub(crate) fn decode(&mut self, decoder: &mut BodyDecoder) -> Result<bool, BodyError> {
        let decoded = decoder.decode(&mut self.buf, self.end, self.raw)?;
        (self.end, self.raw) = (decoded.body_end, decoded.raw_start);
        Ok(decoded.ended)
    }

    /// Appends bytes that never had a framing.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.make_room(0);
        self.buf.extend_from_slice(bytes);
        (self.end, self.raw) = (self.buf.len(), self.buf.len());
    }

    /// Reads once; gives how many bytes came, 0 at the end of the stream.
    pub(crate) fn poll_read(
        &mut self,
        stream: Pin<&mut impl AsyncRead>,
        cx: &mut Context<'_>,
    ) -> Poll<std::io::Result<usize>> {
        self.make_room(READ_MIN);
        let offered = self.buf.capacity() - self.buf.len();
        let read = ready!(poll_read_buf(stream, cx, &mut self.buf))?;
        if read == offered && self.buf.capacity() < READ_MAX {
            self.buf.reserve(self.buf.capacity());
        }
        Poll::Ready(Ok(read))
    }

    fn make_room(&mut self, room: usize) {
        if self.start == self.end && self.raw == self.buf.len() {
            self.buf.clear();
            (self.start, self.end, self.raw) = (0, 0, 0);
        }
        if self.buf.capacity() == 0 {
            self.buf.reserve(READ_FIRST);
        }
        if self.buf.capacity() - self.buf.len() < room {
            self.buf.drain(..self.start);
            self.end -= self.start;
            self.raw -= self.start;
            self.start = 0;
            self.buf.reserve(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_back_stays_in_one_piece_with_what_follows() {
        let mut window = Window::default();
        let mut decoder = BodyDecoder::chunked();
        window.buf.extend_from_slice(b"HEAD4\r\nabcd\r\n4\r\nef");
        window.skip_raw(4);
        assert_eq!(window.decode(&mut decoder), Ok(false));
        assert_eq!(window.take(2), b"ab");
        window.make_room(1 << 20);
        window.buf.extend_from_slice(b"gh\r\n0\r\n\r\nrest");
        assert_eq!(window.decode(&mut decoder), Ok(true));
        assert_eq!((window.bytes(), window.raw()), (&b"cdefgh"[..], &b"rest"[..]));
    }

    #[test]
    fn an_empty_window_starts_its_buffer_over() {
        let mut window = Window::default();
        window.append(b"abc");
        window.take(3);
        window.append(b"de");
        assert_eq!((window.bytes(), window.buf.len()), (&b"de"[..], 2));
    }
}
