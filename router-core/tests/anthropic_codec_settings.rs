//! How Anthropic is told to think, to draw words, to call tools and to keep a form.

mod anthropic_codec_support;

use anthropic_codec_support::written;
use router_core::chat::{
    Block, Body, ChatRequest, Effort, Format, Hosted, Losses, Message, Reasoning, Role, Sampling, Tool, ToolBody,
    ToolCall, ToolChoice, ToolResult,
};
use router_core::dialect::anthropic::write_request;
use router_core::dialect::{Quirks, Target};
use router_core::domain::Dialect;
use serde_json::{Number, json};

const OLDER: &str = "claude-sonnet-4-5";
const NEWER: &str = "claude-opus-4-8";

fn request() -> ChatRequest {
    let messages = vec![Message::new(Role::User, vec![Block::text("x")])];
    ChatRequest { messages, ..ChatRequest::new(Dialect::Openai) }
}

fn reasoning(effort: Option<Effort>, budget: Option<u64>, max_tokens: Option<u64>) -> ChatRequest {
    let reasoning = Some(Reasoning { effort, budget, ..Reasoning::default() });
    ChatRequest { reasoning, max_tokens, ..request() }
}

fn function(name: &str) -> Tool {
    let schema = Some(json!({"properties": {"n": {"type": "integer", "minimum": 1}}}));
    let body = ToolBody::Function { name: name.into(), description: None, schema, strict: None };
    Tool::new(body)
}

fn number(value: f64) -> Option<Number> {
    Number::from_f64(value)
}

#[test]
fn older_models_think_by_a_budget_that_leaves_room_for_the_answer() {
    const LOST: &str = "reasoning";
    for (effort, budget, max_tokens, expected, bound, lost) in [
        (Some(Effort::High), None, Some(32_000), json!(16_384), 32_000, ""),
        (None, Some(2_000), Some(8_000), json!(2_000), 8_000, ""),
        (Some(Effort::High), None, Some(10_000), json!(5_000), 10_000, LOST),
        (Some(Effort::High), None, Some(16_384), json!(8_192), 16_384, LOST),
        (Some(Effort::High), None, Some(1_500), json!(1_024), 1_500, LOST),
        (None, Some(10), Some(4_000), json!(1_024), 4_000, LOST),
        (Some(Effort::Medium), None, None, json!(8_192), 12_288, ""),
        (Some(Effort::Max), None, None, json!(27_904), 32_000, LOST),
    ] {
        let (body, losses) = written(&reasoning(effort, budget, max_tokens), OLDER);
        assert_eq!(body["thinking"], json!({"type": "enabled", "budget_tokens": expected}));
        assert_eq!((&body["max_tokens"], losses.as_str()), (&json!(bound), lost));
    }
    // Nobody who does not say how much to think gets less than asked.
    let mut unsaid = reasoning(None, None, Some(4_000));
    unsaid.reasoning = Some(Reasoning { shown: Some(true), ..Reasoning::default() });
    let (body, losses) = written(&unsaid, OLDER);
    assert_eq!((&body["thinking"]["budget_tokens"], losses.as_str()), (&json!(2_000), ""));
    let (body, losses) = written(&reasoning(Some(Effort::Low), None, Some(1_024)), OLDER);
    assert_eq!((body.get("thinking"), &body["max_tokens"], losses.as_str()), (None, &json!(1_024), "reasoning"));
    assert_eq!(written(&request(), OLDER).0["max_tokens"], 4_096);
}

#[test]
fn newer_models_think_by_an_effort() {
    for (effort, budget, expected, bound) in [
        (Some(Effort::High), None, "high", 20_480),
        (Some(Effort::Minimal), None, "low", 6_144),
        (Some(Effort::Xhigh), None, "xhigh", 32_000),
        (None, Some(8_000), "medium", 12_288),
    ] {
        let (body, losses) = written(&reasoning(effort, budget, None), NEWER);
        assert_eq!(body["thinking"], json!({"type": "adaptive"}));
        assert_eq!((&body["output_config"], losses.as_str()), (&json!({"effort": expected}), ""));
        assert_eq!(body["max_tokens"], bound);
    }
    let (body, losses) = written(&reasoning(Some(Effort::Xhigh), None, Some(9)), "claude-opus-4-6");
    assert_eq!((&body["output_config"]["effort"], losses.as_str()), (&json!("high"), "reasoning"));
    assert_eq!(body["max_tokens"], 9);
    let mut summed = reasoning(Some(Effort::Low), None, None);
    summed.reasoning.as_mut().expect("just set").summary = Some("auto".into());
    assert_eq!(written(&summed, NEWER).0["thinking"], json!({"type": "adaptive", "display": "summarized"}));
}

