//! What the codec of Chat Completions promises of any request and any fragmentation.

mod openai_chat_support;

use openai_chat_support::{data, frame, gather, rewrite, written};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use router_core::chat::{Block, Body, ChatEvent, ChatRequest, Losses};
use router_core::dialect::openai::chat::{
    StreamReader, StreamWriter, read_request, read_response, write_request, write_response,
};
use router_core::dialect::{Frame, Quirks, Target};
use router_core::domain::Dialect;
use serde_json::{Map, Value, json};

fn word() -> impl Strategy<Value = String> {
    "[a-z]{1,8}"
}

/// Any JSON, without nulls, which count as absent.
fn anything() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<String>().prop_map(Value::from)
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((word(), inner), 0..3).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
    .boxed()
}

/// An object with some of these members, and perhaps one that nobody knows.
fn with(base: Value, optional: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let (keys, values): (Vec<_>, Vec<_>) = optional.into_iter().map(|(key, value)| (key, option::of(value))).unzip();
    let stranger = option::weighted(0.2, ("x_[a-z]{3}", anything()));
    (values, stranger)
        .prop_map(move |(values, stranger)| {
            let mut members = base.as_object().cloned().unwrap_or_default();
            let given = keys.iter().zip(values).filter_map(|(key, value)| Some(((*key).to_owned(), value?)));
            members.extend(given.chain(stranger));
            Value::Object(members)
        })
        .boxed()
}

fn text() -> BoxedStrategy<Value> {
    any::<String>().prop_map(Value::from).boxed()
}

fn one_of(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(words).prop_map(Value::from).boxed()
}

fn cache() -> (&'static str, BoxedStrategy<Value>) {
    let mark =
        prop_oneof![Just(json!({"type": "ephemeral"})), Just(json!({"type": "ephemeral", "ttl": "1h"})), anything()];
    ("cache_control", mark.boxed())
}

