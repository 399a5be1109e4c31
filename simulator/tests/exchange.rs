//! What holds for every strategy: the exchange around it and the providers behind it.

use router_core::domain::{Seed, Tick};
use tollgate_simulator::report::{ClientError, Report, Weights};
use tollgate_simulator::run::{Job, Mind, run};
use tollgate_simulator::strategy::{Ask, Attempt, Choice, Outcome, Strategy};
use tollgate_simulator::traffic::Request;
use tollgate_simulator::world::{Deployment, FaultKind, World};

/// Goes through a list, one deployment per attempt, and stays at the last.
struct Script(Vec<usize>);

impl Strategy for Script {
    fn choose(&mut self, _: &Ask<'_>, tried: &[usize], _: Tick) -> Choice {
        let deployment = self.0[tried.len().min(self.0.len() - 1)];
        Choice::Send { deployment, delay_s: 0.0, timeout_s: 10.0 }
    }
}

/// Counts what it is told, and fails the test where an attempt ends twice.
struct Bookkeeper(u64);

impl Strategy for Bookkeeper {
    fn choose(&mut self, _: &Ask<'_>, tried: &[usize], _: Tick) -> Choice {
        Choice::Send { deployment: tried.len() % 2, delay_s: 0.0, timeout_s: 1.0 }
    }

    fn sent(&mut self, _: &Attempt<'_>, _: Tick) -> bool {
        self.0 += 1;
        true
    }

    fn done(&mut self, _: &Attempt<'_>, _: &Outcome, _: Tick) {
        self.0 = self.0.checked_sub(1).expect("no attempt ends twice");
    }
}

impl Drop for Bookkeeper {
    fn drop(&mut self) {
        assert_eq!(self.0, 0, "every attempt ends");
    }
}

fn exact(name: &str) -> Deployment {
    let mut deployment = Deployment::new(name).speed(1.0, 0.0, 10.0).price(1.0, 1.0);
    deployment.first_token.sigma = 0.0;
    deployment
}

fn requests(count: u64, gap_s: f64) -> Vec<Request> {
    let at = |number: u64| Tick(number * tollgate_simulator::units::micros(gap_s));
    let request = |number| Request {
        at: at(number),
        prompt_tokens: 1_000,
        output_tokens: 101,
        max_tokens: Some(200),
        prefix: Vec::new(),
        user: number,
        replica: 0,
    };
    (0..count).map(request).collect()
}

fn play(deployments: Vec<Deployment>, requests: &[Request], strategy: impl Strategy + 'static) -> Report {
    let world = World { deployments, accounts: Vec::new() };
    let weights = Weights::balanced(1_000.0, 2.0);
    let job = Job { world: &world, requests, weights: &weights, patience_s: 30.0, seed: Seed::new(1) };
    run(&job, vec![Mind::Strategy(Box::new(strategy))])
}

fn errors(report: &Report, error: ClientError) -> u64 {
    let place = ClientError::ALL.iter().position(|kind| *kind == error).expect("one of them");
    report.errors[place]
}

#[test]
fn a_request_takes_as_long_and_costs_as_much_as_its_deployment_says() {
    let report = play(vec![exact("a")], &requests(1, 1.0), Script(vec![0]));
    assert_eq!(report.first_s, [1.0]);
    assert!((report.total_s[0] - 2.0).abs() < 0.3, "100 tokens of 10 ms: {}", report.total_s[0]);
    assert_eq!(report.cost.nano(), 1_101_000, "1,101 tokens at a dollar per million");
}

#[test]
fn a_failure_before_the_first_token_is_tried_elsewhere() {
    let broken = exact("broken").fault(0.0, 1e9, FaultKind::BlackHole);
    let report = play(vec![broken, exact("a")], &requests(10, 5.0), Script(vec![0, 1]));
    assert_eq!((report.failed(), report.attempts), (0, vec![10, 10]));
    assert!((report.first_s[0] - 1.005).abs() < 1e-9, "the failure took 5 ms");
}

#[test]
fn no_attempt_follows_once_the_client_has_a_token() {
    let stalls = exact("stalls").fault(0.0, 1e9, FaultKind::Stall(1.0));
    let report = play(vec![stalls, exact("a")], &requests(10, 5.0), Script(vec![0, 1]));
    assert_eq!((errors(&report, ClientError::Broken), report.attempts), (10, vec![10, 0]));
    assert!(report.cost.nano() > 10 * 1_000_000, "the prompt and half an answer are paid");
}

#[test]
fn attempts_are_bounded_and_retries_are_paid_from_a_budget() {
    let broken = || exact("broken").fault(0.0, 1e9, FaultKind::Refuse);
    let one = play(vec![broken(), broken()], &requests(1, 1.0), Script(vec![0, 1]));
    assert_eq!((errors(&one, ClientError::Exhausted), one.attempts), (1, vec![1, 3]));
    // 100 retries at the start and a fifth of one per request.
    let many = play(vec![broken(), broken()], &requests(1_000, 0.001), Script(vec![0, 1]));
    let retries = many.attempts.iter().sum::<u64>() - 1_000;
    assert!((290..=301).contains(&retries), "{retries}");
}

#[test]
fn a_hang_ends_with_the_strategys_timeout_and_a_client_with_its_patience() {
    let hangs = || exact("hangs").fault(0.0, 1e9, FaultKind::Hang);
    let rescued = play(vec![hangs(), exact("a")], &requests(1, 1.0), Script(vec![0, 1]));
    assert_eq!(rescued.first_s, [11.0]);
    let lost = play(vec![hangs(), hangs()], &requests(1, 1.0), Script(vec![0, 1]));
    assert_eq!(errors(&lost, ClientError::Impatient), 1);
    assert_eq!(lost.attempts, [1, 2], "after 0, 10 and 20 seconds");
}

#[test]
fn those_beyond_the_slots_wait_in_line() {
    // Each takes 2 s; one slot.
    let report = play(vec![exact("a").slots(1)], &requests(3, 0.001), Script(vec![0]));
    assert!(report.first_s[0] < 1.1 && (2.5..3.5).contains(&report.first_s[1]), "{:?}", report.first_s);
    assert!((4.4..5.6).contains(&report.first_s[2]), "{:?}", report.first_s);
}

#[test]
fn a_context_that_is_too_small_is_never_asked() {
    let small = Deployment { window_tokens: 1_100, ..exact("small") };
    let report = play(vec![small], &requests(1, 1.0), Script(vec![0]));
    assert_eq!(errors(&report, ClientError::Refused), 1);
}

#[test]
fn every_attempt_that_was_sent_ends_once_whatever_happens() {
    let bad = exact("bad").slots(2).fault(0.0, 5.0, FaultKind::Hang).fault(5.0, 20.0, FaultKind::Errors(0.5)).fault(
        20.0,
        30.0,
        FaultKind::Slow(9.0),
    );
    let worse =
        exact("worse").slots(1).fault(0.0, 20.0, FaultKind::Throttle(0.5)).fault(0.0, 40.0, FaultKind::Stall(0.5));
    let report = play(vec![bad, worse], &requests(400, 0.1), Bookkeeper(0));
    assert_eq!(report.requests, 400);
}
