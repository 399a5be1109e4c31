//! The decision, from the candidates to where the request goes.

use super::ask::{Ask, Decision};
use super::board::Board;
use super::choose::{Rank, Verdict};
use super::field::{FIELD_MAX, FIELD_SMALL, Round};
use super::policy::{Policy, Strategy};
use super::score::Request;
use crate::domain::{Seed, Tick};

/// Of more candidates than fit a field, so many are drawn, besides those with the prompt in their cache and the last
/// winner ("power of d choices").
const DRAWN: u32 = 8;
/// Candidates with the prompt in their cache that are looked at besides.
const OWNERS_MAX: usize = 16;

impl Board {
    /// Decides where a request goes. Takes no lock and allocates nothing.
    pub fn decide(&self, ask: &Ask<'_>, policy: &Policy, now: Tick, seed: Seed) -> Decision {
        let round = self.round(ask, policy, now, seed);
        if ask.tried.is_empty() && ask.waited.is_zero() {
            self.route(ask.route).pay_in(&policy.retries);
        }
        let count = ask.candidates.len();
        if count <= FIELD_SMALL {
            return round.judge(&round.survey::<FIELD_SMALL>(ask.candidates, 0)).decision;
        }
        if count <= FIELD_MAX {
            return round.judge(&round.survey::<FIELD_MAX>(ask.candidates, 0)).decision;
        }
        let decision = round.judge_many().decision;
        if let Decision::Send(choice) = decision {
            self.route(ask.route).won(choice.deployment);
        }
        decision
    }

    pub(super) fn round<'a>(&'a self, ask: &'a Ask<'a>, policy: &'a Policy, now: Tick, seed: Seed) -> Round<'a> {
        let route = self.route(ask.route);
        let mut weights = policy.weights();
        if let Some(misses_max) = policy.objective.and_then(|objective| objective.misses_max) {
            weights.miss *= route.miss_scale(misses_max, now);
        }
        let request = Request::new(ask.prompt_tokens, weights, policy.objective.as_ref(), ask.elapsed);
        let turn = if policy.strategy == Strategy::RoundRobin { route.turn() } else { 0 };
        Round { board: self, ask, policy, request, now, seed, turn }
    }
}

impl Round<'_> {
    /// Judges more candidates than fit a field: a sample first, where a sample will do, and all of them in parts if that
    /// finds nobody.
    fn judge_many(&self) -> Verdict {
        if self.policy.strategy == Strategy::Adaptive {
            let mut sample = Sample::default();
            self.draw(&mut sample);
            let verdict = self.judge(&self.survey::<FIELD_MAX>(sample.deployments(), 0));
            if verdict.rank == Rank::Usual {
                return verdict;
            }
        }
        let parts = self.ask.candidates.chunks(FIELD_MAX).enumerate();
        let verdicts = parts.map(|(at, part)| self.judge(&self.survey::<FIELD_MAX>(part, at * FIELD_MAX)));
        verdicts.reduce(Verdict::better).unwrap_or(Verdict::NOBODY)
    }

    fn draw(&self, sample: &mut Sample) {
        let candidates = self.ask.candidates;
        let count = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
        let seed = self.seed.fork("draw");
        for draw in 0..DRAWN {
            sample.add(candidates[seed.step(draw).below(count) as usize]);
        }
        let winner = self.board.route(self.ask.route).winner();
        if let Some(winner) = winner.filter(|winner| candidates.contains(winner)) {
            sample.add(winner);
        }
        self.draw_owners(sample);
    }

    /// Adds those that were sent the deepest part of the prompt that anybody was, among a few depths.
    fn draw_owners(&self, sample: &mut Sample) {
        let board = self.board;
        let mut depth = self.ask.chain.len();
        // Halving from the end: the deepest owner is at most twice as deep as where this stops.
        while depth > 0 {
            let owners = board.prefixes.owners(self.ask.chain[depth - 1], self.now);
            let known = owners.filter_map(|owner| board.marked(owner.mark)).take(OWNERS_MAX);
            let mut found = false;
            for deployment in known.filter(|known| self.ask.candidates.contains(known)) {
                sample.add(deployment);
                found = true;
            }
            if found {
                return;
            }
            depth /= 2;
        }
    }
}

/// A few candidates, none of them twice.
#[derive(Debug, Default)]
struct Sample {
    deployments: [u32; FIELD_MAX],
    count: usize,
}

impl Sample {
    fn add(&mut self, deployment: u32) {
        if self.count < FIELD_MAX && !self.deployments().contains(&deployment) {
            self.deployments[self.count] = deployment;
            self.count += 1;
        }
    }

    fn deployments(&self) -> &[u32] {
        &self.deployments[..self.count]
    }
}
