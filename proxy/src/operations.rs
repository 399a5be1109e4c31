//! The operations port: metrics, health, and how deployments fare. Never public.

use std::sync::Arc;

use async_trait::async_trait;
use http::Response;
use pingora_core::apps::http_app::ServeHttp;
use pingora_core::protocols::http::ServerSession;

use crate::gateway::Gateway;
use crate::health;

/// Answers Prometheus and whoever asks how we are.
pub(crate) struct Operations {
    gateway: Arc<Gateway>,
}

impl Operations {
    pub(crate) fn new(gateway: Arc<Gateway>) -> Self {
        Self { gateway }
    }

    /// Ready as long as keys can be recognised and no end is announced.
    fn ready(&self) -> (u16, &'static str) {
        match self.gateway.world() {
            _ if self.gateway.is_stopping() => (503, "stopping\n"),
            None => (503, "no snapshot yet\n"),
            Some(_) => (200, "ready\n"),
        }
    }

    fn metrics(&self) -> Response<Vec<u8>> {
        let world = self.gateway.world();
        let number = world.as_ref().map_or(0, |world| world.snapshot.number);
        let upstreams = world.iter().flat_map(|world| &world.upstreams);
        let connections = upstreams.map(|upstream| upstream.connections());
        match self.gateway.metrics.render(number, connections) {
            Ok(body) => respond(200, "text/plain; version=0.0.4; charset=utf-8", body),
            Err(error) => respond(500, "text/plain", format!("{error}\n").into_bytes()),
        }
    }
}

#[async_trait]
impl ServeHttp for Operations {
    async fn response(&self, session: &mut ServerSession) -> Response<Vec<u8>> {
        let head = session.req_header();
        if head.method != http::Method::GET {
            return respond(405, "text/plain", b"only GET\n".to_vec());
        }
        match head.uri.path() {
            "/metrics" => self.metrics(),
            "/api/ai/health" => match self.gateway.world() {
                Some(world) => respond(200, "application/json", health::show(&world)),
                None => respond(503, "text/plain", b"no snapshot yet\n".to_vec()),
            },
            "/health/live" => respond(200, "text/plain", b"live\n".to_vec()),
            "/health/ready" => {
                let (status, text) = self.ready();
                respond(status, "text/plain", text.as_bytes().to_vec())
            }
            _ => respond(404, "text/plain", b"try /metrics, /health/live, /health/ready or /api/ai/health\n".to_vec()),
        }
    }
}

fn respond(status: u16, content_type: &str, body: Vec<u8>) -> Response<Vec<u8>> {
    let response = Response::builder()
        .status(status)
        .header(http::header::CONTENT_TYPE, content_type)
        .header(http::header::CONTENT_LENGTH, body.len());
    // The parts are ours and valid; an empty 200 would be the worst that could come of it.
    response.body(body).unwrap_or_default()
}
