//! Errors, as the API tells them.

use serde_json::{Value, json};

use crate::dialect::Failure;

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
