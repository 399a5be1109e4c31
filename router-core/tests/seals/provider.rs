//! Answers with seals, and where seals stand in a request.

use router_core::domain::Dialect;
use serde_json::{Value, json};

/// A seal in the letters that seals have.
const SEAL: &str = "EqQBCkYIBxgC+/8aQ==";
const OTHER: &str = "RxIBDg/Z+hid0den==";

/// An answer in both forms.
pub struct Answer {
    pub name: &'static str,
    pub document: Value,
    pub stream: String,
    /// What must come back, in order.
    pub seals: Vec<Value>,
}

/// A model that wants its seals back.
pub fn model(provider: Dialect) -> &'static str {
    match provider {
        Dialect::Anthropic => "claude-sonnet-4-5",
        Dialect::Gemini => "gemini-3-pro-preview",
        _ => "gpt-5.1",
    }
}

/// Answers of a provider.
pub fn answers(provider: Dialect) -> Vec<Answer> {
    match provider {
        Dialect::Openai => vec![openai()],
        Dialect::Responses => {
            let told =
                json!([{"type": "summary_text", "text": "Look it up."}, {"type": "summary_text", "text": "Then say."}]);
            vec![responses("with summaries", &told), responses("with nothing shown", &json!([]))]
        }
        Dialect::Anthropic => vec![anthropic()],
        _ => vec![gemini_calls(), gemini_text(), gemini_both()],
    }
}

/// The seals in a request for a provider, with what they are for.
pub fn seals(provider: Dialect, body: &Value) -> Vec<Value> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let inner = |turns: &str, key: &str| -> Vec<Value> {
        list(&body[turns]).iter().filter(|turn| turn["role"] != "user").flat_map(|turn| list(&turn[key])).collect()
    };
    match provider {
        Dialect::Openai => inner("messages", "reasoning_details")
            .iter()
            .map(|entry| json!([entry["text"], entry["signature"]]))
            .collect(),
        Dialect::Responses => {
            let items = list(&body["input"]).into_iter().filter(|item| item["type"] == "reasoning");
            items.map(|item| json!([item["id"], item["encrypted_content"]])).collect()
        }
        Dialect::Anthropic => {
            let blocks = inner("messages", "content").into_iter();
            let thoughts = blocks.filter_map(|block| match block["type"].as_str()? {
                "thinking" => Some(json!([block["thinking"], block["signature"]])),
                "redacted_thinking" => Some(json!([block["data"]])),
                _ => None,
            });
            thoughts.collect()
        }
        _ => {
            let parts = inner("contents", "parts").into_iter().filter(|part| part["thought"] != true);
            let sealed = parts.filter(|part| part.get("thoughtSignature").is_some());
            sealed
                .map(|part| match part.get("functionCall") {
                    Some(call) => json!([call["args"], part["thoughtSignature"]]),
                    None => json!([part["text"].is_string(), part["thoughtSignature"]]),
                })
                .collect()
        }
    }
}

/// What OpenAI's sealed items are said to have shown.
pub fn summaries(body: &Value) -> Vec<String> {
    let items = body["input"].as_array().expect("items").iter().filter(|item| item["type"] == "reasoning");
    let shown = items.map(|item| {
        assert_eq!(item.get("content"), None, "OpenAI shows no thoughts but sums them up");
        let parts = item["summary"].as_array().expect("a summary").iter();
        parts.map(|part| part["text"].as_str().expect("text")).collect::<Vec<_>>().join("\n\n")
    });
    shown.collect()
}

fn sse(events: &[Value]) -> String {
    let event = |event: &Value| match event["type"].as_str() {
        Some(kind) => format!("event: {kind}\ndata: {event}\n\n"),
        None => format!("data: {event}\n\n"),
    };
    events.iter().map(event).collect()
}

