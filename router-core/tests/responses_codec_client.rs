//! What the client of a stream of Responses is promised of every item: that it stands in its place, whole and once.

mod responses_support;

use responses_support::{
    USAGE, call, close, data, delta, document, finish, hear, kinds, open, parse, play, relay, seal, start, words,
    written,
};
use router_core::chat::{Block, Body, ChatEvent, Citation, Delta, Finish, Opening, RawStr};
use router_core::dialect::responses::{read_request, read_response};
use router_core::domain::Dialect;
use serde_json::{Value, json};

/// A stream, and the output that its last event has.
fn output(events: &[ChatEvent<'_>]) -> (String, Vec<Value>) {
    let end = [finish(Finish::Stop), ChatEvent::End];
    let all: Vec<_> = [start()].iter().chain(events).chain(&end).copied().collect();
    let stream = play(&all);
    let last = parse(data(&stream).last().expect("an event"));
    (stream, last["response"]["output"].as_array().expect("an output").clone())
}

fn members(stream: &str, kind: &str, key: &str) -> Vec<Value> {
    let events = data(stream).into_iter().map(parse).filter(|event| event["type"] == kind);
    events.map(|event| event[key].clone()).collect()
}

#[test]
fn a_message_ends_where_anything_else_begins() {
    let text = |block: u32| [open(block, Opening::Text), words(block, "a"), close(block)];
    let object = delta(1, Delta::Object("{}"));
    let events = [&text(0)[..], &[call(1, "c"), object, close(1)], &text(2)].concat();
    let (_, items) = output(&events);
    let types: Vec<_> = items.iter().map(|item| item["type"].as_str().expect("a type")).collect();
    assert_eq!(types, ["message", "function_call", "message"]);
    for item in [&items[0], &items[2]] {
        assert_eq!(item["content"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn calls_that_opened_before_begin_before_a_seal_that_comes_first() {
    let object = |block: u32| delta(block, Delta::Object("{}"));
    let (_, items) = output(&[
        call(0, "a"),
        call(1, "b"),
        seal(1, Dialect::Gemini, "QmJi"),
        object(1),
        object(0),
        close(0),
        close(1),
    ]);
    let request = read_request(json!({"model": "m", "input": items})).expect("a request");
    let told = |block: &Block| match &block.body {
        Body::ToolCall(call) => (call.id.clone(), block.signature.as_ref().map(|seal| seal.data.clone())),
        other => panic!("{other:?}"),
    };
    let calls: Vec<_> = request.messages[0].blocks.iter().map(told).collect();
    assert_eq!(calls, [("a".to_owned(), None), ("b".to_owned(), Some("QmJi".to_owned()))]);
}

#[test]
fn hidden_thoughts_stay_hidden_when_the_stream_is_read_again() {
    let (stream, _) = output(&[open(0, Opening::Redacted), seal(0, Dialect::Anthropic, "RW5j"), close(0)]);
    let hidden = json!({"kind": "redacted", "seal": ["anthropic", "RW5j"]});
    assert_eq!(hear(data(&stream)).blocks, std::slice::from_ref(&hidden));
    // And once more through a second gateway.
    let again = relay(data(&stream), responses_support::frame());
    assert_eq!(hear(data(&again)).blocks, [hidden]);
}

#[test]
fn nothing_was_used_before_the_end() {
    let begin = ChatEvent::Start { id: None, model: None, created: None, usage: Some(&USAGE), service_tier: None };
    let stream = play(&[begin, finish(Finish::Stop), ChatEvent::End]);
    let usages: Vec<_> = data(&stream).into_iter().map(|event| parse(event)["response"]["usage"].take()).collect();
    assert_eq!(usages[..2], [Value::Null, Value::Null]);
    assert_eq!(usages[2]["input_tokens"], 21);
}

#[test]
fn probabilities_add_up_and_stay_on_their_line() {
    let weigh = |json| delta(0, Delta::Logprobs(json));
    let (stream, items) = output(&[
        open(0, Opening::Text),
        words(0, "ab"),
        weigh("[\n{\"token\":\r\n\"a\"}]"),
        weigh("[]"),
        weigh("[{\"token\":\"b\"}]"),
        close(0),
    ]);
    let tokens = json!([{"token": "a"}, {"token": "b"}]);
    assert_eq!(items[0]["content"][0]["logprobs"], tokens);
    assert_eq!(members(&stream, "response.output_text.done", "logprobs"), [tokens]);
    assert_eq!(members(&stream, "response.output_text.delta", "delta"), ["ab", "", ""]);
    assert_eq!(kinds(&stream).len(), 11, "no event is torn");
}

#[test]
fn annotations_are_numbered_and_come_when_their_text_is_there() {
    let page = |url: &'static str, title: Option<&'static str>, range| Citation {
        url: Some(url.into()),
        title: title.map(Into::into),
        range: Some(range),
        ..Citation::new(Dialect::Gemini, "{}")
    };
    let cited = [
        page("https://a.example", Some("A"), (1, 2)),
        page("https://c.example", None, (4, 5)),
        page("https://b.example", None, (0, 3)),
    ];
    let (stream, items) = output(&[
        open(0, Opening::Text),
        delta(0, Delta::Text(RawStr::plain("abc"))),
        delta(0, Delta::Citation(&cited[0])),
        delta(0, Delta::Citation(&cited[1])),
        delta(0, Delta::Citation(&cited[2])),
        delta(0, Delta::Text(RawStr::plain("def"))),
        close(0),
    ]);
    assert_eq!(members(&stream, "response.output_text.annotation.added", "annotation_index"), [0, 1, 2]);
    let annotation = |start: u64, end: u64, url: &str, title: &str| json!({"type": "url_citation", "start_index": start, "end_index": end, "url": url, "title": title});
    // The one whose text was not there yet came last.
    let expected = [
        annotation(1, 2, "https://a.example", "A"),
        annotation(0, 3, "https://b.example", "https://b.example"),
        annotation(4, 5, "https://c.example", "https://c.example"),
    ];
    assert_eq!(items[0]["content"][0]["annotations"], json!(expected));
}

#[test]
fn a_citation_is_understood_and_not_only_carried() {
    let answer = read_response(document("citations", "answer").expect("an answer")).expect("an answer");
    let Body::Text { citations, .. } = &answer.choices[0].blocks[0].body else { panic!("a text") };
    let [Citation { url, title, range, .. }] = citations.as_slice() else { panic!("one citation") };
    assert_eq!((url.as_deref(), title.as_deref()), (Some("https://example.com/final"), Some("The final")));
    assert_eq!(*range, Some((0, 11)));
}

/// The API takes a bare text for what was never an item, and nothing but parts for what was.
#[test]
fn a_message_that_was_an_item_keeps_its_parts() {
    let parts = json!([{"type": "output_text", "text": "a", "annotations": []}]);
    let item = json!({"type": "message", "id": "msg_1", "role": "assistant", "content": parts});
    let request = read_request(json!({"input": [item, {"role": "assistant", "content": "b"}]})).expect("a request");
    let input = written(&request).0.expect("can be said")["input"].take();
    assert_eq!((&input[0]["content"], &input[1]["content"]), (&parts, &json!("b")));
}
