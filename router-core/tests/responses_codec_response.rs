//! What whole answers, usage, errors and echoes of Responses promise, beyond the corpus.

mod responses_support;

use responses_support::{USAGE, frame, normal};
use router_core::chat::{
    Block, Body, ChatRequest, ChatResponse, Choice, Citation, Extra, Finish, Losses, Media, Signature, Source,
    Thinking, ToolCall,
};
use router_core::dialect::responses::{echo, read_request, read_response, read_usage, write_error, write_response};
use router_core::dialect::{Failure, Frame};
use router_core::domain::{Dialect, UsageReport};
use serde_json::{Value, json};

fn answer(blocks: Vec<Block>, finish: Finish) -> ChatResponse {
    let choice = Choice { blocks, finish: Some(finish), ..Choice::default() };
    ChatResponse { choices: vec![choice], ..ChatResponse::new(Dialect::Anthropic) }
}

fn sealed(body: Body, seal: Signature) -> Block {
    Block { signature: Some(seal), ..Block::new(body) }
}

fn call(id: &str) -> Body {
    Body::ToolCall(ToolCall { id: id.into(), name: "f".into(), arguments: "{}".into(), custom: false })
}

fn blocks_of(response: &Value) -> Vec<Block> {
    let read = read_response(response.clone()).expect("an answer");
    let mut blocks = read.choices.into_iter().next().expect("a choice").blocks;
    blocks.iter_mut().for_each(|block| block.extra.clear());
    blocks
}

