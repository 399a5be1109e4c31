//! Where a request goes: the decision, what follows it, and what is learned from the answer.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use router_core::domain::{DeploymentId, Id128, PicoPerToken, Price, Seed, Tick};
use router_core::health::{Limit, RateLimits};
use router_core::plan::{
    Ask, Board, Capabilities, Capability, Choice, Decision, Ending, Facts, Layout, Policy, PromptCache, Quota,
    Strategy, chain,
};

/// So many deployments of one model, each at an account of its own, which differ a little in everything.
fn layout(count: u32) -> Layout {
    let facts = |at: u32| {
        let price = |base: u64| PicoPerToken(base + u64::from(at) * 10_000);
        Facts {
            model: Id128::named("model", "m"),
            account: at as usize,
            price: Some(Price {
                input: price(2_500_000),
                output: price(10_000_000),
                cache_read: price(250_000),
                cache_write: price(2_500_000),
            }),
            context_window: Some(200_000),
            cache: Some(PromptCache { tokens_min: 1024, ttl: Duration::from_secs(300), bills_writes: false }),
            ..Facts::new(DeploymentId::named(&at.to_string()))
        }
    };
    let quota = |at: u32| Quota {
        id: Id128::named("quota", &at.to_string()),
        requests_per_minute: None,
        tokens_per_minute: None,
    };
    Layout {
        deployments: (0..count).map(facts).collect(),
        accounts: (0..count).map(quota).collect(),
        ..Layout::default()
    }
}

/// A gateway in service: everyone has answered, some are slow, limits are known, and some requests are on their way.
struct Service {
    board: Board,
    all: Vec<u32>,
    chain: Vec<u64>,
    now: Tick,
}

fn said() -> RateLimits {
    let limit = Limit { limit: Some(1 << 50), remaining: Some(1 << 49), reset: None };
    RateLimits { requests: limit, tokens: limit, ..RateLimits::default() }
}

fn complete() -> Ending {
    Ending::Complete { output_tokens: Some(300), cached_tokens: Some(4_000) }
}

impl Service {
    fn new(count: u32, blocks: u64) -> Self {
        let chain = (1..=blocks).map(|block| block.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let all: Vec<_> = (0..count).collect();
        let mut service = Self { board: Board::new(&layout(count)), all, chain, now: Tick(1_000_000) };
        let ends = u64::from(count) * 20;
        for step in 0..ends {
            let at = [u32::try_from(step % u64::from(count)).expect("a few")];
            let ask = Ask { candidates: &at, ..service.ask() };
            let Decision::Send(choice) = service.decide(&ask, &Policy::BALANCED, step) else { continue };
            let Some(mut ticket) = service.board.sent(&choice, &ask, service.now) else { continue };
            service.board.limits(&ticket, &said(), service.now);
            service.now = service.now.after(Duration::from_millis(400 + u64::from(at[0]) * 20));
            service.board.first(&mut ticket, &service.chain, service.now);
            // The last of each stays on its way.
            if step + u64::from(count) < ends {
                service.board.done(ticket, complete(), service.now.after(Duration::from_secs(1)));
            } else {
                std::mem::forget(ticket);
            }
        }
        service
    }

    fn ask(&self) -> Ask<'_> {
        let needs = Capabilities::NONE.with(Capability::Streaming).with(Capability::Tools);
        Ask { prompt_tokens: 12_500, chain: &self.chain, needs, candidates: &self.all, ..Ask::default() }
    }

    fn decide(&self, ask: &Ask<'_>, policy: &Policy, draw: u64) -> Decision {
        self.board.decide(ask, policy, self.now, Seed::new(draw))
    }

    fn choice(&self) -> Choice {
        match self.decide(&self.ask(), &Policy::BALANCED, 1) {
            Decision::Send(choice) => choice,
            other => panic!("nothing is sent: {other:?}"),
        }
    }
}

fn bench_decide(c: &mut Criterion) {
    let mut group = c.benchmark_group("decide");
    for (name, count, blocks) in [
        ("1", 1, 0),
        ("3", 3, 0),
        ("10", 10, 0),
        ("10-and-24-blocks", 10, 24),
        ("10-and-128-blocks", 10, 128),
        ("32", 32, 0),
        ("100", 100, 0),
        ("100-and-24-blocks", 100, 24),
    ] {
        let service = Service::new(count, blocks);
        let ask = service.ask();
        let mut draw = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                draw += 1;
                service.decide(black_box(&ask), &Policy::BALANCED, draw)
            });
        });
    }
    let service = Service::new(10, 0);
    for strategy in [Strategy::Weighted, Strategy::RoundRobin, Strategy::LowestCost] {
        let policy = Policy { strategy, ..Policy::BALANCED };
        group.bench_function(BenchmarkId::new("10-by", strategy.name()), |b| {
            b.iter(|| service.decide(black_box(&service.ask()), &policy, 1));
        });
    }
    group.finish();
}

fn bench_feedback(c: &mut Criterion) {
    let mut group = c.benchmark_group("feedback");
    for (name, blocks) in [("no-cache", 0), ("24-blocks", 24)] {
        let service = Service::new(10, blocks);
        let (ask, choice) = (service.ask(), service.choice());
        let mut now = service.now;
        group.bench_function(BenchmarkId::new("whole-request", name), |b| {
            b.iter(|| {
                now = Tick(now.0 + 700_000);
                let mut ticket = service.board.sent(&choice, &ask, now).expect("there is room");
                service.board.limits(&ticket, &said(), now);
                now = Tick(now.0 + 500_000);
                service.board.first(&mut ticket, &service.chain, now);
                service.board.done(ticket, complete(), Tick(now.0 + 1_000_000));
            });
        });
    }
    let service = Service::new(10, 0);
    let (ask, choice) = (service.ask(), service.choice());
    group.bench_function("sent-and-gone", |b| {
        b.iter(|| drop(service.board.sent(&choice, black_box(&ask), service.now).expect("there is room")));
    });
    let ticket = service.board.sent(&choice, &ask, service.now).expect("there is room");
    group.bench_function("limits", |b| b.iter(|| service.board.limits(&ticket, &said(), service.now)));
    group.finish();
}

fn bench_chain(c: &mut Criterion) {
    let mut group = c.benchmark_group("chain");
    for bytes in [4_000, 48_000, 400_000] {
        let prompt: Vec<u8> = (0u8..251).cycle().take(bytes).collect();
        let mut out = Vec::new();
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::from_parameter(bytes), |b| {
            b.iter(|| {
                chain(7, black_box(&prompt).chunks(5_000), &mut out);
                out.len()
            });
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench_decide(&mut criterion);
    bench_feedback(&mut criterion);
    bench_chain(&mut criterion);
    criterion.final_summary();
}
