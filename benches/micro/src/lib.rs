//! What the benchmarks and the tests of this crate share.

use router_core::dialect::Target;
use router_core::dialect::translate::{self, Ask, Translator};
use router_core::domain::{Dialect, Quirks};
use samples::Content;

/// Events that arrive together.
const EVENTS_PER_READ: usize = 20;

/// A provider's stream, and what turns it round for a client.
#[derive(Debug)]
pub struct Turned {
    translator: Translator,
    reads: Vec<Vec<u8>>,
    events: usize,
}

impl Turned {
    /// A stream of so many pieces of content.
    ///
    /// # Panics
    /// When the request that asks for it cannot be translated.
    pub fn new(provider: Dialect, client: Dialect, content: Content, pieces: usize) -> Self {
        let outbound = translate::request(Ask {
            client,
            provider,
            body: question(client),
            model: "m",
            target: Target { model: "m", quirks: &Quirks::default() },
            stream: Some(true),
            as_array: false,
            unique: "0123456789abcdef",
            created: 1_763_974_800,
        });
        let translator = outbound.expect("the question is one of each dialect").translator;
        let events = samples::stream(provider, content, pieces);
        let reads = events.chunks(EVENTS_PER_READ).map(|read| read.concat().into_bytes()).collect();
        Self { translator, reads, events: events.len() }
    }

    /// Events of the provider's stream.
    pub const fn events(&self) -> usize {
        self.events
    }

    /// Turns it round into `out`.
    ///
    /// # Panics
    /// When the stream is not taken for a complete one.
    pub fn run(&self, out: &mut Vec<u8>) {
        let mut stream = self.translator.stream();
        for read in &self.reads {
            let used = stream.push(read, out).expect("the stream is valid");
            assert!(used == read.len() || stream.is_done(), "events are whole");
        }
        assert!(stream.finish(&[], out), "the stream is complete");
    }
}

const fn question(client: Dialect) -> &'static [u8] {
    match client {
        Dialect::Openai => {
            br#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"?"}]}"#
        }
        Dialect::Responses => br#"{"model":"m","stream":true,"input":"?"}"#,
        Dialect::Anthropic => {
            br#"{"model":"m","stream":true,"max_tokens":64,"messages":[{"role":"user","content":"?"}]}"#
        }
        Dialect::Gemini | Dialect::Bedrock => br#"{"contents":[{"role":"user","parts":[{"text":"?"}]}]}"#,
    }
}
