//! linkerd2-proxy's breaker: consecutive failures.

use router_core::domain::Tick;

use super::guard::Guard;
use crate::chance::Dice;
use crate::set::Set;
use crate::strategy::Outcome;
use crate::units::after;

/// Failures in a row that open it. 429s are among them: with only 5xx it would do worse here.
const FAILURES_MAX: u32 = 7;
/// The first penalty, which doubles with each failed probe up to the longest.
const PENALTY_S: f64 = 1.0;
const PENALTY_MAX_S: f64 = 60.0;
/// Part of a penalty that is added by chance.
const JITTER: f64 = 0.5;

/// One breaker per deployment: closed, out until a moment, or with one request on probation.
pub(super) struct ConsecutiveFailures {
    breakers: Vec<Breaker>,
    dice: Dice,
}

#[derive(Clone, Copy, Default)]
struct Breaker {
    failures: u32,
    trips: i32,
    until: Option<Tick>,
    probing: bool,
}

impl ConsecutiveFailures {
    pub(super) fn new(deployments: usize, dice: Dice) -> Self {
        Self { breakers: vec![Breaker::default(); deployments], dice }
    }
}

impl Guard for ConsecutiveFailures {
    fn admits(&mut self, set: Set, now: Tick) -> Set {
        set.filter(|place| {
            let breaker = &self.breakers[place];
            breaker.until.is_none_or(|until| until <= now && !breaker.probing)
        })
    }

    fn again(&self, set: Set) -> Option<Tick> {
        let next = set.iter().filter_map(|place| self.breakers[place].until).min()?;
        // While a probe is under way its moment has passed; it is looked at again soon.
        Some(next)
    }

    fn sent(&mut self, deployment: usize, _: Tick) {
        let breaker = &mut self.breakers[deployment];
        breaker.probing = breaker.until.is_some();
    }

    fn done(&mut self, deployment: usize, outcome: &Outcome, now: Tick) {
        let jitter = 1.0 + JITTER * self.dice.unit();
        let breaker = &mut self.breakers[deployment];
        match outcome {
            Outcome::Complete { .. } => *breaker = Breaker::default(),
            Outcome::ClientGone => breaker.probing = false,
            Outcome::Failed(_) => {
                let probed = std::mem::take(&mut breaker.probing);
                breaker.failures += 1;
                let trips = breaker.until.is_none() && breaker.failures >= FAILURES_MAX;
                if trips || probed {
                    let penalty_s = (PENALTY_S * 2f64.powi(breaker.trips)).min(PENALTY_MAX_S);
                    breaker.until = Some(after(now, penalty_s * jitter));
                    breaker.trips = (breaker.trips + 1).min(16);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use router_core::domain::Seed;

    use super::*;
    use crate::strategy::Failure;

    #[test]
    fn seven_failures_in_a_row_trip_it_and_one_probe_at_a_time_follows() {
        let (all, failed) = (Set::first(1), Outcome::Failed(Failure::Status5xx));
        let mut breakers = ConsecutiveFailures::new(1, Dice::new(Seed::new(1)));
        for _ in 0..6 {
            breakers.done(0, &failed, Tick(0));
        }
        assert_eq!(breakers.admits(all, Tick(0)), all);
        breakers.done(0, &failed, Tick(0));
        assert!(breakers.admits(all, Tick(900_000)).is_empty());
        let later = Tick(2_000_000);
        assert_eq!(breakers.admits(all, later), all, "a second and half a second of jitter");
        breakers.sent(0, later);
        assert!(breakers.admits(all, later).is_empty(), "the probe is under way");
        breakers.done(0, &Outcome::Complete { output_tokens: 1, cached_tokens: 0 }, later);
        assert_eq!(breakers.admits(all, later), all);
    }
}
