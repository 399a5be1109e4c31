//! Blocks → parts of a message's content, for a provider.

use serde_json::{Map, Value, json};

use super::cite::annotation;
use super::note;
use crate::chat::{Block, Body, Citation, Losses, Media, Source};
use crate::domain::Dialect;

/// Whose request is being written, and where its losses go.
#[derive(Debug)]
pub(super) struct Pen<'p> {
    /// The dialect of the request.
    pub(super) dialect: Dialect,
    /// What this API cannot say.
    pub(super) losses: &'p mut Losses,
}

/// Whether a text says where it comes from, which only the model's own can here.
pub(super) fn cites(block: &Block) -> bool {
    matches!(&block.body, Body::Text { citations, .. } if !citations.is_empty())
}

impl Pen<'_> {
    /// Whether the request came in this dialect.
    pub(super) fn own(&self) -> bool {
        self.dialect == Dialect::Responses
    }

    /// A loss inside of the block that stands at `place`.
    pub(super) fn lose(&mut self, place: &str, what: &str) {
        self.losses.add(format!("{place}.{what}"));
    }

    /// Adds what only this dialect knows, or names what only another one does.
    pub(super) fn extras(&mut self, block: &Block, place: &str, members: &mut Map<String, Value>) {
        if self.own() {
            members.extend(note::members(&block.extra).map(|(key, value)| (key.clone(), value.clone())));
            members.extend(block.extra.get(note::CACHE).map(|mark| ("prompt_cache_breakpoint".into(), mark.clone())));
        } else {
            note::lose(&block.extra, &format!("{place}."), self.losses);
            let sealed = block.signature.is_some() && !matches!(block.body, Body::Thinking(_));
            self.losses.add_if(sealed, format!("{place}.signature"));
            // Whoever does not ask is cached all the same here, and older models refuse to be asked.
            self.losses.add_if(block.cache.is_some(), format!("{place}.cache_control"));
        }
    }

    /// A part of what a user, a system or a tool says. `None` is a loss that has been named.
    pub(super) fn input(&mut self, block: &Block, place: &str) -> Option<Value> {
        let part = match &block.body {
            Body::Text { text, .. } | Body::Refusal(text) => Some(json!({"type": "input_text", "text": text})),
            Body::Image(media) => self.image(media),
            // The API hears nothing, whatever its clients may ask.
            Body::Audio(media) if self.own() => audio(media),
            Body::Document(media) => self.document(media, place),
            Body::Foreign { dialect: Dialect::Responses, value } => return Some(value.clone()),
            Body::Audio(_)
            | Body::Video(_)
            | Body::Thinking(_)
            | Body::ToolCall(_)
            | Body::ToolResult(_)
            | Body::Foreign { .. } => None,
        };
        let Some(Value::Object(mut members)) = part else {
            self.lose(place, block.kind());
            return None;
        };
        if cites(block) {
            self.lose(place, "citations");
        }
        self.extras(block, place, &mut members);
        Some(Value::Object(members))
    }

    /// A part of what the model said. `None` is a loss that has been named.
    pub(super) fn output(&mut self, block: &Block, place: &str) -> Option<Value> {
        let mut members = match &block.body {
            Body::Text { text, citations } => {
                let annotations = self.annotations(citations, text, place);
                members(json!({"type": "output_text", "text": text, "annotations": annotations}))
            }
            Body::Refusal(text) => members(json!({"type": "refusal", "refusal": text})),
            Body::Foreign { dialect: Dialect::Responses, value } => return Some(value.clone()),
            _ => {
                self.lose(place, block.kind());
                return None;
            }
        };
        self.extras(block, place, &mut members);
        Some(Value::Object(members))
    }

    fn annotations(&mut self, citations: &[Citation<'_>], text: &str, place: &str) -> Vec<Value> {
        // A file of somebody else's means nothing to this API.
        let known = |citation: &&Citation<'_>| self.knows_files() || citation.address().is_some();
        let written: Vec<_> = citations.iter().filter(known).filter_map(|cited| annotation(cited, text)).collect();
        if written.len() < citations.len() {
            self.lose(place, "citations");
        }
        written
    }

    fn image(&self, media: &Media) -> Option<Value> {
        let mut part = json!({"type": "input_image"});
        match &media.source {
            Source::Base64(data) => part["image_url"] = data_url(media, "image/png", data).into(),
            Source::Url(url) => part["image_url"] = url.as_str().into(),
            Source::File(file) if self.knows_files() => part["file_id"] = file.as_str().into(),
            Source::File(_) | Source::Text(_) => return None,
        }
        let detail = media.detail.as_deref().or((!self.own()).then_some("auto"));
        if let Some(detail) = detail {
            part["detail"] = detail.into();
        }
        Some(part)
    }

    fn document(&mut self, media: &Media, place: &str) -> Option<Value> {
        let mut part = json!({"type": "input_file"});
        match &media.source {
            Source::Base64(data) if media.media_type.is_none() && self.own() => {
                part["file_data"] = data.as_str().into();
            }
            Source::Base64(data) => part["file_data"] = data_url(media, "application/pdf", data).into(),
            Source::Url(url) => part["file_url"] = url.as_str().into(),
            Source::File(file) if self.knows_files() => part["file_id"] = file.as_str().into(),
            Source::File(_) => return None,
            Source::Text(text) => {
                self.losses.add_if(media.name.is_some(), format!("{place}.title"));
                return Some(json!({"type": "input_text", "text": text}));
            }
        }
        let needs_name = !self.own() && part.get("file_data").is_some();
        if let Some(name) = media.name.as_deref().or_else(|| needs_name.then(|| default_name(media))) {
            part["filename"] = name.into();
        }
        if let Some(detail) = &media.detail {
            part["detail"] = detail.as_str().into();
        }
        Some(part)
    }

    /// OpenAI's two APIs share their files.
    fn knows_files(&self) -> bool {
        matches!(self.dialect, Dialect::Responses | Dialect::Openai)
    }
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn data_url(media: &Media, usual: &str, data: &str) -> String {
    format!("data:{};base64,{data}", media.media_type.as_deref().unwrap_or(usual))
}

/// A file that comes with its bytes must have a name, and its ending must fit.
fn default_name(media: &Media) -> &'static str {
    match media.media_type.as_deref() {
        None | Some("application/pdf") => "document.pdf",
        Some("text/plain") => "document.txt",
        Some("text/markdown") => "document.md",
        Some("text/html") => "document.html",
        Some("text/csv") => "document.csv",
        Some("application/json") => "document.json",
        Some(_) => "document",
    }
}

fn audio(media: &Media) -> Option<Value> {
    let Source::Base64(data) = &media.source else { return None };
    let format = match media.media_type.as_deref()?.strip_prefix("audio/")? {
        "mpeg" => "mp3",
        "x-wav" | "wave" | "vnd.wave" => "wav",
        format => format,
    };
    Some(json!({"type": "input_audio", "input_audio": {"data": data, "format": format}}))
}
