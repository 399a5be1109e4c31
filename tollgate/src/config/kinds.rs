//! Providers that we know by name: where they are, how they are spoken to, and what they do not know.
//!
//! As of November 2026, from the providers' public API references. Everything here can be said in the file as well.

use router_core::domain::{Address, CredentialForm, Dialect, Quirks, Style};
use router_core::snapshot::CacheDoc;
use serde::Deserialize;

/// Google Cloud's address of a project's models.
pub(super) fn vertex_url(project: &str, location: &str) -> String {
    let host = match location {
        "global" => "aiplatform.googleapis.com".to_owned(),
        region => format!("{region}-aiplatform.googleapis.com"),
    };
    format!("https://{host}/v1/projects/{project}/locations/{location}")
}

/// Amazon's address of a region's models.
pub(super) fn bedrock_url(region: &str) -> String {
    format!("https://bedrock-runtime.{region}.amazonaws.com")
}

/// A kind of provider.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Openai,
    Anthropic,
    Gemini,
    AzureOpenai,
    Mistral,
    Groq,
    Deepseek,
    Xai,
    Together,
    Fireworks,
    Openrouter,
    Perplexity,
    Cohere,
    Cerebras,
    NvidiaNim,
    Ollama,
    Vllm,
    LmStudio,
    GeminiOpenai,
    Bedrock,
    VertexGemini,
    VertexAnthropic,
    VertexOpenai,
}

/// What a kind stands for.
pub(super) struct Preset {
    /// Where the API starts, unless every customer has an address of their own.
    pub(super) base_url: Option<&'static str>,
    pub(super) dialect: Dialect,
    pub(super) also: &'static [Dialect],
    pub(super) style: Style,
}

impl Kind {
    /// What it stands for.
    pub(super) fn preset(self) -> Preset {
        let of = |dialect| Preset { base_url: self.base_url(), dialect, also: &[], style: Style::default() };
        match self {
            Self::Openai => Preset { also: &[Dialect::Responses], ..of(Dialect::Openai) },
            Self::Anthropic => of(Dialect::Anthropic),
            Self::Gemini => of(Dialect::Gemini),
            Self::Bedrock => of(Dialect::Bedrock),
            Self::VertexGemini => Preset { style: vertex(), ..of(Dialect::Gemini) },
            Self::VertexAnthropic => Preset { style: vertex(), ..of(Dialect::Anthropic) },
            Self::VertexOpenai => {
                Preset { style: Style { address: Address::Plain, ..vertex() }, ..of(Dialect::Openai) }
            }
            Self::AzureOpenai => Preset { style: azure(), ..of(Dialect::Openai) },
            _ => Preset { style: Style { quirks: self.quirks(), ..Style::default() }, ..of(Dialect::Openai) },
        }
    }

    /// The prompt cache that its models have without being asked, or when asked in the request. Newer models may want more
    /// tokens; how often prompts are found there is learned.
    pub(super) const fn cache(self) -> Option<CacheDoc> {
        let (tokens_min, minutes, bills_writes) = match self {
            // developers.openai.com/api/docs/guides/prompt-caching; learn.microsoft.com, "Prompt caching" of Azure OpenAI:
            // from 1,024 tokens on, kept for 5 to 10 minutes without use.
            Self::Openai | Self::AzureOpenai => (1024, 10, false),
            // platform.claude.com/docs/en/build-with-claude/prompt-caching: from 1,024 tokens on (4,096 with some models),
            // for 5 minutes, and a write costs a quarter more than input.
            Self::Anthropic | Self::VertexAnthropic => (1024, 5, true),
            // ai.google.dev/gemini-api/docs/caching, "Implicit caching": from 2,048 tokens on with most models; for how long
            // is not said.
            Self::Gemini | Self::GeminiOpenai | Self::VertexGemini => (2048, 5, false),
            _ => return None,
        };
        Some(CacheDoc { tokens_min, ttl_s: minutes * 60, bills_writes })
    }

    /// Where the API starts, unless every customer has an address of their own.
    const fn base_url(self) -> Option<&'static str> {
        match self {
            Self::Openai => Some("https://api.openai.com/v1"),
            Self::Anthropic => Some("https://api.anthropic.com"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com"),
            Self::GeminiOpenai => Some("https://generativelanguage.googleapis.com/v1beta/openai"),
            Self::Mistral => Some("https://api.mistral.ai/v1"),
            Self::Groq => Some("https://api.groq.com/openai/v1"),
            Self::Deepseek => Some("https://api.deepseek.com/v1"),
            Self::Xai => Some("https://api.x.ai/v1"),
            Self::Together => Some("https://api.together.xyz/v1"),
            Self::Fireworks => Some("https://api.fireworks.ai/inference/v1"),
            Self::Openrouter => Some("https://openrouter.ai/api/v1"),
            Self::Perplexity => Some("https://api.perplexity.ai"),
            Self::Cohere => Some("https://api.cohere.ai/compatibility/v1"),
            Self::Cerebras => Some("https://api.cerebras.ai/v1"),
            Self::NvidiaNim => Some("https://integrate.api.nvidia.com/v1"),
            Self::Ollama => Some("http://localhost:11434/v1"),
            Self::Vllm => Some("http://localhost:8000/v1"),
            Self::LmStudio => Some("http://localhost:1234/v1"),
            Self::AzureOpenai | Self::Bedrock | Self::VertexGemini | Self::VertexAnthropic | Self::VertexOpenai => None,
        }
    }

    /// What it does not know of the dialect.
    fn quirks(self) -> Quirks {
        // What most servers lack that took over OpenAI's API as it was in 2023.
        let older = Quirks { max_tokens_only: true, no_developer_role: true, ..Quirks::default() };
        match self {
            Self::Together | Self::Fireworks | Self::NvidiaNim | Self::LmStudio => older,
            Self::Groq | Self::Xai | Self::Openrouter | Self::Vllm | Self::GeminiOpenai => {
                Quirks { no_developer_role: true, ..Quirks::default() }
            }
            Self::Mistral => Quirks { no_stream_options: true, ..older },
            Self::Cohere => Quirks { no_parallel_tool_calls: true, ..older },
            Self::Ollama => Quirks { no_parallel_tool_calls: true, no_forced_tools: true, ..older },
            Self::Perplexity => {
                Quirks { no_stream_options: true, no_parallel_tool_calls: true, no_forced_tools: true, ..older }
            }
            Self::Deepseek => {
                Quirks { no_json_schema: true, wants_reasoning_content: true, no_parallel_tool_calls: true, ..older }
            }
            _ => Quirks::default(),
        }
    }
}

fn azure() -> Style {
    Style {
        address: Address::AzureDeployments,
        credential: Some(CredentialForm::ApiKey),
        query: "api-version=2024-10-21".to_owned(),
        ..Style::default()
    }
}

fn vertex() -> Style {
    Style { address: Address::Vertex, credential: Some(CredentialForm::GoogleAccount), ..Style::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clouds_have_an_address_for_each_place() {
        let expected = "https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/europe-west1";
        assert_eq!(vertex_url("p", "europe-west1"), expected);
        assert!(vertex_url("p", "global").starts_with("https://aiplatform.googleapis.com/"));
        assert_eq!(bedrock_url("us-east-1"), "https://bedrock-runtime.us-east-1.amazonaws.com");
    }
}
