//! The demo provider as a client sees it, over a real socket.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::text;

/// Starts a demo provider of its own and gives its address.
async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    tokio::spawn(super::serve(listener, Duration::ZERO));
    format!("http://{address}/v1")
}

async fn post(base: &str, path: &str, body: &Value) -> (u16, String) {
    let response = reqwest::Client::new().post(format!("{base}{path}")).json(body).send().await.expect("an answer");
    (response.status().as_u16(), response.text().await.expect("a whole body"))
}

async fn post_json(base: &str, path: &str, body: &Value) -> Value {
    let (status, text) = post(base, path, body).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

/// The chunks of a stream, which ends with `[DONE]` and nothing else.
async fn post_stream(base: &str, path: &str, mut body: Value) -> Vec<Value> {
    body["stream"] = json!(true);
    let (status, text) = post(base, path, &body).await;
    assert_eq!(status, 200, "{text}");
    let frames = text.strip_suffix("data: [DONE]\n\n").expect("a stream ends with [DONE]");
    let read = |frame: &str| serde_json::from_str(frame.strip_prefix("data: ").expect("a data frame")).expect("JSON");
    frames.split_terminator("\n\n").map(read).collect()
}

fn chat(said: &str) -> Value {
    json!({"model": "demo", "messages": [{"role": "user", "content": said}]})
}

fn weather_tool() -> Value {
    json!([{"type": "function", "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "minimum": 2},
                "unit": {"enum": ["celsius", "kelvin"]},
            },
            "required": ["city"],
        },
    }}])
}

#[tokio::test]
async fn a_chat_repeats_the_question_and_counts_the_tokens_it_sends() {
    let base = start().await;
    let answer = post_json(&base, "/chat/completions", &chat("why is the sky blue?")).await;
    let text = answer["choices"][0]["message"]["content"].as_str().expect("text");
    assert!(text.contains("\"why is the sky blue?\"") && text.contains("demo provider of Tollgate"));
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    let prompt = text::count("why is the sky blue?") + 4;
    assert_eq!(answer["usage"]["prompt_tokens"], prompt);
    assert_eq!(answer["usage"]["completion_tokens"], text::count(text));
    assert_eq!(answer["usage"]["total_tokens"], prompt + text::count(text));
}

