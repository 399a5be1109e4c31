//! Every way to ask wrongly gets the one answer that docs promise for it, and changes nothing for the next request.

mod common;

use common::request::{BODY, chat, chat_with, in_chunks, plain};
use common::{CANARY, CLOSED_KEY, Ground, JSON_ANSWER, KEY, NARROW_KEY, Raw, config, gateway};
use serde_json::Value;
use tollgate_testkit::Scripted;

const INVALID: &str = "invalid_request_error";

/// A request without a credential.
fn bare(line: &str, fields: &str) -> String {
    format!("{line} HTTP/1.1\r\nhost: t\r\n{fields}content-length: 0\r\n\r\n")
}

/// The request gets this error; the connection goes on, the provider is not asked, and the next client is served.
#[track_caller]
fn check(ground: &Ground, what: &str, request: &str, status: u16, code: &str) -> Value {
    let before = ground.provider.requests().len();
    let (answer, mut client) = ground.ask(request);
    let error = answer.expect_error(what, status, INVALID, code);
    assert!(!answer.closes(), "{what}: a request that was read whole needs no end of the connection");
    assert_eq!(ground.provider.requests().len(), before, "{what}: the provider was asked");
    for next in [&mut client, &mut ground.connect()] {
        assert_eq!(next.ask(plain()).text(), JSON_ANSWER, "after {what}");
    }
    error
}

#[test]
fn who_is_not_known_is_told_so_and_nothing_else() {
    let ground = Ground::json();
    let bearer = |key: &str| format!("authorization: Bearer {key}\r\n");
    for (what, target, fields) in [
        ("no key", "/v1/models", String::new()),
        ("an empty key", "/v1/models", bearer("")),
        ("an empty key field", "/v1/models", "x-api-key:\r\n".to_owned()),
        ("an unknown key", "/v1/models", bearer(CLOSED_KEY)),
        ("another scheme", "/v1/models", format!("authorization: Basic {KEY}\r\n")),
        ("no scheme", "/v1/models", format!("authorization: {KEY}\r\n")),
        ("two schemes", "/v1/models", bearer(&format!("Bearer {KEY}"))),
        ("a key with more after it", "/v1/models", bearer(&format!("{KEY} "))),
        ("a key in other letters", "/v1/models", bearer(&KEY.to_uppercase())),
        ("half a key", "/v1/models", bearer(&KEY[..KEY.len() - 1])),
        ("a very long key", "/v1/models", bearer(&"x".repeat(10_000))),
        ("the provider's credential", "/v1/models", bearer(CANARY)),
        ("keys that disagree", "/v1/models", format!("{}x-api-key: {CLOSED_KEY}\r\n", bearer(KEY))),
        ("keys that disagree, the right one second", "/v1/models", format!("api-key: x\r\nx-api-key: {KEY}\r\n")),
        ("the same field twice", "/v1/models", format!("{}{}", bearer(KEY), bearer(KEY))),
        ("a query that disagrees", "/v1/models?key=other", bearer(KEY)),
        ("two queries that disagree", &format!("/v1/models?key={KEY}&key=other"), String::new()),
        ("a key in another query", &format!("/v1/models?keys={KEY}"), String::new()),
    ] {
        if what == "a key with more after it" {
            // White space around a field's value is no part of it (RFC 9110, 5.5).
            assert_eq!(ground.ask(bare(&format!("GET {target}"), &fields)).0.status, 200);
            continue;
        }
        let error = check(&ground, what, &bare(&format!("GET {target}"), &fields), 401, "invalid_api_key");
        assert!(error["param"].is_null(), "{what}");
        let (answer, _) = ground.ask(bare(&format!("GET {target}"), &fields));
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{what}");
        let said = format!("{}{}", answer.head, answer.text());
        assert!(!said.contains(KEY) && !said.contains(CLOSED_KEY) && !said.contains(CANARY), "{what}: {said}");
    }
    ground.expect_calm();
    let log = ground.gateway.log().join("\n");
    assert!(!log.contains(KEY) && !log.contains(CLOSED_KEY), "a key is in the log");
}

