//! An event of a stream as it arrives: a `GenerateContentResponse` whose texts are still where they lie.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::usage;
use crate::chat::RawStr;

/// An event. `P` is what parts are read as.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "P: Deserialize<'de>"))]
pub(super) struct Chunk<'a, P> {
    #[serde(default = "Few::none")]
    pub(super) candidates: Few<Candidate<'a, P>>,
    #[serde(borrow, default, alias = "prompt_feedback")]
    pub(super) prompt_feedback: Option<Feedback<'a>>,
    #[serde(borrow, default, alias = "usage_metadata")]
    pub(super) usage_metadata: Option<usage::Wire<'a>>,
    #[serde(borrow, default, alias = "model_version")]
    pub(super) model_version: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "response_id")]
    pub(super) response_id: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "create_time")]
    pub(super) create_time: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
}

/// One of several answers.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "P: Deserialize<'de>"))]
pub(super) struct Candidate<'a, P> {
    #[serde(borrow, default)]
    pub(super) index: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) content: Option<Content<P>>,
    #[serde(borrow, default, alias = "finish_reason")]
    pub(super) finish_reason: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "grounding_metadata")]
    pub(super) grounding_metadata: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "logprobs_result")]
    pub(super) logprobs_result: Option<&'a RawValue>,
}

/// What an answer says.
#[derive(Debug, serde::Deserialize)]
#[serde(bound(deserialize = "P: Deserialize<'de>"))]
pub(super) struct Content<P> {
    #[serde(default = "Few::none")]
    pub(super) parts: Few<P>,
}

/// A piece of it.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(borrow, default)]
    pub(super) text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) thought: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "thought_signature")]
    pub(super) thought_signature: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "function_call")]
    pub(super) function_call: Option<FunctionCall<'a>>,
    #[serde(borrow, default, alias = "inline_data")]
    pub(super) inline_data: Option<Blob<'a>>,
}

/// A call, or a piece of one.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) args: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "partial_args")]
    pub(super) partial_args: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "will_continue")]
    pub(super) will_continue: Option<&'a RawValue>,
}

/// Bytes.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    #[serde(borrow, default, alias = "mime_type")]
    pub(super) mime_type: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) data: Option<&'a RawValue>,
}

/// Why a prompt was blocked.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback<'a> {
    #[serde(borrow, default, alias = "block_reason")]
    pub(super) block_reason: Option<&'a RawValue>,
}

/// Google's account of a failure.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Fault<'a> {
    #[serde(borrow, default)]
    pub(super) status: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) message: Option<&'a RawValue>,
}

/// The text of a member that is a string and not empty.
pub(super) fn text(raw: Option<&RawValue>) -> Option<RawStr<'_>> {
    RawStr::of_json(raw?.get()).filter(|text| !text.is_empty())
}

/// Whether a member is `true`.
pub(super) fn is_true(raw: Option<&RawValue>) -> bool {
    raw.is_some_and(|raw| raw.get() == "true")
}

/// A list that mostly has one item, which is then kept without a `Vec`.
#[derive(Debug)]
pub(super) struct Few<T> {
    first: Option<T>,
    more: Vec<T>,
}

impl<T> Few<T> {
    const fn none() -> Self {
        Self { first: None, more: Vec::new() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.more)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
            type Value = Few<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_unit<E>(self) -> Result<Few<T>, E> {
                Ok(Few::none())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Few<T>, A::Error> {
                let mut few = Few { first: list.next_element()?, more: Vec::new() };
                while let Some(item) = list.next_element()? {
                    few.more.push(item);
                }
                Ok(few)
            }
        }
        deserializer.deserialize_any(List(PhantomData))
    }
}
