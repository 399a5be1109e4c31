//! Messages → contents.

use serde_json::{Map, Value};

use super::super::Invalid;
use super::member::{is_note, restore};
use super::model::Model;
use super::part_out::{self, Part, part};
use super::{ids, part as part_in, pieces, seal};
use crate::chat::{Block, Body, ChatRequest, Losses, Media, Message, Role, Source, ToolCall, ToolResult, tool_name};
use crate::domain::Dialect;

/// Arguments of a call that are no object.
struct Refused;

/// Writes messages one after the other.
pub(super) struct Turns<'r, 'l> {
    request: &'r ChatRequest,
    model: Model,
    own: bool,
    losses: &'l mut Losses,
    contents: Vec<Value>,
    /// The last content holds results of tools, and takes those that follow: Google wants all results of a turn at once.
    gathers: bool,
    /// The first message after the last one in which somebody asked something.
    turn: usize,
}

impl<'r, 'l> Turns<'r, 'l> {
    pub(super) fn new(request: &'r ChatRequest, model: Model, losses: &'l mut Losses) -> Self {
        let asks = |message: &Message| {
            let result = |block: &Block| matches!(block.body, Body::ToolResult(_));
            !matches!(message.role, Role::Assistant | Role::Tool) && !message.blocks.iter().all(result)
        };
        let turn = request.messages.iter().rposition(asks).map_or(0, |at| at + 1);
        let own = request.dialect == Dialect::Gemini;
        Self { request, model, own, losses, contents: Vec::new(), gathers: false, turn }
    }

    pub(super) fn into_contents(self) -> Vec<Value> {
        self.contents
    }

    /// Writes a message.
    pub(super) fn message(&mut self, at: usize, message: &Message) -> Result<(), Invalid> {
        let role = match message.role {
            Role::Assistant => "model",
            Role::Tool if self.own => "function",
            Role::User | Role::Tool => "user",
            Role::System | Role::Developer => {
                self.losses.add(format!("messages[{at}].role"));
                "user"
            }
        };
        let parts = self.message_parts(at, message)?;
        if parts.is_empty() && !self.own {
            return Ok(());
        }
        let is_result = |block: &Block| matches!(block.body, Body::ToolResult(_));
        let answers = !self.own && message.role != Role::Assistant && message.blocks.first().is_some_and(is_result);
        let goes_on = std::mem::replace(&mut self.gathers, answers && message.blocks.iter().all(is_result));
        if let (true, true, Some(last)) = (answers, goes_on, self.contents.last_mut()) {
            if let Some(Value::Array(gathered)) = last.get_mut("parts") {
                gathered.extend(parts);
            }
            return Ok(());
        }
        let pieces = if self.own { pieces::apart(&message.extra, parts) } else { vec![parts] };
        for parts in pieces {
            let mut content = part("role", role.into());
            content.insert("parts".into(), Value::Array(parts));
            if self.own {
                let members = message.extra.iter().filter(|(key, _)| !is_note(key));
                content.extend(members.map(|(key, value)| (key.clone(), value.clone())));
            }
            self.contents.push(Value::Object(content));
        }
        Ok(())
    }

    /// The parts of a message.
    pub(super) fn message_parts(&mut self, at: usize, message: &Message) -> Result<Vec<Value>, Invalid> {
        let place = format!("messages[{at}]");
        self.losses.add_if(message.name.is_some(), format!("{place}.name"));
        if !self.own {
            for key in message.extra.keys().filter(|key| !is_note(key)) {
                self.losses.add(format!("{place}.{key}"));
            }
        }
        let mut parts = self.parts(&format!("{place}.content"), &message.blocks)?;
        if at >= self.turn && self.model.is_third() && message.role == Role::Assistant {
            skip_signatures(&mut parts);
        }
        Ok(parts)
    }

    /// The parts of blocks that stand at `place`.
    pub(super) fn parts(&mut self, place: &str, blocks: &[Block]) -> Result<Vec<Value>, Invalid> {
        let (mut parts, mut beside, mut calls) = (Vec::new(), Vec::new(), 0);
        for (at, block) in blocks.iter().enumerate() {
            parts.extend(self.one(&format!("{place}[{at}]"), block, &mut beside).map_err(|Refused| {
                let message = place.trim_end_matches(".content");
                let path = format!("{message}.tool_calls[{calls}].function.arguments");
                Invalid::at(path, "must be the JSON text of an object")
            })?);
            calls += usize::from(matches!(block.body, Body::ToolCall(_)));
        }
        parts.append(&mut beside);
        Ok(parts)
    }

    /// The part of the block that stands `here`, if there is one. What cannot be in it goes `beside` it.
    fn one(&mut self, here: &str, block: &Block, beside: &mut Vec<Value>) -> Result<Option<Value>, Refused> {
        self.losses.add_if(block.cache.is_some(), format!("{here}.cache_control"));
        if !self.own {
            for key in block.extra.keys().filter(|key| !is_note(key)) {
                self.losses.add(format!("{here}.{key}"));
            }
        }
        let written = match &block.body {
            Body::ToolCall(call) => Some(self.call(here, block, call)?),
            Body::ToolResult(result) => Some(self.result(here, block, result, beside)?),
            _ => self.block(here, block),
        };
        Ok(written.map(|written| self.sealed(here, block, written)))
    }

    /// The part with its signature, if that is Gemini's, and with what only Google knows.
    fn sealed(&mut self, here: &str, block: &Block, mut part: Part) -> Value {
        match &block.signature {
            Some(signature) if signature.origin == Dialect::Gemini => {
                part.insert("thoughtSignature".into(), signature.data.as_str().into());
            }
            Some(_) => self.losses.add(format!("{here}.signature")),
            None => {}
        }
        if self.own {
            part_out::extra_members(&block.extra, &mut part);
        }
        Value::Object(part)
    }

