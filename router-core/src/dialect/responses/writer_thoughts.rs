//! Thoughts in a client's stream.

use super::feed::{ADDED, DONE, Feed, Place, bytes, comma, listed, quoted, text_part};
use crate::chat::RawStr;
use crate::json::Object;

/// A reasoning item that is open.
#[derive(Debug)]
pub(super) struct Thoughts {
    id: String,
    index: usize,
    /// What is shown is a summary.
    summary: bool,
    /// The parts that are complete, with commas between them.
    parts: Vec<u8>,
    count: u64,
    /// What came of the part that is open, still escaped.
    open: Option<Vec<u8>>,
    /// The seal as it is carried here.
    seal: Option<String>,
}

impl Thoughts {
    /// Begins to think.
    pub(super) fn begin(id: String, index: usize, summary: bool, feed: &mut Feed<'_>) -> Self {
        let thoughts = Self { id, index, summary, parts: Vec::new(), count: 0, open: None, seal: None };
        feed.item(ADDED, index, &thoughts.item());
        thoughts
    }

    /// An item of which nothing is shown, at once.
    pub(super) fn sealed(id: String, index: usize, seal: String, feed: &mut Feed<'_>) -> (usize, Vec<u8>) {
        let mut thoughts = Self::begin(id, index, true, feed);
        thoughts.seal = Some(seal);
        thoughts.end(feed)
    }

    /// More of them.
    pub(super) fn text(&mut self, text: RawStr<'_>, feed: &mut Feed<'_>) {
        if self.open.is_none() {
            self.begin_part(feed);
        }
        let kind = match self.summary {
            true => "response.reasoning_summary_text.delta",
            false => "response.reasoning_text.delta",
        };
        feed.emit(kind, |object| {
            self.place().say(object);
            object.escaped("delta", text.as_escaped());
        });
        self.open.get_or_insert_default().extend_from_slice(bytes(text));
    }

    /// The summary has another part.
    pub(super) fn part(&mut self, feed: &mut Feed<'_>) {
        self.end_part(feed);
        self.begin_part(feed);
    }

    /// The seal.
    pub(super) fn seal(&mut self, seal: String) {
        self.seal = Some(seal);
    }

    /// The item is complete. Gives its index, and the item.
    pub(super) fn end(mut self, feed: &mut Feed<'_>) -> (usize, Vec<u8>) {
        self.end_part(feed);
        let item = self.item();
        feed.item(DONE, self.index, &item);
        (self.index, item)
    }

    fn begin_part(&mut self, feed: &mut Feed<'_>) {
        let kind = match self.summary {
            true => "response.reasoning_summary_part.added",
            false => "response.content_part.added",
        };
        feed.emit(kind, |object| {
            self.place().say(object);
            text_part(object.key("part"), self.part_kind(), b"");
        });
        self.open = Some(Vec::new());
    }

    fn end_part(&mut self, feed: &mut Feed<'_>) {
        let Some(text) = self.open.take() else { return };
        let (done, part_done) = match self.summary {
            true => ("response.reasoning_summary_text.done", "response.reasoning_summary_part.done"),
            false => ("response.reasoning_text.done", "response.content_part.done"),
        };
        feed.emit(done, |object| {
            self.place().say(object);
            quoted(object.key("text"), &text);
        });
        feed.emit(part_done, |object| {
            self.place().say(object);
            text_part(object.key("part"), self.part_kind(), &text);
        });
        comma(&mut self.parts);
        text_part(&mut self.parts, if self.summary { "summary_text" } else { "reasoning_text" }, &text);
        self.count += 1;
    }

    const fn part_kind(&self) -> &'static str {
        if self.summary { "summary_text" } else { "reasoning_text" }
    }

    fn place(&self) -> Place<'_> {
        let key = if self.summary { "summary_index" } else { "content_index" };
        Place { item: &self.id, index: self.index, part: Some((key, self.count)) }
    }

    fn item(&self) -> Vec<u8> {
        let mut item = Vec::with_capacity(self.parts.len() + self.seal.as_ref().map_or(0, String::len) + 128);
        let mut object = Object::open(&mut item);
        object.text("id", &self.id);
        object.escaped("type", "reasoning");
        listed(object.key("summary"), if self.summary { &self.parts } else { b"" });
        if !self.summary && !self.parts.is_empty() {
            listed(object.key("content"), &self.parts);
        }
        if let Some(seal) = &self.seal {
            object.escaped("encrypted_content", seal);
        }
        drop(object);
        item
    }
}
