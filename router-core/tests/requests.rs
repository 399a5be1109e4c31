//! What a provider is sent for a client's request, and what of it is named as dropped: member by member.

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
