//! What reading and writing citations has in common in all dialects.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::chat::{Citation, RawStr};
use crate::json::Object;

/// A member's text, if it says something. Borrows unless there are escapes.
pub(super) fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    RawStr::of_json(raw?.get()).filter(|text| !text.is_empty()).map(RawStr::text)
}

/// A member's whole number.
pub(super) fn whole(raw: Option<&RawValue>) -> Option<u64> {
    raw?.get().parse().ok()
}

/// A citation as it stands in its own dialect.
pub(super) fn own(citation: &Citation<'_>) -> Value {
    serde_json::from_str(&citation.json).unwrap_or_default()
}

/// An object that is written member by member, as a value.
pub(super) fn value(write: impl FnOnce(&mut Object<'_>)) -> Value {
    let mut json = Vec::new();
    write(&mut Object::open(&mut json));
    serde_json::from_slice(&json).unwrap_or_default()
}

/// Characters of a text.
pub(super) fn count(text: &str) -> u64 {
    u64::try_from(text.chars().count()).unwrap_or(u64::MAX)
}

/// Characters of a text that is still escaped. A pair of surrogates is one.
pub(super) fn count_escaped(escaped: &str) -> u64 {
    let (mut chars, mut rest) = (0, escaped);
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        chars += count(&rest[..at]);
        let code = rest.get(at + 2..at + 6).filter(|_| rest[at + 1..].starts_with('u'));
        let unit = code.and_then(|hex| u16::from_str_radix(hex, 16).ok());
        chars += u64::from(!unit.is_some_and(|unit| (0xD800..0xDC00).contains(&unit)));
        rest = rest.get(at + if unit.is_some() { 6 } else { 2 }..).unwrap_or_default();
    }
    chars + count(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_through_escapes() {
        for (escaped, chars) in
            [("abc", 3), (r"a\nb", 3), (r"\ud83d\ude00!", 2), ("é😀", 2), (r"\u00e9\\", 2), ("\\", 1)]
        {
            assert_eq!(count_escaped(escaped), chars, "{escaped}");
        }
    }
}
