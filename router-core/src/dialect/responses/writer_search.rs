//! Searches of the web in a client's stream.

use serde_json::Value;

use super::feed::{ADDED, DONE, Feed, Place};
use super::writer::StreamWriter;
use crate::json::Object;

/// A search that goes on.
#[derive(Debug)]
pub(super) struct Search {
    id: String,
    index: usize,
    /// The item, as it is when the search is over.
    item: Vec<u8>,
}

impl StreamWriter {
    /// A search begins.
    pub(super) fn begin_search(&mut self, item: &Value, out: &mut Vec<u8>) {
        let id = item.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let (_, index) = self.place("");
        let mut feed = self.feed(out);
        let mut begun = Vec::new();
        let mut object = Object::open(&mut begun);
        object.text("id", &id);
        object.escaped("type", "web_search_call");
        object.escaped("status", "in_progress");
        drop(object);
        feed.item(ADDED, index, &begun);
        let search = Search { id, index, item: item.to_string().into_bytes() };
        search.tell("response.web_search_call.in_progress", &mut feed);
        search.tell("response.web_search_call.searching", &mut feed);
        self.search = Some(search);
    }

    /// It is over, if there is one.
    pub(super) fn end_search(&mut self, out: &mut Vec<u8>) {
        let Some(search) = self.search.take() else { return };
        let mut feed = self.feed(out);
        search.tell("response.web_search_call.completed", &mut feed);
        feed.item(DONE, search.index, &search.item);
        self.keep((search.index, search.item));
    }
}

impl Search {
    fn tell(&self, kind: &'static str, feed: &mut Feed<'_>) {
        feed.emit(kind, |object| Place { item: &self.id, index: self.index, part: None }.say(object));
    }
}
