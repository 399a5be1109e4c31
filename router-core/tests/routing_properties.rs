//! What holds of routing whatever happens.

#[path = "routing_support/mod.rs"]
mod support;

use std::time::Duration;

use proptest::prelude::*;
use router_core::domain::{Seed, Tick};
use router_core::health::{Access, Fault, Limit, RateLimits, State, Way};
use router_core::plan::{Ask, Decision, Ending, HealthReport, Layout, Quota, Strategy as Routing, Ticket};
use support::{Gateway, complete, facts, priced};

/// Chance that replays, one number after the other.
struct Chance(Seed, u32);

impl Chance {
    fn below(&mut self, bound: u32) -> u32 {
        self.1 += 1;
        self.0.step(self.1).below(bound)
    }
}

/// One request on its way, and how far it is.
struct Running {
    ticket: Ticket,
    probe: bool,
}

/// Plays random events on a board, and checks after each what must hold.
struct Play {
    gateway: Gateway,
    chance: Chance,
    running: Vec<Running>,
    log: Vec<u32>,
}

impl Play {
    fn new(seed: u64, deployments: u32) -> Self {
        let names = (0..deployments).map(|at| facts(&at.to_string()));
        let chance = Chance(Seed::new(seed), 0);
        Self { gateway: Gateway::new(names.collect()), chance, running: Vec::new(), log: Vec::new() }
    }

    fn step(&mut self) {
        self.gateway.pass(f64::from(self.chance.below(100)) / 1000.0);
        match self.chance.below(10) {
            0..=4 => self.send(),
            5 => self.first(),
            _ => self.end(),
        }
        let counted = self.gateway.in_flight() as usize;
        assert_eq!(counted, self.running.len(), "what is on its way is what is counted");
        for at in self.gateway.all.clone() {
            let probes =
                self.running.iter().filter(|running| running.probe && running.ticket.deployment() == at).count();
            let probing = self.gateway.state(at) == State::Probing;
            assert!(!probing || probes >= 1, "somebody probes, or nobody does");
        }
    }

    fn send(&mut self) {
        if self.running.len() > 60 {
            return;
        }
        let Decision::Send(choice) = self.gateway.decide() else { return };
        self.log.push(choice.deployment);
        let before = self.gateway.state(choice.deployment);
        if let Some(ticket) = self.gateway.board.sent(&choice, &self.gateway.ask(), self.gateway.now) {
            let probe = choice.way == Way::Probe && before == State::Tripped;
            assert!(choice.way != Way::Probe || before != State::Probing, "one probe at a time");
            self.running.push(Running { ticket, probe });
        }
    }

    /// The place of one that is running.
    fn any(&mut self) -> usize {
        self.chance.below(u32::try_from(self.running.len()).expect("a few")) as usize
    }

    fn first(&mut self) {
        if self.running.is_empty() {
            return;
        }
        let at = self.any();
        self.gateway.board.first(&mut self.running[at].ticket, &[], self.gateway.now);
    }

    fn end(&mut self) {
        if self.running.is_empty() {
            return;
        }
        let at = self.any();
        let Running { ticket, .. } = self.running.swap_remove(at);
        // The first deployment is bad and the second one worse.
        let failing = [5, 8, 1][(ticket.deployment() as usize).min(2)];
        let ending = match self.chance.below(20) {
            0 => return drop(ticket),
            1 => Ending::Gone,
            2 => Ending::Refused,
            3 => Ending::Limited { retry_after: None },
            4 => Ending::Failed(Fault::TimedOut),
            5 if self.chance.below(20) == 0 => Ending::Failed(Fault::Unauthorized),
            draw if draw < 6 + failing => Ending::Failed(Fault::Broken),
            _ => complete(),
        };
        self.gateway.board.done(ticket, ending, self.gateway.now);
    }
}

/// 100,000 requests end in every way there is.
#[test]
fn nothing_is_left_in_flight_when_all_has_ended() {
    for seed in 0..10 {
        let mut play = Play::new(seed, 4);
        while play.log.len() < 10_000 {
            play.step();
        }
        play.running.clear();
        assert_eq!(play.gateway.in_flight(), 0, "seed {seed}");
        for at in &play.gateway.all {
            let known = play.gateway.board.vitals(*at).unwrap().read(play.gateway.now);
            assert_eq!(known.pending_s, 0.0, "nobody waits for a first token");
            let numbers = [known.slowness, known.sigma, known.error, known.fail_s, known.occupancy_s, known.line[0]];
            assert!(numbers.iter().all(|number| number.is_finite() && *number >= 0.0), "seed {seed}: {known:?}");
        }
    }
}

#[test]
fn the_same_events_and_seeds_give_the_same_decisions() {
    let run = || {
        let mut play = Play::new(7, 5);
        (0..20_000).for_each(|_| play.step());
        play.log
    };
    assert_eq!(run(), run());
}

