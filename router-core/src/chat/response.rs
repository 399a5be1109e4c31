//! A whole answer.

use serde_json::Value;

use super::{Block, Extra};
use crate::domain::{Dialect, UsageReport};

/// What a model answered.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatResponse {
    /// Whose form it came in.
    pub dialect: Dialect,
    /// The provider's id; empty if it gave none.
    pub id: String,
    /// The model that answered, as the provider calls it.
    pub model: String,
    /// When, in seconds of Unix time, where the dialect says it.
    pub created: Option<u64>,
    /// Answers, in order; mostly one.
    pub choices: Vec<Choice>,
    /// What it used.
    pub usage: Option<UsageReport>,
    /// The class of service that was given.
    pub service_tier: Option<String>,
    /// What only its own dialect knows.
    pub extra: Extra,
}

/// One answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// What it says.
    pub blocks: Vec<Block>,
    /// Why it ended.
    pub finish: Option<Finish>,
    /// The text that ended it.
    pub stop_sequence: Option<String>,
    /// How likely its tokens were, in OpenAI's form: an array of `{token, logprob, bytes, top_logprobs}`.
    pub logprobs: Option<Value>,
    /// What only its own dialect knows.
    pub extra: Extra,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It was complete.
    Stop,
    /// A stop sequence came.
    StopSequence,
    /// The bound on tokens was reached.
    Length,
    /// The context window was full.
    ContextFull,
    /// Tools are to be called.
    ToolCalls,
    /// A filter took it, or the prompt.
    Filtered,
    /// The model refused.
    Refused,
    /// The provider wants to go on in another request (Anthropic's `pause_turn`).
    Paused,
    /// The model wrote a tool call that is none (Gemini's `MALFORMED_FUNCTION_CALL`).
    Malformed,
}

impl ChatResponse {
    /// An answer in which nothing is said yet.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            id: String::new(),
            model: String::new(),
            created: None,
            choices: Vec::new(),
            usage: None,
            service_tier: None,
            extra: Extra::new(),
        }
    }
}
