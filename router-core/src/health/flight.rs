//! One request that a deployment has: counted while it lives, and counted once.

use std::sync::Arc;

use super::breaker::{Way, Word};
use super::learner::FirstToken;
use super::real::seconds;
use super::vitals::Vitals;
use crate::domain::Tick;

/// Why an attempt failed, as far as health is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No connection, a 5xx, or an answer that broke off.
    Broken,
    /// Time ran out.
    TimedOut,
    /// The credential was refused (401, 403). No request helps against that.
    Unauthorized,
    /// The provider does not know the model (404).
    UnknownModel,
}

impl Fault {
    /// Label for logs and metrics; renaming one breaks a dashboard.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::TimedOut => "timed_out",
            Self::Unauthorized => "unauthorized",
            Self::UnknownModel => "unknown_model",
        }
    }
}

/// A request on its way. Dropping it, by whatever way, takes it out of the count: a client that leaves, a panic, a
/// refusal. What says something about the deployment is told before, by [`Flight::first`], [`Flight::complete`] and
/// [`Flight::failed`].
#[derive(Debug)]
#[must_use = "a request that is not kept counts as ended"]
pub struct Flight {
    vitals: Arc<Vitals>,
    word: Word,
    sent: Tick,
    first: Option<Tick>,
    streamed: bool,
    tokens_k: f32,
    in_flight: f32,
}

impl Flight {
    /// Counts a request in, if the breaker lets it through: `tokens_k` thousand tokens that no cache is to answer. Of
    /// an answer that is not `streamed` the first token is not seen: it comes with the last.
    pub fn depart(vitals: &Arc<Vitals>, way: Way, tokens_k: f32, streamed: bool, now: Tick) -> Option<Self> {
        let word = vitals.breaker.admit(way)?;
        let in_flight = vitals.board() as f32;
        if streamed {
            vitals.pending(now);
        }
        Some(Self { vitals: Arc::clone(vitals), word, sent: now, first: None, streamed, tokens_k, in_flight })
    }

    /// The first token came, or the head of an answer that is not streamed. Says whether that is news.
    pub fn first(&mut self, now: Tick) -> bool {
        if self.first.is_some() {
            return false;
        }
        self.first = Some(now);
        if self.vitals.breaker.first(self.word, now) {
            self.vitals.learn_recovery(now);
        }
        if self.streamed {
            self.vitals.no_longer_pending(self.sent);
            self.learn_first_token(seconds(self.sent, now), now);
        }
        true
    }

    /// The answer came to its good end. `cached` is how many tokens the cache was expected to answer, and how many it
    /// did.
    pub fn complete(mut self, output_tokens: Option<u32>, cached: Option<(f32, u32)>, now: Tick) {
        self.first(now);
        let total_s = seconds(self.sent, now);
        let first_s = match (self.first, output_tokens) {
            (Some(first), _) if self.streamed => {
                self.vitals.learn_speed(output_tokens, seconds(first, now));
                seconds(self.sent, first)
            }
            (_, Some(tokens)) => {
                // What the tokens do not explain is what came before them.
                let first_s = total_s - tokens.saturating_sub(1) as f32 * self.vitals.between_tokens.get();
                self.learn_first_token(first_s.max(0.0), now);
                first_s.max(0.0)
            }
            (_, None) => total_s,
        };
        let queued_s = self.vitals.queue_s(self.in_flight).min(first_s);
        self.vitals.breaker.succeeded();
        self.vitals.learn_end(total_s - queued_s, now);
        if let Some((expected, cached)) = cached {
            self.vitals.learn_hit(expected, cached);
        }
    }

    fn learn_first_token(&self, took_s: f32, now: Tick) {
        let seen = FirstToken { took_s, tokens_k: self.tokens_k, in_flight: self.in_flight };
        self.vitals.learn_first_token(seen, now);
    }

    /// The attempt failed.
    pub fn failed(self, fault: Fault, now: Tick) {
        match fault {
            Fault::Unauthorized | Fault::UnknownModel => self.vitals.breaker.bar(self.word, now),
            Fault::Broken | Fault::TimedOut => {
                let error = self.vitals.learn_failure(seconds(self.sent, now), now);
                self.vitals.breaker.failed(self.word, error, now, self.vitals.salt);
            }
        }
    }

    /// When it was sent.
    pub const fn sent(&self) -> Tick {
        self.sent
    }

    /// The deployment's state.
    pub fn vitals(&self) -> &Vitals {
        &self.vitals
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.streamed && self.first.is_none() {
            self.vitals.no_longer_pending(self.sent);
        }
        self.vitals.breaker.untold(self.word);
        self.vitals.alight();
    }
}
