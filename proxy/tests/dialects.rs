//! Clients of one dialect, providers of another: requests and answers turned round, streams and errors among them.

mod common;

use common::{Answer, CANARY, Ground, KEY};
use serde_json::{Value, json};
use tollgate_testkit::{Scripted, Step};

const HEADERS: &str = "anthropic-version: 2026-10-21\r\nanthropic-beta: some-beta\r\nopenai-beta: other\r\n\
                       openai-organization: org-1\r\ncookie: a=b\r\n";

const OPENAI_ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1763974800,"model":"gpt-real","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":30,"completion_tokens":2,"total_tokens":32}}"#;
const ANTHROPIC_ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":10,"cache_read_input_tokens":20,"output_tokens":2}}"#;
const GEMINI_ANSWER: &str = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"hi"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":30,"candidatesTokenCount":2,"totalTokenCount":32},"modelVersion":"gemini","responseId":"r1"}"#;
const RESPONSES_ANSWER: &str = r#"{"id":"resp_1","object":"response","created_at":1763974800,"status":"completed","model":"gpt-real","output":[{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"hi","annotations":[]}]}],"usage":{"input_tokens":30,"input_tokens_details":{"cached_tokens":0},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":32}}"#;

/// A gateway whose one provider speaks `dialect`; it is asked for `p/m`.
fn ground(dialect: &str, provider: Scripted) -> Ground {
    let url = provider.url();
    let base = if matches!(dialect, "openai" | "responses") { format!("{url}/v1") } else { url };
    Ground::new(
        provider,
        &format!(
            "[[providers]]\nname = \"p\"\ndialect = \"{dialect}\"\nbase_url = \"{base}\"\nany_model = true\n\
             api_key = {{ env = \"TEST_PROVIDER_KEY\" }}\n[[keys]]\nname = \"strict\"\nlossy = \"refuse\"\n\
             secret = {{ env = \"TEST_STRICT_KEY\" }}\n"
        ),
    )
}

fn post(target: &str, fields: &str, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "POST {target} HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {KEY}\r\n{fields}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A question in each dialect, and where it is asked.
fn question(client: &str, stream: bool) -> (&'static str, Value) {
    match (client, stream) {
        ("openai", _) => (
            "/v1/chat/completions",
            json!({"model": "p/m", "stream": stream, "messages": [{"role": "user", "content": "Hello"}]}),
        ),
        ("responses", _) => ("/v1/responses", json!({"model": "p/m", "stream": stream, "input": "Hello"})),
        ("anthropic", _) => (
            "/v1/messages",
            json!({
                "model": "p/m", "stream": stream, "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}],
            }),
        ),
        (_, true) => (
            "/v1beta/models/p/m:streamGenerateContent?alt=sse",
            json!({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}),
        ),
        _ => (
            "/v1beta/models/p%2Fm:generateContent",
            json!({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}),
        ),
    }
}

/// What a whole answer says, in any dialect.
fn said(client: &str, answer: &Value) -> String {
    let path = match client {
        "openai" => "/choices/0/message/content",
        "responses" => "/output/0/content/0/text",
        "anthropic" => "/content/0/text",
        _ => "/candidates/0/content/parts/0/text",
    };
    answer.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("no {path} in {answer}")).to_owned()
}

const DIALECTS: [(&str, &str); 4] = [
    ("openai", OPENAI_ANSWER),
    ("responses", RESPONSES_ANSWER),
    ("anthropic", ANTHROPIC_ANSWER),
    ("gemini", GEMINI_ANSWER),
];

