//! Decisions and feedback allocate nothing.
#![expect(unsafe_code, reason = "an allocator is an unsafe trait by its nature, and counting allocations needs one")]

#[path = "routing_support/mod.rs"]
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use router_core::domain::Seed;
use router_core::health::{Limit, RateLimits};
use router_core::plan::{Ask, Decision, Ending, Strategy};
use support::{Gateway, cached, chain, complete};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every method hands its arguments on to the system's allocator as they are and returns what that returned;
// counting in a thread's own cell neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps `alloc`'s promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s promises, and every block came from the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }
}

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

#[test]
fn a_request_is_decided_sent_and_learned_from_without_an_allocation() {
    for (candidates, strategy) in [(1, 0), (10, 0), (10, 1), (10, 2), (10, 6), (100, 0), (100, 5)] {
        let facts = (0..candidates).map(|at| cached(&at.to_string()));
        let mut gateway = Gateway::new(facts.collect());
        gateway.policy.strategy = Strategy::ALL[strategy];
        gateway.policy.hedging = true;
        let chain = chain(1, 24);
        let limit = Limit { limit: Some(100_000), remaining: Some(50_000), reset: None };
        let said = RateLimits { requests: limit, tokens: limit, ..RateLimits::default() };
        let ask = Ask { prompt_tokens: 12_500, chain: &chain, ..gateway.ask() };
        let mut before = 0;
        for step in 0..1_000 {
            if step == 1 {
                // The table of prefixes was made when the first prompt was remembered.
                before = allocations();
            }
            let now = router_core::domain::Tick(2_000_000 + step * 10_000);
            let Decision::Send(choice) = gateway.board.decide(&ask, &gateway.policy, now, Seed::new(step)) else {
                panic!("there is room")
            };
            let mut ticket = gateway.board.sent(&choice, &ask, now).expect("there is room");
            gateway.board.limits(&ticket, &said, now);
            gateway.board.hedge(&ask, ticket.sent_at(), &gateway.policy, now, Seed::new(step));
            gateway.board.first(&mut ticket, &chain, now);
            let ending = if step % 7 == 0 { Ending::Gone } else { complete() };
            gateway.board.done(ticket, ending, now);
        }
        assert_eq!(allocations() - before, 0, "{candidates} candidates, {}", gateway.policy.strategy.name());
    }
}

#[test]
fn the_counter_counts() {
    let before = allocations();
    drop(std::hint::black_box(vec![1, 2, 3]));
    assert_eq!(allocations() - before, 1);
}
