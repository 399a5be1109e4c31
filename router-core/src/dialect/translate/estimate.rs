//! How many tokens a prompt has, without the provider's own tokeniser: a rough count from its size.

use super::read_request;
use crate::chat::{Block, Body, ChatRequest, Message, ToolBody};
use crate::dialect::Invalid;
use crate::dialect::features::{BYTES_PER_TOKEN, TOKENS_PER_IMAGE};
use crate::domain::Dialect;

/// What a message costs beside its text.
const TOKENS_PER_MESSAGE: usize = 4;
/// Bytes of a document or a sound per token.
const MEDIA_BYTES_PER_TOKEN: usize = 60;

/// Estimates the input tokens of a request in a client's dialect.
///
/// # Errors
/// When the body is not a request of that dialect.
pub fn estimate(client: Dialect, body: &[u8]) -> Result<u64, Invalid> {
    let mut body: serde_json::Value = serde_json::from_slice(body)
        .map_err(|error| Invalid::at("", format!("the body is not valid JSON: {error}")))?;
    // Google wraps a whole request for counting.
    if let Some(inner) = body.get_mut("generateContentRequest") {
        body = inner.take();
    }
    let tokens = of_request(&read_request(client, body)?);
    Ok(tokens as u64)
}

fn of_request(request: &ChatRequest) -> usize {
    let system: usize = request.system.iter().map(of_block).sum();
    let messages: usize = request.messages.iter().map(of_message).sum();
    let tools: usize = request.tools.iter().map(|tool| of_tool(&tool.body)).sum();
    system + messages + tools
}

fn of_message(message: &Message) -> usize {
    TOKENS_PER_MESSAGE + message.blocks.iter().map(of_block).sum::<usize>()
}

fn of_block(block: &Block) -> usize {
    match &block.body {
        Body::Text { text, .. } | Body::Refusal(text) => of_text(text),
        Body::Thinking(thinking) => of_text(&thinking.text),
        Body::ToolCall(call) => of_text(&call.name) + of_text(&call.arguments),
        Body::ToolResult(result) => result.content.iter().map(of_block).sum(),
        Body::Image(_) => TOKENS_PER_IMAGE,
        Body::Audio(media) | Body::Video(media) | Body::Document(media) => match &media.source {
            crate::chat::Source::Base64(data) => data.len() / MEDIA_BYTES_PER_TOKEN,
            crate::chat::Source::Text(text) => of_text(text),
            crate::chat::Source::Url(_) | crate::chat::Source::File(_) => TOKENS_PER_IMAGE,
        },
        Body::Foreign { value, .. } => of_text(&value.to_string()),
    }
}

fn of_tool(tool: &ToolBody) -> usize {
    match tool {
        ToolBody::Function { name, description, schema, .. } => {
            let schema = schema.as_ref().map_or(0, |schema| of_text(&schema.to_string()));
            of_text(name) + description.as_deref().map_or(0, of_text) + schema
        }
        ToolBody::Custom { name, description, .. } => of_text(name) + description.as_deref().map_or(0, of_text),
        ToolBody::Hosted { value, .. } | ToolBody::Foreign { value, .. } => of_text(&value.to_string()),
    }
}

fn of_text(text: &str) -> usize {
    text.len().div_ceil(BYTES_PER_TOKEN)
}
