//! A value that satisfies a JSON schema: the arguments of the demo provider's tool calls.
//!
//! The same schema always gives the same value. Regular expressions (`pattern`) and `not` are not honoured: to invent
//! text for them takes a solver, and a demo does not.

use serde_json::{Map, Number, Value, json};

/// From this depth on, only what the schema requires is made, so that a schema that contains itself comes to an end.
const DEPTH_FULL: usize = 5;
/// From this depth on, nothing is made but `null`: a schema that requires itself has no finite value.
const DEPTH_MAX: usize = 24;
/// Items of one array and characters of padding, at most; larger demands are met up to here.
const LEN_MAX: u64 = 1_000;

/// Makes a value for `schema`.
pub(super) fn value_of(schema: &Value) -> Value {
    Sampler { root: schema }.value(schema, "value", Place { depth: 0, index: 0 })
}

/// Where a value goes.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    /// Its number in its array, so that items can differ.
    index: usize,
}

impl Place {
    fn inside(self, index: usize) -> Self {
        Self { depth: self.depth + 1, index }
    }
}

struct Sampler<'a> {
    /// What `$ref` points into.
    root: &'a Value,
}

impl Sampler<'_> {
    fn value(&self, schema: &Value, name: &str, place: Place) -> Value {
        let Some(schema) = schema.as_object().filter(|_| place.depth < DEPTH_MAX) else {
            return if schema.is_object() { Value::Null } else { json!(name) };
        };
        if let Some(value) = given(schema, place.index) {
            return value;
        }
        if let Some(target) = self.target(schema) {
            return self.value(target, name, Place { depth: place.depth + 1, ..place });
        }
        if let Some(merged) = merge(schema, place) {
            return self.value(&merged, name, Place { depth: place.depth + 1, ..place });
        }
        match kind(schema) {
            "object" => self.object(schema, place),
            "array" => self.array(schema, name, place),
            "integer" => number(schema, place.index, 1.0),
            "number" => number(schema, place.index, 0.5),
            "boolean" => json!(true),
            "null" => Value::Null,
            _ => json!(string(schema, name, place.index)),
        }
    }

    /// What a local `$ref` stands for.
    fn target(&self, schema: &Map<String, Value>) -> Option<&Value> {
        let pointer = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
        self.root.pointer(pointer)
    }

    fn object(&self, schema: &Map<String, Value>, place: Place) -> Value {
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let mut object = Map::new();
        for (name, property) in properties {
            if place.depth < DEPTH_FULL || required.contains(&name.as_str()) {
                object.insert(name.clone(), self.value(property, name, place.inside(0)));
            }
        }
        let additional = schema.get("additionalProperties").unwrap_or(&Value::Null);
        for name in required {
            if !object.contains_key(name) {
                object.insert(name.to_owned(), self.value(additional, name, place.inside(0)));
            }
        }
        Value::Object(object)
    }

    fn array(&self, schema: &Map<String, Value>, name: &str, place: Place) -> Value {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        let most = schema.get("maxItems").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let wanted = if place.depth < DEPTH_FULL { least.max(1) } else { least };
        let len = usize::try_from(wanted.min(most).min(LEN_MAX)).unwrap_or(0);
        let tuple = schema.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let items = schema.get("items").unwrap_or(&Value::Null);
        let item = |at: usize| self.value(tuple.get(at).unwrap_or(items), name, place.inside(at));
        Value::Array((0..len.max(tuple.len())).map(item).collect())
    }
}

/// A value that the schema itself names.
fn given(schema: &Map<String, Value>, index: usize) -> Option<Value> {
    let listed = |key: &str| schema.get(key).and_then(Value::as_array).filter(|list| !list.is_empty());
    let by_index = |list: &Vec<Value>| list[index % list.len()].clone();
    schema
        .get("const")
        .cloned()
        .or_else(|| listed("enum").map(by_index))
        .or_else(|| schema.get("default").filter(|_| index == 0).cloned())
        .or_else(|| listed("examples").map(by_index))
}

