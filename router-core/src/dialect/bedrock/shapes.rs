//! The events of a stream as they are on the wire. Texts stay as they stand, escapes and all.

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlockStart<'a> {
    pub(super) content_block_index: Option<u64>,
    #[serde(borrow)]
    pub(super) start: Option<Starting<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Starting<'a> {
    #[serde(borrow)]
    pub(super) tool_use: Option<ToolStart<'a>>,
    #[serde(borrow)]
    pub(super) tool_result: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) image: Option<ImageStart<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolStart<'a> {
    #[serde(borrow)]
    pub(super) tool_use_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) name: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    pub(super) hosted: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct ImageStart<'a> {
    #[serde(borrow)]
    pub(super) format: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlockDelta<'a> {
    pub(super) content_block_index: Option<u64>,
    #[serde(borrow)]
    pub(super) delta: Option<Piece<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Piece<'a> {
    #[serde(borrow)]
    pub(super) text: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) tool_use: Option<ToolPiece<'a>>,
    #[serde(borrow)]
    pub(super) tool_result: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) reasoning_content: Option<Thought<'a>>,
    #[serde(borrow)]
    pub(super) citation: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) image: Option<ImagePiece<'a>>,
}

#[derive(Deserialize)]
pub(super) struct ToolPiece<'a> {
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Thought<'a> {
    #[serde(borrow)]
    pub(super) text: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) signature: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) redacted_content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct ImagePiece<'a> {
    #[serde(borrow)]
    pub(super) source: Option<ImageSource<'a>>,
}

#[derive(Deserialize)]
pub(super) struct ImageSource<'a> {
    #[serde(borrow)]
    pub(super) bytes: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlockStop {
    pub(super) content_block_index: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageStop<'a> {
    #[serde(borrow)]
    pub(super) stop_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) additional_model_response_fields: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Additional<'a> {
    #[serde(borrow)]
    pub(super) stop_sequence: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata<'a> {
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) service_tier: Option<Tier<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Tier<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Exception<'a> {
    #[serde(borrow, alias = "Message")]
    pub(super) message: Option<&'a RawValue>,
}

/// An event of which nothing is wanted.
#[derive(Deserialize)]
pub(super) struct Anything {}
