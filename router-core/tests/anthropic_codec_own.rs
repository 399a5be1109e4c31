//! What Anthropic's own clients say beyond the corpus comes back as it was, and faults are told by their place.

mod anthropic_codec_support;

use anthropic_codec_support::{frame, written};
use router_core::chat::{Block, Body, ChatResponse, Choice, Citation, Finish, Media, Signature, Source, Thinking};
use router_core::chat::{Effort, Reasoning, ToolCall};
use router_core::dialect::Failure;
use router_core::dialect::anthropic::{read_request, read_response, write_error, write_response};
use router_core::domain::{Dialect, UsageReport};
use serde_json::{Value, json};

const MODEL: &str = "claude-opus-4-8";

fn minimal() -> Value {
    json!({"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]})
}

fn with(key: &str, value: Value) -> Value {
    let mut body = minimal();
    body[key] = value;
    body
}

#[track_caller]
fn comes_back(body: Value) {
    let request = read_request(body.clone()).expect("a request");
    assert_eq!(written(&request, MODEL), (body, String::new()));
}

#[test]
fn settings_that_only_the_api_has_come_back() {
    for (key, value) in [
        ("container", json!({"id": "container_1", "skills": [{"type": "anthropic", "skill_id": "pptx"}]})),
        ("context_management", json!({"edits": [{"type": "clear_tool_uses_20250919"}]})),
        ("mcp_servers", json!([{"type": "url", "url": "https://example.com/sse", "name": "m"}])),
        ("cache_control", json!({"type": "ephemeral"})),
        ("inference_geo", json!("eu")),
        ("thinking", json!({"type": "adaptive", "display": "omitted"})),
        ("thinking", json!({"type": "enabled", "budget_tokens": 1024, "display": "summarized"})),
        ("thinking", json!({"type": "disabled"})),
        ("thinking", json!({"type": "between_tools"})),
        ("output_config", json!({"effort": "xhigh", "task_budget": {"type": "tokens", "total": 9}})),
        ("output_config", json!({"effort": "new_word"})),
        ("output_config", json!({"format": {"type": "grammar", "rule": "r"}})),
        ("metadata", json!({"user_id": "u", "other": 1})),
        ("tool_choice", json!({"type": "any", "disable_parallel_tool_use": false, "new": 1})),
        ("temperature", json!(1.5)),
        ("stream", json!(true)),
    ] {
        comes_back(with(key, value));
    }
    let older = with("output_format", json!({"type": "json_schema", "schema": {"type": "array"}}));
    let newer = json!({"format": {"type": "json_schema", "schema": {"type": "array"}}});
    assert_eq!(written(&read_request(older).expect("a request"), MODEL).0["output_config"], newer);
}

#[test]
fn effort_and_thoughts_are_told_apart() {
    let reasoning = |body: Value| read_request(body).expect("a request").reasoning;
    let effort = with("output_config", json!({"effort": "max"}));
    assert_eq!(reasoning(effort), Some(Reasoning { effort: Some(Effort::Max), ..Reasoning::default() }));
    let hidden = with("thinking", json!({"type": "adaptive", "display": "omitted"}));
    let adaptive = Reasoning { adaptive: true, shown: Some(false), ..Reasoning::default() };
    assert_eq!(reasoning(hidden), Some(adaptive));
    assert_eq!(reasoning(with("thinking", json!({"type": "between_tools"}))), None);
    assert!(read_request(with("stream", json!(true))).expect("a request").include_usage);
}

#[test]
fn tools_of_every_kind_come_back() {
    let mark = json!({"type": "ephemeral", "ttl": "5m"});
    comes_back(with(
        "tools",
        json!([
            {"type": "custom", "name": "f", "input_schema": {"type": "object"}, "defer_loading": true, "strict": false},
            {"name": "g", "description": "", "input_schema": {"type": "object"}, "cache_control": mark,
             "input_examples": [{"a": 1}]},
            {"type": "web_search_20260318", "name": "web_search", "allowed_domains": ["a.org"], "cache_control": mark},
            {"type": "web_fetch_20250910", "name": "web_fetch", "citations": {"enabled": true}},
            {"type": "code_execution_20260120", "name": "code_execution"},
            {"type": "bash_20250124", "name": "bash"},
            {"type": "mcp_toolset", "mcp_server_name": "m"},
        ]),
    ));
}

#[test]
fn blocks_of_every_kind_come_back() {
    let text = |text: &str| json!({"type": "text", "text": text});
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let parts = json!({"type": "content", "content": [text("a"), text("b")]});
    let pictured = json!({"type": "content", "content": [{"type": "image", "source": {"type": "url", "url": "u"}}]});
    let user = json!([
        {"type": "text", "text": "x", "cache_control": mark},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}, "transformations": {"oversized_image": "error"}},
        {"type": "image", "source": {"type": "new", "id": 1}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}, "title": "T",
         "context": "c", "citations": {"enabled": true}, "cache_control": {"type": "ephemeral"}},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf", "new": 1}},
        {"type": "document", "source": {"type": "content", "content": "whole"}},
        {"type": "document", "source": parts},
        {"type": "document", "source": pictured},
        {"type": "search_result", "source": "s", "title": "t", "content": [text("c")]},
        {"type": "container_upload", "file_id": "file_2"},
        {"type": "text", "text": "y", "cache_control": {"type": "persistent", "id": 1}},
    ]);
    let assistant = json!([
        {"type": "thinking", "thinking": "", "signature": "EqQBCgIYAhIM"},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_fetch", "input": {"url": "u"}},
        {"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": {"type": "web_fetch_tool_result_error"}},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "caller": {"type": "direct"}},
        {"type": "tool_use", "id": "toolu_2", "name": "f", "input": {"z": 1, "a": [1.5, null, "é"]}},
    ]);
    let results = json!([
        {"type": "tool_result", "tool_use_id": "toolu_1", "cache_control": mark},
        {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": true, "content": [
            {"type": "tool_reference", "tool_name": "g"}, text("a"), {"type": "document", "source": parts},
        ]},
    ]);
    let mut body = with("system", json!([text("a"), {"type": "text", "text": "b", "cache_control": mark}]));
    body["messages"] = json!([
        {"role": "user", "content": user},
        {"role": "user", "content": "again"},
        {"role": "assistant", "content": assistant},
        {"role": "user", "content": results},
        {"role": "system", "content": "Be brief."},
    ]);
    comes_back(body);
}

