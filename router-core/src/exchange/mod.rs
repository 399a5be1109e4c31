//! One attempt at a request as a state machine without I/O: told what happened, it answers what to do. Which attempts
//! are made is for the plan to say ([`crate::plan`]).
//!
//! The shell turns socket events into [`Input`]s and carries out [`Output`]s in order; it decides nothing. Deadlines,
//! what is held back, what the client is sent and how the request ends are decided here and nowhere else, so that a
//! seeded test replays them.
//!
//! The shell keeps a *window*: all bytes of the provider's body that were neither forwarded nor dropped, oldest first.
//! [`Output::Forward`] and [`Output::Drop`] take bytes off its front. No byte is copied here, unless client and provider
//! speak different dialects: then what the client is to get is written here, and sent by [`Output::Send`].
//!
//! The promise that would surprise a reader: once the client has a byte, there is no second attempt. And one attempt is
//! one dial, except that a kept connection which the provider had already closed is replaced once, silently.

mod answer;
mod fault;
mod io;

pub use answer::BodyKind;
pub use fault::UpstreamFault;
pub use io::{Fact, Head, Input, Opening, Outcome, Output, Terms};

use std::time::Duration;

use crate::dialect::passing::{Beginning, beginning};
use crate::dialect::translate::{BadStream, Translator, Writer};
use crate::domain::{Tick, UsageReport};
use answer::{Answer, Step};

/// After the provider said `[DONE]`, this long for the end of its framing, so that the connection can be kept.
const DRAIN: Duration = Duration::from_millis(100);

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
    /// For an answer in another dialect than the client's; goes into it.
    translator: Option<Box<Translator>>,
    /// What the client is to be sent by the next [`Output::Send`].
    written: Vec<u8>,
    /// It was sent, and is to be forgotten.
    sent: bool,
    /// That the client has a word, or the head of what is no stream, was noted.
    noted: bool,
    /// Until when a stream without a word in it is kept from the client.
    held_until: Option<Tick>,
    status: u16,
    /// When the current phase is over, at the latest.
    deadline: Tick,
    /// When a stream that is kept from the client must have said its first word.
    first_word: Tick,
    /// When a client that waits must hear from us.
    keep_alive: Option<Tick>,
    /// When the exchange is over, at the latest.
    last: Tick,
}

impl Exchange {
    /// Starts an exchange: its first outputs say what to do. Without a translator, the provider speaks the client's
    /// dialect.
    pub fn start(terms: Terms, translator: Option<Box<Translator>>, now: Tick, out: &mut Vec<Output>) -> Self {
        let mut exchange = Self {
            terms,
            phase: Phase::Dialing { reused: true },
            answer: Answer::Error,
            translator,
            written: Vec::new(),
            sent: false,
            noted: false,
            held_until: None,
            status: 0,
            deadline: now,
            first_word: now.after(terms.total),
            keep_alive: None,
            last: now.after(terms.total),
        };
        out.push(Output::Dial { reuse: true });
        exchange.arm(now, terms.connect, out);
        exchange
    }