#[test]
fn a_key_is_accepted_however_it_is_sent() {
    let ground = Ground::json();
    for (target, fields) in [
        ("/v1/models", format!("authorization: bearer   {KEY}\r\n")),
        ("/v1/models", format!("x-api-key: {KEY}\r\n")),
        ("/v1/models", format!("api-key: {KEY}\r\n")),
        ("/v1/models", format!("x-goog-api-key: {KEY}\r\n")),
        (&format!("/v1/models?a=b&key={KEY}"), String::new()),
        (&format!("/v1/models?key={}", KEY.replace('-', "%2D")), format!("X-API-KEY: {KEY}\r\n")),
    ] {
        let (answer, _) = ground.ask(bare(&format!("GET {target}"), &fields));
        let list = answer.json();
        // Who shows a key as Google's SDK does gets the list as Google has it.
        let (models, name) = if list["models"].is_array() { ("models", "baseModelId") } else { ("data", "id") };
        let names: Vec<_> = list[models].as_array().into_iter().flatten().map(|model| model[name].clone()).collect();
        assert_eq!((answer.status, names), (200, vec!["gpt".into(), "alias".into(), "narrow".into()]), "{fields}");
    }
    ground.expect_calm();
    assert!(!ground.gateway.log().join("\n").contains(KEY), "a key is in the log");
}

#[test]
fn keys_in_other_gateways_headers_are_taken_only_where_that_is_wanted() {
    for (settings, status) in [("", 401), ("migrated_keys = true\n", 200)] {
        let url = Scripted::json(200, JSON_ANSWER);
        let config = config(&[&url.url()], "").replace("threads = 2\n", &format!("threads = 2\n{settings}"));
        let gateway = gateway(&config);
        for header in ["x-litellm-api-key", "x-bf-vk", "x-portkey-api-key"] {
            let request = bare("GET /v1/models", &format!("{header}: {KEY}\r\n"));
            assert_eq!(Raw::connect(gateway.port()).ask(request).status, status, "{header} with {settings:?}");
        }
    }
}

#[test]
fn an_endpoint_that_is_not_there_is_not_found() {
    let ground = Ground::json();
    for target in [
        "/",
        "/v1",
        "/v1/",
        "/v1/chat",
        "/v1/chat/completions/x",
        "/v2/models",
        "/V1/models",
        "/metrics",
        "/health/ready",
        "/v1/responses/resp_1?a=b",
        "/v1/models/%",
        "/v1/models/%ff",
        "/v1/files",
    ] {
        let request = bare(&format!("POST {target}"), &format!("authorization: Bearer {KEY}\r\n"));
        check(&ground, target, &request, 404, "unknown_url");
        check(&ground, target, &bare(&format!("GET {target}"), ""), 404, "unknown_url");
    }
    for (line, allow) in [
        ("GET /v1/chat/completions", "POST"),
        ("DELETE /v1/embeddings", "POST"),
        ("post /v1/completions", "POST"),
        ("POST /v1/models", "GET"),
        ("PUT /v1/models/gpt", "GET"),
    ] {
        let request = bare(line, &format!("authorization: Bearer {KEY}\r\n"));
        check(&ground, line, &request, 405, "method_not_allowed");
        assert_eq!(ground.ask(&request).0.header("allow"), Some(allow), "{line}");
    }
    ground.expect_calm();
}

#[test]
fn an_answer_to_head_has_no_body() {
    let ground = Ground::json();
    let head = bare("HEAD /v1/models", &format!("authorization: Bearer {KEY}\r\n"));
    let mut client = ground.connect();
    // RFC 9110, 9.3.2: a body here would be taken for the next answer.
    let (first, second) = (client.send(format!("{head}{}", plain())).head(), client.head());
    assert!(first.starts_with("HTTP/1.1 405") && second.starts_with("HTTP/1.1 200"), "{first}{second}");
}

