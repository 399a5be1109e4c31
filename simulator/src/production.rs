//! The gateway's own engine as a strategy: `router_core::plan` decides in virtual time.
//!
//! Nothing is decided here. An ask becomes the engine's ask, an outcome its ending; what it learns it learns from the
//! same calls that the data plane makes.

use std::collections::BTreeMap;
use std::time::Duration;

use router_core::domain::{Credits, DeploymentId, Id128, Seed, Tick};
use router_core::health::{Fault, Limit, RateLimits};
use router_core::plan::{
    self, Board, Capabilities, Capability, Decision, Ending, Layout, Objective, Policy, PromptCache, Quota, Ticket,
};

use crate::report::Weights;
use crate::strategy::{Ask, Attempt, Choice, Facts, Failure, LimitLeft, LimitsLeft, Outcome, Strategy};
use crate::units::{between, micros, whole};

/// A board with the policy of its only route.
pub struct Production {
    board: Board,
    policy: Policy,
    seed: Seed,
    decisions: u32,
    /// What was decided for requests that have not left yet.
    chosen: BTreeMap<u64, plan::Choice>,
    /// What is on its way.
    tickets: BTreeMap<u64, Ticket>,
}

impl Production {
    /// An engine that has learned nothing yet.
    pub fn new(facts: &[Facts], policy: Policy, seed: Seed) -> Self {
        Self {
            board: Board::new(&layout(facts)),
            policy,
            seed: seed.fork("decide"),
            decisions: 0,
            chosen: BTreeMap::new(),
            tickets: BTreeMap::new(),
        }
    }
}

/// The policy that wants what losses are counted by.
pub fn policy(weights: &Weights) -> Policy {
    let credits =
        |micro_dollars: f64| Credits::from_nano(i64::try_from(whole(micro_dollars * 1e3)).unwrap_or(i64::MAX));
    Policy {
        second_of_waiting: credits(weights.first_token_s),
        second_of_decoding: credits(weights.decode_s),
        objective: Some(Objective {
            first_token: Some(duration(weights.objective_s)),
            whole: None,
            price_of_miss: credits(weights.miss),
            misses_max: None,
        }),
        price_of_error: credits(weights.error),
        ..Policy::BALANCED
    }
}

fn layout(facts: &[Facts]) -> Layout {
    let accounts = facts.iter().filter_map(|facts| facts.account).max().map_or(0, |last| last + 1);
    let quota = |account: usize| {
        let declared = facts.iter().find(|facts| facts.account == Some(account));
        let limit = |limit: fn(&Facts) -> Option<f64>| declared.and_then(limit).map(whole);
        Quota {
            id: id(account),
            requests_per_minute: limit(|facts| facts.requests_per_minute),
            tokens_per_minute: limit(|facts| facts.tokens_per_minute),
        }
    };
    let deployment = |(place, facts): (usize, &Facts)| plan::Facts {
        model: id(0),
        account: facts.account.unwrap_or(usize::MAX),
        price: Some(facts.price),
        context_window: Some(narrow(facts.window_tokens)),
        weight: facts.weight,
        priority: u8::try_from(place).unwrap_or(u8::MAX),
        cache: facts.cache.map(|(tokens_min, ttl_s)| PromptCache {
            tokens_min: narrow(tokens_min),
            ttl: duration(ttl_s),
            bills_writes: facts.price.cache_write != facts.price.input,
        }),
        ..plan::Facts::new(DeploymentId(id(place)))
    };
    Layout {
        deployments: facts.iter().enumerate().map(deployment).collect(),
        accounts: (0..accounts).map(quota).collect(),
        ..Layout::default()
    }
}

