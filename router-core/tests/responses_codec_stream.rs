//! What the streams of Responses promise, beyond the corpus: patience with providers, exactness with clients.

mod responses_support;

use responses_support::{
    Heard, USAGE, call, close, data, delta, finish, frame, hear, kinds, open, parse, play, relay, seal, start, words,
};
use router_core::chat::{ChatEvent, Citation, Delta, Finish, Opening, RawStr};
use router_core::dialect::responses::{StreamReader, StreamWriter};
use router_core::dialect::{Failure, Frame};
use router_core::domain::{Dialect, UsageReport};
use serde_json::{Value, json};

const COMPLETED: &str = r#"{"type":"response.completed","response":{"status":"completed"}}"#;

#[track_caller]
fn blocks(events: &[&str]) -> Vec<Value> {
    let heard = hear(events.iter().copied().chain([COMPLETED]));
    assert!(heard.ended);
    heard.blocks
}

fn added(index: u32, id: &str) -> String {
    let item = json!({"type": "function_call", "call_id": id, "name": "f", "arguments": ""});
    json!({"type": "response.output_item.added", "output_index": index, "item": item}).to_string()
}

fn arguments(index: u32, text: &str) -> String {
    json!({"type": "response.function_call_arguments.delta", "output_index": index, "delta": text}).to_string()
}

#[test]
fn calls_may_be_told_at_the_same_time() {
    let events = [added(0, "a"), added(1, "b"), arguments(1, "{\"x\""), arguments(0, "{}"), arguments(1, ":1}")];
    let blocks = blocks(&events.each_ref().map(String::as_str));
    assert_eq!(blocks[0], json!({"kind": "call", "id": "a", "name": "f", "text": "{}", "custom": false}));
    assert_eq!(blocks[1]["text"], "{\"x\":1}");
}

#[test]
fn a_text_needs_no_announcements() {
    let text = r#"{"type":"response.output_text.delta","delta":"a"}"#;
    let empty = r#"{"type":"response.output_text.delta","delta":""}"#;
    let null = r#"{"type":"response.output_text.delta","delta":null}"#;
    let done = r#"{"type":"response.output_text.done","text":"aa"}"#;
    assert_eq!(blocks(&[text, empty, null, text, done])[0]["text"], "aa");
    // Whatever says it first is believed, and what says it again is not.
    assert_eq!(blocks(&[done, done]).len(), 1);
    let part = r#"{"type":"response.content_part.done","part":{"type":"output_text","text":"aa",
        "annotations":[{"type":"file_path","file_id":"f"}],"logprobs":[{"token":"aa","logprob":-1}]}}"#;
    assert_eq!(blocks(&[done, part, done])[0]["citations"], json!([{"type": "file_path", "file_id": "f"}]));
    let item = r#"{"type":"response.output_item.done","item":{"type":"message","role":"assistant",
        "content":[{"type":"output_text","text":"aa"},{"type":"refusal","refusal":"no"}]}}"#;
    assert_eq!(blocks(&[item]).len(), 2);
    assert_eq!(blocks(&[done, part, item]).len(), 1);
}

#[test]
fn a_citation_is_told_once_whichever_event_says_it_first() {
    let note = |id: &str| json!({"type": "file_path", "file_id": id});
    let (a, b) = (note("a"), note("b"));
    let text = r#"{"type":"response.output_text.delta","output_index":0,"delta":"x"}"#;
    let noted =
        json!({"type": "response.output_text.annotation.added", "output_index": 0, "annotation": a}).to_string();
    let part = json!({"type": "output_text", "text": "x", "annotations": [a, b]});
    let whole = json!({"type": "response.content_part.done", "output_index": 0, "part": part}).to_string();
    let item = json!({"type": "message", "role": "assistant", "content": [part]});
    let item = json!({"type": "response.output_item.done", "output_index": 0, "item": item}).to_string();
    for events in [
        vec![text, &noted, &whole, &item],
        vec![&noted, text, &whole],
        vec![text, &noted, &item],
        vec![text, &item],
        vec![text, &whole],
        vec![&item],
    ] {
        let told = blocks(&events);
        assert_eq!((told.len(), &told[0]["citations"]), (1, &json!([a, b])), "{events:?}");
    }
}

