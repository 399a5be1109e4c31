//! From the wire form to indexes, or a reason why not.

use std::sync::Arc;

use super::doc::{DeploymentDoc, KeyDoc, ProviderDoc, SnapshotDoc};
use super::keys::KeyIndex;
use super::routing::{PolicyDoc, QuotaDoc, TraitsDoc};
use crate::domain::{DeploymentId, Dialect, KeyDigest, KeyId, Price, ProviderId, Style, TenantId, Timestamp};

/// Why a document is not a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// Two providers or deployments answer to one name or id.
    #[error("{what} {name:?} is declared twice")]
    Twice {
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A deployment names a provider that the document does not have.
    #[error("deployment {model:?} names a provider that does not exist")]
    NoSuchProvider {
        /// The deployment's model.
        model: String,
    },
    /// A name is empty or has a character that names cannot have.
    #[error("{what} has the name {name:?}: names are 1 to 200 printable ASCII characters without spaces or quotes")]
    BadName {
        /// The kind of thing.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A provider's base URL cannot be used.
    #[error("provider {name:?} has the base URL {url:?}: expected http(s)://host[:port][/path]")]
    BadUrl {
        /// The provider's name.
        name: String,
        /// The URL.
        url: String,
    },
}

/// An account at a provider, ready for use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its identity.
    pub id: ProviderId,
    /// The part before the slash in `provider/model`.
    pub name: String,
    /// The API it speaks.
    pub dialect: Dialect,
    /// Further APIs that it speaks, for clients that speak them too.
    pub also: Vec<Dialect>,
    /// In what it differs from that API's own vendor.
    pub style: Style,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Host name or address, without brackets; what the certificate must be valid for.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What every request path starts with, without a slash at its end; may be empty.
    pub base_path: String,
    /// Whether to speak HTTP/2 with it.
    pub http2: bool,
    /// PEM file of the authorities to trust for it.
    pub ca_file: Option<String>,
    /// Whether any model name is passed on.
    pub any_model: bool,
    /// What the account allows.
    pub quota: QuotaDoc,
}

impl Provider {
    /// The dialect in which it is asked on behalf of a client that speaks `client`: the same if it can.
    pub fn dialect_for(&self, client: Dialect) -> Dialect {
        if self.also.contains(&client) { client } else { self.dialect }
    }

    /// The value of the `host` header (RFC 9110, 7.2): the port is named unless it is the scheme's own.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let own_port = if self.tls { 443 } else { 80 };
        if self.port == own_port { host } else { format!("{host}:{}", self.port) }
    }
}

/// One model at one provider, ready for use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its identity.
    pub id: DeploymentId,
    /// The name that clients ask for.
    pub model: String,
    /// Its place in [`Snapshot::providers`].
    pub provider: usize,
    /// The name that the provider knows it by.
    pub provider_model: String,
    /// What its tokens cost, if that is known.
    pub price: Option<Price>,
    /// What else routing is told of it.
    pub traits: TraitsDoc,
}

/// Which models a key may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelAccess {
    all: bool,
    /// Names of providers whose every model is allowed.
    providers: Vec<String>,
    models: Vec<String>,
}

impl ModelAccess {
    /// Reads the patterns of [`KeyDoc::models`].
    pub(super) fn new(patterns: &[String]) -> Self {
        let mut access = Self { all: false, providers: Vec::new(), models: Vec::new() };
        for pattern in patterns {
            match pattern.strip_suffix("/*") {
                _ if pattern == "*" => access.all = true,
                Some(provider) => access.providers.push(provider.to_owned()),
                None => access.models.push(pattern.clone()),
            }
        }
        access
    }

    /// Whether `model` may be used at `provider`, however it was asked for.
    pub fn allows(&self, provider: &str, model: &str) -> bool {
        let named = |name: &String| {
            name == model || name.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/')) == Some(model)
        };
        self.all || self.providers.iter().any(|name| name == provider) || self.models.iter().any(named)
    }
}

/// A key of ours, ready for use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its identity.
    pub id: KeyId,
    /// Whose it is.
    pub tenant: TenantId,
    /// SHA-256 of the key.
    pub digest: KeyDigest,
    /// The models it may use.
    pub models: ModelAccess,
    /// The moment from which on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Whether a request is refused that a provider's API cannot express whole.
    pub refuse_lossy: bool,
}

impl From<&KeyDoc> for Key {
    fn from(doc: &KeyDoc) -> Self {
        Self {
            id: doc.id,
            tenant: doc.tenant,
            digest: doc.digest,
            models: ModelAccess::new(&doc.models),
            expires_at: doc.expires_at,
            refuse_lossy: doc.refuse_lossy,
        }
    }
}

