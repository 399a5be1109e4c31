//! Parts of a message that are text, pictures, sound, films and files, both ways.

use serde_json::{Map, Value, json};

use super::merge::{keep, object};
use crate::chat::{Block, Body, CacheMark, Extra, Media, Site, Source};
use crate::dialect::Invalid;
use crate::dialect::fields::Fields;
use crate::domain::Dialect;

/// OpenAI's own mark of a cached prefix. Its times are not those of others, so it is kept as it is beside the mark.
pub(super) const BREAKPOINT: &str = "prompt_cache_breakpoint";

/// Reads one part of a message's content.
pub(super) fn read(value: Value, path: String) -> Result<Block, Invalid> {
    let mut fields = Fields::of(value, path)?;
    let kind = fields.need_text("type")?;
    let mut extra = Extra::new();
    let body = match kind.as_str() {
        "text" => Body::Text { text: fields.need_text("text")?, citations: Vec::new() },
        "refusal" => Body::Refusal(fields.need_text("refusal")?),
        "image_url" | "video_url" => {
            let media = address(&mut fields, &kind, &mut extra)?;
            if kind == "image_url" { Body::Image(media) } else { Body::Video(media) }
        }
        "input_audio" => Body::Audio(audio(&mut fields, &mut extra)?),
        "file" => Body::Document(file(&mut fields, &mut extra)?),
        _ => {
            fields.put_back("type", kind.into());
            let site = fields.own_path().to_owned();
            return Ok(Block::new(Body::Foreign { dialect: Dialect::Openai, value: fields.into_value() }).at(site));
        }
    };
    let cache = read_cache(&mut fields);
    let site = Site::new(fields.own_path());
    extra.extend(fields.rest());
    Ok(Block { body, cache, signature: None, site, extra })
}

/// A picture or film behind an address, which may hold it: `{"url": …}`, or just the address.
fn address(fields: &mut Fields, key: &str, extra: &mut Extra) -> Result<Media, Invalid> {
    if let Some(url) = fields.peek_text(key).map(str::to_owned) {
        fields.take(key);
        return Ok(from_url(url, None));
    }
    let mut inner = fields.object(key)?.ok_or_else(|| fields.invalid(key, "is missing: it must be an object"))?;
    let media = from_url(inner.need_text("url")?, inner.text("detail")?);
    keep(extra, key, inner.rest());
    Ok(media)
}

/// What an address leads to, or holds if it is a data URL.
pub(super) fn from_url(url: String, detail: Option<String>) -> Media {
    let (source, media_type) = match data_url(&url) {
        Some((media_type, data)) => (Source::Base64(data.to_owned()), media_type.map(str::to_owned)),
        None => (Source::Url(url), None),
    };
    Media { source, media_type, name: None, detail }
}

fn data_url(url: &str) -> Option<(Option<&str>, &str)> {
    let (media_type, data) = url.strip_prefix("data:")?.split_once(";base64,")?;
    Some((Some(media_type).filter(|media_type| !media_type.is_empty()), data))
}

fn audio(fields: &mut Fields, extra: &mut Extra) -> Result<Media, Invalid> {
    let mut inner = fields.object("input_audio")?.ok_or_else(|| fields.invalid("input_audio", "is missing"))?;
    let source = Source::Base64(inner.need_text("data")?);
    let media_type = inner.text("format")?.map(|format| match format.as_str() {
        "mp3" => "audio/mpeg".to_owned(),
        other => format!("audio/{other}"),
    });
    keep(extra, "input_audio", inner.rest());
    Ok(Media { source, media_type, name: None, detail: None })
}

fn file(fields: &mut Fields, extra: &mut Extra) -> Result<Media, Invalid> {
    let mut inner = fields.object("file")?.ok_or_else(|| fields.invalid("file", "is missing: it must be an object"))?;
    let mut media = if let Some(data) = inner.text("file_data")? {
        if data.starts_with("data:") || data.starts_with("http") {
            from_url(data, None)
        } else {
            Media { source: Source::Base64(data), media_type: None, name: None, detail: None }
        }
    } else if let Some(id) = inner.text("file_id")? {
        Media { source: Source::File(id), media_type: None, name: None, detail: None }
    } else {
        return Err(inner.invalid("file_data", "is missing: send that or file_id"));
    };
    media.name = inner.text("filename")?;
    keep(extra, "file", inner.rest());
    Ok(media)
}

/// Takes the mark that a prompt cache may end here: OpenAI's, which stays besides, or the one that compatible gateways
/// take for Anthropic.
pub(super) fn read_cache(fields: &mut Fields) -> Option<CacheMark> {
    if let Some(breakpoint) = fields.take(BREAKPOINT) {
        let long = breakpoint.get("ttl").and_then(Value::as_str) == Some("12h");
        fields.put_back(BREAKPOINT, breakpoint);
        return Some(CacheMark { ttl: long.then(|| "1h".to_owned()) });
    }
    let mark = fields.take("cache_control")?;
    let known = |(key, value): (&String, &Value)| matches!(key.as_str(), "type" | "ttl") && value.is_string();
    if mark.get("type").and_then(Value::as_str) == Some("ephemeral")
        && mark.as_object().is_some_and(|members| members.iter().all(known))
    {
        return Some(CacheMark { ttl: mark.get("ttl").and_then(Value::as_str).map(str::to_owned) });
    }
    fields.put_back("cache_control", mark);
    None
}

