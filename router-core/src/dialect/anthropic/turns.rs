//! The turns of a request, as the API takes them.
//!
//! A conversation in the API's own form is written as it was. One of another dialect is gathered into turns of `user`
//! and `assistant`, and the results of a turn come before its other blocks.

use serde_json::{Value, json};

use super::blocks::input_of;
use super::shape::{members, merge, write_cache};
use super::{citation, limits, media};
use crate::chat::{Block, Body, ChatRequest, Citation, Extra, Losses, Role, Signature, Thinking, ToolResult};
use crate::dialect::Invalid;
use crate::domain::Dialect;

/// Instructions, and the turns after them.
#[derive(Debug, Default)]
pub(super) struct Turns {
    pub(super) system: Vec<Value>,
    list: Vec<Turn>,
}

#[derive(Debug)]
struct Turn {
    role: &'static str,
    /// Results of tools, which come first.
    results: Vec<Value>,
    blocks: Vec<Value>,
    extra: Extra,
}

/// Writes what is said.
pub(super) fn write(request: &ChatRequest, losses: &mut Losses) -> Result<Turns, Invalid> {
    let own = request.dialect == Dialect::Anthropic;
    let mut writer = Writer { own, losses };
    let mut turns = Turns::default();
    for (at, block) in request.system.iter().enumerate() {
        turns.system.extend(writer.block(block, &format!("system[{at}]"))?);
    }
    for (at, message) in request.messages.iter().enumerate() {
        let place = format!("messages[{at}]");
        let mut blocks = Vec::with_capacity(message.blocks.len());
        let mut calls = 0;
        for (at, block) in message.blocks.iter().enumerate() {
            if let Body::ToolCall(call) = &block.body {
                if input_of(call).is_none() {
                    let path = format!("{place}.tool_calls[{calls}].function.arguments");
                    return Err(Invalid::at(path, "must be the JSON text of an object"));
                }
                calls += 1;
            }
            blocks.extend(writer.block(block, &format!("{place}.content[{at}]"))?);
        }
        let losses = &mut *writer.losses;
        losses.add_if(message.name.is_some(), format!("{place}.name"));
        let role = match message.role {
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
            Role::System if own => "system",
            Role::System | Role::Developer if turns.list.is_empty() => {
                turns.system.append(&mut blocks);
                continue;
            }
            Role::System | Role::Developer => {
                losses.add(format!("{place}.role"));
                "user"
            }
        };
        if own {
            turns.list.push(Turn { role, results: Vec::new(), blocks, extra: message.extra.clone() });
        } else {
            message.extra.keys().for_each(|key| losses.add_if(!is_note(key), format!("{place}.{key}")));
            turns.gather(role, blocks);
        }
    }
    if !own {
        turns.trim_prefill();
    }
    Ok(turns)
}

/// Whether a member of `extra` only tells how its dialect spelt something.
pub(super) fn is_note(key: &str) -> bool {
    key.starts_with('\0')
}

impl Turns {
    fn gather(&mut self, role: &'static str, blocks: Vec<Value>) {
        if blocks.is_empty() {
            return;
        }
        if self.list.last().is_none_or(|last| last.role != role) {
            self.list.push(Turn { role, results: Vec::new(), blocks: Vec::new(), extra: Extra::new() });
        }
        let Some(turn) = self.list.last_mut() else { return };
        for block in blocks {
            let place = if block["type"] == "tool_result" { &mut turn.results } else { &mut turn.blocks };
            place.push(block);
        }
    }

    /// The API refuses an answer's beginning that ends in white space.
    fn trim_prefill(&mut self) {
        let Some(turn) = self.list.last_mut().filter(|turn| turn.role == "assistant") else { return };
        if let Some(Value::String(text)) = turn.blocks.last_mut().and_then(|block| block.get_mut("text")) {
            text.truncate(text.trim_end().len());
        }
    }

    /// Whether nothing is said.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether the model is in the middle of calls that it made without thoughts, or with thoughts that were lost. A
    /// model that must begin its turns with thoughts cannot go on from there.
    pub(super) fn lack_thoughts(&self) -> bool {
        let [.., asked, last] = &self.list[..] else { return false };
        !last.results.is_empty() && asked.blocks.first().is_some_and(|block| !is_thought(block))
    }

    /// The `messages` of the request.
    pub(super) fn into_messages(self) -> Vec<Value> {
        let message = |mut turn: Turn| {
            turn.results.append(&mut turn.blocks);
            let mut message = members(json!({"role": turn.role, "content": content(turn.results)}));
            merge(&mut message, &turn.extra);
            Value::Object(message)
        };
        self.list.into_iter().map(message).collect()
    }
}

fn is_thought(block: &Value) -> bool {
    block["type"] == "thinking" || block["type"] == "redacted_thinking"
}

