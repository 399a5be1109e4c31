//! Answers that go on to a client as they are, since client and provider speak the same dialect: read where they lie,
//! neither parsed into a model of ours nor written anew.
//!
//! In: a provider's document ([`ResponseScan`]) or stream ([`StreamScan`]), as it arrives. Out: token counts, which
//! bytes of a stream to forward, and whether the answer is whole. Does not know who serves, nor what a token costs.

mod document;
mod judge;
mod opening;
mod stream;
mod usage;

pub use document::{ResponseEnd, ResponseScan};
pub use opening::{Beginning, beginning};
pub use stream::{EVENT_BYTES_MAX, LONG_EVENT_BYTES_MAX, Step, StreamEnd, StreamScan};
