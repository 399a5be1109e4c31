//! Everything between us and a provider: names, connections, TLS, credentials, framing.
//!
//! Pingora connects and encrypts; kept HTTP/1.1 connections lie in a queue of our own, because Pingora's pool spawns a
//! task for each connection that it keeps. A provider's certificate is always verified: the server name is never empty,
//! for Pingora takes an empty one as leave to skip verification.

mod access;
mod dial;
mod endpoint;
mod h1;
mod h2;
mod outgoing;
mod secret;
pub(crate) mod sign;
mod window;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;
use pingora_core::connectors::http::v2::Connector as H2Connector;
use pingora_core::connectors::{ConnectorOptions, TransportConnector};
use pingora_core::protocols::Stream;
use pingora_core::protocols::http::v2::client::Http2Session;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_http::RequestHeader;
use router_core::domain::{Tick, Timestamp};
use router_core::exchange::UpstreamFault;
use router_core::snapshot::Provider;

use self::h1::H1Attempt;
use self::h2::H2Attempt;
use access::Access;
pub(crate) use access::NoAccess;
pub use access::check_google_account;
pub(crate) use endpoint::Endpoint;
pub(crate) use outgoing::Outgoing;
pub use secret::{Credentials, Secret};
pub(crate) use window::Window;

use crate::clock;
use crate::http1::ResponseHead;

/// Connections that are kept for each provider.
const IDLE_MAX: usize = 1024;
/// How long a connection is kept without use. Most servers close theirs after 60 seconds or more.
const IDLE_FOR: Duration = Duration::from_secs(50);

/// What happened at an attempt.
#[derive(Debug)]
pub(crate) enum Event {
    /// The request has been sent whole.
    Sent,
    /// The head of the answer arrived.
    Head(ResponseHead),
    /// More of the body is in the window.
    Body,
    /// The body is complete.
    End,
    /// The attempt failed.
    Fault(UpstreamFault),
}

/// An account at a provider, with its connections.
pub(crate) struct Upstream {
    pub(crate) provider: Provider,
    secret: Option<Secret>,
    transport: Arc<TransportConnector>,
    h2: Option<H2Connector>,
    h2_address: Mutex<Option<SocketAddr>>,
    idle: ArrayQueue<Idle>,
    access: Access,
    /// Beginnings of request heads, by [`Endpoint::FIXED`].
    heads: [Vec<u8>; Endpoint::FIXED.len()],
    opened: AtomicU64,
    reused: AtomicU64,
}

struct Idle {
    stream: Stream,
    since: Tick,
}

impl Upstream {
    /// Prepares an account: nothing connects before the first request.
    pub(crate) fn new(provider: Provider, secret: Option<Secret>) -> Self {
        let h2 = provider.http2.then(|| H2Connector::new(Some(trusting(provider.ca_file.clone()))));
        let access = Access::new(&provider, secret.as_ref());
        let head =
            |endpoint: Endpoint| endpoint::head_start(&provider, access.line(), &endpoint.target(&provider, "", false));
        Self {
            heads: Endpoint::FIXED.map(head),
            transport: transport(&provider),
            h2,
            h2_address: Mutex::new(None),
            idle: ArrayQueue::new(IDLE_MAX),
            opened: AtomicU64::new(0),
            reused: AtomicU64::new(0),
            access,
            provider,
            secret,
        }
    }

    /// Whether this is still the account that the settings describe.
    pub(crate) fn is(&self, provider: &Provider, secret: Option<&Secret>) -> bool {
        self.provider == *provider && self.secret.as_ref() == secret
    }

    /// Begins a request's head: all but the lines that differ from one request to the next.
    pub(crate) fn start_head(&self, out: &mut Vec<u8>, endpoint: Endpoint, model: &str, stream: bool) {
        out.clear();
        match Endpoint::FIXED.iter().position(|fixed| *fixed == endpoint) {
            Some(at) if endpoint.is_fixed(&self.provider) => out.extend_from_slice(&self.heads[at]),
            _ => {
                let target = endpoint.target(&self.provider, model, stream);
                out.extend_from_slice(&endpoint::head_start(&self.provider, self.access.line(), &target));
            }
        }
    }

    /// Adds to a request what shows that it is ours, where that differs from one request to the next.
    pub(crate) async fn authorise(&self, request: &mut Outgoing, now: Timestamp) -> Result<(), NoAccess> {
        self.access.add_to(request, &self.provider, now).await
    }

    /// The provider's name, and how many connections to it were opened and used again.
    pub(crate) fn connections(&self) -> (&str, u64, u64) {
        (&self.provider.name, self.opened.load(Ordering::Relaxed), self.reused.load(Ordering::Relaxed))
    }

    /// Takes out a text in which the account's own credential may stand.
    pub(crate) fn redact(&self, text: &str) -> String {
        match &self.secret {
            Some(secret) => text.replace(secret.expose(), "[redacted]"),
            None => text.to_owned(),
        }
    }

    /// A kept connection that is still open, if there is one.
    fn kept(&self) -> Option<Stream> {
        while let Some(mut idle) = self.idle.pop() {
            let age = clock::now().micros_since(idle.since);
            if u128::from(age) < IDLE_FOR.as_micros() && is_quiet(&mut idle.stream) {
                self.reused.fetch_add(1, Ordering::Relaxed);
                return Some(idle.stream);
            }
        }
        None
    }

