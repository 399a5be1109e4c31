//! Each way in which routing is known to fail, and what keeps it from that.

#[path = "routing_support/mod.rs"]
mod support;

use std::time::Duration;

use router_core::domain::{Credits, Seed, Tick};
use router_core::health::{Fault, Limit, RateLimits, State, Way};
use router_core::plan::{Ask, Decision, Ending, Policy, Strategy, Ticket};
use support::{Gateway, cached, chain, complete, facts, priced};

/// Requests that come at once are sent before any of them is answered.
#[test]
fn a_burst_does_not_run_to_the_momentarily_fastest() {
    let mut gateway = Gateway::new(vec![facts("a"), facts("b"), facts("c")]);
    gateway.warm_up(0.5);
    for _ in 0..10 {
        gateway.serve(0, 0.47);
    }
    let mut counts = [0; 3];
    let mut tickets = Vec::new();
    for _ in 0..90 {
        let choice = gateway.choose();
        counts[choice.deployment as usize] += 1;
        tickets.push(gateway.send(&choice));
    }
    assert!(counts.iter().all(|count| (15..60).contains(count)), "{counts:?}");
}

#[test]
fn a_fast_failing_black_hole_attracts_nobody() {
    for strategy in Strategy::ALL {
        let mut gateway = Gateway::new(vec![facts("hole"), facts("b"), facts("c")]);
        gateway.policy.strategy = strategy;
        gateway.warm_up(0.5);
        let mut fallen = 0;
        for _ in 0..600 {
            let choice = gateway.choose();
            let mut ticket = gateway.send(&choice);
            if choice.deployment == 0 {
                fallen += 1;
                gateway.pass(0.005);
                gateway.board.done(ticket, Ending::Failed(Fault::Broken), gateway.now);
            } else {
                gateway.pass(0.1);
                gateway.board.first(&mut ticket, &[], gateway.now);
                gateway.board.done(ticket, complete(), gateway.now);
            }
        }
        // A minute has passed: a few failures until it trips, and a probe now and then.
        assert!(fallen <= 12, "{} sent {fallen} of 600 into it", strategy.name());
    }
}

#[test]
fn a_429_never_makes_a_deployment_look_fast() {
    let mut gateway = Gateway::new(vec![facts("a"), facts("b")]);
    gateway.warm_up(0.5);
    let before = gateway.expected_s(0);
    let samples = gateway.board.vitals(0).unwrap().read(gateway.now).samples;
    for _ in 0..50 {
        let ticket = gateway.send_to(0);
        gateway.pass(0.06);
        gateway.board.done(ticket, Ending::Limited { retry_after: None }, gateway.now);
        gateway.pass(30.0);
    }
    let after = gateway.board.vitals(0).unwrap().read(gateway.now);
    assert_eq!((gateway.expected_s(0), after.samples), (before, samples));
    assert!(after.error < 0.003 && gateway.state(0) == State::Healthy, "a limit is no failure either");
}

#[test]
fn a_429_blocks_the_account_for_as_long_as_was_asked() {
    let mut gateway = Gateway::new(vec![facts("a"), priced("b", "9", "90")]);
    let ticket = gateway.send_to(0);
    let retry_after = Some(Duration::from_secs(7));
    gateway.board.done(ticket, Ending::Limited { retry_after }, gateway.now);
    assert_eq!(gateway.tally(50), [0, 50]);
    gateway.pass(6.9);
    assert_eq!(gateway.tally(50), [0, 50]);
    gateway.pass(0.2);
    assert_eq!(gateway.tally(50), [50, 0]);
}

#[test]
fn a_hang_is_seen_before_there_is_any_answer() {
    let mut gateway = Gateway::new(vec![facts("a"), priced("b", "1.1", "4.4")]);
    gateway.warm_up(0.5);
    assert_eq!(gateway.tally(20), [20, 0]);
    let hanging: Vec<_> = (0..3).map(|_| gateway.send_to(0)).collect();
    gateway.pass(4.0);
    assert_eq!(gateway.tally(20), [0, 20], "nobody follows those that wait for four seconds");
    drop(hanging);
    assert_eq!(gateway.tally(20), [20, 0], "that nobody waits any more says nothing against it");
}

#[test]
fn the_time_to_first_token_is_bounded_by_what_is_usual() {
    let mut gateway = Gateway::new(vec![facts("a")]);
    gateway.warm_up(0.1);
    assert_eq!(gateway.choose().first_token_timeout, Duration::from_secs(8));
    gateway.warm_up(3.0);
    let patient = gateway.choose().first_token_timeout;
    assert!(patient > Duration::from_secs(30) && patient <= gateway.policy.first_token_timeout_max, "{patient:?}");
}

