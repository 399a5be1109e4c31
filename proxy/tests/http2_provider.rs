//! Providers that speak HTTP/2 over TLS.

mod common;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::request::{chat_with, streamed};
use common::tls::acceptor;
use common::{CANARY, JSON_ANSWER, Raw, config, gateway};
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tollgate_testkit::{Certs, Gateway, wait_until};

/// What the provider saw: for each request its connection, its head and its body; and when streams were reset.
#[derive(Default)]
struct Seen {
    requests: Vec<(usize, Request<()>, Vec<u8>)>,
    resets: Vec<Instant>,
    /// Given by the test, once the client has what was sent so far.
    go_on: Arc<Notify>,
}

type Shared = Arc<Mutex<Seen>>;

/// Serves HTTP/2: the model that a request names says how it is answered.
async fn provider(acceptor: TlsAcceptor) -> (SocketAddr, Shared) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let seen = Shared::default();
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        for number in 0.. {
            let Ok((stream, _)) = listener.accept().await else { return };
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let seen = Arc::clone(&shared);
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.expect("HTTP/2");
                while let Some(Ok((request, respond))) = connection.accept().await {
                    tokio::spawn(answer(number, request, respond, Arc::clone(&seen)));
                }
            });
        }
    });
    (address, seen)
}

async fn answer(number: usize, request: Request<RecvStream>, mut respond: SendResponse<Bytes>, seen: Shared) {
    let (head, mut incoming) = request.into_parts();
    let mut body = Vec::new();
    while let Some(Ok(data)) = incoming.data().await {
        let _ = incoming.flow_control().release_capacity(data.len());
        body.extend_from_slice(&data);
    }
    let json: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    seen.lock().expect("no panic").requests.push((number, Request::from_parts(head, ()), body));
    let head = |status: u16, kind: &str| {
        Response::builder().status(status).header("content-type", kind).body(()).expect("valid")
    };
    match json["model"].as_str().expect("a model") {
        "json" => {
            let mut stream = respond.send_response(head(200, "application/json"), false).expect("a stream");
            stream.send_data(JSON_ANSWER.into(), true).expect("a stream");
        }
        "limited" => {
            let _ = respond.send_response(head(429, "application/json"), true);
        }
        "refuses" => respond.send_reset(Reason::REFUSED_STREAM),
        "breaks" => {
            let mut stream = respond.send_response(head(200, "text/event-stream"), false).expect("a stream");
            stream.send_data("data: 1\n\n".into(), false).expect("a stream");
            // A reset would overtake what waits to be sent.
            let go_on = Arc::clone(&seen.lock().expect("no panic").go_on);
            go_on.notified().await;
            stream.send_reset(Reason::INTERNAL_ERROR);
        }
        "holds" => {
            let mut stream = respond.send_response(head(200, "text/event-stream"), false).expect("a stream");
            stream.send_data("data: 1\n\n".into(), false).expect("a stream");
            let _ = std::future::poll_fn(|cx| stream.poll_reset(cx)).await;
            seen.lock().expect("no panic").resets.push(Instant::now());
        }
        _ => {
            let mut stream = respond.send_response(head(200, "text/event-stream"), false).expect("a stream");
            stream.send_data("data: 1\n\n".into(), false).expect("a stream");
            stream.send_data("data: [DONE]\n\n".into(), true).expect("a stream");
        }
    }
}

async fn start() -> (Gateway, Shared) {
    let certs = Certs::new();
    let (address, seen) = provider(acceptor(&certs, &["h2"])).await;
    let settings = format!("any_model = true\nhttp2 = true\nca_file = \"{}\"\n", certs.ca().display());
    let config = config(&[&format!("https://localhost:{}", address.port())], "");
    (gateway(&config.replace("any_model = true\n", &settings)), seen)
}

fn ask(client: &mut Raw, model: &str) -> common::Answer {
    client.ask(chat_with(&streamed(&format!("p0/{model}"))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_speaks_http_2_is_asked_over_one_connection() {
    let (gateway, seen) = start().await;
    let mut client = Raw::connect(gateway.port());
    for _ in 0..5 {
        assert_eq!(ask(&mut client, "json").text(), JSON_ANSWER);
        assert_eq!(ask(&mut client, "events").text(), "data: 1\n\ndata: [DONE]\n\n");
    }
    let large = format!(r#"{{"model":"json","a":"{}"}}"#, "x".repeat(1 << 20));
    assert_eq!(client.ask(chat_with(&large.replace("json", "p0/json"))).text(), JSON_ANSWER);
    let seen = seen.lock().expect("no panic");
    assert!(seen.requests.iter().all(|(connection, ..)| *connection == 0), "one connection for all");
    let (_, head, body) = seen.requests.last().expect("eleven requests");
    assert!(seen.requests.len() == 11 && *body == large.as_bytes());
    assert_eq!((head.method().as_str(), head.uri().path()), ("POST", "/v1/chat/completions"));
    assert_eq!(head.headers()["authorization"], format!("Bearer {CANARY}").as_str());
    assert_eq!(head.uri().host(), Some("localhost"));
    assert!(!gateway.log().join("\n").contains("panicked"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_over_http_2_is_told_as_over_http_1() {
    let (gateway, seen) = start().await;
    let mut client = Raw::connect(gateway.port());
    ask(&mut client, "limited").expect_error("a limit", 429, "requests", "rate_limit_exceeded");
    ask(&mut client, "refuses").expect_error("a reset", 502, "server_error", "provider_unavailable");
    client.send(chat_with(&streamed("p0/breaks"))).head();
    let mut text = client.chunks_until("data: 1\n\n");
    seen.lock().expect("no panic").go_on.notify_one();
    while let Some(more) = client.chunk().filter(|chunk| !chunk.is_empty()) {
        text.push_str(&String::from_utf8_lossy(&more));
    }
    assert!(text.starts_with("data: 1\n\n") && text.contains("\"finish_reason\":\"error\""), "{text}");
    assert!(!text.contains("[DONE]"), "{text}");
    assert_eq!(ask(&mut client, "json").text(), JSON_ANSWER);
    assert_eq!(seen.lock().expect("no panic").requests.len(), 4, "nothing is sent again");
    assert!(!gateway.log().join("\n").contains("panicked"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_resets_its_stream_and_no_other() {
    let (gateway, seen) = start().await;
    let mut client = Raw::connect(gateway.port());
    client.send(chat_with(&streamed("p0/holds"))).head();
    client.chunks_until("data: 1");
    let left = Instant::now();
    drop(client);
    let resets = || seen.lock().expect("no panic").resets.first().copied();
    wait_until(common::PATIENCE, "the stream is reset", || resets().is_some());
    let took = resets().map(|at| at.saturating_duration_since(left));
    assert!(took < Some(Duration::from_millis(100)), "the stream was reset after {took:?}");
    assert_eq!(ask(&mut Raw::connect(gateway.port()), "json").text(), JSON_ANSWER);
    assert!(seen.lock().expect("no panic").requests.iter().all(|(connection, ..)| *connection == 0));
}
