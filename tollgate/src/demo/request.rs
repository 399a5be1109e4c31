//! Reading a request's body, and what several routes share.

use axum::body::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// Choices for one prompt, at most.
const CHOICES_MAX: usize = 128;

/// Reads a body, naming the parameter that is wrong.
pub(super) fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        match error.inner().classify() {
            serde_json::error::Category::Data if path != "." => ApiError::bad_param(path, error.inner().to_string()),
            serde_json::error::Category::Data => ApiError::bad_body(error.inner().to_string()),
            _ => ApiError::bad_body(format!("We could not parse the JSON body of your request: {}", error.inner())),
        }
    })
}

/// `stream_options`
#[derive(Debug, Deserialize)]
pub(super) struct StreamOptions {
    include_usage: Option<bool>,
}

/// Whether and how an answer is streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// One JSON object.
    Whole,
    /// Server-sent events.
    Stream {
        /// Whether a last chunk carries the usage.
        usage: bool,
    },
}

/// Reads `stream` and `stream_options` together, for the second means nothing without the first.
pub(super) fn delivery(stream: Option<bool>, options: Option<&StreamOptions>) -> Result<Delivery, ApiError> {
    match (stream.unwrap_or(false), options) {
        (false, None) => Ok(Delivery::Whole),
        (false, Some(_)) => Err(ApiError::bad_param(
            "stream_options",
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        )),
        (true, options) => {
            Ok(Delivery::Stream { usage: options.and_then(|options| options.include_usage).unwrap_or(false) })
        }
    }
}

/// Reads `n`.
pub(super) fn choices(n: Option<usize>) -> Result<usize, ApiError> {
    match n.unwrap_or(1) {
        n @ 1..=CHOICES_MAX => Ok(n),
        n => Err(ApiError::bad_param("n", format!("{n} is not between 1 and {CHOICES_MAX}"))),
    }
}

/// Reads a bound on an answer's tokens.
pub(super) fn limit(param: &str, tokens: Option<usize>) -> Result<Option<usize>, ApiError> {
    match tokens {
        Some(0) => Err(ApiError::bad_param(param, format!("'{param}' must be at least 1"))),
        tokens => Ok(tokens),
    }
}

/// `stop`: one sequence or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Stop {
    /// One sequence.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Stop {
    /// The text before the first of the sequences.
    pub(super) fn cut<'a>(&self, text: &'a str) -> &'a str {
        let sequences = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        };
        let end = sequences.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| text.find(stop.as_str())).min();
        &text[..end.unwrap_or(text.len())]
    }
}
