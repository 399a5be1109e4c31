//! The blocks of a client's stream, from the first that is heard of one to the last.
//!
//! An item begins when there is something to say of it, and not before: a signature that comes first goes ahead of it,
//! in a reasoning item of its own. One that comes later follows it, and says to which block it belongs.

use super::feed::{ADDED, DONE, Feed};
use super::foreign;
use super::items::{BEFORE, REDACTED};
use super::write_response::carried;
use super::writer::StreamWriter;
use super::writer_call::{Call, Picture};
use super::writer_message::{Message, Words};
use super::writer_thoughts::Thoughts;
use crate::chat::{Delta, Opening, RawStr, Signature};
use crate::domain::Dialect;

/// A block that is open.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) block: u32,
    body: Body,
    /// The client has heard of it.
    begun: bool,
    /// A signature that came too late to go ahead of it, as it is carried here.
    seal: Option<String>,
}

#[derive(Debug)]
enum Body {
    Words(Words),
    Call(Call),
    /// Thoughts that nobody has heard of yet.
    Unsaid {
        id: Option<String>,
        summary: bool,
    },
    Thoughts(Thoughts),
    /// Thoughts that are hidden.
    Redacted(Option<String>),
    Picture(Picture),
}

impl StreamWriter {
    pub(super) fn open(&mut self, block: u32, opening: Opening<'_>, out: &mut Vec<u8>) {
        self.begin(out);
        self.end_search(out);
        let body = match opening {
            Opening::Text => Body::Words(Words::new(false)),
            Opening::Refusal => {
                self.refused = true;
                Body::Words(Words::new(true))
            }
            // Thoughts of another dialect have no id, and are told as a summary: clients show nothing else.
            Opening::Thinking { id, summary } => {
                Body::Unsaid { id: id.map(|id| id.text().into_owned()), summary: summary || id.is_none() }
            }
            Opening::Redacted => Body::Redacted(None),
            Opening::ToolCall { id, name, custom } => Body::Call(Call::new(id, name, custom)),
            Opening::Image { media_type } => Body::Picture(Picture::new(media_type)),
            Opening::Foreign { dialect, json } => return self.foreign(dialect, json, out),
        };
        if !matches!(body, Body::Words(_)) {
            self.end_message(out);
        }
        self.blocks.push(Open { block, body, begun: false, seal: None });
    }

    fn foreign(&mut self, dialect: Dialect, json: &str, out: &mut Vec<u8>) {
        let item = serde_json::from_str(json).ok().and_then(|value| foreign::item(dialect, &value));
        let Some(item) = item else { return };
        self.end_message(out);
        if dialect != Dialect::Responses {
            return self.begin_search(&item, out);
        }
        let (_, index) = self.place("");
        let item = item.to_string().into_bytes();
        let mut feed = self.feed(out);
        feed.item(ADDED, index, &item);
        feed.item(DONE, index, &item);
        self.keep((index, item));
    }

    pub(super) fn delta(&mut self, block: u32, delta: Delta<'_>, out: &mut Vec<u8>) {
        let Some(at) = self.blocks.iter().position(|open| open.block == block) else { return };
        if let Delta::Signature { origin, data } = delta {
            self.seal(at, origin, data, out);
            return;
        }
        self.tell(at, out);
        let mut feed = Feed { sequence: &mut self.sequence, out };
        match (&mut self.blocks[at].body, delta) {
            (Body::Words(words), delta) => {
                let Some(message) = &self.message else { return };
                match delta {
                    Delta::Text(text) => words.text(text, message, &mut feed),
                    Delta::Logprobs(json) => words.logprobs(json, message, &mut feed),
                    Delta::Citation(citation) => words.citation(citation, message, &mut feed),
                    _ => {}
                }
            }
            (Body::Thoughts(thoughts), Delta::Text(text)) => thoughts.text(text, &mut feed),
            (Body::Thoughts(thoughts), Delta::SummaryPart) => thoughts.part(&mut feed),
            (Body::Call(call), Delta::Arguments(text)) => call.text(text, &mut feed),
            (Body::Call(call), Delta::Object(json)) => call.object(json, &mut feed),
            (Body::Picture(picture), Delta::Data(data)) => picture.data(data),
            _ => {}
        }
    }

