//! How answers change what is known of a deployment.
//!
//! Learning is behind a lock that is only ever tried: if another answer is being learned from in the same moment, this
//! one is let go. Statistics do not need every sample, and no request waits.

use std::sync::atomic::Ordering;

use super::fit::Fit;
use super::knee::{KneeFinder, Sighting, queue_s};
use super::math::{exp, ln};
use super::real::seconds;
use super::vitals::{VARIANCE_FIRST, Vitals};
use crate::domain::Tick;

/// Share of a new answer in the level.
const GAIN: f32 = 0.12;
/// That share when the level has jumped.
const GAIN_JUMPED: f32 = 0.45;
/// Two answers in a row this many standard deviations off, on the same side, are a jump.
const JUMP: f32 = 1.5;
/// How far one answer may be off in the logarithm.
const CLIP: f32 = 1.5;
/// The first answers count for more: the n-th for 1/(n+1).
const FIRST_SAMPLES: u32 = 8;
/// How far off those, and the first after a silence, may be.
const CLIP_WIDE: f32 = 3.0;
const LEVEL_RANGE: (f32, f32) = (-1.5, 3.0);
/// The level is forgotten with this time, in seconds: an answer after a silence counts for more.
const FORGETS_S: f32 = 15.0;
const VARIANCE_GAIN: f32 = 0.04;
const VARIANCE_LEAST: f32 = 0.03;
/// A time to first token counts as this many times the expected one at most, so that one hang does not tilt the line.
const OUTLIER: f32 = 6.0;
/// No time to first token is expected below this.
const FIRST_TOKEN_LEAST_S: f32 = 0.02;
/// Share of a long answer in the time between tokens.
const BETWEEN_GAIN: f32 = 0.06;
/// Tokens from which on an answer is long.
const LONG_ANSWER: f32 = 100.0;
const OCCUPANCY_GAIN: f32 = 0.05;
/// Share of one request in the probability of errors.
pub(super) const ERROR_GAIN: f32 = 0.12;
const FAIL_TIME_GAIN: f32 = 0.3;
const HIT_GAIN: f32 = 0.05;
/// The probability of errors after a probe brought a first token: not yet forgiven, and not too bad to be used.
const ERROR_AFTER_PROBE: f32 = 0.1;

/// Seconds to the first token that a line expects, without slowness and queue.
pub fn first_token_s(line: [f32; 3], tokens_k: f32, in_flight: f32) -> f32 {
    (line[0] + line[1] * tokens_k + line[2] * in_flight).max(FIRST_TOKEN_LEAST_S)
}

/// What only learning needs.
#[derive(Debug)]
pub(super) struct Learner {
    fit: Fit,
    knee: KneeFinder,
    variance: f32,
    /// The side of the last answer that was far off: -1, 0 or 1.
    side: f32,
}

impl Learner {
    pub(super) fn new(line: [f32; 3]) -> Self {
        Self { fit: Fit::new(line), knee: KneeFinder::default(), variance: VARIANCE_FIRST, side: 0.0 }
    }

    /// Forgets all samples and begins from this line and spread.
    pub(super) fn begin_from(&mut self, line: [f32; 3], sigma: f32) {
        *self = Self { variance: sigma * sigma, ..Self::new(line) };
    }
}

/// A first token: how long it took, and under which circumstances it was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct FirstToken {
    pub(super) took_s: f32,
    pub(super) tokens_k: f32,
    pub(super) in_flight: f32,
}

impl Vitals {
    pub(super) fn learn_first_token(&self, seen: FirstToken, now: Tick) {
        let Ok(mut learner) = self.learner.try_lock() else { return };
        let line = [self.line[0].get(), self.line[1].get(), self.line[2].get()];
        let base = first_token_s(line, seen.tokens_k, seen.in_flight);
        let plain = base * self.slowness.get();
        let sigma = self.sigma.get();
        let knee = self.knee.get();
        let above = ln(seen.took_s.max(1e-4) / base);
        // Against the line and not the level: a queue that grows slowly takes the level with it.
        let sighting = Sighting {
            busy: seen.in_flight + 1.0,
            surprise: above / sigma,
            excess_s: seen.took_s - base,
            occupancy_s: self.occupancy.get(),
        };
        self.knee.set(learner.knee.see(knee, sighting, now));
        if seen.in_flight + 1.0 > knee {
            // It stood in a queue: that says something of the knee and nothing of the speed.
            return;
        }
        let taken = seen.took_s.min(OUTLIER * plain);
        let found = learner.fit.learn(seen.tokens_k, seen.in_flight, taken, 1.0 / (plain * plain));
        for (value, found) in self.line.iter().zip(found) {
            value.set(found);
        }
        self.move_level(&mut learner, above - self.level.get(), now);
    }

