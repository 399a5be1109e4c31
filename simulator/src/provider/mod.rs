//! The providers while a run lasts: who is being served, who waits in line, what is cached, what is left of limits.
//!
//! Chance is drawn per request, deployment and try, so two strategies that do the same meet the same luck.

mod bucket;
mod cache;
mod weather;

use std::collections::VecDeque;

use router_core::domain::{Seed, Tick, Usage};

use crate::chance::Dice;
use crate::strategy::{Failure, LimitsLeft};
use crate::traffic::Request;
use crate::units::{after, between};
use crate::world::{BLOCK_TOKENS, Deployment, World};

use bucket::Account;
use cache::PromptCache;
use weather::Weather;

/// A refused connection is known after this.
const REFUSED_S: f64 = 0.001;
/// A black hole answers after this.
const BLACK_HOLE_S: f64 = 0.005;
/// A 429 is answered after this.
const THROTTLED_S: f64 = 0.06;
/// Part of a newer observation in the mean time that a request is served.
const SERVICE_GAIN: f64 = 0.05;

/// An attempt as its provider sees it.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// The engine's number for it.
    pub attempt: usize,
    /// The request.
    pub request: &'a Request,
    /// The request's number.
    pub number: u64,
    /// How many attempts the request made before.
    pub tries: u64,
}

/// What becomes of an attempt that was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reception {
    /// It fails after some seconds.
    Fails(f64, Failure),
    /// Nothing is ever heard of it.
    Silent,
    /// It waits for a slot.
    Queued,
    /// It is served.
    Served(Service),
}

/// How an attempt is served from the moment that it has a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Service {
    /// Seconds to the first token.
    pub first_s: f64,
    /// Seconds from there to the last token.
    pub decode_s: f64,
    /// Where the answer stalls for good, as a part of the decoding, if it does.
    pub stalls: Option<f64>,
    /// Whether it ends with a 500 before its first token, after `first_s`.
    pub fails: bool,
    /// Prompt tokens that the cache answers.
    pub cached_tokens: u64,
}

/// All providers of a world.
pub struct Providers<'w> {
    world: &'w World,
    lines: Vec<Line>,
    accounts: Vec<Account>,
    dice: Dice,
}

/// One deployment's state.
#[derive(Debug)]
struct Line {
    active: usize,
    queue: VecDeque<usize>,
    cache: PromptCache,
    /// Mean seconds that a request is served: for the oracle's guess of the queue.
    service_s: f64,
}

impl<'w> Providers<'w> {
    /// Idle providers.
    pub fn new(world: &'w World, seed: Seed) -> Self {
        let line =
            |_: &Deployment| Line { active: 0, queue: VecDeque::new(), cache: PromptCache::default(), service_s: 3.0 };
        Self {
            world,
            lines: world.deployments.iter().map(line).collect(),
            accounts: world.accounts.iter().map(Account::full).collect(),
            dice: Dice::new(seed.fork("provider")),
        }
    }

    /// An attempt arrives at a deployment.
    pub fn receive(&mut self, place: usize, visit: Visit<'_>, now: Tick) -> Reception {
        let deployment = &self.world.deployments[place];
        let weather = Weather::at(deployment, now);
        let mut dice = self.luck(place, visit);
        if weather.refuses {
            return Reception::Fails(REFUSED_S, Failure::Connect);
        }
        if weather.black_hole {
            return Reception::Fails(BLACK_HOLE_S, Failure::Status5xx);
        }
        if dice.happens(weather.throttles) {
            return Reception::Fails(THROTTLED_S, Failure::Throttled { retry_after_s: None });
        }
        let need = (visit.request.prompt_tokens + visit.request.output_tokens) as f64;
        if let Some(account) = deployment.account
            && let Err(retry_after_s) = self.accounts[account].take(need, now)
        {
            return Reception::Fails(THROTTLED_S, Failure::Throttled { retry_after_s });
        }
        if weather.hangs {
            return Reception::Silent;
        }
        if self.lines[place].active >= weather.slots || !self.lines[place].queue.is_empty() {
            self.lines[place].queue.push_back(visit.attempt);
            return Reception::Queued;
        }
        Reception::Served(self.serve(place, visit, now))
    }

    /// Gives a slot to an attempt.
    pub fn serve(&mut self, place: usize, visit: Visit<'_>, now: Tick) -> Service {
        let service = self.foresee(place, visit, now);
        let line = &mut self.lines[place];
        line.active += 1;
        line.service_s += SERVICE_GAIN * (service.first_s + service.decode_s - line.service_s);
        service
    }

