//! What of a request makes a difference to some deployments: the rest need not be found out.

use super::board::Board;
use crate::domain::Capabilities;

/// What a choice among some deployments depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wants {
    /// What the request needs and how long it is: somebody cannot do everything, or has a context window.
    pub survey: bool,
    /// The chain of a prompt that has so many tokens: there is a choice, and somebody has a cache.
    pub chain_from: Option<u32>,
}

impl Board {
    /// What a choice among these depends on.
    pub fn wants(&self, candidates: &[u32]) -> Wants {
        let terms = || candidates.iter().filter_map(|place| self.seat_at(*place)).map(|seat| &seat.terms);
        let cache_min = terms().map(|terms| terms.cache_min).min().filter(|least| *least != u32::MAX);
        Wants {
            survey: terms().any(|terms| terms.window != u32::MAX || terms.capabilities != Capabilities::ALL),
            chain_from: cache_min.filter(|_| candidates.len() > 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::DeploymentId;
    use crate::plan::{Facts, Layout, PromptCache};

    #[test]
    fn only_what_somebody_cares_for_is_wanted() {
        let new = |name: &str| Facts::new(DeploymentId::named(name));
        let cache = PromptCache { tokens_min: 2048, ttl: Duration::from_secs(60), bills_writes: false };
        let deployments = vec![
            new("plain"),
            Facts { context_window: Some(8_000), ..new("short") },
            Facts { capabilities: Capabilities::NONE, ..new("unable") },
            Facts { cache: Some(cache), ..new("cached") },
            Facts { cache: Some(PromptCache { tokens_min: 1024, ..cache }), ..new("sooner") },
        ];
        let board = Board::new(&Layout { deployments, ..Layout::default() });
        let wants = |candidates: &[u32]| {
            let Wants { survey, chain_from } = board.wants(candidates);
            (survey, chain_from)
        };
        assert_eq!(wants(&[0, 0]), (false, None));
        assert_eq!(wants(&[0, 1]), (true, None));
        assert_eq!(wants(&[2]), (true, None));
        assert_eq!(wants(&[3]), (false, None), "with one there is no choice");
        assert_eq!(wants(&[0, 3]), (false, Some(2048)));
        assert_eq!(wants(&[4, 3]), (false, Some(1024)));
    }
}
