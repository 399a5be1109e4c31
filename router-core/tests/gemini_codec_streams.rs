//! Streams: sloppy providers, and events of other dialects in Google's words.

mod gemini_support;

use gemini_support::{Fold, events, failure, frame, json_of, read_stream};
use router_core::chat::{ChatEvent, Citation, Delta, Finish, Opening, RawStr};
use router_core::dialect::gemini::{StreamReader, StreamWriter};
use router_core::domain::{Dialect, UsageReport};
use serde_json::{Value, json};

fn parts(parts: Value) -> String {
    let mut event = json!({"candidates": [{"content": {}}]});
    event["candidates"][0]["content"]["parts"] = parts;
    event.to_string()
}

const STOP: &str = r#"{"candidates":[{"finishReason":"STOP"}]}"#;

/// Reads a stream of these events and a reason to stop.
#[track_caller]
fn read(data: &[String]) -> Fold {
    let (fold, complete, _) = read_stream(data.iter().map(String::as_str).chain([STOP]));
    assert!(complete);
    fold
}

#[test]
fn kinds_of_parts_switch_blocks() {
    let fold = read(&[
        parts(json!([{"text": "Let me", "thought": true}])),
        parts(json!([{"text": " think.", "thought": true}, {"text": "A"}, {"text": ""}])),
        parts(json!([])),
        r#"{"candidates":[{"content":null,"finishReason":null,"index":null}],"usageMetadata":null}"#.into(),
        parts(
            json!([{"text": "B"}, {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}, "thought_signature": "eA=="}]),
        ),
        parts(json!([{"functionCall": {"name": "g", "args": null}}, {"text": "C"}, {"executableCode": {"code": "1"}}])),
        parts(json!([{"inlineData": {"mimeType": "image/png", "data": "_-8"}}, {"new": 1}, {}])),
    ]);
    let expected = json!([
        {"kind": "thinking", "text": "Let me think."},
        {"kind": "text", "text": "AB"},
        {"kind": "call", "id": "c", "name": "f", "args": {"a": 1}, "signature": ["gemini", "eA=="]},
        {"kind": "call", "id": "call_gm__0", "name": "g", "args": {}},
        {"kind": "text", "text": "C"},
        {"kind": "foreign", "value": {"executableCode": {"code": "1"}}},
        {"kind": "image", "type": "image/png", "data": "/+8="},
        {"kind": "foreign", "value": {"new": 1}},
    ]);
    assert_eq!(json!(fold.choices), json!([expected]));
    assert_eq!(fold.finishes, [Some(Finish::ToolCalls)]);
}

#[test]
fn a_signature_seals_its_block() {
    let fold = read(&[
        parts(json!([{"text": "A"}])),
        parts(json!([{"text": "B", "thoughtSignature": "czE="}])),
        parts(json!([{"text": "C"}, {"text": "D", "thought": true}])),
        parts(json!([{"text": "", "thoughtSignature": "czI="}])),
        parts(json!([{"thought": true, "thoughtSignature": "dGcxLmFudGhyb3BpYy4uRXFRQg=="}])),
        parts(json!([{"text": "E", "thought": true, "thoughtSignature": "dGcxLnJlc3BvbnNlcy5yc18xLngieQ"}])),
    ]);
    let expected = json!([
        {"kind": "text", "text": "AB", "signature": ["gemini", "czE="]},
        {"kind": "text", "text": "C"},
        {"kind": "thinking", "text": "D"},
        {"kind": "text", "text": "", "signature": ["gemini", "czI="]},
        {"kind": "redacted", "signature": ["anthropic", "EqQB"]},
        {"kind": "thinking", "text": "E", "id": "rs_1", "signature": ["responses", "x\"y"]},
    ]);
    assert_eq!(json!(fold.choices), json!([expected]));
}

#[test]
fn the_last_count_of_each_kind_is_booked_once() {
    let usage = |usage: Value| json!({"candidates": [], "usageMetadata": usage}).to_string();
    let fold = read(&[
        usage(json!({"promptTokenCount": 20, "totalTokenCount": 20})),
        usage(
            json!({"promptTokenCount": 20, "candidatesTokenCount": 3, "thoughtsTokenCount": 5, "totalTokenCount": 28}),
        ),
        usage(json!({"candidatesTokenCount": 6, "totalTokenCount": 31, "promptTokenCount": null})),
        usage(json!({"trafficType": "ON_DEMAND_FLEX"})),
    ]);
    let expected = UsageReport { input: 20, output: 11, total: Some(31), reasoning: 5, ..UsageReport::default() };
    assert_eq!(fold.usage, Some(expected));
    assert_eq!(fold.start_usage, Some(UsageReport { input: 20, ..UsageReport::default() }));
    assert_eq!(fold.service_tier.as_deref(), Some("flex"));
    assert_eq!(read(&[usage(json!({"promptTokenCount": "20"}))]).usage, None);
    assert_eq!(read(&[usage(json!({"trafficType": "ON_DEMAND"}))]).usage, None);
}

