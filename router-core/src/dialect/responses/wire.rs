//! What a stream's events look like, as far as anything of them is looked at. Texts stay as they lie.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::RawStr;

/// A value that was not looked into.
type Raw<'w> = Option<&'w RawValue>;

/// Any event. Which members it has depends on its type.
#[derive(Debug, Deserialize)]
pub(super) struct Event<'w> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Raw<'w>,
    pub(super) output_index: Option<u32>,
    pub(super) content_index: Option<u32>,
    pub(super) summary_index: Option<u32>,
    pub(super) sequence_number: Raw<'w>,
    pub(super) obfuscation: Raw<'w>,
    pub(super) delta: Raw<'w>,
    pub(super) text: Raw<'w>,
    pub(super) refusal: Raw<'w>,
    pub(super) arguments: Raw<'w>,
    pub(super) input: Raw<'w>,
    pub(super) logprobs: Raw<'w>,
    pub(super) annotation: Raw<'w>,
    pub(super) part: Raw<'w>,
    pub(super) item: Raw<'w>,
    pub(super) response: Raw<'w>,
    pub(super) error: Raw<'w>,
    pub(super) code: Raw<'w>,
    pub(super) message: Raw<'w>,
}

/// An output item.
#[derive(Debug, Deserialize)]
pub(super) struct Item<'w> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Raw<'w>,
    pub(super) id: Raw<'w>,
    pub(super) call_id: Raw<'w>,
    pub(super) name: Raw<'w>,
    pub(super) arguments: Raw<'w>,
    pub(super) input: Raw<'w>,
    pub(super) encrypted_content: Raw<'w>,
    pub(super) content: Raw<'w>,
    pub(super) action: Raw<'w>,
}

/// A part of a message's content.
#[derive(Debug, Deserialize)]
pub(super) struct Part<'w> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Raw<'w>,
    pub(super) text: Raw<'w>,
    pub(super) refusal: Raw<'w>,
    pub(super) annotations: Raw<'w>,
    pub(super) logprobs: Raw<'w>,
}

/// The whole answer, as it is so far.
#[derive(Debug, Deserialize)]
pub(super) struct Response<'w> {
    #[serde(borrow)]
    pub(super) id: Raw<'w>,
    pub(super) model: Raw<'w>,
    pub(super) created_at: Raw<'w>,
    pub(super) status: Raw<'w>,
    pub(super) incomplete_details: Raw<'w>,
    pub(super) error: Raw<'w>,
    pub(super) usage: Raw<'w>,
    pub(super) service_tier: Raw<'w>,
    pub(super) tool_usage: Raw<'w>,
    pub(super) output: Raw<'w>,
}

/// An error, or why an answer was cut off.
#[derive(Debug, Deserialize)]
pub(super) struct Trouble<'w> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Raw<'w>,
    pub(super) code: Raw<'w>,
    pub(super) message: Raw<'w>,
    pub(super) reason: Raw<'w>,
}

/// What is said of a search.
#[derive(Debug, Deserialize)]
pub(super) struct Action<'w> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Raw<'w>,
}

/// A text, if there is one.
pub(super) fn text(raw: Raw<'_>) -> Option<RawStr<'_>> {
    RawStr::of_json(raw?.get())
}

/// A text that is not empty.
pub(super) fn some_text(raw: Raw<'_>) -> Option<RawStr<'_>> {
    text(raw).filter(|text| !text.is_empty())
}

/// A text that needs no decoding: one of the API's own words.
pub(super) fn word(raw: Raw<'_>) -> &str {
    text(raw).unwrap_or_default().as_escaped()
}

/// An array that is not empty, as JSON.
pub(super) fn array(raw: Raw<'_>) -> Option<&str> {
    let json = raw?.get();
    let inside = json.strip_prefix('[')?.strip_suffix(']')?;
    (!inside.trim_ascii().is_empty()).then_some(json)
}

/// What an object holds, if it is one.
pub(super) fn inside<'w, T: Deserialize<'w>>(raw: Raw<'w>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}
