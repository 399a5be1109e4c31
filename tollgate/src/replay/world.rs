//! The file that describes a world: deployments with their speed, prices, limits and faults, and what clients want.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};
use tollgate_simulator::set::DEPLOYMENTS_MAX;
use tollgate_simulator::world;

use super::problem::Problems;
use crate::config::parse_duration;
use crate::declared::{PolicyFile, PriceFile};

/// Gateways that one run may have.
const GATEWAYS_MAX: usize = 256;

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// How soon a first token is wanted.
    #[serde(default = "two_seconds", deserialize_with = "duration")]
    pub(super) objective: Duration,
    /// When a client without a token leaves.
    #[serde(default = "half_a_minute", deserialize_with = "duration")]
    pub(super) patience: Duration,
    /// Gateways that share the requests and know nothing of each other.
    #[serde(default = "one")]
    pub(super) gateways: usize,
    #[serde(default)]
    accounts: Vec<Account>,
    deployments: Vec<Deployment>,
    /// Policies by name, for `--policy`.
    #[serde(default)]
    pub(super) policies: std::collections::BTreeMap<String, PolicyFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    name: String,
    requests_per_minute: Option<u32>,
    tokens_per_minute: Option<u32>,
    #[serde(default = "ten_seconds", deserialize_with = "duration")]
    burst: Duration,
    #[serde(default = "yes")]
    headers: bool,
    #[serde(default = "yes")]
    retry_after: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deployment {
    name: toml::Spanned<String>,
    #[serde(deserialize_with = "duration")]
    first_token: Duration,
    #[serde(default, deserialize_with = "duration")]
    first_token_per_1k_tokens: Duration,
    #[serde(default, deserialize_with = "duration")]
    first_token_per_active: Duration,
    #[serde(default = "usual_spread")]
    first_token_spread: f64,
    tokens_per_second: f64,
    slots: Option<usize>,
    price: PriceFile,
    cache: Option<Cache>,
    account: Option<toml::Spanned<String>>,
    #[serde(default = "usual_window")]
    context_window: u32,
    #[serde(default = "one_u32")]
    weight: u32,
    #[serde(default)]
    faults: Vec<Fault>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cache {
    #[serde(default = "five_minutes", deserialize_with = "duration")]
    ttl: Duration,
    #[serde(default = "usual_minimum")]
    tokens_min: u32,
    #[serde(default = "usual_found")]
    found: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    kind: toml::Spanned<Kind>,
    #[serde(deserialize_with = "duration")]
    from: Duration,
    #[serde(deserialize_with = "duration")]
    to: Duration,
    /// Of `slow` and `brownout`: how many times as long everything takes.
    times: Option<f64>,
    /// Of `errors`, `throttle` and `stall`: which part of the requests it hits.
    share: Option<f64>,
    /// Of `slots`: how many are left.
    slots: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Slow,
    Brownout,
    Slots,
    Refuse,
    BlackHole,
    Hang,
    Errors,
    Throttle,
    Stall,
}

/// Reads a world. `name` is the file's, for what is wrong with it.
pub(super) fn read(name: &str, text: &str) -> Result<(File, world::World), Problems> {
    let mut problems = Problems::of(name);
    let line = |span: Range<usize>| text[..span.start.min(text.len())].matches('\n').count() + 1;
    let file: File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let at = error.span().map_or(1, line);
            return Err(problems.only(at, error.message().replace('\n', " ")));
        }
    };
    let mut complain = |at: usize, message: String| {
        problems.put(at, message);
    };
    if file.deployments.is_empty() || file.deployments.len() > DEPLOYMENTS_MAX {
        complain(1, format!("a world has 1 to {DEPLOYMENTS_MAX} deployments, and this one {}", file.deployments.len()));
    }
    if !(1..=GATEWAYS_MAX).contains(&file.gateways) {
        complain(1, format!("`gateways`: expected 1 to {GATEWAYS_MAX}"));
    }
    let mut deployments = Vec::new();
    for deployment in &file.deployments {
        let at = line(deployment.name.span());
        match deployment.model(&file.accounts, &line) {
            Ok(model) => deployments.push(model),
            Err((place, message)) => {
                complain(place.unwrap_or(at), format!("`{}`: {message}", deployment.name.as_ref()));
            }
        }
    }
    if problems.any() {
        return Err(problems);
    }
    let accounts = file.accounts.iter().map(Account::model).collect();
    Ok((file, world::World { deployments, accounts }))
}

impl Account {
    fn model(&self) -> world::Account {
        world::Account {
            requests_per_minute: self.requests_per_minute.map(f64::from),
            tokens_per_minute: self.tokens_per_minute.map(f64::from),
            burst_s: self.burst.as_secs_f64(),
            headers: self.headers,
            retry_after: self.retry_after,
        }
    }
}

/// What is wrong, and on which line if it is not the deployment's own.
type Wrong = (Option<usize>, String);

