//! RFC 9112 on the client's side: what could be read in two ways is refused, never repaired, and reaches no provider.

mod common;

use common::request::{BODY, chat, chat_with, in_chunks, plain};
use common::{Ground, KEY};

/// A request after which another one hides: it must not be answered.
const HIDDEN: &str = "GET /v1/models HTTP/1.1\r\nhost: t\r\n\r\n";

/// A request with this first line and these header lines, and a credential.
fn head(line: &str, fields: &str) -> String {
    format!("{line}\r\n{fields}authorization: Bearer {KEY}\r\n\r\n")
}

#[test]
fn a_length_that_two_parties_could_read_differently_is_refused() {
    let mut ground = Ground::json();
    let length = BODY.len();
    for fields in [
        format!("content-length: {length}\r\ncontent-length: {length}\r\n"),
        format!("content-length: {length}\r\nContent-Length: 0\r\n"),
        format!("content-length: {length}, {length}\r\n"),
        format!("content-length: {length},\r\n"),
        format!("content-length: +{length}\r\n"),
        format!("content-length: -{length}\r\n"),
        format!("content-length: 0x{length:x}\r\n"),
        format!("content-length: {length}.0\r\n"),
        format!("content-length: {length} {length}\r\n"),
        format!("content-length: \"{length}\"\r\n"),
        "content-length: 9999999999999999999\r\n".to_owned(),
        "content-length: 18446744073709551616\r\n".to_owned(),
        "content-length: 99999999999999999999999999999999999999999999\r\n".to_owned(),
        "content-length:\r\n".to_owned(),
        "content-length: \r\n".to_owned(),
        "content-length: five\r\n".to_owned(),
    ] {
        ground.expect_refused(&fields, chat(&fields, &format!("{BODY}{HIDDEN}")), 400, "bad_request");
    }
    ground.expect_calm();
}

#[test]
fn a_transfer_coding_that_two_parties_could_read_differently_is_refused() {
    let mut ground = Ground::json();
    let chunked = String::from_utf8(in_chunks(BODY.as_bytes(), &[7])).expect("ASCII");
    let length = BODY.len();
    for fields in [
        "transfer-encoding: gzip\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: chunked, gzip\r\n",
        "transfer-encoding: chunked, chunked\r\n",
        "transfer-encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
        "transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: x, chunked\r\n",
        "transfer-encoding: \"chunked\"\r\n",
        "transfer-encoding: chunked;q=1\r\n",
        "transfer-encoding: chunke\r\n",
        "transfer-encoding: chunkedd\r\n",
        "transfer-encoding:\r\n",
        "transfer-encoding: \u{b}chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "transfer-encoding\t: chunked\r\n",
        " transfer-encoding: chunked\r\n",
        "x: y\r\n transfer-encoding: chunked\r\n",
        "transfer-encoding:\r\n chunked\r\n",
        &format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n"),
        &format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"),
        "content-length: 0\r\ntransfer-encoding: chunked\r\n",
    ] {
        ground.expect_refused(fields, chat(fields, &format!("{chunked}{HIDDEN}")), 400, "bad_request");
    }
    let old = chat("transfer-encoding: chunked\r\n", &chunked).replacen("HTTP/1.1", "HTTP/1.0", 1);
    ground.expect_refused("chunks in HTTP/1.0", old, 400, "bad_request");
    ground.expect_calm();
}

#[test]
fn a_body_in_chunks_that_are_none_is_refused() {
    let mut ground = Ground::json();
    for body in [
        "\r\n",
        "\r\n5\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5_0\r\nhello\r\n0\r\n\r\n",
        "xyz\r\n",
        ";name=value\r\nhello\r\n0\r\n\r\n",
        "ffffffffffffffff\r\nhello",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000g\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhelloo\r\n0\r\n\r\n",
        "5\r\nhell\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5;a\0b\r\nhello\r\n0\r\n\r\n",
        "0\r\n\n",
        "0\r\nx: y\n\r\n",
        "0\r\n\rx",
        &format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(5000)),
        &format!("0\r\n{}\r\n", "a: b\r\n".repeat(1000)),
    ] {
        ground.expect_refused(body, chat("transfer-encoding: chunked\r\n", body), 400, "bad_request");
    }
    ground.expect_calm();
}

