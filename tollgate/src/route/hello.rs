//! The first line: what there is to choose from, and what is wanted.

use std::time::Duration;

use router_core::domain::{DeploymentId, Id128};
use router_core::plan::{Facts, Layout, PromptCache, Quota};
use serde::Deserialize;

use crate::declared::{PolicyFile, PriceFile};

/// Deployments that one process may have.
const DEPLOYMENTS_MAX: usize = 4_096;

/// Deployments and a policy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hello {
    pub(super) deployments: Vec<Deployment>,
    #[serde(default)]
    accounts: Vec<Account>,
    #[serde(default)]
    pub(super) policy: PolicyFile,
    /// Within which a first token is wanted.
    #[serde(default = "two")]
    pub(super) objective_s: f64,
    #[serde(default = "one")]
    pub(super) seed: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deployment {
    pub(super) name: String,
    price: Option<PriceFile>,
    account: Option<String>,
    context_window: Option<u32>,
    output_max: Option<u32>,
    weight: Option<u32>,
    #[serde(default)]
    priority: u8,
    cache: Option<Cache>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cache {
    ttl_s: f64,
    tokens_min: u32,
    #[serde(default)]
    bills_writes: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    name: String,
    requests_per_minute: Option<u64>,
    tokens_per_minute: Option<u64>,
}

impl Hello {
    /// What a board is made of.
    pub(super) fn layout(&self) -> Result<Layout, String> {
        if self.deployments.is_empty() || self.deployments.len() > DEPLOYMENTS_MAX {
            return Err(format!("`deployments`: expected 1 to {DEPLOYMENTS_MAX}"));
        }
        for (place, deployment) in self.deployments.iter().enumerate() {
            if self.deployments[..place].iter().any(|other| other.name == deployment.name) {
                return Err(format!("there are two deployments called {:?}", deployment.name));
            }
        }
        let quota = |account: &Account| Quota {
            id: id(&account.name),
            requests_per_minute: account.requests_per_minute,
            tokens_per_minute: account.tokens_per_minute,
        };
        Ok(Layout {
            deployments: self.deployments.iter().map(|it| it.facts(&self.accounts)).collect::<Result<_, _>>()?,
            accounts: self.accounts.iter().map(quota).collect(),
            ..Layout::default()
        })
    }
}

impl Deployment {
    fn facts(&self, accounts: &[Account]) -> Result<Facts, String> {
        let wrong = |message: String| format!("deployment {:?}: {message}", self.name);
        let account = match &self.account {
            None => usize::MAX,
            Some(wanted) => accounts
                .iter()
                .position(|account| account.name == *wanted)
                .ok_or_else(|| wrong(format!("there is no account {wanted:?}")))?,
        };
        let defaults = Facts::new(DeploymentId(id(&self.name)));
        Ok(Facts {
            model: id("model"),
            account,
            price: self.price.as_ref().map(PriceFile::price).transpose().map_err(wrong)?,
            context_window: self.context_window,
            output_max: self.output_max,
            weight: self.weight.unwrap_or(defaults.weight),
            priority: self.priority,
            cache: self.cache.as_ref().map(Cache::facts).transpose().map_err(|message| wrong(message.to_owned()))?,
            ..defaults
        })
    }
}

impl Cache {
    fn facts(&self) -> Result<PromptCache, &'static str> {
        let ttl = seconds(self.ttl_s).ok_or("`ttl_s` is not a number of seconds")?;
        Ok(PromptCache { tokens_min: self.tokens_min, ttl, bills_writes: self.bills_writes })
    }
}

/// A duration of so many seconds, if that is one.
pub(super) fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

fn id(name: &str) -> Id128 {
    DeploymentId::named(name).0
}

const fn two() -> f64 {
    2.0
}

const fn one() -> u64 {
    1
}
