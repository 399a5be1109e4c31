//! A provider's rate limits: buckets that refill all the time.

use router_core::domain::Tick;

use crate::strategy::{LimitLeft, LimitsLeft};
use crate::units::between;
use crate::world;

const MINUTE_S: f64 = 60.0;

/// One account's buckets.
#[derive(Debug)]
pub(super) struct Account {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    headers: bool,
    retry_after: bool,
}

#[derive(Debug)]
struct Bucket {
    per_minute: f64,
    most: f64,
    level: f64,
    at: Tick,
}

impl Account {
    pub(super) fn full(account: &world::Account) -> Self {
        let bucket = |per_minute: f64| Bucket::full(per_minute, account.burst_s);
        Self {
            requests: account.requests_per_minute.map(bucket),
            tokens: account.tokens_per_minute.map(bucket),
            headers: account.headers,
            retry_after: account.retry_after,
        }
    }

    /// Lets a request in, or says after how many seconds to come back, if this provider says so.
    pub(super) fn take(&mut self, tokens: f64, now: Tick) -> Result<(), Option<f64>> {
        let mut wait_s: f64 = 0.0;
        for (bucket, need) in [(&mut self.requests, 1.0), (&mut self.tokens, tokens)] {
            wait_s = wait_s.max(bucket.as_mut().map_or(0.0, |bucket| bucket.wait_s(need, now)));
        }
        if wait_s > 0.0 {
            return Err(self.retry_after.then_some(wait_s.ceil()));
        }
        for (bucket, need) in [(&mut self.requests, 1.0), (&mut self.tokens, tokens)] {
            bucket.iter_mut().for_each(|bucket| bucket.level -= need.min(bucket.most));
        }
        Ok(())
    }

    /// Whether a request would be let in.
    pub(super) fn has(&mut self, tokens: f64, now: Tick) -> bool {
        [(&mut self.requests, 1.0), (&mut self.tokens, tokens)]
            .into_iter()
            .all(|(bucket, need)| bucket.as_mut().is_none_or(|bucket| bucket.wait_s(need, now) == 0.0))
    }

    /// What the headers of an answer say.
    pub(super) fn headers(&mut self, now: Tick) -> Option<LimitsLeft> {
        let left = |bucket: &mut Option<Bucket>| {
            bucket.as_mut().map(|bucket| {
                bucket.refill(now);
                let full_in_s = (bucket.most - bucket.level) / bucket.per_minute * MINUTE_S;
                LimitLeft { per_minute: bucket.per_minute, remaining: bucket.level.max(0.0), full_in_s }
            })
        };
        let (requests, tokens) = (left(&mut self.requests), left(&mut self.tokens));
        self.headers.then_some(LimitsLeft { requests, tokens })
    }
}

impl Bucket {
    fn full(per_minute: f64, burst_s: f64) -> Self {
        let most = (per_minute * burst_s / MINUTE_S).max(1.0);
        Self { per_minute, most, level: most, at: Tick(0) }
    }

    fn refill(&mut self, now: Tick) {
        let rate = self.per_minute / MINUTE_S;
        self.level = (self.level + rate * between(self.at, now)).min(self.most);
        self.at = now;
    }

    /// Seconds until `need` can be taken; a need that is more than the bucket holds is met by a full one.
    fn wait_s(&mut self, need: f64, now: Tick) -> f64 {
        self.refill(now);
        ((need.min(self.most) - self.level) / self.per_minute * MINUTE_S).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_lets_in_its_burst_and_then_its_rate() {
        let limits = world::Account {
            requests_per_minute: Some(60.0),
            tokens_per_minute: None,
            burst_s: 5.0,
            headers: true,
            retry_after: true,
        };
        let mut account = Account::full(&limits);
        assert_eq!((0..20).filter(|_| account.take(1.0, Tick(0)).is_ok()).count(), 5);
        assert_eq!(account.take(1.0, Tick(0)), Err(Some(1.0)));
        let left = account.headers(Tick(0)).expect("headers").requests;
        assert_eq!(left, Some(LimitLeft { per_minute: 60.0, remaining: 0.0, full_in_s: 5.0 }));
        assert_eq!(account.take(1.0, Tick(1_000_000)), Ok(()));
    }
}
