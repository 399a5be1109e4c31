//! How the codec of Chat Completions reads what clients send in older or sloppier spellings, what it refuses, and how it
//! writes for servers that are compatible, but not quite.

mod openai_chat_support;

use openai_chat_support::{ask, bare, foreign, written, written_for};
use router_core::chat::{Body, Losses, Role, ToolBody, ToolChoice};
use router_core::dialect::openai::chat::{read_request, write_request};
use router_core::dialect::{Quirks, Target};
use serde_json::{Value, json};

/// Reads a body and writes it again; nothing must be lost.
fn again(body: Value) -> Value {
    let (written, losses) = written(&read_request(body).expect("a request"));
    assert!(losses.is_empty(), "{losses:?}");
    bare(written)
}

#[test]
fn unknown_members_ride_along_wherever_they_stand() {
    let grammar = json!({"syntax": "regex", "definition": "[ab]"});
    let picture = json!({"type": "image_url", "image_url": {"url": "https://a.b/c"}});
    let body = json!({
        "model": "gpt-5.1",
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "a", "x": 1}], "name": "boss", "y": 2},
            {"role": "user", "content": [
                {"type": "text", "text": "b", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
                {"type": "image_url", "image_url": {"url": "https://a.b/c", "detail": "low", "z": 3}, "w": 4},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "flac"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "file", "file": {"file_data": "AAAA", "filename": "x.txt"}},
                {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}},
                {"type": "hologram", "hologram": [1]},
            ]},
            {"role": "assistant", "content": [{"type": "text", "text": "c"}, {"type": "text", "text": "d"}],
             "audio": {"id": "audio_1"}, "annotations": [{"type": "note", "n": 1}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "no json", "q": 1}, "r": 2},
                {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "free text"}},
                {"id": "c3", "type": "mystery", "mystery": {}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "e"}, picture],
             "name": "f", "cache_control": {"type": "ephemeral"}},
            {"role": "tool", "tool_call_id": "c2", "content": ""},
        ],
        "tools": [
            {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "s": 1}, "t": 2,
             "cache_control": {"type": "ephemeral"}},
            {"type": "custom", "custom": {"name": "g", "format": {"type": "text"}}},
            {"type": "custom", "custom": {"name": "h", "format": {"type": "grammar", "grammar": grammar}}},
            {"type": "retrieval", "retrieval": {}},
        ],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [
            {"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "g"}},
        ]}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "u": 1}, "v": 2},
        "stream": true,
        "stream_options": {"include_usage": true, "include_obfuscation": false},
        "reasoning_effort": "max", "verbosity": "low", "top_k": 40, "logit_bias": {"1": 2}, "store": true,
        "prediction": {"type": "content", "content": "x"}, "modalities": ["text"], "temperature": 3.5,
        "stop": ["1", "2", "3", "4", "5"], "metadata": {"a": "b"}, "service_tier": "anything",
    });
    assert_eq!(again(body.clone()), bare(body));
}

#[test]
fn two_spellings_of_one_thing_come_out_as_one() {
    let (older, newer) =
        (ask(json!({"max_tokens": 5, "stop": "x"})), ask(json!({"max_completion_tokens": 5, "stop": ["x"]})));
    assert_eq!(again(older), newer);
    assert_eq!(again(ask(json!({"stream": false, "seed": null, "stream_options": null}))), ask(json!({})));
    let single = json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]});
    assert_eq!(again(ask(single)), ask(json!({})));
    let usage = json!({"stream": true, "stream_options": {"include_usage": true}});
    assert_eq!(again(ask(json!({"stream": true}))), ask(usage));
    assert_eq!(again(ask(json!({"tools": [], "tool_choice": "any"})))["tool_choice"], "required");
    let plain =
        json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "https://a.b/c"}]}]});
    assert_eq!(again(ask(plain))["messages"][0]["content"][0]["image_url"], json!({"url": "https://a.b/c"}));
}

#[test]
fn kinds_of_sound_have_the_names_that_everyone_knows() {
    for (format, media_type) in [("mp3", "audio/mpeg"), ("wav", "audio/wav"), ("flac", "audio/flac")] {
        let part = json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": format}});
        let body = ask(json!({"messages": [{"role": "user", "content": [part]}]}));
        let request = read_request(body.clone()).expect("a request");
        let Body::Audio(media) = &request.messages[0].blocks[0].body else { panic!("sound") };
        assert_eq!(media.media_type.as_deref(), Some(media_type));
        assert_eq!(again(body.clone()), body);
    }
}

