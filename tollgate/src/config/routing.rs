//! How one of several deployments is chosen: the `[routing]` section, and what deployments and providers say of
//! themselves.

use std::time::Duration;

use router_core::domain::Credits;
use router_core::plan::Strategy;
use router_core::snapshot::{PolicyDoc, Preset};
use serde::{Deserialize, Deserializer};

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
        serde::de::Error::custom(format!("there is no strategy {name:?}; there are: {}", known.join(", ")))
    })
}
