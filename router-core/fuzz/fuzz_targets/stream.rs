//! Any stream: judged the same in any split, every byte once, and nothing dropped before `[DONE]` unless asked to.
//! The first byte chooses the split.
#![no_main]

use libfuzzer_sys::fuzz_target;
use router_core::dialect::passing::{EVENT_BYTES_MAX, Step, StreamScan};
use router_core::domain::{Dialect, UsageReport};

fuzz_target!(|input: &[u8]| {
    let [split, stream @ ..] = input else { return };
    for strip_usage in [false, true] {
        let whole = judge(stream, strip_usage, usize::MAX);
        assert_eq!(judge(stream, strip_usage, 1 + usize::from(*split)), whole);
        if !strip_usage {
            assert!(stream.starts_with(&whole.forwarded));
        }
    }
});

#[derive(Debug, PartialEq, Eq)]
struct Told {
    forwarded: Vec<u8>,
    usage: Option<UsageReport>,
    events: u64,
    saw_error: bool,
    complete: bool,
    torn: bool,
}

fn judge(stream: &[u8], strip_usage: bool, piece: usize) -> Told {
    let (mut scan, mut window, mut forwarded) = (StreamScan::new(Dialect::Openai, strip_usage), Vec::new(), Vec::new());
    let mut obey = |step: Step, window: &mut Vec<u8>| match step {
        Step::Forward(len) => forwarded.extend(window.drain(..len)),
        Step::Drop(len) => drop(window.drain(..len)),
    };
    for piece in stream.chunks(piece) {
        window.extend_from_slice(piece);
        while let Some(step) = scan.next(&window) {
            assert_ne!(step, Step::Forward(0));
            assert_ne!(step, Step::Drop(0));
            obey(step, &mut window);
        }
        assert!(window.len() <= EVENT_BYTES_MAX);
    }
    let end = scan.finish(&window);
    obey(end.tail, &mut window);
    assert!(window.is_empty());
    Told {
        forwarded,
        usage: scan.usage(),
        events: scan.events(),
        saw_error: scan.saw_error(),
        complete: end.complete,
        torn: end.torn,
    }
}
