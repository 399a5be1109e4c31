//! A deployment that fails before the client has a byte is replaced by another one, and the client knows nothing of it.

mod common;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use common::request::{chat_with, streamed};
use common::{Answer, JSON_ANSWER, PATIENCE, Raw, config, gateway};
use tollgate_testkit::{Gateway, Scripted, Step};

const ROLE: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
const TEXT: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";
const STOP: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";
const FAILURE: &str = "data: {\"error\":{\"message\":\"overloaded\"}}\n\n";

/// A gateway whose model `m` is served by all of these, the first one first.
fn before(urls: &[&str], settings: &str) -> Gateway {
    let mut text = format!("{settings}\n[routing]\nstrategy = \"priority\"\n");
    for number in 0..urls.len() {
        text.push_str(&format!(
            "[[deployments]]\nmodel = \"m\"\nprovider = \"p{number}\"\npriority = {number}\n\
             price = {{ input = \"1\", output = \"1\" }}\n"
        ));
    }
    gateway(&config(urls, &text))
}

fn ask(gateway: &Gateway, stream: bool) -> Answer {
    let body = if stream { streamed("m") } else { r#"{"model":"m","messages":[]}"#.to_owned() };
    Raw::connect(gateway.port()).ask(chat_with(&body))
}

/// A provider that answers whole, or with a stream.
fn good(stream: bool) -> Scripted {
    if stream { Scripted::sse(&[ROLE, TEXT, STOP, DONE]) } else { Scripted::json(200, JSON_ANSWER) }
}

fn expect_rescued(answer: &Answer, stream: bool, what: &str) {
    assert_eq!(answer.status, 200, "{what}: {}{}", answer.head, answer.text());
    let expected = if stream { [ROLE, TEXT, STOP, DONE].concat() } else { JSON_ANSWER.to_owned() };
    assert_eq!(answer.text(), expected, "{what}");
    assert_eq!(answer.header("x-tollgate-model"), Some("p1/m"), "{what}");
    assert_eq!(answer.header("x-tollgate-attempts"), Some("2"), "{what}");
}

/// Says that a first deployment with this script is replaced by a second one.
#[track_caller]
fn expect_rescue(what: &str, script: Vec<Step>, stream: bool) {
    let (bad, second) = (Scripted::start(vec![script]), good(stream));
    let gateway = before(&[&bad.url(), &second.url()], "[gateway.deadlines]\nfirst_byte = \"400ms\"");
    expect_rescued(&ask(&gateway, stream), stream, what);
    assert_eq!((bad.requests().len(), second.requests().len()), (1, 1), "{what}");
}

#[test]
fn a_refused_connection_is_replaced() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    for stream in [false, true] {
        let second = good(stream);
        let gateway = before(&[&format!("http://{closed}"), &second.url()], "");
        expect_rescued(&ask(&gateway, stream), stream, "a refused connection");
    }
}

#[test]
fn a_hang_is_replaced_once_the_time_for_the_first_word_is_over() {
    for stream in [false, true] {
        let script = vec![Step::HoldOpenUntilPeerCloses];
        let (bad, second) = (Scripted::start(vec![script]), good(stream));
        let gateway = before(&[&bad.url(), &second.url()], "[gateway.deadlines]\nfirst_byte = \"400ms\"");
        let begin = Instant::now();
        expect_rescued(&ask(&gateway, stream), stream, "a hang");
        let took = begin.elapsed();
        assert!(took >= Duration::from_millis(400) && took < PATIENCE, "{took:?}");
    }
}

#[test]
fn statuses_that_are_the_providers_fault_are_replaced() {
    for status in [401, 403, 404, 408, 429, 500, 502, 503, 504, 529] {
        for stream in [false, true] {
            expect_rescue(&format!("status {status}"), vec![Step::json(status, "{\"error\":{}}"), Step::Close], stream);
        }
    }
}

#[test]
fn a_reset_anywhere_before_the_first_word_is_replaced() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let role = format!("{:x}\r\n{ROLE}\r\n", ROLE.len());
    let whole = format!("{head}{role}");
    for cut in [0, 1, 30, head.len() - 1, head.len(), head.len() + 20, whole.len() - 1, whole.len()] {
        expect_rescue(&format!("a reset after {cut} bytes"), vec![Step::send(&whole[..cut]), Step::Reset], true);
        expect_rescue(&format!("an end after {cut} bytes"), vec![Step::send(&whole[..cut]), Step::Close], true);
    }
}

#[test]
fn a_document_that_breaks_off_is_replaced() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 200\r\n\r\n";
    for sent in [head.to_owned(), format!("{head}{{\"id\":")] {
        expect_rescue("half a document", vec![Step::send(&sent), Step::Close], false);
    }
}

