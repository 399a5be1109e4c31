//! Names and dates of answers: the only part of an answer that is not a function of the request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

static SERIAL: AtomicU64 = AtomicU64::new(0);

/// A name that no other answer of this process has: `prefix`, the second and a serial number.
pub(super) fn fresh(prefix: &str) -> String {
    format!("{prefix}{:x}{:06x}", unix_seconds(), SERIAL.fetch_add(1, Ordering::Relaxed))
}

/// Seconds since 1970; 0 on a machine whose clock stands before that.
pub(super) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
