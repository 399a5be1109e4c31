//! Errors in OpenAI's shape.

use axum::Json;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why a request was not answered.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    message: String,
    param: Option<String>,
    code: Option<&'static str>,
}

impl ApiError {
    /// The body cannot be understood as a whole.
    pub(super) fn bad_body(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into(), param: None, code: None }
    }

    /// One parameter has a value that cannot be served.
    pub(super) fn bad_param(param: impl Into<String>, message: impl Into<String>) -> Self {
        let (param, code) = (Some(param.into()), Some("invalid_value"));
        Self { status: StatusCode::BAD_REQUEST, message: message.into(), param, code }
    }

    /// No such model.
    pub(super) fn no_such_model(model: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            message: format!("The model '{model}' does not exist"),
            param: Some("model".to_owned()),
            code: Some("model_not_found"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = json!({
            "message": self.message,
            "type": "invalid_request_error",
            "param": self.param,
            "code": self.code,
        });
        (self.status, Json(json!({ "error": error }))).into_response()
    }
}

/// Answers every path that does not exist.
pub(super) async fn no_such_route(request: Request) -> ApiError {
    ApiError {
        status: StatusCode::NOT_FOUND,
        message: format!("Invalid URL ({} {})", request.method(), request.uri().path()),
        param: None,
        code: Some("unknown_url"),
    }
}

/// Answers a known path asked with the wrong method.
pub(super) async fn no_such_method(request: Request) -> ApiError {
    ApiError {
        status: StatusCode::METHOD_NOT_ALLOWED,
        message: format!("Not allowed to {} on {}", request.method(), request.uri().path()),
        param: None,
        code: Some("method_not_supported"),
    }
}
