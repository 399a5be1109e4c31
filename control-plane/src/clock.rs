//! The control plane's clock: the only place in this crate that reads the system's.

use std::time::{SystemTime, UNIX_EPOCH};

use router_core::domain::Timestamp;

/// The time now. A clock that is set before 1970 or after the year 290000 reads as 1970.
pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_micros()).unwrap_or_default())
}
