//! What a message is made of.

use serde_json::Value;

use super::{Citation, Extra, Signature, Site};
use crate::domain::Dialect;

/// A piece of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// What it says.
    pub body: Body,
    /// A prompt cache may end here.
    pub cache: Option<CacheMark>,
    /// The provider's seal on this block.
    pub signature: Option<Signature>,
    /// Where it stands.
    pub site: Site,
    /// What only its own dialect knows of it.
    pub extra: Extra,
}

/// What a block says.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Where it comes from.
        citations: Vec<Citation<'static>>,
    },
    /// The model's own words for not answering.
    Refusal(String),
    /// A picture.
    Image(Media),
    /// Sound.
    Audio(Media),
    /// Moving pictures.
    Video(Media),
    /// A document, such as a PDF or a text.
    Document(Media),
    /// What the model thought.
    Thinking(Thinking),
    /// The model wants a tool to be run.
    ToolCall(ToolCall),
    /// What a tool gave.
    ToolResult(ToolResult),
    /// Something that only one dialect has, as it stands there: tools that a provider runs itself, and their results.
    Foreign {
        /// Whose it is.
        dialect: Dialect,
        /// The whole block.
        value: Value,
    },
}

/// Something that is not text.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// Where its bytes are.
    pub source: Source,
    /// Its MIME type, such as `image/png`, if that is said.
    pub media_type: Option<String>,
    /// A file's name or a document's title.
    pub name: Option<String>,
    /// How closely to look at a picture: OpenAI's `low`, `high`, `auto`.
    pub detail: Option<String>,
}

/// Where the bytes of something are.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Here, in base64 of the standard alphabet (RFC 4648, 4).
    Base64(String),
    /// Here, as plain text.
    Text(String),
    /// At an address.
    Url(String),
    /// In a file that was uploaded to the provider before.
    File(String),
}

/// Thoughts of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thinking {
    /// The thoughts, as far as they are shown.
    pub text: String,
    /// Summaries in place of the thoughts: the parts of an OpenAI reasoning item.
    pub summary: Vec<String>,
    /// Nothing is shown; all is in the block's signature (Anthropic's `redacted_thinking`).
    pub redacted: bool,
}

impl Thinking {
    /// What a reader is shown: the thoughts, else their summaries.
    pub fn shown(&self) -> String {
        if self.text.is_empty() { self.summary.join("\n\n") } else { self.text.clone() }
    }
}

/// A call of one of the caller's tools.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// Links the call with its result; never empty.
    pub id: String,
    /// The tool.
    pub name: String,
    /// JSON text of an object, as the model wrote it; free text for a custom tool.
    pub arguments: String,
    /// The tool takes free text in place of an object (OpenAI's custom tools).
    pub custom: bool,
}

/// What a tool gave for a call.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult {
    /// The call's id.
    pub id: String,
    /// The tool's name, where the dialect says it.
    pub name: Option<String>,
    /// What it gave.
    pub content: Vec<Block>,
    /// The tool failed.
    pub is_error: bool,
}

/// A mark after which a provider may keep the prompt (Anthropic's `cache_control`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheMark {
    /// How long, as the provider spells it: `5m`, `1h`.
    pub ttl: Option<String>,
}

impl Block {
    /// A block of which nothing else is known.
    pub fn new(body: Body) -> Self {
        Self { body, cache: None, signature: None, site: Site::default(), extra: Extra::new() }
    }

    /// The block, which stands at `path`.
    #[must_use]
    pub fn at(self, path: impl Into<String>) -> Self {
        Self { site: Site::new(path), ..self }
    }

    /// Text without citations.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Body::Text { text: text.into(), citations: Vec::new() })
    }

    /// The text, if it is nothing but text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.body {
            Body::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The block's kind for people, as in "image".
    pub const fn kind(&self) -> &'static str {
        match &self.body {
            Body::Text { .. } => "text",
            Body::Refusal(_) => "refusal",
            Body::Image(_) => "image",
            Body::Audio(_) => "audio",
            Body::Video(_) => "video",
            Body::Document(_) => "document",
            Body::Thinking(_) => "thinking",
            Body::ToolCall(_) => "tool_call",
            Body::ToolResult(_) => "tool_result",
            Body::Foreign { .. } => "provider_specific",
        }
    }

    /// The signature, if `dialect` made it.
    pub fn signature_of(&self, dialect: Dialect) -> Option<&Signature> {
        self.signature.as_ref().filter(|signature| signature.origin == dialect)
    }
}
