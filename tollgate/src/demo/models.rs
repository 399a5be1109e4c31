//! `GET /v1/models`: what the demo provider lists. Other names are served as well, under the name that was asked.

use axum::Json;
use axum::extract::Path;
use serde_json::{Value, json};

use super::error::ApiError;

/// The listed chat model.
pub(crate) const CHAT_MODEL: &str = "demo";
/// The listed embedding model.
pub(crate) const EMBEDDING_MODEL: &str = "demo-embedding";

const MODELS: [&str; 2] = [CHAT_MODEL, EMBEDDING_MODEL];
/// 2026-01-01: a model's date never changes.
const CREATED: u64 = 1_767_225_600;

/// `GET /v1/models`
pub(super) async fn list() -> Json<Value> {
    Json(json!({ "object": "list", "data": MODELS.map(describe) }))
}

/// `GET /v1/models/{id}`
pub(super) async fn show(Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    if MODELS.contains(&id.as_str()) { Ok(Json(describe(&id))) } else { Err(ApiError::no_such_model(&id)) }
}

fn describe(id: &str) -> Value {
    json!({ "id": id, "object": "model", "created": CREATED, "owned_by": "tollgate" })
}
