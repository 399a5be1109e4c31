//! A client's stream, as it is written.
//!
//! Clients of the API read its blocks one after the other, so calls that are open side by side are told in order: what
//! comes for a later one waits until those before it are closed. A block is begun no earlier than it must be, because
//! a signature that comes with it is carried in a block of its own before it. Counts mostly come last, so the end of
//! the message is told when all is known.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::blocks::BEFORE;
use super::response::ID_PREFIX;
use super::{citation, stop, usage, write_error};
use crate::chat::{ChatEvent, Delta, Finish, Opening, RawStr, Signature};
use crate::dialect::{Failure, Frame};
use crate::domain::{Dialect, UsageReport};
use crate::json::{Object, escape_into};

/// Writes a stream.
#[derive(Debug)]
pub struct StreamWriter {
    frame: Frame,
    started: bool,
    over: bool,
    /// The number of the next block.
    index: u64,
    /// Blocks that are not told to their end. The first is being told.
    open: VecDeque<Block>,
    /// The signature of a text that was told before it came; it goes after the text.
    late: Option<String>,
    has_calls: bool,
    has_refusal: bool,
    finish: Option<Finish>,
    stop_sequence: Option<String>,
    usage: Option<UsageReport>,
}

#[derive(Debug)]
struct Block {
    number: u32,
    kind: Kind,
    /// Its number in the stream, once it is begun.
    index: Option<u64>,
    closed: bool,
    /// Something was said in it.
    has_text: bool,
    /// The seal that goes before it.
    signature: Option<String>,
    /// What of a call's arguments waits, escaped.
    waiting: Vec<u8>,
}

#[derive(Debug)]
enum Kind {
    Text,
    /// With the id of the item, which goes into the mark of its seal.
    Thinking(Option<String>),
    Redacted,
    /// Id and name, escaped.
    Call(String, String),
    /// Nothing of it is told, or all of it was.
    Done,
}

impl StreamWriter {
    /// A writer that has written nothing.
    pub fn new(frame: Frame) -> Self {
        Self {
            frame,
            started: false,
            over: false,
            index: 0,
            open: VecDeque::new(),
            late: None,
            has_calls: false,
            has_refusal: false,
            finish: None,
            stop_sequence: None,
            usage: None,
        }
    }

