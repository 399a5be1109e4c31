//! Gemini's codec under random input: what goes in comes out, in any pieces, and nothing makes it panic.

mod gemini_support;

use gemini_support::{body, events, frame, json_of, read_stream};
use proptest::prelude::*;
use router_core::chat::{ChatEvent, Delta, Finish, Opening, RawStr};
use router_core::dialect::gemini::{StreamReader, StreamWriter, read_request, read_response, write_response};
use router_core::json::escape;
use serde_json::{Value, json};

/// Any JSON whose numbers are told apart by nobody.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(any::<String>(), value(), 0..4).prop_map(|map| Value::Object(map.into_iter().collect()))
}

/// A part that stands alone.
fn part() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<String>().prop_map(|text| json!({"text": text})),
        ("[A-Za-z0-9+/]{8}", any::<String>())
            .prop_map(|(seal, text)| json!({"text": text, "thought": true, "thoughtSignature": seal})),
        "[A-Za-z0-9+/]{8}".prop_map(|data| json!({"inlineData": {"mimeType": "image/png", "data": data}})),
        (any::<String>(), "[a-z]{1,4}").prop_map(|(name, path)| {
            json!({"fileData": {"mimeType": "application/pdf", "fileUri": format!("gs://b/{path}"), "displayName": name}})
        }),
        ("[a-z]{1,3}", object()).prop_map(|(name, args)| json!({"functionCall": {"name": name, "args": args}})),
        ("[a-z]{1,3}", "[a-z0-9]{1,8}", object())
            .prop_map(|(name, id, args)| json!({"functionCall": {"name": name, "id": id, "args": args}})),
        ("[a-z]{1,3}", "[a-z0-9]{1,8}", object()).prop_map(|(name, id, response)| {
            json!({"functionResponse": {"name": name, "id": id, "response": response}})
        }),
        any::<String>().prop_map(|code| json!({"executableCode": {"language": "PYTHON", "code": code}})),
    ]
}

/// A part that a model says.
fn said() -> impl Strategy<Value = Value> {
    part().prop_filter("models give no results", |part| part["functionResponse"].is_null())
}

fn request() -> impl Strategy<Value = Value> {
    let content = (prop_oneof![Just("user"), Just("model")], prop::collection::vec(part(), 1..4))
        .prop_map(|(role, parts)| json!({"role": role, "parts": parts}));
    let config = (any::<Option<u32>>(), any::<Option<i32>>(), prop::collection::vec("[a-z]{1,3}", 0..7), 0..5_u8);
    (prop::collection::vec(content, 1..4), config, object(), prop::option::of(any::<String>())).prop_map(
        |(contents, (most, seed, stop, kind), schema, system)| {
            let mut config = json!({"topK": 1.5, "thinkingConfig": {"thinkingBudget": -1}, "candidateCount": 99});
            if let Some(most) = most {
                config["maxOutputTokens"] = most.into();
            }
            if let Some(seed) = seed {
                config["seed"] = seed.into();
            }
            if !stop.is_empty() {
                config["stopSequences"] = stop.into();
            }
            match kind {
                0 => config["responseMimeType"] = "text/plain".into(),
                1 => config["responseMimeType"] = "application/json".into(),
                2 | 3 => {
                    config["responseMimeType"] = "application/json".into();
                    config[if kind == 2 { "responseSchema" } else { "responseJsonSchema" }] = schema.clone();
                }
                _ => {}
            }
            let functions = json!([{"name": "f", "parameters": schema}, {"name": "g", "parametersJsonSchema": {}}]);
            let mut body = json!({
                "contents": contents, "generationConfig": config, "tools": [{"functionDeclarations": functions}],
                "labels": {"a": "b"}, "safetySettings": [{"a_b": 1}],
            });
            if let Some(system) = system {
                body["systemInstruction"] = json!({"parts": [{"text": system}]});
            }
            body
        },
    )
}

/// Cuts an escaped text at characters, never inside an escape: as providers do.
fn pieces(text: &str, sizes: &[usize]) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let (mut pieces, mut at, mut sizes) = (Vec::new(), 0, sizes.iter().cycle());
    while at < letters.len() {
        let end = (at + sizes.next().copied().unwrap_or(1)).min(letters.len());
        pieces.push(letters[at..end].iter().collect());
        at = end;
    }
    pieces
}

