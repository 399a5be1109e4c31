//! One client connection over time: pipelining, interim answers, half-closed and slow clients, large bodies.

mod common;

use std::time::{Duration, Instant};

use common::request::{BODY, chat, chat_with, in_chunks, plain};
use common::{CLOSED_KEY, Ground, JSON_ANSWER, KEY};
use tollgate_testkit::{Scripted, Signal, Step, stay_silent};

/// Answers that can be told apart.
fn numbered(count: usize) -> Scripted {
    Scripted::start((0..count).map(|number| vec![Step::json(200, &format!("{{\"number\":{number}}}"))]).collect())
}

#[test]
fn requests_in_one_segment_are_answered_in_their_order() {
    for (count, padding) in [(2, 0), (3, 100), (20, 0), (20, 3000)] {
        let ground = Ground::new(numbered(count), "");
        let body = |number: usize| format!(r#"{{"model":"gpt","n":{number},"p":"{}"}}"#, "x".repeat(padding));
        let segment: String = (0..count).map(|number| chat_with(&body(number))).collect();
        let mut client = ground.connect();
        client.send(segment);
        for number in 0..count {
            let answer = client.answer();
            assert_eq!((answer.status, &answer.json()["number"]), (200, &number.into()), "{number} of {count}");
            assert!(!answer.closes());
        }
        let bodies: Vec<_> = ground.provider.requests().iter().map(tollgate_testkit::Recorded::text).collect();
        assert_eq!(bodies, (0..count).map(body).collect::<Vec<_>>());
        assert_eq!(ground.provider.connections(), 1, "a connection to the provider is used again");
        ground.expect_calm();
    }
}

#[test]
fn a_refused_request_between_others_takes_its_body_with_it() {
    let hidden = "GET /v1/models HTTP/1.1\r\nhost: t\r\n\r\n";
    let chunked = String::from_utf8(in_chunks(hidden.as_bytes(), &[5])).expect("ASCII");
    for (fields, body) in
        [(format!("content-length: {}\r\n", hidden.len()), hidden), ("transfer-encoding: chunked\r\n".into(), &chunked)]
    {
        let ground = Ground::new(numbered(2), "");
        let refused = chat(&fields, body).replace(KEY, CLOSED_KEY);
        let mut client = ground.connect();
        client.send(format!("{}{refused}{}", plain(), plain()));
        assert_eq!(client.answer().json()["number"], 0);
        client.answer().expect_error(&fields, 401, "invalid_request_error", "invalid_api_key");
        assert_eq!(client.answer().json()["number"], 1);
        assert_eq!(ground.provider.requests().len(), 2);
        assert_eq!(client.ask(plain()).json()["number"], 1, "no answer is left over");
    }
}

#[test]
fn a_client_that_asks_whether_to_go_on_is_told_before_it_sends_its_body() {
    let ground = Ground::json();
    let expecting = format!("Expect: 100-Continue\r\ncontent-length: {}\r\n", BODY.len());
    let mut client = ground.connect();
    for _ in 0..2 {
        let interim = client.ask(chat(&expecting, ""));
        assert_eq!((interim.status, interim.head.as_str()), (100, "HTTP/1.1 100 Continue\r\n\r\n"));
        assert_eq!(client.ask(BODY).text(), JSON_ANSWER);
    }
    let interim = client.ask(chat("expect: 100-continue\r\ntransfer-encoding: chunked\r\n", ""));
    assert_eq!(interim.status, 100);
    assert_eq!(client.ask(in_chunks(BODY.as_bytes(), &[4])).text(), JSON_ANSWER);
    assert_eq!(client.ask(chat(&expecting, BODY)).text(), JSON_ANSWER, "a client that does not wait is not told");
    assert_eq!(ground.provider.requests().len(), 4);
    assert!(ground.provider.requests().iter().all(|request| request.header("expect").is_none()));
    ground.expect_calm();
}

#[test]
fn a_client_whose_body_is_not_wanted_is_not_asked_for_it() {
    let mut ground = Ground::new(
        Scripted::json(200, JSON_ANSWER),
        "[gateway.limits]\nbody_bytes_max = \"2KiB\"\n[gateway.deadlines]\nclient_body = \"200ms\"\n",
    );
    let expecting = |length: usize| format!("expect: 100-continue\r\ncontent-length: {length}\r\n");
    let small = chat(&expecting(BODY.len()), "");
    for (what, request, status, code) in [
        ("an unknown key", small.replace(KEY, CLOSED_KEY), 401, "invalid_api_key"),
        ("an unknown path", small.replace("/v1/chat", "/v1/chess"), 404, "unknown_url"),
        ("a wrong method", small.replace("POST", "PUT"), 405, "method_not_allowed"),
        ("a body too large", chat(&expecting(2049), ""), 413, "request_too_large"),
        (
            "an encoded body",
            chat(&format!("content-encoding: br\r\n{}", expecting(5)), ""),
            415,
            "unsupported_content_encoding",
        ),
    ] {
        ground.expect_refused(what, request, status, code);
    }
    // HTTP/1.0 knows no interim answers: this client is silent, and the first thing that it gets is the deadline.
    let (answer, _) = ground.ask(small.replace("HTTP/1.1", "HTTP/1.0"));
    answer.expect_error("HTTP/1.0", 408, "invalid_request_error", "request_timeout");
    let empty = ground.connect().ask(chat("expect: 100-continue\r\ncontent-length: 0\r\n", ""));
    empty.expect_error("nothing to wait for", 400, "invalid_request_error", "invalid_value");
    ground.expect_calm();
}

#[test]
fn a_client_that_half_closes_has_left() {
    let provider = Scripted::start(vec![vec![Step::HoldOpenUntilPeerCloses], vec![Step::json(200, JSON_ANSWER)]]);
    let mut ground = Ground::new(provider, "");
    let mut client = ground.connect();
    client.send(plain().replace("host: t", "host: t\r\nx-request-id: half"));
    ground.provider.wait_for_requests(1);
    client.half_close();
    client.expect_closed();
    ground.provider.wait_for_hangup();
    let line = ground.gateway.wait_for_log("\"half\"");
    assert!(line.contains("\"client_gone\"") && line.contains("499"), "{line}");
    assert_eq!(ground.ask(plain()).0.status, 200);
    ground.expect_calm();
    ground = Ground::json();
    for (what, unfinished) in [
        ("nothing", String::new()),
        ("half a head", "POST /v1/chat".to_owned()),
        ("half a body", chat(&format!("content-length: {}\r\n", BODY.len() + 1), BODY)),
        ("half a chunk", chat("transfer-encoding: chunked\r\n", "5\r\nhel")),
        ("no last chunk", chat("transfer-encoding: chunked\r\n", &format!("{:x}\r\n{BODY}\r\n", BODY.len()))),
    ] {
        let mut client = ground.connect();
        client.send(unfinished).half_close();
        client.expect_closed();
        assert_eq!(ground.provider.connections(), usize::from(what != "nothing"), "{what}");
        if what == "nothing" {
            ground.expect_served(what);
        }
    }
    ground.expect_served("unfinished requests");
    ground.expect_calm();
}

#[test]
fn a_head_or_body_that_comes_too_slowly_is_cut_at_its_deadline() {
    let mut ground = Ground::new(
        Scripted::json(200, JSON_ANSWER),
        "[gateway.deadlines]\nclient_head = \"150ms\"\nclient_body = \"200ms\"\nclient_idle = \"250ms\"\n",
    );
    let slow_body = chat(&format!("content-length: {}\r\n", BODY.len()), &BODY[..9]);
    let slow_chunk = chat("transfer-encoding: chunked\r\n", "5\r\nhel");
    for (what, bytes, at_least) in [
        ("a slow head", "POST /v1/chat/comp".to_owned(), 150),
        ("a slow preface", "PRI * HT".to_owned(), 150),
        ("a slow body", slow_body, 200),
        ("a slow chunk", slow_chunk, 200),
        ("a body that was asked for", chat("expect: 100-continue\r\ncontent-length: 9\r\n", ""), 200),
    ] {
        let mut client = ground.connect();
        let started = Instant::now();
        let mut answer = client.ask(bytes);
        if answer.status == 100 {
            answer = client.answer();
        }
        let error = answer.expect_error(what, 408, "invalid_request_error", "request_timeout");
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(at_least) && took < Duration::from_secs(5), "{what}: {took:?}");
        assert!(answer.closes(), "{what}: {error}");
        client.expect_closed();
        ground.expect_served(what);
    }
    let mut idle = ground.connect();
    idle.expect_closed();
    let mut between = ground.connect();
    assert_eq!(between.ask(plain()).status, 200);
    between.expect_closed();
    ground.expect_calm();
}

