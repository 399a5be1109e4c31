//! Carries out what the exchange decides: dials, reads, writes, waits. Takes no decision.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use router_core::dialect::translate::{Translator, Writer};
use router_core::domain::{Tick, UsageReport};
use router_core::exchange::{BodyKind, Exchange, Fact, Head, Input, Opening, Outcome, Output, Terms, UpstreamFault};
use router_core::plan::Ticket;

use super::settle;
use crate::answer::{AnswerHead, AnswerLines};
use crate::client::{Client, Gone, Scratch};
use crate::clock;
use crate::http1::Heard;
use crate::upstream::{Attempt, Event, Outgoing, Upstream, Window};
use crate::world::{Target, World};

/// How an exchange went.
pub(crate) struct Relayed {
    pub(crate) outcome: Outcome,
    pub(crate) bill: settle::Bill,
    /// The provider's own count, if it said one.
    pub(crate) report: Option<UsageReport>,
    pub(crate) times: Times,
    pub(crate) answer_bytes: u64,
    /// What the provider said in place of an answer.
    pub(crate) refusal_body: Vec<u8>,
    pub(crate) retry_after: Option<Duration>,
    /// Whether the client was sent events.
    pub(crate) events: bool,
    /// What wrote the client's events, if they were translated.
    pub(crate) writer: Option<Writer>,
    /// Buffers for the next request.
    wire: Vec<u8>,
    window: Vec<u8>,
    outputs: Vec<Output>,
}

impl Relayed {
    /// An attempt that failed before anything was sent.
    pub(crate) fn not_sent(fault: UpstreamFault) -> Self {
        Self {
            outcome: Outcome::Failed(fault),
            bill: settle::bill(None, None),
            report: None,
            times: Times::default(),
            answer_bytes: 0,
            refusal_body: Vec::new(),
            retry_after: None,
            events: false,
            writer: None,
            wire: Vec::new(),
            window: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Gives the buffers back.
    pub(crate) fn give_back(&mut self, scratch: &mut Scratch) {
        scratch.wire = std::mem::take(&mut self.wire);
        scratch.window = std::mem::take(&mut self.window);
        scratch.outputs = std::mem::take(&mut self.outputs);
    }
}

/// When things happened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    pub(crate) sent: Option<Tick>,
    pub(crate) first_byte: Option<Tick>,
    pub(crate) first_forward: Option<Tick>,
}

/// A request and its target, ready to go.
pub(crate) struct Job<'j> {
    pub(crate) target: &'j Arc<Target>,
    pub(crate) terms: Terms,
    /// The client's answers have this content type, where they are not of the provider's.
    pub(crate) kind: Option<BodyKind>,
    pub(crate) lines: AnswerLines<'j>,
    pub(crate) flight: Flight<'j>,
}

/// Who is told how the attempt fares.
pub(crate) struct Flight<'j> {
    pub(crate) world: &'j World,
    pub(crate) ticket: &'j mut Ticket,
    /// Hashes of the prompt's blocks, which the provider has read once it answers.
    pub(crate) chain: &'j [u64],
    /// Whether the first word counts, or the head.
    pub(crate) stream: bool,
}

impl Flight<'_> {
    fn hear(&self, heard: &Heard, now: Tick) {
        if let Some(limits) = heard.limits() {
            self.world.board.limits(self.ticket, &limits, now);
        }
    }

    fn note(&mut self, fact: Fact, now: Tick) {
        let first = if self.stream { Fact::FirstForward } else { Fact::FirstByte };
        if fact == first {
            self.world.board.first(self.ticket, self.chain, now);
        }
    }
}

/// One exchange under way.
struct Relay<'j, C> {
    client: &'j mut C,
    job: Job<'j>,
    outgoing: Outgoing,
    attempt: Attempt,
    window: Window,
    deadline: Tick,
    /// When the last event happened.
    now: Tick,
    head: Option<AnswerHead>,
    retry_after: Option<Duration>,
    times: Times,
    answer_bytes: u64,
    gone: bool,
}

enum Happened {
    Upstream(Event),
    Gone,
    Deadline,
}

/// Sends a request and its answer through; gives how that went. The client's buffers come back in the result.
pub(crate) async fn relay<C: Client>(
    client: &mut C,
    job: Job<'_>,
    outgoing: Outgoing,
    translator: Option<Box<Translator>>,
) -> Relayed {
    let scratch = client.scratch();
    let window = Window::reusing(std::mem::take(&mut scratch.window));
    let mut outputs = std::mem::take(&mut scratch.outputs);
    outputs.clear();
    let now = clock::now();
    let mut exchange = Exchange::start(job.terms, translator, now, &mut outputs);
    let mut relay = Relay {
        client,
        job,
        outgoing,
        attempt: Attempt::Idle,
        window,
        deadline: Tick::default(),
        now,
        head: None,
        retry_after: None,
        times: Times::default(),
        answer_bytes: 0,
        gone: false,
    };
    let outcome = loop {
        if let Some(outcome) = relay.carry_out(&exchange, &outputs).await {
            break outcome;
        }
        outputs.clear();
        if relay.gone {
            exchange.handle(Input::ClientGone, clock::now(), &mut outputs);
            continue;
        }
        let happened = relay.wait().await;
        relay.tell(&mut exchange, happened, &mut outputs);
    };
    relay.conclude(exchange, outcome, outputs)
}