fn part() -> BoxedStrategy<Value> {
    let url = prop_oneof![
        Just("https://a.b/c"),
        Just("data:image/png;base64,iVBO"),
        Just("data:,x"),
        Just("data:;base64,AA")
    ];
    let image = url.prop_flat_map(|url| with(json!({"url": url}), vec![("detail", one_of(&["low", "auto"]))]));
    prop_oneof![
        any::<String>().prop_flat_map(|text| with(json!({"type": "text", "text": text}), vec![cache()])),
        image.prop_flat_map(|image| with(json!({"type": "image_url", "image_url": image}), vec![cache()])),
        select(vec!["wav", "mp3", "flac"]).prop_flat_map(|format| {
            with(json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": format}}), vec![])
        }),
        Just(json!({"type": "file", "file": {"file_id": "file-1"}})),
        Just(json!({"type": "file", "file": {"file_data": "data:application/pdf;base64,AA", "filename": "a.pdf"}})),
        anything().prop_map(|value| json!({"type": "unheard_of", "value": value})),
    ]
    .boxed()
}

/// Content of a user: a text, or parts that are not just one plain text, which would be the same.
fn content() -> BoxedStrategy<Value> {
    let parts = vec(part(), 1..4).prop_filter("the same as a string", |parts| {
        parts.len() > 1 || parts[0]["type"] != "text" || parts[0].as_object().map_or(0, Map::len) > 2
    });
    prop_oneof![text(), parts.prop_map(Value::from)].boxed()
}

fn call(number: usize) -> BoxedStrategy<Value> {
    let function = (word(), any::<String>())
        .prop_flat_map(|(name, arguments)| with(json!({"name": name, "arguments": arguments}), vec![]));
    let id = format!("call_{number}");
    let custom = (Just(id.clone()), word(), any::<String>());
    prop_oneof![
        (function, option::of("[a-zA-Z0-9+/=]{1,9}")).prop_flat_map(move |(function, seal)| {
            let mut call = json!({"id": id, "type": "function", "function": function});
            if let Some(seal) = seal {
                call["extra_content"] = json!({"google": {"thought_signature": seal}});
            }
            with(call, vec![])
        }),
        custom.prop_map(
            |(id, name, input)| json!({"id": id, "type": "custom", "custom": {"name": name, "input": input}})
        ),
    ]
    .boxed()
}

fn details() -> BoxedStrategy<Value> {
    let texts = vec((any::<String>(), "[a-zA-Z0-9+/=]{1,9}"), 1..3);
    let entries = texts.prop_map(|texts| {
        let entry = |(index, (text, seal)): (usize, (String, String))| {
            json!({"type": "reasoning.text", "text": text, "signature": seal, "index": index})
        };
        Value::from(texts.into_iter().enumerate().map(entry).collect::<Vec<_>>())
    });
    entries.boxed()
}

fn message() -> BoxedStrategy<Value> {
    let name = || ("name", word().prop_map(Value::from).boxed());
    let said = "[a-z]{1,9}".prop_map(Value::from).boxed();
    let user = content().prop_flat_map(move |content| with(json!({"role": "user", "content": content}), vec![name()]));
    let system = (select(vec!["system", "developer"]), text())
        .prop_flat_map(move |(role, content)| with(json!({"role": role, "content": content}), vec![name()]));
    let calls = vec(Just(()), 1..4).prop_flat_map(|calls| (0..calls.len()).map(call).collect::<Vec<_>>());
    let calls = calls.prop_map(Value::from).boxed();
    let more = vec![("refusal", said.clone()), ("tool_calls", calls), ("reasoning_details", details())];
    let assistant =
        said.prop_flat_map(move |content| with(json!({"role": "assistant", "content": content}), more.clone()));
    let tool = text()
        .prop_flat_map(|content| with(json!({"role": "tool", "tool_call_id": "call_0", "content": content}), vec![]));
    prop_oneof![user, system, assistant, tool].boxed()
}

fn tool() -> BoxedStrategy<Value> {
    let schema = Just(json!({"type": "object", "properties": {"a": {"type": "string"}}})).boxed();
    let more =
        vec![("description", text()), ("parameters", schema), ("strict", any::<bool>().prop_map(Value::from).boxed())];
    let function = word().prop_flat_map(move |name| with(json!({"name": name}), more.clone()));
    prop_oneof![
        function.prop_flat_map(|function| with(json!({"type": "function", "function": function}), vec![cache()])),
        word().prop_map(|name| json!({"type": "custom", "custom": {"name": name, "format": {"type": "text"}}})),
        anything().prop_map(|value| json!({"type": "unheard_of", "value": value})),
    ]
    .boxed()
}

fn body() -> BoxedStrategy<Value> {
    let whole = || any::<u32>().prop_map(Value::from).boxed();
    let number = || (-3.0..3.0_f64).prop_map(Value::from).boxed();
    let flag = || any::<bool>().prop_map(Value::from).boxed();
    let metadata = vec((word(), word()), 1..3)
        .prop_map(|pairs| Value::Object(pairs.into_iter().map(|(key, value)| (key, value.into())).collect()));
    let schema =
        json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": true}});
    let formats = vec![
        json!({"type": "text"}),
        json!({"type": "json_object"}),
        schema,
        json!({"type": "grammar", "grammar": "x"}),
    ];
    let choices = vec![
        json!("none"),
        json!("required"),
        json!({"type": "function", "function": {"name": "unknown"}}),
        json!({"type": "unheard_of"}),
    ];
    let optional = vec![
        ("tools", vec(tool(), 1..4).prop_map(Value::from).boxed()),
        ("tool_choice", select(choices).boxed()),
        ("parallel_tool_calls", flag()),
        ("response_format", select(formats).boxed()),
        ("temperature", number()),
        ("top_p", number()),
        ("top_k", whole()),
        ("seed", any::<i64>().prop_map(Value::from).boxed()),
        ("frequency_penalty", number()),
        ("presence_penalty", number()),
        ("n", whole()),
        ("logprobs", flag()),
        ("top_logprobs", whole()),
        ("max_completion_tokens", whole()),
        ("stop", vec(any::<String>(), 1..7).prop_map(Value::from).boxed()),
        ("reasoning_effort", one_of(&["none", "low", "max", "default"])),
        ("verbosity", one_of(&["low", "high"])),
        ("service_tier", word().prop_map(Value::from).boxed()),
        ("user", text()),
        ("metadata", metadata.boxed()),
        ("prompt_cache_key", text()),
        ("web_search_options", with(json!({}), vec![("search_context_size", one_of(&["low"]))])),
        ("logit_bias", anything()),
    ];
    let streaming = any::<bool>();
    let messages = vec(message(), 1..5);
    (messages, streaming)
        .prop_flat_map(move |(messages, stream)| {
            let mut base = json!({"model": "gpt-5.1", "messages": messages});
            if stream {
                base["stream"] = true.into();
                base["stream_options"] = json!({"include_usage": true});
            }
            with(base, optional.clone())
        })
        .boxed()
}

/// Cuts a text where the indexes say.
fn cut<'t>(text: &'t str, cuts: &[Index]) -> Vec<&'t str> {
    let mut at: Vec<_> =
        cuts.iter().map(|cut| cut.index(text.len() + 1)).filter(|at| text.is_char_boundary(*at)).collect();
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

