//! A client's body → the common request.

use serde_json::Value;

use super::super::Invalid;
use super::super::fields::Fields;
use super::items::Turns;
use super::{options, tools};
use crate::chat::{Block, ChatRequest, Message, Role};
use crate::domain::Dialect;

/// Members that name something kept at the provider: with one of them a request may come without `input`.
pub(super) const STATE: [&str; 3] = ["previous_response_id", "conversation", "prompt"];

/// Reads a request.
///
/// Members that ask for state at the provider (`store`, `previous_response_id`, `conversation`, `background`, `prompt`)
/// stay in [`ChatRequest::extra`]: whoever routes the request knows what to do about them.
///
/// # Errors
/// What is wrong, and where.
pub fn read_request(body: Value) -> Result<ChatRequest, Invalid> {
    let mut fields = Fields::of(body, "")?;
    let mut request = ChatRequest::new(Dialect::Responses);
    request.model = fields.text("model")?.unwrap_or_default();
    let instructions = fields.text("instructions")?.map(|text| Block::text(text).at("instructions"));
    request.system = instructions.into_iter().collect();
    request.messages = input(&mut fields)?;
    for (at, tool) in fields.list("tools")?.unwrap_or_default().into_iter().enumerate() {
        request.tools.push(tools::read(tool, format!("tools[{at}]"))?);
    }
    if let Some(choice) = fields.take("tool_choice") {
        match tools::read_choice(choice)? {
            Ok(choice) => request.tool_choice = Some(choice),
            Err(own) => drop(request.extra.insert("tool_choice".to_owned(), own)),
        }
    }
    request.parallel_tools = fields.flag("parallel_tool_calls")?;
    request.sampling.temperature = fields.number("temperature")?;
    request.sampling.top_p = fields.number("top_p")?;
    request.sampling.top_logprobs = fields.whole("top_logprobs")?;
    request.max_tokens = fields.whole("max_output_tokens")?;
    request.stream = fields.flag("stream")?.unwrap_or_default();
    request.service_tier = fields.text("service_tier")?;
    request.user = fields.text("user")?;
    request.cache_key = fields.text("prompt_cache_key")?;
    request.metadata = fields.object("metadata")?.map(Fields::rest).unwrap_or_default();
    options::read_text(&mut fields, &mut request)?;
    options::read_reasoning(&mut fields, &mut request)?;
    options::read_include(&mut fields, &mut request)?;
    request.extra.extend(fields.rest());
    Ok(request)
}

fn input(fields: &mut Fields) -> Result<Vec<Message>, Invalid> {
    match fields.take("input") {
        Some(Value::String(text)) => Ok(vec![Message::new(Role::User, vec![Block::text(text).at("input")])]),
        Some(Value::Array(items)) => {
            let mut turns = Turns::default();
            for (at, item) in items.into_iter().enumerate() {
                turns.item(item, format!("input[{at}]"))?;
            }
            Ok(turns.into_messages())
        }
        Some(_) => Err(fields.invalid("input", "must be a string or an array of items")),
        None if STATE.iter().any(|key| fields.has(key)) => Ok(Vec::new()),
        None => Err(fields.invalid("input", "is missing: it must be a string or an array of items")),
    }
}
