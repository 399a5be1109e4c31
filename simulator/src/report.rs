//! What came of a run: money, time, errors, and one number over all of them, the loss.

use router_core::domain::Credits;

use crate::units::whole;

/// What time and failure are worth, in millionths of a dollar: the terms on which strategies are compared, and the
/// policy that the production engine gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// A second until the first token.
    pub first_token_s: f64,
    /// A second of decoding.
    pub decode_s: f64,
    /// A first token later than the objective.
    pub miss: f64,
    /// An error that the client sees.
    pub error: f64,
    /// The objective for the first token, in seconds.
    pub objective_s: f64,
}

impl Weights {
    /// Errors weigh this many times the mean cost of a request.
    pub const ERROR_IN_COSTS: f64 = 20.0;

    /// The balanced preset for requests of this mean cost.
    pub fn balanced(mean_cost: f64, objective_s: f64) -> Self {
        Self { first_token_s: 300.0, decode_s: 40.0, miss: 500.0, error: Self::ERROR_IN_COSTS * mean_cost, objective_s }
    }
}

/// How a request ended, from where the client stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ending {
    /// With the whole answer.
    Served {
        /// Seconds from arrival to the first token.
        first_s: f64,
        /// Seconds from there to the last.
        decode_s: f64,
    },
    /// With an error.
    Failed {
        /// Seconds until the client knew, or saw its first token.
        after_s: f64,
        /// Which.
        error: ClientError,
    },
}

/// What a client sees when it is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// The strategy found no deployment to try.
    Refused,
    /// All attempts failed.
    Exhausted,
    /// The answer broke off after its first token.
    Broken,
    /// The client lost its patience before the first token.
    Impatient,
}

impl ClientError {
    /// All kinds, in the order in which reports count them.
    pub const ALL: [Self; 4] = [Self::Refused, Self::Exhausted, Self::Broken, Self::Impatient];

    /// Its name in reports.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Exhausted => "exhausted",
            Self::Broken => "broken",
            Self::Impatient => "impatient",
        }
    }
}

/// The figures of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Requests that ended.
    pub requests: u64,
    /// What all attempts cost, those that helped nobody among them.
    pub cost: Credits,
    /// Seconds to the first token of the requests that were served, ascending.
    pub first_s: Vec<f64>,
    /// Seconds to the last token of the requests that were served, ascending.
    pub total_s: Vec<f64>,
    /// Requests whose first token came later than the objective, or never.
    pub missed: u64,
    /// Errors that clients saw, in the order of [`ClientError::ALL`].
    pub errors: [u64; 4],
    /// Tokens of prompts that were read by a provider.
    pub prompt_tokens: u64,
    /// Of these, what a provider's cache answered.
    pub cached_tokens: u64,
    /// Attempts that reached each deployment.
    pub attempts: Vec<u64>,
    /// The sum of all losses, in millionths of a dollar.
    pub loss: f64,
}

impl Report {
    /// Nothing yet.
    pub fn empty(deployments: usize) -> Self {
        Self {
            requests: 0,
            cost: Credits::ZERO,
            first_s: Vec::new(),
            total_s: Vec::new(),
            missed: 0,
            errors: [0; 4],
            prompt_tokens: 0,
            cached_tokens: 0,
            attempts: vec![0; deployments],
            loss: 0.0,
        }
    }

    /// Counts what one attempt cost.
    pub(crate) fn spend(&mut self, cost: Credits) {
        self.cost = self.cost.checked_add(cost).unwrap_or(Credits::from_nano(i64::MAX));
        self.loss += micro_dollars(cost);
    }

    /// Counts how one request ended.
    pub(crate) fn ended(&mut self, ending: Ending, weights: &Weights) {
        self.requests += 1;
        match ending {
            Ending::Served { first_s, decode_s } => {
                let late = first_s > weights.objective_s;
                self.missed += u64::from(late);
                self.first_s.push(first_s);
                self.total_s.push(first_s + decode_s);
                self.loss += weights.first_token_s * first_s + weights.decode_s * decode_s;
                self.loss += if late { weights.miss } else { 0.0 };
            }
            Ending::Failed { after_s, error } => {
                self.missed += 1;
                let kind = ClientError::ALL.iter().position(|kind| *kind == error).unwrap_or(0);
                self.errors[kind] += 1;
                self.loss += weights.first_token_s * after_s + weights.miss + weights.error;
            }
        }
    }

    /// No request follows.
    pub(crate) fn close(&mut self) {
        self.first_s.sort_by(f64::total_cmp);
        self.total_s.sort_by(f64::total_cmp);
    }

    /// Errors that clients saw.
    pub fn failed(&self) -> u64 {
        self.errors.iter().sum()
    }

    /// The mean loss of a request, in millionths of a dollar.
    pub fn mean_loss(&self) -> f64 {
        self.loss / (self.requests.max(1) as f64)
    }

    /// The part of all requests that had their first token in time.
    pub fn attained(&self) -> f64 {
        part(self.requests - self.missed, self.requests)
    }

    /// The part of prompts' tokens that a provider's cache answered.
    pub fn cached(&self) -> f64 {
        part(self.cached_tokens, self.prompt_tokens)
    }

    /// The part of all attempts that went to a deployment.
    pub fn share(&self, deployment: usize) -> f64 {
        part(self.attempts[deployment], self.attempts.iter().sum())
    }
}

/// A part of a whole; 0 of nothing.
fn part(some: u64, all: u64) -> f64 {
    some as f64 / all.max(1) as f64
}

/// Millionths of a dollar.
pub fn micro_dollars(credits: Credits) -> f64 {
    credits.nano() as f64 / 1e3
}

/// The value below which this part of ascending values lies (nearest rank); `None` of nothing.
pub fn quantile(ascending: &[f64], part: f64) -> Option<f64> {
    let last = ascending.len().checked_sub(1)?;
    let rank = whole((part * ascending.len() as f64).ceil()).saturating_sub(1);
    ascending.get(usize::try_from(rank).unwrap_or(last).min(last)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_that_was_seen() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(quantile(&values, 0.5), Some(50.0));
        assert_eq!(quantile(&values, 0.99), Some(99.0));
        assert_eq!(quantile(&values, 1.0), Some(100.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn a_loss_is_money_time_lateness_and_errors() {
        let weights = Weights::balanced(1_000.0, 2.0);
        let mut report = Report::empty(1);
        report.spend(Credits::from_nano(1_000_000));
        report.ended(Ending::Served { first_s: 3.0, decode_s: 10.0 }, &weights);
        assert_eq!(report.loss, 1_000.0 + 900.0 + 400.0 + 500.0);
        report.ended(Ending::Failed { after_s: 1.0, error: ClientError::Broken }, &weights);
        assert_eq!(report.loss, 2_800.0 + 300.0 + 500.0 + 20_000.0);
        assert_eq!((report.requests, report.missed, report.failed()), (2, 2, 1));
    }
}
