//! The data plane: takes requests, sends them to providers, streams the answers back, and says what happened.
//!
//! Built on Pingora's server, listeners, TLS and connectors, with a request loop and HTTP/1.1 framing of our own
//! (docs/decisions/0001-own-request-loop.md). Decisions are made in `router-core`; here is the I/O that carries them
//! out. It knows no database and no control plane: snapshots come in through [`Feed`].

mod access_log;
mod answer;
mod client;
mod clock;
pub mod config;
mod ending;
mod feed;
mod gateway;
mod health;
pub mod http1;
mod infer;
mod listener;
mod metrics;
mod operations;
mod reason;
mod request_id;
mod respond;
mod route;
mod server;
mod stage;
mod text;
mod timer;
pub mod upstream;
mod world;

pub use feed::{Feed, PublishError};
pub use metrics::ALLOCATIONS;
pub use server::{Proxy, StartError};
