//! What is known of a deployment, to be kept over a restart and to be shown.

use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use super::breaker::{Access, State};
use super::math::exp;
use super::vitals::Vitals;
use crate::domain::Tick;

/// Answers that what was known before a restart is worth at most: enough not to begin anew, few enough to be corrected.
const SAMPLES_KEPT: u32 = 50;
/// What a file may claim, so that a damaged one does no harm.
const SECONDS_MAX: f32 = 600.0;

/// What is known of one deployment at one moment. Fields are added, never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// The breaker's state. Not restored: what was tripped before a restart is tried again.
    pub state: State,
    /// Milliseconds until a tripped one may be tried. Not restored.
    #[serde(default)]
    pub opens_in_ms: Option<u64>,
    /// Requests of ours that it has. Not restored.
    #[serde(default)]
    pub in_flight: u32,
    /// Answers that it was judged by.
    pub samples: u32,
    /// Seconds to the first token of a short prompt, unloaded.
    pub first_token_s: f32,
    /// Seconds more per thousand tokens of prompt that no cache answers.
    pub per_thousand_tokens_s: f32,
    /// Seconds more per other request in flight.
    pub per_in_flight_s: f32,
    /// The natural logarithm of how much slower than that it is at present; 0 is as usual.
    pub level: f32,
    /// Standard deviation of the natural logarithm of the time to first token.
    pub sigma: f32,
    /// Seconds per token of answer.
    pub between_tokens_s: f32,
    /// Requests served side by side without queueing; absent when queueing was never seen.
    #[serde(default)]
    pub knee: Option<f32>,
    /// Seconds that a request holds its slot.
    pub occupancy_s: f32,
    /// Probability that a request fails, from 0 to 1. Not restored.
    #[serde(default)]
    pub error: f32,
    /// Seconds until one does.
    pub fail_s: f32,
    /// Share of the tokens expected in the provider's cache that were found there, from 0 to 1.
    pub cache_hit: f32,
}

impl Vitals {
    /// What is known at this moment.
    pub fn learned(&self, now: Tick) -> Learned {
        let reading = self.read(now);
        let until = match self.access(now) {
            Access::Shut { until, .. } | Access::Barred { until } => Some(until.micros_since(now) / 1000),
            Access::Healthy | Access::Due => None,
        };
        Learned {
            state: self.state(),
            opens_in_ms: until,
            in_flight: self.in_flight(),
            samples: reading.samples,
            first_token_s: reading.line[0],
            per_thousand_tokens_s: reading.line[1],
            per_in_flight_s: reading.line[2],
            level: self.level.get(),
            sigma: reading.sigma,
            between_tokens_s: reading.between_tokens_s,
            knee: Some(reading.knee).filter(|knee| knee.is_finite()),
            occupancy_s: reading.occupancy_s,
            error: reading.error,
            fail_s: reading.fail_s,
            cache_hit: reading.hit,
        }
    }

    /// Begins from what was known before. Says no to what cannot have been, and then changes nothing.
    pub fn restore(&self, learned: &Learned, now: Tick) -> bool {
        let line = [learned.first_token_s, learned.per_thousand_tokens_s, learned.per_in_flight_s];
        let times = [learned.between_tokens_s, learned.occupancy_s, learned.fail_s];
        let within = |value: f32, least: f32, most: f32| (least..=most).contains(&value);
        let sound = line.iter().chain(&times).all(|time| within(*time, 0.0, SECONDS_MAX))
            && within(learned.level, -1.5, 3.0)
            && within(learned.sigma, 0.15, 1.0)
            && within(learned.cache_hit, 0.0, 1.0)
            && learned.knee.is_none_or(|knee| within(knee, 1.0, 1e6));
        let Ok(mut learner) = self.learner.lock() else { return false };
        if !sound {
            return false;
        }
        learner.begin_from(line, learned.sigma);
        for (value, known) in self.line.iter().zip(line) {
            value.set(known);
        }
        self.level.set(learned.level);
        self.slowness.set(exp(learned.level));
        self.level_at.store(now.0, Ordering::Relaxed);
        self.sigma.set(learned.sigma);
        self.skew.set(exp(learned.sigma * learned.sigma / 2.0));
        self.between_tokens.set(learned.between_tokens_s);
        self.knee.set(learned.knee.unwrap_or(f32::INFINITY));
        self.occupancy.set(learned.occupancy_s);
        self.fail_s.set(learned.fail_s);
        self.hit.set(learned.cache_hit);
        self.samples.store(learned.samples.min(SAMPLES_KEPT), Ordering::Relaxed);
        true
    }
}
