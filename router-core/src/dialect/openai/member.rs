//! The members of a request's top level that we look at, of every dialect.

use super::BadBody;
use crate::json::Span;

/// A member that we look at. Those up to [`Member::SessionId`] tell what a request needs, and stay in [`Parts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialect) enum Member {
    Tools,
    ResponseFormat,
    Text,
    Reasoning,
    ReasoningEffort,
    Thinking,
    OutputConfig,
    Metadata,
    System,
    Instructions,
    Messages,
    Input,
    Contents,
    Prompt,
    SystemInstruction,
    GenerationConfig,
    Modalities,
    Audio,
    PromptCacheKey,
    SafetyIdentifier,
    SessionId,
    Model,
    Stream,
    StreamOptions,
    MaxTokens,
    MaxCompletionTokens,
    N,
    User,
    Temperature,
    TopP,
    TopK,
    PreviousResponseId,
    Conversation,
    Background,
}

impl Member {
    pub(super) const COUNT: usize = Self::Background as usize + 1;
    const PARTS: usize = Self::SessionId as usize + 1;

    /// Those that want something remembered.
    pub(super) const STATE: [(&'static str, Self); 3] = [
        ("previous_response_id", Self::PreviousResponseId),
        ("conversation", Self::Conversation),
        ("background", Self::Background),
    ];

    /// The keys with so many bytes, and whether one that differs from them in letter case is refused: some servers' JSON
    /// readers do not mind the case, and would take another model than the one that we authorise.
    const fn of_length(bytes: usize) -> &'static [(&'static str, Self, bool)] {
        match bytes {
            1 => &[("n", Self::N, true)],
            4 => &[("user", Self::User, true), ("text", Self::Text, false)],
            5 => &[
                ("model", Self::Model, true),
                ("tools", Self::Tools, false),
                ("top_p", Self::TopP, true),
                ("top_k", Self::TopK, true),
                ("input", Self::Input, false),
                ("audio", Self::Audio, false),
            ],
            6 => &[("stream", Self::Stream, true), ("system", Self::System, false), ("prompt", Self::Prompt, false)],
            8 => &[
                ("messages", Self::Messages, false),
                ("contents", Self::Contents, false),
                ("thinking", Self::Thinking, false),
                ("metadata", Self::Metadata, false),
            ],
            9 => &[("reasoning", Self::Reasoning, false)],
            10 => &[
                ("max_tokens", Self::MaxTokens, true),
                ("background", Self::Background, true),
                ("modalities", Self::Modalities, false),
                ("session_id", Self::SessionId, false),
            ],
            11 => &[("temperature", Self::Temperature, true)],
            12 => &[("instructions", Self::Instructions, false), ("conversation", Self::Conversation, true)],
            13 => &[("output_config", Self::OutputConfig, false)],
            14 => &[("stream_options", Self::StreamOptions, true)],
            15 => &[("response_format", Self::ResponseFormat, false)],
            16 => &[
                ("reasoning_effort", Self::ReasoningEffort, false),
                ("prompt_cache_key", Self::PromptCacheKey, false),
                ("generationConfig", Self::GenerationConfig, false),
            ],
            17 => &[
                ("safety_identifier", Self::SafetyIdentifier, false),
                ("systemInstruction", Self::SystemInstruction, false),
                ("generation_config", Self::GenerationConfig, false),
            ],
            18 => &[("system_instruction", Self::SystemInstruction, false)],
            20 => &[("previous_response_id", Self::PreviousResponseId, true)],
            21 => &[("max_completion_tokens", Self::MaxCompletionTokens, true)],
            _ => &[],
        }
    }

    /// The member with this key.
    pub(super) fn named(key: &[u8]) -> Result<Option<Self>, BadBody> {
        for (name, member, strict) in Self::of_length(key.len()) {
            if key == name.as_bytes() {
                return Ok(Some(*member));
            }
            if *strict && key.eq_ignore_ascii_case(name.as_bytes()) {
                return Err(BadBody::Miscased { key: name });
            }
        }
        Ok(None)
    }
}

/// Where the members are that tell what a request needs. Read by [`Features`](crate::dialect::features::Features).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts([Span; Member::PARTS]);

impl Parts {
    /// Those among all members that were found.
    pub(super) fn of(found: &[Span; Member::COUNT]) -> Self {
        Self(std::array::from_fn(|at| found[at]))
    }

    /// Where the value of a member is, if there is one.
    pub(in crate::dialect) fn get(&self, member: Member) -> Option<Span> {
        self.0.get(member as usize).copied().filter(|span| !span.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_stands_among_those_of_its_length() {
        let mut known = 0;
        for bytes in 0..=32 {
            for (name, member, strict) in Member::of_length(bytes) {
                assert_eq!(name.len(), bytes, "{name}");
                assert_eq!(Member::named(name.as_bytes()), Ok(Some(*member)));
                let shouted = Member::named(name.to_ascii_uppercase().as_bytes());
                let expected = if *strict { Err(BadBody::Miscased { key: name }) } else { Ok(None) };
                assert_eq!(shouted, expected, "{name}");
                known += 1;
            }
        }
        // Two members of Gemini's are spelled in two ways.
        assert_eq!(known, Member::COUNT + 2);
    }
}
