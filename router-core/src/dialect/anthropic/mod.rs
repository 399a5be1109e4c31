//! Anthropic's Messages ⇄ the common model.
//!
//! What comes in goes out again as it was, but for spellings that the API says mean the same:
//!
//! - `content`, `system` and a tool result's `content` that are one plain text are written as a string, however they
//!   came;
//! - members that are `null`, `is_error: false`, `stream: false` and empty `citations` count as absent, and so do an
//!   empty `stop_sequences`, `tools` and an empty list as a tool result's `content`;
//! - the older `output_format` is written as `output_config.format`;
//! - counts that `usage` does not have are written as zeros.
//!
//! Members that we do not know stay in `extra` where they stood: `extra["source"]` holds what is left of a block's
//! `source`, and so on, and is put back there. A conversation of another dialect is shaped until the API
//! takes it: turns are gathered, results come first, empty texts go, thoughts that it did not sign are left out, and
//! what the model at hand refuses goes too, by what its name tells.

mod blocks;
mod citation;
mod compose;
mod error;
mod held;
mod limits;
mod media;
mod model;
mod reader;
mod reader_blocks;
mod reader_wire;
mod request;
mod response;
mod schema;
mod shape;
mod stop;
mod thinking;
mod tools;
mod turns;
mod usage;
mod writer;

pub use compose::write_request;
pub use error::{error_kind, write_error};
pub use reader::StreamReader;
pub use request::read_request;
pub use response::{read_response, write_response};
pub(super) use usage::Fold as UsageFold;
pub use usage::read_usage;
pub use writer::StreamWriter;
