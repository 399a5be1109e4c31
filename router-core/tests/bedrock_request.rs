//! Requests for Bedrock against hand-written ones.

mod bedrock_support;

use bedrock_support::*;
use router_core::chat::{
    Block, Body, ChatRequest, Effort, Format, Hosted, Message, Reasoning, Role, Sampling, Signature, Source, Tool,
    ToolBody, ToolChoice,
};
use router_core::domain::Dialect;
use serde_json::{Number, Value, json};

/// A case of the corpus in the common model, and what Bedrock cannot say of it.
struct Case {
    name: &'static str,
    request: ChatRequest,
    losses: &'static [&'static str],
}

const fn case(name: &'static str, request: ChatRequest, losses: &'static [&'static str]) -> Case {
    Case { name, request, losses }
}

fn number(number: f64) -> Option<Number> {
    Number::from_f64(number)
}

fn asks_with(text: &str, block: Block) -> ChatRequest {
    request(vec![user(vec![Block::text(text), block])])
}

fn conversations() -> Vec<Case> {
    let told = |role| {
        request(vec![
            Message::new(role, vec![Block::text("Answer in French.")]),
            asks("Why is the sky blue?").messages.remove(0),
        ])
    };
    let known = vec![
        user(vec![Block::text("Hi, I am Ada.")]),
        assistant(vec![Block::text("Hello Ada!")]),
        user(vec![Block::text("Who am I?")]),
    ];
    let seal = |data: &str| Some(Signature::new(Dialect::Anthropic, data));
    let sums = |thought| {
        let turns = vec![user(vec![Block::text("2+2?")]), assistant(vec![thought, Block::text("4")])];
        request(turns.into_iter().chain([user(vec![Block::text("And 3+3?")])]).collect())
    };
    let url = media(Source::Url("https://example.com/cat.png".into()), None, None);
    let pdf = media(Source::Base64("JVBERi0xLjQK".into()), Some("application/pdf"), Some("report.pdf"));
    let wav = media(Source::Base64("UklGRg==".into()), Some("audio/wav"), None);
    let cached_system = vec![cached(Block::text("A long text."), "1h")];
    vec![
        case("text", asks("Why is the sky blue?"), &[]),
        case("system", told(Role::System), &[]),
        case("developer", told(Role::Developer), &[]),
        case("multi_turn", request(known), &[]),
        case("image_url", asks_with("What is this?", Block::new(Body::Image(url))), &["messages[0].content[1].image"]),
        case("image_base64", asks_with("What is this?", png()), &[]),
        case("document_pdf", asks_with("Summarise it.", Block::new(Body::Document(pdf))), &[]),
        case("audio_input", asks_with("What do you hear?", Block::new(Body::Audio(wav))), &[]),
        case("thinking_history", sums(thought("Add them.", false, seal("c2lnbmF0dXJl"))), &[]),
        case("redacted_thinking", sums(thought("", true, seal("ZW5jcnlwdGVk"))), &[]),
        case("refusal", asks("How do I pick a lock?"), &[]),
        case("safety_stop", asks("Something bad."), &[]),
        case("citations", asks("Who won?"), &[]),
        case("unicode", asks("é\u{2028}\u{2029}😀\u{0}\"\\"), &[]),
        case("cache_control", ChatRequest { system: cached_system, ..asks("Summarise.") }, &[]),
    ]
}

fn tools() -> Vec<Case> {
    let with = |messages, choice| {
        let mut request = ChatRequest { tool_choice: choice, ..request(messages) };
        request.tools.push(tool(weather(), None));
        request
    };
    let weather_in_paris = || vec![user(vec![Block::text("Weather in Paris?")])];
    let forced = Some(ToolChoice::Tool("get_weather".into()));
    let results = |id: &str, text: &str| Message::new(Role::Tool, vec![result(id, vec![Block::text(text)], false)]);
    let (paris, rome) = (r#"{"city":"Paris"}"#, r#"{"city":"Rome"}"#);
    let parallel = vec![
        user(vec![Block::text("Weather in Paris and Rome?")]),
        assistant(vec![Block::text("Let me look."), call("call_1", paris), call("call_2", rome)]),
        results("call_1", "18 C"),
        results("call_2", "24 C"),
    ];
    let shown = |content, is_error| {
        let answer = Message::new(Role::Tool, vec![result("call_1", content, is_error)]);
        vec![user(vec![Block::text("Show me.")]), assistant(vec![call("call_1", paris)]), answer]
    };
    let mut strict = weather();
    strict["additionalProperties"] = false.into();
    let mut search = asks("Who won?");
    let value = json!({"type": "web_search_20250305", "name": "web_search"});
    let body = ToolBody::Hosted { hosted: Hosted::WebSearch, dialect: Dialect::Anthropic, value };
    search.tools.push(Tool::new(body));
    let alone = ChatRequest { parallel_tools: Some(false), ..with(weather_in_paris(), forced) };
    vec![
        case("tools_auto", with(weather_in_paris(), Some(ToolChoice::Auto)), &[]),
        case("tool_forced", alone, &["parallel_tool_calls"]),
        case("tools_none", with(weather_in_paris(), Some(ToolChoice::None)), &[]),
        case("tools_parallel", with(parallel, None), &[]),
        case("tool_result_image", with(shown(vec![Block::text("A chart"), png()], false), None), &[]),
        case("tool_result_error", with(shown(vec![Block::text("no such city")], true), None), &[]),
        case(
            "strict_tool",
            ChatRequest { tools: vec![tool(strict, Some(true))], ..with(weather_in_paris(), None) },
            &[],
        ),
        case("web_search", search, &["tools[0]"]),
    ]
}

fn settings() -> Vec<Case> {
    let city = json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"],
        "additionalProperties": false});
    let schema = Format::Schema { name: Some("city".into()), description: None, schema: city, strict: Some(true) };
    let drawn = Sampling {
        temperature: number(0.5),
        top_p: number(0.9),
        top_k: Some(40.into()),
        seed: Some(7.into()),
        frequency_penalty: number(0.25),
        presence_penalty: number(0.5),
        ..Sampling::default()
    };
    let lost = &["top_p", "seed", "frequency_penalty", "presence_penalty"];
    let probable = Sampling { logprobs: Some(true), top_logprobs: Some(2), ..Sampling::default() };
    let hard = Reasoning { effort: Some(Effort::High), ..Reasoning::default() };
    let mut labelled = ChatRequest { user: Some("user-123".into()), ..asks("Hi") };
    labelled.metadata.insert("team".into(), "blue".into());
    let bounded = |text: &str, most| ChatRequest { max_tokens: Some(most), ..asks(text) };
    vec![
        case("structured_output", ChatRequest { format: Some(schema), ..asks("Name a city.") }, &[]),
        case("json_mode", ChatRequest { format: Some(Format::Json), ..asks("Name a city as JSON.") }, &[]),
        case("stop_sequences", ChatRequest { stop: vec!["3".into(), "END".into()], ..asks("Count.") }, &[]),
        case("sampling", ChatRequest { sampling: drawn, ..asks("Hi") }, lost),
        case("logprobs", ChatRequest { sampling: probable, ..asks("Hi") }, &["logprobs", "top_logprobs"]),
        case(
            "many_choices",
            ChatRequest { sampling: Sampling { n: Some(2), ..Sampling::default() }, ..asks("A word?") },
            &["n"],
        ),
        case("reasoning_effort", ChatRequest { reasoning: Some(hard), ..bounded("Prove it.", 32_000) }, &[]),
        case("service_tier", ChatRequest { service_tier: Some("flex".into()), ..asks("Hi") }, &[]),
        case("metadata_user", labelled, &["user"]),
        case("length", bounded("Count.", 5), &[]),
    ]
}

