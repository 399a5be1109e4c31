//! Google's subset of OpenAPI's schemas → JSON Schema.
//!
//! It is read only. What was read is written back as it was, and anything else goes into the members that take JSON
//! Schema (`parametersJsonSchema`, `responseJsonSchema`).

use serde_json::{Map, Value, json};

use super::member::camel;

/// Deeper schemas are left as they are.
const DEPTH_MAX: usize = 64;

/// Says in JSON Schema what `schema` says in Google's form. What is JSON Schema already stays.
pub(super) fn json_schema(schema: &Value) -> Value {
    convert(schema, DEPTH_MAX)
}

fn convert(schema: &Value, depth: usize) -> Value {
    let (true, Value::Object(_)) = (depth > 0, schema) else { return schema.clone() };
    let Value::Object(members) = camel(schema.clone()) else { return schema.clone() };
    let mut out = Map::with_capacity(members.len());
    for (key, value) in &members {
        if let Some((key, value)) = member(key, value, depth - 1) {
            out.insert(key.to_owned(), value);
        }
    }
    let kind = out.get("type").and_then(Value::as_str).map(str::to_owned);
    if matches!(kind.as_deref(), Some("integer" | "number")) {
        numeric_choices(&mut out);
    }
    if members.get("nullable") == Some(&Value::Bool(true)) {
        allow_null(&mut out, kind.as_deref());
    }
    Value::Object(out)
}

/// One keyword; `None` where JSON Schema has no use for it.
fn member<'k>(key: &'k str, value: &Value, depth: usize) -> Option<(&'k str, Value)> {
    let inner = |value: &Value| convert(value, depth);
    let each = |value: &Value| match value {
        Value::Array(items) => items.iter().map(inner).collect(),
        other => other.clone(),
    };
    let named = |value: &Value| match value {
        Value::Object(map) => Value::Object(map.iter().map(|(name, value)| (name.clone(), inner(value))).collect()),
        other => other.clone(),
    };
    Some(match (key, value) {
        ("nullable" | "propertyOrdering", _) => return None,
        ("type", Value::String(word)) if word == "TYPE_UNSPECIFIED" => return None,
        ("type", Value::String(word)) => (key, word.to_ascii_lowercase().into()),
        // Google's way to say that a text is one of `enum`, which JSON Schema needs not be told.
        ("format", Value::String(word)) if word == "enum" => return None,
        ("properties" | "patternProperties", map) => (key, named(map)),
        ("defs" | "$defs", map) => ("$defs", named(map)),
        ("ref", Value::String(target)) => ("$ref", target.replacen("#/defs/", "#/$defs/", 1).into()),
        ("items" | "additionalProperties", value) => (key, inner(value)),
        ("anyOf" | "oneOf" | "allOf" | "prefixItems", list) => (key, each(list)),
        ("example", value) => ("examples", json!([value])),
        (
            "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties",
            Value::String(digits),
        ) => (key, digits.parse::<u64>().map_or_else(|_| value.clone(), Value::from)),
        (_, value) => (key, value.clone()),
    })
}

/// Google writes the choices of a number as texts.
fn numeric_choices(out: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = out.get_mut("enum") else { return };
    for choice in choices {
        let number = choice.as_str().and_then(|text| text.parse::<serde_json::Number>().ok());
        if let Some(number) = number {
            *choice = Value::Number(number);
        }
    }
}

fn allow_null(out: &mut Map<String, Value>, kind: Option<&str>) {
    match kind {
        Some("null") => {}
        Some(kind) => {
            let kinds = json!([kind, "null"]);
            out.insert("type".into(), kinds);
        }
        None => {
            if let Some(Value::Array(options)) = out.get_mut("anyOf") {
                options.push(json!({"type": "null"}));
            }
        }
    }
    if let Some(Value::Array(choices)) = out.get_mut("enum") {
        choices.push(Value::Null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn googles_words_become_those_of_json_schema() {
        let google = json!({
            "type": "OBJECT", "required": ["city"], "propertyOrdering": ["city"],
            "properties": {
                "any_of": {"type": "STRING", "format": "enum", "enum": ["a", "b"], "nullable": true},
                "count": {"type": "INTEGER", "enum": ["1", "2"], "example": 1},
                "list": {"type": "ARRAY", "min_items": "1", "items": {"any_of": [{"type": "NUMBER"}, {"ref": "#/defs/P"}]}},
                "none": {"type": "TYPE_UNSPECIFIED", "anyOf": [{"type": "BOOLEAN"}], "nullable": true},
            },
            "defs": {"P": {"type": "STRING", "format": "date-time"}},
        });
        let expected = json!({
            "type": "object", "required": ["city"],
            "properties": {
                "any_of": {"type": ["string", "null"], "enum": ["a", "b", null]},
                "count": {"type": "integer", "enum": [1, 2], "examples": [1]},
                "list": {"type": "array", "minItems": 1, "items": {"anyOf": [{"type": "number"}, {"$ref": "#/$defs/P"}]}},
                "none": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
            },
            "$defs": {"P": {"type": "string", "format": "date-time"}},
        });
        assert_eq!(json_schema(&google), expected);
        assert_eq!(json_schema(&expected), expected, "JSON Schema stays as it is");
    }

    #[test]
    fn a_schema_that_goes_too_deep_is_left_alone() {
        let deep = (0..200).fold(json!({"type": "STRING"}), |inner, _| json!({"type": "ARRAY", "items": inner}));
        assert!(json_schema(&deep).to_string().contains("STRING"));
    }
}
