//! Small shapes that many objects of the API share.

use serde_json::{Value, json};

use crate::chat::{CacheMark, Extra};
use crate::dialect::Invalid;
use crate::dialect::fields::Fields;

/// Puts members back beside those that were written. Objects of the same name become one.
pub(super) fn merge(into: &mut Extra, extra: &Extra) {
    for (key, value) in extra {
        match (into.get_mut(key), value) {
            (Some(Value::Object(ours)), Value::Object(theirs)) => merge(ours, theirs),
            _ => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

/// Keeps what is left of an object that stood at `key`.
pub(super) fn keep_rest(extra: &mut Extra, key: &str, fields: Fields) {
    let rest = fields.rest();
    if !rest.is_empty() {
        extra.insert(key.to_owned(), Value::Object(rest));
    }
}

/// Takes an object's `cache_control`. A kind of mark that we do not know stays whole in `extra`.
pub(super) fn read_cache(fields: &mut Fields, extra: &mut Extra) -> Result<Option<CacheMark>, Invalid> {
    let Some(whole) = fields.take("cache_control") else { return Ok(None) };
    let mut mark = Fields::of(whole.clone(), fields.path("cache_control"))?;
    let kind = mark.text("type")?;
    let ttl = mark.text("ttl")?;
    if kind.as_deref() != Some("ephemeral") || !mark.rest().is_empty() {
        extra.insert("cache_control".to_owned(), whole);
    }
    Ok(Some(CacheMark { ttl }))
}

/// A mark as the API has it.
pub(super) fn write_cache(mark: &CacheMark) -> Value {
    match &mark.ttl {
        Some(ttl) => json!({"type": "ephemeral", "ttl": ttl}),
        None => json!({"type": "ephemeral"}),
    }
}

/// An object's members, for objects that were just made by `json!`.
pub(super) fn members(object: Value) -> Extra {
    match object {
        Value::Object(members) => members,
        _ => Extra::new(),
    }
}
