//! LiteLLM's cooldown, shared by its strategies.

use router_core::domain::Tick;

use super::guard::Guard;
use crate::set::Set;
use crate::strategy::{Failure, Outcome};
use crate::units::{SECOND, after};

/// Seconds out, unless the provider says otherwise.
const COOLDOWN_S: f64 = 5.0;
/// Failures count from this many requests in a minute on.
const REQUESTS_MIN: u32 = 5;
/// A greater part of failures than this is too much.
const FAILED_MAX: f64 = 0.5;
/// The clock minute in which is counted.
const MINUTE: u64 = 60 * SECOND;

/// Who is out until when, and who failed how often in this minute.
pub(super) struct Cooldown {
    until: Vec<Tick>,
    minute: u64,
    counts: Vec<(u32, u32)>,
}

impl Cooldown {
    pub(super) fn new(deployments: usize) -> Self {
        Self { until: vec![Tick(0); deployments], minute: 0, counts: vec![(0, 0); deployments] }
    }
}

impl Guard for Cooldown {
    fn admits(&mut self, set: Set, now: Tick) -> Set {
        set.filter(|place| self.until[place] <= now)
    }

    fn again(&self, set: Set) -> Option<Tick> {
        set.iter().map(|place| self.until[place]).min()
    }

    fn done(&mut self, deployment: usize, outcome: &Outcome, now: Tick) {
        if now.0 / MINUTE != self.minute {
            self.minute = now.0 / MINUTE;
            self.counts.fill((0, 0));
        }
        let (requests, failures) = &mut self.counts[deployment];
        *requests += 1;
        let Outcome::Failed(failure) = outcome else { return };
        *failures += 1;
        let most = f64::from(*failures) > FAILED_MAX * f64::from(*requests) && *requests >= REQUESTS_MIN;
        let out_s = match failure {
            Failure::Throttled { retry_after_s } => Some(retry_after_s.unwrap_or(COOLDOWN_S)),
            // A timeout is a 408 there, which is out at once.
            Failure::FirstTokenTimeout => Some(COOLDOWN_S),
            Failure::Connect | Failure::Status5xx | Failure::Broken => most.then_some(COOLDOWN_S),
        };
        if let Some(out_s) = out_s {
            self.until[deployment] = self.until[deployment].max(after(now, out_s));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_of_five_failures_in_a_minute_are_out_for_five_seconds() {
        let mut cooldown = Cooldown::new(2);
        let all = Set::first(2);
        for _ in 0..4 {
            cooldown.done(0, &Outcome::Failed(Failure::Status5xx), Tick(1));
        }
        assert_eq!(cooldown.admits(all, Tick(1)), all);
        cooldown.done(0, &Outcome::Failed(Failure::Status5xx), Tick(1));
        assert_eq!(cooldown.admits(all, Tick(2)), all.without(0));
        assert_eq!(cooldown.admits(all, Tick(5_000_001)), all);
    }

    #[test]
    fn a_429_is_out_for_as_long_as_it_says() {
        let mut cooldown = Cooldown::new(1);
        cooldown.done(0, &Outcome::Failed(Failure::Throttled { retry_after_s: Some(90.0) }), Tick(0));
        assert_eq!(cooldown.again(Set::first(1)), Some(Tick(90_000_000)));
    }
}
