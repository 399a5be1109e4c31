//! What reading a request of Responses promises, beyond the corpus.

mod responses_support;

use responses_support::{normal, written};
use router_core::chat::{
    Block, Body, ChatRequest, Effort, Format, Hosted, Role, Signature, Source, Thinking, ToolBody, ToolChoice,
};
use router_core::dialect::responses::read_request;
use router_core::domain::Dialect;
use serde_json::{Value, json};

fn read(body: Value) -> ChatRequest {
    read_request(body).expect("a request")
}

fn of(input: &Value) -> ChatRequest {
    read(json!({"model": "gpt-5.1", "input": input}))
}

/// Asserts that these items come back as they are, and gives the request.
#[track_caller]
fn kept(input: Value) -> ChatRequest {
    let request = of(&input);
    let (body, losses) = written(&request);
    assert_eq!(normal(body.expect("can be said")["input"].take()), normal(input));
    assert!(losses.is_empty(), "{losses:?}");
    request
}

#[track_caller]
fn kept_body(body: Value) -> ChatRequest {
    let request = read(body.clone());
    let (written, losses) = written(&request);
    assert_eq!(normal(written.expect("can be said")), normal(body));
    assert!(losses.is_empty(), "{losses:?}");
    request
}

#[test]
fn all_spellings_of_a_message_mean_the_same() {
    let plain = of(&json!("Hi"));
    assert_eq!(of(&json!([{"role": "user", "content": "Hi"}])), plain);
    assert_eq!(of(&json!([{"type": "message", "role": "user", "content": "Hi"}])), plain);
    assert_eq!(of(&json!([{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}])), plain);
    assert_eq!(plain.messages[0].role, Role::User);
    assert_eq!(plain.messages[0].blocks[0].as_text(), Some("Hi"));
}

#[test]
fn items_of_the_model_in_a_row_are_one_message_and_part_again() {
    let request = kept(json!([
        {"role": "user", "content": "Hi"},
        {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "c2Vj"},
        {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "phase": "commentary",
         "content": [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "b"}]},
        {"role": "assistant", "content": "c"},
        {"role": "assistant", "content": "d"},
        {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}", "namespace": "n"},
        {"type": "function_call_output", "call_id": "call_1", "output": "ok", "status": "completed"},
        {"type": "function_call", "call_id": "call_2", "name": "f", "arguments": "{\"a\":1}"},
    ]));
    let kinds = |index: usize| request.messages[index].blocks.iter().map(Block::kind).collect::<Vec<_>>();
    assert_eq!(
        request.messages.iter().map(|message| message.role).collect::<Vec<_>>(),
        [Role::User, Role::Assistant, Role::Tool, Role::Assistant]
    );
    assert_eq!(kinds(1), ["thinking", "text", "refusal", "text", "text", "provider_specific", "tool_call"]);
    assert_eq!(kinds(3), ["tool_call"]);
}

#[test]
fn custom_tools_are_called_with_text() {
    let request = kept(json!([
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_1", "name": "sh", "input": "ls -l"},
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "a"},
            {"type": "input_text", "text": "b"}]},
        {"type": "custom_tool_call_output", "call_id": "of_an_answer_before", "output": "c"},
    ]));
    let Body::ToolCall(call) = &request.messages[0].blocks[0].body else { panic!("a call") };
    assert!(call.custom);
    assert_eq!(call.arguments, "ls -l");
}

