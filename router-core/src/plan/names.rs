//! From a model's name to the deployments that may serve it.
//!
//! `provider/model` is one provider's model, a bare name is every deployment of it (docs/routing.md). The first slash
//! splits, and only when a provider of that name exists: model names may contain slashes themselves.

use crate::snapshot::{Key, Snapshot};

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

/// What a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Declared deployments.
    Declared,
    /// A model that is not declared, at a provider that takes any.
    Undeclared {
        /// How many bytes of the asked name stand before the model's own name.
        prefix_bytes: usize,
    },
}

/// Puts the places on the board ([`super::Layout::of`]) of all deployments that may serve `asked` into `out`.
///
/// # Errors
/// When there is none.
pub fn candidates(snapshot: &Snapshot, key: &Key, asked: &str, out: &mut Vec<u32>) -> Result<Named, NoRoute> {
    out.clear();
    let split = asked
        .find('/')
        .and_then(|slash| snapshot.provider_named(&asked[..slash]).map(|provider| (provider, slash + 1)));
    let (only, name) = match split {
        Some((provider, prefix_bytes)) => (Some(provider), &asked[prefix_bytes..]),
        None => (None, asked),
    };
    let mut found = false;
    for at in snapshot.deployments_of(name) {
        let deployment = &snapshot.deployments[*at];
        if only.is_none_or(|provider| provider == deployment.provider) {
            found = true;
            if key.models.allows(&snapshot.providers[deployment.provider].name, name) {
                out.extend(u32::try_from(*at));
            }
        }
    }
    match split {
        _ if !out.is_empty() => Ok(Named::Declared),
        Some((provider, prefix_bytes)) if !found && !name.is_empty() && snapshot.providers[provider].any_model => {
            if !key.models.allows(&snapshot.providers[provider].name, name) {
                return Err(NoRoute::ModelNotAllowed);
            }
            out.extend(u32::try_from(snapshot.deployments.len() + provider));
            Ok(Named::Undeclared { prefix_bytes })
        }
        _ if found => Err(NoRoute::ModelNotAllowed),
        _ => Err(NoRoute::UnknownModel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DeploymentId, Dialect, KeyDigest, KeyId, ProviderId, Style, TenantId};
    use crate::snapshot::{DeploymentDoc, KeyDoc, ProviderDoc, QuotaDoc, SnapshotDoc, TraitsDoc};
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
            quota: QuotaDoc::default(),
        };
        let deployment = |model: &str, provider: &str| DeploymentDoc {
            id: DeploymentId::named(&format!("{provider}/{model}")),
            model: model.to_owned(),
            provider: ProviderId::named(provider),
            provider_model: model.to_owned(),
            price: None,
            traits: TraitsDoc::default(),
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
            ..SnapshotDoc::default()
        };
        let snapshot = Snapshot::compile(&doc).expect("a valid document");
        let key = Arc::clone(snapshot.keys.get(&KeyDigest::of(KEY)).expect("the key is there"));
        (snapshot, key)
    }

    /// Deployments are 0 to 2; the providers' undeclared models are 3 and 4.
    fn find(models: &[&str], asked: &str) -> Result<(Vec<u32>, Named), NoRoute> {
        let (snapshot, key) = world(models);
        let mut found = vec![7];
        candidates(&snapshot, &key, asked, &mut found).map(|named| (found, named))
    }

    fn declared(places: &[u32]) -> Result<(Vec<u32>, Named), NoRoute> {
        Ok((places.to_vec(), Named::Declared))
    }

    #[test]
    fn a_qualified_name_goes_to_that_provider_only() {
        assert_eq!(find(&["*"], "a/m"), declared(&[0]));
        assert_eq!(find(&["*"], "b/m"), declared(&[1]));
        assert_eq!(find(&["*"], "a/unheard-of"), Err(NoRoute::UnknownModel));
    }

    #[test]
    fn a_name_with_a_slash_is_bare_when_no_provider_has_the_first_part() {
        assert_eq!(find(&["*"], "org/x"), declared(&[2]));
        assert_eq!(find(&["*"], "a/org/x"), declared(&[2]));
    }

    #[test]
    fn a_provider_of_any_model_takes_undeclared_ones_by_qualified_name() {
        let expected = (vec![4], Named::Undeclared { prefix_bytes: 2 });
        assert_eq!(find(&["*"], "b/unheard-of"), Ok(expected.clone()));
        assert_eq!(find(&["b/*"], "b/unheard-of"), Ok(expected));
        assert_eq!(find(&["a/*"], "b/unheard-of"), Err(NoRoute::ModelNotAllowed));
        assert_eq!(find(&["*"], "unheard-of"), Err(NoRoute::UnknownModel));
        assert_eq!(find(&["*"], "b/"), Err(NoRoute::UnknownModel));
    }

    #[test]
    fn a_key_reaches_only_what_it_may_use() {
        assert_eq!(find(&[], "m"), Err(NoRoute::ModelNotAllowed));
        assert_eq!(find(&["a/*"], "b/m"), Err(NoRoute::ModelNotAllowed));
        assert_eq!(find(&["org/x"], "m"), Err(NoRoute::ModelNotAllowed));
        assert_eq!(find(&["a/*"], "m"), declared(&[0]), "of two, the one that is allowed");
        assert_eq!(find(&["b/m"], "m"), declared(&[1]), "of two, the one that is allowed");
        assert_eq!(find(&["b/m"], "a/m"), Err(NoRoute::ModelNotAllowed));
    }

    #[test]
    fn a_bare_name_is_every_deployment_of_it() {
        assert_eq!(find(&["*"], "m"), declared(&[0, 1]));
    }
}
