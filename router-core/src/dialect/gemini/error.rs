//! Errors in Google's form.

use serde_json::{Map, Value, json};

use super::super::Failure;

/// `error.status` for a status of HTTP.
pub const fn error_kind(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        402 | 429 => "RESOURCE_EXHAUSTED",
        408 | 504 => "DEADLINE_EXCEEDED",
        503 => "UNAVAILABLE",
        405 | 501 => "UNIMPLEMENTED",
        500..=599 => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}

/// An error document: Google's own members, and what is ours as details of the kinds that Google has for it.
pub fn write_error(failure: &Failure<'_>) -> Value {
    let mut metadata = Map::new();
    for (key, value) in [("param", failure.param), ("source", failure.source)] {
        if let Some(value) = value {
            metadata.insert(key.to_owned(), value.into());
        }
    }
    let info = json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": failure.code,
        "domain": "tollgate",
        "metadata": metadata,
    });
    let request = json!({
        "@type": "type.googleapis.com/google.rpc.RequestInfo",
        "requestId": failure.request_id,
    });
    json!({
        "error": {
            "code": failure.status,
            "message": failure.message,
            "status": failure.kind,
            "details": [info, request],
        }
    })
}
