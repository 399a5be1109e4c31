//! How requests of other dialects are written as Chat Completions, and what of them is lost: by name.

mod openai_chat_support;

use openai_chat_support::{ask, foreign, written, written_for};
use router_core::chat::{
    Block, Body, CacheMark, ChatRequest, Citation, Effort, Hosted, Media, Message, Reasoning, Role, Signature, Source,
    Thinking, Tool, ToolBody, ToolCall, ToolChoice, ToolResult,
};
use router_core::dialect::Quirks;
use router_core::domain::Dialect;
use serde_json::{Number, Value, json};

fn media(source: Source, media_type: Option<&str>) -> Media {
    Media { source, media_type: media_type.map(str::to_owned), name: None, detail: None }
}

fn turns(turns: Vec<(Role, Vec<Block>)>) -> ChatRequest {
    let messages = turns.into_iter().map(|(role, blocks)| Message::new(role, blocks)).collect();
    ChatRequest { messages, ..ChatRequest::new(Dialect::Anthropic) }
}

fn call(id: &str, arguments: &str) -> Block {
    let (id, name, arguments) = (id.to_owned(), "f".to_owned(), arguments.to_owned());
    Block::new(Body::ToolCall(ToolCall { id, name, arguments, custom: false }))
}

fn result(id: &str, content: Vec<Block>, is_error: bool) -> Block {
    Block::new(Body::ToolResult(ToolResult { id: id.to_owned(), name: Some("f".into()), content, is_error }))
}

#[test]
fn instructions_come_first_and_text_is_one_string() {
    let mut request = turns(vec![
        (Role::User, vec![Block::text("a"), Block::text("b")]),
        (Role::Assistant, vec![Block::text("c"), Block::text("d"), call("c1", ""), Block::text("e")]),
    ]);
    let picture = Block::new(Body::Image(media(Source::Url("https://a.b/c".into()), None)));
    request.system = vec![Block::text("One."), picture, Block::text("Two.")];
    let (body, losses) = written(&request);
    let call = json!({"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let expected = json!([
        {"role": "system", "content": "One.\n\nTwo."},
        {"role": "user", "content": "a\n\nb"},
        {"role": "assistant", "content": "cd\n\ne", "tool_calls": [call]},
    ]);
    assert_eq!((&body["messages"], losses), (&expected, vec!["system[1].image".to_owned()]));
}

#[test]
fn a_grammar_is_nested_as_this_api_has_it() {
    let mut request = turns(vec![(Role::User, vec![Block::text("Hi")])]);
    let format = Some(json!({"type": "grammar", "syntax": "regex", "definition": "[ab]"}));
    let body = ToolBody::Custom { name: "g".into(), description: None, format };
    request.tools = vec![Tool::new(body)];
    let (body, _) = written(&request);
    let grammar = json!({"type": "grammar", "grammar": {"syntax": "regex", "definition": "[ab]"}});
    assert_eq!(body["tools"][0]["custom"]["format"], grammar);
    assert_eq!(foreign(body).tools, request.tools);
}

#[test]
fn results_of_tools_come_before_the_rest_of_their_turn() {
    let picture = Block::new(Body::Image(media(Source::Base64("iVBORw0KGgo=".into()), Some("image/png"))));
    let request = turns(vec![
        (Role::Assistant, vec![call("c1", "{\"a\":1}"), call("c2", "{}")]),
        (
            Role::User,
            vec![
                Block::text("And?"),
                result("c1", vec![Block::text("A chart"), picture], false),
                result("c2", vec![Block::text("no such city")], true),
            ],
        ),
        (Role::User, vec![result("c1", Vec::new(), false)]),
    ]);
    let (body, losses) = written(&request);
    let expected = json!([
        {"role": "tool", "tool_call_id": "c1", "content": "A chart\n\n[image]"},
        {"role": "tool", "tool_call_id": "c2", "content": "no such city"},
        {"role": "user", "content": "And?"},
        {"role": "tool", "tool_call_id": "c1", "content": ""},
    ]);
    assert_eq!(&body["messages"].as_array().expect("messages")[1..], expected.as_array().expect("messages"));
    assert_eq!(losses, ["messages[1].content[1].content[1].image", "messages[1].content[2].is_error"]);
}

