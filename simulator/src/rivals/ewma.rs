//! Two choices at random, and the better of them by a moving average.

use router_core::domain::Tick;

use super::guard::Pick;
use crate::chance::Dice;
use crate::set::Set;
use crate::strategy::{Ask, Attempt, Failure, Outcome};
use crate::units::between;

/// How a peak EWMA is set up.
pub(super) struct Peak {
    /// The round trip of whom nobody has asked yet.
    unseen_s: f64,
    /// The time in which an old round trip fades to 1/e.
    decay_s: f64,
    /// What a failure counts at least; `None` takes it for an answer like any other.
    failure_s: Option<f64>,
}

/// tower's, as Helicone's gateway sets it up.
pub(super) const HELICONE: Peak = Peak { unseen_s: 0.25, decay_s: 30.0, failure_s: None };
/// linkerd2-proxy's with penalties.
pub(super) const LINKERD: Peak = Peak { unseen_s: 1.0, decay_s: 10.0, failure_s: Some(5.0) };
/// A `Retry-After` counts up to this.
const RETRY_AFTER_MAX_S: f64 = 300.0;

/// Peak EWMA: a slower answer counts at once, a faster one slowly; times what is in flight.
pub(super) struct PeakEwma {
    peak: &'static Peak,
    /// Round trip and when it was written.
    known: Vec<(f64, Tick)>,
    in_flight: Vec<u32>,
}

impl PeakEwma {
    pub(super) fn new(deployments: usize, peak: &'static Peak) -> Self {
        Self { peak, known: vec![(peak.unseen_s, Tick(0)); deployments], in_flight: vec![0; deployments] }
    }

    fn faded(&self, place: usize, now: Tick) -> f64 {
        let (value, at) = self.known[place];
        (-between(at, now) / self.peak.decay_s).exp() * value
    }

    fn learn(&mut self, place: usize, value: f64, now: Tick) {
        let (known, at) = self.known[place];
        let old = (-between(at, now) / self.peak.decay_s).exp();
        let next = if value > known { value } else { known * old + value * (1.0 - old) };
        self.known[place] = (next, now);
    }
}

impl Pick for PeakEwma {
    fn pick(&mut self, set: Set, _: &Ask<'_>, now: Tick, dice: &mut Dice) -> Option<usize> {
        let load = |place: usize| self.faded(place, now) * f64::from(self.in_flight[place] + 1);
        two_of(set, dice).least(load)
    }

    fn sent(&mut self, attempt: &Attempt<'_>, _: Tick) {
        self.in_flight[attempt.deployment] += 1;
    }

    fn first(&mut self, attempt: &Attempt<'_>, now: Tick) {
        self.learn(attempt.deployment, between(attempt.sent_at, now), now);
    }

    fn done(&mut self, attempt: &Attempt<'_>, outcome: &Outcome, now: Tick) {
        let place = attempt.deployment;
        self.in_flight[place] -= 1;
        let Outcome::Failed(failure) = outcome else { return };
        let took = between(attempt.sent_at, now);
        let value = match (self.peak.failure_s, failure) {
            (Some(least), Failure::Throttled { retry_after_s: Some(wait) }) => wait.min(RETRY_AFTER_MAX_S).max(least),
            (Some(least), _) => least.max(self.faded(place, now)),
            (None, _) => took,
        };
        self.learn(place, value, now);
    }
}

/// Part of a newer value in agentgateway's averages.
const GAIN: f64 = 0.3;

/// agentgateway's score: health over latency and load. By default a 429 counts as a healthy answer.
pub(super) struct HealthScore {
    health: Vec<f64>,
    latency_s: Vec<f64>,
    in_flight: Vec<u32>,
}

impl HealthScore {
    pub(super) fn new(deployments: usize) -> Self {
        Self { health: vec![1.0; deployments], latency_s: vec![0.0; deployments], in_flight: vec![0; deployments] }
    }

    fn score(&self, place: usize) -> f64 {
        self.health[place] / (1.0 + self.latency_s[place] * (1.0 + 0.1 * f64::from(self.in_flight[place])))
    }
}

impl Pick for HealthScore {
    fn pick(&mut self, set: Set, _: &Ask<'_>, _: Tick, dice: &mut Dice) -> Option<usize> {
        // With replacement: the worst is taken when it is drawn twice.
        let pair: Set =
            [dice.below(set.len()), dice.below(set.len())].into_iter().filter_map(|at| set.nth(at)).collect();
        pair.least(|place| -self.score(place))
    }

    fn sent(&mut self, attempt: &Attempt<'_>, _: Tick) {
        self.in_flight[attempt.deployment] += 1;
    }

    fn done(&mut self, attempt: &Attempt<'_>, outcome: &Outcome, now: Tick) {
        let place = attempt.deployment;
        self.in_flight[place] -= 1;
        let healthy = match outcome {
            Outcome::Complete { .. } => 1.0,
            Outcome::Failed(failure) => f64::from(u8::from(failure.is_throttle())),
            Outcome::ClientGone => return,
        };
        self.health[place] += GAIN * (healthy - self.health[place]);
        self.latency_s[place] += GAIN * (between(attempt.sent_at, now) - self.latency_s[place]);
    }
}

/// Two different ones of a set, or its only one.
fn two_of(set: Set, dice: &mut Dice) -> Set {
    if set.len() <= 2 {
        return set;
    }
    let Some(one) = set.nth(dice.below(set.len())) else { return set };
    let rest = set.without(one);
    rest.nth(dice.below(rest.len())).into_iter().chain([one]).collect()
}