#[test]
fn any_client_gets_any_providers_answer_in_its_own_dialect() {
    for (provider, answer) in DIALECTS {
        let ground = ground(provider, Scripted::json(200, answer));
        for (client, own_answer) in DIALECTS {
            let what = format!("{client} from {provider}");
            let (target, body) = question(client, false);
            let (got, _) = ground.ask(post(target, HEADERS, &body));
            assert_eq!(got.status, 200, "{what}: {}", got.text());
            assert_eq!(said(client, &got.json()), "hi", "{what}");
            assert_eq!(got.header("x-tollgate-tokens-input"), Some("30"), "{what}: {}", got.head);
            assert_eq!(got.header("x-tollgate-tokens-output"), Some("2"), "{what}");
            if client == provider {
                assert_eq!(got.text(), own_answer, "{what}: the provider's own bytes");
            }
        }
        for request in ground.provider.requests() {
            let head = request.head_text().to_lowercase();
            assert!(!head.contains("cookie") && !head.contains("org-1"), "{head}");
            assert!(!head.contains(&KEY.to_lowercase()), "{head}");
            let (name, value) = match provider {
                "anthropic" => ("x-api-key", CANARY.to_owned()),
                "gemini" => ("x-goog-api-key", CANARY.to_owned()),
                _ => ("authorization", format!("bearer {CANARY}")),
            };
            assert!(head.contains(&format!("{name}: {value}").to_lowercase()), "{head}");
        }
        ground.expect_calm();
    }
}

#[test]
fn a_provider_sees_the_headers_of_its_own_dialect_only() {
    let ground = ground("anthropic", Scripted::json(200, ANTHROPIC_ANSWER));
    let (target, mut body) = question("anthropic", false);
    ground.ask(post(target, HEADERS, &body));
    body["temperature"] = json!(0.5);
    ground.ask(post(target, HEADERS, &body));
    let (target, body) = question("openai", false);
    ground.ask(post(target, HEADERS, &body));
    let heads: Vec<_> = ground.provider.requests().iter().map(|request| request.head_text().to_lowercase()).collect();
    assert!(heads[0].contains("anthropic-version: 2026-10-21") && heads[0].contains("anthropic-beta: some-beta"));
    // The newest version refuses `temperature`.
    assert!(heads[1].contains("anthropic-version: 2023-06-01"), "{}", heads[1]);
    assert!(heads[2].contains("anthropic-version: 2023-06-01") && !heads[2].contains("beta"), "{}", heads[2]);
}

const OPENAI_STREAM: [&str; 5] = [
    "data: {\"id\":\"c\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"h\"}}]}\n\n",
    "data: {\"id\":\"c\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"i\"}}]}\n\n",
    "data: {\"id\":\"c\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"id\":\"c\",\"created\":1,\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":2,\"total_tokens\":32}}\n\n",
    "data: [DONE]\n\n",
];

/// The last thing that a complete stream says, in each dialect.
const ENDS: [(&str, &str); 4] = [
    ("openai", "data: [DONE]\n\n"),
    ("responses", "response.completed"),
    ("anthropic", "message_stop"),
    ("gemini", "finishReason"),
];

#[test]
fn a_stream_is_turned_round_while_it_arrives_and_ends_as_the_dialect_does() {
    for (client, end) in ENDS {
        for size in [1, 7, 10_000] {
            let whole = OPENAI_STREAM.concat();
            let mut script = vec![Step::sse_head()];
            script.extend(whole.as_bytes().chunks(size).map(Step::chunk));
            script.push(Step::last_chunk());
            let ground = ground("openai", Scripted::start(vec![script]));
            let (target, body) = question(client, true);
            let (got, _) = ground.ask(post(target, "", &body));
            assert_eq!((got.status, got.whole), (200, true), "{client}: {}", got.head);
            assert_eq!(got.header("content-type"), Some("text/event-stream"), "{client}");
            let text = got.text();
            let last = text.trim_end().rsplit("\n\n").next().unwrap_or_default();
            assert!(last.contains(end.trim_end()), "{client} in pieces of {size}: {text}");
        }
    }
}