/// What our writer makes of one call whose arguments come in these pieces.
fn streamed_call(pieces: &[String]) -> String {
    let (mut writer, mut out) = (StreamWriter::new(frame()), Vec::new());
    let opening = Opening::ToolCall { id: RawStr::plain("c"), name: RawStr::plain("f"), custom: false };
    let (choice, block) = (0, 0);
    writer.event(ChatEvent::Start { id: None, model: None, created: None, usage: None, service_tier: None }, &mut out);
    writer.event(ChatEvent::Open { choice, block, opening }, &mut out);
    for piece in pieces {
        let escaped = escape(piece);
        let delta = Delta::Arguments(RawStr::escaped(&escaped));
        writer.event(ChatEvent::Delta { choice, block, delta }, &mut out);
    }
    writer.event(ChatEvent::Close { choice, block }, &mut out);
    writer.event(ChatEvent::Finish { choice, finish: Finish::ToolCalls, stop_sequence: None }, &mut out);
    writer.event(ChatEvent::End, &mut out);
    String::from_utf8(out).expect("UTF-8")
}

proptest! {
    #[test]
    fn any_request_comes_back_as_it_was(request in request()) {
        let read = read_request(request.clone()).expect("a request");
        let (written, losses) = body(&read, "gemini-2.5-pro");
        prop_assert_eq!(written, request);
        prop_assert_eq!(losses, Vec::<String>::new());
    }

    #[test]
    fn any_answer_comes_back_as_it_was(parts in prop::collection::vec(said(), 1..5), usage in object()) {
        let candidate = json!({"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "index": 0});
        let answer =
            json!({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r"});
        let read = read_response(answer.clone()).expect("an answer");
        prop_assert_eq!(write_response(&read, &frame()), answer);
    }

    #[test]
    fn arguments_survive_any_fragments(
        args in object(),
        pretty: bool,
        sizes in prop::collection::vec(1..9_usize, 1..9),
    ) {
        let text = if pretty { serde_json::to_string_pretty(&args) } else { serde_json::to_string(&args) };
        let written = streamed_call(&pieces(&text.expect("JSON"), &sizes));
        let (fold, complete, again) = read_stream(events(&written));
        prop_assert!(complete);
        prop_assert_eq!(&fold.choices, &vec![vec![json!({"kind": "call", "id": "c", "name": "f", "args": args})]]);
        prop_assert_eq!(again, written);
    }

    #[test]
    fn text_survives_any_fragments(text: String, sizes in prop::collection::vec(1..5_usize, 1..5)) {
        let event = |piece: &String| json!({"candidates": [{"content": {"parts": [{"text": piece}]}}]}).to_string();
        let mut data: Vec<String> = pieces(&text, &sizes).iter().map(event).collect();
        data.push(json!({"candidates": [{"finishReason": "STOP"}]}).to_string());
        let (fold, complete, written) = read_stream(data.iter().map(String::as_str));
        prop_assert!(complete);
        let (again, ..) = read_stream(events(&written));
        for fold in [fold, again] {
            let told: String = fold.choices[0].iter().map(|block| block["text"].as_str().expect("a text")).collect();
            prop_assert_eq!(&told, &text);
        }
    }

    #[test]
    fn nothing_makes_the_readers_panic(mut document in object(), kind in 0..8_usize, inner in value(), text: String) {
        const KEYS: [&str; 8] = [
            "contents", "candidates", "generationConfig", "tools", "toolConfig", "systemInstruction", "usageMetadata",
            "promptFeedback",
        ];
        document[KEYS[kind]] = inner;
        let _ = read_request(document.clone());
        let _ = read_response(document.clone());
        let mut reader = StreamReader::default();
        let mut ignore = |_: ChatEvent<'_>| {};
        let _ = reader.event(&document.to_string(), &mut ignore);
        let _ = reader.event(&text, &mut ignore);
        reader.finish(&mut ignore);
        prop_assert_eq!(json_of(&document.to_string()), document);
    }
}
