//! A provider's answer → the common answer.

use serde_json::Value;

use super::super::Invalid;
use super::super::fields::Fields;
use super::ids::Ids;
use super::member::{message, repeated, word};
use super::{finish, grounding, logprobs, request, time, usage};
use crate::chat::{Body, ChatResponse, Choice, Finish};
use crate::domain::Dialect;

/// Marks a choice that stands for a prompt that was blocked: there was no candidate.
pub(super) const BLOCKED_NOTE: &str = "\0blocked";

/// Reads an answer of `generateContent`.
///
/// # Errors
/// What does not say what Google says, and where.
pub fn read_response(body: Value) -> Result<ChatResponse, Invalid> {
    let mut fields = message(body, "")?;
    let mut response = ChatResponse::new(Dialect::Gemini);
    response.id = fields.text("responseId")?.unwrap_or_default();
    response.model = fields.text("modelVersion")?.unwrap_or_default();
    response.created = fields.peek_text("createTime").and_then(time::unix_seconds);
    let mut searches = 0;
    let mut ids = Ids::default();
    ids.turn(&*response.id);
    let mut choices = Vec::new();
    for (at, candidate) in repeated(&mut fields, "candidates")?.unwrap_or_default().into_iter().enumerate() {
        let mut candidate = message(candidate, format!("candidates[{at}]"))?;
        let index = candidate.whole("index")?.unwrap_or(at as u64);
        let choice = choice(candidate, &mut ids)?;
        searches += choice.extra.get("groundingMetadata").map_or(0, grounding::searches);
        choices.push((index, choice));
    }
    choices.sort_by_key(|(index, _)| *index);
    response.choices = choices.into_iter().map(|(_, choice)| choice).collect();
    if let Some(blocked) = blocked(&mut fields, response.choices.is_empty())? {
        response.choices.push(blocked);
    }
    if let Some(reported) = fields.take("usageMetadata") {
        response.usage = usage::read_usage(reported.clone());
        if let Some(usage) = &mut response.usage {
            usage.web_searches = searches;
        }
        let traffic = reported.get("trafficType").and_then(Value::as_str);
        response.service_tier = traffic.and_then(usage::tier_of).map(str::to_owned);
        fields.put_back("usageMetadata", reported);
    }
    response.extra = fields.rest();
    Ok(response)
}

/// What stands for the answer when the prompt was blocked. The feedback itself stays where it is.
fn blocked(fields: &mut Fields, no_answer: bool) -> Result<Option<Choice>, Invalid> {
    let Some(feedback) = fields.take("promptFeedback") else { return Ok(None) };
    let reason = message(feedback.clone(), "promptFeedback")?.text("blockReason")?;
    fields.put_back("promptFeedback", feedback);
    let mut choice = Choice { finish: Some(Finish::Filtered), ..Choice::default() };
    choice.extra.insert(BLOCKED_NOTE.into(), true.into());
    Ok(reason.filter(|_| no_answer).map(|_| choice))
}

fn choice(mut candidate: Fields, ids: &mut Ids) -> Result<Choice, Invalid> {
    let mut choice = Choice::default();
    if let Some(content) = candidate.take("content") {
        let mut read = message(content.clone(), candidate.path("content"))?;
        choice.blocks = request::parts(&mut read, ids)?;
        if choice.blocks.is_empty() {
            candidate.put_back("content", content);
        }
    }
    if let Some(reason) = word(&mut candidate, "finishReason")? {
        let calls = choice.blocks.iter().any(|block| matches!(block.body, Body::ToolCall(_)));
        let read = finish::read(&reason);
        choice.finish = Some(finish::with_calls(read, calls));
        if finish::write(read, false) != reason {
            candidate.put_back("finishReason", reason.into());
        }
    }
    if let Some(metadata) = candidate.take("groundingMetadata") {
        grounding::attach(&metadata, &mut choice.blocks);
        candidate.put_back("groundingMetadata", metadata);
    }
    if let Some(result) = candidate.take("logprobsResult") {
        choice.logprobs = logprobs::read(&result);
        candidate.put_back("logprobsResult", result);
    }
    choice.extra = candidate.rest();
    Ok(choice)
}
