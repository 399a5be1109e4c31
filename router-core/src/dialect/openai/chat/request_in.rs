//! A client's request: read.

use serde_json::Value;

use super::merge::keep;
use super::{format, message_in, tool_in};
use crate::chat::{ChatRequest, Effort, Extra, Reasoning, Sampling};
use crate::dialect::Invalid;
use crate::dialect::fields::Fields;
use crate::domain::Dialect;

/// Reads the body of a request.
///
/// # Errors
/// What is wrong with it first.
pub fn read_request(body: Value) -> Result<ChatRequest, Invalid> {
    let mut fields = Fields::of(body, "")?;
    let mut extra = Extra::new();
    let mut request = ChatRequest::new(Dialect::Openai);
    request.model = fields.need_text("model")?;
    request.messages = message_in::read(&mut fields)?;
    request.tools = tool_in::tools(&mut fields)?;
    request.tool_choice = tool_in::choice(&mut fields, &mut extra)?;
    request.parallel_tools = fields.flag("parallel_tool_calls")?;
    request.format = format::read(&mut fields, &mut extra)?;
    request.sampling = sampling(&mut fields)?;
    request.max_tokens = max_tokens(&mut fields)?;
    request.stop = stop(&mut fields)?;
    request.reasoning = reasoning(&mut fields, &mut extra)?;
    request.verbosity = fields.text("verbosity")?;
    request.stream = fields.flag("stream")?.unwrap_or(false);
    if let Some(mut options) = fields.object("stream_options")? {
        request.include_usage = options.flag("include_usage")?.unwrap_or(false);
        keep(&mut extra, "stream_options", options.rest());
    }
    request.service_tier = fields.text("service_tier")?;
    request.user = fields.text("user")?;
    request.metadata = fields.object("metadata")?.map(Fields::rest).unwrap_or_default();
    request.cache_key = fields.text("prompt_cache_key")?;
    extra.extend(fields.rest());
    request.extra = extra;
    Ok(request)
}

fn sampling(fields: &mut Fields) -> Result<Sampling, Invalid> {
    Ok(Sampling {
        temperature: fields.number("temperature")?,
        top_p: fields.number("top_p")?,
        // Not OpenAI's own, but of most servers that are compatible with it.
        top_k: fields.number("top_k")?,
        seed: fields.number("seed")?,
        frequency_penalty: fields.number("frequency_penalty")?,
        presence_penalty: fields.number("presence_penalty")?,
        n: fields.whole("n")?,
        logprobs: fields.flag("logprobs")?,
        top_logprobs: fields.whole("top_logprobs")?,
    })
}

/// The bound by its newer or its older name. Two that differ have no meaning.
fn max_tokens(fields: &mut Fields) -> Result<Option<u64>, Invalid> {
    let newer = fields.whole("max_completion_tokens")?;
    let older = fields.whole("max_tokens")?;
    if newer.is_some() && older.is_some() && newer != older {
        return Err(fields.invalid("max_tokens", "differs from max_completion_tokens: send one of them"));
    }
    Ok(newer.or(older))
}

fn stop(fields: &mut Fields) -> Result<Vec<String>, Invalid> {
    if let Some(stop) = fields.peek_text("stop").map(str::to_owned) {
        fields.take("stop");
        return Ok(vec![stop]);
    }
    Ok(fields.texts("stop")?.unwrap_or_default())
}

fn reasoning(fields: &mut Fields, extra: &mut Extra) -> Result<Option<Reasoning>, Invalid> {
    let Some(word) = fields.text("reasoning_effort")? else { return Ok(None) };
    if let Some(effort) = Effort::named(&word) {
        return Ok(Some(Reasoning { effort: Some(effort), ..Reasoning::default() }));
    }
    // Servers have words of their own, which mean something to them only.
    extra.insert("reasoning_effort".to_owned(), word.into());
    Ok(None)
}
