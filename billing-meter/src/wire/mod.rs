//! What a node and the bank tell each other: asks for credit one way, credit the other, and a journal of what became
//! of it.
//!
//! A *node* is a proxy. The *bank* is the one place that knows how much every budget has left. A node spends only from
//! *leases*, slices of a budget's period that the bank lent it, so that a hold is a local subtraction. Whatever changes
//! a lease is a [`Record`] in the node's journal, in the order in which it happened; the journal is shipped in that
//! order, each record once, so that the bank's view of a node is the node's own view of a moment ago.
//!
//! The promise that would surprise a reader: time alone never frees lent credit. A lease whose node has gone silent stays
//! spent until that node's journal says otherwise, however long that takes: no clock has to be right for the books to be.

mod draws;

pub use draws::{BUDGETS_MAX, Draw, Draws, TooManyBudgets};

use router_core::domain::{
    BudgetId, Credits, DeploymentId, ExchangeId, KeyId, LeaseId, NodeId, TenantId, Timestamp, Usage,
};

/// A node wants credit of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseAsk {
    /// Who asks.
    pub node: NodeId,
    /// Counts a node's asks. The same ask again gets the same answer again: a lost reply lends nothing twice.
    pub number: u64,
    /// Of which budget.
    pub budget: BudgetId,
    /// The least that is of use: what one request needs now. Zero when the ask is made ahead of need.
    pub at_least: Credits,
    /// What would be welcome.
    pub welcome: Credits,
}

/// What the bank says to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// Credit was lent. The node writes [`Record::Lent`] before it spends any of it.
    Lent(Lent),
    /// Less than the least is left.
    Short {
        /// What is left in the period, lent to nobody.
        available: Credits,
        /// When the period ends and the budget is whole again; `None` for a budget without periods.
        resets_at: Option<Timestamp>,
    },
    /// The bank does not know this budget.
    Unknown,
}

/// A slice of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lent {
    /// The lease. A lease that the node has already grows by the amount.
    pub lease: LeaseId,
    /// Of which budget.
    pub budget: BudgetId,
    /// What was added to it.
    pub amount: Credits,
    /// The end of the budget's period: nothing new is held from this lease from then on.
    pub until: Option<Timestamp>,
    /// Whether the budget is nearly used up: the node gives back at once what it does not need.
    pub scarce: bool,
}

/// One line of a node's journal.
#[expect(clippy::large_enum_variant, reason = "most records are the large one, and none is allocated for")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// Credit came in.
    Lent {
        /// What came.
        lent: Lent,
        /// When.
        at: Timestamp,
    },
    /// Credit was set aside for an exchange. Written before a provider is dialed.
    Opened(Opened),
    /// An exchange ended, and this is what it came to. Written before the client is told that its answer is complete.
    Settled(Settled),
    /// What a node does not need any more went back.
    Returned {
        /// Out of which lease.
        lease: LeaseId,
        /// How much.
        amount: Credits,
        /// Whether nothing can come from this lease any more: no credit, and no hold that is open.
        closed: bool,
        /// When.
        at: Timestamp,
    },
}

/// An exchange that may cost something has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The exchange.
    pub exchange: ExchangeId,
    /// When.
    pub at: Timestamp,
    /// Who pays.
    pub payer: Payer,
    /// What was set aside in each of its budgets.
    pub held: Credits,
    /// What the provider would want for the input alone: what the operator loses if nothing is ever heard again.
    pub at_risk: Credits,
}

/// Who pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payer {
    /// The organisation.
    pub tenant: TenantId,
    /// Its key.
    pub key: KeyId,
}

/// An exchange has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The exchange.
    pub exchange: ExchangeId,
    /// When.
    pub at: Timestamp,
    /// Who pays.
    pub payer: Payer,
    /// Who served, or was the last to try.
    pub deployment: DeploymentId,
    /// What was used for the answer that the client got.
    pub usage: Usage,
    /// What the provider wants for that.
    pub cost: Credits,
    /// What the customer pays. Never more than was set aside for it, and what its budgets had left beside that.
    pub charge: Credits,
    /// What providers want for attempts that brought the client nothing, such as losers of a race: the operator's.
    pub lost: Credits,
    /// The price book that this was priced with.
    pub prices: u64,
    /// What is taken from each lease: the charge, or as much of it as the budget had left.
    pub draws: Draws,
    /// How it ended.
    pub ending: Ending,
}

/// How an exchange ended, as far as the books are concerned. The numbers are written to disk: none is ever reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// The client has the whole answer.
    #[default]
    Complete = 0,
    /// The client has a part: it left, the provider broke off, or the credit ended.
    Partial = 1,
    /// The client has nothing.
    Failed = 2,
    /// The node died under it. What it came to is not known: the customer pays nothing.
    Lost = 3,
}

/// A part of a node's journal, on its way to the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Whose journal.
    pub node: NodeId,
    /// The number of the first record; they are numbered without a gap. The first record of a journal has number 1.
    pub first: u64,
    /// The records.
    pub records: Vec<Record>,
}

/// What the bank has taken in of a node's journal: everything up to this number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The last number.
    pub through: u64,
}
