//! Where a request goes: from a model's name to a deployment, and on to another one when that fails.

use std::sync::Arc;
use std::time::Duration;

use router_core::dialect::Complaint;
use router_core::dialect::features::{Features, Survey};
use router_core::domain::{Seed, Tick, UsageReport};
use router_core::exchange::{Outcome, UpstreamFault};
use router_core::health::{Fault, State};
use router_core::plan::{self, Ask, Board, Choice, Decision, Ending, Named, Setback, Ticket};
use router_core::snapshot::Key;

use crate::respond::Refusal;
use crate::world::{Target, World};

/// Most of a body from this size on may be pictures, which would look like very long prompts: it is looked over whoever
/// may serve it.
const SURVEYED_FROM_BYTES: usize = 64 << 10;
/// Decisions that may turn out to be late before a request is told that there is no room.
const DECISIONS_MAX: u32 = 64;

/// What the plan has to know of a request beside its features.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) max_tokens: Option<u64>,
    /// Whether it is several prompts, or is only counted.
    pub(crate) batch: bool,
    /// When it arrived.
    pub(crate) started: Tick,
}

/// What to do next with a request.
pub(crate) enum Next {
    /// Send it.
    Send(Choice),
    /// Ask again then.
    Wait(Tick),
}

/// A request between the deployments that may serve it.
pub(crate) struct Journey {
    world: Arc<World>,
    named: Named,
    bounds: Bounds,
    survey: Survey,
    user: u64,
    buffers: Buffers,
    waited: Duration,
    decisions: u32,
    seed: Seed,
}

/// Memory that outlives a request.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// Places of the deployments that may serve it.
    candidates: Vec<u32>,
    /// Places of those that were tried.
    tried: Vec<u32>,
    /// Hashes of the prompt's blocks, if a cache matters.
    chain: Vec<u64>,
}

impl Journey {
    /// Finds the deployments that may serve a model.
    pub(crate) fn begin(
        world: &Arc<World>,
        key: &Key,
        asked: &str,
        bounds: Bounds,
        request: &Features<'_>,
        mut buffers: Buffers,
    ) -> Result<Self, Refusal> {
        buffers.tried.clear();
        let named = plan::candidates(&world.snapshot, key, asked, &mut buffers.candidates)
            .map_err(|why| Refusal::no_route(why, asked))?;
        let survey = look(&world.board, bounds, request, &mut buffers);
        Ok(Self {
            world: Arc::clone(world),
            named,
            bounds,
            survey,
            user: request.user(),
            buffers,
            waited: Duration::ZERO,
            decisions: 0,
            seed: Seed::new(fastrand::u64(..)),
        })
    }

    /// Hashes of the prompt's blocks; empty when no cache matters.
    pub(crate) fn chain(&self) -> &[u64] {
        &self.buffers.chain
    }

    /// Decides what to do next.
    pub(crate) fn next(&mut self, now: Tick) -> Result<Next, Refusal> {
        self.decisions += 1;
        let seed = self.seed.step(self.decisions);
        match self.world.board.decide(&self.ask(now), &self.world.policy, now, seed) {
            // Others were quicker each time, or what was to be free was not.
            Decision::Send(_) | Decision::Wait { .. } if self.decisions > DECISIONS_MAX => {
                Err(self.no_room(Duration::from_secs(1), now))
            }
            Decision::Send(choice) => Ok(Next::Send(choice)),
            Decision::Wait { until } => {
                self.waited += Duration::from_micros(until.micros_since(now));
                Ok(Next::Wait(until))
            }
            Decision::Refused { retry_after } => Err(self.no_room(retry_after, now)),
            Decision::Unfit(unfit) => Err(Refusal::unfit(unfit)),
        }
    }

    /// Counts a request as sent; `None` when its place was taken meanwhile.
    pub(crate) fn sent(&self, choice: &Choice, now: Tick) -> Option<Ticket> {
        self.world.board.sent(choice, &self.ask(now), now)
    }

    /// What a choice is sent with.
    pub(crate) fn target(&self, choice: &Choice) -> &Arc<Target> {
        self.world.target(choice.deployment)
    }

    /// How many bytes of the asked name stand before the model's own, at an undeclared target.
    pub(crate) const fn undeclared_prefix(&self) -> Option<usize> {
        match self.named {
            Named::Declared => None,
            Named::Undeclared { prefix_bytes } => Some(prefix_bytes),
        }
    }

    /// The board that is to be told what happens.
    pub(crate) fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Attempts until now.
    pub(crate) fn attempts(&self) -> u32 {
        u32::try_from(self.buffers.tried.len()).unwrap_or(u32::MAX)
    }

    /// Whether somebody else than this choice could take over.
    pub(crate) fn has_others(&self, choice: &Choice, now: Tick) -> bool {
        let board = &self.world.board;
        let open = |place: u32| {
            let blocked = board.account(place).is_some_and(|account| account.blocked_until(now).is_some());
            !blocked && board.vitals(place).is_some_and(|vitals| vitals.learned(now).state == State::Healthy)
        };
        let other = |place: &u32| *place != choice.deployment && !self.buffers.tried.contains(place) && open(*place);
        self.attempts() + 1 < self.world.policy.attempts_max && self.buffers.candidates.iter().any(other)
    }

    /// A choice cannot serve this request for what it is; gives whether somebody else might.
    pub(crate) fn pass_over(&mut self, choice: &Choice) -> bool {
        self.buffers.candidates.retain(|place| *place != choice.deployment);
        !self.buffers.candidates.is_empty()
    }

