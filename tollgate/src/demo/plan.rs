//! What to answer to a chat: text, JSON or a tool call. Decides; renders nothing.

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ApiError;
use super::request::{Stop, StreamOptions};
use super::{sample, text};

/// Tokens that a message costs beside its text.
const TOKENS_PER_MESSAGE: usize = 4;
/// Tokens that a part of a message costs which is not text, such as an image.
const TOKENS_PER_MEDIA_PART: usize = 85;

/// The body of `POST /v1/chat/completions`, as far as the demo provider looks.
#[derive(Debug, Deserialize)]
pub(super) struct ChatRequest {
    pub(super) model: String,
    pub(super) messages: Vec<Message>,
    pub(super) stream: Option<bool>,
    pub(super) stream_options: Option<StreamOptions>,
    pub(super) n: Option<usize>,
    pub(super) max_tokens: Option<usize>,
    pub(super) max_completion_tokens: Option<usize>,
    stop: Option<Stop>,
    tools: Option<Vec<Tool>>,
    tool_choice: Option<ToolChoice>,
    response_format: Option<ResponseFormat>,
}

/// One message of a chat.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    role: Role,
    content: Option<Content>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Role {
    Developer,
    System,
    User,
    Assistant,
    Tool,
    Function,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// A part of a message; one without text is an image, a sound or a file.
#[derive(Debug, Deserialize)]
struct Part {
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Tool {
    function: Function,
}

#[derive(Debug, Deserialize)]
struct Function {
    name: String,
    description: Option<String>,
    parameters: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ToolChoice {
    Mode(ToolMode),
    Named { function: FunctionName },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ToolMode {
    None,
    Auto,
    Required,
}

#[derive(Debug, Deserialize)]
struct FunctionName {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat {
    Text,
    JsonObject,
    JsonSchema { json_schema: NamedSchema },
}

#[derive(Debug, Deserialize)]
struct NamedSchema {
    schema: Option<Value>,
}

/// One answer; with `n`, every choice is this one.
#[derive(Debug)]
pub(super) struct Answer {
    /// The function to call; none for text.
    pub(super) tool: Option<String>,
    /// The text, or the arguments of the call, token by token.
    pub(super) pieces: Vec<String>,
    /// Whether the limit cut it short.
    pub(super) cut: bool,
}

impl Answer {
    /// Why the answer ends.
    pub(super) fn finish_reason(&self) -> &'static str {
        match (self.cut, &self.tool) {
            (true, _) => "length",
            (false, Some(_)) => "tool_calls",
            (false, None) => "stop",
        }
    }

    /// What it costs.
    pub(super) fn tokens(&self) -> usize {
        self.tool.as_deref().map_or(0, text::count) + self.pieces.len()
    }

    /// Puts text or arguments into tokens, at most `limit` with the function's name among them.
    pub(super) fn new(tool: Option<String>, whole: &str, limit: Option<usize>) -> Self {
        let name_tokens = tool.as_deref().map_or(0, text::count);
        let limit = limit.map_or(usize::MAX, |limit| limit.saturating_sub(name_tokens));
        let mut pieces = text::pieces(whole);
        let kept: Vec<String> = pieces.by_ref().take(limit).map(str::to_owned).collect();
        Self { tool, pieces: kept, cut: pieces.next().is_some() }
    }
}

impl ChatRequest {
    /// Decides the answer.
    pub(super) fn answer(&self, limit: Option<usize>) -> Result<Answer, ApiError> {
        let Some(last) = self.messages.last() else {
            return Err(ApiError::bad_param("messages", "[] is too short - 'messages'"));
        };
        if let Some(function) = self.function_to_call(last)? {
            let arguments = sample::value_of(function.parameters.as_ref().unwrap_or(&json!({"type": "object"})));
            return Ok(Answer::new(Some(function.name.clone()), &arguments.to_string(), limit));
        }
        let whole = self.text(last);
        let whole = self.stop.as_ref().map_or(whole.as_str(), |stop| stop.cut(&whole));
        Ok(Answer::new(None, whole, limit))
    }

    /// The function to call, if one is to be called.
    fn function_to_call(&self, last: &Message) -> Result<Option<&Function>, ApiError> {
        let tools = self.tools.as_deref().unwrap_or_default();
        if tools.is_empty() {
            return match self.tool_choice {
                Some(_) => {
                    Err(ApiError::bad_param("tool_choice", "'tool_choice' is only allowed when 'tools' are specified."))
                }
                None => Ok(None),
            };
        }
        let fitting = || {
            let said = last.text();
            let named = tools.iter().find(|tool| said.contains(&tool.function.name));
            named.or(tools.first()).map(|tool| &tool.function)
        };
        match &self.tool_choice {
            Some(ToolChoice::Mode(ToolMode::None)) => Ok(None),
            Some(ToolChoice::Mode(ToolMode::Required)) => Ok(fitting()),
            Some(ToolChoice::Named { function: wanted }) => {
                let found = tools.iter().map(|tool| &tool.function).find(|function| function.name == wanted.name);
                let missing = || format!("Tool choice '{}' not found in 'tools' parameter.", wanted.name);
                found.map(Some).ok_or_else(|| ApiError::bad_param("tool_choice", missing()))
            }
            Some(ToolChoice::Mode(ToolMode::Auto)) | None => Ok(fitting().filter(|_| last.role == Role::User)),
        }
    }

    fn text(&self, last: &Message) -> String {
        if matches!(last.role, Role::Tool | Role::Function) {
            return text::answer_to_tool(&last.text());
        }
        let user = self.messages.iter().rev().find(|message| message.role == Role::User).unwrap_or(last);
        let answer = text::answer(&user.text());
        match &self.response_format {
            None | Some(ResponseFormat::Text) => answer,
            Some(ResponseFormat::JsonObject) => json!({ "answer": answer }).to_string(),
            Some(ResponseFormat::JsonSchema { json_schema }) => {
                sample::value_of(json_schema.schema.as_ref().unwrap_or(&Value::Null)).to_string()
            }
        }
    }

    /// What the prompt costs: its messages, and the tools that go along with every request.
    pub(super) fn prompt_tokens(&self) -> usize {
        let tools = self.tools.iter().flatten().map(|tool| tool.function.tokens());
        self.messages.iter().map(Message::tokens).chain(tools).sum()
    }
}

impl Function {
    fn tokens(&self) -> usize {
        let parameters = self.parameters.as_ref().map(Value::to_string).unwrap_or_default();
        [&self.name, self.description.as_deref().unwrap_or_default(), &parameters].map(text::count).iter().sum()
    }
}

impl Message {
    fn text(&self) -> String {
        match &self.content {
            None => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => {
                let texts: Vec<&str> = parts.iter().filter_map(|part| part.text.as_deref()).collect();
                texts.join("\n")
            }
        }
    }

    fn tokens(&self) -> usize {
        let content = match &self.content {
            None => 0,
            Some(Content::Text(text)) => text::count(text),
            Some(Content::Parts(parts)) => {
                parts.iter().map(|part| part.text.as_deref().map_or(TOKENS_PER_MEDIA_PART, text::count)).sum()
            }
        };
        TOKENS_PER_MESSAGE + content
    }
}
