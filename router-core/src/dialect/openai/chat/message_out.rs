//! Messages of a request: written.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::format::put;
use super::merge::{object, overlay, said};
use super::{cite, media, thought};
use crate::chat::{Block, Body, ChatRequest, Losses, Media, Message, Role, Signature, Source, ToolCall, ToolResult};
use crate::dialect::Target;
use crate::domain::Dialect;

/// The API refuses longer ids of tool calls.
const ID_BYTES_MAX: usize = 40;

/// Writes all messages, instructions first.
pub(super) fn write(request: &ChatRequest, target: &Target<'_>, losses: &mut Losses) -> Vec<Value> {
    let own = request.dialect == Dialect::Openai;
    let from_google = request.dialect == Dialect::Gemini;
    let mut writer = Writer { target, own, from_google, losses, out: Vec::new() };
    if !request.system.is_empty() {
        let parts = writer.instructions(&request.system, "system");
        let content = writer.content(parts, "\n\n");
        writer.out.push(json!({"role": "system", "content": content}));
    }
    for (at, message) in request.messages.iter().enumerate() {
        writer.message(message, at);
    }
    writer.out
}

struct Writer<'w> {
    target: &'w Target<'w>,
    /// The request came in this dialect: what it says beyond the common model goes along.
    own: bool,
    /// The request came in Google's dialect.
    from_google: bool,
    losses: &'w mut Losses,
    out: Vec<Value>,
}

