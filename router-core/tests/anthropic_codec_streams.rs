//! Streams of providers that are careless, and streams for clients that are not.

mod anthropic_codec_support;

use anthropic_codec_support::{data, frame, told, wrote};
use router_core::chat::{ChatEvent, Citation, Delta, Finish, Opening, RawStr, Signature};
use router_core::dialect::Failure;
use router_core::dialect::anthropic::{StreamReader, StreamWriter};
use router_core::domain::{Dialect, UsageReport};
use serde_json::{Value, json};

const START: ChatEvent<'_> = ChatEvent::Start { id: None, model: None, created: None, usage: None, service_tier: None };
const TEXT: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn raw(text: &str) -> RawStr<'_> {
    RawStr::escaped(text)
}

fn open(block: u32, opening: Opening<'_>) -> ChatEvent<'_> {
    ChatEvent::Open { choice: 0, block, opening }
}

fn call<'a>(block: u32, id: &'a str) -> ChatEvent<'a> {
    open(block, Opening::ToolCall { id: raw(id), name: raw("f"), custom: false })
}

fn delta(block: u32, delta: Delta<'_>) -> ChatEvent<'_> {
    ChatEvent::Delta { choice: 0, block, delta }
}

fn arguments(block: u32, more: &str) -> ChatEvent<'_> {
    delta(block, Delta::Arguments(raw(more)))
}

fn seal(block: u32, origin: Dialect) -> ChatEvent<'static> {
    delta(block, Delta::Signature { origin, data: RawStr::plain("SEAL") })
}

const fn close(block: u32) -> ChatEvent<'static> {
    ChatEvent::Close { choice: 0, block }
}

const fn finish(finish: Finish) -> ChatEvent<'static> {
    ChatEvent::Finish { choice: 0, finish, stop_sequence: None }
}

/// The events of a stream, without the start and the end of the message.
fn inner(stream: &str) -> Vec<String> {
    let events = data(stream).into_iter().map(|data| serde_json::from_str::<Value>(data).expect("JSON"));
    let short = |event: Value| match event["type"].as_str() {
        Some("content_block_start") => Some(format!("+{} {}", event["index"], event["content_block"]["type"])),
        Some("content_block_delta") => {
            let said = event["delta"].as_object().expect("an object").values().nth(1).expect("two members").clone();
            Some(format!(" {} {said}", event["index"]))
        }
        Some("content_block_stop") => Some(format!("-{}", event["index"])),
        _ => None,
    };
    events.filter_map(short).collect()
}

#[test]
fn a_careless_provider_is_understood() {
    // No start, no end of a block, no numbers, empty pieces, an unknown event, a second end, words after the end.
    let stream = [
        r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}"#,
        r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":""}}"#,
        r#"{"type":"news","delta":"of another form"}"#,
        r#"{"type":"content_block_start","content_block":{"type":"thinking","thinking":"b"}}"#,
        r#"{"type":"content_block_start","content_block":{"type":"tool_use","name":"f","input":{"x":1}}}"#,
        r#"{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
        r#"{"type":"content_block_start","content_block":{"type":"tool_use","id":"t","name":"g","input":null}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":null}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":3,"output_tokens":2}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"late"}}"#,
        STOP,
        STOP,
    ];
    let told = told(stream);
    let blocks = json!([
        {"type": "text", "text": "a"},
        {"type": "thinking", "text": "b"},
        {"type": "call", "id": "toolu__2", "name": "f", "arguments": {"x": 1}},
        {"type": "call", "id": "t", "name": "g", "arguments": {}},
    ]);
    assert_eq!(Value::Array(told.blocks), blocks);
    assert_eq!(told.finish, Some(Finish::ToolCalls));
    assert_eq!(told.usage, Some(UsageReport { input: 3, output: 2, ..UsageReport::default() }));
    assert!(told.is_complete);
}

#[test]
fn calls_may_come_side_by_side() {
    let stream = [
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"b","name":"f","input":{}}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"b\""}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":":2}"}}"#,
        r#"{"type":"content_block_stop","index":7}"#,
        STOP,
    ];
    let told = told(stream);
    assert_eq!(told.blocks[0]["arguments"], json!({"a": 1}));
    assert_eq!(told.blocks[1]["arguments"], json!({"b": 2}));
    assert_eq!(told.finish, Some(Finish::ToolCalls));
}

