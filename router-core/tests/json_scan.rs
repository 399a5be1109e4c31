//! What the scanner promises about any text.

mod json_support;

use json_support::{Split, any_object, near_json, split};
use proptest::prelude::*;
use router_core::json::{DEPTH_MAX, Fault, Malformed, Scanner, Token};

type Found = Result<Vec<Token>, Malformed>;

/// Scans a text that grows in one buffer.
fn grow(text: &[u8], split: &Split) -> Found {
    let (mut scanner, mut tokens) = (Scanner::new(), Vec::new());
    for end in split.ends(text.len()) {
        while let Some(token) = scanner.next(&text[..end], 0)? {
            tokens.push(token);
        }
    }
    scanner.finish().map(|()| tokens)
}

/// Scans a text of which nothing is kept.
fn pass(text: &[u8], split: &Split) -> Found {
    let (mut scanner, mut tokens, mut base) = (Scanner::new(), Vec::new(), 0);
    for piece in split.pieces(text) {
        while let Some(token) = scanner.next(piece, base)? {
            tokens.push(token);
        }
        base += piece.len();
    }
    scanner.finish().map(|()| tokens)
}

fn whole(text: &[u8]) -> Found {
    grow(text, &Split::At(Vec::new()))
}

fn is_object(text: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(text).is_ok_and(|value| value.is_object())
}

/// Whether every member is JSON by itself.
fn members_are_json(text: &[u8], tokens: &[Token]) -> bool {
    tokens.iter().all(|token| {
        let (Token::Key(span) | Token::Value(span)) = token;
        serde_json::from_slice::<serde_json::Value>(span.of(text)).is_ok()
    })
}

proptest! {
    #[test]
    fn members_are_found_where_they_are(object in any_object(), split in split()) {
        let mut expected = Vec::new();
        for (key, value) in &object.members {
            expected.push(Token::Key(span(key)));
            expected.push(Token::Value(span(value)));
        }
        let text = object.text.as_bytes();
        prop_assert!(is_object(text), "the test itself is wrong");
        prop_assert_eq!(&whole(text), &Ok(expected));
        prop_assert_eq!(grow(text, &split), whole(text));
        prop_assert_eq!(pass(text, &split), whole(text));
    }

    #[test]
    fn every_split_of_a_text_gives_the_same_tokens_or_the_same_error(text in near_json(), split in split()) {
        prop_assert_eq!(grow(&text, &split), whole(&text));
        prop_assert_eq!(pass(&text, &split), whole(&text));
    }

    #[test]
    fn what_is_taken_for_an_object_is_one_if_its_members_are_json(text in near_json()) {
        let found = whole(&text);
        let is_one = found.as_ref().is_ok_and(|tokens| members_are_json(&text, tokens));
        prop_assert_eq!(is_one, is_object(&text), "{:?}", found);
    }

    #[test]
    fn every_prefix_of_an_object_is_unfinished(object in any_object()) {
        let text = object.text.trim_ascii_end().as_bytes();
        let mut scanner = Scanner::new();
        for end in 0..text.len() {
            while scanner.next(&text[..end], 0).expect("a valid object").is_some() {}
            prop_assert_eq!(scanner.finish(), Err(Malformed { fault: Fault::Unfinished, at: end }));
        }
    }

    #[test]
    fn an_error_stays_whatever_follows(text in near_json(), more in near_json()) {
        let mut scanner = Scanner::new();
        let first = loop {
            match scanner.next(&text, 0) {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(malformed) => break malformed,
            }
        };
        prop_assert_eq!(scanner.next(&more, text.len()), Err(first));
        prop_assert_eq!(scanner.finish(), Err(first));
    }

    #[test]
    fn what_has_begun_and_not_ended_is_known(object in any_object(), cut in any::<prop::sample::Index>()) {
        let end = cut.index(object.text.len());
        let mut scanner = Scanner::new();
        while scanner.next(&object.text.as_bytes()[..end], 0).expect("a valid object").is_some() {}
        let open = object.members.iter().flat_map(|(key, value)| [key, value]).find(|range| {
            // A scalar has no end of its own: it ends when something else begins.
            let is_scalar = !matches!(object.text.as_bytes()[range.start], b'"' | b'{' | b'[');
            range.start < end && (end < range.end || is_scalar && end == range.end)
        });
        // The bracket of a nested value is seen when it begins, even if nothing of it has been crossed.
        prop_assert_eq!(scanner.open(), open.map(|range| range.start));
    }
}

