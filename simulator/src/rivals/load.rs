//! Picks by what is in flight.

use std::collections::VecDeque;

use router_core::domain::Tick;

use super::guard::Pick;
use crate::chance::Dice;
use crate::set::Set;
use crate::strategy::{Ask, Attempt, Outcome};
use crate::units::{between, whole};

/// LiteLLM's `least_busy`.
pub(super) struct LeastBusy {
    in_flight: Vec<u32>,
}

impl LeastBusy {
    pub(super) fn new(deployments: usize) -> Self {
        Self { in_flight: vec![0; deployments] }
    }
}

impl Pick for LeastBusy {
    fn pick(&mut self, set: Set, _: &Ask<'_>, _: Tick, _: &mut Dice) -> Option<usize> {
        set.least(|place| f64::from(self.in_flight[place]))
    }

    fn sent(&mut self, attempt: &Attempt<'_>, _: Tick) {
        self.in_flight[attempt.deployment] += 1;
    }

    fn done(&mut self, attempt: &Attempt<'_>, _: &Outcome, _: Tick) {
        self.in_flight[attempt.deployment] -= 1;
    }
}

/// Recent values of requests in flight, of which a quantile tells hot from cold.
const RECENT: usize = 16;
/// The quantile: 2^-0.25.
const HOT: f64 = 0.840_896;
/// What a failure counts as a latency, so that failing fast attracts nobody (the paper's error aversion).
const FAILURE_S: f64 = 5.0;
/// Part of a newer latency.
const GAIN: f64 = 0.3;

/// Prequal's hot-cold rule with what a gateway sees by itself, for hosted models answer no probes: among the cold the
/// least latency; if all are hot, the fewest in flight.
pub(super) struct HotCold {
    in_flight: Vec<u32>,
    latency_s: Vec<Option<f64>>,
    recent: VecDeque<u32>,
}

impl HotCold {
    pub(super) fn new(deployments: usize) -> Self {
        Self {
            in_flight: vec![0; deployments],
            latency_s: vec![None; deployments],
            recent: VecDeque::with_capacity(RECENT),
        }
    }

    fn learn(&mut self, deployment: usize, latency_s: f64) {
        let known = self.latency_s[deployment].get_or_insert(latency_s);
        *known += GAIN * (latency_s - *known);
    }

    /// In-flight counts above this are hot.
    fn limit(&self) -> u32 {
        let mut sorted: Vec<_> = self.recent.iter().copied().collect();
        sorted.sort_unstable();
        let rank = usize::try_from(whole(HOT * sorted.len() as f64)).unwrap_or(0);
        sorted.get(rank.min(sorted.len().saturating_sub(1))).copied().unwrap_or(u32::MAX)
    }
}

impl Pick for HotCold {
    fn pick(&mut self, set: Set, _: &Ask<'_>, _: Tick, _: &mut Dice) -> Option<usize> {
        let limit = self.limit();
        let cold = set.filter(|place| self.in_flight[place] <= limit);
        let place = if cold.is_empty() {
            set.least(|place| f64::from(self.in_flight[place]))
        } else {
            cold.least(|place| self.latency_s[place].unwrap_or(0.0) + f64::from(self.in_flight[place]) * 1e-6)
        }?;
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(self.in_flight[place]);
        Some(place)
    }

    fn sent(&mut self, attempt: &Attempt<'_>, _: Tick) {
        self.in_flight[attempt.deployment] += 1;
    }

    fn first(&mut self, attempt: &Attempt<'_>, now: Tick) {
        self.learn(attempt.deployment, between(attempt.sent_at, now));
    }

    fn done(&mut self, attempt: &Attempt<'_>, outcome: &Outcome, now: Tick) {
        self.in_flight[attempt.deployment] -= 1;
        if matches!(outcome, Outcome::Failed(_)) {
            self.learn(attempt.deployment, between(attempt.sent_at, now).max(FAILURE_S));
        }
    }
}

/// C3's score, `R - 1/mu + q³/mu`, of first-token times. The servers' own queues are not to be seen; `q` is 1 and what
/// this gateway has in flight, over the requests that the deployment has been seen to serve at once.
pub(super) struct C3 {
    in_flight: Vec<u32>,
    response_s: Vec<f64>,
    service_s: Vec<f64>,
    usual: Vec<f64>,
}

impl C3 {
    pub(super) fn new(deployments: usize) -> Self {
        Self {
            in_flight: vec![0; deployments],
            response_s: vec![0.0; deployments],
            service_s: vec![0.0; deployments],
            usual: vec![1.0; deployments],
        }
    }
}

impl Pick for C3 {
    fn pick(&mut self, set: Set, _: &Ask<'_>, _: Tick, _: &mut Dice) -> Option<usize> {
        set.least(|place| {
            let queue = 1.0 + f64::from(self.in_flight[place]) / self.usual[place];
            self.response_s[place] + self.service_s[place] * (queue.powi(3) - 1.0)
        })
    }

    fn sent(&mut self, attempt: &Attempt<'_>, _: Tick) {
        let place = attempt.deployment;
        self.in_flight[place] += 1;
        self.usual[place] = self.usual[place].max(f64::from(self.in_flight[place]) * 0.5);
    }

    fn first(&mut self, attempt: &Attempt<'_>, now: Tick) {
        let (place, first_s) = (attempt.deployment, between(attempt.sent_at, now));
        self.response_s[place] += GAIN * (first_s - self.response_s[place]);
        let service = &mut self.service_s[place];
        *service = if *service == 0.0 { first_s } else { service.min(first_s) + GAIN * (first_s - *service).max(0.0) };
    }

    fn done(&mut self, attempt: &Attempt<'_>, outcome: &Outcome, now: Tick) {
        let place = attempt.deployment;
        self.in_flight[place] -= 1;
        if matches!(outcome, Outcome::Failed(_)) {
            let penalty = between(attempt.sent_at, now).max(FAILURE_S);
            self.response_s[place] += GAIN * (penalty - self.response_s[place]);
        }
    }
}