#[test]
fn a_stream_that_breaks_says_so_in_the_clients_dialect_and_never_looks_whole() {
    for (client, end) in ENDS {
        let mut script = vec![Step::sse_head()];
        script.extend(OPENAI_STREAM[..2].iter().map(Step::chunk));
        script.push(Step::last_chunk());
        let ground = ground("openai", Scripted::start(vec![script]));
        let (target, body) = question(client, true);
        let (got, _) = ground.ask(post(target, "", &body));
        let text = got.text();
        assert!(!text.contains(end.trim_end()), "{client}: {text}");
        assert!(text.contains("error") && text.contains("before it was complete"), "{client}: {text}");
        ground.expect_calm();
    }
}

#[test]
fn a_gemini_stream_without_sse_is_one_json_array() {
    for provider in ["openai", "gemini"] {
        let chunk = format!("data: {GEMINI_ANSWER}\n\n");
        let stream = if provider == "openai" { OPENAI_STREAM.concat() } else { chunk };
        let ground = ground(provider, Scripted::sse(&[stream]));
        let body = question("gemini", false).1;
        let (got, _) = ground.ask(post("/v1beta/models/p/m:streamGenerateContent", "", &body));
        assert_eq!(got.header("content-type"), Some("application/json"), "{provider}");
        let items = got.json();
        let text: String = items
            .as_array()
            .expect("an array")
            .iter()
            .filter_map(|item| item.pointer("/candidates/0/content/parts/0/text")?.as_str())
            .collect();
        assert_eq!(text, "hi", "{provider}: {items}");
        let sent = &ground.provider.requests()[0];
        if provider == "gemini" {
            assert!(sent.line().contains(":streamGenerateContent?alt=sse"), "{}", sent.line());
            assert_eq!(sent.text(), body.to_string(), "the caller's own bytes");
            assert_eq!(got.text(), format!("[{GEMINI_ANSWER}]"), "the provider's own bytes");
        }
    }
}

/// Says that an answer is an error in the shape of `client`'s dialect.
fn expect_refused(client: &str, answer: &Answer, status: u16, words: [&str; 3]) {
    let body = answer.json();
    let [openai, anthropic, gemini] = words;
    let what = format!("{client}: {}{body}", answer.head);
    assert_eq!(answer.status, status, "{what}");
    match client {
        "anthropic" => {
            assert_eq!((&body["type"], &body["error"]["type"]), (&json!("error"), &json!(anthropic)), "{what}");
            assert_eq!(answer.header("request-id"), body["request_id"].as_str(), "{what}");
        }
        "gemini" => {
            assert_eq!((&body["error"]["code"], &body["error"]["status"]), (&json!(status), &json!(gemini)), "{what}");
        }
        _ => assert_eq!(body["error"]["type"], json!(openai), "{what}"),
    }
    assert!(body["error"]["message"].as_str().is_some_and(|message| message.len() > 5), "{what}");
}