#[tokio::test]
async fn a_stream_says_the_same_as_the_whole_answer() {
    let base = start().await;
    let whole = post_json(&base, "/chat/completions", &chat("hello")).await;
    let chunks = post_stream(&base, "/chat/completions", chat("hello")).await;
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert!(chunks.iter().all(|chunk| chunk["id"] == chunks[0]["id"] && chunk.get("usage").is_none()));
    let text: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, whole["choices"][0]["message"]["content"].as_str().expect("text"));
    let finishes: Vec<_> = chunks.iter().filter(|chunk| !chunk["choices"][0]["finish_reason"].is_null()).collect();
    assert_eq!(finishes.len(), 1);
    assert_eq!(finishes[0]["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn usage_comes_once_in_a_last_chunk_without_choices_and_only_when_asked_for() {
    let base = start().await;
    let whole = post_json(&base, "/chat/completions", &chat("hello")).await;
    let mut body = chat("hello");
    body["stream_options"] = json!({"include_usage": true});
    let chunks = post_stream(&base, "/chat/completions", body.clone()).await;
    let (last, others) = chunks.split_last().expect("chunks");
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"], whole["usage"]);
    assert!(others.iter().all(|chunk| chunk.get("usage") == Some(&Value::Null)));
    let (status, error) = post(&base, "/chat/completions", &body).await;
    assert!(status == 400 && error.contains("\"param\":\"stream_options\""), "{error}");
}

#[tokio::test]
async fn a_limit_cuts_the_answer_and_says_so() {
    let base = start().await;
    for name in ["max_tokens", "max_completion_tokens"] {
        let mut body = chat("hello");
        body[name] = json!(5);
        let answer = post_json(&base, "/chat/completions", &body).await;
        assert_eq!(answer["choices"][0]["finish_reason"], "length");
        assert_eq!(answer["choices"][0]["message"]["content"], "Hello from the demo provider");
        assert_eq!(answer["usage"]["completion_tokens"], 5);
    }
}

#[tokio::test]
async fn every_choice_is_counted_and_streamed_whole() {
    let base = start().await;
    let mut body = chat("hello");
    body["n"] = json!(3);
    let answer = post_json(&base, "/chat/completions", &body).await;
    let choices = answer["choices"].as_array().expect("choices");
    assert_eq!(choices.len(), 3);
    let text = choices[2]["message"]["content"].as_str().expect("text");
    assert_eq!(answer["usage"]["completion_tokens"], 3 * text::count(text));
    let chunks = post_stream(&base, "/chat/completions", body).await;
    let of_third = chunks.iter().map(|chunk| &chunk["choices"][0]).filter(|choice| choice["index"] == 2);
    let streamed: String = of_third.filter_map(|choice| choice["delta"]["content"].as_str()).collect();
    assert_eq!(streamed, text);
}

#[tokio::test]
async fn a_stop_sequence_ends_the_answer_before_it() {
    let base = start().await;
    let mut body = chat("hello");
    body["stop"] = json!(["never said", " of Tollgate"]);
    let answer = post_json(&base, "/chat/completions", &body).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "Hello from the demo provider");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn a_user_with_tools_gets_a_call_with_fitting_arguments() {
    let base = start().await;
    let mut body = chat("weather in Paris?");
    body["tools"] = weather_tool();
    let answer = post_json(&base, "/chat/completions", &body).await;
    let call = &answer["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(call["function"]["name"], "get_weather");
    let whole = call["function"]["arguments"].as_str().expect("arguments");
    let arguments: Value = serde_json::from_str(whole).expect("arguments are JSON");
    assert_eq!(arguments, json!({"city": "demo city", "days": 2, "unit": "celsius"}));

    let chunks = post_stream(&base, "/chat/completions", body).await;
    let calls: Vec<_> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0]).collect();
    assert_eq!(calls.iter().filter(|call| call["id"].is_string()).count(), 1);
    assert_eq!(calls[0]["function"]["name"], "get_weather");
    let streamed: String = calls.iter().filter_map(|call| call["function"]["arguments"].as_str()).collect();
    assert_eq!(streamed, whole);
}

#[tokio::test]
async fn a_tool_result_is_answered_with_text_unless_a_call_is_demanded() {
    let base = start().await;
    let mut body = chat("weather in Paris?");
    body["tools"] = weather_tool();
    let messages = body["messages"].as_array_mut().expect("messages");
    messages.push(json!({"role": "assistant", "content": null, "tool_calls": [{"id": "call_1"}]}));
    messages.push(json!({"role": "tool", "tool_call_id": "call_1", "content": "18 degrees"}));
    let answer = post_json(&base, "/chat/completions", &body).await;
    assert!(answer["choices"][0]["message"]["content"].as_str().expect("text").contains("\"18 degrees\""));
    for choice in [json!("required"), json!({"type": "function", "function": {"name": "get_weather"}})] {
        body["tool_choice"] = choice;
        let answer = post_json(&base, "/chat/completions", &body).await;
        assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
    }
}

#[tokio::test]
async fn a_wanted_schema_is_answered_with_json_that_has_it() {
    let base = start().await;
    let mut body = chat("a person, please");
    let schema = json!({"type": "object", "properties": {"age": {"type": "integer"}}});
    body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "person", "schema": schema}});
    let answer = post_json(&base, "/chat/completions", &body).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "{\"age\":1}");
}

#[tokio::test]
async fn completions_answer_every_prompt_whole_and_streamed() {
    let base = start().await;
    let body = json!({"model": "demo", "prompt": ["one", "two"], "max_tokens": 3});
    let answer = post_json(&base, "/completions", &body).await;
    assert_eq!(answer["object"], "text_completion");
    assert_eq!(answer["choices"][1]["text"], "Hello from the");
    assert_eq!(answer["choices"][1]["finish_reason"], "length");
    assert_eq!(answer["usage"]["prompt_tokens"], 2);
    assert_eq!(answer["usage"]["completion_tokens"], 6);
    let mut body = body;
    body["stream_options"] = json!({"include_usage": true});
    let chunks = post_stream(&base, "/completions", body).await;
    let of_second = chunks.iter().map(|chunk| &chunk["choices"][0]).filter(|choice| choice["index"] == 1);
    assert_eq!(of_second.filter_map(|choice| choice["text"].as_str()).collect::<String>(), "Hello from the");
    assert_eq!(chunks.last().expect("chunks")["usage"], answer["usage"]);
}

