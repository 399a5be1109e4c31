//! The text of JSON strings.

use std::borrow::Cow;

/// The text of a JSON string, given with its quotes; `None` when it has raw control characters, bad escapes, lone
/// surrogates or bytes that are not UTF-8. Borrows unless there are escapes.
pub fn unescape(string: &[u8]) -> Option<Cow<'_, str>> {
    let inner = string.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if inner.iter().any(|&byte| needs_escape(byte)) {
        return serde_json::from_slice(string).ok().map(Cow::Owned);
    }
    std::str::from_utf8(inner).ok().map(Cow::Borrowed)
}

/// The text of a JSON string as bytes, for comparing: as [`unescape`], but faster for ASCII.
pub fn unescape_bytes(string: &[u8]) -> Option<Cow<'_, [u8]>> {
    if let [b'"', inner @ .., b'"'] = string
        && inner.iter().all(|&byte| byte.is_ascii() && !needs_escape(byte))
    {
        return Some(Cow::Borrowed(inner));
    }
    unescape(string).map(|text| match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    })
}

/// Text as it goes between the quotes of a JSON string. Borrows unless something must be escaped.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut quoted = serde_json::Value::from(text).to_string();
    quoted.pop();
    quoted.remove(0);
    Cow::Owned(quoted)
}

const fn needs_escape(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}
