//! A shell in memory, for the tests of the exchange.

use std::time::Duration;

use router_core::dialect::translate::Translator;
use router_core::domain::{Dialect, Tick};
use router_core::exchange::{BodyKind, Exchange, Fact, Head, Input, Opening, Outcome, Output, Terms};

pub(super) const DONE: &str = "data: [DONE]\n\n";
pub(super) const EVENT: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n";
pub(super) const USAGE: &str =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n";
pub(super) const DOCUMENT: &str =
    r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;

pub(super) const TERMS: Terms = Terms {
    client: Dialect::Openai,
    strip_usage: true,
    hold_bytes_max: 1000,
    translate_bytes_max: 2000,
    hold_head: Duration::ZERO,
    keep_alive: Duration::from_millis(300),
    connect: Duration::from_millis(10),
    first_byte: Duration::from_millis(100),
    between_chunks: Duration::from_millis(50),
    total: Duration::from_millis(500),
};

/// A shell in memory: keeps the window, and what the client would have received.
pub(super) struct Shell {
    pub(super) exchange: Exchange,
    pub(super) window: Vec<u8>,
    pub(super) client: Vec<u8>,
    pub(super) begun: Option<Opening>,
    pub(super) dials: u32,
    pub(super) wake_at: Tick,
    pub(super) outcome: Option<Outcome>,
    pub(super) facts: Vec<Fact>,
}

impl Shell {
    pub(super) fn new(terms: Terms) -> Self {
        Self::translating(terms, None)
    }

    pub(super) fn translating(terms: Terms, translator: Option<Box<Translator>>) -> Self {
        let mut outputs = Vec::new();
        let exchange = Exchange::start(terms, translator, Tick(0), &mut outputs);
        let mut shell = Self {
            exchange,
            window: Vec::new(),
            client: Vec::new(),
            begun: None,
            dials: 0,
            wake_at: Tick(0),
            outcome: None,
            facts: Vec::new(),
        };
        shell.carry_out(&outputs);
        shell
    }

    pub(super) fn tell(&mut self, input: Input<'_>, now: u64) -> &mut Self {
        let mut outputs = Vec::new();
        self.exchange.handle(input, Tick(now), &mut outputs);
        self.carry_out(&outputs);
        self
    }

    pub(super) fn head(&mut self, status: u16, kind: BodyKind) -> &mut Self {
        self.tell(Input::Sent, 1).tell(Input::Head(Head { status, kind }), 2)
    }

    pub(super) fn body(&mut self, bytes: &str, now: u64) -> &mut Self {
        self.window.extend_from_slice(bytes.as_bytes());
        let window = self.window.clone();
        self.tell(Input::Body { window: &window }, now)
    }

    pub(super) fn end(&mut self, now: u64) -> &mut Self {
        let window = self.window.clone();
        self.tell(Input::End { window: &window }, now)
    }

    pub(super) fn carry_out(&mut self, outputs: &[Output]) {
        for output in outputs {
            assert_eq!(self.outcome, None, "nothing follows the end, but {output:?} did");
            match *output {
                Output::Dial { .. } => self.dials += 1,
                Output::Begin(opening) => {
                    assert_eq!(self.begun.replace(opening), None, "an answer begins once");
                }
                Output::Forward(bytes) => {
                    assert!(self.begun.is_some(), "bytes before the head");
                    self.client.extend(self.window.drain(..bytes));
                }
                Output::Drop(bytes) => drop(self.window.drain(..bytes)),
                Output::Send => {
                    assert!(self.begun.is_some(), "bytes before the head");
                    self.client.extend_from_slice(self.exchange.written());
                }
                Output::WakeAt(at) => self.wake_at = at,
                Output::Note(fact) => self.facts.push(fact),
                Output::Finish(outcome) => self.outcome = Some(outcome),
            }
        }
    }

    pub(super) fn received(&self) -> &str {
        std::str::from_utf8(&self.client).expect("tests send text")
    }
}
