//! The common request → a provider's body.

use serde_json::{Map, Number, Value, json};

use super::super::{Invalid, Quirks, Target, Written};
use super::request::STATE;
use super::write_items::Items;
use super::write_parts::{Pen, cites};
use super::{note, options, tools};
use crate::chat::{Block, ChatRequest, Format, Losses, Message, Role};
use crate::domain::Dialect;

/// The API refuses fewer.
const TOKENS_MIN: u64 = 16;
/// The API refuses more.
const TOP_LOGPROBS_MAX: u64 = 20;
/// The API refuses longer ones, in characters.
const SAFETY_IDENTIFIER_MAX: usize = 128;
/// Classes of service that the API knows.
const TIERS: [&str; 7] = ["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"];
/// What chat completions have under the same name and with the same meaning.
const SHARED: [&str; 3] = ["safety_identifier", "prompt_cache_retention", "prompt_cache_options"];

/// Writes a request for a provider, and names what it cannot say.
///
/// # Errors
/// When there is nothing to send.
pub fn write_request(request: &ChatRequest, target: &Target<'_>, losses: &mut Losses) -> Result<Written, Invalid> {
    let own = request.dialect == Dialect::Responses;
    let mut body = Map::new();
    let (text, words) = options::write_text(request, own, target.quirks, losses);
    let lifted = if own { 0 } else { leading_instructions(&request.messages) };
    put(&mut body, "model", Some(target.model.into()));
    put(&mut body, "instructions", instructions(request, lifted, words.as_deref(), losses));
    put(&mut body, "input", input(request, lifted, target, losses)?);
    let tools = tools::write(request, own, losses);
    put(&mut body, "tools", (!tools.is_empty()).then(|| tools.into()));
    put(&mut body, "tool_choice", tools::write_choice(request, target.quirks, losses));
    put(&mut body, "parallel_tool_calls", parallel(request, target.quirks, losses));
    put(&mut body, "text", text);
    put(&mut body, "reasoning", options::write_reasoning(request, own, target, losses));
    limits(request, own, &mut body, losses);
    put(&mut body, "stream", request.stream.then_some(Value::Bool(true)));
    put(&mut body, "service_tier", service_tier(request, own, losses));
    user(request, own, &mut body, losses);
    put(&mut body, "prompt_cache_key", request.cache_key.as_deref().map(Value::from));
    put(&mut body, "metadata", (!request.metadata.is_empty()).then(|| Value::Object(request.metadata.clone())));
    unsayable(request, losses);
    if own {
        put(&mut body, "include", options::own_include(request));
        for (key, value) in note::members(&request.extra).filter(|(key, _)| !merged(key)) {
            body.insert(key.clone(), value.clone());
        }
    } else {
        put(&mut body, "max_tool_calls", tools::max_calls(request).map(Value::from));
        put(&mut body, "store", Some(Value::Bool(false)));
        put(&mut body, "include", options::foreign_include(request, target.model));
        foreign_extra(request, &mut body, losses);
    }
    Ok(Written::plain(Value::Object(body)))
}

fn put(body: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        body.insert(key.to_owned(), value);
    }
}

/// Members of `extra` that are parts of what was written already.
fn merged(key: &str) -> bool {
    matches!(key, "text" | "reasoning" | "include")
}

/// How many messages in front are instructions and nothing but text. None, if nothing else would be left to send.
fn leading_instructions(messages: &[Message]) -> usize {
    let is_text = |block: &Block| block.as_text().is_some();
    let instructs = |message: &&Message| {
        matches!(message.role, Role::System | Role::Developer) && message.blocks.iter().all(is_text)
    };
    let count = messages.iter().take_while(instructs).count();
    if count == messages.len() { 0 } else { count }
}

fn instructions(request: &ChatRequest, lifted: usize, words: Option<&str>, losses: &mut Losses) -> Option<Value> {
    let mut texts: Vec<&str> = Vec::new();
    let system = request.system.iter().enumerate().map(|(at, block)| (format!("system[{at}]"), block));
    let lead = request.messages[..lifted].iter().enumerate().flat_map(|(index, message)| {
        let blocks = message.blocks.iter().enumerate();
        blocks.map(move |(at, block)| (format!("messages[{index}].content[{at}]"), block))
    });
    for (place, block) in system.chain(lead) {
        match block.as_text() {
            Some(text) => texts.push(text),
            None => losses.add(format!("{place}.{}", block.kind())),
        }
        losses.add_if(cites(block), format!("{place}.citations"));
        losses.add_if(block.cache.is_some(), format!("{place}.cache_control"));
        note::lose(&block.extra, &format!("{place}."), losses);
    }
    for (index, message) in request.messages[..lifted].iter().enumerate() {
        losses.add_if(message.name.is_some(), format!("messages[{index}].name"));
        note::lose(&message.extra, &format!("messages[{index}]."), losses);
    }
    texts.extend(words);
    (!texts.is_empty()).then(|| texts.join("\n\n").into())
}

