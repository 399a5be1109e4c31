//! Fleets and kinds of requests that several scenarios share.

use crate::traffic::{Class, Spread};
use crate::world::{Deployment, World};

/// Chat: 1,500 tokens in and 300 out, by median.
pub(super) const CHAT: Class = Class {
    share: 1.0,
    prompt: Spread::new(1_500.0, 1.0),
    output: Spread::new(300.0, 0.7),
    max_tokens: 2_000,
    session: None,
};

/// Five providers of one open-weights model, cheap and slow to dear and fast.
pub(super) fn open() -> World {
    let deployments = vec![
        Deployment::new("lowland").speed(0.80, 0.12, 28.0).price(0.23, 0.40).slots(60).weight(3),
        Deployment::new("midway").speed(0.55, 0.08, 15.0).price(0.30, 0.60).slots(60).weight(3),
        Deployment::new("harbour").speed(0.50, 0.06, 14.0).price(0.40, 0.80).slots(60).weight(3),
        Deployment::new("swift").speed(0.22, 0.02, 4.0).price(0.59, 0.79).slots(24).weight(2),
        Deployment::new("plateau").speed(0.45, 0.05, 12.0).price(0.88, 0.88).slots(80).weight(4),
    ];
    World { deployments, accounts: Vec::new() }
}

/// One small model in four regions at the same price: they differ in distance and size.
pub(super) fn regional() -> World {
    let region = |name: &str, base_s: f64, per_token_ms: f64, slots: usize| {
        Deployment::new(name).speed(base_s, 0.07, per_token_ms).price(0.15, 0.60).slots(slots)
    };
    let deployments = vec![
        region("near", 0.40, 11.0, 40).weight(4),
        region("east", 0.55, 12.0, 40).weight(4),
        region("west", 0.65, 13.0, 40).weight(4),
        region("far", 0.95, 15.0, 30).weight(3),
    ];
    World { deployments, accounts: Vec::new() }
}

/// The deployment of a name.
pub(super) fn at<'w>(world: &'w mut World, name: &str) -> &'w mut Deployment {
    world
        .deployments
        .iter_mut()
        .find(|deployment| deployment.name == name)
        .expect("scenarios name deployments of their own fleet")
}
