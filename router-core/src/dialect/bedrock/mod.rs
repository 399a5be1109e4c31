//! Amazon Bedrock's Converse, spoken to providers only ⇄ the common model.
//!
//! Out: a request's body ([`write_request`]; model and streaming stand in the path: `/model/{id}/converse` or
//! `…/converse-stream`). In: an answer ([`read_response`]), its usage, and a stream: binary frames
//! ([`event_stream::Splitter`]) with a JSON event in each ([`StreamReader`]). The ground is the service's published API
//! model. Signing is the proxy's.
//!
//! What a reader may not expect:
//! - Converse is one form for many models that refuse different things, so much depends on the model's id: Claude, Nova
//!   and gpt-oss are told apart, and ids that tell nothing (profiles of one's own) get the bare form.
//! - Turns alternate and begin with the user: turns of the same role are joined, and results stand first in theirs.
//!   Blank texts are refused by the API and say nothing, so they are left out. An empty tool result becomes `{}`.
//! - Ids of calls that the API refuses are written as a digest, alike in the call and in its result.
//! - A document's name may hold few characters and must be the only one of its kind; a turn with a document must have a
//!   text, so a turn without one gets the document's name for it.
//! - `tool_choice: none` leaves the tools out, unless the history has calls: then the API insists on tools, and the
//!   choice is a loss. A history with calls whose tools are gone gets tools without arguments in their place.
//! - Structured output is a forced tool ([`Written::EMULATED`](super::Written::EMULATED)), which excludes thinking.
//! - Thoughts are signed by Claude, and a signature is the same on all platforms that serve it, so it counts as
//!   Anthropic's. Answers do not name their model: [`StreamReader::from_model`] and [`read_response_from`] take it.
//! - An `http(s)` address of a picture cannot be said: the note `[image]` stands in its place, and the loss is named.

mod citation;
mod content;
mod conversation;
pub mod event_stream;
mod held;
mod media;
mod model;
mod reasoning;
mod request;
mod response;
mod settings;
mod shapes;
mod stream;
mod tools;
mod usage;

pub use request::write_request;
pub use response::{read_response, read_response_from};
pub use stream::StreamReader;
pub use usage::read_usage;
