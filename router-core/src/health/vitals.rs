//! What is known of one deployment: read by every decision, written by every answer.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::breaker::{Access, Breaker, State};
use super::learner::Learner;
use super::math::exp;
use super::real::{Real, millis, seconds, seconds_between};
use crate::domain::Tick;

/// What was slow and is not used any more is believed to recover with this time, in seconds.
const RECOVERS_S: f32 = 15.0;
/// The probability of an error that nobody is ever below.
pub(super) const ERROR_LEAST: f32 = 0.002;
/// So little above that is nothing, and needs no exponential.
const ERROR_NOTHING: f32 = 0.0005;
/// What was failing and is not used any more is believed to recover with this time, in seconds.
const ERROR_FADES_S: f32 = 20.0;
/// What a first estimate of the spread is: the variance of the logarithm of times to first token.
pub(super) const VARIANCE_FIRST: f32 = 0.16;
/// What a first estimate of the cache's hit rate is.
const HIT_FIRST: f32 = 0.9;
/// Tokens of an answer, to guess at first how long a request holds its slot.
const USUAL_OUTPUT: f32 = 300.0;

/// What to believe of a deployment before it has answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    /// Seconds to the first token of a short prompt.
    pub first_token_s: f32,
    /// Seconds more for each thousand tokens of prompt that no cache answers.
    pub per_thousand_tokens_s: f32,
    /// Seconds more for each other request in flight.
    pub per_in_flight_s: f32,
    /// Seconds per token of answer.
    pub between_tokens_s: f32,
}

impl Default for Prior {
    fn default() -> Self {
        Self { first_token_s: 0.5, per_thousand_tokens_s: 0.08, per_in_flight_s: 0.01, between_tokens_s: 0.015 }
    }
}

/// The state of one deployment. What a decision reads is in two cache lines; all loads are relaxed, and a mixture of
/// two neighbouring versions is an estimate like any other.
#[derive(Debug)]
#[repr(align(64))]
pub struct Vitals {
    /// How many were sent and wait for a first token (16 bits), and the sum of when they were sent, in wrapped
    /// milliseconds (48 bits). One word, because a count with the sum of another moment would be nonsense.
    pending: AtomicU64,
    pub(super) breaker: Breaker,
    pub(super) level_at: AtomicU64,
    pub(super) error_at: AtomicU64,
    /// Coefficients of [`super::fit::Fit`].
    pub(super) line: [Real; 3],
    /// The logarithm of how much slower than that it is at present.
    pub(super) level: Real,
    /// `e` to the power of it.
    pub(super) slowness: Real,
    pub(super) sigma: Real,
    pub(super) skew: Real,
    pub(super) between_tokens: Real,
    pub(super) knee: Real,
    pub(super) occupancy: Real,
    pub(super) error: Real,
    pub(super) fail_s: Real,
    pub(super) hit: Real,
    pub(super) samples: AtomicU32,
    in_flight: AtomicU32,
    pub(super) salt: u64,
    pub(super) learner: Mutex<Learner>,
}

/// What a decision sees of a deployment: plain numbers of one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Seconds to the first token: at least, per thousand uncached tokens, per request in flight.
    pub line: [f32; 3],
    /// By which factor it is slower than that at present.
    pub slowness: f32,
    /// Standard deviation of the logarithm of the time to first token.
    pub sigma: f32,
    /// By which factor the mean of such times is above their median.
    pub skew: f32,
    /// Seconds per token of answer.
    pub between_tokens_s: f32,
    /// Requests that it serves side by side without queueing; infinite when queueing was never seen.
    pub knee: f32,
    /// Seconds that a request holds its slot.
    pub occupancy_s: f32,
    /// Probability that a request fails.
    pub error: f32,
    /// Seconds until one does.
    pub fail_s: f32,
    /// Share of the tokens expected in its cache that are found there.
    pub hit: f32,
    /// Answers that it was judged by.
    pub samples: u32,
    /// Requests of ours that it has.
    pub in_flight: f32,
    /// Mean seconds that those wait which have no first token yet.
    pub pending_s: f32,
}