#[test]
fn every_conversation_of_the_corpus_is_written_as_the_api_wants_it() {
    let all: Vec<_> = [conversations(), tools(), settings()].into_iter().flatten().collect();
    let mut names: Vec<_> = all.iter().map(|case| case.name).collect();
    names.sort_unstable();
    assert_eq!(names, cases(".request.json"), "each case has its file, and each file its case");
    for Case { name, request, losses } in all {
        let (written, lost) = write_for(CLAUDE, &request).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(written.body, document(&format!("{name}.request.json")), "{name}");
        assert_eq!(lost, losses, "{name}");
        assert_eq!(written.emulates_format, ["structured_output", "json_mode"].contains(&name), "{name}");
    }
}

#[test]
fn members_of_bedrocks_own_go_back_to_it_and_are_losses_to_it_from_others() {
    let guard = json!({"guardrailIdentifier": "gr1abc", "guardrailVersion": "1"});
    let mut own = ChatRequest { dialect: Dialect::Bedrock, ..asks("Hi") };
    own.extra.insert("guardrailConfig".into(), guard.clone());
    own.extra.insert("inferenceConfig".into(), json!({"topP": 0.5}));
    let (written, lost) = write_for(CLAUDE, &own).expect("it can be said");
    assert_eq!(written.body["guardrailConfig"], guard);
    assert_eq!(written.body["inferenceConfig"], json!({"maxTokens": 1024, "topP": 0.5}));
    assert_eq!(lost, [""; 0]);

    let mut foreign = asks("Hi");
    foreign.extra.insert("logit_bias".into(), json!({"1": 2}));
    foreign.extra.insert("store".into(), false.into());
    foreign.messages[0].blocks[0].extra.insert("odd".into(), 1.into());
    let (written, lost) = write_for(CLAUDE, &foreign).expect("it can be said");
    assert_eq!(written.body, write_for(CLAUDE, &asks("Hi")).expect("it can be said").0.body);
    assert_eq!(lost, ["messages[0].content[0].odd", "logit_bias"]);
}