impl Writer<'_> {
    fn message(&mut self, message: &Message, at: usize) {
        let first = self.out.len();
        let place = format!("messages[{at}]");
        match message.role {
            Role::Assistant => self.assistant(message, &place),
            Role::User | Role::Tool => self.user(message, &place),
            Role::System | Role::Developer => {
                let developer = message.role == Role::Developer && !self.target.quirks.no_developer_role;
                let role = if developer { "developer" } else { "system" };
                let parts = self.instructions(&message.blocks, &format!("{place}.content"));
                let content = self.content(parts, "\n\n");
                self.out.push(json!({"role": role, "content": content}));
            }
        }
        let Some(Value::Object(written)) = self.out.get_mut(first) else { return };
        if !self.own {
            self.losses.add_if(message.name.is_some(), format!("{place}.name"));
            said(&message.extra).for_each(|key| self.losses.add(format!("{place}.{key}")));
            return;
        }
        put(written, "name", message.name.as_deref());
        overlay(written, &message.extra);
    }

    /// A user's turn: results of tools come first, each in a message of its own.
    fn user(&mut self, message: &Message, place: &str) {
        let is_result = |block: &Block| matches!(block.body, Body::ToolResult(_));
        for (at, block) in message.blocks.iter().enumerate() {
            if let Body::ToolResult(result) = &block.body {
                let place = format!("{place}.content[{at}]");
                self.result(result, block, &place);
            }
        }
        let others = message.blocks.iter().enumerate().filter(|(_, block)| !is_result(block));
        if others.clone().next().is_none() && message.blocks.iter().any(is_result) {
            return;
        }
        let parts = self.parts(others, &format!("{place}.content"));
        let content = self.content(parts, "\n\n");
        self.out.push(json!({"role": "user", "content": content}));
    }

    fn result(&mut self, result: &ToolResult, block: &Block, place: &str) {
        // Google's clients say so in the result itself, which goes along as it was.
        let says_so = result.is_error && self.from_google;
        let mut parts = Vec::new();
        for (at, inner) in result.content.iter().enumerate() {
            let place = format!("{place}.content[{at}]");
            match &inner.body {
                Body::Text { text, .. } if says_so => {
                    let error = json!({ "error": text }).to_string();
                    parts.push(object([("type", "text".into()), ("text", error.into())]));
                }
                Body::Text { .. } | Body::Document(Media { source: Source::Text(_), .. }) => {
                    parts.extend(self.part(inner, &place));
                }
                _ if self.own => parts.extend(self.part(inner, &place)),
                _ => {
                    self.losses.add(format!("{place}.{}", inner.kind()));
                    parts.push(object([("type", "text".into()), ("text", format!("[{}]", inner.kind()).into())]));
                }
            }
        }
        self.losses.add_if(result.is_error && !says_so, format!("{place}.is_error"));
        let content = self.content(parts, "\n\n");
        let mut message = object([("role", "tool".into()), ("tool_call_id", self.id(&result.id).into())]);
        message.insert("content".to_owned(), content);
        if self.own {
            put(&mut message, "name", result.name.as_deref());
        }
        self.extras(&mut message, block, place);
        self.out.push(Value::Object(message));
    }

    fn assistant(&mut self, message: &Message, place: &str) {
        let mut written = object([("role", "assistant".into()), ("content", Value::Null)]);
        let (mut refusal, mut calls, mut images) = (String::new(), Vec::new(), Vec::new());
        let (mut parts, mut before) = (Vec::new(), None);
        for (at, block) in message.blocks.iter().enumerate() {
            let place = format!("{place}.content[{at}]");
            match &block.body {
                Body::Thinking(_) => self.thought(block, &place),
                Body::Refusal(text) => refusal.push_str(text),
                Body::ToolCall(call) => calls.push(self.call(call, block, &place)),
                Body::Image(_) if self.own => images.extend(self.part(block, &place).map(Value::Object)),
                _ if thought::is_entry(block) => {}
                Body::Foreign { value, .. } if self.own && value.get("id").is_some() => calls.push(value.clone()),
                Body::Text { .. } | Body::Foreign { .. } => {
                    self.sealed_text(block, &place);
                    let Some(part) = self.part(block, &place) else { continue };
                    // Neighbours are one text that citations split; what calls stand between is not.
                    match parts.last_mut().filter(|_| !self.own && before == Some(at.wrapping_sub(1))) {
                        Some(last) => join(last, &part),
                        None => parts.push(part),
                    }
                    before = Some(at);
                }
                _ => self.losses.add(format!("{place}.{}", block.kind())),
            }
        }
        let empty = parts.is_empty() && (!calls.is_empty() || !refusal.is_empty() || !message.extra.is_empty());
        if !empty {
            written.insert("content".to_owned(), self.content(parts, "\n\n"));
        }
        put(&mut written, "refusal", Some(refusal).filter(|text| !text.is_empty()));
        for (key, items) in [("tool_calls", calls), ("images", images)] {
            put(&mut written, key, Some(items).filter(|items| !items.is_empty()));
        }
        self.thoughts(&mut written, message);
        if self.own {
            let cited = cite::write_all(&message.blocks);
            put(&mut written, "annotations", Some(cited).filter(|cited| !cited.is_empty()));
        }
        self.out.push(Value::Object(written));
    }

    /// Names a thought that cannot go along although somebody sealed it, or another dialect's client showed it.
    fn thought(&mut self, block: &Block, place: &str) {
        let shown = thought::shown([block].into_iter()).is_some();
        let told = self.target.quirks.wants_reasoning_content && shown;
        let goes = match &block.signature {
            Some(seal) => seal.origin == Dialect::Openai,
            None => self.own || !shown,
        };
        self.losses.add_if(!goes && !told, format!("{place}.thinking"));
    }

    /// Thoughts go back to a provider of this dialect that sealed them, or that asks for their text.
    fn thoughts(&mut self, written: &mut Map<String, Value>, message: &Message) {
        if self.target.quirks.wants_reasoning_content {
            put(written, "reasoning_content", thought::shown(message.blocks.iter()));
        }
        let ours = |block: &&Block| match (&block.body, &block.signature) {
            (Body::Thinking(_), seal) => seal.as_ref().is_none_or(|seal| seal.origin == Dialect::Openai),
            _ => thought::is_entry(block),
        };
        let sealed = |block: &&Block| block.signature.is_some() || thought::is_entry(block);
        let blocks = message.blocks.iter().filter(ours);
        if blocks.clone().any(|block| sealed(&block)) {
            written.insert("reasoning_details".to_owned(), thought::details(blocks, self.own).into());
        }
    }

    fn sealed_text(&mut self, block: &Block, place: &str) {
        self.losses.add_if(block.signature.is_some(), format!("{place}.signature"));
    }

    fn call(&mut self, call: &ToolCall, block: &Block, place: &str) -> Value {
        // Other dialects leave out what is empty; this one's clients parse it.
        let bare = !self.own && !call.custom && call.arguments.trim().is_empty();
        let arguments = if bare { "{}" } else { call.arguments.as_str() };
        let inner = if call.custom {
            ("custom", json!({"name": call.name, "input": arguments}))
        } else {
            ("function", json!({"name": call.name, "arguments": arguments}))
        };
        let mut written = object([("id", self.id(&call.id).into()), ("type", inner.0.into()), inner]);
        if let Some(seal) = &block.signature {
            // Google's own compatible endpoint wants it back; others refuse what they do not know.
            if self.own || self.target.model.contains("gemini") {
                written.insert("extra_content".to_owned(), seal_of_call(seal));
            } else {
                self.losses.add(format!("{place}.signature"));
            }
        }
        self.extras(&mut written, block, place);
        Value::Object(written)
    }

    /// Content parts that the API can say; the others are named.
    fn parts<'b>(&mut self, blocks: impl Iterator<Item = (usize, &'b Block)>, place: &str) -> Vec<Map<String, Value>> {
        blocks.filter_map(|(at, block)| self.part(block, &format!("{place}[{at}]"))).collect()
    }

    /// Instructions are text: whatever else other dialects have there is named.
    fn instructions(&mut self, blocks: &[Block], place: &str) -> Vec<Map<String, Value>> {
        let own = self.own;
        let fits = |block: &Block| own || media::write(block, own).is_some_and(|part| is_text(&part));
        for (at, block) in blocks.iter().enumerate().filter(|(_, block)| !fits(block)) {
            self.losses.add(format!("{place}[{at}].{}", block.kind()));
        }
        self.parts(blocks.iter().enumerate().filter(|(_, block)| fits(block)), place)
    }

    fn part(&mut self, block: &Block, place: &str) -> Option<Map<String, Value>> {
        let Some(mut part) = media::write(block, self.own) else {
            self.losses.add(format!("{place}.{}", block.kind()));
            return None;
        };
        let cited = matches!(&block.body, Body::Text { citations, .. } if !citations.is_empty());
        self.losses.add_if(cited && !self.own, format!("{place}.citations"));
        self.extras(&mut part, block, place);
        Some(part)
    }

    /// What a block carries besides what it says.
    fn extras(&mut self, written: &mut Map<String, Value>, block: &Block, place: &str) {
        if !self.own {
            self.losses.add_if(block.cache.is_some(), format!("{place}.cache_control"));
            said(&block.extra).for_each(|key| self.losses.add(format!("{place}.{key}")));
            return;
        }
        if let Some(mark) = block.cache.as_ref().filter(|_| !block.extra.contains_key(media::BREAKPOINT)) {
            written.insert("cache_control".to_owned(), media::write_cache(mark));
        }
        overlay(written, &block.extra);
    }

    /// Plain text is a string. Of other dialects' texts, all are one: many servers read nothing but strings.
    fn content(&self, mut parts: Vec<Map<String, Value>>, between: &str) -> Value {
        let all_plain = parts.iter().all(is_text);
        if all_plain && (parts.len() <= 1 || !self.own) {
            let texts: Vec<_> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            return texts.join(between).into();
        }
        parts.retain(|part| !part.is_empty());
        parts.into()
    }

    /// An id as the API takes it. Ids of this dialect's own clients are theirs to answer for.
    fn id(&self, id: &str) -> String {
        if self.own || id.len() <= ID_BYTES_MAX {
            return id.to_owned();
        }
        let digest = Sha256::digest(id.as_bytes());
        let hex = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
        format!("call_{}", hex.collect::<String>())
    }
}

/// A part that is text and nothing else.
fn is_text(part: &Map<String, Value>) -> bool {
    part.len() == 2
        && part.get("type").is_some_and(|kind| kind == "text")
        && part.get("text").is_some_and(Value::is_string)
}

fn join(last: &mut Map<String, Value>, part: &Map<String, Value>) {
    if let (Some(Value::String(text)), Some(Value::String(more))) = (last.get_mut("text"), part.get("text")) {
        text.push_str(more);
    }
}

/// `extra_content` with the seal of a call.
pub(super) fn seal_of_call(seal: &Signature) -> Value {
    json!({"google": {"thought_signature": seal.carried_in(Dialect::Gemini)}})
}
