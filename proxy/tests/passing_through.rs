//! What goes through goes through unchanged, and what does not belong to the other side does not reach it.

mod common;

use common::request::{chat, chat_with, plain};
use common::{CANARY, Ground, JSON_ANSWER, KEY};
use serde_json::Value;
use tollgate_testkit::{Scripted, Step};

#[test]
fn a_body_goes_through_byte_by_byte_except_for_the_documented_edits() {
    let ground = Ground::json();
    let usage = r#""stream_options":{"include_usage":true},"#;
    for (body, sent) in [
        (r#" {  "model" : "gpt" , "messages":[ ] , "unknown" : {"a":1.50e+2,"b":"\u00e9\/"} } "#, None),
        ("{\r\n\t\"messages\":[],\r\n\t\"model\":\"gpt\"\r\n}", None),
        (r#"{"model":"gp\u0074"}"#, None),
        (r#"{"model":"gpt","stream":false}"#, None),
        (r#"{"model":"gpt","stream":null}"#, None),
        (r#"{"model":"gpt","stream":false,"stream_options":{"include_usage":false}}"#, None),
        (r#"{"model":"gpt","é":"日本語 \ud83d\ude00","num":123456789012345678901234567890}"#, None),
        (r#"{"model":"alias"}"#, Some(r#"{"model":"gpt-real"}"#.to_owned())),
        (
            r#"{"a":"alias", "model" : "alias" ,"b":"alias"}"#,
            Some(r#"{"a":"alias", "model" : "gpt-real" ,"b":"alias"}"#.into()),
        ),
        (r#"{"model":"p0/x/y"}"#, Some(r#"{"model":"x/y"}"#.to_owned())),
        (r#"{"model":"p0/gpt"}"#, Some(r#"{"model":"gpt"}"#.to_owned())),
        (r#"{"model":"gpt","stream":true}"#, Some(format!(r#"{{{usage}"model":"gpt","stream":true}}"#))),
        (r#"{"model":"alias","stream":true}"#, Some(format!(r#"{{{usage}"model":"gpt-real","stream":true}}"#))),
        (r#"{"model":"gpt","stream":true,"stream_options":{"include_usage":true}}"#, None),
    ] {
        let answer = ground.ask(chat_with(body)).0;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
        let got = ground.provider.requests().last().map(tollgate_testkit::Recorded::text);
        assert_eq!(got.as_deref(), Some(sent.as_deref().unwrap_or(body)));
    }
    ground.expect_calm();
}

#[test]
fn every_endpoint_leads_to_its_own_at_the_provider() {
    let ground = Ground::json();
    for (target, line) in [
        ("/v1/chat/completions", "POST /v1/chat/completions HTTP/1.1"),
        ("/v1/completions?a=b", "POST /v1/completions HTTP/1.1"),
        ("/v1/embeddings", "POST /v1/embeddings HTTP/1.1"),
    ] {
        assert_eq!(ground.ask(plain().replace("/v1/chat/completions", target)).0.status, 200);
        assert_eq!(ground.provider.requests().last().map(tollgate_testkit::Recorded::line).as_deref(), Some(line));
    }
    let streamed = r#"{"model":"gpt","stream":true}"#;
    let request = chat_with(streamed).replace("/v1/chat/completions", "/v1/embeddings");
    assert_eq!(ground.ask(request).0.status, 200);
    let sent = ground.provider.requests().last().map(tollgate_testkit::Recorded::text);
    assert_eq!(sent.as_deref(), Some(streamed), "embeddings have no stream to ask usage of");
}

#[test]
fn a_clients_headers_do_not_reach_the_provider() {
    let ground = Ground::json();
    let fields = format!(
        "cookie: secret=1\r\nx-api-key: {KEY}\r\nx-forwarded-for: 10.0.0.1\r\nforwarded: for=10.0.0.1\r\n\
         openai-organization: org-theirs\r\nopenai-project: proj-theirs\r\nx-request-id: mine-1\r\nreferer: http://x\r\n\
         user-agent: OpenAI/Python\r\naccept: text/html\r\naccept-encoding: gzip\r\ncontent-type: text/plain\r\n\
         connection: keep-alive, x-hop\r\nx-hop: 1\r\nte: trailers\r\nupgrade: h2c\r\nproxy-authorization: Basic eA==\r\n\
         x-stainless-os: Linux\r\ncontent-length: {}\r\n",
        common::request::BODY.len()
    );
    assert_eq!(ground.ask(chat(&fields, common::request::BODY)).0.status, 200);
    let request = &ground.provider.requests()[0];
    let head = String::from_utf8(request.head.clone()).expect("ASCII");
    let mut names: Vec<_> =
        head.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0.to_ascii_lowercase())).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "authorization", "content-length", "content-type", "host", "user-agent"], "{head}");
    assert_eq!(request.header("authorization"), Some(format!("Bearer {CANARY}")));
    assert_eq!(request.header("host"), Some(ground.provider.address().to_string()));
    assert_eq!(request.header("content-type").as_deref(), Some("application/json"));
    assert!(request.header("user-agent").is_some_and(|agent| agent.starts_with("tollgate/")));
    assert!(!head.contains(KEY) && !head.contains("theirs"), "{head}");
}

#[test]
fn a_providers_headers_do_not_reach_the_client() {
    let fields = "set-cookie: a=b\r\nopenai-organization: org-ours\r\nopenai-processing-ms: 7\r\nserver: x\r\nvia: 1.1 y\r\n\
                  x-ratelimit-remaining-requests: 9\r\nx-request-id: req_theirs\r\ncf-ray: z\r\nalt-svc: h3\r\n\
                  date: Thu, 01 Jan 1970 00:00:00 GMT\r\nwww-authenticate: Basic\r\naccess-control-allow-origin: *\r\n\
                  x-tollgate-cost-usd: 99\r\nkeep-alive: timeout=5\r\nlocation: http://internal\r\n";
    let length = JSON_ANSWER.len();
    let json = format!(
        "HTTP/1.1 200 OK\r\n{fields}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{JSON_ANSWER}"
    );
    let refused = format!("HTTP/1.1 429 No\r\n{fields}content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}");
    let events = format!("HTTP/1.1 200 OK\r\n{fields}content-type: text/event-stream\r\n\r\ndata: [DONE]\n\n");
    let scripts = vec![vec![Step::send(json)], vec![Step::send(refused)], vec![Step::send(events), Step::Close]];
    let ground = Ground::new(Scripted::start(scripts), "");
    let ours = [
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "date",
        "transfer-encoding",
        "x-accel-buffering",
        "x-request-id",
    ];
    for status in [200, 429, 200] {
        let answer = ground.ask(plain()).0;
        assert_eq!(answer.status, status);
        let mut seen = Vec::new();
        for line in answer.head.lines().skip(1).filter(|line| !line.is_empty()) {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            assert!(ours.contains(&name.as_str()) || name.starts_with("x-tollgate-"), "{line}");
            assert!(!seen.contains(&name), "{name} came twice: {}", answer.head);
            seen.push(name);
        }
        for theirs in ["theirs", "ours", "1970", ": 99", "internal"] {
            assert!(!answer.head.contains(theirs), "{}", answer.head);
        }
    }
}

#[test]
fn a_request_has_the_clients_id_or_a_new_one() {
    let ground = Ground::json();
    let ask = |fields: &str| {
        let request = plain().replace("host: t\r\n", &format!("host: t\r\n{fields}"));
        ground.ask(request).0.header("x-request-id").unwrap_or_default().to_owned()
    };
    assert_eq!(ask("x-request-id: my-id.1:2_3\r\n"), "my-id.1:2_3");
    assert_eq!(ask("x-client-request-id: mine\r\n"), "mine");
    assert_eq!(ask("x-client-request-id: second\r\nX-Request-Id: first\r\n"), "first");
    let long = format!("x-request-id: {}\r\n", "x".repeat(65));
    let made: Vec<_> =
        ["", "x-request-id: a b\r\n", "x-request-id: \"\r\n", "x-request-id:\r\n", &long].map(ask).into();
    for id in &made {
        assert!(id.len() == 36 && id.starts_with("req_"), "{id}");
        assert!(ground.gateway.wait_for_log(id).contains("\"tollgate.outcome\":\"complete\""));
    }
    let mut distinct = made.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), made.len());
}

#[test]
fn what_a_request_used_stands_in_its_answer_and_in_the_log() {
    let answer = r#"{"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":10,"prompt_tokens_details":{"cached_tokens":50}}}"#;
    let ground = Ground::new(Scripted::json(200, answer), "");
    let request = plain().replace("host: t\r\n", "host: t\r\nx-request-id: used\r\n");
    let got = ground.ask(request).0;
    for (name, value) in [
        ("x-tollgate-model", "p0/gpt"),
        ("x-tollgate-attempts", "1"),
        ("x-tollgate-tokens-input", "100"),
        ("x-tollgate-tokens-output", "10"),
        ("x-tollgate-cost-usd", "0.000250000"),
        ("x-tollgate-cost-cache-read", "0.000050000"),
    ] {
        assert_eq!(got.header(name), Some(value), "{name}: {}", got.head);
    }
    assert!(got.header("x-tollgate-overhead-us").is_some_and(|us| us.parse::<u64>().is_ok()), "{}", got.head);
    let line: Value = serde_json::from_str(&ground.gateway.wait_for_log("\"used\"")).expect("a line of JSON");
    for (name, value) in [
        ("http.response.status_code", Value::from(200)),
        ("tollgate.deployment", "p0/gpt".into()),
        ("tollgate.tokens.input", 100.into()),
        ("tollgate.tokens.output", 10.into()),
        ("tollgate.tokens.cache_read", 50.into()),
        ("tollgate.cost_usd", "0.000250000".into()),
        ("http.response.body.bytes", answer.len().into()),
    ] {
        assert_eq!(line[name], value, "{name}: {line}");
    }
    assert!(ground.metrics().contains("tollgate_requests_total"));
    ground.expect_calm();
}

#[test]
fn connections_are_kept_on_both_sides() {
    let ground = Ground::json();
    let mut client = ground.connect();
    for count in 1..=50 {
        assert_eq!(client.ask(plain()).text(), JSON_ANSWER);
        assert_eq!(ground.provider.requests().len(), count);
    }
    assert_eq!(ground.provider.connections(), 1);
}
