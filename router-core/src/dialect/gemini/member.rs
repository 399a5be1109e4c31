//! Names of members: Google reads `camelCase` and `snake_case` alike, and writes the first.

use serde_json::{Map, Value};

use super::super::Invalid;
use super::super::fields::Fields;
use crate::chat::Extra;

/// Reads an object whose members Google names: each is found by its `camelCase` name, however it was spelt. Maps whose
/// keys are the caller's own (arguments, labels, properties of a schema) must not go through here.
pub(super) fn message(value: Value, path: impl Into<String>) -> Result<Fields, Invalid> {
    Fields::of(camel(value), path)
}

/// A member that is such an object.
pub(super) fn inner(fields: &mut Fields, key: &str) -> Result<Option<Fields>, Invalid> {
    fields.take(key).map(|value| message(value, fields.path(key))).transpose()
}

/// The object with its members' names in `camelCase`; what is inside them stays as it is.
pub(super) fn camel(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    if !members.keys().any(|key| key.contains('_')) {
        return Value::Object(members);
    }
    let mut renamed = Map::with_capacity(members.len());
    for (key, value) in members {
        let name = camel_name(&key);
        // Of two spellings of one name the first counts; the other stays visible under its own.
        let name = if renamed.contains_key(&name) { key } else { name };
        renamed.insert(name, value);
    }
    Value::Object(renamed)
}

fn camel_name(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        if letter == '_' {
            upper = true;
        } else {
            camel.push(if std::mem::take(&mut upper) { letter.to_ascii_uppercase() } else { letter });
        }
    }
    camel
}

/// An array of objects. Google takes a single object for an array of one, and its own examples make use of that.
pub(super) fn repeated(fields: &mut Fields, key: &str) -> Result<Option<Vec<Value>>, Invalid> {
    match fields.take(key) {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(single @ Value::Object(_)) => Ok(Some(vec![single])),
        Some(_) => Err(fields.invalid(key, "must be an array")),
    }
}

/// Keeps what is not known of the object `inside`, under names such as `generationConfig.speechConfig`.
pub(super) fn keep(extra: &mut Extra, inside: &str, rest: Extra) {
    extra.extend(rest.into_iter().map(|(key, value)| (format!("{inside}.{key}"), value)));
}

/// Puts back what [`keep`] kept.
pub(super) fn restore(extra: &Extra, inside: &str, into: &mut Map<String, Value>) {
    for (key, value) in extra {
        let name = key.strip_prefix(inside).and_then(|rest| rest.strip_prefix('.'));
        if let Some(name) = name.filter(|name| !name.contains('.')) {
            into.insert(name.to_owned(), value.clone());
        }
    }
}

/// Whether a key of an extra is a note of this dialect to itself, and no member.
pub(super) fn is_note(key: &str) -> bool {
    key.starts_with('\0')
}

/// An enum's word, in the upper case in which Google writes it.
pub(super) fn word(fields: &mut Fields, key: &str) -> Result<Option<String>, Invalid> {
    Ok(fields.text(key)?.map(|word| word.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_is_found_however_it_is_spelt() {
        let value =
            json!({"max_output_tokens": 1, "topP": 2, "function_declarations": {"a_b": 1}, "topK": 3, "top_k": 4});
        let expected =
            json!({"maxOutputTokens": 1, "topP": 2, "functionDeclarations": {"a_b": 1}, "topK": 3, "top_k": 4});
        assert_eq!(camel(value), expected);
        assert_eq!(camel(json!(["a_b"])), json!(["a_b"]));
    }

    #[test]
    fn what_is_kept_of_an_inner_object_is_put_back_there_only() {
        let mut extra = Extra::new();
        let rest = json!({"x": 1}).as_object().cloned().expect("an object");
        keep(&mut extra, "toolConfig", rest.clone());
        keep(&mut extra, "toolConfig.inner", rest.clone());
        let mut back = Map::new();
        restore(&extra, "toolConfig", &mut back);
        assert_eq!(back, rest);
    }

    #[test]
    fn one_object_counts_as_an_array_of_one() {
        let mut fields = message(json!({"parts": {"text": "x"}, "tools": "x"}), "a").expect("an object");
        assert_eq!(repeated(&mut fields, "parts"), Ok(Some(vec![json!({"text": "x"})])));
        assert_eq!(repeated(&mut fields, "tools").expect_err("a string").path, "a.tools");
    }
}
