//! What translation promises for any conversation, any provider's stream and any split of it.
//!
//! Streams come from the corpora and from a provider of our own ([`provider`]); what a client makes of the translation
//! is what the reader of its own dialect hears in it ([`heard`]). `PROPTEST_CASES` raises the number of cases.

#[path = "translation/calls.rs"]
mod calls;
#[path = "translation/citations.rs"]
mod citations;
#[path = "translation/conversations.rs"]
mod conversations;
#[path = "translation/cuts.rs"]
mod cuts;
#[path = "translation/facts.rs"]
mod facts;
#[path = "translation/garbage.rs"]
mod garbage;
#[path = "translation/heard.rs"]
mod heard;
#[path = "translation/long.rs"]
mod long;
#[path = "translation/names.rs"]
mod names;
#[path = "translation/provider.rs"]
mod provider;
#[path = "translation/relay.rs"]
mod relay;
#[path = "translation/splits.rs"]
mod splits;
#[path = "translation/talk.rs"]
mod talk;
#[path = "translation/usage.rs"]
mod usage;

use proptest::prelude::ProptestConfig;

/// So many cases, unless the caller wants another number.
fn cases(number: u32) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(number),
    }
}
