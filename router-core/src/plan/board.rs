//! Everything that decisions read and answers write: all deployments, their accounts, routes and caches.

use std::sync::Arc;

use super::affinity::{Mark, Prefixes};
use super::ask::Ask;
use super::facts::{Facts, Terms};
use super::route::Route;
use crate::domain::{DeploymentId, Id128, Seed, Tick};
use crate::health::{Account, Outputs, Vitals};

/// Limits that an operator declared for an account: whatever shares one limit at a provider, all of an account or one
/// model of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its identity: what was learned of it is kept under this.
    pub id: Id128,
    /// Requests per minute, until headers say better.
    pub requests_per_minute: Option<u64>,
    /// Tokens per minute, until headers say better.
    pub tokens_per_minute: Option<u64>,
}

/// What a board is made of.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// Deployments; the others refer to them by place.
    pub deployments: Vec<Facts>,
    /// Accounts, which deployments refer to by place. One that does not exist limits nothing.
    pub accounts: Vec<Quota>,
    /// Routes, which requests refer to by place. Those of a route that does not exist share one.
    pub routes: Vec<Id128>,
    /// Sets of the table of prefixes, of 256 bytes each, allocated at first use; 0 is [`Layout::PREFIX_SETS`].
    pub prefix_sets: usize,
}

impl Layout {
    /// 16,384 blocks, that is 8 million tokens of prompts: one megabyte.
    pub const PREFIX_SETS: usize = 1 << 12;
}

/// One deployment with everything that concerns it. Kept alive by what is on its way to it.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) id: DeploymentId,
    pub(super) account_id: Option<Id128>,
    pub(super) model: Id128,
    pub(super) terms: Terms,
    pub(super) vitals: Arc<Vitals>,
    pub(super) account: Arc<Account>,
    pub(super) outputs: Arc<Outputs>,
    pub(super) mark: Option<Mark>,
    /// Tells its chances apart from those of others.
    pub(super) salt: u64,
}

/// The shared state of all deployments. Decisions and feedback take no lock and allocate nothing.
#[derive(Debug)]
pub struct Board {
    pub(super) seats: Vec<Arc<Seat>>,
    routes: Vec<(Option<Id128>, Arc<Route>)>,
    pub(super) prefixes: Arc<Prefixes>,
    /// Places of deployments by the number of their mark.
    by_mark: Vec<u32>,
    marks_given: u32,
}

impl Board {
    /// A board on which nothing was learned yet.
    pub fn new(layout: &Layout) -> Self {
        let sets = if layout.prefix_sets == 0 { Layout::PREFIX_SETS } else { layout.prefix_sets };
        let empty = Self {
            seats: Vec::new(),
            routes: Vec::new(),
            prefixes: Arc::new(Prefixes::new(sets)),
            by_mark: Vec::new(),
            marks_given: 0,
        };
        empty.successor(layout)
    }

    /// A board for another configuration, which shares with this one the state of what is in both: requests that are on
    /// their way count in both, whichever they were sent by.
    #[must_use]
    pub fn successor(&self, layout: &Layout) -> Self {
        let account = |quota: &Quota| {
            let kept = self.seats.iter().find(|seat| seat.account_id == Some(quota.id));
            kept.map_or_else(
                || Arc::new(Account::new(quota.requests_per_minute, quota.tokens_per_minute)),
                |seat| Arc::clone(&seat.account),
            )
        };
        let accounts: Vec<_> = layout.accounts.iter().map(account).collect();
        let mut board = Self {
            seats: Vec::with_capacity(layout.deployments.len()),
            routes: layout.routes.iter().map(|id| (Some(*id), self.route_of(Some(*id)))).collect(),
            prefixes: Arc::clone(&self.prefixes),
            by_mark: Vec::new(),
            marks_given: self.marks_given,
        };
        board.routes.push((None, self.route_of(None)));
        for facts in &layout.deployments {
            let quota = layout.accounts.get(facts.account);
            let account = accounts.get(facts.account).map_or_else(Arc::default, Arc::clone);
            let seat = board.seat(self, facts, quota.map(|quota| quota.id), account);
            if let Some(mark) = seat.mark {
                let number = mark.number() as usize;
                board.by_mark.resize(board.by_mark.len().max(number + 1), u32::MAX);
                board.by_mark[number] = place(board.seats.len());
            }
            board.seats.push(Arc::new(seat));
        }
        board
    }

    /// How many deployments there are.
    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// The state of one deployment, to be shown.
    pub fn vitals(&self, deployment: u32) -> Option<&Vitals> {
        self.seat_at(deployment).map(|seat| &*seat.vitals)
    }

    /// The state of a deployment's account, to be shown.
    pub fn account(&self, deployment: u32) -> Option<&Account> {
        self.seat_at(deployment).map(|seat| &*seat.account)
    }

    /// Closes a deployment's breaker: somebody has mended what was wrong, such as its credential.
    pub fn pardon(&self, deployment: u32, now: Tick) {
        if let Some(seat) = self.seat_at(deployment) {
            seat.vitals.pardon(now);
        }
    }

    pub(super) fn seat_at(&self, deployment: u32) -> Option<&Arc<Seat>> {
        self.seats.get(deployment as usize)
    }

    pub(super) fn route(&self, route: usize) -> &Route {
        let (_, route) =
            self.routes.get(route).or(self.routes.last()).expect("a board is made with one route at least");
        route
    }

    /// The place of the deployment with a mark.
    pub(super) fn marked(&self, mark: u32) -> Option<u32> {
        self.by_mark.get(mark as usize).copied().filter(|at| *at != u32::MAX)
    }

    fn route_of(&self, id: Option<Id128>) -> Arc<Route> {
        let kept = self.routes.iter().find(|(other, _)| *other == id);
        kept.map_or_else(Arc::default, |(_, route)| Arc::clone(route))
    }

    /// The seat of a deployment, with what `before` knew of it and of its model.
    fn seat(&mut self, before: &Self, facts: &Facts, account_id: Option<Id128>, account: Arc<Account>) -> Seat {
        let salt = u64::from_le_bytes(facts.id.0.0[..8].try_into().expect("eight of sixteen bytes"));
        let kept = before.seats.iter().find(|seat| seat.id == facts.id);
        let same_model = self.seats.iter().chain(&before.seats).find(|seat| seat.model == facts.model);
        let mark = kept.map_or_else(
            || {
                self.marks_given += 1;
                Mark::new(self.marks_given)
            },
            |seat| seat.mark,
        );
        Seat {
            id: facts.id,
            account_id,
            model: facts.model,
            terms: Terms::of(facts),
            vitals: kept.map_or_else(|| Arc::new(Vitals::new(&facts.prior, salt)), |seat| Arc::clone(&seat.vitals)),
            account,
            outputs: same_model.map_or_else(
                || Arc::new(Outputs::new(facts.usual_output_tokens as f32)),
                |seat| Arc::clone(&seat.outputs),
            ),
            mark,
            salt,
        }
    }
}

impl Seat {
    /// Tokens that the answer to a request should have.
    pub(super) fn expected_output(&self, ask: &Ask<'_>) -> f32 {
        self.outputs.expected(ask.prompt_tokens, ask.max_tokens).min(self.terms.output_max as f32)
    }

    /// A chance of its own for each user, or for each draw.
    pub(super) fn chance(&self, of: Seed) -> f32 {
        // 24 bits, so that every value is exact and none is 0.
        (Seed::new(self.salt).step(of.below(u32::MAX)).below(1 << 24) as f32 + 0.5) / 16_777_216.0
    }
}

fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
