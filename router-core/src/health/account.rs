//! What an account at a provider still allows, and what that is worth.
//!
//! An account here is whatever shares one limit: all of an account, or one model of it, as the provider has it. Its
//! limits are known from response headers, else from what an operator declared, else learned from refusals. An account
//! of which nothing is known limits nothing.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::bucket::{Bucket, Limit};
use super::math::exp;
use super::real::{Real, seconds};
use crate::domain::Tick;

/// A refusal blocks for as long as the provider asks, up to this.
const BLOCK_MAX: Duration = Duration::from_secs(60);
/// Without being asked: this, doubled with each further refusal…
const BLOCK_FIRST: Duration = Duration::from_millis(400);
/// … up to this.
const BLOCK_GROWN: Duration = Duration::from_secs(8);
/// After a refusal without headers, requests are paced at this share of what went through.
const PACE: f32 = 0.9;
/// And the pace grows by this share per second,
const PACE_GROWS: f32 = 0.003;
/// until it is lifted after so many seconds without a refusal.
const PACED_S: f32 = 600.0;
/// Seconds over which it is counted what went through.
const COUNT_S: f32 = 15.0;
/// With fewer answers than this in that time, it is not known what would go through.
const COUNTED_MIN: f32 = 5.0;
/// How fast the price of scarcity moves, per second.
const PRICE_MOVES: f32 = 0.15;
/// The fullness at which the price of scarcity stands still.
const FULL_ENOUGH: f32 = 0.3;
/// That price is at most so many times the usual price of a request.
const PRICE_MAX: f32 = 3.0;
/// Steps of a second that one update makes up for at most.
const STEPS_MAX: f32 = 30.0;
/// Share of a request in the usual price of one.
const USUAL_MOVES: f32 = 0.05;

/// What a request takes out of an account's limits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Need {
    /// Prompt tokens.
    pub input: f32,
    /// Of those, the ones that no cache is expected to answer.
    pub uncached: f32,
    /// Tokens of the answer.
    pub output: f32,
}

/// What response headers say of all limits of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests.
    pub requests: Limit,
    /// Tokens, of prompts and answers together.
    pub tokens: Limit,
    /// Tokens of prompts.
    pub input_tokens: Limit,
    /// Tokens of answers.
    pub output_tokens: Limit,
}

/// How much was ever sent to an account, in the units of its buckets: what was sent since a moment is a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    requests: u64,
    tokens: u64,
    input: u64,
    output: u64,
}

/// The limits of one account.
#[derive(Debug, Default)]
pub struct Account {
    requests: Bucket,
    tokens: Bucket,
    input: Bucket,
    output: Bucket,
    /// Limits requests after refusals that said nothing.
    pace: Bucket,
    paced_at: AtomicU64,
    blocked_until: AtomicU64,
    refusals: AtomicU32,
    heard: AtomicU32,
    sent_requests: AtomicU64,
    sent_tokens: AtomicU64,
    sent_input: AtomicU64,
    sent_output: AtomicU64,
    /// Answers per second, of the last quarter of a minute, before the correction for a short life.
    answers: Real,
    answered_at: AtomicU64,
    answering_since: AtomicU64,
    /// What a request usually costs here, by the score: µUSD.
    usual: Real,
    request_price: Real,
    token_price: Real,
    priced_at: AtomicU64,
}

impl Account {
    /// An account with the limits per minute that an operator declared.
    pub fn new(requests_per_minute: Option<u64>, tokens_per_minute: Option<u64>) -> Self {
        Self {
            requests: Bucket::declared(requests_per_minute),
            tokens: Bucket::declared(tokens_per_minute),
            ..Self::default()
        }
    }

