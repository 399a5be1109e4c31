//! The candidates of one decision side by side, with what is expected of each.

use super::ask::Ask;
use super::board::{Board, Seat};
use super::filter::{Closest, fits};
use super::policy::{Policy, Strategy};
use super::score::{self, Estimate, Request, estimate};
use crate::domain::{Seed, Tick};
use crate::health::math::ln;
use crate::health::{Access, Need};

/// Candidates that are looked at side by side.
pub(super) const FIELD_MAX: usize = 32;
/// Most routes have fewer than this: a field of their size is laid out sooner.
pub(super) const FIELD_SMALL: usize = 12;
/// What is believed of the errors of a tripped one when it is weighed whether to try it: it would not be tried to find
/// what is known.
const HOPED_ERROR: f32 = 0.1;

/// One decision, as far as it is the same for all candidates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round<'a> {
    pub(super) board: &'a Board,
    pub(super) ask: &'a Ask<'a>,
    pub(super) policy: &'a Policy,
    pub(super) request: Request,
    pub(super) now: Tick,
    pub(super) seed: Seed,
    /// Whose turn it is, when they take turns.
    pub(super) turn: u32,
}

/// One candidate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runner {
    pub(super) deployment: u32,
    pub(super) access: Access,
    pub(super) tried: bool,
    pub(super) priority: u8,
    /// From when on its account has room.
    pub(super) free_at: Tick,
    pub(super) expected: Estimate,
    pub(super) sigma: f32,
    pub(super) between_tokens_s: f32,
    error: f32,
    fail_s: f32,
    scarcity: f32,
    /// What the request costs there if nothing goes wrong.
    pub(super) loss: f32,
    /// What is compared; less is better. A tripped one counts as if it were mended.
    pub(super) key: f32,
    /// The same, and a tripped one counts as it was.
    pub(super) sober_key: f32,
}

impl Runner {
    const NOBODY: Self = Self {
        deployment: u32::MAX,
        access: Access::Healthy,
        tried: true,
        priority: 0,
        free_at: Tick(0),
        expected: Estimate::NOTHING,
        sigma: 0.0,
        between_tokens_s: 0.0,
        error: 0.0,
        fail_s: 0.0,
        scarcity: 0.0,
        loss: 0.0,
        key: 0.0,
        sober_key: 0.0,
    };

    /// Whether requests are sent there, or one may be to try it.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.access, Access::Healthy | Access::Due)
    }
}

/// Those of up to so many candidates that can serve the request.
#[derive(Debug)]
pub(super) struct Field<const SIZE: usize> {
    runners: [Runner; SIZE],
    count: usize,
    /// Why the others cannot.
    pub(super) closest: Closest,
}

impl<const SIZE: usize> Field<SIZE> {
    pub(super) fn runners(&self) -> &[Runner] {
        &self.runners[..self.count]
    }
}

