//! What a route wants, in units that people understand.

use std::time::Duration;

use crate::domain::Credits;

/// How one of several deployments is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The least sum of everything that has a price: tokens, waiting, missed objectives, errors, scarcity.
    #[default]
    Adaptive,
    /// By chance in proportion to weights; the same user gets the same one as long as weights stay.
    Weighted,
    /// One after the other.
    RoundRobin,
    /// The one with the fewest of our requests for its weight.
    LeastBusy,
    /// The one whose answer costs least.
    LowestCost,
    /// The one whose answer is soonest whole.
    LowestLatency,
    /// The lowest number first; among equals as [`Strategy::Adaptive`].
    Priority,
}

impl Strategy {
    /// Every strategy.
    pub const ALL: [Self; 7] = [
        Self::Adaptive,
        Self::Weighted,
        Self::RoundRobin,
        Self::LeastBusy,
        Self::LowestCost,
        Self::LowestLatency,
        Self::Priority,
    ];

    /// Its name in configuration and logs; renaming one breaks them.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adaptive => "adaptive",
            Self::Weighted => "weighted",
            Self::RoundRobin => "round_robin",
            Self::LeastBusy => "least_busy",
            Self::LowestCost => "lowest_cost",
            Self::LowestLatency => "lowest_latency",
            Self::Priority => "priority",
        }
    }

    /// The strategy of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.name() == name)
    }
}

/// What is promised about how soon an answer comes, and what breaking it costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// From the request's arrival to its first token.
    pub first_token: Option<Duration>,
    /// From the request's arrival to the whole answer.
    pub whole: Option<Duration>,
    /// The price of each one missed.
    pub price_of_miss: Credits,
    /// The share of requests that may miss the first token's. With it, the price of a miss moves between a tenth and
    /// ten times of itself until the share is met.
    pub misses_max: Option<f32>,
}

/// How much may be retried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryBudget {
    /// Retries that may be made in a row.
    pub burst: u32,
    /// Retries that each request adds to that again.
    pub per_request: f32,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { burst: 100, per_request: 0.2 }
    }
}

/// How a route chooses among its deployments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// How one is chosen.
    pub strategy: Strategy,
    /// What a second of waiting for the first token is worth.
    pub second_of_waiting: Credits,
    /// What a second between the first token and the last is worth.
    pub second_of_decoding: Credits,
    /// What is promised.
    pub objective: Option<Objective>,
    /// What an error that the client sees costs.
    pub price_of_error: Credits,
    /// Candidates within this share of the best are equal, and one of them is taken by chance: gateways that think alike
    /// do not all run to the same one, and the others are tried from time to time.
    pub tie_band: f32,
    /// Attempts per request at most, the first included.
    pub attempts_max: u32,
    /// How much may be retried over all requests of the route.
    pub retries: RetryBudget,
    /// Whether a second deployment may be asked when the first is unusually late. What the slower one read is paid for.
    pub hedging: bool,
    /// No first token is waited for longer than this.
    pub first_token_timeout_max: Duration,
}

impl Policy {
    /// Cost above all.
    pub const CHEAPEST: Self = Self {
        strategy: Strategy::Adaptive,
        second_of_waiting: Credits::from_nano(20_000),
        second_of_decoding: Credits::ZERO,
        objective: None,
        price_of_error: Credits::from_nano(10_000_000),
        tie_band: 0.02,
        attempts_max: 4,
        retries: RetryBudget { burst: 100, per_request: 0.2 },
        hedging: false,
        first_token_timeout_max: Duration::from_secs(120),
    };

    /// Cost against time as an interactive product weighs them.
    pub const BALANCED: Self = Self {
        second_of_waiting: Credits::from_nano(300_000),
        second_of_decoding: Credits::from_nano(40_000),
        objective: Some(Objective {
            first_token: Some(Duration::from_secs(2)),
            whole: None,
            price_of_miss: Credits::from_nano(500_000),
            misses_max: None,
        }),
        price_of_error: Credits::from_nano(20_000_000),
        ..Self::CHEAPEST
    };

    /// Time above all.
    pub const FASTEST: Self = Self {
        second_of_waiting: Credits::from_nano(5_000_000),
        second_of_decoding: Credits::from_nano(1_000_000),
        price_of_error: Credits::from_nano(50_000_000),
        ..Self::CHEAPEST
    };

    /// The weights of the score.
    pub(super) fn weights(&self) -> Weights {
        let objective = self.objective.as_ref();
        Weights {
            waiting: micro(self.second_of_waiting),
            decoding: micro(self.second_of_decoding),
            miss: objective.map_or(0.0, |objective| micro(objective.price_of_miss)),
            error: micro(self.price_of_error),
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::BALANCED
    }
}

/// Prices in µUSD: of a second of waiting, a second of decoding, a missed objective, an error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Weights {
    pub(super) waiting: f32,
    pub(super) decoding: f32,
    pub(super) miss: f32,
    pub(super) error: f32,
}

fn micro(credits: Credits) -> f32 {
    credits.nano() as f32 * 1e-3
}
