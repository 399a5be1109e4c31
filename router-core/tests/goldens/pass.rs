//! Client and provider speak the same dialect: bytes go through, but for the documented splices.

use router_core::dialect::openai::{Edits, Peeker};
use router_core::dialect::passing::{ResponseScan, Step, StreamScan};
use router_core::domain::Dialect;
use serde_json::Value;

/// What the provider is sent. Panics when anything but the model differs, or the option that asks for usage.
pub fn request(dialect: Dialect, body: &str) -> String {
    let addressed = (dialect == Dialect::Gemini).then_some("asked-model");
    let peek = Peeker::new().finish_for(body.as_bytes(), addressed).expect("a request of the corpus");
    let mut edits = Edits::new(body.as_bytes(), &peek);
    assert_eq!(edits.segments().collect::<Vec<_>>(), [body.as_bytes()], "without edits it is the caller's own");
    if dialect != Dialect::Gemini {
        edits = edits.model("real-model");
    }
    if dialect == Dialect::Openai && peek.stream {
        edits = edits.include_usage();
    }
    let sent = String::from_utf8(edits.segments().collect::<Vec<_>>().concat()).expect("text");
    let (mut before, mut after): (Value, Value) =
        (serde_json::from_str(body).expect("JSON"), serde_json::from_str(&sent).expect("JSON"));
    for value in [&mut before, &mut after] {
        let members = value.as_object_mut().expect("an object");
        members.shift_remove("model");
        members.shift_remove("stream_options");
    }
    assert_eq!(before, after);
    sent.trim_end().to_owned()
}

/// An answer goes through as it is; it must be seen to be whole, in any split.
pub fn answer(dialect: Dialect, body: &str) {
    for size in [1, 7, body.len()] {
        let mut scan = ResponseScan::new(dialect);
        body.as_bytes().chunks(size).for_each(|piece| scan.push(piece));
        let end = scan.finish();
        let reports = body.contains("\"usage\"") || body.contains("\"usageMetadata\"");
        assert!(end.complete && end.usage.is_some() == reports, "{body}");
    }
}

/// A stream goes through byte for byte, in any split; gives how it ended.
pub fn stream(dialect: Dialect, stream: &str) -> &'static str {
    let mut ends = [1, 7, 64, stream.len()].map(|size| {
        let (mut scan, mut window, mut forwarded) = (StreamScan::new(dialect, false), Vec::new(), Vec::new());
        for piece in stream.as_bytes().chunks(size) {
            window.extend_from_slice(piece);
            drain(&mut scan, &mut window, &mut forwarded);
        }
        let end = scan.finish(&window);
        if let Step::Forward(bytes) = end.tail {
            forwarded.extend(window.drain(..bytes));
        }
        assert!(stream.as_bytes().starts_with(&forwarded), "other bytes than the provider's");
        let whole = forwarded.len() == stream.trim_end().len() || forwarded == stream.as_bytes();
        assert!(!end.complete || whole || stream.len() - forwarded.len() <= 2, "a complete stream is forwarded whole");
        if end.complete { "complete" } else { "broken off" }
    });
    ends.sort_unstable();
    assert_eq!(ends[0], ends[3], "the split decides how it ends");
    ends[0]
}

fn drain(scan: &mut StreamScan, window: &mut Vec<u8>, forwarded: &mut Vec<u8>) {
    while let Some(step) = scan.next(window) {
        match step {
            Step::Forward(bytes) => forwarded.extend(window.drain(..bytes)),
            Step::Drop(bytes) => drop(window.drain(..bytes)),
        }
    }
}
