//! `POST /v1/completions`: the older API, where the prompt is one text.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ApiError;
use super::plan::Answer;
use super::request::{self, Delivery, Stop, StreamOptions};
use super::sse::{Events, Pace};
use super::usage::Usage;
use super::{ids, text};

/// Prompts of one request, at most.
const PROMPTS_MAX: usize = 128;

#[derive(Debug, Deserialize)]
struct CompletionRequest {
    model: String,
    prompt: Option<Prompt>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    n: Option<usize>,
    max_tokens: Option<usize>,
    stop: Option<Stop>,
}

/// A prompt is text or token numbers, and there may be several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Prompt {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u64>),
    TokenLists(Vec<Vec<u64>>),
}

/// Completes prompts, whole or streamed.
pub(super) async fn create(State(pace): State<Pace>, body: Bytes) -> Result<Response, ApiError> {
    let request: CompletionRequest = request::parse(&body)?;
    let delivery = request::delivery(request.stream, request.stream_options.as_ref())?;
    let n = request::choices(request.n)?;
    let limit = request::limit("max_tokens", request.max_tokens)?;
    let prompts = prompts(request.prompt)?;
    let prompt_tokens = prompts.iter().map(|(_, tokens)| tokens).sum();
    let complete = |said: &str| {
        let whole = text::answer(said);
        let whole = request.stop.as_ref().map_or(whole.as_str(), |stop| stop.cut(&whole));
        Answer::new(None, whole, limit)
    };
    let choices: Vec<Answer> =
        prompts.iter().flat_map(|(said, _)| std::iter::repeat_n(said, n)).map(|said| complete(said)).collect();
    let usage = Usage::new(prompt_tokens, choices.iter().map(Answer::tokens).sum());
    let frame = Frame { id: ids::fresh("cmpl-"), created: ids::unix_seconds(), model: request.model };
    Ok(match delivery {
        Delivery::Whole => Json(frame.whole(&choices, usage)).into_response(),
        Delivery::Stream { usage: wanted } => frame.events(&choices, wanted.then_some(usage)).into_response(pace),
    })
}

/// The prompts as text, each with its tokens. Token numbers mean nothing here: they are counted, not read.
fn prompts(prompt: Option<Prompt>) -> Result<Vec<(String, usize)>, ApiError> {
    let counted = |said: String| {
        let tokens = text::count(&said);
        (said, tokens)
    };
    let numbers = |numbers: Vec<u64>| (format!("{} token numbers", numbers.len()), numbers.len());
    let prompts: Vec<_> = match prompt {
        None => vec![counted(String::new())],
        Some(Prompt::Text(said)) => vec![counted(said)],
        Some(Prompt::Texts(texts)) => texts.into_iter().map(counted).collect(),
        Some(Prompt::Tokens(tokens)) => vec![numbers(tokens)],
        Some(Prompt::TokenLists(lists)) => lists.into_iter().map(numbers).collect(),
    };
    match prompts.len() {
        1..=PROMPTS_MAX => Ok(prompts),
        len => Err(ApiError::bad_param("prompt", format!("{len} prompts: from 1 to {PROMPTS_MAX} can be served"))),
    }
}

/// What all parts of one answer have in common.
struct Frame {
    id: String,
    created: u64,
    model: String,
}

impl Frame {
    fn part(&self, choices: &Value) -> Value {
        json!({
            "id": self.id, "object": "text_completion", "created": self.created, "model": self.model,
            "system_fingerprint": "fp_tollgate_demo", "choices": choices,
        })
    }

    fn whole(&self, choices: &[Answer], usage: Usage) -> Value {
        let choices = choices
            .iter()
            .enumerate()
            .map(|(index, choice)| one(index, &choice.pieces.concat(), Some(choice.finish_reason())));
        let mut whole = self.part(&choices.collect());
        whole["usage"] = json!(usage);
        whole
    }

    /// The chunks of a stream, one choice after the other.
    fn events(&self, choices: &[Answer], usage: Option<Usage>) -> Events {
        let chunk = |choice: Option<Value>| {
            let mut chunk = self.part(&choice.into_iter().collect());
            if usage.is_some() {
                chunk["usage"] = Value::Null;
            }
            chunk
        };
        let mut events = Events::default();
        for (index, choice) in choices.iter().enumerate() {
            for piece in &choice.pieces {
                events.push_paced(&chunk(Some(one(index, piece, None))));
            }
            events.push(&chunk(Some(one(index, "", Some(choice.finish_reason())))));
        }
        if let Some(usage) = usage {
            let mut last = chunk(None);
            last["usage"] = json!(usage);
            events.push(&last);
        }
        events
    }
}

fn one(index: usize, text: &str, finish: Option<&str>) -> Value {
    json!({"text": text, "index": index, "logprobs": null, "finish_reason": finish})
}