#[test]
fn a_brownout_is_recognised_by_three_answers() {
    let mut gateway = Gateway::new(vec![facts("favourite"), priced("b", "1.2", "4.8")]);
    (0..5).for_each(|_| gateway.warm_up(0.5));
    assert_eq!(gateway.tally(20), [20, 0]);
    (0..3).for_each(|_| gateway.serve(0, 3.0));
    let slowness = gateway.board.vitals(0).unwrap().read(gateway.now).slowness;
    assert!(slowness > 2.0, "after three that were six times as slow, {slowness} is expected");
    assert_eq!(gateway.tally(20), [0, 20]);
}

#[test]
fn what_was_slow_is_tried_again_after_a_while() {
    let mut gateway = Gateway::new(vec![facts("a"), priced("b", "1.2", "4.8")]);
    gateway.warm_up(0.5);
    for _ in 0..8 {
        gateway.serve(0, 4.0);
    }
    assert_eq!(gateway.tally(20), [0, 20]);
    gateway.pass(60.0);
    assert_eq!(gateway.tally(20), [20, 0], "after a minute it deserves a try");
    gateway.serve(0, 0.5);
    assert_eq!(gateway.tally(20), [20, 0], "one good answer is enough");
}

#[test]
fn what_is_still_slow_costs_one_request_and_no_more() {
    let mut gateway = Gateway::new(vec![facts("a"), priced("b", "1.2", "4.8")]);
    gateway.warm_up(0.5);
    for _ in 0..8 {
        gateway.serve(0, 4.0);
    }
    gateway.pass(60.0);
    gateway.serve(0, 4.0);
    assert_eq!(gateway.tally(20), [0, 20], "one answer as slow as before, and it is out again");
}

#[test]
fn nobody_follows_a_probe_while_it_is_on_its_way() {
    let mut gateway = Gateway::new(vec![facts("a"), priced("b", "1.2", "4.8")]);
    gateway.warm_up(0.5);
    for _ in 0..8 {
        gateway.serve(0, 4.0);
    }
    gateway.pass(60.0);
    let choice = gateway.choose();
    assert_eq!(choice.deployment, 0);
    let probe = gateway.send(&choice);
    assert_eq!(gateway.tally(20), [0, 20]);
    drop(probe);
}

#[test]
fn a_tripped_one_is_tried_by_one_request_and_closed_by_its_first_token() {
    let mut gateway = Gateway::new(vec![facts("a"), priced("b", "2", "8")]);
    gateway.warm_up(0.5);
    gateway.trip(0);
    assert_eq!(gateway.tally(20), [0, 20]);
    gateway.pass(3.0);
    let choice = gateway.choose();
    assert_eq!((choice.deployment, choice.way), (0, Way::Probe));
    let mut probe = gateway.send(&choice);
    assert!(gateway.board.sent(&choice, &gateway.ask(), gateway.now).is_none(), "another had the same thought");
    assert_eq!(gateway.tally(20), [0, 20]);
    gateway.pass(0.5);
    gateway.board.first(&mut probe, &[], gateway.now);
    assert_eq!(gateway.state(0), State::Healthy);
    gateway.board.done(probe, complete(), gateway.now);
    assert_eq!(gateway.tally(20), [20, 0], "its failures are not held against it for long");
}

#[test]
fn in_distress_a_tripped_one_is_tried_before_its_time() {
    let mut gateway = Gateway::new(vec![facts("a"), priced("dear", "20", "80")]);
    gateway.warm_up(0.5);
    gateway.trip(0);
    gateway.pass(0.5);
    assert_eq!(gateway.tally(20), [0, 20], "not at once");
    gateway.pass(0.6);
    let choice = gateway.choose();
    assert_eq!((choice.deployment, choice.way), (0, Way::Probe));
    let probe = gateway.send(&choice);
    assert_eq!(gateway.tally(20), [0, 20], "and one at a time");
    drop(probe);
}

#[test]
fn when_all_are_tripped_the_least_bad_is_asked() {
    let mut gateway = Gateway::new(vec![facts("a"), facts("b")]);
    gateway.warm_up(0.5);
    gateway.trip(0);
    gateway.trip(1);
    let choice = gateway.choose();
    assert_eq!(choice.way, Way::Panic);
    let mut ticket = gateway.send(&choice);
    gateway.pass(0.3);
    gateway.board.first(&mut ticket, &[], gateway.now);
    assert_eq!(gateway.state(choice.deployment), State::Healthy, "what answers in a panic is healthy");
    gateway.board.done(ticket, complete(), gateway.now);
}

