//! Scenarios in which nothing fails: what is cheap, what is fast, what is cached.

use super::Scenario;
use super::fleets::{CHAT, open};
use crate::traffic::{Class, Session, Spread, Traffic};
use crate::world::{Deployment, World};

pub(super) fn steady(length_s: f64) -> Scenario {
    Scenario {
        name: "steady",
        about: "Five providers of one model ($0.23/0.40 and slow to $0.88/0.88 and fast), 10 requests/s of chat, nothing goes wrong.",
        world: open(),
        traffic: Traffic::steady(10.0, length_s, CHAT),
        objective_s: 2.5,
        patience_s: 30.0,
    }
}

pub(super) fn price_spread(length_s: f64) -> Scenario {
    let deployments = vec![
        Deployment::new("bargain").speed(1.00, 0.30, 25.0).price(0.15, 0.45).slots(80).weight(3),
        Deployment::new("standard").speed(0.50, 0.10, 14.0).price(0.35, 1.00).slots(60).weight(2),
        Deployment::new("premium").speed(0.20, 0.02, 6.0).price(0.90, 2.00).slots(60).weight(1),
    ];
    Scenario {
        name: "price_spread",
        about: "Three tiers six-fold apart in price; the first token is wanted within 1.5 s, which the cheapest makes \
                for short prompts only. 10 requests/s.",
        world: World { deployments, accounts: Vec::new() },
        traffic: Traffic::steady(10.0, length_s, CHAT),
        objective_s: 1.5,
        patience_s: 30.0,
    }
}

pub(super) fn shared_prefixes(length_s: f64) -> Scenario {
    let cached = |name: &str, base_s: f64| {
        Deployment::new(name).speed(base_s, 0.12, 12.0).price(0.50, 1.50).cache(0.05, 0.50).slots(50)
    };
    let agents = Class {
        share: 1.0,
        prompt: Spread::new(600.0, 0.8),
        output: Spread::new(250.0, 0.7),
        max_tokens: 2_000,
        session: Some(Session { apps: 12, system_tokens: 6_144, turns: 8.0, think_s: 25.0 }),
    };
    Scenario {
        name: "shared_prefixes",
        about: "Conversations of 8 turns on 12 system prompts of 6,144 tokens; four providers at $0.50, cached input a \
                tenth of that, kept for 5 minutes and found 9 times in 10. 8 requests/s.",
        world: World {
            deployments: vec![cached("one", 0.50), cached("two", 0.50), cached("three", 0.55), cached("four", 0.60)],
            accounts: Vec::new(),
        },
        traffic: Traffic::steady(8.0, length_s, agents),
        objective_s: 2.0,
        patience_s: 30.0,
    }
}

pub(super) fn long_and_short(length_s: f64) -> Scenario {
    let deployments = vec![
        Deployment::new("sprinter").speed(0.25, 0.25, 9.0).price(0.40, 1.20).slots(60),
        Deployment::new("carrier").speed(1.10, 0.03, 11.0).price(0.40, 1.20).slots(60),
        Deployment::new("middle").speed(0.60, 0.12, 10.0).price(0.42, 1.20).slots(60),
    ];
    let short = Class { share: 0.8, prompt: Spread::new(400.0, 0.6), ..CHAT };
    let long = Class { share: 0.2, prompt: Spread { median: 25_000.0, sigma: 0.5, max: 100_000.0 }, ..CHAT };
    Scenario {
        name: "long_and_short",
        about: "Four prompts of about 400 tokens to one of about 25,000; one provider starts at once and reads slowly, \
                one the other way round. 6 requests/s.",
        world: World { deployments, accounts: Vec::new() },
        traffic: Traffic { classes: vec![short, long], ..Traffic::steady(6.0, length_s, short) },
        objective_s: 3.0,
        patience_s: 60.0,
    }
}
