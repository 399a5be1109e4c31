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

/// Where Gemini's clients and Anthropic's leave it to the model, newer models of OpenAI do not think at all unless asked.
#[test]
fn what_is_left_to_the_model_is_asked_for_as_medium_effort() {
    let automatic = json!({"generationConfig": {"thinkingConfig": {"thinkingBudget": -1}}});
    let (chat, _) = sent(Gemini, Openai, &asks(Gemini, &automatic));
    assert_eq!(chat["reasoning_effort"], "medium");
    let (responses, _) = sent(Gemini, Responses, &asks(Gemini, &automatic));
    assert_eq!(responses["reasoning"], json!({"effort": "medium"}));
}

/// OpenAI shows summaries only to organisations that it has verified, and refuses the others.
#[test]
fn a_summary_of_thoughts_is_asked_for_only_where_the_client_wants_to_see_them() {
    let gemini = |thinking: Value| asks(Gemini, &json!({"generationConfig": {"thinkingConfig": thinking}}));
    let anthropic = |thinking: Value| asks(Anthropic, &json!({"thinking": thinking, "max_tokens": 9000}));
    for (client, body, wanted) in [
        (Gemini, gemini(json!({"thinkingBudget": 2048})), false),
        (Gemini, gemini(json!({"thinkingBudget": 2048, "includeThoughts": true})), true),
        (Anthropic, anthropic(json!({"type": "enabled", "budget_tokens": 2048})), true),
        (Anthropic, anthropic(json!({"type": "enabled", "budget_tokens": 2048, "display": "omitted"})), false),
    ] {
        let (sent, _) = sent(client, Responses, &body);
        assert_eq!(sent["reasoning"].get("summary").is_some(), wanted, "{body}");
    }
}

#[test]
fn thoughts_and_seals_that_do_not_go_along_are_named() {
    let history = json!({"contents": [
        {"role": "user", "parts": [{"text": "a"}]},
        {"role": "model", "parts": [
            {"text": "b", "thought": true},
            {"text": "c", "thoughtSignature": "c2ln"},
            {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"},
        ]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"a": 1}}}]},
    ]});
    let dropped = "contents[1].parts[0], contents[1].parts[1].thoughtSignature, contents[1].parts[2].thoughtSignature";
    assert_eq!(sent(Gemini, Openai, &history).1, dropped);
    assert_eq!(sent(Gemini, Responses, &history).1, dropped);
}

#[test]
fn an_error_of_geminis_tools_goes_along_as_it_is() {
    let failed = json!({"contents": [
        {"role": "user", "parts": [{"text": "a"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"error": "no \"x\""}}}]},
    ]});
    let error = json!({"error": "no \"x\""}).to_string();
    let (chat, dropped) = sent(Gemini, Openai, &failed);
    assert_eq!((&chat["messages"][2]["content"], dropped.as_str()), (&error.clone().into(), ""));
    let (responses, dropped) = sent(Gemini, Responses, &failed);
    assert_eq!((&responses["input"][2]["output"], dropped.as_str()), (&error.into(), ""));
}

#[test]
fn who_asks_is_a_safety_identifier_unless_the_client_is_openais() {
    let long = "u".repeat(129);
    let by = |user: &str| asks(Anthropic, &json!({"metadata": {"user_id": user}}));
    let (body, dropped) = sent(Anthropic, Responses, &by("u"));
    assert_eq!((&body["safety_identifier"], body.get("user"), dropped.as_str()), (&json!("u"), None, ""));
    assert_eq!(sent(Anthropic, Responses, &by(&long)).1, "metadata.user_id");
    let (body, _) = sent(Openai, Responses, &asks(Openai, &json!({"user": "u"})));
    assert_eq!(body["user"], "u");
}

/// Vertex AI takes them, and the Gemini API refuses what it does not know.
#[test]
fn gemini_is_given_no_labels_and_no_names_of_files() {
    let pdf = json!({"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="});
    let body = json!({"model": "m", "metadata": {"a": "b"}, "input": [{"role": "user", "content": [pdf]}]});
    let (sent, dropped) = sent(Responses, Gemini, &body);
    assert_eq!(sent.get("labels"), None);
    let data = json!({"mimeType": "application/pdf", "data": "JVBERg=="});
    assert_eq!(sent["contents"][0]["parts"][0]["inlineData"], data);
    assert_eq!(dropped, "input[0].content[0].filename, metadata");
}

/// Any JSON will do for Gemini's clients, and an object for OpenAI's.
#[test]
fn json_is_asked_for_as_wide_as_the_client_meant_it() {
    let words = |client: Dialect, members: Value| sent(client, Anthropic, &asks(client, &members)).0["system"].clone();
    let gemini = json!({"generationConfig": {"responseMimeType": "application/json"}});
    assert_eq!(words(Gemini, gemini), "Answer with nothing but JSON.");
    let chat = json!({"response_format": {"type": "json_object"}});
    assert_eq!(words(Openai, chat), "Answer with nothing but a JSON object.");
}

/// Google documents `output` and `error`, and takes any other object for the output as a whole.
#[test]
fn a_result_for_gemini_stands_where_google_says() {
    let results = |content: &str| {
        let call = json!({"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let body = json!({"model": "m", "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": content},
        ]});
        sent(Openai, Gemini, &body).0["contents"][2]["parts"][0]["functionResponse"]["response"].clone()
    };
    assert_eq!(results("sunny"), json!({"output": "sunny"}));
    assert_eq!(results("{\"result\": 1}"), json!({"result": 1}));
}

#[test]
fn a_bound_of_searches_bounds_all_calls_if_there_are_no_others() {
    let search = json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 3});
    let (alone, dropped) = sent(Anthropic, Responses, &asks(Anthropic, &json!({"tools": [search]})));
    assert_eq!((&alone["max_tool_calls"], dropped.as_str()), (&json!(3), ""));
    let code = json!({"type": "code_execution_20250825", "name": "code_execution"});
    let (both, dropped) = sent(Anthropic, Responses, &asks(Anthropic, &json!({"tools": [search, code]})));
    assert_eq!((both.get("max_tool_calls"), dropped.as_str()), (None, "tools[0].max_uses"));
}
