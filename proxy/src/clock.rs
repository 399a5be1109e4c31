//! The only place in the data plane that reads a clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use router_core::domain::{Tick, Timestamp};

fn base() -> Instant {
    static BASE: OnceLock<Instant> = OnceLock::new();
    *BASE.get_or_init(Instant::now)
}

/// Microseconds since the process first asked.
pub fn now() -> Tick {
    Tick(u64::try_from(base().elapsed().as_micros()).unwrap_or(u64::MAX))
}

/// The moment of a tick, for timers.
pub fn instant(tick: Tick) -> tokio::time::Instant {
    // A tick beyond what an instant can hold is as good as a day from the start.
    let offset = Duration::from_micros(tick.0);
    base().checked_add(offset).unwrap_or_else(|| base() + Duration::from_hours(24)).into()
}

/// Unix time.
pub fn timestamp() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
