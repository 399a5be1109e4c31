//! Access tokens of a service account: fetched, kept, and replaced before they end.
//!
//! Whoever asks gets the token that is there, at once, as long as it lives; some minutes before its end a new one is
//! fetched in the background. Only when there is none does anybody wait, never longer than [`Timing::wait_max`], and all
//! that wait share one fetch. After a failure nobody fetches for a moment, and whoever has no token is told the failure.
//! Keeps on with an old token through a failure of the token server until that token ends.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use router_core::domain::Tick;
use serde::Deserialize;
use tokio::sync::watch;

use super::google::{KeyFault, ServiceAccount};
use crate::clock;
use crate::upstream::Secret;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The longest answer of a token server.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// The longest word of a token server that is repeated.
const REASON_CHARS_MAX: usize = 200;
/// The longest that a token is believed to live.
const LIFE_MAX: Duration = Duration::from_hours(24);

/// When to fetch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// How long before its end a token is replaced.
    pub(crate) early: Duration,
    /// How long before its end a token counts as dead: it has to arrive, and clocks differ.
    pub(crate) leeway: Duration,
    /// How long after a fetch the next one may begin.
    pub(crate) pause: Duration,
    /// How long a fetch may take, and how long anybody waits for one.
    pub(crate) wait_max: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            early: Duration::from_mins(5),
            leeway: Duration::from_secs(10),
            pause: Duration::from_secs(2),
            wait_max: Duration::from_secs(10),
        }
    }
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenFault {
    #[error("{0}")]
    Key(#[from] KeyFault),
    #[error("the token server cannot be reached: {0}")]
    Unreachable(String),
    #[error("the token server did not answer in time")]
    Slow,
    #[error("the token server refused the key (status {status}): {reason}")]
    Refused { status: u16, reason: String },
    #[error("the token server's answer holds no token")]
    Malformed,
    #[error("the token server's token ends too soon, after {0:?}")]
    ShortLived(Duration),
}

/// Where tokens come from.
#[derive(Debug)]
pub(crate) struct TokenSource(Arc<Shared>);

struct Shared {
    account: ServiceAccount,
    timing: Timing,
    http: reqwest::Client,
    state: Mutex<State>,
    /// Counts the fetches that have ended.
    ended: watch::Sender<u64>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("account", &self.account).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    fetching: bool,
    /// No fetch begins before this.
    rests_until: Tick,
    /// How the last fetch failed, if it did.
    failure: Option<TokenFault>,
}

struct Token {
    secret: Arc<Secret>,
    /// From here on a new one is wanted.
    old_at: Tick,
    /// From here on it is not served.
    dead_at: Tick,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct Refusal {
    error: Option<String>,
    error_description: Option<String>,
}

impl TokenSource {
    /// A source that has fetched nothing yet.
    pub(crate) fn new(account: ServiceAccount) -> Result<Self, TokenFault> {
        Self::timed(account, Timing::default())
    }

    /// The same with other times.
    pub(crate) fn timed(account: ServiceAccount, timing: Timing) -> Result<Self, TokenFault> {
        let http = reqwest::Client::builder()
            .timeout(timing.wait_max)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| TokenFault::Unreachable(error.to_string()))?;
        let (state, ended) = (Mutex::default(), watch::Sender::new(0));
        Ok(Self(Arc::new(Shared { account, timing, http, state, ended })))
    }

    /// A token that lives. Must be called on a Tokio runtime.
    pub(crate) async fn token(&self) -> Result<Arc<Secret>, TokenFault> {
        let deadline = clock::instant(clock::now().after(self.0.timing.wait_max));
        let mut ended = self.0.ended.subscribe();
        loop {
            ended.mark_unchanged();
            if let Some(answer) = self.look() {
                return answer;
            }
            let waited = tokio::time::timeout_at(deadline, ended.changed()).await;
            if !matches!(waited, Ok(Ok(()))) {
                return Err(TokenFault::Slow);
            }
        }
    }

    /// What can be said at once; starts a fetch if one is due. `None` means that a fetch is under way.
    fn look(&self) -> Option<Result<Arc<Secret>, TokenFault>> {
        let now = clock::now();
        let mut state = self.0.state();
        let live = state.token.as_ref().filter(|token| now < token.dead_at);
        let due = live.is_none_or(|token| now >= token.old_at);
        let live = live.map(|token| Ok(Arc::clone(&token.secret)));
        let rests = now < state.rests_until && (live.is_some() || state.failure.is_some());
        if due && !state.fetching && !rests {
            state.fetching = true;
            tokio::spawn(Fetch { shared: Arc::clone(&self.0), result: Err(TokenFault::Slow) }.run());
        }
        if state.fetching { live } else { live.or_else(|| state.failure.clone().map(Err)) }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self) -> Result<Token, TokenFault> {
        let asked = clock::now();
        let assertion = self.account.assertion(clock::timestamp())?;
        let form = [("grant_type", GRANT_TYPE), ("assertion", &assertion)];
        let answer = self.http.post(self.account.token_uri()).form(&form).send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = bounded(answer).await?;
        if !status.is_success() {
            return Err(TokenFault::Refused { status: status.as_u16(), reason: reason(&body) });
        }
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| TokenFault::Malformed)?;
        let secret = Secret::new(answer.access_token).ok_or(TokenFault::Malformed)?;
        let life = Duration::from_secs(answer.expires_in).min(LIFE_MAX);
        if life <= self.timing.leeway {
            return Err(TokenFault::ShortLived(life));
        }
        Ok(Token {
            secret: Arc::new(secret),
            old_at: asked.after(life.saturating_sub(self.timing.early)),
            dead_at: asked.after(life.saturating_sub(self.timing.leeway)),
        })
    }
}

/// A fetch under way. However it ends, cut short even, its end is told: nobody must wait for a fetch that is no more.
struct Fetch {
    shared: Arc<Shared>,
    result: Result<Token, TokenFault>,
}

impl Fetch {
    async fn run(mut self) {
        let fetched = tokio::time::timeout(self.shared.timing.wait_max, self.shared.fetch()).await;
        self.result = fetched.unwrap_or(Err(TokenFault::Slow));
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        let result = std::mem::replace(&mut self.result, Err(TokenFault::Slow));
        let mut state = self.shared.state();
        state.fetching = false;
        state.rests_until = clock::now().after(self.shared.timing.pause);
        match result {
            Ok(token) => (state.token, state.failure) = (Some(token), None),
            Err(failure) => {
                log::warn!("no new access token for {:?}: {failure}", self.shared.account);
                state.failure = Some(failure);
            }
        }
        drop(state);
        self.shared.ended.send_modify(|ended| *ended = ended.wrapping_add(1));
    }
}

/// The whole answer, if it is not too long.
async fn bounded(mut answer: reqwest::Response) -> Result<Vec<u8>, TokenFault> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(TokenFault::Malformed);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unreachable(error: reqwest::Error) -> TokenFault {
    if error.is_timeout() {
        return TokenFault::Slow;
    }
    // What went wrong in truth is the last cause.
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    TokenFault::Unreachable(cause.to_string())
}

/// The token server's own words, as far as they can be shown.
fn reason(body: &[u8]) -> String {
    let refusal: Option<Refusal> = serde_json::from_slice(body).ok();
    let words = refusal.and_then(|refusal| match (refusal.error, refusal.error_description) {
        (Some(error), Some(description)) => Some(format!("{error}: {description}")),
        (error, description) => error.or(description),
    });
    let words = words.unwrap_or_else(|| "no reason given".to_owned());
    words.chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
