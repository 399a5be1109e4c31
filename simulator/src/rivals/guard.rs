//! The two halves of a load balancer: who may be asked, and who of these is asked.

use router_core::domain::Tick;

use crate::chance::Dice;
use crate::set::Set;
use crate::strategy::{Ask, Attempt, Choice, Outcome, Strategy};

/// Seconds that rivals wait for a first token. Most ship with minutes; an operator who cares would set this.
const TIMEOUT_S: f64 = 10.0;
/// Seconds before a deployment is asked again by the same request; doubles with each attempt, with full jitter.
const BACKOFF_S: f64 = 0.05;

/// Keeps deployments out for a while.
pub(super) trait Guard {
    /// Those of a set that may be asked now. If it is empty, [`Guard::again`] says when to come back.
    fn admits(&mut self, set: Set, now: Tick) -> Set;
    /// When the next of a set comes back; `None` refuses the request instead.
    fn again(&self, set: Set) -> Option<Tick> {
        let _ = set;
        None
    }
    /// A deployment that was admitted was picked.
    fn sent(&mut self, deployment: usize, now: Tick) {
        let _ = (deployment, now);
    }
    /// An attempt ended.
    fn done(&mut self, deployment: usize, outcome: &Outcome, now: Tick);
}

/// Picks one.
pub(super) trait Pick {
    /// One of a set that is not empty; `None` if none of them is to be had.
    fn pick(&mut self, set: Set, ask: &Ask<'_>, now: Tick, dice: &mut Dice) -> Option<usize>;
    /// An attempt was sent.
    fn sent(&mut self, attempt: &Attempt<'_>, now: Tick) {
        let _ = (attempt, now);
    }
    /// Its first token came.
    fn first(&mut self, attempt: &Attempt<'_>, now: Tick) {
        let _ = (attempt, now);
    }
    /// It ended.
    fn done(&mut self, attempt: &Attempt<'_>, outcome: &Outcome, now: Tick) {
        let _ = (attempt, outcome, now);
    }
}

/// A guard and a pick.
pub(super) struct Guarded<G, P> {
    guard: G,
    pick: P,
    dice: Dice,
}

impl<G: Guard + 'static, P: Pick + 'static> Guarded<G, P> {
    /// Both together.
    pub(super) fn boxed(guard: G, pick: P, dice: Dice) -> Box<dyn Strategy> {
        Box::new(Self { guard, pick, dice })
    }
}

impl<G: Guard, P: Pick> Strategy for Guarded<G, P> {
    fn choose(&mut self, ask: &Ask<'_>, tried: &[usize], now: Tick) -> Choice {
        let open = ask.open(tried);
        // What was tried is better than nothing.
        let admitted = self.guard.admits(open, now).or(self.guard.admits(ask.fits, now));
        if admitted.is_empty() {
            return self.guard.again(ask.fits).map_or(Choice::Refuse, |until| Choice::Wait { until });
        }
        match self.pick.pick(admitted, ask, now, &mut self.dice) {
            Some(deployment) => {
                let again = tried.contains(&deployment);
                let longest_s = BACKOFF_S * (1u64 << tried.len().saturating_sub(1).min(8)) as f64;
                let delay_s = if again { longest_s * self.dice.unit() } else { 0.0 };
                Choice::Send { deployment, delay_s, timeout_s: TIMEOUT_S }
            }
            None => Choice::Refuse,
        }
    }

    fn sent(&mut self, attempt: &Attempt<'_>, now: Tick) -> bool {
        self.guard.sent(attempt.deployment, now);
        self.pick.sent(attempt, now);
        true
    }

    fn first(&mut self, attempt: &Attempt<'_>, now: Tick) {
        self.pick.first(attempt, now);
    }

    fn done(&mut self, attempt: &Attempt<'_>, outcome: &Outcome, now: Tick) {
        self.guard.done(attempt.deployment, outcome, now);
        self.pick.done(attempt, outcome, now);
    }
}

/// Keeps nobody out.
pub(super) struct Unguarded;

impl Guard for Unguarded {
    fn admits(&mut self, set: Set, _: Tick) -> Set {
        set
    }

    fn done(&mut self, _: usize, _: &Outcome, _: Tick) {}
}
