//! Items of `input` and of `output` → messages.
//!
//! A turn of the model is one message to us and several items in a row here, so items of the model are gathered until
//! somebody else speaks.

use serde_json::Value;

use super::super::Invalid;
use super::super::fields::Fields;
use super::{note, parts};
use crate::chat::{Block, Body, Extra, Message, Role, Signature, Thinking, ToolCall, ToolResult};
use crate::domain::Dialect;

/// How a signature of somebody else, carried by an otherwise empty reasoning item, says that it belongs to the block
/// before it.
pub(super) const BEFORE: &str = "prev";
/// How it says that its thoughts were hidden by whoever issued it, and are not merely not shown.
pub(super) const REDACTED: &str = "redacted";

/// Gathers items into messages.
#[derive(Debug, Default)]
pub(super) struct Turns {
    messages: Vec<Message>,
    /// The blocks of the model's turn that is open.
    open: Vec<Block>,
    /// A signature that belongs to the next block.
    seal: Option<Signature>,
}

impl Turns {
    /// Takes the item that stands at `path`.
    pub(super) fn item(&mut self, item: Value, path: String) -> Result<(), Invalid> {
        let fields = Fields::of(item, path)?;
        match fields.peek_text("type") {
            Some("message") => self.message(fields),
            Some("function_call") => self.call(fields, false),
            Some("custom_tool_call") => self.call(fields, true),
            Some("function_call_output") => self.result(fields, false),
            Some("custom_tool_call_output") => self.result(fields, true),
            Some("reasoning") => self.reasoning(fields),
            Some("item_reference") => Err(reference(&fields)),
            Some(kind) => {
                let (from_client, path) = (comes_from_client(kind), fields.own_path().to_owned());
                self.foreign(fields.into_value(), from_client, path);
                Ok(())
            }
            None if fields.has("type") => Err(fields.invalid("type", "must be a string")),
            None if fields.has("role") => self.message(fields),
            None if fields.has("id") => Err(reference(&fields)),
            None => Err(fields.invalid("type", "is missing: it must be a string such as \"message\"")),
        }
    }

    /// Everything that was said.
    pub(super) fn into_messages(mut self) -> Vec<Message> {
        self.close();
        self.messages
    }

    fn close(&mut self) {
        if let Some(seal) = self.seal.take() {
            self.open.push(sealed_thought(seal));
        }
        if !self.open.is_empty() {
            let blocks = std::mem::take(&mut self.open);
            self.messages.push(Message::new(Role::Assistant, blocks));
        }
    }

    fn push(&mut self, mut block: Block) {
        if block.signature.is_none() && !matches!(block.body, Body::Thinking(_)) {
            block.signature = self.seal.take();
        }
        self.open.push(block);
    }

    fn others(&mut self, message: Message) {
        self.close();
        self.messages.push(message);
    }

