//! What clients keep of an answer and say in their next turn, as the vendors' SDKs do it.

use router_core::domain::Dialect;
use serde_json::{Map, Value, json};

/// A request with these turns between the first question and what follows them: results of the calls that are in them,
/// else another question.
pub fn request(client: Dialect, turns: &[Value]) -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let asks = |text: &str| json!({"role": "user", "content": text});
    let answered = !turns.is_empty();
    let results = results(client, turns);
    let next = if answered && results.is_empty() { vec![asks("And now?")] } else { results };
    let said = |first: Value| [vec![first], turns.to_vec(), next.clone()].concat();
    match client {
        Dialect::Openai => json!({
            "model": "m", "max_completion_tokens": 4096, "messages": said(asks("Weather?")),
            "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": schema}}],
        }),
        Dialect::Responses => json!({
            "model": "m", "store": false, "include": ["reasoning.encrypted_content"], "input": said(asks("Weather?")),
            "tools": [{"type": "function", "name": "get_weather", "parameters": schema}],
        }),
        Dialect::Anthropic => json!({
            "model": "m", "max_tokens": 4096, "messages": said(asks("Weather?")),
            "tools": [{"name": "get_weather", "input_schema": schema}],
        }),
        _ => {
            let content = |value: Value| match value["content"].as_str() {
                Some(text) => json!({"role": "user", "parts": [{"text": text}]}),
                None => value,
            };
            let contents: Vec<_> = said(asks("Weather?")).into_iter().map(content).collect();
            let declared = json!([{"name": "get_weather", "parametersJsonSchema": schema}]);
            json!({"contents": contents, "tools": [{"functionDeclarations": declared}]})
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Results of the calls in these turns.
fn results(client: Dialect, turns: &[Value]) -> Vec<Value> {
    let gathered = |blocks: Vec<Value>, key: &str| match blocks.is_empty() {
        true => Vec::new(),
        false => vec![json!({"role": "user", key: blocks})],
    };
    match client {
        Dialect::Openai => {
            let calls = turns.iter().flat_map(|turn| list(&turn["tool_calls"]));
            calls.map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": "18 C"})).collect()
        }
        Dialect::Responses => {
            let calls = turns.iter().filter(|item| item["type"] == "function_call");
            let result =
                |call: &Value| json!({"type": "function_call_output", "call_id": call["call_id"], "output": "18 C"});
            calls.map(result).collect()
        }
        Dialect::Anthropic => {
            let blocks = turns.iter().flat_map(|turn| list(&turn["content"]));
            let calls = blocks.filter(|block| block["type"] == "tool_use");
            let result = |call: &Value| json!({"type": "tool_result", "tool_use_id": call["id"], "content": "18 C"});
            gathered(calls.map(result).collect(), "content")
        }
        _ => {
            let calls = turns.iter().flat_map(|turn| list(&turn["parts"])).filter_map(|part| part.get("functionCall"));
            let result = |call: &Value| {
                let mut result = json!({"name": call["name"], "response": {"result": "18 C"}});
                if let Some(id) = call.get("id") {
                    result["id"] = id.clone();
                }
                json!({"functionResponse": result})
            };
            gathered(calls.map(result).collect(), "parts")
        }
    }
}

/// What is kept of a document.
pub fn kept(client: Dialect, mut document: Value) -> Vec<Value> {
    match client {
        Dialect::Openai => vec![without_nulls(document["choices"][0]["message"].take())],
        Dialect::Responses => list(&document["output"]).cloned().collect(),
        Dialect::Anthropic => vec![json!({"role": "assistant", "content": document["content"]})],
        _ => vec![document["candidates"][0]["content"].take()],
    }
}

/// SDKs leave out what is not set.
fn without_nulls(mut message: Value) -> Value {
    message.as_object_mut().expect("a message").retain(|_, value| !value.is_null());
    message
}

/// What is kept of a stream.
pub fn kept_of_stream(client: Dialect, stream: &str) -> Vec<Value> {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    let mut events = data.map(|data| serde_json::from_str::<Value>(data).expect("JSON"));
    match client {
        Dialect::Openai => {
            let mut message = json!({});
            events.for_each(|mut chunk| add(&mut message, chunk["choices"][0]["delta"].take()));
            vec![without_nulls(message)]
        }
        Dialect::Responses => {
            let last = events.find(|event| event["type"] == "response.completed").expect("a completed response");
            kept(client, last["response"].clone())
        }
        Dialect::Anthropic => vec![json!({"role": "assistant", "content": blocks(events)})],
        // A chat session keeps every event's content as one of its own.
        _ => events.filter_map(|mut event| Some(event["candidates"][0].get_mut("content")?.take())).collect(),
    }
}

/// Adds a delta as OpenAI's SDK does: texts go on, entries of lists are found by their index.
fn add(to: &mut Value, delta: Value) {
    match (to, delta) {
        (Value::Object(to), Value::Object(delta)) => {
            for (key, value) in delta {
                match to.get_mut(&key) {
                    Some(old) if !old.is_null() && !matches!(key.as_str(), "index" | "type" | "role") => {
                        add(old, value);
                    }
                    _ => drop(to.insert(key, value)),
                }
            }
        }
        (Value::Array(to), Value::Array(delta)) => {
            for entry in delta {
                let index = entry["index"].as_u64().and_then(|at| usize::try_from(at).ok()).expect("an index");
                match to.get_mut(index) {
                    Some(old) => add(old, entry),
                    None => to.push(entry),
                }
            }
        }
        (Value::String(to), Value::String(more)) => to.push_str(&more),
        (to, value) if !value.is_null() => *to = value,
        _ => {}
    }
}

/// Blocks as Anthropic's SDK adds them up.
fn blocks(events: impl Iterator<Item = Value>) -> Vec<Value> {
    let (mut blocks, mut inputs) = (Vec::<Map<String, Value>>::new(), Vec::<String>::new());
    for event in events {
        match event["type"].as_str() {
            Some("content_block_start") => {
                assert_eq!(event["index"], blocks.len());
                blocks.push(event["content_block"].as_object().expect("a block").clone());
                inputs.push(String::new());
            }
            Some("content_block_delta") => {
                let at = event["index"].as_u64().and_then(|at| usize::try_from(at).ok()).expect("an index");
                for (key, value) in event["delta"].as_object().expect("a delta") {
                    let more = value.as_str().expect("text");
                    match (key.as_str(), blocks[at].get_mut(key)) {
                        ("type", _) => {}
                        ("partial_json", _) => inputs[at].push_str(more),
                        ("signature", Some(old)) => *old = more.into(),
                        (_, Some(Value::String(old))) => old.push_str(more),
                        _ => panic!("a delta of another block: {event}"),
                    }
                }
            }
            _ => {}
        }
    }
    for (block, input) in blocks.iter_mut().zip(inputs).filter(|(_, input)| !input.is_empty()) {
        block.insert("input".into(), serde_json::from_str(&input).expect("an object"));
    }
    blocks.into_iter().map(Value::Object).collect()
}
