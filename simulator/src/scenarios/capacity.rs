//! Scenarios in which something is scarce.

use super::Scenario;
use super::fleets::{CHAT, at, open, regional};
use crate::traffic::{Class, Spread, Traffic};
use crate::world::{Account, Deployment, FaultKind, World};

pub(super) fn rate_caps(length_s: f64) -> Scenario {
    let account = |requests: f64, tokens: f64| Account {
        requests_per_minute: Some(requests),
        tokens_per_minute: Some(tokens),
        burst_s: 10.0,
        headers: true,
        retry_after: true,
    };
    let deployments = vec![
        Deployment::new("bargain").speed(0.60, 0.08, 14.0).price(0.15, 0.40).account(0).weight(2),
        Deployment::new("bargain-2").speed(0.65, 0.08, 14.0).price(0.15, 0.40).account(0).weight(2),
        Deployment::new("capped").speed(0.45, 0.06, 12.0).price(0.40, 1.00).account(1).weight(3),
        Deployment::new("open").speed(0.40, 0.05, 11.0).price(0.90, 2.40).account(2).weight(6),
    ];
    let small = Class { share: 0.7, prompt: Spread::new(500.0, 0.6), output: Spread::new(150.0, 0.6), ..CHAT };
    let large = Class { share: 0.3, prompt: Spread::new(6_000.0, 0.6), output: Spread::new(500.0, 0.6), ..CHAT };
    Scenario {
        name: "rate_caps",
        about: "The cheap account lets in 150 requests and 600,000 tokens a minute, the next 240 and 600,000, the dear \
                one six times as much; small and large requests, 12/s. Headers tell what is left.",
        world: World {
            deployments,
            accounts: vec![account(150.0, 600_000.0), account(240.0, 600_000.0), account(1_500.0, 4_000_000.0)],
        },
        traffic: Traffic { classes: vec![small, large], ..Traffic::steady(12.0, length_s, small) },
        objective_s: 2.0,
        patience_s: 30.0,
    }
}

pub(super) fn surge(length_s: f64) -> Scenario {
    let rate = vec![
        (0.0, 8.0),
        (0.3 * length_s, 8.0),
        (0.35 * length_s, 26.0),
        (0.6 * length_s, 26.0),
        (0.65 * length_s, 8.0),
    ];
    Scenario {
        name: "surge",
        about: "One model in four regions with 150 slots; from 8 to 26 requests/s for a third of the time, which takes \
                nearly all of them. Others wait in line.",
        world: regional(),
        traffic: Traffic { rate, ..Traffic::steady(8.0, length_s, CHAT) },
        objective_s: 2.0,
        patience_s: 30.0,
    }
}

pub(super) fn several_gateways(length_s: f64) -> Scenario {
    let mut world = open();
    // Small providers: no gateway alone sees their load.
    for (name, slots) in [("lowland", 30), ("midway", 20), ("harbour", 24), ("swift", 8), ("plateau", 40)] {
        at(&mut world, name).slots = Some(slots);
    }
    let slow = at(&mut world, "midway").clone().fault(0.4 * length_s, 0.7 * length_s, FaultKind::Slow(4.0));
    *at(&mut world, "midway") = slow;
    Scenario {
        name: "several_gateways",
        about: "Six gateways that know nothing of each other share 14 requests/s and five small providers (8 to 40 \
                slots); the best of these is four times as slow for a third of the time.",
        world,
        traffic: Traffic { replicas: 6, ..Traffic::steady(14.0, length_s, CHAT) },
        objective_s: 2.5,
        patience_s: 30.0,
    }
}