fn arguments(blocks: &[Block]) -> Vec<String> {
    let calls = blocks.iter().filter_map(|block| match &block.body {
        Body::ToolCall(call) => Some(call.arguments.clone()),
        _ => None,
    });
    calls.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_request_is_written_as_it_was_read(body in body()) {
        let request = read_request(body.clone()).expect("a request");
        let (again, losses) = written(&request);
        prop_assert_eq!(again, body);
        prop_assert_eq!(losses, Vec::<String>::new());
    }

    /// Whatever the request and the server: there is a body, and it reads as one.
    #[test]
    fn a_foreign_request_is_always_written(body in body(), flags in any::<[bool; 8]>()) {
        let request = ChatRequest { dialect: Dialect::Gemini, ..read_request(body).expect("a request") };
        let [max_tokens_only, no_developer_role, no_stream_options, no_json_schema, ..] = flags;
        let [.., no_parallel_tool_calls, no_forced_tools, no_reasoning_effort, wants_reasoning_content] = flags;
        let quirks = Quirks {
            max_tokens_only, no_developer_role, no_stream_options, no_json_schema,
            no_parallel_tool_calls, no_forced_tools, no_reasoning_effort, wants_reasoning_content,
        };
        let target = Target { model: "m", quirks: &quirks };
        let body = write_request(&request, &target, &mut Losses::default()).expect("a request").body;
        prop_assert_eq!(body.get("stream_options").is_some(), request.stream && !no_stream_options);
        prop_assert!(!(no_developer_role && body.to_string().contains("\"developer\"")));
        read_request(body).expect("a request");
    }

    #[test]
    fn any_arguments_survive_any_fragmentation(
        texts in vec((any::<String>(), vec(any::<Index>(), 0..6)), 1..4),
        turns in any::<bool>(),
    ) {
        let pieces: Vec<Vec<&str>> = texts.iter().map(|(text, cuts)| cut(text, cuts)).collect();
        let call = |index: usize, piece: &str, first: bool| {
            let mut call = json!({"index": index, "function": {"arguments": piece}});
            if first {
                call["id"] = format!("call_{index}").into();
                call["function"]["name"] = "f".into();
            }
            json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}).to_string()
        };
        // One call after the other, or a piece of each in turns.
        let mut order: Vec<(usize, usize)> = Vec::new();
        pieces.iter().enumerate().for_each(|(of, pieces)| order.extend((0..pieces.len()).map(|at| (of, at))));
        if turns {
            order.sort_by_key(|(of, at)| (*at, *of));
        }
        let mut events: Vec<_> = order.iter().map(|(of, at)| call(*of, pieces[*of][*at], *at == 0)).collect();
        events.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}).to_string());
        events.push("[DONE]".to_owned());
        let first = gather(events.iter().map(String::as_str));
        let expected: Vec<_> = texts.iter().map(|(text, _)| text.clone()).collect();
        prop_assert_eq!(arguments(&first.choice().blocks), expected.clone());
        let again = rewrite(events.iter().map(String::as_str), frame());
        // A call without arguments gets an empty object.
        let expected: Vec<_> = expected.into_iter().map(|text| if text.is_empty() { "{}".to_owned() } else { text }).collect();
        prop_assert_eq!(arguments(&gather(data(&again)).choice().blocks), expected);
    }

    #[test]
    fn any_text_comes_through_a_stream_and_an_answer(text: String, cuts in vec(any::<Index>(), 0..6)) {
        let chunk = |text: &str| json!({"choices": [{"index": 0, "delta": {"content": text}}]}).to_string();
        let mut events: Vec<_> = cut(&text, &cuts).into_iter().map(chunk).collect();
        events.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).to_string());
        let again = rewrite(events.iter().map(String::as_str), frame());
        let blocks = if text.is_empty() { Vec::new() } else { vec![Block::text(text)] };
        let gathered = gather(data(&again));
        prop_assert_eq!(&gathered.choice().blocks, &blocks);
        let answer = gathered.answer.expect("an answer");
        let body = write_response(&answer, &Frame::default());
        prop_assert_eq!(&read_response(body).expect("an answer").choices[0].blocks, &blocks);
    }

    #[test]
    fn no_event_makes_a_reader_or_writer_panic(events in vec(anything(), 0..6), keys in vec(select(vec![
        "choices", "delta", "tool_calls", "reasoning_details", "error", "usage", "content", "index", "function",
    ]), 0..12)) {
        let (mut reader, mut writer, mut out) = (StreamReader::default(), StreamWriter::new(frame()), Vec::new());
        for event in events {
            // Members that are read get values of any kind, at any depth.
            let value = keys.iter().fold(event, |value, key| match *key {
                "choices" | "tool_calls" | "reasoning_details" => json!({*key: [value]}),
                _ => json!({*key: value}),
            });
            let mut sink = |event: ChatEvent<'_>| writer.event(event, &mut out);
            if reader.event(&value.to_string(), &mut sink).is_err() {
                break;
            }
        }
        prop_assert!(!reader.is_done());
        let _ = read_request(json!({"model": "m", "messages": [Value::Null]}));
    }
}
