//! Providers, deployments and keys: from the file and from shortcuts in the environment.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU32;

use control_plane::authz::DEFAULT_ORGANISATION;
use router_core::domain::{
    Capability, CredentialForm, DeploymentId, Dialect, KeyDigest, KeyId, Price, ProviderId, Style, TenantId,
};
use router_core::snapshot::{CacheDoc, DeploymentDoc, KeyDoc, ProviderDoc, QuotaDoc, SnapshotDoc, TraitsDoc};
use tollgate_proxy::upstream::{Credentials, Secret, check_google_account};

use super::build::Complaints;
use super::file::{Credential, Deployment, File, Key, Lossy, Price as PriceShape, Provider};
use super::kinds::{self, Kind};
use super::layers::{Environment, SettingPath};
use super::pem;
use super::routing::Cache;
use super::secret::SecretSource;
use super::shortcuts::{SHORTCUTS, Shortcut};

/// What the gateway can serve, and to whom.
#[derive(Default)]
pub(super) struct Catalog {
    pub(super) base: SnapshotDoc,
    pub(super) credentials: Credentials,
    /// What was added without a section in the file, for people.
    pub(super) notes: Vec<String>,
    /// Prompt caches that providers have by their kind.
    caches: BTreeMap<ProviderId, CacheDoc>,
}

/// Builds the catalog, noting what is wrong.
pub(super) fn build(file: &File, environment: &Environment, complaints: &mut Complaints<'_>) -> Catalog {
    let mut catalog = Catalog::default();
    catalog.base.policy = file.routing.policy();
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
        if let Some(secret) = secret_of(provider, path, environment, complaints) {
            self.credentials.insert(id, secret);
        }
        if let Some(file) = &provider.ca_file {
            complaints.take(&path.clone().key("ca_file"), pem::check_certificates(file));
        }
        self.caches.extend(provider.kind.and_then(Kind::cache).map(|cache| (id, cache)));
        let preset = provider.kind.map(Kind::preset);
        let known_url = preset.as_ref().and_then(|preset| preset.base_url).map(str::to_owned);
        let base_url = provider
            .base_url
            .clone()
            .or(known_url)
            .or_else(|| cloud_url(provider))
            .ok_or("is missing: say where its API starts, or which `kind` of provider it is".to_owned());
        let Some(base_url) = complaints.take(&path.clone().key("base_url"), base_url) else { return };
        let own_dialect = preset.as_ref().map_or(Dialect::Openai, |preset| preset.dialect);
        let own_also = preset.as_ref().map(|preset| preset.also.to_vec());
        self.base.providers.push(ProviderDoc {
            id,
            name: provider.name.clone(),
            dialect: provider.dialect.unwrap_or(own_dialect),
            also: provider.also.clone().or(own_also).unwrap_or_default(),
            style: style(provider, preset.map(|preset| preset.style).unwrap_or_default()),
            base_url,
            http2: provider.http2,
            ca_file: provider.ca_file.as_ref().map(|path| path.to_string_lossy().into_owned()),
            any_model: provider.any_model,
            quota: QuotaDoc {
                requests_per_minute: provider.requests_per_minute,
                tokens_per_minute: provider.tokens_per_minute,
            },
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
        self.caches.extend(shortcut.kind.cache().map(|cache| (id, cache)));
        self.base.providers.push(ProviderDoc {
            id,
            name: shortcut.name.to_owned(),
            dialect: shortcut.dialect,
            also: shortcut.also.to_vec(),
            style: Style::default(),
            base_url: shortcut.base_url(environment),
            http2: false,
            ca_file: None,
            any_model: true,
            quota: QuotaDoc::default(),
        });
        // A model that the file places itself is not spread over a second provider behind its back.
        let placed = |model: &str| file.deployments.iter().any(|deployment| deployment.model == model);
        for model in shortcut.models.iter().filter(|model| !placed(model)) {
            let mut new = deployment(model, shortcut.name, model, None);
            new.traits.cache = shortcut.kind.cache();
            self.base.deployments.push(new);
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
        let mut new = deployment(&from.model, &from.provider, provider_model, from.price.as_ref().map(price));
        new.traits = self.traits(from);
        if self.base.deployments.iter().any(|old| old.id == new.id) {
            let message = format!("{:?} at {:?} as {provider_model:?} is declared twice", from.model, from.provider);
            complaints.add(path, message);
        }
        self.base.deployments.push(new);
    }

    /// What else routing is told of a deployment.
    fn traits(&self, from: &Deployment) -> TraitsDoc {
        let names = |list: &Vec<Capability>| list.iter().map(|capability| capability.name().to_owned()).collect();
        TraitsDoc {
            weight: from.weight,
            priority: from.priority,
            context_window: from.context_window.map(NonZeroU32::get),
            output_tokens_max: from.output_tokens_max.map(NonZeroU32::get),
            capabilities: from.capabilities.as_ref().map(names),
            cache: Cache::of(from.cache, self.caches.get(&ProviderId::named(&from.provider)).copied()),
        }
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
            refuse_lossy: key.lossy == Lossy::Refuse,
        });
    }
}

