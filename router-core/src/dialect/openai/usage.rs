//! A `usage` object, as chat completions, completions and embeddings report it.

use serde::Deserialize;

use crate::dialect::tokens::{Tokens, or_zero};
use crate::domain::UsageReport;

/// Reads a `usage` object. Fields that we do not know are ignored; a count that is negative, fractional, text or absurd
/// makes the whole report worthless, and so does a missing `prompt_tokens`.
pub(in crate::dialect) fn read(object: &[u8]) -> Option<UsageReport> {
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
        ..UsageReport::default()
    })
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
