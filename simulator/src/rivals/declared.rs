//! LiteLLM's picks that count this minute's requests and tokens against declared limits.

use router_core::domain::Tick;

use super::guard::Pick;
use crate::chance::Dice;
use crate::set::Set;
use crate::strategy::{Ask, Attempt, Facts, Outcome};
use crate::units::SECOND;

/// What was used in the current clock minute, by answers that were complete, and what is declared.
pub(super) struct Minute {
    limits: Vec<(f64, f64)>,
    used: Vec<(f64, f64)>,
    minute: u64,
}

impl Minute {
    pub(super) fn new(facts: &[Facts]) -> Self {
        let limit = |facts: &Facts| {
            (facts.requests_per_minute.unwrap_or(f64::INFINITY), facts.tokens_per_minute.unwrap_or(f64::INFINITY))
        };
        Self { limits: facts.iter().map(limit).collect(), used: vec![(0.0, 0.0); facts.len()], minute: 0 }
    }

    /// Those that have room for a prompt; all, if none has.
    pub(super) fn room(&mut self, set: Set, prompt_tokens: u64, now: Tick) -> Set {
        self.turn(now);
        let fits = set.filter(|place| {
            let ((requests_max, tokens_max), (requests, tokens)) = (self.limits[place], self.used[place]);
            requests + 1.0 <= requests_max && tokens + prompt_tokens as f64 <= tokens_max
        });
        fits.or(set)
    }

    pub(super) fn done(&mut self, attempt: &Attempt<'_>, outcome: &Outcome, now: Tick) {
        self.turn(now);
        if let Outcome::Complete { output_tokens, .. } = outcome {
            let (requests, tokens) = &mut self.used[attempt.deployment];
            *requests += 1.0;
            *tokens += (attempt.prompt_tokens + output_tokens) as f64;
        }
    }

    fn turn(&mut self, now: Tick) {
        let minute = now.0 / (60 * SECOND);
        if minute != self.minute {
            self.minute = minute;
            self.used.fill((0.0, 0.0));
        }
    }
}

/// `lowest_cost`: the least price of an input token plus an output token.
pub(super) struct LowestCost {
    price: Vec<u64>,
    minute: Minute,
}

impl LowestCost {
    pub(super) fn new(facts: &[Facts]) -> Self {
        let price = facts.iter().map(|facts| facts.price.input.0 + facts.price.output.0).collect();
        Self { price, minute: Minute::new(facts) }
    }
}

impl Pick for LowestCost {
    fn pick(&mut self, set: Set, ask: &Ask<'_>, now: Tick, _: &mut Dice) -> Option<usize> {
        let set = self.minute.room(set, ask.prompt_tokens, now);
        set.iter().min_by_key(|place| self.price[*place])
    }

    fn done(&mut self, attempt: &Attempt<'_>, outcome: &Outcome, now: Tick) {
        self.minute.done(attempt, outcome, now);
    }
}

/// `usage_based_v2`: the fewest tokens in this minute, any of several.
pub(super) struct UsageBased {
    minute: Minute,
}

impl UsageBased {
    pub(super) fn new(facts: &[Facts]) -> Self {
        Self { minute: Minute::new(facts) }
    }
}

impl Pick for UsageBased {
    fn pick(&mut self, set: Set, ask: &Ask<'_>, now: Tick, dice: &mut Dice) -> Option<usize> {
        let set = self.minute.room(set, ask.prompt_tokens, now);
        let used = |place: usize| self.minute.used[place].1;
        let least = set.iter().map(used).fold(f64::INFINITY, f64::min);
        let least = set.filter(|place| used(place) <= least);
        least.nth(dice.below(least.len().max(1)))
    }

    fn done(&mut self, attempt: &Attempt<'_>, outcome: &Outcome, now: Tick) {
        self.minute.done(attempt, outcome, now);
    }
}
