//! Messages → items of `input`, for a provider.

use serde_json::{Map, Value, json};

use super::items::in_message;
use super::note;
use super::write_parts::Pen;
use crate::chat::{Block, Body, ChatRequest, Extra, Message, Role, Thinking, ToolCall, ToolResult};
use crate::domain::Dialect;

/// Writes items.
#[derive(Debug)]
pub(super) struct Items<'i> {
    pub(super) request: &'i ChatRequest,
    pub(super) pen: Pen<'i>,
    /// The provider refuses the role `developer`.
    pub(super) no_developer_role: bool,
    pub(super) items: Vec<Value>,
}

/// A message of the model in the making.
#[derive(Debug, Default)]
struct Said<'i> {
    parts: Vec<Value>,
    note: Option<&'i Extra>,
}

impl<'i> Items<'i> {
    /// Writes the message at `index`.
    pub(super) fn message(&mut self, index: usize, message: &'i Message) {
        let place = format!("messages[{index}]");
        self.pen.losses.add_if(message.name.is_some(), format!("{place}.name"));
        if !self.pen.own() {
            note::lose(&message.extra, &format!("{place}."), self.pen.losses);
        }
        if message.role == Role::Assistant {
            self.assistant(&message.blocks, &place);
        } else {
            self.other(message, &place);
        }
    }

    /// Results are items of their own, and come before whatever is said along with them.
    fn other(&mut self, message: &'i Message, place: &str) {
        let mut parts = Vec::new();
        let mut apart = false;
        for (at, block) in message.blocks.iter().enumerate() {
            let place = format!("{place}.content[{at}]");
            match &block.body {
                Body::ToolResult(result) => {
                    let item = self.result(block, result, &place);
                    self.items.push(item);
                    apart = true;
                }
                Body::Foreign { dialect: Dialect::Responses, value } if !note::is_part(block) => {
                    self.items.push(value.clone());
                    apart = true;
                }
                _ => parts.extend(self.pen.input(block, &place)),
            }
        }
        if parts.is_empty() && (apart || !self.pen.own()) {
            return;
        }
        let role = match message.role {
            Role::System => "system",
            Role::Developer if self.no_developer_role => "system",
            Role::Developer => "developer",
            Role::User | Role::Tool | Role::Assistant => "user",
        };
        let mut item = members(json!({"type": "message", "role": role, "content": plain(parts, "input_text")}));
        if self.pen.own() {
            add_note(note::item(&message.extra), &mut item);
            item.extend(note::members(&message.extra).map(|(key, value)| (key.clone(), value.clone())));
        }
        self.items.push(Value::Object(item));
    }

    fn assistant(&mut self, blocks: &'i [Block], place: &str) {
        let mut said = Said::default();
        for (at, block) in blocks.iter().enumerate() {
            let place = format!("{place}.content[{at}]");
            if in_message(block) {
                if let Some(note) = note::item(&block.extra).filter(|_| self.pen.own()) {
                    self.say(std::mem::take(&mut said));
                    said.note = Some(note);
                }
                said.parts.extend(self.pen.output(block, &place));
                continue;
            }
            self.say(std::mem::take(&mut said));
            match &block.body {
                Body::Thinking(thinking) => self.thinking(block, thinking, &place),
                Body::ToolCall(call) => self.call(block, call, &place),
                Body::Foreign { dialect: Dialect::Responses, value } => self.items.push(value.clone()),
                _ => self.pen.lose(&place, block.kind()),
            }
        }
        self.say(said);
    }

    fn say(&mut self, said: Said<'_>) {
        if said.parts.is_empty() {
            return;
        }
        let named = said.note.is_some_and(|note| note.contains_key("id"));
        let content = if named { Value::Array(said.parts) } else { plain(said.parts, "output_text") };
        let mut item = members(json!({"type": "message", "role": "assistant", "content": content}));
        add_note(said.note, &mut item);
        self.items.push(Value::Object(item));
    }

    /// Thoughts go back to whoever sealed them, and to nobody else.
    fn thinking(&mut self, block: &Block, thinking: &Thinking, place: &str) {
        let seal = block.signature_of(Dialect::Responses);
        if seal.is_none() && (block.signature.is_some() || !self.pen.own()) {
            self.pen.lose(place, "thinking");
            return;
        }
        let mut item = reasoning(thinking, true);
        if let Some(seal) = seal {
            item.extend(seal.id.as_deref().map(|id| ("id".to_owned(), id.into())));
            if !seal.data.is_empty() {
                item.insert("encrypted_content".to_owned(), seal.data.as_str().into());
            }
        }
        if self.pen.own() {
            add_note(note::item(&block.extra), &mut item);
        }
        self.pen.extras(block, place, &mut item);
        self.items.push(Value::Object(item));
    }

