//! The chunk that most chunks are: one answer, a piece of its text, its thoughts or a call's arguments, and nothing else
//! that is new.
//!
//! Found by the scanner that skips what it need not read, without a look inside; and, where the chunk before was alike,
//! without even that. Whatever is not exactly such a chunk is left to the reader that reads everything.

use crate::chat::RawStr;
use crate::dialect::alike::{Alike, Hole, range_of};
use crate::json::{Span, each_member, is_string_body};

/// More of something that one answer has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quick<'a> {
    /// Which answer.
    pub(super) number: u32,
    /// What there is more of.
    pub(super) piece: Piece<'a>,
    /// Letters without a meaning, which hide how long the text is.
    padding: Option<&'a str>,
}

/// A piece of something. None is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text.
    Text(RawStr<'a>),
    /// Thoughts.
    Thoughts(RawStr<'a>),
    /// Arguments of a call.
    Arguments {
        /// Which call.
        index: u64,
        /// The text of its arguments.
        text: RawStr<'a>,
    },
}

/// Reads such chunks, of which one is mostly like the one before but for the text in it.
#[derive(Debug, Default)]
pub(super) struct Reader {
    alike: Alike,
    number: u32,
    kind: Kind,
}

/// What there was more of.
#[derive(Clone, Copy, Debug, Default)]
enum Kind {
    #[default]
    Text,
    Thoughts,
    Arguments {
        index: u64,
    },
}

impl Reader {
    /// Reads such a chunk; `None` for any other.
    pub(super) fn read<'d>(&mut self, data: &'d str) -> Option<Quick<'d>> {
        if let Some(text) = self.alike.text(data) {
            let piece = match self.kind {
                Kind::Text => Piece::Text(text),
                Kind::Thoughts => Piece::Thoughts(text),
                Kind::Arguments { index } => Piece::Arguments { index, text },
            };
            return Some(Quick { number: self.number, piece, padding: None });
        }
        let quick = read(data)?;
        self.remember(data, &quick);
        Some(quick)
    }

    fn remember(&mut self, data: &str, quick: &Quick<'_>) {
        let (text, kind) = match quick.piece {
            Piece::Text(text) => (text, Kind::Text),
            Piece::Thoughts(text) => (text, Kind::Thoughts),
            Piece::Arguments { index, text } => (text, Kind::Arguments { index }),
        };
        (self.number, self.kind) = (quick.number, kind);
        let wanted = (range_of(data, text.as_escaped()), Hole::Wanted);
        match quick.padding.map(|padding| (range_of(data, padding), Hole::Padding)) {
            None => self.alike.remember(data, &[wanted]),
            Some(padding) if padding.0.start < wanted.0.start => self.alike.remember(data, &[padding, wanted]),
            Some(padding) => self.alike.remember(data, &[wanted, padding]),
        }
    }
}

fn read(data: &str) -> Option<Quick<'_>> {
    let mut padding = None;
    let (_, choices) = only(data, |key, value| match key {
        "\"choices\"" => Member::Wanted,
        "\"obfuscation\"" => match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
            Some(letters) => {
                padding = Some(range_of(data, letters));
                Member::Known
            }
            None => Member::Other,
        },
        "\"usage\"" | "\"error\"" => nothing(value),
        "\"object\"" if value == "\"error\"" => Member::Other,
        key => plain(key),
    })?;
    let mut number = None;
    let (_, delta) = only(single(choices)?, |key, value| match key {
        "\"delta\"" => Member::Wanted,
        "\"index\"" => whole(value, &mut number),
        "\"logprobs\"" | "\"finish_reason\"" | "\"stop_reason\"" => nothing(value),
        key => plain(key),
    })?;
    let (key, value) = only(delta, |key, value| match key {
        "\"content\"" | "\"reasoning_content\"" | "\"reasoning\"" | "\"tool_calls\"" if is_nothing(value) => {
            Member::Known
        }
        "\"content\"" | "\"reasoning_content\"" | "\"reasoning\"" | "\"tool_calls\"" => Member::Wanted,
        "\"role\"" => Member::Known,
        _ => nothing(value),
    })?;
    let piece = match key {
        "\"content\"" => Piece::Text(string(value)?),
        "\"tool_calls\"" => arguments(single(value)?)?,
        _ => Piece::Thoughts(string(value)?),
    };
    let padding = padding.and_then(|range| data.get(range));
    Some(Quick { number: u32::try_from(number?).ok()?, piece, padding })
}

