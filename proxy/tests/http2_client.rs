//! Clients that speak HTTP/2 without TLS, by prior knowledge.

mod common;

use std::time::{Duration, Instant};

use common::request::{BODY, streamed};
use common::{CLOSED_KEY, Ground, JSON_ANSWER, KEY};
use reqwest::{Body, Client, Response, Version};
use serde_json::Value;
use tollgate_testkit::{Scripted, Signal, Step};

fn client() -> Client {
    Client::builder().http2_prior_knowledge().no_proxy().build().expect("a client")
}

async fn ask(client: &Client, ground: &Ground, body: impl Into<Body>) -> Response {
    let url = format!("{}/v1/chat/completions", ground.gateway.url());
    let answer = client.post(url).bearer_auth(KEY).body(body).send().await.expect("an answer");
    assert_eq!(answer.version(), Version::HTTP_2);
    answer
}

/// A body that announces no length.
fn of_unknown_length(body: &str) -> Body {
    Body::wrap_stream(tokio_util::io::ReaderStream::new(std::io::Cursor::new(body.to_owned())))
}

async fn expect_error(answer: Response, status: u16, code: &str) {
    assert_eq!(answer.status().as_u16(), status);
    assert!(answer.headers().contains_key("x-request-id"));
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!((&body["error"]["code"], body["error"]["message"].is_string()), (&code.into(), true), "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_share_a_connection() {
    let ground = Ground::json();
    let client = client();
    for _ in 0..3 {
        let answers = (0..20).map(|_| ask(&client, &ground, BODY));
        let mut tasks = Vec::new();
        for answer in answers {
            tasks.push(answer.await);
        }
        for answer in tasks {
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["content-length"], JSON_ANSWER.len().to_string().as_str());
            assert_eq!(answer.text().await.expect("text"), JSON_ANSWER);
        }
    }
    let requests = ground.provider.requests();
    assert!(requests.len() == 60 && requests.iter().all(|request| request.text() == BODY));
    ground.expect_calm();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_body_goes_through_unchanged() {
    let ground = Ground::json();
    let body = format!(r#"{{"model":"gpt","a":"{}"}}"#, "0123456789".repeat(200_000));
    assert_eq!(ask(&client(), &ground, of_unknown_length(&body)).await.status(), 200);
    assert_eq!(ask(&client(), &ground, body.clone()).await.status(), 200);
    assert!(ground.provider.requests().iter().all(|request| request.body == body.as_bytes()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_refused_as_over_http_1() {
    let settings = "[gateway.limits]\nbody_bytes_max = \"4KiB\"\n";
    let ground = Ground::new(Scripted::json(200, JSON_ANSWER), settings);
    let client = client();
    let large = format!(r#"{{"model":"gpt","a":"{}"}}"#, "x".repeat(100_000));
    expect_error(ask(&client, &ground, large.clone()).await, 413, "request_too_large").await;
    expect_error(ask(&client, &ground, of_unknown_length(&large)).await, 413, "request_too_large").await;
    expect_error(ask(&client, &ground, "{").await, 400, "invalid_value").await;
    expect_error(ask(&client, &ground, r#"{"model":"x"}"#).await, 404, "model_not_found").await;
    let url = |path: &str| format!("{}{path}", ground.gateway.url());
    let stranger = client.post(url("/v1/chat/completions")).bearer_auth(CLOSED_KEY).body(large).send().await;
    expect_error(stranger.expect("an answer"), 401, "invalid_api_key").await;
    expect_error(client.get(url("/nowhere")).send().await.expect("an answer"), 404, "unknown_url").await;
    let wrong = client.get(url("/v1/embeddings")).send().await.expect("an answer");
    assert_eq!(wrong.headers()["allow"], "POST");
    expect_error(wrong, 405, "method_not_allowed").await;
    let head = client.head(url("/v1/models")).send().await.expect("an answer");
    assert_eq!(head.status(), 405);
    let long = client.get(url("/v1/models")).header("x", "y".repeat(200_000)).send().await;
    assert!(long.is_err() || long.is_ok_and(|answer| answer.status() == 431), "a head without a bound");
    assert_eq!(ground.provider.requests().len(), 0);
    assert_eq!(ask(&client, &ground, BODY).await.text().await.expect("text"), JSON_ANSWER);
    ground.expect_calm();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_reach_the_client_as_they_come() {
    let seen = Signal::default();
    let provider = Scripted::start(vec![vec![
        Step::sse_head(),
        Step::chunk("data: 1\n\n"),
        Step::WaitFor(seen.clone()),
        Step::chunk("data: 2\n\n"),
        Step::chunk("data: [DONE]\n\n"),
        Step::last_chunk(),
    ]]);
    let ground = Ground::new(provider, "");
    let mut answer = ask(&client(), &ground, streamed("gpt")).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(&answer.chunk().await.expect("data").expect("an event")[..], b"data: 1\n\n");
    seen.give();
    assert_eq!(answer.text().await.expect("the rest"), "data: 2\n\ndata: [DONE]\n\n");
    ground.expect_calm();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_ends_with_an_event_and_a_document_with_a_reset() {
    let seen = Signal::default();
    let large = format!("{{\"a\":\"{}", "x".repeat(100_000));
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 200000\r\n\r\n";
    let scripts = vec![
        vec![Step::sse_head(), Step::chunk("data: 1\n\n"), Step::WaitFor(seen.clone()), Step::Close],
        vec![Step::send(format!("{head}{large}")), Step::WaitFor(seen.clone()), Step::Close],
        vec![Step::Close],
    ];
    let ground = Ground::new(Scripted::start(scripts), "[gateway.limits]\nhold_bytes_max = \"1KiB\"\n");
    let client = client();
    let mut answer = ask(&client, &ground, streamed("gpt")).await;
    assert_eq!(&answer.chunk().await.expect("data").expect("an event")[..], b"data: 1\n\n");
    seen.give();
    let rest = answer.text().await.expect("an orderly end");
    assert!(rest.contains("\"finish_reason\":\"error\"") && !rest.contains("[DONE]"), "{rest}");
    let answer = ask(&client, &ground, BODY).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err(), "half a document has no end");
    expect_error(ask(&client, &ground, BODY).await, 502, "provider_unavailable").await;
    ground.expect_calm();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_is_not_worked_for() {
    let begun = vec![Step::sse_head(), Step::chunk("data: 1\n\n"), Step::HoldOpenUntilPeerCloses];
    for (script, begins) in [(begun, true), (vec![Step::HoldOpenUntilPeerCloses], false)] {
        let ground = Ground::new(Scripted::start(vec![script]), "");
        let client = client();
        let left = if begins {
            let mut answer = ask(&client, &ground, streamed("gpt")).await;
            assert!(answer.chunk().await.expect("data").is_some());
            let left = Instant::now();
            drop(answer);
            left
        } else {
            let url = format!("{}/v1/chat/completions", ground.gateway.url());
            let request = tokio::spawn(client.post(url).bearer_auth(KEY).body(BODY).send());
            ground.provider.wait_for_requests(1);
            let left = Instant::now();
            request.abort();
            left
        };
        let took = ground.provider.wait_for_hangup().saturating_duration_since(left);
        assert!(took < Duration::from_millis(100), "the provider was hung up on after {took:?}");
        assert!(ground.gateway.wait_for_log("\"client_gone\"").contains("499"));
        ground.expect_calm();
    }
}