#[test]
fn later_counts_hold_and_wrong_ones_spoil_the_report() {
    let start = |usage: &str| format!(r#"{{"type":"message_start","message":{{"usage":{usage}}}}}"#);
    let end =
        |usage: &str| format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"end_turn"}},"usage":{usage}}}"#);
    let first = start(
        r#"{"input_tokens":5,"output_tokens":1,"cache_read_input_tokens":2,"cache_creation_input_tokens":4,
            "cache_creation":{"ephemeral_5m_input_tokens":1,"ephemeral_1h_input_tokens":3}}"#,
    );
    let last = end(r#"{"input_tokens":null,"cache_read_input_tokens":6,"output_tokens":9}"#);
    let known = told([first.as_str(), last.as_str()]);
    let report =
        UsageReport { cache_read: 2, cache_write: 4, cache_write_long: 3, input: 11, ..UsageReport::default() };
    assert_eq!(known.start_usage, Some(report));
    assert_eq!(known.usage, Some(UsageReport { cache_read: 6, input: 15, output: 9, ..report }));
    assert!(!known.is_complete);
    let (first, last) = (start(r#"{"input_tokens":-5}"#), end(r#"{"input_tokens":5,"output_tokens":9}"#));
    let spoiled = told([first.as_str(), last.as_str()]);
    assert_eq!((spoiled.start_usage, spoiled.usage, spoiled.finish), (None, None, Some(Finish::Stop)));
    let last = end(r#"{"output_tokens":9}"#);
    assert_eq!(told([last.as_str()]).usage, None, "the input is not known");
}

#[test]
fn what_is_no_event_is_an_error_and_an_error_ends_all() {
    let mut reader = StreamReader::default();
    let mut ignore = |_: ChatEvent<'_>| {};
    for data in ["", "x", "[DONE]", r#"{"type":"content_block_delta","delta":"x"}"#] {
        assert!(reader.event(data, &mut ignore).is_err(), "{data}");
    }
    for error in [r#"{"type":"error","error":{"type":"api_error","message":"m"}}"#, r#"{"error":"m"}"#] {
        let told = told([TEXT, error, STOP]);
        assert_eq!(told.error.as_ref().map(|(_, message)| message.as_str()), Some("m"));
        assert!(!told.is_complete && told.finish.is_none());
    }
}

#[test]
fn a_carried_signature_is_read_as_that_of_the_next_block() {
    let carried = Signature::new(Dialect::Gemini, "R0VN").carried_in(Dialect::Anthropic);
    let with_id = Signature { id: Some("rs_1".into()), ..Signature::new(Dialect::Responses, "ENC") };
    let with_id = with_id.carried_in(Dialect::Anthropic);
    let thinking = r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#;
    let signed = |seal: &str| {
        format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"signature_delta","signature":"{seal}"}}}}"#
        )
    };
    let stop = r#"{"type":"content_block_stop","index":0}"#;
    let call = r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"a","name":"f"}}"#;
    let told_call = told([thinking, signed(&carried).as_str(), stop, call, STOP]);
    assert_eq!(told_call.blocks.len(), 1);
    assert_eq!(told_call.blocks[0]["signature"], json!(["gemini", "R0VN"]));
    // With nothing after it, it stays.
    let alone = told([thinking, signed(&carried).as_str(), stop, STOP]);
    assert_eq!(alone.blocks, [json!({"type": "thinking", "text": "", "signature": ["gemini", "R0VN"]})]);
    // A seal with the id of an item comes back in its mark.
    let marked = told([thinking, signed(&with_id).as_str(), stop, STOP]);
    assert_eq!(marked.blocks[0]["signature"], json!(["anthropic", with_id]));
    let plain = told([thinking, signed("EqQB").as_str(), stop, STOP]);
    assert_eq!(plain.blocks[0]["signature"], json!(["anthropic", "EqQB"]));
}

#[test]
fn a_calls_signature_goes_before_it_however_it_comes() {
    let expected = ["+0 \"thinking\"", " 0 \"tg1.gemini..SEAL\"", "-0", "+1 \"tool_use\"", " 1 \"{}\"", "-1"];
    let object = delta(0, Delta::Object("{}"));
    for pieces in [[seal(0, Dialect::Gemini), object], [object, seal(0, Dialect::Gemini)]] {
        let stream = wrote(&[START, call(0, "a"), pieces[0], pieces[1], close(0)]);
        assert_eq!(inner(&stream), expected);
    }
    let bare = wrote(&[START, call(0, "a"), seal(0, Dialect::Gemini), close(0)]);
    assert_eq!(inner(&bare), ["+0 \"thinking\"", " 0 \"tg1.gemini..SEAL\"", "-0", "+1 \"tool_use\"", "-1"]);
}

