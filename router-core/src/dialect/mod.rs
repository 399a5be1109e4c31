//! Wire formats of providers and clients, one folder each.
//!
//! Two ways lead through a dialect. Where client and provider speak the same one, bytes are read where they lie and
//! passed on ([`openai::Peeker`], [`passing::StreamScan`]). Where they do not, every dialect has the same six doors:
//!
//! | door | from → to |
//! |---|---|
//! | `read_request` | a client's body → [`ChatRequest`](crate::chat::ChatRequest) |
//! | `write_request` | `ChatRequest` → a provider's body, and what it cannot say |
//! | `read_response` | a provider's answer → [`ChatResponse`](crate::chat::ChatResponse) |
//! | `write_response` | `ChatResponse` → a client's answer |
//! | `StreamReader` | data of a provider's event → [`ChatEvent`](crate::chat::ChatEvent)s |
//! | `StreamWriter` | `ChatEvent`s → bytes of a client's stream |
//!
//! Knows bytes, [`crate::json`], [`crate::sse`] and [`crate::chat`]. Does not know keys, routes, plans, prices or
//! sockets.

mod alike;
pub mod anthropic;
mod base64;
pub mod bedrock;
mod cite;
mod complaint;
pub mod features;
mod fields;
mod frame;
pub mod gemini;
mod invalid;
pub mod openai;
pub mod passing;
pub mod responses;
mod search;
mod strict;
mod tokens;
pub mod translate;

pub use complaint::Complaint;
pub use frame::{Failure, Frame, Quirks, Target, Written};
pub use invalid::Invalid;