    /// Appends what the client is told of `event`. The API has one answer: of several the first is told.
    pub fn event(&mut self, event: ChatEvent<'_>, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            ChatEvent::Start { id, model, usage, service_tier, .. } => {
                self.start((id, model), usage, service_tier, out);
            }
            ChatEvent::Open { choice: 0, block, opening } => self.open(block, opening, out),
            ChatEvent::Delta { choice: 0, block, delta } => {
                if let Some(at) = self.open.iter().position(|open| open.number == block) {
                    self.delta(at, delta, out);
                }
            }
            ChatEvent::Close { choice: 0, block } => {
                if let Some(open) = self.open.iter_mut().find(|open| open.number == block) {
                    open.closed = true;
                }
                self.settle(out);
            }
            ChatEvent::Finish { choice: 0, finish, stop_sequence } => {
                self.finish = Some(finish);
                self.stop_sequence = stop_sequence.map(|text| text.as_escaped().to_owned());
            }
            ChatEvent::Usage { usage, .. } => self.usage = Some(*usage),
            ChatEvent::Ping => self.keep_alive(out),
            ChatEvent::End => self.end(out),
            _ => {}
        }
    }

    /// Ends a stream that broke.
    pub fn fail(&mut self, failure: &Failure<'_>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        out.extend_from_slice(b"event: error\ndata: ");
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer(&mut *out, &write_error(failure));
        out.extend_from_slice(b"\n\n");
    }

    /// Tells a client that waits that we are still there.
    pub fn keep_alive(&mut self, out: &mut Vec<u8>) {
        if !self.over {
            send(out, "ping", |_| {});
        }
    }

    fn start(
        &mut self,
        (id, model): (Option<RawStr<'_>>, Option<RawStr<'_>>),
        usage: Option<&UsageReport>,
        service_tier: Option<RawStr<'_>>,
        out: &mut Vec<u8>,
    ) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        self.usage = usage.copied();
        let tier = service_tier.and_then(|tier| usage::service_tier(tier.as_escaped()));
        send(out, "message_start", |event| {
            let mut message = event.object("message");
            match id.filter(|id| !id.is_empty()) {
                Some(id) if id.as_escaped().starts_with(ID_PREFIX) => message.escaped("id", id.as_escaped()),
                Some(id) => message.wrapped("id", ID_PREFIX, id.as_escaped()),
                None => message.wrapped("id", ID_PREFIX, &self.frame.unique),
            }
            message.text("type", "message");
            message.text("role", "assistant");
            match model.filter(|model| !model.is_empty()) {
                Some(model) => message.escaped("model", model.as_escaped()),
                None => message.text("model", &self.frame.model),
            }
            drop(message.array("content"));
            message.null("stop_reason");
            message.null("stop_sequence");
            usage::stream(&mut message, usage, tier, false);
        });
    }

    fn open(&mut self, number: u32, opening: Opening<'_>, out: &mut Vec<u8>) {
        self.start((None, None), None, None, out);
        let is_call = matches!(opening, Opening::ToolCall { .. });
        for open in self.open.iter_mut().filter(|open| !is_call || !matches!(open.kind, Kind::Call(..))) {
            open.closed = true;
        }
        self.settle(out);
        self.tell_late(out);
        let kind = match opening {
            Opening::Text => Kind::Text,
            Opening::Refusal => {
                self.has_refusal = true;
                Kind::Text
            }
            Opening::Thinking { id, .. } => Kind::Thinking(id.map(|id| id.text().into_owned())),
            Opening::Redacted => Kind::Redacted,
            Opening::ToolCall { id, name, .. } => {
                self.has_calls = true;
                Kind::Call(id.as_escaped().to_owned(), name.as_escaped().to_owned())
            }
            Opening::Image { .. } => {
                self.note("[image]", out);
                Kind::Done
            }
            Opening::Foreign { dialect: Dialect::Anthropic, json } => {
                self.foreign(json, out);
                Kind::Done
            }
            Opening::Foreign { .. } => Kind::Done,
        };
        let (signature, waiting) = (None, Vec::new());
        self.open.push_back(Block { number, kind, index: None, closed: false, has_text: false, signature, waiting });
    }

    fn delta(&mut self, at: usize, delta: Delta<'_>, out: &mut Vec<u8>) {
        match (&self.open[at].kind, delta) {
            (Kind::Text, Delta::Text(text)) => self.piece(at, "text_delta", "text", text, out),
            (Kind::Thinking(_), Delta::Text(text)) => self.piece(at, "thinking_delta", "thinking", text, out),
            (Kind::Thinking(_), Delta::SummaryPart) if self.open[at].has_text => {
                self.piece(at, "thinking_delta", "thinking", RawStr::escaped("\\n\\n"), out);
            }
            (Kind::Call(..), Delta::Arguments(more)) => {
                self.arguments(at, |waiting| waiting.extend_from_slice(more.as_escaped().as_bytes()), out);
            }
            (Kind::Call(..), Delta::Object(json)) => self.arguments(at, |waiting| escape_into(waiting, json), out),
            (_, Delta::Signature { origin, data }) => self.signature(at, origin, data, out),
            (Kind::Text, Delta::Citation(citation)) if citation::can_say(citation) => {
                let index = self.begin(at, out);
                send_delta(out, index, "citations_delta", |delta| match citation.dialect {
                    Dialect::Anthropic => one_line(delta.key("citation"), &citation.json),
                    _ => citation::write(citation, &mut delta.object("citation")),
                });
            }
            _ => {}
        }
    }

    /// More text of a block, which is the only one that is open.
    fn piece(&mut self, at: usize, kind: &'static str, key: &'static str, text: RawStr<'_>, out: &mut Vec<u8>) {
        let index = self.begin(at, out);
        self.open[at].has_text = true;
        send_delta(out, index, kind, |delta| delta.escaped(key, text.as_escaped()));
    }

    /// More of a call's arguments. The first piece waits for the next one, or for the call's end: the signature of a
    /// call that comes in one piece may come after it.
    fn arguments(&mut self, at: usize, more: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
        let flows = at == 0 && (self.open[at].index.is_some() || !self.open[at].waiting.is_empty());
        more(&mut self.open[at].waiting);
        if flows {
            self.flush(at, out);
        }
    }

    /// Tells what of a call waits.
    fn flush(&mut self, at: usize, out: &mut Vec<u8>) {
        let index = self.begin(at, out);
        let waiting = &mut self.open[at].waiting;
        if let Ok(text) = std::str::from_utf8(waiting)
            && !text.is_empty()
        {
            send_delta(out, index, "input_json_delta", |delta| delta.escaped("partial_json", text));
        }
        waiting.clear();
    }

    fn signature(&mut self, at: usize, origin: Dialect, data: RawStr<'_>, out: &mut Vec<u8>) {
        let block = &mut self.open[at];
        let id = if let Kind::Thinking(id) = &block.kind { id.clone() } else { None };
        let mark = Signature { origin, id, data: String::new() }.carried_in(Dialect::Anthropic);
        match &block.kind {
            Kind::Thinking(_) => {
                let index = self.begin(at, out);
                let write = |delta: &mut Object<'_>| delta.wrapped("signature", &mark, data.as_escaped());
                send_delta(out, index, "signature_delta", write);
            }
            Kind::Redacted if block.index.is_none() => {
                block.index = Some(self.index);
                start_block(out, self.index, |block| {
                    block.text("type", "redacted_thinking");
                    block.wrapped("data", &mark, data.as_escaped());
                });
                self.index += 1;
            }
            Kind::Text | Kind::Call(..) if block.index.is_none() => {
                block.signature = Some(mark + data.as_escaped());
            }
            Kind::Text => {
                let id = Some(BEFORE.to_owned());
                let mark = Signature { origin, id, data: String::new() }.carried_in(Dialect::Anthropic);
                self.late = Some(mark + data.as_escaped());
            }
            _ => {}
        }
    }

    /// Begins a block if it is not begun, and gives its number in the stream.
    fn begin(&mut self, at: usize, out: &mut Vec<u8>) -> u64 {
        if let Some(index) = self.open[at].index {
            return index;
        }
        if let Some(signature) = self.open[at].signature.take() {
            self.carrier(&signature, out);
        }
        let index = self.index;
        self.index += 1;
        let block = &mut self.open[at];
        block.index = Some(index);
        start_block(out, index, |object| match &block.kind {
            Kind::Text => {
                object.text("type", "text");
                object.text("text", "");
            }
            Kind::Call(id, name) => {
                object.text("type", "tool_use");
                object.escaped("id", id);
                object.escaped("name", name);
                drop(object.object("input"));
            }
            Kind::Thinking(_) | Kind::Redacted | Kind::Done => {
                object.text("type", "thinking");
                object.text("thinking", "");
                object.text("signature", "");
            }
        });
        index
    }

    /// Tells the ends of blocks, as far as it is their turn.
    fn settle(&mut self, out: &mut Vec<u8>) {
        while let Some(block) = self.open.front().filter(|block| block.closed) {
            match block.kind {
                Kind::Call(..) => self.flush(0, out),
                Kind::Text => drop(self.begin(0, out)),
                // Thoughts of which nothing came are not worth a block.
                Kind::Thinking(_) | Kind::Redacted | Kind::Done => {}
            }
            if let Some(index) = self.open.pop_front().and_then(|block| block.index) {
                stop_block(out, index);
            }
        }
    }

    /// Tells the signature of a text that came after it.
    fn tell_late(&mut self, out: &mut Vec<u8>) {
        if let Some(signature) = self.late.take() {
            self.carrier(&signature, out);
        }
    }

    /// Empty thoughts that carry a signature.
    fn carrier(&mut self, escaped: &str, out: &mut Vec<u8>) {
        let index = self.index;
        self.index += 1;
        start_block(out, index, |block| {
            block.text("type", "thinking");
            block.text("thinking", "");
            block.text("signature", "");
        });
        send_delta(out, index, "signature_delta", |delta| delta.escaped("signature", escaped));
        send(out, "content_block_stop", |event| event.number("index", index));
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.start((None, None), None, None, out);
        self.open.iter_mut().for_each(|open| open.closed = true);
        self.settle(out);
        self.tell_late(out);
        self.over = true;
        let finish = self.finish.unwrap_or(Finish::Stop);
        send(out, "message_delta", |event| {
            let mut delta = event.object("delta");
            delta.text("stop_reason", stop::write(finish, self.has_calls, self.has_refusal));
            match &self.stop_sequence {
                Some(text) => delta.escaped("stop_sequence", text),
                None => delta.null("stop_sequence"),
            }
            drop(delta);
            let usage = self.usage.unwrap_or_default();
            usage::stream(event, Some(&usage), None, true);
        });
        send(out, "message_stop", |_| {});
    }

    /// A block of the API's own. What a tool was called with comes in a piece of its own, as clients are used to.
    fn foreign(&mut self, json: &str, out: &mut Vec<u8>) {
        let index = self.index;
        self.index += 1;
        let mut block: Value = serde_json::from_str(json).unwrap_or_default();
        let input = block.get_mut("input").filter(|input| input.is_object()).map(Value::take);
        if let Some(input) = input {
            block["input"] = Value::Object(Map::new());
            send(out, "content_block_start", |event| {
                event.number("index", index);
                event.value("content_block", &block);
            });
            send_delta(out, index, "input_json_delta", |delta| delta.text("partial_json", &input.to_string()));
        } else {
            send(out, "content_block_start", |event| {
                event.number("index", index);
                one_line(event.key("content_block"), json);
            });
        }
        stop_block(out, index);
    }

    /// A block of something that the API's answers do not have: the client is told that there was something.
    fn note(&mut self, note: &'static str, out: &mut Vec<u8>) {
        let index = self.index;
        self.index += 1;
        start_block(out, index, |block| {
            block.text("type", "text");
            block.text("text", "");
        });
        send_delta(out, index, "text_delta", |delta| delta.text("text", note));
        stop_block(out, index);
    }
}

/// An event of a name, which its data repeat.
fn send(out: &mut Vec<u8>, name: &'static str, write: impl FnOnce(&mut Object<'_>)) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    let mut event = Object::open(out);
    event.text("type", name);
    write(&mut event);
    drop(event);
    out.extend_from_slice(b"\n\n");
}

fn start_block(out: &mut Vec<u8>, index: u64, write: impl FnOnce(&mut Object<'_>)) {
    send(out, "content_block_start", |event| {
        event.number("index", index);
        write(&mut event.object("content_block"));
    });
}

fn send_delta(out: &mut Vec<u8>, index: u64, kind: &'static str, write: impl FnOnce(&mut Object<'_>)) {
    send(out, "content_block_delta", |event| {
        event.number("index", index);
        let mut delta = event.object("delta");
        delta.text("type", kind);
        write(&mut delta);
    });
}

fn stop_block(out: &mut Vec<u8>, index: u64) {
    send(out, "content_block_stop", |event| event.number("index", index));
}

/// JSON on one line: between its tokens, ends of lines are white space like any other.
fn one_line(out: &mut Vec<u8>, json: &str) {
    out.extend(json.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
}
