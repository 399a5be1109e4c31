//! Numbers that many threads read while one writes.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::domain::Tick;

/// A number as the bits of an atomic. Loads and stores are relaxed: every value is one that was written whole, and a
/// reader who sees neighbours of two different moments makes an estimate between them.
#[derive(Debug, Default)]
pub(crate) struct Real(AtomicU32);

impl Real {
    pub(crate) const fn new(value: f32) -> Self {
        Self(AtomicU32::new(value.to_bits()))
    }

    pub(crate) fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn set(&self, value: f32) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    /// Moves by a share of the way to `target`. Two that do so at once may lose one of both moves.
    pub(crate) fn approach(&self, target: f32, share: f32) {
        let value = self.get();
        self.set(value + share * (target - value));
    }
}

/// Seconds from one tick to another, 0 when they are the other way round.
pub(crate) fn seconds(from: Tick, to: Tick) -> f32 {
    to.micros_since(from) as f32 * 1e-6
}

/// Milliseconds since the process started, as 32 bits that wrap after 49 days.
#[expect(clippy::cast_possible_truncation, reason = "wrapping is what it is for")]
pub(crate) const fn millis(tick: Tick) -> u32 {
    (tick.0 / 1000) as u32
}

/// Seconds from one wrapped moment to another, 0 when they are the other way round.
pub(crate) fn seconds_between(from: u32, to: u32) -> f32 {
    let passed = to.wrapping_sub(from);
    // More than half the circle is the past.
    if passed > u32::MAX / 2 { 0.0 } else { passed as f32 * 1e-3 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_that_wrapped_are_still_apart_by_what_passed() {
        assert_eq!(seconds_between(1_000, 3_500), 2.5);
        assert_eq!(seconds_between(u32::MAX - 499, 500), 1.0);
        assert_eq!(seconds_between(3_500, 1_000), 0.0);
        assert_eq!(seconds(Tick(5_000_000), Tick(2_000_000)), 0.0);
        assert_eq!(seconds(Tick(2_000_000), Tick(5_000_000)), 3.0);
    }

    #[test]
    fn a_number_approaches_its_target() {
        let value = Real::new(1.0);
        value.approach(2.0, 0.25);
        assert_eq!(value.get(), 1.25);
    }
}