#[test]
fn calls_that_are_open_side_by_side_are_told_in_order() {
    let stream = wrote(&[
        START,
        call(0, "a"),
        call(1, "b"),
        arguments(1, "[1"),
        arguments(0, "(1"),
        seal(1, Dialect::Gemini),
        arguments(0, "2"),
        arguments(0, "3)"),
        arguments(1, "2]"),
        close(1),
        close(0),
        finish(Finish::ToolCalls),
        ChatEvent::End,
    ]);
    let expected = [
        "+0 \"tool_use\"",
        " 0 \"(12\"",
        " 0 \"3)\"",
        "-0",
        "+1 \"thinking\"",
        " 1 \"tg1.gemini..SEAL\"",
        "-1",
        "+2 \"tool_use\"",
        " 2 \"[12]\"",
        "-2",
    ];
    assert_eq!(inner(&stream), expected);
}

#[test]
fn the_signature_of_a_text_goes_before_it_or_last() {
    let early =
        wrote(&[START, open(0, Opening::Text), seal(0, Dialect::Gemini), delta(0, Delta::Text(raw("a"))), close(0)]);
    assert_eq!(inner(&early), ["+0 \"thinking\"", " 0 \"tg1.gemini..SEAL\"", "-0", "+1 \"text\"", " 1 \"a\"", "-1"]);
    let text = [START, open(0, Opening::Text), delta(0, Delta::Text(raw("a"))), seal(0, Dialect::Gemini), close(0)];
    let late = wrote(&[&text[..], &[ChatEvent::End]].concat());
    assert_eq!(inner(&late), ["+0 \"text\"", " 0 \"a\"", "-0", "+1 \"thinking\"", " 1 \"tg1.gemini.prev.SEAL\"", "-1"]);
    // Before a call it must not be taken for the call's.
    let between = wrote(&[&text[..], &[call(1, "c"), close(1), ChatEvent::End]].concat());
    let carried = ["+1 \"thinking\"", " 1 \"tg1.gemini.prev.SEAL\"", "-1"];
    assert_eq!(inner(&between)[3..6], carried);
    assert_eq!(inner(&between)[6..], ["+2 \"tool_use\"", "-2"]);
}

