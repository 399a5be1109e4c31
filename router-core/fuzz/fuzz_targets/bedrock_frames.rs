//! Any bytes as frames: the same in any split. And any events in frames that are whole, which no fuzzer would find for
//! their checksums: none makes the reader panic. The first byte chooses the split.
#![no_main]

use libfuzzer_sys::fuzz_target;
use router_core::chat::ChatEvent;
use router_core::dialect::bedrock::StreamReader;
use router_core::dialect::bedrock::event_stream::{Fault, Splitter, encode_event, encode_exception};

/// The kinds of events that there are.
const KINDS: [&str; 8] = [
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
    "throttlingException",
    "other",
];

fuzz_target!(|input: &[u8]| {
    let [split, bytes @ ..] = input else { return };
    let split = 1 + usize::from(*split);
    assert_eq!(read(bytes, split), read(bytes, usize::MAX));
    // Lines, of which the first letter chooses the kind.
    let mut frames = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let [kind, json @ ..] = line else { continue };
        let (kind, json) = (KINDS[usize::from(*kind) % KINDS.len()], String::from_utf8_lossy(json));
        let encode = if kind.ends_with("Exception") { encode_exception } else { encode_event };
        encode(&mut frames, kind, &json);
    }
    assert_eq!(read(&frames, split), read(&frames, usize::MAX));
});

/// What is read, and how it ends.
fn read(stream: &[u8], piece: usize) -> (Vec<String>, Option<Fault>, bool) {
    let (mut splitter, mut reader) = (Splitter::new(), StreamReader::default());
    let (mut window, mut told) = (Vec::new(), Vec::new());
    for piece in stream.chunks(piece) {
        window.extend_from_slice(piece);
        loop {
            let message = match splitter.next(&window) {
                Ok(Some(message)) => message,
                Ok(None) => break,
                Err(fault) => return (told, Some(fault), false),
            };
            let mut sink = |event: ChatEvent<'_>| told.push(format!("{event:?}"));
            if reader.message(&message, &window, &mut sink).is_err() {
                return (told, None, false);
            }
            window.drain(..message.len);
        }
    }
    let complete = reader.finish(&mut |event: ChatEvent<'_>| told.push(format!("{event:?}")));
    (told, None, complete)
}
