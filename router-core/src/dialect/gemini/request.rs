//! A client's body → the common request.

use serde_json::Value;

use super::super::Invalid;
use super::super::fields::Fields;
use super::ids::Ids;
use super::member::{inner, keep, message, repeated};
use super::{config, part, pieces, tools};
use crate::chat::{Block, Body, ChatRequest, Message, Role};
use crate::domain::Dialect;

/// Reads a body of `generateContent` or `streamGenerateContent`. Which of the two it is stands in the address, and so
/// does the model.
///
/// # Errors
/// What does not say what Google wants, and where.
pub fn read_request(body: Value) -> Result<ChatRequest, Invalid> {
    let mut fields = message(body, "")?;
    let mut request = ChatRequest::new(Dialect::Gemini);
    request.model = fields.text("model")?.unwrap_or_default();
    request.service_tier = fields.text("serviceTier")?;
    if let Some(labels) = fields.take("labels") {
        request.metadata = Fields::of(labels, "labels")?.rest();
    }
    instructions(&mut fields, &mut request)?;
    contents(&mut fields, &mut request)?;
    if let Some(config) = inner(&mut fields, "generationConfig")? {
        config::read(config, &mut request)?;
    }
    tools::read(&mut fields, &mut request)?;
    if let Some(config) = inner(&mut fields, "toolConfig")? {
        tools::read_config(config, &mut request)?;
    }
    request.extra.extend(fields.rest());
    Ok(request)
}

fn instructions(fields: &mut Fields, request: &mut ChatRequest) -> Result<(), Invalid> {
    let content = match fields.take("systemInstruction") {
        None => return Ok(()),
        Some(Value::String(text)) => {
            request.system = vec![Block::text(text).at("systemInstruction")];
            return Ok(());
        }
        Some(content) => content,
    };
    let mut content = message(content, "systemInstruction")?;
    // Google takes any role here, and makes nothing of it.
    content.take("role");
    request.system = parts(&mut content, &mut Ids::default())?;
    keep(&mut request.extra, "systemInstruction", content.rest());
    Ok(())
}

fn contents(fields: &mut Fields, request: &mut ChatRequest) -> Result<(), Invalid> {
    if !fields.has("contents") {
        return Err(fields.invalid("contents", "is missing: it must be an array of contents"));
    }
    let mut ids = Ids::default();
    for (at, content) in repeated(fields, "contents")?.unwrap_or_default().into_iter().enumerate() {
        ids.turn(at.to_string());
        let mut content = message(content, format!("contents[{at}]"))?;
        let role = content.text("role")?;
        let blocks = parts(&mut content, &mut ids)?;
        let results = blocks.iter().all(|block| matches!(block.body, Body::ToolResult(_)));
        let role = match role.as_deref() {
            None | Some("" | "user") => Role::User,
            Some("model") => Role::Assistant,
            Some("function" | "tool") if results => Role::Tool,
            Some("function" | "tool") => Role::User,
            Some(_) => return Err(content.invalid("role", "unknown role: must be user or model")),
        };
        let message = Message::new(role, blocks).at(content.own_path());
        pieces::push(&mut request.messages, Message { extra: content.rest(), ..message });
    }
    request.messages.iter_mut().for_each(|message| pieces::join_thoughts(&mut message.blocks));
    Ok(())
}

/// The blocks of a content.
pub(super) fn parts(content: &mut Fields, ids: &mut Ids) -> Result<Vec<Block>, Invalid> {
    let parts = repeated(content, "parts")?.unwrap_or_default();
    let read = |(at, value)| part::read(value, content.path(&format!("parts[{at}]")), ids);
    parts.into_iter().enumerate().map(read).collect()
}
