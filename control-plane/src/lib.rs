//! The control plane: who may use the gateway, kept in SQLite or PostgreSQL, and published to the proxies.
//!
//! A [`Store`] goes in, [`SnapshotDoc`](router_core::snapshot::SnapshotDoc)s come out. Nothing on a request's way calls
//! this crate: a proxy works from its last snapshot however long the database is away, and the [`Publisher`] catches up
//! when it is back.
//!
//! It does not know the proxy, pingora or wasmtime, and no provider credential in plain text.

mod app;
pub mod authz;
mod clock;
mod db;
pub mod publish;
mod secret;
#[cfg(test)]
mod tests;

pub use app::bootstrap::{BootstrapError, FirstStart, bootstrap};
pub use app::keys;
pub use db::{Store, StoreError};
pub use publish::Publisher;
