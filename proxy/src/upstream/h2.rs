//! One HTTP/2 exchange with a provider, through Pingora's client.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::SendStream;
use pingora_core::protocols::http::v2::client::Http2Session;
use router_core::exchange::UpstreamFault;

use super::outgoing::Outgoing;
use super::window::Window;
use super::{Event, Upstream};
use crate::http1::ResponseHead;

/// One request and its answer on one stream of a shared connection.
pub(crate) struct H2Attempt {
    upstream: Arc<Upstream>,
    address: SocketAddr,
    session: Option<Http2Session>,
    body: Option<SendStream<Bytes>>,
    pieces: VecDeque<Bytes>,
    announced: bool,
    head_read: bool,
    over: bool,
}

impl H2Attempt {
    /// Sends the head; the body follows while the attempt is polled.
    pub(crate) fn new(
        upstream: Arc<Upstream>,
        (mut session, address): (Http2Session, SocketAddr),
        request: &Outgoing,
    ) -> Result<Self, UpstreamFault> {
        let pieces: VecDeque<_> = request.body().collect();
        let length = pieces.iter().map(Bytes::len).sum();
        let head = upstream.h2_head(request.head(), length).ok_or(UpstreamFault::ConnectFailed)?;
        session.write_request_header(Box::new(head), false).map_err(|_| UpstreamFault::Closed)?;
        let body = session.take_request_body_writer();
        Ok(Self {
            upstream,
            address,
            session: Some(session),
            body,
            pieces,
            announced: false,
            head_read: false,
            over: false,
        })
    }

    /// The next thing that happens.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>, window: &mut Window) -> Poll<Event> {
        let sent = self.poll_send(cx);
        if sent && !std::mem::replace(&mut self.announced, true) {
            return Poll::Ready(Event::Sent);
        }
        let Some(session) = self.session.as_mut().filter(|_| !self.over) else { return Poll::Pending };
        if !self.head_read {
            return match session.poll_read_response_header(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(())) => {
                    self.head_read = true;
                    Poll::Ready(self.head())
                }
                Poll::Ready(Err(_)) => Poll::Ready(self.fail(UpstreamFault::Closed)),
            };
        }
        match session.poll_read_response_body(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(data))) => {
                window.append(&data);
                Poll::Ready(Event::Body)
            }
            Poll::Ready(None) => {
                self.over = true;
                Poll::Ready(Event::End)
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(self.fail(UpstreamFault::Truncated)),
        }
    }

    /// Sends as much of the body as the provider has room for; gives whether all of it is sent.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(body) = self.body.as_mut() else { return self.pieces.is_empty() };
        while let Some(piece) = self.pieces.front_mut() {
            if piece.is_empty() {
                self.pieces.pop_front();
                continue;
            }
            body.reserve_capacity(piece.len());
            let Poll::Ready(Some(Ok(room))) = body.poll_capacity(cx) else { return false };
            let part = piece.split_to(room.min(piece.len()));
            if body.send_data(part, false).is_err() {
                return false;
            }
        }
        let ended = body.send_data(Bytes::new(), true).is_ok();
        self.body = None;
        ended
    }

    fn head(&mut self) -> Event {
        let Some(header) = self.session.as_ref().and_then(Http2Session::response_header) else {
            return self.fail(UpstreamFault::BadReply);
        };
        let mut head = ResponseHead::new(header.status.as_u16());
        for (name, value) in &header.headers {
            head.note_field(name.as_str(), value.as_bytes());
        }
        if head.encoded { self.fail(UpstreamFault::BadReply) } else { Event::Head(head) }
    }

    fn fail(&mut self, fault: UpstreamFault) -> Event {
        self.over = true;
        Event::Fault(fault)
    }
}

impl Drop for H2Attempt {
    /// Resets the stream unless the answer is complete, and gives its place on the connection back.
    fn drop(&mut self) {
        if let Some(mut session) = self.session.take() {
            if !self.over {
                session.shutdown();
            }
            self.upstream.release_h2(session, self.address);
        }
    }
}
