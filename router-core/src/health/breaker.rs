//! Whether a deployment is sent requests at all.
//!
//! It trips after failures, not for being slow: slowness has a price in the score. When its time is over, one request
//! is sent to try it, and the first token of that one closes it again: answers take many seconds, and waiting for the
//! end of one would make every recovery that much longer.
//!
//! Everything is one word that changes by compare-and-swap. Each change has a new generation, so that what was sent
//! before a change has no say after it: late failures from before a recovery do not trip it again.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{Seed, Tick};

/// Failures in a row that trip.
const FAILURES_IN_A_ROW: u32 = 4;
/// Probability of an error that trips.
const ERROR_MAX: f32 = 0.6;
/// How long it stays open the first time; twice as long each further time.
const OPEN_FIRST: Duration = Duration::from_secs(2);
/// How long it stays open at most, before jitter.
const OPEN_MAX: Duration = Duration::from_secs(15);
/// How long a refused credential or an unknown model keeps it open: nothing but an operator mends those.
const BARRED: Duration = Duration::from_secs(60);
/// After so long without tripping, the next time counts as the first.
const FORGIVEN: Duration = Duration::from_secs(60);
/// A request in need may try it this long after its last failure, before its time.
const DISTRESS_AFTER: Duration = Duration::from_secs(1);

/// The three states of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Requests are sent.
    Healthy,
    /// No requests are sent.
    Tripped,
    /// One request is on its way to find out.
    Probing,
}

/// What a breaker lets through at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    Healthy,
    /// One request, to try it.
    Due,
    /// Nothing; in distress one request, when nobody else tries it.
    Shut {
        /// When it may be tried.
        until: Tick,
        /// Whether a request in distress may try it now.
        distress: bool,
    },
    /// Nothing, in panic neither: the credential or the model's name was refused.
    Barred {
        /// When it may be tried.
        until: Tick,
    },
}

/// In which way a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As usual.
    Normal,
    /// To find out whether a tripped deployment works again.
    Probe,
    /// To a tripped deployment because there is no other.
    Panic,
}

/// One moment of a breaker: what it was when a request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(u64);

const STATE_BITS: u32 = 2;
const BARRED_BIT: u64 = 1 << STATE_BITS;
const TRIPS_SHIFT: u32 = 3;
const TRIPS_MAX: u64 = 31;
const GENERATION_SHIFT: u32 = 8;
const TIME_SHIFT: u32 = 16;
/// 48 bits of microseconds: 8.9 years.
const TIME_MAX: u64 = (1 << 48) - 1;

impl Word {
    const fn state(self) -> State {
        match self.0 & 3 {
            0 => State::Healthy,
            1 => State::Tripped,
            _ => State::Probing,
        }
    }

    const fn is_barred(self) -> bool {
        self.0 & BARRED_BIT != 0
    }

    const fn trips(self) -> u64 {
        self.0 >> TRIPS_SHIFT & TRIPS_MAX
    }

    /// Since when it is healthy, or until when it is tripped.
    const fn time(self) -> Tick {
        Tick(self.0 >> TIME_SHIFT)
    }

    /// The next word. Which generation it is wraps after 256 changes, far more than happen while a request is on its way.
    const fn next(self, state: State, barred: bool, trips: u64, time: Tick) -> Self {
        let state = match state {
            State::Healthy => 0,
            State::Tripped => 1,
            State::Probing => 2,
        };
        let generation = (self.0 >> GENERATION_SHIFT).wrapping_add(1) & 0xff;
        let trips = if trips > TRIPS_MAX { TRIPS_MAX } else { trips };
        let time = if time.0 > TIME_MAX { TIME_MAX } else { time.0 };
        let barred = if barred { BARRED_BIT } else { 0 };
        Self(state | barred | trips << TRIPS_SHIFT | generation << GENERATION_SHIFT | time << TIME_SHIFT)
    }
}

/// The breaker of one deployment.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    word: AtomicU64,
    /// When the last failure was, in ticks.
    failed_at: AtomicU64,
    failures: AtomicU32,
}

