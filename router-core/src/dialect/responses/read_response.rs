//! A provider's answer → the common one.

use serde_json::Value;

use super::super::Invalid;
use super::super::fields::Fields;
use super::items::Turns;
use super::{parts, usage};
use crate::chat::{Block, Body, ChatResponse, Choice, Finish};
use crate::domain::{Dialect, UsageReport};

/// Reads a whole answer.
///
/// # Errors
/// What is wrong, and where. An answer that failed, was cancelled or is still being made is none.
pub fn read_response(body: Value) -> Result<ChatResponse, Invalid> {
    let mut fields = Fields::of(body, "")?;
    let incomplete = status(&mut fields)?;
    let mut response = ChatResponse::new(Dialect::Responses);
    fields.take("object");
    response.id = fields.text("id")?.unwrap_or_default();
    response.model = fields.text("model")?.unwrap_or_default();
    response.created = fields.number("created_at")?.and_then(|number| whole(&number.to_string()));
    response.service_tier = fields.text("service_tier")?;
    let mut blocks = output(&mut fields)?;
    let logprobs = take_logprobs(&mut blocks);
    let (usage, tools) = (fields.take("usage"), fields.take("tool_usage"));
    response.usage = usage.and_then(usage::read_usage).map(|usage| {
        let web_searches = tools.as_ref().and_then(usage::searches).unwrap_or_else(|| searches(&blocks));
        UsageReport { web_searches, ..usage }
    });
    if let Some(tools) = tools {
        fields.put_back("tool_usage", tools);
    }
    let finish = finish(&mut fields, incomplete, &blocks)?;
    response.choices.push(Choice { blocks, finish: Some(finish), logprobs, ..Choice::default() });
    response.extra = fields.rest();
    Ok(response)
}

/// Whether the answer was cut off.
fn status(fields: &mut Fields) -> Result<bool, Invalid> {
    let code = fields.take("error").map(|error| match error.get("code").and_then(Value::as_str) {
        Some(code) => code.to_owned(),
        None => "no code".to_owned(),
    });
    if let Some(code) = code {
        return Err(fields.invalid("error", format!("the provider gave up on the answer ({code})")));
    }
    match fields.text("status")?.as_deref() {
        None | Some("completed") => Ok(false),
        Some("incomplete") => Ok(true),
        Some(other) => Err(fields.invalid("status", format!("the answer is not complete: it is {other:?}"))),
    }
}

/// The whole part of a number that may have been written with a fraction.
pub(super) fn whole(number: &str) -> Option<u64> {
    number.split('.').next()?.parse().ok()
}

fn output(fields: &mut Fields) -> Result<Vec<Block>, Invalid> {
    let items = fields.list("output")?.ok_or_else(|| fields.invalid("output", "is missing: it must be an array"))?;
    let mut turns = Turns::default();
    for (at, item) in items.into_iter().enumerate() {
        turns.item(item, format!("output[{at}]"))?;
    }
    Ok(turns.into_messages().into_iter().flat_map(|message| message.blocks).collect())
}

fn take_logprobs(blocks: &mut [Block]) -> Option<Value> {
    let tokens: Vec<_> =
        blocks.iter_mut().filter_map(|block| parts::take_logprobs(&mut block.extra)).flatten().collect();
    (!tokens.is_empty()).then_some(Value::Array(tokens))
}

fn searches(blocks: &[Block]) -> u64 {
    let searched = |block: &&Block| matches!(&block.body, Body::Foreign { value, .. } if is_search(value));
    blocks.iter().filter(searched).count() as u64
}

/// Whether an item is a search of the web; opening a page is not charged.
pub(super) fn is_search(item: &Value) -> bool {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let action = text(item.get("action").and_then(|action| action.get("type")));
    text(item.get("type")).as_deref() == Some("web_search_call") && action.is_none_or(|kind| kind == "search")
}

fn finish(fields: &mut Fields, incomplete: bool, blocks: &[Block]) -> Result<Finish, Invalid> {
    let details = fields.take("incomplete_details");
    if incomplete {
        let reason = details.as_ref().and_then(|details| details.get("reason")).and_then(Value::as_str);
        let finish = cut_off(reason);
        if let (Some(details), false) = (details.clone(), known_reason(reason)) {
            fields.put_back("incomplete_details", details);
        }
        return Ok(finish);
    }
    let has = |wanted: fn(&Body) -> bool| blocks.iter().any(|block| wanted(&block.body));
    Ok(complete(Said {
        calls: has(|body| matches!(body, Body::ToolCall(_))),
        refusals: has(|body| matches!(body, Body::Refusal(_))),
        texts: has(|body| matches!(body, Body::Text { .. })),
    }))
}

/// Why an answer was cut off.
pub(super) fn cut_off(reason: Option<&str>) -> Finish {
    if reason == Some("content_filter") { Finish::Filtered } else { Finish::Length }
}

fn known_reason(reason: Option<&str>) -> bool {
    matches!(reason, Some("content_filter" | "max_output_tokens"))
}

/// What kinds of blocks an answer has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    pub(super) calls: bool,
    pub(super) refusals: bool,
    pub(super) texts: bool,
}

/// Why an answer ended that is complete.
pub(super) fn complete(said: Said) -> Finish {
    match said {
        Said { calls: true, .. } => Finish::ToolCalls,
        Said { refusals: true, texts: false, .. } => Finish::Refused,
        _ => Finish::Stop,
    }
}
