//! Picks that look at nothing but what an operator declared.

use router_core::domain::Tick;

use super::guard::Pick;
use crate::chance::Dice;
use crate::set::Set;
use crate::strategy::{Ask, Facts};

/// Each with the same chance.
pub(super) struct Uniform;

impl Pick for Uniform {
    fn pick(&mut self, set: Set, _: &Ask<'_>, _: Tick, dice: &mut Dice) -> Option<usize> {
        set.nth(dice.below(set.len()))
    }
}

/// The first of the list.
pub(super) struct InOrder;

impl Pick for InOrder {
    fn pick(&mut self, set: Set, _: &Ask<'_>, _: Tick, _: &mut Dice) -> Option<usize> {
        set.nth(0)
    }
}

/// One after the other.
#[derive(Default)]
pub(super) struct RoundRobin {
    next: usize,
}

impl Pick for RoundRobin {
    fn pick(&mut self, set: Set, _: &Ask<'_>, _: Tick, _: &mut Dice) -> Option<usize> {
        let place = set.iter().find(|place| *place >= self.next).or_else(|| set.nth(0))?;
        self.next = place + 1;
        Some(place)
    }
}

/// nginx's smooth weighted round robin.
pub(super) struct SmoothWeighted {
    weights: Vec<i64>,
    current: Vec<i64>,
}

impl SmoothWeighted {
    pub(super) fn new(facts: &[Facts]) -> Self {
        let weights = facts.iter().map(|facts| i64::from(facts.weight)).collect();
        Self { weights, current: vec![0; facts.len()] }
    }
}

impl Pick for SmoothWeighted {
    fn pick(&mut self, set: Set, _: &Ask<'_>, _: Tick, _: &mut Dice) -> Option<usize> {
        let total: i64 = set.iter().map(|place| self.weights[place]).sum();
        for place in set.iter() {
            self.current[place] += self.weights[place];
        }
        let place = set.iter().max_by_key(|place| (self.current[*place], std::cmp::Reverse(*place)))?;
        self.current[place] -= total;
        Some(place)
    }
}

/// LiteLLM's `simple_shuffle`: by weight if weights differ, else by declared requests, else by declared tokens, else
/// evenly.
pub(super) struct Shuffle {
    chances: Vec<f64>,
}

impl Shuffle {
    pub(super) fn new(facts: &[Facts]) -> Self {
        let weighed = facts.iter().any(|facts| facts.weight != 1);
        let all = |limit: fn(&Facts) -> Option<f64>| facts.iter().map(limit).collect::<Option<Vec<f64>>>();
        let weights = weighed.then(|| facts.iter().map(|facts| f64::from(facts.weight)).collect());
        let chances = weights
            .or_else(|| all(|facts| facts.requests_per_minute))
            .or_else(|| all(|facts| facts.tokens_per_minute))
            .unwrap_or_else(|| vec![1.0; facts.len()]);
        Self { chances }
    }
}

impl Pick for Shuffle {
    fn pick(&mut self, set: Set, _: &Ask<'_>, _: Tick, dice: &mut Dice) -> Option<usize> {
        by_chance(set, &self.chances, dice)
    }
}

/// OpenRouter's default: the chance falls with the square of the price, of three input tokens to one of output.
pub(super) struct InversePrice {
    chances: Vec<f64>,
}

impl InversePrice {
    pub(super) fn new(facts: &[Facts]) -> Self {
        let blended = |facts: &Facts| (facts.price.input.0 * 3 + facts.price.output.0).max(1) as f64;
        Self { chances: facts.iter().map(|facts| blended(facts).powi(-2)).collect() }
    }
}

impl Pick for InversePrice {
    fn pick(&mut self, set: Set, _: &Ask<'_>, _: Tick, dice: &mut Dice) -> Option<usize> {
        by_chance(set, &self.chances, dice)
    }
}

/// One of a set, each with a chance that is its part of the sum.
fn by_chance(set: Set, chances: &[f64], dice: &mut Dice) -> Option<usize> {
    let mut rest = dice.unit() * set.iter().map(|place| chances[place]).sum::<f64>();
    let hit = set.iter().find(|place| {
        rest -= chances[*place];
        rest < 0.0
    });
    hit.or_else(|| set.nth(0))
}
