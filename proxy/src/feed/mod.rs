//! What the control plane tells the data plane.
//!
//! In one process this is a function call; for separate planes a stream of the same documents will arrive here. The
//! data plane stands alone: when nothing comes any more, the last snapshot stays in force.

use std::sync::Arc;

use router_core::snapshot::Snapshot;

use crate::gateway::Gateway;
use crate::upstream::Credentials;

/// Puts snapshots in force.
#[derive(Clone)]
pub struct Feed {
    gateway: Arc<Gateway>,
}

/// Why a snapshot was not put in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// A newer one is in force already.
    #[error("snapshot {offered} is older than {in_force}, which is in force")]
    Outdated {
        /// The number of the refused snapshot.
        offered: u64,
        /// The number of the one in force.
        in_force: u64,
    },
}

impl Feed {
    pub(crate) fn new(gateway: Arc<Gateway>) -> Self {
        Self { gateway }
    }

    /// Puts a snapshot in force for all requests that begin from now on. Requests under way end with what they have.
    pub fn publish(&self, snapshot: Snapshot, credentials: &Credentials) -> Result<(), PublishError> {
        self.gateway.publish(snapshot, credentials)
    }
}