#[test]
fn citations_of_every_place_come_back() {
    let citations = json!([
        {"type": "char_location", "cited_text": "c", "document_index": 0, "document_title": "T",
         "start_char_index": 0, "end_char_index": 1, "file_id": "file_1"},
        {"type": "page_location", "cited_text": "c", "document_index": 0, "start_page_number": 1, "end_page_number": 2},
        {"type": "content_block_location", "cited_text": "c", "document_index": 0, "start_block_index": 0,
         "end_block_index": 1},
        {"type": "search_result_location", "cited_text": "c", "source": "https://example.com", "title": "S",
         "search_result_index": 0, "start_block_index": 0, "end_block_index": 1},
        {"type": "web_search_result_location", "cited_text": "c", "url": "https://example.com", "title": "W",
         "encrypted_index": "E"},
    ]);
    let block = json!({"type": "text", "text": "cited", "citations": citations});
    let mut body = minimal();
    body["messages"] = json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": [block]}]);
    comes_back(body.clone());
    let request = read_request(body).expect("a request");
    let Body::Text { citations, .. } = &request.messages[1].blocks[0].body else { panic!("a text") };
    let titles: Vec<_> = citations.iter().map(|citation| citation.title.as_deref()).collect();
    assert_eq!(titles, [Some("T"), None, None, Some("S"), Some("W")]);
    assert_eq!(citations[3].url.as_deref(), Some("https://example.com"));
}