    /// From when on such a request may be sent: now, unless a limit says later.
    pub fn free_at(&self, need: &Need, now: Tick) -> Tick {
        let blocked = Tick(self.blocked_until.load(Ordering::Relaxed)).max(now);
        let total = need.input + need.output;
        let waits = [
            self.requests.wait_s(1.0, now),
            self.pace.wait_s(1.0, now),
            self.tokens.wait_s(total, now),
            self.input.wait_s(need.uncached, now),
            self.output.wait_s(need.output, now),
        ];
        let wait_s = waits.into_iter().fold(0.0, f32::max);
        if wait_s > 0.0 { blocked.max(now.after(Duration::from_secs_f32(wait_s.min(86_400.0)))) } else { blocked }
    }

    /// Takes what a request needs out of every limit, or nothing at all.
    pub fn take(&self, need: &Need, usual: f32, now: Tick) -> Option<Sent> {
        if now.0 < self.blocked_until.load(Ordering::Relaxed) {
            return None;
        }
        let total = need.input + need.output;
        let wanted = [
            (&self.requests, 1.0),
            (&self.pace, 1.0),
            (&self.tokens, total),
            (&self.input, need.uncached),
            (&self.output, need.output),
        ];
        for (at, (bucket, need)) in wanted.iter().enumerate() {
            if !bucket.take(*need, now) {
                for (bucket, need) in &wanted[..at] {
                    bucket.give_back(*need, now);
                }
                return None;
            }
        }
        self.usual.approach(usual, if self.usual.get() > 0.0 { USUAL_MOVES } else { 1.0 });
        Some(Sent {
            requests: self.sent_requests.fetch_add(1, Ordering::Relaxed) + 1,
            tokens: count(&self.sent_tokens, total),
            input: count(&self.sent_input, need.uncached),
            output: count(&self.sent_output, need.output),
        })
    }

    /// Takes over what the headers of an answer say; `sent` is from when its request was sent.
    pub fn hear(&self, said: &RateLimits, sent: Sent, now: Tick) {
        let since = |total: &AtomicU64, then: u64| total.load(Ordering::Relaxed).saturating_sub(then) as f32;
        self.requests.hear(said.requests, since(&self.sent_requests, sent.requests), now);
        self.tokens.hear(said.tokens, since(&self.sent_tokens, sent.tokens), now);
        self.input.hear(said.input_tokens, since(&self.sent_input, sent.input), now);
        self.output.hear(said.output_tokens, since(&self.sent_output, sent.output), now);
        let limits = [said.requests, said.tokens, said.input_tokens, said.output_tokens];
        if limits.iter().any(|limit| limit.remaining.is_some()) && self.heard.swap(1, Ordering::Relaxed) == 0 {
            self.pace.lift();
        }
    }

    /// A request was refused for being one too many.
    pub fn refused(&self, retry_after: Option<Duration>, now: Tick) {
        // Those that were on their way together are refused together, and count as one.
        let blocked = self.blocked_until(now).is_some();
        let before = self.refusals.fetch_add(u32::from(!blocked), Ordering::Relaxed).min(16);
        let before = if blocked { before.saturating_sub(1) } else { before };
        let block = match retry_after {
            Some(asked) => asked.min(BLOCK_MAX),
            None => BLOCK_FIRST.saturating_mul(1 << before).min(BLOCK_GROWN),
        };
        self.blocked_until.fetch_max(now.after(block).0, Ordering::Relaxed);
        if self.heard.load(Ordering::Relaxed) == 0 {
            self.slow_down(now);
        }
    }

    /// An answer began: the account lets requests through.
    pub fn answered(&self, now: Tick) {
        self.refusals.store(0, Ordering::Relaxed);
        if self.answering_since.load(Ordering::Relaxed) == 0 {
            self.answering_since.store(now.0.max(1), Ordering::Relaxed);
        }
        let last = Tick(self.answered_at.swap(now.0, Ordering::Relaxed));
        self.answers.set(self.answers.get() * exp(-seconds(last, now) / COUNT_S) + 1.0 / COUNT_S);
        if self.pace.is_limited() {
            self.pace.grow(exp(PACE_GROWS * seconds(last, now)));
            if seconds(Tick(self.paced_at.load(Ordering::Relaxed)), now) > PACED_S {
                self.pace.lift();
            }
        }
    }