    fn block(&mut self, here: &str, block: &Block) -> Option<Part> {
        match &block.body {
            Body::Text { text, citations } => {
                self.losses.add_if(!citations.is_empty(), format!("{here}.citations"));
                let silent = text.is_empty() && !self.own && block.signature_of(Dialect::Gemini).is_none();
                (!silent).then(|| part("text", text.as_str().into()))
            }
            Body::Refusal(text) => Some(part("text", text.as_str().into())),
            Body::Thinking(thinking) => {
                let known = block.signature_of(Dialect::Gemini).is_some() || (self.own && block.signature.is_none());
                self.losses.add_if(!known, format!("{here}.thinking"));
                known.then(|| part_out::thought(thinking))
            }
            Body::Image(media) => self.media(here, block, media, "image/jpeg"),
            Body::Audio(media) => self.media(here, block, media, "audio/wav"),
            Body::Video(media) => self.media(here, block, media, "video/mp4"),
            Body::Document(media) => self.media(here, block, media, "application/pdf"),
            Body::Foreign { dialect: Dialect::Gemini, value: Value::Object(value) } => Some(value.clone()),
            Body::Foreign { value, .. } => {
                let kind = value.get("type").and_then(Value::as_str).unwrap_or(block.kind());
                self.losses.add(format!("{here}.{kind}"));
                None
            }
            Body::ToolCall(_) | Body::ToolResult(_) => None,
        }
    }

    fn media(&mut self, here: &str, block: &Block, media: &Media, guess: &'static str) -> Option<Part> {
        let guess = Some(guess).filter(|_| !self.own);
        let Some(mut part) = part_out::media(media, &block.extra, self.own, guess) else {
            self.losses.add(format!("{here}.{}", block.kind()));
            return None;
        };
        if !self.own && media.name.is_some() {
            // Vertex AI takes names, and the Gemini API refuses them.
            self.losses.add(format!("{here}.title"));
            part.values_mut().filter_map(Value::as_object_mut).for_each(|data| drop(data.shift_remove("displayName")));
        }
        match media.detail.as_deref() {
            Some(detail @ ("low" | "high")) if self.model.is_third() => {
                let level = format!("MEDIA_RESOLUTION_{}", detail.to_ascii_uppercase());
                part.insert("mediaResolution".into(), serde_json::json!({ "level": level }));
            }
            None | Some("auto") => {}
            Some(_) => self.losses.add(format!("{here}.detail")),
        }
        Some(part)
    }

    fn call(&mut self, here: &str, block: &Block, call: &ToolCall) -> Result<Part, Refused> {
        self.losses.add_if(call.custom, format!("{here}.custom"));
        let args = if call.custom {
            part_out::free_text(&call.arguments)
        } else {
            part_out::arguments(&call.arguments).ok_or(Refused)?
        };
        Ok(part_out::function_call(&call.id, &call.name, args, Some(&block.extra).filter(|_| self.own)))
    }

    /// A result. Pictures and the like go into it where the model takes them there, else `beside` it.
    fn result(
        &mut self,
        here: &str,
        block: &Block,
        result: &ToolResult,
        beside: &mut Vec<Value>,
    ) -> Result<Part, Refused> {
        let (mut text, mut texts, mut inside) = (String::new(), 0, Vec::new());
        for (at, item) in result.content.iter().enumerate() {
            if let Some(more) = item.as_text() {
                text.push_str(if texts > 0 { "\n" } else { "" });
                text.push_str(more);
                texts += 1;
                continue;
            }
            let written = self.one(&format!("{here}.content[{at}]"), item, beside)?;
            let inline = |media: &Media| matches!(media.source, Source::Base64(_) | Source::Text(_));
            let fits = match &item.body {
                Body::Image(media) | Body::Audio(media) | Body::Video(media) | Body::Document(media) => {
                    self.model.is_third() && inline(media)
                }
                _ => false,
            };
            if self.own || fits { inside.extend(written) } else { beside.extend(written) }
        }
        let mut response = Map::new();
        if !result.id.is_empty() && !ids::is_made(&result.id) {
            response.insert("id".into(), result.id.as_str().into());
        }
        let name = result.name.as_deref().or_else(|| tool_name(self.request, &result.id));
        response.insert("name".into(), name.unwrap_or(&result.id).into());
        if texts > 0 || !self.own {
            let key = if self.own && block.extra.contains_key(part_in::RESULT_NOTE) { "result" } else { "output" };
            response.insert("response".into(), response_of(text, result.is_error, key));
        }
        if !inside.is_empty() {
            response.insert("parts".into(), Value::Array(inside));
        }
        if self.own {
            restore(&block.extra, "functionResponse", &mut response);
        }
        Ok(part("functionResponse", Value::Object(response)))
    }
}

/// The object that a text becomes, under `key` unless it is one.
fn response_of(text: String, is_error: bool, key: &str) -> Value {
    if is_error {
        return Value::Object(part("error", text.into()));
    }
    let object = Some(&text).filter(|text| part_in::is_object(text));
    object.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| Value::Object(part(key, text.into())))
}

/// Gemini 3 refuses a turn whose first call has no signature. Calls that another model made have none, so they get the
/// one that Google documents for them.
fn skip_signatures(parts: &mut [Value]) {
    let is_call = |part: &&mut Value| part.get("functionCall").is_some();
    if let Some(Value::Object(first)) = parts.iter_mut().find(is_call) {
        first.entry("thoughtSignature").or_insert_with(|| seal::SKIPPED.into());
    }
}