#[test]
fn answers_of_every_kind_come_back() {
    let usage = json!({
        "input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 7, "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 3}, "inference_geo": "eu",
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 2}, "service_tier": "batch",
        "output_tokens_details": {"thinking_tokens": 0},
    });
    for reason in ["pause_turn", "model_context_window_exceeded", "compaction", "reason_of_the_future"] {
        let body = json!({
            "id": "msg_bdrk_1", "type": "message", "role": "assistant", "model": MODEL, "stop_reason": reason,
            "stop_sequence": null, "usage": usage, "container": {"id": "c", "expires_at": "2026-01-01T00:00:00Z"},
            "context_management": {"applied_edits": []},
            "content": [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "caller": {"type": "direct"}},
                        {"type": "compaction", "content": "so far"}],
        });
        let response = read_response(body.clone()).expect("an answer");
        assert_eq!(write_response(&response, &frame()), body);
    }
}

#[test]
fn an_answer_of_a_careless_provider_is_read_all_the_same() {
    let calls = json!([{"type": "tool_use", "name": "f"}, {"type": "tool_use", "id": "", "name": "f", "input": null}]);
    let body = json!({"id": "msg_1", "content": calls, "stop_reason": "tool_use", "usage": "none"});
    let response = read_response(body).expect("an answer");
    let calls: Vec<_> = response.choices[0].blocks.iter().map(|block| block.body.clone()).collect();
    let call = |id: &str| {
        let (id, name, arguments) = (id.to_owned(), "f".to_owned(), "{}".to_owned());
        Body::ToolCall(ToolCall { id, name, arguments, custom: false })
    };
    assert_eq!(calls, [call("toolu_msg_1_0"), call("toolu_msg_1_1")]);
    assert_eq!((response.usage, response.choices[0].finish), (None, Some(Finish::ToolCalls)));
    let spoiled = json!({"content": [], "usage": {"input_tokens": -1, "output_tokens": 1}});
    assert_eq!(read_response(spoiled).expect("an answer").usage, None);
}

#[test]
fn answers_of_others_are_told_in_the_apis_words() {
    let citation = Citation {
        url: Some("https://example.com".into()),
        range: Some((0, 2)),
        ..Citation::new(Dialect::Openai, "{}")
    };
    let sealed = |body, origin| Block { signature: Some(Signature::new(origin, "S")), ..Block::new(body) };
    let call = ToolCall { id: "call_1".into(), name: "f".into(), arguments: "{\"a\": 1}".into(), custom: false };
    let summed = Thinking { summary: vec!["One.".into(), "Two.".into()], ..Thinking::default() };
    let picture = Media { source: Source::Url("u".into()), media_type: None, name: None, detail: None };
    let mut response = ChatResponse::new(Dialect::Openai);
    response.id = "chatcmpl-1".into();
    response.service_tier = Some("default".into());
    response.extra.insert("system_fingerprint".into(), "fp".into());
    response.usage = Some(UsageReport { input: 10, cache_read: 4, output: 3, reasoning: 1, ..UsageReport::default() });
    let blocks = vec![
        Block::new(Body::Thinking(Thinking::default())),
        sealed(Body::Thinking(summed), Dialect::Responses),
        Block::new(Body::Thinking(Thinking { text: "unsealed".into(), ..Thinking::default() })),
        Block::new(Body::Text { text: "Hi!".into(), citations: vec![citation] }),
        sealed(Body::ToolCall(call), Dialect::Gemini),
        Block::new(Body::Image(picture)),
    ];
    response.choices = vec![Choice { blocks, finish: Some(Finish::Stop), ..Choice::default() }, Choice::default()];
    let web = json!({"type": "web_search_result_location", "url": "https://example.com", "title": null,
        "encrypted_index": "", "cited_text": ""});
    let expected = json!({
        "id": "msg_chatcmpl-1", "type": "message", "role": "assistant", "model": "asked-for",
        "stop_reason": "tool_use", "stop_sequence": null,
        "content": [
            {"type": "thinking", "thinking": "One.\n\nTwo.", "signature": "tg1.responses..S"},
            {"type": "thinking", "thinking": "unsealed", "signature": ""},
            {"type": "text", "text": "Hi!", "citations": [web]},
            {"type": "thinking", "thinking": "", "signature": "tg1.gemini..S"},
            {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}},
            {"type": "text", "text": "[image]"},
        ],
        "usage": {
            "input_tokens": 6, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 0, "output_tokens": 3,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens_details": {"thinking_tokens": 1}, "service_tier": "standard",
        },
    });
    assert_eq!(write_response(&response, &frame()), expected);
    let empty = write_response(&ChatResponse::new(Dialect::Gemini), &frame());
    assert_eq!(
        (&empty["id"], &empty["content"], &empty["usage"]["input_tokens"]),
        (&json!("msg_U1"), &json!([]), &json!(0))
    );
    let refusal = Choice { blocks: vec![Block::new(Body::Refusal("No.".into()))], ..response.choices[0].clone() };
    let refused = write_response(&ChatResponse { choices: vec![refusal], ..response }, &frame());
    assert_eq!((&refused["stop_reason"], &refused["content"][0]["text"]), (&json!("refusal"), &json!("No.")));
}

