//! What writing another dialect's request for a provider of Responses promises: what it can say it says, what it cannot
//! it names.

mod responses_support;

use responses_support::{written, written_for};
use router_core::chat::{
    Block, Body, CacheMark, ChatRequest, Citation, Effort, Format, Hosted, Media, Message, Reasoning, Role, Signature,
    Source, Thinking, Tool, ToolBody, ToolCall, ToolChoice, ToolResult,
};
use router_core::dialect::Quirks;
use router_core::domain::Dialect;
use serde_json::{Number, Value, json};

fn asks(text: &str) -> ChatRequest {
    ChatRequest { messages: vec![user(text)], ..ChatRequest::new(Dialect::Anthropic) }
}

fn user(text: &str) -> Message {
    Message::new(Role::User, vec![Block::text(text)])
}

fn media(source: Source, media_type: &str) -> Media {
    Media { source, media_type: Some(media_type.to_owned()), name: None, detail: None }
}

fn call(id: &str, custom: bool) -> Block {
    let (name, arguments) = ("f".to_owned(), String::new());
    Block::new(Body::ToolCall(ToolCall { id: id.to_owned(), name, arguments, custom }))
}

fn result(id: &str, content: Vec<Block>, is_error: bool) -> Block {
    Block::new(Body::ToolResult(ToolResult { id: id.to_owned(), name: Some("f".to_owned()), content, is_error }))
}

#[track_caller]
fn body(request: &ChatRequest, losses: &[&str]) -> Value {
    let (body, lost) = written(request);
    assert_eq!(lost, losses);
    body.expect("can be said")
}

#[test]
fn nothing_is_stored_and_thoughts_come_back_sealed() {
    let written = body(&asks("x"), &[]);
    assert_eq!(written["model"], "gpt-5.1");
    assert_eq!(written["store"], false);
    assert_eq!(written["include"], json!(["reasoning.encrypted_content"]));
    // OpenAI refuses that of models that do not think.
    for (model, thinks) in
        [("gpt-4o-mini", false), ("openai/gpt-4.1", false), ("gpt-5-chat-latest", false), ("o3", true)]
    {
        let (body, _) = written_for(&asks("x"), model, &Quirks::default());
        assert_eq!(body.expect("can be said").get("include").is_some(), thinks, "{model}");
    }
    let mut weighed = asks("x");
    (weighed.sampling.logprobs, weighed.sampling.top_logprobs) = (Some(true), Some(25));
    let written = body(&weighed, &["top_logprobs"]);
    assert_eq!(written["include"], json!(["reasoning.encrypted_content", "message.output_text.logprobs"]));
    assert_eq!(written["top_logprobs"], 20);
}

#[test]
fn instructions_in_front_are_lifted_and_later_ones_stay() {
    let mut request = asks("x");
    request.system = vec![Block::text("a"), Block::text("b")];
    request.messages.insert(0, Message::new(Role::Developer, vec![Block::text("c")]));
    request.messages.insert(0, Message::new(Role::System, vec![Block::text("d")]));
    request.messages.push(Message::new(Role::System, vec![Block::text("e")]));
    let written = body(&request, &[]);
    assert_eq!(written["instructions"], "a\n\nb\n\nd\n\nc");
    assert_eq!(
        written["input"],
        json!([
            {"type": "message", "role": "user", "content": "x"}, {"type": "message", "role": "system", "content": "e"},
        ])
    );
    request.messages.truncate(2);
    let written = body(&request, &[]);
    assert_eq!(written["instructions"], "a\n\nb", "with nothing else to send they are sent as messages");
    assert_eq!(written["input"].as_array().map(Vec::len), Some(2));
    let quirks = Quirks { no_developer_role: true, ..Quirks::default() };
    let (written, _) = written_for(&request, "m", &quirks);
    assert_eq!(written.expect("can be said")["input"][1]["role"], "system");
}