    /// What using up one request, and the tokens of a usual one, of what is scarce is worth: µUSD each.
    pub fn scarcity(&self, now: Tick) -> (f32, f32) {
        let last = self.priced_at.load(Ordering::Relaxed);
        if now.micros_since(Tick(last)) >= 1_000_000
            && self.priced_at.compare_exchange(last, now.0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.reprice(seconds(Tick(last), now).min(STEPS_MAX), now);
        }
        (self.request_price.get(), self.token_price.get())
    }

    /// Until when refusals block it, if they do.
    pub fn blocked_until(&self, now: Tick) -> Option<Tick> {
        Some(Tick(self.blocked_until.load(Ordering::Relaxed))).filter(|until| *until > now)
    }

    /// How full the emptiest of its limits is, from 0 to 1.
    pub fn fullness(&self, now: Tick) -> f32 {
        self.request_fullness(now).min(self.token_fullness(now))
    }

    fn request_fullness(&self, now: Tick) -> f32 {
        self.requests.fullness(now).min(self.pace.fullness(now))
    }

    fn token_fullness(&self, now: Tick) -> f32 {
        self.tokens.fullness(now).min(self.input.fullness(now)).min(self.output.fullness(now))
    }

    /// Moves the prices towards where the limits are just not empty: then what is scarce goes to whom it saves most.
    fn reprice(&self, passed_s: f32, now: Tick) {
        let usual = self.usual.get();
        let step = PRICE_MOVES * usual * passed_s;
        let moved = |price: &Real, fullness: f32| {
            price.set((price.get() + step * (FULL_ENOUGH - fullness)).clamp(0.0, PRICE_MAX * usual));
        };
        moved(&self.request_price, self.request_fullness(now));
        moved(&self.token_price, self.token_fullness(now));
    }

    /// Additive increase, multiplicative decrease, of the rate that was seen to go through.
    fn slow_down(&self, now: Tick) {
        let last = Tick(self.answered_at.load(Ordering::Relaxed));
        let alive_s = seconds(Tick(self.answering_since.load(Ordering::Relaxed)), now).max(1.0);
        let seen = self.answers.get() * exp(-seconds(last, now) / COUNT_S) / (1.0 - exp(-alive_s / COUNT_S));
        if seen * COUNT_S >= COUNTED_MIN {
            self.paced_at.store(now.0, Ordering::Relaxed);
            self.pace.set(PACE * seen, (PACE * seen).max(1.0), 0.0, now);
        }
    }
}

