//! Requests of other dialects, written for Gemini: what is said otherwise, what is lost, what is refused.

mod gemini_support;

use gemini_support::{body, written};
use router_core::chat::{
    Block, Body, CacheMark, ChatRequest, Citation, Effort, Format, Hosted, Media, Message, Reasoning, Role, Signature,
    Source, Thinking, Tool, ToolBody, ToolCall, ToolChoice, ToolResult,
};
use router_core::domain::Dialect;
use serde_json::{Number, Value, json};

const OLD: &str = "gemini-2.0-flash";
const PRO: &str = "gemini-2.5-pro";
const THIRD: &str = "gemini-3-pro-preview";

fn ask(blocks: Vec<Block>) -> ChatRequest {
    ChatRequest { messages: vec![Message::new(Role::User, blocks)], ..ChatRequest::new(Dialect::Openai) }
}

fn call(id: &str, arguments: &str) -> Block {
    let (id, name, arguments) = (id.to_owned(), "get_weather".to_owned(), arguments.to_owned());
    Block::new(Body::ToolCall(ToolCall { id, name, arguments, custom: false }))
}

fn result(id: &str, content: Vec<Block>) -> Block {
    Block::new(Body::ToolResult(ToolResult { id: id.to_owned(), name: None, content, is_error: false }))
}

fn function(strict: Option<bool>) -> Tool {
    let schema = Some(json!({"type": "object", "$schema": "x"}));
    let body = ToolBody::Function { name: "get_weather".into(), description: None, schema, strict };
    Tool::new(body)
}

fn searches() -> Tool {
    let value = json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 3});
    let body = ToolBody::Hosted { hosted: Hosted::WebSearch, dialect: Dialect::Anthropic, value };
    Tool::new(body)
}

fn image(source: Source) -> Block {
    let media_type = matches!(source, Source::Base64(_)).then(|| "image/png".to_owned());
    Block::new(Body::Image(Media { source, media_type, name: None, detail: None }))
}

#[test]
fn what_google_has_no_word_for_is_named() {
    let mut request = ask(vec![Block::text("Hi")]);
    request.sampling.seed = Some(Number::from(1_u64 << 40));
    request.sampling.temperature = Number::from_f64(2.5);
    request.sampling.n = Some(20);
    request.sampling.top_logprobs = Some(30);
    request.parallel_tools = Some(false);
    (request.user, request.verbosity, request.cache_key) = (Some("u".into()), Some("low".into()), Some("k".into()));
    request.service_tier = Some("scale".into());
    request.stop = ["a", "b", "c", "d", "e", "f"].map(str::to_owned).to_vec();
    request.metadata.insert("team".into(), "blue".into());
    request.extra.insert("logit_bias".into(), json!({}));
    request.extra.insert("store".into(), false.into());
    request.messages[0].name = Some("ada".into());
    request.messages[0].blocks[0].cache = Some(CacheMark::default());
    let (written, losses) = body(&request, PRO);
    let expected = [
        "messages[0].name",
        "messages[0].content[0].cache_control",
        "parallel_tool_calls",
        "temperature",
        "seed",
        "n",
        "top_logprobs",
        "stop",
        "service_tier",
        "metadata",
        "user",
        "verbosity",
        "prompt_cache_key",
        "logit_bias",
    ];
    assert_eq!(losses, expected);
    let config = json!({
        "temperature": 2.0, "candidateCount": 8, "responseLogprobs": true, "logprobs": 20,
        "stopSequences": ["a", "b", "c", "d", "e"],
    });
    let contents = json!([{"role": "user", "parts": [{"text": "Hi"}]}]);
    assert_eq!(written, json!({"contents": contents, "generationConfig": config}));
}

