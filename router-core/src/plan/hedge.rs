//! Asking a second deployment when the first is unusually late.

use std::time::Duration;

use super::ask::{Ask, Choice};
use super::board::Board;
use super::field::{FIELD_MAX, Field, Runner};
use super::policy::Policy;
use super::score::makes_first_token;
use crate::domain::{Seed, Tick};
use crate::health::{Access, Way};

/// The second one must be filled to this share of its knee at most: a copy must not be what fills a queue.
const KNEE_MAX: f32 = 0.8;

impl Board {
    /// Whether another deployment is worth asking besides the one that has not answered since `sent_at`, and which.
    /// `ask.tried` names the first. Takes it out of the route's budget.
    ///
    /// What the slower one read is paid for, so the time and the missed objective that are saved must be worth more than
    /// that. Without a known price nothing is asked twice.
    pub fn hedge(&self, ask: &Ask<'_>, sent_at: Tick, policy: &Policy, now: Tick, seed: Seed) -> Option<Choice> {
        if !policy.hedging || !ask.repeatable {
            return None;
        }
        let round = self.round(ask, policy, now, seed);
        let field: Field<FIELD_MAX> = round.survey(&ask.candidates[..ask.candidates.len().min(FIELD_MAX)], 0);
        let idle = |runner: &Runner| {
            let known = self.seat_at(runner.deployment).map(|seat| seat.vitals.read(now));
            known.is_some_and(|known| known.in_flight + 1.0 <= KNEE_MAX * known.knee)
        };
        let fresh = |runner: &Runner| !runner.tried && runner.access == Access::Healthy && runner.free_at <= now;
        let other = round.best(field.runners(), |runner| fresh(runner) && idle(runner), |runner| runner.key)?;
        let weights = &round.request.weights;
        let waited_s = now.micros_since(sent_at) as f32 * 1e-6;
        let saved = weights.waiting * (waited_s - other.expected.first_s).max(0.0)
            + weights.miss * makes_first_token(&round.request, &other.expected, other.sigma);
        let worth = saved > other.expected.input_cost;
        (worth && self.route(ask.route).take_hedge()).then(|| round.choice(other, Way::Normal, Duration::ZERO))
    }
}
