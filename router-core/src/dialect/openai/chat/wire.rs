//! A chunk of a stream as it is on the wire: borrowed, and read no further than it must be.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::{RawStr, Signature};
use crate::domain::Dialect;

/// A value that is looked at only if it is needed. `null` counts as absent.
pub(super) type Raw<'a> = Option<&'a RawValue>;

#[derive(Debug, Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    pub(super) id: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) model: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) created: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow, default)]
    pub(super) usage: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) service_tier: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) error: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) object: Raw<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(borrow, default)]
    pub(super) index: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    pub(super) logprobs: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) stop_reason: Raw<'a>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(borrow, default)]
    pub(super) content: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) refusal: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) reasoning_content: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) reasoning: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) reasoning_details: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) tool_calls: Option<Vec<Call<'a>>>,
    #[serde(borrow, default)]
    pub(super) function_call: Option<Function<'a>>,
    #[serde(borrow, default)]
    pub(super) annotations: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) images: Raw<'a>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Call<'a> {
    #[serde(borrow, default)]
    pub(super) index: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) id: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) function: Option<Function<'a>>,
    #[serde(borrow, default)]
    pub(super) custom: Option<Function<'a>>,
    #[serde(borrow, default)]
    pub(super) extra_content: Raw<'a>,
}

/// A function's call, or a custom tool's.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Function<'a> {
    #[serde(borrow, default)]
    pub(super) name: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) arguments: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) input: Raw<'a>,
}

/// An entry of `reasoning_details`.
#[derive(Debug, Deserialize)]
pub(super) struct Detail<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) text: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) summary: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) signature: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) data: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) id: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) index: Raw<'a>,
}

/// How likely tokens were.
#[derive(Debug, Deserialize)]
pub(super) struct Logprobs<'a> {
    #[serde(borrow, default)]
    pub(super) content: Raw<'a>,
}

/// A picture that the model made.
#[derive(Debug, Deserialize)]
pub(super) struct Image<'a> {
    #[serde(borrow, default)]
    pub(super) image_url: Option<ImageUrl<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ImageUrl<'a> {
    #[serde(borrow, default)]
    pub(super) url: Raw<'a>,
}

/// What went wrong.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Failed<'a> {
    #[serde(borrow, default)]
    pub(super) message: Raw<'a>,
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) code: Raw<'a>,
}

/// A part of a content that is an array (Mistral's).
#[derive(Debug, Deserialize)]
pub(super) struct Part<'a> {
    #[serde(borrow, default)]
    pub(super) text: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) thinking: Raw<'a>,
}

#[derive(Deserialize)]
struct Google<'a> {
    #[serde(borrow, default)]
    thought_signature: Raw<'a>,
}

#[derive(Deserialize)]
struct ExtraContent<'a> {
    #[serde(borrow, default)]
    google: Option<Google<'a>>,
}

/// A string that says something.
pub(super) fn text(raw: Raw<'_>) -> Option<RawStr<'_>> {
    RawStr::of_json(raw?.get()).filter(|text| !text.is_empty())
}

/// A whole number.
pub(super) fn whole(raw: Raw<'_>) -> Option<u64> {
    raw?.get().parse().ok()
}

/// A value of the form that is expected, if it has that.
pub(super) fn of<'a, T: Deserialize<'a>>(raw: Raw<'a>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// The items of an array, if it is one. Nothing else is tried: a failure costs an allocation.
pub(super) fn list<'a, T: Deserialize<'a>>(raw: Raw<'a>) -> Vec<T> {
    of(raw.filter(|raw| raw.get().starts_with('['))).unwrap_or_default()
}

/// The seal of a call.
pub(super) fn seal_of_call(raw: Raw<'_>) -> Option<RawStr<'_>> {
    text(of::<ExtraContent<'_>>(raw)?.google?.thought_signature)
}

/// A seal as its field carries it, still escaped: a mark has nothing that needs an escape.
pub(super) fn seal(field: Dialect, escaped: RawStr<'_>) -> Signature {
    Signature::from_field(field, escaped.as_escaped())
}
