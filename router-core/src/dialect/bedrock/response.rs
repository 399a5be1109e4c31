//! A provider's whole answer.

use serde_json::Value;

use super::citation;
use super::model::Model;
use super::usage::read_usage;
use crate::chat::{Block, Body, ChatResponse, Choice, Finish, Media, Signature, Source, Thinking, ToolCall};
use crate::dialect::Invalid;
use crate::dialect::fields::Fields;
use crate::domain::Dialect;

/// Reads an answer whose model is not known: signatures count as Claude's.
///
/// # Errors
/// What is wrong with the document, by its place.
pub fn read_response(body: Value) -> Result<ChatResponse, Invalid> {
    read(body, Dialect::Anthropic)
}

/// Reads an answer of the model with this id.
///
/// # Errors
/// What is wrong with the document, by its place.
pub fn read_response_from(model: &str, body: Value) -> Result<ChatResponse, Invalid> {
    read(body, seal_of(model))
}

/// Whose the seals of this model's thoughts are.
pub(super) fn seal_of(model: &str) -> Dialect {
    if Model::named(model).is_claude() { Dialect::Anthropic } else { Dialect::Bedrock }
}

fn read(body: Value, seal: Dialect) -> Result<ChatResponse, Invalid> {
    let mut fields = Fields::of(body, "")?;
    let mut response = ChatResponse::new(Dialect::Bedrock);
    let mut output = fields.object("output")?.ok_or_else(|| fields.invalid("output", "is missing"))?;
    let mut message = output.object("message")?.ok_or_else(|| output.invalid("message", "is missing"))?;
    let _ = message.take("role");
    let mut choice = Choice::default();
    for (at, block) in message.list("content")?.unwrap_or_default().into_iter().enumerate() {
        let path = format!("{}[{at}]", message.path("content"));
        choice.blocks.push(read_block(block, path, at, seal)?);
    }
    choice.extra = message.rest();
    if let Some(reason) = fields.text("stopReason")? {
        choice.finish = Some(finish(&reason));
    }
    if let Some(mut more) = fields.object("additionalModelResponseFields")? {
        choice.stop_sequence = more.text("stop_sequence")?;
        let rest = more.rest();
        if !rest.is_empty() {
            response.extra.insert("additionalModelResponseFields".into(), rest.into());
        }
    }
    response.usage = fields.take("usage").and_then(read_usage);
    if let Some(mut tier) = fields.object("serviceTier")? {
        response.service_tier = tier.text("type")?;
    }
    response.choices.push(choice);
    response.extra.append(&mut fields.rest());
    Ok(response)
}

/// Why an answer ended. A reason that is new ended it all the same.
pub(super) fn finish(reason: &str) -> Finish {
    match reason {
        "tool_use" => Finish::ToolCalls,
        "max_tokens" => Finish::Length,
        "stop_sequence" => Finish::StopSequence,
        "guardrail_intervened" | "content_filtered" => Finish::Filtered,
        "malformed_model_output" | "malformed_tool_use" => Finish::Malformed,
        "model_context_window_exceeded" => Finish::ContextFull,
        "refusal" => Finish::Refused,
        "pause_turn" => Finish::Paused,
        _ => Finish::Stop,
    }
}

fn read_block(value: Value, path: String, at: usize, seal: Dialect) -> Result<Block, Invalid> {
    let is_hosted = value.pointer("/toolUse/type").is_some_and(|kind| !kind.is_null());
    let known = ["text", "toolUse", "reasoningContent", "citationsContent", "image"];
    let kind = known.into_iter().find(|key| value.get(key).is_some_and(|member| !member.is_null()));
    let mut fields = Fields::of(value, path)?;
    let mut block = match kind {
        Some("text") => Block::text(fields.need_text("text")?),
        Some("toolUse") if !is_hosted => tool_call(&mut fields, at)?,
        Some("reasoningContent") => thoughts(&mut fields, seal)?,
        Some("citationsContent") => cited(&mut fields)?,
        Some("image") => image(&mut fields)?,
        _ => return Ok(Block::new(Body::Foreign { dialect: Dialect::Bedrock, value: fields.into_value() })),
    };
    block.extra.append(&mut fields.rest());
    Ok(block)
}

/// The object at `key`, which is known to be there.
fn inside(fields: &mut Fields, key: &str) -> Result<Fields, Invalid> {
    fields.object(key)?.ok_or_else(|| fields.invalid(key, "is missing"))
}

fn tool_call(fields: &mut Fields, at: usize) -> Result<Block, Invalid> {
    let mut call = inside(fields, "toolUse")?;
    let id = call.text("toolUseId")?.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("tooluse_{at}"));
    let name = call.need_name("name")?;
    let arguments = call.take("input").map_or_else(|| "{}".to_owned(), |input| input.to_string());
    Ok(Block::new(Body::ToolCall(ToolCall { id, name, arguments, custom: false })))
}

fn thoughts(fields: &mut Fields, seal: Dialect) -> Result<Block, Invalid> {
    let mut content = inside(fields, "reasoningContent")?;
    let (thinking, data) = match content.object("reasoningText")? {
        Some(mut shown) => {
            let text = shown.text("text")?.unwrap_or_default();
            (Thinking { text, ..Thinking::default() }, shown.text("signature")?)
        }
        None => (Thinking { redacted: true, ..Thinking::default() }, Some(content.need_text("redactedContent")?)),
    };
    let mut block = Block::new(Body::Thinking(thinking));
    block.signature = data.filter(|data| !data.is_empty()).map(|data| Signature::new(seal, data));
    Ok(block)
}

fn cited(fields: &mut Fields) -> Result<Block, Invalid> {
    let mut content = inside(fields, "citationsContent")?;
    let mut text = String::new();
    for (at, piece) in content.list("content")?.unwrap_or_default().into_iter().enumerate() {
        let mut piece = Fields::of(piece, format!("{}[{at}]", content.path("content")))?;
        text.push_str(&piece.text("text")?.unwrap_or_default());
    }
    let citations = content.list("citations")?.unwrap_or_default();
    let citations = citations.iter().filter_map(|raw| Some(citation::read(&raw.to_string())?.into_owned())).collect();
    Ok(Block::new(Body::Text { text, citations }))
}

fn image(fields: &mut Fields) -> Result<Block, Invalid> {
    let mut image = inside(fields, "image")?;
    let media_type = image.text("format")?.map(|format| format!("image/{format}"));
    let mut source = inside(&mut image, "source")?;
    let source = match source.text("bytes")? {
        Some(bytes) => Source::Base64(bytes),
        None => Source::Url(inside(&mut source, "s3Location")?.need_text("uri")?),
    };
    Ok(Block::new(Body::Image(Media { source, media_type, name: None, detail: None })))
}
