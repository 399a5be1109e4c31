//! The lines of the protocol, in and out.

use serde::{Deserialize, Serialize};

use super::hello::Hello;

/// A line that is read. Unknown fields are mistakes: they would be decided without.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Line {
    Hello(Hello),
    Request(Request),
    First(First),
    Done(Done),
}

/// A request wants a deployment: for the first time, or again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) id: String,
    /// Seconds; never less than on the line before.
    pub(super) now: f64,
    pub(super) prompt_tokens: u32,
    pub(super) max_tokens: Option<u32>,
    /// A hash for each block of 512 tokens with all before it, in hexadecimal.
    #[serde(default)]
    pub(super) prefix: Vec<String>,
    /// Names of deployments.
    #[serde(default)]
    pub(super) tried: Vec<String>,
    /// Names of those that may serve it; all, if it is not given.
    pub(super) candidates: Option<Vec<String>>,
    /// Who asks, for weights that stick to users.
    pub(super) user: Option<String>,
    /// Whether it is asked if another deployment should be tried besides one that is late.
    #[serde(default)]
    pub(super) hedge: bool,
}

/// The first token is here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct First {
    pub(super) id: String,
    pub(super) now: f64,
    /// Which attempt, when there are two.
    pub(super) deployment: Option<String>,
    #[serde(default)]
    pub(super) limits: Limits,
}

/// An attempt ended.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Done {
    pub(super) id: String,
    pub(super) now: f64,
    pub(super) deployment: Option<String>,
    #[serde(default)]
    pub(super) limits: Limits,
    pub(super) outcome: Outcome,
    /// Of `complete`.
    pub(super) output_tokens: Option<u32>,
    /// Of `complete`: tokens of the prompt that the provider's cache answered.
    pub(super) cached_tokens: Option<u32>,
    /// Of `limited`: `Retry-After`.
    pub(super) retry_after_s: Option<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Complete,
    /// 5xx, no connection, or an answer that broke off.
    Failed,
    TimedOut,
    /// 429.
    Limited,
    /// 401 or 403.
    Unauthorized,
    /// 404.
    UnknownModel,
    /// Other 4xx.
    Refused,
    /// The client left, or another attempt was faster.
    Gone,
}

/// What headers said of limits.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    pub(super) requests: Limit,
    pub(super) tokens: Limit,
    pub(super) input_tokens: Limit,
    pub(super) output_tokens: Limit,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limit {
    pub(super) limit: Option<u64>,
    pub(super) remaining: Option<u64>,
    pub(super) reset_s: Option<f64>,
}

/// A line that is written.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    Ready {
        ready: bool,
        deployments: usize,
    },
    /// Send it there.
    Send {
        id: String,
        deployment: String,
        timeout_s: f64,
        hedge_after_s: Option<f64>,
        delay_s: f64,
    },
    /// Ask again then.
    Wait {
        id: String,
        wait_until: f64,
    },
    /// Tell the client to come back.
    Refused {
        id: String,
        retry_after_s: f64,
    },
    /// Nobody else is to be asked: retries are used up, or hedging is not worth it.
    Nobody {
        id: String,
        /// `null`, where other answers have a name.
        deployment: (),
        reason: &'static str,
    },
    /// No deployment can serve it.
    Unfit {
        id: String,
        unfit: &'static str,
        message: String,
    },
    Error {
        error: String,
    },
}

impl Answer {
    pub(super) const fn error(error: String) -> Self {
        Self::Error { error }
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("names and finite numbers are JSON")
    }
}