#[test]
fn no_thoughts_are_said_in_each_models_way() {
    let off = reasoning(Some(Effort::None), None, None);
    for (model, thinking, named) in [
        (OLDER, Some(json!({"type": "disabled"})), ""),
        (NEWER, Some(json!({"type": "disabled"})), ""),
        ("claude-3-5-haiku-20241022", None, ""),
        ("claude-fable-5", None, "reasoning"),
    ] {
        let (body, losses) = written(&off, model);
        assert_eq!((body.get("thinking"), losses.as_str()), (thinking.as_ref(), named), "{model}");
    }
    let (body, losses) = written(&reasoning(Some(Effort::High), None, None), "claude-3-5-haiku-20241022");
    assert_eq!((body.get("thinking"), losses.as_str()), (None, "reasoning"));
}

#[test]
fn a_model_that_must_begin_with_thoughts_cannot_go_on_without_them() {
    let mut request = reasoning(Some(Effort::High), None, None);
    let (id, name, arguments) = ("a".to_owned(), "f".to_owned(), "{}".to_owned());
    let call = ToolCall { id: id.clone(), name, arguments, custom: false };
    let result = ToolResult { id, name: None, content: vec![], is_error: false };
    request.messages.push(Message::new(Role::Assistant, vec![Block::new(Body::ToolCall(call))]));
    request.messages.push(Message::new(Role::Tool, vec![Block::new(Body::ToolResult(result))]));
    let (body, losses) = written(&request, OLDER);
    assert_eq!((body.get("thinking"), losses.as_str()), (None, "reasoning"));
    let (body, losses) = written(&request, NEWER);
    assert_eq!((&body["thinking"]["type"], losses.as_str()), (&json!("adaptive"), ""));
}

#[test]
fn a_model_that_thinks_draws_freely_and_cannot_be_made_to_call() {
    let mut request = reasoning(Some(Effort::High), None, None);
    request.sampling =
        Sampling { temperature: number(0.5), top_p: number(0.9), top_k: number(40.0), ..Sampling::default() };
    request.tools = vec![function("f")];
    request.tool_choice = Some(ToolChoice::Required);
    let (body, losses) = written(&request, OLDER);
    assert_eq!(body["tool_choice"], json!({"type": "auto"}));
    assert_eq!(losses, "tool_choice, temperature, top_p, top_k");
    request.sampling = Sampling { temperature: number(1.0), ..Sampling::default() };
    request.tool_choice = Some(ToolChoice::Auto);
    let (body, losses) = written(&request, OLDER);
    assert_eq!((&body["temperature"], losses.as_str()), (&json!(1.0), ""));
}

#[test]
fn sampling_is_clamped_to_what_the_model_takes() {
    let sampling = Sampling {
        temperature: number(1.5),
        top_p: number(0.9),
        top_k: number(40.0),
        seed: Some(7.into()),
        frequency_penalty: number(0.25),
        presence_penalty: number(0.0),
        n: Some(2),
        logprobs: Some(true),
        top_logprobs: Some(2),
    };
    let request = ChatRequest { sampling, ..request() };
    let (body, losses) = written(&request, "claude-sonnet-4-20250514");
    assert_eq!((&body["temperature"], &body["top_p"], &body["top_k"]), (&json!(1), &json!(0.9), &json!(40)));
    assert_eq!(losses, "temperature, seed, frequency_penalty, n, logprobs, top_logprobs");
    let (body, losses) = written(&request, OLDER);
    assert_eq!((&body["temperature"], body.get("top_p")), (&json!(1), None));
    assert!(losses.starts_with("temperature, top_p, seed"), "{losses}");
    let (body, losses) = written(&request, NEWER);
    assert!(["temperature", "top_p", "top_k"].iter().all(|key| body.get(key).is_none()));
    assert!(losses.starts_with("temperature, top_p, top_k, seed"), "{losses}");
}

#[test]
fn tools_of_others_become_the_apis_own_where_it_has_them() {
    let hosted = |hosted, value| ToolBody::Hosted { hosted, dialect: Dialect::Responses, value };
    let place = json!({"type": "approximate", "city": "Paris"});
    let search = json!({
        "type": "web_search", "filters": {"allowed_domains": ["example.com"]}, "user_location": place,
        "search_context_size": "low",
    });
    let bodies = vec![
        hosted(Hosted::WebSearch, search),
        hosted(Hosted::CodeExecution, json!({"type": "code_interpreter", "container": {"type": "auto"}})),
        hosted(Hosted::WebFetch, json!({"url_context": {}})),
        ToolBody::Custom { name: "c".into(), description: None, format: None },
        ToolBody::Foreign { dialect: Dialect::Responses, value: json!({"type": "file_search"}) },
    ];
    let mut request = request();
    request.tools = bodies.into_iter().map(|body| Tool { body, ..function("") }).collect();
    request.tools.push(function("f"));
    let (body, losses) = written(&request, OLDER);
    let tools = json!([
        {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["example.com"],
         "user_location": place},
        {"type": "code_execution_20250825", "name": "code_execution"},
        {"type": "web_fetch_20250910", "name": "web_fetch"},
        {"name": "f", "input_schema": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}},
    ]);
    assert_eq!(body["tools"], tools);
    assert_eq!(losses, "tools[0].search_context_size, tools[3], tools[4]");
}

