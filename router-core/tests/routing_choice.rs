//! Who is chosen of several, by each strategy, and of many.

#[path = "routing_support/mod.rs"]
mod support;

use std::time::Duration;

use router_core::domain::{Credits, Seed};
use router_core::health::Fault;
use router_core::plan::{Ask, Capabilities, Capability, Decision, Ending, Facts, Objective, Policy, Strategy, Unfit};
use support::{Gateway, cached, chain, complete, facts, priced};

fn by(strategy: Strategy, deployments: Vec<Facts>) -> Gateway {
    let mut gateway = Gateway::new(deployments);
    gateway.policy.strategy = strategy;
    gateway.warm_up(0.5);
    gateway
}

#[test]
fn weights_are_shares() {
    let weighted = |name, weight| Facts { weight, ..facts(name) };
    let mut gateway = by(Strategy::Weighted, vec![weighted("a", 1), weighted("b", 3), weighted("c", 0)]);
    let counts = gateway.tally(4_000);
    assert!((900..1_100).contains(&counts[0]) && counts[2] == 0, "{counts:?}");
}

#[test]
fn a_user_stays_with_a_canary_and_moves_only_to_whose_weight_grows() {
    let place = |weight: u32, user: u64| {
        let weighted = |name, weight| Facts { weight, ..facts(name) };
        let mut gateway = by(Strategy::Weighted, vec![weighted("stable", 100 - weight), weighted("canary", weight)]);
        let seed = gateway.seed();
        let ask = Ask { user, ..gateway.ask() };
        match gateway.board.decide(&ask, &gateway.policy, gateway.now, seed) {
            Decision::Send(choice) => choice.deployment,
            other => panic!("{other:?}"),
        }
    };
    let mut canaries = 0;
    for user in 1..=200 {
        let at_ten = place(10, user);
        canaries += at_ten;
        assert_eq!(at_ten, place(10, user), "whatever the draw");
        assert!(place(30, user) >= at_ten, "who is at the canary stays there when it grows");
    }
    assert!((8..40).contains(&canaries), "{canaries} of 200 at ten percent");
}

#[test]
fn turns_are_taken_one_after_the_other() {
    let mut gateway = by(Strategy::RoundRobin, vec![facts("a"), facts("b"), facts("c")]);
    let first = gateway.choose().deployment;
    let turns: Vec<_> = (1..7).map(|turn| (gateway.choose().deployment + 6 - first - turn) % 3).collect();
    assert_eq!(turns, [0; 6]);
    gateway.trip(1);
    let counts = gateway.tally(30);
    assert!(counts[1] == 0 && counts[0] == 10 && counts[2] == 20, "who is out is passed over: {counts:?}");
}

#[test]
fn the_least_busy_is_that_for_its_weight() {
    let mut gateway = by(Strategy::LeastBusy, vec![facts("a"), Facts { weight: 3, ..facts("b") }]);
    let mut held = Vec::new();
    for _ in 0..40 {
        let choice = gateway.choose();
        held.push(gateway.send(&choice));
    }
    let at_b = held.iter().filter(|ticket| ticket.deployment() == 1).count();
    assert!((29..=31).contains(&at_b), "{at_b} of 40");
}

#[test]
fn the_cheapest_and_the_fastest_are_what_they_say() {
    let prices = || vec![priced("dear", "5", "20"), priced("cheap", "1", "4")];
    for (strategy, expected) in [(Strategy::LowestCost, [0, 20]), (Strategy::LowestLatency, [20, 0])] {
        let mut gateway = by(strategy, prices());
        for _ in 0..20 {
            gateway.serve(0, 0.2);
            gateway.serve(1, 2.0);
        }
        assert_eq!(gateway.tally(20), expected, "{}", strategy.name());
    }
}

#[test]
fn the_first_priority_serves_as_long_as_it_can() {
    let prior = |name, priority| Facts { priority, ..facts(name) };
    let mut gateway = by(Strategy::Priority, vec![prior("spare", 1), prior("first", 0), prior("last", 2)]);
    assert_eq!(gateway.tally(20), [0, 20, 0]);
    gateway.trip(1);
    assert_eq!(gateway.tally(20), [20, 0, 0]);
}

#[test]
fn an_unknown_price_is_never_taken_for_none() {
    let unknown = Facts { price: None, ..facts("unknown") };
    let mut gateway = by(Strategy::LowestCost, vec![unknown, priced("dear", "5", "20"), priced("cheap", "1", "4")]);
    assert_eq!(gateway.tally(20), [0, 0, 20]);
    gateway.trip(2);
    let counts = gateway.tally(100);
    assert!(counts[0] > 20 && counts[1] > 20, "it counts as the dearest: {counts:?}");
}

#[test]
fn those_that_are_equal_share() {
    let mut gateway = by(Strategy::Adaptive, vec![facts("a"), priced("b", "1.005", "4"), priced("c", "1.5", "6")]);
    let counts = gateway.tally(1_000);
    assert!(counts[0] > 400 && counts[1] > 400 && counts[2] == 0, "{counts:?}");
}

#[test]
fn a_missing_capability_is_named_and_never_ignored() {
    let needs = Capabilities::NONE.with(Capability::Streaming).with(Capability::Vision);
    let blind = Facts { capabilities: Capabilities::NONE.with(Capability::Streaming), ..facts("blind") };
    let gateway = Gateway::new(vec![blind, Facts { capabilities: needs, ..priced("seeing", "9", "90") }]);
    let decide = |candidates: &[u32]| {
        let ask = Ask { needs, candidates, ..gateway.ask() };
        gateway.board.decide(&ask, &gateway.policy, gateway.now, Seed::new(1))
    };
    assert!(matches!(decide(&[0, 1]), Decision::Send(choice) if choice.deployment == 1));
    assert_eq!(decide(&[0]), Decision::Unfit(Unfit::Lacks(Capability::Vision)));
    assert_eq!(decide(&[]), Decision::Unfit(Unfit::NoCandidate));
    assert_eq!(decide(&[99]), Decision::Unfit(Unfit::NoCandidate), "a stranger is nobody");
}

