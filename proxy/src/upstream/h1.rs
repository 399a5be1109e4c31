//! One HTTP/1.1 exchange with a provider.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

use pingora_core::protocols::Stream;
use router_core::exchange::UpstreamFault;
use tokio::io::AsyncWrite;

use super::Event;
use super::outgoing::Outgoing;
use super::window::Window;
use crate::http1::{BodyDecoder, parse_response};

/// Largest head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Most interim answers (1xx) before the real one.
const INTERIM_MAX: u8 = 8;

#[derive(Debug)]
enum Sending {
    Writing(usize),
    Flushing,
    Sent,
    /// The provider stopped listening; it may have said why.
    Refused,
}

#[derive(Debug)]
enum Reading {
    Head { interim: u8 },
    Body { decoder: BodyDecoder, fresh: bool },
    Over,
}

/// One request and its answer on one connection.
#[derive(Debug)]
pub(crate) struct H1Attempt {
    stream: Stream,
    reused: bool,
    sending: Sending,
    reading: Reading,
    keep_alive: bool,
}

impl H1Attempt {
    pub(crate) fn new(stream: Stream, reused: bool) -> Self {
        Self { stream, reused, sending: Sending::Writing(0), reading: Reading::Head { interim: 0 }, keep_alive: false }
    }

    /// The connection, if it can carry another request.
    pub(crate) fn into_reusable(self, window: &Window) -> Option<Stream> {
        let done = matches!((&self.sending, &self.reading), (Sending::Sent, Reading::Over));
        (done && self.keep_alive && window.raw().is_empty()).then_some(self.stream)
    }

    /// The next thing that happens.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>, request: &Outgoing, window: &mut Window) -> Poll<Event> {
        if self.poll_send(cx, request) {
            return Poll::Ready(Event::Sent);
        }
        loop {
            match self.digest(window) {
                Ok(Some(event)) => return Poll::Ready(event),
                Ok(None) => {}
                Err(fault) => return Poll::Ready(self.fail(fault)),
            }
            match window.poll_read(Pin::new(&mut self.stream), cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) => return Poll::Ready(self.at_end_of_stream(window)),
                Poll::Ready(Ok(_)) => self.mark_fresh(),
                Poll::Ready(Err(_)) => {
                    let fault = self.closed_fault(window);
                    return Poll::Ready(self.fail(fault));
                }
            }
        }
    }

    /// Writes what it can; gives whether the request has just been sent whole.
    fn poll_send(&mut self, cx: &mut Context<'_>, request: &Outgoing) -> bool {
        while let Sending::Writing(written) = self.sending {
            let mut slices = [IoSlice::new(&[]); 8];
            let count = request.pieces_after(written, &mut slices);
            let stream = Pin::new(&mut self.stream);
            let result = match count {
                0 => {
                    self.sending = Sending::Flushing;
                    break;
                }
                1 => stream.poll_write(cx, &slices[0]),
                _ => stream.poll_write_vectored(cx, &slices[..count]),
            };
            self.sending = match result {
                Poll::Ready(Ok(bytes)) if bytes > 0 => Sending::Writing(written + bytes),
                Poll::Ready(_) => Sending::Refused,
                Poll::Pending => return false,
            };
        }
        if !matches!(self.sending, Sending::Flushing) {
            return false;
        }
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Ready(Ok(())) => self.sending = Sending::Sent,
            Poll::Ready(Err(_)) => self.sending = Sending::Refused,
            Poll::Pending => return false,
        }
        matches!(self.sending, Sending::Sent)
    }

    /// Makes an event of what has arrived, if it is enough for one.
    fn digest(&mut self, window: &mut Window) -> Result<Option<Event>, UpstreamFault> {
        match &mut self.reading {
            Reading::Head { interim } => {
                let parsed = parse_response(window.raw(), HEAD_BYTES_MAX).map_err(|_| UpstreamFault::BadReply)?;
                let Some((head, len)) = parsed else { return Ok(None) };
                window.skip_raw(len);
                if head.status < 200 {
                    *interim += 1;
                    let bearable = *interim <= INTERIM_MAX && head.status != 101;
                    return if bearable { self.digest(window) } else { Err(UpstreamFault::BadReply) };
                }
                if head.encoded {
                    return Err(UpstreamFault::BadReply);
                }
                self.keep_alive = head.keep_alive;
                self.reading = Reading::Body { decoder: head.body.clone(), fresh: true };
                Ok(Some(Event::Head(head)))
            }
            Reading::Body { decoder, fresh } if *fresh => {
                *fresh = false;
                let before = window.bytes().len();
                let ended = window.decode(decoder).map_err(|_| UpstreamFault::BadReply)?;
                if ended {
                    self.reading = Reading::Over;
                    return Ok(Some(Event::End));
                }
                Ok((window.bytes().len() > before).then_some(Event::Body))
            }
            Reading::Body { .. } => Ok(None),
            Reading::Over => Ok(None),
        }
    }

    fn mark_fresh(&mut self) {
        if let Reading::Body { fresh, .. } = &mut self.reading {
            *fresh = true;
        }
    }

    fn at_end_of_stream(&mut self, window: &Window) -> Event {
        self.keep_alive = false;
        match &self.reading {
            Reading::Body { decoder, .. } if decoder.ends_with_connection() => {
                self.reading = Reading::Over;
                Event::End
            }
            _ => {
                let fault = self.closed_fault(window);
                self.fail(fault)
            }
        }
    }

    fn closed_fault(&self, window: &Window) -> UpstreamFault {
        match self.reading {
            // A provider that said anything has had the request.
            Reading::Head { interim: 0 } if self.reused && window.raw().is_empty() => UpstreamFault::StaleReuse,
            Reading::Head { .. } => UpstreamFault::Closed,
            Reading::Body { .. } | Reading::Over => UpstreamFault::Truncated,
        }
    }

    fn fail(&mut self, fault: UpstreamFault) -> Event {
        self.keep_alive = false;
        self.reading = Reading::Over;
        Event::Fault(fault)
    }
}
