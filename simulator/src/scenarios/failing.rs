//! Scenarios in which providers fail, each in a way of its own.

use super::Scenario;
use super::fleets::{CHAT, at, open, regional};
use crate::traffic::Traffic;
use crate::world::{FaultKind, World};

/// Requests a second in all of them.
const RATE: f64 = 12.0;

/// A fault of a deployment from one part of the run to another.
type Trouble<'a> = (&'a str, f64, f64, FaultKind);

fn trouble(mut world: World, length_s: f64, all: &[Trouble<'_>]) -> World {
    for (name, from, to, kind) in all {
        let deployment = at(&mut world, name);
        *deployment = deployment.clone().fault(from * length_s, to * length_s, *kind);
    }
    world
}

fn scenario(name: &'static str, about: &'static str, length_s: f64, world: World) -> Scenario {
    let traffic = Traffic::steady(RATE, length_s, CHAT);
    Scenario { name, about, world, traffic, objective_s: 2.5, patience_s: 30.0 }
}

pub(super) fn slow_replica(length_s: f64) -> Scenario {
    let world = trouble(regional(), length_s, &[("near", 0.2, 0.6, FaultKind::Slow(6.0))]);
    scenario("slow_replica", "The best of four regions is six times as slow for 40 % of the time.", length_s, world)
}

pub(super) fn brownout(length_s: f64) -> Scenario {
    let all = [("midway", 0.2, 0.7, FaultKind::Brownout(10.0)), ("midway", 0.3, 0.6, FaultKind::Slots(20))];
    scenario(
        "brownout",
        "The best of five providers grows ten times as slow and recovers, evenly over half of the time, with a third of \
         its slots meanwhile.",
        length_s,
        trouble(open(), length_s, &all),
    )
}

pub(super) fn error_bursts(length_s: f64) -> Scenario {
    let all = [
        ("midway", 0.10, 0.25, FaultKind::Errors(0.6)),
        ("lowland", 0.20, 0.35, FaultKind::Errors(0.4)),
        ("midway", 0.45, 0.50, FaultKind::Errors(0.9)),
        ("harbour", 0.45, 0.60, FaultKind::Errors(0.3)),
        ("swift", 0.55, 0.75, FaultKind::Errors(0.5)),
        ("lowland", 0.70, 0.85, FaultKind::Errors(0.8)),
    ];
    scenario(
        "error_bursts",
        "Six bursts in which 30 to 90 % of a provider's requests end with 500.",
        length_s,
        trouble(open(), length_s, &all),
    )
}

pub(super) fn black_hole(length_s: f64) -> Scenario {
    let all = [("east", 0.2, 0.6, FaultKind::BlackHole)];
    scenario(
        "black_hole",
        "One of four regions answers everything with 503 within 5 ms for 40 % of the time.",
        length_s,
        trouble(regional(), length_s, &all),
    )
}

pub(super) fn hang(length_s: f64) -> Scenario {
    let all = [("near", 0.3, 0.45, FaultKind::Hang), ("west", 0.6, 0.7, FaultKind::Hang)];
    scenario(
        "hang",
        "Two of four regions take requests and never answer, one after the other, for a quarter of the time in all.",
        length_s,
        trouble(regional(), length_s, &all),
    )
}

pub(super) fn stalls(length_s: f64) -> Scenario {
    let all = [("midway", 0.2, 0.5, FaultKind::Stall(0.25)), ("harbour", 0.6, 0.8, FaultKind::Stall(0.4))];
    scenario(
        "stalls",
        "A quarter of a provider's answers stall in the middle for good, later 40 % of another's: errors that no retry \
         mends, for the client has tokens already.",
        length_s,
        trouble(open(), length_s, &all),
    )
}

pub(super) fn throttle_sinkhole(length_s: f64) -> Scenario {
    let all = [("near", 0.2, 0.7, FaultKind::Throttle(1.0)), ("far", 0.4, 0.6, FaultKind::Throttle(0.5))];
    scenario(
        "throttle_sinkhole",
        "One of four regions answers everything with 429 within 60 ms for half of the time, without saying when to come \
         back; another does so to half of its requests for a while.",
        length_s,
        trouble(regional(), length_s, &all),
    )
}

pub(super) fn total_outage(length_s: f64) -> Scenario {
    let all = [
        ("near", 0.40, 0.50, FaultKind::Refuse),
        ("east", 0.40, 0.52, FaultKind::Refuse),
        ("west", 0.40, 0.54, FaultKind::Refuse),
        ("far", 0.40, 0.50, FaultKind::Refuse),
        ("near", 0.50, 0.60, FaultKind::Slots(12)),
    ];
    scenario(
        "total_outage",
        "All four regions refuse connections for a tenth of the time and come back one by one, the first with a third \
         of its slots.",
        length_s,
        trouble(regional(), length_s, &all),
    )
}

pub(super) fn bad_day(length_s: f64) -> Scenario {
    let all = [
        ("midway", 0.10, 0.30, FaultKind::Slow(5.0)),
        ("lowland", 0.20, 0.40, FaultKind::BlackHole),
        ("harbour", 0.35, 0.55, FaultKind::Errors(0.3)),
        ("midway", 0.50, 0.60, FaultKind::Hang),
        ("lowland", 0.60, 0.80, FaultKind::Throttle(0.7)),
        ("swift", 0.70, 0.80, FaultKind::Refuse),
        ("midway", 0.75, 0.90, FaultKind::Slots(15)),
    ];
    scenario(
        "bad_day",
        "Seven troubles of different kinds, overlapping, over five providers; one of them is never hit.",
        length_s,
        trouble(open(), length_s, &all),
    )
}