/// Everything the data plane knows, indexed.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The document's number.
    pub number: u64,
    /// Accounts at providers.
    pub providers: Vec<Provider>,
    /// Deployments, in the document's order.
    pub deployments: Vec<Deployment>,
    /// Keys by digest.
    pub keys: KeyIndex,
    /// How one of several deployments of a model is chosen.
    pub policy: PolicyDoc,
    /// Places in `deployments`, sorted by model and then by place.
    by_model: Vec<usize>,
}

impl Snapshot {
    /// Checks a document and builds its indexes.
    pub fn compile(doc: &SnapshotDoc) -> Result<Self, CompileError> {
        let providers = doc.providers.iter().map(compile_provider).collect::<Result<Vec<_>, _>>()?;
        refuse_twins("provider", providers.iter().map(|provider| provider.name.as_str()))?;
        let deployments = doc
            .deployments
            .iter()
            .map(|deployment| compile_deployment(deployment, &providers))
            .collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<_> = deployments.iter().map(|deployment| deployment.id.to_string()).collect();
        refuse_twins("deployment", ids.iter().map(String::as_str))?;
        let mut by_model: Vec<_> = (0..deployments.len()).collect();
        by_model.sort_by(|a, b| deployments[*a].model.cmp(&deployments[*b].model));
        let keys = KeyIndex::new(doc.keys.iter().map(|key| Arc::new(Key::from(key))));
        Ok(Self { number: doc.number, providers, deployments, keys, policy: doc.policy.clone(), by_model })
    }

    /// Places in [`Snapshot::deployments`] of those that serve `model`.
    pub fn deployments_of(&self, model: &str) -> &[usize] {
        let start = self.by_model.partition_point(|at| self.deployments[*at].model.as_str() < model);
        let len = self.by_model[start..].partition_point(|at| self.deployments[*at].model == model);
        &self.by_model[start..start + len]
    }

    /// The place in [`Snapshot::providers`] of the provider with this name.
    pub fn provider_named(&self, name: &str) -> Option<usize> {
        self.providers.iter().position(|provider| provider.name == name)
    }
}

fn refuse_twins<'a>(what: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), CompileError> {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(CompileError::Twice { what, name: pair[0].to_owned() }),
        None => Ok(()),
    }
}

fn check_name(what: &'static str, name: &str) -> Result<(), CompileError> {
    let fits = (1..=200).contains(&name.len());
    if fits && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\') {
        Ok(())
    } else {
        Err(CompileError::BadName { what, name: name.to_owned() })
    }
}

fn compile_provider(doc: &ProviderDoc) -> Result<Provider, CompileError> {
    check_name("a provider", &doc.name)?;
    if doc.name.contains('/') {
        return Err(CompileError::BadName { what: "a provider", name: doc.name.clone() });
    }
    let bad_url = || CompileError::BadUrl { name: doc.name.clone(), url: doc.base_url.clone() };
    let (tls, rest) = match doc.base_url.split_once("://") {
        Some(("https", rest)) => (true, rest),
        Some(("http", rest)) => (false, rest),
        _ => return Err(bad_url()),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = split_authority(authority).ok_or_else(bad_url)?;
    let clean = |part: &str| part.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\?#@<>".contains(&byte));
    if host.is_empty() || !clean(host) || !clean(path) {
        return Err(bad_url());
    }
    Ok(Provider {
        id: doc.id,
        name: doc.name.clone(),
        dialect: doc.dialect,
        also: doc.also.clone(),
        style: doc.style.clone(),
        tls,
        host: host.to_owned(),
        port: port.unwrap_or(if tls { 443 } else { 80 }),
        base_path: path.trim_end_matches('/').to_owned(),
        http2: doc.http2,
        ca_file: doc.ca_file.clone(),
        any_model: doc.any_model,
        quota: doc.quota,
    })
}

/// Splits `host[:port]`, where an IPv6 address stands in brackets (RFC 3986, 3.2).
fn split_authority(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, rest) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    match rest.strip_prefix(':') {
        Some(port) => Some((host, Some(port.parse().ok().filter(|port| *port != 0)?))),
        None if rest.is_empty() => Some((host, None)),
        None => None,
    }
}

