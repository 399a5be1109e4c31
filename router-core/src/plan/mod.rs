//! Decides which deployment a request is sent to.
//!
//! Takes a frozen [`Snapshot`], a key and a [`Seed`]; gives a [`Target`]. Never waits, holds nothing.
//!
//! Names (docs/routing.md): `provider/model` is one provider's model, a bare name is every deployment of it. The first
//! slash splits, and only when a provider of that name exists: model names may contain slashes themselves.
//!
//! Which of several deployments serves is decided by a [`Board`]: it is asked with an [`Ask`] and a [`Policy`] and gives
//! a [`Decision`]; what was sent is a [`Ticket`], by which it is told how it ended, once. What it knows is in
//! [`crate::health`].

mod affinity;
mod ask;
mod board;
mod choose;
mod decide;
mod facts;
mod field;
mod filter;
mod hedge;
mod policy;
mod report;
mod retry;
mod route;
mod score;
mod ticket;

pub use affinity::{BLOCK_BYTES, BLOCKS_MAX, chain};
pub use ask::{Ask, Choice, Decision, Unfit};
pub use board::{Board, Layout, Quota};
pub use facts::{Capabilities, Capability, Facts, PromptCache};
pub use policy::{Objective, Policy, RetryBudget, Strategy};
pub use report::{DeploymentHealth, HealthReport};
pub use retry::{Setback, pause, retryable};
pub use ticket::{Ending, Ticket};

use crate::domain::Seed;
use crate::snapshot::{Key, Snapshot};

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A declared deployment: its place in [`Snapshot::deployments`].
    Deployment(usize),
    /// A model that is not declared, at a provider that takes any.
    Undeclared {
        /// The provider's place in [`Snapshot::providers`].
        provider: usize,
        /// How many bytes of the asked name stand before the model's own name.
        prefix_bytes: usize,
    },
}

/// Why no deployment may serve a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    /// Nothing serves a model of this name.
    #[error("the model does not exist")]
    UnknownModel,
    /// The key may not use it.
    #[error("the key may not use this model")]
    ModelNotAllowed,
}

impl NoRoute {
    /// Label for logs and metrics; renaming one breaks a dashboard.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::UnknownModel => "unknown_model",
            Self::ModelNotAllowed => "model_not_allowed",
        }
    }
}

