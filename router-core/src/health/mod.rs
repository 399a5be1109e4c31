//! How deployments and the accounts behind them are doing: learned from every answer, read by every decision.
//!
//! [`Vitals`] is one deployment: how fast, how busy, how reliable, and whether its breaker lets requests through.
//! [`Account`] is what a provider still allows. A [`Flight`] is a request on its way, and the only way to tell either
//! of them what happened. Takes [`Tick`](crate::domain::Tick)s and numbers; knows no requests, prices or policies.
//!
//! The promises that would surprise a reader: no decision waits for a lock, and none can leave a count behind. A
//! provider that says "too many" (429), a caller's mistake (4xx) and a client that leaves change no statistic: they
//! are fast, and would make the one who refuses look good.

mod account;
mod breaker;
mod bucket;
mod fit;
mod flight;
mod knee;
mod learned;
mod learner;
pub(crate) mod math;
mod outputs;
mod real;
mod vitals;

pub use account::{Account, Need, RateLimits, Sent};
pub use breaker::{Access, State, Way};
pub use bucket::Limit;
pub use flight::{Fault, Flight};
pub use knee::queue_s;
pub use learned::Learned;
pub use learner::first_token_s;
pub use outputs::Outputs;
pub(crate) use real::{Real, seconds};
pub use vitals::{Prior, Reading, Vitals};
