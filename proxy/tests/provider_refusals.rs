//! What a provider refuses, fails or delays is told to the caller in the caller's terms, and never with our credential.

mod common;

use std::net::TcpListener;
use std::time::Duration;

use common::request::chat_with;
use common::{CANARY, Ground, JSON_ANSWER, config, gateway};
use serde_json::json;
use tollgate_testkit::{Gateway, Scripted, Step};

const INVALID: &str = "invalid_request_error";

/// One gateway in front of many providers; a provider is asked as `p<number>/m`.
fn behind(providers: &[Scripted], settings: &str) -> Gateway {
    let urls: Vec<_> = providers.iter().map(Scripted::url).collect();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    gateway(&config(&urls, settings))
}

fn ask(gateway: &Gateway, number: usize) -> common::Answer {
    common::Raw::connect(gateway.port()).ask(chat_with(&format!(r#"{{"model":"p{number}/m"}}"#)))
}

/// The gateway never panicked and told nobody the credential.
fn expect_calm(gateway: &Gateway) {
    let metrics = "GET /metrics HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n";
    let metrics = common::Raw::connect(gateway.operations_port()).ask(metrics).text();
    let log = gateway.log().join("\n");
    assert!(!log.contains("panicked") && !log.contains(CANARY), "{log}");
    assert!(metrics.contains("tollgate_") && !metrics.contains(CANARY), "{metrics}");
}

#[test]
fn a_status_of_the_provider_becomes_what_it_means_to_the_caller() {
    // Every answer carries our credential in every place where text can stand.
    let says = json!({"error": {"message": format!("key {CANARY}"), "type": CANARY, "code": CANARY, "param": CANARY}});
    let unavailable = (502, "server_error", "provider_unavailable");
    let (overloaded, timeout) = ((503, "server_error", "provider_overloaded"), (504, "server_error", "timeout"));
    let limited = (429, "requests", "rate_limit_exceeded");
    let passed_on = |status| (status, INVALID, "[redacted]");
    let table = [
        (300, unavailable),
        (302, unavailable),
        (304, unavailable),
        (400, passed_on(400)),
        (401, unavailable),
        (402, unavailable),
        (403, unavailable),
        (404, passed_on(404)),
        (405, unavailable),
        (408, timeout),
        (409, passed_on(409)),
        (413, passed_on(413)),
        (415, passed_on(415)),
        (422, passed_on(422)),
        (429, limited),
        (499, unavailable),
        (500, unavailable),
        (501, unavailable),
        (502, unavailable),
        (503, overloaded),
        (504, timeout),
        (529, overloaded),
        (599, unavailable),
    ];
    let providers: Vec<_> = table.iter().map(|(status, _)| Scripted::json(*status, &says.to_string())).collect();
    let gateway = behind(&providers, "");
    for (number, (status, (expected, kind, code))) in table.iter().enumerate() {
        let what = format!("the provider's {status}");
        for _ in 0..2 {
            let answer = ask(&gateway, number);
            let error = answer.expect_error(&what, *expected, kind, code);
            let said = format!("{}{}", answer.head, answer.text());
            assert!(!said.contains(CANARY), "{what}: {said}");
            assert_eq!(error["metadata"]["source"] == "provider", *status == 429, "{what}: {error}");
            assert!(!answer.closes(), "{what}");
        }
        assert_eq!(providers[number].requests().len(), 2, "{what} is not asked again");
        assert_eq!(providers[number].requests()[0].header("authorization"), Some(format!("Bearer {CANARY}")));
    }
    expect_calm(&gateway);
}

#[test]
fn a_providers_complaint_about_the_request_is_passed_on() {
    let complaint = r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#;
    let text = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html>no</htm";
    let bare = r#"{"error":"just text"}"#;
    let without_code = r#"{"error":{"message":"no such thing","type":"not_found_error","param":null,"code":null}}"#;
    let providers = [
        Scripted::json(400, complaint),
        Scripted::start(vec![vec![Step::send(text)]]),
        Scripted::json(400, bare),
        Scripted::json(404, without_code),
        Scripted::json(400, ""),
        Scripted::json(400, &format!(r#"{{"error":{{"message":"{}"}}}}"#, "x".repeat(200_000))),
    ];
    let gateway = behind(&providers, "");
    let error = ask(&gateway, 0).expect_error("too long", 400, INVALID, "context_length_exceeded");
    assert_eq!(error["message"], "This model's maximum context length is 8192 tokens.");
    assert_eq!(error["param"], "messages");
    let error = ask(&gateway, 1).expect_error("not JSON", 400, INVALID, "invalid_value");
    assert!(!error.to_string().contains("html"), "{error}");
    let error = ask(&gateway, 2).expect_error("bare text", 400, INVALID, "invalid_value");
    assert_eq!(error["message"], "just text");
    let error = ask(&gateway, 3).expect_error("no code", 404, INVALID, "not_found_error");
    assert_eq!(error["message"], "no such thing");
    ask(&gateway, 4).expect_error("no body", 400, INVALID, "invalid_value");
    let error = ask(&gateway, 5).expect_error("a very long body", 400, INVALID, "invalid_value");
    assert!(error.to_string().len() < 1000, "{error}");
    expect_calm(&gateway);
}

#[test]
fn a_providers_rate_limit_says_when_to_come_back() {
    let limited = |fields: &str| {
        let head = format!("HTTP/1.1 429 Too Many\r\n{fields}content-type: application/json\r\ncontent-length: 2");
        Scripted::start(vec![vec![Step::send(format!("{head}\r\n\r\n{{}}"))]])
    };
    let table = [
        ("retry-after: 7\r\n", Some("7"), Some("7000")),
        ("retry-after-ms: 1500\r\n", Some("2"), Some("1500")),
        ("retry-after: 7\r\nretry-after-ms: 6500\r\n", Some("7"), Some("6500")),
        ("retry-after-ms: 6500\r\nretry-after: 7\r\n", Some("7"), Some("6500")),
        ("retry-after: 0\r\n", Some("0"), Some("0")),
        ("retry-after: soon\r\n", None, None),
        ("retry-after: -1\r\n", None, None),
        ("x-ratelimit-remaining-requests: 0\r\n", None, None),
    ];
    let providers: Vec<_> = table.iter().map(|(fields, ..)| limited(fields)).collect();
    let gateway = behind(&providers, "");
    for (number, (fields, seconds, millis)) in table.iter().enumerate() {
        let answer = ask(&gateway, number);
        let error = answer.expect_error(fields, 429, "requests", "rate_limit_exceeded");
        assert_eq!(error["metadata"], json!({"source": "provider"}));
        assert_eq!((answer.header("retry-after"), answer.header("retry-after-ms")), (*seconds, *millis), "{fields}");
        assert!(!answer.head.contains("ratelimit"), "{}", answer.head);
    }
}

#[test]
fn a_provider_that_is_not_there_is_unavailable() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = format!("http://{}", taken.local_addr().expect("an address"));
    drop(taken);
    let gateway = gateway(&config(&[&nobody, "http://no-such-host.invalid"], ""));
    for number in 0..2 {
        let answer = ask(&gateway, number);
        answer.expect_error("not there", 502, "server_error", "provider_unavailable");
        assert!(!answer.text().contains("127.0.0.1") && !answer.text().contains("invalid\""), "{}", answer.text());
    }
    expect_calm(&gateway);
}

#[test]
fn a_provider_that_takes_too_long_is_given_up_on() {
    // It accepts and never answers the handshake.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let deaf = format!("https://{}", silent.local_addr().expect("an address"));
    let mute = Scripted::start(vec![vec![Step::HoldOpenUntilPeerCloses]]);
    let half = Scripted::start(vec![vec![
        Step::send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"half\":"),
        Step::HoldOpenUntilPeerCloses,
    ]]);
    let headless = Scripted::start(vec![vec![Step::send("HTTP/1.1 200 OK\r\ncontent"), Step::HoldOpenUntilPeerCloses]]);
    let slow = Scripted::start(vec![
        std::iter::once(Step::send(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n",
        ))
        .chain((0..1000).flat_map(|_| [Step::send(" "), Step::Pause(Duration::from_millis(20))]))
        .collect(),
    ]);
    let settings = "[gateway.deadlines]\nconnect = \"200ms\"\nfirst_byte = \"250ms\"\nbetween_chunks = \"300ms\"\n\
                    total = \"900ms\"\n";
    let urls = [deaf, mute.url(), half.url(), headless.url(), slow.url()];
    let gateway = gateway(&config(&urls.each_ref().map(String::as_str), settings));
    for (number, (what, at_least)) in
        [("connect", 200), ("first byte", 250), ("between chunks", 300), ("half a head", 250), ("in total", 900)]
            .into_iter()
            .enumerate()
    {
        let started = std::time::Instant::now();
        ask(&gateway, number).expect_error(what, 504, "server_error", "timeout");
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(at_least), "{what}: only {took:?}");
        assert!(took < Duration::from_millis(at_least + 2000), "{what}: {took:?}");
    }
    for provider in [&mute, &half, &headless, &slow] {
        provider.wait_for_hangup();
        assert_eq!(provider.requests().len(), 1, "a request that was sent is not sent again");
    }
    drop(silent);
    expect_calm(&gateway);
}

#[test]
fn a_failed_request_changes_nothing_for_the_next_one_of_the_same_client() {
    let scripts = vec![
        vec![Step::json(500, "{}")],
        vec![Step::json(200, JSON_ANSWER)],
        vec![Step::Close],
        vec![Step::json(200, JSON_ANSWER)],
    ];
    let ground = Ground::new(Scripted::start(scripts), "");
    let mut client = ground.connect();
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(client.ask(common::request::plain()).status);
    }
    // The third request found its kept connection closed and was sent once more.
    assert_eq!(statuses, [502, 200, 200]);
    assert_eq!(ground.provider.requests().len(), 4);
    ground.expect_calm();
}