impl Vitals {
    /// A deployment that has not answered yet. The salt tells deployments' chances apart.
    pub fn new(prior: &Prior, salt: u64) -> Self {
        let line = [prior.first_token_s, prior.per_thousand_tokens_s, prior.per_in_flight_s];
        Self {
            pending: AtomicU64::new(0),
            breaker: Breaker::default(),
            level_at: AtomicU64::new(0),
            error_at: AtomicU64::new(0),
            line: line.map(Real::new),
            level: Real::new(0.0),
            slowness: Real::new(1.0),
            sigma: Real::new(VARIANCE_FIRST.sqrt()),
            skew: Real::new(exp(VARIANCE_FIRST / 2.0)),
            between_tokens: Real::new(prior.between_tokens_s),
            knee: Real::new(f32::INFINITY),
            occupancy: Real::new(prior.first_token_s + USUAL_OUTPUT * prior.between_tokens_s),
            error: Real::new(ERROR_LEAST),
            fail_s: Real::new(1.0),
            hit: Real::new(HIT_FIRST),
            samples: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            salt,
            learner: Mutex::new(Learner::new(line)),
        }
    }

    /// What is known at this moment.
    pub fn read(&self, now: Tick) -> Reading {
        let in_flight = self.in_flight.load(Ordering::Relaxed) as f32;
        Reading {
            line: [self.line[0].get(), self.line[1].get(), self.line[2].get()],
            slowness: self.believed_slowness(in_flight, now),
            sigma: self.sigma.get(),
            skew: self.skew.get(),
            between_tokens_s: self.between_tokens.get(),
            knee: self.knee.get(),
            occupancy_s: self.occupancy.get(),
            error: self.believed_error(now),
            fail_s: self.fail_s.get(),
            hit: self.hit.get(),
            samples: self.samples.load(Ordering::Relaxed),
            in_flight,
            pending_s: self.pending_s(now),
        }
    }

    /// What its breaker lets through at this moment.
    pub fn access(&self, now: Tick) -> Access {
        self.breaker.access(now)
    }

    /// The state of its breaker.
    pub fn state(&self) -> State {
        self.breaker.state()
    }

    /// Requests that were sent and have not ended.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Closes its breaker, because somebody has mended what was wrong.
    pub fn pardon(&self, now: Tick) {
        self.error.set(ERROR_LEAST);
        self.breaker.pardon(now);
    }

    /// How much slower than usual. What was slow earns one request after a while; as long as that one is on its way,
    /// the full slowness counts, so that nobody follows it.
    fn believed_slowness(&self, in_flight: f32, now: Tick) -> f32 {
        let level = self.level.get();
        if in_flight > 0.0 || level <= 0.0 {
            return self.slowness.get();
        }
        let age_s = seconds(Tick(self.level_at.load(Ordering::Relaxed)), now);
        if age_s < 0.1 { self.slowness.get() } else { exp(level * exp(-age_s / RECOVERS_S)) }
    }

    pub(super) fn believed_error(&self, now: Tick) -> f32 {
        let above = self.error.get() - ERROR_LEAST;
        if above < ERROR_NOTHING {
            return ERROR_LEAST;
        }
        let age_s = seconds(Tick(self.error_at.load(Ordering::Relaxed)), now);
        ERROR_LEAST + above * exp(-age_s / ERROR_FADES_S)
    }

    /// One more is on its way; gives how many there were before.
    pub(super) fn board(&self) -> u32 {
        self.in_flight.fetch_add(1, Ordering::Relaxed)
    }

    /// One waits for its first token from now on.
    pub(super) fn pending(&self, now: Tick) {
        self.pending.fetch_add(pending(now), Ordering::Relaxed);
    }

    /// One that was sent then has its first token, or has ended without.
    pub(super) fn no_longer_pending(&self, sent: Tick) {
        self.pending.fetch_sub(pending(sent), Ordering::Relaxed);
    }

    /// One has ended.
    pub(super) fn alight(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    fn pending_s(&self, now: Tick) -> f32 {
        let word = self.pending.load(Ordering::Relaxed);
        let count = word >> PENDING_SHIFT;
        if count == 0 {
            return 0.0;
        }
        let mean = (word & ((1 << PENDING_SHIFT) - 1)) / count;
        // Wrapped moments have 32 bits, and so has their mean.
        u32::try_from(mean).map_or(0.0, |mean| seconds_between(mean, millis(now)))
    }
}

const PENDING_SHIFT: u32 = 48;

fn pending(sent: Tick) -> u64 {
    1 << PENDING_SHIFT | u64::from(millis(sent))
}