/// Picks the deployment for `asked`: among several that the key may use, each with the same chance.
pub fn pick(snapshot: &Snapshot, key: &Key, asked: &str, seed: Seed) -> Result<Target, NoRoute> {
    let split = asked
        .find('/')
        .and_then(|slash| snapshot.provider_named(&asked[..slash]).map(|provider| (provider, slash + 1)));
    let (only, name) = match split {
        Some((provider, prefix_bytes)) => (Some(provider), &asked[prefix_bytes..]),
        None => (None, asked),
    };
    let mut found = false;
    let mut allowed = 0;
    let mut chosen = None;
    for at in snapshot.deployments_of(name) {
        let deployment = &snapshot.deployments[*at];
        if only.is_some_and(|provider| provider != deployment.provider) {
            continue;
        }
        found = true;
        if key.models.allows(&snapshot.providers[deployment.provider].name, name) {
            // Reservoir sampling (Vitter 1985): the n-th candidate replaces the choice with chance 1/n.
            allowed += 1;
            if seed.fork("pick").step(allowed).below(allowed) == 0 {
                chosen = Some(Target::Deployment(*at));
            }
        }
    }
    if let Some(target) = chosen {
        return Ok(target);
    }
    match split {
        Some((provider, prefix_bytes)) if !found && !name.is_empty() && snapshot.providers[provider].any_model => {
            let allows = key.models.allows(&snapshot.providers[provider].name, name);
            allows.then_some(Target::Undeclared { provider, prefix_bytes }).ok_or(NoRoute::ModelNotAllowed)
        }
        _ if found => Err(NoRoute::ModelNotAllowed),
        _ => Err(NoRoute::UnknownModel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DeploymentId, Dialect, KeyDigest, KeyId, ProviderId, Style, TenantId};
    use crate::snapshot::{DeploymentDoc, KeyDoc, ProviderDoc, SnapshotDoc};
    use std::sync::Arc;

    const KEY: &[u8] = b"tg-test";

    /// Providers `a` (declared models only) and `b` (any model); `m` at both, `org/x` at `a`.
    fn world(models: &[&str]) -> (Snapshot, Arc<Key>) {
        let provider = |name: &str, any_model| ProviderDoc {
            id: ProviderId::named(name),
            name: name.to_owned(),
            dialect: Dialect::Openai,
            also: Vec::new(),
            style: Style::default(),
            base_url: "http://localhost".to_owned(),
            http2: false,
            ca_file: None,
            any_model,
        };
        let deployment = |model: &str, provider: &str| DeploymentDoc {
            id: DeploymentId::named(&format!("{provider}/{model}")),
            model: model.to_owned(),
            provider: ProviderId::named(provider),
            provider_model: model.to_owned(),
            price: None,
        };
        let key = KeyDoc {
            id: KeyId::named("k"),
            tenant: TenantId::named("t"),
            digest: KeyDigest::of(KEY),
            models: models.iter().map(|model| (*model).to_owned()).collect(),
            expires_at: None,
            refuse_lossy: false,
        };
        let doc = SnapshotDoc {
            number: 1,
            providers: vec![provider("a", false), provider("b", true)],
            deployments: vec![deployment("m", "a"), deployment("m", "b"), deployment("org/x", "a")],
            keys: vec![key],
        };
        let snapshot = Snapshot::compile(&doc).expect("a valid document");
        let key = Arc::clone(snapshot.keys.get(&KeyDigest::of(KEY)).expect("the key is there"));
        (snapshot, key)
    }

    fn pick_in(models: &[&str], asked: &str) -> Result<Target, NoRoute> {
        let (snapshot, key) = world(models);
        pick(&snapshot, &key, asked, Seed::new(1))
    }

    #[test]
    fn a_qualified_name_goes_to_that_provider_only() {
        assert_eq!(pick_in(&["*"], "a/m"), Ok(Target::Deployment(0)));
        assert_eq!(pick_in(&["*"], "b/m"), Ok(Target::Deployment(1)));
        assert_eq!(pick_in(&["*"], "a/unheard-of"), Err(NoRoute::UnknownModel));
    }

    #[test]
    fn a_name_with_a_slash_is_bare_when_no_provider_has_the_first_part() {
        assert_eq!(pick_in(&["*"], "org/x"), Ok(Target::Deployment(2)));
        assert_eq!(pick_in(&["*"], "a/org/x"), Ok(Target::Deployment(2)));
    }

    #[test]
    fn a_provider_of_any_model_takes_undeclared_ones_by_qualified_name() {
        let expected = Target::Undeclared { provider: 1, prefix_bytes: 2 };
        assert_eq!(pick_in(&["*"], "b/unheard-of"), Ok(expected));
        assert_eq!(pick_in(&["b/*"], "b/unheard-of"), Ok(expected));
        assert_eq!(pick_in(&["a/*"], "b/unheard-of"), Err(NoRoute::ModelNotAllowed));
        assert_eq!(pick_in(&["*"], "unheard-of"), Err(NoRoute::UnknownModel));
        assert_eq!(pick_in(&["*"], "b/"), Err(NoRoute::UnknownModel));
    }

    #[test]
    fn a_key_reaches_only_what_it_may_use() {
        assert_eq!(pick_in(&[], "m"), Err(NoRoute::ModelNotAllowed));
        assert_eq!(pick_in(&["a/*"], "b/m"), Err(NoRoute::ModelNotAllowed));
        assert_eq!(pick_in(&["org/x"], "m"), Err(NoRoute::ModelNotAllowed));
        assert_eq!(pick_in(&["a/*"], "m"), Ok(Target::Deployment(0)), "of two, the one that is allowed");
        assert_eq!(pick_in(&["b/m"], "m"), Ok(Target::Deployment(1)), "of two, the one that is allowed");
        assert_eq!(pick_in(&["b/m"], "a/m"), Err(NoRoute::ModelNotAllowed));
    }

    #[test]
    fn several_deployments_of_a_model_share_its_requests() {
        let (snapshot, key) = world(&["*"]);
        let first = (0..10_000)
            .filter(|bits| pick(&snapshot, &key, "m", Seed::new(*bits)) == Ok(Target::Deployment(0)))
            .count();
        assert!((4_800..5_200).contains(&first), "{first} of 10000 went to the first of two");
    }
}
