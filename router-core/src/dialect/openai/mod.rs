//! OpenAI's Chat Completions, Completions and Embeddings, read where they lie: nothing is parsed into a model of ours
//! or written anew, so that the caller's and the provider's own bytes go through.
//!
//! In: a request body ([`Peeker`]), a response body ([`ResponseScan`], [`ProviderError`]), a response stream
//! ([`StreamScan`]). Out: what the request asks for, an edited body in borrowed pieces ([`Edits`]), token counts, and
//! which bytes of a stream to forward. Does not know which provider serves a request, nor what a token costs.

pub(super) mod annotation;
mod bad_body;
pub mod chat;
mod error;
mod keys;
pub(super) mod member;
mod options;
mod request;
mod splice;
pub(super) mod usage;

pub use bad_body::BadBody;
pub use error::ProviderError;
pub use member::Parts;
pub use request::{MEMBERS_MAX, Peek, Peeker, peek};
pub use splice::{Edits, VERTEX_VERSION};
