//! What a Response object repeats of its request.

use serde_json::{Value, json};

use super::super::{Quirks, Target, strict};
use super::{options, tools};
use crate::chat::{ChatRequest, Extra, Losses, ToolBody};

/// How wordy an answer is unless asked.
const VERBOSITY: &str = "medium";

/// Members of `extra` that a Response repeats as they are.
const REPEATED: [&str; 4] = ["max_tool_calls", "prompt_cache_retention", "safety_identifier", "truncation"];

/// The caller's own labels, which are repeated whoever was told of them.
const LABELS: &str = "metadata";

/// The members of a request that every Response to it repeats. Where the request is silent, and for what is among
/// `losses`, they have the API's defaults: a Response says how it was made, and not how it was to be made.
pub fn echo(request: &ChatRequest, losses: &Losses) -> Extra {
    let kept = |key: &str| key == LABELS || !losses.iter().any(|lost| lost == key);
    let mut echo = defaults();
    for (key, value) in asked(request, losses) {
        if !value.is_null() && kept(&key) {
            echo.insert(key, value);
        }
    }
    if !kept("verbosity") {
        echo["text"]["verbosity"] = VERBOSITY.into();
    }
    if !kept("reasoning.summary") {
        echo["reasoning"]["summary"] = Value::Null;
    }
    if !kept("response_format") {
        echo["text"]["format"] = json!({"type": "text"});
    }
    if !kept("response_format.strict") {
        echo["text"]["format"]["strict"] = false.into();
    }
    echo
}

/// What a Response says of a request that says nothing. What would be kept at the provider is not in [`asked`], for
/// nothing is kept: `background`, `conversation`, `previous_response_id`, `prompt` and `store`.
fn defaults() -> Extra {
    let defaults = [
        ("background", false.into()),
        ("conversation", Value::Null),
        ("max_tool_calls", Value::Null),
        ("previous_response_id", Value::Null),
        ("prompt", Value::Null),
        ("prompt_cache_retention", Value::Null),
        ("safety_identifier", Value::Null),
        ("store", false.into()),
        ("truncation", "disabled".into()),
        ("instructions", Value::Null),
        ("max_output_tokens", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", true.into()),
        ("prompt_cache_key", Value::Null),
        ("reasoning", json!({"effort": null, "summary": null})),
        ("service_tier", "auto".into()),
        ("temperature", json!(1.0)),
        ("text", json!({"format": {"type": "text"}, "verbosity": VERBOSITY})),
        ("tool_choice", "auto".into()),
        ("tools", json!([])),
        ("top_logprobs", 0.into()),
        ("top_p", json!(1.0)),
        ("user", Value::Null),
    ];
    defaults.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()
}

/// What a request says; nothing is `null`.
fn asked(request: &ChatRequest, lost: &Losses) -> Vec<(String, Value)> {
    // What this dialect cannot say of it is nobody's loss.
    let (mut unsaid, quirks) = (Losses::default(), Quirks::default());
    let texts: Vec<_> = request.system.iter().filter_map(|block| block.as_text()).collect();
    let sampling = &request.sampling;
    let choice = request.extra.get("tool_choice").cloned();
    let choice = choice.or_else(|| tools::write_choice(request, &quirks, &mut unsaid));
    let mut asked: Vec<_> =
        REPEATED.map(|key| (key.to_owned(), request.extra.get(key).cloned().unwrap_or_default())).into();
    let rest = [
        ("instructions", if texts.is_empty() { Value::Null } else { texts.join("\n\n").into() }),
        ("max_output_tokens", request.max_tokens.into()),
        ("metadata", Value::Object(request.metadata.clone())),
        ("parallel_tool_calls", request.parallel_tools.into()),
        ("prompt_cache_key", request.cache_key.clone().into()),
        ("reasoning", reasoning(request, &quirks, &mut unsaid)),
        ("service_tier", request.service_tier.clone().into()),
        ("temperature", sampling.temperature.clone().into()),
        ("text", text(request, &quirks, &mut unsaid)),
        ("tool_choice", choice.unwrap_or_default()),
        ("tools", tools_told(request, lost).into()),
        ("top_logprobs", sampling.top_logprobs.into()),
        ("top_p", sampling.top_p.clone().into()),
        ("user", request.user.clone().into()),
    ];
    asked.extend(rest.map(|(key, value)| (key.to_owned(), value)));
    asked
}

/// The tools that the provider was told of.
fn tools_told(request: &ChatRequest, lost: &Losses) -> Vec<Value> {
    let is_lost = |place: String| lost.iter().any(|name| name == place);
    let mut tools = tools::write(request, true, &mut Losses::default());
    for (at, (tool, asked)) in tools.iter_mut().zip(&request.tools).enumerate() {
        if let ToolBody::Function { strict, schema, .. } = &asked.body {
            let told = strict::is_tool(request.dialect, *strict, schema.as_ref());
            tool["strict"] = (told && !is_lost(format!("tools[{at}].strict"))).into();
        }
    }
    let told = |(at, tool)| (!is_lost(format!("tools[{at}]"))).then_some(tool);
    tools.into_iter().enumerate().filter_map(told).collect()
}

fn text(request: &ChatRequest, quirks: &Quirks, losses: &mut Losses) -> Value {
    let mut text = json!({"format": {"type": "text"}, "verbosity": VERBOSITY});
    let (given, _) = options::write_text(request, true, quirks, losses);
    over(&mut text, given);
    text
}

fn reasoning(request: &ChatRequest, quirks: &Quirks, losses: &mut Losses) -> Value {
    let mut reasoning = json!({"effort": null, "summary": null});
    over(&mut reasoning, options::write_reasoning(request, true, &Target { model: "", quirks }, losses));
    reasoning
}

/// Lays what was given over the defaults.
fn over(defaults: &mut Value, given: Option<Value>) {
    if let (Value::Object(defaults), Some(Value::Object(given))) = (defaults, given) {
        defaults.extend(given);
    }
}
