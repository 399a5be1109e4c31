//! One client request as a state machine without I/O: told what happened, it answers what to do.
//!
//! The shell turns socket events into [`Input`]s and carries out [`Output`]s in order; it decides nothing. Deadlines,
//! what is held back, what the client is sent and how the request ends are decided here and nowhere else, so that a
//! seeded test replays them.
//!
//! The shell keeps a *window*: all bytes of the provider's body that were neither forwarded nor dropped, oldest first.
//! [`Output::Forward`] and [`Output::Drop`] take bytes off its front. No byte is copied here.
//!
//! The promise that would surprise a reader: once the client has a byte, there is no second attempt. And one attempt is
//! one dial, except that a kept connection which the provider had already closed is replaced once, silently.

mod answer;
mod fault;

pub use answer::BodyKind;
pub use fault::UpstreamFault;

use std::time::Duration;

use crate::domain::{Tick, UsageReport};
use answer::{Answer, Step};

/// After the provider said `[DONE]`, this long for the end of its framing, so that the connection can be kept.
const DRAIN: Duration = Duration::from_millis(100);

/// What the exchange must know of the request and its bounds.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Whether an event that carries only usage is kept from the client, who did not ask for it.
    pub strip_usage: bool,
    /// Largest answer that is held back whole so that its usage can stand in the head, in bytes.
    pub hold_bytes_max: usize,
    /// From the dial to the connection.
    pub connect: Duration,
    /// From the request sent to the head of the answer.
    pub first_byte: Duration,
    /// Between two reads of the answer.
    pub between_chunks: Duration,
    /// The whole exchange.
    pub total: Duration,
}

/// The head of a provider's answer, as far as decisions depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// HTTP status; never 1xx.
    pub status: u16,
    /// What the body is.
    pub kind: BodyKind,
}

/// What happened. `window` is the whole window, of which the exchange has seen a prefix before.
#[derive(Debug)]
pub enum Input<'a> {
    /// The connection stands and the request has been written.
    Sent,
    /// The head of the answer arrived.
    Head(Head),
    /// More of the body arrived.
    Body {
        /// All bytes that are not forwarded or dropped.
        window: &'a [u8],
    },
    /// The body ended as its framing says; nothing more will come.
    End {
        /// All bytes that are not forwarded or dropped.
        window: &'a [u8],
    },
    /// The attempt failed.
    Fault(UpstreamFault),
    /// The client closed its connection or reset its stream.
    ClientGone,
    /// Time has passed; perhaps a deadline with it.
    Wake,
}

/// What to do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Connect and send the request.
    Dial {
        /// Whether a kept connection may be used.
        reuse: bool,
    },
    /// Begin the answer to the client.
    Begin(Opening),
    /// Send the first bytes of the window to the client.
    Forward(usize),
    /// Forget the first bytes of the window.
    Drop(usize),
    /// Come back with [`Input::Wake`] at this time, unless something else happens first. Replaces earlier requests.
    WakeAt(Tick),
    /// A fact for logs and metrics.
    Note(Fact),
    /// The exchange is over. Nothing follows.
    Finish(Outcome),
}

/// How the answer to the client begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// All of the answer is in the window, and its usage is known if it will ever be.
    Whole,
    /// The answer goes on after what is in the window.
    Streamed,
}

/// Something worth counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The request was sent.
    Sent,
    /// The head of the answer arrived.
    FirstByte,
    /// The first bytes of the body went to the client.
    FirstForward,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The client has the whole answer.
    Complete,
    /// The provider refused; its error body is in the window and the client has nothing yet.
    Refused {
        /// The provider's status.
        status: u16,
    },
    /// The attempt failed and the client has nothing yet.
    Failed(UpstreamFault),
    /// The answer broke after the client had a part of it.
    Broken(UpstreamFault),
    /// The client left.
    ClientGone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Dialing {
        reused: bool,
    },
    Waiting {
        reused: bool,
    },
    Answering {
        begun: bool,
    },
    /// The answer is complete; only the framing's end is missing.
    Draining,
    Over,
}

/// One client request.
#[derive(Debug)]
pub struct Exchange {
    terms: Terms,
    phase: Phase,
    answer: Answer,
    status: u16,
    /// When the current phase is over, at the latest.
    deadline: Tick,
    /// When the exchange is over, at the latest.
    last: Tick,
}

impl Exchange {
    /// Starts an exchange: its first outputs say what to do.
    pub fn start(terms: Terms, now: Tick, out: &mut Vec<Output>) -> Self {
        let mut exchange = Self {
            terms,
            phase: Phase::Dialing { reused: true },
            answer: Answer::Error,
            status: 0,
            deadline: now,
            last: now.after(terms.total),
        };
        out.push(Output::Dial { reuse: true });
        exchange.arm(now, terms.connect, out);
        exchange
    }

    /// Feeds one event and appends what to do to `out`. After [`Output::Finish`] events are ignored.
    pub fn handle(&mut self, input: Input<'_>, now: Tick, out: &mut Vec<Output>) {
        match (self.phase, input) {
            (Phase::Over, _) => {}
            (_, Input::ClientGone) => self.finish(Outcome::ClientGone, out),
            (_, Input::Wake) => self.wake(now, out),
            (_, Input::Fault(fault)) => self.fault(fault, now, out),
            (Phase::Dialing { reused }, Input::Sent) => {
                self.phase = Phase::Waiting { reused };
                out.push(Output::Note(Fact::Sent));
                self.arm(now, self.terms.first_byte, out);
            }
            (Phase::Dialing { .. } | Phase::Waiting { .. }, Input::Head(head)) => self.head(head, now, out),
            (Phase::Answering { begun }, Input::Body { window }) => {
                self.arm(now, self.terms.between_chunks, out);
                self.body(begun, window, now, out);
            }
            (Phase::Answering { begun }, Input::End { window }) => self.end(begun, window, out),
            (Phase::Draining, Input::End { window }) => {
                out.push(Output::Drop(window.len()));
                self.finish(Outcome::Complete, out);
            }
            (Phase::Draining, Input::Body { window }) => out.push(Output::Drop(window.len())),
            (_, Input::Sent) => {}
            (_, Input::Head(_) | Input::Body { .. } | Input::End { .. }) => {
                self.fault(UpstreamFault::BadReply, now, out);
            }
        }
    }