#[test]
fn ids_beyond_the_bound_are_shortened_the_same_way_everywhere() {
    let long = "toolu_".repeat(20);
    let request = turns(vec![
        (Role::Assistant, vec![call(&long, "{}")]),
        (Role::Tool, vec![result(&long, vec![Block::text("x")], false)]),
    ]);
    let (body, _) = written(&request);
    let id = body["messages"][0]["tool_calls"][0]["id"].as_str().expect("an id");
    assert!(id.len() <= 40 && id.starts_with("call_"), "{id}");
    assert_eq!(body["messages"][1]["tool_call_id"], id);
    let own = ChatRequest { dialect: Dialect::Openai, ..request };
    assert_eq!(written(&own).0["messages"][1]["tool_call_id"], long);
}

#[test]
fn media_are_written_as_far_as_the_api_has_them() {
    let source = |data: &str| Source::Base64(data.into());
    let blocks = vec![
        Block::new(Body::Image(media(source("/9j/AAAA"), None))),
        Block::new(Body::Image(media(Source::File("files/1".into()), None))),
        Block::new(Body::Audio(media(source("UklGRgECAwRXQVZFZm10IA=="), None))),
        Block::new(Body::Audio(media(source("AAAA"), Some("audio/ogg")))),
        Block::new(Body::Document(media(source("JVBERi0xLjQK"), Some("application/pdf")))),
        Block::new(Body::Document(Media { name: Some("N".into()), ..media(Source::Text("T".into()), None) })),
        Block::new(Body::Document(media(Source::Url("https://a.b/c.pdf".into()), None))),
        Block::new(Body::Video(media(Source::Url("https://a.b/c.mp4".into()), None))),
        Block::new(Body::Foreign { dialect: Dialect::Gemini, value: json!({}) }),
        Block::new(Body::Image(media(source("UklGRgECAwRXRUJQVlA4IA=="), None))),
    ];
    let (body, losses) = written(&turns(vec![(Role::User, blocks)]));
    let expected = json!([
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9j/AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "UklGRgECAwRXQVZFZm10IA==", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0xLjQK", "filename": "document.pdf"}},
        {"type": "text", "text": "N\n\nT"},
        {"type": "image_url", "image_url": {"url": "data:image/webp;base64,UklGRgECAwRXRUJQVlA4IA=="}},
    ]);
    assert_eq!(body["messages"][0]["content"], expected);
    let lost = [
        "messages[0].content[1].image",
        "messages[0].content[3].audio",
        "messages[0].content[6].document",
        "messages[0].content[7].video",
        "messages[0].content[8].provider_specific",
    ];
    assert_eq!(losses, lost);
}

#[test]
fn what_is_out_of_range_is_bounded_and_named() {
    let number = |value: f64| Number::from_f64(value);
    let mut request = turns(vec![(Role::User, vec![Block::text("Hi")])]);
    request.sampling.temperature = number(3.5);
    request.sampling.top_p = number(0.5);
    request.sampling.frequency_penalty = number(-9.0);
    request.sampling.top_k = Some(40.into());
    request.sampling.top_logprobs = Some(50);
    request.stop = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
    // Labels are for answers that are stored, and the API refuses them for others.
    request.metadata.insert("team".into(), "blue".into());
    request.service_tier = Some("standard_only".into());
    request.extra.insert("container".into(), json!("c"));
    request.extra.insert("anthropic_version".into(), json!("x"));
    let (body, losses) = written(&request);
    assert_eq!(
        (&body["temperature"], &body["top_p"], &body["frequency_penalty"]),
        (&json!(2.0), &json!(0.5), &json!(-2.0))
    );
    assert_eq!(
        (body.get("top_k"), &body["top_logprobs"], &body["stop"]),
        (None, &json!(20), &json!(["a", "b", "c", "d"]))
    );
    assert_eq!((body.get("metadata"), &body["service_tier"]), (None, &json!("default")));
    assert_eq!(losses, ["temperature", "frequency_penalty", "top_k", "top_logprobs", "stop", "metadata", "container"]);
    request.service_tier = Some("batch".into());
    assert!(written(&request).1.contains(&"service_tier".to_owned()));
}

