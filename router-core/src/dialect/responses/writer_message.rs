//! Texts and refusals in a client's stream. Several in a row are the parts of one message.

use super::cite;
use super::feed::{ADDED, DONE, Feed, Place, bytes, comma, listed, one_line, quoted};
use crate::chat::{Citation, RawStr};
use crate::dialect::cite::count_escaped;
use crate::domain::Dialect;
use crate::json::Object;

/// The message item that is open.
#[derive(Debug)]
pub(super) struct Message {
    id: String,
    index: usize,
    /// The parts that are complete, with commas between them.
    parts: Vec<u8>,
    count: u64,
}

impl Message {
    /// Begins a message.
    pub(super) fn begin(id: String, index: usize, feed: &mut Feed<'_>) -> Self {
        let message = Self { id, index, parts: Vec::new(), count: 0 };
        feed.item(ADDED, index, &message.item("in_progress"));
        message
    }

    /// Ends it. Gives its index, and the item.
    pub(super) fn end(self, status: &'static str, feed: &mut Feed<'_>) -> (usize, Vec<u8>) {
        let item = self.item(status);
        feed.item(DONE, self.index, &item);
        (self.index, item)
    }

    fn item(&self, status: &'static str) -> Vec<u8> {
        let mut item = Vec::with_capacity(self.parts.len() + 128);
        let mut object = Object::open(&mut item);
        object.text("id", &self.id);
        object.escaped("type", "message");
        object.escaped("status", status);
        object.escaped("role", "assistant");
        listed(object.key("content"), &self.parts);
        drop(object);
        item
    }

    fn place(&self) -> Place<'_> {
        Place { item: &self.id, index: self.index, part: Some(("content_index", self.count)) }
    }
}

/// A part of it that is open.
#[derive(Debug)]
pub(super) struct Words {
    refusal: bool,
    /// What came so far, still escaped.
    text: Vec<u8>,
    /// How many bytes of it were counted, and the characters in them.
    counted: (usize, u64),
    annotations: Vec<u8>,
    annotated: u64,
    /// Citations that wait for their text.
    cited: Vec<Citation<'static>>,
    logprobs: Vec<u8>,
}

impl Words {
    /// A part of which nothing was said yet.
    pub(super) const fn new(refusal: bool) -> Self {
        Self {
            refusal,
            text: Vec::new(),
            counted: (0, 0),
            annotations: Vec::new(),
            annotated: 0,
            cited: Vec::new(),
            logprobs: Vec::new(),
        }
    }

    /// The part begins.
    pub(super) fn begin(&self, message: &Message, feed: &mut Feed<'_>) {
        feed.emit("response.content_part.added", |object| {
            message.place().say(object);
            self.part(object.key("part"));
        });
    }

    /// The part goes on.
    pub(super) fn text(&mut self, text: RawStr<'_>, message: &Message, feed: &mut Feed<'_>) {
        self.text.extend_from_slice(bytes(text));
        let kind = if self.refusal { "response.refusal.delta" } else { "response.output_text.delta" };
        feed.emit(kind, |object| {
            message.place().say(object);
            object.escaped("delta", text.as_escaped());
            if !self.refusal {
                object.json("logprobs", "[]");
            }
        });
    }

    /// How likely its tokens were: a piece of text that has none.
    pub(super) fn logprobs(&mut self, json: &str, message: &Message, feed: &mut Feed<'_>) {
        let inside = json.trim_ascii().strip_prefix('[').and_then(|json| json.strip_suffix(']'));
        let Some(inside) = inside.filter(|inside| !self.refusal && !inside.trim_ascii().is_empty()) else { return };
        comma(&mut self.logprobs);
        one_line(&mut self.logprobs, inside);
        feed.emit("response.output_text.delta", |object| {
            message.place().say(object);
            object.escaped("delta", "");
            one_line(object.key("logprobs"), json);
        });
    }

    /// Where it comes from: told at once if the text that it is for is there, else when the part is complete.
    pub(super) fn citation(&mut self, citation: &Citation<'_>, message: &Message, feed: &mut Feed<'_>) {
        if self.refusal || !cite::can_say(citation) {
            return;
        }
        let own = citation.dialect == Dialect::Responses;
        if own || citation.range.is_some_and(|(_, end)| end <= self.chars()) {
            self.annotation(citation, message, feed);
        } else {
            self.cited.push(citation.clone().into_owned());
        }
    }

    fn annotation(&mut self, citation: &Citation<'_>, message: &Message, feed: &mut Feed<'_>) {
        let whole = (0, self.chars());
        comma(&mut self.annotations);
        let start = self.annotations.len();
        if citation.dialect == Dialect::Responses {
            one_line(&mut self.annotations, &citation.json);
        } else {
            cite::write(citation, whole, &mut Object::open(&mut self.annotations));
        }
        feed.emit("response.output_text.annotation.added", |object| {
            message.place().say(object);
            object.number("annotation_index", self.annotated);
            object.key("annotation").extend_from_slice(&self.annotations[start..]);
        });
        self.annotated += 1;
    }

    /// Characters of the text so far. Pieces that were counted are not counted again.
    fn chars(&mut self) -> u64 {
        let (bytes, chars) = &mut self.counted;
        *chars += count_escaped(std::str::from_utf8(&self.text[*bytes..]).unwrap_or_default());
        *bytes = self.text.len();
        *chars
    }

    /// The part is complete.
    pub(super) fn end(mut self, message: &mut Message, feed: &mut Feed<'_>) {
        for citation in std::mem::take(&mut self.cited) {
            self.annotation(&citation, message, feed);
        }
        let (kind, key) = match self.refusal {
            true => ("response.refusal.done", "refusal"),
            false => ("response.output_text.done", "text"),
        };
        feed.emit(kind, |object| {
            message.place().say(object);
            quoted(object.key(key), &self.text);
            if !self.refusal {
                listed(object.key("logprobs"), &self.logprobs);
            }
        });
        comma(&mut message.parts);
        let start = message.parts.len();
        self.part(&mut message.parts);
        feed.emit("response.content_part.done", |object| {
            message.place().say(object);
            object.key("part").extend_from_slice(&message.parts[start..]);
        });
        message.count += 1;
    }

    fn part(&self, out: &mut Vec<u8>) {
        let mut part = Object::open(out);
        if self.refusal {
            part.escaped("type", "refusal");
            quoted(part.key("refusal"), &self.text);
            return;
        }
        part.escaped("type", "output_text");
        quoted(part.key("text"), &self.text);
        listed(part.key("annotations"), &self.annotations);
        listed(part.key("logprobs"), &self.logprobs);
    }
}
