//! RFC 9112 on the provider's side: an answer that could be read in two ways is none, and the client is told so.

mod common;

use common::request::plain;
use common::{Ground, JSON_ANSWER, Raw, config, gateway, request};
use tollgate_testkit::{Gateway, Scripted, Step};

const JSON: &str = "content-type: application/json\r\n";

/// An answer with these header lines and this body.
fn answer(fields: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{JSON}{fields}\r\n{body}")
}

fn chunked(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

/// One gateway, and a provider for each answer, which keeps its connection open or closes it.
struct Table {
    gateway: Gateway,
    providers: Vec<Scripted>,
}

impl Table {
    fn of<'a>(answers: impl IntoIterator<Item = (&'a [u8], bool)>) -> Self {
        let providers: Vec<_> = answers
            .into_iter()
            .map(|(answer, closes)| {
                let mut script = vec![Step::send(answer)];
                script.extend(closes.then_some(Step::Close));
                Scripted::start(vec![script])
            })
            .collect();
        let urls: Vec<_> = providers.iter().map(Scripted::url).collect();
        let settings = "[gateway.deadlines]\nfirst_byte = \"5s\"\nbetween_chunks = \"5s\"\n";
        let gateway = gateway(&config(&urls.iter().map(String::as_str).collect::<Vec<_>>(), settings));
        Self { gateway, providers }
    }

    fn ask(&self, client: &mut Raw, number: usize) -> common::Answer {
        client.ask(request::chat_with(&format!(r#"{{"model":"p{number}/m"}}"#)))
    }

    fn connect(&self) -> Raw {
        Raw::connect(self.gateway.port())
    }
}

/// Each answer is none: the client gets a 502 and keeps its connection, and the provider's one is not used again.
fn expect_refused(closes: bool, answers: &[String]) {
    let table = Table::of(answers.iter().map(|answer| (answer.as_bytes(), closes)));
    let mut client = table.connect();
    for (number, answer) in answers.iter().enumerate() {
        for count in 1..=2 {
            let got = table.ask(&mut client, number);
            got.expect_error(answer, 502, "server_error", "provider_unavailable");
            assert!(!got.closes(), "{answer:?}");
            let provider = &table.providers[number];
            assert_eq!((provider.requests().len(), provider.connections()), (count, count), "{answer:?}");
        }
    }
    assert!(!table.gateway.log().join("\n").contains("panicked"));
}

#[test]
fn an_answer_whose_length_could_be_read_in_two_ways_is_none() {
    let length = JSON_ANSWER.len();
    let framed = [
        format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"),
        format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n"),
        format!("content-length: {length}\r\ncontent-length: {length}\r\n"),
        format!("content-length: {length}\r\nContent-Length: 7\r\n"),
        format!("content-length: {length}, {length}\r\n"),
        format!("content-length: +{length}\r\n"),
        format!("content-length: -{length}\r\n"),
        format!("content-length: 0x{length:x}\r\n"),
        "content-length: 99999999999999999999\r\n".to_owned(),
        "content-length:\r\n".to_owned(),
        "content-length: \u{b2}\r\n".to_owned(),
    ];
    expect_refused(false, &framed.map(|fields| answer(&fields, JSON_ANSWER)));
    let coded = [
        "transfer-encoding: gzip\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: chunked, chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding:\r\n",
        "transfer-encoding : chunked\r\n",
        "x: y\r\n transfer-encoding: chunked\r\n",
    ];
    expect_refused(false, &coded.map(|fields| answer(fields, &chunked(JSON_ANSWER))));
    let old = answer("transfer-encoding: chunked\r\n", &chunked(JSON_ANSWER)).replace("HTTP/1.1", "HTTP/1.0");
    expect_refused(false, &[old]);
}

#[test]
fn an_answer_that_is_no_http_is_none() {
    let length = format!("content-length: {}\r\n", JSON_ANSWER.len());
    let whole = answer(&length, JSON_ANSWER);
    let with = |line: &str| whole.replacen("HTTP/1.1 200 OK", line, 1);
    expect_refused(
        false,
        &[
            whole.replace("\r\n", "\n"),
            whole.replacen("\r\n", "\n", 1),
            answer(&format!("x: a\r\n folded\r\n{length}"), JSON_ANSWER),
            answer(&format!("x: a\rb\r\n{length}"), JSON_ANSWER),
            answer(&format!("x: a\0b\r\n{length}"), JSON_ANSWER),
            answer(&format!("no colon\r\n{length}"), JSON_ANSWER),
            answer(&format!("na me: x\r\n{length}"), JSON_ANSWER),
            with("HTTP/2.0 200 OK"),
            with("HTTP/1.2 200 OK"),
            with("HTTP/1.1 20 OK"),
            with("HTTP/1.1 2000 OK"),
            with("HTTP/1.1 099 OK"),
            with("HTTP/1.1 abc OK"),
            with("HTTP/1.1  200 OK"),
            with("ICY 200 OK"),
            with("http/1.1 200 OK"),
            "complete nonsense\r\n\r\n".to_owned(),
            "{\"no\":\"head\"}\r\n\r\n".to_owned(),
            "\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{28}".to_owned(),
        ],
    );
}

#[test]
fn an_answer_that_stops_early_is_none() {
    let length = |extra: usize| format!("content-length: {}\r\n", JSON_ANSWER.len() + extra);
    let coded = |body: &str| answer("transfer-encoding: chunked\r\n", body);
    expect_refused(
        true,
        &[
            String::new(),
            "HTTP/1.1 200 OK\r\ncontent-type".to_owned(),
            "HTTP/1.1 100 Continue\r\n\r\n".to_owned(),
            answer(&length(0), ""),
            answer(&length(1), JSON_ANSWER),
            answer(&length(0), &JSON_ANSWER[..20]),
            coded(""),
            coded("5\r\n{\"a"),
            coded(&format!("{:x}\r\n{JSON_ANSWER}", JSON_ANSWER.len())),
            coded(&format!("{:x}\r\n{JSON_ANSWER}\r\n", JSON_ANSWER.len())),
            coded(&format!("{:x}\r\n{JSON_ANSWER}\r\n0\r\n", JSON_ANSWER.len())),
            // Lasts as long as its connection, and is half a document.
            answer("", &JSON_ANSWER[..20]),
            answer("", ""),
        ],
    );
}

#[test]
fn chunks_that_are_none_are_refused() {
    let coded = |body: &str| answer("transfer-encoding: chunked\r\n", body);
    expect_refused(
        false,
        &[
            coded("\r\n{}\r\n"),
            coded("zz\r\n{}\r\n0\r\n\r\n"),
            coded("-2\r\n{}\r\n0\r\n\r\n"),
            coded("0x2\r\n{}\r\n0\r\n\r\n"),
            coded(" 2\r\n{}\r\n0\r\n\r\n"),
            coded("2\n{}\n0\n\n"),
            coded("2\r\n{}x\r\n0\r\n\r\n"),
            coded("1\r\n{}\r\n0\r\n\r\n"),
            coded("10000000000000002\r\n{}\r\n0\r\n\r\n"),
            coded(&format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(5000))),
            coded(&format!("2\r\n{{}}\r\n0\r\n{}\r\n", "a: b\r\n".repeat(1000))),
        ],
    );
}

#[test]
fn an_answer_that_we_did_not_ask_for_is_none() {
    let length = format!("content-length: {}\r\n", JSON_ANSWER.len());
    expect_refused(
        false,
        &[
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n".to_owned(),
            "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(20),
            answer(&format!("content-encoding: gzip\r\n{length}"), JSON_ANSWER),
            answer(&format!("content-encoding: br\r\n{length}"), JSON_ANSWER),
            answer(&format!("content-encoding: identity, gzip\r\n{length}"), JSON_ANSWER),
            answer(&format!("content-encoding: gzip\r\ncontent-encoding: identity\r\n{length}"), JSON_ANSWER),
            answer(&format!("{}{length}", "x: y\r\n".repeat(101)), JSON_ANSWER),
            answer(&format!("x: {}\r\n{length}", "y".repeat(70_000)), JSON_ANSWER),
            format!("HTTP/1.1 200 OK\r\n{}", "x".repeat(70_000)),
        ],
    );
}

#[test]
fn an_answer_that_is_no_document_is_none() {
    let answers = [
        answer("content-length: 0\r\n", ""),
        answer("content-length: 2\r\n", "[]"),
        answer("content-length: 4\r\n", "null"),
        answer("content-length: 4\r\n", "{}{}"),
        answer("content-length: 9\r\n", "<html></h"),
        "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
        "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n".to_owned(),
        answer(&format!("content-length: {}\r\n", JSON_ANSWER.len()), JSON_ANSWER).replace("200 OK", "206 Part"),
    ];
    let table = Table::of(answers.iter().map(|answer| (answer.as_bytes(), false)));
    let mut client = table.connect();
    for (number, answer) in answers.iter().enumerate() {
        let got = table.ask(&mut client, number);
        got.expect_error(answer, 502, "server_error", "provider_unavailable");
    }
}

#[test]
fn an_answer_that_is_valid_is_passed_on_however_unusual() {
    let body = JSON_ANSWER;
    let length = format!("content-length: {}\r\n", body.len());
    let whole = answer(&length, body);
    let coded = |fields: &str, framed: &str| answer(&format!("transfer-encoding: chunked\r\n{fields}"), framed);
    // The answer; whether the provider closes after it; whether its connection may be used again.
    let table = [
        (whole.clone(), false, true),
        (whole.replace("200 OK", "200"), false, true),
        (whole.replace("200 OK", "200 "), false, true),
        (whole.replace("200 OK", "200 All is \u{e4}"), false, true),
        (answer(&format!("x: \u{e4}\r\n{length}"), body), false, true),
        (answer(&format!("Connection: keep-alive\r\n{length}"), body), false, true),
        (answer(&format!("content-encoding: identity\r\n{length}"), body), false, true),
        (coded("", &chunked(body)), false, true),
        (coded("", &format!("1;x=\"y\"\r\n{{\r\n{}", chunked(&body[1..]))), false, true),
        (coded("", &chunked(body).replace("0\r\n\r\n", "0\r\nx-evil: 1\r\n\r\n")), false, true),
        (whole.replace("content-length", "CONTENT-LENGTH"), false, true),
        (coded("", &chunked(body)).replace("chunked", "Chunked"), false, true),
        (format!("HTTP/1.1 100 Continue\r\n\r\n{whole}"), false, true),
        (format!("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n{whole}"), false, true),
        (whole.replace("HTTP/1.1", "HTTP/1.0"), false, false),
        (answer("", body), true, false),
        (answer("", body).replace("HTTP/1.1", "HTTP/1.0"), true, false),
        (answer("connection: close\r\n", body), true, false),
        (answer(&format!("connection: close\r\n{length}"), body), false, false),
        (answer(&format!("connection: x, Close\r\n{length}"), body), false, false),
        (format!("{whole}extra"), false, false),
        (format!("{whole}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{{}}"), false, false),
        (format!("{}extra", coded("", &chunked(body))), false, false),
        (whole.clone(), true, false),
    ];
    let ground = Table::of(table.iter().map(|(answer, closes, _)| (answer.as_bytes(), *closes)));
    let mut client = ground.connect();
    for (number, (answer, _, reused)) in table.iter().enumerate() {
        for _ in 0..3 {
            let got = ground.ask(&mut client, number);
            assert_eq!((got.status, got.text().as_str(), got.closes()), (200, body, false), "{answer:?}: {}", got.head);
            assert_eq!(got.header("content-length"), Some(body.len().to_string().as_str()), "{answer:?}");
            assert!(!got.head.contains("x-evil") && !got.head.contains("connection"), "{}", got.head);
        }
        let provider = &ground.providers[number];
        assert_eq!(provider.requests().len(), 3, "{answer:?}");
        assert_eq!(provider.connections(), if *reused { 1 } else { 3 }, "{answer:?}");
    }
    assert!(!ground.gateway.log().join("\n").contains("panicked"));
}

#[test]
fn an_answer_in_single_bytes_is_the_same_answer() {
    let bytes = |text: &str| text.bytes().map(|byte| Step::Send(vec![byte])).collect::<Vec<_>>();
    let whole = answer("transfer-encoding: chunked\r\n", &format!("2;a=b\r\n{}", &chunked(JSON_ANSWER)));
    let framed = whole.replace("2;a=b\r\n", "");
    let ground = Ground::new(Scripted::start(vec![bytes(&framed)]), "");
    let mut client = ground.connect();
    for _ in 0..2 {
        assert_eq!(client.ask(plain()).text(), JSON_ANSWER);
    }
    assert_eq!(ground.provider.connections(), 1);
    ground.expect_calm();
}
