//! Blocks → parts: what requests and answers have in common.

use serde_json::{Map, Value, json};

use super::member::restore;
use super::{ids, media};
use crate::chat::{Extra, Media, Source, Thinking};
use crate::dialect::base64;

/// A part in the making.
pub(super) type Part = Map<String, Value>;

/// A part of one member.
pub(super) fn part(key: &str, value: Value) -> Part {
    Part::from_iter([(key.to_owned(), value)])
}

/// A thought. One of which nothing is shown has no text at all.
pub(super) fn thought(thinking: &Thinking) -> Part {
    let mut part = Part::new();
    if !thinking.redacted {
        part.insert("text".into(), thinking.shown().into());
    }
    part.insert("thought".into(), true.into());
    part
}

/// Something that is not text. `None` for files that were uploaded elsewhere (`own` says that it was to Google).
/// `guess` is the MIME type to promise where none is known, since Vertex wants one.
pub(super) fn media(media: &Media, extra: &Extra, own: bool, guess: Option<&str>) -> Option<Part> {
    let known = media.media_type.as_deref();
    let (key, source, known) = match &media.source {
        Source::Base64(data) => ("inlineData", ("data", data.clone()), known.or(guess)),
        Source::Text(text) => ("inlineData", ("data", base64::encode(text.as_bytes())), known.or(Some("text/plain"))),
        Source::Url(address) => {
            let promised = || guess.map(|guess| media::type_of_address(address).unwrap_or(guess));
            ("fileData", ("fileUri", address.clone()), known.or_else(promised))
        }
        Source::File(_) if !own => return None,
        Source::File(id) => ("fileData", ("fileUri", id.clone()), known),
    };
    let mut data = Map::new();
    if let Some(media_type) = known {
        data.insert("mimeType".into(), media_type.into());
    }
    data.insert(source.0.to_owned(), source.1.into());
    if let Some(name) = &media.name {
        data.insert("displayName".into(), name.as_str().into());
    }
    if own {
        restore(extra, key, &mut data);
    }
    Some(part(key, Value::Object(data)))
}

/// A call. Ids of our own making are left out, as they were when the call was made.
pub(super) fn function_call(id: &str, name: &str, args: Value, extra: Option<&Extra>) -> Part {
    let mut call = Map::new();
    if !ids::is_made(id) {
        call.insert("id".into(), id.into());
    }
    call.insert("name".into(), name.into());
    call.insert("args".into(), args);
    if let Some(extra) = extra {
        restore(extra, "functionCall", &mut call);
    }
    part("functionCall", Value::Object(call))
}

/// Arguments that are an object; `None` if they are not. Nothing at all counts as an object without members.
pub(super) fn arguments(text: &str) -> Option<Value> {
    if text.trim().is_empty() {
        return Some(json!({}));
    }
    serde_json::from_str(text).ok().filter(Value::is_object)
}

/// Free text in place of an object: Google has none, so it stands in an object of one member.
pub(super) fn free_text(text: &str) -> Value {
    json!({ "input": text })
}

/// Members of a part that only this dialect knows: not those of the objects in it.
pub(super) fn extra_members(extra: &Extra, part: &mut Part) {
    let own = extra.iter().filter(|(key, _)| !key.contains(['.', '\0']));
    part.extend(own.map(|(key, value)| (key.clone(), value.clone())));
}
