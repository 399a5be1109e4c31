//! The common answer → a client's Response.

use serde_json::{Map, Value, json};

use super::super::Frame;
use super::cite::annotation;
use super::items::{REDACTED, in_message};
use super::usage::{foreign_usage, write_tools, write_usage};
use super::write_items::{add_note, call_item, members, reasoning};
use super::{ID, foreign, note};
use crate::chat::{Block, Body, ChatResponse, Choice, Citation, Extra, Finish, Media, Signature, Source, Thinking};
use crate::domain::Dialect;

/// Writes an answer. There is one answer to a request here: of several choices, the first.
pub fn write_response(response: &ChatResponse, frame: &Frame) -> Value {
    let own = response.dialect == Dialect::Responses;
    let nothing = Choice::default();
    let choice = response.choices.first().unwrap_or(&nothing);
    let refused = choice.blocks.iter().any(|block| matches!(block.body, Body::Refusal(_)));
    let outcome = Outcome::of(choice.finish, refused);
    let mut output = Output { own, unique: &frame.unique, choice, items: Vec::new() };
    output.blocks();
    if outcome.status == "incomplete" {
        output.cut_off();
    }
    let model = if response.model.is_empty() { &frame.model } else { &response.model };
    let usage = response.usage.as_ref().map(|usage| if own { *usage } else { foreign_usage(usage) });
    let mut body = members(json!({
        "id": response_id(&response.id, frame),
        "object": "response",
        "created_at": response.created.unwrap_or(frame.created),
        "status": outcome.status,
        "error": outcome.error(),
        "incomplete_details": outcome.details(),
        "model": model,
        "output": output.items,
        "usage": usage.as_ref().map(write_usage),
    }));
    if let Some(tier) = &response.service_tier {
        body.insert("service_tier".to_owned(), service_tier(tier).into());
    }
    if let Some(tools) = response.usage.as_ref().and_then(write_tools).filter(|_| !own) {
        body.insert("tool_usage".to_owned(), tools);
    }
    if own {
        body.extend(note::members(&response.extra).map(|(key, value)| (key.clone(), value.clone())));
    }
    for (key, value) in &frame.echo {
        if !body.contains_key(key) {
            body.insert(key.clone(), value.clone());
        }
    }
    Value::Object(body)
}

/// An id that has this API's prefix.
pub(super) fn response_id(given: &str, frame: &Frame) -> String {
    match given {
        "" => format!("{ID}{}", frame.unique),
        own if own.starts_with(ID) => own.to_owned(),
        other => format!("{ID}{other}"),
    }
}

/// The class of service by a name that this API has.
pub(super) fn service_tier(given: &str) -> &str {
    match given {
        "standard" | "standard_only" | "on_demand" => "default",
        other => other,
    }
}

/// How an answer ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    /// The Response's `status`.
    pub(super) status: &'static str,
    /// Why it was cut off.
    pub(super) reason: Option<&'static str>,
}

impl Outcome {
    /// What failed answers say for a code.
    pub(super) const MALFORMED: (&'static str, &'static str) =
        ("server_error", "The model wrote a tool call that cannot be read. Try again.");

    /// The end of an answer, which has the model's own words for not answering or not.
    pub(super) const fn of(finish: Option<Finish>, refused: bool) -> Self {
        let (status, reason) = match finish {
            None | Some(Finish::Stop | Finish::StopSequence | Finish::ToolCalls) => ("completed", None),
            Some(Finish::Refused) if refused => ("completed", None),
            Some(Finish::Filtered | Finish::Refused) => ("incomplete", Some("content_filter")),
            // There is more to come that no request here can ask for: the answer must not look complete.
            Some(Finish::Length | Finish::ContextFull | Finish::Paused) => ("incomplete", Some("max_output_tokens")),
            Some(Finish::Malformed) => ("failed", None),
        };
        Self { status, reason }
    }

    fn error(self) -> Value {
        let (code, message) = Self::MALFORMED;
        if self.status == "failed" { json!({"code": code, "message": message}) } else { Value::Null }
    }

    fn details(self) -> Value {
        self.reason.map_or(Value::Null, |reason| json!({ "reason": reason }))
    }
}

/// Output items in the making.
#[derive(Debug)]
struct Output<'o> {
    own: bool,
    unique: &'o str,
    choice: &'o Choice,
    items: Vec<Value>,
}