#[test]
fn an_answer_of_another_dialect_gets_ids_and_everything_that_must_be_there() {
    let mut response = answer(vec![Block::text("a"), Block::text("b"), Block::new(call("call_1"))], Finish::ToolCalls);
    response.choices.push(Choice { blocks: vec![Block::text("second")], ..Choice::default() });
    response.usage = Some(USAGE);
    response.service_tier = Some("standard".into());
    response.extra.insert("stop_details".into(), json!(1));
    let text = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    let frame = Frame { echo: Extra::from_iter([("store".to_owned(), json!(false))]), ..frame() };
    let written = write_response(&response, &frame);
    assert_eq!(
        written,
        json!({
            "id": "resp_u1", "object": "response", "created_at": 1_700_000_000, "status": "completed", "error": null,
            "incomplete_details": null, "model": "asked", "service_tier": "default", "store": false,
            "output": [
                {"id": "msg_u1_0", "type": "message", "status": "completed", "role": "assistant",
                    "content": [text("a"), text("b")]},
                {"id": "fc_u1_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "f",
                    "arguments": "{}"},
            ],
            "usage": {"input_tokens": 21, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": 12, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 33},
        })
    );
    (response.id, response.model, response.created) = ("msg_7".into(), "claude".into(), Some(5));
    let written = write_response(&response, &frame);
    assert_eq!(
        (&written["id"], &written["model"], &written["created_at"]),
        (&json!("resp_msg_7"), &json!("claude"), &json!(5))
    );
}

#[test]
fn the_end_of_an_answer_is_told_by_its_status() {
    let refusal = || Block::new(Body::Refusal("no".into()));
    for (finish, blocks, status, reason, item) in [
        (Finish::Stop, vec![Block::text("a")], "completed", None, "completed"),
        (Finish::StopSequence, vec![Block::text("a")], "completed", None, "completed"),
        (Finish::Refused, vec![refusal()], "completed", None, "completed"),
        (Finish::Refused, vec![Block::text("a")], "incomplete", Some("content_filter"), "incomplete"),
        (Finish::Filtered, vec![Block::text("a")], "incomplete", Some("content_filter"), "incomplete"),
        (Finish::Length, vec![Block::text("a")], "incomplete", Some("max_output_tokens"), "incomplete"),
        (Finish::ContextFull, vec![Block::text("a")], "incomplete", Some("max_output_tokens"), "incomplete"),
        (Finish::Paused, vec![Block::text("a")], "incomplete", Some("max_output_tokens"), "incomplete"),
        (Finish::Malformed, vec![Block::text("a")], "failed", None, "completed"),
    ] {
        let written = write_response(&answer(blocks, finish), &frame());
        assert_eq!(written["status"], status, "{finish:?}");
        assert_eq!(written["incomplete_details"], reason.map_or(Value::Null, |reason| json!({ "reason": reason })));
        assert_eq!(written["output"][0]["status"], item, "{finish:?}");
        assert_eq!(written["error"].is_null(), status != "failed");
    }
    let nothing = ChatResponse::new(Dialect::Gemini);
    assert_eq!(write_response(&nothing, &frame())["output"], json!([]));
}

#[test]
fn the_reason_to_stop_is_understood() {
    let read = |status: &str, reason: &str, output: Value| {
        let body = json!({"status": status, "incomplete_details": {"reason": reason}, "output": output});
        let read = read_response(body.clone()).expect("an answer");
        assert_eq!(normal(write_response(&read, &frame()))["incomplete_details"], body["incomplete_details"]);
        read.choices[0].finish.expect("a reason")
    };
    assert_eq!(read("incomplete", "max_output_tokens", json!([])), Finish::Length);
    assert_eq!(read("incomplete", "content_filter", json!([])), Finish::Filtered);
    assert_eq!(read("incomplete", "steered", json!([])), Finish::Length);
    let of = |output: Value| read_response(json!({ "output": output })).expect("an answer").choices[0].finish;
    let text = json!({"type": "output_text", "text": "a"});
    let refusal = json!({"type": "refusal", "refusal": "a"});
    let message = |parts: Value| json!([{"type": "message", "role": "assistant", "content": parts}]);
    assert_eq!(of(message(json!([refusal]))), Some(Finish::Refused));
    assert_eq!(of(message(json!([text, refusal]))), Some(Finish::Stop));
    let call = json!({"type": "custom_tool_call", "call_id": "c", "name": "f", "input": ""});
    assert_eq!(of(json!([call])), Some(Finish::ToolCalls));
}

#[test]
fn what_is_no_answer_is_a_fault() {
    for (body, place) in [
        (json!({"status": "failed", "error": {"code": "server_error", "message": "secret"}, "output": []}), "error"),
        (json!({"status": "failed", "output": []}), "status"),
        (json!({"status": "queued", "output": []}), "status"),
        (json!({"status": "completed"}), "output"),
        (json!({"output": [{"type": "function_call", "call_id": "c"}]}), "output[0].name"),
        (
            json!({"output": [{"type": "message", "role": "assistant", "content": [{"type": "refusal"}]}]}),
            "output[0].content[0].refusal",
        ),
        (json!("x"), ""),
    ] {
        let fault = read_response(body).expect_err("a fault");
        assert_eq!(fault.path, place);
        assert!(!fault.to_string().contains("secret"), "callers must not see what providers say");
    }
}

#[test]
fn signatures_of_others_survive_the_way_to_the_client_and_back() {
    let thinking =
        |text: &str, redacted: bool| Body::Thinking(Thinking { text: text.into(), redacted, ..Thinking::default() });
    let anthropic = |data: &str| Signature::new(Dialect::Anthropic, data);
    let gemini = |data: &str| Signature::new(Dialect::Gemini, data);
    let text = || Body::Text { text: "t".into(), citations: Vec::new() };
    let said = vec![
        sealed(thinking("hm", false), anthropic("U2ln")),
        sealed(thinking("", true), anthropic("RW5j")),
        sealed(thinking("", false), anthropic("Tm9u")),
        Block::text("before"),
        sealed(text(), gemini("VGV4")),
        sealed(call("call_1"), gemini("Q2Fs")),
        Block::new(call("call_2")),
    ];
    let written = write_response(&answer(said.clone(), Finish::ToolCalls), &frame());
    assert_eq!(blocks_of(&written), said);
    let kinds: Vec<_> = written["output"].as_array().expect("items").iter().map(|item| item["type"].clone()).collect();
    assert_eq!(
        kinds,
        [
            "reasoning",
            "reasoning",
            "reasoning",
            "message",
            "reasoning",
            "message",
            "reasoning",
            "function_call",
            "function_call"
        ]
    );
    // The client sends the items back as they are.
    let request = read_request(json!({"model": "m", "input": written["output"]})).expect("a request");
    let seals = |blocks: &[Block]| blocks.iter().map(|block| block.signature.clone()).collect::<Vec<_>>();
    assert_eq!(seals(&request.messages[0].blocks), seals(&said));
}

#[test]
fn thoughts_pictures_and_searches_become_items() {
    let picture =
        Media { source: Source::Base64("AAAA".into()), media_type: Some("image/png".into()), name: None, detail: None };
    let summary = Thinking { summary: vec!["a".into(), "b".into()], ..Thinking::default() };
    let search = json!({"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "q"}});
    let found = json!({"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": []});
    let foreign = |value: Value| Block::new(Body::Foreign { dialect: Dialect::Anthropic, value });
    let citation = Citation {
        url: Some("https://example.com".into()),
        title: Some("E".into()),
        ..Citation::new(Dialect::Anthropic, "{}")
    };
    let nowhere = Citation { url: None, ..citation.clone() };
    let text = Body::Text { text: "é😀".into(), citations: vec![citation, nowhere] };
    let blocks = vec![
        Block::new(Body::Thinking(summary)),
        Block::new(Body::Thinking(Thinking::default())),
        foreign(search),
        foreign(found),
        Block::new(Body::Image(picture)),
        Block::new(text),
    ];
    let written = write_response(&answer(blocks, Finish::Stop), &frame());
    let part = |text: &str| json!({"type": "summary_text", "text": text});
    let output = written["output"].as_array().expect("items");
    assert_eq!(
        output[..3],
        [
            json!({"id": "rs_u1_0", "type": "reasoning", "summary": [part("a"), part("b")]}),
            json!({"id": "ws_srv_1", "type": "web_search_call", "status": "completed",
            "action": {"type": "search", "query": "q", "queries": ["q"]}}),
            json!({"id": "ig_u1_2", "type": "image_generation_call", "status": "completed", "result": "AAAA",
            "output_format": "png"}),
        ]
    );
    assert_eq!(
        output[3]["content"][0]["annotations"],
        json!([{"type": "url_citation", "start_index": 0,
        "end_index": 2, "url": "https://example.com", "title": "E"}])
    );
}

#[test]
fn counts_are_believed_only_if_they_can_be_true() {
    let whole = json!({"input_tokens": 2021, "output_tokens": 12, "total_tokens": 2033,
        "input_tokens_details": {"cached_tokens": 1500, "cache_write_tokens": 500,
            "cache_write_tokens_details": {"ttl_30m_tokens": 200, "ttl_12h_tokens": 300}},
        "output_tokens_details": {"reasoning_tokens": 8}});
    let report = UsageReport {
        input: 2021,
        output: 12,
        total: Some(2033),
        cache_read: 1500,
        cache_write: 500,
        cache_write_long: 300,
        reasoning: 8,
        ..USAGE
    };
    assert_eq!(read_usage(whole.clone()), Some(report));
    assert_eq!(read_usage(json!({"input_tokens": 1, "input_tokens_details": null})).map(|usage| usage.output), Some(0));
    for (place, count) in [
        ("/input_tokens", json!(-1)),
        ("/output_tokens", json!(1.5)),
        ("/total_tokens", json!("33")),
        ("/input_tokens_details/cached_tokens", json!(1_000_000_001_u64)),
        ("/output_tokens_details/reasoning_tokens", json!(-8)),
        ("/input_tokens", json!(null)),
    ] {
        let mut usage = whole.clone();
        *usage.pointer_mut(place).expect("there") = count;
        assert_eq!(read_usage(usage.clone()), None, "{usage}");
    }
    let mut response = answer(Vec::new(), Finish::Stop);
    response.usage = Some(report);
    response.dialect = Dialect::Responses;
    assert_eq!(write_response(&response, &frame())["usage"], whole);
    // Another API's hour is no twelve hours.
    response.dialect = Dialect::Anthropic;
    let written = &write_response(&response, &frame())["usage"]["input_tokens_details"];
    assert_eq!(written, &json!({"cached_tokens": 1500, "cache_write_tokens": 500}));
}

#[test]
fn searches_are_counted_even_if_the_provider_does_not() {
    let search = |action: &str| json!({"type": "web_search_call", "id": "ws", "action": {"type": action}});
    let mut body = json!({"output": [search("search"), search("open_page"), search("search")],
        "usage": {"input_tokens": 1, "output_tokens": 1}});
    let searches = |body: &Value| read_response(body.clone()).expect("an answer").usage.expect("a report").web_searches;
    assert_eq!(searches(&body), 2);
    body["tool_usage"] = json!({"web_search": {"num_requests": 5}});
    assert_eq!(searches(&body), 5);
}

#[test]
fn an_echo_repeats_the_request_and_the_apis_defaults() {
    let silent = echo(&read_request(json!({"model": "m", "input": "x"})).expect("a request"), &Losses::default());
    assert_eq!(
        Value::Object(silent),
        json!({
            "background": false, "conversation": null, "instructions": null, "max_output_tokens": null,
            "max_tool_calls": null, "metadata": {}, "parallel_tool_calls": true, "previous_response_id": null,
            "prompt": null, "prompt_cache_key": null, "prompt_cache_retention": null,
            "reasoning": {"effort": null, "summary": null}, "safety_identifier": null, "service_tier": "auto",
            "store": false, "temperature": 1.0, "text": {"format": {"type": "text"}, "verbosity": "medium"},
            "tool_choice": "auto", "tools": [], "top_logprobs": 0, "top_p": 1.0, "truncation": "disabled", "user": null,
        })
    );
    let given = json!({
        "instructions": "i", "max_output_tokens": 99, "metadata": {"a": "b"}, "parallel_tool_calls": false,
        "reasoning": {"effort": "low", "summary": "auto"}, "service_tier": "flex", "store": false, "temperature": 0.5,
        "text": {"format": {"type": "json_object"}, "verbosity": "low"}, "tool_choice": {"type": "mcp"},
        "tools": [{"type": "function", "name": "f", "strict": false}, {"type": "mcp"}], "top_logprobs": 2, "top_p": 0.9,
        "truncation": "auto", "user": "u",
    });
    let mut request = given.clone();
    request["input"] = "x".into();
    let request = read_request(request).expect("a request");
    let loud = echo(&request, &Losses::default());
    for (key, value) in given.as_object().expect("an object") {
        assert_eq!(&loud[key], value, "{key}");
    }
    assert_eq!(echo(&ChatRequest::new(Dialect::Openai), &Losses::default())["tools"], json!([]));
}

#[test]
fn an_echo_claims_no_summary_and_no_format_that_were_lost() {
    let given = json!({"input": "x", "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_object"}, "verbosity": "low"}});
    let mut losses = Losses::default();
    losses.add("reasoning.summary");
    losses.add("response_format");
    let echo = echo(&read_request(given).expect("a request"), &losses);
    assert_eq!(echo["reasoning"], json!({"effort": "low", "summary": null}));
    assert_eq!(echo["text"], json!({"format": {"type": "text"}, "verbosity": "low"}));
}

/// Silence about `strict` means what the schema allows; a Response says what came of it.
#[test]
fn an_echo_says_of_each_function_whether_it_was_strict() {
    let closed = json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
    let function = |strict: Value, schema: &Value| json!({"type": "function", "name": "f", "parameters": schema, "strict": strict});
    let open = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let tools = [
        function(Value::Null, &closed),
        function(Value::Null, &open),
        function(true.into(), &closed),
        function(true.into(), &closed),
        function(false.into(), &closed),
    ];
    let mut losses = Losses::default();
    losses.add("tools[3].strict");
    let echo = echo(&read_request(json!({"input": "x", "tools": tools})).expect("a request"), &losses);
    let told: Vec<_> = echo["tools"].as_array().expect("tools").iter().map(|tool| tool["strict"].clone()).collect();
    assert_eq!(told, [true, false, true, false, false]);
}

/// Nothing is kept, whatever was asked; and what the provider was not told has done nothing.
#[test]
fn an_echo_claims_nothing_that_is_not_so() {
    let given = json!({
        "model": "m", "input": "x", "store": true, "background": true, "previous_response_id": "resp_0",
        "conversation": "conv_0", "prompt": {"id": "pmpt_0"}, "truncation": "auto", "temperature": 0.5,
        "reasoning": {"effort": "high"}, "text": {"verbosity": "low"}, "metadata": {"a": "b"}, "user": "u",
        "max_tool_calls": 3, "tools": [{"type": "function", "name": "f"}, {"type": "mcp"}],
    });
    let mut losses = Losses::default();
    for lost in ["truncation", "temperature", "reasoning", "verbosity", "metadata", "user", "tools[1]"] {
        losses.add(lost);
    }
    let echo = echo(&read_request(given).expect("a request"), &losses);
    for (key, told) in [
        ("store", json!(false)),
        ("background", json!(false)),
        ("previous_response_id", Value::Null),
        ("conversation", Value::Null),
        ("prompt", Value::Null),
        ("truncation", json!("disabled")),
        ("temperature", json!(1.0)),
        ("reasoning", json!({"effort": null, "summary": null})),
        ("text", json!({"format": {"type": "text"}, "verbosity": "medium"})),
        ("tools", json!([{"type": "function", "name": "f", "strict": false}])),
        // The caller's own labels, and what nothing says was lost.
        ("metadata", json!({"a": "b"})),
        ("user", Value::Null),
        ("max_tool_calls", json!(3)),
    ] {
        assert_eq!(echo[key], told, "{key}");
    }
}

#[test]
fn an_error_is_told_in_openais_shape() {
    let failure = Failure {
        status: 429,
        kind: "requests",
        code: "rate_limit_exceeded",
        message: "Slow \"down\".",
        param: Some("input"),
        source: Some("provider"),
        request_id: "req_1",
    };
    let error = json!({"message": "Slow \"down\".", "type": "requests", "param": "input",
        "code": "rate_limit_exceeded", "metadata": {"source": "provider"}});
    assert_eq!(write_error(&failure), json!({ "error": error }));
    let plain = write_error(&Failure { param: None, source: None, ..failure });
    assert_eq!((&plain["error"]["param"], plain["error"].get("metadata")), (&Value::Null, None));
}
