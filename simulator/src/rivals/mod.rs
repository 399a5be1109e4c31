//! What other gateways and load balancers do, as strategies by name.
//!
//! Written from their documentation and source as of late 2026, with the constants that they ship, and without anything
//! that would make them weaker than they are. Where a description leaves something open, the stronger reading is taken:
//! all get the same retries on untried deployments with the same budget, and where every deployment is out a LiteLLM
//! strategy waits for the first to come back instead of failing.
//!
//! Most are a [`guard::Guard`] (who may be asked at all) and a [`guard::Pick`] (who is asked of these).

mod affinity;
mod breakers;
mod cooldown;
mod declared;
mod ewma;
mod guard;
mod latency;
mod load;
mod oblivious;
mod outlier;
mod windows;

use router_core::domain::Seed;

use crate::chance::Dice;
use crate::strategy::{Facts, Strategy};

use affinity::CacheAware;
use breakers::ConsecutiveFailures;
use cooldown::Cooldown;
use declared::{LowestCost, UsageBased};
use ewma::{HealthScore, PeakEwma};
use guard::{Guarded, Unguarded};
use latency::LowestLatency;
use load::{C3, HotCold, LeastBusy};
use oblivious::{InOrder, InversePrice, RoundRobin, Shuffle, SmoothWeighted, Uniform};
use outlier::OutlierEjection;
use windows::{ErrorRate, RecentOutage};

/// A rival: its name, what it is, and how it is made.
pub struct Rival {
    /// Its name on command lines and in tables.
    pub name: &'static str,
    /// Whose it is and what it does, in a line.
    pub about: &'static str,
    build: fn(&[Facts], Dice) -> Box<dyn Strategy>,
}

impl Rival {
    /// A fresh one.
    pub fn build(&self, facts: &[Facts], seed: Seed) -> Box<dyn Strategy> {
        (self.build)(facts, Dice::new(seed.fork(self.name)))
    }
}

/// The rival of a name.
pub fn named(name: &str) -> Option<&'static Rival> {
    ALL.iter().find(|rival| rival.name == name)
}

/// Every rival, in the order of tables.
pub const ALL: &[Rival] = &[
    Rival {
        name: "random",
        about: "each deployment with the same chance; no memory",
        build: |_, dice| Guarded::boxed(Unguarded, Uniform, dice),
    },
    Rival {
        name: "round_robin",
        about: "one after the other; no memory",
        build: |_, dice| Guarded::boxed(Unguarded, RoundRobin::default(), dice),
    },
    Rival {
        name: "weighted",
        about: "nginx's smooth weighted round robin by the operator's weights; no memory",
        build: |facts, dice| Guarded::boxed(Unguarded, SmoothWeighted::new(facts), dice),
    },
    Rival {
        name: "priority",
        about: "failover in the listed order, with LiteLLM's cooldown",
        build: |facts, dice| Guarded::boxed(Cooldown::new(facts.len()), InOrder, dice),
    },
    Rival {
        name: "simple_shuffle",
        about: "LiteLLM's default: random by weight or declared limits, with cooldown",
        build: |facts, dice| Guarded::boxed(Cooldown::new(facts.len()), Shuffle::new(facts), dice),
    },
    Rival {
        name: "least_busy",
        about: "LiteLLM: fewest in flight, the first of several, with cooldown",
        build: |facts, dice| Guarded::boxed(Cooldown::new(facts.len()), LeastBusy::new(facts.len()), dice),
    },
    Rival {
        name: "lowest_latency",
        about: "LiteLLM: least mean of the last ten times to the first token, with cooldown",
        build: |facts, dice| Guarded::boxed(Cooldown::new(facts.len()), LowestLatency::new(facts), dice),
    },
    Rival {
        name: "lowest_cost",
        about: "LiteLLM: least price of input plus output within declared limits, with cooldown",
        build: |facts, dice| Guarded::boxed(Cooldown::new(facts.len()), LowestCost::new(facts), dice),
    },
    Rival {
        name: "usage_based_v2",
        about: "LiteLLM: fewest tokens in this minute within declared limits, with cooldown",
        build: |facts, dice| Guarded::boxed(Cooldown::new(facts.len()), UsageBased::new(facts), dice),
    },
    Rival {
        name: "helicone",
        about: "Helicone: two choices by peak EWMA (30 s), with monitors of errors and 429s",
        build: |facts, dice| {
            Guarded::boxed(ErrorRate::new(facts.len()), PeakEwma::new(facts.len(), &ewma::HELICONE), dice)
        },
    },
    Rival {
        name: "linkerd",
        about: "linkerd2-proxy: two choices by penalty peak EWMA (10 s), with a breaker",
        build: |facts, dice| {
            let breaker = ConsecutiveFailures::new(facts.len(), dice.for_each(1));
            Guarded::boxed(breaker, PeakEwma::new(facts.len(), &ewma::LINKERD), dice)
        },
    },
    Rival {
        name: "agentgateway",
        about: "agentgateway: two choices by health over latency, no ejection by default",
        build: |facts, dice| Guarded::boxed(Unguarded, HealthScore::new(facts.len()), dice),
    },
    Rival {
        name: "openrouter",
        about: "OpenRouter: by 1/price², those without an outage in the last 30 s",
        build: |facts, dice| Guarded::boxed(RecentOutage::new(facts.len()), InversePrice::new(facts), dice),
    },
    Rival {
        name: "envoy",
        about: "Envoy: round robin with outlier ejection",
        build: |facts, dice| Guarded::boxed(OutlierEjection::new(facts.len()), RoundRobin::default(), dice),
    },
    Rival {
        name: "prequal",
        about: "Prequal without probes: hot and cold by requests in flight, then latency",
        build: |facts, dice| Guarded::boxed(Unguarded, HotCold::new(facts.len()), dice),
    },
    Rival {
        name: "c3",
        about: "C3: latency plus the cube of the queue",
        build: |facts, dice| Guarded::boxed(Unguarded, C3::new(facts.len()), dice),
    },
    Rival {
        name: "cache_aware",
        about: "SGLang's router: longest cached prefix unless the load is uneven, with LiteLLM's cooldown",
        build: |facts, dice| Guarded::boxed(Cooldown::new(facts.len()), CacheAware::new(facts.len()), dice),
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rival_has_a_name_of_its_own() {
        let names: BTreeSet<_> = ALL.iter().map(|rival| rival.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.iter().all(|rival| named(rival.name).is_some_and(|found| found.name == rival.name)));
    }
}