#[test]
fn a_strict_tools_schema_is_shaped_until_it_compiles() {
    let mut request = request();
    let mut tool = function("f");
    if let ToolBody::Function { strict, .. } = &mut tool.body {
        *strict = Some(true);
    }
    request.tools = vec![tool];
    let (body, losses) = written(&request, OLDER);
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": false});
    assert_eq!((&body["tools"][0]["strict"], &body["tools"][0]["input_schema"]), (&json!(true), &schema));
    assert_eq!(losses, "tools[0].parameters.properties.n.minimum");
    assert_eq!(written(&request, "claude-sonnet-4-0").1, "tools[0].strict");
}

#[test]
fn every_choice_of_tools_has_its_words() {
    let chosen = |choice: Option<ToolChoice>, parallel: Option<bool>| {
        let mut request = request();
        (request.tool_choice, request.parallel_tools) = (choice, parallel);
        request.tools = vec![function("f"), function("g")];
        let (body, losses) = written(&request, OLDER);
        (body.get("tool_choice").cloned(), body["tools"].as_array().map_or(0, Vec::len), losses)
    };
    let names = vec!["g".to_owned()];
    let only = |required| ToolChoice::Allowed { names: names.clone(), required };
    let forced = json!({"type": "tool", "name": "f", "disable_parallel_tool_use": true});
    let no_parallel = json!({"type": "auto", "disable_parallel_tool_use": true});
    for (choice, parallel, expected, tools, named) in [
        (None, None, None, 2, ""),
        (None, Some(true), None, 2, ""),
        (None, Some(false), Some(no_parallel), 2, ""),
        (Some(ToolChoice::None), Some(false), Some(json!({"type": "none"})), 2, ""),
        (Some(ToolChoice::Required), None, Some(json!({"type": "any"})), 2, ""),
        (Some(ToolChoice::Tool("f".into())), Some(false), Some(forced), 2, ""),
        (Some(ToolChoice::Tool("h".into())), None, None, 2, "tool_choice"),
        (Some(only(false)), None, Some(json!({"type": "auto"})), 1, ""),
        (Some(only(true)), None, Some(json!({"type": "any"})), 1, ""),
    ] {
        assert_eq!(chosen(choice.clone(), parallel), (expected, tools, named.into()), "{choice:?} {parallel:?}");
    }
    let without_tools = ChatRequest { tool_choice: Some(ToolChoice::Required), ..request() };
    assert_eq!(written(&without_tools, OLDER).1, "tool_choice");
}

#[test]
fn a_form_is_a_schema_that_the_model_compiles_or_is_asked_for() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "maximum": 3}}});
    let format = Format::Schema { name: Some("n".into()), description: Some("A number.".into()), schema, strict: None };
    let request = ChatRequest { format: Some(format), ..request() };
    let (body, losses) = written(&request, OLDER);
    let expected = json!({
        "type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": false,
        "description": "A number.",
    });
    assert_eq!(body["output_config"], json!({"format": {"type": "json_schema", "schema": expected}}));
    assert_eq!(losses, "response_format.schema.properties.n.maximum");
    let (body, losses) = written(&request, "claude-3-7-sonnet-20250219");
    assert!(body["system"].as_str().is_some_and(|system| system.contains("\"integer\"")));
    assert_eq!(
        (body.get("output_config"), losses.as_str()),
        (None, "response_format.schema.properties.n.maximum, response_format")
    );
    let json = ChatRequest { format: Some(Format::Json), ..request };
    let (body, losses) = written(&json, OLDER);
    assert!(body["system"].as_str().is_some_and(|system| system.contains("JSON object")));
    assert_eq!((body.get("output_config"), losses.as_str()), (None, "response_format"));
}

#[test]
fn providers_that_are_not_quite_the_vendor_are_spared() {
    let quirks = Quirks {
        no_json_schema: true,
        no_parallel_tool_calls: true,
        no_forced_tools: true,
        no_reasoning_effort: true,
        ..Quirks::default()
    };
    let mut request = reasoning(Some(Effort::High), None, Some(100));
    request.tools = vec![function("f")];
    (request.tool_choice, request.parallel_tools) = (Some(ToolChoice::Required), Some(false));
    request.format = Some(Format::Json);
    let mut losses = Losses::default();
    let target = Target { model: "kimi-k2", quirks: &quirks };
    let body = write_request(&request, &target, &mut losses).expect("can be written").body;
    assert_eq!(body["tool_choice"], json!({"type": "auto"}));
    assert_eq!((body.get("thinking"), body.get("output_config")), (None, None));
    assert!(body["system"].is_string());
    assert_eq!(losses.to_string(), "reasoning, response_format, tool_choice, parallel_tool_calls");
}