/// The schema with its `anyOf`, `oneOf` or `allOf` decided: one alternative, or all parts together.
fn merge(schema: &Map<String, Value>, place: Place) -> Option<Value> {
    let mut merged = schema.clone();
    let all = merged.remove("allOf");
    let any = merged.remove("anyOf").or_else(|| merged.remove("oneOf"));
    let parts = all.as_ref().and_then(Value::as_array).into_iter().flatten();
    let is_null = |part: &&Value| part.get("type") == Some(&json!("null"));
    let choices = any.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    // Deep down `null` ends what would go on for ever.
    let null = choices.iter().find(|part| place.depth >= DEPTH_FULL && is_null(part));
    let choice = null.or_else(|| choices.iter().find(|part| !is_null(part))).or(choices.first());
    let chosen: Vec<&Map<String, Value>> = parts.chain(choice).filter_map(Value::as_object).collect();
    if chosen.is_empty() {
        return None;
    }
    for (key, value) in chosen.into_iter().flatten() {
        match (merged.get_mut(key), value) {
            (Some(Value::Object(known)), Value::Object(more)) => known.extend(more.clone()),
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more.iter().cloned()),
            _ => {
                merged.insert(key.clone(), value.clone());
            }
        }
    }
    Some(Value::Object(merged))
}

/// The type to make: the first one named that is not `null`, or the one that the other keywords speak of.
fn kind(schema: &Map<String, Value>) -> &str {
    let guess = || match schema {
        _ if schema.contains_key("properties") || schema.contains_key("required") => "object",
        _ if schema.contains_key("items") || schema.contains_key("prefixItems") => "array",
        _ if schema.contains_key("minimum") || schema.contains_key("maximum") => "number",
        _ => "string",
    };
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str);
            kinds.clone().find(|kind| *kind != "null").or_else(|| kinds.next()).unwrap_or("null")
        }
        _ => guess(),
    }
}

/// A number within the bounds: `unit` when nothing is asked. `index` numbers follow each other.
fn number(schema: &Map<String, Value>, index: usize, unit: f64) -> Value {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let whole = unit >= 1.0;
    let step = bound("multipleOf").filter(|step| *step > 0.0).unwrap_or(if whole { 1.0 } else { 0.0 });
    let on_step = |value: f64| if step > 0.0 { (value / step).ceil() * step } else { value };
    // The smallest distance that leaves an exclusive bound behind.
    let gap = if step > 0.0 { step } else { unit };
    let least = bound("minimum").map(on_step).or_else(|| {
        bound("exclusiveMinimum").map(|low| if on_step(low) > low { on_step(low) } else { on_step(low + gap) })
    });
    let most = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|high| high - gap));
    let down = |value: f64| if step > 0.0 { (value / step).floor() * step } else { value };
    let first = match (least, most.map(down)) {
        (Some(least), _) => least,
        (None, Some(most)) => most.min(on_step(unit)),
        (None, None) => on_step(unit),
    };
    let value = first + gap * f64::from(u16::try_from(index).unwrap_or(u16::MAX));
    // An exclusive range narrower than the gap: the middle is inside.
    let value = match (bound("exclusiveMinimum").or(bound("minimum")), bound("exclusiveMaximum")) {
        (Some(low), Some(high)) if step == 0.0 && value >= high => f64::midpoint(low, high),
        _ => value,
    };
    to_json(value)
}

/// Whole numbers are written without a fraction, as `integer` demands.
#[expect(clippy::cast_possible_truncation, reason = "guarded: whole and within the range that f64 counts exactly")]
fn to_json(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        Value::from(value as i64)
    } else {
        Number::from_f64(value).map_or(Value::Null, Value::Number)
    }
}

