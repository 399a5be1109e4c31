//! Any body: read the same in any split, and edited into what serde says was meant. The first two bytes choose the
//! split and the edits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use router_core::dialect::openai::{Edits, Peeker, peek};
use serde_json::{Value, json};

fuzz_target!(|input: &[u8]| {
    let [split, choice, body @ ..] = input else { return };
    let mut peeker = Peeker::new();
    let arriving = (1..body.len()).step_by(1 + usize::from(*split)).try_for_each(|end| peeker.advance(&body[..end]));
    let whole = peek(body);
    assert_eq!(arriving.and_then(|()| peeker.finish(body)), whole);
    let Ok(peek) = whole else { return };
    let mut edits = Edits::new(body, &peek);
    // Inside of nested values only brackets are checked, so what was accepted need not be JSON.
    let mut meant = serde_json::from_slice::<Value>(body).ok();
    if choice & 1 == 1 {
        edits = edits.model("\"other\"\n");
        set(&mut meant, |meant| meant["model"] = json!("\"other\"\n"));
    }
    if choice & 2 == 2 {
        edits = edits.include_usage();
        set(&mut meant, |meant| meant["stream_options"]["include_usage"] = json!(true));
    }
    let sent = edits.segments().collect::<Vec<_>>().concat();
    assert_eq!(sent.len(), edits.len());
    assert_eq!(serde_json::from_slice(&sent).ok(), meant);
});

fn set(meant: &mut Option<Value>, change: impl FnOnce(&mut Value)) {
    if let Some(meant) = meant {
        change(meant);
    }
}
