//! A provider's own error.

use serde_json::Value;

/// Longer bodies are not read.
const BYTES_MAX: usize = 64 * 1024;

/// What a provider says went wrong. It may hold what callers must not see, such as keys and addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderError {
    /// For people.
    pub message: Option<String>,
    /// OpenAI's `type`, or Google's `status`.
    pub kind: Option<String>,
    /// `code`; a number is written in decimal.
    pub code: Option<String>,
    /// The parameter to blame.
    pub param: Option<String>,
}

impl ProviderError {
    /// Reads an error body of at most 64 KiB: OpenAI's `{"error":{…}}`, `{"error":"text"}`, an array of them as
    /// Gemini's compatible endpoint sends it, or the bare object of vLLM and Mistral. `None` when it is nothing of
    /// these.
    pub fn read(body: &[u8]) -> Option<Self> {
        let body = (body.len() <= BYTES_MAX).then_some(body)?;
        let value = serde_json::from_slice(body).ok()?;
        let envelope = match &value {
            Value::Array(errors) => errors.first()?,
            value => value,
        };
        match envelope.get("error") {
            Some(Value::String(message)) => Some(Self { message: Some(message.clone()), ..Self::default() }),
            Some(error) => Self::from_object(error),
            None => Self::from_object(envelope),
        }
    }

    fn from_object(error: &Value) -> Option<Self> {
        let error = Self {
            message: text(error, "message"),
            kind: text(error, "type").or_else(|| text(error, "status")),
            code: text(error, "code"),
            param: text(error, "param"),
        };
        (error != Self::default()).then_some(error)
    }
}

/// A member that is a string or a number.
fn text(object: &Value, key: &str) -> Option<String> {
    match object.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
