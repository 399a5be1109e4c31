//! A whole answer, both ways.

use serde_json::{Map, Value, json};

use super::finish::{self, Seen};
use super::format::put;
use super::merge::{keep, object, overlay};
use super::message_out::seal_of_call;
use super::{assistant, cite, media, thought, tier, usage};
use crate::chat::{Block, Body, ChatResponse, Choice, Finish, ToolCall};
use crate::dialect::fields::Fields;
use crate::dialect::{Frame, Invalid};
use crate::domain::Dialect;

/// What an answer's id begins with.
pub(super) const ID_PREFIX: &str = "chatcmpl-";

/// Reads the body of a provider's answer.
///
/// # Errors
/// What is wrong with it first. A body that says that the provider failed is no answer.
pub fn read_response(body: Value) -> Result<ChatResponse, Invalid> {
    let mut fields = Fields::of(body, "")?;
    if fields.has("error") {
        return Err(fields.invalid("error", "the provider answered with an error"));
    }
    let mut response = ChatResponse::new(Dialect::Openai);
    // An answer is paid for: it does not fail for what is only said about it.
    let mut text = |key: &str| match fields.take(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    response.id = text("id").unwrap_or_default();
    response.model = text("model").unwrap_or_default();
    response.service_tier = text("service_tier");
    response.created = fields.take("created").and_then(|created| created.as_u64());
    let mut items =
        fields.list("choices")?.ok_or_else(|| fields.invalid("choices", "is missing: it must be an array"))?;
    items.sort_by_key(|item| item.get("index").and_then(Value::as_u64).unwrap_or(0));
    for (at, item) in items.into_iter().enumerate() {
        let maker = if at == 0 { response.id.clone() } else { format!("{}_{at}", response.id) };
        response.choices.push(read_choice(item, format!("choices[{at}]"), &maker)?);
    }
    fields.take("object");
    let reported = fields.take("usage");
    response.extra = fields.rest();
    if let Some(source) = reported {
        response.usage = usage::read_usage(source.clone());
        if let (Some(report), Value::Object(source)) = (&response.usage, source) {
            keep(&mut response.extra, "usage", usage::unsaid(source, report));
        }
    }
    Ok(response)
}

fn read_choice(value: Value, path: String, maker: &str) -> Result<Choice, Invalid> {
    let mut fields = Fields::of(value, path)?;
    fields.take("index");
    let mut message = fields.object("message")?.ok_or_else(|| fields.invalid("message", "is missing"))?;
    let mut choice = Choice { blocks: assistant::read(&mut message, maker)?, ..Choice::default() };
    message.take("role");
    keep(&mut choice.extra, "message", message.rest());
    if let Some(mut logprobs) = fields.object("logprobs")? {
        choice.logprobs = logprobs.take("content");
        keep(&mut choice.extra, "logprobs", logprobs.rest());
    }
    if let Some(sequence) = fields.peek_text("stop_reason").map(str::to_owned) {
        fields.take("stop_reason");
        choice.stop_sequence = Some(sequence);
    }
    if let Some(word) = fields.text("finish_reason")? {
        let (calls, refusal) = (calls(&choice.blocks), refuses(&choice.blocks));
        let finish = finish::read(&word, Seen { calls, refusal, sequence: choice.stop_sequence.is_some() });
        let finish = finish.ok_or_else(|| fields.invalid("finish_reason", "the provider gave up"))?;
        if finish::word(finish, refusal) != word {
            choice.extra.insert("finish_reason".to_owned(), word.into());
        }
        choice.finish = Some(finish);
    }
    choice.extra.extend(fields.rest());
    Ok(choice)
}

fn calls(blocks: &[Block]) -> bool {
    blocks.iter().any(|block| matches!(block.body, Body::ToolCall(_)))
}

fn refuses(blocks: &[Block]) -> bool {
    blocks.iter().any(|block| matches!(block.body, Body::Refusal(_)))
}

/// Writes the body of an answer.
pub fn write_response(response: &ChatResponse, frame: &Frame) -> Value {
    let own = response.dialect == Dialect::Openai;
    let id = match response.id.as_str() {
        "" => format!("{ID_PREFIX}{}", frame.unique),
        id if own || id.starts_with(ID_PREFIX) => id.to_owned(),
        id => format!("{ID_PREFIX}{id}"),
    };
    let model = if response.model.is_empty() { &frame.model } else { &response.model };
    let choices = response.choices.iter().enumerate().map(|(at, choice)| write_choice(choice, at, own));
    let mut body = object([
        ("id", id.into()),
        ("object", "chat.completion".into()),
        ("created", response.created.unwrap_or(frame.created).into()),
        ("model", model.as_str().into()),
        ("choices", choices.collect::<Vec<_>>().into()),
    ]);
    let more = response.extra.get("usage").and_then(Value::as_object).filter(|_| own);
    put(&mut body, "usage", response.usage.as_ref().map(|report| usage::write(report, more)));
    let tier = response.service_tier.as_deref();
    put(&mut body, "service_tier", tier.and_then(|tier| if own { Some(tier) } else { tier::named(tier) }));
    if own {
        overlay(&mut body, &response.extra);
    }
    Value::Object(body)
}

fn write_choice(choice: &Choice, at: usize, own: bool) -> Value {
    let finish = choice.finish.unwrap_or(Finish::Stop);
    let word = choice.extra.get("finish_reason").and_then(Value::as_str).filter(|_| own);
    let word = word.unwrap_or_else(|| finish::word(finish, refuses(&choice.blocks)));
    let logprobs = choice.logprobs.as_ref().map(|content| json!({"content": content, "refusal": null}));
    let mut written = object([
        ("index", at.into()),
        ("message", write_message(choice, own).into()),
        ("logprobs", logprobs.into()),
        ("finish_reason", word.into()),
    ]);
    if own {
        put(&mut written, "stop_reason", choice.stop_sequence.as_deref());
        overlay(&mut written, &choice.extra);
    }
    Value::Object(written)
}

fn write_message(choice: &Choice, own: bool) -> Map<String, Value> {
    let (mut text, mut refusal, mut calls, mut images) = (None, None, Vec::new(), Vec::new());
    let more = |so_far: Option<String>, text: &str| Some(so_far.unwrap_or_default() + text);
    for block in &choice.blocks {
        match &block.body {
            Body::Text { text: piece, .. } => text = more(text, piece),
            Body::Refusal(piece) => refusal = more(refusal, piece),
            Body::ToolCall(call) => calls.push(write_call(call, block, own)),
            Body::Image(_) => images.extend(write_image(block, images.len())),
            Body::Foreign { value, .. } if own && value.get("id").is_some() => calls.push(value.clone()),
            _ => {}
        }
    }
    // Clients expect a text unless something else was answered.
    let silent = calls.is_empty() && refusal.is_none() && !choice.extra.contains_key("message");
    let text = text.or_else(|| silent.then(String::new));
    let mut message = object([
        ("role", "assistant".into()),
        ("content", text.into()),
        ("refusal", refusal.into()),
        ("annotations", cite::write_all(&choice.blocks).into()),
    ]);
    thought::write(&mut message, &choice.blocks, own);
    for (key, items) in [("tool_calls", calls), ("images", images)] {
        put(&mut message, key, Some(items).filter(|items| !items.is_empty()));
    }
    message
}

fn write_call(call: &ToolCall, block: &Block, own: bool) -> Value {
    let bare = !own && !call.custom && call.arguments.trim().is_empty();
    let arguments = if bare { "{}" } else { call.arguments.as_str() };
    let inner = if call.custom {
        ("custom", json!({"name": call.name, "input": arguments}))
    } else {
        ("function", json!({"name": call.name, "arguments": arguments}))
    };
    let mut written = object([("id", call.id.as_str().into()), ("type", inner.0.into()), inner]);
    if let Some(seal) = &block.signature {
        written.insert("extra_content".to_owned(), seal_of_call(seal));
    }
    if own {
        overlay(&mut written, &block.extra);
    }
    Value::Object(written)
}

/// A picture that a model made, as compatible gateways answer with it.
fn write_image(block: &Block, at: usize) -> Option<Value> {
    let mut image = media::write(block, false)?;
    image.insert("index".to_owned(), at.into());
    overlay(&mut image, &block.extra);
    Some(Value::Object(image))
}