impl<C: Client> Relay<'_, C> {
    /// Does what the exchange wants; gives its outcome once there is one.
    async fn carry_out(&mut self, exchange: &Exchange, outputs: &[Output]) -> Option<Outcome> {
        let mut outcome = None;
        // Bytes at the window's front that are to be sent: the last of them go out from where they are.
        let mut ready = 0;
        for output in outputs {
            match *output {
                Output::Dial { reuse } => self.attempt = Attempt::start(&self.job.target.upstream, reuse),
                Output::Begin(opening) => self.begin(exchange, opening),
                Output::Forward(bytes) => {
                    self.answer_bytes += bytes as u64;
                    self.client.push(self.window.take(std::mem::replace(&mut ready, bytes)));
                }
                Output::Drop(bytes) => {
                    self.client.push(self.window.take(std::mem::take(&mut ready)));
                    self.window.take(bytes);
                }
                Output::Send => {
                    self.answer_bytes += exchange.written().len() as u64;
                    self.client.push(self.window.take(std::mem::take(&mut ready)));
                    self.client.push(exchange.written());
                }
                Output::WakeAt(deadline) => self.deadline = deadline,
                Output::Note(fact) => self.note(fact),
                Output::Finish(end) => outcome = Some(end),
            }
        }
        let ends = outcome == Some(Outcome::Complete);
        if let Err(Gone) = self.client.flush(self.window.take(ready), ends).await {
            self.gone = true;
            // An answer that was all there but not taken is a client that left.
            outcome = outcome.map(|_| Outcome::ClientGone);
        }
        outcome
    }

    fn begin(&mut self, exchange: &Exchange, opening: Opening) {
        let Some(head) = &self.head else { return };
        let length = match opening {
            Opening::Whole { bytes } => Some(bytes),
            Opening::Streamed => None,
        };
        let bill = match opening {
            Opening::Whole { .. } => Some(settle::bill(exchange.usage().as_ref(), self.job.target.price.as_ref())),
            Opening::Streamed => None,
        };
        let mut lines = std::mem::take(&mut self.client.scratch().lines);
        self.job.lines.write(&mut lines, self.job.target, head, bill.as_ref(), &self.times);
        self.client.begin(head.status, &lines, length);
        self.client.scratch().lines = lines;
    }

    fn note(&mut self, fact: Fact) {
        let at = match fact {
            Fact::Sent => &mut self.times.sent,
            Fact::FirstByte => &mut self.times.first_byte,
            Fact::FirstForward => &mut self.times.first_forward,
        };
        *at = Some(self.now);
        // An error comes soon, and says nothing of how soon an answer comes.
        if self.head.as_ref().is_some_and(|head| head.status < 300) {
            self.job.flight.note(fact, self.now);
        }
    }

    /// Waits for the next thing to happen, on either side or on the clock.
    async fn wait(&mut self) -> Happened {
        let upstream: &Arc<Upstream> = &self.job.target.upstream;
        let (client, attempt) = (&mut *self.client, &mut self.attempt);
        let (outgoing, window, deadline) = (&self.outgoing, &mut self.window, self.deadline);
        poll_fn(|cx| {
            if let Poll::Ready(event) = attempt.poll_event(cx, upstream, outgoing, window) {
                return Poll::Ready(Happened::Upstream(event));
            }
            if client.poll_gone(cx).is_ready() {
                return Poll::Ready(Happened::Gone);
            }
            client.poll_deadline(cx, deadline).map(|()| Happened::Deadline)
        })
        .await
    }

    /// Tells the exchange what happened.
    fn tell(&mut self, exchange: &mut Exchange, happened: Happened, outputs: &mut Vec<Output>) {
        let window = self.window.bytes();
        let input = match happened {
            Happened::Gone => Input::ClientGone,
            Happened::Deadline => Input::Wake,
            Happened::Upstream(Event::Sent) => Input::Sent,
            Happened::Upstream(Event::Body) => Input::Body { window },
            Happened::Upstream(Event::End) => Input::End { window },
            Happened::Upstream(Event::Fault(fault)) => Input::Fault(fault),
            Happened::Upstream(Event::Head(head)) => {
                self.retry_after = head.retry_after;
                self.job.flight.hear(&head.limits, clock::now());
                let (status, kind) = (head.status, head.kind);
                let shown = self.job.kind.unwrap_or(kind);
                self.head = Some(AnswerHead { status, kind: shown, content_type: head.content_type });
                Input::Head(Head { status, kind })
            }
        };
        self.now = clock::now();
        exchange.handle(input, self.now, outputs);
    }

    fn conclude(self, exchange: Exchange, outcome: Outcome, outputs: Vec<Output>) -> Relayed {
        let refusal_body = match outcome {
            Outcome::Refused { .. } => self.window.bytes().to_vec(),
            _ => Vec::new(),
        };
        self.attempt.end(&self.job.target.upstream, &self.window);
        Relayed {
            outcome,
            bill: settle::bill(exchange.usage().as_ref(), self.job.target.price.as_ref()),
            report: exchange.usage(),
            writer: exchange.into_writer(),
            times: self.times,
            answer_bytes: self.answer_bytes,
            refusal_body,
            retry_after: self.retry_after,
            events: self.head.is_some_and(|head| head.kind == BodyKind::Events),
            wire: self.outgoing.into_buffer(),
            window: self.window.into_buffer(),
            outputs,
        }
    }
}
