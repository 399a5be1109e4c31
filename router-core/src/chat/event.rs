//! A streamed answer, event by event.

use super::{Citation, Finish, RawStr};
use crate::domain::{Dialect, UsageReport};

/// Something that happened in a stream. Readers keep this order, whatever their provider does:
///
/// - [`ChatEvent::Start`] once, first;
/// - for every block [`ChatEvent::Open`], any [`ChatEvent::Delta`]s, [`ChatEvent::Close`]. The blocks of a choice are
///   numbered from 0 in the order in which they open. Several tool calls may be open at once; any other block is alone;
/// - [`ChatEvent::Finish`] once per choice, after all its blocks have closed;
/// - [`ChatEvent::Usage`] whenever more is known, each report being the whole;
/// - [`ChatEvent::End`] once, last, and only if the provider said that the answer is complete.
#[derive(Clone, Copy, Debug)]
pub enum ChatEvent<'a> {
    /// The answer begins.
    Start {
        /// The provider's id, if it gave one.
        id: Option<RawStr<'a>>,
        /// The model that answers, if the provider says so.
        model: Option<RawStr<'a>>,
        /// When, in seconds of Unix time, if the provider says so.
        created: Option<u64>,
        /// What is known of the usage so far: of the input, at most.
        usage: Option<&'a UsageReport>,
        /// The class of service that is given, if the provider says so this early.
        service_tier: Option<RawStr<'a>>,
    },
    /// A block begins.
    Open {
        /// Which answer, from 0.
        choice: u32,
        /// Which block of it, from 0.
        block: u32,
        /// What kind of block.
        opening: Opening<'a>,
    },
    /// A block goes on.
    Delta {
        /// Which answer.
        choice: u32,
        /// Which block of it.
        block: u32,
        /// How.
        delta: Delta<'a>,
    },
    /// A block is complete.
    Close {
        /// Which answer.
        choice: u32,
        /// Which block of it.
        block: u32,
    },
    /// A choice is complete.
    Finish {
        /// Which answer.
        choice: u32,
        /// Why it ended.
        finish: Finish,
        /// The text that ended it.
        stop_sequence: Option<RawStr<'a>>,
    },
    /// What was used until now.
    Usage {
        /// The whole of it.
        usage: &'a UsageReport,
        /// The class of service that was given.
        service_tier: Option<RawStr<'a>>,
    },
    /// The provider is still there (Anthropic's `ping`).
    Ping,
    /// The provider gives up; nothing follows.
    Error {
        /// The provider's word for what went wrong.
        kind: Option<RawStr<'a>>,
        /// For people. May hold what callers must not see.
        message: Option<RawStr<'a>>,
    },
    /// The answer is complete.
    End,
}

/// What kind of block begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening<'a> {
    /// Text.
    Text,
    /// The model's own words for not answering.
    Refusal,
    /// Thoughts.
    Thinking {
        /// The id of the item, where its API wants that back (OpenAI's `rs_…`).
        id: Option<RawStr<'a>>,
        /// What is shown is a summary.
        summary: bool,
    },
    /// Thoughts of which nothing is shown: all is in the [`Delta::Signature`] that follows.
    Redacted,
    /// A call of one of the caller's tools.
    ToolCall {
        /// Links it with its result; never empty.
        id: RawStr<'a>,
        /// The tool.
        name: RawStr<'a>,
        /// It takes free text in place of an object.
        custom: bool,
    },
    /// A picture that the model made; its bytes follow in one [`Delta::Data`].
    Image {
        /// Its MIME type.
        media_type: RawStr<'a>,
    },
    /// Something that only one dialect has: the whole block, as JSON.
    Foreign {
        /// Whose it is.
        dialect: Dialect,
        /// The block.
        json: &'a str,
    },
}

/// How a block goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Delta<'a> {
    /// More text, thoughts or words of refusal.
    Text(RawStr<'a>),
    /// The thoughts' summary has another part; its text follows.
    SummaryPart,
    /// More of the JSON text (or free text) of a tool's arguments.
    Arguments(RawStr<'a>),
    /// All of a tool's arguments at once: a JSON object.
    Object(&'a str),
    /// The provider's seal on this block, as it was issued.
    Signature {
        /// Who made it.
        origin: Dialect,
        /// The seal.
        data: RawStr<'a>,
    },
    /// Where the text comes from. It may come before the text that it is for.
    Citation(&'a Citation<'a>),
    /// How likely the tokens were, in OpenAI's form: a JSON array of `{token, logprob, bytes, top_logprobs}`.
    Logprobs(&'a str),
    /// Bytes in base64 of the standard alphabet.
    Data(RawStr<'a>),
}

/// Takes events, one after the other.
pub trait Sink {
    /// Takes one.
    fn event(&mut self, event: ChatEvent<'_>);
}

impl<F: FnMut(ChatEvent<'_>)> Sink for F {
    fn event(&mut self, event: ChatEvent<'_>) {
        self(event);
    }
}
