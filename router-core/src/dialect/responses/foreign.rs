//! What only one dialect has → the items of this one.

use serde_json::{Value, json};

use crate::dialect::search::queries;
use crate::domain::Dialect;

/// The item that says it here, if there is one: our own as it is, and searches of the web. What they found stands in the
/// citations of the text.
pub(super) fn item(dialect: Dialect, value: &Value) -> Option<Value> {
    match dialect {
        Dialect::Responses => Some(value.clone()),
        Dialect::Anthropic => search(value),
        Dialect::Gemini => grounding(value),
        _ => None,
    }
}

fn search(value: &Value) -> Option<Value> {
    let is = |key: &str, text: &str| value.get(key).and_then(Value::as_str) == Some(text);
    if !is("type", "server_tool_use") || !is("name", "web_search") {
        return None;
    }
    let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
    let query = value.get("input").and_then(|input| input.get("query")).and_then(Value::as_str).unwrap_or_default();
    Some(json!({
        "id": format!("ws_{id}"),
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": query, "queries": [query]},
    }))
}

/// What Google searched for, which it tells with the end of an answer.
pub(super) fn grounding(metadata: &Value) -> Option<Value> {
    let queries = queries(Dialect::Gemini, metadata);
    let query = *queries.first()?;
    let id = metadata.get("id").and_then(Value::as_str).unwrap_or_default();
    Some(json!({
        "id": format!("ws_{id}"),
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": query, "queries": queries},
    }))
}
