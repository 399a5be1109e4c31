//! From the database to the proxies: rows → [`SnapshotDoc`] → compile → callback.
//!
//! A document is handed out only after it compiled, with the code that the proxies will run. A database that is away
//! changes nothing for them: the publisher says so once, keeps asking, and catches up when it is back.

use std::time::Duration;

use router_core::snapshot::{CompileError, Snapshot, SnapshotDoc};
use tokio::time::{MissedTickBehavior, interval};

use crate::authz::AllTenants;
use crate::db::{Store, StoreError, changes, keys};

const POLL_EVERY: Duration = Duration::from_secs(1);

/// Why there is no new document.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A proxy would refuse the document.
    #[error("the snapshot does not compile: {0}")]
    Compile(#[from] CompileError),
}

/// Makes documents of what the configuration declares and what the store holds.
#[derive(Clone, Debug)]
pub struct Publisher {
    store: Store,
    base: SnapshotDoc,
}

impl Publisher {
    /// A publisher that adds the store's keys to the providers, deployments and keys of `base`. Documents are numbered
    /// from `base.number` on.
    pub fn new(store: Store, base: SnapshotDoc) -> Self {
        Self { store, base }
    }

    /// What proxies should know now.
    pub async fn document(&self) -> Result<SnapshotDoc, PublishError> {
        // The number is read before the keys. A change in between makes the document newer than its number, and is
        // published once more under its own; the other way round it would never be.
        let number = self.number().await?;
        let stored = keys::live(&self.store, &AllTenants::publisher()).await?;
        let mut document = SnapshotDoc { number, ..self.base.clone() };
        document.keys.extend(stored);
        Snapshot::compile(&document)?;
        Ok(document)
    }

    /// Hands `callback` the document as it is now, then a new one within about a second of every change, whoever made
    /// it. Never returns: drop the future to stop.
    pub async fn watch(&self, mut callback: impl FnMut(SnapshotDoc) + Send) {
        let mut poll = interval(POLL_EVERY);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut published = None;
        let mut failing = false;
        loop {
            poll.tick().await;
            match self.newer_than(published).await {
                Ok(document) => {
                    if failing {
                        tracing::info!("the database answers again");
                    }
                    failing = false;
                    if let Some(document) = document {
                        published = Some(document.number);
                        callback(document);
                    }
                }
                Err(error) => {
                    if !failing {
                        tracing::warn!(%error, "nothing new can be published; proxies keep what they have");
                    }
                    failing = true;
                }
            }
        }
    }

    async fn newer_than(&self, published: Option<u64>) -> Result<Option<SnapshotDoc>, PublishError> {
        if published == Some(self.number().await?) { Ok(None) } else { self.document().await.map(Some) }
    }

    async fn number(&self) -> Result<u64, StoreError> {
        let changes = changes::number(&self.store).await?;
        Ok(self.base.number.saturating_add(u64::try_from(changes).unwrap_or_default()))
    }
}
