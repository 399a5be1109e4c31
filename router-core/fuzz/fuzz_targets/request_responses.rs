//! Any body of a client that speaks this dialect: what is read can be written for every provider.
#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;
use router_core::domain::Dialect;

fuzz_target!(|body: &[u8]| shared::request(Dialect::Responses, body));