#[test]
fn what_was_learned_survives_its_wire_form_and_a_restart() {
    let mut play = Play::new(3, 3);
    (0..5_000).for_each(|_| play.step());
    play.running.clear();
    let gateway = &play.gateway;
    let report = gateway.board.report(gateway.now);
    let text = serde_json::to_string(&report).expect("a report is JSON");
    let read: HealthReport = serde_json::from_str(&text).expect("it reads back");
    let mut other = Gateway::new((0..3).map(|at| facts(&at.to_string())).collect());
    assert_eq!(other.board.restore(&read, other.now), 3);
    for at in other.all.clone() {
        let before = gateway.board.vitals(at).unwrap().read(gateway.now);
        let after = other.board.vitals(at).unwrap().read(other.now);
        assert!((before.line[0] / after.line[0] - 1.0).abs() < 1e-4);
        assert!((before.between_tokens_s / after.between_tokens_s - 1.0).abs() < 1e-4);
        assert_eq!((after.in_flight, other.state(at)), (0.0, State::Healthy));
    }
    other.serve(0, 0.5);
}

#[test]
fn a_damaged_memory_is_not_believed() {
    let gateway = Gateway::new(vec![facts("a")]);
    let mut report = gateway.board.report(gateway.now);
    let healthy = gateway.board.vitals(0).unwrap().read(gateway.now);
    for damage in [f32::NAN, f32::INFINITY, -1.0, 1e30] {
        for health in report.deployments.values_mut() {
            health.learned.first_token_s = damage;
        }
        assert_eq!(gateway.board.restore(&report, gateway.now), 0);
        assert_eq!(gateway.board.vitals(0).unwrap().read(gateway.now), healthy);
    }
}

#[test]
fn a_new_configuration_keeps_what_was_learned_and_what_is_on_its_way() {
    let mut gateway = Gateway::new(vec![facts("a"), facts("b")]);
    gateway.warm_up(2.0);
    let ticket = gateway.send_to(1);
    let layout = Layout { deployments: vec![facts("c"), facts("b")], ..Layout::default() };
    let successor = gateway.board.successor(&layout);
    assert_eq!(successor.vitals(1).unwrap().in_flight(), 1);
    assert_eq!(successor.vitals(0).unwrap().in_flight(), 0);
    assert!(successor.vitals(1).unwrap().read(gateway.now).samples > 10);
    gateway.board.done(ticket, complete(), gateway.now);
    assert_eq!(successor.vitals(1).unwrap().in_flight(), 0);
}