fn openai() -> Answer {
    let call = |at: usize, city: &str| {
        let function = json!({"name": "get_weather", "arguments": format!("{{\"city\":\"{city}\"}}")});
        json!({"id": format!("call_{at}"), "type": "function", "function": function})
    };
    let entry = json!({"type": "reasoning.text", "text": "Look it up.", "signature": SEAL, "index": 0});
    let message = json!({
        "role": "assistant", "content": null, "reasoning_content": "Look it up.", "reasoning_details": [entry],
        "tool_calls": [call(1, "Paris"), call(2, "Rome")],
    });
    let usage = json!({"prompt_tokens": 21, "completion_tokens": 12, "total_tokens": 33});
    let document = json!({"id": "chatcmpl-A1", "object": "chat.completion", "created": 1, "model": "m", "usage": usage,
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]});
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "chatcmpl-A1", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let piece =
        |key: &str, text: &str| json!({"reasoning_details": [{"type": "reasoning.text", key: text, "index": 0}]});
    let indexed = |at: usize, mut call: Value| {
        call["index"] = (at - 1).into();
        json!({"tool_calls": [call]})
    };
    let deltas = [
        json!({"role": "assistant", "content": ""}),
        piece("text", "Look "),
        piece("text", "it up."),
        piece("signature", SEAL),
        indexed(1, call(1, "Paris")),
        indexed(2, call(2, "Rome")),
    ];
    let mut chunks: Vec<_> = deltas.into_iter().map(|delta| chunk(delta, Value::Null)).collect();
    chunks.push(chunk(json!({}), json!("tool_calls")));
    let stream = sse(&chunks) + "data: [DONE]\n\n";
    Answer { name: "thoughts and calls", document, stream, seals: vec![json!(["Look it up.", SEAL])] }
}

fn responses(name: &'static str, summary: &Value) -> Answer {
    let reasoning = json!({"id": "rs_1", "type": "reasoning", "summary": summary, "encrypted_content": SEAL});
    let call = |at: usize, city: &str| {
        json!({"id": format!("fc_{at}"), "type": "function_call", "status": "completed", "name": "get_weather",
            "call_id": format!("call_{at}"), "arguments": format!("{{\"city\":\"{city}\"}}")})
    };
    let items = [reasoning, call(1, "Paris"), call(2, "Rome")];
    let response = |status: &str, output: &[Value]| json!({"id": "resp_A1", "object": "response", "created_at": 1, "status": status, "model": "m", "output": output});
    let mut events = vec![json!({"type": "response.created", "response": response("in_progress", &[])})];
    for (at, item) in items.iter().enumerate() {
        let place = |kind: &str| json!({"type": kind, "output_index": at, "item_id": item["id"]});
        let with = |kind: &str, more: Value| {
            let mut event = place(kind);
            event.as_object_mut().expect("an event").extend(more.as_object().expect("members").clone());
            event
        };
        let mut begun = item.clone();
        match item.get("arguments") {
            None => begun["summary"] = json!([]),
            Some(_) => begun["arguments"] = "".into(),
        }
        events.push(json!({"type": "response.output_item.added", "output_index": at, "item": begun}));
        for (part, summary) in item["summary"].as_array().into_iter().flatten().enumerate() {
            let empty = json!({"type": "summary_text", "text": ""});
            let at = |key: &str, value: &Value| json!({"summary_index": part, key: value});
            events.push(with("response.reasoning_summary_part.added", at("part", &empty)));
            events.push(with("response.reasoning_summary_text.delta", at("delta", &summary["text"])));
            events.push(with("response.reasoning_summary_text.done", at("text", &summary["text"])));
            events.push(with("response.reasoning_summary_part.done", at("part", summary)));
        }
        if let Some(arguments) = item.get("arguments") {
            events.push(with("response.function_call_arguments.delta", json!({"delta": arguments})));
            events.push(with("response.function_call_arguments.done", json!({"arguments": arguments})));
        }
        events.push(json!({"type": "response.output_item.done", "output_index": at, "item": item}));
    }
    let document = response("completed", &items);
    events.push(json!({"type": "response.completed", "response": document}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    Answer { name, document, stream: sse(&events), seals: vec![json!(["rs_1", SEAL])] }
}

fn anthropic() -> Answer {
    let call =
        |id: &str, city: &str| json!({"type": "tool_use", "id": id, "name": "get_weather", "input": {"city": city}});
    let content = [
        json!({"type": "thinking", "thinking": "Look it up.", "signature": SEAL}),
        json!({"type": "redacted_thinking", "data": OTHER}),
        json!({"type": "text", "text": "One moment."}),
        call("toolu_1", "Paris"),
        call("toolu_2", "Rome"),
    ];
    let message = |content: &[Value], stop: Value| {
        json!({"id": "msg_A1", "type": "message", "role": "assistant", "model": "m", "content": content,
            "stop_reason": stop, "stop_sequence": null, "usage": {"input_tokens": 21, "output_tokens": 12}})
    };
    let mut events = vec![json!({"type": "message_start", "message": message(&[], Value::Null)})];
    for (at, block) in content.iter().enumerate() {
        let delta = |kind: &str, key: &str, text: &str| json!({"type": "content_block_delta", "index": at, "delta": {"type": kind, key: text}});
        let (begun, deltas) = match block["type"].as_str() {
            Some("thinking") => (
                json!({"type": "thinking", "thinking": "", "signature": ""}),
                vec![
                    delta("thinking_delta", "thinking", "Look "),
                    delta("thinking_delta", "thinking", "it up."),
                    delta("signature_delta", "signature", SEAL),
                ],
            ),
            Some("text") => (json!({"type": "text", "text": ""}), vec![delta("text_delta", "text", "One moment.")]),
            Some("tool_use") => {
                let mut begun = block.clone();
                begun["input"] = json!({});
                let (one, two) = ("{\"city\":", format!("{}}}", block["input"]["city"]));
                let piece = |json: &str| delta("input_json_delta", "partial_json", json);
                (begun, vec![piece(""), piece(one), piece(&two)])
            }
            _ => (block.clone(), Vec::new()),
        };
        events.push(json!({"type": "content_block_start", "index": at, "content_block": begun}));
        events.extend(deltas);
        events.push(json!({"type": "content_block_stop", "index": at}));
    }
    let delta = json!({"stop_reason": "tool_use", "stop_sequence": null});
    events.push(json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 12}}));
    events.push(json!({"type": "message_stop"}));
    let document = message(&content, json!("tool_use"));
    let seals = vec![json!(["Look it up.", SEAL]), json!([OTHER])];
    Answer { name: "thoughts, hidden thoughts, text and calls", document, stream: sse(&events), seals }
}

