//! All faults of a deployment at one moment, added up.

use router_core::domain::Tick;

use super::run_seconds;
use crate::world::{Deployment, FaultKind};

/// What holds at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    pub(super) slower: f64,
    pub(super) slots: usize,
    pub(super) refuses: bool,
    pub(super) black_hole: bool,
    pub(super) hangs: bool,
    pub(super) errors: f64,
    pub(super) throttles: f64,
    pub(super) stalls: f64,
}

impl Weather {
    pub(super) fn at(deployment: &Deployment, now: Tick) -> Self {
        let mut weather = Self {
            slower: 1.0,
            slots: deployment.slots.unwrap_or(usize::MAX),
            refuses: false,
            black_hole: false,
            hangs: false,
            errors: 0.0,
            throttles: 0.0,
            stalls: 0.0,
        };
        let now_s = run_seconds(now);
        for fault in deployment.faults.iter().filter(|fault| fault.lasts(now_s)) {
            match fault.kind {
                FaultKind::Slow(times) => weather.slower *= times,
                FaultKind::Brownout(times) => {
                    let middle = (fault.from_s + fault.to_s) / 2.0;
                    let depth = 1.0 - (now_s - middle).abs() / (fault.to_s - middle);
                    weather.slower *= 1.0 + (times - 1.0) * depth;
                }
                FaultKind::Slots(slots) => weather.slots = weather.slots.min(slots),
                FaultKind::Refuse => weather.refuses = true,
                FaultKind::BlackHole => weather.black_hole = true,
                FaultKind::Hang => weather.hangs = true,
                FaultKind::Errors(share) => weather.errors = weather.errors.max(share),
                FaultKind::Throttle(share) => weather.throttles = weather.throttles.max(share),
                FaultKind::Stall(share) => weather.stalls = weather.stalls.max(share),
            }
        }
        weather
    }
}
