//! Which deployment has the start of a prompt in its cache.
//!
//! A prompt is cut into blocks, and each block's hash takes in the one before it, so that a hash stands for everything
//! up to there ([`chain`]). The [`Prefixes`] remember for each hash who was sent it, and when. Providers do not say what
//! they have cached; whether what is remembered was found is learned from their reports, by
//! [`Vitals`](crate::health::Vitals).
//!
//! A hash that is taken for another makes one wrong guess at a cost. No answer depends on it.

mod chain;
mod index;
mod search;

pub use chain::{BLOCK_BYTES, BLOCKS_MAX, chain};
pub(super) use index::{Mark, Prefixes};
