//! The blocks of a message.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::conversation::Writer;
use super::media;
use crate::chat::{Block, Body, CacheMark, Citation, Extra, Media, Thinking, ToolCall, ToolResult};
use crate::dialect::Invalid;
use crate::dialect::{base64, cite};
use crate::domain::Dialect;

/// The longest id of a call.
const ID_BYTES_MAX: usize = 64;

/// Where a block stands in the caller's request.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) message: usize,
    pub(super) block: usize,
    /// Calls of the same message before it.
    pub(super) calls: usize,
}

impl Place {
    fn at(self, member: &str) -> String {
        format!("messages[{}].content[{}].{member}", self.message, self.block)
    }
}

/// Appends what a block is in Converse: nothing, a block, or a block and a point where the cache may end.
pub(super) fn write(
    writer: &mut Writer<'_, '_>,
    block: &Block,
    place: Place,
    out: &mut Vec<Value>,
) -> Result<(), Invalid> {
    let before = out.len();
    let mut known = &[][..];
    match &block.body {
        Body::Text { text: words, citations } => text(writer, words, citations, place, out),
        Body::Refusal(words) => {
            writer.losses.add(place.at("refusal"));
            text(writer, words, &[], place, out);
        }
        Body::Image(..) | Body::Audio(..) | Body::Video(..) => out.push(or_note(writer, block, &place.at(""))),
        Body::Document(..) => {
            known = &["citations", "context"];
            out.push(or_note(writer, block, &place.at("")));
        }
        Body::Thinking(thinking) => thoughts(writer, block, thinking, place, out),
        Body::ToolCall(call) => out.push(tool_call(call, place)?),
        Body::ToolResult(result) => out.push(tool_result(writer, result, place)),
        Body::Foreign { dialect: Dialect::Bedrock, value } => out.push(value.clone()),
        Body::Foreign { value, .. } => {
            let kind = value.get("type").and_then(Value::as_str).unwrap_or(block.kind());
            writer.losses.add(place.at(kind));
        }
    }
    let sealed = block.signature.is_some() && !matches!(block.body, Body::Thinking(_));
    writer.losses.add_if(sealed, place.at("signature"));
    if let Some(Value::Object(written)) = out[before..].first_mut() {
        writer.extras(written, &block.extra, known, |key| place.at(key));
    }
    if let Some(mark) = cache_mark(block) {
        let point = if out.len() > before { writer.cache_point(mark, writer.model.caches_messages()) } else { None };
        writer.losses.add_if(point.is_none(), place.at("cache_control"));
        out.extend(point);
    }
    Ok(())
}

/// The mark of a block, or of something inside of it: Converse marks whole results only.
fn cache_mark(block: &Block) -> Option<&CacheMark> {
    let inner = match &block.body {
        Body::ToolResult(result) => result.content.iter().find_map(|block| block.cache.as_ref()),
        _ => None,
    };
    block.cache.as_ref().or(inner)
}

