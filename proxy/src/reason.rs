//! Names of status codes (RFC 9110, 15), for HTTP/1.1's first line.

/// The phrase that goes with a status; empty for one without a name.
pub(crate) fn reason_phrase(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("")
}
