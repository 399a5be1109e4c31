//! Streams of events: passed on as they come, and ended by an event that says so when they break.

mod common;

use std::time::Duration;

use common::Ground;
use common::request::{chat_with, streamed};
use serde_json::{Value, json};
use tollgate_testkit::{Scripted, Signal, Step};

const DONE: &str = "data: [DONE]\n\n";
const USAGE: &str =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":12}}\n\n";

fn event(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}]}}\n\n")
}

/// A chat request for a stream, with these header lines.
fn ask(fields: &str) -> String {
    chat_with(&streamed("gpt")).replace("host: t\r\n", &format!("host: t\r\n{fields}"))
}

#[test]
fn events_reach_the_client_as_they_come() {
    let (first_seen, second_seen) = (Signal::default(), Signal::default());
    let provider = Scripted::start(vec![vec![
        Step::sse_head(),
        Step::chunk(event("one")),
        Step::WaitFor(first_seen.clone()),
        Step::chunk(event("two")),
        Step::WaitFor(second_seen.clone()),
        Step::chunk(USAGE),
        Step::chunk(DONE),
        Step::last_chunk(),
    ]]);
    let ground = Ground::new(provider, "");
    let mut client = ground.connect();
    let head = client.send(ask("")).head().to_lowercase();
    for line in ["200 ok", "content-type: text/event-stream", "cache-control: no-cache", "x-accel-buffering: no"] {
        assert!(head.contains(line), "{line} is not in {head}");
    }
    // The script goes on only now: a gateway that waits for more would wait for ever.
    assert_eq!(client.chunks_until("one"), event("one"));
    first_seen.give();
    assert_eq!(client.chunks_until("two"), event("two"));
    second_seen.give();
    assert_eq!(client.chunks_until("[DONE]"), DONE);
    assert_eq!(client.chunk().as_deref(), Some(&b""[..]));
    assert_eq!(client.send(ask("")).head()[..12], head[..12].to_uppercase(), "the connection goes on");
}

#[test]
fn a_split_inside_an_event_changes_nothing() {
    let whole = format!(": hello\r\n\r\n{}{}{USAGE}{DONE}", event("\u{e4}\u{1f600}"), event("two"));
    let expected = whole.replace(USAGE, "");
    for size in [1, 2, 3, 7, 50, whole.len()] {
        let mut script = vec![Step::sse_head()];
        script.extend(whole.as_bytes().chunks(size).map(Step::chunk));
        script.push(Step::last_chunk());
        let ground = Ground::new(Scripted::start(vec![script]), "");
        let answer = ground.ask(ask("x-request-id: split\r\n")).0;
        assert!(answer.whole && answer.text() == expected, "in pieces of {size}: {:?}", answer.text());
        let line: Value = serde_json::from_str(&ground.gateway.wait_for_log("\"split\"")).expect("JSON");
        assert_eq!((&line["tollgate.tokens.input"], &line["tollgate.tokens.output"]), (&json!(7), &json!(5)));
    }
}