    fn message(&mut self, mut fields: Fields) -> Result<(), Invalid> {
        fields.take("type");
        let role = match fields.need_text("role")?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            "developer" => Role::Developer,
            other => return Err(fields.invalid("role", format!("unknown role {other:?}"))),
        };
        let path = fields.path("content");
        let content = fields.take("content").ok_or_else(|| fields.invalid("content", "is missing"))?;
        let blocks = parts::read(content, &path)?;
        let mut about = note::of_item(&mut fields);
        if role == Role::Assistant {
            about.extend(fields.rest());
            self.assistant(blocks, about);
        } else {
            let message = Message::new(role, blocks).at(fields.own_path());
            let mut message = Message { extra: fields.rest(), ..message };
            note::leave(&mut message.extra, about);
            self.others(message);
        }
        Ok(())
    }

    fn assistant(&mut self, mut blocks: Vec<Block>, about: Extra) {
        let joins = self.open.last().is_some_and(in_message);
        if let Some(first) = blocks.first_mut()
            && (joins || !about.is_empty())
        {
            first.extra.insert(note::ITEM.to_owned(), Value::Object(about));
        }
        for block in blocks {
            self.push(block);
        }
    }

    fn call(&mut self, mut fields: Fields, custom: bool) -> Result<(), Invalid> {
        fields.take("type");
        let id = fields.need_text("call_id")?;
        if id.is_empty() {
            return Err(fields.invalid("call_id", "must not be empty"));
        }
        let name = fields.need_name("name")?;
        let mut arguments = fields.text(if custom { "input" } else { "arguments" })?.unwrap_or_default();
        if arguments.is_empty() && !custom {
            arguments.push_str("{}");
        }
        let call = Body::ToolCall(ToolCall { id, name, arguments, custom });
        let mut block = Block::new(call).at(fields.own_path());
        let about = note::of_item(&mut fields);
        block.extra = fields.rest();
        note::leave(&mut block.extra, about);
        self.push(block);
        Ok(())
    }

    fn result(&mut self, mut fields: Fields, custom: bool) -> Result<(), Invalid> {
        let kind = fields.take("type");
        let (id, name) = (fields.need_text("call_id")?, fields.text("name")?);
        let path = fields.path("output");
        let output = fields.take("output").ok_or_else(|| fields.invalid("output", "is missing"))?;
        let content = parts::read(output, &path)?;
        let result = Body::ToolResult(ToolResult { id, name, content, is_error: false });
        let mut block = Block::new(result).at(fields.own_path());
        let mut about = note::of_item(&mut fields);
        if let (true, Some(kind)) = (custom, kind) {
            about.insert("type".to_owned(), kind);
        }
        block.extra = fields.rest();
        note::leave(&mut block.extra, about);
        self.others(Message::new(Role::Tool, vec![block]));
        Ok(())
    }

    fn reasoning(&mut self, mut fields: Fields) -> Result<(), Invalid> {
        fields.take("type");
        let (summary, (text, parts)) = (summary(&mut fields)?, thoughts(&mut fields)?);
        let seal = fields.text("encrypted_content")?.filter(|data| !data.is_empty());
        let mut seal = seal.map(|data| Signature::from_field(Dialect::Responses, &data));
        let mut about = note::of_item(&mut fields);
        if let Some(own) = seal.as_mut().filter(|seal| seal.origin == Dialect::Responses)
            && let Some(Value::String(id)) = about.shift_remove("id")
        {
            own.id = Some(id);
        }
        let nothing_shown = summary.is_empty() && text.is_empty();
        if let Some(seal) = seal.take_if(|seal| nothing_shown && seal.origin == Dialect::Gemini) {
            self.place(seal);
            return Ok(());
        }
        let redacted = seal.as_mut().is_some_and(take_redacted);
        // Other providers' thoughts were told as a summary: the only part of an item that clients show.
        let (text, summary) = match &seal {
            Some(seal) if seal.origin != Dialect::Responses && text.is_empty() => (summary.join("\n\n"), Vec::new()),
            _ => (text, summary),
        };
        let mut block = Block::new(Body::Thinking(Thinking { text, summary, redacted })).at(fields.own_path());
        block.signature = seal;
        block.extra = fields.rest();
        about.extend(parts.map(|parts| ("content".to_owned(), parts)));
        note::leave(&mut block.extra, about);
        self.push(block);
        Ok(())
    }

    /// Puts a signature on the block that it belongs to.
    fn place(&mut self, mut seal: Signature) {
        let link = seal.id.take();
        let block = match link.as_deref() {
            None => None,
            Some(BEFORE) => self.open.last_mut(),
            Some(link) => self.open.iter_mut().rev().find(|block| calls(block, link)),
        };
        match block {
            Some(block) => block.signature = Some(seal),
            None => self.seal = Some(seal),
        }
    }

    fn foreign(&mut self, value: Value, from_client: bool, path: String) {
        let block = Block::new(Body::Foreign { dialect: Dialect::Responses, value }).at(path);
        if from_client {
            self.others(Message::new(Role::User, vec![block]));
        } else {
            self.push(block);
        }
    }
}

/// A thought of which there is nothing but its signature.
fn sealed_thought(seal: Signature) -> Block {
    let mut block = Block::new(Body::Thinking(Thinking::default()));
    block.signature = Some(seal);
    block
}

/// Whether a signature says that its thoughts were hidden; it no longer says so.
pub(super) fn take_redacted(seal: &mut Signature) -> bool {
    let redacted = seal.origin != Dialect::Responses && seal.id.as_deref() == Some(REDACTED);
    if redacted {
        seal.id = None;
    }
    redacted
}

/// Whether a block stands in a message here, and is no item of its own.
pub(super) fn in_message(block: &Block) -> bool {
    matches!(block.body, Body::Text { .. } | Body::Refusal(_)) || note::is_part(block)
}

fn calls(block: &Block, id: &str) -> bool {
    matches!(&block.body, Body::ToolCall(call) if call.id == id)
}

/// Whether an item that only this dialect has is brought by the client, as the output of a tool is.
fn comes_from_client(kind: &str) -> bool {
    kind.ends_with("_output")
        || matches!(kind, "mcp_approval_response" | "compaction_trigger" | "additional_tools" | "configuration_update")
}

fn reference(fields: &Fields) -> Invalid {
    let what = "an item_reference points to an item that is stored at the provider, and nothing is stored here: \
                send the item itself";
    Invalid::at(fields.own_path(), what)
}

fn summary(fields: &mut Fields) -> Result<Vec<String>, Invalid> {
    let path = fields.path("summary");
    let parts = fields.list("summary")?.unwrap_or_default().into_iter().enumerate();
    parts.map(|(at, part)| Fields::of(part, format!("{path}[{at}]"))?.need_text("text")).collect()
}

/// The thoughts themselves, and their parts as they were if there is not exactly one.
fn thoughts(fields: &mut Fields) -> Result<(String, Option<Value>), Invalid> {
    let path = fields.path("content");
    let Some(parts) = fields.list("content")? else { return Ok((String::new(), None)) };
    let raw = (parts.len() > 1).then(|| Value::Array(parts.clone()));
    let mut text = String::new();
    for (at, part) in parts.into_iter().enumerate() {
        text.push_str(&Fields::of(part, format!("{path}[{at}]"))?.need_text("text")?);
    }
    Ok((text, raw))
}
