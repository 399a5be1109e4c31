//! A provider's token bucket as we believe it to be: what may be sent now without being refused.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::real::{Real, millis, seconds_between};
use crate::domain::Tick;

/// A limit without a better word for how fast it refills does so within a minute.
const WINDOW_S: f32 = 60.0;
/// A limit allows so many seconds of itself at once, until more than that was seen.
const BURST_S: f32 = 10.0;
/// Share of a limit that must be used before its time to reset tells how fast it refills: those times come in whole
/// seconds, and little use over a rounded second is noise.
const USED_TO_TELL: f32 = 0.05;
/// And that time must be at least this many seconds.
const RESET_TO_TELL_S: f32 = 2.0;

/// What response headers say of one limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// How much is allowed per window.
    pub limit: Option<u64>,
    /// How much of that is left.
    pub remaining: Option<u64>,
    /// How long until all of it is there again.
    pub reset: Option<Duration>,
}

/// One bucket. Without a rate it limits nothing.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// What is in it (high half, the bits of an f32; negative is a debt) at a wrapped millisecond (low half).
    word: AtomicU64,
    /// Units per second.
    rate: Real,
    /// The most that was ever seen in it, or a burst: what a provider lets through at once is less than a minute's worth.
    cap: Real,
}

impl Bucket {
    /// A bucket with a limit per minute that an operator declared, or without one.
    pub(super) fn declared(per_minute: Option<u64>) -> Self {
        let bucket = Self::default();
        if let Some(limit) = per_minute {
            let rate = limit as f32 / WINDOW_S;
            bucket.rate.set(rate);
            bucket.fill(0, (rate * BURST_S).max(1.0));
        }
        bucket
    }

    pub(super) fn is_limited(&self) -> bool {
        self.rate.get() > 0.0
    }

    /// Sets how fast it refills and how much it holds at most, and empties it to `level`.
    pub(super) fn set(&self, rate: f32, cap: f32, level: f32, now: Tick) {
        self.rate.set(rate);
        self.cap.set(cap);
        self.word.store(pack(level, millis(now)), Ordering::Relaxed);
    }

    /// Stops limiting.
    pub(super) fn lift(&self) {
        self.rate.set(0.0);
    }

    /// Refills faster from now on.
    pub(super) fn grow(&self, factor: f32) {
        let rate = self.rate.get() * factor;
        self.rate.set(rate);
        self.cap.set(self.cap.get().max(rate));
    }

    /// What is in it now.
    pub(super) fn level(&self, now: Tick) -> f32 {
        self.refilled(self.word.load(Ordering::Relaxed), millis(now)).0
    }

    /// How full it is, from 0 to 1; an unlimited one is full.
    pub(super) fn fullness(&self, now: Tick) -> f32 {
        if self.is_limited() { (self.level(now) / self.cap.get()).clamp(0.0, 1.0) } else { 1.0 }
    }

    /// Seconds until `need` may be taken; 0 when it may be now.
    pub(super) fn wait_s(&self, need: f32, now: Tick) -> f32 {
        let rate = self.rate.get();
        if rate > 0.0 { ((self.asked(need) - self.level(now)) / rate).max(0.0) } else { 0.0 }
    }

    /// Takes `need` out of it, or nothing and says no.
    pub(super) fn take(&self, need: f32, now: Tick) -> bool {
        if !self.is_limited() {
            return true;
        }
        self.change(now, |level| (level >= self.asked(need)).then_some(level - need))
    }

    /// Puts back what was taken and not used.
    pub(super) fn give_back(&self, need: f32, now: Tick) {
        if self.is_limited() {
            self.change(now, |level| Some((level + need).min(self.cap.get())));
        }
    }

    /// Takes over what a provider says, of a moment after which `sent_since` more was sent.
    ///
    /// What it refilled since that moment is not added: whether a provider counts at the beginning or at the end of a
    /// request is not known, and this way there is never more in the mirror than at the provider.
    pub(super) fn hear(&self, said: Limit, sent_since: f32, now: Tick) {
        let Some(remaining) = said.remaining.map(|left| left as f32) else { return };
        let limit = said.limit.map_or(remaining, |limit| limit as f32).max(1.0);
        let used = limit - remaining;
        let reset_s = said.reset.map_or(0.0, |reset| reset.as_secs_f32());
        if used > USED_TO_TELL * limit && reset_s >= RESET_TO_TELL_S {
            // No window is shorter than a minute: one that seems to be holds less at once than its limit says.
            self.rate.set((used / reset_s).min(limit / WINDOW_S));
        } else if !self.is_limited() {
            self.rate.set(limit / WINDOW_S);
        }
        let burst = (self.rate.get() * BURST_S).clamp(1.0, limit);
        self.cap.set(self.cap.get().max(remaining).max(burst));
        self.word.store(pack(remaining - sent_since, millis(now)), Ordering::Relaxed);
    }

    fn fill(&self, at: u32, level: f32) {
        self.cap.set(level);
        self.word.store(pack(level, at), Ordering::Relaxed);
    }

    /// What must be in it for `need` to be taken. One that is larger than the bucket waits for a full one.
    fn asked(&self, need: f32) -> f32 {
        need.min(self.cap.get())
    }

