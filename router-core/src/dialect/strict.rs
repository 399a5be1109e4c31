//! Arguments and answers that follow their schemas to the letter (`strict`).
//!
//! OpenAI compiles such schemas and refuses those that it cannot compile, optional members among them. Anthropic and
//! Google take more, so what their clients ask for is not always what OpenAI can be asked for.

use serde_json::{Map, Value};

use crate::domain::Dialect;

/// Keywords that OpenAI compiles.
const KNOWN: [&str; 24] = [
    "$defs",
    "$schema",
    "additionalProperties",
    "anyOf",
    "const",
    "definitions",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "multipleOf",
    "pattern",
    "properties",
    "required",
    "title",
    "type",
];

/// Formats of texts that it compiles.
const FORMATS: [&str; 9] = ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

/// Whether a function's arguments are to follow its schema. Silence means so in Responses, as far as OpenAI takes the
/// schema.
pub(super) fn is_tool(dialect: Dialect, strict: Option<bool>, schema: Option<&Value>) -> bool {
    strict.unwrap_or_else(|| dialect == Dialect::Responses && schema.is_some_and(holds))
}

/// Whether an answer is to follow its schema. Anthropic and Google have no other answers of that kind.
pub(super) fn is_format(dialect: Dialect, strict: Option<bool>) -> bool {
    strict.unwrap_or(matches!(dialect, Dialect::Anthropic | Dialect::Gemini))
}

/// Whether OpenAI takes a schema with `strict`.
pub(super) fn holds(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object") && compiles(schema)
}

fn compiles(schema: &Value) -> bool {
    let Value::Object(members) = schema else { return false };
    if let Some(target) = members.get("$ref") {
        return members.len() == 1 && target.is_string();
    }
    let said = ["type", "anyOf"].iter().any(|key| members.contains_key(*key));
    said && is_closed(members) && members.iter().all(|(key, value)| member_compiles(key, value))
}

fn member_compiles(key: &str, value: &Value) -> bool {
    match key {
        "properties" | "$defs" | "definitions" => value.as_object().is_some_and(|all| all.values().all(compiles)),
        "anyOf" => value.as_array().is_some_and(|all| all.iter().all(compiles)),
        "items" => compiles(value),
        "format" => value.as_str().is_some_and(|format| FORMATS.contains(&format)),
        key => KNOWN.contains(&key),
    }
}

/// Whether an object has all of its members and no others. Whatever is no object is closed.
fn is_closed(schema: &Map<String, Value>) -> bool {
    let is_object = match schema.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => false,
    };
    let none = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let required = |name: &String| {
        let names = schema.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|other| other == name.as_str()))
    };
    let closed = schema.get("additionalProperties").is_some_and(|open| *open == Value::Bool(false));
    (!is_object && properties.is_empty()) || (closed && properties.keys().all(required))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn openai_holds_to_schemas_that_are_closed_all_the_way_down() {
        let object = |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false});
        let text = || json!({"type": "string"});
        for good in [
            object(json!({}), json!([])),
            object(json!({"a": {"type": ["string", "null"], "enum": ["x", null]}}), json!(["a"])),
            object(json!({"a": {"anyOf": [text(), {"type": "null"}]}, "b": {"$ref": "#"}}), json!(["b", "a"])),
            object(json!({"a": {"type": "array", "items": object(json!({"b": text()}), json!(["b"]))}}), json!(["a"])),
        ] {
            assert!(holds(&good), "{good}");
        }
        for bad in [
            json!({}),
            text(),
            json!({"anyOf": [object(json!({}), json!([]))]}),
            json!({"type": "object", "properties": {"a": text()}, "required": ["a"]}),
            object(json!({"a": text()}), json!([])),
            object(json!({"a": {}}), json!(["a"])),
            object(json!({"a": {"oneOf": [text()]}}), json!(["a"])),
            object(json!({"a": {"type": "string", "default": "x"}}), json!(["a"])),
            object(json!({"a": {"type": "string", "format": "uri"}}), json!(["a"])),
            object(json!({"a": {"$ref": "#", "description": "x"}}), json!(["a"])),
            object(json!({"a": {"type": "array", "items": object(json!({"b": text()}), json!([]))}}), json!(["a"])),
            object(json!({"a": {"type": ["object", "null"], "properties": {}}}), json!(["a"])),
        ] {
            assert!(!holds(&bad), "{bad}");
        }
    }
}
