//! What the requests of one route share: budgets, whose turn it is, and how well the objective is met.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::policy::RetryBudget;
use super::retry::Budget;
use crate::domain::Tick;
use crate::health::math::exp;
use crate::health::{Real, seconds};

/// Seconds over which misses are counted.
const MISSES_FADE_S: f32 = 30.0;
/// How fast the price of a miss moves, per second, when twice as many are missed as may be.
const PRICE_MOVES: f32 = 0.05;
/// How far it may move, as a factor.
const PRICE_RANGE: (f32, f32) = (0.1, 10.0);
/// Steps of a second that one update makes up for at most.
const STEPS_MAX: f32 = 10.0;
/// A second asking is paid from what three in a hundred requests add.
const HEDGES: RetryBudget = RetryBudget { burst: 20, per_request: 0.03 };
const NOBODY: u32 = u32::MAX;

/// The shared state of one route. Lock-free.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) retries: Budget,
    pub(super) hedges: Budget,
    turn: AtomicU32,
    winner: AtomicU32,
    misses: MissRate,
}

#[derive(Debug, Default)]
struct MissRate {
    rate: Real,
    /// The natural logarithm of the price's factor.
    ln_scale: Real,
    counted_at: AtomicU64,
    scaled_at: AtomicU64,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            retries: Budget::default(),
            hedges: Budget::default(),
            turn: AtomicU32::new(0),
            winner: AtomicU32::new(NOBODY),
            misses: MissRate::default(),
        }
    }
}

impl Route {
    /// A request came: it pays into the budgets.
    pub(super) fn pay_in(&self, retries: &RetryBudget) {
        self.retries.pay_in(retries);
        self.hedges.pay_in(&HEDGES);
    }

    /// Whether one may be asked as well as another; takes it out of the budget.
    pub(super) fn take_hedge(&self) -> bool {
        self.hedges.take(&HEDGES)
    }

    /// Whose turn it is, of any number.
    pub(super) fn turn(&self) -> u32 {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    /// Who was chosen last.
    pub(super) fn winner(&self) -> Option<u32> {
        Some(self.winner.load(Ordering::Relaxed)).filter(|winner| *winner != NOBODY)
    }

    pub(super) fn won(&self, deployment: u32) {
        self.winner.store(deployment, Ordering::Relaxed);
    }

    /// A first token came within the objective, or not.
    pub(super) fn count_miss(&self, missed: bool, now: Tick) {
        let last = Tick(self.misses.counted_at.swap(now.0, Ordering::Relaxed));
        // A rate that forgets by time and not by count, so that it does not depend on how many requests there are.
        let share = 1.0 - exp(-seconds(last, now).clamp(0.01, MISSES_FADE_S) / MISSES_FADE_S);
        self.misses.rate.approach(f32::from(u8::from(missed)), share);
    }

    /// By which factor the price of a miss is changed so that at most `misses_max` are missed.
    pub(super) fn miss_scale(&self, misses_max: f32, now: Tick) -> f32 {
        let last = self.misses.scaled_at.load(Ordering::Relaxed);
        if now.micros_since(Tick(last)) >= 1_000_000
            && self.misses.scaled_at.compare_exchange(last, now.0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            let steps = seconds(Tick(last), now).min(STEPS_MAX);
            let excess = self.misses.rate.get() / misses_max.max(1e-4) - 1.0;
            let (least, most) = (PRICE_RANGE.0.ln(), PRICE_RANGE.1.ln());
            let moved = self.misses.ln_scale.get() + PRICE_MOVES * excess * steps;
            self.misses.ln_scale.set(moved.clamp(least, most));
        }
        exp(self.misses.ln_scale.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_of_a_miss_rises_while_too_many_are_missed_and_falls_again() {
        let route = Route::default();
        let mut now = Tick(0);
        let mut run = |missed: bool, seconds: u32| {
            for _ in 0..seconds * 10 {
                now = Tick(now.0 + 100_000);
                route.count_miss(missed, now);
                route.miss_scale(0.05, now);
            }
            route.miss_scale(0.05, now)
        };
        assert!(run(true, 60) > 9.9);
        assert!(run(false, 600) < 0.11);
    }

    #[test]
    fn turns_go_round() {
        let route = Route::default();
        assert_eq!([route.turn(), route.turn(), route.turn()], [0, 1, 2]);
        assert_eq!(route.winner(), None);
        route.won(3);
        assert_eq!(route.winner(), Some(3));
    }
}
