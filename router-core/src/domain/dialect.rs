//! The APIs that clients and providers speak.

use serde::{Deserialize, Serialize};

/// An API as it is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// OpenAI's Chat Completions, and whoever is compatible with it.
    Openai,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Anthropic,
    /// Google's generateContent.
    Gemini,
    /// Amazon Bedrock's Converse. Spoken to providers only.
    Bedrock,
}

impl Dialect {
    /// Every dialect that a client may speak.
    pub const INGRESS: [Self; 4] = [Self::Openai, Self::Responses, Self::Anthropic, Self::Gemini];

    /// Its name in configuration, logs and marks; renaming one breaks them.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Responses => "responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
        }
    }

    /// The dialect of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::INGRESS.into_iter().chain([Self::Bedrock]).find(|dialect| dialect.name() == name)
    }
}
