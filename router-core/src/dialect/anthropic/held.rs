//! A streamed block that only this dialect has. Others take it whole, so it is held until it is complete.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Such a block, as far as it came.
#[derive(Debug)]
pub(super) struct Held {
    start: String,
    deltas: Vec<String>,
}

#[derive(Deserialize)]
struct DeltaOnly<'a> {
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
}

impl Held {
    /// A block that begins with `start`.
    pub(super) fn new(start: &str) -> Self {
        Self { start: start.to_owned(), deltas: Vec::new() }
    }

    /// Takes the `delta` of an event, which is JSON.
    pub(super) fn add(&mut self, event: &str) {
        if let Ok(DeltaOnly { delta: Some(delta) }) = serde_json::from_str(event) {
            self.deltas.push(delta.get().to_owned());
        }
    }

    /// The whole block, as JSON.
    pub(super) fn into_json(self) -> String {
        if self.deltas.is_empty() {
            return self.start;
        }
        let mut block: Map<String, Value> = serde_json::from_str(&self.start).unwrap_or_default();
        let mut input = String::new();
        for delta in &self.deltas {
            let Ok(Value::Object(delta)) = serde_json::from_str(delta) else { continue };
            for (key, value) in delta {
                match (key.as_str(), value) {
                    ("type", _) => {}
                    ("partial_json", Value::String(more)) => input.push_str(&more),
                    ("citation", citation) => push(block.entry("citations").or_insert(Value::Null), citation),
                    (_, value) => join(block.entry(key).or_insert(Value::Null), value),
                }
            }
        }
        if let Ok(input @ Value::Object(_)) = serde_json::from_str(&input) {
            block.insert("input".to_owned(), input);
        }
        Value::Object(block).to_string()
    }
}

fn push(list: &mut Value, item: Value) {
    match list {
        Value::Array(items) => items.push(item),
        _ => *list = Value::Array(vec![item]),
    }
}

/// Texts go on; anything else is replaced.
fn join(old: &mut Value, new: Value) {
    match (&mut *old, new) {
        (Value::String(text), Value::String(more)) => text.push_str(&more),
        (_, Value::Null) => {}
        (_, new) => *old = new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocks_pieces_become_one() {
        let mut held = Held::new(r#"{"type":"x","input":{},"content":null}"#);
        for delta in [
            r#"{"delta":{"type":"input_json_delta","partial_json":"{\"a\""}}"#,
            r#"{"delta":{"type":"input_json_delta","partial_json":":1}"}}"#,
            r#"{"delta":{"type":"x_delta","content":"b"}}"#,
            r#"{"delta":{"type":"x_delta","content":"c"}}"#,
            r#"{"delta":{"type":"citations_delta","citation":{"d":1}}}"#,
            r#"{"delta":"odd"}"#,
        ] {
            held.add(delta);
        }
        assert_eq!(held.into_json(), r#"{"type":"x","input":{"a":1},"content":"bc","citations":[{"d":1}]}"#);
    }
}