/// Reads a fragment of a call that has nothing but arguments.
fn arguments(call: &str) -> Option<Piece<'_>> {
    let mut index = None;
    let (_, function) = only(call, |key, value| match key {
        "\"function\"" => Member::Wanted,
        "\"index\"" => whole(value, &mut index),
        "\"type\"" => Member::Known,
        _ => nothing(value),
    })?;
    let (_, text) = only(function, |key, value| match key {
        "\"arguments\"" => Member::Wanted,
        _ => nothing(value),
    })?;
    Some(Piece::Arguments { index: index?, text: string(text)? })
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

/// A value that says nothing, in any of the ways in which servers do that.
fn is_nothing(value: &str) -> bool {
    matches!(value, "null" | "\"\"" | "[]")
}

fn nothing(value: &str) -> Member {
    if is_nothing(value) { Member::Known } else { Member::Other }
}

fn whole(value: &str, number: &mut Option<u64>) -> Member {
    *number = value.parse().ok();
    if number.is_some() { Member::Known } else { Member::Other }
}

/// A key that we do not read, unless it is spelt in a way that hides what it is.
fn plain(key: &str) -> Member {
    if key.contains('\\') { Member::Other } else { Member::Known }
}

/// A string that is not empty.
fn string(value: &str) -> Option<RawStr<'_>> {
    RawStr::of_json(value).filter(|text| !text.is_empty() && is_string_body(text.as_escaped()))
}

/// The one item of an array. Of several, the text between the brackets is no object, which whoever reads it will see.
fn single(array: &str) -> Option<&str> {
    array.strip_prefix('[')?.strip_suffix(']')
}