#[test]
fn faults_are_told_by_their_place() {
    let block = |block: Value| {
        with("messages", json!([{"role": "user", "content": "x"}, {"role": "user", "content": [block]}]))
    };
    for (body, place) in [
        (json!([]), ""),
        (json!({"messages": []}), "model"),
        (json!({"model": "m"}), "messages"),
        (with("max_tokens", json!(-1)), "max_tokens"),
        (with("stream", json!("yes")), "stream"),
        (with("system", json!(1)), "system"),
        (with("system", json!([{"type": "text"}])), "system[0].text"),
        (with("stop_sequences", json!(["a", 1])), "stop_sequences[1]"),
        (with("tools", json!([{"name": "f"}, {}])), "tools[1].name"),
        (with("tools", json!([{"name": "f", "input_schema": 1}])), "tools[0].input_schema"),
        (with("tool_choice", json!({"type": "most"})), "tool_choice.type"),
        (with("tool_choice", json!({"type": "tool"})), "tool_choice.name"),
        (with("thinking", json!({"type": "enabled"})), "thinking.budget_tokens"),
        (with("output_config", json!({"format": {"type": "json_schema"}})), "output_config.format.schema"),
        (with("messages", json!([{"role": "tool", "content": "x"}])), "messages[0].role"),
        (with("messages", json!([{"role": "user"}])), "messages[0].content"),
        (block(json!("x")), "messages[1].content[0]"),
        (block(json!({})), "messages[1].content[0].type"),
        (block(json!({"type": "text", "text": 1})), "messages[1].content[0].text"),
        (block(json!({"type": "text", "text": "x", "citations": [1]})), "messages[1].content[0].citations[0]"),
        (block(json!({"type": "text", "text": "x", "cache_control": 1})), "messages[1].content[0].cache_control"),
        (block(json!({"type": "image"})), "messages[1].content[0].source"),
        (block(json!({"type": "image", "source": {"type": "url"}})), "messages[1].content[0].source.url"),
        (block(json!({"type": "document", "source": {"type": "content"}})), "messages[1].content[0].source.content"),
        (block(json!({"type": "tool_use", "id": "", "name": "f"})), "messages[1].content[0].id"),
        (block(json!({"type": "tool_use", "id": "a", "name": "f", "input": "{}"})), "messages[1].content[0].input"),
        (block(json!({"type": "tool_result"})), "messages[1].content[0].tool_use_id"),
        (
            block(json!({"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text"}]})),
            "messages[1].content[0].content[0].text",
        ),
    ] {
        assert_eq!(read_request(body.clone()).expect_err(place).path, place, "{body}");
    }
    for (body, place) in [
        (json!("x"), ""),
        (json!({"type": "error", "error": {}}), "type"),
        (json!({"type": "message"}), "content"),
        (json!({"content": [{"type": "text"}]}), "content[0].text"),
    ] {
        assert_eq!(read_response(body.clone()).expect_err(place).path, place, "{body}");
    }
}

#[test]
fn an_error_is_told_in_the_apis_words() {
    let failure = Failure {
        status: 429,
        kind: "rate_limit_error",
        code: "rate_limit_exceeded",
        message: "Slow down.",
        param: None,
        source: Some("gateway"),
        request_id: "req_1",
    };
    let expected = json!({
        "type": "error",
        "error": {
            "type": "rate_limit_error", "message": "Slow down.", "code": "rate_limit_exceeded",
            "metadata": {"source": "gateway"},
        },
        "request_id": "req_1",
    });
    assert_eq!(write_error(&failure), expected);
}