#[test]
fn a_call_may_come_at_once_or_get_its_name_late() {
    let whole = |index: u32, arguments: Value| {
        let item = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments});
        json!({"type": "response.output_item.done", "output_index": index, "item": item}).to_string()
    };
    assert_eq!(blocks(&[&whole(0, json!("{\"x\":1}"))])[0]["text"], "{\"x\":1}");
    assert_eq!(blocks(&[&whole(0, Value::Null)])[0]["text"], "{}", "no arguments are an empty object");
    let nameless = r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call"}}"#;
    assert_eq!(blocks(&[nameless, &arguments(0, "{\"x"), &whole(0, json!("{\"x\":1}"))])[0]["text"], "{\"x\":1}");
    let done = r#"{"type":"response.function_call_arguments.done","output_index":0,"arguments":"{\"y\":2}"}"#;
    assert_eq!(blocks(&[&added(0, "c"), done, &whole(0, json!("{\"y\":2}"))])[0]["text"], "{\"y\":2}");
    let custom = r#"{"type":"response.output_item.done","item":{"type":"custom_tool_call","call_id":"c","name":"f",
        "input":"ls"}}"#;
    assert_eq!(blocks(&[custom])[0]["text"], "ls");
}

/// Arguments that went missing would be acted upon.
#[test]
fn arguments_are_never_lost_in_silence() {
    let text = r#"{"type":"response.output_text.delta","output_index":1,"delta":"a"}"#;
    let nameless = r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call"}}"#;
    let whole = r#"{"type":"response.function_call_arguments.done","output_index":0,"arguments":"{\"x\":1}"}"#;
    for events in [
        vec![added(0, "c"), arguments(0, "{\"x"), text.to_owned(), arguments(0, "\":1}")],
        vec![added(0, "c"), text.to_owned(), whole.to_owned()],
        vec![nameless.to_owned(), arguments(0, "{}"), COMPLETED.to_owned()],
    ] {
        let mut reader = StreamReader::default();
        let mut sink = |_: ChatEvent<'_>| {};
        let (last, first) = events.split_last().expect("events");
        for data in first {
            reader.event(data, &mut sink).expect("makes sense so far");
        }
        assert!(reader.event(last, &mut sink).is_err(), "{events:?}");
        assert!(!reader.is_done());
    }
}

#[test]
fn an_answer_that_comes_as_a_whole_is_read_as_a_whole() {
    let last = json!({"type": "response.completed", "response": {"id": "resp_1", "created_at": 1763974800.0,
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": [{"text": "a"}, {"text": "b"}], "encrypted_content": "c2Vj"},
            {"type": "web_search_call", "id": "ws_1", "action": {"type": "search"}},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x\n",
                "annotations": [{"type": "file_path"}], "logprobs": [{"token": "x"}]}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        ],
        "usage": {"input_tokens": 21, "output_tokens": 12, "total_tokens": 33}}});
    let told = hear([last.to_string().as_str()]).told();
    assert_eq!(
        told["blocks"],
        json!([
            {"kind": "thinking", "summary": ["a", "b"], "seal": ["responses", "c2Vj"]},
            {"kind": "foreign", "value": {"type": "web_search_call", "id": "ws_1", "action": {"type": "search"}}},
            {"kind": "text", "text": "x\n", "citations": [{"type": "file_path"}]},
            {"kind": "call", "id": "c", "name": "f", "text": "{}", "custom": false},
        ])
    );
    assert_eq!((&told["finish"], &told["created"]), (&json!("ToolCalls"), &json!(1_763_974_800)));
    assert!(told["usage"].as_str().expect("usage").contains("web_searches: 1"));
    assert_eq!(told["logprobs"], json!([{"token": "x"}]));
}

