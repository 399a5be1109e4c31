//! Connections to a provider: used again while they are good, replaced once when they are not, and never trusted.

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use common::request::{chat_with, plain};
use common::{Ground, JSON_ANSWER, Raw, config, gateway};
use tollgate_testkit::{Scripted, Signal, Step, wait_until};

#[test]
fn a_connection_that_the_provider_closed_between_requests_is_replaced_silently() {
    let scripts = vec![vec![Step::json(200, JSON_ANSWER), Step::Close]];
    let ground = Ground::new(Scripted::start(scripts), "");
    let mut client = ground.connect();
    for count in 1..=20 {
        assert_eq!(client.ask(plain()).text(), JSON_ANSWER);
        assert_eq!(ground.provider.requests().len(), count, "each request is seen once");
        assert_eq!(ground.provider.connections(), count);
    }
    ground.expect_calm();
}

#[test]
fn a_request_on_a_kept_connection_is_sent_again_only_while_nothing_was_answered() {
    let end = "the end of a connection";
    for (what, said, status) in [
        (end, "", 200),
        ("half a head", "HTTP/1.1 200 OK\r\ncontent-", 502),
        ("an interim answer", "HTTP/1.1 100 Continue\r\n\r\n", 502),
        ("a head", "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n", 502),
        ("no HTTP", "nonsense\r\n\r\n", 502),
    ] {
        let ok = vec![Step::json(200, JSON_ANSWER)];
        let ground = Ground::new(Scripted::start(vec![ok.clone(), vec![Step::send(said), Step::Close], ok]), "");
        let mut client = ground.connect();
        assert_eq!(client.ask(plain()).status, 200);
        let answer = client.ask(plain());
        assert_eq!(answer.status, status, "{what}: {}{}", answer.head, answer.text());
        assert_eq!(ground.provider.requests().len(), if what == end { 3 } else { 2 }, "{what}");
        assert_eq!(client.ask(plain()).text(), JSON_ANSWER, "after {what}");
        ground.expect_calm();
    }
}

#[test]
fn a_request_on_a_fresh_connection_is_never_sent_again() {
    for end in [Step::Close, Step::Reset] {
        let ground = Ground::new(Scripted::start(vec![vec![end], vec![Step::json(200, JSON_ANSWER)]]), "");
        let (answer, _) = ground.ask(plain());
        answer.expect_error("no answer", 502, "server_error", "provider_unavailable");
        assert_eq!(ground.provider.requests().len(), 1);
        assert_eq!(ground.ask(plain()).0.status, 200);
    }
}

#[test]
fn a_second_stale_connection_is_not_replaced_again() {
    let ok = vec![Step::json(200, JSON_ANSWER)];
    let ground = Ground::new(Scripted::start(vec![ok.clone(), vec![Step::Close], vec![Step::Close], ok]), "");
    let mut client = ground.connect();
    assert_eq!(client.ask(plain()).status, 200);
    client.ask(plain()).expect_error("two ends", 502, "server_error", "provider_unavailable");
    assert_eq!(ground.provider.requests().len(), 3);
}

#[test]
fn clients_share_the_connections_to_a_provider() {
    let ground = Ground::json();
    for count in 1..=5 {
        assert_eq!(ground.ask(plain()).0.status, 200);
        // A client has its answer a moment before the connection is free for another one; then the log has a line.
        let logged = || ground.gateway.log().iter().filter(|line| line.contains("\"complete\"")).count();
        wait_until(common::PATIENCE, "the request is over", || logged() == count);
    }
    assert_eq!(ground.provider.connections(), 1);
}

#[test]
fn an_answer_under_way_keeps_its_connection_to_itself() {
    let signal = Signal::default();
    let slow = vec![Step::WaitFor(signal.clone()), Step::json(200, r#"{"slow":true}"#)];
    let ground = Ground::new(Scripted::start(vec![slow, vec![Step::json(200, JSON_ANSWER)]]), "");
    let mut first = ground.connect();
    first.send(plain());
    ground.provider.wait_for_requests(1);
    assert_eq!(ground.ask(plain()).0.text(), JSON_ANSWER);
    signal.give();
    assert_eq!(first.answer().text(), r#"{"slow":true}"#);
    assert_eq!(ground.provider.connections(), 2);
}

/// A provider that answers after the head of a request, whatever of its body has come, and reads no more. Gives its
/// URL and how many connections it was asked on.
fn hasty(answer: String) -> (String, thread::JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let serve = move || {
        let mut held = Vec::new();
        while held.len() < 2 {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut seen = Vec::new();
            while !seen.windows(4).any(|four| four == b"\r\n\r\n") {
                let mut bytes = [0; 512];
                let read = stream.read(&mut bytes).expect("a request");
                assert!(read > 0, "the gateway left");
                seen.extend_from_slice(&bytes[..read]);
            }
            stream.write_all(answer.as_bytes()).expect("the gateway listens");
            held.push(stream);
        }
        // The gateway hangs up on both: their requests were never sent whole.
        held.iter_mut().map(hung_up).filter(|gone| *gone).count()
    };
    (url, thread::spawn(serve))
}

fn hung_up(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(common::PATIENCE)).expect("a live socket");
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn an_answer_before_the_request_was_read_is_taken_and_its_connection_closed() {
    let large = chat_with(&format!(r#"{{"model":"gpt","a":"{}"}}"#, "x".repeat(24 << 20)));
    let fields = "content-type: application/json\r\n";
    let ok = format!("HTTP/1.1 200 OK\r\n{fields}content-length: {}\r\n\r\n{JSON_ANSWER}", JSON_ANSWER.len());
    let says = r#"{"error":{"message":"too much","code":"string_too_long"}}"#;
    let no = format!("HTTP/1.1 413 No\r\n{fields}content-length: {}\r\n\r\n{says}", says.len());
    for (answer, status, part) in [(ok, 200, "chat.completion"), (no, 413, "string_too_long")] {
        let (url, provider) = hasty(answer);
        let gateway = gateway(&config(&[&url], ""));
        for _ in 0..2 {
            let got = Raw::connect(gateway.port()).ask(&large);
            assert_eq!(got.status, status, "{}{}", got.head, got.text());
            assert!(got.text().contains(part));
        }
        assert_eq!(provider.join().expect("no panic"), 2, "half a request leaves no connection to keep");
    }
}
