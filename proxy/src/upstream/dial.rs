//! Names to addresses, addresses to connections.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use pingora_core::ErrorType;
use pingora_core::protocols::Stream;
use pingora_core::protocols::http::client::HttpSession;
use pingora_core::protocols::http::v2::client::Http2Session;
use pingora_core::upstreams::peer::HttpPeer;
use router_core::exchange::UpstreamFault;
use router_core::snapshot::Provider;

use super::Upstream;

/// HTTP/2 streams that one connection carries at most.
const H2_STREAMS_MAX: usize = 100;

/// What a dial gives.
pub(crate) enum Dialed {
    /// A connection for HTTP/1.1.
    H1(Stream),
    /// A stream of an HTTP/2 connection, and the address it leads to.
    H2(Box<Http2Session>, SocketAddr),
}

/// A connection in the making. Dropping it abandons the attempt.
pub(crate) type Dialing = Pin<Box<dyn Future<Output = Result<Dialed, UpstreamFault>> + Send>>;

/// How Pingora is told where to connect and whom to expect there.
pub(super) fn peer(provider: &Provider, address: SocketAddr) -> HttpPeer {
    let mut peer = HttpPeer::new(address, provider.tls, provider.host.clone());
    if provider.http2 {
        peer.options.set_http_version(2, 2);
        peer.options.max_h2_streams = H2_STREAMS_MAX;
    }
    peer
}

/// Connects for one HTTP/1.1 exchange after the other.
pub(super) fn dial_h1(upstream: Arc<Upstream>) -> Dialing {
    Box::pin(async move {
        let mut fault = UpstreamFault::ConnectFailed;
        for address in resolve(&upstream.provider).await? {
            match upstream.transport.new_stream(&upstream.peer(address)).await {
                Ok(stream) => {
                    upstream.opened.fetch_add(1, Ordering::Relaxed);
                    return Ok(Dialed::H1(stream));
                }
                Err(error) => fault = fault_of(&upstream, &error),
            }
        }
        Err(fault)
    })
}

/// Opens a stream on a kept HTTP/2 connection, or connects.
pub(super) fn dial_h2(upstream: Arc<Upstream>) -> Dialing {
    Box::pin(async move {
        let Some(connector) = &upstream.h2 else { return Err(UpstreamFault::ConnectFailed) };
        if let Some(address) = upstream.last_h2_address()
            && let Ok(Some(session)) = connector.reused_http_session(&upstream.peer(address)).await
        {
            upstream.reused.fetch_add(1, Ordering::Relaxed);
            return Ok(Dialed::H2(Box::new(session), address));
        }
        let mut fault = UpstreamFault::ConnectFailed;
        for address in resolve(&upstream.provider).await? {
            match connector.new_http_session::<_, ()>(&upstream.peer(address)).await {
                Ok(HttpSession::H2(session)) => {
                    upstream.opened.fetch_add(1, Ordering::Relaxed);
                    upstream.note_h2_address(address);
                    return Ok(Dialed::H2(Box::new(session), address));
                }
                Ok(_) => log::warn!("provider {} does not speak HTTP/2", upstream.provider.name),
                Err(error) => fault = fault_of(&upstream, &error),
            }
        }
        Err(fault)
    })
}

async fn resolve(provider: &Provider) -> Result<Vec<SocketAddr>, UpstreamFault> {
    match tokio::net::lookup_host((provider.host.as_str(), provider.port)).await {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => {
            log::warn!("the name {} of provider {} was not resolved: {error}", provider.host, provider.name);
            Err(UpstreamFault::ConnectFailed)
        }
    }
}

fn fault_of(upstream: &Upstream, error: &pingora_core::Error) -> UpstreamFault {
    log::warn!("no connection to provider {}: {error}", upstream.provider.name);
    match error.etype() {
        ErrorType::TLSHandshakeFailure
        | ErrorType::TLSHandshakeTimedout
        | ErrorType::TLSWantX509Lookup
        | ErrorType::InvalidCert
        | ErrorType::HandshakeError => UpstreamFault::TlsFailed,
        ErrorType::ConnectTimedout => UpstreamFault::ConnectTimeout,
        _ => UpstreamFault::ConnectFailed,
    }
}
