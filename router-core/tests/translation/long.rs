//! Events of any length up to the bound, in any pieces, at a cost that grows with their length only.

use router_core::dialect::bedrock::event_stream;
use router_core::dialect::passing::LONG_EVENT_BYTES_MAX;
use router_core::dialect::translate::BadStream;
use router_core::domain::Dialect;

use super::heard::client_hears;
use super::relay::{Client, Relayed, frame, relay, translator};

const CLIENT: Client = Client { dialect: Dialect::Anthropic, as_array: false };

/// An event of OpenAI's of this length, and what ends a stream.
fn stream(len: usize, end: &str) -> Vec<u8> {
    let (head, tail) = (r#"data: {"choices":[{"index":0,"delta":{"content":""#, "\"}}]}");
    let text = "x".repeat(len - head.len() - tail.len());
    format!("{head}{text}{tail}{end}").into_bytes()
}

const END: &str = "\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// Small enough that whoever looked once more with each at what has come already would look at a terabyte, for minutes.
const PIECE: usize = 128;
/// What takes a quarter of a second must not take longer on the slowest of machines.
const SECONDS_MAX: f32 = 10.0;

/// Turns a stream round, and insists that each byte is looked at but a few times.
#[expect(clippy::disallowed_types, reason = "how long it takes is what is promised")]
fn relayed(provider: Dialect, stream: &[u8], size: usize) -> Relayed {
    let begun = std::time::Instant::now();
    let relayed = relay(&translator(CLIENT, provider), stream.chunks(size));
    let seconds = begun.elapsed().as_secs_f32();
    assert!(seconds < SECONDS_MAX, "{} bytes took {seconds} seconds", stream.len());
    relayed
}

#[test]
fn an_event_as_long_as_may_be_arrives_in_small_pieces() {
    let relayed = relayed(Dialect::Openai, &stream(LONG_EVENT_BYTES_MAX - 2, END), PIECE);
    assert!(relayed.complete, "{:?}", relayed.fault);
    let heard = client_hears(CLIENT, &relayed.out).expect("a stream");
    assert!(heard.said("text").len() > LONG_EVENT_BYTES_MAX - 100);
}

#[test]
fn an_event_longer_than_any_should_be_is_an_error_before_all_of_it_is_there() {
    let stream = stream(LONG_EVENT_BYTES_MAX + (1 << 20), "");
    let relayed = relayed(Dialect::Openai, &stream, 64 << 10);
    assert_eq!(relayed.fault, Some(BadStream::TooLong));
    assert!(relayed.good.is_empty());
}

#[test]
fn many_short_lines_of_one_event_are_looked_at_once() {
    let mut stream = b"data: {\"choices\":[]}\n".to_vec();
    while stream.len() < 4 << 20 {
        stream.extend_from_slice(b": a comment\ndata\n");
    }
    stream.extend_from_slice(b"\n");
    stream.extend_from_slice(&END.as_bytes()[2..]);
    assert!(relayed(Dialect::Openai, &stream, 64 << 10).complete);
}

#[test]
fn a_frame_longer_than_any_should_be_is_an_error_at_its_first_bytes() {
    let mut frames = Vec::new();
    let json =
        format!(r#"{{"contentBlockIndex":0,"delta":{{"text":"{}"}}}}"#, "x".repeat(event_stream::FRAME_BYTES_MAX));
    frame(&mut frames, "contentBlockDelta", &json);
    let relayed = relay(&translator(CLIENT, Dialect::Bedrock), [&frames[..12]]);
    assert!(matches!(relayed.fault, Some(BadStream::Invalid(_))), "{:?}", relayed.fault);
}

#[test]
fn a_frame_as_long_as_may_be_arrives_in_small_pieces() {
    let mut frames = Vec::new();
    let json = format!(r#"{{"contentBlockIndex":0,"delta":{{"text":"{}"}}}}"#, "x".repeat((16 << 20) - 500));
    frame(&mut frames, "contentBlockDelta", &json);
    frame(&mut frames, "messageStop", r#"{"stopReason":"end_turn"}"#);
    let relayed = relayed(Dialect::Bedrock, &frames, PIECE);
    assert!(relayed.complete, "{:?}", relayed.fault);
}
