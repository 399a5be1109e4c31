//! A provider without an AI: it speaks OpenAI's API and answers with text made from the prompt.
//!
//! It lets a first start answer a request before any account at a provider exists, and it serves as a stand-in in
//! tests. Every answer but its id and date is a function of the request, and the token counts are the real counts of
//! the text under the rule in [`text`]. It listens on a socket of its own, so that the gateway treats it as it treats
//! any other provider. Knows nothing of the gateway, its configuration or its keys.

mod chat;
mod completions;
mod embeddings;
mod error;
mod ids;
mod models;
mod plan;
mod request;
mod sample;
mod sse;
mod text;
mod usage;

use std::io;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

pub(crate) use models::{CHAT_MODEL, EMBEDDING_MODEL};

/// Above the gateway's default bound, so that the gateway is the one to refuse.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Answers requests until the process ends. `chunk_interval` is the pause between two pieces of a streamed answer.
pub(crate) async fn serve(listener: TcpListener, chunk_interval: Duration) -> io::Result<()> {
    let listener = listener.tap_io(|socket| {
        // Without it, small chunks wait for acknowledgements and the pace is not the one asked for.
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "cannot disable Nagle's algorithm on a demo connection");
        }
    });
    axum::serve(listener, router(chunk_interval)).await
}

fn router(chunk_interval: Duration) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat::create))
        .route("/v1/completions", post(completions::create))
        .route("/v1/embeddings", post(embeddings::create))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::show))
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::no_such_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(sse::Pace(chunk_interval))
}

#[cfg(test)]
mod tests;
