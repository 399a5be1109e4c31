//! Who is taken of a field, or what to do when nobody can be.

use std::time::Duration;

use super::ask::{Choice, Decision};
use super::field::{Field, Round, Runner};
use super::policy::Strategy;
use super::retry::pause;
use super::score::quantile_s;
use crate::domain::{Capability, Tick};
use crate::health::{Access, Way};

/// The best healthy one this many times dearer than a tripped one would be if it were mended is distress: a request in
/// distress tries it before its time.
const DISTRESS: f32 = 2.0;
/// Nobody queues behind a deployment for longer than the share of an error's price is worth, within these seconds.
const QUEUE_S: (f32, f32) = (1.0, 10.0);
const QUEUE_FOR_ERROR: f32 = 0.07;
/// A request waits in the gateway for room as long as this share of an error's price is worth, …
const WAIT_FOR_ERROR: f32 = 0.25;
/// … and for so many seconds at most.
const WAIT_MAX_S: f32 = 3.0;
/// It asks again after this at the soonest.
const WAIT_LEAST: Duration = Duration::from_millis(20);
/// A first token is waited for this many times its upper quantile, …
const TIMEOUT_FACTOR: f32 = 10.0;
const TIMEOUT_Z: f32 = 2.0;
/// … and so many seconds at least.
const TIMEOUT_LEAST_S: f32 = 8.0;
/// The rest of an answer that is not streamed may take this many times as long as expected.
const UNSTREAMED_FACTOR: f32 = 4.0;
/// Another one may be asked as well after this quantile, and this many seconds at least.
const HEDGE_Z: f32 = 2.5;
const HEDGE_LEAST_S: f32 = 0.25;

/// What a field comes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub(super) decision: Decision,
    /// Lower goes first, whatever the key.
    pub(super) rank: Rank,
    /// Less is better among equals.
    key: f32,
}

/// In which order decisions are to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Somebody who works and was not tried.
    Usual,
    /// Such a one, in a moment.
    Wait,
    /// Somebody who is tripped and was not tried.
    Panic,
    /// Somebody who was tried.
    Again,
    /// Nobody now.
    Refused,
    /// Nobody ever.
    Unfit,
}

impl Verdict {
    /// What no candidates come to.
    pub(super) const NOBODY: Self =
        Self { decision: Decision::Unfit(super::ask::Unfit::NoCandidate), rank: Rank::Unfit, key: 0.0 };

    /// The one to be had first.
    pub(super) fn better(self, other: Self) -> Self {
        if (other.rank, other.key) < (self.rank, self.key) { other } else { self }
    }
}

