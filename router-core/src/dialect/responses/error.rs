//! A failure as an error document.

use serde_json::{Value, json};

use super::super::Failure;

/// Writes an error document. It has OpenAI's one shape.
pub fn write_error(failure: &Failure<'_>) -> Value {
    let mut error = json!({
        "message": failure.message,
        "type": failure.kind,
        "param": failure.param,
        "code": failure.code,
    });
    if let Some(source) = failure.source {
        error["metadata"] = json!({ "source": source });
    }
    json!({ "error": error })
}