#[test]
fn a_line_that_does_not_end_as_it_must_is_refused() {
    let mut ground = Ground::json();
    for text in [
        plain().replace("\r\n", "\n"),
        plain().replacen("\r\n", "\n", 1),
        chat("x: y\ncontent-length: 0\r\n", ""),
        chat("x: y\rcontent-length: 0\r\n", ""),
        chat("x: y\r\r\ncontent-length: 0\r\n", ""),
        chat("x: a\r\n folded\r\ncontent-length: 0\r\n", ""),
        chat("x: a\r\n\tfolded\r\ncontent-length: 0\r\n", ""),
        chat("x: a\0b\r\ncontent-length: 0\r\n", ""),
        chat("x\0: b\r\ncontent-length: 0\r\n", ""),
        chat("x: a\u{7f}b\r\ncontent-length: 0\r\n", ""),
        chat("content-length : 0\r\n", ""),
        chat("no colon\r\ncontent-length: 0\r\n", ""),
        chat(": no name\r\ncontent-length: 0\r\n", ""),
        chat("two words: x\r\ncontent-length: 0\r\n", ""),
        chat("na(me: x\r\ncontent-length: 0\r\n", ""),
        chat("n\u{e4}me: x\r\ncontent-length: 0\r\n", ""),
        format!("\n{}", plain()),
    ] {
        ground.expect_refused(&text, format!("{text}{HIDDEN}"), 400, "bad_request");
    }
    ground.expect_calm();
}

#[test]
fn a_host_is_there_once_and_is_one() {
    let mut ground = Ground::json();
    for fields in [
        "",
        "host: a\r\nhost: a\r\n",
        "host: a\r\nHost: b\r\n",
        "host: a, b\r\n",
        "host: a b\r\n",
        "host: u@a\r\n",
        "host: a/b\r\n",
        "host: a?b\r\n",
        "host: a#b\r\n",
        "host: \u{e4}\r\n",
    ] {
        ground.expect_refused(fields, head("GET /v1/models HTTP/1.1", fields), 400, "bad_request");
    }
    let missing = head("GET http://a/v1/models HTTP/1.1", "");
    ground.expect_refused("an absolute target does not stand in for the host", missing, 400, "bad_request");
    ground.expect_calm();
}

#[test]
fn a_first_line_that_is_none_is_refused() {
    let mut ground = Ground::json();
    for line in [
        "GET  /v1/models HTTP/1.1",
        "GET /v1/models  HTTP/1.1",
        "GET /v1/models HTTP/1.1 ",
        " GET /v1/models HTTP/1.1",
        "GET\t/v1/models\tHTTP/1.1",
        "GET /v1/ models HTTP/1.1",
        "G(T /v1/models HTTP/1.1",
        "/v1/models HTTP/1.1",
        "GET v1/models HTTP/1.1",
        "GET http:///v1/models HTTP/1.1",
        "GET http://u:p@a/v1/models HTTP/1.1",
        "GET ftp://a/v1/models HTTP/1.1",
        "CONNECT a:443 HTTP/1.1",
        "GET /v1/models",
        "GET /v1/models HTTX/1.1",
        "GET /v1/models http/1.1",
        "GET /v1/models\0 HTTP/1.1",
        "complete nonsense",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}",
    ] {
        ground.expect_refused(line, head(line, "host: a\r\n"), 400, "bad_request");
    }
    for line in [
        "GET /v1/models HTTP/1",
        "GET /v1/models HTTP/1.2",
        "GET /v1/models HTTP/2.0",
        "GET /v1/models HTTP/0.9",
        "PRI * HTTP/2.0",
    ] {
        ground.expect_refused(line, head(line, "host: a\r\n"), 505, "http_version_not_supported");
    }
    ground.expect_calm();
}

#[test]
fn a_head_beyond_the_bound_is_refused_even_unfinished() {
    let mut ground = Ground::new(
        tollgate_testkit::Scripted::json(200, common::JSON_ANSWER),
        "[gateway.limits]\nhead_bytes_max = \"4KiB\"\n",
    );
    for (what, fields) in [
        ("a long field", format!("x: {}\r\n", "y".repeat(5000))),
        ("many bytes in few fields", format!("x: {}\r\n", "y".repeat(500)).repeat(9)),
        ("many fields", "x: y\r\n".repeat(101)),
    ] {
        ground.expect_refused(what, chat(&fields, ""), 431, "header_too_large");
    }
    let unfinished = format!("GET /{} HTTP/1.1", "x".repeat(5000));
    ground.expect_refused("a target without an end", unfinished, 431, "header_too_large");
    ground.expect_calm();
}