#[test]
fn a_slow_but_steady_body_is_waited_for() {
    let ground = Ground::new(Scripted::json(200, JSON_ANSWER), "[gateway.deadlines]\nclient_body = \"400ms\"\n");
    let mut client = ground.connect();
    client.send(chat(&format!("content-length: {}\r\n", BODY.len()), ""));
    let started = Instant::now();
    for piece in BODY.as_bytes().chunks(BODY.len() / 6) {
        stay_silent(Duration::from_millis(100));
        client.send(piece);
    }
    assert_eq!(client.answer().status, 200);
    assert!(started.elapsed() > Duration::from_millis(400), "the deadline is for a pause, not for the whole");
}

#[test]
fn a_request_in_single_bytes_is_the_same_request() {
    let ground = Ground::json();
    let chunked = String::from_utf8(in_chunks(BODY.as_bytes(), &[3, 1, 20])).expect("ASCII");
    let mut client = ground.connect();
    for request in [plain(), chat("transfer-encoding: chunked\r\n", &chunked), format!("\r\n{}", plain())] {
        for byte in request.as_bytes() {
            client.send([*byte]);
        }
        assert_eq!(client.answer().text(), JSON_ANSWER);
    }
    for request in ground.provider.requests() {
        assert_eq!(request.text(), BODY);
    }
}

