//! What holds for every request and every stream of Bedrock.

mod bedrock_support;

use bedrock_support::*;
use proptest::prelude::*;
use proptest::sample::Index;
use router_core::chat::{
    Block, Body, CacheMark, ChatRequest, Effort, Format, Media, Message, Reasoning, Role, Sampling, Signature, Source,
    Tool, ToolChoice,
};
use router_core::dialect::Written;
use router_core::dialect::bedrock::{StreamReader, read_response};
use router_core::domain::Dialect;
use serde_json::{Number, Value, json};

const MODELS: [&str; 6] =
    [CLAUDE, NOVA, LLAMA, GPT_OSS, "anthropic.claude-opus-4-7", "mistral.mistral-large-2407-v1:0"];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), Just(" \n".to_owned()), any::<String>(), "[a-z ]{1,20}"]
}

fn any_media() -> impl Strategy<Value = Media> {
    let source = prop_oneof![
        "[A-Za-z0-9+/]{4}".prop_map(Source::Base64),
        any::<String>().prop_map(Source::Text),
        prop_oneof![Just("s3://bucket/a.png".to_owned()), Just("https://example.com/a.png".to_owned())]
            .prop_map(Source::Url),
        "file-[a-z]{3}".prop_map(Source::File),
    ];
    let kinds = ["image/png", "application/pdf", "audio/wav", "video/mp4", "text/plain", "odd/type"];
    let kind = prop::option::of(prop::sample::select(kinds.to_vec()));
    (source, kind, prop::option::of(any::<String>()))
        .prop_map(|(source, kind, name)| media(source, kind, name.as_deref()))
}

fn plain_block() -> impl Strategy<Value = Block> {
    let body = prop_oneof![
        4 => text().prop_map(|text| Body::Text { text, citations: Vec::new() }),
        1 => text().prop_map(Body::Refusal),
        1 => any_media().prop_map(Body::Image),
        1 => any_media().prop_map(Body::Audio),
        1 => any_media().prop_map(Body::Video),
        2 => any_media().prop_map(Body::Document),
        1 => Just(Body::Foreign { dialect: Dialect::Gemini, value: json!({"x": 1}) }),
    ];
    (body, prop::option::weighted(0.2, "(5m|1h|2d)"))
        .prop_map(|(body, ttl)| Block { cache: ttl.map(|ttl| CacheMark { ttl: Some(ttl) }), ..Block::new(body) })
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof!["call_[0-9]", "[.:/]{1,3}", "[a-z]{60,80}", any::<String>()]
}

fn block() -> impl Strategy<Value = Block> {
    let seal = prop::option::of((prop::sample::select(&Dialect::INGRESS[..]), "[A-Za-z0-9]{4}"));
    prop_oneof![
        5 => plain_block(),
        1 => id().prop_map(|id| call(&id, "{\"a\":1}")),
        1 => (id(), prop::collection::vec(plain_block(), 0..3), any::<bool>())
            .prop_map(|(id, content, is_error)| result(&id, content, is_error)),
        1 => (any::<String>(), any::<bool>(), seal).prop_map(|(text, redacted, seal)| {
            thought(&text, redacted, seal.map(|(origin, data)| Signature::new(origin, data)))
        }),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let roles = [Role::System, Role::Developer, Role::User, Role::User, Role::Assistant, Role::Assistant, Role::Tool];
    (prop::sample::select(roles.to_vec()), prop::collection::vec(block(), 0..4))
        .prop_map(|(role, blocks)| Message::new(role, blocks))
}

fn any_request() -> impl Strategy<Value = ChatRequest> {
    let choice = prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Required),
        Just(ToolChoice::Tool("get_weather".into())),
    ];
    let efforts = [Effort::None, Effort::Minimal, Effort::Low, Effort::High, Effort::Max];
    let reasoning = (prop::option::of(prop::sample::select(efforts.to_vec())), prop::option::of(0_u64..40_000))
        .prop_map(|(effort, budget)| Reasoning { effort, budget, ..Reasoning::default() });
    let float = || prop::option::of((-1.0..3.0_f64).prop_map(|number| Number::from_f64(number).expect("finite")));
    let sampling =
        (float(), float()).prop_map(|(temperature, top_p)| Sampling { temperature, top_p, ..Sampling::default() });
    (
        prop::collection::vec(message(), 0..6),
        prop::option::of(choice),
        any::<bool>(),
        any::<bool>(),
        prop::option::of(reasoning),
        prop::option::of(0_u64..40_000),
        sampling,
        prop::collection::vec(text(), 0..3),
    )
        .prop_map(|(messages, tool_choice, has_tool, formed, reasoning, max_tokens, sampling, stop)| ChatRequest {
            messages,
            tool_choice,
            tools: if has_tool { vec![tool(weather(), Some(true))] } else { Vec::new() } as Vec<Tool>,
            format: formed.then_some(Format::Json),
            reasoning,
            max_tokens,
            sampling,
            stop,
            ..ChatRequest::new(Dialect::Openai)
        })
}

