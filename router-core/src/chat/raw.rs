//! Text that is still a JSON string.

use std::borrow::Cow;

/// The inside of a JSON string, escapes and all, without its quotes. Copying it between the quotes of another string
/// says the same: that is how a stream's text crosses dialects without being decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawStr<'a>(&'a str);

impl<'a> RawStr<'a> {
    /// Takes a JSON value; `None` unless it is a string.
    pub fn of_json(json: &'a str) -> Option<Self> {
        json.strip_prefix('"')?.strip_suffix('"').map(Self)
    }

    /// Takes text that needs no escapes: identifiers and the like.
    ///
    /// # Panics
    /// In debug builds, when it does need them.
    pub fn plain(text: &'a str) -> Self {
        debug_assert!(text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\'), "{text:?}");
        Self(text)
    }

    /// Takes text that was escaped already.
    pub const fn escaped(text: &'a str) -> Self {
        Self(text)
    }

    /// As it stands between the quotes.
    pub const fn as_escaped(self) -> &'a str {
        self.0
    }

    /// Whether there is no text.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The text itself. Borrows unless there are escapes. Escapes that mean no text, such as half of a surrogate pair,
    /// become U+FFFD.
    pub fn text(self) -> Cow<'a, str> {
        if !self.0.contains('\\') {
            return Cow::Borrowed(self.0);
        }
        match serde_json::from_str(&format!("\"{}\"", self.0)) {
            Ok(text) => Cow::Owned(text),
            Err(_) => Cow::Owned(lossy(self.0)),
        }
    }
}

/// Decodes escape by escape, replacing those that mean nothing.
fn lossy(escaped: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(escaped.len()), escaped);
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let lengths = [12, 6, 2].into_iter().filter(|len| rest.is_char_boundary((at + len).min(rest.len())));
        let decoded = lengths
            .filter_map(|len| rest.get(at..at + len))
            .find_map(|part| Some((part.len(), serde_json::from_str::<String>(&format!("\"{part}\"")).ok()?)));
        let (len, part) =
            decoded.unwrap_or_else(|| (if rest[at..].starts_with("\\u") { 6 } else { 2 }, "\u{FFFD}".into()));
        text.push_str(&part);
        let mut end = (at + len).min(rest.len());
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        rest = &rest[end..];
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_only_where_it_must_be() {
        assert!(matches!(RawStr::of_json("\"plain\"").expect("a string").text(), Cow::Borrowed("plain")));
        assert_eq!(RawStr::of_json(r#""a\n\u00e9\ud83d\ude00""#).expect("a string").text(), "a\né😀");
        assert_eq!(RawStr::of_json("null"), None);
    }

    #[test]
    fn half_of_a_surrogate_pair_is_replaced_and_the_rest_stays() {
        assert_eq!(RawStr::escaped(r"a\ud83d\nb\ude00é\t").text(), "a\u{FFFD}\nb\u{FFFD}é\t");
    }
}
