//! How one of several deployments is chosen: the `[routing]` section, and what deployments say of themselves.

use std::time::Duration;

use router_core::domain::{Capability, Credits};
use router_core::plan::Strategy;
use router_core::snapshot::{CacheDoc, PolicyDoc, Preset};
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, de};

use super::decode::nearest;
use super::values::{some_credits, some_duration};

/// `[routing]`
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Routing {
    pub(super) preset: Preset,
    #[serde(deserialize_with = "strategy")]
    pub(super) strategy: Option<Strategy>,
    #[serde(deserialize_with = "some_credits")]
    pub(super) second_of_waiting: Option<Credits>,
    #[serde(deserialize_with = "some_credits")]
    pub(super) second_of_decoding: Option<Credits>,
    #[serde(deserialize_with = "some_credits")]
    pub(super) price_of_error: Option<Credits>,
    #[serde(deserialize_with = "some_duration")]
    pub(super) first_token: Option<Duration>,
    #[serde(deserialize_with = "some_duration")]
    pub(super) whole_answer: Option<Duration>,
    #[serde(deserialize_with = "some_credits")]
    pub(super) price_of_miss: Option<Credits>,
    pub(super) attempts_max: Option<u32>,
}

impl Routing {
    /// As the data plane is told.
    pub(super) fn policy(&self) -> PolicyDoc {
        PolicyDoc {
            preset: self.preset,
            strategy: self.strategy.map(|strategy| strategy.name().to_owned()),
            second_of_waiting: self.second_of_waiting,
            second_of_decoding: self.second_of_decoding,
            price_of_error: self.price_of_error,
            first_token: self.first_token,
            whole_answer: self.whole_answer,
            price_of_miss: self.price_of_miss,
            attempts_max: self.attempts_max,
            hedging: None,
        }
    }
}

fn strategy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Strategy>, D::Error> {
    let name = String::deserialize(deserializer)?;
    Strategy::named(&name).map(Some).ok_or_else(|| {
        let known: Vec<_> = Strategy::ALL.iter().map(|strategy| strategy.name()).collect();
        de::Error::custom(format!("there is no strategy {name:?}; there are: {}", known.join(", ")))
    })
}

/// `cache` of a deployment: what is declared of its provider's prompt cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cache {
    /// There is none, whatever the provider's kind has.
    Off,
    /// So it is; what is not said is as the provider's kind has it.
    On(CacheShape),
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CacheShape {
    tokens_min: Option<u32>,
    #[serde(deserialize_with = "some_duration")]
    ttl: Option<Duration>,
    bills_writes: Option<bool>,
}

/// What most caches have in common.
const USUAL_CACHE: CacheDoc = CacheDoc { tokens_min: 1024, ttl_s: 300, bills_writes: false };

impl Cache {
    /// As the data plane is told, where the provider's kind has `usual`.
    pub(super) fn of(said: Option<Self>, usual: Option<CacheDoc>) -> Option<CacheDoc> {
        match said {
            None => usual,
            Some(Self::Off) => None,
            Some(Self::On(shape)) => {
                let usual = usual.unwrap_or(USUAL_CACHE);
                let ttl_s = shape.ttl.map(|ttl| u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX));
                Some(CacheDoc {
                    tokens_min: shape.tokens_min.unwrap_or(usual.tokens_min),
                    ttl_s: ttl_s.unwrap_or(usual.ttl_s),
                    bills_writes: shape.bills_writes.unwrap_or(usual.bills_writes),
                })
            }
        }
    }
}

impl<'de> Deserialize<'de> for Cache {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CacheVisitor)
    }
}

struct CacheVisitor;

impl<'de> de::Visitor<'de> for CacheVisitor {
    type Value = Cache;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("false, or a table such as { tokens_min = 1024, ttl = \"5m\", bills_writes = true }")
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<Cache, E> {
        if on { Err(E::invalid_value(de::Unexpected::Bool(true), &self)) } else { Ok(Cache::Off) }
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Cache, A::Error> {
        CacheShape::deserialize(MapAccessDeserializer::new(map)).map(Cache::On)
    }
}

/// Names of capabilities.
pub(super) fn capabilities<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Capability>>, D::Error> {
    let read = |name: &String| {
        let known = Capability::ALL.map(Capability::name);
        Capability::named(name).ok_or_else(|| {
            let hint = match nearest(name, &known) {
                Some(meant) => format!("did you mean {meant:?}?"),
                None => format!("there are: {}", known.join(", ")),
            };
            de::Error::custom(format!("there is no capability {name:?}; {hint}"))
        })
    };
    Vec::<String>::deserialize(deserializer)?.iter().map(read).collect::<Result<_, _>>().map(Some)
}
