//! In what a provider differs from its dialect's own vendor.

use serde::{Deserialize, Serialize};

/// How a provider is spoken to, beyond its dialect. The default is the dialect's own vendor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Style {
    /// Where a request goes, below the base URL.
    pub address: Address,
    /// How the credential is shown; `None` is the dialect's own way.
    pub credential: Option<CredentialForm>,
    /// What stands behind the path, such as `api-version=2024-10-21`; may be empty.
    pub query: String,
    /// What the provider does not know.
    pub quirks: Quirks,
}

/// Where a request goes, below the base URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    /// As the dialect's own vendor has it.
    #[default]
    Plain,
    /// `/openai/deployments/{model}/…` (Azure OpenAI).
    AzureDeployments,
    /// `/publishers/{google or anthropic}/models/{model}:…` (Vertex AI).
    Vertex,
}

/// How a credential is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialForm {
    /// `authorization: Bearer …`
    Bearer,
    /// `x-api-key: …` (Anthropic)
    XApiKey,
    /// `api-key: …` (Azure)
    ApiKey,
    /// `x-goog-api-key: …` (Gemini)
    XGoogApiKey,
    /// Each request is signed with AWS Signature Version 4, for this region.
    AwsSignature {
        /// Such as `us-east-1`.
        region: String,
    },
    /// Tokens are fetched for a Google service account.
    GoogleAccount,
}

/// In which ways a provider that is compatible with a dialect is not quite. The default is the vendor itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// Knows `max_tokens` and not `max_completion_tokens`.
    pub max_tokens_only: bool,
    /// Refuses the role `developer`: it is written as `system`.
    pub no_developer_role: bool,
    /// Refuses `stream_options`; reports usage of streams all the same, or never.
    pub no_stream_options: bool,
    /// Refuses `response_format` of the type `json_schema`: `json_object` is asked for, and the schema is put into the
    /// instructions.
    pub no_json_schema: bool,
    /// Refuses `parallel_tool_calls`.
    pub no_parallel_tool_calls: bool,
    /// Refuses the tool choice `required` and named tools.
    pub no_forced_tools: bool,
    /// Refuses `reasoning_effort`.
    pub no_reasoning_effort: bool,
    /// Wants the thoughts of earlier turns back as `reasoning_content` (DeepSeek and others).
    pub wants_reasoning_content: bool,
}
