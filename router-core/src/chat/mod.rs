//! One model of a conversation, wide enough for every dialect: N dialects cost 2N conversions and not N².
//!
//! Each dialect turns its requests, answers and streams into these types and back. What only one dialect knows rides
//! along in [`Extra`] or [`Body::Foreign`], goes back to that dialect, and is a loss to all others: it is named in
//! [`Losses`], never dropped in silence. Whole documents are owned; stream events are borrowed and still escaped
//! ([`RawStr`]), so that a piece of text crosses from one dialect to the other without being decoded.
//!
//! Does not know bytes on the wire, providers, keys or prices.

mod block;
mod citation;
mod event;
mod history;
mod losses;
mod raw;
mod request;
mod response;
mod signature;
mod site;

pub use block::{Block, Body, CacheMark, Media, Source, Thinking, ToolCall, ToolResult};
pub use citation::{Citation, Place, Unit};
pub use event::{ChatEvent, Delta, Opening, Sink};
pub use history::{BadHistory, check_history, join_turns, tool_name};
pub use losses::{LOSSES_MAX, Losses};
pub use raw::RawStr;
pub use request::{
    ChatRequest, Effort, Format, Hosted, Message, Reasoning, Role, Sampling, Tool, ToolBody, ToolChoice,
};
pub use response::{ChatResponse, Choice, Finish};
pub use signature::{Signature, carries_foreign_seals};
pub use site::Site;

/// Members of an object that only its own dialect knows, in the order in which they came.
pub type Extra = serde_json::Map<String, serde_json::Value>;
