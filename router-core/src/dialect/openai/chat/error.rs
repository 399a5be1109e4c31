//! An error document.

use serde_json::{Value, json};

use crate::dialect::Failure;

/// The body of an answer that says what went wrong.
pub fn write_error(failure: &Failure<'_>) -> Value {
    json!({ "error": object(failure) })
}

/// What stands in its `error`, in a body as in a stream.
pub(super) fn object(failure: &Failure<'_>) -> Value {
    let mut error = json!({
        "message": failure.message,
        "type": failure.kind,
        "param": failure.param,
        "code": failure.code,
    });
    if let Some(source) = failure.source {
        error["metadata"] = json!({ "source": source });
    }
    error
}
