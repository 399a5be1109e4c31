//! A request for a provider: written.

use serde_json::{Map, Number, Value, json};

use super::effort::{nearest, thinks};
use super::format::put;
use super::merge::{overlay, said};
use super::{format, message_out, tool_out};
use crate::chat::{ChatRequest, Effort, Format, Losses, Reasoning};
use crate::dialect::{Invalid, Quirks, Target, Written};
use crate::domain::Dialect;

/// The API's bounds, which other dialects do not share.
const STOPS_MAX: usize = 4;
const ALTERNATIVES_MAX: u64 = 20;

/// Members of other dialects whose absence changes nothing.
const HARMLESS: &[&str] = &["anthropic_version"];
/// What Responses have under the same name and with the same meaning.
const SHARED: &[&str] = &["safety_identifier", "prompt_cache_retention"];

/// Writes the body of a request, and names what it cannot say.
///
/// # Errors
/// When there is nothing to answer.
pub fn write_request(request: &ChatRequest, target: &Target<'_>, losses: &mut Losses) -> Result<Written, Invalid> {
    let own = request.dialect == Dialect::Openai;
    let quirks = target.quirks;
    let mut messages = message_out::write(request, target, losses);
    if messages.is_empty() {
        return Err(Invalid::at("messages", "must not be empty"));
    }
    let mut body = Map::new();
    body.insert("model".to_owned(), target.model.into());
    // What is asked comes first, for whoever reads along. The format may still add to it.
    body.insert("messages".to_owned(), Value::Null);
    tool_out::write(&mut body, request, target, losses);
    if let Some(format) = &request.format {
        let asked = format::write(format, request.dialect, quirks, losses);
        body.insert("response_format".to_owned(), asked.member);
        let words = asked.words.or_else(|| words_of_json(format, own, &messages));
        if let Some(words) = words {
            instruct(&mut messages, &words);
        }
    }
    body.insert("messages".to_owned(), messages.into());
    sampling(&mut body, request, own, losses);
    let bound = if quirks.max_tokens_only { "max_tokens" } else { "max_completion_tokens" };
    put(&mut body, bound, request.max_tokens);
    if let Some(reasoning) = &request.reasoning {
        think(&mut body, reasoning, target, own, losses);
    }
    put(&mut body, "verbosity", request.verbosity.as_deref());
    labels(&mut body, request, own, losses);
    rest(&mut body, request, quirks, losses);
    Ok(Written::plain(Value::Object(body)))
}

/// The API refuses to answer in JSON unless a message names it, which other dialects do not ask for.
fn words_of_json(format: &Format, own: bool, messages: &[Value]) -> Option<String> {
    let named = || messages.iter().any(|message| message["content"].to_string().to_ascii_lowercase().contains("json"));
    (*format == Format::Json && !own && !named()).then(|| "Answer with a JSON object.".to_owned())
}

/// Adds words to the instructions at the front, or puts them there.
fn instruct(messages: &mut Vec<Value>, words: &str) {
    let system = messages.first_mut().filter(|first| matches!(first["role"].as_str(), Some("system" | "developer")));
    match system.map(|first| &mut first["content"]) {
        Some(Value::String(text)) => {
            text.push_str("\n\n");
            text.push_str(words);
        }
        Some(Value::Array(parts)) => parts.push(json!({"type": "text", "text": words})),
        _ => messages.insert(0, json!({"role": "system", "content": words})),
    }
}

fn sampling(body: &mut Map<String, Value>, request: &ChatRequest, own: bool, losses: &mut Losses) {
    let sampling = &request.sampling;
    let bounded = [
        ("temperature", &sampling.temperature, 0.0, 2.0),
        ("top_p", &sampling.top_p, 0.0, 1.0),
        ("frequency_penalty", &sampling.frequency_penalty, -2.0, 2.0),
        ("presence_penalty", &sampling.presence_penalty, -2.0, 2.0),
    ];
    for (key, number, least, most) in bounded {
        let Some(number) = number else { continue };
        let clamped = clamp(number, least, most).filter(|_| !own);
        losses.add_if(clamped.is_some(), key);
        body.insert(key.to_owned(), Value::Number(clamped.unwrap_or_else(|| number.clone())));
    }
    if own {
        put(body, "top_k", sampling.top_k.clone());
    } else {
        losses.add_if(sampling.top_k.is_some(), "top_k");
    }
    put(body, "seed", sampling.seed.clone());
    put(body, "n", sampling.n);
    put(body, "logprobs", sampling.logprobs);
    let alternatives = sampling.top_logprobs.map(|top| if own { top } else { top.min(ALTERNATIVES_MAX) });
    losses.add_if(alternatives != sampling.top_logprobs, "top_logprobs");
    put(body, "top_logprobs", alternatives);
    let stops = if own { request.stop.len() } else { request.stop.len().min(STOPS_MAX) };
    losses.add_if(stops < request.stop.len(), "stop");
    if stops > 0 {
        body.insert("stop".to_owned(), request.stop[..stops].into());
    }
}

