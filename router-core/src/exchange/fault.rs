//! What can go wrong with an attempt.

use crate::dialect::Complaint;

/// Why an attempt at a provider failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamFault {
    /// There is no credential that the provider would take.
    #[error("the gateway has no valid credential for the provider")]
    NoAccess,
    /// No connection: refused, unreachable, or the name is not known.
    #[error("the provider could not be reached")]
    ConnectFailed,
    /// The certificate is not valid for the provider's name, or the handshake failed.
    #[error("the provider's TLS certificate or handshake was not accepted")]
    TlsFailed,
    /// No connection in time.
    #[error("the provider did not accept the connection in time")]
    ConnectTimeout,
    /// No head of an answer in time.
    #[error("the provider did not answer in time")]
    FirstByteTimeout,
    /// The answer stopped for too long.
    #[error("the provider stopped sending")]
    Stalled,
    /// The whole took too long.
    #[error("the exchange with the provider took too long")]
    TotalTimeout,
    /// A kept connection turned out to be closed before a byte of the answer came.
    #[error("the provider had closed the connection")]
    StaleReuse,
    /// The connection ended before the head of an answer.
    #[error("the provider closed the connection without an answer")]
    Closed,
    /// The answer is not the HTTP that it should be.
    #[error("the provider sent an answer that is not valid")]
    BadReply,
    /// The provider said inside of its answer that it gives up.
    #[error("the provider reported an error")]
    Reported(Complaint),
    /// The answer ended before it was complete.
    #[error("the provider's answer ended before it was complete")]
    Truncated,
}

impl UpstreamFault {
    /// Label for logs and metrics; renaming one breaks a dashboard.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoAccess => "no_access",
            Self::ConnectFailed => "connect_failed",
            Self::TlsFailed => "tls_failed",
            Self::ConnectTimeout => "connect_timeout",
            Self::FirstByteTimeout => "first_byte_timeout",
            Self::Stalled => "stalled",
            Self::TotalTimeout => "total_timeout",
            Self::StaleReuse => "stale_reuse",
            Self::Closed => "closed",
            Self::BadReply => "bad_reply",
            Self::Reported(_) => "reported",
            Self::Truncated => "truncated",
        }
    }

    /// Whether time ran out, rather than something breaking.
    pub const fn is_timeout(self) -> bool {
        matches!(self, Self::ConnectTimeout | Self::FirstByteTimeout | Self::Stalled | Self::TotalTimeout)
    }
}
