//! Google's generateContent ⇄ the common model.
//!
//! Bodies of `generateContent` and of `streamGenerateContent` with `alt=sse`; whoever streams a JSON array frames our
//! events anew. Which model and whether to stream stand in the address, so requests say neither.
//!
//! What Google's API can say comes back as it was, but for these spellings, which mean the same to Google:
//!
//! - names of members in `snake_case`, and single objects in place of arrays of one;
//! - a content without a role is the user's, and the role of `systemInstruction` is nobody's; the role `tool` is `function`;
//! - bytes in the URL-safe alphabet become standard base64, except in signatures, which stay to the letter;
//! - declarations of functions stand in one group, and each other tool in a group of its own;
//! - `args` that are absent are an empty object, and a nameless index of a candidate is its place;
//! - a result without an id takes that of the call that it answers, if that has one;
//! - objects, arrays and settings that say nothing (`{}`, `[]`, `thought: false`, `MODE_UNSPECIFIED`) are left out, and
//!   words in lower case come back in upper case.
//!
//! Calls that have no id get one for the others' sake, which Google is never told. Schemas in Google's own form are read
//! as JSON Schema and kept beside it under keys that begin with a NUL, which no member has: notes to ourselves, and no
//! loss to anybody.

mod config;
mod config_out;
mod error;
mod finish;
mod grounding;
mod ids;
mod logprobs;
mod media;
mod member;
mod model;
mod part;
mod part_out;
mod partial;
mod pieces;
mod request;
mod request_out;
mod response;
mod response_out;
mod schema;
mod seal;
mod stream;
mod stream_choice;
mod stream_out;
mod time;
mod tools;
mod tools_out;
mod turn_out;
mod usage;
mod wire;

pub use error::{error_kind, write_error};
pub use request::read_request;
pub use request_out::write_request;
pub use response::read_response;
pub use response_out::write_response;
pub use stream::StreamReader;
pub use stream_out::StreamWriter;
pub(super) use usage::Fold as UsageFold;
pub use usage::read_usage;