#[test]
fn thoughts_keep_their_id_seal_and_words() {
    let request = kept(json!([
        {"role": "user", "content": "x"},
        {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}],
         "encrypted_content": "c2Vj"},
        {"type": "reasoning", "summary": [], "encrypted_content": "c2Vk"},
        {"id": "rs_3", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "a"}]},
        {"id": "rs_4", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "a"},
            {"type": "reasoning_text", "text": "b"}], "status": "completed"},
    ]));
    let blocks = &request.messages[1].blocks;
    let seal = Signature { origin: Dialect::Responses, id: Some("rs_1".into()), data: "c2Vj".into() };
    assert_eq!(blocks[0].signature, Some(seal));
    assert_eq!(blocks[1].signature, Some(Signature::new(Dialect::Responses, "c2Vk")));
    assert_eq!(blocks[2].body, Body::Thinking(Thinking { text: "a".into(), ..Thinking::default() }));
    assert_eq!(blocks[3].body, Body::Thinking(Thinking { text: "ab".into(), ..Thinking::default() }));
}

#[test]
fn signatures_of_others_are_found_where_they_were_put() {
    let item = |data: &str| json!({"type": "reasoning", "summary": [], "encrypted_content": data});
    let call = |id: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"});
    let request = of(&json!([
        item("tg1.gemini..c2Vh"),
        call("a"),
        call("b"),
        item("tg1.gemini.a.c2Vi"),
        item("tg1.gemini.prev.c2Vj"),
        item("tg1.gemini..c2Vk"),
    ]));
    let seals: Vec<_> = request.messages[0].blocks.iter().map(|block| block.signature.clone()).collect();
    let seal = |data: &str| Some(Signature::new(Dialect::Gemini, data));
    // Of two seals for one call the later counts; one that nothing follows stays a thought.
    assert_eq!(seals, [seal("c2Vi"), seal("c2Vj"), seal("c2Vk")]);
    assert_eq!(request.messages[0].blocks[2].kind(), "thinking");

    let request = of(&json!([item("tg1.anthropic.redacted.RW5j"), item("tg1.anthropic..U2ln")]));
    let redacted = |at: usize| match &request.messages[0].blocks[at].body {
        Body::Thinking(thinking) => thinking.redacted,
        other => panic!("{other:?}"),
    };
    assert!(redacted(0) && !redacted(1));
    assert_eq!(request.messages[0].blocks[0].signature, Some(Signature::new(Dialect::Anthropic, "RW5j")));
}

#[test]
fn what_only_this_api_has_goes_back_to_it() {
    let request = kept(json!([
        {"role": "user", "content": [{"type": "input_text", "text": "x"}, {"type": "input_new", "data": 1}]},
        {"id": "cu_1", "type": "computer_call", "call_id": "c", "action": {"type": "wait"}, "status": "completed"},
        {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "file_id": "f"}},
        {"id": "m", "type": "message", "role": "assistant", "content": [{"type": "output_new"}]},
    ]));
    assert_eq!(request.messages[2].role, Role::User);
    let request = kept_body(json!({
        "model": "gpt-5.1", "input": "x", "previous_response_id": "resp_0", "conversation": {"id": "conv_1"},
        "background": true, "store": true, "prompt": {"id": "pmpt_1"}, "truncation": "auto", "max_tool_calls": 3,
        "stream_options": {"include_obfuscation": false}, "stream": true, "safety_identifier": "s",
        "tool_choice": {"type": "mcp", "server_label": "s"},
        "text": {"format": {"type": "grammar", "syntax": "lark"}, "verbosity": "low", "new": 1},
        "reasoning": {"effort": "extreme", "summary": "auto", "context": "all_turns"},
        "include": ["web_search_call.action.sources", "reasoning.encrypted_content"],
        "tools": [{"type": "mcp", "server_label": "s", "server_url": "https://example.com"},
            {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": false, "async": true}],
    }));
    for key in ["previous_response_id", "conversation", "background", "store", "prompt"] {
        assert!(request.extra.contains_key(key), "{key}");
    }
    assert_eq!(request.extra["include"], json!(["web_search_call.action.sources"]));
    kept_body(json!({"model": "gpt-5.1", "previous_response_id": "resp_0"}));
}

#[test]
fn options_are_understood() {
    let request = kept_body(json!({
        "model": "gpt-5.1", "input": "x", "instructions": "be brief", "max_output_tokens": 99,
        "temperature": 0.5, "top_p": 1, "parallel_tool_calls": false, "prompt_cache_key": "k", "service_tier": "flex",
        "reasoning": {"effort": "xhigh", "summary": "detailed"}, "include": ["message.output_text.logprobs"],
        "text": {"verbosity": "high", "format": {"type": "json_schema", "name": "n", "description": "d",
            "schema": {"type": "object"}, "strict": false}},
        "tools": [{"type": "custom", "name": "sh", "description": "d", "format": {"type": "text"}},
            {"type": "web_search_preview", "search_context_size": "low"},
            {"type": "code_interpreter", "container": {"type": "auto"}}, {"type": "function", "name": "f"}],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "sh"},
            {"type": "function", "name": "f"}]},
    }));
    assert_eq!(request.system[0].as_text(), Some("be brief"));
    let reasoning = request.reasoning.expect("reasoning");
    assert_eq!((reasoning.effort, reasoning.shown), (Some(Effort::Xhigh), Some(true)));
    assert_eq!(request.sampling.logprobs, Some(true));
    assert!(matches!(request.format, Some(Format::Schema { strict: Some(false), .. })));
    let hosted = |at: usize| match &request.tools[at].body {
        ToolBody::Hosted { hosted, .. } => *hosted,
        other => panic!("{other:?}"),
    };
    assert_eq!((hosted(1), hosted(2)), (Hosted::WebSearch, Hosted::CodeExecution));
    let names = vec!["sh".to_owned(), "f".to_owned()];
    assert_eq!(request.tool_choice, Some(ToolChoice::Allowed { names, required: true }));
    // One that names a tool without a name of its own is for this API alone.
    let own = json!({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]});
    let request = kept_body(json!({"model": "gpt-5.1", "input": "x", "tool_choice": own}));
    assert_eq!(request.tool_choice, None);
}