#[test]
fn what_is_valid_is_served_however_unusual() {
    let mut ground = Ground::json();
    let chunked = String::from_utf8(in_chunks(BODY.as_bytes(), &[1, 13])).expect("ASCII");
    let framed = |fields: &str, body: &str| chat(fields, body);
    for (what, bytes) in [
        ("an exact length", plain()),
        ("a length with zeros in front", chat(&format!("content-length: 000{}\r\n", BODY.len()), BODY)),
        ("white space around a length", chat(&format!("content-length:\t {} \t\r\n", BODY.len()), BODY)),
        ("chunks", framed("transfer-encoding: chunked\r\n", &chunked)),
        ("chunks in capitals", framed("TRANSFER-ENCODING: CHUNKED\r\n", &chunked)),
        ("chunks with white space around", framed("Transfer-Encoding:  Chunked \r\n", &chunked)),
        (
            "chunk extensions",
            framed(
                "transfer-encoding: chunked\r\n",
                &format!("{:X};a=b;c=\"d\" \r\n{BODY}\r\n0;e\r\n\r\n", BODY.len()),
            ),
        ),
        (
            "trailers",
            framed(
                "transfer-encoding: chunked\r\n",
                &chunked.replace("0\r\n\r\n", "0\r\nx-evil: 1\r\nhost: b\r\n\r\n"),
            ),
        ),
        ("an empty line in front", format!("\r\n{}", plain())),
        ("two empty lines in front", format!("\r\n\r\n{}", plain())),
        ("an absolute target", plain().replace("POST /v1", "POST http://elsewhere:1/v1")),
        ("HTTP/1.0", plain().replace("HTTP/1.1", "HTTP/1.0")),
        ("HTTP/1.0 without a host", plain().replace("HTTP/1.1", "HTTP/1.0").replace("host: t\r\n", "")),
        ("a host with a port", plain().replace("host: t", "host: [::1]:8080")),
        ("a value that is not UTF-8", chat(&format!("x: \u{e4}\r\ncontent-length: {}\r\n", BODY.len()), BODY)),
        ("an empty value", chat(&format!("x:\r\ncontent-length: {}\r\n", BODY.len()), BODY)),
        ("a hundred fields", chat(&format!("{}content-length: {}\r\n", "x: y\r\n".repeat(97), BODY.len()), BODY)),
    ] {
        assert_eq!(ground.expect_accepted(what, bytes), BODY, "{what}");
    }
    for request in ground.provider.requests() {
        let head = String::from_utf8_lossy(&request.head).to_lowercase();
        assert!(!head.contains("x-evil") && !head.contains("elsewhere") && !head.contains("transfer"), "{head}");
        assert_eq!(request.header("content-length"), Some(BODY.len().to_string()));
    }
    ground.expect_calm();
}

#[test]
fn targets_that_are_no_endpoint_are_not_found() {
    let ground = Ground::json();
    for target in ["*", "/", "//v1/models", "/v1/models/", "/v1/chat/completions/", "/v1/chat%2Fcompletions"] {
        let (answer, mut client) = ground.ask(head(&format!("OPTIONS {target} HTTP/1.1"), "host: a\r\n"));
        answer.expect_error(target, 404, "invalid_request_error", "unknown_url");
        assert_eq!(client.ask(plain()).status, 200, "{target}: the connection goes on");
    }
    ground.expect_calm();
}

#[test]
fn a_body_of_no_bytes_is_a_body() {
    let ground = Ground::json();
    for bytes in [chat_with(""), chat("", ""), chat("transfer-encoding: chunked\r\n", "0\r\n\r\n")] {
        let (answer, mut client) = ground.ask(bytes);
        answer.expect_error("no bytes", 400, "invalid_request_error", "invalid_value");
        assert_eq!(client.ask(plain()).status, 200);
    }
    ground.expect_calm();
}