#[test]
fn reasons_may_come_early_and_often() {
    let data = [
        r#"{"candidates":[{"content":{"parts":[{"text":"A"}]},"finish_reason":"STOP"}],"modelVersion":"m"}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"B"}]},"finishReason":"MAX_TOKENS"}],"modelVersion":"n"}"#,
        r#"{"usageMetadata":{"promptTokenCount":1}}"#,
    ];
    let (fold, complete, _) = read_stream(data);
    assert!(complete);
    assert_eq!(fold.choices, [[json!({"kind": "text", "text": "AB"})]]);
    assert_eq!(
        (fold.finishes, fold.started),
        (vec![Some(Finish::Length)], Some(json!({"id": null, "model": "m", "created": null})))
    );
}

#[test]
fn a_blocked_prompt_is_a_complete_answer() {
    let blocked =
        r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4,"totalTokenCount":4}}"#;
    let (fold, complete, written) = read_stream([blocked]);
    assert!(complete && fold.ended);
    assert_eq!((fold.finishes, fold.choices), (vec![Some(Finish::Filtered)], vec![vec![]]));
    let last = json_of(events(&written)[0]);
    assert_eq!(last["candidates"], json!([{"finishReason": "SAFETY", "index": 0}]));
    let harmless = r#"{"promptFeedback":{"safetyRatings":[]}}"#;
    assert!(!read_stream([harmless]).1);
}

#[test]
fn one_choice_of_two_without_a_reason_is_no_answer() {
    let both =
        r#"{"candidates":[{"content":{"parts":[{"text":"A"}]}},{"index":1,"content":{"parts":[{"text":"B"}]}}]}"#;
    assert!(!read_stream([both, STOP]).1);
    let second = r#"{"candidates":[{"index":1,"finishReason":"STOP"}]}"#;
    let (fold, complete, _) = read_stream([both, STOP, second]);
    assert!(complete);
    assert_eq!(fold.choices.len(), 2);
    assert!(!read_stream(std::iter::empty()).1, "a stream of nothing");
}

#[test]
fn arguments_may_come_value_by_value() {
    let piece = |call: Value| parts(json!([{"functionCall": call}]));
    let at = |path: &str, value: &str| json!({"jsonPath": path, "stringValue": value, "willContinue": true});
    let fold = read(&[
        piece(json!({"name": "get_weather", "id": "call_1", "willContinue": true})),
        piece(json!({"partialArgs": [at("$.city", "Pa")], "willContinue": true})),
        piece(json!({"partialArgs": [at("$.city", "ris")], "willContinue": true})),
        piece(json!({})),
        piece(json!({"name": "g", "partialArgs": [{"jsonPath": "$.n", "numberValue": 2}], "willContinue": true})),
        piece(json!({"name": "h", "args": {"x": true}})),
    ]);
    let expected = json!([
        {"kind": "call", "id": "call_1", "name": "get_weather", "args": {"city": "Paris"}},
        {"kind": "call", "id": "call_gm__0", "name": "g", "args": {"n": 2}},
        {"kind": "call", "id": "call_gm__1", "name": "h", "args": {"x": true}},
    ]);
    assert_eq!(json!(fold.choices), json!([expected]));
}

#[test]
fn a_call_that_makes_no_sense_breaks_the_stream() {
    let nowhere = json!({"name": "f", "partialArgs": [{"jsonPath": "$[0]", "boolValue": true}], "willContinue": true});
    for (call, what) in [
        (nowhere, "candidates[0].content.parts[0]: a piece of a call's arguments has no place"),
        (json!({"args": {"x": 1}}), "candidates[0].content.parts[0]: a function call has no name"),
        (json!({"name": "", "args": {}}), "candidates[0].content.parts[0]: a function call has no name"),
        (
            json!({"partialArgs": [], "willContinue": true}),
            "candidates[0].content.parts[0]: a function call has no name",
        ),
    ] {
        let mut reader = StreamReader::default();
        let mut sink = |_: ChatEvent<'_>| {};
        let error = reader.event(&parts(json!([{"functionCall": call}])), &mut sink).expect_err("no call");
        assert_eq!(error.to_string(), what);
        let _ = reader.event(STOP, &mut sink);
        assert!(!reader.finish(&mut sink));
    }
}

