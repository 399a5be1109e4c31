//! That rivals do what their descriptions say, each seen from outside.

use router_core::domain::{PicoPerToken, Price, Seed, Tick};
use tollgate_simulator::rivals;
use tollgate_simulator::set::Set;
use tollgate_simulator::strategy::{Ask, Attempt, Choice, Facts, Failure, Outcome, Strategy};

const SECOND: u64 = 1_000_000;

/// A strategy over a few deployments, of which each is ten times as dear as the one before.
struct Seat {
    strategy: Box<dyn Strategy>,
    count: usize,
    attempts: u64,
    now: Tick,
}

impl Seat {
    fn of(name: &str, count: usize) -> Self {
        let facts = |place: usize| {
            let price = PicoPerToken(10u64.pow(u32::try_from(place).expect("a small number")) * 100_000);
            Facts {
                price: Price { input: price, output: price, cache_read: price, cache_write: price },
                cache: None,
                requests_per_minute: None,
                tokens_per_minute: None,
                account: None,
                window_tokens: 100_000,
                weight: 1,
            }
        };
        let rival = rivals::named(name).unwrap_or_else(|| panic!("{name} is not a rival"));
        let facts: Vec<_> = (0..count).map(facts).collect();
        Self { strategy: rival.build(&facts, Seed::new(5)), count, attempts: 0, now: Tick(0) }
    }

    fn ask(&mut self, prefix: &[u64]) -> Option<usize> {
        let ask = Ask {
            request: self.attempts,
            arrived: self.now,
            waited_s: 0.0,
            prompt_tokens: 2_000,
            max_tokens: None,
            prefix,
            user: 0,
            fits: Set::first(self.count),
        };
        match self.strategy.choose(&ask, &[], self.now) {
            Choice::Send { deployment, .. } => Some(deployment),
            Choice::Wait { .. } | Choice::Refuse => None,
        }
    }

    fn attempt<'a>(&self, deployment: usize, prefix: &'a [u64], first_at: Option<Tick>) -> Attempt<'a> {
        Attempt {
            id: self.attempts,
            request: self.attempts,
            deployment,
            sent_at: self.now,
            first_at,
            prompt_tokens: 2_000,
            max_tokens: None,
            prefix,
        }
    }

    /// One request from its choice to its end; says where it went.
    fn serve(&mut self, prefix: &[u64], mut first_s: impl FnMut(usize) -> Result<u64, Failure>) -> usize {
        let place = self.ask(prefix).expect("somebody to ask");
        self.attempts += 1;
        let mut attempt = self.attempt(place, prefix, None);
        self.strategy.sent(&attempt, self.now);
        match first_s(place) {
            Ok(first) => {
                let first = Tick(self.now.0 + first);
                attempt.first_at = Some(first);
                self.strategy.first(&attempt, first);
                let outcome = Outcome::Complete { output_tokens: 10, cached_tokens: 0 };
                self.strategy.done(&attempt, &outcome, Tick(first.0 + SECOND));
            }
            Err(failure) => self.strategy.done(&attempt, &Outcome::Failed(failure), self.now),
        }
        self.now = Tick(self.now.0 + 3 * SECOND);
        place
    }

    fn shares(&mut self, rounds: usize, first_s: impl Fn(usize) -> Result<u64, Failure>) -> Vec<usize> {
        let mut shares = vec![0; self.count];
        for _ in 0..rounds {
            shares[self.serve(&[], &first_s)] += 1;
        }
        shares
    }
}

fn slower_by_place(place: usize) -> Result<u64, Failure> {
    Ok((place as u64 + 1) * SECOND / 2)
}

#[test]
fn round_robin_and_weights_take_turns() {
    assert_eq!(Seat::of("round_robin", 3).shares(30, slower_by_place), [10, 10, 10]);
    assert_eq!(Seat::of("weighted", 3).shares(30, slower_by_place), [10, 10, 10]);
}

#[test]
fn the_cheapest_and_the_first_take_everything() {
    for name in ["lowest_cost", "priority"] {
        assert_eq!(Seat::of(name, 3).shares(30, slower_by_place), [30, 0, 0], "{name}");
    }
    let shares = Seat::of("openrouter", 2).shares(500, slower_by_place);
    assert!(shares[0] > 480, "a tenth of the price is a hundred times the chance: {shares:?}");
}

#[test]
fn lowest_latency_tries_everyone_once_and_stays_with_the_fastest() {
    assert_eq!(Seat::of("lowest_latency", 3).shares(30, slower_by_place), [28, 1, 1]);
}

#[test]
fn peak_averages_prefer_the_faster_of_two() {
    for name in ["helicone", "linkerd", "agentgateway", "prequal", "c3"] {
        let shares = Seat::of(name, 2).shares(200, |place| Ok(if place == 0 { SECOND / 4 } else { 3 * SECOND }));
        assert!(shares[0] > 140, "{name}: {shares:?}");
    }
}

#[test]
fn who_fails_fast_attracts_nobody_but_those_who_do_not_look() {
    let fails = |place| if place == 0 { Err(Failure::Status5xx) } else { Ok(SECOND) };
    // Helicone's is missing: its monitor wants twenty answers a minute, and until then it goes where failures are fast.
    for name in ["linkerd", "agentgateway", "prequal", "openrouter", "envoy", "simple_shuffle"] {
        let shares = Seat::of(name, 3).shares(300, fails);
        assert!(shares[0] < 100, "{name}: {shares:?}");
    }
}

#[test]
fn a_cooldown_keeps_out_who_answers_429_for_five_seconds() {
    let mut seat = Seat::of("least_busy", 2);
    assert_eq!(seat.serve(&[], |_| Err(Failure::Throttled { retry_after_s: None })), 0);
    assert_eq!(seat.serve(&[], |_| Ok(SECOND)), 1, "three seconds later");
    assert_eq!(seat.serve(&[], |_| Ok(SECOND)), 0, "six seconds later");
}

#[test]
fn a_prefix_is_followed_to_where_it_was_sent() {
    let mut seat = Seat::of("cache_aware", 4);
    let (one, other) = ([1, 2, 3], [7, 8, 9]);
    let first = seat.serve(&one, |_| Ok(SECOND));
    let second = seat.serve(&other, |_| Ok(SECOND));
    assert_ne!(first, second, "a new prefix goes to the smallest tree");
    for _ in 0..5 {
        assert_eq!((seat.serve(&one, |_| Ok(SECOND)), seat.serve(&other, |_| Ok(SECOND))), (first, second));
    }
}

#[test]
fn when_all_are_out_nobody_is_asked_until_the_first_is_back() {
    let mut seat = Seat::of("simple_shuffle", 1);
    seat.serve(&[], |_| Err(Failure::Throttled { retry_after_s: Some(60.0) }));
    assert_eq!(seat.ask(&[]), None);
    seat.now = Tick(60 * SECOND);
    assert_eq!(seat.ask(&[]), Some(0));
}