/// Sixty deployments, of which one is well.
#[test]
fn of_many_the_only_one_that_works_is_found() {
    let mut gateway = Gateway::new((0..60).map(|at| facts(&at.to_string())).collect());
    for at in (0..60).filter(|at| *at != 41) {
        let ticket = gateway.send_to(at);
        gateway.board.done(ticket, Ending::Failed(Fault::Unauthorized), gateway.now);
    }
    for strategy in Strategy::ALL {
        gateway.policy.strategy = strategy;
        assert_eq!(gateway.tally(20)[41], 20, "{}", strategy.name());
    }
}

#[test]
fn of_many_a_cheap_one_is_found_and_kept() {
    let deployments = (0..100).map(|at| if at == 70 { priced("cheap", "0.1", "0.4") } else { facts(&at.to_string()) });
    let mut gateway = Gateway::new(deployments.collect());
    gateway.policy = Policy::CHEAPEST;
    gateway.warm_up(0.5);
    let counts = gateway.tally(300);
    assert!(counts[70] > 200, "the last winner is always looked at again: {counts:?}");
}

#[test]
fn of_many_the_one_with_the_prompt_in_its_cache_is_looked_at() {
    let chain = chain(1, 24);
    // Conversations that went on from some of these blocks, each at a route of which nobody has won yet.
    for (blocks, bits) in [24, 15, 7].into_iter().flat_map(|blocks| (10..14).map(move |bits| (blocks, bits))) {
        let mut gateway = Gateway::new((0..100).map(|at| cached(&at.to_string())).collect());
        let ask = Ask { prompt_tokens: 12_500, chain: &chain, candidates: &[83], ..gateway.ask() };
        let Decision::Send(choice) = gateway.board.decide(&ask, &gateway.policy, gateway.now, Seed::new(1)) else {
            panic!("it is sent")
        };
        let mut ticket = gateway.board.sent(&choice, &ask, gateway.now).expect("there is room");
        gateway.board.first(&mut ticket, &chain, gateway.now);
        gateway.board.done(ticket, complete(), gateway.now);
        gateway.pass(1.0);
        let mut other = support::chain(2, 24);
        other[..blocks].copy_from_slice(&chain[..blocks]);
        let ask = Ask { prompt_tokens: 12_500, chain: &other, ..gateway.ask() };
        let decision = gateway.board.decide(&ask, &gateway.policy, gateway.now, Seed::new(bits));
        assert!(matches!(decision, Decision::Send(choice) if choice.deployment == 83), "{blocks}: {decision:?}");
    }
}

#[test]
fn another_is_asked_as_well_when_that_is_worth_its_price_and_there_is_budget() {
    let mut gateway = Gateway::new(vec![facts("a"), facts("b")]);
    gateway.warm_up(0.5);
    gateway.policy = Policy { hedging: true, second_of_waiting: Credits::from_nano(1_000_000), ..Policy::BALANCED };
    let choice = gateway.choose();
    let after = choice.hedge_after.expect("the route hedges");
    assert!(after > Duration::from_millis(700) && after < Duration::from_secs(4), "{after:?}");
    let ticket = gateway.send(&choice);
    gateway.pass(4.0);
    let tried = [choice.deployment];
    let hedge =
        |ask: Ask<'_>, policy: &Policy| gateway.board.hedge(&ask, ticket.sent_at(), policy, gateway.now, Seed::new(1));
    let policy = &gateway.policy;
    let ask = Ask { tried: &tried, elapsed: Duration::from_secs(4), ..gateway.ask() };
    let other = hedge(ask, policy).expect("four seconds are worth a prompt of 1000 tokens");
    assert_ne!(other.deployment, choice.deployment);
    assert_eq!(hedge(Ask { prompt_tokens: 200_000, ..ask }, policy), None, "not one of 200,000");
    assert_eq!(hedge(Ask { repeatable: false, ..ask }, policy), None, "nor one with effects");
    assert_eq!(hedge(ask, &Policy { hedging: false, ..*policy }), None, "nor where that is not wanted");
    let granted = (0..100).filter(|_| hedge(ask, policy).is_some()).count();
    assert_eq!(granted, 19, "twenty in all");
}

#[test]
fn a_route_that_misses_its_objective_pays_more_for_time() {
    let objective = Objective {
        first_token: Some(Duration::from_secs(1)),
        whole: None,
        price_of_miss: Credits::from_nano(500_000),
        misses_max: Some(0.05),
    };
    let mut gateway = Gateway::new(vec![priced("fast", "4", "16"), priced("cheap", "1", "4")]);
    gateway.policy = Policy::CHEAPEST;
    for _ in 0..30 {
        gateway.serve(0, 0.3);
        gateway.serve(1, 1.6);
    }
    gateway.policy.objective = Some(objective);
    assert_eq!(gateway.tally(10), [0, 10], "at first the miss costs less than it saves");
    let mut late = 0;
    for round in 0..600 {
        let choice = gateway.choose();
        let mut ticket = gateway.send(&choice);
        gateway.pass(if choice.deployment == 0 { 0.3 } else { 1.6 });
        late += u32::from(choice.deployment == 1 && round >= 300);
        gateway.board.first(&mut ticket, &[], gateway.now);
        gateway.pass(0.2);
        gateway.board.done(ticket, complete(), gateway.now);
    }
    assert!(late < 60, "{late} of the last 300 were late");
}