#[test]
fn media_are_told_apart_by_where_their_bytes_are() {
    let request = kept(json!([{"role": "user", "content": [
        {"type": "input_image", "image_url": "data:image/webp;base64,AAAA", "detail": "low"},
        {"type": "input_image", "image_url": "data:image/svg+xml,<svg/>"},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {"type": "input_file", "file_id": "file-2", "detail": "high"},
        {"type": "input_file", "file_data": "JVBERi0x", "filename": "a.pdf"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
    ]}]));
    let media = |at: usize| match &request.messages[0].blocks[at].body {
        Body::Image(media) | Body::Document(media) | Body::Audio(media) => media.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((media(0).source, media(0).media_type), (Source::Base64("AAAA".into()), Some("image/webp".into())));
    assert_eq!(media(1).source, Source::Url("data:image/svg+xml,<svg/>".into()));
    assert_eq!(media(2).source, Source::File("file-1".into()));
    assert_eq!(media(4).source, Source::File("file-2".into()));
    assert_eq!((media(5).source, media(5).media_type), (Source::Base64("JVBERi0x".into()), None));
    assert_eq!(media(6).media_type.as_deref(), Some("audio/mp3"));
}

#[test]
fn marks_for_the_prompt_cache_are_told_in_words_that_others_know() {
    let request = kept(json!([{"role": "user", "content": [
        {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
        {"type": "input_text", "text": "b", "prompt_cache_breakpoint": {"mode": "explicit"}},
        {"type": "input_text", "text": "c"},
    ]}]));
    let marks: Vec<_> =
        request.messages[0].blocks.iter().map(|block| block.cache.clone().map(|mark| mark.ttl)).collect();
    assert_eq!(marks, [Some(Some("1h".to_owned())), Some(None), None]);
}

#[test]
fn faults_name_their_place_by_index() {
    let user = json!({"role": "user", "content": "x"});
    let content = |part: Value| json!([user, {"role": "user", "content": ["", part]}]);
    for (input, place) in [
        (json!(1), "input"),
        (json!([user, 1]), "input[1]"),
        (json!([{"role": "tool", "content": "x"}]), "input[0].role"),
        (json!([{"role": "user"}]), "input[0].content"),
        (json!([{"role": "user", "content": 1}]), "input[0].content"),
        (content(json!({"type": "input_text", "text": "x"})), "input[1].content[0]"),
        (json!([{"role": "user", "content": [{"type": "input_text"}]}]), "input[0].content[0].text"),
        (json!([{"role": "user", "content": [{"text": "x"}]}]), "input[0].content[0].type"),
        (json!([{"role": "user", "content": [{"type": "input_image"}]}]), "input[0].content[0].image_url"),
        (
            json!([{"role": "user", "content": [{"type": "input_file", "file_id": "a", "file_url": "b"}]}]),
            "input[0].content[0].file_data",
        ),
        (
            json!([{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "a"}}]}]),
            "input[0].content[0].input_audio.format",
        ),
        (json!([user, {"type": "function_call", "name": "f", "arguments": "{}"}]), "input[1].call_id"),
        (json!([{"type": "function_call", "call_id": "", "name": "f"}]), "input[0].call_id"),
        (json!([{"type": "function_call", "call_id": "c", "name": "f", "arguments": {}}]), "input[0].arguments"),
        (json!([{"type": "function_call_output", "call_id": "c"}]), "input[0].output"),
        (json!([{"type": "function_call_output", "call_id": "c", "output": [{}]}]), "input[0].output[0].type"),
        (json!([{"type": "reasoning", "summary": [{"text": "a"}, {}]}]), "input[0].summary[1].text"),
        (json!([{"type": "reasoning", "content": [{"text": 1}]}]), "input[0].content[0].text"),
        (json!([{"type": 1}]), "input[0].type"),
        (json!([{}]), "input[0].type"),
        (json!([user, {"type": "item_reference", "id": "msg_1"}]), "input[1]"),
        (json!([{"id": "msg_1"}]), "input[0]"),
    ] {
        let fault = read_request(json!({"model": "m", "input": input})).expect_err("a fault");
        assert_eq!(fault.path, place, "{fault}");
    }
}