#[tokio::test]
async fn embeddings_are_the_same_numbers_in_both_encodings() {
    let base = start().await;
    let mut body = json!({"model": "demo-embedding", "input": ["a cat", "a dog"], "dimensions": 8});
    let floats = post_json(&base, "/embeddings", &body).await;
    let vector = floats["data"][1]["embedding"].as_array().expect("numbers");
    assert_eq!(vector.len(), 8);
    let length: f64 = vector.iter().filter_map(Value::as_f64).map(|x| x * x).sum();
    assert!((length - 1.0).abs() < 1e-5);
    assert_eq!(floats["usage"], json!({"prompt_tokens": 4, "total_tokens": 4}));
    body["encoding_format"] = json!("base64");
    let encoded = post_json(&base, "/embeddings", &body).await;
    // 8 numbers of 4 bytes: 32 bytes are 44 letters.
    assert_eq!(encoded["data"][1]["embedding"].as_str().map(str::len), Some(44));
    assert_ne!(encoded["data"][0]["embedding"], encoded["data"][1]["embedding"]);
}

#[tokio::test]
async fn models_are_listed_and_shown_and_strangers_are_not_found() {
    let base = start().await;
    let get = |path: &str| reqwest::get(format!("{base}{path}"));
    let list: Value = get("/models").await.expect("an answer").json().await.expect("JSON");
    assert_eq!(list["data"][0]["id"], "demo");
    let one: Value = get("/models/demo-embedding").await.expect("an answer").json().await.expect("JSON");
    assert_eq!(one, list["data"][1]);
    let missing = get("/models/some/other").await.expect("an answer");
    assert_eq!(missing.status(), 404);
    let error: Value = missing.json().await.expect("JSON");
    assert_eq!(error["error"]["code"], "model_not_found");
}

#[tokio::test]
async fn bad_input_is_answered_with_an_error_that_names_the_parameter() {
    let base = start().await;
    let mut no_such_tool = chat("hello");
    no_such_tool["tools"] = weather_tool();
    no_such_tool["tool_choice"] = json!({"type": "function", "function": {"name": "other"}});
    let table = [
        ("/chat/completions", json!({"messages": []}), Value::Null),
        ("/chat/completions", json!({"model": "demo", "messages": []}), json!("messages")),
        ("/chat/completions", json!({"model": "demo", "messages": [{"role": "cat"}]}), json!("messages[0].role")),
        ("/chat/completions", json!({"model": 5, "messages": []}), json!("model")),
        ("/chat/completions", json!({"model": "demo", "messages": [{"role": "user"}], "n": 0}), json!("n")),
        ("/chat/completions", no_such_tool, json!("tool_choice")),
        ("/completions", json!({"model": "demo", "max_tokens": 0}), json!("max_tokens")),
        ("/embeddings", json!({"model": "demo-embedding", "input": ""}), json!("input")),
        ("/embeddings", json!({"model": "demo-embedding", "input": "a", "dimensions": 0}), json!("dimensions")),
    ];
    for (path, body, param) in table {
        let (status, text) = post(&base, path, &body).await;
        let error: Value = serde_json::from_str(&text).expect("an error is JSON");
        assert_eq!(status, 400, "{body} {text}");
        assert_eq!(error["error"]["type"], "invalid_request_error");
        assert_eq!(error["error"]["param"], param, "{body} {text}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_errors_in_the_same_shape() {
    let base = start().await;
    let (status, text) = post(&base, "/images/generations", &json!({})).await;
    assert!(status == 404 && text.contains("unknown_url"), "{text}");
    let wrong = reqwest::get(format!("{base}/embeddings")).await.expect("an answer");
    assert_eq!(wrong.status(), 405);
    assert!(wrong.text().await.expect("a body").contains("invalid_request_error"));
}
