//! What stands behind the gateway: deployments with their speed, price, limits and faults.
//!
//! A description, without state: [`crate::provider`] runs it. Time is in seconds since the start of the run.

use router_core::domain::{PicoPerToken, Price};

/// Tokens in one block of a prompt's prefix. Providers cache whole blocks.
pub const BLOCK_TOKENS: u64 = 512;

/// Everything behind the gateway.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// At most [`crate::set::DEPLOYMENTS_MAX`].
    pub deployments: Vec<Deployment>,
    /// Accounts whose rate limits deployments share.
    pub accounts: Vec<Account>,
}

/// One model at one provider.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Its name in reports.
    pub name: String,
    /// Time to the first token.
    pub first_token: FirstToken,
    /// Seconds per output token after the first.
    pub per_token_s: f64,
    /// Requests served at once; others wait in line, first come, first served. `None`: the provider grows with load.
    pub slots: Option<usize>,
    /// What its tokens cost.
    pub price: Price,
    /// The provider's prompt cache.
    pub cache: Option<Cache>,
    /// Its place in [`World::accounts`], if its requests are limited.
    pub account: Option<usize>,
    /// Prompt and answer have to fit.
    pub window_tokens: u64,
    /// What an operator who weighs deployments by hand would have set.
    pub weight: u32,
    /// What goes wrong, and when.
    pub faults: Vec<Fault>,
}

/// Time to the first token, without waiting in line: `(base + per_1k * uncached/1000 + per_active * active) * noise`.
#[derive(Clone, Copy, Debug)]
pub struct FirstToken {
    /// Seconds for an empty prompt.
    pub base_s: f64,
    /// Seconds for a thousand prompt tokens that no cache answers.
    pub per_1k_s: f64,
    /// Seconds for each other request that is being served.
    pub per_active_s: f64,
    /// Deviation of the noise's logarithm; its median is 1.
    pub sigma: f64,
}

/// A provider's prompt cache.
#[derive(Clone, Copy, Debug)]
pub struct Cache {
    /// How long a prefix lives after its last use.
    pub ttl_s: f64,
    /// Shorter prefixes are not kept.
    pub tokens_min: u64,
    /// How often a prefix that is alive is found: providers have many machines.
    pub found: f64,
}

/// A rate limit, as a bucket that refills all the time.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    /// Requests a minute.
    pub requests_per_minute: Option<f64>,
    /// Tokens a minute: the prompt's and the answer's, taken when a request is let in.
    pub tokens_per_minute: Option<f64>,
    /// Seconds of the limit that the bucket holds.
    pub burst_s: f64,
    /// Whether answers carry `x-ratelimit-*` headers.
    pub headers: bool,
    /// Whether a 429 says when to come back.
    pub retry_after: bool,
}

/// One thing that goes wrong for a while.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// From this second on.
    pub from_s: f64,
    /// Up to this second.
    pub to_s: f64,
    /// What it is.
    pub kind: FaultKind,
}

/// What can go wrong. It hits requests that are sent, or begin to be served, while it lasts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// Everything takes this many times as long.
    Slow(f64),
    /// As `Slow`, but growing evenly to this factor in the middle of the fault, and back.
    Brownout(f64),
    /// Only this many are served at once.
    Slots(usize),
    /// Connections are refused, at once.
    Refuse,
    /// Answers 503 within 5 ms.
    BlackHole,
    /// Takes requests and never answers.
    Hang,
    /// This share of requests ends with 500, somewhere on the way to the first token.
    Errors(f64),
    /// This share of requests is answered 429 at once.
    Throttle(f64),
    /// This share of answers stops in the middle and never goes on.
    Stall(f64),
}

impl Deployment {
    /// A deployment without limits, cache or faults: 0.5 s and 0.08 s per thousand tokens to the first token, then
    /// 15 ms per token.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            first_token: FirstToken { base_s: 0.5, per_1k_s: 0.08, per_active_s: 0.0, sigma: 0.35 },
            per_token_s: 0.015,
            slots: None,
            price: Price {
                input: PicoPerToken(0),
                output: PicoPerToken(0),
                cache_read: PicoPerToken(0),
                cache_write: PicoPerToken(0),
            },
            cache: None,
            account: None,
            window_tokens: 128_000,
            weight: 1,
            faults: Vec::new(),
        }
    }

    /// Seconds for an empty prompt, seconds per thousand tokens, milliseconds per output token.
    #[must_use]
    pub fn speed(mut self, base_s: f64, per_1k_s: f64, per_token_ms: f64) -> Self {
        self.first_token.base_s = base_s;
        self.first_token.per_1k_s = per_1k_s;
        self.per_token_s = per_token_ms / 1e3;
        self
    }

    /// Requests served at once.
    #[must_use]
    pub fn slots(mut self, slots: usize) -> Self {
        self.slots = Some(slots);
        self
    }

    /// Dollars per million tokens of input and output. Cached input costs as much as any other, and so do writes.
    #[must_use]
    pub fn price(mut self, input: f64, output: f64) -> Self {
        let (input, output) = (per_million(input), per_million(output));
        self.price = Price { input, output, cache_read: input, cache_write: input };
        self
    }

    /// A prompt cache of five minutes from 1,024 tokens on, that is found nine times in ten: dollars per million tokens
    /// read and written.
    #[must_use]
    pub fn cache(mut self, read: f64, write: f64) -> Self {
        self.cache = Some(Cache { ttl_s: 300.0, tokens_min: 1_024, found: 0.9 });
        self.price.cache_read = per_million(read);
        self.price.cache_write = per_million(write);
        self
    }

    /// The account whose limits hold.
    #[must_use]
    pub fn account(mut self, account: usize) -> Self {
        self.account = Some(account);
        self
    }

    /// What an operator would have set.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// One more fault.
    #[must_use]
    pub fn fault(mut self, from_s: f64, to_s: f64, kind: FaultKind) -> Self {
        self.faults.push(Fault { from_s, to_s, kind });
        self
    }
}

/// A price of so many dollars per million tokens.
pub fn per_million(dollars: f64) -> PicoPerToken {
    PicoPerToken(crate::units::whole(dollars * 1e6))
}

impl Fault {
    /// Whether it is there at this second.
    pub fn lasts(&self, now_s: f64) -> bool {
        self.from_s <= now_s && now_s < self.to_s
    }
}
