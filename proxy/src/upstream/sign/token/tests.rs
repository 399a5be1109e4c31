//! Against a token server on this machine that follows a script.

use std::collections::VecDeque;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tollgate_testkit::wait_until_async;

use super::*;
use crate::upstream::sign::google::tests::key_file;

const PATIENCE: Duration = Duration::from_secs(20);

/// What the server does with a request.
enum Act {
    Answer(u16, String),
    /// Answers once it is let to.
    Hold(u16, String),
    /// Never answers.
    Ignore,
}

/// A token server. Closes the connection after each answer.
struct Server {
    uri: String,
    requests: Arc<Mutex<Vec<String>>>,
    gate: Arc<Semaphore>,
}

impl Server {
    async fn start(script: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let uri = format!("http://{}/token", listener.local_addr().expect("an address"));
        let (requests, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
        tokio::spawn(serve(listener, script.into(), Arc::clone(&requests), Arc::clone(&gate)));
        Self { uri, requests, gate }
    }

    fn source(&self, timing: Timing) -> TokenSource {
        let account = ServiceAccount::from_json(&key_file(&self.uri)).expect("a key file");
        TokenSource::timed(account, timing).expect("a source")
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("nobody panicked").clone()
    }
}

async fn serve(
    listener: TcpListener,
    mut script: VecDeque<Act>,
    requests: Arc<Mutex<Vec<String>>>,
    gate: Arc<Semaphore>,
) {
    let mut ignored = Vec::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        let request = read_request(&mut stream).await;
        requests.lock().expect("nobody panicked").push(request);
        let (status, body) = match script.pop_front().expect("the script says what to do") {
            Act::Answer(status, body) => (status, body),
            Act::Hold(status, body) => {
                gate.acquire().await.expect("the gate stays").forget();
                (status, body)
            }
            Act::Ignore => {
                ignored.push(stream);
                continue;
            }
        };
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        // A client that has gone is no fault of the server.
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    }
}

/// Head and body.
async fn read_request(stream: &mut TcpStream) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length: ").map(|length| length.parse::<usize>().expect("a number"))
            });
            if body.len() >= length.expect("a length") {
                return text;
            }
        }
        let read = stream.read(&mut buffer).await.expect("a request");
        assert!(read > 0, "half a request: {text}");
        text.push_str(std::str::from_utf8(&buffer[..read]).expect("ASCII"));
    }
}

