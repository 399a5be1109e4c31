//! The binary frames of AWS streams.

use proptest::prelude::*;
use router_core::dialect::bedrock::event_stream::{
    FRAME_BYTES_MAX, Fault, Kind, Splitter, encode, encode_event, encode_exception,
};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("a byte");
    digits.chunks(2).map(byte).collect()
}

#[test]
fn frames_that_aws_publishes_have_good_checksums() {
    let mut empty = Vec::new();
    encode(&mut empty, &[], b"");
    assert_eq!(empty, bytes("00000010 00000000 05c248eb 7d98c8ff"));
    let mut payload = Vec::new();
    encode(&mut payload, &[], b"{'foo':'bar'}");
    assert_eq!(payload, bytes("0000001d 00000000 fd528c5a 7b27666f6f273a27626172277d c3653936"));
    // Whole and sound, but without a header that says what they are; one has a header with a number.
    let number = "0000002d 00000010 41c424b8 0a 6576656e742d74797065 04 0000a00c 7b27666f6f273a27626172277d 36f480a0";
    for frame in [empty, payload, bytes(number)] {
        assert_eq!(Splitter::new().next(&frame), Err(Fault::Kind));
    }
}

#[test]
fn a_frame_tells_its_kind_name_and_payload() {
    let mut frames = Vec::new();
    encode_event(&mut frames, "contentBlockDelta", r#"{"x":1}"#);
    let first = frames.len();
    encode_exception(&mut frames, "throttlingException", "{}");
    let mut splitter = Splitter::new();
    let event = splitter.next(&frames).expect("sound").expect("whole");
    assert_eq!((event.len, event.kind, event.name(&frames)), (first, Kind::Event, "contentBlockDelta"));
    assert_eq!(event.payload(&frames), br#"{"x":1}"#);
    let rest = &frames[first..];
    let exception = splitter.next(rest).expect("sound").expect("whole");
    assert_eq!((exception.kind, exception.name(rest)), (Kind::Exception, "throttlingException"));
    assert_eq!(splitter.next(&rest[exception.len..]), Ok(None));
}

/// A frame with these headers, as they stand.
fn with_headers(headers: &[u8]) -> Vec<u8> {
    let total = u32::try_from(16 + headers.len()).expect("short").to_be_bytes();
    let mut frame = [total, u32::try_from(headers.len()).expect("short").to_be_bytes()].concat();
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame.extend(headers);
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame
}

#[test]
fn headers_of_every_type_are_passed_over() {
    let mut headers = Vec::new();
    for (kind, value) in [
        (0, &[][..]),
        (1, &[]),
        (2, &[1]),
        (3, &[1; 2]),
        (4, &[1; 4]),
        (5, &[1; 8]),
        (6, &[0, 2, 255, 255]),
        (7, &[0, 1, b'x']),
        (8, &[1; 8]),
        (9, &[1; 16]),
    ] {
        headers.extend([1, b'h', kind]);
        headers.extend(value);
    }
    headers.extend([13]);
    headers.extend(b":message-type\x07\x00\x05event");
    let frame = with_headers(&headers);
    let message = Splitter::new().next(&frame).expect("sound").expect("whole");
    assert_eq!((message.kind, message.name(&frame), message.payload(&frame)), (Kind::Event, "", &b""[..]));
}

#[test]
fn headers_that_are_cut_or_unknown_are_a_fault() {
    for headers in [
        &[5, b'x'][..],
        &[1, b'x'],
        &[1, b'x', 10],
        &[1, b'x', 4, 0, 0],
        &[1, b'x', 7, 0],
        &[1, b'x', 7, 0, 9, b'y'],
        &[1, b'x', 7, 0, 1, 0xff],
    ] {
        assert_eq!(Splitter::new().next(&with_headers(headers)), Err(Fault::Headers), "{headers:?}");
    }
}

#[test]
fn lengths_out_of_bounds_are_a_fault_before_anything_is_gathered() {
    let prelude = |total: u32, headers: u32| {
        let mut prelude = [total.to_be_bytes(), headers.to_be_bytes()].concat();
        prelude.extend(crc32fast::hash(&prelude).to_be_bytes());
        prelude
    };
    let most = u32::try_from(FRAME_BYTES_MAX).expect("it fits");
    for (total, headers) in [(15, 0), (most + 1, 0), (u32::MAX, 0), (100, 85), (most, u32::MAX), (most, 200 << 10)] {
        assert_eq!(Splitter::new().next(&prelude(total, headers)), Err(Fault::Length), "{total} {headers}");
    }
    assert_eq!(Splitter::new().next(&prelude(most, 0)), Ok(None));
    assert_eq!(Splitter::new().next(b"HTTP/1.1 200 OK\r\n"), Err(Fault::PreludeChecksum));
}

fn frames() -> impl Strategy<Value = (Vec<u8>, Vec<(String, Vec<u8>)>)> {
    prop::collection::vec(("[a-zA-Z]{0,20}", prop::collection::vec(any::<u8>(), 0..200)), 1..5).prop_map(|events| {
        let mut frames = Vec::new();
        for (name, payload) in &events {
            encode(&mut frames, &[(":event-type", name), (":message-type", "event")], payload);
        }
        (frames, events)
    })
}

proptest! {
    #[test]
    fn any_split_gives_the_same_frames((bytes, events) in frames(), steps in prop::collection::vec(1_usize..50, 1..40)) {
        let (mut splitter, mut window, mut sent, mut found) = (Splitter::new(), Vec::new(), 0, Vec::new());
        for step in steps.iter().cycle() {
            let next = (sent + step).min(bytes.len());
            window.extend_from_slice(&bytes[sent..next]);
            sent = next;
            while let Some(message) = splitter.next(&window).expect("sound") {
                found.push((message.name(&window).to_owned(), message.payload(&window).to_owned()));
                window.drain(..message.len);
            }
            if sent == bytes.len() {
                break;
            }
        }
        prop_assert_eq!(found, events);
        prop_assert!(window.is_empty());
    }

    #[test]
    fn a_flipped_bit_is_noticed((bytes, _) in frames(), place: prop::sample::Index, bit in 0..8) {
        let mut splitter = Splitter::new();
        let first = splitter.next(&bytes).expect("sound").expect("whole").len;
        let mut broken = bytes[..first].to_vec();
        broken[place.index(first)] ^= 1_u8 << bit;
        prop_assert!(Splitter::new().next(&broken).is_err());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, headers: Vec<u8>) {
        let _ = Splitter::new().next(&bytes);
        let _ = Splitter::new().next(&with_headers(&headers));
    }
}
