//! The cache-aware policy of SGLang's and vLLM's routers.

use std::collections::BTreeMap;

use router_core::domain::Tick;

use super::guard::Pick;
use crate::chance::Dice;
use crate::set::Set;
use crate::strategy::{Ask, Attempt, Outcome};
use crate::units::between;
use crate::world::BLOCK_TOKENS;

/// A prefix is followed if it is a greater part of the prompt.
const SHARE_MIN: f64 = 0.3;
/// The load is uneven when most and least differ by more, and
const UNEVEN_BY: u32 = 64;
/// most is more than so many times the least.
const UNEVEN_TIMES: f64 = 1.5;
/// The tree forgets what was not used for so long; blocks are looked through when there are so many.
const FORGET_S: f64 = 300.0;
const BLOCKS_BEFORE_CLEARING: usize = 1 << 14;

/// Which deployment was sent which blocks. Blocks are hashed with all before them, so a map serves as the tree.
pub(super) struct CacheAware {
    owners: BTreeMap<u64, (Set, Tick)>,
    clear_at: usize,
    sizes: Vec<u64>,
    in_flight: Vec<u32>,
}

impl CacheAware {
    pub(super) fn new(deployments: usize) -> Self {
        Self {
            owners: BTreeMap::new(),
            clear_at: BLOCKS_BEFORE_CLEARING,
            sizes: vec![0; deployments],
            in_flight: vec![0; deployments],
        }
    }

    fn clear(&mut self, now: Tick) {
        let sizes = &mut self.sizes;
        self.owners.retain(|_, (owners, used)| {
            let keep = between(*used, now) < FORGET_S;
            if !keep {
                owners.iter().for_each(|place| sizes[place] -= 1);
            }
            keep
        });
        self.clear_at = BLOCKS_BEFORE_CLEARING.max(self.owners.len() * 2);
    }
}

impl Pick for CacheAware {
    fn pick(&mut self, set: Set, ask: &Ask<'_>, _: Tick, _: &mut Dice) -> Option<usize> {
        let loads = || set.iter().map(|place| self.in_flight[place]);
        let (least, most) = (loads().min()?, loads().max()?);
        if most - least > UNEVEN_BY && f64::from(most) > UNEVEN_TIMES * f64::from(least) {
            return set.least(|place| f64::from(self.in_flight[place]));
        }
        let (mut best, mut depth) = (set, 0);
        for block in ask.prefix {
            let known = self.owners.get(block).map_or(Set::default(), |(owners, _)| *owners);
            let owners = best.filter(|place| known.has(place));
            if owners.is_empty() {
                break;
            }
            (best, depth) = (owners, depth + 1);
        }
        if (depth * BLOCK_TOKENS) as f64 > SHARE_MIN * ask.prompt_tokens as f64 {
            return best.nth(0);
        }
        set.least(|place| self.sizes[place] as f64 + f64::from(self.in_flight[place]) * 1e-3)
    }

    fn sent(&mut self, attempt: &Attempt<'_>, now: Tick) {
        let place = attempt.deployment;
        self.in_flight[place] += 1;
        for block in attempt.prefix {
            let (owners, used) = self.owners.entry(*block).or_insert((Set::default(), now));
            if !owners.has(place) {
                *owners = owners.iter().chain([place]).collect();
                self.sizes[place] += 1;
            }
            *used = now;
        }
        if self.owners.len() > self.clear_at {
            self.clear(now);
        }
    }

    fn done(&mut self, attempt: &Attempt<'_>, _: &Outcome, _: Tick) {
        self.in_flight[attempt.deployment] -= 1;
    }
}
