//! What was learned, to be kept over a restart and to be shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::board::Board;
use crate::domain::{DeploymentId, Tick};
use crate::health::Learned;

/// What is known of all deployments at one moment. Fields are added, never renamed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HealthReport {
    /// By deployment; those that the board does not have are passed over when it is restored.
    pub deployments: BTreeMap<DeploymentId, DeploymentHealth>,
}

/// What is known of one deployment and of the account behind it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeploymentHealth {
    /// Its speed and reliability.
    #[serde(flatten)]
    pub learned: Learned,
    /// Tokens that an answer of its model has on average.
    pub output_tokens: u32,
    /// How full the emptiest of its account's limits is, from 0 to 1; 1 when none is known. Not restored.
    #[serde(default)]
    pub headroom: Option<f32>,
    /// Milliseconds until its account may be used again after a refusal. Not restored.
    #[serde(default)]
    pub blocked_ms: Option<u64>,
}

impl Board {
    /// What is known at this moment.
    pub fn report(&self, now: Tick) -> HealthReport {
        let of = |seat: &super::board::Seat| DeploymentHealth {
            learned: seat.vitals.learned(now),
            output_tokens: seat.outputs.mean(),
            headroom: Some(seat.account.fullness(now)),
            blocked_ms: seat.account.blocked_until(now).map(|until| until.micros_since(now) / 1000),
        };
        HealthReport { deployments: self.seats.iter().map(|seat| (seat.id, of(seat))).collect() }
    }

    /// Begins from what was known before; gives how many deployments that was of use for. States of breakers, limits
    /// and what was in flight belong to the time before, and begin anew.
    pub fn restore(&self, report: &HealthReport, now: Tick) -> usize {
        let known = self.seats.iter().filter_map(|seat| Some((seat, report.deployments.get(&seat.id)?)));
        let restored = known.filter(|(seat, health)| {
            let sound = seat.vitals.restore(&health.learned, now);
            if sound {
                seat.outputs.suppose(health.output_tokens as f32);
            }
            sound
        });
        restored.count()
    }
}
