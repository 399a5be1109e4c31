//! A client's stream: written, event by event.

use serde_json::Value;

use super::answer::ID_PREFIX;
use super::choice_out::ChoiceOut;
use super::{error, tier, usage};
use crate::chat::{ChatEvent, RawStr};
use crate::dialect::{Failure, Frame};
use crate::domain::UsageReport;
use crate::json::{Object, escape_into, push_number};

/// Writes the chunks of one answer.
#[derive(Debug)]
pub struct StreamWriter {
    frame: Frame,
    head: Head,
    choices: Vec<ChoiceOut>,
    usage: Option<UsageReport>,
    ended: bool,
}

/// What all chunks of an answer begin and end with.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Up to the colon before the choices.
    front: Vec<u8>,
    include_usage: bool,
    /// The class of service, once it is known.
    service_tier: Option<&'static str>,
}

/// What a chunk says of a choice beside its delta.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beside<'a> {
    pub(super) logprobs: Option<&'a str>,
    pub(super) finish: Option<&'static str>,
}

impl StreamWriter {
    /// Begins a stream.
    pub fn new(frame: Frame) -> Self {
        let head = Head { include_usage: frame.include_usage, ..Head::default() };
        Self { frame, head, choices: Vec::new(), usage: None, ended: false }
    }

    /// Appends what the client must be sent for an event.
    pub fn event(&mut self, event: ChatEvent<'_>, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        match event {
            ChatEvent::Start { id, model, created, service_tier, .. } => {
                self.head.service_tier = service_tier.and_then(|tier| tier::named(tier.as_escaped()));
                self.head.begin(&self.frame, id, model, created);
            }
            ChatEvent::Open { choice, block, opening } => {
                let (head, choice) = self.choice(choice);
                choice.open(head, block, opening, out);
            }
            ChatEvent::Delta { choice, block, delta } => {
                let (head, choice) = self.choice(choice);
                choice.delta(head, block, delta, out);
            }
            ChatEvent::Close { choice, block } => {
                let (head, choice) = self.choice(choice);
                choice.close(head, block, out);
            }
            ChatEvent::Finish { choice, finish, .. } => {
                let (head, choice) = self.choice(choice);
                choice.finish(head, finish, out);
            }
            ChatEvent::Usage { usage, service_tier } => {
                self.usage = Some(*usage);
                let tier = service_tier.and_then(|tier| tier::named(tier.as_escaped()));
                self.head.service_tier = tier.or(self.head.service_tier);
            }
            ChatEvent::Ping => self.keep_alive(out),
            ChatEvent::Error { .. } => {}
            ChatEvent::End => self.end(out),
        }
    }

    /// Ends a broken stream: an error in a last chunk, and no `[DONE]`.
    pub fn fail(&mut self, failure: &Failure<'_>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.head.ensure(&self.frame);
        out.extend_from_slice(&self.head.front);
        out.extend_from_slice(
            br#"[{"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":"error"}],"error":"#,
        );
        push_value(out, &error::object(failure));
        out.extend_from_slice(b"}\n\n");
    }

    /// A comment, which clients skip.
    pub fn keep_alive(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b": keep-alive\n\n");
    }

    fn choice(&mut self, number: u32) -> (&Head, &mut ChoiceOut) {
        self.head.ensure(&self.frame);
        let at = self.choices.iter().position(|choice| choice.number() == number).unwrap_or_else(|| {
            self.choices.push(ChoiceOut::new(number));
            self.choices.len() - 1
        });
        (&self.head, &mut self.choices[at])
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.ended = true;
        if let Some(usage) = self.usage.filter(|_| self.head.include_usage) {
            self.head.ensure(&self.frame);
            out.extend_from_slice(&self.head.front);
            out.extend_from_slice(b"[],\"usage\":");
            push_value(out, &Value::Object(usage::write(&usage, None)));
            self.head.end(out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }
}

impl Head {
    /// Takes note of what the provider says of its answer.
    fn begin(&mut self, frame: &Frame, id: Option<RawStr<'_>>, model: Option<RawStr<'_>>, created: Option<u64>) {
        if !self.front.is_empty() {
            return;
        }
        let front = &mut self.front;
        front.extend_from_slice(b"data: {\"id\":\"");
        let id = id.map(RawStr::as_escaped).filter(|id| !id.is_empty());
        if !id.is_some_and(|id| id.starts_with(ID_PREFIX)) {
            front.extend_from_slice(ID_PREFIX.as_bytes());
        }
        match id {
            Some(id) => front.extend_from_slice(id.as_bytes()),
            None => escape_into(front, &frame.unique),
        }
        front.extend_from_slice(b"\",\"object\":\"chat.completion.chunk\",\"created\":");
        push_number(front, created.unwrap_or(frame.created));
        front.extend_from_slice(b",\"model\":\"");
        match model.filter(|model| !model.is_empty()) {
            Some(model) => front.extend_from_slice(model.as_escaped().as_bytes()),
            None => escape_into(front, &frame.model),
        }
        front.extend_from_slice(b"\",\"choices\":");
    }

    /// The same for a stream that never said how it begins.
    fn ensure(&mut self, frame: &Frame) {
        self.begin(frame, None, None, None);
    }

    /// Appends a chunk with one choice.
    pub(super) fn chunk(
        &self,
        choice: u32,
        beside: Beside<'_>,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Object<'_>),
    ) {
        out.extend_from_slice(&self.front);
        out.extend_from_slice(b"[{\"index\":");
        push_number(out, choice.into());
        out.extend_from_slice(b",\"delta\":");
        write(&mut Object::open(out));
        out.extend_from_slice(b",\"logprobs\":");
        match beside.logprobs {
            Some(json) => {
                out.extend_from_slice(b"{\"content\":");
                push_json(out, json);
                out.extend_from_slice(b",\"refusal\":null}");
            }
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"finish_reason\":");
        match beside.finish {
            Some(word) => {
                out.push(b'"');
                out.extend_from_slice(word.as_bytes());
                out.push(b'"');
            }
            None => out.extend_from_slice(b"null"),
        }
        // Clients that want usage read it in the last chunk, and expect it to be null before.
        out.extend_from_slice(if self.include_usage { b"}],\"usage\":null" } else { b"}]" });
        self.end(out);
    }

    /// What all chunks end with.
    fn end(&self, out: &mut Vec<u8>) {
        if let Some(tier) = self.service_tier {
            out.extend_from_slice(b",\"service_tier\":\"");
            out.extend_from_slice(tier.as_bytes());
            out.push(b'"');
        }
        out.extend_from_slice(b"}\n\n");
    }
}

/// Appends JSON on one line: a line break, which can only stand between its tokens, would end the event's.
pub(super) fn push_json(out: &mut Vec<u8>, json: &str) {
    let start = out.len();
    out.extend_from_slice(json.as_bytes());
    if memchr::memchr2(b'\n', b'\r', &out[start..]).is_some() {
        out[start..].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    }
}

/// Appends a value.
pub(super) fn push_value(out: &mut Vec<u8>, value: &Value) {
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(out, value);
}
