//! Providers, deployments and keys: from the file and from shortcuts in the environment.

use std::collections::HashSet;

use control_plane::authz::DEFAULT_ORGANISATION;
use router_core::domain::{DeploymentId, KeyDigest, KeyId, Price, ProviderId, TenantId};
use router_core::snapshot::{self, DeploymentDoc, KeyDoc, ProviderDoc, SnapshotDoc};
use tollgate_proxy::upstream::{Credentials, Secret};

use super::build::Complaints;
use super::file::{Deployment, Dialect, File, Key, Price as PriceShape, Provider};
use super::layers::{Environment, SettingPath};
use super::pem;
use super::shortcuts::{SHORTCUTS, Shortcut};

/// What the gateway can serve, and to whom.
#[derive(Default)]
pub(super) struct Catalog {
    pub(super) base: SnapshotDoc,
    pub(super) credentials: Credentials,
    /// What was added without a section in the file, for people.
    pub(super) notes: Vec<String>,
}

/// Builds the catalog, noting what is wrong.
pub(super) fn build(file: &File, environment: &Environment, complaints: &mut Complaints<'_>) -> Catalog {
    let mut catalog = Catalog::default();
    for (index, provider) in file.providers.iter().enumerate() {
        let path = SettingPath::of("providers").index(index);
        catalog.add_provider(provider, &path, environment, complaints);
    }
    for shortcut in &SHORTCUTS {
        if !file.providers.iter().any(|provider| provider.name == shortcut.name) {
            catalog.add_shortcut(shortcut, file, environment, complaints);
        }
    }
    for (index, deployment) in file.deployments.iter().enumerate() {
        let path = SettingPath::of("deployments").index(index);
        catalog.add_deployment(deployment, &path, complaints);
    }
    // The file's own deployments come first in the listing.
    let own = file.deployments.len().min(catalog.base.deployments.len());
    catalog.base.deployments.rotate_right(own);
    for (index, key) in file.keys.iter().enumerate() {
        let path = SettingPath::of("keys").index(index);
        catalog.add_key(key, &path, environment, complaints);
    }
    catalog
}

impl Catalog {
    fn add_provider(
        &mut self,
        provider: &Provider,
        path: &SettingPath,
        environment: &Environment,
        complaints: &mut Complaints<'_>,
    ) {
        let id = ProviderId::named(&provider.name);
        if let Some(source) = &provider.api_key {
            let path = path.clone().key("api_key");
            let secret = source.fetch(environment).and_then(|text| credential(text, &source.to_string()));
            if let Some(secret) = complaints.take(&path, secret) {
                self.credentials.insert(id, secret);
            }
        }
        if let Some(file) = &provider.ca_file {
            complaints.take(&path.clone().key("ca_file"), pem::check_certificates(file));
        }
        self.base.providers.push(ProviderDoc {
            id,
            name: provider.name.clone(),
            dialect: match provider.dialect {
                Dialect::Openai => snapshot::Dialect::Openai,
            },
            base_url: provider.base_url.clone(),
            http2: provider.http2,
            ca_file: provider.ca_file.as_ref().map(|path| path.to_string_lossy().into_owned()),
            any_model: provider.any_model,
        });
    }

    fn add_shortcut(
        &mut self,
        shortcut: &Shortcut,
        file: &File,
        environment: &Environment,
        complaints: &mut Complaints<'_>,
    ) {
        let Some(key) = shortcut.key(environment) else { return };
        let id = ProviderId::named(shortcut.name);
        let secret = credential(key.to_owned(), &format!("from ${}", shortcut.key_variable));
        let Some(secret) = complaints.take(&SettingPath::of("providers"), secret) else { return };
        self.credentials.insert(id, secret);
        self.base.providers.push(ProviderDoc {
            id,
            name: shortcut.name.to_owned(),
            dialect: snapshot::Dialect::Openai,
            base_url: shortcut.base_url(environment),
            http2: false,
            ca_file: None,
            any_model: true,
        });
        // A model that the file places itself is not spread over a second provider behind its back.
        let placed = |model: &str| file.deployments.iter().any(|deployment| deployment.model == model);
        for model in shortcut.models.iter().filter(|model| !placed(model)) {
            self.base.deployments.push(deployment(model, shortcut.name, model, None));
        }
        self.notes.push(format!("provider `{}` was added because ${} is set", shortcut.name, shortcut.key_variable));
    }

    fn add_deployment(&mut self, from: &Deployment, path: &SettingPath, complaints: &mut Complaints<'_>) {
        if !self.base.providers.iter().any(|provider| provider.name == from.provider) && from.provider != super::DEMO {
            let names: Vec<_> = self.base.providers.iter().map(|provider| provider.name.as_str()).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let message = format!("there is no provider {:?}; there are: {known}", from.provider);
            complaints.add(&path.clone().key("provider"), message);
        }
        let provider_model = from.provider_model.as_deref().unwrap_or(&from.model);
        let new = deployment(&from.model, &from.provider, provider_model, from.price.as_ref().map(price));
        if self.base.deployments.iter().any(|old| old.id == new.id) {
            let message = format!("{:?} at {:?} as {provider_model:?} is declared twice", from.model, from.provider);
            complaints.add(path, message);
        }
        self.base.deployments.push(new);
    }

    fn add_key(&mut self, key: &Key, path: &SettingPath, environment: &Environment, complaints: &mut Complaints<'_>) {
        let digest = match (&key.secret, key.sha256) {
            (Some(source), None) => source.fetch(environment).map(|text| KeyDigest::of(text.as_bytes())),
            (None, Some(digest)) => Ok(digest),
            _ => Err("expected exactly one of `secret` and `sha256`".to_owned()),
        };
        let Some(digest) = complaints.take(path, digest) else { return };
        let id = KeyId::named(&key.name);
        let known: HashSet<_> =
            self.base.keys.iter().flat_map(|key| [key.id.to_string(), key.digest.to_string()]).collect();
        if known.contains(&id.to_string()) || known.contains(&digest.to_string()) {
            complaints.add(path, "another key has the same name or the same secret: remove one of them");
        }
        self.base.keys.push(KeyDoc {
            id,
            tenant: TenantId::named(DEFAULT_ORGANISATION),
            digest,
            models: key.models.clone(),
            expires_at: None,
        });
    }
}

/// A deployment with an identity of its own for each way from a model to a provider.
pub(super) fn deployment(model: &str, provider: &str, provider_model: &str, price: Option<Price>) -> DeploymentDoc {
    DeploymentDoc {
        id: DeploymentId::named(&format!("{model} at {provider}/{provider_model}")),
        model: model.to_owned(),
        provider: ProviderId::named(provider),
        provider_model: provider_model.to_owned(),
        price,
    }
}

fn price(shape: &PriceShape) -> Price {
    Price {
        input: shape.input,
        output: shape.output,
        cache_read: shape.cache_read.unwrap_or(shape.input),
        cache_write: shape.cache_write.unwrap_or(shape.input),
    }
}

fn credential(text: String, source: &str) -> Result<Secret, String> {
    Secret::new(text).ok_or_else(|| {
        format!("the secret {source} has spaces, line breaks or characters outside ASCII, which no header can carry")
    })
}