/// The address of a cloud's models, where region or project tell it.
fn cloud_url(provider: &Provider) -> Option<String> {
    match (&provider.region, &provider.project, &provider.location) {
        (Some(region), None, _) => Some(kinds::bedrock_url(region)),
        (_, Some(project), Some(location)) => {
            let url = kinds::vertex_url(project, location);
            let compatible = provider.kind == Some(Kind::VertexOpenai);
            Some(if compatible { format!("{url}/endpoints/openapi") } else { url })
        }
        _ => None,
    }
}

/// The provider's credential, in whichever way it is given.
fn secret_of(
    provider: &Provider,
    path: &SettingPath,
    environment: &Environment,
    complaints: &mut Complaints<'_>,
) -> Option<Secret> {
    let plain = |source: &SecretSource| -> Result<String, String> {
        let text = source.fetch(environment)?;
        credential(text.clone(), &source.to_string()).map(|_| text)
    };
    match (&provider.api_key, &provider.aws, &provider.google_account) {
        (None, None, None) => None,
        (Some(key), None, None) => {
            let secret = plain(key).and_then(|text| credential(text, &key.to_string()));
            complaints.take(&path.clone().key("api_key"), secret)
        }
        (None, Some(aws), None) => {
            let path = path.clone().key("aws");
            if provider.region.is_none() {
                complaints.add(&path, "needs `region` beside it: a signature holds for one region");
            }
            let parts = [&aws.access_key_id, &aws.secret_access_key].into_iter().chain(&aws.session_token);
            let parts: Result<Vec<_>, _> = parts.map(plain).collect();
            let secret = parts.and_then(|parts| credential(parts.join(":"), "of these parts"));
            complaints.take(&path, secret)
        }
        (None, None, Some(account)) => {
            let secret = account.fetch(environment).and_then(|text| {
                check_google_account(&text)?;
                Ok(Secret::document(text))
            });
            complaints.take(&path.clone().key("google_account"), secret)
        }
        _ => {
            complaints.add(path, "has more than one of `api_key`, `aws` and `google_account`: keep one");
            None
        }
    }
}

/// What the file says of a provider's ways, else what its kind says.
fn style(provider: &Provider, preset: Style) -> Style {
    let credential = provider.credential.map(|form| match form {
        Credential::Bearer => CredentialForm::Bearer,
        Credential::XApiKey => CredentialForm::XApiKey,
        Credential::ApiKey => CredentialForm::ApiKey,
        Credential::XGoogApiKey => CredentialForm::XGoogApiKey,
    });
    let signed = provider.aws.as_ref().zip(provider.region.clone());
    let credential = credential
        .or_else(|| signed.map(|(_, region)| CredentialForm::AwsSignature { region }))
        .or_else(|| provider.google_account.as_ref().map(|_| CredentialForm::GoogleAccount));
    Style {
        address: preset.address,
        credential: credential.or(preset.credential),
        query: provider.query.clone().unwrap_or(preset.query),
        quirks: provider.quirks.clone().unwrap_or(preset.quirks),
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
        traits: TraitsDoc::default(),
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
