//! Why an answer ended, in Google's words.

use crate::chat::Finish;

/// Reads a `finishReason`. Words that we do not know are ends like any other.
pub(super) fn read(reason: &str) -> Finish {
    match reason {
        "MAX_TOKENS" => Finish::Length,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => Finish::Filtered,
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "MALFORMED_RESPONSE" | "MISSING_THOUGHT_SIGNATURE" => {
            Finish::Malformed
        }
        "TOO_MANY_TOOL_CALLS" => Finish::Paused,
        _ => Finish::Stop,
    }
}

/// An answer that ends as usual and calls tools ends for that.
pub(super) const fn with_calls(finish: Finish, calls: bool) -> Finish {
    match finish {
        Finish::Stop if calls => Finish::ToolCalls,
        other => other,
    }
}

/// Writes a `finishReason`. Google's models that refuse in their own words stop like any other.
pub(super) const fn write(finish: Finish, refused_in_words: bool) -> &'static str {
    match finish {
        Finish::Refused if refused_in_words => "STOP",
        Finish::Stop | Finish::StopSequence | Finish::ToolCalls => "STOP",
        Finish::Length | Finish::ContextFull => "MAX_TOKENS",
        Finish::Filtered | Finish::Refused => "SAFETY",
        Finish::Paused => "TOO_MANY_TOOL_CALLS",
        Finish::Malformed => "MALFORMED_FUNCTION_CALL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_the_same_or_as_its_nearest() {
        for finish in [Finish::Stop, Finish::Length, Finish::Filtered, Finish::Paused, Finish::Malformed] {
            assert_eq!(read(write(finish, false)), finish);
        }
        assert_eq!(with_calls(read(write(Finish::ToolCalls, false)), true), Finish::ToolCalls);
        assert_eq!((write(Finish::Refused, true), write(Finish::Refused, false)), ("STOP", "SAFETY"));
        assert_eq!(with_calls(Finish::Length, true), Finish::Length);
        for reason in ["OTHER", "FINISH_REASON_UNSPECIFIED", "NO_IMAGE", "A_NEW_ONE"] {
            assert_eq!(read(reason), Finish::Stop);
        }
    }
}