    fn seal(&mut self, at: usize, origin: Dialect, data: RawStr<'_>, out: &mut Vec<u8>) {
        let seal = Signature::new(origin, data.as_escaped());
        let open = &mut self.blocks[at];
        match &mut open.body {
            Body::Redacted(slot) => *slot = Some(carried(&seal, Some(REDACTED))),
            Body::Unsaid { .. } | Body::Thoughts(_) => {
                self.tell(at, out);
                if let Body::Thoughts(thoughts) = &mut self.blocks[at].body {
                    thoughts.seal(carried(&seal, None));
                }
            }
            Body::Call(call) if open.begun => {
                // Other calls may have begun since.
                let link = Some(call.call_id.as_str()).filter(|id| !id.contains('.') && *id != REDACTED);
                open.seal = Some(carried(&seal, link.or(Some(BEFORE))));
            }
            Body::Words(_) if open.begun => open.seal = Some(carried(&seal, Some(BEFORE))),
            Body::Call(_) | Body::Words(_) => {
                if let Some(before) = at.checked_sub(1) {
                    self.tell(before, out);
                }
                self.sealed(carried(&seal, None), out);
                self.tell(at, out);
            }
            Body::Picture(_) => {}
        }
    }

    /// A reasoning item that has nothing but a seal.
    fn sealed(&mut self, seal: String, out: &mut Vec<u8>) {
        self.end_message(out);
        let (id, index) = self.place("rs");
        let item = Thoughts::sealed(id, index, seal, &mut self.feed(out));
        self.keep(item);
    }

    /// Lets the client hear of a block, and of those that opened before it.
    fn tell(&mut self, last: usize, out: &mut Vec<u8>) {
        for at in 0..=last {
            if !std::mem::replace(&mut self.blocks[at].begun, true) {
                self.tell_one(at, out);
            }
        }
    }

    fn tell_one(&mut self, at: usize, out: &mut Vec<u8>) {
        let prefix = match &self.blocks[at].body {
            Body::Words(_) => "msg",
            Body::Call(call) => call.prefix(),
            Body::Unsaid { .. } => "rs",
            Body::Thoughts(_) | Body::Redacted(_) | Body::Picture(_) => return,
        };
        let continues = prefix == "msg" && self.message.is_some();
        let place = (!continues).then(|| self.place(prefix));
        let mut feed = Feed { sequence: &mut self.sequence, out };
        let body = &mut self.blocks[at].body;
        match (body, place) {
            (Body::Words(words), place) => {
                if let Some((id, index)) = place {
                    self.message = Some(Message::begin(id, index, &mut feed));
                }
                if let Some(message) = &self.message {
                    words.begin(message, &mut feed);
                }
            }
            (Body::Call(call), Some((id, index))) => call.begin(id, index, &mut feed),
            (body @ Body::Unsaid { .. }, Some((made, index))) => {
                let Body::Unsaid { id, summary } = body else { return };
                let thoughts = Thoughts::begin(id.take().unwrap_or(made), index, *summary, &mut feed);
                *body = Body::Thoughts(thoughts);
            }
            _ => {}
        }
    }

    /// Ends the blocks that the client has heard of, where a stream breaks off.
    pub(super) fn leave(&mut self, out: &mut Vec<u8>) {
        for Open { body, begun, .. } in std::mem::take(&mut self.blocks) {
            match body {
                Body::Words(_) | Body::Call(_) | Body::Thoughts(_) if begun => self.end_body(body, "incomplete", out),
                _ => {}
            }
        }
    }

    pub(super) fn close(&mut self, block: u32, out: &mut Vec<u8>) {
        let Some(at) = self.blocks.iter().position(|open| open.block == block) else { return };
        // Thoughts of which nothing was said are no item, and neither is a picture before all of it is there.
        if matches!(self.blocks[at].body, Body::Words(_) | Body::Call(_)) {
            self.tell(at, out);
        }
        let Open { body, seal, .. } = self.blocks.remove(at);
        self.end_body(body, "completed", out);
        if let Some(seal) = seal {
            self.sealed(seal, out);
        }
    }

    fn end_body(&mut self, body: Body, status: &'static str, out: &mut Vec<u8>) {
        match body {
            Body::Words(words) => {
                let mut feed = Feed { sequence: &mut self.sequence, out };
                if let Some(message) = &mut self.message {
                    words.end(message, &mut feed);
                }
            }
            Body::Call(call) => {
                let item = call.end(status, &mut self.feed(out));
                self.keep(item);
            }
            Body::Thoughts(thoughts) => {
                let item = thoughts.end(&mut self.feed(out));
                self.keep(item);
            }
            Body::Redacted(Some(seal)) => self.sealed(seal, out),
            Body::Picture(picture) => {
                let (id, index) = self.place("ig");
                let item = picture.end(&id, index, &mut self.feed(out));
                self.keep(item);
            }
            Body::Unsaid { .. } | Body::Redacted(None) => {}
        }
    }
}
