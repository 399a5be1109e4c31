//! Tool calls and pictures in a client's stream.

use super::feed::{ADDED, DONE, Feed, Place, bytes, quoted};
use crate::chat::RawStr;
use crate::json::{Object, escape_into};

/// A call that is open.
#[derive(Debug)]
pub(super) struct Call {
    /// The item's id, once it has begun.
    id: String,
    index: usize,
    /// Links the call with its result, still escaped.
    pub(super) call_id: String,
    /// Still escaped.
    name: String,
    custom: bool,
    /// What came so far, still escaped.
    arguments: Vec<u8>,
}

impl Call {
    /// A call that nobody has heard of yet.
    pub(super) fn new(call_id: RawStr<'_>, name: RawStr<'_>, custom: bool) -> Self {
        let (call_id, name) = (call_id.as_escaped().to_owned(), name.as_escaped().to_owned());
        Self { id: String::new(), index: 0, call_id, name, custom, arguments: Vec::new() }
    }

    /// How the ids of such items begin.
    pub(super) const fn prefix(&self) -> &'static str {
        if self.custom { "ctc" } else { "fc" }
    }

    /// Its item begins.
    pub(super) fn begin(&mut self, id: String, index: usize, feed: &mut Feed<'_>) {
        (self.id, self.index) = (id, index);
        feed.item(ADDED, index, &self.item("in_progress"));
    }

    /// More of its arguments.
    pub(super) fn text(&mut self, text: RawStr<'_>, feed: &mut Feed<'_>) {
        self.arguments.extend_from_slice(bytes(text));
        feed.emit(self.kind().0, |object| {
            self.place().say(object);
            object.escaped("delta", text.as_escaped());
        });
    }

    /// All of its arguments, as an object.
    pub(super) fn object(&mut self, json: &str, feed: &mut Feed<'_>) {
        let start = self.arguments.len();
        escape_into(&mut self.arguments, json);
        feed.emit(self.kind().0, |object| {
            self.place().say(object);
            quoted(object.key("delta"), &self.arguments[start..]);
        });
    }

    /// The call ends. Gives its index, and the item.
    pub(super) fn end(mut self, status: &'static str, feed: &mut Feed<'_>) -> (usize, Vec<u8>) {
        if self.arguments.is_empty() && !self.custom && status == "completed" {
            self.text(RawStr::escaped("{}"), feed);
        }
        let (_, done, key) = self.kind();
        feed.emit(done, |object| {
            self.place().say(object);
            if !self.custom {
                object.escaped("name", &self.name);
            }
            quoted(object.key(key), &self.arguments);
        });
        let item = self.item(status);
        feed.item(DONE, self.index, &item);
        (self.index, item)
    }

    /// The events that bring arguments, and the member that has them.
    const fn kind(&self) -> (&'static str, &'static str, &'static str) {
        if self.custom {
            ("response.custom_tool_call_input.delta", "response.custom_tool_call_input.done", "input")
        } else {
            ("response.function_call_arguments.delta", "response.function_call_arguments.done", "arguments")
        }
    }

    fn place(&self) -> Place<'_> {
        Place { item: &self.id, index: self.index, part: None }
    }

    fn item(&self, status: &'static str) -> Vec<u8> {
        let mut item = Vec::with_capacity(self.arguments.len() + 160);
        let mut object = Object::open(&mut item);
        object.text("id", &self.id);
        object.escaped("type", if self.custom { "custom_tool_call" } else { "function_call" });
        object.escaped("status", status);
        object.escaped("call_id", &self.call_id);
        object.escaped("name", &self.name);
        quoted(object.key(self.kind().2), &self.arguments);
        drop(object);
        item
    }
}

/// A picture that is open.
#[derive(Debug)]
pub(super) struct Picture {
    /// What comes after `image/`, still escaped.
    format: String,
    /// Base64.
    data: Vec<u8>,
}

impl Picture {
    /// A picture of a MIME type.
    pub(super) fn new(media_type: RawStr<'_>) -> Self {
        let format = media_type.as_escaped();
        Self { format: format.strip_prefix("image/").unwrap_or(format).to_owned(), data: Vec::new() }
    }

    /// Its bytes.
    pub(super) fn data(&mut self, data: RawStr<'_>) {
        self.data.extend_from_slice(bytes(data));
    }

    /// The picture is complete. Gives its index, and the item.
    pub(super) fn end(self, id: &str, index: usize, feed: &mut Feed<'_>) -> (usize, Vec<u8>) {
        feed.item(ADDED, index, &self.item(id, "in_progress", None));
        let item = self.item(id, "completed", Some(&self.data));
        feed.item(DONE, index, &item);
        (index, item)
    }

    fn item(&self, id: &str, status: &'static str, data: Option<&[u8]>) -> Vec<u8> {
        let mut item = Vec::with_capacity(data.map_or(0, <[u8]>::len) + 160);
        let mut object = Object::open(&mut item);
        object.text("id", id);
        object.escaped("type", "image_generation_call");
        object.escaped("status", status);
        object.escaped("output_format", &self.format);
        match data {
            Some(data) => quoted(object.key("result"), data),
            None => object.null("result"),
        }
        drop(object);
        item
    }
}