#[test]
fn what_is_no_answer_is_refused_without_its_text() {
    for data in ["", "[DONE]", "{", "[]", r#"{"candidates":[{"content":{"parts":"secret"}}]}"#] {
        let error = StreamReader::default().event(data, &mut |_: ChatEvent<'_>| {}).expect_err("no answer");
        assert!(error.to_string().starts_with("is no GenerateContentResponse"), "{error}");
        assert!(!error.to_string().contains("secret"));
    }
    let (fold, complete, _) = read_stream([r#"{"error":{"code":429}}"#, STOP]);
    assert!(!complete && fold.started.is_none());
    assert_eq!(fold.errors, [(None, None)]);
}

#[test]
fn citations_are_told_once_and_in_characters() {
    let metadata = json!({
        "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
        "groundingSupports": [{"segment": {"startIndex": 1, "endIndex": 3}, "groundingChunkIndices": [0]}],
        "webSearchQueries": ["a", "b"],
    });
    let grounded = json!({"candidates": [{"groundingMetadata": metadata}], "usageMetadata": {"promptTokenCount": 1}});
    let escaped = r#"{"candidates":[{"content":{"parts":[{"text":"n\u00e9"}]}}]}"#;
    let fold = read(&[escaped.to_owned(), grounded.to_string(), grounded.to_string()]);
    let cited = json!([["https://a", "A", 1, 2]]);
    let searched = json!({"kind": "foreign", "value": {"id": "", "webSearchQueries": ["a", "b"]}});
    assert_eq!(json!(fold.choices), json!([[{"kind": "text", "text": "né", "cited": cited}, searched]]));
    assert_eq!(fold.usage.map(|usage| usage.web_searches), Some(2));
}

/// What a client is told of these events.
fn told(list: &[ChatEvent<'_>]) -> Vec<Value> {
    let (mut writer, mut out) = (StreamWriter::new(frame()), Vec::new());
    for event in list {
        writer.event(*event, &mut out);
    }
    let out = String::from_utf8(out).expect("UTF-8");
    assert!(out.is_empty() || out.ends_with("\n\n"));
    assert_eq!(out.matches('\n').count(), 2 * events(&out).len(), "each event is one line");
    events(&out).into_iter().map(json_of).collect()
}

const START: ChatEvent<'_> = ChatEvent::Start { id: None, model: None, created: None, usage: None, service_tier: None };

fn open(block: u32, opening: Opening<'_>) -> ChatEvent<'_> {
    ChatEvent::Open { choice: 0, block, opening }
}

fn delta(block: u32, delta: Delta<'_>) -> ChatEvent<'_> {
    ChatEvent::Delta { choice: 0, block, delta }
}

fn close(block: u32) -> ChatEvent<'static> {
    ChatEvent::Close { choice: 0, block }
}

#[test]
fn text_goes_through_as_it_was_escaped() {
    let text = delta(0, Delta::Text(RawStr::escaped(r"\u00e9\n")));
    let (mut writer, mut out) = (StreamWriter::new(frame()), Vec::new());
    for event in [START, open(0, Opening::Text), text] {
        writer.event(event, &mut out);
    }
    let expected = concat!(
        r#"data: {"candidates":[{"content":{"parts":[{"text":"\u00e9\n"}],"role":"model"},"index":0}],"#,
        r#""modelVersion":"asked","responseId":"U1"}"#,
        "\n\n"
    );
    assert_eq!(String::from_utf8(out).expect("UTF-8"), expected);
}

#[test]
fn calls_are_told_whole_when_they_close() {
    let call = |id| Opening::ToolCall { id: RawStr::plain(id), name: RawStr::plain("f"), custom: false };
    let custom = Opening::ToolCall { id: RawStr::plain("c3"), name: RawStr::plain("g"), custom: true };
    let more = |block, text| delta(block, Delta::Arguments(RawStr::escaped(text)));
    let told = told(&[
        START,
        open(0, call("c1")),
        more(0, r#"{\"a\":\"\ud83d"#),
        open(1, call("c2")),
        more(1, "{\\n"),
        more(0, r#"\ude00\"}"#),
        delta(1, Delta::Signature { origin: Dialect::Gemini, data: RawStr::plain("eA==") }),
        more(1, "}"),
        close(1),
        close(0),
        open(2, custom),
        more(2, "free"),
        close(2),
        open(3, call("c4")),
        close(3),
        open(4, call("c5")),
        delta(4, Delta::Object("{\n\"b\": 1.0e400}")),
        close(4),
        open(5, call("c6")),
        more(5, "{oops"),
        close(5),
    ]);
    let parts: Vec<_> = told.iter().map(|event| event["candidates"][0]["content"]["parts"][0].clone()).collect();
    let part = |id: &str, name: &str, args: Value| json!({"functionCall": {"id": id, "name": name, "args": args}});
    let mut sealed = part("c2", "f", json!({}));
    sealed["thoughtSignature"] = "eA==".into();
    assert_eq!(parts[0], sealed);
    assert_eq!(parts[1], part("c1", "f", json!({"a": "😀"})));
    assert_eq!(parts[2], part("c3", "g", json!({"input": "free"})));
    assert_eq!(parts[3], part("c4", "f", json!({})));
    assert_eq!(parts[5], part("c6", "f", json!({"input": "{oops"})));
    assert_eq!(parts.len(), 6);
}

#[test]
fn thoughts_of_others_keep_their_signatures() {
    let id = Some(RawStr::plain("rs_1"));
    let seal = |block, origin| delta(block, Delta::Signature { origin, data: RawStr::plain("EqQB") });
    let text = |block, text| delta(block, Delta::Text(RawStr::plain(text)));
    let told = told(&[
        START,
        open(0, Opening::Thinking { id, summary: true }),
        delta(0, Delta::SummaryPart),
        text(0, "A"),
        delta(0, Delta::SummaryPart),
        text(0, "B"),
        seal(0, Dialect::Responses),
        close(0),
        open(1, Opening::Redacted),
        seal(1, Dialect::Anthropic),
        close(1),
        open(2, Opening::Foreign { dialect: Dialect::Anthropic, json: "{}" }),
        close(2),
        open(3, Opening::Foreign { dialect: Dialect::Gemini, json: "{\"executableCode\":\n{}}" }),
        close(3),
        open(4, Opening::Refusal),
        text(4, "No."),
        close(4),
        open(5, Opening::Image { media_type: RawStr::plain("image/png") }),
        delta(5, Delta::Data(RawStr::plain("AAAA"))),
        close(5),
    ]);
    let parts: Vec<_> = told.iter().map(|event| event["candidates"][0]["content"]["parts"][0].clone()).collect();
    let expected = [
        json!({"text": "A", "thought": true}),
        json!({"text": "\n\n", "thought": true}),
        json!({"text": "B", "thought": true}),
        json!({"text": "", "thought": true, "thoughtSignature": "dGcxLnJlc3BvbnNlcy5yc18xLkVxUUI="}),
        json!({"thought": true, "thoughtSignature": "dGcxLmFudGhyb3BpYy4uRXFRQg=="}),
        json!({"executableCode": {}}),
        json!({"text": "No."}),
        json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
    ];
    assert_eq!(parts, expected);
}

#[test]
fn the_last_event_tells_the_reason_the_usage_and_the_sources() {
    let usage = UsageReport { input: 5, output: 3, ..UsageReport::default() };
    let page = |url: &'static str, title: &'static str, range| Citation {
        url: Some(url.into()),
        title: Some(title.into()),
        range,
        ..Citation::new(Dialect::Openai, "{}")
    };
    let (part, whole) = (page("https://a", "A", Some((0, 1))), page("https://b", "B", None));
    let told = told(&[
        START,
        open(0, Opening::Text),
        delta(0, Delta::Text(RawStr::escaped(r"S\u006f, "))),
        close(0),
        open(1, Opening::Text),
        delta(1, Delta::Citation(&whole)),
        delta(1, Delta::Text(RawStr::plain("été"))),
        delta(1, Delta::Citation(&part)),
        close(1),
        ChatEvent::Finish { choice: 0, finish: Finish::ToolCalls, stop_sequence: None },
        ChatEvent::Usage { usage: &usage, service_tier: None },
        ChatEvent::Ping,
        ChatEvent::End,
        ChatEvent::End,
    ]);
    assert_eq!(told.len(), 3);
    let metadata = json!({
        "groundingChunks": [{"web": {"uri": "https://b", "title": "B"}}, {"web": {"uri": "https://a", "title": "A"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 4, "endIndex": 9, "text": "été"}, "groundingChunkIndices": [0]},
            {"segment": {"startIndex": 4, "endIndex": 6, "text": "é"}, "groundingChunkIndices": [1]},
        ],
    });
    let expected = json!({
        "candidates": [{
            "content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": "STOP", "index": 0,
            "groundingMetadata": metadata,
        }],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8},
        "modelVersion": "asked",
        "responseId": "U1",
    });
    assert_eq!(told[2], expected);
}

#[test]
fn a_broken_stream_ends_in_an_error_and_nothing_follows() {
    let (mut writer, mut out) = (StreamWriter::new(frame()), Vec::new());
    writer.keep_alive(&mut out);
    assert!(out.iter().all(|byte| *byte == b'\n'), "Google's clients choke on comments");
    out.clear();
    writer.event(START, &mut out);
    writer.fail(&failure(), &mut out);
    writer.fail(&failure(), &mut out);
    writer.event(ChatEvent::End, &mut out);
    let out = String::from_utf8(out).expect("UTF-8");
    assert_eq!(events(&out).len(), 1);
    assert!(out.starts_with(r#"data: {"error":{"code":503,"#) && out.ends_with("\n\n"), "{out}");
}
