//! Providers that are asked in a way of their own: Amazon Bedrock by signature and frames, Vertex AI and Azure by their
//! addresses.

mod common;

use common::{CANARY, Ground, KEY};
use router_core::dialect::bedrock::event_stream::{encode_event, encode_exception};
use serde_json::{Value, json};
use tollgate_testkit::{Scripted, Step};

const CONVERSED: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"hi"}]}},"stopReason":"end_turn","usage":{"inputTokens":30,"outputTokens":2,"totalTokens":32},"metrics":{"latencyMs":5}}"#;
const MODEL: &str = "anthropic.claude-3-5-sonnet-20240620-v1:0";

fn post(target: &str, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "POST {target} HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {KEY}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn hello(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "Hello"}]})
}

/// A gateway with one more provider, named `p`.
fn ground(provider: Scripted, settings: &str) -> Ground {
    let url = provider.url();
    let settings = format!("[[providers]]\nname = \"p\"\nbase_url = \"{url}\"\nany_model = true\n{settings}");
    Ground::new(provider, &settings)
}

fn bedrock(provider: Scripted) -> Ground {
    let part = |name: &str| format!("{name} = {{ env = \"TEST_PROVIDER_KEY\" }}");
    let (id, secret) = (part("access_key_id"), part("secret_access_key"));
    ground(provider, &format!("kind = \"bedrock\"\nregion = \"eu-west-1\"\naws = {{ {id}, {secret} }}\n"))
}

#[test]
fn bedrock_is_asked_by_signature_and_answers_any_client() {
    let ground = bedrock(Scripted::json(200, CONVERSED));
    let (got, _) = ground.ask(post("/v1/chat/completions", &hello(&format!("p/{MODEL}"), false)));
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(got.json()["choices"][0]["message"]["content"], "hi");
    assert_eq!(got.header("x-tollgate-tokens-input"), Some("30"));
    let sent = &ground.provider.requests()[0];
    assert_eq!(sent.line(), "POST /model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse HTTP/1.1");
    let proof = sent.header("authorization").expect("a signature");
    let scope = "/eu-west-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=";
    assert!(proof.starts_with(&format!("AWS4-HMAC-SHA256 Credential={CANARY}/")) && proof.contains(scope), "{proof}");
    assert!(sent.header("x-amz-date").is_some_and(|date| date.ends_with('Z')));
    let body: Value = serde_json::from_slice(&sent.body).expect("JSON");
    assert_eq!(body["messages"][0]["content"][0]["text"], "Hello");
    assert_eq!(body.get("model"), None, "the address names the model");
}

fn framed(events: &[(&str, Value)]) -> Vec<u8> {
    let mut frames = Vec::new();
    for (kind, data) in events {
        encode_event(&mut frames, kind, &data.to_string());
    }
    frames
}

/// A stream of frames, in pieces of `size` bytes.
fn frames(bytes: &[u8], size: usize) -> Scripted {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut script = vec![Step::send(head)];
    script.extend(bytes.chunks(size).map(Step::chunk));
    script.push(Step::last_chunk());
    Scripted::start(vec![script])
}

fn whole_stream() -> Vec<u8> {
    framed(&[
        ("messageStart", json!({"role": "assistant"})),
        ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": "h"}})),
        ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": "i"}})),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        ("messageStop", json!({"stopReason": "end_turn"})),
        ("metadata", json!({"usage": {"inputTokens": 30, "outputTokens": 2, "totalTokens": 32}})),
    ])
}

#[test]
fn bedrocks_frames_become_events_however_they_are_split() {
    for size in [1, 100, 100_000] {
        let ground = bedrock(frames(&whole_stream(), size));
        let (got, _) = ground.ask(post("/v1/chat/completions", &hello(&format!("p/{MODEL}"), true)));
        let text = got.text();
        assert_eq!(got.header("content-type"), Some("text/event-stream"), "{text}");
        assert!(text.contains(r#""content":"h""#) && text.ends_with("data: [DONE]\n\n"), "in pieces of {size}: {text}");
        assert!(ground.provider.requests()[0].line().contains("/converse-stream "));
    }
}

#[test]
fn a_broken_or_cut_stream_of_frames_never_looks_whole() {
    let whole = whole_stream();
    let mut exception = framed(&[("messageStart", json!({"role": "assistant"}))]);
    encode_exception(&mut exception, "throttlingException", r#"{"message":"slow down"}"#);
    let mut garbled = whole.clone();
    garbled[100] ^= 1;
    for bytes in [whole[..whole.len() / 2].to_vec(), exception, garbled] {
        let ground = bedrock(frames(&bytes, 1000));
        let (got, _) = ground.ask(post("/v1/chat/completions", &hello(&format!("p/{MODEL}"), true)));
        assert!(!got.text().contains("[DONE]") && got.text().contains("error"), "{}", got.text());
        ground.expect_calm();
    }
}

const ANTHROPIC_ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":30,"output_tokens":2}}"#;

#[test]
fn vertex_wants_anthropics_version_in_the_body_and_the_model_in_the_address() {
    // The address form counts, not the credential: a key in the environment stands for the fetched token.
    let settings = "kind = \"vertex_anthropic\"\ncredential = \"bearer\"\napi_key = { env = \"TEST_PROVIDER_KEY\" }\n";
    let ground = ground(Scripted::json(200, ANTHROPIC_ANSWER), settings);
    let own = json!({"model": "p/claude@1", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]});
    for (target, body) in [("/v1/messages", own), ("/v1/chat/completions", hello("p/claude@1", false))] {
        let (got, _) = ground.ask(post(target, &body));
        assert_eq!(got.status, 200, "{target}: {}", got.text());
    }
    for sent in ground.provider.requests() {
        assert_eq!(sent.line(), "POST /publishers/anthropic/models/claude%401:rawPredict HTTP/1.1");
        assert_eq!(sent.header("authorization"), Some(format!("Bearer {CANARY}")));
        let body: Value = serde_json::from_slice(&sent.body).expect("JSON");
        assert_eq!((&body["anthropic_version"], body.get("model")), (&json!("vertex-2023-10-16"), None));
    }
}

#[test]
fn azure_is_asked_by_deployment_and_version() {
    let settings = "kind = \"azure_openai\"\nquery = \"api-version=2025-01-01\"\n\
                    api_key = { env = \"TEST_PROVIDER_KEY\" }\n";
    let ground = ground(Scripted::json(200, common::JSON_ANSWER), settings);
    let (got, _) = ground.ask(post("/v1/chat/completions", &hello("p/my-gpt", false)));
    assert_eq!(got.status, 200, "{}", got.text());
    let sent = &ground.provider.requests()[0];
    assert_eq!(sent.line(), "POST /openai/deployments/my-gpt/chat/completions?api-version=2025-01-01 HTTP/1.1");
    assert_eq!(sent.header("api-key"), Some(CANARY.to_owned()));
    assert_eq!(sent.header("authorization"), None);
}
