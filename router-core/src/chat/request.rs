//! A request for an answer.

use serde_json::{Number, Value};

use super::{Block, CacheMark, Extra, Site};
use crate::domain::Dialect;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// Whose form it came in: [`ChatRequest::extra`] and the extras of its parts mean something to that dialect only.
    pub dialect: Dialect,
    /// The model; empty where the dialect does not say it in the body.
    pub model: String,
    /// Instructions that stand apart from the messages (Anthropic's `system`, Gemini's `systemInstruction`, the
    /// `instructions` of Responses).
    pub system: Vec<Block>,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// Tools that the model may call.
    pub tools: Vec<Tool>,
    /// Whether it must.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once.
    pub parallel_tools: Option<bool>,
    /// What the answer must look like.
    pub format: Option<Format>,
    /// How words are drawn.
    pub sampling: Sampling,
    /// The most tokens of the answer, thoughts included.
    pub max_tokens: Option<u64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How much to think.
    pub reasoning: Option<Reasoning>,
    /// How wordy to be: `low`, `medium`, `high`.
    pub verbosity: Option<String>,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Whether a stream is to report its usage in an event of its own (OpenAI's `stream_options`).
    pub include_usage: bool,
    /// The provider's class of service, as the caller spells it.
    pub service_tier: Option<String>,
    /// Who is asking, as the caller's own users go (OpenAI's `user`, Anthropic's `metadata.user_id`).
    pub user: Option<String>,
    /// The caller's own labels: OpenAI's `metadata`, Gemini's `labels`.
    pub metadata: Extra,
    /// What finds a prompt cache (OpenAI's `prompt_cache_key`).
    pub cache_key: Option<String>,
    /// What only its own dialect knows.
    pub extra: Extra,
}

/// One turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Whose.
    pub role: Role,
    /// What is said.
    pub blocks: Vec<Block>,
    /// The participant's name (OpenAI).
    pub name: Option<String>,
    /// Where it stands.
    pub site: Site,
    /// What only its own dialect knows.
    pub extra: Extra,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instructions among the messages.
    System,
    /// The same, by OpenAI's newer name.
    Developer,
    /// The person asking; also tool results, in dialects where users bring those.
    User,
    /// The model.
    Assistant,
    /// Tools: all blocks are results.
    Tool,
}

/// How words are drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    /// 0 is the likeliest word always.
    pub temperature: Option<Number>,
    /// Only words that make up this share of likelihood.
    pub top_p: Option<Number>,
    /// Only so many words.
    pub top_k: Option<Number>,
    /// The same seed, much the same answer.
    pub seed: Option<Number>,
    /// Against words by how often they came.
    pub frequency_penalty: Option<Number>,
    /// Against words that came at all.
    pub presence_penalty: Option<Number>,
    /// How many answers.
    pub n: Option<u64>,
    /// Whether to tell how likely each token was.
    pub logprobs: Option<bool>,
    /// For how many alternatives.
    pub top_logprobs: Option<u64>,
}

/// A tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// What it is.
    pub body: ToolBody,
    /// A prompt cache may end here.
    pub cache: Option<CacheMark>,
    /// Where it stands.
    pub site: Site,
    /// What only its own dialect knows.
    pub extra: Extra,
}

/// What a tool is.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolBody {
    /// The caller runs it, with an object for arguments.
    Function {
        /// Its name.
        name: String,
        /// What it does.
        description: Option<String>,
        /// JSON Schema of its arguments.
        schema: Option<Value>,
        /// Whether arguments must follow the schema to the letter.
        strict: Option<bool>,
    },
    /// The caller runs it, with free text for arguments (OpenAI).
    Custom {
        /// Its name.
        name: String,
        /// What it does.
        description: Option<String>,
        /// Its grammar, as OpenAI has it.
        format: Option<Value>,
    },
    /// The provider runs it, and more than one provider has it.
    Hosted {
        /// What it does.
        hosted: Hosted,
        /// Whose form `value` has.
        dialect: Dialect,
        /// The whole tool, as it stands in its own dialect.
        value: Value,
    },
    /// The provider runs it, and no other one has it.
    Foreign {
        /// Whose it is.
        dialect: Dialect,
        /// The whole tool.
        value: Value,
    },
}

