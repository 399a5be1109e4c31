//! Errors, as the API tells them.

use serde_json::{Value, json};

use crate::dialect::Failure;

/// `error.type` for a status.
pub const fn error_kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        408 | 504 => "timeout_error",
        503 | 529 => "overloaded_error",
        500..=599 => "api_error",
        _ => "invalid_request_error",
    }
}

/// An error document. `code`, `param` and `metadata` are ours; clients of the API pass over them.
pub fn write_error(failure: &Failure<'_>) -> Value {
    let mut error = json!({ "type": failure.kind, "message": failure.message });
    if !failure.code.is_empty() {
        error["code"] = failure.code.into();
    }
    if let Some(param) = failure.param {
        error["param"] = param.into();
    }
    if let Some(source) = failure.source {
        error["metadata"] = json!({ "source": source });
    }
    json!({ "type": "error", "error": error, "request_id": failure.request_id })
}