#[test]
fn the_form_before_tools_is_understood() {
    let body = ask(json!({
        "messages": [
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "18 C"},
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": null},
        ],
        "functions": [{"name": "f", "parameters": {"type": "object"}}],
        "function_call": {"name": "f"},
    }));
    let request = read_request(body).expect("a request");
    let Body::ToolResult(result) = &request.messages[2].blocks[0].body else { panic!("a result") };
    assert_eq!((request.messages[2].role, result.id.as_str()), (Role::Tool, "call_1_0"));
    let Body::ToolResult(result) = &request.messages[4].blocks[0].body else { panic!("a result") };
    assert_eq!((result.id.as_str(), result.content.len()), ("call_3_0", 0));
    assert!(matches!(&request.tools[0].body, ToolBody::Function { name, .. } if name == "f"));
    let (written, _) = written(&request);
    assert_eq!(written["tools"][0]["function"]["name"], "f");
    assert_eq!(written["tool_choice"], json!({"type": "function", "function": {"name": "f"}}));
    assert_eq!(
        written["messages"][2],
        json!({"role": "tool", "tool_call_id": "call_1_0", "name": "f", "content": "18 C"})
    );
    let auto = read_request(ask(json!({"functions": [], "function_call": "auto"}))).expect("a request");
    assert_eq!(auto.tool_choice, Some(ToolChoice::Auto));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let message = |message: Value| ask(json!({"messages": [{"role": "user", "content": "Hi"}, message]}));
    let tool = |tool: Value| ask(json!({"tools": [tool]}));
    let wrong = [
        (json!([]), ""),
        (json!({"messages": []}), "model"),
        (json!({"model": "m"}), "messages"),
        (message(json!("Hi")), "messages[1]"),
        (message(json!({"content": "Hi"})), "messages[1].role"),
        (message(json!({"role": "wizard", "content": "Hi"})), "messages[1].role"),
        (message(json!({"role": "user"})), "messages[1].content"),
        (message(json!({"role": "user", "content": 5})), "messages[1].content"),
        (message(json!({"role": "user", "content": [{"text": "x"}]})), "messages[1].content[0].type"),
        (message(json!({"role": "user", "content": [{"type": "text"}]})), "messages[1].content[0].text"),
        (message(json!({"role": "user", "content": [{"type": "image_url"}]})), "messages[1].content[0].image_url"),
        (
            message(json!({"role": "user", "content": [{"type": "file", "file": {}}]})),
            "messages[1].content[0].file.file_data",
        ),
        (message(json!({"role": "assistant", "tool_calls": {}})), "messages[1].tool_calls"),
        (message(json!({"role": "assistant", "tool_calls": [{"id": "x"}]})), "messages[1].tool_calls[0].function"),
        (message(json!({"role": "assistant", "reasoning_details": [4]})), "messages[1].reasoning_details[0]"),
        (message(json!({"role": "tool", "content": "x"})), "messages[1].tool_call_id"),
        (message(json!({"role": "tool", "tool_call_id": "x"})), "messages[1].content"),
        (message(json!({"role": "function", "name": "x", "content": "x"})), "messages[1].name"),
        (tool(json!({"function": {}})), "tools[0].type"),
        (tool(json!({"type": "function", "function": {}})), "tools[0].function.name"),
        (
            tool(json!({"type": "function", "function": {"name": "x", "parameters": []}})),
            "tools[0].function.parameters",
        ),
        (ask(json!({"tool_choice": "perhaps"})), "tool_choice"),
        (ask(json!({"tool_choice": {"type": "function", "function": {}}})), "tool_choice.function.name"),
        (ask(json!({"function_call": "perhaps"})), "function_call"),
        (ask(json!({"response_format": {}})), "response_format.type"),
        (ask(json!({"response_format": {"type": "json_schema"}})), "response_format.json_schema"),
        (ask(json!({"max_tokens": 5, "max_completion_tokens": 6})), "max_tokens"),
        (ask(json!({"max_tokens": -5})), "max_tokens"),
        (ask(json!({"temperature": "hot"})), "temperature"),
        (ask(json!({"stop": ["x", 5]})), "stop[1]"),
        (ask(json!({"stream": "yes"})), "stream"),
        (ask(json!({"stream_options": {"include_usage": 1}})), "stream_options.include_usage"),
        (ask(json!({"reasoning_effort": 5})), "reasoning_effort"),
        (ask(json!({"metadata": "x"})), "metadata"),
    ];
    for (body, path) in wrong {
        let error = read_request(body.clone()).expect_err(&body.to_string());
        assert_eq!(error.path, path, "{body}: {error}");
    }
    let nothing = read_request(json!({"model": "m", "messages": []})).expect("a request");
    let target = Target { model: "m", quirks: &Quirks::default() };
    let error = write_request(&nothing, &target, &mut Losses::default()).expect_err("nothing to answer");
    assert_eq!(error.path, "messages");
}

