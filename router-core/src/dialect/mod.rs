//! Wire formats of providers and clients, one folder each.
//!
//! Knows bytes, [`crate::json`] and [`crate::sse`]. Does not know keys, routes, plans, prices or sockets.

pub mod openai;
