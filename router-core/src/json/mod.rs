//! Finds the members of a JSON object without reading what is inside them.
//!
//! Goes over the text once, in blocks of 64 bytes, in the manner of simdjson (Langdale and Lemire, "Parsing Gigabytes
//! of JSON per Second", 2019): long strings and nested values are crossed by bit masks, the top level byte by byte. The
//! text may come in any split, and what was scanned need not be kept.
//!
//! Strict at the top level (RFC 8259): one object, nothing but whitespace around it, every colon and comma in its
//! place, scalars spelt as JSON spells them. It does not check the text of strings, nor, inside nested values, anything
//! but that strings end and brackets are balanced by count: whoever uses a nested value parses it.

mod block;
mod scalar;
mod scan;
mod skip;
mod text;
mod write;

pub use scan::{DEPTH_MAX, Fault, Malformed, Scanner, Token, each_member};
pub use text::{escape, is_string_body, unescape, unescape_bytes};
pub use write::{Array, Object, escape_into, push_number};

/// A range of bytes, counted from the first byte of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl Span {
    /// Whether there is no byte in it.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// These bytes of `text`.
    ///
    /// # Panics
    /// When `text` is not the text that the span was found in.
    pub fn of(self, text: &[u8]) -> &[u8] {
        &text[self.start..self.end]
    }

    /// The same range, counted from `by` bytes further ahead.
    #[must_use]
    pub fn shifted(self, by: usize) -> Self {
        Self { start: self.start + by, end: self.end + by }
    }
}
