//! Envoy's outlier detection with its defaults.

use router_core::domain::Tick;

use super::guard::Guard;
use crate::set::Set;
use crate::strategy::Outcome;
use crate::units::{after, between};

/// Failures in a row that eject, at once.
const FAILURES_MAX: u32 = 5;
/// Seconds between looks at success rates.
const INTERVAL_S: f64 = 10.0;
/// Seconds of the first ejection; the n-th takes n times as long.
const EJECTION_S: f64 = 30.0;
const EJECTION_MAX_S: f64 = 300.0;
/// A tenth of all hosts may be out, and always one.
const EJECTED_MAX: f64 = 0.1;
/// Success rates count for hosts with so many requests in an interval, if there are so many hosts.
const VOLUME_MIN: u32 = 100;
const HOSTS_MIN: usize = 5;
/// Below mean minus so many deviations is an outlier.
const DEVIATIONS: f64 = 1.9;
/// Where fewer hosts than this are left, all are asked.
const PANIC: f64 = 0.5;

/// The hosts' records.
pub(super) struct OutlierEjection {
    hosts: Vec<Host>,
    checked: Tick,
}

#[derive(Clone, Copy, Default)]
struct Host {
    in_a_row: u32,
    succeeded: u32,
    failed: u32,
    ejections: u32,
    until: Option<Tick>,
}

impl OutlierEjection {
    pub(super) fn new(deployments: usize) -> Self {
        Self { hosts: vec![Host::default(); deployments], checked: Tick(0) }
    }

    fn eject(&mut self, place: usize, now: Tick) {
        let out = self.hosts.iter().filter(|host| host.until.is_some()).count();
        let most = (self.hosts.len() as f64 * EJECTED_MAX).floor().max(1.0);
        if (out + 1) as f64 > most || self.hosts[place].until.is_some() {
            return;
        }
        let host = &mut self.hosts[place];
        host.ejections += 1;
        host.in_a_row = 0;
        host.until = Some(after(now, (EJECTION_S * f64::from(host.ejections)).min(EJECTION_MAX_S)));
    }

    fn check(&mut self, now: Tick) {
        for host in &mut self.hosts {
            match host.until {
                Some(until) if until <= now => host.until = None,
                None => host.ejections = host.ejections.saturating_sub(1),
                Some(_) => {}
            }
        }
        let rate = |host: &Host| {
            let all = host.succeeded + host.failed;
            (all >= VOLUME_MIN).then(|| f64::from(host.succeeded) / f64::from(all))
        };
        let rates: Vec<f64> = self.hosts.iter().filter_map(rate).collect();
        if rates.len() >= HOSTS_MIN {
            let count = rates.len() as f64;
            let mean = rates.iter().sum::<f64>() / count;
            let variance = rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / count;
            let least = mean - DEVIATIONS * variance.sqrt();
            let outliers: Vec<usize> = (0..self.hosts.len())
                .filter(|place| rate(&self.hosts[*place]).is_some_and(|rate| rate < least))
                .collect();
            outliers.into_iter().for_each(|place| self.eject(place, now));
        }
        for host in &mut self.hosts {
            (host.succeeded, host.failed) = (0, 0);
        }
    }
}

impl Guard for OutlierEjection {
    fn admits(&mut self, set: Set, now: Tick) -> Set {
        if between(self.checked, now) >= INTERVAL_S {
            self.checked = now;
            self.check(now);
        }
        let healthy = set.filter(|place| self.hosts[place].until.is_none());
        if (healthy.len() as f64) < PANIC * set.len() as f64 { set } else { healthy }
    }

    fn done(&mut self, deployment: usize, outcome: &Outcome, now: Tick) {
        let host = &mut self.hosts[deployment];
        match outcome {
            Outcome::Failed(failure) if !failure.is_throttle() => {
                host.in_a_row += 1;
                host.failed += 1;
                if host.in_a_row >= FAILURES_MAX {
                    self.eject(deployment, now);
                }
            }
            Outcome::Complete { .. } | Outcome::Failed(_) => {
                host.in_a_row = 0;
                host.succeeded += 1;
            }
            Outcome::ClientGone => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::Failure;

    #[test]
    fn five_failures_in_a_row_eject_one_host_and_no_second_one() {
        let mut hosts = OutlierEjection::new(4);
        for place in [0, 1] {
            for _ in 0..5 {
                hosts.done(place, &Outcome::Failed(Failure::Connect), Tick(0));
            }
        }
        let all = Set::first(4);
        assert_eq!(hosts.admits(all, Tick(1)), all.without(0), "a tenth of four hosts is one");
        // Hosts come back when they are looked at, every ten seconds.
        assert_eq!(hosts.admits(all, Tick(20_000_000)), all.without(0));
        assert_eq!(hosts.admits(all, Tick(30_000_000)), all);
    }

    #[test]
    fn a_429_is_no_failure_and_half_of_the_hosts_gone_is_a_panic() {
        let mut hosts = OutlierEjection::new(2);
        for _ in 0..9 {
            hosts.done(0, &Outcome::Failed(Failure::Throttled { retry_after_s: None }), Tick(0));
            hosts.done(1, &Outcome::Failed(Failure::Connect), Tick(0));
        }
        let all = Set::first(2);
        assert_eq!(hosts.admits(all, Tick(1)), all.without(1));
        assert_eq!(hosts.admits(all.without(0), Tick(1)), all.without(0));
    }
}
