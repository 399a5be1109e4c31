//! What a scripted provider promises to the tests that use it.

use std::io::{ErrorKind, Read, Write};

use super::*;

const ASK: &str = "POST /v1/x HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\nhi";

fn connect(provider: &Scripted) -> TcpStream {
    let stream = TcpStream::connect(provider.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn ask(stream: &mut TcpStream, answer: &str) {
    stream.write_all(ASK.as_bytes()).unwrap();
    let mut bytes = vec![0; answer.len()];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), answer);
}

const NO: &str = "HTTP/1.1 500 Scripted\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\nno";
const YES: &str = "HTTP/1.1 200 Scripted\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\nyes";

#[test]
fn each_request_gets_its_script_and_the_last_script_repeats() {
    let provider = Scripted::start(vec![vec![Step::json(500, "no")], vec![Step::json(200, "yes")]]);
    let mut first = connect(&provider);
    ask(&mut first, NO);
    ask(&mut connect(&provider), YES);
    ask(&mut first, YES);
    let requests = provider.wait_for_requests(3);
    assert_eq!(requests.iter().map(|request| request.connection).collect::<Vec<_>>(), [0, 1, 0]);
    assert_eq!((requests[0].head.as_slice(), requests[0].text()), (&ASK.as_bytes()[..ASK.len() - 2], "hi".into()));
    assert_eq!(requests[0].header("Host").as_deref(), Some("h"));
    assert_eq!(provider.connections(), 2);
}

#[test]
fn a_stream_is_a_chunked_body_that_ends() {
    let provider = Scripted::sse(&["data: a\n\n", "data: b\n\n"]);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut stream = connect(&provider);
    let whole = format!("{head}9\r\ndata: a\n\n\r\n9\r\ndata: b\n\n\r\n0\r\n\r\n");
    ask(&mut stream, &whole);
    ask(&mut stream, &whole);
}

#[test]
fn a_script_waits_for_its_signal() {
    let signal = Signal::default();
    let provider = Scripted::start(vec![vec![
        Step::send("a"),
        Step::WaitFor(signal.clone()),
        Step::Pause(Duration::from_millis(1)),
        Step::send("b"),
    ]]);
    let mut stream = connect(&provider);
    ask(&mut stream, "a");
    stream.set_read_timeout(Some(Duration::from_millis(30))).unwrap();
    let early = stream.read(&mut [0]).unwrap_err().kind();
    assert!(matches!(early, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{early}");
    signal.give();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap();
    assert_eq!(byte, *b"b");
}

#[test]
fn closing_is_orderly_and_resetting_is_not() {
    let provider = Scripted::start(vec![vec![Step::send("a"), Step::Close], vec![Step::Reset]]);
    let mut closed = connect(&provider);
    ask(&mut closed, "a");
    assert_eq!(closed.read(&mut [0]).unwrap(), 0);
    let mut reset = connect(&provider);
    reset.write_all(ASK.as_bytes()).unwrap();
    assert_eq!(reset.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_hangup_is_noticed_when_it_happens() {
    let provider = Scripted::start(vec![vec![Step::send("a"), Step::HoldOpenUntilPeerCloses]]);
    let mut stream = connect(&provider);
    ask(&mut stream, "a");
    let before = Instant::now();
    drop(stream);
    let hangup = provider.wait_for_hangup();
    assert!(hangup >= before && hangup - before < Duration::from_secs(1));
}

#[test]
fn dropping_the_provider_ends_its_connections_and_frees_its_port() {
    let provider = Scripted::start(vec![vec![Step::send("a")]]);
    let mut stream = connect(&provider);
    ask(&mut stream, "a");
    let address = provider.address();
    drop(provider);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    crate::wait_until(PATIENCE, "the port is free", || TcpStream::connect(address).is_err());
}
