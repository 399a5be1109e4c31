//! Guards that count failures in a sliding window.

use std::collections::VecDeque;

use router_core::domain::Tick;

use super::guard::Guard;
use crate::set::Set;
use crate::strategy::{Failure, Outcome};
use crate::units::{after, between};

/// When attempts ended, and whether they failed.
#[derive(Clone, Default)]
struct Window {
    ends: VecDeque<(Tick, bool)>,
    failed: usize,
}

impl Window {
    fn put(&mut self, failed: bool, now: Tick) {
        self.ends.push_back((now, failed));
        self.failed += usize::from(failed);
    }

    fn forget(&mut self, length_s: f64, now: Tick) {
        while let Some((at, failed)) = self.ends.front().copied()
            && between(at, now) > length_s
        {
            self.ends.pop_front();
            self.failed -= usize::from(failed);
        }
    }

    fn is_bad(&self, part: f64, count_min: usize) -> bool {
        self.ends.len() >= count_min && self.failed as f64 > part * self.ends.len() as f64
    }
}

/// Helicone's health monitor: more than a tenth of at least twenty answers in a minute with 5xx, looked at every five
/// seconds; and its 429 monitor, which keeps a deployment out for as long as the provider says.
pub(super) struct ErrorRate {
    windows: Vec<Window>,
    out: Set,
    checked: Tick,
    throttled_until: Vec<Tick>,
}

const MONITOR_S: f64 = 60.0;
const CHECK_S: f64 = 5.0;
const ERRORS_MAX: f64 = 0.1;
const ANSWERS_MIN: usize = 20;
/// Seconds out after a 429 that does not say how long.
const THROTTLED_S: f64 = 5.0;

impl ErrorRate {
    pub(super) fn new(deployments: usize) -> Self {
        Self {
            windows: vec![Window::default(); deployments],
            out: Set::default(),
            checked: Tick(0),
            throttled_until: vec![Tick(0); deployments],
        }
    }
}

impl Guard for ErrorRate {
    fn admits(&mut self, set: Set, now: Tick) -> Set {
        if between(self.checked, now) >= CHECK_S {
            self.checked = now;
            self.windows.iter_mut().for_each(|window| window.forget(MONITOR_S, now));
            let bad = |place: &usize| self.windows[*place].is_bad(ERRORS_MAX, ANSWERS_MIN);
            self.out = (0..self.windows.len()).filter(bad).collect();
        }
        set.filter(|place| !self.out.has(place) && self.throttled_until[place] <= now)
    }

    fn again(&self, set: Set) -> Option<Tick> {
        let until = |place| {
            let checked = if self.out.has(place) { after(self.checked, CHECK_S) } else { Tick(0) };
            checked.max(self.throttled_until[place])
        };
        set.iter().map(until).min()
    }

    fn done(&mut self, deployment: usize, outcome: &Outcome, now: Tick) {
        match outcome {
            Outcome::Failed(Failure::Throttled { retry_after_s }) => {
                self.throttled_until[deployment] = after(now, retry_after_s.unwrap_or(THROTTLED_S));
            }
            Outcome::Failed(_) => self.windows[deployment].put(true, now),
            Outcome::Complete { .. } => self.windows[deployment].put(false, now),
            Outcome::ClientGone => {}
        }
    }
}

/// OpenRouter's: no significant outage in the last 30 seconds, here more than a third of at least three attempts
/// failed; if that is nobody, all.
pub(super) struct RecentOutage {
    windows: Vec<Window>,
}

const OUTAGE_S: f64 = 30.0;
const OUTAGE_PART: f64 = 1.0 / 3.0;
const OUTAGE_MIN: usize = 3;

impl RecentOutage {
    pub(super) fn new(deployments: usize) -> Self {
        Self { windows: vec![Window::default(); deployments] }
    }
}

impl Guard for RecentOutage {
    fn admits(&mut self, set: Set, now: Tick) -> Set {
        self.windows.iter_mut().for_each(|window| window.forget(OUTAGE_S, now));
        set.filter(|place| !self.windows[place].is_bad(OUTAGE_PART, OUTAGE_MIN)).or(set)
    }

    fn done(&mut self, deployment: usize, outcome: &Outcome, now: Tick) {
        match outcome {
            Outcome::Failed(_) => self.windows[deployment].put(true, now),
            Outcome::Complete { .. } => self.windows[deployment].put(false, now),
            Outcome::ClientGone => {}
        }
    }
}