    fn refilled(&self, word: u64, now: u32) -> (f32, u32) {
        let (level, at) = unpack(word);
        let passed = seconds_between(at, now);
        let later = if passed > 0.0 { now } else { at };
        ((level + passed * self.rate.get()).min(self.cap.get()), later)
    }

    fn change(&self, now: Tick, to: impl Fn(f32) -> Option<f32>) -> bool {
        let now = millis(now);
        let next = |word| {
            let (level, at) = self.refilled(word, now);
            to(level).map(|level| pack(level, at))
        };
        self.word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, next).is_ok()
    }
}

fn pack(level: f32, at: u32) -> u64 {
    u64::from(level.to_bits()) << 32 | u64::from(at)
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
fn unpack(word: u64) -> (f32, u32) {
    (f32::from_bits((word >> 32) as u32), word as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(n: u64) -> Tick {
        Tick(n * 1_000_000)
    }

    #[test]
    fn a_first_word_that_nothing_is_left_is_believed() {
        let bucket = Bucket::default();
        bucket.hear(limit(60, 0, 60), 0.0, second(0));
        assert!(bucket.wait_s(1.0, second(0)) > 0.9, "{}", bucket.wait_s(1.0, second(0)));
        assert!(bucket.wait_s(1.0, second(2)) == 0.0);
    }

    fn limit(limit: u64, remaining: u64, reset_s: u64) -> Limit {
        Limit { limit: Some(limit), remaining: Some(remaining), reset: Some(Duration::from_secs(reset_s)) }
    }

    #[test]
    fn a_bucket_without_a_limit_lets_everything_through() {
        let bucket = Bucket::default();
        assert!(bucket.take(1e12, second(0)) && bucket.wait_s(1e12, second(0)) == 0.0);
        assert_eq!(bucket.fullness(second(0)), 1.0);
    }

    #[test]
    fn never_more_is_taken_than_there_is_and_was_refilled() {
        let bucket = Bucket::default();
        bucket.hear(limit(60, 10, 50), 0.0, second(0));
        let taken = (0..1000).filter(|_| bucket.take(1.0, second(0))).count();
        assert_eq!(taken, 10);
        assert_eq!(bucket.wait_s(1.0, second(0)), 1.0);
        let taken = (1..=20).filter(|n| bucket.take(1.0, second(*n)) && bucket.take(1.0, second(*n))).count();
        assert_eq!(taken, 0, "one a second is refilled, two are not there");
        assert_eq!(bucket.level(second(1000)), 10.0, "more than was ever seen in it is not believed");
    }

    #[test]
    fn headers_replace_what_was_believed_less_what_was_sent_since() {
        let bucket = Bucket::declared(Some(600));
        assert_eq!(bucket.level(second(0)), 100.0);
        bucket.hear(limit(600, 500, 10), 3.0, second(1));
        assert_eq!(bucket.level(second(1)), 497.0);
        bucket.hear(Limit::default(), 0.0, second(1));
        assert_eq!(bucket.level(second(1)), 497.0, "no header says nothing");
    }

    #[test]
    fn a_bucket_that_is_first_seen_empty_is_empty() {
        let bucket = Bucket::default();
        bucket.hear(limit(6_000, 0, 60), 0.0, second(0));
        assert!(!bucket.take(1.0, second(0)) && bucket.wait_s(500.0, second(0)) == 5.0);
        assert!(bucket.take(500.0, second(5)) && !bucket.take(1.0, second(5)));
        bucket.hear(Limit { limit: None, remaining: Some(0), reset: None }, 0.0, second(5));
        assert!(!bucket.take(1.0, second(5)));
    }

    #[test]
    fn a_limit_per_day_refills_as_slowly_as_it_says() {
        let bucket = Bucket::default();
        bucket.hear(limit(14_400, 7200, 43_200), 0.0, second(0));
        assert!((bucket.level(second(0)) - 7200.0).abs() < 0.1);
        bucket.take(7200.0, second(0));
        assert!((bucket.wait_s(1.0, second(0)) - 6.0).abs() < 0.1);
    }

    #[test]
    fn a_bucket_that_holds_less_than_its_limit_refills_no_faster_for_that() {
        let bucket = Bucket::default();
        // Ten seconds' worth of 60 a minute at most, of which two are left.
        bucket.hear(limit(60, 2, 8), 0.0, second(0));
        assert!(bucket.take(2.0, second(0)));
        assert_eq!(bucket.wait_s(1.0, second(0)), 1.0);
    }

    #[test]
    fn a_request_larger_than_the_bucket_takes_a_full_one_into_debt() {
        let bucket = Bucket::declared(Some(6_000));
        assert!(bucket.take(3_000.0, second(0)));
        assert!(!bucket.take(1.0, second(19)) && bucket.take(1.0, second(21)));
    }

    #[test]
    fn a_clock_that_seems_to_go_back_refills_nothing() {
        let bucket = Bucket::declared(Some(60));
        assert!(bucket.take(10.0, second(10)));
        assert_eq!(bucket.level(second(5)), 0.0);
        assert!(!bucket.take(1.0, second(5)));
        assert!(bucket.take(1.0, second(11)));
    }
}