impl Breaker {
    pub(super) fn word(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    pub(super) fn state(&self) -> State {
        self.word().state()
    }

    pub(super) fn access(&self, now: Tick) -> Access {
        let word = self.word();
        let until = word.time();
        match word.state() {
            State::Healthy => Access::Healthy,
            State::Tripped if now >= until => Access::Due,
            State::Tripped if word.is_barred() => Access::Barred { until },
            State::Tripped => {
                let failed = Tick(self.failed_at.load(Ordering::Relaxed));
                Access::Shut { until, distress: now >= failed.after(DISTRESS_AFTER) }
            }
            State::Probing if word.is_barred() => Access::Barred { until },
            State::Probing => Access::Shut { until, distress: false },
        }
    }

    /// Lets a request through in its way, or not: the moment to remember with it.
    pub(super) fn admit(&self, way: Way) -> Option<Word> {
        let word = self.word();
        match (way, word.state()) {
            (Way::Normal, State::Healthy) => Some(word),
            (Way::Normal, _) => None,
            // It recovered meanwhile.
            (Way::Probe | Way::Panic, State::Healthy) => Some(word),
            (Way::Panic, State::Tripped) => Some(word),
            // The probe alone has a say: the others are sent with a word that was never in force.
            (Way::Panic, State::Probing) => Some(Word(word.0 | 3)),
            (Way::Probe, State::Probing) => None,
            (Way::Probe, State::Tripped) => {
                self.swap(word, word.next(State::Probing, word.is_barred(), word.trips(), word.time()))
            }
        }
    }

    /// A first token came; says whether that closed it.
    pub(super) fn first(&self, at: Word, now: Tick) -> bool {
        if at == self.word() {
            self.failures.store(0, Ordering::Relaxed);
        }
        at.state() != State::Healthy && self.swap(at, at.next(State::Healthy, false, at.trips(), now)).is_some()
    }

    /// An answer came to its end.
    pub(super) fn succeeded(&self) {
        self.failures.store(0, Ordering::Relaxed);
    }

    /// A request failed, and `error` is the probability of errors since.
    pub(super) fn failed(&self, at: Word, error: f32, now: Tick, salt: u64) {
        self.failed_at.store(now.0, Ordering::Relaxed);
        let trips = match at.state() {
            State::Healthy => {
                if at != self.word() {
                    return;
                }
                let in_a_row = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
                if in_a_row < FAILURES_IN_A_ROW && error <= ERROR_MAX {
                    return;
                }
                if now >= at.time().after(FORGIVEN) { 1 } else { at.trips() + 1 }
            }
            // Sent in panic: it is open as it is.
            State::Tripped => return,
            State::Probing => at.trips() + 1,
        };
        if self.swap(at, at.next(State::Tripped, false, trips, now.after(open_for(trips, now, salt)))).is_some() {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// The credential or the model's name was refused.
    pub(super) fn bar(&self, at: Word, now: Tick) {
        self.failed_at.store(now.0, Ordering::Relaxed);
        self.swap(at, at.next(State::Tripped, true, at.trips(), now.after(BARRED)));
    }

    /// The request that was to try it ended without telling.
    pub(super) fn untold(&self, at: Word) {
        if at.state() == State::Probing {
            self.swap(at, at.next(State::Tripped, at.is_barred(), at.trips(), at.time()));
        }
    }

    /// Makes it healthy, whatever happened: somebody mended it.
    pub(super) fn pardon(&self, now: Tick) {
        let word = self.word();
        self.failures.store(0, Ordering::Relaxed);
        self.swap(word, word.next(State::Healthy, false, 0, now));
    }

    fn swap(&self, from: Word, to: Word) -> Option<Word> {
        self.word.compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Acquire).ok().map(|_| to)
    }
}

/// How long it stays open after the `trips`-th trip: doubling, bounded, and 20 % more or less, so that the gateways that
/// saw the same failure do not come back in the same moment.
fn open_for(trips: u64, now: Tick, salt: u64) -> Duration {
    let doublings = u32::try_from(trips.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    let plain = OPEN_FIRST.saturating_mul(1 << doublings).min(OPEN_MAX);
    plain * (800 + Seed::new(now.0 ^ salt).fork("open").below(401)) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: u64 = 1;

    fn second(n: u64) -> Tick {
        Tick(n * 1_000_000)
    }

    fn tripped(at: Tick) -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..FAILURES_IN_A_ROW {
            let word = breaker.admit(Way::Normal).expect("it is healthy");
            breaker.failed(word, 0.0, at, SALT);
        }
        assert_eq!(breaker.state(), State::Tripped);
        breaker
    }

    #[test]
    fn four_failures_in_a_row_trip_and_three_do_not() {
        let breaker = Breaker::default();
        for _ in 0..10 {
            for _ in 0..FAILURES_IN_A_ROW - 1 {
                breaker.failed(breaker.word(), 0.3, second(1), SALT);
            }
            breaker.succeeded();
        }
        assert_eq!(breaker.state(), State::Healthy);
        tripped(second(1));
    }

    #[test]
    fn many_failures_trip_even_when_not_in_a_row() {
        let breaker = Breaker::default();
        breaker.failed(breaker.word(), ERROR_MAX + 0.01, second(1), SALT);
        assert_eq!(breaker.state(), State::Tripped);
    }

    #[test]
    fn one_probe_at_a_time_and_its_first_token_closes() {
        let breaker = tripped(second(100));
        assert!(matches!(breaker.access(second(101)), Access::Shut { distress: true, .. }));
        assert_eq!(breaker.access(second(103)), Access::Due);
        let probe = breaker.admit(Way::Probe).expect("nobody tries it");
        assert_eq!(breaker.admit(Way::Probe), None);
        assert!(matches!(breaker.access(second(103)), Access::Shut { distress: false, .. }));
        assert!(breaker.first(probe, second(104)));
        assert_eq!(breaker.access(second(104)), Access::Healthy);
    }

    #[test]
    fn what_is_sent_in_panic_beside_a_probe_has_no_say() {
        let breaker = tripped(second(0));
        let probe = breaker.admit(Way::Probe).expect("nobody tries it");
        let other = breaker.admit(Way::Panic).expect("panic goes everywhere");
        breaker.untold(other);
        breaker.failed(other, 1.0, second(3), SALT);
        assert_eq!(breaker.state(), State::Probing);
        assert!(!breaker.first(other, second(3)) && breaker.first(probe, second(3)));
    }

    #[test]
    fn each_failed_probe_doubles_the_time_up_to_a_bound() {
        let breaker = tripped(second(0));
        let mut now = second(0);
        let mut times = Vec::new();
        for _ in 0..6 {
            let Access::Shut { until, .. } = breaker.access(now) else { panic!("it is open") };
            times.push(until.micros_since(now) / 1000);
            now = until;
            let probe = breaker.admit(Way::Probe).expect("it is due");
            breaker.failed(probe, 1.0, now, SALT);
        }
        for (time, plain) in times.iter().zip([2000, 4000, 8000, 15_000, 15_000, 15_000]) {
            assert!((plain * 8 / 10..=plain * 12 / 10).contains(time), "{times:?}");
        }
    }

    #[test]
    fn a_probe_that_ends_without_telling_lets_the_next_one_try() {
        let breaker = tripped(second(0));
        let probe = breaker.admit(Way::Probe).expect("nobody tries it");
        breaker.untold(probe);
        assert_eq!(breaker.access(second(3)), Access::Due);
        assert!(breaker.admit(Way::Probe).is_some());
    }

    #[test]
    fn failures_from_before_a_recovery_do_not_trip_it_again() {
        let breaker = Breaker::default();
        let old = breaker.word();
        for _ in 0..FAILURES_IN_A_ROW {
            breaker.failed(old, 0.0, second(1), SALT);
        }
        let probe = breaker.admit(Way::Probe).expect("it tripped");
        assert!(breaker.first(probe, second(4)));
        for _ in 0..100 {
            breaker.failed(old, 1.0, second(5), SALT);
        }
        breaker.failed(breaker.word(), 0.1, second(6), SALT);
        assert_eq!(breaker.state(), State::Healthy, "one new failure does not add to them");
    }

    #[test]
    fn a_barred_one_waits_a_minute_and_is_then_tried() {
        let breaker = Breaker::default();
        breaker.bar(breaker.word(), second(1));
        assert_eq!(breaker.access(second(60)), Access::Barred { until: second(61) });
        assert_eq!(breaker.access(second(61)), Access::Due);
        breaker.pardon(second(2));
        assert_eq!(breaker.access(second(2)), Access::Healthy);
    }

    #[test]
    fn after_a_quiet_minute_the_next_trip_counts_as_the_first() {
        let breaker = tripped(second(0));
        for round in 1..5 {
            let probe = breaker.admit(Way::Probe).expect("nobody tries it");
            breaker.failed(probe, 1.0, second(round), SALT);
        }
        let probe = breaker.admit(Way::Probe).expect("nobody tries it");
        breaker.first(probe, second(10));
        for _ in 0..FAILURES_IN_A_ROW {
            breaker.failed(breaker.word(), 0.0, second(80), SALT);
        }
        let Access::Shut { until, .. } = breaker.access(second(80)) else { panic!("it is open") };
        assert!(until <= second(83));
    }
}
