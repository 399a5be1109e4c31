//! What a decision is asked, and what it answers.

use std::time::Duration;

use crate::domain::{Capabilities, Capability, Tick};
use crate::health::Way;

/// One request that wants a deployment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask<'a> {
    /// The place of its route among [`super::Layout::routes`].
    pub route: usize,
    /// Tokens of the prompt, estimated.
    pub prompt_tokens: u32,
    /// Tokens that the answer may have, if the client said.
    pub max_tokens: Option<u32>,
    /// Hashes of the prompt's blocks ([`super::chain`]); empty when no cache matters.
    pub chain: &'a [u64],
    /// Whether no context window must hold the whole prompt: it is several, or is only counted.
    pub batch: bool,
    /// What the deployment must be able to do.
    pub needs: Capabilities,
    /// Since the request arrived.
    pub elapsed: Duration,
    /// Of that, what it waited because a decision told it to.
    pub waited: Duration,
    /// Places of the deployments that may serve it, among [`super::Layout::deployments`].
    pub candidates: &'a [u32],
    /// Those that were tried already.
    pub tried: &'a [u32],
    /// Who asks; 0 is nobody in particular. The same user gets the same deployment of a weighted route.
    pub user: u64,
    /// Whether asking twice does no harm but cost.
    pub repeatable: bool,
}

/// What to do with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// Send it there.
    Send(Choice),
    /// Ask again at this moment: room is expected then.
    Wait {
        /// The moment.
        until: Tick,
    },
    /// There is no room, and waiting for it would only make a queue.
    Refused {
        /// When to come back.
        retry_after: Duration,
    },
    /// No candidate can serve such a request, at any time.
    Unfit(Unfit),
}

/// A deployment that was chosen, and what is expected of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// Its place among [`super::Layout::deployments`].
    pub deployment: u32,
    /// In which way it is asked.
    pub way: Way,
    /// Wait this long before sending: it is asked again because there is nobody else.
    pub delay: Duration,
    /// Without a first token for this long, it is given up.
    pub first_token_timeout: Duration,
    /// Without one for this long, another may be asked as well ([`super::Board::hedge`]).
    pub hedge_after: Option<Duration>,
    /// Tokens that its cache is expected to answer.
    pub cached_tokens: f32,
    /// Tokens that the answer is expected to have.
    pub output_tokens: f32,
    /// When its first token is due, if its route learns from those that miss it.
    pub promised: Option<Tick>,
    /// What it is expected to cost with everything that has a price: µUSD.
    pub loss: f32,
}

/// Why no candidate can serve a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There is no candidate.
    #[error("no deployment serves this model")]
    NoCandidate,
    /// The one that comes closest cannot do this.
    #[error("no deployment of this model can do {}", .0.name())]
    Lacks(Capability),
    /// Prompt and answer are too long for all of them.
    #[error("prompt and answer need about {needed} tokens, and the longest context window has {window}")]
    TooLong {
        /// Tokens that are needed, about.
        needed: u32,
        /// The longest context window that there is.
        window: u32,
    },
}

impl Unfit {
    /// Label for logs and metrics; renaming one breaks a dashboard.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoCandidate => "no_candidate",
            Self::Lacks(_) => "missing_capability",
            Self::TooLong { .. } => "context_too_long",
        }
    }
}
