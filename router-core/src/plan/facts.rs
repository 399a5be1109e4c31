//! What is declared of deployments: the part of a decision that does not change with every answer.

use std::time::Duration;

use crate::domain::{Capabilities, DeploymentId, Id128, Price};
use crate::health::Prior;

/// A provider's prompt cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptCache {
    /// The shortest prefix that it keeps, in tokens.
    pub tokens_min: u32,
    /// How long it keeps one that is not used.
    pub ttl: Duration,
    /// Whether writing to it has its own price; else what is not read costs as input.
    pub bills_writes: bool,
}

/// What is declared of one deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Its identity: what was learned of it is kept under this.
    pub id: DeploymentId,
    /// The model: deployments of one model share how long its answers are.
    pub model: Id128,
    /// Its place among [`super::Layout::accounts`].
    pub account: usize,
    /// What its tokens cost. Unknown counts as the dearest of the other candidates, never as nothing.
    pub price: Option<Price>,
    /// What they cost when the prompt has more tokens than this.
    pub long_price: Option<(u32, Price)>,
    /// Tokens of prompt and answer together.
    pub context_window: Option<u32>,
    /// Tokens of an answer at most.
    pub output_max: Option<u32>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Its share, for the strategies that share by weight.
    pub weight: u32,
    /// Lower is asked first, by the strategy of that name.
    pub priority: u8,
    /// The provider's prompt cache.
    pub cache: Option<PromptCache>,
    /// What to believe of its speed at first.
    pub prior: Prior,
    /// Tokens that an answer of the model usually has.
    pub usual_output_tokens: u32,
}

impl Facts {
    /// A deployment of which nothing is declared.
    pub fn new(id: DeploymentId) -> Self {
        Self {
            id,
            model: id.0,
            account: 0,
            price: None,
            long_price: None,
            context_window: None,
            output_max: None,
            capabilities: Capabilities::ALL,
            weight: 1,
            priority: 0,
            cache: None,
            prior: Prior::default(),
            usual_output_tokens: 300,
        }
    }
}

/// µUSD per token. Unknown prices are NaN, which no comparison takes for small.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tariff {
    pub(super) fresh: f32,
    pub(super) cached: f32,
    pub(super) output: f32,
}

/// What a decision reads of [`Facts`], in its own units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) tariff: Tariff,
    pub(super) long_above: u32,
    pub(super) long_tariff: Tariff,
    pub(super) window: u32,
    pub(super) output_max: u32,
    pub(super) capabilities: Capabilities,
    pub(super) weight: f32,
    pub(super) priority: u8,
    /// The shortest prefix that is cached; none is without a cache.
    pub(super) cache_min: u32,
    pub(super) cache_ttl_s: u32,
}

impl Terms {
    pub(super) fn of(facts: &Facts) -> Self {
        let bills_writes = facts.cache.is_some_and(|cache| cache.bills_writes);
        let tariff = |price: Option<Price>| Tariff::of(price, bills_writes);
        Self {
            tariff: tariff(facts.price),
            long_above: facts.long_price.map_or(u32::MAX, |(above, _)| above),
            long_tariff: tariff(facts.long_price.map(|(_, price)| price).or(facts.price)),
            window: facts.context_window.unwrap_or(u32::MAX),
            output_max: facts.output_max.unwrap_or(u32::MAX),
            capabilities: facts.capabilities,
            weight: facts.weight as f32,
            priority: facts.priority,
            cache_min: facts.cache.map_or(u32::MAX, |cache| cache.tokens_min),
            cache_ttl_s: facts.cache.map_or(0, |cache| u32::try_from(cache.ttl.as_secs()).unwrap_or(u32::MAX)),
        }
    }
}

impl Tariff {
    fn of(price: Option<Price>, bills_writes: bool) -> Self {
        // A trillionth of a credit is a millionth of a millionth: a pico-credit is 1e-6 µUSD.
        let micro = |pico: u64| pico as f32 * 1e-6;
        match price {
            None => Self { fresh: f32::NAN, cached: f32::NAN, output: f32::NAN },
            Some(price) => Self {
                fresh: micro(if bills_writes { price.cache_write.0 } else { price.input.0 }),
                cached: micro(price.cache_read.0),
                output: micro(price.output.0),
            },
        }
    }
}
