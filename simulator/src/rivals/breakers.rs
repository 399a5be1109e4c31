//! linkerd2-proxy's breaker: consecutive failures.

use router_core::domain::Tick;

use super::guard::Guard;
use crate::chance::Dice;
use crate::set::Set;
use crate::strategy::Outcome;
use crate::units::after;

/// Failures in a row that open it.
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
            Outcome::Failed(failure) => {
                let probed = std::mem::take(&mut breaker.probing);
                breaker.failures += u32::from(!failure.is_throttle());
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