#[test]
fn a_refused_credential_is_not_shown_again_for_a_minute_not_even_in_panic() {
    let mut gateway = Gateway::new(vec![facts("a")]);
    let ticket = gateway.send_to(0);
    gateway.board.done(ticket, Ending::Failed(Fault::Unauthorized), gateway.now);
    assert!(matches!(gateway.decide(), Decision::Refused { retry_after } if retry_after > Duration::from_secs(59)));
    gateway.pass(60.1);
    assert_eq!(gateway.choose().way, Way::Probe);
    let ticket = gateway.send_to(0);
    gateway.board.done(ticket, Ending::Failed(Fault::UnknownModel), gateway.now);
    assert!(matches!(gateway.decide(), Decision::Refused { .. }));
    gateway.board.pardon(0, gateway.now);
    assert_eq!(gateway.choose().way, Way::Normal);
}

#[test]
fn a_retry_goes_elsewhere_as_long_as_there_is_an_elsewhere() {
    let mut gateway = Gateway::new(vec![facts("a"), priced("b", "9", "90"), priced("c", "20", "200")]);
    gateway.warm_up(0.5);
    let mut tried: Vec<u32> = Vec::new();
    for expected in [0, 1, 2] {
        let ask = Ask { tried: &tried, ..gateway.ask() };
        let Decision::Send(choice) = gateway.board.decide(&ask, &gateway.policy, gateway.now, Seed::new(1)) else {
            panic!("somebody is left")
        };
        assert_eq!((choice.deployment, choice.delay), (expected, Duration::ZERO));
        tried.push(choice.deployment);
    }
    let again = (0..50).map(|bits| {
        let ask = Ask { tried: &tried, ..gateway.ask() };
        match gateway.board.decide(&ask, &gateway.policy, gateway.now, Seed::new(bits)) {
            Decision::Send(choice) => choice.delay,
            other => panic!("those that were tried are better than nobody: {other:?}"),
        }
    });
    assert!(again.max() > Some(Duration::from_millis(20)), "but after a pause");
}

#[test]
fn retries_have_a_budget_over_the_whole_route() {
    let gateway = Gateway::new(vec![facts("a"), facts("b")]);
    let first = gateway.ask();
    let second = Ask { tried: &[0], ..first };
    let mut retried = 0;
    for _ in 0..1000 {
        gateway.board.decide(&first, &gateway.policy, gateway.now, Seed::new(1));
        retried += u32::from(gateway.board.retry(&second, &gateway.policy));
    }
    assert!((290..=300).contains(&retried), "a hundred, and a fifth of a thousand: {retried}");
    let often = Ask { tried: &[0, 1, 0, 1], ..first };
    assert!(!gateway.board.retry(&often, &Policy { attempts_max: 4, ..gateway.policy }));
}

/// The only one left serves eight at once; 200 want it.
#[test]
fn no_queue_grows_behind_a_survivor() {
    let mut gateway = Gateway::new(vec![facts("survivor")]);
    gateway.policy = Policy { price_of_error: Credits::from_nano(4_000_000), ..Policy::BALANCED };
    let mut running: Vec<(Tick, Tick, Ticket)> = Vec::new();
    let (mut sent, mut refused, mut longest) = (0, 0, 0);
    for _ in 0..4_000 {
        gateway.pass(0.05);
        let now = gateway.now;
        let (ended, rest): (Vec<_>, Vec<_>) = running.into_iter().partition(|(_, ends, _)| *ends <= now);
        running = rest;
        for (first, ends, mut ticket) in ended {
            gateway.board.first(&mut ticket, &[], first);
            gateway.board.done(ticket, complete(), ends);
        }
        for (first, _, ticket) in &mut running {
            if *first <= now {
                gateway.board.first(ticket, &[], *first);
            }
        }
        match gateway.decide() {
            Decision::Send(choice) => {
                sent += 1;
                // Eight slots of two seconds each: who comes later waits for the eighth before it.
                let mut ends: Vec<_> = running.iter().map(|(_, ends, _)| *ends).collect();
                ends.sort_unstable();
                let starts = if ends.len() < 8 { now } else { ends[ends.len() - 8] };
                let ticket = gateway.send(&choice);
                let first = starts.after(Duration::from_millis(500));
                running.push((first, starts.after(Duration::from_secs(2)), ticket));
                // Some seconds pass before queued answers have told where the knee is.
                if now > Tick(10_000_000) {
                    longest = longest.max(running.len());
                }
            }
            Decision::Wait { .. } | Decision::Refused { .. } => refused += 1,
            Decision::Unfit(unfit) => panic!("{unfit}"),
        }
    }
    assert!(sent > 700 && longest <= 24, "{sent} sent, {refused} had to wait, and {longest} were there at once");
}

