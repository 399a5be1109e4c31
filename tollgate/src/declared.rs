//! What people declare of routing, for the commands that run the engine without the gateway: policies and prices.

use std::time::Duration;

use router_core::domain::{Credits, Price};
use router_core::plan::{Objective, Policy, Strategy};
use serde::Deserialize;

/// Policies that need not be written.
pub(crate) const PRESETS: [(&str, Policy); 3] =
    [("cheapest", Policy::CHEAPEST), ("balanced", Policy::BALANCED), ("fastest", Policy::FASTEST)];

/// A policy as people write it: a preset, and what is otherwise.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyFile {
    /// `cheapest`, `balanced` or `fastest`.
    preset: Option<String>,
    /// How one of several deployments is chosen.
    strategy: Option<String>,
    /// Dollars that a second until the first token is worth.
    second_of_waiting: Option<f64>,
    /// Dollars that a second from there to the last is worth.
    second_of_decoding: Option<f64>,
    /// Dollars that a missed objective costs.
    price_of_miss: Option<f64>,
    /// Dollars that an error which the client sees costs.
    price_of_error: Option<f64>,
    /// The share of requests that may miss the objective.
    misses_max: Option<f32>,
    /// Attempts per request at most, the first included.
    attempts_max: Option<u32>,
    /// Whether a second deployment may be asked when the first is late.
    hedging: Option<bool>,
}

/// Dollars per million tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceFile {
    input: String,
    output: String,
    cache_read: Option<String>,
    cache_write: Option<String>,
}

impl PolicyFile {
    /// The policy, with the objective that holds for all.
    pub(crate) fn policy(&self, objective: Duration) -> Result<Policy, String> {
        let base = match self.preset.as_deref() {
            None => Policy::BALANCED,
            Some(name) => preset(name).ok_or_else(|| format!("there is no preset {name:?}"))?,
        };
        let strategy = match self.strategy.as_deref() {
            None => base.strategy,
            Some(name) => Strategy::named(name).ok_or_else(|| {
                format!("there is no strategy {name:?}; there are: {}", Strategy::ALL.map(Strategy::name).join(", "))
            })?,
        };
        let mut policy = with_objective(base, objective);
        policy.strategy = strategy;
        set(&mut policy.second_of_waiting, self.second_of_waiting)?;
        set(&mut policy.second_of_decoding, self.second_of_decoding)?;
        set(&mut policy.price_of_error, self.price_of_error)?;
        if let Some(objective) = &mut policy.objective {
            set(&mut objective.price_of_miss, self.price_of_miss)?;
            objective.misses_max = self.misses_max;
        }
        policy.attempts_max = self.attempts_max.unwrap_or(policy.attempts_max);
        policy.hedging = self.hedging.unwrap_or(policy.hedging);
        Ok(policy)
    }
}

/// The preset of a name.
pub(crate) fn preset(name: &str) -> Option<Policy> {
    PRESETS.iter().find(|(preset, _)| *preset == name).map(|(_, policy)| *policy)
}

/// The policy with the file's objective; one that has none puts no price on missing it.
pub(crate) fn with_objective(policy: Policy, first_token: Duration) -> Policy {
    let none = Objective { first_token: None, whole: None, price_of_miss: Credits::ZERO, misses_max: None };
    let objective = Objective { first_token: Some(first_token), ..policy.objective.unwrap_or(none) };
    Policy { objective: Some(objective), ..policy }
}

fn set(credits: &mut Credits, dollars: Option<f64>) -> Result<(), String> {
    let Some(dollars) = dollars else { return Ok(()) };
    if !(0.0..1e9).contains(&dollars) {
        return Err(format!("{dollars} is not an amount of dollars"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "it was looked at just now")]
    let nano = (dollars * 1e9).round() as i64;
    *credits = Credits::from_nano(nano);
    Ok(())
}

impl PriceFile {
    /// The price, or what is wrong with it.
    pub(crate) fn price(&self) -> Result<Price, String> {
        let read = |text: &str| text.parse().map_err(|error| format!("`price`: {text:?}: {error}"));
        let input = read(&self.input)?;
        let or_input = |text: &Option<String>| text.as_deref().map_or(Ok(input), read);
        Ok(Price {
            input,
            output: read(&self.output)?,
            cache_read: or_input(&self.cache_read)?,
            cache_write: or_input(&self.cache_write)?,
        })
    }
}
