//! Messages of a request: read.

use serde_json::Value;

use super::{assistant, media};
use crate::chat::{Block, Body, Message, Role, Site, ToolResult};
use crate::dialect::Invalid;
use crate::dialect::fields::Fields;

/// Takes `messages`.
pub(super) fn read(fields: &mut Fields) -> Result<Vec<Message>, Invalid> {
    let items =
        fields.list("messages")?.ok_or_else(|| fields.invalid("messages", "is missing: it must be an array"))?;
    let mut messages = Vec::with_capacity(items.len());
    for (at, item) in items.into_iter().enumerate() {
        let message = message(item, at, &messages)?;
        messages.push(message);
    }
    Ok(messages)
}

fn message(value: Value, at: usize, before: &[Message]) -> Result<Message, Invalid> {
    let mut fields = Fields::of(value, format!("messages[{at}]"))?;
    let role = fields.need_text("role")?;
    let role = match role.as_str() {
        "system" => Role::System,
        "developer" => Role::Developer,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" | "function" => return result(fields, role == "tool", before),
        other => {
            let what = format!("unknown role {other:?}: it must be system, developer, user, assistant or tool");
            return Err(fields.invalid("role", what));
        }
    };
    let name = fields.text("name")?;
    let blocks = match role {
        Role::Assistant => assistant::read(&mut fields, &at.to_string())?,
        _ => content(&mut fields)?,
    };
    let site = Site::new(fields.own_path());
    Ok(Message { role, blocks, name, site, extra: fields.rest() })
}

/// Takes `content`, which must be there.
fn content(fields: &mut Fields) -> Result<Vec<Block>, Invalid> {
    match fields.take("content") {
        None => Err(fields.invalid("content", "is missing: it must be a string or an array")),
        Some(Value::String(text)) => Ok(vec![Block::text(text).at(fields.path("content"))]),
        Some(Value::Array(parts)) => {
            let parts = parts.into_iter().enumerate();
            parts.map(|(at, part)| media::read(part, fields.path(&format!("content[{at}]")))).collect()
        }
        Some(_) => Err(fields.invalid("content", "must be a string or an array")),
    }
}

/// A message of a tool. The older role `function` names the function, and means its latest call without a result.
fn result(mut fields: Fields, modern: bool, before: &[Message]) -> Result<Message, Invalid> {
    let (id, name) = if modern {
        (fields.need_text("tool_call_id")?, fields.text("name")?)
    } else {
        let name = fields.need_text("name")?;
        let id = open_call(before, &name).ok_or_else(|| fields.invalid("name", "no call of it came before"))?;
        (id, Some(name))
    };
    let cache = media::read_cache(&mut fields);
    let content = if modern || fields.has("content") { content_of_result(&mut fields)? } else { Vec::new() };
    let body = Body::ToolResult(ToolResult { id, name, content, is_error: false });
    let blocks = vec![Block { cache, ..Block::new(body) }.at(fields.own_path())];
    let message = Message::new(Role::Tool, blocks).at(fields.own_path());
    Ok(Message { extra: fields.rest(), ..message })
}

fn content_of_result(fields: &mut Fields) -> Result<Vec<Block>, Invalid> {
    let blocks = content(fields)?;
    let nothing = matches!(blocks.as_slice(), [block] if block.as_text() == Some("") && block.extra.is_empty());
    Ok(if nothing { Vec::new() } else { blocks })
}

fn open_call(before: &[Message], name: &str) -> Option<String> {
    let blocks = || before.iter().flat_map(|message| &message.blocks);
    let answered = |id: &str| blocks().any(|block| matches!(&block.body, Body::ToolResult(result) if result.id == id));
    let mut calls = blocks().filter_map(|block| match &block.body {
        Body::ToolCall(call) if call.name == name => Some(&call.id),
        _ => None,
    });
    calls.rfind(|id| !answered(id)).cloned()
}
