//! Any answer of a provider that speaks this dialect: what is read can be written for every client.
#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;
use router_core::domain::Dialect;

fuzz_target!(|body: &[u8]| shared::response(Dialect::Openai, body));