/// A provider with a bucket of its own, whose headers arrive late and out of order.
#[test]
fn a_limited_account_is_never_sent_more_than_it_allows() {
    for seed in 0..20 {
        let mut chance = Chance(Seed::new(seed), 0);
        let quota = |id| Quota { id, requests_per_minute: None, tokens_per_minute: None };
        let layout = Layout {
            deployments: vec![facts("a"), facts("b")],
            accounts: vec![quota(facts("a").model)],
            ..Layout::default()
        };
        let mut gateway = Gateway::laid_out(&layout);
        let (mut left, mut heard) = (20.0_f64, false);
        let mut running: Vec<(Ticket, u64)> = Vec::new();
        let mut sent = 0;
        for _ in 0..20_000 {
            gateway.pass(0.02);
            left = (left + 0.02).min(20.0);
            if let Decision::Send(choice) = gateway.decide()
                && (heard || running.is_empty())
                && let Some(ticket) = gateway.board.sent(&choice, &gateway.ask(), gateway.now)
            {
                assert!(left >= 1.0, "seed {seed}: {sent} were sent and the next is one too many");
                left -= 1.0;
                sent += 1;
                running.push((ticket, whole(left)));
            }
            if !running.is_empty() && chance.below(40) == 0 {
                let at = chance.below(u32::try_from(running.len()).unwrap()) as usize;
                let (mut ticket, remaining) = running.swap_remove(at);
                let limit = Limit { limit: Some(60), remaining: Some(remaining), reset: None };
                let said = RateLimits { requests: limit, ..RateLimits::default() };
                gateway.board.limits(&ticket, &said, gateway.now);
                gateway.board.first(&mut ticket, &[], gateway.now);
                gateway.board.done(ticket, complete(), gateway.now);
                heard = true;
            }
        }
        assert!(sent > 300, "and most of what it allows is used: {sent} of 420");
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a provider rounds down as well")]
const fn whole(left: f64) -> u64 {
    left as u64
}

#[test]
fn tokens_are_limited_as_requests_are() {
    let quota = Quota { id: facts("a").model, requests_per_minute: None, tokens_per_minute: Some(60_000) };
    let layout = Layout { deployments: vec![facts("a")], accounts: vec![quota], ..Layout::default() };
    let mut gateway = Gateway::laid_out(&layout);
    let mut sent = Vec::new();
    while let Decision::Send(choice) = gateway.decide() {
        sent.push(gateway.send(&choice));
        assert!(sent.len() <= 9, "ten seconds' worth is 10,000 tokens, and a request needs 1,100");
    }
    assert_eq!(sent.len(), 9);
    assert!(matches!(gateway.decide(), Decision::Wait { until } if until <= gateway.now.after(Duration::from_secs(1))));
    gateway.pass(1.1);
    assert!(matches!(gateway.decide(), Decision::Send(_)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever was learned, a twin that is dearer by more than the tie band is not taken.
    #[test]
    fn the_dearer_of_two_that_are_otherwise_alike_is_not_taken(
        output in 1u32..500,
        factor in 2u32..20,
        prompt in 500u32..100_000,
        first_token_ms in 20u32..5_000,
    ) {
        let dear = (f64::from(factor) * 2.0).to_string();
        let twin = |name, price: &str| priced(name, price, &(f64::from(output) / 10.0).to_string());
        let mut gateway = Gateway::new(vec![twin("a", &dear), twin("b", "2")]);
        gateway.warm_up(f64::from(first_token_ms) / 1000.0);
        gateway.policy.second_of_waiting = router_core::domain::Credits::from_nano(300_000);
        let seed = gateway.seed();
        let ask = Ask { prompt_tokens: prompt, ..gateway.ask() };
        let Decision::Send(choice) = gateway.board.decide(&ask, &gateway.policy, gateway.now, seed) else {
            panic!("somebody is there")
        };
        prop_assume!(f64::from(prompt) * 2.0 * f64::from(factor - 1) > 3_000.0);
        prop_assert_eq!(choice.deployment, 1);
    }

    /// The slower of two that cost the same is not taken.
    #[test]
    fn the_slower_of_two_that_are_otherwise_alike_is_not_taken(first_ms in 50u32..2_000, factor in 3u32..10) {
        let mut gateway = Gateway::new(vec![priced("a", "0", "0"), priced("b", "0", "0")]);
        for _ in 0..30 {
            gateway.serve(0, f64::from(first_ms * factor) / 1000.0);
            gateway.serve(1, f64::from(first_ms) / 1000.0);
        }
        prop_assert_eq!(gateway.tally(20), vec![0, 20]);
    }

    /// Nor is one that fails more often.
    #[test]
    fn the_one_that_fails_of_two_that_are_otherwise_alike_is_not_taken(failures in 1u32..4) {
        let mut gateway = Gateway::new(vec![facts("a"), facts("b")]);
        gateway.warm_up(0.5);
        for _ in 0..failures {
            gateway.fail(0, 0.3);
        }
        prop_assert_eq!(gateway.state(0), State::Healthy);
        prop_assert_eq!(gateway.tally(20), vec![0, 20]);
    }

    /// Not by any strategy, unless its time has come.
    #[test]
    fn a_tripped_one_is_never_taken_while_a_healthy_one_has_room(
        strategy in proptest::sample::select(&Routing::ALL[..]),
        events in proptest::collection::vec((0u32..3, 0u32..4, 0u32..3_000), 1..120),
    ) {
        let mut gateway = Gateway::new(vec![facts("a"), facts("b"), facts("c")]);
        gateway.policy.strategy = strategy;
        for (deployment, event, millis) in events {
            gateway.pass(f64::from(millis) / 1000.0);
            match event {
                0 => gateway.serve(deployment, 0.5),
                _ => gateway.fail(deployment, 0.05),
            }
            let access = |at: u32| gateway.board.vitals(at).unwrap().access(gateway.now);
            let healthy = gateway.all.iter().any(|at| access(*at) == Access::Healthy);
            let shut: Vec<_> = gateway.all.iter().map(|at| access(*at)).collect();
            if let (true, Decision::Send(choice)) = (healthy, gateway.decide()) {
                let taken = shut[choice.deployment as usize];
                let distress = matches!(taken, Access::Shut { distress: true, .. }) && choice.way == Way::Probe;
                prop_assert!(matches!(taken, Access::Healthy | Access::Due) || distress, "{:?}", taken);
            }
        }
    }

    /// No answer, however odd, makes a number that is none.
    #[test]
    fn no_feedback_makes_nonsense(
        times in proptest::collection::vec((0u64..100_000_000, 0u64..100_000_000, any::<u32>(), any::<u32>()), 1..60),
    ) {
        let mut gateway = Gateway::new(vec![facts("a")]);
        for (first_us, rest_us, output, cached) in times {
            let mut ticket = gateway.send_to(0);
            gateway.now = Tick(gateway.now.0 + first_us);
            gateway.board.first(&mut ticket, &[], gateway.now);
            gateway.now = Tick(gateway.now.0 + rest_us);
            let ending = Ending::Complete { output_tokens: Some(output), cached_tokens: Some(cached) };
            gateway.board.done(ticket, ending, gateway.now);
            let known = gateway.board.vitals(0).unwrap().read(gateway.now);
            let numbers = [known.slowness, known.sigma, known.skew, known.between_tokens_s, known.occupancy_s];
            prop_assert!(numbers.iter().chain(&known.line).all(|n| n.is_finite() && *n >= 0.0), "{:?}", known);
            prop_assert!(matches!(gateway.decide(), Decision::Send(choice) if choice.loss.is_finite()));
        }
    }
}
