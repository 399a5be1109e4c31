//! What a request says, fact by fact, so that two of them can be compared and every difference be held against what
//! was named as lost.

use router_core::chat::{
    Block, Body, ChatRequest, Effort, Format, Losses, Role, Source, ToolBody, ToolChoice, ToolResult,
};
use serde_json::Value;

/// A fact, and the names of losses that tell of its absence: each is how the loss's name ends, or begins if it ends in
/// a dot.
#[derive(Debug)]
pub struct Fact {
    pub what: String,
    pub named: &'static [&'static str],
}

/// Everything that a request says.
pub fn facts(request: &ChatRequest) -> Vec<Fact> {
    let mut facts = settings(request);
    for block in &request.system {
        block_fact(request, "instructions", block, &mut facts);
    }
    for message in &request.messages {
        let who = match message.role {
            Role::System | Role::Developer => "instructions",
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        message.blocks.iter().for_each(|block| block_fact(request, who, block, &mut facts));
    }
    facts
}

fn say(facts: &mut Vec<Fact>, what: String, named: &'static [&'static str]) {
    facts.push(Fact { what, named });
}

fn block_fact(request: &ChatRequest, who: &str, block: &Block, facts: &mut Vec<Fact>) {
    match &block.body {
        // Texts may be joined, so each must be found in what is said: see [`missing`].
        Body::Text { text, .. } => say(facts, format!("{who} says {text}"), &[]),
        Body::Image(media) => say(facts, format!("{who} shows {}", source(&media.source)), &[".image"]),
        Body::Document(media) => say(facts, format!("{who} gives {}", source(&media.source)), &[".document"]),
        Body::Thinking(thinking) if block.signature.is_some() => {
            say(facts, format!("{who} thinks {}", thinking.shown()), &[".thinking"]);
        }
        Body::ToolCall(call) => {
            let arguments: Value =
                serde_json::from_str(&call.arguments).unwrap_or_else(|_| call.arguments.as_str().into());
            say(facts, format!("{who} calls {} with {arguments}", call.name), &[]);
        }
        Body::ToolResult(result) => {
            let name = router_core::chat::tool_name(request, &result.id).unwrap_or("nobody");
            let failed = failure(result);
            for inner in &result.content {
                let told = failed.clone().filter(|_| inner.as_text().is_some()).map(Block::text);
                block_fact(request, &format!("{name}'s result"), told.as_ref().unwrap_or(inner), facts);
            }
            if let Some(text) = failed {
                say(facts, format!("{name} failed: {text}"), &[".is_error"]);
            }
        }
        _ => {}
    }
}

/// What a failed tool says. Google's say so in the result itself.
fn failure(result: &ToolResult) -> Option<String> {
    let text = result.content.iter().filter_map(Block::as_text).collect::<Vec<_>>().concat();
    let object = serde_json::from_str::<Value>(&text).ok();
    let error = object.and_then(|object| Some(object.get("error")?.as_str()?.to_owned()));
    if result.is_error { Some(text) } else { error }
}

fn source(source: &Source) -> &str {
    match source {
        Source::Base64(data) | Source::Text(data) | Source::Url(data) | Source::File(data) => data,
    }
}

fn settings(request: &ChatRequest) -> Vec<Fact> {
    let (mut facts, sampling) = (Vec::new(), &request.sampling);
    let numbers: [(_, _, &'static [&'static str]); 6] = [
        ("temperature", &sampling.temperature, &["temperature"]),
        ("top_p", &sampling.top_p, &["top_p"]),
        ("top_k", &sampling.top_k, &["top_k"]),
        ("seed", &sampling.seed, &["seed"]),
        ("frequency_penalty", &sampling.frequency_penalty, &["frequency_penalty"]),
        ("presence_penalty", &sampling.presence_penalty, &["presence_penalty"]),
    ];
    for (key, number, named) in numbers {
        if let Some(number) = number.as_ref().and_then(serde_json::Number::as_f64) {
            say(&mut facts, format!("{key} is {number}"), named);
        }
    }
    // Without calls there are none side by side.
    let calls = request.tool_choice != Some(ToolChoice::None);
    let texts: [(_, Option<String>, &'static [&'static str]); 9] = [
        ("n", sampling.n.filter(|n| *n > 1).map(|n| n.to_string()), &["n"]),
        ("logprobs", sampling.logprobs.filter(|asked| *asked).map(|_| "asked".into()), &["logprobs"]),
        ("top_logprobs", sampling.top_logprobs.map(|top| top.to_string()), &["top_logprobs"]),
        ("max_tokens", request.max_tokens.map(|most| most.to_string()), &["max_tokens"]),
        ("user", user(request), &["user", "safety_identifier"]),
        ("verbosity", request.verbosity.clone(), &["verbosity"]),
        ("cache_key", request.cache_key.clone(), &["prompt_cache_key"]),
        (
            "metadata",
            (!request.metadata.is_empty()).then(|| Value::from(request.metadata.clone()).to_string()),
            &["metadata", "metadata."],
        ),
        (
            "parallel",
            request.parallel_tools.filter(|parallel| !parallel && calls).map(|_| "off".into()),
            &["parallel_tool_calls"],
        ),
    ];
    for (key, text, named) in texts {
        if let Some(text) = text {
            say(&mut facts, format!("{key} is {text}"), named);
        }
    }
    for stop in &request.stop {
        say(&mut facts, format!("stop at {stop:?}"), &["stop"]);
    }
    about_tools(request, &mut facts);
    facts
}

