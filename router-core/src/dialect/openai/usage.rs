//! A `usage` object, as chat completions, completions and embeddings report it.

use serde::Deserialize;

use crate::domain::UsageReport;

/// A count above this is a fault of the provider's, not work it did.
const TOKENS_MAX: u64 = 1_000_000_000;

/// Reads a `usage` object. Fields that we do not know are ignored; a count that is negative, fractional, text or absurd
/// makes the whole report worthless, and so does a missing `prompt_tokens`.
pub(super) fn read(object: &[u8]) -> Option<UsageReport> {
    let wire: Wire = serde_json::from_slice(object).ok()?;
    let prompt = wire.prompt_tokens_details.unwrap_or_default();
    let completion = wire.completion_tokens_details.unwrap_or_default();
    Some(UsageReport {
        input: wire.prompt_tokens.0,
        output: or_zero(wire.completion_tokens),
        total: wire.total_tokens.map(|tokens| tokens.0),
        cache_read: or_zero(prompt.cached_tokens),
        cache_write: or_zero(prompt.cache_write_tokens),
        audio_in: or_zero(prompt.audio_tokens),
        reasoning: or_zero(completion.reasoning_tokens),
        audio_out: or_zero(completion.audio_tokens),
    })
}

fn or_zero(tokens: Option<Tokens>) -> u64 {
    tokens.map_or(0, |tokens| tokens.0)
}

/// Embeddings have no `completion_tokens`.
#[derive(Deserialize)]
struct Wire {
    prompt_tokens: Tokens,
    completion_tokens: Option<Tokens>,
    total_tokens: Option<Tokens>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Default, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<Tokens>,
    cache_write_tokens: Option<Tokens>,
    audio_tokens: Option<Tokens>,
}

#[derive(Default, Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<Tokens>,
    audio_tokens: Option<Tokens>,
}

#[derive(Deserialize)]
#[serde(try_from = "u64")]
struct Tokens(u64);

impl TryFrom<u64> for Tokens {
    type Error = &'static str;

    fn try_from(count: u64) -> Result<Self, Self::Error> {
        if count <= TOKENS_MAX { Ok(Self(count)) } else { Err("absurdly many tokens") }
    }
}
