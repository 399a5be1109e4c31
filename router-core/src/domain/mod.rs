//! The words every other module speaks: identities, money, tokens, time and chance. Imports nothing of ours.

mod capability;
mod dialect;
mod ids;
mod money;
mod seed;
mod style;
mod time;
mod usage;

pub use capability::{Capabilities, Capability};
pub use dialect::Dialect;
pub use ids::{BudgetId, DeploymentId, ExchangeId, Id128, KeyDigest, KeyId, LeaseId, NodeId};
pub use ids::{ParseIdError, ProviderId, RequestId, TenantId, UserId};
pub use money::{Credits, ParseMoneyError, PicoPerToken, Price};
pub use seed::Seed;
pub use style::{Address, CredentialForm, Quirks, Style};
pub use time::{Tick, Timestamp};
pub use usage::{Overflow, Provenance, Usage, UsageReport};
