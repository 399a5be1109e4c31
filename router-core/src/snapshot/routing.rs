//! The wire form of what routing is told: what deployments can do, what accounts allow, what a route wants.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::Credits;

/// What is declared of a deployment beside its price. What is not declared limits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TraitsDoc {
    /// Its share, for strategies that share by weight; 1 if it is not said.
    pub weight: Option<u32>,
    /// Lower is asked first, by the strategy `priority`.
    pub priority: u8,
    /// Tokens of prompt and answer together.
    pub context_window: Option<u32>,
    /// Tokens of an answer at most.
    pub output_tokens_max: Option<u32>,
    /// All that it can do of what not every deployment can; everything if it is not said.
    pub capabilities: Option<Vec<String>>,
    /// The provider's prompt cache.
    pub cache: Option<CacheDoc>,
}

/// A provider's prompt cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheDoc {
    /// The shortest prefix that it keeps, in tokens.
    pub tokens_min: u32,
    /// How long it keeps one that is not used, in seconds.
    pub ttl_s: u32,
    /// Whether writing to it has its own price.
    pub bills_writes: bool,
}

/// What an account allows per minute, until response headers say better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuotaDoc {
    /// Requests.
    pub requests_per_minute: Option<u64>,
    /// Tokens of prompts and answers.
    pub tokens_per_minute: Option<u64>,
}

/// Where the numbers of a policy start from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Cost above all.
    Cheapest,
    /// Cost against time as an interactive product weighs them.
    #[default]
    Balanced,
    /// Time above all.
    Fastest,
}

/// How one of several deployments is chosen, and what is done when it fails. What is not said is as the preset has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyDoc {
    /// Where the numbers start from.
    pub preset: Preset,
    /// The name of a strategy (docs/routing.md).
    pub strategy: Option<String>,
    /// What a second of waiting for the first token is worth.
    pub second_of_waiting: Option<Credits>,
    /// What a second between the first token and the last is worth.
    pub second_of_decoding: Option<Credits>,
    /// What an error that the client sees costs.
    pub price_of_error: Option<Credits>,
    /// By when the first token should be there.
    pub first_token: Option<Duration>,
    /// By when the whole answer should be there.
    pub whole_answer: Option<Duration>,
    /// What missing one of these costs.
    pub price_of_miss: Option<Credits>,
    /// Attempts per request at most, the first included.
    pub attempts_max: Option<u32>,
    /// Whether a second deployment may be asked when the first is unusually late.
    pub hedging: Option<bool>,
}
