//! The common events → a client's stream.
//!
//! The last event repeats the whole answer, so everything is kept until then, as the JSON that it becomes.

use serde_json::Value;

use super::super::{Failure, Frame};
use super::feed::Feed;
use super::usage::{write_tools, write_usage};
use super::write_response::{Outcome, item_id, response_id, service_tier};
use super::writer_blocks::Open;
use super::writer_message::Message;
use super::writer_search::Search;
use crate::chat::{ChatEvent, Finish, RawStr};
use crate::domain::UsageReport;
use crate::json::{Array, Object, escape};

/// Writes a client's stream.
#[derive(Debug)]
pub struct StreamWriter {
    frame: Frame,
    /// The value of the member `object`, and after it everything that is repeated from the request.
    head: String,
    /// Still escaped, as is the model.
    id: String,
    model: String,
    created: u64,
    started: bool,
    /// The last event was written.
    over: bool,
    pub(super) sequence: u64,
    /// The output items that are complete, by their index; an empty one is not.
    items: Vec<Vec<u8>>,
    pub(super) message: Option<Message>,
    pub(super) blocks: Vec<Open>,
    /// A search of the web that goes on: it ends when anything follows.
    pub(super) search: Option<Search>,
    finish: Option<Finish>,
    pub(super) refused: bool,
    usage: Option<UsageReport>,
    service_tier: Option<String>,
}

/// Members of a Response that are not repeated from its request.
const OURS: [&str; 9] =
    ["id", "object", "created_at", "status", "error", "incomplete_details", "model", "output", "usage"];

impl StreamWriter {
    /// At the start of a stream.
    pub fn new(mut frame: Frame) -> Self {
        let mut head = "\"response\"".to_owned();
        let service_tier = frame.echo.shift_remove("service_tier").and_then(|tier| tier.as_str().map(str::to_owned));
        for (key, value) in &frame.echo {
            if !OURS.contains(&key.as_str()) {
                head.push_str(&format!(",{}:{value}", Value::from(key.as_str())));
            }
        }
        Self {
            head,
            id: String::new(),
            model: String::new(),
            created: frame.created,
            frame,
            started: false,
            over: false,
            sequence: 0,
            items: Vec::new(),
            message: None,
            blocks: Vec::new(),
            search: None,
            finish: None,
            refused: false,
            usage: None,
            service_tier,
        }
    }

