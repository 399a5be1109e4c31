//! Who is to decide: the gateway's engine with a policy, or a rival.

use std::time::Duration;

use router_core::domain::Seed;
use router_core::plan::Policy;
use tollgate_simulator::production::Production;
use tollgate_simulator::report::{Weights, micro_dollars};
use tollgate_simulator::rivals::{self, Rival};
use tollgate_simulator::run::Mind;
use tollgate_simulator::strategy::Facts;

use super::world::File;
use crate::declared::{PRESETS, preset, with_objective};

/// One column of the comparison.
pub(super) enum Contender {
    Engine(Box<Policy>),
    Rival(&'static Rival),
    Oracle,
}

/// The contender of a name: one of the file's policies, a preset, a rival, or the oracle.
pub(super) fn contender(name: &str, file: &File) -> Result<Contender, String> {
    if let Some(policy) = file.policies.get(name) {
        let policy = policy.policy(file.objective).map_err(|message| format!("policy `{name}`: {message}"))?;
        if policy.hedging {
            return Err(format!("policy `{name}`: a replay asks no second deployment: leave `hedging` out"));
        }
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
