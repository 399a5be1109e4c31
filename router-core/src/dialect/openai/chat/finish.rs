//! Why an answer ended.

use crate::chat::Finish;

/// What is known of an answer when its `finish_reason` is read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// It calls tools.
    pub(super) calls: bool,
    /// It refuses in words.
    pub(super) refusal: bool,
    /// A stop sequence is named (vLLM's `stop_reason`).
    pub(super) sequence: bool,
}

/// Reads a `finish_reason`; `None` is a failure. Words that we do not know end an answer like any other.
pub(super) fn read(word: &str, seen: Seen) -> Option<Finish> {
    Some(match word {
        "error" => return None,
        "length" | "model_length" | "max_tokens" => Finish::Length,
        "tool_calls" | "function_call" | "tool_use" => Finish::ToolCalls,
        "content_filter" | "safety" => Finish::Filtered,
        // A forced tool's call ends with `stop`, but its result is awaited all the same.
        _ if seen.calls => Finish::ToolCalls,
        _ if seen.refusal => Finish::Refused,
        _ if seen.sequence => Finish::StopSequence,
        _ => Finish::Stop,
    })
}

/// The `finish_reason`. A refusal that has words of its own is an ordinary end.
pub(super) fn word(finish: Finish, refusal: bool) -> &'static str {
    match finish {
        Finish::Stop | Finish::StopSequence | Finish::Paused | Finish::Malformed => "stop",
        Finish::Length | Finish::ContextFull => "length",
        Finish::ToolCalls => "tool_calls",
        Finish::Refused if refusal => "stop",
        Finish::Filtered | Finish::Refused => "content_filter",
    }
}