    /// Writes what an event means to the client: whole events only.
    pub fn event(&mut self, event: ChatEvent<'_>, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            ChatEvent::Start { id, model, created, usage, .. } => {
                self.usage = usage.copied().or(self.usage);
                self.created = created.unwrap_or(self.created);
                self.start(id.unwrap_or_default(), model.unwrap_or_default(), out);
            }
            ChatEvent::Open { choice: 0, block, opening } => self.open(block, opening, out),
            ChatEvent::Delta { choice: 0, block, delta } => self.delta(block, delta, out),
            ChatEvent::Close { choice: 0, block } => self.close(block, out),
            ChatEvent::Finish { choice: 0, finish, .. } => {
                self.finish = Some(finish);
                self.end_message(out);
            }
            ChatEvent::Usage { usage, service_tier: tier } => {
                self.usage = Some(*usage);
                if let Some(tier) = tier {
                    self.service_tier = Some(service_tier(&tier.text()).to_owned());
                }
            }
            ChatEvent::Ping => self.keep_alive(out),
            ChatEvent::End => self.end(out),
            // There is one answer here; and how a broken stream ends is for whoever knows why to say.
            ChatEvent::Open { .. }
            | ChatEvent::Delta { .. }
            | ChatEvent::Close { .. }
            | ChatEvent::Finish { .. }
            | ChatEvent::Error { .. } => {}
        }
    }

    /// Ends a broken stream.
    pub fn fail(&mut self, failure: &Failure<'_>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        self.begin(out);
        self.cut_off();
        // A report without output is one of the input, from before there was any.
        self.usage = self.usage.filter(|usage| usage.output > 0);
        let response = self.response("failed", None, |error| {
            // The codes of this object are a closed set, in which ours are not.
            let limited = failure.status == 429;
            error.escaped("code", if limited { "rate_limit_exceeded" } else { "server_error" });
            error.text("message", failure.message);
            error.text("type", failure.kind);
            if let Some(param) = failure.param {
                error.text("param", param);
            }
        });
        self.lifecycle("response.failed", &response, out);
    }

    /// Keeps what was said so far of the items that are not complete. Nobody is told that they end.
    fn cut_off(&mut self) {
        let (sequence, mut unsent) = (self.sequence, Vec::new());
        self.leave(&mut unsent);
        self.end_message(&mut unsent);
        self.sequence = sequence;
    }

    /// A sign of life that means nothing.
    pub fn keep_alive(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b": keep-alive\n\n");
    }

    /// The answer begins, unless it has.
    pub(super) fn begin(&mut self, out: &mut Vec<u8>) {
        if !self.started {
            self.start(RawStr::default(), RawStr::default(), out);
        }
    }

    fn start(&mut self, id: RawStr<'_>, model: RawStr<'_>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        self.id = response_id(id.as_escaped(), &self.frame);
        let own = escape(&self.frame.model);
        self.model = if model.is_empty() { own.into_owned() } else { model.as_escaped().to_owned() };
        let usage = self.usage.take();
        let response = self.response("in_progress", None, |_| {});
        self.usage = usage;
        self.lifecycle("response.created", &response, out);
        self.lifecycle("response.in_progress", &response, out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        while let Some(open) = self.blocks.first() {
            let block = open.block;
            self.close(block, out);
        }
        self.end_message(out);
        self.end_search(out);
        self.over = true;
        let outcome = Outcome::of(self.finish, self.refused);
        let response = self.response(outcome.status, outcome.reason, |error| {
            let (code, message) = Outcome::MALFORMED;
            error.text("code", code);
            error.text("message", message);
        });
        let kind = match outcome.status {
            "incomplete" => "response.incomplete",
            "failed" => "response.failed",
            _ => "response.completed",
        };
        self.lifecycle(kind, &response, out);
    }

    fn lifecycle(&mut self, kind: &'static str, response: &[u8], out: &mut Vec<u8>) {
        self.feed(out).emit(kind, |object| object.key("response").extend_from_slice(response));
    }

    /// The answer as it is so far. `error` adds the members of the error, if the answer failed.
    fn response(
        &self,
        status: &'static str,
        reason: Option<&'static str>,
        error: impl FnOnce(&mut Object<'_>),
    ) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.head.len() + self.items.iter().map(Vec::len).sum::<usize>() + 512);
        let mut object = Object::open(&mut out);
        object.escaped("id", &self.id);
        object.json("object", &self.head);
        object.number("created_at", self.created);
        object.escaped("status", status);
        match status {
            "failed" => error(&mut object.object("error")),
            _ => object.null("error"),
        }
        match reason {
            Some(reason) => object.object("incomplete_details").escaped("reason", reason),
            None => object.null("incomplete_details"),
        }
        object.escaped("model", &self.model);
        let mut output = Array::open(object.key("output"));
        for item in self.items.iter().filter(|item| !item.is_empty()) {
            output.item().extend_from_slice(item);
        }
        drop(output);
        match &self.usage {
            Some(usage) => object.value("usage", &write_usage(usage)),
            None => object.null("usage"),
        }
        if let Some(tier) = &self.service_tier {
            object.text("service_tier", tier);
        }
        if let Some(tools) = self.usage.as_ref().and_then(write_tools) {
            object.value("tool_usage", &tools);
        }
        drop(object);
        out
    }

    pub(super) fn feed<'f>(&'f mut self, out: &'f mut Vec<u8>) -> Feed<'f> {
        Feed { sequence: &mut self.sequence, out }
    }

    /// A place in the output for another item, and an id for it.
    pub(super) fn place(&mut self, prefix: &str) -> (String, usize) {
        let index = self.items.len();
        self.items.push(Vec::new());
        (item_id(prefix, &self.frame.unique, index), index)
    }

    pub(super) fn keep(&mut self, (index, item): (usize, Vec<u8>)) {
        self.items[index] = item;
    }

    pub(super) fn end_message(&mut self, out: &mut Vec<u8>) {
        if let Some(message) = self.message.take() {
            let cut_off = self.over || Outcome::of(self.finish, self.refused).status == "incomplete";
            let status = if cut_off { "incomplete" } else { "completed" };
            let item = message.end(status, &mut self.feed(out));
            self.keep(item);
        }
    }
}
