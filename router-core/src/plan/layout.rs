//! What a snapshot says, as the board and a policy are told.

use std::time::Duration;

use super::board::{Layout, Quota};
use super::facts::{Facts, PromptCache};
use super::policy::{Objective, Policy, Strategy};
use crate::domain::{Capabilities, Capability, Credits, DeploymentId};
use crate::snapshot::{CacheDoc, Deployment, PolicyDoc, Preset, Provider, QuotaDoc, Snapshot};

impl Layout {
    /// All deployments of a snapshot, and behind them, for each provider, all its undeclared models together.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut layout = Self::default();
        for deployment in &snapshot.deployments {
            let provider = &snapshot.providers[deployment.provider];
            let account = layout.account(provider, &deployment.provider_model);
            layout.deployments.push(facts(deployment, account));
        }
        for provider in &snapshot.providers {
            let account = layout.account(provider, "*");
            let id = DeploymentId::named(&format!("{}/*", provider.name));
            layout.deployments.push(Facts { account, ..Facts::new(id) });
        }
        layout
    }

    /// The place of what limits a model: what was declared for all of the provider's account, else what its provider has
    /// for this one model, as most do.
    fn account(&mut self, provider: &Provider, model: &str) -> usize {
        let QuotaDoc { requests_per_minute, tokens_per_minute } = provider.quota;
        let id = match provider.quota == QuotaDoc::default() {
            true => DeploymentId::named(&format!("{}/{model}", provider.name)).0,
            false => provider.id.0,
        };
        self.accounts.iter().position(|quota| quota.id == id).unwrap_or_else(|| {
            self.accounts.push(Quota { id, requests_per_minute, tokens_per_minute });
            self.accounts.len() - 1
        })
    }
}

fn facts(deployment: &Deployment, account: usize) -> Facts {
    let traits = &deployment.traits;
    Facts {
        model: DeploymentId::named(&deployment.model).0,
        account,
        price: deployment.price,
        context_window: traits.context_window,
        output_max: traits.output_tokens_max,
        capabilities: traits.capabilities.as_deref().map_or(Capabilities::ALL, capabilities),
        weight: traits.weight.unwrap_or(1),
        priority: traits.priority,
        cache: traits.cache.map(cache),
        ..Facts::new(deployment.id)
    }
}

/// Those of a list of names. Answers can always be streamed: what is not known to stream is not known at all.
fn capabilities(names: &[String]) -> Capabilities {
    let named = names.iter().filter_map(|name| Capability::named(name));
    named.fold(Capabilities::NONE.with(Capability::Streaming), Capabilities::with)
}

fn cache(doc: CacheDoc) -> PromptCache {
    PromptCache {
        tokens_min: doc.tokens_min,
        ttl: Duration::from_secs(u64::from(doc.ttl_s)),
        bills_writes: doc.bills_writes,
    }
}

impl Policy {
    /// The policy that a document describes. A strategy of an unknown name is the preset's own.
    pub fn of(doc: &PolicyDoc) -> Self {
        let preset = match doc.preset {
            Preset::Cheapest => Self::CHEAPEST,
            Preset::Balanced => Self::BALANCED,
            Preset::Fastest => Self::FASTEST,
        };
        Self {
            strategy: doc.strategy.as_deref().and_then(Strategy::named).unwrap_or(preset.strategy),
            second_of_waiting: doc.second_of_waiting.unwrap_or(preset.second_of_waiting),
            second_of_decoding: doc.second_of_decoding.unwrap_or(preset.second_of_decoding),
            objective: objective(doc, preset.objective),
            price_of_error: doc.price_of_error.unwrap_or(preset.price_of_error),
            attempts_max: doc.attempts_max.unwrap_or(preset.attempts_max),
            hedging: doc.hedging.unwrap_or(preset.hedging),
            ..preset
        }
    }
}

fn objective(doc: &PolicyDoc, preset: Option<Objective>) -> Option<Objective> {
    let price = |preset: Option<Objective>| {
        doc.price_of_miss.or(preset.map(|preset| preset.price_of_miss)).unwrap_or(Credits::from_nano(500_000))
    };
    match (doc.first_token, doc.whole_answer) {
        (None, None) => preset.map(|own| Objective { price_of_miss: price(preset), ..own }),
        (first_token, whole) => Some(Objective { first_token, whole, price_of_miss: price(preset), misses_max: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_of_nothing_is_balanced() {
        assert_eq!(Policy::of(&PolicyDoc::default()), Policy::BALANCED);
    }

    #[test]
    fn what_is_said_counts_more_than_the_preset() {
        let doc = PolicyDoc {
            preset: Preset::Fastest,
            strategy: Some("least_busy".to_owned()),
            first_token: Some(Duration::from_millis(400)),
            attempts_max: Some(2),
            ..PolicyDoc::default()
        };
        let policy = Policy::of(&doc);
        assert_eq!((policy.strategy, policy.attempts_max), (Strategy::LeastBusy, 2));
        assert_eq!(policy.objective.map(|it| it.first_token), Some(Some(Duration::from_millis(400))));
        assert_eq!(policy.second_of_waiting, Policy::FASTEST.second_of_waiting);
    }

    #[test]
    fn capabilities_are_those_that_are_named() {
        let some = capabilities(&["tools".to_owned(), "vision".to_owned()]);
        assert!(some.has(Capability::Tools) && some.has(Capability::Vision) && some.has(Capability::Streaming));
        assert!(!some.has(Capability::AudioInput));
    }
}
