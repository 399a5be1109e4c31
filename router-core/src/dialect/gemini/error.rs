//! Errors in Google's form.

use serde_json::{Map, Value, json};

use super::super::Failure;

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