    /// The provider's own count, if the answer carried one so far.
    pub fn usage(&self) -> Option<UsageReport> {
        self.answer.usage()
    }

    fn head(&mut self, head: Head, now: Tick, out: &mut Vec<Output>) {
        if matches!(head.status, 204..=206) {
            // Nothing, or a part: neither is an answer to a question.
            return self.fault(UpstreamFault::BadReply, now, out);
        }
        self.status = head.status;
        self.answer = match head.status {
            200..=299 => Answer::new(head.kind, self.terms.strip_usage),
            _ => Answer::Error,
        };
        self.phase = Phase::Answering { begun: false };
        out.push(Output::Note(Fact::FirstByte));
        self.arm(now, self.terms.between_chunks, out);
    }

    fn body(&mut self, begun: bool, window: &[u8], now: Tick, out: &mut Vec<Output>) {
        if self.answer.holds(begun, window.len(), self.terms.hold_bytes_max) {
            self.answer.look(window);
            return;
        }
        if matches!(self.answer, Answer::Error) {
            // An error body beyond the bound is cut: what counts stands at its start.
            return self.finish(Outcome::Refused { status: self.status }, out);
        }
        let (begun, _) = self.forward(begun, Opening::Streamed, window, out);
        self.phase = Phase::Answering { begun };
        if self.answer.is_done() {
            self.phase = Phase::Draining;
            self.arm(now, DRAIN, out);
        }
    }

    fn end(&mut self, begun: bool, window: &[u8], out: &mut Vec<Output>) {
        if matches!(self.answer, Answer::Error) {
            return self.finish(Outcome::Refused { status: self.status }, out);
        }
        let opening = if self.answer.is_stream() { Opening::Streamed } else { Opening::Whole };
        if !begun {
            self.answer.look(window);
            if !self.answer.is_complete() {
                return self.finish(Outcome::Failed(UpstreamFault::Truncated), out);
            }
        }
        let (begun, rest) = self.forward(begun, opening, window, out);
        let (tail, complete) = self.answer.close(rest);
        if !begun && !complete {
            return self.finish(Outcome::Failed(UpstreamFault::Truncated), out);
        }
        if !begun {
            out.push(Output::Begin(opening));
        }
        match tail {
            Some(Step::Forward(bytes)) if bytes > 0 => out.push(Output::Forward(bytes)),
            Some(Step::Drop(bytes)) if bytes > 0 => out.push(Output::Drop(bytes)),
            _ => {}
        }
        let outcome = if complete { Outcome::Complete } else { Outcome::Broken(UpstreamFault::Truncated) };
        self.finish(outcome, out);
    }

    /// Sends on what the answer lets through; gives whether the client's answer has begun, and the rest of the window.
    fn forward<'w>(
        &mut self,
        mut begun: bool,
        opening: Opening,
        window: &'w [u8],
        out: &mut Vec<Output>,
    ) -> (bool, &'w [u8]) {
        let mut rest = window;
        while let Some(step) = self.answer.next(rest) {
            let taken = match step {
                Step::Forward(bytes) => {
                    if !begun {
                        begun = true;
                        out.push(Output::Begin(opening));
                        out.push(Output::Note(Fact::FirstForward));
                    }
                    out.push(Output::Forward(bytes));
                    bytes
                }
                Step::Drop(bytes) => {
                    out.push(Output::Drop(bytes));
                    bytes
                }
            };
            rest = &rest[taken..];
        }
        (begun, rest)
    }

    fn fault(&mut self, fault: UpstreamFault, now: Tick, out: &mut Vec<Output>) {
        match self.phase {
            Phase::Dialing { reused: true } | Phase::Waiting { reused: true } if fault == UpstreamFault::StaleReuse => {
                self.phase = Phase::Dialing { reused: false };
                out.push(Output::Dial { reuse: false });
                self.arm(now, self.terms.connect, out);
            }
            Phase::Draining => self.finish(Outcome::Complete, out),
            Phase::Answering { begun: true } => self.finish(Outcome::Broken(fault), out),
            _ => self.finish(Outcome::Failed(fault), out),
        }
    }

    fn wake(&mut self, now: Tick, out: &mut Vec<Output>) {
        if now < self.deadline {
            return out.push(Output::WakeAt(self.deadline));
        }
        let fault = match self.phase {
            _ if now >= self.last => UpstreamFault::TotalTimeout,
            Phase::Dialing { .. } => UpstreamFault::ConnectTimeout,
            Phase::Waiting { .. } => UpstreamFault::FirstByteTimeout,
            Phase::Answering { .. } | Phase::Draining | Phase::Over => UpstreamFault::Stalled,
        };
        self.fault(fault, now, out);
    }

    fn arm(&mut self, now: Tick, within: Duration, out: &mut Vec<Output>) {
        self.deadline = now.after(within).min(self.last);
        out.push(Output::WakeAt(self.deadline));
    }

    fn finish(&mut self, outcome: Outcome, out: &mut Vec<Output>) {
        self.phase = Phase::Over;
        out.push(Output::Finish(outcome));
    }
}
