//! Why an answer ended.

use crate::chat::Finish;

/// Reads a `stop_reason`; `None` if it is none that we know.
pub(super) fn read(reason: &str) -> Option<Finish> {
    Some(match reason {
        "end_turn" => Finish::Stop,
        "stop_sequence" => Finish::StopSequence,
        "max_tokens" => Finish::Length,
        "model_context_window_exceeded" => Finish::ContextFull,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::Refused,
        // The API's own compaction pauses an answer too.
        "pause_turn" | "compaction" => Finish::Paused,
        _ => return None,
    })
}

/// The `stop_reason` of an answer that has calls or words of refusal in it, or has not.
pub(super) const fn write(finish: Finish, has_calls: bool, has_refusal: bool) -> &'static str {
    match finish {
        Finish::Stop if has_calls => "tool_use",
        Finish::Stop if has_refusal => "refusal",
        Finish::Stop | Finish::Malformed => "end_turn",
        Finish::StopSequence => "stop_sequence",
        Finish::Length => "max_tokens",
        Finish::ContextFull => "model_context_window_exceeded",
        Finish::ToolCalls => "tool_use",
        Finish::Filtered | Finish::Refused => "refusal",
        Finish::Paused => "pause_turn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_comes_back_as_it_was() {
        for reason in [
            "end_turn",
            "stop_sequence",
            "max_tokens",
            "model_context_window_exceeded",
            "tool_use",
            "refusal",
            "pause_turn",
        ] {
            assert_eq!(read(reason).map(|finish| write(finish, false, false)), Some(reason));
        }
        assert_eq!(read("other"), None);
    }

    #[test]
    fn an_answer_that_stops_with_a_call_wants_it_run() {
        assert_eq!(write(Finish::Stop, true, false), "tool_use");
        assert_eq!(write(Finish::Length, true, false), "max_tokens");
        assert_eq!(write(Finish::Stop, false, true), "refusal");
        assert_eq!(write(Finish::Filtered, false, false), "refusal");
    }
}