/// Who asks: by the older name, or by the one that Responses have for it now.
fn user(request: &ChatRequest) -> Option<String> {
    let newer = || request.extra.get("safety_identifier")?.as_str().map(str::to_owned);
    request.user.clone().or_else(newer)
}

fn about_tools(request: &ChatRequest, facts: &mut Vec<Fact>) {
    match &request.tool_choice {
        None | Some(ToolChoice::Auto) => {}
        Some(choice) => say(facts, format!("tool_choice is {choice:?}"), &["tool_choice"]),
    }
    match &request.format {
        None | Some(Format::Text) => {}
        // An empty schema of an object is how some dialects say "some JSON".
        Some(Format::Json) => say(facts, "format is JSON".into(), &["response_format", "response_format."]),
        Some(Format::Schema { schema, .. }) => {
            let schema = bare(schema.clone());
            let json = schema == serde_json::json!({"type": "object"});
            let what = if json { "format is JSON".into() } else { format!("format is {schema}") };
            say(facts, what, &["response_format", "response_format."]);
        }
    }
    let reasoning = request.reasoning.as_ref();
    let effort = reasoning.and_then(|reasoning| reasoning.effort.or_else(|| reasoning.budget.map(Effort::of_budget)));
    // How much is a matter of each dialect's own steps, and of what fits beside the answer.
    if effort.is_some_and(|effort| effort != Effort::None) {
        say(facts, "it may think".into(), &["reasoning", "reasoning."]);
    }
    for tool in &request.tools {
        if let ToolBody::Function { name, description, schema, strict } = &tool.body {
            let schema = bare(schema.clone().unwrap_or_default());
            say(facts, format!("tool {name}: {} {schema}", description.as_deref().unwrap_or_default()), &[]);
            // Whoever must call, or must not, is strict anyway with Gemini.
            if *strict == Some(true) && matches!(request.tool_choice, None | Some(ToolChoice::Auto)) {
                say(facts, format!("tool {name} is strict"), &[".strict"]);
            }
        }
    }
}

/// A schema without what being strict means anyway.
fn bare(mut schema: Value) -> Value {
    if let Some(members) = schema.as_object_mut() {
        members.shift_remove("additionalProperties");
    }
    schema
}

/// Facts of `before` that `after` does not have and that no loss tells of.
pub fn missing(before: &ChatRequest, after: &ChatRequest, losses: &[&Losses]) -> Vec<String> {
    let names: Vec<&str> = losses.iter().flat_map(|losses| losses.iter()).collect();
    if names.contains(&"…") {
        return Vec::new();
    }
    let (before, mut after) = (facts(before), facts(after));
    let mut spent = vec![false; names.len()];
    let mut missing = Vec::new();
    for fact in before {
        if take(&fact.what, &mut after) {
            continue;
        }
        let told = (0..names.len()).find(|at| {
            // What stands in a message is named once for each; a setting by its name.
            let of_message = fact.named.iter().any(|name| name.starts_with('.'));
            !(of_message && spent[*at]) && fact.named.iter().any(|name| tells(names[*at], name))
        });
        match told {
            Some(at) => spent[at] = true,
            None => missing.push(fact.what),
        }
    }
    missing
}

fn tells(loss: &str, name: &str) -> bool {
    loss == name || (name.starts_with('.') && loss.ends_with(name)) || (name.ends_with('.') && loss.starts_with(name))
}

/// Whether the fact is among the others: as a whole, or as a part of what somebody says.
fn take(what: &str, others: &mut Vec<Fact>) -> bool {
    if let Some(at) = others.iter().position(|other| other.what == what) {
        others.remove(at);
        return true;
    }
    let Some((who, text)) = what.split_once(" says ") else { return false };
    others.iter().any(|other| other.what.split_once(" says ").is_some_and(|(by, all)| by == who && all.contains(text)))
}
