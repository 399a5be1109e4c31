//! What depends on the model: thinking, drawing of words, caches, tools.

mod bedrock_support;

use bedrock_support::*;
use router_core::chat::{
    Block, Body, ChatRequest, Effort, Format, Hosted, Losses, Message, Reasoning, Role, Sampling, Signature, Tool,
    ToolBody, ToolCall, ToolChoice,
};
use router_core::dialect::bedrock::write_request;
use router_core::dialect::{Quirks, Target, Written};
use router_core::domain::Dialect;
use serde_json::{Number, Value, json};

const OPUS_46: &str = "us.anthropic.claude-opus-4-6-v1";
const OPUS_47: &str = "global.anthropic.claude-opus-4-7";
const SONNET_35: &str = "anthropic.claude-3-5-sonnet-20240620-v1:0";
const SONNET_4: &str = "anthropic.claude-sonnet-4-20250514-v1:0";

fn body(model: &str, request: &ChatRequest) -> (Value, Vec<String>) {
    let (written, lost) = write_for(model, request).expect("it can be said");
    (written.body, lost)
}

fn thinks(reasoning: Reasoning, max_tokens: Option<u64>) -> ChatRequest {
    ChatRequest { reasoning: Some(reasoning), max_tokens, ..asks("Prove it.") }
}

fn effort(effort: Effort) -> Reasoning {
    Reasoning { effort: Some(effort), ..Reasoning::default() }
}

fn budget(budget: u64) -> Reasoning {
    Reasoning { budget: Some(budget), ..Reasoning::default() }
}

const NONE: [&str; 0] = [];

#[test]
fn claude_gets_a_budget_that_leaves_room_for_the_answer() {
    for (reasoning, most, expected, lost) in [
        (effort(Effort::High), Some(32_000), Some((16_384, 32_000)), &NONE[..]),
        (effort(Effort::High), None, Some((16_384, 20_480)), &[]),
        (effort(Effort::High), Some(4096), Some((3072, 4096)), &["reasoning"]),
        (effort(Effort::Low), Some(1100), Some((1024, 1100)), &["reasoning"]),
        (effort(Effort::Low), Some(1024), None, &["reasoning"]),
        (budget(2000), Some(8000), Some((2000, 8000)), &[]),
        (budget(8000), Some(8000), Some((6000, 8000)), &["reasoning"]),
        (budget(100), Some(8000), Some((1024, 8000)), &["reasoning"]),
        (Reasoning { adaptive: true, ..Reasoning::default() }, Some(32_000), Some((8192, 32_000)), &[]),
        (effort(Effort::None), Some(8000), None, &[]),
        (budget(0), Some(8000), None, &[]),
    ] {
        let (body, losses) = body(CLAUDE, &thinks(reasoning.clone(), most));
        let thinking = &body["additionalModelRequestFields"]["thinking"];
        let got = thinking["budget_tokens"].as_u64().zip(body["inferenceConfig"]["maxTokens"].as_u64());
        assert_eq!(got, expected, "{reasoning:?} {most:?}");
        assert_eq!(losses, lost, "{reasoning:?} {most:?}");
    }
}

#[test]
fn newer_claudes_find_their_own_measure() {
    for (model, reasoning, fields) in [
        (OPUS_46, effort(Effort::High), json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}})),
        (
            OPUS_46,
            effort(Effort::Xhigh),
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        ),
        (
            OPUS_47,
            effort(Effort::Xhigh),
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}}),
        ),
        (
            OPUS_46,
            effort(Effort::Minimal),
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        ),
        (OPUS_46, budget(9000), json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}})),
        (
            OPUS_47,
            Reasoning { adaptive: true, shown: Some(true), ..Reasoning::default() },
            json!({"thinking": {"type": "adaptive", "display": "summarized"}}),
        ),
    ] {
        let (body, losses) = body(model, &thinks(reasoning, Some(500)));
        assert_eq!(body["additionalModelRequestFields"], fields);
        assert_eq!(body["inferenceConfig"]["maxTokens"], 500);
        assert_eq!(losses, NONE);
    }
}

