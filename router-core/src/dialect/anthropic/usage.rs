//! Token counts.
//!
//! The API's `input_tokens` is without what a cache gave or took; the common report's `input` is with it. In a stream
//! counts come in two parts, and the later word on each holds.

use serde::Deserialize;
use serde_json::{Value, json};

use super::shape::{members, merge};
use crate::chat::Extra;
use crate::dialect::tokens::{TOKENS_MAX, Tokens};
use crate::domain::UsageReport;
use crate::json::Object;

/// Reads a `usage` object. A count that is negative, fractional, text or absurd makes it worthless, and so does a
/// missing `input_tokens`.
pub fn read_usage(usage: Value) -> Option<UsageReport> {
    serde_json::from_value::<Counts>(usage).ok()?.report()
}

/// A `usage` object, or the part of it that an event has.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Counts {
    input_tokens: Option<Tokens>,
    output_tokens: Option<Tokens>,
    cache_creation_input_tokens: Option<Tokens>,
    cache_read_input_tokens: Option<Tokens>,
    cache_creation: Option<CacheCreation>,
    output_tokens_details: Option<OutputDetails>,
    server_tool_use: Option<ServerTools>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Option<Tokens>,
    ephemeral_1h_input_tokens: Option<Tokens>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct OutputDetails {
    thinking_tokens: Option<Tokens>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct ServerTools {
    web_search_requests: Option<Tokens>,
}

impl Counts {
    /// Takes what a later event says.
    pub(super) fn update(&mut self, later: Self) {
        fn newer<T>(slot: &mut Option<T>, later: Option<T>) {
            if later.is_some() {
                *slot = later;
            }
        }
        newer(&mut self.input_tokens, later.input_tokens);
        newer(&mut self.output_tokens, later.output_tokens);
        newer(&mut self.cache_creation_input_tokens, later.cache_creation_input_tokens);
        newer(&mut self.cache_read_input_tokens, later.cache_read_input_tokens);
        newer(&mut self.cache_creation, later.cache_creation);
        newer(&mut self.output_tokens_details, later.output_tokens_details);
        newer(&mut self.server_tool_use, later.server_tool_use);
    }

    /// In OpenAI's terms; `None` until the input is known.
    pub(super) fn report(&self) -> Option<UsageReport> {
        let of = |tokens: Option<Tokens>| tokens.map_or(0, |tokens| tokens.0);
        let split = self.cache_creation.unwrap_or_default();
        let (short, long) = (of(split.ephemeral_5m_input_tokens), of(split.ephemeral_1h_input_tokens));
        let written = self.cache_creation_input_tokens.map_or(short + long, |tokens| tokens.0);
        let read = of(self.cache_read_input_tokens);
        let input = self.input_tokens?.0 + written + read;
        (input <= TOKENS_MAX).then(|| UsageReport {
            input,
            output: of(self.output_tokens),
            cache_read: read,
            cache_write: written,
            cache_write_long: long.min(written),
            reasoning: of(self.output_tokens_details.unwrap_or_default().thinking_tokens),
            web_searches: of(self.server_tool_use.unwrap_or_default().web_search_requests),
            ..UsageReport::default()
        })
    }
}

/// The usage of a stream that is not read otherwise.
#[derive(Debug, Default)]
pub(in crate::dialect) struct Fold {
    counts: Counts,
    /// An event had counts that cannot be.
    wrong: bool,
}

impl Fold {
    /// Begins with a first report.
    pub(in crate::dialect) fn of(object: &[u8]) -> Self {
        let mut fold = Self::default();
        fold.add(object);
        fold
    }

    /// Takes a later report in.
    pub(in crate::dialect) fn add(&mut self, object: &[u8]) {
        match serde_json::from_slice(object) {
            Ok(later) => self.counts.update(later),
            Err(error) => self.wrong |= error.is_data(),
        }
    }

    /// What is known by now.
    pub(in crate::dialect) fn report(&self) -> Option<UsageReport> {
        if self.wrong { None } else { self.counts.report() }
    }
}

/// What is left of a `usage` object beside the counts of [`UsageReport`]. Counts that are zero stay where they would
/// not be written.
pub(super) fn leftover(mut usage: Extra) -> Extra {
    for key in ["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"] {
        usage.shift_remove(key);
    }
    let nested = [
        ("cache_creation", "ephemeral_5m_input_tokens"),
        ("cache_creation", "ephemeral_1h_input_tokens"),
        ("output_tokens_details", "thinking_tokens"),
        ("server_tool_use", "web_search_requests"),
    ];
    for (key, count) in nested {
        let Some(Value::Object(object)) = usage.get_mut(key) else { continue };
        if key == "cache_creation" || object.get(count).and_then(Value::as_u64).is_some_and(|count| count > 0) {
            object.shift_remove(count);
        }
        if object.is_empty() {
            usage.shift_remove(key);
        }
    }
    usage.retain(|_, value| !value.is_null());
    usage
}

/// A whole answer's `usage`. How long a cache keeps what was written is said only of an answer of this API's `own`: another
/// one has other times.
pub(super) fn write(report: &UsageReport, service_tier: Option<&str>, leftover: Option<&Extra>, own: bool) -> Value {
    let mut usage = members(json!({
        "input_tokens": fresh(report),
        "cache_creation_input_tokens": report.cache_write,
        "cache_read_input_tokens": report.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": report.cache_write.saturating_sub(report.cache_write_long),
            "ephemeral_1h_input_tokens": report.cache_write_long,
        },
        "output_tokens": report.output,
    }));
    if !own && report.cache_write > 0 {
        usage.shift_remove("cache_creation");
    }
    if report.reasoning > 0 {
        usage.insert("output_tokens_details".to_owned(), json!({"thinking_tokens": report.reasoning}));
    }
    if report.web_searches > 0 {
        let searches = json!({"web_search_requests": report.web_searches, "web_fetch_requests": 0});
        usage.insert("server_tool_use".to_owned(), searches);
    }
    if let Some(tier) = service_tier {
        usage.insert("service_tier".to_owned(), tier.into());
    }
    if let Some(leftover) = leftover {
        merge(&mut usage, leftover);
    }
    Value::Object(usage)
}