/// Eight slots of two seconds, and load that grows from four to fourteen requests over many answers.
#[test]
fn a_queue_that_grows_slowly_is_found_to_be_one() {
    let mut gateway = Gateway::new(vec![facts("a")]);
    gateway.warm_up(0.5);
    let mut flying = std::collections::VecDeque::new();
    for step in 0..600u32 {
        let busy = 4 + step / 60;
        while flying.len() < busy as usize {
            let others = u32::try_from(flying.len()).expect("a few") as f32;
            let queued = router_core::health::queue_s(others, 8.0, 2.0);
            let first = gateway.now.after(Duration::from_secs_f32(0.5 + queued));
            let last = first.after(Duration::from_secs_f32(1.5));
            flying.push_back((first, last, gateway.send_to(0)));
        }
        if let Some((first, last, mut ticket)) = flying.pop_front() {
            gateway.board.first(&mut ticket, &[], first);
            gateway.board.done(ticket, complete(), last);
            gateway.pass(0.2);
        }
    }
    let known = gateway.board.vitals(0).unwrap().read(gateway.now);
    assert!((5.0..12.0).contains(&known.knee), "{known:?}");
    assert!(
        known.slowness < 1.5 && known.line[2] <= 0.0101,
        "neither slowness nor the line take it for theirs: {known:?}"
    );
}

#[test]
fn long_prompts_do_not_spoil_what_is_expected_of_short_ones() {
    let mut gateway = Gateway::new(vec![facts("long"), facts("short")]);
    gateway.warm_up(0.5);
    for _ in 0..60 {
        let ask = Ask { prompt_tokens: 60_000, candidates: &[0], ..gateway.ask() };
        let Decision::Send(choice) = gateway.board.decide(&ask, &gateway.policy, gateway.now, Seed::new(1)) else {
            panic!("it is sent")
        };
        let mut ticket = gateway.board.sent(&choice, &ask, gateway.now).expect("there is room");
        gateway.pass(5.3);
        gateway.board.first(&mut ticket, &[], gateway.now);
        gateway.board.done(ticket, complete(), gateway.now);
    }
    let (long, short) = (gateway.expected_s(0), gateway.expected_s(1));
    assert!((long / short - 1.0).abs() < 0.25, "{long} s and {short} s for a short prompt");
}

/// A cheap deployment with few requests per minute: those that save most by it get it.
#[test]
fn scarce_cheap_capacity_goes_to_those_it_saves_most() {
    let mut gateway = Gateway::new(vec![priced("cheap", "0.1", "0.4"), priced("dear", "1", "4")]);
    gateway.policy = Policy::CHEAPEST;
    gateway.warm_up(0.5);
    let mut served = [[0u32; 2]; 2];
    // Of one a second, in tenths.
    let mut remaining = 100u32;
    for round in 0..6_000u32 {
        gateway.pass(0.1);
        remaining = (remaining + 1).min(200);
        let large = Seed::new(7).step(round).below(5) == 0;
        let ask = Ask { prompt_tokens: if large { 20_000 } else { 400 }, ..gateway.ask() };
        let decision = gateway.board.decide(&ask, &gateway.policy, gateway.now, Seed::new(u64::from(round)));
        let Decision::Send(choice) = decision else { panic!("the dear one has room: {decision:?}") };
        let Some(mut ticket) = gateway.board.sent(&choice, &ask, gateway.now) else { panic!("{choice:?}") };
        if round > 3_000 {
            served[usize::from(large)][choice.deployment as usize] += 1;
        }
        if choice.deployment == 0 {
            assert!(remaining >= 10, "more was sent than the provider allows");
            remaining -= 10;
            let limit = Limit { limit: Some(60), remaining: Some(u64::from(remaining / 10)), reset: None };
            let said = RateLimits { requests: limit, ..RateLimits::default() };
            gateway.board.limits(&ticket, &said, gateway.now);
        }
        gateway.board.first(&mut ticket, &[], gateway.now);
        gateway.board.done(ticket, complete(), gateway.now);
    }
    let share = |[cheap, dear]: [u32; 2]| f64::from(cheap) / f64::from(cheap + dear);
    let (small, large) = (share(served[0]), share(served[1]));
    assert!(large > 4.0 * small && large > 0.25, "of the large {large}, of the small {small}");
}