#[test]
fn other_models_are_asked_in_their_own_words_or_not_at_all() {
    for (model, level, most, fields, lost) in [
        (GPT_OSS, Effort::Xhigh, Some(1024), json!({"reasoning_effort": "high"}), &NONE[..]),
        (GPT_OSS, Effort::Minimal, Some(1024), json!({"reasoning_effort": "low"}), &[]),
        (GPT_OSS, Effort::None, Some(1024), Value::Null, &["reasoning"]),
        (
            NOVA,
            Effort::Medium,
            Some(1024),
            json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}),
            &[],
        ),
        (NOVA, Effort::High, None, json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}), &[]),
        (
            NOVA,
            Effort::High,
            Some(1024),
            json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}),
            &["reasoning"],
        ),
        (NOVA, Effort::None, Some(1024), Value::Null, &[]),
        (LLAMA, Effort::Low, Some(1024), Value::Null, &["reasoning"]),
        (SONNET_35, Effort::Low, Some(9999), Value::Null, &["reasoning"]),
    ] {
        let (body, losses) = body(model, &thinks(effort(level), most));
        assert_eq!(
            body.get("additionalModelRequestFields"),
            Some(&fields).filter(|fields| !fields.is_null()),
            "{model}"
        );
        assert_eq!(losses, lost, "{model} {level:?}");
    }
}

#[test]
fn thinking_excludes_forced_tools_and_most_ways_to_draw_words() {
    let mut asked = thinks(effort(Effort::Low), Some(8000));
    asked.tools.push(tool(weather(), None));
    asked.tool_choice = Some(ToolChoice::Required);
    asked.sampling = Sampling {
        temperature: Number::from_f64(0.5),
        top_p: Number::from_f64(0.9),
        top_k: Some(3.into()),
        ..Sampling::default()
    };
    let (written, lost) = body(SONNET_4, &asked);
    assert_eq!(written["inferenceConfig"], json!({"maxTokens": 8000}));
    assert_eq!(written["toolConfig"].get("toolChoice"), None);
    assert_eq!(lost, ["tool_choice", "temperature", "top_p", "top_k"]);

    asked.sampling = Sampling { temperature: Some(1.into()), top_p: Number::from_f64(0.97), ..Sampling::default() };
    asked.tool_choice = None;
    let (written, lost) = body(SONNET_4, &asked);
    assert_eq!(written["inferenceConfig"], json!({"maxTokens": 8000, "temperature": 1, "topP": 0.97}));
    assert_eq!(lost, NONE);

    // The answer's form counts for more than thoughts.
    let formed = ChatRequest { format: Some(Format::Json), ..thinks(effort(Effort::Low), Some(8000)) };
    let (written, lost) = body(CLAUDE, &formed);
    assert_eq!(written["toolConfig"]["toolChoice"], json!({"tool": {"name": Written::EMULATED}}));
    assert_eq!(written.get("additionalModelRequestFields"), None);
    assert_eq!(lost, ["reasoning"]);
}

#[test]
fn words_are_drawn_as_far_as_the_model_takes_orders() {
    let drawn = |temperature, top_p, top_k| {
        let number = |number: f64| Number::from_f64(number);
        let sampling =
            Sampling { temperature: number(temperature), top_p: number(top_p), top_k, ..Sampling::default() };
        ChatRequest { sampling, max_tokens: None, ..asks("Hi") }
    };
    let (written, lost) = body(LLAMA, &drawn(1.5, 0.9, Some(5.into())));
    assert_eq!(written["inferenceConfig"], json!({"temperature": 1, "topP": 0.9}));
    assert_eq!(lost, ["temperature", "top_k"]);
    let (written, lost) = body(NOVA, &drawn(-1.0, 2.0, Some(5.into())));
    assert_eq!(written["inferenceConfig"], json!({"temperature": 0, "topP": 1}));
    assert_eq!(written["additionalModelRequestFields"], json!({"inferenceConfig": {"topK": 5}}));
    assert_eq!(lost, ["temperature", "top_p"]);
    let (written, lost) = body(OPUS_47, &drawn(0.5, 0.5, Some(5.into())));
    assert_eq!(written.get("inferenceConfig"), None);
    assert_eq!(lost, ["temperature", "top_p", "top_k"]);
    let (written, lost) = body(SONNET_4, &drawn(0.5, 0.9, None));
    assert_eq!(written["inferenceConfig"], json!({"temperature": 0.5, "topP": 0.9}));
    assert_eq!(lost, NONE);
}