#[test]
fn an_error_event_or_an_end_without_a_word_is_replaced() {
    for events in [vec![FAILURE], vec![ROLE, FAILURE], vec![ROLE], vec![]] {
        let mut script = vec![Step::sse_head()];
        script.extend(events.iter().map(Step::chunk));
        script.push(Step::last_chunk());
        expect_rescue(&format!("{events:?}"), script, true);
    }
}

#[test]
fn a_stream_that_stalls_before_the_first_word_is_replaced() {
    let script = vec![Step::sse_head(), Step::chunk(ROLE), Step::HoldOpenUntilPeerCloses];
    expect_rescue("a stall after the role", script, true);
}

#[test]
fn a_stream_that_breaks_after_a_word_ends_with_an_error_and_is_never_begun_again() {
    let script = vec![Step::sse_head(), Step::chunk(ROLE), Step::chunk(TEXT), Step::Reset];
    let (bad, second) = (Scripted::start(vec![script]), good(true));
    let gateway = before(&[&bad.url(), &second.url()], "");
    let answer = ask(&gateway, true);
    assert_eq!(answer.status, 200);
    assert!(answer.text().starts_with(&[ROLE, TEXT].concat()), "{}", answer.text());
    assert!(answer.text().contains("\"error\"") && !answer.text().contains("[DONE]"), "{}", answer.text());
    assert!(second.requests().is_empty());
}

#[test]
fn a_mistake_of_the_caller_is_not_tried_elsewhere() {
    for status in [400, 413, 422] {
        let (bad, second) = (Scripted::json(status, r#"{"error":{"message":"no","type":"t"}}"#), good(false));
        let gateway = before(&[&bad.url(), &second.url()], "");
        assert_eq!(ask(&gateway, false).status, status);
        assert!(second.requests().is_empty(), "{status}");
    }
}

#[test]
fn a_limit_is_respected_by_the_requests_that_follow() {
    let limited = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 30\r\ncontent-type: application/json\r\n\
                   content-length: 2\r\n\r\n{}";
    let (bad, second) = (Scripted::start(vec![vec![Step::send(limited)]]), good(false));
    let gateway = before(&[&bad.url(), &second.url()], "");
    for _ in 0..4 {
        assert_eq!(ask(&gateway, false).status, 200);
    }
    assert_eq!(bad.requests().len(), 1, "it said when to come back");
}

#[test]
fn what_a_provider_has_against_one_request_takes_the_deployment_from_nobody_else() {
    for status in [403, 404] {
        let complaint = r#"{"error":{"message":"This is not a chat model","type":"invalid_request_error"}}"#;
        let provider = Scripted::json(status, complaint);
        let gateway = before(&[&provider.url()], "");
        for _ in 0..3 {
            assert_ne!(ask(&gateway, false).status, 503, "{status}");
        }
        assert_eq!(provider.requests().len(), 3, "each was asked for itself, and once");
    }
}

#[test]
fn a_limit_of_a_model_that_is_not_declared_is_told_and_not_tried_again() {
    let limited = Scripted::json(429, "{}");
    let gateway = before(&[&limited.url()], "");
    let answer = Raw::connect(gateway.port()).ask(chat_with(r#"{"model":"p0/other","messages":[]}"#));
    answer.expect_error("it is at its limit", 429, "requests", "rate_limit_exceeded");
    assert_eq!(limited.requests().len(), 1);
}

#[test]
fn with_nobody_left_the_last_failure_is_told() {
    let bad = [Scripted::json(500, "{}"), Scripted::json(503, "{}")];
    let gateway = before(&[&bad[0].url(), &bad[1].url()], "");
    let answer = ask(&gateway, false);
    assert!((500..=503).contains(&answer.status), "{}", answer.head);
    let asked: usize = bad.iter().map(|provider| provider.requests().len()).sum();
    assert_eq!(asked, 4, "as often as a request may be tried");
    let limited = Scripted::json(429, "{}");
    let gateway = before(&[&limited.url()], "");
    ask(&gateway, false).expect_error("all are at their limits", 429, "requests", "rate_limit_exceeded");
}

#[test]
fn one_deployment_alone_is_asked_again_after_a_pause() {
    let scripts = vec![vec![Step::json(500, "{}"), Step::Close], vec![Step::json(200, JSON_ANSWER)]];
    let provider = Scripted::start(scripts);
    let gateway = before(&[&provider.url()], "");
    let answer = ask(&gateway, false);
    assert_eq!((answer.status, answer.header("x-tollgate-attempts")), (200, Some("2")));
}

#[test]
fn retries_are_counted_and_logged() {
    let (bad, second) = (Scripted::json(500, "{}"), good(false));
    let gateway = before(&[&bad.url(), &second.url()], "");
    assert_eq!(ask(&gateway, false).status, 200);
    gateway.wait_for_log("\"tollgate.attempts\":2");
    let metrics = "GET /metrics HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n";
    let metrics = Raw::connect(gateway.operations_port()).ask(metrics).text();
    assert!(metrics.contains("tollgate_retries_total{provider=\"p0\"} 1"), "{metrics}");
}
