//! Any provider's stream for any client: the same bytes in any split, and never more than one end. The last two bytes
//! choose the pair and the split, so that a stream of the corpus is one of this target's as well.
#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;
use router_core::dialect::translate::Translator;
use router_core::domain::{Dialect, UsageReport};

fuzz_target!(|input: &[u8]| {
    let [stream @ .., pair, split] = input else { return };
    let provider = shared::PROVIDERS[usize::from(*pair) % 5];
    let (client, as_array) = match usize::from(*pair) / 5 % 5 {
        4 => (Dialect::Gemini, true),
        client => (Dialect::INGRESS[client], false),
    };
    let translator = shared::translator(client, provider, as_array);
    let whole = translate(&translator, stream, usize::MAX);
    assert_eq!(translate(&translator, stream, 1 + usize::from(*split)), whole);
});

#[derive(Debug, PartialEq, Eq)]
struct Told {
    out: Vec<u8>,
    usage: Option<UsageReport>,
    fault: Option<String>,
    complete: bool,
}

fn translate(translator: &Translator, stream: &[u8], piece: usize) -> Told {
    let (mut translation, mut window, mut out, mut fault) = (translator.stream(), Vec::new(), Vec::new(), None);
    for piece in stream.chunks(piece) {
        window.extend_from_slice(piece);
        match translation.push(&window, &mut out) {
            Ok(used) => drop(window.drain(..used)),
            Err(bad) => {
                fault = Some(bad.to_string());
                break;
            }
        }
    }
    let complete = fault.is_none() && translation.finish(&window, &mut out);
    Told { out, usage: translation.usage(), fault, complete }
}
