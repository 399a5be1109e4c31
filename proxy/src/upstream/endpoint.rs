//! Where a request goes at a provider, and what its head says.

use router_core::domain::{Address, Dialect};
use router_core::snapshot::Provider;

use crate::route::{Inference, encode_segment};

/// What we call ourselves.
pub(super) const USER_AGENT: &str = concat!("tollgate/", env!("CARGO_PKG_VERSION"));

/// An endpoint of a provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// OpenAI
    ChatCompletions,
    /// OpenAI
    Completions,
    /// OpenAI
    Embeddings,
    /// OpenAI
    Responses,
    /// Anthropic
    Messages,
    /// Anthropic
    CountMessages,
    /// Gemini
    GenerateContent,
    /// Gemini, as events
    StreamContent,
    /// Gemini
    CountContent,
    /// Bedrock
    Converse,
    /// Bedrock, as events
    ConverseStream,
}

impl Endpoint {
    /// Those whose path is the same for every model, each at its own number.
    pub(super) const FIXED: [Self; 6] = [
        Self::ChatCompletions,
        Self::Completions,
        Self::Embeddings,
        Self::Responses,
        Self::Messages,
        Self::CountMessages,
    ];

    /// Where a request of ours goes at a provider that is asked in `dialect`; `None` where that has no such endpoint.
    pub(crate) const fn of(inference: Inference, dialect: Dialect, stream: bool) -> Option<Self> {
        match (inference, dialect) {
            (Inference::Completions, Dialect::Openai) => Some(Self::Completions),
            (Inference::Embeddings, Dialect::Openai) => Some(Self::Embeddings),
            (Inference::CountMessages, Dialect::Anthropic) => Some(Self::CountMessages),
            (Inference::CountContent, Dialect::Gemini) => Some(Self::CountContent),
            (
                Inference::Completions | Inference::Embeddings | Inference::CountMessages | Inference::CountContent,
                _,
            ) => None,
            (_, Dialect::Openai) => Some(Self::ChatCompletions),
            (_, Dialect::Responses) => Some(Self::Responses),
            (_, Dialect::Anthropic) => Some(Self::Messages),
            (_, Dialect::Gemini) if stream => Some(Self::StreamContent),
            (_, Dialect::Gemini) => Some(Self::GenerateContent),
            (_, Dialect::Bedrock) if stream => Some(Self::ConverseStream),
            (_, Dialect::Bedrock) => Some(Self::Converse),
        }
    }

    /// The path and query at a provider.
    pub(super) fn target(self, provider: &Provider, model: &str, stream: bool) -> String {
        let base = &provider.base_path;
        let model = encode_segment(model);
        // A base URL may end in the version or not: both are in use.
        let under = |version: &str| if base.ends_with(version) { base.clone() } else { format!("{base}{version}") };
        let path = match (provider.style.address, self) {
            (Address::AzureDeployments, Self::ChatCompletions | Self::Completions | Self::Embeddings) => {
                format!("{base}/openai/deployments/{model}{}", self.openai_path())
            }
            (Address::Vertex, Self::Messages) if stream => {
                format!("{base}/publishers/anthropic/models/{model}:streamRawPredict")
            }
            (Address::Vertex, Self::Messages) => format!("{base}/publishers/anthropic/models/{model}:rawPredict"),
            (Address::Vertex, Self::GenerateContent) => {
                format!("{base}/publishers/google/models/{model}:generateContent")
            }
            (Address::Vertex, Self::StreamContent) => {
                format!("{base}/publishers/google/models/{model}:streamGenerateContent")
            }
            (Address::Vertex, Self::CountContent) => format!("{base}/publishers/google/models/{model}:countTokens"),
            (_, Self::Messages) => format!("{}/messages", under("/v1")),
            (_, Self::CountMessages) => format!("{}/messages/count_tokens", under("/v1")),
            (_, Self::GenerateContent) => format!("{}/models/{model}:generateContent", gemini_base(base)),
            (_, Self::StreamContent) => format!("{}/models/{model}:streamGenerateContent", gemini_base(base)),
            (_, Self::CountContent) => format!("{}/models/{model}:countTokens", gemini_base(base)),
            (_, Self::Converse) => format!("{base}/model/{model}/converse"),
            (_, Self::ConverseStream) => format!("{base}/model/{model}/converse-stream"),
            (_, openai) => format!("{base}{}", openai.openai_path()),
        };
        let event_query = if self == Self::StreamContent { "alt=sse" } else { "" };
        match (event_query, provider.style.query.as_str()) {
            ("", "") => path,
            (query, "") | ("", query) => format!("{path}?{query}"),
            (first, second) => format!("{path}?{first}&{second}"),
        }
    }

