//! The pure core of Tollgate: what a request means, where it may go, and what to do next.
//!
//! Everything here is a function of its arguments. Nothing in this crate opens a socket, reads a file or a clock, draws
//! ambient randomness or waits: time is a [`domain::Tick`], chance is a [`domain::Seed`]. The same code therefore runs
//! in the data plane, in seeded simulation and in replay.
//!
//! It does not know pingora, tokio, axum, sqlx or any metric's name.

pub mod chat;
pub mod dialect;
pub mod domain;
pub mod exchange;
pub mod health;
pub mod json;
pub mod plan;
pub mod snapshot;
pub mod sse;