/// Adds whole tokens and gives the new sum.
fn count(total: &AtomicU64, tokens: f32) -> u64 {
    let tokens = u64::from(super::math::whole(tokens.ceil()));
    total.fetch_add(tokens, Ordering::Relaxed).wrapping_add(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEED: Need = Need { input: 1_000.0, uncached: 1_000.0, output: 100.0 };

    fn after(millis: u64) -> Tick {
        Tick(1_000_000 + millis * 1_000)
    }

    fn blocked_ms(account: &Account, now: Tick) -> u64 {
        account.blocked_until(now).map_or(0, |until| until.micros_since(now) / 1_000)
    }

    /// Takes as many requests as it gets between two moments, in steps of ten milliseconds, and answers them at once.
    fn drive(account: &Account, from_ms: u64, to_ms: u64) -> u32 {
        (from_ms..to_ms).step_by(10).fold(0, |taken, at| {
            let took = account.take(&NEED, 1.0, after(at)).is_some();
            if took {
                account.answered(after(at));
            }
            taken + u32::from(took)
        })
    }

    #[test]
    fn an_account_of_which_nothing_is_known_limits_nothing_and_costs_nothing() {
        let account = Account::default();
        assert_eq!(drive(&account, 0, 1_000), 100);
        assert_eq!(account.free_at(&NEED, after(0)), after(0));
        assert_eq!((account.scarcity(after(5_000)), account.fullness(after(0))), ((0.0, 0.0), 1.0));
    }

    #[test]
    fn refusals_without_a_word_block_twice_as_long_each_time_up_to_a_bound() {
        let account = Account::default();
        let mut now = after(0);
        let mut blocks = Vec::new();
        for _ in 0..7 {
            account.refused(None, now);
            account.refused(None, now);
            blocks.push(blocked_ms(&account, now));
            now = account.free_at(&NEED, now);
        }
        assert_eq!(blocks, [400, 800, 1_600, 3_200, 6_400, 8_000, 8_000], "those refused together count as one");
        account.answered(now);
        account.refused(None, now);
        assert_eq!(blocked_ms(&account, now), 400, "an answer in between begins anew");
    }

    #[test]
    fn a_provider_that_says_when_to_come_back_is_believed_up_to_a_minute() {
        let account = Account::default();
        account.refused(Some(Duration::from_secs(5)), after(0));
        assert_eq!(blocked_ms(&account, after(0)), 5_000);
        account.refused(Some(Duration::from_secs(1)), after(0));
        assert_eq!(blocked_ms(&account, after(0)), 5_000, "a shorter word does not shorten it");
        account.refused(Some(Duration::from_secs(86_400)), after(0));
        assert_eq!(blocked_ms(&account, after(0)), 60_000);
        assert!(account.take(&NEED, 1.0, after(59_999)).is_none() && account.take(&NEED, 1.0, after(60_000)).is_some());
    }

    #[test]
    fn after_a_refusal_without_headers_requests_are_paced_a_little_below_what_went_through() {
        let account = Account::default();
        for at in (0..30_000).step_by(100) {
            account.take(&NEED, 1.0, after(at));
            account.answered(after(at));
        }
        account.refused(None, after(30_000));
        let paced = drive(&account, 30_500, 40_500);
        assert!((85..=100).contains(&paced), "{paced} in ten seconds, of 100 that went through");
        let later = drive(&account, 330_500, 340_500);
        assert!(later > 2 * paced, "and more and more later: {later}");
        assert!(drive(&account, 700_000, 710_000) == 1_000, "until it is forgotten");
    }

    #[test]
    fn headers_end_the_pace_that_was_guessed() {
        let account = Account::default();
        for at in (0..30_000).step_by(1_000) {
            account.take(&NEED, 1.0, after(at));
            account.answered(after(at));
        }
        account.refused(None, after(30_000));
        let sent = account.take(&NEED, 1.0, after(32_000)).expect("there is room again");
        let limit = Limit { limit: Some(60_000), remaining: Some(50_000), reset: None };
        account.hear(&RateLimits { requests: limit, ..RateLimits::default() }, sent, after(32_000));
        assert_eq!(drive(&account, 32_000, 33_000), 100);
    }

    #[test]
    fn of_several_limits_the_tightest_holds_and_nothing_is_taken_in_part() {
        let account = Account::new(Some(6_000), Some(6_600));
        assert!(account.take(&NEED, 1.0, after(0)).is_some());
        let before = account.requests.level(after(0));
        assert!(account.take(&NEED, 1.0, after(0)).is_none());
        assert_eq!(account.requests.level(after(0)), before);
        assert_eq!(account.free_at(&NEED, after(0)).micros_since(after(0)), 10_000_000);
    }

    #[test]
    fn what_is_scarce_has_a_price_that_rises_to_a_bound_and_falls_again() {
        let account = Account::new(Some(60), None);
        let mut highest = 0.0_f32;
        for at in 0..120 {
            while account.take(&NEED, 1_000.0, after(at * 1_000)).is_some() {}
            highest = highest.max(account.scarcity(after(at * 1_000)).0);
        }
        assert!((2_900.0..=3_000.0).contains(&highest), "three times what a request usually costs: {highest}");
        for at in 120..200 {
            account.scarcity(after(at * 1_000));
        }
        assert_eq!(account.scarcity(after(200_000)), (0.0, 0.0));
    }
}
