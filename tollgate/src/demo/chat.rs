//! `POST /v1/chat/completions`

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::error::ApiError;
use super::ids;
use super::plan::{Answer, ChatRequest};
use super::request::{self, Delivery};
use super::sse::{Events, Pace};
use super::usage::Usage;

/// Answers a chat, whole or streamed.
pub(super) async fn create(State(pace): State<Pace>, body: Bytes) -> Result<Response, ApiError> {
    let request: ChatRequest = request::parse(&body)?;
    let delivery = request::delivery(request.stream, request.stream_options.as_ref())?;
    let choices = request::choices(request.n)?;
    // The newer name counts when both are given.
    let max_tokens = request::limit("max_tokens", request.max_tokens)?;
    let limit = request::limit("max_completion_tokens", request.max_completion_tokens)?.or(max_tokens);
    let answer = request.answer(limit)?;
    let usage = Usage::new(request.prompt_tokens(), answer.tokens() * choices);
    let frame = Frame { id: ids::fresh("chatcmpl-"), created: ids::unix_seconds(), model: request.model };
    Ok(match delivery {
        Delivery::Whole => Json(frame.whole(&answer, choices, usage)).into_response(),
        Delivery::Stream { usage: wanted } => {
            frame.events(&answer, choices, wanted.then_some(usage)).into_response(pace)
        }
    })
}

/// What all parts of one answer have in common.
struct Frame {
    id: String,
    created: u64,
    model: String,
}

impl Frame {
    fn whole(&self, answer: &Answer, choices: usize, usage: Usage) -> Value {
        let text = answer.pieces.concat();
        let choice = |index| {
            let message = match &answer.tool {
                None => json!({"role": "assistant", "content": text, "refusal": null, "annotations": []}),
                Some(name) => json!({
                    "role": "assistant", "content": null, "refusal": null, "annotations": [],
                    "tool_calls": [{
                        "id": ids::fresh("call_"), "type": "function", "function": {"name": name, "arguments": text},
                    }],
                }),
            };
            json!({"index": index, "message": message, "logprobs": null, "finish_reason": answer.finish_reason()})
        };
        json!({
            "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model,
            "choices": (0..choices).map(choice).collect::<Vec<_>>(), "usage": usage,
            "system_fingerprint": "fp_tollgate_demo",
        })
    }

    /// The chunks of a stream; the choices take turns.
    fn events(&self, answer: &Answer, choices: usize, usage: Option<Usage>) -> Events {
        let chunk = |choices: Value| {
            let mut chunk = json!({
                "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
                "system_fingerprint": "fp_tollgate_demo", "choices": choices,
            });
            if usage.is_some() {
                chunk["usage"] = Value::Null;
            }
            chunk
        };
        let delta = |index: usize, delta: Value, finish: Option<&str>| {
            chunk(json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": finish}]))
        };
        let mut events = Events::default();
        for index in 0..choices {
            events.push(&delta(index, first_delta(answer), None));
        }
        for piece in &answer.pieces {
            for index in 0..choices {
                let event = delta(index, next_delta(answer, piece), None);
                if index == 0 { events.push_paced(&event) } else { events.push(&event) }
            }
        }
        for index in 0..choices {
            events.push(&delta(index, json!({}), Some(answer.finish_reason())));
        }
        if let Some(usage) = usage {
            let mut last = chunk(json!([]));
            last["usage"] = json!(usage);
            events.push(&last);
        }
        events
    }
}

/// The delta that opens a choice: the role, and the call's id and name, which come once.
fn first_delta(answer: &Answer) -> Value {
    match &answer.tool {
        None => json!({"role": "assistant", "content": "", "refusal": null}),
        Some(name) => json!({
            "role": "assistant", "content": null, "refusal": null,
            "tool_calls": [{
                "index": 0, "id": ids::fresh("call_"), "type": "function",
                "function": {"name": name, "arguments": ""},
            }],
        }),
    }
}

fn next_delta(answer: &Answer, piece: &str) -> Value {
    match &answer.tool {
        None => json!({ "content": piece }),
        Some(_) => json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}),
    }
}
