//! Schemas that an answer is held to: the API compiles them, and refuses what it cannot compile.

use serde_json::Value;

use crate::chat::Losses;

/// Keywords that the API refuses in a schema that it compiles.
const REFUSED: [&str; 23] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "contains",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "if",
    "then",
    "else",
    "not",
    "minContains",
    "maxContains",
    "dependentSchemas",
    "unevaluatedProperties",
];

/// Shapes a schema of another dialect until the API takes it. Names the keywords that must go, below `place`.
pub(super) fn adapt(schema: &mut Value, place: &str, losses: &mut Losses) {
    let Value::Object(members) = schema else { return };
    let refused = |key: &str, value: &Value| match key {
        "minItems" => value.as_u64().is_none_or(|least| least > 1),
        _ => REFUSED.contains(&key),
    };
    members.retain(|key, value| {
        let goes = refused(key, value);
        losses.add_if(goes, format!("{place}.{key}"));
        !goes
    });
    // Values are held against a single type only; they say more than a list of types does.
    let has_values = members.contains_key("enum") || members.contains_key("const");
    if has_values && members.get("type").is_some_and(Value::is_array) {
        members.shift_remove("type");
    }
    if let Some(either) = members.shift_remove("oneOf") {
        members.entry("anyOf").or_insert(either);
    }
    if members.contains_key("properties") || members.get("type").is_some_and(|kind| kind == "object") {
        let open = members.insert("additionalProperties".to_owned(), false.into());
        losses.add_if(open.is_some_and(|open| open != false), format!("{place}.additionalProperties"));
    }
    for (key, value) in members.iter_mut() {
        match (key.as_str(), value) {
            ("properties" | "$defs" | "definitions", Value::Object(schemas)) => {
                let named = schemas.iter_mut();
                named.for_each(|(name, schema)| adapt(schema, &format!("{place}.{key}.{name}"), losses));
            }
            ("anyOf" | "allOf" | "prefixItems", Value::Array(schemas)) => {
                let listed = schemas.iter_mut().enumerate();
                listed.for_each(|(at, schema)| adapt(schema, &format!("{place}.{key}[{at}]"), losses));
            }
            ("items", schema) => adapt(schema, &format!("{place}.items"), losses),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_api_cannot_compile_goes_and_is_named() {
        let mut schema = json!({
            "type": "object",
            "properties": {
                "minimum": {"type": "integer", "minimum": 1, "maximum": 9},
                "list": {"type": "array", "minItems": 1, "items": {"type": "object", "additionalProperties": true}},
                "either": {"oneOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
                "unit": {"type": ["string", "null"], "enum": ["c", null]},
            },
            "required": ["minimum"],
        });
        let mut losses = Losses::default();
        adapt(&mut schema, "s", &mut losses);
        let expected = json!({
            "type": "object",
            "properties": {
                "minimum": {"type": "integer"},
                "list": {"type": "array", "minItems": 1, "items": {"type": "object", "additionalProperties": false}},
                "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "unit": {"enum": ["c", null]},
            },
            "required": ["minimum"],
            "additionalProperties": false,
        });
        assert_eq!(schema, expected);
        let of = "s.properties";
        let number = format!("{of}.minimum.minimum, {of}.minimum.maximum");
        let rest = format!("{of}.list.items.additionalProperties, {of}.either.anyOf[0].maxLength");
        assert_eq!(losses.to_string(), format!("{number}, {rest}"));
    }
}