#[test]
fn results_come_before_what_is_said_along_with_them() {
    let image = Block::new(Body::Image(media(Source::Base64("AAAA".into()), "image/png")));
    let audio = Block::new(Body::Audio(media(Source::Url("https://example.com/a".into()), "audio/wav")));
    let mut request = asks("x");
    request.messages.push(Message::new(Role::Assistant, vec![call("a", false), call("b", true)]));
    request.messages.push(Message::new(
        Role::User,
        vec![
            Block::text("so?"),
            result("a", vec![Block::text("1"), image, audio], true),
            result("b", vec![Block::text("2")], false),
            result("c", Vec::new(), false),
        ],
    ));
    let written = body(&request, &["messages[2].content[1].is_error", "messages[2].content[1].content[2].audio"]);
    assert_eq!(
        written["input"].as_array().expect("items")[1..],
        [
            json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}),
            json!({"type": "custom_tool_call", "call_id": "b", "name": "f", "input": ""}),
            json!({"type": "function_call_output", "call_id": "a", "output": [
                {"type": "input_text", "text": "1"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
                {"type": "input_text", "text": "[audio]"},
            ]}),
            json!({"type": "custom_tool_call_output", "call_id": "b", "output": "2"}),
            json!({"type": "function_call_output", "call_id": "c", "output": ""}),
            json!({"type": "message", "role": "user", "content": "so?"}),
        ]
    );
}

#[test]
fn only_its_own_thoughts_go_back_to_a_provider() {
    let thought = |origin: Option<Dialect>| {
        let mut block = Block::new(Body::Thinking(Thinking { text: "t".into(), ..Thinking::default() }));
        block.signature = origin.map(|origin| Signature { origin, id: Some("rs_1".into()), data: "c2Vj".into() });
        block
    };
    let mut sealed_call = call("a", false);
    sealed_call.signature = Some(Signature::new(Dialect::Gemini, "x"));
    let blocks = vec![thought(Some(Dialect::Anthropic)), thought(None), thought(Some(Dialect::Responses)), sealed_call];
    let mut request = asks("x");
    request.messages.push(Message::new(Role::Assistant, blocks));
    let lost = ["[0].thinking", "[1].thinking", "[3].signature"].map(|rest| format!("messages[1].content{rest}"));
    let written = body(&request, &lost.each_ref().map(String::as_str));
    assert_eq!(
        written["input"].as_array().expect("items")[1..],
        [
            json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2Vj",
            "content": [{"type": "reasoning_text", "text": "t"}]}),
            json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}),
        ]
    );
}

#[test]
fn what_the_model_said_may_be_text_only() {
    let mut said = Block::new(Body::Text {
        text: "World.".into(),
        citations: vec![
            citation(Some("https://example.com"), None),
            citation(None, Some((0, 2))),
            Citation { file: Some("file_011".into()), ..citation(None, None) },
            citation(Some("https://example.org"), Some((1, 3))),
        ],
    });
    said.cache = Some(CacheMark::default());
    let foreign = Body::Foreign { dialect: Dialect::Anthropic, value: json!({"type": "server_tool_use"}) };
    let image = Body::Image(media(Source::Url("u".into()), "image/png"));
    let mut request = asks("x");
    request.messages.push(Message::new(Role::Assistant, vec![said, Block::new(foreign), Block::new(image)]));
    let place = "messages[1].content";
    let losses = [
        format!("{place}[0].citations"),
        format!("{place}[0].cache_control"),
        format!("{place}[1].provider_specific"),
        format!("{place}[2].image"),
    ];
    let written = body(&request, &losses.each_ref().map(String::as_str));
    assert_eq!(
        written["input"][1]["content"][0]["annotations"],
        json!([
            {"type": "url_citation", "start_index": 0, "end_index": 6, "url": "https://example.com",
                "title": "https://example.com"},
            {"type": "url_citation", "start_index": 1, "end_index": 3, "url": "https://example.org",
                "title": "https://example.org"},
        ])
    );
}