#[test]
fn a_conversation_stays_where_its_prompt_is_cached_until_that_is_too_busy() {
    let mut gateway = Gateway::new(vec![cached("a"), cached("b"), cached("c")]);
    gateway.warm_up(0.5);
    let chain = chain(1, 24);
    let decide = |gateway: &mut Gateway| {
        let seed = gateway.seed();
        let ask = Ask { prompt_tokens: 12_000, chain: &chain, ..gateway.ask() };
        match gateway.board.decide(&ask, &gateway.policy, gateway.now, seed) {
            Decision::Send(choice) => choice,
            other => panic!("{other:?}"),
        }
    };
    let home = decide(&mut gateway).deployment;
    let mut ticket = gateway.send_to(home);
    gateway.pass(0.5);
    // The prompts of `send_to` are too short for the cache; this one was not.
    drop(ticket);
    let choice = decide(&mut gateway);
    let ask = Ask { prompt_tokens: 12_000, chain: &chain, ..gateway.ask() };
    ticket = gateway.board.sent(&choice, &ask, gateway.now).expect("there is room");
    gateway.board.first(&mut ticket, &chain, gateway.now);
    gateway.board.done(ticket, complete(), gateway.now);
    let home = choice.deployment;
    for _ in 0..50 {
        let choice = decide(&mut gateway);
        assert_eq!(choice.deployment, home);
        assert!(choice.cached_tokens > 9_000.0);
    }
    let waiting: Vec<_> = (0..20).map(|_| gateway.send_to(home)).collect();
    gateway.pass(60.0);
    assert_ne!(decide(&mut gateway).deployment, home, "a cache is not worth a minute");
    drop(waiting);
    gateway.pass(301.0);
    let spread = (0..60).filter(|_| decide(&mut gateway).deployment == home).count();
    assert!(spread < 45, "after its time nothing is expected to be there: {spread} of 60");
}

#[test]
fn a_cache_that_never_answers_is_not_counted_on() {
    let mut gateway = Gateway::new(vec![cached("a")]);
    let chain = chain(1, 24);
    let mut expected = Vec::new();
    for _ in 0..100 {
        let ask = Ask { prompt_tokens: 12_000, chain: &chain, ..gateway.ask() };
        let Decision::Send(choice) = gateway.board.decide(&ask, &gateway.policy, gateway.now, Seed::new(1)) else {
            panic!("it is sent")
        };
        expected.push(choice.cached_tokens);
        let mut ticket = gateway.board.sent(&choice, &ask, gateway.now).expect("there is room");
        gateway.board.first(&mut ticket, &chain, gateway.now);
        gateway.pass(1.0);
        let ending = Ending::Complete { output_tokens: Some(100), cached_tokens: Some(0) };
        gateway.board.done(ticket, ending, gateway.now);
    }
    assert!(expected[1] > 10_000.0 && expected[99] < 150.0, "{} and {}", expected[1], expected[99]);
}

#[test]
fn what_one_route_pays_for_time_does_not_move_another() {
    let mut gateway = Gateway::new(vec![priced("fast", "3", "12"), priced("cheap", "0.5", "2")]);
    for _ in 0..20 {
        gateway.serve(0, 0.2);
        gateway.serve(1, 2.0);
    }
    gateway.policy = Policy::FASTEST;
    assert_eq!(gateway.tally(20), [20, 0]);
    gateway.policy = Policy::CHEAPEST;
    assert_eq!(gateway.tally(20), [0, 20]);
}

#[test]
fn a_client_that_leaves_or_errs_changes_no_statistic() {
    let mut gateway = Gateway::new(vec![facts("a")]);
    gateway.warm_up(0.5);
    let before = gateway.board.vitals(0).unwrap().read(gateway.now);
    for ending in [Ending::Gone, Ending::Refused] {
        for _ in 0..100 {
            let ticket = gateway.send_to(0);
            gateway.board.done(ticket, ending, gateway.now);
        }
    }
    assert_eq!(gateway.board.vitals(0).unwrap().read(gateway.now), before);
}
