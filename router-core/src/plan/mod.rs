//! Decides which deployment a request is sent to.
//!
//! A name and a key give candidates ([`candidates`]); which of them serves is decided by a [`Board`]: it is asked with an [`Ask`] and a [`Policy`] and gives
//! a [`Decision`]; what was sent is a [`Ticket`], by which it is told how it ended, once. What it knows is in
//! [`crate::health`].

mod affinity;
mod ask;
mod board;
mod choose;
mod decide;
mod facts;
mod field;
mod filter;
mod hedge;
mod layout;
mod names;
mod policy;
mod report;
mod retry;
mod route;
mod score;
mod ticket;
mod wants;

pub use crate::domain::{Capabilities, Capability};
pub use affinity::{BLOCK_BYTES, BLOCKS_MAX, chain};
pub use ask::{Ask, Choice, Decision, Unfit};
pub use board::{Board, Layout, Quota};
pub use facts::{Facts, PromptCache};
pub use names::{Named, NoRoute, candidates};
pub use policy::{Objective, Policy, RetryBudget, Strategy};
pub use report::{DeploymentHealth, HealthReport};
pub use retry::{Setback, pause, retryable};
pub use ticket::{Ending, Ticket};
pub use wants::Wants;