fn citation(url: Option<&'static str>, range: Option<(u64, u64)>) -> Citation<'static> {
    Citation { url: url.map(Into::into), range, ..Citation::new(Dialect::Anthropic, "{}") }
}

#[test]
fn media_become_what_the_api_has_for_them() {
    let mut file = media(Source::File("file_1".into()), "application/pdf");
    let text = Media { name: Some("t".into()), ..media(Source::Text("words".into()), "text/plain") };
    let blocks = vec![
        Body::Document(media(Source::Base64("AAAA".into()), "text/csv")),
        Body::Document(text),
        Body::Document(file.clone()),
        Body::Video(media(Source::Url("v".into()), "video/mp4")),
        Body::Audio(media(Source::Base64("AAAA".into()), "audio/mpeg")),
        Body::Image(media(Source::Url("https://example.com/a.png".into()), "image/png")),
    ];
    let message =
        Message { name: Some("ada".into()), ..Message::new(Role::User, blocks.into_iter().map(Block::new).collect()) };
    let mut request = asks("x");
    request.messages.push(message);
    let lost = [
        "messages[1].name",
        "messages[1].content[1].title",
        "messages[1].content[2].document",
        "messages[1].content[3].video",
        "messages[1].content[4].audio",
    ];
    let written = body(&request, &lost);
    assert_eq!(
        written["input"][1]["content"],
        json!([
            {"type": "input_file", "file_data": "data:text/csv;base64,AAAA", "filename": "document.csv"},
            {"type": "input_text", "text": "words"},
            {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
        ])
    );
    file.media_type = None;
    let mut request = ChatRequest::new(Dialect::Openai);
    request.messages.push(Message::new(Role::User, vec![Block::new(Body::Document(file))]));
    let written = body(&request, &[]);
    assert_eq!(written["input"][0]["content"], json!([{"type": "input_file", "file_id": "file_1"}]));
}

#[test]
fn tools_of_others_become_ours_where_we_have_them() {
    let hosted = |hosted: Hosted, value: Value| ToolBody::Hosted { hosted, dialect: Dialect::Anthropic, value };
    let function = ToolBody::Function { name: "f".into(), description: None, schema: None, strict: None };
    let search = json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 3,
        "allowed_domains": ["example.com"], "user_location": {"type": "approximate", "city": "Paris"}});
    let bodies = [
        function,
        hosted(Hosted::WebSearch, search),
        hosted(Hosted::WebFetch, json!({})),
        hosted(Hosted::CodeExecution, json!({})),
        ToolBody::Foreign { dialect: Dialect::Gemini, value: json!({"googleMaps": {}}) },
    ];
    let mut request = asks("x");
    request.tools = bodies.map(Tool::new).to_vec();
    request.tools[0].cache = Some(CacheMark::default());
    request.tools[0].extra.insert("eager".into(), json!(true));
    request.tool_choice = Some(ToolChoice::Allowed { names: vec!["f".into()], required: false });
    let lost = ["tools[0].cache_control", "tools[0].eager", "tools[1].max_uses", "tools[2]", "tools[4]"];
    let written = body(&request, &lost);
    assert_eq!(
        written["tools"],
        json!([
            {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": false},
            {"type": "web_search", "filters": {"allowed_domains": ["example.com"]},
                "user_location": {"type": "approximate", "city": "Paris"}},
            {"type": "code_interpreter", "container": {"type": "auto"}},
        ])
    );
    assert_eq!(
        written["tool_choice"],
        json!({"type": "allowed_tools", "mode": "auto",
        "tools": [{"type": "function", "name": "f"}]})
    );
}

#[test]
fn what_has_no_member_is_named() {
    let mut request = asks("x");
    request.stop = vec!["END".into()];
    request.max_tokens = Some(5);
    request.service_tier = Some("standard_only".into());
    request.reasoning = Some(Reasoning { budget: Some(10_000), shown: Some(true), ..Reasoning::default() });
    let sampling = &mut request.sampling;
    sampling.temperature = Number::from_f64(2.5);
    sampling.top_k = Some(40.into());
    sampling.seed = Some(7.into());
    sampling.frequency_penalty = Number::from_f64(0.0);
    sampling.presence_penalty = Number::from_f64(0.5);
    sampling.n = Some(2);
    request.extra.insert("thinking_mode".into(), json!(1));
    request.extra.insert("\0note".into(), json!(1));
    let lost = ["temperature", "max_tokens", "top_k", "seed", "presence_penalty", "n", "stop", "thinking_mode"];
    let written = body(&request, &lost);
    assert_eq!((&written["temperature"], &written["max_output_tokens"]), (&json!(2.0), &json!(16)));
    assert_eq!(written["service_tier"], "default");
    assert_eq!(written["reasoning"], json!({"effort": "high", "summary": "auto"}));
    request = ChatRequest { service_tier: Some("premium".into()), ..asks("x") };
    assert_eq!(body(&request, &["service_tier"]).get("service_tier"), None);
    request = ChatRequest { dialect: Dialect::Openai, ..asks("x") };
    request.extra.insert("safety_identifier".into(), json!("s"));
    request.extra.insert("logit_bias".into(), json!({}));
    assert_eq!(body(&request, &["logit_bias"])["safety_identifier"], "s");
}

#[test]
fn quirks_are_respected() {
    let quirks = Quirks {
        no_json_schema: true,
        no_parallel_tool_calls: true,
        no_forced_tools: true,
        no_reasoning_effort: true,
        ..Quirks::default()
    };
    let schema = json!({"type": "object"});
    let mut request = asks("x");
    request.format =
        Some(Format::Schema { name: None, description: None, schema: schema.clone(), strict: Some(false) });
    request.parallel_tools = Some(false);
    request.tool_choice = Some(ToolChoice::Required);
    request.reasoning = Some(Reasoning { effort: Some(Effort::Low), ..Reasoning::default() });
    let (written, losses) = written_for(&request, "m", &quirks);
    let written = written.expect("can be said");
    assert_eq!(losses, ["response_format.json_schema", "tool_choice", "parallel_tool_calls", "reasoning"]);
    assert_eq!(written["text"], json!({"format": {"type": "json_object"}}));
    assert!(written["instructions"].as_str().expect("words").ends_with(r#"{"type":"object"}"#));
    for key in ["tool_choice", "parallel_tool_calls", "reasoning"] {
        assert_eq!(written.get(key), None, "{key}");
    }
    let format = json!({"type": "json_schema", "name": "answer", "schema": schema, "strict": false});
    assert_eq!(body(&request, &[])["text"], json!({ "format": format }));
}

#[test]
fn json_is_asked_for_in_words_unless_it_was() {
    let mut request = ChatRequest { format: Some(Format::Json), ..asks("a city") };
    assert_eq!(body(&request, &[])["input"].as_array().map(Vec::len), Some(2));
    request.messages[0] = user("a city as Json");
    assert_eq!(body(&request, &[])["input"].as_array().map(Vec::len), Some(1));
}

#[test]
fn there_must_be_something_to_send() {
    let mut request = asks("x");
    request.messages.clear();
    assert_eq!(written(&request).0.expect_err("nothing").path, "messages");
    let video = Body::Video(media(Source::Url("v".into()), "video/mp4"));
    request.messages.push(Message::new(Role::User, vec![Block::new(video)]));
    assert_eq!(written(&request).0.expect_err("nothing is left").path, "messages");
    request.format = Some(Format::Json);
    assert!(written(&request).0.is_err(), "our own words are nothing to answer");
}

#[test]
fn a_place_to_search_from_is_said_beside_its_type() {
    let place = json!({"type": "approximate", "approximate": {"city": "Paris", "country": "FR"}});
    let value = json!({"user_location": place, "search_context_size": "low"});
    let search = ToolBody::Hosted { hosted: Hosted::WebSearch, dialect: Dialect::Openai, value };
    let mut request = ChatRequest { dialect: Dialect::Openai, ..asks("x") };
    request.tools = vec![Tool::new(search)];
    let place = json!({"type": "approximate", "city": "Paris", "country": "FR"});
    let expected = json!([{"type": "web_search", "user_location": place, "search_context_size": "low"}]);
    assert_eq!(body(&request, &[])["tools"], expected);
}

#[test]
fn efforts_are_those_that_the_model_knows() {
    let mut request = asks("x");
    let mut effort = |dialect: Dialect, budget: u64| {
        request.dialect = dialect;
        let effort = Effort::of_budget(budget);
        request.reasoning = Some(Reasoning { effort: Some(effort), ..Reasoning::default() });
        let (body, losses) = written(&request);
        (body.expect("can be said")["reasoning"]["effort"].clone(), losses.join(","))
    };
    assert_eq!(effort(Dialect::Anthropic, 16_000), (json!("high"), String::new()));
    assert_eq!(effort(Dialect::Anthropic, 60_000), (json!("high"), "reasoning".to_owned()));
    // A client of this dialect is told by the provider.
    assert_eq!(effort(Dialect::Responses, 60_000), (json!("max"), String::new()));
}

#[test]
fn what_users_and_instructions_cite_is_named() {
    let citation = Citation { title: Some("A title".into()), ..Citation::new(Dialect::Anthropic, "{}") };
    let cited = || Block::new(Body::Text { text: "It.".into(), citations: vec![citation.clone()] });
    let mut request = asks("x");
    request.system = vec![cited()];
    request.messages[0].blocks = vec![cited()];
    body(&request, &["system[0].citations", "messages[0].content[0].citations"]);
}
