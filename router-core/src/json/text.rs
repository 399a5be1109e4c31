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

/// Whether this may stand between the quotes of a JSON string: no raw control characters or quotes, and every escape is
/// one. Halves of surrogate pairs are let through, as most readers do.
pub fn is_string_body(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|&byte| needs_escape(byte)) {
        let escape = match rest[at..] {
            [b'\\', b'u', ref digits @ ..] if digits.len() >= 4 && digits[..4].iter().all(u8::is_ascii_hexdigit) => 6,
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            _ => return false,
        };
        rest = &rest[at + escape..];
    }
    true
}

const fn needs_escape(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_body_is_what_serde_takes_between_quotes() {
        let cases = [
            "",
            "a",
            r"\n",
            "\n",
            r#"\""#,
            r"\",
            r"a\\",
            r"\u00e9x",
            r"\u00e",
            r"\uzzzz",
            r"\x",
            "\"",
            "\u{1}",
            r"\/\b\f\r\t",
            "é",
        ];
        for text in cases {
            let taken = serde_json::from_str::<&serde_json::value::RawValue>(&format!("\"{text}\"")).is_ok();
            assert_eq!(is_string_body(text), taken, "{text:?}");
        }
    }
}
