//! The event loop: requests arrive, strategies choose, providers answer, reports count.
//!
//! Every strategy gets the same exchange around it: at most [`ATTEMPTS_MAX`] attempts, each on a deployment that was
//! not tried yet while there is one, paid from a retry budget; no further attempt once the client has a token; a bound
//! on the silence within an answer; and a client that does not wait forever.

mod agenda;
mod exchange;
mod oracle;

use router_core::domain::{Seed, Tick};

use crate::provider::Providers;
use crate::report::{Report, Weights};
use crate::set::Set;
use crate::strategy::{Facts, Strategy};
use crate::traffic::Request;
use crate::world::World;

use agenda::{Agenda, Event};
use exchange::{Exchange, Flight};

/// Attempts of one request: the first and three retries.
pub const ATTEMPTS_MAX: usize = 4;
/// What each request adds to its gateway's retry budget; a retry takes 1.
pub const BUDGET_PER_REQUEST: f64 = 0.2;
/// Retries that the budget holds at most, and at the start.
pub const BUDGET_MAX: f64 = 100.0;
/// Seconds of silence within an answer after which it is given up.
pub const IDLE_S: f64 = 20.0;

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The providers.
    pub world: &'a World,
    /// The clients, by time of arrival.
    pub requests: &'a [Request],
    /// On which terms losses are counted.
    pub weights: &'a Weights,
    /// Seconds that a client waits for its first token.
    pub patience_s: f64,
    /// Where the providers' chance comes from.
    pub seed: Seed,
}

/// Who decides at one gateway.
pub enum Mind {
    /// A strategy, which knows what gateways know.
    Strategy(Box<dyn Strategy>),
    /// One that sees queues, faults and the answer's length, and takes what is best for the request at hand. It does
    /// not see later requests, so it is a yardstick and no bound.
    Oracle,
}

/// Runs every request to its end, with one mind per gateway.
pub fn run(job: &Job<'_>, minds: Vec<Mind>) -> Report {
    let mut engine = Engine::new(job, minds);
    while let Some((now, event)) = engine.agenda.next() {
        engine.handle(event, now);
    }
    engine.report.close();
    engine.report
}

/// What an operator would declare of a world's deployments.
pub fn facts(world: &World) -> Vec<Facts> {
    let declare = |deployment: &crate::world::Deployment| {
        let account = deployment.account.map(|account| world.accounts[account]);
        Facts {
            price: deployment.price,
            cache: deployment.cache.map(|cache| (cache.tokens_min, cache.ttl_s)),
            requests_per_minute: account.and_then(|account| account.requests_per_minute),
            tokens_per_minute: account.and_then(|account| account.tokens_per_minute),
            account: deployment.account,
            window_tokens: deployment.window_tokens,
            weight: deployment.weight,
        }
    };
    world.deployments.iter().map(declare).collect()
}

struct Engine<'a> {
    job: &'a Job<'a>,
    providers: Providers<'a>,
    gateways: Vec<Gateway>,
    agenda: Agenda,
    exchanges: Vec<Exchange>,
    flights: Vec<Flight>,
    report: Report,
}

struct Gateway {
    mind: Mind,
    retry_budget: f64,
}

impl<'a> Engine<'a> {
    fn new(job: &'a Job<'a>, minds: Vec<Mind>) -> Self {
        let mut agenda = Agenda::default();
        if let Some(first) = job.requests.first() {
            agenda.put(first.at, Event::Arrive(0));
        }
        let gateway = |mind| Gateway { mind, retry_budget: BUDGET_MAX };
        Self {
            job,
            providers: Providers::new(job.world, job.seed),
            gateways: minds.into_iter().map(gateway).collect(),
            agenda,
            exchanges: Vec::with_capacity(job.requests.len()),
            flights: Vec::with_capacity(job.requests.len()),
            report: Report::empty(job.world.deployments.len()),
        }
    }

    fn handle(&mut self, event: Event, now: Tick) {
        match event {
            Event::Arrive(request) => self.arrive(request, now),
            Event::Ask(request) => self.ask(request, now),
            Event::Depart(request, deployment, wait) => self.depart(request, deployment, wait, now),
            Event::Impatient(request) => self.impatient(request, now),
            Event::First(flight) => self.first(flight, now),
            Event::Last(flight) => self.last(flight, now),
            Event::Fail(flight, failure) => self.fail(flight, failure, now),
        }
    }

    /// Deployments in whose window a request fits.
    fn fits(&self, request: &Request) -> Set {
        let needed = request.prompt_tokens + request.max_tokens.unwrap_or(0);
        let deployments = self.job.world.deployments.iter().enumerate();
        deployments.filter(|(_, deployment)| needed <= deployment.window_tokens).map(|(place, _)| place).collect()
    }
}
