//! The chunk that most chunks are: one answer, a piece of its text, and nothing else that is new.
//!
//! Found by the scanner that skips what it need not read, without a look inside. Whatever is not exactly such a chunk is
//! left to the reader that reads everything.

use crate::chat::RawStr;
use crate::json::{Span, each_member};

/// A piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quick<'a> {
    /// Which answer.
    pub(super) number: u32,
    /// The text: not empty, and without escapes.
    pub(super) text: RawStr<'a>,
}

/// Reads such a chunk; `None` for any other.
pub(super) fn read(data: &str) -> Option<Quick<'_>> {
    let choices = only(data, |key, value| match key {
        "\"choices\"" => Member::Wanted,
        "\"usage\"" | "\"error\"" => nothing(value),
        "\"object\"" if value == "\"error\"" => Member::Other,
        key => plain(key),
    })?;
    let choice = choices.strip_prefix('[')?.strip_suffix(']')?;
    let mut number = None;
    let delta = only(choice, |key, value| match key {
        "\"delta\"" => Member::Wanted,
        "\"index\"" => {
            number = value.parse().ok();
            if number.is_some() { Member::Known } else { Member::Other }
        }
        "\"logprobs\"" | "\"finish_reason\"" | "\"stop_reason\"" => nothing(value),
        key => plain(key),
    })?;
    let content = only(delta, |key, value| match key {
        "\"content\"" => Member::Wanted,
        "\"role\"" => Member::Known,
        _ => nothing(value),
    })?;
    let text = RawStr::of_json(content).filter(|text| !text.is_empty())?;
    let needs_no_escapes = text.as_escaped().bytes().all(|byte| byte >= 0x20 && byte != b'\\' && byte != b'"');
    needs_no_escapes.then_some(Quick { number: number?, text })
}

/// What a member is to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Member {
    /// The one that is asked for.
    Wanted,
    /// One that changes nothing.
    Known,
    /// One that somebody else has to read.
    Other,
}

fn nothing(value: &str) -> Member {
    if value == "null" { Member::Known } else { Member::Other }
}

/// A key that we do not read, unless it is spelt in a way that hides what it is.
fn plain(key: &str) -> Member {
    if key.contains('\\') { Member::Other } else { Member::Known }
}

/// The wanted member's value, if it is there once, and no member needs another reader.
fn only(text: &str, mut judge: impl FnMut(&str, &str) -> Member) -> Option<&str> {
    let (mut wanted, mut other) = (None, false);
    let of = |span: Span| text.get(span.start..span.end).unwrap_or_default();
    each_member(text.as_bytes(), |key, value| match judge(of(key), of(value)) {
        Member::Wanted => other |= wanted.replace(of(value)).is_some(),
        Member::Known => {}
        Member::Other => other = true,
    })
    .ok()?;
    wanted.filter(|_| !other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(choice: &str) -> String {
        format!("{{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{choice}],\"usage\":null}}")
    }

    #[test]
    fn a_piece_of_text_and_nothing_else_is_read() {
        let plain =
            chunk(r#" {"index":2,"delta":{"role":"assistant","content":"hé"},"logprobs":null,"finish_reason":null} "#);
        assert_eq!(read(&plain), Some(Quick { number: 2, text: RawStr::escaped("hé") }));
    }

    #[test]
    fn whatever_else_there_may_be_is_left_to_the_other_reader() {
        for choice in [
            r#"{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}"#,
            r#"{"index":0,"delta":{"content":"a","refusal":"b"}}"#,
            r#"{"index":0,"delta":{"content":"a","content":"b"}}"#,
            r#"{"index":0,"delta":{"content":"a\n"}}"#,
            r#"{"index":0,"delta":{"content":""}}"#,
            r#"{"index":0,"delta":{"content":["a"]}}"#,
            r#"{"index":0,"delta":{}}"#,
            r#"{"delta":{"content":"a"}}"#,
            r#"{"index":-1,"delta":{"content":"a"}}"#,
            r#"{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}"#,
            r#"{"index":0,"delta":{"content":"a"},"finish\u005freason":"stop"}"#,
            "",
        ] {
            assert_eq!(read(&chunk(choice)), None, "{choice}");
        }
        assert_eq!(read(r#"{"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{}}"#), None);
        assert_eq!(read(r#"{"choices":[{"index":0,"delta":{"content":"a"}}],"error":{}}"#), None);
        assert_eq!(read("[DONE]"), None);
    }
}
