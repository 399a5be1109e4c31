//! Providers that need no section in the file: a key in the environment is enough.

use router_core::domain::Dialect;

use super::kinds::Kind;
use super::layers::Environment;

/// A provider that comes with its address and the names of its models.
#[derive(Debug)]
pub(super) struct Shortcut {
    /// The part before the slash in `provider/model`.
    pub(super) name: &'static str,
    /// The variable that holds the key.
    pub(super) key_variable: &'static str,
    /// The variable that moves the address, where the provider's own SDK reads one with the same meaning.
    base_url_variable: Option<&'static str>,
    base_url: &'static str,
    pub(super) kind: Kind,
    /// The API it speaks.
    pub(super) dialect: Dialect,
    /// Further APIs that it speaks.
    pub(super) also: &'static [Dialect],
    /// Models that are listed and can be asked for by their bare names, as of November 2026. Any other model is
    /// reached as `provider/model`.
    pub(super) models: &'static [&'static str],
}

/// All of them.
pub(super) const SHORTCUTS: [Shortcut; 3] = [
    Shortcut {
        name: "openai",
        key_variable: "OPENAI_API_KEY",
        base_url_variable: Some("OPENAI_BASE_URL"),
        base_url: "https://api.openai.com/v1",
        kind: Kind::Openai,
        dialect: Dialect::Openai,
        also: &[Dialect::Responses],
        models: &[
            "gpt-6-astra",
            "gpt-6.1-sol",
            "gpt-6.1-terra",
            "gpt-6-luna",
            "text-embedding-3-large",
            "text-embedding-3-small",
        ],
    },
    Shortcut {
        name: "anthropic",
        key_variable: "ANTHROPIC_API_KEY",
        base_url_variable: Some("ANTHROPIC_BASE_URL"),
        base_url: "https://api.anthropic.com",
        kind: Kind::Anthropic,
        dialect: Dialect::Anthropic,
        also: &[],
        models: &["claude-fable-5-1", "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"],
    },
    Shortcut {
        name: "gemini",
        key_variable: "GEMINI_API_KEY",
        base_url_variable: None,
        base_url: "https://generativelanguage.googleapis.com",
        kind: Kind::Gemini,
        dialect: Dialect::Gemini,
        also: &[],
        models: &["gemini-3.8-flash", "gemini-3.5-flash-lite", "gemini-3.1-pro-preview"],
    },
];

impl Shortcut {
    /// The key, if there is one.
    pub(super) fn key<'a>(&self, environment: &'a Environment) -> Option<&'a str> {
        environment.get(self.key_variable).map(str::trim).filter(|key| !key.is_empty())
    }

    /// Where the API starts.
    pub(super) fn base_url(&self, environment: &Environment) -> String {
        let moved =
            self.base_url_variable.and_then(|name| environment.get(name)).map(str::trim).filter(|url| !url.is_empty());
        moved.unwrap_or(self.base_url).to_owned()
    }
}
