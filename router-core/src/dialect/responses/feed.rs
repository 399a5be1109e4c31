//! Events of a client's stream, and the pieces that many of them have in common.

use crate::chat::RawStr;
use crate::json::Object;

/// Where events go.
#[derive(Debug)]
pub(super) struct Feed<'f> {
    /// The number of the next event.
    pub(super) sequence: &'f mut u64,
    pub(super) out: &'f mut Vec<u8>,
}

impl Feed<'_> {
    /// Writes one event, whose members `body` adds.
    pub(super) fn emit(&mut self, kind: &'static str, body: impl FnOnce(&mut Object<'_>)) {
        self.out.extend_from_slice(b"event: ");
        self.out.extend_from_slice(kind.as_bytes());
        self.out.extend_from_slice(b"\ndata: ");
        let mut object = Object::open(self.out);
        object.escaped("type", kind);
        object.number("sequence_number", *self.sequence);
        body(&mut object);
        drop(object);
        self.out.extend_from_slice(b"\n\n");
        *self.sequence += 1;
    }

    /// An item begins or is complete.
    pub(super) fn item(&mut self, kind: &'static str, index: usize, item: &[u8]) {
        self.emit(kind, |object| {
            object.number("output_index", index as u64);
            object.key("item").extend_from_slice(item);
        });
    }
}

/// An item has begun.
pub(super) const ADDED: &str = "response.output_item.added";
/// An item is complete.
pub(super) const DONE: &str = "response.output_item.done";

/// Where something stands: in which item, and there in which part if the item has parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'p> {
    pub(super) item: &'p str,
    pub(super) index: usize,
    pub(super) part: Option<(&'static str, u64)>,
}

impl Place<'_> {
    /// Says it.
    pub(super) fn say(self, object: &mut Object<'_>) {
        object.text("item_id", self.item);
        object.number("output_index", self.index as u64);
        if let Some((key, part)) = self.part {
            object.number(key, part);
        }
    }
}

/// A part of one text member, as in `{"type":"summary_text","text":"…"}`.
pub(super) fn text_part(out: &mut Vec<u8>, kind: &'static str, text: &[u8]) {
    let mut part = Object::open(out);
    part.escaped("type", kind);
    quoted(part.key("text"), text);
}

/// A string whose inside is escaped already.
pub(super) fn quoted(out: &mut Vec<u8>, escaped: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(escaped);
    out.push(b'"');
}

/// An array of which the inside is there.
pub(super) fn listed(out: &mut Vec<u8>, inside: &[u8]) {
    out.push(b'[');
    out.extend_from_slice(inside);
    out.push(b']');
}

/// Puts a comma between what is there and what comes.
pub(super) fn comma(list: &mut Vec<u8>) {
    if !list.is_empty() {
        list.push(b',');
    }
}

/// Somebody's JSON on one line: line ends stand between its tokens only, and would end the event's line.
pub(super) fn one_line(out: &mut Vec<u8>, json: &str) {
    out.extend(json.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')));
}

/// A piece of text, as it goes into a buffer.
pub(super) fn bytes(text: RawStr<'_>) -> &[u8] {
    text.as_escaped().as_bytes()
}
