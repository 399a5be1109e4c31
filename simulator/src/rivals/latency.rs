//! LiteLLM's `lowest_latency`.

use std::collections::VecDeque;

use router_core::domain::Tick;

use super::declared::Minute;
use super::guard::Pick;
use crate::chance::Dice;
use crate::set::Set;
use crate::strategy::{Ask, Attempt, Facts, Failure, Outcome};
use crate::units::{SECOND, between};

/// Times that are remembered.
const TIMES_MAX: usize = 10;
/// What a timeout adds to the list of seconds per token.
const TIMEOUT_PENALTY_S: f64 = 1_000.0;
/// Everything is forgotten so long after it was last written.
const FORGET: u64 = 3_600 * SECOND;

/// Mean of the last ten times to the first token, which are learned at the *end* of an answer; whoever has none comes
/// first. A timeout goes to the other list, of seconds per token, that is read only where no first token was seen.
pub(super) struct LowestLatency {
    first_s: Vec<VecDeque<f64>>,
    per_token_s: Vec<VecDeque<f64>>,
    written: Vec<Tick>,
    minute: Minute,
}

impl LowestLatency {
    pub(super) fn new(facts: &[Facts]) -> Self {
        let lists = || vec![VecDeque::new(); facts.len()];
        Self { first_s: lists(), per_token_s: lists(), written: vec![Tick(0); facts.len()], minute: Minute::new(facts) }
    }

    fn latency(&self, place: usize) -> f64 {
        let mean = |times: &VecDeque<f64>| times.iter().sum::<f64>() / (times.len().max(1) as f64);
        let first = &self.first_s[place];
        if first.is_empty() { mean(&self.per_token_s[place]) } else { mean(first) }
    }
}

fn put(times: &mut VecDeque<f64>, value: f64) {
    if times.len() == TIMES_MAX {
        times.pop_front();
    }
    times.push_back(value);
}

impl Pick for LowestLatency {
    fn pick(&mut self, set: Set, ask: &Ask<'_>, now: Tick, dice: &mut Dice) -> Option<usize> {
        for place in set.iter() {
            if now.micros_since(self.written[place]) > FORGET {
                self.first_s[place].clear();
                self.per_token_s[place].clear();
            }
        }
        let set = self.minute.room(set, ask.prompt_tokens, now);
        let least = set.iter().map(|place| self.latency(place)).fold(f64::INFINITY, f64::min);
        // The buffer is 0 by default: only those that are as fast as the fastest.
        let fastest = set.filter(|place| self.latency(place) <= least);
        fastest.nth(dice.below(fastest.len().max(1)))
    }

    fn done(&mut self, attempt: &Attempt<'_>, outcome: &Outcome, now: Tick) {
        let place = attempt.deployment;
        self.minute.done(attempt, outcome, now);
        match (outcome, attempt.first_at) {
            (Outcome::Complete { output_tokens, .. }, Some(first_at)) => {
                put(&mut self.first_s[place], between(attempt.sent_at, first_at));
                let tokens = (*output_tokens).max(1) as f64;
                put(&mut self.per_token_s[place], between(attempt.sent_at, now) / tokens);
            }
            (Outcome::Failed(Failure::FirstTokenTimeout), _) => put(&mut self.per_token_s[place], TIMEOUT_PENALTY_S),
            _ => return,
        }
        self.written[place] = now;
    }
}