    /// What serving an attempt from now on would be, without doing it.
    fn foresee(&self, place: usize, visit: Visit<'_>, now: Tick) -> Service {
        let deployment = &self.world.deployments[place];
        let weather = Weather::at(deployment, now);
        let line = &self.lines[place];
        let mut dice = self.luck(place, visit);
        // The first draw was for throttling.
        let _ = dice.unit();
        let found = deployment.cache.filter(|cache| dice.happens(cache.found));
        let cached_tokens = found.map_or(0, |cache| line.cache.tokens(&cache, visit.request, now));
        let shape = deployment.first_token;
        let uncached = (visit.request.prompt_tokens - cached_tokens) as f64 / 1e3;
        let base = shape.base_s + shape.per_1k_s * uncached + shape.per_active_s * line.active as f64;
        let first_s = dice.lognormal(base, shape.sigma) * weather.slower;
        let decode = deployment.per_token_s * (visit.request.output_tokens.saturating_sub(1)) as f64;
        let decode_s = dice.lognormal(decode, 0.1) * weather.slower;
        let fails = dice.happens(weather.errors);
        let part = dice.unit();
        let stalls = dice.happens(weather.stalls).then_some(part);
        let first_s = if fails { first_s * part } else { first_s };
        Service { first_s, decode_s, stalls, fails, cached_tokens }
    }

    /// The prompt of an attempt was read: its prefix is in the cache now.
    pub fn remember(&mut self, place: usize, request: &Request, now: Tick) {
        if let Some(cache) = self.world.deployments[place].cache {
            self.lines[place].cache.keep(&cache, request, now);
        }
    }

    /// An attempt that was served leaves its slot.
    pub fn leave(&mut self, place: usize) {
        let active = &mut self.lines[place].active;
        debug_assert!(*active > 0, "nobody leaves who was not served");
        *active = active.saturating_sub(1);
    }

    /// An attempt that waits in line leaves it.
    pub fn abandon(&mut self, place: usize, attempt: usize) {
        self.lines[place].queue.retain(|waiting| *waiting != attempt);
    }

    /// The next in line, if there is a slot for it.
    pub fn next_in_line(&mut self, place: usize, now: Tick) -> Option<usize> {
        let slots = Weather::at(&self.world.deployments[place], now).slots;
        let line = &mut self.lines[place];
        if line.active < slots { line.queue.pop_front() } else { None }
    }

    /// What headers of an answer say of the limits.
    pub fn limits_left(&mut self, place: usize, now: Tick) -> Option<LimitsLeft> {
        let account = self.world.deployments[place].account?;
        self.accounts[account].headers(now)
    }

    /// What would happen to an attempt that is sent now: for the oracle, which sees everything but the future.
    pub fn foretell(&mut self, place: usize, visit: Visit<'_>, now: Tick) -> Option<(f64, Service)> {
        let deployment = &self.world.deployments[place];
        let weather = Weather::at(deployment, now);
        let need = (visit.request.prompt_tokens + visit.request.output_tokens) as f64;
        let limited = deployment.account.is_some_and(|account| !self.accounts[account].has(need, now));
        let throttled = self.luck(place, visit).happens(weather.throttles);
        if weather.refuses || weather.black_hole || weather.hangs || limited || throttled {
            return None;
        }
        let line = &self.lines[place];
        let ahead = (line.active + line.queue.len() + 1).saturating_sub(weather.slots) as f64;
        let wait_s = ahead * line.service_s * weather.slower / weather.slots.max(1) as f64;
        let service = self.foresee(place, visit, after(now, wait_s));
        (!service.fails && service.stalls.is_none()).then_some((wait_s, service))
    }

    fn luck(&self, place: usize, visit: Visit<'_>) -> Dice {
        self.dice.for_each(visit.number).for_each(visit.tries * 64 + place as u64)
    }
}

/// Tokens of an attempt by what they cost. Whole blocks that were not found in a cache are written to it.
pub fn usage(deployment: &Deployment, prompt_tokens: u64, cached_tokens: u64, output_tokens: u64) -> Usage {
    let fresh = prompt_tokens.saturating_sub(cached_tokens);
    let kept = deployment.cache.filter(|cache| prompt_tokens >= cache.tokens_min);
    let cache_write = if kept.is_some() { fresh / BLOCK_TOKENS * BLOCK_TOKENS } else { 0 };
    Usage {
        fresh: fresh - cache_write,
        cache_read: cached_tokens,
        cache_write,
        out_text: output_tokens,
        ..Usage::default()
    }
}

/// Seconds since the run began.
fn run_seconds(now: Tick) -> f64 {
    between(Tick(0), now)
}
