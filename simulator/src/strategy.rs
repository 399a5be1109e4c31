//! What a strategy is asked, what it answers, and what it is told afterwards.
//!
//! A strategy sees what a gateway sees: the request before it is sent, and the answers to what it sent itself. It does
//! not see the providers' queues, the faults, or the length of an answer before its end.

use router_core::domain::{Price, Tick};

use crate::set::Set;

/// Picks a deployment for each attempt.
pub trait Strategy {
    /// Decides on the next attempt of a request. `tried` has the places that were tried before, in order.
    fn choose(&mut self, ask: &Ask<'_>, tried: &[usize], now: Tick) -> Choice;
    /// An attempt is about to be sent, to the deployment that was chosen. If it is not to be, the request asks again.
    fn sent(&mut self, attempt: &Attempt<'_>, now: Tick) -> bool {
        let _ = (attempt, now);
        true
    }
    /// The first token of an attempt is here.
    fn first(&mut self, attempt: &Attempt<'_>, now: Tick) {
        let _ = (attempt, now);
    }
    /// An attempt has ended. Each that was sent ends once.
    fn done(&mut self, attempt: &Attempt<'_>, outcome: &Outcome, now: Tick) {
        let _ = (attempt, outcome, now);
    }
    /// The head of an answer, or of a 429, said how much of the limits was left when the request was let in.
    fn limits(&mut self, attempt: &Attempt<'_>, left: &LimitsLeft, now: Tick) {
        let _ = (attempt, left, now);
    }
}

/// A request that wants a deployment.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Counts requests.
    pub request: u64,
    /// When it arrived.
    pub arrived: Tick,
    /// Seconds that it waited since, because it was told to.
    pub waited_s: f64,
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// The most tokens that the client allows, if it said.
    pub max_tokens: Option<u64>,
    /// Hashes of the prompt's blocks; see [`crate::traffic::Request::prefix`].
    pub prefix: &'a [u64],
    /// Who asks.
    pub user: u64,
    /// Deployments in whose context window it fits.
    pub fits: Set,
}

impl Ask<'_> {
    /// Where it may still go: where it fits and was not tried; if it was tried everywhere, where it fits.
    pub fn open(&self, tried: &[usize]) -> Set {
        tried.iter().fold(self.fits, |set, place| set.without(*place)).or(self.fits)
    }
}

/// What a strategy decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Choice {
    /// Send it.
    Send {
        /// Where to.
        deployment: usize,
        /// Seconds to wait before: it is asked again because there is nobody else.
        delay_s: f64,
        /// Seconds after which it is given up if there was no token.
        timeout_s: f64,
    },
    /// Ask again then, or when the client's patience ends.
    Wait {
        /// A later tick.
        until: Tick,
    },
    /// Tell the client that it cannot be served now.
    Refuse,
}

/// An attempt, as the strategy that chose it may know it.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Counts attempts.
    pub id: u64,
    /// The number of its request.
    pub request: u64,
    /// Where it was sent.
    pub deployment: usize,
    /// When it was sent.
    pub sent_at: Tick,
    /// When its first token came.
    pub first_at: Option<Tick>,
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// The most tokens that the client allows, if it said.
    pub max_tokens: Option<u64>,
    /// Hashes of the prompt's blocks.
    pub prefix: &'a [u64],
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// With its last token.
    Complete {
        /// Tokens of the answer.
        output_tokens: u64,
        /// Tokens of the prompt that the provider's cache answered.
        cached_tokens: u64,
    },
    /// With a failure.
    Failed(Failure),
    /// The client left.
    ClientGone,
}

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Failure {
    /// No connection.
    Connect,
    /// A status of 500 or more.
    Status5xx,
    /// 429, with the seconds after which to come back if the provider said so.
    Throttled {
        /// `Retry-After`.
        retry_after_s: Option<f64>,
    },
    /// No first token within the strategy's time.
    FirstTokenTimeout,
    /// The answer broke off or stalled after its first token.
    Broken,
}

impl Failure {
    /// Whether it is the provider's limit and not its health.
    pub const fn is_throttle(&self) -> bool {
        matches!(self, Self::Throttled { .. })
    }
}

/// What the `x-ratelimit-*` headers of an answer say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitsLeft {
    /// Of requests.
    pub requests: Option<LimitLeft>,
    /// Of tokens.
    pub tokens: Option<LimitLeft>,
}

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitLeft {
    /// What is let in a minute.
    pub per_minute: f64,
    /// What would be let in now.
    pub remaining: f64,
    /// Seconds until nothing of it is used.
    pub full_in_s: f64,
}

/// What an operator declares of a deployment: known to every strategy from the start.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its price.
    pub price: Price,
    /// Whether the provider has a prompt cache, and from how many tokens on and for how many seconds it keeps them.
    pub cache: Option<(u64, f64)>,
    /// Requests a minute.
    pub requests_per_minute: Option<f64>,
    /// Tokens a minute.
    pub tokens_per_minute: Option<f64>,
    /// The account that limits are shared in.
    pub account: Option<usize>,
    /// Prompt and answer have to fit.
    pub window_tokens: u64,
    /// An operator's weight.
    pub weight: u32,
}
