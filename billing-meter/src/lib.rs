//! Money: what tokens were used, what they cost, and (later) holds, leases, the journal and the ledger.
//!
//! Of `router-core` it knows `domain` only; it does not know requests, dialects, proxies or databases.

pub mod meter;
pub mod wire;
