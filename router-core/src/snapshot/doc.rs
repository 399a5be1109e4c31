//! The wire form of a snapshot. Two planes of different age read each other's: fields are added, never renamed.

use serde::{Deserialize, Serialize};

use super::routing::{PolicyDoc, QuotaDoc, TraitsDoc};
use crate::domain::{DeploymentId, Dialect, KeyDigest, KeyId, Price, ProviderId, Style, TenantId, Timestamp};

/// Everything a proxy needs to serve requests, without any secret: provider credentials travel apart, sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotDoc {
    /// Grows by one with every publication; a proxy never goes back to a smaller one.
    pub number: u64,
    /// Accounts at providers.
    pub providers: Vec<ProviderDoc>,
    /// Models at those providers, in the order in which the listing shows them.
    pub deployments: Vec<DeploymentDoc>,
    /// The keys that may be used.
    pub keys: Vec<KeyDoc>,
    /// How one of several deployments of a model is chosen.
    #[serde(default)]
    pub policy: PolicyDoc,
}

/// An account at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderDoc {
    /// Its identity.
    pub id: ProviderId,
    /// The part before the slash in `provider/model`.
    pub name: String,
    /// The API it speaks.
    pub dialect: Dialect,
    /// Further APIs that it speaks, for clients that speak them too.
    #[serde(default)]
    pub also: Vec<Dialect>,
    /// In what it differs from that API's own vendor.
    #[serde(default)]
    pub style: Style,
    /// Where the API starts, such as `https://api.openai.com/v1`: scheme, host, optional port and path.
    pub base_url: String,
    /// Whether to speak HTTP/2 with it; HTTP/1.1 otherwise.
    pub http2: bool,
    /// PEM file of the certificate authorities to trust for it, in place of the system's.
    pub ca_file: Option<String>,
    /// Whether `provider/anything` is passed on, or only the declared deployments.
    pub any_model: bool,
    /// What the account allows.
    #[serde(default)]
    pub quota: QuotaDoc,
}

/// One model at one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentDoc {
    /// Its identity.
    pub id: DeploymentId,
    /// The name that clients ask for; several deployments may share it.
    pub model: String,
    /// The account that serves it.
    pub provider: ProviderId,
    /// The name that the provider knows it by.
    pub provider_model: String,
    /// What its tokens cost, if that is known.
    pub price: Option<Price>,
    /// What else routing is told of it.
    #[serde(default)]
    pub traits: TraitsDoc,
}

/// A key of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyDoc {
    /// Its identity, for logs and the ledger.
    pub id: KeyId,
    /// Whose it is.
    pub tenant: TenantId,
    /// SHA-256 of the key.
    pub digest: KeyDigest,
    /// The models it may use: `*` for all, `provider/*` for all of one provider, otherwise `model` or `provider/model`.
    pub models: Vec<String>,
    /// The moment from which on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Whether a request is refused of which a provider's API cannot express everything; else it is sent without that,
    /// and the answer says what was left out.
    #[serde(default)]
    pub refuse_lossy: bool,
}
