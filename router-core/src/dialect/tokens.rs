//! A count of tokens on the wire.

use serde::Deserialize;

/// A count above this is a fault of the provider's, not work it did.
pub(super) const TOKENS_MAX: u64 = 1_000_000_000;

/// A count that can be believed. One that is negative, fractional, text or absurd cannot be read, which makes the whole
/// report worthless.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct Tokens(pub(super) u64);

impl TryFrom<u64> for Tokens {
    type Error = &'static str;

    fn try_from(count: u64) -> Result<Self, Self::Error> {
        if count <= TOKENS_MAX { Ok(Self(count)) } else { Err("absurdly many tokens") }
    }
}

/// Nothing, where nothing is said.
pub(super) fn or_zero(tokens: Option<Tokens>) -> u64 {
    tokens.map_or(0, |tokens| tokens.0)
}
