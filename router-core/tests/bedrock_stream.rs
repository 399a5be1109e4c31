//! Bedrock's streams.

mod bedrock_support;

use bedrock_support::*;
use router_core::chat::{Body, ChatEvent, Finish};
use router_core::dialect::bedrock::event_stream::{Splitter, encode, encode_event, encode_exception};
use router_core::dialect::bedrock::{StreamReader, read_response};
use router_core::domain::Dialect;
use serde_json::{Value, json};

fn event(kind: &str, data: &Value) -> (String, String) {
    (kind.to_owned(), data.to_string())
}

fn start() -> (String, String) {
    event("messageStart", &json!({"role": "assistant"}))
}

fn delta(index: u64, delta: &Value) -> (String, String) {
    event("contentBlockDelta", &json!({"contentBlockIndex": index, "delta": delta}))
}

fn tool_start(index: u64, id: &str) -> (String, String) {
    let tool = json!({"toolUse": {"toolUseId": id, "name": "get_weather"}});
    event("contentBlockStart", &json!({"contentBlockIndex": index, "start": tool}))
}

fn stop(index: u64) -> (String, String) {
    event("contentBlockStop", &json!({"contentBlockIndex": index}))
}

fn end(reason: &str) -> (String, String) {
    event("messageStop", &json!({"stopReason": reason}))
}

fn metadata() -> (String, String) {
    event("metadata", &json!({"usage": {"inputTokens": 21, "outputTokens": 12, "totalTokens": 33}}))
}

fn folded(events: &[(String, String)]) -> (Folded, bool) {
    fold(StreamReader::default(), events).expect("a stream")
}

fn texts(folded: &Folded) -> Vec<String> {
    let text = |body: &Body| match body {
        Body::Text { text, .. } => text.clone(),
        Body::ToolCall(call) => format!("{}:{}", call.id, call.arguments),
        Body::Thinking(thinking) => format!("({})", thinking.text),
        other => panic!("{other:?}"),
    };
    folded.blocks.iter().map(|block| text(&block.body)).collect()
}

#[test]
fn every_stream_of_the_corpus_adds_up_to_its_answer() {
    let broken = ["stream_error", "truncated"];
    for case in cases(".stream.txt").iter().filter(|case| !broken.contains(&case.as_str())) {
        let (folded, complete) = folded(&events(case));
        assert!(complete, "{case}");
        let answer = read_response(document(&format!("{case}.answer.json"))).expect("an answer");
        assert_eq!(folded.blocks, answer.choices[0].blocks, "{case}");
        assert_eq!(folded.choice.finish, answer.choices[0].finish, "{case}");
        assert_eq!(folded.choice.stop_sequence, answer.choices[0].stop_sequence, "{case}");
        assert_eq!((folded.usage, folded.service_tier), (answer.usage, answer.service_tier), "{case}");
    }
}

#[test]
fn a_stream_that_breaks_is_never_complete() {
    let (failed, complete) = folded(&events("stream_error"));
    let expected = ("serviceUnavailableException".to_owned(), "Bedrock is overloaded.".to_owned());
    assert_eq!((failed.error.clone(), complete), (Some(expected), false));
    assert_eq!(texts(&failed), ["Once upon"]);
    let (cut, complete) = folded(&events("truncated"));
    assert!(!complete && cut.error.is_none());
    assert_eq!(texts(&cut), ["Once upon"]);

    // Wherever a stream is cut, it is complete only if its messageStop was there.
    for case in cases(".stream.txt") {
        let all = events(&case);
        for len in 0..=all.len() {
            let (_, complete) = folded(&all[..len]);
            let ended = all[..len].iter().any(|(kind, _)| kind == "messageStop");
            assert_eq!(complete, ended, "{case} cut after {len}");
        }
    }
}