impl Output<'_> {
    fn blocks(&mut self) {
        let (mut parts, mut about) = (Vec::new(), None);
        // OpenAI says how likely tokens were next to their text.
        let mut logprobs = self.choice.logprobs.clone();
        for block in &self.choice.blocks {
            self.seal_before(block, &mut parts, &mut about);
            if in_message(block) {
                if let Some(note) = note::item(&block.extra).filter(|_| self.own) {
                    self.message(std::mem::take(&mut parts), about.replace(note));
                }
                parts.extend(self.part(block, &mut logprobs));
                continue;
            }
            self.message(std::mem::take(&mut parts), about.take());
            match &block.body {
                Body::Thinking(thinking) => self.thinking(block, thinking),
                Body::ToolCall(call) => self.item(if call.custom { "ctc" } else { "fc" }, block, call_item(call)),
                Body::Image(media) => self.image(media),
                Body::Foreign { dialect, value } => self.items.extend(foreign::item(*dialect, value)),
                _ => {}
            }
        }
        self.message(parts, about);
        let metadata = self.choice.extra.get("groundingMetadata").filter(|_| !self.own);
        if let Some(mut item) = metadata.and_then(foreign::grounding) {
            item["id"] = format!("ws_{}", self.unique).into();
            self.items.push(item);
        }
    }

    /// Somebody else's signature on a text or a call goes ahead of it, in a reasoning item of its own.
    fn seal_before<'n>(&mut self, block: &Block, parts: &mut Vec<Value>, about: &mut Option<&'n Extra>)
    where
        Self: 'n,
    {
        let seal = match &block.body {
            Body::Text { .. } | Body::Refusal(_) | Body::ToolCall(_) => block.signature.as_ref(),
            _ => None,
        };
        if let Some(seal) = seal {
            self.message(std::mem::take(parts), about.take());
            self.sealed(seal, &Thinking::default(), None);
        }
    }

    fn part(&self, block: &Block, logprobs: &mut Option<Value>) -> Option<Value> {
        let mut part = match &block.body {
            Body::Text { text, citations } => {
                let cite = |citation: &Citation<'_>| annotation(citation, text);
                let annotations: Vec<_> = citations.iter().filter_map(cite).collect();
                let logprobs = logprobs.take().unwrap_or_else(|| json!([]));
                json!({"type": "output_text", "text": text, "annotations": annotations, "logprobs": logprobs})
            }
            Body::Refusal(text) => json!({"type": "refusal", "refusal": text}),
            Body::Foreign { value, .. } => return Some(value.clone()),
            _ => return None,
        };
        if let (true, Some(members)) = (self.own, part.as_object_mut()) {
            members.extend(note::members(&block.extra).map(|(key, value)| (key.clone(), value.clone())));
        }
        Some(part)
    }

    fn message(&mut self, parts: Vec<Value>, about: Option<&Extra>) {
        if parts.is_empty() {
            return;
        }
        let mut item = members(json!({
            "id": self.id("msg"), "type": "message", "status": "completed", "role": "assistant",
        }));
        item.insert("content".to_owned(), parts.into());
        add_note(about, &mut item);
        self.items.push(Value::Object(item));
    }

    fn item(&mut self, prefix: &str, block: &Block, rest: Map<String, Value>) {
        let mut item = members(json!({"id": self.id(prefix), "status": "completed"}));
        item.extend(rest);
        self.finish(block, item);
    }

    fn finish(&mut self, block: &Block, mut item: Map<String, Value>) {
        if self.own {
            add_note(note::item(&block.extra), &mut item);
            item.extend(note::members(&block.extra).map(|(key, value)| (key.clone(), value.clone())));
        }
        self.items.push(Value::Object(item));
    }

    fn thinking(&mut self, block: &Block, thinking: &Thinking) {
        match &block.signature {
            Some(seal) => self.sealed(seal, thinking, Some(block)),
            // Nothing is shown, and nothing can come back: nobody misses it.
            None if !self.own && thinking.text.is_empty() && thinking.summary.is_empty() => {}
            None => {
                let mut item = members(json!({"id": self.id("rs")}));
                item.extend(reasoning(thinking, self.own));
                self.finish(block, item);
            }
        }
    }

    fn sealed(&mut self, seal: &Signature, thinking: &Thinking, block: Option<&Block>) {
        let own_id = seal.id.clone().filter(|_| seal.origin == Dialect::Responses);
        let mut item = members(json!({"id": own_id.unwrap_or_else(|| self.id("rs"))}));
        item.extend(reasoning(thinking, self.own));
        item.insert("encrypted_content".to_owned(), carried(seal, thinking.redacted.then_some(REDACTED)).into());
        match block {
            Some(block) => self.finish(block, item),
            None => self.items.push(Value::Object(item)),
        }
    }

    fn image(&mut self, media: &Media) {
        let Source::Base64(data) = &media.source else { return };
        let mut item =
            json!({"id": self.id("ig"), "type": "image_generation_call", "status": "completed", "result": data});
        if let Some(format) = media.media_type.as_deref().and_then(|kind| kind.strip_prefix("image/")) {
            item["output_format"] = format.into();
        }
        self.items.push(item);
    }

    /// The last item is where the answer was cut off, unless it says something else.
    fn cut_off(&mut self) {
        let about = self.choice.blocks.iter().rev().find_map(|block| note::item(&block.extra)).filter(|_| self.own);
        let says = about.is_some_and(|note| note.contains_key("status"));
        if let Some(item) = self.items.last_mut().filter(|_| !says)
            && item.get("status").is_some()
            && item["type"] != "image_generation_call"
        {
            item["status"] = "incomplete".into();
        }
    }

    fn id(&self, prefix: &str) -> String {
        item_id(prefix, self.unique, self.items.len())
    }
}

/// An item's id, which no other item of any answer has.
pub(super) fn item_id(prefix: &str, unique: &str, index: usize) -> String {
    format!("{prefix}_{unique}_{index}")
}

/// A seal as `encrypted_content` carries it; a foreign one may have something said about it.
pub(super) fn carried(seal: &Signature, about: Option<&str>) -> String {
    if seal.origin == Dialect::Responses {
        return seal.data.clone();
    }
    Signature { id: about.map(str::to_owned), ..seal.clone() }.carried_in(Dialect::Responses)
}
