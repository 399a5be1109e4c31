//! Random JSON whose every byte is known: what it means, and where its members are.
//!
//! The larger strategies are boxed: as plain types they overflow the stack of a test thread.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A JSON string: what it says, and one way to spell it, quotes included.
#[derive(Debug, Clone)]
pub struct Spelt {
    pub says: String,
    pub text: String,
}

/// A member with the whitespace before its key, before and after its colon, and after its value.
#[derive(Debug, Clone)]
pub struct Member {
    pub key: Spelt,
    pub value: String,
    pub spaces: [String; 4],
}

/// An object as text, with the ranges of its keys and values.
#[derive(Debug, Clone)]
pub struct Object {
    pub text: String,
    pub members: Vec<(Range<usize>, Range<usize>)>,
}

/// Puts an object together.
pub fn object(members: &[Member], around: &[String; 2]) -> Object {
    let mut text = format!("{}{{", around[0]);
    let mut ranges = Vec::new();
    for (at, member) in members.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(&member.spaces[0]);
        let key = text.len()..text.len() + member.key.text.len();
        text.push_str(&member.key.text);
        text.push_str(&member.spaces[1]);
        text.push(':');
        text.push_str(&member.spaces[2]);
        let value = text.len()..text.len() + member.value.len();
        text.push_str(&member.value);
        text.push_str(&member.spaces[3]);
        ranges.push((key, value));
    }
    text.push('}');
    text.push_str(&around[1]);
    Object { text, members: ranges }
}

/// Mostly nothing.
pub fn spaces() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 1 => "[ \t\r\n]{1,3}"]
}

/// Whitespace before and after an object.
pub fn around() -> impl Strategy<Value = [String; 2]> {
    [spaces(), spaces()]
}

/// What strings are made of: much that has a meaning outside of strings.
pub fn text() -> impl Strategy<Value = String> {
    const MEANINGFUL: [&str; 15] =
        ["\"", "\\", "\\\\", "\\\\\\", "\\\"", "{", "}", "[", "]", ",", ":", "\n", "/", "\0", "\u{2028}"];
    let piece = prop_oneof![
        4 => "[a-z ]{1,40}",
        2 => select(&MEANINGFUL[..]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop_oneof![4 => vec(piece.clone(), 0..4), 1 => vec(piece, 10..40)].prop_map(|pieces| pieces.concat())
}

/// Some way to spell a text as a JSON string.
pub fn spelling(says: String) -> impl Strategy<Value = Spelt> {
    let chars = says.chars().count();
    vec(0u8..12, chars).prop_map(move |choices| {
        let body: String = says.chars().zip(choices).map(|(char, choice)| spell(char, choice)).collect();
        Spelt { says: says.clone(), text: format!("\"{body}\"") }
    })
}

fn spell(char: char, choice: u8) -> String {
    match (char, choice) {
        (_, 0) => {
            let mut units = [0; 2];
            char.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }
        ('"' | '\\', _) | ('/', 1) => format!("\\{char}"),
        ('\n', _) => "\\n".to_owned(),
        ('\0'..'\u{20}', _) => format!("\\u{:04X}", u32::from(char)),
        _ => char.to_string(),
    }
}

/// A JSON string of any text.
pub fn string() -> BoxedStrategy<Spelt> {
    text().prop_flat_map(spelling).boxed()
}

/// A number, true, false or null.
pub fn scalar() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,9})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,2})?";
    prop_oneof![number, select(&["true", "false", "null"][..]).prop_map(str::to_owned)]
}

/// Any JSON value.
pub fn value() -> BoxedStrategy<String> {
    let leaf = prop_oneof![string().prop_map(|string| string.text), scalar()];
    leaf.prop_recursive(4, 30, 5, |inner| {
        let spaced = (spaces(), inner, spaces()).prop_map(|(before, value, after)| before + &value + &after).boxed();
        let item =
            (spaces(), string(), spaced.clone()).prop_map(|(space, key, value)| space + &key.text + ":" + &value);
        prop_oneof![
            (vec(spaced, 0..5), spaces()).prop_map(|(items, space)| match items.is_empty() {
                true => format!("[{space}]"),
                false => format!("[{}]", items.join(",")),
            }),
            (vec(item, 0..5), spaces()).prop_map(|(items, space)| match items.is_empty() {
                true => format!("{{{space}}}"),
                false => format!("{{{}}}", items.join(",")),
            }),
        ]
    })
    .boxed()
}

/// A member with this key and value.
pub fn member(says: impl Into<String>, value: impl Strategy<Value = String>) -> impl Strategy<Value = Member> {
    (spelling(says.into()), value, [spaces(), spaces(), spaces(), spaces()]).prop_map(|(key, value, spaces)| Member {
        key,
        value,
        spaces,
    })
}

/// Members whose keys all differ.
pub fn members(count: Range<usize>) -> BoxedStrategy<Vec<Member>> {
    let member = (string(), value(), [spaces(), spaces(), spaces(), spaces()])
        .prop_map(|(key, value, spaces)| Member { key, value, spaces });
    vec(member, count)
        .prop_map(|mut members| {
            members.sort_by(|a, b| a.key.says.cmp(&b.key.says));
            members.dedup_by(|a, b| a.key.says == b.key.says);
            members
        })
        .boxed()
}

/// Any object.
pub fn any_object() -> impl Strategy<Value = Object> {
    (members(0..8), around()).prop_map(|(members, around)| object(&members, &around))
}

/// Text that looks like JSON and mostly is not.
pub fn near_json() -> impl Strategy<Value = Vec<u8>> {
    let piece = select(
        &[
            "{", "}", "[", "]", "\"", "\\", ",", ":", " ", "\n", "\"a\"", "\"a\":", "1", "-", "0", ".5", "e+", "true",
            "nul", "\\\"", "é",
        ][..],
    );
    let soup = vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes());
    let broken = (any_object(), any::<Index>(), any::<u8>(), 0..4u8).prop_map(|(object, at, byte, kind)| {
        let mut text = object.text.into_bytes();
        let at = at.index(text.len());
        match kind {
            0 => text[at] = byte,
            1 => text.insert(at, b"\"\\{}[],:"[usize::from(byte) % 8]),
            2 => drop(text.remove(at)),
            _ => {}
        }
        text
    });
    prop_oneof![1 => soup, 3 => broken, 1 => vec(any::<u8>(), 0..100)]
}

/// How a text of some length is split: into single bytes, or at random places.
#[derive(Debug, Clone)]
pub enum Split {
    Bytes,
    At(Vec<Index>),
}

pub fn split() -> impl Strategy<Value = Split> {
    prop_oneof![1 => Just(Split::Bytes), 4 => vec(any::<Index>(), 0..6).prop_map(Split::At)]
}

impl Split {
    /// The ends of the pieces, the last of them `len`.
    pub fn ends(&self, len: usize) -> Vec<usize> {
        let mut ends: Vec<_> = match self {
            Self::Bytes => (1..len).collect(),
            Self::At(places) => places.iter().map(|place| place.index(len + 1)).collect(),
        };
        ends.push(len);
        ends.sort_unstable();
        ends
    }

    /// The pieces of a text.
    pub fn pieces<'t>(&self, text: &'t [u8]) -> Vec<&'t [u8]> {
        let ends = self.ends(text.len());
        std::iter::once(0).chain(ends.iter().copied()).zip(ends.iter()).map(|(start, end)| &text[start..*end]).collect()
    }
}
