//! A client's HTTP/2 stream, through Pingora's session.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pingora_core::protocols::http::v2::server::HttpSession;
use pingora_http::ResponseHeader;
use router_core::domain::Tick;

use super::{BodyFault, Client, Gone, Scratch};
use crate::clock;
use crate::config::{Deadlines, Limits};
use crate::http1::{RequestFraming, RequestHead, Version};
use crate::timer::Timer;

/// One request on an HTTP/2 connection.
pub(crate) struct H2Client {
    session: HttpSession,
    limits: Limits,
    client_body: Duration,
    timer: Timer,
    scratch: Scratch,
    body: BytesMut,
    announced: Option<u64>,
    head: Option<Box<ResponseHeader>>,
    out: BytesMut,
    aborted: bool,
}

impl H2Client {
    pub(crate) fn new(mut session: HttpSession, limits: Limits, deadlines: Deadlines) -> Self {
        session.set_write_timeout(Some(deadlines.client_write));
        let length = session.req_header().headers.get(http::header::CONTENT_LENGTH);
        let announced = length.and_then(|length| length.to_str().ok()?.parse().ok());
        Self {
            session,
            limits,
            client_body: deadlines.client_body,
            timer: Timer::new(deadlines.client_body),
            scratch: Scratch::default(),
            body: BytesMut::new(),
            announced,
            head: None,
            out: BytesMut::new(),
            aborted: false,
        }
    }

    /// The head of the request.
    pub(crate) fn head(&self) -> RequestHead<'_> {
        let header = self.session.req_header();
        let target = std::str::from_utf8(header.raw_path()).unwrap_or("");
        let mut head = RequestHead::new(header.method.as_str(), target, Version::Http2);
        head.framing = RequestFraming::Stream;
        for (name, value) in &header.headers {
            head.note_field(name.as_str(), value.as_bytes());
        }
        head
    }

    fn send_head(&mut self, end: bool) -> Result<(), Gone> {
        match self.head.take() {
            Some(head) => self.session.write_response_header(head, end).map_err(|_| Gone),
            None => Ok(()),
        }
    }
}

impl Client for H2Client {
    fn body(&self) -> &[u8] {
        &self.body
    }

    fn announced_length(&self) -> Option<u64> {
        self.announced
    }

    async fn read_more(&mut self) -> Result<bool, BodyFault> {
        let deadline = clock::now().after(self.client_body);
        let data = poll_fn(|cx| match self.session.poll_read_body_bytes(cx) {
            Poll::Ready(data) => Poll::Ready(Ok(data)),
            Poll::Pending => self.timer.poll(cx, deadline).map(|()| Err(BodyFault::TooSlow)),
        })
        .await?;
        match data {
            None => Ok(true),
            Some(Err(_)) => Err(BodyFault::Gone),
            Some(Ok(data)) if self.body.len() + data.len() > self.limits.body_bytes_max => Err(BodyFault::TooLarge),
            Some(Ok(data)) => {
                self.body.extend_from_slice(&data);
                Ok(false)
            }
        }
    }

    fn take_body(&mut self) -> Bytes {
        std::mem::take(&mut self.body).freeze()
    }

    fn scratch(&mut self) -> &mut Scratch {
        &mut self.scratch
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.session.idle()).poll(cx).map(|_| ())
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Tick) -> Poll<()> {
        self.timer.poll(cx, deadline)
    }

    fn begin(&mut self, status: u16, lines: &[u8], length: Option<usize>) {
        // A status of ours is always valid, and so are the names that we write.
        let Ok(mut head) = ResponseHeader::build(status, None) else { return self.abort() };
        for line in lines.split(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\r")) {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let name = String::from_utf8_lossy(&line[..colon]).into_owned();
            let _ = head.append_header(name, line[colon + 1..].trim_ascii());
        }
        if let Some(length) = length {
            let _ = head.insert_header("content-length", length.to_string());
        }
        self.head = Some(Box::new(head));
    }

    fn push(&mut self, data: &[u8]) {
        if self.session.req_header().method != http::Method::HEAD {
            self.out.extend_from_slice(data);
        }
    }

    async fn flush(&mut self, data: &[u8], end: bool) -> Result<(), Gone> {
        if self.aborted {
            return Err(Gone);
        }
        self.push(data);
        self.send_head(end && self.out.is_empty())?;
        if !self.out.is_empty() {
            let data = self.out.split().freeze();
            self.session.write_body(data, end).await.map_err(|_| Gone)?;
        } else if end {
            self.session.finish().map_err(|_| Gone)?;
        }
        Ok(())
    }

    /// The stream is reset when the session is dropped unfinished.
    fn abort(&mut self) {
        self.aborted = true;
    }
}