    /// An attempt ended; gives whether another one is to be made.
    pub(crate) fn ended(&mut self, ticket: Ticket, attempt: &Attempted, now: Tick) -> bool {
        let place = ticket.deployment();
        let ending = self.ending(attempt);
        self.world.board.done(ticket, ending, now);
        self.buffers.tried.push(place);
        let Some(setback) = setback(attempt.outcome) else { return false };
        let limited = self.named != Named::Declared && setback == Setback::Status(429);
        let door_closed = limited || matches!(setback, Setback::Status(401 | 403 | 404));
        let elsewhere = self.buffers.candidates.iter().any(|place| !self.buffers.tried.contains(place));
        let may = plan::retryable(setback, false, true) && (elsewhere || !door_closed);
        may && self.world.board.retry(&self.ask(now), &self.world.policy)
    }

    /// Gives the memory back.
    pub(crate) fn into_buffers(self) -> Buffers {
        self.buffers
    }

    /// Nobody can take it now: because of limits, or because all are out of order.
    fn no_room(&self, retry_after: Duration, now: Tick) -> Refusal {
        let account = |place: &u32| self.world.board.account(*place).and_then(|account| account.blocked_until(now));
        match self.buffers.candidates.iter().any(|place| account(place).is_some()) {
            true => Refusal::no_room(retry_after),
            false => Refusal::out_of_order(retry_after),
        }
    }

    fn ask(&self, now: Tick) -> Ask<'_> {
        Ask {
            prompt_tokens: self.survey.prompt_tokens,
            max_tokens: self.bounds.max_tokens.and_then(|tokens| u32::try_from(tokens).ok()),
            chain: &self.buffers.chain,
            batch: self.bounds.batch,
            needs: self.survey.needs,
            user: self.user,
            elapsed: Duration::from_micros(now.micros_since(self.bounds.started)),
            waited: self.waited,
            candidates: &self.buffers.candidates,
            tried: &self.buffers.tried,
            repeatable: true,
            ..Ask::default()
        }
    }

    /// What the board is told.
    fn ending(&self, attempt: &Attempted) -> Ending {
        let tokens = |of: fn(&UsageReport) -> u64| {
            attempt.usage.as_ref().map(|usage| u32::try_from(of(usage)).unwrap_or(u32::MAX))
        };
        match attempt.outcome {
            Outcome::Complete => Ending::Complete {
                output_tokens: tokens(|usage| usage.output),
                cached_tokens: tokens(|usage| usage.cache_read),
            },
            Outcome::ClientGone => Ending::Gone,
            // All undeclared models of a provider are one deployment: what it refuses of one says nothing of others.
            Outcome::Refused { status: 401 | 403 | 404 | 429 } if self.named != Named::Declared => Ending::Refused,
            Outcome::Refused { status: 429 } => Ending::Limited { retry_after: attempt.retry_after },
            // A 403 or a 404 may be about the request: it takes a deployment from nobody else.
            Outcome::Refused { status: 401 } => Ending::Failed(Fault::Unauthorized),
            Outcome::Refused { status: 408 | 500.. } => Ending::Failed(Fault::Broken),
            Outcome::Refused { .. } => Ending::Refused,
            Outcome::Failed(UpstreamFault::NoAccess) => Ending::Failed(Fault::Unauthorized),
            Outcome::Failed(UpstreamFault::Reported(Complaint::RateLimited)) if self.named == Named::Declared => {
                Ending::Limited { retry_after: None }
            }
            Outcome::Failed(fault) | Outcome::Broken(fault) if fault.is_timeout() => Ending::Failed(Fault::TimedOut),
            Outcome::Failed(_) | Outcome::Broken(_) => Ending::Failed(Fault::Broken),
        }
    }
}

/// Looks at as much of a request as makes a difference to those that may serve it.
fn look(board: &Board, bounds: Bounds, request: &Features<'_>, buffers: &mut Buffers) -> Survey {
    buffers.chain.clear();
    let wants = board.wants(&buffers.candidates);
    let dear = !bounds.batch && (wants.survey || request.body.len() >= SURVEYED_FROM_BYTES);
    let survey = if dear { request.survey() } else { request.glance() };
    if !bounds.batch && wants.chain_from.is_some_and(|least| survey.prompt_tokens >= least) {
        plan::chain(request.salt(), request.pieces(), &mut buffers.chain);
    }
    survey
}

/// How an attempt went, as far as the plan is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempted {
    pub(crate) outcome: Outcome,
    pub(crate) usage: Option<UsageReport>,
    pub(crate) retry_after: Option<Duration>,
}

/// Why there is no answer, if the client has nothing yet.
const fn setback(outcome: Outcome) -> Option<Setback> {
    match outcome {
        Outcome::Complete | Outcome::ClientGone | Outcome::Broken(_) => None,
        Outcome::Refused { status } => Some(Setback::Status(status)),
        Outcome::Failed(UpstreamFault::NoAccess) => Some(Setback::Status(401)),
        Outcome::Failed(UpstreamFault::TotalTimeout) => Some(Setback::OutOfTime),
        Outcome::Failed(UpstreamFault::FirstByteTimeout | UpstreamFault::Stalled) => Some(Setback::FirstTokenTimeout),
        Outcome::Failed(_) => Some(Setback::Connection),
    }
}
