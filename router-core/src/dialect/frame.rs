//! What the doors of all dialects have in common.

use serde_json::Value;

use crate::chat::Extra;
pub use crate::domain::Quirks;

/// What a request is written for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'t> {
    /// The model's name at the provider.
    pub model: &'t str,
    /// What the provider does otherwise than the dialect's own vendor.
    pub quirks: &'t Quirks,
}

/// A request for a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Its body.
    pub body: Value,
    /// The provider has no structured output, so a tool of the name [`Written::EMULATED`] stands in for it: the call
    /// of that tool is the answer's text.
    pub emulates_format: bool,
}

impl Written {
    /// The tool that stands in for structured output.
    pub const EMULATED: &'static str = "answer_in_this_format";

    /// A body in which nothing is emulated.
    pub const fn plain(body: Value) -> Self {
        Self { body, emulates_format: false }
    }
}

/// What the writer of an answer must know beyond the answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// Letters and digits that no other answer has, for ids that the provider did not give.
    pub unique: String,
    /// Now, in seconds of Unix time.
    pub created: u64,
    /// The model that the client asked for, where the provider does not say which one answered.
    pub model: String,
    /// The client wants its stream's usage in an event of its own (OpenAI's `stream_options.include_usage`).
    pub include_usage: bool,
    /// Members of the request that the dialect repeats in its answers (Responses).
    pub echo: Extra,
}

/// A failure, in the words of the client's dialect; its status was sent or goes with it.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'f> {
    /// HTTP status; Google repeats it in the body.
    pub status: u16,
    /// The dialect's own class of failure: OpenAI's and Anthropic's `type`, Google's `status`.
    pub kind: &'f str,
    /// Our own code, which is stable.
    pub code: &'f str,
    /// For people.
    pub message: &'f str,
    /// The parameter to blame.
    pub param: Option<&'f str>,
    /// Who refused, where a client must know.
    pub source: Option<&'f str>,
    /// The request's name, for dialects that repeat it in the body.
    pub request_id: &'f str,
}