impl Deployment {
    fn model(&self, accounts: &[Account], line: &impl Fn(Range<usize>) -> usize) -> Result<world::Deployment, Wrong> {
        let account = self.account.as_ref().map(|wanted| {
            let found = accounts.iter().position(|account| account.name == *wanted.as_ref());
            found.ok_or_else(|| (Some(line(wanted.span())), format!("there is no account {:?}", wanted.as_ref())))
        });
        let positive = |number: f64| number.is_finite() && number > 0.0;
        if !positive(self.tokens_per_second) || !(0.0..=3.0).contains(&self.first_token_spread) {
            let message = "`tokens_per_second` must be above 0, and `first_token_spread` from 0 to 3";
            return Err((None, message.to_owned()));
        }
        if self.slots == Some(0) {
            return Err((None, "`slots`: expected at least 1; leave it out for a provider without a bound".to_owned()));
        }
        let faults = self.faults.iter().map(|fault| fault.model(line)).collect::<Result<Vec<_>, _>>()?;
        Ok(world::Deployment {
            name: self.name.as_ref().clone(),
            first_token: world::FirstToken {
                base_s: self.first_token.as_secs_f64(),
                per_1k_s: self.first_token_per_1k_tokens.as_secs_f64(),
                per_active_s: self.first_token_per_active.as_secs_f64(),
                sigma: self.first_token_spread,
            },
            per_token_s: self.tokens_per_second.recip(),
            slots: self.slots,
            price: self.price.price().map_err(|message| (None, message))?,
            cache: self.cache.as_ref().map(Cache::model),
            account: account.transpose()?,
            window_tokens: u64::from(self.context_window),
            weight: self.weight.max(1),
            faults,
        })
    }
}

impl Cache {
    fn model(&self) -> world::Cache {
        world::Cache {
            ttl_s: self.ttl.as_secs_f64(),
            tokens_min: u64::from(self.tokens_min),
            found: self.found.clamp(0.0, 1.0),
        }
    }
}

impl Fault {
    fn model(&self, line: &impl Fn(Range<usize>) -> usize) -> Result<world::Fault, Wrong> {
        let wrong = |message: &str| (Some(line(self.kind.span())), message.to_owned());
        if self.from >= self.to {
            return Err(wrong("a fault's `from` must be before its `to`"));
        }
        let times = || self.times.filter(|times| *times >= 1.0 && times.is_finite());
        let times = || times().ok_or_else(|| wrong("this kind of fault needs `times`, a number from 1 on"));
        let share = || self.share.filter(|share| (0.0..=1.0).contains(share));
        let share = || share().ok_or_else(|| wrong("this kind of fault needs `share`, a number from 0 to 1"));
        let kind = match self.kind.as_ref() {
            Kind::Slow => world::FaultKind::Slow(times()?),
            Kind::Brownout => world::FaultKind::Brownout(times()?),
            Kind::Slots => world::FaultKind::Slots(
                self.slots.filter(|slots| *slots > 0).ok_or_else(|| wrong("this kind of fault needs `slots`"))?,
            ),
            Kind::Refuse => world::FaultKind::Refuse,
            Kind::BlackHole => world::FaultKind::BlackHole,
            Kind::Hang => world::FaultKind::Hang,
            Kind::Errors => world::FaultKind::Errors(share()?),
            Kind::Throttle => world::FaultKind::Throttle(share()?),
            Kind::Stall => world::FaultKind::Stall(share()?),
        };
        Ok(world::Fault { from_s: self.from.as_secs_f64(), to_s: self.to.as_secs_f64(), kind })
    }
}

/// A duration as people write it.
pub(super) fn duration<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(value)?).map_err(D::Error::custom)
}

const fn two_seconds() -> Duration {
    Duration::from_secs(2)
}

const fn half_a_minute() -> Duration {
    Duration::from_secs(30)
}

const fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

const fn five_minutes() -> Duration {
    Duration::from_secs(300)
}

const fn one() -> usize {
    1
}

const fn one_u32() -> u32 {
    1
}

const fn yes() -> bool {
    true
}

const fn usual_spread() -> f64 {
    0.35
}

const fn usual_window() -> u32 {
    128_000
}

const fn usual_minimum() -> u32 {
    1_024
}

const fn usual_found() -> f64 {
    0.9
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOYMENT: &str = "[[deployments]]\nname = \"a\"\nfirst_token = \"500ms\"\ntokens_per_second = 80\n\
                              price = { input = \"0.15\", output = \"0.60\" }\n";

    fn bad(text: &str) -> String {
        read("w.toml", text).expect_err("a mistake").to_string()
    }

    #[test]
    fn what_is_not_said_is_usual() {
        let (file, world) = read("w", DEPLOYMENT).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!((file.gateways, file.objective), (1, Duration::from_secs(2)));
        let deployment = &world.deployments[0];
        assert_eq!(deployment.per_token_s, 0.0125);
        assert_eq!(deployment.price.cache_read, deployment.price.input);
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let with = |more: &str| bad(&format!("{DEPLOYMENT}{more}"));
        assert!(with("slot = 3\n").contains("w.toml:6: unknown field `slot`"), "{}", with("slot = 3\n"));
        assert!(with("account = \"x\"\n").contains("w.toml:6: `a`: there is no account \"x\""));
        let fault = "[[deployments.faults]]\nkind = \"slow\"\nfrom = \"1m\"\nto = \"2m\"\n";
        assert!(with(fault).contains("w.toml:7: `a`: this kind of fault needs `times`"), "{}", with(fault));
        assert!(with("slots = 0\n").contains("w.toml:2: `a`: `slots`: expected at least 1"));
        assert!(bad("deployments = []\n").contains("w.toml:1: a world has 1 to 64 deployments"));
        assert!(bad("[[deployments]\n").starts_with("w.toml:1: "));
        let priced = DEPLOYMENT.replace("0.15", "cheap");
        assert!(bad(&priced).contains("expected a price per million tokens"));
    }
}