#[test]
fn instructions_go_to_the_top_and_later_ones_become_turns_of_the_user() {
    let mut request = ask(vec![Block::text("Hi")]);
    request.system = vec![Block::text("One.")];
    request.messages.insert(0, Message::new(Role::Developer, vec![Block::text("Two.")]));
    request.messages.push(Message::new(Role::System, vec![Block::text("Three.")]));
    let (written, losses) = body(&request, PRO);
    assert_eq!(losses, ["messages[2].role"]);
    assert_eq!(written["systemInstruction"], json!({"parts": [{"text": "One."}, {"text": "Two."}]}));
    assert_eq!(written["contents"][1], json!({"role": "user", "parts": [{"text": "Three."}]}));
    request.messages.truncate(1);
    let (written, losses) = body(&request, PRO);
    assert_eq!(written["contents"], json!([{"role": "user", "parts": [{"text": "Two."}]}]));
    assert_eq!(losses, ["messages[0].role"], "instructions alone are what is to be answered");
}

#[test]
fn results_of_one_turn_are_gathered_and_named() {
    let mut request = ask(vec![Block::text("Weather?")]);
    request
        .messages
        .push(Message::new(Role::Assistant, vec![call("call_1", r#"{"city":"Paris"}"#), call("call_gm_A1_0", "")]));
    request.messages.push(Message::new(Role::Tool, vec![result("call_1", vec![Block::text("18 C")])]));
    request.messages.push(Message::new(Role::Tool, vec![result("call_gm_A1_0", vec![Block::text(r#"{"c": 24}"#)])]));
    request.messages.push(Message::new(Role::User, vec![Block::text("Well?")]));
    let (written, losses) = body(&request, PRO);
    assert_eq!(losses, Vec::<String>::new());
    let call = |id: Value, args: Value| match id {
        Value::Null => json!({"functionCall": {"name": "get_weather", "args": args}}),
        id => json!({"functionCall": {"id": id, "name": "get_weather", "args": args}}),
    };
    let expected = json!([
        {"role": "user", "parts": [{"text": "Weather?"}]},
        {"role": "model", "parts": [call(json!("call_1"), json!({"city": "Paris"})), call(json!(null), json!({}))]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "call_1", "name": "get_weather", "response": {"output": "18 C"}}},
            {"functionResponse": {"name": "get_weather", "response": {"c": 24}}},
        ]},
        {"role": "user", "parts": [{"text": "Well?"}]},
    ]);
    assert_eq!(written["contents"], expected);
}

#[test]
fn results_that_a_user_brings_one_by_one_are_gathered_too() {
    let mut request = ask(vec![Block::text("Weather?")]);
    request.dialect = Dialect::Anthropic;
    let says = |role, blocks| Message::new(role, blocks);
    request.messages.extend([
        says(Role::Assistant, vec![call("a", "{}"), call("b", "{}")]),
        says(Role::User, vec![result("a", vec![Block::text("18 C")])]),
        says(Role::User, vec![result("b", vec![Block::text("24 C")]), Block::text("Well?")]),
        says(Role::User, vec![Block::text("Say!")]),
    ]);
    let contents = body(&request, PRO).0["contents"].clone();
    let kinds = |content: &Value| -> Vec<String> {
        let parts = content["parts"].as_array().expect("parts").iter();
        parts.map(|part| part.as_object().expect("a part").keys().next().expect("a member").clone()).collect()
    };
    assert_eq!(contents.as_array().map(Vec::len), Some(4));
    assert_eq!(kinds(&contents[2]), ["functionResponse", "functionResponse", "text"]);
}

#[test]
fn pictures_in_results_stand_in_them_or_beside_them() {
    let mut request = ask(vec![Block::text("Show me.")]);
    request.messages.push(Message::new(Role::Assistant, vec![call("call_1", "{}")]));
    let content = vec![Block::text("A"), Block::text("chart"), image(Source::Base64("iVBORw0KGgo=".into()))];
    request.messages.push(Message::new(Role::Tool, vec![result("call_1", content)]));
    let picture = json!({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}});
    let (old, _) = body(&request, PRO);
    let response = json!({"id": "call_1", "name": "get_weather", "response": {"output": "A\nchart"}});
    assert_eq!(old["contents"][2]["parts"], json!([{"functionResponse": response}, picture]));
    let (new, _) = body(&request, THIRD);
    assert_eq!(new["contents"][2]["parts"][0]["functionResponse"]["parts"], json!([picture]));
}

#[test]
fn errors_of_tools_stay_errors() {
    let mut request = ask(vec![Block::text("Show me.")]);
    request.messages.push(Message::new(Role::Assistant, vec![call("call_1", "{}")]));
    let mut failed = result("call_1", vec![Block::text("no such city")]);
    if let Body::ToolResult(result) = &mut failed.body {
        result.is_error = true;
    }
    request.messages.push(Message::new(Role::Tool, vec![failed]));
    let (written, _) = body(&request, PRO);
    let response = &written["contents"][2]["parts"][0]["functionResponse"]["response"];
    assert_eq!(*response, json!({"error": "no such city"}));
}

#[test]
fn thoughts_go_back_to_their_maker_only() {
    let thought = |signature: Option<Signature>| {
        let thinking = Thinking { text: "Add them.".into(), ..Thinking::default() };
        Block { signature, ..Block::new(Body::Thinking(thinking)) }
    };
    let mut request = ask(vec![Block::text("2+2?")]);
    let blocks = vec![
        thought(Some(Signature::new(Dialect::Gemini, "c2lnbmF0dXJl"))),
        thought(Some(Signature::new(Dialect::Anthropic, "EqQB"))),
        thought(None),
        Block { signature: Some(Signature::new(Dialect::Gemini, "eA==")), ..Block::text("4") },
    ];
    request.messages.push(Message::new(Role::Assistant, blocks));
    let (written, losses) = body(&request, PRO);
    assert_eq!(losses, ["messages[1].content[1].thinking", "messages[1].content[2].thinking"]);
    let expected = json!([
        {"text": "Add them.", "thought": true, "thoughtSignature": "c2lnbmF0dXJl"},
        {"text": "4", "thoughtSignature": "eA=="},
    ]);
    assert_eq!(written["contents"][1]["parts"], expected);
}

#[test]
fn calls_that_gemini_did_not_make_are_excused_in_the_last_turn_only() {
    let mut request = ask(vec![Block::text("Weather?")]);
    let tool = |request: &mut ChatRequest, id: &str, signature: Option<Signature>| {
        let first = Block { signature, ..call(id, "{}") };
        request.messages.push(Message::new(Role::Assistant, vec![Block::text("So:"), first, call("more", "{}")]));
        request.messages.push(Message::new(Role::Tool, vec![result(id, vec![]), result("more", vec![])]));
    };
    tool(&mut request, "a", None);
    request.messages.push(Message::new(Role::User, vec![Block::text("And now?")]));
    tool(&mut request, "b", Some(Signature::new(Dialect::Anthropic, "EqQB")));
    tool(&mut request, "c", Some(Signature::new(Dialect::Gemini, "eA==")));
    let seal = |body: &Value, content: usize, part: usize| {
        body["contents"][content]["parts"][part]["thoughtSignature"].clone()
    };
    let (third, losses) = body(&request, THIRD);
    assert_eq!(losses, ["messages[4].content[1].signature"]);
    assert_eq!(seal(&third, 1, 1), Value::Null, "an earlier turn");
    assert_eq!(seal(&third, 4, 1), "skip_thought_signature_validator");
    assert_eq!((seal(&third, 4, 0), seal(&third, 4, 2)), (Value::Null, Value::Null), "the first call alone");
    assert_eq!(seal(&third, 6, 1), "eA==");
    assert_eq!(seal(&body(&request, PRO).0, 4, 1), Value::Null, "Gemini 2.5 does not ask");
}

#[test]
fn effort_is_said_in_the_words_of_the_model() {
    let config = |reasoning: Reasoning, model: &str| {
        let request = ChatRequest { reasoning: Some(reasoning), ..ask(vec![Block::text("Hi")]) };
        let (written, losses) = body(&request, model);
        (written["generationConfig"]["thinkingConfig"].clone(), losses == ["reasoning"])
    };
    let effort = |effort| Reasoning { effort: Some(effort), ..Reasoning::default() };
    let budget = |budget| Reasoning { budget: Some(budget), ..Reasoning::default() };
    let adaptive = Reasoning { adaptive: true, shown: Some(true), ..Reasoning::default() };
    assert_eq!(config(effort(Effort::High), PRO), (json!({"thinkingBudget": 16384}), false));
    assert_eq!(config(effort(Effort::None), PRO), (json!({"thinkingBudget": 128}), true));
    assert_eq!(config(effort(Effort::None), "gemini-2.5-flash"), (json!({"thinkingBudget": 0}), false));
    assert_eq!(config(budget(100), "gemini-2.5-flash-lite"), (json!({"thinkingBudget": 512}), true));
    assert_eq!(config(budget(60_000), "gemini-2.5-flash"), (json!({"thinkingBudget": 24576}), true));
    assert_eq!(config(adaptive.clone(), PRO), (json!({"thinkingBudget": -1, "includeThoughts": true}), false));
    assert_eq!(config(adaptive, THIRD), (json!({"includeThoughts": true}), false));
    assert_eq!(config(effort(Effort::Medium), THIRD), (json!({"thinkingLevel": "HIGH"}), true));
    assert_eq!(config(effort(Effort::Medium), "gemini-3-flash"), (json!({"thinkingLevel": "MEDIUM"}), false));
    assert_eq!(config(effort(Effort::None), "gemini-3-flash"), (json!({"thinkingLevel": "MINIMAL"}), true));
    assert_eq!(config(budget(2_000), THIRD), (json!({"thinkingLevel": "LOW"}), false));
    assert_eq!(config(effort(Effort::Max), "gemini-3-flash"), (json!({"thinkingLevel": "HIGH"}), true));
    assert_eq!(config(effort(Effort::High), OLD), (Value::Null, true));
    assert_eq!(config(effort(Effort::None), OLD), (Value::Null, false));
}

#[test]
fn tools_are_declared_and_chosen() {
    let tools = |tools: Vec<Tool>, choice: Option<ToolChoice>, model: &str| {
        let (written, losses) =
            body(&ChatRequest { tools, tool_choice: choice, ..ask(vec![Block::text("Hi")]) }, model);
        (written["tools"].clone(), written["toolConfig"].clone(), losses.join(","))
    };
    let declared = json!({"functionDeclarations": [
        {"name": "get_weather", "parametersJsonSchema": {"type": "object", "$schema": "x"}},
    ]});
    let calling = |mode: &str| json!({"functionCallingConfig": {"mode": mode}});
    let none = String::new;
    let strict = tools(vec![function(Some(true))], None, PRO);
    assert_eq!(strict, (json!([declared]), calling("VALIDATED"), none()));
    let old = tools(vec![function(Some(true))], None, OLD);
    assert_eq!(old, (json!([declared]), Value::Null, "tools[0].strict".into()));
    assert_eq!(tools(vec![function(None)], Some(ToolChoice::Required), PRO).1, calling("ANY"));
    let (_, config, lost) = tools(vec![function(None)], Some(ToolChoice::Tool("other".into())), PRO);
    assert_eq!((config, lost.as_str()), (Value::Null, "tool_choice"));
    let both = vec![searches(), function(None)];
    let (mixed, config, lost) = tools(both.clone(), None, PRO);
    assert_eq!((mixed, config, lost.as_str()), (json!([declared]), Value::Null, "tools[0]"));
    let (mixed, config, lost) = tools(both.clone(), None, THIRD);
    assert_eq!((mixed, lost.as_str()), (json!([{"googleSearch": {}}, declared]), "tools[0].max_uses"));
    assert_eq!(config, json!({"includeServerSideToolInvocations": true}));
    let (left, config, _) = tools(both, Some(ToolChoice::None), THIRD);
    assert_eq!((left, config), (json!([declared]), calling("NONE")));
    let names = ToolChoice::Allowed { names: vec!["get_weather".into()], required: false };
    let allowed = json!({"functionCallingConfig": {"mode": "VALIDATED", "allowedFunctionNames": ["get_weather"]}});
    assert_eq!(tools(vec![function(None)], Some(names), PRO).1, allowed);
}

#[test]
fn formats_are_schemas_in_json_schema() {
    let schema = json!({"type": "object", "properties": {}});
    let format = |description: Option<&str>| {
        let (name, description) = (Some("city".into()), description.map(str::to_owned));
        Some(Format::Schema { name, description, schema: schema.clone(), strict: Some(true) })
    };
    let mut request = ChatRequest { format: format(Some("A city.")), ..ask(vec![Block::text("Hi")]) };
    let described = json!({"type": "object", "properties": {}, "description": "A city."});
    let expected = json!({"responseMimeType": "application/json", "responseJsonSchema": described});
    let (written, losses) = body(&request, PRO);
    assert_eq!((&written["generationConfig"], losses.len()), (&expected, 0));
    request.tools = vec![function(None)];
    assert_eq!(body(&request, PRO).1, ["response_format"], "not together with functions before Gemini 3");
    assert_eq!(body(&request, THIRD).0["generationConfig"], expected);
    request.format = Some(Format::Text);
    assert_eq!(body(&request, PRO).0["generationConfig"], Value::Null);
}

#[test]
fn media_of_others_find_their_places_or_are_named() {
    let mut detailed = image(Source::Url("https://example.com/cat".into()));
    if let Body::Image(media) = &mut detailed.body {
        media.detail = Some("low".into());
    }
    let document =
        Media { source: Source::Text("plain".into()), media_type: None, name: Some("a.txt".into()), detail: None };
    let quoted = Citation::new(Dialect::Openai, "{}");
    let blocks = vec![
        detailed,
        image(Source::Url("https://example.com/cat.webp".into())),
        image(Source::File("file-1".into())),
        Block::new(Body::Document(document)),
        Block::new(Body::Foreign { dialect: Dialect::Anthropic, value: json!({"type": "server_tool_use"}) }),
        Block::new(Body::Text { text: "x".into(), citations: vec![quoted] }),
        Block::new(Body::Refusal("No.".into())),
        Block::text(""),
    ];
    let (written, losses) = body(&ask(blocks), PRO);
    let expected = json!([
        {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://example.com/cat"}},
        {"fileData": {"mimeType": "image/webp", "fileUri": "https://example.com/cat.webp"}},
        {"inlineData": {"mimeType": "text/plain", "data": "cGxhaW4="}},
        {"text": "x"},
        {"text": "No."},
    ]);
    assert_eq!(written["contents"][0]["parts"], expected);
    let content = |rest: &str| format!("messages[0].content{rest}");
    let lost = ["[0].detail", "[2].image", "[3].title", "[4].server_tool_use", "[5].citations"].map(content);
    assert_eq!(losses, lost);
}

#[test]
fn what_cannot_be_a_request_is_refused_with_its_place() {
    let mut request = ask(vec![Block::text("Weather?")]);
    request.messages.push(Message::new(Role::Assistant, vec![Block::text("x"), call("a", "{}"), call("b", "[1]")]));
    let refused = |request: &ChatRequest| written(request, PRO).0.expect_err("refused").to_string();
    let expected = "messages[1].tool_calls[1].function.arguments: must be the JSON text of an object";
    assert_eq!(refused(&request), expected);
    request.messages.clear();
    assert_eq!(refused(&request), "messages: there is nothing to answer");
    request.messages.push(Message::new(Role::User, vec![Block::text("")]));
    assert_eq!(refused(&request), "messages: there is nothing to answer");
}
