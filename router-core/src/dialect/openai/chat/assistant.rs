//! What an assistant said, as it stands in requests and in answers: read.

use serde_json::Value;

use super::media;
use super::merge::keep;
use super::{cite, thought};
use crate::chat::{Block, Body, Extra, Signature, Site, ToolCall};
use crate::dialect::Invalid;
use crate::dialect::fields::Fields;
use crate::domain::Dialect;

/// Takes the blocks of a message: thoughts, text, refusal, pictures, calls. Calls without an id get one that begins
/// with `call_` and `maker`.
pub(super) fn read(fields: &mut Fields, maker: &str) -> Result<Vec<Block>, Invalid> {
    let mut blocks = thought::read(fields)?;
    content(fields, &mut blocks)?;
    if let Some(text) = fields.text("refusal")?.filter(|text| !text.is_empty()) {
        blocks.push(Block::new(Body::Refusal(text)).at(fields.path("refusal")));
    }
    annotations(fields, &mut blocks)?;
    for (at, item) in fields.list("images")?.unwrap_or_default().into_iter().enumerate() {
        let mut block = media::read(item, fields.path(&format!("images[{at}]")))?;
        // Indexes are for those who gather a stream.
        block.extra.shift_remove("index");
        blocks.push(block);
    }
    for (at, item) in fields.list("tool_calls")?.unwrap_or_default().into_iter().enumerate() {
        let path = fields.path(&format!("tool_calls[{at}]"));
        blocks.push(call(item, path, || format!("call_{maker}_{at}"))?);
    }
    if let Some(mut legacy) = fields.object("function_call")? {
        let (name, arguments) = (legacy.need_name("name")?, arguments(&mut legacy, "arguments")?);
        let id = format!("call_{maker}_0");
        let call = Body::ToolCall(ToolCall { id, name, arguments, custom: false });
        blocks.push(Block::new(call).at(legacy.own_path()));
    }
    thought::settle(&mut blocks);
    Ok(blocks)
}

fn content(fields: &mut Fields, blocks: &mut Vec<Block>) -> Result<(), Invalid> {
    match fields.take("content") {
        None => {}
        Some(Value::String(text)) if text.is_empty() => {}
        Some(Value::String(text)) => blocks.push(Block::text(text).at(fields.path("content"))),
        Some(Value::Array(parts)) => {
            for (at, part) in parts.into_iter().enumerate() {
                blocks.push(media::read(part, fields.path(&format!("content[{at}]")))?);
            }
        }
        Some(_) => return Err(fields.invalid("content", "must be a string or an array")),
    }
    Ok(())
}

fn annotations(fields: &mut Fields, blocks: &mut [Block]) -> Result<(), Invalid> {
    let items = fields.list("annotations")?.unwrap_or_default();
    let left = cite::read_all(items, blocks);
    if !left.is_empty() {
        fields.put_back("annotations", left.into());
    }
    Ok(())
}

/// Reads one of `tool_calls`.
fn call(value: Value, path: String, make_id: impl FnOnce() -> String) -> Result<Block, Invalid> {
    let mut fields = Fields::of(value, path)?;
    let kind = fields.text("type")?.unwrap_or_else(|| "function".to_owned());
    let (key, text) = match kind.as_str() {
        "function" => ("function", "arguments"),
        "custom" => ("custom", "input"),
        _ => {
            fields.put_back("type", kind.into());
            let site = fields.own_path().to_owned();
            return Ok(Block::new(Body::Foreign { dialect: Dialect::Openai, value: fields.into_value() }).at(site));
        }
    };
    fields.take("index");
    let id = fields.text("id")?.filter(|id| !id.is_empty()).unwrap_or_else(make_id);
    let mut inner = fields.object(key)?.ok_or_else(|| fields.invalid(key, "is missing: it must be an object"))?;
    let (name, arguments) = (inner.need_name("name")?, arguments(&mut inner, text)?);
    let mut extra = Extra::new();
    let signature = seal(&mut fields, &mut extra)?;
    keep(&mut extra, key, inner.rest());
    let site = Site::new(fields.own_path());
    extra.extend(fields.rest());
    let body = Body::ToolCall(ToolCall { id, name, arguments, custom: key == "custom" });
    Ok(Block { body, cache: None, signature, site, extra })
}

/// Some servers send an object where its text is due.
fn arguments(fields: &mut Fields, key: &str) -> Result<String, Invalid> {
    match fields.take(key) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text),
        Some(object @ Value::Object(_)) => Ok(object.to_string()),
        Some(_) => Err(fields.invalid(key, "must be a string")),
    }
}

/// Takes `extra_content.google.thought_signature`.
fn seal(fields: &mut Fields, extra: &mut Extra) -> Result<Option<Signature>, Invalid> {
    let Some(mut outer) = fields.object("extra_content")? else { return Ok(None) };
    let mut rest = Extra::new();
    let mut seal = None;
    if let Some(mut google) = outer.object("google")? {
        seal = google.text("thought_signature")?;
        keep(&mut rest, "google", google.rest());
    }
    rest.extend(outer.rest());
    keep(extra, "extra_content", rest);
    Ok(seal.map(|seal| Signature::from_field(Dialect::Gemini, &seal)))
}