impl Strategy for Production {
    fn choose(&mut self, ask: &Ask<'_>, tried: &[usize], now: Tick) -> Choice {
        let candidates: Vec<u32> = ask.fits.iter().map(place).collect();
        let tried: Vec<u32> = tried.iter().copied().map(place).collect();
        let asked = plan::Ask {
            max_tokens: ask.max_tokens.map(narrow),
            chain: ask.prefix,
            elapsed: duration(between(ask.arrived, now)),
            waited: duration(ask.waited_s),
            candidates: &candidates,
            tried: &tried,
            user: ask.user,
            ..streamed(ask.prompt_tokens)
        };
        self.decisions = self.decisions.wrapping_add(1);
        match self.board.decide(&asked, &self.policy, now, self.seed.step(self.decisions)) {
            Decision::Send(_) if !tried.is_empty() && !self.board.retry(&asked, &self.policy) => Choice::Refuse,
            Decision::Send(choice) => {
                self.chosen.insert(ask.request, choice);
                Choice::Send {
                    deployment: choice.deployment as usize,
                    delay_s: choice.delay.as_secs_f64(),
                    timeout_s: choice.first_token_timeout.as_secs_f64(),
                }
            }
            Decision::Wait { until } => Choice::Wait { until },
            Decision::Refused { .. } | Decision::Unfit(_) => Choice::Refuse,
        }
    }

    fn sent(&mut self, attempt: &Attempt<'_>, now: Tick) -> bool {
        let Some(choice) = self.chosen.remove(&attempt.request) else { return false };
        let asked = plan::Ask { max_tokens: attempt.max_tokens.map(narrow), ..streamed(attempt.prompt_tokens) };
        let ticket = self.board.sent(&choice, &asked, now);
        let taken = ticket.is_some();
        self.tickets.extend(ticket.map(|ticket| (attempt.id, ticket)));
        taken
    }

    fn first(&mut self, attempt: &Attempt<'_>, now: Tick) {
        if let Some(ticket) = self.tickets.get_mut(&attempt.id) {
            self.board.first(ticket, attempt.prefix, now);
        }
    }

    fn done(&mut self, attempt: &Attempt<'_>, outcome: &Outcome, now: Tick) {
        if let Some(ticket) = self.tickets.remove(&attempt.id) {
            self.board.done(ticket, ending(outcome), now);
        }
    }

    fn limits(&mut self, attempt: &Attempt<'_>, left: &LimitsLeft, now: Tick) {
        if let Some(ticket) = self.tickets.get(&attempt.id) {
            let said =
                RateLimits { requests: limit(left.requests), tokens: limit(left.tokens), ..RateLimits::default() };
            self.board.limits(ticket, &said, now);
        }
    }
}

fn streamed(prompt_tokens: u64) -> plan::Ask<'static> {
    plan::Ask {
        prompt_tokens: narrow(prompt_tokens),
        needs: Capabilities::NONE.with(Capability::Streaming),
        repeatable: true,
        ..plan::Ask::default()
    }
}

fn ending(outcome: &Outcome) -> Ending {
    match outcome {
        Outcome::Complete { output_tokens, cached_tokens } => Ending::Complete {
            output_tokens: Some(narrow(*output_tokens)),
            cached_tokens: Some(narrow(*cached_tokens)),
        },
        Outcome::Failed(Failure::Throttled { retry_after_s }) => {
            Ending::Limited { retry_after: retry_after_s.map(duration) }
        }
        Outcome::Failed(Failure::FirstTokenTimeout) => Ending::Failed(Fault::TimedOut),
        Outcome::Failed(Failure::Connect | Failure::Status5xx | Failure::Broken) => Ending::Failed(Fault::Broken),
        Outcome::ClientGone => Ending::Gone,
    }
}

fn limit(left: Option<LimitLeft>) -> Limit {
    left.map_or_else(Limit::default, |left| Limit {
        limit: Some(whole(left.per_minute)),
        remaining: Some(whole(left.remaining.floor())),
        reset: Some(duration(left.full_in_s)),
    })
}

fn id(number: usize) -> Id128 {
    DeploymentId::named(&number.to_string()).0
}

fn place(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn narrow(tokens: u64) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

fn duration(seconds: f64) -> Duration {
    Duration::from_micros(micros(seconds))
}
