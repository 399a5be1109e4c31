//! Pictures and documents.

use serde_json::{Value, json};

use super::shape::keep_rest;
use crate::chat::{Extra, Media, Source};
use crate::dialect::Invalid;
use crate::dialect::fields::Fields;

const IMAGE_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];
const PDF: &str = "application/pdf";
const PLAIN: &str = "text/plain";

/// Whether a block's `source` is of a form that the common model has no words for: an unknown one, or a document made
/// of more than texts.
pub(super) fn is_opaque(block: &Value) -> bool {
    let Some(source) = block.get("source") else { return false };
    match source.get("type").and_then(Value::as_str) {
        None | Some("base64" | "url" | "file" | "text") => false,
        Some("content") => match source.get("content") {
            Some(Value::Array(parts)) => !parts.iter().all(|part| text_of(part).is_some()),
            _ => false,
        },
        Some(_) => true,
    }
}

fn text_of(part: &Value) -> Option<&str> {
    (part.get("type")? == "text").then(|| part.get("text")?.as_str())?
}

/// Takes a block's `source` and what names it.
pub(super) fn read(fields: &mut Fields, extra: &mut Extra) -> Result<Media, Invalid> {
    let Some(value) = fields.take("source") else {
        return Err(fields.invalid("source", "is missing: it must be an object"));
    };
    let whole = value.clone();
    let mut source = Fields::of(value, fields.path("source"))?;
    let kind = source.need_text("type")?;
    let media_type = source.text("media_type")?;
    let bytes = match kind.as_str() {
        "base64" => Source::Base64(source.need_text("data")?),
        "text" => Source::Text(source.need_text("data")?),
        "url" => Source::Url(source.need_text("url")?),
        "file" => Source::File(source.need_text("file_id")?),
        _ => {
            // The parts are told apart in citations, so they must come back as they were.
            extra.insert("source".to_owned(), whole);
            Source::Text(parts(&mut source)?)
        }
    };
    if kind != "content" {
        keep_rest(extra, "source", source);
    }
    Ok(Media { source: bytes, media_type, name: fields.text("title")?, detail: None })
}

/// The text of a document that is given in parts.
fn parts(source: &mut Fields) -> Result<String, Invalid> {
    match source.take("content") {
        Some(Value::String(text)) => Ok(text),
        Some(Value::Array(parts)) => Ok(parts.iter().filter_map(text_of).collect::<Vec<_>>().join("\n\n")),
        _ => Err(source.invalid("content", "must be a string or an array of content blocks")),
    }
}

/// The `source` of a picture; `None` if the API takes no such picture.
pub(super) fn write_image(media: &Media, own: bool) -> Option<Value> {
    let source = match &media.source {
        Source::Base64(data) => {
            let named = media.media_type.as_deref().map(|name| if name == "image/jpg" { "image/jpeg" } else { name });
            let media_type = named.or_else(|| sniffed(data))?;
            if !own && !IMAGE_TYPES.contains(&media_type) {
                return None;
            }
            json!({"type": "base64", "media_type": media_type, "data": data})
        }
        Source::Url(url) => json!({"type": "url", "url": url}),
        Source::File(id) if own => json!({"type": "file", "file_id": id}),
        Source::File(_) | Source::Text(_) => return None,
    };
    Some(source)
}

/// The `source` of a document; `None` if the API takes no such document.
pub(super) fn write_document(media: &Media, own: bool, extra: &Extra) -> Option<Value> {
    if let Some(whole) = extra.get("source").filter(|source| own && source["type"] == "content") {
        return Some(whole.clone());
    }
    let media_type = media.media_type.as_deref();
    let source = match &media.source {
        Source::Text(text) => text_source(media_type.filter(|_| own).unwrap_or(PLAIN), text),
        Source::Url(url) => json!({"type": "url", "url": url}),
        Source::File(id) if own => json!({"type": "file", "file_id": id}),
        Source::File(_) => return None,
        Source::Base64(data) if own => {
            json!({"type": "base64", "media_type": media_type.unwrap_or(PDF), "data": data})
        }
        Source::Base64(data) => match media_type.unwrap_or(PDF) {
            PDF => json!({"type": "base64", "media_type": PDF, "data": data}),
            other if other.starts_with("text/") || other == "application/json" => {
                text_source(PLAIN, &String::from_utf8(decoded(data)?).ok()?)
            }
            _ => return None,
        },
    };
    Some(source)
}

fn text_source(media_type: &str, text: &str) -> Value {
    json!({"type": "text", "media_type": media_type, "data": text})
}

/// A picture's type by how its bytes begin.
fn sniffed(base64: &str) -> Option<&'static str> {
    let beginnings = [("/9j/", 0), ("iVBORw0KGgo", 1), ("R0lGOD", 2), ("UklGR", 3)];
    let (_, at) = beginnings.iter().find(|(beginning, _)| base64.starts_with(beginning))?;
    Some(IMAGE_TYPES[*at])
}

/// The bytes of base64 (RFC 4648, 4), with or without padding.
fn decoded(base64: &str) -> Option<Vec<u8>> {
    let digits = base64.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xFF).unwrap_or_default());
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(source: Source, media_type: Option<&str>) -> Media {
        Media { source, media_type: media_type.map(str::to_owned), name: None, detail: None }
    }

    #[test]
    fn base64_is_decoded_with_any_padding() {
        for (base64, text) in [("", ""), ("YQ==", "a"), ("YWI", "ab"), ("YWJj", "abc"), ("4oCo", "\u{2028}")] {
            assert_eq!(decoded(base64), Some(text.as_bytes().to_vec()));
        }
        assert_eq!(decoded("Y!"), None);
    }

    #[test]
    fn a_picture_without_a_type_is_told_by_its_bytes() {
        let png = write_image(&media(Source::Base64("iVBORw0KGgo=".into()), None), false).expect("a picture");
        assert_eq!(png["media_type"], "image/png");
        assert_eq!(write_image(&media(Source::Base64("AAAA".into()), None), false), None);
        assert_eq!(write_image(&media(Source::Base64("AAAA".into()), Some("image/svg+xml")), false), None);
    }

    #[test]
    fn a_text_in_base64_becomes_a_text() {
        let text = media(Source::Base64("aMOp".into()), Some("text/markdown"));
        let source = write_document(&text, false, &Extra::new()).expect("a document");
        assert_eq!(source, json!({"type": "text", "media_type": "text/plain", "data": "hé"}));
        let sheet = media(Source::Base64("AAAA".into()), Some("application/vnd.ms-excel"));
        assert_eq!(write_document(&sheet, false, &Extra::new()), None);
    }
}
