//! A whole answer.

use serde_json::{Value, json};

use super::blocks::{input_of, read_content};
use super::shape::{members, merge};
use super::{citation, stop, usage};
use crate::chat::{Block, Body, ChatResponse, Choice, Finish, Signature};
use crate::dialect::fields::Fields;
use crate::dialect::{Frame, Invalid};
use crate::domain::{Dialect, UsageReport};

/// How the ids of answers begin.
pub(super) const ID_PREFIX: &str = "msg_";

/// Reads an answer.
///
/// # Errors
/// When it is none: the place is told by indexes.
pub fn read_response(body: Value) -> Result<ChatResponse, Invalid> {
    let mut fields = Fields::of(body, "")?;
    match fields.text("type")?.as_deref() {
        None | Some("message") => {}
        Some(other) => return Err(Invalid::at("type", format!("must be message, and is {other}"))),
    }
    if !fields.has("content") {
        return Err(fields.invalid("content", "is missing: it must be an array of content blocks"));
    }
    fields.take("role");
    let mut response = ChatResponse::new(Dialect::Anthropic);
    response.id = fields.text("id")?.unwrap_or_default();
    response.model = fields.text("model")?.unwrap_or_default();
    if let Some(content) = fields.take("content") {
        fields.put_back("content", with_ids(content, &response.id));
    }
    let blocks = read_content(&mut fields, "content")?;
    let stop_sequence = fields.text("stop_sequence")?;
    let finish = match fields.text("stop_reason")? {
        None => None,
        Some(reason) => {
            let finish = stop::read(&reason).unwrap_or(Finish::Stop);
            if stop::write(finish, false, false) != reason {
                fields.put_back("stop_reason", reason.into());
            }
            Some(finish)
        }
    };
    response.choices = vec![Choice { blocks, finish, stop_sequence, ..Choice::default() }];
    if let Some(Value::Object(mut counts)) = fields.take("usage") {
        response.usage = usage::read_usage(Value::Object(counts.clone()));
        if let Some(Value::String(tier)) = counts.get("service_tier") {
            response.service_tier = Some(tier.clone());
            counts.shift_remove("service_tier");
        }
        let left = usage::leftover(counts);
        if !left.is_empty() {
            fields.put_back("usage", Value::Object(left));
        }
    }
    response.extra = fields.rest();
    Ok(response)
}

/// Gives an id to every call that a careless provider left without one.
fn with_ids(mut content: Value, response: &str) -> Value {
    for (at, block) in content.as_array_mut().into_iter().flatten().enumerate() {
        let lacks = block["type"] == "tool_use" && block["id"].as_str().unwrap_or_default().is_empty();
        if let Some(block) = block.as_object_mut().filter(|_| lacks) {
            block.insert("id".to_owned(), format!("toolu_{response}_{at}").into());
        }
    }
    content
}

/// Writes an answer. The API has but one; of several the first is told.
pub fn write_response(response: &ChatResponse, frame: &Frame) -> Value {
    let own = response.dialect == Dialect::Anthropic;
    let none = Choice::default();
    let choice = response.choices.first().unwrap_or(&none);
    let has = |wanted: fn(&Body) -> bool| choice.blocks.iter().any(|block| wanted(&block.body));
    let calls = has(|body| matches!(body, Body::ToolCall(_)));
    let refusal = has(|body| matches!(body, Body::Refusal(_)));
    let mut content = Vec::with_capacity(choice.blocks.len());
    choice.blocks.iter().for_each(|block| write_block(block, own, &mut content));
    let tier = response.service_tier.as_deref();
    let tier = if own { tier } else { tier.and_then(usage::service_tier) };
    let left = response.extra.get("usage").and_then(Value::as_object).filter(|_| own);
    let unknown = UsageReport::default();
    let model = if response.model.is_empty() { &frame.model } else { &response.model };
    let mut body = members(json!({
        "id": id(response, frame, own),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": choice.finish.map(|finish| stop::write(finish, calls, refusal)),
        "stop_sequence": choice.stop_sequence,
        "usage": usage::write(response.usage.as_ref().unwrap_or(&unknown), tier, left, own),
    }));
    if own {
        merge(&mut body, &response.extra);
        merge(&mut body, &choice.extra);
    }
    Value::Object(body)
}

fn id(response: &ChatResponse, frame: &Frame, own: bool) -> String {
    match response.id.as_str() {
        "" => format!("{ID_PREFIX}{}", frame.unique),
        id if own || id.starts_with(ID_PREFIX) => id.to_owned(),
        id => format!("{ID_PREFIX}{id}"),
    }
}

fn write_block(block: &Block, own: bool, content: &mut Vec<Value>) {
    let carried = block.signature.as_ref().map(|signature| signature.carried_in(Dialect::Anthropic));
    let object = match &block.body {
        Body::Text { text, citations } => {
            let mut object = json!({"type": "text", "text": text});
            let citations: Vec<_> = citations.iter().filter_map(citation::written).collect();
            if !citations.is_empty() {
                object["citations"] = Value::Array(citations);
            }
            object
        }
        Body::Refusal(text) => json!({"type": "text", "text": text}),
        Body::Thinking(thinking) if thinking.redacted => match &carried {
            Some(data) => json!({"type": "redacted_thinking", "data": data}),
            None => return,
        },
        Body::Thinking(thinking) => {
            let (text, signature) = (thinking.shown(), carried.as_deref().unwrap_or_default());
            if !own && text.is_empty() && signature.is_empty() {
                // Thoughts of which nothing came are not worth a block.
                return;
            }
            json!({"type": "thinking", "thinking": text, "signature": signature})
        }
        Body::ToolCall(call) => {
            // What a model wrote need not be an object; the client is told all of it.
            let input = input_of(call).unwrap_or_else(|| json!({"input": call.arguments}));
            json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input})
        }
        Body::Foreign { dialect: Dialect::Anthropic, value } => value.clone(),
        Body::Foreign { .. } | Body::ToolResult(_) => return,
        Body::Image(_) | Body::Audio(_) | Body::Video(_) | Body::Document(_) => {
            // The API's answers are text: the client is told that there was something.
            json!({"type": "text", "text": format!("[{}]", block.kind())})
        }
    };
    if !matches!(block.body, Body::Thinking(_))
        && let Some(signature) = &block.signature
    {
        content.push(carrier(signature));
    }
    let mut object = members(object);
    if own {
        merge(&mut object, &block.extra);
    }
    content.push(Value::Object(object));
}

/// Empty thoughts that carry the signature of the block after them.
fn carrier(signature: &Signature) -> Value {
    json!({"type": "thinking", "thinking": "", "signature": signature.carried_in(Dialect::Anthropic)})
}