#[test]
fn every_refusal_is_in_the_shape_of_the_dialect_that_was_called() {
    let invalid = "invalid_request_error";
    for (client, _) in DIALECTS {
        let overloaded = if client == "anthropic" { 529 } else { 503 };
        for (provider_status, status, words) in [
            (400, 400, [invalid, invalid, "INVALID_ARGUMENT"]),
            (429, 429, ["requests", "rate_limit_error", "RESOURCE_EXHAUSTED"]),
            (401, 502, ["server_error", "api_error", "INTERNAL"]),
            (529, overloaded, ["server_error", "overloaded_error", "UNAVAILABLE"]),
            (504, 504, ["server_error", "timeout_error", "DEADLINE_EXCEEDED"]),
        ] {
            let ground = ground(
                "anthropic",
                Scripted::json(provider_status, r#"{"type":"error","error":{"type":"x","message":"what went wrong"}}"#),
            );
            let (target, body) = question(client, false);
            let (got, _) = ground.ask(post(target, "", &body));
            expect_refused(client, &got, status, words);
        }
        let ground = ground("anthropic", Scripted::json(200, ANTHROPIC_ANSWER));
        let (target, body) = question(client, false);
        let (got, _) = ground.ask(post(target, "", &body).replace(KEY, "tg-nobody"));
        expect_refused(client, &got, 401, [invalid, "authentication_error", "UNAUTHENTICATED"]);
        let (got, _) = ground.ask(post(&target.replace("p%2Fm", "nothing"), "", &{
            let mut body = body.clone();
            if body.get("model").is_some() {
                body["model"] = json!("nothing");
            }
            body
        }));
        expect_refused(client, &got, 404, [invalid, "not_found_error", "NOT_FOUND"]);
        let (got, _) = ground.ask(post(target, "", &json!({"model": "p/m", "messages": 7, "input": 7, "contents": 7})));
        let own = client == "anthropic";
        if !own {
            expect_refused(client, &got, 400, [invalid, invalid, "INVALID_ARGUMENT"]);
        }
        ground.expect_calm();
    }
}

#[test]
fn what_a_provider_cannot_be_told_is_named_or_refused_as_the_key_wants() {
    let ground = ground("anthropic", Scripted::json(200, ANTHROPIC_ANSWER));
    let (target, mut body) = question("openai", false);
    body["seed"] = json!(7);
    body["frequency_penalty"] = json!(0.5);
    let (got, _) = ground.ask(post(target, "", &body));
    let dropped = got.header("x-tollgate-dropped").unwrap_or_default().to_owned();
    assert_eq!(got.status, 200, "{}", got.text());
    assert!(dropped.contains("seed") && dropped.contains("frequency_penalty"), "{dropped:?}");
    let (got, _) = ground.ask(post(target, "", &body).replace(KEY, "tg-test-strict"));
    let error = got.expect_error("strict", 400, "invalid_request_error", "unsupported_parameter");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("seed")), "{error}");
    assert_eq!(ground.provider.requests().len(), 1, "the refused one was not sent");
    let log = ground.gateway.log().join("\n");
    assert!(log.contains("\"tollgate.dropped\":\"") || ground.metrics().contains("tollgate_"), "{log}");
}

#[test]
fn a_history_that_makes_no_sense_is_explained_by_its_index() {
    let ground = ground("anthropic", Scripted::json(200, ANTHROPIC_ANSWER));
    let (target, mut body) = question("openai", false);
    body["messages"] = json!([
        {"role": "user", "content": "Hello"},
        {"role": "tool", "tool_call_id": "call_9", "content": "18 C"},
    ]);
    let (got, _) = ground.ask(post(target, "", &body));
    let error = got.expect_error("an orphan", 400, "invalid_request_error", "invalid_value");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("messages[1]")), "{error}");
    body["messages"][1] = json!({"role": "wizard", "content": "x"});
    let (got, _) = ground.ask(post(target, "", &body));
    let error = got.expect_error("a role", 400, "invalid_request_error", "invalid_value");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("messages[1].role")), "{error}");
}

#[test]
fn nothing_is_remembered_for_responses() {
    let ground = ground("responses", Scripted::json(200, RESPONSES_ANSWER));
    let (target, mut body) = question("responses", false);
    body["previous_response_id"] = json!("resp_somebody_elses");
    let (got, _) = ground.ask(post(target, "", &body));
    let error = got.expect_error("state", 400, "invalid_request_error", "unsupported_parameter");
    assert_eq!(error["param"], "previous_response_id");
    assert!(ground.provider.requests().is_empty());
}