/// What Converse refuses, or nothing.
fn fault(body: &Value) -> Option<String> {
    let turns = body["messages"].as_array()?;
    let role = |at: usize| if at.is_multiple_of(2) { "user" } else { "assistant" };
    if let Some(at) = (0..turns.len()).find(|at| turns[*at]["role"] != role(*at)) {
        return Some(format!("turn {at} is out of turn"));
    }
    let blocks: Vec<&Value> = turns.iter().flat_map(|turn| turn["content"].as_array().expect("blocks")).collect();
    if turns.is_empty() || turns.iter().any(|turn| turn["content"].as_array().is_none_or(Vec::is_empty)) {
        return Some("an empty turn".to_owned());
    }
    if blocks.iter().any(|block| block["text"].as_str().is_some_and(|text| text.trim().is_empty())) {
        return Some("a blank text".to_owned());
    }
    for turn in turns {
        let content = turn["content"].as_array().expect("blocks");
        let has = |key: &str| content.iter().any(|block| block.get(key).is_some());
        if has("document") && !has("text") {
            return Some("a document without a text".to_owned());
        }
    }
    let uses_tools = blocks.iter().any(|block| block.get("toolUse").is_some());
    if uses_tools && body.get("toolConfig").is_none() {
        return Some("calls without tools".to_owned());
    }
    let bad_id = |id: &Value| {
        let id = id.as_str().unwrap_or_default();
        !(1..=64).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    let ids = blocks
        .iter()
        .filter_map(|block| block.pointer("/toolUse/toolUseId").or(block.pointer("/toolResult/toolUseId")));
    if let Some(id) = ids.into_iter().find(|id| bad_id(id)) {
        return Some(format!("the id {id}"));
    }
    let mut names: Vec<_> = blocks.iter().filter_map(|block| block.pointer("/document/name")?.as_str()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    (names.len() < count || names.iter().any(|name| name.is_empty() || name.len() > 200)).then(|| format!("{names:?}"))
}

fn settings_fault(body: &Value) -> Option<String> {
    let config = &body["inferenceConfig"];
    for share in [&config["temperature"], &config["topP"]] {
        if share.as_f64().is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Some(format!("{share} is not between 0 and 1"));
        }
    }
    if config["maxTokens"] == 0 {
        return Some("no tokens".to_owned());
    }
    if config["stopSequences"].as_array().is_some_and(|stop| stop.is_empty() || stop.contains(&"".into())) {
        return Some("an empty stop sequence".to_owned());
    }
    let budget = body["additionalModelRequestFields"]["thinking"]["budget_tokens"].as_u64();
    let most = config["maxTokens"].as_u64().unwrap_or(u64::MAX);
    if budget.is_some_and(|budget| budget < 1024 || budget >= most) {
        return Some(format!("a budget of {budget:?} with {most} tokens"));
    }
    let thinks = body["additionalModelRequestFields"].get("thinking").is_some();
    if thinks && body["toolConfig"].get("toolChoice").is_some() {
        return Some("thinking with a forced tool".to_owned());
    }
    (body.to_string().matches("\"cachePoint\":").count() > 4).then(|| "too many cache points".to_owned())
}

/// Cuts a text at these places.
fn cut<'t>(text: &'t str, places: &[Index]) -> Vec<&'t str> {
    let mut cuts: Vec<_> = places.iter().map(|place| text.floor_char_boundary(place.index(text.len() + 1))).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

fn event(kind: &str, data: &Value) -> (String, String) {
    (kind.to_owned(), data.to_string())
}