fn string(schema: &Map<String, Value>, name: &str, index: usize) -> String {
    let plain = match schema.get("format").and_then(Value::as_str).unwrap_or_default() {
        "date-time" => format!("2026-01-01T12:00:{:02}Z", index % 60),
        "date" => format!("2026-01-{:02}", 1 + index % 28),
        "time" => format!("12:00:{:02}Z", index % 60),
        "duration" => format!("PT{}S", index + 1),
        "email" | "idn-email" => format!("demo{index}@example.com"),
        "hostname" | "idn-hostname" => format!("demo{index}.example.com"),
        "uri" | "url" | "iri" | "uri-reference" => format!("https://example.com/{index}"),
        "uuid" => format!("00000000-0000-4000-8000-{index:012x}"),
        "ipv4" => format!("192.0.2.{}", index % 256),
        "ipv6" => format!("2001:db8::{:x}", index % 0x1_0000),
        _ if index > 0 => format!("demo {name} {index}"),
        _ => format!("demo {name}"),
    };
    let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
    let least = usize::try_from(bound("minLength").unwrap_or(0).min(LEN_MAX)).unwrap_or(0);
    let most = bound("maxLength").and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    plain.chars().chain(std::iter::repeat('.')).take(plain.chars().count().max(least).min(most)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_obeys_its_schema() {
        let table = [
            (json!({"type": "string"}), json!("demo value")),
            (json!({"type": "string", "minLength": 12}), json!("demo value..")),
            (json!({"type": "string", "maxLength": 3}), json!("dem")),
            (json!({"type": "string", "format": "date"}), json!("2026-01-01")),
            (json!({"type": ["null", "integer"]}), json!(1)),
            (json!({"type": "integer", "minimum": 7.5}), json!(8)),
            (json!({"type": "integer", "exclusiveMinimum": 7}), json!(8)),
            (json!({"type": "integer", "maximum": -3}), json!(-3)),
            (json!({"type": "integer", "minimum": 10, "multipleOf": 4}), json!(12)),
            (json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.1}), json!(0.05)),
            (json!({"type": "number"}), json!(0.5)),
            (json!({"type": "boolean"}), json!(true)),
            (json!({"enum": ["celsius", "kelvin"]}), json!("celsius")),
            (json!({"const": 5}), json!(5)),
            (json!({"type": "string", "default": "x"}), json!("x")),
            (json!({"anyOf": [{"type": "null"}, {"type": "boolean"}]}), json!(true)),
            (json!({"type": "array", "items": {"enum": [1, 2]}, "minItems": 2}), json!([1, 2])),
            (json!({"type": "array", "items": {"type": "integer"}, "minItems": 3}), json!([1, 2, 3])),
            (json!({"type": "array", "maxItems": 0}), json!([])),
            (json!({"prefixItems": [{"type": "boolean"}, {"type": "null"}]}), json!([true, null])),
            (json!({"required": ["a"], "additionalProperties": {"type": "integer"}}), json!({"a": 1})),
            (json!({}), json!("demo value")),
            (json!(true), json!("value")),
        ];
        for (schema, expected) in table {
            assert_eq!(value_of(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn objects_are_whole_and_parts_are_put_together() {
        let schema = json!({
            "type": "object",
            "required": ["place"],
            "properties": {
                "place": {"$ref": "#/$defs/place"},
                "when": {"allOf": [{"type": "object", "properties": {"day": {"type": "integer"}}},
                                   {"properties": {"hour": {"type": "integer", "maximum": 0}}}]},
            },
            "$defs": {"place": {"type": "object", "properties": {"city": {"type": "string"}}}},
        });
        let expected = json!({"place": {"city": "demo city"}, "when": {"day": 1, "hour": 0}});
        assert_eq!(value_of(&schema), expected);
    }

    #[test]
    fn a_schema_that_contains_itself_comes_to_an_end() {
        let tree = json!({
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#"}},
                "parent": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
            },
        });
        assert_eq!(value_of(&tree)["children"][0]["name"], "demo name");
        let endless = json!({"type": "object", "required": ["self"], "properties": {"self": {"$ref": "#"}}});
        assert!(value_of(&endless).is_object());
        assert_eq!(value_of(&json!({"$ref": "#"})), Value::Null);
    }
}
