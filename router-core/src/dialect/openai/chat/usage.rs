//! Token counts, both ways.

use serde_json::{Map, Value, json};

use super::merge::{keep, object, overlay};
use crate::dialect::openai::usage;
use crate::domain::UsageReport;

/// Reads a `usage` object. `None` when it is nothing that we can count by.
pub fn read_usage(usage: Value) -> Option<UsageReport> {
    let bytes = serde_json::to_vec(&usage).ok()?;
    drop(usage);
    usage::read(&bytes)
}

/// The `usage` object of a report. What `more` says goes along.
pub(super) fn write(report: &UsageReport, more: Option<&Map<String, Value>>) -> Map<String, Value> {
    let mut usage = booked(report);
    if let Some(more) = more {
        overlay(&mut usage, more);
    }
    let predictions = json!({"accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0});
    overlay(&mut usage, &object([("completion_tokens_details", predictions)]));
    usage
}

fn booked(report: &UsageReport) -> Map<String, Value> {
    let mut input = object([("cached_tokens", report.cache_read.into()), ("audio_tokens", report.audio_in.into())]);
    if report.cache_write > 0 {
        input.insert("cache_write_tokens".to_owned(), report.cache_write.into());
    }
    let output = json!({"reasoning_tokens": report.reasoning, "audio_tokens": report.audio_out});
    object([
        ("prompt_tokens", report.input.into()),
        ("completion_tokens", report.output.into()),
        ("total_tokens", report.total.unwrap_or(report.input.saturating_add(report.output)).into()),
        ("prompt_tokens_details", Value::Object(input)),
        ("completion_tokens_details", output),
    ])
}

/// What `source` says beyond its report: counts that we do not book.
pub(super) fn unsaid(source: Map<String, Value>, report: &UsageReport) -> Map<String, Value> {
    without(source, &booked(report))
}

fn without(source: Map<String, Value>, said: &Map<String, Value>) -> Map<String, Value> {
    let mut left = Map::new();
    for (key, value) in source {
        match (said.get(&key), value) {
            (Some(Value::Object(inner)), Value::Object(source)) => keep(&mut left, &key, without(source, inner)),
            (Some(_), _) | (None, Value::Null) => {}
            (None, value) => drop(left.insert(key, value)),
        }
    }
    left
}