#[test]
fn tools_of_providers_go_where_there_is_an_equal() {
    let hosted = |hosted, dialect, value| ToolBody::Hosted { hosted, dialect, value };
    let place = json!({"type": "approximate", "city": "Paris", "region": null});
    let search = json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "user_location": place});
    let bodies = [
        hosted(Hosted::WebSearch, Dialect::Anthropic, search),
        hosted(Hosted::CodeExecution, Dialect::Anthropic, json!({})),
        ToolBody::Foreign { dialect: Dialect::Anthropic, value: json!({"type": "bash"}) },
    ];
    let mut request = turns(vec![(Role::User, vec![Block::text("Hi")])]);
    request.tools = bodies.into_iter().map(Tool::new).collect();
    request.tool_choice = Some(ToolChoice::Required);
    request.parallel_tools = Some(false);
    let searching = |request: &ChatRequest| written_for(request, "gpt-5-search-api", &Quirks::default());
    let (body, losses) = searching(&request);
    let expected = json!({"user_location": {"type": "approximate", "approximate": {"city": "Paris"}}});
    assert_eq!((&body["web_search_options"], body.get("tools")), (&expected, None));
    // Without tools, the API refuses to hear how to choose them.
    assert_eq!((body.get("tool_choice"), body.get("parallel_tool_calls")), (None, None));
    assert_eq!(losses, ["tools[0].max_uses", "tools[1]", "tools[2]", "tool_choice"]);
    let empty = hosted(Hosted::WebSearch, Dialect::Gemini, json!({"googleSearch": {}}));
    request.tools = vec![Tool::new(empty)];
    request.tool_choice = None;
    let (body, losses) = searching(&request);
    assert_eq!((&body["web_search_options"], losses.len()), (&json!({}), 0));
    // OpenAI's other models refuse to be asked; of other vendors' nobody knows.
    for (model, asked) in [("gpt-5.1", false), ("openai/o4-mini", false), ("perplexity/sonar", true)] {
        let (body, losses) = written_for(&request, model, &Quirks::default());
        assert_eq!((body.get("web_search_options").is_some(), losses.is_empty()), (asked, asked), "{model}");
    }
}

#[test]
fn what_responses_say_in_the_same_words_goes_along_and_notes_are_no_loss() {
    let mut request = turns(vec![(Role::User, vec![Block::text("Hi")])]);
    request.dialect = Dialect::Responses;
    let note = json!({"\0note": {"id": "msg_1"}}).as_object().cloned().unwrap_or_default();
    request.messages[0].blocks[0].extra = note.clone();
    request.messages[0].extra = note.clone();
    let function = ToolBody::Function { name: "f".into(), description: None, schema: None, strict: None };
    request.tools = vec![Tool { extra: note.clone(), ..Tool::new(function) }];
    request.extra = note;
    request.extra.insert("safety_identifier".into(), "u1".into());
    request.extra.insert("store".into(), false.into());
    let (body, losses) = written(&request);
    assert_eq!((&body["safety_identifier"], body.get("store"), losses.len()), (&json!("u1"), None, 0));
    request.extra.insert("store".into(), true.into());
    request.extra.insert("truncation".into(), "auto".into());
    assert_eq!(written(&request).1, ["store", "truncation"]);
}

#[test]
fn efforts_are_those_that_the_model_knows() {
    let effort = |model: &str, reasoning: Reasoning| {
        let mut request = turns(vec![(Role::User, vec![Block::text("Hi")])]);
        request.reasoning = Some(reasoning);
        let (body, losses) = written_for(&request, model, &Quirks::default());
        (body.get("reasoning_effort").and_then(Value::as_str).map(str::to_owned), losses.join(","))
    };
    let words = |effort: Effort| Reasoning { effort: Some(effort), ..Reasoning::default() };
    let budget = |tokens: u64| Reasoning { budget: Some(tokens), ..Reasoning::default() };
    let said = |word: &str, losses: &str| (Some(word.to_owned()), losses.to_owned());
    assert_eq!(effort("gpt-5.1", budget(16_384)), said("high", ""));
    assert_eq!(effort("gpt-5.1", budget(0)), said("none", ""));
    assert_eq!(effort("gpt-5.1", budget(60_000)), said("high", "reasoning"));
    assert_eq!(effort("gpt-5-mini", budget(0)), said("minimal", "reasoning"));
    assert_eq!(effort("openai/o3", words(Effort::Max)), said("high", "reasoning"));
    let adaptive = Reasoning { adaptive: true, ..Reasoning::default() };
    assert_eq!(effort("gpt-5.1", adaptive.clone()), said("medium", ""));
    assert_eq!(effort("gpt-4.1", adaptive), (None, String::new()), "it cannot be asked");
    let shown = Reasoning { shown: Some(true), summary: Some("auto".into()), ..Reasoning::default() };
    assert_eq!(effort("gpt-5.1", shown), (None, "reasoning.summary".to_owned()));
    let shown = Reasoning { shown: Some(true), ..Reasoning::default() };
    assert_eq!(effort("gpt-5.1", shown), (None, "reasoning.shown".to_owned()));
}