/// The bound that a number is beyond, if it is.
fn clamp(number: &Number, least: f64, most: f64) -> Option<Number> {
    let value = number.as_f64()?;
    if (least..=most).contains(&value) { None } else { Number::from_f64(value.clamp(least, most)) }
}

fn think(body: &mut Map<String, Value>, reasoning: &Reasoning, target: &Target<'_>, own: bool, losses: &mut Losses) {
    // Whether thoughts are shown is not ours to ask for in this API.
    losses.add_if(reasoning.summary.is_some(), "reasoning.summary");
    let shown = reasoning.shown == Some(true) && reasoning.summary.is_none();
    losses.add_if(shown && !target.quirks.wants_reasoning_content, "reasoning.shown");
    let effort = reasoning.effort.or_else(|| reasoning.budget.map(Effort::of_budget));
    // Newer models do not think at all unless asked.
    let automatic = reasoning.adaptive && !own && thinks(target.model);
    let Some(effort) = effort.or(automatic.then_some(Effort::Medium)) else { return };
    if target.quirks.no_reasoning_effort {
        losses.add("reasoning");
        return;
    }
    let known = if own { effort } else { nearest(target.model, effort) };
    losses.add_if(known != effort, "reasoning");
    body.insert("reasoning_effort".to_owned(), known.name().into());
}

/// Who asks, under which labels, and in which class of service.
fn labels(body: &mut Map<String, Value>, request: &ChatRequest, own: bool, losses: &mut Losses) {
    put(body, "user", request.user.as_deref());
    put(body, "prompt_cache_key", request.cache_key.as_deref());
    // The API takes labels only for answers that it stores, and nothing is stored.
    losses.add_if(!own && !request.metadata.is_empty(), "metadata");
    if own && !request.metadata.is_empty() {
        body.insert("metadata".to_owned(), request.metadata.clone().into());
    }
    let tier = request.service_tier.as_deref();
    let known = match tier {
        Some("standard" | "standard_only") if !own => Some("default"),
        Some("auto" | "default" | "flex" | "scale" | "priority" | "fast") => tier,
        _ => tier.filter(|_| own),
    };
    losses.add_if(tier.is_some() && known.is_none(), "service_tier");
    put(body, "service_tier", known);
}

/// Streaming, and what only we know of.
fn rest(body: &mut Map<String, Value>, request: &ChatRequest, quirks: &Quirks, losses: &mut Losses) {
    let own = request.dialect == Dialect::Openai;
    if request.stream {
        body.insert("stream".to_owned(), true.into());
        if !quirks.no_stream_options {
            // Whoever meters must know, whether or not the client asked.
            body.insert("stream_options".to_owned(), json!({"include_usage": true}));
        }
    }
    if !own {
        return foreign(body, request, losses);
    }
    let mut extra = request.extra.clone();
    if !request.stream || quirks.no_stream_options {
        let options = extra.shift_remove("stream_options");
        losses.add_if(request.stream && options.is_some(), "stream_options");
    }
    if quirks.no_json_schema && matches!(request.format, Some(Format::Schema { .. })) {
        extra.shift_remove("response_format");
    }
    if quirks.no_reasoning_effort && extra.shift_remove("reasoning_effort").is_some() {
        losses.add("reasoning");
    }
    overlay(body, &extra);
}

/// What only another dialect knows of.
fn foreign(body: &mut Map<String, Value>, request: &ChatRequest, losses: &mut Losses) {
    for key in said(&request.extra) {
        let value = &request.extra[key];
        match key.as_str() {
            shared if request.dialect == Dialect::Responses && SHARED.contains(&shared) => {
                body.insert(key.clone(), value.clone());
            }
            // Nothing is stored either way.
            "store" if *value == Value::Bool(false) => {}
            harmless if HARMLESS.contains(&harmless) => {}
            _ => losses.add(key.clone()),
        }
    }
}