#[test]
fn caches_end_at_four_points_where_the_model_has_a_cache() {
    let mut asked = asks("Hi");
    asked.tools.push(Tool { cache: Some(router_core::chat::CacheMark::default()), ..tool(weather(), None) });
    asked.system = vec![cached(Block::text("A"), "5m"), cached(Block::text("B"), "1h")];
    asked.messages[0].blocks = vec![cached(Block::text("C"), "5m"), cached(Block::text("D"), "5m")];
    let (written, lost) = body(CLAUDE, &asked);
    let points = written.to_string().matches("cachePoint").count();
    assert_eq!((points, lost), (4, vec!["messages[0].content[1].cache_control".to_owned()]));
    assert_eq!(written["toolConfig"]["tools"][1], json!({"cachePoint": {"type": "default"}}));
    assert_eq!(written["system"][3], json!({"cachePoint": {"type": "default", "ttl": "1h"}}));

    let (written, lost) = body(SONNET_4, &asked);
    assert_eq!(written["system"][3], json!({"cachePoint": {"type": "default"}}));
    assert_eq!(lost, ["cache_control.ttl", "messages[0].content[1].cache_control"]);
    let (written, lost) = body(NOVA, &asked);
    assert_eq!(written["toolConfig"]["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!(lost, ["tools[0].cache_control", "cache_control.ttl"]);
    let (written, lost) = body(LLAMA, &asked);
    assert!(!written.to_string().contains("cachePoint"));
    assert_eq!(lost.len(), 5);
}

#[test]
fn thoughts_go_back_to_who_signed_them_only() {
    let seal = |origin, data: &str| Some(Signature::new(origin, data));
    let with = |thought| request(vec![user(vec![Block::text("2+2?")]), assistant(vec![thought, Block::text("4")])]);
    let lost = ["messages[1].content[0].thinking"];
    for (model, thought, written, losses) in [
        (CLAUDE, thought("x", false, seal(Dialect::Anthropic, "s")), 2, &NONE[..]),
        (CLAUDE, thought("x", false, seal(Dialect::Responses, "s")), 1, &lost),
        (CLAUDE, thought("x", false, None), 1, &lost),
        (CLAUDE, thought("", true, seal(Dialect::Anthropic, "no_blob")), 1, &lost),
        (NOVA, thought("x", false, seal(Dialect::Anthropic, "s")), 1, &lost),
        (NOVA, thought("x", false, seal(Dialect::Bedrock, "s")), 2, &[]),
        (LLAMA, thought("x", false, None), 1, &[]),
    ] {
        let (body, lost) = body(model, &with(thought.clone()));
        assert_eq!(body["messages"][1]["content"].as_array().map(Vec::len), Some(written), "{model} {thought:?}");
        assert_eq!(lost, losses, "{model} {thought:?}");
    }
}

#[test]
fn a_failed_result_says_so_where_the_model_understands_it() {
    let turns = vec![
        user(vec![Block::text("Show me.")]),
        assistant(vec![call("call_1", "")]),
        Message::new(Role::Tool, vec![result("call_1", vec![], true)]),
    ];
    let asked = ChatRequest { tools: vec![tool(weather(), None)], ..request(turns) };
    let (written, lost) = body(NOVA, &asked);
    let expected = json!({"toolUseId": "call_1", "content": [{"json": {}}], "status": "error"});
    assert_eq!(written["messages"][2]["content"][0]["toolResult"], expected);
    assert_eq!(written["messages"][1]["content"][0]["toolUse"]["input"], json!({}));
    assert_eq!(lost, NONE);
    let (written, lost) = body(LLAMA, &asked);
    assert_eq!(written["messages"][2]["content"][0]["toolResult"].get("status"), None);
    assert_eq!(lost, ["messages[2].content[0].is_error"]);
}

#[test]
fn turns_alternate_and_results_come_first() {
    let turns = vec![
        user(vec![Block::text("Weather?")]),
        assistant(vec![Block::text("Let me look.")]),
        assistant(vec![call("functions.get_weather:0", "{}")]),
        Message::new(Role::System, vec![Block::text("Be short.")]),
        Message::new(
            Role::Tool,
            vec![cached(result("functions.get_weather:0", vec![Block::text("18 C")], false), "5m")],
        ),
        user(vec![Block::text(""), Block::text("Well?")]),
    ];
    let asked = ChatRequest { tools: vec![tool(weather(), None)], ..request(turns) };
    let (written, lost) = body(CLAUDE, &asked);
    let turns = written["messages"].as_array().expect("turns");
    assert_eq!(
        turns.iter().map(|turn| turn["role"].as_str().expect("a role")).collect::<Vec<_>>(),
        ["user", "assistant", "user"]
    );
    let id = turns[1]["content"][1]["toolUse"]["toolUseId"].as_str().expect("an id");
    assert!(id.starts_with("call_") && id.len() == 37, "{id}");
    let results = json!([
        {"toolResult": {"toolUseId": id, "content": [{"text": "18 C"}]}},
        {"cachePoint": {"type": "default", "ttl": "5m"}},
        {"text": "Be short."},
        {"text": "Well?"},
    ]);
    assert_eq!(turns[2]["content"], results);
    assert_eq!(lost, ["messages[3].role"]);
}

#[test]
fn a_history_with_calls_always_has_tools() {
    let turns = || {
        vec![
            user(vec![Block::text("Hi")]),
            assistant(vec![call("call_1", "{}")]),
            user(vec![result("call_1", vec![], false)]),
        ]
    };
    let (written, lost) = body(CLAUDE, &request(turns()));
    let stand_in =
        json!({"tools": [{"toolSpec": {"name": "get_weather", "inputSchema": {"json": {"type": "object"}}}}]});
    assert_eq!(written["toolConfig"], stand_in);
    assert_eq!(lost, ["tool_choice"]);
    let asked =
        ChatRequest { tools: vec![tool(weather(), None)], tool_choice: Some(ToolChoice::None), ..request(turns()) };
    let (written, lost) = body(CLAUDE, &asked);
    assert_eq!(written["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"], weather());
    assert_eq!(lost, ["tool_choice"]);
}

#[test]
fn tools_of_all_kinds_are_said_or_lost() {
    let plain = Tool::new;
    let hosted = |hosted| plain(ToolBody::Hosted { hosted, dialect: Dialect::Responses, value: json!({}) });
    let custom = plain(ToolBody::Custom { name: "shell".into(), description: None, format: None });
    let own = plain(ToolBody::Foreign { dialect: Dialect::Bedrock, value: json!({"systemTool": {"name": "x"}}) });
    let bare = plain(ToolBody::Function {
        name: "now".into(),
        description: Some(String::new()),
        schema: None,
        strict: Some(true),
    });
    let mut asked = asks("Hi");
    asked.tools =
        vec![hosted(Hosted::WebSearch), hosted(Hosted::CodeExecution), hosted(Hosted::WebFetch), custom, own, bare];
    let (written, lost) = body(NOVA, &asked);
    let tools = json!([
        {"systemTool": {"name": "nova_grounding"}},
        {"systemTool": {"name": "nova_code_interpreter"}},
        {"systemTool": {"name": "x"}},
        {"toolSpec": {"name": "now", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
    ]);
    assert_eq!(written["toolConfig"]["tools"], tools);
    assert_eq!(lost, ["tools[2]", "tools[3]", "tools[5].strict"]);

    asked.tools = vec![tool(weather(), None), asked.tools.remove(5)];
    asked.tool_choice = Some(ToolChoice::Allowed { names: vec!["now".into()], required: true });
    let (written, _) = body(CLAUDE, &asked);
    assert_eq!(written["toolConfig"]["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!(written["toolConfig"]["toolChoice"], json!({"any": {}}));
}

#[test]
fn free_text_for_a_tool_is_wrapped_in_an_object() {
    let call = ToolCall { id: "call_1".into(), name: "shell".into(), arguments: "ls \"x\"".into(), custom: true };
    let turns = vec![user(vec![Block::text("Hi")]), assistant(vec![Block::new(Body::ToolCall(call))])];
    let (written, _) = body(CLAUDE, &request(turns));
    assert_eq!(written["messages"][1]["content"][0]["toolUse"]["input"], json!({"input": "ls \"x\""}));
}

#[test]
fn an_answers_form_is_brought_about_beside_the_callers_own_tools() {
    let schema =
        |schema| Some(Format::Schema { name: None, description: Some("A city.".into()), schema, strict: None });
    let object = json!({"properties": {"name": {"type": "string"}}});
    let mut asked = ChatRequest { format: schema(object), tools: vec![tool(weather(), None)], ..asks("Name a city.") };
    let (written, lost) = write_for(LLAMA, &asked).expect("it can be said");
    let config = &written.body["toolConfig"];
    let stand_in = json!({"name": Written::EMULATED, "description": "A city.",
        "inputSchema": {"json": {"properties": {"name": {"type": "string"}}, "type": "object"}}});
    assert_eq!(config["tools"][1]["toolSpec"], stand_in);
    assert_eq!(config["toolChoice"], json!({"any": {}}));
    assert_eq!((written.emulates_format, lost), (true, vec![]));

    // A forced call is no text, so its form is the call's.
    asked.tool_choice = Some(ToolChoice::Required);
    let (written, lost) = write_for(CLAUDE, &asked).expect("it can be said");
    assert!(!written.emulates_format && !written.body.to_string().contains(Written::EMULATED));
    assert_eq!(lost, NONE);

    asked.tool_choice = Some(ToolChoice::None);
    let (written, _) = write_for(CLAUDE, &asked).expect("it can be said");
    assert_eq!(written.body["toolConfig"]["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!(written.body["toolConfig"]["toolChoice"], json!({"tool": {"name": Written::EMULATED}}));

    for wrong in [json!({"type": "array"}), json!({"anyOf": []}), json!(true)] {
        let asked = ChatRequest { format: schema(wrong), ..asks("Hi") };
        let (written, lost) = write_for(CLAUDE, &asked).expect("it can be said");
        assert_eq!((written.emulates_format, lost), (false, vec!["response_format".to_owned()]));
    }
}

#[test]
fn a_model_that_cannot_be_made_to_call_a_tool_is_not() {
    let quirks = Quirks { no_forced_tools: true, ..Quirks::default() };
    let target = Target { model: LLAMA, quirks: &quirks };
    let mut asked = ChatRequest { format: Some(Format::Json), ..asks("Hi") };
    let mut losses = Losses::default();
    let written = write_request(&asked, &target, &mut losses).expect("it can be said");
    assert!(written.emulates_format && written.body["toolConfig"].get("toolChoice").is_none());
    assert_eq!(losses.to_string(), "response_format");
    (asked.format, asked.tool_choice) = (None, Some(ToolChoice::Tool("get_weather".into())));
    asked.tools.push(tool(weather(), None));
    let mut losses = Losses::default();
    let written = write_request(&asked, &target, &mut losses).expect("it can be said");
    assert!(written.body["toolConfig"].get("toolChoice").is_none());
    assert_eq!(losses.to_string(), "tool_choice");
}

#[test]
fn documents_have_a_text_beside_them_and_names_of_their_own() {
    let document = |name| {
        let media = media(router_core::chat::Source::Text("Hello.".into()), Some("text/plain"), Some(name));
        let mut block = Block::new(Body::Document(media));
        block.extra.insert("citations".into(), json!({"enabled": true}));
        block
    };
    let (written, lost) = body(CLAUDE, &request(vec![user(vec![document("a.txt"), document("a.txt")])]));
    let written_document = |name: &str| json!({"document": {"format": "txt", "name": name, "source": {"bytes": "SGVsbG8u"}, "citations": {"enabled": true}}});
    let expected = json!([written_document("a"), written_document("a (2)"), {"text": "a"}]);
    assert_eq!(written["messages"][0]["content"], expected);
    assert_eq!(lost, NONE);
}

#[test]
fn classes_of_service_are_spelt_in_the_apis_words() {
    for (word, key, value) in [
        ("priority", "serviceTier", json!({"type": "priority"})),
        ("standard_only", "serviceTier", json!({"type": "default"})),
        ("optimized", "performanceConfig", json!({"latency": "optimized"})),
    ] {
        let (written, lost) = body(CLAUDE, &ChatRequest { service_tier: Some(word.into()), ..asks("Hi") });
        assert_eq!((&written[key], lost), (&value, vec![]), "{word}");
    }
    let (written, lost) = body(CLAUDE, &ChatRequest { service_tier: Some("auto".into()), ..asks("Hi") });
    assert!(written.get("serviceTier").is_none() && lost.is_empty());
}