#[test]
fn what_only_the_other_dialect_knows_is_named_where_it_stood() {
    let marked = |block: Block| Block {
        cache: Some(CacheMark::default()),
        extra: json!({"k": 1}).as_object().cloned().unwrap_or_default(),
        ..block
    };
    let mut request = turns(vec![
        (Role::User, vec![marked(Block::text("Hi"))]),
        (Role::Assistant, vec![Block { signature: Some(Signature::new(Dialect::Gemini, "c2ln")), ..call("c", "{}") }]),
    ]);
    request.messages[0].name = Some("Ada".into());
    request.messages[0].extra.insert("m".into(), 1.into());
    let (body, losses) = written(&request);
    assert_eq!(body["messages"][0], json!({"role": "user", "content": "Hi"}));
    let named = [
        "messages[0].content[0].cache_control",
        "messages[0].content[0].k",
        "messages[0].name",
        "messages[0].m",
        "messages[1].content[0].signature",
    ];
    assert_eq!(losses, named);
    // Google's own compatible endpoint wants its seal back.
    let (body, losses) = written_for(&request, "gemini-3-pro-preview", &Quirks::default());
    let seal = &body["messages"][1]["tool_calls"][0]["extra_content"]["google"]["thought_signature"];
    assert_eq!((seal, losses.len()), (&json!("c2ln"), 4));
}

#[test]
fn thoughts_go_back_to_whoever_sealed_them() {
    let thought = |origin: Option<Dialect>| Block {
        signature: origin.map(|origin| Signature::new(origin, "c2ln")),
        ..Block::new(Body::Thinking(Thinking { text: "Hm.".into(), ..Thinking::default() }))
    };
    let assistant = |blocks: Vec<Block>, wants: bool| {
        let quirks = Quirks { wants_reasoning_content: wants, ..Quirks::default() };
        let (body, losses) = written_for(&turns(vec![(Role::Assistant, blocks)]), "m", &quirks);
        (body["messages"][0].clone(), losses)
    };
    let answer = Block::text("4");
    let (plain, losses) = assistant(vec![thought(None), answer.clone()], false);
    assert_eq!(plain, json!({"role": "assistant", "content": "4"}));
    assert_eq!(losses, ["messages[0].content[0].thinking"]);
    let (told, losses) = assistant(vec![thought(None), answer.clone()], true);
    assert_eq!((&told["reasoning_content"], losses.len()), (&json!("Hm."), 0));
    let (dropped, losses) = assistant(vec![thought(Some(Dialect::Anthropic)), answer.clone()], false);
    assert_eq!(dropped, json!({"role": "assistant", "content": "4"}));
    assert_eq!(losses, ["messages[0].content[0].thinking"]);
    let (back, losses) = assistant(vec![thought(Some(Dialect::Openai)), answer], false);
    let entry = json!({"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "index": 0});
    assert_eq!((&back["reasoning_details"], losses.len()), (&json!([entry]), 0));
}

#[test]
fn a_foreign_request_without_extras_loses_nothing() {
    let request = foreign(ask(json!({"seed": 7, "n": 2, "user": "u", "prompt_cache_key": "k", "verbosity": "low"})));
    let (body, losses) = written(&request);
    assert_eq!((&body["seed"], &body["n"], &body["user"], losses.len()), (&json!(7), &json!(2), &json!("u"), 0));
}

#[test]
fn what_users_and_instructions_cite_is_named() {
    let citation = Citation { title: Some("A title".into()), ..Citation::new(Dialect::Anthropic, "{}") };
    let cited = || Block::new(Body::Text { text: "It.".into(), citations: vec![citation.clone()] });
    let mut request = turns(vec![(Role::User, vec![cited()])]);
    request.system = vec![cited()];
    assert_eq!(written(&request).1, ["system[0].citations", "messages[0].content[0].citations"]);
}