proptest! {
    #[test]
    fn whatever_is_asked_is_written_in_a_form_that_the_api_accepts(request in any_request(), model in prop::sample::select(&MODELS[..])) {
        if let Ok((written, _)) = write_for(model, &request) {
            prop_assert_eq!(fault(&written.body), None, "{}", written.body);
            prop_assert_eq!(settings_fault(&written.body), None, "{}", written.body);
            let stands_in = written.body.pointer("/toolConfig").is_some_and(|config| config.to_string().contains(Written::EMULATED));
            prop_assert_eq!(written.emulates_format, stands_in);
        }
    }

    #[test]
    fn arguments_survive_any_fragments(members in prop::collection::btree_map(any::<String>(), any::<String>(), 0..5), places: Vec<Index>) {
        let arguments = serde_json::to_string(&members).expect("JSON");
        let mut events = vec![event("contentBlockStart", &json!({"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "a", "name": "b"}}}))];
        for piece in cut(&arguments, &places) {
            events.push(event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": {"toolUse": {"input": piece}}})));
        }
        events.push(event("messageStop", &json!({"stopReason": "tool_use"})));
        let (folded, complete) = fold(StreamReader::default(), &events).expect("a stream");
        let Body::ToolCall(call) = &folded.blocks[0].body else { panic!("it is a call") };
        prop_assert_eq!(&call.arguments, &arguments);
        prop_assert!(complete);
    }

    #[test]
    fn texts_survive_any_fragments(text: String, places: Vec<Index>) {
        let pieces = cut(&text, &places).into_iter();
        let mut events: Vec<_> = pieces.map(|piece| event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": {"text": piece}}))).collect();
        events.push(event("messageStop", &json!({"stopReason": "end_turn"})));
        let (folded, _) = fold(StreamReader::default(), &events).expect("a stream");
        let read: String = folded.blocks.iter().filter_map(Block::as_text).collect();
        prop_assert_eq!(read, text);
    }

    #[test]
    fn an_answer_goes_back_as_it_came(text in "[a-z]{1,9}", arguments in prop::collection::btree_map("[a-z]{1,5}", any::<i64>(), 0..4)) {
        let content = json!([
            {"reasoningContent": {"reasoningText": {"text": text, "signature": "c2ln"}}},
            {"text": text},
            {"toolUse": {"toolUseId": "tooluse_1", "name": "get_weather", "input": arguments}},
        ]);
        let answer = json!({"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "tool_use"});
        let response = read_response(answer).expect("an answer");
        let turns = vec![user(vec![Block::text("Hi")]), assistant(response.choices[0].blocks.clone())];
        let (written, lost) = write_for(CLAUDE, &ChatRequest { tools: vec![tool(weather(), None)], ..request(turns) }).expect("it can be said");
        prop_assert_eq!(&written.body["messages"][1]["content"], &content);
        prop_assert_eq!(lost, [""; 0]);
    }

    #[test]
    fn no_events_make_it_panic_or_break_the_order(events in prop::collection::vec(any_event(), 0..20)) {
        let _ = fold(StreamReader::default(), &events);
    }
}

fn any_event() -> impl Strategy<Value = (String, String)> {
    let index = prop::option::of(0_u64..3);
    let part = prop_oneof![
        Just(json!({"text": "x"})),
        Just(json!({"toolUse": {"input": "{}"}})),
        Just(json!({"toolUse": {"toolUseId": "a", "name": "b"}})),
        Just(json!({"toolUse": {"toolUseId": "s", "name": "b", "type": "server_tool_use"}})),
        Just(json!({"toolResult": {"toolUseId": "s"}})),
        Just(json!({"toolResult": [{"text": "x"}]})),
        Just(json!({"reasoningContent": {"text": "x", "signature": "y"}})),
        Just(json!({"reasoningContent": {"redactedContent": "eA=="}})),
        Just(json!({"image": {"format": "png", "source": {"bytes": "AAAA"}}})),
        Just(json!({"citation": {"title": "x"}})),
        Just(json!({"usage": 1})),
    ];
    let kinds = ["contentBlockStart", "contentBlockDelta", "contentBlockDelta", "contentBlockStop", "messageStart"];
    let rare = ["messageStop", "metadata", "throttlingException", "unknown"];
    let kind = prop_oneof![8 => prop::sample::select(kinds.to_vec()), 1 => prop::sample::select(rare.to_vec())];
    (kind, index, part).prop_map(|(kind, index, part)| {
        event(kind, &json!({"contentBlockIndex": index, "start": part, "delta": part, "stopReason": "end_turn"}))
    })
}