impl Round<'_> {
    /// Decides on one field.
    pub(super) fn judge<const SIZE: usize>(&self, field: &Field<SIZE>) -> Verdict {
        match field.runners() {
            [] => Verdict { decision: Decision::Unfit(field.closest.reason()), ..Verdict::NOBODY },
            runners => self.judge_runners(runners),
        }
    }

    fn judge_runners(&self, runners: &[Runner]) -> Verdict {
        let fresh = |runner: &Runner| !runner.tried && runner.is_open();
        if let Some(best) = self.best(runners, |runner| fresh(runner) && self.has_room(runner), |runner| runner.key) {
            let taken = self.in_distress(runners, best).unwrap_or(best);
            return self.send(taken, Rank::Usual);
        }
        if let Some(verdict) = self.wait(runners, fresh) {
            return verdict;
        }
        let shut = |runner: &Runner| matches!(runner.access, Access::Shut { .. }) && runner.free_at <= self.now;
        if let Some(least_bad) = self.best(runners, |runner| !runner.tried && shut(runner), |runner| runner.sober_key) {
            return self.send(least_bad, Rank::Panic);
        }
        let again = |runner: &Runner| runner.tried && runner.is_open();
        if let Some(best) =
            self.best(runners, |runner| again(runner) && self.has_room(runner), |runner| runner.sober_key)
        {
            return self.send(best, Rank::Again);
        }
        if let Some(verdict) = self.wait(runners, again) {
            return verdict;
        }
        match self.best(runners, shut, |runner| runner.sober_key) {
            Some(least_bad) => self.send(least_bad, Rank::Again),
            None => self.refuse(runners),
        }
    }

    /// One of the best of those that qualify: those that are equal to it but for a little share it by chance.
    pub(super) fn best<'f>(
        &self,
        runners: &'f [Runner],
        qualifies: impl Fn(&Runner) -> bool,
        key: impl Fn(&Runner) -> f32,
    ) -> Option<&'f Runner> {
        let (by_priority, band) = match self.policy.strategy {
            Strategy::Priority => (true, self.policy.tie_band),
            Strategy::Adaptive | Strategy::LowestCost | Strategy::LowestLatency => (false, self.policy.tie_band),
            Strategy::Weighted | Strategy::RoundRobin | Strategy::LeastBusy => (false, 0.0),
        };
        let mut first = u8::MAX;
        if by_priority {
            let runners = runners.iter().filter(|runner| qualifies(runner));
            first = runners.map(|runner| runner.priority).min()?;
        }
        let of_first = |runner: &&Runner| qualifies(runner) && (!by_priority || runner.priority == first);
        let least = runners.iter().filter(of_first).map(&key).reduce(f32::min)?;
        // The band of an infinite key, which a weight of nothing has, is not a number: hence the first comparison.
        let within = |key: f32| key <= least || key <= least + least.abs() * band;
        let equal = |runner: &&Runner| of_first(runner) && within(key(runner));
        let count = u32::try_from(runners.iter().filter(equal).count()).unwrap_or(0);
        let drawn = if count > 1 { self.seed.fork("tie").below(count) } else { 0 };
        runners.iter().filter(equal).nth(drawn as usize)
    }

    /// Whether a request may be sent there without queueing for long, and without being one too many.
    fn has_room(&self, runner: &Runner) -> bool {
        runner.free_at <= self.now && runner.expected.queue_s <= self.queue_s_max()
    }

    fn queue_s_max(&self) -> f32 {
        let weights = &self.request.weights;
        (QUEUE_FOR_ERROR * weights.error / weights.waiting.max(1e-3)).clamp(QUEUE_S.0, QUEUE_S.1)
    }

    /// A tripped one that is worth trying before its time, when all that work are that much dearer.
    fn in_distress<'f>(&self, runners: &'f [Runner], best: &Runner) -> Option<&'f Runner> {
        let priced = matches!(self.policy.strategy, Strategy::Adaptive | Strategy::Priority);
        let soonest = |runner: &&Runner| match runner.access {
            Access::Shut { until, .. } => until,
            Access::Healthy | Access::Due | Access::Barred { .. } => Tick(u64::MAX),
        };
        let worth = |runner: &&Runner| {
            let shut = matches!(runner.access, Access::Shut { distress: true, .. });
            shut && !runner.tried && self.has_room(runner) && best.key > DISTRESS * runner.key
        };
        runners.iter().filter(|runner| priced && worth(runner)).min_by_key(soonest)
    }

    fn send(&self, runner: &Runner, rank: Rank) -> Verdict {
        let way = match runner.access {
            Access::Healthy => Way::Normal,
            Access::Due => Way::Probe,
            Access::Shut { .. } | Access::Barred { .. } if rank == Rank::Usual => Way::Probe,
            Access::Shut { .. } | Access::Barred { .. } => Way::Panic,
        };
        let again = u32::try_from(self.ask.tried.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let delay = if rank == Rank::Again { pause(again, self.seed) } else { Duration::ZERO };
        let key = if rank == Rank::Usual { runner.key } else { runner.sober_key };
        Verdict { decision: Decision::Send(self.choice(runner, way, delay)), rank, key }
    }

    pub(super) fn choice(&self, runner: &Runner, way: Way, delay: Duration) -> Choice {
        let expected = &runner.expected;
        let policy = self.policy;
        let first_s = TIMEOUT_FACTOR * quantile_s(expected.usual_s, runner.sigma, TIMEOUT_Z);
        let timeout = seconds(first_s.max(TIMEOUT_LEAST_S)).min(policy.first_token_timeout_max);
        let unstreamed_s = if self.ask.needs.has(Capability::Streaming) {
            0.0
        } else {
            let bound = self.ask.max_tokens.map_or(0.0, |max| max as f32).min(UNSTREAMED_FACTOR * expected.output);
            runner.between_tokens_s * UNSTREAMED_FACTOR * bound.max(expected.output)
        };
        let hedge_s = quantile_s(expected.usual_s, runner.sigma, HEDGE_Z).max(HEDGE_LEAST_S);
        let objective = policy.objective.filter(|objective| objective.misses_max.is_some());
        let within = objective.and_then(|objective| objective.first_token);
        Choice {
            deployment: runner.deployment,
            way,
            delay,
            first_token_timeout: timeout + seconds(unstreamed_s),
            hedge_after: (policy.hedging && self.ask.repeatable).then(|| seconds(hedge_s)),
            cached_tokens: expected.cached,
            output_tokens: expected.output,
            promised: within.map(|within| self.now.after(within.saturating_sub(self.ask.elapsed))),
            loss: runner.loss,
        }
    }

    /// Waiting for one of those that qualify, if there is room soon enough. That a request waits and another is refused
    /// keeps what is behind from growing a queue that outlives its cause.
    fn wait(&self, runners: &[Runner], qualifies: impl Fn(&Runner) -> bool) -> Option<Verdict> {
        let weights = &self.request.weights;
        let most_s = (WAIT_FOR_ERROR * weights.error / weights.waiting.max(1e-3)).min(WAIT_MAX_S);
        let left = seconds(most_s).saturating_sub(self.ask.waited);
        let soonest = runners.iter().filter(|runner| qualifies(runner)).map(|runner| self.room_at(runner)).min()?;
        let until = soonest.max(self.now.after(WAIT_LEAST));
        // Milliseconds, so that a key keeps them exactly for hours.
        let key = until.micros_since(self.now) as f32 * 1e-3;
        let verdict = Verdict { decision: Decision::Wait { until }, rank: Rank::Wait, key };
        (until <= self.now.after(left)).then_some(verdict)
    }

    fn refuse(&self, runners: &[Runner]) -> Verdict {
        let at = |runner: &Runner| match runner.access {
            Access::Shut { until, .. } | Access::Barred { until } => self.room_at(runner).max(until),
            Access::Healthy | Access::Due => self.room_at(runner),
        };
        let soonest = runners.iter().map(at).min().unwrap_or(self.now);
        let retry_after = Duration::from_micros(soonest.micros_since(self.now)).max(WAIT_LEAST);
        Verdict { decision: Decision::Refused { retry_after }, rank: Rank::Refused, key: retry_after.as_secs_f32() }
    }

    /// When there is room: its account's, and in its queue.
    fn room_at(&self, runner: &Runner) -> Tick {
        let beyond_s = (runner.expected.queue_s - self.queue_s_max()).max(0.0);
        runner.free_at.max(self.now.after(seconds(beyond_s)))
    }
}

/// A time that is not negative; one that is not a number, or too long, is a day.
fn seconds(seconds: f32) -> Duration {
    Duration::from_secs_f32(if seconds >= 0.0 { seconds.min(86_400.0) } else { 86_400.0 })
}
