//! The event that most events are: another piece of the block that is open.
//!
//! Such events of one block differ in their number, their text and the padding that hides how long it is. The first one is
//! read as any event is; those that follow are known by what stands around these.

use super::reader_blocks::Open;
use super::wire::{Event, array, text};
use crate::chat::RawStr;
use crate::dialect::alike::{Alike, Hole, range_of};

/// Knows more pieces of a block again.
#[derive(Debug, Default)]
pub(super) struct Quick {
    alike: Alike,
    /// The item that the last piece belonged to, by its place.
    item: usize,
    block: u32,
    part: u32,
}

impl Quick {
    /// A piece of the same part of the same block as the last one: its item's place, and the text.
    pub(super) fn read<'d>(&self, data: &'d str) -> Option<(usize, RawStr<'d>)> {
        Some((self.item, self.alike.text(data)?))
    }

    /// Whether this is the block, and its part, that the last piece belonged to.
    pub(super) fn is_of(&self, open: &Open) -> bool {
        (self.block, self.part) == (open.block, open.part)
    }

    /// Remembers an event that was a piece of this block. One that says more is not remembered, nor one whose item was
    /// guessed.
    pub(super) fn remember(&mut self, data: &str, event: &Event<'_>, item: usize, open: &Open) {
        let Some(wanted) = text(event.delta).filter(|_| array(event.logprobs).is_none()) else { return };
        let number = event.sequence_number.map(|raw| (range_of(data, raw.get()), Hole::Number));
        let padding = text(event.obfuscation).map(|text| (range_of(data, text.as_escaped()), Hole::Padding));
        let wanted = (range_of(data, wanted.as_escaped()), Hole::Wanted);
        let mut holes: [_; 3] = std::array::from_fn(|_| (0..0, Hole::Number));
        let mut count = 0;
        for hole in [number, Some(wanted), padding].into_iter().flatten() {
            holes[count] = hole;
            count += 1;
        }
        holes[..count].sort_unstable_by_key(|(range, _)| range.start);
        self.alike.remember(data, &holes[..count]);
        (self.item, self.block, self.part) = (item, open.block, open.part);
    }
}

#[cfg(test)]
mod tests {
    use super::super::reader_blocks::Kind;
    use super::*;

    const OPEN: Open = Open { block: 4, kind: Kind::Text, part: 1, told: 0, cited: 0, weighed: false };

    fn delta(number: u32, text: &str, logprobs: &str, padding: &str) -> String {
        format!(
            r#"{{"type":"response.output_text.delta","sequence_number":{number},"item_id":"m","output_index":2,"content_index":1,"delta":"{text}","logprobs":{logprobs},"obfuscation":"{padding}"}}"#
        )
    }

    fn after(data: &str) -> Quick {
        let mut quick = Quick::default();
        quick.remember(data, &serde_json::from_str(data).expect("an event"), 2, &OPEN);
        quick
    }

    #[test]
    fn another_piece_of_the_same_block_is_known_whatever_its_number_and_padding() {
        let quick = after(&delta(7, "a", "[]", "K2"));
        let more = delta(123, "b\\n", "[]", "");
        assert_eq!(quick.read(&more), Some((2, RawStr::escaped("b\\n"))));
        assert!(quick.is_of(&OPEN) && !quick.is_of(&Open { part: 2, ..OPEN }));
        assert_eq!(quick.read(&more.replace("\"output_index\":2", "\"output_index\":3")), None);
        assert_eq!(quick.read(&delta(8, "b", "[{}]", "")), None);
    }

    #[test]
    fn a_piece_that_says_more_is_not_remembered() {
        let data = delta(7, "a", r#"[{"token":"a","logprob":-0.1}]"#, "K2");
        assert_eq!(after(&data).read(&data), None);
    }
}