/// Tools that several providers run themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosted {
    /// Searches the web.
    WebSearch,
    /// Reads addresses.
    WebFetch,
    /// Runs code.
    CodeExecution,
}

/// Whether tools must be called.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolChoice {
    /// As the model likes.
    Auto,
    /// None of them.
    None,
    /// At least one.
    Required,
    /// This one.
    Tool(String),
    /// One of these, or none of them unless `required`.
    Allowed {
        /// Their names.
        names: Vec<String>,
        /// At least one must be called.
        required: bool,
    },
}

/// What an answer must look like.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    /// Text.
    Text,
    /// Some JSON.
    Json,
    /// JSON by a schema.
    Schema {
        /// The schema's name, where the dialect has one.
        name: Option<String>,
        /// What it is for.
        description: Option<String>,
        /// JSON Schema.
        schema: Value,
        /// Whether to follow it to the letter.
        strict: Option<bool>,
    },
}

/// How much to think.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reasoning {
    /// In words.
    pub effort: Option<Effort>,
    /// In tokens; 0 is not at all.
    pub budget: Option<u64>,
    /// The model decides (Anthropic's `adaptive`, Gemini's budget of -1).
    pub adaptive: bool,
    /// Whether thoughts are shown (Gemini's `includeThoughts`, Anthropic's `display`).
    pub shown: Option<bool>,
    /// How they are summed up (OpenAI's `summary`: `auto`, `concise`, `detailed`).
    pub summary: Option<String>,
}

/// How much to think, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Not at all.
    None,
    /// As little as can be.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// A lot.
    High,
    /// More than that.
    Xhigh,
    /// As much as can be.
    Max,
}

impl Effort {
    const ALL: [(Self, &'static str, u64); 7] = [
        (Self::None, "none", 0),
        (Self::Minimal, "minimal", 1_024),
        (Self::Low, "low", 2_048),
        (Self::Medium, "medium", 8_192),
        (Self::High, "high", 16_384),
        (Self::Xhigh, "xhigh", 32_768),
        (Self::Max, "max", 65_536),
    ];

    /// Reads a dialect's word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name, _)| *name == word).map(|(effort, ..)| *effort)
    }

    /// The word.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// A budget that means about as much, in tokens.
    pub fn budget(self) -> u64 {
        Self::ALL[self as usize].2
    }

    /// The least effort whose budget is not smaller.
    pub fn of_budget(budget: u64) -> Self {
        Self::ALL.iter().find(|(.., tokens)| *tokens >= budget).map_or(Self::Max, |(effort, ..)| *effort)
    }
}

impl ChatRequest {
    /// A request in which nothing is said yet.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            model: String::new(),
            system: Vec::new(),
            messages: Vec::new(),
            tools: Vec::new(),
            tool_choice: None,
            parallel_tools: None,
            format: None,
            sampling: Sampling::default(),
            max_tokens: None,
            stop: Vec::new(),
            reasoning: None,
            verbosity: None,
            stream: false,
            include_usage: false,
            service_tier: None,
            user: None,
            metadata: Extra::new(),
            cache_key: None,
            extra: Extra::new(),
        }
    }
}

impl Tool {
    /// A tool of which nothing else is known.
    pub fn new(body: ToolBody) -> Self {
        Self { body, cache: None, site: Site::default(), extra: Extra::new() }
    }

    /// The tool, which stands at `path`.
    #[must_use]
    pub fn at(self, path: impl Into<String>) -> Self {
        Self { site: Site::new(path), ..self }
    }
}

impl Message {
    /// A message of which nothing else is known.
    pub fn new(role: Role, blocks: Vec<Block>) -> Self {
        Self { role, blocks, name: None, site: Site::default(), extra: Extra::new() }
    }

    /// The message, which stands at `path`.
    #[must_use]
    pub fn at(self, path: impl Into<String>) -> Self {
        Self { site: Site::new(path), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effort_is_found_by_its_word_and_by_its_budget() {
        for (effort, name, budget) in Effort::ALL {
            assert_eq!(Effort::named(name), Some(effort));
            assert_eq!((effort.name(), effort.budget()), (name, budget));
            assert_eq!(Effort::of_budget(budget), effort);
        }
        assert_eq!(Effort::of_budget(5_000), Effort::Medium);
        assert_eq!(Effort::of_budget(u64::MAX), Effort::Max);
    }
}
