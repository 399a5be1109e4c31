//! When an open-loop run sends: decided before the run, so that a slow target cannot slow the asking.

use std::time::Duration;

use clap::ValueEnum;

/// How arrivals are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arrivals {
    /// Evenly.
    Uniform,
    /// Independently of each other, like many callers who do not know of each other.
    Poisson,
}

/// Send times since the start of the run, ascending and all before `length`.
///
/// The same seed gives the same times, so that every target is asked at the same moments.
pub(crate) fn schedule(arrivals: Arrivals, per_second: f64, length: Duration, seed: u64) -> Vec<Duration> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let gap_mean = 1.0 / per_second;
    let mut at = 0.0;
    let mut times = Vec::new();
    while at < length.as_secs_f64() {
        times.push(Duration::from_secs_f64(at));
        at += match arrivals {
            Arrivals::Uniform => gap_mean,
            Arrivals::Poisson => -(1.0 - chance.f64()).ln() * gap_mean,
        };
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_arrivals_are_evenly_spaced() {
        let times = schedule(Arrivals::Uniform, 4.0, Duration::from_secs(1), 0);
        assert_eq!(times, [0, 250, 500, 750].map(Duration::from_millis));
    }

    #[test]
    fn poisson_arrivals_keep_the_rate_and_vary_like_chance() {
        let times = schedule(Arrivals::Poisson, 1000.0, Duration::from_secs(20), 7);
        assert!((19_500..20_500).contains(&times.len()), "{} arrivals", times.len());
        assert!(times.is_sorted());
        let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
        let short = gaps.iter().filter(|gap| **gap < 0.001).count();
        let share = f64::from(u32::try_from(short).unwrap()) / f64::from(u32::try_from(gaps.len()).unwrap());
        assert!((share - 0.632).abs() < 0.02, "{share} of the gaps are below the mean");
    }

    #[test]
    fn a_seed_replays_its_arrivals() {
        let run = |seed| schedule(Arrivals::Poisson, 100.0, Duration::from_secs(2), seed);
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
    }
}
