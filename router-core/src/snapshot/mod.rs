//! What the data plane knows: keys, providers, deployments. Compiled once, read by everybody, never changed in place.
//!
//! [`SnapshotDoc`] is the versioned wire form that the control plane publishes; [`Snapshot::compile`] checks it and
//! builds the indexes. The control plane runs the same `compile` before it publishes, so a document that reaches a
//! proxy compiles there too. Holds no counter: what changes with every request lives elsewhere.

mod compile;
mod doc;
mod keys;
mod routing;

pub use compile::{CompileError, Deployment, Key, ModelAccess, Provider, Snapshot};
pub use doc::{DeploymentDoc, KeyDoc, ProviderDoc, SnapshotDoc};
pub use keys::KeyIndex;
pub use routing::{CacheDoc, PolicyDoc, Preset, QuotaDoc, TraitsDoc};