#[test]
fn tokens_are_counted_by_the_provider_or_estimated() {
    let anthropic = ground("anthropic", Scripted::json(200, r#"{"input_tokens":7}"#));
    let body = question("anthropic", false).1;
    let (got, _) = anthropic.ask(post("/v1/messages/count_tokens", "", &body));
    assert_eq!((got.status, &got.json()["input_tokens"]), (200, &json!(7)));
    assert_eq!(got.header("x-tollgate-tokens-source"), None);
    assert!(anthropic.provider.requests()[0].head_text().starts_with("POST /v1/messages/count_tokens HTTP/1.1"));
    let openai = ground("openai", Scripted::json(200, OPENAI_ANSWER));
    let (got, _) = openai.ask(post("/v1/messages/count_tokens", "", &body));
    assert!(got.json()["input_tokens"].as_u64().is_some_and(|tokens| (2..20).contains(&tokens)), "{}", got.text());
    assert_eq!(got.header("x-tollgate-tokens-source"), Some("estimated"));
    let body = question("gemini", false).1;
    let (got, _) = openai.ask(post("/v1beta/models/p/m:countTokens", "", &body));
    assert!(got.json()["totalTokens"].as_u64().is_some_and(|tokens| (2..20).contains(&tokens)), "{}", got.text());
    assert!(openai.provider.requests().is_empty());
}

#[test]
fn models_are_listed_in_each_dialects_shape() {
    let ground = ground("openai", Scripted::json(200, OPENAI_ANSWER));
    let get =
        |target: &str, fields: &str| ground.ask(format!("GET {target} HTTP/1.1\r\nhost: t\r\n{fields}\r\n")).0.json();
    let bearer = format!("authorization: Bearer {KEY}\r\n");
    assert_eq!(get("/openai/v1/models", &bearer)["data"][0]["object"], "model");
    let versioned = format!("{bearer}anthropic-version: 2023-06-01\r\n");
    for (target, fields) in [("/v1/models", &versioned), ("/anthropic/v1/models", &bearer)] {
        let list = get(target, fields);
        assert_eq!((&list["data"][0]["type"], &list["has_more"]), (&json!("model"), &json!(false)), "{target}");
    }
    let google = format!("x-goog-api-key: {KEY}\r\n");
    for target in ["/v1beta/models", "/v1/models", "/gemini/v1beta/models"] {
        assert_eq!(get(target, &google)["models"][0]["name"], "models/gpt", "{target}");
    }
    assert_eq!(get("/v1beta/models/gpt", &google)["name"], "models/gpt");
}

#[test]
fn azures_addresses_work_with_any_provider() {
    let ground = ground("openai", Scripted::json(200, OPENAI_ANSWER));
    let body = json!({"messages": [{"role": "user", "content": "Hello"}]});
    let target = "/openai/deployments/p%2Fm/chat/completions?api-version=2024-10-21";
    let (got, _) = ground.ask(post(target, "", &body));
    assert_eq!(got.status, 200, "{}", got.text());
    let sent = ground.provider.requests()[0].text();
    assert_eq!(sent, body.to_string().replacen('{', "{\"model\":\"m\",", 1));
}

#[test]
fn a_conversation_that_began_at_another_provider_goes_on_without_its_seals() {
    let ground = ground("anthropic", Scripted::json(200, ANTHROPIC_ANSWER));
    let (target, mut body) = question("anthropic", false);
    body["messages"] = json!([
        {"role": "user", "content": "2+2?"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Add them.", "signature": "tg1.gemini..c2ln"},
            {"type": "text", "text": "4"},
        ]},
        {"role": "user", "content": "And 3+3?"},
    ]);
    let (got, _) = ground.ask(post(target, "", &body));
    assert_eq!(got.text(), ANTHROPIC_ANSWER, "the answer is the provider's own bytes");
    assert!(got.header("x-tollgate-dropped").is_some_and(|names| names.contains("thinking")), "{}", got.head);
    let sent: Value = serde_json::from_slice(&ground.provider.requests()[0].body).expect("JSON");
    assert!(!sent.to_string().contains("tg1") && sent.to_string().contains("And 3+3?"), "{sent}");
    body["messages"][1]["content"][0]["signature"] = json!("c2ln");
    ground.ask(post(target, "", &body));
    let sent = ground.provider.requests()[1].text();
    assert_eq!(sent, body.to_string().replace("p/m", "m"), "the caller's own bytes");
}