    /// Feeds one event and appends what to do to `out`. After [`Output::Finish`] events are ignored.
    pub fn handle(&mut self, input: Input<'_>, now: Tick, out: &mut Vec<Output>) {
        if std::mem::take(&mut self.sent) {
            self.written.clear();
        }
        match (self.phase, input) {
            (Phase::Over, _) => {}
            (_, Input::ClientGone) => self.finish(Outcome::ClientGone, out),
            (_, Input::Wake) => self.wake(now, out),
            (_, Input::Fault(fault)) => self.fault(fault, now, out),
            (Phase::Dialing { reused }, Input::Sent) => {
                self.phase = Phase::Waiting { reused };
                out.push(Output::Note(Fact::Sent));
                self.arm(now, self.terms.first_byte, out);
                self.first_word = self.deadline;
            }
            (Phase::Dialing { .. } | Phase::Waiting { .. }, Input::Head(head)) => self.head(head, now, out),
            (Phase::Answering { begun }, Input::Body { window }) => {
                self.keep_alive = self.keep_alive.map(|_| now.after(self.terms.keep_alive));
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

    /// What [`Output::Send`] is to send.
    pub fn written(&self) -> &[u8] {
        &self.written
    }

    /// What writes the client's events, if they are translated: it knows how to end them.
    pub fn into_writer(self) -> Option<Writer> {
        self.answer.into_writer()
    }

    fn head(&mut self, head: Head, now: Tick, out: &mut Vec<Output>) {
        if matches!(head.status, 204..=206) {
            // Nothing, or a part: neither is an answer to a question.
            return self.fault(UpstreamFault::BadReply, now, out);
        }
        self.status = head.status;
        self.answer = match head.status {
            200..=299 => match self.translator.take() {
                None => Answer::same(head.kind, self.terms.client, self.terms.strip_usage),
                Some(translator) => match Answer::other(head.kind, translator) {
                    Some(answer) => answer,
                    None => return self.fault(UpstreamFault::BadReply, now, out),
                },
            },
            _ => Answer::Error,
        };
        if self.answer.is_stream() {
            self.keep_alive = Some(now.after(self.terms.keep_alive));
            self.held_until = (!self.terms.hold_head.is_zero()).then(|| now.after(self.terms.hold_head));
        }
        self.phase = Phase::Answering { begun: false };
        out.push(Output::Note(Fact::FirstByte));
        self.arm(now, self.terms.between_chunks, out);
    }

    fn body(&mut self, begun: bool, window: &[u8], now: Tick, out: &mut Vec<Output>) {
        if self.answer.holds(begun, window.len(), self.terms.hold_bytes_max) {
            if matches!(self.answer, Answer::Foreign { .. }) && window.len() > self.terms.translate_bytes_max {
                return self.fault(UpstreamFault::BadReply, now, out);
            }
            self.answer.look(window);
            return;
        }
        if matches!(self.answer, Answer::Error) {
            // An error body beyond the bound is cut: what counts stands at its start.
            return self.finish(Outcome::Refused { status: self.status }, out);
        }
        match self.held(window, false) {
            Some(Beginning::Frame) if window.len() <= self.terms.hold_bytes_max => return,
            Some(Beginning::Failed(why)) => return self.fault(UpstreamFault::Reported(why), now, out),
            Some(Beginning::Frame | Beginning::Content) => self.held_until = None,
            None => {}
        }
        let begun = match &self.answer {
            Answer::Translated(_) => match self.translate(begun, window, out) {
                Ok((begun, _)) => begun,
                Err(fault) => return self.fault(fault, now, out),
            },
            _ => self.forward(begun, Opening::Streamed, window, out).0,
        };
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
        match &self.answer {
            Answer::Translated(_) => return self.end_translated(begun, window, out),
            Answer::Foreign { .. } => return self.end_foreign(window, out),
            _ => {}
        }
        match self.held(window, true) {
            Some(Beginning::Frame) => return self.finish(Outcome::Failed(UpstreamFault::Truncated), out),
            Some(Beginning::Failed(why)) => return self.finish(Outcome::Failed(UpstreamFault::Reported(why)), out),
            Some(Beginning::Content) | None => self.held_until = None,
        }
        let whole = Opening::Whole { bytes: window.len() };
        let opening = if self.answer.is_stream() { Opening::Streamed } else { whole };
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
                    }
                    self.note_first(out);
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

    /// Turns round what is whole in the window; gives whether the client's answer has begun, and the rest of the window.
    /// What a stream said before it failed goes out all the same.
    fn translate<'w>(
        &mut self,
        begun: bool,
        window: &'w [u8],
        out: &mut Vec<Output>,
    ) -> Result<(bool, &'w [u8]), UpstreamFault> {
        let Answer::Translated(translation) = &mut self.answer else { return Ok((begun, window)) };
        let pushed = translation.push(window, &mut self.written);
        if translation.has_spoken() || self.written.len() > self.terms.hold_bytes_max {
            self.held_until = None;
        }
        let begun = self.send(begun, Opening::Streamed, out);
        self.phase = Phase::Answering { begun };
        let used = pushed.map_err(|bad| match bad {
            BadStream::Reported(why) => UpstreamFault::Reported(why),
            BadStream::TooLong | BadStream::Invalid(_) => UpstreamFault::BadReply,
        })?;
        if used > 0 {
            out.push(Output::Drop(used));
        }
        Ok((begun, &window[used..]))
    }

    /// Sends what was written, if it is anything; gives whether the client's answer has begun.
    fn send(&mut self, begun: bool, opening: Opening, out: &mut Vec<Output>) -> bool {
        if self.written.is_empty() || self.held_until.is_some() {
            return begun;
        }
        self.sent = true;
        if !begun {
            out.push(Output::Begin(opening));
        }
        if self.answer.has_spoken() {
            self.note_first(out);
        }
        out.push(Output::Send);
        true
    }

    /// Notes once that the client has something of the answer itself.
    fn note_first(&mut self, out: &mut Vec<Output>) {
        if !std::mem::replace(&mut self.noted, true) {
            out.push(Output::Note(Fact::FirstForward));
        }
    }

    fn end_translated(&mut self, begun: bool, window: &[u8], out: &mut Vec<Output>) {
        // What is sent at the end goes out in one piece.
        let complete = match &mut self.answer {
            Answer::Translated(translation) => {
                let complete = match translation.push(window, &mut self.written) {
                    Ok(used) => Ok(translation.finish(&window[used..], &mut self.written)),
                    Err(BadStream::Reported(why)) => Err(UpstreamFault::Reported(why)),
                    Err(BadStream::TooLong | BadStream::Invalid(_)) => Err(UpstreamFault::BadReply),
                };
                if translation.has_spoken() || complete == Ok(true) {
                    self.held_until = None;
                }
                complete
            }
            _ => Ok(false),
        };
        let begun = self.send(begun, Opening::Streamed, out);
        out.push(Output::Drop(window.len()));
        let outcome = match complete {
            Ok(true) => Outcome::Complete,
            Ok(false) if begun => Outcome::Broken(UpstreamFault::Truncated),
            Ok(false) => Outcome::Failed(UpstreamFault::Truncated),
            Err(fault) if begun => Outcome::Broken(fault),
            Err(fault) => Outcome::Failed(fault),
        };
        self.finish(outcome, out);
    }

    fn end_foreign(&mut self, window: &[u8], out: &mut Vec<Output>) {
        let Answer::Foreign { translator, usage } = &mut self.answer else { return };
        match translator.document(window, &mut self.written) {
            Ok(used) => {
                *usage = used;
                out.push(Output::Drop(window.len()));
                self.send(false, Opening::Whole { bytes: self.written.len() }, out);
                self.finish(Outcome::Complete, out);
            }
            Err(_) => {
                self.written.clear();
                self.finish(Outcome::Failed(UpstreamFault::BadReply), out);
            }
        }
    }

    /// How a stream that is kept from the client begins; `None` when nothing is kept, or when what comes of its
    /// translation tells.
    fn held(&self, window: &[u8], ended: bool) -> Option<Beginning> {
        let passes = matches!(self.answer, Answer::Stream(_));
        (passes && self.held_until.is_some()).then(|| beginning(self.terms.client, window, ended))
    }

    /// Begins the answer of a stream that was kept long enough without a word.
    fn release(&mut self, now: Tick, out: &mut Vec<Output>) {
        if self.held_until.take_if(|until| now >= *until).is_some() && self.phase == (Phase::Answering { begun: false })
        {
            if !self.send(false, Opening::Streamed, out) {
                out.push(Output::Begin(Opening::Streamed));
            }
            self.phase = Phase::Answering { begun: true };
            self.arm(now, self.terms.between_chunks, out);
        }
    }

    /// Lets a client that waits for events hear from us.
    fn keep_client(&mut self, now: Tick, out: &mut Vec<Output>) {
        self.release(now, out);
        if let (Phase::Answering { begun }, Some(due), None) = (self.phase, self.keep_alive, self.held_until)
            && now >= due
        {
            self.keep_alive = Some(now.after(self.terms.keep_alive));
            self.answer.keep_alive(self.terms.client, &mut self.written);
            let begun = self.send(begun, Opening::Streamed, out);
            self.phase = Phase::Answering { begun };
        }
        out.push(Output::WakeAt(self.next_wake()));
    }

    fn next_wake(&self) -> Tick {
        match (self.phase, self.held_until.or(self.keep_alive)) {
            (Phase::Answering { .. }, Some(due)) => self.due().min(due),
            _ => self.due(),
        }
    }

    /// When it is over unless something happens: the first word of a stream that is kept has a time of its own.
    fn due(&self) -> Tick {
        if self.held_until.is_some() { self.deadline.min(self.first_word) } else { self.deadline }
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
        if now < self.due().min(self.last) {
            return self.keep_client(now, out);
        }
        let fault = match self.phase {
            _ if now >= self.last => UpstreamFault::TotalTimeout,
            Phase::Dialing { .. } => UpstreamFault::ConnectTimeout,
            Phase::Waiting { .. } => UpstreamFault::FirstByteTimeout,
            Phase::Answering { .. } if self.held_until.is_some() && now >= self.first_word => {
                UpstreamFault::FirstByteTimeout
            }
            Phase::Answering { .. } | Phase::Draining | Phase::Over => UpstreamFault::Stalled,
        };
        self.fault(fault, now, out);
    }

    fn arm(&mut self, now: Tick, within: Duration, out: &mut Vec<Output>) {
        self.deadline = now.after(within).min(self.last);
        out.push(Output::WakeAt(self.next_wake()));
    }

    fn finish(&mut self, outcome: Outcome, out: &mut Vec<Output>) {
        self.phase = Phase::Over;
        out.push(Output::Finish(outcome));
    }
}
