//! A client that leaves takes its request with it: the provider is hung up on at once.

mod common;

use std::time::{Duration, Instant};

use common::Ground;
use common::request::{chat_with, plain, streamed};
use tollgate_testkit::{Scripted, Step};

/// From a client's end to the end of the provider's connection.
const AT_ONCE: Duration = Duration::from_millis(100);

#[track_caller]
fn expect_hangup(ground: &Ground, left: Instant) {
    let took = ground.provider.wait_for_hangup().saturating_duration_since(left);
    assert!(took < AT_ONCE, "the provider was hung up on after {took:?}");
    let line = ground.gateway.wait_for_log("\"client_gone\"");
    assert!(line.contains("\"http.response.status_code\":499"), "{line}");
    assert_eq!(ground.provider.requests().len(), 1, "nothing is sent again for a client that has left");
    ground.expect_calm();
}

#[test]
fn a_client_that_leaves_before_the_first_byte_is_not_worked_for() {
    for body in [common::request::BODY.to_owned(), streamed("gpt")] {
        let ground = Ground::new(Scripted::start(vec![vec![Step::HoldOpenUntilPeerCloses]]), "");
        let mut client = ground.connect();
        client.send(chat_with(&body));
        ground.provider.wait_for_requests(1);
        let left = Instant::now();
        drop(client);
        expect_hangup(&ground, left);
    }
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_stream_ends_it() {
    let script = vec![Step::sse_head(), Step::chunk("data: {}\n\n"), Step::HoldOpenUntilPeerCloses];
    let ground = Ground::new(Scripted::start(vec![script]), "");
    let mut client = ground.connect();
    client.send(chat_with(&streamed("gpt"))).head();
    client.chunks_until("data: {}");
    let left = Instant::now();
    drop(client);
    expect_hangup(&ground, left);
}

#[test]
fn a_client_that_leaves_a_document_in_the_making_ends_it() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{";
    let ground = Ground::new(Scripted::start(vec![vec![Step::send(head), Step::HoldOpenUntilPeerCloses]]), "");
    let mut client = ground.connect();
    client.send(plain());
    ground.provider.wait_for_requests(1);
    let left = Instant::now();
    drop(client);
    expect_hangup(&ground, left);
}

#[test]
fn one_client_that_leaves_takes_no_other_with_it() {
    let scripts = vec![vec![Step::HoldOpenUntilPeerCloses], vec![Step::json(200, common::JSON_ANSWER)]];
    let ground = Ground::new(Scripted::start(scripts), "");
    let mut leaving = ground.connect();
    leaving.send(plain());
    ground.provider.wait_for_requests(1);
    let mut staying = ground.connect();
    assert_eq!(staying.ask(plain()).status, 200);
    drop(leaving);
    ground.provider.wait_for_hangup();
    assert_eq!(staying.ask(plain()).status, 200);
    assert_eq!(ground.provider.connections(), 2);
}
