//! Pictures, sound, films and documents: a format's short name, and bytes or a place in S3.

use serde_json::{Map, Value, json};

use crate::chat::{Media, Source};
use crate::dialect::base64;

/// The longest name of a document.
const NAME_CHARS_MAX: usize = 200;

/// MIME types and endings, and what Converse calls the format.
const IMAGES: &[(&str, &str)] = &[
    ("image/png", "png"),
    ("image/jpeg", "jpeg"),
    ("image/jpg", "jpeg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
];
const AUDIO: &[(&str, &str)] = &[
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("audio/wave", "wav"),
    ("audio/mpeg", "mp3"),
    ("audio/mp3", "mp3"),
    ("audio/opus", "opus"),
    ("audio/aac", "aac"),
    ("audio/flac", "flac"),
    ("audio/ogg", "ogg"),
    ("audio/mp4", "mp4"),
    ("audio/m4a", "m4a"),
    ("audio/x-m4a", "m4a"),
    ("audio/webm", "webm"),
    ("audio/pcm", "pcm"),
    ("audio/l16", "pcm"),
];
const VIDEO: &[(&str, &str)] = &[
    ("video/mp4", "mp4"),
    ("video/quicktime", "mov"),
    ("video/mov", "mov"),
    ("video/x-matroska", "mkv"),
    ("video/webm", "webm"),
    ("video/x-flv", "flv"),
    ("video/mpeg", "mpeg"),
    ("video/mpg", "mpg"),
    ("video/wmv", "wmv"),
    ("video/x-ms-wmv", "wmv"),
    ("video/3gpp", "three_gp"),
];
const DOCUMENTS: &[(&str, &str)] = &[
    ("application/pdf", "pdf"),
    ("text/csv", "csv"),
    ("application/msword", "doc"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/markdown", "md"),
];
/// How base64 of a format begins, for callers who do not say the type.
const BEGINNINGS: &[(&str, &str)] =
    &[("iVBORw", "png"), ("/9j/", "jpeg"), ("R0lGOD", "gif"), ("UklGR", "webp"), ("JVBERi", "pdf")];

/// A picture's block without its key, if it can be said.
pub(super) fn image(media: &Media) -> Option<Value> {
    plain(media, IMAGES)
}

/// Sound, likewise.
pub(super) fn audio(media: &Media) -> Option<Value> {
    plain(media, AUDIO)
}

/// A film, likewise.
pub(super) fn video(media: &Media) -> Option<Value> {
    plain(media, VIDEO)
}

fn plain(media: &Media, formats: &[(&str, &'static str)]) -> Option<Value> {
    let format = format(media, formats)?;
    Some(json!({"format": format, "source": source(&media.source)?}))
}

/// A document, likewise, with a name that `taken` does not have yet and then has.
pub(super) fn document(media: &Media, taken: &mut Vec<String>) -> Option<Map<String, Value>> {
    let format = match &media.source {
        Source::Text(_) => format(media, DOCUMENTS).unwrap_or("txt"),
        _ => format(media, DOCUMENTS)?,
    };
    let source = source(&media.source)?;
    let mut document = Map::new();
    document.insert("format".into(), format.into());
    document.insert("name".into(), free_name(&clean_name(media.name.as_deref().unwrap_or("")), taken).into());
    document.insert("source".into(), source);
    Some(document)
}

fn source(source: &Source) -> Option<Value> {
    match source {
        Source::Base64(data) if data.is_empty() => None,
        Source::Base64(data) => Some(json!({"bytes": data})),
        Source::Text(text) if text.is_empty() => None,
        Source::Text(text) => Some(json!({"bytes": base64::encode(text.as_bytes())})),
        Source::Url(url) if url.starts_with("s3://") => Some(json!({"s3Location": {"uri": url}})),
        Source::Url(_) | Source::File(_) => None,
    }
}

/// The format by the MIME type, by the ending of the name or the address, or by how the bytes begin.
fn format(media: &Media, formats: &[(&str, &'static str)]) -> Option<&'static str> {
    let by_type = |full: &str| {
        let kind = full.split(';').next().unwrap_or(full).trim();
        formats.iter().find(|(mime, _)| mime.eq_ignore_ascii_case(kind)).map(|(_, format)| *format)
    };
    if let Some(full) = &media.media_type {
        return by_type(full);
    }
    let known = |word: &str| formats.iter().find(|(_, format)| *format == word).map(|(_, format)| *format);
    let by_ending = |path: &str| {
        let ending = path.rsplit_once('.')?.1.to_ascii_lowercase();
        known(if ending == "jpg" { "jpeg" } else { &ending })
    };
    match &media.source {
        Source::Url(url) => by_ending(url),
        Source::Base64(data) => media.name.as_deref().and_then(by_ending).or_else(|| {
            let beginning = BEGINNINGS.iter().find(|(beginning, _)| data.starts_with(beginning));
            beginning.and_then(|(_, format)| known(format))
        }),
        Source::Text(_) | Source::File(_) => media.name.as_deref().and_then(by_ending),
    }
}

/// A name of letters, digits, single spaces, hyphens, parentheses and brackets, without its ending.
fn clean_name(name: &str) -> String {
    let stem = match name.rsplit_once('.') {
        Some((stem, ending)) if DOCUMENTS.iter().any(|(_, format)| ending.eq_ignore_ascii_case(format)) => stem,
        _ => name,
    };
    let mut clean = String::new();
    for letter in stem.chars() {
        let letter = match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '(' | ')' | '[' | ']' => letter,
            _ if letter.is_whitespace() => ' ',
            _ => '-',
        };
        if letter != ' ' || !clean.ends_with(' ') {
            clean.push(letter);
        }
    }
    // A name of signs only says nothing, so it is none.
    let says = clean.bytes().any(|byte| byte.is_ascii_alphanumeric());
    let bounded: String = clean.trim().chars().take(NAME_CHARS_MAX - 8).collect();
    if says { bounded.trim_end().to_owned() } else { "document".to_owned() }
}

fn free_name(name: &str, taken: &mut Vec<String>) -> String {
    let numbered = (2..).map(|number: u32| format!("{name} ({number})"));
    let free = std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken.contains(name));
    let free = free.expect("there is always a next number");
    taken.push(free.clone());
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(source: Source, media_type: Option<&str>, name: Option<&str>) -> Media {
        Media { source, media_type: media_type.map(Into::into), name: name.map(Into::into), detail: None }
    }

    #[test]
    fn a_format_is_known_by_type_ending_or_beginning() {
        let bytes = |data: &str| Source::Base64(data.to_owned());
        let format = |media: &Media| image(media).map(|image| image["format"].clone());
        assert_eq!(format(&media(bytes("iVBORw0KGgo="), None, None)), Some("png".into()));
        assert_eq!(format(&media(bytes("AAAA"), Some("image/jpg"), None)), Some("jpeg".into()));
        assert_eq!(format(&media(bytes("AAAA"), None, Some("a.JPG"))), Some("jpeg".into()));
        assert_eq!(format(&media(bytes("AAAA"), Some("image/tiff"), Some("a.png"))), None);
        assert_eq!(format(&media(bytes(""), Some("image/png"), None)), None);
        let film = video(&media(Source::Url("s3://bucket/film.mkv".into()), None, None)).expect("a film");
        assert_eq!(film, json!({"format": "mkv", "source": {"s3Location": {"uri": "s3://bucket/film.mkv"}}}));
        assert_eq!(audio(&media(bytes("UklGRg=="), Some("audio/wav"), None)).expect("sound")["format"], "wav");
    }

    #[test]
    fn documents_have_clean_names_of_their_own() {
        let mut taken = Vec::new();
        let mut name = |name: Option<&str>| {
            let media = media(Source::Text("x".into()), None, name);
            document(&media, &mut taken).expect("a document")["name"].clone()
        };
        assert_eq!(name(Some("report.pdf")), "report");
        assert_eq!(name(Some("report.pdf")), "report (2)");
        assert_eq!(name(Some("a_b\t  (1) [x].v2")), "a-b (1) [x]-v2");
        assert_eq!(name(None), "document");
        assert_eq!(name(Some("…")), "document (2)");
        assert!(name(Some(&"x".repeat(500))).as_str().is_some_and(|name| name.len() <= NAME_CHARS_MAX));
    }

    #[test]
    fn a_text_is_a_document_of_its_bytes() {
        let written = document(&media(Source::Text("hi".into()), None, None), &mut Vec::new()).expect("a document");
        assert_eq!(Value::from(written), json!({"format": "txt", "name": "document", "source": {"bytes": "aGk="}}));
    }
}