#[test]
fn a_model_that_cannot_be_had_is_named() {
    let ground = Ground::json();
    let ask = |model: &str| chat_with(&format!(r#"{{"model":"{model}"}}"#));
    let long = "x".repeat(20_000);
    for model in ["gpt-unknown", "GPT", "p9/gpt", "gpt/", "/gpt", " gpt", "p0", "\\u0000", "\\\"<script>", &long] {
        let error = check(&ground, model, &ask(model), 404, "model_not_found");
        assert_eq!(error["param"], "model");
        assert!(error.to_string().len() < 1000, "{error}");
    }
    for model in ["gpt", "alias", "p0/gpt", "p0/anything"] {
        let error = check(&ground, model, &ask(model).replace(KEY, NARROW_KEY), 403, "model_not_allowed");
        assert_eq!(error["param"], "model");
    }
    assert_eq!(ground.ask(ask("narrow").replace(KEY, NARROW_KEY)).0.status, 200);
    let one = |id: &str, key: &str| {
        let fields = format!("authorization: Bearer {key}\r\n");
        ground.ask(bare(&format!("GET /v1/models/{id}"), &fields)).0
    };
    assert_eq!(one("p0%2Fgpt", KEY).json()["id"], "p0/gpt");
    let hidden = one("gpt", NARROW_KEY).expect_error("a hidden model", 404, INVALID, "model_not_found");
    let missing = one("tpg", NARROW_KEY).expect_error("no model", 404, INVALID, "model_not_found");
    let same = hidden["message"].as_str().map(|text| text.replace("gpt", "tpg"));
    assert_eq!(same.as_deref(), missing["message"].as_str(), "a model that is hidden looks like none");
    ground.expect_calm();
}

#[test]
fn a_body_that_is_no_request_is_told_what_is_wrong_with_it() {
    let ground = Ground::json();
    let deep = format!(r#"{{"model":"gpt","a":{}"#, "[".repeat(100_000));
    let many = (0..5000).fold(r#"{"model":"gpt""#.to_owned(), |body, n| format!("{body},\"{n}\":0")) + "}";
    for (what, body, param) in [
        ("nothing", "", None),
        ("white space", " \r\n\t", None),
        ("no JSON", "model=gpt", None),
        ("half an object", r#"{"model":"gpt""#, None),
        ("half a text", r#"{"model":"gp"#, None),
        ("a trailing comma", r#"{"model":"gpt",}"#, None),
        ("no comma", r#"{"model":"gpt" "a":1}"#, None),
        ("a comment", r#"{"model":"gpt"/*x*/}"#, None),
        ("single quotes", "{'model':'gpt'}", None),
        ("a line in a text", "{\"model\":\"gpt\",\"a\n\":1}", None),
        ("an array", r#"[{"model":"gpt"}]"#, None),
        ("a text", r#""gpt""#, None),
        ("a number", "7", None),
        ("null", "null", None),
        ("two objects", r#"{"model":"gpt"}{"model":"gpt"}"#, None),
        ("something after it", r#"{"model":"gpt"} x"#, None),
        ("a byte order mark", "\u{feff}{\"model\":\"gpt\"}", None),
        ("too deep", &deep, None),
        ("too many members", &many, None),
        ("no model", r#"{"messages":[]}"#, Some("model")),
        ("an empty object", "{}", Some("model")),
        ("an empty model", r#"{"model":""}"#, Some("model")),
        ("a model that is none", r#"{"model":7}"#, Some("model")),
        ("a model that is null", r#"{"model":null}"#, Some("model")),
        ("a stream that is neither", r#"{"model":"gpt","stream":"yes"}"#, Some("stream")),
        ("two models", r#"{"model":"gpt","model":"narrow"}"#, Some("model")),
        ("the same model twice", r#"{"model":"gpt","model":"gpt"}"#, Some("model")),
        ("two models, one in disguise", r#"{"model":"gpt","\u006dodel":"narrow"}"#, Some("model")),
        ("any key twice", r#"{"model":"gpt","a":1,"b":2,"a":3}"#, Some("a")),
        ("any key twice, in disguise", r#"{"model":"gpt","\u0061":1,"a":3}"#, Some("a")),
    ] {
        let error = check(&ground, what, &chat_with(body), 400, "invalid_value");
        assert_eq!(error["param"].as_str(), param, "{what}: {error}");
    }
    let body = b"{\"model\":\"\xff\xfe\"}";
    let mut request = chat(&format!("content-length: {}\r\n", body.len()), "").into_bytes();
    request.extend_from_slice(body);
    let (answer, _) = ground.ask(request);
    answer.expect_error("a model that is no text", 400, INVALID, "invalid_value");
    assert_eq!(ground.ask(plain()).0.status, 200);
    ground.expect_calm();
}

#[test]
fn a_body_beyond_the_bound_is_refused_announced_or_not() {
    let settings = "[gateway.limits]\nbody_bytes_max = \"4KiB\"\n";
    let mut ground = Ground::new(Scripted::json(200, JSON_ANSWER), settings);
    let body = |length: usize| format!(r#"{{"model":"gpt","a":"{}"}}"#, "x".repeat(length - 22));
    let chunked = |length: usize, sizes: &[usize]| {
        let framed = in_chunks(body(length).as_bytes(), sizes);
        chat("transfer-encoding: chunked\r\n", &String::from_utf8(framed).expect("ASCII"))
    };
    assert_eq!(ground.expect_accepted("the bound itself", chat_with(&body(4096))).len(), 4096);
    assert_eq!(ground.expect_accepted("the bound itself", chunked(4096, &[1000])).len(), 4096);
    ground.expect_refused("announced", chat("content-length: 4097\r\n", ""), 413, "request_too_large");
    ground.expect_refused("absurd", chat("content-length: 999999999999999999\r\n", ""), 413, "request_too_large");
    let endless = chat("transfer-encoding: chunked\r\n", &format!("fffffff\r\n{}", "x".repeat(5000)));
    ground.expect_refused("one chunk without an end", endless, 413, "request_too_large");
    for (length, sizes) in [(4097, &[1000][..]), (4097, &[1]), (100_000, &[500]), (3_000_000, &[65_536])] {
        let (answer, _) = ground.ask(chunked(length, sizes));
        answer.expect_error("in chunks", 413, INVALID, "request_too_large");
        ground.expect_served("too many chunks");
    }
    let (answer, _) = ground.ask(chat_with(&body(3_000_000)));
    answer.expect_error("sent without waiting for leave", 413, INVALID, "request_too_large");
    ground.expect_served("a large body");
    ground.expect_calm();
}

#[test]
fn an_encoded_body_is_not_read() {
    let ground = Ground::json();
    for encoding in ["gzip", "br", "zstd", "x-evil\"\\", "identity, gzip", "gzip, identity"] {
        let request = chat(&format!("content-encoding: {encoding}\r\ncontent-length: {}\r\n", BODY.len()), BODY);
        check(&ground, encoding, &request, 415, "unsupported_content_encoding");
    }
    for fields in ["content-encoding: identity\r\n", "content-encoding: Identity\r\n"] {
        let request = chat(&format!("{fields}content-length: {}\r\n", BODY.len()), BODY);
        assert_eq!(ground.ask(request).0.status, 200, "{fields}");
    }
    ground.expect_calm();
}

#[test]
fn twenty_wrong_requests_in_a_row_leave_the_connection_in_order() {
    let ground = Ground::json();
    let wrong = [
        chat_with("{"),
        chat_with(r#"{"model":"gpt-unknown"}"#),
        chat_with(BODY).replace(KEY, CLOSED_KEY),
        bare("GET /nowhere", ""),
    ];
    let mut client: Raw = ground.connect();
    for _ in 0..5 {
        for (request, status) in wrong.iter().zip([400, 404, 401, 404]) {
            assert_eq!(client.ask(request).status, status);
        }
        assert_eq!(client.ask(plain()).text(), JSON_ANSWER);
    }
    assert_eq!(ground.provider.requests().len(), 5);
    ground.expect_calm();
}
