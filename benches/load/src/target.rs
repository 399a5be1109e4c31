//! What the generator can be pointed at.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::process::Process;

/// One of the compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The provider itself: what latency is without anything between.
    Direct,
    /// Two sockets and no HTTP.
    Floor,
    /// The yardstick.
    Nginx,
    /// The gateway on trial.
    Tollgate,
}

impl Kind {
    /// What the report calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Floor => "floor",
            Self::Nginx => "nginx",
            Self::Tollgate => "tollgate",
        }
    }
}

/// Where a gateway shows what it did.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    /// Where its metrics are.
    pub(crate) operations: SocketAddr,
    /// Its access log.
    pub(crate) access_log: PathBuf,
}

/// A running gateway.
#[derive(Debug)]
pub(crate) struct Target {
    /// Which one.
    pub(crate) kind: Kind,
    /// Where it answers with JSON.
    pub(crate) json: SocketAddr,
    /// Where it streams; differs from `json` only where a gateway wants other settings for it.
    pub(crate) stream: SocketAddr,
    /// Where it shows what it did, if it keeps books.
    pub(crate) books: Option<Books>,
    /// Its processes, which end with this value.
    pub(crate) process: Process,
}