/// Blocks as content: a plain text alone is a string.
pub(super) fn content(mut blocks: Vec<Value>) -> Value {
    if let [Value::Object(block)] = &mut blocks[..]
        && block.len() == 2
        && block["type"] == "text"
        && let Some(Value::String(text)) = block.get_mut("text")
    {
        return Value::String(std::mem::take(text));
    }
    Value::Array(blocks)
}

struct Writer<'l> {
    own: bool,
    losses: &'l mut Losses,
}

impl Writer<'_> {
    /// A block; `None` if the API has no such block, or nothing is in it.
    fn block(&mut self, block: &Block, place: &str) -> Result<Option<Value>, Invalid> {
        let Some(mut object) = self.body(block, place)? else { return Ok(None) };
        if let Some(mark) = &block.cache {
            object.insert("cache_control".to_owned(), write_cache(mark));
        }
        if self.own {
            merge(&mut object, &block.extra);
        } else {
            block.extra.keys().for_each(|key| self.losses.add_if(!is_note(key), format!("{place}.{key}")));
        }
        let lost = block.signature.is_some() && !matches!(block.body, Body::Thinking(_));
        self.losses.add_if(lost, format!("{place}.signature"));
        Ok(Some(Value::Object(object)))
    }

    fn body(&mut self, block: &Block, place: &str) -> Result<Option<Extra>, Invalid> {
        let object = match &block.body {
            Body::Text { text, .. } | Body::Refusal(text) if !self.own && text.trim().is_empty() => return Ok(None),
            Body::Refusal(text) => json!({"type": "text", "text": text}),
            Body::Text { text, citations } => self.text(text, citations, place),
            Body::Image(image) => {
                let seen_closely = image.detail.as_deref().is_some_and(|detail| detail != "auto");
                self.losses.add_if(seen_closely, format!("{place}.detail"));
                match media::write_image(image, self.own) {
                    Some(source) => json!({"type": "image", "source": source}),
                    None => return Ok(self.lost(block, place)),
                }
            }
            Body::Document(document) => {
                let Some(source) = media::write_document(document, self.own, &block.extra) else {
                    return Ok(self.lost(block, place));
                };
                let mut object = json!({"type": "document", "source": source});
                if let Some(name) = &document.name {
                    object["title"] = name.as_str().into();
                }
                object
            }
            Body::Thinking(thinking) => match thought(thinking, block.signature.as_ref()) {
                Some(object) => object,
                None => return Ok(self.lost(block, place)),
            },
            Body::ToolCall(call) => {
                let id = limits::call_id(&call.id);
                let input = input_of(call).ok_or_else(|| Invalid::at(place, "must be an object"))?;
                json!({"type": "tool_use", "id": id, "name": call.name, "input": input})
            }
            Body::ToolResult(result) => self.result(result, place)?,
            Body::Foreign { dialect: Dialect::Anthropic, value } => value.clone(),
            Body::Audio(_) | Body::Video(_) | Body::Foreign { .. } => return Ok(self.lost(block, place)),
        };
        Ok(Some(members(object)))
    }

    fn lost(&mut self, block: &Block, place: &str) -> Option<Extra> {
        self.losses.add(format!("{place}.{}", block.kind()));
        None
    }

    fn text(&mut self, text: &str, citations: &[Citation<'_>], place: &str) -> Value {
        let mut object = json!({"type": "text", "text": text});
        let ours: Vec<_> = citations.iter().filter_map(citation::taken_back).collect();
        self.losses.add_if(ours.len() < citations.len(), format!("{place}.citations"));
        if !ours.is_empty() {
            object["citations"] = Value::Array(ours);
        }
        object
    }

    fn result(&mut self, result: &ToolResult, place: &str) -> Result<Value, Invalid> {
        let id = limits::call_id(&result.id);
        let mut object = json!({"type": "tool_result", "tool_use_id": id});
        let mut blocks = Vec::with_capacity(result.content.len());
        for (at, block) in result.content.iter().enumerate() {
            let place = format!("{place}.content[{at}]");
            match self.block(block, &place)? {
                Some(block) => blocks.push(block),
                None if block.as_text().is_some() => {}
                // The model is told that there was something.
                None => blocks.push(json!({"type": "text", "text": format!("[{}]", block.kind())})),
            }
        }
        if !blocks.is_empty() {
            object["content"] = content(blocks);
        }
        if result.is_error {
            object["is_error"] = true.into();
        }
        Ok(object)
    }
}

/// Thoughts, if the API will know its seal on them. Claude's seals are the same on all platforms.
fn thought(thinking: &Thinking, signature: Option<&Signature>) -> Option<Value> {
    let signature = signature?;
    match signature.origin {
        Dialect::Anthropic if thinking.redacted => Some(json!({"type": "redacted_thinking", "data": signature.data})),
        Dialect::Anthropic => Some(json!({"type": "thinking", "thinking": thinking.text, "signature": signature.data})),
        Dialect::Bedrock if !thinking.redacted => {
            Some(json!({"type": "thinking", "thinking": thinking.text, "signature": signature.data}))
        }
        _ => None,
    }
}