/// What a body becomes for a server with these quirks, and what is lost.
fn quirky(members: Value, set: impl FnOnce(&mut Quirks)) -> (Value, Vec<String>) {
    let mut quirks = Quirks::default();
    set(&mut quirks);
    written_for(&read_request(ask(members)).expect("a request"), "m", &quirks)
}

#[test]
fn servers_that_know_less_are_asked_for_less() {
    let (body, losses) = quirky(json!({"max_completion_tokens": 5}), |quirks| quirks.max_tokens_only = true);
    assert_eq!((&body["max_tokens"], body.get("max_completion_tokens"), losses.len()), (&json!(5), None, 0));

    let developer = json!({"messages": [{"role": "developer", "content": "Be brief."}]});
    let (body, losses) = quirky(developer, |quirks| quirks.no_developer_role = true);
    assert_eq!((&body["messages"][0]["role"], losses.len()), (&json!("system"), 0));

    let stream = json!({"stream": true, "stream_options": {"include_usage": true, "include_obfuscation": true}});
    let (body, losses) = quirky(stream, |quirks| quirks.no_stream_options = true);
    assert_eq!((&body["stream"], body.get("stream_options")), (&json!(true), None));
    assert_eq!(losses, ["stream_options"]);

    let (body, losses) = quirky(json!({"parallel_tool_calls": false}), |quirks| quirks.no_parallel_tool_calls = true);
    assert_eq!((body.get("parallel_tool_calls"), losses), (None, vec!["parallel_tool_calls".to_owned()]));
    let (body, losses) = quirky(json!({"parallel_tool_calls": true}), |quirks| quirks.no_parallel_tool_calls = true);
    assert_eq!((body.get("parallel_tool_calls"), losses.len()), (None, 0));

    let named = json!({"type": "function", "function": {"name": "f"}});
    for choice in [json!("required"), named] {
        let tools = json!({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": choice});
        let (body, losses) = quirky(tools, |quirks| quirks.no_forced_tools = true);
        assert_eq!((&body["tool_choice"], losses), (&json!("auto"), vec!["tool_choice".to_owned()]));
    }
    let (body, losses) = quirky(json!({"tool_choice": "none"}), |quirks| quirks.no_forced_tools = true);
    assert_eq!((&body["tool_choice"], losses.len()), (&json!("none"), 0));

    for effort in ["high", "default"] {
        let (body, losses) = quirky(json!({"reasoning_effort": effort}), |quirks| quirks.no_reasoning_effort = true);
        assert_eq!((body.get("reasoning_effort"), losses), (None, vec!["reasoning".to_owned()]));
    }
}

#[test]
fn a_schema_becomes_words_where_it_cannot_be_a_format() {
    let format = json!({"type": "json_schema", "json_schema": {"name": "city", "schema": {"type": "object"}, "x": 1}});
    let ask = |messages: Value| json!({"response_format": format, "messages": messages});
    let no_schema = |quirks: &mut Quirks| quirks.no_json_schema = true;
    let (body, losses) = quirky(ask(json!([{"role": "user", "content": "Hi"}])), no_schema);
    assert_eq!(body["response_format"], json!({"type": "json_object"}));
    assert_eq!(losses, ["response_format.json_schema"]);
    let words = "Answer with nothing but a JSON object that follows this JSON Schema:\n{\"type\":\"object\"}";
    assert_eq!(body["messages"][0], json!({"role": "system", "content": words}));
    assert_eq!(body["messages"][1]["content"], "Hi");
    let (body, _) = quirky(ask(json!([{"role": "developer", "content": "Be brief."}])), no_schema);
    assert_eq!(body["messages"][0]["content"], format!("Be brief.\n\n{words}"));
    let parts = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
    let (body, _) = quirky(ask(json!([{"role": "system", "content": parts}])), no_schema);
    assert_eq!(body["messages"][0]["content"][2], json!({"type": "text", "text": words}));
    assert_eq!(body["messages"].as_array().expect("messages").len(), 1);
}

#[test]
fn json_is_named_where_the_caller_s_own_dialect_did_not_ask_for_that() {
    let request = foreign(ask(json!({"response_format": {"type": "json_object"}})));
    assert_eq!(written(&request).0["messages"][0]["content"], "Answer with a JSON object.");
    let named =
        json!({"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "Some JSON!"}]});
    assert_eq!(written(&foreign(ask(named))).0["messages"].as_array().expect("messages").len(), 1);
}