fn span(range: &std::ops::Range<usize>) -> router_core::json::Span {
    router_core::json::Span { start: range.start, end: range.end }
}

#[test]
fn each_fault_is_found_at_its_byte() {
    for (text, fault, at) in [
        ("", Fault::Unfinished, 0),
        (" [", Fault::NotAnObject, 1),
        ("\u{FEFF}{}", Fault::NotAnObject, 0),
        ("{,", Fault::NoKey, 1),
        ("{\"a\":1,}", Fault::NoKey, 7),
        ("{a:1}", Fault::NoKey, 1),
        ("{\"a\",", Fault::NoColon, 4),
        ("{\"a\":}", Fault::NoValue, 5),
        ("{\"a\":'b'}", Fault::NoValue, 5),
        ("{\"a\":01}", Fault::BadScalar, 6),
        ("{\"a\":1.}", Fault::BadScalar, 7),
        ("{\"a\":-}", Fault::BadScalar, 6),
        ("{\"a\":+1}", Fault::NoValue, 5),
        ("{\"a\":1e}", Fault::BadScalar, 7),
        ("{\"a\":truth}", Fault::BadScalar, 8),
        ("{\"a\":nul }", Fault::BadScalar, 8),
        ("{\"a\":NaN}", Fault::NoValue, 5),
        ("{\"a\":1 2}", Fault::NoComma, 7),
        ("{\"a\":\"b\" \"c\"}", Fault::NoComma, 9),
        ("{\"a\":[1}}", Fault::Mismatch, 7),
        ("{\"a\":[\\\"]", Fault::StrayBackslash, 6),
        ("{} {", Fault::Trailing, 3),
        ("{}\0", Fault::Trailing, 2),
    ] {
        let expected = Err(Malformed { fault, at });
        assert_eq!(whole(text.as_bytes()), expected, "{text}");
        assert_eq!(pass(text.as_bytes(), &Split::Bytes), expected, "{text}");
    }
}

#[test]
fn nesting_is_bounded_at_the_same_byte_in_any_split() {
    let nested = |levels: u32| {
        let inner = levels as usize - 1;
        format!("{{\"a\":{}{}}}", "[".repeat(inner), "]".repeat(inner))
    };
    let deepest = nested(DEPTH_MAX);
    let too_deep = nested(DEPTH_MAX + 1);
    let at = "{\"a\":".len() + DEPTH_MAX as usize - 1;
    for split in [Split::At(Vec::new()), Split::Bytes] {
        assert!(grow(deepest.as_bytes(), &split).is_ok());
        assert_eq!(grow(too_deep.as_bytes(), &split), Err(Malformed { fault: Fault::TooDeep, at }));
        assert_eq!(pass(too_deep.as_bytes(), &split), Err(Malformed { fault: Fault::TooDeep, at }));
    }
}

#[test]
fn backslashes_before_a_quote_count_across_blocks() {
    for run in 0..200 {
        let text = format!("{{\"a\":\"{}\",\"b\":[\"{}\"]}}", "\\".repeat(run), "\\".repeat(run));
        assert_eq!(whole(text.as_bytes()).is_ok(), run % 2 == 0, "{run} backslashes");
        assert_eq!(whole(text.as_bytes()), pass(text.as_bytes(), &Split::Bytes), "{run} backslashes");
    }
}
