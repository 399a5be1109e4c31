//! Who is to decide: the gateway's engine with a policy, or a rival.

use std::time::Duration;

use router_core::domain::{Credits, Seed};
use router_core::plan::{Objective, Policy, Strategy as Name};
use serde::Deserialize;
use tollgate_simulator::production::Production;
use tollgate_simulator::report::{Weights, micro_dollars};
use tollgate_simulator::rivals::{self, Rival};
use tollgate_simulator::run::Mind;
use tollgate_simulator::strategy::Facts;

use super::world::File;

/// A policy as a world's file writes it: a preset, and what is otherwise.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyFile {
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
    /// Attempts per request at most, the first included; a run makes four at most.
    attempts_max: Option<u32>,
}

/// One column of the comparison.
pub(super) enum Contender {
    Engine(Box<Policy>),
    Rival(&'static Rival),
    Oracle,
}

const PRESETS: [(&str, Policy); 3] =
    [("cheapest", Policy::CHEAPEST), ("balanced", Policy::BALANCED), ("fastest", Policy::FASTEST)];

/// The contender of a name: one of the file's policies, a preset, a rival, or the oracle.
pub(super) fn contender(name: &str, file: &File) -> Result<Contender, String> {
    if let Some(policy) = file.policies.get(name) {
        let policy = policy.policy(file.objective).map_err(|message| format!("policy `{name}`: {message}"))?;
        return Ok(Contender::Engine(Box::new(policy)));
    }
    if let Some(policy) = preset(name) {
        return Ok(Contender::Engine(Box::new(with_objective(policy, file.objective))));
    }
    if let Some(rival) = rivals::named(name) {
        return Ok(Contender::Rival(rival));
    }
    if name == "oracle" {
        return Ok(Contender::Oracle);
    }
    let presets = PRESETS.map(|(name, _)| name).join(", ");
    let rivals = rivals::ALL.iter().map(|rival| rival.name).collect::<Vec<_>>().join(", ");
    let own = file.policies.keys().cloned().collect::<Vec<_>>().join(", ");
    let own = if own.is_empty() { "none".to_owned() } else { own };
    Err(format!("there is no policy {name:?}; the world has: {own}; presets: {presets}; rivals: {rivals}; and oracle"))
}

/// On which terms losses are counted: those of this policy, or of the balanced preset.
pub(super) fn weights(policy: Option<&Policy>, objective: Duration) -> Weights {
    let policy = policy.map_or(with_objective(Policy::BALANCED, objective), |policy| *policy);
    Weights {
        first_token_s: micro_dollars(policy.second_of_waiting),
        decode_s: micro_dollars(policy.second_of_decoding),
        miss: policy.objective.map_or(0.0, |objective| micro_dollars(objective.price_of_miss)),
        error: micro_dollars(policy.price_of_error),
        objective_s: objective.as_secs_f64(),
    }
}

impl Contender {
    /// A mind for one gateway.
    pub(super) fn mind(&self, facts: &[Facts], seed: Seed) -> Mind {
        match self {
            Self::Engine(policy) => Mind::Strategy(Box::new(Production::new(facts, **policy, seed))),
            Self::Rival(rival) => Mind::Strategy(rival.build(facts, seed)),
            Self::Oracle => Mind::Oracle,
        }
    }

    /// The policy of the engine.
    pub(super) fn policy(&self) -> Option<&Policy> {
        match self {
            Self::Engine(policy) => Some(policy),
            Self::Rival(_) | Self::Oracle => None,
        }
    }
}

impl PolicyFile {
    fn policy(&self, objective: Duration) -> Result<Policy, String> {
        let base = match self.preset.as_deref() {
            None => Policy::BALANCED,
            Some(name) => preset(name).ok_or_else(|| format!("there is no preset {name:?}"))?,
        };
        let strategy = match self.strategy.as_deref() {
            None => base.strategy,
            Some(name) => Name::named(name).ok_or_else(|| {
                format!("there is no strategy {name:?}; there are: {}", Name::ALL.map(Name::name).join(", "))
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
        Ok(policy)
    }
}

fn preset(name: &str) -> Option<Policy> {
    PRESETS.iter().find(|(preset, _)| *preset == name).map(|(_, policy)| *policy)
}

/// The policy with the file's objective; one that has none puts no price on missing it.
fn with_objective(policy: Policy, first_token: Duration) -> Policy {
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