#[test]
fn a_client_that_asked_for_usage_gets_it_and_any_other_does_not() {
    let ground = Ground::new(Scripted::sse(&[event("one"), USAGE.to_owned(), DONE.to_owned()]), "");
    let (without, with) = (format!("{}{DONE}", event("one")), format!("{}{USAGE}{DONE}", event("one")));
    for (options, expected) in [
        ("", &without),
        (r#","stream_options":null"#, &without),
        (r#","stream_options":{}"#, &without),
        (r#","stream_options":{"include_usage":false}"#, &without),
        (r#","stream_options":{"include_usage":true}"#, &with),
        (r#","stream_options":{"x":1,"include_usage":true}"#, &with),
    ] {
        let body = format!(r#"{{"model":"gpt","stream":true{options}}}"#);
        assert_eq!(ground.ask(chat_with(&body)).0.text(), *expected, "{options}");
        let sent = ground.provider.requests().last().map(tollgate_testkit::Recorded::text).unwrap_or_default();
        let sent_json: Value = serde_json::from_str(&sent).expect("JSON");
        assert_eq!(sent_json["stream_options"]["include_usage"], true, "{sent}");
        if *expected == with {
            assert_eq!(sent, body, "what was asked for already is not touched");
        }
    }
}

/// How a stream goes on that the client has the first event of: its name, the head's lines on its framing, the steps
/// that break it, the code that the client is told, and whether its connection is still good.
type Break = (&'static str, String, Vec<Step>, &'static str, bool);

fn breaks() -> Vec<Break> {
    let (coded, code) = ("transfer-encoding: chunked\r\n".to_owned(), "provider_unavailable");
    let length = event("one").len();
    let hold = Step::HoldOpenUntilPeerCloses;
    vec![
        ("closed", coded.clone(), vec![Step::Close], code, false),
        ("reset", coded.clone(), vec![Step::Reset], code, false),
        ("ended without [DONE]", coded.clone(), vec![Step::last_chunk()], code, true),
        ("half an event", coded.clone(), vec![Step::chunk("data: {\"cho"), Step::last_chunk()], code, true),
        ("half a chunk", coded.clone(), vec![Step::send("50\r\ndata: {\"cho"), Step::Close], code, false),
        ("no chunk", coded.clone(), vec![Step::send("nonsense\r\n"), hold.clone()], code, false),
        ("a chunk without its end", coded.clone(), vec![Step::send("2\r\n: xx"), hold.clone()], code, false),
        (
            "an endless extension",
            coded.clone(),
            vec![Step::send(format!("2;{}", "x".repeat(9000))), hold.clone()],
            code,
            false,
        ),
        ("stalled", coded, vec![hold], "timeout", false),
        ("half a length", "content-length: 9999\r\n".to_owned(), vec![Step::Close], code, false),
        (
            "a length without [DONE]",
            format!("content-length: {}\r\n", length + 2),
            vec![Step::send("\n\n")],
            code,
            true,
        ),
        ("lasts as long as its connection", String::new(), vec![Step::Close], code, false),
    ]
}

#[test]
fn a_stream_that_breaks_ends_with_an_event_that_says_so() {
    for (name, fields, rest, code, is_kept) in breaks() {
        let seen = Signal::default();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{fields}\r\n");
        let first = if fields.contains("chunked") { Step::chunk(event("one")) } else { Step::send(event("one")) };
        let script = [vec![Step::send(head), first, Step::WaitFor(seen.clone())], rest].concat();
        let provider = Scripted::start(vec![script, vec![Step::sse_head(), Step::chunk(DONE), Step::last_chunk()]]);
        let ground = Ground::new(provider, "[gateway.deadlines]\nbetween_chunks = \"300ms\"\n");
        let mut client = ground.connect();
        let status = client.send(ask("")).head();
        assert!(status.starts_with("HTTP/1.1 200"), "{name}: {status}");
        assert_eq!(client.chunks_until("one"), event("one"), "{name}");
        seen.give();
        let mut text = client.chunks_until("error");
        while let Some(more) = client.chunk().filter(|chunk| !chunk.is_empty()) {
            text.push_str(&String::from_utf8_lossy(&more));
        }
        let last: Vec<_> = text.split("\n\n").map(str::trim).filter(|event| !event.is_empty()).collect();
        assert!(last.len() == 1 && text.ends_with("\n\n") && !text.contains("[DONE]"), "{name}: {text:?}");
        let data = last[0].strip_prefix("data: ").unwrap_or_else(|| panic!("{name}: {text:?}"));
        let said: Value = serde_json::from_str(data).unwrap_or_else(|error| panic!("{name}: {error}: {data}"));
        assert_eq!((&said["error"]["type"], &said["error"]["code"]), (&json!("server_error"), &json!(code)), "{name}");
        let choices = json!([{"index": 0, "delta": {"content": ""}, "logprobs": null, "finish_reason": "error"}]);
        assert_eq!(said["choices"], choices, "{name}");
        assert_eq!(client.ask(ask("")).text(), DONE, "after {name}");
        assert_eq!(ground.provider.requests().len(), 2, "{name}: a stream that began is not asked for again");
        assert_eq!(ground.provider.connections(), if is_kept { 1 } else { 2 }, "{name}");
        ground.expect_calm();
    }
}

#[test]
fn a_stream_that_breaks_before_its_first_event_is_an_error_like_any_other() {
    let breaks = [
        ("no event", vec![Step::sse_head(), Step::Close]),
        ("no chunk", vec![Step::sse_head(), Step::send("nonsense\r\n")]),
        ("half an event", vec![Step::sse_head(), Step::chunk("data: {\"a"), Step::Close]),
        ("half an event, ended", vec![Step::sse_head(), Step::chunk("data: {\"a"), Step::last_chunk()]),
        ("no event, ended", vec![Step::sse_head(), Step::last_chunk()]),
    ];
    for (what, script) in breaks {
        let ground = Ground::new(Scripted::start(vec![script]), "");
        let (answer, mut client) = ground.ask(ask(""));
        answer.expect_error(what, 502, "server_error", "provider_unavailable");
        assert_eq!(client.ask(ask("")).status, 502, "{what}");
        ground.expect_calm();
    }
}

#[test]
fn what_follows_the_end_of_a_stream_is_not_passed_on() {
    let chunks = [event("one"), format!("{DONE}{}", event("more")), event("and more"), DONE.to_owned()];
    let ground = Ground::new(Scripted::sse(&chunks), "");
    let mut client = ground.connect();
    for _ in 0..2 {
        assert_eq!(client.ask(ask("")).text(), format!("{}{DONE}", event("one")));
    }
    assert_eq!(ground.provider.connections(), 1);
    let open = Scripted::start(vec![vec![Step::sse_head(), Step::chunk(DONE), Step::HoldOpenUntilPeerCloses]]);
    let ground = Ground::new(open, "");
    let (answer, mut client) = ground.ask(ask(""));
    assert!(answer.whole && answer.text() == DONE, "a stream that said that it is done is done");
    assert!(client.ask(ask("")).whole);
}

#[test]
fn a_document_that_breaks_after_its_first_byte_is_cut_and_never_ended() {
    let large = format!(r#"{{"content":"{}""#, "x".repeat(100_000));
    let head = |fields: &str| format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{fields}\r\n");
    let coded = format!("{}{:x}\r\n{large}\r\n", head("transfer-encoding: chunked\r\n"), large.len());
    let scripts = [
        ("closed", vec![Step::send(&coded), Step::Close]),
        ("no chunk", vec![Step::send(&coded), Step::send("nonsense")]),
        (
            "half a document, ended",
            vec![Step::send(&coded), Step::Pause(Duration::from_millis(50)), Step::last_chunk()],
        ),
        ("half a length", vec![Step::send(head("content-length: 200000\r\n") + &large), Step::Close]),
        (
            "lasts as long as its connection",
            vec![Step::send(head("") + &large), Step::Pause(Duration::from_millis(50)), Step::Close],
        ),
        ("stalled", vec![Step::send(&coded), Step::HoldOpenUntilPeerCloses]),
    ];
    for (what, script) in scripts {
        let settings = "[gateway.limits]\nhold_bytes_max = \"1KiB\"\n[gateway.deadlines]\nbetween_chunks = \"300ms\"\n";
        let ground = Ground::new(Scripted::start(vec![script]), settings);
        let (answer, mut client) = ground.ask(chat_with(r#"{"model":"gpt"}"#));
        assert_eq!(answer.status, 200, "{what}");
        assert!(!answer.whole && large.starts_with(&answer.text()), "{what}: an end that is none");
        client.expect_closed();
        let old = chat_with(r#"{"model":"gpt"}"#).replace("HTTP/1.1", "HTTP/1.0");
        let (answer, _) = ground.ask(old);
        // HTTP/1.0 has no sign for it; the document has.
        assert!(serde_json::from_slice::<Value>(&answer.body).is_err(), "{what}");
        ground.expect_calm();
    }
}
