//! Many threads decide and tell at once: no count goes wrong, and no torn read makes nonsense.

#[path = "routing_support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use router_core::domain::{Seed, Tick};
use router_core::health::{Fault, State, Way};
use router_core::plan::{Ask, Board, Decision, Ending, Layout, Quota, Ticket};
use support::{Gateway, cached, chain, complete, facts};

const THREADS: u32 = 4;
const ROUNDS: u32 = 10_000;

/// What a thread does in one round: about as many requests as threads are always on their way.
fn round(gateway: &Gateway, held: &mut Vec<Ticket>, chance: Seed, now: Tick) {
    let board = &gateway.board;
    let chain = chain(u64::from(chance.fork("prompt").below(50)), 12);
    let ask = Ask { prompt_tokens: 6_500, chain: &chain, ..gateway.ask() };
    if let Decision::Send(choice) = board.decide(&ask, &gateway.policy, now, chance) {
        assert!(choice.loss.is_finite() && choice.loss >= 0.0, "{choice:?}");
        assert!(choice.cached_tokens >= 0.0 && choice.cached_tokens <= 6_500.0, "{choice:?}");
        held.extend(board.sent(&choice, &ask, now));
    }
    if held.len() > 3 {
        let mut ticket = held.swap_remove(chance.fork("which").below(3) as usize);
        match chance.fork("how").below(5) {
            0 => drop(ticket),
            1 if ticket.deployment() == 0 => board.done(ticket, Ending::Failed(Fault::Broken), now),
            2 => board.done(ticket, Ending::Limited { retry_after: None }, now),
            _ => {
                board.first(&mut ticket, &chain, now);
                board.done(ticket, complete(), now);
            }
        }
    }
}

#[test]
fn threads_that_decide_and_tell_at_once_leave_every_count_right() {
    let gateway = Gateway::new(vec![cached("a"), cached("b"), facts("c")]);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let gateway = &gateway;
            scope.spawn(move || {
                let mut held = Vec::new();
                for step in 0..ROUNDS {
                    let now = Tick(1_000_000 + u64::from(step) * 5_000);
                    round(gateway, &mut held, Seed::new(u64::from(number)).step(step), now);
                }
            });
        }
    });
    assert_eq!(gateway.in_flight(), 0);
    let end = Tick(1_000_000_000);
    for at in &gateway.all {
        let known = gateway.board.vitals(*at).expect("it is on the board").read(end);
        let numbers = [known.slowness, known.sigma, known.skew, known.error, known.hit, known.occupancy_s];
        assert!(numbers.iter().chain(&known.line).all(|n| n.is_finite() && *n >= 0.0), "{known:?}");
        assert_eq!(known.pending_s, 0.0);
    }
}

#[test]
fn of_threads_that_want_to_probe_one_does() {
    for round in 0..200 {
        let mut gateway = Gateway::new(vec![facts("a"), facts("b")]);
        gateway.trip(0);
        gateway.pass(10.0);
        let ask = Ask { candidates: &[0], ..gateway.ask() };
        let Decision::Send(choice) = gateway.board.decide(&ask, &gateway.policy, gateway.now, Seed::new(round)) else {
            panic!("its time has come")
        };
        assert_eq!(choice.way, Way::Probe);
        let sent = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    // Held until all have tried.
                    let ticket = gateway.board.sent(&choice, &ask, gateway.now);
                    sent.fetch_add(u32::from(ticket.is_some()), Ordering::Relaxed);
                    std::mem::forget(ticket);
                });
            }
        });
        assert_eq!((sent.into_inner(), gateway.state(0)), (1, State::Probing));
    }
}

#[test]
fn threads_together_take_no_more_than_a_limit_allows() {
    let quota = Quota { id: facts("a").model, requests_per_minute: Some(3_000), tokens_per_minute: None };
    let layout = Layout { deployments: vec![facts("a")], accounts: vec![quota], ..Layout::default() };
    let gateway = Gateway::laid_out(&layout);
    let sent = AtomicU32::new(0);
    let send = |board: &Board, now: Tick, seed: Seed| {
        let ask = gateway.ask();
        if let Decision::Send(choice) = board.decide(&ask, &gateway.policy, now, seed)
            && board.sent(&choice, &ask, now).is_some()
        {
            sent.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        for number in 0..THREADS {
            let send = &send;
            let board = &gateway.board;
            scope.spawn(move || {
                for step in 0..20_000u32 {
                    // Ten seconds in all.
                    send(board, Tick(1_000_000 + u64::from(step) * 500), Seed::new(u64::from(number)).step(step));
                }
            });
        }
    });
    let sent = sent.into_inner();
    assert!(sent <= 500 + 501, "a burst of 500, and 50 a second for ten seconds: {sent}");
    assert!(sent > 900, "and most of it is used: {sent}");
}
