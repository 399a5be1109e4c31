//! What a model's id tells of what the model accepts.

/// A model on Bedrock, as far as its id tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    /// Anthropic's, with its version: 4.5 is (4, 5).
    Claude(u32, u32),
    /// Amazon's, with its generation.
    Nova(u32),
    /// OpenAI's open models.
    GptOss,
    /// Mistral's.
    Mistral,
    /// Any other, or an id that does not tell.
    Other,
}

impl Model {
    /// Reads an id: `anthropic.claude-sonnet-4-5-20250929-v1:0`, perhaps with a region before it, or an ARN.
    pub(super) fn named(id: &str) -> Self {
        if id.contains("anthropic") || id.contains("claude") {
            let (major, minor) = claude_version(id);
            Self::Claude(major, minor)
        } else if id.contains("amazon.nova") {
            Self::Nova(if id.contains("amazon.nova-2") { 2 } else { 1 })
        } else if id.contains("openai.gpt-oss") {
            Self::GptOss
        } else if id.contains("mistral.") {
            Self::Mistral
        } else {
            Self::Other
        }
    }

    pub(super) const fn is_claude(self) -> bool {
        matches!(self, Self::Claude(..))
    }

    /// Whether this is Claude of this version or a later one.
    pub(super) fn is_claude_since(self, version: (u32, u32)) -> bool {
        matches!(self, Self::Claude(major, minor) if (major, minor) >= version)
    }

    /// Whether results of tools may say that the tool failed.
    pub(super) const fn knows_result_status(self) -> bool {
        matches!(self, Self::Claude(..) | Self::Nova(_))
    }

    /// Whether a prompt cache may end at a block.
    pub(super) fn caches_messages(self) -> bool {
        self.is_claude_since((3, 5)) || matches!(self, Self::Nova(_))
    }

    /// Whether a prompt cache may end at a tool.
    pub(super) fn caches_tools(self) -> bool {
        self.is_claude_since((3, 5))
    }

    /// Whether a prompt cache may be asked to last.
    pub(super) fn knows_cache_ttl(self) -> bool {
        self.is_claude_since((4, 5))
    }

    /// Whether arguments can be held to their schema.
    pub(super) fn knows_strict_tools(self) -> bool {
        self.is_claude_since((4, 5))
    }
}

/// `claude-3-7-sonnet-20250219` is 3.7, `claude-sonnet-4-20250514` is 4.0, `claude-opus-4-6-v1` is 4.6: the first number
/// that is no date, and the one right after it. An id that has none is taken for the version with the fewest surprises.
fn claude_version(id: &str) -> (u32, u32) {
    let name = id.rsplit_once("claude").map_or(id, |(_, name)| name);
    let mut parts = name.split(['-', ':', '.', '@']);
    let major = parts.find_map(|part| number(part.strip_prefix('v').unwrap_or(part)));
    major.map_or((4, 5), |major| (major, parts.next().and_then(number).unwrap_or(0)))
}

fn number(part: &str) -> Option<u32> {
    part.parse().ok().filter(|number| *number < 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_family_and_version() {
        for (id, model) in [
            ("anthropic.claude-3-5-sonnet-20240620-v1:0", Model::Claude(3, 5)),
            ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", Model::Claude(3, 7)),
            ("eu.anthropic.claude-sonnet-4-20250514-v1:0", Model::Claude(4, 0)),
            ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", Model::Claude(4, 5)),
            ("anthropic.claude-opus-4-6-v1", Model::Claude(4, 6)),
            ("anthropic.claude-fable-5", Model::Claude(5, 0)),
            ("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-7", Model::Claude(4, 7)),
            ("anthropic.claude-v2:1", Model::Claude(2, 1)),
            ("us.amazon.nova-2-lite-v1:0", Model::Nova(2)),
            ("amazon.nova-pro-v1:0", Model::Nova(1)),
            ("openai.gpt-oss-120b-1:0", Model::GptOss),
            ("mistral.mistral-large-2407-v1:0", Model::Mistral),
            ("meta.llama3-3-70b-instruct-v1:0", Model::Other),
            ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", Model::Other),
        ] {
            assert_eq!(Model::named(id), model, "{id}");
        }
    }

    #[test]
    fn versions_are_ordered() {
        assert!(Model::Claude(4, 5).is_claude_since((3, 7)));
        assert!(Model::Claude(5, 0).is_claude_since((4, 7)));
        assert!(!Model::Claude(4, 0).is_claude_since((4, 5)));
        assert!(!Model::Nova(9).is_claude_since((1, 0)));
    }
}
