//! Members that ride along: what a reader did not know, put back where it was.

use serde_json::{Map, Value};

use crate::chat::Extra;

/// Keeps what is left of a nested object under the object's own name.
pub(super) fn keep(extra: &mut Extra, key: &str, rest: Extra) {
    if !rest.is_empty() {
        extra.insert(key.to_owned(), Value::Object(rest));
    }
}

/// The members of another dialect's `extra` that its caller said. Keys that begin with NUL are notes that a codec leaves
/// for itself: they are in no request, so nobody loses them.
pub(super) fn said(extra: &Extra) -> impl Iterator<Item = &String> {
    extra.keys().filter(|key| !key.starts_with('\0'))
}

/// Lays `extra` over what was written: nested objects are joined, and what was written stays
/// unless it is null.
pub(super) fn overlay(written: &mut Map<String, Value>, extra: &Extra) {
    for (key, value) in extra {
        match (written.get_mut(key), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => overlay(inner, more),
            (None | Some(Value::Null), _) => drop(written.insert(key.clone(), value.clone())),
            (Some(_), _) => {}
        }
    }
}

/// An object of these members.
pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
