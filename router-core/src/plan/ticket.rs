//! What happens to a request that was sent: told once, by whoever holds its ticket.

use std::sync::Arc;
use std::time::Duration;

use super::ask::{Ask, Choice};
use super::board::{Board, Seat};
use super::policy::Policy;
use crate::domain::{Capability, Tick};
use crate::health::{Fault, Flight, Need, RateLimits, Sent};

/// A request on its way. One that is dropped has ended without telling anything: it leaves every count all the same.
#[derive(Debug)]
#[must_use = "a request that nobody holds counts as ended"]
pub struct Ticket {
    flight: Flight,
    deployment: u32,
    seat: Arc<Seat>,
    sent: Sent,
    route: usize,
    prompt_tokens: u32,
    max_tokens: Option<u32>,
    cached_tokens: f32,
    promised: Option<Tick>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The answer is whole. What is not known is left out, and not learned from.
    Complete {
        /// Tokens of the answer.
        output_tokens: Option<u32>,
        /// Tokens of the prompt that the provider's cache answered.
        cached_tokens: Option<u32>,
    },
    /// The provider failed, or could not be reached.
    Failed(Fault),
    /// One request too many (429).
    Limited {
        /// When the provider asks to come back.
        retry_after: Option<Duration>,
    },
    /// The provider refused the request for what it is (other 4xx).
    Refused,
    /// The client left, or somebody else's answer was first.
    Gone,
}

impl Board {
    /// Counts a request as sent, as it was decided. `None` when another one took the last of a limit, or the probe, in
    /// the meantime: decide again.
    pub fn sent(&self, choice: &Choice, ask: &Ask<'_>, now: Tick) -> Option<Ticket> {
        let seat = self.seat_at(choice.deployment)?;
        let uncached = (ask.prompt_tokens as f32 - choice.cached_tokens).max(0.0);
        let streamed = ask.needs.has(Capability::Streaming);
        let flight = Flight::depart(&seat.vitals, choice.way, uncached * 1e-3, streamed, now)?;
        let need = Need { input: ask.prompt_tokens as f32, uncached, output: choice.output_tokens };
        let sent = seat.account.take(&need, choice.loss, now)?;
        Some(Ticket {
            flight,
            deployment: choice.deployment,
            seat: Arc::clone(seat),
            sent,
            route: ask.route,
            prompt_tokens: ask.prompt_tokens,
            max_tokens: ask.max_tokens,
            cached_tokens: choice.cached_tokens,
            promised: choice.promised,
        })
    }

    /// The first token came, or the head of an answer that is not streamed; further calls change nothing. `chain` is
    /// the request's own, which the provider has read now.
    pub fn first(&self, ticket: &mut Ticket, chain: &[u64], now: Tick) {
        if !ticket.flight.first(now) {
            return;
        }
        ticket.seat.account.answered(now);
        if let Some(promised) = ticket.promised {
            self.route(ticket.route).count_miss(now > promised, now);
        }
        if let Some(mark) = ticket.seat.mark.filter(|_| ticket.prompt_tokens >= ticket.seat.terms.cache_min) {
            self.prefixes.remember(chain, mark, now);
        }
    }

    /// The attempt ended.
    pub fn done(&self, mut ticket: Ticket, ending: Ending, now: Tick) {
        match ending {
            Ending::Complete { output_tokens, cached_tokens } => {
                self.first(&mut ticket, &[], now);
                let Ticket { flight, seat, prompt_tokens, max_tokens, cached_tokens: expected, .. } = ticket;
                if let Some(tokens) = output_tokens {
                    seat.outputs.learn(prompt_tokens, max_tokens, tokens);
                }
                flight.complete(output_tokens, cached_tokens.map(|cached| (expected, cached)), now);
            }
            Ending::Failed(fault) => ticket.flight.failed(fault, now),
            Ending::Limited { retry_after } => ticket.seat.account.refused(retry_after, now),
            Ending::Refused | Ending::Gone => {}
        }
    }

    /// The head of an answer said what the account still allows.
    pub fn limits(&self, ticket: &Ticket, said: &RateLimits, now: Tick) {
        ticket.seat.account.hear(said, ticket.sent, now);
    }

    /// Whether a request may be tried once more; takes it out of the route's budget.
    pub fn retry(&self, ask: &Ask<'_>, policy: &Policy) -> bool {
        let attempts = u32::try_from(ask.tried.len()).unwrap_or(u32::MAX);
        attempts < policy.attempts_max && self.route(ask.route).retries.take(&policy.retries)
    }
}

impl Ticket {
    /// Where it was sent: a place among the deployments of the board that sent it.
    pub const fn deployment(&self) -> u32 {
        self.deployment
    }

    /// When it was sent.
    pub const fn sent_at(&self) -> Tick {
        self.flight.sent()
    }
}
