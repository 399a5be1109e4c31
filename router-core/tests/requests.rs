//! What a provider is sent for a client's request, and what of it is named as dropped: member by member.

use std::fs;
use std::path::Path;

use router_core::dialect::translate::{self, Ask};
use router_core::dialect::{Quirks, Target};
use router_core::domain::Dialect::{self, Anthropic, Gemini, Openai, Responses};
use serde_json::{Value, json};

/// The provider's body, and the names of what was dropped.
fn sent(client: Dialect, provider: Dialect, body: &Value) -> (Value, String) {
    let model = match provider {
        Anthropic => "claude-sonnet-4-5",
        Gemini => "gemini-2.5-pro",
        _ => "gpt-5.1",
    };
    let outbound = translate::request(Ask {
        client,
        provider,
        body: body.to_string().as_bytes(),
        model: "asked-model",
        target: Target { model, quirks: &Quirks::default() },
        stream: None,
        as_array: false,
        unique: "A1",
        created: 1,
    });
    let outbound = outbound.expect("a request that can be translated");
    (serde_json::from_slice(&outbound.body).expect("a body is JSON"), outbound.losses.to_string())
}

/// A client's plain request with these members besides.
fn asks(client: Dialect, members: &Value) -> Value {
    let mut body = match client {
        Responses => json!({"model": "m", "input": "x"}),
        Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "x"}]}]}),
        _ => json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "x"}]}),
    };
    for (key, value) in members.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

fn closed() -> Value {
    json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false})
}

/// Members may be left out, which OpenAI cannot compile.
fn optional() -> Value {
    json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": [], "additionalProperties": false})
}

#[test]
fn openai_is_asked_for_strict_arguments_only_if_it_can_compile_their_schema() {
    let tools = |client: Dialect, schema: Value| match client {
        Anthropic => json!({"tools": [{"name": "f", "input_schema": schema, "strict": true}]}),
        Gemini => json!({
            "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": schema}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}},
        }),
        Openai => json!({"tools": [{"type": "function", "function":
            {"name": "f", "parameters": schema, "strict": true}}]}),
        _ => json!({"tools": [{"type": "function", "name": "f", "parameters": schema, "strict": true}]}),
    };
    for client in [Openai, Responses, Anthropic, Gemini] {
        for provider in [Openai, Responses].into_iter().filter(|provider| *provider != client) {
            let strict = |schema: Value| {
                let (body, dropped) = sent(client, provider, &asks(client, &tools(client, schema)));
                let tool = &body["tools"][0];
                let strict = tool.get("strict").or_else(|| tool["function"].get("strict")).cloned();
                (strict.unwrap_or_default() == true, dropped.is_empty())
            };
            assert_eq!(strict(closed()), (true, true), "{client:?} {provider:?}");
            assert_eq!(strict(optional()), (false, false), "{client:?} {provider:?}");
        }
    }
}

/// Silence means strict in Responses and nowhere else; no one is told of a loss of what was not said.
#[test]
fn silence_of_responses_about_strict_is_kept_where_the_schema_allows() {
    let tools = |schema: Value| json!({"tools": [{"type": "function", "name": "f", "parameters": schema}]});
    let ask = |provider: Dialect, schema: Value| sent(Responses, provider, &asks(Responses, &tools(schema)));
    for (schema, strict) in [(closed(), true), (optional(), false)] {
        let (chat, dropped) = ask(Openai, schema.clone());
        assert_eq!((chat["tools"][0]["function"]["strict"] == true, dropped.as_str()), (strict, ""));
        let (anthropic, dropped) = ask(Anthropic, schema.clone());
        assert_eq!((anthropic["tools"][0]["strict"] == true, dropped.as_str()), (strict, ""));
        let (gemini, dropped) = ask(Gemini, schema);
        let mode = &gemini["toolConfig"]["functionCallingConfig"]["mode"];
        assert_eq!((*mode == "VALIDATED", dropped.as_str()), (strict, ""));
    }
}

/// Anthropic's and Google's answers by a schema follow it to the letter; OpenAI's do only if told.
#[test]
fn answers_by_a_schema_stay_strict_where_openai_can_compile_it() {
    let format = |client: Dialect, schema: Value| match client {
        Anthropic => json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}}),
        _ => json!({"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": schema}}),
    };
    for client in [Anthropic, Gemini] {
        for (schema, strict) in [(closed(), true), (optional(), false)] {
            let (chat, dropped) = sent(client, Openai, &asks(client, &format(client, schema.clone())));
            let told = chat["response_format"]["json_schema"]["strict"] == true;
            assert_eq!((told, dropped.is_empty()), (strict, strict), "{client:?}");
            let (responses, dropped) = sent(client, Responses, &asks(client, &format(client, schema)));
            let told = responses["text"]["format"]["strict"] == true;
            assert_eq!((told, dropped.is_empty()), (strict, strict), "{client:?}");
        }
    }
}