#[test]
fn what_makes_no_conversation_is_refused_by_its_place() {
    let said = |messages| write_for(CLAUDE, &request(messages)).expect_err("it makes no sense").to_string();
    assert_eq!(said(vec![]), "messages: must hold something that the user says");
    assert_eq!(said(vec![user(vec![Block::text(" \n")])]), "messages: must hold something that the user says");
    let system = Message::new(Role::System, vec![Block::text("Be kind.")]);
    let greeting = assistant(vec![Block::text("Hi")]);
    assert_eq!(said(vec![system, greeting]), "messages[1].role: a conversation begins with the user");
    for arguments in ["[]", "{", "\"x\"", "null"] {
        let calls = assistant(vec![Block::text("x"), call("call_1", "{}"), call("call_2", arguments)]);
        let turns = vec![user(vec![Block::text("Hi")]), calls];
        let place = "messages[1].tool_calls[1].function.arguments: must be the text of a JSON object";
        assert_eq!(said(turns), place, "{arguments}");
    }
}

#[test]
fn what_other_dialects_have_of_their_own_is_a_loss() {
    let foreign = |dialect, value: Value| Block::new(Body::Foreign { dialect, value });
    let sealed = Block { signature: Some(Signature::new(Dialect::Gemini, "x")), ..call("call_1", "{}") };
    let guard = json!({"guardContent": {"text": {"text": "Guard this."}}});
    let mut asked = request(vec![
        user(vec![
            Block::text("Hi"),
            foreign(Dialect::Anthropic, json!({"type": "container_upload"})),
            foreign(Dialect::Bedrock, guard.clone()),
        ]),
        assistant(vec![sealed, Block::new(Body::Refusal("No.".into()))]),
    ]);
    asked.messages[0].name = Some("ada".into());
    asked.verbosity = Some("low".into());
    asked.cache_key = Some("k".into());
    asked.service_tier = Some("scale".into());
    asked.metadata.insert("bad".into(), "{}".into());
    let (written, lost) = write_for(CLAUDE, &asked).expect("it can be said");
    assert_eq!(written.body["messages"][0]["content"], json!([{"text": "Hi"}, guard]));
    assert_eq!(written.body["messages"][1]["content"][1], json!({"text": "No."}));
    let expected = [
        "tool_choice",
        "messages[0].name",
        "messages[0].content[1].container_upload",
        "messages[1].content[0].signature",
        "messages[1].content[1].refusal",
        "verbosity",
        "prompt_cache_key",
        "metadata.bad",
        "service_tier",
    ];
    assert_eq!(lost, expected);
}