fn compile_deployment(doc: &DeploymentDoc, providers: &[Provider]) -> Result<Deployment, CompileError> {
    check_name("a deployment", &doc.model)?;
    check_name("a deployment's provider model", &doc.provider_model)?;
    let provider = providers.iter().position(|provider| provider.id == doc.provider);
    Ok(Deployment {
        id: doc.id,
        model: doc.model.clone(),
        provider: provider.ok_or_else(|| CompileError::NoSuchProvider { model: doc.model.clone() })?,
        provider_model: doc.provider_model.clone(),
        price: doc.price,
        traits: doc.traits.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(name: &str, base_url: &str) -> ProviderDoc {
        ProviderDoc {
            id: ProviderId::named(name),
            name: name.to_owned(),
            dialect: Dialect::Openai,
            also: Vec::new(),
            style: Style::default(),
            base_url: base_url.to_owned(),
            http2: false,
            ca_file: None,
            any_model: false,
            quota: QuotaDoc::default(),
        }
    }

    fn deployment(model: &str, provider: &str) -> DeploymentDoc {
        DeploymentDoc {
            id: DeploymentId::named(&format!("{provider}/{model}")),
            model: model.to_owned(),
            provider: ProviderId::named(provider),
            provider_model: model.to_owned(),
            price: None,
            traits: TraitsDoc::default(),
        }
    }

    #[test]
    fn a_base_url_is_taken_apart_or_refused() {
        let parts = |url| compile_provider(&provider("p", url)).map(|p| (p.tls, p.host, p.port, p.base_path));
        assert_eq!(parts("https://api.openai.com/v1/"), Ok((true, "api.openai.com".into(), 443, "/v1".into())));
        assert_eq!(parts("http://127.0.0.1:9000"), Ok((false, "127.0.0.1".into(), 9000, String::new())));
        assert_eq!(parts("http://[::1]:80/a/b"), Ok((false, "::1".into(), 80, "/a/b".into())));
        for url in [
            "",
            "ftp://x",
            "http://",
            "http://:80",
            "http://a:0",
            "http://a:99999",
            "http://a b",
            "https://u@h/",
            "//h",
            "http://h/?q",
            "http://[::1",
            "http://h/\r\nx: y",
        ] {
            assert!(parts(url).is_err(), "{url:?}");
        }
    }

    #[test]
    fn deployments_are_found_by_model_in_the_documents_order() {
        let doc = SnapshotDoc {
            providers: vec![provider("a", "http://a"), provider("b", "http://b")],
            deployments: vec![deployment("m", "b"), deployment("k", "a"), deployment("m", "a")],
            ..SnapshotDoc::default()
        };
        let snapshot = Snapshot::compile(&doc).expect("a valid document");
        assert_eq!(snapshot.deployments_of("m"), [0, 2]);
        assert_eq!(snapshot.deployments_of("k"), [1]);
        assert!(snapshot.deployments_of("").is_empty() && snapshot.deployments_of("z").is_empty());
    }

    #[test]
    fn twins_strangers_and_bad_names_are_refused() {
        let compile = |providers: &[ProviderDoc], deployments: &[DeploymentDoc]| {
            let doc = SnapshotDoc {
                providers: providers.to_vec(),
                deployments: deployments.to_vec(),
                ..SnapshotDoc::default()
            };
            Snapshot::compile(&doc).map(|_| ())
        };
        let a = provider("a", "http://a");
        assert!(matches!(compile(&[a.clone(), a.clone()], &[]), Err(CompileError::Twice { .. })));
        assert!(matches!(compile(&[], &[deployment("m", "a")]), Err(CompileError::NoSuchProvider { .. })));
        assert!(matches!(compile(&[provider("a/b", "http://a")], &[]), Err(CompileError::BadName { .. })));
        assert!(matches!(compile(&[a], &[deployment("m\"", "a")]), Err(CompileError::BadName { .. })));
    }

    #[test]
    fn access_is_by_name_by_provider_or_to_everything() {
        let access =
            |patterns: &[&str]| ModelAccess::new(&patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>());
        assert!(access(&["*"]).allows("p", "m"));
        assert!(access(&["p/*"]).allows("p", "m") && !access(&["p/*"]).allows("q", "m"));
        assert!(access(&["m"]).allows("p", "m") && !access(&["m"]).allows("p", "n"));
        assert!(access(&["p/m"]).allows("p", "m") && !access(&["p/m"]).allows("q", "m"));
        assert!(!access(&[]).allows("p", "m"));
    }

    #[test]
    fn a_document_survives_its_wire_form() {
        let doc = SnapshotDoc {
            number: 3,
            providers: vec![provider("a", "http://a")],
            deployments: vec![deployment("m", "a")],
            ..SnapshotDoc::default()
        };
        let text = serde_json::to_string(&doc).expect("a document is JSON");
        assert_eq!(serde_json::from_str::<SnapshotDoc>(&text).expect("it reads back"), doc);
        assert!(serde_json::from_str::<SnapshotDoc>(&text.replace("number", "nummer")).is_err());
    }
}