fn gemini(name: &'static str, whole: &[Value], pieces: &[Value], seals: Vec<Value>) -> Answer {
    let answer = |parts: &[Value], finish: Value| {
        json!({"candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": finish, "index": 0}],
            "modelVersion": "gemini-3-pro-preview", "responseId": "A1",
            "usageMetadata": {"promptTokenCount": 21, "candidatesTokenCount": 12, "totalTokenCount": 33}})
    };
    let last = pieces.len() - 1;
    let finish = |at: usize| if at == last { json!("STOP") } else { Value::Null };
    let events = pieces.iter().enumerate().map(|(at, piece)| answer(std::slice::from_ref(piece), finish(at)));
    let stream = sse(&events.collect::<Vec<_>>());
    Answer { name, document: answer(whole, json!("STOP")), stream, seals }
}

/// Only the first of several calls has a seal, and none has an id.
fn gemini_calls() -> Answer {
    let call = |city: &str| json!({"functionCall": {"name": "get_weather", "args": {"city": city}}});
    let mut sealed = call("Paris");
    sealed["thoughtSignature"] = SEAL.into();
    let thought = |text: &str| json!({"text": text, "thought": true});
    let text = json!({"text": "One moment."});
    let whole = [thought("Look it up."), text.clone(), sealed.clone(), call("Rome")];
    let pieces = [thought("Look "), thought("it up."), text, sealed, call("Rome")];
    gemini("thoughts, text and calls", &whole, &pieces, vec![json!([{"city": "Paris"}, SEAL])])
}

/// In a stream the seal of a text comes after it.
fn gemini_text() -> Answer {
    let thought = json!({"text": "Look it up.", "thought": true});
    let whole = [thought.clone(), json!({"text": "18 C.", "thoughtSignature": SEAL})];
    let pieces =
        [thought, json!({"text": "18 "}), json!({"text": "C."}), json!({"text": "", "thoughtSignature": SEAL})];
    gemini("a sealed text", &whole, &pieces, vec![json!([true, SEAL])])
}

/// A text and the call after it have seals of their own.
fn gemini_both() -> Answer {
    let call = json!({"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}, "thoughtSignature": SEAL});
    let whole = [json!({"text": "One moment.", "thoughtSignature": OTHER}), call.clone()];
    let pieces = [json!({"text": "One moment."}), json!({"text": "", "thoughtSignature": OTHER}), call];
    gemini(
        "a sealed text and a sealed call",
        &whole,
        &pieces,
        vec![json!([true, OTHER]), json!([{"city": "Paris"}, SEAL])],
    )
}