fn text(writer: &mut Writer<'_, '_>, text: &str, citations: &[Citation<'_>], place: Place, out: &mut Vec<Value>) {
    if text.trim().is_empty() {
        return;
    }
    let own = citations.iter().all(|citation| citation.dialect == Dialect::Bedrock);
    if own && !citations.is_empty() {
        let citations: Vec<_> = citations.iter().map(cite::own).collect();
        out.push(json!({"citationsContent": {"content": [{"text": text}], "citations": citations}}));
    } else {
        writer.losses.add_if(!own, place.at("citations"));
        out.push(json!({"text": text}));
    }
}

/// Something that is not text, or a note in its place. `at` is where it stands, ending in a dot.
fn or_note(writer: &mut Writer<'_, '_>, block: &Block, at: &str) -> Value {
    let written = match &block.body {
        Body::Image(media) => media::image(media).map(|image| json!({"image": image})),
        Body::Audio(media) => media::audio(media).map(|audio| json!({"audio": audio})),
        Body::Video(media) => media::video(media).map(|video| json!({"video": video})),
        Body::Document(media) => document(writer, media, &block.extra),
        _ => None,
    };
    if let Body::Image(Media { detail: Some(detail), .. }) = &block.body {
        writer.losses.add_if(detail != "auto", format!("{at}detail"));
    }
    written.unwrap_or_else(|| {
        writer.losses.add(format!("{at}{}", block.kind()));
        json!({"text": format!("[{}]", block.kind())})
    })
}

/// A document may ask for citations and tell its context: Anthropic has both by the same names.
fn document(writer: &mut Writer<'_, '_>, media: &Media, extra: &Extra) -> Option<Value> {
    let mut document = media::document(media, &mut writer.documents)?;
    for (key, value) in extra.iter().filter(|(key, _)| ["citations", "context"].contains(&key.as_str())) {
        document.insert(key.clone(), value.clone());
    }
    Some(json!({"document": document}))
}

fn thoughts(writer: &mut Writer<'_, '_>, block: &Block, thinking: &Thinking, place: Place, out: &mut Vec<Value>) {
    let origin = if writer.model.is_claude() { Dialect::Anthropic } else { Dialect::Bedrock };
    match block.signature_of(origin) {
        Some(seal) if !thinking.redacted => {
            let text = json!({"text": thinking.text, "signature": seal.data});
            out.push(json!({"reasoningContent": {"reasoningText": text}}));
        }
        Some(seal) if base64::is_blob(&seal.data) => {
            out.push(json!({"reasoningContent": {"redactedContent": seal.data}}));
        }
        // Only Claude wants its thoughts back; others would refuse them.
        _ => {
            let lost = writer.model.is_claude() || block.signature.is_some();
            writer.losses.add_if(lost, place.at("thinking"));
        }
    }
}

fn tool_call(call: &ToolCall, place: Place) -> Result<Value, Invalid> {
    let input = if call.custom {
        json!({"input": call.arguments})
    } else if call.arguments.trim().is_empty() {
        json!({})
    } else {
        let read = serde_json::from_str(&call.arguments).ok().filter(Value::is_object);
        read.ok_or_else(|| {
            let path = format!("messages[{}].tool_calls[{}].function.arguments", place.message, place.calls);
            Invalid::at(path, "must be the text of a JSON object")
        })?
    };
    Ok(json!({"toolUse": {"toolUseId": call_id(&call.id), "name": call.name, "input": input}}))
}

/// An id that the API takes: letters, digits, `_` and `-`, 64 at most. Others are told apart by a digest.
fn call_id(id: &str) -> String {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(fits) {
        return id.to_owned();
    }
    let digest = Sha256::digest(id.as_bytes());
    digest.iter().take(16).fold("call_".to_owned(), |id, byte| format!("{id}{byte:02x}"))
}

fn tool_result(writer: &mut Writer<'_, '_>, result: &ToolResult, place: Place) -> Value {
    let mut content = Vec::new();
    for (at, block) in result.content.iter().enumerate() {
        let inside = format!("{}[{at}].", place.at("content"));
        result_part(writer, block, &inside, &mut content);
    }
    if content.is_empty() {
        content.push(json!({"json": {}}));
    }
    let mut written = Map::new();
    written.insert("toolUseId".into(), call_id(&result.id).into());
    written.insert("content".into(), content.into());
    if result.is_error && writer.model.knows_result_status() {
        written.insert("status".into(), "error".into());
    } else {
        writer.losses.add_if(result.is_error, place.at("is_error"));
    }
    json!({"toolResult": written})
}

fn result_part(writer: &mut Writer<'_, '_>, block: &Block, at: &str, out: &mut Vec<Value>) {
    let before = out.len();
    match &block.body {
        Body::Text { text, citations } => {
            writer.losses.add_if(!citations.is_empty(), format!("{at}citations"));
            if !text.trim().is_empty() {
                out.push(json!({"text": text}));
            }
        }
        Body::Image(_) | Body::Video(_) | Body::Document(_) => out.push(or_note(writer, block, at)),
        Body::Audio(_) => {
            writer.losses.add(format!("{at}audio"));
            out.push(json!({"text": "[audio]"}));
        }
        Body::Foreign { dialect: Dialect::Bedrock, value } => out.push(value.clone()),
        Body::Refusal(_) | Body::Thinking(_) | Body::ToolCall(_) | Body::ToolResult(_) | Body::Foreign { .. } => {
            writer.losses.add(format!("{at}{}", block.kind()));
        }
    }
    let known = if matches!(block.body, Body::Document(_)) { &["citations", "context"][..] } else { &[] };
    if let Some(Value::Object(written)) = out[before..].first_mut() {
        writer.extras(written, &block.extra, known, |key| format!("{at}{key}"));
    }
}