#[test]
fn every_exception_is_an_error_whatever_it_holds() {
    for (kind, data, message) in [
        ("throttlingException", r#"{"message":"Too many\nrequests"}"#, "Too many\nrequests"),
        ("modelStreamErrorException", r#"{"message":"x","originalStatusCode":500,"originalMessage":"y"}"#, "x"),
        ("validationException", r#"{"Message":"bad"}"#, "bad"),
        ("internalServerException", "not JSON", ""),
        ("someNewException", "{}", ""),
    ] {
        let events = [start(), (kind.to_owned(), data.to_owned()), end("end_turn"), metadata()];
        let (folded, complete) = folded(&events);
        assert_eq!((folded.error, complete), (Some((kind.to_owned(), message.to_owned())), false));
    }
}

#[test]
fn an_exception_after_the_answer_was_complete_is_told_all_the_same() {
    let events = [start(), delta(0, &json!({"text": "x"})), end("end_turn"), event("throttlingException", &json!({}))];
    let (folded, complete) = folded(&events);
    assert!(folded.error.is_some() && !complete);
}

#[test]
fn sloppy_streams_are_put_in_order() {
    // No start, no stops, no index, an empty text first, what comes after the end.
    let bare = |delta: Value| event("contentBlockDelta", &json!({"delta": delta}));
    let events = [
        bare(json!({"text": ""})),
        bare(json!({"reasoningContent": {"text": "Hm."}})),
        bare(json!({"reasoningContent": {"text": null, "signature": ""}})),
        bare(json!({"text": "Hello"})),
        bare(json!({})),
        event("contentBlockDelta", &json!({})),
        event("contentBlockStart", &json!({"start": {}})),
        event("someNewEvent", &json!({"x": 1})),
        event("contentBlockStop", &json!({"contentBlockIndex": 7})),
        bare(json!({"text": " there"})),
        end("end_turn"),
        bare(json!({"text": "late"})),
        end("max_tokens"),
        metadata(),
        metadata(),
    ];
    let (folded, complete) = folded(&events);
    assert!(complete);
    assert_eq!(texts(&folded), ["(Hm.)", "Hello there"]);
    assert_eq!(folded.choice.finish, Some(Finish::Stop));
    assert_eq!(folded.usage.map(|usage| usage.input), Some(21));
}

#[test]
fn usage_may_come_before_the_end_or_be_missing_or_wrong() {
    let text = delta(0, &json!({"text": "x"}));
    let (early, complete) = folded(&[start(), text.clone(), metadata(), stop(0), end("end_turn")]);
    assert!(complete && early.usage.is_some());
    let wrong = event("metadata", &json!({"usage": {"inputTokens": -1}, "metrics": {}}));
    let (without, complete) = folded(&[start(), text, end("end_turn"), wrong]);
    assert!(complete && without.usage.is_none());
}

#[test]
fn calls_may_overlap_and_need_no_arguments() {
    let input = |index, input: &str| delta(index, &json!({"toolUse": {"input": input}}));
    let events = [
        start(),
        delta(0, &json!({"text": "Let me look."})),
        tool_start(1, "a"),
        input(1, "{\"x\""),
        tool_start(2, "b"),
        input(2, "{\"y\":2}"),
        input(1, ":1}"),
        stop(1),
        tool_start(3, "c"),
        input(3, ""),
        tool_start(4, ""),
        delta(4, &json!({"toolUse": {"input": {"whole": true}}})),
        delta(4, &json!({"toolUse": {"input": null}})),
        end("tool_use"),
        metadata(),
    ];
    let (folded, complete) = folded(&events);
    assert!(complete);
    let expected = ["Let me look.", "a:{\"x\":1}", "b:{\"y\":2}", "c:{}", "tooluse_4:{\"whole\":true}"];
    assert_eq!(texts(&folded), expected);
    assert_eq!(folded.choice.finish, Some(Finish::ToolCalls));
}

#[test]
fn what_cannot_be_put_in_order_is_refused() {
    let refused =
        |events: &[(String, String)]| fold(StreamReader::default(), events).map(drop).expect_err("it is wrong");
    let input = delta(0, &json!({"toolUse": {"input": "{}"}}));
    assert_eq!(refused(&[start(), input.clone()]).path, "delta.toolUse");
    assert_eq!(refused(&[start(), tool_start(0, "a"), stop(0), input]).path, "delta.toolUse");
    let number = delta(0, &json!({"toolUse": {"input": 5}}));
    assert_eq!(refused(&[start(), tool_start(0, "a"), number]).path, "delta.toolUse.input");
    for kind in
        ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"]
    {
        assert_eq!(refused(&[(kind.to_owned(), "{\"x\":".to_owned())]).path, kind);
    }
}

#[test]
fn a_picture_comes_with_its_type() {
    let image = json!({"contentBlockIndex": 0, "start": {"image": {"format": "jpeg"}}});
    let bytes = |bytes: &str| delta(0, &json!({"image": {"source": {"bytes": bytes}}}));
    let events = [start(), event("contentBlockStart", &image), bytes("AAAA"), bytes("BBBB"), stop(0), end("end_turn")];
    let (folded, complete) = folded(&events);
    let expected = media(router_core::chat::Source::Base64("AAAA".into()), Some("image/jpeg"), None);
    assert_eq!((&folded.blocks[0].body, complete), (&Body::Image(expected), true));
}

#[test]
fn a_result_that_is_no_object_is_no_block() {
    let odd = json!({"contentBlockIndex": 0, "start": {"toolResult": [1]}});
    let (folded, complete) = folded(&[start(), event("contentBlockStart", &odd), stop(0), end("end_turn")]);
    assert!(complete && folded.blocks.is_empty());
}

#[test]
fn a_seal_in_a_stream_is_of_who_made_the_model() {
    for (model, origin) in [(CLAUDE, Dialect::Anthropic), (NOVA, Dialect::Bedrock)] {
        let (folded, _) = fold(StreamReader::from_model(model), &events("thinking_answer")).expect("a stream");
        assert_eq!(folded.blocks[0].signature.as_ref().map(|seal| seal.origin), Some(origin));
    }
}

/// The frames of a stream, read one by one.
fn read_frames(frames: &[u8]) -> (Folded, StreamReader) {
    let (mut splitter, mut reader, mut folded, mut at) =
        (Splitter::new(), StreamReader::default(), Folded::default(), 0);
    while let Some(message) = splitter.next(&frames[at..]).expect("frames") {
        let window = &frames[at..];
        reader.message(&message, window, &mut |event: ChatEvent<'_>| folded.take(event)).expect("events");
        at += message.len;
    }
    assert_eq!(at, frames.len());
    (folded, reader)
}

#[test]
fn frames_lead_to_the_same_answer_as_their_events() {
    for case in cases(".stream.txt") {
        let mut frames = Vec::new();
        for (kind, data) in events(&case) {
            if kind.ends_with("Exception") {
                encode_exception(&mut frames, &kind, &data);
            } else {
                encode_event(&mut frames, &kind, &data);
            }
        }
        let (from_frames, _) = read_frames(&frames);
        let (from_events, _) = folded(&events(&case));
        assert_eq!((from_frames.blocks, from_frames.error), (from_events.blocks, from_events.error), "{case}");
    }
}

#[test]
fn exceptions_and_errors_are_known_by_their_frame() {
    let mut frames = Vec::new();
    encode_event(&mut frames, "messageStart", r#"{"role":"assistant"}"#);
    encode_exception(&mut frames, "oddlyNamed", r#"{"message":"Gone."}"#);
    let (folded, mut reader) = read_frames(&frames);
    assert_eq!(folded.error, Some(("oddlyNamed".to_owned(), "Gone.".to_owned())));
    assert!(!reader.finish(&mut |event: ChatEvent<'_>| panic!("{event:?}")));

    let mut frames = Vec::new();
    encode_event(&mut frames, "messageStart", r#"{"role":"assistant"}"#);
    let headers = [(":message-type", "error"), (":error-code", "InternalError"), (":error-message", "It \"broke\"\n")];
    encode(&mut frames, &headers, b"");
    assert_eq!(read_frames(&frames).0.error, Some(("InternalError".to_owned(), "It \"broke\"\n".to_owned())));
}