/// Chat Completions takes labels only for answers that it stores.
#[test]
fn chat_completions_is_given_no_labels() {
    for (client, labels) in [(Responses, json!({"metadata": {"a": "b"}})), (Gemini, json!({"labels": {"a": "b"}}))] {
        let (body, dropped) = sent(client, Openai, &asks(client, &labels));
        assert_eq!((body.get("metadata"), dropped.is_empty()), (None, false), "{client:?}");
    }
}

/// Whether a request has a member at `path`.
fn has(request: &Value, path: &str) -> bool {
    let steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']'));
    let found = steps.into_iter().try_fold(request, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        value => value.get(step),
    });
    found.is_some()
}

/// All requests of the corpora.
fn requests() -> Vec<(Dialect, String, Value)> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut requests = Vec::new();
    for client in [Openai, Responses, Anthropic, Gemini] {
        for file in fs::read_dir(corpus.join(client.name())).expect("a corpus") {
            let path = file.expect("a file").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if name.ends_with("request.json") {
                let body = fs::read_to_string(&path).expect("a text");
                requests.push((client, name, serde_json::from_str(&body).expect("JSON")));
            }
        }
    }
    requests
}

#[test]
fn whatever_is_named_as_dropped_is_a_member_of_the_clients_own_request() {
    let mut names = 0;
    for (client, case, request) in requests() {
        for provider in [Openai, Responses, Anthropic, Gemini].into_iter().filter(|provider| *provider != client) {
            let (_, dropped) = sent(client, provider, &request);
            for name in dropped.split(", ").filter(|name| !name.is_empty()) {
                names += 1;
                assert!(has(&request, name), "{name} of {case}, {client:?} to {provider:?}");
            }
        }
    }
    assert!(names > 100, "only {names} names");
}

#[test]
fn a_loss_has_the_name_that_the_client_has_for_it() {
    let png = "iVBORw0KGgo=";
    let chat = json!({
        "model": "m", "n": 2, "max_completion_tokens": 1, "functions": [{"name": "f", "parameters": optional(),
        "strict": true}],
        "messages": [
            {"role": "system", "content": "a"},
            {"role": "user", "content": [{"type": "text", "text": "b"},
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}]},
        ],
    });
    let dropped = "messages[1].content[1].input_audio, functions[0].strict, max_completion_tokens, n";
    assert_eq!(sent(Openai, Responses, &chat).1, dropped);
    let gemini = json!({
        "system_instruction": {"parts": [{"text": "a"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "b"}]},
            {"role": "model", "parts": [{"text": "c"}]},
            {"role": "model", "parts": [{"text": "d"}, {"functionCall": {"name": "f"}, "thoughtSignature": "AAAA"}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "e"}, "parts": [
                {"inlineData": {"mimeType": "image/png", "data": png}}]}}]},
        ],
        "generation_config": {"top_k": 5, "stopSequences": ["x"]},
    });
    let dropped = "contents[2].parts[1].thoughtSignature, contents[3].parts[0].functionResponse.parts[0].inlineData, \
                   generationConfig.topK";
    assert_eq!(sent(Gemini, Openai, &gemini).1, dropped);
    let responses = json!({
        "model": "m", "text": {"format": {"type": "json_object"}}, "include": ["message.output_text.logprobs"],
        "input": [
            {"role": "user", "content": "a"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c"},
            {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "1", "output": [{"type": "input_file", "file_id": "f"}]},
        ],
    });
    let dropped = "input[1], input[3].output[0], text.format, include";
    assert_eq!(sent(Responses, Anthropic, &responses).1, dropped);
    let anthropic = json!({
        "model": "m", "max_tokens": 99, "stop_sequences": ["x"], "metadata": {"user_id": "u"},
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        "tools": [{"name": "f", "input_schema": optional()}],
        "messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
    });
    assert_eq!(sent(Anthropic, Responses, &anthropic).1, "stop_sequences");
    assert_eq!(sent(Anthropic, Gemini, &anthropic).1, "tool_choice.disable_parallel_tool_use, metadata.user_id");
}
