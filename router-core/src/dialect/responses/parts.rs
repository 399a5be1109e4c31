//! A message's content → blocks.

use serde_json::Value;

use super::super::Invalid;
use super::super::fields::Fields;
use super::{cite, note};
use crate::chat::{Block, Body, CacheMark, Citation, Extra, Media, Source};
use crate::domain::Dialect;

/// Reads content: a text, or an array of parts.
pub(super) fn read(content: Value, path: &str) -> Result<Vec<Block>, Invalid> {
    match content {
        Value::String(text) => Ok(vec![Block::text(text).at(path)]),
        Value::Array(parts) => {
            let parts = parts.into_iter().enumerate();
            let site = |at: usize| format!("{path}[{at}]");
            parts.map(|(at, value)| Ok(part(value, site(at))?.at(site(at)))).collect()
        }
        _ => Err(Invalid::at(path, "must be a string or an array of parts")),
    }
}

fn part(value: Value, path: String) -> Result<Block, Invalid> {
    let mut fields = Fields::of(value, path)?;
    let body = match fields.peek_text("type") {
        Some("input_text" | "output_text") => text(&mut fields)?,
        Some("refusal") => Body::Refusal(fields.need_text("refusal")?),
        Some("input_image") => Body::Image(image(&mut fields)?),
        Some("input_file") => Body::Document(file(&mut fields)?),
        Some("input_audio") => Body::Audio(audio(&mut fields)?),
        Some(_) => {
            let mut block = Block::new(Body::Foreign { dialect: Dialect::Responses, value: fields.into_value() });
            block.extra.insert(note::PART.to_owned(), Value::Bool(true));
            return Ok(block);
        }
        None => return Err(fields.invalid("type", "is missing: it must be a string such as \"input_text\"")),
    };
    fields.take("type");
    let mut block = Block::new(body);
    let mark = fields.take("prompt_cache_breakpoint");
    block.extra = fields.rest();
    block.extra.retain(|key, value| !(key == "logprobs" && is_empty(value)));
    if let Some(mark) = mark {
        // Whoever else has such marks knows minutes or an hour; what is kept for longer than minutes is an hour to them.
        let ttl = mark.get("ttl").is_some().then(|| "1h".to_owned());
        block.cache = Some(CacheMark { ttl });
        block.extra.insert(note::CACHE.to_owned(), mark);
    }
    Ok(block)
}

fn text(fields: &mut Fields) -> Result<Body, Invalid> {
    let text = fields.need_text("text")?;
    let annotations = fields.list("annotations")?.unwrap_or_default();
    Ok(Body::Text { text, citations: annotations.iter().map(citation).collect() })
}

fn citation(raw: &Value) -> Citation<'static> {
    cite::read(&raw.to_string()).into_owned()
}

fn image(fields: &mut Fields) -> Result<Media, Invalid> {
    let detail = fields.text("detail")?;
    let (source, media_type) = match (fields.text("image_url")?, fields.text("file_id")?) {
        (Some(url), None) => at_url(url),
        (None, Some(file)) => (Source::File(file), None),
        _ => return Err(fields.invalid("image_url", "exactly one of image_url and file_id must be there")),
    };
    Ok(Media { source, media_type, name: None, detail })
}

fn file(fields: &mut Fields) -> Result<Media, Invalid> {
    let (name, detail) = (fields.text("filename")?, fields.text("detail")?);
    let sources = (fields.text("file_data")?, fields.text("file_url")?, fields.text("file_id")?);
    let (source, media_type) = match sources {
        (Some(data), None, None) => match at_url(data) {
            // Without the head of a data URL it is base64 all the same.
            (Source::Url(data), _) => (Source::Base64(data), None),
            parsed => parsed,
        },
        (None, Some(url), None) => (Source::Url(url), None),
        (None, None, Some(file)) => (Source::File(file), None),
        _ => return Err(fields.invalid("file_data", "exactly one of file_data, file_url and file_id must be there")),
    };
    Ok(Media { source, media_type, name, detail })
}

/// An address, or what a data URL holds.
fn at_url(url: String) -> (Source, Option<String>) {
    let head = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    match head {
        Some((media_type, data)) if !media_type.is_empty() && !media_type.contains(';') => {
            (Source::Base64(data.to_owned()), Some(media_type.to_owned()))
        }
        _ => (Source::Url(url), None),
    }
}

fn audio(fields: &mut Fields) -> Result<Media, Invalid> {
    let mut audio = fields.object("input_audio")?.ok_or_else(|| fields.invalid("input_audio", "must be an object"))?;
    let (data, format) = (audio.need_text("data")?, audio.need_text("format")?);
    Ok(Media { source: Source::Base64(data), media_type: Some(format!("audio/{format}")), name: None, detail: None })
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

/// Takes the probabilities of tokens out of what a text part did not know.
pub(super) fn take_logprobs(extra: &mut Extra) -> Option<Vec<Value>> {
    match extra.get_mut("logprobs") {
        Some(Value::Array(tokens)) => {
            let tokens = std::mem::take(tokens);
            extra.shift_remove("logprobs");
            Some(tokens)
        }
        _ => None,
    }
}
