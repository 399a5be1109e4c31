//! What may be tried again, how often over all requests, and after which pause.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::policy::RetryBudget;
use crate::domain::Seed;

/// The budget is counted in thousandths of a retry.
const UNIT: u32 = 1000;
/// The first pause before asking the same deployment again…
const PAUSE_FIRST: Duration = Duration::from_millis(50);
/// … doubled with each further one up to this.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Retries that are left over all requests of a route: what keeps retries from becoming the load that breaks the rest.
/// Full at the start. Lock-free.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// Thousandths of retries that are missing from a full one.
    missing: AtomicU32,
}

impl Budget {
    /// A request came.
    pub(super) fn pay_in(&self, budget: &RetryBudget) {
        let added = crate::health::math::whole(budget.per_request * UNIT as f32);
        // A full budget is the usual case, and costs no write.
        if self.missing.load(Ordering::Relaxed) > 0 {
            let filled = |missing: u32| Some(missing.saturating_sub(added));
            let _ = self.missing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, filled);
        }
    }

    /// Takes one retry, or says that none is left.
    pub(super) fn take(&self, budget: &RetryBudget) -> bool {
        let size = budget.burst.saturating_mul(UNIT);
        let taken = |missing: u32| missing.checked_add(UNIT).filter(|missing| *missing <= size);
        self.missing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }
}

/// How an attempt ended that brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setback {
    /// The provider answered with this status, and an error in its body.
    Status(u16),
    /// No connection, or one that broke off.
    Connection,
    /// No first token in time.
    FirstTokenTimeout,
    /// The time for the whole request is over.
    OutOfTime,
}

/// Whether a request may be tried elsewhere after this: not once the client has a byte of an answer, and not when the
/// fault is its own. One that has effects of its own at the provider may only if it certainly did not get there.
pub const fn retryable(setback: Setback, client_has_a_byte: bool, repeatable: bool) -> bool {
    if client_has_a_byte {
        return false;
    }
    match setback {
        // Refused before it was looked at: too early, too many, wrong credential, unknown there.
        Setback::Status(401 | 403 | 404 | 425 | 429) => true,
        Setback::Status(408 | 409 | 500..=599) | Setback::Connection | Setback::FirstTokenTimeout => repeatable,
        Setback::Status(_) | Setback::OutOfTime => false,
    }
}

/// How long to wait before the `again`-th asking of a deployment that failed: anything up to a bound that doubles ("full
/// jitter"; Brooker, "Exponential Backoff And Jitter", 2015).
pub fn pause(again: u32, seed: Seed) -> Duration {
    let bound = PAUSE_FIRST.saturating_mul(1 << again.min(16)).min(PAUSE_MAX);
    let micros = u32::try_from(bound.as_micros()).unwrap_or(u32::MAX);
    Duration::from_micros(u64::from(seed.fork("pause").below(micros.saturating_add(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_of_failures_is_retried_for_a_fifth_of_the_requests_and_no_more() {
        let numbers = RetryBudget::default();
        let budget = Budget::default();
        let retried = (0..10_000)
            .filter(|_| {
                budget.pay_in(&numbers);
                budget.take(&numbers)
            })
            .count();
        assert!((2_050..2_130).contains(&retried), "{retried} of 10000, a hundred of them from the bucket");
    }

    #[test]
    fn a_budget_of_nothing_allows_nothing() {
        let none = RetryBudget { burst: 0, per_request: 0.2 };
        let budget = Budget::default();
        budget.pay_in(&none);
        assert!(!budget.take(&none));
    }

    #[test]
    fn nothing_is_retried_once_the_client_has_a_byte() {
        for setback in [Setback::Status(500), Setback::Status(429), Setback::Connection, Setback::FirstTokenTimeout] {
            assert!(retryable(setback, false, true));
            assert!(!retryable(setback, true, true));
        }
    }

    #[test]
    fn a_mistake_of_the_caller_is_not_retried() {
        for status in [400, 402, 413, 422] {
            assert!(!retryable(Setback::Status(status), false, true), "{status}");
        }
        assert!(!retryable(Setback::OutOfTime, false, true));
    }

    #[test]
    fn what_has_effects_is_retried_only_if_it_was_refused_at_the_door() {
        assert!(retryable(Setback::Status(429), false, false));
        assert!(!retryable(Setback::Status(503), false, false));
        assert!(!retryable(Setback::Connection, false, false));
    }

    #[test]
    fn pauses_grow_and_are_bounded() {
        let longest = |again| (0..1000).map(|bits| pause(again, Seed::new(bits))).max().expect("there are some");
        assert!(longest(0) <= PAUSE_FIRST && longest(0) > PAUSE_FIRST * 9 / 10);
        assert!(longest(2) > PAUSE_FIRST * 3 && longest(2) <= PAUSE_FIRST * 4);
        assert!(longest(40) <= PAUSE_MAX);
    }
}
