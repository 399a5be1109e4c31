//! Parts → blocks, one for one.

use serde_json::{Map, Value};

use super::super::Invalid;
use super::super::fields::Fields;
use super::ids::Ids;
use super::member::{inner, keep, message, repeated};
use super::{media, pieces, seal};
use crate::chat::{Block, Body, Extra, Media, Site, Source, Thinking, ToolCall, ToolResult};
use crate::dialect::base64;
use crate::domain::Dialect;

/// Says that a result stood under `result`.
pub(super) const RESULT_NOTE: &str = "\0result";

/// Reads the part that stands at `path`.
pub(super) fn read(value: Value, path: impl Into<String>, ids: &mut Ids) -> Result<Block, Invalid> {
    let bare = is_bare(&value);
    let mut fields = message(value, path)?;
    let mut extra = Extra::new();
    let body = if fields.has("text") || bare {
        None
    } else if let Some(blob) = inner(&mut fields, "inlineData")? {
        Some(inline(blob, &mut extra)?)
    } else if let Some(file) = inner(&mut fields, "fileData")? {
        Some(file_data(file, &mut extra)?)
    } else if let Some(call) = inner(&mut fields, "functionCall")? {
        Some(function_call(call, ids, &mut extra)?)
    } else if let Some(result) = inner(&mut fields, "functionResponse")? {
        Some(function_response(result, ids, &mut extra)?)
    } else {
        let site = fields.own_path().to_owned();
        return Ok(Block::new(Body::Foreign { dialect: Dialect::Gemini, value: fields.into_value() }).at(site));
    };
    let signature = fields.text("thoughtSignature")?.map(|field| seal::read(&field));
    let body = match body {
        Some(body) => body,
        None => text_or_thought(&mut fields)?,
    };
    let site = Site::new(fields.own_path());
    extra.extend(fields.rest());
    let mut block = Block { body, cache: None, signature, site, extra };
    if let Body::Thinking(thinking) = &mut block.body {
        let told = std::mem::take(&mut thinking.text);
        pieces::tell(&mut block, told);
    }
    Ok(block)
}

/// Whether a part has a signature and nothing to say. Other parts without text or data that we know belong to tools that
/// Google runs: they are passed on whole.
fn is_bare(part: &Value) -> bool {
    const SIGNATURE: [&str; 2] = ["thoughtSignature", "thought_signature"];
    let Value::Object(members) = part else { return false };
    let known = |key: &String| key == "thought" || SIGNATURE.contains(&key.as_str());
    members.keys().all(known) && SIGNATURE.iter().any(|key| members.contains_key(*key))
}

fn text_or_thought(fields: &mut Fields) -> Result<Body, Invalid> {
    let text = fields.text("text")?;
    if fields.flag("thought")?.unwrap_or_default() {
        let redacted = text.is_none();
        return Ok(Body::Thinking(Thinking { text: text.unwrap_or_default(), summary: Vec::new(), redacted }));
    }
    Ok(Body::Text { text: text.unwrap_or_default(), citations: Vec::new() })
}

fn inline(mut blob: Fields, extra: &mut Extra) -> Result<Body, Invalid> {
    let data = blob.need_text("data")?;
    let source = Source::Base64(base64::standard(&data).into_owned());
    let media = media_of(&mut blob, source)?;
    keep(extra, "inlineData", blob.rest());
    Ok(media::body(media, None))
}

fn file_data(mut file: Fields, extra: &mut Extra) -> Result<Body, Invalid> {
    let address = file.need_text("fileUri")?;
    let uploaded = address.contains("generativelanguage.googleapis.com/") || !address.contains("://");
    let source = if uploaded { Source::File(address.clone()) } else { Source::Url(address.clone()) };
    let media = media_of(&mut file, source)?;
    keep(extra, "fileData", file.rest());
    Ok(media::body(media, Some(&address)))
}

fn media_of(fields: &mut Fields, source: Source) -> Result<Media, Invalid> {
    Ok(Media { source, media_type: fields.text("mimeType")?, name: fields.text("displayName")?, detail: None })
}

fn function_call(mut call: Fields, ids: &mut Ids, extra: &mut Extra) -> Result<Body, Invalid> {
    let name = call.need_name("name")?;
    let id = ids.call(call.text("id")?, &name);
    let arguments = match call.take("args") {
        None => "{}".to_owned(),
        Some(args @ Value::Object(_)) => args.to_string(),
        Some(_) => return Err(call.invalid("args", "must be an object")),
    };
    keep(extra, "functionCall", call.rest());
    Ok(Body::ToolCall(ToolCall { id, name, arguments, custom: false }))
}

fn function_response(mut result: Fields, ids: &mut Ids, extra: &mut Extra) -> Result<Body, Invalid> {
    let name = result.need_text("name")?;
    let id = ids.result(result.text("id")?, &name);
    let (mut content, mut is_error) = (Vec::new(), false);
    match result.take("response") {
        None => {}
        Some(Value::Object(response)) => {
            let (text, failed) = result_text(response, extra);
            content.push(Block::text(text).at(result.path("response")));
            is_error = failed;
        }
        Some(_) => return Err(result.invalid("response", "must be an object")),
    }
    for (at, part) in repeated(&mut result, "parts")?.unwrap_or_default().into_iter().enumerate() {
        content.push(read(part, result.path(&format!("parts[{at}]")), ids)?);
    }
    keep(extra, "functionResponse", result.rest());
    Ok(Body::ToolResult(ToolResult { id, name: Some(name), content, is_error }))
}

/// The text of a result, and whether it is an error. Text alone under `output`, `error` or the `result` of Google's own
/// SDKs is taken out of its object; any other object is passed on as the JSON that it is. The writer does the reverse.
fn result_text(response: Map<String, Value>, extra: &mut Extra) -> (String, bool) {
    let mut members = response.iter();
    if let (Some((key, Value::String(text))), None) = (members.next(), members.next()) {
        match key.as_str() {
            "error" => return (text.clone(), true),
            // Text that reads as an object would not come back as text.
            "output" if !is_object(text) => return (text.clone(), false),
            "result" if !is_object(text) => {
                extra.insert(RESULT_NOTE.to_owned(), true.into());
                return (text.clone(), false);
            }
            _ => {}
        }
    }
    (Value::Object(response).to_string(), false)
}

/// Whether a text is the JSON of an object.
pub(super) fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<Map<String, Value>>(text).is_ok()
}
