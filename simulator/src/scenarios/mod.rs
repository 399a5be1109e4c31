//! The worlds in which strategies are compared, each with its numbers.
//!
//! Every scenario is made for a length: what goes wrong does so at a part of it, so that a short run has the same story
//! in less time. Prices are dollars per million tokens, of the size that providers of open-weights models asked in 2026.

mod capacity;
mod failing;
mod fleets;
mod pricing;

use router_core::domain::{Credits, Seed};

use crate::production::{self, Production};
use crate::provider::usage;
use crate::report::{Report, Weights, micro_dollars};
use crate::rivals::Rival;
use crate::run::{Job, Mind, facts, run};
use crate::strategy::Strategy;
use crate::traffic::{Request, Traffic};
use crate::world::World;

/// One world, its clients, and what they care about.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name in tables.
    pub name: &'static str,
    /// What happens, in a sentence.
    pub about: &'static str,
    /// The providers.
    pub world: World,
    /// The clients.
    pub traffic: Traffic,
    /// Seconds within which a first token is wanted.
    pub objective_s: f64,
    /// Seconds after which a client without a token leaves.
    pub patience_s: f64,
}

/// Every scenario, for runs of this many seconds.
pub fn all(length_s: f64) -> Vec<Scenario> {
    let make: [fn(f64) -> Scenario; 16] = [
        pricing::steady,
        pricing::price_spread,
        pricing::shared_prefixes,
        pricing::long_and_short,
        capacity::rate_caps,
        capacity::surge,
        capacity::several_gateways,
        failing::slow_replica,
        failing::brownout,
        failing::error_bursts,
        failing::black_hole,
        failing::hang,
        failing::stalls,
        failing::throttle_sinkhole,
        failing::total_outage,
        failing::bad_day,
    ];
    make.into_iter().map(|make| make(length_s)).collect()
}

/// A scenario with its requests, ready to be run by any strategy.
pub struct Trial<'a> {
    scenario: &'a Scenario,
    requests: Vec<Request>,
    seed: Seed,
    /// On which terms its losses are counted.
    pub weights: Weights,
}

impl<'a> Trial<'a> {
    /// Draws the requests.
    pub fn new(scenario: &'a Scenario, seed: Seed) -> Self {
        let seed = seed.fork(scenario.name);
        let requests = scenario.traffic.requests(seed.fork("traffic"));
        let weights = Weights::balanced(mean_cost(&scenario.world, &requests), scenario.objective_s);
        Self { scenario, requests, seed, weights }
    }

    /// Runs a rival.
    pub fn rival(&self, rival: &Rival) -> Report {
        let facts = facts(&self.scenario.world);
        self.each(|gateway| Mind::Strategy(rival.build(&facts, self.seed.fork("rival").step(gateway))))
    }

    /// Runs any strategy, made for each gateway by its number.
    pub fn strategy(&self, make: impl Fn(u32) -> Box<dyn Strategy>) -> Report {
        self.each(|gateway| Mind::Strategy(make(gateway)))
    }

    /// Runs the gateway's own engine with the policy that wants what losses are counted by.
    pub fn production(&self) -> Report {
        let (facts, policy) = (facts(&self.scenario.world), production::policy(&self.weights));
        self.strategy(|gateway| Box::new(Production::new(&facts, policy, self.seed.fork("production").step(gateway))))
    }

    /// Runs the oracle.
    pub fn oracle(&self) -> Report {
        self.each(|_| Mind::Oracle)
    }

    fn each(&self, mind: impl Fn(u32) -> Mind) -> Report {
        let job = Job {
            world: &self.scenario.world,
            requests: &self.requests,
            weights: &self.weights,
            patience_s: self.scenario.patience_s,
            seed: self.seed,
        };
        run(&job, (0u32..).take(self.scenario.traffic.replicas).map(mind).collect())
    }
}

/// What a request costs on average, over all requests and deployments and without caches: the size of its errors.
pub fn mean_cost(world: &World, requests: &[Request]) -> f64 {
    let cost = |request: &Request| {
        let costs = world.deployments.iter().map(|deployment| {
            let used = usage(deployment, request.prompt_tokens, 0, request.output_tokens);
            micro_dollars(deployment.price.charge(&used).unwrap_or(Credits::ZERO))
        });
        costs.sum::<f64>() / (world.deployments.len().max(1) as f64)
    };
    requests.iter().map(cost).sum::<f64>() / (requests.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rivals;

    #[test]
    fn scenarios_have_names_of_their_own_and_requests_that_fit() {
        let all = all(60.0);
        let names: BTreeSet<_> = all.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), all.len());
        for scenario in &all {
            let trial = Trial::new(scenario, Seed::new(1));
            assert!(trial.requests.len() > 100, "{}", scenario.name);
            assert!(trial.requests.iter().all(|request| request.replica < scenario.traffic.replicas));
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_every_request_ends() {
        for scenario in &all(30.0) {
            let trial = Trial::new(scenario, Seed::new(4));
            for rival in rivals::ALL {
                let report = trial.rival(rival);
                assert_eq!(report.requests, trial.requests.len() as u64, "{} {}", scenario.name, rival.name);
                assert_eq!(report, trial.rival(rival), "{} {}", scenario.name, rival.name);
            }
        }
    }
}
