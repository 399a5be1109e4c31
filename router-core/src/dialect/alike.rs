//! Events of one stream that differ from the one before in a few values only: found without being parsed.

use std::ops::Range;

use crate::chat::RawStr;
use crate::json::is_string_body;

/// The most values in which events may differ.
const HOLES_MAX: usize = 3;

/// A value in which events may differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Hole {
    /// The text that is wanted: the inside of a string.
    #[default]
    Wanted,
    /// The inside of a string that nobody reads, such as padding.
    Padding,
    /// A whole number that nobody reads, such as the event's own.
    Number,
}

/// What an event looked like. Where all around its holes is as it was, and they hold the same kinds of values, an event
/// means what the one before meant: the text between its strings' quotes cannot change what stands around it.
#[derive(Debug, Default)]
pub(super) struct Alike {
    /// What stands before each hole, and behind the last. All are empty when nothing is remembered.
    literals: [String; HOLES_MAX + 1],
    holes: [Hole; HOLES_MAX],
    count: usize,
}

impl Alike {
    /// Remembers an event and its holes, in the order in which they stand in it. Of too many, nothing is remembered.
    pub(super) fn remember(&mut self, data: &str, holes: &[(Range<usize>, Hole)]) {
        self.count = 0;
        if holes.len() > HOLES_MAX {
            return;
        }
        let mut at = 0;
        for (place, (range, hole)) in holes.iter().enumerate() {
            let Some(literal) = data.get(at..range.start) else { return };
            set(&mut self.literals[place], literal);
            self.holes[place] = *hole;
            at = range.end;
        }
        set(&mut self.literals[holes.len()], data.get(at..).unwrap_or_default());
        self.count = holes.len();
    }

    /// The wanted text of an event that looks the same; `None` of any other, and of one whose text is empty.
    pub(super) fn text<'d>(&self, data: &'d str) -> Option<RawStr<'d>> {
        let mut wanted = None;
        let mut rest = data.strip_prefix(self.literals[0].as_str()).filter(|_| self.count > 0)?;
        for (hole, literal) in self.holes.iter().zip(&self.literals[1..]).take(self.count) {
            let len = match hole {
                Hole::Number => number(rest)?,
                Hole::Wanted | Hole::Padding => string(rest)?,
            };
            let (value, behind) = rest.split_at(len);
            if *hole == Hole::Wanted {
                wanted = Some(value);
            }
            rest = behind.strip_prefix(literal.as_str())?;
        }
        wanted.filter(|text| !text.is_empty() && rest.is_empty()).map(RawStr::escaped)
    }
}

/// Where a part of `data` stands in it.
pub(super) fn range_of(data: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - data.as_ptr().addr();
    start..start + part.len()
}

fn set(text: &mut String, to: &str) {
    text.clear();
    text.push_str(to);
}

/// The length of a whole number as JSON has it.
fn number(rest: &str) -> Option<usize> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let leads_with_zero = digits > 1 && rest.starts_with('0');
    (digits > 0 && !leads_with_zero).then_some(digits)
}

/// The length of what stands before a string's closing quote.
fn string(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return is_string_body(&rest[..at]).then_some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remembers an event whose holes are marked: `<…>` wanted, `{…}` padding, `[…]` a number.
    fn alike(marked: &str) -> Alike {
        let (mut data, mut holes, mut start) = (String::new(), Vec::new(), 0);
        for letter in marked.chars() {
            match letter {
                '<' | '{' | '[' => start = data.len(),
                '>' => holes.push((start..data.len(), Hole::Wanted)),
                '}' => holes.push((start..data.len(), Hole::Padding)),
                ']' => holes.push((start..data.len(), Hole::Number)),
                letter => data.push(letter),
            }
        }
        let mut alike = Alike::default();
        alike.remember(&data, &holes);
        alike
    }

    #[test]
    fn only_the_holes_may_differ() {
        let alike = alike(r#"n:[7],d:"<a>",o:"{xyz}"!"#);
        let text = |data| alike.text(data).map(RawStr::as_escaped);
        assert_eq!(text(r#"n:7,d:"a",o:"xyz"!"#), Some("a"));
        assert_eq!(text(r#"n:123,d:"b\n\"c\"",o:""!"#), Some(r#"b\n\"c\""#));
        for other in [
            r#"n:7,d:"",o:"xyz"!"#,
            r#"n:,d:"a",o:"xyz"!"#,
            r#"n:07,d:"a",o:"xyz"!"#,
            r#"n:-7,d:"a",o:"xyz"!"#,
            r#"n:7,d:"a",o:"xyz"?"#,
            r#"n:7,d:"a",o:"xyz"!!"#,
            r#"n:7,d:"a",e:1,o:"xyz"!"#,
            r#"n:7,d:"a\",o:"xyz"!"#,
            r#"n:7,d:"a\x",o:"xyz"!"#,
            r#"n:7,d:"a"#,
            "",
        ] {
            assert_eq!(text(other), None, "{other}");
        }
    }

    #[test]
    fn what_was_never_remembered_is_alike_to_nothing() {
        assert_eq!(Alike::default().text(""), None);
        assert_eq!(Alike::default().text("a"), None);
    }
}
