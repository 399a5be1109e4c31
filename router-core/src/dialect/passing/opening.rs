//! Whether a stream has said anything yet that a client would miss.
//!
//! Until it has, another provider can take over without anybody noticing. Only the first events of a stream are looked
//! at, so this may read them whole.

use serde_json::Value;

use crate::dialect::Complaint;
use crate::domain::Dialect;
use crate::sse::Splitter;

/// How a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// Nothing but frame: roles, ids, blocks without a word in them.
    Frame,
    /// Content, or anything that this does not know.
    Content,
    /// The provider gave up before it said anything.
    Failed(Complaint),
}

/// Judges all that has come of a stream, which is a few events at most. Nothing follows one that has `ended`: its last
/// event needs no blank line.
pub fn beginning(dialect: Dialect, window: &[u8], ended: bool) -> Beginning {
    let mut splitter = Splitter::new();
    let mut at = 0;
    loop {
        let rest = &window[at..];
        let late = usize::from(splitter.straggler(rest));
        let rest = &rest[late..];
        let (event, last) = match splitter.next(rest) {
            Some(event) => (event, false),
            None if ended => (splitter.finish(rest), true),
            None => return Beginning::Frame,
        };
        match event.data.of(rest).map_or(Beginning::Frame, |data| judge(dialect, data)) {
            Beginning::Frame if last => return Beginning::Frame,
            Beginning::Frame => at += late + event.len,
            said => return said,
        }
    }
}

fn judge(dialect: Dialect, data: &[u8]) -> Beginning {
    let Ok(event) = serde_json::from_slice::<Value>(data) else { return Beginning::Content };
    let kind = event["type"].as_str().unwrap_or_default();
    let failed = match dialect {
        Dialect::Openai => says(&event["error"]) || event["object"] == "error",
        Dialect::Responses => {
            kind == "error" || kind == "response.failed" || (kind.is_empty() && says(&event["error"]))
        }
        Dialect::Anthropic => kind == "error",
        Dialect::Gemini | Dialect::Bedrock => event["error"].is_object(),
    };
    let frame = match dialect {
        Dialect::Openai => is_frame_of_openai(&event),
        Dialect::Responses => is_frame_of_responses(kind),
        Dialect::Anthropic => is_frame_of_anthropic(kind, &event),
        Dialect::Gemini | Dialect::Bedrock => is_frame_of_gemini(&event),
    };
    match (failed, frame) {
        (true, _) => Beginning::Failed(complaint(&event)),
        (false, true) => Beginning::Frame,
        (false, false) => Beginning::Content,
    }
}

/// What the error of an event is about: its most precise word that we know.
fn complaint(event: &Value) -> Complaint {
    let error = [&event["error"], &event["response"]["error"], event].into_iter().find(|error| error.is_object());
    let words = ["code", "status", "type"].into_iter().filter_map(|key| error?[key].as_str());
    words.map(Complaint::named).find(|complaint| *complaint != Complaint::Other).unwrap_or(Complaint::Other)
}

/// A role without a word, or Azure's account of the prompt.
fn is_frame_of_openai(event: &Value) -> bool {
    let silent = |choice: &Value| {
        let delta = choice["delta"].as_object();
        let quiet = delta.is_some_and(|delta| delta.iter().all(|(key, value)| key == "role" || !says(value)));
        quiet && !says(&choice["finish_reason"])
    };
    let choices = event["choices"].as_array();
    choices.is_some_and(|choices| choices.iter().all(silent)) && !says(&event["usage"])
}

fn is_frame_of_responses(kind: &str) -> bool {
    let events = ["created", "queued", "in_progress", "output_item.added", "content_part.added"];
    kind.strip_prefix("response.").is_some_and(|kind| events.contains(&kind)) || kind == "keepalive"
}

fn is_frame_of_anthropic(kind: &str, event: &Value) -> bool {
    let block = &event["content_block"];
    let empty = match block["type"].as_str() {
        Some("text") => !says(&block["text"]),
        Some("thinking") => !says(&block["thinking"]),
        _ => false,
    };
    matches!(kind, "message_start" | "ping") || (kind == "content_block_start" && empty)
}