#[test]
fn faults_of_options_name_them() {
    for (member, value, place) in [
        ("instructions", json!(["x"]), "instructions"),
        ("temperature", json!("hot"), "temperature"),
        ("max_output_tokens", json!(-1), "max_output_tokens"),
        ("metadata", json!("x"), "metadata"),
        ("tools", json!([{"type": "function", "name": "f"}, {"type": "function"}]), "tools[1].name"),
        ("tools", json!([{"name": "f"}]), "tools[0].type"),
        ("tools", json!([{"type": "function", "name": "f", "parameters": []}]), "tools[0].parameters"),
        ("tool_choice", json!("any"), "tool_choice"),
        ("tool_choice", json!({"type": "function"}), "tool_choice.name"),
        ("tool_choice", json!({"name": "f"}), "tool_choice.type"),
        ("text", json!({"format": {"type": "json_schema", "name": "n"}}), "text.format.schema"),
        ("text", json!({"format": {}}), "text.format.type"),
        ("reasoning", json!("high"), "reasoning"),
        ("include", json!(["a", 1]), "include[1]"),
        ("stream", json!("yes"), "stream"),
    ] {
        let mut body = json!({"model": "m", "input": "x"});
        body[member] = value;
        let fault = read_request(body).expect_err("a fault");
        assert_eq!(fault.path, place, "{fault}");
    }
    let reference = read_request(json!({"input": [{"type": "item_reference", "id": "m"}]})).expect_err("a reference");
    assert!(reference.what.contains("send the item itself"), "{reference}");
    assert_eq!(read_request(json!({"model": "m"})).expect_err("no input").path, "input");
    assert_eq!(read_request(json!([])).expect_err("no object").path, "");
}