fn token(name: &str, seconds: u64) -> String {
    format!(r#"{{"access_token":"{name}","expires_in":{seconds},"token_type":"Bearer"}}"#)
}

/// Every token wants to be replaced at once, and nobody rests between fetches.
fn eager() -> Timing {
    Timing { early: Duration::from_hours(2), pause: Duration::ZERO, ..Timing::default() }
}

async fn text(source: &TokenSource) -> String {
    source.token().await.expect("a token").expose().to_owned()
}

#[tokio::test]
async fn many_who_ask_share_one_fetch_and_then_the_token() {
    let server = Server::start(vec![Act::Hold(200, token("one", 3600))]).await;
    let source = Arc::new(server.source(Timing::default()));
    let asking: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let source = Arc::clone(&source);
                async move { text(&source).await }
            })
        })
        .collect();
    wait_until_async(PATIENCE, "the server is asked", || async { !server.requests().is_empty() }).await;
    server.gate.add_permits(1);
    for task in asking {
        assert_eq!(task.await.expect("no panic"), "one");
    }
    assert_eq!(text(&source).await, "one");
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    let (head, body) = requests[0].split_once("\r\n\r\n").expect("head and body");
    assert!(head.starts_with("POST /token HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
    let assertion = body.strip_prefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=");
    assert_eq!(assertion.expect(body).split('.').count(), 3);
}

#[tokio::test]
async fn the_old_token_is_served_while_a_new_one_is_fetched() {
    let script = vec![
        Act::Answer(200, token("one", 3600)),
        Act::Hold(200, token("two", 3600)),
        Act::Hold(200, token("three", 3600)),
    ];
    let server = Server::start(script).await;
    let source = server.source(eager());
    assert_eq!(text(&source).await, "one");
    for _ in 0..10 {
        assert_eq!(text(&source).await, "one", "nobody waits for the new one");
    }
    wait_until_async(PATIENCE, "the server is asked again", || async { server.requests().len() == 2 }).await;
    assert_eq!(text(&source).await, "one");
    server.gate.add_permits(1);
    wait_until_async(PATIENCE, "the new one is there", || async { text(&source).await == "two" }).await;
}

#[tokio::test]
async fn a_token_outlives_failures_of_the_server() {
    let script = vec![
        Act::Answer(200, token("one", 3600)),
        Act::Answer(500, "oops".into()),
        Act::Answer(503, String::new()),
        Act::Answer(200, token("two", 3600)),
        Act::Ignore,
    ];
    let server = Server::start(script).await;
    let source = server.source(eager());
    assert_eq!(text(&source).await, "one");
    wait_until_async(PATIENCE, "the server is well again", || async {
        let token = text(&source).await;
        assert!(["one", "two"].contains(&token.as_str()));
        token == "two"
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_told_and_not_repeated_at_once() {
    let refusal = r#"{"error":"invalid_grant","error_description":"Invalid JWT\nSignature."}"#;
    let server = Server::start(vec![Act::Answer(400, refusal.into())]).await;
    let source = server.source(Timing { pause: Duration::from_hours(1), ..Timing::default() });
    for _ in 0..3 {
        let fault = source.token().await.expect_err("it is refused");
        let told = "the token server refused the key (status 400): invalid_grant: Invalid JWTSignature.";
        assert_eq!(fault.to_string(), told);
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_failure_is_over_after_a_pause() {
    let script = vec![Act::Answer(500, String::new()), Act::Answer(200, token("one", 3600))];
    let server = Server::start(script).await;
    let source = server.source(Timing { pause: Duration::ZERO, ..Timing::default() });
    wait_until_async(PATIENCE, "there is a token", || async { source.token().await.is_ok() }).await;
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn nobody_waits_longer_than_the_bound() {
    let server = Server::start(vec![Act::Ignore, Act::Ignore]).await;
    let wait_max = Duration::from_millis(100);
    let source = server.source(Timing { wait_max, ..Timing::default() });
    let began = Instant::now();
    assert_eq!(source.token().await.expect_err("no answer"), TokenFault::Slow);
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let uri = format!("http://{}/token", listener.local_addr().expect("an address"));
    drop(listener);
    let account = ServiceAccount::from_json(&key_file(&uri)).expect("a key file");
    let source = TokenSource::new(account).expect("a source");
    let fault = source.token().await.expect_err("nobody is there");
    assert!(matches!(fault, TokenFault::Unreachable(_)), "{fault:?}");
    assert!(!fault.to_string().contains(&uri), "{fault}");
}

#[tokio::test]
async fn an_answer_without_a_good_token_is_a_failure() {
    let long = format!(r#"{{"access_token":"{}","expires_in":3600}}"#, "x".repeat(ANSWER_BYTES_MAX));
    for (answer, expected) in [
        ("{}".to_owned(), TokenFault::Malformed),
        ("<html>".to_owned(), TokenFault::Malformed),
        (r#"{"access_token":"a\r\nb","expires_in":3600}"#.to_owned(), TokenFault::Malformed),
        (r#"{"access_token":"","expires_in":3600}"#.to_owned(), TokenFault::Malformed),
        (r#"{"access_token":"one","expires_in":-1}"#.to_owned(), TokenFault::Malformed),
        (long, TokenFault::Malformed),
        (token("one", 0), TokenFault::ShortLived(Duration::ZERO)),
        (token("one", 10), TokenFault::ShortLived(Duration::from_secs(10))),
    ] {
        let server = Server::start(vec![Act::Answer(200, answer.clone())]).await;
        let source = server.source(Timing::default());
        assert_eq!(source.token().await.expect_err("no token"), expected, "{}", &answer[..answer.len().min(80)]);
    }
}

#[tokio::test]
async fn a_fetch_goes_on_when_who_asked_first_has_gone() {
    let server = Server::start(vec![Act::Hold(200, token("one", 3600))]).await;
    let source = Arc::new(server.source(Timing::default()));
    let first = tokio::spawn({
        let source = Arc::clone(&source);
        async move { source.token().await }
    });
    wait_until_async(PATIENCE, "the server is asked", || async { !server.requests().is_empty() }).await;
    first.abort();
    server.gate.add_permits(1);
    assert_eq!(text(&source).await, "one");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn nothing_shows_the_token() {
    let server = Server::start(vec![Act::Answer(200, token("canary-token", 3600))]).await;
    let source = server.source(Timing::default());
    let token = source.token().await.expect("a token");
    let shown = format!("{source:?} {token:?} {:?}", source.0);
    assert!(shown.contains("gateway@tollgate-test") && !shown.contains("canary"), "{shown}");
}