fn is_frame_of_gemini(event: &Value) -> bool {
    let silent = |candidate: &Value| {
        let parts = candidate["content"]["parts"].as_array();
        let quiet = |part: &Value| part.as_object().is_some_and(|part| part.values().all(|value| !says(value)));
        parts.is_none_or(|parts| parts.iter().all(quiet)) && !says(&candidate["finishReason"])
    };
    let candidates = event["candidates"].as_array();
    candidates.is_none_or(|candidates| candidates.iter().all(silent)) && event.get("promptFeedback").is_none()
}

/// Whether a value is anything at all.
fn says(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(dialect: Dialect, events: &[&str]) -> Beginning {
        let window: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        beginning(dialect, window.as_bytes(), false)
    }

    #[test]
    fn frame_is_told_from_content_and_from_failure_in_each_dialect() {
        let cases = [
            (
                Dialect::Openai,
                r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}]}"#,
                r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#,
                r#"{"error":{"message":"overloaded"}}"#,
            ),
            (
                Dialect::Responses,
                r#"{"type":"response.created","response":{"error":null}}"#,
                r#"{"type":"response.output_text.delta","delta":"a"}"#,
                r#"{"type":"response.failed","response":{}}"#,
            ),
            (
                Dialect::Anthropic,
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","name":"f"}}"#,
                r#"{"type":"error","error":{"type":"overloaded_error"}}"#,
            ),
            (
                Dialect::Gemini,
                r#"{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"index":0}],"usageMetadata":{}}"#,
                r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]}}]}"#,
                r#"{"error":{"code":503,"status":"UNAVAILABLE"}}"#,
            ),
        ];
        for (dialect, frame, content, failure) in cases {
            assert_eq!(of(dialect, &[]), Beginning::Frame);
            assert_eq!(of(dialect, &[frame, frame]), Beginning::Frame, "{dialect:?}");
            assert_eq!(of(dialect, &[frame, content, failure]), Beginning::Content, "{dialect:?}");
            assert!(matches!(of(dialect, &[frame, failure]), Beginning::Failed(_)), "{dialect:?}");
        }
    }

    #[test]
    fn a_failure_says_what_it_is_about() {
        for (dialect, event, complaint) in [
            (Dialect::Openai, r#"{"error":{"type":"server_error","code":"overloaded"}}"#, Complaint::Overloaded),
            (Dialect::Openai, r#"{"error":{"message":"x"}}"#, Complaint::Other),
            (
                Dialect::Responses,
                r#"{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded"}}}"#,
                Complaint::RateLimited,
            ),
            (Dialect::Responses, r#"{"type":"error","code":"slow_down"}"#, Complaint::Overloaded),
            (Dialect::Anthropic, r#"{"type":"error","error":{"type":"overloaded_error"}}"#, Complaint::Overloaded),
            (Dialect::Gemini, r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}"#, Complaint::RateLimited),
        ] {
            assert_eq!(of(dialect, &[event]), Beginning::Failed(complaint), "{event}");
        }
    }

    #[test]
    fn an_end_and_what_is_not_known_are_content() {
        for (dialect, event) in [
            (Dialect::Openai, "[DONE]"),
            (Dialect::Openai, r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#),
            (Dialect::Openai, r#"{"choices":[{"delta":{"audio":{"id":"a"}}}]}"#),
            (Dialect::Responses, r#"{"type":"response.completed"}"#),
            (Dialect::Anthropic, r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#),
            (Dialect::Gemini, r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#),
            (Dialect::Gemini, r#"{"candidates":[{"finishReason":"STOP"}]}"#),
        ] {
            assert_eq!(of(dialect, &[event]), Beginning::Content, "{event}");
        }
    }

    #[test]
    fn half_an_event_is_not_judged_before_the_end() {
        let judge = |window: &str, ended| beginning(Dialect::Openai, window.as_bytes(), ended);
        assert_eq!(judge("data: {\"error\":{\"message\":\"x\"}}\n", false), Beginning::Frame);
        assert_eq!(judge("data: {\"error\":{\"message\":\"x\"}}\n", true), Beginning::Failed(Complaint::Other));
        assert_eq!(judge("data: {\"choi", true), Beginning::Content, "what is cut off is for others to judge");
        assert_eq!(
            judge(": comment\r\n\r\ndata: {\"error\":{\"a\":1}}\r\n\r\n", false),
            Beginning::Failed(Complaint::Other)
        );
    }
}
