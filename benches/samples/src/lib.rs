//! Streams as providers send them, to be measured: thoughts, text with the escapes that text has, and a tool's call, in
//! each dialect, event by event.
//!
//! Every stream says the same, so that what one costs can be held against what another does. The forms are those of the
//! vendors' API references.

mod anthropic;
mod gemini;
mod openai;
mod responses;

use router_core::domain::Dialect;

/// The dialects that clients and these providers speak.
pub const DIALECTS: [Dialect; 4] = [Dialect::Openai, Dialect::Responses, Dialect::Anthropic, Dialect::Gemini];

/// What most of a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// Text without anything that JSON escapes.
    Plain,
    /// Text with line breaks, quotes and letters of other alphabets.
    Prose,
    /// Thoughts.
    Thoughts,
    /// The arguments of a call. Gemini has them in one piece: there, this is one call.
    Call,
    /// A fifth thoughts, three fifths prose, a fifth a call.
    Mixed,
}

impl Content {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Plain, Self::Prose, Self::Thoughts, Self::Call, Self::Mixed];

    /// What a report calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain text",
            Self::Prose => "prose",
            Self::Thoughts => "thoughts",
            Self::Call => "a call",
            Self::Mixed => "mixed",
        }
    }

    /// How many of `pieces` are thoughts, text and parts of a call.
    fn shares(self, pieces: usize) -> [usize; 3] {
        match self {
            Self::Plain | Self::Prose => [0, pieces, 0],
            Self::Thoughts => [pieces, 0, 0],
            Self::Call => [0, 0, pieces],
            Self::Mixed => [pieces / 5, pieces - 2 * (pieces / 5), pieces / 5],
        }
    }
}

/// The events of one stream, each with its framing.
pub fn stream(dialect: Dialect, content: Content, pieces: usize) -> Vec<String> {
    let [thoughts, text, call] = content.shares(pieces);
    let text = (0..text).map(|at| if content == Content::Plain { " ledger" } else { word(at) }).collect();
    let said = Said { thoughts: (0..thoughts).map(word).collect(), text, arguments: arguments(call) };
    match dialect {
        Dialect::Openai => openai::stream(&said),
        Dialect::Responses => responses::stream(&said),
        Dialect::Anthropic => anthropic::stream(&said),
        Dialect::Gemini | Dialect::Bedrock => gemini::stream(&said),
    }
}

/// What a stream says. All of it is escaped for JSON already.
struct Said {
    thoughts: Vec<&'static str>,
    text: Vec<&'static str>,
    /// Parts that together are a JSON object, as text.
    arguments: Vec<&'static str>,
}

/// Tokens of prose: one in four has something that is escaped or not ASCII.
fn word(at: usize) -> &'static str {
    [" the", " ledger", " says", " \\\"paid\\\"", " and", " the", " café", ".\\n\\n"][at % 8]
}

/// A list of numbers, in so many parts.
fn arguments(parts: usize) -> Vec<&'static str> {
    let inner = parts.saturating_sub(2);
    let middle = (0..inner).map(|at| if at % 2 == 0 { "4010" } else { ", " });
    let last = if inner.is_multiple_of(2) { "0]}" } else { "]}" };
    match parts {
        0 => Vec::new(),
        1 => vec!["{}"],
        _ => std::iter::once("{\\\"rows\\\": [").chain(middle).chain([last]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_a_json_object_in_any_number_of_parts() {
        for parts in 1..9 {
            let escaped = arguments(parts).concat();
            let text: String = escaped.replace("\\\"", "\"");
            assert!(text.starts_with('{') && text.ends_with('}'), "{text}");
            assert_eq!(arguments(parts).len(), parts);
        }
    }

    #[test]
    fn every_piece_is_an_event_of_its_own() {
        for dialect in [Dialect::Openai, Dialect::Responses, Dialect::Anthropic] {
            for content in Content::ALL {
                let frame = stream(dialect, content, 10).len() - 10;
                assert_eq!(stream(dialect, content, 60).len(), 60 + frame, "{dialect:?} {content:?}");
            }
        }
        for event in DIALECTS.iter().flat_map(|dialect| stream(*dialect, Content::Mixed, 20)) {
            assert!(
                event.contains("data: ") && event.trim_end_matches(['\r', '\n']).len() + 2 <= event.len(),
                "{event}"
            );
        }
    }
}
