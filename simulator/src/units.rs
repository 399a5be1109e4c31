//! Between whole microseconds, in which time is counted, and seconds, in which models are written.

use router_core::domain::Tick;

/// Microseconds in a second.
pub const SECOND: u64 = 1_000_000;

/// Whole microseconds of `seconds`; nothing below 0, and the end of time for what does not fit.
pub fn micros(seconds: f64) -> u64 {
    whole(seconds * 1e6)
}

/// The nearest whole number; 0 for what is negative or no number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, which is what is promised"
)]
pub fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// Seconds of whole microseconds.
pub const fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Seconds from `earlier` to `later`; 0 when it is not later.
pub const fn between(earlier: Tick, later: Tick) -> f64 {
    seconds(later.micros_since(earlier))
}

/// The moment `seconds` after another.
pub fn after(at: Tick, seconds: f64) -> Tick {
    Tick(at.0.saturating_add(micros(seconds)))
}