    fn call(&mut self, block: &Block, call: &ToolCall, place: &str) {
        let mut item = call_item(call);
        if self.pen.own() {
            add_note(note::item(&block.extra), &mut item);
        }
        self.pen.extras(block, place, &mut item);
        self.items.push(Value::Object(item));
    }

    fn result(&mut self, block: &Block, result: &ToolResult, place: &str) -> Value {
        // Google's clients say so in the result itself, which goes along as it was.
        let says_so = result.is_error && self.request.dialect == Dialect::Gemini;
        self.pen.losses.add_if(result.is_error && !says_so, format!("{place}.is_error"));
        let mut parts = Vec::new();
        for (at, block) in result.content.iter().enumerate() {
            if let Some(error) = block.as_text().filter(|_| says_so) {
                parts.push(json!({"type": "input_text", "text": json!({ "error": error }).to_string()}));
                continue;
            }
            let part = self.pen.input(block, &format!("{place}.content[{at}]"));
            let instead = || json!({"type": "input_text", "text": format!("[{}]", block.kind())});
            parts.push(part.unwrap_or_else(instead));
        }
        let output = if parts.is_empty() { "".into() } else { plain(parts, "input_text") };
        let note = note::item(&block.extra).filter(|_| self.pen.own());
        let kind = if self.answers_custom(&result.id) { "custom_tool_call_output" } else { "function_call_output" };
        let mut item = members(json!({"type": kind, "call_id": result.id, "output": output}));
        if self.pen.own() {
            item.extend(result.name.as_deref().map(|name| ("name".to_owned(), name.into())));
            add_note(note, &mut item);
        }
        self.pen.extras(block, place, &mut item);
        Value::Object(item)
    }

    fn answers_custom(&self, id: &str) -> bool {
        let blocks = self.request.messages.iter().flat_map(|message| &message.blocks).rev();
        let mut calls = blocks.filter_map(|block| match &block.body {
            Body::ToolCall(call) if call.id == id => Some(call.custom),
            _ => None,
        });
        calls.next().unwrap_or_default()
    }
}

/// A reasoning item without its seal. `summary` must be there, even if it is empty. Thoughts of another dialect stand there
/// too: it is the only part of an item that clients show.
pub(super) fn reasoning(thinking: &Thinking, own: bool) -> Map<String, Value> {
    let part = |kind: &str, text: &String| json!({"type": kind, "text": text});
    let text = Some(&thinking.text).filter(|text| !own && !text.is_empty());
    let summary: Vec<_> = thinking.summary.iter().chain(text).map(|text| part("summary_text", text)).collect();
    let mut item = members(json!({"type": "reasoning", "summary": summary}));
    if own && !thinking.text.is_empty() {
        item.insert("content".to_owned(), json!([part("reasoning_text", &thinking.text)]));
    }
    item
}

/// A call's item.
pub(super) fn call_item(call: &ToolCall) -> Map<String, Value> {
    let (kind, key) = if call.custom { ("custom_tool_call", "input") } else { ("function_call", "arguments") };
    let mut item = members(json!({"type": kind, "call_id": call.id, "name": call.name}));
    let arguments = if call.arguments.is_empty() && !call.custom { "{}" } else { &call.arguments };
    item.insert(key.to_owned(), arguments.into());
    item
}

/// Adds what an item says of itself.
pub(super) fn add_note(note: Option<&Extra>, item: &mut Map<String, Value>) {
    item.extend(note.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())));
}

/// Content as a text if it is one and nothing else.
fn plain(mut parts: Vec<Value>, kind: &str) -> Value {
    let only = |part: &Value| {
        let members = part.as_object()?;
        let bare = members.get("type")?.as_str()? == kind
            && members.iter().all(|(key, value)| match key.as_str() {
                "type" | "text" => true,
                "annotations" => value.as_array().is_some_and(Vec::is_empty),
                _ => false,
            });
        bare.then(|| members.get("text").cloned())?
    };
    match parts.as_mut_slice() {
        [part] => only(part).unwrap_or_else(|| Value::Array(parts)),
        _ => Value::Array(parts),
    }
}

/// The members of what is an object.
pub(super) fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