impl Round<'_> {
    /// Looks at up to `SIZE` candidates. `offset` is the place of the first among all of them.
    pub(super) fn survey<const SIZE: usize>(&self, candidates: &[u32], offset: usize) -> Field<SIZE> {
        let mut field = Field { runners: [Runner::NOBODY; SIZE], count: 0, closest: Closest::default() };
        let depths: [u32; SIZE] = self.depths(candidates);
        for (at, (deployment, depth)) in candidates.iter().zip(depths).enumerate() {
            let Some(seat) = self.board.seat_at(*deployment) else { continue };
            let output = seat.expected_output(self.ask);
            if fits(self.ask, &seat.terms, output) {
                field.runners[field.count] = self.runner(*deployment, seat, depth, output);
                field.runners[field.count].key = self.rank_by(seat, offset + at);
                field.count += 1;
            } else {
                field.closest.see(self.ask, &seat.terms, output);
            }
        }
        self.price(&mut field.runners[..field.count]);
        field
    }

    /// How many blocks of the prompt each has in its cache.
    fn depths<const SIZE: usize>(&self, candidates: &[u32]) -> [u32; SIZE] {
        let mut depths = [0; SIZE];
        let board = self.board;
        board.prefixes.depths(self.ask.chain, self.now, &mut depths, |owner| {
            let deployment = board.marked(owner.mark)?;
            let terms = &board.seat_at(deployment)?.terms;
            let place = candidates.iter().position(|candidate| *candidate == deployment)?;
            (owner.age_s <= terms.cache_ttl_s).then_some(place)
        });
        depths
    }

    fn runner(&self, deployment: u32, seat: &Seat, depth: u32, output: f32) -> Runner {
        let known = seat.vitals.read(self.now);
        let expected = estimate(&self.request, &seat.terms, &known, depth, output);
        let prompt = self.request.prompt_tokens;
        let need = Need { input: prompt, uncached: prompt - expected.cached, output };
        Runner {
            deployment,
            access: seat.vitals.access(self.now),
            tried: self.ask.tried.contains(&deployment),
            priority: seat.terms.priority,
            free_at: seat.account.free_at(&need, self.now),
            expected,
            sigma: known.sigma,
            between_tokens_s: known.between_tokens_s,
            error: known.error,
            fail_s: known.fail_s,
            scarcity: score::scarcity(seat.account.scarcity(self.now), prompt, output),
            ..Runner::NOBODY
        }
    }

    /// What strategies compare that do not compare prices.
    fn rank_by(&self, seat: &Seat, place: usize) -> f32 {
        match self.policy.strategy {
            // The first of exponential clocks with these rates rings in proportion to them.
            Strategy::Weighted => {
                let of = if self.ask.user == 0 { self.seed.fork("weighted") } else { Seed::new(self.ask.user) };
                -ln(seat.chance(of)) / seat.terms.weight
            }
            Strategy::RoundRobin => {
                let count = u32::try_from(self.ask.candidates.len()).unwrap_or(u32::MAX).max(1);
                let place = u32::try_from(place).unwrap_or(0);
                ((place + count - self.turn % count) % count) as f32
            }
            Strategy::LeastBusy => (seat.vitals.in_flight() as f32 + 1.0) / seat.terms.weight,
            Strategy::Adaptive | Strategy::Priority | Strategy::LowestCost | Strategy::LowestLatency => 0.0,
        }
    }

    /// Fills in what depends on the other candidates: unknown prices, and what trying again elsewhere would cost.
    fn price(&self, runners: &mut [Runner]) {
        let weights = &self.request.weights;
        let dearest = runners.iter().map(|runner| runner.expected.cost).fold(0.0, f32::max);
        let (mut least, mut second) = (f32::INFINITY, f32::INFINITY);
        for runner in &mut *runners {
            if runner.expected.cost.is_nan() {
                runner.expected.cost = dearest;
            }
            runner.loss = score::loss(weights, &runner.expected);
            second = second.min(runner.loss.max(least));
            least = least.min(runner.loss);
        }
        // Whoever tries again goes to the best other one, and that is the second best for the best.
        let redo = if second.is_finite() { second } else { least };
        for runner in runners {
            let risky = |error| score::with_risk(weights, runner.loss, redo, error, runner.fail_s) + runner.scarcity;
            let hoped = if runner.access == Access::Healthy { runner.error } else { runner.error.min(HOPED_ERROR) };
            (runner.key, runner.sober_key) = match self.policy.strategy {
                Strategy::Adaptive | Strategy::Priority => (risky(hoped), risky(runner.error)),
                Strategy::LowestCost => (runner.expected.cost, runner.expected.cost),
                Strategy::LowestLatency => {
                    let whole_s = runner.expected.mean_first_s + runner.expected.decode_s;
                    (whole_s, whole_s)
                }
                Strategy::Weighted | Strategy::RoundRobin | Strategy::LeastBusy => (runner.key, runner.key),
            };
        }
    }
}