/// The wanted member's key and value, if there is just one, and no member needs another reader.
fn only(text: &str, mut judge: impl FnMut(&str, &str) -> Member) -> Option<(&str, &str)> {
    let (mut wanted, mut other) = (None, false);
    let of = |span: Span| text.get(span.start..span.end).unwrap_or_default();
    each_member(text.as_bytes(), |key, value| match judge(of(key), of(value)) {
        Member::Wanted => other |= wanted.replace((of(key), of(value))).is_some(),
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

    fn piece(choice: &str) -> Option<(u32, String)> {
        let chunk = chunk(choice);
        read(&chunk).map(|quick| match quick.piece {
            Piece::Text(text) => (quick.number, format!("text {}", text.as_escaped())),
            Piece::Thoughts(text) => (quick.number, format!("thoughts {}", text.as_escaped())),
            Piece::Arguments { index, text } => (quick.number, format!("call {index} {}", text.as_escaped())),
        })
    }

    #[test]
    fn a_piece_of_one_thing_and_nothing_else_is_read() {
        for (choice, expected) in [
            (
                r#" {"index":2,"delta":{"role":"assistant","content":"hé"},"logprobs":null,"finish_reason":null} "#,
                (2, "text hé"),
            ),
            (r#"{"index":0,"delta":{"content":"a\n\"b\" \u00e9\\"}}"#, (0, r#"text a\n\"b\" \u00e9\\"#)),
            (r#"{"index":0,"delta":{"content":null,"reasoning_content":"hm"}}"#, (0, "thoughts hm")),
            (r#"{"index":0,"delta":{"content":"","reasoning":"hm","tool_calls":[]}}"#, (0, "thoughts hm")),
            (
                r#"{"index":0,"delta":{"tool_calls":[{"index":3,"function":{"arguments":"{\"a\":"}}]}}"#,
                (0, r#"call 3 {\"a\":"#),
            ),
            (
                r#"{"index":1,"delta":{"tool_calls":[{"index":0,"id":null,"type":"function","function":{"name":"","arguments":"1"}}]}}"#,
                (1, "call 0 1"),
            ),
        ] {
            assert_eq!(piece(choice), Some((expected.0, expected.1.to_owned())), "{choice}");
        }
    }

    #[test]
    fn a_chunk_like_the_one_before_is_read_the_same_and_one_that_only_looks_so_is_not() {
        let text = |choice: &str| chunk(&format!(r#"{{"index":0,"delta":{choice}}}"#));
        let mut reader = Reader::default();
        for data in [
            text(r#"{"content":"a"}"#),
            text(r#"{"content":"b\n"}"#),
            text(r#"{"content":""}"#),
            text(r#"{"content":"a","refusal":"b"}"#),
            text(r#"{"content":"a\"}"#),
            text(r#"{"content":"p"}"#).replace("\"usage\"", "\"obfuscation\":\"x9\",\"usage\""),
            text(r#"{"content":"q"}"#).replace("\"usage\"", "\"obfuscation\":\"\",\"usage\""),
            text(r#"{"content":"r"}"#).replace("{\"id\"", "{\"obfuscation\":\"1\",\"id\""),
            text(r#"{"content":"s"}"#).replace("{\"id\"", "{\"obfuscation\":\"22\",\"id\""),
            text(r#"{"content":"c"}"#).replace("\"c\"", "\"d\""),
            text(r#"{"reasoning":"c"}"#),
            text(r#"{"tool_calls":[{"index":1,"function":{"arguments":"x"}}]}"#),
            text(r#"{"tool_calls":[{"index":1,"function":{"arguments":"y"}}]}"#),
            text(r#"{"tool_calls":[{"index":2,"function":{"arguments":"z"}}]}"#),
        ] {
            let piece = |quick: Option<Quick<'_>>| quick.map(|quick| (quick.number, format!("{:?}", quick.piece)));
            assert_eq!(piece(reader.read(&data)), piece(read(&data)), "{data}");
        }
    }

    #[test]
    fn whatever_else_there_may_be_is_left_to_the_other_reader() {
        for choice in [
            r#"{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}"#,
            r#"{"index":0,"delta":{"content":"a","refusal":"b"}}"#,
            r#"{"index":0,"delta":{"content":"a","content":"b"}}"#,
            r#"{"index":0,"delta":{"content":"a","reasoning":"b"}}"#,
            r#"{"index":0,"delta":{"content":"a\x"}}"#,
            r#"{"index":0,"delta":{"content":"a\u12"}}"#,
            r#"{"index":0,"delta":{"content":""}}"#,
            r#"{"index":0,"delta":{"content":["a"]}}"#,
            r#"{"index":0,"delta":{}}"#,
            r#"{"delta":{"content":"a"}}"#,
            r#"{"index":-1,"delta":{"content":"a"}}"#,
            r#"{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}"#,
            r#"{"index":0,"delta":{"content":"a"},"finish\u005freason":"stop"}"#,
            r#"{"index":0,"delta":{"tool_calls":[{"index":0,"id":"x","function":{"arguments":"1"}}]}}"#,
            r#"{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"1"}}]}}"#,
            r#"{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":{}}}]}}"#,
            r#"{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"1"}}]}}"#,
            r#"{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1"}},{"index":1}]}}"#,
            r#"{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1"},"extra_content":{"a":1}}]}}"#,
            "",
        ] {
            assert_eq!(piece(choice), None, "{choice}");
        }
        assert_eq!(read(r#"{"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{}}"#), None);
        assert_eq!(read(r#"{"choices":[{"index":0,"delta":{"content":"a"}}],"error":{}}"#), None);
        assert_eq!(read("[DONE]"), None);
    }
}
