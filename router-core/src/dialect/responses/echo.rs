//! What a Response object repeats of its request.

use serde_json::{Value, json};

use super::super::{Quirks, Target};
use super::{options, tools};
use crate::chat::{ChatRequest, Extra, Losses};

/// Members of `extra` that a Response repeats as they are, and their defaults.
const REPEATED: [(&str, Value); 9] = [
    ("background", Value::Bool(false)),
    ("conversation", Value::Null),
    ("max_tool_calls", Value::Null),
    ("previous_response_id", Value::Null),
    ("prompt", Value::Null),
    ("prompt_cache_retention", Value::Null),
    ("safety_identifier", Value::Null),
    ("store", Value::Bool(true)),
    ("truncation", Value::Null),
];

/// The members of a request that every Response to it repeats, with the API's defaults where the request is silent.
pub fn echo(request: &ChatRequest) -> Extra {
    let mut losses = Losses::default();
    let quirks = Quirks::default();
    let texts: Vec<_> = request.system.iter().filter_map(|block| block.as_text()).collect();
    let sampling = &request.sampling;
    let number = |given: &Option<serde_json::Number>| given.clone().map_or(json!(1.0), Value::Number);
    let choice = request.extra.get("tool_choice").cloned();
    let choice = choice.or_else(|| tools::write_choice(request, &quirks, &mut losses));
    let mut echo = Extra::new();
    for (key, default) in REPEATED {
        echo.insert(key.to_owned(), request.extra.get(key).cloned().unwrap_or(default));
    }
    if echo["truncation"].is_null() {
        echo["truncation"] = "disabled".into();
    }
    let rest = [
        ("instructions", if texts.is_empty() { Value::Null } else { texts.join("\n\n").into() }),
        ("max_output_tokens", request.max_tokens.into()),
        ("metadata", Value::Object(request.metadata.clone())),
        ("parallel_tool_calls", request.parallel_tools.unwrap_or(true).into()),
        ("prompt_cache_key", request.cache_key.clone().into()),
        ("reasoning", reasoning(request, &quirks, &mut losses)),
        ("service_tier", request.service_tier.as_deref().unwrap_or("auto").into()),
        ("temperature", number(&sampling.temperature)),
        ("text", text(request, &quirks, &mut losses)),
        ("tool_choice", choice.unwrap_or_else(|| "auto".into())),
        ("tools", tools::write(request, true, &mut losses).into()),
        ("top_logprobs", sampling.top_logprobs.unwrap_or(0).into()),
        ("top_p", number(&sampling.top_p)),
        ("user", request.user.clone().into()),
    ];
    echo.extend(rest.map(|(key, value)| (key.to_owned(), value)));
    echo
}

fn text(request: &ChatRequest, quirks: &Quirks, losses: &mut Losses) -> Value {
    let mut text = json!({"format": {"type": "text"}, "verbosity": "medium"});
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