fn input(
    request: &ChatRequest,
    lifted: usize,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<Option<Value>, Invalid> {
    let own = request.dialect == Dialect::Responses;
    let pen = Pen { dialect: request.dialect, losses };
    let no_developer_role = target.quirks.no_developer_role;
    let mut writer = Items { request, pen, no_developer_role, items: Vec::new() };
    if !own && request.format == Some(Format::Json) && !mentions_json(request) {
        // The API refuses to promise JSON unless a message asks for it.
        let role = if no_developer_role { "system" } else { "developer" };
        writer.items.push(json!({"type": "message", "role": role, "content": "Answer in JSON."}));
    }
    let before = writer.items.len();
    for (index, message) in request.messages.iter().enumerate().skip(lifted) {
        writer.message(index, message);
    }
    if writer.items.len() > before {
        return Ok(Some(writer.items.into()));
    }
    if own && STATE.iter().any(|key| request.extra.contains_key(*key)) {
        return Ok(None);
    }
    Err(Invalid::at("messages", "must hold something that can be sent"))
}

fn mentions_json(request: &ChatRequest) -> bool {
    let blocks = request.messages.iter().flat_map(|message| &message.blocks);
    blocks.filter_map(Block::as_text).any(|text| text.to_ascii_lowercase().contains("json"))
}

/// `user` is the older name of two members. Anthropic's clients mean the one of them that is for safety.
fn user(request: &ChatRequest, own: bool, body: &mut Map<String, Value>, losses: &mut Losses) {
    let Some(user) = request.user.as_deref() else { return };
    if own || request.dialect == Dialect::Openai {
        put(body, "user", Some(user.into()));
    } else if user.chars().count() <= SAFETY_IDENTIFIER_MAX {
        put(body, "safety_identifier", Some(user.into()));
    } else {
        losses.add("user");
    }
}

fn parallel(request: &ChatRequest, quirks: &Quirks, losses: &mut Losses) -> Option<Value> {
    let parallel = request.parallel_tools?;
    if quirks.no_parallel_tool_calls {
        losses.add_if(!parallel, "parallel_tool_calls");
        return None;
    }
    Some(parallel.into())
}

/// Numbers. What came in this dialect is for the provider to judge; others' are brought into its range.
fn limits(request: &ChatRequest, own: bool, body: &mut Map<String, Value>, losses: &mut Losses) {
    let sampling = &request.sampling;
    let mut number = |name: &'static str, given: &Option<Number>, max: f64| {
        let over = given.as_ref().and_then(Number::as_f64).is_some_and(|number| number > max);
        losses.add_if(over && !own, name);
        let written = if over && !own { Some(Value::from(max)) } else { given.clone().map(Value::Number) };
        put(body, name, written);
    };
    number("temperature", &sampling.temperature, 2.0);
    number("top_p", &sampling.top_p, 1.0);
    let mut whole = |name: &'static str, key: &str, given: Option<u64>, (min, max): (u64, u64)| {
        let written = given.map(|given| if own { given } else { given.clamp(min, max) });
        losses.add_if(written != given, name);
        put(body, key, written.map(Value::from));
    };
    whole("max_tokens", "max_output_tokens", request.max_tokens, (TOKENS_MIN, u64::MAX));
    whole("top_logprobs", "top_logprobs", sampling.top_logprobs, (0, TOP_LOGPROBS_MAX));
}

/// What no member of this API says.
fn unsayable(request: &ChatRequest, losses: &mut Losses) {
    let sampling = &request.sampling;
    let not_zero = |number: &Option<Number>| number.as_ref().is_some_and(|number| number.as_f64() != Some(0.0));
    losses.add_if(sampling.top_k.is_some(), "top_k");
    losses.add_if(sampling.seed.is_some(), "seed");
    losses.add_if(not_zero(&sampling.frequency_penalty), "frequency_penalty");
    losses.add_if(not_zero(&sampling.presence_penalty), "presence_penalty");
    losses.add_if(sampling.n.is_some_and(|n| n > 1), "n");
    losses.add_if(!request.stop.is_empty(), "stop");
}

fn service_tier(request: &ChatRequest, own: bool, losses: &mut Losses) -> Option<Value> {
    let tier = request.service_tier.as_deref()?;
    match tier {
        "standard" | "standard_only" if !own => Some("default".into()),
        _ if own || TIERS.contains(&tier) => Some(tier.into()),
        _ => {
            losses.add("service_tier");
            None
        }
    }
}

fn foreign_extra(request: &ChatRequest, body: &mut Map<String, Value>, losses: &mut Losses) {
    for (key, value) in note::members(&request.extra) {
        match key.as_str() {
            shared if request.dialect == Dialect::Openai && SHARED.contains(&shared) => {
                put(body, shared, Some(value.clone()));
            }
            // Nothing is stored either way.
            "store" if value == &Value::Bool(false) => {}
            _ => losses.add(key.clone()),
        }
    }
}
