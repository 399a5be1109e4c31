//! What a provider means by an error that stands inside of its answer.

/// A provider's error by what it asks of the caller: to wait, or nothing in particular.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// The provider has too much to do.
    Overloaded,
    /// A limit of our account there is used up.
    RateLimited,
    /// Anything else.
    Other,
}

impl Complaint {
    /// What a dialect's word for it means: OpenAI's `code` or `type`, Anthropic's `type`, Google's `status`, the name of
    /// Bedrock's exception.
    pub fn named(kind: &str) -> Self {
        match kind {
            "overloaded"
            | "overloaded_error"
            | "server_is_overloaded"
            | "service_unavailable_error"
            | "slow_down"
            | "UNAVAILABLE"
            | "serviceUnavailableException" => Self::Overloaded,
            "rate_limit_exceeded" | "rate_limit_error" | "RESOURCE_EXHAUSTED" | "throttlingException" => {
                Self::RateLimited
            }
            _ => Self::Other,
        }
    }
}
