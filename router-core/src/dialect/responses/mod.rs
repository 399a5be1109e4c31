//! OpenAI's Responses ⇄ the common model.
//!
//! One message of the model is several items in a row here. What the common model has no place for but this API wants
//! back, such as the ids of items, is kept in notes (`note.rs`) that mean nothing to other dialects.
//!
//! Written alike, because the API takes both for the same:
//! - `input` as a text, a message without `type`, and content that is one text or one part of text;
//! - members that are `null`, empty `annotations`, `logprobs` and `metadata`, and `"stream": false`;
//! - no arguments of a function and `{}`; content of the model without any part and no message at all.
//!
//! Somebody else's signature travels as the `encrypted_content` of a reasoning item that shows nothing. It belongs to the
//! block that follows. In a stream it may come too late for that: then it says to which block before it it belongs.

mod cite;
mod echo;
mod feed;
mod foreign;
mod items;
mod note;
mod options;
mod parts;
mod quick;
mod read_response;
mod reader;
mod reader_blocks;
mod reader_end;
mod request;
mod tools;
mod usage;
mod wire;
mod write_items;
mod write_parts;
mod write_request;
mod write_response;
mod writer;
mod writer_blocks;
mod writer_call;
mod writer_message;
mod writer_search;
mod writer_thoughts;

pub use echo::echo;
pub use read_response::read_response;
pub use reader::StreamReader;
pub use request::read_request;
pub use usage::{foreign_usage, read_usage};
pub use write_request::write_request;
pub use write_response::write_response;
pub use writer::StreamWriter;

/// Errors have OpenAI's one shape.
pub use super::openai::chat::write_error;

/// How the id of a Response begins.
const ID: &str = "resp_";