#[test]
fn thoughts_of_others_carry_their_seals() {
    let thinking = |id: Option<&'static str>| Opening::Thinking { id: id.map(RawStr::plain), summary: true };
    let stream = wrote(&[
        START,
        open(0, thinking(Some("rs_1"))),
        delta(0, Delta::SummaryPart),
        delta(0, Delta::Text(raw("One."))),
        delta(0, Delta::SummaryPart),
        delta(0, Delta::Text(raw("Two."))),
        seal(0, Dialect::Responses),
        close(0),
        open(1, thinking(None)),
        close(1),
        open(2, Opening::Redacted),
        seal(2, Dialect::Anthropic),
        close(2),
        open(3, Opening::Redacted),
        close(3),
    ]);
    let expected = [
        "+0 \"thinking\"",
        " 0 \"One.\"",
        " 0 \"\\n\\n\"",
        " 0 \"Two.\"",
        " 0 \"tg1.responses.rs_1.SEAL\"",
        "-0",
        "+1 \"redacted_thinking\"",
        "-1",
    ];
    assert_eq!(inner(&stream), expected);
    assert!(stream.contains(r#"{"type":"redacted_thinking","data":"SEAL"}"#));
}

#[test]
fn what_the_api_has_no_words_for_is_noted_or_left_out() {
    let foreign = |dialect, json| Opening::Foreign { dialect, json };
    let cited =
        Citation { url: Some("https://a.b".into()), title: Some("t".into()), ..Citation::new(Dialect::Openai, "{}") };
    let stream = wrote(&[
        START,
        open(0, Opening::Image { media_type: raw("image/png") }),
        delta(0, Delta::Data(raw("AAAA"))),
        close(0),
        open(1, foreign(Dialect::Responses, "{}")),
        close(1),
        open(2, foreign(Dialect::Anthropic, "{\n\"type\": \"container_upload\"}")),
        close(2),
        open(3, Opening::Refusal),
        delta(3, Delta::Text(raw("No"))),
        delta(3, Delta::Citation(&cited)),
        delta(3, Delta::Citation(&Citation::new(Dialect::Openai, "{}"))),
        delta(3, Delta::Logprobs("[]")),
        close(3),
        ChatEvent::Open { choice: 1, block: 0, opening: Opening::Text },
        ChatEvent::Error { kind: None, message: None },
        finish(Finish::Stop),
        ChatEvent::End,
        ChatEvent::Ping,
    ]);
    let citation =
        r#"{"cited_text":"","encrypted_index":"","title":"t","type":"web_search_result_location","url":"https://a.b"}"#;
    let events = inner(&stream);
    assert_eq!(
        events[..7],
        ["+0 \"text\"", " 0 \"[image]\"", "-0", "+1 \"container_upload\"", "-1", "+2 \"text\"", " 2 \"No\""]
    );
    let shown: Value = serde_json::from_str(events[7].trim_start_matches(" 2 ")).expect("JSON");
    assert_eq!(shown, serde_json::from_str::<Value>(citation).expect("JSON"));
    assert_eq!(events[8..], ["-2"]);
    assert!(stream.contains(r#""stop_reason":"refusal""#));
    assert!(stream.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
}

#[test]
fn the_message_ends_when_all_is_known() {
    let usage = UsageReport { input: 9, cache_read: 4, output: 2, web_searches: 1, ..UsageReport::default() };
    let start = UsageReport { input: 9, ..UsageReport::default() };
    let sequence = ChatEvent::Finish { choice: 0, finish: Finish::StopSequence, stop_sequence: Some(raw("\\n3")) };
    let stream = wrote(&[
        ChatEvent::Start {
            id: Some(raw("resp_1")),
            model: Some(raw("m")),
            created: Some(1),
            usage: Some(&start),
            service_tier: None,
        },
        sequence,
        ChatEvent::Usage { usage: &usage, service_tier: Some(raw("default")) },
        ChatEvent::End,
    ]);
    let events: Vec<Value> = data(&stream).into_iter().map(|data| serde_json::from_str(data).expect("JSON")).collect();
    let no_writes = json!({"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0});
    let message = json!({
        "id": "msg_resp_1", "type": "message", "role": "assistant", "model": "m", "content": [],
        "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 9, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
                  "cache_creation": no_writes, "output_tokens": 0},
    });
    assert_eq!(events[0], json!({"type": "message_start", "message": message}));
    let last = json!({
        "type": "message_delta", "delta": {"stop_reason": "stop_sequence", "stop_sequence": "\n3"},
        "usage": {"input_tokens": 5, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 4,
                  "output_tokens": 2,
                  "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0}},
    });
    assert_eq!(events[1..], [last, json!({"type": "message_stop"})]);
    let unknown = wrote(&[START, finish(Finish::Length), ChatEvent::End]);
    assert!(unknown.contains(r#""id":"msg_U1""#) && unknown.contains(r#""model":"asked-for""#));
    // Clients keep the first word on how the cache took its part, so nothing is said of it before it is known.
    let start: Value = serde_json::from_str(data(&unknown)[0]).expect("JSON");
    assert_eq!(
        (start["message"]["usage"].get("cache_creation"), start["message"]["usage"]["input_tokens"].as_u64()),
        (None, Some(0))
    );
}

#[test]
fn a_broken_stream_ends_with_an_error_and_a_waiting_client_is_pinged() {
    let mut writer = StreamWriter::new(frame());
    let mut out = Vec::new();
    writer.keep_alive(&mut out);
    assert_eq!(out, b"event: ping\ndata: {\"type\":\"ping\"}\n\n");
    writer.event(START, &mut out);
    out.clear();
    let failure = Failure {
        status: 529,
        kind: "overloaded_error",
        code: "provider_overloaded",
        message: "Busy.",
        param: None,
        source: None,
        request_id: "req_1",
    };
    writer.fail(&failure, &mut out);
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Busy.","code":"provider_overloaded"},"request_id":"req_1"}"#;
    assert_eq!(String::from_utf8(out.clone()).expect("UTF-8"), format!("event: error\ndata: {error}\n\n"));
    let len = out.len();
    writer.event(ChatEvent::End, &mut out);
    writer.fail(&failure, &mut out);
    writer.keep_alive(&mut out);
    assert_eq!(out.len(), len, "nothing follows");
}
