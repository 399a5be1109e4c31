//! What holds for any request, any arguments and any pieces of them.

mod anthropic_codec_support;

use anthropic_codec_support::{data, told, written, wrote};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use router_core::chat::{ChatEvent, Delta, Finish, Opening, RawStr};
use router_core::dialect::anthropic::{StreamReader, read_request};
use router_core::json::escape;
use serde_json::{Map, Value, json};

/// Any JSON that is not too deep. Numbers are such as come back digit by digit.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![vec(inner.clone(), 0..4).prop_map(Value::from), object(inner).prop_map(Value::Object)]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    vec((any::<String>(), inner), 0..4).prop_map(|members| members.into_iter().collect())
}

fn marked(block: Value, mark: u8) -> Value {
    let mut block = block;
    match mark {
        0 => block["cache_control"] = json!({"type": "ephemeral"}),
        1 => block["cache_control"] = json!({"type": "ephemeral", "ttl": "1h"}),
        _ => {}
    }
    block
}

/// A block that a client may send. Text is never alone in a list, where it would come back as a string.
fn block() -> impl Strategy<Value = Value> {
    let id = "[a-zA-Z0-9_-]{1,12}";
    let body = prop_oneof![
        any::<String>().prop_map(|text| json!({"type": "text", "text": text})),
        any::<String>().prop_map(|url| json!({"type": "image", "source": {"type": "url", "url": url}})),
        "[A-Za-z0-9+/]{0,8}".prop_map(|data| {
            json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}})
        }),
        (any::<String>(), any::<String>()).prop_map(|(data, title)| {
            let source = json!({"type": "text", "media_type": "text/plain", "data": data});
            json!({"type": "document", "source": source, "title": title})
        }),
        (any::<String>(), "[A-Za-z0-9+/]{1,12}").prop_map(|(thinking, signature)| {
            json!({"type": "thinking", "thinking": thinking, "signature": signature})
        }),
        (id, "[a-z]{1,4}", object(value()))
            .prop_map(|(id, name, input)| { json!({"type": "tool_use", "id": id, "name": name, "input": input}) }),
        (id, any::<String>())
            .prop_map(|(id, content)| { json!({"type": "tool_result", "tool_use_id": id, "content": content}) }),
        (id, object(value())).prop_map(|(id, input)| {
            json!({"type": "server_tool_use", "id": id, "name": "web_search", "input": input})
        }),
    ];
    (body, 0..6_u8).prop_map(|(body, mark)| marked(body, mark))
}

fn message() -> impl Strategy<Value = Value> {
    let content = prop_oneof![
        any::<String>().prop_map(Value::from),
        (block(), vec(block(), 1..4)).prop_map(|(first, more)| std::iter::once(first).chain(more).collect()),
    ];
    (select(vec!["user", "assistant", "system"]), content)
        .prop_map(|(role, content)| json!({"role": role, "content": content}))
}

fn settings() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let setting = prop_oneof![
        any::<String>().prop_map(|system| ("system", system.into())),
        (0..=10_u32).prop_map(|tenths| ("temperature", (f64::from(tenths) / 10.0).into())),
        (1..100_u32).prop_map(|top_k| ("top_k", top_k.into())),
        vec(any::<String>(), 1..3).prop_map(|stop| ("stop_sequences", stop.into())),
        (1024..9000_u32).prop_map(|n| ("thinking", json!({"type": "enabled", "budget_tokens": n}))),
        select(vec!["low", "medium", "high", "xhigh", "max"])
            .prop_map(|effort| ("output_config", json!({"effort": effort}))),
        any::<String>().prop_map(|user| ("metadata", json!({"user_id": user}))),
        select(vec!["auto", "any"]).prop_map(|kind| ("tool_choice", json!({"type": kind}))),
        value().prop_filter("null is absent", |value| !value.is_null()).prop_map(|value| ("of_the_future", value)),
    ];
    vec(setting, 0..5)
}

/// `text` in pieces.
fn pieces(text: &str, cuts: &[Index]) -> Vec<String> {
    let ends: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut cuts: Vec<_> = cuts.iter().map(|cut| ends[cut.index(ends.len())]).chain([0, text.len()]).collect();
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| text[pair[0]..pair[1]].to_owned()).collect()
}

