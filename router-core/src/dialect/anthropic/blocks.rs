//! Content blocks of requests and answers, as they are read.

use serde_json::{Map, Value};

use super::shape::read_cache;
use super::{citation, media};
use crate::chat::{Block, Body, Extra, Signature, Site, Thinking, ToolCall, ToolResult};
use crate::dialect::Invalid;
use crate::dialect::fields::Fields;
use crate::domain::Dialect;

/// Takes a member that is a text or an array of blocks; an absent one has no blocks.
pub(super) fn read_content(fields: &mut Fields, key: &str) -> Result<Vec<Block>, Invalid> {
    let path = fields.path(key);
    match fields.take(key) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![Block::text(text).at(path)]),
        Some(Value::Array(items)) => {
            let blocks = items.into_iter().enumerate().map(|(at, item)| read_block(item, format!("{path}[{at}]")));
            blocks.collect::<Result<Vec<_>, _>>().map(unwrap_signatures)
        }
        Some(_) => Err(Invalid::at(path, "must be a string or an array of content blocks")),
    }
}

/// How a carried signature says that it belongs to the block before it. A stream learns of a text's when the text is told.
pub(super) const BEFORE: &str = "prev";

/// Takes empty thoughts that only carry Gemini's signature of the block after them, or before them, and puts it there.
fn unwrap_signatures(blocks: Vec<Block>) -> Vec<Block> {
    if !blocks.iter().any(only_carries) {
        return blocks;
    }
    let mut unwrapped: Vec<Block> = Vec::with_capacity(blocks.len());
    for mut block in blocks {
        if let Some(seal) =
            block.signature.take_if(|seal| seal.origin == Dialect::Gemini && seal.id.as_deref() == Some(BEFORE))
        {
            // Without its text it is good for nothing.
            if let Some(text) = unwrapped.last_mut().filter(|last| last.as_text().is_some() && last.signature.is_none())
            {
                text.signature = Some(Signature { id: None, ..seal });
            }
            continue;
        }
        if !only_carries(&block)
            && let Some(carrier) = unwrapped.pop_if(|last| only_carries(last))
            && block.signature.is_none()
        {
            block.signature = carrier.signature;
        } else if only_carries(&block) {
            unwrapped.pop_if(|last| only_carries(last));
        }
        unwrapped.push(block);
    }
    unwrapped
}

fn only_carries(block: &Block) -> bool {
    let is_empty = matches!(&block.body, Body::Thinking(thinking) if thinking.text.is_empty() && !thinking.redacted);
    is_empty && block.signature_of(Dialect::Gemini).is_some()
}

fn read_block(value: Value, path: String) -> Result<Block, Invalid> {
    let opaque = media::is_opaque(&value);
    let mut fields = Fields::of(value, path)?;
    let kind = match fields.peek_text("type") {
        Some("image" | "document") if opaque => "",
        Some("text") => "text",
        Some("image") => "image",
        Some("document") => "document",
        Some("thinking") => "thinking",
        Some("redacted_thinking") => "redacted_thinking",
        Some("tool_use") => "tool_use",
        Some("tool_result") => "tool_result",
        Some(_) => "",
        None => return Err(fields.invalid("type", "is missing: it must be a string")),
    };
    if kind.is_empty() {
        let site = fields.own_path().to_owned();
        return Ok(Block::new(Body::Foreign { dialect: Dialect::Anthropic, value: fields.into_value() }).at(site));
    }
    fields.take("type");
    let mut extra = Extra::new();
    let cache = read_cache(&mut fields, &mut extra)?;
    let mut signature = None;
    let body = match kind {
        "text" => read_text(&mut fields)?,
        "image" => Body::Image(media::read(&mut fields, &mut extra)?),
        "document" => Body::Document(media::read(&mut fields, &mut extra)?),
        "tool_use" => read_call(&mut fields)?,
        "tool_result" => read_result(&mut fields)?,
        _ => {
            let redacted = kind == "redacted_thinking";
            let seal = fields.text(if redacted { "data" } else { "signature" })?.filter(|seal| !seal.is_empty());
            signature = seal.map(|seal| Signature::from_field(Dialect::Anthropic, &seal));
            let text = fields.text("thinking")?.unwrap_or_default();
            Body::Thinking(thought(text, redacted, signature.as_ref()))
        }
    };
    let site = Site::new(fields.own_path());
    extra.append(&mut fields.rest());
    Ok(Block { body, cache, signature, site, extra })
}

/// Thoughts. What OpenAI shows of an item that it sealed is a summary.
fn thought(text: String, redacted: bool, seal: Option<&Signature>) -> Thinking {
    let is_item = seal.is_some_and(|seal| seal.origin == Dialect::Responses);
    if is_item && !text.is_empty() {
        return Thinking { summary: vec![text], redacted, ..Thinking::default() };
    }
    Thinking { text, redacted, ..Thinking::default() }
}

fn read_text(fields: &mut Fields) -> Result<Body, Invalid> {
    let text = fields.need_text("text")?;
    let path = fields.path("citations");
    let citations = citation::read_all(fields.list("citations")?.unwrap_or_default(), &path)?;
    Ok(Body::Text { text, citations })
}

fn read_call(fields: &mut Fields) -> Result<Body, Invalid> {
    let id = fields.need_text("id")?;
    if id.is_empty() {
        return Err(fields.invalid("id", "must not be empty"));
    }
    let name = fields.need_name("name")?;
    let arguments = match fields.take("input") {
        None => "{}".to_owned(),
        Some(input @ Value::Object(_)) => input.to_string(),
        Some(_) => return Err(fields.invalid("input", "must be an object")),
    };
    Ok(Body::ToolCall(ToolCall { id, name, arguments, custom: false }))
}

fn read_result(fields: &mut Fields) -> Result<Body, Invalid> {
    let id = fields.need_text("tool_use_id")?;
    let content = read_content(fields, "content")?;
    let is_error = fields.flag("is_error")?.unwrap_or(false);
    Ok(Body::ToolResult(ToolResult { id, name: None, content, is_error }))
}

/// A call's arguments as the API wants them: an object.
pub(super) fn input_of(call: &ToolCall) -> Option<Value> {
    if call.custom {
        return Some(Value::Object(Map::from_iter([("input".to_owned(), call.arguments.clone().into())])));
    }
    if call.arguments.trim().is_empty() {
        return Some(Value::Object(Map::new()));
    }
    serde_json::from_str(&call.arguments).ok().filter(Value::is_object)
}