/// The same in an event of a stream. Before anything is known, counts are zeros that clients replace by what comes later;
/// how the cache took its part is not said, because they would keep that. The `last` event has totals only.
pub(super) fn stream(event: &mut Object<'_>, report: Option<&UsageReport>, tier: Option<&str>, last: bool) {
    let (splits, report) = (report.is_some() && !last, report.copied().unwrap_or_default());
    let mut usage = event.object("usage");
    usage.number("input_tokens", fresh(&report));
    usage.number("cache_creation_input_tokens", report.cache_write);
    usage.number("cache_read_input_tokens", report.cache_read);
    if splits {
        let mut split = usage.object("cache_creation");
        split.number("ephemeral_5m_input_tokens", report.cache_write.saturating_sub(report.cache_write_long));
        split.number("ephemeral_1h_input_tokens", report.cache_write_long);
    }
    usage.number("output_tokens", report.output);
    if let Some(tier) = tier {
        usage.text("service_tier", tier);
    }
    if report.reasoning > 0 {
        usage.object("output_tokens_details").number("thinking_tokens", report.reasoning);
    }
    if report.web_searches > 0 {
        let mut tools = usage.object("server_tool_use");
        tools.number("web_search_requests", report.web_searches);
        tools.number("web_fetch_requests", 0);
    }
}

/// Input that no cache answered or kept.
const fn fresh(report: &UsageReport) -> u64 {
    report.input.saturating_sub(report.cache_read).saturating_sub(report.cache_write)
}

/// The class of service as the API calls it; `None` where it has no word for it.
pub(super) fn service_tier(tier: &str) -> Option<&'static str> {
    match tier {
        "standard" | "default" | "auto" => Some("standard"),
        "priority" => Some("priority"),
        "batch" => Some("batch"),
        _ => None,
    }
}