proptest! {
    #[test]
    fn any_request_comes_back_as_it_was(messages in vec(message(), 0..5), settings in settings()) {
        let mut body = json!({"model": "m", "max_tokens": 9, "messages": messages});
        for (key, value) in settings {
            body[key] = value;
        }
        let request = read_request(body.clone()).expect("a request");
        let (again, losses) = written(&request, "m");
        prop_assert_eq!(again, body);
        prop_assert_eq!(losses, "");
    }

    #[test]
    fn arguments_survive_any_pieces_from_a_provider(
        input in object(value()), cuts in vec(any::<Index>(), 0..8), spaced: bool,
    ) {
        let input = Value::Object(input);
        let json = if spaced { format!("{input:#}") } else { input.to_string() };
        let start = json!({"type": "content_block_start", "index": 0,
            "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}}}).to_string();
        let deltas = pieces(&json, &cuts).into_iter().map(|piece| {
            json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "input_json_delta", "partial_json": piece}}).to_string()
        });
        let stop = r#"{"type":"message_stop"}"#.to_owned();
        let stream: Vec<_> = std::iter::once(start).chain(deltas).chain([stop]).collect();
        let told = told(stream.iter().map(String::as_str));
        prop_assert_eq!(&told.blocks[0]["arguments"], &input);
    }

    #[test]
    fn arguments_survive_any_pieces_to_a_client(
        inputs in vec((object(value()), vec(any::<Index>(), 0..6)), 1..4), order in vec(any::<Index>(), 0..40),
    ) {
        let ids = ["a", "b", "c"];
        let escaped: Vec<Vec<String>> = inputs.iter().map(|(input, cuts)| {
            let json = Value::Object(input.clone()).to_string();
            pieces(&json, cuts).iter().map(|piece| escape(piece).into_owned()).collect()
        }).collect();
        let mut events = vec![ChatEvent::Start { id: None, model: None, created: None, usage: None, service_tier: None }];
        let block = |at: usize| u32::try_from(at).expect("few");
        for (at, id) in ids[..inputs.len()].iter().enumerate() {
            let opening = Opening::ToolCall { id: RawStr::plain(id), name: RawStr::plain("f"), custom: false };
            events.push(ChatEvent::Open { choice: 0, block: block(at), opening });
        }
        // The calls' pieces in any order among each other; what the order leaves over comes last.
        let mut next = vec![0; inputs.len()];
        let all = order.iter().map(|index| index.index(inputs.len())).chain((0..inputs.len()).flat_map(|at| [at; 8]));
        for at in all {
            if let Some(piece) = escaped[at].get(next[at]) {
                next[at] += 1;
                let delta = Delta::Arguments(RawStr::escaped(piece));
                events.push(ChatEvent::Delta { choice: 0, block: block(at), delta });
            }
        }
        events.extend((0..inputs.len()).map(|at| ChatEvent::Close { choice: 0, block: block(at) }));
        events.push(ChatEvent::Finish { choice: 0, finish: Finish::ToolCalls, stop_sequence: None });
        events.push(ChatEvent::End);
        let stream = wrote(&events);
        let told = told(data(&stream));
        prop_assert_eq!(told.blocks.len(), inputs.len());
        for (block, (input, _)) in told.blocks.iter().zip(&inputs) {
            prop_assert_eq!(&block["arguments"], &Value::Object(input.clone()));
        }
        prop_assert!(told.is_complete);
    }

    #[test]
    fn no_event_makes_the_reader_panic(events in vec(value(), 0..6), kinds in vec(0..10_usize, 6)) {
        let names = ["message_start", "content_block_start", "content_block_delta", "content_block_stop",
            "message_delta", "message_stop", "ping", "error", "other", "delta"];
        let mut reader = StreamReader::default();
        for (event, kind) in events.into_iter().zip(kinds) {
            let event = json!({"type": names[kind], "delta": event, "content_block": event, "message": event,
                "usage": event, "error": event, "index": 0});
            let _ = reader.event(&event.to_string(), &mut |_: ChatEvent<'_>| {});
        }
    }
}