#[test]
fn large_bodies_go_through_unchanged_however_they_are_framed() {
    let ground = Ground::json();
    let noise: String =
        (0_u32..300_000).map(|n| char::from(b' ' + (n.wrapping_mul(2_654_435_761) >> 26) as u8)).collect();
    let content = serde_json::Value::from(noise.repeat(4));
    let body = format!(r#" {{"messages":[{{"content":{content},"é":"\u0000\ud83d\ude00"}}], "model" : "gpt" }} "#);
    assert!(body.len() > 1 << 20);
    let head = chat("transfer-encoding: chunked\r\n", "");
    let mut client = ground.connect();
    for sizes in [&[body.len()][..], &[65_536], &[1, 4095, 4096, 4097, 17, 70_000]] {
        client.send(&head);
        assert_eq!(client.ask(in_chunks(body.as_bytes(), sizes)).status, 200, "{sizes:?}");
    }
    assert_eq!(client.ask(chat_with(&body)).status, 200);
    let requests = ground.provider.requests();
    assert_eq!(requests.len(), 4);
    for request in requests {
        assert!(request.body == body.as_bytes(), "{} bytes came for {}", request.body.len(), body.len());
        assert_eq!(request.header("content-length"), Some(body.len().to_string()));
    }
    ground.expect_calm();
}

#[test]
fn a_large_answer_of_unknown_length_comes_through_unchanged() {
    let text: String = (0..200_000).map(|number| format!("{number:x}-")).collect();
    let answer = format!(r#"{{"object":"chat.completion","content":"{text}","usage":{{"prompt_tokens":1}}}}"#);
    let mut script =
        vec![Step::send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")];
    script.extend(answer.as_bytes().chunks(7001).map(Step::chunk));
    script.push(Step::last_chunk());
    let ground = Ground::new(Scripted::start(vec![script]), "");
    let mut client = ground.connect();
    for _ in 0..2 {
        let came = client.ask(plain());
        assert_eq!(came.header("transfer-encoding"), Some("chunked"), "it is too large to be held back");
        assert!(came.whole && came.text() == answer);
    }
    let mut old = ground.connect();
    let came = old.ask(plain().replace("HTTP/1.1", "HTTP/1.0"));
    assert!(came.whole && came.text() == answer && came.header("transfer-encoding").is_none(), "{}", came.head);
}

#[test]
fn a_client_that_does_not_read_is_given_up_on() {
    let signal = Signal::default();
    let event = format!("data: {}\n\n", "x".repeat(60_000));
    let mut script = vec![Step::sse_head()];
    script.extend((0..400).map(|_| Step::chunk(&event)));
    script.push(Step::WaitFor(signal));
    let ground = Ground::new(Scripted::start(vec![script]), "[gateway.deadlines]\nclient_write = \"200ms\"\n");
    let mut client = ground.connect();
    client.send(chat_with(&common::request::streamed("gpt")).replace("host: t", "host: t\r\nx-request-id: deaf"));
    ground.provider.wait_for_hangup();
    let line = ground.gateway.wait_for_log("\"deaf\"");
    assert!(line.contains("\"client_gone\""), "{line}");
    ground.expect_calm();
}

#[test]
fn a_connection_is_closed_when_its_client_wants_that() {
    let ground = Ground::json();
    for wish in ["close", "Close", "keep-alive, close", "x,close"] {
        let length = BODY.len();
        let (answer, mut client) =
            ground.ask(chat(&format!("connection: {wish}\r\ncontent-length: {length}\r\n"), BODY));
        assert!(answer.closes() && answer.status == 200, "{wish}: {}", answer.head);
        client.expect_closed();
    }
    let (answer, mut client) = ground.ask(plain().replace("HTTP/1.1\r\n", "HTTP/1.0\r\nconnection: keep-alive\r\n"));
    assert_eq!(answer.status, 200);
    client.expect_closed();
}
