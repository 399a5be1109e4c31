//! What only one dialect has → the items of this one.

use serde_json::{Value, json};

use crate::domain::Dialect;

/// The item that says it here, if there is one: our own as it is, and Anthropic's searches of the web. What they found
/// stands in the citations of the text.
pub(super) fn item(dialect: Dialect, value: &Value) -> Option<Value> {
    match dialect {
        Dialect::Responses => Some(value.clone()),
        Dialect::Anthropic => search(value),
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

/// A citation in somebody's form → an annotation. `position` is the part of the text that it is for, unless it says so.
pub(super) fn annotation(dialect: Dialect, json: &str, position: impl FnOnce() -> (u64, u64)) -> Option<Value> {
    let value: Value = serde_json::from_str(json).ok()?;
    if dialect == Dialect::Responses {
        return Some(value);
    }
    let inside = ["url_citation", "web", "retrievedContext"].into_iter().find_map(|key| value.get(key));
    let look = |key: &str| inside.and_then(|inside| inside.get(key)).or_else(|| value.get(key));
    let text = |keys: [&str; 2]| keys.into_iter().find_map(|key| look(key)?.as_str());
    let number = |keys: [&str; 2]| keys.into_iter().find_map(|key| look(key)?.as_u64());
    let url = text(["url", "uri"])?;
    let range = number(["start_index", "startIndex"]).zip(number(["end_index", "endIndex"]));
    let (start, end) = range.unwrap_or_else(position);
    let title = text(["title", "document_title"]).unwrap_or(url);
    Some(json!({"type": "url_citation", "start_index": start, "end_index": end, "url": url, "title": title}))
}