    const fn openai_path(self) -> &'static str {
        match self {
            Self::Completions => "/completions",
            Self::Embeddings => "/embeddings",
            Self::Responses => "/responses",
            _ => "/chat/completions",
        }
    }

    /// Whether the path is the same for every model.
    pub(super) fn is_fixed(self, provider: &Provider) -> bool {
        provider.style.address == Address::Plain && Self::FIXED.contains(&self)
    }

    /// Whether the credential is Anthropic's to read: then its version header belongs there too.
    pub(crate) const fn is_anthropic(self) -> bool {
        matches!(self, Self::Messages | Self::CountMessages)
    }
}

fn gemini_base(base: &str) -> String {
    let has_version = ["/v1beta", "/v1", "/v1alpha"].iter().any(|version| base.ends_with(version));
    if has_version { base.to_owned() } else { format!("{base}/v1beta") }
}

/// A request's head up to the lines that differ from one request to the next.
pub(super) fn head_start(provider: &Provider, credential: Option<(&'static str, &str)>, target: &str) -> Vec<u8> {
    let mut head = format!("POST {target} HTTP/1.1\r\nhost: {}\r\n", provider.authority());
    if let Some((name, value)) = credential {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("content-type: application/json\r\naccept: */*\r\nuser-agent: ");
    head.push_str(USER_AGENT);
    head.push_str("\r\n");
    head.into_bytes()
}

#[cfg(test)]
mod tests {
    use router_core::domain::{ProviderId, Style};

    use super::*;

    fn provider(base_path: &str, style: Style) -> Provider {
        Provider {
            id: ProviderId::named("p"),
            name: "p".to_owned(),
            dialect: Dialect::Openai,
            also: Vec::new(),
            style,
            tls: true,
            host: "h".to_owned(),
            port: 443,
            base_path: base_path.to_owned(),
            http2: false,
            ca_file: None,
            any_model: true,
            quota: router_core::snapshot::QuotaDoc::default(),
        }
    }

    #[test]
    fn every_endpoint_has_its_vendors_address() {
        let plain = |base: &str, endpoint: Endpoint| endpoint.target(&provider(base, Style::default()), "a/b", false);
        assert_eq!(plain("/v1", Endpoint::ChatCompletions), "/v1/chat/completions");
        assert_eq!(plain("/v1", Endpoint::Responses), "/v1/responses");
        assert_eq!(plain("", Endpoint::Messages), "/v1/messages");
        assert_eq!(plain("/v1", Endpoint::Messages), "/v1/messages");
        assert_eq!(plain("/x", Endpoint::CountMessages), "/x/v1/messages/count_tokens");
        assert_eq!(plain("", Endpoint::GenerateContent), "/v1beta/models/a%2Fb:generateContent");
        assert_eq!(plain("/v1", Endpoint::StreamContent), "/v1/models/a%2Fb:streamGenerateContent?alt=sse");
        assert_eq!(plain("", Endpoint::ConverseStream), "/model/a%2Fb/converse-stream");
    }

    #[test]
    fn azure_and_vertex_name_the_model_in_the_path() {
        let query = "api-version=2024-10-21".to_owned();
        let azure = provider("", Style { address: Address::AzureDeployments, query, ..Style::default() });
        let expected = "/openai/deployments/gpt/chat/completions?api-version=2024-10-21";
        assert_eq!(Endpoint::ChatCompletions.target(&azure, "gpt", true), expected);
        assert!(!Endpoint::ChatCompletions.is_fixed(&azure));
        let vertex = provider("/v1/projects/p/locations/l", Style { address: Address::Vertex, ..Style::default() });
        let expected = "/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent?alt=sse";
        assert_eq!(Endpoint::StreamContent.target(&vertex, "g", true), expected);
        let expected = "/v1/projects/p/locations/l/publishers/anthropic/models/c%401:streamRawPredict";
        assert_eq!(Endpoint::Messages.target(&vertex, "c@1", true), expected);
    }

    #[test]
    fn what_a_dialect_has_no_endpoint_for_is_not_asked() {
        assert_eq!(Endpoint::of(Inference::Embeddings, Dialect::Anthropic, false), None);
        assert_eq!(Endpoint::of(Inference::CountMessages, Dialect::Openai, false), None);
        assert_eq!(Endpoint::of(Inference::Messages, Dialect::Gemini, true), Some(Endpoint::StreamContent));
    }
}
