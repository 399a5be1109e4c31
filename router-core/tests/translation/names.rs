//! A call of a tool whose name never came: nobody could run it, so the answer is none.

use router_core::dialect::translate::{BadStream, read_response};
use router_core::domain::Dialect;
use serde_json::{Value, json};

use super::relay::{PROVIDERS, clients, frame, relay, translator};

/// Streams that would be complete, but for the name of their call.
fn streams(provider: Dialect, name: &Value) -> Vec<Vec<(&'static str, Value)>> {
    match provider {
        Dialect::Openai => {
            let chunk = |delta: Value| ("", json!({"id": "c", "choices": [{"index": 0, "delta": delta}]}));
            let end = ("", json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}));
            let function = json!({"name": name, "arguments": "{}"});
            let call = chunk(json!({"tool_calls": [{"index": 0, "id": "call_0", "function": function}]}));
            let legacy = chunk(json!({"function_call": function}));
            let text = chunk(json!({"content": "a"}));
            vec![
                vec![call.clone(), end.clone()],
                vec![legacy, end.clone()],
                // What comes next is told only if the call was one.
                vec![call, text, end],
            ]
        }
        Dialect::Responses => {
            let item = json!({"type": "function_call", "id": "fc_0", "call_id": "call_0", "name": name});
            let event = |kind: &str| ("", json!({"type": kind, "output_index": 0, "item": item}));
            let (added, done) = (event("response.output_item.added"), event("response.output_item.done"));
            let end = ("", json!({"type": "response.completed", "response": {"status": "completed", "output": []}}));
            vec![vec![added.clone(), end.clone()], vec![added, done.clone(), end.clone()], vec![done, end]]
        }
        Dialect::Anthropic => {
            let block = json!({"type": "tool_use", "id": "toolu_0", "name": name, "input": {}});
            let start = ("", json!({"type": "content_block_start", "index": 0, "content_block": block}));
            let stop = ("", json!({"type": "content_block_stop", "index": 0}));
            let reason = ("", json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}));
            vec![vec![start, stop, reason, ("", json!({"type": "message_stop"}))]]
        }
        Dialect::Gemini => {
            let part = json!({"functionCall": {"name": name, "args": {"x": 1}}});
            vec![vec![("", json!({"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}))]]
        }
        Dialect::Bedrock => {
            let start = json!({"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t_0", "name": name}}});
            let stop = ("contentBlockStop", json!({"contentBlockIndex": 0}));
            vec![vec![("contentBlockStart", start), stop, ("messageStop", json!({"stopReason": "tool_use"}))]]
        }
    }
}

#[test]
fn a_stream_with_a_call_that_never_gets_its_name_is_broken_off() {
    for provider in PROVIDERS {
        for name in [Value::Null, json!("")] {
            for events in streams(provider, &name) {
                let mut stream = Vec::new();
                for (kind, event) in &events {
                    match provider {
                        Dialect::Bedrock => frame(&mut stream, kind, &event.to_string()),
                        _ => stream.extend_from_slice(format!("data: {event}\n\n").as_bytes()),
                    }
                }
                if provider == Dialect::Openai {
                    stream.extend_from_slice(b"data: [DONE]\n\n");
                }
                for client in clients().filter(|client| client.dialect != provider) {
                    let relayed = relay(&translator(client, provider), [&stream[..]]);
                    assert!(!relayed.complete, "{client:?} of {events:?}");
                    assert!(matches!(relayed.fault, Some(BadStream::Invalid(_))), "{client:?} of {events:?}");
                }
            }
        }
    }
}

#[test]
fn a_whole_answer_with_a_nameless_call_is_none() {
    for name in [Value::Null, json!(""), json!("f")] {
        let function = json!({"name": name, "arguments": "{}"});
        let message = |message: Value| json!({"choices": [{"message": message}]});
        for (provider, answer) in [
            (Dialect::Openai, message(json!({"tool_calls": [{"id": "call_0", "function": function}]}))),
            (Dialect::Openai, message(json!({"function_call": function}))),
            (Dialect::Responses, json!({"output": [{"type": "function_call", "call_id": "call_0", "name": name}]})),
            (
                Dialect::Anthropic,
                json!({"content": [{"type": "tool_use", "id": "toolu_0", "name": name, "input": {}}]}),
            ),
            (Dialect::Gemini, json!({"candidates": [{"content": {"parts": [{"functionCall": {"name": name}}]}}]})),
            (Dialect::Bedrock, json!({"output": {"message": {"content": [{"toolUse": {"name": name}}]}}})),
        ] {
            assert_eq!(read_response(provider, answer.clone()).is_ok(), name == "f", "{answer}");
        }
    }
}