    fn keep(&self, stream: Stream) {
        // A full queue closes the connection, which is what the bound is for.
        let _ = self.idle.push(Idle { stream, since: clock::now() });
    }

    /// Closes connections that were kept too long.
    pub(crate) fn sweep(&self) {
        let now = clock::now();
        for _ in 0..self.idle.len() {
            let Some(idle) = self.idle.pop() else { return };
            if u128::from(now.micros_since(idle.since)) < IDLE_FOR.as_micros() {
                let _ = self.idle.push(idle);
            }
        }
    }

    fn release_h2(&self, session: Http2Session, address: SocketAddr) {
        if let Some(connector) = &self.h2 {
            connector.release_http_session(session, &self.peer(address), Some(IDLE_FOR));
        }
    }

    /// The address of the newest HTTP/2 connection: Pingora finds kept ones by their address.
    fn last_h2_address(&self) -> Option<SocketAddr> {
        *self.h2_address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_h2_address(&self, address: SocketAddr) {
        *self.h2_address.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
    }

    /// A request's head for HTTP/2, made of the one for HTTP/1.1.
    fn h2_head(&self, head: &[u8], body_len: usize) -> Option<RequestHeader> {
        let mut lines = std::str::from_utf8(head).ok()?.split("\r\n").filter(|line| !line.is_empty());
        let target = lines.next()?.split(' ').nth(1)?;
        let mut header = RequestHeader::build("POST", target.as_bytes(), Some(8)).ok()?;
        for (name, value) in
            lines.filter_map(|line| line.split_once(": ")).filter(|(name, _)| *name != "content-length")
        {
            header.insert_header(name.to_owned(), value).ok()?;
        }
        header.insert_header("content-length", body_len.to_string()).ok()?;
        Some(header)
    }

    fn peer(&self, address: SocketAddr) -> HttpPeer {
        dial::peer(&self.provider, address)
    }
}

/// Connects to a provider. All that trust the system's authorities share one, for those are read from many files.
fn transport(provider: &Provider) -> Arc<TransportConnector> {
    static SYSTEM: OnceLock<Arc<TransportConnector>> = OnceLock::new();
    let connector = |ca_file| Arc::new(TransportConnector::new(Some(trusting(ca_file))));
    match &provider.ca_file {
        Some(file) => connector(Some(file.clone())),
        None => Arc::clone(SYSTEM.get_or_init(|| connector(None))),
    }
}

fn trusting(ca_file: Option<String>) -> ConnectorOptions {
    ConnectorOptions { ca_file, ..ConnectorOptions::new(IDLE_MAX) }
}

/// Whether a kept connection is open and silent: bytes that nobody asked for make it useless.
fn is_quiet(stream: &mut Stream) -> bool {
    use tokio::io::{AsyncRead, ReadBuf};
    let mut byte = [0];
    let mut cx = Context::from_waker(std::task::Waker::noop());
    std::pin::Pin::new(stream).poll_read(&mut cx, &mut ReadBuf::new(&mut byte)).is_pending()
}

/// An attempt under way.
pub(crate) enum Attempt {
    /// None yet.
    Idle,
    /// Waiting for a connection.
    Dialing(dial::Dialing),
    /// Over HTTP/1.1.
    H1(H1Attempt),
    /// Over HTTP/2.
    H2(Box<H2Attempt>),
}

impl Attempt {
    /// Starts an attempt, over a kept connection if there is one and it may be used.
    pub(crate) fn start(upstream: &Arc<Upstream>, reuse: bool) -> Self {
        if upstream.h2.is_some() {
            return Self::Dialing(dial::dial_h2(Arc::clone(upstream)));
        }
        match upstream.kept().filter(|_| reuse) {
            Some(stream) => Self::H1(H1Attempt::new(stream, true)),
            None => Self::Dialing(dial::dial_h1(Arc::clone(upstream))),
        }
    }

    /// The next thing that happens; never ready while idle.
    pub(crate) fn poll_event(
        &mut self,
        cx: &mut Context<'_>,
        upstream: &Arc<Upstream>,
        request: &Outgoing,
        window: &mut Window,
    ) -> Poll<Event> {
        loop {
            match self {
                Self::Idle => return Poll::Pending,
                Self::H1(attempt) => return attempt.poll_event(cx, request, window),
                Self::H2(attempt) => return attempt.poll_event(cx, window),
                Self::Dialing(dialing) => match dialing.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(dial::Dialed::H1(stream))) => *self = Self::H1(H1Attempt::new(stream, false)),
                    Poll::Ready(Ok(dial::Dialed::H2(session, address))) => {
                        let opened = (*session, address);
                        match H2Attempt::new(Arc::clone(upstream), opened, request) {
                            Ok(attempt) => *self = Self::H2(Box::new(attempt)),
                            Err(fault) => return Poll::Ready(self.give_up(fault)),
                        }
                    }
                    Poll::Ready(Err(fault)) => return Poll::Ready(self.give_up(fault)),
                },
            }
        }
    }

    fn give_up(&mut self, fault: UpstreamFault) -> Event {
        *self = Self::Idle;
        Event::Fault(fault)
    }

    /// Ends the attempt: keeps its connection if it can carry another request, else closes it.
    pub(crate) fn end(self, upstream: &Upstream, window: &Window) {
        if let Self::H1(attempt) = self
            && let Some(stream) = attempt.into_reusable(window)
        {
            upstream.keep(stream);
        }
    }
}
