//! `usage` ⇄ the common report. The terms are OpenAI's, so nothing has to be added up.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::dialect::tokens::{TOKENS_MAX, Tokens, or_zero};
use crate::domain::UsageReport;

/// Reads a `usage` object. A count that is negative, fractional, text or absurd makes the whole report worthless, and
/// so does a missing `input_tokens`.
pub fn read_usage(usage: Value) -> Option<UsageReport> {
    let wire: Wire = serde_json::from_value(usage).ok()?;
    let input = wire.input_tokens_details.unwrap_or_default();
    let output = wire.output_tokens_details.unwrap_or_default();
    Some(UsageReport {
        input: wire.input_tokens.0,
        output: or_zero(wire.output_tokens),
        total: wire.total_tokens.map(|tokens| tokens.0),
        cache_read: or_zero(input.cached_tokens),
        cache_write: or_zero(input.cache_write_tokens),
        cache_write_long: or_zero(input.cache_write_tokens_details.unwrap_or_default().ttl_12h_tokens),
        audio_in: or_zero(input.audio_tokens),
        reasoning: or_zero(output.reasoning_tokens),
        audio_out: or_zero(output.audio_tokens),
        ..UsageReport::default()
    })
}

/// What this API has words for in another one's report: for how long a cache keeps what was written to it differs, and
/// an hour there is none of the times here.
pub fn foreign_usage(usage: &UsageReport) -> UsageReport {
    UsageReport { cache_write_long: 0, ..*usage }
}

/// Writes a `usage` object.
pub(super) fn write_usage(usage: &UsageReport) -> Value {
    let mut input = json!({"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write});
    if usage.cache_write_long > 0 {
        let short = usage.cache_write.saturating_sub(usage.cache_write_long);
        input["cache_write_tokens_details"] =
            json!({"ttl_30m_tokens": short, "ttl_12h_tokens": usage.cache_write_long});
    }
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": input,
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total.unwrap_or_else(|| usage.input.saturating_add(usage.output)),
    })
}

/// What the tools were used for that the provider runs itself: `None` if nothing is known of any.
pub(super) fn write_tools(usage: &UsageReport) -> Option<Value> {
    let images = json!({
        "input_tokens": 0,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        "total_tokens": 0,
    });
    (usage.web_searches > 0).then(|| json!({"image_gen": images, "web_search": {"num_requests": usage.web_searches}}))
}

/// How many searches of the web a `tool_usage` object tells of.
pub(super) fn searches(tool_usage: &Value) -> Option<u64> {
    tool_usage.get("web_search")?.get("num_requests")?.as_u64().filter(|count| *count <= TOKENS_MAX)
}

#[derive(Deserialize)]
struct Wire {
    input_tokens: Tokens,
    output_tokens: Option<Tokens>,
    total_tokens: Option<Tokens>,
    input_tokens_details: Option<Details>,
    output_tokens_details: Option<Details>,
}

/// What is counted within the input or the output.
#[derive(Default, Deserialize)]
struct Details {
    cached_tokens: Option<Tokens>,
    cache_write_tokens: Option<Tokens>,
    cache_write_tokens_details: Option<Lifetimes>,
    audio_tokens: Option<Tokens>,
    reasoning_tokens: Option<Tokens>,
}

#[derive(Default, Deserialize)]
struct Lifetimes {
    ttl_12h_tokens: Option<Tokens>,
}
