//! How many requests a deployment serves side by side before they queue.

use super::math::exp;
use super::real::seconds;
use crate::domain::Tick;

/// The memory of how many were once served without queueing fades with this time, in seconds.
const PEAK_FADES_S: f32 = 90.0;
/// Standard deviations of surprise below which an answer came without queueing.
const NORMAL: f32 = 1.0;
/// Those beyond which the first knee is believed.
const FIRST_QUEUED: f32 = 2.5;
/// Those beyond which a known knee is moved.
const QUEUED: f32 = 1.5;
/// How far a knee moves towards a busier normal answer.
const UP: f32 = 0.15;
/// How far it moves towards what a queued answer implies.
const MOVE: f32 = 0.22;

/// Seconds that a request waits which finds `in_flight` others there: none up to the knee, then a slot's share of the
/// queue before it.
pub fn queue_s(in_flight: f32, knee: f32, occupancy_s: f32) -> f32 {
    // Without a knee it is infinite, and so is the difference, on the right side.
    let beyond = in_flight + 1.0 - knee;
    if beyond > 0.0 { beyond * occupancy_s / knee } else { 0.0 }
}

/// One answer, as far as the knee is concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    /// Requests in flight, this one included.
    pub(super) busy: f32,
    /// By how many standard deviations the logarithm of its time was above that of the line.
    pub(super) surprise: f32,
    /// Seconds that it took longer than that.
    pub(super) excess_s: f32,
    /// Mean seconds that a request holds its slot.
    pub(super) occupancy_s: f32,
}

/// What is remembered to find the knee.
#[derive(Clone, Debug, Default)]
pub(super) struct KneeFinder {
    peak: f32,
    peak_at: Tick,
}

impl KneeFinder {
    /// The knee after one more answer; infinite until queueing was seen. Hosted services never show one, and then
    /// nothing is spread for its sake.
    pub(super) fn see(&mut self, knee: f32, seen: Sighting, now: Tick) -> f32 {
        let peak = self.peak * exp(-seconds(self.peak_at, now) / PEAK_FADES_S);
        if seen.surprise < NORMAL {
            if seen.busy >= peak {
                (self.peak, self.peak_at) = (seen.busy, now);
            }
            return if seen.busy > knee { knee + UP * (seen.busy - knee) } else { knee };
        }
        let implied = (seen.busy * seen.occupancy_s / (seen.excess_s.max(0.0) + seen.occupancy_s)).max(1.0);
        if knee.is_finite() {
            let queued = seen.surprise > QUEUED && seen.busy > 0.9 * knee;
            if queued { knee + MOVE * (implied - knee) } else { knee }
        } else {
            // Slow while less busy than it once was: that is slowness, not a queue.
            let queued = seen.surprise > FIRST_QUEUED && seen.busy >= 2.0 && seen.busy > 0.9 * peak;
            if queued { implied } else { knee }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(busy: f32, surprise: f32, excess_s: f32) -> Sighting {
        Sighting { busy, surprise, excess_s, occupancy_s: 5.0 }
    }

    #[test]
    fn nobody_waits_up_to_the_knee_and_everyone_behind_it() {
        assert_eq!(queue_s(1000.0, f32::INFINITY, 5.0), 0.0);
        assert_eq!(queue_s(7.0, 8.0, 4.0), 0.0);
        assert_eq!(queue_s(8.0, 8.0, 4.0), 0.5);
        assert_eq!(queue_s(15.0, 8.0, 4.0), 4.0);
    }

    #[test]
    fn the_knee_of_eight_slots_is_found_from_what_queued() {
        let mut finder = KneeFinder::default();
        let mut knee = f32::INFINITY;
        for round in 0u16..300 {
            let busy = f32::from(1 + round % 14);
            let wait = queue_s(busy - 1.0, 8.0, 5.0);
            let surprise = ((0.5 + wait) / 0.5).ln() / 0.4;
            knee = finder.see(knee, sighting(busy, surprise, wait), Tick(u64::from(round) * 100_000));
        }
        assert!((6.0..10.0).contains(&knee), "{knee}");
    }

    #[test]
    fn slowness_at_little_load_is_no_knee() {
        let mut finder = KneeFinder::default();
        let mut knee = finder.see(f32::INFINITY, sighting(20.0, 0.0, 0.0), Tick(0));
        for round in 0..50 {
            knee = finder.see(knee, sighting(5.0, 6.0, 4.0), Tick(round * 100_000));
        }
        assert!(knee.is_infinite());
    }

    #[test]
    fn a_knee_gives_way_when_more_are_served_without_queueing() {
        let mut finder = KneeFinder::default();
        let mut knee = 4.0;
        for round in 0..20 {
            knee = finder.see(knee, sighting(16.0, 0.2, 0.0), Tick(round * 100_000));
        }
        assert!(knee > 15.0, "{knee}");
    }
}