/// The mark as compatible gateways take it.
pub(super) fn write_cache(mark: &CacheMark) -> Value {
    let mut value = json!({"type": "ephemeral"});
    if let Some(ttl) = &mark.ttl {
        value["ttl"] = ttl.as_str().into();
    }
    value
}

/// Writes a part; `None` if the API has no such part. With `own`, the block came in this dialect and says what it may.
pub(super) fn write(block: &Block, own: bool) -> Option<Map<String, Value>> {
    let part = |kind: &str, inner: Value| object([("type", kind.into()), (kind, inner)]);
    match &block.body {
        Body::Text { text, .. } => Some(part("text", text.as_str().into())),
        Body::Refusal(text) if own => Some(part("refusal", text.as_str().into())),
        Body::Image(media) => Some(part("image_url", write_address(media)?)),
        Body::Video(media) if own => Some(part("video_url", write_address(media)?)),
        Body::Audio(media) => Some(part("input_audio", write_audio(media, own)?)),
        Body::Document(Media { source: Source::Text(text), name, .. }) => {
            let text = name.as_ref().map_or_else(|| text.clone(), |name| format!("{name}\n\n{text}"));
            Some(part("text", text.into()))
        }
        Body::Document(media) => Some(part("file", write_file(media, own)?)),
        Body::Foreign { dialect: Dialect::Openai, value: Value::Object(members) } => Some(members.clone()),
        _ => None,
    }
}

fn write_address(media: &Media) -> Option<Value> {
    let mut inner = object([("url", to_url(media)?.into())]);
    super::format::put(&mut inner, "detail", media.detail.as_deref());
    Some(Value::Object(inner))
}

/// An address of the media, or one that holds it.
pub(super) fn to_url(media: &Media) -> Option<String> {
    match &media.source {
        Source::Url(url) => Some(url.clone()),
        Source::Base64(data) => {
            let media_type = media.media_type.as_deref().or_else(|| sniff(data)).unwrap_or_default();
            Some(format!("data:{media_type};base64,{data}"))
        }
        Source::Text(_) | Source::File(_) => None,
    }
}

fn write_audio(media: &Media, own: bool) -> Option<Value> {
    let Source::Base64(data) = &media.source else { return None };
    let media_type = media.media_type.as_deref().or_else(|| if own { None } else { sniff(data) });
    let format = match media_type.map(|media_type| media_type.strip_prefix("audio/").unwrap_or(media_type)) {
        Some("wav" | "x-wav" | "wave" | "vnd.wave") => Some("wav"),
        Some("mpeg" | "mp3") => Some("mp3"),
        other => other,
    };
    if !own && !matches!(format, Some("wav" | "mp3")) {
        return None;
    }
    let mut inner = object([("data", data.as_str().into())]);
    super::format::put(&mut inner, "format", format);
    Some(Value::Object(inner))
}

fn write_file(media: &Media, own: bool) -> Option<Value> {
    let mut inner = match &media.source {
        Source::File(id) if own => object([("file_id", id.as_str().into())]),
        Source::Url(url) if own => object([("file_data", url.as_str().into())]),
        Source::Base64(data) if own && media.media_type.is_none() => object([("file_data", data.as_str().into())]),
        Source::Base64(data) => {
            let media_type = media.media_type.as_deref().unwrap_or("application/pdf");
            object([("file_data", format!("data:{media_type};base64,{data}").into())])
        }
        // Files of another provider, and addresses, which this API does not fetch.
        Source::File(_) | Source::Url(_) | Source::Text(_) => return None,
    };
    let name = media.name.as_deref().or(if own { None } else { Some("document.pdf") });
    super::format::put(&mut inner, "filename", name);
    Some(Value::Object(inner))
}

/// The MIME type that the first bytes tell, in base64.
fn sniff(data: &str) -> Option<&'static str> {
    const MAGIC: [(&str, &str); 7] = [
        ("iVBORw0KGgo", "image/png"),
        ("/9j/", "image/jpeg"),
        ("R0lGOD", "image/gif"),
        ("SUQz", "audio/mpeg"),
        ("//uQ", "audio/mpeg"),
        ("JVBERi", "application/pdf"),
        ("UklGR", "audio/wav"),
    ];
    // A WebP is a RIFF too: it says so from its ninth byte on.
    if data.starts_with("UklGR") && data.get(12..16) == Some("RUJQ") {
        return Some("image/webp");
    }
    MAGIC.iter().find(|(magic, _)| data.starts_with(magic)).map(|(_, media_type)| *media_type)
}
