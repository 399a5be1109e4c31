//! Chat Completions ⇄ the common model.
//!
//! In and out: whole documents as JSON values, streams as data of events. What the API has two spellings for comes out
//! in one, because it means the same:
//!
//! - a text that is the only part of a message is a string; an absent and a null member are the same; `stop` is an array;
//!   `stream: false` is not said, `stream: true` always asks for usage;
//! - `max_tokens` becomes `max_completion_tokens`; `functions`, `function_call` and the role `function` become `tools`,
//!   `tool_choice`, `tool_calls` and the role `tool`; a refusal among an assistant's parts becomes its `refusal`;
//! - thoughts are read from `reasoning_details`, else from `reasoning_content` or `reasoning`, and written as
//!   `reasoning_content`, with `reasoning_details` beside it where a provider sealed them (thought.rs says how);
//! - an answer says `refusal`, `annotations`, `logprobs` and the details of its usage even when they are empty.
//!
//! Members that we do not know ride in `extra`, those of a nested object under the object's own name. Requests that
//! came in another dialect are written for the narrowest of compatible servers: text as one string, ids within bounds.

mod answer;
mod assistant;
mod call_in;
mod choice_in;
mod choice_out;
mod cite;
mod detail;
pub(in crate::dialect) mod effort;
mod error;
mod finish;
mod format;
mod media;
mod merge;
mod message_in;
mod message_out;
mod quick;
mod request_in;
mod request_out;
mod stream_in;
mod stream_out;
mod thought;
mod tier;
mod tool_in;
mod tool_out;
mod usage;
mod wire;

pub use answer::{read_response, write_response};
pub use error::write_error;
pub use request_in::read_request;
pub use request_out::write_request;
pub use stream_in::StreamReader;
pub use stream_out::StreamWriter;
pub use usage::read_usage;