#[test]
fn thoughts_are_told_whichever_way_they_are_shown() {
    let text = |kind: &str, part: u32, delta: &str| {
        json!({"type": format!("response.{kind}.delta"), "output_index": 0, "summary_index": part,
            "content_index": part, "delta": delta})
        .to_string()
    };
    let item = |kind: &str, item: Value| {
        json!({"type": format!("response.output_item.{kind}"), "output_index": 0, "item": item}).to_string()
    };
    let begun = item("added", json!({"type": "reasoning", "id": "rs_1", "summary": []}));
    let sealed = item("done", json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2Vj"}));
    let summary = [text("reasoning_summary_text", 0, "a"), text("reasoning_summary_text", 1, "b")];
    let told = blocks(&[&begun, &summary[0], &summary[1], &sealed]);
    assert_eq!(told, [json!({"kind": "thinking", "summary": ["a", "b"], "seal": ["responses", "c2Vj"]})]);
    let thoughts = [text("reasoning_text", 0, "a"), text("reasoning_text", 1, "b")];
    assert_eq!(blocks(&[&thoughts[0], &thoughts[1]]), [json!({"kind": "thinking", "text": "ab"})]);
    assert_eq!(blocks(&[&begun, &sealed])[0]["seal"], json!(["responses", "c2Vj"]));
    let bare = item("done", json!({"type": "reasoning", "id": "rs_1", "summary": []}));
    assert_eq!(blocks(&[&begun, &bare]), [json!(null); 0], "of nothing, nothing is told");
}

#[test]
fn noise_is_ignored_and_nothing_is_read_after_the_end() {
    let noise = [r#"{"type":"response.new.thing"}"#, r#"{"type":"keepalive"}"#, "{}", "[DONE]", r#"{"type":7}"#];
    let late = r#"{"type":"response.output_text.delta","delta":"late"}"#;
    let mut events = vec![r#"{"type":"response.created","response":null}"#];
    events.extend(noise);
    events.extend([late, COMPLETED, late, COMPLETED, "no JSON"]);
    assert_eq!(hear(events).blocks[0]["text"], "late");
    for broken in ["", "no JSON", "[1]", "{\"type\":", "null"] {
        assert!(StreamReader::default().event(broken, &mut |_: ChatEvent<'_>| {}).is_err(), "{broken:?}");
    }
}

#[test]
fn every_way_to_give_up_is_an_error_and_no_end() {
    for (event, kind, message) in [
        (r#"{"type":"error","code":"server_error","message":"m","param":null}"#, "server_error", "m"),
        (
            r#"{"type":"error","error":{"type":"too_many_requests","code":null,"message":"m"}}"#,
            "too_many_requests",
            "m",
        ),
        (r#"{"error":{"message":"m","type":"server_error"}}"#, "server_error", "m"),
        (r#"{"error":"m"}"#, "", "m"),
        (
            r#"{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"m"}}}"#,
            "rate_limit_exceeded",
            "m",
        ),
        (r#"{"type":"response.cancelled"}"#, "cancelled", ""),
    ] {
        let heard = hear([event, COMPLETED]);
        assert_eq!(heard.error, Some((kind.to_owned(), message.to_owned())), "{event}");
        assert!(!heard.ended);
    }
}

#[test]
fn a_cut_off_answer_says_why() {
    for (reason, finish) in [("max_output_tokens", "Length"), ("content_filter", "Filtered"), ("steered", "Length")] {
        let last = json!({"type": "response.incomplete", "response": {"incomplete_details": {"reason": reason}}});
        assert_eq!(hear([last.to_string().as_str()]).told()["finish"], finish);
    }
}

/// A stream of another dialect, and the output that its last event has.
fn output(events: &[ChatEvent<'_>]) -> (String, Vec<Value>) {
    let mut all = vec![start()];
    all.extend(events);
    all.extend([finish(Finish::Stop), ChatEvent::Usage { usage: &USAGE, service_tier: None }, ChatEvent::End]);
    let stream = play(&all);
    let last = parse(data(&stream).last().expect("an event"));
    (stream, last["response"]["output"].as_array().expect("an output").clone())
}

#[test]
fn texts_in_a_row_are_parts_of_one_message() {
    let texts = [open(0, Opening::Text), words(0, "a"), close(0), open(1, Opening::Refusal), words(1, "b"), close(1)];
    let (_, items) = output(&texts);
    assert_eq!(
        items,
        [json!({"id": "msg_u1_0", "type": "message", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
            {"type": "refusal", "refusal": "b"}]})]
    );
}

#[test]
fn a_call_is_whole_whichever_way_its_arguments_come() {
    let text = |block: u32, text: &'static str| delta(block, Delta::Arguments(RawStr::escaped(text)));
    let (stream, items) = output(&[
        call(0, "a"),
        call(1, "b"),
        text(1, "{}"),
        delta(0, Delta::Object("{\n\"x\": 1}")),
        close(1),
        close(0),
        call(2, "c"),
        close(2),
    ]);
    let arguments: Vec<_> = items.iter().map(|item| (item["call_id"].clone(), item["arguments"].clone())).collect();
    assert_eq!(arguments, [("a".into(), "{\n\"x\": 1}".into()), ("b".into(), "{}".into()), ("c".into(), "{}".into())]);
    assert_eq!(hear(data(&stream)).blocks[0]["text"], "{\n\"x\": 1}");
}

#[test]
fn signatures_of_others_go_ahead_of_their_block_or_follow_it() {
    let gemini = |block: u32, data: &'static str| seal(block, Dialect::Gemini, data);
    let object = |block: u32| delta(block, Delta::Object("{}"));
    let thinking = Opening::Thinking { id: None, summary: false };
    let (_, items) = output(&[
        open(0, thinking),
        words(0, "t"),
        seal(0, Dialect::Anthropic, "QW50"),
        close(0),
        open(1, Opening::Redacted),
        seal(1, Dialect::Anthropic, "UmVk"),
        close(1),
        open(2, Opening::Text),
        words(2, "x"),
        gemini(2, "VGV4"),
        close(2),
        call(3, "a"),
        gemini(3, "QWFh"),
        object(3),
        close(3),
        call(4, "b"),
        object(4),
        call(5, "c"),
        object(5),
        gemini(4, "QmJi"),
        close(5),
        close(4),
    ]);
    let kinds: Vec<_> = items.iter().map(|item| item["type"].as_str().expect("a type")).collect();
    assert_eq!(
        kinds,
        [
            "reasoning",
            "reasoning",
            "message",
            "reasoning",
            "reasoning",
            "function_call",
            "function_call",
            "function_call",
            "reasoning"
        ]
    );
    let body = json!({"model": "m", "input": items});
    let request = router_core::dialect::responses::read_request(body).expect("a request");
    let seals: Vec<_> = request.messages[0]
        .blocks
        .iter()
        .map(|block| block.signature.as_ref().map(|seal| seal.data.as_str()))
        .collect();
    assert_eq!(seals, [Some("QW50"), Some("UmVk"), Some("VGV4"), Some("QWFh"), Some("QmJi"), None]);
    assert_eq!(request.messages[0].blocks[1].kind(), "thinking");
}

#[test]
fn thoughts_pictures_and_searches_are_items_too() {
    let part = delta(0, Delta::SummaryPart);
    let id = Some(RawStr::plain("rs_9"));
    let search = r#"{"type": "server_tool_use", "id": "s", "name": "web_search",
        "input": {"query": "q"}}"#;
    let foreign = |json| Opening::Foreign { dialect: Dialect::Anthropic, json };
    let (stream, items) = output(&[
        open(0, Opening::Thinking { id, summary: true }),
        part,
        words(0, "a"),
        part,
        words(0, "b"),
        close(0),
        open(1, Opening::Thinking { id: None, summary: false }),
        close(1),
        open(2, foreign(search)),
        close(2),
        open(3, foreign(r#"{"type":"web_search_tool_result"}"#)),
        close(3),
        open(4, Opening::Image { media_type: RawStr::plain("image/png") }),
        delta(4, Delta::Data(RawStr::plain("AAAA"))),
        close(4),
    ]);
    let text = |text: &str| json!({"type": "summary_text", "text": text});
    assert_eq!(items[0], json!({"id": "rs_9", "type": "reasoning", "summary": [text("a"), text("b")]}));
    assert_eq!(items[1]["action"]["query"], "q");
    assert_eq!((&items[2]["result"], &items[2]["output_format"]), (&json!("AAAA"), &json!("png")));
    assert_eq!(items.len(), 3);
    assert!(kinds(&stream).len() > 10, "no line of data is torn");
}

#[test]
fn a_citation_that_names_no_part_is_for_all_of_the_text() {
    let page = Citation {
        url: Some("https://example.com".into()),
        title: Some("E".into()),
        ..Citation::new(Dialect::Anthropic, "{}")
    };
    let file = Citation { file: Some("file_1".into()), ..Citation::new(Dialect::Anthropic, "{}") };
    let nowhere = Citation { title: Some("D".into()), ..Citation::new(Dialect::Anthropic, "{}") };
    let (_, items) = output(&[
        open(0, Opening::Text),
        delta(0, Delta::Citation(&page)),
        delta(0, Delta::Citation(&file)),
        delta(0, Delta::Citation(&nowhere)),
        words(0, "\\u00e9"),
        words(0, "x"),
        close(0),
    ]);
    assert_eq!(
        items[0]["content"][0]["annotations"],
        json!([
            {"type": "url_citation", "start_index": 0, "end_index": 2, "url": "https://example.com", "title": "E"},
            {"type": "file_citation", "index": 2, "file_id": "file_1", "filename": "file_1"},
        ])
    );
}

fn failure() -> Failure<'static> {
    let (kind, code) = ("server_error", "provider_overloaded");
    Failure {
        status: 503,
        kind,
        code,
        message: "It \"broke\".",
        param: None,
        source: Some("provider"),
        request_id: "r",
    }
}

#[test]
fn a_broken_stream_ends_in_a_failure_and_nothing_follows() {
    for events in [Vec::new(), vec![start(), open(0, Opening::Text), words(0, "a")]] {
        let (mut writer, mut out) = (StreamWriter::new(frame()), Vec::new());
        for event in &events {
            writer.event(*event, &mut out);
        }
        writer.event(ChatEvent::Error { kind: None, message: None }, &mut out);
        writer.fail(&failure(), &mut out);
        let len = out.len();
        writer.fail(&failure(), &mut out);
        writer.event(ChatEvent::End, &mut out);
        assert_eq!(out.len(), len);
        let stream = String::from_utf8(out).expect("UTF-8");
        let kinds = kinds(&stream);
        assert_eq!(
            (kinds[0].as_str(), kinds.last().map(String::as_str)),
            ("response.created", Some("response.failed"))
        );
        let last = parse(data(&stream).last().expect("an event"));
        assert_eq!(last["response"]["status"], "failed");
        assert_eq!(last["response"]["error"]["code"], "server_error", "the API's codes are a closed set");
        assert_eq!(last["response"]["error"]["message"], "It \"broke\".");
        let heard = hear(data(&stream));
        assert_eq!(heard.error.map(|(kind, _)| kind).as_deref(), Some("server_error"));
    }
}

#[test]
fn a_broken_stream_keeps_what_was_said_and_invents_no_count() {
    let input = UsageReport { input: 21, ..UsageReport::default() };
    let mut writer = StreamWriter::new(frame());
    let mut out = Vec::new();
    let began = ChatEvent::Start { id: None, model: None, created: None, usage: Some(&input), service_tier: None };
    let half = delta(1, Delta::Arguments(RawStr::escaped("{")));
    for event in [began, open(0, Opening::Text), words(0, "a"), close(0), call(1, "c"), half] {
        writer.event(event, &mut out);
    }
    writer.fail(&failure(), &mut out);
    let stream = String::from_utf8(out).expect("UTF-8");
    let told = kinds(&stream);
    assert!(!told.iter().any(|kind| kind == "response.function_call_arguments.done"), "{told:?}");
    let numbers: Vec<_> = data(&stream).into_iter().map(|event| parse(event)["sequence_number"].as_u64()).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).map(Some).collect::<Vec<_>>());
    let response = parse(data(&stream).last().expect("an event"))["response"].take();
    assert_eq!(response["usage"], Value::Null);
    assert_eq!(response["output"][0]["content"][0]["text"], "a");
    assert_eq!(response["output"][1]["status"], "incomplete");
    assert_eq!(response["output"][1]["arguments"], "{");
}

#[test]
fn a_search_goes_on_until_something_follows_and_is_counted() {
    let json = r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"q"}}"#;
    let usage = UsageReport { input: 1, output: 1, web_searches: 1, ..UsageReport::default() };
    let mut writer = StreamWriter::new(frame());
    let mut out = Vec::new();
    for event in [start(), open(0, Opening::Foreign { dialect: Dialect::Anthropic, json }), close(0)] {
        writer.event(event, &mut out);
    }
    let begun = kinds(std::str::from_utf8(&out).expect("UTF-8"));
    let expected = ["output_item.added", "web_search_call.in_progress", "web_search_call.searching"];
    assert_eq!(begun[2..], expected.map(|kind| format!("response.{kind}")));
    for event in [
        open(1, Opening::Text),
        words(1, "a"),
        close(1),
        ChatEvent::Usage { usage: &usage, service_tier: None },
        finish(Finish::Stop),
        ChatEvent::End,
    ] {
        writer.event(event, &mut out);
    }
    let stream = String::from_utf8(out).expect("UTF-8");
    let (told, events) = (kinds(&stream), data(&stream));
    assert_eq!(told[5..7], ["response.web_search_call.completed", "response.output_item.done"]);
    assert_eq!(parse(events[2])["item"]["status"], "in_progress");
    assert_eq!(parse(events[6])["item"]["action"]["query"], "q");
    let response = parse(events.last().expect("an event"))["response"].take();
    assert_eq!(response["output"][0], parse(events[6])["item"]);
    assert_eq!(response["tool_usage"]["web_search"]["num_requests"], 1);
}

#[test]
fn a_written_stream_repeats_the_request_and_stays_alive() {
    let echo = json!({"store": false, "service_tier": "auto", "instructions": "a\nb", "model": "not this one"});
    let frame = Frame { echo: echo.as_object().expect("an object").clone(), ..frame() };
    let stream = relay([r#"{"type":"keepalive"}"#, COMPLETED], frame);
    assert!(stream.starts_with(": keep-alive\n\n"));
    for event in data(&stream) {
        let response = parse(event)["response"].take();
        assert_eq!((&response["store"], &response["instructions"]), (&json!(false), &json!("a\nb")));
        assert_eq!((&response["model"], &response["id"]), (&json!("asked"), &json!("resp_u1")));
        assert_eq!(event.matches("service_tier").count(), 1);
    }
    // What belongs to a second answer is not told: there is one here.
    let other = ChatEvent::Open { choice: 1, block: 0, opening: Opening::Text };
    assert_eq!(output(&[other]).1, [json!(null); 0]);
}

#[test]
fn a_call_that_the_model_wrote_wrong_fails_the_answer() {
    let stream = play(&[start(), finish(Finish::Malformed), ChatEvent::End]);
    assert_eq!(kinds(&stream).last().map(String::as_str), Some("response.failed"));
    let mut heard = Heard::default();
    let mut reader = StreamReader::default();
    for event in data(&stream) {
        reader.event(event, &mut |event: ChatEvent<'_>| heard.event(event)).expect("makes sense");
    }
    assert!(heard.error.is_some());
}
