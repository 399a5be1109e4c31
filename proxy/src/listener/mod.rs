//! From a connection to requests: which version of HTTP a client speaks, and one request after the other.

mod rewound;

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use pingora_core::apps::{HttpServerApp, HttpServerOptions, ReusedHttpStream, ServerApp};
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::{ALPN, Stream};
use pingora_core::server::ShutdownWatch;

use crate::client::{After, Arrival, H1Connection, H2Client, Shape};
use crate::gateway::{Gateway, Intake};
use crate::respond::Refusal;
use rewound::Rewound;

/// What a client sends first when it speaks HTTP/2 without asking (RFC 9113, 3.4).
pub(crate) const H2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The public listener's application: HTTP/1.1 by our own framing, HTTP/2 by Pingora's.
pub(crate) struct Edge {
    gateway: Arc<Gateway>,
    h2: Arc<H2App>,
}

impl Edge {
    pub(crate) fn new(gateway: Arc<Gateway>) -> Self {
        let mut options = HttpServerOptions::default();
        options.h2c = true;
        options.h2_idle_timeout = Some(gateway.deadlines.client_idle);
        let h2 = Arc::new(H2App { gateway: Arc::clone(&gateway), options });
        Self { gateway, h2 }
    }

    async fn serve_h1(&self, connection: &mut H1Connection, client: Option<SocketAddr>) -> Option<()> {
        loop {
            let arrival = connection.next_head(|head| (self.gateway.intake(head, client), Shape::from(head))).await;
            let (intake, readable) = match arrival {
                Arrival::Http2 => return Some(()),
                Arrival::Nothing => return None,
                Arrival::Head((intake, shape), len) => {
                    connection.start_body(shape, len);
                    (intake, true)
                }
                Arrival::Bad(error) => (self.unreadable(connection, error.into(), client), false),
                Arrival::TooSlow => (self.unreadable(connection, Refusal::too_slow("head"), client), false),
            };
            if self.gateway.is_stopping() || !readable {
                connection.forbid_keep_alive();
            }
            self.gateway.serve(connection, intake).await;
            if connection.finish().await == After::Close {
                return None;
            }
        }
    }

    fn unreadable(&self, connection: &mut H1Connection, refusal: Refusal, client: Option<SocketAddr>) -> Intake {
        connection.forbid_keep_alive();
        self.gateway.unreadable(refusal, client)
    }
}

#[async_trait]
impl ServerApp for Edge {
    async fn process_new(self: &Arc<Self>, stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        if matches!(stream.selected_alpn_proto(), Some(ALPN::H2)) {
            return self.h2.process_new(stream, shutdown).await;
        }
        let client = stream.get_socket_digest().and_then(|digest| digest.peer_addr()?.as_inet().copied());
        let mut connection = H1Connection::new(stream, self.gateway.limits, self.gateway.deadlines);
        self.serve_h1(&mut connection, client).await?;
        let (stream, read) = connection.into_parts();
        self.h2.process_new(Box::new(Rewound::new(stream, read.freeze())), shutdown).await
    }
}

/// The application behind HTTP/2 connections; Pingora makes a session of each of their streams.
pub(crate) struct H2App {
    gateway: Arc<Gateway>,
    options: HttpServerOptions,
}

#[async_trait]
impl HttpServerApp for H2App {
    async fn process_new_http(
        self: &Arc<Self>,
        session: ServerSession,
        _shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        let ServerSession::H2(session) = session else { return None };
        let client = session.client_addr().and_then(|address| address.as_inet().copied());
        let mut session = H2Client::new(session, self.gateway.limits, self.gateway.deadlines);
        let intake = self.gateway.intake(&session.head(), client);
        self.gateway.serve(&mut session, intake).await;
        None
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        Some(&self.options)
    }
}