    fn move_level(&self, learner: &mut Learner, residual: f32, now: Tick) {
        let level = self.level.get();
        let sigma = self.sigma.get();
        let age_s = seconds(Tick(self.level_at.load(Ordering::Relaxed)), now);
        let samples = self.samples.load(Ordering::Relaxed);
        let far = residual.abs() > JUMP * sigma;
        let side = if far { residual.signum() } else { 0.0 };
        let (gain, clip) = if samples < FIRST_SAMPLES {
            (1.0 / (samples as f32 + 1.0), CLIP_WIDE)
        } else if level > sigma && age_s > 1.0 {
            // It was slow some time ago: what it does now says more than what it did then.
            (1.0 - (1.0 - GAIN) * exp(-age_s / FORGETS_S), CLIP_WIDE)
        } else if far && side == learner.side {
            (GAIN_JUMPED, CLIP)
        } else {
            (GAIN, CLIP)
        };
        let level = (level + gain * residual.clamp(-clip, clip)).clamp(LEVEL_RANGE.0, LEVEL_RANGE.1);
        let square = (residual * residual).min(1.0);
        learner.side = side;
        learner.variance = (learner.variance + VARIANCE_GAIN * (square - learner.variance)).max(VARIANCE_LEAST);
        self.level.set(level);
        self.slowness.set(exp(level));
        self.sigma.set(learner.variance.sqrt());
        self.skew.set(exp((learner.variance / 2.0).min(1.0)));
        self.level_at.store(now.0, Ordering::Relaxed);
        self.samples.store(samples.saturating_add(1), Ordering::Relaxed);
    }

    /// A stream ended so long after its first token.
    pub(super) fn learn_speed(&self, output_tokens: Option<u32>, after_first_s: f32) {
        if let Some(tokens) = output_tokens.filter(|tokens| *tokens > 1) {
            let tokens = tokens as f32;
            self.between_tokens
                .approach(after_first_s / (tokens - 1.0), BETWEEN_GAIN * (tokens / LONG_ANSWER).min(1.0));
        }
    }

    /// An answer came to its end, and held its slot for so long.
    pub(super) fn learn_end(&self, occupied_s: f32, now: Tick) {
        self.occupancy.approach(occupied_s, OCCUPANCY_GAIN);
        self.learn_error(false, now);
    }

    /// How many tokens the cache answered of those that were expected to be there.
    pub(super) fn learn_hit(&self, expected: f32, cached: u32) {
        if expected > 0.0 {
            self.hit.approach((cached as f32 / expected).min(1.0), HIT_GAIN);
        }
    }

    /// A request failed after so long; gives the probability of errors since.
    pub(super) fn learn_failure(&self, after_s: f32, now: Tick) -> f32 {
        self.fail_s.approach(after_s, FAIL_TIME_GAIN);
        self.learn_error(true, now)
    }

    /// A first token closed the breaker.
    pub(super) fn learn_recovery(&self, now: Tick) {
        self.error.set(self.believed_error(now).min(ERROR_AFTER_PROBE));
        self.error_at.store(now.0, Ordering::Relaxed);
    }

    fn learn_error(&self, failed: bool, now: Tick) -> f32 {
        let error = self.believed_error(now);
        let error = error + ERROR_GAIN * (f32::from(u8::from(failed)) - error);
        self.error.set(error);
        self.error_at.store(now.0, Ordering::Relaxed);
        error
    }

    /// Seconds that a request waits in the queue which finds so many others there.
    pub(super) fn queue_s(&self, in_flight: f32) -> f32 {
        queue_s(in_flight, self.knee.get(), self.occupancy.get())
    }
}
