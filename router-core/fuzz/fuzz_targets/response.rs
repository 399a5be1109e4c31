//! Any response: judged the same in any split, and complete if it is an object. The first byte chooses the split.
#![no_main]

use libfuzzer_sys::fuzz_target;
use router_core::dialect::openai::ProviderError;
use router_core::dialect::passing::{ResponseEnd, ResponseScan};
use router_core::domain::Dialect;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let [split, response @ ..] = input else { return };
    let whole = scan(response, usize::MAX);
    assert_eq!(scan(response, 1 + usize::from(*split)), whole);
    if serde_json::from_slice::<Value>(response).is_ok_and(|value| value.is_object()) {
        assert!(whole.complete);
    }
    let _ = ProviderError::read(response);
});

fn scan(response: &[u8], piece: usize) -> ResponseEnd {
    let mut scan = ResponseScan::new(Dialect::Openai);
    for piece in response.chunks(piece) {
        scan.push(piece);
    }
    scan.finish()
}
